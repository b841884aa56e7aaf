#include "source/change_log.hpp"

#include "pg/compat.hpp"
#include "source/catalog.hpp"
#include "source/state.hpp"

namespace headcount::source {
namespace {

// Backend code: it owns no C++ objects and raises PostgreSQL errors.

HTAB *known_tables = nullptr;

// Counts the changes of pg_proc: an expression is prepared with the bodies of the functions that it calls.
std::uint64_t function_changes = 0;
void note_function_change(Datum, pg::compat::syscache_id, uint32) { ++function_changes; }

std::uint64_t relation_changes = 0;
void note_relation_change(Datum, Oid relation) {
  ++relation_changes;
  HASH_SEQ_STATUS entries;
  hash_seq_init(&entries, known_tables);
  while (auto *const known = static_cast<tracked_table *>(hash_seq_search(&entries)))
    if (!OidIsValid(relation) || known->links.definition == relation || known->table == relation) known->is_stale = true;
}

int readings = 0;

tracked_table *look_up(Oid trigger) {
  if (known_tables == nullptr) {
    HASHCTL control{};
    control.keysize = sizeof(Oid);
    control.entrysize = sizeof(tracked_table);
    known_tables = hash_create("headcount triggers", 16, &control, HASH_ELEM | HASH_BLOBS);
    CacheRegisterSyscacheCallback(PROCOID, note_function_change, Datum{0});
    CacheRegisterRelcacheCallback(note_relation_change, Datum{0});
  }
  return static_cast<tracked_table *>(hash_search(known_tables, &trigger, HASH_FIND, nullptr));
}

void begin_as_owner(pg::other_rights &rights, Oid definition) {
  const Oid owner = pg::owner_of(definition);
  if (!OidIsValid(owner)) ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("source does not exist any more")));
  rights.begin(owner);
}

std::int64_t limit_of(const Trigger *trigger, trigger_argument at) { return std::strtoll(trigger->tgargs[at], nullptr, 10); }

// Prepares the definition for rows of the relation, in `keep`.
void prepare(const Trigger *trigger, Relation relation, tracked_table &table, MemoryContext keep) {
  definition means;
  if (trigger->tgnargs != trigger_argument_count || read_definition(table.links.definition, means) != nullptr || find_obstacle(means) != nullptr)
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("the definition of a source cannot be followed")));
  table.idle_limit = limit_of(trigger, idle_limit_argument);
  table.granted_before = limit_of(trigger, granted_before_argument);
  table.granted_after = limit_of(trigger, granted_after_argument);
  table.is_denials = means.is_denials;
  table.column_count = table.is_denials ? denial_column_count : end_key;
  table.all_count = table.column_count + means.all_count - means.column_count;
  pg::other_rights rights;  // planning evaluates what is constant
  begin_as_owner(rights, table.links.definition);
  pg::other_rights::use_own_search_path();
  const auto plan = [&](Node *expression) -> Expr * {
    if (expression == nullptr) return nullptr;
    MemoryContext const memory = MemoryContextSwitchTo(keep);
    Expr *const planned = expression_planner(static_cast<Expr *>(copyObjectImpl(map_to_relation(expression, means, relation))));
    MemoryContextSwitchTo(memory);
    if (!IsA(planned, Var) && !IsA(planned, Const)) table.calls_functions = true;
    return planned;
  };
  for (int at = 0; at < table.column_count; ++at) table.columns[at] = plan(means.columns[at]);
  for (int at = table.column_count; at < table.all_count; ++at) table.columns[at] = plan(means.columns[at - table.column_count + means.column_count]);
  table.condition = plan(means.condition);
  rights.end();
}

// The log, with the lock that a writer takes; nullptr where it cannot be had at once, or where it is not the log that we
// made. The writer neither waits for it nor evaluates anything that others added to it.
Relation open_log(Oid log) {
  Relation relation = open_without_waiting(log, RowExclusiveLock);
  if (relation == nullptr) return nullptr;
  const FormData_pg_class *const entry = relation->rd_rel;
  TupleDesc const shape = RelationGetDescr(relation);
  const auto is_of = [shape](int at, Oid type) { return !TupleDescAttr(shape, at)->attisdropped && TupleDescAttr(shape, at)->atttypid == type; };
  if (entry->relkind == RELKIND_RELATION && entry->relpersistence == RELPERSISTENCE_PERMANENT && !entry->relhasindex &&
      entry->relam == HEAP_TABLE_AM_OID && shape->natts == 3 && is_of(0, DATEOID) && is_of(1, DATEOID) && is_of(2, TIMESTAMPTZOID))
    return relation;
  relation_close(relation, NoLock);
  return nullptr;
}

