#include "core/flexnet/debug_log.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/core_only.hpp"

namespace headcount::core {
namespace {

constexpr std::int64_t day_seconds = 86400;

// Lines of several daemons come a little out of order, and at the end of summer time clocks go back by an hour. What goes back
// by more is another day.
constexpr std::int64_t most_back = 2 * 3600;

// In an hour that comes twice: a line that is so much older than the one before is of the second time.
constexpr instant disorder = 10 * ticks_per_second;

// --- pieces of text --------------------------------------------------------------------------------------------------

constexpr bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

bool take(std::string_view &text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// Up to the next blank.
std::string_view take_word(std::string_view &text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  std::size_t length = 0;
  while (length < text.size() && !is_blank(text[length])) ++length;
  const std::string_view word = text.substr(0, length);
  text.remove_prefix(length);
  return word;
}

// A number of up to `digits` digits; nothing where there is none.
std::optional<std::int32_t> take_number(std::string_view &text, std::size_t digits) {
  std::int32_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + std::min(text.size(), digits), value);
  if (fault != std::errc() || !is_digit(text.front())) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

bool all_digits(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_digit); }

// --- dates and times -------------------------------------------------------------------------------------------------

// From 1980, when there was no FlexNet yet, to 9999.
constexpr day_number first_day = -7305, last_day = 2921939;

// Days since 2000-01-01 in the Gregorian calendar; nothing for what is no date.
std::optional<day_number> day_from(std::int32_t year, std::int32_t month, std::int32_t day) {
  constexpr std::array<std::int32_t, 12> before = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
  constexpr std::array<std::int32_t, 12> lengths = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (year < 1980 || year > 9999 || month < 1 || month > 12 || day < 1) return std::nullopt;
  const auto at = static_cast<std::size_t>(month - 1);
  const bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  if (day > lengths[at] + (is_leap && month == 2 ? 1 : 0)) return std::nullopt;
  const std::int32_t last = year - 1, leap_days = last / 4 - last / 100 + last / 400 - (1999 / 4 - 1999 / 100 + 1999 / 400);
  return (year - 2000) * 365 + leap_days + before[at] + (is_leap && month > 2 ? 1 : 0) + day - 1;
}

// 9/11/2025, which is in September: FlexNet writes dates in this way everywhere.
std::optional<day_number> take_slashed_date(std::string_view &text) {
  const auto month = take_number(text, 2);
  if (!month || !take(text, "/")) return std::nullopt;
  const auto day = take_number(text, 2);
  if (!day || !take(text, "/")) return std::nullopt;
  const auto year = take_number(text, 4);
  if (!year) return std::nullopt;
  return day_from(*year, *month, *day);
}

// Thu Jun 09 2022, in English everywhere.
std::optional<day_number> take_spelt_date(std::string_view text) {
  constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  (void)take_word(text);
  const std::string_view month = take_word(text);
  std::string_view day = take_word(text), year = take_word(text);
  if (month.size() != 3 || day.empty() || year.empty()) return std::nullopt;
  const std::size_t at = months.find(month);
  if (at == std::string_view::npos || at % 3 != 0) return std::nullopt;
  const auto number = take_number(day, 2), of_year = take_number(year, 4);
  if (!number || !of_year || !day.empty() || !year.empty()) return std::nullopt;
  return day_from(*of_year, static_cast<std::int32_t>(at / 3) + 1, *number);
}

// h:mm:ss, as seconds of the day.
std::optional<std::int32_t> take_time(std::string_view &text) {
  const auto hour = take_number(text, 2);
  if (!hour || *hour > 23 || !take(text, ":")) return std::nullopt;
  const auto minute = take_number(text, 2);
  if (!minute || *minute > 59 || !take(text, ":")) return std::nullopt;
  const auto second = take_number(text, 2);
  if (!second || *second > 60) return std::nullopt;
  return *hour * 3600 + *minute * 60 + std::min(*second, 59);
}

// What a line begins with. With a date it has an offset from UTC too.
struct stamp {
  std::int32_t second = 0;  // of the day
  std::optional<day_number> day;
  std::int32_t offset = 0;  // seconds east of UTC
};

std::optional<stamp> take_stamp(std::string_view &text) {
  stamp found;
  if (text.size() > 10 && text[4] == '-') {
    const auto year = take_number(text, 4);
    if (!year || !take(text, "-")) return std::nullopt;
    const auto month = take_number(text, 2);
    if (!month || !take(text, "-")) return std::nullopt;
    const auto day = take_number(text, 2);
    if (!day || !(take(text, "T") || take(text, " "))) return std::nullopt;
    found.day = day_from(*year, *month, *day);
    if (!found.day) return std::nullopt;
  }
  const auto second = take_time(text);
  if (!second) return std::nullopt;
  found.second = *second;
  if (!found.day || take(text, "Z")) return found;
  const bool is_west = text.starts_with('-');
  if (!take(text, "-") && !take(text, "+")) return std::nullopt;
  const auto hours = take_number(text, 2);
  (void)take(text, ":");
  const auto minutes = take_number(text, 2);
  if (!hours || !minutes || *hours > 15 || *minutes > 59) return std::nullopt;
  found.offset = (is_west ? -1 : 1) * (*hours * 3600 + *minutes * 60);
  return found;
}

// --- what a daemon says ----------------------------------------------------------------------------------------------

// The length of a group that begins with ( or [, with what is nested in it; of the rest where it does not end.
std::size_t group_length(std::string_view text) {
  const char opening = text.front(), closing = opening == '(' ? ')' : ']';
  std::size_t depth = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == opening) ++depth;
    if (text[at] == closing && --depth == 0) return at + 1;
  }
  return text.size();
}

