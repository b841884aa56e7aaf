package Spread;

# A coordinator and two workers of Citus, the same sessions in tables of several kinds, and how two sources are compared.

use strict;
use warnings;

use Exporter 'import';
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

our @EXPORT = qw(citus_nodes make_tables make_source compare_sources @questions @more_questions $past $span $every_option);

# The coordinator and its workers, which reach each other through sockets in directories of the test.
sub citus_nodes
{
	my @nodes = map {
		my $node = PostgreSQL::Test::Cluster->new($_);
		$node->init(extra => [ '-E', 'UTF8', '--locale=C.UTF-8' ]);
		$node->append_conf('postgresql.conf', "shared_preload_libraries = 'citus'\nmax_prepared_transactions = 50\nautovacuum = off\njit = off\n"
			. "citus.enable_statistics_collection = off\ncitus.max_adaptive_executor_pool_size = 2\ncitus.max_cached_conns_per_worker = 2\n"
			. "citus.local_hostname = '" . $node->host . "'\n");
		$node->start;
		$node->safe_psql('postgres', 'SET client_min_messages = error; CREATE EXTENSION citus; CREATE EXTENSION IF NOT EXISTS citus_columnar');
		$node;
	} qw(coordinator worker_1 worker_2);
	my ($coordinator, @workers) = @nodes;
	$coordinator->safe_psql('postgres', sprintf("SELECT citus_set_coordinator_host('%s', %d)", $coordinator->host, $coordinator->port));
	$coordinator->safe_psql('postgres', sprintf("SELECT citus_add_node('%s', %d)", $_->host, $_->port)) for @workers;
	# the workers get it too
	$coordinator->safe_psql('postgres', 'SET client_min_messages = error; CREATE EXTENSION headcount CASCADE');
	return @nodes;
}

# Tables NAME_login and NAME_refused. Of each session and denial there is one row, wherever it is; nobody's time is now.
my $heard = POSIX::strftime('%Y-%m-%d %H:%M:%S+00', gmtime);
my $columns = 'id integer, who text, mac text, nas text, came timestamptz, went timestamptz, heard timestamptz';
my %spread = (
	own => '',
	by_user => q{SELECT create_distributed_table('by_user_login', 'who', shard_count => 4), create_distributed_table('by_user_refused', 'who', colocate_with => 'by_user_login');},
	by_host => q{SELECT create_distributed_table('by_host_login', 'mac', shard_count => 4), create_distributed_table('by_host_refused', 'nas', shard_count => 2);},
	reference => q{SELECT create_reference_table('reference_login'), create_reference_table('reference_refused');},
	parts => q{SELECT create_distributed_table('parts_login', 'who', shard_count => 4), create_distributed_table('parts_refused', 'who', colocate_with => 'parts_login');},
);

sub make_tables
{
	my ($node, $kind) = @_;
	my $sql = "SET client_min_messages = error;\n";
	if ($kind eq 'parts' || $kind eq 'columnar_part')
	{
		my $access = $kind eq 'columnar_part' ? 'USING columnar' : '';
		$sql .= "CREATE TABLE ${kind}_login ($columns) PARTITION BY RANGE (came);
			CREATE TABLE ${kind}_early PARTITION OF ${kind}_login FOR VALUES FROM (MINVALUE) TO ('2026-01-10') $access;
			CREATE TABLE ${kind}_late PARTITION OF ${kind}_login FOR VALUES FROM ('2026-01-10') TO (MAXVALUE);";
	}
	else
	{
		$sql .= "CREATE TABLE ${kind}_login ($columns)" . ($kind eq 'columnar' ? ' USING columnar;' : ';');
	}
	$sql .= "CREATE TABLE ${kind}_refused (id integer, who text, nas text, at timestamptz)" . ($kind eq 'columnar' ? ' USING columnar;' : ';');
	$sql .= $spread{$kind} // '';
	$sql .= <<"SQL";
INSERT INTO ${kind}_login
SELECT i, CASE i % 5 WHEN 0 THEN 'User ' ELSE 'user ' END || i * i % 37, 'host ' || i % 53, 'nas ' || i % 3, timestamptz '2026-01-01 00:00+00' + i * interval '41 minutes',
       CASE WHEN i % 10 > 0 THEN timestamptz '2026-01-01 00:00+00' + i * interval '41 minutes' + i % 7 * interval '9 hours' END,
       timestamptz '2026-01-01 00:00+00' + i * interval '41 minutes' + interval '1 hour'
FROM generate_series(1, 900) AS i;
INSERT INTO ${kind}_login VALUES (901, '', 'host x', 'nas 0', '2026-01-11', '2026-01-12', NULL), (902, 'backward', 'host y', NULL, '2026-01-13', '2026-01-12', NULL),
	(903, 'instant', 'host z', 'nas 1', '2026-01-14 12:00+00', '2026-01-14 12:00+00', NULL), (904, 'to come', 'host f', 'nas 1', '2126-01-01', NULL, NULL),
	(905, 'for ever', 'host e', 'nas 2', '2026-01-15', 'infinity', '2026-01-16'), (906, 'twice', 'host t', 'nas 0', '2026-01-15', NULL, '$heard'), (907, 'twice', 'host t', 'nas 0', '2026-01-15', NULL, '$heard');
INSERT INTO ${kind}_refused SELECT i, 'user ' || i % 41, 'nas ' || i % 3, timestamptz '2026-01-02 12:00+00' + i * interval '199 minutes' FROM generate_series(1, 150) AS i;
INSERT INTO ${kind}_refused SELECT 150 + i, 'user ' || i * i % 37, 'nas 1', timestamptz '2026-01-01 00:00+00' + i * interval '41 minutes' - interval '2 seconds' FROM generate_series(9, 900, 9) AS i;
INSERT INTO ${kind}_refused VALUES (1001, 'twice', 'nas 0', '2026-01-14 23:59:57+00'), (1002, 'twice', 'nas 0', '2026-01-14 23:59:57+00'), (1003, '', 'nas 0', '2026-01-14');
SQL
	$node->safe_psql('postgres', $sql);
	return;
}

