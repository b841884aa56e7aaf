-- Functions over a source: online_counts and source_activity.
--
-- SELECT on the views that they name is all that a caller needs; what they read, they read with the rights of the owner of
-- the source (read_source), stored days too. Those that take as_of set headcount.as_of for their own duration (the SET
-- clause puts it back), which is why they cannot run in a parallel worker; the queries inside can have workers of their
-- own.

CREATE FUNCTION headcount_internal.set_as_of(as_of timestamptz) RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    as_of := coalesce(as_of, now());
    IF NOT isfinite(as_of) THEN
        PERFORM headcount_internal.raise_argument_error('as_of', 'must be finite');
    END IF;
    -- in UTC and ISO order, which every DateStyle and TimeZone reads alike
    PERFORM set_config('headcount.as_of', to_char(as_of AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US"+00" BC'), true);
    RETURN as_of;
END
$$;
COMMENT ON FUNCTION headcount_internal.set_as_of(timestamptz) IS
    'makes the views of the sources speak of this instant (NULL is now) until the calling function ends';

-- Runs as the owner; headcount.as_of is set.
CREATE FUNCTION headcount_internal.online_counts_of(source text, user_names text[]) RETURNS TABLE (user_name text, online_count bigint)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 50 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_source constant headcount_internal.source := headcount_internal.find_source(source);
    identities   text[] := user_names;
BEGIN
    IF found_source.has_identity THEN
        EXECUTE format('SELECT array_agg(%I.identity_of(a.name) ORDER BY a.place) FROM unnest($1) WITH ORDINALITY AS a (name, place)', source)
            INTO identities USING user_names;
    END IF;
    -- the condition goes down to the table and its index, then each name is looked up in what came back
    RETURN QUERY EXECUTE format($q$
        SELECT a.name, coalesce(o.online_count, 0)::bigint
        FROM unnest($1, $2) WITH ORDINALITY AS a (name, identity, place)
             LEFT JOIN (SELECT u.user_name, u.online_count FROM %I.online_users AS u WHERE u.user_name = ANY ($2)) AS o ON o.user_name = a.identity
        ORDER BY a.place$q$, source)
        USING user_names, identities;
END
$$;
COMMENT ON FUNCTION headcount_internal.online_counts_of(text, text[]) IS 'what online_counts tells, for the owner of the source';

CREATE FUNCTION headcount.online_counts(source text, user_names text[], as_of timestamptz DEFAULT headcount.as_of())
RETURNS TABLE (user_name text, online_count bigint)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 50
SET search_path = pg_catalog, pg_temp SET headcount.as_of TO '' AS $$
#variable_conflict use_variable
BEGIN
    PERFORM headcount_internal.find_source(source), headcount_internal.set_as_of(as_of);
    RETURN QUERY SELECT * FROM headcount_internal.read_source(source, 'online_counts_of', ARRAY[user_names::text]) AS c (user_name text, online_count bigint);
END
$$;
COMMENT ON FUNCTION headcount.online_counts(text, text[], timestamptz) IS
    'how many connections each of these users has, one row a name in the order of the names, 0 for none; needs SELECT on the view online_users of the source';

-- Buckets of whole stored days, those of [from_day, to_day).
CREATE FUNCTION headcount_internal.stored_activity(source text, options headcount_internal.source, granularity text, week_starts integer, from_day date, to_day date)
RETURNS TABLE (bucket timestamptz, unique_users integer, concurrent_users integer, concurrent_hosts integer,
               denial_users integer, denials integer)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY EXECUTE format($q$
        SELECT headcount.day_start(g.bucket, $2), headcount.unique_count(d.used)::integer,
               coalesce(max(d.concurrent_users), 0), coalesce(max(d.concurrent_hosts), 0),
               headcount.unique_count(d.denied)::integer, coalesce(sum(d.denials), 0)::integer
        FROM (SELECT $3 + i AS day, headcount_internal.bucket_day($1, $3 + i, $5) AS bucket FROM generate_series(0, headcount_internal.days_between($3, $4 - 1) - 1) AS i) AS g
             LEFT JOIN %1$I.rollup_days AS d ON d.scope = %2$L AND d.day = g.day
        WHERE headcount.day_start(g.day, $2) < headcount.day_start(g.day + 1, $2)      -- else the zone skipped it
        GROUP BY g.bucket
        ORDER BY 1$q$, source, headcount_internal.model_scope(options.realtime_servers, options.licensing_model))
        USING granularity, options.time_zone, from_day, to_day, week_starts;
END
$$;
COMMENT ON FUNCTION headcount_internal.stored_activity(text, headcount_internal.source, text, integer, date, date) IS
    'what source_activity tells of stored days';

-- The same over the days before each of some stored ones, or the first that is not.
CREATE FUNCTION headcount_internal.stored_spans(source text, options headcount_internal.source, days date[], span_days integer)
RETURNS TABLE (bucket timestamptz, unique_users integer, concurrent_users integer, concurrent_hosts integer,
               denial_users integer, denials integer)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY EXECUTE format($q$
        SELECT headcount.day_start(r.day, $2), r.used::integer, coalesce(r.users, 0), coalesce(r.hosts, 0), r.denied::integer, coalesce(r.denials, 0)::integer
        FROM (SELECT g.day, coalesce(headcount.unique_count(d.used) OVER w, 0) AS used, max(d.concurrent_users) OVER w AS users, max(d.concurrent_hosts) OVER w AS hosts,
                     coalesce(headcount.unique_count(d.denied) OVER w, 0) AS denied, sum(d.denials) OVER w AS denials
              FROM (SELECT $1[1] - %3$s + i AS day FROM generate_series(0, headcount_internal.days_between($1[1] - %3$s, $1[cardinality($1)]) - 1) AS i) AS g
                   LEFT JOIN %1$I.rollup_days AS d ON d.scope = %2$L AND d.day = g.day
              WINDOW w AS (ORDER BY g.day ROWS BETWEEN %3$s PRECEDING AND 1 PRECEDING)) AS r
        WHERE r.day = ANY ($1)
        ORDER BY r.day$q$, source, headcount_internal.model_scope(options.realtime_servers, options.licensing_model), span_days)
        USING days, options.time_zone;
END
$$;
COMMENT ON FUNCTION headcount_internal.stored_spans(text, headcount_internal.source, date[], integer) IS
    'what source_activity tells of so many days before each of some days, which are in order, if all of those are stored';

-- The first day that source_activity has something of, among the stored ones.
CREATE FUNCTION headcount_internal.first_active_day(source text, options headcount_internal.source) RETURNS date
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    first_day date;
BEGIN
    EXECUTE format($q$SELECT min(d.day) FROM %I.rollup_days AS d
                      WHERE d.scope = %L AND (d.used_count > 0 OR d.concurrent_hosts > 0 OR d.denials > 0)$q$,
                   source, headcount_internal.model_scope(options.realtime_servers, options.licensing_model))
        INTO first_day;
    RETURN first_day;
END
$$;
COMMENT ON FUNCTION headcount_internal.first_active_day(text, headcount_internal.source) IS
    'the first stored day with a user, host or denial that the model of a source looks at';

-- Whether a span of time ended long ago for how long it is. What ended since is then most of what an index on the end
-- leads to, which costs more than reading the span class by class does.
CREATE FUNCTION headcount_internal.is_long_ago(from_at timestamptz, to_at timestamptz) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN isfinite(from_at) AND isfinite(to_at) THEN now() - to_at > 4 * (to_at - from_at) ELSE false END
$$;
COMMENT ON FUNCTION headcount_internal.is_long_ago(timestamptz, timestamptz) IS 'whether a span of time ended more than four times as long ago as it is long';

-- Where the functions over a source find the sessions that may meet the span of two instants, given by their values and as
-- the text of a query has them; whoever uses it says what meets the span. All that view sessions has there is in it.
CREATE FUNCTION headcount_internal.sessions_around(source text, options headcount_internal.source, from_at timestamptz, to_at timestamptz,
    from_text text, to_text text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN headcount_internal.is_long_ago(from_at, to_at) AND headcount_internal.has_duration_index(options.sessions)
                THEN format('(SELECT s.* FROM (%s) AS s WHERE %s)',
                            headcount_internal.sessions_by_class(format('(SELECT %s AS from_at, %s AS to_at)', from_text, to_text), source, options.sessions,
                                options.idle_limit, 's.user_name, s.host, s.started_at, s.ended_at, s.closed_at, s.is_realtime, s.weight'),
                            headcount_internal.without_values(headcount_internal.counts()))
                -- by the end in the table, as an effective end has no index
                WHEN options.idle_limit IS NOT NULL AND isfinite(from_at)
                THEN format('(SELECT s.* FROM %I.session_states AS s WHERE %s AND %s)', source, headcount_internal.ends_from(source, options, from_text), headcount_internal.counts())
                ELSE format('%I.sessions', source) END
$$;
COMMENT ON FUNCTION headcount_internal.sessions_around(text, headcount_internal.source, timestamptz, timestamptz, text, text) IS
    'what to read the sessions of a source from that meet a span of time: its view, or what an index finds of a span that is long ago';

-- The conditions for the sessions s and denials d between two instants, which are $2 and $3; only the bounds that there are, so that
-- they reach an index.
CREATE FUNCTION headcount_internal.activity_conditions(options headcount_internal.source, from_at timestamptz, to_at timestamptz, OUT sessions text, OUT denials text)
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT concat(CASE WHEN scope = 'r' THEN 's.is_realtime' ELSE 'true' END,
                  CASE WHEN from_at IS NOT NULL THEN ' AND (s.ended_at IS NULL OR s.ended_at >= $2)' END, CASE WHEN to_at IS NOT NULL THEN ' AND s.started_at < $3' END),
           concat('NOT d.is_false_denial', CASE WHEN from_at IS NOT NULL THEN ' AND d.denied_at >= $2' END, CASE WHEN to_at IS NOT NULL THEN ' AND d.denied_at < $3' END,
                  headcount_internal.scope_denials(scope, options.realtime_servers))
    FROM (SELECT headcount_internal.model_scope(options.realtime_servers, options.licensing_model) AS scope) AS m
$$;
COMMENT ON FUNCTION headcount_internal.activity_conditions(headcount_internal.source, timestamptz, timestamptz) IS
    'which sessions and denials source_activity reads';

-- The presences of users, hosts and denied users between two instants.
CREATE FUNCTION headcount_internal.read_presences(source text, options headcount_internal.source, from_at timestamptz, to_at timestamptz,
    OUT users headcount.presence, OUT hosts headcount.presence, OUT refused headcount.presence)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    conditions constant record := headcount_internal.activity_conditions(options, from_at, to_at);
BEGIN
    PERFORM headcount_internal.check_not_frozen(source, options, from_at);
    EXECUTE format($q$
        SELECT used.users, used.hosts, refused.users
        FROM (SELECT headcount.presence_agg(s.user_name, s.started_at, s.ended_at) FILTER (WHERE s.user_name <> '') AS users,
                     headcount.presence_agg(s.host, s.started_at, s.ended_at) FILTER (WHERE s.host <> '') AS hosts
              FROM %4$s AS s WHERE %2$s) AS used
             CROSS JOIN (SELECT headcount.presence_agg(d.user_name, d.denied_at) AS users
                         FROM %1$I.denials AS d WHERE %3$s) AS refused$q$,
            source, conditions.sessions, conditions.denials, headcount_internal.sessions_around(source, options, from_at, to_at, '$2', '$3'))
        INTO users, hosts, refused USING NULL::text, from_at, to_at;
END
$$;
COMMENT ON FUNCTION headcount_internal.read_presences(text, headcount_internal.source, timestamptz, timestamptz) IS
    'who was there between two instants, NULL being no bound, as source_activity counts them';

-- How many denials there are in each of the pieces that some instants cut time into, in order: 0 is what is before the first.
CREATE FUNCTION headcount_internal.denials_between(source text, options headcount_internal.source, from_at timestamptz, to_at timestamptz, bounds timestamptz[])
RETURNS TABLE (place integer, denials bigint)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY EXECUTE format('SELECT n.place, count(*) FROM (SELECT width_bucket(d.denied_at, $1) AS place FROM %1$I.denials AS d WHERE %2$s) AS n GROUP BY n.place',
                                source, (headcount_internal.activity_conditions(options, from_at, to_at)).denials)
        USING bounds, from_at, to_at;
END
$$;
COMMENT ON FUNCTION headcount_internal.denials_between(text, headcount_internal.source, timestamptz, timestamptz, timestamptz[]) IS
    'how many denials of a source there are between each two of some instants';

-- Runs as the owner; headcount.as_of is set. A span that ends when a bucket begins, for each bucket.
CREATE FUNCTION headcount_internal.rolling_activity_of(source text, granularity text, from_at timestamptz, to_at timestamptz, as_of timestamptz, week_starts integer, span interval)
RETURNS TABLE (bucket timestamptz, unique_users integer, concurrent_users integer, concurrent_hosts integer,
               denial_users integer, denials integer)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 400
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    options    constant headcount_internal.source := headcount_internal.find_source(source);
    civil_part constant interval := date_trunc('day', span);
    time_part  constant interval := span - date_trunc('day', span);
    buckets    timestamptz[];
    from_ats   timestamptz[];
    until      date;      -- where the stored days end
    days       date[];
    users      headcount.presence;
    hosts      headcount.presence;
    refused    headcount.presence;
    bounds     timestamptz[];
BEGIN
    -- a wrong granularity is told before the tables are read
    PERFORM FROM headcount.activity(NULL::headcount.presence, granularity, options.time_zone, as_of, as_of, as_of, week_starts);
    IF from_at IS NULL THEN
        PERFORM headcount_internal.check_not_frozen(source, options, NULL);
        EXECUTE format('SELECT least((SELECT min(s.started_at) FROM %1$I.sessions AS s WHERE %2$s), (SELECT min(d.denied_at) FROM %1$I.denials AS d WHERE %3$s))', source,
                       (headcount_internal.activity_conditions(options, NULL, NULL)).sessions, (headcount_internal.activity_conditions(options, NULL, NULL)).denials) INTO from_at;
    END IF;
    buckets := ARRAY(SELECT a.bucket FROM headcount.activity(NULL::headcount.presence, granularity, options.time_zone, from_at, to_at, as_of, week_starts) AS a
                     WHERE a.bucket >= from_at AND a.bucket <= as_of AND (to_at IS NULL OR a.bucket < to_at) ORDER BY a.bucket);
    IF buckets = '{}' OR from_at IS NULL THEN
        RETURN;
    END IF;
    -- whole days before buckets of whole days
    IF time_part = interval '0' AND extract(year FROM span) = 0 AND extract(month FROM span) = 0
       AND headcount_internal.bucket_day(granularity, '2000-01-01', week_starts) IS NOT NULL THEN
        days := ARRAY(SELECT headcount.day_of(b.at, options.time_zone) FROM unnest(buckets) AS b (at) ORDER BY b.at);
        until := headcount_internal.stored_until(source, options, days[1] - extract(day FROM span)::integer, days[cardinality(days)] - 1);
        days := ARRAY(SELECT d.day FROM unnest(days) AS d (day) WHERE d.day <= until ORDER BY d.day);
        IF days <> '{}' THEN
            RETURN QUERY SELECT * FROM headcount_internal.stored_spans(source, options, days, extract(day FROM span)::integer);
            buckets := buckets[cardinality(days) + 1:];
            IF buckets = '{}' THEN
                RETURN;
            END IF;
        END IF;
    END IF;
    from_ats := ARRAY(SELECT CASE WHEN civil_part = interval '0' THEN b.at ELSE ((b.at AT TIME ZONE options.time_zone) - civil_part) AT TIME ZONE options.time_zone END - time_part
                      FROM unnest(buckets) AS b (at) ORDER BY b.at);
    SELECT min(f.at), max(b.at) INTO from_at, to_at FROM unnest(from_ats) AS f (at) CROSS JOIN LATERAL (VALUES (buckets[cardinality(buckets)])) AS b (at);
    SELECT p.users, p.hosts, p.refused INTO users, hosts, refused FROM headcount_internal.read_presences(source, options, from_at, to_at) AS p;
    bounds := ARRAY(SELECT DISTINCT b.at FROM unnest(from_ats || buckets) AS b (at) ORDER BY b.at);
    RETURN QUERY
        WITH piece AS MATERIALIZED (
            SELECT b.at, coalesce(sum(n.denials) OVER (ORDER BY b.place), 0) AS denials      -- up to the end of the piece that begins there
            FROM unnest(bounds) WITH ORDINALITY AS b (at, place) LEFT JOIN headcount_internal.denials_between(source, options, from_at, to_at, bounds) AS n ON n.place = b.place),
        before AS MATERIALIZED (SELECT p.at, coalesce(lag(p.denials) OVER (ORDER BY p.at), 0) AS denials FROM piece AS p)
        SELECT b.at, coalesce(u.unique_keys, 0)::integer, coalesce(u.max_concurrent, 0)::integer, coalesce(h.max_concurrent, 0)::integer,
               coalesce(r.unique_keys, 0)::integer, (e.denials - f.denials)::integer
        FROM unnest(buckets, from_ats) WITH ORDINALITY AS b (at, from_at, place)
             JOIN before AS e ON e.at = b.at JOIN before AS f ON f.at = b.from_at
             LEFT JOIN headcount_internal.span_counts(users, from_ats, buckets, as_of) AS u ON u.place = b.place
             LEFT JOIN headcount_internal.span_counts(hosts, from_ats, buckets, as_of) AS h ON h.place = b.place
             LEFT JOIN headcount_internal.span_counts(refused, from_ats, buckets, as_of) AS r ON r.place = b.place
        ORDER BY b.at;
END
$$;
COMMENT ON FUNCTION headcount_internal.rolling_activity_of(text, text, timestamptz, timestamptz, timestamptz, integer, interval) IS 'what source_activity tells of rolling spans, for the owner of the source';

-- Runs as the owner; headcount.as_of is set.
CREATE FUNCTION headcount_internal.activity_of(source text, granularity text, from_at timestamptz, to_at timestamptz, as_of timestamptz, week_starts integer)
RETURNS TABLE (bucket timestamptz, unique_users integer, concurrent_users integer, concurrent_hosts integer,
               denial_users integer, denials integer)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 400
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    options       headcount_internal.source := headcount_internal.find_source(source);
    first_day     date;
    last_day      date;
    until         date;      -- where the stored days end
    split_day     date;
    users         headcount.presence;
    hosts         headcount.presence;
    refused       headcount.presence;
    buckets       timestamptz[];
    unique_counts bigint[];
    user_peaks    bigint[];
    host_peaks    bigint[];
    denied_counts bigint[];
    places        integer[];
    counts        bigint[];
BEGIN
    -- a wrong granularity is told before the tables are read
    PERFORM FROM headcount.activity(NULL::headcount.presence, granularity, options.time_zone, NULL, NULL, as_of, week_starts);
    -- buckets before the one with the first day that is not stored, or with to_at, are of whole stored days
    IF headcount_internal.bucket_day(granularity, '2000-01-01', week_starts) IS NOT NULL AND (from_at IS NULL OR from_at = headcount.day_start(headcount.day_of(from_at, options.time_zone), options.time_zone)) THEN
        first_day := headcount.day_of(from_at, options.time_zone);
        last_day := headcount.day_of(to_at, options.time_zone);
        until := headcount_internal.stored_until(source, options, coalesce(first_day, '-infinity'), coalesce(last_day, 'infinity'));
        IF until IS NOT NULL THEN
            split_day := CASE WHEN last_day <= until AND to_at = headcount.day_start(last_day, options.time_zone) THEN last_day
                              ELSE headcount_internal.bucket_day(granularity, least(until, last_day), week_starts) END;
            first_day := coalesce(first_day, headcount_internal.first_active_day(source, options));
            IF first_day < split_day THEN
                RETURN QUERY SELECT * FROM headcount_internal.stored_activity(source, options, granularity, week_starts, first_day, split_day);
                from_at := headcount.day_start(split_day, options.time_zone);
                IF from_at > as_of OR from_at >= to_at THEN
                    RETURN;
                END IF;
            END IF;
        END IF;
    END IF;
    SELECT p.users, p.hosts, p.refused INTO users, hosts, refused FROM headcount_internal.read_presences(source, options, from_at, to_at) AS p;
    -- NULL for from_at: each of the three starts at its own first data, and all end together, so the longest has all buckets
    SELECT array_agg(a.bucket ORDER BY a.bucket), array_agg(a.unique_users ORDER BY a.bucket), array_agg(a.concurrent_users ORDER BY a.bucket),
           array_agg(a.concurrent_hosts ORDER BY a.bucket), array_agg(a.denial_users ORDER BY a.bucket)
    INTO buckets, unique_counts, user_peaks, host_peaks, denied_counts
    FROM (SELECT coalesce(u.bucket, h.bucket, d.bucket) AS bucket, u.unique_keys AS unique_users,
                 u.max_concurrent AS concurrent_users, h.max_concurrent AS concurrent_hosts, d.unique_keys AS denial_users
          FROM headcount.activity(users, granularity, options.time_zone, from_at, to_at, as_of, week_starts) AS u
               FULL JOIN headcount.activity(hosts, granularity, options.time_zone, from_at, to_at, as_of, week_starts) AS h ON h.bucket = u.bucket
               FULL JOIN headcount.activity(refused, granularity, options.time_zone, from_at, to_at, as_of, week_starts) AS d ON d.bucket = coalesce(u.bucket, h.bucket)) AS a;
    IF refused IS NOT NULL THEN
        SELECT array_agg(n.place), array_agg(n.denials) INTO places, counts FROM headcount_internal.denials_between(source, options, from_at, to_at, buckets) AS n;
    END IF;
    RETURN QUERY
        SELECT a.bucket, coalesce(a.unique_users, 0)::integer, coalesce(a.concurrent_users, 0)::integer,
               coalesce(a.concurrent_hosts, 0)::integer, coalesce(a.denial_users, 0)::integer, coalesce(n.denials, 0)::integer
        FROM unnest(buckets, unique_counts, user_peaks, host_peaks, denied_counts)
                 WITH ORDINALITY AS a (bucket, unique_users, concurrent_users, concurrent_hosts, denial_users, place)
             LEFT JOIN unnest(places, counts) AS n (place, denials) ON n.place = a.place
        ORDER BY a.bucket;
END
$$;
COMMENT ON FUNCTION headcount_internal.activity_of(text, text, timestamptz, timestamptz, timestamptz, integer) IS 'what source_activity tells, for the owner of the source';

CREATE FUNCTION headcount.source_activity(source text, granularity text, from_at timestamptz, to_at timestamptz, as_of timestamptz DEFAULT headcount.as_of(),
                                          week_starts integer DEFAULT 1, span interval DEFAULT NULL)
RETURNS TABLE (bucket timestamptz, unique_users integer, concurrent_users integer, concurrent_hosts integer, denial_users integer, denials integer)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 400
SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET intervalstyle = 'postgres' SET headcount.as_of TO '' AS $$
#variable_conflict use_variable
BEGIN
    PERFORM headcount_internal.find_source(source);
    as_of := headcount_internal.set_as_of(as_of);
    PERFORM headcount_internal.check_time_order(from_at, to_at);
    IF NOT isfinite(span) OR span <= interval '0' OR date_trunc('day', span) < interval '0' OR span - date_trunc('day', span) < interval '0'
       OR extract(day FROM span) < 0 OR date_trunc('month', span) < interval '0' THEN
        PERFORM headcount_internal.raise_argument_error('span', format('must be positive, but is "%s"', span));
    END IF;
    RETURN QUERY SELECT * FROM headcount_internal.read_source(source, CASE WHEN span IS NULL THEN 'activity_of' ELSE 'rolling_activity_of' END,
        ARRAY[granularity, from_at::text, to_at::text, as_of::text, week_starts::text] || CASE WHEN span IS NULL THEN '{}' ELSE ARRAY[span::text] END)
        AS a (bucket timestamptz, unique_users integer, concurrent_users integer, concurrent_hosts integer, denial_users integer, denials integer);
END
$$;
COMMENT ON FUNCTION headcount.source_activity(text, text, timestamptz, timestamptz, timestamptz, integer, interval) IS
    'users, hosts and denials of a source, on the servers that its licensing model looks at, in each hour, day, week, month, quarter or year, or bucket of an interval, that meets [from_at, to_at); NULL is the first data, or as_of. Weeks begin with the day week_starts (1 is Monday). With span: over so long before each instant of [from_at, to_at) at which a bucket begins. Needs SELECT on the views sessions and denials of the source';

-- Runs as the owner; headcount.as_of is set.
CREATE FUNCTION headcount_internal.daily_counts_of(source text, from_day date, to_day date) RETURNS SETOF headcount_internal.daily_user_count
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY EXECUTE format('SELECT c.day, c.total_users, c.daily_users, c.denial_users, c.denials, c.concurrent_hosts, c.concurrent_hosts_at, c.complete
        FROM %I.daily_user_counts AS c WHERE c.day >= $1 AND c.day <= $2 ORDER BY c.day', source) USING coalesce(from_day, '-infinity'), coalesce(to_day, 'infinity');
END
$$;
COMMENT ON FUNCTION headcount_internal.daily_counts_of(text, date, date) IS 'what daily_user_counts tells, for the owner of the source';

CREATE FUNCTION headcount.daily_user_counts(source text, from_day date, to_day date, as_of timestamptz DEFAULT headcount.as_of()) RETURNS SETOF headcount_internal.daily_user_count
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET headcount.as_of TO '' AS $$
BEGIN
    PERFORM headcount_internal.find_source(source), headcount_internal.check_day_order(from_day, to_day);
    PERFORM headcount_internal.set_as_of(as_of);
    RETURN QUERY SELECT c.* FROM headcount_internal.read_source(source, 'daily_counts_of', ARRAY[from_day::text, to_day::text])
        AS c (day date, total_users integer, daily_users integer, denial_users integer, denials integer, concurrent_hosts integer, concurrent_hosts_at timestamptz, complete boolean);
END
$$;
COMMENT ON FUNCTION headcount.daily_user_counts(text, date, date, timestamptz) IS
    'the rows of the view daily_user_counts of a source for the days from from_day to to_day, both included, NULL being no bound, at the cost of these days; needs SELECT on that view';
