package Stress;

# Writers, refreshes and checks at work on one source at once: what tests of that share. The source "wifi" has stored days, "twin" has
# none and is over the same tables, and the oracle knows both.

use strict;
use warnings;

use Exporter 'import';
use FindBin;
use Headcount;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(stress_node new_database start_clients is_at_work finish_clients check begin_checks compared differences verified commit_prepared refresh_at_work start_again);

my $zone = 'Europe/Warsaw';
my ($node, $seed);

my %scripts;
$scripts{write} = <<'END';
\set kind random(1, 20)
\set kind2 random(1, 40)
\set a random(0, 9999)
\set b random(0, 9999)
\set c random(0, 9999)
\set end random(1, 20)
\set hold random(-30, 30)
BEGIN;
SELECT stress.change(:kind, :a, :b, :c);
\if :kind2 > 20
SAVEPOINT s;
SELECT stress.change(:kind2 - 20, :b, :c, :a);
\if :end > 15
ROLLBACK TO SAVEPOINT s;
\endif
\endif
\if :hold > 0
\sleep :hold ms
\endif
\if :end <= 2
ROLLBACK;
\elif :end = 3
PREPARE TRANSACTION 'writer:client_id';
\sleep 10 ms
COMMIT PREPARED 'writer:client_id';
\else
COMMIT;
\endif
END
$scripts{refresh} = "\\set pause random(10, 50)\nCALL headcount.refresh('wifi');\n\\sleep :pause ms\n";
$scripts{steps}   = "\\set days random(1, 5)\n\\set pause random(10, 50)\nCALL headcount.refresh('wifi', :days);\n\\sleep :pause ms\n";
$scripts{rebuild} = "CALL headcount.rebuild('wifi');\n\\set from random(0, 12)\nSELECT headcount.invalidate('wifi', current_date - :from - 3, current_date - :from);\n";