// "Licensed number of users already reached. (-4,342:10054 )", the last parentheses of which have the codes.
bool read_reason(std::string_view text, log_record &record) {
  const std::size_t open = text.rfind("(-");
  if (open == std::string_view::npos) return false;
  std::string_view codes = text.substr(open + 2);
  const auto code = take_number(codes, 9);
  if (!code) return false;
  record.code = -*code;
  if (take(codes, ",")) record.minor_code = take_number(codes, 9);
  record.reason = trim(text.substr(0, open));
  return true;
}

// (25 licenses), or in a verbose line (25).
bool read_licenses(std::string_view text, bool is_verbose, log_record &record) {
  const auto number = take_number(text, 9);
  if (!number || *number == 0) return false;
  const std::string_view unit = trim(text);
  if (unit != "licenses" && unit != "license" && !(is_verbose && unit.empty())) return false;
  record.licenses = *number;
  return true;
}

// What stands between ^^^ and ^^^: ver user ip pid handle in_use out_of ...
void read_verbose(std::string_view text, log_record &record) {
  (void)take_word(text);
  const std::string_view user = take_word(text);
  if (record.user.empty()) record.user = user;
  while (!text.empty()) {
    const std::string_view word = take_word(text);
    if (!word.starts_with("0x")) continue;
    record.handle = word;
    return;
  }
}

// anna@ws7, and what comes after it. Names may have blanks and @ in them, hosts have none.
void read_user(std::string_view &text, log_record &record) {
  const std::size_t at = text.find('@'), group = std::min(text.find(" ("), text.find(" ["));
  if (at != std::string_view::npos && at < group) {
    std::size_t end = at;
    while (end < text.size() && !is_blank(text[end])) ++end;
    const std::size_t last = text.substr(0, end).rfind('@');
    record.user = trim(text.substr(0, last));
    record.host = text.substr(last + 1, end - last - 1);
    text.remove_prefix(end);
  } else {
    record.user = trim(text.substr(0, group));
    text.remove_prefix(std::min(group, text.size()));
  }
}

