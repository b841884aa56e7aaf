# Queries by chance. Half of the time is sqlsmith's, as the owner of sources of every kind: whatever it asks is answered or refused, no
# error is internal, nothing crashes. The other half are pairs of queries that must say the same: what is split by any condition (p, not
# p, p is null) or by any groups and put together again is the whole, serial or parallel; cut in time it heals; each licensing model
# keeps what it promises.
#
# HEADCOUNT_TORTURE_SECONDS is for how long, HEADCOUNT_STRESS_SEED what chance starts from.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../t";
use Headcount;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $seconds = $ENV{HEADCOUNT_TORTURE_SECONDS} || 60;
my $seed    = $ENV{HEADCOUNT_STRESS_SEED}     || 20260;
srand($seed);
my $node = new_node('queries', conf => "statement_timeout = '10s'\nlog_error_verbosity = verbose\nmax_parallel_workers_per_gather = 2\n");
my $oracle = slurp_file("$FindBin::Bin/../oracle/oracle.sql") . slurp_file("$FindBin::Bin/../oracle/data.sql");
$node->safe_psql('postgres', "SET client_min_messages = error;\n$oracle");
$node->safe_psql('postgres', <<'SQL');
SELECT oracle.load_random(4242, 3000, 300, '2024-01-01', '2024-06-01', users => 200);
CREATE ROLE keeper LOGIN;
GRANT CREATE ON DATABASE postgres TO keeper;
GRANT USAGE ON SCHEMA oracle TO keeper;
GRANT ALL ON ALL TABLES IN SCHEMA oracle TO keeper;
ALTER TABLE oracle.session OWNER TO keeper;
ALTER TABLE oracle.denial OWNER TO keeper;
SQL
$node->safe_psql('postgres', <<'SQL', extra_params => [ '-U', 'keeper' ]);
SET client_min_messages = error;
SELECT headcount.create_source(name, 'oracle.session', 'user_name', CASE WHEN name <> 'bare' THEN 'host' END, 'started_at', 'ended_at', server => CASE WHEN name <> 'bare' THEN 'server' END,
	last_seen => CASE WHEN name = 'idle' THEN 'last_seen' END, idle_limit => CASE WHEN name = 'idle' THEN interval '1 day' END, realtime_servers => CASE WHEN name <> 'bare' THEN '{s1}'::text[] END,
	denials => CASE WHEN name <> 'bare' THEN 'oracle.denial'::regclass END, denied_user => CASE WHEN name <> 'bare' THEN 'user_name' END, denied_at => CASE WHEN name <> 'bare' THEN 'denied_at' END,
	denied_server => CASE WHEN name <> 'bare' THEN 'server' END, false_denial_before => CASE WHEN name = 'idle' THEN interval '5 s' END, licensing_model => CASE name WHEN 'idle' THEN '2013' WHEN 'bare' THEN '2025' ELSE '2019' END,
	time_zone => 'Europe/Warsaw', materialized => name <> 'live', tracking => CASE name WHEN 'recent' THEN 'window' ELSE 'auto' END)
FROM unnest('{stored,live,idle,bare,recent}'::text[]) AS name;
CALL headcount.refresh('stored');
CALL headcount.refresh('idle');
CALL headcount.refresh('bare');
CALL headcount.refresh('recent');
UPDATE oracle.session SET ended_at = ended_at + interval '3 days' WHERE id % 97 = 0;
SQL
my $checkpointer = checkpointer($node);

# --- sqlsmith -----------------------------------------------------------------------------------------------------------

