# The example over HTTP: setup.sql makes its role, server.js answers, examples/http/test.js asks, with the API pages' own
# command line and the official client among those who do.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use Headcount;
use HttpExample;
use IO::Uncompress::Unzip;
use IPC::Run;
use JSON::PP qw(decode_json);
use PostgreSQL::Test::Utils;
use Test::More;

my $folder  = http_example([qw(node npm curl)]);
my $example = "$folder/http";

my $node = new_node('http');
plan skip_all => 'headcount_export is not installed'
  if $node->safe_psql('postgres', q{SELECT count(*) FROM pg_available_extensions WHERE name = 'headcount_export'}) eq '0';

# Until 2026-03-18 sessions that are over, then five that are not. The role reads all of it as of one instant.
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION headcount_export;
CREATE TABLE login (who text, mac text, gateway text, came timestamptz, went timestamptz);
CREATE TABLE refused (who text, at timestamptz);
INSERT INTO login
SELECT 'user' || i * i % 29, 'host ' || i % 23, 'gw' || 1 + i % 3, s.came, s.came + i % 7 * interval '2 hours'
FROM generate_series(1, 400) AS i, LATERAL (SELECT timestamptz '2026-03-01 00:00+00' + i * interval '60 minutes' + i % 5 * interval '10 minutes') AS s (came);
INSERT INTO login VALUES
	('ann', 'a1', 'gw1', '2026-03-18 10:00+00', NULL), ('ann', 'a2', 'gw2', '2026-03-19 10:00+00', 'infinity'), ('bob', 'b1', 'gw2', '2026-03-20 11:59+00', NULL),
	('cat', 'c1', 'gw1', '2026-03-20 11:00+00', '2026-03-20 12:00+00'), (repeat('n', 33), 'n1', 'gw3', '2026-03-20 11:00+00', NULL);
INSERT INTO refused SELECT 'user' || i % 37, timestamptz '2026-03-02 12:00+00' + i * interval '5 hours' FROM generate_series(1, 70) AS i;

CREATE FUNCTION make_source(name text, login text, materialized boolean) RETURNS void LANGUAGE sql AS $$
	SELECT headcount.create_source(name, login, 'who', 'mac', 'came', 'went', server => 'gateway', denials => 'refused', denied_user => 'who',
		denied_at => 'at', time_zone => 'Europe/Warsaw', materialized => materialized)
$$;
SELECT make_source('vpn', 'login', true), make_source('plain', 'login', false);
CALL headcount.refresh('vpn');
SELECT headcount.create_instance('sag-1', 'eu-1', 'vpn'), headcount.create_instance('sag-2', 'eu-2', 'vpn'),
       headcount.create_instance('sag-3', 'eu-2', 'vpn', 'gw1');

-- ones that no file holds: with a day before those of an xlsx, with more days than a pdf has
CREATE TABLE early_login AS SELECT 'eve' AS who, 'e1' AS mac, 'gw1' AS gateway, timestamptz '1899-12-30' AS came, timestamptz '1899-12-31' AS went;
CREATE TABLE long_login AS SELECT who, mac, gateway, timestamptz '1300-01-01' AS came, timestamptz '1300-01-02' AS went FROM early_login;
SELECT make_source('early', 'early_login', false), make_source('long', 'long_login', false);

-- one that takes its time
CREATE VIEW slow_login AS WITH nap AS MATERIALIZED (SELECT pg_sleep(coalesce(current_setting('headcount.nap', true), '0.3')::float)) SELECT l.* FROM login AS l, nap;
SELECT make_source('slow', 'slow_login', false);

-- one that is somebody else's
CREATE ROLE keeper;
GRANT CREATE ON DATABASE postgres TO keeper;
CREATE SCHEMA keeping AUTHORIZATION keeper;
SET ROLE keeper;
CREATE TABLE keeping.login AS SELECT 'eve' AS who, 'e1' AS mac, 'gw1' AS gateway, timestamptz '2026-03-01' AS came, NULL::timestamptz AS went;
SELECT headcount.create_source('secret', 'keeping.login', 'who', 'mac', 'came', 'went');
SELECT headcount.create_instance('sag-9', 'eu-9', 'secret');
SQL
is($node->safe_psql('postgres', q{SELECT materialized, first_day, dirty_days FROM headcount.source_status WHERE source = 'vpn'}),
	't|2026-03-01|0', 'a source that is stored by day');

