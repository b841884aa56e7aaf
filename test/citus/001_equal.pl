# A source over tables of Citus gives what one over a table of this server gives: every view and every function, at now and at an
# instant of the past, live and stored.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../t";
use Headcount;
use Spread;
use Test::More;

my ($node, @workers) = citus_nodes();
my @kinds = qw(by_user by_host reference parts columnar columnar_part);
make_tables($node, $_) for 'own', @kinds;

my $stale = "last_seen => 'heard', idle_limit => '30 hours'";
my $false = "false_denial_before => '5 seconds'";
my $folded = "user_identity => 'lower(user_name)'";
my %options = (
	plain  => "licensing_model => '2019'",
	full   => "licensing_model => '2019', $stale, $false, $folded",
	full13 => "licensing_model => '2013', $stale, $false, $folded",
);
for my $options (sort keys %options)
{
	for my $kind ('own', @kinds)
	{
		for my $way ('live', 'stored')
		{
			my $name = "${kind}_${options}_$way";
			make_source($node, $name, $kind, $options{$options} . ', materialized => ' . ($way eq 'stored' ? 'true' : 'false'));
			next if $way eq 'live';
			$node->safe_psql('postgres', "CALL headcount.refresh('$name')");
			is(rollup_status($node, 'postgres', $name), ($kind eq 'own' ? 't' : 'f') . '|0|0', "$name: exact, dirty days, faults");
		}
		is(compare_sources($node, "own_${options}_live", "${kind}_${options}_$_", ''), '', "${kind}_${options}_$_ at now") for $kind eq 'own' ? 'stored' : ('live', 'stored');
		is(compare_sources($node, "own_${options}_live", "${kind}_${options}_$_", $past), '', "${kind}_${options}_$_ at an instant of the past") for $kind eq 'own' ? 'stored' : ('live', 'stored');
	}
}
$_->stop for $node, @workers;
done_testing();
