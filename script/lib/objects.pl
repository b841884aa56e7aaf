#!/usr/bin/perl
# Makes docs/objects.md of what script/lib/objects.sql reads from a database (on standard input), and prints it. What stands before the
# first section, and the version that an object came with, are kept from the page; a new object gets the version of headcount.control.
use strict;
use warnings;
use utf8;
binmode STDIN,  ':encoding(UTF-8)';
binmode STDOUT, ':encoding(UTF-8)';

sub slurp { my $name = shift; open my $file, '<:encoding(UTF-8)', $name or die "cannot read $name: $!\n"; local $/; return <$file> }
my $page = -e 'docs/objects.md' ? slurp('docs/objects.md') : "# Objects\n\n";
my ($version) = slurp('headcount.control') =~ /^default_version *= *'([^']*)'/m;

# Arguments, cut at commas that stand in no brackets and no quotes.
sub arguments { my $text = shift; my @parts; push @parts, $1 =~ s/\A\s+//r while $text =~ /\G((?:[^,'()]|'(?:[^']|'')*'|(\((?:[^()]|(?2))*\)))+),?/g; return @parts }

# What is the same whatever the defaults and the results: by that an object is known again.
sub identity
{
	my ($object) = @_;
	my ($name, $arguments) = $object =~ /\A([^(]+)(?:\((.*?)\)(?: →.*)?)?\z/s or return $object;
	return $name if !defined $arguments;
	return "$name(" . join(', ', map { s/ DEFAULT .*//sr } arguments($arguments)) . ')';
}

sub short { my $text = shift; $text =~ s/timestamp with time zone/timestamptz/g; $text =~ s/timestamp without time zone/timestamp/g; $text =~ s/double precision/float8/g; return $text }

# As a person writes it: what is given, and what comes out.
sub signature
{
	my ($key, $rest) = @_;
	my ($name, $inside) = $key =~ /\A(\w+)\((.*)\)\z/s or return "$key$rest";
	my (@in, @out);
	for (arguments($inside))
	{
		if (s/\AOUT //) { push @out, $_; next }
		s/\AIN //;
		s/ DEFAULT (.*)\z/' DEFAULT ' . ($1 =~ s{::[\w ]+(?:\[\])?}{}gr)/se;
		push @in, $_;
	}
	my $result = $rest;
	$result = ($rest =~ /SETOF/ ? ' → setof (' : ' → (') . join(', ', @out) . ')' if @out;
	$result =~ s/→ TABLE\(/→ setof (/;
	$result =~ s/→ SETOF headcount_internal\.daily_user_count\z/→ the columns of daily_user_counts/;
	$result =~ s/→ SETOF /→ setof /;
	return "$name(" . join(', ', @in) . ")$result";
}

# --- versions, as the page has them ----------------------------------------------------------------------------------

my (%added, $section, $relation);
for (split /\n/, $page)
{
	if (/^## (.*)/) { ($section, $relation) = ($1, '') }
	elsif (/^### `(.*)`/) { $relation = $1 }
	elsif (/^- `(.*)` \*(\S+)\*:/) { $added{$section}{ identity($1) } = $2 }
	elsif (/^\| `([^`]*)` \| .* \| (\S+) \|$/) { $added{$section}{"$relation.$1"} = $2 }
	elsif (/\*Since (\S+)\.\*$/) { $added{$section}{$relation} = $1 }
}
sub added { my ($of, $key) = @_; return $added{$of}{$key} // $version }

# --- the page --------------------------------------------------------------------------------------------------------

my ($head) = $page =~ /\A(.*?)(?=^## |\z)/ms;
print $head;
my (@sections, %of);
while (<STDIN>)
{
	chomp;
	my ($in, $key, $rest, $comment) = split /\t/, short($_), -1;
	die "a line of another shape: $_\n" if !defined $comment;
	push @sections, $in if !$of{$in};
	$comment =~ s/under licensing model \d+/under the licensing model of the source/ if $key !~ /_20\d\d\z/;
	push @{ $of{$in} }, [ $key, $rest, $comment =~ s/\|/\\|/gr =~ s/</&lt;/gr ];
}
die "nothing to list\n" if @sections < 8;
my %daily = map { ($_->[0] =~ /\Adaily_user_counts\.(.*)/ ? "$1$_->[1]|$_->[2]" : '') => 1 } @{ $of{'Views of a source'} };
for my $in (@sections)
{
	print "## $in\n\n";
	if ($in !~ /^Views/)
	{
		for (@{ $of{$in} })
		{
			my $object = signature(@$_[ 0, 1 ]);
			print "- `$object` *" . added($in, identity($object)) . "*: $_->[2]\n";
		}
		print "\n";
		next;
	}
	my @rows = @{ $of{$in} };
	while (my $view = shift @rows)
	{
		my ($name, undef, $comment) = @$view;
		my @columns;
		push @columns, shift @rows while @rows && $rows[0][0] =~ /\A\Q$name\E\./;
		my $alike = 0;
		print "### `$name`\n\n\u$comment. *Since " . added($in, $name) . ".*\n\n| column | type | what | added |\n|---|---|---|---|\n";
		for (@columns)
		{
			my $column = $_->[0] =~ s/\A\Q$name\E\.//r;
			if ($name =~ /\Adaily_user_counts_/ && $daily{"$column$_->[1]|$_->[2]"}) { ++$alike; next }
			print "| `$column` |$_->[1] | $_->[2] | " . added($in, "$name.$column") . " |\n";
		}
		print "| and $alike columns of [daily_user_counts](#daily_user_counts) | | | |\n" if $alike > 0;
		print "\n";
	}
}
