# pg_dump and restore: sources come back as they were, and the extension itself is dumped as one line.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use Headcount;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('dump', conf => "timezone = 'UTC'\n");
small_source($node);

# A second source, of another owner, over a table with a name that needs quotes, with options that a dump must carry.
$node->safe_psql('postgres', <<'SQL');
CREATE ROLE keeper;
CREATE ROLE reader;
GRANT CREATE ON DATABASE postgres TO keeper;
GRANT CREATE ON SCHEMA public TO keeper;
SET ROLE keeper;
CREATE TABLE "Log ""ins""" AS SELECT * FROM (VALUES ('Ann', 'h1', timestamp '2026-03-29 01:30', timestamp '2026-03-29 04:00')) AS v ("Who", "Host", "From", "To");
SELECT headcount.create_source('Second "one"', '"Log ""ins"""', '"Who"', '"Host"', '"From"', '"To"',
	time_zone => 'Europe/Warsaw', licensing_model => '2013', window_days => 7, weight => 'length("Who")', dimensions => '{"letter": "left(\"Who\", 1)"}');
GRANT SELECT ON "Second ""one""".daily_user_counts TO reader;
CREATE VIEW upon AS SELECT day, daily_users FROM "Second ""one""".daily_user_counts;
RESET ROLE;
CREATE TABLE kept AS SELECT headcount.presence_agg(who, came, went) AS p FROM login;
CREATE MATERIALIZED VIEW daily AS SELECT * FROM wifi.daily_user_counts;
SELECT headcount.create_instance('sag-wifi', 'here', 'wifi', 'nas 1');
SELECT headcount.create_instance('sag-second', 'there', 'Second "one"');
SQL

my @views = map { "wifi.$_" } qw(sessions denials online_users online_sessions daily_user_counts daily_user_counts_2013
  daily_user_counts_2019 daily_user_counts_2025 daily_user_counts_by_server realtime_users_count data_quality);
push @views, 'wifi.daily_user_sketches', '"Second ""one""".daily_user_counts', '"Second ""one""".daily_user_counts_by_letter', 'upon', 'daily', 'kept';

