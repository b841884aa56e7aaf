-- What is stored of days: users as sets of numbers, numbers of denials, peaks.

CREATE TYPE headcount_internal.daily_set AS (
    day                 date,
    used                headcount.user_set,
    denied              headcount.user_set,
    denials             integer,
    concurrent_hosts    integer,
    concurrent_hosts_at timestamptz
);
COMMENT ON TYPE headcount_internal.daily_set IS 'a day with its users as sets of numbers';

-- The numbers of users are kept in a dictionary: pages of some dozens, each with users of one of so many buckets.
CREATE FUNCTION headcount_internal.dictionary_buckets(sessions bytea, denials bytea, buckets integer, key_page bytea DEFAULT NULL) RETURNS SETOF integer
    AS 'MODULE_PATHNAME', 'headcount_dictionary_buckets' LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 1000;
COMMENT ON FUNCTION headcount_internal.dictionary_buckets(bytea, bytea, integer, bytea) IS
    'the buckets of the users that daily_session_agg and daily_denial_agg collected; how many there are is a power of two. With the key of forgotten names also its own, -2147483648, and those that the users are in if they were forgotten, which are below 0';

-- What is read of the dictionary is taken together as one value, which has a limit; with what is left by a filter it follows
-- the users that were collected, not all there ever were.
CREATE FUNCTION headcount_internal.user_filter(sessions bytea, denials bytea, key_page bytea DEFAULT NULL) RETURNS bytea
    AS 'MODULE_PATHNAME', 'headcount_user_filter' LANGUAGE C STABLE PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION headcount_internal.user_filter(bytea, bytea, bytea) IS
    'a filter that the users pass whom daily_session_agg and daily_denial_agg collected, and some others, for filtered_page; with the key of forgotten names also as those that were forgotten. NULL if nothing was collected';

CREATE FUNCTION headcount_internal.filtered_page(page bytea, filter bytea) RETURNS bytea
    AS 'MODULE_PATHNAME', 'headcount_filtered_page' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION headcount_internal.filtered_page(bytea, bytea) IS 'those users of a page of the dictionary that pass a filter; a key as it is';

-- Names that were forgotten are hashes under a key, in pages and buckets of their own.
CREATE FUNCTION headcount_internal.name_buckets(names text[], buckets integer) RETURNS SETOF integer
    AS 'MODULE_PATHNAME', 'headcount_name_buckets' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 ROWS 10;
COMMENT ON FUNCTION headcount_internal.name_buckets(text[], integer) IS 'the buckets of some names';

CREATE FUNCTION headcount_internal.key_page(key bytea) RETURNS bytea
    AS 'MODULE_PATHNAME', 'headcount_key_page' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.key_page(bytea) IS 'a page of the dictionary with a key of 16 bytes';

CREATE FUNCTION headcount_internal.forget_names(pages bytea[], names text[], key_page bytea, buckets integer, OUT bucket integer, OUT page bytea, OUT users integer) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'headcount_forget_names' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 ROWS 10;
COMMENT ON FUNCTION headcount_internal.forget_names(bytea[], text[], bytea, integer) IS
    'the users of some pages in one page for each bucket, with how many are in each: these names, or if that is NULL all, as hashes, in buckets below 0';

CREATE FUNCTION headcount_internal.assign_user_ids(sessions bytea, denials bytea, pages bytea[], next_number integer, buckets integer,
                                       OUT bucket integer, OUT page bytea, OUT users integer) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'headcount_assign_user_ids' LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 10;
COMMENT ON FUNCTION headcount_internal.assign_user_ids(bytea, bytea, bytea[], integer, integer) IS
    'numbers the users that daily_session_agg and daily_denial_agg collected and that are not in these pages, from next_number on, and returns them in pages, with how many are in each';

CREATE FUNCTION headcount_internal.compact_dictionary(pages bytea[], buckets integer, OUT bucket integer, OUT page bytea, OUT users integer) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'headcount_compact_dictionary' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 ROWS 10;
COMMENT ON FUNCTION headcount_internal.compact_dictionary(bytea[], integer) IS
    'the users of some pages in one page for each bucket, with how many are in each';

CREATE FUNCTION headcount_internal.user_names(pages bytea[], numbers headcount.user_set, forgotten text DEFAULT NULL) RETURNS SETOF text
    AS 'MODULE_PATHNAME', 'headcount_user_names' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 ROWS 1000;
COMMENT ON FUNCTION headcount_internal.user_names(bytea[], headcount.user_set, text) IS
    'the names of those users in some pages whose numbers are in a set; in place of those that were forgotten what is given for them, or an error';

CREATE FUNCTION headcount_internal.daily_users(sessions bytea, denials bytea, OUT day date, OUT user_name text, OUT is_denied boolean) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'headcount_daily_users' LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 10000;
COMMENT ON FUNCTION headcount_internal.daily_users(bytea, bytea) IS
    'the users of each day that daily_session_agg and daily_denial_agg collected: those with a session, and those that were denied';

