#include "pg/change_log.hpp"

#include "pg/expression.hpp"

namespace headcount::pg {
namespace {

// Backend code: it owns no C++ objects and raises PostgreSQL errors.

HTAB *known_tables = nullptr;

// Counts the changes of pg_proc: an expression is prepared with the bodies of the functions that it calls.
std::uint64_t function_changes = 0;
void note_function_change(Datum, int, uint32) { ++function_changes; }

int readings = 0;

// What a trigger is told, and what headcount.rollup says of each table of a source, see headcount.logged_columns.
enum argument { tag, part, argument_count };
enum logged { table_name, zone_name, first_column, granted_before = first_column + 6, granted_after, logged_count };

// What the row of a source says of one of its tables.
struct registration {
  Oid sessions_view = InvalidOid;
  char **logged = nullptr;  // nullptr where it is not what headcount wrote there
};

Datum attribute(TupleTableSlot *slot, const char *name, bool *is_null) {
  return slot_getattr(slot, get_attnum(slot->tts_tableOid, name), is_null);
}

bool contains(Datum relations, Oid relation) {
  Datum *values = nullptr;
  bool *nulls = nullptr;
  int count = 0;
  deconstruct_array(DatumGetArrayTypeP(relations), REGCLASSOID, sizeof(Oid), true, TYPALIGN_INT, &values, &nulls, &count);
  for (int at = 0; at < count; ++at)
    if (!nulls[at] && DatumGetObjectId(values[at]) == relation) return true;
  return false;
}

char **strings_of(Datum array, int expected) {
  Datum *values = nullptr;
  bool *nulls = nullptr;
  int count = 0;
  deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &count);
  if (count != expected) return nullptr;
  auto **const strings = static_cast<char **>(palloc(sizeof(char *) * static_cast<std::size_t>(count)));
  for (int at = 0; at < count; ++at) {
    if (nulls[at]) return nullptr;
    strings[at] = TextDatumGetCString(values[at]);
  }
  return strings;
}

// The source that a trigger on a table is of, as a snapshot shows headcount.rollup. Its row is written by its owner alone,
// while anybody may make a trigger with its tag: so the row, not the trigger, says which tables are meant and how they
// are read. And as the owner may write anything there, it counts for tables of his own only.
registration find_source(Relation rollups, TriggerData *fired, Snapshot snapshot) {
  char **const arguments = fired->tg_trigger->tgargs;
  TableScanDesc const scan = table_beginscan(rollups, snapshot, 0, nullptr);
  TupleTableSlot *const slot = table_slot_create(rollups, nullptr);
  registration found;
  while (!OidIsValid(found.sessions_view) && table_scan_getnextslot(scan, ForwardScanDirection, slot)) {
    bool is_null = false;
    const Datum its_tag = attribute(slot, "trigger_tag", &is_null);
    if (is_null || std::strcmp(TextDatumGetCString(its_tag), arguments[tag]) != 0) continue;
    const Datum relations = attribute(slot, "relations", &is_null);
    if (is_null || !contains(relations, RelationGetRelid(fired->tg_relation))) continue;
    const bool of_denials = std::strcmp(arguments[part], "denials") == 0;
    const Datum logged = attribute(slot, of_denials ? "logged_denials" : "logged_sessions", &is_null);
    if (!is_null) found.logged = strings_of(logged, logged_count);
    const Oid view = DatumGetObjectId(attribute(slot, "sessions_view", &is_null)), owner = owner_of(view);
    if (OidIsValid(owner) && has_privs_of_role(owner, fired->tg_relation->rd_rel->relowner)) found.sessions_view = view;
  }
  ExecDropSingleTupleTableSlot(slot);
  table_endscan(scan);
  return found;
}

registration find_source(TriggerData *fired) {
  const Trigger *const trigger = fired->tg_trigger;
  if (trigger->tgnargs != argument_count)
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("trigger \"%s\" was not made by headcount", trigger->tgname)));
  Relation rollups = table_openrv(makeRangeVar(pstrdup("headcount"), pstrdup("rollup"), -1), AccessShareLock);
  // Not with a snapshot that SERIALIZABLE takes note of: a refresh writes this table, and that is nothing to the writer.
  registration found = find_source(rollups, fired, SnapshotSelf);
  // Such a scan can miss a row that is being updated. A trigger that is there to be fired may be younger than the
  // transaction's snapshot, hence the latest.
  if (!OidIsValid(found.sessions_view)) {
    Snapshot const latest = RegisterSnapshot(GetLatestSnapshot());
    found = find_source(rollups, fired, latest);
    UnregisterSnapshot(latest);
  }
  table_close(rollups, AccessShareLock);
  return found;
}

