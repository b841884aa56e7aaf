# The dashboard for Grafana and the metrics for Prometheus in examples: every query runs as a role that has no right but those that
# examples/*/setup.sql gives, with macros and variables filled in as Grafana does, and says what is known of a few rows.

use strict;
use warnings;

use CPAN::Meta::YAML;
use FindBin;
use JSON::PP;
use lib $FindBin::RealBin;
use Headcount;
use Pages;
use PostgreSQL::Test::Utils;
use Test::More;

my $examples = "$FindBin::RealBin/../../examples";
my $node     = new_node('dashboards');
# A name that needs quotes of both kinds. Carol comes and goes on the 5th of March in Warsaw, and on the 4th and 5th in Greenwich.
my $odd = q(Anna's WiFi);
$node->safe_psql('postgres', <<'SQL');
CREATE ROLE owner LOGIN; CREATE ROLE grafana LOGIN; CREATE ROLE prometheus LOGIN; CREATE ROLE stranger LOGIN;
GRANT CREATE ON DATABASE postgres TO owner; GRANT CREATE ON SCHEMA public TO owner;
ALTER ROLE grafana SET headcount.as_of = '2026-03-10 12:00+00'; ALTER ROLE grafana SET timezone = 'Asia/Tokyo';
ALTER ROLE prometheus SET headcount.as_of = '2026-03-10 12:00+00';
SET ROLE owner; SET client_min_messages = warning;
CREATE TABLE login (who text, mac text, nas text, came timestamptz, went timestamptz);
CREATE TABLE refused (who text, nas text, at timestamptz);
INSERT INTO login VALUES
    ('alice', 'laptop', 'nas1', '2026-03-01 09:00+00', '2026-03-02 10:00+00'),
    ('bob', 'desk', 'nas2', '2026-03-02 09:30+00', '2026-03-02 11:00+00'),
    ('carol', 'phone', 'nas1', '2026-03-04 23:30+00', '2026-03-05 01:00+00'),
    ('alice', 'laptop', 'nas1', '2026-03-10 08:00+00', NULL),
    ('alice', 'tablet', 'nas2', '2026-03-10 11:00+00', NULL),
    ('bob', 'desk', 'nas2', '2026-03-10 11:30+00', '2026-03-10 11:45+00'),
    ('eve', 'desk', 'nas2', '2026-03-06 10:00+00', '2026-03-06 09:00+00');
INSERT INTO refused VALUES ('dave', 'nas1', '2026-03-05 12:00+00'), ('carol', 'nas2', '2026-03-05 13:00+00');
SELECT headcount.create_source(name, 'login', 'who', 'mac', 'came', 'went', server => 'nas', denials => 'refused', denied_user => 'who',
    denied_at => 'at', denied_server => 'nas', time_zone => 'Europe/Warsaw', user_limit => 3, alerts => '{"user_limit": 100}')
FROM unnest(ARRAY['wifi', 'Anna''s WiFi']) AS name;
CALL headcount.refresh();
SQL

for ([ 'grafana', 'wifi' ], [ 'grafana', $odd ], [ 'prometheus', 'wifi' ])
{
	my ($what, $source) = @$_;
	# as the owner, and where it was done before as a superuser too
	command_ok([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-U', $source eq $odd ? $ENV{USER} // getpwuid($<) : 'owner', '-v', "source=$source", '-v', "reader=$what", '-f', "$examples/$what/setup.sql" ],
		"$what/setup.sql for $source");
}

# The columns of a query as [name, type], and its rows as they are printed; each role in one session.
my %session;
sub answer
{
	my ($role, $sql, $what) = @_;
	my $out = ($session{$role} //= open_session($node, user => $role))->run("$sql \\gdesc\n\\echo ~\n$sql;");
	unlike($out, qr/^ERROR: /m, "$what: runs") or diag $sql;
	my ($columns, $rows) = split /^~$/m, $out, 2;
	return ([ map { [ split /\|/, $_, 2 ] } grep { length } split /\n/, $columns // '' ], [ grep { length } split /\n/, $rows // '' ]);
}
my $numeric = qr/^(?:smallint|integer|bigint|numeric|double precision)$/;

# --- Grafana. Its data source for PostgreSQL replaces macros by literals in UTC, and variables in the format that is asked for.

my $dashboard = JSON::PP->new->decode(slurp_file("$examples/grafana/headcount.json"));
my %variable  = map { $_->{name} => $_ } @{ $dashboard->{templating}{list} };
my ($from, $to) = ('2026-03-01T00:00:00Z', '2026-03-10T12:00:00Z');

my %format = (
	sqlstring   => sub { join ',', map { my $value = $_; $value =~ s/'/''/g; "'$value'" } @_ },
	doublequote => sub { join ',', map { my $value = $_; $value =~ s/"/\\"/g; qq("$value") } @_ });
sub interpolated
{
	my ($sql, %values) = @_;
	# "All" of a variable with a value of its own for it stands there as it is
	$sql =~ s/\$\{(\w+):(\w+)\}/my $value = $values{$1} \/\/ die "no variable $1"; ref $value ? $format{$2}->(@$value) : $value/ge;
	$sql =~ s/\$__timeFilter\(([^)]*)\)/$1 BETWEEN '$from' AND '$to'/g;
	$sql =~ s/\$__timeFrom\(\)/'$from'/g;
	$sql =~ s/\$__timeTo\(\)/'$to'/g;
	return $sql;
}

is($dashboard->{schemaVersion}, 38, 'a dashboard of Grafana 10');
my (@panels, %places);
for my $panel (map { ($_, @{ $_->{panels} // [] }) } @{ $dashboard->{panels} })
{
	push @panels, $panel if $panel->{type} ne 'row';
	my $at = $panel->{gridPos};
	for my $x ($at->{x} .. $at->{x} + $at->{w} - 1) { $places{"$x $_"}{ $panel->{title} } = 1 for $at->{y} .. $at->{y} + $at->{h} - 1; }
	cmp_ok($at->{x} + $at->{w}, '<=', 24, "$panel->{title}: within the page");
}
is(join(', ', map { join ' and ', sort keys %$_ } grep { keys %$_ > 1 } values %places), '', 'no panel lies on another one');
my %ids = map { ($_->{id} => 1) } map { ($_, @{ $_->{panels} // [] }) } @{ $dashboard->{panels} };
is(scalar(keys %ids), scalar(map { ($_, @{ $_->{panels} // [] }) } @{ $dashboard->{panels} }), 'each has a number of its own');
is(join(' ', sort map { $_->{type} } @panels), join(' ', sort grep { my $type = $_; grep { $_->{type} eq 'panel' && $_->{id} eq $type } @{ $dashboard->{__requires} } } map { $_->{type} } @panels), 'every kind of panel is required');

# What each panel shows, of which some rows are known: by hand. Times are printed in the time zone of the role's sessions, nine hours east:
# midnight in Warsaw is 8:00 there.
my %known = (
	'Online now'             => ['1|2|2'],
	'Today so far'           => ['2|4|0|3|2|3'],
	'Most connections now'   => ['alice|2|2|2026-03-10 17:00:00+09|2026-03-10 20:00:00+09'],
	'Connections by server'  => [ 'nas1|1', 'nas2|1' ],
	'Refused lately'         => [ '2026-03-05 22:00:00+09|carol|nas2|f', '2026-03-05 21:00:00+09|dave|nas1|f' ],
	'Daily and total users'  => [ '2026-03-01 08:00:00+09|1|1', '2026-03-02 08:00:00+09|2|2', '2026-03-03 08:00:00+09|0|2', '2026-03-04 08:00:00+09|0|2',
		'2026-03-05 08:00:00+09|2|4', '2026-03-06 08:00:00+09|0|4', '2026-03-07 08:00:00+09|0|4', '2026-03-08 08:00:00+09|0|4', '2026-03-09 08:00:00+09|0|4', '2026-03-10 08:00:00+09|2|4' ],
	'Denials'                => ['2026-03-05 08:00:00+09|2|2'],
	'Peak hosts'             => [ '2026-03-01 18:00:00+09|1', '2026-03-02 18:30:00+09|2', '2026-03-05 08:30:00+09|1', '2026-03-10 20:30:00+09|3' ],
	'Highest peaks of hosts' => [ '2026-03-10|3|2026-03-10 20:30:00+09|f', '2026-03-02|2|2026-03-02 18:30:00+09|t' ],
	'Peak users and sessions' => [ '2026-03-02 08:00:00+09|2|2', '2026-03-10 08:00:00+09|2|3' ],
	'Daily users by server'  => [ '2026-03-02 08:00:00+09|nas1|1', '2026-03-02 08:00:00+09|nas2|1', '2026-03-10 08:00:00+09|nas1|1', '2026-03-10 08:00:00+09|nas2|2' ],
	'Users and hosts at once' => [ '2026-03-02 18:00:00+09|2|2|2', '2026-03-10 20:00:00+09|2|3|2' ],
	# of 228 hours nobody is there for 196.5, two or more hosts for 1.5
	'Concurrency percentiles' => [ '50 % of the time|0', '90 % of the time|1', '95 % of the time|1', '99 % of the time|1', '100 % of the time|3' ],
	'Hour of the week'       => [ '10:00|2|1|0|0|0|0|1', '12:00|0|3|0|0|0|0|1' ],
	'Data quality'           => ['reversed|1|0|session of user \'eve\', host \'desk\', server \'nas2\', from 2026-03-06 11:00:00.000000 to 2026-03-06 10:00:00.000000'],
	'Refresh health'         => [qr/^SOURCE\|t\|\d{4}-\d\d-\d\d [^|]*\|[\d.e-]+\|[\d.e-]+\|0\|0\|\d+\|\|$/],
	'Alerts'                 => ['user_limit|2026-03-10|133.3|100'],
	'Limit breaches'         => [ '2026-03-10|4|3|133.3|t', '2026-03-05|4|3|133.3|t' ]);
my %count = ('Daily and total users' => 10, 'Peak hosts' => 4, 'Hour of the week' => 24, 'Data quality' => 8, 'Limit breaches' => 6, 'Alerts' => 1, 'Refresh health' => 1);
is(join(', ', sort map { $_->{title} } @panels), join(', ', sort keys %known), 'all panels are known here, and no others');

for my $source ('wifi', $odd)
{
	my %values = (source => [$source], of => [ $variable{of}{current}{value} ], bucket => [ $variable{bucket}{current}{value} ], server => $variable{server}{allValue});
	my (undef, $zone) = answer('grafana', interpolated($variable{zone}{query}, %values), "$source, variable zone");
	is_deeply($zone, ['Europe/Warsaw'], "$source, variable zone");
	$values{zone} = $zone;
	is_deeply((answer('grafana', interpolated($variable{source}{query}, %values), "$source, variable source"))[1], [ $odd, 'wifi' ], "$source, variable source");
	is_deeply((answer('grafana', interpolated($variable{server}{query}, %values), "$source, variable server"))[1], [ 'nas1', 'nas2' ], "$source, variable server");

	for my $panel (@panels)
	{
		my ($what, $known) = ("$source, $panel->{title}", $known{ $panel->{title} });
		is(scalar(@{ $panel->{targets} }), 1, "$what: one query");
		my $target = $panel->{targets}[0];
		is_deeply($target->{datasource}, { type => 'postgres', uid => '${datasource}' }, "$what: of the chosen database");
		my $sql = interpolated($target->{rawSql}, %values);
		unlike($sql, qr/\$/, "$what: all macros and variables are filled in");
		my ($columns, $rows) = answer('grafana', $sql, $what);
		my %type = map { @$_ } @$columns;
		if ($target->{format} eq 'time_series')
		{
			is($panel->{type}, 'timeseries', "$what: a kind of panel for it");
			is($type{time}, 'timestamp with time zone', "$what: a column \"time\"");
			is(join(', ', grep { $_ ne 'time' && ($_ eq 'metric' ? $type{$_} ne 'text' : $type{$_} !~ $numeric) } sort keys %type), '', "$what: all others are numbers");
			cmp_ok(scalar(grep { $_ =~ $numeric } values %type), '>', 0, "$what: a number");
			is_deeply([ map { (split /\|/)[0] } @$rows ], [ sort map { (split /\|/)[0] } @$rows ], "$what: in the order of time");
		}
		else
		{
			is($target->{format}, 'table', "$what: format");
			isnt($panel->{type}, 'timeseries', "$what: a kind of panel for it");
			unlike(join(' ', values %type), qr/\bdate\b|interval|json|hll/, "$what: no column that Grafana would show in another way than PostgreSQL means it");
			my ($field) = ($panel->{options}{reduceOptions}{fields} // '') =~ /^\/\^(.*)\$\/$/;
			like($type{ $field // $columns->[0][0] }, $numeric, "$what: what it shows is a number") if $panel->{type} eq 'stat' || defined $field;
		}
		ok(exists $type{ $_->{matcher}{options} }, "$what: there is a column $_->{matcher}{options}") for @{ $panel->{fieldConfig}{overrides} };
		for (@$known)
		{
			my $row = $_;
			if (ref $row) { my $one = join "\n", @$rows; $one =~ s/^\Q$source\E\|/SOURCE|/; like($one, $row, "$what: how it is"); next; }
			ok(scalar(grep { $_ eq $row } @$rows), "$what: $row") or diag join "\n", @$rows;
		}
		is(scalar(@$rows), $count{ $panel->{title} }, "$what: how many rows") if $count{ $panel->{title} };
	}

	# a chosen server, by a panel of each kind that looks at it; another bucket, and another thing to count
	my %by_title = map { ($_->{title} => $_->{targets}[0]{rawSql}) } @panels;
	my %chosen = (%values, server => ['nas2'], of => ['users'], bucket => ['day']);
	is_deeply((answer('grafana', interpolated($by_title{'Connections by server'}, %chosen), "$source, one server now"))[1], ['nas2|1'], "$source, one server now");
	is_deeply((answer('grafana', interpolated($by_title{'Refused lately'}, %chosen), "$source, refused at one server"))[1], ['2026-03-05 22:00:00+09|carol|nas2|f'], "$source, refused at one server");
	is_deeply((answer('grafana', interpolated($by_title{'Daily users by server'}, %chosen), "$source, one server by day"))[1],
		[ '2026-03-02 08:00:00+09|nas2|1', '2026-03-05 08:00:00+09|nas2|1', '2026-03-10 08:00:00+09|nas2|2' ], "$source, one server by day");
	is((answer('grafana', interpolated($by_title{'Concurrency percentiles'}, %chosen), "$source, users at once"))[1][4], '100 % of the time|2', "$source, users at once");
	is((answer('grafana', interpolated($by_title{'Users and hosts at once'}, %chosen), "$source, by day"))[1][-1], '2026-03-10 08:00:00+09|2|3|2', "$source, by day");
	for my $variable ($source eq 'wifi' ? ('of', 'bucket') : ())
	{
		is(join(',', map { $_->{value} } @{ $variable{$variable}{options} }), $variable{$variable}{query}, "values of $variable");
		my ($title) = grep { $by_title{$_} =~ /\$\{$variable:/ } sort keys %by_title;
		answer('grafana', interpolated($by_title{$title}, %values, $variable => [ $_->{value} ]), "$source, $variable $_->{value}") for @{ $variable{$variable}{options} };
	}

	# nobody else reads any of it
	is(sqlstates($node, join(";\n", map { interpolated($_->{targets}[0]{rawSql}, %values) } @panels) . ';', user => 'stranger'), join(' ', ('42501') x @panels), "$source: a stranger reads no panel");
}

# --- Prometheus

my $config  = CPAN::Meta::YAML->read_string(slurp_file("$examples/prometheus/sql_exporter.yml"))->[0];
my %metrics = (
	headcount_online           => ['wifi|1|2|2'],
	headcount_online_by_server => [ 'wifi|nas1|1', 'wifi|nas2|1' ],
	headcount_today            => ['wifi|2|4|0|0|3|2|3'],
	headcount_data_quality     => [ 'wifi|reversed|1|0', 'wifi|no_user|0|0' ],
	headcount_alert            => ['wifi|user_limit|133.3|100'],
	headcount_stored           => [ qr/^wifi\|1\|-?[\d.]+\|0\|0\|\d+\|[\d.]+\|[\d.]+\|0$/m, qr/^Anna's WiFi\|1\|/m ]);
is(scalar(@{ $config->{jobs} }), 1, 'metrics: one job');
my @queries = @{ $config->{jobs}[0]{queries} };
is(join(', ', sort map { $_->{name} } @queries), join(', ', sort keys %metrics), 'metrics: all queries are known here, and no others');
for my $query (@queries)
{
	my ($name, $sql) = @$query{ 'name', 'query' };
	$sql =~ s/\s+\z//;
	my ($columns, $rows) = answer('prometheus', $sql, $name);
	is_deeply([ map { $_->[0] } @$columns ], [ @{ $query->{labels} }, @{ $query->{values} } ], "$name: labels and values");
	my %type = map { @$_ } @$columns;
	is(join(', ', grep { $type{$_} ne 'text' } @{ $query->{labels} }), '', "$name: labels are text");
	is(join(', ', grep { $type{$_} !~ $numeric } @{ $query->{values} }), '', "$name: values are numbers");
	ok(length $query->{help}, "$name: help");
	for my $row (@{ $metrics{$name} })
	{
		if (ref $row) { like(join("\n", @$rows), $row, "$name: how it is"); next; }
		ok(scalar(grep { $_ eq $row } @$rows), "$name: $row") or diag join "\n", @$rows;
	}
}
is(sqlstates($node, join(";\n", map { $_->{query} } @queries) . ';', user => 'stranger'), join(' ', ('42501') x @queries), 'metrics: a stranger reads none');
is(sqlstates($node, 'SELECT * FROM wifi.sessions; SELECT example FROM wifi.data_quality; SELECT * FROM wifi.daily_user_counts LIMIT 0;', user => 'prometheus'), '42501 42501', 'metrics: the role reads no name');

# --- the page about them

my $page = page_text('dashboards.md');
is(sqlstates($node, $_->[2]), '', 'the page: its statements run') for grep { $_->[1] eq 'sql' } page_blocks($page);
my %said = map { ($_ => 1) } map { split /; / } $page =~ /^\| ([A-Z][^|`]*) \| (?:`|only)/mg;
is(join(', ', sort grep { !/Superset/ } keys %said), join(', ', sort keys %known), 'the page: its panels');
is_deeply({ map { /^\| `sql_(\w+)` \| ([^|;]*)(?:;[^|]*)? \| `([^`]*)`/ ? ($1 => [ map { tr/`//dr } $2, $3 ]) : () } split /\n/, $page },
	{ map { ($_->{name} => [ map { join ', ', @$_ } @$_{ 'values', 'labels' } ]) } @queries }, 'the page: its metrics');
my @called = sort keys %{ { map { ($_ => 1) } $page =~ /`headcount\.(\w+)\(/g } };
is($node->safe_psql('postgres', "SELECT string_agg(f, ' ') FROM unnest('{" . join(',', @called) . "}'::text[]) AS f WHERE NOT EXISTS (SELECT FROM pg_proc WHERE proname = f AND pronamespace = 'headcount'::regnamespace)"),
	'', 'the page: its functions are there');

$_->close for values %session;
$node->stop;
done_testing();
