#pragma once
// The states of unique_count and max_concurrent, values of type bytea: what such an aggregate needs to know, and no
// presence. A kind says what that is:
//
//   flat, log      length word, log of rows and free space: while it is small, edited in place
//   expanded       Kind::table in a memory context of its own, once it is large; as bytes wherever PostgreSQL copies it
//   flat, written  length word, what the table wrote
//
// Anybody can make up bytes and hand them to these functions: they are checked whenever they are read.

#include "pg/postgres.hpp"

#include "core/base/error.hpp"
#include "core/presence/presence_view.hpp"
#include "core/presence/session_events.hpp"
#include "core/sets/key_log.hpp"
#include "core/sets/key_set.hpp"
#include "pg/memory.hpp"
#include "pg/values.hpp"

namespace headcount::pg {

// unique_count: the keys. What a table writes is a log as well.
struct unique_keys {
  using table = core::key_set;
  using log = core::key_log_editor;
  struct row {};

  // Holds five keys of up to 22 bytes. The allocator gives no less from 65 bytes on.
  static constexpr std::size_t first_log_bytes = 128;
  static constexpr const char *context_name = "headcount keys";

  static bool is_log(core::key_view) { return true; }
  static core::key_type type_of(core::key_view bytes) { return core::key_log_reader(bytes).type(); }
  static std::size_t row_size(core::key_view key) { return log::row_size(key); }
  static bool append(std::span<std::byte> bytes, core::key_view key, row) { return log::append(bytes, key); }
  template <typename Visit>
  static void for_each_row(core::key_view bytes, Visit &&visit) {
    core::key_log_reader(bytes).for_each([&](core::key_view key) { visit(key, row{}); });
  }
  static void add(table &to, core::key_view key, row) { to.add(key); }
  static void merge(table &to, core::key_view bytes, const core::context &host) {
    to.merge(core::key_log_reader(bytes), host);
  }
};

// max_concurrent: the sessions. The log is that of a presence.
struct concurrent_sessions {
  using table = core::session_events;
  using log = core::row_log_editor;
  using row = core::interval;

  static constexpr std::size_t first_log_bytes = 192;  // five rows, as in presence_value.cpp
  static constexpr const char *context_name = "headcount sessions";

  static bool is_log(core::key_view bytes) {
    return !bytes.empty() && bytes.front() == std::byte{core::presence_magic};
  }
  static core::key_type type_of(core::key_view bytes) {
    return is_log(bytes) ? reader(bytes).type() : core::session_events::type_of(bytes);
  }
  static std::size_t row_size(core::key_view key) { return log::row_size(key); }
  static bool append(std::span<std::byte> bytes, core::key_view key, row when) { return log::append(bytes, key, when); }
  template <typename Visit>
  static void for_each_row(core::key_view bytes, Visit &&visit) {
    reader(bytes).for_each_row(visit);
  }
  static void add(table &to, core::key_view key, row when) { to.add(key, when); }
  static void merge(table &to, core::key_view bytes, const core::context &host) { to.merge(bytes, host); }

  // Canonical bytes of a presence are none of a log.
  static core::row_log_reader reader(core::key_view bytes) {
    if (core::read_head(bytes).form != core::presence_form::log)
      core::byte_reader::throw_damaged("It is not the state of max_concurrent.");
    return core::row_log_reader(bytes);
  }
};

// Everything is made in the object's own memory context and goes with it.
template <typename Kind>
struct expanded_keys {
  ExpandedObjectHeader header;  // must come first
  context_resource memory;
  typename Kind::table table;
  std::span<std::byte> flat;  // from the question for its size until it is written

  expanded_keys(core::key_type type, MemoryContext context) : memory(context), table(type, &memory) {}

  core::context host() { return {&memory, check_interrupts}; }

  static Size flat_size(ExpandedObjectHeader *header) {
    auto *const expanded = reinterpret_cast<expanded_keys *>(header);
    return enter([expanded] {
      if (expanded->flat.empty()) {
        core::byte_buffer buffer(&expanded->memory);
        for (int at = 0; at < VARHDRSZ; ++at) buffer.append_byte(0);
        expanded->table.write(buffer, expanded->host());
        const std::size_t size = buffer.size();
        expanded->flat = {buffer.release(), size};
      }
      return expanded->flat.size();
    });
  }

  static void flatten_into(ExpandedObjectHeader *header, void *to, Size size) {
    auto *const expanded = reinterpret_cast<expanded_keys *>(header);
    std::memcpy(to, expanded->flat.data(), size);
    SET_VARSIZE(to, size);
    pfree(std::exchange(expanded->flat, {}).data());
  }

  static constexpr ExpandedObjectMethods methods = {flat_size, flatten_into};

  // The object behind a datum, or nullptr where it is flat.
  static expanded_keys *of(Datum datum) {
    if (!VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(datum))) return nullptr;
    ExpandedObjectHeader *const header = DatumGetEOHP(datum);
    return header->eoh_methods == &methods ? reinterpret_cast<expanded_keys *>(header) : nullptr;
  }
};

// Argument `number`, a state of concurrent_sessions that is not NULL, as events, which it calls read() with.
template <typename Read>
auto read_events(FunctionCallInfo fcinfo, int number, const core::context &host, Read &&read) {
  if (const auto *const expanded = expanded_keys<concurrent_sessions>::of(fcinfo->args[number].value))
    return read(std::as_const(expanded->table));
  const core::key_view bytes = bytes_argument(fcinfo, number);
  core::session_events events(concurrent_sessions::type_of(bytes), host.memory);
  if (concurrent_sessions::is_log(bytes))
    concurrent_sessions::for_each_row(bytes, [&](core::key_view key, core::interval when) { events.add(key, when); });
  else
    events.merge(bytes, host);
  return read(std::as_const(events));
}

