#include "core/sets/user_set.hpp"

#include <gtest/gtest.h>
#ifdef HEADCOUNT_HAS_CROARING
#include <roaring/roaring.h>
#endif

#include <algorithm>
#include <iterator>
#include <set>

#include "support/user_sets.hpp"

namespace headcount::test {
namespace {

// --- reference vectors -----------------------------------------------------------------------------------------------

// These bytes are in people's tables. A change here is a new version of the format, not a correction of the test. They
// were made by user_set_bytes_references.py, from the description of the format.
struct when {
  std::uint32_t first, last, step;
};

struct reference {
  const char *what;
  std::vector<when> content;
  const char *hex;
};

const std::vector<reference> references = {
#include "user_set_bytes_references.inc"
};

numbers numbers_of(const reference &from) {
  numbers all;
  for (const auto &[first, last, step] : from.content)
    for (std::uint64_t next = first; next <= last; next += step) all.push_back(static_cast<std::uint32_t>(next));
  return all;
}

TEST(user_set, reference_vectors_are_written) {
  const host host;
  for (const reference &each : references)
    EXPECT_EQ(to_hex(canonical_of(numbers_of(each), host)), each.hex) << each.what;
}

TEST(user_set, reference_vectors_are_read) {
  const host host;
  for (const reference &each : references) {
    const bytes canonical = from_hex(each.hex);
    EXPECT_EQ(members_of(canonical, host), numbers_of(each)) << each.what;
    EXPECT_EQ(core::user_set_reader(canonical).cardinality(), numbers_of(each).size()) << each.what;
  }
}

TEST(user_set, reference_vectors_go_through_a_set) {
  const host host;
  for (const reference &each : references)
    EXPECT_EQ(to_hex(bytes_of(set_of(from_hex(each.hex), host), host)), each.hex) << each.what;
}

// The bytes are for others too: the library that the format comes from reads them.
#ifdef HEADCOUNT_HAS_CROARING
numbers members_by_croaring(key_view canonical) {
  const key_view body = canonical.subspan(core::user_set_head_size);
  roaring_bitmap_t *const bitmap =
      roaring_bitmap_portable_deserialize_safe(reinterpret_cast<const char *>(body.data()), body.size());
  if (bitmap == nullptr) return {};
  numbers all(roaring_bitmap_get_cardinality(bitmap));
  roaring_bitmap_to_uint32_array(bitmap, all.data());
  roaring_bitmap_free(bitmap);
  return all;
}

TEST(user_set, croaring_reads_what_is_written) {
  dice roll(35);
  const host host;
  for (const reference &each : references) EXPECT_EQ(members_by_croaring(from_hex(each.hex)), numbers_of(each)) << each.what;
  for (int round = 0; round < 100; ++round) {
    const numbers model = random_numbers(roll);
    EXPECT_EQ(members_by_croaring(canonical_of(model, host)), model) << "round " << round;
  }
}
#endif

TEST(user_set, reserved_bytes_come_in_front) {
  const host host;
  const numbers some{1, 5, 70000};
  const auto made = core::to_canonical(some, 4, host.memory());
  EXPECT_EQ(to_hex(made.first(4)), "00000000");
  EXPECT_EQ(members_of(made.subspan(4), host), some);
}

// --- sets ------------------------------------------------------------------------------------------------------------

TEST(user_set, every_route_leads_to_the_same_bytes) {
  dice roll(31);
  for (int round = 0; round < 60; ++round) {
    const host host;
    const numbers model = random_numbers(roll);
    const bytes canonical = canonical_of(model, host);
    EXPECT_EQ(members_of(canonical, host), model) << "round " << round;
    EXPECT_EQ(core::user_set_reader(canonical).cardinality(), model.size()) << "round " << round;
    const core::user_set read = set_of(canonical, host);
    core::user_set added(host.memory());
    EXPECT_EQ(bytes_of(read, host), canonical) << "round " << round;
    EXPECT_EQ(bytes_of(read, host), canonical) << "round " << round << ", for the second time";
    numbers shuffled = model;
    roll.shuffle(shuffled);
    for (const std::uint32_t each : shuffled) added.add(each);
    EXPECT_EQ(bytes_of(added, host), canonical) << "round " << round;
  }
}

TEST(user_set, algebra_is_that_of_sets) {
  dice roll(32);
  for (int round = 0; round < 60; ++round) {
    const host host;
    const numbers a = random_numbers(roll), b = random_numbers(roll);
    const bytes left = canonical_of(a, host), right = canonical_of(b, host);
    numbers united, common, rest;
    std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(united));
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(common));
    std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(rest));
    const auto result = [&](core::set_operation operation) { return combined(operation, left, right, host); };
    EXPECT_EQ(result(core::set_operation::unite), canonical_of(united, host)) << "round " << round;
    EXPECT_EQ(result(core::set_operation::intersect), canonical_of(common, host)) << "round " << round;
    EXPECT_EQ(result(core::set_operation::subtract), canonical_of(rest, host)) << "round " << round;
    EXPECT_EQ(core::intersection_cardinality(core::user_set_reader(left).roaring(),
                                             core::user_set_reader(right).roaring()),
              common.size());
  }
}

