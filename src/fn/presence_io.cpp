// Input, output and comparison of the type presence.

#include "pg/compat.hpp"
#include "pg/presence_value.hpp"
#include "pg/values.hpp"

namespace headcount::fn {
namespace {

// Throws `as` where the bytes are not a whole, canonical presence that makes sense in this database.
void validate(core::key_view bytes, core::fault as, const core::context &host) {
  const char *const message = as == core::fault::damaged_text ? "invalid input syntax for type presence"
                                                              : "invalid binary representation for type presence";
  try {
    const core::presence_reader reader(bytes);
    const bool is_text = reader.type() == core::key_type::text;
    const int encoding = pg::call([] { return GetDatabaseEncoding(); });
    reader.for_each(host, [&](core::key_view key, std::span<const core::interval>) {
      // noError = true: reports, does not raise. A NUL byte is refused as well.
      if (is_text &&
          !pg_verify_mbstr(encoding, reinterpret_cast<const char *>(key.data()), static_cast<int>(key.size()), true))
        core::byte_reader::throw_damaged("A key is not valid in the encoding of the database.");
    });
  } catch (const core::error &error) {
    if (error.kind() != core::fault::damaged_bytes) throw;
    throw core::error(as, message, error.detail(), error.hint(), error.where());
  }
}

std::span<std::byte> with_length_word(core::key_view bytes) {
  const std::size_t size = bytes.size() + VARHDRSZ;
  auto *const value = static_cast<std::byte *>(pg::call([size] { return palloc(size); }));
  std::memcpy(value + VARHDRSZ, bytes.data(), bytes.size());
  return {value, size};
}

Datum read_text(std::string_view text) {
  const pg::workspace work;
  const auto damaged = [](const char *detail) {
    return core::error(core::fault::damaged_text, "invalid input syntax for type presence", detail);
  };
  const std::size_t room = text.size() / 4 * 3 + 3 + VARHDRSZ;
  if (room > core::most_bytes) core::throw_too_large();
  auto *const value = static_cast<std::byte *>(pg::call([room] { return palloc(room); }));
  const int length = pg::compat::base64_decode(text.data(), static_cast<int>(text.size()), value + VARHDRSZ,
                                               static_cast<int>(room - VARHDRSZ));
  if (length < 0) throw damaged("It is not base64.");
  const std::span<std::byte> bytes(value, static_cast<std::size_t>(length) + VARHDRSZ);
  validate(bytes.subspan(VARHDRSZ), core::fault::damaged_text, work);
  return pg::presence_result(bytes);
}

// The canonical bytes of an argument, without the length word. Stored values have them already.
core::key_view canonical_argument(FunctionCallInfo fcinfo, int number, const core::context &host) {
  if (const auto stored = pg::stored_presence_argument(fcinfo, number)) return stored->bytes();
  return core::to_canonical(pg::presence_argument(fcinfo, number), core::all_time, 0, host);
}

}  // namespace

HEADCOUNT_FUNCTION(presence_in) {
  const char *const text = PG_GETARG_CSTRING(0);
  pg::failure failed;
  try {
    return read_text(text);
  } catch (const core::error &error) {
    failed.from_core(error);
  }
  // Outside the catch block, as ever; returns only where the caller wanted the error softly.
  pg::call([&] { failed.report(fcinfo); });
  return pg::null_result(fcinfo);
}

HEADCOUNT_FUNCTION(presence_out) {
  const pg::workspace work;
  const core::key_view bytes = canonical_argument(fcinfo, 0, work);
  const std::size_t room = (bytes.size() + 2) / 3 * 4 + 1;
  if (room > core::most_bytes) core::throw_too_large();
  auto *const text = static_cast<char *>(pg::call([room] { return palloc(room); }));
  const int length =
      pg::compat::base64_encode(bytes.data(), static_cast<int>(bytes.size()), text, static_cast<int>(room - 1));
  text[length] = '\0';
  return CStringGetDatum(text);
}

HEADCOUNT_FUNCTION(presence_recv) {
  auto *const message = reinterpret_cast<StringInfo>(PG_GETARG_POINTER(0));
  const pg::workspace work;
  const int length = message->len - message->cursor;
  const auto *const bytes = pg::call([&] { return pq_getmsgbytes(message, length); });
  const core::key_view received(reinterpret_cast<const std::byte *>(bytes), static_cast<std::size_t>(length));
  validate(received, core::fault::damaged_message, work);
  return pg::presence_result(with_length_word(received));
}

HEADCOUNT_FUNCTION(presence_send) {
  const pg::workspace work;
  return pg::presence_result(with_length_word(canonical_argument(fcinfo, 0, work)));
}

HEADCOUNT_FUNCTION(presence_eq) {
  const pg::workspace work;
  return BoolGetDatum(core::compare(canonical_argument(fcinfo, 0, work), canonical_argument(fcinfo, 1, work)) == 0);
}

HEADCOUNT_FUNCTION(presence_ne) {
  const pg::workspace work;
  return BoolGetDatum(core::compare(canonical_argument(fcinfo, 0, work), canonical_argument(fcinfo, 1, work)) != 0);
}

HEADCOUNT_FUNCTION(presence_hash) {
  const pg::workspace work;
  return UInt32GetDatum(static_cast<std::uint32_t>(core::hash_bytes(canonical_argument(fcinfo, 0, work))));
}

HEADCOUNT_FUNCTION(presence_hash_extended) {
  const pg::workspace work;
  const auto seed = static_cast<std::uint64_t>(PG_GETARG_INT64(1));
  return UInt64GetDatum(core::hash_bytes(canonical_argument(fcinfo, 0, work), seed));
}

}  // namespace headcount::fn
