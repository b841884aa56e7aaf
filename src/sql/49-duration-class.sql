-- Classes of durations, for an index by which the sessions that meet a span of the past are found:
--
--   CREATE INDEX ON logins (headcount_internal.duration_class(started_at, ended_at), headcount_internal.class_start(started_at));
--
--   SELECT s.* FROM headcount_internal.duration_classes(from_at) AS c, LATERAL (
--       SELECT * FROM logins
--       WHERE headcount_internal.duration_class(started_at, ended_at) = c.class
--         AND headcount_internal.class_start(started_at) > c.since AND headcount_internal.class_start(started_at) < to_at
--         AND ended_at >= from_at
--       OFFSET 0) AS s;
--
-- class_start is the start itself, under a name that no other index has: the planner would rather take one on the start
-- alone, not knowing how far back c.since is. OFFSET 0 keeps it from making one join of it: without the values of c.since
-- it expects a third of the table and reads all of it.
--
-- Class 0 is shorter than 2^32 microseconds (72 minutes), class k from 33 to 64 at least 2^(k-1) and less than 2^k.

CREATE FUNCTION headcount_internal.duration_class(started_at timestamptz, ended_at timestamptz) RETURNS integer
    AS 'MODULE_PATHNAME', 'headcount_duration_class' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION headcount_internal.duration_class(timestamptz, timestamptz)
    IS 'class of a session''s duration: 0 below 2^32 microseconds (72 minutes), else k from 33 to 64 where it is at least 2^(k-1) and less than 2^k; NULL where it is not finite or reversed';

CREATE FUNCTION headcount_internal.class_start(started_at timestamptz) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'headcount_class_start' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION headcount_internal.class_start(timestamptz)
    IS 'the start of a session, as the index by class of duration has it';

CREATE FUNCTION headcount_internal.duration_classes(from_at timestamptz, OUT class integer, OUT since timestamptz) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'headcount_duration_classes' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 ROWS 10;
COMMENT ON FUNCTION headcount_internal.duration_classes(timestamptz)
    IS 'every duration class once: its sessions that end at or after from_at start after since';

-- The end of a session of which a table has the start and the duration. Unlike timestamptz + interval it means the same in every
-- time zone, so it is IMMUTABLE: changes can be logged by triggers, and it can be in an index.
CREATE FUNCTION headcount_internal.end_after(started_at timestamptz, duration interval) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'headcount_end_after_interval' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION headcount_internal.end_after(timestamptz, interval)
    IS 'the instant so much after another one; days are of 24 hours, months of 30 days';

CREATE FUNCTION headcount_internal.end_after(started_at timestamptz, seconds double precision) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'headcount_end_after_seconds' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1;
COMMENT ON FUNCTION headcount_internal.end_after(timestamptz, double precision)
    IS 'the instant so many seconds after another one, NULL for NaN';
