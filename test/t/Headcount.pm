package Headcount;

# What the tests of whole clusters share.

use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep);

our @EXPORT = qw(new_node small_source twin_tables fill_twins twin_sources twins_differ rollup_status sqlstates error_text background_backend checkpointer wait_for_restart open_session in_time log_table event_triggers one_of);

# One of some, by chance.
sub one_of { return $_[ rand @_ ]; }

# A running server with the extension in database postgres.
sub new_node
{
	my ($name, %options) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(extra => [ '-E', 'UTF8', '--locale=C.UTF-8' ], %{ $options{init} // {} });
	# To compile a query over small tables takes longer than to run it. The module gives a server that streams buffers of 1 MB.
	$node->append_conf('postgresql.conf', "jit = off\nshared_buffers = 64MB\n" . ($options{conf} // ''));
	$node->start;
	$node->safe_psql('postgres', "SET client_min_messages = warning; CREATE EXTENSION headcount CASCADE");
	return $node;
}

# A table of sessions, one of denials, and a source "wifi" over both, with fixed contents. Every view has something to show.
sub small_source
{
	my ($node, $db) = @_;
	$node->safe_psql($db // 'postgres', <<'SQL');
CREATE TABLE login (who text, mac text, nas text, came timestamptz, went timestamptz, heard timestamptz);
CREATE TABLE refused (who text, nas text, at timestamptz);
INSERT INTO login
SELECT 'user ' || i % 17, 'host ' || i % 23, 'nas ' || i % 3,
       timestamptz '2026-01-01 00:00+00' + i * interval '97 minutes',
       CASE WHEN i % 10 > 0 THEN timestamptz '2026-01-01 00:00+00' + i * interval '97 minutes' + i % 7 * interval '3 hours' END,
       timestamptz '2026-01-01 00:00+00' + i * interval '100 minutes'
FROM generate_series(1, 400) AS i;
INSERT INTO refused SELECT 'user ' || i % 29, 'nas ' || i % 3, timestamptz '2026-01-02 12:00+00' + i * interval '5 hours' FROM generate_series(1, 90) AS i;
SELECT headcount.create_source('wifi', 'login', 'who', 'mac', 'came', 'went', server => 'nas', last_seen => 'heard',
	idle_limit => '1 hour', denials => 'refused', denied_user => 'who', denied_at => 'at', denied_server => 'nas',
	realtime_servers => '{nas 0,nas 1}', time_zone => 'Europe/Warsaw', user_identity => 'lower(user_name)');
SQL
	return;
}

# Tables for two sources that differ in one thing: of "stored" days are stored, of "live" not. fill_twins gives them fixed
# contents, twin_sources makes the sources. The sessions are partitioned, or plain where that is asked for.
sub twin_tables
{
	my ($node, $db, %options) = @_;
	my $columns = 'id integer, who text, mac text, nas text, came timestamptz, went timestamptz, heard timestamptz, PRIMARY KEY (id, came)';
	$node->safe_psql($db // 'postgres', "CREATE TABLE refused (id integer PRIMARY KEY, who text, nas text, at timestamptz);"
		. ($options{plain} ? "CREATE TABLE login ($columns);" : <<"SQL"));
CREATE TABLE login ($columns) PARTITION BY RANGE (came);
CREATE TABLE early PARTITION OF login FOR VALUES FROM (MINVALUE) TO ('2026-01-12');
CREATE TABLE late PARTITION OF login DEFAULT;
SQL
	return;
}

sub fill_twins
{
	my ($node, $db) = @_;
	$node->safe_psql($db // 'postgres', <<'SQL');
INSERT INTO login
SELECT i, 'user ' || i % 17, 'host ' || i % 23, 'nas ' || i % 3, timestamptz '2026-01-01 00:00+00' + i * interval '97 minutes',
       CASE WHEN i % 10 > 0 THEN timestamptz '2026-01-01 00:00+00' + i * interval '97 minutes' + i % 7 * interval '3 hours' END,
       timestamptz '2026-01-01 00:00+00' + i * interval '100 minutes'
FROM generate_series(1, 400) AS i;
INSERT INTO refused SELECT i, 'user ' || i % 29, 'nas ' || i % 3, timestamptz '2026-01-02 12:00+00' + i * interval '5 hours' FROM generate_series(1, 90) AS i;
SQL
	return;
}

sub twin_sources
{
	my ($node, $db) = @_;
	$node->safe_psql($db // 'postgres', <<'SQL');
SELECT headcount.create_source(name, 'login', 'who', 'mac', 'came', 'went', server => 'nas', last_seen => 'heard', idle_limit => '30 hours',
	denials => 'refused', denied_user => 'who', denied_at => 'at', denied_server => 'nas', realtime_servers => '{nas 0,nas 1}',
	false_denial_before => '5 seconds', time_zone => 'Europe/Warsaw', window_days => 5, dimensions => '{"place": "upper(nas)"}', materialized => name = 'stored')
FROM unnest(ARRAY['stored', 'live']) AS name;
SQL
	return;
}

# A row of the views with stored days that stands in the one and not in the other, '' where there is none.
sub twins_differ
{
	my ($node, $db) = @_;
	my @parts = ((map { [ $_, '*' ] } qw(daily_user_counts_2013 daily_user_counts_2019 daily_user_counts_2025 daily_user_counts_by_server daily_user_counts_by_place)), [ 'daily_user_sketches', 'day, used::text, denied::text' ]);
	my $sql = "SET headcount.as_of = '2026-02-01 12:00+00';\nSELECT 'no rows' WHERE NOT EXISTS (SELECT FROM stored.daily_user_counts WHERE daily_users > 0);\n";
	for (@parts)
	{
		my ($view, $columns) = @$_;
		$sql .= "WITH stored AS MATERIALIZED (SELECT $columns FROM stored.$view), live AS MATERIALIZED (SELECT $columns FROM live.$view)
			SELECT 'stored.$view ' || r::text FROM (TABLE stored EXCEPT ALL TABLE live LIMIT 1) AS r
			UNION ALL SELECT 'live.$view ' || r::text FROM (TABLE live EXCEPT ALL TABLE stored LIMIT 1) AS r;\n";
	}
	return $node->safe_psql($db // 'postgres', $sql);
}

# "exact|dirty days|how many faults verify finds" of a source.
sub rollup_status
{
	my ($node, $db, $source) = @_;
	$source //= 'stored';
	return $node->safe_psql($db // 'postgres', qq{SELECT exact, dirty_days, (SELECT count(*) FROM headcount.verify('$source')) FROM headcount.source_status WHERE source = '$source'});
}

# The SQLSTATEs of the errors that a script raises, in order; the script goes on after each.
sub sqlstates
{
	my ($node, $sql, %options) = @_;
	my $errors = '';
	$node->psql($options{db} // 'postgres', "\\set VERBOSITY sqlstate\n$sql", stderr => \$errors, on_error_stop => 0,
		stdout => $options{stdout}, extra_params => $options{user} ? [ '-U', $options{user} ] : []);
	return join ' ', $errors =~ /(?:ERROR|FATAL):\s+([0-9A-Z]{5})/g;
}

# The whole text of what goes wrong, without the words that every new source ends with.
sub error_text
{
	my ($node, $sql, %options) = @_;
	my $errors = '';
	$node->psql($options{db} // 'postgres', $sql, stderr => \$errors, on_error_stop => 0,
		extra_params => $options{user} ? [ '-U', $options{user} ] : []);
	$errors =~ s/^\S+ NOTICE:  look at .*? is all that a reader needs\.(?:\n|\z)//msg;
	return $errors;
}

# Starts a query in a session of its own and returns (handle, process number of its backend) as soon as it runs. $out and
# $err are references to where its output goes.
sub background_backend
{
	my ($node, $query, $out, $err) = @_;
	my $name = 'background ' . int(rand(1e9));
	my $in   = "\\set VERBOSITY sqlstate\nSET application_name = '$name';\n$query;\nSELECT 'alive ' || pg_backend_pid();\n";
	my $handle = IPC::Run::start(
		[ 'psql', '-XAtq', '-d', $node->connstr('postgres') ],
		'<', \$in, '>', $out, '2>', $err, IPC::Run::timeout(180));
	my $probe = "SELECT pid FROM pg_stat_activity WHERE application_name = '$name' AND state = 'active' AND query !~ 'SET application_name'";
	my $pid = '';
	for (1 .. 600)
	{
		$handle->pump_nb;
		$pid = $node->safe_psql('postgres', $probe);
		last if $pid ne '';
		sleep 0.05;
	}
	die "the query never started: $query" if $pid eq '';
	return ($handle, $pid);
}

# As sqlstates(), where nothing may take long: a wait of some seconds is an error (57014, or 55P03 for a lock).
sub in_time
{
	my ($node, $sql, %options) = @_;
	return sqlstates($node, "SET statement_timeout = '10s';\nSET lock_timeout = '4s';\n$sql", %options);
}

# The name of the table of a source that triggers append to.
sub log_table
{
	my ($node, $source, $db) = @_;
	return $node->safe_psql($db // 'postgres', qq{SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
		WHERE n.nspname = '$source' AND c.relkind = 'r' AND c.relname IN ('invalidation_log', 'rollup_changes')});
}

# "enable" or "disable" the event triggers of the extension: servers that others manage may have none.
sub event_triggers
{
	my ($node, $action, $db) = @_;
	my $mode = $action eq 'enable' ? 'ENABLE ALWAYS' : 'DISABLE';
	$node->safe_psql($db // 'postgres', qq{SELECT format('ALTER EVENT TRIGGER %I $mode', evtname) FROM pg_event_trigger WHERE evtname LIKE 'headcount%' \\gexec});
	return;
}

# A session that stays open. run(SQL) gives what it prints, with "ERROR:  SQLSTATE" for an error; start(SQL) does not wait
# for it, and finish(SECONDS) does, undef where that is not enough. One that the server has ended prints "lost".
sub open_session
{
	my ($node, %options) = @_;
	my $self = bless { in => '', out => '' }, 'Headcount::Session';
	my @psql = ('psql', '-XAtq', '-d', $node->connstr($options{db} // 'postgres'), $options{user} ? ('-U', $options{user}) : ());
	$self->{handle} = IPC::Run::start(\@psql, '<', \$self->{in}, '>', \$self->{out}, '2>&1');
	$self->run("\\set VERBOSITY sqlstate\n" . ($options{start} // ''));
	return $self;
}

sub Headcount::Session::start
{
	my ($self, $sql) = @_;
	$self->{in} .= "$sql\n\\warn '~ done'\n";
	eval { $self->{handle}->pump_nb };
	return;
}

sub Headcount::Session::finish
{
	my ($self, $seconds) = @_;
	my $until = Time::HiRes::time() + ($seconds // 60);
	while ($self->{out} !~ /^~ done\n/m)
	{
		return undef if Time::HiRes::time() > $until;
		eval { $self->{handle}->pump_nb; 1 } or return 'lost';
		return 'lost' if !$self->{handle}->pumpable;
		sleep 0.01;
	}
	my ($printed, $rest) = split /^~ done\n/m, $self->{out}, 2;
	$self->{out} = $rest;
	return $printed;
}

sub Headcount::Session::run
{
	my ($self, $sql, $seconds) = @_;
	$self->start($sql);
	return $self->finish($seconds);
}

sub Headcount::Session::close
{
	my ($self) = @_;
	$self->{handle}->kill_kill;
	return;
}

# A process of its own that a server has from one crash to the next: its number says whether there was one.
sub checkpointer
{
	my ($node) = @_;
	return $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'});
}

# Waits until a server one of whose backends was killed is back. Until it notices, which takes a moment, it answers, and then
# ends the sessions that it answered.
sub wait_for_restart
{
	my ($node, $checkpointer) = @_;
	# a psql that the server refuses may be gone before it is told what to ask, for which IPC::Run dies
	for (1 .. 1800)
	{
		my $is_back = eval { $node->psql('postgres', "SELECT pid <> $checkpointer FROM pg_stat_activity WHERE backend_type = 'checkpointer'", stdout => \my $answer, stderr => \my $refused); $answer };
		return if ($is_back // '') eq 't';
		sleep 0.1;
	}
	die 'the server does not come back';
}

1;
