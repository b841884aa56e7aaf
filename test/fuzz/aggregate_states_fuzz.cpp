// Any bytes at all as states of unique_count and max_concurrent: they are refused, or merging and writing them changes
// nothing. Once as they are, and once with a head that leads to what lies behind.

#include <set>

#include "core/base/error.hpp"
#include "core/presence/session_events.hpp"
#include "core/sets/key_set.hpp"
#include "fuzz/fuzzing.hpp"

namespace headcount::test {
namespace {

template <typename Table>
bytes written(const Table &table, const context &with) {
  core::byte_buffer buffer(with.memory);
  table.write(buffer, with);
  return {buffer.data(), buffer.data() + buffer.size()};
}

void run_keys(const bytes &state) {
  const host with;
  std::set<std::string> keys;
  key_type type{};
  const bool is_sound = can_read([&] {
    const core::key_log_reader log(state);
    type = log.type();
    log.for_each([&](key_view key) { keys.insert(string_of(key)); });
  });
  if (!is_sound) return;
  require(core::count_distinct(core::key_log_reader(state), with) == keys.size(), "as many as are distinct");
  core::key_set set(type, with.memory());
  set.merge(core::key_log_reader(state), with);
  require(set.size() == keys.size(), "a table has the same keys");
  const bytes again = written(set, with);
  require(core::count_distinct(core::key_log_reader(again), with) == keys.size(), "and writes them");
}

void run_events(const bytes &state) {
  const host with;
  (void)can_read([&] {
    core::session_events events(core::session_events::type_of(state), with.memory());
    events.merge(state, with);
    const std::int64_t highest = events.highest(with);
    core::session_events again(events.type(), with.memory());
    again.merge(written(events, with), with);
    require(again.highest(with) == highest, "what is written is what was read");
  });
}

class loudest final : public core::level_listener {
 public:
  void hear(core::instant, std::int64_t level, std::span<const std::int64_t> starts, std::int64_t after) override {
    for (const std::int64_t each : starts) level += each;
    require(level == after, "what starts adds up");
    highest = std::max(highest, after);
  }
  std::int64_t highest = 0;
};

// The same as weights; those may add up to too much.
void run_weights(const bytes &state) {
  const host with;
  const auto read = [&](auto &&ask) {
    try {
      core::session_events events(core::session_events::type_of(state), with.memory());
      events.merge(state, with);
      const std::int64_t highest = ask(events);
      core::session_events again(events.type(), with.memory());
      again.merge(written(events, with), with);
      require(ask(again) == highest, "what is written weighs what was read");
    } catch (const core::error &error) {
      require(error.kind() == core::fault::damaged_bytes || error.kind() == core::fault::number_too_large,
              "what is refused is damaged, or too much");
    }
  };
  read([&](const core::session_events &events) { return events.highest_weight(with); });
  read([&](const core::session_events &events) {
    loudest heard;
    events.sweep(with, heard);
    return heard.highest;
  });
}

}  // namespace
}  // namespace headcount::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  using namespace headcount::test;
  bytes state = copy_of_input(data, size);
  run_keys(state);
  run_events(state);
  run_weights(state);
  if (state.size() < 8) return 0;
  state[1] = std::byte{1};
  state[3] = std::byte{0};
  state[0] = std::byte{headcount::core::events_magic};
  run_events(state);
  run_weights(state);
  state[0] = std::byte{headcount::core::key_log_magic};
  for (std::size_t at = 0; at < 4; ++at) state[4 + at] = static_cast<std::byte>((state.size() >> (8 * at)) & 0xffU);
  run_keys(state);
  return 0;
}
