#include "source/state.hpp"

#include "pg/compat.hpp"
#include "pg/memory.hpp"
#include "pg/rights.hpp"
#include "pg/values.hpp"
#include "pg/zone.hpp"
#include "source/catalog.hpp"
#include "source/definition.hpp"

namespace headcount::source {
namespace {

static_assert(nothing_stored == DATEVAL_NOBEGIN);

// Days of which the bounds are compared with what they were when the days were stored. Rules for days longer ago do not
// change any more, and a table may have a row of the year 1.
constexpr std::int32_t max_marked_days = 20'000;

// Backend code: it owns no C++ objects and raises PostgreSQL errors.

// The rows of a table that has our type, until `visit` returns false; the typed table keeps its columns what they are. Others
// have no rows.
template <typename Visit>
void read_rows(Oid table, const char *type, int columns, Snapshot snapshot, bool may_wait, Visit &&visit) {
  Relation relation = may_wait ? try_relation_open(table, AccessShareLock) : open_without_waiting(table, AccessShareLock);
  if (relation == nullptr) return;
  if (relation->rd_rel->relkind == RELKIND_RELATION && OidIsValid(relation->rd_rel->reloftype) && relation->rd_rel->reloftype == internal_type(type) &&
      RelationGetNumberOfAttributes(relation) == columns) {
    TableScanDesc const scan = pg::compat::begin_scan(relation, snapshot);
    TupleTableSlot *const slot = table_slot_create(relation, nullptr);
    while (table_scan_getnextslot(scan, ForwardScanDirection, slot)) {
      CHECK_FOR_INTERRUPTS();
      slot_getallattrs(slot);
      if (!visit(slot->tts_values, slot->tts_isnull)) break;
    }
    ExecDropSingleTupleTableSlot(slot);
    table_endscan(scan);
  }
  relation_close(relation, AccessShareLock);
}

bool is_same_set(const List *one, const List *other) {
  return list_length(one) == list_length(other) && list_difference_oid(one, other) == NIL;
}

// Whether a table may have rows that a snapshot shows. Waits for nobody.
bool may_have_rows(Oid table, Snapshot snapshot) {
  // A new table is empty, or its first page has a row. One that has been emptied is not looked through for each query.
  constexpr std::uint64_t most_bytes = 16 * BLCKSZ;
  Relation relation = open_without_waiting(table, AccessShareLock);
  if (relation == nullptr) return true;
  bool found = relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE;
  if (relation->rd_rel->relkind == RELKIND_RELATION && table_relation_size(relation, MAIN_FORKNUM) <= most_bytes) {
    TableScanDesc const scan = pg::compat::begin_scan(relation, snapshot);
    TupleTableSlot *const slot = table_slot_create(relation, nullptr);
    found = table_scan_getnextslot(scan, ForwardScanDirection, slot);
    ExecDropSingleTupleTableSlot(slot);
    table_endscan(scan);
  }
  relation_close(relation, AccessShareLock);
  return found;
}

struct source_tables {
  List *present = NIL;  // as the snapshot shows them
  List *planned = NIL;  // as a query would read them that is planned now
};

source_tables find_tables(const stored_state &state, Snapshot snapshot) {
  source_tables found;
  for (const Oid view : {state.definition, state.denial_definition}) {
    definition means;
    if (!OidIsValid(view) || read_definition(view, means) != nullptr) continue;
    found.present = list_concat_unique_oid(found.present, find_tree(means.table, means.with_children, snapshot));
    found.planned = list_concat_unique_oid(found.planned, find_tree(means.table, means.with_children, nullptr));
  }
  return found;
}

// What is remembered of a state: for all statements with the same snapshot, which sees the same rows and catalogs, as long
// as no command to the contrary has been heard of. (A snapshot of a transaction with the same bounds, as many
// transactions in between and the same command is the same one: transactions only ever end.)
struct snapshot_key {
  Oid state_table;
  core::instant as_of;
  TimestampTz transaction;
  TransactionId xmin, xmax;
  std::uint32_t running;
  CommandId command;
  std::uint64_t changes;

