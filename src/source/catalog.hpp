#pragma once
// What PostgreSQL's catalogs say of a source: its tables and partitions, its triggers, and marks of all that its stored
// days depend on. Backend code: it owns no C++ objects and raises PostgreSQL errors.

#include "pg/postgres.hpp"

namespace headcount::source {

// The schema of that name; InvalidOid if there is none, as for a name that is longer than names are: each question after one of these
// would leave another entry in PostgreSQL's cache of the catalog.
Oid schema_named(const char *name);
// A relation in a schema, whose name is one of ours; InvalidOid if there is none, or no schema.
Oid relation_in(Oid schema, const char *name);

// A relation or a type of schema headcount_internal; InvalidOid if there is none.
Oid internal_relation(const char *name);
Oid internal_type(const char *name);

// Opens a relation with a lock, to be closed with NoLock or that lock; nullptr if there is none any more, or if somebody has
// a lock for which we would have to wait.
Relation open_without_waiting(Oid relation, LOCKMODE lock);

// A table and its partitions, or other children, at any depth: those that a snapshot shows, or, without one, those that a
// query would read that is planned now.
List *find_tree(Oid root, bool with_children, Snapshot snapshot);

// A mark stands for rows of the catalogs in the versions that a snapshot shows: it changes whenever one of them is
// written, even if it is written back to what it was, since what happened in between went by other rules.

// Of the rules of views, their owners, and the functions, operators, types and collations that they use.
std::uint64_t definition_mark(const Oid *views, int count, Snapshot snapshot);
// Of triggers, and of how relations are stored.
std::uint64_t tracking_mark(const List *triggers, const List *relations, Snapshot snapshot);

// Whether Citus keeps the rows of a table, on shards or as a reference table: then triggers on the table itself see nothing of what
// is written to it. Without a snapshot, as it is now.
bool is_on_shards(Oid table, Snapshot snapshot);
// The same of a table with its partitions, or of what a view reads, at any depth.
bool reads_shards(Oid relation, Snapshot snapshot);

// The table that a trigger is on; InvalidOid if there is no such trigger.
Oid table_of_trigger(Oid trigger);

// Ties a trigger to the definition and the log that it works for: it finds them by this, and goes when one of them goes.
void link_trigger(Oid trigger, Oid definition, Oid log, Oid state);

// Has a relation go when the extension goes.
void tie_to_extension(Oid relation);
void tie_function_to_extension(Oid function);

// Notes that a change went unlogged for the source of a definition, in a table that nobody but headcount can write; says
// whether that was noted; and forgets it.
void note_unlogged_change(Oid definition);
bool has_unlogged_change(Oid definition, Snapshot snapshot);
void forget_unlogged_changes(Oid definition);

}  // namespace headcount::source
