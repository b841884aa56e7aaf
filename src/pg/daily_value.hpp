#pragma once
// The state of daily_session_agg and daily_denial_agg: a core::daily_presence, as SQL type bytea.
//
//   expanded   in a memory context of its own
//   flat       where PostgreSQL copies it (to another process): length word, then
//                bytes 0..1  magic 0xC2, version 2
//                LEB128 length of the zone's name, the name; 8 bytes as_of
//                what core::daily_presence::write() writes
//              or, as it comes from another server,
//                bytes 0..1  magic 0xC2, version 4
//                zone and as_of as above, then what core::daily_presence::write_packed() writes
//              or, where the processes of the query collected together,
//                bytes 0..1  magic 0xC2, version 3
//                the name of the area; it means something within the query only
//                the other form, if there are rows that are not in the area

#include "pg/postgres.hpp"

#include "core/report/daily_presence.hpp"
#include "pg/memory.hpp"
#include "pg/shared_area.hpp"
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
  // The same, to collect in an area with the other processes of the query if this is the aggregate to do that.
  void create(const shared_settings &settings, const area_name &area);

  void add_session(std::optional<core::key_view> user, std::optional<core::key_view> host, core::interval when);
  void add_session(std::optional<core::key_view> user, std::optional<core::key_view> host, core::interval when,
                   core::interval within);
  void add_denial(core::key_view user, core::instant at);

  // Adds all of argument `number`, a state that is left as it is. Throws invalid_argument where that was collected
  // under other settings.
  void add_argument(int number);

  Datum result() const;

 private:
  core::daily_presence &rows();
  void add_area(shared_area &area);

  FunctionCallInfo fcinfo_;
  MemoryContext aggregate_ = nullptr;
  expanded_daily *expanded_ = nullptr;
};

// Argument `number`, a state, to read. NULL holds nothing.
class daily_argument {
 public:
  daily_argument(FunctionCallInfo fcinfo, int number, const core::context &host);

  bool is_null() const { return is_null_; }
  // All rows, as if one process had collected them. Not if the argument is NULL.
  const core::daily_presence &rows() const;
  // The rows where all of them were collected together, else nullptr.
  core::shared_rows *shared() const;
  const daily_settings &settings() const { return settings_; }
  const shared_area *area() const { return area_; }

 private:
  core::daily_presence &read_rows() const;

  const core::context &host_;
  bool is_null_ = true;
  const core::daily_presence *rows_ = nullptr;  // of an expanded state
  shared_area *area_ = nullptr;
  daily_settings settings_{};
  mutable std::optional<core::daily_presence> read_;  // from flat bytes and from the area
  mutable bool area_read_ = false;
};

// Two arguments from number `first` on, states of sessions and of denials, to read together. Throws invalid_argument
// where they were collected under different settings.
class daily_arguments {
 public:
  daily_arguments(FunctionCallInfo fcinfo, int first, const core::context &host);

  // Whether both are NULL; then nothing else may be asked.
  bool empty() const { return either().is_null(); }
  const daily_settings &settings() const { return either().settings(); }
  const core::daily_presence &sessions() const { return rows_of(sessions_); }
  const core::daily_presence &denials() const { return rows_of(denials_); }
  // Where all of them were collected together, else nullptr.
  core::shared_rows *shared_sessions() const { return sessions_.shared(); }
  core::shared_rows *shared_denials() const { return denials_.shared(); }
  // Whether the collected sessions were counted with just these denials.
  bool counted_together() const {
    return denials_.area() != nullptr && denials_.shared() != nullptr &&
           sessions_.area()->settings().refused == denials_.area()->name();
  }

 private:
  const daily_argument &either() const { return sessions_.is_null() ? denials_ : sessions_; }
  const core::daily_presence &rows_of(const daily_argument &argument) const {
    return argument.is_null() ? *none_ : argument.rows();
  }

  daily_argument sessions_, denials_;
  std::optional<core::daily_presence> none_;  // for the one that is NULL
};

// Argument 0, a state, in the form for other servers, without a length word; nothing where it is no state of these aggregates that
// more rows can be added to.
std::optional<std::span<const std::byte>> packed_state(FunctionCallInfo fcinfo, const core::context &host);

// Argument 0, a state, as the flat value that its aggregate gives: with peaks in place of the events of hosts, since
// PostgreSQL before 16 copies what an aggregate returns.
Datum with_peaks(FunctionCallInfo fcinfo);

// The area where all denials of argument `number`, a state, were collected and counted; none where there is no such
// area.
area_name collected_area(FunctionCallInfo fcinfo, int number);

// The first counted instant of argument `number`, a state, forever where there is none; it does not read more of it than that.
core::instant first_collected(FunctionCallInfo fcinfo, int number);

// Throws invalid_argument where two states that meet were collected under different settings.
void check_same(const daily_settings &one, const daily_settings &other);

}  // namespace headcount::pg