# All views at one instant, so that "now" is the same before and after.
sub answers
{
	my ($db, $server) = @_;
	my $sql = "SET headcount.as_of = '2026-02-01 12:00+00';\n";
	for my $view (@views)
	{
		(my $name = $view) =~ s/'/''/g;
		$sql .= "SELECT '$name', count(*), md5(string_agg(v::text, chr(10) ORDER BY v::text)) FROM $view AS v;\n";
	}
	$sql .= "SELECT * FROM headcount.online_counts('wifi', '{USER 3,user 4,nobody}', '2026-01-03 08:00+00');\n";
	$sql .= "SELECT headcount.describe_user_online_client_statistics('here', '{user16,USER-3}', as_of => '2026-01-03 08:00+00')::json -> 'UserStatistics';\n";
	$sql .= "SELECT a.source, pg_get_userbyid(a.owner) FROM headcount_internal.all_sources() AS a ORDER BY 1; TABLE wifi.settings; TABLE \"Second \"\"one\"\"\".settings;\n";
	$sql .= "SELECT i.smart_ag_id, i.region_id, i.source, i.server FROM headcount_internal.present_instance AS i ORDER BY 1;\n";
	$sql .= "SELECT n.nspname, c.relname, c.relacl, pg_get_userbyid(c.relowner), obj_description(c.oid, 'pg_class') FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace WHERE nspname IN ('wifi', 'Second \"one\"') ORDER BY 1, 2;\n";
	$sql .= "SELECT nspname, nspacl, obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname IN ('wifi', 'Second \"one\"') ORDER BY 1;\n";
	return ($server // $node)->safe_psql($db, $sql);
}
my $before = answers('postgres');
like($before, qr/^wifi\.daily_user_counts\|3\d\|/m, 'there is something to compare');

# --- the dump -----------------------------------------------------------------------------------------------------------

my $dir = PostgreSQL::Test::Utils::tempdir;
$node->command_ok([ 'pg_dump', '--format=custom', '--file', "$dir/all", 'postgres' ], 'pg_dump');
my ($text, $errors) = run_command([ 'pg_restore', '--file', '-', "$dir/all" ]);
is($errors, '', 'no complaint from pg_restore');
# Triggers are on the user's tables; only their function is the extension's.
my @ours = grep { /^(CREATE|ALTER) .*headcount[."]/ && !/^CREATE (VIEW|TABLE|MATERIALIZED VIEW) (wifi|public|"Second)/ && !/^CREATE TRIGGER headcount_/ } split "\n", $text;
is(join("\n", @ours), '', 'no object of the extension is dumped one by one');
like($text, qr/^CREATE EXTENSION IF NOT EXISTS headcount\b/m, 'the extension is one line of the dump');
like($text, qr/^COPY wifi\.settings .*\n\S/m, 'what a source was told is in the dump');
like($text, qr/^COPY wifi\.instances .*\n(.*\n)?sag-wifi\there\tnas 1$/m, '... and its instances');

# --- restored: another database, another cluster, one transaction, parallel ---------------------------------------------

my $other = PostgreSQL::Test::Cluster->new('other');
$other->init(extra => [ '-E', 'UTF8', '--locale=C.UTF-8' ]);
$other->append_conf('postgresql.conf', "timezone = 'UTC'\n");
$other->start;
$other->safe_psql('postgres', 'CREATE ROLE reader; CREATE ROLE keeper;');
my %restores = (
	'one transaction' => [ '--single-transaction' ],
	'four jobs'       => [ '--jobs=4' ],
);
for my $how (sort keys %restores)
{
	(my $db = $how) =~ s/ /_/g;
	$other->safe_psql('postgres', "CREATE DATABASE $db");
	$other->command_ok([ 'pg_restore', '--exit-on-error', @{ $restores{$how} }, '--dbname', $other->connstr($db), "$dir/all" ], "pg_restore in $how");
	is(answers($db, $other), $before, "$how: every view, right and row of the registry as before");
}

# The plain dump, twice over: what is dumped from the restored database is what was dumped first. (As sets of lines: rows
# change places, and PostgreSQL writes "user_name AS user_name" where it wrote "user_name" once it has read that.)
sub dump_lines
{
	my ($server, $db) = @_;
	my ($dump, $complaint) = run_command([ 'pg_dump', '-d', $server->connstr($db) ]);
	is($complaint, '', "no complaint from pg_dump about $db");
	return join "\n", sort map { s/\b(\w+) AS \1\b/$1/gr } grep { !/^--|^\\(un)?restrict / } split "\n", $dump;
}
ok(dump_lines($other, 'one_transaction') eq dump_lines($node, 'postgres'), 'a dump of the restored database is the same dump');

# --- and they work ------------------------------------------------------------------------------------------------------

my $db = 'one_transaction';
is(sqlstates_of($other, $db, q{SELECT headcount.alter_source('wifi', window_days => 5)}), '', 'alter_source works on a restored source');
is(sqlstates_of($other, $db, q{SELECT headcount.create_source('wifi', 'login', 'who', 'mac', 'came', 'went')}), '42P06', 'its name is taken');
is(sqlstates_of($other, $db, q{SELECT headcount.drop_source('wifi')}), '2BP01', 'drop_source sees the materialized view on top of it');
is(sqlstates_of($other, $db, q{DROP MATERIALIZED VIEW daily; SELECT headcount.drop_source('wifi')}), '', 'drop_source works on a restored source');
is($other->safe_psql($db, q{SELECT count(*) FROM pg_namespace WHERE nspname = 'wifi'}), '0', 'its schema is gone');
is($other->safe_psql($db, q{SELECT string_agg(source, ',') FROM headcount_internal.all_sources()}), q(Second "one"), "it is gone, the other is there");
is($other->safe_psql($db, q{SELECT string_agg(smart_ag_id, ',') FROM headcount_internal.present_instance}), 'sag-second', 'its instance went with it');
is($other->safe_psql($db, q{SELECT count(*) FROM login}), '400', 'the table is untouched');

# A source whose schema was dropped by hand is no part of a dump.
$node->safe_psql('postgres', 'DROP MATERIALIZED VIEW daily; DROP SCHEMA wifi CASCADE');
my ($without) = run_command([ 'pg_dump', '-d', $node->connstr('postgres') ]);
unlike($without, qr/wifi/, 'nothing of a source whose schema was dropped is dumped');

# Schema only, data only: the two halves make the whole.
$other->safe_psql('postgres', 'CREATE DATABASE halves');
$node->command_ok([ 'pg_dump', '--format=custom', '--schema-only', '--file', "$dir/schema", 'postgres' ], 'pg_dump --schema-only');
$node->command_ok([ 'pg_dump', '--format=custom', '--data-only', '--file', "$dir/data", 'postgres' ], 'pg_dump --data-only');
for my $half ('schema', 'data')
{
	$other->command_ok([ 'pg_restore', '--exit-on-error', '--dbname', $other->connstr('halves'), "$dir/$half" ], "pg_restore of the $half");
}
is($other->safe_psql('halves', q{SELECT day, daily_users FROM "Second ""one""".daily_user_counts WHERE daily_users > 0}), '2026-03-29|1',
	'the source works from its halves');

# pg_dumpall's roles-first order is what clusters are moved with.
$node->command_ok([ 'pg_dumpall', '--file', "$dir/cluster.sql" ], 'pg_dumpall');

sub sqlstates_of { my ($server, $database, $sql) = @_; return sqlstates($server, $sql, db => $database); }

done_testing();
