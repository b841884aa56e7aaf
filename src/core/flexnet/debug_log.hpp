#pragma once
// The debug log of a FlexNet licence server, as lmgrd, lmadmin and the vendor daemons write it together:
//
//    8:41:54 (lmgrd) TIMESTAMP 9/11/2025
//   10:02:03 (demo) OUT: "f1" anna@ws7  (2 licenses)
//   23:58:10 (demo) DENIED: "f1" bert@ws8  (Licensed number of users already reached. (-4,342))
//    0:12:40 (demo) IN: "f1" anna@ws7  (2 licenses)
//
// A line has the time of day only. Its date comes from lines that say one (TIMESTAMP, every six hours, and what a daemon says
// when it starts), from midnights between them, and, before the first of them, from that one backwards. With lmgrd's option
// -datestamp a line begins with a date, a time and an offset instead.

#include <cstdint>
#include <memory_resource>
#include <optional>
#include <string_view>

#include "core/base/context.hpp"
#include "core/time/civil.hpp"
#include "core/time/instant.hpp"

namespace headcount::core {

enum class log_event : std::uint8_t { timestamp, out, in, denied, unsupported, queued, dequeued, start, stop };

constexpr std::string_view name_of(log_event event) {
  switch (event) {
    case log_event::timestamp: return "TIMESTAMP";
    case log_event::out: return "OUT";
    case log_event::in: return "IN";
    case log_event::denied: return "DENIED";
    case log_event::unsupported: return "UNSUPPORTED";
    case log_event::queued: return "QUEUED";
    case log_event::dequeued: return "DEQUEUED";
    case log_event::start: return "START";
    case log_event::stop: return "STOP";
  }
  return {};
}

// What one line says. The views are parts of the log; empty where the line does not say it.
struct log_record {
  std::int64_t line = 0;  // counted from 1
  instant at = 0;
  log_event event = log_event::timestamp;
  std::string_view daemon;  // of start and stop: which one started or stopped, whoever says so
  std::string_view feature;
  std::string_view user;
  std::string_view host;
  std::int32_t licenses = 0;  // 1 where the line does not say how many; 0 where it is not about licences
  std::string_view data;      // between [ and ]: the checkout data of a duplicate group
  std::string_view handle;    // of verbose lines
  std::string_view reason;    // why it was denied; of a checkin: INACTIVE, SHUTDOWN
  std::optional<std::int32_t> code, minor_code;  // (-4,342)
};

class log_sink {
 public:
  log_sink() = default;
  log_sink(const log_sink &) = delete;
  log_sink &operator=(const log_sink &) = delete;
  virtual ~log_sink() = default;
  virtual void put(const log_record &record) = 0;
};

// Hands over what the lines of a log say, in their order. `zone` is that of the licence server. `begins_after` is when the line
// before the first one was written, for a log that does not say the date. Throws invalid_argument if that is needed and not given.
void read_debug_log(std::string_view log, const time_zone &zone, std::optional<instant> begins_after, const context &host, log_sink &sink);

}  // namespace headcount::core
