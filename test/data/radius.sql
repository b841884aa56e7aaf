-- A year in the life of a wireless network, as FreeRADIUS would have written it down.
--
--   psql -d DATABASE -v ON_ERROR_STOP=1 -f test/data/radius.sql
--
-- Makes the two tables of the stock FreeRADIUS schema, radacct (one row a session) and radpostauth (one row a login
-- attempt), and fills them with 2,000 users on about 3,000 devices and 6 access controllers (NAS). The seed is fixed and
-- "now" is a fixed instant (below), so everybody sees the same numbers.
--
-- Besides ordinary days it holds what real tables hold, because that is what a report has to survive:
--   * sessions over midnight, over a daylight-saving change, and over several days
--   * lost stops: rows that stay open for ever although the device is long gone
--   * retries: the same start written twice, both rows open
--   * one user on several devices, one device used by several users, a device that roams between two NAS at once
--   * one person as Anna.Nowak, anna.nowak and anna.nowak@campus.example
--   * stops before starts, rows without a start, starts in the future, empty user names and devices
--   * rejected logins in bursts, some of them followed by a success within two seconds, some of nobody we know

\set QUIET on
SET client_min_messages = warning;
SET TIME ZONE 'Europe/Warsaw';
SET max_parallel_workers_per_gather = 0;	-- one process, one sequence of random numbers
SET jit = off;

\if :{?as_of}
\else
  \set as_of '2026-03-31 14:30:00+02'
\endif

\echo '  tables radacct and radpostauth'

CREATE TABLE radacct (
	radacctid            bigserial PRIMARY KEY,
	acctsessionid        text NOT NULL,
	acctuniqueid         text NOT NULL UNIQUE,
	username             text,
	realm                text,
	nasipaddress         inet NOT NULL,
	nasportid            text,
	nasporttype          text,
	acctstarttime        timestamptz,
	acctupdatetime       timestamptz,
	acctstoptime         timestamptz,
	acctinterval         bigint,
	acctsessiontime      bigint,
	acctauthentic        text,
	connectinfo_start    text,
	connectinfo_stop     text,
	acctinputoctets      bigint,
	acctoutputoctets     bigint,
	calledstationid      text,
	callingstationid     text,
	acctterminatecause   text,
	servicetype          text,
	framedprotocol       text,
	framedipaddress      inet,
	framedipv6address    inet,
	framedipv6prefix     inet,
	framedinterfaceid    text,
	delegatedipv6prefix  inet,
	class                text
);

CREATE TABLE radpostauth (
	id                bigserial PRIMARY KEY,
	username          text NOT NULL,
	pass              text,
	reply             text,
	calledstationid   text,
	callingstationid  text,
	authdate          timestamptz NOT NULL DEFAULT now(),
	class             text
);

BEGIN;

-- Six access controllers. The last one is a branch office whose log is imported once a week.
CREATE TEMP TABLE nas (nas_id int PRIMARY KEY, address inet, site text, up_to float8);
INSERT INTO nas VALUES
	(1, '10.20.0.1', 'AP-Library',   0.34),
	(2, '10.20.0.2', 'AP-Offices',   0.62),
	(3, '10.20.0.3', 'AP-Labs',      0.78),
	(4, '10.20.0.4', 'AP-Canteen',   0.88),
	(5, '10.20.0.5', 'AP-Dormitory', 0.96),
	(6, '10.20.0.6', 'AP-Branch',    1.00);

-- 50 given names by 40 family names: 2,000 people, in an order that says nothing.
SELECT setseed(0.2013) \gset ignored_
CREATE TEMP TABLE person AS
SELECT row_number() OVER (ORDER BY shuffle) AS person_id, given, family,
	lower(given || '.' || family) AS login
