// Where the stored days of a source end: live_day, live_from. And what is done with the rights of others:
// execute_as_owner, delete_registration.

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

Oid owner_of(Oid relation) {
  HeapTuple const entry = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
  if (!HeapTupleIsValid(entry))
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation with OID %u does not exist", relation)));
  const Oid owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(entry))->relowner;
  ReleaseSysCache(entry);
  return owner;
}

void check_owner(Oid view) {
  if (!has_privs_of_role(GetUserId(), owner_of(view))) aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_VIEW, get_rel_name(view));
}

text *run_as(Oid role, const char *command) {
  Oid user = InvalidOid;
  int context = 0;
  GetUserIdAndSecContext(&user, &context);
  SetUserIdAndSecContext(role, context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
  const int nest = NewGUCNestLevel();
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
  AtEOXact_GUC(false, nest);
  SetUserIdAndSecContext(user, context);
  return result;
}

}  // namespace

// (sessions_view, command)
HEADCOUNT_FUNCTION(execute_as_owner) {
  text *const result = pg::call([fcinfo]() -> text * {
    const Oid view = PG_GETARG_OID(0);
    check_owner(view);
    return run_as(owner_of(view), text_to_cstring(PG_GETARG_TEXT_PP(1)));
  });
  if (result == nullptr) return pg::null_result(fcinfo);
  return PointerGetDatum(result);
}

// (registry, sessions_view, smart_ag_id): the right to DELETE from a table would be one to lock it too, so nobody but the
// owner of the table has it.
HEADCOUNT_FUNCTION(delete_registration) {
  const std::string_view registry = pg::text_argument(fcinfo, 0, "registry");
  const bool is_instance = registry == "instance";
  if (!is_instance && registry != "source" && registry != "rollup")
    throw core::error(core::fault::invalid_argument, "argument \"registry\" is not a table of sources");
  pg::require_argument(fcinfo, 1, "sessions_view");
  pg::call([&] {
    const Oid view = PG_GETARG_OID(1);
    if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(view))) check_owner(view);
    const char *const table = is_instance ? "instance" : registry == "source" ? "source" : "rollup";
    const char *one = "";
    if (!PG_ARGISNULL(2))
      one = psprintf(" AND smart_ag_id OPERATOR(pg_catalog.=) %s", quote_literal_cstr(text_to_cstring(PG_GETARG_TEXT_PP(2))));
    run_as(owner_of(get_relname_relid(table, get_namespace_oid("headcount", false))),
           psprintf("DELETE FROM headcount.%s WHERE sessions_view OPERATOR(pg_catalog.=) %u::pg_catalog.oid%s", table, view, one));
  });
  return Datum{0};
}

// (sessions_view)
HEADCOUNT_FUNCTION(live_day) {
  const core::day_number day = pg::first_live_day(PG_GETARG_OID(0), pg::current_as_of());
  return DateADTGetDatum(day);
}

// (sessions_view)
HEADCOUNT_FUNCTION(live_from) {
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
