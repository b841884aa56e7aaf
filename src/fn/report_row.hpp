#pragma once
// A row of SQL type headcount_internal.daily_user_count.

#include "pg/postgres.hpp"

#include "core/report/report.hpp"
#include "pg/rows.hpp"

namespace headcount::fn {

inline void put_report_row(pg::row_set &rows, core::day_number day, const core::daily_user_count &of) {
  rows.put(pg::field::of_day(day), pg::field::of_integer(of.total_users), pg::field::of_integer(of.daily_users), pg::field::of_integer(of.denial_users),
           pg::field::of_integer(of.denials), pg::field::of_integer(of.concurrent_hosts.level), pg::instant_of(of.concurrent_hosts),
           pg::field(BoolGetDatum(of.complete)));
}

}  // namespace headcount::fn
