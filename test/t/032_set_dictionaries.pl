# Sets of users of several databases: each numbers its own users, so their sets are refused when they meet, whatever way they
# came; and what a copy of a database has to do with the original.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use Headcount;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main', conf => "timezone = 'UTC'\n");
$node->safe_psql('postgres', 'CREATE EXTENSION postgres_fdw');
my ($host, $port) = ($node->host, $node->port);

sub reach
{
	my ($db) = @_;
	$node->safe_psql('postgres', "CREATE SERVER $db FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname '$db'); CREATE USER MAPPING FOR CURRENT_USER SERVER $db;
		CREATE SCHEMA at_$db; IMPORT FOREIGN SCHEMA wifi LIMIT TO (rollup_days) FROM SERVER $db INTO at_$db");
	return;
}

# Three databases with users of their own, who have the same numbers.
for my $db (qw(one two three))
{
	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->safe_psql($db, 'SET client_min_messages = warning; CREATE EXTENSION headcount CASCADE');
	small_source($node, $db);
	$node->safe_psql($db, "UPDATE login SET who = who || ' of $db'; CALL headcount.refresh('wifi')");
	reach($db);
}
my $users = sub { $node->safe_psql('postgres', "SELECT headcount.unique_count(used) FROM at_$_[0].rollup_days WHERE scope = 'a'") };
is(join(' ', map { $users->($_) } qw(one two three)), '17 17 17', 'the sets of one database are counted, wherever they are read');
my $all = join ' UNION ALL ', map { "SELECT used, denied FROM at_$_.rollup_days WHERE scope = 'a'" } qw(one two three);
for my $query ("SELECT headcount.unique_count(used) FROM ($all) AS a", "SELECT headcount.user_set_union_agg(used) FROM ($all) AS a", "SELECT headcount.unique_count(used, denied) FROM ($all) AS a",
	'SELECT a.used OPERATOR(headcount.|) b.used FROM at_one.rollup_days AS a JOIN at_two.rollup_days AS b USING (day, scope)',
	'SELECT headcount.intersection_cardinality(a.used, b.used) FROM at_one.rollup_days AS a JOIN at_two.rollup_days AS b USING (day, scope)')
{
	is(sqlstates($node, $query), '42804', "refused: " . substr($query, 0, 60));
}
like(error_text($node, "SELECT headcount.unique_count(used) FROM ($all) AS a"), qr/user sets of different dictionaries cannot be combined.*headcount.create_federation/s, 'the error says what to do');

# Parallel workers hand over states that know whose they are.
$node->safe_psql('postgres', "CREATE TABLE copied AS SELECT * FROM at_one.rollup_days, generate_series(1, 500); ALTER TABLE copied SET (parallel_workers = 2)");
my $parallel = q{SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;};
like($node->safe_psql('postgres', "$parallel EXPLAIN (COSTS OFF) SELECT headcount.dictionary_of(headcount.user_set_union_agg(used)) FROM copied"), qr/Parallel/, 'a parallel plan');
is($node->safe_psql('postgres', "$parallel SELECT headcount.dictionary_of(headcount.user_set_union_agg(used)) = (SELECT headcount.dictionary_of(used) FROM copied WHERE headcount.cardinality(used) > 0 LIMIT 1) FROM copied"), 't', '... keeps the dictionary');
$node->safe_psql('postgres', 'INSERT INTO copied SELECT d.*, 1 FROM at_two.rollup_days AS d');
is(sqlstates($node, "$parallel SELECT headcount.user_set_union_agg(used) FROM copied"), '42804', '... and refuses another one');

my $dictionary = sub { $node->safe_psql($_[0], q{SELECT string_agg(DISTINCT headcount.dictionary_of(used)::text, ' ') FROM wifi.rollup_days}) };
is($dictionary->('one'), $node->safe_psql('one', 'SELECT dictionary FROM wifi.rollup_state'), 'all sets of a source are of one dictionary');

# A dump has the numbers of the original, until the restored source numbers its users itself.
my $dump = $node->basedir . '/one.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, '-d', 'one' ], 'a dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', 'restored' ], '... is restored');
is($dictionary->('restored'), $dictionary->('one'), 'what was restored is of the same dictionary');
reach('restored');
my $both = join ' UNION ALL ', map { "SELECT used FROM at_$_.rollup_days WHERE scope = 'a'" } qw(one restored);
is($node->safe_psql('postgres', "SELECT headcount.unique_count(used) FROM ($both) AS a"), '17', '... and is united with the original, whose users it has');
$node->safe_psql('restored', q{INSERT INTO login VALUES ('a new user', 'host 1', 'nas 0', '2026-01-05', '2026-01-06', NULL); CALL headcount.refresh('wifi')});
unlike($dictionary->('restored'), qr/^\Q@{[ $dictionary->('one') ]}\E$/, 'once it has stored days itself it has another one');
is(sqlstates($node, "SELECT headcount.unique_count(used) FROM ($both) AS a"), '42804', '... and is refused');
is($node->safe_psql('restored', q{SELECT count(*) FROM headcount.verify('wifi')}), '0', '... and all is as it should be');

# A copy of the files has the same until it is rebuilt.
$node->safe_psql('postgres', 'CREATE DATABASE cloned TEMPLATE two');
is($dictionary->('cloned'), $dictionary->('two'), 'a copy is of the same dictionary');
$node->safe_psql('cloned', q{CALL headcount.rebuild('wifi')});
unlike($dictionary->('cloned'), qr/^\Q@{[ $dictionary->('two') ]}\E$/, '... until it is rebuilt');

done_testing();