TEST(user_set, unions_pile_up) {
  dice roll(34);
  const host host;
  core::user_set all(host.memory());
  std::set<std::uint32_t> model;
  const auto unite = [&](const numbers &some) {
    const bytes canonical = canonical_of(some, host);
    all.unite(core::user_set_reader(canonical), host);
    model.insert(some.begin(), some.end());
    EXPECT_EQ(bytes_of(all, host), canonical_of(numbers(model.begin(), model.end()), host));
    EXPECT_EQ(all.cardinality(), model.size());
  };
  for (const std::uint32_t first : {1U, 0U}) {
    numbers half;
    for (std::uint32_t number = first; number < 3 * 65536; number += 2) half.push_back(number);
    unite(half);
  }
  for (int round = 0; round < 10; ++round) {
    unite(random_numbers(roll));
    for (const std::uint32_t number : {65535U, 4 * 65536U + static_cast<std::uint32_t>(round)}) {
      all.add(number);
      model.insert(number);
    }
  }
}

TEST(user_set, contains_what_it_has) {
  dice roll(33);
  for (int round = 0; round < 60; ++round) {
    const host host;
    const numbers model = random_numbers(roll);
    const bytes canonical = canonical_of(model, host);
    const core::user_set_reader reader(canonical);
    const auto check = [&](std::uint32_t number) {
      EXPECT_EQ(reader.contains(number), std::binary_search(model.begin(), model.end(), number))
          << number << ", round " << round;
    };
    for (int at = 0; at < 300; ++at) {
      check(static_cast<std::uint32_t>(roll(5 * 65536)));
      if (model.empty()) continue;
      const std::uint32_t member = model[roll(model.size())];
      for (const std::uint32_t near : {member - 1, member, member + 1})
        if (near <= core::last_user_number) check(near);
    }
    for (const std::uint32_t edge : {0U, 65535U, 65536U, core::last_user_number}) check(edge);
  }
}

