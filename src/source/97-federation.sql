-- Federations: many databases each keep a source, and one database unites them, exactly.
--
--   member      share_source()        view shared_days of the source: users and hosts as hashes under a key, by day
--                 |  postgres_fdw: SELECT ... FROM shared_days WHERE request = '...'
--   one of all  create_federation()   a foreign table for each member, and views over all of them
--
-- What the answer depends on (model, days, as_of) is in the request, a value that is sent along: nothing depends on the settings of
-- the session at the member. What is exchanged are presences, whose union is exact by the algebra: users by whole
-- civil days, so that a user takes about as many bytes for a year as for a day; hosts as they came and went, as a peak
-- over all members is nothing that can be told from the peaks of each. Keys are hashes of names under a key that the members
-- share, and which the one that unites them need not know: it learns which names are the same, and no name. Where no user is at two
-- members, as where the users are what divides them, each counts its own, from what it has stored, and a day is a row of numbers.

CREATE FUNCTION headcount_internal.keyed_hash(name text, key bytea) RETURNS uuid
    AS 'MODULE_PATHNAME', 'headcount_keyed_hash' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.keyed_hash(text, bytea) IS 'SipHash-2-4 of a name, 128 bits, under a key of 16 bytes';

CREATE FUNCTION headcount_internal.hashed_users(pages bytea[], key bytea, OUT number integer, OUT hash uuid) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'headcount_hashed_users' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 ROWS 10000;
COMMENT ON FUNCTION headcount_internal.hashed_users(bytea[], bytea) IS 'the numbers of the users in some pages of a dictionary, with the hashes of their names under a key, NULL for those that were forgotten';

-- The columns are read by number in federation.cpp, where the first one is the pass.
CREATE TYPE headcount_internal.sharing AS (pass uuid, key bytea);
COMMENT ON TYPE headcount_internal.sharing IS 'how a source is shared with a federation: a row of its table "sharing"';
COMMENT ON COLUMN headcount_internal.sharing.pass IS 'the view shared_days shows it to the function that reads with the rights of the owner: nobody else knows it';
COMMENT ON COLUMN headcount_internal.sharing.key IS 'under which names are hashed, 16 bytes';

CREATE TYPE headcount_internal.federation AS (
    pass            uuid,
    time_zone       text,
    licensing_model text,
    window_days     integer,
    with_hosts      boolean,
    is_tolerant     boolean,
    adds_users      boolean
);
COMMENT ON TYPE headcount_internal.federation IS 'what a federation was told: a row of its table "federation"';
COMMENT ON COLUMN headcount_internal.federation.pass IS 'its views show it to the function that reads with the rights of the owner: nobody else knows it';
COMMENT ON COLUMN headcount_internal.federation.window_days IS 'NULL is what the licensing model says';
COMMENT ON COLUMN headcount_internal.federation.is_tolerant IS 'whether there are answers without members that are down';
COMMENT ON COLUMN headcount_internal.federation.adds_users IS 'whether no user is at two members, so that each member counts its own';

CREATE TYPE headcount_internal.federation_member AS (member integer, server text, source text);
COMMENT ON TYPE headcount_internal.federation_member IS 'a member of a federation: a row of its table "members"; its foreign table is member_<number>';

CREATE TYPE headcount_internal.shared_row AS (
    request text,
    kind    text,
    day     date,
    number  bigint,
    content headcount.presence,
    note    text
);
COMMENT ON TYPE headcount_internal.shared_row IS 'a part of what a member of a federation answers';
COMMENT ON COLUMN headcount_internal.shared_row.request IS 'what was asked';
COMMENT ON COLUMN headcount_internal.shared_row.kind IS 'member: what the source is; users, denied, hosts: who was there when; denials: how many on a day; counts: the same, and in note total, daily and denied users of that day, where no user is at two members; used_sketch, denied_sketch: sketches of a day';

CREATE TYPE headcount_internal.federated_row AS (
    day                 date,
    total_users         integer,
    daily_users         integer,
    denial_users        integer,
    denials             integer,
    concurrent_hosts    integer,
    concurrent_hosts_at timestamptz,
    complete            boolean,
    is_partial          boolean,
    missing_members     text[],
    used_sketch         text,
    denied_sketch       text
);
COMMENT ON TYPE headcount_internal.federated_row IS 'a day of a federation';

