#include "pg/expression.hpp"

namespace headcount::pg {
namespace {

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

}  // namespace

Node *parse_expression(Relation relation, const char *alias, const char *text) {
  ParseState *const state = make_parsestate(nullptr);
  state->p_sourcetext = text;
  Alias *const name = alias == nullptr ? nullptr : makeAlias(alias, NIL);
  ParseNamespaceItem *const item = addRangeTableEntryForRelation(state, relation, AccessShareLock, name, false, true);
  addNSItemToQuery(state, item, false, true, true);

  // As in a WHERE clause: neither aggregates nor window functions nor set-returning functions have a place there.
  Node *expression = transformExpr(state, parse_one(text), EXPR_KIND_WHERE);
  if (exprType(expression) == UNKNOWNOID)
    expression = coerce_type(state, expression, UNKNOWNOID, TEXTOID, -1, COERCION_IMPLICIT, COERCE_IMPLICIT_CAST, -1);
  assign_expr_collations(state, expression);
  free_parsestate(state);
  return expression;
}

Node *parse_stored_expression(Relation relation, const char *alias, const char *text) {
  const int nest = NewGUCNestLevel();
  set_for_now("search_path", "pg_catalog, pg_temp");
  Node *const expression = parse_expression(relation, alias, text);
  AtEOXact_GUC(true, nest);
  return expression;
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

}  // namespace headcount::pg
