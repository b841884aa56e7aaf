// The text arguments of create_source are SQL expressions over a table's columns. PostgreSQL's own parser says what they
// are, once, under the search_path of whoever wrote them; from then on the views of the source hold them.

#include "source/expression.hpp"

#include "pg/rights.hpp"
#include "pg/rows.hpp"
#include "pg/values.hpp"
#include "source/catalog.hpp"
#include "source/definition.hpp"

namespace headcount::source {
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

}  // namespace

Node *parse_expression(Relation relation, const char *text) {
  ParseState *const state = make_parsestate(nullptr);
  state->p_sourcetext = text;
  ParseNamespaceItem *const item = addRangeTableEntryForRelation(state, relation, AccessShareLock, nullptr, false, true);
  addNSItemToQuery(state, item, false, true, true);

  // As in a WHERE clause: neither aggregates nor window functions nor set-returning functions have a place there.
  Node *expression = transformExpr(state, parse_one(text), EXPR_KIND_WHERE);
  if (exprType(expression) == UNKNOWNOID)
    expression = coerce_type(state, expression, UNKNOWNOID, TEXTOID, -1, COERCION_IMPLICIT, COERCE_IMPLICIT_CAST, -1);
  assign_expr_collations(state, expression);
  free_parsestate(state);
  return expression;
}

// Names outside of pg_catalog come out qualified, since nothing else is on the path while it is written, and what settings
// could write in another way comes out as the statements that it goes into will read it.
char *deparse(Node *expression, Oid relation) {
  const int nest = NewGUCNestLevel();
  pg::other_rights::set("search_path", "pg_catalog, pg_temp");
  pg::other_rights::set("datestyle", "ISO, YMD");
  pg::other_rights::set("intervalstyle", "postgres");
  pg::other_rights::set("quote_all_identifiers", "off");
  pg::other_rights::set("standard_conforming_strings", "on");
  List *const names = deparse_context_for(get_rel_name(relation), relation);
  char *const text = deparse_expression(expression, names, false, false);
  AtEOXact_GUC(true, nest);
  return text;
}

namespace {

struct column {
  Node *expression;
  bool is_naive;
};

Node *cast_to(Node *expression, Oid type) {
  if (exprType(expression) == type) return expression;
  ParseState *const state = make_parsestate(nullptr);
  Node *const cast = coerce_to_target_type(state, expression, exprType(expression), type, -1, COERCION_EXPLICIT, COERCE_EXPLICIT_CAST, -1);
  assign_expr_collations(state, cast);
  free_parsestate(state);
  return cast;
}

Node *collate(Node *expression, Oid collation) {
  if (exprCollation(expression) == collation) return expression;
  auto *const made = makeNode(CollateExpr);
  made->arg = reinterpret_cast<Expr *>(expression);
  made->collOid = collation;
  made->location = -1;
  return reinterpret_cast<Node *>(made);
}

[[noreturn]] void refuse_type(Oid type, const char *wanted, const char *hint) {
  ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH), errmsg("expression is of type %s, not %s", format_type_be(type), wanted),
                  hint == nullptr ? 0 : errhint("%s", hint)));
}

// Only types whose text is the same whatever the reader's settings.
bool has_one_text(Oid type) {
  switch (type) {
    case INT2OID: case INT4OID: case INT8OID: case NUMERICOID: case OIDOID: case UUIDOID: case INETOID: case CIDROID: case MACADDROID: case MACADDR8OID:
      return true;
    default: break;
  }
  char category = TYPCATEGORY_INVALID;
  bool is_preferred = false;
  get_type_category_preferred(type, &category, &is_preferred);
  return category == TYPCATEGORY_STRING || category == TYPCATEGORY_UNKNOWN || category == TYPCATEGORY_ENUM;
}

// Equal must mean the same bytes, which the database's default collation guarantees.
Node *as_text(Node *expression) {
  const Oid type = getBaseType(exprType(expression));
  if (!has_one_text(type)) refuse_type(exprType(expression), "text", "Write an expression that gives text.");
  Node *const name = cast_to(expression, TEXTOID);
  const Oid collation = exprCollation(name);
  return OidIsValid(collation) && get_collation_isdeterministic(collation) ? name : collate(name, DEFAULT_COLLATION_OID);
}

column as_time(Node *expression, const char *text) {
  const Oid type = getBaseType(exprType(expression));
  if (type == TIMESTAMPTZOID || type == TIMESTAMPOID) return {cast_to(expression, type), type == TIMESTAMPOID};
  char category = TYPCATEGORY_INVALID;
  bool is_preferred = false;
  get_type_category_preferred(type, &category, &is_preferred);
  refuse_type(exprType(expression), "timestamp with time zone",
              category == TYPCATEGORY_NUMERIC ? psprintf("Where it holds seconds since 1970, write to_timestamp(%s).", text)
              : type == DATEOID ? psprintf("Write (%s)::timestamp for the start of the day in the time zone of the source.", text)
                                : "Write an expression that gives a timestamp with or without time zone.");
}

// A length of time, or a number of seconds.
Node *as_duration(Node *expression) {
  const Oid type = getBaseType(exprType(expression));
  if (type == INTERVALOID) return cast_to(expression, INTERVALOID);
  char category = TYPCATEGORY_INVALID;
  bool is_preferred = false;
  get_type_category_preferred(type, &category, &is_preferred);
  if (category != TYPCATEGORY_NUMERIC || type == OIDOID || type == REGCLASSOID) refuse_type(exprType(expression), "interval", "Write an expression that gives an interval, or a number of seconds.");
  return cast_to(expression, FLOAT8OID);
}