# A server for all that follows, where clients may run further scripts. HEADCOUNT_STRESS_SEED is what chance starts from.
sub stress_node
{
	my ($name, %options) = @_;
	$seed = $ENV{HEADCOUNT_STRESS_SEED} || 20260;
	note("seed $seed");
	$node = new_node($name, conf => "restart_after_crash = on\nmax_prepared_transactions = 20\nmax_connections = 40\ndeadlock_timeout = 20ms\n" . ($options{conf} // ''));
	my %all = (%scripts, %{ $options{scripts} // {} });
	append_to_file($node->basedir . "/$_.sql", $all{$_}) for keys %all;
	return $node;
}

# --- tables, sources, and the functions that write and compare ----------------------------------------------------------

# A database with the oracle's tables, plain or partitioned, two sources over them, and some rows to begin with.
sub new_database
{
	my ($db, $partitions) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $db");
	my $oracle = slurp_file("$FindBin::Bin/../oracle/oracle.sql");
	my $changes = 0;
	if ($partitions ne '')
	{
		# rows that are written to a partition itself get their number there, too
		$changes += $oracle =~ s/bigint GENERATED ALWAYS AS IDENTITY/bigserial/g;
		$changes += $oracle =~ s/(CREATE TABLE oracle\.session \(.*?\));/$1 PARTITION BY RANGE (started_at);\n$partitions/s;
		is($changes, 4, "$db: the oracle's tables can be partitioned");
	}
	$node->safe_psql($db, "SET client_min_messages = warning; CREATE EXTENSION headcount CASCADE;\n$oracle");
	$node->safe_psql($db, <<"SQL" . <<'SQL');
CREATE SCHEMA stress;
CREATE FUNCTION stress.zone() RETURNS text LANGUAGE sql IMMUTABLE AS \$\$ SELECT '$zone'::text \$\$;
SQL
-- The last day that was shorter or longer than others.
CREATE TABLE stress.odd_day AS
SELECT max(d)::date AS day FROM generate_series(current_date - 250, current_date - 20, '1 day') AS d
WHERE oracle.day_start(d::date + 1, stress.zone()) - oracle.day_start(d::date, stress.zone()) <> '24 hours';

-- Instants on a grid, so that equal ones are common: half of them in the last ten days, half around the odd day.
CREATE FUNCTION stress.instant(n integer) RETURNS timestamptz LANGUAGE sql STABLE AS $$
	SELECT CASE WHEN n % 2 = 0 THEN date_trunc('hour', now()) - n % 499 * interval '30 minutes' + interval '1 hour'
	            ELSE oracle.day_start(day - 3, stress.zone()) + n % 331 * interval '30 minutes' END
	FROM stress.odd_day $$;
CREATE FUNCTION stress.person(n integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE n % 31 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE 'user ' || n % 31 END $$;

-- One change. Which one is said by the numbers alone; what others are at is left.
CREATE FUNCTION stress.change(kind integer, a integer, b integer, c integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	-- straight to a partition, or to its parent
	target text := CASE WHEN c % 3 > 0 THEN 'oracle.session' ELSE coalesce(to_regclass('oracle.session_recent')::text, 'oracle.session') END;
	at     timestamptz := stress.instant(CASE WHEN target = 'oracle.session' THEN a ELSE a * 2 END);
	one    bigint;
BEGIN
	IF kind BETWEEN 6 AND 16 AND kind <> 12 THEN
		SELECT id INTO one FROM oracle.session
		WHERE id = (SELECT s.id FROM oracle.session AS s ORDER BY s.id OFFSET b % (SELECT greatest(count(*), 1) FROM oracle.session) LIMIT 1)
		FOR UPDATE SKIP LOCKED;
	ELSIF kind > 18 THEN
		SELECT id INTO one FROM oracle.denial
		WHERE id = (SELECT d.id FROM oracle.denial AS d ORDER BY d.id OFFSET a % 100 LIMIT 1) FOR UPDATE SKIP LOCKED;
	END IF;
	CASE kind
	WHEN 1, 2 THEN      -- came; seen or not
		EXECUTE format('INSERT INTO %s (user_name, host, server, started_at, last_seen) VALUES ($1, $2, $3, $4, $5)', target)
			USING stress.person(b), 'host ' || c % 11, 's' || c % 4, at, CASE WHEN a % 3 > 0 THEN stress.instant(c) END;
	WHEN 3, 4 THEN      -- came and went; an instant, or reversed
		EXECUTE format('INSERT INTO %s (user_name, host, server, started_at, ended_at) VALUES ($1, $2, $3, $4, $5)', target)
			USING stress.person(b), 'host ' || c % 11, 's' || c % 4, at, at + (b % 150 - 2) * interval '30 minutes';
	WHEN 5 THEN         -- many at once
		INSERT INTO oracle.session (user_name, host, server, started_at, ended_at)
		SELECT s.user_name, 'host ' || (a + i) % 11, CASE WHEN i > 1 THEN s.server END, s.started_at + i * interval '1 hour', s.ended_at + i * interval '1 day'
		FROM oracle.session AS s, generate_series(1, 3) AS i WHERE s.id % 20 = a % 20 LIMIT 15;
	WHEN 6, 7, 8 THEN   -- closed
		UPDATE oracle.session SET ended_at = greatest(started_at, stress.instant(a)) WHERE id = one AND ended_at IS NULL;
	WHEN 9 THEN         -- the start moves, perhaps to another partition
		UPDATE oracle.session SET started_at = stress.instant(a) WHERE id = one;
	WHEN 10 THEN        -- opened again
		UPDATE oracle.session SET ended_at = CASE WHEN c % 2 = 0 THEN 'infinity'::timestamptz END, last_seen = stress.instant(a) WHERE id = one;
	WHEN 11 THEN
		UPDATE oracle.session SET user_name = stress.person(a) WHERE id = one;
	WHEN 12 THEN
		UPDATE oracle.session SET server = 's' || a % 4, host = nullif('host ' || c % 11, 'host 0')
		WHERE id IN (SELECT s.id FROM oracle.session AS s WHERE s.id % 50 = a % 50 FOR UPDATE SKIP LOCKED);
	WHEN 13, 14 THEN
		UPDATE oracle.session SET last_seen = greatest(last_seen, stress.instant(a)) WHERE id = one AND ended_at IS NULL;
	WHEN 15 THEN
		EXECUTE format('DELETE FROM %s WHERE id = $1', target) USING one;
	WHEN 16 THEN        -- keeps the tables small
		DELETE FROM oracle.session
		WHERE id IN (SELECT s.id FROM oracle.session AS s WHERE s.id % 8 = a % 8 AND (SELECT count(*) > 250 FROM oracle.session) FOR UPDATE SKIP LOCKED);
		DELETE FROM oracle.denial
		WHERE id IN (SELECT d.id FROM oracle.denial AS d WHERE d.id % 8 = a % 8 AND (SELECT count(*) > 100 FROM oracle.denial) FOR UPDATE SKIP LOCKED);
	WHEN 17 THEN
		INSERT INTO oracle.denial (user_name, host, server, denied_at) VALUES (stress.person(b), 'host ' || c % 11, 's' || c % 4, at);
	WHEN 18 THEN        -- just before or after the user got in: false, or not
		INSERT INTO oracle.denial (user_name, server, denied_at)
		SELECT s.user_name, s.server, s.started_at + (a % 11 - 3) * interval '1 second' FROM oracle.session AS s WHERE s.id % 20 = b % 20 LIMIT 1;
	WHEN 19 THEN
		UPDATE oracle.denial SET denied_at = stress.instant(b), user_name = stress.person(c) WHERE id = one;
	ELSE
		DELETE FROM oracle.denial WHERE id = one;
	END CASE;
EXCEPTION WHEN serialization_failure OR deadlock_detected THEN
	NULL;
END $$;

CREATE FUNCTION stress.compare(ours text, theirs text, OUT compared bigint, OUT different bigint) LANGUAGE plpgsql STABLE AS $$
BEGIN
	EXECUTE format('WITH a AS MATERIALIZED (SELECT v::text FROM (%s) AS v), b AS MATERIALIZED (SELECT v::text FROM (%s) AS v)
		SELECT (SELECT count(*) FROM b), (SELECT count(*) FROM (TABLE a EXCEPT ALL TABLE b) AS d) + (SELECT count(*) FROM (TABLE b EXCEPT ALL TABLE a) AS d)',
		ours, theirs) INTO compared, different;
END $$;

-- In the caller's snapshot, which has to be one for all of it.
CREATE FUNCTION stress.against_twin(OUT compared bigint, OUT different bigint) LANGUAGE sql STABLE AS $$
	SELECT sum(c.compared), sum(c.different)
	FROM unnest(ARRAY['daily_user_counts', 'daily_user_counts_2013', 'daily_user_counts_2019', 'daily_user_counts_2025', 'daily_user_counts_by_server',
	                  'daily_user_counts_by_letter', 'daily_user_sketches', 'realtime_users_count']) AS view,
	     stress.compare('SELECT * FROM wifi.' || view, 'SELECT * FROM twin.' || view) AS c $$;
CREATE FUNCTION stress.against_oracle(OUT compared bigint, OUT different bigint) LANGUAGE sql STABLE AS $$
	SELECT sum(c.compared), sum(c.different)
	FROM (SELECT oracle.params(now(), stress.zone(), model, 3, '{s1,s2}', '36 hours', '5 seconds', '2 seconds') AS p, model
	      FROM unnest(ARRAY['2013', '2019']) AS model) AS m,
	     LATERAL (VALUES ('SELECT * FROM wifi.daily_user_counts_' || model, format('SELECT * FROM oracle.daily_user_counts(%L)', p), NULL),
	                     ('SELECT * FROM wifi.daily_user_counts_by_server', format('SELECT * FROM oracle.by_server(%L)', p), '2019'),
	                     ('SELECT * FROM wifi.realtime_users_count', format('SELECT * FROM oracle.realtime_users_count(%L)', p), '2019')) AS v (ours, theirs, of_model),
	     stress.compare(v.ours, v.theirs) AS c
	WHERE coalesce(v.of_model, model) = model $$;

SELECT headcount.create_source(name, 'oracle.session', 'user_name', 'host', 'started_at', 'ended_at', server => 'server', last_seen => 'last_seen',
	idle_limit => '36 hours', realtime_servers => '{s1,s2}', denials => 'oracle.denial', denied_user => 'user_name', denied_at => 'denied_at',
	denied_host => 'host', denied_server => 'server', false_denial_before => '5 seconds', false_denial_after => '2 seconds',
	time_zone => stress.zone(), window_days => 3, materialized => name = 'wifi', dimensions => '{"letter": "right(host, 1)"}')
FROM unnest('{wifi,twin}'::text[]) AS name;
SELECT stress.change(i % 20 + 1, (i * 7919) % 10000, (i * 104729) % 10000, (i * 1299709) % 10000) FROM generate_series(1, 600) AS i;
SQL
	return;
}

# --- sessions at work ---------------------------------------------------------------------------------------------------

# Starts pgbench with some of the scripts, each with its weight, each time on another sequence of choices.
my $started = 0;
sub start_clients
{
	my ($db, $clients, $for, @scripts) = @_;
	my %run = (out => '', err => '');
	$run{handle} = IPC::Run::start(
		[ 'pgbench', '-n', '-c', $clients, '-j', 1, '-T', $for, '--random-seed=' . ($seed + $started++), (map { ('-f', $node->basedir . "/$_") } @scripts),
			$node->connstr($db) ],
		'<', \undef, '>', \$run{out}, '2>', \$run{err}, IPC::Run::timeout(10 * $for + 120));
	return \%run;
}
sub is_at_work
{
	my ($run) = @_;
	$run->{handle}->pump_nb if $run->{handle}->pumpable;
	return $run->{handle}->pumpable;
}

# How many transactions they did. With words, that none of them met an error is a test.
sub finish_clients
{
	my ($run, $words) = @_;
	eval { $run->{handle}->finish; };
	is(join("\n", grep { /ERROR|aborted/ } split /\n/, $run->{err}), '', $words) if defined $words;
	return $run->{out} =~ /number of transactions actually processed: (\d+)/ ? $1 : 0;
}

# One check in one snapshot, as of now or of an instant in the past; now and then by the oracle too, unless only the twin is
# asked. Returns how many rows differ.
my ($checks, $compared, $different) = (0, 0, 0);
sub begin_checks { ($checks, $compared, $different) = (0, 0, 0); return; }
sub differences { return $different; }
sub compared { return "$checks checks of $compared rows"; }
sub check
{
	my ($db, $judges) = @_;
	$checks++;
	my $as_of = (q{''}, q{''}, q{(now() - interval '30 hours')::text}, q{(now() - interval '4 days')::text})[ $checks % 4 ];
	my $judge = $checks % 8 == 1 && ($judges // '') ne 'the twin' ? 'UNION ALL SELECT * FROM stress.against_oracle()' : '';
	my $answer = $node->safe_psql($db, <<"SQL");
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT set_config('headcount.as_of', $as_of, true);
SELECT sum(compared), sum(different) FROM (SELECT * FROM stress.against_twin() $judge) AS c;
COMMIT;
SQL
	$answer =~ /(\d+)\|(\d+)$/ or die "no answer: $answer";
	$compared += $1;
	$different += $2;
	return $2;
}

sub verified
{
	my ($db) = @_;
	return $node->safe_psql($db, q{SELECT count(*) FROM headcount.verify('wifi')});
}

# Transactions that were prepared outlive a crash, their writers do not. All of them are committed, or those of a writer's kind.
sub commit_prepared
{
	my ($db, $kind) = @_;
	$kind //= '';
	$node->safe_psql($db, "COMMIT PREPARED '$_'") for split /\n/, $node->safe_psql($db, qq{SELECT gid FROM pg_prepared_xacts WHERE database = current_database() AND starts_with(gid, '$kind')});
	return;
}

# Waits until a refresh is at work and returns its process number.
sub refresh_at_work
{
	my ($db) = @_;
	for (1 .. 200)
	{
		my $pids = $node->safe_psql($db, q{SELECT pid FROM pg_stat_activity
			WHERE query ~ '^CALL headcount' AND state = 'active' AND wait_event_type IS DISTINCT FROM 'Lock'});
		return $1 if $pids =~ /^(\d+)/;
		sleep 0.02;
	}
	return 0;
}

# Starts a server that was killed. Its processes notice one by one, and until the last is gone the memory is taken.
sub start_again
{
	for (1 .. 100)
	{
		return 1 if $node->start(fail_ok => 1);
		sleep 0.1;
		$node->stop('fast', fail_ok => 1);
	}
	return 0;
}

1;
