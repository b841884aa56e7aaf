# Every aggregate over a distributed table gives what it gives over a table of this server: the whole, by groups, filtered, and by the column that
# rows are distributed by.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../t";
use Headcount;
use Spread;
use Test::More;

my ($node, @workers) = citus_nodes();
my $psql = sub { $node->safe_psql('postgres', "SET client_min_messages = error;\n$_[0]") };
$psql->(<<'SQL');
CREATE TABLE own (id integer, who text, mac bigint, pc uuid, nas text, licences bigint, came timestamptz, went timestamptz, seen headcount.presence, numbers headcount.user_set);
INSERT INTO own SELECT i, CASE WHEN i % 31 > 0 THEN 'user ' || i % 17 END, i % 13, md5((i % 11)::text)::uuid, CASE WHEN i % 7 > 0 THEN 'nas ' || i % 4 END, NULLIF(i % 5, 4),
	timestamptz '2026-01-01' + i * interval '19 minutes', CASE WHEN i % 6 > 0 THEN timestamptz '2026-01-01' + i * interval '19 minutes' + (i % 9 - 1) * interval '25 minutes' END
FROM generate_series(1, 600) AS i;
UPDATE own SET seen = (SELECT headcount.presence_agg(o.who, o.came, o.went) FROM own AS o WHERE o.id BETWEEN own.id - 3 AND own.id), numbers = headcount.to_user_set(ARRAY[id, id % 19, id * id]) WHERE id % 8 > 0;
CREATE TABLE spread (LIKE own);
UPDATE own SET who = coalesce(who, '');
SELECT create_distributed_table('spread', 'id', shard_count => 4);
CREATE TABLE by_who (LIKE own);
SELECT create_distributed_table('by_who', 'who', shard_count => 4);
INSERT INTO spread TABLE own;
INSERT INTO by_who TABLE own;
SQL
my @aggregates = (
	(map { ("headcount.presence_agg($_, came, went)::text", "headcount.presence_agg($_, came)::text", "headcount.presence_agg($_, came, interval '3 hours')::text", "headcount.unique_count($_)", "headcount.max_concurrent($_, came, went)", "headcount.max_concurrent($_, licences, came, went)") } qw(who mac pc)),
	'headcount.max_concurrent(came, went)', q{headcount.online_count(came, went, '2026-01-05')}, 'headcount.presence_union_agg(seen)::text', 'headcount.user_set_agg(id)::text', 'headcount.user_set_union_agg(numbers)::text', 'headcount.unique_count(numbers)',
);
# of each what is asked, and whether workers send parts of it
for my $aggregate (@aggregates)
{
	(my $filtered = $aggregate) =~ s/\)((?:::text)?)$/) FILTER (WHERE id % 3 = 1)$1/;
	for my $query ("SELECT $aggregate, count(*) FROM T", "SELECT nas, $aggregate FROM T GROUP BY nas", "SELECT nas, $filtered FROM T GROUP BY nas", "SELECT who, $aggregate FROM T GROUP BY who")
	{
		my $here = $psql->("SELECT md5(string_agg(x::text, ' ' ORDER BY x::text)) FROM (" . ($query =~ s/\bT\b/own/r) . ') AS x');
		isnt($here, '', "$query: something");
		for my $table (qw(spread by_who))
		{
			my $text = $query =~ s/\bT\b/$table/r;
			is($psql->("WITH q AS MATERIALIZED ($text) SELECT md5(string_agg(x::text, ' ' ORDER BY x::text)) FROM q AS x"), $here, $text);
			my $plan = $psql->("EXPLAIN (VERBOSE, COSTS off) $text");
			if ("$table $query" =~ /^by_who.*GROUP BY who/) { unlike($plan, qr/worker_partial_agg|coord_combine_agg/, 'each shard has whole groups'); }
			else { like($plan, qr/worker_partial_agg/, 'workers send parts'); }
		}
	}
}
$_->stop for $node, @workers;
done_testing();
