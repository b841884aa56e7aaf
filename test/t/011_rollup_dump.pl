# pg_dump and restore of what is stored of sources: in the middle of things, with days that changed since they were stored
# and days that are frozen. The restored source gives the same answers, knows what is dirty, and goes on from there.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use Headcount;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('first', conf => "timezone = 'UTC'\n");
$node->safe_psql('postgres', 'CREATE ROLE keeper LOGIN; CREATE ROLE manager; GRANT CREATE ON DATABASE postgres TO keeper; GRANT CREATE ON SCHEMA public TO keeper');
twin_tables($node);
fill_twins($node);
twin_sources($node);

my $other = PostgreSQL::Test::Cluster->new('second');
$other->init(extra => [ '-E', 'UTF8', '--locale=C.UTF-8' ]);
$other->append_conf('postgresql.conf', "timezone = 'UTC'\njit = off\n");
$other->start;
$other->safe_psql('postgres', 'CREATE ROLE keeper LOGIN; CREATE ROLE manager');

my $dir = PostgreSQL::Test::Utils::tempdir;

# --- before the first refresh ------------------------------------------------------------------------------------------

$node->command_ok([ 'pg_dump', '--format=custom', '--file', "$dir/fresh", 'postgres' ], 'pg_dump where nothing is stored yet');
$other->safe_psql('postgres', 'CREATE DATABASE fresh');
$other->command_ok([ 'pg_restore', '--exit-on-error', '--jobs=2', '--dbname', $other->connstr('fresh'), "$dir/fresh" ], 'pg_restore');
goes_on('fresh', 't|0|0', 'where nothing was stored yet');

# --- in the middle of things -------------------------------------------------------------------------------------------

# A source of another owner, whose right to his table's schema comes last in a dump, with frozen days whose sessions are gone.
$node->safe_psql('postgres', <<'SQL');
CREATE SCHEMA app AUTHORIZATION manager;
GRANT USAGE, CREATE ON SCHEMA app TO keeper;
SET ROLE keeper;
CREATE TABLE app.visit (id integer PRIMARY KEY, badge text, gate text, entered timestamptz, gone timestamptz);
INSERT INTO app.visit SELECT i, 'badge ' || i % 17, 'gate ' || i % 5, timestamptz '2026-01-01 00:00+00' + i * interval '97 minutes', timestamptz '2026-01-01 05:00+00' + i * interval '97 minutes' FROM generate_series(1, 400) AS i;
SELECT headcount.create_source('visits', 'app.visit', 'badge', 'gate', 'entered', 'gone', time_zone => 'UTC', dimensions => '{"place": "upper(gate)"}');
SELECT headcount.create_source('tallied', 'app.visit', 'badge', 'gate', 'entered', 'gone', time_zone => 'UTC', dimensions => '{"place": "upper(gate)"}', exact => false);
SQL
$node->safe_psql('postgres', 'CALL headcount.refresh()');
$node->safe_psql('postgres', <<'SQL');
SELECT headcount.freeze('visits', '2026-01-10');
DELETE FROM app.visit WHERE gone < '2026-01-09';
UPDATE app.visit SET badge = 'badge 100' WHERE id = 300;
UPDATE login SET went = went + interval '40 hours' WHERE id IN (100, 200);
DELETE FROM login WHERE id = 150;
INSERT INTO refused VALUES (1000, 'user 1000', 'nas 1', '2026-01-07 10:00');
SQL
is(twins_differ($node), '', 'before the dump: stored and computed days are the same');
like(my $status = rollup_status($node), qr/^t\|[1-9]\d?\|0$/, 'before the dump: some days are dirty');
like(my $frozen_status = rollup_status($node, 'postgres', 'visits'), qr/^t\|[1-9]\d?\|0$/, '... of the other source too');
my $before = answers($node, 'postgres');

