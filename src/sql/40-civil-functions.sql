-- Reports over civil days. STABLE, not IMMUTABLE: the rules of a time zone change with the server's zone data.

CREATE FUNCTION headcount.as_of() RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'headcount_as_of' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount.as_of() IS 'the instant that views read as now: the setting headcount.as_of, or now()';

CREATE FUNCTION headcount.day_of(at timestamptz, time_zone text) RETURNS date
    AS 'MODULE_PATHNAME', 'headcount_day_of' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION headcount.day_of(timestamptz, text) IS 'the civil day whose bounds hold an instant; NULL for infinity';

CREATE FUNCTION headcount.day_start(day date, time_zone text) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'headcount_day_start' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION headcount.day_start(date, text) IS 'when a civil day begins';

CREATE FUNCTION headcount_internal.end_of(day date, time_zone text) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'headcount_end_of' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION headcount_internal.end_of(date, text) IS 'when the day after a civil day begins; infinite for infinite days';

CREATE FUNCTION headcount_internal.check_time_zone(time_zone text) RETURNS text
    AS 'MODULE_PATHNAME', 'headcount_check_time_zone' LANGUAGE C STABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION headcount_internal.check_time_zone(text) IS 'the name of a time zone that PostgreSQL knows, else an error';

CREATE FUNCTION headcount_internal.is_abbreviation(time_zone text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'headcount_is_abbreviation' LANGUAGE C STABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION headcount_internal.is_abbreviation(text) IS 'whether a time zone is named by an abbreviation, whose meaning is a setting; those of UTC are none';

CREATE FUNCTION headcount.daily_activity(presence headcount.presence, time_zone text, from_day date DEFAULT NULL, to_day date DEFAULT NULL, as_of timestamptz DEFAULT now(),
                                         OUT day date, OUT unique_keys bigint, OUT new_keys bigint, OUT max_concurrent bigint, OUT max_concurrent_at timestamptz)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'headcount_daily_activity' LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 365;
COMMENT ON FUNCTION headcount.daily_activity(headcount.presence, text, date, date, timestamptz) IS 'unique keys, new keys and the peak of every civil day';

CREATE FUNCTION headcount.activity(presence headcount.presence, granularity text, time_zone text, from_at timestamptz DEFAULT NULL, to_at timestamptz DEFAULT NULL, as_of timestamptz DEFAULT now(), week_starts integer DEFAULT 1,
                                   OUT bucket timestamptz, OUT unique_keys bigint, OUT new_keys bigint, OUT max_concurrent bigint, OUT max_concurrent_at timestamptz)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'headcount_activity' LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 365;
COMMENT ON FUNCTION headcount.activity(headcount.presence, text, text, timestamptz, timestamptz, timestamptz, integer) IS 'the same for buckets that meet [from_at, to_at): hours, days, weeks, months, quarters, years, or of an interval; week_starts is the day with which weeks begin, 1 being Monday';

CREATE FUNCTION headcount_internal.bucket_day(granularity text, day date, week_starts integer) RETURNS date
    AS 'MODULE_PATHNAME', 'headcount_bucket_day' LANGUAGE C STABLE PARALLEL SAFE COST 10;
COMMENT ON FUNCTION headcount_internal.bucket_day(text, date, integer) IS 'the first day of the bucket that a day is in, NULL for buckets of less than a day, and for infinite days';

CREATE FUNCTION headcount_internal.span_counts(presence headcount.presence, from_ats timestamptz[], to_ats timestamptz[], as_of timestamptz,
                                              OUT place bigint, OUT unique_keys bigint, OUT max_concurrent bigint)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'headcount_span_counts' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 400;
COMMENT ON FUNCTION headcount_internal.span_counts(headcount.presence, timestamptz[], timestamptz[], timestamptz) IS 'unique keys and the peak within each of some spans, by their places, which are in the order of their ends';

CREATE FUNCTION headcount.rolling_activity(presence headcount.presence, window_days integer, time_zone text, from_day date DEFAULT NULL, to_day date DEFAULT NULL, as_of timestamptz DEFAULT now(),
                                           OUT day date, OUT unique_keys bigint)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'headcount_rolling_activity' LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 365;
COMMENT ON FUNCTION headcount.rolling_activity(headcount.presence, integer, text, date, date, timestamptz) IS 'unique keys over the last window_days civil days of every day';

CREATE FUNCTION headcount.daily_user_counts(sessions headcount.presence, denials headcount.presence, hosts headcount.presence, time_zone text, licensing_model text DEFAULT '2019',
                                            window_days integer DEFAULT NULL, from_day date DEFAULT NULL, to_day date DEFAULT NULL, as_of timestamptz DEFAULT now(),
                                            OUT day date, OUT total_users integer, OUT daily_users integer, OUT denial_users integer, OUT concurrent_hosts integer, OUT concurrent_hosts_at timestamptz, OUT complete boolean)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'headcount_daily_user_counts' LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 365;
COMMENT ON FUNCTION headcount.daily_user_counts(headcount.presence, headcount.presence, headcount.presence, text, text, integer, date, date, timestamptz) IS 'the daily report under a licensing model, from users by session, users by denial, and hosts; window_days NULL is 30 under model 2025, else 14';

CREATE FUNCTION headcount.daily_keys(presence headcount.presence, time_zone text, from_day date DEFAULT NULL, to_day date DEFAULT NULL, as_of timestamptz DEFAULT now(),
                                     OUT day date, OUT key text)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'headcount_daily_keys' LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 100000;
COMMENT ON FUNCTION headcount.daily_keys(headcount.presence, text, date, date, timestamptz) IS 'each key on each civil day that it was present';
