// Input, output and comparison of the type user_set.

#include "pg/type_io.hpp"
#include "pg/user_set_value.hpp"
#include "pg/values.hpp"

namespace headcount::fn {
namespace {

void check(core::key_view bytes, const core::context &host) { core::user_set_reader(bytes).check(host); }

core::key_view canonical_argument(FunctionCallInfo fcinfo, int number, const core::context &host) {
  return pg::user_set_argument(fcinfo, number, host).bytes();
}

}  // namespace

HEADCOUNT_FUNCTION(headcount_user_set_in) { return pg::read_text(fcinfo, "user_set", check); }

HEADCOUNT_FUNCTION(headcount_user_set_recv) { return pg::read_message(fcinfo, "user_set", check); }

HEADCOUNT_FUNCTION(headcount_user_set_out) {
  const pg::workspace work;
  return pg::write_text(canonical_argument(fcinfo, 0, work));
}

HEADCOUNT_FUNCTION(headcount_user_set_send) {
  const pg::workspace work;
  return pg::copied_value(canonical_argument(fcinfo, 0, work));
}

HEADCOUNT_FUNCTION(headcount_user_set_eq) {
  const pg::workspace work;
  return BoolGetDatum(core::compare(canonical_argument(fcinfo, 0, work), canonical_argument(fcinfo, 1, work)) == 0);
}

HEADCOUNT_FUNCTION(headcount_user_set_ne) {
  const pg::workspace work;
  return BoolGetDatum(core::compare(canonical_argument(fcinfo, 0, work), canonical_argument(fcinfo, 1, work)) != 0);
}

HEADCOUNT_FUNCTION(headcount_user_set_hash) {
  const pg::workspace work;
  return UInt32GetDatum(static_cast<std::uint32_t>(core::hash_bytes(canonical_argument(fcinfo, 0, work))));
}

HEADCOUNT_FUNCTION(headcount_user_set_hash_extended) {
  const pg::workspace work;
  const auto seed = static_cast<std::uint64_t>(PG_GETARG_INT64(1));
  return UInt64GetDatum(core::hash_bytes(canonical_argument(fcinfo, 0, work), seed));
}

}  // namespace headcount::fn