// A whole number, so that sums are exact.
Node *as_weight(Node *expression) {
  const Oid type = getBaseType(exprType(expression));
  if (type != INT2OID && type != INT4OID && type != INT8OID)
    refuse_type(exprType(expression), "bigint", "Weights are whole numbers. Write round(...)::bigint where they are, or count in smaller units.");
  return cast_to(expression, INT8OID);
}

column resolve(Oid table, const char *text, std::string_view kind) {
  Relation relation = relation_open(table, AccessShareLock);
  Node *const expression = parse_expression(relation, text);
  relation_close(relation, AccessShareLock);
  if (contain_volatile_functions(expression)) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION), errmsg("expression \"%s\" is volatile", text),
                    errdetail("Its value would change from one read to the next."),
                    errhint("Use functions that are stable or immutable.")));
  }
  if (kind == "text") return {as_text(expression), false};
  if (kind == "time") return as_time(expression, text);
  if (kind == "duration") return {as_duration(expression), false};
  if (kind == "weight") return {as_weight(expression), false};
  if (getBaseType(exprType(expression)) != BOOLOID) refuse_type(exprType(expression), "boolean", nullptr);
  return {cast_to(expression, BOOLOID), false};
}

void require_relation(FunctionCallInfo fcinfo, int number, const char *name) {
  pg::require_argument(fcinfo, number, name);
  const Oid relation = PG_GETARG_OID(number);
  pg::call([relation] {
    if (!OidIsValid(pg::owner_of(relation)))
      ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation with OID %u does not exist", relation)));
  });
}

}  // namespace

// (relation, expression, kind, collation)
HEADCOUNT_FUNCTION(headcount_resolve_column) {
  require_relation(fcinfo, 0, "relation");
  const std::string_view text = pg::text_argument(fcinfo, 1, "expression"), kind = pg::text_argument(fcinfo, 2, "kind");
  bool is_naive = false;
  const char *const sql = pg::call([&]() -> const char * {
    column found = resolve(PG_GETARG_OID(0), pnstrdup(text.data(), text.size()), kind);
    if (!PG_ARGISNULL(3) && OidIsValid(PG_GETARG_OID(3)) && kind == "text") found.expression = collate(found.expression, PG_GETARG_OID(3));
    is_naive = found.is_naive;
    return deparse(found.expression, PG_GETARG_OID(0));
  });
  pg::text_buffer shown;
  return pg::make_row(fcinfo, pg::field(shown(sql)), pg::field(BoolGetDatum(is_naive)));
}

// (definition): what its owner wrote, by column.
HEADCOUNT_FUNCTION(headcount_given_expressions) {
  pg::row_set rows(fcinfo);
  if (PG_ARGISNULL(0)) return rows.result(fcinfo);
  const Oid view = PG_GETARG_OID(0);
  given_columns given;
  pg::call([&] { given = read_given(view); });
  pg::text_buffer name, sql;
  for (int at = 0; at < given.count; ++at) {
    const char *const text = pg::call([&] { return deparse(given.expressions[at], at == given.identity ? internal_relation("identity_input") : given.table); });
    rows.put(pg::field(name(given.names[at])), pg::field(sql(text)),
             pg::field(BoolGetDatum(pg::call([&] { return exprType(given.expressions[at]) == TIMESTAMPOID; }))));
  }
  return rows.result(fcinfo);
}

// (definition): its columns as expressions over the table that it reads.
HEADCOUNT_FUNCTION(headcount_definition_columns) {
  pg::row_set rows(fcinfo);
  if (PG_ARGISNULL(0)) return rows.result(fcinfo);
  const Oid view = PG_GETARG_OID(0);
  definition means;
  const bool is_read = pg::call([&] { return read_definition(view, means) == nullptr; });
  if (!is_read) return rows.result(fcinfo);
  pg::text_buffer name, sql;
  for (int at = 0; at < means.all_count; ++at) {
    const char *const column = pg::call([&] { return get_attname(view, means.numbers[at], true); });
    const char *const text = pg::call([&] { return deparse(means.columns[at], means.table); });
    rows.put(pg::field(name(column == nullptr ? "" : column)), pg::field(sql(text)));
  }
  return rows.result(fcinfo);
}

// (definition): why changes cannot be told from the rows that change.
HEADCOUNT_FUNCTION(headcount_definition_obstacle) {
  if (PG_ARGISNULL(0)) return pg::null_result(fcinfo);
  const char *const found = pg::call([fcinfo]() -> const char * {
    definition means;
    if (const char *const why = read_definition(PG_GETARG_OID(0), means)) return why;
    const char *const obstacle = find_obstacle(means);
    return obstacle == nullptr ? nullptr : psprintf("it has %s", obstacle);
  });
  if (found == nullptr) return pg::null_result(fcinfo);
  return pg::call([found] { return CStringGetTextDatum(found); });
}

// (definition): the table that it reads.
HEADCOUNT_FUNCTION(headcount_definition_table) {
  if (PG_ARGISNULL(0)) return pg::null_result(fcinfo);
  const Oid table = pg::call([fcinfo] {
    definition means;
    (void)read_definition(PG_GETARG_OID(0), means);
    return means.table;
  });
  if (!OidIsValid(table)) return pg::null_result(fcinfo);
  return ObjectIdGetDatum(table);
}

}  // namespace headcount::source
