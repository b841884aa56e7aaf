#pragma once
// The state of daily_report_agg: four presences and what the report is to be about.
//
//   expanded   four core::presence_builder in a memory context of their own
//   flat       where PostgreSQL copies it (to another process): length word, then
//                bytes 0..1  magic 0xC2, version 1
//                LEB128 licensing model, window_days, length of the zone's name; the name; 8 bytes as_of
//                four times: LEB128 length, canonical bytes of a presence

#include "pg/postgres.hpp"

#include "core/report.hpp"

namespace headcount::pg {

// What the report is about; the same for all rows.
struct report_settings {
  std::string_view time_zone;
  core::licensing_model model;
  std::int32_t window_days;
  core::instant as_of;
};

struct expanded_report;

// The state, argument 0 of the transition and combine functions: edited in place.
class report_state {
 public:
  // Throws wrong_context unless an aggregate is calling.
  explicit report_state(FunctionCallInfo fcinfo);

  bool is_new() const { return report_ == nullptr; }
  void create(const report_settings &settings);

  void add_session(std::optional<core::key_view> user, std::optional<core::key_view> host, core::interval stretch);
  void add_denial(core::key_view user, core::interval at);

  // Adds all of argument `number`, a state that is left as it is. Throws invalid_argument where it is about another
  // report.
  void add_argument(int number);

  Datum result() const;

 private:
  FunctionCallInfo fcinfo_;
  MemoryContext aggregate_ = nullptr;
  expanded_report *report_ = nullptr;
};

// Calls read(const report_settings &, const core::report_input &) with what the state in argument `number` holds.
void read_report(FunctionCallInfo fcinfo, int number,
                 void (*read)(const report_settings &, const core::report_input &, void *), void *closure);

}  // namespace headcount::pg
