#pragma once
// PostgreSQL's time zones, as the kernel asks for them.

#include "pg/postgres.hpp"

#include "core/civil.hpp"
#include "pg/values.hpp"

namespace headcount::pg {

// Names, abbreviations and POSIX rules, resolved exactly as AT TIME ZONE does. Remembers when so many days begin: a
// conversion costs some 200 ns, a look-up 2.
template <std::uint32_t remembered>
class remembering_zone final : public core::time_zone {
 public:
  // Throws backend_error (22023) where PostgreSQL does not know the zone. Keeps its copy of the name in the current
  // memory context.
  explicit remembering_zone(std::string_view name)
      : name_(call(
            [name] { return PointerGetDatum(cstring_to_text_with_len(name.data(), static_cast<int>(name.size()))); })) {
    (void)start_of(0);
  }

  std::string_view name() const {
    return {VARDATA_ANY(DatumGetPointer(name_)), VARSIZE_ANY_EXHDR(DatumGetPointer(name_))};
  }

  core::instant start_of(core::day_number day) const override {
    known &entry = starts_[static_cast<std::uint32_t>(day) % remembered];
    if (!entry.valid || entry.day != day) entry = {day, true, convert(day)};
    return entry.start;
  }

  std::int64_t wall_clock(core::instant at) const override {
    return call([this, at] {
      return DatumGetTimestamp(DirectFunctionCall2(timestamptz_zone, name_, TimestampTzGetDatum(at)));
    });
  }

 private:
  core::instant convert(core::day_number day) const {
    const std::int64_t midnight = day * core::ticks_per_day;
    if (midnight < core::first_finite || midnight >= core::end_of_finite)
      throw core::error(core::fault::out_of_range, "day is out of the range of timestamptz");
    return call([this, midnight] {
      return DatumGetTimestampTz(DirectFunctionCall2(timestamp_zone, name_, TimestampGetDatum(midnight)));
    });
  }

  struct known {
    core::day_number day;
    bool valid;
    core::instant start;
  };
  Datum name_;
  mutable known starts_[remembered] = {};
};

// Rows of three years in any order stay within what it remembers.
using zone = remembering_zone<1024>;
// For a few rows, where making and clearing the 24 kB of the other would be the larger part.
using small_zone = remembering_zone<8>;

inline std::string_view zone_argument(FunctionCallInfo fcinfo, int number) {
  return text_argument(fcinfo, number, "time_zone");
}

}  // namespace headcount::pg
