#pragma once
// What the kernel asks of its host: memory, and a chance to be interrupted.

#include <cstdint>
#include <memory_resource>

namespace headcount::core {

struct context {
  std::pmr::memory_resource *memory;  // throws std::bad_alloc when exhausted
  void (*poll)();                     // throws when the work is to be abandoned
};

// Polls the host once in a while; call it once for each step of a long loop.
class ticker {
 public:
  explicit ticker(const context &host) : poll_(host.poll) {}

  void operator()() {
    // 4,096 steps are some 10 to 100 microseconds: prompt for a person, free for the loop.
    if (((++steps_) & 0xfffU) == 0) poll_();
  }

 private:
  void (*poll_)();
  std::uint32_t steps_ = 0;
};

}  // namespace headcount::core