FROM (
	SELECT given, family, random() AS shuffle
	FROM unnest('{Adam,Agata,Alina,Anna,Anton,Basia,Bruno,Celina,Dawid,Dorota,Edyta,Emil,Ewa,Filip,Gosia,Hanna,Hubert,Ida,
		Igor,Irena,Jan,Julia,Kamil,Karol,Klara,Leon,Lidia,Łucja,Maciej,Magda,Marek,Maria,Mateusz,Nina,Norbert,Ola,Olga,Patryk,
		Paula,Piotr,Robert,Roman,Sara,Sylwia,Tadeusz,Teresa,Tomasz,Wanda,Zofia,Żaneta}'::text[]) AS given,
	     unnest('{Adamska,Bielak,Borek,Cichy,Czarna,Dudek,Duda,Filipek,Gajda,Górska,Jasny,Kania,Kowal,Krawiec,Król,Kubiak,
		Kurek,Lis,Majewska,Malik,Mazur,Michalak,Nowak,Olszewska,Pawlak,Pietrzak,Polak,Rak,Rutka,Sikora,Sowa,Stępień,Szulc,
		Tomczak,Urban,Walczak,Wilk,Witek,Wrona,Zając}'::text[]) AS family
	ORDER BY given, family) AS pairs;

-- How much each of them is around: a few live on the network, many come most days, some come now and then.
SELECT setseed(0.2014) \gset ignored_
CREATE TEMP TABLE habit AS
SELECT person_id, login, given, family,
	CASE WHEN kind < 0.06 THEN 1.45 WHEN kind < 0.55 THEN 0.72 ELSE 0.20 END AS per_day,
	kind < 0.06 AS resident,
	-- two thirds are there from the first day, the others join over the year, most of them in October; some leave again
	CASE WHEN joins < 0.66 THEN 0
	     WHEN joins < 0.86 THEN 178 + floor(joining * 25)::int
	     WHEN joins < 0.89 THEN 305 + floor(joining * 60)::int
	     ELSE floor(joining * 340)::int END AS joined,
	CASE WHEN leaves < 0.10 THEN 120 + floor(leaving * 240)::int ELSE 9999 END AS gone,
	CASE WHEN devices < 0.60 THEN 1 WHEN devices < 0.92 THEN 2 ELSE 3 END AS devices,
	CASE WHEN spelling < 0.12 THEN 'capitals' WHEN spelling < 0.25 THEN 'realm' WHEN spelling < 0.30 THEN 'both' ELSE 'plain' END AS spelling,
	1 + floor(home * 5)::int AS home_nas
FROM (SELECT p.*, random() AS kind, random() AS joins, random() AS joining, random() AS leaves, random() AS leaving,
		random() AS devices, random() AS spelling, random() AS home
	  FROM (SELECT * FROM person ORDER BY person_id) AS p) AS people;
CREATE UNIQUE INDEX ON habit (person_id);

COMMIT;
\echo '  who comes when: 2,000 people by 365 days'
BEGIN;

-- Visits. The chance of a visit follows the weekday, the season and the person.
SELECT setseed(0.2015) \gset ignored_
CREATE TEMP TABLE visit AS
SELECT row_number() OVER (ORDER BY day, person_id, nth) AS visit_id, *
FROM (
	SELECT day::date AS day, h.person_id, nth, random() AS chance, random() AS at_hour, random() AS at_minute, random() AS lasts,
		random() AS long_stay, random() AS on_device, random() AS at_nas, random() AS fate, random() AS named,
		random() AS foreign_device, random() AS ends_how
	FROM generate_series(timestamp '2025-04-01', timestamp '2026-03-31', interval '1 day') WITH ORDINALITY AS days (day, day_no)
	CROSS JOIN (SELECT * FROM habit ORDER BY person_id) AS h
	CROSS JOIN generate_series(1, 3) AS nth
	WHERE day_no BETWEEN h.joined AND h.gone) AS drawn
JOIN habit AS h USING (person_id)
WHERE chance < h.per_day / 3.0
	* CASE WHEN extract(isodow FROM day) <= 5 THEN 1.40 WHEN h.resident THEN 0.90 ELSE 0.24 END
	* CASE WHEN extract(month FROM day) IN (7, 8) THEN 0.55
	       WHEN day BETWEEN date '2025-12-23' AND date '2026-01-02' THEN 0.12 ELSE 1.0 END;

COMMIT;
\echo '  sessions: starts, stops, interim updates, lost stops'
BEGIN;

