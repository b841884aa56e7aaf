#include "pg/daily_value.hpp"

#include "core/base/byte_buffer.hpp"
#include "core/base/error.hpp"
#include "pg/values.hpp"

namespace headcount::pg {

struct expanded_daily {
  ExpandedObjectHeader header;  // must come first
  context_resource memory;
  daily_settings settings;
  std::optional<core::daily_presence> rows;  // what is not in the area
  shared_area *area = nullptr;               // where the other rows are
  std::span<std::byte> flat;                 // from the question for its size until it is written

  expanded_daily(const daily_settings &about, MemoryContext context) : memory(context), settings(about) {}

  core::context host() { return {&memory, check_interrupts}; }
  core::daily_presence &own_rows() {
    if (!rows.has_value()) rows.emplace(*settings.time_zone, settings.as_of, &memory);
    return *rows;
  }
  void set_area(shared_area &collected) {
    collected.keep(header.eoh_context);
    area = &collected;
  }
  // Whether rows go to the area; not if it is there because of others' rows only.
  bool is_collecting() const { return area != nullptr && area->is_inside(); }
  // No more rows come: those of the area are counted, those that it had no room for are taken over.
  void finish_area() {
    if (!is_collecting()) return;
    area->finish();
    if (const core::daily_presence *const rest = area->rows().overflow()) own_rows().merge(*rest, host());
  }
};

namespace {

constexpr std::uint8_t daily_magic = 0xC2, daily_version = 2, area_version = 3, packed_version = 4;

[[noreturn]] void throw_too_many_users() {
  throw core::error(core::fault::too_large, "there are too many users on the days that are computed at once",
                    "What is collected of them holds at most 1 GB, which is some 30 million users.",
                    "Make several sources, each of a part of the users.");
}

// The bytes of a value: the length word is left free, write(core::byte_buffer &) appends the others.
template <typename Write>
std::span<std::byte> make_flat(std::pmr::memory_resource *memory, Write &&write) {
  core::byte_buffer buffer(memory, throw_too_many_users);
  for (int at = 0; at < VARHDRSZ; ++at) buffer.append_byte(0);
  write(buffer);
  const std::size_t size = buffer.size();
  return {buffer.release(), size};
}

void write_head(core::byte_buffer &to, const daily_settings &settings, std::uint8_t version = daily_version) {
  to.append_byte(daily_magic);
  to.append_byte(version);
  const std::string_view zone = settings.time_zone->name();
  to.append_varint(zone.size());
  to.append(zone.data(), zone.size());
  to.append_word(static_cast<std::uint64_t>(settings.as_of), 8);
}

void write_area(core::byte_buffer &to, const shared_area &area) {
  to.append_byte(daily_magic);
  to.append_byte(area_version);
  to.append(&area.name(), sizeof(area_name));
}

std::span<std::byte> flatten(expanded_daily &daily) {
  daily.finish_area();
  return make_flat(&daily.memory, [&](core::byte_buffer &to) {
    if (daily.area != nullptr) write_area(to, *daily.area);
    if (daily.area != nullptr && !daily.rows.has_value()) return;
    write_head(to, daily.settings);
    daily.own_rows().write(to, daily.host());
  });
}

// What a flat state begins with; what is left in `reader` is for core::daily_presence, unless nothing is left.
struct flat_head {
  daily_settings settings;
  shared_area *area;
  bool is_packed;
};

daily_settings settings_of(const shared_area &area) {
  const shared_settings collected = area.settings();
  return {collected.time_zone, collected.as_of};
}

flat_head read_head(core::byte_reader &reader) {
  flat_head found{};
  core::key_view head = reader.take(2);
  if (head[0] == std::byte{daily_magic} && head[1] == std::byte{area_version}) {
    area_name name;
    std::memcpy(&name, reader.take(sizeof name).data(), sizeof name);
    found.area = shared_area::find(name);
    if (found.area == nullptr || !found.area->has_rows())
      throw core::error(core::fault::invalid_argument, "collected days are no longer there",
                        "They were collected by several processes of a query that is over.",
                        "Read them in the query that collects them.");
    found.settings = settings_of(*found.area);
    if (reader.remaining() == 0) return found;
    head = reader.take(2);
  }
  found.is_packed = head[1] == std::byte{packed_version};
  if (head[0] != std::byte{daily_magic} || (head[1] != std::byte{daily_version} && !found.is_packed))
    core::byte_reader::throw_damaged("It is not the state of daily_session_agg or daily_denial_agg.");
  const core::key_view zone = reader.take(reader.take_varint());
  const daily_settings settings{&zone_named({reinterpret_cast<const char *>(zone.data()), zone.size()}),
                                static_cast<core::instant>(reader.take_word(8))};
  if (found.area != nullptr) check_same(found.settings, settings);
  found.settings = settings;
  return found;
}

// What follows the head of a flat state, into rows that may have others already.
void read_rows_of(const flat_head &head, core::byte_reader &reader, core::daily_presence &to, const core::context &host) {
  if (head.is_packed)
    to.read_packed(reader, host);
  else
    to.read(reader, host);
}

// All that an area holds, for one process.
void add_collected(shared_area &area, core::daily_presence &to, const core::context &host) {
  if (area.settings().denials)
    area.collected().add_denials_to(to, host);
  else
    area.collected().add_sessions_to(to, host);
}

Size flat_size(ExpandedObjectHeader *header) {
  auto *const daily = reinterpret_cast<expanded_daily *>(header);
  return enter([daily] {
    if (daily->flat.empty()) daily->flat = flatten(*daily);
    return daily->flat.size();
  });
}

void flatten_into(ExpandedObjectHeader *header, void *to, Size size) {
  auto *const daily = reinterpret_cast<expanded_daily *>(header);
  std::memcpy(to, daily->flat.data(), size);
  SET_VARSIZE(to, size);
  pfree(std::exchange(daily->flat, {}).data());
}

const ExpandedObjectMethods methods = {flat_size, flatten_into};

expanded_daily *expanded_of(Datum datum) {
  if (!VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(datum))) return nullptr;
  ExpandedObjectHeader *const header = DatumGetEOHP(datum);
  return header->eoh_methods == &methods ? reinterpret_cast<expanded_daily *>(header) : nullptr;
}

}  // namespace

