#pragma once
// The SQL type user_set: its values in their three forms.
//
//   flat, canonical    length word, then core/sets/user_set_bytes.hpp
//   flat, log          length word, then core/sets/number_log.hpp; only the state of an aggregate
//   expanded           a core::user_set; only the state of an aggregate, and turned to canonical bytes wherever
//                      PostgreSQL copies it

#include "pg/postgres.hpp"

#include "core/sets/user_set.hpp"
#include "pg/memory.hpp"

namespace headcount::pg {

// Reads an argument in any form; NULL is empty. Valid as long as the argument and the memory of `host`.
core::user_set_reader user_set_argument(FunctionCallInfo fcinfo, int number, const core::context &host);

// How many numbers there are in an argument in any form, which a window asks of a growing state for each row.
std::uint64_t user_set_cardinality(FunctionCallInfo fcinfo, int number);

// An integer that is to be in a set. Not NULL. Throws number_too_small.
std::uint32_t user_number(std::int32_t number);

struct expanded_user_set;

// The state of an aggregate, argument 0 of its transition and combine functions: edited in place.
class user_set_state {
 public:
  // Throws wrong_context unless an aggregate is calling.
  explicit user_set_state(FunctionCallInfo fcinfo);

  // Adds a number of no dictionary.
  void add_number(std::uint32_t number);

  // Adds all of argument `number`, which is left as it is. Not NULL.
  void add_argument(int number);

  // What the function returns.
  Datum result() const;

 private:
  void load();
  void add(std::uint32_t number);
  void meet(const core::dictionary_id &dictionary);
  core::user_set &table();
  std::span<std::byte> log_bytes() const;
  bool make_room();

  FunctionCallInfo fcinfo_;
  MemoryContext aggregate_ = nullptr;
  bool may_be_log_ = true;
  bool is_empty_ = true;
  core::dictionary_id dictionary_;      // of the numbers that are there
  struct varlena *log_ = nullptr;       // the state while it is a log
  expanded_user_set *table_ = nullptr;  // the state once it is a bitmap
};

}  // namespace headcount::pg
