// The trigger on the tables of a materialized source: it logs the days that a statement changed.

#include "core/time/changed_days.hpp"
#include "pg/change_log.hpp"
#include "pg/memory.hpp"
#include "pg/values.hpp"

namespace headcount::fn {
namespace {

using row = pg::row_reader::row;
using column = pg::tracked_table::column;

std::optional<core::key_view> name_in(const row &from, column at) {
  if (from.nulls[at]) return std::nullopt;
  return pg::bytes_of(from.values[at]);
}

std::optional<core::instant> instant_in(const row &from, column at) {
  if (from.nulls[at]) return std::nullopt;
  return DatumGetTimestampTz(from.values[at]);
}

// Takes in rows; finds the days on which presence, or what is a false denial, changed.
class change_collector {
 public:
  change_collector(const pg::tracked_table &table, const core::context &host)
      : table_(table), host_(host), presence_(*table.time_zone, host.memory), granted_(*table.time_zone, host.memory) {}

  // Of rows that came or went.
  void add(const row &of) {
    const auto stretch = session_in(of);
    if (!stretch) return;
    presence_.add(*stretch);
    if (looks_for_false_denials()) granted_.add(grant_of(*stretch));
  }

  // Of rows before or after an update.
  void add(const row &of, bool is_new) {
    const auto stretch = session_in(of);
    if (!stretch) return;
    const core::changed_days::session_key key{name_in(of, column::user_name), name_in(of, column::host),
                                              name_in(of, column::server)};
    add_version(presence_, key, *stretch, is_new);
    // The start of a session reaches the denials around it, of the same user on any host and server.
    if (looks_for_false_denials())
      add_version(granted_, {key.user, std::nullopt, std::nullopt}, grant_of(*stretch), is_new);
  }

  void log() const {
    pg::log_days(table_, presence_.find(host_).runs());
    if (looks_for_false_denials()) pg::log_days(table_, granted_.find(host_).runs());
  }

 private:
  static void add_version(core::changed_days &to, const core::changed_days::session_key &key, core::interval stretch,
                          bool is_new) {
    if (is_new)
      to.add_new(key, stretch);
    else
      to.add_old(key, stretch);
  }

  static std::optional<core::interval> session_in(const row &of) {
    return core::occupied(instant_in(of, column::started_at), instant_in(of, column::ended_at));
  }

  bool looks_for_false_denials() const { return table_.granted_before >= 0; }
  core::interval grant_of(core::interval session) const {
    return core::false_denials(session.start, table_.granted_before, table_.granted_after);
  }

  const pg::tracked_table &table_;
  const core::context &host_;
  core::changed_days presence_, granted_;
};

void collect(TriggerData *fired, const pg::tracked_table &table, change_collector &changes) {
  const TriggerEvent event = fired->tg_event;
  const bool is_update = TRIGGER_FIRED_BY_UPDATE(event);
  // who it was matters where there is an older version to compare with
  pg::row_reader reader(fired, table, is_update ? column::user_name : column::first_time);
  const auto came_or_went = [&](const row &of) { changes.add(of); };
  const auto before = [&](const row &of) { changes.add(of, false); };
  const auto after = [&](const row &of) { changes.add(of, true); };
  if (TRIGGER_FIRED_FOR_STATEMENT(event)) {
    if (is_update) {
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

// Whether the rows could be read.
bool log_rows(TriggerData *fired, const pg::tracked_table &table) {
  const pg::workspace work;
  change_collector changes(table, work);
  if (!pg::attempt([&] { collect(fired, table, changes); })) return false;
  changes.log();
  return true;
}

}  // namespace

HEADCOUNT_FUNCTION(headcount_log_changes) {
  if (!CALLED_AS_TRIGGER(fcinfo))
    throw core::error(core::fault::wrong_context, "function can only be called by a trigger");
  auto *const fired = reinterpret_cast<TriggerData *>(fcinfo->context);
  const pg::reading while_here;
  const pg::tracked_table table = pg::find_tracked_table(fired);
  if (OidIsValid(table.sessions_view)) {
    // A row that an expression fails on must not fail whoever writes it: the readers of the views learn of it.
    if (!table.is_readable || TRIGGER_FIRED_BY_TRUNCATE(fired->tg_event) || !log_rows(fired, table)) pg::log_everything(table);
  }
  return PointerGetDatum(nullptr);
}

}  // namespace headcount::fn
