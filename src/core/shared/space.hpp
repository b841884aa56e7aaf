#pragma once
// Memory that several processes, or threads, fill together.
//
// Each of them may see it at another address. So what lies in it refers to other parts of it by handles, which hold
// everywhere, or by numbers of items in a shared_array. Nothing is given back before the whole space is.

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <thread>
#include <vector>

#include "core/base/context.hpp"

namespace headcount::core {

class shared_space {
 public:
  using handle = std::uint64_t;
  static constexpr handle none = 0;

  shared_space() = default;
  shared_space(const shared_space &) = delete;
  shared_space &operator=(const shared_space &) = delete;
  virtual ~shared_space() = default;

  // Memory of at least so many bytes, with anything in it, aligned for any item; `none` where there is no more. A
  // handle plus a number of bytes is the handle of the byte that far behind it.
  virtual handle allocate(std::size_t bytes) = 0;
  // Where that is in this process; it stays there.
  virtual std::byte *address(handle of) = 0;
};

// Held for a few instructions, or while a block is allocated. An error gives it back on its way out. Only a process
// that ends takes it along, which ends the work of the others too: they find out by polling.
class shared_lock {
 public:
  class guard {
   public:
    guard(shared_lock &lock, const context &host) : lock_(lock) { lock.acquire(host); }
    guard(const guard &) = delete;
    guard &operator=(const guard &) = delete;
    ~guard() { lock_.held_.store(0, std::memory_order_release); }

   private:
    shared_lock &lock_;
  };

 private:
  void acquire(const context &host) {
    while (held_.exchange(1, std::memory_order_acquire) != 0) {
      // Who holds it may wait for this very processor.
      for (unsigned tries = 0; held_.load(std::memory_order_relaxed) != 0; ++tries) {
        if (tries < spins) continue;
        host.poll();
        std::this_thread::yield();
      }
    }
  }

  static constexpr unsigned spins = 100;
  std::atomic<std::uint32_t> held_;
};

static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<std::uint32_t>::is_always_lock_free,
              "what processes share must not need a lock of one of them");

// A growing array that all of them append to. Items are numbered, and stay where they are.
//
//   blocks    the first has 256 items, each other as many as all before it, until they are as large as is good
//   groups    64 items, which one process makes on its own
template <typename Item>
class shared_array {
 public:
  static constexpr std::uint32_t npos = UINT32_MAX;

  static constexpr unsigned first_bits = 8, last_bits = 19;
  static constexpr std::uint32_t group = 64;
  // More would not leave room for what makes numbers special.
  static constexpr std::uint32_t max_items = 0x7fff0000;
  static constexpr std::size_t max_blocks = last_bits - first_bits + (max_items >> last_bits) + 1;

  // What lies in shared memory; all zeros in the beginning.
  struct head {
    shared_lock lock;
    std::atomic<std::uint32_t> claimed;
    std::array<std::atomic<shared_space::handle>, max_blocks> blocks;
  };

  shared_array(head &of, shared_space &space, std::pmr::memory_resource *memory)
      : head_(of), space_(space), blocks_(max_blocks, nullptr, memory) {}

  // For every row, several times: a call would cost as much as what it does.
  [[gnu::always_inline]] Item &operator[](std::uint32_t number) const {
    const place at = place_of(number);
    Item *const block = blocks_[at.block];
    return block != nullptr ? block[at.offset] : resolve(at.block)[at.offset];
  }

  // All items made up to now have smaller numbers; so have some that are not made.
  std::uint32_t size() const { return head_.claimed.load(std::memory_order_relaxed); }

  // The number of an item that is this process's to fill, `npos` where there is no room for more. Each item passes
  // through clear(Item &) before anybody can see its number.
  template <typename Clear>
  std::uint32_t make(Clear &&clear, const context &host) {
    if (mine_ % group == 0 && !claim(clear, host)) return npos;
    return mine_++;
  }

 private:
  struct place {
    std::size_t block, offset;
  };

  static place place_of(std::uint32_t number) {
    const std::uint32_t shifted = number + (1U << first_bits);
    if (shifted >= 1U << last_bits)
      return {(last_bits - first_bits - 1) + (shifted >> last_bits), shifted & ((1U << last_bits) - 1)};
    const auto width = static_cast<unsigned>(std::bit_width(shifted)) - 1;
    return {width - first_bits, shifted - (1U << width)};
  }

  static std::size_t block_size(std::size_t block) {
    return std::size_t{1} << std::min<std::size_t>(first_bits + block, last_bits);
  }

  Item *resolve(std::size_t block) const {
    auto *const found = reinterpret_cast<Item *>(space_.address(head_.blocks[block].load(std::memory_order_acquire)));
    return blocks_[block] = found;
  }

  template <typename Clear>
  bool claim(Clear &&clear, const context &host) {
    // The block first: nobody may be given numbers that have no memory.
    shared_lock::guard locked(head_.lock, host);
    const std::uint32_t first = head_.claimed.load(std::memory_order_relaxed);
    if (first >= max_items) return false;
    const std::size_t block = place_of(first).block;
    if (head_.blocks[block].load(std::memory_order_relaxed) == shared_space::none) {
      const shared_space::handle made = space_.allocate(block_size(block) * sizeof(Item));
      if (made == shared_space::none) return false;
      head_.blocks[block].store(made, std::memory_order_release);
    }
    Item *const items = &(*this)[first];
    for (std::uint32_t at = 0; at < group; ++at) clear(items[at]);
    mine_ = first;
    head_.claimed.store(first + group, std::memory_order_release);
    return true;
  }

  head &head_;
  shared_space &space_;
  mutable std::pmr::vector<Item *> blocks_;  // where this process sees them; nullptr before it looked
  std::uint32_t mine_ = 0;  // the next item of the group that this process has; a new group if it is a multiple
};

}  // namespace headcount::core
