#include "core/report/daily_levels.hpp"

#include <algorithm>

#include "core/base/error.hpp"
#include "core/rules.hpp"

#include "core/base/core_only.hpp"

namespace headcount::core {
namespace {

class day_peaks final : public level_listener {
 public:
  day_peaks(const time_zone &zone, instant as_of, const context &host)
      : zone_(zone), as_of_(as_of), tick_(host), found_(host.memory) {}

  void hear(instant at, std::int64_t, std::span<const std::int64_t>, std::int64_t after) override {
    if (at > as_of_) return;
    if (at >= next_day_ || !is_begun_) go_to(at, false);
    highest_ = std::max(highest_, after);
    level_ = after;
  }

  // The level that is left lasts until as_of.
  std::pmr::vector<daily_level> all() && {
    if (is_begun_ && as_of_ >= next_day_) go_to(as_of_, true);
    put();
    return std::move(found_);
  }

 private:
  // To the day of an instant, until which the level lasts, or at which it still does.
  void go_to(instant at, bool at_that_too) {
    put();
    const day_number to = day_of(at, zone_);
    if (is_begun_ && level_ > 0) {
      for (++day_; day_ < to; ++day_, tick_()) {
        highest_ = has_length(zone_.start_of(day_), zone_.start_of(day_ + 1)) ? level_ : 0;
        put();
      }
    }
    is_begun_ = true;
    day_ = to;
    next_day_ = zone_.start_of(to + 1);
    highest_ = at_that_too || zone_.start_of(to) < at ? level_ : 0;
  }

  void put() {
    if (highest_ == 0) return;
    if (found_.size() == max_buckets) throw error(fault::too_large, "there are too many days in this range");
    found_.push_back({day_, highest_});
    highest_ = 0;
  }

  const time_zone &zone_;
  const instant as_of_;
  ticker tick_;
  std::pmr::vector<daily_level> found_;
  bool is_begun_ = false;
  day_number day_ = 0;
  instant next_day_ = beginning;
  std::int64_t level_ = 0, highest_ = 0;  // of the day so far
};

}  // namespace

std::pmr::vector<daily_level> find_daily_levels(const session_events &sessions, const time_zone &zone, instant as_of,
                                                const context &host) {
  day_peaks peaks(zone, as_of, host);
  sessions.sweep(host, peaks);
  return std::move(peaks).all();
}

}  // namespace headcount::core
