// What presence_agg with max_gap makes of a state: any bytes of a presence, as its own or somebody's making, give stays
// of the type or an error; and snapshots, in whatever parts and order, give the stays that gaps between sorted instants
// do.

#include "core/presence/polled.hpp"

#include <map>
#include <set>
#include <vector>

#include "fuzz/fuzzing.hpp"

namespace headcount::test {
namespace {

using stays = std::map<std::string, std::vector<interval>>;

stays stays_of(const presence_view &state, key_type type, const host &host) {
  stays found;
  core::for_each_stay(state, type, host, [&](key_view key, interval when) {
    require(!core::is_empty(when), "a stay takes some time");
    require(type != key_type::bigint || key.size() == 8, "a bigint has 8 bytes");
    require(type != key_type::uuid || key.size() == 16, "a uuid has 16 bytes");
    found[string_of(key)].push_back(when);
  });
  return found;
}

void read_anything(std::span<const std::byte> input) {
  const host host;
  for (const key_type type : {key_type::text, key_type::bigint, key_type::uuid}) {
    try {
      (void)stays_of(presence_view(input), type, host);
    } catch (const core::error &) {
    }
  }
}

void take_snapshots(choices choose) {
  const host host;
  const std::int64_t gap = 1 + choose(256) * (choose(4) == 0 ? 100 : 1);
  core::keyed_intervals state(key_type::text, host.memory()), part(key_type::text, host.memory());
  std::map<std::string, std::set<instant>> seen;
  for (int left = 0; choose.any_left() && left < 300; ++left) {
    const std::string name(choose(70), static_cast<char>('a' + choose(3)));
    const instant at = static_cast<instant>(choose(256)) * 16 - choose(8);
    seen[name].insert(at);
    const core::polled_key key(gap, view_of(name), host.memory());
    (choose(2) == 0 ? state : part).add(key, core::stretched(at, gap));
  }
  core::add_all(state, presence_view(canonical_of(presence_view(part), host)), host);
  stays expected;
  for (const auto &[name, instants] : seen) {
    std::vector<interval> &of = expected[name];
    for (const instant at : instants) {
      if (!of.empty() && at - (of.back().end - 1) <= gap)
        of.back().end = at + 1;
      else
        of.push_back({at, at + 1});
    }
  }
  require(stays_of(presence_view(state), key_type::text, host) == expected, "stays are those of the sorted instants");
}

}  // namespace
}  // namespace headcount::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  using namespace headcount::test;
  const auto input = input_of(data, size);
  read_anything(input);
  take_snapshots(choices(input));
  return 0;
}
