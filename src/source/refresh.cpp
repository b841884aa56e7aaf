// Doing something with the rights of the owner of a source: execute_as_owner. And the procedures that commit as they go:
// refresh, rebuild.

#include "pg/attempt.hpp"
#include "pg/rights.hpp"
#include "pg/rows.hpp"
#include "pg/values.hpp"
#include "source/as_owner.hpp"
#include "source/catalog.hpp"
#include "source/state.hpp"

namespace headcount::source {
namespace {

// Backend code: it owns no C++ objects and raises PostgreSQL errors. Where it does not return, the end of the
// transaction, or of the subtransaction, puts the user and the settings back.

// Executes a command and returns the first value, in the memory context of the caller; nullptr for NULL.
char *execute(const char *command) {
  MemoryContext const outer = CurrentMemoryContext;
  char *result = nullptr;
  SPI_connect();
  if (SPI_execute(command, false, 0) < 0) elog(ERROR, "could not execute \"%s\"", command);
  if (SPI_processed > 0 && SPI_tuptable != nullptr) {
    const char *const value = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
    if (value != nullptr) result = MemoryContextStrdup(outer, value);
  }
  SPI_finish();
  return result;
}

// The same with the rights of the owner of a view, which the caller must have.
char *execute_as_owner(Oid view, const char *command) {
  pg::require_owner(view);
  pg::other_rights rights;
  rights.begin(pg::owner_of(view));
  pg::other_rights::use_own_settings();
  char *const result = execute(command);
  rights.end();
  return result;
}

char *copy_of(std::string_view text) { return pnstrdup(text.data(), text.size()); }

Datum text_or_null(FunctionCallInfo fcinfo, const char *value) {
  if (value == nullptr) return pg::null_result(fcinfo);
  return pg::call([value] { return CStringGetTextDatum(value); });
}

void require_commit(FunctionCallInfo fcinfo, const char *procedure) {
  const Node *const context = fcinfo->context;
  if (context != nullptr && IsA(context, CallContext) && !reinterpret_cast<const CallContext *>(context)->atomic) return;
  ereport(ERROR, (errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION), errmsg("headcount.%s cannot run in a transaction block", procedure),
                  errdetail("It commits as it goes."),
                  errhint("CALL it by itself: neither after BEGIN nor from a function, and with autocommit on.")));
}

struct refresh_request {
  bool is_tolerant;    // of several sources the fault of one is a warning, and the others get their turn
  std::int32_t max_days;  // of each source; 0 for no limit
};

// Ends the transaction. The next one is at READ COMMITTED, whatever the session's default: under SERIALIZABLE our reads could
// make a writer fail, and triggers that are made now must be there before the log is read.
void commit() {
  SPI_commit();
  XactIsoLevel = XACT_READ_COMMITTED;
}

// What a step of a refresh says besides how many days it stored; less that many, if it is the latter.
enum : std::int32_t { nothing_left = -1, awaits_writers = -2 };

// Whether a partition came that is not registered yet. What stores days is undone then: it may have read rows there, and nobody would
// learn that they change.
bool has_unregistered_tables(Oid view) {
  PushActiveSnapshot(GetTransactionSnapshot());
  const stored_state state = read_state(get_relname_relid("rollup_state", get_rel_namespace(view)), GetActiveSnapshot());
  const bool found = state.is_there && find_difference(state, GetActiveSnapshot()).come;
  PopActiveSnapshot();
  return found;
}

// Runs a command as the owner of a source, in the transaction that is under way. Where one is to be tolerant, so that nobody who locks
// what is his holds up the others for long, it waits so long for a lock. Returns the value, in the memory context of the
// caller, which outlasts transactions; nullptr for NULL, and with `failed` for an error. Who asks whether it is undone stores days.
const char *run_as_owner(Oid view, const char *command, bool is_tolerant, const char *lock_timeout, ErrorData *&failed, bool *is_undone = nullptr) {
  const char *value = nullptr;
  failed = nullptr;
  (void)pg::attempt(
      [&] {
        pg::call([&] {
          const int nest = NewGUCNestLevel();
          if (is_tolerant && LockTimeout == 0) pg::other_rights::set("lock_timeout", lock_timeout);
          value = execute_as_owner(view, command);
          AtEOXact_GUC(false, nest);
          if (is_undone == nullptr || !has_unregistered_tables(view)) return;
          *is_undone = true;
          ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE), errmsg("a partition came while days were computed")));
        });
      },
      [&](ErrorData *error) {
        failed = error;
        if (failed != nullptr) failed->context = nullptr;
      });
  if (is_undone != nullptr && *is_undone) failed = nullptr;
  return value;
}

