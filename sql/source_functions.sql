-- The functions over a source: answers in the asked-for form and order, and what they refuse.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres; SET client_min_messages = warning;
\pset null '-'
TRUNCATE oracle.session, oracle.denial;
INSERT INTO oracle.session (user_name, host, server, started_at, ended_at) VALUES
    ('anna', 'h1', 's', '2024-06-15 10:00', NULL), ('anna', 'h2', 's', '2024-06-15 10:30', '2024-06-16 00:30'),
    ('bert', 'h2', 't', '2024-06-14 23:00', '2024-06-15 10:15'), ('cora', 'h3', 's', '2024-06-10 10:00', '2024-06-10 11:00');
INSERT INTO oracle.denial (user_name, server, denied_at) VALUES ('dora', 's', '2024-06-15 10:20'), ('dora', 's', '2024-06-15 10:40'), ('anna', 's', '2024-06-14 10:00');
SELECT judge.source('fn', oracle.params('2024-06-15 12:00'));

-- online_counts: a row per asked-for name, in that order, twice if asked twice, 0 for nobody.
SELECT * FROM headcount.online_counts('fn', ARRAY['nobody', 'bert', 'anna', 'Anna', 'anna', ''], '2024-06-15 12:00');
SELECT count(*) FROM headcount.online_counts('fn', '{}', '2024-06-15 12:00');
SELECT count(*) FROM headcount.online_counts('fn', NULL, '2024-06-15 12:00');
-- As of 10:10 bert had not gone; a future end is not an end yet.
SELECT * FROM headcount.online_counts('fn', ARRAY['anna', 'bert'], '2024-06-15 10:10');
SELECT * FROM headcount.online_counts('fn', ARRAY['anna', 'bert'], '2024-06-16 00:30');
-- It leaves the setting as it was.
SELECT current_setting('headcount.as_of')::timestamptz AS as_of;

-- source_activity, hours 9:30 to 11:00 as of 12:00:
--    9:30  bert alone: 1 user, 1 at once, host h2
--   10:00  anna (h1, from 10:30 h2 too), bert until 10:15 (h2): 2 users, 2 at once at 10:00; hosts h1 h2 = 2; dora denied twice
SELECT * FROM headcount.source_activity('fn', 'hour', '2024-06-15 09:30', '2024-06-15 11:00', '2024-06-15 12:00');
SELECT * FROM headcount.source_activity('fn', 'day', '2024-06-09', '2024-06-12', '2024-06-15 12:00');
SELECT count(*) FROM headcount.source_activity('fn', 'day', '2024-06-12', '2024-06-12', '2024-06-15 12:00');

-- unique_users: days 10 to 15: used anna bert cora; denied anna dora; either four.
SELECT what, headcount.unique_users('fn', '2024-06-10', '2024-06-15', what) FROM unnest(ARRAY['daily', 'used', 'denied', 'total']) AS what;
SELECT headcount.unique_users('fn', '2024-06-11', '2024-06-13') AS idle, headcount.unique_users('fn', '2024-06-15', '2024-06-15') AS one_day, headcount.unique_users('fn', '2024-06-16', '2024-06-30') AS after_as_of;

-- users_on: on the 15th anna and bert used, dora was denied and new; behind the total all four.
SELECT what, array_agg(u ORDER BY u) FROM unnest(ARRAY['daily', 'used', 'denied', 'new', 'total']) AS what, LATERAL headcount.users_on('fn', '2024-06-15', what, '2024-06-15 12:00') AS u GROUP BY what ORDER BY what;
-- anna was denied on the 14th before she first came in: new then. So was bert, who came at 23:00.
SELECT u FROM headcount.users_on('fn', '2024-06-14', 'new', '2024-06-15 12:00') AS u ORDER BY 1;
SELECT u FROM headcount.users_on('fn', '2024-06-15') AS u ORDER BY 1;
-- The peak of the 15th is 2 hosts at 10:00: h1 and h2. An idle day and a day to come have no hosts.
SELECT h FROM headcount.hosts_at_peak('fn', '2024-06-15', '2024-06-15 12:00') AS h ORDER BY 1;
SELECT (SELECT count(*) FROM headcount.hosts_at_peak('fn', '2024-06-12')) AS idle, (SELECT count(*) FROM headcount.hosts_at_peak('fn', '2024-07-12')) AS later, (SELECT count(*) FROM headcount.hosts_at_peak('fn', '1999-07-12')) AS earlier;

