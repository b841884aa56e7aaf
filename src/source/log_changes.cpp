// The trigger on the tables of a materialized source: it logs the days that a statement changed.

#include "core/rules.hpp"
#include "core/time/changed_days.hpp"
#include "pg/memory.hpp"
#include "pg/rows.hpp"
#include "pg/values.hpp"
#include "source/catalog.hpp"
#include "source/change_log.hpp"

namespace headcount::source {
namespace {

std::optional<core::key_view> name_in(const definition_row &from, int column) {
  if (from.nulls[column]) return std::nullopt;
  return pg::bytes_of(from.values[column]);
}

std::optional<core::instant> instant_in(const definition_row &from, int column) {
  if (from.nulls[column]) return std::nullopt;
  return DatumGetTimestampTz(from.values[column]);
}

// The server of a row, with its dimensions if there are any: rows that differ in one of them are of other sessions. A server
// that is NULL is not one that is '', and no two lists of values are written alike. What it says is good until `written` changes.
std::optional<core::key_view> place_in(const definition_row &from, const tracked_table &table, std::pmr::string &written) {
  if (table.all_count == table.column_count) return name_in(from, server);
  written.clear();
  const auto add = [&](int column) {
    const auto name = name_in(from, column);
    const std::size_t size = name.has_value() ? name->size() + 1 : 0;
    written.append(reinterpret_cast<const char *>(&size), sizeof size);
    if (name.has_value()) written.append(reinterpret_cast<const char *>(name->data()), name->size());
  };
  add(server);
  for (int at = table.column_count; at < table.all_count; ++at) add(at);
  return std::as_bytes(std::span(written));
}

// Takes in rows; finds the days on which presence, or what is a false denial, changed.
class change_collector {
 public:
  // What is at or after `until` is left out.
  change_collector(const tracked_table &table, core::instant until, const core::context &host)
      : table_(table), host_(host), presence_(*table.time_zone, until, host.memory), granted_(*table.time_zone, until, host.memory), place_(host.memory) {}

  // Of rows that came or went.
  void add(const definition_row &of) {
    const auto there = interval_in(of);
    if (!there) return;
    presence_.add(*there);
    if (looks_for_false_denials()) granted_.add(grant_of(*there));
  }

  // Of rows before or after an update.
  void add(const definition_row &of, bool is_new) {
    const auto there = interval_in(of);
    if (!there) return;
    core::changed_days::session_key key{name_in(of, user_name), name_in(of, host), place_in(of, table_, place_)};
    const core::bigint_key weighs(table_.is_denials || of.nulls[weight] ? 0 : DatumGetInt64(of.values[weight]));
    if (!table_.is_denials && !of.nulls[weight]) key.weight = weighs;
    add_version(presence_, key, *there, is_new);
    // The start of a session reaches the denials around it, of the same user on any host and server.
    if (looks_for_false_denials()) add_version(granted_, {key.user, std::nullopt, std::nullopt, std::nullopt}, grant_of(*there), is_new);
  }

  void log() const {
    log_days(table_.links, presence_.find(host_).runs());
    if (looks_for_false_denials()) log_days(table_.links, granted_.find(host_).runs());
  }

 private:
  static void add_version(core::changed_days &to, const core::changed_days::session_key &key, core::interval there, bool is_new) {
    if (is_new)
      to.add_new(key, there);
    else
      to.add_old(key, there);
  }

  // A session with the end that it has once all its days are over, which is what stored days know of it.
  std::optional<core::interval> interval_in(const definition_row &of) const {
    const auto start = instant_in(of, started_at);
    if (table_.is_denials) return core::occupied(start);
    auto end = instant_in(of, ended_at);
    if (end.value_or(core::forever) == core::forever && table_.idle_limit >= 0 && start.has_value())
      end = core::stale_end(*start, instant_in(of, last_seen), table_.idle_limit);
    return core::occupied(start, end);
  }

