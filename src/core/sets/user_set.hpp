#pragma once
// A set of user numbers in the making, once it is not small any more: the state of aggregates.
//
// Numbers that share their high 16 bits lie together, as in the bytes: in order while they are few, as bits when they are
// many. It only grows. CRoaring (version 0.2.66, which Debian 12 has) does not look whether its malloc succeeded and does
// not always come to an end where a run reaches 65535; here memory is that of the host, and what it holds is what was
// checked.

#include <cstdint>
#include <map>
#include <memory_resource>
#include <span>
#include <vector>

#include "core/base/context.hpp"
#include "core/sets/user_set_bytes.hpp"

namespace headcount::core {

class user_set {
 public:
  explicit user_set(std::pmr::memory_resource *memory) : blocks_(memory) {}

  // Returns whether it is new.
  bool add(std::uint32_t number);
  // Throws damaged_bytes, or mixed_dictionaries, before anything has been added.
  void unite(const user_set_reader &other, const context &host);

  std::uint64_t cardinality() const { return cardinality_; }
  const dictionary_id &dictionary() const { return dictionary_; }
  // Says what the numbers are of, which whoever adds them one by one knows.
  void set_dictionary(const dictionary_id &dictionary) { dictionary_ = dictionary; }

  // The canonical bytes, behind `reserved` bytes for the length word of a PostgreSQL value.
  std::span<std::byte> to_bytes(std::size_t reserved, const context &host) const;

 private:
  struct block {
    explicit block(std::pmr::memory_resource *memory) : few(memory), many(memory) {}

    std::pmr::vector<std::uint16_t> few;  // ascending, as long as `many` is empty
    std::pmr::vector<std::uint64_t> many;  // a bit for each possible number
  };
  block &block_of(std::uint32_t key) { return blocks_.try_emplace(key, blocks_.get_allocator().resource()).first->second; }
  static void spread(block &from);

  std::uint64_t cardinality_ = 0;
  dictionary_id dictionary_;
  std::pmr::map<std::uint32_t, block> blocks_;  // by the high bits of their numbers
};

}  // namespace headcount::core
