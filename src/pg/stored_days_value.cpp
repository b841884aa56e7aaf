#include "pg/stored_days_value.hpp"

#include <algorithm>

#include "core/base/byte_buffer.hpp"
#include "core/base/error.hpp"
#include "pg/values.hpp"

namespace headcount::pg {
namespace {

struct expanded_days {
  ExpandedObjectHeader header;  // must come first
  context_resource memory;
  std::pmr::vector<core::stored_day> rows;
  std::span<std::byte> flat;  // from the question for its size until it is written

  explicit expanded_days(MemoryContext context) : memory(context), rows(&memory) {}
};

constexpr std::uint8_t days_magic = 0xC4, days_version = 1;

using count = std::int64_t core::stored_day::*;
using set = core::set_store::handle core::stored_day::*;
constexpr count counts[] = {&core::stored_day::used_count, &core::stored_day::denied_count, &core::stored_day::daily_count, &core::stored_day::new_count,
                            &core::stored_day::window_count, &core::stored_day::denials};
constexpr set sets[] = {&core::stored_day::used, &core::stored_day::denied, &core::stored_day::new_users};

std::span<std::byte> flatten(expanded_days &days) {
  core::byte_buffer buffer(&days.memory);
  for (int at = 0; at < VARHDRSZ; ++at) buffer.append_byte(0);
  buffer.append_byte(days_magic);
  buffer.append_byte(days_version);
  buffer.append_varint(days.rows.size());
  datum_sets opened(&days.memory);
  for (const core::stored_day &row : days.rows) {
    check_interrupts();
    buffer.append_word(static_cast<std::uint64_t>(std::int64_t{row.day}), 8);
    for (const count each : counts) buffer.append_word(static_cast<std::uint64_t>(row.*each), 8);
    buffer.append_word(static_cast<std::uint64_t>(row.concurrent_hosts.level), 8);
    buffer.append_word(static_cast<std::uint64_t>(row.concurrent_hosts.at), 8);
    for (const set each : sets) {
      const core::key_view bytes = row.*each == 0 ? core::key_view() : opened.open(row.*each);
      buffer.append_varint(bytes.size());
      buffer.append(bytes.data(), bytes.size());
    }
  }
  const std::size_t size = buffer.size();
  return {buffer.release(), size};
}

Size flat_size(ExpandedObjectHeader *header) {
  auto *const days = reinterpret_cast<expanded_days *>(header);
  return enter([days] {
    if (days->flat.empty()) days->flat = flatten(*days);
    return days->flat.size();
  });
}

void flatten_into(ExpandedObjectHeader *header, void *to, Size size) {
  auto *const days = reinterpret_cast<expanded_days *>(header);
  std::memcpy(to, days->flat.data(), size);
  SET_VARSIZE(to, size);
  pfree(std::exchange(days->flat, {}).data());
}

const ExpandedObjectMethods methods = {flat_size, flatten_into};

expanded_days *expanded_of(Datum datum) {
  if (!VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(datum))) return nullptr;
  ExpandedObjectHeader *const header = DatumGetEOHP(datum);
  return header->eoh_methods == &methods ? reinterpret_cast<expanded_days *>(header) : nullptr;
}

// The rows of flat bytes, with their sets as values of their own.
void read_flat(core::key_view bytes, std::pmr::vector<core::stored_day> &to) {
  core::byte_reader reader(bytes);
  const core::key_view head = reader.take(2);
  if (head[0] != std::byte{days_magic} || head[1] != std::byte{days_version})
    core::byte_reader::throw_damaged("It is not the state of stored_days_agg.");
  for (std::uint64_t left = reader.take_varint(); left > 0; --left) {
    check_interrupts();
    core::stored_day row;
    row.day = static_cast<core::day_number>(static_cast<std::int64_t>(reader.take_word(8)));
    for (const count each : counts) row.*each = static_cast<std::int64_t>(reader.take_word(8));
    row.concurrent_hosts.level = static_cast<std::int64_t>(reader.take_word(8));
    row.concurrent_hosts.at = static_cast<core::instant>(reader.take_word(8));
    for (const set each : sets)
      if (const core::key_view held = reader.take(reader.take_varint()); !held.empty()) row.*each = copied_value(held);
    to.push_back(row);
  }
  if (reader.remaining() != 0) core::byte_reader::throw_damaged("Bytes follow its last row.");
}

}  // namespace

