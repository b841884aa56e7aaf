# How many licences, people over time, dimensions, alerts and finer buckets, over tables of Citus as over a table of this server.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../t";
use Headcount;
use Spread;
use Test::More;

my ($node, @workers) = citus_nodes();
my $psql = sub { $node->safe_psql('postgres', "SET client_min_messages = error;\n$_[0]") };
my @kinds = qw(by_user by_host reference parts columnar_part);
make_tables($node, $_) for 'own', @kinds;
# those whose answers do not grow from one instant to the next, so that they can be asked at now
my @steady_questions = grep { $_->[0] !~ /\('S', NULL, NULL/ } @more_questions;

my %options = (
	full   => "licensing_model => '2019', last_seen => 'heard', idle_limit => '30 hours', false_denial_before => '5 seconds', user_identity => 'lower(user_name)', $every_option",
	full13 => "licensing_model => '2013', last_seen => 'heard', idle_limit => '30 hours', false_denial_before => '5 seconds', user_identity => 'lower(user_name)', $every_option",
	plain  => "licensing_model => '2025', $every_option",
);
for my $options (sort keys %options)
{
	for my $kind ('own', $options eq 'full' ? @kinds : $options eq 'plain' ? 'by_host' : 'by_user')
	{
		for my $way ('live', 'stored')
		{
			my $name = "${kind}_${options}_$way";
			make_source($node, $name, $kind, $options{$options} . ', materialized => ' . ($way eq 'stored' ? 'true' : 'false'));
			$psql->("CALL headcount.refresh('$name')") if $way eq 'stored';
			next if "$kind $way" eq 'own live';
			is(rollup_status($node, 'postgres', $name), ($kind eq 'own' ? 't' : 'f') . '|0|0', "$name: exact, dirty days, faults") if $way eq 'stored';
			is(compare_sources($node, "own_${options}_live", $name, $_, $_ eq '' ? @steady_questions : @more_questions), '', "$name " . ($_ eq '' ? 'at now' : 'at an instant of the past')) for $kind eq 'by_host' ? '' : (), $past;
		}
	}
}

$_->stop for $node, @workers;
done_testing();
