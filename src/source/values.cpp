// Values that reach other servers. A view of a source needs things that only the server knows that is asked: the instant that
// is now (a setting of the session), which days are stored (a table of the source), which days a query asks for (the
// planner). Its query may go to the workers of Citus, which know nothing of that, and would evaluate a function themselves.
// So the views have
//
//   as_value((SELECT headcount.as_of() FROM headcount_internal.here))
//
// Citus reads a table that is not distributed on the server that is asked, and so evaluates the subselect there, also in a query
// for one shard alone; the workers get its value. Views over other tables have what is in the subselect instead, from which the
// planner estimates, and which it need not look through. A query that is for both has as_value(), of which the planner makes what is in the
// subselect where nothing is sent, and `here` is never read.

#include "pg/postgres.hpp"

#include "pg/compat.hpp"
#include "pg/values.hpp"
#include "source/catalog.hpp"

namespace headcount::source {
namespace {

// Backend code: it owns no C++ objects and raises PostgreSQL errors.

// Whether an expression means something only in the query where it stands.
bool is_bound_to_its_query(Node *node, void *) {
  if (node == nullptr) return false;
  switch (nodeTag(node)) {
    case T_FuncExpr: case T_OpExpr: case T_Const: return pg::compat::walk_expression(node, is_bound_to_its_query, nullptr);
    default: return true;
  }
}

// The one expression x of a subselect (SELECT x FROM headcount_internal.here), nullptr for any other node.
Node *find_value(Node *node) {
  if (!IsA(node, SubLink)) return nullptr;
  const auto *const link = reinterpret_cast<const SubLink *>(node);
  if (link->subLinkType != EXPR_SUBLINK || !IsA(link->subselect, Query)) return nullptr;
  const auto *const query = reinterpret_cast<const Query *>(link->subselect);
  if (query->commandType != CMD_SELECT || query->hasAggs || query->hasWindowFuncs || query->hasTargetSRFs || query->hasSubLinks || query->cteList != NIL ||
      query->setOperations != nullptr || query->groupClause != NIL || query->groupingSets != NIL || query->havingQual != nullptr || query->limitCount != nullptr ||
      query->limitOffset != nullptr || query->rowMarks != NIL || list_length(query->rtable) != 1 || list_length(query->targetList) != 1 ||
      query->jointree->quals != nullptr || list_length(query->jointree->fromlist) != 1)
    return nullptr;
  const RangeTblEntry *const from = linitial_node(RangeTblEntry, query->rtable);
  if (from->rtekind != RTE_RELATION || from->tablesample != nullptr || from->securityQuals != NIL || from->relid != internal_relation("here")) return nullptr;
  Node *const value = reinterpret_cast<Node *>(linitial_node(TargetEntry, query->targetList)->expr);
  return is_bound_to_its_query(value, nullptr) || contain_volatile_functions(value) ? nullptr : value;
}

}  // namespace

HEADCOUNT_FUNCTION(headcount_as_value) { return fcinfo->args[0].value; }

HEADCOUNT_FUNCTION(headcount_as_value_support) {
  auto *const node = reinterpret_cast<Node *>(PG_GETARG_POINTER(0));
  if (!IsA(node, SupportRequestSimplify)) return Datum{0};
  const auto *const request = reinterpret_cast<const SupportRequestSimplify *>(node);
  return PointerGetDatum(pg::call([request]() -> Node * {
    auto *const argument = static_cast<Node *>(linitial(request->fcall->args));
    Node *const value = find_value(argument);
    if (value == nullptr) return argument;
    return eval_const_expressions(request->root, static_cast<Node *>(copyObjectImpl(value)));
  }));
}

// (relation): whether Citus keeps the rows of a table or of one of its partitions, or of a table that a view reads
HEADCOUNT_FUNCTION(headcount_is_on_shards) {
  return BoolGetDatum(pg::call([fcinfo] { return reads_shards(PG_GETARG_OID(0), GetActiveSnapshot()); }));
}

// (relation): true, where it is not planned
HEADCOUNT_FUNCTION(headcount_is_in_one_place) {
  (void)fcinfo;
  return BoolGetDatum(true);
}

// Who plans a query that was written for a table in one place, which Citus has spread by now, must hear of it: Citus may take it for
// one that each shard can answer.
HEADCOUNT_FUNCTION(headcount_is_in_one_place_support) {
  auto *const node = reinterpret_cast<Node *>(PG_GETARG_POINTER(0));
  if (!IsA(node, SupportRequestSimplify)) return Datum{0};
  const auto *const request = reinterpret_cast<const SupportRequestSimplify *>(node);
  return PointerGetDatum(pg::call([request]() -> Node * {
    const auto *const table = static_cast<const Const *>(linitial(request->fcall->args));
    if (!IsA(table, Const) || table->constisnull) return nullptr;
    const Oid relation = DatumGetObjectId(table->constvalue);
    if (reads_shards(relation, nullptr))
      ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("table \"%s\" was distributed since the source was made", get_rel_name(relation)),
                      errdetail("The views of the source read it as a table of this server."),
                      errhint("Run CALL headcount.refresh(source), or SELECT headcount.alter_source(source) where it is not materialized: both make its views anew.")));
    return makeBoolConst(true, false);
  }));
}

}  // namespace headcount::source
