# Rows at the ends of the calendar, such as a clock that stood still, a zero date or a typing error makes: they stop nothing, and
# what is stored is about days with something, not about every day between.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use Headcount;
use Twins;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('calendar', conf => "log_statement = none\n");
my $session = twin_roles($node);
sub value { my ($sql) = @_; return $node->safe_psql('postgres', $sql); }

sub ends_of_the_calendar
{
	my ($when, $rows, $implausible) = @_;
	$session->run($setup . make_twins(more => ", false_denial_before => '5 seconds'"));
	my $said = sub {
		my ($sql, $what) = @_;
		return is(error_text($node, "\\set ON_ERROR_STOP on\n\\set ECHO errors\nSET statement_timeout = '30s';\n$sql"), '', $what);
	};
	my $recent = "WHERE day BETWEEN '2025-12-25' AND '2026-03-01'";
	# with days since 4713 BC a view that is computed takes seconds
	my $since_4713 = $when =~ /4713/;
	my $everything = join('', map { my $s = $_; map({ "SELECT * FROM $s.$_ $recent;\n" } qw(daily_user_counts daily_user_counts_2013 daily_user_counts_by_server daily_user_sketches)),
		map({ "SELECT * FROM $s.$_;\n" } qw(sessions denials online_users online_sessions data_quality)),
		"SELECT * FROM headcount.users_on('$s', '2026-01-05');\nSELECT * FROM headcount.users_on('$s', '2026-01-05', 'total');\nSELECT * FROM headcount.users_on('$s', '2026-01-05', 'new');\nSELECT * FROM headcount.hosts_at_peak('$s', '2026-01-05');\n",
		"SELECT headcount.unique_users('$s', '2026-01-01', '2026-01-20');\nSELECT * FROM headcount.source_activity('$s', 'day', '2026-01-01', '2026-01-20');\nSELECT * FROM headcount.online_counts('$s', '{ancient,future,u}');\n",
		"SELECT headcount.realtime_users_count('$s', options => '{\"sd\":\"2026-01-01\",\"ed\":\"2026-01-20\"}');\n" } 'stored', $since_4713 ? () : 'live') . 'SELECT * FROM headcount.source_status;';
	$said->("INSERT INTO w.login (who, mac, nas, came, went) VALUES $rows;\nINSERT INTO w.refused (who, nas, at) SELECT who, nas, came FROM w.login WHERE who IN ('ancient', 'future', 'past');", "rows $when are written") or return;
	for my $act ($since_4713 ? () : '', "CALL headcount.refresh('stored');", $when =~ /in the year 1/ ? "CALL headcount.rebuild('stored');" : ())
	{
		$said->($act, "... $act") or return if $act ne '';
		if ($act =~ /refresh/) { $said->($everything, '... every view and function answers') or return; }
		is(join('', map { value("WITH a AS MATERIALIZED (SELECT * FROM stored.$_ $recent), b AS MATERIALIZED (SELECT * FROM live.$_ $recent) SELECT r::text FROM ((TABLE a EXCEPT ALL TABLE b) UNION ALL (TABLE b EXCEPT ALL TABLE a)) AS r LIMIT 1") } qw(daily_user_counts daily_user_counts_by_server)),
			'', '... and the twins say the same');
	}
	$said->("SELECT * FROM headcount.verify('stored', '2025-12-01', '2026-02-01')", '... verify ends');
	is(value("SELECT sum(pg_total_relation_size(oid)) < @{[ $when =~ /since/ ? 4e7 : 4e6 ]} FROM pg_class WHERE relnamespace = 'stored'::regnamespace AND relkind = 'r'"), 't', '... little is stored');
	like(value("SELECT session_rows || '|' || denial_rows FROM stored.data_quality WHERE rule = 'implausible'"), $implausible, '... data_quality names what is not plausible');
	return;
}
ends_of_the_calendar(@$_) for (
	[ 'in 4713 BC',            "('ancient', 'm', 'nas 0', '4713-01-01 00:00+00 BC', '4713-01-02 00:00+00 BC')", qr/^1\|1$/ ],
	[ 'in the year 1',         "('ancient', 'm', 'nas 0', '0001-01-01 00:00+00', '0001-01-03 00:00+00')", qr/^1\|1$/ ],
	[ 'at the epoch',          "('ancient', 'm', 'nas 0', '1970-01-01 00:00+00', '1970-01-01 00:00:01+00')", qr/^1\|1$/ ],
	[ 'at the end of the calendar', "('future', 'm', 'nas 0', '294276-12-31 23:59:59.999999+00', '294276-12-31 23:59:59.999999+00'), ('future', 'm', 'nas 0', '294276-12-31 23:00+00', NULL)", qr/^0\|0$/ ],
	[ 'to the end of the calendar', "('future', 'm', 'nas 0', '2026-01-05 01:00+00', '294276-12-31 23:59:59.999999+00')", qr/^0\|0$/ ],
	[ 'at infinity',           "('future', 'm', 'nas 0', 'infinity', 'infinity'), ('past', 'm', 'nas 0', '-infinity', '-infinity'), ('past', 'm', 'nas 0', '-infinity', 'infinity'), ('past', 'm', 'nas 0', '2026-01-05 01:00+00', '-infinity')", qr/^0\|/ ],
	[ 'open since the epoch',  "('ancient', 'm', 'nas 0', '1970-01-01 00:00+00', NULL)", qr/^1\|1$/ ]);
$session->run($setup . make_twins() . "INSERT INTO w.login (who, mac, nas, came, went) VALUES ('a', 'm', 'nas 0', '1989-12-31 23:59:59.999999+00', NULL), ('a', 'm', 'nas 0', '1990-01-01 00:00+00', NULL), ('', 'm', 'nas 0', '1980-01-01 00:00+00', NULL);
	INSERT INTO w.refused VALUES ('a', 'nas 0', '1989-12-31 23:59:59.999999+00'), ('a', 'nas 0', '1990-01-01 00:00+00');");
is($session->run("SELECT session_rows, denial_rows FROM stored.data_quality WHERE rule = 'implausible';"), "2|1\n", 'implausible is what was before 1990 UTC');
done_testing();
