#pragma once
// What the fuzzers share: a reader of choices out of the fuzzer's bytes, and a way to stop.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

#include "core/base/error.hpp"
#include "support/toolbox.hpp"

namespace headcount::test {

// A broken promise ends the run, with the input kept by the fuzzer.
inline void require(bool kept, const char *promise) {
  if (kept) return;
  std::fprintf(stderr, "broken: %s\n", promise);
  std::abort();
}

inline std::span<const std::byte> input_of(const std::uint8_t *data, std::size_t size) {
  return {reinterpret_cast<const std::byte *>(data), size};
}
inline bytes copy_of_input(const std::uint8_t *data, std::size_t size) {
  const auto input = input_of(data, size);
  return {input.begin(), input.end()};
}

// Whether the fuzzer's bytes can be read. They may be refused as damaged, and as nothing else.
template <typename Read>
bool can_read(Read &&read) {
  try {
    read();
  } catch (const core::error &error) {
    require(error.kind() == core::fault::damaged_bytes, "what is refused is damaged");
    return false;
  }
  return true;
}

// Choices, one byte each; zeros where the input has run out.
class choices {
 public:
  explicit choices(std::span<const std::byte> from) : left_(from) {}

  bool any_left() const { return !left_.empty(); }

  // One of 0 .. sides - 1, of 256 at the most.
  unsigned operator()(unsigned sides) {
    if (left_.empty()) return 0;
    const auto byte = std::to_integer<unsigned>(left_.front());
    left_ = left_.subspan(1);
    return byte % sides;
  }

 private:
  std::span<const std::byte> left_;
};

}  // namespace headcount::test
