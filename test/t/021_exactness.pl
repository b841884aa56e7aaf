# What is stored never shows: twin sources over one table, of "stored" days are stored and of "live" not, say the same after
# whatever somebody does to tables, functions, types, rights, triggers or the log, with writes before and after, at every
# snapshot. 024_no_event_triggers.pl does it all again on a server like those that others manage.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use Headcount;
use Twins;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $node = new_node('exactness', conf => "log_statement = none\nmax_prepared_transactions = 4\n");
my $session = twin_roles($node);

my $norm_b = "CREATE OR REPLACE FUNCTION w.norm(user_name text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN upper(left(\$1, 4)); END';";
my $norm_a = "CREATE OR REPLACE FUNCTION w.norm(user_name text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN lower(\$1); END';";
my $renamed_write = $write =~ s/w\.login/w.login_new/gr;

my @scenarios = (
	# partitions, which event triggers see
	[ 'a partition with old rows is attached',  before => "CREATE TABLE w.older (LIKE w.login); INSERT INTO w.older VALUES ('old', 'o', 'mac old', 'nas 0', 'calm', '2026-01-20 10:00+00', '2026-01-21 10:00+00'); ALTER TABLE w.login DETACH PARTITION w.late;
		CREATE TABLE w.middle PARTITION OF w.login FOR VALUES FROM ('2026-01-10') TO ('2026-01-19'); INSERT INTO w.login SELECT * FROM w.late WHERE came < '2026-01-19'; ALTER TABLE w.older OWNER TO tables; ALTER TABLE w.middle OWNER TO tables;", act => "ALTER TABLE w.login ATTACH PARTITION w.older FOR VALUES FROM ('2026-01-19') TO ('2026-01-31');" ],
	[ 'a partition is detached',   act => 'ALTER TABLE w.login DETACH PARTITION w.late;', back => "ALTER TABLE w.login ATTACH PARTITION w.late FOR VALUES FROM ('2026-01-10') TO ('2026-02-01');",
		write => $write =~ s/, \('new %1\$s b'.*?\)//r, no_older => 1 ],
	[ 'a partition is detached, written to and attached again', act => "ALTER TABLE w.login DETACH PARTITION w.late; INSERT INTO w.late (who, mac, nas, came, went) VALUES ('away', 'mac away', 'nas 0', '2026-01-13 01:00+00', '2026-01-13 02:00+00');
		ALTER TABLE w.login ATTACH PARTITION w.late FOR VALUES FROM ('2026-01-10') TO ('2026-02-01');" ],
	[ 'a partition is dropped',    act => 'DROP TABLE w.late;', write => $write =~ s/, \('new %1\$s b'.*?\)//r, no_older => 1 ],
	[ 'a partition is truncated',  act => 'TRUNCATE w.late;', no_older => 1 ],
	[ 'a child inherits',          before => "CREATE TABLE w.parent (LIKE w.login); INSERT INTO w.parent SELECT * FROM w.login; DROP TABLE w.login; ALTER TABLE w.parent RENAME TO login; GRANT SELECT ON w.login TO keeper; ALTER TABLE w.login OWNER TO tables;
		CREATE TABLE w.child (LIKE w.login); INSERT INTO w.child VALUES ('old', 'o', 'mac old', 'nas 0', 'calm', '2026-01-08 10:00+00', '2026-01-09 10:00+00'); ALTER TABLE w.child OWNER TO tables;", act => 'ALTER TABLE w.child INHERIT w.login;' ],

	'rights of roles',
	[ 'the owner of the source leaves the role that owns the table', act => 'REVOKE tables FROM keeper;' ],
	[ '... and comes back',        act => 'REVOKE tables FROM keeper;', back => 'GRANT tables TO keeper;' ],
	[ '... whose writers are others', act => 'REVOKE tables FROM keeper;', back => 'GRANT tables TO keeper;', writer => 'tables' ],
	[ 'the owner inherits nothing', act => 'ALTER ROLE keeper NOINHERIT;' ],
	[ 'the table is reassigned',   act => 'REASSIGN OWNED BY tables TO other;' ],
	[ 'the table gets another owner', act => 'GRANT ALL ON w.refused TO other; ALTER TABLE w.login OWNER TO other; ALTER TABLE w.early OWNER TO other; ALTER TABLE w.late OWNER TO other; GRANT SELECT ON w.login TO keeper;', writer => 'other' ],
	[ 'a partition gets another owner', act => 'ALTER TABLE w.early OWNER TO other;' ],
	[ 'the owner no more passes row security', before => "ALTER ROLE keeper BYPASSRLS; CREATE POLICY p ON w.login USING (who LIKE '%%1'); ALTER TABLE w.login ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;" =~ s/%%/%/r, act => 'ALTER ROLE keeper NOBYPASSRLS;' ],
	[ 'the owner is no more a superuser', before => "ALTER ROLE keeper SUPERUSER; CREATE POLICY p ON w.login USING (who LIKE '%1'); ALTER TABLE w.login ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;", act => 'ALTER ROLE keeper NOSUPERUSER;' ],
	'rights on tables',
	[ 'row security comes',        act => "CREATE POLICY p ON w.login USING (who LIKE '%1'); ALTER TABLE w.login ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;", back => 'ALTER TABLE w.login NO FORCE ROW LEVEL SECURITY;' ],
	[ 'rights on the log go',      may_refuse => '42501|25P02', act => on_log(q{'REVOKE ALL ON stored.%1$I FROM keeper, PUBLIC'}), back => on_log(q{'GRANT ALL ON stored.%1$I TO keeper'}) ],
	[ 'the log gets another owner', may_refuse => '42501|25P02', act => 'GRANT ALL ON SCHEMA stored TO other;' . on_log(q{'ALTER TABLE stored.%1$I OWNER TO other'}), back => on_log(q{'ALTER TABLE stored.%1$I OWNER TO keeper'}) ],
	[ 'the log gets row security',  act => on_log(q{'ALTER TABLE stored.%1$I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY'}), back => on_log(q{'ALTER TABLE stored.%1$I DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY'}) ],
	[ 'the schema of the source is closed to its owner', act => 'REVOKE ALL ON SCHEMA w FROM tables; REVOKE USAGE ON SCHEMA stored FROM PUBLIC;' ],
	[ 'a function is closed',      user => 'w.norm(who)', act => 'REVOKE EXECUTE ON FUNCTION w.norm FROM PUBLIC; GRANT EXECUTE ON FUNCTION w.norm TO keeper;' ],

	# names of columns, tables, functions, types
	[ 'columns change names',      act => 'ALTER TABLE w.login RENAME who TO who1; ALTER TABLE w.login RENAME who2 TO who;', write => $write =~ s/\(who, mac/(who1, mac/r ],
	[ '... and change them back',  act => 'ALTER TABLE w.login RENAME who TO who1; ALTER TABLE w.login RENAME who2 TO who;', back => 'ALTER TABLE w.login RENAME who TO who2; ALTER TABLE w.login RENAME who1 TO who;', write => $write =~ s/\(who, mac/(mac, nas, mood, came, went) SELECT mac, nas, mood, came, went FROM (VALUES (/r =~ s/\(mac, nas, mood, came, went\) SELECT.*VALUES \(, nas, mood, came, went\) VALUES (.*);/(mac, nas, mood, came, went) SELECT mac, nas, mood::w.mood, came::timestamptz, went::timestamptz FROM (VALUES $1) AS v (who, mac, nas, mood, came, went);/r ],
	[ 'columns of times change names', act => 'ALTER TABLE w.login ADD came2 timestamptz; UPDATE w.login SET came2 = came - interval $$1 day$$; ALTER TABLE w.login RENAME came TO came1; ALTER TABLE w.login RENAME came2 TO came;', write => $write =~ s/\bcame\b/came1/gr ],
	[ 'columns of denials change names', act => "ALTER TABLE w.refused ADD at2 timestamptz DEFAULT '2026-01-09 01:00+00'; ALTER TABLE w.refused RENAME at TO at1; ALTER TABLE w.refused RENAME at2 TO at;", write => $write =~ s/INTO w\.refused/INTO w.refused (who, nas, at1)/r ],
	[ 'a column is added and one dropped', act => 'ALTER TABLE w.login ADD note text, DROP who2;' ],
	[ 'a table takes the name',    act => 'ALTER TABLE w.login RENAME TO login_new; CREATE TABLE w.login (LIKE w.login_new); GRANT SELECT ON w.login TO keeper;', write => $renamed_write ],
	[ 'the table moves to another schema', act => 'ALTER TABLE w.login SET SCHEMA w2; CREATE VIEW w.login AS TABLE w2.login;', write => $write =~ s/w\.login/w2.login/gr ],
	[ 'its schema is renamed',     act => 'ALTER SCHEMA w RENAME TO renamed;', write => $write =~ s/w\.login/renamed.login/gr =~ s/w\.refused/renamed.refused/gr ],
	[ 'the source is renamed',     act => 'ALTER SCHEMA stored RENAME TO renamed;', renamed => 'renamed', no_older => 1 ],
	[ 'a function is replaced',    user => 'w.norm(who)', act => $norm_b ],
	[ '... and put back',          user => 'w.norm(who)', act => $norm_b, back => $norm_a ],
	[ '... at once',               user => 'w.norm(who)', act => $norm_b . sprintf($write, 'between') . $norm_a ],
	[ 'an inlined function is replaced', user => 'w.fold(who)', act => "CREATE OR REPLACE FUNCTION w.fold(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT left(\$1, 5)';" ],
	[ 'a function is renamed, and its name taken', user => 'w.norm(who)', act => "ALTER FUNCTION w.norm RENAME TO norm1; CREATE FUNCTION w.norm(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN \$1; END';" ],
	[ 'a function moves, and its name is taken', user => 'w.norm(who)', act => "ALTER FUNCTION w.norm SET SCHEMA w2; CREATE FUNCTION w.norm(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN \$1; END';" ],
	[ 'an overload fits better',   user => 'w.norm(who)', act => "CREATE FUNCTION w.norm(varchar) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN \$1; END'; CREATE FUNCTION w.lower(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT 1::text';" ],
	[ 'a setting of a function',   user => 'w.norm(who)', before => "CREATE FUNCTION w2.lower(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT left(\$1, 1)'; ALTER FUNCTION w.norm SET search_path = pg_catalog;", act => 'ALTER FUNCTION w.norm SET search_path = w2, pg_catalog;' ],
	[ 'a function is no more immutable', user => 'w.norm(who)', act => 'ALTER FUNCTION w.norm VOLATILE;', back => 'ALTER FUNCTION w.norm IMMUTABLE;' ],
	[ 'the function of an operator is replaced', user => "who OPERATOR(w.<*>) mac", act => "CREATE OR REPLACE FUNCTION w.mix(text, text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN \$1; END';" ],
	[ 'the function of a cast is replaced', before => 'CREATE CAST (text AS w.label) WITH FUNCTION w.to_label(text);', user => '(who::w.label).text', act => "CREATE OR REPLACE FUNCTION w.to_label(text) RETURNS w.label LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN ROW(\$1); END';" ],
	[ 'an operator is moved, and its name taken', user => "who OPERATOR(w.<*>) mac", act => "ALTER OPERATOR w.<*> (text, text) SET SCHEMA w2; CREATE FUNCTION w.mix2(text, text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN \$1; END'; CREATE OPERATOR w.<*> (LEFTARG = text, RIGHTARG = text, FUNCTION = w.mix2);" ],
	[ 'a domain is renamed, and its name taken', user => 'who::w.short::text', act => 'ALTER DOMAIN w.short RENAME TO short1; CREATE DOMAIN w.short AS varchar(2);' ],
	[ 'an identity is replaced',   more => ", user_identity => 'w.norm(user_name)'", act => $norm_b ],
	[ 'the condition is replaced', more => ", sessions_when => 'w.norm(nas) <> ''nas 1'''", act => $norm_b, back => $norm_a ],
	[ 'the function of a start is replaced', before => "CREATE FUNCTION w.shift(timestamptz) RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN \$1; END';", start => 'w.shift(came)', act => "CREATE OR REPLACE FUNCTION w.shift(timestamptz) RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN \$1 - interval ''26 hours''; END';" ],

	# the log
	[ 'the log is renamed',        act => on_log(q{'ALTER TABLE stored.%1$I RENAME TO moved_%1$s'}) ],
	[ '... and back',              act => on_log(q{'ALTER TABLE stored.%1$I RENAME TO moved_%1$s'}), back => on_moved_log('stored', q{'ALTER TABLE stored.moved_%1$s RENAME TO %1$I'}) ],
	[ 'the log moves to another schema', act => on_log(q{'ALTER TABLE stored.%1$I SET SCHEMA w2'}) ],
	[ '... and back',              act => on_log(q{'ALTER TABLE stored.%1$I SET SCHEMA w2'}), back => on_moved_log('w2', q{'ALTER TABLE w2.%1$I SET SCHEMA stored'}) ],
	[ 'another table takes the place of the log', act => on_log(q{'ALTER TABLE stored.%1$I RENAME TO moved_%1$s'}) . on_moved_log('stored', q{'CREATE TABLE stored.%1$I (LIKE stored.moved_%1$s INCLUDING ALL)'}) ],
	[ 'the log is unlogged',       act => on_log(q{'ALTER TABLE stored.%1$I SET UNLOGGED'}), back => on_log(q{'ALTER TABLE stored.%1$I SET LOGGED'}) ],

	# triggers
	[ 'triggers are renamed',      act => on_triggers(q{format('ALTER TRIGGER %I ON %s RENAME TO %I', g.tgname, g.tgrelid::regclass, 'x' || g.tgname)}, 'g.tgparentid = 0') ],
	[ 'triggers are renamed and dropped', act => on_triggers(q{format('ALTER TRIGGER %I ON %s RENAME TO %I', g.tgname, g.tgrelid::regclass, 'x' || g.tgname)}, 'g.tgparentid = 0') . on_triggers(q{format('DROP TRIGGER %I ON %s', g.tgname, g.tgrelid::regclass)}, 'g.tgparentid = 0') ],
	[ 'triggers are dropped',      act => on_triggers(q{format('DROP TRIGGER %I ON %s', g.tgname, g.tgrelid::regclass)}, 'g.tgparentid = 0') ],
	[ 'one trigger is dropped',    act => on_triggers(q{format('DROP TRIGGER %I ON %s', g.tgname, g.tgrelid::regclass)}, "g.tgparentid = 0 AND g.tgtype & 1 = 0 AND g.tgtype & 4 <> 0 AND g.tgrelid IN ('w.login'::regclass, 'w.early'::regclass)") ],
	[ 'triggers are disabled',     act => join('', map { "ALTER TABLE w.$_ DISABLE TRIGGER USER;" } qw(login early late now refused)) ],
	[ '... and enabled again',     act => join('', map { "ALTER TABLE w.$_ DISABLE TRIGGER USER;" } qw(login early late now refused)), back => join('', map { "ALTER TABLE w.$_ ENABLE TRIGGER USER;" } qw(login early late now refused)) ],
	[ '... each of them as it was', act => on_triggers(q{format('ALTER TABLE %s DISABLE TRIGGER %I', g.tgrelid::regclass, g.tgname)}), back => on_triggers(q{format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', g.tgrelid::regclass, g.tgname)}, 'g.tgtype & 1 = 0') . on_triggers(q{format('ALTER TABLE %s ENABLE REPLICA TRIGGER %I', g.tgrelid::regclass, g.tgname)}, 'g.tgtype & 1 <> 0') ],
	[ '... in one transaction',    act => 'BEGIN; ALTER TABLE w.early DISABLE TRIGGER USER;' . sprintf($write, 'between') . 'ALTER TABLE w.early ENABLE TRIGGER USER; COMMIT;' ],
	[ 'triggers for replicas only', act => on_triggers(q{format('ALTER TABLE %s ENABLE REPLICA TRIGGER %I', g.tgrelid::regclass, g.tgname)}), back => on_triggers(q{format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', g.tgrelid::regclass, g.tgname)}) ],
	[ 'triggers get a condition',  act => on_triggers(q{replace(replace(pg_get_triggerdef(g.oid), 'CREATE TRIGGER', 'CREATE OR REPLACE TRIGGER'), 'EXECUTE FUNCTION', 'WHEN (false) EXECUTE FUNCTION')}, 'g.tgparentid = 0') ],
	[ 'triggers call something else', act => "CREATE FUNCTION w.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';" . on_triggers(q{regexp_replace(replace(pg_get_triggerdef(g.oid), 'CREATE TRIGGER', 'CREATE OR REPLACE TRIGGER'), 'EXECUTE FUNCTION .*', 'EXECUTE FUNCTION w.nothing()')}, 'g.tgparentid = 0') ],
	[ 'a writer is a replica',     act => 'SET session_replication_role = replica;' . sprintf($write, 'replica') . 'RESET session_replication_role;' ],
	[ 'a writer is a replica, and rows go from one partition to another', act => "SET session_replication_role = replica; UPDATE w.login SET came = came + interval '10 days', went = went + interval '10 days' WHERE came BETWEEN '2026-01-04' AND '2026-01-06'; RESET session_replication_role;" ],
	[ 'a trigger of the user changes rows first', act => "CREATE FUNCTION w.change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.who := ''changed '' || NEW.who; NEW.came := NEW.came - interval ''1 day''; RETURN NEW; END'; CREATE TRIGGER a BEFORE INSERT ON w.early FOR EACH ROW EXECUTE FUNCTION w.change();" ],
	[ 'the table is unlogged',     act => 'ALTER TABLE w.early SET UNLOGGED;', no_older => 1 ],
	[ 'nothing stored is lost by prepared transactions', act => 'BEGIN;' . sprintf($write, 'prepared') . "PREPARE TRANSACTION 'p';", back => "COMMIT PREPARED 'p';", writer => undef, write => "INSERT INTO w.login (who, mac, nas, came, went) VALUES ('%s', 'm', 'nas 0', '2026-01-05 01:00+00', '2026-01-05 02:00+00');" ],
);
my $only = $ENV{HEADCOUNT_SCENARIO};
our $event_triggers //= 'enable';
event_triggers($node, $event_triggers);
my $group = '';
for my $scenario (@scenarios)
{
	if (!ref $scenario) { $group = $scenario; next; }
	my ($name, %with) = @$scenario;
	next if defined $only && $name !~ /$only/;
	if ($event_triggers eq 'disable')
	{
		next if $group eq 'rights of roles';      # of which event triggers know nothing anyway
		$with{no_older} = 1;
	}
	scenario($name, %with);
}
done_testing();