  bool looks_for_false_denials() const { return !table_.is_denials && table_.granted_before >= 0; }
  core::interval grant_of(core::interval session) const {
    return core::false_denials(session.start, table_.granted_before, table_.granted_after);
  }

  const tracked_table &table_;
  const core::context &host_;
  core::changed_days presence_, granted_;
  std::pmr::string place_;
};

void collect(TriggerData *fired, const tracked_table &table, change_collector &changes) {
  const TriggerEvent event = fired->tg_event;
  const bool is_update = TRIGGER_FIRED_BY_UPDATE(event), of_statement = TRIGGER_FIRED_FOR_STATEMENT(event);
  // who it was matters where there is an older version to compare with
  row_reader reader(table, fired->tg_relation, of_statement ? &TTSOpsMinimalTuple : &TTSOpsHeapTuple, is_update ? user_name : started_at);
  const auto came_or_went = [&](const definition_row &of) { changes.add(of); };
  const auto before = [&](const definition_row &of) { changes.add(of, false); };
  const auto after = [&](const definition_row &of) { changes.add(of, true); };
  if (of_statement) {
    if (is_update && pg::call([&] { return may_move_out_of_sight(table, fired->tg_relation); })) {
      reader.for_each(fired->tg_oldtable, came_or_went);
      reader.for_each(fired->tg_newtable, came_or_went);
    } else if (is_update) {
      reader.for_each(fired->tg_oldtable, before);
      reader.for_each(fired->tg_newtable, after);
    } else {
      reader.for_each(TRIGGER_FIRED_BY_INSERT(event) ? fired->tg_newtable : fired->tg_oldtable, came_or_went);
    }
  } else if (is_update) {
    reader.read(fired->tg_trigtuple, before);
    reader.read(fired->tg_newtuple, after);
  } else {
    reader.read(fired->tg_trigtuple, came_or_went);
  }
  reader.close();
}

// Whether a trigger is given the rows that changed: one of ours is, except for TRUNCATE.
bool has_rows(const TriggerData *fired) {
  const TriggerEvent event = fired->tg_event;
  if (!TRIGGER_FIRED_AFTER(event)) return false;
  if (TRIGGER_FIRED_FOR_ROW(event)) return true;
  if (TRIGGER_FIRED_BY_INSERT(event)) return fired->tg_newtable != nullptr;
  if (TRIGGER_FIRED_BY_DELETE(event)) return fired->tg_oldtable != nullptr;
  return TRIGGER_FIRED_BY_UPDATE(event) && fired->tg_oldtable != nullptr && fired->tg_newtable != nullptr;
}

// Whether the rows could be read.
bool log_rows(TriggerData *fired, const tracked_table &table, core::instant until) {
  if (!table.is_readable || !has_rows(fired)) return false;
  if (!pg::call([&] { return may_read_changes(table.links.definition, fired->tg_relation); })) return false;
  const pg::workspace work;
  change_collector changes(table, until, work);
  if (!pg::attempt([&] { collect(fired, table, changes); })) return false;
  changes.log();
  return true;
}

}  // namespace

HEADCOUNT_FUNCTION(headcount_log_changes) {
  if (!CALLED_AS_TRIGGER(fcinfo))
    throw core::error(core::fault::wrong_context, "function can only be called by a trigger");
  auto *const fired = reinterpret_cast<TriggerData *>(fcinfo->context);
  const reading while_here;
  const tracked_table table = find_tracked_table(fired->tg_trigger, fired->tg_relation);
  if (!table.links.are_there()) return Datum{0};
  const core::instant until = log_until(table.links);
  if (until == core::beginning) return Datum{0};  // nothing is stored, so no row need be looked at
  // A row that an expression fails on must not fail whoever writes it: the readers of the views learn of it.
  if (!log_rows(fired, table, until)) log_everything(table.links);
  return Datum{0};
}

// (trigger): logs all days that the rows of its table are about, as if they had just been inserted. For owners of the source.
HEADCOUNT_FUNCTION(headcount_log_table) {
  pg::require_argument(fcinfo, 0, "trigger");
  const Oid id = PG_GETARG_OID(0);
  const reading while_here;
  struct {
    Trigger *trigger = nullptr;
    Relation relation = nullptr;
  } found;
  pg::call([&] {
    const Oid table = table_of_trigger(id);
    if (OidIsValid(table)) found.relation = table_open(table, AccessShareLock);
    // a copy: what the relation cache has may go while functions of others run
    const TriggerDesc *const triggers = found.relation == nullptr ? nullptr : CopyTriggerDesc(found.relation->trigdesc);
    for (int at = 0; triggers != nullptr && at < triggers->numtriggers; ++at)
      if (triggers->triggers[at].tgoid == id) found.trigger = &triggers->triggers[at];
    const trigger_links links = found.trigger == nullptr ? trigger_links() : find_links(id, table);
    if (!links.are_there()) ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("trigger with OID %u belongs to no source", id)));
    pg::require_owner(links.definition);
  });
  if (found.relation->rd_rel->relkind != RELKIND_RELATION) {  // a partitioned table has no rows of its own
    pg::call([&] { table_close(found.relation, NoLock); });
    return Datum{0};
  }
  const tracked_table table = find_tracked_table(found.trigger, found.relation);
  const core::instant until = log_until(table.links);
  const pg::workspace work;
  std::optional<change_collector> changes;
  const bool is_read = table.is_readable && pg::attempt([&] {
    changes.emplace(table, until, work);
    row_reader reader(table, found.relation, pg::call([&] { return table_slot_callbacks(found.relation); }), started_at);
    reader.scan(found.relation, [&](const definition_row &of) { changes->add(of); });
    reader.close();
  });
  if (is_read)
    changes->log();
  else if (until != core::beginning)
    log_everything(table.links);
  pg::call([&] { table_close(found.relation, NoLock); });
  return Datum{0};
}

