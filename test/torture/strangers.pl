# Strangers who do at random whatever PostgreSQL lets them, beside an owner at work: one who may connect and make temporary objects, one
# who owns a source of his own, one who may read a view of numbers, one who may read who is online. In rounds, and after each:
#
# - the owner's views are those of a twin that stores nothing, in one snapshot; verify finds nothing; nothing of his failed,
# - no statement of his waited for a stranger, but those that need a table for themselves (docs/security.md, T2),
# - nothing that a stranger got, result, error or notice, has the name of a user or host that he may not see, in text, hex or base64,
# - no object of the owner or of the extension is another than before,
# - no code of strangers ran as somebody else; no process crashed, no error of ours is internal.
#
# HEADCOUNT_TORTURE_SECONDS is for how long, HEADCOUNT_STRESS_SEED what chance starts from.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../t";
use Headcount;
use IPC::Run;
use MIME::Base64;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $seed  = $ENV{HEADCOUNT_STRESS_SEED} || 20260;
srand($seed);
note("seed $seed");
my $node = new_node('strangers', conf => "log_line_prefix = '%p %u %e '\nlog_statement = none\nmax_prepared_transactions = 8\ndeadlock_timeout = 100ms\nmax_connections = 40\n");

# --- an owner, and what is his secret ----------------------------------------------------------------------------------

# Users and hosts of the past have secret names; those online now have others, which a reader of online_users sees.
$node->safe_psql('postgres', <<'SQL');
CREATE ROLE keeper LOGIN;
CREATE ROLE stranger LOGIN;
CREATE ROLE rival LOGIN;
CREATE ROLE reader LOGIN;
CREATE ROLE watcher LOGIN;
GRANT CREATE ON DATABASE postgres TO keeper, rival;
SQL
$node->safe_psql('postgres', <<'SQL', extra_params => [ '-U', 'keeper' ]);
CREATE SCHEMA his;
CREATE TABLE his.login (id serial PRIMARY KEY, who text, mac text, nas text, came timestamptz, went timestamptz);
CREATE TABLE his.refused (who text, nas text, at timestamptz);
CREATE INDEX ON his.login (came);
INSERT INTO his.login (who, mac, nas, came, went)
SELECT 'zzsecret' || i % 60, 'zzhidden' || i % 80, 'nas ' || i % 3, now() - i * interval '97 minutes', now() - i * interval '97 minutes' + i % 11 * interval '1 hour' - interval '11 hours' FROM generate_series(200, 600) AS i;
UPDATE his.login SET went = came + interval '2 hours' WHERE went < came;
INSERT INTO his.login (who, mac, nas, came, went) SELECT 'open' || i, 'place' || i, 'nas ' || i % 3, now() - i * interval '7 minutes', NULL FROM generate_series(1, 20) AS i;
INSERT INTO his.refused SELECT 'zzsecret' || i % 70, 'nas ' || i % 3, now() - i * interval '5 hours' FROM generate_series(1, 90) AS i;
ANALYZE his.login, his.refused;
SELECT headcount.create_source(name, 'his.login', 'who', 'mac', 'came', 'went', server => 'nas', denials => 'his.refused', denied_user => 'who', denied_at => 'at',
	denied_server => 'nas', realtime_servers => '{nas 0}', time_zone => 'Europe/Warsaw', false_denial_before => '5 seconds', window_days => 4,
	dimensions => '{"letter": "right(mac, 1)"}', materialized => name = 'wifi') FROM unnest(ARRAY['wifi', 'twin']) AS name;
CALL headcount.refresh('wifi');
GRANT SELECT ON wifi.daily_user_counts, wifi.daily_user_counts_2013, wifi.daily_user_counts_by_server, wifi.realtime_users_count TO reader;
GRANT SELECT ON wifi.online_users, wifi.online_sessions, twin.online_users TO watcher;
SELECT headcount.create_instance('sag-1', 'eu', 'wifi');
SQL
# The rival's code says in the log whom it runs as, and tries to be another. What calls it is his source, his triggers, his operators.
$node->safe_psql('postgres', <<'SQL', extra_params => [ '-U', 'rival' ]);
CREATE SCHEMA strange;
GRANT USAGE ON SCHEMA strange TO PUBLIC;
CREATE FUNCTION strange.act() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	BEGIN EXECUTE 'RESET ROLE'; EXCEPTION WHEN OTHERS THEN NULL; END;
	BEGIN EXECUTE 'RESET SESSION AUTHORIZATION'; EXCEPTION WHEN OTHERS THEN NULL; END;
	IF current_user <> 'rival' THEN RAISE LOG 'strange code runs as %', current_user; END IF;
