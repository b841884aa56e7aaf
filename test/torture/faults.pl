# Writers, refreshes and DDL at work, and again and again something breaks: a process is killed or cancelled, the server is
# killed or stopped at once, a statement runs out of time, memory or disk. After each fault the views of a source with stored
# days are those of its twin without, in one snapshot, and verify finds nothing.
#
# HEADCOUNT_TORTURE_SECONDS is for how long, HEADCOUNT_STRESS_SEED what chance starts from.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../t";
use Headcount;
use PostgreSQL::Test::Utils;
use Stress;
use Test::More;
use Time::HiRes qw(sleep time);

my $until = time() + ($ENV{HEADCOUNT_TORTURE_SECONDS} || 60);
srand($ENV{HEADCOUNT_STRESS_SEED} || 20260);
my $node = stress_node('faults', conf => "lock_timeout = '5s'\nlog_statement = none\n", scripts => {
	# what an owner does to tables and sources, whatever a fault has left of it before; both sources at once, so that they stay twins
	ddl => <<'END',
\set act random(1, 9)
\set days random(2, 6)
\set pause random(20, 300)
\if :act = 1
BEGIN;
SELECT headcount.alter_source('wifi', window_days => :days), headcount.alter_source('twin', window_days => :days);
COMMIT;
\elif :act = 2
SELECT torture.detach();
\sleep 20 ms
SELECT torture.attach();
\elif :act = 3
TRUNCATE oracle.denial;
\elif :act = 4
SELECT headcount.drop_source(source) FROM headcount.source_status WHERE source = 'more';
SELECT headcount.create_source('more', 'oracle.session', 'user_name', 'host', 'started_at', 'ended_at', server => 'server', denials => 'oracle.denial', denied_user => 'user_name', denied_at => 'denied_at');
CALL headcount.refresh('more', 3);
SELECT headcount.drop_source('more');
\elif :act = 5
SELECT headcount.create_indexes('wifi', dry_run => false);
\elif :act = 6
TRUNCATE oracle.session_recent;
\elif :act = 7
ALTER TABLE oracle.session ADD COLUMN IF NOT EXISTS more integer;
ALTER TABLE oracle.session DROP COLUMN IF EXISTS more;
\elif :act = 8
BEGIN;
TRUNCATE oracle.denial;
INSERT INTO oracle.denial (user_name, server, denied_at) SELECT 'user ' || i, 's' || i % 4, now() - i * interval '3 hours' FROM generate_series(1, 50) AS i;
PREPARE TRANSACTION 'ddl:client_id';
\sleep 10 ms
COMMIT PREPARED 'ddl:client_id';
\else
SELECT torture.freeze();
\endif
\sleep :pause ms
END
	hasty => <<'END' });
\set time random(1, 150)
SET statement_timeout = :time;
CALL headcount.refresh('wifi', 2);
END

my $db = 'torn';
new_database($db, <<'SQL');
CREATE TABLE oracle.session_recent PARTITION OF oracle.session FOR VALUES FROM (now() - interval '12 days') TO ('infinity');
CREATE TABLE oracle.session_other PARTITION OF oracle.session DEFAULT;
SQL
$node->safe_psql($db, <<'SQL');
CREATE SCHEMA torture;
CREATE TABLE torture.bounds AS SELECT pg_get_expr(relpartbound, oid) AS bound FROM pg_class WHERE oid = 'oracle.session_recent'::regclass;
CREATE FUNCTION torture.detach() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	ALTER TABLE oracle.session DETACH PARTITION oracle.session_recent;
EXCEPTION WHEN undefined_table OR lock_not_available THEN NULL;
END $$;
-- What came meanwhile went to the default partition, where nothing may be that belongs to another.
CREATE FUNCTION torture.attach() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	from_at timestamptz := (SELECT substring(bound FROM $q$FROM \('([^']*)'\)$q$) FROM torture.bounds);
BEGIN
	-- a column that came and did not go, before the partition was detached or after
	ALTER TABLE oracle.session DROP COLUMN IF EXISTS more;
	IF NOT (SELECT relispartition FROM pg_class WHERE oid = 'oracle.session_recent'::regclass) THEN
		ALTER TABLE oracle.session_recent DROP COLUMN IF EXISTS more;
	END IF;
	DELETE FROM oracle.session_other WHERE started_at >= from_at;
	EXECUTE (SELECT 'ALTER TABLE oracle.session ATTACH PARTITION oracle.session_recent ' || bound FROM torture.bounds);
EXCEPTION WHEN wrong_object_type OR undefined_table OR lock_not_available OR check_violation THEN NULL;
END $$;
CREATE FUNCTION torture.freeze() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM headcount.freeze('wifi', current_date - 9);
	PERFORM headcount.freeze('wifi', NULL);
EXCEPTION WHEN object_not_in_prerequisite_state THEN NULL;      -- not all of these days are stored
END $$;
SQL

# --- faults -------------------------------------------------------------------------------------------------------------

# The process numbers of sessions at work, or of those at something.
sub at_work
{
	my ($query) = @_;
	$query //= '';
	return split /\n/, $node->safe_psql('postgres', qq{SELECT pid FROM pg_stat_activity WHERE backend_type IN ('client backend', 'parallel worker') AND datname = '$db'
		AND state = 'active' AND query ~* '$query' AND pid <> pg_backend_pid()});
}

# Stops a process, unless it has come to its end: of one that has, but that nobody has looked after yet, a kill says that it was there.
sub is_stopped
{
	my ($pid) = @_;
	return 0 if !kill 'STOP', $pid;
	for (1 .. 1000)
	{
		open(my $file, '<', "/proc/$pid/stat") or return 0;
		my ($state) = <$file> =~ /\) (\w)/;
		return $state eq 'T' if $state =~ /[TZX]/;
		sleep 0.01;
	}
	return 0;
}

