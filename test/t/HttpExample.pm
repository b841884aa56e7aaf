package HttpExample;

# The example over HTTP (examples/http) with what it needs from npm, for the tests that start it.

use strict;
use warnings;

use Exporter 'import';
use File::Basename qw(dirname);
use IPC::Run;
use PostgreSQL::Test::RecursiveCopy;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(have http_example);

# Whether there is a program of that name.
sub have { my ($program) = @_; return scalar grep { -x "$_/$program" } split /:/, $ENV{PATH} }

# A folder of this test's own that has a copy of the example, "http", so that nothing is installed into the tree; it is HOME from then on.
# Skips the test where a program that it needs is missing, or npm's registry cannot be reached. Takes the programs, and options of npm ci.
sub http_example
{
	my ($programs, @options) = @_;
	for my $program (@$programs)
	{
		plan skip_all => "$program is not installed" unless have($program);
	}
	my $folder = PostgreSQL::Test::Utils::tempdir();
	PostgreSQL::Test::RecursiveCopy::copypath(dirname(__FILE__) . '/../../examples/http', "$folder/http", filterfn => sub { $_[0] !~ /node_modules/ });
	$ENV{HOME} = $folder;
	my $said = '';
	my @npm = ('npm', '--prefix', "$folder/http", '--cache', "$folder/npm", '--fetch-retries=1', '--fetch-timeout=20000');
	plan skip_all => 'the npm registry cannot be reached' unless IPC::Run::run([ @npm, 'ping' ], '>&', \$said, IPC::Run::timeout(60));
	ok(IPC::Run::run([ @npm, 'ci', @options, '--no-audit', '--no-fund' ], '>&', \$said), 'npm ci') or BAIL_OUT($said);
	return $folder;
}

1;
