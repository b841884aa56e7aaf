#pragma once
// Users with their numbers, as they are stored beside the sets of a source: in lists of some dozens, so that the numbers
// of a day's users are found by reading few rows, and few bytes for each user.
//
//   byte  0      version 1
//         1..    for each user, numbers ascending: LEB128 of the number less the one before it (at first, of the number),
//                LEB128 length of the name, the name
//
// A user is in a list of bucket hash(name) mod buckets, buckets being a power of two: with twice as many buckets the
// users of one bucket go to two of them.

#include <algorithm>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <string>
#include <vector>

#include "core/byte_buffer.hpp"
#include "core/context.hpp"
#include "core/hash.hpp"
#include "core/key.hpp"

namespace headcount::core {

inline constexpr std::uint8_t user_list_version = 1;

// Numbers in lists are below this one.
inline constexpr std::uint32_t most_users = 1U << 30U;

struct numbered_user {
  key_view name;  // kept by whoever gave it
  std::uint32_t number;
};

// Calls visit(const numbered_user &) for each user of a list; names point into it. Throws damaged_bytes.
template <typename Visit>
void for_each_user(key_view list, Visit &&visit);

// The bucket of a user; `buckets` is a power of two.
inline std::uint32_t bucket_of(key_view name, std::uint32_t buckets) {
  return static_cast<std::uint32_t>(hash_bytes(name)) & (buckets - 1);
}

// Calls visit(std::uint32_t bucket, std::span<const numbered_user>, key_view list) for each bucket that any of the users
// is in, by number of bucket. `buckets` is a power of two. Sorts the users. Throws invalid_argument where two of a bucket
// have the same number.
template <typename Visit>
void for_each_list(std::pmr::vector<numbered_user> &users, std::uint32_t buckets, const context &host, Visit &&visit);

// --- implementation

template <typename Visit>
void for_each_user(key_view list, Visit &&visit) {
  byte_reader from(list, "invalid list of users");
  if (from.take_word(1) != user_list_version) from.fail("Its version is unknown.");
  std::uint64_t number = 0;
  for (bool is_first = true; from.remaining() > 0; is_first = false) {
    const std::uint64_t step = from.take_varint();
    number += step;
    if ((step == 0 && !is_first) || step >= most_users || number >= most_users)
      from.fail("The numbers in it are not in order, or too large.");
    const key_view name = from.take(from.take_varint());
    visit(numbered_user{name, static_cast<std::uint32_t>(number)});
  }
}

template <typename Visit>
void for_each_list(std::pmr::vector<numbered_user> &users, std::uint32_t buckets, const context &host, Visit &&visit) {
  const auto bucket = [buckets](const numbered_user &of) { return bucket_of(of.name, buckets); };
  std::sort(users.begin(), users.end(), [&](const numbered_user &a, const numbered_user &b) {
    const std::uint32_t of_a = bucket(a), of_b = bucket(b);
    return of_a != of_b ? of_a < of_b : a.number < b.number;
  });
  for (auto at = users.cbegin(); at != users.cend();) {
    host.poll();
    const std::uint32_t here = bucket(*at);
    const auto end = std::find_if(at, users.cend(), [&](const numbered_user &each) { return bucket(each) != here; });
    byte_buffer list(host.memory);
    list.append_byte(user_list_version);
    std::uint32_t before = 0;
    for (const numbered_user &each : std::span(at, end)) {
      if (each.number == before && &each != &*at)
        throw error(fault::invalid_argument, "two users have the number " + std::to_string(before));
      list.append_varint(each.number - before);
      list.append_varint(each.name.size());
      list.append(each.name);
      before = each.number;
    }
    visit(here, std::span(at, end), key_view(list.data(), list.size()));
    at = end;
  }
}

}  // namespace headcount::core
