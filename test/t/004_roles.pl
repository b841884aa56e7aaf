# Who may do what: SELECT on a view is all a reader needs, nothing gives more, and nobody can slip code under ours.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use Headcount;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('roles');
small_source($node);
$node->safe_psql('postgres', <<'SQL');
CREATE ROLE nobody LOGIN;
CREATE ROLE reader LOGIN;
CREATE ROLE analyst LOGIN;
CREATE ROLE maker LOGIN;
CREATE ROLE thief LOGIN;
GRANT SELECT ON wifi.daily_user_counts TO reader;
GRANT SELECT ON ALL TABLES IN SCHEMA wifi TO analyst;
GRANT CREATE ON DATABASE postgres TO maker, thief;
CREATE SCHEMA making AUTHORIZATION maker;
GRANT CREATE, USAGE ON SCHEMA public TO thief;
SQL

sub as { my ($user, $sql) = @_; return sqlstates($node, $sql, user => $user); }
sub rows
{
	my ($user, $sql) = @_;
	my ($out, $err) = ('', '');
	$node->psql('postgres', $sql, stdout => \$out, stderr => \$err, extra_params => [ '-U', $user ]);
	return $err eq '' ? $out : "error: $err";
}

# --- readers -----------------------------------------------------------------------------------------------------------

my @views = qw(sessions denials online_users online_sessions daily_user_counts daily_user_counts_2013 daily_user_counts_2019 daily_user_counts_2025
  daily_user_counts_by_server realtime_users_count daily_user_sketches data_quality);
for my $view (@views)
{
	is(as('nobody', "SELECT * FROM wifi.$view"), '42501', "without a grant there is nothing to see in $view");
	is(as('analyst', "SELECT * FROM wifi.$view"), '', "with SELECT there is: $view");
}
is(rows('reader', 'SELECT count(*) > 20 FROM wifi.daily_user_counts'), 't', 'SELECT on one view is enough to read it');
is(as('reader', 'SELECT * FROM wifi.sessions'), '42501', '... and gives no other');
is(as('reader', 'SELECT * FROM login'), '42501', '... and not the table');
is(as('analyst', 'SELECT * FROM login'), '42501', 'SELECT on all views does not give the table');
is(as('nobody', q{SELECT * FROM headcount.online_counts('wifi', '{user 1}')}), '42501', 'functions over a source read with the rights of their caller');
is(as('nobody', q{SELECT * FROM headcount.users_on('wifi', '2026-01-05')}), '42501', '... users_on');
is(as('nobody', q{SELECT * FROM headcount.hosts_at_peak('wifi', '2026-01-05')}), '42501', '... hosts_at_peak');
is(as('nobody', q{SELECT * FROM headcount.source_activity('wifi', 'day', '2026-01-05', '2026-01-09')}), '42501', '... source_activity');
is(as('nobody', q{SELECT headcount.unique_users('wifi', '2026-01-05', '2026-01-09')}), '42501', '... unique_users');
is(as('analyst', q{SELECT * FROM headcount.online_counts('wifi', '{user 1}')}), '', 'with SELECT on the views they answer');
is(as('analyst', q{SELECT * FROM headcount.users_on('wifi', '2026-01-05')}), '', '... users_on');
is(as('analyst', q{SELECT * FROM headcount.hosts_at_peak('wifi', '2026-01-05')}), '', '... hosts_at_peak');
is(as('analyst', q{SELECT * FROM headcount.source_activity('wifi', 'day', '2026-01-05', '2026-01-09')}), '', '... source_activity');
is(as('analyst', q{SELECT headcount.unique_users('wifi', '2026-01-05', '2026-01-09')}), '', '... unique_users');
is(rows('nobody', q{SELECT headcount.max_concurrent(i, now(), NULL) FROM generate_series(1, 3) AS i}), '3', 'the aggregates are for everybody');

# --- makers ------------------------------------------------------------------------------------------------------------