// The part after "OUT:". False where it is about something else ("SERVER-OUT: Failed to send").
bool read_activity(std::string_view text, log_record &record) {
  record.licenses = 1;
  text = trim(text);
  const std::size_t verbose = text.find("^^^");
  const bool is_verbose = verbose != std::string_view::npos;
  std::string_view details;
  if (is_verbose) {
    details = text.substr(verbose + 3);
    details = details.substr(0, details.find("^^^"));
    text = trim(text.substr(0, verbose));
  }
  if (take(text, "\"")) {
    const std::size_t end = text.find('"');
    if (end == std::string_view::npos) return false;
    record.feature = text.substr(0, end);
    text = trim(text.substr(end + 1));
  } else {
    record.feature = take_word(text);
    if (record.event == log_event::denied && all_digits(record.feature)) {  // DENIED: 4 f4 to dave@desk
      std::string_view number = record.feature;
      record.licenses = std::max(take_number(number, 9).value_or(1), 1);
      record.feature = take_word(text);
    }
    text = trim(text);
    if (!take(text, "by ")) (void)take(text, "to ");
  }
  if (record.feature.empty()) return false;
  if (text.starts_with('(')) text = trim(text.substr(group_length(text)));  // of which licence: (PORT_AT_HOST_PLUS )
  read_user(text, record);
  if (is_verbose) read_verbose(details, record);
  for (text = trim(text); !text.empty(); text = trim(text)) {
    if (text.front() != '(' && text.front() != '[') {
      (void)take_word(text);
      continue;
    }
    const std::size_t length = group_length(text);
    const std::string_view inside = trim(text.substr(1, length < 2 ? 0 : length - 2));
    if (text.front() == '[')
      record.data = inside;
    else if (!read_licenses(inside, is_verbose, record) && !read_reason(inside, record) && record.reason.empty() && !inside.starts_with("used:"))
      record.reason = inside;
    text.remove_prefix(length);
  }
  return !record.user.empty() || !record.host.empty();
}

// Whether a line is one of those that are handed over; then the record says what it says but for the instant.
bool read_message(std::string_view daemon, std::string_view text, log_record &record) {
  constexpr std::array<log_event, 6> activities = {log_event::out,         log_event::in,     log_event::denied,
                                                   log_event::unsupported, log_event::queued, log_event::dequeued};
  record.daemon = daemon;
  for (const log_event each : activities) {
    std::string_view rest = text;
    if (!take(rest, name_of(each)) || !take(rest, ":")) continue;
    record.event = each;
    return read_activity(rest, record);
  }
  if (text.starts_with("TIMESTAMP ")) {
    record.event = log_event::timestamp;
    return true;
  }
  if (daemon == "lmgrd" || daemon == "lmadmin") {
    std::string_view rest = text;
    if (take(rest, "Started ") || take(rest, "REStarted ")) {
      record.event = log_event::start;
      record.daemon = take_word(rest);
      return !record.daemon.empty() && trim(rest).starts_with('(');
    }
    record.daemon = take_word(rest);
    record.event = log_event::stop;
    return trim(rest).starts_with("exited with status");
  }
  if (text.starts_with("EXITING DUE TO SIGNAL")) {
    record.event = log_event::stop;
    return true;
  }
  if (text.starts_with("FlexNet Licensing version") || text.starts_with("FLEXnet Licensing version") || text.starts_with("FLEXlm version")) {
    record.event = log_event::start;
    return true;
  }
  return false;
}

// The date that a line says it was written on.
std::optional<day_number> date_in(std::string_view text) {
  if (take(text, "TIMESTAMP ")) {
    text = trim(text);
    return take_slashed_date(text);
  }
  if (take(text, "Server's System Date and Time:")) return take_spelt_date(text);
  if (text.starts_with("(@")) {
    const std::size_t end = text.find("@) ");
    if (end == std::string_view::npos) return std::nullopt;
    text.remove_prefix(end + 3);
    if (take(text, "Time:") || take(text, "Start-Date:")) return take_spelt_date(text);
    return std::nullopt;
  }
  const std::size_t started = text.find(" started on "), open = text.rfind('(');
  if (started == std::string_view::npos || open == std::string_view::npos || open < started) return std::nullopt;
  text.remove_prefix(open + 1);
  const auto day = take_slashed_date(text);
  return text == ")" ? day : std::nullopt;
}

// --- the way through the log -----------------------------------------------------------------------------------------

class reader {
 public:
  reader(const time_zone &zone, std::optional<instant> begins_after, const context &host, log_sink &sink)
      : zone_(zone), sink_(sink), undated_(host.memory) {
    if (!begins_after) return;
    last_ = *begins_after;
    const std::int64_t clock = zone.wall_clock(*begins_after);
    day_ = static_cast<day_number>(clock / ticks_per_day - (clock % ticks_per_day < 0 ? 1 : 0));
    second_ = (clock - day_ * ticks_per_day) / ticks_per_second;
    is_dated_ = has_begun_ = true;
  }

