#!/usr/bin/perl
# Links of the pages that lead nowhere: to a file that is not there, or to a title that its page does not have; and pages that are not in the book
# (docs/README.md). Prints nothing if all is well.
use strict;
use warnings;
use utf8;
use File::Basename qw(dirname);
binmode STDOUT, ':encoding(UTF-8)';

my @pages = grep { -f } glob '*.md docs/*.md examples/*/*.md .github/*.md';
die "there are no pages\n" if @pages < 10;

# The text of a page without what stands in fences, and the anchors of its titles, as GitHub makes them.
my (%text, %anchors);
sub look
{
	my ($page) = @_;
	return if exists $text{$page};
	open my $file, '<:encoding(UTF-8)', $page or die "cannot read $page: $!\n";
	my $all = do { local $/; <$file> };
	$all =~ s/^```.*?^```[^\n]*$//msg;
	$text{$page} = $all;
	my %times;
	for my $title ($all =~ /^#{1,6} +(.*?) *$/mg)
	{
		$title =~ s/\[([^\]]*)\]\([^)]*\)/$1/g;
		my $anchor = lc($title) =~ s/[^\w\- ]//gr =~ s/ /-/gr;
		$anchors{$page}{ $times{$anchor}++ ? "$anchor-" . ($times{$anchor} - 1) : $anchor } = 1;
	}
	return;
}

my $links = 0;
for my $page (@pages)
{
	look($page);
	while ($text{$page} =~ /\]\(([^)\s]+)\)/g)
	{
		my $link = $1;
		next if $link =~ /\A[a-z]+:/;      # another site
		++$links;
		my ($name, $anchor) = $link =~ /\A([^#]*)(?:#(.*))?\z/;
		my $target = $name eq '' ? $page : dirname($page) . "/$name";
		$target =~ s{\A\./}{};
		1 while $target =~ s{[^/]+/\.\./}{};
		if (!-e $target) { print "$page: there is no $link\n" }
		elsif (defined $anchor && $target =~ /\.md\z/)
		{
			look($target);
			print "$page: $target has no title for #$anchor\n" if !$anchors{$target}{$anchor};
		}
	}
}
for my $page (glob 'docs/*.md')
{
	my $name = $page =~ s{.*/}{}r;
	print "docs/README.md does not lead to $page\n" if $name ne 'README.md' && $text{'docs/README.md'} !~ /\]\(\Q$name\E[)#]/;
}
die "the pages have no links\n" if $links < 50;
