package Twins;

# Twin sources over one table, of "stored" days are stored and of "live" not, which say the same after whatever somebody does:
# what tests of that share.
#
# A scenario is one test: before (more set-up), act, back (undoes it), and write (for tables that are no more what they were).
# Its options are writer (a role), act_may_fail and may_refuse (SQLSTATEs, of the act and of views after it), no_older (other
# snapshots are not looked at), renamed (the name of the source after the act), and user, host, start, end, more (expressions
# and options of the sources). What it fails at is told with what source_status.exact says at the time.

use strict;
use warnings;

use Exporter 'import';
use Headcount;
use Test::More;

our @EXPORT = qw(twin_roles scenario make_twins compare_twins on_log on_moved_log on_triggers $setup $write);

# A session for scenarios, and the roles in them: keeper owns the sources, and is in the role that owns the tables.
my ($node, $session);
sub twin_roles
{
	($node) = @_;
	$node->safe_psql('postgres', <<'SQL');
CREATE ROLE tables;
CREATE ROLE other;
CREATE ROLE keeper LOGIN;
GRANT CREATE ON DATABASE postgres TO keeper, tables, other;
SQL
	return $session = open_session($node, start => "SET client_min_messages = error; SET statement_timeout = '20s'; SET lock_timeout = '5s';");
}