// A call of one of the functions of 60-refresh.sql about a source; the arguments after the first are SQL.
const char *command_for(const char *function, Oid view, const char *arguments) {
  return psprintf("SELECT headcount_internal.%s(%u::pg_catalog.oid%s)", function, view, arguments);
}

// One step of a refresh, after those who write have been waited for as `waited` says.
std::int32_t run_step(Oid view, std::int32_t max_days, bool is_tolerant, TimestampTz started_at, const char *waited, ErrorData *&failed) {
  const char *const command = pg::call([&] {
    return command_for("refresh_step", view,
                       psprintf(", %d, '2000-01-01 00:00:00+00'::pg_catalog.timestamptz + '%lld microseconds'::pg_catalog.interval, %d, %s", max_days,
                                static_cast<long long>(started_at), MyProcPid, waited == nullptr ? "NULL" : quote_literal_cstr(waited)));
  });
  bool is_undone = false;
  const char *const days = run_as_owner(view, command, is_tolerant, "2s", failed, &is_undone);
  if (is_undone) return 0;
  return days == nullptr ? nothing_left : pg::call([days] { return pg_strtoint32(days); });
}

// Waits for those who write to the tables of a source, in a transaction that holds nothing they could want. Returns for what.
const char *wait_for_writers(Oid view, bool is_tolerant, ErrorData *&failed) {
  return run_as_owner(view, pg::call([view] { return command_for("wait_for_source", view, ""); }), is_tolerant, "30s", failed);
}

void note_failure(Oid view, const char *message) {
  (void)pg::attempt([&] {
    pg::call([&] {
      (void)execute_as_owner(view, psprintf("SELECT headcount_internal.note_failure(%u::pg_catalog.oid, %s)", view, quote_literal_cstr(message)));
    });
  });
}

// Runs one of the functions of a refresh that come after all days are stored, in a transaction of its own. nullptr also if the
// source was dropped meanwhile.
const char *run_afterwards(Oid view, const char *function, const char *arguments, bool is_tolerant, ErrorData *&failed, bool *is_undone = nullptr) {
  if (!pg::call([view] { return OidIsValid(pg::owner_of(view)); })) return nullptr;
  return run_as_owner(view, pg::call([&] { return command_for(function, view, arguments); }), is_tolerant, "2s", failed, is_undone);
}

// Stores what is over of today, once all days are stored: changes of it are logged from now on, those who may not have heard of that
// are gone (if they are not soon, the next refresh stores it), then it is computed.
void refresh_today(Oid view, bool is_tolerant, ErrorData *&failed) {
  const char *const offered = run_afterwards(view, "offer_today", "", is_tolerant, failed);
  if (failed != nullptr || offered == nullptr) return;
  pg::call([] { commit(); });
  const char *const are_gone = run_afterwards(view, "today_writers_are_gone", "", is_tolerant, failed);
  if (failed != nullptr || are_gone == nullptr || *are_gone != 't') return;
  pg::call([] { commit(); });
  bool is_undone = false;
  const char *const arguments = pg::call([offered] { return psprintf(", %s", quote_literal_cstr(offered)); });
  (void)run_afterwards(view, "store_today", arguments, is_tolerant, failed, &is_undone);
}

// Gives notice of alerts, about what is stored by now and what is not.
void raise_alerts(Oid view, bool is_tolerant, ErrorData *&failed) {
  pg::call([] { commit(); });
  (void)run_afterwards(view, "raise_alerts", "", is_tolerant, failed);
}

