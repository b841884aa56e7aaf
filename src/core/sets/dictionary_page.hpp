#pragma once
// Users with their numbers, as they are stored beside the sets of a source: the dictionary, in pages of some dozens, so that the numbers
// of a day's users are found by reading few rows, and few bytes for each user.
//
//   byte  0      version 1: users
//         1..    for each user, numbers ascending: LEB128 of the number less the one before it (at first, of the number),
//                LEB128 length of the name, the name
//
//   byte  0      version 2: users whose names were forgotten
//         1..    for each user, numbers ascending: LEB128 as above, 16 bytes: the hash of the name under the key
//
//   byte  0      version 3: the key of these hashes
//         1..16  the key
//
// A user is in a page of bucket hash(name) mod buckets, buckets being a power of two: with twice as many buckets the
// users of one bucket go to two of them. Forgotten ones are in buckets below 0, by the first bytes of their hashes, so that nothing
// is kept of a name that could be told without the key; the key is in one of its own.

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <string>
#include <vector>

#include "core/base/byte_buffer.hpp"
#include "core/base/context.hpp"
#include "core/base/hash.hpp"
#include "core/base/key.hpp"
#include "core/base/keyed_hash.hpp"

namespace headcount::core {

enum class page_kind : std::uint8_t { users = 1, forgotten = 2, key = 3 };

// Numbers in pages are below this one.
inline constexpr std::uint32_t max_users = 1U << 30U;

struct numbered_user {
  key_view name;  // kept by whoever gave it; the hash of the name if it was forgotten
  std::uint32_t number;
  bool is_forgotten = false;
};

// The bytes of a page. Throws damaged_bytes unless it is of a known kind.
inline page_kind kind_of_page(key_view page) {
  byte_reader from(page, "invalid page of users");
  const auto version = from.take_word(1);
  if (version < 1 || version > 3) from.fail("Its version is unknown.");
  return static_cast<page_kind>(version);
}

using forgetting_key = std::array<std::byte, keyed_hash::key_size>;

inline std::array<std::byte, keyed_hash::key_size + 1> page_of_key(std::span<const std::byte, keyed_hash::key_size> key) {
  std::array<std::byte, keyed_hash::key_size + 1> page{std::byte{3}};
  std::copy(key.begin(), key.end(), page.begin() + 1);
  return page;
}

// The key in a page of one. Throws damaged_bytes.
inline keyed_hash key_in_page(key_view page) {
  byte_reader from(page, "invalid page of users");
  if (static_cast<page_kind>(from.take_word(1)) != page_kind::key || page.size() != keyed_hash::key_size + 1) from.fail("It is not a key.");
  return keyed_hash(page.subspan(1).first<keyed_hash::key_size>());
}

// Calls visit(const numbered_user &) for each user of a page, none for a key; names point into it. Throws damaged_bytes.
template <typename Visit>
void for_each_user(key_view page, Visit &&visit);

// A page of users, or of forgotten ones, put together from users whose numbers ascend.
class page_builder {
 public:
  page_builder(page_kind kind, std::pmr::memory_resource *memory) : page_(memory) { page_.append_byte(static_cast<std::uint8_t>(kind)); }

  // Throws invalid_argument where two have the same number.
  void add(const numbered_user &user) {
    if (user.number == before_ && count_ > 0)
      throw error(fault::invalid_argument, "two users have the number " + std::to_string(user.number));
    page_.append_varint(user.number - before_);
    if (!user.is_forgotten) page_.append_varint(user.name.size());
    page_.append(user.name);
    before_ = user.number;
    ++count_;
  }

  std::uint32_t users() const { return count_; }
  key_view bytes() { return {page_.data(), page_.size()}; }

 private:
  byte_buffer page_;
  std::uint32_t before_ = 0, count_ = 0;
};

// The bucket of a user; `buckets` is a power of two.
inline std::uint32_t bucket_of(key_view name, std::uint32_t buckets) {
  return static_cast<std::uint32_t>(hash_bytes(name)) & (buckets - 1);
}

// The bucket of the key.
inline constexpr std::int32_t key_bucket = INT32_MIN;

// The bucket of a user whose name was forgotten, by the hash.
inline std::int32_t bucket_of_forgotten(key_view hash, std::uint32_t buckets) {
  return -1 - static_cast<std::int32_t>(xxh64::load<std::uint32_t>(hash.data()) & (buckets - 1) & 0x3fffffffU);
}

// Calls visit(std::int32_t bucket, std::uint32_t users, key_view page) for each bucket that any of the users
// is in, by number of bucket. `buckets` is a power of two. Throws invalid_argument where two of a bucket have the same
// number.
template <typename Visit>
void for_each_page(std::span<const numbered_user> users, std::uint32_t buckets, const context &host, Visit &&visit);

// --- implementation

template <typename Visit>
void for_each_user(key_view page, Visit &&visit) {
  const page_kind kind = kind_of_page(page);
  if (kind == page_kind::key) {
    (void)key_in_page(page);
    return;
  }
  byte_reader from(page, "invalid page of users");
  (void)from.take_word(1);
  const bool is_forgotten = kind == page_kind::forgotten;
  std::uint64_t number = 0;
  for (bool is_first = true; from.remaining() > 0; is_first = false) {
    const std::uint64_t step = from.take_varint();
    number += step;
    if ((step == 0 && !is_first) || step >= max_users || number >= max_users)
      from.fail("The numbers in it are not in order, or too large.");
    const key_view name = from.take(is_forgotten ? keyed_hash::size : from.take_varint());
    visit(numbered_user{name, static_cast<std::uint32_t>(number), is_forgotten});
  }
}

template <typename Visit>
void for_each_page(std::span<const numbered_user> users, std::uint32_t buckets, const context &host, Visit &&visit) {
  struct entry {
    std::int32_t bucket;
    numbered_user user;
  };
  std::pmr::vector<entry> order(host.memory);
  order.reserve(users.size());
  for (const numbered_user &each : users)
    order.push_back({each.is_forgotten ? bucket_of_forgotten(each.name, buckets) : static_cast<std::int32_t>(bucket_of(each.name, buckets)), each});
  std::sort(order.begin(), order.end(), [](const entry &a, const entry &b) {
    return a.bucket != b.bucket ? a.bucket < b.bucket : a.user.number < b.user.number;
  });
  for (auto at = order.cbegin(); at != order.cend();) {
    host.poll();
    const std::int32_t here = at->bucket;
    page_builder page(here < 0 ? page_kind::forgotten : page_kind::users, host.memory);
    for (; at != order.cend() && at->bucket == here; ++at) page.add(at->user);
    visit(here, page.users(), page.bytes());
  }
}

}  // namespace headcount::core
