# Federations: three servers that each keep a source, and one database that unites them. The judge is one source over all rows
# in one table.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use Headcount;
use PostgreSQL::Test::Utils;
use Test::More;

my @names = qw(one two three);
my %node  = map { $_ => new_node($_, init => { allows_streaming => 1 }, conf => "timezone = 'UTC'\n") } @names;
my $hub   = $node{one};
$hub->safe_psql('postgres', 'CREATE DATABASE center');
$hub->safe_psql('center', "SET client_min_messages = warning; CREATE EXTENSION headcount CASCADE; CREATE EXTENSION postgres_fdw");
sub center { return $hub->safe_psql('center', join ';', @_) }

# The rows of member $n: users and hosts that are at several members too, sessions over the days when clocks change, of several days,
# of one instant, open ones, some without a user or host, some in the last days.
my $now = center(q{SELECT date_trunc('second', now())});
my $tables = <<'SQL';
CREATE TABLE login (id integer, who text, mac text, nas text, came timestamptz, went timestamptz);
CREATE TABLE refused (id integer, who text, mac text, nas text, at timestamptz);
SQL
sub rows_of
{
	my ($n) = @_;
	return <<"SQL";
INSERT INTO login
SELECT i, CASE WHEN i % 41 > 0 THEN 'user ' || (i * $n * 7) % 83 END, CASE WHEN i % 37 > 0 THEN 'host ' || (i * 3 + $n) % 61 END, 'nas ' || (i + $n) % 4,
       timestamptz '2026-03-20 00:00+00' + i * interval '43 minutes' + $n * interval '11 minutes',
       CASE WHEN i % 50 = 0 THEN NULL ELSE timestamptz '2026-03-20 00:00+00' + i * interval '43 minutes' + $n * interval '11 minutes' + (i % 9) * (i % 9) * interval '31 minutes' END
FROM generate_series(1, 900) AS i;
INSERT INTO login
SELECT 1000 + i, 'user ' || (i * $n) % 40, 'host ' || i % 9, 'nas ' || i % 4, timestamptz '$now' - i * interval '101 minutes',
       CASE WHEN i % 8 > 0 THEN timestamptz '$now' - i * interval '101 minutes' + i % 5 * interval '1 hour' END
FROM generate_series(1, 60) AS i;
INSERT INTO refused SELECT i, 'user ' || (i * $n) % 119, 'host 1', 'nas ' || i % 4, timestamptz '2026-03-19 12:00+00' + i * interval '5 hours' FROM generate_series(1, 90) AS i;
SQL
}
my $source = q{SELECT headcount.create_source('wifi', 'login', 'who', 'mac', 'came', 'went', server => 'nas', denials => 'refused', denied_user => 'who',
	denied_at => 'at', denied_host => 'mac', denied_server => 'nas', realtime_servers => '{nas 0,nas 1}', time_zone => 'Europe/Warsaw', window_days => 9, materialized => %s)};
my $key = 'an example of a key that all share';

center($tables, sprintf($source, 'false') =~ s/'wifi'/'whole'/r);
my $number = 0;
for my $name (@names)
{
	$number++;
	my $db = 'postgres';
	$node{$name}->safe_psql($db, join ';', $tables, rows_of($number), sprintf($source, $name eq 'two' ? 'false' : 'true'), "SELECT headcount.share_source('wifi', '$key')",
		q{CREATE ROLE federated LOGIN}, q{GRANT SELECT ON wifi.shared_days TO federated});
	center(rows_of($number));
	my ($host, $port) = ($node{$name}->host, $node{$name}->port);
	center("CREATE SERVER $name FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname '$db')",
		"CREATE USER MAPPING FOR CURRENT_USER SERVER $name OPTIONS (user 'federated')");
}
# One member has all days stored, and then some that changed; another one some of them.
$node{one}->safe_psql('postgres', q{CALL headcount.refresh('wifi')});
$node{three}->safe_psql('postgres', q{CALL headcount.refresh('wifi', 12)});
my $change = q{UPDATE login SET went = came + interval '2 days', who = 'user x' WHERE id IN (77, 401); DELETE FROM login WHERE id = 500; INSERT INTO refused VALUES (999, 'user y', NULL, 'nas 1', '2026-03-30 01:30+00')};
$node{one}->safe_psql('postgres', $change);
$node{one}->safe_psql('postgres', q{SELECT headcount.freeze('wifi', NULL)});

