#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <utility>
#include <vector>

#include "core/base/context.hpp"
#include "core/base/radix_sort.hpp"
#include "core/time/instant.hpp"

namespace headcount::core {

// Instants, collected in any order and then sorted.
//
// Sorting ten million at once moves each of them across all of that memory several times. So they are first dropped
// into some hundred slices of time, as they come, and each slice is sorted on its own, within the cache.
//
//   add()     | 127 | 127 |  ->  slice 0          blocks of 127 instants; a slice is a chain of blocks
//             | 127 |        ->  slice 1
//   sort()    [ slice 0 | slice 1 | ... ]         one array, sorted
class instant_list {
 public:
  explicit instant_list(std::pmr::memory_resource *memory) : memory_(memory), few_(memory), slices_(memory) {}
  instant_list(const instant_list &) = delete;
  instant_list &operator=(const instant_list &) = delete;
  ~instant_list() { free_blocks(); }

  void add(instant at) {
    if (slices_.empty()) {
      few_.push_back(at);
      if (few_.size() == max_few) slice_up();
    } else {
      put(at);
    }
  }

  // Sorts what was added; call once, after the last add().
  void sort(const context &host);

  std::size_t size() const { return few_.size(); }
  bool empty() const { return few_.empty(); }
  instant operator[](std::size_t number) const { return few_[number]; }
  std::pmr::vector<instant>::const_iterator begin() const { return few_.begin(); }
  std::pmr::vector<instant>::const_iterator end() const { return few_.end(); }
  instant front() const { return few_.front(); }
  instant back() const { return few_.back(); }

 private:
  static constexpr std::size_t max_few = 8192;       // below it one sort within the cache does
  static constexpr std::size_t block_capacity = 127;  // 1 kB a block

  struct block {
    block *earlier;
    std::array<instant, block_capacity> items;
  };

  struct slice {
    block *newest = nullptr;
    std::size_t count = 0;
  };

  void slice_up();
  void put(instant at);
  void free_blocks();

  std::pmr::memory_resource *memory_;
  std::pmr::vector<instant> few_;  // all of them, before they are sliced up and after they are sorted
  std::pmr::vector<slice> slices_;
  instant first_ = 0;   // where slice 0 begins
  unsigned shift_ = 0;  // a slice is 2^shift ticks long
};

}  // namespace headcount::core
