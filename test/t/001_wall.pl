# The wall between C++ and PostgreSQL, pushed from inside: errors keep their SQLSTATE, nothing leaks, every long call can
# be cancelled, and memory that runs out ends the query, not the server.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use Headcount;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = new_node('wall', conf => "shared_buffers = 64MB\nmax_parallel_workers_per_gather = 0\n");
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE login (who text, came timestamptz, went timestamptz);
CREATE VIEW some_presence AS SELECT headcount.presence_agg('a'::text, timestamptz '2026-01-01', timestamptz '2026-01-02') AS p;
CREATE FUNCTION broken(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE 'broken' USING ERRCODE = 'UU001'; END $$;
SQL

# --- every error with its own SQLSTATE, and the session goes on -------------------------------------------------------

my @faults = (
	[ 'text that is no presence',   '22P02', q{SELECT 'rubbish'::headcount.presence} ],
	[ 'empty text',                 '22P02', q{SELECT ''::headcount.presence} ],
	[ 'unknown zone',               '22023', q{SELECT headcount.daily_activity(p, 'Mars/Olympus') FROM some_presence} ],
	[ 'zone NULL',                  '22004', q{SELECT headcount.daily_activity(p, NULL) FROM some_presence} ],
	[ 'unknown granularity',        '22023', q{SELECT headcount.activity(p, 'fortnight', 'UTC') FROM some_presence} ],
	[ 'window of no days',          '22023', q{SELECT headcount.rolling_activity(p, 0, 'UTC') FROM some_presence} ],
	[ 'unknown model',              '22023', q{SELECT headcount.daily_user_counts(p, p, p, 'UTC', '2014') FROM some_presence} ],
	[ 'two types of keys in one',   '42804', q{SELECT headcount.presence_union(p, (SELECT headcount.presence_agg(1::bigint, now(), now()))) FROM some_presence} ],
	[ 'a transition by hand',       '42809', q{SELECT headcount_internal.presence_add(NULL, 'a'::text, now(), now())} ],
	[ 'a setting that is no time',  '22023', q{SET headcount.as_of = 'teatime'} ],
	[ 'an unknown setting',         '42602', q{SET headcount.as_off = 'x'} ],
	# errors of PostgreSQL itself, raised below C++ frames
	[ 'an unknown column',          '42703', q{SELECT headcount_internal.resolve_column('login', 'whom', 'text', NULL)} ],
	[ 'no expression',              '42601', q{SELECT headcount_internal.resolve_column('login', 'who +', 'text', NULL)} ],
	[ 'a query for an expression',  '42601', q{SELECT headcount_internal.resolve_column('login', 'who; DROP TABLE login', 'text', NULL)} ],
	[ 'an aggregate in it',         '42803', q{SELECT headcount_internal.resolve_column('login', 'max(who)', 'text', NULL)} ],
	[ 'an unknown function in it',  '42883', q{SELECT headcount_internal.resolve_column('login', 'nothing_like_it(who)', 'text', NULL)} ],
	[ 'a volatile one',             '42P17', q{SELECT headcount_internal.resolve_column('login', 'who || random()', 'text', NULL)} ],
	[ 'a relation that is none',    '42P01', q{SELECT headcount_internal.resolve_column('nothing', 'who', 'text', NULL)} ],