CREATE FUNCTION headcount_internal.asked_request_support(internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'headcount_asked_request_support' LANGUAGE C STRICT;
COMMENT ON FUNCTION headcount_internal.asked_request_support(internal) IS 'planner support of asked_request';

CREATE FUNCTION headcount_internal.asked_request(sharing regclass) RETURNS text
    AS 'MODULE_PATHNAME', 'headcount_asked_request' LANGUAGE C STABLE PARALLEL SAFE SUPPORT headcount_internal.asked_request_support;
COMMENT ON FUNCTION headcount_internal.asked_request(regclass) IS 'in a view of shared days, the value that a query says the column request is equal to; NULL if it has no such condition';

CREATE FUNCTION headcount_internal.shared_report(sharing regclass, pass uuid, request text) RETURNS SETOF headcount_internal.shared_row
    AS 'MODULE_PATHNAME', 'headcount_shared_report' LANGUAGE C STABLE PARALLEL UNSAFE COST 10000 ROWS 100;
COMMENT ON FUNCTION headcount_internal.shared_report(regclass, uuid, text) IS 'what a member of a federation answers, for the view that shows the pass of its table "sharing"';

CREATE FUNCTION headcount_internal.federated_report(federation regclass, pass uuid, what text, from_day date, to_day date, as_of timestamptz) RETURNS SETOF headcount_internal.federated_row
    AS 'MODULE_PATHNAME', 'headcount_federated_report' LANGUAGE C STABLE PARALLEL UNSAFE COST 10000 ROWS 365;
COMMENT ON FUNCTION headcount_internal.federated_report(regclass, uuid, text, date, date, timestamptz) IS
    'the days of a federation under a licensing model, or its sketches, for the views that show the pass of its table "federation"; by federation the planner finds what days are asked for';

-- The member.

-- A federation hashes names under its own key, which a name that was forgotten has none under.
CREATE FUNCTION headcount_internal.fail_forgotten(name text) RETURNS uuid
LANGUAGE plpgsql VOLATILE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM headcount_internal.raise_error('55000', format('source "%s" has forgotten users on the days that are asked for', name),
        'Who they are in other databases can no longer be told, so they cannot be counted together.', 'Ask for days without them, or leave this member out.');
END
$$;
COMMENT ON FUNCTION headcount_internal.fail_forgotten(text) IS 'raises the error that a federation cannot count users that a member has forgotten';

-- Who was there on which day, as rows of day, hash and whether he was denied. Stored days give numbers, each of which has its
-- hash made once; others give names.
CREATE FUNCTION headcount_internal.shared_people_query(name text, options headcount_internal.options, scope "char") RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT (options.materialized AND options.exact) THEN
        RETURN format($q$
WITH people AS MATERIALIZED (
    SELECT u.day, headcount_internal.keyed_hash(u.user_name, $1) AS hash, u.is_denied
    FROM (SELECT headcount_internal.daily_session_agg(s.user_name, NULL::text, s.started_at, s.%2$I, %3$L::text, (SELECT %7$s)) AS state
          FROM %1$I.session_states AS s WHERE %4$s AND s.started_at < $5%5$s) AS s
         CROSS JOIN (SELECT headcount_internal.daily_denial_agg(d.user_name, d.denied_at, %3$L::text, (SELECT %7$s)) AS state
          FROM %1$I.denials AS d WHERE NOT d.is_false_denial AND d.denied_at >= $4 AND d.denied_at < $5%6$s) AS d
         CROSS JOIN LATERAL headcount_internal.daily_users(s.state, d.state) AS u)$q$,
            name, headcount_internal.end_column(options.idle_limit), options.time_zone, headcount_internal.ends_from(options, '$4'),
            headcount_internal.scope_sessions(scope, ' AND'), headcount_internal.scope_denials(scope, options.realtime_servers), headcount_internal.as_of_text());
    END IF;
    RETURN format($q$
WITH numbered AS MATERIALIZED (
    SELECT d.day, d.used, d.denied FROM %1$I.stored_days AS d WHERE d.scope = %2$L AND d.day >= $2 AND d.day <= $3
    UNION ALL
    SELECT k.day, d.used, d.denied FROM %3$s WHERE d.scope = %2$L),
dictionary AS MATERIALIZED (
    SELECT h.number, h.hash FROM %6$s AS g CROSS JOIN LATERAL headcount_internal.hashed_users(g.pages, $1) AS h),
people AS MATERIALIZED (
    SELECT n.day, CASE WHEN h.hash IS NULL THEN headcount_internal.fail_forgotten(%5$L) ELSE h.hash END AS hash, k.is_denied
    FROM numbered AS n
         CROSS JOIN LATERAL (VALUES (n.used, false), (n.denied, true)) AS k (users, is_denied)
         CROSS JOIN LATERAL headcount.members(k.users) AS m (number)
         JOIN dictionary AS h ON h.number = m.number
    UNION ALL
    SELECT u.day, headcount_internal.keyed_hash(u.user_name, $1), u.is_denied
    FROM %4$s CROSS JOIN LATERAL headcount_internal.daily_users(s.state, d.state) AS u)$q$,
        name, scope, headcount_internal.parts_from(name), headcount_internal.collected(name, options, scope), name, headcount_internal.page_groups_text(format('%I.rollup_dictionary', name)));
END
$$;
COMMENT ON FUNCTION headcount_internal.shared_people_query(text, headcount_internal.options, "char") IS
    'the beginning of a query for the users of a source by day, as hashes: $1 is the key, $2 to $5 are the first and the last day that matter, when the first begins and the last ends';

-- Users by whole days, in two presences: with a session, and denied. Those of days before from_day that matter only for the
-- total of all days are put a moment before it.
CREATE FUNCTION headcount_internal.shared_users_of(name text, options headcount_internal.options, key bytea, model text, from_day date, to_day date, window_days integer)
RETURNS TABLE (kind text, content headcount.presence)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    scope     constant "char" := headcount_internal.model_scope(options.realtime_servers, model);
    is_trailing constant boolean := headcount_internal.is_trailing(model);
    first_day constant date := CASE WHEN is_trailing THEN headcount_internal.days_before(from_day, window_days - 1) ELSE '-infinity' END;
    from_at   constant timestamptz := CASE WHEN isfinite(first_day) THEN headcount.day_start(first_day, options.time_zone) ELSE '-infinity' END;
    to_at     constant timestamptz := CASE WHEN isfinite(to_day) THEN headcount.day_start(to_day + 1, options.time_zone) ELSE 'infinity' END;
BEGIN
    PERFORM headcount_internal.check_users_not_frozen(name, headcount_internal.find_source(name), first_day);
    RETURN QUERY EXECUTE headcount_internal.shared_people_query(name, options, scope) || format($q$,
days AS MATERIALIZED (
    SELECT d.day, CASE WHEN d.is_before THEN headcount.day_start($6, %1$L) - interval '1 microsecond' ELSE headcount.day_start(d.day, %1$L) END AS from_at,
           CASE WHEN d.is_before THEN headcount.day_start($6, %1$L) ELSE headcount.day_start(d.day + 1, %1$L) END AS to_at, d.is_before
    FROM (SELECT p.day, %2$L AND p.day < $6 AS is_before FROM people AS p WHERE p.day >= $2 AND p.day <= $3 GROUP BY p.day) AS d)
SELECT 'users', headcount.presence_agg(p.hash, d.from_at, d.to_at) FROM people AS p JOIN days AS d ON d.day = p.day WHERE NOT p.is_denied OR d.is_before
UNION ALL
SELECT 'denied', headcount.presence_agg(p.hash, d.from_at) FROM people AS p JOIN days AS d ON d.day = p.day WHERE p.is_denied AND NOT d.is_before AND (%3$L OR p.day >= $6)$q$,
            options.time_zone, NOT is_trailing AND isfinite(from_day), is_trailing AND model <> '2013')
        USING key, first_day, to_day, from_at, to_at, from_day;
END
$$;
COMMENT ON FUNCTION headcount_internal.shared_users_of(text, headcount_internal.options, bytea, text, date, date, integer) IS
    'the users of a source that matter for the days from from_day to to_day under a licensing model, as presences of hashes by whole days';

CREATE FUNCTION headcount_internal.shared_hosts_of(name text, source headcount_internal.source, key bytea, model text, from_day date, to_day date) RETURNS headcount.presence
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    from_at constant timestamptz := CASE WHEN isfinite(from_day) THEN headcount.day_start(from_day, source.time_zone) ELSE '-infinity' END;
    to_at   constant timestamptz := CASE WHEN isfinite(to_day) THEN headcount.day_start(to_day + 1, source.time_zone) ELSE 'infinity' END;
    hosts   headcount.presence;
BEGIN
    IF from_at >= to_at OR from_at > headcount.as_of() THEN
        RETURN NULL;
    END IF;
    EXECUTE format('SELECT headcount.presence_clip(headcount.presence_agg(headcount_internal.keyed_hash(s.host, $3), s.started_at, s.ended_at), $1, $2)
        FROM %s AS s WHERE s.host <> '''' AND %s%s', headcount_internal.sessions_around(name, source, from_at, least(to_at, headcount.as_of()), '$1', '$2'),
        headcount_internal.meets_span(), headcount_internal.scope_sessions(headcount_internal.model_scope(source.realtime_servers, model), ' AND'))
        INTO hosts USING from_at, to_at, key;
    RETURN hosts;
END
$$;
COMMENT ON FUNCTION headcount_internal.shared_hosts_of(text, headcount_internal.source, bytea, text, date, date) IS
    'the hosts of a source on the days from from_day to to_day, as a presence of hashes';

-- Servers may have different versions of the time zone database, and then their days are not the same days.
CREATE FUNCTION headcount_internal.bounds_digest(time_zone text, from_day date, to_day date) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT md5(coalesce(string_agg(extract(epoch FROM headcount.day_start(from_day + i, time_zone))::text, ' ' ORDER BY i), ''))
    FROM generate_series(0, headcount_internal.days_between(from_day, to_day)) AS i
$$;
COMMENT ON FUNCTION headcount_internal.bounds_digest(text, date, date) IS 'a digest of when the days from from_day to the one after to_day begin';

-- The days that matter for a request, as those who ask and those who answer must have them alike. Before 1990 rows are implausible,
-- and nobody is asked how long days were.
CREATE FUNCTION headcount_internal.request_bounds(time_zone text, request text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT headcount_internal.bounds_digest(request_bounds.time_zone,
        greatest('1990-01-01', CASE WHEN headcount_internal.is_trailing(r.asked ->> 'model') THEN headcount_internal.days_before((r.asked ->> 'from_day')::date, (r.asked ->> 'window_days')::integer - 1)
                                    ELSE (r.asked ->> 'from_day')::date END),
        least((r.asked ->> 'to_day')::date, headcount.day_of((r.asked ->> 'as_of')::timestamptz, request_bounds.time_zone)))
    FROM (SELECT request_bounds.request::jsonb AS asked) AS r
$$;
COMMENT ON FUNCTION headcount_internal.request_bounds(text, text) IS 'a digest of when the days begin that matter for a request';

-- A table that is a shard of Citus goes on to be there, as it was, when the shard was moved to another server or split, but nobody writes
-- it any more. It is known by its name, which Citus gives: that of a distributed table and a number that shards have or had. Citus
-- hides shards in pg_class from most applications.
CREATE FUNCTION headcount_internal.is_lost_shard(relation regclass) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    first_shard constant bigint := 102008;      -- of Citus
    names   constant text[] := (pg_identify_object_as_address('pg_class'::regclass, relation, 0)).object_names;
    shard   constant bigint := substring(names[2] FROM '_([0-9]{6,18})$');
    is_lost boolean := false;
BEGIN
    IF shard >= first_shard AND to_regclass('pg_catalog.pg_dist_shard') IS NOT NULL THEN
        EXECUTE 'SELECT $2 <= (SELECT max(s.shardid) FROM pg_dist_shard AS s)
                 AND NOT EXISTS (SELECT FROM pg_dist_placement AS p WHERE p.shardid = $2 AND p.groupid = (SELECT g.groupid FROM pg_dist_local_group AS g))
                 AND EXISTS (SELECT FROM pg_dist_partition AS t
                                  CROSS JOIN LATERAL pg_identify_object_as_address(''pg_class''::regclass, t.logicalrelid, 0) AS l
                                  CROSS JOIN LATERAL parse_ident(shard_name(t.logicalrelid, $2)) AS n (names)
                             WHERE l.object_names[1] = $1[1] AND n.names[cardinality(n.names)] = $1[2])' INTO is_lost USING names, shard;
    END IF;
    RETURN is_lost;
END
$$;
COMMENT ON FUNCTION headcount_internal.is_lost_shard(regclass) IS 'whether a table was a shard of Citus on this server and is none any more';

-- Runs as the owner of the source, under no setting of whoever asks.
CREATE FUNCTION headcount_internal.shared_rows(name text, request text) RETURNS SETOF headcount_internal.shared_row
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET headcount.as_of TO '' AS $$
#variable_conflict use_variable
DECLARE
    asked    constant jsonb := request::jsonb;
    what     constant text := asked ->> 'what';
    model    constant text := asked ->> 'model';
    from_day constant date := coalesce((asked ->> 'from_day')::date, '-infinity');
    to_day   constant date := coalesce((asked ->> 'to_day')::date, 'infinity');
    source   constant headcount_internal.source := headcount_internal.find_source(name);
    adds_users constant boolean := coalesce((asked ->> 'adds_users')::boolean, false);
    key      bytea;
    is_early boolean;
BEGIN
    PERFORM headcount_internal.set_as_of((asked ->> 'as_of')::timestamptz);
    EXECUTE format('SELECT s.key FROM %I.sharing AS s', name) INTO key;
    IF headcount_internal.is_lost_shard(source.sessions) OR headcount_internal.is_lost_shard(source.denials) THEN
        PERFORM headcount_internal.raise_error('55000', format('a table of source "%s" is no longer a shard of this server', name),
            'Citus moved or split it, so its rows are not written here any more.', 'Drop the source, make sources over the shards that there are now, and the federation anew.');
    END IF;
    IF what = 'counts' THEN
        IF NOT coalesce(model = ANY (headcount_internal.licensing_models()) AND (asked ->> 'window_days')::integer > 0, false) THEN
            PERFORM headcount_internal.raise_error('22023', 'the request is none that this version of headcount understands');
        END IF;
        IF adds_users AND headcount_internal.is_trailing(model) AND headcount_internal.window_days(model, source.window_days) <> (asked ->> 'window_days')::integer THEN
            PERFORM headcount_internal.raise_error('55000', format('source "%s" has totals of %s days, the federation has totals of %s', name, headcount_internal.window_days(model, source.window_days), asked ->> 'window_days'),
                'Where no user is at two members, each member counts its own.', 'Give both the same window_days, with headcount.alter_source or headcount.alter_federation.');
        END IF;
        IF isfinite(from_day) AND NOT adds_users THEN
            EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I AS c WHERE c.day = $1)', name, 'daily_user_counts_' || model) INTO is_early USING from_day;
        END IF;
    ELSIF what IS DISTINCT FROM 'member' AND what IS DISTINCT FROM 'sketches' THEN
        PERFORM headcount_internal.raise_error('22023', 'the request is none that this version of headcount understands');
    END IF;
    RETURN QUERY SELECT request, 'member', NULL::date, NULL::bigint, NULL::headcount.presence,
        jsonb_build_object('time_zone', source.time_zone, 'key', headcount_internal.keyed_hash('headcount', key), 'has_earlier', is_early,
                           'bounds', headcount_internal.request_bounds(source.time_zone, request),
                           'frozen_before', CASE WHEN source.materialized THEN NULLIF(headcount_internal.frozen_before(source.state), '-infinity') END)::text;
    IF what = 'counts' THEN
        IF NOT adds_users THEN
            RETURN QUERY SELECT request, u.kind, NULL::date, NULL::bigint, u.content, NULL::text
            FROM headcount_internal.shared_users_of(name, headcount_internal.options_of(name), key, model, from_day, to_day, (asked ->> 'window_days')::integer) AS u;
        END IF;
        IF (asked ->> 'hosts')::boolean THEN
            RETURN QUERY SELECT request, 'hosts', NULL::date, NULL::bigint, headcount_internal.shared_hosts_of(name, source, key, model, from_day, to_day), NULL::text;
        END IF;
        RETURN QUERY EXECUTE format(CASE WHEN adds_users THEN 'SELECT $1, ''counts'', c.day, c.denials::bigint, NULL::headcount.presence, concat_ws('' '', c.total_users, c.daily_users, c.denial_users)
            FROM %I.%I AS c WHERE c.day >= $2 AND c.day <= $3' ELSE 'SELECT $1, ''denials'', c.day, c.denials::bigint, NULL::headcount.presence, NULL::text
            FROM %I.%I AS c WHERE c.day >= $2 AND c.day <= $3 AND c.denials > 0' END, name, 'daily_user_counts_' || model) USING request, from_day, to_day;
    ELSIF what = 'sketches' THEN
        RETURN QUERY EXECUTE format('SELECT $1, k.kind, s.day, NULL::bigint, NULL::headcount.presence, k.sketch
            FROM %I.daily_user_sketches AS s CROSS JOIN LATERAL (VALUES (''used_sketch'', s.used::text), (''denied_sketch'', s.denied::text)) AS k (kind, sketch)
            WHERE s.day >= $2 AND s.day <= $3', name) USING request, from_day, to_day;
    END IF;
END
$$;
COMMENT ON FUNCTION headcount_internal.shared_rows(text, text) IS 'what a source answers a federation, for its owner';

CREATE FUNCTION headcount_internal.make_sharing(name text, key bytea) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
BEGIN
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I.sharing OF headcount_internal.sharing (PRIMARY KEY (pass))', name);
    EXECUTE format('COMMENT ON TABLE %I.sharing IS %L', name, 'under which key the source is shared with federations; change it with headcount.share_source');
    EXECUTE format('DELETE FROM %I.sharing', name);
    EXECUTE format('INSERT INTO %I.sharing (pass, key) VALUES (gen_random_uuid(), $1)', name) USING key;
    PERFORM headcount_internal.make_view(name, 'shared_days', format($q$
SELECT r.request, r.kind, r.day, r.number, r.content, r.note
FROM %1$I.sharing AS s
     CROSS JOIN LATERAL headcount_internal.shared_report(%2$L::regclass, s.pass, headcount_internal.asked_request(%2$L::regclass)) AS r$q$,
            name, format('%I.sharing', name)),
        'the users and hosts of the source as hashes under a key, for federations, which ask by the column request',
        ARRAY['request', 'what is asked, which a query says with WHERE request = ...', 'content', 'who was there when']);
END
$$;
COMMENT ON FUNCTION headcount_internal.make_sharing(text, bytea) IS 'makes the view by which a source is a member of federations; runs as the owner of the source';

CREATE FUNCTION headcount_internal.drop_sharing(name text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
BEGIN
    PERFORM headcount_internal.drop_view(name, 'shared_days');
    EXECUTE format('DROP TABLE IF EXISTS %I.sharing', name);
END
$$;
COMMENT ON FUNCTION headcount_internal.drop_sharing(text) IS 'drops the view by which a source is a member of federations; runs as the owner of the source';

CREATE FUNCTION headcount.share_source(source text, key text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    found_source constant headcount_internal.source := headcount_internal.find_own_source(source);
BEGIN
    PERFORM headcount_internal.check_required('key', key);
    IF octet_length(key) < 16 THEN
        PERFORM headcount_internal.raise_argument_error('key', 'must be of at least 16 bytes', hint => 'Whoever guesses the key can try names. Make one with: SELECT gen_random_uuid()');
    END IF;
    PERFORM headcount_internal.lock_source(source, found_source);
    PERFORM headcount_internal.execute_as_owner(found_source.sessions_view,
        format('SELECT headcount_internal.make_sharing(%L, %L::bytea)', source, substr(sha256(convert_to(key, 'UTF8')), 1, 16)));
END
$$;
COMMENT ON FUNCTION headcount.share_source(text, text) IS
    'makes the view shared_days of a source, by which it is a member of federations: users and hosts as hashes under a key, the same at all members. Grant SELECT on the view to the role that the federation comes as. Another key takes the place of the one before';

CREATE FUNCTION headcount.unshare_source(source text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_source constant headcount_internal.source := headcount_internal.find_own_source(source);
BEGIN
    PERFORM headcount_internal.lock_source(source, found_source);
    PERFORM headcount_internal.execute_as_owner(found_source.sessions_view, format('SELECT headcount_internal.drop_sharing(%L)', source));
END
$$;
COMMENT ON FUNCTION headcount.unshare_source(text) IS 'drops the view shared_days of a source, which is no member of federations any more';

-- The one that unites them.

-- What one member answers to a request, $1, in rows of type shared_row; the one about the member says who that is.
CREATE FUNCTION headcount_internal.ask_member_text(name text, member integer, server text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT format('SELECT m.request, m.kind, m.day, m.number, m.content, CASE m.kind WHEN ''member'' THEN (m.note::jsonb || jsonb_build_object(''server'', %L::text))::text ELSE m.note END AS note FROM %I.%I AS m WHERE m.request = $1',
                  server, name, 'member_' || member)
$$;
COMMENT ON FUNCTION headcount_internal.ask_member_text(text, integer, text) IS 'the query that asks a member of a federation';

-- What all members answer to one request. They are asked all at once. If that fails they are asked one by one, which tells who
-- it was: a member that cannot be reached is an error that names it or, if the federation is tolerant, one of the missing; any other
-- error is one in any case.
CREATE FUNCTION headcount_internal.ask_members(name text, request text, is_tolerant boolean, OUT answers headcount_internal.shared_row[], OUT missing text[])
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    collected constant text := 'SELECT array_agg(ROW(a.*)::headcount_internal.shared_row) FROM (%s) AS a';
    queries text[];
    each    record;
    answer  headcount_internal.shared_row[];
    message text;
    state   text;
    detail  text;
    hint    text;
BEGIN
    missing := '{}';
    EXECUTE format('SELECT array_agg(headcount_internal.ask_member_text(%L, m.member, m.server) ORDER BY m.member) FROM %I.members AS m', name, name) INTO queries;
    BEGIN
        EXECUTE format(collected, array_to_string(queries, ' UNION ALL ')) INTO answers USING request;
        IF (SELECT count(*) FROM unnest(answers) AS a WHERE a.kind = 'member') = cardinality(queries) THEN
            RETURN;
        END IF;
    EXCEPTION WHEN OTHERS THEN
        NULL;
    END;
    answers := '{}';
    FOR each IN EXECUTE format('SELECT m.member, m.server FROM %I.members AS m ORDER BY m.member', name) LOOP
        state := NULL;
        BEGIN
            EXECUTE format(collected, headcount_internal.ask_member_text(name, each.member, each.server)) INTO answer USING request;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
        END;
        IF state LIKE '08%' OR state IN ('57P01', '57P02', '57P03', '53300', 'HV00N') THEN
            IF NOT is_tolerant THEN
                PERFORM headcount_internal.raise_error(state, format('member "%s" of federation "%s" did not answer', each.server, name), concat_ws(E'\n', message, NULLIF(detail, '')),
                    format('headcount.alter_federation(%L, partial => true) has answers without members that cannot be reached, which say so.', name));
            END IF;
            missing := missing || each.server;
        ELSIF state IS NOT NULL THEN
            PERFORM headcount_internal.raise_error(state, format('member "%s" of federation "%s" did not answer', each.server, name), concat_ws(E'\n', message, NULLIF(detail, '')), NULLIF(hint, ''));
        ELSIF NOT EXISTS (SELECT FROM unnest(answer) AS a WHERE a.kind = 'member') THEN
            PERFORM headcount_internal.raise_error('55000', format('member "%s" of federation "%s" did not answer', each.server, name), 'It gave no rows.');
        ELSE
            answers := answers || answer;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION headcount_internal.ask_members(text, text, boolean) IS 'what the members of a federation answer, and which are missing; runs as its owner';

-- A key or a zone of one's own would make wrong numbers.
CREATE FUNCTION headcount_internal.check_members(name text, answers headcount_internal.shared_row[], time_zone text) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    bounds constant text := headcount_internal.request_bounds(time_zone, (answers[1]).request);
    each     jsonb;
    first_one jsonb;
BEGIN
    FOR each IN SELECT m.note FROM (SELECT a.note::jsonb AS note FROM unnest(answers) AS a WHERE a.kind = 'member') AS m ORDER BY m.note ->> 'server' COLLATE "C" LOOP
        first_one := coalesce(first_one, each);
        IF each ->> 'time_zone' IS DISTINCT FROM time_zone THEN
            PERFORM headcount_internal.raise_error('55000', format('member "%s" of federation "%s" has another time zone', each ->> 'server', name),
                format('Its source has days of %s, the federation has days of %s.', each ->> 'time_zone', time_zone), 'Sources whose days are others cannot be united by day.');
        ELSIF each ->> 'bounds' IS DISTINCT FROM bounds THEN
            PERFORM headcount_internal.raise_error('55000', format('days of member "%s" of federation "%s" begin at other instants', each ->> 'server', name),
                format('It has another version of the time zone database, in which %s is not what it is here.', time_zone), 'Bring the servers up to date.');
        ELSIF each ->> 'key' IS DISTINCT FROM first_one ->> 'key' THEN
            PERFORM headcount_internal.raise_error('55000', format('members "%s" and "%s" of federation "%s" have different keys', first_one ->> 'server', each ->> 'server', name),
                'The same name has different hashes at both.', 'Give all members the same key with headcount.share_source.');
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION headcount_internal.check_members(text, headcount_internal.shared_row[], text) IS 'raises an error unless what the members of a federation answered fits together';

CREATE FUNCTION headcount_internal.request_text(what text, federation headcount_internal.federation, model text, from_day date, to_day date, as_of timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object('what', what, 'model', model, 'window_days', headcount_internal.window_days(model, federation.window_days), 'hosts', federation.with_hosts, 'adds_users', NULLIF(federation.adds_users, false),
        'from_day', NULLIF(from_day, '-infinity')::text, 'to_day', NULLIF(to_day, 'infinity')::text,
        'as_of', to_char(as_of AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US"+00" BC')))::text
$$;
COMMENT ON FUNCTION headcount_internal.request_text(text, headcount_internal.federation, text, date, date, timestamptz) IS 'what is asked of the members of a federation';

-- Runs as the owner of the federation, under no setting of whoever asks.
CREATE FUNCTION headcount_internal.federation_rows(name text, what text, from_day date, to_day date, as_of timestamptz) RETURNS SETOF headcount_internal.federated_row
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    federation  headcount_internal.federation;
    answers     headcount_internal.shared_row[];
    missing     text[];
    has_earlier boolean;
    hosts_from  date;
BEGIN
    EXECUTE format('SELECT f.* FROM %I.federation AS f', name) INTO federation;
    IF from_day > to_day OR from_day = 'infinity' OR to_day = '-infinity' THEN
        RETURN;
    END IF;
    SELECT a.answers, a.missing INTO answers, missing
    FROM headcount_internal.ask_members(name, headcount_internal.request_text(CASE what WHEN 'sketches' THEN what ELSE 'counts' END, federation, NULLIF(what, 'sketches'), from_day, to_day, as_of),
                                        federation.is_tolerant) AS a;
    IF answers = '{}' THEN
        PERFORM headcount_internal.raise_error('08006', format('no member of federation "%s" answered', name), format('They are %s.', array_to_string(missing, ', ')));
    END IF;
    PERFORM headcount_internal.check_members(name, answers, federation.time_zone);
    IF what = 'sketches' THEN
        RETURN QUERY EXECUTE format($q$
SELECT a.day, NULL::integer, NULL::integer, NULL::integer, NULL::integer, NULL::integer, NULL::timestamptz, a.day < headcount.day_of($2, $3), cardinality($4) > 0, $4,
       (%1$s.hll_union_agg(a.note::%1$s.hll) FILTER (WHERE a.kind = 'used_sketch'))::text, (%1$s.hll_union_agg(a.note::%1$s.hll) FILTER (WHERE a.kind = 'denied_sketch'))::text
FROM unnest($1) AS a WHERE a.kind IN ('used_sketch', 'denied_sketch') GROUP BY a.day ORDER BY a.day$q$, headcount_internal.hll_schema())
            USING answers, as_of, federation.time_zone, missing;
        RETURN;
    END IF;
    -- of frozen days the sessions need not be there any more
    SELECT bool_or((m.note ->> 'has_earlier')::boolean), CASE WHEN federation.with_hosts THEN coalesce(max((m.note ->> 'frozen_before')::date), '-infinity') END INTO has_earlier, hosts_from
    FROM (SELECT a.note::jsonb AS note FROM unnest(answers) AS a WHERE a.kind = 'member') AS m;
    IF federation.adds_users THEN
        RETURN QUERY
        SELECT c.day, c.total_users, c.daily_users, c.denial_users, c.denials, h.hosts, CASE WHEN h.hosts > 0 THEN p.concurrent_hosts_at END,
               c.day < headcount.day_of(as_of, federation.time_zone), cardinality(missing) > 0, missing, NULL::text, NULL::text
        FROM (SELECT a.day, sum(split_part(a.note, ' ', 1)::integer)::integer AS total_users, sum(split_part(a.note, ' ', 2)::integer)::integer AS daily_users,
                     sum(split_part(a.note, ' ', 3)::integer)::integer AS denial_users, sum(a.number)::integer AS denials
              FROM unnest(answers) AS a WHERE a.kind = 'counts' GROUP BY a.day) AS c
             LEFT JOIN (SELECT r.day, r.concurrent_hosts, r.concurrent_hosts_at
                        FROM (SELECT headcount.presence_union_agg(a.content) AS hosts FROM unnest(answers) AS a WHERE a.kind = 'hosts') AS u
                             CROSS JOIN LATERAL headcount.daily_user_counts(NULL, NULL, u.hosts, federation.time_zone, what, NULL, NULL, NULLIF(to_day, 'infinity'), as_of) AS r) AS p ON p.day = c.day
             CROSS JOIN LATERAL (VALUES (CASE WHEN c.day >= hosts_from THEN coalesce(p.concurrent_hosts, 0) END)) AS h (hosts)
        ORDER BY c.day;
        RETURN;
    END IF;
    RETURN QUERY
    SELECT c.day, c.total_users, c.daily_users, c.denial_users, coalesce(d.denials, 0)::integer, h.hosts, CASE WHEN h.hosts IS NOT NULL THEN c.concurrent_hosts_at END,
           c.complete, cardinality(missing) > 0, missing, NULL::text, NULL::text
    FROM (SELECT headcount.presence_union_agg(a.content) FILTER (WHERE a.kind = 'users') AS users, headcount.presence_union_agg(a.content) FILTER (WHERE a.kind = 'denied') AS denied,
                 headcount.presence_union_agg(a.content) FILTER (WHERE a.kind = 'hosts') AS hosts
          FROM unnest(answers) AS a) AS p
         CROSS JOIN LATERAL headcount.daily_user_counts(p.users, p.denied, p.hosts, federation.time_zone, what, headcount_internal.window_days(what, federation.window_days),
             CASE WHEN has_earlier THEN from_day END, NULLIF(to_day, 'infinity'), as_of) AS c
         LEFT JOIN (SELECT a.day, sum(a.number) AS denials FROM unnest(answers) AS a WHERE a.kind = 'denials' GROUP BY a.day) AS d ON d.day = c.day
         CROSS JOIN LATERAL (VALUES (CASE WHEN c.day >= hosts_from THEN c.concurrent_hosts END)) AS h (hosts)
    WHERE c.day >= from_day AND c.day <= to_day
    ORDER BY c.day;
END
$$;
COMMENT ON FUNCTION headcount_internal.federation_rows(text, text, date, date, timestamptz) IS 'the days of a federation under a licensing model, or its sketches; for its owner';

CREATE FUNCTION headcount_internal.find_federation(name text) RETURNS regclass
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    found_table regclass;
    found_owner oid;
BEGIN
    PERFORM headcount_internal.check_required('name', name);
    SELECT c.oid, c.relowner INTO found_table, found_owner
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = name AND c.relname = 'federation' AND c.reloftype = 'headcount_internal.federation'::regtype;
    IF found_table IS NULL THEN
        PERFORM headcount_internal.raise_error('42704', format('federation "%s" does not exist', name), NULL,
            headcount_internal.nearest_name('federation', name, ARRAY(SELECT n.nspname::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                WHERE c.relname = 'federation' AND c.reloftype = 'headcount_internal.federation'::regtype)));
    ELSIF NOT pg_has_role(found_owner, 'USAGE') THEN
        PERFORM headcount_internal.raise_error('42501', format('must be owner of federation "%s"', name));
    END IF;
    RETURN found_table;
END
$$;
COMMENT ON FUNCTION headcount_internal.find_federation(text) IS 'the table of a federation that the current role owns, or an error';

CREATE FUNCTION headcount_internal.make_federation_views(name text, federation headcount_internal.federation) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    about constant text := format('%L::regclass', format('%I.federation', name));
    query constant text := format($q$
SELECT %%1$s
FROM %1$I.federation AS f
     CROSS JOIN LATERAL headcount_internal.federated_report(%2$s, f.pass, %%2$L::text, headcount_internal.asked_from(%2$s), headcount_internal.asked_to(%2$s), headcount.as_of()) AS c$q$, name, about);
    columns constant text := 'c.day, c.total_users, c.daily_users, c.denial_users, c.denials, c.concurrent_hosts, c.concurrent_hosts_at, c.complete, c.is_partial, c.missing_members';
    comments constant text[] := ARRAY[
        'day', 'civil day in the time zone of the federation',
        'total_users', 'models 2013 and 2025: users on one of the last days, this one included; model 2019: users ever seen up to this day',
        'daily_users', 'model 2013: users with a session that day on a realtime server; models 2019 and 2025: users with a session or a denial',
        'denial_users', 'users that were denied that day',
        'denials', 'how many denials there were that day',
        'concurrent_hosts', 'the most hosts that were there at once, over all members; NULL if that is not known',
        'concurrent_hosts_at', 'when that was for the first time',
        'complete', 'whether the day is over',
        'is_partial', 'whether members are missing from the answer',
        'missing_members', 'the members that could not be reached'];
    model text;
BEGIN
    FOREACH model IN ARRAY headcount_internal.licensing_models() LOOP
        PERFORM headcount_internal.make_view(name, 'daily_user_counts_' || model, format(query, columns, model),
            format('users, denials and hosts of each day over all members under licensing model %s', model), comments);
    END LOOP;
    PERFORM headcount_internal.make_view(name, 'daily_user_counts', format('SELECT %s FROM %I.%I AS c', columns, name, 'daily_user_counts_' || federation.licensing_model),
        format('users, denials and hosts of each day over all members under licensing model %s', federation.licensing_model), comments);
    PERFORM headcount_internal.make_view(name, 'realtime_users_count', format($q$
SELECT c.day AS ucd, c.total_users AS uct, c.daily_users AS ucdy, c.denial_users AS ucde, c.concurrent_hosts AS ucch, c.is_partial, c.missing_members
FROM %I.daily_user_counts AS c
WHERE c.complete$q$, name),
        'the report "Realtime Users Count" over all members: days that are over',
        ARRAY['ucd', 'date', 'uct', 'total users', 'ucdy', 'daily users', 'ucde', 'denial users', 'ucch', 'concurrent hosts',
              'is_partial', 'whether members are missing from the answer', 'missing_members', 'the members that could not be reached']);
    PERFORM headcount_internal.make_view(name, 'daily_user_sketches',
        format(query, format('c.day, c.used_sketch::%1$s.hll AS used, c.denied_sketch::%1$s.hll AS denied, c.is_partial, c.missing_members', headcount_internal.hll_schema()), 'sketches'),
        'approximate sets of users of each day over all members',
        ARRAY['used', 'users with a session that day', 'denied', 'users that were denied that day', 'is_partial', 'whether members are missing from the answer',
              'missing_members', 'the members that could not be reached']);
END
$$;
COMMENT ON FUNCTION headcount_internal.make_federation_views(text, headcount_internal.federation) IS 'makes or replaces the views of a federation';

CREATE FUNCTION headcount_internal.build_federation(name text, servers text[], sources text[], federation headcount_internal.federation) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    answers headcount_internal.shared_row[];
BEGIN
    IF NOT headcount_internal.is_empty_schema(name) THEN
        BEGIN
            EXECUTE format('CREATE SCHEMA %I', name);
        EXCEPTION WHEN unique_violation THEN
            PERFORM headcount_internal.raise_error('42P06', format('schema "%s" already exists', name));
        END;
    END IF;
    EXECUTE format('COMMENT ON SCHEMA %I IS %L', name, format('Who was here and when, over %s, united by Headcount', array_to_string(servers, ', ')));
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO PUBLIC', name);
    EXECUTE format('CREATE TABLE %I.federation OF headcount_internal.federation (PRIMARY KEY (pass))', name);
    EXECUTE format('COMMENT ON TABLE %I.federation IS %L', name, 'what the federation was told; change it with headcount.alter_federation');
    EXECUTE format('CREATE TABLE %I.members OF headcount_internal.federation_member (PRIMARY KEY (member))', name);
    EXECUTE format('COMMENT ON TABLE %I.members IS %L', name, 'the members of the federation; the foreign table of each is member_ with its number');
    FOR at IN 1 .. cardinality(servers) LOOP
        EXECUTE format('INSERT INTO %I.members (member, server, source) VALUES ($1, $2, $3)', name) USING at, servers[at], sources[at];
        EXECUTE format('CREATE FOREIGN TABLE %1$I.%2$I (request text, kind text, day date, number bigint, content headcount.presence, note text) SERVER %3$I OPTIONS (schema_name %4$L, table_name %5$L, async_capable ''true'')',
                       name, 'member_' || at, servers[at], sources[at], 'shared_days');
        EXECUTE format('COMMENT ON FOREIGN TABLE %I.%I IS %L', name, 'member_' || at, format('source "%s" at server "%s", which answers requests', sources[at], servers[at]));
        -- DROP EXTENSION would leave it without the column that has our type
        PERFORM headcount_internal.tie_to_extension(format('%I.%I', name, 'member_' || at)::regclass);
    END LOOP;
    SELECT a.answers INTO answers FROM headcount_internal.ask_members(name, headcount_internal.request_text('member', federation, NULL, NULL, NULL, now()), false) AS a;
    federation.time_zone := coalesce(federation.time_zone, (SELECT a.note::jsonb ->> 'time_zone' FROM unnest(answers) AS a WHERE a.kind = 'member' LIMIT 1));
    PERFORM headcount_internal.check_members(name, answers, federation.time_zone);
    EXECUTE format('INSERT INTO %I.federation SELECT ($1).*', name) USING federation;
    PERFORM headcount_internal.make_federation_views(name, federation);
    RETURN format('federation "%s" unites %s members, with days of %s', name, cardinality(servers), federation.time_zone);
END
$$;
COMMENT ON FUNCTION headcount_internal.build_federation(text, text[], text[], headcount_internal.federation) IS
    'makes the schema of a federation and what is in it, and says so; the arguments have been checked';

CREATE FUNCTION headcount_internal.check_federation(federation headcount_internal.federation) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM headcount_internal.check_required('licensing_model', federation.licensing_model), headcount_internal.check_required('hosts', federation.with_hosts::text), headcount_internal.check_required('partial', federation.is_tolerant::text), headcount_internal.check_required('disjoint_users', federation.adds_users::text);
    PERFORM headcount_internal.check_licensing(federation.licensing_model, federation.window_days);
END
$$;
COMMENT ON FUNCTION headcount_internal.check_federation(headcount_internal.federation) IS 'raises an error that names the argument unless a federation can be told this';

CREATE FUNCTION headcount.create_federation(name text, servers text[], sources text[], licensing_model text DEFAULT '2019', window_days integer DEFAULT NULL,
    hosts boolean DEFAULT true, partial boolean DEFAULT false, disjoint_users boolean DEFAULT false)
RETURNS text LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    federation constant headcount_internal.federation := ROW(gen_random_uuid(), NULL, licensing_model, window_days, hosts, partial, disjoint_users);
    unknown    text;
BEGIN
    PERFORM headcount_internal.check_source_name(name), headcount_internal.check_required('servers', servers::text), headcount_internal.check_required('sources', sources::text);
    IF coalesce(array_ndims(servers), 0) <> 1 OR array_position(servers, NULL) IS NOT NULL THEN
        PERFORM headcount_internal.raise_argument_error('servers', 'must name at least one server, in one dimension and without nulls');
    ELSIF (SELECT count(DISTINCT s) FROM unnest(servers) AS s) < cardinality(servers) AND cardinality(sources) = 1 THEN
        PERFORM headcount_internal.raise_argument_error('servers', 'must not name a server twice', hint => 'Users of a member that is there twice would count once, its denials twice.');
    ELSIF coalesce(array_ndims(sources), 0) <> 1 OR array_position(sources, NULL) IS NOT NULL OR cardinality(sources) NOT IN (1, cardinality(servers)) THEN
        PERFORM headcount_internal.raise_argument_error('sources', 'must name one source for all servers, or one for each');
    END IF;
    IF cardinality(sources) = 1 THEN
        sources := array_fill(sources[1], ARRAY[cardinality(servers)]);
    END IF;
    IF (SELECT count(DISTINCT (m.server, m.source)) FROM unnest(servers, sources) AS m (server, source)) < cardinality(servers) THEN
        PERFORM headcount_internal.raise_argument_error('sources', 'must not name a source of a server twice', hint => 'Users of a member that is there twice would count once, its denials twice.');
    END IF;
    SELECT s INTO unknown FROM unnest(servers) AS s
    WHERE NOT EXISTS (SELECT FROM pg_foreign_server AS f JOIN pg_foreign_data_wrapper AS w ON w.oid = f.srvfdw WHERE f.srvname = s AND w.fdwname = 'postgres_fdw') LIMIT 1;
    IF unknown IS NOT NULL THEN
        PERFORM headcount_internal.raise_argument_error('servers', format('there is no server "%s" of postgres_fdw', unknown), '42704', hint => 'Make one with CREATE SERVER, and a user mapping for yourself.');
    END IF;
    PERFORM headcount_internal.check_federation(federation);
    RETURN headcount_internal.execute_quietly(format('SELECT headcount_internal.build_federation(%L, %L::text[], %L::text[], %L::headcount_internal.federation)', name, servers, sources, federation));
END
$$;
COMMENT ON FUNCTION headcount.create_federation(text, text[], text[], text, integer, boolean, boolean, boolean) IS
    'makes a schema of views over sources of other databases, united exactly: servers of postgres_fdw, and the source of each (or one name for all), shared there with headcount.share_source. Without hosts their peaks are not asked for; with partial there are answers without members that cannot be reached, which say so; with disjoint_users no user is at two members, and each counts its own';

CREATE FUNCTION headcount_internal.change_federation(name text, given headcount_internal.federation) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    federation headcount_internal.federation;
BEGIN
    EXECUTE format('SELECT f.* FROM %I.federation AS f', name) INTO federation;
    federation := jsonb_populate_record(federation, jsonb_strip_nulls(to_jsonb(given)));
    PERFORM headcount_internal.check_federation(federation);
    EXECUTE format('UPDATE %I.federation SET licensing_model = $1, window_days = $2, with_hosts = $3, is_tolerant = $4, adds_users = $5', name)
        USING federation.licensing_model, federation.window_days, federation.with_hosts, federation.is_tolerant, federation.adds_users;
    PERFORM headcount_internal.make_federation_views(name, federation);
END
$$;
COMMENT ON FUNCTION headcount_internal.change_federation(text, headcount_internal.federation) IS 'changes what a federation was told; runs as its owner';

CREATE FUNCTION headcount.alter_federation(name text, licensing_model text DEFAULT NULL, window_days integer DEFAULT NULL, hosts boolean DEFAULT NULL, partial boolean DEFAULT NULL, disjoint_users boolean DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    found_table constant regclass := headcount_internal.find_federation(name);
    given       constant headcount_internal.federation := ROW(NULL, NULL, licensing_model, window_days, hosts, partial, disjoint_users);
BEGIN
    PERFORM headcount_internal.execute_as_owner(found_table, format('SELECT headcount_internal.change_federation(%L, %L::headcount_internal.federation)', name, given));
END
$$;
COMMENT ON FUNCTION headcount.alter_federation(text, text, integer, boolean, boolean, boolean) IS 'changes what a federation was told; NULL leaves it as it is. Grants on the views, and what was built on them, stay';

CREATE FUNCTION headcount_internal.drop_federation(name text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
#variable_conflict use_variable
DECLARE
    foreign_tables text;
BEGIN
    EXECUTE format('DROP VIEW %1$I.daily_user_sketches, %1$I.realtime_users_count, %1$I.daily_user_counts', name);
    EXECUTE 'DROP VIEW ' || (SELECT string_agg(format('%I.%I', name, 'daily_user_counts_' || m), ', ') FROM unnest(headcount_internal.licensing_models()) AS m);
    EXECUTE format('SELECT string_agg(format(''%%I.%%I'', %1$L, ''member_'' || m.member), '', '') FROM %1$I.members AS m', name) INTO foreign_tables;
    EXECUTE 'DROP FOREIGN TABLE IF EXISTS ' || foreign_tables;
    EXECUTE format('DROP TABLE %1$I.members, %1$I.federation', name);
    EXECUTE format('DROP SCHEMA %I', name);
END
$$;
COMMENT ON FUNCTION headcount_internal.drop_federation(text) IS 'drops a federation and its schema; runs as its owner';

CREATE FUNCTION headcount.drop_federation(name text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_table constant regclass := headcount_internal.find_federation(name);
BEGIN
    PERFORM headcount_internal.execute_as_owner(found_table, format('SELECT headcount_internal.drop_federation(%L)', name));
END
$$;
COMMENT ON FUNCTION headcount.drop_federation(text) IS 'drops a federation: its views, foreign tables and schema, nothing at its members';