void append(Relation log, const core::day_run &run) {
  Datum values[] = {DateADTGetDatum(run.first), DateADTGetDatum(run.last), TimestampTzGetDatum(run.from)};
  bool nulls[] = {false, false, false};
  HeapTuple const tuple = heap_form_tuple(RelationGetDescr(log), values, nulls);
  simple_heap_insert(log, tuple);
  heap_freetuple(tuple);
}

}  // namespace

namespace {

bool is_of_type(Oid table, const char *type) {
  HeapTuple const entry = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
  if (!HeapTupleIsValid(entry)) return false;
  const Oid of = reinterpret_cast<Form_pg_class>(GETSTRUCT(entry))->reloftype;
  ReleaseSysCache(entry);
  return OidIsValid(of) && of == internal_type(type);
}

}  // namespace

trigger_links find_links(Oid trigger, Oid its_table) {
  trigger_links found;
  ScanKeyData keys[2];
  ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(TriggerRelationId));
  ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(trigger));
  Relation depend = table_open(DependRelationId, AccessShareLock);
  SysScanDesc const scan = systable_beginscan(depend, DependDependerIndexId, true, nullptr, 2, keys);
  for (HeapTuple row = nullptr; HeapTupleIsValid(row = systable_getnext(scan));) {
    const auto *const link = reinterpret_cast<Form_pg_depend>(GETSTRUCT(row));
    if (link->refclassid != RelationRelationId || link->refobjid == its_table || link->deptype != DEPENDENCY_AUTO) continue;
    switch (get_rel_relkind(link->refobjid)) {
      case RELKIND_VIEW: found.definition = link->refobjid; break;
      case RELKIND_RELATION: (is_of_type(link->refobjid, "rollup_state") ? found.state : found.log) = link->refobjid; break;
      default: break;
    }
  }
  systable_endscan(scan);
  table_close(depend, AccessShareLock);
  return found;
}

bool may_read_changes(Oid definition, Relation of) {
  const Oid owner = pg::owner_of(definition);
  return OidIsValid(owner) && has_privs_of_role(owner, of->rd_rel->relowner) &&
         check_enable_rls(RelationGetRelid(of), owner, true) != RLS_ENABLED;
}

tracked_table find_tracked_table(const Trigger *trigger, Relation relation) {
  const Oid key = trigger->tgoid;
  if (const tracked_table *const known = pg::call([key] { return look_up(key); })) {
    if (known->function_changes == function_changes && !known->is_stale) return *known;
    pg::call([&] {
      if (readings == 1) MemoryContextDelete(known->memory);  // ours; else a trigger further up is at it
      hash_search(known_tables, &key, HASH_REMOVE, nullptr);
    });
  }
  tracked_table found{};
  found.trigger = key;
  found.table = RelationGetRelid(relation);
  found.function_changes = function_changes;
  const std::uint64_t changes_before = relation_changes;
  found.links = pg::call([&] { return find_links(key, found.table); });
  if (!found.links.are_there()) return found;  // not remembered: nobody's, or about to be linked
  found.memory = pg::call([] { return AllocSetContextCreate(CurrentMemoryContext, "headcount trigger", ALLOCSET_SMALL_SIZES); });
  // An expression may mean nothing any more. The user's statement goes on.
  found.is_readable = pg::attempt([&] {
    pg::call([&] { prepare(trigger, relation, found, found.memory); });
    found.time_zone = &pg::zone_named(trigger->tgargs[zone_argument]);
  });
  // preparing may run functions of others, while which anything may change, also this trigger of this session
  found.is_stale = relation_changes != changes_before;
  pg::call([&] {
    bool is_there = false;
    auto *const entry = static_cast<tracked_table *>(hash_search(known_tables, &key, HASH_ENTER, &is_there));
    if (is_there) return;  // a trigger further down has just come here, and is remembered
    MemoryContextSetParent(found.memory, TopMemoryContext);
    *entry = found;
  });
  return found;
}

bool may_move_out_of_sight(const tracked_table &table, Relation relation) {
  if (relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE) return false;
  if (!OidIsValid(table.links.state)) return true;
  // Until PostgreSQL hears of a partition no row of ours goes there, and until it hears of its triggers the answer is yes.
  static struct {
    Oid state, relation;
    std::uint64_t relation_changes;
    bool answer;
  } last{};
  if (last.state == table.links.state && last.relation == table.table && last.relation_changes == relation_changes) return last.answer;
  const std::uint64_t changes_before = relation_changes;
  const stored_state state = read_state(table.links.state, SnapshotSelf, false);
  const bool answer = !state.is_tracked || list_difference_oid(find_tree(table.table, true, nullptr), state.relations) != NIL;
  last = {table.links.state, table.table, changes_before, answer};
  return answer;
}

