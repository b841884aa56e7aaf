#include "pg/rollup_state.hpp"

#include "pg/values.hpp"
#include "pg/zone.hpp"

namespace headcount::pg {
namespace {

static_assert(nothing_stored == DATEVAL_NOBEGIN);

// Backend code: it owns no C++ objects and raises PostgreSQL errors.

struct stored_state {
  DateADT frontier_day = DATEVAL_NOBEGIN;
  DateADT frozen_before = DATEVAL_NOBEGIN;
  std::int64_t margin = 0;  // ticks after a day until it is final
  text *time_zone = nullptr;
};

// One table and its partitions, or other children, at any depth.
void append_tree(List **to, Oid root) {
  if (OidIsValid(root)) *to = list_concat_unique_oid(*to, find_all_inheritors(root, NoLock, nullptr));
}

bool is_tree(ArrayType *logged, List *tree) {
  const int count = ArrayGetNItems(ARR_NDIM(logged), ARR_DIMS(logged));
  if (count != list_length(tree) || ARR_HASNULL(logged)) return false;
  const Oid *const oids = reinterpret_cast<const Oid *>(ARR_DATA_PTR(logged));
  for (int at = 0; at < count; ++at)
    if (!list_member_oid(tree, oids[at])) return false;
  return true;
}

constexpr const char *query =
    "SELECT r.frontier_day, r.frozen_before, s.time_zone, s.false_denial_after, r.relations, s.sessions::pg_catalog.oid,"
    "       s.denials::pg_catalog.oid "
    "FROM headcount.rollup AS r JOIN headcount.source AS s ON s.sessions_view OPERATOR(pg_catalog.=) r.sessions_view "
    "WHERE r.sessions_view OPERATOR(pg_catalog.=) $1";

stored_state read_state(Oid sessions_view) {
  stored_state state;
  MemoryContext const outer = CurrentMemoryContext;
  SPI_connect();
  Oid types[] = {REGCLASSOID};
  Datum values[] = {ObjectIdGetDatum(sessions_view)};
  if (SPI_execute_with_args(query, 1, types, values, nullptr, true, 1) != SPI_OK_SELECT)
    elog(ERROR, "could not read headcount.rollup");
  if (SPI_processed == 1) {
    HeapTuple const row = SPI_tuptable->vals[0];
    TupleDesc const shape = SPI_tuptable->tupdesc;
    const auto column = [row, shape](int number, bool *is_null) { return SPI_getbinval(row, shape, number, is_null); };
    bool is_null = false;
    state.frontier_day = DatumGetDateADT(column(1, &is_null));
    state.frozen_before = DatumGetDateADT(column(2, &is_null));
    const Datum zone = column(3, &is_null);
    MemoryContext const inner = MemoryContextSwitchTo(outer);
    state.time_zone = DatumGetTextPCopy(zone);
    MemoryContextSwitchTo(inner);
    const Datum after = column(4, &is_null);
    if (!is_null) state.margin = DatumGetIntervalP(after)->time;
    const Datum logged = column(5, &is_null);
    if (!is_null) {
      List *tree = NIL;
      append_tree(&tree, DatumGetObjectId(column(6, &is_null)));
      const Oid denials = DatumGetObjectId(column(7, &is_null));
      if (!is_null) append_tree(&tree, denials);
      if (!is_tree(DatumGetArrayTypeP(logged), tree)) state.frontier_day = state.frozen_before;
    }
  }
  SPI_finish();
  return state;
}

struct live_days {
  core::day_number first;
  core::instant start;
};

live_days find_live_days(Oid sessions_view, core::instant as_of) {
  const stored_state state = call([sessions_view] { return read_state(sessions_view); });
  if (DATE_NOT_FINITE(state.frontier_day)) return {nothing_stored, core::beginning};
  const zone &in = zone_named({VARDATA_ANY(state.time_zone), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(state.time_zone))});
  if (core::day_of(as_of, in) < state.frozen_before) {
    call([&] {
      ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                      errmsg("days before %s are frozen",
                             DatumGetCString(DirectFunctionCall1(date_out, DateADTGetDatum(state.frozen_before)))),
                      errdetail("What there was at an instant before cannot be computed any more."),
                      errhint("headcount.freeze(source, NULL) gives up what is stored, and computes from the tables.")));
    });
  }
  const core::day_number day =
      std::max(state.frozen_before, std::min(state.frontier_day, core::day_of(as_of - state.margin, in)));
  return {day, in.start_of(day)};
}

}  // namespace

core::day_number first_live_day(Oid sessions_view, core::instant as_of) {
  return find_live_days(sessions_view, as_of).first;
}

core::instant start_of_live_days(Oid sessions_view, core::instant as_of) {
  return find_live_days(sessions_view, as_of).start;
}

}  // namespace headcount::pg
