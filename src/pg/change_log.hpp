#pragma once
// What the triggers of a materialized source need of PostgreSQL: the source's expressions over the rows that a
// statement changed, and its log of changed days.
//
// A statement of one row pays for all of this, so nothing goes through the SQL parser or the executor but the
// expressions: those are parsed once in a session, and the log is a table without indexes that is appended to directly.

#include "pg/postgres.hpp"

#include "core/time/changed_days.hpp"
#include "pg/boundary.hpp"
#include "pg/rights.hpp"
#include "pg/zone.hpp"

namespace headcount::pg {

// What the source of a trigger says of the table.
struct tracked_table {
  enum column { user_name, host, server, started_at, first_time = started_at, ended_at, condition, column_count };

  Oid trigger;           // the key it is remembered under
  Oid sessions_view;     // of the source; InvalidOid where there is no such source, or nothing of it is stored
  bool is_readable;      // whether its expressions still mean something; if not, nothing below is there
  bool calls_functions;  // which look things up along a search path
  Expr *columns[column_count];
  std::int64_t granted_before, granted_after;  // ticks; negative where false denials are not looked for
  const zone *time_zone;
  std::uint64_t function_changes;  // as they were when this was read
  MemoryContext memory;            // of what this points to
};

// As long as there is one of these, what find_tracked_table() returned stays what it is.
struct reading {
  reading();
  reading(const reading &) = delete;
  reading &operator=(const reading &) = delete;
  ~reading();
};

// What is known of the trigger that was fired, remembered for the session. Throws backend_error.
tracked_table find_tracked_table(TriggerData *fired);

// Evaluates the expressions of a tracked table for one row after the other, with the rights of the source's owner.
class row_reader {
 public:
  struct row {
    Datum values[tracked_table::column_count];
    bool nulls[tracked_table::column_count];
  };

  // Columns before the first one that is wanted are not evaluated.
  row_reader(TriggerData *fired, const tracked_table &table, tracked_table::column first_wanted);
  row_reader(const row_reader &) = delete;
  row_reader &operator=(const row_reader &) = delete;
  // Where an exception leaves it open, the end of the transaction tidies up.
  void close();

  // Calls visit(const row &) for each row that the condition holds for; what a row points to is gone after the visit.
  template <typename Visit>
  void for_each(Tuplestorestate *rows, Visit &&visit) {
    begin(rows);
    for (row found; next(rows, found);) visit(found);
  }
  template <typename Visit>
  void read(HeapTuple tuple, Visit &&visit) {
    row found;
    if (evaluate(tuple, found)) visit(found);
  }

 private:
  void begin(Tuplestorestate *rows);
  bool next(Tuplestorestate *rows, row &found);
  bool evaluate(HeapTuple tuple, row &found);

  const tracked_table &table_;
  const tracked_table::column first_wanted_;
  EState *estate_ = nullptr;
  TupleTableSlot *slot_ = nullptr;
  ExprState *columns_[tracked_table::column_count] = {};
  other_rights rights_;
};

// Runs code in a subtransaction, and returns whether it went well: where it fails, all but for a cancel, a shutdown or a
// lack of memory, PostgreSQL is as it was before. Code that writes nothing takes no number of a transaction for it.
template <typename Code>
bool attempt(Code &&code) {
  MemoryContext const memory = CurrentMemoryContext;
  ResourceOwner const owner = CurrentResourceOwner;
  call([memory] {
    BeginInternalSubTransaction(nullptr);
    MemoryContextSwitchTo(memory);
  });
  const auto go_back = [memory, owner] {
    RollbackAndReleaseCurrentSubTransaction();
    MemoryContextSwitchTo(memory);
    CurrentResourceOwner = owner;
  };
  enum { fine, failed_backend, failed_here } outcome = fine;
  try {
    code();
  } catch (const backend_error &) {
    outcome = failed_backend;
  } catch (const core::error &) {
    outcome = failed_here;
  } catch (...) {  // a lack of memory: the subtransaction must not outlive it
    call(go_back);
    throw;
  }
  call([&] {
    ErrorData *error = nullptr;
    MemoryContextSwitchTo(memory);
    if (outcome == failed_backend) {
      error = CopyErrorData();
      FlushErrorState();
    }
    if (outcome == fine) {
      ReleaseCurrentSubTransaction();
      MemoryContextSwitchTo(memory);
      CurrentResourceOwner = owner;
    } else {
      go_back();
    }
    if (error == nullptr) return;
    const int category = ERRCODE_TO_CATEGORY(error->sqlerrcode);
    if (category == ERRCODE_OPERATOR_INTERVENTION || category == ERRCODE_INSUFFICIENT_RESOURCES) ReThrowError(error);
  });
  return outcome == fine;
}

// Appends days to the log of a source. Nothing where the source is gone.
void log_days(const tracked_table &table, std::span<const core::day_run> runs);
// All days.
void log_everything(const tracked_table &table);

}  // namespace headcount::pg
