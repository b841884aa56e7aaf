// Any bytes at all to the reader of user sets: it refuses them, or they are exactly what would be written for what was
// read, whatever the way. Once as they are, and once with head and check sum made right, so that what lies
// behind is reached. What may be asked before all is checked must not leave the bytes, whatever they say.

#include "fuzz/fuzzing.hpp"
#include "support/user_sets.hpp"

namespace headcount::test {
namespace {

void run(const bytes &canonical) {
  const host host;
  numbers content;
  core::dictionary_id dictionary;
  const bool is_sound = can_read([&] {
    const core::user_set_reader reader(canonical);
    dictionary = reader.dictionary();
    require(reader.cardinality() <= core::last_user_number + std::uint64_t{1}, "no more numbers than there are");
    for (std::uint32_t number = 1; number <= core::last_user_number; number = number * 3 + 2)
      (void)reader.contains(number);
    reader.for_each(host, [&](std::uint32_t each) { content.push_back(each); });
    require(content.size() == reader.cardinality(), "as many numbers as it says");
    for (const std::uint32_t each : content) require(reader.contains(each), "what it has, it contains");
  });
  if (!is_sound) return;
  const auto written = core::to_canonical(content, 0, host.memory(), dictionary);
  require(bytes(written.begin(), written.end()) == canonical, "what was read is written as it was");
  core::user_set half(host.memory());
  half.set_dictionary(dictionary);
  for (std::size_t at = 0; at < content.size(); at += 2) half.add(content[at]);
  const auto half_bytes = bytes_of(half, host);
  require(combined(core::set_operation::intersect, canonical, half_bytes, host) == half_bytes,
          "what it has in common with half of it is that half");
  const auto rest = combined(core::set_operation::subtract, canonical, half_bytes, host);
  require(core::user_set_reader(rest).cardinality() == content.size() / 2, "without one half, the other is left");
  require(combined(core::set_operation::unite, rest, half_bytes, host) == canonical, "both halves are the whole");
  half.unite(core::user_set_reader(canonical), host);
  require(bytes_of(half, host) == canonical, "united with half of it, it is the same");
  require(half.cardinality() == content.size(), "and has as many numbers");
}

}  // namespace
}  // namespace headcount::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  using namespace headcount::test;
  bytes canonical = copy_of_input(data, size);
  run(canonical);
  if (canonical.size() < 8) return 0;
  canonical[0] = std::byte{headcount::core::user_set_magic};
  canonical[1] = std::byte{headcount::core::user_set_version};
  canonical[3] = std::byte{0};
  for (const auto has_dictionary : {std::byte{0}, std::byte{1}}) {
    canonical[2] = has_dictionary;
    fix_check_sum(canonical);
    run(canonical);
  }
  return 0;
}
