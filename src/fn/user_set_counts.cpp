// unique_count over sets as a moving aggregate: the functions behind window frames that leave rows behind.

#include "core/sets/multiset_counter.hpp"
#include "pg/user_set_value.hpp"
#include "pg/values.hpp"

namespace headcount::fn {
namespace {

// Lies in its aggregate's memory, and goes with it.
struct moving_state {
  explicit moving_state(MemoryContext context) : memory(context), counts(&memory) {}

  pg::context_resource memory;
  core::multiset_counter counts;
  core::dictionary_id dictionary;  // of the numbers that are there
};

// The state, argument 0; nullptr where there is none yet.
moving_state *state_argument(FunctionCallInfo fcinfo, MemoryContext *aggregate = nullptr) {
  if (AggCheckCallContext(fcinfo, aggregate) == 0) {
    throw core::error(core::fault::wrong_context, "function can only be called by an aggregate", {},
                      "Use the aggregate unique_count.");
  }
  return PG_ARGISNULL(0) ? nullptr : reinterpret_cast<moving_state *>(PG_GETARG_POINTER(0));
}

}  // namespace

// (state, user_set, ...)
HEADCOUNT_FUNCTION(headcount_user_set_counts_add) {
  MemoryContext aggregate = nullptr;
  moving_state *state = state_argument(fcinfo, &aggregate);
  if (state == nullptr) {
    state = new (pg::call([aggregate] { return MemoryContextAlloc(aggregate, sizeof(moving_state)); }))
        moving_state(aggregate);
  }
  const pg::workspace work;
  for (int number = 1; number < PG_NARGS(); ++number) {
    if (PG_ARGISNULL(number)) continue;
    const core::user_set_reader added = pg::user_set_argument(fcinfo, number, work);
    if (added.cardinality() == 0) continue;
    if (state->counts.cardinality() != 0 && state->dictionary != added.dictionary())
      core::throw_mixed_dictionaries(state->dictionary, added.dictionary());
    state->dictionary = added.dictionary();
    state->counts.add(added, work);
  }
  return PointerGetDatum(state);
}

// (state, user_set, ...): NULL makes PostgreSQL count the frame anew, where a row leaves with other sets than it came.
HEADCOUNT_FUNCTION(headcount_user_set_counts_remove) {
  moving_state *const state = state_argument(fcinfo);
  if (state == nullptr) return pg::null_result(fcinfo);
  const pg::workspace work;
  for (int number = 1; number < PG_NARGS(); ++number) {
    if (!PG_ARGISNULL(number) && !state->counts.remove(pg::user_set_argument(fcinfo, number, work), work))
      return pg::null_result(fcinfo);
  }
  return PointerGetDatum(state);
}

HEADCOUNT_FUNCTION(headcount_user_set_counts_final) {
  const moving_state *const state = state_argument(fcinfo);
  return Int64GetDatum(state == nullptr ? 0 : static_cast<std::int64_t>(state->counts.cardinality()));
}

}  // namespace headcount::fn
