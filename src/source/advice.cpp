// What is odd in an expression that somebody gave, though it is right: for what create_source remarks.

#include "pg/compat.hpp"
#include "pg/rights.hpp"
#include "pg/rows.hpp"
#include "pg/values.hpp"
#include "source/expression.hpp"

namespace headcount::source {
namespace {

// The present, in one of its spellings.
bool reads_clock(Node *node, void *) {
  if (node == nullptr) return false;
  if (IsA(node, FuncExpr)) {
    const Oid function = reinterpret_cast<const FuncExpr *>(node)->funcid;
    if (function == F_NOW || function == F_TRANSACTION_TIMESTAMP || function == F_STATEMENT_TIMESTAMP) return true;
  }
  if (IsA(node, SQLValueFunction)) {
    const Oid type = reinterpret_cast<const SQLValueFunction *>(node)->type;
    if (type == DATEOID || type == TIMESTAMPTZOID || type == TIMESTAMPOID || type == TIMETZOID || type == TIMEOID) return true;
  }
  return pg::compat::walk_expression(node, reads_clock, nullptr);
}

bool is_text(Oid type) {
  char category = TYPCATEGORY_INVALID;
  bool is_preferred = false;
  get_type_category_preferred(getBaseType(type), &category, &is_preferred);
  return category == TYPCATEGORY_STRING;
}

// An instant made of what is none without the time zone of the session: a date, a time without zone, text.
bool reads_zone(Node *node, void *) {
  if (node == nullptr) return false;
  if (IsA(node, FuncExpr)) {
    const Oid function = reinterpret_cast<const FuncExpr *>(node)->funcid;
    if (function == F_TIMESTAMPTZ_DATE || function == F_TIMESTAMPTZ_TIMESTAMP || function == F_TO_TIMESTAMP_TEXT_TEXT) return true;
  }
  if (IsA(node, CoerceViaIO)) {
    const auto *const cast = reinterpret_cast<const CoerceViaIO *>(node);
    if (cast->resulttype == TIMESTAMPTZOID && is_text(exprType(reinterpret_cast<const Node *>(cast->arg)))) return true;
  }
  return pg::compat::walk_expression(node, reads_zone, nullptr);
}

// What is below the casts and collations on top of an expression.
Node *below_casts(Node *node) {
  for (;;) {
    if (IsA(node, RelabelType))
      node = reinterpret_cast<Node *>(castNode(RelabelType, node)->arg);
    else if (IsA(node, CoerceViaIO))
      node = reinterpret_cast<Node *>(castNode(CoerceViaIO, node)->arg);
    else if (IsA(node, CollateExpr))
      node = reinterpret_cast<Node *>(castNode(CollateExpr, node)->arg);
    else if (IsA(node, FuncExpr) && castNode(FuncExpr, node)->funcformat != COERCE_EXPLICIT_CALL && list_length(castNode(FuncExpr, node)->args) > 0 &&
             castNode(FuncExpr, node)->funcformat != COERCE_SQL_SYNTAX)
      node = linitial_node(Node, castNode(FuncExpr, node)->args);
    else
      return node;
  }
}

// Why values that are equal for their type need not have the same bytes; nullptr if they have.
const char *looseness_of(Node *expression) {
  Node *const value = below_casts(expression);
  const Oid type = getBaseType(exprType(value)), collation = exprCollation(value);
  if (type == NUMERICOID) return exprTypmod(value) < 0 ? "numeric" : nullptr;
  if (type >= FirstNormalObjectId) {
    const char *const name = format_type_extended(type, -1, FORMAT_TYPE_ALLOW_INVALID);
    const char *const dot = strrchr(name, '.');
    if (strcmp(dot == nullptr ? name : dot + 1, "citext") == 0) return "citext";
  }
  return IsA(value, Var) && OidIsValid(collation) && !get_collation_isdeterministic(collation) ? "collation" : nullptr;
}

}  // namespace

// (relation, expression)
HEADCOUNT_FUNCTION(headcount_expression_traits) {
  pg::require_argument(fcinfo, 0, "relation");
  const std::string_view text = pg::text_argument(fcinfo, 1, "expression");
  bool clock = false, zone = false, is_constant = false;
  const char *looseness = nullptr;
  pg::call([&] {
    if (!OidIsValid(pg::owner_of(PG_GETARG_OID(0))))
      ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation with OID %u does not exist", PG_GETARG_OID(0))));
    Relation relation = relation_open(PG_GETARG_OID(0), AccessShareLock);
    Node *const expression = parse_expression(relation, pnstrdup(text.data(), text.size()));
    relation_close(relation, AccessShareLock);
    clock = reads_clock(expression, nullptr);
    zone = reads_zone(expression, nullptr);
    is_constant = !contain_var_clause(expression) && !contain_subplans(expression);
    looseness = looseness_of(expression);
  });
  pg::text_buffer name;
  return pg::make_row(fcinfo, pg::field(BoolGetDatum(clock)), pg::field(BoolGetDatum(zone)), pg::field(BoolGetDatum(is_constant)),
                      looseness == nullptr ? pg::field() : pg::field(name(std::string_view(looseness))));
}

}  // namespace headcount::source
