-- create_freeradius_source: the stock schema of FreeRADIUS.
--
-- The defaults below are that schema, so what they say can be overridden one by one. A denial there is a rejected login
-- in radpostauth, which knows neither the host nor the server.

CREATE FUNCTION headcount.create_freeradius_source(
    name text, sessions regclass DEFAULT NULL, denials regclass DEFAULT NULL,
    user_name text DEFAULT 'username', host text DEFAULT 'callingstationid',
    started_at text DEFAULT 'acctstarttime', ended_at text DEFAULT 'acctstoptime',
    weight text DEFAULT NULL, user_limit integer DEFAULT NULL, server text DEFAULT 'pg_catalog.host(nasipaddress)', last_seen text DEFAULT 'acctupdatetime', idle_limit interval DEFAULT NULL,
    sessions_when text DEFAULT NULL, user_identity text DEFAULT NULL, realtime_servers text[] DEFAULT NULL,
    denied_user text DEFAULT 'username', denied_at text DEFAULT 'authdate',
    denied_host text DEFAULT NULL, denied_server text DEFAULT NULL,
    denied_when text DEFAULT $$reply OPERATOR(pg_catalog.=) 'Access-Reject'$$,
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
    sessions := coalesce(sessions, pg_catalog.to_regclass('radacct'));
    IF sessions IS NULL THEN
        PERFORM headcount_internal.raise_argument_error('sessions', 'relation "radacct" does not exist', '42P01',
            hint => 'Name the table of the sessions, or put its schema on the search path.');
    END IF;
    denials := coalesce(denials, pg_catalog.to_regclass('radpostauth'));
    has_denials := denials IS NOT NULL;
    RETURN headcount.create_source(
        name, sessions, user_name, host, started_at, ended_at, NULL, weight, user_limit, server, last_seen, idle_limit, sessions_when,
        user_identity, realtime_servers, denials,
        CASE WHEN has_denials THEN denied_user END, CASE WHEN has_denials THEN denied_at END, denied_host, denied_server,
        CASE WHEN has_denials THEN denied_when END, false_denial_before, false_denial_after,
        time_zone, licensing_model, window_days, materialized, tracking, tracking_days, alerts, dimensions, exact);
END
$$;
COMMENT ON FUNCTION headcount.create_freeradius_source(text, regclass, regclass, text, text, text, text, text, integer, text, text, interval,
    text, text, text[], text, text, text, text, text, interval, interval, text, text, integer, boolean, text, integer, jsonb, json, boolean) IS
    'makes a source, and says what it made, over the stock schema of FreeRADIUS: sessions in radacct, rejected logins in radpostauth (where there is one), both found on the search path unless named';
