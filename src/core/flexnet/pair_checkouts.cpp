#include "core/flexnet/pair_checkouts.hpp"

#include <map>
#include <set>

#include "core/base/core_only.hpp"

namespace headcount::core {

std::pmr::vector<std::int32_t> pair_checkouts(std::span<const std::int32_t> events, const context &host) {
  std::pmr::vector<std::int32_t> partners(events.size(), 0, host.memory);
  std::pmr::set<std::size_t> open(host.memory);
  std::pmr::map<std::int64_t, std::pmr::set<std::size_t>> open_by_licenses(host.memory);
  ticker tick(host);
  for (std::size_t at = 0; at < events.size(); ++at) {
    tick();
    const std::int64_t licenses = events[at];
    if (licenses > 0) {
      open.insert(at);
      open_by_licenses[licenses].insert(at);
    } else if (licenses < 0 && !open.empty()) {
      auto same = open_by_licenses.find(-licenses);
      if (same == open_by_licenses.end()) same = open_by_licenses.find(events[*open.begin()]);
      const std::size_t ended = *same->second.begin();
      open.erase(ended);
      same->second.erase(same->second.begin());
      if (same->second.empty()) open_by_licenses.erase(same);
      partners[at] = static_cast<std::int32_t>(ended + 1);
      partners[ended] = static_cast<std::int32_t>(at + 1);
    }
  }
  return partners;
}

}  // namespace headcount::core