# --- the role ----------------------------------------------------------------------------------------------------------

for my $source (qw(vpn vpn slow early long))
{
	$node->command_ok([ 'psql', '-X', '-q', '-v', "source=$source", '-f', "$example/setup.sql" ], "setup.sql for $source");
}
$node->safe_psql('postgres', q{ALTER ROLE headcount_http SET headcount.as_of = '2026-03-20 12:00+00'});
sub as_role { return sqlstates($node, $_[0], user => 'headcount_http') }
is(as_role('SELECT * FROM vpn.online_users; SELECT * FROM vpn.realtime_users_count'), '', 'the role reads the views of the APIs');
for my $name (qw(vpn.sessions vpn.denials vpn.daily_user_counts vpn.daily_user_sketches vpn.data_quality public.login public.refused
	plain.online_users secret.online_users secret.realtime_users_count keeping.login pg_catalog.pg_authid))
{
	is(as_role("SELECT * FROM $name"), '42501', "... and not $name");
}
is(as_role(q{SELECT headcount.drop_instance('sag-1'); CREATE TABLE public.t ()}), '42501 25006', '... and writes nothing');
is($node->safe_psql('postgres', 'SHOW statement_timeout', extra_params => [ '-U', 'headcount_http' ]), '20s', '... for twenty seconds at most');

# --- requests ----------------------------------------------------------------------------------------------------------

$ENV{PGHOST}     = $node->host;
$ENV{PGPORT}     = $node->port;
$ENV{PGDATABASE} = 'postgres';
$ENV{JUDGE}      = $node->safe_psql('postgres', 'SELECT current_user');
$ENV{FOLDER}     = $folder;
delete $ENV{PGUSER};
delete $ENV{PGAPPNAME};
my ($tap, $errors) = ('', '');
IPC::Run::run([ 'node', '--test-reporter=tap', "$example/test.js" ], '>', \$tap, '2>', \$errors, IPC::Run::timeout(300));
my @results = $tap =~ /^((?:not )?ok \d+ - .*)$/mg;
for my $result (@results)
{
	my ($not, $name) = $result =~ /^(not )?ok \d+ - (.*)$/;
	ok(!$not, $name);
}
diag($tap, $errors) if grep { /^not/ } @results;
cmp_ok(scalar @results, '>', 25, 'all of them ran') or diag($tap, $errors);

# --- files -------------------------------------------------------------------------------------------------------------

my @lines = split /\r\n/, slurp_file("$folder/report.csv");
for my $name (qw(curl report))
{
	my $zip   = IO::Uncompress::Unzip->new("$folder/$name.xlsx", Name => 'xl/worksheets/sheet1.xml');
	my $sheet = do { local $/; $zip ? <$zip> : '' };
	is(scalar(() = $sheet =~ /<row /g), scalar @lines, "$name.xlsx has a row for each line");
}
SKIP:
{
	my ($office) = grep { have($_) } qw(soffice libreoffice);
	skip 'LibreOffice is not installed', 1 unless $office;
	system_or_bail($office, "-env:UserInstallation=file://$folder/office", '--headless', '--convert-to', 'csv', '--outdir', $folder, "$folder/curl.xlsx");
	is(slurp_file("$folder/curl.csv"), join('', map { "$_\n" } @lines), 'LibreOffice opens what curl has brought: the same lines as the csv');
}
SKIP:
{
	skip 'pdftotext is not installed', 1 unless have('pdftotext');
	my $text = '';
	IPC::Run::run([ 'pdftotext', '-layout', "$folder/report.pdf", '-' ], '>', \$text) or die 'pdftotext';
	is(join("\n", map { s/\s+/,/gr } $text =~ /^ *(\d{4}-\d\d-\d\d(?: +\d+){4}) *$/mg), join("\n", @lines[1 .. $#lines]), 'the pdf has the same lines');
}
my ($json) = slurp_file("$folder/report.html") =~ m{<script[^>]*id="points"[^>]*>(.*?)</script>}s;
my $points = decode_json($json // '{}');
my @drawn  = map { my $n = $_; join ',', $points->{days}[$n], map { $points->{$_}[$n] } qw(uct ucdy ucde) } 0 .. $#{ $points->{days} };
is(join("\n", @drawn), join("\n", map { s/,\d+$//r } @lines[1 .. $#lines]), 'the chart of the html page has the same numbers');

$node->stop;
done_testing();
