-- What a source is made of. All of it is in the schema of the source and belongs to its owner: there is no registry that
-- others could write, lock or read.
--
--   settings           one row: what the source was told besides its expressions, which stand in its views
--   rollup_state       one row: up to which day days are stored (the watermark), and marks of all that they depend on
--   rollup_days        a row for each stored day with something, or with users in the last days: sets of users and how many
--                      are in them, peaks, sketches
--   rollup_today       what is over of the day of the watermark, in parts of some hours: the same but for what depends on other days
--   rollup_totals      all users of the stored days: of all servers, of realtime servers, of each server, and of each value of a dimension
--   rollup_dictionary  the numbers of users that the sets are of, in pages of some dozens (src/core/dictionary_page.hpp)
--   invalidation_log   days that changed since they were stored, appended by triggers on the user's tables
--
-- These are typed tables: nobody can drop, rename or retype a column of one, and DROP EXTENSION ... CASCADE takes them
-- along. A day is read from rollup_days if it is before the watermark, has not changed since, and all that it was computed
-- from is what it was (see state.hpp); all others are computed from the tables themselves. Both happen in one statement,
-- hence in one snapshot, in which each change is visible together with the row that logs it: so the answer is that of a
-- full recompute, whenever it is asked.

CREATE TYPE headcount_internal.settings AS (
    time_zone           text,
    licensing_model     text,
    window_days         integer,
    user_limit          integer,
    alerts              jsonb,
    realtime_servers    text[],
    idle_limit          interval,
    false_denial_before interval,
    false_denial_after  interval,
    materialized        boolean,
    tracking            text,
    tracking_days       integer,
    session_columns     text[],
    denial_columns      text[],
    dimensions          text[],
    exact               boolean
);
COMMENT ON TYPE headcount_internal.settings IS 'what a source was told besides its expressions: a row of its table "settings"';
COMMENT ON COLUMN headcount_internal.settings.window_days IS 'of how many days the last days are under a licensing model that counts them; NULL if that is as the model has it';
COMMENT ON COLUMN headcount_internal.settings.idle_limit IS 'in seconds, so that it means the same in every time zone';
COMMENT ON COLUMN headcount_internal.settings.false_denial_before IS 'both limits are NULL if false denials are not looked for';
COMMENT ON COLUMN headcount_internal.settings.dimensions IS 'the names of the dimensions, columns at the end of the definition; what is stored of the first one is scope 1';
COMMENT ON COLUMN headcount_internal.settings.exact IS 'whether the users of stored days are kept as exact sets; else as sketches, with no names';
COMMENT ON COLUMN headcount_internal.settings.session_columns IS 'which columns of the table each column of the definition session_rows, and of denial_rows the next one, read when it was made: see headcount_internal.columns_read';

-- What headcount_internal.find_source tells of a source.
CREATE TYPE headcount_internal.source AS (
    sessions_view       regclass,
    state               regclass,
    definition          regclass,
    denial_definition   regclass,
    sessions            regclass,
    denials             regclass,
    has_servers         boolean,
    has_identity        boolean,
    time_zone           text,
    licensing_model     text,
    window_days         integer,
    user_limit          integer,
    alerts              jsonb,
    realtime_servers    text[],
    idle_limit          interval,
    false_denial_before interval,
    false_denial_after  interval,
    materialized        boolean,
    tracking            text,
    tracking_days       integer,
    session_columns     text[],
    denial_columns      text[],
    dimensions          text[],
    exact               boolean
);
COMMENT ON TYPE headcount_internal.source IS 'a source: its views and tables, the tables that it reads, and what it was told';

