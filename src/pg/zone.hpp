#pragma once
// PostgreSQL's time zones, as the kernel asks for them.
//
// Nobody owns a zone: there is one of each name in a session, made when it is first asked for, and it stays. (PostgreSQL
// keeps the rules of every zone for as long, 20 kB each; a zone here is a name.) When days begin is remembered beside
// them, in a table of fixed size for all zones together: a conversion costs some 200 ns, a look-up 2.

#include "pg/postgres.hpp"

#include "core/time/civil.hpp"
#include "pg/values.hpp"

namespace headcount::pg {

// Names, abbreviations and POSIX rules, resolved exactly as AT TIME ZONE does.
class zone final : public core::time_zone {
 public:
  std::string_view name() const { return {VARDATA(&name_), VARSIZE(&name_) - VARHDRSZ}; }

  core::instant start_of(core::day_number day) const override;
  std::int64_t wall_clock(core::instant at) const override;

 private:
  friend const zone &zone_named(std::string_view name);
  zone(std::string_view name, std::uint32_t number);
  Datum name_value() const { return PointerGetDatum(&name_); }
  core::instant convert(core::day_number day) const;

  std::uint32_t number_;
  // A value of type text; PostgreSQL reads no more than TZ_STRLEN_MAX bytes of the name of a zone.
  union {
    struct varlena name_;
    char room_[VARHDRSZ + TZ_STRLEN_MAX];
  };
};

// The zone, which stays where it is as long as the session. Throws backend_error: 22023 where PostgreSQL does not know it,
// 22021 where the name is not text.
const zone &zone_named(std::string_view name);

// Whether a word stands for a zone by what the setting timezone_abbreviations says: one of the list that PostgreSQL comes with set,
// whatever is set here, but for those of UTC, which mean the same in all of its lists. For use inside of call(): F0000 if there is no such list.
bool is_abbreviation(const char *word);

inline std::string_view zone_name_argument(FunctionCallInfo fcinfo, int number) {
  return text_argument(fcinfo, number, "time_zone");
}
inline const zone &zone_argument(FunctionCallInfo fcinfo, int number) {
  return zone_named(zone_name_argument(fcinfo, number));
}

}  // namespace headcount::pg
