# The statements of docs/sources.md, each on a made-up table of the shape that it is about: they run as they stand there, every
# source is exact, and the numbers are those that a person counts.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Headcount;
use Pages;
use Cwd qw(abs_path);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# --- the page --------------------------------------------------------------------------------------------------------

my $page = page_text('sources.md');
my (%blocks, @titles);
for (page_blocks($page))
{
	my ($title, $kind, $block) = @$_;
	push @titles, $title if $kind eq 'title';
	push @{ $blocks{$title} }, $block if $kind eq 'sql';
}

my $node = new_node('page');
$node->safe_psql('postgres', 'CREATE DATABASE page_template');
$node->safe_psql('page_template', 'SET client_min_messages = warning; CREATE EXTENSION headcount CASCADE');
my $files = PostgreSQL::Test::Utils::tempdir;
chdir $files or die "no directory $files";

my %tested;

# What a section says, run after the tables are made and, where a trigger of it wants to see them come, before the rows are
# inserted. The checks are pairs of a question and its answer.
sub section
{
	my ($title, %is) = @_;
	$tested{$title} = 1;
	(my $db = lc $title) =~ s/\W+/_/g;
	$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE page_template");
	my $said = '';
	my $run = sub {
		my ($what, $sql) = @_;
		my ($code, $out, $err) = $node->psql($db, "SET client_min_messages = notice;\n$sql", on_error_stop => 1);
		is($code, 0, "$title: $what") or diag $err;
		$said .= $err =~ s/^\S+ NOTICE:  look at .*\nHINT:  .*\n?//mgr;      # the words that every new source ends with
		return;
	};
	$run->('tables', $is{tables}) if $is{tables};
	$run->('rows', $is{rows}) if $is{rows} && !$is{rows_come_later};
	$run->('events', $blocks{Events}[0]) if $is{pairs};
	my @statements = @{ $blocks{$title} };
	ok(@statements > 0, "$title: the page says something");
	$run->("statement $_", $statements[ $_ - 1 ]) for 1 .. @statements;
	is($said, '', "$title: nothing to remark");
	$run->('rows', $is{rows}) if $is{rows_come_later};
	my @checks = @{ $is{checks} };
	while (my ($question, $answer) = splice @checks, 0, 2)
	{
		is($node->safe_psql($db, $question), $answer, "$title: $question");
	}
	my $sources = $node->safe_psql($db, "SELECT string_agg(source, ' ' ORDER BY source) FILTER (WHERE NOT exact), count(*) FROM headcount.source_status");
	like($sources, qr/^\|[1-9]/, "$title: every source is exact");
	return $db;
}

my $days = 'day, daily_users, concurrent_hosts';
sub as_of { return "SET headcount.as_of = '$_[0]'; SET timezone = 'UTC';" }

# --- tables of sessions ----------------------------------------------------------------------------------------------

# Noon in Warsaw, written without its zone by a role in UTC.
my ($denied_at) = $page =~ /`(denied_at => '[^`]*')`/ or die 'the page says nothing of authdate';
my $written     = "SET client_min_messages = warning; SET timezone = 'UTC'; INSERT INTO radpostauth (username, pass, reply, authdate) VALUES ('dora', 'x', 'Access-Reject', '2024-07-02 12:00:00.5');
	DO \$\$BEGIN PERFORM headcount.alter_source('campus', $denied_at); END\$\$; SELECT denied_at FROM campus.denials WHERE user_name = 'dora'";