-- The arguments of create_source, with every expression resolved.
CREATE TYPE headcount_internal.options AS (
    sessions            oid,
    user_name           text,
    host                text,
    started_at          text,
    ended_at            text,
    duration            text,
    weight              text,
    server              text,
    last_seen           text,
    idle_limit          interval,
    sessions_when       text,
    user_identity       text,
    realtime_servers    text[],
    denials             oid,
    denied_user         text,
    denied_at           text,
    denied_host         text,
    denied_server       text,
    denied_when         text,
    false_denial_before interval,
    false_denial_after  interval,
    time_zone           text,
    licensing_model     text,
    window_days         integer,
    user_limit          integer,
    alerts              jsonb,
    materialized        boolean,
    tracking            text,
    tracking_days       integer,
    dimensions          jsonb,
    naive               text[],
    exact               boolean
);
COMMENT ON TYPE headcount_internal.options IS 'the options of a source while it is made or altered';
COMMENT ON COLUMN headcount_internal.options.sessions IS 'an OID, as is denials: its text is the same under every search_path';
COMMENT ON COLUMN headcount_internal.options.naive IS 'the options among them that give a timestamp without time zone';

-- The columns are read by number in state.cpp.
CREATE TYPE headcount_internal.rollup_state AS (
    definition         regclass,
    denial_definition  regclass,
    log                regclass,
    relations          regclass[],
    triggers           oid[],
    definition_mark    bigint,
    tracking_mark      bigint,
    bounds_mark        bigint,
    registered_at      timestamptz,
    time_zone          text,
    grace              bigint,
    first_day          date,
    watermark          date,
    frozen_before      date,
    next_user_id       integer,
    dictionary_buckets integer,
    compacted_users    integer,
    dictionary         uuid,
    last_refresh       timestamptz,
    last_duration      interval,
    last_error         text,
    refresh_pid        integer,
    refresh_started_at timestamptz,
    days_done          integer,
    days_total         integer,
    current_day        date,
    awaits_writers     boolean,
    window_days        integer,
    logged_before      timestamptz,
    today_ends         timestamptz[],
    window_model       text,
    alerted            text[]
);
COMMENT ON TYPE headcount_internal.rollup_state IS 'how far the days of a materialized source are stored: a row of its table "rollup_state"';
COMMENT ON COLUMN headcount_internal.rollup_state.relations IS 'the tables and partitions whose changes are logged by triggers; NULL if the source is tracked by window';
COMMENT ON COLUMN headcount_internal.rollup_state.triggers IS 'these triggers';
COMMENT ON COLUMN headcount_internal.rollup_state.definition_mark IS 'what the views, and the functions and types that they use, were when days were stored; so are the other marks';
COMMENT ON COLUMN headcount_internal.rollup_state.registered_at IS 'transactions that began earlier do not read stored days';
COMMENT ON COLUMN headcount_internal.rollup_state.grace IS 'microseconds after a day in which a session can still make a denial of it false';
COMMENT ON COLUMN headcount_internal.rollup_state.awaits_writers IS 'days are not stored before writers are done that began under another definition';
COMMENT ON COLUMN headcount_internal.rollup_state.logged_before IS 'changes of what is at or after this instant need not be logged, as nothing is stored of that; never before the day of the watermark begins, nor before the last of today_ends';
COMMENT ON COLUMN headcount_internal.rollup_state.today_ends IS 'when the stored parts of the day of the watermark end, ascending; the first begins with the day, each other one where the one before it ends';
COMMENT ON COLUMN headcount_internal.rollup_state.dictionary IS 'which dictionary the sets of users are of: another one whenever all users are numbered anew';
COMMENT ON COLUMN headcount_internal.rollup_state.window_days IS 'of how many days window_count of the stored days is; 0 if it is not kept';
COMMENT ON COLUMN headcount_internal.rollup_state.window_model IS 'the licensing model under which window_count counts users: 2013 those with a session, 2025 also those that were denied';
COMMENT ON COLUMN headcount_internal.rollup_state.alerted IS 'the alerts that a refresh has given notice of, while they last';
COMMENT ON COLUMN headcount_internal.rollup_state.watermark IS 'days before this one are stored, later ones are computed when they are asked for';
COMMENT ON COLUMN headcount_internal.rollup_state.frozen_before IS 'days before this one stay as they are stored, whatever happens to the tables';
COMMENT ON COLUMN headcount_internal.rollup_state.next_user_id IS 'the number that the next new user gets';
COMMENT ON COLUMN headcount_internal.rollup_state.dictionary_buckets IS 'among how many buckets the pages of the dictionary are shared out';
COMMENT ON COLUMN headcount_internal.rollup_state.compacted_users IS 'how many users there were when each bucket was made one page';

