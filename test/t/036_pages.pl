# Every SQL statement of README.md and docs runs. The recipes of sources.md are run by 030_sources_page.pl, and the pages that are read from
# top to bottom by 035_story_pages.pl, which compare what comes out. All others are run here, block by block, in a database with tables
# and sources of the names that the pages use: no statement may raise an error, but for those that say so below.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Headcount;
use Pages;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my %elsewhere = map { ($_ => 1) } qw(sources.md tutorial.md concepts.md story-licences.md story-wifi.md);
my $node = new_node('pages');

# --- the database that pages speak of --------------------------------------------------------------------------------

$node->safe_psql('postgres', 'CREATE DATABASE tables');
$node->safe_psql('tables', <<'SQL');
CREATE TABLE vpn_sessions (login text, client_ip inet, connected_at timestamptz, disconnected_at timestamptz);
INSERT INTO vpn_sessions SELECT (ARRAY['alice', 'bob', 'carol'])[1 + i % 3], inet '10.0.0.1' + i % 5, at, CASE WHEN i % 40 > 0 THEN at + interval '7 hours' END
FROM generate_series(0, 400) AS i, LATERAL (SELECT timestamptz '2026-09-01 08:00+02' + i * interval '5 hours' AS at) AS a;
CREATE TABLE radacct (username text, callingstationid text, nasipaddress inet, acctstarttime timestamptz, acctupdatetime timestamptz, acctstoptime timestamptz);
INSERT INTO radacct SELECT (ARRAY['alice', 'bob', 'anna', 'bert', 'dora'])[1 + i % 5], 'mac ' || i % 7, inet '10.20.0.1' + i % 3, at, at + interval '3 hours', CASE WHEN i % 50 > 0 THEN at + interval '3 hours' END
FROM generate_series(0, 1400) AS i, LATERAL (SELECT timestamptz '2024-12-01 08:00+01' + i * interval '13 hours' AS at) AS a;
CREATE TABLE radpostauth (username text, reply text, authdate timestamptz);
INSERT INTO radpostauth SELECT 'emil', 'Access-Reject', timestamptz '2026-11-01 09:00+01' + i * interval '1 day' FROM generate_series(0, 20) AS i;
CREATE TABLE checkouts (login text, workstation text, feature_name text, site_name text, taken timestamptz, given_back timestamptz);
INSERT INTO checkouts SELECT 'user' || i % 9, 'ws' || i % 9, (ARRAY['cad', 'cam'])[1 + i % 2], (ARRAY['north', 'south', 'west'])[1 + i % 3], at, at + interval '4 hours'
FROM generate_series(0, 90) AS i, LATERAL (SELECT timestamptz '2026-11-01 08:00+01' + i * interval '3 hours' AS at) AS a;
CREATE TABLE visits (room text, badge_id bigint, entered_at timestamptz, left_at timestamptz);
CREATE TABLE logins (day date, user_id integer);
CREATE TABLE stations (mac_address text, polled_at timestamptz);
CREATE TABLE login (username text, mac text, came timestamptz, went timestamptz);
SQL
my $extension = 'CREATE EXTENSION headcount CASCADE;';
$node->safe_psql('postgres', 'CREATE DATABASE sources TEMPLATE tables');
$node->safe_psql('sources', 'SET client_min_messages = warning;' . $extension . q{
SELECT headcount.create_freeradius_source('wifi', idle_limit => '30 minutes', time_zone => 'Europe/Warsaw');
SELECT headcount.create_source('vpn', 'vpn_sessions', 'login', 'host(client_ip)', 'connected_at', 'disconnected_at', time_zone => 'Europe/Warsaw');
SELECT headcount.create_source('licences', 'checkouts', 'login', 'workstation', 'taken', 'given_back', dimensions => '{"feature": "feature_name", "site": "site_name"}', time_zone => 'Europe/Warsaw');
CALL headcount.refresh();});

# Pages that make the sources themselves; one that needs more.
my %makes_sources = map { ($_ => 1) } qw(../README.md clients.md scale.md);
my %before = ('apis.md' => 'CREATE EXTENSION headcount_export');