void check_same(const daily_settings &one, const daily_settings &other) {
  if (one.time_zone == other.time_zone && one.as_of == other.as_of) return;
  throw core::error(core::fault::invalid_argument, "states of one daily report were collected under different settings",
                    "Time zone and as_of must be the same for all rows.");
}

daily_state::daily_state(FunctionCallInfo fcinfo) : fcinfo_(fcinfo) {
  if (AggCheckCallContext(fcinfo, &aggregate_) == 0)
    throw core::error(core::fault::wrong_context, "function can only be called by an aggregate", {},
                      "Use the aggregate daily_session_agg or daily_denial_agg.");
  if (PG_ARGISNULL(0)) return;
  const Datum state = fcinfo->args[0].value;
  if (VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(state))) expanded_ = expanded_of(state);
  if (expanded_ == nullptr) {
    add_argument(0);
  } else if (!expanded_->flat.empty()) {
    pfree(std::exchange(expanded_->flat, {}).data());  // its size was asked for, no more
  }
}

void daily_state::create(const daily_settings &settings) {
  if (TIMESTAMP_NOT_FINITE(settings.as_of))
    throw core::error(core::fault::invalid_argument, "argument \"as_of\" must be finite");
  const auto made = call([this] {
    MemoryContext const context = AllocSetContextCreate(aggregate_, "headcount days", ALLOCSET_DEFAULT_SIZES);
    return std::pair(context, MemoryContextAlloc(context, sizeof(expanded_daily)));
  });
  expanded_ = new (made.second) expanded_daily(settings, made.first);
  call([&] { EOH_init_header(&expanded_->header, &methods, made.first); });
}

// Only a partial aggregate over all rows has rows to put together with those of others: one for each group would need
// an area for each.
void daily_state::create(const shared_settings &settings, const area_name &name) {
  create(daily_settings{settings.time_zone, settings.as_of});
  if (!IsInParallelMode() || fcinfo_->context == nullptr || !IsA(fcinfo_->context, AggState)) return;
  const auto *const aggregate = reinterpret_cast<const AggState *>(fcinfo_->context);
  if (aggregate->aggstrategy != AGG_PLAIN || !DO_AGGSPLIT_SKIPFINAL(aggregate->aggsplit)) return;
  shared_area *const area = shared_area::find(name);
  if (area != nullptr && area->join(aggregate, settings)) expanded_->set_area(*area);
}

core::daily_presence &daily_state::rows() { return expanded_->own_rows(); }

void daily_state::add_session(std::optional<core::key_view> user, std::optional<core::key_view> host,
                              core::interval when) {
  if (expanded_->is_collecting())
    expanded_->area->rows().add_session(user, host, when, expanded_->area->host());
  else
    rows().add_session(user, host, when);
}

void daily_state::add_session(std::optional<core::key_view> user, std::optional<core::key_view> host,
                              core::interval when, core::interval within) {
  rows().add_session(user, host, when, within);
}

void daily_state::add_denial(core::key_view user, core::instant at) {
  if (expanded_->is_collecting())
    expanded_->area->rows().add_denial(user, at, expanded_->area->host());
  else
    rows().add_denial(user, at);
}

void daily_state::add_argument(int number) {
  if (expanded_daily *const other = expanded_of(fcinfo_->args[number].value)) {  // of this very process
    if (is_new()) create(other->settings);
    check_same(expanded_->settings, other->settings);
    other->finish_area();
    if (other->area != nullptr) add_area(*other->area);
    if (other->rows.has_value()) rows().merge(*other->rows, expanded_->host());
    return;
  }
  core::byte_reader reader(bytes_argument(fcinfo_, number));
  const flat_head theirs = read_head(reader);
  if (is_new()) create(theirs.settings);
  check_same(expanded_->settings, theirs.settings);
  if (theirs.area != nullptr) add_area(*theirs.area);
  if (reader.remaining() == 0) return;
  if (theirs.is_packed)
    rows().read_packed(reader, expanded_->host());
  else
    rows().merge(reader, expanded_->host());
}

