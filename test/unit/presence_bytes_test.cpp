#include "core/presence/presence_bytes.hpp"

#include <gtest/gtest.h>

#include "support/toolbox.hpp"

namespace headcount::test {
namespace {

// --- reference vectors -----------------------------------------------------------------------------------------------

// These bytes are in people's tables. A change here is a new version of the format, not a correction of the test. They
// were not made by the kernel but by presence_bytes_references.py, from the description of the format.
struct reference {
  const char *what;
  key_type type;
  entries content;
  const char *hex;
};

std::string hex_key(std::string_view hex) { return string_of(from_hex(hex)); }

const std::vector<reference> references = {
#include "presence_bytes_references.inc"
};

TEST(presence_bytes, reference_vectors_are_written) {
  const host host;
  for (const reference &each : references)
    EXPECT_EQ(to_hex(encode(each.type, each.content, host)), each.hex) << each.what;
}

TEST(presence_bytes, reference_vectors_are_read) {
  const host host;
  for (const reference &each : references) {
    const bytes canonical = from_hex(each.hex);
    EXPECT_EQ(decode(canonical, host), each.content) << each.what;
    const core::presence_reader reader(canonical);
    EXPECT_EQ(reader.type(), each.content.empty() ? key_type::none : each.type) << each.what;
    EXPECT_EQ(reader.key_count(), each.content.size()) << each.what;
  }
}

// --- round trips -----------------------------------------------------------------------------------------------------

TEST(presence_bytes, round_trips) {
  dice roll(10);
  for (const key_type type : all_types) {
    for (int round = 0; round < 400; ++round) {
      const host host;
      const crowd among{
          .keys = 1 + roll(30), .last_tick = roll.between(1, 1'000'000), .longest = roll.between(1, 90'000)};
      const entries model = model_of(type, random_rows(type, roll(60), among, roll));
      const bytes canonical = encode(type, model, host);
      EXPECT_EQ(decode(canonical, host), model) << core::name_of(type) << ", round " << round;
    }
  }
}

TEST(presence_bytes, round_trips_at_the_ends_of_time) {
  const host host;
  const instant first = core::first_finite, last = core::end_of_finite;
  for (const std::vector<interval> &intervals : std::vector<std::vector<interval>>{
           {{first, first + 1}},
           {{last - 1, last}},
           {{first, last}},
           {{beginning, first}, {last - 1, forever}},
           {{beginning, last}},
           {{first, forever}},
           {{first, first + 1}, {last - 1, last}},
           {{beginning, first}, {first + 1, last - 2}, {last - 1, forever}},
           {{beginning, forever}},
       }) {
    const entries content{{"k", intervals}};
    EXPECT_EQ(decode(encode(key_type::text, content, host), host), content);
  }
}

TEST(presence_bytes, reserved_bytes_come_in_front) {
  const host host;
  core::presence_writer writer(key_type::text, 0, 4, host.memory());
  const interval when{0, 1};
  writer.add(view_of("k"), {&when, 1});
  const auto made = writer.finish();
  EXPECT_EQ(to_hex(made.first(4)), "00000000");
  EXPECT_EQ(decode(made.subspan(4), host), (entries{{"k", {{0, 1}}}}));
}

TEST(presence_bytes, a_presence_without_keys_has_no_type) {
  const host host;
  for (const key_type type : all_types)
    EXPECT_EQ(to_hex(encode(type, {}, host)), to_hex(encode(key_type::none, {}, host)));
}

TEST(presence_bytes, reading_can_be_interrupted) {
  const host host;
  rows many;
  for (std::uint64_t number = 0; number < 5000; ++number) many.push_back({key_for(key_type::bigint, number), {0, 1}});
  const bytes canonical = canonical_of(key_type::bigint, many, host);
  polls_allowed = polls;
  EXPECT_THROW(decode(canonical, host), interrupted);
  polls_allowed = UINT64_MAX;
}

// --- damage ----------------------------------------------------------------------------------------------------------

// How reading ends: what it says is wrong, or nothing where it takes the bytes.
std::string damage_in(key_view canonical) {
  const host host;
  try {
    (void)decode(canonical, host);
    return {};
  } catch (const core::error &error) {
    EXPECT_EQ(error.kind(), core::fault::damaged_bytes) << error.what();
    EXPECT_LT(host.max_memory(), 100'000U) << "damaged bytes ask for much memory";
    return error.detail();
  }
}

std::vector<bytes> samples() {
  std::vector<bytes> made;
  for (const reference &each : references) made.push_back(from_hex(each.hex));
  dice roll(11);
  for (const key_type type : all_types) {
    const host host;
    made.push_back(
        canonical_of(type, random_rows(type, 40, {.keys = 12, .last_tick = 100'000, .longest = 900}, roll), host));
  }
  return made;
}

TEST(presence_bytes, every_flipped_bit_is_noticed) {
  for (bytes sample : samples()) {
    for (std::size_t at = 0; at < sample.size(); ++at) {
      for (unsigned bit = 0; bit < 8; ++bit) {
        sample[at] ^= std::byte{1} << bit;
        EXPECT_NE(damage_in(sample), "") << to_hex(sample) << " at " << at;
        sample[at] ^= std::byte{1} << bit;
      }
    }
  }
}

TEST(presence_bytes, every_changed_byte_is_noticed) {
  for (bytes sample : samples()) {
    if (sample.size() > 100) continue;
    for (std::size_t at = 0; at < sample.size(); ++at) {
      const std::byte right = sample[at];
      for (unsigned other = 0; other < 256; ++other) {
        sample[at] = static_cast<std::byte>(other);
        if (sample[at] != right) {
          EXPECT_NE(damage_in(sample), "") << to_hex(sample) << " at " << at;
        }
      }
      sample[at] = right;
    }
  }
}

TEST(presence_bytes, every_truncation_is_noticed) {
  for (const bytes &sample : samples())
    for (std::size_t size = 0; size < sample.size(); ++size)
      EXPECT_NE(damage_in(std::span(sample).first(size)), "") << to_hex(sample) << " to " << size;
}

// With a right check sum over what is left, so that it is the reader itself that notices.
TEST(presence_bytes, truncation_behind_the_check_sum_is_noticed) {
  for (const bytes &sample : samples()) {
    for (std::size_t size = 8; size < sample.size(); ++size) {
      bytes cut(sample.begin(), sample.begin() + static_cast<std::ptrdiff_t>(size));
      fix_check_sum(cut);
      EXPECT_NE(damage_in(cut), "") << to_hex(sample) << " to " << size;
    }
  }
}

TEST(presence_bytes, what_follows_is_noticed) {
  for (bytes sample : samples()) {
    sample.push_back(std::byte{0});
    EXPECT_NE(damage_in(sample), "");
    fix_check_sum(sample);
    EXPECT_NE(damage_in(sample), "");
  }
}

// Damage behind the check sum is noticed, or it is another presence in its own right: never one that reads as sound and
// is not written as it was read.
TEST(presence_bytes, changed_bytes_behind_the_check_sum_are_noticed_or_canonical) {
  int sound = 0, damaged = 0;
  for (bytes sample : samples()) {
    for (std::size_t at = 2; at < sample.size(); at == 2 ? at = 8 : ++at) {
      const std::byte right = sample[at];
      for (unsigned other = 0; other<256; other += sample.size()> 100 ? 7 : 1) {
        sample[at] = static_cast<std::byte>(other);
        fix_check_sum(sample);
        const host host;
        if (damage_in(sample).empty()) {
          ++sound;
          EXPECT_EQ(to_hex(canonical_of(presence_view(sample), host)), to_hex(sample));
        } else {
          ++damaged;
        }
      }
      sample[at] = right;
    }
  }
  EXPECT_GT(sound, 1000);
  EXPECT_GT(damaged, 1000);
}

// A head, then the body with its check sum made right.
bytes made(std::string_view type, std::string_view first, std::uint64_t keys, std::string_view body) {
  bytes all = from_hex("C101" + std::string(type) + "00" + "00000000" + std::string(first));
  for (unsigned shift = 0; shift < 64; shift += 8) all.push_back(static_cast<std::byte>((keys >> shift) & 0xffU));
  const bytes rest = from_hex(body);
  all.insert(all.end(), rest.begin(), rest.end());
  fix_check_sum(all);
  return all;
}

struct forgery {
  const char *type;
  const char *first;   // the first start of all
  std::uint64_t keys;  // how many it says it has
  const char *body;
  const char *detail;
};

// First starts, little endian.
constexpr const char *zero = "0000000000000000", *one = "0100000000000000", *minimum = "0000000000000080",
                     *maximum = "FFFFFFFFFFFFFF7F", *finite = "00A01F41C17C0FFD", *before_finite = "FF9F1F41C17C0FFD",
                     *last = "FF9FB2B35BFFFF7F", *after_finite = "00A0B2B35BFFFF7F";

TEST(presence_bytes, forgeries_are_refused) {
  // A body is for each key the key, the shape, and its intervals: widths, gap, length.
  for (const auto &[type, first, keys, body, detail] : {
           forgery{"00", zero, 1, "", "An empty presence has no key type."},
           forgery{"01", zero, 0, "", "An empty presence has no key type."},
           forgery{"00", one, 0, "", "Its first start is out of range."},
           forgery{"00", minimum, 0, "", "Its first start is out of range."},
           forgery{"00", zero, 0, "00", "Its first start is out of range."},
           forgery{"01", zero, 5, "0161 04 00", "It has more keys than bytes."},
           forgery{"04", zero, UINT64_MAX, "04 00", "It has more keys than bytes."},
           forgery{"01", zero, 1, "0961 04 00", "It ends too early."},
           forgery{"01", zero, 1, "FFFFFFFFFFFFFFFFFF01 61 04 00", "It ends too early."},
           forgery{"02", zero, 1, "80000000000000", "It ends too early."},
           forgery{"03", zero, 1, "80000000000000 80000000000000", "It ends too early."},
           forgery{"04", zero, 1, "04 01", "It ends too early."},
           forgery{"04", zero, 1, "04 20 01", "It ends too early."},
           forgery{"04", zero, 1, "04 08 01020304050607", "It ends too early."},
           // keys
           forgery{"01", zero, 2, "0162 04 00 0161 04 00", "Its keys are out of order."},
           forgery{"01", zero, 2, "0161 04 00 0161 04 00", "Its keys are out of order."},
           forgery{"01", zero, 2, "026161 04 00 0161 04 00", "Its keys are out of order."},
           forgery{"01", zero, 2, "0161 04 00 00 04 00", "Its keys are out of order."},
           forgery{"01", zero, 2, "0181 04 00 0161 04 00", "Its keys are out of order."},
           forgery{"02", zero, 2, "8000000000000001 04 00 8000000000000000 04 00", "Its keys are out of order."},
           forgery{"04", zero, 1, "08 00 00", "A session has one interval."},
           forgery{"04", zero, 2, "04 01 02 04 00", "Its sessions are out of order."},
           forgery{"04", zero, 2, "04 10 01 04 00", "Its sessions are out of order."},
           forgery{"04", zero, 2, "05 00 04 00", "Its sessions are out of order."},
           forgery{"04", minimum, 2, "04 00 07 00", "Its sessions are out of order."},
           // intervals
           forgery{"01", zero, 1, "0161 00", "A key has no intervals."},
           forgery{"01", zero, 1, "0161 03", "A key has no intervals."},
           forgery{"01", zero, 1, "0161 FCFFFFFFFFFFFFFFFF01", "It has more intervals than bytes."},
           forgery{"01", zero, 1, "0161 0C 00 00", "It has more intervals than bytes."},
           forgery{"04", zero, 1, "04 09 000000000000000001", "A number is wider than any time."},
           forgery{"04", zero, 1, "04 0F 000000000000000000000000000001", "A number is wider than any time."},
           forgery{"04", zero, 1, "04 90 000000000000000001", "A number is wider than any time."},
           forgery{"04", zero, 1, "04 01 00", "A number is spelled in too many bytes."},
           forgery{"04", zero, 1, "04 10 00", "A number is spelled in too many bytes."},
           forgery{"04", zero, 1, "04 20 0100", "A number is spelled in too many bytes."},
           forgery{"04", zero, 1, "04 80 0000000000000000", "A number is spelled in too many bytes."},
           forgery{"04", zero, 1, "05 10 01", "An end that is none has a time."},
           forgery{"04", minimum, 1, "06 01 01", "An end that is none has a time."},
           forgery{"04", minimum, 1, "07 01 01", "An end that is none has a time."},
           forgery{"04", minimum, 1, "07 10 01", "An end that is none has a time."},
           // the first start
           forgery{"04", maximum, 1, "05 00", "Its first start is out of range."},
           forgery{"04", before_finite, 1, "04 00", "Its first start is out of range."},
           forgery{"04", after_finite, 1, "05 00", "Its first start is out of range."},
           forgery{"04", zero, 1, "04 01 01", "Its first start is not the first."},
           forgery{"01", zero, 2, "0161 04 01 01 0162 04 01 02", "Its first start is not the first."},
           forgery{"04", minimum, 1, "04 00", "Its first start is not the first."},
           forgery{"04", zero, 1, "06 10 01", "Its first start is not the first."},
           // lengths and gaps that lead out of time
           forgery{"04", last, 1, "04 10 01", "A time is out of range."},
           forgery{"04", last, 2, "04 00 05 01 01", "A time is out of range."},
           forgery{"04", finite, 1, "04 80 FFFFFFFFFFFFFFFF", "A time is out of range."},
           forgery{"04", zero, 1, "04 80 FFFFFFFFFFFFFF7F", "A time is out of range."},
           forgery{"04", zero, 1, "04 80 FFFFFFFFFFFFFFFF", "A time is out of range."},
           forgery{"04", minimum, 1, "06 80 FFFFFFFFFFFFFFFF", "A time is out of range."},
           forgery{"04", minimum, 1, "05 08 FFFFFFFFFFFFFFFF", "A time is out of range."},
           forgery{"01", last, 1, "0161 08 00 00", "A time is out of range."},
           forgery{"01", last, 1, "0161 09 00 00", "A time is out of range."},
           forgery{"01", zero, 1, "0161 08 00 08 FFFFFFFFFFFFFF7F", "A time is out of range."},
           forgery{"01", zero, 1, "0161 09 00 08 FFFFFFFFFFFFFFFF", "A time is out of range."},
       })
    EXPECT_EQ(damage_in(made(type, first, keys, body)), detail) << type << " " << first << " " << keys << " " << body;
}

TEST(presence_bytes, what_looks_odd_but_is_right_is_taken) {
  EXPECT_EQ(damage_in(made("04", zero, 2, "04 00 04 00")), "") << "equal sessions may repeat";
  EXPECT_EQ(damage_in(made("04", last, 1, "04 00")), "") << "the last tick there is";
  EXPECT_EQ(damage_in(made("04", last, 1, "05 00")), "") << "open from the last tick there is";
  EXPECT_EQ(damage_in(made("04", finite, 1, "04 00")), "") << "the first tick there is";
}

TEST(presence_bytes, heads_are_checked) {
  const auto head_damage = [](const char *hex) { return damage_in(from_hex(hex)); };
  EXPECT_EQ(head_damage(""), "It is too short.");
  EXPECT_EQ(head_damage("C1010000 000000"), "It is too short.");
  EXPECT_NE(head_damage("C1010000 00000000"), "");
  EXPECT_EQ(head_damage("C0010000 00000000 00"), "It does not begin as a presence does.");
  EXPECT_EQ(head_damage("C1010500 00000000 00"), "Its key type is unknown.");
  EXPECT_EQ(head_damage("C1010002 00000000 00"), "Its form is unknown.");
  EXPECT_EQ(head_damage("C1010000 00000000 0000000000000000 0000000000000000"), "Its check sum does not match.");
}

TEST(presence_bytes, a_later_version_is_named) {
  try {
    core::read_head(from_hex("C102000000000000"));
    FAIL() << "took version 2";
  } catch (const core::error &error) {
    EXPECT_EQ(error.kind(), core::fault::damaged_bytes);
    EXPECT_EQ(error.detail(), "Its format is version 2, this extension reads version 1.");
    EXPECT_EQ(error.hint(), "It may have been written by a later version of headcount.");
  }
}

TEST(presence_bytes, a_log_is_not_canonical) {
  const bytes log = log_of(key_type::text, {{"k", {0, 1}}});
  EXPECT_THROW(core::presence_reader{log}, core::error);
}

}  // namespace
}  // namespace headcount::test
