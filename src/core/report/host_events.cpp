#include "core/report/host_events.hpp"

#include <algorithm>

#include "core/presence/packed_intervals.hpp"

#include "core/base/core_only.hpp"

namespace headcount::core {
namespace {

// Slices follow each other, so their own low bits would pile them up beside each other, which is what is wanted: a
// probe that misses goes on in the same cache line.
std::size_t place_of(std::int64_t number) { return static_cast<std::size_t>(number); }

}  // namespace

host_events::host_events(std::pmr::memory_resource *memory)
    : memory_(memory), arena_(key_arena_start, memory), table_(memory, &arena_), slices_(first_slots, memory) {}

host_events::~host_events() {
  for (slice &each : slices_) {
    while (each.newest != nullptr) {
      block *const done = std::exchange(each.newest, each.newest->earlier);
      memory_->deallocate(done, sizeof(block) + done->capacity * sizeof(event), alignof(block));
    }
  }
}

void host_events::settle() {
  const auto make = [this](table::record &, interval when) {
    if (table_.size() > max_hosts) throw_too_large();
    add_session(table_.size(), when);
  };
  table_.settle([](const table::record &, interval) {}, make,
                [this](std::uint32_t number, interval when) { add_session(number, when); });
}

// The number of a host, which is new if it is not there yet.
std::uint32_t host_events::number_of(key_view host) {
  std::uint32_t number = table_.size();
  if (number > max_hosts) throw_too_large();
  table_.add_now(
      host, {}, [](table::record &, interval) {}, [&](std::uint32_t known, interval) { number = known; });
  return number;
}

void host_events::add_now(key_view host, interval when) { add_session(number_of(host), when); }

std::size_t host_events::probe(std::int64_t number) const {
  const std::size_t mask = slices_.size() - 1;
  std::size_t at = place_of(number) & mask;
  while (slices_[at].newest != nullptr && slices_[at].number != number) at = (at + 1) & mask;
  return at;
}

host_events::slice &host_events::find_slice(std::int64_t number) {
  std::size_t at = probe(number);
  if (slices_[at].newest == nullptr) {
    if (2 * ++slice_count_ > slices_.size()) {
      grow_slices();
      at = probe(number);
    }
    slices_[at] = {number, nullptr, nullptr, nullptr};
    add_block(slices_[at]);
  }
  recent_[number & 1] = at;
  return slices_[at];
}

void host_events::grow_slices() {
  std::pmr::vector<slice> before(slices_.size() * 2, memory_);
  before.swap(slices_);
  for (const slice &each : before)
    if (each.newest != nullptr) slices_[probe(each.number)] = each;
  recent_ = {};
}

void host_events::add_block(slice &to) {
  const std::size_t before = to.newest == nullptr ? 0 : sizeof(block) + to.newest->capacity * sizeof(event);
  const std::size_t bytes = before == 0 ? least_block : std::min(before * 4, max_block);
  auto *const made = static_cast<block *>(memory_->allocate(bytes, alignof(block)));
  *made = {to.newest, (bytes - sizeof(block)) / sizeof(event)};
  to.newest = made;
  to.next = made->items();
  to.end = made->items() + made->capacity;
}

std::pmr::vector<const host_events::slice *> host_events::slices_in_order(const context &host) const {
  std::pmr::vector<const slice *> order(host.memory);
  order.reserve(slice_count_);
  for (const slice &each : slices_)
    if (each.newest != nullptr) order.push_back(&each);
  const auto comes_before = [](const slice *a, const slice *b) { return a->number < b->number; };
  std::sort(order.begin(), order.end(), comes_before);
  return order;
}

void host_events::sort(const slice &from, std::pmr::vector<event> &sorted, std::pmr::vector<event> &other,
                       const context &host) {
  sorted.clear();
  for_each_block(from,
                 [&](std::span<const event> events) { sorted.insert(sorted.end(), events.begin(), events.end()); });
  host_event::sort(sorted, other, host);
}

// number of hosts; for each: length, bytes. Number of slices; for each: 8 bytes of number, number of events, the
// events.
void host_events::write(byte_buffer &to, const context &host) const {
  settled();
  to.append_varint(table_.size());
  for (std::uint32_t at = 0; at < table_.size(); ++at) {
    const key_view key = table_[at].key();
    to.append_varint(key.size());
    to.append(key);
  }
  to.append_varint(slice_count_);
  const auto slices = slices_in_order(host);
  std::size_t events = 0;
  for (const slice *each : slices) events += count_events(*each);
  to.reserve(events * sizeof(event) + slice_count_ * (8 + 10));  // at once: growing moves a lot of memory
  for (const slice *each : slices) {
    const std::size_t count = count_events(*each);
    to.append_word(static_cast<std::uint64_t>(each->number), 8);
    to.append_varint(count);
    for_each_block(*each, [&](std::span<const event> some) {
      if constexpr (std::endian::native == std::endian::little)
        to.append(some.data(), some.size_bytes());
      else
        for (const event one : some) to.append_word(one, 8);
    });
    host.poll();
  }
}

// Which session of a host ended when does not matter, only when it had any.
void host_events::write_packed(byte_buffer &to, const context &host) const {
  settled();
  keyed_intervals presence(key_type::text, host.memory);
  std::pmr::vector<std::uint32_t> sessions(table_.size(), host.memory);
  std::pmr::vector<instant> since(table_.size(), host.memory);
  std::pmr::vector<event> sorted(host.memory), other(host.memory);
  for (const slice *each : slices_in_order(host)) {
    sort(*each, sorted, other, host);
    for (const event one : sorted) {
      const auto at = static_cast<instant>(static_cast<std::uint64_t>(each->number) << host_event::tick_bits | one >> host_event::tick_shift);
      const std::uint32_t number = host_event::host(one);
      if (host_event::begun(one) != 0) {
        if (sessions[number]++ == 0) since[number] = at;
      } else if (sessions[number] != 0 && --sessions[number] == 0 && since[number] < at) {
        presence.add(table_[number].key(), {since[number], at});
      }
    }
    host.poll();
  }
  for (std::uint32_t number = 0; number < table_.size(); ++number)
    if (sessions[number] != 0) presence.add(table_[number].key(), {since[number], forever});
  pack_intervals(to, presence, host);
}

void host_events::merge_packed(byte_reader &from, const context &host) {
  unpack_intervals(from, host, [this](key_view key, interval when) { add(key, when); });
}

void host_events::merge(const host_events &from, const context &host) {
  from.settled();
  merge_numbered(
      from.table_.size(), host, [&](std::uint32_t at) { return from.table_[at].key(); },
      [&](auto &&add) {
        for (const slice *each : from.slices_in_order(host))
          for_each_block(*each, [&](std::span<const event> events) { add(each->number, events); });
      });
}

void host_events::merge(byte_reader &from, const context &host) {
  ticker tick(host);
  std::pmr::vector<std::uint32_t> numbers(host.memory);
  for (std::uint64_t hosts = from.take_varint(); hosts-- > 0;) {
    numbers.push_back(number_of(from.take(from.take_varint())));
    tick();
  }
  for (std::uint64_t slices = from.take_varint(); slices-- > 0;) {
    const auto number = static_cast<std::int64_t>(from.take_word(8));
    if (number < host_event::slice_of(beginning) || number > host_event::slice_of(forever))
      byte_reader::throw_damaged("A time is out of range.");
    const std::uint64_t count = from.take_varint();
    if (count > from.remaining() / sizeof(event)) byte_reader::throw_damaged("It ends too early.");
    const key_view events = from.take(count * sizeof(event));
    slice *const into = count == 0 ? nullptr : &find_slice(number);
    for (std::size_t at = 0; at < events.size(); at += sizeof(event)) {
      const auto each = xxh64::load<event>(events.data() + at);
      const std::uint64_t known = each & max_hosts;
      if (known >= numbers.size()) byte_reader::throw_damaged("A host is not among its hosts.");
      put(*into, (each & ~event{max_hosts}) | numbers[static_cast<std::size_t>(known)]);
    }
    host.poll();
  }
}

}  // namespace headcount::core
