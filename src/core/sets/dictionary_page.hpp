#pragma once
// Users with their numbers, as they are stored beside the sets of a source: the dictionary, in pages of some dozens, so that the numbers
// of a day's users are found by reading few rows, and few bytes for each user.
//
//   byte  0      version 1
//         1..    for each user, numbers ascending: LEB128 of the number less the one before it (at first, of the number),
//                LEB128 length of the name, the name
//
// A user is in a page of bucket hash(name) mod buckets, buckets being a power of two: with twice as many buckets the
// users of one bucket go to two of them.

#include <algorithm>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <string>
#include <vector>

#include "core/base/byte_buffer.hpp"
#include "core/base/context.hpp"
#include "core/base/hash.hpp"
#include "core/base/key.hpp"

namespace headcount::core {

inline constexpr std::uint8_t dictionary_page_version = 1;

// Numbers in pages are below this one.
inline constexpr std::uint32_t max_users = 1U << 30U;

struct numbered_user {
  key_view name;  // kept by whoever gave it
  std::uint32_t number;
};

// Calls visit(const numbered_user &) for each user of a page; names point into it. Throws damaged_bytes.
template <typename Visit>
void for_each_user(key_view page, Visit &&visit);

// The bucket of a user; `buckets` is a power of two.
inline std::uint32_t bucket_of(key_view name, std::uint32_t buckets) {
  return static_cast<std::uint32_t>(hash_bytes(name)) & (buckets - 1);
}

// Calls visit(std::uint32_t bucket, std::uint32_t users, key_view page) for each bucket that any of the users
// is in, by number of bucket. `buckets` is a power of two. Throws invalid_argument where two of a bucket have the same
// number.
template <typename Visit>
void for_each_page(std::span<const numbered_user> users, std::uint32_t buckets, const context &host, Visit &&visit);

// --- implementation

template <typename Visit>
void for_each_user(key_view page, Visit &&visit) {
  byte_reader from(page, "invalid page of users");
  if (from.take_word(1) != dictionary_page_version) from.fail("Its version is unknown.");
  std::uint64_t number = 0;
  for (bool is_first = true; from.remaining() > 0; is_first = false) {
    const std::uint64_t step = from.take_varint();
    number += step;
    if ((step == 0 && !is_first) || step >= max_users || number >= max_users)
      from.fail("The numbers in it are not in order, or too large.");
    const key_view name = from.take(from.take_varint());
    visit(numbered_user{name, static_cast<std::uint32_t>(number)});
  }
}

template <typename Visit>
void for_each_page(std::span<const numbered_user> users, std::uint32_t buckets, const context &host, Visit &&visit) {
  struct entry {
    std::uint32_t bucket;
    numbered_user user;
  };
  std::pmr::vector<entry> order(host.memory);
  order.reserve(users.size());
  for (const numbered_user &each : users) order.push_back({bucket_of(each.name, buckets), each});
  std::sort(order.begin(), order.end(), [](const entry &a, const entry &b) {
    return a.bucket != b.bucket ? a.bucket < b.bucket : a.user.number < b.user.number;
  });
  for (auto at = order.cbegin(); at != order.cend();) {
    host.poll();
    const std::uint32_t here = at->bucket;
    byte_buffer page(host.memory);
    page.append_byte(dictionary_page_version);
    std::uint32_t before = 0, count = 0;
    for (; at != order.cend() && at->bucket == here; ++at, ++count) {
      const auto &[name, number] = at->user;
      if (number == before && count > 0)
        throw error(fault::invalid_argument, "two users have the number " + std::to_string(number));
      page.append_varint(number - before);
      page.append_varint(name.size());
      page.append(name);
      before = number;
    }
    visit(here, count, key_view(page.data(), page.size()));
  }
}

}  // namespace headcount::core
