# Every aggregate, called by an executor that forgets everything but the state after each row: what a call remembers beside
# its state may help, but nothing may hang on it.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use Headcount;
use PostgreSQL::Test::Utils;
use Test::More;

my $folder = "$FindBin::Bin/../modules/row_calls";
system_or_bail('make', '-s', '-C', $folder, 'PG_CONFIG=' . ($ENV{PG_CONFIG} // 'pg_config'));

my $node = new_node('row_calls');
$node->safe_psql('postgres', "CREATE FUNCTION by_rows(regprocedure, text, boolean) RETURNS text LANGUAGE C AS '$folder/row_calls'");
$node->safe_psql('postgres', q{CREATE FUNCTION one_presence(i integer) RETURNS headcount.presence LANGUAGE sql STABLE
	RETURN (SELECT headcount.presence_agg('user ' || i % 17, timestamptz '2026-03-01' + i * interval '97 minutes'))});

# What an argument of some name is in row i.
my $start = q{(timestamptz '2026-03-01' + i * interval '97 minutes')};
my %value = (
	'key text' => q{'user ' || i % 17},
	'key bigint' => q{(i % 17)::bigint},
	'key uuid' => q{md5((i % 17)::text)::uuid},
	'weight bigint' => q{(i % 5)::bigint},
	'user_name text' => q{'user ' || i % 17},
	'host text' => q{'host ' || i % 23},
	'started_at timestamptz' => $start,
	'at timestamptz' => $start,
	'denied_at timestamptz' => $start,
	'ended_at timestamptz' => "CASE WHEN i % 10 > 0 THEN $start + i % 7 * interval '3 hours' END",
	'as_of timestamptz' => q{timestamptz '2026-05-01'},
	'max_gap gap' => q{interval '3 hours'},
	'from_at timestamptz' => q{timestamptz '2026-03-01 02:00'},
	'to_at timestamptz' => q{timestamptz '2026-03-20'},
	'time_zone text' => q{'Europe/Warsaw'::text},
	'licensing_model text' => q{'2019'::text},
	'window_days integer' => q{14},
	'denials shared_area' => q{'none'::headcount_internal.shared_area},
	'area shared_area' => q{(SELECT headcount_internal.shared_area())},
	'number integer' => q{i},
	'presence presence' => q{one_presence(i)},
	'user_set user_set' => q{headcount.to_user_set(ARRAY[i, i % 17])},
	'other user_set' => q{headcount.to_user_set(ARRAY[i * 70000])},
	'day date' => q{date '2026-03-01' + i},
	(map { ("$_ user_set" => q{headcount.to_user_set(ARRAY[i, i % 17])}) } qw(used denied new_users)),
	(map { ("$_ integer" => q{i % 19}) } qw(used_count denied_count daily_count new_count window_count denials concurrent_hosts)),
	'concurrent_hosts_at timestamptz' => $start,
);

my $aggregates = $node->safe_psql('postgres', <<'SQL');
SELECT p.oid::regprocedure, a.aggmtransfn <> 0, a.aggtransfn::regproc::text !~ '^pg_catalog',
	(SELECT string_agg(name || ' ' || CASE type WHEN 'timestamptz'::regtype THEN 'timestamptz' ELSE split_part('.' || type::regtype::text, '.', -1) END, ',' ORDER BY n)
	 FROM unnest(p.proargnames, p.proargtypes) WITH ORDINALITY AS u (name, type, n))
FROM pg_aggregate AS a JOIN pg_proc AS p ON p.oid = a.aggfnoid JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
JOIN pg_extension AS e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass WHERE e.extname = 'headcount' ORDER BY 1
SQL
my $count = 0;
for (split "\n", $aggregates)
{
	my ($aggregate, $moves, undef, $arguments) = split /\|/;
	my @values = map { $value{$_} // BAIL_OUT("$aggregate: no value for $_") } split /,/, $arguments;
	my $list   = join ', ', @values;
	my $name   = $aggregate =~ s/\(.*//r;
	for my $rows (3, 1500)
	{
		# Collected rows have no canonical bytes: what a report makes of them is compared.
		my $show = $name =~ /daily_/ ? 'array(SELECT r::text FROM headcount_internal.daily_report((%s)::bytea, NULL) AS r)'
			: $name =~ /level_agg/ ? q{array(SELECT r::text FROM headcount_internal.level_peaks((%s)::headcount_internal.aggregate_state, 'Europe/Warsaw', '2026-05-01') AS r)}
			: '(%s)::text';
		my $own = $node->safe_psql('postgres', 'SELECT ' . sprintf($show, "SELECT $name($list) FROM generate_series(1, $rows) AS i"));
		my $query = "SELECT $list FROM generate_series(1, $rows) AS i";
		unlike($own, qr/^(\{\})?$/, "$aggregate over $rows rows has a result");
		for my $moving ($moves eq 't' ? ('false', 'true') : 'false')
		{
			is($node->safe_psql('postgres', 'SELECT ' . sprintf($show, "SELECT by_rows('$aggregate', \$\$$query\$\$, $moving)")), $own,
				"$aggregate over $rows rows, each called by itself" . ($moving eq 'true' ? ', in a moving frame' : ''));
		}
	}
	$count++;
}
cmp_ok($count, '>=', 20, 'every aggregate');
$node->stop;
done_testing();