SKIP:
{
	skip 'sqlsmith is not installed', 3 if !grep { -x "$_/sqlsmith" } split /:/, "$ENV{PATH}:/usr/games";
	my ($out, $err, $queries) = ('', '', 0);
	my $until = time() + $seconds / 2;
	for (my $nth = 0; time() < $until; $nth++)
	{
		my $left = int($until - time()) + 1;
		my $run = IPC::Run::start([ 'sqlsmith', '--target=' . $node->connstr('postgres') . ' user=keeper', '--seed=' . ($seed + $nth), '--max-queries=2000', '--exclude-catalog' ],
			'<', \undef, '>', \my $some, '2>', \$err, IPC::Run::timer($left));
		eval { $run->pump while $run->pumpable && time() < $until; 1 };
		$run->signal('TERM');
		eval { $run->finish };
	}
	my $log = slurp_file($node->logfile);
	my %states;
	$states{$1}++ while $log =~ /ERROR:  ([0-9A-Z]{5})/g;
	my $failed = 0;
	$failed += $_ for values %states;
	diag("sqlsmith: $failed statements that ended in an error: " . join(', ', map { "$states{$_} $_" } sort keys %states) . '; '
		. $node->safe_psql('postgres', q{SELECT xact_commit + xact_rollback || ' transactions' FROM pg_stat_database WHERE datname = 'postgres'}));
	cmp_ok($failed, '>', 10, 'sqlsmith asked');
	is($node->poll_query_until('postgres', 'SELECT true') && checkpointer($node), $checkpointer, 'the server has not crashed');
	# PostgreSQL's own functions have some of their own
	my @internal = grep { /headcount|\.cpp|presence|user_set/ } $log =~ /(ERROR:  XX000[^\n]*\n(?:[^\n]*(?:LOCATION|CONTEXT|STATEMENT)[^\n]*\n){0,3})/g;
	is($internal[0], undef, 'no error of ours is internal');
}

# --- relations ----------------------------------------------------------------------------------------------------------