-- The schema of postgresql-hll is known when it is installed, not when this is written.
DO $$
DECLARE
    hll constant text := (SELECT pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_extension AS e
                          JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) e.extnamespace WHERE e.extname OPERATOR(pg_catalog.=) 'hll');
BEGIN
    EXECUTE pg_catalog.format($q$CREATE TYPE headcount_internal.rollup_day AS (
        scope               "char",
        slice               text COLLATE pg_catalog."C",
        day                 date,
        used                headcount.user_set,
        denied              headcount.user_set,
        denials             integer,
        concurrent_hosts    integer,
        concurrent_hosts_at timestamptz,
        concurrent_users    integer,
        concurrent_sessions integer,
        concurrent_weight   bigint,
        used_sketch         %1$s.hll,
        denied_sketch       %1$s.hll,
        new_users           headcount.user_set,
        used_count          integer,
        denied_count        integer,
        daily_count         integer,
        new_count           integer,
        window_count        integer)$q$, hll);
    EXECUTE pg_catalog.format($q$CREATE TYPE headcount_internal.rollup_part AS (
        scope               "char",
        slice               text COLLATE pg_catalog."C",
        from_at             timestamptz,
        used                headcount.user_set,
        denied              headcount.user_set,
        denials             integer,
        concurrent_hosts    integer,
        concurrent_hosts_at timestamptz,
        concurrent_users    integer,
        concurrent_sessions integer,
        concurrent_weight   bigint,
        used_sketch         %1$s.hll,
        denied_sketch       %1$s.hll)$q$, hll);
END
$$;
COMMENT ON TYPE headcount_internal.rollup_day IS 'a stored day: a row of the table "rollup_days" of a source';
COMMENT ON COLUMN headcount_internal.rollup_day.scope IS 'what the row is about: a all servers, r realtime servers, s one server, 1 to 8 one value of the dimension of this number, A to H the same on realtime servers';
COMMENT ON COLUMN headcount_internal.rollup_day.slice IS 'which server, or which value of the dimension; NULL for what has none';
COMMENT ON COLUMN headcount_internal.rollup_day.concurrent_weight IS 'NULL if nothing weighed anything, or the source has no weights';
COMMENT ON COLUMN headcount_internal.rollup_day.used_sketch IS 'of all servers only, unless the source has exact => false: then its sets are empty, and there are sketches in every row';
COMMENT ON COLUMN headcount_internal.rollup_day.new_users IS 'users with a session or a denial who have none on an earlier stored day';
COMMENT ON COLUMN headcount_internal.rollup_day.daily_count IS 'how many users have a session or a denial; used_count, denied_count and new_count are about the sets of that name';
COMMENT ON COLUMN headcount_internal.rollup_day.window_count IS 'how many users there are on the last days, this one included, see rollup_state.window_days and window_model';

COMMENT ON TYPE headcount_internal.rollup_part IS 'a stored part of a day: a row of the table "rollup_today" of a source';
COMMENT ON COLUMN headcount_internal.rollup_part.from_at IS 'when the part begins; it ends at the first of rollup_state.today_ends after that';

CREATE TYPE headcount_internal.rollup_total AS (
    scope      "char",
    slice      text COLLATE pg_catalog."C",
    seen_count integer,
    seen       headcount.user_set
);
COMMENT ON TYPE headcount_internal.rollup_total IS 'the users of all stored days: a row of the table "rollup_totals" of a source';

