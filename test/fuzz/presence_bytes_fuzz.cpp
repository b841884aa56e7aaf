// Any bytes at all to the reader of canonical bytes: it refuses them, or they are exactly what would be written for
// what was read. Once as they are, and once with head and check sum made right, so that what lies behind is reached.

#include "core/base/error.hpp"
#include "fuzz/fuzzing.hpp"

namespace headcount::test {
namespace {

void run(const bytes &canonical) {
  const host host;
  entries content;
  key_type type{};
  try {
    if (core::read_head(canonical).form != core::presence_form::canonical) return;
    const core::presence_reader reader(canonical);
    type = reader.type();
    reader.for_each(host, [&](key_view key, std::span<const interval> intervals) {
      require(!intervals.empty(), "a key has an interval");
      require(content.size() < reader.key_count(), "no more keys than it says");
      content.push_back({string_of(key), {intervals.begin(), intervals.end()}});
    });
    require(content.size() == reader.key_count(), "as many keys as it says");
  } catch (const core::error &error) {
    require(error.kind() == core::fault::damaged_bytes, "what is refused is damaged");
    return;
  }
  require(encode(type, content, host) == canonical, "what was read is written as it was");
  require(canonical_of(presence_view(canonical), host) == canonical, "what is canonical stays as it is");
  core::keyed_intervals table(type, host.memory());
  core::add_all(table, presence_view(canonical), host);
  require(canonical_of(presence_view(table), host) == canonical, "what is canonical is united");
}

}  // namespace
}  // namespace headcount::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  using namespace headcount::test;
  bytes canonical = copy_of_input(data, size);
  run(canonical);
  if (canonical.size() < 8) return 0;
  canonical[0] = std::byte{headcount::core::presence_magic};
  canonical[1] = std::byte{headcount::core::presence_version};
  canonical[3] = std::byte{0};
  fix_check_sum(canonical);
  run(canonical);
  return 0;
}
