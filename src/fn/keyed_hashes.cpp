// Names as hashes under a key, which several databases can compare without telling each other the names.

#include "core/base/keyed_hash.hpp"
#include "pg/dictionary.hpp"
#include "pg/rows.hpp"
#include "pg/values.hpp"

namespace headcount::fn {
namespace {

core::keyed_hash hash_argument(FunctionCallInfo fcinfo, int number) {
  const core::key_view key = pg::bytes_argument(fcinfo, number);
  if (key.size() != core::keyed_hash::key_size)
    throw core::error(core::fault::invalid_argument, "argument \"key\" must be of 16 bytes, but is of " + std::to_string(key.size()));
  return core::keyed_hash(key.first<core::keyed_hash::key_size>());
}

Datum to_uuid(const std::array<std::byte, core::keyed_hash::size> &hash) {
  static_assert(core::keyed_hash::size == sizeof(pg_uuid_t));
  auto *const value = static_cast<pg_uuid_t *>(pg::call([] { return palloc(sizeof(pg_uuid_t)); }));
  std::memcpy(value->data, hash.data(), hash.size());
  return UUIDPGetDatum(value);
}

}  // namespace

// (name, key)
HEADCOUNT_FUNCTION(headcount_keyed_hash) {
  const core::keyed_hash hash = hash_argument(fcinfo, 1);
  return to_uuid(hash(pg::bytes_argument(fcinfo, 0)));
}

// (pages, key): the numbers of the users in some pages, with the hashes of their names, NULL for those that were forgotten
HEADCOUNT_FUNCTION(headcount_hashed_users) {
  const pg::workspace work;
  pg::row_set rows(fcinfo);
  if (PG_ARGISNULL(0) || PG_ARGISNULL(1)) return rows.result(fcinfo);
  const core::keyed_hash hash = hash_argument(fcinfo, 1);
  pg_uuid_t value;
  pg::for_each_argument_page(fcinfo, 0, [&](core::key_view page) {
    core::for_each_user(page, [&](const core::numbered_user &user) {
      if (user.is_forgotten) {
        rows.put(pg::field::of_integer(user.number), pg::field());
        return;
      }
      const auto hashed = hash(user.name);
      std::memcpy(value.data, hashed.data(), hashed.size());
      rows.put(pg::field::of_integer(user.number), pg::field(UUIDPGetDatum(&value)));
    });
  });
  return rows.result(fcinfo);
}

}  // namespace headcount::fn
