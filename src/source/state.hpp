#pragma once
// What is stored of a source's days, as the row of its table "rollup_state" tells the snapshot of a query, and whether it
// still counts.
//
// Stored days count if all that they were computed from is what it was: the definition, the functions that it uses, the
// tables and partitions, the triggers that log their changes, the bounds of days. The row holds marks of all that (see
// catalog.hpp); they are compared with the catalogs as the query's own snapshot shows them. So no DDL command has to be
// noticed when it happens: where something differs nothing stored counts, whoever did what and however, and everything
// is computed from the tables until a refresh has stored it anew.

#include "pg/postgres.hpp"

#include "core/time/civil.hpp"
#include "core/time/instant.hpp"

namespace headcount::source {

// A row of a table of type headcount_internal.rollup_state, by column.
enum class state_column {
  definition = 1,
  denial_definition,
  log,
  relations,
  triggers,
  definition_mark,
  tracking_mark,
  bounds_mark,
  registered_at,
  time_zone,
  grace,
  first_day,
  watermark,
  frozen_before,
  next_user_id,
  dictionary_buckets,
  compacted_users,
  dictionary,
  last_refresh,
  last_duration,
  last_error,
  refresh_pid,
  refresh_started_at,
  days_done,
  days_total,
  current_day,
  awaits_writers,
  window_days,
  logged_before,
  today_ends,
  window_model,
  alerted,
  count = alerted
};

struct stored_state {
  bool is_there = false;
  bool is_tracked = false;  // by triggers
  Oid definition = InvalidOid, denial_definition = InvalidOid, log = InvalidOid;
  List *relations = NIL, *triggers = NIL;
  std::int64_t definition_mark = 0, tracking_mark = 0, bounds_mark = 0;
  TimestampTz registered_at = DT_NOBEGIN;
  const char *time_zone = nullptr;
  std::int64_t grace = 0;  // ticks after a day until no session can make a denial of it false any more
  DateADT first_day = DATEVAL_NOBEGIN, watermark = DATEVAL_NOBEGIN, frozen_before = DATEVAL_NOBEGIN;
  Datum today_ends = Datum{0};  // an array of when the stored parts of the day of the watermark end, ascending; 0 for none
  std::int32_t dictionary_buckets = 1;
};

// Reads the row of a state table. `is_there` is false if the relation is not one, or is empty, or if it is locked and the
// caller may not wait: who asks for the sources of others must not be held up by them. The
// trigger of a writer reads by SnapshotSelf: what is committed by now, without the predicate lock of a snapshot, by which what the owner of
// the source does would end a serializable writer. A row that is replaced meanwhile may be missed; he who finds none logs all. Backend code.
stored_state read_state(Oid state_table, Snapshot snapshot, bool may_wait = true);

// The instant from which on changes need not be logged, as any transaction has committed it by now: what a snapshot from before
// shows may be less. Forever, so that all are, where it cannot be read at once, by SnapshotSelf. Backend code.
core::instant logged_before(Oid state_table);

// Copies the one row of a typed table of ours, of type headcount_internal.<type>. False if it is none, or empty,
// or locked and the caller may not wait. Backend code.
bool copy_row(Oid table, const char *type, bool may_wait, Datum *values, bool *nulls, int count);

// Copies all rows of such a table, without waiting for a lock. Backend code.
void copy_rows(Oid table, const char *type, Tuplestorestate *to, TupleDesc shape);

// The elements of an array of OIDs that are not NULL. Backend code.
List *oids_of(Datum array);

// What differs from the marks of a state. Backend code.
struct difference {
  bool definition = false;   // the rules of its views, or what they use
  bool triggers = false;     // one is gone, switched off, or another one; or a table is stored in another way
  bool gone = false;         // a partition went
  bool come = false;         // a partition came
  bool filled = false;       // and it has rows, or may have
  bool unlogged = false;     // a change could not be logged
  bool bounds = false;       // days begin at other instants
  bool policies = false;     // row level security applies to the owner of the source
  bool any() const { return definition || triggers || gone || filled || unlogged || bounds || policies; }
};
difference find_difference(const stored_state &state, Snapshot snapshot);

// Marks of the present, for a state that is to be registered. Backend code.
std::uint64_t present_definition_mark(const stored_state &state, Snapshot snapshot);
std::uint64_t bounds_mark(const char *time_zone, DateADT first_day, DateADT end_day);

// What a query has to compute from the tables themselves, besides stored days that changed since.
struct live_days {
  core::day_number first;  // this day and later ones; nothing_stored for all
  core::instant start;     // from this instant on: of the first of them the part before is stored too; core::beginning
  bool has_part;           // whether there is such a part
  core::instant named_from;  // whose sessions began earlier is in that part, and no other day is live; core::beginning for none
};
inline constexpr core::day_number nothing_stored = INT32_MIN;

// The live days of a source, by its state table. All calls of one statement get the same answer: it is remembered for the
// memory context of the calls, fcinfo->flinfo->fn_mcxt. Throws where the days before `as_of` are frozen.
live_days find_live_days(FunctionCallInfo fcinfo, Oid state_table, core::instant as_of);

}  // namespace headcount::source