section('FreeRADIUS',
	tables => q{
CREATE TABLE radacct (
	RadAcctId bigserial PRIMARY KEY, AcctSessionId text NOT NULL, AcctUniqueId text NOT NULL UNIQUE, UserName text, Realm text, NASIPAddress inet NOT NULL,
	NASPortId text, NASPortType text, AcctStartTime timestamp with time zone, AcctUpdateTime timestamp with time zone, AcctStopTime timestamp with time zone,
	AcctInterval bigint, AcctSessionTime bigint, AcctAuthentic text, ConnectInfo_start text, ConnectInfo_stop text, AcctInputOctets bigint,
	AcctOutputOctets bigint, CalledStationId text, CallingStationId text, AcctTerminateCause text, ServiceType text, FramedProtocol text,
	FramedIPAddress inet, FramedIPv6Address inet, FramedIPv6Prefix inet, FramedInterfaceId text, DelegatedIPv6Prefix inet, Class text);
CREATE TABLE radpostauth (id bigserial PRIMARY KEY, username text NOT NULL, pass text, reply text, CalledStationId text, CallingStationId text,
	authdate timestamp with time zone NOT NULL default now(), Class text);},
	rows => q{
INSERT INTO radacct (AcctSessionId, AcctUniqueId, UserName, NASIPAddress, AcctStartTime, AcctUpdateTime, AcctStopTime, CalledStationId, CallingStationId) VALUES
	('1', 'u1', 'anna@example.org', '192.0.2.1', '2026-03-02 08:00+01', '2026-03-02 09:00+01', '2026-03-02 09:00+01', '02-00-00-00-00-01:staff', '02-00-00-AA-00-01'),
	('2', 'u2', 'ANNA@example.org', '192.0.2.2', '2026-03-02 08:30+01', '2026-03-02 10:00+01', '2026-03-02 10:00+01', '02-00-00-00-00-02:guest', '02:00:00:aa:00:01'),
	('3', 'u3', 'bert', '192.0.2.1', '2026-03-02 23:30+01', '2026-03-03 00:30+01', NULL, '02-00-00-00-00-01:staff', '0200.00aa.0002');
INSERT INTO radpostauth (username, pass, reply, authdate) VALUES ('carla', 'x', 'Access-Reject', '2026-03-02 12:00+01'), ('anna', 'x', 'Access-Accept', '2026-03-02 08:00+01');},
	checks => [
		# two spellings of anna are two users, and of one address two hosts; bert is gone half an hour after he was heard of
		as_of('2026-03-03 12:00+01') . "SELECT $days, denial_users FROM wifi.daily_user_counts ORDER BY 1" => "2026-03-02|4|2|1\n2026-03-03|1|1|0",
		as_of('2026-03-03 00:59+01') . 'SELECT user_name, server FROM wifi.online_sessions' => 'bert|192.0.2.1',
		as_of('2026-03-03 01:01+01') . 'SELECT count(*) FROM wifi.online_sessions' => '0',
		as_of('2026-03-03 12:00+01') . "SELECT $days FROM campus.daily_user_counts ORDER BY 1" => "2026-03-02|3|1\n2026-03-03|1|1",
		as_of('2026-03-03 12:00+01') . "SELECT day, server, daily_users FROM campus.daily_user_counts_by_server WHERE server IS NOT NULL ORDER BY 1, 2" =>
			"2026-03-02|guest|1\n2026-03-02|staff|2\n2026-03-03|staff|1",
		$written => '2024-07-02 10:00:00.5+00',
	]);

section('OpenVPN',
	tables => 'CREATE TABLE openvpn_session (common_name text, trusted_ip inet, time_unix bigint, time_duration bigint, PRIMARY KEY (common_name, time_unix))',
	rows   => q{INSERT INTO openvpn_session VALUES
	('anna', '192.0.2.7', extract(epoch FROM timestamptz '2026-03-02 22:00+01'), 3 * 3600), ('bert', '2001:db8::1', extract(epoch FROM timestamptz '2026-03-02 23:00+01'), NULL)},
	checks => [
		as_of('2026-03-03 12:00+01') . "SELECT $days FROM vpn.daily_user_counts ORDER BY 1" => "2026-03-02|2|2\n2026-03-03|2|2",
		as_of('2026-03-03 12:00+01') . 'SELECT user_name, host, started_at FROM vpn.online_sessions' => 'bert|2001:db8::1|2026-03-02 22:00:00+00',
	]);