sub any_instant { return sprintf "timestamptz '2024-01-01 00:00+00' + %d * interval '%d minutes'", int rand 4000, int(rand 60) + 1; }
sub any_condition
{
	my ($depth) = @_;
	return sprintf '(%s %s %s)', any_condition(0), one_of('AND', 'OR'), any_condition(0) if ($depth // 1) && rand() < 0.4;
	return one_of(
		sub { 'user_name ' . one_of('<', '>=', '=', '<>') . " 'user" . int(rand 200) . "'" }, sub { "server = 's" . int(rand 4) . "'" }, sub { "host LIKE '%" . int(rand 10) . "'" },
		sub { 'ended_at > ' . any_instant() }, sub { 'started_at < ' . any_instant() }, sub { 'ended_at > started_at + interval \'' . int(rand 40) . ' hours\'' },
		sub { 'last_seen IS NULL' }, sub { 'nullif(id % ' . int(2 + rand 9) . ', ' . int(rand 3) . ') > 1' }, sub { 'NOT (host < user_name)' })->();
}
sub any_groups { return one_of('server', 'id % 7', 'host', 'length(user_name)', "date_trunc('month', started_at)", 'server, id % 2'); }
sub any_zone { return one_of('UTC', 'Europe/Warsaw', 'America/Havana', 'Pacific/Apia', 'Australia/Lord_Howe', 'Asia/Kathmandu'); }
my $as_of = "timestamptz '2024-05-20 10:00+00'";
# rows that an aggregate over intervals takes
my $rows = 'FROM oracle.session WHERE started_at <= ended_at IS NOT FALSE';

my %relations = (
	'a presence by p, not p, p is null' => sub {
		my $p = any_condition();
		my $agg = one_of('presence_agg(user_name, started_at, ended_at)', 'presence_agg(host, started_at, ended_at)', 'presence_agg(id, started_at, ended_at)', 'presence_agg(user_name, started_at)');
		return ("SELECT headcount.$agg $rows", "SELECT (SELECT headcount.$agg $rows AND ($p)) OPERATOR(headcount.||) (SELECT headcount.$agg $rows AND NOT ($p)) OPERATOR(headcount.||) (SELECT headcount.$agg $rows AND ($p) IS NULL)");
	},
	'a presence by groups' => sub {
		my $g = any_groups();
		return ("SELECT headcount.presence_agg(user_name, started_at, ended_at) $rows", "SELECT headcount.presence_union_agg(p) FROM (SELECT headcount.presence_agg(user_name, started_at, ended_at) AS p $rows GROUP BY $g) AS g");
	},
	'max_concurrent and the peak of a presence' => sub {
		my $p = any_condition();
		return ("SELECT headcount.max_concurrent(host, started_at, ended_at) $rows AND ($p)", "SELECT headcount.max_concurrent(headcount.presence_agg(host, started_at, ended_at)) $rows AND ($p)");
	},
	'unique_count, count(DISTINCT), and that of a presence' => sub {
		my $p = any_condition();
		return ("SELECT headcount.unique_count(user_name) AS a, headcount.unique_count(id) FILTER (WHERE isfinite(started_at)) AS b $rows AND ($p)", "SELECT count(DISTINCT user_name) AS a, headcount.unique_count(headcount.presence_agg(id, started_at, ended_at)) $rows AND ($p)");
	},
	'filtered and asked for' => sub {
		my $p = any_condition();
		return ("SELECT headcount.max_concurrent(user_name, started_at, ended_at) FILTER (WHERE $p) AS a, headcount.online_count(started_at, ended_at, $as_of) FILTER (WHERE $p) $rows",
			"SELECT headcount.max_concurrent(user_name, started_at, ended_at), headcount.online_count(started_at, ended_at, $as_of) $rows AND ($p)");
	},
	'cut in time it heals' => sub {
		my ($one, $two, $three) = (any_instant(), any_instant(), any_instant());
		return ("SELECT headcount.presence_clip(p, a, c) FROM (SELECT headcount.presence_agg(user_name, started_at, ended_at) AS p $rows) AS p, LATERAL (SELECT least($one, $two, $three) AS a, greatest($one, $two, $three) AS c) AS b",
			"SELECT headcount.presence_clip(p, a, b) OPERATOR(headcount.||) headcount.presence_clip(p, b, c) FROM (SELECT headcount.presence_agg(user_name, started_at, ended_at) AS p $rows) AS p,
			LATERAL (SELECT min(t) AS a, percentile_disc(0.5) WITHIN GROUP (ORDER BY t) AS b, max(t) AS c FROM unnest(ARRAY[$one, $two, $three]) AS t) AS b");
	},
	'taken apart and made again' => sub {
		my $p = any_condition();
		return ("SELECT headcount.presence_agg(user_name, started_at, ended_at) $rows AND ($p)", "SELECT headcount.presence_agg(i.key, i.started_at, i.ended_at) FROM (SELECT headcount.presence_agg(user_name, started_at, ended_at) AS p $rows AND ($p)) AS a, headcount.intervals(a.p) AS i");
	},
	'time at level and the timeline' => sub {
		my ($one, $two) = (any_instant(), any_instant());
		return ("SELECT l.concurrent, extract(epoch FROM l.duration) FROM (SELECT headcount.presence_agg(host, started_at, ended_at) AS p $rows) AS p, LATERAL (SELECT least($one, $two) AS a, greatest($one, $two) AS b) AS s, headcount.time_at_level(p, a, b) AS l WHERE l.concurrent > 0",
			"SELECT concurrent, extract(epoch FROM sum(until - at)) FROM (SELECT t.concurrent, t.at, coalesce(lead(t.at) OVER (ORDER BY t.at), b) AS until FROM (SELECT headcount.presence_agg(host, started_at, ended_at) AS p $rows) AS p, LATERAL (SELECT least($one, $two) AS a, greatest($one, $two) AS b) AS s, headcount.timeline(p, a, b) AS t) AS x WHERE concurrent > 0 GROUP BY concurrent");
	},
	'the report of a presence, whole and of its groups united' => sub {
		my ($g, $zone, $model) = (any_groups(), any_zone(), one_of('2013', '2019', '2025'));
		my $report = sub { my ($u, $h) = @_; "SELECT r.* FROM (SELECT $u AS u, $h AS h %s) AS p, headcount.daily_user_counts(u, NULL, h, '$zone', '$model', as_of => $as_of) AS r" };
		return (sprintf($report->('headcount.presence_agg(user_name, started_at, ended_at)', 'headcount.presence_agg(host, started_at, ended_at)'), $rows),
			sprintf($report->('headcount.presence_union_agg(u)', 'headcount.presence_union_agg(h)'), "FROM (SELECT headcount.presence_agg(user_name, started_at, ended_at) AS u, headcount.presence_agg(host, started_at, ended_at) AS h $rows GROUP BY $g) AS g"));
	},
	'stored, dirty, and live' => sub {
		my $view = one_of('daily_user_counts_2013', 'daily_user_counts_2019', 'daily_user_counts_2025', 'daily_user_counts_by_server', 'realtime_users_count');
		my $condition = one_of('true', "day >= date '2024-02-01' + " . int rand 60, "day BETWEEN date '2024-01-20' + " . int(rand 60) . " AND date '2024-02-20' + " . int rand 60, 'daily_users > ' . int rand 30);
		$condition =~ s/\bday\b/ucd/, $condition =~ s/daily_users/ucdy/ if $view eq 'realtime_users_count';
		return ("SELECT * FROM stored.$view WHERE $condition", "SELECT * FROM live.$view WHERE $condition");
	},
	'what each model promises' => sub {
		my $source = one_of('stored', 'live', 'idle', 'bare', 'recent');
		return ("SELECT 0, 0, 0", "SELECT count(*) FILTER (WHERE total_users < daily_users), count(*) FILTER (WHERE model = '2019' AND total_users < before), count(*) FILTER (WHERE model <> '2013' AND denial_users > daily_users)
			FROM (SELECT c.*, lag(total_users) OVER (PARTITION BY model ORDER BY day) AS before FROM (SELECT '2013' AS model, * FROM $source.daily_user_counts_2013 UNION ALL SELECT '2019', * FROM $source.daily_user_counts_2019
			UNION ALL SELECT '2025', * FROM $source.daily_user_counts_2025) AS c) AS c");
	});

my (%asked, %differ, %failed, $example);
my $until = time() + $seconds / 2;
while (time() < $until)
{
	my $sql = '';
	my @names;
	for (1 .. 20)
	{
		my $name = one_of(sort keys %relations);
		my ($one, $two) = $relations{$name}->();
		push @names, $name;
		# the second one under another plan
		my $plan = one_of('SET max_parallel_workers_per_gather = 0;', 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;', "SET enable_hashagg = off; SET work_mem = '64kB';", 'SET enable_sort = off; SET enable_seqscan = off;');
		$sql .= "CREATE TEMP TABLE a AS SELECT whole::text AS row FROM ($one) AS whole;\n$plan\nCREATE TEMP TABLE b AS SELECT whole::text AS row FROM ($two) AS whole;\nRESET ALL;\n"
			. "SELECT '~', count(*) FROM ((TABLE a EXCEPT ALL TABLE b) UNION ALL (TABLE b EXCEPT ALL TABLE a)) AS d;\nDROP TABLE a, b;\n";
	}
	my ($out, $err) = ('', '');
	$node->psql('postgres', "SET client_min_messages = error;\n$sql", on_error_stop => 1, stdout => \$out, stderr => \$err);
	my @found = $out =~ /^~\|(\d+)$/mg;
	for my $at (0 .. $#found) { $asked{ $names[$at] }++; next if !$found[$at]; $differ{ $names[$at] }++; $example //= (split /CREATE TEMP TABLE a AS /, $sql)[ $at + 1 ]; }
	$failed{ $names[@found] . ": $err" }++ if $err ne '';
}
my $all = 0;
$all += $_ for values %asked;
diag("relations: $all asked: " . join(', ', map { "$asked{$_} of $_" } sort keys %asked));
is(join(', ', map { "$differ{$_} of $_" } sort keys %differ), '', 'relations hold') or diag($example);
is((sort keys %failed)[0], undef, 'and can be asked');
cmp_ok(scalar(keys %asked), '>', 3, 'there were some of many kinds');
is(checkpointer($node), $checkpointer, 'the server has not crashed');
done_testing();