TEST(user_set, reading_can_be_interrupted) {
  const host host;
  numbers many;
  for (std::uint32_t number = 0; number < 10'000; ++number) many.push_back(number * 3);
  const bytes canonical = canonical_of(many, host);
  polls_allowed = polls;
  EXPECT_THROW(members_of(canonical, host), interrupted);
  polls_allowed = UINT64_MAX;
}

// --- damage ----------------------------------------------------------------------------------------------------------

// How reading ends: what it says is wrong, or nothing where it takes the bytes.
std::string damage_in(key_view canonical) {
  const host host;
  try {
    (void)members_of(canonical, host);
    return {};
  } catch (const core::error &error) {
    EXPECT_EQ(error.kind(), core::fault::damaged_bytes) << error.what();
    EXPECT_EQ(host.max_memory(), 0U) << "damaged bytes ask for memory";
    return error.detail();
  }
}

std::vector<bytes> samples() {
  std::vector<bytes> made;
  for (const reference &each : references) made.push_back(from_hex(each.hex));
  return made;
}

TEST(user_set, every_flipped_bit_is_noticed) {
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

// With a right check sum over what is left, so that it is the reader itself that notices.
TEST(user_set, every_truncation_is_noticed) {
  for (const bytes &sample : samples()) {
    for (std::size_t size = 0; size < sample.size(); ++size) {
      bytes cut(sample.begin(), sample.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_NE(damage_in(cut), "") << to_hex(sample) << " to " << size;
      if (size < 8) continue;
      fix_check_sum(cut);
      EXPECT_NE(damage_in(cut), "") << to_hex(sample) << " to " << size;
    }
  }
}

TEST(user_set, what_follows_is_noticed) {
  for (bytes sample : samples()) {
    sample.push_back(std::byte{0});
    EXPECT_NE(damage_in(sample), "");
    fix_check_sum(sample);
    EXPECT_NE(damage_in(sample), "");
  }
}

// Damage behind the check sum is noticed, or it is another set in its own right.
TEST(user_set, changed_bytes_behind_the_check_sum_are_noticed_or_canonical) {
  int sound = 0, damaged = 0;
  for (bytes sample : samples()) {
    for (std::size_t at = 8; at < sample.size(); ++at) {
      const std::byte right = sample[at];
      for (unsigned other = 0; other < 256; other += 3) {
        sample[at] = static_cast<std::byte>(other);
        fix_check_sum(sample);
        const host host;
        if (damage_in(sample).empty()) {
          ++sound;
          EXPECT_EQ(to_hex(canonical_of(members_of(sample, host), host)), to_hex(sample));
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

bytes made(std::string_view body) {
  bytes all = from_hex("C3010000 00000000" + std::string(body));
  fix_check_sum(all);
  return all;
}

// A bitset in the only container, with so many of its 8,192 bytes set to the given one.
bytes made_bitset(std::uint32_t says, std::byte each, std::size_t count) {
  bytes all = made("3A300000 01000000 00000000 10000000");
  all[18] = static_cast<std::byte>((says - 1) & 0xffU);
  all[19] = static_cast<std::byte>((says - 1) >> 8U);
  all.resize(all.size() + 8192);
  std::fill_n(all.begin() + 24, count, each);
  fix_check_sum(all);
  return all;
}

TEST(user_set, forgeries_are_refused) {
  struct forgery {
    const char *body;
    const char *detail;
  };
  // Cookie and count, keys and cardinalities less one, offsets, content.
  for (const auto &[body, detail] : {
           forgery{"", "It ends too early."},
           forgery{"3A30", "It ends too early."},
           forgery{"3A300000", "It ends too early."},
           forgery{"3A300000 01000000", "It ends too early."},
           forgery{"3A300000 01000000 00000000", "It ends too early."},
           forgery{"3A300000 01000000 00000000 10000000", "It ends too early."},
           forgery{"3A300000 01000000 0000FF0F 10000000 0000", "It ends too early."},
           forgery{"3A300000 01000000 00000010 10000000 0000", "It ends too early."},
           forgery{"3B300000 01 00000000 ", "It ends too early."},
           forgery{"3B300000 01 00000300 0200 0000", "It ends too early."},
           forgery{"39300000 00000000", "It holds no bitmap."},
           forgery{"3A300100 00000000", "It holds no bitmap."},
           forgery{"3A300000 01800000", "It has too many containers."},
           forgery{"3A300000 FFFFFFFF", "It has too many containers."},
           forgery{"3B3000FF", "It ends too early."},
           forgery{"3A300000 00000000 00", "Bytes follow its last container."},
           // flags
           forgery{"3B300000 00 00000000 0000", "It has no runs, but says so."},
           forgery{"3B300000 03 00000300 0100 0000 0300", "It has more runs than containers."},
           // keys
           forgery{"3A300000 01000000 00800000 10000000 0000", "A number is out of range."},
           forgery{"3A300000 02000000 01000000 01000000 18000000 1A000000 0000 0000",
                   "Its containers are out of order."},
           forgery{"3A300000 02000000 02000000 01000000 18000000 1A000000 0000 0000",
                   "Its containers are out of order."},
           // offsets
           forgery{"3A300000 01000000 00000000 00000000 0000", "A container is not where it should be."},
           forgery{"3A300000 01000000 00000000 11000000 00 0000", "A container is not where it should be."},
           forgery{"3A300000 02000000 00000000 01000000 18000000 18000000 0000 0000",
                   "A container is not where it should be."},
           forgery{"3B300000 01 00000300 0B000000 0100 0000 0300", "It ends too early."},
           // content
           forgery{"3A300000 01000000 00000100 10000000 0500 0500", "The numbers of an array are out of order."},
           forgery{"3A300000 01000000 00000100 10000000 0600 0500", "The numbers of an array are out of order."},
           forgery{"3B300000 01 00000500 0000", "Runs have not as many numbers as they say."},
           forgery{"3B300000 01 00000500 0100 0000 0600", "Runs have not as many numbers as they say."},
           forgery{"3B300000 01 00000900 0100 FDFF 0900", "A run is too long."},
           forgery{"3B300000 01 00000900 0200 0000 0300 0400 0500", "Runs are out of order or touch."},
           forgery{"3B300000 01 00000900 0200 1000 0300 0400 0500", "Runs are out of order or touch."},
           // another form than the shortest
           forgery{"3B300000 01 00000000 0100 0000 0000", "A container is not in its shortest form."},
           forgery{"3B300000 01 00000200 0100 0700 0200", "A container is not in its shortest form."},
           forgery{"3A300000 01000000 00000300 10000000 0700 0800 0900 0A00",
                   "A container is not in its shortest form."},
       })
    EXPECT_EQ(damage_in(made(body)), detail) << body;
  EXPECT_EQ(damage_in(made_bitset(32768, std::byte{0x55}, 8192)), "");
  EXPECT_EQ(damage_in(made_bitset(32767, std::byte{0x55}, 8192)), "A bitset has not as many numbers as it says.");
  EXPECT_EQ(damage_in(made_bitset(65536, std::byte{0xff}, 8192)), "A container is not in its shortest form.");
  EXPECT_EQ(damage_in(made_bitset(4104, std::byte{0xff}, 513)), "A container is not in its shortest form.");
  EXPECT_EQ(damage_in(made_bitset(4096, std::byte{0x55}, 1024)), "The numbers of an array are out of order.");
}

TEST(user_set, heads_are_checked) {
  const auto head_damage = [](const char *hex) { return damage_in(from_hex(hex)); };
  EXPECT_EQ(head_damage(""), "It is too short.");
  EXPECT_EQ(head_damage("C3010000 000000"), "It is too short.");
  EXPECT_EQ(head_damage("C1010000 00000000 00"), "It does not begin as a user_set does.");
  EXPECT_EQ(head_damage("C3010200 00000000 00"), "Its form is unknown.");
  EXPECT_EQ(head_damage("C3010100 00000000 00"), "It is too short.") << "for a dictionary";
  EXPECT_EQ(head_damage("C3010001 00000000 00"), "Its form is unknown.");
  EXPECT_EQ(head_damage("C3010002 00000000 00"), "Its form is unknown.");
  EXPECT_EQ(head_damage("C3010000 00000000 3A300000 00000000"), "Its check sum does not match.");
  EXPECT_EQ(head_damage("C3020000 00000000"), "Its format is version 2, this extension reads version 1.");
}

// --- logs ------------------------------------------------------------------------------------------------------------

TEST(number_log, holds_what_has_room) {
  using editor = core::number_log_editor;
  const host host;
  bytes log(editor::size_of(3) + 3);
  editor::create(log);
  for (const std::uint32_t each : {7U, 2U, 7U}) EXPECT_TRUE(editor::append(log, each));
  EXPECT_FALSE(editor::append(log, 1));
  const core::number_log_reader reader(log);
  numbers arrived;
  reader.for_each([&](std::uint32_t each) { arrived.push_back(each); });
  EXPECT_EQ(arrived, (numbers{7, 2, 7}));
  const auto sorted = reader.sorted(host.memory());
  EXPECT_EQ(numbers(sorted.begin(), sorted.end()), (numbers{2, 7}));
}

TEST(number_log, damage_is_noticed) {
  const auto read = [](const char *hex) { return core::number_log_reader(from_hex(hex)); };
  EXPECT_NO_THROW(read("C3010001 00000000"));
  EXPECT_THROW(read("C3010000 00000000"), core::error) << "not a log";
  EXPECT_THROW(read("C3010001 000000"), core::error) << "too short";
  EXPECT_THROW(read("C3010001 FFFFFFFF 00000000"), core::error) << "more numbers than bytes";
  EXPECT_THROW(read("C3010001 01000001 00000000"), core::error) << "more numbers than bytes";
  EXPECT_THROW(read("C3010001 FFFFFFFF"), core::error) << "more numbers than bytes";
  bytes log(12);
  core::number_log_editor::create(log);
  core::number_log_editor::append(log, 0x80000000U);
  EXPECT_THROW(core::number_log_reader{log}, core::error) << "a number out of range";
}

}  // namespace
}  // namespace headcount::test