-- From visits to sessions: clock times in the local zone (mornings and early afternoons on weekdays, evenings too for
-- residents), lengths that are mostly about two hours and sometimes a night or three.
CREATE TEMP TABLE planned AS
SELECT v.*,
	(day + make_interval(
		hours => (CASE WHEN resident AND at_hour > 0.55 THEN 17 + floor((at_hour - 0.55) / 0.45 * 7)::int
		          WHEN at_hour < 0.04 THEN floor(at_hour / 0.04 * 7)::int
		          WHEN at_hour < 0.50 THEN 7 + floor((at_hour - 0.04) / 0.46 * 4)::int
		          WHEN at_hour < 0.86 THEN 11 + floor((at_hour - 0.50) / 0.36 * 5)::int
		          ELSE 16 + floor((at_hour - 0.86) / 0.14 * 7)::int END),
		secs => floor(at_minute * 3600)))::timestamptz AS started_at,
	date_trunc('second', CASE WHEN long_stay < 0.004 THEN interval '30 hours' + lasts * interval '48 hours'
	     WHEN resident AND long_stay < 0.10 THEN interval '7 hours' + lasts * interval '5 hours'
	     WHEN long_stay > 0.995 THEN interval '0'
	     ELSE make_interval(secs => floor(-ln(1 - least(lasts, 0.9999)) * 6300)) END) AS stay,
	CASE WHEN foreign_device < 0.015 THEN 'kiosk ' || (1 + floor(on_device * 12)::int)
	     ELSE 'person ' || person_id || ' device ' || (1 + floor(power(on_device, 1.6) * devices)::int) END AS device,
	CASE WHEN at_nas < 0.7 THEN home_nas
	     ELSE (SELECT min(nas_id) FROM nas WHERE up_to >= (at_nas - 0.7) / 0.3) END AS nas_id
FROM visit AS v;

-- One row of radacct each. A MAC address comes out of the device's name; half of the devices write it with dashes in
-- capitals as FreeRADIUS recommends, and always the same one, so text comparison is enough.
CREATE TEMP TABLE session AS
SELECT visit_id, person_id, login, given, family, fate, ends_how, nas_id, device, started_at, started_at + stay AS stopped_at,
	CASE spelling
		WHEN 'capitals' THEN CASE WHEN named < 0.5 THEN given || '.' || family ELSE login END
		WHEN 'realm' THEN CASE WHEN named < 0.5 THEN login || '@campus.example' ELSE login END
		WHEN 'both' THEN CASE WHEN named < 0.4 THEN given || '.' || family || '@Campus.Example'
		                      WHEN named < 0.7 THEN upper(login) ELSE login END
		ELSE login END AS written_name,
	upper(regexp_replace('02' || substr(md5(device), 1, 10), '(..)(?!$)', '\1-', 'g')) AS mac
FROM planned
WHERE started_at <= timestamptz :'as_of';

-- Shared accounts: 14 display screens that restart every morning, 5 tablets that are handed out on weekdays.
INSERT INTO session
SELECT 9000000 + row_number() OVER (ORDER BY day, account, device_no), 3000 + device_no, account, account, '', 0.5, 0.8,
	1 + device_no % 5, account || ' ' || device_no,
	(day + opens + device_no * interval '7 seconds')::timestamptz, (day + closes + device_no * interval '11 seconds')::timestamptz, account,
	upper(regexp_replace('02' || substr(md5(account || ' ' || device_no), 1, 10), '(..)(?!$)', '\1-', 'g'))
FROM (VALUES ('signage', 14, interval '4 hours 5 minutes', interval '28 hours', 7),
             ('tablet', 5, interval '8 hours', interval '17 hours 30 minutes', 5)) AS shared (account, devices, opens, closes, days)
CROSS JOIN generate_series(timestamp '2025-04-01', timestamp '2026-03-31', interval '1 day') AS day
CROSS JOIN LATERAL generate_series(1, devices) AS device_no
WHERE extract(isodow FROM day) <= days
  AND (day + opens + device_no * interval '7 seconds')::timestamptz <= timestamptz :'as_of';

INSERT INTO radacct (acctsessionid, acctuniqueid, username, realm, nasipaddress, nasportid, nasporttype, acctstarttime,
	acctupdatetime, acctstoptime, acctinterval, acctsessiontime, acctauthentic, acctinputoctets, acctoutputoctets,
	calledstationid, callingstationid, acctterminatecause, servicetype, framedprotocol, framedipaddress)
