#!/usr/bin/perl
# docs/errors.md lists every error, warning and notice that the sources raise. Prints what is wrong with the page: a message that it does
# not have, one that is gone, another SQLSTATE or HINT, one of which nobody says what to do. With --write the page is written anew: what
# to do is kept where a person wrote it, and is the HINT of the source where it has one and nobody wrote more.
use strict;
use warnings;
use utf8;
binmode STDOUT, ':encoding(UTF-8)';

my $page = 'docs/errors.md';
my $gap  = '…';

sub slurp { my $name = shift; open my $file, '<:encoding(UTF-8)', $name or die "cannot read $name: $!\n"; local $/; return <$file> }

# The sections of the page, with their places on it: where a message belongs the file says that raises it, and the first that fits counts.
my @sections = (
	[ 5, 'FlexNet logs', qr{flexnet} ],
	[ 6, 'Federations', qr{federation|keyed_hashes} ],
	[ 1, 'Making and changing a source', qr{src/source/([123]|42|50|95)|source/(expression|advice)|src/sql/00} ],
	[ 3, 'Refresh and stored days', qr{src/source/(4|6|7)|source/(refresh|state|change_log|log_changes|values)|stored_days|daily_sets|numbered_days|dictionary_page|dictionary\.hpp} ],
	[ 2, 'Questions to a source', qr{src/source/[89]|sizing|as_owner|civil|daily_levels|levels\.cpp} ],
	[ 4, 'The two APIs and files', qr{src/api/|src/export/|temporary_file} ],
	[ 7, 'Types, aggregates and functions', qr{^} ],
);

my %sqlstate = qw(
	CONNECTION_FAILURE 08006 WARNING 01000 FEATURE_NOT_SUPPORTED 0A000 DATA_EXCEPTION 22000 STRING_DATA_RIGHT_TRUNCATION 22001 NUMERIC_VALUE_OUT_OF_RANGE 22003
	NULL_VALUE_NOT_ALLOWED 22004 DATETIME_VALUE_OUT_OF_RANGE 22008 DIVISION_BY_ZERO 22012 INVALID_PARAMETER_VALUE 22023 ARRAY_SUBSCRIPT_ERROR 2202E INVALID_TEXT_REPRESENTATION 22P02
	INVALID_BINARY_REPRESENTATION 22P03 UNIQUE_VIOLATION 23505 INVALID_TRANSACTION_STATE 25000 ACTIVE_SQL_TRANSACTION 25001 READ_ONLY_SQL_TRANSACTION 25006 DEPENDENT_OBJECTS_STILL_EXIST 2BP01
	INVALID_TRANSACTION_TERMINATION 2D000 INVALID_SCHEMA_NAME 3F000 T_R_SERIALIZATION_FAILURE 40001 INSUFFICIENT_PRIVILEGE 42501 SYNTAX_ERROR 42601 INVALID_NAME 42602 NAME_TOO_LONG 42622
	DUPLICATE_COLUMN 42701 AMBIGUOUS_COLUMN 42702 UNDEFINED_COLUMN 42703 UNDEFINED_OBJECT 42704 DUPLICATE_OBJECT 42710 DATATYPE_MISMATCH 42804 WRONG_OBJECT_TYPE 42809 UNDEFINED_FUNCTION 42883
	RESERVED_NAME 42939 UNDEFINED_TABLE 42P01 UNDEFINED_PARAMETER 42P02 DUPLICATE_SCHEMA 42P06 DUPLICATE_TABLE 42P07 INVALID_COLUMN_REFERENCE 42P10 INVALID_TABLE_DEFINITION 42P16
	INVALID_OBJECT_DEFINITION 42P17 INSUFFICIENT_RESOURCES 53000 DISK_FULL 53100 OUT_OF_MEMORY 53200 CONFIGURATION_LIMIT_EXCEEDED 53400 PROGRAM_LIMIT_EXCEEDED 54000
	OBJECT_NOT_IN_PREREQUISITE_STATE 55000 LOCK_NOT_AVAILABLE 55P03 QUERY_CANCELED 57014 IO_ERROR 58030 CONFIG_FILE_ERROR F0000 INTERNAL_ERROR XX000 DATA_CORRUPTED XX001);
my %fault;
my $boundary = slurp('src/pg/boundary.cpp');
while ($boundary =~ /((?:case core::fault::\w+:\s*)+)return ERRCODE_(\w+);/g)
{
	my ($cases, $name) = ($1, $2);
	$fault{$_} = $name for $cases =~ /fault::(\w+):/g;
}

