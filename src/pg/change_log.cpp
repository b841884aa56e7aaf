#include "pg/change_log.hpp"

#include "pg/expression.hpp"

namespace headcount::pg {
namespace {

// Backend code: it owns no C++ objects and raises PostgreSQL errors.

HTAB *known_tables = nullptr;

// The arguments of a trigger, in order.
enum argument { tag, table_name, zone_name, first_column, granted_before = first_column + 6, granted_after, argument_count };

// The source with this tag, as a snapshot shows headcount.rollup.
Oid find_tag(Relation rollups, const char *tag_wanted, Snapshot snapshot) {
  const AttrNumber tag_column = get_attnum(RelationGetRelid(rollups), "trigger_tag");
  const AttrNumber view_column = get_attnum(RelationGetRelid(rollups), "sessions_view");
  TableScanDesc const scan = table_beginscan(rollups, snapshot, 0, nullptr);
  TupleTableSlot *const slot = table_slot_create(rollups, nullptr);
  Oid found = InvalidOid;
  while (!OidIsValid(found) && table_scan_getnextslot(scan, ForwardScanDirection, slot)) {
    bool is_null = false;
    const Datum value = slot_getattr(slot, tag_column, &is_null);
    if (!is_null && std::strcmp(TextDatumGetCString(value), tag_wanted) == 0)
      found = DatumGetObjectId(slot_getattr(slot, view_column, &is_null));
  }
  ExecDropSingleTupleTableSlot(slot);
  table_endscan(scan);
  return found;
}

Oid find_sessions_view(const char *of_tag) {
  Relation rollups = table_openrv(makeRangeVar(pstrdup("headcount"), pstrdup("rollup"), -1), AccessShareLock);
  // Not with a snapshot that SERIALIZABLE takes note of: a refresh writes this table, and that is nothing to the writer.
  Oid found = find_tag(rollups, of_tag, SnapshotSelf);
  // Such a scan can miss a row that is being updated. A trigger that is there to be fired may be younger than the
  // transaction's snapshot, hence the latest.
  if (!OidIsValid(found)) {
    Snapshot const latest = RegisterSnapshot(GetLatestSnapshot());
    found = find_tag(rollups, of_tag, latest);
    UnregisterSnapshot(latest);
  }
  table_close(rollups, AccessShareLock);
  return found;
}

void parse_columns(TriggerData *fired, tracked_table &table, MemoryContext keep) {
  MemoryContext const memory = CurrentMemoryContext;
  char **const arguments = fired->tg_trigger->tgargs;
  for (int at = 0; at < tracked_table::column_count; ++at) {
    Node *const parsed =
        parse_stored_expression(fired->tg_relation, arguments[table_name], arguments[first_column + at]);
    MemoryContextSwitchTo(keep);
    table.columns[at] = expression_planner(static_cast<Expr *>(copyObjectImpl(parsed)));
    MemoryContextSwitchTo(memory);
  }
}

void prepare(TriggerData *fired, tracked_table &table) {
  const Trigger *const trigger = fired->tg_trigger;
  if (trigger->tgnargs != argument_count)
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("trigger \"%s\" was not made by headcount", trigger->tgname)));
  table.sessions_view = find_sessions_view(trigger->tgargs[tag]);
  if (!OidIsValid(table.sessions_view)) return;
  MemoryContext const keep = AllocSetContextCreate(TopMemoryContext, "headcount trigger", ALLOCSET_SMALL_SIZES);
  table.granted_before = std::strtoll(trigger->tgargs[granted_before], nullptr, 10);
  table.granted_after = std::strtoll(trigger->tgargs[granted_after], nullptr, 10);
  table.time_zone = static_cast<zone *>(MemoryContextAlloc(keep, sizeof(zone)));
}

tracked_table *look_up(Oid trigger) {
  if (known_tables == nullptr) {
    HASHCTL control{};
    control.keysize = sizeof(Oid);
    control.entrysize = sizeof(tracked_table);
    known_tables = hash_create("headcount triggers", 16, &control, HASH_ELEM | HASH_BLOBS);
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
  if (const tracked_table *const known = call([trigger] { return look_up(trigger); })) return *known;
  tracked_table found{};
  found.trigger = trigger;
  call([&] { prepare(fired, found); });
  if (!OidIsValid(found.sessions_view)) return found;  // not remembered: the source may be on its way
  auto *const room = const_cast<zone *>(found.time_zone);
  MemoryContext const keep = GetMemoryChunkContext(room);
  // An expression may mean nothing any more. The user's statement goes on.
  found.is_readable = attempt([&] { call([&] { parse_columns(fired, found, keep); }); });
  MemoryContext const before = MemoryContextSwitchTo(keep);
  new (room) zone(fired->tg_trigger->tgargs[zone_name]);  // boundary() leaves with the caller's context in any case
  MemoryContextSwitchTo(before);
  call([&] { *static_cast<tracked_table *>(hash_search(known_tables, &trigger, HASH_ENTER, nullptr)) = found; });
  return found;
}

row_reader::row_reader(TriggerData *fired, const tracked_table &table, tracked_table::column first_wanted)
    : table_(table), first_wanted_(first_wanted) {
  call([&] {
    GetUserIdAndSecContext(&caller_, &caller_context_);
    HeapTuple const entry = SearchSysCache1(RELOID, ObjectIdGetDatum(table_.sessions_view));
    if (HeapTupleIsValid(entry)) {
      SetUserIdAndSecContext(reinterpret_cast<Form_pg_class>(GETSTRUCT(entry))->relowner,
                             caller_context_ | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
      ReleaseSysCache(entry);
    }
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
    SetUserIdAndSecContext(caller_, caller_context_);
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