is(as('nobody', q{SELECT headcount.create_source('mine', 'login', 'who', 'mac', 'came', 'went')}), '42501', 'a source over a table that one may not read');
is(as('maker', q{SELECT headcount.create_source('mine', 'login', 'who', 'mac', 'came', 'went')}), '42501', '... is refused to those who may create schemas, too');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_namespace WHERE nspname = 'mine'}), '0', '... and nothing is left of it');
is(as('maker', <<'SQL'), '', 'an ordinary role makes a source of its own');
CREATE TABLE making.login (who text, mac text, came timestamptz, went timestamptz);
INSERT INTO making.login VALUES ('ann', 'h1', '2026-01-01', NULL);
SELECT headcount.create_source('mine', 'making.login', 'who', 'mac', 'came', 'went', time_zone => 'UTC');
SELECT * FROM mine.online_users;
SQL
is(as('thief', q{SELECT * FROM mine.online_users}), '42501', 'nobody else reads it');
is(as('thief', q{SELECT headcount.alter_source('mine', window_days => 2)}), '42501', '... alters it');
is(as('thief', q{SELECT headcount.drop_source('mine')}), '42501', '... drops it');
is(as('thief', q{SELECT headcount.drop_source('mine', true)}), '42501', '... drops it with what depends on it');
is(as('thief', q{DELETE FROM mine.settings}), '42501', '... deletes its row');
is(as('thief', q{UPDATE mine.settings SET window_days = 3}), '42501', '... changes its row');
is(as('thief', q{TRUNCATE mine.settings}), '42501', '... truncates them all');
is(as('thief', q{INSERT INTO mine.rollup_state SELECT * FROM mine.rollup_state}), '42501', '... adds rows for it');
is(as('thief', q{DROP SCHEMA mine CASCADE}), '42501', '... drops its schema');
is(as('maker', q{SELECT headcount.alter_source('wifi', window_days => 2)}), '42501', 'a maker has no rights over the sources of others');
is(as('maker', q{SELECT headcount.alter_source('mine', window_days => 2); SELECT headcount.drop_source('mine')}), '', 'its owner does all of that');
is(as('maker', 'SELECT count(*) FROM making.login'), '', 'and the table is still there');

# A source reads with its owner's rights: who loses the table, loses the views.
$node->safe_psql('postgres', 'GRANT SELECT ON login TO maker');
is(as('maker', q{SELECT headcount.create_source('lent', 'public.login', 'who', 'mac', 'came', 'went')}), '', 'a source over a table that was granted');
$node->safe_psql('postgres', 'REVOKE SELECT ON login FROM maker');
is(as('maker', 'SELECT * FROM lent.online_users'), '42501', '... ends with the grant');
is(as('maker', q{SELECT headcount.drop_source('lent')}), '', '... and can still be dropped');

# --- a hostile search path ---------------------------------------------------------------------------------------------

