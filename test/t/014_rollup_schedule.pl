# Refreshes by pg_cron, really. Its finest schedule is a minute, so this waits for up to one.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use Headcount;
use PostgreSQL::Test::Utils;
use Test::More;

my ($libraries) = run_command([ 'pg_config', '--pkglibdir' ]);
plan skip_all => "pg_cron is not installed (no $libraries/pg_cron.so)" unless -e "$libraries/pg_cron.so";

my $node = new_node('scheduled', conf => "timezone = 'UTC'\nshared_preload_libraries = pg_cron\ncron.database_name = postgres\ncron.use_background_workers = on\n");
$node->safe_psql('postgres', 'CREATE EXTENSION pg_cron; CREATE ROLE keeper LOGIN; CREATE ROLE onlooker LOGIN; GRANT CREATE ON DATABASE postgres TO keeper; GRANT CREATE ON SCHEMA public TO keeper');
twin_tables($node);
fill_twins($node);
twin_sources($node);
my $long = 'l' x 62;
$node->safe_psql('postgres', <<"SQL");
SET ROLE keeper;
CREATE TABLE visit (badge text, gate text, entered timestamptz, gone timestamptz);
INSERT INTO visit VALUES ('ann', 'north', now() - interval '3 days', now() - interval '2 days');
SELECT headcount.create_source(name, 'visit', 'badge', 'gate', 'entered', 'gone', time_zone => 'UTC') FROM unnest(ARRAY['visits', 'dropped', '${long}1', '${long}2']) AS name;
SQL
my $schedules = q{SELECT string_agg(left(source, 10) || ' ' || coalesce(schedule, '-'), ', ' ORDER BY source) FROM headcount.source_status WHERE materialized};
my $jobs      = q{SELECT count(*) FROM cron.job};

# Who may not look into pg_cron sees all else.
is($node->safe_psql('postgres', $schedules, extra_params => [ '-U', 'onlooker' ]), 'dropped -, llllllllll -, llllllllll -, stored -, visits -', 'source_status needs no privilege on pg_cron');
is(sqlstates($node, q{SELECT headcount.schedule_refresh('visits')}, user => 'keeper'), '42501', 'schedule_refresh needs one');
$node->safe_psql('postgres', 'GRANT USAGE ON SCHEMA cron TO keeper');

# Two run every minute; the others show what becomes of schedules.
is($node->safe_psql('postgres', q{SELECT headcount.schedule_refresh('stored') = headcount.schedule_refresh('stored', '* * * * *')}), 't', 'a second call changes the schedule of the same job');
like($node->safe_psql('postgres', q{SELECT headcount.schedule_refresh('visits', '* * * * *')}, extra_params => [ '-U', 'keeper' ]), qr/^\d+$/, 'the owner of a source schedules it');
$node->safe_psql('postgres', qq{SELECT headcount.schedule_refresh('${long}1', '1 1 * * *'), headcount.schedule_refresh('${long}2', '2 2 * * *')}, extra_params => [ '-U', 'keeper' ]);
is($node->safe_psql('postgres', $schedules), 'dropped -, llllllllll 1 1 * * *, llllllllll 2 2 * * *, stored * * * * *, visits * * * * *', 'source_status shows schedules, of names of any length');
is($node->safe_psql('postgres', $schedules, extra_params => [ '-U', 'keeper' ]), 'dropped -, llllllllll 1 1 * * *, llllllllll 2 2 * * *, stored -, visits * * * * *', '... to those who may see them');
is($node->safe_psql('postgres', $jobs), '4', 'one job each');
is(sqlstates($node, q{SELECT headcount.schedule_refresh('stored', 'every now and then')}), '22023', 'what pg_cron does not understand is its error');
is(sqlstates($node, q{SELECT headcount.schedule_refresh('stored')}, user => 'keeper'), '42501', 'nobody schedules the source of another');
is(sqlstates($node, q{SELECT headcount.schedule_refresh('live')}), '55000', 'what is not materialized needs no schedule');
is($node->safe_psql('postgres', $schedules), 'dropped -, llllllllll 1 1 * * *, llllllllll 2 2 * * *, stored * * * * *, visits * * * * *', 'and nothing changed by that');

is($node->safe_psql('postgres', q{SELECT headcount.unschedule_refresh('dropped')}), 'f', 'a source without a schedule');
$node->safe_psql('postgres', q{SELECT headcount.schedule_refresh('dropped')}, extra_params => [ '-U', 'keeper' ]);
is($node->safe_psql('postgres', "SELECT headcount.drop_source('dropped'); $jobs"), "\n4", 'drop_source ends the schedule of its source, whoever made it');
is($node->safe_psql('postgres', "SELECT headcount.unschedule_refresh('${long}1'); $jobs"), "t\n3", 'unschedule_refresh ends one');
$node->safe_psql('postgres', "ALTER SCHEMA ${long}2 RENAME TO renamed");
is($node->safe_psql('postgres', "SELECT headcount.unschedule_refresh('renamed'), headcount.unschedule_refresh('${long}2')"), 'f|t', 'the schedule of a renamed source has its old name');

# --- they run ----------------------------------------------------------------------------------------------------------

ok($node->poll_query_until('postgres', q{SELECT count(*) = 2 FROM headcount.source_status WHERE source IN ('stored', 'visits') AND stored_until >= current_date - 1}), 'both sources were refreshed within a minute');
is(rollup_status($node) . twins_differ($node), 't|0|0', '... and rightly');
ok($node->poll_query_until('postgres', q{SELECT count(DISTINCT username) = 2 FROM cron.job_run_details WHERE status = 'succeeded'}), '... by jobs that succeeded, of either owner');
is($node->safe_psql('postgres', q{SELECT count(*) FROM visits.rollup_days WHERE scope = 'a'}) > 0, '1', '... and rows stand in the rollup');
is($node->safe_psql('postgres', q{SELECT headcount.unschedule_refresh('stored'), headcount.unschedule_refresh('visits')}), 't|t', 'a superuser ends the schedules of everybody');
is($node->safe_psql('postgres', $jobs), '0', '... and no job is left');

done_testing();
