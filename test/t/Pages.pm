# Pages of the documentation whose statements tests run.

package Pages;

use strict;
use warnings;

use Exporter 'import';
use FindBin;
use PostgreSQL::Test::Utils;

our @EXPORT = qw(all_pages page_text page_blocks);

my $docs = "$FindBin::RealBin/../../docs";

# The names of all pages, seen from docs.
sub all_pages { return ('../README.md', sort map { s{.*/}{}r } glob "$docs/*.md"); }

# The text of a page.
sub page_text
{
	my ($name) = @_;
	return slurp_file("$docs/$name");
}

# What a page says, in order: [title, 'title', undef], and [title of the section, 'sql' or 'text', block].
sub page_blocks
{
	my ($page) = @_;
	my ($title, @blocks) = ('');
	while ($page =~ /^## ([^\n]*)$|^```(sql|text)\n(.*?)^```$/msg)
	{
		$title = $1 if defined $1;
		push @blocks, defined $1 ? [ $title, 'title', undef ] : [ $title, $2, $3 ];
	}
	return @blocks;
}

1;
