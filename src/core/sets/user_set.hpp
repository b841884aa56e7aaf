#pragma once
// A set of user numbers to work with: a bitmap of CRoaring's. Its memory comes from malloc, and goes with the object.

#include <cstdint>
#include <span>

#include "core/base/context.hpp"
#include "core/sets/user_set_bytes.hpp"

namespace headcount::core {

class user_set {
 public:
  // Both throw std::bad_alloc where CRoaring reports that memory has run out; not every version of it does everywhere.
  user_set();
  // Throws damaged_bytes: CRoaring sees only what has been checked.
  user_set(const user_set_reader &from, const context &host);
  user_set(const user_set &) = delete;
  user_set &operator=(const user_set &) = delete;
  ~user_set();

  void add(std::uint32_t number);
  void unite(const user_set &other);
  void intersect(const user_set &other);
  void subtract(const user_set &other);

  std::uint64_t cardinality() const;

  // The canonical bytes, behind `reserved` bytes for the length word of a PostgreSQL value.
  std::span<std::byte> to_bytes(std::size_t reserved, const context &host) const;

 private:
  void *bitmap_;  // CRoaring's, whose headers stay out of here
};

}  // namespace headcount::core