  bool operator==(const snapshot_key &) const = default;
  bool is_of_same_snapshot(const snapshot_key &other) const {
    snapshot_key same = other;
    same.changes = changes;
    return *this == same;
  }
};

struct answer {
  snapshot_key key;
  live_days days;
};

// Counts what other sessions, and this one, do to relations and to whatever else find_difference() looks at as it is now; a
// transaction that goes back to a savepoint counts too.
std::uint64_t changes = 0;
void note_relation_change(Datum, Oid) { ++changes; }
void note_other_change(Datum, pg::compat::syscache_id, uint32) { ++changes; }
void note_subtransaction(SubXactEvent event, SubTransactionId, SubTransactionId, void *) {
  if (event == SUBXACT_EVENT_ABORT_SUB) ++changes;
}

snapshot_key key_of(Oid state_table, core::instant as_of) {
  static bool is_listening = false;
  if (!is_listening) {
    CacheRegisterRelcacheCallback(note_relation_change, Datum{0});
    for (const pg::compat::syscache_id cache : {PROCOID, OPEROID, TYPEOID, ENUMOID, COLLOID, CASTSOURCETARGET, AUTHOID, AUTHMEMMEMROLE, NAMESPACEOID})
      CacheRegisterSyscacheCallback(cache, note_other_change, Datum{0});
    RegisterSubXactCallback(note_subtransaction, nullptr);
    is_listening = true;
  }
  const auto *const snapshot = GetActiveSnapshot();
  return {state_table, as_of, GetCurrentTransactionStartTimestamp(), snapshot->xmin, snapshot->xmax,
          snapshot->xcnt + static_cast<std::uint32_t>(snapshot->subxcnt), snapshot->curcid, changes};
}

// Where what is stored of the day of the watermark ends, as far as the snapshot knows of no change before and it is not later
// than an instant. core::beginning where none of it counts.
core::instant find_part_end(const stored_state &state, core::instant before) {
  if (!state.is_tracked || state.today_ends == Datum{0}) return core::beginning;
  read_rows(state.log, "invalidation", 3, GetActiveSnapshot(), true, [&](const Datum *values, const bool *nulls) {
    if (!nulls[1] && DatumGetDateADT(values[1]) < state.watermark) return true;
    before = nulls[2] ? core::beginning : std::min(before, core::instant{DatumGetTimestampTz(values[2])});
    return before != core::beginning;
  });
  Datum *ends = nullptr;
  bool *nulls = nullptr;
  int count = 0;
  deconstruct_array(DatumGetArrayTypeP(state.today_ends), TIMESTAMPTZOID, sizeof(TimestampTz), true, TYPALIGN_DOUBLE, &ends, &nulls, &count);
  core::instant found = core::beginning;
  for (int at = 0; at < count; ++at)
    if (!nulls[at] && DatumGetTimestampTz(ends[at]) <= before) found = std::max(found, core::instant{DatumGetTimestampTz(ends[at])});
  return found;
}

live_days compute(Oid state_table, core::instant as_of) {
  const auto [state, counts] = pg::call([state_table] {
    struct {
      stored_state state;
      bool counts;
    } found{read_state(state_table, GetActiveSnapshot()), true};
    if (found.state.is_there && !DATE_NOT_FINITE(found.state.watermark)) {
      // A transaction that began before the tables were registered may read them by a plan that is as old.
      found.counts = found.state.registered_at < GetCurrentTransactionStartTimestamp() &&
                     !find_difference(found.state, GetActiveSnapshot()).any();
    }
    return found;
  });
  constexpr live_days all{nothing_stored, core::beginning, false, core::beginning};
  if (!state.is_there) return all;
  const core::day_number watermark = counts ? state.watermark : state.frozen_before;
  if (DATE_NOT_FINITE(watermark)) return all;
  const pg::zone &in = pg::zone_named(state.time_zone);
  if (core::day_of(as_of, in) < state.frozen_before) {
    pg::call([&] {
      ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                      errmsg("days before %s are frozen",
                             DatumGetCString(DirectFunctionCall1(date_out, DateADTGetDatum(state.frozen_before)))),
                      errdetail("What there was at an instant before cannot be computed any more."),
                      errhint("headcount.freeze(source, NULL) gives up what is stored, and computes from the tables.")));
    });
  }
  const core::day_number first = std::max(state.frozen_before, std::min(watermark, core::day_of(as_of - state.grace, in)));
  live_days found{first, in.start_of(first), false, core::beginning};
  if (counts && first == state.watermark) {
    const core::instant part_end = pg::call([&] { return find_part_end(state, as_of - state.grace); });
    if (part_end > found.start) found = {first, part_end, true, core::day_of(as_of, in) == first ? part_end : core::beginning};
  }
  return found;
}

// The answer of the last statement that asked, kept for those that follow it: the planner asks many times.
std::optional<answer> last;

live_days find_answer(const snapshot_key &key) {
  if (!last.has_value() || last->key != key) last = answer{key, compute(key.state_table, key.as_of)};
  return last->days;
}

// What the calls of one statement were told, in the memory context that they share: it is the same for all of them, also
// if a partition comes while the statement runs.
struct told {
  told *next;
  MemoryContext memory;
  snapshot_key key;
  live_days days;
};
told *all_told = nullptr;