void begin_as_owner(other_rights &rights, Oid sessions_view) {
  const Oid owner = owner_of(sessions_view);
  if (!OidIsValid(owner)) ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("source does not exist any more")));
  rights.begin(owner);
}

// Reads what the source's row says into `table`, whose memory is `keep`.
void parse_columns(TriggerData *fired, char **logged, tracked_table &table, MemoryContext keep) {
  static constexpr Oid types[] = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, BOOLOID};
  static_assert(std::size(types) == tracked_table::column_count);
  table.granted_before = std::strtoll(logged[granted_before], nullptr, 10);
  table.granted_after = std::strtoll(logged[granted_after], nullptr, 10);
  other_rights rights;  // planning evaluates what is constant
  begin_as_owner(rights, table.sessions_view);
  other_rights::use_own_search_path();
  for (int at = 0; at < tracked_table::column_count; ++at) {
    Node *const parsed = parse_stored_expression(fired->tg_relation, logged[table_name], logged[first_column + at]);
    if (getBaseType(exprType(parsed)) != types[at])
      ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH), errmsg("expression is not of type %s", format_type_be(types[at]))));
    MemoryContext const memory = MemoryContextSwitchTo(keep);
    table.columns[at] = expression_planner(static_cast<Expr *>(copyObjectImpl(parsed)));
    MemoryContextSwitchTo(memory);
    if (!IsA(table.columns[at], Var) && !IsA(table.columns[at], Const)) table.calls_functions = true;
  }
  rights.end();
}

tracked_table *look_up(Oid trigger) {
  if (known_tables == nullptr) {
    HASHCTL control{};
    control.keysize = sizeof(Oid);
    control.entrysize = sizeof(tracked_table);
    known_tables = hash_create("headcount triggers", 16, &control, HASH_ELEM | HASH_BLOBS);
    CacheRegisterSyscacheCallback(PROCOID, note_function_change, Datum{0});
  }
  return static_cast<tracked_table *>(hash_search(known_tables, &trigger, HASH_FIND, nullptr));
}

// The log of the source, with the lock that a writer takes. nullptr where the source is gone.
Relation open_log(Oid sessions_view) {
  const Oid schema = get_rel_namespace(sessions_view);
  const Oid log = OidIsValid(schema) ? get_relname_relid("rollup_changes", schema) : InvalidOid;
  if (!OidIsValid(log)) return nullptr;
  Relation relation = try_relation_open(log, RowExclusiveLock);
  if (relation == nullptr) return nullptr;
  if (relation->rd_rel->relkind != RELKIND_RELATION || relation->rd_rel->relhasindex || RelationGetNumberOfAttributes(relation) != 2 ||
      TupleDescAttr(RelationGetDescr(relation), 0)->atttypid != DATEOID ||
      TupleDescAttr(RelationGetDescr(relation), 1)->atttypid != DATEOID)
    ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                    errmsg("\"%s\" is not a log of changed days", RelationGetRelationName(relation)),
                    errhint("It was changed by hand. headcount.alter_source with materialized => false, then true, makes it anew.")));
  return relation;
}

void append(Relation log, DateADT from_day, DateADT to_day) {
  Datum values[] = {DateADTGetDatum(from_day), DateADTGetDatum(to_day)};
  bool nulls[] = {false, false};
  HeapTuple const tuple = heap_form_tuple(RelationGetDescr(log), values, nulls);
  simple_heap_insert(log, tuple);
  heap_freetuple(tuple);
}

}  // namespace

tracked_table find_tracked_table(TriggerData *fired) {
  const Oid trigger = fired->tg_trigger->tgoid;
  if (const tracked_table *const known = call([trigger] { return look_up(trigger); })) {
    if (known->function_changes == function_changes) return *known;
    call([&] {
      if (readings == 1) MemoryContextDelete(known->memory);  // ours; else a trigger further up is at it
      hash_search(known_tables, &trigger, HASH_REMOVE, nullptr);
    });
  }
  tracked_table found{};
  found.trigger = trigger;
  found.function_changes = function_changes;
  const registration source = call([&] { return find_source(fired); });
  found.sessions_view = source.sessions_view;
  if (!OidIsValid(found.sessions_view)) return found;  // not remembered: the source may be on its way
  found.memory = call([] { return AllocSetContextCreate(TopMemoryContext, "headcount trigger", ALLOCSET_SMALL_SIZES); });
  // An expression may mean nothing any more. The user's statement goes on.
  found.is_readable = source.logged != nullptr && attempt([&] {
    call([&] { parse_columns(fired, source.logged, found, found.memory); });
    found.time_zone = &zone_named(source.logged[zone_name]);
  });
  call([&] { *static_cast<tracked_table *>(hash_search(known_tables, &trigger, HASH_ENTER, nullptr)) = found; });
  return found;
}