core::key_view datum_sets::open(handle set) {
  auto *const value = reinterpret_cast<struct varlena *>(set);
  if (!VARATT_IS_EXTERNAL(value) && !VARATT_IS_COMPRESSED(value)) return bytes_of(set);
  const auto [at, is_new] = fetched_.try_emplace(set);
  if (is_new) at->second = bytes_of(PointerGetDatum(call([value] { return pg_detoast_datum_packed(value); })));
  return at->second;
}

core::set_store::handle set_argument(FunctionCallInfo fcinfo, int number) { return PG_ARGISNULL(number) ? 0 : fcinfo->args[number].value; }

Datum add_stored_day(FunctionCallInfo fcinfo) {
  MemoryContext aggregate = nullptr;
  if (AggCheckCallContext(fcinfo, &aggregate) == 0)
    throw core::error(core::fault::wrong_context, "function can only be called by an aggregate", {}, "Use the aggregate stored_days_agg.");
  require_argument(fcinfo, 1, "day");
  expanded_days *state = PG_ARGISNULL(0) ? nullptr : expanded_of(fcinfo->args[0].value);
  if (state == nullptr) {
    const auto made = call([aggregate] {
      MemoryContext const context = AllocSetContextCreate(aggregate, "headcount stored days", ALLOCSET_DEFAULT_SIZES);
      return std::pair(context, MemoryContextAlloc(context, sizeof(expanded_days)));
    });
    state = new (made.second) expanded_days(made.first);
    call([&] { EOH_init_header(&state->header, &methods, made.first); });
    if (!PG_ARGISNULL(0)) {
      MemoryContext const before = MemoryContextSwitchTo(state->header.eoh_context);
      read_flat(bytes_argument(fcinfo, 0), state->rows);
      MemoryContextSwitchTo(before);
    }
  }
  if (!state->flat.empty()) pfree(std::exchange(state->flat, {}).data());  // its size was asked for, no more
  core::stored_day row;
  row.day = PG_GETARG_DATEADT(1);
  call([&] {
    MemoryContext const before = MemoryContextSwitchTo(state->header.eoh_context);
    for (int at = 0; at < 3; ++at)
      if (!PG_ARGISNULL(2 + at)) row.*sets[at] = datumCopy(fcinfo->args[2 + at].value, false, -1);
    MemoryContextSwitchTo(before);
  });
  for (int at = 0; at < 6; ++at)
    if (!PG_ARGISNULL(5 + at)) row.*counts[at] = PG_GETARG_INT32(5 + at);
  if (!PG_ARGISNULL(11)) row.concurrent_hosts.level = PG_GETARG_INT32(11);
  if (!PG_ARGISNULL(12)) row.concurrent_hosts.at = PG_GETARG_TIMESTAMPTZ(12);
  state->rows.push_back(row);
  return EOHPGetRWDatum(&state->header);
}

// PostgreSQL before 16 copies a result that does not lie in the memory of the call, which would fetch every set: so what is
// returned is a pointer to the state, of its own.
Datum finish_stored_days(FunctionCallInfo fcinfo) {
  if (PG_ARGISNULL(0)) return null_result(fcinfo);
  const expanded_days *const state = expanded_of(fcinfo->args[0].value);
  if (state == nullptr) return fcinfo->args[0].value;
  void *const pointer = call([] { return palloc(EXPANDED_POINTER_SIZE); });
  std::memcpy(pointer, state->header.eoh_ro_ptr, EXPANDED_POINTER_SIZE);
  return PointerGetDatum(pointer);
}

std::pmr::vector<core::stored_day> stored_days_argument(FunctionCallInfo fcinfo, int number, const core::context &host) {
  std::pmr::vector<core::stored_day> rows(host.memory);
  if (PG_ARGISNULL(number)) return rows;
  if (const expanded_days *const state = expanded_of(fcinfo->args[number].value))
    rows.assign(state->rows.begin(), state->rows.end());
  else
    read_flat(bytes_argument(fcinfo, number), rows);
  std::stable_sort(rows.begin(), rows.end(), [](const core::stored_day &a, const core::stored_day &b) { return a.day < b.day; });
  return rows;
}

}  // namespace headcount::pg