// (view)
HEADCOUNT_FUNCTION(headcount_tie_to_extension) {
  pg::call([fcinfo] {
    const Oid view = PG_GETARG_OID(0);
    pg::require_owner(view);
    tie_to_extension(view);
  });
  return Datum{0};
}

// (function)
HEADCOUNT_FUNCTION(headcount_tie_function_to_extension) {
  pg::call([fcinfo] {
    const Oid function = PG_GETARG_OID(0);
    HeapTuple const entry = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
    if (!HeapTupleIsValid(entry)) ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION), errmsg("function with OID %u does not exist", function)));
    const Oid owner = reinterpret_cast<Form_pg_proc>(GETSTRUCT(entry))->proowner;
    ReleaseSysCache(entry);
    if (!has_privs_of_role(GetUserId(), owner)) aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_FUNCTION, get_func_name(function));
    tie_function_to_extension(function);
  });
  return Datum{0};
}

// (trigger, definition, log, state): ties a trigger to its source. For owners of all four.
HEADCOUNT_FUNCTION(headcount_link_trigger) {
  constexpr const char *names[] = {"trigger", "definition", "log", "state"};
  for (int at = 0; at < 4; ++at) pg::require_argument(fcinfo, at, names[at]);
  pg::call([&] {
    const Oid trigger = PG_GETARG_OID(0), view = PG_GETARG_OID(1), log = PG_GETARG_OID(2), state = PG_GETARG_OID(3), table = table_of_trigger(trigger);
    if (!OidIsValid(table)) ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("trigger with OID %u does not exist", trigger)));
    for (const Oid relation : {table, view, log, state}) pg::require_owner(relation);
    if (get_rel_relkind(view) != RELKIND_VIEW || get_rel_relkind(log) != RELKIND_RELATION || get_rel_relkind(state) != RELKIND_RELATION)
      ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("a trigger is tied to a view and two tables")));
    link_trigger(trigger, view, log, state);
  });
  return Datum{0};
}

}  // namespace headcount::source
