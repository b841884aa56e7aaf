// The same rows by several routes, chosen by the fuzzer: all at once into a table; split into parts that travel as logs
// and canonical bytes and are united in another order; and those parts side by side. All end as the same bytes, and so
// do their parts inside a window. What the sweeps say of them is held against the rows themselves.

#include <algorithm>

#include "core/presence/sweep.hpp"
#include "fuzz/fuzzing.hpp"

namespace headcount::test {
namespace {

instant any_instant(choices &choose) {
  // Few ticks, so that much touches; now and then one that is far away.
  const unsigned at = choose(80);
  switch (at) {
    case 0: return core::first_finite;
    case 1: return core::end_of_finite - 2;
    case 2: return 1'000'000'000'000;
    default: return static_cast<instant>(at) - 30;
  }
}

rows any_rows(key_type type, choices &choose) {
  rows made;
  while (choose.any_left() && made.size() < 400) {
    const unsigned key = choose(40);
    interval when{any_instant(choose), 0};
    const unsigned length = choose(32);
    when.end =
        length == 31 ? forever : std::min(core::end_of_finite, when.start + 1 + static_cast<instant>(length % 13));
    if (length == 30) when.start = beginning;
    made.push_back({key_for(type, key), when});
  }
  return made;
}

void check_sweeps(const presence_view &presence, const entries &content, interval window, const context &with) {
  const auto level_at = [&](instant at) {
    std::int64_t level = 0;
    if (at >= window.start && at < window.end)
      for (const entry &key : content)
        for (const interval &each : key.intervals) level += each.start <= at && at < each.end ? 1 : 0;
    return level;
  };
  const core::peak peak = core::find_peak(presence, window, with);
  if (peak.level != 0) {
    require(level_at(peak.at) == peak.level, "the peak is the level at its instant");
    require(peak.at == beginning || level_at(peak.at - 1) < peak.level, "the peak begins at its instant");
    require(peak.until == forever || level_at(peak.until) < peak.level, "the peak ends at its end");
  }
  std::int64_t highest = 0;
  for (const core::level_change &each : core::find_timeline(presence, window, with)) {
    require(level_at(each.at) == each.level, "the timeline has the level at each instant");
    highest = std::max(highest, each.level);
  }
  require(highest == peak.level, "the peak is the highest of the timeline");
}

}  // namespace
}  // namespace headcount::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  using namespace headcount::test;
  choices choose(input_of(data, size));
  const host host;
  const key_type type = all_types[choose(4)];
  const unsigned part = 1 + choose(64), routes = choose(256);
  interval window{any_instant(choose), any_instant(choose)};
  if ((routes & 64U) != 0) window.start = beginning;
  if ((routes & 128U) != 0) window.end = forever;
  const rows arrived = any_rows(type, choose);

  headcount::core::keyed_intervals straight(type, host.memory());
  fill(straight, arrived);
  const bytes canonical = canonical_of(presence_view(straight), host);

  headcount::core::keyed_intervals united(type, host.memory()), clipped(type, host.memory());
  std::vector<bytes> parts;
  const auto take_in = [&](const rows &some, bool as_log) {
    const bytes state = as_log ? log_of(type, some) : canonical_of(type, some, host);
    headcount::core::add_all(united, presence_view(state), host);
    headcount::core::add_all(clipped, presence_view(canonical_of(presence_view(state), host, window)), host);
    parts.push_back(canonical_of(presence_view(state), host));
  };
  rows backwards = arrived;
  if ((routes & 1U) != 0) std::reverse(backwards.begin(), backwards.end());
  for (std::size_t from = 0, number = 0; from < backwards.size(); from += part, ++number) {
    const auto begin = backwards.begin() + static_cast<std::ptrdiff_t>(from);
    const auto left = static_cast<std::size_t>(backwards.end() - begin);
    take_in({begin, begin + static_cast<std::ptrdiff_t>(std::min<std::size_t>(part, left))},
            ((routes >> (1 + number % 5)) & 1U) != 0);
  }
  require(canonical_of(presence_view(united), host) == canonical, "another route, the same bytes");
  headcount::core::merged_presence merged(host.memory());
  for (const bytes &each : parts) merged.add(headcount::core::presence_reader(each));
  require(canonical_of(presence_view(merged), host) == canonical, "side by side, the same bytes");
  require(canonical_of(presence_view(clipped), host) == canonical_of(presence_view(canonical), host, window),
          "clipped parts make the clipped whole");
  check_sweeps(presence_view(canonical), decode(canonical, host), window, host);
  return 0;
}
