#include "core/report/daily_presence.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "core/base/error.hpp"
#include "core/presence/packed_intervals.hpp"
#include "support/toolbox.hpp"
#include "support/zones.hpp"

namespace headcount::test {
namespace {

using core::daily_presence;
using core::day_number;
using core::day_range;
using core::days_by_key;
using core::host_events;
using core::licensing_model;

// --- days of keys ----------------------------------------------------------------------------------------------------

using slow_days = std::map<std::string, std::set<std::int64_t>>;

slow_days days_in(const days_by_key &sets, const context &with) {
  slow_days found;
  sets.for_each(with, [&](std::uint32_t, core::key_view name, const core::days_of_key &days) {
    auto &to = found[string_of(name)];
    std::int32_t before = INT32_MIN;
    for (const core::day_word &word : days.words) {
      EXPECT_TRUE(before < word.number || before == INT32_MIN);
      before = word.number;
      for (int bit = 0; bit < 128; ++bit)
        if ((word.halves[static_cast<std::size_t>(bit) / 64] >> (bit % 64) & 1U) != 0)
          to.insert(word.first_day() + bit);
    }
    for (const interval &stay : days.long_stays)
      for (std::int64_t day = stay.start; day < stay.end; ++day) to.insert(day);
  });
  return found;
}

TEST(days_by_key, keeps_every_day_in_any_order) {
  const host with;
  std::mt19937 random(17);
  for (const int span : {1, 100, 400, 5000}) {
    days_by_key sets(with.memory());
    slow_days model;
    for (int row = 0; row < 4000; ++row) {
      std::string name = "user" + std::to_string(random() % 40);
      if (random() % 10 == 0) name += std::string(40, 'x');  // too long for a record
      const auto first = static_cast<day_number>(random() % static_cast<unsigned>(span)) - span / 3;
      const auto last = first + static_cast<day_number>(random() % 8 == 0 ? random() % 2000 : random() % 3);
      sets.add(view_of(name), first, last);
      for (day_number day = first; day <= last; ++day) model[name].insert(day);
    }
    EXPECT_EQ(days_in(sets, with), model) << span;
    EXPECT_EQ(sets.size(), model.size());

    core::byte_buffer bytes(with.memory());
    sets.write(bytes, with);
    days_by_key read(with.memory()), merged(with.memory());
    core::byte_reader reader({bytes.data(), bytes.size()});
    read.merge(reader, with);
    EXPECT_EQ(reader.remaining(), 0U);
    EXPECT_EQ(days_in(read, with), model) << span;
    merged.add(view_of("another"), 5, 700);
    merged.merge(sets, with);
    for (day_number day = 5; day <= 700; ++day) model["another"].insert(day);
    EXPECT_EQ(days_in(merged, with), model) << span;

    core::byte_buffer packed(with.memory());
    merged.write_packed(packed, with);
    days_by_key unpacked(with.memory());
    core::byte_reader from({packed.data(), packed.size()});
    unpacked.merge_packed(from, with);
    EXPECT_EQ(from.remaining(), 0U);
    EXPECT_EQ(days_in(unpacked, with), model) << span;
  }
}

TEST(days_by_key, a_stay_of_millennia_takes_no_more_memory_than_a_day) {
  const host with;
  days_by_key sets(with.memory());
  sets.add(view_of("u"), -2400000, 9000);
  sets.add(view_of("u"), 9001, 9001);
  EXPECT_EQ(days_in(sets, with)["u"].size(), 2409002U);
  EXPECT_LT(with.max_memory(), 100'000U);
}

TEST(days_by_key, finds_keys_by_name) {
  const host with;
  days_by_key sets(with.memory());
  sets.add(view_of("a"), 1, 1);
  sets.add(view_of("b"), 2, 2);
  days_by_key::reader read(sets, with.memory());
  EXPECT_EQ(read.find(view_of("c")), days_by_key::npos);
  const std::uint32_t number = read.find(view_of("b"));
  ASSERT_NE(number, days_by_key::npos);
  EXPECT_EQ(read[number].words.front().halves[0], 4U);
}

// --- hosts -----------------------------------------------------------------------------------------------------------

using changes = std::vector<std::pair<instant, std::int64_t>>;

changes changes_of(const host_events &events, instant last, const context &with) {
  changes found;
  events.for_each_change(last, with, [&](instant at, std::int64_t level) { found.emplace_back(at, level); });
  return found;
}

TEST(host_events, levels_are_those_of_united_intervals) {
  const host with;
  std::mt19937 random(23);
  for (const std::int64_t spread : {50LL, 5'000'000LL, 40'000'000'000LL, 900'000'000'000'000LL}) {
    host_events events(with.memory()),
        parts[3] = {host_events(with.memory()), host_events(with.memory()), host_events(with.memory())};
    rows model;
    for (int row = 0; row < 3000; ++row) {
      std::string name = "h" + std::to_string(random() % 25);
      if (random() % 10 == 0) name += std::string(40, 'y');
      const instant start = static_cast<instant>(random() % 1000) * (spread / 10) / 100 - spread / 4;
      const instant end =
          random() % 50 == 0 ? forever : start + 1 + static_cast<instant>(random() % 30) * (spread / 100);
      model.push_back({name, {start, end}});
      events.add(view_of(name), {start, end});
      parts[row % 3].add(view_of(name), {start, end});
    }
    const bytes log = log_of(key_type::text, model);
    changes expected;
    for (const core::level_change &each : core::find_timeline(presence_view(log), core::all_time, with))
      expected.emplace_back(each.at, each.level);
    EXPECT_EQ(changes_of(events, forever, with), expected) << spread;

    // In parts: one as it is, one by its bytes.
    core::byte_buffer buffer(with.memory());
    parts[1].write(buffer, with);
    core::byte_reader reader({buffer.data(), buffer.size()});
    parts[0].merge(reader, with);
    parts[0].merge(parts[2], with);
    EXPECT_EQ(reader.remaining(), 0U);
    EXPECT_EQ(changes_of(parts[0], forever, with), expected) << spread;

    // One by its packed bytes, which say the same once more packed.
    core::byte_buffer packed(with.memory()), twice(with.memory());
    parts[1].write_packed(packed, with);
    core::byte_reader first({packed.data(), packed.size()});
    parts[2].merge_packed(first, with);
    parts[2].write_packed(twice, with);
    host_events whole(with.memory());
    core::byte_reader second({twice.data(), twice.size()});
    whole.merge_packed(second, with);
    for (int row = 0; row < 3000; row += 3) whole.add(view_of(model[static_cast<std::size_t>(row)].key), model[static_cast<std::size_t>(row)].when);
    EXPECT_EQ(first.remaining() + second.remaining(), 0U);
    EXPECT_EQ(changes_of(whole, forever, with), expected) << spread;

    changes until_zero;
    for (const auto &each : expected)
      if (each.first <= 0) until_zero.push_back(each);
    EXPECT_EQ(changes_of(events, 0, with), until_zero) << spread;
  }
}

// --- the report ------------------------------------------------------------------------------------------------------

struct random_rows {
  rows users, hosts, denied;

  random_rows(std::mt19937 &random, instant from, instant to) {
    const auto span = static_cast<std::uint64_t>(to - from);
    const auto draw = [&] { return (std::uint64_t{random()} << 32U) | random(); };
    for (int row = 0; row < 300; ++row) {
      const instant start = from + static_cast<instant>(draw() % span);
      const std::uint64_t kind = random() % 12;
      const instant end = kind == 0   ? forever
                          : kind == 1 ? start + 1
                          : kind == 2 ? start + static_cast<instant>(draw() % (span * 3))
                                      : start + 1 + static_cast<instant>(draw() % (2 * core::ticks_per_day));
      if (random() % 20 != 0)
        users.push_back({"u" + std::to_string(random() % 30), {start, end}});
      else
        users.push_back({"", {start, end}});
      hosts.push_back({random() % 20 == 0 ? "" : "h" + std::to_string(random() % 9), {start, end}});
    }
    for (int row = 0; row < 60; ++row) {
      const instant at = from + static_cast<instant>(draw() % span);
      denied.push_back({"u" + std::to_string(random() % 45), {at, at + 1}});
    }
  }
};

rows named(const rows &from) {
  rows kept;
  for (const auto &each : from)
    if (!each.key.empty()) kept.push_back(each);
  return kept;
}

TEST(daily_presence, gives_the_report_that_presences_give) {
  const host with;
  std::mt19937 random(31);
  for (int round = 0; round < 60; ++round) {
    const core::time_zone *const zone = all_zones[static_cast<std::size_t>(round) % std::size(all_zones)].zone;
    const instant from = (random() % 2 == 0 ? 8800 : static_cast<instant>(random() % 80)) * core::ticks_per_day,
                  to = from + static_cast<instant>(1 + random() % 700) * core::ticks_per_day;
    const instant as_of = from + static_cast<instant>(random() % 1000) * ((to - from) / 900);
    const random_rows made(random, from, to);

    daily_presence all(*zone, as_of, with.memory()), denials(*zone, as_of, with.memory());
    daily_presence parts[2] = {daily_presence(*zone, as_of, with.memory()),
                               daily_presence(*zone, as_of, with.memory())};
    const auto some = [](const std::string &name) {
      return name.empty() ? std::nullopt : std::optional(view_of(name));
    };
    for (std::size_t row = 0; row < made.users.size(); ++row) {
      const auto user = some(made.users[row].key), at = some(made.hosts[row].key);
      all.add_session(user, at, made.users[row].when);
      parts[row % 2].add_session(user, at, made.users[row].when);
    }
    for (const auto &each : made.denied) denials.add_denial(view_of(each.key), each.when.start);
    core::byte_buffer buffer(with.memory());
    parts[1].write(buffer, with);
    core::byte_reader reader({buffer.data(), buffer.size()});
    parts[0].merge(reader, with);
    // As the aggregate gives it: with peaks in place of events.
    core::byte_buffer finished(with.memory());
    parts[0].write_with_peaks(finished, *zone, with);
    core::byte_reader last({finished.data(), finished.size()});
    daily_presence closed(*zone, as_of, with.memory());
    closed.read(last, with);
    EXPECT_FALSE(closed.is_open());
    EXPECT_EQ(last.remaining(), 0U);
    EXPECT_THROW(closed.merge(all, with), core::error);
    EXPECT_THROW(all.merge(closed, with), core::error);

    const bytes users = log_of(key_type::text, named(made.users)), hosts = log_of(key_type::text, named(made.hosts)),
                denied = log_of(key_type::text, made.denied);
    std::map<core::day_number, std::int64_t> denials_on;
    for (const auto &each : made.denied)
      if (each.when.start <= as_of) ++denials_on[core::day_of(each.when.start, *zone)];
    for (const auto model : {licensing_model::model_2013, licensing_model::model_2019, licensing_model::model_2025}) {
      for (const std::int64_t window : {1, 14, 1000}) {
        for (const bool bounded : {false, true}) {
          day_range range{std::nullopt, std::nullopt, as_of};
          if (bounded) range.first = core::day_of(as_of, *zone) - 20, range.last = core::day_of(as_of, *zone) - 3;
          const auto expected = core::find_daily_user_counts(
              {presence_view(users), presence_view(denied), presence_view(hosts)}, model, window, range, *zone, with);
          for (const daily_presence *sessions : {&all, &parts[0], &closed}) {
            const auto found = core::find_daily_user_counts(*sessions, denials, model, window, range, *zone, with);
            ASSERT_EQ(found.rows.size(), expected.rows.size());
            ASSERT_EQ(found.first, expected.first);
            for (std::size_t at = 0; at < found.rows.size(); ++at) {
              const auto &a = found.rows[at], &b = expected.rows[at];
              const auto on = denials_on.find(found.first + static_cast<core::day_number>(at));
              EXPECT_EQ(std::tuple(a.total_users, a.daily_users, a.denial_users, a.denials, a.concurrent_hosts.level,
                                   a.concurrent_hosts.level == 0 ? 0 : a.concurrent_hosts.at, a.complete),
                        std::tuple(b.total_users, b.daily_users, b.denial_users, on == denials_on.end() ? 0 : on->second, b.concurrent_hosts.level,
                                   b.concurrent_hosts.level == 0 ? 0 : b.concurrent_hosts.at, b.complete))
                  << "round " << round << " day " << at << " window " << window << " bounded " << bounded;
            }
          }
        }
      }
    }
  }
}

TEST(daily_presence, damaged_bytes_are_an_error_or_another_answer_but_never_more) {
  const host with;
  const core::time_zone &zone = utc;
  const instant as_of = 40 * core::ticks_per_day;
  daily_presence whole(zone, as_of, with.memory());
  for (int row = 0; row < 40; ++row) {
    const instant start = row * core::ticks_per_day;
    whole.add_session(view_of("u" + std::to_string(row % 7)), view_of("h" + std::to_string(row % 5)),
                      {start, start + 1000});
    whole.add_denial(view_of("d" + std::to_string(row % 3)), start);
  }
  core::byte_buffer buffer(with.memory());
  whole.write(buffer, with);
  const std::vector<std::byte> good(buffer.data(), buffer.data() + buffer.size());
  const auto read = [&](const std::vector<std::byte> &damaged) {
    daily_presence from(zone, as_of, with.memory());
    core::byte_reader reader(damaged);
    from.read(reader, with);
    const day_range range{0, 50, as_of};
    (void)core::find_daily_user_counts(from, from, licensing_model::model_2019, 14, range, zone, with);
  };
  EXPECT_NO_THROW(read(good));
  for (std::size_t length = 0; length < good.size(); ++length)
    EXPECT_THROW(read({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length)}), core::error) << length;
  int refused = 0;
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const unsigned value : {0U, 1U, 0x7fU, 0x80U, 0xffU}) {
      std::vector<std::byte> damaged = good;
      damaged[at] = static_cast<std::byte>(value);
      try {
        read(damaged);
      } catch (const core::error &) {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 100);
}

// The bytes of one without users, hosts and peaks, which has these denials.
bytes bytes_with(instant first, const std::vector<std::pair<day_number, std::uint64_t>> &denials, const context &with) {
  core::byte_buffer buffer(with.memory);
  buffer.append_word(static_cast<std::uint64_t>(first), 8);
  const days_by_key none(with.memory);
  none.write(buffer, with);
  none.write(buffer, with);
  buffer.append_varint(denials.size());
  for (const auto &[day, count] : denials) {
    buffer.append_word(static_cast<std::uint32_t>(day), 4);
    buffer.append_varint(count);
  }
  buffer.append_byte(0);
  host_events(with.memory).write(buffer, with);
  return {buffer.data(), buffer.data() + buffer.size()};
}

TEST(daily_presence, denials_and_times_beyond_their_range_are_damage) {
  const host with;
  const std::uint64_t most = INT64_MAX;
  const auto read = [&](const bytes &from, daily_presence &to) {
    core::byte_reader reader(from);
    to.read(reader, with);
  };
  const auto is_damaged = [&](const bytes &from) {
    daily_presence to(utc, 1000, with.memory());
    try {
      read(from, to);
    } catch (const core::error &error) {
      return error.kind() == core::fault::damaged_bytes;
    }
    return false;
  };
  EXPECT_FALSE(is_damaged(bytes_with(5, {{0, most}, {1, most}}, with)));
  EXPECT_TRUE(is_damaged(bytes_with(5, {{0, most}, {0, 1}}, with)));
  EXPECT_TRUE(is_damaged(bytes_with(5, {{0, most + 1}}, with)));
  daily_presence one(utc, 1000, with.memory()), other(utc, 1000, with.memory());
  read(bytes_with(5, {{0, most}}, with), one);
  read(bytes_with(5, {{0, most}}, with), other);
  EXPECT_THROW(one.merge(other, with), core::error);
  EXPECT_EQ(other.denials_on(0), INT64_MAX);

  for (const instant first : {forever, core::first_finite, core::end_of_finite - 1}) EXPECT_FALSE(is_damaged(bytes_with(first, {}, with)));
  for (const instant first : {beginning, core::first_finite - 1, core::end_of_finite, forever - 1})
    EXPECT_TRUE(is_damaged(bytes_with(first, {}, with))) << first;
}

// The last word of days that there is; the sanitizers look at how it is reached.
TEST(days_by_key, has_the_last_days_that_there_are) {
  const host with;
  days_by_key sets(with.memory());
  sets.add(view_of("u"), INT32_MAX - 200, INT32_MAX - 1);
  EXPECT_EQ(days_in(sets, with)["u"].size(), 200U);
  EXPECT_EQ(*days_in(sets, with)["u"].rbegin(), INT32_MAX - 1);
}

TEST(days_by_key, stays_that_are_none_are_damage) {
  const host with;
  // Words of no key, then the long stays as a presence in days; or all as packed intervals of days.
  const auto is_damaged = [&](key_type type, interval stay, bool packed) {
    core::keyed_intervals stays(type, with.memory());
    stays.add(type == key_type::text ? view_of("u") : view_of("8 bytes."), stay);
    core::byte_buffer buffer(with.memory());
    if (packed) {
      core::pack_intervals(buffer, stays, with);
    } else {
      const bytes canonical = canonical_of(presence_view(stays), with);
      buffer.append_varint(0);
      buffer.append_varint(canonical.size());
      buffer.append(canonical);
    }
    days_by_key to(with.memory());
    core::byte_reader from({buffer.data(), buffer.size()});
    try {
      packed ? to.merge_packed(from, with) : to.merge(from, with);
    } catch (const core::error &error) {
      return error.kind() == core::fault::damaged_bytes;
    }
    EXPECT_EQ(days_in(to, with)["u"].size(), static_cast<std::size_t>(stay.end - stay.start));
    return false;
  };
  for (const bool packed : {false, true}) {
    EXPECT_FALSE(is_damaged(key_type::text, {0, 700}, packed));
    EXPECT_TRUE(is_damaged(key_type::text, {0, std::int64_t{INT32_MAX} + 1}, packed));
    EXPECT_TRUE(is_damaged(key_type::text, {std::int64_t{INT32_MIN} - 1, 0}, packed));
    EXPECT_TRUE(is_damaged(key_type::text, {0, forever}, packed));
  }
  EXPECT_TRUE(is_damaged(key_type::bigint, {0, 700}, false));
}

}  // namespace
}  // namespace headcount::test
