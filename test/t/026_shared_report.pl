# Processes that collect a report together, and one of them is cancelled, terminated or killed at any moment: the query ends,
# nothing is left behind, and the next one has the right answer.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use Headcount;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $node = new_node('shared_report', conf => <<'CONF');
restart_after_crash = on
log_min_messages = warning
parallel_setup_cost = 0
parallel_tuple_cost = 0
min_parallel_table_scan_size = 0
max_parallel_workers_per_gather = 3
max_worker_processes = 16
max_parallel_workers = 12
headcount.as_of = '2026-02-20 12:00+00'
CONF
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE login (who text, mac text, came timestamptz, went timestamptz);
INSERT INTO login SELECT 'user ' || i * 7919 % 30011, 'host ' || i * 104729 % 5003, came, CASE WHEN i % 40 > 0 THEN came + i % 977 * interval '3 minutes' END
FROM (SELECT i, timestamptz '2026-01-01 00:00+00' + i * interval '20 seconds' AS came FROM generate_series(1::bigint, 200000) AS i) AS l;
CREATE TABLE refused (who text, at timestamptz);
INSERT INTO refused SELECT 'user ' || i * 31 % 33000, timestamptz '2026-01-01 12:00+00' + i * interval '100 seconds' FROM generate_series(1::bigint, 40000) AS i;
ANALYZE login, refused;
SELECT headcount.create_source('wifi', 'login', 'who', 'mac', 'came', 'went', denials => 'refused', denied_user => 'who', denied_at => 'at',
	time_zone => 'Europe/Warsaw', materialized => false);
SQL
my $report = q{SELECT md5(string_agg(v::text, ' ' ORDER BY day)) FROM wifi.daily_user_counts_2019 AS v};
my $right  = $node->safe_psql('postgres', "SET max_parallel_workers_per_gather = 0; $report");
isnt($right, '', 'there is a report');
like($node->safe_psql('postgres', "EXPLAIN $report"), qr/Workers Planned: 3/, 'several processes make it');

# Segments of dynamic shared memory that are in use: where they are files, they can be counted.
sub segments { return scalar(my @files = glob('/dev/shm/PostgreSQL.*')) }
# Those that a process has mapped. Servers of other tests have some, and may leave some, beside these.
sub mapped_by
{
	my ($pid) = @_;
	open(my $lines, '<', "/proc/$pid/maps") or return ();
	my %found = map { m{(/dev/shm/PostgreSQL\.\d+)} ? ($1 => 1) : () } <$lines>;
	return keys %found;
}

is($node->safe_psql('postgres', $report), $right, 'they make the report that one process makes');

# Sessions at once, each with its own memory.
my @sessions = map { open_session($node) } 1 .. 3;
for my $round (1 .. 3)
{
	$_->start("$report;") foreach @sessions;
	is(join('', map { $_->finish } @sessions), "$right\n" x 3, "round $round: sessions at once do not meet each other");
}
$_->close foreach @sessions;

# Stops one process of a session that makes reports without end, by an SQL function. Returns what the session had to say.
sub stop_one
{
	my ($whom, $function, $wait) = @_;
	my ($out, $err) = ('', '');
	my ($handle) = background_backend($node, "\\set ON_ERROR_STOP on\n" . join('; ', (qq{SELECT sum(total_users) FROM wifi.daily_user_counts_2019}) x 6), \$out, \$err);
	sleep $wait;
	my $stopped = $node->safe_psql('postgres', "SELECT count($function(pid)) FROM (SELECT a.pid FROM pg_stat_activity AS a
		WHERE a.pid <> pg_backend_pid() AND a.backend_type = '$whom' AND a.query LIKE '%daily_user_counts_2019%' LIMIT 1) AS one");
	eval { $handle->finish };
	return ($stopped, $err);
}

my ($stopped_in_all, $crashes) = (0, 0);
for my $try (1 .. 4)
{
	for my $case ([ 'parallel worker', 'pg_terminate_backend' ], [ 'client backend', 'pg_cancel_backend' ], [ 'client backend', 'pg_terminate_backend' ])
	{
		my ($stopped, $err) = stop_one(@$case, 0.02 + rand 0.3);
		$stopped_in_all += $stopped;
		$crashes++ if $err =~ /server closed the connection unexpectedly/ && $case->[0] ne 'client backend';
	}
}
cmp_ok($stopped_in_all, '>', 3, 'most of them were there to be stopped');
is($crashes, 0, 'no server was lost by that');
is($node->safe_psql('postgres', $report), $right, 'the report is right after that');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'parallel worker'}), '0', 'no worker waits for somebody who is gone');

# A worker that is killed takes the server with it, as ever; the memory is given back.
my ($out, $err) = ('', '');
my ($handle) = background_backend($node, join('; ', (qq{SELECT sum(total_users) FROM wifi.daily_user_counts_2019}) x 600), \$out, \$err);
my $checkpointer = checkpointer($node);
my ($worker, $is_killed, @shared) = ('', 0);
for (1 .. 1000)      # they come and go
{
	$worker = $node->safe_psql('postgres', q{SELECT max(pid) FROM pg_stat_activity WHERE backend_type = 'parallel worker'});
	last if $worker ne '' && (@shared = mapped_by($worker)) > 1 && ($is_killed = kill('KILL', $worker)) == 1;
}
die 'no worker was there to be killed' unless $is_killed;
eval { $handle->finish };
wait_for_restart($node, $checkpointer);
is($node->safe_psql('postgres', $report), $right, 'the report is right after a worker was killed');
my @left = @shared;
for (1 .. 100)
{
	last if !(@left = grep { -e } @shared);
	sleep 0.1;
}
is("@left", '', 'no memory is left behind');

# Strangers: the memory is of their own query, and names of others' mean nothing.
$node->safe_psql('postgres', q{CREATE ROLE stranger LOGIN});
is(sqlstates($node, q{SET SESSION AUTHORIZATION stranger; SELECT * FROM wifi.daily_user_counts_2019}), '42501', 'a stranger may not read the report');
$node->safe_psql('postgres', q{CREATE TABLE many AS SELECT i FROM generate_series(1, 100000) AS i; ANALYZE many; GRANT SELECT ON many TO stranger});
my $before = segments();
my $greedy = open_session($node);
$greedy->run(q{SET SESSION AUTHORIZATION stranger;});
$greedy->start(q{SELECT count(DISTINCT (headcount_internal.shared_area()::text, i)), (SELECT count(*) FROM (SELECT pg_sleep(5)) AS s) FROM many;});
sleep 2;
cmp_ok(segments() - $before, '<', 30, 'a stranger who asks for memory a hundred thousand times gets a handful of segments');
is($node->safe_psql('postgres', $report), $right, 'and takes it from nobody');
like($greedy->finish // '', qr/^100000\|1$/m, 'he gets an answer too');
$greedy->close;

unlike(slurp_file($node->logfile), qr/leak|still referenced|TRAP|PANIC|stuck spinlock/, 'the server has nothing to complain of');
done_testing();
