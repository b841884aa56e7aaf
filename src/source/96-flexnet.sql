-- FlexNet: from the debug log of a licence server to tables of one's own, and a source over them.
--
--   \copy flexnet_lines (line)      the file, as it is
--   import_flexnet_log()            its lines become rows of
--     flexnet_sessions              one for each checkout (OUT), with its end once that is known
--     flexnet_ends                  what ends sessions: checkins (IN), starts and stops of vendor daemons
--     flexnet_denials               DENIED and UNSUPPORTED
--   create_flexnet_source           a source over the second and the fourth
--
-- A row's id is a hash of all that the line says, and of how many such lines this second of the log had before it. So a line
-- that comes once more, in a log that overlaps with one before, is known, and the order in which logs come does not matter:
-- an import pairs anew what comes after the earliest line that is new.

CREATE FUNCTION headcount.flexnet_events(
    log text, time_zone text DEFAULT pg_catalog.current_setting('TimeZone'), begins_after timestamptz DEFAULT NULL,
    OUT line bigint, OUT at timestamptz, OUT daemon text, OUT event text, OUT feature text, OUT user_name text, OUT host text,
    OUT licenses integer, OUT checkout_data text, OUT handle text, OUT reason text, OUT code integer, OUT minor_code integer)
RETURNS SETOF record AS 'MODULE_PATHNAME', 'headcount_flexnet_events' LANGUAGE C STABLE PARALLEL SAFE COST 100000 ROWS 100000;
COMMENT ON FUNCTION headcount.flexnet_events(text, text, timestamptz) IS
    'the lines of a FlexNet debug log that say something about licences, as rows: OUT, IN, DENIED, UNSUPPORTED, QUEUED, DEQUEUED, TIMESTAMP, and START and STOP of a vendor daemon. time_zone is that of the licence server; begins_after is when the line before the first one was written, for a log that does not say its date';

CREATE FUNCTION headcount_internal.pair_checkouts(licenses integer[]) RETURNS integer[]
    AS 'MODULE_PATHNAME', 'headcount_pair_checkouts' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION headcount_internal.pair_checkouts(integer[]) IS
    'for checkouts (how many licences) and checkins (less that many) in order, which belong together: for each the number of its partner, 0 for none';

