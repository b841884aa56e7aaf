# The report as a file, read back by programs that are not ours: every number is in the workbook, on the pages, in the
# page; nothing is left behind in the server when a file is not finished.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use Headcount;
use IPC::Run;
use IO::Uncompress::Inflate;
use IO::Uncompress::Unzip;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('export');
plan skip_all => 'headcount_export is not installed'
  if $node->safe_psql('postgres', q{SELECT count(*) FROM pg_available_extensions WHERE name = 'headcount_export'}) eq '0';
$node->safe_psql('postgres', 'CREATE EXTENSION headcount_export');
my $folder = PostgreSQL::Test::Utils::tempdir();

# Ten years of days, backwards; a number is missing now and then.
my @ids    = qw(ucd uct ucdy ucde ucch);
my @titles = ('Date', 'Total Users', 'Daily Users', 'Denial Users', 'Concurrent Hosts');
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE report AS
SELECT n, date '2025-12-31' - n AS ucd, 5000 - n AS uct, 300 + n * 7919 % 100 AS ucdy, nullif(n * 104729 % 31, 5) AS ucde, n % 977 AS ucch
FROM generate_series(0, 3649) AS n;
CREATE FUNCTION file(format text, title text, ids text[], titles text[]) RETURNS bytea LANGUAGE sql STABLE AS $$
	SELECT headcount_export.render(format, title, ids, titles, (SELECT array_agg(ucd ORDER BY n) FROM report),
		(SELECT array_agg((to_jsonb(report) ->> id)::integer ORDER BY n, place) FROM report, unnest(ids) WITH ORDINALITY AS i (id, place) WHERE id <> 'ucd'))
$$;
SQL
my @rows = map { [ split /\|/, $_, -1 ] } split /\n/, $node->safe_psql('postgres', 'SELECT ucd, uct, ucdy, ucde, ucch FROM report ORDER BY n');
is(scalar @rows, 3650, 'ten years of days');

# Writes a report of some columns to a file and returns its name.
sub file
{
	my ($format, $title, @columns) = @_;
	my %title_of;
	@title_of{@ids} = @titles;
	my $list  = sub { 'ARRAY[' . join(', ', map { "'$_'" } @_) . ']' };
	my $bytes = $node->safe_psql('postgres', "SELECT encode(file('$format', '$title', " . $list->(@columns) . ', ' . $list->(@title_of{@columns}) . "), 'hex')");
	my $name  = "$folder/" . join('-', 'report', @columns) . ".$format";
	open my $out, '>:raw', $name or die "$name: $!";
	print $out pack('H*', $bytes);
	close $out or die "$name: $!";
	return $name;
}

