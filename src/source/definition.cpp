#include "source/definition.hpp"

#include "pg/compat.hpp"
#include "pg/zone.hpp"

namespace headcount::source {
namespace {

// Why a query is more than columns and a condition over one FROM item; nullptr if it is not.
const char *find_complication(const Query *query) {
  if (query->commandType != CMD_SELECT || query->setOperations != nullptr || query->cteList != NIL) return "it is not one plain query";
  if (query->hasAggs || query->groupClause != NIL || query->groupingSets != NIL || query->havingQual != nullptr) return "it has an aggregate";
  if (query->hasWindowFuncs) return "it has a window function";
  if (query->hasTargetSRFs) return "it has a function that returns a set";
  if (query->hasSubLinks) return "it has a sub-select";
  if (query->distinctClause != NIL || query->limitCount != nullptr || query->limitOffset != nullptr) return "it leaves rows out by their place";
  if (query->jointree == nullptr || list_length(query->jointree->fromlist) != 1 ||
      !IsA(linitial(query->jointree->fromlist), RangeTblRef))
    return "it does not read from one table";
  return nullptr;
}

struct substitution {
  int from;              // the range table entry whose columns are replaced
  List *columns;         // by these expressions; NIL: Vars are only renumbered
  bool has_failed;
};

Node *substitute(Node *node, void *how) {
  if (node == nullptr) return nullptr;
  auto *const by = static_cast<substitution *>(how);
  if (IsA(node, Var)) {
    const auto *const var = reinterpret_cast<Var *>(node);
    if (var->varno != by->from || var->varlevelsup != 0) {
      by->has_failed = true;
      return node;
    }
    if (by->columns == NIL) {
      auto *const own = static_cast<Var *>(copyObjectImpl(node));
      own->varno = own->varnosyn = 1;
      own->varattnosyn = own->varattno;
      return reinterpret_cast<Node *>(own);
    }
    if (var->varattno < 1 || var->varattno > list_length(by->columns)) {
      by->has_failed = true;
      return node;
    }
    return static_cast<Node *>(copyObjectImpl(list_nth(by->columns, var->varattno - 1)));
  }
  return pg::compat::mutate_expression(node, substitute, how);
}

// The columns of a query and its condition, over the one table that is at the bottom of it.
const char *flatten(const Query *query, definition &found, List **columns, Node **condition) {
  if (const char *const why = find_complication(query)) return why;
  const int at = linitial_node(RangeTblRef, query->jointree->fromlist)->rtindex;
  const RangeTblEntry *const item = rt_fetch(at, query->rtable);
  List *inner_columns = NIL;
  Node *inner_condition = nullptr;
  if (item->rtekind == RTE_SUBQUERY) {
    if (const char *const why = flatten(item->subquery, found, &inner_columns, &inner_condition)) return why;
  } else if (item->rtekind == RTE_RELATION && item->tablesample == nullptr) {
    found.table = item->relid;
    found.with_children = item->inh;
  } else {
    return "it does not read from a table";
  }
  substitution by{at, inner_columns, false};
  *columns = NIL;
  ListCell *cell = nullptr;
  foreach (cell, query->targetList) {
    const auto *const target = lfirst_node(TargetEntry, cell);
    if (target->resjunk) continue;
    *columns = lappend(*columns, substitute(reinterpret_cast<Node *>(target->expr), &by));
  }
  Node *const outer_condition = substitute(query->jointree->quals, &by);
  *condition = inner_condition == nullptr   ? outer_condition
               : outer_condition == nullptr ? inner_condition
                                            : reinterpret_cast<Node *>(makeBoolExpr(AND_EXPR, list_make2(inner_condition, outer_condition), -1));
  return by.has_failed ? "it has a reference to something else than the columns of its table" : nullptr;
}

Query *read_rule(Oid view) {
  HeapTuple const rule = SearchSysCache2(RULERELNAME, ObjectIdGetDatum(view), PointerGetDatum(ViewSelectRuleName));
  if (!HeapTupleIsValid(rule)) return nullptr;
  bool is_null = false;
  const Datum action = SysCacheGetAttr(RULERELNAME, rule, Anum_pg_rewrite_ev_action, &is_null);
  auto *const queries = static_cast<List *>(stringToNode(TextDatumGetCString(action)));
  ReleaseSysCache(rule);
  return list_length(queries) == 1 ? linitial_node(Query, queries) : nullptr;
}

int count_columns(Oid relation) {
  HeapTuple const entry = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
  if (!HeapTupleIsValid(entry)) return 0;
  const int count = reinterpret_cast<Form_pg_class>(GETSTRUCT(entry))->relnatts;
  ReleaseSysCache(entry);
  return count;
}

bool has_virtual_column(const definition &of, const Bitmapset *columns) {
  for (int member = -1; (member = bms_next_member(columns, member)) >= 0;) {
    const auto number = static_cast<AttrNumber>(member + FirstLowInvalidHeapAttributeNumber);
    if (number > 0 && get_attgenerated(of.table, number) == 'v') return true;
  }
  return false;
}

}  // namespace

const char *read_definition(Oid view, definition &found) {
  found = definition{};
  const Query *const query = read_rule(view);
  if (query == nullptr) return "it is not a view";
  List *columns = NIL;
  if (const char *const why = flatten(query, found, &columns, &found.condition)) return why;
  static constexpr Oid types[] = {TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID};
  const auto column = [columns](int at) { return static_cast<Node *>(list_nth(columns, at)); };
  // what is behind the instant of a denial is a dimension, and of type text
  found.is_denials = list_length(columns) <= ended_at || exprType(column(ended_at)) == TEXTOID;
  found.column_count = found.is_denials ? denial_column_count : session_column_count;
  if (list_length(columns) < found.column_count) return "it has other columns";
  for (int at = 0; at < list_length(columns); ++at) {
    const bool is_dimension = at >= found.column_count;
    if (is_dimension ? exprType(column(at)) != TEXTOID : at < end_key && exprType(column(at)) != types[at])
      return is_dimension ? "it has other columns" : "its columns have other types";
    if (is_dimension && is_left_out(column(at))) continue;
    if (found.all_count == max_columns) return "it has other columns";
    found.columns[found.all_count] = column(at);
    found.numbers[found.all_count++] = static_cast<AttrNumber>(at + 1);
  }
  return nullptr;
}

// A NULL, in a view that was replaced with the collation that the column had.
bool is_left_out(const Node *expression) {
  if (IsA(expression, CollateExpr)) expression = reinterpret_cast<const Node *>(reinterpret_cast<const CollateExpr *>(expression)->arg);
  return IsA(expression, Const) && reinterpret_cast<const Const *>(expression)->constisnull;
}

given_columns read_given(Oid view) {
  given_columns found{InvalidOid, 0, {}, {}, -1};
  const Query *const outer = read_rule(view);
  if (outer == nullptr || find_complication(outer) != nullptr) return found;
  const int at = linitial_node(RangeTblRef, outer->jointree->fromlist)->rtindex;
  const RangeTblEntry *const item = rt_fetch(at, outer->rtable);
  if (item->rtekind != RTE_SUBQUERY || find_complication(item->subquery) != nullptr) return found;
  const Query *const inner = item->subquery;
  const int table = linitial_node(RangeTblRef, inner->jointree->fromlist)->rtindex;
  if (rt_fetch(table, inner->rtable)->rtekind != RTE_RELATION) return found;
  found.table = rt_fetch(table, inner->rtable)->relid;
  const auto add = [&](const char *name, TargetEntry *target, int from) {
    if (found.count >= static_cast<int>(lengthof(found.names))) return;
    substitution by{from, NIL, false};
    found.names[found.count] = name;
    found.expressions[found.count++] = substitute(reinterpret_cast<Node *>(target->expr), &by);
  };
  ListCell *cell = nullptr;
  foreach (cell, inner->targetList) {
    auto *const target = lfirst_node(TargetEntry, cell);
    if (!target->resjunk && !is_left_out(reinterpret_cast<const Node *>(target->expr))) add(target->resname, target, table);
  }
  auto *const user = linitial_node(TargetEntry, outer->targetList);
  if (!IsA(user->expr, Var)) {
    found.identity = found.count;
    add("user_identity", user, at);
  }
  return found;
}

// What a text search configuration or dictionary does can be changed, and nothing that a mark is made of tells.
bool has_text_search(Node *node, void *) {
  if (node == nullptr) return false;
  if (IsA(node, Const)) {
    const Oid type = reinterpret_cast<const Const *>(node)->consttype;
    return type == REGCONFIGOID || type == REGDICTIONARYOID;
  }
  return pg::compat::walk_expression(node, has_text_search, nullptr);
}

// PostgreSQL calls these functions immutable, and yet settings of the session say what they give: extra_float_digits,
// bytea_output, quote_all_identifiers.
bool is_ruled_by_settings(Oid function, void *) {
  switch (function) {
    case F_FLOAT4OUT: case F_FLOAT8OUT: case F_POINT_OUT: case F_LSEG_OUT: case F_PATH_OUT: case F_BOX_OUT: case F_POLY_OUT: case F_LINE_OUT: case F_CIRCLE_OUT:
    case F_BYTEAOUT: case F_QUOTE_IDENT: return true;
    default: return false;
  }
}
// The zone that a function finds by its name, nullptr for other functions: such names are abbreviations first, and what these mean is
// the setting timezone_abbreviations.
const Node *zone_by_name(const FuncExpr *call) {
  switch (call->funcid) {
    case F_TIMEZONE_TEXT_TIMESTAMP: case F_TIMEZONE_TEXT_TIMESTAMPTZ: case F_TIMEZONE_TEXT_TIMETZ: return linitial_node(Node, call->args);
#ifdef F_DATE_ADD_TIMESTAMPTZ_INTERVAL_TEXT
    case F_DATE_ADD_TIMESTAMPTZ_INTERVAL_TEXT: case F_DATE_SUBTRACT_TIMESTAMPTZ_INTERVAL_TEXT: return lthird_node(Node, call->args);
#endif
    default: return nullptr;
  }
}
bool may_be_abbreviation(const Node *zone) {
  if (!IsA(zone, Const)) return true;
  const auto *const given = reinterpret_cast<const Const *>(zone);
  return !given->constisnull && pg::is_abbreviation(TextDatumGetCString(given->constvalue));
}

bool depends_on_settings(Node *node, void *) {
  if (node == nullptr) return false;
  if (IsA(node, FuncExpr)) {
    const Node *const zone = zone_by_name(reinterpret_cast<const FuncExpr *>(node));
    if (zone != nullptr && may_be_abbreviation(zone)) return true;
  }
  // xmlbinary and xmloption
  return IsA(node, XmlExpr) || check_functions_in_node(node, is_ruled_by_settings, nullptr) || pg::compat::walk_expression(node, depends_on_settings, nullptr);
}

const char *find_obstacle(const definition &of) {
  Bitmapset *columns = nullptr;
  const auto look_at = [&columns](Node *expression) -> const char * {
    if (contain_subplans(expression)) return "a sub-select";
    if (contain_mutable_functions(expression)) return "a function that is not immutable";
    if (depends_on_settings(expression, nullptr)) return "a value that depends on settings";
    if (has_text_search(expression, nullptr)) return "a text search configuration";
    pull_varattnos(expression, 1, &columns);
    return nullptr;
  };
  for (int at = 0; at < of.all_count; ++at)
    if (const char *const found = look_at(of.columns[at])) return found;
  if (const char *const found = look_at(of.condition)) return found;
  const int first_column = 1 - FirstLowInvalidHeapAttributeNumber, whole_row = first_column - 1;
  for (int member = -1; (member = bms_next_member(columns, member)) >= 0;)
    if (member <= whole_row) return member == whole_row ? "a reference to a whole row" : "a system column";
  if (has_virtual_column(of, columns)) return "a virtual generated column";
  return nullptr;
}

Node *map_to_relation(Node *expression, const definition &of, Relation child) {
  if (expression == nullptr || RelationGetRelid(child) == of.table) return expression;
  const int count = count_columns(of.table);
  AttrMap *const map = make_attrmap(count);
  for (int number = 1; number <= count; ++number) {
    char *const name = get_attname(of.table, static_cast<AttrNumber>(number), true);
    map->attnums[number - 1] = name == nullptr ? InvalidAttrNumber : get_attnum(RelationGetRelid(child), name);
  }
  bool has_whole_row = false;
  return map_variable_attnos(expression, 1, 0, map, child->rd_rel->reltype, &has_whole_row);
}

}  // namespace headcount::source
