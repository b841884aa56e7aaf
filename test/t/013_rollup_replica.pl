# A streaming replica reads what is stored on its primary: the same answers there, whatever is dirty; nothing can be stored,
# and promoted it goes on by itself.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use Headcount;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = new_node('primary', init => { allows_streaming => 1 }, conf => "timezone = 'UTC'\n");
twin_tables($primary);
fill_twins($primary);
twin_sources($primary);
$primary->safe_psql('postgres', 'CREATE ROLE reader LOGIN; GRANT SELECT ON stored.daily_user_counts TO reader');
$primary->backup('base');
my $replica = PostgreSQL::Test::Cluster->new('replica');
$replica->init_from_backup($primary, 'base', has_streaming => 1);
$replica->append_conf('postgresql.conf', "hot_standby_feedback = on\nwal_receiver_status_interval = 1\n");
$replica->start;

my $answer = q{SET headcount.as_of = '2026-02-01 12:00+00'; SELECT * FROM stored.daily_user_counts};
# but for the bytes: maps of free space are a server's own
my $status = q{SELECT to_jsonb(s) - 'rollup_bytes' FROM headcount.source_status AS s ORDER BY s.source};
sub is_same
{
	my ($what) = @_;
	$primary->wait_for_catchup($replica);
	is(twins_differ($replica), '', "$what: stored and computed days are the same on the replica");
	is($replica->safe_psql('postgres', $answer), $primary->safe_psql('postgres', $answer), "$what: and the same as on the primary");
	is($replica->safe_psql('postgres', $status), $primary->safe_psql('postgres', $status), "$what: so is source_status");
	is(rollup_status($replica), rollup_status($primary), "$what: verify finds nothing there");
	return;
}
is_same('nothing stored');
$primary->safe_psql('postgres', q{CALL headcount.refresh('stored', 10)});
is_same('some days stored');
$primary->safe_psql('postgres', q{CALL headcount.refresh('stored')});
is_same('all days stored');
$primary->safe_psql('postgres', q{UPDATE login SET went = went + interval '2 days' WHERE id IN (50, 150); DELETE FROM refused WHERE id = 7; INSERT INTO early VALUES (1000, 'new', 'h', 'nas 0', '2026-01-03', '2026-01-04')});
is_same('some days dirty');
like(rollup_status($replica), qr/^t\|[1-9]\d*\|0$/, '... which the replica knows');
$primary->safe_psql('postgres', q{CREATE TABLE february PARTITION OF login FOR VALUES FROM ('2026-02-10') TO ('2026-03-01')});
is_same('a partition more');
$primary->safe_psql('postgres', q{CALL headcount.refresh('stored')});
is_same('refreshed again');
$primary->safe_psql('postgres', q{ALTER TABLE refused DISABLE TRIGGER USER});
$primary->wait_for_catchup($replica);
like(rollup_status($replica), qr/^f\|\d+\|5$/, 'a fault of the primary is seen on the replica');
$primary->safe_psql('postgres', q{ALTER TABLE refused ENABLE TRIGGER USER});
is($replica->safe_psql('postgres', $answer, extra_params => [ '-U', 'reader' ]), $primary->safe_psql('postgres', $answer), 'SELECT on the view is all that a reader needs there');
is($replica->safe_psql('postgres', 'SELECT count(*) FROM headcount.refresh_progress'), '0', 'refresh_progress can be read');

# The refresh makes triggers anew that somebody has switched off and on, for which it locks their tables.
$primary->safe_psql('postgres', q{CALL headcount.refresh('stored')});
$primary->wait_for_catchup($replica);

# A transaction there sees one state of everything while the primary goes on.
my $session = $replica->background_psql('postgres', on_error_die => 1);
my $counts = q{SELECT md5(string_agg(v::text, ' ')) FROM stored.daily_user_counts_2019 AS v};
$session->query_safe(q{SET headcount.as_of = '2026-02-01 12:00+00'; BEGIN ISOLATION LEVEL REPEATABLE READ});
my $first = $session->query_safe($counts);
$primary->safe_psql('postgres', q{UPDATE login SET who = 'in between' WHERE id % 40 = 1});
$primary->safe_psql('postgres', q{CALL headcount.refresh('stored')});
$primary->wait_for_catchup($replica);
is($session->query_safe($counts), $first, 'a snapshot of the replica stays what it was over a refresh');
$session->query_safe('COMMIT');
isnt($session->query_safe($counts), $first, '... and a later one is another');
$session->quit;

my %writes = (
	'refresh'        => q{CALL headcount.refresh('stored')},
	'refresh of all' => q{CALL headcount.refresh()},
	'rebuild'        => q{CALL headcount.rebuild('stored')},
	'invalidate'     => q{SELECT headcount.invalidate('stored', '2026-01-01', '2026-01-02')},
	'freeze'         => q{SELECT headcount.freeze('stored', '2026-01-02')},
);
is(sqlstates($replica, $writes{$_}), '25006', "$_ is refused: the replica is read-only") for sort keys %writes;
like(error_text($replica, $writes{refresh}), qr/replica has what is stored on its primary/, '... and the error says where to refresh');
is_same('after what was refused');

$primary->stop;
$replica->promote;
$replica->safe_psql('postgres', q{UPDATE login SET who = 'promoted' WHERE id = 77});
is(twins_differ($replica), '', 'promoted: stored and computed days are the same');
is(rollup_status($replica), 't|1|0', 'promoted: changes are logged');
is(sqlstates($replica, q{CALL headcount.refresh()}), '', 'promoted: a refresh works');
is(rollup_status($replica) . twins_differ($replica), 't|0|0', 'promoted: ... and leaves nothing to do');

done_testing();
