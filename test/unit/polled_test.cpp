#include "core/presence/polled.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "support/toolbox.hpp"

namespace headcount::test {
namespace {

using core::for_each_stay;
using core::polled_key;
using core::stretched;

using stays = std::map<std::string, std::vector<interval>>;

stays stays_of(const presence_view &state, key_type type, const host &host) {
  stays found;
  for_each_stay(state, type, host, [&](key_view key, interval when) { found[string_of(key)].push_back(when); });
  return found;
}

TEST(polled, agrees_with_gaps_between_sorted_instants) {
  const host host;
  dice roll(7101);
  for (int round = 0; round < 300; ++round) {
    const std::int64_t gap = roll.one_in(3) ? roll.between(1, 3) : roll.between(1, 300);
    const std::vector<std::string> some_names{
        "", "a", "b", std::string(50, 'x'), std::string(63, 'y'), std::string(64, 'z'), std::string(500, 'w')};
    std::map<std::string, std::set<instant>> seen;
    core::keyed_intervals whole(key_type::text, host.memory());
    std::vector<std::unique_ptr<core::keyed_intervals>> parts;
    for (int part = 0; part < 3; ++part)
      parts.push_back(std::make_unique<core::keyed_intervals>(key_type::text, host.memory()));
    for (std::int64_t left = roll.between(0, 120); left > 0; --left) {
      const std::string &name = some_names[static_cast<std::size_t>(roll.between(0, 6))];
      const instant at = roll.between(-500, 500);
      seen[name].insert(at);
      const polled_key key(gap, view_of(name), host.memory());
      whole.add(key, stretched(at, gap));
      parts[static_cast<std::size_t>(roll.between(0, 2))]->add(key, stretched(at, gap));
    }
    stays expected;
    for (const auto &[name, instants] : seen) {
      std::vector<interval> &of = expected[name];
      for (const instant at : instants) {
        if (!of.empty() && at - (of.back().end - 1) <= gap)
          of.back().end = at + 1;
        else
          of.push_back({at, at + 1});
      }
    }
    EXPECT_EQ(stays_of(presence_view(whole), key_type::text, host), expected);
    // Split in any way, sent as bytes, and put together.
    core::keyed_intervals together(key_type::text, host.memory());
    std::vector<bytes> sent;
    for (const auto &part : parts) sent.push_back(canonical_of(presence_view(*part), host));
    for (const bytes &part : sent) core::add_all(together, presence_view(part), host);
    EXPECT_EQ(stays_of(presence_view(together), key_type::text, host), expected);
    core::merged_presence merged(host.memory());
    for (const bytes &part : sent) merged.add(core::presence_reader(part));
    EXPECT_EQ(stays_of(presence_view(merged), key_type::text, host), expected);
  }
}

TEST(polled, a_gap_has_one_length) {
  const host host;
  core::keyed_intervals state(key_type::text, host.memory());
  state.add(polled_key(10, view_of("a"), host.memory()), stretched(0, 10));
  state.add(polled_key(11, view_of("a"), host.memory()), stretched(0, 11));
  EXPECT_THROW(stays_of(presence_view(state), key_type::text, host), core::error);
}

TEST(polled, refuses_what_is_no_such_state) {
  const host host;
  const auto refuses = [&](const std::string &key, interval when, key_type type) {
    core::keyed_intervals state(key_type::text, host.memory());
    state.add(view_of(key), when);
    EXPECT_THROW(stays_of(presence_view(state), type, host), core::error);
  };
  refuses("", {0, 10}, key_type::text);    // no gap
  refuses("@a", {0, 10}, key_type::text);  // a gap of nothing
  refuses(
      "\x05"
      "a",
      {0, 10}, key_type::text);                                  // a gap that is no text
  refuses("%", {0, 10}, key_type::text);                         // a gap that is cut off
  refuses(std::string(12, '?') + "H", {0, 10}, key_type::text);  // a gap longer than time
  refuses("E" + std::string(15, '@') + "P", {0, 10}, key_type::bigint);
  refuses("Ea", {0, 4}, key_type::text);  // shorter than its gap
  refuses("Ea", {0, forever}, key_type::text);
  refuses("Ea", {beginning, 10}, key_type::text);
  refuses("Ea", {0, 10}, key_type::bigint);
  refuses("Ea", {0, 10}, key_type::uuid);
  core::keyed_intervals other(key_type::bigint, host.memory());
  other.add(core::bigint_key(1), {0, 10});
  EXPECT_THROW(stays_of(presence_view(other), key_type::bigint, host), core::error);
}

// Servers send each other states as presences, whose keys of type text are checked.
TEST(polled, keys_of_every_type_are_text) {
  const host host;
  const std::string uuid("\x00\x01\x7f\x80\xff\xfe\x0a\x27\x00\x01\x7f\x80\xff\xfe\x0a\x27", 16);
  for (const std::int64_t gap :
       {std::int64_t{1}, std::int64_t{31}, std::int64_t{32}, std::int64_t{600'000'000}, core::end_of_finite}) {
    for (const key_type type : {key_type::text, key_type::bigint, key_type::uuid}) {
      const std::string name = type == key_type::text ? "anna" : type == key_type::bigint ? uuid.substr(0, 8) : uuid;
      const polled_key key(gap, view_of(name), host.memory(), type);
      for (const std::byte each : key_view(key)) EXPECT_TRUE(each >= std::byte{0x20} && each < std::byte{0x7F});
      core::keyed_intervals state(key_type::text, host.memory());
      state.add(key, stretched(0, gap));
      EXPECT_EQ(stays_of(presence_view(state), type, host), (stays{{name, {{0, 1}}}}));
    }
  }
}

TEST(polled, nothing_lasts_beyond_time) {
  EXPECT_EQ(stretched(0, 5), (interval{0, 5}));
  EXPECT_EQ(stretched(core::end_of_finite - 5, 5).end, core::end_of_finite);
  EXPECT_THROW(stretched(core::end_of_finite - 4, 5), core::error);
}

}  // namespace
}  // namespace headcount::test