# --- reading calls ---------------------------------------------------------------------------------------------------

# The text without comments, and a copy in which what stands in quotes is blank: both as long as each other.
sub prepared
{
	my ($text, $is_sql) = @_;
	my $string = $is_sql ? qr/'(?:[^']|'')*'/s : qr/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)'/s;
	my $comment = $is_sql ? qr/--[^\n]*/ : qr{//[^\n]*|/\*.*?\*/}s;
	my $masked = '';
	my $kept = '';
	while ($text =~ /\G(?:($string)|($comment)|([\s\S]))/gc)
	{
		if (defined $1) { $kept .= $1; $masked .= "\1" x length $1 }
		elsif (defined $2) { $kept .= ' ' x length $2; $masked .= ' ' x length $2 }
		else { $kept .= $3; $masked .= $3 }
	}
	return ($kept, $masked);
}

# The end of what is in brackets from a place behind the opening one.
sub closing
{
	my ($masked, $from) = @_;
	my $depth = 1;
	pos($masked) = $from;
	while ($masked =~ /([()\[\]{}])/g)
	{
		$depth += $1 =~ /[(\[{]/ ? 1 : -1;
		return $-[0] if $depth == 0;
	}
	die "no closing bracket\n";
}

# A text cut at a separator that stands in no brackets and no quotes.
sub cut
{
	my ($text, $separator, $is_sql) = @_;
	(undef, my $masked) = prepared($text, $is_sql);
	my ($depth, $begin, @parts) = (0, 0);
	while ($masked =~ /([(\[{])|([)\]}])|($separator)/g)
	{
		if (defined $1) { ++$depth }
		elsif (defined $2) { --$depth }
		elsif ($depth == 0) { push @parts, substr($text, $begin, $-[3] - $begin); $begin = $+[3] }
	}
	push @parts, substr($text, $begin);
	s/\A\s+|\s+\z//g for @parts;
	return @parts;
}

sub joined { my $text = join '', @_; $text =~ s/(?:\Q$gap\E)+/$gap/g; return $text }

# What an expression of SQL may give, $gap for what is not known before.
sub sql_texts
{
	my ($text) = @_;
	return '' if !defined $text || $text =~ /\ANULL\z/i || $text eq '';
	if ($text =~ /\A'((?:[^']|'')*)'\z/s) { return $1 =~ s/''/'/gr }
	if ($text =~ /\A(?:pg_catalog\.)?format\s*\((.*)\)\z/s)
	{
		my ($format) = map { sql_texts($_) } (cut($1, qr/,/, 1))[0];
		return $format =~ s/%(?:\d+\$)?[sIL]/$gap/gr =~ s/%%/%/gr;
	}
	if ($text =~ /\ACASE\b(.*)\bEND\z/s)
	{
		my (undef, @given) = cut($1, qr/\b(?:THEN|ELSE)\b/, 1);
		return map { sql_texts((cut($_, qr/\bWHEN\b/, 1))[0]) } @given;
	}
	my @parts = cut($text, qr/\|\|/, 1);
	return joined(map { (sql_texts($_))[0] } @parts) if @parts > 1;
	return $gap;
}