section('WireGuard',
	tables => 'CREATE TABLE wireguard_handshake (interface text, public_key text, endpoint inet, latest_handshake bigint, PRIMARY KEY (interface, public_key, latest_handshake))',
	rows   => q{INSERT INTO wireguard_handshake
	SELECT 'wg0', 'pk-anna', inet '192.0.2.7', extract(epoch FROM timestamptz '2026-03-02 22:00Z') + 120 * i FROM generate_series(0, 30) AS i UNION ALL SELECT 'wg0', 'pk-never', NULL, 0},
	checks => [
		as_of('2026-03-03 12:00Z') . "SELECT $days FROM tunnel.daily_user_counts ORDER BY 1" => "2026-03-02|1|1\n2026-03-03|0|0",
		as_of('2026-03-02 23:02:59Z') . 'SELECT user_name FROM tunnel.online_users' => 'pk-anna',
		as_of('2026-03-02 23:03Z') . 'SELECT count(*) FROM tunnel.online_users' => '0',
	]);

section('Slurm',
	tables => q{CREATE TABLE slurm_job (jobidraw text PRIMARY KEY, "user" text, partition text, "start" timestamp, "end" timestamp, state text, nodelist text)},
	rows   => q{INSERT INTO slurm_job VALUES
	('101', 'anna', 'long', '2026-03-28 20:00', '2026-03-29 04:00', 'COMPLETED', 'n[1-4]'), ('102', 'anna', 'long', '2026-03-28 21:00', '2026-03-28 22:00', 'FAILED', 'n5'),
	('103', 'bert', 'short', '2026-03-29 10:00', NULL, 'RUNNING', 'n1'), ('104', 'bert', 'short', NULL, NULL, 'PENDING', '')},
	checks => [
		as_of('2026-03-29 12:00+02') . "SELECT $days FROM cluster.daily_user_counts ORDER BY 1" => "2026-03-28|1|2\n2026-03-29|2|1",
		as_of('2026-03-29 12:00+02') . q{SELECT ended_at - started_at FROM cluster.sessions WHERE host = '101'} => '07:00:00',    # the clocks went forward
		as_of('2026-03-29 12:00+02') . 'SELECT user_name, host FROM cluster.online_sessions' => 'bert|103',
	]);

section('wtmp',
	tables => 'CREATE TABLE last_login (login text, tty text, from_host text, logged_in timestamp, logged_out timestamp, how text)',
	rows   => q{INSERT INTO last_login VALUES
	('reboot', 'system boot', '6.1.0', '2026-03-02 07:00', NULL, 'still running'), ('anna', 'pts/0', '192.0.2.7', '2026-03-02 08:00', '2026-03-02 17:00', ''),
	('root', 'tty1', NULL, '2026-03-02 09:00', NULL, 'gone - no logout')},
	checks => [
		as_of('2026-03-05 12:00+01') . "SELECT $days FROM logins.daily_user_counts WHERE daily_users > 0 ORDER BY 1" => "2026-03-02|2|2\n2026-03-03|1|1",
		as_of('2026-03-02 12:00+01') . 'SELECT user_name, host FROM logins.online_sessions ORDER BY 1' => "anna|192.0.2.7\nroot|tty1",
	]);

section('Call records',
	tables => q{CREATE TABLE cdr (calldate timestamp NOT NULL, src text, dst text, channel text, duration integer, billsec integer, disposition text, uniqueid text)},
	rows   => q{INSERT INTO cdr (calldate, src, channel, duration, disposition, uniqueid) VALUES
	('2025-10-25 10:00', '201', 'PJSIP/trunk-a-00000001', 600, 'ANSWERED', '1'), ('2025-10-25 10:05', '202', 'PJSIP/trunk-a-00000002', 60, 'ANSWERED', '2'),
	('2025-10-25 10:05', '203', 'PJSIP/trunk-b-00000003', 60, 'NO ANSWER', '3'), ('2025-10-26 01:50', '204', 'PJSIP/trunk-a-00000004', 1200, 'ANSWERED', '4'),
	('2025-10-26 03:05', '205', 'PJSIP/trunk-a-00000005', 60, 'ANSWERED', '5')},
	checks => [
		as_of('2025-10-26 12:00+01') . "SELECT $days FROM calls.daily_user_counts ORDER BY 1" => "2025-10-25|2|2\n2025-10-26|2|1",
		as_of('2025-10-26 12:00+01') . q{SELECT ended_at - started_at, server FROM calls.sessions WHERE user_name = '204'} => '00:20:00|trunk-a',
	]);