# In the one table the rows of all members have the same ids, so the same change is made by user and time.
center(q{DELETE FROM login; DELETE FROM refused});
for my $n (1 .. 3)
{
	center(rows_of($n) . ($n == 1 ? "; $change" : ''));
}

is(center(q{SELECT headcount.create_federation('everywhere', '{one,two,three}', '{wifi}', window_days => 9)}),
	'federation "everywhere" unites 3 members, with days of Europe/Warsaw', 'a federation is made');

# Rows of a view of the federation that the whole does not have, and the other way round; '' where there is none.
my $columns = 'day, total_users, daily_users, denial_users, denials, concurrent_hosts, concurrent_hosts_at, complete';

sub differ
{
	my ($view, $where, $as_of, $federation, $whole) = @_;
	$federation //= 'everywhere';
	$whole //= 'whole';
	return center("SET headcount.as_of = '$as_of'", <<"SQL");
WITH united AS MATERIALIZED (SELECT $columns FROM $federation.$view WHERE $where), whole AS MATERIALIZED (SELECT $columns FROM $whole.$view WHERE $where)
SELECT 'no rows' WHERE NOT EXISTS (SELECT FROM whole WHERE daily_users > 0 AND concurrent_hosts > 0)
UNION ALL SELECT 'united ' || r::text FROM (TABLE united EXCEPT ALL TABLE whole ORDER BY 1 LIMIT 3) AS r
UNION ALL SELECT 'whole ' || r::text FROM (TABLE whole EXCEPT ALL TABLE united ORDER BY 1 LIMIT 3) AS r;
SQL
}

for my $view (qw(daily_user_counts_2013 daily_user_counts_2019 daily_user_counts_2025 daily_user_counts))
{
	for my $where ('true', q{day >= '2026-03-28' AND day <= '2026-03-30'}, q{day = '2026-03-29'}, q{day > '2026-04-10'}, q{day < '2026-03-23'}, q{day BETWEEN '2026-03-01' AND '2026-03-21'})
	{
		is(differ($view, $where, $now), '', "$view is that of one database, $where");
	}
	is(differ($view, 'true', '2026-03-29 00:30+00'), '', "$view is that of one database, as of the night when clocks change");
	is(differ($view, q{day >= '2026-03-28'}, '2026-03-30 10:00+00'), '', "$view is that of one database, as of another instant, from a day on");
}
is(center("SET headcount.as_of = '$now'", q{SELECT bool_or(is_partial), bool_and(missing_members = '{}') FROM everywhere.daily_user_counts}), 'f|t', 'an answer of all says so');
is(center("SET headcount.as_of = '$now'", q{SELECT count(*) FROM everywhere.daily_user_counts WHERE day > '2100-01-01'}), '0', 'no days to come');

# Users of a federation are no sum: this is what would go wrong.
is(center("SET headcount.as_of = '$now'", q{SELECT count(*) FROM whole.daily_user_counts AS w JOIN everywhere.daily_user_counts AS e USING (day) WHERE e.daily_users <> w.daily_users}), '0', 'users who are at several members count once');
isnt($node{one}->safe_psql('postgres', "SET headcount.as_of = '$now'; SELECT sum(daily_users) FROM wifi.daily_user_counts"), center("SET headcount.as_of = '$now'; SELECT sum(daily_users) FROM everywhere.daily_user_counts"),
	'... and there are others');

# Sketches are those of one database, bit for bit: their union is exact, what they count is not.
is(center("SET headcount.as_of = '$now'", q{SELECT count(*) FROM everywhere.daily_user_sketches AS e FULL JOIN whole.daily_user_sketches AS w USING (day)
	WHERE (e.used::text, e.denied::text) IS DISTINCT FROM (w.used::text, w.denied::text) AND (hll_cardinality(w.used) > 0 OR hll_cardinality(w.denied) > 0)}), '0', 'sketches are those of one database');