# The rows with those columns only, as text.
sub expected
{
	my @places = map { my $id = $_; grep { $ids[$_] eq $id } 0 .. $#ids } @_;
	return join "\n", map { my $row = $_; join ',', map { $row->[$_] } @places } @rows;
}

sub have { my ($program) = @_; return scalar grep { -x "$_/$program" } split /:/, $ENV{PATH} }

# --- xlsx --------------------------------------------------------------------------------------------------------------

sub part
{
	my ($file, $name) = @_;
	my $zip = IO::Uncompress::Unzip->new($file, Name => $name) or return '';
	local $/;
	return <$zip> // '';
}

# The cells of a sheet as text: dates are serial numbers with a format for dates, and nothing else has that format.
sub cells
{
	my ($file, $sheet) = @_;
	my ($styles) = part($file, 'xl/styles.xml') =~ m{<cellXfs[^>]*>(.*?)</cellXfs>}s;
	my ($format) = part($file, 'xl/styles.xml') =~ m{<numFmt numFmtId="(\d+)" formatCode="yyyy-mm-dd"/>};
	my @is_date = map { /numFmtId="$format"/ ? 1 : 0 } $styles =~ /<xf ([^>]*)>/g;
	my @found;
	for my $row (part($file, $sheet) =~ m{<row r="[^>]*>(.*?)</row>}gs)
	{
		my @cells;
		while ($row =~ m{<c r="([A-E])\d+"(?: s="(\d+)")?[^>]*>(?:<v>(\d+)</v>|<is><t>([^<]*)</t></is>)}g)
		{
			my ($place, $style, $number, $text) = (ord($1) - ord('A'), $2 // 0, $3, $4);
			push @cells, '' while @cells < $place;
			my @at = gmtime(((defined $number ? $number : 25569) - 25569) * 86400);
			push @cells, $text // ($is_date[$style] ? sprintf('%04d-%02d-%02d', $at[5] + 1900, $at[4] + 1, $at[3]) : $number);
		}
		push @found, \@cells;
	}
	return @found;
}

for my $columns ([@ids], [qw(ucch ucdy ucd)], [qw(ucdy uct)])
{
	my $file = file('xlsx', 'Users & more', @$columns);
	my ($header, @found) = cells($file, 'xl/worksheets/sheet1.xml');
	my $width = @$columns;
	is(join("\n", map { my $row = $_; join ',', map { $row->[$_] // '' } 0 .. $width - 1 } @found), expected(@$columns), "xlsx of @$columns: every cell");
	my %title_of;
	@title_of{@ids} = @titles;
	is(join('|', @$header), join('|', @title_of{@$columns}), "... its header");
	like(part($file, 'xl/worksheets/sheet1.xml'), qr/<pane ySplit="1"[^>]*state="frozen"/, '... which is frozen');
	like(part($file, 'docProps/core.xml'), qr{<dc:title>Users &amp; more</dc:title>}, '... and its title');

	# The chart is of ascending days: of a hidden sheet, since the report is the other way around.
	my $chart = part($file, 'xl/charts/chart1.xml');
	like(part($file, 'xl/workbook.xml'), qr/<sheet name="Chart data"[^>]*state="hidden"/, '... its chart has a hidden sheet');
	my @users = grep { /uct|ucdy|ucde/ } @$columns;
	my @drawn = (@users, grep { /ucch/ } @$columns);
	is(() = $chart =~ m{<c:ser>}g, scalar @users, '... and draws the columns of users');
	is(() = part($file, 'xl/charts/chart2.xml') =~ m{<c:ser>}g, @drawn - @users, '... another one those of hosts');
	my ($drawn_header, @points) = cells($file, 'xl/worksheets/sheet2.xml');
	is(join("\n", map { my $row = $_; join ',', map { $row->[$_] // '' } 0 .. @drawn } @points), join("\n", reverse split /\n/, expected('ucd', @drawn)), '... by day');
}

SKIP:
{
	my ($office) = grep { have($_) } qw(soffice libreoffice);
	skip 'LibreOffice is not installed', 2 unless $office;
	my $file = file('xlsx', 'Users', @ids);
	system_or_bail($office, "-env:UserInstallation=file://$folder/office", '--headless', '--convert-to', 'csv', '--outdir', $folder, $file);
	(my $csv = $file) =~ s/xlsx$/csv/;
	my ($header, @lines) = split /\r?\n/, slurp_file($csv);
	is($header, join(',', @titles), 'LibreOffice reads the header of the xlsx');
	is(join("\n", @lines), expected(@ids), '... and every cell, dates as dates');
}

# Formulas must not take the sheet's name for a number, a reference or a word of their own, nor Excel for an escape.
sub small
{
	my ($format, $title, $name, $days, $vals) = @_;
	my $bytes = $node->safe_psql('postgres', "SELECT encode(headcount_export.render('$format', '$title', '{ucd,uct,ucdy,ucde,ucch}', '{Date,Total Users,Daily Users,Denial Users,Concurrent Hosts}', '{$days}', '{$vals}'), 'hex')");
	my $file  = "$folder/$name.$format";
	open my $out, '>:raw', $file or die "$file: $!";
	print $out pack('H*', $bytes);
	close $out or die "$file: $!";
	return $file;
}

for my $title (qw(2026 1.5 A1 R1C1 RC C TRUE 2026Q1 _x0041_ x_x0041_y Users), '2026-Q1', '1 _x0041_', 'A' x 40, q(It''s), 'Größe 1')
{
	my $file = small('xlsx', $title, 'named', '2026-03-05,2026-03-06', '40,30,20,10,50,30,20,10');
	my ($name)  = part($file, 'xl/workbook.xml') =~ /<sheet name="([^"]*)"/;
	my @uses = (part($file, 'xl/workbook.xml') =~ m{<definedName [^>]*>([^<]*)!}g, part($file, 'xl/charts/chart1.xml') =~ m{<c:f>([^<]*)!}g);
	cmp_ok(scalar @uses, '>=', 10, "xlsx called $title: formulas name the sheet");
	is(join(' ', grep { $_ ne q(') . $name =~ s/'/''/gr . q(') } @uses), '', '... in quotes');
	unlike($name, qr/_x[0-9A-Fa-f]{4}_/, '... which is not escaped');
}
# A line of one point is nothing to see; markers are. Some programs take a lonely date for its year.
my $single = small('xlsx', 'One', 'single', '2026-03-05', '40,30,20,10');
is(join(' ', map { join ',', @$_ } cells($single, 'xl/worksheets/sheet2.xml')), 'Date,Total Users,Daily Users,Denial Users,Concurrent Hosts 2026-03-05,40,30,20,10', 'xlsx of one day: what is drawn');
like(part($single, 'xl/worksheets/sheet2.xml'), qr{<t>2026-03-05</t>}, '... the day as text');
is(() = part($single, 'xl/charts/chart1.xml') =~ m{<c:symbol val="circle"/>}g, 3, '... its points are marked');
unlike(part("$folder/report-" . join('-', @ids) . '.xlsx', 'xl/charts/chart1.xml'), qr{<c:symbol val="circle"/>}, '... those of ten years are not');

# --- pdf ---------------------------------------------------------------------------------------------------------------

SKIP:
{
	skip 'pdftotext is not installed', 7 unless have('pdftotext');
	my $file = file('pdf', 'Отчёт — 報告', @ids);
	my ($text, $errors) = ('', '');
	IPC::Run::run([ 'pdftotext', '-layout', '-enc', 'UTF-8', $file, '-' ], '>', \$text, '2>', \$errors) or die $errors;
	my @pages = split /\f/, $text;
	like($pages[0], qr/^(?:Отчёт|\?{5}) — \?\?$/m, 'pdf: the title, letters that no font has replaced by ?');
	my @found = map { s/,//gr =~ s/\s+/,/gr } $text =~ /^ *(\d{4}-\d\d-\d\d(?: +[\d,]+){3,4}) *$/mg;
	is(join("\n", @found), expected(@ids) =~ s/,,/,/gr, '... every row');
	is(scalar(grep { /Date +Total Users +Daily Users +Denial Users +Concurrent Hosts/ } @pages), scalar @pages, '... the header on each page');
	my $count = @pages;
	cmp_ok($count, '>', 60, '... on many pages');
	is(join(' ', map { /(\d+) ?\/ ?$count\s*$/ ? $1 : '-' } @pages), join(' ', 1 .. $count), '... which are numbered');

	my $western = file('pdf', 'Größe €', qw(ucdy ucd));
	IPC::Run::run([ 'pdftotext', '-layout', '-enc', 'UTF-8', $western, '-' ], '>', \$text, '2>', \$errors) or die $errors;
	like($text, qr/^Größe €$/m, 'pdf of other columns: the title');
	is(join("\n", map { s/\s+/,/gr } $text =~ /^ *(\d+ +\d{4}-\d\d-\d\d) *$/mg), expected(qw(ucdy ucd)), '... every row');
}

# Four dots, wider than a line.
my $drawing = '';
for my $stream (slurp_file(small('pdf', 'One', 'single', '2026-03-05', '40,30,20,10')) =~ /stream\r?\n(.*?)\r?\nendstream/gs)
{
	my $text;
	$drawing .= $text if IO::Uncompress::Inflate::inflate(\$stream => \$text);
}
is(() = $drawing =~ /^5 w$/mg, 4, 'pdf of one day: its points are large');

# --- html --------------------------------------------------------------------------------------------------------------

# On a phone the table may scroll, the page may not. Its width is asked for in a frame, which a window can be narrower than.
SKIP:
{
	my ($browser) = grep { have($_) } qw(chromium google-chrome);
	skip 'Chromium is not installed', 2 unless $browser;
	small('html', 'Realtime Users Count', 'wide', '2026-03-05', join ',', (2147483647) x 4);
	for my $width (320, 360)
	{
		open my $out, '>', "$folder/frame.html" or die $!;
		print $out qq{<iframe src="wide.html" width="$width" height="3000" style="border: 0" onload="document.title =
			contentDocument.documentElement.clientWidth + ' shows ' + contentDocument.documentElement.scrollWidth"></iframe>};
		close $out or die $!;
		my $dom = '';
		IPC::Run::run([ $browser, '--headless', '--no-sandbox', '--disable-gpu', '--allow-file-access-from-files', "--user-data-dir=$folder/browser", '--dump-dom',
			"file://$folder/frame.html" ], '>', \$dom, '2>', \my $noise, IPC::Run::timeout(120));
		like($dom, qr{<title>$width shows $width</title>}, "html on $width pixels does not scroll sideways");
	}
}

# --- nothing is left behind ---------------------------------------------------------------------------------------------

$node->safe_psql('postgres', <<'SQL');
CREATE TABLE large AS SELECT array_agg(date '2000-01-01' + n) AS days, array_agg(n) AS vals FROM generate_series(1, 1000000) AS n;
SQL
for my $format (qw(xlsx pdf html))
{
	my $rows = $format eq 'pdf' ? 250000 : 1000000;
	my $out  = '';
	is(sqlstates($node, "SET statement_timeout = '150ms'; SELECT length(headcount_export.render('$format', 't', '{ucd,uct}', '{D,T}', days[:$rows], vals[:$rows])) FROM large;\nSELECT 'alive';", stdout => \$out),
		'57014', "$format: a long one is cancelled");
	is($out, 'alive', '... and the session goes on');
}
# Refused once the file is there, again and again in one session.
my $left = $node->safe_psql('postgres', <<'SQL');
DO $$
DECLARE n int := 0;
BEGIN
	FOR i IN 1 .. 30 LOOP
		BEGIN
			PERFORM headcount_export.render('xlsx', 't', '{ucd,uct}', '{D,T}', array_fill(date '2024-01-01', ARRAY[1048576]), array_fill(1, ARRAY[1048576]));
		EXCEPTION WHEN program_limit_exceeded THEN n := n + 1;
		END;
	END LOOP;
	ASSERT n = 30;
END $$;
SELECT count(*) FROM pg_ls_tmpdir();
SQL
is($left, '0', 'no temporary file is left over');
SKIP:
{
	skip 'there is no /proc here', 1 unless -e '/proc/self/fd';
	my ($before, $after) = split /\n/, $node->safe_psql('postgres', <<'SQL');
SELECT length(file('xlsx', 't', '{ucd,uct}', '{D,T}')) > 0 AS made \gset
SELECT count(*) FROM pg_ls_dir('/proc/self/fd');
SELECT count(length(headcount_export.render(format, 't' || i, '{ucd,uct}', '{D,T}', '{2024-01-01}', '{1}'))) AS made FROM unnest('{xlsx,pdf,html}'::text[]) AS format, generate_series(1, 200) AS i \gset
SELECT count(*) FROM pg_ls_dir('/proc/self/fd');
SQL
	cmp_ok($after, '<=', $before + 2, '600 files leave no file open');
}

$node->stop;
done_testing();