# What gives a source everything that it can show: weights, dimensions, alerts.
our $every_option = q{weight => 'NULLIF(id % 4, 3)', alerts => '{"user_limit": 5, "denial_rate": 5, "stale_share": 5}',
	dimensions => '{"place": "upper(nas)", "kind": {"sessions": "NULLIF(id % 3, 2)::text", "denials": "(id % 2)::text"}}'};

# A source over the tables of a kind, by the options that it shall have besides.
sub make_source
{
	my ($node, $name, $kind, $options, %how) = @_;
	my $notices = '';
	$node->psql('postgres', "SET client_min_messages = notice; SET citus.enable_unsafe_triggers = " . ($how{unsafe_triggers} // 'off') . ";
		SELECT headcount.create_source('$name', '${kind}_login', 'who', 'mac', 'came', 'went', server => 'nas', denials => '${kind}_refused', denied_user => 'who', denied_at => 'at',
		denied_server => 'nas', realtime_servers => '{nas 0,nas 1}', time_zone => 'Europe/Warsaw', window_days => 5, user_limit => 20, $options);
		SELECT headcount.create_instance('$name', 'region', '$name')", stderr => \$notices, on_error_die => 1);
	return $notices;
}

# What a source S is asked: what to read, what of it, and whether there may be nothing.
our $past = '2026-01-15 12:34:56+00';
our @questions = (
	(map { [ "S.$_", '*' ] } qw(sessions denials online_users daily_user_counts_2013 daily_user_counts_2019 daily_user_counts_2025 user_limit_breaches daily_user_counts daily_user_counts_by_server
		realtime_users_count data_quality)),
	[ 'S.online_sessions', 'user_name, host, server, started_at' ],
	[ 'S.daily_user_sketches', 'day, used::text, denied::text' ],
	[ 'S.sessions WHERE started_at >= timestamptz \'2026-01-12\'', '*' ],
	[ 'S.sessions WHERE user_name = \'user 4\'', '*' ],
	[ 'S.online_users WHERE user_name = \'user 11\'', '*', 'may be empty' ],
	[ 'S.denials WHERE is_false_denial', '*', 'may be empty' ],
	[ 'S.daily_user_counts_2013 WHERE day >= date \'2026-01-12\'', '*' ],
	[ 'S.daily_user_counts_2019 WHERE day BETWEEN date \'2026-01-05\' AND date \'2026-01-09\'', '*' ],
	(map { [ "headcount.users_on('S', '2026-01-09', '$_') AS u (name)", 'name', 'may be empty' ], [ "headcount.users_on('S', '2026-01-15', '$_') AS u (name)", 'name', 'may be empty' ] } qw(daily denied total new used)),
	[ q{headcount.hosts_at_peak('S', '2026-01-09') AS h (name)}, 'name' ],
	[ q{headcount.hosts_at_peak('S', '2026-01-15') AS h (name)}, 'name' ],
	(map { [ "headcount.source_activity('S', '$_', '2026-01-05 23:00+00', '2026-01-16 12:00+00')", '*' ] } qw(hour day week month)),
	[ q{headcount.source_activity('S', 'month', NULL, NULL)}, '*' ],
	[ q{headcount.daily_user_counts('S', '2026-01-03', '2026-01-15')}, '*' ],
	(map { [ "(SELECT headcount.unique_users('S', '2026-01-03', '2026-01-15', '$_')) AS u (number)", 'number' ] } qw(daily denied total new used)),
	[ q{headcount.online_counts('S', '{user 11,USER 4,nobody,twice}')}, '*' ],
	[ q{(SELECT headcount.describe_user_online_client_statistics('region', '{user11,twice}', 'S', 'json', '00000000-0000-0000-0000-000000000000')) AS a (body)}, 'body' ],
	[ q{(SELECT convert_from(headcount.realtime_users_count('S', 'csv'), 'UTF8')) AS a (body)}, 'body' ],
);

# The same of sources with $every_option.
our $span = q{'2026-01-05 23:00+00', '2026-01-16 12:00+00'};
our @more_questions = (
	(map { my $of = $_;
		   map { [ "headcount.$_", '*' ] }
		     "concurrency_profile('S', $span, '$of')", "concurrency_profile('S', NULL, NULL, '$of')", "concurrency_profile('S', $span, '$of', '[9,18)', '{1,2,3,4,5}')",
		     "concurrency_percentiles('S', $span, of => '$of')", "concurrency_by_hour_of_week('S', $span, '$of')", "capacity_what_if('S', $span, '$of')", "capacity_what_if('S', NULL, NULL, '$of')"
	 } qw(hosts users sessions weight)),
	[ "headcount.avoidable_denials('S', $span, '6 hours')", '*' ],
	[ q{headcount.avoidable_denials('S', NULL, NULL)}, '*' ],
	(map { my $granularity = $_;
		   map { [ "headcount.$_", '*' ] } "user_lifecycle('S', '$granularity')", "user_lifecycle('S', '$granularity', '2026-01-07', '2026-01-14')", "user_retention('S', '$granularity', to_day => '2026-01-20')" } qw(day week month)),
	[ q{headcount.stickiness('S', '2026-01-03', '2026-01-15')}, '*' ],
	[ q{headcount.stickiness('S')}, '*' ],
	[ "headcount.time_online('S', $span)", '*' ],
	[ q{headcount.time_online('S', NULL, NULL)}, '*' ],
	[ "headcount.source_activity('S', '15 minutes', '2026-01-09 10:10+00', '2026-01-09 22:00+00')", '*' ],
	[ "headcount.source_activity('S', '3 days', $span)", '*' ],
	[ "headcount.source_activity('S', 'week', $span, week_starts => 7)", '*' ],
	[ "headcount.source_activity('S', 'day', $span, span => '7 days')", '*' ],
	[ "headcount.source_activity('S', '30 minutes', '2026-01-09 10:10+00', '2026-01-09 22:00+00', span => '90 minutes')", '*' ],
	[ q{headcount.source_activity('S', 'month', NULL, NULL, span => '1 month')}, '*', 'may be empty' ],
	(map { [ "S.daily_user_counts_by_$_", '*' ], [ "S.daily_user_counts_by_$_ WHERE day >= date '2026-01-12' AND day < date '2026-01-14'", '*' ] } qw(place kind)),
	[ q{headcount.source_counts_by('S', '{}')}, 'day, "values"::text, level, total_users, daily_users, denials, concurrent_users, concurrent_sessions, concurrent_weight' ],
	(map { [ "headcount.source_counts_by('S', '{$_}', '2026-01-04', '2026-01-15')", '*' ] } 'kind', 'place,kind', 'kind,server,place'),
	[ q{headcount.source_counts_by('S', '{server,kind}')}, '*' ],
	[ 'S.alerts', '*' ],
	[ 'S.sessions', 'user_name, started_at, weight, place, kind' ],
	[ 'S.daily_user_counts', 'day, concurrent_weight' ],
);

# SQL that tells what two sources say apart when one is asked at an instant ('' for now), and which question gives nothing; each
# question is put in the same session.
sub compare_sources
{
	my ($node, $one, $other, $as_of, @asked) = @_;
	my $sql = "SET client_min_messages = error;\nSET headcount.as_of = '$as_of';\n";
	@asked = @questions if !@asked;
	for my $question (@asked)
	{
		my ($from, $columns, $may_be_empty) = @$question;
		my ($a, $b) = map { $from =~ s/\bS\b/$_/gr } $one, $other;
		my $name = ($from =~ s/'/''/gr);
		$sql .= "CREATE TEMP TABLE one AS SELECT ROW($columns)::text AS r FROM $a; CREATE TEMP TABLE other AS SELECT ROW($columns)::text AS r FROM $b;\n" =~ s/ROW\(\*\)/ROW(x.*)/gr
			=~ s/ROW\(x\.\*\)::text AS r FROM (.*?);/x::text AS r FROM (SELECT * FROM $1) AS x;/gr;
		$sql .= "(SELECT '$name: only in $one: ' || r FROM (TABLE one EXCEPT ALL TABLE other) AS d LIMIT 1) UNION ALL (SELECT '$name: only in $other: ' || r FROM (TABLE other EXCEPT ALL TABLE one) AS d LIMIT 1);\n";
		$sql .= "SELECT '$name: no rows' WHERE NOT EXISTS (SELECT FROM one);\n" if !$may_be_empty;
		$sql .= "DROP TABLE one, other;\n";
	}
	my ($out, $errors) = ('', '');
	$node->psql('postgres', $sql, stdout => \$out, stderr => \$errors, on_error_stop => 0);
	$errors =~ s/^psql:<stdin>:/line /mg;
	return $out . $errors;
}

1;