CREATE TYPE headcount_internal.collected_slice AS (
    slice    text COLLATE pg_catalog."C",
    sessions bytea,
    peaks    headcount_internal.day_peaks[],
    denials  bytea
);
COMMENT ON TYPE headcount_internal.collected_slice IS 'what was collected of a server, or a value of a dimension, for some days';

CREATE TYPE headcount_internal.slice_patch AS (
    slice        text,
    day          date,
    new_users    headcount.user_set,
    new_count    integer,
    window_count integer,
    is_idle      boolean
);
COMMENT ON TYPE headcount_internal.slice_patch IS 'what becomes of a stored day of a slice by what is stored of others; with day NULL all its users';

CREATE TYPE headcount_internal.dictionary_page AS (bucket integer, page bytea);
COMMENT ON TYPE headcount_internal.dictionary_page IS 'numbers of some users: a row of the table "rollup_dictionary" of a source';

CREATE TYPE headcount_internal.invalidation AS (from_day date, to_day date, from_at timestamptz);
COMMENT ON TYPE headcount_internal.invalidation IS 'days that changed since they were stored, both included: a row of the table "invalidation_log" of a source';
COMMENT ON COLUMN headcount_internal.invalidation.from_at IS 'before this instant nothing changed on them; NULL is their beginning';

-- The last resort of a trigger that cannot write to the log of its source: nobody but headcount can get at this table.
CREATE TABLE headcount_internal.unlogged_change (definition oid NOT NULL);
CREATE INDEX ON headcount_internal.unlogged_change (definition);
COMMENT ON TABLE headcount_internal.unlogged_change IS 'the sources with a change that could not be logged: nothing stored of them counts until a refresh has stored it anew';
COMMENT ON COLUMN headcount_internal.unlogged_change.definition IS 'the view session_rows or denial_rows of the source';

-- What user_identity is resolved against: one column user_name, no rows.
CREATE VIEW headcount_internal.identity_input AS SELECT NULL::text AS user_name WHERE false;
COMMENT ON VIEW headcount_internal.identity_input IS 'the column that an expression user_identity is about';
COMMENT ON COLUMN headcount_internal.identity_input.user_name IS 'the value of the expression user_name or denied_user of a source';
GRANT SELECT ON headcount_internal.identity_input TO PUBLIC;

CREATE FUNCTION headcount_internal.look_up_source(source text, may_wait boolean DEFAULT true) RETURNS headcount_internal.source
    AS 'MODULE_PATHNAME', 'headcount_look_up_source' LANGUAGE C STABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION headcount_internal.look_up_source(text, boolean) IS
    'a source by its name, NULL if there is none; without waiting for a lock what it was told may be NULL';

CREATE FUNCTION headcount_internal.live_day(state regclass) RETURNS date
    AS 'MODULE_PATHNAME', 'headcount_live_day' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 100;
COMMENT ON FUNCTION headcount_internal.live_day(regclass) IS 'the first day of a source that is computed from its tables, -infinity for all';

-- STABLE, so that the planner asks it how many rows a condition will leave. RESTRICTED, as a parallel worker could find that
-- something has changed since the leader was answered.
CREATE FUNCTION headcount_internal.live_from(state regclass) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'headcount_live_from' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION headcount_internal.live_from(regclass) IS
    'from which instant on a source is computed from its tables: where its first live day begins or, if a part of that is stored, where this ends; -infinity for all; every call of a statement gives the same';

CREATE FUNCTION headcount_internal.named_from(state regclass) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'headcount_named_from' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 100;
COMMENT ON FUNCTION headcount_internal.named_from(regclass) IS
    'before which instant the live sessions of a source begin whose users are in the stored part of the one live day, -infinity if there is none';

CREATE FUNCTION headcount_internal.part_day(state regclass) RETURNS date
    AS 'MODULE_PATHNAME', 'headcount_part_day' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 100;
COMMENT ON FUNCTION headcount_internal.part_day(regclass) IS 'the first live day of a source, if the part of it before live_from is stored';

