# Uninstalling: what is left of a database's own tables, and of Headcount, when it goes. The way of docs/operations.md, and
# DROP EXTENSION ... CASCADE by somebody who knows no sources.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use Headcount;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('uninstall', conf => "timezone = 'UTC'\n");
$node->safe_psql('postgres', 'DROP EXTENSION headcount; DROP SCHEMA headcount; DROP EXTENSION hll');
$node->safe_psql('postgres', 'CREATE ROLE keeper');

# Everything in a database that is not PostgreSQL's, one line each.
my $all_objects = <<'SQL';
SELECT kind || ' ' || name FROM (
	SELECT 'schema', nspname::text FROM pg_namespace WHERE oid >= 16384 AND nspname !~ '^pg_(toast_)?temp'
	UNION ALL SELECT 'relation ' || relkind::text, oid::regclass::text FROM pg_class WHERE oid >= 16384 AND relnamespace <> 'pg_toast'::regnamespace
	UNION ALL SELECT 'trigger', tgrelid::regclass || ' ' || tgname FROM pg_trigger
	UNION ALL SELECT 'function', oid::regprocedure::text FROM pg_proc WHERE oid >= 16384
	UNION ALL SELECT 'type', format_type(oid, NULL) FROM pg_type WHERE oid >= 16384
	UNION ALL SELECT 'operator', oid::regoperator::text FROM pg_operator WHERE oid >= 16384
	UNION ALL SELECT 'cast', castsource::regtype || ' ' || casttarget::regtype FROM pg_cast WHERE oid >= 16384
	UNION ALL SELECT 'event trigger', evtname::text FROM pg_event_trigger
	UNION ALL SELECT 'rule', ev_class::regclass || ' ' || rulename FROM pg_rewrite WHERE oid >= 16384
	UNION ALL SELECT 'default privileges', defaclacl::text FROM pg_default_acl
	UNION ALL SELECT 'setting', setconfig::text FROM pg_db_role_setting
	UNION ALL SELECT 'extension', extname::text FROM pg_extension WHERE oid >= 16384
	UNION ALL SELECT 'replica identity ' || relreplident::text, oid::regclass::text FROM pg_class WHERE oid >= 16384 AND relkind IN ('r', 'p')
	UNION ALL SELECT 'comment', pg_describe_object(classoid, objoid, objsubid) FROM pg_description WHERE objoid >= 16384
) AS objects (kind, name)
ORDER BY 1
SQL

# A plain table, a partitioned one of another owner, and what is in them.
my $own_tables = <<'SQL';
CREATE TABLE login (who text, mac text, came timestamptz, went timestamptz);
CREATE TABLE refused (who text, at timestamptz);
INSERT INTO login SELECT 'user ' || i % 7, 'host ' || i % 5, timestamptz '2026-01-01' + i * interval '5 hours', timestamptz '2026-01-01' + i * interval '6 hours' FROM generate_series(1, 100) AS i;
INSERT INTO refused SELECT 'user ' || i, timestamptz '2026-01-05' FROM generate_series(1, 9) AS i;
GRANT CREATE ON DATABASE DATABASE_NAME TO keeper;
GRANT CREATE ON SCHEMA public TO keeper;
SET ROLE keeper;
CREATE TABLE calls (who text, came timestamptz, went timestamptz) PARTITION BY RANGE (came);
CREATE TABLE calls_early PARTITION OF calls FOR VALUES FROM (MINVALUE) TO ('2026-01-12');
CREATE TABLE calls_late PARTITION OF calls DEFAULT;
INSERT INTO calls SELECT who, came, went FROM (VALUES ('ann', timestamptz '2026-01-02', timestamptz '2026-01-03'), ('bo', timestamptz '2026-02-02', NULL)) AS v (who, came, went);
RESET ROLE;
SQL
my $sources = <<'SQL';
SET client_min_messages = warning;
CREATE EXTENSION headcount CASCADE;
SELECT headcount.create_source('wifi', 'login', 'who', 'mac', 'came', 'went', denials => 'refused', denied_user => 'who', denied_at => 'at',
	user_identity => 'lower(user_name)', alerts => '{"denial_rate": 50}');
