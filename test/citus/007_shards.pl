# Stored days beside the shards: a source over each shard, on the worker where that is, and a federation of all of them, whose
# members have no user in common. What is written through the coordinator fires the triggers of the shards.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../t";
use Headcount;
use Spread;
use Test::More;

my ($node, @workers) = citus_nodes();
my $psql = sub { $node->safe_psql('postgres', "SET client_min_messages = error;\n$_[0]") };
make_tables($node, $_) for qw(own by_user);
make_source($node, 'own', 'own', "licensing_model => '2019'");

# The commands of docs/scale.md: a statement each, as Citus does not wait for a second one.
my $alone = q{FROM (SELECT set_config('citus.enable_ddl_propagation', 'off', false) AS propagation OFFSET 0) AS c WHERE c.propagation = 'off'};
my @made = map { $psql->("SELECT count(*) FILTER (WHERE success), min(result) FILTER (WHERE NOT success) FROM $_") }
	qq{run_command_on_colocated_placements('by_user_login', 'by_user_refused', \$c\$SELECT headcount.create_source('login_' || substring('%1\$s' FROM '\\d+\$'), '%1\$s', 'who', 'mac', 'came', 'went', server => 'nas',
	denials => '%2\$s', denied_user => 'who', denied_at => 'at', denied_server => 'nas', realtime_servers => '{nas 0,nas 1}', time_zone => 'Europe/Warsaw', window_days => 5) $alone\$c\$)},
	qq{run_command_on_shards('by_user_login', \$c\$SELECT count(*) FROM set_config('citus.enable_ddl_propagation', 'off', false) AS p, headcount.create_indexes('login_' || substring('%1\$s' FROM '\\d+\$') || left(p, 0))\$c\$)},
	qq{run_command_on_shards('by_user_login', \$c\$SELECT headcount.share_source('login_' || substring('%1\$s' FROM '\\d+\$'), 'the key of all shards') $alone\$c\$)};
is(join(' ', @made), '4| 4| 4|', 'a source over each shard, with its indexes, shared');
is(refresh(), 2, 'the workers refresh their sources');
$psql->('CREATE EXTENSION postgres_fdw');
for my $n (1, 2)
{
	$psql->(sprintf("CREATE SERVER worker_$n FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '%s', port '%d', dbname 'postgres'); CREATE USER MAPPING FOR CURRENT_USER SERVER worker_$n",
		$workers[$n - 1]->host, $workers[$n - 1]->port));
}
is($psql->(<<'SQL'), 'federation "everywhere" unites 4 members, with days of Europe/Warsaw', 'a federation of them');
SELECT headcount.create_federation('everywhere', array_agg('worker_' || n.port_number ORDER BY s.shardid), array_agg('login_' || s.shardid ORDER BY s.shardid), window_days => 5, disjoint_users => true)
FROM pg_dist_shard AS s JOIN pg_dist_placement AS p USING (shardid)
     JOIN (SELECT w.groupid, row_number() OVER (ORDER BY w.groupid) AS port_number FROM pg_dist_node AS w WHERE w.groupid > 0) AS n USING (groupid)
WHERE s.logicalrelid = 'by_user_login'::regclass
SQL

# What the workers say of their sources, one line for both.
sub states
{
	return join ' ', map { $_->safe_psql('postgres', q{SELECT string_agg(s.exact || '/' || (s.dirty_days > 0), ' ' ORDER BY s.source) FROM headcount.source_status AS s}) } @workers;
}
sub refresh { return $psql->(q{SELECT count(*) FROM run_command_on_workers('CALL headcount.refresh()') WHERE success}) }