void forget_told(void *memory) {
  for (told **at = &all_told; *at != nullptr;) {
    if ((*at)->memory == memory)
      *at = (*at)->next;
    else
      at = &(*at)->next;
  }
}

struct known_bounds {
  char zone[128];
  DateADT first_day, end_day;
  std::uint64_t mark;
};
known_bounds last_bounds{};

}  // namespace

List *oids_of(Datum array) {
  Datum *values = nullptr;
  bool *nulls = nullptr;
  int count = 0;
  List *list = NIL;
  ArrayType *const from = DatumGetArrayTypeP(array);
  deconstruct_array(from, ARR_ELEMTYPE(from), sizeof(Oid), true, TYPALIGN_INT, &values, &nulls, &count);
  for (int at = 0; at < count; ++at)
    if (!nulls[at]) list = lappend_oid(list, DatumGetObjectId(values[at]));
  return list;
}

bool copy_row(Oid table, const char *type, bool may_wait, Datum *values, bool *nulls, int count) {
  bool found = false;
  read_rows(table, type, count, GetActiveSnapshot(), may_wait, [&](const Datum *from, const bool *from_nulls) {
    found = true;
    TupleDesc const shape = lookup_rowtype_tupdesc(internal_type(type), -1);
    for (int at = 0; at < count; ++at) {
      nulls[at] = from_nulls[at];
      const auto *const column = TupleDescAttr(shape, at);
      if (!nulls[at]) values[at] = datumCopy(from[at], column->attbyval, column->attlen);
    }
    ReleaseTupleDesc(shape);
    return false;
  });
  return found;
}

void copy_rows(Oid table, const char *type, Tuplestorestate *to, TupleDesc shape) {
  read_rows(table, type, shape->natts, GetActiveSnapshot(), false, [&](Datum *values, bool *nulls) {
    tuplestore_putvalues(to, shape, values, nulls);
    return true;
  });
}

stored_state read_state(Oid state_table, Snapshot snapshot, bool may_wait) {
  stored_state state;
  constexpr int columns = static_cast<int>(state_column::count);
  read_rows(state_table, "rollup_state", columns, snapshot, may_wait, [&](const Datum *values, const bool *nulls) {
    const auto is_null = [nulls](state_column column) { return nulls[static_cast<int>(column) - 1]; };
    const auto value = [values](state_column column) { return values[static_cast<int>(column) - 1]; };
    for (const state_column needed : {state_column::definition, state_column::denial_definition, state_column::log, state_column::definition_mark,
                                      state_column::tracking_mark, state_column::bounds_mark, state_column::registered_at, state_column::time_zone,
                                      state_column::grace, state_column::watermark, state_column::frozen_before, state_column::dictionary_buckets})
      if (is_null(needed)) return false;
    state.is_there = true;
    state.definition = DatumGetObjectId(value(state_column::definition));
    state.denial_definition = DatumGetObjectId(value(state_column::denial_definition));
    state.log = DatumGetObjectId(value(state_column::log));
    state.is_tracked = !is_null(state_column::relations) && !is_null(state_column::triggers);
    if (state.is_tracked) {
      state.relations = oids_of(value(state_column::relations));
      state.triggers = oids_of(value(state_column::triggers));
    }
    state.definition_mark = DatumGetInt64(value(state_column::definition_mark));
    state.tracking_mark = DatumGetInt64(value(state_column::tracking_mark));
    state.bounds_mark = DatumGetInt64(value(state_column::bounds_mark));
    state.registered_at = DatumGetTimestampTz(value(state_column::registered_at));
    state.time_zone = TextDatumGetCString(value(state_column::time_zone));
    state.grace = DatumGetInt64(value(state_column::grace));
    state.first_day = is_null(state_column::first_day) ? DATEVAL_NOBEGIN : DatumGetDateADT(value(state_column::first_day));
    state.watermark = DatumGetDateADT(value(state_column::watermark));
    state.frozen_before = DatumGetDateADT(value(state_column::frozen_before));
    state.dictionary_buckets = DatumGetInt32(value(state_column::dictionary_buckets));
    if (!is_null(state_column::today_ends)) state.today_ends = PointerGetDatum(DatumGetArrayTypePCopy(value(state_column::today_ends)));
    return false;
  });
  return state;
}

core::instant logged_before(Oid state_table) {
  core::instant found = core::forever;
  if (!OidIsValid(state_table)) return found;
  read_rows(state_table, "rollup_state", static_cast<int>(state_column::count), SnapshotSelf, false, [&](const Datum *values, const bool *nulls) {
    constexpr int at = static_cast<int>(state_column::logged_before) - 1;
    if (!nulls[at]) found = DatumGetTimestampTz(values[at]);
    return false;
  });
  return found;
}

