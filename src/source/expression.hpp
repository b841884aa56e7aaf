#pragma once
// SQL expressions over the columns of a table, as text, read and written by PostgreSQL itself. Backend code: it owns no C++
// objects and raises PostgreSQL errors.

#include "pg/postgres.hpp"

namespace headcount::source {

// The analyzed form of what is exactly one expression over the columns of a relation, under the current search_path.
Node *parse_expression(Relation relation, const char *text);

// The other way round: an expression over the columns of a relation (varno 1) as text that means the same under every
// search_path and every other setting.
char *deparse(Node *expression, Oid relation);

}  // namespace headcount::source
