#include "source/catalog.hpp"

namespace headcount::source {
namespace {

constexpr const char *schema = "headcount_internal", *unlogged_changes = "unlogged_change", *unlogged_index = "unlogged_change_definition_idx";

std::uint64_t mix(std::uint64_t one, std::uint64_t other) {
  const std::uint64_t both[] = {one, other};
  return hash_bytes_extended(reinterpret_cast<const unsigned char *>(both), sizeof both, 0);
}

// The rows of a catalog that are found by one or two keys of an index, as a snapshot shows them.
template <typename Visit>
void for_each_row(Oid catalog, Oid index, std::initializer_list<std::pair<AttrNumber, Oid>> by, Snapshot snapshot, Visit &&visit) {
  ScanKeyData keys[2];
  int count = 0;
  for (const auto &[column, value] : by) ScanKeyInit(&keys[count++], column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(value));
  Relation relation = table_open(catalog, AccessShareLock);
  SysScanDesc const scan = systable_beginscan(relation, index, true, snapshot, count, keys);
  for (HeapTuple row = nullptr; HeapTupleIsValid(row = systable_getnext(scan));) visit(row);
  systable_endscan(scan);
  table_close(relation, AccessShareLock);
}

// Which object a row is of, and which version of it.
std::uint64_t version_of(HeapTuple row, Oid object) { return mix(object, HeapTupleHeaderGetRawXmin(row->t_data)); }

// The sum over the rows, as they come in no order that lasts.
std::uint64_t mark_of(Oid catalog, Oid index, AttrNumber key, Oid object, Snapshot snapshot) {
  std::uint64_t sum = 0;
  for_each_row(catalog, index, {{key, object}}, snapshot, [&](HeapTuple row) { sum += version_of(row, object); });
  return mix(catalog, sum);
}

std::uint64_t mark_of_function(Oid function, Snapshot snapshot) {
  return mark_of(ProcedureRelationId, ProcedureOidIndexId, Anum_pg_proc_oid, function, snapshot);
}

// How values of a type come out as text.
std::uint64_t mark_of_type(Oid type, Snapshot snapshot) {
  type = getBaseType(type);
  std::uint64_t sum = mark_of(EnumRelationId, EnumTypIdSortOrderIndexId, Anum_pg_enum_enumtypid, type, snapshot);
  for_each_row(TypeRelationId, TypeOidIndexId, {{Anum_pg_type_oid, type}}, snapshot,
               [&](HeapTuple row) { sum += mark_of_function(reinterpret_cast<Form_pg_type>(GETSTRUCT(row))->typoutput, snapshot); });
  return sum;
}

// What a column of a table is besides what its rows say.
std::uint64_t mark_of_column(Oid table, std::int32_t column, Snapshot snapshot) {
  std::uint64_t sum = 0;
  const Oid type = get_atttype(table, static_cast<AttrNumber>(column));
  if (type >= FirstNormalObjectId) sum += mark_of_type(type, snapshot);
  if (get_attgenerated(table, static_cast<AttrNumber>(column)) != '\0')
    for_each_row(AttrDefaultRelationId, AttrDefaultIndexId, {{Anum_pg_attrdef_adrelid, table}}, snapshot, [&](HeapTuple row) {
      const auto *const entry = reinterpret_cast<Form_pg_attrdef>(GETSTRUCT(row));
      if (entry->adnum == column) sum += version_of(row, entry->oid);
    });
  return sum;
}

std::uint64_t mark_of_dependency(const FormData_pg_depend *on, Snapshot snapshot) {
  switch (on->refclassid) {
    case ProcedureRelationId: return mark_of_function(on->refobjid, snapshot);
    case OperatorRelationId:
      return mark_of(OperatorRelationId, OperatorOidIndexId, Anum_pg_operator_oid, on->refobjid, snapshot) +
             mark_of_function(get_opcode(on->refobjid), snapshot);
    case TypeRelationId: return mark_of_type(on->refobjid, snapshot);
    case CollationRelationId: return mark_of(CollationRelationId, CollationOidIndexId, Anum_pg_collation_oid, on->refobjid, snapshot);
    case RelationRelationId: return on->refobjsubid > 0 ? mark_of_column(on->refobjid, on->refobjsubid, snapshot) : 0;
    default: return 0;
  }
}

std::uint64_t mark_of_view(Oid view, Snapshot snapshot) {
  std::uint64_t sum = 0;
  for_each_row(RelationRelationId, ClassOidIndexId, {{Anum_pg_class_oid, view}}, snapshot,
               [&](HeapTuple row) { sum += mix(view, reinterpret_cast<Form_pg_class>(GETSTRUCT(row))->relowner); });
  for_each_row(RewriteRelationId, RewriteRelRulenameIndexId, {{Anum_pg_rewrite_ev_class, view}}, snapshot, [&](HeapTuple row) {
    const Oid rule = reinterpret_cast<Form_pg_rewrite>(GETSTRUCT(row))->oid;
    sum += version_of(row, rule);
    for_each_row(DependRelationId, DependDependerIndexId, {{Anum_pg_depend_classid, RewriteRelationId}, {Anum_pg_depend_objid, rule}}, snapshot,
                 [&](HeapTuple link) { sum += mark_of_dependency(reinterpret_cast<Form_pg_depend>(GETSTRUCT(link)), snapshot); });
  });
  return mix(view, sum);
}

// The row in the catalog of Citus that says how the rows of a table are spread; 0 where there is none.
std::uint64_t mark_of_shards(Oid table, Snapshot snapshot) {
  const Oid catalog = get_relname_relid("pg_dist_partition", PG_CATALOG_NAMESPACE);
  const Oid index = OidIsValid(catalog) ? get_relname_relid("pg_dist_partition_logical_relid_index", PG_CATALOG_NAMESPACE) : InvalidOid;
  std::uint64_t sum = 0;
  if (OidIsValid(index)) for_each_row(catalog, index, {{1, table}}, snapshot, [&](HeapTuple row) { sum += version_of(row, table); });
  return sum;
}

void append_children(List **to, Oid parent, Snapshot snapshot) {
  for_each_row(InheritsRelationId, InheritsParentIndexId, {{Anum_pg_inherits_inhparent, parent}}, snapshot, [&](HeapTuple row) {
    const auto *const entry = reinterpret_cast<Form_pg_inherits>(GETSTRUCT(row));
    // PostgreSQL leaves out the temporary children of other sessions
    if (!entry->inhdetachpending && !list_member_oid(*to, entry->inhrelid) && !isOtherTempNamespace(get_rel_namespace(entry->inhrelid))) *to = lappend_oid(*to, entry->inhrelid);
  });
}

}  // namespace

Oid schema_named(const char *name) { return std::strlen(name) < NAMEDATALEN ? get_namespace_oid(name, true) : InvalidOid; }

Oid relation_in(Oid schema, const char *name) { return OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid; }

Oid internal_relation(const char *name) { return relation_in(schema_named(schema), name); }

Oid internal_type(const char *name) {
  const Oid in = schema_named(schema);
  return OidIsValid(in) ? GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(name), ObjectIdGetDatum(in)) : InvalidOid;
}