-- Refused.
SELECT c, judge.sqlstate('SELECT * FROM headcount.' || c) FROM unnest(ARRAY[
    'online_counts(''nowhere'', ''{a}'')', 'users_on(''nowhere'', ''2024-06-15'')', 'hosts_at_peak(''nowhere'', ''2024-06-15'')', 'unique_users(''nowhere'', ''2024-06-15'', ''2024-06-15'')', 'source_activity(''nowhere'', ''day'', ''2024-06-15'', ''2024-06-16'')',
    'online_counts(''pg_catalog'', ''{a}'')', 'online_counts(''fn"; DROP TABLE oracle.session; --'', ''{a}'')', 'drop_source(''nowhere'')', 'drop_source(''oracle'')', 'alter_source(''nowhere'', window_days => 3)', 'create_indexes(''nowhere'')',
    'users_on(''fn'', ''2024-06-15'', ''abused'')', 'users_on(''fn'', ''2024-06-15'', '''')', 'unique_users(''fn'', ''2024-06-15'', ''2024-06-16'', ''new or so'')',
    'unique_users(''fn'', ''2024-06-16'', ''2024-06-15'')', 'source_activity(''fn'', ''day'', ''2024-06-16'', ''2024-06-15'')', 'source_activity(''fn'', ''fortnight'', ''2024-06-15'', ''2024-06-16'')']) AS c;

-- alter_source changes what it is told and nothing else; what is wrong changes nothing.
SELECT headcount.alter_source('fn', licensing_model => '2013', window_days => 3);
SELECT judge.verdict('fn', oracle.params('2024-06-15 12:00', model => '2013', window_days => 3));
SELECT judge.sqlstate('SELECT headcount.alter_source(''fn'', window_days => 0)') AS window_0, judge.sqlstate('SELECT headcount.alter_source(''fn'', time_zone => ''Mars'')') AS zone, judge.sqlstate('SELECT headcount.alter_source(''fn'', user_name => ''no_such'')') AS expression;
SELECT judge.verdict('fn', oracle.params('2024-06-15 12:00', model => '2013', window_days => 3));
-- Grants on the views stay.
CREATE ROLE regress_headcount_bi;
GRANT SELECT ON fn.daily_user_counts TO regress_headcount_bi;
SELECT headcount.alter_source('fn', window_days => 5);
SELECT has_table_privilege('regress_headcount_bi', 'fn.daily_user_counts', 'SELECT') AS kept;
DROP OWNED BY regress_headcount_bi;
DROP ROLE regress_headcount_bi;

-- The stock FreeRADIUS schema, by its own names.
CREATE SCHEMA freeradius;
CREATE TABLE freeradius.radacct (RadAcctId bigserial PRIMARY KEY, AcctSessionId text NOT NULL, AcctUniqueId text NOT NULL UNIQUE, UserName text, GroupName text, Realm text, NASIPAddress inet NOT NULL, NASPortId text, NASPortType text,
    AcctStartTime timestamp with time zone, AcctUpdateTime timestamp with time zone, AcctStopTime timestamp with time zone, AcctInterval bigint, AcctSessionTime bigint, AcctAuthentic text, ConnectInfo_start text, ConnectInfo_stop text,
    AcctInputOctets bigint, AcctOutputOctets bigint, CalledStationId text, CallingStationId text, AcctTerminateCause text, ServiceType text, FramedProtocol text, FramedIPAddress inet, FramedIPv6Address inet, FramedIPv6Prefix inet, FramedInterfaceId text, DelegatedIPv6Prefix inet, Class text);
CREATE TABLE freeradius.radpostauth (id bigserial PRIMARY KEY, username text NOT NULL, pass text, reply text, CalledStationId text, CallingStationId text, authdate timestamp with time zone NOT NULL DEFAULT now(), Class text);
INSERT INTO freeradius.radacct (acctsessionid, acctuniqueid, username, nasipaddress, callingstationid, acctstarttime, acctupdatetime, acctstoptime) VALUES
    ('1', '1', 'anna', '10.0.0.1', '00-11-22-33-44-55', '2024-06-15 10:00', '2024-06-15 10:55', NULL), ('2', '2', 'bert', '10.0.0.2', '00-11-22-33-44-66', '2024-06-15 10:30', NULL, '2024-06-15 11:00');
INSERT INTO freeradius.radpostauth (username, pass, reply, authdate) VALUES ('cora', '', 'Access-Reject', '2024-06-15 10:00'), ('anna', '', 'Access-Accept', '2024-06-15 10:00');
SET search_path = freeradius, public;
SELECT headcount.create_freeradius_source('wifi', time_zone => 'UTC');
RESET search_path;
SET headcount.as_of = '2024-06-15 11:00+00';
SELECT day, total_users, daily_users, denial_users, denials, concurrent_hosts FROM wifi.daily_user_counts;
SELECT user_name, host, server FROM wifi.sessions ORDER BY user_name;
SELECT user_name, online_count FROM wifi.online_users;
SELECT user_name FROM wifi.denials;
SELECT headcount.drop_source('wifi');
SELECT headcount.create_freeradius_source('wifi', 'freeradius.radacct', 'freeradius.radpostauth', time_zone => 'UTC', idle_limit => '1 hour', user_identity => 'upper(user_name)');
SELECT user_name, online_count FROM wifi.online_users;
SELECT headcount.drop_source('wifi');
SELECT judge.sqlstate('SELECT headcount.create_freeradius_source(''wifi'')') AS not_on_the_path, to_regnamespace('wifi') IS NULL AS nothing_left;
DROP SCHEMA freeradius CASCADE;
SELECT headcount.drop_source('fn');

-- Random rows, through judge.source_against_oracle, with as_of given and the setting elsewhere.
SELECT oracle.load_random(601, 300, 150, '2024-06-01', '2024-07-10');
SELECT judge.run('fn', oracle.params('2024-07-01 12:00', 'Europe/Warsaw', '2013', 7, '{s0,s1}', '30 hours', '5 seconds', '2 seconds'));
SELECT set_config('headcount.as_of', '2020-01-01', false);
SELECT judge.compare($$SELECT u FROM headcount.users_on('fn', '2024-06-20', 'total', '2024-07-01 12:00') AS u$$, format($$SELECT u FROM oracle.users_on(%L, '2024-06-20', 'total') AS u$$, oracle.params('2024-07-01 12:00', 'Europe/Warsaw', '2013', 7, '{s0,s1}', '30 hours', '5 seconds', '2 seconds')));
RESET headcount.as_of;
SELECT headcount.drop_source('fn');
