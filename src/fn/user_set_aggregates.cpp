// The functions behind user_set_agg, user_set_union_agg and unique_count.

#include "pg/user_set_value.hpp"
#include "pg/values.hpp"

namespace headcount::fn {

// (state, number)
HEADCOUNT_FUNCTION(headcount_user_set_add) {
  pg::user_set_state state(fcinfo);
  if (!PG_ARGISNULL(1)) state.add_number(pg::user_number(PG_GETARG_INT32(1)));
  return state.result();
}

// (state, user_set, ...): combine function of all, transition function of user_set_union_agg and unique_count.
HEADCOUNT_FUNCTION(headcount_user_set_merge) {
  pg::user_set_state state(fcinfo);
  for (int number = 1; number < PG_NARGS(); ++number)
    if (!PG_ARGISNULL(number)) state.add_argument(number);
  return state.result();
}

// Reads the state and leaves it as it is: it may be shared, or go on in a window frame.
HEADCOUNT_FUNCTION(headcount_user_set_final) {
  if (PG_ARGISNULL(0)) return pg::null_result(fcinfo);
  const pg::workspace work;
  return pg::copied_value(pg::user_set_argument(fcinfo, 0, work).bytes());
}

}  // namespace headcount::fn
