#pragma once
// What the triggers of a materialized source need of PostgreSQL: the source's definition over the rows that a statement
// changed, and its invalidation log.
//
// A trigger is tied to the definition (a view), to the log and to the state of its source by dependencies in pg_depend, which link_trigger makes and
// nobody else can: so it finds them by OID, whatever they are called by now, it goes with them, and a trigger that
// somebody else makes with the same function has no source and does nothing.
//
// A statement of one row pays for all of this, so nothing goes through the SQL parser or the executor but the
// expressions: those are prepared once in a session, and the log is a table without indexes that is appended to directly.
// The writer waits for nothing: no lock is taken but one on the log, and that only if nobody has a stronger one.

#include "pg/postgres.hpp"

#include "core/time/changed_days.hpp"
#include "pg/attempt.hpp"
#include "pg/boundary.hpp"
#include "pg/rights.hpp"
#include "pg/zone.hpp"
#include "source/definition.hpp"

namespace headcount::source {

// What a trigger is told by its arguments, see headcount_internal.create_triggers: the time zone of the source, and
// limits in microseconds, -1 for none.
enum trigger_argument { zone_argument, idle_limit_argument, granted_before_argument, granted_after_argument, trigger_argument_count };

// What a trigger depends on; InvalidOid where somebody else made it.
struct trigger_links {
  Oid definition = InvalidOid;  // the view
  Oid log = InvalidOid;
  Oid state = InvalidOid;
  bool are_there() const { return OidIsValid(definition) && OidIsValid(log); }
};
// Backend code.
trigger_links find_links(Oid trigger, Oid its_table);

// A row of the definition.
struct definition_row {
  Datum values[max_columns];  // those of the definition that a trigger asks for, then its dimensions
  bool nulls[max_columns];
};

// What is known of the table that a trigger fired for.
struct tracked_table {
  Oid trigger;  // the key it is remembered under
  Oid table;
  trigger_links links;
  bool is_readable;       // whether the definition can be evaluated; if not, nothing below is there
  bool is_denials;
  bool calls_functions;   // which look things up along a search path
  int column_count;     // of those before the dimensions
  int all_count;
  Expr *columns[max_columns];
  Expr *condition;        // nullptr: every row
  std::int64_t idle_limit, granted_before, granted_after;  // ticks; negative for none
  const pg::zone *time_zone;
  std::uint64_t function_changes;  // as they were when this was read
  bool is_stale;                   // the view or the table has changed since
  MemoryContext memory;            // of what this points to
};

// As long as there is one of these, what find_tracked_table() returned stays what it is.
struct reading {
  reading();
  reading(const reading &) = delete;
  reading &operator=(const reading &) = delete;
  ~reading();
};

// What is known of a trigger on a relation, remembered for the session. Throws backend_error.
tracked_table find_tracked_table(const Trigger *trigger, Relation relation);

// Whether an update through this relation may move rows to a partition that came since tables were registered: what happens to
// them there is not logged. Backend code.
bool may_move_out_of_sight(const tracked_table &table, Relation relation);

// Whether the owner of a source may see the changes of a table as they are: the table is his, and no policy of row level
// security hides rows from him. Backend code.
bool may_read_changes(Oid definition, Relation of);

// Evaluates the definition for one row after the other, with the rights of the source's owner.
class row_reader {
 public:
  // Columns before the first one that is wanted are not evaluated, nor are dimensions if that is not the first of all.
  row_reader(const tracked_table &table, Relation relation, const TupleTableSlotOps *rows, int first_wanted);
  row_reader(const row_reader &) = delete;
  row_reader &operator=(const row_reader &) = delete;
  // Where an exception leaves it open, the end of the transaction tidies up.
  void close();

  // Calls visit(const definition_row &) for each row that the condition holds for; what a row points to is gone after the
  // visit.
  template <typename Visit>
  void for_each(Tuplestorestate *rows, Visit &&visit) {
    begin(rows);
    for (definition_row found; next(rows, found);) visit(found);
  }
  template <typename Visit>
  void read(HeapTuple tuple, Visit &&visit) {
    definition_row found;
    if (evaluate(tuple, found)) visit(found);
  }
  // All rows of a relation that the active snapshot shows.
  template <typename Visit>
  void scan(Relation relation, Visit &&visit) {
    TableScanDesc const rows = begin_scan(relation);
    for (definition_row found; next(rows, found);) visit(found);
    pg::call([rows] { table_endscan(rows); });
  }

 private:
  void begin(Tuplestorestate *rows);
  bool next(Tuplestorestate *rows, definition_row &found);
  TableScanDesc begin_scan(Relation relation);
  bool next(TableScanDesc rows, definition_row &found);
  bool evaluate(HeapTuple tuple, definition_row &found);

  const tracked_table &table_;
  const int first_wanted_, wanted_end_;
  EState *estate_ = nullptr;
  TupleTableSlot *slot_ = nullptr;
  ExprState *columns_[max_columns] = {};
  ExprState *condition_ = nullptr;
  pg::other_rights rights_;
};

// The instant from which on changes need not be logged, as nothing is stored of what is later: whoever asks for that reads the
// tables. Before a refresh stores more it says so, in the state of the source, and waits for all who may not have heard of it:
// whoever reads here what was committed before holds a lock on his table by now, until his change can be seen. That is the
// barrier of CREATE INDEX CONCURRENTLY; nobody who writes waits for it.
core::instant log_until(const trigger_links &to);

// Appends days to the log. Where that cannot be done, because the log is locked or not what it was, it is noted that something
// went unlogged, and nothing stored of the source counts any more.
void log_days(const trigger_links &to, std::span<const core::day_run> runs);
// All days.
void log_everything(const trigger_links &to);

}  // namespace headcount::source
