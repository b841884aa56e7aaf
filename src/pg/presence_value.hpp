#pragma once
// The SQL type presence: its values in their three forms (docs/architecture.md, "How a row flows to a number").
//
//   flat, canonical    length word, then core/presence/presence_bytes.hpp
//   flat, log          length word, then core/presence/row_log.hpp and free space; only the state of an aggregate
//   expanded           a core::keyed_intervals, or what workers handed over, in a memory context of its own; only the
//                      state of an aggregate, and turned to canonical bytes wherever PostgreSQL copies it (to another
//                      process, to disk)

#include "pg/postgres.hpp"

#include "core/presence/presence_view.hpp"
#include "pg/memory.hpp"

namespace headcount::pg {

// Reads an argument in any form; NULL is empty. The view is valid as long as the argument.
core::presence_view presence_argument(FunctionCallInfo fcinfo, int number);

// The argument as it is stored, if it has canonical bytes: their check sum has been checked, nothing else.
std::optional<core::presence_reader> stored_presence_argument(FunctionCallInfo fcinfo, int number);

// The canonical value of the part of `presence` in `window`.
Datum make_presence(const core::presence_view &presence, core::interval window, const core::context &host);

struct expanded_presence;

// The state of an aggregate, argument 0 of its transition and combine functions: edited in place.
class presence_state {
 public:
  // Throws wrong_context unless an aggregate is calling.
  explicit presence_state(FunctionCallInfo fcinfo);

  void add(core::key_type type, core::key_view key, core::interval when);

  // Adds all of argument `number`, which is left as it is.
  void add_argument(int number);

  // What the function returns.
  Datum result() const;

 private:
  void load();
  expanded_presence &table();
  void check_type(core::key_type type);
  std::span<std::byte> log_bytes() const;
  bool append_to_log(core::key_view key, core::interval when);
  bool grow_log(std::size_t more);

  FunctionCallInfo fcinfo_;
  MemoryContext aggregate_ = nullptr;
  struct varlena *log_ = nullptr;       // the state while it is a log
  expanded_presence *table_ = nullptr;  // the state once it is a table
  core::key_type type_ = core::key_type::none;
};

}  // namespace headcount::pg
