#pragma once
// PostgreSQL's memory contexts as the kernel's memory.

#include "pg/postgres.hpp"

#include "core/base/context.hpp"
#include "pg/boundary.hpp"

namespace headcount::pg {

// Allocates from one memory context; throws std::bad_alloc where PostgreSQL would raise an error.
class context_resource final : public std::pmr::memory_resource {
 public:
  explicit context_resource(MemoryContext context) : context_(context) {}

 private:
  void *do_allocate(std::size_t size, std::size_t alignment) override {
    if (alignment <= MAXIMUM_ALIGNOF) return allocate(size);
    // The address as allocated is kept in front of the aligned one.
    if (size > MaxAllocHugeSize - alignment - sizeof(void *)) throw std::bad_alloc();
    void *const raw = allocate(size + alignment + sizeof(void *));
    const auto aligned = TYPEALIGN(alignment, reinterpret_cast<std::uintptr_t>(raw) + sizeof(void *));
    reinterpret_cast<void **>(aligned)[-1] = raw;
    return reinterpret_cast<void *>(aligned);
  }

  void do_deallocate(void *memory, std::size_t, std::size_t alignment) override {
    pfree(alignment <= MAXIMUM_ALIGNOF ? memory : static_cast<void **>(memory)[-1]);
  }

  bool do_is_equal(const std::pmr::memory_resource &other) const noexcept override { return this == &other; }

  void *allocate(std::size_t size) {
    if (size > MaxAllocHugeSize) throw std::bad_alloc();
    void *const memory = MemoryContextAllocExtended(context_, size, MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
  }

  MemoryContext context_;
};

// What the kernel needs for the length of one call: memory of the current context, and interrupts.
class workspace {
 public:
  explicit workspace(MemoryContext context = CurrentMemoryContext) : memory_(context) {}
  workspace(const workspace &) = delete;
  workspace &operator=(const workspace &) = delete;

  const core::context &host() const { return host_; }
  operator const core::context &() const { return host_; }

 private:
  context_resource memory_;
  core::context host_{&memory_, check_interrupts};
};

}  // namespace headcount::pg