Relation open_without_waiting(Oid relation, LOCKMODE lock) {
  return ConditionalLockRelationOid(relation, lock) ? try_relation_open(relation, NoLock) : nullptr;
}

List *find_tree(Oid root, bool with_children, Snapshot snapshot) {
  if (!OidIsValid(root)) return NIL;
  List *tree = list_make1_oid(root);
  if (!with_children) return tree;
  for (int at = 0; at < list_length(tree); ++at) append_children(&tree, list_nth_oid(tree, at), snapshot);
  return tree;
}

std::uint64_t definition_mark(const Oid *views, int count, Snapshot snapshot) {
  std::uint64_t sum = 0;
  for (int at = 0; at < count; ++at) sum += mark_of_view(views[at], snapshot);
  return sum;
}

std::uint64_t tracking_mark(const List *triggers, const List *relations, Snapshot snapshot) {
  std::uint64_t sum = 0;
  ListCell *cell = nullptr;
  foreach (cell, triggers)
    for_each_row(TriggerRelationId, TriggerOidIndexId, {{Anum_pg_trigger_oid, lfirst_oid(cell)}}, snapshot, [&](HeapTuple row) {
      const auto *const entry = reinterpret_cast<Form_pg_trigger>(GETSTRUCT(row));
      sum += mix(version_of(row, entry->oid), static_cast<unsigned char>(entry->tgenabled));
    });
  foreach (cell, relations) sum += mark_of_shards(lfirst_oid(cell), snapshot);
  // a partition that was detached and came back had no triggers meanwhile, and a parent's writers fire its own triggers only
  foreach (cell, relations)
    for_each_row(InheritsRelationId, InheritsRelidSeqnoIndexId, {{Anum_pg_inherits_inhrelid, lfirst_oid(cell)}}, snapshot, [&](HeapTuple row) {
      const auto *const entry = reinterpret_cast<Form_pg_inherits>(GETSTRUCT(row));
      sum += mix(version_of(row, entry->inhrelid), entry->inhparent);
    });
  foreach (cell, relations)
    for_each_row(RelationRelationId, ClassOidIndexId, {{Anum_pg_class_oid, lfirst_oid(cell)}}, snapshot, [&](HeapTuple row) {
      const auto *const entry = reinterpret_cast<Form_pg_class>(GETSTRUCT(row));
      sum += mix(entry->oid, static_cast<std::uint64_t>(entry->relkind) << 8U | static_cast<unsigned char>(entry->relpersistence));
    });
  return sum;
}