std::uint64_t present_definition_mark(const stored_state &state, Snapshot snapshot) {
  // the definitions, and what is made of them: which sessions count, and which denials are false
  const Oid schema = get_rel_namespace(state.definition);
  const Oid views[] = {state.definition, state.denial_definition, get_relname_relid("sessions", schema), get_relname_relid("denials", schema),
                       get_relname_relid("session_states", schema)};
  return definition_mark(views, lengthof(views), snapshot);
}

std::uint64_t bounds_mark(const char *time_zone, DateADT first_day, DateADT end_day) {
  if (DATE_NOT_FINITE(end_day)) return 0;
  const DateADT from = DATE_NOT_FINITE(first_day) || end_day - first_day > max_marked_days ? end_day - max_marked_days : first_day;
  if (last_bounds.first_day == from && last_bounds.end_day == end_day && std::strcmp(last_bounds.zone, time_zone) == 0) return last_bounds.mark;
  const Datum zone = CStringGetTextDatum(time_zone);
  std::uint64_t mark = 0;
  for (DateADT day = from; day <= end_day; ++day) {
    const Datum start = DirectFunctionCall2(timestamp_zone, zone, TimestampGetDatum(day * core::ticks_per_day));
    mark = hash_combine64(mark, static_cast<std::uint64_t>(DatumGetTimestampTz(start)));
  }
  last_bounds.first_day = from;
  last_bounds.end_day = end_day;
  last_bounds.mark = mark;
  strlcpy(last_bounds.zone, time_zone, sizeof last_bounds.zone);
  if (std::strlen(time_zone) >= sizeof last_bounds.zone) last_bounds.zone[0] = '\0';
  return mark;
}

difference find_difference(const stored_state &state, Snapshot snapshot) {
  difference found;
  // Functions, types and rules are run as they are now, whatever the snapshot; and as the snapshot shows them, changes have
  // been logged.
  const auto mark = static_cast<std::uint64_t>(state.definition_mark);
  found.definition = present_definition_mark(state, snapshot) != mark || present_definition_mark(state, nullptr) != mark;
  found.bounds = bounds_mark(state.time_zone, state.first_day, state.watermark) != static_cast<std::uint64_t>(state.bounds_mark);
  if (!state.is_tracked) return found;
  const auto [present, planned] = find_tables(state, snapshot);
  found.gone = list_difference_oid(state.relations, present) != NIL;
  const List *const new_tables = list_difference_oid(present, state.relations);
  found.filled = !is_same_set(present, planned);
  found.come = new_tables != NIL || found.filled;
  found.triggers = tracking_mark(state.triggers, state.relations, snapshot) != static_cast<std::uint64_t>(state.tracking_mark);
  for (const Oid view : {state.definition, state.denial_definition})
    if (has_unlogged_change(view, snapshot)) found.unlogged = true;
  const Oid owner = pg::owner_of(state.definition);
  const auto look_at = [&found, owner](Oid table) {
    if (OidIsValid(table) && check_enable_rls(table, owner, true) == RLS_ENABLED) found.policies = true;
  };
  ListCell *cell = nullptr;
  foreach (cell, new_tables) found.filled = found.filled || may_have_rows(lfirst_oid(cell), snapshot);
  foreach (cell, present) look_at(lfirst_oid(cell));
  // what is stored, and the log, are read with the rights of the owner too
  const Oid schema = get_rel_namespace(state.definition);
  look_at(state.log);
  for (const char *const table : {"rollup_state", "rollup_days", "rollup_today", "rollup_totals", "rollup_dictionary"}) look_at(get_relname_relid(table, schema));
  return found;
}

live_days find_live_days(FunctionCallInfo fcinfo, Oid state_table, core::instant as_of) {
  MemoryContext const memory = fcinfo->flinfo->fn_mcxt;
  const snapshot_key key = pg::call([&] { return key_of(state_table, as_of); });
  for (const told *each = all_told; each != nullptr; each = each->next)
    if (each->memory == memory && each->key.is_of_same_snapshot(key)) return each->days;
  const live_days days = find_answer(key);
  all_told = pg::call([&] {
    auto *const made = static_cast<told *>(MemoryContextAlloc(memory, sizeof(told)));
    *made = {all_told, memory, key, days};
    auto *const at_end = static_cast<MemoryContextCallback *>(MemoryContextAlloc(memory, sizeof(MemoryContextCallback)));
    at_end->func = forget_told;
    at_end->arg = memory;
    MemoryContextRegisterResetCallback(memory, at_end);
    return made;
  });
  return days;
}

}  // namespace headcount::source
