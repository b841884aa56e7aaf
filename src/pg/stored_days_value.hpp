#pragma once
// The state of stored_days_agg: rows of the stored days of a source, as SQL type bytea, to be read by the day fold.
//
//   expanded   in a memory context of its own; sets that are stored out of line stay there until they are opened, so it is
//              of use only within the query that read the rows
//   flat       where PostgreSQL copies it: length word, then
//                bytes 0..1  magic 0xC4, version 1
//                how many rows (LEB128); for each nine numbers of 8 bytes (day, users with a session, denied, of either kind,
//                new, of the last days, denials, peak of hosts, its instant), and three times the length (LEB128) and the
//                bytes of a set: users with a session, denied, new

#include "pg/postgres.hpp"

#include <unordered_map>

#include "core/report/day_fold.hpp"
#include "pg/memory.hpp"

namespace headcount::pg {

// Sets by the address of a varlena value, in line or not. Each is fetched once.
class datum_sets final : public core::set_store {
 public:
  explicit datum_sets(std::pmr::memory_resource *memory) : fetched_(memory) {}

  core::key_view open(handle set) override;

 private:
  std::pmr::unordered_map<handle, core::key_view> fetched_;
};

// An argument of type user_set as what datum_sets opens; NULL is the empty set.
core::set_store::handle set_argument(FunctionCallInfo fcinfo, int number);

// (state, day, used, denied, new_users, used_count, denied_count, daily_count, new_count, window_count, denials,
// concurrent_hosts, concurrent_hosts_at): the state with a row more. Throws wrong_context unless an aggregate is calling.
Datum add_stored_day(FunctionCallInfo fcinfo);

// Argument 0, a state, in a form that PostgreSQL before 16 hands on as it is.
Datum finish_stored_days(FunctionCallInfo fcinfo);

// The rows of an argument, ascending by day; NULL has none. Throws damaged_bytes.
std::pmr::vector<core::stored_day> stored_days_argument(FunctionCallInfo fcinfo, int number, const core::context &host);

}  // namespace headcount::pg
