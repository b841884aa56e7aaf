#include "pg/zone.hpp"

#include "pg/compat.hpp"

namespace headcount::pg {
namespace {

// Rows of three years in any order, in each of a few zones, stay within what is remembered.
constexpr std::uint32_t remembered = 4096;

struct known_day {
  core::day_number day;
  std::uint32_t zone;  // its number, from 1 on
  core::instant start;
};
known_day known_days[remembered];

struct entry {
  char name[TZ_STRLEN_MAX + 1];  // the key
  zone of;
};
HTAB *zones = nullptr;

// What an abbreviation means is a setting. Names of zones proper mean the same for the length of a session.
void forget_other_abbreviations() {
  static std::uint64_t abbreviations = 0;
  const auto now = call([] { return compat::meaning_of_abbreviations(); });
  if (now == abbreviations) return;
  std::fill(std::begin(known_days), std::end(known_days), known_day{});
  abbreviations = now;
}

}  // namespace

zone::zone(std::string_view name, std::uint32_t number) : number_(number), room_{} {
  std::memcpy(VARDATA(&name_), name.data(), name.size());
  SET_VARSIZE(&name_, VARHDRSZ + name.size());
}

core::instant zone::start_of(core::day_number day) const {
  // Zones are apart by more than the days of a year, and by a prime.
  known_day &known = known_days[(static_cast<std::uint32_t>(day) + number_ * 1109) % remembered];
  if (known.zone != number_ || known.day != day) known = {day, number_, convert(day)};
  return known.start;
}

std::int64_t zone::wall_clock(core::instant at) const {
  return call([this, at] {
    return DatumGetTimestamp(DirectFunctionCall2(timestamptz_zone, name_value(), TimestampTzGetDatum(at)));
  });
}

core::instant zone::convert(core::day_number day) const {
  const std::int64_t midnight = day * core::ticks_per_day;
  if (midnight < core::first_finite || midnight >= core::end_of_finite)
    throw core::error(core::fault::out_of_range, "day is out of the range of timestamptz");
  return call([this, midnight] {
    return DatumGetTimestampTz(DirectFunctionCall2(timestamp_zone, name_value(), TimestampGetDatum(midnight)));
  });
}

const zone &zone_named(std::string_view name) {
  forget_other_abbreviations();
  (void)checked_text(std::as_bytes(std::span(name)));
  char key[TZ_STRLEN_MAX + 1] = {};
  const int length = static_cast<int>(std::min<std::size_t>(name.size(), INT_MAX));
  name = name.substr(0, static_cast<std::size_t>(pg_mbcliplen(name.data(), length, TZ_STRLEN_MAX)));
  std::memcpy(key, name.data(), name.size());
  if (zones == nullptr) {
    call([] {
      HASHCTL shape{};
      shape.keysize = sizeof(entry::name);
      shape.entrysize = sizeof(entry);
      zones = hash_create("headcount zones", 16, &shape, HASH_ELEM | HASH_STRINGS);
    });
  }
  const auto *const found = static_cast<entry *>(call([&] { return hash_search(zones, key, HASH_FIND, nullptr); }));
  if (found != nullptr) {
    (void)found->of.start_of(0);  // an abbreviation may be none any more
    return found->of;
  }
  static std::uint32_t last_number = 0;
  const std::uint32_t number = ++last_number;  // also for a name that is none: no two zones may share one
  const zone tried(name, number);
  (void)tried.start_of(0);
  auto *const made = static_cast<entry *>(call([&] { return hash_search(zones, key, HASH_ENTER, nullptr); }));
  return *new (&made->of) zone(name, number);
}

bool is_abbreviation(const char *word) {
  for (const char *utc : {"UTC", "UCT", "UT", "GMT", "Z", "Zulu"})
    if (pg_strcasecmp(word, utc) == 0) return false;
  static const TimeZoneAbbrevTable *known = nullptr;  // read once a session
  if (known == nullptr) known = load_tzoffsets("Default");
  if (known == nullptr) ereport(ERROR, (errcode(ERRCODE_CONFIG_FILE_ERROR), errmsg("could not read PostgreSQL's list of time zone abbreviations")));
  for (int at = 0; at < known->numabbrevs; ++at)
    if (pg_strncasecmp(known->abbrevs[at].token, word, TOKMAXLEN) == 0) return true;
  return false;
}

}  // namespace headcount::pg