// Every process that collected in an area says so, but its rows are there once.
void daily_state::add_area(shared_area &area) {
  if (expanded_->area == &area) return;
  if (expanded_->area != nullptr)
    add_collected(area, rows(), expanded_->host());
  else
    expanded_->set_area(area);
}

Datum daily_state::result() const {
  if (expanded_ != nullptr) return EOHPGetRWDatum(&expanded_->header);
  return null_result(fcinfo_);
}

daily_argument::daily_argument(FunctionCallInfo fcinfo, int number, const core::context &host) : host_(host) {
  if (PG_ARGISNULL(number)) return;
  is_null_ = false;
  if (expanded_daily *const daily = expanded_of(fcinfo->args[number].value)) {
    daily->finish_area();
    settings_ = daily->settings;
    area_ = daily->area;
    rows_ = daily->rows.has_value() && !daily->rows->is_empty() ? &*daily->rows : nullptr;
    return;
  }
  core::byte_reader reader(bytes_argument(fcinfo, number));
  const flat_head head = read_head(reader);
  settings_ = head.settings;
  area_ = head.area;
  if (area_ == nullptr || reader.remaining() != 0) read_rows_of(head, reader, read_rows(), host);
}

core::daily_presence &daily_argument::read_rows() const {
  if (!read_.has_value()) read_.emplace(*settings_.time_zone, settings_.as_of, host_.memory);
  return *read_;
}

core::shared_rows *daily_argument::shared() const {
  if (area_ == nullptr || rows_ != nullptr || read_.has_value()) return nullptr;
  core::shared_rows &found = area_->collected();
  return found.is_complete() ? &found : nullptr;
}

const core::daily_presence &daily_argument::rows() const {
  if (area_ == nullptr) return rows_ != nullptr ? *rows_ : read_rows();
  if (!area_read_) {
    area_read_ = true;
    if (rows_ != nullptr) read_rows().merge(*rows_, host_);
    add_collected(*area_, read_rows(), host_);
  }
  return *read_;
}

daily_arguments::daily_arguments(FunctionCallInfo fcinfo, int first, const core::context &host)
    : sessions_(fcinfo, first, host), denials_(fcinfo, first + 1, host) {
  if (empty()) return;
  if (!sessions_.is_null() && !denials_.is_null()) check_same(sessions_.settings(), denials_.settings());
  none_.emplace(*settings().time_zone, settings().as_of, host.memory);
}

area_name collected_area(FunctionCallInfo fcinfo, int number) {
  if (PG_ARGISNULL(number)) return {};
  // Rows that came otherwise need not be read to be told.
  if (!VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(fcinfo->args[number].value)) &&
      bytes_argument(fcinfo, number).size() != 2 + sizeof(area_name))
    return {};
  const workspace work;
  const daily_argument state(fcinfo, number, work);
  return state.shared() != nullptr && state.area()->settings().denials ? state.area()->name() : area_name{};
}

core::instant first_collected(FunctionCallInfo fcinfo, int number) {
  if (PG_ARGISNULL(number)) return core::forever;
  if (expanded_of(fcinfo->args[number].value) != nullptr) {
    const workspace work;
    return daily_argument(fcinfo, number, work).rows().first();
  }
  core::byte_reader reader(bytes_argument(fcinfo, number));
  const flat_head head = read_head(reader);
  core::instant first = head.area != nullptr ? head.area->collected().first() : core::forever;
  if (reader.remaining() != 0) first = std::min(first, core::daily_presence::read_first(reader));
  return first;
}

std::optional<std::span<const std::byte>> packed_state(FunctionCallInfo fcinfo, const core::context &host) {
  if (expanded_of(fcinfo->args[0].value) == nullptr) {
    const core::key_view bytes = bytes_argument(fcinfo, 0);
    if (bytes.size() < 2 || bytes[0] != std::byte{daily_magic} || bytes[1] == std::byte{packed_version}) return std::nullopt;
  }
  const daily_argument state(fcinfo, 0, host);
  if (!state.rows().is_open()) return std::nullopt;
  core::byte_buffer buffer(host.memory, throw_too_many_users);
  write_head(buffer, state.settings(), packed_version);
  state.rows().write_packed(buffer, host);
  const std::size_t size = buffer.size();
  return std::span<const std::byte>(buffer.release(), size);
}

Datum with_peaks(FunctionCallInfo fcinfo) {
  const workspace work;
  const daily_argument state(fcinfo, 0, work);
  if (state.shared() != nullptr)
    return value_result(make_flat(work.host().memory, [&](core::byte_buffer &to) { write_area(to, *state.area()); }));
  if (!state.rows().is_open()) return fcinfo->args[0].value;
  return value_result(make_flat(work.host().memory, [&](core::byte_buffer &to) {
    write_head(to, state.settings());
    state.rows().write_with_peaks(to, *state.settings().time_zone, work);
  }));
}

}  // namespace headcount::pg