reading::reading() { ++readings; }
reading::~reading() { --readings; }

row_reader::row_reader(TriggerData *fired, const tracked_table &table, tracked_table::column first_wanted)
    : table_(table), first_wanted_(first_wanted) {
  call([&] {
    begin_as_owner(rights_, table_.sessions_view);
    if (table_.calls_functions) other_rights::use_own_search_path();
    estate_ = CreateExecutorState();
    MemoryContext const before = MemoryContextSwitchTo(estate_->es_query_cxt);
    (void)GetPerTupleExprContext(estate_);
    for (int at = first_wanted_; at < tracked_table::column_count; ++at)
      columns_[at] = ExecInitExpr(table_.columns[at], nullptr);
    const TupleTableSlotOps *const kind = TRIGGER_FIRED_FOR_ROW(fired->tg_event) ? &TTSOpsHeapTuple : &TTSOpsMinimalTuple;
    slot_ = MakeSingleTupleTableSlot(RelationGetDescr(fired->tg_relation), kind);
    MemoryContextSwitchTo(before);
  });
}

void row_reader::close() {
  call([&] {
    ExecDropSingleTupleTableSlot(slot_);
    FreeExecutorState(estate_);
    rights_.end();
  });
}

void row_reader::begin(Tuplestorestate *rows) {
  call([&] {
    // a place of our own to read at: other triggers read the same rows
    const int place = tuplestore_alloc_read_pointer(rows, EXEC_FLAG_REWIND);
    tuplestore_select_read_pointer(rows, place);
    tuplestore_rescan(rows);
  });
}

namespace {

// Whether the condition holds for the row in the slot; then its columns.
bool evaluate_slot(EState *estate, TupleTableSlot *slot, ExprState *const *columns, tracked_table::column first,
                   row_reader::row &found) {
  ExprContext *const context = GetPerTupleExprContext(estate);
  ResetExprContext(context);
  context->ecxt_scantuple = slot;
  for (int at = tracked_table::column_count - 1; at >= first; --at) {  // the condition first
    found.values[at] = ExecEvalExprSwitchContext(columns[at], context, &found.nulls[at]);
    if (at == tracked_table::condition && (found.nulls[at] || !DatumGetBool(found.values[at]))) return false;
    if (at < tracked_table::first_time && !found.nulls[at]) {
      MemoryContext const before = MemoryContextSwitchTo(context->ecxt_per_tuple_memory);
      found.values[at] = PointerGetDatum(PG_DETOAST_DATUM_PACKED(found.values[at]));
      MemoryContextSwitchTo(before);
    }
  }
  return true;
}

}  // namespace

bool row_reader::next(Tuplestorestate *rows, row &found) {
  return call([&] {
    while (tuplestore_gettupleslot(rows, true, false, slot_)) {
      CHECK_FOR_INTERRUPTS();
      if (evaluate_slot(estate_, slot_, columns_, first_wanted_, found)) return true;
    }
    return false;
  });
}

bool row_reader::evaluate(HeapTuple tuple, row &found) {
  return call([&] {
    ExecForceStoreHeapTuple(tuple, slot_, false);
    return evaluate_slot(estate_, slot_, columns_, first_wanted_, found);
  });
}

void log_days(const tracked_table &table, std::span<const core::day_run> runs) {
  if (runs.empty()) return;
  call([&] {
    Relation log = open_log(table.sessions_view);
    if (log == nullptr) return;
    for (const core::day_run &run : runs) append(log, run.first, run.last);
    table_close(log, NoLock);
  });
}

void log_everything(const tracked_table &table) {
  call([&] {
    Relation log = open_log(table.sessions_view);
    if (log == nullptr) return;
    append(log, DATEVAL_NOBEGIN, DATEVAL_NOEND);
    table_close(log, NoLock);
  });
}

}  // namespace headcount::pg
