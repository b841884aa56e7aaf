// The functions behind changed_days_agg.

#include "core/time/changed_days.hpp"
#include "pg/memory.hpp"
#include "pg/values.hpp"
#include "pg/zone.hpp"

namespace headcount::fn {
namespace {

static_assert(core::no_first_day == DATEVAL_NOBEGIN && core::no_last_day == DATEVAL_NOEND);

// Small to make, since a trigger makes one for each statement. Goes with the memory context it lies in.
struct changed_days_state {
  pg::context_resource memory;
  core::changed_days days;

  changed_days_state(const pg::zone &zone, MemoryContext context) : memory(context), days(zone, core::forever, &memory) {}
};

// Argument 0, made in the aggregate's memory for the first row.
changed_days_state &state_argument(FunctionCallInfo fcinfo) {
  MemoryContext aggregate = nullptr;
  if (AggCheckCallContext(fcinfo, &aggregate) == 0)
    throw core::error(core::fault::wrong_context, "function can only be called by an aggregate", {},
                      "Use the aggregate changed_days_agg.");
  if (!PG_ARGISNULL(0)) return *reinterpret_cast<changed_days_state *>(PG_GETARG_POINTER(0));
  const pg::zone &zone = pg::zone_argument(fcinfo, 3);
  void *const room = pg::call([aggregate] { return MemoryContextAlloc(aggregate, sizeof(changed_days_state)); });
  return *new (room) changed_days_state(zone, aggregate);
}

}  // namespace

// (state, started_at, ended_at, time_zone)
HEADCOUNT_FUNCTION(headcount_changed_days_add) {
  changed_days_state &state = state_argument(fcinfo);
  if (const auto when = pg::session_arguments(fcinfo, 1)) state.days.add(*when);
  return PointerGetDatum(&state);
}

// Reads the state and leaves it as it is: it may be shared, or go on in a window frame.
HEADCOUNT_FUNCTION(headcount_changed_days_final) {
  if (PG_ARGISNULL(0)) return pg::null_result(fcinfo);
  const pg::workspace work;
  const core::day_runs changed = reinterpret_cast<changed_days_state *>(PG_GETARG_POINTER(0))->days.find(work);
  if (changed.runs().empty()) return pg::null_result(fcinfo);
  std::pmr::vector<Datum> days(work.host().memory);
  for (const core::day_run &run : changed.runs()) {
    days.push_back(DateADTGetDatum(run.first));
    days.push_back(DateADTGetDatum(run.last));
  }
  return pg::call([&] {
    return PointerGetDatum(
        construct_array(days.data(), static_cast<int>(days.size()), DATEOID, sizeof(DateADT), true, TYPALIGN_INT));
  });
}

}  // namespace headcount::fn
