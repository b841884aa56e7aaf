# A streaming replica: the views and functions answer there, read-only, with the same numbers.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use Headcount;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = new_node('primary', init => { allows_streaming => 1 }, conf => "timezone = 'UTC'\n");
small_source($primary);
$primary->backup('base');
my $replica = PostgreSQL::Test::Cluster->new('replica');
$replica->init_from_backup($primary, 'base', has_streaming => 1);
$replica->start;

# After the backup, so that it arrives through the log.
$primary->safe_psql('postgres', <<'SQL');
SELECT headcount.create_source('second', 'login', 'upper(who)', 'mac', 'came', 'went', server => 'nas', time_zone => 'Pacific/Auckland');
INSERT INTO login VALUES ('late', 'host 1', 'nas 0', '2026-01-20', NULL, '2026-02-01 11:59+00');
CREATE TABLE kept AS SELECT headcount.presence_agg(who, came, went) AS p FROM login;
SQL
$primary->wait_for_catchup($replica);

my @questions = (
	(map { "SELECT v::text FROM $_ AS v ORDER BY 1" }
		map { my $source = $_; map { "$source.$_" } qw(sessions denials online_users online_sessions daily_user_counts_2013
			daily_user_counts_2019 daily_user_counts_2025 daily_user_counts_by_server realtime_users_count daily_user_sketches data_quality) } qw(wifi second)),
	q{SELECT * FROM headcount.online_counts('wifi', '{late,user 1}', '2026-02-01 12:00+00')},
	q{SELECT * FROM headcount.users_on('wifi', '2026-01-20', 'new', '2026-02-01 12:00+00')},
	q{SELECT * FROM headcount.hosts_at_peak('second', '2026-01-20', '2026-02-01 12:00+00') ORDER BY 1},
	q{SELECT * FROM headcount.source_activity('wifi', 'week', '2026-01-01', '2026-02-01', '2026-02-01 12:00+00')},
	q{SELECT headcount.unique_users('wifi', '2026-01-01', '2026-01-31')},
	q{SELECT * FROM headcount.capacity_what_if('second', '2026-01-10', '2026-01-20')},
	q{SELECT * FROM headcount.concurrency_by_hour_of_week('wifi', '2026-01-10', '2026-01-20', 'users')},
	q{SELECT * FROM headcount.avoidable_denials('wifi', NULL, NULL)},
	q{SELECT * FROM headcount.user_lifecycle('wifi', 'week')},
	q{SELECT * FROM headcount.stickiness('second')},
	q{SELECT * FROM headcount.user_retention('wifi', 'day', '2026-01-01', '2026-01-20')},
	q{SELECT * FROM headcount.time_online('wifi', '2026-01-10', '2026-01-20')},
	q{SELECT day, unique_keys FROM kept, headcount.daily_activity(p, 'UTC', NULL, NULL, '2026-02-01 12:00+00')},
);
for my $question (@questions)
{
	my $sql = "SET headcount.as_of = '2026-02-01 12:00+00'; $question";
	my $answer = $primary->safe_psql('postgres', $sql);
	(my $words = $question) =~ s/^(.{0,60}).*/$1/s;
	is($replica->safe_psql('postgres', $sql), $answer, "the same answer: $words");
}
is(sqlstates($replica, q{SELECT headcount.create_source('third', 'login', 'who', 'mac', 'came', 'went')}), '25006', 'a source cannot be made on a replica');
is(sqlstates($replica, q{SELECT headcount.drop_source('wifi')}), '25006', '... or dropped');

# What is dropped on the primary is dropped there; a replica that is promoted goes on by itself.
$primary->safe_psql('postgres', q{SELECT headcount.drop_source('second')});
$primary->wait_for_catchup($replica);
is(sqlstates($replica, 'SELECT * FROM second.online_users'), '42P01', 'a dropped source is gone on the replica');
$replica->promote;
is(sqlstates($replica, q{SELECT headcount.alter_source('wifi', window_days => 3); SELECT headcount.create_source('third', 'login', 'who', 'mac', 'came', 'went'); SELECT * FROM third.online_users}), '',
	'a promoted replica makes sources of its own');

done_testing();
