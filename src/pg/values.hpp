#pragma once
// Arguments in, results out.

#include "pg/postgres.hpp"

#include "core/base/error.hpp"
#include "core/base/key.hpp"
#include "core/rules.hpp"
#include "core/time/civil.hpp"
#include "core/time/instant.hpp"
#include "pg/boundary.hpp"

namespace headcount::pg {

static_assert(core::beginning == DT_NOBEGIN && core::forever == DT_NOEND);
static_assert(core::first_finite == MIN_TIMESTAMP && core::end_of_finite == END_TIMESTAMP);

inline Datum null_result(FunctionCallInfo fcinfo) {
  fcinfo->isnull = true;
  return Datum{0};
}

// A varlena value that is neither compressed nor stored elsewhere, without its header.
inline core::key_view bytes_of(Datum value) {
  auto *const packed = reinterpret_cast<struct varlena *>(DatumGetPointer(value));
  return {reinterpret_cast<const std::byte *>(VARDATA_ANY(packed)), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(packed))};
}

// A varlena argument without its header, detoasted where necessary. Not NULL.
inline core::key_view bytes_argument(FunctionCallInfo fcinfo, int number) {
  auto *value = reinterpret_cast<struct varlena *>(DatumGetPointer(fcinfo->args[number].value));
  if (VARATT_IS_EXTERNAL(value) || VARATT_IS_COMPRESSED(value))
    value = call([value] { return pg_detoast_datum_packed(value); });
  return bytes_of(PointerGetDatum(value));
}

// A varlena value of bytes that begin with room for its length word (reserve VARHDRSZ).
inline Datum value_result(std::span<std::byte> bytes) {
  SET_VARSIZE(bytes.data(), bytes.size());
  return PointerGetDatum(bytes.data());
}

// So many bytes that are 0, behind room for their length word; at most what a value holds.
inline std::span<std::byte> empty_value(std::size_t size) {
  return {static_cast<std::byte *>(call([size] { return palloc0(size + VARHDRSZ); })), size + VARHDRSZ};
}

// A varlena value of `size` bytes in all that begins as another one does, if there is one; the rest are zeros. Whoever makes
// an aggregate of our transition functions sees the free space of a state too: it must not show what the memory had before.
inline struct varlena *larger_value(const struct varlena *from, std::size_t size) {
  auto *const larger = static_cast<struct varlena *>(call([size] { return palloc0(size); }));
  if (from != nullptr) std::memcpy(larger, from, VARSIZE(from));
  SET_VARSIZE(larger, size);
  return larger;
}

// A varlena value of a copy of the bytes.
inline Datum copied_value(core::key_view bytes) {
  const std::size_t size = bytes.size() + VARHDRSZ;
  auto *const value = static_cast<std::byte *>(call([size] { return palloc(size); }));
  std::memcpy(value + VARHDRSZ, bytes.data(), bytes.size());
  return value_result({value, size});
}

// Throws missing_argument where an argument is NULL.
inline void require_argument(FunctionCallInfo fcinfo, int number, const char *name) {
  if (PG_ARGISNULL(number))
    throw core::error(core::fault::missing_argument, std::string("argument \"") + name + "\" must not be null");
}

