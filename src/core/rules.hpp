#pragma once
// The rules behind every number, each in one place. They have the numbers of the contract that tests cite.
//
//   S1   [started_at, ended_at); an instant takes one tick, reversed is nowhere, no end or 'infinity' is open
//   S2   open lasts until as_of inclusive, and nothing after as_of counts
//   S3   open sessions that nobody has heard of for a while end where that while does
//   S4   a day of no length (Apia, 2011-12-30) has a row and nobody on it
//   S10  licensing models
//   S11  a denial around which its user gets a session is a false one

#include <algorithm>
#include <cstdint>
#include <optional>

#include "core/time/instant.hpp"

namespace headcount::core {

// S1: where a session was, as it is counted; nothing where it has no start or is reversed.
constexpr std::optional<interval> occupied(std::optional<instant> started_at, std::optional<instant> ended_at) {
  if (!started_at.has_value() || *started_at == beginning || *started_at == forever) return std::nullopt;
  const instant start = *started_at, end = ended_at.value_or(forever);
  if (end < start) return std::nullopt;
  return interval{start, end == start ? just_after(start) : end};
}

// S1, S9: where a denial, or another instant, is.
constexpr std::optional<interval> occupied(std::optional<instant> at) { return occupied(at, at); }

constexpr bool is_open(interval when) { return when.end == forever; }

// S2: whether it is online at an instant; `when` is from occupied().
constexpr bool is_online(interval when, instant as_of) { return when.start <= as_of && when.end > as_of; }

// S2: all that counts at as_of.
constexpr interval until(instant as_of) { return {beginning, just_after(as_of)}; }

// S2: the last instant of what has begun by as_of.
constexpr instant last_instant(interval when, instant as_of) { return when.end <= as_of ? when.end - 1 : as_of; }

// S3: where an open session ends when nobody has heard of it for so many ticks: a tick after its start at the earliest.
constexpr instant stale_end(instant started_at, std::optional<instant> last_seen, std::int64_t idle_limit) {
  const instant heard = last_seen.value_or(started_at);
  const instant end = heard > forever - idle_limit ? forever : heard + idle_limit;
  return std::max(just_after(started_at), end);
}

// S4: whether there is a day between its bounds.
constexpr bool has_length(instant start, instant next_start) { return start < next_start; }

enum class licensing_model { model_2013, model_2019, model_2025 };

// S10: whether total users are those of the last days, rather than of all days so far.
constexpr bool is_trailing(licensing_model model) { return model != licensing_model::model_2019; }

// S10: whether who is denied is a user too.
constexpr bool counts_denied(licensing_model model) { return model != licensing_model::model_2013; }

// S10: how many days "the last days" are where nobody says.
constexpr std::int32_t default_window_days(licensing_model model) {
  return model == licensing_model::model_2025 ? 30 : 14;
}

// S11: the denials that a session's start makes false ones: [start - after, start + before], both inclusive.
constexpr interval false_denials(instant started_at, std::int64_t before, std::int64_t after) {
  return {std::max(started_at - after, first_finite), std::min(just_after(started_at + before), end_of_finite)};
}

}  // namespace headcount::core
