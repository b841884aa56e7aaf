# What is done with stored days over tables of Citus as over a table of this server: sketches in place of sets, forgotten names,
# dimensions that change, members of a federation; what check says, and who can read what.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../t";
use Headcount;
use Spread;
use Test::More;

my ($node, @workers) = citus_nodes();
my $psql = sub { $node->safe_psql('postgres', "SET client_min_messages = error;\n$_[0]") };
my @kinds = qw(by_user by_host reference parts columnar_part);
make_tables($node, $_) for 'own', @kinds;
my @steady_questions = grep { $_->[0] !~ /\('S', NULL, NULL/ } @more_questions;

my $cleaned = "licensing_model => '2019', last_seen => 'heard', idle_limit => '30 hours', false_denial_before => '5 seconds', user_identity => 'lower(user_name)', $every_option";

# Sketches: of what users_on and the like say nothing is stored, so they read the tables.
my @sketched = grep { $_->[0] !~ /^headcount\.(?:user_lifecycle|stickiness|user_retention)/ } @questions, @steady_questions;
for my $kind ('own', @kinds)
{
	my $name = "${kind}_sketched";
	make_source($node, $name, $kind, "$cleaned, exact => false");
	$psql->("CALL headcount.refresh('$name')");
	next if $kind eq 'own';
	is(rollup_status($node, 'postgres', $name), 'f|0|0', "$name: exact, dirty days, faults");
	is(compare_sources($node, 'own_sketched', $name, $_, @sketched), '', "$name " . ($_ eq '' ? 'at now' : 'at an instant of the past')) for $kind eq 'by_host' ? '' : (), $past;
}
is($psql->("SELECT bool_or(approximate) FROM by_user_sketched.daily_user_counts"), $psql->("SELECT bool_or(approximate) FROM own_sketched.daily_user_counts"), 'estimates are called so');

# The sources of the rest, with names.
for my $kind (qw(own by_user))
{
	make_source($node, $kind, $kind, $cleaned);
	$psql->("CALL headcount.refresh('$kind')");
}

# Forgotten names: how many, who is there, and who comes back.
my @forgotten = map { $psql->("SELECT headcount.forget_users('$_', '{USER 33,user 11,nobody}')") } qw(own by_user);
is("@forgotten", '2 2', 'names that were known are forgotten');
is(compare_sources($node, 'own', 'by_user', $past, @questions, @more_questions), '', 'the same answers after names were forgotten');
for my $kind (qw(own by_user))
{
	$psql->("INSERT INTO ${kind}_login VALUES (2000, 'user 33', 'host x', 'nas 0', '2026-01-17 10:00+00', '2026-01-17 11:00+00', '2026-01-17 11:00+00');
		SELECT headcount.invalidate('$kind', '2026-01-17', '2026-01-17'); CALL headcount.refresh('$kind')");
	is($psql->("SELECT count(*) FROM $kind.rollup_dictionary AS l WHERE position('user 33'::bytea IN l.page) > 0"), '0', "$kind: no name comes back");
}
is(compare_sources($node, 'own', 'by_user', '2026-01-18', @questions, @more_questions), '', 'the same answers after a forgotten user came back');

# Dimensions that change.
for my $kind (qw(own by_user))
{
	$psql->(qq{SELECT headcount.alter_source('$kind', dimensions => '{"place": "lower(nas)", "machine": {"sessions": "mac"}}'); CALL headcount.refresh('$kind')});
}
is(rollup_status($node, 'postgres', 'by_user'), 'f|0|0', 'altered dimensions: exact, dirty days, faults');
my @altered = map { [ $_->[0] =~ s/\bkind\b/machine/gr, $_->[1] =~ s/\bkind\b/machine/gr, $_->[2] ] } @more_questions;
is(compare_sources($node, 'own', 'by_user', $past, @questions, @altered), '', 'the same answers after dimensions were altered');

# What is missing or slow: statements that are there can be run as they are.
my %findings = map { $_ => $psql->("SELECT string_agg(c.subject || ': ' || c.finding, E'\\n') FROM headcount.check('$_') AS c") } qw(own by_user);
like($findings{by_user}, qr/^tracking: /m, 'check tells that changes are not logged');
unlike($findings{own}, qr/^tracking: /m, 'and of no other table');
for my $statement (split /\n/, $psql->("SELECT DISTINCT c.statement FROM headcount.check('by_user') AS c WHERE c.statement ~* '^(analyze|select headcount|call headcount)' AND c.statement !~ '[.][.][.]'"))
{
	is($node->psql('postgres', "SET client_min_messages = error; $statement"), 0, "it can be run: $statement");
}

# Readers: views need the rights on the tables, functions those on the views.
$psql->(q{CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA by_user TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA by_user TO reader});
for my $view (qw(sessions denials online_users online_sessions daily_user_counts daily_user_counts_by_server daily_user_counts_by_place realtime_users_count data_quality))
{
	is(sqlstates($node, "SELECT * FROM by_user.$view", user => 'reader'), '42501', "$view is refused to who cannot read the tables");
}
my @by_function = (q{daily_user_counts('S', '2026-01-03', '2026-01-15')}, q{source_counts_by('S', '{place}', '2026-01-03', '2026-01-15')}, q{users_on('S', '2026-01-15')},
	q{unique_users('S', '2026-01-03', '2026-01-15')}, q{source_activity('S', 'hour', '2026-01-14', '2026-01-16')}, q{hosts_at_peak('S', '2026-01-09')}, q{online_counts('S', '{user 12,twice}')},
	q{concurrency_percentiles('S', '2026-01-05', '2026-01-16')}, q{user_lifecycle('S', 'week')}, q{time_online('S', '2026-01-05', '2026-01-16')});
for my $call (@by_function)
{
	my ($as_owner, $as_reader) = map { $node->safe_psql('postgres', "SET headcount.as_of = '$past'; SELECT x::text FROM headcount." . $call =~ s/\bS\b/by_user/r . ' AS x ORDER BY 1',
		extra_params => [ '-U', $_ ]) } $node->safe_psql('postgres', 'SELECT current_user'), 'reader';
	ok($as_owner ne '' && $as_reader eq $as_owner, ($call =~ s/\(.*//r) . ' answers who can read the views');
}

# Members of a federation: one over tables of Citus, one over a table of this server, with the same rows.
$node->safe_psql('template1', 'CREATE DATABASE center');
$node->safe_psql('center', 'SET client_min_messages = error; CREATE EXTENSION headcount CASCADE; CREATE EXTENSION postgres_fdw');
for my $kind (qw(own by_user))
{
	$psql->("SELECT headcount.share_source('${kind}_shared', 'a key that is the same for all of them')") if make_source($node, "${kind}_shared", $kind, "licensing_model => '2019'") || 1;
	$psql->("CALL headcount.refresh('${kind}_shared')");
	$node->safe_psql('center', sprintf("CREATE SERVER $kind FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '%s', port '%d', dbname 'postgres'); CREATE USER MAPPING FOR CURRENT_USER SERVER $kind", $node->host, $node->port));
	$node->safe_psql('center', "SELECT headcount.create_federation('of_$kind', '{$kind}', '{${kind}_shared}', window_days => 5)");
}
for my $view (qw(daily_user_counts_2013 daily_user_counts_2019 daily_user_counts_2025))
{
	my ($own, $by_user, $alone) = (map({ $node->safe_psql('center', "SET headcount.as_of = '$past'; SELECT d.day, d.total_users, d.daily_users, d.denial_users, d.denials, d.concurrent_hosts FROM of_$_.$view AS d ORDER BY 1") } qw(own by_user)),
		$psql->("SET headcount.as_of = '$past'; SELECT d.day, d.total_users, d.daily_users, d.denial_users, d.denials, d.concurrent_hosts FROM own_shared.$view AS d ORDER BY 1"));
	ok($own ne '' && $own eq $by_user && $own eq $alone, "a federation of a source over tables of Citus: $view");
}

$_->stop for $node, @workers;
done_testing();
