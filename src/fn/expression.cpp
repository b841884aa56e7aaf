// headcount_internal.resolve_expression: the text arguments of create_source are SQL expressions over a table's columns. Here
// PostgreSQL's own parser says what they are, under the search_path of whoever wrote them, so that the views can be
// built from text that means the same under any search_path and that holds exactly one expression.

#include "pg/expression.hpp"
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

Relation open_table(Oid table) {
  Relation const relation = try_relation_open(table, AccessShareLock);
  if (relation == nullptr) ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation with OID %u does not exist", table)));
  return relation;
}

resolved resolve(Oid table, const char *text) {
  Relation relation = open_table(table);
  Node *const expression = pg::parse_expression(relation, nullptr, text);
  if (contain_volatile_functions(expression)) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION), errmsg("expression \"%s\" is volatile", text),
                    errdetail("Its value would change from one read to the next."),
                    errhint("Use functions that are stable or immutable.")));
  }
  const resolved result{pg::deparse(expression, relation), exprType(expression), exprCollation(expression)};
  relation_close(relation, AccessShareLock);
  return result;
}

// What keeps a trigger from evaluating an expression for the rows of a statement; nullptr where nothing does.
const char *find_obstacle(Oid table, const char *text) {
  Relation relation = open_table(table);
  Node *const expression = pg::parse_stored_expression(relation, nullptr, text);
  Bitmapset *columns = nullptr;
  pull_varattnos(expression, 1, &columns);
  const int first_system_column = FirstLowInvalidHeapAttributeNumber + 1 - FirstLowInvalidHeapAttributeNumber;
  const int column = bms_next_member(columns, first_system_column - 1);
  const char *found = nullptr;
  if (contain_subplans(expression))
    found = "a sub-select";
  else if (contain_mutable_functions(expression))
    found = "a function that is not immutable";
  else if (column >= 0 && column < 0 - FirstLowInvalidHeapAttributeNumber)
    found = "a system column";
  relation_close(relation, AccessShareLock);
  return found;
}

}  // namespace

// (relation, expression)
HEADCOUNT_FUNCTION(headcount_expression_obstacle) {
  const std::string_view text = pg::text_argument(fcinfo, 1, "expression");
  const char *const found =
      pg::call([&] { return find_obstacle(PG_GETARG_OID(0), pnstrdup(text.data(), text.size())); });
  if (found == nullptr) return pg::null_result(fcinfo);
  return pg::call([found] { return CStringGetTextDatum(found); });
}

HEADCOUNT_FUNCTION(headcount_resolve_expression) {
  pg::require_argument(fcinfo, 0, "relation");
  const std::string_view text = pg::text_argument(fcinfo, 1, "expression");
  const resolved result = pg::call([&] { return resolve(PG_GETARG_OID(0), pnstrdup(text.data(), text.size())); });
  pg::text_buffer shown;
  return pg::make_row(fcinfo, pg::field(shown(result.text)), pg::field(ObjectIdGetDatum(result.type)),
                      pg::field(ObjectIdGetDatum(result.collation)));
}

}  // namespace headcount::fn
