# The example over HTTP (examples/http) under requests that are malformed, slow, too many, or whose answers nobody reads: what it
# bears is measured by http.mjs beside this file.
#
# HEADCOUNT_TORTURE_SECONDS is for how long, HEADCOUNT_STRESS_SEED what chance starts from.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../t";
use Headcount;
use HttpExample;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $example = http_example([qw(node npm)], '--omit=dev') . '/http';

my $node = new_node('http', conf => "max_connections = 40\nlog_line_prefix = '%p %e '\n");
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE login (who text, mac text, gateway text, came timestamptz, went timestamptz);
INSERT INTO login SELECT 'user' || i % 29, 'host ' || i % 23, 'gw' || 1 + i % 3, now() - i * interval '1 hour', now() - i * interval '1 hour' + interval '30 minutes' FROM generate_series(1, 400) AS i;
INSERT INTO login VALUES ('ann', 'a1', 'gw1', now() - interval '1 day', NULL), ('ann', 'a2', 'gw2', now() - interval '1 hour', NULL);
CREATE TABLE long_login AS SELECT 'eve' AS who, 'e1' AS mac, 'gw1' AS gateway, timestamptz '1700-01-01' AS came, timestamptz '1700-01-02' AS went;
SELECT headcount.create_source(name, CASE name WHEN 'vpn' THEN 'login' ELSE 'long_login' END, 'who', 'mac', 'came', 'went', server => 'gateway', time_zone => 'Europe/Warsaw', materialized => name = 'vpn') FROM unnest('{vpn,long}'::text[]) AS name;
CALL headcount.refresh('vpn');
SELECT headcount.create_instance('sag-1', 'eu-1', 'vpn');
SQL
$node->command_ok([ 'psql', '-X', '-q', '-v', "source=$_", '-f', "$example/setup.sql" ], "setup.sql for $_") for qw(vpn long);
my $checkpointer = checkpointer($node);

@ENV{qw(PGHOST PGPORT PGDATABASE EXAMPLE SECONDS SEED)} = ($node->host, $node->port, 'postgres', "$example/server.js", $ENV{HEADCOUNT_TORTURE_SECONDS} || 60, $ENV{HEADCOUNT_STRESS_SEED} || 20260);
delete @ENV{qw(PGUSER PGAPPNAME)};
my ($out, $err) = ('', '');
IPC::Run::run([ 'node', "$FindBin::Bin/http.mjs" ], '<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(600 + 2 * $ENV{SECONDS}));
diag($_) for map { s/^# //r } $out =~ /^(# .*)$/mg;
for my $line ($out =~ /^((?:not )?ok - .*)$/mg)
{
	my ($not, $words) = $line =~ /^(not )?ok - (.*)$/;
	ok(!$not, $words);
}
is($err, '', 'and nothing else');
cmp_ok(scalar(() = $out =~ /^(?:not )?ok/mg), '>', 15, 'all of it ran');
is(checkpointer($node), $checkpointer, 'PostgreSQL has not crashed');
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal| XX000 /, '... and says nothing of an internal error');
done_testing();
