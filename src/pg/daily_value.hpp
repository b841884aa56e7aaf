#pragma once
// The state of daily_session_agg and daily_denial_agg: a core::daily_presence, as SQL type bytea.
//
//   expanded   in a memory context of its own
//   flat       where PostgreSQL copies it (to another process): length word, then
//                bytes 0..1  magic 0xC2, version 2
//                LEB128 length of the zone's name, the name; 8 bytes as_of
//                what core::daily_presence::write() writes

#include "pg/postgres.hpp"

#include "core/report/daily_presence.hpp"
#include "pg/memory.hpp"
#include "pg/zone.hpp"

namespace headcount::pg {

// What rows are collected under; the same for all of them.
struct daily_settings {
  const zone *time_zone;
  core::instant as_of;
};

struct expanded_daily;

// The state, argument 0 of the transition and combine functions: edited in place.
class daily_state {
 public:
  // Throws wrong_context unless an aggregate is calling.
  explicit daily_state(FunctionCallInfo fcinfo);

  bool is_new() const { return expanded_ == nullptr; }
  // Throws invalid_argument unless as_of is finite.
  void create(const daily_settings &settings);

  core::daily_presence &rows();

  // Adds all of argument `number`, a state that is left as it is. Throws invalid_argument where that was collected
  // under other settings.
  void add_argument(int number);

  Datum result() const;

 private:
  FunctionCallInfo fcinfo_;
  MemoryContext aggregate_ = nullptr;
  expanded_daily *expanded_ = nullptr;
};

// Argument `number`, a state, to read. NULL holds nothing.
class daily_argument {
 public:
  daily_argument(FunctionCallInfo fcinfo, int number, const core::context &host);

  // nullptr where the argument is NULL.
  const core::daily_presence *rows() const { return rows_; }
  const daily_settings &settings() const { return settings_; }

 private:
  const core::daily_presence *rows_ = nullptr;
  daily_settings settings_{};
  std::optional<core::daily_presence> read_;  // from flat bytes
};

// Two arguments from number `first` on, states of sessions and of denials, to read together. Throws invalid_argument
// where they were collected under different settings.
class daily_arguments {
 public:
  daily_arguments(FunctionCallInfo fcinfo, int first, const core::context &host);

  // Whether both are NULL; then nothing else may be asked.
  bool empty() const { return either().rows() == nullptr; }
  const daily_settings &settings() const { return either().settings(); }
  const core::daily_presence &sessions() const { return rows_of(sessions_); }
  const core::daily_presence &denials() const { return rows_of(denials_); }

 private:
  const daily_argument &either() const { return sessions_.rows() != nullptr ? sessions_ : denials_; }
  const core::daily_presence &rows_of(const daily_argument &argument) const {
    return argument.rows() != nullptr ? *argument.rows() : *none_;
  }

  daily_argument sessions_, denials_;
  std::optional<core::daily_presence> none_;  // for the one that is NULL
};

// Argument 0, a state, as the flat value that its aggregate gives: with peaks in place of the events of hosts, since
// PostgreSQL before 16 copies what an aggregate returns.
Datum with_peaks(FunctionCallInfo fcinfo);

// Throws invalid_argument where two states that meet were collected under different settings.
void check_same(const daily_settings &one, const daily_settings &other);

}  // namespace headcount::pg