-- ROWS is what the planner shall expect: for more it would have the query compiled first.
CREATE FUNCTION headcount_internal.day_runs(from_days date[], to_days date[], before date, time_zone text,
                                            OUT from_day date, OUT to_day date, OUT from_at timestamptz, OUT to_at timestamptz) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'headcount_day_runs' LANGUAGE C STABLE PARALLEL SAFE COST 10 ROWS 1;
COMMENT ON FUNCTION headcount_internal.day_runs(date[], date[], date, text) IS
    'some days, those before a day, as at most 16 runs [from_day, to_day), and when they begin and end; narrow gaps are filled if there are more';

CREATE FUNCTION headcount_internal.frozen_before(state regclass) RETURNS date
    AS 'MODULE_PATHNAME', 'headcount_frozen_before' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.frozen_before(regclass) IS 'the day before which the days of a source are frozen, -infinity for none';

CREATE FUNCTION headcount_internal.is_tracked(state regclass) RETURNS boolean
    AS 'MODULE_PATHNAME', 'headcount_is_tracked' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.is_tracked(regclass) IS 'whether changes of a source are logged by triggers';

CREATE FUNCTION headcount_internal.rollup_row(state regclass) RETURNS headcount_internal.rollup_state
    AS 'MODULE_PATHNAME', 'headcount_rollup_row' LANGUAGE C STABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION headcount_internal.rollup_row(regclass) IS 'the state of a source, NULL unless the current role owns it';

CREATE FUNCTION headcount_internal.log_facts(log regclass, from_day date, to_day date, OUT log_rows bigint, OUT days integer) RETURNS record
    AS 'MODULE_PATHNAME', 'headcount_log_facts' LANGUAGE C STABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION headcount_internal.log_facts(regclass, date, date) IS
    'how many rows an invalidation log has, and how many days from from_day to before to_day they are about; NULL unless the current role owns it';

CREATE FUNCTION headcount_internal.lock_relations(relations regclass[]) RETURNS void
    AS 'MODULE_PATHNAME', 'headcount_lock_relations' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION headcount_internal.lock_relations(regclass[]) IS
    'locks relations of the current role in ACCESS EXCLUSIVE mode until the end of the transaction, and holds none of these locks while it waits for one';

CREATE FUNCTION headcount_internal.rollup_bytes(state regclass) RETURNS bigint
    AS 'MODULE_PATHNAME', 'headcount_rollup_bytes' LANGUAGE C STABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION headcount_internal.rollup_bytes(regclass) IS
    'how many bytes the stored days of a source take, with its log; NULL unless the current role owns it, or while somebody has one of its tables locked';

CREATE FUNCTION headcount_internal.state_difference(state regclass, OUT definition boolean, OUT triggers boolean, OUT gone boolean, OUT come boolean,
                                                    OUT unlogged boolean, OUT bounds boolean, OUT policies boolean) RETURNS record
    AS 'MODULE_PATHNAME', 'headcount_state_difference' LANGUAGE C STABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION headcount_internal.state_difference(regclass) IS
    'for the owner of a source, what of it is no more as it was when its days were stored: the definition, the triggers or tables, partitions that went or came, a change that was not logged, the bounds of days, policies that apply to its owner';

CREATE FUNCTION headcount_internal.stored_counts(state regclass) RETURNS boolean
    AS 'MODULE_PATHNAME', 'headcount_stored_counts' LANGUAGE C STABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION headcount_internal.stored_counts(regclass) IS
    'whether the stored days of a source are read, as all that they were computed from is what it was; NULL unless the current role owns it, or while somebody has its state locked';

CREATE FUNCTION headcount_internal.definition_mark(definition regclass, denial_definition regclass) RETURNS bigint
    AS 'MODULE_PATHNAME', 'headcount_definition_mark' LANGUAGE C STABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION headcount_internal.definition_mark(regclass, regclass) IS 'a mark of the views of a source, and of the functions, types and collations that they use';