// The state of an aggregate, argument 0 of its transition and combine functions: edited in place.
template <typename Kind>
class key_state {
 public:
  // Throws wrong_context unless an aggregate is calling.
  explicit key_state(FunctionCallInfo fcinfo) : fcinfo_(fcinfo) {
    if (AggCheckCallContext(fcinfo, &aggregate_) == 0) {
      throw core::error(core::fault::wrong_context, "function can only be called by an aggregate", {},
                        "Use the aggregates unique_count and max_concurrent.");
    }
    if (!PG_ARGISNULL(0)) load();
  }

  void add(core::key_type type, core::key_view key, typename Kind::row row) {
    check_type(type);
    if (table_ == nullptr) {
      if (log_ != nullptr && Kind::append(log_bytes(), key, row)) return;
      if (grow_log(Kind::row_size(key))) {
        Kind::append(log_bytes(), key, row);
        return;
      }
    }
    Kind::add(table(), key, row);
  }

  // Adds all of argument `number`, which is left as it is.
  void add_argument(int number) {
    const workspace work;
    if (expanded *const other = expanded::of(fcinfo_->args[number].value)) {  // of this very process
      check_type(other->table.type());
      table().merge(other->table, work);
      return;
    }
    const core::key_view bytes = bytes_argument(fcinfo_, number);
    check_type(Kind::type_of(bytes));
    if (Kind::is_log(bytes) && bytes.size() <= max_log_bytes)
      Kind::for_each_row(bytes, [this](core::key_view key, typename Kind::row row) { add(type_, key, row); });
    else
      Kind::merge(table(), bytes, work);
  }

  // What the function returns.
  Datum result() const {
    if (table_ != nullptr) return EOHPGetRWDatum(&table_->header);
    if (log_ != nullptr) return PointerGetDatum(log_);
    if (fcinfo_->args[0].isnull) return null_result(fcinfo_);
    return fcinfo_->args[0].value;
  }

 private:
  using expanded = expanded_keys<Kind>;

  // Beyond this a log becomes a table, whose memory context costs HashAggregate a visit for each new group, as in
  // presence_value.cpp.
  static constexpr std::size_t max_log_bytes = 32 * 1024;

  void load() {
    const Datum state = fcinfo_->args[0].value;
    if (VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(state))) {
      table_ = expanded::of(state);
      if (table_ != nullptr) {
        if (!table_->flat.empty()) pfree(std::exchange(table_->flat, {}).data());  // its size was asked for, no more
        type_ = table_->table.type();
        return;
      }
    }
    // Only what this very aggregate keeps may be edited in place, and that has a full length word.
    auto *const flat = reinterpret_cast<struct varlena *>(DatumGetPointer(state));
    if (VARATT_IS_4B_U(flat)) {
      const core::key_view bytes{reinterpret_cast<const std::byte *>(VARDATA(flat)), VARSIZE(flat) - VARHDRSZ};
      if (Kind::is_log(bytes)) {
        type_ = Kind::type_of(bytes);
        log_ = flat;
        return;
      }
    }
    add_argument(0);
  }

  void check_type(core::key_type type) {
    if (type != type_) type_ = core::common_type(type_, type);
  }

  std::span<std::byte> log_bytes() const {
    return {reinterpret_cast<std::byte *>(VARDATA(log_)), VARSIZE(log_) - VARHDRSZ};
  }

  // Makes room for `more` bytes in a larger log, made in the context of this call, since the aggregate copies what it is
  // handed and frees what it had. Returns false where a log may not be that large.
  bool grow_log(std::size_t more) {
    const std::size_t before = log_ == nullptr ? 0 : VARSIZE(log_);
    const std::size_t needed = (before == 0 ? VARHDRSZ + Kind::log::head_size : before) + more;
    const std::size_t size = std::max({Kind::first_log_bytes, before * 2, needed});
    if (size > max_log_bytes) return false;
    log_ = larger_value(log_, size);
    if (before == 0) Kind::log::create(log_bytes(), type_);
    return true;
  }

  // The state as a table, which it becomes here if it is not yet.
  typename Kind::table &table() {
    if (table_ != nullptr) return table_->table;
    const auto made = call([this] {
      MemoryContext const context = AllocSetContextCreate(aggregate_, Kind::context_name, ALLOCSET_DEFAULT_SIZES);
      return std::pair(context, MemoryContextAlloc(context, sizeof(expanded)));
    });
    table_ = new (made.second) expanded(type_, made.first);
    call([&] { EOH_init_header(&table_->header, &expanded::methods, made.first); });
    if (log_ != nullptr) {
      Kind::for_each_row(log_bytes(), [this](core::key_view key, typename Kind::row row) {
        Kind::add(table_->table, key, row);
      });
      log_ = nullptr;
    }
    return table_->table;
  }

  FunctionCallInfo fcinfo_;
  MemoryContext aggregate_ = nullptr;
  struct varlena *log_ = nullptr;  // the state while it is a log
  expanded *table_ = nullptr;      // the state once it is a table
  core::key_type type_ = core::key_type::none;
};

}  // namespace headcount::pg