# --- FlexNet ---------------------------------------------------------------------------------------------------------

my $log = <<"LOG";
 8:00:00 (lmgrd) FlexNet Licensing (v11.18.1.0 build 279785 x64_n6) started on lic1 (linux) (3/6/2024)\r
 8:00:01 (lmgrd) Started cadd (pid 3860)\r
 8:00:01 (lmgrd) License file(s): C:\\new\\table.lic\r
 9:00:00 (cadd) OUT: "draw" Jos\xe9 Mar\xeda\@ws1  \r
 9:10:00 (cadd) OUT: "draw" bert\@ws2  (2 licenses) \r
 9:20:00 (cadd) DENIED: "draw" carla\@ws3  (Licensed number of users already reached. (-4,342))\r
10:00:00 (cadd) IN: "draw" Jos\xe9 Mar\xeda\@ws1  \r
LOG
open my $file, '>:raw', 'debug.log' or die;
print $file $log;
close $file;
my $flexnet = section('FlexNet',
	checks => [
		as_of('2024-03-06 12:00+01') . "SELECT $days, denial_users FROM cad.daily_user_counts" => '2024-03-06|3|2|1',      # carla, who was denied, is a user too
		as_of('2024-03-06 12:00+01') . 'SELECT user_name, host, server FROM cad.sessions ORDER BY 1' => "Jos\xc3\xa9 Mar\xc3\xada|ws1|cadd\nbert|ws2|cadd",
		'SELECT count(*) FROM licences.flexnet_lines' => '0',
	]);

# The log goes on after midnight; its beginning is copied once more.
open $file, '>:raw', 'debug.log' or die;
print $file $log, " 0:05:00 (cadd) IN: \"draw\" bert\@ws2  (2 licenses) \r\n";
close $file;
my ($import) = $blocks{FlexNet}[0] =~ /(\\copy.*?import_flexnet_log[^;]*;)/s;
is($node->safe_psql($flexnet, "SET timezone = 'UTC'; SET search_path = licences, public; $import"), '2024-03-06 07:00:01+00|2024-03-06 23:05:00+00|0|1|0|5|0', 'a log that has grown');
is($node->safe_psql($flexnet, as_of('2024-03-07 12:00+01') . "SELECT $days FROM cad.daily_user_counts ORDER BY 1"), "2024-03-06|3|2\n2024-03-07|1|1", 'a log that has grown is a session that has ended');

# --- events ----------------------------------------------------------------------------------------------------------

my $wanted = q{SELECT id, session, user_name, host, at, next_at FROM (
	SELECT e.*, lead(e.at) OVER w AS next_at, lead(e.kind) OVER w AS next_kind FROM session_event AS e WINDOW w AS (PARTITION BY e.session ORDER BY e.at, e.id)) AS o
	WHERE kind = 'start' AND (next_kind = 'start' AND next_at = at) IS NOT TRUE};
my $difference = "SELECT (SELECT count(*) FROM ($wanted EXCEPT ALL TABLE paired_session) AS d), (SELECT count(*) FROM (TABLE paired_session EXCEPT ALL $wanted) AS d)";

my $events = section('Events',
	rows_come_later => 1,
	rows => q{INSERT INTO session_event (session, kind, at, user_name, host) VALUES
	('b1', 'start', '2026-03-02 08:00+01', 'anna', 'door 1'), ('b1', 'stop', '2026-03-02 12:00+01', 'anna', 'door 1'), ('b2', 'stop', '2026-03-02 09:00+01', 'bert', 'door 1'),
	('b1', 'start', '2026-03-02 13:00+01', 'anna', 'door 2'), ('b3', 'start', '2026-03-02 23:30+01', 'carla', 'door 1')},
	checks => [
		as_of('2026-03-03 00:30+01') . 'SELECT user_name, started_at, ended_at FROM building.sessions ORDER BY 2' =>
			"anna|2026-03-02 07:00:00+00|2026-03-02 11:00:00+00\nanna|2026-03-02 12:00:00+00|\ncarla|2026-03-02 22:30:00+00|",
		as_of('2026-03-03 00:30+01') . "SELECT $days FROM building.daily_user_counts ORDER BY 1" => "2026-03-02|2|2\n2026-03-03|2|2",
	]);