bool is_on_shards(Oid table, Snapshot snapshot) { return mark_of_shards(table, snapshot) != 0; }

bool reads_shards(Oid relation, Snapshot snapshot) {
  if (!OidIsValid(get_relname_relid("pg_dist_partition", PG_CATALOG_NAMESPACE))) return false;
  List *read = list_make1_oid(relation);
  for (int at = 0; at < list_length(read); ++at) {
    CHECK_FOR_INTERRUPTS();
    const Oid each = list_nth_oid(read, at);
    if (is_on_shards(each, snapshot)) return true;
    append_children(&read, each, snapshot);
    if (get_rel_relkind(each) != RELKIND_VIEW) continue;
    for_each_row(RewriteRelationId, RewriteRelRulenameIndexId, {{Anum_pg_rewrite_ev_class, each}}, snapshot, [&](HeapTuple row) {
      const Oid rule = reinterpret_cast<Form_pg_rewrite>(GETSTRUCT(row))->oid;
      for_each_row(DependRelationId, DependDependerIndexId, {{Anum_pg_depend_classid, RewriteRelationId}, {Anum_pg_depend_objid, rule}}, snapshot, [&](HeapTuple link) {
        const auto *const on = reinterpret_cast<Form_pg_depend>(GETSTRUCT(link));
        if (on->refclassid == RelationRelationId) read = list_append_unique_oid(read, on->refobjid);
      });
    });
  }
  return false;
}

Oid table_of_trigger(Oid trigger) {
  Oid table = InvalidOid;
  for_each_row(TriggerRelationId, TriggerOidIndexId, {{Anum_pg_trigger_oid, trigger}}, nullptr,
               [&](HeapTuple row) { table = reinterpret_cast<Form_pg_trigger>(GETSTRUCT(row))->tgrelid; });
  return table;
}

void link_trigger(Oid trigger, Oid definition, Oid log, Oid state) {
  const ObjectAddress who{TriggerRelationId, trigger, 0};
  for (const Oid to : {definition, log, state}) {
    const ObjectAddress on{RelationRelationId, to, 0};
    recordDependencyOn(&who, &on, DEPENDENCY_AUTO);
  }
}

void tie_to_extension(Oid relation) {
  const ObjectAddress who{RelationRelationId, relation, 0}, on{ExtensionRelationId, get_extension_oid("headcount", false), 0};
  // once is enough, and CREATE OR REPLACE VIEW keeps it
  deleteDependencyRecordsForClass(RelationRelationId, relation, ExtensionRelationId, DEPENDENCY_NORMAL);
  recordDependencyOn(&who, &on, DEPENDENCY_NORMAL);
}

void tie_function_to_extension(Oid function) {
  const ObjectAddress who{ProcedureRelationId, function, 0}, on{ExtensionRelationId, get_extension_oid("headcount", false), 0};
  deleteDependencyRecordsForClass(ProcedureRelationId, function, ExtensionRelationId, DEPENDENCY_AUTO_EXTENSION);
  recordDependencyOn(&who, &on, DEPENDENCY_AUTO_EXTENSION);
}

void note_unlogged_change(Oid definition) {
  const Oid table = internal_relation(unlogged_changes);
  Relation relation = OidIsValid(table) ? try_relation_open(table, RowExclusiveLock) : nullptr;
  if (relation == nullptr) return;  // the extension goes, and takes all that is stored with it
  Datum values[] = {ObjectIdGetDatum(definition)};
  bool nulls[] = {false};
  HeapTuple const row = heap_form_tuple(RelationGetDescr(relation), values, nulls);
  CatalogTupleInsert(relation, row);
  heap_freetuple(row);
  table_close(relation, NoLock);
}

bool has_unlogged_change(Oid definition, Snapshot snapshot) {
  const Oid table = internal_relation(unlogged_changes), index = internal_relation(unlogged_index);
  bool found = false;
  if (OidIsValid(table) && OidIsValid(index)) for_each_row(table, index, {{1, definition}}, snapshot, [&](HeapTuple) { found = true; });
  return found;
}

void forget_unlogged_changes(Oid definition) {
  const Oid table = internal_relation(unlogged_changes), index = internal_relation(unlogged_index);
  if (!OidIsValid(table) || !OidIsValid(index)) return;
  Relation relation = table_open(table, RowExclusiveLock);
  for_each_row(table, index, {{1, definition}}, GetActiveSnapshot(), [&](HeapTuple row) { simple_heap_delete(relation, &row->t_self); });
  table_close(relation, NoLock);
}

}  // namespace headcount::source
