// What SQL asks of a source: what it was told, where its stored days end, and whether they still count.

#include <algorithm>
#include <numeric>
#include <optional>

#include "core/time/day_spans.hpp"
#include "pg/compat.hpp"
#include "pg/memory.hpp"
#include "pg/rights.hpp"
#include "pg/rows.hpp"
#include "pg/settings.hpp"
#include "pg/values.hpp"
#include "pg/zone.hpp"
#include "source/catalog.hpp"
#include "source/definition.hpp"
#include "source/state.hpp"

extern "C" {
#include "utils/varlena.h"
}

namespace headcount::source {
namespace {

live_days live_days_argument(FunctionCallInfo fcinfo) { return find_live_days(fcinfo, PG_GETARG_OID(0), pg::current_as_of()); }

// What a source was told: the row of its table of type headcount_internal.settings, by column.
constexpr int settings_count = 16;

// A row of headcount_internal.source: its relations, then what it was told.
enum source_column { sessions_view, state_table, definition_view, denial_definition_view, sessions_table, denials_table, has_servers, has_identity, first_setting };
constexpr int source_column_count = first_setting + settings_count;

// A query looks up the sessions of each run of changed days on its own: beyond so many, one run with what lies between is
// cheaper.
constexpr std::size_t max_runs = 16;

// Days as a log has them, both included.
struct run {
  DateADT first, last;
};

// Adds what there is of a run within [from, end).
void add_span(std::pmr::vector<core::day_span> &to, run of, DateADT from, DateADT end) {
  const core::day_span span{std::max(of.first, from), of.last >= end ? end : of.last + 1};
  if (span.first < span.end) to.push_back(span);
}

std::span<const Datum> days_argument(FunctionCallInfo fcinfo, int number) {
  Datum *values = nullptr;
  int count = 0;
  pg::call([&] { deconstruct_array(PG_GETARG_ARRAYTYPE_P(number), DATEOID, sizeof(DateADT), true, TYPALIGN_INT, &values, nullptr, &count); });
  return {values, static_cast<std::size_t>(count)};
}

// Backend code.

// Fills in what is known of a source by name. False if there is none: no schema with the views and the table of settings
// that headcount makes, all of one owner.
bool find_source(const char *name, bool may_wait, Datum *values, bool *nulls) {
  const Oid schema = schema_named(name);
  const auto relation = [schema](const char *of) { return relation_in(schema, of); };
  const Oid view = relation("sessions"), settings = relation("settings"), rows = relation("session_rows"), denials = relation("denial_rows");
  for (const Oid each : {view, rows, denials})
    if (!OidIsValid(each) || get_rel_relkind(each) != RELKIND_VIEW) return false;
  const Oid owner = pg::owner_of(view);
  if (!OidIsValid(settings) || pg::owner_of(settings) != owner || pg::owner_of(rows) != owner || pg::owner_of(denials) != owner) return false;
  std::fill_n(nulls, source_column_count, true);
  const auto set = [&](int column, Oid to) {
    values[column] = ObjectIdGetDatum(to);
    nulls[column] = !OidIsValid(to);
  };
  set(sessions_view, view);
  set(state_table, relation("rollup_state"));
  set(definition_view, rows);
  set(denial_definition_view, denials);
  definition of_sessions, of_denials;
  const char *const failed = read_definition(rows, of_sessions);
  const char *const has_no_denials = read_definition(denials, of_denials);
  set(sessions_table, failed == nullptr ? of_sessions.table : InvalidOid);
  set(denials_table, has_no_denials == nullptr ? of_denials.table : InvalidOid);
  const bool knows_servers = (failed == nullptr && of_sessions.column_count > server && !is_left_out(of_sessions.columns[server])) ||
                             (has_no_denials == nullptr && !is_left_out(of_denials.columns[server]));
  values[has_servers] = BoolGetDatum(knows_servers);
  values[has_identity] = BoolGetDatum(read_given(rows).identity >= 0);
  nulls[has_servers] = nulls[has_identity] = false;
  // where it may not wait for somebody who has locked the settings, they are unknown
  return copy_row(settings, "settings", may_wait, values + first_setting, nulls + first_setting, settings_count) || !may_wait;
}

}  // namespace

// (source, may_wait): a row of headcount_internal.source, NULL if there is none.
HEADCOUNT_FUNCTION(headcount_look_up_source) {
  if (PG_ARGISNULL(0)) return pg::null_result(fcinfo);
  HeapTuple const row = pg::call([fcinfo]() -> HeapTuple {
    TupleDesc const shape = pg::row_shape(fcinfo, source_column_count);
    Datum values[source_column_count] = {};
    bool nulls[source_column_count] = {};
    if (!find_source(text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_ARGISNULL(1) || PG_GETARG_BOOL(1), values, nulls)) return nullptr;
    return heap_form_tuple(shape, values, nulls);
  });
  if (row == nullptr) return pg::null_result(fcinfo);
  return pg::call([row] { return HeapTupleGetDatum(row); });
}

// (one, other): the Levenshtein distance of two names, PostgreSQL's own
HEADCOUNT_FUNCTION(headcount_edit_distance) {
  constexpr int longest = 255, farthest = 3;  // bytes that PostgreSQL's function takes; names that far apart are not alike
  const std::string_view one = pg::text_argument(fcinfo, 0, "one"), other = pg::text_argument(fcinfo, 1, "other");
  if (one.size() > longest || other.size() > longest) return pg::null_result(fcinfo);
  return Int32GetDatum(pg::call([one, other] {
    return varstr_levenshtein_less_equal(one.data(), static_cast<int>(one.size()), other.data(), static_cast<int>(other.size()), 1, 1, 1, farthest, true);
  }));
}

// (state): the first day that is computed from the tables
HEADCOUNT_FUNCTION(headcount_live_day) { return DateADTGetDatum(live_days_argument(fcinfo).first); }

// (state): the day of which a part is stored, NULL if there is none
HEADCOUNT_FUNCTION(headcount_part_day) {
  const live_days found = live_days_argument(fcinfo);
  return found.has_part ? DateADTGetDatum(found.first) : pg::null_result(fcinfo);
}

// (state): before which instant sessions begin of which nobody need know whose they are
HEADCOUNT_FUNCTION(headcount_named_from) { return TimestampTzGetDatum(live_days_argument(fcinfo).named_from); }

// (state): from when on the tables are read
HEADCOUNT_FUNCTION(headcount_live_from) { return TimestampTzGetDatum(live_days_argument(fcinfo).start); }

// (from_days, to_days, before, time_zone): the days that logged changes are about, before a day, as runs
HEADCOUNT_FUNCTION(headcount_day_runs) {
  pg::row_set rows(fcinfo);
  if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3)) return rows.result(fcinfo);
  const pg::workspace work;
  std::pmr::vector<core::day_span> spans(work.host().memory);
  const std::span<const Datum> from = days_argument(fcinfo, 0), to = days_argument(fcinfo, 1);
  for (std::size_t at = 0; at < std::min(from.size(), to.size()); ++at)
    add_span(spans, {DatumGetDateADT(from[at]), DatumGetDateADT(to[at])}, DATEVAL_NOBEGIN, PG_GETARG_DATEADT(2));
  core::unite_spans(spans, max_runs);
  const pg::zone &in = pg::zone_argument(fcinfo, 3);
  for (const core::day_span &span : spans)
    rows.put(pg::field::of_day(span.first), pg::field::of_day(span.end),
             pg::field::of_time(DATE_NOT_FINITE(span.first) ? core::beginning : in.start_of(span.first)), pg::field::of_time(in.start_of(span.end)));
  return rows.result(fcinfo);
}