sub events_are_paired
{
	my ($what) = @_;
	is($node->safe_psql($events, $difference), '0|0', $what);
	return;
}
events_are_paired('as one query pairs them');
$node->safe_psql($events, "CALL headcount.refresh('building')");

# a late stop, an event twice, a correction, events that move to another session, one that goes
my $online = as_of('2026-03-03 00:30+01') . 'SELECT user_name FROM building.online_users ORDER BY 1';
$node->safe_psql($events, q{INSERT INTO session_event (session, kind, at, user_name, host) VALUES ('b1', 'stop', '2026-03-02 17:00+01', 'anna', 'door 2')});
is($node->safe_psql($events, $online), 'carla', 'a late stop ends a session');
$node->safe_psql($events, q{INSERT INTO session_event (session, kind, at, user_name, host) SELECT session, kind, at, user_name, host FROM session_event});
events_are_paired('events twice');
is($node->safe_psql($events, 'SELECT count(*) FROM paired_session'), '3', 'events twice are no sessions twice');
$node->safe_psql($events, q{UPDATE session_event SET session = 'b9', at = at + interval '1 minute' WHERE session = 'b1' AND kind = 'start'; DELETE FROM session_event WHERE kind = 'stop' AND session = 'b1'});
events_are_paired('events that change and go');
is($node->safe_psql($events, "SELECT count(*) FROM headcount.verify('building')"), '0', 'stored days stay right');
is($node->safe_psql($events, as_of('2026-03-03 00:30+01') . "SELECT $days FROM building.daily_user_counts ORDER BY 1"), "2026-03-02|2|2\n2026-03-03|2|2", 'and so do the numbers');

# at random, in statements of one row and of many
$node->safe_psql($events, q{
SELECT setseed(0.42);
DO $$
DECLARE i integer; what double precision;
BEGIN
	FOR i IN 1 .. 400 LOOP
		what := random();
		IF what < 0.6 THEN
			INSERT INTO session_event (session, kind, at, user_name, host)
			SELECT 's' || floor(random() * 4), CASE WHEN random() < 0.5 THEN 'start' ELSE 'stop' END, timestamptz '2026-03-01' + floor(random() * 300) * interval '1 minute',
			       'u' || floor(random() * 3), 'h' || floor(random() * 3)
			FROM generate_series(1, 1 + floor(random() * 4)::integer);
		ELSIF what < 0.75 THEN
			DELETE FROM session_event WHERE id IN (SELECT id FROM session_event ORDER BY random() LIMIT 1 + floor(random() * 3)::integer);
		ELSE
			UPDATE session_event SET at = at + (floor(random() * 60) - 30) * interval '1 minute', session = CASE WHEN random() < 0.3 THEN 's0' ELSE session END,
			       kind = CASE WHEN random() < 0.3 THEN 'start' ELSE kind END, user_name = 'v' || i
			WHERE id IN (SELECT id FROM session_event ORDER BY random() LIMIT 1 + floor(random() * 3)::integer);
		END IF;
		IF (SELECT count(*) > 0 FROM (} . "($wanted EXCEPT ALL TABLE paired_session) UNION ALL (TABLE paired_session EXCEPT ALL $wanted)" . q{) AS d) THEN
			RAISE EXCEPTION 'different after % statements', i;
		END IF;
	END LOOP;
END
$$});
events_are_paired('events at random');
cmp_ok($node->safe_psql($events, 'SELECT count(*) FROM paired_session'), '>', 100, 'there are many');