# The SQLSTATEs that a block raises, where it cannot do otherwise: there is no pg_cron in these databases (014_rollup_schedule.pl has it),
# and no Citus (test/citus).
sub expected
{
	my ($block) = @_;
	return join ' ', ('0A000') x (() = $block =~ /\bheadcount\.(?:un)?schedule_refresh\(/g), ('42883') x (() = $block =~ /\b(?:create_distributed_table|run_command_on_\w+)\(/g), ('42P01') x (() = $block =~ /\bpg_dist_shard AS\b/g);
}

# --- pages -----------------------------------------------------------------------------------------------------------

# A place of our own for the servers of other people.
my $here = sprintf "host '%s', port '%s', dbname 'member'", $node->host, $node->port;
sub with_servers
{
	my ($block) = @_;
	$block =~ s/host '[^']*', dbname '[^']*'(, connect_timeout '5')?/$here/g;
	$block =~ s/^-- and so on for each of them$/join '', map { "CREATE SERVER $_ FOREIGN DATA WRAPPER postgres_fdw OPTIONS ($here); CREATE USER MAPPING FOR CURRENT_USER SERVER $_ OPTIONS (user 'federated', password '-');" } qw(gdansk lodz)/me;
	return $block;
}

my $number = 0;
for my $name (all_pages())
{
	my @blocks = grep { $_->[1] eq 'sql' } page_blocks(page_text($name));
	next if !@blocks || $elsewhere{$name};
	my $db = 'page' . ++$number;
	$db = 'member' if $name eq 'federation.md';
	my $template = $makes_sources{$name} ? 'tables' : 'sources';
	$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE $template");
	$node->safe_psql($db, "SET client_min_messages = warning; " . ($makes_sources{$name} ? $extension : $before{$name})) if $makes_sources{$name} || $before{$name};
	my $at = 0;
	for (@blocks)
	{
		my ($title, undef, $block) = @$_;
		my $where = $db;
		if ($block =~ /\A\s*CREATE EXTENSION headcount\b/)      # as if nobody had been there
		{
			$where = $db . 'new' . ++$at;
			$node->safe_psql('postgres', "CREATE DATABASE $where TEMPLATE tables");
			$db = $where if $name eq 'federation.md';      # the page goes on there
		}
		else { ++$at }
		$block = with_servers($block) if $name eq 'federation.md';
		my $errors = error_text($node, "\\set VERBOSITY verbose\nSET client_min_messages = warning;\n$block", db => $where);
		is(join(' ', $errors =~ /(?:ERROR|FATAL):\s+([0-9A-Z]{5})/g), expected($block), "$name, $title, block $at") or diag $errors;
	}
	ok($at == @blocks, "$name: all " . @blocks . ' blocks');
	# Roles are those of the server, and more pages than one make one of a name.
	$node->safe_psql('postgres', q{SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM pg_database WHERE datname ~ '^(page|member)' \gexec
		SELECT format('DROP ROLE %I', rolname) FROM pg_roles WHERE oid >= 16384 \gexec});
}
cmp_ok($number, '>', 8, 'pages');

# --- what pages say of functions -------------------------------------------------------------------------------------

# name => { its arguments, by name and by type }
my %functions;
for (split /\n/, $node->safe_psql('sources', q{
	SELECT p.proname, COALESCE((SELECT string_agg(a.name, ', ' ORDER BY a.place) FROM unnest(p.proargnames[1:p.pronargs]) WITH ORDINALITY AS a (name, place)), ''),
	       (SELECT COALESCE(string_agg(replace(format_type(a.type, NULL), 'headcount.', ''), ', ' ORDER BY a.place), '') FROM unnest(p.proargtypes) WITH ORDINALITY AS a (type, place))
	FROM pg_proc AS p WHERE p.pronamespace IN ('headcount'::regnamespace, 'headcount_internal'::regnamespace)}))
{
	my ($name, @arguments) = split /\|/, $_, -1;
	$functions{$name}{$_} = 1 for @arguments;
}
cmp_ok(scalar(keys %functions), '>', 100, 'functions');
my @unknown;
for my $name (all_pages())
{
	push @unknown, map { "$name: $_" } grep { !$functions{$_} } page_text($name) =~ /\bheadcount(?:_internal)?\.(\w+)\(/g;
}
is(join(', ', @unknown), '', 'every function that a page calls is there');

my ($reference) = page_text('reference.md') =~ /\A(.*?)^## Building blocks/ms;
my ($rows, @others) = (0);
for my $cell ($reference =~ /^\| (.*?) \|/mg)
{
	while ($cell =~ /`(?:CALL )?(\w+)\(([\w, ]*)\)`/g)
	{
		++$rows;
		push @others, "$1($2)" if !$functions{$1}{$2};
	}
}
cmp_ok($rows, '>', 60, 'reference.md: functions in tables');
is(join(', ', @others), '', 'reference.md: with the arguments that they have');
my @missing = grep { $reference !~ /\b\Q$_\E\b/ } split /\n/, $node->safe_psql('sources', q{SELECT DISTINCT p.proname FROM pg_proc AS p WHERE p.pronamespace = 'headcount'::regnamespace
	AND NOT EXISTS (SELECT FROM pg_type AS t WHERE p.oid IN (t.typinput, t.typoutput, t.typreceive, t.typsend))});
is(join(', ', @missing), '', 'reference.md: no function is missing');

$node->stop;
done_testing();