SELECT to_hex(visit_id + 16777216), md5('session ' || visit_id), written_name, nullif(split_part(written_name, '@', 2), ''),
	address, 'wlan' || nas_id, 'Wireless-802.11', started_at, seen, stopped, 600,
	extract(epoch FROM coalesce(stopped, seen) - started_at)::bigint, 'RADIUS',
	(extract(epoch FROM coalesce(stopped, seen) - started_at) * (500 + 4000 * ends_how))::bigint,
	(extract(epoch FROM coalesce(stopped, seen) - started_at) * (4000 + 90000 * ends_how))::bigint,
	'02-00-5E-10-00-0' || nas_id || ':' || site, mac,
	CASE WHEN stopped IS NULL THEN NULL
	     WHEN ends_how < 0.70 THEN 'User-Request' WHEN ends_how < 0.90 THEN 'Idle-Timeout'
	     WHEN ends_how < 0.98 THEN 'Lost-Carrier' ELSE 'NAS-Reboot' END,
	'Framed-User', 'PPP', '10.64.0.0'::inet + (person_id * 8 + nas_id)
FROM (
	SELECT s.*,
		-- open: still there at as_of, or its stop got lost (four in a thousand)
		CASE WHEN stopped_at > timestamptz :'as_of' OR fate < 0.004 THEN NULL ELSE stopped_at END AS stopped,
		-- the last word of a session: its stop, or the last ten-minute interim update before it fell silent
		CASE WHEN stopped_at > timestamptz :'as_of' AND fate >= 0.004
		       THEN greatest(started_at, timestamptz :'as_of' - floor(ends_how * 600) * interval '1 second')
		     WHEN fate < 0.004
		       THEN least(timestamptz :'as_of', started_at + floor(extract(epoch FROM stopped_at - started_at) / 600) * interval '10 minutes')
		     ELSE stopped_at END AS seen
	FROM session AS s) AS ended
JOIN nas USING (nas_id)
ORDER BY started_at, visit_id;

-- Roaming: a device that is seen by a second NAS while the first still believes to have it.
INSERT INTO radacct (acctsessionid, acctuniqueid, username, realm, nasipaddress, nasportid, nasporttype, acctstarttime,
	acctupdatetime, acctstoptime, acctinterval, acctsessiontime, acctauthentic, calledstationid, callingstationid,
	acctterminatecause, servicetype, framedprotocol, framedipaddress)
SELECT acctsessionid || 'r', md5('roam ' || radacctid), username, realm, '10.20.0.4', 'wlan4', nasporttype,
	date_trunc('second', acctstarttime + (acctstoptime - acctstarttime) * 0.6), acctstoptime + interval '20 minutes', acctstoptime + interval '20 minutes',
	acctinterval, extract(epoch FROM (acctstoptime - acctstarttime) * 0.4 + interval '20 minutes')::bigint, acctauthentic,
	'02-00-5E-10-00-04:AP-Canteen', callingstationid, 'User-Request', servicetype, framedprotocol, framedipaddress
FROM radacct
WHERE radacctid % 97 = 0 AND nasipaddress <> '10.20.0.4' AND acctstoptime < timestamptz :'as_of' - interval '20 minutes'
ORDER BY radacctid;

-- Retries: the controller did not hear the answer and sent the start again; both rows stay open for ever.
INSERT INTO radacct (acctsessionid, acctuniqueid, username, realm, nasipaddress, nasportid, nasporttype, acctstarttime,
	acctupdatetime, acctinterval, acctsessiontime, acctauthentic, calledstationid, callingstationid, servicetype, framedprotocol, framedipaddress)
SELECT acctsessionid, md5('retry ' || radacctid), username, realm, nasipaddress, nasportid, nasporttype, acctstarttime,
	acctstarttime, acctinterval, 0, acctauthentic, calledstationid, callingstationid, servicetype, framedprotocol, framedipaddress
FROM radacct
WHERE acctstoptime IS NULL AND radacctid % 8 = 0
ORDER BY radacctid;