void refresh_one(Oid view, const refresh_request &request) {
  const TimestampTz started_at = pg::call([] { return GetCurrentTimestamp(); });
  std::int32_t left = request.max_days;
  const char *waited = nullptr;
  for (;;) {
    ErrorData *failed = nullptr;
    std::int32_t done = run_step(view, left, request.is_tolerant, started_at, waited, failed);
    if (failed == nullptr && done <= awaits_writers) {
      pg::call([] { commit(); });
      waited = wait_for_writers(view, request.is_tolerant, failed);
      done = awaits_writers - done;
    }
    if (failed == nullptr && done == nothing_left) refresh_today(view, request.is_tolerant, failed);
    if (failed == nullptr && done == nothing_left) raise_alerts(view, request.is_tolerant, failed);
    if (failed != nullptr) {
      note_failure(view, failed->message);
      pg::call([&] {
        commit();
        if (!request.is_tolerant) ReThrowError(failed);
        error_context_stack = nullptr;
        ereport(WARNING, (errcode(failed->sqlerrcode),
                          errmsg("source \"%s\" was not refreshed: %s", get_namespace_name(get_rel_namespace(view)), failed->message),
                          failed->detail == nullptr ? 0 : errdetail_internal("%s", failed->detail),
                          failed->hint == nullptr ? 0 : errhint("%s", failed->hint)));
      });
      return;
    }
    pg::call([] { commit(); });
    if (done == nothing_left) return;
    if (request.max_days > 0 && (left -= done) <= 0) return;
  }
}

void refresh_all(const List *views, const refresh_request &request) {
  pg::call([] {
    SPI_connect_ext(SPI_OPT_NONATOMIC);
    commit();
  });
  for (int at = 0; at < list_length(views); ++at) refresh_one(list_nth_oid(views, at), request);
  pg::call([] { SPI_finish(); });
}

// The views "sessions" of the sources that a refresh is about, by a query for an array of them.
List *find_views(const char *query) {
  pg::other_rights settings;
  settings.begin(GetUserId());
  pg::other_rights::use_own_settings();
  const char *const found = execute(query);
  settings.end();
  List *views = NIL;
  const Datum array = OidFunctionCall3(F_ARRAY_IN, CStringGetDatum(found), ObjectIdGetDatum(OIDOID), Int32GetDatum(-1));
  const List *const oids = oids_of(array);
  for (int at = 0; at < list_length(oids); ++at) views = lappend_oid(views, list_nth_oid(oids, at));
  return views;
}

const char *literal(FunctionCallInfo fcinfo, int number) {
  return PG_ARGISNULL(number) ? "NULL" : quote_literal_cstr(text_to_cstring(PG_GETARG_TEXT_PP(number)));
}

}  // namespace

// (view, command)
HEADCOUNT_FUNCTION(headcount_execute_as_owner) {
  const std::string_view command = pg::text_argument(fcinfo, 1, "command");
  return text_or_null(fcinfo, pg::call_quietly([&] { return execute_as_owner(PG_GETARG_OID(0), copy_of(command)); }));
}

// What may be asked of a source with the rights of its owner, and which views the asker must be able to read. The
// functions take the name of the source first; nothing that the asker says is more than a value.
namespace {

struct question {
  std::string_view function;  // in headcount_internal
  std::array<const char *, 2> views;
};

constexpr question questions[] = {
    {"online_counts_of", {"online_users"}},        {"server_online_counts_of", {"online_sessions"}}, {"report_rows_of", {"realtime_users_count"}},
    {"daily_counts_of", {"daily_user_counts"}},
    {"unique_users_of", {"sessions", "denials"}},  {"users_of", {"sessions", "denials"}},            {"hosts_of", {"sessions"}},
    {"activity_of", {"sessions", "denials"}},
    {"rolling_activity_of", {"sessions", "denials"}},
    {"profile_of", {"sessions"}},                  {"percentiles_of", {"sessions"}},                 {"week_hours_of", {"sessions"}},
    {"capacities_of", {"sessions"}},               {"avoidable_of", {"denials"}},                    {"times_online_of", {"sessions"}},
    {"counts_by_of", {"sessions", "denials"}},
    {"lifecycle_of", {"sessions", "denials"}},     {"stickiness_of", {"sessions", "denials"}},       {"retention_of", {"sessions", "denials"}},
};

// The owner of the views of a schema, all of which the current role may read.
Oid owner_of_views(const char *source, const question &asked) {
  const Oid schema = schema_named(source);
  if (!OidIsValid(schema)) ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("source \"%s\" does not exist", source)));
  Oid owner = InvalidOid;
  for (const char *const name : asked.views) {
    if (name == nullptr) break;
    const Oid view = get_relname_relid(name, schema);
    if (!OidIsValid(view) || get_rel_relkind(view) != RELKIND_VIEW)
      ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation \"%s.%s\" does not exist", source, name)));
    const AclResult may_read = pg_class_aclcheck(view, GetUserId(), ACL_SELECT);
    if (may_read != ACLCHECK_OK) aclcheck_error(may_read, OBJECT_VIEW, name);
    if (OidIsValid(owner) && owner != pg::owner_of(view))
      ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("views of \"%s\" have different owners", source)));
    owner = pg::owner_of(view);
  }
  return owner;
}

}  // namespace