// (state): the day before which days are frozen
HEADCOUNT_FUNCTION(headcount_frozen_before) {
  if (PG_ARGISNULL(0)) return pg::null_result(fcinfo);
  return DateADTGetDatum(pg::call([fcinfo] { return read_state(PG_GETARG_OID(0), GetActiveSnapshot()); }).frozen_before);
}

// (state)
HEADCOUNT_FUNCTION(headcount_is_tracked) {
  if (PG_ARGISNULL(0)) return pg::null_result(fcinfo);
  return BoolGetDatum(pg::call([fcinfo] { return read_state(PG_GETARG_OID(0), GetActiveSnapshot(), false); }).is_tracked);
}

// (state): its row, for those who own it. Read here and not by a query: a table that somebody made to look like a state
// could run anything with the rights of a superuser who asks.
HEADCOUNT_FUNCTION(headcount_rollup_row) {
  if (PG_ARGISNULL(0)) return pg::null_result(fcinfo);
  HeapTuple const row = pg::call([fcinfo]() -> HeapTuple {
    constexpr int count = static_cast<int>(state_column::count);
    const Oid table = PG_GETARG_OID(0);
    if (!pg::may_act_as_owner(table)) return nullptr;
    TupleDesc const shape = pg::row_shape(fcinfo, count);
    Datum values[count] = {};
    bool nulls[count] = {};
    if (!copy_row(table, "rollup_state", false, values, nulls, count)) return nullptr;
    return heap_form_tuple(shape, values, nulls);
  });
  if (row == nullptr) return pg::null_result(fcinfo);
  return pg::call([row] { return HeapTupleGetDatum(row); });
}

