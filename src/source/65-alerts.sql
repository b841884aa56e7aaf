-- Alerts: what the owner of a source wants to hear of. The view alerts has those of now, whoever asks; a refresh gives notice of new ones.

CREATE FUNCTION headcount_internal.make_alerts(name text, options headcount_internal.options) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    threshold constant text := format('%L::jsonb', coalesce(options.alerts, '{}'));
BEGIN
    PERFORM headcount_internal.make_view(name, 'alerts', format($q$
SELECT a.alert, a.day, round(a.value::numeric, 1)::double precision AS value, a.threshold
FROM (SELECT v.alert, c.day, v.value, (%2$s ->> v.alert)::double precision AS threshold
      FROM (SELECT d.day, d.total_users, d.daily_users, d.denial_users, d.day = t.today AS is_today
            FROM (SELECT headcount.day_of(%5$s, %3$L::text) AS today) AS t
                 JOIN %1$I.daily_user_counts AS d ON d.day = t.today OR d.day = t.today - 1
            WHERE d.day >= headcount.day_of(%5$s, %3$L::text) - 1) AS c
           CROSS JOIN LATERAL (VALUES ('user_limit'::text, CASE WHEN c.is_today THEN 100.0 * c.total_users / %4$s::integer END),
                                      ('denial_rate', 100.0 * c.denial_users / NULLIF(c.daily_users, 0))) AS v (alert, value)
      WHERE %2$s ?| ARRAY['user_limit'::text, 'denial_rate']
      UNION ALL
      SELECT 'stale_share', headcount.day_of(%5$s, %3$L::text),
             (SELECT 100.0 * count(*) FILTER (WHERE s.is_stale) / NULLIF(count(*), 0) FROM %1$I.sessions AS s WHERE s.is_stale OR s.is_open),
             (%2$s ->> 'stale_share'::text)::double precision
      WHERE %2$s ? 'stale_share'::text) AS a
WHERE a.value > a.threshold
ORDER BY a.day, a.alert$q$, name, threshold, options.time_zone, coalesce(options.user_limit::text, 'NULL'), headcount_internal.as_of_text()),
        'what is above the thresholds of the source now, option alerts: of today, and of yesterday what may have become known since',
        ARRAY['alert', 'user_limit: total users of those that are paid for; denial_rate: users that were denied of the daily users; stale_share: stale sessions of those without an end',
              'day', 'the day that it is about', 'value', 'percent', 'threshold', 'percent']);
END
$$;
COMMENT ON FUNCTION headcount_internal.make_alerts(text, headcount_internal.options) IS 'makes or replaces the view of the present alerts of a source';

-- Runs as the owner, once a refresh has stored everything. Anybody may listen, so a notice says that there is an alert, and no number.
CREATE FUNCTION headcount_internal.raise_alerts(view regclass) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET headcount.as_of TO '' AS $$
DECLARE
    name  constant text := headcount_internal.source_name(view);
    state headcount_internal.rollup_state;
    found text[];
BEGIN
    IF to_regclass(format('%I.alerts', name)) IS NULL THEN
        RETURN;
    END IF;
    state := headcount_internal.read_rollup(name, may_wait => false);
    IF state.definition IS NULL THEN      -- another refresh sees to it
        RETURN;
    END IF;
    EXECUTE format($q$SELECT array_agg(format('%%s %%s', a.alert, to_char(a.day, 'YYYY-MM-DD')) ORDER BY a.day, a.alert) FROM %I.alerts AS a$q$, name) INTO found;
    IF found IS DISTINCT FROM state.alerted THEN
        PERFORM pg_notify('headcount', json_build_object('source', name, 'alert', split_part(f, ' ', 1), 'day', split_part(f, ' ', 2))::text)
        FROM unnest(found) AS f WHERE f <> ALL (coalesce(state.alerted, '{}'));
        EXECUTE format('UPDATE %I.rollup_state SET alerted = $1', name) USING found;
    END IF;
END
$$;
COMMENT ON FUNCTION headcount_internal.raise_alerts(regclass) IS 'gives notice on channel headcount of alerts of a source that there were not when it was last refreshed';