# Two who write events of one session at once: the second waits for the first.
my $first = open_session($node, db => $events);
my $second = open_session($node, db => $events);
$first->run("BEGIN; INSERT INTO session_event (session, kind, at, user_name) VALUES ('both', 'start', '2026-04-01 10:00+00', 'anna');");
$second->start("INSERT INTO session_event (session, kind, at, user_name) VALUES ('both', 'stop', '2026-04-01 11:00+00', 'anna');");
is($second->finish(1), undef, 'the second waits');
$first->run('COMMIT;');
$second->finish;
events_are_paired('and then sees what the first has done');
is($node->safe_psql($events, "SET timezone = 'UTC'; SELECT ended_at FROM paired_session WHERE session = 'both'"), '2026-04-01 11:00:00+00', 'so that the stop ends the session');
$first->run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1;");
$second->run("INSERT INTO session_event (session, kind, at, user_name) VALUES ('both', 'start', '2026-04-02 10:00+00', 'anna');");
like($first->run("INSERT INTO session_event (session, kind, at, user_name) VALUES ('both', 'stop', '2026-04-02 11:00+00', 'anna');"), qr/40001/, 'whose snapshot is too old is told so');
$first->run('ROLLBACK;');
$_->close for $first, $second;
$node->safe_psql($events, 'TRUNCATE session_event');
events_are_paired('no events');

# --- what makes events of its rows -----------------------------------------------------------------------------------

section('RLM',
	pairs => 1, rows_come_later => 1,
	tables => 'CREATE TABLE rlm_log (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, server text, event text, product text, user_name text, host text, handle text, last_attempt boolean, at timestamptz)',
	rows   => q{
INSERT INTO rlm_log (server, event, product, user_name, host, handle, last_attempt, at) VALUES
	('isv1', 'OUT', 'draw', 'anna', 'ws1', '41', NULL, '2026-03-02 09:00Z'), ('isv1', 'DENY', 'draw', 'bert', 'ws2', NULL, false, '2026-03-02 09:30Z');
INSERT INTO rlm_log (server, event, product, user_name, host, handle, last_attempt, at) VALUES
	('isv1', 'IN', 'draw', 'anna', 'ws1', '41', NULL, '2026-03-02 10:00Z'), ('isv1', 'OUT', 'draw', 'carla', 'ws3', '41', NULL, '2026-03-02 10:00Z'),
	('isv2', 'DENY', 'draw', 'bert', 'ws2', NULL, true, '2026-03-02 09:30Z'), ('isv2', 'OUT', 'draw', 'dora', 'ws4', '41', NULL, '2026-03-02 09:50Z');},
	checks => [
		as_of('2026-03-02 12:00Z') . "SELECT $days, denials FROM rlm.daily_user_counts" => '2026-03-02|4|2|1',
		as_of('2026-03-02 12:00Z') . 'SELECT user_name, server FROM rlm.online_sessions ORDER BY 1' => "carla|isv1\ndora|isv2",
	]);

section('Windows NPS',
	pairs => 1, rows_come_later => 1,
	tables => q{CREATE TABLE accounting_data (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event_timestamp timestamp, packet_type integer, user_name text, f_q_user_name text,
	calling_station_id text, nas_ip_address text, acct_status_type integer, acct_session_id text, acct_session_time integer, reason_code integer)},
	rows   => q{INSERT INTO accounting_data (event_timestamp, packet_type, f_q_user_name, calling_station_id, nas_ip_address, acct_status_type, acct_session_id, acct_session_time) VALUES
	('2026-03-02 22:00', 4, 'CORP\Anna', 'c1', '192.0.2.1', 1, 's1', NULL), ('2026-03-02 22:30', 4, 'CORP\Anna', 'c1', '192.0.2.1', 3, 's1', 1800),
	('2026-03-02 23:30', 4, 'CORP\anna', 'c1', '192.0.2.1', 2, 's1', 5400), ('2026-03-02 22:00', 4, 'CORP\Bert', 'c2', '192.0.2.1', 1, 's2', NULL),
	('2026-03-02 12:00', 3, 'CORP\Carla', 'c3', '192.0.2.1', NULL, NULL, NULL)},
	checks => [
		# 22:30 UTC is 23:30 in Warsaw
		as_of('2026-03-03 10:00+01') . "SELECT $days, denial_users FROM nps.daily_user_counts ORDER BY 1" => "2026-03-02|2|1|1\n2026-03-03|1|1|0",
		as_of('2026-03-03 10:00+01') . 'SELECT user_name, host, server FROM nps_online.online_sessions' => 'corp\bert|c2|192.0.2.1',
		as_of('2026-03-03 10:00+01') . q{SELECT ended_at FROM nps_online.sessions WHERE host = 'c1'} => '2026-03-02 23:30:00+00',
	]);

