#include "pg/daily_value.hpp"

#include "core/base/byte_buffer.hpp"
#include "core/base/error.hpp"
#include "pg/values.hpp"

namespace headcount::pg {

struct expanded_daily {
  ExpandedObjectHeader header;  // must come first
  context_resource memory;
  daily_settings settings;
  core::daily_presence rows;
  std::span<std::byte> flat;  // from the question for its size until it is written

  expanded_daily(const daily_settings &about, MemoryContext context)
      : memory(context), settings(about), rows(*about.time_zone, about.as_of, &memory) {}

  core::context host() { return {&memory, check_interrupts}; }
};

namespace {

constexpr std::uint8_t daily_magic = 0xC2, daily_version = 2;

// The bytes of a value: the length word is left free, the settings follow, then what write(core::byte_buffer &)
// appends.
template <typename Write>
std::span<std::byte> make_flat(const daily_settings &settings, std::pmr::memory_resource *memory, Write &&write) {
  core::byte_buffer buffer(memory);
  for (int at = 0; at < VARHDRSZ; ++at) buffer.append_byte(0);
  buffer.append_byte(daily_magic);
  buffer.append_byte(daily_version);
  const std::string_view zone = settings.time_zone->name();
  buffer.append_varint(zone.size());
  buffer.append(zone.data(), zone.size());
  buffer.append_word(static_cast<std::uint64_t>(settings.as_of), 8);
  write(buffer);
  const std::size_t size = buffer.size();
  return {buffer.release(), size};
}

std::span<std::byte> flatten(expanded_daily &daily) {
  return make_flat(daily.settings, &daily.memory, [&](core::byte_buffer &to) { daily.rows.write(to, daily.host()); });
}

// Reads the head of a flat state; what is left in `reader` is for core::daily_presence::merge().
daily_settings read_head(core::byte_reader &reader) {
  const core::key_view head = reader.take(2);
  if (head[0] != std::byte{daily_magic} || head[1] != std::byte{daily_version})
    core::byte_reader::throw_damaged("It is not the state of daily_session_agg or daily_denial_agg.");
  daily_settings settings{};
  const core::key_view zone = reader.take(reader.take_varint());
  settings.time_zone = &zone_named({reinterpret_cast<const char *>(zone.data()), zone.size()});
  settings.as_of = static_cast<core::instant>(reader.take_word(8));
  return settings;
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

core::daily_presence &daily_state::rows() { return expanded_->rows; }

void daily_state::add_argument(int number) {
  if (const expanded_daily *const other = expanded_of(fcinfo_->args[number].value)) {  // of this very process
    if (is_new()) create(other->settings);
    check_same(expanded_->settings, other->settings);
    expanded_->rows.merge(other->rows, expanded_->host());
    return;
  }
  core::byte_reader reader(bytes_argument(fcinfo_, number));
  const daily_settings theirs = read_head(reader);
  if (is_new()) create(theirs);
  check_same(expanded_->settings, theirs);
  expanded_->rows.merge(reader, expanded_->host());
}

Datum daily_state::result() const {
  if (expanded_ != nullptr) return EOHPGetRWDatum(&expanded_->header);
  return null_result(fcinfo_);
}

daily_argument::daily_argument(FunctionCallInfo fcinfo, int number, const core::context &host) {
  if (PG_ARGISNULL(number)) return;
  if (const expanded_daily *const daily = expanded_of(fcinfo->args[number].value)) {
    rows_ = &daily->rows;
    settings_ = daily->settings;
    return;
  }
  core::byte_reader reader(bytes_argument(fcinfo, number));
  settings_ = read_head(reader);
  read_.emplace(*settings_.time_zone, settings_.as_of, host.memory);
  read_->read(reader, host);
  rows_ = &*read_;
}

daily_arguments::daily_arguments(FunctionCallInfo fcinfo, int first, const core::context &host)
    : sessions_(fcinfo, first, host), denials_(fcinfo, first + 1, host) {
  if (empty()) return;
  if (sessions_.rows() != nullptr && denials_.rows() != nullptr)
    check_same(sessions_.settings(), denials_.settings());
  none_.emplace(*settings().time_zone, settings().as_of, host.memory);
}

Datum with_peaks(FunctionCallInfo fcinfo) {
  const workspace work;
  const daily_argument state(fcinfo, 0, work);
  if (!state.rows()->is_open()) return fcinfo->args[0].value;
  return value_result(make_flat(state.settings(), work.host().memory,
                                [&](core::byte_buffer &to) { state.rows()->write_with_peaks(to, *state.settings().time_zone, work); }));
}

}  // namespace headcount::pg