CREATE FUNCTION headcount_internal.daily_sets(sessions bytea, denials bytea, pages bytea[]) RETURNS SETOF headcount_internal.daily_set
    AS 'MODULE_PATHNAME', 'headcount_daily_sets' LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 10;
COMMENT ON FUNCTION headcount_internal.daily_sets(bytea, bytea, bytea[]) IS
    'the days with something, from what daily_session_agg and daily_denial_agg collected: the pages say what number a user has, those who are in none are numbered from 1073741824 on';

CREATE FUNCTION headcount_internal.daily_peaks(sessions bytea, OUT day date, OUT concurrent integer, OUT at timestamptz) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'headcount_daily_peaks' LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 10;
COMMENT ON FUNCTION headcount_internal.daily_peaks(bytea) IS
    'the most hosts that were there at once on each day, from what daily_session_agg collected, and when that was for the first time';

-- The day fold (src/core/report/day_fold.hpp): stored days, changed ones and live ones as one history.
CREATE FUNCTION headcount_internal.stored_days_add(bytea, date, headcount.user_set, headcount.user_set, headcount.user_set, integer, integer, integer, integer, integer, integer, integer, timestamptz) RETURNS bytea
    AS 'MODULE_PATHNAME', 'headcount_stored_days_add' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.stored_days_add(bytea, date, headcount.user_set, headcount.user_set, headcount.user_set, integer, integer, integer, integer, integer, integer, integer, timestamptz) IS
    'transition function: a stored day';

CREATE FUNCTION headcount_internal.stored_days_final(bytea) RETURNS bytea
    AS 'MODULE_PATHNAME', 'headcount_stored_days_final' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.stored_days_final(bytea) IS 'final function: the stored days, whose sets stay where they are stored';

CREATE AGGREGATE headcount_internal.stored_days_agg(day date, used headcount.user_set, denied headcount.user_set, new_users headcount.user_set,
        used_count integer, denied_count integer, daily_count integer, new_count integer, window_count integer, denials integer,
        concurrent_hosts integer, concurrent_hosts_at timestamptz) (
    SFUNC = headcount_internal.stored_days_add, STYPE = bytea, SSPACE = 50000, FINALFUNC = headcount_internal.stored_days_final, PARALLEL = SAFE
);
COMMENT ON AGGREGATE headcount_internal.stored_days_agg(date, headcount.user_set, headcount.user_set, headcount.user_set, integer, integer, integer, integer, integer, integer, integer, timestamptz) IS
    'stored days for stored_report and stored_patches, within the query that reads them';

CREATE FUNCTION headcount_internal.stored_report(source regclass, days bytea, seen_count integer, seen headcount.user_set, sessions bytea, denials bytea, pages bytea[],
        changed_from date[], changed_to date[], live_day date, stored_window_days integer, stored_window_model text, licensing_model text, window_days integer,
        time_zone text, as_of timestamptz, cut_day date, from_day date, to_day date, idle_days boolean, parts bytea)
    RETURNS SETOF headcount_internal.daily_user_count
    AS 'MODULE_PATHNAME', 'headcount_stored_report' LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 365;
COMMENT ON FUNCTION headcount_internal.stored_report(regclass, bytea, integer, headcount.user_set, bytea, bytea, bytea[], date[], date[], date, integer, text, text, integer, text, timestamptz, date, date, date, boolean, bytea) IS
    'the daily report from the stored days, all their users, and what was collected of the days that changed and of those from live_day on, with stored parts of that day; only the last stored day before cut_day need be there; NULL and infinity as from_day and to_day are no bounds; by source the planner finds what days are asked for';

CREATE TYPE headcount_internal.day_patch AS (
    day          date,
    used_count   integer,
    denied_count integer,
    daily_count  integer,
    new_users    headcount.user_set,
    new_count    integer,
    window_count integer,
    is_idle      boolean
);
COMMENT ON TYPE headcount_internal.day_patch IS 'what is to be stored of a day besides what was collected of it; with day NULL all users, as new_users and new_count';
COMMENT ON COLUMN headcount_internal.day_patch.new_users IS 'NULL if they are as they are stored';

CREATE FUNCTION headcount_internal.stored_patches(days bytea, seen_count integer, seen headcount.user_set, sessions bytea, denials bytea, pages bytea[],
        changed_from date[], changed_to date[], live_day date, stored_window_days integer, stored_window_model text, window_days integer, window_model text, time_zone text, end_day date, idle_days boolean)
    RETURNS SETOF headcount_internal.day_patch
    AS 'MODULE_PATHNAME', 'headcount_stored_patches' LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 365;
COMMENT ON FUNCTION headcount_internal.stored_patches(bytea, integer, headcount.user_set, bytea, bytea, bytea[], date[], date[], date, integer, text, integer, text, text, date, boolean) IS
    'what is to be stored of the days before end_day if those that changed, and those from live_day on, are now as they were collected; days that only have users of the last days are left out unless idle_days is set';
