// Any bytes at all as collected days: they are refused, or what they hold has a report, and written again it is the same. And rows of
// the fuzzer's choice, collected in parts that travel as bytes of either kind: the days have the users, denials and hosts that they have
// by the rows themselves.

#include <map>
#include <set>

#include "core/base/error.hpp"
#include "core/report/numbered_days.hpp"
#include "core/rules.hpp"
#include "fuzz/fuzzing.hpp"
#include "support/zones.hpp"

namespace headcount::test {
namespace {

using core::daily_presence;
using core::day_number;

enum class form { events, packed, peaks };

bytes written(const daily_presence &days, form as, const core::time_zone &zone, const context &with) {
  core::byte_buffer buffer(with.memory);
  switch (as) {
    case form::events: days.write(buffer, with); break;
    case form::packed: days.write_packed(buffer, with); break;
    case form::peaks: days.write_with_peaks(buffer, zone, with); break;
  }
  return {buffer.data(), buffer.data() + buffer.size()};
}

void read(daily_presence &to, const bytes &from, form as, const context &with) {
  core::byte_reader reader(from);
  if (as == form::packed)
    to.read_packed(reader, with);
  else
    to.read(reader, with);
}

using figures = std::vector<std::array<std::int64_t, 5>>;

figures report_of(const daily_presence &days, const core::time_zone &zone, const context &with) {
  const auto counts = core::find_daily_user_counts(days, days, core::licensing_model::model_2025, 3,
                                                   {std::nullopt, std::nullopt, days.as_of()}, zone, with);
  figures found;
  for (const auto &each : counts.rows)
    found.push_back({each.total_users, each.daily_users, each.denial_users, each.denials, each.concurrent_hosts.level});
  return found;
}

void read_anything(const bytes &input, form as) {
  const host with;
  const instant as_of = (autumn_2024 + 10) * days;
  daily_presence first(berlin, as_of, with.memory());
  const bool is_sound = can_read([&] {
    read(first, input, as, with);
  });
  if (!is_sound) return;
  try {
    const figures expected = report_of(first, berlin, with);
    if (!first.is_open()) return;
    daily_presence second(berlin, as_of, with.memory());
    read(second, written(first, form::events, berlin, with), form::events, with);
    require(report_of(second, berlin, with) == expected, "what is written is what was read");
    const bytes packed = written(first, form::packed, berlin, with);
    daily_presence third(berlin, as_of, with.memory()), fourth(berlin, as_of, with.memory());
    read(third, packed, form::packed, with);
    read(fourth, written(third, form::packed, berlin, with), form::packed, with);
    require(report_of(fourth, berlin, with) == report_of(third, berlin, with), "what is packed is what was read");
  } catch (const core::error &error) {
    require(error.kind() == core::fault::too_large || error.kind() == core::fault::invalid_argument || error.kind() == core::fault::number_too_large,
            "there is a report, or too much for one");
  }
}

// --- rows ------------------------------------------------------------------------------------------------------------

struct session {
  std::optional<std::string> user, host;
  interval when;
};
struct denial {
  std::string user;
  instant at;
};

struct rows_of_days {
  std::vector<session> sessions;
  std::vector<denial> denials;
};

rows_of_days any_rows(instant from, choices &choose) {
  rows_of_days made;
  const auto name = [&](char kind) {
    const unsigned number = choose(20);
    return number == 0 ? std::string(40, kind) : std::string(1, kind) + std::to_string(number);
  };
  const auto any_instant = [&] {
    const unsigned at = choose(256);
    return from + static_cast<instant>(at / 8) * 8 * hours + static_cast<instant>(at % 8) - 4;
  };
  while (choose.any_left() && made.sessions.size() < 200) {
    const unsigned kind = choose(16);
    if (kind == 0) {
      const std::string user = name('u');
      made.denials.push_back({user, any_instant()});
      continue;
    }
    session each;
    if (kind != 1) each.user = name('u');
    if (kind != 2) each.host = name('h');
    each.when.start = any_instant();
    each.when.end = kind == 3   ? forever
                    : kind == 4 ? each.when.start + static_cast<instant>(1 + choose(4)) * 600 * days
                                : each.when.start + 1 + static_cast<instant>(choose(12)) * 3 * hours;
    made.sessions.push_back(each);
  }
  return made;
}

std::optional<key_view> key_of(const std::optional<std::string> &name) {
  return name.has_value() ? std::optional(view_of(*name)) : std::nullopt;
}

void check(const daily_presence &found, const rows_of_days &rows, const core::time_zone &zone, instant as_of, const context &with) {
  core::user_numbers numbers(found.users(), found.denied(), with);
  std::map<std::uint32_t, std::string> names;
  for (const core::numbered_user &each : numbers.number_the_rest(0, 1000)) names[each.number] = string_of(each.name);
  const core::numbered_days numbered = core::find_numbered_days(found, found, numbers, zone, with);
  const auto names_of = [&](const std::pmr::vector<std::uint32_t> &users) {
    std::set<std::string> all;
    for (const std::uint32_t each : users) all.insert(names.at(each));
    require(all.size() == users.size(), "no user twice on a day");
    return all;
  };

  const instant end_of_all = as_of + 1;
  instant first = forever;
  for (const session &each : rows.sessions)
    if (each.when.start <= as_of) first = std::min(first, each.when.start);
  for (const denial &each : rows.denials)
    if (each.at <= as_of) first = std::min(first, each.at);
  if (first == forever) {
    require(numbered.rows.empty(), "nothing counts");
    return;
  }
  require(numbered.first == core::day_of(first, zone), "days begin with the first row");
  require(numbered.rows.size() == static_cast<std::size_t>(core::day_of(as_of, zone) - numbered.first + 1), "and end with as_of");

  std::map<instant, std::set<std::string>> hosts_at;  // at the starts of sessions and of days
  for (std::size_t at = 0; at < numbered.rows.size(); ++at) {
    const auto day = static_cast<day_number>(numbered.first + static_cast<std::int64_t>(at));
    const interval bounds{zone.start_of(day), std::min(zone.start_of(day + 1), end_of_all)};
    std::set<std::string> used, denied;
    std::int64_t denials = 0;
    std::set<instant> starts{bounds.start};
    for (const session &each : rows.sessions) {
      if (each.when.start > as_of) continue;
      if (each.user.has_value() && std::max(each.when.start, bounds.start) < std::min(each.when.end, bounds.end)) used.insert(*each.user);
      if (each.when.start >= bounds.start && each.when.start < bounds.end) starts.insert(each.when.start);
    }
    for (const denial &each : rows.denials) {
      if (each.at < bounds.start || each.at >= bounds.end) continue;
      denied.insert(each.user);
      ++denials;
    }
    std::size_t highest = 0;
    for (const instant now : starts) {
      if (now >= bounds.end) continue;
      std::set<std::string> there;
      for (const session &each : rows.sessions)
        if (each.host.has_value() && each.when.start <= now && each.when.end > now) there.insert(*each.host);
      highest = std::max(highest, there.size());
    }
    const core::numbered_day &row = numbered.rows[at];
    require(names_of(row.used) == used, "users are those of the rows");
    require(names_of(row.denied) == denied, "so are the denied");
    require(row.denials == denials, "and how often they were");
    require(row.concurrent_hosts.level == static_cast<std::int64_t>(highest), "and the hosts at once");
  }
}

void collect_rows(choices choose) {
  const core::time_zone &zone = *all_zones[choose(std::size(all_zones))].zone;
  const instant from = (choose(2) == 0 ? autumn_2024 - 5 : 45) * days;
  const instant as_of = from + static_cast<instant>(choose(80)) * 4 * hours;
  const unsigned routes = choose(256), parts = 1 + choose(3);
  const rows_of_days rows = any_rows(from, choose);

  const host with;
  daily_presence whole(zone, as_of, with.memory());
  for (unsigned part = 0; part < parts; ++part) {
    daily_presence some(zone, as_of, with.memory());
    for (std::size_t at = part; at < rows.sessions.size(); at += parts)
      some.add_session(key_of(rows.sessions[at].user), key_of(rows.sessions[at].host), rows.sessions[at].when);
    for (std::size_t at = part; at < rows.denials.size(); at += parts)
      some.add_denial(view_of(rows.denials[at].user), rows.denials[at].at);
    switch ((routes >> (2 * part)) & 3U) {
      case 0: whole.merge(some, with); break;
      case 1: read(whole, written(some, form::packed, zone, with), form::packed, with); break;
      default: read(whole, written(some, form::events, zone, with), form::events, with); break;
    }
  }
  check(whole, rows, zone, as_of, with);
  daily_presence closed(zone, as_of, with.memory());
  read(closed, written(whole, form::peaks, zone, with), form::peaks, with);
  check(closed, rows, zone, as_of, with);
}

}  // namespace
}  // namespace headcount::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  using namespace headcount::test;
  const bytes whole = copy_of_input(data, size);
  read_anything(whole, form::events);
  read_anything(whole, form::packed);
  collect_rows(choices(input_of(data, size)));
  return 0;
}
