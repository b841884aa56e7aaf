# The wall between C++ and PostgreSQL, pushed from inside: errors keep their SQLSTATE, nothing leaks, every long call can
# be cancelled, and memory that runs out ends the query, not the server.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use Headcount;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = new_node('wall', conf => "max_parallel_workers_per_gather = 0\n");
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE login (who text, came timestamptz, went timestamptz);
CREATE VIEW some_presence AS SELECT headcount.presence_agg('a'::text, timestamptz '2026-01-01', timestamptz '2026-01-02') AS p;
CREATE FUNCTION broken(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE 'broken' USING ERRCODE = 'UU001'; END $$;
SQL

# --- every error with its own SQLSTATE, and the session goes on -------------------------------------------------------

my @faults = (
	[ 'text that is no presence',   '22P02', q{SELECT 'rubbish'::headcount.presence} ],
	[ 'empty text',                 '22P02', q{SELECT ''::headcount.presence} ],
	[ 'unknown zone',               '22023', q{SELECT headcount.daily_activity(p, 'Mars/Olympus') FROM some_presence} ],
	[ 'zone NULL',                  '22004', q{SELECT headcount.daily_activity(p, NULL) FROM some_presence} ],
	[ 'unknown granularity',        '22023', q{SELECT headcount.activity(p, 'fortnight', 'UTC') FROM some_presence} ],
	[ 'window of no days',          '22023', q{SELECT headcount.rolling_activity(p, 0, 'UTC') FROM some_presence} ],
	[ 'unknown model',              '22023', q{SELECT headcount.daily_user_counts(p, p, p, 'UTC', '2014') FROM some_presence} ],
	[ 'two types of keys in one',   '42804', q{SELECT headcount.presence_union(p, (SELECT headcount.presence_agg(1::bigint, now(), now()))) FROM some_presence} ],
	[ 'a transition by hand',       '42809', q{SELECT headcount_internal.presence_add(NULL, 'a'::text, now(), now())} ],
	[ 'a setting that is no time',  '22023', q{SET headcount.as_of = 'teatime'} ],
	[ 'an unknown setting',         '42602', q{SET headcount.as_off = 'x'} ],
	# errors of PostgreSQL itself, raised below C++ frames
	[ 'an unknown column',          '42703', q{SELECT headcount_internal.resolve_column('login', 'whom', 'text', NULL)} ],
	[ 'no expression',              '42601', q{SELECT headcount_internal.resolve_column('login', 'who +', 'text', NULL)} ],
	[ 'a query for an expression',  '42601', q{SELECT headcount_internal.resolve_column('login', 'who; DROP TABLE login', 'text', NULL)} ],
	[ 'an aggregate in it',         '42803', q{SELECT headcount_internal.resolve_column('login', 'max(who)', 'text', NULL)} ],
	[ 'an unknown function in it',  '42883', q{SELECT headcount_internal.resolve_column('login', 'nothing_like_it(who)', 'text', NULL)} ],
	[ 'a volatile one',             '42P17', q{SELECT headcount_internal.resolve_column('login', 'who || random()', 'text', NULL)} ],
	[ 'a relation that is none',    '42P01', q{SELECT headcount_internal.resolve_column('nothing', 'who', 'text', NULL)} ],
	[ 'an error in an argument',    'UU001', q{SELECT headcount.unique_count(broken(i::text)) FROM generate_series(1, 9) AS i} ],
	[ 'an error in a later row',    '22012', q{SELECT headcount.unique_count((100 / (50 - i))::bigint) FROM generate_series(1, 99) AS i} ],
);
my ($script, $answers) = ('SELECT pg_backend_pid();', '');
$script .= "\n$_->[2];" for @faults;
my $states = sqlstates($node, "$script\nSELECT pg_backend_pid();", stdout => \$answers);
my @states = split ' ', $states;
is(scalar @states, scalar @faults, 'every fault is one error');
is($states[$_] // 'nothing', $faults[$_][1], "SQLSTATE of $faults[$_][0]") for 0 .. $#faults;
my ($first, $last) = split "\n", $answers;
is($last, $first, 'the same backend served them all');

like(error_text($node, q{SELECT headcount_internal.resolve_column('login', 'upper(whom)', 'text', NULL)}), qr/column "whom" does not exist/,
	'the inner error keeps its words');
like(error_text($node, q{SELECT 'rubbish'::headcount.presence}), qr/presence.*LINE 1:.*\n\s*\^/s, 'an input error names the type and its place');

# --- 10,000 caught errors in one transaction leave nothing behind ------------------------------------------------------

my %leaky = (
	'input errors'            => q{PERFORM ('x' || i)::headcount.presence},
	'zone errors'             => q{PERFORM headcount.day_of(now(), 'Mars/Olympus')},
	'inner backend errors'    => q{PERFORM headcount_internal.resolve_column('login', 'column_' || i, 'text', NULL)},
	'names that are too long'  => q{PERFORM headcount_internal.look_up_source(repeat('x', 3000)); PERFORM 'x'::headcount.presence},
	'errors between presences' => q{PERFORM headcount.presence_union((SELECT p FROM some_presence), (SELECT headcount.presence_agg(i::bigint, now(), now())))},
	'errors amid an aggregate' => q{PERFORM headcount.presence_agg(k::text, now(), now()) FROM generate_series(1, 300) AS k WHERE 1 / (300 - k) >= 0},
);
for my $what (sort keys %leaky)
{
	my $times = $what =~ /amid/ ? 1000 : 10000;
	my $loop = "DO \$\$ BEGIN FOR i IN 1 .. %d LOOP BEGIN $leaky{$what}; RAISE 'not reached' USING ERRCODE = 'UU002';"
	  . " EXCEPTION WHEN SQLSTATE 'UU002' THEN RAISE; WHEN OTHERS THEN NULL; END; END LOOP; END \$\$;";
	my $memory = 'SELECT sum(total_bytes) FROM pg_backend_memory_contexts;';
	# The operating system knows of memory that no context does: what C++ took and did not give back.
	my $heap = !-e '/proc/self/status' ? 'SELECT 0;' : q{SELECT (regexp_match(pg_read_file('/proc/' || pg_backend_pid() || '/status'), 'VmData:\s+(\d+)'))[1]::bigint * 1024;};
	my $out = $node->safe_psql('postgres', 'BEGIN;' . sprintf($loop, 500) . $memory . $heap . sprintf($loop, $times) . $memory . $heap . 'COMMIT');
	my ($contexts_before, $heap_before, $contexts, $heap_after) = split "\n", $out;
	cmp_ok($contexts - $contexts_before, '<', 256 * 1024, "$times $what: memory contexts do not grow");
	cmp_ok($heap_after - $heap_before, '<', 4 * 1024 * 1024, "$times $what: the process does not grow");
}

# --- long calls end when they are told to ------------------------------------------------------------------------------

# 600,000 keys, 3 million intervals: each of the calls below takes long enough inside of one C++ function.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE big AS
SELECT headcount.presence_agg('user ' || i % 600000, timestamptz '2000-01-01' + i * interval '97 seconds',
	timestamptz '2000-01-01' + i * interval '97 seconds' + interval '1 hour') AS p
FROM generate_series(1, 3000000) AS i;
CREATE TABLE pieces AS SELECT p FROM big, generate_series(1, 2);
SQL
my $as_of = q{timestamptz '2020-01-01'};
my %long = (
	'an aggregate'         => q{SELECT headcount.unique_count(i::text) FROM (SELECT generate_series(1, 50000000) AS i) AS streamed},
	'a sort of many rows'  => q{SELECT headcount.max_concurrent(i, now() + i % 1000000 * interval '1 second', 'infinity') FROM (SELECT generate_series(1, 50000000) AS i) AS streamed},
	'unions'               => q{SELECT headcount.unique_count(headcount.presence_union_agg(p)) FROM pieces, generate_series(1, 1000)},
	'a daily report'       => qq{SELECT count(*) FROM big, generate_series(1, 1000) AS i, headcount.daily_user_counts(p, p, p, 'Europe/Warsaw', '2019', i, NULL, NULL, $as_of)},
	'a report of all time' => qq{SELECT count(*) FROM big, generate_series(1, 1000) AS i, headcount.daily_activity(p, 'Europe/Warsaw', '0001-01-01', '2019-12-31', $as_of - i * interval '1 second')},
	'hours of all time'    => qq{SELECT count(*) FROM big, generate_series(1, 1000) AS i, headcount.activity(p, 'hour', 'Europe/Warsaw', '0001-01-01', '2019-12-31', $as_of - i * interval '1 second')},
	'a timeline'           => q{SELECT count(*) FROM big, generate_series(1, 1000) AS i, headcount.timeline(p, timestamptz '2000-01-01' + i * interval '1 second')},
	'time at each level'   => q{SELECT count(*) FROM big, generate_series(1, 1000) AS i, headcount.time_at_level(p, timestamptz '2000-01-01' + i * interval '1 second')},
	'a list of intervals'  => q{SELECT count(*) FROM big, generate_series(1, 1000) AS i, headcount.intervals(headcount.presence_clip(p, timestamptz '2000-01-01' + i * interval '1 second', 'infinity'))},
	'text output'          => q{SELECT max(length(headcount.presence_clip(p, timestamptz '2000-01-01' + i * interval '1 second', 'infinity')::text)) FROM big, generate_series(1, 1000) AS i},
);
# Two seconds on a machine that has time; on one that has not, what a trivial question takes there says how much more.
sub patience
{
	my $began = time;
	$node->safe_psql('postgres', 'SELECT 1');
	return 2 + 10 * (time - $began);
}
for my $what (sort keys %long)
{
	my ($out, $err) = ('', '');
	my $patience = patience();
	my $began = time;
	my $state = sqlstates($node, "SET statement_timeout = '700ms';\n$long{$what};\nSELECT 'alive';", stdout => \$out);
	my $took = time - $began;
	is("$state $out", '57014 alive', "statement_timeout ends $what");
	cmp_ok($took, '<', 0.7 + $patience, "$what: within two seconds");

	my ($handle, $pid) = background_backend($node, $long{$what}, \$out, \$err);
	sleep 0.7;
	$began = time;
	$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
	$handle->finish;
	$took = time - $began;
	like($err, qr/57014/, "pg_cancel_backend ends $what");
	like($out, qr/^alive $pid$/m, "$what: the session goes on");
	cmp_ok($took, '<', $patience, "$what: cancelled within two seconds");
}
for my $what ('an aggregate', 'a daily report')
{
	my ($out, $err) = ('', '');
	my $patience = patience();
	my ($handle, $pid) = background_backend($node, $long{$what}, \$out, \$err);
	sleep 0.7;
	my $began = time;
	$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
	eval { $handle->finish };
	cmp_ok(time - $began, '<', $patience, "pg_terminate_backend ends $what within two seconds");
	like($err, qr/57P01/, "$what: as an administrator's command");
}

# --- 300 cancelled calls leave nothing behind --------------------------------------------------------------------------

my ($before, $after) = split "\n", $node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION cancelled(times int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint := 0;
BEGIN
	FOR i IN 1 .. times LOOP
		BEGIN
			-- an error below the executor, while the aggregate holds its table
			PERFORM headcount.unique_count(k::text) FROM generate_series(1, 20000) AS k WHERE 1 / (20000 - k) >= 0;
		EXCEPTION WHEN division_by_zero THEN n := n + 1;
		END;
	END LOOP;
	RETURN (SELECT sum(total_bytes) FROM pg_backend_memory_contexts);
END $$;
SELECT cancelled(50);
SELECT cancelled(250);
SQL
cmp_ok($after - $before, '<', 256 * 1024, '300 aggregates that ended in an error leave no memory behind');

# --- no memory left ----------------------------------------------------------------------------------------------------

# The soft limit is inherited by the servers that are started while it is lowered, and by nothing else.
$node->stop;
system_or_bail('prlimit', '--pid', $$, '--as=' . 500 * 1024 * 1024 . ':');
$node->start;
system_or_bail('prlimit', '--pid', $$, '--as=unlimited:');
my %hungry = (
	'a set of keys'     => q{SELECT headcount.unique_count(i::text) FROM (SELECT generate_series(1, 100000000) AS i) AS streamed},
	'many sessions'     => q{SELECT headcount.max_concurrent(i, now() + i * interval '1 hour', NULL) FROM (SELECT generate_series(1, 100000000) AS i) AS streamed},
	'many small groups' => q{SELECT count(p) FROM (SELECT headcount.presence_agg(k::text || i, now(), now()) AS p FROM generate_series(1, 3000) AS k, generate_series(1, 40000) AS i GROUP BY k) AS s},
	'hours of all time' => q{SELECT count(*) FROM headcount.activity((SELECT headcount.presence_agg('a'::text, '4713-01-02 BC', '290000-01-01')), 'hour', 'Europe/Warsaw', '4713-01-02 BC', '290000-01-01', '290000-01-01')},
);
for my $what (sort keys %hungry)
{
	my $out = '';
	my $state = sqlstates($node, "SET enable_sort = off; SET hash_mem_multiplier = 1000; SELECT pg_backend_pid();\n$hungry{$what};\nSELECT pg_backend_pid();", stdout => \$out);
	like($state, qr/^(53200|54000)$/, "$what beyond memory is an error of its own");
	my @pids = split "\n", $out;
	is($pids[1] // 'gone', $pids[0], "$what: the backend is alive");
}
unlike(slurp_file($node->logfile), qr/terminated by signal|server process .* exited with exit code/, 'no process of the server died');
$node->stop;

done_testing();
