# Notices of alerts, as whoever listens hears them: each once, by name, without a number.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('alerts');
$node->init;
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION headcount CASCADE;
	CREATE ROLE owner; GRANT CREATE ON DATABASE postgres TO owner; GRANT CREATE ON SCHEMA public TO owner;
	CREATE ROLE stranger;
	SET ROLE owner;
	CREATE TABLE login (who text, came timestamptz, went timestamptz);
	SELECT headcount.create_source('wifi', 'login', 'who', NULL, 'came', 'went', user_limit => 2, alerts => '{"user_limit": 100}')));

# What a session that listens is told while a statement runs.
sub heard {
	my ($role, $statement) = @_;
	my $said = $node->safe_psql('postgres', "SET ROLE $role; LISTEN headcount; RESET ROLE; SET ROLE owner; $statement");
	$said =~ s/ received from server process with PID \d+\.//g;
	$said =~ s/\d{4}-\d\d-\d\d/DAY/g;
	return $said;
}
my $notice = q(Asynchronous notification "headcount" with payload "{"source" : "wifi", "alert" : "user_limit", "day" : "DAY"}");

is(heard('owner', "INSERT INTO login VALUES ('a', now(), now()), ('b', now(), now()); CALL headcount.refresh('wifi')"), '', 'as many as are paid for');
is(heard('owner', "INSERT INTO login VALUES ('c', now(), now()); CALL headcount.refresh('wifi')"), $notice, 'one more');
is(heard('owner', "CALL headcount.refresh('wifi')"), '', 'once');
is(heard('owner', "DELETE FROM login WHERE who = 'c'; CALL headcount.refresh('wifi')"), '', 'over');
is(heard('stranger', "INSERT INTO login VALUES ('c', now(), now()); CALL headcount.refresh()"), $notice, 'again, and by a refresh of all sources; a stranger hears that it is, and no number');
is(heard('owner', "CALL headcount.rebuild('wifi')"), '', 'a rebuild is no news');

# A refresh of which an alert cannot be told has stored everything, and says why.
my ($status, undef, $stderr) = $node->psql('postgres', q(
	SET ROLE owner;
	CREATE OR REPLACE VIEW wifi.alerts AS SELECT 'user_limit'::text AS alert, current_date + (1 / (count(*) - count(*)))::integer AS day, 1::double precision AS value, 1::double precision AS threshold FROM wifi.daily_user_counts;
	INSERT INTO login VALUES ('d', now() - interval '3 days', now() - interval '3 days');
	CALL headcount.refresh('wifi')));
like($stderr, qr/division by zero/, 'an error of the view is told');
is($node->safe_psql('postgres', q(SELECT dirty_days, last_error, exact FROM headcount.source_status WHERE source = 'wifi')), '0|division by zero|t', 'and days are stored');
is($node->safe_psql('postgres', q(SET ROLE owner; SELECT count(*) FROM headcount.verify('wifi'))), '0', 'rightly');

$node->stop;
done_testing();
