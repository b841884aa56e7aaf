# Writers, refreshes and readers all at once: at every snapshot the views of a materialized source are those of an
# unmaterialized one over the same tables, and what the oracle says. Also where backends, or the whole server, are killed
# in the middle. That the test can fail is shown by a refresh which empties the log after it computed, not before.
#
# HEADCOUNT_STRESS_SECONDS is how long each of the undisturbed runs takes, HEADCOUNT_STRESS_SEED what chance starts from.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use Headcount;
use Stress;
use Test::More;

my $seconds = $ENV{HEADCOUNT_STRESS_SECONDS} || 4;
my $node = stress_node('stress');

# Everybody at once for a while, nobody disturbed.
sub undisturbed
{
	my ($db, $what) = @_;
	begin_checks();
	my $writers   = start_clients($db, 8, $seconds, 'write.sql');
	my $refreshes = start_clients($db, 2, $seconds, 'refresh.sql@6', 'steps.sql@6', 'rebuild.sql@1');
	check($db) while is_at_work($writers) && is_at_work($refreshes);
	my $writes    = finish_clients($writers, "$what: no writer meets an error");
	my $refreshed = finish_clients($refreshes, "$what: no refresh meets an error");
	check($db) for 1 .. 4;
	diag("$what: $writes writes, $refreshed refreshes, " . compared() . ', ' . differences() . ' differences');
	is(differences(), 0, "$what: the views are what the tables say at every snapshot");
	cmp_ok($writes, '>', 20, "$what: there was something to write");
	cmp_ok($refreshed, '>', 3, "$what: ... and to refresh");
	is(verified($db), 0, "$what: verify finds nothing");
	$node->safe_psql($db, q{CALL headcount.refresh('wifi')});
	is(check($db) + verified($db), 0, "$what: nor after a last refresh");
	return;
}

new_database('plain', '');
undisturbed('plain', 'a plain table');

new_database('parts', <<'SQL');
CREATE TABLE oracle.session_recent PARTITION OF oracle.session FOR VALUES FROM (now() - interval '12 days') TO ('infinity');
CREATE TABLE oracle.session_other PARTITION OF oracle.session DEFAULT;
SQL
undisturbed('parts', 'a partitioned table');

# --- kill -9 ------------------------------------------------------------------------------------------------------------

sub killed
{
	my ($what, $kill) = @_;
	begin_checks();
	for my $round (1 .. 2)
	{
		my $writers   = start_clients('parts', 8, 30, 'write.sql');
		my $refreshes = start_clients('parts', 2, 30, 'steps.sql@4', 'rebuild.sql@1');
		check('parts') for 1 .. 2;
		my $reached = $kill->();
		finish_clients($_) for $writers, $refreshes;
		ok($reached, "$what, round $round: there was a refresh to kill");
		is(check('parts') + check('parts'), 0, "$what, round $round: the views are what the tables say");
		commit_prepared('parts');
		is(check('parts') + verified('parts'), 0, "$what, round $round: ... also with transactions that were prepared before");
		$node->safe_psql('parts', q{CALL headcount.refresh('wifi')});
		is(check('parts') + verified('parts'), 0, "$what, round $round: a refresh goes on where they were");
	}
	is(differences(), 0, "$what: no differences in " . compared());
	return;
}

killed('a refresh killed', sub {
	my $checkpointer = checkpointer($node);
	my $pid = refresh_at_work('parts') or return 0;
	kill 'KILL', $pid;
	wait_for_restart($node, $checkpointer);
	return 1;
});

killed('the server killed', sub {
	my $pid = refresh_at_work('parts');
	$node->kill9;
	start_again();
	return $pid;
});

# --- the test can fail --------------------------------------------------------------------------------------------------