// (log, from_day, to_day): how many rows a log has, and how many days from from_day to before to_day they are about; for
// those who own it
HEADCOUNT_FUNCTION(headcount_log_facts) {
  for (int at = 0; at < 3; ++at)
    if (PG_ARGISNULL(at)) return pg::null_result(fcinfo);
  const Oid table = PG_GETARG_OID(0);
  const pg::workspace work;
  std::pmr::vector<core::day_span> spans(work.host().memory);
  struct {
    Relation log;
    TableScanDesc scan;
    TupleTableSlot *slot;
  } read{};
  pg::call([&] {
    if (!pg::may_act_as_owner(table) || get_rel_relkind(table) != RELKIND_RELATION) return;
    read.log = open_without_waiting(table, AccessShareLock);
    if (read.log == nullptr) return;
    if (read.log->rd_rel->reloftype != internal_type("invalidation")) {
      relation_close(read.log, AccessShareLock);
      read.log = nullptr;
      return;
    }
    read.scan = pg::compat::begin_scan(read.log, GetActiveSnapshot());
    read.slot = table_slot_create(read.log, nullptr);
  });
  if (read.log == nullptr) return pg::null_result(fcinfo);
  std::int64_t count = 0;
  for (run found{}; pg::call([&] {
         CHECK_FOR_INTERRUPTS();
         if (!table_scan_getnextslot(read.scan, ForwardScanDirection, read.slot)) return false;
         slot_getallattrs(read.slot);
         found = {DatumGetDateADT(read.slot->tts_values[0]), DatumGetDateADT(read.slot->tts_values[1])};
         return true;
       });
       ++count) {
    add_span(spans, found, PG_GETARG_DATEADT(1), PG_GETARG_DATEADT(2));
    if (spans.size() > 10'000) core::unite_spans(spans, 5'000);
  }
  pg::call([&] {
    ExecDropSingleTupleTableSlot(read.slot);
    table_endscan(read.scan);
    table_close(read.log, AccessShareLock);
  });
  core::unite_spans(spans, spans.size());
  std::int64_t days = 0;
  for (const core::day_span &span : spans)
    if (!DATE_NOT_FINITE(span.first)) days += std::int64_t{span.end} - span.first;
  return pg::make_row(fcinfo, pg::field::of(count), pg::field::of_integer(std::min<std::int64_t>(days, INT32_MAX)));
}

