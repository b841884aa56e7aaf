# A stranger, who may connect and make temporary objects, and later a source of his own, against the owner of another source
# and a superuser: he holds nobody up, learns nothing, crashes nothing, and no code of his runs with another's rights.
#
# Names of tables inside a source are found in the catalogs: what must not happen does not depend on them.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use Headcount;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('strangers', conf => "log_line_prefix = '%e %u '\nlog_statement = none\nrestart_after_crash = on\nmax_prepared_transactions = 4\n");
$node->safe_psql('postgres', <<'SQL');
CREATE ROLE keeper LOGIN;
CREATE ROLE reader LOGIN;
CREATE ROLE stranger LOGIN;
GRANT CREATE ON DATABASE postgres TO keeper;
SQL
my $users = 1013;      # a number that is nothing else
$node->safe_psql('postgres', <<"SQL", extra_params => [ '-U', 'keeper' ]);
CREATE SCHEMA his;
CREATE TABLE his.login (who text, mac text, nas text, came timestamptz, went timestamptz);
CREATE TABLE his.refused (who text, nas text, at timestamptz);
INSERT INTO his.login SELECT 'secret ' || i, 'mac ' || i, 'nas ' || i % 3, timestamptz '2026-01-01 10:00+00' + i % 19 * interval '1 day', timestamptz '2026-01-01 12:00+00' + i % 19 * interval '1 day'
FROM generate_series(1, $users) AS i;
INSERT INTO his.refused SELECT 'secret ' || i, 'nas ' || i % 3, timestamptz '2026-01-03 11:00+00' + i % 7 * interval '1 day' FROM generate_series(1, 90) AS i;
SELECT headcount.create_source(name, 'his.login', 'who', 'mac', 'came', 'went', server => 'nas', denials => 'his.refused', denied_user => 'who', denied_at => 'at',
	denied_server => 'nas', realtime_servers => '{nas 0}', time_zone => 'UTC', materialized => name = 'wifi') FROM unnest(ARRAY['wifi', 'live']) AS name;
CALL headcount.refresh('wifi');
GRANT SELECT ON wifi.daily_user_counts TO reader;
SQL
my $checkpointer = checkpointer($node);

# Whether the server has not crashed since this was asked last.
sub survived
{
	my ($what) = @_;
	$node->poll_query_until('postgres', 'SELECT true');
	my $now = checkpointer($node);
	is($now, $checkpointer, "the server has not crashed under $what");
	$checkpointer = $now;
	return;
}

sub as { my ($user, $sql) = @_; return in_time($node, $sql, user => $user); }

# What is stored of the owner's source still counts, and is right.
sub sound
{
	my ($after) = @_;
	is($node->safe_psql('postgres', <<'SQL'), 't', "the owner's source is exact and right $after");
SELECT (SELECT exact FROM headcount.source_status WHERE source = 'wifi')
	AND NOT EXISTS ((TABLE wifi.daily_user_counts EXCEPT ALL TABLE live.daily_user_counts) UNION ALL (TABLE live.daily_user_counts EXCEPT ALL TABLE wifi.daily_user_counts))
SQL
	return;
}

# The tables and views that he tries himself on.
my $targets = q{(SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name, c.relkind, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
	WHERE n.nspname IN ('headcount', 'headcount_internal', 'wifi', 'his', 'odd') AND c.relkind IN ('r', 'p', 'v', 'm') ORDER BY n.nspname, c.relname) AS t};

# --- who may do what with which table ----------------------------------------------------------------------------------

is($node->safe_psql('postgres', <<'SQL'), '', 'nobody but a superuser writes to a table of the extension, or may lock or reference one');
SELECT r.role || ' has ' || p.privilege || ' on ' || c.oid::regclass
FROM pg_class AS c CROSS JOIN unnest('{keeper,reader,stranger}'::name[]) AS r (role)
	CROSS JOIN unnest('{INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) AS p (privilege)
WHERE c.relnamespace::regnamespace::text IN ('headcount', 'headcount_internal') AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
	AND (has_table_privilege(r.role, c.oid, p.privilege) OR p.privilege IN ('INSERT', 'UPDATE', 'REFERENCES') AND has_any_column_privilege(r.role, c.oid, p.privilege))
ORDER BY 1
SQL
is($node->safe_psql('postgres', <<'SQL'), '', 'on a source its owner has rights, and a reader what was granted');
SELECT r.role || ' has ' || p.privilege || ' on ' || c.oid::regclass
FROM pg_class AS c CROSS JOIN unnest('{reader,stranger}'::name[]) AS r (role)
	CROSS JOIN unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) AS p (privilege)