reading::reading() { ++readings; }
reading::~reading() { --readings; }

row_reader::row_reader(const tracked_table &table, Relation relation, const TupleTableSlotOps *rows, int first_wanted)
    : table_(table), first_wanted_(first_wanted), wanted_end_(first_wanted == user_name ? table.all_count : table.column_count) {
  pg::call([&] {
    begin_as_owner(rights_, table_.links.definition);
    if (table_.calls_functions) pg::other_rights::use_own_search_path();
    estate_ = CreateExecutorState();
    MemoryContext const before = MemoryContextSwitchTo(estate_->es_query_cxt);
    (void)GetPerTupleExprContext(estate_);
    for (int at = first_wanted_; at < wanted_end_; ++at) columns_[at] = ExecInitExpr(table_.columns[at], nullptr);
    condition_ = ExecInitExpr(table_.condition, nullptr);
    slot_ = MakeSingleTupleTableSlot(RelationGetDescr(relation), rows);
    MemoryContextSwitchTo(before);
  });
}

void row_reader::close() {
  pg::call([&] {
    ExecDropSingleTupleTableSlot(slot_);
    FreeExecutorState(estate_);
    rights_.end();
  });
}

void row_reader::begin(Tuplestorestate *rows) {
  pg::call([&] {
    // a place of our own to read at: other triggers read the same rows
    const int place = tuplestore_alloc_read_pointer(rows, EXEC_FLAG_REWIND);
    tuplestore_select_read_pointer(rows, place);
    tuplestore_rescan(rows);
  });
}

namespace {

// Whether the condition holds for the row in the slot; then its columns.
bool evaluate_slot(EState *estate, TupleTableSlot *slot, const tracked_table &table, ExprState *condition, ExprState *const *columns, int first,
                   int end, definition_row &found) {
  ExprContext *const context = GetPerTupleExprContext(estate);
  ResetExprContext(context);
  context->ecxt_scantuple = slot;
  if (condition != nullptr) {
    bool is_null = false;
    const Datum holds = ExecEvalExprSwitchContext(condition, context, &is_null);
    if (is_null || !DatumGetBool(holds)) return false;
  }
  for (int at = first; at < end; ++at) {
    found.values[at] = ExecEvalExprSwitchContext(columns[at], context, &found.nulls[at]);
    const bool is_name = at < started_at || at >= table.column_count;
    if (!is_name || found.nulls[at]) continue;
    MemoryContext const before = MemoryContextSwitchTo(context->ecxt_per_tuple_memory);
    found.values[at] = PointerGetDatum(PG_DETOAST_DATUM_PACKED(found.values[at]));
    MemoryContextSwitchTo(before);
  }
  return true;
}

}  // namespace

bool row_reader::next(Tuplestorestate *rows, definition_row &found) {
  return pg::call([&] {
    while (tuplestore_gettupleslot(rows, true, false, slot_)) {
      CHECK_FOR_INTERRUPTS();
      if (evaluate_slot(estate_, slot_, table_, condition_, columns_, first_wanted_, wanted_end_, found)) return true;
    }
    return false;
  });
}

TableScanDesc row_reader::begin_scan(Relation relation) {
  return pg::call([relation] { return pg::compat::begin_scan(relation, GetActiveSnapshot()); });
}

bool row_reader::next(TableScanDesc rows, definition_row &found) {
  return pg::call([&] {
    while (table_scan_getnextslot(rows, ForwardScanDirection, slot_)) {
      CHECK_FOR_INTERRUPTS();
      if (evaluate_slot(estate_, slot_, table_, condition_, columns_, first_wanted_, wanted_end_, found)) return true;
    }
    return false;
  });
}

bool row_reader::evaluate(HeapTuple tuple, definition_row &found) {
  return pg::call([&] {
    ExecForceStoreHeapTuple(tuple, slot_, false);
    return evaluate_slot(estate_, slot_, table_, condition_, columns_, first_wanted_, wanted_end_, found);
  });
}

core::instant log_until(const trigger_links &to) {
  return pg::call([&] { return logged_before(to.state); });
}

void log_days(const trigger_links &to, std::span<const core::day_run> runs) {
  if (runs.empty()) return;
  pg::call([&] {
    Relation log = open_log(to.log);
    if (log == nullptr) {
      note_unlogged_change(to.definition);
      return;
    }
    for (const core::day_run &run : runs) append(log, run);
    table_close(log, NoLock);
  });
}

void log_everything(const trigger_links &to) {
  const core::day_run all{core::no_first_day, core::no_last_day, {}, core::beginning};
  log_days(to, {&all, 1});
}

}  // namespace headcount::source