-- What nobody wants and everybody has. Clocks that jump back, lost starts, dates far ahead, users and devices without a name.
UPDATE radacct SET acctstoptime = acctstarttime - interval '1 hour', acctsessiontime = 0 WHERE radacctid % 21001 = 7 AND acctstoptime IS NOT NULL;
UPDATE radacct SET acctstarttime = NULL WHERE radacctid % 33013 = 11 AND acctstoptime IS NOT NULL;
UPDATE radacct SET acctstarttime = acctstarttime + interval '20 years', acctupdatetime = NULL, acctstoptime = NULL WHERE radacctid % 50021 = 13;
UPDATE radacct SET username = CASE WHEN radacctid % 2 = 0 THEN '' END WHERE radacctid % 7507 = 17;
UPDATE radacct SET callingstationid = CASE WHEN radacctid % 2 = 0 THEN '' END WHERE radacctid % 2003 = 19;

COMMIT;
\echo '  logins: accepted ones, and rejected ones in bursts'
BEGIN;

-- Every session began with an accepted login. FreeRADIUS writes the password down as well; we do not repeat that.
INSERT INTO radpostauth (username, reply, authdate)
SELECT written_name, 'Access-Accept', started_at - interval '300 milliseconds'
FROM session
ORDER BY started_at, visit_id;

-- A wrong password is typed more than once: bursts of two to five within seconds. One burst in four ends in the session
-- above (the password was right in the end), the others end in giving up.
SELECT setseed(0.2016) \gset ignored_
CREATE TEMP TABLE burst AS
SELECT row_number() OVER (ORDER BY visit_id) AS burst_id, visit_id, written_name, started_at, 2 + floor(how_many * 4)::int AS tries, succeeds < 0.25 AS succeeds, away
FROM (SELECT s.*, random() AS picked, random() AS how_many, random() AS succeeds, random() AS away
	  FROM (SELECT * FROM session ORDER BY visit_id) AS s) AS drawn
WHERE picked < 0.007;
INSERT INTO radpostauth (username, reply, authdate)
SELECT written_name, 'Access-Reject',
	CASE WHEN succeeds THEN started_at - (tries - nth + 1) * interval '900 milliseconds'
	     ELSE started_at - interval '5 minutes' - away * interval '3 hours' + nth * interval '2300 milliseconds' END
FROM burst CROSS JOIN LATERAL generate_series(1, tries) AS nth
ORDER BY burst_id, nth;

-- Names that belong to nobody: typing errors, a scanner that came by for four nights, and logins without a name.
INSERT INTO radpostauth (username, reply, authdate)
SELECT (ARRAY['admin', 'root', 'test', 'guest', 'operator', ''])[1 + (nth % 6)], 'Access-Reject',
	(date '2026-03-18' + nth / 90)::timestamptz + interval '2 hours 58 minutes' + (nth % 90) * interval '1900 milliseconds'
FROM generate_series(0, 359) AS nth;

-- The day the directory was down: everybody who came was turned away for twenty minutes.
INSERT INTO radpostauth (username, reply, authdate)
SELECT written_name, 'Access-Reject', timestamptz '2026-03-24 10:10:00+01' + (row_number() OVER (ORDER BY visit_id)) * interval '1700 milliseconds'
FROM session
WHERE started_at >= timestamptz '2026-03-24 09:00:00+01' AND started_at < timestamptz '2026-03-24 12:00:00+01'
ORDER BY visit_id;

-- Some of the scanner's nights lie ahead of an earlier as_of.
DELETE FROM radpostauth WHERE authdate > timestamptz :'as_of';
COMMIT;

\echo '  indexes and statistics'
-- The stock schema's own indexes: open sessions by id, by NAS, and sessions by start and user.
CREATE INDEX radacct_open_by_id ON radacct (acctuniqueid) WHERE acctstoptime IS NULL;
CREATE INDEX radacct_open_by_nas ON radacct (nasipaddress, acctstarttime) WHERE acctstoptime IS NULL;
CREATE INDEX radacct_by_start ON radacct (acctstarttime, username);
VACUUM (ANALYZE) radacct;
VACUUM (ANALYZE) radpostauth;
DROP TABLE nas, person, habit, visit, planned, session, burst;
RESET client_min_messages;
RESET TIME ZONE;
RESET max_parallel_workers_per_gather;
RESET jit;
