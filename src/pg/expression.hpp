#pragma once
// SQL expressions over the columns of a table, as text, read by PostgreSQL's own parser. Backend code: it owns no C++
// objects and raises PostgreSQL errors.

#include "pg/postgres.hpp"

namespace headcount::pg {

// The analyzed form of what is exactly one expression, under the current search_path. `alias` is the name of the table
// in it, nullptr for its own.
Node *parse_expression(Relation relation, const char *alias, const char *text);

// The same for text in which every name outside of pg_catalog is qualified, whatever the search_path.
Node *parse_stored_expression(Relation relation, const char *alias, const char *text);

// The other way round: an expression as such a text.
char *deparse(Node *expression, Relation relation);

}  // namespace headcount::pg