# w.pass() waits at that one of its calls that w.pause tells.
our $setup = <<'SQL';
RESET ROLE;
DROP SCHEMA IF EXISTS stored, live, w, w2, renamed CASCADE;
GRANT tables TO keeper;
ALTER ROLE keeper NOSUPERUSER NOBYPASSRLS INHERIT;
CREATE SCHEMA w AUTHORIZATION keeper;
CREATE SCHEMA w2 AUTHORIZATION keeper;
GRANT ALL ON SCHEMA w, w2 TO tables, other;
SET ROLE keeper;
CREATE TYPE w.mood AS ENUM ('calm', 'wild');
CREATE DOMAIN w.short AS varchar(6);
CREATE FUNCTION w.norm(user_name text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN lower($1); END';
CREATE FUNCTION w.fold(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower($1)';
CREATE FUNCTION w.pass(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE row integer := nullif(current_setting('w.pause', true), '')::integer;
BEGIN
	IF row IS NULL THEN RETURN $1; END IF;
	IF row = 1 THEN
		PERFORM pg_advisory_lock_shared(42), pg_advisory_unlock_shared(42);
		PERFORM FROM pg_catalog.pg_ts_parser;      -- a lock, with which a session learns what others did to the catalogs
	END IF;
	PERFORM set_config('w.pause', (row - 1)::text, false);
	RETURN $1;
END $$;
CREATE FUNCTION w.mix(text, text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN lower($1 || $2); END';
CREATE OPERATOR w.<*> (LEFTARG = text, RIGHTARG = text, FUNCTION = w.mix);
CREATE TYPE w.label AS (text text);
CREATE FUNCTION w.to_label(text) RETURNS w.label LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN ROW(lower($1)); END';
SET ROLE tables;
CREATE TABLE w.login (who text, who2 text, mac text, nas text, mood w.mood, came timestamptz, went timestamptz) PARTITION BY RANGE (came);
CREATE TABLE w.early PARTITION OF w.login FOR VALUES FROM (MINVALUE) TO ('2026-01-10');
CREATE TABLE w.late PARTITION OF w.login FOR VALUES FROM ('2026-01-10') TO ('2026-02-01');
CREATE TABLE w.now PARTITION OF w.login FOR VALUES FROM ('2026-02-01') TO (MAXVALUE);
CREATE TABLE w.refused (who text, nas text, at timestamptz);
INSERT INTO w.login SELECT CASE i % 2 WHEN 0 THEN 'User ' ELSE 'user ' END || i % 7, 'other ' || i % 5, 'mac ' || i % 8, 'nas ' || i % 2, CASE i % 3 WHEN 0 THEN 'calm' ELSE 'wild' END::w.mood,
	timestamptz '2026-01-01 10:00+00' + i * interval '7 hours', timestamptz '2026-01-01 19:00+00' + i * interval '7 hours' FROM generate_series(1, 60) AS i;
INSERT INTO w.login SELECT 'user now', 'other now', 'mac', 'nas 1', 'calm', now() - interval '1 minute', NULL;
INSERT INTO w.refused SELECT 'User ' || i % 9, 'nas ' || i % 2, timestamptz '2026-01-02 10:00+00' + i * interval '11 hours' FROM generate_series(1, 20) AS i;
GRANT SELECT ON w.login, w.refused TO keeper;
RESET ROLE;
SQL
our $write = <<'SQL';
INSERT INTO w.login (who, mac, nas, mood, came, went) VALUES ('NEW %1$s', 'mac new', 'nas 0', 'wild', '2026-01-05 01:00+00', '2026-01-05 03:00+00'), ('new %1$s b', 'mac newer', 'nas 1', 'calm', '2026-01-12 01:00+00', '2026-01-12 03:00+00');
UPDATE w.login SET went = went + interval '1 day' WHERE came BETWEEN '2026-01-07' AND '2026-01-08';
DELETE FROM w.login WHERE ctid IN (SELECT ctid FROM w.login WHERE came BETWEEN '2026-01-03' AND '2026-01-04' LIMIT 1) AND came < '2026-01-10';
INSERT INTO w.refused VALUES ('denied %1$s', 'nas 0', '2026-01-06 01:00+00');
SQL

sub make_twins
{
	my (%with) = @_;
	my $call = join ', ', "'w.login'", map { defined ? "\$_\$$_\$_\$" : 'NULL' } $with{user} // 'who', $with{host} // 'mac', $with{start} // 'came', $with{end} // 'went';
	my $more = $with{more} // '';
	return qq{SET ROLE keeper; SELECT headcount.create_source(name, $call, server => 'nas', denials => 'w.refused', denied_user => 'who', denied_at => 'at', denied_server => 'nas',
		realtime_servers => '{nas 0}', time_zone => 'UTC', window_days => 5, dimensions => '{"place": "upper(nas)"}', materialized => name = 'stored'$more) FROM unnest('{stored,live}'::text[]) AS name; CALL headcount.refresh('stored'); RESET ROLE;};
}

# SQL that tells what the twins say apart, nothing where they say the same: in two views, or in all of them.
sub compare_twins
{
	my ($stored, $quickly) = @_;
	$stored //= 'stored';
	my @parts = ((map { [ "$_ AS r", 'r::text' ] } qw(S.daily_user_counts_2013 S.daily_user_counts_2019 S.daily_user_counts_2025 S.daily_user_counts_by_server S.daily_user_counts_by_place)), [ 'S.daily_user_sketches', 'day || used::text || denied::text' ],
		map { [ "headcount.$_ AS r", 'r::text' ] } "users_on('S', '2026-01-05')", "source_activity('S', 'day', '2026-01-04 00:00+00', '2026-01-14 00:00+00')");
	@parts = @parts[1, 2] if $quickly;
	my $sql = "SELECT 'no rows' WHERE NOT EXISTS (SELECT FROM live.daily_user_counts WHERE daily_users > 0);\n";
	for (@parts)
	{
		my ($from, $columns) = @$_;
		my ($one, $two) = map { $from =~ s/\bS\b/$_/gr } $stored, 'live';
		$sql .= "WITH a AS MATERIALIZED (SELECT $columns AS r FROM $one), b AS MATERIALIZED (SELECT $columns AS r FROM $two)
			(SELECT 'stored: ' || r FROM (TABLE a EXCEPT ALL TABLE b) AS x LIMIT 1) UNION ALL (SELECT 'live: ' || r FROM (TABLE b EXCEPT ALL TABLE a) AS x LIMIT 1);\n";
	}
	return $sql;
}

sub scenario
{
	my ($name, %with) = @_;
	my ($stored, $number, @wrong) = ('stored', 0);
	my $also = $with{may_refuse} // 'none';
	my $check = sub {
		my ($when, $where, $is_last) = @_;
		my $difference = ($where // $session)->run(compare_twins($stored, !$is_last));
		return if $difference eq '' || $with{may_refuse} && $difference =~ /^(?:ERROR:  (?:$with{may_refuse})\n)+$/;
		my $exact = $session->run("SELECT exact FROM headcount.source_status WHERE source = '$stored';");
		$exact =~ s/\n//;
		$difference =~ s/\n.*//s;
		push @wrong, "$when, while exact is $exact: $difference";
	};
	my $change = sub {
		my ($when, $sql) = @_;
		my $errors = $session->run("RESET ROLE;\n$sql\nRESET ROLE;");
		push @wrong, "$when: $errors" if $errors =~ /ERROR|^lost/ && !($when eq 'the act' && $with{act_may_fail} && $errors =~ /^\s*(?:ERROR:  (?:$with{act_may_fail})\s*)+$/);
	};
	my $writing = sub {
		my ($when, $is_last) = @_;
		$change->("a writer $when", ($with{writer} ? "SET ROLE $with{writer};\n" : '') . sprintf($with{write} // $write, 'w' . ++$number));
		$check->("a write $when", undef, $is_last);
	};

	$change->('set-up', $setup . ($with{before} // '') . make_twins(%with));
	my $fine = $session->run("SELECT exact AND dirty_days = 0 FROM headcount.source_status WHERE source = 'stored';") . $session->run("SELECT count(*) > 10 FROM live.daily_user_counts WHERE daily_users > 0;");
	push @wrong, "the sources are not what they should be at first: $fine" if $fine ne "t\nt\n";
	my $older = open_session($node, start => "SET client_min_messages = error; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1;\n") if !$with{no_older};

	# an answer that the snapshot has had; where the act needs a table for itself it would wait
	$older->run('SELECT count(*) FROM stored.daily_user_counts;') if $older && $with{act} =~ /^CREATE OR REPLACE FUNCTION/;
	$change->('the act', $with{act});
	$stored = $with{renamed} // $stored;
	$check->('at once');
	$check->('in an older snapshot', $older) if $older;
	$older->close if $older;
	$writing->('after it');
	if ($with{back})
	{
		$change->('back', $with{back});
		$check->('back');
		$writing->('after that');
	}
	# which may demand a rebuild, in words
	my $refused = $session->run("SET ROLE keeper;\nCALL headcount.refresh('$stored');\nRESET ROLE;");
	if ($refused ne '')
	{
		push @wrong, "refresh: $refused" if $refused !~ /^ERROR:  (?:55000|42501|42809|0A000|$also)$/m;
		$check->('a refresh that failed');
		$session->run("SET ROLE keeper;\nCALL headcount.rebuild('$stored');\nRESET ROLE;");
	}
	$check->('a refresh');
	$writing->('after that', 'last');
	is(join("\n", @wrong), '', $name);
	return;
}

# SQL that does something to the log of the source "stored": format() with its name.
sub on_log
{
	my ($sql) = @_;
	return qq{SELECT format($sql, c.relname) FROM pg_class AS c WHERE c.relnamespace = 'stored'::regnamespace AND c.relkind = 'r' AND c.relname IN ('invalidation_log', 'rollup_changes') \\gexec\n};
}

# The same with a log that was moved to a schema, or renamed to moved_...
sub on_moved_log
{
	my ($schema, $sql) = @_;
	return qq{SELECT format($sql, replace(c.relname, 'moved_', '')) FROM pg_class AS c WHERE c.relnamespace = '$schema'::regnamespace AND c.relkind = 'r' AND c.relname IN ('invalidation_log', 'rollup_changes', 'moved_invalidation_log', 'moved_rollup_changes') \\gexec\n};
}

# SQL that does something to triggers of the twin: an expression over pg_trigger AS g, and a condition.
sub on_triggers
{
	my ($sql, $condition) = @_;
	$condition = $condition ? "AND $condition" : '';
	return qq{SELECT $sql FROM pg_trigger AS g JOIN pg_proc AS p ON p.oid = g.tgfoid
		WHERE g.tgrelid::regclass::text LIKE 'w.%' AND NOT g.tgisinternal AND p.pronamespace::regnamespace::text LIKE 'headcount%' $condition \\gexec\n};
}

1;
