// Where the stored days of a source end: live_day, live_from. And what is done with the rights of others:
// execute_as_owner, delete_registration.

#include "pg/rights.hpp"
#include "pg/rollup_state.hpp"
#include "pg/settings.hpp"
#include "pg/values.hpp"

namespace headcount::fn {
namespace {

// As a condition on a column this is asked for every row, and answers from memory as long as nothing it depends on can
// have changed: the same source, as_of, and snapshot. (A snapshot with the same bounds and as many transactions in
// between is the same one: transactions only ever end.)
struct remembered {
  Oid source;
  core::instant as_of;
  TransactionId xmin, xmax;
  std::uint32_t running;
  CommandId command;
  core::instant answer;

  bool operator==(const remembered &) const = default;
};

// Backend code: it owns no C++ objects and raises PostgreSQL errors. Where it does not return, the end of the
// transaction, or of the subtransaction, puts the user back.

// The owner of the view, whose rights the caller must have.
Oid checked_owner(Oid view) {
  const Oid owner = pg::owner_of(view);
  if (!OidIsValid(owner)) ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation with OID %u does not exist", view)));
  if (!has_privs_of_role(GetUserId(), owner)) aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_VIEW, get_rel_name(view));
  return owner;
}

text *run_as(Oid role, const char *command) {
  pg::other_rights rights;
  rights.begin(role);
  MemoryContext const outer = CurrentMemoryContext;
  text *result = nullptr;
  SPI_connect();
  if (SPI_execute(command, false, 0) < 0) elog(ERROR, "could not execute \"%s\"", command);
  if (SPI_processed > 0 && SPI_tuptable != nullptr) {
    const char *const value = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
    MemoryContext const inner = MemoryContextSwitchTo(outer);
    if (value != nullptr) result = cstring_to_text(value);
    MemoryContextSwitchTo(inner);
  }
  SPI_finish();
  rights.end();
  return result;
}

}  // namespace

// (sessions_view, command)
HEADCOUNT_FUNCTION(headcount_execute_as_owner) {
  text *const result = pg::call([fcinfo]() -> text * {
    return run_as(checked_owner(PG_GETARG_OID(0)), text_to_cstring(PG_GETARG_TEXT_PP(1)));
  });
  if (result == nullptr) return pg::null_result(fcinfo);
  return PointerGetDatum(result);
}

// (registry, sessions_view, smart_ag_id): the right to DELETE from a table would be one to lock it too, so nobody but the
// owner of the table has it.
HEADCOUNT_FUNCTION(headcount_delete_registration) {
  const std::string_view registry = pg::text_argument(fcinfo, 0, "registry");
  const bool is_instance = registry == "instance";
  if (!is_instance && registry != "source" && registry != "rollup")
    throw core::error(core::fault::invalid_argument, "argument \"registry\" is not a table of sources");
  pg::require_argument(fcinfo, 1, "sessions_view");
  pg::call([&] {
    const Oid view = PG_GETARG_OID(1);
    if (OidIsValid(pg::owner_of(view))) (void)checked_owner(view);
    const char *const table = is_instance ? "instance" : registry == "source" ? "source" : "rollup";
    const char *one = "";
    if (!PG_ARGISNULL(2))
      one = psprintf(" AND smart_ag_id OPERATOR(pg_catalog.=) %s", quote_literal_cstr(text_to_cstring(PG_GETARG_TEXT_PP(2))));
    run_as(pg::owner_of(get_relname_relid(table, get_namespace_oid("headcount", false))),
           psprintf("DELETE FROM headcount.%s WHERE sessions_view OPERATOR(pg_catalog.=) %u::pg_catalog.oid%s", table, view, one));
  });
  return Datum{0};
}

// (sessions_view)
HEADCOUNT_FUNCTION(headcount_live_day) {
  const core::day_number day = pg::first_live_day(PG_GETARG_OID(0), pg::current_as_of());
  return DateADTGetDatum(day);
}

// (sessions_view)
HEADCOUNT_FUNCTION(headcount_live_from) {
  auto *last = static_cast<remembered *>(fcinfo->flinfo->fn_extra);
  const auto *const snapshot = pg::call([] { return GetActiveSnapshot(); });
  remembered now{PG_GETARG_OID(0), pg::current_as_of(), snapshot->xmin, snapshot->xmax,
                 snapshot->xcnt + static_cast<std::uint32_t>(snapshot->subxcnt), snapshot->curcid, 0};
  if (last != nullptr) {
    now.answer = last->answer;
    if (now == *last) return TimestampTzGetDatum(now.answer);
  }
  now.answer = pg::start_of_live_days(now.source, now.as_of);
  if (last == nullptr) {
    last = static_cast<remembered *>(
        pg::call([fcinfo] { return MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(remembered)); }));
    fcinfo->flinfo->fn_extra = last;
  }
  *last = now;
  return TimestampTzGetDatum(now.answer);
}

}  // namespace headcount::fn