$node->command_ok([ 'pg_dump', '--format=custom', '--file', "$dir/all", 'postgres' ], 'pg_dump --format=custom');
$node->command_ok([ 'pg_dump', '--format=plain', '--file', "$dir/all.sql", 'postgres' ], 'pg_dump --format=plain');
my %restores = (
	jobs     => [ [ 'pg_restore', '--exit-on-error', '--jobs=2', "$dir/all" ] ],
	plain    => [ [ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', "$dir/all.sql" ] ],
	sections => [ map { [ 'pg_restore', '--exit-on-error', "--section=$_", "$dir/all" ] } qw(pre-data data post-data) ],
);
for my $how (sort keys %restores)
{
	$other->safe_psql('postgres', "CREATE DATABASE $how");
	restores($how, $_) for @{ $restores{$how} };
	is(answers($other, $how), $before, "$how: the answers are the same");
	is(rollup_status($other, $how, 'visits'), $frozen_status, "$how: frozen and dirty days, and triggers, are as they were");
	is($other->safe_psql($how, q{SELECT string_agg(source || ' ' || coalesce((stored_until AT TIME ZONE 'UTC')::text, 'computed'), ', ' ORDER BY source) FROM headcount.source_status WHERE materialized}),
		'stored computed, tallied computed, visits 2026-01-10 00:00:00', "$how: until a refresh only frozen days are read as they are stored, as source_status says");
	goes_on($how, $status, $how);
	$other->safe_psql($how, q{UPDATE app.visit SET badge = 'badge 200' WHERE id = 290});
	$other->safe_psql($how, q{CALL headcount.refresh('visits')});
	is(rollup_status($other, $how, 'visits'), 't|0|0', "$how: and the other source, too");
	is($other->safe_psql($how, q{SET headcount.as_of = '2026-02-01 12:00+00'; SELECT max(total_users), max(daily_users) FILTER (WHERE day = '2026-01-05') FROM visits.daily_user_counts}),
		'19|17', "$how: ... with its frozen days");
	is($other->safe_psql($how, q{CALL headcount.refresh('tallied')}) . rollup_status($other, $how, 'tallied'), 'f|0|0', "$how: so is the one that stores sketches");
	is($other->safe_psql($how, q{
		SELECT (SELECT count(*) FROM tallied.rollup_dictionary), (SELECT count(*) > 20 FROM tallied.rollup_days WHERE scope = 'a' AND used_count > 0);
		SELECT headcount.create_source('judge', 'app.visit', 'badge', 'gate', 'entered', 'gone', time_zone => 'UTC', materialized => false) <> '';
		SELECT count(*) FROM (SELECT day, total_users, daily_users, denial_users, denials, concurrent_hosts, concurrent_hosts_at, complete FROM tallied.daily_user_counts_2025
			EXCEPT ALL SELECT day, total_users, daily_users, denial_users, denials, concurrent_hosts, concurrent_hosts_at, complete FROM judge.daily_user_counts_2025) AS d}),
		"0|t\nt\n0", "$how: ... without names, and with the numbers of so few users exact");
}

sub restores
{
	my ($db, $command) = @_;
	my ($program, @arguments) = @$command;
	$other->command_ok([ $program, '--dbname', $other->connstr($db), @arguments ], "$db: " . join ' ', grep { !m{/} } @$command);
	return;
}

# Every view of all sources but the live one at one instant, and what is known of them.
sub answers
{
	my ($server, $db) = @_;
	my $sql = "SET headcount.as_of = '2026-02-01 12:00+00';\n";
	for my $view (map { my $source = $_; map { "$source.$_" } qw(daily_user_counts_2013 daily_user_counts_2019 daily_user_counts_2025 daily_user_counts_by_server daily_user_counts_by_place daily_user_sketches sessions denials) } qw(stored visits tallied))
	{
		$sql .= "SELECT '$view', count(*), md5(string_agg(v::text, chr(10) ORDER BY v::text)) FROM $view AS v;\n";
	}
	$sql .= "SELECT s.source, s.owner, s.materialized, s.exact, s.first_day, s.dirty_days FROM headcount.source_status AS s ORDER BY 1;\n";
	$sql .= "SELECT r.frozen_before, r.next_user_id, ARRAY(SELECT n::text FROM unnest(r.relations) AS n ORDER BY 1) FROM $_.rollup_state AS r;\n" for qw(stored visits tallied);
	return $server->safe_psql($db, $sql);
}

# The restored source is right, and stays so: changes are logged, the partitions' too, and a refresh stores what is to be stored.
sub goes_on
{
	my ($db, $expected, $words) = @_;
	is(twins_differ($other, $db), '', "$words: stored and computed days are the same");
	like(rollup_status($other, $db), ref $expected ? $expected : qr/^\Q$expected\E$/, "$words: exact, as many days are dirty, verify finds nothing");
	$other->safe_psql($db, q{CALL headcount.refresh('stored')});
	$other->safe_psql($db, q{
		INSERT INTO login VALUES (5000, 'a new user', 'host 1', 'nas 1', '2026-01-04 10:00', '2026-01-05 10:00');
		INSERT INTO late VALUES (5001, 'a new user', 'host 1', 'nas 1', '2026-01-14 10:00', '2026-01-14 12:00');
		DELETE FROM refused WHERE at BETWEEN '2026-01-08 12:00' AND '2026-01-09 12:00'});
	is(rollup_status($other, $db), 't|5|0', "$words: after a refresh, changes are logged, and nothing else is dirty");
	is(twins_differ($other, $db), '', "$words: ... and seen");
	$other->safe_psql($db, q{CALL headcount.refresh('stored')});
	is(twins_differ($other, $db), '', "$words: ... and stored");
	is(rollup_status($other, $db), 't|0|0', "$words: ... without a fault");
	return;
}

# --- by the owner, who is no superuser ---------------------------------------------------------------------------------

# The extension has to be there: only a superuser makes it, or comments on it.
$node->safe_psql('postgres', 'CREATE DATABASE his OWNER keeper');
$node->safe_psql('his', 'SET client_min_messages = warning; CREATE EXTENSION headcount CASCADE');
$node->safe_psql('his', q{GRANT ALL ON SCHEMA public TO keeper; ALTER DATABASE his SET role = keeper});
for my $part (\&twin_tables, \&fill_twins, \&twin_sources)
{
	$part->($node, 'his');
}
$node->safe_psql('his', q{CALL headcount.refresh('stored')});
$node->safe_psql('his', q{UPDATE login SET who = 'another' WHERE id = 77});
is($node->safe_psql('his', q{SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname IN ('public', 'stored')}), 'keeper', 'everything is the owner\'s');
is(my $his_status = rollup_status($node, 'his'), 't|1|0', 'some days are dirty');
$node->command_ok([ 'pg_dump', '-U', 'keeper', '--format=custom', '--file', "$dir/his", 'his' ], 'the owner dumps his database');
$other->safe_psql('postgres', 'CREATE DATABASE his OWNER keeper');
$other->safe_psql('his', 'SET client_min_messages = warning; CREATE EXTENSION headcount CASCADE');
my ($contents) = run_command([ 'pg_restore', '--list', "$dir/his" ]);
PostgreSQL::Test::Utils::append_to_file("$dir/list", join "\n", grep { !/ (EXTENSION - |EXTENSION |SCHEMA - |SCHEMA )(hll|headcount|public)\b/ } split "\n", $contents);
$other->command_ok([ 'pg_restore', '-U', 'keeper', '--exit-on-error', '--jobs=2', '--use-list', "$dir/list", '--dbname', $other->connstr('his'), "$dir/his" ],
	'... and restores it where the extension is');
goes_on('his', $his_status, 'his own');

# --- halves ------------------------------------------------------------------------------------------------------------

$node->command_ok([ 'pg_dump', '--format=custom', '--schema-only', '--file', "$dir/schema", 'postgres' ], 'pg_dump --schema-only');
$node->command_ok([ 'pg_dump', '--format=custom', '--data-only', '--file', "$dir/data", 'postgres' ], 'pg_dump --data-only');
$node->command_ok([ 'pg_dump', '--format=custom', '--data-only', '--table=public.*', '--file', "$dir/tables", 'postgres' ], 'pg_dump of the users\' tables only');
my %halves = (
	'halves'       => [ 'data' ],
	'untriggered'  => [ 'data', '--disable-triggers' ],
	'schema_alone' => [ 'tables' ],
);
for my $db (sort keys %halves)
{
	my ($file, @options) = @{ $halves{$db} };
	$other->safe_psql('postgres', "CREATE DATABASE $db");
	restores($db, [ 'pg_restore', '--exit-on-error', "$dir/schema" ]);
	is($other->safe_psql($db, q{SELECT count(*) FROM stored.daily_user_counts}), '0', "$db: the views are there, and empty");
	restores($db, [ 'pg_restore', '--exit-on-error', @options, "$dir/$file" ]);
	is(twins_differ($other, $db), '', "$db: stored and computed days are the same");
}
# Loading was logged, on top of what the dump says of what is stored.
like(rollup_status($other, 'halves'), qr/^t\|\d+\|0$/, 'halves: no fault');
$other->safe_psql('halves', q{CALL headcount.refresh('stored')});
goes_on('halves', 't|0|0', 'halves');
# Triggers that were switched off and on again are made anew by the first refresh.
$other->safe_psql('untriggered', $_) for map { "ALTER TABLE $_ ENABLE TRIGGER USER" } qw(login early late refused);
goes_on('untriggered', qr/^t\|\d+\|0$/, 'untriggered');
# What a source was told is data. Without it, its views are computed, for ever.
is(sqlstates($other, q{CALL headcount.refresh('stored')}, db => 'schema_alone'), '42704', 'schema alone: such a source is not known');
$other->safe_psql('schema_alone', q{INSERT INTO login VALUES (5000, 'a new user', 'host 1', 'nas 1', '2026-01-04 10:00', '2026-01-05 10:00')});
is(twins_differ($other, 'schema_alone'), '', 'schema alone: its views follow the tables');
$other->safe_psql('schema_alone', 'SET client_min_messages = warning; DROP SCHEMA stored, live CASCADE');
twin_sources($other, 'schema_alone');
is($other->safe_psql('schema_alone', q{SELECT count(*) FROM pg_trigger AS t WHERE t.tgfoid = 'headcount_internal.log_changes()'::regprocedure AND tgrelid <> 'app.visit'::regclass
	AND NOT EXISTS (SELECT FROM headcount_internal.tracking_trigger AS k WHERE k.trigger = t.oid AND k.definition IS NOT NULL)}), '0', 'schema alone: its triggers went when a source was made anew');
$other->safe_psql('schema_alone', q{DELETE FROM login WHERE id = 5000});
goes_on('schema_alone', 't|0|0', 'made anew');

done_testing();