END $$;
CREATE FUNCTION strange.fold(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM strange.act(); RETURN lower($1); END $$;
CREATE FUNCTION strange.trip() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM strange.act(); RETURN coalesce(NEW, OLD); END $$;
CREATE TABLE strange.login (who text, mac text, nas text, came timestamptz, went timestamptz);
INSERT INTO strange.login SELECT 'u' || i, 'm', 'n', now() - i * interval '1 day', now() - i * interval '1 day' + interval '1 hour' FROM generate_series(1, 9) AS i;
SELECT headcount.create_source('odd', 'strange.login', $$strange.fold(who)$$, 'mac', 'came', 'went', server => 'nas', time_zone => 'UTC', user_identity => 'strange.fold(user_name)');
CALL headcount.refresh('odd');
SQL
my $checkpointer = checkpointer($node);
my @strangers    = qw(stranger rival reader watcher);

# What no stranger may get: the names as they are, in hex, and in base64 at each of three places.
my $secrets = join '|', map { my $name = $_; ($name, unpack('H*', $name), map { substr(encode_base64('x' x $_ . $name, ''), $_ ? 4 : 0, 8) } 0 .. 2) } qw(zzsecret zzhidden);
ok('=> \x7a7a736563726574' =~ /$secrets/ && encode_base64('a zzsecret1') =~ /$secrets/ && encode_base64('ab zzsecret1') =~ /$secrets/ && encode_base64('abc zzhidden') =~ /$secrets/, 'secrets are found where they are');

# --- what strangers do -------------------------------------------------------------------------------------------------

my @schemas = qw(headcount headcount_internal wifi twin odd his strange);
my $in_schemas = join ', ', map { "'$_'" } @schemas;
my @relations = split /\n/, $node->safe_psql('postgres', qq{SELECT format('%I.%I', relnamespace::regnamespace, relname) FROM pg_class WHERE relnamespace::regnamespace::text IN ($in_schemas) AND relkind IN ('r', 'v', 'm', 'p', 'S')
	ORDER BY relnamespace::regnamespace::text = 'headcount_internal', 1});
my @columns = split /\n/, $node->safe_psql('postgres', qq{SELECT format('%I.%I %I', c.relnamespace::regnamespace, c.relname, a.attname) FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 WHERE c.relnamespace::regnamespace::text IN ($in_schemas) AND c.relkind IN ('r', 'v') ORDER BY 1});
my %readable = (reader => [ split /\n/, $node->safe_psql('postgres', q{SELECT oid::regclass || ' ' || a.attname FROM pg_class JOIN pg_attribute AS a ON a.attrelid = oid AND a.attnum > 0 WHERE has_table_privilege('reader', oid, 'SELECT') AND relnamespace = 'wifi'::regnamespace ORDER BY 1}) ],
	watcher => [ split /\n/, $node->safe_psql('postgres', q{SELECT oid::regclass || ' ' || a.attname FROM pg_class JOIN pg_attribute AS a ON a.attrelid = oid AND a.attnum > 0 WHERE has_table_privilege('watcher', oid, 'SELECT') AND relnamespace::regnamespace::text IN ('wifi', 'twin') ORDER BY 1}) ]);
cmp_ok(scalar @{ $readable{reader} }, '>', 10, 'a reader has something to read');
my @functions = map { [ split /\|/ ] } split /\n/, $node->safe_psql('postgres', <<"SQL");
SELECT p.oid::regproc, p.prokind, coalesce(string_agg(u.type::regtype::text, ';' ORDER BY u.i), ''), p.prorettype::regtype, p.provariadic <> 0
FROM pg_proc AS p LEFT JOIN LATERAL unnest(p.proargtypes) WITH ORDINALITY AS u (type, i) ON true
WHERE p.pronamespace::regnamespace::text IN ($in_schemas) AND p.prorettype NOT IN ('event_trigger'::regtype, 'internal'::regtype) GROUP BY p.oid ORDER BY 1, p.oid
SQL
my @trigger_functions = map { $_->[0] } grep { $_->[3] eq 'trigger' } @functions;
cmp_ok(scalar @functions, '>', 200, 'there are functions to call');

my $presence = q{(SELECT headcount.presence_agg('a'::text, now() - interval '1 day', now()))};
my %pool = (
	'text' => [ qw('wifi' 'twin' 'odd' 'x' '' '2019' '2013' 'day' 'hour' 'UTC' 'Europe/Warsaw' '-infinity' 'his.login' 'strange.login' 'who' 'users' 'sessions' 'nas' 'json' 'csv' 'letter'), q{'a%s%I"''\\ $1'}, q{repeat('x', 600)}, q{'wifi.sessions'}, q{'sag-1'},
		q{'(SELECT who FROM his.login LIMIT 1)'}, q{'strange.fold(who)'} ],
	'bytea' => [ q{'\x'}, q{'\x00'}, q{'\x010001f0'}, q{decode(md5(random()::text), 'hex')}, q{convert_to('zz', 'UTF8')} ],
	'integer' => [qw(0 -1 1 14 400 2147483647 -2147483648)], 'smallint' => [qw(0 -1 32767)], 'bigint' => [qw(0 -1 7 9223372036854775807 -9223372036854775808)],
	'double precision' => [qw(0 -1 'NaN' 'Infinity' 1e300 0.5)], 'numeric' => [qw(0 -1 'NaN' 0.5 99.9)],
	'oid' => [ 0, 1, 4294967295, map { "'$_'::regclass::oid" } qw(wifi.sessions his.login wifi.rollup_days pg_class) ],
	'regclass' => [qw(0 1 4294967295 'wifi.sessions' 'wifi.online_users' 'wifi.daily_user_counts' 'twin.sessions' 'wifi.settings' 'wifi.rollup_days' 'wifi.rollup_dictionary' 'odd.sessions' 'pg_class' 'his.login' 'strange.login' 'wifi.session_rows')],
	'regproc' => [qw(0 'now' 'strange.act')], 'boolean' => [qw(true false)], 'date' => [qw('-infinity' 'infinity' current_date current_date-3 current_date-10 '0001-01-01' '5874897-12-31')],
	'timestamp with time zone' => [ qw('-infinity' 'infinity' now()), q{now() - interval '3 days'}, q{now() - interval '10 days'}, q{'294276-12-31 23:59:59+00'} ],
	'interval' => [ map { "'$_'" } '0', '-1 day', '178000000 years', '1 microsecond', '5 minutes', '1 day' ],
	'json' => [ q{'{}'}, q{'[]'}, q{'null'}, q{'{"sd":"2026-01-01","limit":1}'}, q{'{"x": "who"}'} ], 'jsonb' => [ q{'{}'}, q{'[]'}, q{'{"letter": "who"}'} ],
	'uuid' => ['gen_random_uuid()'], 'name' => [qw('wifi' 'x' 'keeper')], 'cstring' => [qw('x' '')], '"char"' => [qw('a' '')],
	'headcount.presence' => [ $presence, q{(SELECT headcount.presence_agg('b'::text, '-infinity'::timestamptz, 'infinity'::timestamptz))} ], 'headcount.user_set' => [q{headcount.to_user_set('{1,2,70000}')}],
	'anyelement' => [ qw(1 'x'::text NULL::integer now()) ], 'anyarray' => [ q{'{1,2}'::integer[]} ], 'record' => [ 'ROW(1)', q{ROW('x', 2)} ]);
sub argument
{
	my ($type) = @_;
	return "NULL::$type" if rand() < 0.12 && $type !~ /^any|^record/;
	my $list = $pool{$type};
	return "$$list[rand @$list]" . ($type =~ /^any|^record/ ? '' : "::$type") if $list;
	if ($type =~ /^(.*)\[\]$/ && $pool{$1}) { my ($of, $values) = ($1, $pool{$1}); return 'ARRAY[' . join(', ', map { "$$values[rand @$values]" . ($of =~ /^any/ ? '' : "::$of") } 0 .. rand 3) . "]::$type"; }
	return "json_populate_record(NULL::$type, '{}')" if $type =~ /^headcount_internal\.\w+$/ && $type !~ /state|internal\.(options)/ && rand() < 0.3;
	return "NULL::$type";
}
sub a_call
{
	my ($name, $kind, $types, $returns) = @{ $functions[ rand @functions ] };
	my $arguments = join ', ', map { argument($_) } split /;/, $types;
	return "CALL $name($arguments)" if $kind eq 'p';
	return "SELECT $name($arguments) FROM generate_series(1, 3)" if $kind eq 'a';
	return "SELECT $name($arguments) OVER () FROM generate_series(1, 3)" if $kind eq 'w';
	return one_of("SELECT $name($arguments) LIMIT 30", "SELECT * FROM $name($arguments) LIMIT 30");
}

my %settings = (
	search_path => [ qw(pg_temp strange wifi headcount_internal pg_catalog ''), 'pg_temp, headcount, pg_catalog', '"$user", public', 'his, wifi', 'strange, pg_catalog' ], role => [ qw(none keeper postgres stranger reader pg_read_all_data headcount) ],
	session_authorization => [qw(default keeper postgres)], datestyle => [ "'German, DMY'", "'SQL, MDY'", "'ISO'", "'Postgres'" ], timezone => [qw('Pacific/Apia' 'UTC' 'Pacific/Chatham' '-12' 'zzz')], intervalstyle => [qw(iso_8601 sql_standard postgres_verbose)],
	'headcount.as_of' => [ qw('' '2026-01-01' 'infinity' '-infinity' 'x' '4000-01-01 BC'), q{'2020-01-01 00:00+00'} ], client_encoding => [qw('LATIN1' 'UTF8' 'SQL_ASCII' 'WIN1250')], client_min_messages => [qw(debug5 debug1 log notice error)],
	bytea_output => [qw(hex escape)], row_security => [qw(on off)], quote_all_identifiers => [qw(on off)], standard_conforming_strings => [qw(on on off)], extra_float_digits => [qw(-15 3)], session_replication_role => [qw(replica origin local)],
	default_transaction_isolation => [qw('serializable' 'repeatable\ read' 'read\ committed')], default_transaction_read_only => [qw(on off off)], default_transaction_deferrable => [qw(on off)], lock_timeout => [qw('1ms' '0' '1s')],
	statement_timeout => [qw('10ms' '2s' '4s')], idle_in_transaction_session_timeout => [qw('0' '300ms')], check_function_bodies => [qw(on off)], plan_cache_mode => [qw(force_generic_plan force_custom_plan auto)], array_nulls => [qw(on off)], transform_null_equals => [qw(on off)],
	enable_seqscan => [qw(on off)], enable_indexscan => [qw(on off)], enable_hashagg => [qw(on off)], max_parallel_workers_per_gather => [qw(0 2)], parallel_setup_cost => [qw(0 1000)], parallel_tuple_cost => [qw(0 1)], min_parallel_table_scan_size => [qw(0 '8MB')], force_parallel_mode => [qw(on off regress)],
	work_mem => [qw('64kB' '4MB')], temp_buffers => [qw('1MB')], default_table_access_method => [qw(heap x)], xmloption => [qw(document content)], jit => [qw(off)], escape_string_warning => [qw(on off)], backslash_quote => [qw(on off)], debug_print_plan => [qw(on off off)],
	debug_print_parse => [qw(on off off)], debug_print_rewritten => [qw(on off off)], lc_messages => [qw('C' 'de_DE')], lc_time => [qw('C')], default_statistics_target => [qw(1 10000)], geqo_threshold => [qw(2 12)], from_collapse_limit => [qw(1 8)], constraint_exclusion => [qw(on partition)], max_stack_depth => [qw('100kB' '2MB')],
	temp_file_limit => [qw(10)], vacuum_cost_delay => [qw(10)], log_statement => [qw(all)], local_preload_libraries => [qw('x')], dynamic_library_path => [qw('/tmp')], application_name => [qw('x')], lo_compat_privileges => [qw(on)], event_triggers => [qw(off)]);
my @setting_names = sort keys %settings;
sub a_setting { my $name = one_of(@setting_names); my $list = $settings{$name}; return 'SET ' . one_of('', '', 'LOCAL ') . "$name = " . one_of(@$list); }

my @shadows = qw(lower upper coalesce_text now length as_of presence_agg unique_count find_source source_name text_or_null counts refresh read_rollup login sessions session_rows daily_user_counts online_users settings rollup_days rollup_state pg_class pg_proc pg_namespace pg_attribute);
my $serial = 0;
sub a_temporary_object
{
	my $n = ++$serial;
	my $name = one_of(@shadows);
	my ($relation, $column) = split / /, one_of(@columns), 2;
	return one_of(
		"CREATE TEMP TABLE $name (trap integer)", "CREATE TEMP TABLE t$n (LIKE $relation INCLUDING ALL)", "CREATE TEMP TABLE t$n AS SELECT * FROM $relation", "CREATE TEMP VIEW v$n AS SELECT * FROM $relation", "CREATE TEMP VIEW $name AS SELECT 1 AS trap", "CREATE TEMP TABLE t$n (x $relation)",
		"CREATE TEMP TABLE t$n OF $relation", "CREATE TEMP TABLE t$n () INHERITS ($relation)", "CREATE TEMP TABLE t$n (x text REFERENCES $relation)", "CREATE TEMP SEQUENCE s$n OWNED BY $relation.$column",
		"CREATE FUNCTION pg_temp.$name(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE NOTICE ''trap % %'', current_user, \$1; RETURN \$1; END'", "CREATE FUNCTION pg_temp.$name() RETURNS timestamptz LANGUAGE plpgsql AS 'BEGIN RAISE LOG ''strange code runs as % in $name'', nullif(current_user, session_user); RETURN now(); END'",
		"CREATE FUNCTION pg_temp.f$n(x anyelement) RETURNS anyelement LANGUAGE sql AS 'SELECT x'", "CREATE TYPE pg_temp.presence AS ENUM ('trap')", "CREATE DOMAIN pg_temp.text AS integer", "CREATE TYPE pg_temp.y$n AS (a integer, b $relation)",
		"CREATE FUNCTION pg_temp.same(text, text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''trap % %'', \$1, \$2; RETURN \$1 = \$2; END'; CREATE OPERATOR pg_temp." . one_of('=', '<>', '||', '<') . ' (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_temp.same, RESTRICT = eqsel, JOIN = eqjoinsel)',
		"CREATE TYPE pg_temp.k$n AS (v integer); CREATE FUNCTION pg_temp.to_text$n(pg_temp.k$n) RETURNS text LANGUAGE sql AS 'SELECT ''x''::text'; CREATE CAST (pg_temp.k$n AS text) WITH FUNCTION pg_temp.to_text$n(pg_temp.k$n) AS " . one_of('IMPLICIT', 'ASSIGNMENT'),
		"CREATE AGGREGATE pg_temp.$name(text) (sfunc = textcat, stype = text)", "CREATE COLLATION pg_temp.c$n FROM \"C\"", "CREATE TEMP TABLE login (who text, mac text, came timestamptz, went timestamptz)",
		'CREATE TRIGGER odd ' . one_of('BEFORE INSERT ON pg_temp.login FOR EACH ROW', 'AFTER INSERT ON pg_temp.login REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT', 'AFTER UPDATE ON pg_temp.login REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT', 'BEFORE TRUNCATE ON pg_temp.login', 'AFTER DELETE ON pg_temp.login FOR EACH STATEMENT')
			. ' EXECUTE FUNCTION ' . one_of(@trigger_functions) . '(' . one_of('', "'x'", "'x', 'sessions'", "'wifi', 'sessions'", "'wifi.sessions', 'denials', 'x'") . ')',
		"INSERT INTO pg_temp.login VALUES ('a', 'b', now(), NULL)", "UPDATE pg_temp.login SET who = 'b'", 'DELETE FROM pg_temp.login', 'TRUNCATE pg_temp.login', 'CREATE RULE r AS ON INSERT TO pg_temp.login DO ALSO SELECT * FROM ' . one_of(@relations), 'DROP TABLE IF EXISTS pg_temp.' . one_of('login', 'sessions', 'pg_class', 'settings'), 'DISCARD ' . one_of('TEMP', 'PLANS', 'ALL'),
		"ALTER TABLE pg_temp.login ADD COLUMN more text DEFAULT strange.fold('x')", "SELECT headcount.create_source('temp$n', 'pg_temp.login', 'who', 'mac', 'came', 'went')");
}

# The extension's own functions as parts of what strangers make: aggregates, operators, casts, indexes, constraints, columns, statistics,
# functions, ranges, partitions. What an aggregate without a final function keeps is read in every way that there is.
my @plain_functions = grep { $_->[1] eq 'f' && $_->[2] !~ /internal(?:;|$)/ } @functions;
my %transitions;
for (@plain_functions) { my ($first) = split /;/, $_->[2]; push @{ $transitions{$first} }, $_ if defined $first && $_->[3] eq $first; }
my @state_types = sort keys %transitions;
sub an_object_of_ours
{
	my $n = ++$serial;
	my ($name, $kind, $types, $returns) = @{ one_of(@plain_functions) };
	my @types = split /;/, $types;
	my $call = sprintf '%s(%s)', $name, join ', ', map { argument($_) } @types;
	if (rand() < 0.5)
	{
		my $state = one_of(@state_types);
		my $sfunc = one_of(@{ $transitions{$state} });
		my (undef, @rest) = split /;/, $sfunc->[2];
		my @same = grep { $_->[2] eq "$state;$state" } @{ $transitions{$state} };
		my @final = grep { $_->[2] =~ /^\Q$state\E(?:;|$)/ } @plain_functions;
		my $more = rand() < 0.3 && @final ? ', finalfunc = ' . one_of(@final)->[0] . one_of('', ', finalfunc_extra', ', finalfunc_modify = read_write') : '';
		$more .= ', combinefunc = ' . one_of(@same)->[0] if @same && rand() < 0.5;
		$more .= ', initcond = ' . one_of(q{''}, q{'\x'}, q{'{}'}, q{'0'}, q{'\x00'}, q{'()'}) if rand() < 0.2;
		$more .= ', parallel = safe' if rand() < 0.5;
		$more .= ", msfunc = $sfunc->[0], minvfunc = $sfunc->[0], mstype = $state" if rand() < 0.2;
		my $from = one_of('FROM generate_series(1, 30) AS i', 'FROM generate_series(1, 2000) AS i', 'FROM generate_series(1, 30) AS i GROUP BY i % 4');
		my $value = "pg_temp.o$n(" . (@rest ? join(', ', map { argument($_) } @rest) : '*') . ')';
		return "CREATE AGGREGATE pg_temp.o$n(" . (@rest ? join(', ', @rest) : '*') . ") (sfunc = $sfunc->[0], stype = $state$more);\n"
		  . one_of("SELECT $value $from", "SELECT ${value}::text $from", "SELECT ${value}::bytea $from", "COPY (SELECT $value $from) TO STDOUT (FORMAT binary)", "SELECT $value OVER (ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) FROM generate_series(1, 20) AS i",
			"CREATE TEMP TABLE kept$n AS SELECT $value AS v $from;\nSELECT v::text FROM kept$n;\nSELECT encode(v::bytea, 'escape') FROM kept$n", "SELECT encode(${value}::bytea, 'escape') $from", "SELECT $value FILTER (WHERE i > 40) $from", "SELECT row_to_json(ROW($value)) $from");
	}
	return one_of(
		"CREATE OPERATOR pg_temp.@# (" . (@types == 2 ? "LEFTARG = $types[0], RIGHTARG = $types[1]" : 'RIGHTARG = ' . ($types[0] // 'text')) . ", FUNCTION = $name" . one_of('', ', RESTRICT = eqsel', ', RESTRICT = scalarltsel, JOIN = eqjoinsel', ', HASHES, MERGES') . ')',
		'CREATE CAST (' . ($types[0] // 'text') . " AS $returns) " . one_of("WITH FUNCTION $name($types)" =~ s/;/, /gr, 'WITHOUT FUNCTION', 'WITH INOUT') . one_of('', ' AS ASSIGNMENT', ' AS IMPLICIT'),
		"CREATE TEMP TABLE g$n (x integer, y text DEFAULT ($call)::text)", "CREATE TEMP TABLE g$n (x integer, y text GENERATED ALWAYS AS (($call)::text) STORED);\nINSERT INTO g$n VALUES (1);\nTABLE g$n", "CREATE TEMP TABLE g$n (x integer CHECK (($call) IS NOT NULL));\nINSERT INTO g$n VALUES (1)",
		"CREATE INDEX ON pg_temp.login ((($call)::text))", "CREATE INDEX ON pg_temp.login (who) WHERE ($call) IS NOT NULL", "CREATE STATISTICS pg_temp.st$n ON (($call)::text), who FROM pg_temp.login;\nANALYZE pg_temp.login", "CREATE TEMP TABLE g$n (x integer) PARTITION BY LIST ((($call)::text))",
		"CREATE FUNCTION pg_temp.w$n() RETURNS $returns LANGUAGE sql " . one_of('IMMUTABLE', 'STABLE', 'SECURITY DEFINER', 'PARALLEL SAFE') . " RETURN $call;\nSELECT pg_temp.w$n()", "CREATE DOMAIN pg_temp.d$n AS $returns CHECK (VALUE IS NOT NULL);\nSELECT ($call)::pg_temp.d$n", "CREATE TYPE pg_temp.r$n AS RANGE (subtype = $returns)",
		"CREATE FUNCTION pg_temp.i$n() RETURNS $returns LANGUAGE internal AS '" . ($name =~ s/.*\.//r) . "'", "CREATE FUNCTION pg_temp.i$n(bytea) RETURNS text LANGUAGE c AS 'headcount', 'presence_out'", "CREATE TRANSFORM FOR $returns LANGUAGE plpgsql (FROM SQL WITH FUNCTION $name($types))" =~ s/;/, /gr, "CREATE TEMP TABLE g$n OF $returns", "ALTER FUNCTION $name SUPPORT $name",
		"CREATE OPERATOR CLASS pg_temp.c$n FOR TYPE $returns USING btree AS FUNCTION 1 $name", "SELECT ($call) IS DISTINCT FROM ($call), ROW($call)::text, ARRAY[$call]::text", "SELECT DISTINCT $call FROM generate_series(1, 3) ORDER BY 1", "SELECT $call UNION SELECT $call", "SELECT pg_column_size($call), pg_typeof($call), hashtext(($call)::text)",
		"CREATE TEMP TABLE g$n AS SELECT $call AS v;\nCREATE INDEX ON g$n (v);\nCREATE INDEX ON g$n USING hash (v);\nUPDATE g$n SET v = v;\nSELECT count(*) FROM g$n AS a JOIN g$n AS b ON a.v = b.v");
}

# The best that somebody with a right to read can do: conditions that say what they see, before the view's own have left rows out.
sub a_reading
{
	my ($user) = @_;
	my ($relation, $column) = split / /, one_of($readable{$user} && rand() < 0.8 ? @{ $readable{$user} } : @columns), 2;
	return one_of(
		"SELECT * FROM $relation LIMIT 50", "TABLE $relation", "SELECT t::text, to_json(t) FROM $relation AS t LIMIT 9", "SELECT $column FROM $relation WHERE pg_temp.saw($column)", "SELECT 1 FROM $relation WHERE pg_temp.saw($column) AND false", "SELECT count(*) FROM $relation WHERE CAST($column AS text)::integer > 0",
		"SELECT $column, count(*) FROM $relation WHERE (${column})::text OPERATOR(pg_temp.===) 'x' GROUP BY $column", "SELECT $column FROM $relation WHERE (${column})::text::xml IS NOT NULL", "EXPLAIN (ANALYZE, VERBOSE, COSTS) SELECT * FROM $relation WHERE (${column})::text > 'zz'", "EXPLAIN SELECT * FROM $relation WHERE pg_temp.saw($column)",
		"SELECT 1 / (CASE WHEN (${column})::text LIKE 'zz%' THEN 0 ELSE 1 END) FROM $relation", "SELECT a.$column FROM $relation AS a JOIN (VALUES ('x')) AS b (x) ON pg_temp.saw(a.$column)", "SELECT $column FROM $relation ORDER BY pg_temp.saw($column) LIMIT 1", "SELECT $column FROM $relation TABLESAMPLE SYSTEM (50)",
		"SELECT max((${column})::text) FROM $relation HAVING pg_temp.saw(max((${column})::text))", "SELECT sum(1) OVER (PARTITION BY $column) FROM $relation WHERE pg_temp.saw($column)", "COPY (SELECT * FROM $relation) TO STDOUT", "COPY $relation TO STDOUT (FORMAT binary)", "SELECT * FROM $relation WHERE $column IS NOT NULL FOR " . one_of('UPDATE', 'SHARE', 'KEY SHARE'),
		"DECLARE c" . ++$serial . ' ' . one_of('', 'SCROLL') . ' CURSOR ' . one_of('WITH HOLD', '') . " FOR SELECT * FROM $relation", 'FETCH ' . one_of('ALL', 'BACKWARD 3', '5') . ' FROM c' . ($serial || 1), "PREPARE p" . ++$serial . " AS SELECT * FROM $relation", "PREPARE p" . ++$serial . " AS DELETE FROM $relation", 'EXECUTE p' . ($serial || 1),
		"SELECT * FROM pg_stats WHERE schemaname IN ($in_schemas)", 'SELECT query, backend_type FROM pg_stat_activity', "SELECT pg_get_viewdef('$relation'::regclass)", "SELECT pg_relation_size('$relation'), pg_stat_get_live_tuples('$relation'::regclass)", 'TABLE pg_statistic', 'TABLE pg_stat_progress_analyze', 'SELECT * FROM pg_prepared_statements', 'SELECT * FROM pg_cursors',
		"SELECT most_common_vals FROM pg_stats WHERE tablename = 'login'", "SELECT has_table_privilege('$relation', 'SELECT')", "SELECT query_to_xml('SELECT * FROM $relation', true, true, '')", "SELECT schema_to_xml('wifi', true, true, '')", "SELECT currval(pg_get_serial_sequence('his.login', 'id'))", 'SELECT * FROM pg_locks', 'SELECT * FROM headcount.source_status', 'SELECT * FROM headcount.refresh_progress');
}

sub a_writing
{
	my ($relation, $column) = split / /, one_of(@columns), 2;
	my $mode = one_of('ACCESS SHARE', 'ROW SHARE', 'ROW EXCLUSIVE', 'SHARE UPDATE EXCLUSIVE', 'SHARE', 'SHARE ROW EXCLUSIVE', 'EXCLUSIVE', 'ACCESS EXCLUSIVE');
	return one_of(
		"INSERT INTO $relation SELECT * FROM $relation LIMIT 1", "INSERT INTO $relation DEFAULT VALUES", "UPDATE $relation SET $column = DEFAULT", "DELETE FROM $relation", "TRUNCATE $relation", "MERGE INTO $relation AS t USING (VALUES (1)) AS v (x) ON false WHEN NOT MATCHED THEN INSERT DEFAULT VALUES", "COPY $relation FROM '/dev/null'",
		("LOCK TABLE $relation IN $mode MODE" . one_of('', ' NOWAIT')) x 3, "ALTER TABLE $relation ADD COLUMN x integer", "ALTER TABLE $relation OWNER TO current_user", "ALTER TABLE $relation SET SCHEMA pg_temp", "ALTER TABLE $relation RENAME TO x", "ALTER VIEW $relation SET (security_barrier)", "COMMENT ON TABLE $relation IS 'x'", "ANALYZE $relation", "VACUUM $relation", "CLUSTER $relation", "REINDEX TABLE $relation", "REFRESH MATERIALIZED VIEW $relation",
		"CREATE INDEX ON $relation ($column)", "CREATE RULE r AS ON INSERT TO $relation DO ALSO NOTHING", "CREATE POLICY p ON $relation", "CREATE STATISTICS ON ctid, xmin FROM $relation", "CREATE TRIGGER x AFTER INSERT ON $relation EXECUTE FUNCTION " . one_of(@trigger_functions, 'strange.trip') . '()', "ALTER TABLE $relation DISABLE TRIGGER ALL", "ALTER TABLE $relation ENABLE ROW LEVEL SECURITY", "DROP TABLE $relation CASCADE", "DROP VIEW $relation",
		"GRANT ALL ON $relation TO PUBLIC", "REVOKE ALL ON $relation FROM keeper", "CREATE OR REPLACE VIEW $relation AS SELECT 1", 'REASSIGN OWNED BY keeper TO current_user', 'DROP OWNED BY keeper', 'ALTER DEFAULT PRIVILEGES FOR ROLE keeper GRANT ALL ON TABLES TO PUBLIC', 'GRANT keeper TO current_user', 'ALTER EXTENSION headcount UPDATE', 'ALTER EXTENSION headcount DROP FUNCTION headcount.as_of()', 'DROP EXTENSION headcount CASCADE', 'CREATE SCHEMA more', 'ALTER SCHEMA wifi RENAME TO x', "ALTER ROLE keeper SET search_path = pg_temp",
		'ALTER FUNCTION headcount.as_of() COST 1', 'CREATE OR REPLACE FUNCTION headcount.as_of() RETURNS timestamptz LANGUAGE sql AS $$ SELECT now() $$', "SECURITY LABEL ON TABLE $relation IS 'x'", 'CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION strange.act()', "SELECT setval('his.login_id_seq', 1)", "SELECT nextval('his.login_id_seq')", "SELECT lo_create(0)", "CREATE PUBLICATION p FOR TABLE $relation",
		"SELECT pg_cancel_backend(pid), pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IN ('keeper', 'postgres')");
}
sub an_advisory_lock
{
	my $oid = one_of(map { "'$_'::regclass::oid::bigint" } qw(wifi.sessions wifi.session_rows wifi.settings wifi.rollup_state wifi.rollup_days his.login));
	my $kind = one_of('', '_shared', '_xact', '_xact_shared');
	return one_of("SELECT pg_try_advisory_lock$kind($oid)", "SELECT pg_try_advisory_lock$kind(${oid}::integer, " . int(rand 3) . ')', "SELECT pg_try_advisory_lock$kind((tableoid::bigint << 32) | $oid) FROM pg_class LIMIT 1", "SELECT pg_try_advisory_lock$kind(hashtext('" . one_of('wifi', 'headcount', 'his.login', 'wifi.sessions') . "'))",
		"SELECT pg_try_advisory_lock$kind(classid::integer, objid::integer), pg_try_advisory_lock$kind((classid::bigint << 32) | objid::bigint) FROM pg_locks WHERE locktype = 'advisory'");
}
sub a_transaction_command
{
	return one_of('BEGIN', 'BEGIN', 'BEGIN ISOLATION LEVEL SERIALIZABLE', 'BEGIN ISOLATION LEVEL REPEATABLE READ', 'COMMIT', 'ROLLBACK', 'ROLLBACK', 'SAVEPOINT s', 'ROLLBACK TO SAVEPOINT s', 'RELEASE SAVEPOINT s', 'SELECT pg_sleep(0.' . int(rand 9) . ')', 'SELECT pg_sleep(0.' . int(rand 9) . ')', 'LISTEN headcount', 'LISTEN wifi', q{NOTIFY headcount, '{"source": "wifi"}'},
		'RESET ALL', 'RESET ROLE', "PREPARE TRANSACTION 'stranger'", 'DEALLOCATE ALL', 'SELECT txid_current()', 'SELECT pg_export_snapshot()');
}
sub a_block
{
	my ($user) = @_;
	my @inner = map { one_of(\&a_call, \&a_writing, \&a_temporary_object, sub { a_reading($user) }, \&a_setting)->() } 1 .. 3;
	my $body = join '', map { "BEGIN EXECUTE \$e\$$_\$e\$; EXCEPTION WHEN OTHERS THEN RAISE NOTICE '% %', SQLSTATE, SQLERRM; END; " } grep { !/\$e\$|\$d\$/ } @inner;
	return "DO \$d\$ BEGIN $body END \$d\$";
}
# What the rival does to what is his.
sub a_rivalry
{
	return one_of("SELECT headcount.alter_source('odd', window_days => " . int(2 + rand 9) . ')', "CALL headcount.refresh('odd')", "CALL headcount.rebuild('odd')", "SELECT * FROM headcount.verify('odd')", "INSERT INTO strange.login VALUES ('x', 'm', 'n', now() - interval '2 hours', now())", 'DELETE FROM strange.login WHERE random() < 0.2',
		"SELECT headcount.create_source('odd" . int(rand 3) . q{', '} . one_of('his.login', 'strange.login', 'wifi.sessions', 'wifi.online_users', 'pg_stats') . q{', 'who', 'mac', 'came', 'went')}, "SELECT headcount.drop_source('odd" . int(rand 3) . q{')}, "SELECT headcount.create_source('wifi', 'strange.login', 'who', 'mac', 'came', 'went')", "SELECT headcount.create_instance('sag-1', 'eu', 'odd')",
		"SELECT headcount.drop_instance('sag-1')", "SELECT headcount.alter_source('wifi', window_days => 1)", "CREATE TRIGGER t BEFORE INSERT ON " . one_of('odd.rollup_days', 'odd.rollup_state', 'strange.login', 'odd.settings') . ' FOR EACH ROW EXECUTE FUNCTION strange.trip()', 'CREATE VIEW strange.v' . ++$serial . ' AS SELECT * FROM wifi.' . one_of('sessions', 'online_users', 'daily_user_counts'),
		'UPDATE odd.settings SET ' . one_of("time_zone = 'UTC'", 'window_days = -1'), 'ALTER TABLE strange.login INHERIT his.login', 'ALTER TABLE strange.login RENAME TO logins', 'ALTER TABLE strange.logins RENAME TO login', 'UPDATE odd.rollup_state SET ctid = ctid', 'DELETE FROM odd.rollup_days', 'TRUNCATE odd.rollup_dictionary', 'CREATE TABLE strange.r' . ++$serial . ' (x wifi.rollup_days)', 'GRANT ALL ON ALL TABLES IN SCHEMA odd, strange TO PUBLIC',
		"CREATE OR REPLACE VIEW odd.sessions AS SELECT user_name, host, server, started_at, ended_at, is_open, is_stale, is_realtime FROM wifi.sessions", 'ALTER SCHEMA strange OWNER TO keeper', "ALTER TABLE odd.settings OWNER TO keeper", "SELECT headcount.create_federation('fed', '{}')", 'DROP SCHEMA odd0 CASCADE');
}

sub script
{
	my ($user, $statements) = @_;
	my $sql = "\\set VERBOSITY verbose\n" . (rand() < 0.5 ? "\\set ON_ERROR_ROLLBACK on\n" : '') . "SET statement_timeout = '4s';\n"
	  . "CREATE FUNCTION pg_temp.saw(anyelement) RETURNS boolean IMMUTABLE COST 0.0000001 LANGUAGE plpgsql AS \$\$ BEGIN RAISE NOTICE 'saw %', \$1; RETURN true; END \$\$;\n"
	  . "CREATE FUNCTION pg_temp.is(text, text) RETURNS boolean IMMUTABLE COST 0.0000001 LANGUAGE plpgsql AS \$\$ BEGIN RAISE NOTICE 'saw % and %', \$1, \$2; RETURN false; END \$\$;\n"
	  . "CREATE OPERATOR pg_temp.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_temp.is, RESTRICT = eqsel, JOIN = eqjoinsel);\n";
	for (1 .. $statements)
	{
		my $act = one_of((\&a_call) x 6, (sub { a_reading($user) }) x 4, (\&a_writing) x 3, (\&a_temporary_object) x 3, (\&an_object_of_ours) x 3, (\&a_setting) x 2, \&an_advisory_lock, (\&a_transaction_command) x 3, (sub { a_block($user) }) x 2, $user eq 'rival' ? (\&a_rivalry) x 5 : ());
		$sql .= $act->() . ";\n" . (rand() < 0.12 ? "ROLLBACK;\n" : '');
	}
	return $sql;
}

# --- what the owner does -----------------------------------------------------------------------------------------------

my $written = 0;
sub a_write
{
	my $n = ++$written;
	return one_of("INSERT INTO his.login (who, mac, nas, came, went) VALUES ('zzsecret" . $n % 60 . "', 'zzhidden1', 'nas " . $n % 3 . "', now() - interval '" . (9 + $n % 200) . " hours', now() - interval '" . (8 + $n % 5) . " hours')",
		"UPDATE his.login SET went = went - interval '1 minute' WHERE id % 97 = $n % 97 AND went > came + interval '1 hour'", "DELETE FROM his.login WHERE id % 301 = $n % 301 AND went IS NOT NULL", "INSERT INTO his.refused VALUES ('zzsecret" . $n % 70 . "', 'nas 1', now() - interval '" . $n % 90 . " hours')", 'DELETE FROM his.refused WHERE random() < 0.01');
}
# What may not wait, and what needs a table or a view for itself.
my @acts = ((\&a_write) x 8, (sub { "CALL headcount.refresh('wifi')" }) x 3, sub { "CALL headcount.refresh('wifi', 2)" }, sub { "SELECT * FROM headcount.verify('wifi')" }, sub { "SELECT headcount.invalidate('wifi', current_date - 5, current_date - 2)" }, sub { 'TABLE wifi.daily_user_counts' }, sub { 'SELECT count(*) FROM wifi.online_users' },
	sub { "CALL headcount.refresh('wifi'); SELECT headcount.freeze('wifi', current_date - 20); SELECT headcount.freeze('wifi', NULL)" }, sub { "CALL headcount.rebuild('wifi')" }, sub { 'SELECT * FROM headcount.source_status' }, sub { "SELECT * FROM headcount.users_on('wifi', current_date - 3)" }, sub { 'ANALYZE his.login' });
my @changes = ('ALTER TABLE his.login ADD COLUMN note text; ALTER TABLE his.login DROP COLUMN note', "SELECT headcount.alter_source('wifi', window_days => 3); SELECT headcount.alter_source('wifi', window_days => 4)",
	"SELECT headcount.create_source('his_more', 'his.login', 'who', 'mac', 'came', 'went'); CALL headcount.refresh('his_more'); SELECT headcount.drop_source('his_more', true)", "SELECT * FROM headcount.create_indexes('wifi', dry_run => true)", 'CREATE INDEX passing ON his.login (went); DROP INDEX his.passing');

# Everything of the owner and the extension that the catalogs know, and roles and their settings.
my $catalog = <<'SQL';
WITH n AS (SELECT oid FROM pg_namespace WHERE nspname IN ('his', 'wifi', 'twin', 'headcount', 'headcount_internal'))
SELECT format('%s %s', part, thing) FROM (
	SELECT 'schema' AS part, format('%s %s %s', nspname, nspowner::regrole, nspacl) AS thing FROM pg_namespace JOIN n USING (oid)
	UNION ALL SELECT 'relation', format('%s %s %s %s %s %s %s', pg_class.oid::regclass, relkind, relowner::regrole, relacl, reloptions, relrowsecurity, relhasrules) FROM pg_class JOIN n ON n.oid = relnamespace
	UNION ALL SELECT 'column', format('%s %s %s %s %s', attrelid::regclass, attname, atttypid::regtype, attacl, attnotnull) FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid JOIN n ON n.oid = relnamespace WHERE NOT attisdropped AND attnum > 0
	UNION ALL SELECT 'rule', pg_get_ruledef(r.oid) FROM pg_rewrite AS r JOIN pg_class AS c ON c.oid = ev_class JOIN n ON n.oid = relnamespace
	UNION ALL SELECT 'trigger', format('%s %s', pg_get_triggerdef(t.oid), tgenabled) FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = tgrelid JOIN n ON n.oid = relnamespace
	UNION ALL SELECT 'function', format('%s %s %s %s %s %s %s %s', p.oid::regprocedure, proowner::regrole, proacl, prosecdef, procost, proconfig, md5(prosrc), provolatile) FROM pg_proc AS p JOIN n ON n.oid = pronamespace
	UNION ALL SELECT 'constraint', format('%s %s', conrelid::regclass, pg_get_constraintdef(k.oid)) FROM pg_constraint AS k JOIN n ON n.oid = connamespace
	UNION ALL SELECT 'index', pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class AS c ON c.oid = indexrelid JOIN n ON n.oid = relnamespace
	UNION ALL SELECT 'policy', polname FROM pg_policy AS p JOIN pg_class AS c ON c.oid = polrelid JOIN n ON n.oid = relnamespace
	UNION ALL SELECT 'type', format('%s %s %s', pg_type.oid::regtype, typowner::regrole, typacl) FROM pg_type JOIN n ON n.oid = typnamespace
	UNION ALL SELECT 'comment', format('%s %s', pg_describe_object(classoid, objoid, objsubid), md5(description)) FROM pg_description WHERE pg_describe_object(classoid, objoid, objsubid) ~ '\m(wifi|his|twin|headcount)' AND pg_describe_object(classoid, objoid, objsubid) !~ '\m(odd|strange)'
	UNION ALL SELECT 'role', format('%s %s %s %s %s', rolname, rolsuper, rolinherit, rolcanlogin, rolconfig) FROM pg_roles
	UNION ALL SELECT 'member', format('%s %s', roleid::regrole, member::regrole) FROM pg_auth_members
	UNION ALL SELECT 'setting', format('%s %s', setrole::regrole, setconfig) FROM pg_db_role_setting
	UNION ALL SELECT 'default', format('%s %s', defaclrole::regrole, defaclacl) FROM pg_default_acl WHERE defaclrole <> 'rival'::regrole
	UNION ALL SELECT 'event trigger', format('%s %s', evtname, evtenabled) FROM pg_event_trigger
	UNION ALL SELECT 'member of the extension', pg_describe_object(classid, objid, objsubid) FROM pg_depend WHERE deptype = 'e' AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'headcount')
) AS c (part, thing) ORDER BY thing COLLATE "C"
SQL
my $catalog_before = $node->safe_psql('postgres', $catalog);
sub catalog_differs
{
	my %lines;
	$lines{$_}++ for split /\n/, $catalog_before;
	my @new = grep { --$lines{$_} < 0 } split /\n/, $node->safe_psql('postgres', $catalog);
	return join "\n", (map { "- $_" } grep { $lines{$_} > 0 } sort keys %lines), map { "+ $_" } @new;
}

# Who waits for whom, looked at twenty times a second in a session of its own.
$node->safe_psql('postgres', 'CREATE TABLE public.waited (at timestamptz, blocked integer, blocker_user name, act text, blocker_query text, blocker_state text); REVOKE ALL ON public.waited FROM PUBLIC');
my $look = q{INSERT INTO public.waited SELECT clock_timestamp(), a.pid, b.usename, a.application_name, b.query, b.state FROM pg_stat_activity AS a CROSS JOIN LATERAL unnest(pg_blocking_pids(a.pid)) AS p (pid) JOIN pg_stat_activity AS b ON b.pid = p.pid
	WHERE a.usename IN ('keeper', 'postgres') AND a.wait_event_type = 'Lock' AND b.usename IN ('stranger', 'rival', 'reader', 'watcher')};

# --- rounds ------------------------------------------------------------------------------------------------------------

my %sum = (rounds => 0, statements => 0, errors => 0, bytes => 0, acts => 0, changes => 0, changes_refused => 0);
my (@leaks, @different, @unclean, @failed, @changed, %tried);
my $views = join ', ', map { "'$_'" } qw(daily_user_counts daily_user_counts_2013 daily_user_counts_2019 daily_user_counts_2025 daily_user_counts_by_server daily_user_counts_by_letter daily_user_sketches realtime_users_count online_users);
sub as_keeper
{
	my ($kind, $sql) = @_;
	my $err = '';
	my $timeout = $kind eq 'act' ? '8s' : '3s';
	$node->psql('postgres', "SET application_name = '$kind'; SET client_min_messages = error; SET lock_timeout = '$timeout'; SET statement_timeout = '120s';\n" . join("\n", map { "$_;" } split /; /, $sql), on_error_stop => 0, stdout => \my $out, stderr => \$err, extra_params => [ '-U', 'keeper' ]);
	return $err;
}
my $until = time() + ($ENV{HEADCOUNT_TORTURE_SECONDS} || 60);
while (time() < $until)
{
	$sum{rounds}++;
	my $round_until = time() + 12;
	my @runs;
	for my $user (@strangers)
	{
		my ($sql, $file) = (script($user, 400), $node->basedir . "/$user.sql");
		unlink $file;
		append_to_file($file, $sql);
		push @runs, { user => $user, out => '', sql => $sql };
		$runs[-1]{handle} = IPC::Run::start([ 'psql', '-XAtq', '-U', $user, '-d', $node->connstr('postgres'), '-f', $file ], '<', \undef, '>', \$runs[-1]{out}, '2>&1');
	}
	my $watch = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres') ], '<', \"$look\n\\watch 0.05\n", '>', \my $seen, '2>&1');
	for (my $nth = 0; time() < $round_until || $nth < 20; $nth++)
	{
		if (rand() < 0.12)
		{
			my $change = one_of(@changes);
			$sum{changes}++;
			my $err = as_keeper('change', $change);
			next if $err eq '';
			$sum{changes_refused}++;
			push @failed, "$change: $err" if $err =~ /ERROR|FATAL/ && $err !~ /lock timeout/;
			as_keeper('change', "DROP SCHEMA IF EXISTS his_more CASCADE; ALTER TABLE his.login DROP COLUMN IF EXISTS note; DROP INDEX IF EXISTS his.passing; SELECT headcount.alter_source('wifi', window_days => 4)") for 1 .. 2;
		}
		else
		{
			my $act = one_of(@acts)->();
			$sum{acts}++;
			my $err = as_keeper('act', $act);
			push @failed, "$act: $err" if $err ne '';
		}
		for (@runs) { eval { $_->{handle}->pump_nb } if $_->{handle}->pumpable; }
	}
	# a session that goes on is ended, as by an administrator
	$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename IN ('stranger', 'rival', 'reader', 'watcher') AND backend_type = 'client backend'});
	$watch->signal('TERM');
	eval { $watch->finish };
	for my $run (@runs)
	{
		eval { $run->{handle}->finish };
		$sum{bytes} += length $run->{out};
		$sum{statements} += () = $run->{sql} =~ /;\n/g;
		$tried{"$run->{user} $1"}++ while $run->{out} =~ /(?:ERROR|FATAL):  ([0-9A-Z]{5})/g;
		push @leaks, "$run->{user}: $1" if $run->{out} =~ /([^\n]{0,300}(?:$secrets)[^\n]{0,200}\n?[^\n]{0,300})/;
	}
	if (checkpointer($node) ne $checkpointer) { push @failed, 'the server has crashed'; last; }
	# what a stranger left prepared holds its locks; an administrator sees to that
	$node->safe_psql('postgres', "ROLLBACK PREPARED '$_'") for split /\n/, $node->safe_psql('postgres', 'SELECT gid FROM pg_prepared_xacts');
	as_keeper('change', "DROP SCHEMA IF EXISTS his_more CASCADE; ALTER TABLE his.login DROP COLUMN IF EXISTS note; DROP INDEX IF EXISTS his.passing; SELECT headcount.alter_source('wifi', window_days => 4); SELECT headcount.freeze('wifi', NULL)");
	for my $when ('before', 'after')
	{
		my $rows = $node->safe_psql('postgres', qq{BEGIN ISOLATION LEVEL REPEATABLE READ;\n} . join "\n", map { "SELECT '$_ ' || t::text FROM ((SELECT t::text FROM wifi.$_ AS t EXCEPT ALL SELECT t::text FROM twin.$_ AS t) UNION ALL (SELECT t::text FROM twin.$_ AS t EXCEPT ALL SELECT t::text FROM wifi.$_ AS t)) AS t LIMIT 2;" } $views =~ /(\w+)/g);
		push @different, "$when a refresh: $rows" if $rows ne '';
		push @failed, grep { $_ ne '' } as_keeper('act', "CALL headcount.refresh('wifi')") if $when eq 'before';
	}
	my $unclean = $node->safe_psql('postgres', q{SELECT v::text FROM headcount.verify('wifi') AS v});
	push @unclean, $unclean if $unclean ne '';
	push @unclean, 'the source is not exact' if $node->safe_psql('postgres', q{SELECT exact FROM headcount.source_status WHERE source = 'wifi'}) ne 't';
	my $changed = catalog_differs();
	push @changed, $changed if $changed ne '';
	last if @leaks + @different + @unclean > 6 || @failed > 12;
}
$sum{errors} += $_ for values %tried;
diag(sprintf '%d rounds: %d statements of strangers, %d errors, %d kB of answers; %d acts of the owner, %d changes, of which %d gave up on a lock', @sum{qw(rounds statements errors)}, $sum{bytes} / 1024, @sum{qw(acts changes changes_refused)});
diag(join ', ', map { "$tried{$_} of $_" } (sort { $tried{$b} <=> $tried{$a} } keys %tried)[ 0 .. (keys %tried > 24 ? 23 : keys(%tried) - 1) ]);
my $longest = $node->safe_psql('postgres', q{SELECT coalesce(max(until - since), '0') FROM (SELECT blocked, blocker_query, min(at) AS since, max(at) AS until FROM public.waited WHERE act = 'change' GROUP BY 1, 2) AS w});
diag("changes waited for strangers for up to $longest");
is($leaks[0], undef, 'strangers learn no names');
is($different[0], undef, "the owner's numbers are those of a source that stores nothing");
is($unclean[0], undef, '... and verify finds nothing');
is($failed[0], undef, 'whatever the owner does works');
is($changed[0], undef, 'no object of the owner or the extension is another');
is($node->safe_psql('postgres', q{SELECT DISTINCT blocker_user || ' ' || act || ' ' || left(blocker_query, 200) FROM public.waited WHERE act IS DISTINCT FROM 'change' LIMIT 3}), '', 'nothing that the owner does waits for a stranger, but what needs a table for itself');
is(checkpointer($node), $checkpointer, 'the server has not crashed');
# The log of hours is read line by line. A stranger may call his own code himself.
my (@crashed, @ran, @internal);
my %is_stranger = map { $_ => 1 } @strangers;
my $context = 0;
open(my $log, '<', $node->logfile) or die "no log: $!";
while (my $line = <$log>)
{
	push @crashed, $line if $line =~ /PANIC|terminated by signal|TRAP:/;
	if ($line =~ /LOG:  strange code runs as \w/)
	{
		my ($session, $as) = $line =~ /^\d+ (\w+) .* runs as (\w+)/;
		push @ran, $line if !$session || !$is_stranger{$session} || $session ne $as;
	}
	if ($line =~ / XX000 ERROR:/) { push @internal, $line; $context = 3; }
	elsif ($context && $line =~ /CONTEXT|STATEMENT|DETAIL/) { $internal[-1] .= $line; $context--; }
	else { $context = 0; }
}
is($crashed[0], undef, 'no process crashed');
is($ran[0], undef, 'no code of a stranger ran as somebody else');
# Whoever has any right on a view may GRANT what he cannot give: PostgreSQL warns, writes the view's rights anew as they were, without a
# lock, and who replaces the view just then gets this error.
is((grep { /headcount|\.cpp|presence|user_set/ && !/tuple concurrently updated/ } @internal)[0], undef, 'no error of ours is internal');
cmp_ok($sum{errors}, '>', 100, 'strangers tried, and were refused');
done_testing();
