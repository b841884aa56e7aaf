# The pages that are read from top to bottom, the tutorial, the concepts and the stories: every statement runs as it stands there, one after the
# other in one session, and prints what the page says it prints.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Headcount;
use Pages;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('stories');
$node->safe_psql('postgres', 'CREATE DATABASE story_template');
$node->safe_psql('story_template', 'SET client_min_messages = warning; CREATE EXTENSION headcount CASCADE');

# As psql prints it, without blanks at the ends of lines.
sub printed
{
	my ($text) = @_;
	return $text =~ s/[ \t]+$//mgr =~ s/\A\n+|\n+\z//gr;
}

# The tutorial begins with an empty database, the stories with one that has the extension.
for ([ 'tutorial.md', 'template1' ], [ 'concepts.md', 'story_template' ], [ 'story-licences.md', 'story_template' ], [ 'story-wifi.md', 'story_template' ])
{
	my ($name, $template) = @$_;
	my $page = page_text($name);
	(my $story = $name) =~ s/\W/_/g;
	$node->safe_psql('postgres', "CREATE DATABASE $story TEMPLATE $template");
	my @blocks = grep { $_->[1] ne 'title' } page_blocks($page);
	my @statements = grep { $blocks[$_][1] eq 'sql' } 0 .. $#blocks;
	my $script = "SET timezone = 'UTC'; SET datestyle = ISO; SET intervalstyle = postgres;\n" . join('', map { "\\echo ~ $_\n$blocks[$_][2]" } @statements) . "\\echo ~ end\n";
	my ($code, $out, $err) = $node->psql($story, $script, on_error_stop => 1,
		extra_params => [ '-P', 'format=aligned', '-P', 'tuples_only=off', '-P', 'footer=off', '-P', 'null=' ]);
	is($code, 0, "$story: every statement runs") or diag $err;
	my %printed = $out =~ /^~ (\d+)\n(.*?)(?=^~ )/msg;
	my $compared = 0;
	for my $at (@statements)
	{
		next if $at == $#blocks || $blocks[ $at + 1 ][1] ne 'text';
		is(printed($printed{$at} // 'not reached'), printed($blocks[ $at + 1 ][2]), "$story, $blocks[$at][0], what block " . ++$compared . ' prints');
	}
	cmp_ok($compared, '>', 4, "$story: results are on the page");
	is($node->safe_psql($story, 'SELECT string_agg(v::text, chr(10)) FROM headcount.source_status AS s, headcount.verify(s.source) AS v'), '', "$story: stored days are right");
}

# The statements of the table of what Headcount can do name functions and views that there are.
my %called = map { ($_ => 1) } page_text('capabilities.md') =~ /`headcount\.(\w+)\(/g;
cmp_ok(scalar(keys %called), '>', 10, 'capabilities: statements');
is($node->safe_psql('story_template', "SELECT string_agg(f, ' ') FROM unnest(ARRAY['" . join("', '", sort keys %called) . "']) AS f WHERE NOT EXISTS (SELECT FROM pg_proc WHERE proname = f AND pronamespace = 'headcount'::regnamespace)"),
	'', 'capabilities: every function is there');

$node->stop;
done_testing();
