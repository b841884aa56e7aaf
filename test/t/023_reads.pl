# While a view is being read somebody else acts: the answer is that of before, or that of after, all of it.
#
# The read stops in an expression of the source, at one row or another of those that it computes from the table: two days are
# dirty, and a session is online now.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use Headcount;
use Twins;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $node = new_node('reads', conf => "log_statement = none\n");
my $session = twin_roles($node);

my $only = $ENV{HEADCOUNT_SCENARIO};
my @acts = (
	[ 'a partition is attached',      "ALTER TABLE w.login ATTACH PARTITION w.older FOR VALUES FROM ('2025-12-01') TO ('2026-01-01');" ],
	[ 'a partition is attached, and the source refreshed', "ALTER TABLE w.login ATTACH PARTITION w.older FOR VALUES FROM ('2025-12-01') TO ('2026-01-01'); CALL headcount.refresh('stored');" ],
	[ 'a partition is detached',      'ALTER TABLE w.login DETACH PARTITION w.empty;' ],
	[ 'the source is refreshed',      "CALL headcount.refresh('stored');" ],
	[ 'the source is rebuilt',        "CALL headcount.rebuild('stored');" ],
	[ 'rows come, and a refresh',     "INSERT INTO w.login (who, mac, nas, came, went) VALUES ('late', 'm', 'nas 0', '2026-01-08 01:00+00', '2026-01-08 02:00+00'); CALL headcount.refresh('stored');" ],
	[ 'all is invalidated',           "SELECT headcount.invalidate('stored', NULL, NULL);" ],
	[ 'triggers are disabled',        'ALTER TABLE w.early DISABLE TRIGGER USER;' ],
	[ 'the owner leaves the role',    'REVOKE tables FROM keeper;' ]);
my @reads = ('SELECT day, total_users, daily_users, denial_users, concurrent_hosts FROM S.daily_user_counts_2019 ORDER BY day',
	'SELECT day, server, total_users, daily_users, concurrent_hosts FROM S.daily_user_counts_by_server ORDER BY day, server',
	"SELECT bucket, unique_users, concurrent_hosts, denial_users FROM headcount.source_activity('S', 'day', '2025-12-20', now()) WHERE bucket < '2026-01-20' AND unique_users + denial_users > 0");
my @failed;      # acts that did nothing test nothing
sub dig { my ($sql, $source, $where) = @_; return ($where // $session)->run(($sql =~ s/\bS\b/$source/gr) . ';'); }
sub first_difference
{
	my ($wanted, $found) = @_;
	my @wanted = split /\n/, $wanted;
	my @found = split /\n/, $found;
	for my $i (0 .. $#wanted)
	{
		return "wanted $wanted[$i], found " . ($found[$i] // '(nothing)') if ($found[$i] // '') ne $wanted[$i];
	}
	return '';
}

# One read, one act, at one row. Returns whether the read got as far as that row.
sub during
{
	my ($act, $read, $way, $row) = @_;
	my ($name, $sql) = @$act;
	my ($view) = $read =~ /FROM (?:S|headcount)\.(\w+)/;
	my $errors = $session->run($setup . "ALTER TABLE w.login DETACH PARTITION w.early; ALTER TABLE w.login ATTACH PARTITION w.early FOR VALUES FROM ('2026-01-01') TO ('2026-01-10');
		CREATE TABLE w.empty PARTITION OF w.login FOR VALUES FROM ('2025-11-01') TO ('2025-12-01');
		CREATE TABLE w.older (LIKE w.login); INSERT INTO w.older VALUES ('old', 'o', 'mac old', 'nas 0', 'calm', '2025-12-30 10:00+00', '2026-01-03 10:00+00'); ALTER TABLE w.older OWNER TO tables; ALTER TABLE w.empty OWNER TO tables;"
		. make_twins(user => 'w.pass(w.norm(who))') . "INSERT INTO w.login (who, mac, nas, came, went) VALUES ('dirty', 'm', 'nas 0', '2026-01-02 01:00+00', '2026-01-02 02:00+00'), ('dirty', 'm', 'nas 0', '2026-01-15 01:00+00', '2026-01-15 02:00+00');");
	my $before = dig($read, 'live');
	my $reader = open_session($node, start => "SET w.pause = $row; SET statement_timeout = '30s'; SET client_min_messages = error;\n");
	$session->run('SELECT pg_advisory_lock(42);');
	my $query = $read =~ s/\bS\b/stored/gr;
	$reader->start($way eq 'a cursor' ? "BEGIN; DECLARE c CURSOR FOR $query; FETCH 1 FROM c; FETCH ALL FROM c; COMMIT;" : "$query;");
	my ($waits, $answer) = (0);
	for (1 .. 400)
	{
		last if defined($answer = $reader->finish(0.02)) || ($waits = $session->run(q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted;})) > 0;
	}
	if ($waits > 0)
	{
		my $actor = open_session($node, start => "SET lock_timeout = '500ms'; SET client_min_messages = error;\n");
		my $said = $actor->run($sql);      # where it has to wait for the reader, nothing happens
		$actor->close;
		$session->run('SELECT pg_advisory_unlock(42);');
		$answer = $reader->finish(40);
		my $after = dig($read, 'live');
		push @failed, "$name: $errors$said" if "$errors$said" =~ /ERROR:  (?!55P03)/;
		ok(defined $answer && ($answer eq $before || $answer eq $after), "$name, while $view is being read by $way, at row $row")
		  or diag("$errors\nthe act: $said\n" . first_difference($before, $answer // '(none)') . "\n" . first_difference($after, $answer // '(none)'));
		is($session->run(compare_twins()), '', '... and once that is over the twins say the same') if $row == 1;
	}
	$session->run('SELECT pg_advisory_unlock_all();');
	$reader->close;
	return $waits > 0;
}

for my $act (@acts)
{
	next if defined $only && $act->[0] !~ /$only/;
	my $is_main = $act->[0] eq 'a partition is attached';
	for my $read ($is_main ? @reads : $reads[0])
	{
		for my $row ($is_main ? (1, 2, 3, 5, 8, 13, 21, 34) : (1, 4))
		{
			last if !during($act, $read, 'a query', $row);
		}
	}
	during($act, $reads[0], 'a cursor', 1) if $is_main;
}
is(join(', ', @failed), '', 'the acts are what they say');
done_testing();
