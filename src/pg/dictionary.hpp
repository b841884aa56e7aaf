#pragma once
// Pages of the dictionary of a source as arguments: the numbers of its users.

#include "pg/postgres.hpp"

#include "core/report/numbered_days.hpp"
#include "core/sets/dictionary_page.hpp"
#include "core/sets/user_set_bytes.hpp"
#include "pg/daily_value.hpp"
#include "pg/values.hpp"

namespace headcount::pg {

// Calls visit(key_view) for each element of an argument of type bytea[]; NULL has none.
template <typename Visit>
void for_each_argument_page(FunctionCallInfo fcinfo, int number, Visit &&visit) {
  if (PG_ARGISNULL(number)) return;
  Datum *values = nullptr;
  bool *nulls = nullptr;
  int count = 0;
  call([&] {
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(number), BYTEAOID, -1, false, TYPALIGN_INT, &values, &nulls, &count);
  });
  for (int at = 0; at < count; ++at) {
    check_interrupts();
    if (nulls[at]) throw core::error(core::fault::missing_argument, "a page of users must not be null");
    visit(bytes_of(values[at]));
  }
}

// Calls visit(key_view) for each element of an argument of type text[], but nulls.
template <typename Visit>
void for_each_argument_name(FunctionCallInfo fcinfo, int number, Visit &&visit) {
  if (PG_ARGISNULL(number)) return;
  Datum *values = nullptr;
  bool *nulls = nullptr;
  int count = 0;
  call([&] { deconstruct_array(PG_GETARG_ARRAYTYPE_P(number), TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &count); });
  for (int at = 0; at < count; ++at)
    if (!nulls[at]) visit(bytes_of(values[at]));
}

// The numbers that the users who were collected have in the pages of an argument.
inline core::user_numbers known_numbers(const daily_arguments &collected, FunctionCallInfo fcinfo, int number,
                                        const core::context &host) {
  core::user_numbers numbers(collected.sessions().users(), collected.denials().denied(), host);
  for_each_argument_page(fcinfo, number, [&](core::key_view page) {
    if (core::kind_of_page(page) == core::page_kind::key) numbers.know_by(core::key_in_page(page));
  });
  for_each_argument_page(fcinfo, number, [&](core::key_view page) { numbers.learn(page); });
  return numbers;
}

// What was collected, which is not empty, by day, with the numbers that its users have in the pages of an argument; those who
// are in none get numbers beyond all of these.
inline core::numbered_days numbered_days(const daily_arguments &collected, FunctionCallInfo fcinfo, int number, const core::context &host) {
  core::user_numbers numbers = known_numbers(collected, fcinfo, number, host);
  (void)numbers.number_the_rest(core::max_users, core::last_user_number);
  return core::find_numbered_days(collected.sessions(), collected.denials(), numbers, *collected.settings().time_zone, host);
}

}  // namespace headcount::pg