section('Keycloak',
	pairs => 1, rows_come_later => 1,
	tables => q{CREATE TABLE event_entity (id varchar(36) PRIMARY KEY, client_id varchar(255), details_json varchar(2550), error varchar(255), ip_address varchar(255),
	realm_id varchar(255), session_id varchar(255), event_time bigint, type varchar(255), user_id varchar(255))},
	rows   => q{INSERT INTO event_entity (id, type, session_id, user_id, ip_address, event_time, details_json)
	SELECT i, type, session_id, user_id, '192.0.2.7', extract(epoch FROM at) * 1000, details FROM (VALUES
	(1, 'LOGIN', 's1', 'u-anna', timestamptz '2026-03-02 09:00+01', '{}'), (2, 'LOGIN', 's1', 'u-anna', '2026-03-02 09:30+01', '{}'), (3, 'LOGOUT', 's1', 'u-anna', '2026-03-02 11:00+01', '{}'),
	(4, 'LOGIN', 's2', 'u-bert', '2026-03-02 20:00+01', '{}'), (5, 'LOGIN_ERROR', NULL, NULL, '2026-03-02 21:00+01', '{"username": "nobody"}'), (6, 'REFRESH_TOKEN', 's2', 'u-bert', '2026-03-02 21:00+01', '{}'))
	AS v (i, type, session_id, user_id, at, details)},
	checks => [
		as_of('2026-03-03 12:00+01') . "SELECT $days, denial_users FROM sso.daily_user_counts ORDER BY 1" => "2026-03-02|3|1|1\n2026-03-03|1|1|0",
		as_of('2026-03-02 09:45+01') . 'SELECT user_name, online_count FROM sso.online_users' => 'u-anna|1',
		as_of('2026-03-03 06:01+01') . 'SELECT count(*) FROM sso.online_users' => '0',
		as_of('2026-03-03 12:00+01') . 'SELECT user_name FROM sso.denials' => 'nobody',
	]);

section('Kamailio',
	pairs => 1, rows_come_later => 1,
	tables => q{CREATE TABLE acc (id serial PRIMARY KEY, method varchar(16) NOT NULL, from_tag varchar(128), to_tag varchar(128), callid varchar(255), sip_code varchar(3), sip_reason varchar(128),
	time timestamp NOT NULL, src_user varchar(64), src_ip varchar(64))},
	rows   => q{INSERT INTO acc (method, callid, sip_code, time, src_user, src_ip) VALUES
	('INVITE', 'c1', '200', '2026-03-02 10:00:00', 'anna', '192.0.2.7'), ('INVITE', 'c2', '486', '2026-03-02 10:00:10', 'bert', '192.0.2.8'),
	('INVITE', 'c3', '200', '2026-03-02 10:00:20', 'anna', '192.0.2.7'), ('BYE', 'c1', '200', '2026-03-02 10:01:00', 'bert', '192.0.2.8'), ('BYE', 'c3', '200', '2026-03-02 10:02:00', 'anna', '192.0.2.7')},
	checks => [
		as_of('2026-03-02 12:00Z') . "SELECT $days, denial_users, concurrent_hosts_at FROM sip.daily_user_counts" => '2026-03-02|2|2|1|2026-03-02 10:00:20+00',
		as_of('2026-03-02 10:00:30Z') . 'SELECT user_name, online_count FROM sip.online_users' => 'anna|2',
	]);

# --- the page as a whole ---------------------------------------------------------------------------------------------

is(join(', ', grep { $blocks{$_} && !$tested{$_} } @titles), '', 'every section with statements is tested');
my %anchors = map { my $anchor = lc; $anchor =~ s/ /-/g; ($anchor => 1) } @titles;
is(join(', ', grep { !$anchors{$_} } $page =~ /\]\(#([^)]+)\)/g), '', 'every link within the page leads somewhere');

chdir '/';
$node->stop;
done_testing();
