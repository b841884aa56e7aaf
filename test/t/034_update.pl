# ALTER EXTENSION headcount UPDATE: a database that was updated has the same objects as one where the new version was installed.
# Released versions are frozen as test/upgrade/headcount--VERSION.sql, the way from each is in src/sql/updates; beside these (there
# may be none) a made-up next version shows that a difference would be seen.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use Headcount;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $share = `pg_config --sharedir`;
chomp $share;
my ($version) = slurp_file("$share/extension/headcount.control") =~ /^default_version *= *'([^']*)'/m;
my $tree = "$FindBin::Bin/../..";

# A directory of extensions of our own, in front of the server's: by a setting of PostgreSQL 18, or of Debian before.
my $place = PostgreSQL::Test::Utils::tempdir();
my $node = PostgreSQL::Test::Cluster->new('update');
$node->init(extra => [ '-E', 'UTF8', '--locale=C.UTF-8' ]);
$node->start;
my $own;
if ($node->safe_psql('postgres', "SELECT count(*) FROM pg_settings WHERE name = 'extension_control_path'"))
{
	$own = "$place/extension";
	$node->append_conf('postgresql.conf', "extension_control_path = '$place:\$system'");
}
elsif ($node->safe_psql('postgres', "SELECT count(*) FROM pg_settings WHERE name = 'extension_destdir'"))
{
	$own = "$place$share/extension";
	$node->append_conf('postgresql.conf', "extension_destdir = '$place'");
}
else
{
	plan skip_all => 'this PostgreSQL takes extensions from one directory only';
}
$node->restart;
system_or_bail('mkdir', '-p', $own);

sub put
{
	my ($name, @texts) = @_;
	open my $file, '>:raw', "$own/$name" or die "$name: $!";
	print $file @texts;
	close $file;
	return;
}

# All that the catalogs say of the extension in a database: objects with definition, owner, rights, comment.
sub catalog
{
	my ($db) = @_;
	return $node->safe_psql($db, <<'SQL');
SELECT pg_describe_object(d.classid, d.objid, 0) || E'\n  ' || concat_ws(E'\n  ',
	obj_description(d.objid, (SELECT relname FROM pg_class WHERE oid = d.classid)),
	CASE d.classid
		WHEN 'pg_proc'::regclass THEN (SELECT concat_ws(' ', CASE WHEN p.prokind = 'a' THEN
				(SELECT replace(a::text, a.aggfnoid::oid::text, '') FROM (SELECT g.aggfnoid, g.aggkind, g.aggtransfn, g.aggfinalfn, g.aggcombinefn, g.aggserialfn,
					g.aggdeserialfn, g.aggmtransfn, g.aggminvtransfn, g.aggmfinalfn, g.aggfinalextra, g.aggfinalmodify, g.aggtranstype::regtype, g.agginitval,
					g.aggtransspace FROM pg_aggregate AS g WHERE g.aggfnoid = p.oid) AS a)
				ELSE pg_get_functiondef(p.oid) END, p.proacl, p.proparallel, p.procost, p.prorows) FROM pg_proc AS p WHERE p.oid = d.objid)
		WHEN 'pg_class'::regclass THEN (SELECT concat_ws(' ', c.relkind, c.relacl, c.relpersistence, pg_get_viewdef(c.oid),
				(SELECT string_agg(format('%s %s %s', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull), ', ' ORDER BY a.attnum) FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0),
				(SELECT string_agg(pg_get_indexdef(i.indexrelid), '; ' ORDER BY i.indexrelid::regclass::text) FROM pg_index AS i WHERE i.indrelid = c.oid),
				(SELECT string_agg(pg_get_constraintdef(k.oid), '; ' ORDER BY k.conname) FROM pg_constraint AS k WHERE k.conrelid = c.oid)) FROM pg_class AS c WHERE c.oid = d.objid)
		WHEN 'pg_type'::regclass THEN (SELECT concat_ws(' ', t.typtype, t.typlen, t.typalign, t.typstorage, t.typinput, t.typoutput, t.typreceive, t.typsend, t.typacl,
				(SELECT string_agg(pg_get_constraintdef(k.oid), '; ' ORDER BY k.conname) FROM pg_constraint AS k WHERE k.contypid = t.oid)) FROM pg_type AS t WHERE t.oid = d.objid)
		WHEN 'pg_operator'::regclass THEN (SELECT concat_ws(' ', o.oprcode, o.oprcom::regoperator, o.oprnegate::regoperator, o.oprrest, o.oprjoin, o.oprcanmerge, o.oprcanhash) FROM pg_operator AS o WHERE o.oid = d.objid)
		WHEN 'pg_namespace'::regclass THEN (SELECT n.nspacl::text FROM pg_namespace AS n WHERE n.oid = d.objid)
		WHEN 'pg_cast'::regclass THEN (SELECT concat_ws(' ', c.castfunc::regprocedure, c.castcontext, c.castmethod) FROM pg_cast AS c WHERE c.oid = d.objid)
	END)
FROM pg_depend AS d JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
WHERE e.extname = 'headcount'
UNION ALL
SELECT 'extension ' || extversion || ' tables that are dumped: ' || coalesce((SELECT string_agg(t::regclass || ' ' || w, ', ' ORDER BY t::regclass::text) FROM unnest(extconfig, extcondition) AS u (t, w)), 'none')
FROM pg_extension WHERE extname = 'headcount'
ORDER BY 1
SQL
}