namespace {

// Whether nobody has a table or one of its indexes so locked that we would have to wait; then we have them locked.
bool lock_without_waiting(Oid table) {
  Relation relation = open_without_waiting(table, AccessShareLock);
  if (relation == nullptr) return false;
  ListCell *cell = nullptr;
  bool is_free = true;
  foreach (cell, RelationGetIndexList(relation)) is_free = is_free && ConditionalLockRelationOid(lfirst_oid(cell), AccessShareLock);
  relation_close(relation, NoLock);
  return is_free;
}

std::optional<std::int64_t> bytes_of_rollup(Oid state) {
  if (!pg::may_act_as_owner(state)) return std::nullopt;
  const Oid schema = get_rel_namespace(state);
  const auto bytes_of = [schema](const char *name) -> std::int64_t {
    const Oid table = get_relname_relid(name, schema);
    if (!OidIsValid(table) || get_rel_relkind(table) != RELKIND_RELATION) return 0;
    return lock_without_waiting(table) ? DatumGetInt64(DirectFunctionCall1(pg_total_relation_size, ObjectIdGetDatum(table))) : -1;
  };
  const std::int64_t bytes[] = {bytes_of("rollup_state"), bytes_of("rollup_days"), bytes_of("rollup_today"), bytes_of("rollup_totals"), bytes_of("rollup_dictionary"), bytes_of("invalidation_log")};
  if (std::any_of(std::begin(bytes), std::end(bytes), [](std::int64_t each) { return each < 0; })) return std::nullopt;
  return std::accumulate(std::begin(bytes), std::end(bytes), std::int64_t{0});
}

// Locks relations as DDL does, and holds none of them while it waits for one. Readers lock a view before what it reads, writers a
// table before the views that its triggers read: there is no order that both agree with.
void lock_all(const List *relations) {
  const int count = list_length(relations);
  for (int first = 0; count > 0;) {
    LockRelationOid(list_nth_oid(relations, first), AccessExclusiveLock);
    int at = 0;
    while (at < count && (at == first || ConditionalLockRelationOid(list_nth_oid(relations, at), AccessExclusiveLock))) ++at;
    if (at == count) return;
    for (int other = 0; other < at; ++other)
      if (other != first) UnlockRelationOid(list_nth_oid(relations, other), AccessExclusiveLock);
    UnlockRelationOid(list_nth_oid(relations, first), AccessExclusiveLock);
    first = at;
  }
}

}  // namespace

// (relations): each of them once, for those who own them
HEADCOUNT_FUNCTION(headcount_lock_relations) {
  pg::call([fcinfo] {
    const List *const relations = oids_of(PG_GETARG_DATUM(0));
    const ListCell *cell = nullptr;
    foreach (cell, relations) pg::require_owner(lfirst_oid(cell));
    lock_all(relations);
  });
  return Datum{0};
}

// (state): what is stored of a source, for those who own it. Whoever asks does not wait for what the owner has locked.
HEADCOUNT_FUNCTION(headcount_rollup_bytes) {
  if (PG_ARGISNULL(0)) return pg::null_result(fcinfo);
  const std::optional<std::int64_t> bytes = pg::call([fcinfo] { return bytes_of_rollup(PG_GETARG_OID(0)); });
  if (!bytes.has_value()) return pg::null_result(fcinfo);
  return Int64GetDatum(*bytes);
}

// (one, other): marks are sums, which may overflow
HEADCOUNT_FUNCTION(headcount_add_marks) {
  return Int64GetDatum(static_cast<std::int64_t>(static_cast<std::uint64_t>(PG_GETARG_INT64(0)) + static_cast<std::uint64_t>(PG_GETARG_INT64(1))));
}

// (source): the rows of its table "instances", if it has one. Read here and not by a query, as rollup_row is.
HEADCOUNT_FUNCTION(headcount_instances_of) {
  pg::row_set rows(fcinfo);
  if (PG_ARGISNULL(0)) return rows.result(fcinfo);
  pg::call([&] {
    const Oid table = relation_in(schema_named(text_to_cstring(PG_GETARG_TEXT_PP(0))), "instances");
    if (OidIsValid(table)) copy_rows(table, "source_instance", rows.store(), rows.shape());
  });
  return rows.result(fcinfo);
}

