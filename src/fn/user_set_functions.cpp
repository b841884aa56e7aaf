// What a set of user numbers can be asked.

#include "core/sets/number_log.hpp"
#include "pg/rows.hpp"
#include "pg/user_set_value.hpp"
#include "pg/values.hpp"

namespace headcount::fn {
namespace {

core::dictionary_id dictionary_argument(FunctionCallInfo fcinfo, int number) {
  core::dictionary_id dictionary;
  std::memcpy(dictionary.bytes.data(), PG_GETARG_UUID_P(number)->data, core::dictionary_id::size);
  if (dictionary.is_none()) throw core::error(core::fault::invalid_argument, "argument \"dictionary\" must not be all zeros");
  return dictionary;
}

Datum combined(FunctionCallInfo fcinfo, core::set_operation operation) {
  const pg::workspace work;
  const core::user_set_reader left = pg::user_set_argument(fcinfo, 0, work);
  const core::user_set_reader right = pg::user_set_argument(fcinfo, 1, work);
  return pg::value_result(core::combine(left, right, operation, VARHDRSZ, work));
}

}  // namespace

HEADCOUNT_FUNCTION(headcount_user_set_union) { return combined(fcinfo, core::set_operation::unite); }
HEADCOUNT_FUNCTION(headcount_user_set_intersection) { return combined(fcinfo, core::set_operation::intersect); }
HEADCOUNT_FUNCTION(headcount_user_set_difference) { return combined(fcinfo, core::set_operation::subtract); }

HEADCOUNT_FUNCTION(headcount_user_set_cardinality) {
  return Int64GetDatum(static_cast<std::int64_t>(pg::user_set_cardinality(fcinfo, 0)));
}

HEADCOUNT_FUNCTION(headcount_user_set_intersection_cardinality) {
  const pg::workspace work;
  const core::user_set_reader left = pg::user_set_argument(fcinfo, 0, work);
  const core::user_set_reader right = pg::user_set_argument(fcinfo, 1, work);
  (void)core::common_dictionary(left, right);
  return Int64GetDatum(static_cast<std::int64_t>(core::intersection_cardinality(left.roaring(), right.roaring())));
}

HEADCOUNT_FUNCTION(headcount_user_set_union_cardinality) {
  const pg::workspace work;
  const core::user_set_reader left = pg::user_set_argument(fcinfo, 0, work);
  const core::user_set_reader right = pg::user_set_argument(fcinfo, 1, work);
  (void)core::common_dictionary(left, right);
  const std::uint64_t both = core::intersection_cardinality(left.roaring(), right.roaring());
  return Int64GetDatum(static_cast<std::int64_t>(left.cardinality() + right.cardinality() - both));
}

// No set has a negative number: that is an answer, not an error.
HEADCOUNT_FUNCTION(headcount_user_set_contains) {
  if (PG_ARGISNULL(1)) return pg::null_result(fcinfo);
  const std::int32_t number = PG_GETARG_INT32(1);
  const pg::workspace work;
  const core::user_set_reader set = pg::user_set_argument(fcinfo, 0, work);
  return BoolGetDatum(number >= 0 && set.contains(static_cast<std::uint32_t>(number)));
}

HEADCOUNT_FUNCTION(headcount_user_set_members) {
  const pg::workspace work;
  pg::row_set rows(fcinfo);
  pg::user_set_argument(fcinfo, 0, work).for_each(work, [&](std::uint32_t number) {
    rows.put(pg::field::of_integer(number));
  });
  return rows.result(fcinfo);
}

// The dictionary of a set; NULL if its numbers are of none.
HEADCOUNT_FUNCTION(headcount_user_set_dictionary) {
  const pg::workspace work;
  const core::dictionary_id dictionary = pg::user_set_argument(fcinfo, 0, work).dictionary();
  if (dictionary.is_none()) return pg::null_result(fcinfo);
  auto *const uuid = static_cast<pg_uuid_t *>(pg::call([] { return palloc(sizeof(pg_uuid_t)); }));
  std::memcpy(uuid->data, dictionary.bytes.data(), core::dictionary_id::size);
  return UUIDPGetDatum(uuid);
}

// (user_set, uuid): the numbers as those of a dictionary, whatever they were.
HEADCOUNT_FUNCTION(headcount_user_set_in_dictionary) {
  const pg::workspace work;
  const core::user_set_reader set = pg::user_set_argument(fcinfo, 0, work);
  const core::dictionary_id dictionary = dictionary_argument(fcinfo, 1);
  return pg::value_result(core::with_dictionary(set, dictionary, VARHDRSZ, work));
}

// (integer[], dictionary): NULL elements are skipped, as the aggregate skips them.
HEADCOUNT_FUNCTION(headcount_to_user_set) {
  Datum *values = nullptr;
  bool *nulls = nullptr;
  int count = 0;
  pg::call([&] {
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), INT4OID, sizeof(std::int32_t), true, TYPALIGN_INT, &values, &nulls,
                      &count);
  });
  const pg::workspace work;
  std::pmr::vector<std::uint32_t> numbers(work.host().memory);
  for (int at = 0; at < count; ++at)
    if (!nulls[at]) numbers.push_back(pg::user_number(DatumGetInt32(values[at])));
  core::number_log_reader::sort_out(numbers);
  return pg::value_result(core::to_canonical(numbers, VARHDRSZ, work.host().memory,
                                             PG_NARGS() > 1 ? dictionary_argument(fcinfo, 1) : core::dictionary_id()));
}

}  // namespace headcount::fn
