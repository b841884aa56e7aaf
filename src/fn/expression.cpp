// headcount.resolve_expression: the text arguments of create_source are SQL expressions over a table's columns. Here
// PostgreSQL's own parser says what they are, under the search_path of whoever wrote them, so that the views can be
// built from text that means the same under any search_path and that holds exactly one expression.

#include "pg/rows.hpp"
#include "pg/values.hpp"

namespace headcount::fn {
namespace {

struct resolved {
  char *text;
  Oid type;
  Oid collation;
};

// Backend code from here on: it owns no C++ objects and raises PostgreSQL errors.

[[noreturn]] void refuse(const char *expression, const char *why) {
  ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("\"%s\" is not an expression", expression),
                  errdetail_internal("%s", why), errhint("Give one SQL expression over the columns of the table.")));
}

// The one expression in `text`, unanalyzed.
Node *parse_one(const char *text) {
  List *const statements = raw_parser(text, RAW_PARSE_PLPGSQL_EXPR);
  if (list_length(statements) != 1) refuse(text, "It is empty.");
  const auto *const select = castNode(SelectStmt, linitial_node(RawStmt, statements)->stmt);
  if (select->op != SETOP_NONE || select->fromClause != NIL || select->whereClause != nullptr ||
      select->groupClause != NIL || select->havingClause != nullptr || select->windowClause != NIL ||
      select->sortClause != NIL || select->limitOffset != nullptr || select->limitCount != nullptr ||
      select->lockingClause != NIL || select->distinctClause != NIL || select->withClause != nullptr ||
      select->valuesLists != NIL || select->intoClause != nullptr)
    refuse(text, "It has clauses of a query.");
  if (list_length(select->targetList) != 1) refuse(text, "It is not a single value.");
  const auto *const target = linitial_node(ResTarget, select->targetList);
  if (target->name != nullptr) refuse(text, "It has a name of its own.");
  if (IsA(target->val, ColumnRef) && IsA(llast(castNode(ColumnRef, target->val)->fields), A_Star))
    refuse(text, "It is not a single value.");
  return target->val;
}

void set_for_now(const char *name, const char *value) {
  (void)set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

// Names outside of pg_catalog come out qualified, since nothing else is on the path while it is written, and dates in
// the one order that everybody reads alike.
char *deparse(Node *expression, Relation relation) {
  const int nest = NewGUCNestLevel();
  set_for_now("search_path", "pg_catalog, pg_temp");
  set_for_now("datestyle", "ISO, YMD");
  set_for_now("intervalstyle", "postgres");
  List *const names = deparse_context_for(RelationGetRelationName(relation), RelationGetRelid(relation));
  char *const text = deparse_expression(expression, names, false, false);
  AtEOXact_GUC(true, nest);
  return text;
}

resolved resolve(Oid table, const char *text) {
  Relation relation = relation_open(table, AccessShareLock);
  ParseState *const state = make_parsestate(nullptr);
  state->p_sourcetext = text;
  ParseNamespaceItem *const item =
      addRangeTableEntryForRelation(state, relation, AccessShareLock, nullptr, false, true);
  addNSItemToQuery(state, item, false, true, true);

  // As in a WHERE clause: neither aggregates nor window functions nor set-returning functions have a place there.
  Node *expression = transformExpr(state, parse_one(text), EXPR_KIND_WHERE);
  if (exprType(expression) == UNKNOWNOID)
    expression = coerce_type(state, expression, UNKNOWNOID, TEXTOID, -1, COERCION_IMPLICIT, COERCE_IMPLICIT_CAST, -1);
  assign_expr_collations(state, expression);
  if (contain_volatile_functions(expression)) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION), errmsg("expression \"%s\" is volatile", text),
                    errdetail("Its value would change from one read to the next."),
                    errhint("Use functions that are stable or immutable.")));
  }
  const resolved result{deparse(expression, relation), exprType(expression), exprCollation(expression)};
  free_parsestate(state);
  relation_close(relation, AccessShareLock);
  return result;
}

}  // namespace

HEADCOUNT_FUNCTION(resolve_expression) {
  pg::require_argument(fcinfo, 0, "relation");
  const std::string_view text = pg::text_argument(fcinfo, 1, "expression");
  const resolved result = pg::call([&] { return resolve(PG_GETARG_OID(0), pnstrdup(text.data(), text.size())); });
  pg::text_buffer shown;
  return pg::make_row(fcinfo, pg::field(shown(result.text)), pg::field(ObjectIdGetDatum(result.type)),
                      pg::field(ObjectIdGetDatum(result.collation)));
}

}  // namespace headcount::fn
