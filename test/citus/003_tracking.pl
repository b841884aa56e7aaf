# Which changes of which tables are noticed, what is promised of them, and who may read what.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../t";
use Headcount;
use Spread;
use Test::More;

my ($node, @workers) = citus_nodes();
my $psql = sub { $node->safe_psql('postgres', "SET client_min_messages = error;\n$_[0]") };
my $exact = sub { $psql->("SELECT exact FROM headcount.source_status WHERE source = '$_[0]'") };
my $as_live = sub { is(compare_sources($node, "$_[0]_live", $_[0], ''), '', $_[1]) };

# --- tables that take no triggers ------------------------------------------------------------------------------------

make_tables($node, $_) for qw(by_user reference columnar columnar_part parts);
my %why = (by_user => 'table of Citus', reference => 'table of Citus', parts => 'table of Citus', columnar => 'triggers cannot be made', columnar_part => 'triggers cannot be made');
for my $kind (sort keys %why)
{
	like(make_source($node, "${kind}_auto", $kind, 'materialized => true'), qr/"${kind}_auto" is tracked by window: .*$why{$kind}/, "$kind: auto picks window, and says why");
	is($exact->("${kind}_auto"), 'f', "$kind: and promises nothing");
	like(error_text($node, "SELECT headcount.create_source('t', '${kind}_login', 'who', 'mac', 'came', 'went', tracking => 'trigger')"), qr/ERROR/, "$kind: trigger is refused");
}
like(make_source($node, 'unsafe', 'by_user', 'materialized => true', unsafe_triggers => 'on'), qr/tracked by window/, 'with citus.enable_unsafe_triggers too');
is($exact->('unsafe'), 'f', 'and nothing is promised');

# a lock that somebody has is no reason to track by window for ever
make_tables($node, 'own');
my $holder = open_session($node, start => 'BEGIN; LOCK TABLE own_login IN ACCESS SHARE MODE; LOCK TABLE own_login IN ROW EXCLUSIVE MODE;');
is(sqlstates($node, "SET lock_timeout = '100ms'; SELECT headcount.create_source('locked', 'own_login', 'who', 'mac', 'came', 'went')"), '55P03', 'a table that is locked is an error');
$holder->close;

# --- changes that nobody sees ----------------------------------------------------------------------------------------

make_source($node, $_, 'by_user', 'materialized => ' . ($_ eq 'seen' ? 'true' : 'false')) for qw(seen seen_live);
$psql->("CALL headcount.refresh('seen')");
$psql->("INSERT INTO by_user_login VALUES (2001, 'late', 'host late', 'nas 0', '2026-01-05', '2026-01-06')");
is($psql->("SELECT count(*) FROM headcount.verify('seen')") > 0 ? 'some' : 'none', 'some', 'verify finds what changed long ago');
$psql->("SELECT headcount.invalidate('seen', '2026-01-04', '2026-01-07')");
$as_live->('seen', 'days that were invalidated are read from the shards');
is(rollup_status($node, 'postgres', 'seen'), 'f|4|0', 'and are dirty');
$psql->("CALL headcount.refresh('seen')");
is(rollup_status($node, 'postgres', 'seen'), 'f|0|0', 'until a refresh has stored them');
$as_live->('seen', 'then they are right');
$psql->("INSERT INTO by_user_login VALUES (2002, 'now', 'host now', 'nas 0', now() - interval '1 hour')");
$as_live->('seen', 'the last days are read at each time');
is($psql->("SELECT count(*) > 1, string_agg(s, ' ') !~ 'duration_class' FROM headcount.create_indexes('seen') AS s"), 't|t', 'indexes are made, but for that by class of duration');
is($psql->("SELECT count(*) FROM headcount.create_indexes('seen')"), '0', 'once');
$psql->("CALL headcount.rebuild('seen')");
$as_live->('seen', 'rebuilt it says the same');
$psql->("SELECT headcount.drop_source('seen', cascade => true), headcount.drop_source('seen_live')");

# --- a table that is distributed later, and is not any more ------------------------------------------------------------