SET ROLE keeper;
SELECT headcount.create_source('phone', 'calls', 'who', NULL, 'came', 'went');
SELECT headcount.create_source('plain', 'calls', 'who', NULL, 'came', 'went', materialized => false);
RESET ROLE;
CALL headcount.refresh('wifi');
CALL headcount.refresh('phone');
INSERT INTO login VALUES ('late', 'host', '2026-01-03', '2026-01-04');
SELECT headcount.create_instance('sag-wifi', 'here', 'wifi');
SQL
my $contents = "SELECT (SELECT count(*) || md5(string_agg(l::text, ',' ORDER BY l::text)) FROM login AS l), (SELECT count(*) || md5(string_agg(c::text, ',' ORDER BY c::text)) FROM calls AS c)";

# A database with these tables and sources. Gives what was in it before Headcount.
sub installed
{
	my ($db) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->safe_psql($db, $own_tables =~ s/DATABASE_NAME/$db/r);
	my $before = $node->safe_psql($db, $all_objects);
	$node->safe_psql($db, $sources);
	cmp_ok($node->safe_psql($db, "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal"), '>', 5, "$db: there are triggers on the tables while there are sources");
	return $before;
}

sub new_lines
{
	my ($before, $after) = @_;
	my %new = map { $_ => 1 } split /\n/, $after;
	delete @new{ split /\n/, $before };
	return sort keys %new;
}

# The way of the page.
{
	my $before = installed('by_the_page');
	my $rows = $node->safe_psql('by_the_page', $contents);
	$node->safe_psql('by_the_page', 'SELECT headcount.drop_source(source) FROM headcount.source_status');
	$node->safe_psql('by_the_page', 'DROP EXTENSION headcount');
	$node->safe_psql('by_the_page', 'DROP EXTENSION hll');
	is_deeply([ new_lines($before, $node->safe_psql('by_the_page', $all_objects)) ], [ 'comment schema headcount', 'schema headcount' ], 'by the page: the empty schema headcount is left, with its comment, and nothing else');
	$node->safe_psql('by_the_page', 'DROP SCHEMA headcount');
	is($node->safe_psql('by_the_page', $all_objects), $before, 'by the page: and then nothing at all');
	is($node->safe_psql('by_the_page', $contents), $rows, 'by the page: the rows are those that were there');
	$node->safe_psql('by_the_page', "INSERT INTO login VALUES ('new', 'host', now(), NULL); UPDATE calls SET went = now() WHERE went IS NULL; TRUNCATE refused");
	pass('by the page: and can be written');
}

# Without a word to the sources.
{
	my $before = installed('cascade');
	my $rows = $node->safe_psql('cascade', $contents);
	$node->safe_psql('cascade', 'SET client_min_messages = warning; DROP EXTENSION headcount CASCADE; DROP EXTENSION hll');
	is_deeply([ new_lines($before, $node->safe_psql('cascade', $all_objects)) ],
		[ map { my $kind = $_; map { "$kind $_" } qw(headcount phone plain wifi) } 'comment schema', 'schema' ], 'with CASCADE: empty schemas are left, of the extension and of the sources, with their comments, and nothing else');
	is($node->safe_psql('cascade', $contents), $rows, 'with CASCADE: the rows are those that were there');
	$node->safe_psql('cascade', "INSERT INTO login VALUES ('new', 'host', now(), NULL); UPDATE calls SET went = now() WHERE went IS NULL; TRUNCATE refused");
	pass('with CASCADE: and can be written');

	# And back again, over what was left.
	$node->safe_psql('cascade', $sources);
	is($node->safe_psql('cascade', "SELECT count(*) FROM headcount.source_status"), 3, 'with CASCADE: installed again, the sources take the schemas of their names');
}

# A session that was open meanwhile.
{
	installed('open');
	my $session = open_session($node, db => 'open');
	$session->run('SELECT count(*) FROM wifi.daily_user_counts;');
	$session->run("INSERT INTO login VALUES ('open', 'host', now(), NULL);");
	$node->safe_psql('open', 'SET client_min_messages = warning; DROP EXTENSION headcount CASCADE');
	is($session->run("INSERT INTO login VALUES ('open', 'host', now(), NULL) RETURNING who;"), "open\n", 'a session that had fired the triggers goes on writing');
	$session->close;
}

done_testing();
