# Writers never fail because of us, owners are not stuck with what they made, and people are told what they need: whatever
# became of the log, of columns and of names.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use Headcount;
use Twins;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('writers', conf => "log_statement = none\nwal_level = logical\n");
my $session = twin_roles($node);
sub value { my ($sql, $db) = @_; return $node->safe_psql($db // 'postgres', $sql); }

# --- the log -----------------------------------------------------------------------------------------------------------

# Whatever its owner, or a tool of his, makes of the log, where PostgreSQL lets him: writers write, and numbers are right.
for my $scenario (
	[ 'an index on the log',            q{'CREATE INDEX ON stored.%1$I (%2$I)', c.relname, (SELECT attname FROM pg_attribute WHERE attrelid = c.oid AND attnum = 1)} ],
	[ 'a unique index on the log',      q{'CREATE UNIQUE INDEX ON stored.%1$I ((1))'} ],
	[ 'a unique index on its columns',  q{'CREATE UNIQUE INDEX ON stored.%1$I (%2$I)', c.relname, (SELECT attname FROM pg_attribute WHERE attrelid = c.oid AND attnum = 1)} ],
	[ 'a primary key on the log',       q{'ALTER TABLE stored.%1$I ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY'} ],
	[ 'an index with a function that fails', q{'CREATE FUNCTION stored.fails(x stored.%1$I) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $f$BEGIN RAISE ''index''; END$f$; CREATE INDEX ON stored.%1$I (stored.fails(%1$I))'} ],
	[ 'a check on the log',             q{'ALTER TABLE stored.%1$I ADD CHECK (false) NOT VALID'} ],
	[ 'an exclusion constraint',        q{'ALTER TABLE stored.%1$I ADD EXCLUDE USING btree ((1) WITH =)'} ],
	[ 'a foreign key',                  q{'CREATE TABLE w.days (day date PRIMARY KEY); ALTER TABLE stored.%1$I ADD COLUMN day date DEFAULT ''2020-01-01''; ALTER TABLE stored.%1$I ADD FOREIGN KEY (day) REFERENCES w.days NOT VALID'} ],
	[ 'a column is added',              q{'ALTER TABLE stored.%1$I ADD COLUMN note text'} ],
	[ 'a column that must be there',    q{'DELETE FROM stored.%1$I; ALTER TABLE stored.%1$I ADD COLUMN note text NOT NULL'} ],
	[ 'a column with a default that fails', q{'CREATE FUNCTION stored.fails() RETURNS integer LANGUAGE plpgsql AS $f$BEGIN RAISE ''default''; END$f$; ALTER TABLE stored.%1$I ADD COLUMN note integer; ALTER TABLE stored.%1$I ALTER COLUMN note SET DEFAULT stored.fails()'} ],
	[ 'a generated column',             q{'ALTER TABLE stored.%1$I ADD COLUMN note integer GENERATED ALWAYS AS (1 / 0) STORED'} ],
	[ 'a column is dropped',            q{'ALTER TABLE stored.%1$I DROP COLUMN %2$I', c.relname, (SELECT attname FROM pg_attribute WHERE attrelid = c.oid AND attnum = 2)} ],
	[ 'a column is dropped, and the views with it', q{'ALTER TABLE stored.%1$I DROP COLUMN %2$I CASCADE', c.relname, (SELECT attname FROM pg_attribute WHERE attrelid = c.oid AND attnum = 2)}, '42P01|42703|42704' ],
	[ 'a column is renamed',            q{'ALTER TABLE stored.%1$I RENAME COLUMN %2$I TO renamed', c.relname, (SELECT attname FROM pg_attribute WHERE attrelid = c.oid AND attnum = 1)} ],
	[ 'a column is put in place of another', q{'ALTER TABLE stored.%1$I RENAME COLUMN %2$I TO renamed; ALTER TABLE stored.%1$I ADD COLUMN %2$I date', c.relname, (SELECT attname FROM pg_attribute WHERE attrelid = c.oid AND attnum = 1)} ],
	[ 'a column may no more be null',   q{'ALTER TABLE stored.%1$I ADD COLUMN x integer; ALTER TABLE stored.%1$I ALTER COLUMN x SET NOT NULL'} ],
	[ 'a rule that does nothing',       q{'CREATE RULE r AS ON INSERT TO stored.%1$I DO INSTEAD NOTHING'} ],
	[ 'a trigger that drops rows',      q{'CREATE FUNCTION stored.trip() RETURNS trigger LANGUAGE plpgsql AS $f$BEGIN RETURN NULL; END$f$; CREATE TRIGGER t BEFORE INSERT ON stored.%1$I FOR EACH ROW EXECUTE FUNCTION stored.trip()'} ],
	[ 'a trigger that fails',           q{'CREATE FUNCTION stored.trip() RETURNS trigger LANGUAGE plpgsql AS $f$BEGIN RAISE ''trigger''; END$f$; CREATE TRIGGER t BEFORE INSERT ON stored.%1$I FOR EACH STATEMENT EXECUTE FUNCTION stored.trip(); CREATE TRIGGER u AFTER INSERT ON stored.%1$I FOR EACH ROW EXECUTE FUNCTION stored.trip()'}, 'P0001' ],
	[ 'the log inherits',               q{'CREATE TABLE w.parent (LIKE stored.%1$I); ALTER TABLE w.parent OWNER TO keeper; ALTER TABLE stored.%1$I INHERIT w.parent'} ],
	[ 'the log has a child',            q{'CREATE TABLE w.child () INHERITS (stored.%1$I)'} ],
	[ 'the log is a partition',         q{'CREATE TABLE w.parted (LIKE stored.%1$I) PARTITION BY LIST (%2$I); ALTER TABLE w.parted OWNER TO keeper; ALTER TABLE w.parted ATTACH PARTITION stored.%1$I FOR VALUES IN (''2000-01-01'')', c.relname, (SELECT attname FROM pg_attribute WHERE attrelid = c.oid AND attnum = 1)} ],
	[ 'the log is published without identity', q{'ALTER TABLE stored.%1$I REPLICA IDENTITY NOTHING; CREATE PUBLICATION p FOR TABLE stored.%1$I'} ],
	[ 'the log is rewritten',           q{'VACUUM FULL stored.%1$I'} ],
	[ 'the log is truncated',           q{'TRUNCATE stored.%1$I'} ],
	[ 'other columns come first',       q{'ALTER TABLE stored.%1$I SET (fillfactor = 10, autovacuum_enabled = off)'} ])
{
	my ($name, $act, $may_refuse) = @$scenario;
	scenario($name, no_older => 1, act_may_fail => '42809|42P16|2BP01|42501', may_refuse => $may_refuse, act => on_log($act), back => $name =~ /published/ ? 'DROP PUBLICATION p;' : undef);
}

# --- expressions -------------------------------------------------------------------------------------------------------

# One row, one day: an expression that triggers cannot read would make all days dirty for ever, in silence.
$session->run($setup . <<'SQL');
SET ROLE keeper;
CREATE FUNCTION w.some(a text, b text DEFAULT 'x', VARIADIC c text[] DEFAULT '{}') RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT a || b || array_to_string(c, ''+'')';
RESET ROLE;
SQL
for my $expression ([ user_identity => 'w.norm(user_name => user_name)' ], [ user_identity => "replace(user_name, 'user_name', 'user_name')" ], [ user_identity => 'CASE WHEN user_name IS NULL THEN NULL ELSE w.norm(user_name => (user_name)) END' ],
	[ user_identity => 'w.some(b => user_name, a => lower(user_name))' ], [ user_identity => "(SELECT user_name)" ], [ user_identity => 'CAST(user_name AS varchar(60))' ], [ user_identity => "user_name::w.short" ],
	[ user => 'w.norm(user_name => who)' ], [ user => q{w.some(who, VARIADIC ARRAY['a', nas])} ], [ user => q{w.some(who, c => ARRAY[who2])} ], [ user => '(login).who' ], [ user => 'login.who' ], [ user => 'w.login.who' ],
	[ user => q{coalesce(nullif(who, ''), (ARRAY[who2, 'x'])[1])} ], [ user => q{(ROW(who, 1)::w.label2).a} ], [ user => q{who COLLATE "C"} ], [ user => 'who::w.short' ], [ user => q{greatest(who, who2)} ], [ user => q{(who::w.label).text} ],
	[ user => q{concat_ws('/', who, nas)} ], [ user => q{CASE mood WHEN 'calm' THEN who ELSE lower(who) END} ], [ user => q{who || tableoid} ], [ user => q{xmlserialize(CONTENT xmlelement(NAME a, who) AS text)} ], [ host => 'mac IS DISTINCT FROM who', 1 ])
{
	my ($what, $sql, $refused) = @$expression;
	$session->run("RESET ROLE; DROP SCHEMA IF EXISTS stored, live CASCADE; DO \$\$ BEGIN CREATE TYPE w.label2 AS (a text, b integer); CREATE CAST (text AS w.label) WITH FUNCTION w.to_label(text); EXCEPTION WHEN OTHERS THEN NULL; END \$\$;");
	my $made = $session->run($what eq 'user_identity' ? make_twins(more => ", user_identity => \$_\$$sql\$_\$") : make_twins($what => $sql));
	if ($made =~ /ERROR/ || $refused) { like($made, qr/ERROR:  (?:22023|42\w{3}|0A000)/, "$what => $sql is refused"); next; }
	$session->run("RESET ROLE; INSERT INTO w.login (who, mac, nas, mood, came, went) VALUES ('Someone', 'm', 'nas 0', 'calm', '2026-01-05 01:00+00', '2026-01-05 02:00+00');");
	is($session->run("SELECT 'tracked by window' FROM headcount.source_status WHERE source = 'stored' AND NOT exact UNION ALL SELECT 'dirty: ' || dirty_days FROM headcount.source_status WHERE source = 'stored' AND exact;") =~ s/tracked by window/dirty: 1/r,
		"dirty: 1\n", "$what => $sql: a write makes one day dirty, or the source says that it is not exact");
	my $difference = $session->run(compare_twins());
	is($difference, '', '... and the numbers are right') if $session->run("SELECT exact FROM headcount.source_status WHERE source = 'stored';") =~ /t/;
}

# --- frozen days -------------------------------------------------------------------------------------------------------

$session->run($setup . make_twins() . "SET ROLE keeper; SELECT headcount.freeze('stored', '2026-01-06'); RESET ROLE;");
for my $change ("ALTER TABLE w.login RENAME who TO person", "ALTER TABLE w.refused RENAME at TO moment", 'ALTER TABLE w.login RENAME TO logins', 'ALTER TABLE w.refused SET SCHEMA w2')
{
	is($session->run("$change;"), '', $change) or next;
	is($session->run("SET ROLE keeper;\nSELECT headcount.alter_source('stored', window_days => 6);\nSELECT headcount.alter_source('live', window_days => 6);\nRESET ROLE;") =~ /ERROR/ ? 'refused' : '', '', '... with frozen days alter_source works');
	is($session->run("SET ROLE keeper;\nCALL headcount.refresh('stored');\nRESET ROLE;"), '', '... and refresh');
	is($session->run("SELECT exact FROM headcount.source_status WHERE source = 'stored';"), "t\n", '... and the source is exact');
	is($session->run(compare_twins()), '', '... and right');
}
$session->run("INSERT INTO w.logins (person, mac, nas, mood, came, went) VALUES ('Later', 'm', 'nas 0', 'calm', '2026-01-08 01:00+00', '2026-01-08 02:00+00');");
is($session->run(compare_twins()), '', '... after a write too');
$session->run("SET ROLE keeper; SELECT headcount.freeze('stored', NULL); RESET ROLE;");

# --- names -------------------------------------------------------------------------------------------------------------

$node->safe_psql('postgres', "CREATE TABLE login (who text, mac text, nas text, came timestamptz, went timestamptz); CREATE TABLE refused (who text, nas text, at timestamptz);
	INSERT INTO login SELECT 'u' || i % 4, 'm' || i, 'n%' || i % 2, timestamptz '2026-01-01' + i * interval '9 hours', timestamptz '2026-01-01 05:00' + i * interval '9 hours' FROM generate_series(1, 20) AS i;
	INSERT INTO refused SELECT 'u' || i % 5, 'n%' || i % 2, timestamptz '2026-01-02' + i * interval '13 hours' FROM generate_series(1, 9) AS i");
my @calls = ("headcount.users_on(N, '2026-01-05')", map({ "headcount.users_on(N, '2026-01-05', '$_')" } qw(denied total new)), "headcount.users_on(N, current_date, 'total')", "headcount.hosts_at_peak(N, '2026-01-05')",
	"headcount.unique_users(N, '2026-01-02', '2026-01-06')", map({ "headcount.unique_users(N, '2026-01-02', '2026-01-06', '$_')" } qw(denied total new)), "headcount.source_activity(N, 'day', '2026-01-01', '2026-01-09')", "headcount.source_activity(N, 'hour', '2026-01-02', '2026-01-03')",
	"headcount.concurrency_profile(N, '2026-01-01', '2026-01-09', 'users', '[8,18)', '{1,2,3}')", "headcount.concurrency_percentiles(N, NULL, NULL)", "headcount.concurrency_by_hour_of_week(N, '2026-01-01', '2026-01-09')", "headcount.capacity_what_if(N, '2026-01-02', '2026-01-04', 'sessions')",
	"headcount.avoidable_denials(N, NULL, NULL)", "headcount.user_lifecycle(N)", "headcount.stickiness(N, '2026-01-05')", "headcount.user_retention(N, 'day', NULL, '2026-01-09')", "headcount.time_online(N, NULL, '2026-01-09')", "headcount.source_counts_by(N, '{server}', '2026-01-02', '2026-01-09')",
	"headcount.online_counts(N, '{u1,%s,%}')", "headcount.verify(N)", "headcount.create_indexes(N, dry_run => true)", "headcount.create_indexes(N)", "headcount.realtime_users_count(N, 'json')", "headcount.realtime_users_count(N, 'csv')",
	"headcount.invalidate(N, '2026-01-02', '2026-01-03')", "headcount.freeze(N, '2026-01-01')", "headcount.freeze(N, NULL)", "headcount.create_instance('sag-' || md5(N), 'region', N)", "headcount.describe_user_online_client_statistics('region', '{u1}', 'sag-' || md5(N))",
	"headcount.drop_instance('sag-' || md5(N))", 'headcount.alter_source(N, window_days => 3)', "headcount.alter_source(N, host => 'nas')", 'headcount.alter_source(N, materialized => false)', 'headcount.alter_source(N, materialized => true)');
for my $name ('a%b', '%s', '%1$I %L %%', q{a'b}, q{a"b}, q{a\\'b"}, 'x' x 63, "\xc3\xbc" x 31, "\xe6\x97\xa5\xe6\x9c\xac", 'UPPER a.b', '$1 $_$', "tab\tnew\nline", 'headcount')
{
	my $literal = $name =~ s/'/''/gr;
	my $sql = "SELECT headcount.create_source(N, 'login', 'who', 'mac', 'came', 'went', server => 'nas', realtime_servers => '{n%0}', denials => 'refused', denied_user => 'who', denied_at => 'at', denied_server => 'nas', time_zone => 'UTC', false_denial_before => '5 seconds');\n";
	if ($name eq 'headcount')
	{
		like(sqlstates($node, $sql =~ s/\bN\b/'$literal'/gr), qr/^42\w{3}$/, 'a source called headcount is refused');
		next;
	}
	$sql .= "CALL headcount.refresh(N);\nINSERT INTO login VALUES ('u1', 'm1', 'n%0', '2026-01-05 01:00', '2026-01-05 02:00');\n" . join('', map { "SELECT * FROM $_;\n" } @calls) . "CALL headcount.refresh(N, 2); CALL headcount.rebuild(N);\n" . join('', map { "SELECT * FROM $_;\n" } @calls[0 .. 12]);
	$sql .= "SELECT 1 / count(*)::integer FROM headcount.source_status WHERE source = N AND exact;\nSELECT format('TABLE %I.%I', nspname, relname) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace WHERE nspname = N AND relkind = 'v' \\gexec\nSELECT headcount.drop_source(N);\n";
	my $errors = error_text($node, "SET standard_conforming_strings = on; SET client_min_messages = error;\n" . $sql =~ s/\bN\b/'$literal'/gr);
	is($errors, '', "a source called $name");
	$node->psql('postgres', "SELECT headcount.drop_source(N, true)" =~ s/\bN\b/'$literal'/r) if $errors ne '';
}

# --- limits ------------------------------------------------------------------------------------------------------------

for my $option (qw(window_days tracking_days))
{
	for my $value (1, 400, 3660, 36525, 100000, 1000000, 2147483646, 2147483647, 0, -1, -2147483648)
	{
		my $made = sqlstates($node, "SET client_min_messages = error; SELECT headcount.create_source('limits', 'login', 'who', 'mac', 'came', 'went', time_zone => 'UTC', tracking => 'window', $option => $value)");
		if ($value < 1 || $value > 1000000) { is($made, '22023', "$option => $value is refused when the source is made"); }
		elsif ($value <= 400) { is($made, '', "$option => $value is fine"); }
		next if $made ne '' && $value > 0 && $made eq '22023';
		is(in_time($node, "CALL headcount.refresh('limits'); TABLE limits.daily_user_counts; TABLE limits.daily_user_counts_2013; TABLE limits.daily_user_counts_2019; SELECT * FROM headcount.users_on('limits', '2026-01-05', 'total'); SELECT * FROM headcount.users_on('limits', current_date, 'total');
			SELECT * FROM headcount.verify('limits'); SELECT headcount.alter_source('limits', licensing_model => '2013'); TABLE limits.daily_user_counts; SELECT * FROM headcount.source_status"), '', '... and what is accepted works') if $made eq '';
		$node->psql('postgres', "SELECT headcount.drop_source('limits')");
	}
	is(sqlstates($node, "SELECT headcount.create_source('limits', 'login', 'who', 'mac', 'came', 'went', time_zone => 'UTC'); SELECT headcount.alter_source('limits', $option => 2147483647); SELECT headcount.drop_source('limits')"), '22023', "$option => 2147483647 is refused when the source is altered");
}

# --- what people read --------------------------------------------------------------------------------------------------

$node->safe_psql('postgres', "CREATE VIEW seen AS SELECT * FROM login; CREATE ROLE somebody LOGIN; SET client_min_messages = error; SELECT headcount.create_source('fine', 'login', 'who', 'mac', 'came', 'went', time_zone => 'UTC'), headcount.create_source('plain', 'seen', 'who', 'mac', 'came', 'went', materialized => false);
	CALL headcount.refresh('fine')");
my $make = "SELECT headcount.create_source('bad', 'login', 'who', 'mac', 'came', 'went'";
for my $mistake ("$make, server => 'nos')", "SELECT headcount.create_source('bad', 'login', 'whom', 'mac', 'came', 'went')", "SELECT headcount.create_source('bad', 'login', 'who', 'mac', 'nas', 'went')", "SELECT headcount.create_source('bad', 'login', 'who +', 'mac', 'came', 'went')",
	"SELECT headcount.create_source('bad', 'login', 'who', 'mac', 'count(*)', 'went')", "SELECT headcount.create_source('bad', 'login', 'nofunction(who)', 'mac', 'came', 'went')", "$make, time_zone => 'Nowhere')", "$make, licensing_model => '2014')", "$make, window_days => 0)",
	"$make, tracking => 'magic')", "$make, idle_limit => '1 hour')", "$make, denied_user => 'who')", "$make, denials => 'refused', denied_user => 'who', denied_at => 'nowhere')", "SELECT headcount.create_source('fine', 'login', 'who', 'mac', 'came', 'went')",
	"SELECT headcount.create_source('public', 'login', 'who', 'mac', 'came', 'went')", "SELECT headcount.create_source(repeat('x', 64), 'login', 'who', 'mac', 'came', 'went')", "SELECT headcount.create_source('bad', 'login_id_seq', 'who', 'mac', 'came', 'went')", "SELECT headcount.create_source('bad', 'pg_class_oid_index', 'who', 'mac', 'came', 'went')",
	"SELECT headcount.create_source('bad', 'seen', 'who', 'mac', 'came', 'went', tracking => 'trigger')", "CREATE TEMP TABLE t (who text, mac text, came timestamptz, went timestamptz); SELECT headcount.create_source('bad', 't', 'who', 'mac', 'came', 'went')",
	"SELECT headcount.alter_source('none', window_days => 3)", "SELECT headcount.alter_source('fine', user_name => 'whom')", "SELECT headcount.alter_source('fine', reset => '{nothing}')", "SELECT headcount.drop_source('none')", "CALL headcount.refresh('none')", "CALL headcount.refresh('plain')", "CALL headcount.refresh('fine', 0)",
	"CALL headcount.rebuild('none')", "CALL headcount.rebuild('plain')", 'BEGIN; CALL headcount.refresh();', "BEGIN; CALL headcount.refresh('fine');", "BEGIN; CALL headcount.rebuild('fine');", "SELECT headcount.invalidate('none', NULL, NULL)", "SELECT headcount.invalidate('fine', '2026-02-01', '2026-01-01')",
	"SELECT headcount.freeze('fine', 'infinity')", "SELECT headcount.freeze('plain', '2026-01-01')", "SELECT * FROM headcount.verify('none')", "SELECT * FROM headcount.verify('plain')", "SELECT * FROM headcount.users_on('none', '2026-01-05')", "SELECT * FROM headcount.users_on('fine', '2026-01-05', 'what')",
	"SELECT * FROM headcount.users_on('fine', NULL)", "SELECT headcount.unique_users('fine', '2026-01-05', '2026-01-01')", "SELECT headcount.unique_users('fine', '2026-01-05', '2026-01-09', 'what')", "SELECT * FROM headcount.hosts_at_peak('none', '2026-01-05')", "SELECT * FROM headcount.source_activity('fine', 'fortnight', '2026-01-01', '2026-01-02')",
	"SELECT * FROM headcount.source_activity('none', 'day', '2026-01-01', '2026-01-02')", "SELECT * FROM headcount.online_counts('none', '{a}')", "SELECT * FROM headcount.create_indexes('none')", "SELECT headcount.create_instance('i', 'r', 'none')", "SELECT headcount.drop_instance('none')",
	"SELECT headcount.describe_user_online_client_statistics('r', '{}')", "SELECT headcount.describe_user_online_client_statistics('r', '{a}', 'none')", "SELECT headcount.describe_user_online_client_statistics('r', '{!}', 'none')", "SELECT headcount.realtime_users_count('none')", "SELECT headcount.realtime_users_count('fine', 'doc')",
	"SELECT headcount.realtime_users_count('fine', options => '{\"x\":1}')", "SELECT headcount.realtime_users_count('fine', options => '{\"order\":[{\"property\":\"x\"}]}')", "SELECT headcount.realtime_users_count('fine', options => '{\"sd\":\"2026-02-01\",\"ed\":\"2026-01-01\"}')", "SELECT headcount.schedule_refresh('fine')", "SELECT 'x'::headcount.presence",
	'SET default_transaction_read_only = on; CALL headcount.refresh()', "SET ROLE somebody; SELECT headcount.drop_source('fine')", "SET ROLE somebody; CALL headcount.refresh('fine')", "SET ROLE somebody; SELECT headcount.alter_source('fine', window_days => 3)",
	"SET ROLE somebody; $make)", "SET ROLE somebody; SELECT * FROM headcount.users_on('fine', '2026-01-05')", "SET ROLE somebody; SELECT headcount.create_instance('i', 'r', 'fine')", "SET ROLE somebody; SELECT * FROM headcount.create_indexes('fine')")
{
	my $errors = error_text($node, $mistake);
	ok($errors =~ /ERROR:  \S/ && $errors !~ /CONTEXT:|QUERY:|PL\/pgSQL/, "told in a few words: $mistake") or diag($errors);
}
for my $call ("refresh()", "refresh('fine')", "rebuild('fine')")
{
	like(error_text($node, "BEGIN; CALL headcount.$call;"), qr/ERROR:  (?!invalid transaction termination)[^\n]*transaction[^\n]*\n(?:DETAIL:[^\n]*\n)?HINT:/, "CALL $call in a transaction block: a message and a HINT that say so");
	like(error_text($node, "DO \$\$ BEGIN PERFORM 1; EXCEPTION WHEN OTHERS THEN NULL; END \$\$; BEGIN; SAVEPOINT a; CALL headcount.$call;"), qr/ERROR:  (?!invalid transaction termination)[^\n]*transaction[^\n]*\n(?:DETAIL:[^\n]*\n)?HINT:/, '... in a subtransaction too');
}
isnt(value("SET client_min_messages = error; SELECT headcount.create_source('spoken', 'login', 'who', 'mac', 'came', 'went')"), '', 'create_source answers something');
{
	my $notice = error_text($node, "SELECT headcount.create_source('watched', 'seen', 'who', 'mac', 'came', 'went')");
	like($notice, qr/NOTICE:.*window/, 'a source over a view: a notice says that it is tracked by window');
	like($notice, qr/\bdays?\b/, '... and what that costs');
	like($notice, qr/HINT:.*\S/, '... and what to do');
}
{
	$node->safe_psql('postgres', 'CREATE PUBLICATION everything FOR ALL TABLES');
	like(error_text($node, "SELECT headcount.create_source('published', 'login', 'who', 'mac', 'came', 'went')"), qr/(?:NOTICE|WARNING):(?s:.*)everything/, 'a publication of all tables, which takes those of the source along, is mentioned');
	unlike(error_text($node, "SELECT headcount.create_source('unpublished', 'login', 'who', 'mac', 'came', 'went', materialized => false)"), qr/everything/, '... where nothing of it is stored it is not');
	$node->safe_psql('postgres', 'DROP PUBLICATION everything');
}

# host and ended_at may be missing.
for my $missing ([ host => "host => NULL, ended_at => 'went'" ], [ ended_at => "host => 'mac', ended_at => NULL" ], [ 'host and ended_at' => 'host => NULL, ended_at => NULL' ])
{
	my ($what, $arguments) = @$missing;
	is(error_text($node, "SET client_min_messages = error; SELECT headcount.create_source(name, sessions => 'login', user_name => 'who', started_at => 'came', $arguments, time_zone => 'UTC', materialized => name = 'less') FROM unnest('{less,less_live}'::text[]) AS name; CALL headcount.refresh('less')"), '', "$what => NULL") or next;
	is(in_time($node, "INSERT INTO login VALUES ('u1', 'm1', 'n0', '2026-01-05 01:00', '2026-01-05 02:00'); TABLE less.sessions; TABLE less.online_users; TABLE less.daily_user_counts_by_server; TABLE less.data_quality; SELECT * FROM headcount.hosts_at_peak('less', '2026-01-05'); SELECT * FROM headcount.verify('less')"), '', '... every view answers');
	is(value("SELECT max(concurrent_hosts) FROM less.daily_user_counts"), $what eq 'ended_at' ? value('SELECT max(concurrent_hosts) FROM less_live.daily_user_counts') : '0', '... no host is counted');
	is(value('SELECT r::text FROM (TABLE less.daily_user_counts EXCEPT ALL TABLE less_live.daily_user_counts) AS r LIMIT 1'), '', '... and the twins say the same');
	$node->psql('postgres', "SELECT headcount.drop_source(name) FROM unnest('{less,less_live}'::text[]) AS name");
}

# Statistics: an expression index has none until somebody analyzes the table.
$node->safe_psql('postgres', "CREATE TABLE many (who text, mac text, came timestamptz, went timestamptz); INSERT INTO many SELECT 'U' || i % 900, 'm', now() - interval '1 day', CASE WHEN i % 50 > 0 THEN now() END FROM generate_series(1, 9000) AS i;
	SELECT headcount.create_source('many_source', 'many', 'lower(who)', 'mac', 'came', 'went'); SELECT * FROM headcount.create_indexes('many_source')");
is(value("SELECT count(*) > 0 AND bool_and(c.reltuples > 0 AND (NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indexrelid = c.oid AND i.indexprs IS NOT NULL) OR EXISTS (SELECT FROM pg_statistic AS s WHERE s.starelid = c.oid)))
	FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid WHERE i.indrelid = 'many'::regclass"), 't', 'create_indexes leaves statistics of what it made');

# --- coming and going --------------------------------------------------------------------------------------------------

is(value("SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'headcount'"), 'headcount', '\dx says schema headcount');
cmp_ok(value("SELECT count(*) FROM pg_proc WHERE pronamespace = 'headcount'::regnamespace"), '<', 120, 'schema headcount has what people call, and little else');
$node->safe_psql('postgres', 'CREATE DATABASE again');
$node->safe_psql('again', 'SET client_min_messages = warning; CREATE EXTENSION headcount CASCADE');
small_source($node, 'again');
$node->safe_psql('again', "CALL headcount.refresh('wifi')");
my $before = value("SELECT string_agg(evtname, ' ') FROM pg_event_trigger WHERE evtname NOT LIKE 'headcount%'", 'again');
is(sqlstates($node, 'DROP EXTENSION headcount CASCADE', db => 'again'), '', 'DROP EXTENSION CASCADE');
is(value("SELECT string_agg(relname, ' ') FROM pg_class WHERE relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace, 'pg_toast'::regnamespace) AND relname NOT IN ('login', 'refused')", 'again'), '', '... leaves no table or view of ours behind');
is(value("SELECT string_agg(tgname, ' ') FROM pg_trigger WHERE NOT tgisinternal", 'again'), '', '... no trigger');
is(value("SELECT string_agg(proname, ' ') FROM pg_proc AS p WHERE pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e')", 'again'), '', '... no function');
is(value("SELECT string_agg(evtname, ' ') FROM pg_event_trigger", 'again'), $before, '... no event trigger');
is(sqlstates($node, "INSERT INTO login VALUES ('a', 'b', 'c', now(), NULL, NULL); DELETE FROM login WHERE who = 'a'", db => 'again'), '', '... writers write');
is(sqlstates($node, 'CREATE EXTENSION headcount CASCADE', db => 'again'), '', 'CREATE EXTENSION');
is(sqlstates($node, "SELECT headcount.create_source('wifi', 'login', 'who', 'mac', 'came', 'went'); CALL headcount.refresh('wifi'); TABLE wifi.daily_user_counts; SELECT headcount.drop_source('wifi')", db => 'again'), '', '... and a source of the same name');
is(sqlstates($node, 'DROP SCHEMA IF EXISTS wifi CASCADE; DROP EXTENSION headcount', db => 'again'), '', 'without a source DROP EXTENSION needs no CASCADE');

is(value("SELECT count(*) FROM pg_proc AS p WHERE p.pronamespace::regnamespace::text IN ('headcount', 'headcount_internal') AND p.prorettype = 'trigger'::regtype") > 0, 1, 'the extension is there');
done_testing();
