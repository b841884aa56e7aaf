// Which days of a report a query asks for. A condition on the column "day" of a view does not get into the functions that
// make its rows; so the view asks, while it is planned, what conditions there are, and reads no more than that.
//
//   SELECT ... FROM src.daily_user_counts WHERE day >= current_date - 14
//
// asked_from(src) in the view becomes greatest('-infinity', current_date - 14), and asks_from(src) becomes true: what the view
// has for the case that there is a bound is there only then. The condition itself stays where it is. What is not understood is
// no bound. In the same way a view of shared days finds out what it is asked for, by a condition on its column "request".

#include "pg/postgres.hpp"

#include "pg/compat.hpp"
#include "pg/values.hpp"
#include "source/catalog.hpp"

namespace headcount::source {
namespace {

// Backend code: it owns no C++ objects and raises PostgreSQL errors.

enum class bound { from, to };

// Whether an expression has anything that has a value only where it stands.
bool is_bound_to_its_place(Node *node, void *) {
  if (node == nullptr) return false;
  switch (nodeTag(node)) {
    case T_Var: case T_SubLink: case T_SubPlan: case T_AlternativeSubPlan: case T_PlaceHolderVar: case T_Aggref: case T_WindowFunc: case T_GroupingFunc:
    case T_CurrentOfExpr: return true;
    case T_Param: return reinterpret_cast<const Param *>(node)->paramkind != PARAM_EXTERN;
    default: return pg::compat::walk_expression(node, is_bound_to_its_place, nullptr);
  }
}

Node *without_relabel(Node *node) {
  while (node != nullptr && IsA(node, RelabelType)) node = reinterpret_cast<Node *>(reinterpret_cast<RelabelType *>(node)->arg);
  return node;
}

// The day on which an instant is, as the comparison of a day with it sees it; nullptr where it is none of ours.
Node *as_day(Node *value, bound which) {
  switch (exprType(value)) {
    case DATEOID: return value;
    case TIMESTAMPOID: return reinterpret_cast<Node *>(makeFuncExpr(F_DATE_TIMESTAMP, DATEOID, list_make1(value), InvalidOid, InvalidOid, COERCE_EXPLICIT_CAST));
    case TIMESTAMPTZOID: {  // in the zone of the session, which may have skipped a day
      const Oid instant = TIMESTAMPTZOID, function = LookupFuncName(list_make2(makeString(pstrdup("headcount_internal")), makeString(pstrdup(which == bound::from ? "day_before" : "day_there"))), 1, &instant, true);
      if (!OidIsValid(function)) return nullptr;
      return reinterpret_cast<Node *>(makeFuncExpr(function, DATEOID, list_make1(value), InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL));
    }
    default: return nullptr;
  }
}

// The bound that one condition sets to the first column of a range table entry.
Node *find_bound(Node *condition, int item, bound which) {
  if (!IsA(condition, OpExpr)) return nullptr;
  const auto *const comparison = reinterpret_cast<const OpExpr *>(condition);
  if (list_length(comparison->args) != 2) return nullptr;
  Oid op = comparison->opno;
  Node *day = without_relabel(static_cast<Node *>(linitial(comparison->args))), *value = static_cast<Node *>(lsecond(comparison->args));
  if (!IsA(day, Var)) {
    std::swap(day, value);
    day = without_relabel(day);
    op = get_commutator(op);
  }
  if (!IsA(day, Var) || !OidIsValid(op)) return nullptr;
  const auto *const column = reinterpret_cast<const Var *>(day);
  if (static_cast<int>(column->varno) != item || column->varattno != 1 || column->varlevelsup != 0 || column->vartype != DATEOID) return nullptr;
  if (is_bound_to_its_place(value, nullptr) || contain_volatile_functions(value)) return nullptr;
  // as the order of dates has it, and no other that somebody may have made
  switch (get_op_opfamily_strategy(op, lookup_type_cache(DATEOID, TYPECACHE_BTREE_OPFAMILY)->btree_opf)) {
    case BTGreaterStrategyNumber: case BTGreaterEqualStrategyNumber:
      if (which == bound::to) return nullptr;
      break;
    case BTLessStrategyNumber: case BTLessEqualStrategyNumber:
      if (which == bound::from) return nullptr;
      break;
    case BTEqualStrategyNumber: break;
    default: return nullptr;
  }
  return as_day(static_cast<Node *>(copyObjectImpl(value)), which);
}

// Appends the bounds that conditions, all of which hold, set.
void append_bounds(Node *conditions, int item, bound which, List **to) {
  if (conditions == nullptr) return;
  if (IsA(conditions, List) || is_andclause(conditions)) {
    ListCell *cell = nullptr;
    foreach (cell, IsA(conditions, List) ? reinterpret_cast<List *>(conditions) : reinterpret_cast<BoolExpr *>(conditions)->args)
      append_bounds(static_cast<Node *>(lfirst(cell)), item, which, to);
  } else if (Node *const found = find_bound(conditions, item, which)) {
    *to = lappend(*to, found);
  }
}

bool is_report(const RangeTblEntry *entry, Oid source, Oid schema, std::initializer_list<const char *> names) {
  if (entry->rtekind != RTE_FUNCTION || list_length(entry->functions) != 1) return false;
  const auto *const call = reinterpret_cast<const FuncExpr *>(linitial_node(RangeTblFunction, entry->functions)->funcexpr);
  if (!IsA(call, FuncExpr) || get_func_namespace(call->funcid) != schema || call->args == NIL) return false;
  const auto *const about = static_cast<const Const *>(linitial(call->args));
  if (!IsA(about, Const) || about->consttype != REGCLASSOID || about->constisnull || DatumGetObjectId(about->constvalue) != source) return false;
  const char *const name = get_func_name(call->funcid);
  return std::any_of(names.begin(), names.end(), [name](const char *each) { return std::strcmp(name, each) == 0; });
}

// The report of a source in a query: its range table index; 0 where there is none, -1 where it cannot be told which.
int find_report(const Query *query, Oid source, Oid schema, std::initializer_list<const char *> names) {
  int found = 0;
  for (int at = 1; at <= list_length(query->rtable); ++at) {
    if (!is_report(rt_fetch(at, query->rtable), source, schema, names)) continue;
    if (found != 0) return -1;
    found = at;
  }
  return found;
}

// The bounds that a query sets to the days of the report; whether it is there at all.
struct asked {
  bool has_report;
  List *bounds;
};

asked find_asked(const SupportRequestSimplify *request, bound which) {
  const auto *const argument = static_cast<const Const *>(linitial(request->fcall->args));
  if (!IsA(argument, Const) || argument->constisnull) return {false, NIL};
  const Oid source = DatumGetObjectId(argument->constvalue), schema = get_func_namespace(request->fcall->funcid);
  // the report is in the query that asks, or in one around it
  for (const PlannerInfo *level = request->root; level != nullptr; level = level->parent_root) {
    const int item = find_report(level->parse, source, schema, {"stored_report", "sketched_report", "live_report", "federated_report"});
    if (item < 0) return {false, NIL};
    if (item == 0) continue;
    asked found{true, NIL};
    append_bounds(level->parse->jointree->quals, item, which, &found.bounds);
    return found;
  }
  return {false, NIL};
}

// What the function for a day becomes; nullptr where no bound is known, then it stays.
Node *as_bound(const SupportRequestSimplify *request, bound which) {
  const asked found = find_asked(request, which);
  if (found.bounds == NIL) return nullptr;
  auto *const extreme = makeNode(MinMaxExpr);
  extreme->minmaxtype = DATEOID;
  extreme->op = which == bound::from ? IS_GREATEST : IS_LEAST;
  // with a value that is always there: what is compared with may be NULL
  const DateADT none = which == bound::from ? DATEVAL_NOBEGIN : DATEVAL_NOEND;
  extreme->args = lcons(makeConst(DATEOID, -1, InvalidOid, sizeof(DateADT), DateADTGetDatum(none), false, true), found.bounds);
  extreme->location = -1;
  return reinterpret_cast<Node *>(extreme);
}

// The answer to the question whether there is such a day, which is known as soon as the report is: then what depends on it
// is not even in the plan.
Node *as_answer(const SupportRequestSimplify *request, bound which) {
  const asked found = find_asked(request, which);
  return found.has_report ? makeBoolConst(found.bounds != NIL, false) : nullptr;
}

// The value that one of some conditions, all of which hold, says the first column of a range table entry is equal to.
Node *find_request(Node *conditions, int item) {
  if (conditions == nullptr) return nullptr;
  if (IsA(conditions, List) || is_andclause(conditions)) {
    ListCell *cell = nullptr;
    foreach (cell, IsA(conditions, List) ? reinterpret_cast<List *>(conditions) : reinterpret_cast<BoolExpr *>(conditions)->args)
      if (Node *const found = find_request(static_cast<Node *>(lfirst(cell)), item)) return found;
    return nullptr;
  }
  if (!IsA(conditions, OpExpr) || reinterpret_cast<const OpExpr *>(conditions)->opno != TextEqualOperator) return nullptr;
  const auto *const comparison = reinterpret_cast<const OpExpr *>(conditions);
  Node *request = without_relabel(static_cast<Node *>(linitial(comparison->args))), *value = static_cast<Node *>(lsecond(comparison->args));
  if (!IsA(request, Var)) {
    std::swap(request, value);
    request = without_relabel(request);
  }
  const auto *const column = reinterpret_cast<const Var *>(request);
  if (!IsA(request, Var) || static_cast<int>(column->varno) != item || column->varattno != 1 || column->varlevelsup != 0) return nullptr;
  if (is_bound_to_its_place(value, nullptr) || contain_volatile_functions(value)) return nullptr;
  return static_cast<Node *>(copyObjectImpl(value));
}

// The request that a query makes of a view of shared days; nullptr where none is found, then the function stays, and says so. The
// condition stays where it is, too.
Node *as_request(const SupportRequestSimplify *request, bound) {
  const auto *const argument = static_cast<const Const *>(linitial(request->fcall->args));
  if (!IsA(argument, Const) || argument->constisnull) return nullptr;
  const Oid sharing = DatumGetObjectId(argument->constvalue), schema = get_func_namespace(request->fcall->funcid);
  for (const PlannerInfo *level = request->root; level != nullptr; level = level->parent_root) {
    const int item = find_report(level->parse, sharing, schema, {"shared_report"});
    if (item < 0) return nullptr;
    if (item != 0) return find_request(level->parse->jointree->quals, item);
  }
  return nullptr;
}

using simplifier = Node *(const SupportRequestSimplify *request, bound which);

Datum support(FunctionCallInfo fcinfo, simplifier *simplify, bound which) {
  auto *const request = reinterpret_cast<Node *>(PG_GETARG_POINTER(0));
  if (!IsA(request, SupportRequestSimplify)) return Datum{0};
  return PointerGetDatum(pg::call([&] { return simplify(reinterpret_cast<const SupportRequestSimplify *>(request), which); }));
}

}  // namespace

// (source): where no condition was found
HEADCOUNT_FUNCTION(headcount_asked_from) {
  (void)fcinfo;
  return DateADTGetDatum(DATEVAL_NOBEGIN);
}
HEADCOUNT_FUNCTION(headcount_asked_to) {
  (void)fcinfo;
  return DateADTGetDatum(DATEVAL_NOEND);
}

HEADCOUNT_FUNCTION(headcount_asks) {
  (void)fcinfo;
  return BoolGetDatum(false);
}

// (at): the civil day of an instant in the zone of the session, and the one before
HEADCOUNT_FUNCTION(headcount_day_there) { return pg::call([fcinfo] { return DirectFunctionCall1(timestamptz_date, fcinfo->args[0].value); }); }
HEADCOUNT_FUNCTION(headcount_day_before) {
  const DateADT day = DatumGetDateADT(pg::call([fcinfo] { return DirectFunctionCall1(timestamptz_date, fcinfo->args[0].value); }));
  return DateADTGetDatum(DATE_NOT_FINITE(day) || !IS_VALID_DATE(day - 1) ? day : day - 1);
}

// (day, days)
HEADCOUNT_FUNCTION(headcount_days_before) {
  const DateADT day = PG_GETARG_DATEADT(0);
  if (DATE_NOT_FINITE(day)) return DateADTGetDatum(day);
  const std::int64_t before = std::int64_t{day} - PG_GETARG_INT32(1);
  return DateADTGetDatum(before < core::first_finite / core::ticks_per_day ? DATEVAL_NOBEGIN : static_cast<DateADT>(before));
}

HEADCOUNT_FUNCTION(headcount_asked_request_support) { return support(fcinfo, as_request, bound::from); }
HEADCOUNT_FUNCTION(headcount_asked_from_support) { return support(fcinfo, as_bound, bound::from); }
HEADCOUNT_FUNCTION(headcount_asked_to_support) { return support(fcinfo, as_bound, bound::to); }
HEADCOUNT_FUNCTION(headcount_asks_from_support) { return support(fcinfo, as_answer, bound::from); }
HEADCOUNT_FUNCTION(headcount_asks_to_support) { return support(fcinfo, as_answer, bound::to); }

}  // namespace headcount::source