-- The schema of the tables of an import: the one that is named, or the first on the search path that has them.
CREATE FUNCTION headcount_internal.flexnet_schema(schema_name text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    sessions pg_catalog.regclass := pg_catalog.to_regclass(CASE WHEN schema_name IS NULL THEN 'flexnet_sessions'
                                                                ELSE pg_catalog.format('%I.flexnet_sessions', schema_name) END);
BEGIN
    IF sessions IS NULL THEN
        PERFORM headcount_internal.raise_error('42P01', CASE WHEN schema_name IS NULL THEN 'relation "flexnet_sessions" does not exist'
                                                            ELSE pg_catalog.format('schema "%s" has no table "flexnet_sessions"', schema_name) END, NULL,
            'headcount.create_flexnet_tables makes it, and the others that an import fills; their schema must be on the search path, or named.');
    END IF;
    RETURN headcount_internal.source_name(sessions);
END
$$;
COMMENT ON FUNCTION headcount_internal.flexnet_schema(text) IS 'the schema of the tables that an import of logs fills, or an error if there is none';

CREATE FUNCTION headcount.create_flexnet_tables(schema_name text DEFAULT pg_catalog.current_schema()) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM headcount_internal.check_required('schema_name', schema_name);
    EXECUTE replace($q$
        CREATE TABLE @.flexnet_lines (
            id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            file          xid8 NOT NULL DEFAULT pg_current_xact_id(),
            line          text);
        COMMENT ON TABLE @.flexnet_lines IS 'lines of debug logs of FlexNet licence servers, until headcount.import_flexnet_log reads them';
        COMMENT ON COLUMN @.flexnet_lines.file IS 'lines with the same value are of one file: those that one transaction has copied';

        CREATE TABLE @.flexnet_sessions (
            id            uuid PRIMARY KEY,
            server        text NOT NULL,
            daemon        text NOT NULL,
            feature       text NOT NULL,
            user_name     text NOT NULL,
            host          text NOT NULL,
            licenses      integer NOT NULL,
            started_at    timestamptz NOT NULL,
            ended_at      timestamptz,
            ended_by      uuid,
            checkout_data text NOT NULL,
            handle        text NOT NULL,
            position      integer NOT NULL);
        CREATE INDEX ON @.flexnet_sessions (server, daemon, ended_at);
        COMMENT ON TABLE @.flexnet_sessions IS 'checkouts of licences, from the debug logs of FlexNet licence servers; headcount.import_flexnet_log fills it';
        COMMENT ON COLUMN @.flexnet_sessions.server IS 'the licence server, as it was named to import_flexnet_log';
        COMMENT ON COLUMN @.flexnet_sessions.ended_at IS 'NULL as long as no log says that it has ended';
        COMMENT ON COLUMN @.flexnet_sessions.ended_by IS 'the row of flexnet_ends that ends it';
        COMMENT ON COLUMN @.flexnet_sessions.position IS 'the how manieth line of its second it was, as is position in flexnet_ends';

        CREATE TABLE @.flexnet_ends (
            id            uuid PRIMARY KEY,
            server        text NOT NULL,
            daemon        text NOT NULL,
            event         text NOT NULL,
            feature       text NOT NULL,
            user_name     text NOT NULL,
            host          text NOT NULL,
            licenses      integer,
            at            timestamptz NOT NULL,
            reason        text,
            checkout_data text NOT NULL,
            handle        text NOT NULL,
            position      integer NOT NULL);
        CREATE INDEX ON @.flexnet_ends (server, daemon, at);
        COMMENT ON TABLE @.flexnet_ends IS 'what ends sessions in the debug logs of FlexNet licence servers; headcount.import_flexnet_log fills it';
        COMMENT ON COLUMN @.flexnet_ends.event IS 'IN, or START or STOP of the vendor daemon, which end all of its sessions';
        COMMENT ON COLUMN @.flexnet_ends.reason IS 'what the log says behind a checkin: INACTIVE, SHUTDOWN and the like';

        CREATE TABLE @.flexnet_denials (
            id            uuid PRIMARY KEY,
            server        text NOT NULL,
            daemon        text NOT NULL,
            event         text NOT NULL,
            feature       text NOT NULL,
            user_name     text NOT NULL,
            host          text NOT NULL,
            licenses      integer NOT NULL,
            denied_at     timestamptz NOT NULL,
            reason        text,
            code          integer,
            minor_code    integer);
        COMMENT ON TABLE @.flexnet_denials IS 'denials in the debug logs of FlexNet licence servers; headcount.import_flexnet_log fills it';
        COMMENT ON COLUMN @.flexnet_denials.event IS 'DENIED, or UNSUPPORTED: no such feature';
        COMMENT ON COLUMN @.flexnet_denials.code IS 'why: -4 is that all licences are in use';
        $q$, '@', quote_ident(schema_name));
    RETURN format('tables flexnet_lines, flexnet_sessions, flexnet_ends and flexnet_denials in schema "%s"; copy the lines of a log to flexnet_lines and call headcount.import_flexnet_log',
                  schema_name);
END
$$;
COMMENT ON FUNCTION headcount.create_flexnet_tables(text) IS
    'makes the tables that an import of the debug logs of FlexNet licence servers fills, in a schema of one''s own, and says so';

-- One log. Runs as the owner of the tables.
CREATE FUNCTION headcount_internal.import_flexnet_text(schema_name text, server text, log text, time_zone text, begins_after timestamptz) RETURNS json
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    result json;
BEGIN
    EXECUTE replace($q$
        WITH parsed AS MATERIALIZED (
            SELECT p.*, encode(substr(sha256(convert_to(jsonb_build_array($1, p.daemon, p.event, p.feature, p.user_name, p.host, p.licenses, p.checkout_data,
                       p.handle, extract(epoch FROM p.at)::bigint, p.nth)::text, 'UTF8')), 1, 16), 'hex')::uuid AS id
            FROM (SELECT e.at, e.daemon, e.event, coalesce(e.feature, '') AS feature, coalesce(e.user_name, '') AS user_name, coalesce(e.host, '') AS host,
                         e.licenses, coalesce(e.checkout_data, '') AS checkout_data, coalesce(e.handle, '') AS handle, e.reason, e.code, e.minor_code,
                         row_number() OVER (PARTITION BY e.at, e.daemon, e.event, e.feature, e.user_name, e.host, e.licenses, e.checkout_data, e.handle
                                            ORDER BY e.line) AS nth,
                         (row_number() OVER (PARTITION BY e.at ORDER BY e.line))::integer AS position
                  FROM headcount.flexnet_events($2, $3, $4) AS e
                  WHERE e.event NOT IN ('TIMESTAMP', 'QUEUED', 'DEQUEUED')) AS p
        ), new_sessions AS MATERIALIZED (
            SELECT p.* FROM parsed AS p WHERE p.event = 'OUT' AND NOT EXISTS (SELECT FROM @.flexnet_sessions AS s WHERE s.id = p.id)
        ), new_ends AS MATERIALIZED (
            SELECT p.* FROM parsed AS p WHERE p.event IN ('IN', 'START', 'STOP') AND NOT EXISTS (SELECT FROM @.flexnet_ends AS e WHERE e.id = p.id)
        ), new_denials AS (
            INSERT INTO @.flexnet_denials (id, server, daemon, event, feature, user_name, host, licenses, denied_at, reason, code, minor_code)
            SELECT p.id, $1, p.daemon, p.event, p.feature, p.user_name, p.host, p.licenses, p.at, p.reason, p.code, p.minor_code
            FROM parsed AS p WHERE p.event IN ('DENIED', 'UNSUPPORTED')
            ON CONFLICT (id) DO NOTHING RETURNING 1
        ), since AS MATERIALIZED (      -- what ended before stays
            SELECT n.daemon, min(n.at) AS at
            FROM (SELECT daemon, at FROM new_sessions UNION ALL SELECT daemon, at FROM new_ends) AS n GROUP BY n.daemon
        ), known_sessions AS MATERIALIZED (
            SELECT s.*
            FROM since AS n JOIN @.flexnet_sessions AS s ON s.server = $1 AND s.daemon = n.daemon AND (s.ended_at >= n.at OR s.ended_at IS NULL)
        ), events AS (
            SELECT id, daemon, feature, user_name, host, checkout_data, handle, started_at AS at, position, licenses AS change FROM known_sessions
            UNION ALL
            SELECT id, daemon, feature, user_name, host, checkout_data, handle, at, position, licenses FROM new_sessions
            UNION ALL
            SELECT id, daemon, feature, user_name, host, checkout_data, handle, at, position, CASE WHEN event = 'IN' THEN - licenses END FROM new_ends
            UNION ALL
            SELECT e.id, e.daemon, e.feature, e.user_name, e.host, e.checkout_data, e.handle, e.at, e.position, CASE WHEN e.event = 'IN' THEN - e.licenses END
            FROM since AS n JOIN @.flexnet_ends AS e ON e.server = $1 AND e.daemon = n.daemon AND e.at >= n.at
        ), runs AS MATERIALIZED (      -- of a daemon, from one start or stop of it to the next
            SELECT e.*, count(*) FILTER (WHERE e.change IS NULL) OVER (PARTITION BY e.daemon ORDER BY e.at, e.position) AS run FROM events AS e
        ), breaks AS MATERIALIZED (
            SELECT DISTINCT ON (r.daemon, r.run) r.daemon, r.run, r.id, r.at FROM runs AS r WHERE r.change IS NULL ORDER BY r.daemon, r.run, r.id
        ), stays AS (
            SELECT r.daemon, r.run, array_agg(r.id ORDER BY r.at, r.position, r.id) AS ids, array_agg(r.at ORDER BY r.at, r.position, r.id) AS ats,
                   array_agg(r.change ORDER BY r.at, r.position, r.id) AS changes
            FROM runs AS r WHERE r.change IS NOT NULL
            GROUP BY r.daemon, r.feature, r.user_name, r.host, r.checkout_data, r.handle, r.run
        ), paired AS MATERIALIZED (
            SELECT s.ids[p.number] AS id, s.changes[p.number] > 0 AS is_session, s.ids[p.partner] AS partner, s.ats[p.partner] AS partner_at,
                   b.id AS break, b.at AS break_at
            FROM stays AS s
                 LEFT JOIN LATERAL (SELECT b.id, b.at FROM breaks AS b WHERE b.daemon = s.daemon AND b.run > s.run ORDER BY b.run LIMIT 1) AS b ON true
                 CROSS JOIN LATERAL unnest(headcount_internal.pair_checkouts(s.changes)) WITH ORDINALITY AS p (partner, number)
        ), stored_sessions AS (
            INSERT INTO @.flexnet_sessions (id, server, daemon, feature, user_name, host, licenses, started_at, ended_at, ended_by, checkout_data, handle, position)
            SELECT n.id, $1, n.daemon, n.feature, n.user_name, n.host, n.licenses, n.at, coalesce(p.partner_at, p.break_at), coalesce(p.partner, p.break),
                   n.checkout_data, n.handle, n.position
            FROM new_sessions AS n JOIN paired AS p ON p.id = n.id
            RETURNING 1
        ), changed_sessions AS (
            UPDATE @.flexnet_sessions AS s
            SET ended_at = coalesce(p.partner_at, p.break_at), ended_by = coalesce(p.partner, p.break)
            FROM known_sessions AS k JOIN paired AS p ON p.id = k.id
            WHERE s.id = k.id AND k.ended_by IS DISTINCT FROM coalesce(p.partner, p.break)
            RETURNING 1
        ), stored_ends AS (
            INSERT INTO @.flexnet_ends (id, server, daemon, event, feature, user_name, host, licenses, at, reason, checkout_data, handle, position)
            SELECT n.id, $1, n.daemon, n.event, n.feature, n.user_name, n.host, n.licenses, n.at, n.reason, n.checkout_data, n.handle, n.position FROM new_ends AS n
            RETURNING 1
        )
        SELECT json_build_object(
            'from_at', (SELECT min(at) FROM parsed), 'to_at', (SELECT max(at) FROM parsed),
            'new_sessions', (SELECT count(*) FROM stored_sessions), 'changed_sessions', (SELECT count(*) FROM changed_sessions),
            'new_denials', (SELECT count(*) FROM new_denials),
            'known', (SELECT count(*) FROM parsed) - (SELECT count(*) FROM stored_sessions) - (SELECT count(*) FROM new_denials) - (SELECT count(*) FROM stored_ends),
            'lone_checkins', (SELECT count(*) FROM new_ends AS n JOIN paired AS p ON p.id = n.id WHERE p.partner IS NULL))
        $q$, '@', quote_ident(schema_name)) INTO result USING server, log, time_zone, begins_after;
    RETURN result;
END
$$;
COMMENT ON FUNCTION headcount_internal.import_flexnet_text(text, text, text, text, timestamptz) IS
    'adds what a debug log of a licence server says to the tables of an import, and returns how much that was';

-- A log, or each of the files in flexnet_lines. Runs as the owner of the tables.
CREATE FUNCTION headcount_internal.import_flexnet(schema_name text, server text, log text, time_zone text, begins_after timestamptz) RETURNS json
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    results json[] := '{}';
    file    xid8;
BEGIN
    -- one import after the other, each on what the one before has left
    EXECUTE format('LOCK TABLE %I.flexnet_sessions IN SHARE ROW EXCLUSIVE MODE', schema_name);
    IF log IS NOT NULL THEN
        RETURN json_build_array(headcount_internal.import_flexnet_text(schema_name, server, log, time_zone, begins_after));
    END IF;
    FOR file IN EXECUTE format('SELECT l.file FROM %I.flexnet_lines AS l GROUP BY l.file ORDER BY min(l.id)', schema_name) LOOP
        EXECUTE format($q$WITH gone AS (DELETE FROM %I.flexnet_lines AS l WHERE l.file = $1 RETURNING l.id, l.line)
                          SELECT string_agg(coalesce(g.line, ''), E'\n' ORDER BY g.id) FROM gone AS g$q$, schema_name) INTO log USING file;
        results := results || headcount_internal.import_flexnet_text(schema_name, server, coalesce(log, ''), time_zone, begins_after);
    END LOOP;
    RETURN array_to_json(results);
END
$$;
COMMENT ON FUNCTION headcount_internal.import_flexnet(text, text, text, text, timestamptz) IS
    'adds what a debug log of a licence server says, or what the files in flexnet_lines say, to the tables of an import';

-- The schema is found on the caller's search path, hence no SET clause.
CREATE FUNCTION headcount.import_flexnet_log(
    server text DEFAULT '', log text DEFAULT NULL, time_zone text DEFAULT pg_catalog.current_setting('TimeZone'),
    begins_after timestamptz DEFAULT NULL, schema_name text DEFAULT NULL,
    OUT from_at timestamptz, OUT to_at timestamptz, OUT new_sessions bigint, OUT changed_sessions bigint, OUT new_denials bigint,
    OUT known bigint, OUT lone_checkins bigint)
RETURNS SETOF record LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 1 AS $$
DECLARE
    found_schema pg_catalog.text := headcount_internal.flexnet_schema(schema_name);
BEGIN
    PERFORM headcount_internal.check_required('server', server);
    PERFORM headcount_internal.check_required('time_zone', time_zone);
    PERFORM headcount_internal.check_zone_of_days(time_zone);
    IF pg_catalog.current_setting('transaction_isolation') OPERATOR(pg_catalog.<>) 'read committed' THEN
        PERFORM headcount_internal.raise_error('25001', 'import_flexnet_log needs a transaction at READ COMMITTED', 'It has to see what imports have stored that it waited for.',
            'BEGIN ISOLATION LEVEL READ COMMITTED, or call it outside of a transaction block after SET default_transaction_isolation = ''read committed''.');
    END IF;
    RETURN QUERY
        SELECT r.from_at, r.to_at, r.new_sessions, r.changed_sessions, r.new_denials, r.known, r.lone_checkins
        FROM pg_catalog.json_to_recordset(headcount_internal.execute_as_owner(
                 pg_catalog.format('%I.flexnet_sessions', found_schema)::pg_catalog.regclass,
                 pg_catalog.format('SELECT headcount_internal.import_flexnet(%L, %L, %L, %L, %L)', found_schema, server, log, time_zone, begins_after))::pg_catalog.json)
             AS r (from_at timestamptz, to_at timestamptz, new_sessions bigint, changed_sessions bigint, new_denials bigint, known bigint, lone_checkins bigint);
END
$$;
COMMENT ON FUNCTION headcount.import_flexnet_log(text, text, text, timestamptz, text) IS
    'adds what debug logs of a FlexNet licence server say to the tables that create_flexnet_tables made, and returns a row for each log: the text that is given, or else each of the files in flexnet_lines, which it empties. Lines that are known already change nothing';

CREATE FUNCTION headcount.create_flexnet_source(
    name text, sessions regclass DEFAULT NULL, denials regclass DEFAULT NULL,
    user_name text DEFAULT 'user_name', host text DEFAULT 'host',
    started_at text DEFAULT 'started_at', ended_at text DEFAULT 'ended_at',
    weight text DEFAULT 'licenses', user_limit integer DEFAULT NULL, server text DEFAULT 'daemon', last_seen text DEFAULT NULL, idle_limit interval DEFAULT NULL,
    sessions_when text DEFAULT NULL, user_identity text DEFAULT NULL, realtime_servers text[] DEFAULT NULL,
    denied_user text DEFAULT 'user_name', denied_at text DEFAULT 'denied_at',
    denied_host text DEFAULT 'host', denied_server text DEFAULT 'daemon',
    denied_when text DEFAULT $$event OPERATOR(pg_catalog.=) 'DENIED'$$,
    false_denial_before interval DEFAULT NULL, false_denial_after interval DEFAULT NULL,
    time_zone text DEFAULT pg_catalog.current_setting('TimeZone'), licensing_model text DEFAULT '2019',
    window_days integer DEFAULT NULL, materialized boolean DEFAULT true,
    tracking text DEFAULT 'auto', tracking_days integer DEFAULT 2, alerts jsonb DEFAULT NULL, dimensions json DEFAULT NULL, exact boolean DEFAULT true)
RETURNS text LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE AS $$
#variable_conflict use_variable
DECLARE
    has_denials boolean;
BEGIN
    -- on the caller's search path, hence no SET clause
    sessions := coalesce(sessions, pg_catalog.to_regclass(pg_catalog.format('%I.flexnet_sessions', headcount_internal.flexnet_schema(NULL))));
    denials := coalesce(denials, pg_catalog.to_regclass(pg_catalog.format('%I.flexnet_denials', headcount_internal.source_name(sessions))));
    has_denials := denials IS NOT NULL;
    RETURN headcount.create_source(
        name, sessions, user_name, host, started_at, ended_at, NULL, weight, user_limit, server, last_seen, idle_limit, sessions_when,
        user_identity, realtime_servers, denials,
        CASE WHEN has_denials THEN denied_user END, CASE WHEN has_denials THEN denied_at END, CASE WHEN has_denials THEN denied_host END,
        CASE WHEN has_denials THEN denied_server END, CASE WHEN has_denials THEN denied_when END, false_denial_before, false_denial_after,
        time_zone, licensing_model, window_days, materialized, tracking, tracking_days, alerts, dimensions, exact);
END
$$;
COMMENT ON FUNCTION headcount.create_flexnet_source(text, regclass, regclass, text, text, text, text, text, integer, text, text, interval,
    text, text, text[], text, text, text, text, text, interval, interval, text, text, integer, boolean, text, integer, jsonb, json, boolean) IS
    'makes a source, and says what it made, over the tables that import_flexnet_log fills: checkouts in flexnet_sessions, denials in flexnet_denials, found on the search path unless named; the vendor daemon is the server, and a checkout weighs its licences';
