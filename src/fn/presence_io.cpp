// Input, output and comparison of the type presence.

#include "pg/presence_value.hpp"
#include "pg/type_io.hpp"
#include "pg/values.hpp"

namespace headcount::fn {
namespace {

// Throws damaged_bytes where the bytes are not a whole, canonical presence that makes sense in this database.
void check(core::key_view bytes, const core::context &host) {
  const core::presence_reader reader(bytes);
  const bool is_text = reader.type() == core::key_type::text;
  const int encoding = pg::call([] { return GetDatabaseEncoding(); });
  reader.for_each(host, [&](core::key_view key, std::span<const core::interval>) {
    // noError = true: reports, does not raise. A NUL byte is refused as well.
    if (is_text &&
        !pg_verify_mbstr(encoding, reinterpret_cast<const char *>(key.data()), static_cast<int>(key.size()), true))
      core::byte_reader::throw_damaged("A key is not valid in the encoding of the database.");
  });
}

// The canonical bytes of an argument, without the length word. Stored values have them already.
core::key_view canonical_argument(FunctionCallInfo fcinfo, int number, const core::context &host) {
  if (const auto stored = pg::stored_presence_argument(fcinfo, number)) return stored->bytes();
  return core::to_canonical(pg::presence_argument(fcinfo, number), core::all_time, 0, host);
}

}  // namespace

HEADCOUNT_FUNCTION(headcount_presence_in) { return pg::read_text(fcinfo, "presence", check); }

HEADCOUNT_FUNCTION(headcount_presence_recv) { return pg::read_message(fcinfo, "presence", check); }

HEADCOUNT_FUNCTION(headcount_presence_out) {
  const pg::workspace work;
  return pg::write_text(canonical_argument(fcinfo, 0, work));
}

HEADCOUNT_FUNCTION(headcount_presence_send) {
  const pg::workspace work;
  return pg::copied_value(canonical_argument(fcinfo, 0, work));
}

HEADCOUNT_FUNCTION(headcount_presence_eq) {
  const pg::workspace work;
  return BoolGetDatum(core::compare(canonical_argument(fcinfo, 0, work), canonical_argument(fcinfo, 1, work)) == 0);
}

HEADCOUNT_FUNCTION(headcount_presence_ne) {
  const pg::workspace work;
  return BoolGetDatum(core::compare(canonical_argument(fcinfo, 0, work), canonical_argument(fcinfo, 1, work)) != 0);
}

HEADCOUNT_FUNCTION(headcount_presence_hash) {
  const pg::workspace work;
  return UInt32GetDatum(static_cast<std::uint32_t>(core::hash_bytes(canonical_argument(fcinfo, 0, work))));
}

HEADCOUNT_FUNCTION(headcount_presence_hash_extended) {
  const pg::workspace work;
  const auto seed = static_cast<std::uint64_t>(PG_GETARG_INT64(1));
  return UInt64GetDatum(core::hash_bytes(canonical_argument(fcinfo, 0, work), seed));
}

}  // namespace headcount::fn