// (definition)
HEADCOUNT_FUNCTION(headcount_columns_read) {
  if (PG_ARGISNULL(0)) return pg::null_result(fcinfo);
  const ArrayType *const found = pg::call([fcinfo]() -> ArrayType * {
    const Oid view = PG_GETARG_OID(0);
    definition means;
    if (read_definition(view, means) != nullptr) return nullptr;
    List *read = NIL;
    const auto add = [&](const char *reader, Node *expression) {
      Bitmapset *columns = nullptr;
      pull_varattnos(expression, 1, &columns);
      for (int member = -1; (member = bms_next_member(columns, member)) >= 0;) {
        const auto column = static_cast<AttrNumber>(member + FirstLowInvalidHeapAttributeNumber);
        if (column > 0) read = lappend(read, psprintf("%d %d %s %s", column, pg_mbstrlen(reader), reader, get_attname(means.table, column, false)));
      }
    };
    for (int at = 0; at < means.all_count; ++at) add(get_attname(view, means.numbers[at], false), means.columns[at]);
    add("when", means.condition);
    auto *const values = static_cast<Datum *>(palloc(sizeof(Datum) * static_cast<std::size_t>(list_length(read) + 1)));
    for (int at = 0; at < list_length(read); ++at) values[at] = CStringGetTextDatum(static_cast<const char *>(list_nth(read, at)));
    return construct_array(values, list_length(read), TEXTOID, -1, false, TYPALIGN_INT);
  });
  if (found == nullptr) return pg::null_result(fcinfo);
  return PointerGetDatum(found);
}

// (state): what is no more as it was when days were stored
HEADCOUNT_FUNCTION(headcount_state_difference) {
  if (PG_ARGISNULL(0)) return pg::null_result(fcinfo);
  const difference found = pg::call([fcinfo] {
    pg::require_owner(PG_GETARG_OID(0));
    const stored_state state = read_state(PG_GETARG_OID(0), GetActiveSnapshot());
    difference none;
    if (!state.is_there) none.definition = true;
    return state.is_there ? find_difference(state, GetActiveSnapshot()) : none;
  });
  const auto flag = [](bool is_so) { return pg::field(BoolGetDatum(is_so)); };
  return pg::make_row(fcinfo, flag(found.definition), flag(found.triggers), flag(found.gone), flag(found.come), flag(found.unlogged),
                      flag(found.bounds), flag(found.policies));
}

// (state): whether what is stored is read; waits for nobody
HEADCOUNT_FUNCTION(headcount_stored_counts) {
  if (PG_ARGISNULL(0)) return pg::null_result(fcinfo);
  const std::optional<bool> counts = pg::call([fcinfo]() -> std::optional<bool> {
    if (!pg::may_act_as_owner(PG_GETARG_OID(0))) return std::nullopt;
    const stored_state state = read_state(PG_GETARG_OID(0), GetActiveSnapshot(), false);
    if (!state.is_there) return std::nullopt;
    return !find_difference(state, GetActiveSnapshot()).any();
  });
  return counts.has_value() ? BoolGetDatum(*counts) : pg::null_result(fcinfo);
}

// (definition, denial_definition)
HEADCOUNT_FUNCTION(headcount_definition_mark) {
  pg::require_argument(fcinfo, 0, "definition");
  pg::require_argument(fcinfo, 1, "denial_definition");
  return Int64GetDatum(static_cast<std::int64_t>(pg::call([fcinfo] {
    stored_state state;
    state.definition = PG_GETARG_OID(0);
    state.denial_definition = PG_GETARG_OID(1);
    return present_definition_mark(state, GetActiveSnapshot());
  })));
}

// (triggers, relations)
HEADCOUNT_FUNCTION(headcount_tracking_mark) {
  if (PG_ARGISNULL(0) || PG_ARGISNULL(1)) return Int64GetDatum(0);
  return Int64GetDatum(static_cast<std::int64_t>(
      pg::call([fcinfo] { return tracking_mark(oids_of(PG_GETARG_DATUM(0)), oids_of(PG_GETARG_DATUM(1)), GetActiveSnapshot()); })));
}

