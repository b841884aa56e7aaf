#include "pg/report_value.hpp"

#include "core/byte_buffer.hpp"
#include "core/error.hpp"
#include "core/presence_builder.hpp"
#include "pg/memory.hpp"
#include "pg/values.hpp"

namespace headcount::pg {

struct expanded_report {
  ExpandedObjectHeader header;  // must come first
  context_resource memory;
  std::pmr::string time_zone;
  report_settings settings;
  core::presence_builder sessions, denials, hosts, denial_events;
  std::span<std::byte> flat;  // from the question for its size until it is written

  expanded_report(const report_settings &about, MemoryContext context)
      : memory(context),
        time_zone(about.time_zone, &memory),
        settings(about),
        sessions(core::key_type::text, &memory),
        denials(core::key_type::text, &memory),
        hosts(core::key_type::text, &memory),
        denial_events(core::key_type::session, &memory) {
    settings.time_zone = time_zone;
  }

  core::context host() { return {&memory, check_interrupts}; }
  std::array<core::presence_builder *, 4> builders() { return {&sessions, &denials, &hosts, &denial_events}; }
};

namespace {

constexpr std::uint8_t report_magic = 0xC2, report_version = 1;

std::span<std::byte> flatten(expanded_report &report) {
  core::byte_buffer buffer(&report.memory);
  for (int at = 0; at < VARHDRSZ; ++at) buffer.append_byte(0);
  buffer.append_byte(report_magic);
  buffer.append_byte(report_version);
  const report_settings &about = report.settings;
  buffer.append_varint(static_cast<std::uint64_t>(about.model));
  buffer.append_varint(static_cast<std::uint64_t>(about.window_days));
  buffer.append_varint(about.time_zone.size());
  buffer.append(about.time_zone.data(), about.time_zone.size());
  buffer.append_word(static_cast<std::uint64_t>(about.as_of), 8);
  for (core::presence_builder *each : report.builders()) {
    const auto bytes = core::to_canonical(each->view(report.host()), core::all_time, 0, report.host());
    buffer.append_varint(bytes.size());
    buffer.append(bytes.data(), bytes.size());
    pfree(bytes.data());
  }
  const std::size_t size = buffer.size();
  return {buffer.release(), size};
}

// What a flat state holds, in place.
struct flat_report {
  report_settings settings;
  std::array<core::key_view, 4> presences;
};

flat_report read_flat(core::key_view bytes) {
  core::byte_reader reader(bytes);
  const core::key_view head = reader.take(2);
  if (head[0] != std::byte{report_magic} || head[1] != std::byte{report_version})
    throw core::error(core::fault::damaged_bytes, "invalid bytes for the state of a daily report");
  flat_report report{};
  const std::uint64_t model = reader.take_varint(), window_days = reader.take_varint();
  if (model > 1 || window_days < 1 || window_days > INT32_MAX)
    throw core::error(core::fault::damaged_bytes, "invalid bytes for the state of a daily report");
  report.settings.model = static_cast<core::licensing_model>(model);
  report.settings.window_days = static_cast<std::int32_t>(window_days);
  const core::key_view zone = reader.take(reader.take_varint());
  report.settings.time_zone = {reinterpret_cast<const char *>(zone.data()), zone.size()};
  report.settings.as_of = static_cast<core::instant>(reader.take_word(8));
  for (core::key_view &each : report.presences) each = reader.take(reader.take_varint());
  return report;
}

Size flat_size(ExpandedObjectHeader *header) {
  auto *const report = reinterpret_cast<expanded_report *>(header);
  return enter([report] {
    if (report->flat.empty()) report->flat = flatten(*report);
    return report->flat.size();
  });
}

void flatten_into(ExpandedObjectHeader *header, void *to, Size size) {
  auto *const report = reinterpret_cast<expanded_report *>(header);
  std::memcpy(to, report->flat.data(), size);
  SET_VARSIZE(to, size);
  pfree(std::exchange(report->flat, {}).data());
}

const ExpandedObjectMethods methods = {flat_size, flatten_into};

expanded_report *expanded_of(Datum datum) {
  if (!VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(datum))) return nullptr;
  ExpandedObjectHeader *const header = DatumGetEOHP(datum);
  return header->eoh_methods == &methods ? reinterpret_cast<expanded_report *>(header) : nullptr;
}

}  // namespace

report_state::report_state(FunctionCallInfo fcinfo) : fcinfo_(fcinfo) {
  if (AggCheckCallContext(fcinfo, &aggregate_) == 0)
    throw core::error(core::fault::wrong_context, "function can only be called by an aggregate", {},
                      "Use the aggregate daily_report_agg.");
  if (PG_ARGISNULL(0)) return;
  const Datum state = fcinfo->args[0].value;
  if (VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(state))) report_ = expanded_of(state);
  if (report_ == nullptr) {
    add_argument(0);
  } else if (!report_->flat.empty()) {
    pfree(std::exchange(report_->flat, {}).data());  // its size was asked for, no more
  }
}

void report_state::create(const report_settings &settings) {
  const auto made = call([this] {
    MemoryContext const context = AllocSetContextCreate(aggregate_, "headcount report", ALLOCSET_DEFAULT_SIZES);
    return std::pair(context, MemoryContextAlloc(context, sizeof(expanded_report)));
  });
  report_ = new (made.second) expanded_report(settings, made.first);
  call([&] { EOH_init_header(&report_->header, &methods, made.first); });
}

void report_state::add_session(std::optional<core::key_view> user, std::optional<core::key_view> host,
                               core::interval stretch) {
  if (user.has_value()) report_->sessions.add(*user, stretch);
  if (host.has_value()) report_->hosts.add(*host, stretch);
}

void report_state::add_denial(core::key_view user, core::interval at) {
  report_->denials.add(user, at);
  report_->denial_events.add({}, at);
}

void report_state::add_argument(int number) {
  core::key_view bytes;
  if (expanded_report *const other = expanded_of(fcinfo_->args[number].value)) {
    bytes = core::key_view(flatten(*other)).subspan(VARHDRSZ);
  } else {
    bytes = bytes_argument(fcinfo_, number);
  }
  const flat_report added = read_flat(bytes);
  if (is_new()) create(added.settings);
  const report_settings &mine = report_->settings, &theirs = added.settings;
  if (mine.time_zone != theirs.time_zone || mine.model != theirs.model || mine.window_days != theirs.window_days ||
      mine.as_of != theirs.as_of)
    throw core::error(core::fault::invalid_argument, "rows of one daily report ask for different reports",
                      "Time zone, licensing model, window_days and as_of must be the same for all rows.");
  std::size_t at = 0;
  for (core::presence_builder *each : report_->builders()) each->add_canonical(added.presences[at++], report_->host());
}

Datum report_state::result() const {
  if (report_ != nullptr) return EOHPGetRWDatum(&report_->header);
  return null_result(fcinfo_);
}

void read_report(FunctionCallInfo fcinfo, int number,
                 void (*read)(const report_settings &, const core::report_input &, void *), void *closure) {
  if (expanded_report *const report = expanded_of(fcinfo->args[number].value)) {
    const core::context host = report->host();
    read(report->settings,
         {report->sessions.view(host), report->denials.view(host), report->hosts.view(host),
          report->denial_events.view(host)},
         closure);
    return;
  }
  const flat_report report = read_flat(bytes_argument(fcinfo, number));
  const auto view = [&](std::size_t at) { return core::presence_view(report.presences[at]); };
  read(report.settings, {view(0), view(1), view(2), view(3)}, closure);
}

}  // namespace headcount::pg
