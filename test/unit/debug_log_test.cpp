#include "core/flexnet/debug_log.hpp"

#include <gtest/gtest.h>

#include "core/base/error.hpp"
#include "core/flexnet/pair_checkouts.hpp"
#include "support/toolbox.hpp"
#include "support/zones.hpp"

namespace headcount::test {
namespace {

using core::log_event;
using core::log_record;

// 2024-03-01 is a day of winter time in Berlin, UTC + 1.
constexpr std::int64_t first_of_march = 8826;

struct collector final : core::log_sink {
  std::vector<log_record> records;
  void put(const log_record &record) override { records.push_back(record); }
};

std::vector<log_record> read(std::string_view log, const core::time_zone &zone = utc, std::optional<instant> begins_after = {}) {
  const host host;
  collector sink;
  core::read_debug_log(log, zone, begins_after, host, sink);
  return sink.records;
}

log_record read_line(std::string_view line) {
  const auto records = read("0:00:00 (lmgrd) TIMESTAMP 3/1/2024\n1:02:03 (demo) " + std::string(line));
  EXPECT_EQ(records.size(), 2U) << line;
  static std::string kept;  // the views of what is returned are parts of it
  kept = "0:00:00 (lmgrd) TIMESTAMP 3/1/2024\n1:02:03 (demo) " + std::string(line);
  return records.size() == 2 ? read(kept).back() : log_record{};
}

std::size_t records_of(std::string_view lines) { return read(lines, utc, first_of_march * days).size(); }

constexpr instant at(std::int64_t day, std::int64_t hour, std::int64_t minute = 0, std::int64_t second = 0) {
  return (first_of_march + day) * days + hour * hours + minute * minutes + second * core::ticks_per_second;
}

std::vector<instant> instants(std::string_view log, const core::time_zone &zone = utc, std::optional<instant> begins_after = {}) {
  std::vector<instant> found;
  for (const log_record &each : read(log, zone, begins_after))
    if (each.event != log_event::timestamp) found.push_back(each.at);
  return found;
}

// --- lines -----------------------------------------------------------------------------------------------------------

TEST(debug_log, reads_a_checkout) {
  const log_record found = read_line("OUT: \"f1\" anna@ws7  ");
  EXPECT_EQ(found.event, log_event::out);
  EXPECT_EQ(found.line, 2);
  EXPECT_EQ(found.at, at(0, 1, 2, 3));
  EXPECT_EQ(found.daemon, "demo");
  EXPECT_EQ(found.feature, "f1");
  EXPECT_EQ(found.user, "anna");
  EXPECT_EQ(found.host, "ws7");
  EXPECT_EQ(found.licenses, 1);
}

TEST(debug_log, reads_numbers_of_licenses_and_checkout_data) {
  EXPECT_EQ(read_line("OUT: \"f1\" anna@ws7  (20 licenses) ").licenses, 20);
  const log_record found = read_line("OUT: TLSTOK-token anna@ws7  [DOORS] (3 licenses)");
  EXPECT_EQ(found.feature, "TLSTOK-token");
  EXPECT_EQ(found.data, "DOORS");
  EXPECT_EQ(found.licenses, 3);
  EXPECT_EQ(found.host, "ws7");
}

TEST(debug_log, reads_why_a_license_came_back) {
  EXPECT_EQ(read_line("IN: \"f1\" anna@ws7  (INACTIVE)").reason, "INACTIVE");
  const log_record found = read_line("IN: \"f1\" anna@ws7  (3 licenses) (SHUTDOWN)");
  EXPECT_EQ(found.reason, "SHUTDOWN");
  EXPECT_EQ(found.licenses, 3);
}

TEST(debug_log, reads_denials) {
  const log_record found = read_line("DENIED: \"abaqus\" anna@node3.example.org  (25 licenses) (Users are queued for this feature. (-24,332))");
  EXPECT_EQ(found.event, log_event::denied);
  EXPECT_EQ(found.licenses, 25);
  EXPECT_EQ(found.reason, "Users are queued for this feature.");
  EXPECT_EQ(found.code, -24);
  EXPECT_EQ(found.minor_code, 332);
  EXPECT_EQ(found.host, "node3.example.org");
  const log_record odd = read_line("DENIED: DOORS anna@ws7  [demo] (Licensed number of users already reached. (-4,342:10054 \"reset\"))");
  EXPECT_EQ(odd.code, -4);
  EXPECT_EQ(odd.minor_code, 342);
  EXPECT_EQ(odd.data, "demo");
  const log_record old = read_line("DENIED: 4 f4 to dave@desk");
  EXPECT_EQ(old.licenses, 4);
  EXPECT_EQ(old.feature, "f4");
  EXPECT_EQ(old.user, "dave");
}

TEST(debug_log, reads_a_denial_of_one_license_file) {
  const log_record found = read_line("UNSUPPORTED: \"f9\" (00B0 EF6E AFC6 B280 ) anna@ws7  (No such feature exists. (-5,346))");
  EXPECT_EQ(found.event, log_event::unsupported);
  EXPECT_EQ(found.user, "anna");
  EXPECT_EQ(found.code, -5);
}

TEST(debug_log, reads_names_with_blanks_and_signs) {
  EXPECT_EQ(read_line("OUT: \"f1\" Anna Maria@ws7  ").user, "Anna Maria");
  EXPECT_EQ(read_line("OUT: \"f1\" CORP\\anna@ws7  ").user, "CORP\\anna");
  const log_record found = read_line("OUT: \"f1\" anna@example.org@ws7  ");
  EXPECT_EQ(found.user, "anna@example.org");
  EXPECT_EQ(found.host, "ws7");
  const log_record hostless = read_line("IN: \"f1\" anna (2 licenses)");
  EXPECT_EQ(hostless.user, "anna");
  EXPECT_EQ(hostless.host, "");
  EXPECT_EQ(hostless.licenses, 2);
  EXPECT_EQ(read_line("OUT: f1 by anna@ws7").user, "anna");
}

TEST(debug_log, reads_verbose_lines) {
  const log_record found = read_line("OUT: \"f1\" @ws7 (2) ^^^ 1.0 anna 192.0.2.1 29865 0x12CE 2 3 proj 11 19 8-8-2023 8:41:56 NO ^^^");
  EXPECT_EQ(found.user, "anna");
  EXPECT_EQ(found.host, "ws7");
  EXPECT_EQ(found.licenses, 2);
  EXPECT_EQ(found.handle, "0x12CE");
  EXPECT_EQ(read_line("OUT: \"f1\" anna@ws7 ^^^ 1.0 anna 192.0.2.1 29865 0x1 2 3 proj ^^^").user, "anna");
}

TEST(debug_log, reads_starts_and_stops_of_vendor_daemons) {
  const auto records = read(
      "9:00:00 (lmgrd) FlexNet Licensing (v11.18.1.0 build 279785 x64_n6) started on lic1 (linux) (3/1/2024)\n"
      "9:00:00 (lmgrd) Started demo (pid 3860)\n"
      "9:00:01 (demo) FlexNet Licensing version v11.18.1.0 build 279785 x64_n6\n"
      "9:00:01 (demo) Server started on lic1 for: f1\n"
      "9:00:02 (lmgrd) REStarted demo (internet tcp_port 43893 pid 22246)\n"
      "9:00:03 (lmgrd) demo exited with status 58 (Exited because another server was running)\n"
      "9:00:04 (demo) EXITING DUE TO SIGNAL 15\n"
      "9:00:04 (lmgrd) EXITING DUE TO SIGNAL 15\n");
  std::vector<std::pair<log_event, std::string_view>> found;
  for (const log_record &each : records) found.emplace_back(each.event, each.daemon);
  const std::vector<std::pair<log_event, std::string_view>> expected = {
      {log_event::start, "demo"}, {log_event::start, "demo"}, {log_event::start, "demo"}, {log_event::stop, "demo"}, {log_event::stop, "demo"}};
  EXPECT_EQ(found, expected);
}

TEST(debug_log, passes_over_what_says_nothing_of_licenses) {
  EXPECT_EQ(records_of("9:00:00 (demo) SERVER-OUT: Failed to send the message(71) <END>\n"), 0U);
  EXPECT_EQ(records_of("OUT: \"f1\" anna@ws7\n"), 0U);
  EXPECT_EQ(records_of("25:00:00 (demo) OUT: \"f1\" anna@ws7\n"), 0U);
  EXPECT_EQ(records_of("9:00:00 demo OUT: \"f1\" anna@ws7\n"), 0U);
  EXPECT_EQ(records_of("9:00:00 (demo) OUT: \"f1\n"), 0U);
  EXPECT_EQ(records_of("9:00:00 (demo) OUT: \"f1\"\n"), 0U);
  EXPECT_EQ(records_of("9:00:00 (demo) OUTAGE: \"f1\" anna@ws7\n"), 0U);
  EXPECT_EQ(records_of("\n\n\r\n"), 0U);
  EXPECT_EQ(records_of("9:00:00 (demo) OUT: \"f1\" anna@ws7\r\n 9:00:01 (demo) IN: \"f1\" anna@ws7"), 2U);
  EXPECT_EQ(records_of("\xef\xbb\xbf" "9:00:00 (demo) OUT: \"f1\" anna@ws7\n"), 1U);
}

// --- days ------------------------------------------------------------------------------------------------------------

constexpr const char *out = " (demo) OUT: \"f1\" anna@ws7\n";
std::string line(const char *time) { return std::string(time) + out; }

TEST(debug_log, counts_midnights) {
  EXPECT_EQ(instants("20:00:00 (lmgrd) TIMESTAMP 3/1/2024\n" + line("23:59:59") + line("0:00:00") + line("12:00:00") + line("1:00:00")),
            (std::vector<instant>{at(0, 23, 59, 59), at(1, 0), at(1, 12), at(2, 1)}));
}

TEST(debug_log, follows_lines_that_say_the_date) {
  EXPECT_EQ(instants("20:00:00 (lmgrd) TIMESTAMP 3/1/2024\n" + line("21:00:00") + "22:00:00 (lmgrd) TIMESTAMP 3/4/2024\n" + line("23:00:00")),
            (std::vector<instant>{at(0, 21), at(3, 23)}));
  EXPECT_EQ(instants("9:00:00 (lmgrd) Server's System Date and Time: Mon Mar 04 2024 09:00:00 Central European Time\n" + line("9:30:00")),
            (std::vector<instant>{at(3, 9, 30)}));
  EXPECT_EQ(instants("9:00:00 (demo) (@demo-SLOG@) Start-Date: Mon Mar 04 2024 09:00:00 CET\n" + line("9:30:00")), (std::vector<instant>{at(3, 9, 30)}));
  EXPECT_EQ(instants("9:00:00 (demo) (@demo-SLOG@) Time: Mon Mar 04 2024 09:00:00 CET\n" + line("9:30:00")), (std::vector<instant>{at(3, 9, 30)}));
  EXPECT_EQ(instants("9:00:00 (lmgrd) FLEXnet Licensing (v11.7.0.0 build 73797 x64_n6) started on lic1 (IBM PC) (3/4/2024)\n" + line("9:30:00")),
            (std::vector<instant>{at(3, 9, 30)}));
}

TEST(debug_log, counts_back_from_the_first_date) {
  EXPECT_EQ(instants(line("22:00:00") + line("23:00:00") + line("0:30:00") + "1:00:00 (lmgrd) TIMESTAMP 3/2/2024\n" + line("2:00:00")),
            (std::vector<instant>{at(0, 22), at(0, 23), at(1, 0, 30), at(1, 2)}));
}

TEST(debug_log, leaves_lines_a_little_out_of_order_on_their_day) {
  EXPECT_EQ(instants("20:00:00 (lmgrd) TIMESTAMP 3/1/2024\n" + line("20:30:00") + line("20:29:58") + line("0:00:01") + line("23:59:59") + line("0:00:02")),
            (std::vector<instant>{at(0, 20, 30), at(0, 20, 29, 58), at(1, 0, 0, 1), at(0, 23, 59, 59), at(1, 0, 0, 2)}));
}

TEST(debug_log, needs_a_date) {
  EXPECT_THROW(read(line("9:00:00")), core::error);
  EXPECT_TRUE(read("9:00:00 (demo) nothing of interest\n").empty());
  EXPECT_EQ(instants(line("9:00:00") + line("8:00:00"), utc, at(0, 8, 30)), (std::vector<instant>{at(0, 9), at(0, 8)}));
  EXPECT_EQ(instants(line("9:00:00"), utc, at(0, 23)), (std::vector<instant>{at(1, 9)}));
  EXPECT_THROW(read(line("9:00:00"), utc, core::end_of_finite - days), core::error);
}

TEST(debug_log, reads_dates_and_offsets_of_lines) {
  EXPECT_EQ(instants(line("2024-03-01T09:00:00+0100") + line("2024-03-01T09:00:00-04:30") + line("2024-03-01T09:00:00Z") + line("10:00:00"), berlin),
            (std::vector<instant>{at(0, 8), at(0, 13, 30), at(0, 9), at(0, 9)}));
  EXPECT_TRUE(instants(line("2024-02-30T09:00:00Z")).empty());
  EXPECT_EQ(instants(line("2024-02-29T09:00:00Z")), (std::vector<instant>{at(-1, 9)}));
}

TEST(debug_log, takes_an_hour_that_comes_twice_in_the_order_of_the_lines) {
  // in Berlin clocks go back from 3:00 to 2:00 at 1:00 UTC
  const std::int64_t day = autumn_2024 * days;
  EXPECT_EQ(instants("0:30:00 (lmgrd) TIMESTAMP 10/27/2024\n" + line("2:10:00") + line("2:59:00") + line("2:01:00") + line("2:59:00") + line("3:00:00"), berlin),
            (std::vector<instant>{day + 10 * minutes, day + 59 * minutes, day + 61 * minutes, day + 119 * minutes, day + 120 * minutes}));
  EXPECT_EQ(instants("0:30:00 (lmgrd) TIMESTAMP 3/31/2024\n" + line("1:59:00") + line("3:01:00"), berlin),
            (std::vector<instant>{spring_2024 * days + 59 * minutes, spring_2024 * days + 61 * minutes}));
}

// Whatever the zone, what the clock shows is what the line says, unless the clock skips that.
TEST(debug_log, agrees_with_the_clock_of_every_zone) {
  dice roll(71);
  for (const auto &[name, zone] : all_zones) {
    if (zone == &missing_day || zone == &repeated_day) continue;  // days off the calendar come with a date of their own
    instant now = 20 * days;
    const std::int64_t begin = zone->wall_clock(now);
    std::string log;
    std::vector<instant> expected;
    for (int round = 0; round < 4000; ++round) {
      now += roll.between(0, 7200) * core::ticks_per_second;
      const std::int64_t second = zone->wall_clock(now) / core::ticks_per_second % 86400;
      log += std::to_string(second / 3600) + ":" + std::to_string(second / 60 % 60) + ":" + std::to_string(second % 60) + out;
      expected.push_back(now);
    }
    EXPECT_GT(begin, 0);
    const auto found = instants(log, *zone, 20 * days);
    ASSERT_EQ(found.size(), expected.size()) << name;
    std::size_t different = 0;
    for (std::size_t at = 0; at < found.size(); ++at) {
      EXPECT_EQ(zone->wall_clock(found[at]), zone->wall_clock(expected[at])) << name;
      different += found[at] != expected[at] ? 1U : 0U;
    }
    // at most the one line that is alone in an hour that came twice is taken for the first time
    EXPECT_LE(different, 1U) << name;
  }
}

// --- pairs -----------------------------------------------------------------------------------------------------------

std::vector<std::int32_t> pairs(const std::vector<std::int32_t> &events) {
  const host host;
  const auto found = core::pair_checkouts(events, host);
  return {found.begin(), found.end()};
}

TEST(pair_checkouts, ends_the_oldest) {
  EXPECT_EQ(pairs({}), (std::vector<std::int32_t>{}));
  EXPECT_EQ(pairs({1, 1, -1, -1}), (std::vector<std::int32_t>{3, 4, 1, 2}));
  EXPECT_EQ(pairs({1, 1, -1}), (std::vector<std::int32_t>{3, 0, 1}));
}

TEST(pair_checkouts, passes_over_a_checkin_of_nothing) {
  EXPECT_EQ(pairs({-1, 1, -1, -1, 1}), (std::vector<std::int32_t>{0, 3, 2, 0, 0}));
  EXPECT_EQ(pairs({0, 1, 0, -1}), (std::vector<std::int32_t>{0, 4, 0, 2}));
}

TEST(pair_checkouts, looks_for_as_many_licenses) {
  EXPECT_EQ(pairs({2, 5, -5, -2}), (std::vector<std::int32_t>{4, 3, 2, 1}));
  EXPECT_EQ(pairs({2, 5, -7, -5}), (std::vector<std::int32_t>{3, 4, 1, 2}));
  EXPECT_EQ(pairs({2147483647, -2147483647 - 1}), (std::vector<std::int32_t>{2, 1}));
}

TEST(pair_checkouts, agrees_with_a_slow_one) {
  dice roll(72);
  for (int round = 0; round < 300; ++round) {
    std::vector<std::int32_t> events;
    const auto many = static_cast<std::size_t>(roll.between(0, 60));
    for (std::size_t at = 0; at < many; ++at) events.push_back(static_cast<std::int32_t>(roll.between(-4, 4)));
    std::vector<std::int32_t> expected(many, 0);
    for (std::size_t at = 0; at < many; ++at) {
      if (events[at] >= 0) continue;
      std::size_t chosen = many;
      for (std::size_t from = 0; from < at; ++from)
        if (chosen == many && events[from] == -events[at] && expected[from] == 0) chosen = from;
      for (std::size_t from = 0; from < at; ++from)
        if (chosen == many && events[from] > 0 && expected[from] == 0) chosen = from;
      if (chosen == many) continue;
      expected[at] = static_cast<std::int32_t>(chosen + 1);
      expected[chosen] = static_cast<std::int32_t>(at + 1);
    }
    EXPECT_EQ(pairs(events), expected);
  }
}

TEST(debug_log, passes_over_what_is_no_time_and_no_date) {
  const auto count = [](const char *time) { return instants(line(time), utc, first_of_march * days).size(); };
  EXPECT_EQ(count("9:00:00"), 1U);
  EXPECT_EQ(count("23:59:60"), 1U);  // a leap second
  for (const char *const bad : {"24:00:00", "9:60:00", "9:00:61", "9.00.00", "9:00", "x:00:00", "9:x:00", "9:00:x", ""}) EXPECT_EQ(count(bad), 0U) << bad;
  EXPECT_EQ(count("2024-03-02T09:00:00+15:59"), 1U);
  for (const char *const bad : {"2024-03-02T09:00:00", "2024-03-02T09:00:00*01:00", "2024-03-02T09:00:00+16:00", "2024-03-02T09:00:00+01:60", "2024-03-02T09:00:00+x",
                                "2024-03-02x09:00:00Z", "2024-03x02T09:00:00Z", "2024-03-xxT09:00:00Z", "2024-xx-02T09:00:00Z", "xxxx-03-02T09:00:00Z", "2024-13-02T09:00:00Z",
                                "2024-00-02T09:00:00Z", "2024-03-00T09:00:00Z", "1979-03-02T09:00:00Z", "2100-02-29T09:00:00Z", "2023-02-29T09:00:00Z"})
    EXPECT_EQ(count(bad), 0U) << bad;
  // A day that is none leaves the lines on the day before.
  for (const char *const bad : {"13/1/2024", "3/32/2024", "0/1/2024", "3-2-2024", "3/2", "3/x/2024", "x/2/2024", "3/2/x", "2/29/2100"})
    EXPECT_EQ(instants("0:00:00 (lmgrd) TIMESTAMP " + std::string(bad) + "\n" + line("9:00:00"), utc, first_of_march * days), (std::vector<instant>{at(0, 9)})) << bad;
  EXPECT_EQ(instants("0:00:00 (lmgrd) TIMESTAMP 2/29/2400\n" + line("9:00:00")).size(), 1U);
  const auto spelt = [](const char *date) {
    return instants("0:00:00 (demo) Server's System Date and Time: " + std::string(date) + "\n" + line("9:00:00"), utc, first_of_march * days);
  };
  EXPECT_EQ(spelt("Sat Mar 02 2024"), (std::vector<instant>{at(1, 9)}));
  for (const char *const bad : {"Sat Mar 02", "Sat March 02 2024", "Sat arJ 02 2024", "Sat Xxx 02 2024", "Sat Mar xx 2024", "Sat Mar 02 xxxx", "Sat Mar 023 2024", "Sat Mar 02 20245", "Sat", ""})
    EXPECT_EQ(spelt(bad), (std::vector<instant>{at(0, 9)})) << bad;
}

}  // namespace
}  // namespace headcount::test
