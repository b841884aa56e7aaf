#pragma once
// What is stored of a source's days, as its row in headcount.rollup tells the snapshot of the query.

#include "pg/postgres.hpp"

#include "core/time/civil.hpp"
#include "core/time/instant.hpp"

namespace headcount::pg {

// The first day that has to be computed from the tables themselves: all days before it are stored, as far as nothing in
// rollup_changes is about them. nothing_stored where that is none.
//
// It is never after the frontier up to which days were stored, nor after the day of `as_of`, less the time in which a
// session can still make a denial of that day false. Where the relations whose changes are logged are not the ones that
// make up the tables now (a partition came or went), nothing counts but the days that were frozen.
inline constexpr core::day_number nothing_stored = INT32_MIN;
core::day_number first_live_day(Oid sessions_view, core::instant as_of);

// Its start in the zone of the source, core::beginning where nothing is stored.
core::instant start_of_live_days(Oid sessions_view, core::instant as_of);

}  // namespace headcount::pg
