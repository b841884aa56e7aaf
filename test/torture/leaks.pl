# Memory of a session: functions in C and aggregates are called thousands of times each, and answer or fail as often. What the session's
# memory contexts and its process have afterwards is what they had before.
#
# HEADCOUNT_TORTURE_SECONDS is for how long, HEADCOUNT_STRESS_SEED what chance starts from.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../t";
use Headcount;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $until = time() + ($ENV{HEADCOUNT_TORTURE_SECONDS} || 60);
my $seed  = $ENV{HEADCOUNT_STRESS_SEED} || 20260;
my $node  = new_node('leaks', conf => "log_min_error_statement = panic\nlog_min_messages = panic\ntrack_activity_query_size = 100\n");
my $checkpointer = checkpointer($node);

# One session for all, whose process is watched.
$node->safe_psql('postgres', 'CREATE DATABASE leaks');
my $session = open_session($node, db => 'leaks');
$session->run("SET timezone = 'UTC';\n\\i sql/000_setup.sql\n\\i test/support/odd_calls.sql");
$session->run(<<'SQL');
SET client_min_messages = error;
DELETE FROM ours AS o USING pg_proc AS p WHERE p.oid = o.oid AND EXISTS (SELECT FROM unnest(p.proargtypes) AS t WHERE NOT EXISTS (SELECT FROM odd WHERE type = t));
-- What writes to a catalog leaves PostgreSQL's own notes, until its transaction ends.
CREATE FUNCTION pg_temp.memory() RETURNS bigint LANGUAGE sql AS $$ SELECT sum(used_bytes)::bigint FROM pg_backend_memory_contexts WHERE name NOT IN ('TopTransactionContext', 'Combo CIDs') $$;
-- Calls a statement so many times; where it fails, each failure is caught.
CREATE FUNCTION pg_temp.call(statement text, fails boolean, times integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. times LOOP
		IF NOT fails THEN
			EXECUTE statement;
		ELSE
			BEGIN
				EXECUTE statement;
			EXCEPTION WHEN query_canceled OR OTHERS THEN NULL;
			END;
		END IF;
	END LOOP;
END $$;
-- How many calls there were and what they left behind, for as many as take a quarter of a second, or a thousand. What a first call leaves is of caches.
CREATE FUNCTION pg_temp.watch(statement text) RETURNS TABLE (state text, calls integer, bytes bigint) LANGUAGE plpgsql AS $$
DECLARE
	began constant timestamptz := clock_timestamp();
	before bigint;
BEGIN
	state := judge.sqlstate(statement);
	calls := least(1000, 0.25 / greatest(extract(epoch FROM clock_timestamp() - began), 0.00025));
	IF calls < 10 THEN
		calls := 0;
		RETURN NEXT;
		RETURN;
	END IF;
	PERFORM pg_temp.call(statement, state <> 'fine', 10);
	-- Caches of PostgreSQL are made anew at any time; what is left behind by calls is left again.
	FOR i IN 1 .. 3 LOOP
		before := pg_temp.memory();
		PERFORM pg_temp.call(statement, state <> 'fine', calls);
		bytes := least(bytes, pg_temp.memory() - before);
		EXIT WHEN bytes <= 4 * calls;
	END LOOP;
	RETURN NEXT;
END $$;
CREATE TEMP TABLE watched (statement text, state text, calls integer, bytes bigint);
SET statement_timeout = '100s';
SQL
$session->run("SELECT setseed(" . ($seed % 100000) / 100000 . ");");
sub value { my ($sql) = @_; chomp(my $out = $session->run("$sql;") // ''); return $out; }
my $process = q{SELECT (regexp_match(pg_read_file('/proc/' || pg_backend_pid() || '/status'), 'VmData:\s+(\d+)'))[1]::bigint * 1024};
cmp_ok(value('SELECT count(*) FROM ours'), '>', 200, 'there are functions to call');

my @at;
for (my $round = 0; time() < $until || $round < 2; $round++)
{
	push @at, [ value($process), value('SELECT pg_temp.memory()') ];
	my $said = $session->run(q{INSERT INTO watched SELECT c.call, w.* FROM (SELECT pg_temp.odd_call(oid, (random() * 1e9)::integer) AS call FROM ours ORDER BY random() LIMIT 40) AS c, LATERAL pg_temp.watch(c.call) AS w;}, 120) // 'no answer';
	diag($said) if $said ne '';
}
push @at, [ value($process), value('SELECT pg_temp.memory()') ];
my $tried = value(q{SELECT format('%s calls that answered, %s that failed, of %s functions', sum(calls) FILTER (WHERE state = 'fine'), sum(calls) FILTER (WHERE state <> 'fine'), count(DISTINCT split_part(split_part(statement, '(SELECT ', 2), '(', 1))) FROM watched});
diag($tried);
is(checkpointer($node), $checkpointer, 'the server has not crashed');
like($tried, qr/^[1-9]\d* calls that answered, [1-9]/, 'some calls answered, some failed');
# what is allocated has a header of 8 bytes at least
is(value(q{SELECT format('%s bytes after %s calls: %s', bytes, calls, left(statement, 500)) FROM watched WHERE bytes > 4 * calls ORDER BY bytes DESC LIMIT 5}), '', 'no call leaves memory behind in a context');
# the first half has made what every session keeps
my ($middle, $last) = @at[ @at / 2, -1 ];
diag("the process had $at[0][0] bytes, $middle->[0] at half-time, $last->[0] at the end; its contexts $at[0][1], $middle->[1], $last->[1]");
cmp_ok($last->[0] - $middle->[0], '<', 32 * 1024 * 1024, 'the process does not grow');
cmp_ok($last->[1] - $middle->[1], '<', 4 * 1024 * 1024, '... nor do its contexts');
$session->close;
done_testing();