// (source, function, arguments): the rows of one of the functions above, with the rights of the owner of the source: what
// he wrote runs as himself, though a superuser asks.
HEADCOUNT_FUNCTION(headcount_read_source) {
  const std::string_view source = pg::text_argument(fcinfo, 0, "source"), function = pg::text_argument(fcinfo, 1, "function");
  pg::require_argument(fcinfo, 2, "arguments");
  const auto *const asked = std::find_if(std::begin(questions), std::end(questions), [function](const question &each) { return each.function == function; });
  if (asked == std::end(questions)) throw core::error(core::fault::invalid_argument, "function is none of those that a source answers");
  pg::row_set rows(fcinfo);
  pg::call_quietly([&] {
    const char *const name = copy_of(source);
    const Oid owner = owner_of_views(name, *asked);
    Datum *values = nullptr;
    bool *nulls = nullptr;
    int count = 0;
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &count);
    StringInfoData command;
    initStringInfo(&command);
    appendStringInfo(&command, "SELECT * FROM headcount_internal.%s(%s", copy_of(function), quote_literal_cstr(name));
    for (int at = 0; at < count; ++at) appendStringInfo(&command, ", %s", nulls[at] ? "NULL" : quote_literal_cstr(TextDatumGetCString(values[at])));
    appendStringInfoString(&command, ") AS r");
    read_as(owner, command.data, rows);
  });
  return rows.result(fcinfo);
}

// (command): with the rights of the caller, but neither with his settings nor with a CONTEXT in errors
HEADCOUNT_FUNCTION(headcount_execute_quietly) {
  const std::string_view command = pg::text_argument(fcinfo, 0, "command");
  return text_or_null(fcinfo, pg::call_quietly([&] {
    const int nest = NewGUCNestLevel();
    pg::other_rights::use_own_settings();
    char *const result = execute(copy_of(command));
    AtEOXact_GUC(false, nest);
    return result;
  }));
}

// (state, message, detail, hint): an error without a CONTEXT; an empty detail or hint is left out
HEADCOUNT_FUNCTION(headcount_raise_error) {
  const std::string_view state = pg::text_argument(fcinfo, 0, "state"), message = pg::text_argument(fcinfo, 1, "message");
  pg::call([&] {
    const auto extra = [fcinfo](int number) { return PG_ARGISNULL(number) ? pstrdup("") : text_to_cstring(PG_GETARG_TEXT_PP(number)); };
    const char *const detail = extra(2), *const hint = extra(3), *const code = copy_of(state);
    if (state.size() != 5) ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("\"%s\" is not an SQLSTATE", code)));
    error_context_stack = nullptr;
    ereport(ERROR, (errcode(MAKE_SQLSTATE(code[0], code[1], code[2], code[3], code[4])), errmsg_internal("%s", copy_of(message)),
                    *detail == '\0' ? 0 : errdetail_internal("%s", detail), *hint == '\0' ? 0 : errhint("%s", hint)));
  });
  return Datum{0};
}