$psql->("CREATE TABLE later_login (LIKE own_login); CREATE TABLE later_refused (LIKE own_refused); INSERT INTO later_login TABLE own_login; INSERT INTO later_refused TABLE own_refused");
make_source($node, $_, 'later', "false_denial_before => '5 seconds', user_identity => 'lower(user_name)', materialized => " . ($_ eq 'later' ? 'true' : 'false')) for qw(later later_live);
$psql->("CALL headcount.refresh('later')");
is($exact->('later'), 't', 'a table of this server is exact');
isnt(error_text($node, "SELECT create_distributed_table('later_login', 'who')"), '', 'its triggers keep Citus from distributing it');
$psql->("SET citus.enable_unsafe_triggers = on; SELECT create_distributed_table('later_login', 'who', shard_count => 4), create_distributed_table('later_refused', 'nas', shard_count => 4)");
is($exact->('later'), 'f', 'distributed in spite of them it is not exact');
is(sqlstates($node, 'SELECT * FROM later_live.denials; SELECT * FROM later.daily_user_counts'), '55000 55000', 'views that would join shards by the wrong column are refused');
$psql->("INSERT INTO later_login VALUES (2001, 'USER late', 'host late', 'nas 0', '2026-01-05', '2026-01-06'); INSERT INTO own_login VALUES (2001, 'USER late', 'host late', 'nas 0', '2026-01-05', '2026-01-06')");
make_source($node, 'own_full_live', 'own', "false_denial_before => '5 seconds', user_identity => 'lower(user_name)', materialized => false");
$psql->("SELECT headcount.alter_source('later_live')");
$psql->("CALL headcount.refresh('later')");
is(rollup_status($node, 'postgres', 'later'), 'f|0|0', 'a refresh has it tracked by window');
is(compare_sources($node, 'own_full_live', $_, ''), '', "$_: with the views made anew") for qw(later later_live);
is(compare_sources($node, 'own_full_live', $_, $past), '', "$_: also of the past") for qw(later later_live);
$psql->("SELECT undistribute_table('later_login'), undistribute_table('later_refused')");
is($exact->('later'), 'f', 'undistributed it is what it was told last');
$psql->("SELECT headcount.alter_source('later'), headcount.alter_source('later_live')");
$psql->("CALL headcount.refresh('later')");
is(rollup_status($node, 'postgres', 'later'), 't|0|0', 'until it is told to look again');
is(compare_sources($node, 'own_full_live', $_, ''), '', "$_: with the views made anew once more") for qw(later later_live);

# --- prepared statements: the instant is that of each execution -------------------------------------------------------

my $before = $psql->("SELECT count(*) FROM by_user_login WHERE came <= '2026-01-05'");
my $after  = $psql->("SELECT count(*) FROM by_user_login WHERE came <= '2026-01-10'");
make_source($node, 'prepared', 'by_user', 'materialized => false');
my $times = "SELECT count(*) FROM prepared.sessions";
my $counts = $psql->("PREPARE q AS $times; SET headcount.as_of = '2026-01-05'; " . 'EXECUTE q; ' x 7 . "SET headcount.as_of = '2026-01-10'; EXECUTE q; EXECUTE q;");
my @counts = split "\n", $counts;
is("$counts[0] $counts[6]", "$counts[0] $counts[0]", 'an instant is one in all executions');
cmp_ok($counts[7], '>', $counts[0], 'and another one in the next');
is($psql->("SET headcount.as_of = '2026-01-10'; $times"), $counts[8], 'as without preparing');

# --- a view over such tables is as they are -----------------------------------------------------------------------------

$psql->('CREATE VIEW through_login AS SELECT * FROM by_user_login; CREATE VIEW through_refused AS SELECT * FROM by_user_refused');
make_source($node, $_, $_ eq 'through' ? 'through' : 'by_user', "false_denial_before => '5 seconds', user_identity => 'lower(user_name)', materialized => " . ($_ eq 'through' ? 'true' : 'false')) for qw(through through_live);
$psql->("CALL headcount.refresh('through')");
is(compare_sources($node, 'through_live', 'through', $_), '', 'a source over views of distributed tables' . ($_ eq '' ? '' : ', at an instant of the past')) for '', $past;

# --- who may read ------------------------------------------------------------------------------------------------------

make_source($node, 'shown', 'by_user', 'materialized => true');
$psql->("CALL headcount.refresh('shown')");
$psql->("CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA shown TO reader");
is(sqlstates($node, $_, user => 'reader'), '42501', "a right on views does not reach the shards: $_") for 'SELECT * FROM shown.sessions', 'SELECT * FROM shown.daily_user_counts';
is(sqlstates($node, $_, user => 'reader'), '', "a function reads as the owner: $_")
  for q{SELECT * FROM headcount.daily_user_counts('shown', NULL, NULL)}, q{SELECT * FROM headcount.users_on('shown', '2026-01-09')}, q{SELECT headcount.unique_users('shown', '2026-01-03', '2026-01-09')},
  q{SELECT * FROM headcount.source_activity('shown', 'day', '2026-01-03', '2026-01-09')}, q{SELECT headcount.realtime_users_count('shown')}, q{SELECT * FROM headcount.online_counts('shown', '{twice}')};
$psql->('GRANT SELECT ON by_user_login, by_user_refused TO reader');
is(sqlstates($node, $_, user => 'reader'), '', "with one on the tables: $_") for 'SELECT * FROM shown.sessions', 'SELECT * FROM shown.daily_user_counts';
$psql->('CREATE ROLE stranger LOGIN');
is(sqlstates($node, $_, user => 'stranger'), '42501', "a stranger is refused: $_") for 'SELECT * FROM shown.sessions', q{SELECT * FROM headcount.daily_user_counts('shown', NULL, NULL)};
$_->stop for $node, @workers;
done_testing();
