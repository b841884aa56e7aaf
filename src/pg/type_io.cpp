#include "pg/type_io.hpp"

#include "core/base/byte_buffer.hpp"
#include "pg/compat.hpp"
#include "pg/memory.hpp"
#include "pg/values.hpp"

namespace headcount::pg {
namespace {

// Throws `as`, with its own message, where the bytes are damaged.
void validate(core::key_view bytes, bytes_check check, core::fault as, std::string message) {
  const workspace work;
  try {
    check(bytes, work);
  } catch (const core::error &error) {
    if (error.kind() != core::fault::damaged_bytes) throw;
    throw core::error(as, std::move(message), error.detail(), error.hint(), error.where());
  }
}

Datum decode(std::string_view text, const char *type, bytes_check check) {
  const std::string message = std::string("invalid input syntax for type ") + type;
  const std::size_t room = text.size() / 4 * 3 + 3 + VARHDRSZ;
  if (room > core::max_bytes) core::throw_too_large();
  auto *const value = static_cast<std::byte *>(call([room] { return palloc(room); }));
  const int length = compat::base64_decode(text.data(), static_cast<int>(text.size()), value + VARHDRSZ,
                                           static_cast<int>(room - VARHDRSZ));
  if (length < 0) throw core::error(core::fault::damaged_text, message, "It is not base64.");
  const std::span<std::byte> bytes(value, static_cast<std::size_t>(length) + VARHDRSZ);
  validate(bytes.subspan(VARHDRSZ), check, core::fault::damaged_text, message);
  return value_result(bytes);
}

}  // namespace

Datum read_text(FunctionCallInfo fcinfo, const char *type, bytes_check check) {
  failure failed;
  try {
    return decode(PG_GETARG_CSTRING(0), type, check);
  } catch (const core::error &error) {
    failed.from_core(error);
  }
  // Outside the catch block, as ever; returns only where the caller wanted the error softly.
  call([&] { failed.report(fcinfo); });
  return null_result(fcinfo);
}

Datum read_message(FunctionCallInfo fcinfo, const char *type, bytes_check check) {
  auto *const message = reinterpret_cast<StringInfo>(PG_GETARG_POINTER(0));
  const int length = message->len - message->cursor;
  const auto *const bytes = call([&] { return pq_getmsgbytes(message, length); });
  const core::key_view received(reinterpret_cast<const std::byte *>(bytes), static_cast<std::size_t>(length));
  validate(received, check, core::fault::damaged_message,
           std::string("invalid binary representation for type ") + type);
  return copied_value(received);
}

Datum write_text(core::key_view canonical) {
  const std::size_t room = (canonical.size() + 2) / 3 * 4 + 1;
  if (room > core::max_bytes) core::throw_too_large();
  auto *const text = static_cast<char *>(call([room] { return palloc(room); }));
  const int length =
      compat::base64_encode(canonical.data(), static_cast<int>(canonical.size()), text, static_cast<int>(room - 1));
  text[length] = '\0';
  return CStringGetDatum(text);
}

}  // namespace headcount::pg
