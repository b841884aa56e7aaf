// Federations: what a member answers, and what the database that unites them makes of it.
//
//   <source>.shared_days       view of a member   -->  shared_report()     -->  shared_rows(), as the owner of the source
//   <federation>.daily_...     views over all     -->  federated_report()  -->  federation_rows(), as the owner of the federation
//
// Whoever may read a view may have its rows, also through another view over it. So it is not asked whether the current role may read
// the view: the view hands over a pass, a value from a table that its owner alone can read, and the function that gets it
// reads with the rights of the owner of that table.

#include "pg/attempt.hpp"
#include "pg/values.hpp"
#include "source/as_owner.hpp"
#include "source/catalog.hpp"
#include "source/state.hpp"

namespace headcount::source {
namespace {

// Backend code: it owns no C++ objects and raises PostgreSQL errors.

// The owner of a typed table of ours, if its first column is the pass that is shown. Whoever has read that has the table locked
// already, so nobody waits here; a stranger who names any table must not queue up for a lock on it.
Oid owner_by_pass(Oid table, const char *type, int columns, const pg_uuid_t *pass) {
  auto *const values = static_cast<Datum *>(palloc0(sizeof(Datum) * static_cast<std::size_t>(columns)));
  auto *const nulls = static_cast<bool *>(palloc0(sizeof(bool) * static_cast<std::size_t>(columns)));
  const Oid owner = pg::owner_of(table);
  if (!OidIsValid(owner) || !copy_row(table, type, false, values, nulls, columns) || nulls[0] ||
      std::memcmp(DatumGetUUIDP(values[0])->data, pass->data, sizeof pass->data) != 0)
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("this function is called by views of sources and federations"),
                    errdetail("It has to be shown what only their owner knows.")));
  return owner;
}

// The rest of a query that calls a function with the name of the schema of a table, then further arguments as they are.
const char *call_about(Oid table, const char *function, const char *arguments) {
  return psprintf("SELECT * FROM headcount_internal.%s(%s%s) AS r", function, quote_literal_cstr(get_namespace_name(get_rel_namespace(table))), arguments);
}

const char *literal_of(FunctionCallInfo fcinfo, int number, PGFunction out) {
  if (PG_ARGISNULL(number)) return "NULL";
  return quote_literal_cstr(DatumGetCString(DirectFunctionCall1(out, fcinfo->args[number].value)));
}

constexpr int sharing_columns = 2, federation_columns = 7;

}  // namespace

// (sharing, pass, request)
HEADCOUNT_FUNCTION(headcount_shared_report) {
  pg::require_argument(fcinfo, 0, "sharing");
  pg::require_argument(fcinfo, 1, "pass");
  if (PG_ARGISNULL(2)) {
    throw core::error(core::fault::invalid_argument, "a view of shared days answers a request", {},
                      "Ask with a condition: WHERE request = '...'. The views of a federation do.");
  }
  pg::row_set rows(fcinfo);
  pg::call_quietly([&] {
    const Oid table = PG_GETARG_OID(0), owner = owner_by_pass(table, "sharing", sharing_columns, PG_GETARG_UUID_P(1));
    read_as(owner, call_about(table, "shared_rows", psprintf(", %s", quote_literal_cstr(text_to_cstring(PG_GETARG_TEXT_PP(2))))), rows);
  });
  return rows.result(fcinfo);
}

// (federation, pass, what, from_day, to_day, as_of)
HEADCOUNT_FUNCTION(headcount_federated_report) {
  pg::require_argument(fcinfo, 0, "federation");
  pg::require_argument(fcinfo, 1, "pass");
  pg::require_argument(fcinfo, 2, "what");
  pg::row_set rows(fcinfo);
  pg::call_quietly([&] {
    const Oid table = PG_GETARG_OID(0), owner = owner_by_pass(table, "federation", federation_columns, PG_GETARG_UUID_P(1));
    const int nest = NewGUCNestLevel();  // the arguments as text that means the same to everybody
    pg::other_rights::use_own_settings();
    const char *const arguments = psprintf(", %s, %s, %s, %s", quote_literal_cstr(text_to_cstring(PG_GETARG_TEXT_PP(2))), literal_of(fcinfo, 3, date_out),
                                           literal_of(fcinfo, 4, date_out), literal_of(fcinfo, 5, timestamptz_out));
    AtEOXact_GUC(false, nest);
    read_as(owner, call_about(table, "federation_rows", arguments), rows);
  });
  return rows.result(fcinfo);
}

// (sharing): where no condition was found, see asked_days.cpp
HEADCOUNT_FUNCTION(headcount_asked_request) { return pg::null_result(fcinfo); }

}  // namespace headcount::source