# One database where version $to is installed, one where $from is and then updated.
my $databases = 0;
sub both
{
	my ($from, $to) = @_;
	my ($fresh, $updated) = map { $databases++; "db$databases" } 1 .. 2;
	$node->safe_psql('postgres', "CREATE DATABASE $_") for $fresh, $updated;
	$node->safe_psql($fresh, "SET client_min_messages = warning; CREATE EXTENSION headcount VERSION '$to' CASCADE");
	$node->safe_psql($updated, "SET client_min_messages = warning; CREATE EXTENSION headcount VERSION '$from' CASCADE");
	$node->safe_psql($updated, <<'SQL');
CREATE TABLE login (who text, mac text, came timestamptz, went timestamptz);
INSERT INTO login SELECT 'user ' || i % 7, 'host ' || i % 5, timestamptz '2026-01-01' + i * interval '5 hours', timestamptz '2026-01-01' + i * interval '6 hours' FROM generate_series(1, 100) AS i;
SET client_min_messages = warning;
SELECT headcount.create_source('wifi', 'login', 'who', 'mac', 'came', 'went', time_zone => 'UTC');
CALL headcount.refresh('wifi');
SQL
	my $days = 'SELECT day, daily_users, total_users, concurrent_hosts FROM wifi.daily_user_counts WHERE day < current_date ORDER BY day';
	my $before = $node->safe_psql($updated, $days);
	$node->safe_psql($updated, "ALTER EXTENSION headcount UPDATE TO '$to'");
	is($node->safe_psql($updated, $days), $before, "$from to $to: a source gives what it gave");
	return (catalog($fresh), catalog($updated));
}

my $installed = slurp_file("$share/extension/headcount--$version.sql");
my $addition = <<'SQL';
CREATE FUNCTION headcount.of_tomorrow(integer DEFAULT 7) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT 1';
COMMENT ON FUNCTION headcount.of_tomorrow(integer) IS 'made up by a test';
SQL
put('headcount.control', slurp_file("$share/extension/headcount.control"));
put("headcount--$version.sql", $installed);
put('headcount--tomorrow.sql', $installed, $addition);

# The same on both ways.
put("headcount--$version--tomorrow.sql", $addition);
my ($fresh, $updated) = both($version, 'tomorrow');
cmp_ok(($fresh =~ tr/\n//), '>', 1000, 'the catalogs have much to say');
like($fresh, qr/of_tomorrow/, 'the made-up version has its function');
ok($fresh eq $updated, 'a made-up next version: updated is what is installed');

# Updates that forgot something.
my %forgotten = (
	'a comment' => $addition =~ s/^COMMENT.*//mr,
	'a default' => $addition =~ s/ DEFAULT 7//r,
	'a right' => $addition . 'REVOKE EXECUTE ON FUNCTION headcount.of_tomorrow(integer) FROM PUBLIC;',
	'a cost' => $addition =~ s/PARALLEL SAFE/PARALLEL SAFE COST 7/r,
	'everything' => 'SELECT 1;');
for my $what (sort keys %forgotten)
{
	put("headcount--$version--tomorrow.sql", $forgotten{$what});
	($fresh, $updated) = both($version, 'tomorrow');
	ok($fresh ne $updated, "an update that got $what wrong is seen");
}

# The real ones: from each released version to this one.
for my $file (glob "$tree/test/upgrade/headcount--*.sql")
{
	my ($released) = $file =~ /headcount--(.*)\.sql/;
	put("headcount--$released.sql", slurp_file($file));
	put($_ =~ s{.*/}{}r, slurp_file($_)) for glob "$tree/src/sql/updates/headcount--*--*.sql";
	($fresh, $updated) = both($released, $version);
	is($updated, $fresh, "$released to $version: updated is what is installed");
}

done_testing();