my $columns = 'day, total_users, daily_users, denial_users, denials, concurrent_hosts, concurrent_hosts_at, complete';
sub differ
{
	my ($as_of) = @_;
	return join '', map { $psql->("SET headcount.as_of = '$as_of'; WITH united AS MATERIALIZED (SELECT $columns FROM everywhere.$_), whole AS MATERIALIZED (SELECT $columns FROM own.$_)
		SELECT '$_: no rows' WHERE NOT EXISTS (SELECT FROM whole WHERE daily_users > 0 AND denials > 0 AND concurrent_hosts > 0)
		UNION ALL (SELECT '$_: united ' || r::text FROM (TABLE united EXCEPT ALL TABLE whole) AS r ORDER BY 1 LIMIT 2) UNION ALL (SELECT '$_: whole ' || r::text FROM (TABLE whole EXCEPT ALL TABLE united) AS r ORDER BY 1 LIMIT 2)") }
		map { "daily_user_counts_$_" } qw(2013 2019 2025);
}
is(states(), join(' ', ('true/false') x 4), 'each shard is exact, and clean');
is(differ($_), '', 'the same days as in one table, as of ' . ($_ || 'now')) for '', $past;

# Writes through the coordinator: single rows, INSERT ... SELECT, COPY, updates, deletes, a prepared transaction that is rolled back.
my %write = (
	'single rows' => q{INSERT INTO %1$s_login VALUES (3001, 'late', 'host l', 'nas 0', '2026-01-04 10:00+00', '2026-01-04 12:00+00', NULL); INSERT INTO %1$s_refused VALUES (3001, 'user 3', 'nas 1', '2026-01-04 10:00+00')},
	'INSERT ... SELECT' => q{INSERT INTO %1$s_login SELECT 4000 + i, 'guest ' || i, 'host g', 'nas 0', timestamptz '2026-01-06 10:00+00', timestamptz '2026-01-06 11:00+00' + i * interval '5 hours' FROM generate_series(1, 60) AS i},
	'UPDATE' => q{UPDATE %1$s_login SET went = '2026-03-01 00:00+00' WHERE id %% 90 = 5},
	'DELETE' => q{DELETE FROM %1$s_login WHERE id %% 100 = 7},
	'a transaction that is rolled back' => q{BEGIN; DELETE FROM %1$s_login; ROLLBACK},
	'TRUNCATE of the denials' => q{TRUNCATE %1$s_refused},
);
for my $what ('single rows', 'INSERT ... SELECT', 'UPDATE', 'a transaction that is rolled back', 'DELETE')
{
	$psql->(sprintf $write{$what}, $_) for qw(own by_user);
	is(differ(''), '', "after $what");
	unlike(states(), qr/false\//, '... each shard is exact');
	like(states(), qr/\/true/, '... and has days that changed') if $what ne 'a transaction that is rolled back';
}
my $rows = join '', map { "$_\tcopied $_\thost c\tnas 1\t2026-01-07 10:00+00\t2026-01-08 09:00+00\t\\N\n" } 5001 .. 5040;
$psql->("COPY ${_}_login FROM STDIN;\n$rows\\.\n") for qw(own by_user);
is(differ(''), '', 'after COPY');
$_->safe_psql('postgres', 'CALL headcount.refresh()') for @workers;      # as a client of its own, whom Citus hides shards from
is(states(), join(' ', ('true/false') x 4), 'refreshed');
is(differ(''), '', 'the same, refreshed');
for (@workers)
{
	is($_->safe_psql('postgres', q{SELECT count(*) FROM headcount.source_status AS s CROSS JOIN LATERAL headcount.verify(s.source) AS v}), '0', 'a worker verifies its shards');
}
$psql->(sprintf $write{'TRUNCATE of the denials'}, $_) for qw(own by_user);
is($psql->(q{SELECT sum(denials) FROM everywhere.daily_user_counts}), '0', 'after TRUNCATE');

# Bytes: what the shards send for a report without hosts.
$psql->(q{SELECT headcount.alter_federation('everywhere', hosts => false)});
my $sent = $psql->(q{SELECT round(sum(length(a.kind) + length(a.day::text) + length(a.number::text) + length(coalesce(a.note, '')) + 4) / count(*)) FROM everywhere.federation AS f,
	headcount_internal.ask_members('everywhere', headcount_internal.request_text('counts', f, '2019', NULL, NULL, now()), false) AS m, unnest(m.answers) AS a WHERE a.kind = 'counts'});
cmp_ok($sent, '<=', 64, "a shard and day is a row of $sent bytes");

# A shard that moves takes its source with it: an error, not a shorter answer.
my ($shard, $from, $to) = split /\|/, $psql->(q{SELECT s.shardid, n.nodeport, o.nodeport FROM pg_dist_shard AS s JOIN pg_dist_placement AS p USING (shardid) JOIN pg_dist_node AS n USING (groupid)
	JOIN pg_dist_node AS o ON o.groupid > 0 AND o.groupid <> n.groupid WHERE s.logicalrelid = 'by_user_login'::regclass ORDER BY 1 LIMIT 1});
$node->psql('postgres', qq{SET client_min_messages = error; SELECT citus_move_shard_placement($shard, n.nodename, n.nodeport, o.nodename, o.nodeport, shard_transfer_mode => 'block_writes')
	FROM pg_dist_node AS n, pg_dist_node AS o WHERE n.nodeport = $from AND n.groupid > 0 AND o.nodeport = $to AND o.groupid > 0}, stderr => \my $moved);
is($moved, '', 'a shard moves');
$_->safe_psql('postgres', q{SET citus.override_table_visibility = off; SET citus.enable_ddl_propagation = off; SELECT count(headcount.alter_source(s.source, licensing_model => '2013')) FROM headcount.source_status AS s}) for @workers;
my $error = error_text($node, 'SELECT count(*) FROM everywhere.daily_user_counts');
like($error, qr/member "worker_\d" of federation "everywhere" did not answer.*a table of source "login_$shard" is no longer a shard of this server/s, 'a shard that moved is an error');

$_->stop for $node, @workers;
done_testing();
