# Backends that are killed in the middle: nothing is left behind, and everything works afterwards.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use Headcount;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $node = new_node('crash', conf => "restart_after_crash = on\nmax_parallel_workers_per_gather = 2\nmax_prepared_transactions = 5\n");
small_source($node);
my $answer = q{SET headcount.as_of = '2026-02-01 12:00+00'; SELECT md5(string_agg(v::text, ' ' ORDER BY day)) FROM wifi.daily_user_counts AS v};
my $before = $node->safe_psql('postgres', $answer);

my $objects = q{
	SELECT (SELECT count(*) FROM pg_namespace), (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_proc), (SELECT count(*) FROM pg_type),
	       (SELECT count(*) FROM pg_depend), (SELECT count(*) FROM pg_description), (SELECT count(*) FROM headcount_internal.all_sources())};
my $objects_before = $node->safe_psql('postgres', $objects);

sub kill_backend
{
	my ($what, $sql) = @_;
	my ($out, $err) = ('', '');
	my ($handle, $pid) = background_backend($node, $sql, \$out, \$err);
	my $checkpointer = checkpointer($node);
	sleep 0.5;
	is(kill('KILL', $pid), 1, "$what: the backend is there to be killed");
	eval { $handle->finish };
	wait_for_restart($node, $checkpointer);
	is($node->safe_psql('postgres', $objects), $objects_before, "$what: nothing is left behind in the catalog");
	is($node->safe_psql('postgres', $answer), $before, "$what: the source answers as before");
	return;
}

kill_backend('an aggregate', q{SELECT headcount.unique_count(i::text) FROM (SELECT generate_series(1, 100000000) AS i) AS streamed});
kill_backend('a parallel aggregate that spills', q{SET work_mem = '64kB'; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
	SELECT count(p) FROM (SELECT a.who || b.who || c.who AS k, headcount.presence_agg(a.mac, a.came, a.went) AS p FROM login AS a, login AS b, login AS c GROUP BY 1) AS s});
kill_backend('create_source, finished but not committed', q{BEGIN; SELECT headcount.create_source('half', 'login', 'who', 'mac', 'came', 'went'); SELECT pg_sleep(60)});
kill_backend('drop_source, finished but not committed', q{BEGIN; SELECT headcount.drop_source('wifi'); SELECT pg_sleep(60)});
kill_backend('alter_source, finished but not committed', q{BEGIN; SELECT headcount.alter_source('wifi', window_days => 3); SELECT pg_sleep(60)});
# A second session that writes to the table keeps create_source busy inside of itself: views are there, triggers are not.
my ($lock_out, $lock_err) = ('', '');
my ($locker) = background_backend($node, q{BEGIN; LOCK TABLE login IN ROW EXCLUSIVE MODE; SELECT pg_sleep(60)}, \$lock_out, \$lock_err);
kill_backend('create_source in its midst', q{SELECT headcount.create_source('half', 'login', 'who', 'mac', 'came', 'went')});
eval { $locker->finish };

# Names that were half taken are free again.
is(sqlstates($node, q{SELECT headcount.create_source('half', 'login', 'who', 'mac', 'came', 'went'); SELECT headcount.drop_source('half')}), '',
	'the name of the half-made source is free');

# A source that is made in a prepared transaction waits for its commit, over a crash of the whole server.
$node->safe_psql('postgres', q{BEGIN; SELECT headcount.create_source('prepared', 'login', 'who', 'mac', 'came', 'went'); PREPARE TRANSACTION 'made'});
$node->stop('immediate');
$node->start;
is(sqlstates($node, q{SELECT * FROM prepared.online_users}), '42P01', 'before the commit there is no such source');
$node->safe_psql('postgres', q{COMMIT PREPARED 'made'});
is($node->safe_psql('postgres', q{SELECT count(*) FROM prepared.sessions}), '400', 'after the commit it answers');

# The files of the aggregates that spilled went with their backends.
$node->restart;
is(join(' ', glob($node->data_dir . '/base/pgsql_tmp/*')), '', 'no temporary file is left');

done_testing();