// (time_zone, first_day, watermark)
HEADCOUNT_FUNCTION(headcount_bounds_mark) {
  pg::require_argument(fcinfo, 0, "time_zone");
  pg::require_argument(fcinfo, 2, "watermark");
  return Int64GetDatum(static_cast<std::int64_t>(pg::call([fcinfo] {
    return bounds_mark(text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_ARGISNULL(1) ? DATEVAL_NOBEGIN : PG_GETARG_DATEADT(1), PG_GETARG_DATEADT(2));
  })));
}

// (definition): the table that it reads with its partitions, or other children
HEADCOUNT_FUNCTION(headcount_source_tables) {
  pg::row_set rows(fcinfo);
  if (PG_ARGISNULL(0)) return rows.result(fcinfo);
  const List *const tree = pg::call([fcinfo]() -> List * {
    definition means;
    if (read_definition(PG_GETARG_OID(0), means) != nullptr) return NIL;
    return find_tree(means.table, means.with_children, GetActiveSnapshot());
  });
  for (int at = 0; at < list_length(tree); ++at) rows.put(pg::field(ObjectIdGetDatum(list_nth_oid(tree, at))));
  return rows.result(fcinfo);
}

namespace {

// The lock tags of tables, which the current role must own: who waits for an autovacuum ends it.
List *lock_tags(Datum relations) {
  List *tags = NIL;
  const List *const tables = oids_of(relations);
  for (int at = 0; at < list_length(tables); ++at) {
    if (!OidIsValid(pg::owner_of(list_nth_oid(tables, at)))) continue;
    pg::require_owner(list_nth_oid(tables, at));
    auto *const tag = static_cast<LOCKTAG *>(palloc(sizeof(LOCKTAG)));
    SET_LOCKTAG_RELATION(*tag, MyDatabaseId, list_nth_oid(tables, at));
    tags = lappend(tags, tag);
  }
  return tags;
}

// Whether a transaction ends before an instant.
bool ends_before(const VirtualTransactionId &transaction, TimestampTz end) {
  while (!VirtualXactLock(transaction, false)) {
    if (GetCurrentTimestamp() >= end) return false;
    (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 5, PG_WAIT_EXTENSION);
    ResetLatch(MyLatch);
    CHECK_FOR_INTERRUPTS();
  }
  return true;
}

}  // namespace

// (relations): as CREATE INDEX CONCURRENTLY does, without a lock that anybody could wait behind
HEADCOUNT_FUNCTION(headcount_wait_for_writers) {
  if (PG_ARGISNULL(0)) return Datum{0};
  pg::call([fcinfo] { WaitForLockersMultiple(lock_tags(PG_GETARG_DATUM(0)), ShareLock, false); });
  return Datum{0};
}

// (relations, patience): the same, for so many milliseconds at most
HEADCOUNT_FUNCTION(headcount_writers_are_gone) {
  return BoolGetDatum(pg::call([fcinfo] {
    const TimestampTz end = GetCurrentTimestamp() + 1000 * std::int64_t{PG_GETARG_INT32(1)};
    const List *const tags = lock_tags(PG_GETARG_DATUM(0));
    List *holders = NIL;
    for (int at = 0; at < list_length(tags); ++at) holders = lappend(holders, GetLockConflicts(static_cast<const LOCKTAG *>(list_nth(tags, at)), ShareLock, nullptr));
    for (int at = 0; at < list_length(holders); ++at)
      for (const auto *each = static_cast<const VirtualTransactionId *>(list_nth(holders, at)); VirtualTransactionIdIsValid(*each); ++each)
        if (!ends_before(*each, end)) return false;
    return true;
  }));
}

// (definition): for the owner of a source, who has just begun to store its days anew
HEADCOUNT_FUNCTION(headcount_forget_unlogged_changes) {
  pg::require_argument(fcinfo, 0, "definition");
  pg::call([fcinfo] {
    pg::require_owner(PG_GETARG_OID(0));
    forget_unlogged_changes(PG_GETARG_OID(0));
  });
  return Datum{0};
}

}  // namespace headcount::source