inline std::string_view text_argument(FunctionCallInfo fcinfo, int number, const char *name) {
  require_argument(fcinfo, number, name);
  const core::key_view bytes = bytes_argument(fcinfo, number);
  return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

inline core::instant instant_argument(FunctionCallInfo fcinfo, int number, const char *name) {
  require_argument(fcinfo, number, name);
  return PG_GETARG_TIMESTAMPTZ(number);
}

// Two arguments that bound a window; NULL is no bound. Throws invalid_argument where they are reversed.
inline core::interval window_arguments(FunctionCallInfo fcinfo, int first) {
  const core::interval window{PG_ARGISNULL(first) ? core::beginning : PG_GETARG_TIMESTAMPTZ(first),
                              PG_ARGISNULL(first + 1) ? core::forever : PG_GETARG_TIMESTAMPTZ(first + 1)};
  if (window.start > window.end) {
    throw core::error(core::fault::invalid_argument, "argument \"from_at\" must not be after argument \"to_at\"", {},
                      "A range goes from its first instant to the one after its last.");
  }
  return window;
}

// (granularity, ..., week_starts): the size of buckets, a name or an interval. What has no digit is no interval.
inline core::bucket_size bucket_size_argument(FunctionCallInfo fcinfo, int granularity, int week_starts) {
  const std::string_view text = text_argument(fcinfo, granularity, "granularity");
  require_argument(fcinfo, week_starts, "week_starts");
  const std::int32_t first_weekday = PG_GETARG_INT32(week_starts);
  if (text.find_first_of("0123456789") == std::string_view::npos) return {core::parse_granularity(text), first_weekday};
  const Interval *const size = call([text] {
    char *const copy = pnstrdup(text.data(), text.size());
    return DatumGetIntervalP(DirectFunctionCall3(interval_in, CStringGetDatum(copy), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
  });
  return core::bucket_size::of(size->month, size->day, size->time, first_weekday, text);
}

// A day, or nothing for NULL and for 'infinity', which a report clips to its last day anyway. Throws out_of_range for
// infinite dates and those beyond what timestamptz holds.
inline std::optional<core::day_number> day_argument(FunctionCallInfo fcinfo, int number, const char *name,
                                                    bool may_be_infinite = false) {
  if (PG_ARGISNULL(number)) return std::nullopt;
  const DateADT day = PG_GETARG_DATEADT(number);
  if (DATE_IS_NOEND(day) && may_be_infinite) return std::nullopt;
  if (day < core::first_finite / core::ticks_per_day || day >= core::end_of_finite / core::ticks_per_day)
    throw core::error(core::fault::out_of_range, std::string("argument \"") + name + "\" is out of range");
  return day;
}

// A day; nothing for NULL and for infinite ones, which are no bound.
inline std::optional<core::day_number> finite_day(FunctionCallInfo fcinfo, int number) {
  if (PG_ARGISNULL(number) || DATE_NOT_FINITE(PG_GETARG_DATEADT(number))) return std::nullopt;
  return PG_GETARG_DATEADT(number);
}

inline std::optional<core::instant> optional_instant(FunctionCallInfo fcinfo, int number) {
  if (PG_ARGISNULL(number)) return std::nullopt;
  return PG_GETARG_TIMESTAMPTZ(number);
}

// (..., started_at, ended_at), and (..., at): as they are counted, by rule S1.
inline std::optional<core::interval> session_arguments(FunctionCallInfo fcinfo, int first) {
  return core::occupied(optional_instant(fcinfo, first), optional_instant(fcinfo, first + 1));
}
inline std::optional<core::interval> instant_arguments(FunctionCallInfo fcinfo, int number) {
  return core::occupied(optional_instant(fcinfo, number));
}

// How many days count as the last ones; NULL is what the model says.
inline std::int32_t window_days_argument(FunctionCallInfo fcinfo, int number, core::licensing_model model) {
  return PG_ARGISNULL(number) ? core::default_window_days(model) : PG_GETARG_INT32(number);
}

// Key arguments of the three types, as the kernel's keys. Not NULL.
struct text_key_argument {
  static constexpr core::key_type type = core::key_type::text;
  text_key_argument(FunctionCallInfo fcinfo, int number) : key(bytes_argument(fcinfo, number)) {}
  core::key_view key;
};

struct bigint_key_argument {
  static constexpr core::key_type type = core::key_type::bigint;
  bigint_key_argument(FunctionCallInfo fcinfo, int number) : key(PG_GETARG_INT64(number)) {}
  core::bigint_key key;
};

struct uuid_key_argument {
  static constexpr core::key_type type = core::key_type::uuid;
  uuid_key_argument(FunctionCallInfo fcinfo, int number)
      : key(reinterpret_cast<const std::byte *>(PG_GETARG_UUID_P(number)->data), UUID_LEN) {}
  core::key_view key;
};

// Throws backend_error (22021) unless the bytes are text in the encoding of the database. Bytes that were stored, or that
// somebody made up, need not be; a NUL byte never is.
inline std::string_view checked_text(core::key_view bytes) {
  const std::string_view text(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  call([text] { (void)pg_verifymbstr(text.data(), static_cast<int>(text.size()), false); });
  return text;
}

// A text value that is made over and over, for rows that copy it. Here bytes become text, so here they are checked.
class text_buffer {
 public:
  Datum operator()(std::string_view text) { return (*this)(std::as_bytes(std::span(text))); }
  Datum operator()(core::key_view bytes) {
    const std::string_view text = checked_text(bytes);
    const std::size_t size = text.size() + VARHDRSZ;
    if (size > capacity_) {
      value_ = static_cast<text_value *>(call([size] { return palloc(size); }));
      capacity_ = size;
    }
    SET_VARSIZE(value_, size);
    std::memcpy(VARDATA(value_), text.data(), text.size());
    return PointerGetDatum(value_);
  }

 private:
  using text_value = ::text;
  text_value *value_ = nullptr;
  std::size_t capacity_ = 0;
};

}  // namespace headcount::pg