WHERE c.relnamespace::regnamespace::text IN ('wifi', 'live', 'his') AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
	AND (has_table_privilege(r.role, c.oid, p.privilege) OR p.privilege IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES') AND has_any_column_privilege(r.role, c.oid, p.privilege))
	AND (r.role, p.privilege, c.oid) <> ('reader', 'SELECT', 'wifi.daily_user_counts'::regclass)
ORDER BY 1
SQL
is($node->safe_psql('postgres', <<'SQL'), '', 'schemas of the extension are used by all, and made use of by nobody');
SELECT nspname FROM pg_namespace WHERE nspname IN ('headcount', 'headcount_internal', 'wifi') AND has_schema_privilege('stranger', oid, 'CREATE')
	OR nspname IN ('headcount', 'wifi') AND NOT has_schema_privilege('stranger', oid, 'USAGE')
SQL
is($node->safe_psql('postgres', <<'SQL'), '', 'what runs with the rights of a superuser is called by nobody, or is an event trigger');
SELECT p.oid::regprocedure FROM pg_proc AS p WHERE p.pronamespace::regnamespace::text IN ('headcount', 'headcount_internal') AND p.prosecdef AND p.proconfig IS NULL
SQL

# --- locks and rows ----------------------------------------------------------------------------------------------------

# Everything that takes a lock, on every table, in one transaction that stays open. What is refused is taken back.
sub lock_everything
{
	my ($session) = @_;
	$session->run('\set ON_ERROR_ROLLBACK on' . "\nBEGIN;");
	my @locks = map { "LOCK TABLE %1\$s IN $_ MODE" } ('ACCESS SHARE', 'ROW SHARE', 'ROW EXCLUSIVE', 'SHARE UPDATE EXCLUSIVE', 'SHARE', 'SHARE ROW EXCLUSIVE', 'EXCLUSIVE', 'ACCESS EXCLUSIVE');
	my @rows = map { "SELECT 1 FROM %1\$s FOR $_" } ('KEY SHARE', 'SHARE', 'NO KEY UPDATE', 'UPDATE');
	my @others = ('INSERT INTO %1$s SELECT * FROM %1$s LIMIT 1', 'DELETE FROM %1$s', 'TRUNCATE %1$s', 'ALTER TABLE %1$s ADD COLUMN x integer', 'COMMENT ON TABLE %1$s IS NULL', 'ANALYZE %1$s',
		'CREATE TEMP TABLE %2$I () INHERITS (%1$s)', 'CREATE INDEX ON %1$s ((1))', 'CREATE RULE r AS ON INSERT TO %1$s DO NOTHING', 'CREATE STATISTICS ON ctid, xmin FROM %1$s', 'REINDEX TABLE %1$s',
		'CREATE TRIGGER x BEFORE INSERT ON %1$s EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger()', 'DROP TABLE %1$s', 'ALTER TABLE %1$s DISABLE TRIGGER ALL');
	$session->run(join('', map { "SELECT format('$_', name, 'x' || oid) FROM $targets WHERE relkind <> 'v' OR '$_' LIKE 'SELECT%' \\gexec\n" } @others[0..1], @rows, @locks, @others[2..$#others])
		. "SELECT format('UPDATE %s SET %I = %2\$I', name, attname) FROM $targets JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0 WHERE relkind IN ('r', 'p') \\gexec\n");
	return;
}

my @acts = (
	[ 'a refresh',            "CALL headcount.refresh('wifi')" ],
	[ 'a rebuild',            "CALL headcount.rebuild('wifi')" ],
	[ 'a write',              "INSERT INTO his.login VALUES ('secret 5', 'mac 5', 'nas 0', '2026-01-04 05:00+00', '2026-01-04 06:00+00')" ],
	[ 'invalidate',           "SELECT headcount.invalidate('wifi', '2026-01-01', '2026-01-02')" ],
	[ 'verify',               "SELECT * FROM headcount.verify('wifi')" ],
	[ 'a refresh after that', "CALL headcount.refresh('wifi')" ],
	[ 'freeze',               "SELECT headcount.freeze('wifi', '2026-01-02'); SELECT headcount.freeze('wifi', NULL)" ],
	[ 'source_status',        'SELECT * FROM headcount.source_status' ]);
my @changes = (
	[ 'ALTER TABLE',          'ALTER TABLE his.login ADD COLUMN note text; ALTER TABLE his.login DROP COLUMN note' ],
	[ 'alter_source',         "SELECT headcount.alter_source('wifi', window_days => 7); SELECT headcount.alter_source('wifi', window_days => 14)" ],
	[ 'create_source',        "SELECT headcount.create_source('more', 'his.login', 'who', 'mac', 'came', 'went'); CALL headcount.refresh('more')" ],
	[ 'drop_source',          "SELECT headcount.drop_source('more')" ]);
sub nothing_waits
{
	my ($while, @also) = @_;
	is(as('keeper', $_->[1]), '', "$_->[0] of the owner does not wait for $while") for @acts, @also;
	is(as('postgres', 'SELECT * FROM headcount.source_status; SELECT * FROM headcount.refresh_progress; CALL headcount.refresh()'), '', "... nor do those of a superuser");
	return;
}

{
	my $stranger = open_session($node, user => 'stranger');
	lock_everything($stranger);
	nothing_waits('what a stranger could lock', @changes);
	$stranger->run('ROLLBACK;');

	# PostgreSQL asks for rights when a statement runs, and locks what it names when it is parsed. (Whatever needs ACCESS
	# EXCLUSIVE, which no refresh does, can be held up so on every server.)
	$stranger->run('BEGIN;' . join '', map { "SELECT format('PREPARE %I AS $_', 'p' || oid || md5('$_'), name) FROM $targets WHERE name NOT LIKE 'his.%' \\gexec\n" }
		('SELECT * FROM %s', 'SELECT * FROM %s FOR UPDATE', 'DELETE FROM %s', 'INSERT INTO %s DEFAULT VALUES', 'TABLE %s'));
	nothing_waits('statements that a stranger has prepared');
	$stranger->run('ROLLBACK;');
	$stranger->close;
	sound('after these');
}

# Advisory locks: those that a refresh of the owner's takes. A function in the view that a source reads sees them.
$node->safe_psql('postgres', <<'SQL', extra_params => [ '-U', 'keeper' ]);
CREATE TABLE his.seen_locks (classid oid, objid oid, objsubid smallint);
CREATE FUNCTION his.spy(text) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	INSERT INTO his.seen_locks SELECT l.classid, l.objid, l.objsubid FROM pg_locks AS l WHERE l.pid = pg_backend_pid() AND l.locktype = 'advisory';
	RETURN $1;
END $$;
CREATE VIEW his.spied AS SELECT his.spy(who) AS who, mac, came, went FROM his.login WHERE who LIKE 'secret 1_';
SELECT headcount.create_source('spied', 'his.spied', 'who', 'mac', 'came', 'went', time_zone => 'UTC', tracking => 'window');
CALL headcount.refresh('spied');
SQL
{
	my $stranger = open_session($node, user => 'stranger');
	$stranger->run($_) for split /\n/, $node->safe_psql('postgres', q{SELECT DISTINCT CASE objsubid WHEN 2 THEN format('SELECT pg_advisory_lock(%s::int, %s::int);', classid::bigint - CASE WHEN classid::bigint > 2147483647 THEN 4294967296 ELSE 0 END,
		objid::bigint - CASE WHEN objid::bigint > 2147483647 THEN 4294967296 ELSE 0 END) ELSE format('SELECT pg_advisory_lock((%s::bigint << 32) | %s);', classid, objid) END FROM his.seen_locks});
	is(as('keeper', "CALL headcount.rebuild('spied')"), '', 'no advisory lock of a stranger stops a rebuild');
	$stranger->close;
}
as('keeper', "SELECT headcount.drop_source('spied'); DROP VIEW his.spied");

# --- what he learns ----------------------------------------------------------------------------------------------------

# Statements that call every function that a role may, with the worst arguments there are. What changes anything is taken back.
sub fuzz
{
	my ($user, $times, $seed) = @_;
	my $sql = <<"SQL";
\\set VERBOSITY verbose
\\set ECHO errors
\\pset null '~'
SET statement_timeout = '4s';
SET client_min_messages = error;
SELECT setseed($seed) \\g /dev/null
WITH pool (type, words) AS (VALUES
	('text', ARRAY['NULL', '''''', '''wifi''', '''x''', 'repeat(''\xc3\xbc'', 600)', '''x'' || repeat(''\xc3\xbc'', 600)', '''a%s%I"''''\\\\ \$1''', '''his.login''', '''2019''', '''day''', '''UTC''', '''-infinity''']),
	('bytea', ARRAY['NULL', '''\\x''', '''\\x010001f0''', '''\\x01000141''', '''\\x00''', 'decode(md5(random()::text), ''hex'')', '''\\xff'' || decode(repeat(md5(random()::text), 20), ''hex'')', 'convert_to(repeat(''\xc3\xbc'', 300), ''UTF8'')']),
	('integer', ARRAY['NULL', '0', '-1', '1', '14', '2147483647', '-2147483648']),
	('smallint', ARRAY['NULL', '0', '-1', '32767']),
	('bigint', ARRAY['NULL', '0', '-1', '7', '9223372036854775807', '-9223372036854775808']),
	('double precision', ARRAY['NULL', '0', '-1', '''NaN''', '''Infinity''', '1e300']),
	('oid', ARRAY['NULL', '0', '1', '4294967295', '''wifi.sessions''::regclass::oid', '''pg_class''::regclass::oid', '(SELECT oid FROM pg_proc LIMIT 1)', '(SELECT oid FROM pg_trigger LIMIT 1)', '(SELECT oid FROM pg_type ORDER BY oid DESC LIMIT 1)']),
	('regclass', ARRAY['NULL', '0', '1', '4294967295', '''wifi.sessions''', '''wifi.daily_user_counts''', '''pg_class''', '''pg_toast.pg_toast_1255''', '''pg_class_oid_index''']),
	('boolean', ARRAY['NULL', 'true', 'false']),
	('date', ARRAY['NULL', '''-infinity''', '''infinity''', '''2026-01-05''', '''4713-01-01 BC''', '''5874897-12-31''', '''294276-12-31''', '''0001-01-01''']),
	('timestamp with time zone', ARRAY['NULL', '''-infinity''', '''infinity''', '''2026-01-05 11:00+00''', '''4713-01-01 00:00+00 BC''', '''294276-12-31 23:59:59+00''', 'now()']),
	('interval', ARRAY['NULL', '''0''', '''-1 day''', '''178000000 years''', '''1 microsecond''', '''5 minutes''']),
	('json', ARRAY['NULL', '''{}''', '''[]''', '''null''', '''{"sd":"2026-01-01","limit":1}''', '''{"filter":"\xc3\xbc"}''', '''[[[]]]''', '''7''']),
	('uuid', ARRAY['NULL', 'gen_random_uuid()']),
	('"char"', ARRAY['NULL', '''a''', '''''']),
	('name', ARRAY['NULL', '''x''', '''wifi''']),
	('cstring', ARRAY['NULL', '''x''', '''\\x00''', '''''']),
	('headcount.presence', ARRAY['NULL', '(SELECT headcount.presence_agg(''a''::text, ''2026-01-02''::timestamptz, NULL::timestamptz))', '(SELECT headcount.presence_agg(''b''::text, ''-infinity''::timestamptz, ''infinity''::timestamptz))']))
SELECT 'BEGIN',
	format('%s %s(%s)%s', CASE p.prokind WHEN 'p' THEN 'CALL' ELSE 'SELECT' END, p.oid::regproc, a.arguments, CASE p.prokind WHEN 'f' THEN ' LIMIT 20' ELSE '' END),
	'ROLLBACK'
FROM pg_proc AS p CROSS JOIN generate_series(0, $times) AS n
	CROSS JOIN LATERAL (
		SELECT string_agg(coalesce(CASE WHEN n = 0 THEN 'NULL' ELSE b.words[1 + floor(random() * cardinality(b.words))] END,
			CASE WHEN y.typelem <> 0 AND y.typcategory = 'A' AND random() < 0.7
					THEN 'ARRAY[' || coalesce(e.words[1 + floor(random() * cardinality(e.words))] || '::' || format_type(y.typelem, NULL) || ', ' || e.words[1 + floor(random() * cardinality(e.words))], 'NULL') || ']'
				WHEN y.typtype = 'c' AND random() < 0.5 THEN 'json_populate_record(NULL::' || y.oid::regtype || ', ''{}'')' ELSE 'NULL' END)
			|| '::' || y.oid::regtype, ', ' ORDER BY u.i) AS arguments, bool_or(y.typname IN ('internal', 'trigger', 'event_trigger')) AS is_odd
		FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS u (type, i) JOIN pg_type AS y ON y.oid = u.type
			LEFT JOIN pool AS b ON b.type = y.oid::regtype::text LEFT JOIN pool AS e ON e.type = y.typelem::regtype::text
		WHERE n >= 0) AS a
WHERE p.pronamespace::regnamespace::text IN ('headcount', 'headcount_internal') AND has_function_privilege(p.oid, 'EXECUTE') AND a.is_odd IS NOT TRUE
	AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype, 'internal'::regtype) \\gexec
SQL
	my ($out, $err) = ('', '');
	$node->psql('postgres', $sql, stdout => \$out, stderr => \$err, on_error_stop => 0, extra_params => [ '-U', $user ]);
	return ($out, $err);
}

# The first of the statements that ended so, for people to read.
sub first_with
{
	my ($err, $pattern) = @_;
	return $err =~ /($pattern[^\n]*)\n(?:(?!ERROR:)[^\n]*\n)*?[^\n]*STATEMENT:\s+([^\n]*)/ ? "$1: $2" : '';
}

for my $user (qw(stranger reader keeper postgres))
{
	my ($out, $err) = fuzz($user, $user eq 'stranger' ? 12 : 5, 0.25);
	like($err, qr/ERROR/, "functions called by $user") or next;
	survived("functions called by $user");
	is(first_with($err, 'ERROR:  XX000'), '', '... no error is internal');
	my @invalid = grep { !utf8::decode(my $text = $_) } split /\n/, "$out\n$err";
	is($invalid[0], undef, '... all text is valid UTF-8');
	next if $user =~ /keeper|postgres/;
	# he may read the view daily_user_counts, and so the function of that name
	$out =~ s/^\(\d{4}-\d\d-\d\d,$users,[^\n]*$//mg if $user eq 'reader';
	unlike($out, qr/secret \d|\b$users\b/, "... $user learns no names and no number of users");
	unlike($err, qr/ERROR[^\n]*(?:secret \d|\b$users\b)/, '... from errors either');
}
{
	my ($out, $err) = ('', '');
	$node->psql('postgres', "SELECT format('SELECT %L, t::text FROM %s AS t', name, name) FROM $targets WHERE name NOT LIKE 'his.%' \\gexec", on_error_stop => 0,
		stdout => \$out, stderr => \$err, extra_params => [ '-U', 'stranger' ]);
	unlike($out, qr/secret \d|\b$users\b/, 'nothing that a stranger can read has the names or the number of users of a source');
	$out =~ s/^(?!headcount\.source_status|headcount\.refresh_progress).*$//mg;
	unlike($out, qr/wifi.*\d/, '... and the status of a source has no numbers for him');
	$node->psql('postgres', 'SELECT * FROM headcount.source_status', stdout => \$out, extra_params => [ '-U', 'reader' ]);
	unlike($out, qr/^wifi.*\|(?!0\|)\d+\|/m, '... nor for a reader of one view');
}
# Who may see who is online sees nobody else, whatever his conditions do with what they are given.
{
	as('keeper', "INSERT INTO his.login VALUES ('open', 'mac 1', 'nas 1', now() - interval '1 hour', NULL); GRANT SELECT ON wifi.online_users, wifi.online_sessions TO reader");
	my $told = '';
	$node->psql('postgres', <<'SQL', on_error_stop => 0, stdout => \my $out, stderr => \$told, extra_params => [ '-U', 'reader' ]);
CREATE FUNCTION pg_temp.saw(text) RETURNS boolean IMMUTABLE COST 0.0000001 LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'saw %', $1; RETURN true; END $$;
SELECT user_name FROM wifi.online_users WHERE pg_temp.saw(user_name);
SELECT user_name FROM wifi.online_sessions WHERE pg_temp.saw(user_name);
SELECT count(*) FROM wifi.online_users WHERE user_name::integer > 0;
SQL
	is($out, "open\nopen", 'a reader sees who is online');
	like($told, qr/saw open.*saw open.*"open"/s, '... as his conditions do');
	unlike($told, qr/secret/, '... which see nobody else');
	like($node->safe_psql('postgres', q{SET enable_seqscan = off; EXPLAIN SELECT * FROM wifi.online_users WHERE user_name = 'x'}), qr/Index Scan|Bitmap/, '... and find the index')
	  if as('keeper', q{SELECT headcount.create_indexes('wifi', dry_run => false)}) eq '';
	as('keeper', "REVOKE SELECT ON wifi.online_users, wifi.online_sessions FROM reader; DELETE FROM his.login WHERE who = 'open'");
}
is(as('keeper', "INSERT INTO his.login VALUES ('secret 6', 'mac 6', 'nas 0', '2026-01-05 05:00+00', '2026-01-05 06:00+00'); CALL headcount.refresh('wifi')"), '', 'the owner goes on');
sound('after all these calls');

# --- triggers, and temporary objects -----------------------------------------------------------------------------------

# Triggers of his, on tables of his, that call what ours call: of every kind, with the arguments of real ones.
sub odd_triggers
{
	my ($table, $view, $arguments) = @_;
	my @kinds = ('BEFORE INSERT ON T FOR EACH STATEMENT', 'BEFORE INSERT OR UPDATE OR DELETE ON T FOR EACH ROW', 'AFTER INSERT ON T FOR EACH STATEMENT', 'AFTER UPDATE ON T FOR EACH STATEMENT',
		'AFTER DELETE ON T FOR EACH STATEMENT', 'AFTER UPDATE ON T REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT', 'AFTER UPDATE ON T REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT',
		'AFTER INSERT ON T REFERENCING NEW TABLE AS other FOR EACH STATEMENT', 'AFTER INSERT OR UPDATE OR DELETE ON T FOR EACH STATEMENT', 'BEFORE TRUNCATE ON T', 'AFTER TRUNCATE ON T',
		'AFTER UPDATE ON T REFERENCING OLD TABLE AS new_rows NEW TABLE AS old_rows FOR EACH ROW', 'AFTER INSERT OR UPDATE OR DELETE ON T FOR EACH ROW', "INSTEAD OF INSERT ON V FOR EACH ROW",
		'AFTER UPDATE ON T REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT', 'BEFORE UPDATE ON T FOR EACH STATEMENT', 'BEFORE DELETE ON T FOR EACH STATEMENT');
	my $sql = '';
	for my $function (split /\n/, $node->safe_psql('postgres', q{SELECT oid::regproc FROM pg_proc WHERE pronamespace::regnamespace::text IN ('headcount', 'headcount_internal') AND prorettype = 'trigger'::regtype}))
	{
		for my $kind (@kinds)
		{
			for my $with (@$arguments)
			{
				(my $trigger = $kind) =~ s/ ON (T|V)/' ON ' . ($1 eq 'T' ? $table : $view)/e;
				my $on = $kind =~ / ON V/ ? $view : $table;
				$sql .= "CREATE TRIGGER odd $trigger EXECUTE FUNCTION $function($with);\nINSERT INTO $on (who, came) VALUES ('a', '2026-01-05');\nUPDATE $on SET who = 'b';\n"
				  . "DELETE FROM $on;\nTRUNCATE $table;\nDROP TRIGGER IF EXISTS odd ON $on;\n";
			}
		}
	}
	return $sql;
}
my $is_old = $node->safe_psql('postgres', q{SELECT to_regclass('headcount.rollup') IS NOT NULL}) eq 't';
{
	my $sql = "CREATE TEMP TABLE login (who text, mac text, came timestamptz, went timestamptz);\nCREATE TEMP VIEW sessions AS SELECT * FROM login;\n";
	# a registry that everybody could write to
	$sql .= q{INSERT INTO headcount.rollup (sessions_view, frontier_day, relations, trigger_tag, logged_sessions) VALUES ('pg_temp.sessions', '2026-02-01', ARRAY['pg_temp.login'::regclass], 'x',
		ARRAY['login', 'UTC', 'who', 'mac', 'NULL::text', 'came', 'went', 'true', '-1', '-1']);} if $is_old;
	my $errors = as('stranger', $sql . odd_triggers('pg_temp.login', 'pg_temp.sessions', [ '', "'x', 'sessions'", "'x', 'denials'", "'\\xff', ''" ]));
	survived('triggers of a stranger on a temporary table');
	unlike($errors, qr/XX000/, '... no error is internal');
}
is(as('stranger', "CREATE TEMP TABLE login (who text, mac text, came timestamptz, went timestamptz); SELECT headcount.create_source('temp', 'pg_temp.login', 'who', 'mac', 'came', 'went')") =~ /^(42809|42501)$/, 1,
	'a temporary table makes no source');

# Temporary tables and types that are named like ours take the place of none, in the sessions of the owner and a superuser.
my $namesakes = $node->safe_psql('postgres', "SELECT string_agg(DISTINCT format('CREATE TEMP TABLE %I (trap integer);', relname), ' ') FROM $targets WHERE name NOT LIKE 'his.%'")
  . join '', map { "CREATE TEMP TABLE IF NOT EXISTS $_ (trap integer);" } qw(session_rows denial_rows settings rollup_state rollup_days rollup_dictionary invalidation_log pg_class pg_proc pg_trigger pg_type pg_inherits pg_attribute pg_namespace);
for my $user (qw(keeper postgres))
{
	my $sql = "SET client_min_messages = warning; $namesakes CREATE TYPE pg_temp.presence AS ENUM ('trap'); CREATE FUNCTION pg_temp.lower(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE ''trap''; END';";
	is(as($user, "$sql SELECT headcount.create_source('more', 'his.login', 'lower(who)', 'mac', 'came', 'went', server => 'nas'); CALL headcount.refresh('more'); SELECT * FROM headcount.verify('more');
		INSERT INTO his.login VALUES ('secret 7', 'mac 6', 'nas 0', '2026-01-06 05:00+00', '2026-01-06 06:00+00'); TABLE more.daily_user_counts_2013; SELECT headcount.alter_source('more', host => 'nas');
		CALL headcount.refresh('wifi'); SELECT * FROM headcount.users_on('wifi', '2026-01-05'); SELECT * FROM headcount.source_status; SELECT * FROM headcount.create_indexes('more', dry_run => true); SELECT headcount.drop_source('more')"),
		'', "temporary objects named like ours, in a session of $user");
}
sound('after temporary objects');

# --- a source of his own -----------------------------------------------------------------------------------------------

# Code of his says in the server's log as whom it runs, which nothing takes back, and fails as he likes.
$node->safe_psql('postgres', 'GRANT CREATE ON DATABASE postgres TO stranger');
$node->safe_psql('postgres', <<'SQL', extra_params => [ '-U', 'stranger' ]);
CREATE SCHEMA strange;
GRANT USAGE ON SCHEMA strange TO PUBLIC;
CREATE TABLE strange.mood (mood text);
INSERT INTO strange.mood VALUES ('');
GRANT SELECT ON strange.mood TO PUBLIC;
CREATE FUNCTION strange.act() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	mood text;
BEGIN
	RAISE LOG 'strange code runs as %', current_user;
	BEGIN EXECUTE 'RESET ROLE'; EXCEPTION WHEN OTHERS THEN NULL; END;
	BEGIN EXECUTE 'RESET SESSION AUTHORIZATION'; EXCEPTION WHEN OTHERS THEN NULL; END;
	RAISE LOG 'strange code runs as %', current_user;
	SELECT m.mood INTO mood FROM strange.mood AS m;
	IF mood ~ '^[0-9A-Z]{5}$' THEN RAISE EXCEPTION 'strange' USING ERRCODE = mood; END IF;
	IF mood = 'sleep' THEN PERFORM pg_sleep(60); END IF;
END $$;
CREATE FUNCTION strange.fold(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM strange.act(); RETURN lower($1); END $$;
CREATE FUNCTION strange.is_fine() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM strange.act(); RETURN true; END $$;
CREATE FUNCTION strange.trip() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM strange.act(); RETURN coalesce(NEW, OLD); END $$;
CREATE FUNCTION strange.same(text, text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM strange.act(); RETURN $1 = $2; END $$;
CREATE OPERATOR strange.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = strange.same);
CREATE FUNCTION strange.to_label(text) RETURNS strange.mood LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM strange.act(); RETURN ROW($1); END $$;
CREATE DOMAIN strange.word AS text CHECK (strange.fold(VALUE) IS NOT NULL);
CREATE TABLE strange.login (who text, mac text, nas text, came timestamptz, went timestamptz);
CREATE TABLE strange.refused (who text, at timestamptz);
INSERT INTO strange.login SELECT 'u' || i, 'm', 'n', timestamptz '2026-01-01' + i * interval '1 day', timestamptz '2026-01-01 01:00' + i * interval '1 day' FROM generate_series(1, 3) AS i;
INSERT INTO strange.login VALUES ('u9', 'm', 'n', now() - interval '1 hour', NULL);
SELECT headcount.create_source('odd', 'strange.login', $$strange.fold(strange.fold('x') || who)$$, 'mac::strange.word::text', 'came', 'went', server => 'nas', sessions_when => $$who OPERATOR(strange.===) who$$,
	denials => 'strange.refused', denied_user => 'who', denied_at => 'at', time_zone => 'UTC', user_identity => 'strange.fold(user_name)', false_denial_before => '5 seconds');
CALL headcount.refresh('odd');
SQL
sub mood { my ($mood) = @_; $node->safe_psql('postgres', "UPDATE strange.mood SET mood = '$mood'", extra_params => [ '-U', 'stranger' ]); return; }
my $log_read = 0;
sub ran_as
{
	my $log = slurp_file($node->logfile, $log_read);
	$log_read += length $log;
	my %roles = map { $_ => 1 } $log =~ /strange code runs as (\w+)/g;
	delete $roles{stranger};
	return join ' ', sort keys %roles;
}
ran_as();
sub runs_as_himself
{
	my ($what, $user, $sql) = @_;
	my $errors = in_time($node, $sql, user => $user);
	is(ran_as(), '', "$what of $user runs code of a source's owner as the owner");
	return $errors;
}
for my $user (qw(postgres))
{
	runs_as_himself('create_indexes, dry', $user, q{SELECT * FROM headcount.create_indexes('odd', dry_run => true)});
	runs_as_himself('refresh', $user, q{CALL headcount.refresh('odd')});
	runs_as_himself('rebuild', $user, q{CALL headcount.rebuild('odd')});
	runs_as_himself('verify', $user, q{SELECT * FROM headcount.verify('odd')});
	runs_as_himself('source_status', $user, q{SELECT * FROM headcount.source_status; SELECT * FROM headcount.refresh_progress});
	runs_as_himself('alter_source', $user, q{SELECT headcount.alter_source('odd', window_days => 3, host => 'mac')});
	runs_as_himself('invalidate, freeze', $user, q{SELECT headcount.invalidate('odd', NULL, NULL); CALL headcount.refresh('odd'); SELECT headcount.freeze('odd', '2026-01-03'); SELECT headcount.freeze('odd', NULL)});
	runs_as_himself('create_indexes', $user, q{SELECT * FROM headcount.create_indexes('odd')});
	runs_as_himself('a command about his table', $user, q{ALTER TABLE strange.login ADD COLUMN note text; ALTER FUNCTION strange.fold(text) COST 3; ALTER TABLE strange.login DROP COLUMN note; ANALYZE strange.login});
}
runs_as_himself('functions over a source', 'postgres', q{SELECT * FROM headcount.online_counts('odd', '{u9}'); SELECT * FROM headcount.users_on('odd', '2026-01-02'); SELECT * FROM headcount.users_on('odd', current_date);
	SELECT * FROM headcount.hosts_at_peak('odd', '2026-01-02'); SELECT * FROM headcount.source_activity('odd', 'day', '2026-01-01', '2026-01-05'); SELECT headcount.unique_users('odd', '2026-01-01', current_date);
	SELECT headcount.realtime_users_count('odd'); SELECT * FROM headcount.concurrency_profile('odd', NULL, NULL); SELECT * FROM headcount.concurrency_percentiles('odd', NULL, NULL, of => 'users');
	SELECT * FROM headcount.concurrency_by_hour_of_week('odd', NULL, NULL, 'sessions'); SELECT * FROM headcount.capacity_what_if('odd', '2026-01-01', '2026-01-05'); SELECT * FROM headcount.avoidable_denials('odd', NULL, NULL);
	SELECT * FROM headcount.user_lifecycle('odd'); SELECT * FROM headcount.stickiness('odd'); SELECT * FROM headcount.user_retention('odd'); SELECT * FROM headcount.time_online('odd', NULL, NULL); SELECT * FROM headcount.source_counts_by('odd', '{server}')});

# The inside of his own source is his as well: triggers, policies, rules and indexes there, and views of his under our names.
$node->psql('postgres', <<"SQL", on_error_stop => 0, extra_params => [ '-U', 'stranger' ], stderr => \my $ignored);
SELECT format('CREATE TRIGGER a BEFORE INSERT OR UPDATE OR DELETE ON %1\$s FOR EACH ROW EXECUTE FUNCTION strange.trip()', name),
	format('CREATE TRIGGER b AFTER INSERT OR UPDATE OR DELETE ON %1\$s FOR EACH STATEMENT EXECUTE FUNCTION strange.trip()', name),
	format('CREATE TRIGGER t BEFORE TRUNCATE ON %1\$s EXECUTE FUNCTION strange.trip()', name),
	format('CREATE CONSTRAINT TRIGGER d AFTER INSERT OR UPDATE OR DELETE ON %1\$s DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION strange.trip()', name),
	format('ALTER TABLE %1\$s ENABLE ALWAYS TRIGGER a, ENABLE ALWAYS TRIGGER b, ENABLE ALWAYS TRIGGER d', name),
	format('CREATE INDEX ON %1\$s (strange.fold(%2\$I::text))', name, attname), format('ALTER TABLE %1\$s ADD CHECK (strange.fold(%2\$I::text) IS NOT NULL) NOT VALID', name, attname)
FROM $targets JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = 1 WHERE name LIKE 'odd.%' AND relkind = 'r' \\gexec
SQL
my @his_inside = (
	[ 'triggers, indexes and checks in his source', '' ],
	[ 'policies in his source', "SELECT format('CREATE POLICY p ON %s USING (strange.is_fine()) WITH CHECK (strange.is_fine())', name), format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name) FROM $targets WHERE name LIKE 'odd.%' AND relkind = 'r' \\gexec" ],
	[ 'views with his code', "SELECT format('CREATE OR REPLACE VIEW %s AS SELECT * FROM (%s) AS x WHERE strange.is_fine()', name, rtrim(pg_get_viewdef(oid), ';')) FROM $targets WHERE name LIKE 'odd.%' AND relkind = 'v' \\gexec" ],
	[ 'views in place of his tables', "SELECT format('ALTER TABLE %s RENAME TO %I', name, 'old_' || relname), format('CREATE VIEW %s AS SELECT * FROM odd.%I WHERE strange.is_fine()', name, 'old_' || relname) FROM $targets WHERE name LIKE 'odd.%' AND relkind = 'r' \\gexec" ],
);
for my $step (@his_inside)
{
	my ($what, $sql) = @$step;
	mood('');
	$node->psql('postgres', $sql, on_error_stop => 0, extra_params => [ '-U', 'stranger' ], stderr => \my $nothing) if $sql ne '';
	# all of them once; then one of each kind: caught by OTHERS or not, tried again or not
	for my $mood ('', '57014', $what eq $his_inside[0][0] ? ('57P01', '57P03', '40P01', '53200', '25P02') : (), 'P0004', '40001', 'XX000', 'sleep')
	{
		mood($mood);
		my $said = $mood eq '' ? $what : "$what, $mood";
		is(in_time($node, 'SELECT * FROM headcount.source_status; SELECT * FROM headcount.refresh_progress'), '', "$said: source_status answers a superuser");
		next if $mood eq 'sleep';
		as('keeper', "INSERT INTO his.login VALUES ('secret 8', 'mac 6', 'nas 0', '2026-01-07 05:00+00', '2026-01-07 06:00+00')");
		is(in_time($node, 'CALL headcount.refresh()'), '', "$said: refresh of a superuser goes to its end");
		is($node->safe_psql('postgres', q{SELECT dirty_days FROM headcount.source_status WHERE source = 'wifi'}), '0', '... and the other source is refreshed') if $mood ne '';
	}
	mood('');
	is(ran_as(), '', "$what run as himself only");
}
sound('beside a hostile source');

# --- names, settings and rows that point to others ---------------------------------------------------------------------

# What he writes where he may write: tables of others, and names that begin like those of the owner's triggers.
sub poison
{
	return <<'SQL';
DO $$
DECLARE
	t record; c record; r tid; v text;
BEGIN
	FOR t IN SELECT k.oid, k.oid::regclass AS name FROM pg_class AS k WHERE k.relkind IN ('r', 'p') AND k.relnamespace::regnamespace::text IN ('headcount', 'headcount_internal', 'odd') LOOP
		FOR c IN SELECT a.attname AS name, a.atttypid::regtype::text AS type FROM pg_attribute AS a WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped LOOP
			FOR v IN
				SELECT CASE WHEN c.type IN ('regclass[]', 'oid[]') THEN format('%I || ''%s''::regclass', c.name, k.oid) ELSE format('''%s''::regclass', k.oid) END
				FROM (SELECT * FROM pg_class ORDER BY relname = 'login') AS k WHERE k.relnamespace = 'his'::regnamespace AND k.relkind = 'r' AND c.type IN ('regclass[]', 'oid[]', 'regclass', 'oid')
				UNION ALL
				SELECT quote_literal(regexp_replace(regexp_replace(g.tgname, '^headcount_', ''), '_[a-z]+$', ''))
				FROM pg_trigger AS g JOIN pg_class AS k ON k.oid = g.tgrelid WHERE k.relnamespace = 'his'::regnamespace AND c.type IN ('text', 'name') AND g.tgname LIKE 'headcount%'
			LOOP
				BEGIN
					FOR r IN EXECUTE format('SELECT ctid FROM %s', t.name) LOOP
						BEGIN
							EXECUTE format('UPDATE %s SET %I = %s WHERE ctid = %L', t.name, c.name, v, r);
						EXCEPTION WHEN OTHERS THEN NULL;
						END;
					END LOOP;
				EXCEPTION WHEN OTHERS THEN NULL;
				END;
			END LOOP;
		END LOOP;
	END LOOP;
END
$$;
SQL
}
as('keeper', "CREATE TABLE his.doomed (LIKE his.login); SELECT headcount.create_source('doomed', 'his.doomed', 'who', 'mac', 'came', 'went'); CALL headcount.refresh('doomed')");
# his inside as it was made
as('stranger', q{DROP SCHEMA odd CASCADE; SELECT headcount.create_source('odd', 'strange.login', 'who', 'mac', 'came', 'went', server => 'nas', time_zone => 'UTC'); CALL headcount.refresh('odd')});
{
	my $stranger = open_session($node, user => 'stranger');
	$stranger->run(poison());
	lock_everything($stranger);
	nothing_waits('what a stranger with a source could lock', @changes);
	$stranger->run('ROLLBACK;');
	$stranger->close;
	sound('after what he could lock');
}
as('stranger', "SELECT format('CREATE TRIGGER a BEFORE INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION strange.trip()', name) FROM $targets WHERE name LIKE 'odd.%' AND relkind = 'r' \\gexec\n" . poison());
mood('57014');
is(as('keeper', $_), '', "rows of a stranger do not stop $_")
  for ('ALTER TABLE his.doomed ADD COLUMN note text', 'CREATE FUNCTION his.f() RETURNS integer LANGUAGE sql RETURN 1; ALTER FUNCTION his.f() COST 5; DROP FUNCTION his.f()', 'CALL headcount.refresh()', 'DROP TABLE his.doomed CASCADE');
mood('');
is(ran_as(), '', '... and none of his code runs as the owner');
sound('after all that he wrote');
as('keeper', q{DROP SCHEMA IF EXISTS doomed CASCADE});
as('stranger', q{DROP SCHEMA odd CASCADE; SELECT headcount.create_source('odd', 'strange.login', 'who', 'mac', 'came', 'went', server => 'nas', time_zone => 'UTC'); CALL headcount.refresh('odd')});

# Triggers with the arguments of his own, on tables of his own.
{
	my $tables = "CREATE TABLE strange.other (came timestamptz, who text);\nCREATE VIEW strange.seen AS SELECT * FROM strange.other;\n";
	my @arguments = ('', split /\n/, $node->safe_psql('postgres', q{SELECT DISTINCT regexp_replace(pg_get_triggerdef(oid), '^.*EXECUTE FUNCTION [^(]*[(](.*)[)]$', '\1') FROM pg_trigger WHERE NOT tgisinternal AND tgrelid IN ('strange.login'::regclass, 'his.login'::regclass)}));
	my $errors = as('stranger', $tables . odd_triggers('strange.other', 'strange.seen', \@arguments) . odd_triggers('strange.login', 'strange.seen', \@arguments));
	survived('triggers of a stranger with the arguments of real ones');
	unlike($errors, qr/XX000/, '... no error is internal');
	sound('after them');
}

# Settings of his session, under commands that event triggers follow.
my @settings = ('standard_conforming_strings = off', 'quote_all_identifiers = on', 'search_path = strange, pg_catalog', "DateStyle = 'German, DMY'", 'IntervalStyle = iso_8601', 'bytea_output = escape', 'row_security = off',
	"default_transaction_isolation = 'serializable'", "default_transaction_isolation = 'repeatable read'", 'session_replication_role = origin', 'array_nulls = off', 'backslash_quote = off', 'extra_float_digits = -15', 'check_function_bodies = off', "TimeZone = 'Pacific/Apia'",
	'default_transaction_read_only = on', "lock_timeout = '1ms'", "client_encoding = 'LATIN1'", 'xmloption = document', 'transform_null_equals = on', 'enable_seqscan = off', 'plan_cache_mode = force_generic_plan', "default_tablespace = ''", 'escape_string_warning = off');
# Expressions with backslashes and quotes in them.
as('keeper', q{CREATE TABLE his.odd (who text, mac text, came timestamptz, went timestamptz); INSERT INTO his.odd SELECT 'realm\\' || i, 'm' || i, timestamptz '2026-01-01' + i * interval '1 day', timestamptz '2026-01-01 01:00' + i * interval '1 day' FROM generate_series(1, 9) AS i;
	SELECT headcount.create_source(name, 'his.odd', $$regexp_replace(who, '^.*\\\\', '')$$, $$coalesce(mac, 'a\b"''')$$, 'came', 'went', sessions_when => $$who <> 'x\'$$, user_identity => $$replace(user_name, '\', '/')$$, time_zone => 'UTC', materialized => name = 'oddly')
	FROM unnest('{oddly,oddly_live}'::text[]) AS name; CALL headcount.refresh('oddly')});
my $count_triggers = q{SELECT count(*) FROM pg_trigger WHERE tgrelid IN ('his.login'::regclass, 'his.odd'::regclass) AND NOT tgisinternal};
my $triggers = $node->safe_psql('postgres', $count_triggers);
as('stranger', 'CREATE FUNCTION strange.h() RETURNS integer LANGUAGE sql RETURN 1');
for my $setting (@settings)
{
	next if $setting =~ /session_replication_role/;
	sqlstates($node, "SET $setting; ALTER FUNCTION strange.h() COST 2; ALTER TABLE strange.login ADD COLUMN x integer; ALTER TABLE strange.login DROP COLUMN x; ALTER DOMAIN strange.word SET DEFAULT 'x'; CREATE TABLE strange.passing (); DROP TABLE strange.passing", user => 'stranger');
	next if $setting !~ /standard|quote_all|path|Style/;
	sound("after commands of a stranger under $setting");
}
sound('after commands of a stranger under odd settings');
is($node->safe_psql('postgres', q{SELECT exact AND dirty_days = 0 FROM headcount.source_status WHERE source = 'oddly'}), 't', '... nor is anything else thrown away');
is($node->safe_psql('postgres', $count_triggers), $triggers, '... and its triggers are all there');

# Settings of a writer, and of whoever makes a source: the change is logged, as one day, and the source is like any other.
for my $setting (@settings)
{
	next if $setting =~ /read_only|lock_timeout|LATIN1/;
	as('keeper', q{CALL headcount.refresh('oddly')});
	my $set = $setting =~ /session_replication_role/ ? '' : "SET $setting;";
	is(as('keeper', "$set INSERT INTO his.odd VALUES ('more', 'm', '2026-01-05 01:00+00', '2026-01-05 02:00+00')"), '', "a write under $setting");
	is($node->safe_psql('postgres', q{SELECT (SELECT dirty_days = 1 AND exact FROM headcount.source_status WHERE source = 'oddly') AND NOT EXISTS (TABLE oddly.daily_user_counts EXCEPT TABLE oddly_live.daily_user_counts)}), 't', '... is logged, as one day');
	as('keeper', qq{$set SELECT headcount.create_source(E'made \\\\ "by"', 'his.login', 'who', 'mac', 'came', 'went', time_zone => 'UTC')});
	as('keeper', q{CALL headcount.refresh(E'made \\\\ "by"'); INSERT INTO his.login VALUES ('secret 9', 'mac 6', 'nas 0', '2026-01-08 05:00+00', '2026-01-08 06:00+00')});
	is($node->safe_psql('postgres', q{SELECT dirty_days = 1 AND exact FROM headcount.source_status WHERE source = E'made \\\\ "by"'}), 't', '... and a source that is made so works as well');
	is(as('keeper', qq{$set SELECT headcount.drop_source(E'made \\\\ "by"')}), '', '... and is dropped');
}

# An instance that he is about to make does not hold up one of the same name.
{
	my $stranger = open_session($node, user => 'stranger');
	$stranger->run("BEGIN; SELECT headcount.create_instance('sag-1', 'eu', 'odd');");
	unlike(as('keeper', "SELECT headcount.create_instance('sag-1', 'eu', 'wifi')"), qr/57014|55P03/, 'create_instance does not wait for a stranger');
	$stranger->close;
}

# --- the end -----------------------------------------------------------------------------------------------------------

is(runs_as_himself('drop_source', 'postgres', q{SELECT headcount.drop_source('odd')}), '', 'a superuser drops his source');
sound('in the end');
survived('all that');
done_testing();
