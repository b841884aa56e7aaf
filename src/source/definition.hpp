#pragma once
// What a source means: the rules of its views "session_rows" and "denial_rows", read as PostgreSQL keeps them, with
// columns by number and functions by OID. Nothing is looked up by name, and nothing is parsed again.
//
//   SELECT lower(user_name) AS user_name, ...          what headcount makes of it
//   FROM (SELECT username AS user_name, ...            what the owner of the source wrote
//         FROM radacct) AS given
//   WHERE given.counts
//
// Backend code: it owns no C++ objects and raises PostgreSQL errors. No function here takes a lock, so that a trigger may
// call them: a writer must neither wait for a source that is being altered nor deadlock with it.

#include "pg/postgres.hpp"

namespace headcount::source {

// The columns of session_rows, by number; denial_rows has the first three and denied_at in place of started_at. Behind them in
// both are the dimensions of the source, of type text, and a NULL for each one that it has no more.
enum session_column { user_name, host, server, started_at, ended_at, last_seen, weight, end_key, session_column_count };
inline constexpr int denial_column_count = started_at + 1;
inline constexpr int max_dimensions = 8;
inline constexpr int max_columns = session_column_count + max_dimensions;

// A definition, over the columns of the one table that it reads.
struct definition {
  Oid table;
  bool with_children;  // partitions and other children of the table
  bool is_denials;
  int column_count;                 // without dimensions
  int all_count;                    // with those that are there, which follow
  Node *columns[max_columns];       // Vars of the table have varno 1
  AttrNumber numbers[max_columns];  // which columns of the view they are
  Node *condition;                  // nullptr: every row
};

// Reads the rule of a view into `found`. Returns why that cannot be done, as "it has ...", or nullptr.
const char *read_definition(Oid view, definition &found);

// Whether an expression is what headcount writes in place of one that the source was not given.
bool is_left_out(const Node *expression);

// What the owner of a source wrote, before headcount made the columns of the definition of it.
struct given_columns {
  Oid table;
  int count;
  const char *names[max_columns + 2];
  Node *expressions[max_columns + 2];  // over the columns of the table, but for
  int identity;                                 // this one, user_identity, over headcount_internal.identity_input; -1 for none
};
given_columns read_given(Oid view);

// Why changes of the table cannot be told by evaluating the definition for the rows that change; nullptr if they can.
const char *find_obstacle(const definition &of);

// An expression over the columns of `of.table` as one over those of a partition, or another child.
Node *map_to_relation(Node *expression, const definition &of, Relation child);

}  // namespace headcount::source
