-- Bytes that nobody but ourselves should make, made up by somebody: what comes out as text is valid in the encoding of the
-- database, or it is an error.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD';
\pset null '-'

-- Lists of users: bytes that are no UTF-8, and a NUL byte.
SELECT bytes, judge.sqlstate(format('SELECT headcount_internal.user_names(ARRAY[%L::bytea], headcount.to_user_set(ARRAY[0]))', bytes))
FROM unnest(ARRAY['\x010001f0', '\x01000100', '\x010002c380', '\x010003eda080']::bytea[]) AS bytes;

-- Collected rows: the user é, then with his second byte replaced.
CREATE TEMP TABLE collected AS
    SELECT headcount_internal.daily_session_agg('é', 'h', '2024-03-01', '2024-03-02', 'UTC', '2024-03-05') AS sessions,
           headcount_internal.daily_denial_agg('é', '2024-03-01', 'UTC', '2024-03-05') AS denials;
CREATE FUNCTION pg_temp.forge(state bytea, name text, forged text) RETURNS bytea LANGUAGE sql
    RETURN decode(replace(encode(state, 'hex'), name, forged), 'hex');
SELECT u.* FROM collected AS c, headcount_internal.daily_users(c.sessions, c.denials) AS u;
SELECT forged, judge.sqlstate(format('SELECT headcount_internal.daily_users(%L, NULL)', pg_temp.forge(sessions, 'c3a9', forged))) AS sessions,
       judge.sqlstate(format('SELECT headcount_internal.daily_users(NULL, %L)', pg_temp.forge(denials, 'c3a9', forged))) AS denials
FROM collected, unnest(ARRAY['c3a9', 'c328', '0061']) AS forged;
-- The name of their time zone too.
SELECT forged, judge.sqlstate(format('SELECT headcount_internal.daily_report(%L, NULL)', pg_temp.forge(sessions, '555443', forged))) FROM collected, unnest(ARRAY['555443', '5554ff', '550043', '585858']) AS forged;

-- Presences: the key é likewise.
SELECT judge.sqlstate(format('SELECT %L::headcount.presence', encode(pg_temp.forge(headcount_internal.presence_send(p), 'c3a9', 'c328'), 'base64'))) AS forged
FROM (SELECT headcount.presence_agg('é'::text, timestamptz '2024-03-01') AS p) AS made;

-- A message that does not fit is cut between characters.
SELECT length(m), convert_from(textsend(m), 'UTF8') = m AS valid FROM (SELECT judge.error(format('SELECT headcount.activity(NULL, %L, ''UTC'')', 'x' || repeat('é', 600)))
    UNION ALL SELECT judge.error(format('SELECT headcount.activity(NULL, %L, ''UTC'')', 'xx' || repeat('€', 600)))) AS e (m);
