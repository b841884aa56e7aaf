#include "pg/presence_value.hpp"

#include "core/base/error.hpp"
#include "core/presence/presence_builder.hpp"
#include "pg/values.hpp"

namespace headcount::pg {

// Everything is made in the object's own memory context and goes with it.
struct expanded_presence {
  ExpandedObjectHeader header;  // must come first
  context_resource memory;
  core::presence_builder builder;
  std::span<std::byte> flat;  // canonical bytes, from the question for their size until they are written

  expanded_presence(core::key_type type, MemoryContext context) : memory(context), builder(type, &memory) {}

  core::presence_view view() { return builder.view({&memory, check_interrupts}); }
};

namespace {

// A first log of this size holds five rows with keys of ordinary length. Most groups of a GROUP BY are small.
constexpr std::size_t first_log_bytes = 192;

// Beyond this a log becomes a table, whose memory context costs HashAggregate a visit for each new group: at 32 kB
// a state, 10,000 such groups take 320 MB before the visits add up to half a second.
constexpr std::size_t max_log_bytes = 32 * 1024;

Size flat_size(ExpandedObjectHeader *header) {
  auto *const presence = reinterpret_cast<expanded_presence *>(header);
  return enter([presence] {
    if (presence->flat.empty()) {
      const workspace work(presence->header.eoh_context);
      presence->flat = core::to_canonical(presence->view(), core::all_time, VARHDRSZ, work);
    }
    return presence->flat.size();
  });
}

void flatten_into(ExpandedObjectHeader *header, void *to, Size size) {
  auto *const presence = reinterpret_cast<expanded_presence *>(header);
  std::memcpy(to, presence->flat.data(), size);
  SET_VARSIZE(to, size);
  pfree(presence->flat.data());
  presence->flat = {};
}

const ExpandedObjectMethods methods = {flat_size, flatten_into};

// The object behind a datum, or nullptr where it is flat.
expanded_presence *expanded_of(Datum datum) {
  if (!VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(datum))) return nullptr;
  ExpandedObjectHeader *const header = DatumGetEOHP(datum);
  return header->eoh_methods == &methods ? reinterpret_cast<expanded_presence *>(header) : nullptr;
}

}  // namespace

core::presence_view presence_argument(FunctionCallInfo fcinfo, int number) {
  if (PG_ARGISNULL(number)) return {};
  if (expanded_presence *const expanded = expanded_of(fcinfo->args[number].value)) return expanded->view();
  return core::presence_view(bytes_argument(fcinfo, number));
}

std::optional<core::presence_reader> stored_presence_argument(FunctionCallInfo fcinfo, int number) {
  if (PG_ARGISNULL(number) || expanded_of(fcinfo->args[number].value) != nullptr) return std::nullopt;
  const core::key_view bytes = bytes_argument(fcinfo, number);
  if (core::read_head(bytes).form != core::presence_form::canonical) return std::nullopt;
  return core::presence_reader(bytes);
}

Datum make_presence(const core::presence_view &presence, core::interval window, const core::context &host) {
  return value_result(core::to_canonical(presence, window, VARHDRSZ, host));
}

presence_state::presence_state(FunctionCallInfo fcinfo) : fcinfo_(fcinfo) {
  if (AggCheckCallContext(fcinfo, &aggregate_) == 0) {
    throw core::error(core::fault::wrong_context, "function can only be called by an aggregate", {},
                      "Use the aggregates presence_agg and presence_union_agg.");
  }
  if (!PG_ARGISNULL(0)) load();
}

void presence_state::load() {
  const Datum state = fcinfo_->args[0].value;
  if (VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(state)) && expanded_of(state) != nullptr) {
    table_ = expanded_of(state);
    if (!table_->flat.empty()) pfree(std::exchange(table_->flat, {}).data());  // its size was asked for, no more
    type_ = table_->builder.type();
    return;
  }
  // Only what this very aggregate keeps may be edited in place, and that has a full length word.
  auto *const flat = reinterpret_cast<struct varlena *>(DatumGetPointer(state));
  if (VARATT_IS_4B_U(flat)) {
    const core::key_view bytes{reinterpret_cast<const std::byte *>(VARDATA(flat)), VARSIZE(flat) - VARHDRSZ};
    const core::presence_head head = core::read_head(bytes);
    if (head.form == core::presence_form::log) {
      log_ = flat;
      type_ = head.type;
      return;
    }
  }
  add_argument(0);
}

void presence_state::check_type(core::key_type type) {
  if (type == type_) return;
  type_ = core::common_type(type_, type);
}

std::span<std::byte> presence_state::log_bytes() const {
  return {reinterpret_cast<std::byte *>(VARDATA(log_)), VARSIZE(log_) - VARHDRSZ};
}

void presence_state::add(core::key_type type, core::key_view key, core::interval when) {
  check_type(type);
  if (table_ == nullptr) {
    if (log_ != nullptr && append_to_log(key, when)) return;
    if (grow_log(core::row_log_editor::row_size(key))) {
      append_to_log(key, when);
      return;
    }
  }
  table().builder.add(key, when);
}

bool presence_state::append_to_log(core::key_view key, core::interval when) {
  return core::row_log_editor::append(log_bytes(), key, when);
}

// Makes room for `more` bytes in a larger log, made in the context of this call, since the aggregate copies what it is
// handed and frees what it had. Returns false where a log may not be that large.
bool presence_state::grow_log(std::size_t more) {
  const std::size_t before = log_ == nullptr ? 0 : VARSIZE(log_);
  const std::size_t needed = (before == 0 ? VARHDRSZ + core::row_log_editor::head_size : before) + more;
  const std::size_t size = std::max({first_log_bytes, before * 2, needed});
  if (size > max_log_bytes) return false;
  log_ = larger_value(log_, size);
  if (before == 0) core::row_log_editor::create(log_bytes(), type_);
  return true;
}

// The state as a table, which it becomes here if it is not yet.
expanded_presence &presence_state::table() {
  if (table_ != nullptr) return *table_;
  const auto made = call([this] {
    MemoryContext const context = AllocSetContextCreate(aggregate_, "headcount presence", ALLOCSET_DEFAULT_SIZES);
    return std::pair(context, MemoryContextAlloc(context, sizeof(expanded_presence)));
  });
  table_ = new (made.second) expanded_presence(type_, made.first);
  call([&] { EOH_init_header(&table_->header, &methods, made.first); });
  if (log_ != nullptr) {
    core::row_log_reader(log_bytes()).for_each_row([this](core::key_view key, core::interval when) {
      table_->builder.add(key, when);
    });
    log_ = nullptr;
  }
  return *table_;
}

void presence_state::add_argument(int number) {
  const core::presence_view added = presence_argument(fcinfo_, number);
  if (added.type() == core::key_type::none) return;
  const workspace work;
  if (const auto stored = stored_presence_argument(fcinfo_, number);
      stored.has_value() && stored->bytes().size() > max_log_bytes) {
    check_type(added.type());
    table().builder.add_canonical(stored->bytes(), work);
    return;
  }
  added.for_each_unordered(work, [&](core::key_view key, std::span<const core::interval> intervals) {
    for (const core::interval &each : intervals) add(added.type(), key, each);
  });
}

Datum presence_state::result() const {
  if (table_ != nullptr) return EOHPGetRWDatum(&table_->header);
  if (log_ != nullptr) return PointerGetDatum(log_);
  if (fcinfo_->args[0].isnull) return null_result(fcinfo_);
  return fcinfo_->args[0].value;
}

}  // namespace headcount::pg