// The right to write to the table of all instances would be one to lock its rows, so nobody but its owner has it.
namespace {

void change_instances(const char *command) {
  pg::other_rights rights;
  rights.begin(pg::owner_of(internal_relation("instance")));
  pg::other_rights::use_own_settings();
  (void)execute(command);
  rights.end();
}

}  // namespace

// (smart_ag_id, region_id, sessions_view, server): for the owner of the source
HEADCOUNT_FUNCTION(headcount_register_instance) {
  for (int at = 0; at < 3; ++at) pg::require_argument(fcinfo, at, at == 0 ? "smart_ag_id" : at == 1 ? "region_id" : "sessions_view");
  pg::call_quietly([fcinfo] {
    const Oid view = PG_GETARG_OID(2);
    pg::require_owner(view);
    const char *const id = literal(fcinfo, 0);
    // An id is taken while a source has it; what was registered and is no more there does not come back before others.
    (void)execute(psprintf("SELECT headcount_internal.require_instance(%s, %u)", id, view));
    change_instances(psprintf("DELETE FROM headcount_internal.instance AS i WHERE i.ctid IN ("
                              "SELECT r.ctid FROM headcount_internal.instance AS r WHERE r.smart_ag_id = %s AND NOT EXISTS ("
                              "SELECT FROM headcount_internal.all_sources() AS a CROSS JOIN LATERAL headcount_internal.instances_of(a.source) AS o "
                              "WHERE a.sessions_view = r.sessions_view AND o.smart_ag_id = r.smart_ag_id) FOR UPDATE OF r SKIP LOCKED)", id));
    change_instances(psprintf("INSERT INTO headcount_internal.instance (smart_ag_id, region_id, sessions_view, server) VALUES (%s, %s, %u, %s)",
                              literal(fcinfo, 0), literal(fcinfo, 1), PG_GETARG_OID(2), literal(fcinfo, 3)));
  });
  return Datum{0};
}

// (sessions_view, smart_ag_id): for the owner of the source; NULL for all its instances
HEADCOUNT_FUNCTION(headcount_unregister_instances) {
  pg::require_argument(fcinfo, 0, "sessions_view");
  pg::call_quietly([fcinfo] {
    pg::require_owner(PG_GETARG_OID(0));
    change_instances(psprintf("DELETE FROM headcount_internal.instance AS i WHERE i.sessions_view = %u%s", PG_GETARG_OID(0),
                              PG_ARGISNULL(1) ? "" : psprintf(" AND i.smart_ag_id = %s", literal(fcinfo, 1))));
  });
  return Datum{0};
}

// (source, max_days)
HEADCOUNT_FUNCTION(headcount_refresh) {
  const bool is_limited = !PG_ARGISNULL(1);
  const refresh_request request{PG_ARGISNULL(0), is_limited ? PG_GETARG_INT32(1) : 0};
  const List *const views = pg::call_quietly([&] {
    List *const found = find_views(psprintf("SELECT headcount_internal.sources_to_refresh(%s, %s)", literal(fcinfo, 0),
                                            is_limited ? psprintf("%d", request.max_days) : "NULL"));
    require_commit(fcinfo, "refresh");
    return found;
  });
  refresh_all(views, request);
  return pg::null_result(fcinfo);
}

// (source)
HEADCOUNT_FUNCTION(headcount_rebuild) {
  const List *const views = pg::call_quietly([&] {
    List *const found = find_views(psprintf("SELECT headcount_internal.sources_to_refresh(%s, NULL)", PG_ARGISNULL(0) ? "''" : literal(fcinfo, 0)));
    require_commit(fcinfo, "rebuild");
    return found;
  });
  for (int at = 0; at < list_length(views); ++at) {
    const Oid view = list_nth_oid(views, at);
    pg::call_quietly([view] {
      SPI_connect_ext(SPI_OPT_NONATOMIC);
      commit();
      (void)execute_as_owner(view, psprintf("SELECT headcount_internal.forget_days(%u::pg_catalog.oid)", view));
      commit();
      SPI_finish();
    });
  }
  refresh_all(views, {false, 0});
  return pg::null_result(fcinfo);
}

}  // namespace headcount::source