# The log read first and emptied last: what is committed in between is lost.
sub replace_in
{
	my ($function, $from, $to) = @_;
	my $body = $node->safe_psql('plain',
		"SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = '$function' AND pronamespace = 'headcount_internal'::regnamespace");
	is($body =~ s/\Q$from\E/$to/g, 1, "$function can be broken");
	$node->safe_psql('plain', $body);
	return;
}
# A row is written between what a refresh computes and the end of its transaction. Returns how many rows of the views are wrong then.
sub differences_after_late_row
{
	my ($what) = @_;
	my $row = q{INSERT INTO oracle.session (user_name, host, server, started_at, ended_at) VALUES ('%s', 'host 1', 's1', now() - interval '5 days', now() - interval '4 days')};
	my ($holder, $refresh) = map { open_session($node, db => 'plain') } 1 .. 2;
	begin_checks();
	$holder->run(sprintf("SELECT pg_advisory_lock(42); $row;", 'early'));
	$refresh->start("CALL headcount.refresh('wifi');");
	ok($node->poll_query_until('plain', q{SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)}), "$what has computed the day of a row");
	$holder->run(sprintf("$row; SELECT pg_advisory_unlock(42);", 'late'));
	is($refresh->finish, '', '... and ends after a second row');
	$_->close for $holder, $refresh;
	return check('plain');
}
my $puts_back = q{EXECUTE format('INSERT INTO %s (from_day, to_day) SELECT};
my $waits     = 'PERFORM pg_advisory_lock_shared(42), pg_advisory_unlock_shared(42);';
replace_in('refresh_step', $puts_back, "$waits $puts_back");
is(differences_after_late_row('a refresh'), 0, '... and the views are what the tables say');
replace_in('take_changes', 'DELETE FROM %s RETURNING from_day, to_day, from_at', 'SELECT from_day, to_day, from_at FROM %s');
replace_in('refresh_step', $puts_back, qq{EXECUTE format('DELETE FROM %s', headcount_internal.relation_name(state.log)); $puts_back});
cmp_ok(differences_after_late_row('a refresh that empties the log after it computed'), '>', 0, '... and is caught');

# Before its days are stored for the first time a source logs nothing. Who wrote by then is waited for; here he is a prepared
# transaction, which nobody can hurry.
for my $case (['parts', 'waits'], ['plain', 'does not wait'])
{
	my ($database, $what) = @$case;
	replace_in('wait_for_source', 'PERFORM headcount_internal.wait_for_writers(state.relations);', '') if $database eq 'plain';
	$node->safe_psql($database, q{
		CREATE TABLE late (who text, came timestamptz, went timestamptz);
		INSERT INTO late SELECT 'user ' || i, '2024-03-01 12:00+00'::timestamptz + i * interval '1 day', '2024-03-02 12:00+00'::timestamptz + i * interval '1 day' FROM generate_series(1, 9) AS i;
		SELECT headcount.create_source('late', 'late', 'who', NULL, 'came', 'went', time_zone => 'UTC');
		SELECT headcount.create_source('late_live', 'late', 'who', NULL, 'came', 'went', time_zone => 'UTC', materialized => false);
		BEGIN; INSERT INTO late VALUES ('late', '2024-03-04 12:00+00', '2024-03-06 12:00+00'); PREPARE TRANSACTION 'late';});
	my ($status, $out, $error) = $node->psql($database, q{SET lock_timeout = '1s'; CALL headcount.refresh('late');});
	is($status == 0, $database eq 'plain', "a refresh $what for who wrote and has not committed");
	is($node->safe_psql($database, 'SELECT watermark FROM late.rollup_state'), '-infinity', 'nothing is stored') if $database eq 'parts';
	$node->safe_psql($database, q{COMMIT PREPARED 'late'});
	my $differences = q{SELECT count(*) FROM (TABLE late.daily_user_counts EXCEPT ALL TABLE late_live.daily_user_counts) AS d};
	cmp_ok($node->safe_psql($database, $differences), $database eq 'plain' ? '>' : '==', 0, "a refresh that $what: what the view says");
	next if $database eq 'plain';
	$node->safe_psql($database, q{CALL headcount.refresh('late')});
	is($node->safe_psql($database, $differences), 0, 'and when the days are stored');
}

done_testing();