sub cpp_text
{
	my ($text, $file) = @_;
	return '' if !defined $text || $text eq '{}' || $text eq '';
	my @parts = cut($text, qr/\+/, 0);
	return joined(map { cpp_text($_, $file) } @parts) if @parts > 1;
	if ($text =~ /\A(?:"(?:[^"\\]|\\.)*"\s*)+\z/s) { return joined(map { s/\\(.)/$1/gr } $text =~ /"((?:[^"\\]|\\.)*)"/gs) }
	if ($text =~ /\Astd::string\s*\((.*)\)\z/s) { return cpp_text($1, $file) }
	if ($text =~ /\A\w+\z/ && $file =~ /(?:\bconst char \*(?:const )?|std::string )\Q$text\E = ([^;]+);/) { return cpp_text($1, $file) }
	return $gap;
}
sub printed { return joined(cpp_text(@_) =~ s/%(?:[su]|m)/$gap/gr) }

# --- finding messages ------------------------------------------------------------------------------------------------

my (%messages, $calls);
sub found
{
	my ($source, $level, $state, $message, @hints) = @_;
	return if $message =~ /\A(?:\Q$gap\E)?\z/ || $message =~ /\A(?:argument|option) "$gap": $gap\z/ || $state eq $gap && $message =~ /\A(?:argument|option) "\w+": $gap\z/;
	my ($section) = grep { $source =~ $sections[$_][2] } 0 .. $#sections;
	my $it = $messages{$message}{ $level eq 'ERROR' ? $state : $level } //= { section => $section, hints => {} };
	$it->{hints}{$_} = 1 for grep { $_ ne '' && $_ ne $gap } @hints;
	return;
}

for my $source (split /\n/, `find src -name '*.sql' -o -name '*.cpp' -o -name '*.hpp' | LC_ALL=C sort`)
{
	my $is_sql = $source =~ /\.sql\z/;
	next if $source eq 'src/pg/boundary.cpp' || $source eq 'src/core/base/error.hpp';
	my ($text, $masked) = prepared(slurp($source), $is_sql);
	# the arguments of a call, those with a name by it
	my $arguments = sub {
		my ($from) = @_;
		my (@places, %names);
		for (cut(substr($text, $from, closing($masked, $from) - $from), qr/,/, $is_sql))
		{
			if ($is_sql && /\A(\w+)\s*=>\s*(.*)\z/s) { $names{$1} = $2 }
			else { push @places, $_ }
		}
		return (\@places, \%names);
	};
	if ($is_sql)
	{
		my %raisers = (      # name => [where its arguments are]
			raise_error => [qw(state message detail hint)], raise_argument_error => [qw(argument problem state detail hint)], raise_option_error => [qw(option problem hint)],
			dimension_error => [qw(problem state detail hint)], remark => [qw(argument problem detail hint)]);
		while ($masked =~ /(?<!CREATE FUNCTION )(?<!ON FUNCTION )\bheadcount_internal\.(raise_error|raise_argument_error|raise_option_error|dimension_error|remark)\s*\(/g)
		{
			my ($raiser, $from) = ($1, $+[0]);
			my ($places, $names) = $arguments->($from);
			my %said = (map({ $raisers{$raiser}[$_] => $places->[$_] } 0 .. $#$places), %$names);
			++$calls;
			my $prefix = $raiser eq 'dimension_error' ? 'argument "dimensions": ' : defined $said{argument} ? 'argument "' . (sql_texts($said{argument}))[0] . '": '
			  : defined $said{option} ? 'option "' . (sql_texts($said{option}))[0] . '": ' : '';
			my $state = (sql_texts($said{state} // "'22023'"))[0];
			my @hints = sql_texts($said{hint});
			found($source, $raiser eq 'remark' ? 'NOTICE' : 'ERROR', $state, "$prefix$_", @hints) for sql_texts($said{message} // $said{problem});
		}
		while ($masked =~ /\bRAISE (NOTICE|WARNING|\w+)( USING)?\s+/g)
		{
			my ($level, $is_bare, $from) = ($1, $2, $+[0]);
			my $statement = substr($text, $from, index($masked, ';', $from) - $from);
			++$calls;
			if ($is_bare)
			{
				next if $statement =~ /\AERRCODE = 'HC000'\z/;      # is caught where it is raised
				my %said = map { /\A(\w+)\s*=\s*(.*)\z/s } cut($statement, qr/,/, 1);
				found($source, 'ERROR', $sqlstate{ uc $level } // die("$source: no SQLSTATE $level in script/lib/errors.pl\n"), sql_texts($said{MESSAGE}), sql_texts($said{HINT}));
				next;
			}
			my ($what, $using) = cut($statement, qr/\bUSING\b/, 1);
			my %said = map { /\A(\w+)\s*=\s*(.*)\z/s } cut($using // '', qr/,/, 1);
			my $state = defined $said{ERRCODE} ? (sql_texts($said{ERRCODE}))[0] : 'P0001';
			found($source, $level eq 'EXCEPTION' ? 'ERROR' : $level, $state, (sql_texts((cut($what, qr/,/, 1))[0]))[0] =~ s/%/$gap/gr, sql_texts($said{HINT}));
		}
		if ($text =~ /FROM \(VALUES (.*?)\) AS e \(state, code, message\)/s)
		{
			my $rows = $1;
			found($source, 'ERROR', $1, $2, '') while $rows =~ /\('(\w+)', '[^']*', '([^']*)'\)/g;
		}
		next;
	}
	while ($masked =~ /\b(core::error|error|ereport|elog|validate|byte_reader\s+\w+)\s*\(/g)
	{
		my ($raiser, $from) = ($1, $+[0]);
		my $before = substr($masked, 0, $-[0]);
		next if $raiser eq 'error' && $before !~ /\bthrow\s+\z/;
		my ($places) = $arguments->($from);
		if ($raiser =~ /error\z/)
		{
			++$calls;
			my ($kind) = $places->[0] =~ /fault::(\w+)\z/;
			my $state = defined $kind ? $sqlstate{ $fault{$kind} // die("$source: no fault $kind\n") } // die("$source: no SQLSTATE of $kind in script/lib/errors.pl\n") : $gap;
			found($source, 'ERROR', $state, cpp_text($places->[1], $text), cpp_text($places->[3], $text));
		}
		elsif ($raiser eq 'validate')
		{
			my ($kind) = ($places->[2] // '') =~ /fault::(\w+)/;
			found($source, 'ERROR', $sqlstate{ $fault{$kind} }, cpp_text($places->[3], $text), '') if defined $kind;
		}
		elsif ($raiser =~ /\Abyte_reader/) { found($source, 'ERROR', 'XX001', cpp_text($places->[1], $text), '') if @$places > 1 && $places->[1] =~ /"/ }
		elsif ($raiser eq 'elog') { ++$calls; found($source, $places->[0], 'XX000', printed($places->[1], $text), '') }
		else
		{
			++$calls;
			my %said;
			for (map { cut($_, qr/,/, 0) } $places->[1] =~ /\A\((.*)\)\z/s)
			{
				my ($what, $told) = /\b(errhint)\((.*)\)\z/s ? ($1, $2) : /\A(err(?:code|msg|detail))(?:_internal)?\((.*)\)\z/s ? ($1, $2) : next;
				$said{$what} = (cut($told, qr/,/, 0))[0];
			}
			my $state = exists $said{errcode} && $said{errcode} =~ /\AERRCODE_(\w+)\z/ ? $sqlstate{$1} // die("$source: no SQLSTATE $1 in script/lib/errors.pl\n")
			  : $places->[1] =~ /errcode_for_file_access/ ? '58030' : $gap;
			found($source, $places->[0], $state, printed($said{errmsg}, $text), printed($said{errhint}, $text));
		}
	}
}
die "the sources raise no errors any more?\n" if $calls < 200;

# --- the page --------------------------------------------------------------------------------------------------------

my $written = -e $page ? slurp($page) : '';
my ($head) = $written =~ /\A(.*?)(?=^## |\z)/ms;
my %said;      # message => { SQLSTATE => what to do }
while ($written =~ /^\| `([^`\n]*)` \| (\w+|$gap) \| (.*) \|$/mg)
{
	print "docs/errors.md has a message twice: $1 ($2)\n" if exists $said{$1}{$2};
	$said{$1}{$2} = $3;
}

my @rows = map { my $message = $_; map { [ $message, $_, $messages{$message}{$_} ] } sort keys %{ $messages{$message} } } sort { lc($a =~ s/\W//gr) cmp lc($b =~ s/\W//gr) || $a cmp $b } keys %messages;
my $new = $head;
for my $section (sort { $sections[$a][0] <=> $sections[$b][0] } 0 .. $#sections)
{
	my @of = grep { $_->[2]{section} == $section } @rows;
	$new .= "## $sections[$section][1]\n\n| message | SQLSTATE | what to do |\n|---|---|---|\n" if @of;
	for (@of)
	{
		my ($message, $state, $it) = @$_;
		my $do = $said{$message}{$state} // '';
		my @hints = keys %{ $it->{hints} };      # of several no one is meant: then a person writes
		$do = @hints == 1 ? 'HINT: ' . ($hints[0] =~ s/\s+/ /gr =~ s/\|/\\|/gr) : '' if $do eq '' || $do =~ /\AHINT: /;
		$new .= "| `$message` | $state | $do |\n";
	}
	$new .= "\n" if @of;
}
$new =~ s/\n+\z/\n/;

if (@ARGV && $ARGV[0] eq '--write')
{
	open my $file, '>:encoding(UTF-8)', $page or die "cannot write $page: $!\n";
	print $file $new;
	close $file;
	$written = $new;
	%said = ();
	$said{$1}{$2} = $3 while $written =~ /^\| `([^`\n]*)` \| (\w+|$gap) \| (.*) \|$/mg;
}
for (@rows)
{
	my ($message, $state, $it) = @$_;
	if (!exists $said{$message}{$state}) { print "docs/errors.md does not have: $message ($state)\n" }
	elsif ($said{$message}{$state} !~ /\S/) { print "docs/errors.md does not say what to do about: $message ($state)\n" }
}
for my $message (sort keys %said) { for (sort keys %{ $said{$message} }) { print "docs/errors.md has what no source raises: $message ($_)\n" if !exists $messages{$message}{$_} } }
print "docs/errors.md is not what script/reference writes\n" if $written ne $new;
