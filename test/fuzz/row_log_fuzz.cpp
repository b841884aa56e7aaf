// Any bytes at all to the reader of logs, once as they are and once with a head that leads to the rows: it refuses
// them, or the rows make a presence, the same by each of its two readers.

#include <algorithm>
#include <cstring>

#include "fuzz/fuzzing.hpp"

namespace headcount::test {
namespace {

void run(const bytes &log) {
  const host host;
  rows arrived;
  (void)can_read([&] {
    if (core::read_head(log).form != core::presence_form::log) return;
    const core::row_log_reader reader(log);
    reader.for_each_row([&](key_view key, interval when) { arrived.push_back({string_of(key), when}); });
    require(arrived.size() == reader.row_count(), "as many rows as it says");
    const bytes canonical = canonical_of(presence_view(log), host);
    require(canonical == canonical_of(reader.type(), arrived, host), "log and table agree");
    require(canonical_of(presence_view(canonical), host) == canonical, "what a log makes can be read");
  });
}

}  // namespace
}  // namespace headcount::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  using namespace headcount::test;
  bytes log = copy_of_input(data, size);
  run(log);
  if (log.size() < headcount::core::row_log_editor::head_size) return 0;
  log[0] = std::byte{headcount::core::presence_magic};
  log[1] = std::byte{headcount::core::presence_version};
  log[3] = std::byte{1};
  const auto used = static_cast<std::uint32_t>(log.size());
  std::memcpy(log.data() + 4, &used, sizeof used);
  run(log);
  return 0;
}