  void read(std::string_view line) {
    ++line_;
    line = trim(line);
    const auto when = take_stamp(line);
    if (!when) return;
    line = trim(line);
    if (!take(line, "(")) return;
    const std::size_t end = line.find(')');
    if (end == std::string_view::npos || end == 0) return;
    const std::string_view daemon = line.substr(0, end), text = trim(line.substr(end + 1));
    go_to(*when);
    if (!when->day)
      if (const auto said = date_in(text)) go_to_day(*said);
    const instant at = !is_dated_ ? 0
                       : when->day
                           ? (static_cast<std::int64_t>(*when->day) * day_seconds + when->second - when->offset) * ticks_per_second
                           : instant_of(day_, second_);
    if (is_dated_) last_ = at;
    log_record record;
    if (!read_message(daemon, text, record)) return;
    record.line = line_;
    record.at = at;
    if (is_dated_)
      sink_.put(record);
    else
      undated_.push_back({record, day_, second_});
  }

  void finish() const {
    if (is_dated_ || undated_.empty()) return;
    throw error(fault::invalid_argument, "the log does not say its date",
                "It has neither a TIMESTAMP line nor the beginning of the log of a server.",
                "Say with begins_after when the line before its first one was written.");
  }

 private:
  struct undated_record {
    log_record record;
    day_number day;  // counted from that of the first line
    std::int64_t second;
  };

  void go_to(const stamp &when) {
    if (when.day) {
      go_to_day(*when.day);
    } else if (has_begun_ && when.second < second_ - most_back) {
      ++day_;
    } else if (has_begun_ && when.second > second_ + day_seconds - most_back) {
      --day_;  // a line of before midnight that comes a little late
    }
    has_begun_ = true;
    second_ = when.second;
  }

  void go_to_day(day_number day) {
    if (!is_dated_) {
      is_dated_ = true;
      for (undated_record &each : undated_) {
        each.record.at = last_ = instant_of(day + each.day - day_, each.second);
        sink_.put(each.record);
      }
      undated_.clear();
    }
    day_ = day;
  }

  // When the clock on the wall shows this. Of an hour that comes twice it is the first time, unless that is before the line before.
  instant instant_of(day_number day, std::int64_t second) {
    if (day < first_day || day > last_day) throw error(fault::out_of_range, "a date of the log is out of range");
    const std::int64_t clock = static_cast<std::int64_t>(day) * ticks_per_day + second * ticks_per_second;
    if (day != known_day_) {
      known_day_ = day;
      const instant noon = static_cast<std::int64_t>(day) * ticks_per_day + ticks_per_day / 2;
      before_ = zone_.wall_clock(noon - 2 * ticks_per_day) - (noon - 2 * ticks_per_day);
      after_ = zone_.wall_clock(noon + 2 * ticks_per_day) - (noon + 2 * ticks_per_day);
    }
    const instant early = clock - std::max(before_, after_), late = clock - std::min(before_, after_);
    if (early == late) return early;
    const bool may_be_early = zone_.wall_clock(early) == clock, may_be_late = zone_.wall_clock(late) == clock;
    if (may_be_early && may_be_late) return early < last_ - disorder ? late : early;
    // a time that the clocks skip is read by the offset before
    return may_be_early ? early : may_be_late ? late : clock - before_;
  }

  const time_zone &zone_;
  log_sink &sink_;
  std::pmr::vector<undated_record> undated_;
  std::int64_t line_ = 0;
  instant last_ = beginning + disorder;
  day_number day_ = 0;
  std::int64_t second_ = 0;
  bool has_begun_ = false;
  bool is_dated_ = false;
  day_number known_day_ = -1'000'000;
  std::int64_t before_ = 0, after_ = 0;
};

}  // namespace

void read_debug_log(std::string_view log, const time_zone &zone, std::optional<instant> begins_after, const context &host, log_sink &sink) {
  (void)take(log, "\xef\xbb\xbf");
  reader lines(zone, begins_after, host, sink);
  ticker tick(host);
  while (!log.empty()) {
    tick();
    const std::size_t end = std::min(log.find('\n'), log.size());
    lines.read(log.substr(0, end));
    log.remove_prefix(std::min(end + 1, log.size()));
  }
  lines.finish();
}

}  // namespace headcount::core
