// Where the stored days of a source end: live_day, live_from. And execute_as_owner, which keeps them.

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
text *run_as_owner(Oid view, const char *command) {
  HeapTuple const entry = SearchSysCache1(RELOID, ObjectIdGetDatum(view));
  if (!HeapTupleIsValid(entry))
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation with OID %u does not exist", view)));
  const Oid owner = reinterpret_cast<Form_pg_class>(GETSTRUCT(entry))->relowner;
  ReleaseSysCache(entry);
  Oid user = InvalidOid;
  int context = 0;
  GetUserIdAndSecContext(&user, &context);
  if (!has_privs_of_role(user, owner)) aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_VIEW, get_rel_name(view));

  SetUserIdAndSecContext(owner, context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
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
    return run_as_owner(PG_GETARG_OID(0), text_to_cstring(PG_GETARG_TEXT_PP(1)));
  });
  if (result == nullptr) return pg::null_result(fcinfo);
  return PointerGetDatum(result);
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
