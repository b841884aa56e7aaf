# Logical replication: a subscriber with sources over the tables that it gets. Whatever a subscription applies is logged, the
# initial copy, changes row by row and truncations; partitions of the subscriber's own are written to directly.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use Headcount;
use PostgreSQL::Test::Utils;
use Test::More;

my $publisher = PostgreSQL::Test::Cluster->new('publisher');
$publisher->init(allows_streaming => 'logical', extra => [ '-E', 'UTF8', '--locale=C.UTF-8' ]);
$publisher->start;
twin_tables($publisher);
fill_twins($publisher);
$publisher->safe_psql('postgres', 'CREATE PUBLICATION logins FOR TABLE login, refused WITH (publish_via_partition_root = true)');

my $subscriber = new_node('subscriber', conf => "timezone = 'UTC'\n", init => { allows_streaming => 'logical' });
my $connection = $publisher->connstr . ' dbname=postgres';
my %tables = (partitioned => [], plain => [ plain => 1 ]);
my @databases = sort keys %tables;
for my $db (@databases)
{
	$subscriber->safe_psql('postgres', "CREATE DATABASE $db");
	$subscriber->safe_psql($db, 'SET client_min_messages = warning; CREATE EXTENSION headcount CASCADE');
	twin_tables($subscriber, $db, @{ $tables{$db} });
	twin_sources($subscriber, $db);
	$subscriber->safe_psql($db, q{CALL headcount.refresh('stored')});      # every day is stored, and empty
	$subscriber->safe_psql($db, "CREATE SUBSCRIPTION $db CONNECTION '$connection' PUBLICATION logins");
}
for my $db (@databases)
{
	$subscriber->poll_query_until($db, q{SELECT count(*) = 2 AND bool_and(srsubstate IN ('r', 's')) FROM pg_subscription_rel}) or die 'the initial copy does not end';
}
is_followed('the initial copy');

my %changes = (
	'1 an insert'             => q{INSERT INTO login VALUES (1000, 'a new user', 'host 1', 'nas 0', '2026-01-04 10:00', '2026-01-05 10:00')},
	'2 an open session'       => q{INSERT INTO login VALUES (1001, 'another', 'host 2', 'nas 1', '2026-01-14 10:00', NULL, '2026-01-14 10:00')},
	'3 its end'               => q{UPDATE login SET went = '2026-01-18 10:00' WHERE id = 1001},
	'4 an update of many'     => q{UPDATE login SET who = who || '!', nas = 'nas 2' WHERE id % 20 = 3},
	'5 a change of partition' => q{UPDATE login SET came = came + interval '9 days', went = went + interval '9 days' WHERE id IN (100, 110)},
	'6 deletions'             => q{DELETE FROM login WHERE id % 30 = 7; DELETE FROM refused WHERE id % 10 = 1},
	'7 several in one'        => q{BEGIN; DELETE FROM login WHERE id = 50; INSERT INTO login SELECT id + 2000, who, mac, nas, came, went, heard FROM login WHERE id = 51; UPDATE refused SET at = at - interval '1 day' WHERE id = 20; COMMIT},
	'8 a truncation'          => q{TRUNCATE refused},
);
for my $what (sort keys %changes)
{
	$publisher->safe_psql('postgres', $changes{$what});
	$publisher->wait_for_catchup($_) for @databases;
	is_followed($what);
}

# What somebody writes who keeps triggers and foreign keys out of his way.
for my $db (@databases)
{
	$subscriber->safe_psql($db, q{SET session_replication_role = replica;
		INSERT INTO login VALUES (3000, 'replicated', 'host 1', 'nas 0', '2026-01-15 10:00', '2026-01-15 12:00');
		UPDATE login SET mac = 'host 100' WHERE id % 25 = 4;
		DELETE FROM login WHERE id % 25 = 5;
		TRUNCATE refused});
}
is_followed('session_replication_role = replica');

sub is_followed
{
	my ($what) = @_;
	for my $db (@databases)
	{
		is(twins_differ($subscriber, $db), '', "$what, $db: stored and computed days are the same");
		like(rollup_status($subscriber, $db), qr/^t\|[1-9]\d*\|0$/, "$what, $db: some days are dirty, and no others wrong");
		$subscriber->safe_psql($db, q{CALL headcount.refresh('stored')});
		is(rollup_status($subscriber, $db) . twins_differ($subscriber, $db), 't|0|0', "$what, $db: a refresh stores them");
	}
	return;
}

$subscriber->safe_psql($_, "DROP SUBSCRIPTION $_") for @databases;

done_testing();