# Functions, operators and types named like PostgreSQL's and ours, in front of everything, each of which would tell. They
# pass for immutable, so that nothing keeps them out of an expression but the search path.
$node->safe_psql('postgres', <<'SQL');
CREATE SCHEMA evil AUTHORIZATION thief;
SET ROLE thief;
CREATE FUNCTION evil.tell(what text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE 'caught: %', what USING ERRCODE = 'UU666'; END $$;
CREATE FUNCTION evil.lower(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.tell('lower'); RETURN $1; END $$;
CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.tell('now'); RETURN NULL; END $$;
CREATE FUNCTION evil.format(text, VARIADIC text[]) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.tell('format'); RETURN $1; END $$;
CREATE FUNCTION evil.format(text, text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.tell('format'); RETURN $1; END $$;
CREATE FUNCTION evil.quote_ident(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.tell('quote_ident'); RETURN $1; END $$;
CREATE FUNCTION evil.to_regclass(text) RETURNS regclass LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.tell('to_regclass'); RETURN NULL; END $$;
CREATE FUNCTION evil.current_setting(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.tell('current_setting'); RETURN NULL; END $$;
CREATE FUNCTION evil.array_remove(text[], text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.tell('array_remove'); RETURN $1; END $$;
CREATE FUNCTION evil.count(text) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.tell('count'); RETURN 1; END $$;
CREATE FUNCTION evil.presence_agg(text, timestamptz, timestamptz) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.tell('presence_agg'); RETURN NULL; END $$;
CREATE FUNCTION evil.unique_count(text) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.tell('unique_count'); RETURN 1; END $$;
CREATE FUNCTION evil.as_of() RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.tell('as_of'); RETURN NULL; END $$;
CREATE FUNCTION evil.find_source(text) RETURNS record LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.tell('find_source'); RETURN NULL; END $$;
CREATE FUNCTION evil.equal(text, text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.tell('= (text)'); RETURN true; END $$;
CREATE FUNCTION evil.equal(anyelement, anyelement) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.tell('= (any)'); RETURN true; END $$;
CREATE FUNCTION evil.less(timestamptz, timestamptz) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.tell('< or > (timestamptz)'); RETURN true; END $$;
CREATE FUNCTION evil.glue(text, text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.tell('|| (text)'); RETURN $1; END $$;
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.equal);
CREATE OPERATOR evil.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.equal);
CREATE OPERATOR evil.< (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = evil.less);
CREATE OPERATOR evil.> (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = evil.less);
CREATE OPERATOR evil.<= (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = evil.less);
CREATE OPERATOR evil.>= (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = evil.less);
CREATE OPERATOR evil.|| (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.glue);
CREATE TABLE evil.source (x headcount_internal.source);
CREATE DOMAIN evil.presence AS text;
GRANT USAGE ON SCHEMA evil TO PUBLIC;
RESET ROLE;
CREATE TABLE victim AS SELECT * FROM login;
CREATE TABLE radacct (username text, callingstationid text, acctstarttime timestamptz, acctstoptime timestamptz, acctupdatetime timestamptz, nasipaddress inet);
INSERT INTO radacct VALUES ('ann', 'h', '2026-01-01', NULL, now(), '10.0.0.1');
CREATE TABLE radpostauth (username text, reply text, authdate timestamptz);
SQL
my $path = 'SET search_path = evil, public, pg_catalog;';
my $hostile = <<"SQL";
$path
SELECT headcount.create_source('trap', 'victim', 'who', 'mac', 'came', 'went', server => 'nas', last_seen => 'heard',
	idle_limit => '1 hour', denials => 'refused', denied_user => 'who', denied_at => 'at', time_zone => 'UTC',
	realtime_servers => '{nas 1}', false_denial_before => '1 second', user_identity => 'pg_catalog.lower(user_name)', dimensions => '{"place": "nas", "name": "who"}');
SELECT headcount.create_freeradius_source('radius', time_zone => 'UTC');
SELECT headcount.alter_source('trap', window_days => 3, licensing_model => '2013');
SELECT pg_catalog.count(*) FROM trap.sessions;
SELECT pg_catalog.count(*) FROM trap.denials;
SELECT pg_catalog.count(*) FROM trap.online_users;
SELECT pg_catalog.count(*) FROM trap.online_sessions;
SELECT pg_catalog.count(*) FROM trap.daily_user_counts_2013;
SELECT pg_catalog.count(*) FROM trap.daily_user_counts_2019;
SELECT pg_catalog.count(*) FROM trap.daily_user_counts_by_server;
SELECT pg_catalog.count(*) FROM trap.realtime_users_count;
SELECT pg_catalog.count(*) FROM trap.daily_user_sketches;
SELECT pg_catalog.count(*) FROM trap.data_quality;
SELECT * FROM headcount.online_counts('trap', '{USER 1}');
SELECT * FROM headcount.users_on('trap', '2026-01-05');
SELECT * FROM headcount.users_on('trap', '2026-01-05', 'new');
SELECT * FROM headcount.users_on('trap', '2026-01-05', 'total');
SELECT * FROM headcount.hosts_at_peak('trap', '2026-01-05');
SELECT * FROM headcount.source_activity('trap', 'day', '2026-01-05', '2026-01-09');
SELECT headcount.unique_users('trap', '2026-01-05', '2026-01-09');
SELECT * FROM headcount.concurrency_profile('trap', NULL, NULL, hours => '[8,18)', weekdays => '{1,2}');
SELECT * FROM headcount.concurrency_percentiles('trap', '2026-01-05', '2026-01-09', of => 'users');
SELECT * FROM headcount.concurrency_by_hour_of_week('trap', NULL, NULL, 'sessions');
SELECT * FROM headcount.capacity_what_if('trap', '2026-01-05', '2026-01-09');
SELECT * FROM headcount.avoidable_denials('trap', NULL, NULL);
SELECT * FROM headcount.user_lifecycle('trap', 'week');
SELECT * FROM headcount.stickiness('trap');
SELECT * FROM headcount.user_retention('trap', 'day', '2026-01-05', '2026-01-09');
SELECT * FROM headcount.time_online('trap', NULL, NULL);
SELECT * FROM headcount.source_counts_by('trap', '{server,place,name}');
SELECT headcount.alter_source('trap', dimensions => '{"place": null, "other": {"sessions": "mac"}}');
SELECT headcount.presence_agg(who, came, '1 hour'::pg_catalog.interval) IS NULL FROM login;
SELECT * FROM headcount.create_indexes('trap', dry_run => true);
SELECT headcount.drop_source('radius');
SELECT headcount.drop_source('trap');
SQL
is(error_text($node, $hostile), '', 'a superuser with a hostile search path: everything works, and runs no code of anybody else');

# The same objects in pg_temp, which PostgreSQL looks into first for tables and types.
is(error_text($node, <<'SQL'), '', 'tables of the same names in pg_temp are not taken for ours');
CREATE TEMP TABLE settings OF headcount_internal.settings;
CREATE TEMP TABLE pg_class (oid oid, relname name);
CREATE TEMP TABLE pg_namespace (oid oid, nspname name);
SELECT headcount.create_source('temporary', 'login', 'who', 'mac', 'came', 'went');
SELECT pg_catalog.count(*) FROM temporary.daily_user_counts;
SELECT * FROM headcount.online_counts('temporary', '{a}');
SELECT headcount.drop_source('temporary');
SQL

# Names that try to be SQL.
for my $name (q{x"; DROP TABLE login; --}, q{x'; DROP TABLE login; --}, q{a.b}, q{Über $1 %s %I \\\\}, "line\nbreak")
{
	(my $quoted = $name) =~ s/'/''/g;
	(my $ident = $name) =~ s/"/""/g;
	is(error_text($node, qq{
		SELECT headcount.create_source('$quoted', 'login', 'who', 'mac', 'came', 'went', server => 'nas', denials => 'refused', denied_user => 'who', denied_at => 'at');
		SELECT count(*) FROM "$ident".daily_user_counts;
		SELECT * FROM headcount.online_counts('$quoted', '{user 1}');
		SELECT * FROM headcount.users_on('$quoted', '2026-01-05');
		SELECT headcount.alter_source('$quoted', window_days => 2);
		SELECT headcount.drop_source('$quoted')}), '', "a source called $name");
}
is($node->safe_psql('postgres', q{SELECT count(*) FROM login}), '400', 'the table is still there');
is($node->safe_psql('postgres', q{SELECT string_agg(nspname, ' ') FROM pg_namespace WHERE nspname NOT IN ('public', 'information_schema', 'headcount', 'headcount_internal', 'wifi', 'making', 'evil') AND nspname NOT LIKE 'pg!_%' ESCAPE '!'}), '',
	'and no schema is left over');

# --- installing --------------------------------------------------------------------------------------------------------

$node->safe_psql('postgres', 'CREATE DATABASE fresh');
is(sqlstates($node, 'CREATE EXTENSION headcount CASCADE', db => 'fresh', user => 'maker'), '42501', 'only a superuser installs the extension');
$node->safe_psql('fresh', 'CREATE SCHEMA headcount AUTHORIZATION maker');
is(sqlstates($node, 'CREATE EXTENSION headcount CASCADE', db => 'fresh'), '42P06', 'a schema that somebody prepared is not taken over');
$node->safe_psql('fresh', 'DROP SCHEMA headcount');
$node->safe_psql('fresh', <<'SQL');
CREATE FUNCTION public.lower(varchar) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE 'caught'; END $$;
CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE 'caught'; END $$;
CREATE DOMAIN public.regclass AS text;
CREATE DOMAIN public.timestamptz AS text;
CREATE DOMAIN public.text AS int;
SQL
is(sqlstates($node, 'SET search_path = public, pg_catalog; CREATE EXTENSION headcount CASCADE', db => 'fresh'), '', 'the install script does not look into public');
is($node->safe_psql('fresh', q{SELECT count(*) FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.objid AND d.classid = 'pg_extension'::pg_catalog.regclass
	WHERE e.extname = 'headcount' AND d.refclassid = 'pg_type'::pg_catalog.regclass}), '0', '... and depends on nothing there');
is($node->safe_psql('fresh', q{SELECT p.proname FROM pg_proc AS p, pg_depend AS d, pg_type AS t WHERE d.objid = p.oid AND d.deptype = 'n'
	AND d.refobjid = t.oid AND t.typnamespace = 'public'::regnamespace AND p.pronamespace::regnamespace::text LIKE 'headcount%'} =~ s/::regnamespace/::pg_catalog.regnamespace/gr), '',
	'... no function of ours takes a type from there');

done_testing();