CREATE FUNCTION headcount_internal.tracking_mark(triggers oid[], relations regclass[]) RETURNS bigint
    AS 'MODULE_PATHNAME', 'headcount_tracking_mark' LANGUAGE C STABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION headcount_internal.tracking_mark(oid[], regclass[]) IS 'a mark of some triggers, and of how their tables are stored';

CREATE FUNCTION headcount_internal.add_marks(one bigint, other bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'headcount_add_marks' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.add_marks(bigint, bigint) IS 'the mark of what two marks are about';

CREATE FUNCTION headcount_internal.bounds_mark(time_zone text, first_day date, watermark date) RETURNS bigint
    AS 'MODULE_PATHNAME', 'headcount_bounds_mark' LANGUAGE C STABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION headcount_internal.bounds_mark(text, date, date) IS 'a mark of when the stored days of a source begin';

CREATE FUNCTION headcount_internal.source_tables(definition regclass) RETURNS SETOF regclass
    AS 'MODULE_PATHNAME', 'headcount_source_tables' LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 10;
COMMENT ON FUNCTION headcount_internal.source_tables(regclass) IS 'the table that a definition reads, with its partitions or other children, at any depth';

CREATE FUNCTION headcount_internal.definition_table(definition regclass) RETURNS regclass
    AS 'MODULE_PATHNAME', 'headcount_definition_table' LANGUAGE C STABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION headcount_internal.definition_table(regclass) IS 'the table that a definition reads, NULL if it cannot be followed';

CREATE FUNCTION headcount_internal.definition_obstacle(definition regclass) RETURNS text
    AS 'MODULE_PATHNAME', 'headcount_definition_obstacle' LANGUAGE C STABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION headcount_internal.definition_obstacle(regclass) IS
    'why changes of the table of a definition cannot be told from the rows that change, NULL if they can';

CREATE FUNCTION headcount_internal.definition_columns(definition regclass, OUT name text, OUT expression text) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'headcount_definition_columns' LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 7;
COMMENT ON FUNCTION headcount_internal.definition_columns(regclass) IS 'the columns of a definition as expressions over the table that it reads';

CREATE FUNCTION headcount_internal.columns_read(definition regclass) RETURNS text[]
    AS 'MODULE_PATHNAME', 'headcount_columns_read' LANGUAGE C STABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION headcount_internal.columns_read(regclass) IS
    'for each column of a definition and each column of the table that it reads: the number of the latter, how many characters the name of the former has, that name, and the present name of the latter, with blanks between';

CREATE FUNCTION headcount_internal.given_expressions(definition regclass, OUT name text, OUT expression text, OUT is_naive boolean) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'headcount_given_expressions' LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 7;
COMMENT ON FUNCTION headcount_internal.given_expressions(regclass) IS
    'what the owner of a source wrote, by option, as the definition has it now, and whether it gives a timestamp without time zone';

CREATE FUNCTION headcount_internal.resolve_column(relation regclass, expression text, kind text, "collation" oid, OUT sql text, OUT is_naive boolean) RETURNS record
    AS 'MODULE_PATHNAME', 'headcount_resolve_column' LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION headcount_internal.resolve_column(regclass, text, text, oid) IS
    'one SQL expression over the columns of a table, read under the search_path of the caller, as SQL of kind text, time, duration, weight or boolean with every name qualified; kind time may be a timestamp without time zone';

CREATE FUNCTION headcount_internal.log_changes() RETURNS trigger
    AS 'MODULE_PATHNAME', 'headcount_log_changes' LANGUAGE C;
COMMENT ON FUNCTION headcount_internal.log_changes() IS 'logs the days that a statement changed, for the source that link_trigger tied the trigger to';

CREATE FUNCTION headcount_internal.link_trigger(trigger oid, definition regclass, log regclass, state regclass) RETURNS void
    AS 'MODULE_PATHNAME', 'headcount_link_trigger' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION headcount_internal.link_trigger(oid, regclass, regclass, regclass) IS
    'ties a trigger to the definition, the log and the state of a source, whose owner must own all four; it goes when one of them goes';

CREATE FUNCTION headcount_internal.log_table(trigger oid) RETURNS void
    AS 'MODULE_PATHNAME', 'headcount_log_table' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION headcount_internal.log_table(oid) IS 'logs all days that the rows of the table of a trigger are about, as if they had just been inserted';

CREATE FUNCTION headcount_internal.tie_to_extension(view regclass) RETURNS void
    AS 'MODULE_PATHNAME', 'headcount_tie_to_extension' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION headcount_internal.tie_to_extension(regclass) IS 'has a view, which the current role must own, go with the extension';

-- ALTER FUNCTION ... DEPENDS ON EXTENSION has everybody else who says it wait until the transaction ends.
CREATE FUNCTION headcount_internal.tie_function_to_extension(function regprocedure) RETURNS void
    AS 'MODULE_PATHNAME', 'headcount_tie_function_to_extension' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION headcount_internal.tie_function_to_extension(regprocedure) IS 'has a function, which the current role must own, go with the extension';

CREATE FUNCTION headcount_internal.wait_for_writers(relations regclass[]) RETURNS void
    AS 'MODULE_PATHNAME', 'headcount_wait_for_writers' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION headcount_internal.wait_for_writers(regclass[]) IS
    'waits until every transaction has ended that has written to these tables by now; new writers do not wait';

CREATE FUNCTION headcount_internal.writers_are_gone(relations regclass[], patience integer) RETURNS boolean
    AS 'MODULE_PATHNAME', 'headcount_writers_are_gone' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION headcount_internal.writers_are_gone(regclass[], integer) IS
    'whether every transaction that has written to these tables by now ends within so many milliseconds';

CREATE FUNCTION headcount_internal.forget_unlogged_changes(definition regclass) RETURNS void
    AS 'MODULE_PATHNAME', 'headcount_forget_unlogged_changes' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION headcount_internal.forget_unlogged_changes(regclass) IS
    'takes back that changes of a source went unlogged, for its owner, who has just begun to store its days anew';

CREATE FUNCTION headcount_internal.execute_as_owner(relation regclass, command text) RETURNS text
    AS 'MODULE_PATHNAME', 'headcount_execute_as_owner' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION headcount_internal.execute_as_owner(regclass, text) IS
    'executes a command with the rights of the owner of a relation, for members of that role, and returns the first value: what others wrote into a source must not run with the rights of a superuser who refreshes it. No setting of the session changes what it means';

CREATE FUNCTION headcount_internal.read_source(source text, function text, arguments text[]) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'headcount_read_source' LANGUAGE C STABLE PARALLEL UNSAFE COST 1000 ROWS 100;
COMMENT ON FUNCTION headcount_internal.read_source(text, text, text[]) IS
    'the rows of one of a few functions over a source, with the rights of its owner, for those who may read the views that it is about: what its owner wrote runs as himself, though a superuser asks';

CREATE FUNCTION headcount_internal.execute_quietly(command text) RETURNS text
    AS 'MODULE_PATHNAME', 'headcount_execute_quietly' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION headcount_internal.execute_quietly(text) IS
    'executes a command with the rights of the caller and returns the first value; no setting of the session changes what it means, and errors have no CONTEXT';

CREATE FUNCTION headcount_internal.raise_error(state text, message text, detail text DEFAULT NULL, hint text DEFAULT NULL) RETURNS void
    AS 'MODULE_PATHNAME', 'headcount_raise_error' LANGUAGE C VOLATILE PARALLEL SAFE;
COMMENT ON FUNCTION headcount_internal.raise_error(text, text, text, text) IS
    'raises an error with the given SQLSTATE and without a CONTEXT; an empty DETAIL or HINT is left out';