# Kills a session at such a query.
sub kill_one
{
	my ($query) = @_;
	my $pid = one_of(at_work($query)) or return 0;
	my $checkpointer = checkpointer($node);
	return 0 if !is_stopped($pid);
	kill 'KILL', $pid;
	wait_for_restart($node, $checkpointer);
	return 1;
}

# Lowers a limit of a process to what it uses, and some more. One that cannot write to the log of PostgreSQL ends itself, and the server
# starts again.
my %limited;
sub limit
{
	my ($what, $spare) = @_;
	my $pid = one_of(at_work('headcount')) or return 0;
	my $limit = $spare;
	if ($what eq 'as')
	{
		open(my $file, '<', "/proc/$pid/statm") or return 0;
		$limit += 4096 * (split / /, <$file>)[0];
	}
	$limited{$pid} = 1 if $what eq 'fsize';
	return system('prlimit', '--pid', $pid, "--$what=$limit:$limit") == 0;
}

my %faults = (
	'kill -9 of a refresh' => sub { return kill_one('^CALL headcount'); },
	'kill -9 of DDL' => sub { return kill_one('alter|attach|truncate|create_|drop_|freeze'); },
	'kill -9 of any session' => sub { return kill_one(); },
	'kill -9 of the server' => sub { $node->kill9; return start_again(); },
	'an immediate stop' => sub { $node->stop('immediate'); $node->start; return 1; },
	'cancels' => sub {
		my $done = 0;
		for (1 .. 30) { my $pid = one_of(at_work('headcount')); $done += $node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)") eq 't' if $pid; sleep rand 0.1; }
		return $done;
	},
	'terminated sessions' => sub {
		my $done = 0;
		for (1 .. 5) { my $pid = one_of(at_work('headcount')); $done += $node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)") eq 't' if $pid; sleep rand 0.2; }
		return $done;
	},
	'statement_timeout' => sub { my $hasty = start_clients($db, 2, 4, 'hasty.sql'); finish_clients($hasty); return $hasty->{err} =~ /statement timeout/; },
	'no memory' => sub { return limit('as', int rand 4_000_000); },
	'no disk' => sub { return limit('fsize', int rand 300_000); });

my %rounds = map { $_ => 0 } keys %faults;
my %tries  = %rounds;
my %met;
my ($wrong, $unclean, $lost) = (0, 0, 0);
begin_checks();
while (time() < $until)
{
	# one that was not tried more often than others, so that each has its share
	my $least = (sort { $a <=> $b } values %tries)[0];
	my $fault = one_of(sort grep { $tries{$_} <= $least + 1 } keys %tries);
	$tries{$fault}++;
	my @clients = (start_clients($db, 5, 6, 'write.sql'), start_clients($db, 2, 6, 'steps.sql@4', 'refresh.sql@2', 'rebuild.sql@1'), start_clients($db, 1, 6, 'ddl.sql'));
	sleep 0.5 + rand 1.5;
	my $reached = 0;
	for (1 .. 10) { last if ($reached = $faults{$fault}->()) || time() > $until + 60; sleep 0.2; }
	$rounds{$fault}++ if $reached;
	sleep rand 1;
	$_->{handle}->signal('TERM') for @clients;
	finish_clients($_) for @clients;
	for (map { $_->{err} } @clients) { $met{$1}++ while /ERROR:  ([^\n"]{0,50})/g; }
	# a process that was killed, or ran out of disk where nothing may fail, may take the others along a moment later: until all are gone
	if (!$node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type IN ('client backend', 'parallel worker') AND datname = '$db'")) { $lost++; last; }
	# what was truncated cannot be read until that is committed
	commit_prepared($db, 'ddl');
	my $different = check($db, 'the twin');
	commit_prepared($db);
	$different += check($db, 'the twin');
	$node->safe_psql($db, q{SELECT torture.attach(); CALL headcount.refresh('wifi')});
	my $faulty = verified($db);
	$different += check($db, 'the twin');
	diag("$fault: $different rows differ, verify finds $faulty") if $different || $faulty;
	$wrong++ if $different;
	$unclean++ if $faulty;
	note(join ', ', "after $fault", compared(), map { "$rounds{$_} of $_" } sort keys %rounds);
}
my $all = 0;
$all += $_ for values %rounds;
diag(sprintf '%d faults in %s', $all, compared());
diag("    $rounds{$_} of $_, tried $tries{$_} times") for sort keys %rounds;
is($wrong, 0, 'after each fault the views are what the tables say');
is($unclean, 0, 'after each fault verify finds nothing');
is($lost, 0, 'the server came back');
cmp_ok($all, '>', 0, 'there were faults');
diag('errors that ended a client: ', join ', ', map { "$met{$_} of $_" } sort { $met{$b} <=> $met{$a} } keys %met);
my $log = slurp_file($node->logfile);
my @crashed = grep { !/signal 9/ && !(/PID (\d+)\) was terminated by signal 6/ && $limited{$1}) } grep { /terminated by signal/ } split /\n/, $log;
is(join("\n", @crashed), '', 'no process crashed of its own accord');
done_testing();