# What is sent.
my $request = q{{"what": "counts", "model": "2013", "window_days": 9, "hosts": true, "from_day": "2026-03-28", "to_day": "2026-03-30", "as_of": "2026-05-01 00:00:00+00"}};
my $plan = center("EXPLAIN (VERBOSE, COSTS OFF) SELECT m.kind FROM everywhere.member_1 AS m WHERE m.request = '$request'");
like($plan, qr/Remote SQL: .*WHERE \(\(request = '/, 'the request is sent along as a value');
unlike($node{one}->safe_psql('postgres', "SELECT string_agg(r::text, ' ') FROM wifi.shared_days AS r WHERE r.request = '$request'"), qr/user \d|host \d/, 'no names are sent');
my $text = $node{one}->safe_psql('postgres', "SELECT string_agg(encode(decode(r.content::text, 'base64'), 'escape'), ' ') FROM wifi.shared_days AS r WHERE r.request = '$request'");
unlike($text, qr/user \d|host \d/, '... nor in the presences');
is(sqlstates($node{one}, q{SELECT * FROM wifi.shared_days}), '22023', 'without a request there is no answer');
is(sqlstates($node{one}, q{SELECT * FROM wifi.shared_days WHERE request = 'what'}), '22P02', 'what is no request is refused');
is(sqlstates($node{one}, q{SELECT * FROM wifi.shared_days WHERE request = '{"what": "names"}'}), '22023', '... nor is one that is not known');
is(sqlstates($node{one}, q{SELECT * FROM wifi.shared_days WHERE request = '{"what": "counts", "model": "2013; DROP", "window_days": 1}'}), '22023', '... or of a model that is not known');

is(center("SET headcount.as_of = '$now'", q{SELECT count(*) FROM (SELECT ucd, uct, ucdy, ucde, ucch FROM everywhere.realtime_users_count EXCEPT ALL SELECT ucd, uct, ucdy, ucde, ucch FROM whole.realtime_users_count) AS r}), '0',
	'so is the report of days that are over');

# Members that have nothing, or denials only, or hosts without users, in a zone that skipped a day; rows of one user on both sides of it.
my %odd = (
	nothing => '',
	refusals => q{INSERT INTO refused SELECT i, 'user ' || i % 3, NULL, 'nas 0', timestamptz '2011-12-20 00:00+00' + i * interval '9 hours' FROM generate_series(1, 60) AS i;},
	machines => q{INSERT INTO login SELECT i, NULL, 'host ' || i % 5, 'nas 0', timestamptz '2011-12-27 00:00+00' + i * interval '5 hours', timestamptz '2011-12-27 00:00+00' + i * interval '9 hours' FROM generate_series(1, 30) AS i;},
	people => q{INSERT INTO login SELECT i, 'user ' || i % 7, 'host ' || i % 3, 'nas ' || i % 3, timestamptz '2011-12-26 00:00+00' + i * interval '7 hours', timestamptz '2011-12-26 00:00+00' + i * interval '20 hours' FROM generate_series(1, 20) AS i;});
my $apia = q{SELECT headcount.create_source('%s', 'login', 'who', 'mac', 'came', 'went', server => 'nas', denials => 'refused', denied_user => 'who', denied_at => 'at',
	denied_server => 'nas', realtime_servers => '{nas 0}', time_zone => 'Pacific/Apia', window_days => 4, materialized => %s)};
$node{two}->safe_psql('postgres', "CREATE DATABASE $_") for 'oddities', sort keys %odd;
$node{two}->safe_psql('oddities', 'SET client_min_messages = warning; CREATE EXTENSION headcount CASCADE; CREATE EXTENSION postgres_fdw; ' . $tables . sprintf($apia, 'whole', 'false'));
for my $db (sort keys %odd)
{
	$node{two}->safe_psql($db, join ';', 'SET client_min_messages = warning', 'CREATE EXTENSION headcount CASCADE', $tables, $odd{$db}, sprintf($apia, 'wifi', $db eq 'people' ? 'true' : 'false'),
		"SELECT headcount.share_source('wifi', '$key')", 'GRANT SELECT ON wifi.shared_days TO federated');
	$node{two}->safe_psql($db, q{CALL headcount.refresh('wifi')}) if $db eq 'people';
	my ($host, $port) = ($node{two}->host, $node{two}->port);
	$node{two}->safe_psql('oddities', "CREATE SERVER $db FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname '$db'); CREATE USER MAPPING FOR CURRENT_USER SERVER $db OPTIONS (user 'federated'); $odd{$db}");
}
$node{two}->safe_psql('oddities', q{SELECT headcount.create_federation('all_of_them', '{nothing,refusals,machines,people}', '{wifi}', window_days => 4)});
for my $model (2013, 2019, 2025)
{
	for my $where ('true', q{day >= '2011-12-31'}, q{day BETWEEN '2011-12-29' AND '2011-12-31'}, q{day = '2011-12-30'}, q{day > '2012-01-15'}, q{day < '2011-12-25'})
	{
		for my $as_of ('2012-01-20 00:00+00', '2011-12-30 10:30+00')
		{
			is($node{two}->safe_psql('oddities', "SET headcount.as_of = '$as_of'; WITH united AS MATERIALIZED (SELECT $columns FROM all_of_them.daily_user_counts_$model WHERE $where),
				whole AS MATERIALIZED (SELECT $columns FROM whole.daily_user_counts_$model WHERE $where)
				SELECT 'united ' || r::text FROM (TABLE united EXCEPT ALL TABLE whole) AS r UNION ALL SELECT 'whole ' || r::text FROM (TABLE whole EXCEPT ALL TABLE united) AS r"),
				'', "odd members are those of one database under $model, $where, as of $as_of");
		}
	}
}
is($node{two}->safe_psql('oddities', q{SELECT headcount.create_federation('nobody', '{nothing}', '{wifi}'); SELECT count(*) FROM nobody.daily_user_counts; SELECT count(*) FROM nobody.daily_user_sketches}) =~ s/.*\n//r, "0\n0", 'a federation of nobody');

# Members that have no user in common, each of which counts its own; hosts they have.
center(q{CREATE TABLE apart_login (LIKE login)}, q{CREATE TABLE apart_refused (LIKE refused)});
for my $n (1 .. 3)
{
	my $apart = "INSERT INTO apart_login SELECT id, 'of $n ' || who, mac, nas, came, went FROM login; INSERT INTO apart_refused SELECT id, 'of $n ' || who, mac, nas, at FROM refused";
	my $member = $node{$names[$n - 1]};
	$member->safe_psql('postgres', join ';', 'CREATE TABLE apart_login (LIKE login)', 'CREATE TABLE apart_refused (LIKE refused)', $n == 2 ? "DELETE FROM login WHERE came < '2026-03-27'" : (), $apart,
		sprintf($source, $n == 2 ? 'false' : 'true') =~ s/'wifi', 'login'/'apart', 'apart_login'/r =~ s/'refused'/'apart_refused'/r, "SELECT headcount.share_source('apart', '$key')", 'GRANT SELECT ON apart.shared_days TO federated');
	$member->safe_psql('postgres', $n == 1 ? q{CALL headcount.refresh('apart')} : q{CALL headcount.refresh('apart', 20)}) if $n != 2;
	center('BEGIN', 'DELETE FROM login', 'DELETE FROM refused', rows_of($n) . ($n == 1 ? "; $change" : $n == 2 ? "; DELETE FROM login WHERE came < '2026-03-27'" : ''), $apart, 'COMMIT');
}
center(sprintf($source, 'false') =~ s/'wifi', 'login'/'whole_apart', 'apart_login'/r =~ s/'refused'/'apart_refused'/r, q{SELECT headcount.create_federation('added', '{one,two,three}', '{apart}', window_days => 9, disjoint_users => true)});
for my $view (qw(daily_user_counts_2013 daily_user_counts_2019 daily_user_counts_2025 daily_user_counts))
{
	is(differ($view, $_, $now, 'added', 'whole_apart'), '', "members without common users: $view, $_") for 'true', q{day >= '2026-03-28' AND day <= '2026-03-30'}, q{day = '2026-03-29'}, q{day > '2026-04-10'}, q{day < '2026-03-23'};
	is(differ($view, 'true', '2026-03-29 00:30+00', 'added', 'whole_apart'), '', "members without common users: $view as of the night when clocks change");
}
is(center("SET headcount.as_of = '$now'", q{SELECT count(*) FROM (SELECT ucd, uct, ucdy, ucde, ucch FROM added.realtime_users_count EXCEPT ALL SELECT ucd, uct, ucdy, ucde, ucch FROM whole_apart.realtime_users_count) AS r}), '0',
	'... and the report of days that are over');
my $added = q{{"what": "counts", "model": "2019", "window_days": 9, "hosts": false, "adds_users": true, "from_day": "2026-03-28", "to_day": "2026-03-30", "as_of": "2026-05-01 00:00:00+00"}};
is($node{one}->safe_psql('postgres', "SELECT kind, count(*), count(content) FROM apart.shared_days AS r WHERE r.request = '$added' GROUP BY kind ORDER BY kind"), "counts|3|0\nmember|1|0", 'a member sends a row of numbers a day');
center(q{SELECT headcount.alter_federation('added', window_days => 8)});
like(error_text($hub, q{SELECT * FROM added.daily_user_counts_2013}, db => 'center'), qr/member "one" of federation "added" did not answer.*source "apart" has totals of 9 days, the federation has totals of 8.*Give both the same window_days/s, 'totals of other days are refused, with what helps');
is(differ('daily_user_counts_2019', 'true', $now, 'added', 'whole_apart'), '', '... but where all days count');
center(q{SELECT headcount.alter_federation('added', window_days => 9, disjoint_users => false)});
is(differ('daily_user_counts_2013', 'true', $now, 'added', 'whole_apart'), '', 'by hashes it is the same');
center(q{SELECT headcount.alter_federation('added', hosts => false, disjoint_users => true)});
is(center("SET headcount.as_of = '$now'", q{SELECT bool_and(a.concurrent_hosts IS NULL), bool_and((a.total_users, a.daily_users, a.denial_users, a.denials) = (w.total_users, w.daily_users, w.denial_users, w.denials)), count(*) > 20
	FROM added.daily_user_counts AS a JOIN whole_apart.daily_user_counts AS w USING (day)}), 't|t|t', '... and without hosts');
center(q{SELECT headcount.drop_federation('added')}, q{DELETE FROM login; DELETE FROM refused}, map { rows_of($_) . ($_ == 1 ? "; $change" : '') } 1 .. 3);
$node{two}->safe_psql('postgres', 'DELETE FROM login; DELETE FROM refused; ' . rows_of(2));

# A member with sketches adds its estimates, which are its users here.
$node{three}->safe_psql('postgres', join ';', sprintf($source, 'true') =~ s/'wifi', 'login'/'sketched', 'apart_login'/r =~ s/'refused'/'apart_refused'/r =~ s/window_days => 9/window_days => 9, exact => false/r,
	"SELECT headcount.share_source('sketched', '$key')", 'GRANT SELECT ON sketched.shared_days TO federated');
$node{three}->safe_psql('postgres', q{CALL headcount.refresh('sketched', 20)});
center(q{SELECT headcount.create_federation('added', '{one,two,three}', '{apart,apart,sketched}', window_days => 9, disjoint_users => true)});
for my $where ('true', q{day <= '2026-04-01'}, q{day >= '2026-03-28' AND day <= '2026-03-30'}, q{day = '-infinity'}, q{day = 'infinity'})
{
	for my $disjoint ('true', 'false')
	{
		center("SELECT headcount.alter_federation('added', disjoint_users => $disjoint)");
		is(center("SET headcount.as_of = '$now'", "SELECT count(*) FROM (SELECT day, daily_users, denial_users, denials, concurrent_hosts FROM added.daily_user_counts WHERE $where EXCEPT ALL SELECT day, daily_users, denial_users, denials, concurrent_hosts FROM whole_apart.daily_user_counts) AS d"), '0',
			"a member with sketches, disjoint users $disjoint: $where");
	}
}
center(q{SELECT headcount.alter_federation('added', disjoint_users => true)});
is(sqlstates($hub, q{SELECT headcount_internal.bounds_digest('UTC', '2026-01-01', '5874897-12-31')}, db => 'center'), '54000', 'days are not counted for ever');
is(center(q{SET headcount.as_of = '2999-01-01'}, q{SELECT count(*) FROM added.daily_user_counts WHERE day >= '2026-03-28' AND day <= '2026-03-30'}), '3', 'hosts of the days that are asked for, however late it is');
center(q{SELECT headcount.drop_federation('added')});
is(sqlstates($node{one}, q{SELECT * FROM wifi.shared_days WHERE request = '{"what": "counts", "model": "by_server", "adds_users": true, "window_days": 9, "hosts": false}'}), '22023', 'a request reads the reports by model, and no other view');

# Rights: SELECT on a view is all that a reader needs, also through a view of somebody else; others learn nothing.
center(q{CREATE ROLE reader LOGIN}, q{CREATE ROLE stranger LOGIN}, q{CREATE ROLE analyst LOGIN}, q{GRANT SELECT ON everywhere.daily_user_counts TO reader, analyst}, q{GRANT CREATE ON DATABASE center TO analyst});
my $answer = center("SET headcount.as_of = '$now'", q{SELECT count(*), sum(daily_users) FROM everywhere.daily_user_counts});
my $as_reader;
is(sqlstates($hub, "SET headcount.as_of = '$now'; SELECT count(*), sum(daily_users) FROM everywhere.daily_user_counts", db => 'center', user => 'reader', stdout => \$as_reader), '', 'a reader may read the view');
like($as_reader, qr/^\Q$answer\E$/m, '... and gets the same');
sqlstates($hub, "CREATE SCHEMA mine; CREATE VIEW mine.days AS SELECT day, daily_users FROM everywhere.daily_user_counts; GRANT USAGE ON SCHEMA mine TO stranger; GRANT SELECT ON mine.days TO stranger", db => 'center', user => 'analyst');
is(sqlstates($hub, "SELECT count(*) FROM mine.days", db => 'center', user => 'stranger'), '', 'so may who reads it through a view of a reader');
my $stranger = join ' ', map { sqlstates($hub, $_, db => 'center', user => 'stranger') } 'SELECT * FROM everywhere.daily_user_counts', 'SELECT * FROM everywhere.federation',
	'SELECT * FROM everywhere.members', 'SELECT * FROM everywhere.member_1', q{SELECT * FROM headcount_internal.federated_report('everywhere.federation', gen_random_uuid(), '2019', NULL, NULL, now())},
	q{SELECT headcount.drop_federation('everywhere')}, q{SELECT headcount.alter_federation('everywhere', partial => true)};
is($stranger, '42501 42501 42501 42501 42501 42501 42501', 'a stranger may do nothing');
is(sqlstates($hub, q{SELECT * FROM headcount_internal.federated_report('pg_class', gen_random_uuid(), '2019', NULL, NULL, now()); SELECT * FROM headcount_internal.shared_report('everywhere.federation', gen_random_uuid(), '{}')}, db => 'center', user => 'stranger'),
	'42501 42501', '... with a table that is none of ours either');
is(join(' ', map { sqlstates($hub, "SELECT * FROM headcount_internal.federated_report('$_'::regclass::oid, gen_random_uuid(), '2019', NULL, NULL, now())", db => 'center', user => 'stranger') }
	'pg_class_oid_index', 'everywhere.member_1', 'everywhere.members', 'whole.sessions', 'whole.settings', '0'), '42501 42501 42501 42501 42501 42501', '... nor with other relations');
is(sqlstates($hub, q{SELECT * FROM headcount_internal.federated_report(NULL, NULL, NULL, NULL, NULL, NULL); SELECT * FROM headcount_internal.shared_report(NULL, NULL, NULL)}, db => 'center', user => 'stranger'), '22004 22004', '... nor with nothing');
is(join(' ', map { sqlstates($node{one}, $_, user => 'federated') } 'SELECT * FROM wifi.sharing', 'SELECT * FROM wifi.sessions', 'SELECT * FROM wifi.rollup_dictionary', q{SELECT headcount.share_source('wifi', 'a key of my own, for me')}),
	'42501 42501 42501 42501', 'the role that the federation comes as sees hashes only');
is(sqlstates($hub, q{SELECT headcount.create_federation('theirs', '{one}', '{wifi}')}, db => 'center', user => 'analyst'), '42501', 'who may not use a server makes no federation of it');

# Refused, and nothing is left behind.
for (
	[ q{'f', '{four}', '{wifi}'}, '42704' ], [ q{'f', '{}', '{wifi}'}, '22023' ], [ q{'f', '{one,one}', '{wifi}'}, '22023' ], [ q{'f', '{one,two}', '{wifi,wifi,wifi}'}, '22023' ],
	[ q{'f', NULL, '{wifi}'}, '22004' ], [ q{'f', '{one}', '{nothing}'}, '42P01' ], [ q{'f', '{one}', '{wifi}', '2007'}, '22023' ], [ q{'f', '{one}', '{wifi}', window_days => 0}, '22023' ],
	[ q{'everywhere', '{one}', '{wifi}'}, '42P06' ], [ q{'whole', '{one}', '{wifi}'}, '42P06' ], [ q{'pg_f', '{one}', '{wifi}'}, '42939' ])
{
	is(sqlstates($hub, "SELECT headcount.create_federation($_->[0])", db => 'center'), $_->[1], "refused: $_->[0]");
}
is(center(q{SELECT count(*) FROM pg_namespace WHERE nspname = 'f'}), '0', 'nothing is left behind');
is(sqlstates($node{one}, q{SELECT headcount.share_source('wifi', 'short'); SELECT headcount.share_source('none', 'a key that is long enough')}), '22023 42704', 'a short key is refused');

# Members that do not fit: another key, another zone.
$node{two}->safe_psql('postgres', q{SELECT headcount.share_source('wifi', 'another key than the others have')});
like(error_text($hub, q{SELECT * FROM everywhere.daily_user_counts}, db => 'center'), qr/members "one" and "two" of federation "everywhere" have different keys/, 'members with different keys are refused');
$node{two}->safe_psql('postgres', "SELECT headcount.share_source('wifi', '$key'); SELECT headcount.alter_source('wifi', time_zone => 'UTC')");
like(error_text($hub, q{SELECT * FROM everywhere.daily_user_counts}, db => 'center'), qr/member "two" of federation "everywhere" has another time zone/, 'so is one with days of another zone');
$node{two}->safe_psql('postgres', "SELECT headcount.alter_source('wifi', time_zone => 'Europe/Warsaw')");
is(differ('daily_user_counts_2013', q{day >= '2026-03-28'}, $now), '', 'it goes on once they fit again');

my $made_up = sub { center(qq{SELECT headcount_internal.check_members('made up', ARRAY[ROW('{"as_of": "2026-05-01 00:00+00"}', 'member', NULL, NULL, NULL, jsonb_build_object('server', 'x', 'time_zone', 'Europe/Warsaw', 'key', 'k',
	'bounds', headcount_internal.bounds_digest('$_[0]', '1990-01-01', '2026-05-01')))::headcount_internal.shared_row], 'Europe/Warsaw')}) };
is($made_up->('Europe/Warsaw'), '', 'days that begin when ours do');
is(eval { $made_up->('Europe/Berlin'); 1 } // $@ =~ /days of member "x" of federation "made up" begin at other instants/, 1, 'a member whose days begin at other instants is refused');

# Frozen days: their sessions may be gone, so nobody knows how many hosts there were at once over all members.
$node{one}->safe_psql('postgres', q{CALL headcount.refresh('wifi'); SELECT headcount.freeze('wifi', '2026-03-25'); DELETE FROM login WHERE went < '2026-03-24'});
is(center("SET headcount.as_of = '$now'", q{SELECT bool_and((e.concurrent_hosts IS NULL) = (e.day < '2026-03-25')), bool_and((e.total_users, e.daily_users, e.denial_users, e.denials) = (w.total_users, w.daily_users, w.denial_users, w.denials)),
	bool_and(e.concurrent_hosts = w.concurrent_hosts AND e.concurrent_hosts_at IS NOT DISTINCT FROM w.concurrent_hosts_at) FILTER (WHERE e.day >= '2026-03-25')
	FROM everywhere.daily_user_counts AS e JOIN whole.daily_user_counts AS w USING (day)}), 't|t|t', 'hosts of frozen days are not known, users are');

# A federation of two without hosts, which is tolerant.
center(q{SELECT headcount.create_federation('two_of_them', '{one,three}', '{wifi,wifi}', '2013', 9, hosts => false, partial => true)});
is(center("SET headcount.as_of = '$now'", q{SELECT bool_and(concurrent_hosts IS NULL), count(*) > 20, bool_or(is_partial) FROM two_of_them.daily_user_counts WHERE day < '2026-05-01'}), 't|t|f', 'without hosts');

# A dump of the center, restored beside it.
my $dump = $hub->basedir . '/center.sql';
$hub->command_ok([ 'pg_dump', '-f', $dump, '-d', 'center', '--no-owner' ], 'a dump of the center');
$hub->safe_psql('postgres', 'CREATE DATABASE again');
$hub->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', 'again' ], '... is restored');
my $question = "SET headcount.as_of = '$now'; SELECT * FROM everywhere.daily_user_counts WHERE day >= '2026-03-28'";
is($hub->safe_psql('again', $question), center($question), '... and answers');

# A replica of the center answers, and a replica of a member can be asked.
$hub->backup('base');
my $replica = PostgreSQL::Test::Cluster->new('replica');
$replica->init_from_backup($hub, 'base', has_streaming => 1);
$replica->start;
$hub->wait_for_catchup($replica);
is($replica->safe_psql('center', $question), center($question), 'a replica answers');
my ($replica_host, $replica_port) = ($replica->host, $replica->port);
center("ALTER SERVER one OPTIONS (SET host '$replica_host', SET port '$replica_port')");
is(center($question), $replica->safe_psql('center', $question), '... and is asked in place of a member');
my ($one_host, $one_port) = ($hub->host, $hub->port);
center("ALTER SERVER one OPTIONS (SET host '$one_host', SET port '$one_port')");
$replica->stop;

# A member goes down, also while a session has a connection to it.
my $session = $hub->background_psql('center', on_error_stop => 0);
like($session->query("SET headcount.as_of = '$now'; SELECT count(*) FROM everywhere.daily_user_counts WHERE day < '2026-05-01'"), qr/^\d+$/m, 'a session asks all members');
$node{three}->stop('immediate');
like(error_text($hub, q{SELECT * FROM everywhere.daily_user_counts}, db => 'center'), qr/member "three" of federation "everywhere" did not answer/, 'a member that is down is an error that names it');
is(sqlstates($hub, q{SELECT * FROM everywhere.daily_user_sketches}, db => 'center'), '08001', '... of its own kind');
$session->query(q{SELECT headcount.alter_federation('everywhere', partial => true)});
is($session->query(q{SELECT bool_and(is_partial), count(DISTINCT missing_members), min(missing_members::text) FROM everywhere.daily_user_counts}), 't|1|{three}', 'or the answer says that it is partial, in a session that was connected too');
is(center("SET headcount.as_of = '$now'", q{SELECT bool_and(is_partial) FROM everywhere.daily_user_sketches}), 't', 'so do sketches');
# the whole without the rows of the member that is missing
center(q{DELETE FROM login; DELETE FROM refused});
center(rows_of($_) . ($_ == 1 ? "; $change" : '')) for 1 .. 2;
is(differ('daily_user_counts_2019', q{day >= '2026-03-25'}, $now), '', 'a partial answer is that of the others');
is($session->query(q{SELECT count(*) FROM two_of_them.daily_user_counts WHERE missing_members = '{three}' AND day < '2026-05-01'}) > 20, 1, 'the other federation misses it too');
$node{one}->safe_psql('postgres', q{REVOKE SELECT ON wifi.shared_days FROM federated});
like(error_text($hub, q{SELECT * FROM everywhere.daily_user_counts}, db => 'center'), qr/member "one" of federation "everywhere" did not answer/, 'a member that refuses is no missing one');
$node{one}->safe_psql('postgres', q{GRANT SELECT ON wifi.shared_days TO federated});
$node{two}->stop('immediate');
like($session->query(q{SELECT bool_and(missing_members = '{two,three}') FROM everywhere.daily_user_counts}), qr/^t$/m, 'two that are missing are named');
$node{three}->start;
like($session->query(q{SELECT bool_and(missing_members = '{two}') FROM everywhere.daily_user_counts}), qr/^t$/m, 'one that is back is asked again');
$session->quit;

# The example.
my @ports = map { ("host_$_" => $node{$names[$_ - 1]}->host, "port_$_" => $node{$names[$_ - 1]}->port) } 1 .. 3;
$node{two}->start;
my $examples = "$FindBin::Bin/../../examples/federation";
for my $n (1 .. 3)
{
	my $member = $node{ $names[ $n - 1 ] };
	$member->safe_psql('postgres', q{SELECT headcount.drop_source('wifi')});
	$member->command_ok([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-v', "member=$n", '-v', "key=$key", '-d', 'postgres', '-f', "$examples/member.sql" ], "the example, member $n");
}
$hub->safe_psql('postgres', 'CREATE DATABASE example');
my %ports = @ports;
$hub->command_like([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', (map { ('-v', "$_=$ports{$_}") } sort keys %ports), '-d', 'example', '-f', "$examples/center.sql" ],
	qr/^federation "everywhere" unites 3 members, with days of Europe\/Warsaw\n2026-03-28\|600\|596\|/m, '... and center');

# Going.
center(q{SELECT headcount.drop_federation('two_of_them')});
is(center(q{SELECT count(*) FROM pg_namespace WHERE nspname = 'two_of_them'}), '0', 'a federation is dropped');
is(sqlstates($hub, q{SELECT headcount.drop_federation('two_of_them')}, db => 'center'), '42704', '... once');
$node{one}->safe_psql('postgres', q{SELECT headcount.unshare_source('wifi')});
is($node{one}->safe_psql('postgres', q{SELECT to_regclass('wifi.shared_days') IS NULL AND to_regclass('wifi.sharing') IS NULL}), 't', 'a source is shared no more');
$node{three}->safe_psql('postgres', q{SELECT headcount.drop_source('wifi')});
is($node{three}->safe_psql('postgres', q{SELECT count(*) FROM pg_namespace WHERE nspname = 'wifi'}), '0', 'a shared source is dropped');
$hub->safe_psql('center', 'SET client_min_messages = warning; DROP EXTENSION headcount CASCADE');
is(center(q{SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = 'everywhere'}), '0', 'nothing of a federation is left when the extension goes');

done_testing();
