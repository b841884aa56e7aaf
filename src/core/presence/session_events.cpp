#include "core/presence/session_events.hpp"

#include <algorithm>
#include <bit>
#include <map>
#include <optional>
#include <utility>

#include "core/base/error.hpp"
#include "core/base/radix_sort.hpp"
#include "core/presence/presence_view.hpp"

#include "core/base/core_only.hpp"

namespace headcount::core {
namespace {

constexpr std::uint8_t events_version = 1;
constexpr std::size_t head_size = 12;
// So many events are sorted, or put together, at a time: 32 kB, and as much to work in.
constexpr std::uint64_t events_at_once = 4096;

using word = std::uint64_t;

// How events of one stretch of time are packed.
struct packing {
  unsigned number_bits;

  explicit packing(std::uint32_t keys)
      : number_bits(static_cast<unsigned>(std::bit_width(keys - (keys == 0 ? 0U : 1U)))) {}

  // The longest stretch of time whose events fit.
  unsigned max_tick_bits() const { return 63 - number_bits; }
  word of(std::uint64_t tick, bool begins, std::uint32_t number) const {
    return (((tick << 1U) | word{begins}) << number_bits) | number;
  }
  std::uint64_t order(word event) const { return event >> number_bits; }
  std::uint64_t tick(word event) const { return event >> number_bits >> 1U; }
  std::uint32_t begins(word event) const { return static_cast<std::uint32_t>(event >> number_bits) & 1U; }
  std::uint32_t number(word event) const { return static_cast<std::uint32_t>(event & ((word{1} << number_bits) - 1)); }
};

// How long stretches of time are, in bits of ticks, so that there are some `events_at_once` in each.
unsigned stretch_bits(std::uint64_t range, std::uint64_t events, unsigned most) {
  const auto range_bits = static_cast<unsigned>(std::bit_width(range));
  const auto count_bits = static_cast<unsigned>(std::bit_width(events / events_at_once));
  return std::min(range_bits > count_bits ? range_bits - count_bits : 0, most);
}

// Merges two sorted runs without branches on the events: which one comes next is as good as random.
word *merge_runs(const word *left, const word *left_end, const word *right, const word *right_end, word *to) {
  while (left != left_end && right != right_end) {
    const word one = *left, other = *right;
    const bool is_right = other < one;
    *to++ = is_right ? other : one;
    right += is_right ? 1 : 0;
    left += is_right ? 0 : 1;
  }
  to = std::copy(left, left_end, to);
  return std::copy(right, right_end, to);
}

}  // namespace

// Goes through the rows of a session_events in order of time.
class session_events::sorted_events {
 public:
  sorted_events(const session_events &from, const context &host)
      : packing_(from.table_.size()), words_(host.memory), ends_(host.memory) {
    instant first = forever, last = beginning;
    from.for_each_event(host, [&](instant at, bool, std::uint32_t) {
      ++count_;
      first = std::min(first, at);
      last = std::max(last, at);
    });
    if (count_ == 0) return;
    first_ = first;
    last_ = last;
    // Long stretches need few buckets, and short ones as many as leave room for the numbers, which are fewer than rows.
    const std::uint64_t range = distance(first, last);
    shift_ = stretch_bits(range, count_, packing_.max_tick_bits());
    const std::uint64_t mask = (std::uint64_t{1} << shift_) - 1;
    ends_.resize(static_cast<std::size_t>(range >> shift_) + 1);
    from.for_each_event(host, [&](instant at, bool, std::uint32_t) { ++ends_[bucket_of(distance(first_, at))]; });
    std::size_t sum = 0;
    for (std::size_t &each : ends_) {
      largest_ = std::max(largest_, each);
      sum += std::exchange(each, sum);
    }
    words_.resize(count_);
    from.for_each_event(host, [&](instant at, bool begins, std::uint32_t number) {
      const std::uint64_t offset = distance(first_, at);
      words_[ends_[bucket_of(offset)]++] = packing_.of(offset & mask, begins, number);
    });
  }

  std::size_t count() const { return count_; }
  const packing &packed() const { return packing_; }
  instant last() const { return last_; }

  // Calls visit(instant base, std::span<const word> events) for each bucket that has any; ticks count from its base.
  template <typename Visit>
  void for_each_bucket(const context &host, Visit &&visit) {
    std::pmr::vector<word> other(largest_, host.memory);
    std::size_t from = 0;
    for (std::size_t bucket = 0; bucket < ends_.size(); ++bucket) {
      const std::span<word> events = std::span(words_).subspan(from, ends_[bucket] - from);
      from = ends_[bucket];
      if (events.empty()) continue;
      radix_sort(
          events, std::span(other), [this](word each) { return packing_.order(each); }, host);
      visit(later(first_, static_cast<std::uint64_t>(bucket) << shift_), std::span<const word>(events));
    }
  }

 private:
  std::size_t bucket_of(std::uint64_t offset) const { return static_cast<std::size_t>(offset >> shift_); }

  packing packing_;
  std::size_t count_ = 0, largest_ = 0;
  instant first_ = 0, last_ = 0;
  unsigned shift_ = 0;
  std::pmr::vector<word> words_;
  std::pmr::vector<std::size_t> ends_;  // of buckets in words_
};

// Goes through written events, checking everything.
class session_events::part_reader {
 public:
  explicit part_reader(key_view bytes) : type_(type_of(bytes)), body_(bytes.subspan(head_size)) {
    last_ = static_cast<instant>(xxh64::load<std::uint64_t>(bytes.data() + 4));
    keys_ = body_.take_varint();
    // A key takes a byte at least, so a damaged count asks for no more memory than there are bytes.
    if (keys_ > body_.remaining()) byte_reader::throw_damaged("It has more keys than bytes.");
    if (type_ == key_type::session && keys_ != 0) byte_reader::throw_damaged("A session has no key.");
  }

  key_type type() const { return type_; }
  std::uint64_t key_count() const { return keys_; }
  instant last() const { return last_; }

  // Calls visit(key_view) for each key, in order of their numbers; then the events can be read.
  template <typename Visit>
  void read_keys(Visit &&visit) {
    for (std::uint64_t at = 0; at < keys_; ++at) visit(body_.take(body_.take_varint()));
    left_ = body_.take_varint();
    if (left_ > body_.remaining()) byte_reader::throw_damaged("It has more events than bytes.");
    advance();
  }

  std::uint64_t left() const { return left_ + (is_over_ ? 0 : 1); }
  bool is_over() const { return is_over_; }
  instant at() const { return at_; }
  bool begins() const { return begins_; }
  std::uint32_t number() const { return number_; }

  // Calls visit(std::uint64_t ticks since base, bool begins, std::uint32_t number) for each event less than 2^bits
  // ticks after `base`, which is not after the next one.
  template <typename Visit>
  void take_until(instant base, unsigned bits, Visit &&visit) {
    for (; !is_over_; advance()) {
      const std::uint64_t tick = distance(base, at_);
      if (tick >> bits != 0) return;
      visit(tick, begins_, number_);
    }
  }

  void advance() {
    if (left_ == 0) {
      if (body_.remaining() != 0) byte_reader::throw_damaged("Bytes follow its last event.");
      is_over_ = true;
      return;
    }
    --left_;
    const auto shape = std::to_integer<std::uint32_t>(body_.take(1)[0]);
    const std::uint32_t gap_bytes = shape & 15U, number_bytes = (shape >> 4U) & 7U;
    if (gap_bytes > 8 || number_bytes > 4) byte_reader::throw_damaged("A number is wider than any.");
    const std::uint64_t gap = body_.take_word(gap_bytes), number = body_.take_word(number_bytes);
    if (gap > distance(at_, forever - 1)) byte_reader::throw_damaged("A time is out of range.");
    if (number >= keys_ && (number != 0 || type_ != key_type::session))
      byte_reader::throw_damaged("A key is not among its keys.");
    const bool begins = (shape >> 7U) != 0;
    if (gap == 0 && begins_ && !begins) byte_reader::throw_damaged("Its events are out of order.");
    at_ = later(at_, gap);
    begins_ = begins;
    number_ = static_cast<std::uint32_t>(number);
  }

 private:
  key_type type_;
  byte_reader body_;
  instant last_;
  std::uint64_t keys_;
  std::uint64_t left_ = 0;
  instant at_ = beginning;
  bool begins_ = false;
  bool is_over_ = false;
  std::uint32_t number_ = 0;
};

// Writes events that come in order of time.
class session_events::part_writer {
 public:
  explicit part_writer(byte_buffer &to) : to_(to) {}

  void begin(key_type type, const table &keys, std::uint64_t events, instant last) {
    to_.append_byte(events_magic);
    to_.append_byte(events_version);
    to_.append_byte(static_cast<std::uint8_t>(type));
    to_.append_byte(0);
    to_.append_word(static_cast<std::uint64_t>(last), 8);
    to_.append_varint(keys.size());
    for (std::uint32_t at = 0; at < keys.size(); ++at) {
      const key_view key = keys[at].key();
      to_.append_varint(key.size());
      to_.append(key);
    }
    to_.append_varint(events);
    // At once, as far as can be told: growing moves a lot of memory.
    constexpr std::size_t usual_event = 7;
    if (events < max_bytes / usual_event / 2) to_.reserve(static_cast<std::size_t>(events) * usual_event);
  }

  void add(instant base, std::span<const word> events, const packing &packed) {
    for (const word each : events) {
      const instant at = later(base, packed.tick(each));
      const std::uint64_t gap = distance(before_, at), number = packed.number(each);
      const std::uint8_t gap_bytes = bytes_for(gap), number_bytes = bytes_for(number);
      const std::uint64_t begins = packed.begins(each);
      to_.append_word(gap_bytes | std::uint64_t{number_bytes} << 4U | begins << 7U, 1);
      to_.append_word(gap, gap_bytes);
      to_.append_word(number, number_bytes);
      before_ = at;
    }
  }

 private:
  byte_buffer &to_;
  instant before_ = beginning;
};

// Counts how many keys have a session, event by event.
class session_events::level_counter {
 public:
  level_counter(bool nameless, std::uint32_t keys, const context &host)
      : nameless_(nameless), sessions_(nameless ? 0 : keys, host.memory) {}

  // The level rises again only after all ends of an instant, so it need not be looked at instant by instant.
  void count(std::span<const word> sorted, const packing &packed) {
    std::int64_t level = level_, best = best_;
    std::uint32_t impossible = 0;
    if (nameless_) {
      for (const word each : sorted) {
        level += 2 * static_cast<std::int64_t>(packed.begins(each)) - 1;
        best = std::max(best, level);
        impossible |= level < 0 ? 1U : 0U;
      }
    } else {
      // Without branches: whether a session begins or ends is as good as random.
      for (const word each : sorted) {
        const std::uint32_t starts = packed.begins(each);
        std::uint32_t &count = sessions_[packed.number(each)];
        const std::uint32_t was_none = count == 0 ? 1U : 0U;
        count += 2 * starts - 1;
        level += static_cast<std::int64_t>(starts & was_none);
        level -= static_cast<std::int64_t>((starts ^ 1U) & (count == 0 ? 1U : 0U));
        impossible |= (starts ^ 1U) & was_none;
        best = std::max(best, level);
      }
    }
    if (impossible != 0) byte_reader::throw_damaged("A session ends that did not begin.");
    level_ = level;
    best_ = best;
  }

  std::int64_t best() const { return best_; }

 private:
  bool nameless_;
  std::int64_t level_ = 0, best_ = 0;
  std::pmr::vector<std::uint32_t> sessions_;  // of each key
};

session_events::session_events(key_type type, std::pmr::memory_resource *memory)
    : type_(type),
      memory_(memory),
      arena_(key_arena_start, memory),
      table_(memory, &arena_),
      blocks_(memory),
      parts_(memory) {}

session_events::~session_events() {
  for (const std::span<row> &each : blocks_) memory_->deallocate(each.data(), each.size_bytes(), alignof(row));
  for (const std::span<std::byte> &each : parts_) memory_->deallocate(each.data(), each.size(), part_alignment);
}

void session_events::add_block() {
  const std::size_t rows = blocks_.empty() ? first_block : std::min(blocks_.back().size() * 2, max_block);
  blocks_.reserve(blocks_.size() + 1);  // so that the block cannot be lost
  next_ = static_cast<row *>(memory_->allocate(rows * sizeof(row), alignof(row)));
  end_ = next_ + rows;
  blocks_.push_back({next_, rows});
}

void session_events::settle() {
  table_.settle([](const table::record &, interval) {},
                [this](table::record &, interval when) {
                  put({when, table_.size()});
                },
                [this](std::uint32_t number, interval when) {
                  put({when, number});
                });
}

std::uint32_t session_events::number_in(table &keys, key_view key) {
  std::uint32_t number = keys.size();
  keys.add_now(
      key, {}, [](table::record &, interval) {}, [&](std::uint32_t known, interval) { number = known; });
  return number;
}

key_type session_events::type_of(key_view bytes) {
  if (bytes.size() < head_size) byte_reader::throw_damaged("It is too short.");
  const auto byte_at = [&](std::size_t at) { return std::to_integer<std::uint8_t>(bytes[at]); };
  if (byte_at(0) != events_magic || byte_at(1) != events_version || byte_at(3) != 0)
    byte_reader::throw_damaged("It is not the state of max_concurrent.");
  if (byte_at(2) == 0 || byte_at(2) > static_cast<std::uint8_t>(last_key_type))
    byte_reader::throw_damaged("Its key type is unknown.");
  return static_cast<key_type>(byte_at(2));
}

void session_events::merge(const session_events &from, const context &host) {
  byte_buffer written(memory_);
  from.write(written, host);
  const std::size_t size = written.size();
  keep_part({written.release(), size}, host);
}

void session_events::merge(key_view bytes, const context &host) {
  type_ = common_type(type_, type_of(bytes));
  if (bytes.size() < least_part_bytes) {
    pour(bytes, host);
    return;
  }
  auto *const copy = static_cast<std::byte *>(memory_->allocate(bytes.size(), part_alignment));
  std::copy(bytes.begin(), bytes.end(), copy);
  keep_part({copy, bytes.size()}, host);
}

void session_events::keep_part(std::span<std::byte> bytes, const context &host) {
  parts_.push_back(bytes);
  if (parts_.size() <= max_parts) return;
  for (; !parts_.empty(); parts_.pop_back()) {
    pour(parts_.back(), host);
    memory_->deallocate(parts_.back().data(), parts_.back().size(), part_alignment);
  }
}

// Adds the events of a part one by one.
void session_events::pour(key_view part, const context &host) {
  settle();
  ticker tick(host);
  part_reader reader(part);
  std::pmr::vector<std::uint32_t> numbers(host.memory);
  reader.read_keys([&](key_view key) { numbers.push_back(number_in(table_, key)); });
  for (; !reader.is_over(); reader.advance(), tick())
    put_event(reader.at(), reader.begins(), numbers.empty() ? 0 : numbers[reader.number()]);
}

// Calls begin(const table &keys, std::uint64_t events, instant last), then
// visit(instant base, std::span<const word> events, const packing &) for one stretch of time after the other.
template <typename Begin, typename Visit>
void session_events::in_order(const context &host, Begin &&begin, Visit &&visit) const {
  settled();
  if (parts_.empty()) {
    sorted_events own(*this, host);
    begin(table_, own.count(), own.last());
    own.for_each_bucket(host, [&](instant base, std::span<const word> events) { visit(base, events, own.packed()); });
    return;
  }
  byte_buffer rows(host.memory);
  if (has_rows()) write_rows(rows, host);

  std::pmr::monotonic_buffer_resource long_keys(key_arena_start, host.memory);
  table keys(host.memory, &long_keys);
  struct source {
    part_reader reader;
    std::pmr::vector<std::uint32_t> numbers;
  };
  std::pmr::vector<source> sources(host.memory);
  std::uint64_t events = 0;
  instant first = forever, last = beginning;
  const auto add_source = [&](key_view bytes) {
    source &made = sources.emplace_back(source{part_reader(bytes), std::pmr::vector<std::uint32_t>(host.memory)});
    made.reader.read_keys([&](key_view key) { made.numbers.push_back(number_in(keys, key)); });
    if (made.numbers.empty()) made.numbers.push_back(0);  // sessions have no keys, and their number is 0
    events += made.reader.left();
    if (made.reader.is_over()) return;
    first = std::min(first, made.reader.at());
    last = std::max(last, made.reader.last());
  };
  sources.reserve(parts_.size() + 1);
  for (const std::span<std::byte> &each : parts_) add_source(each);
  if (has_rows()) add_source({rows.data(), rows.size()});
  begin(keys, events, last);

  const packing packed(keys.size());
  const unsigned bits = stretch_bits(last > first ? distance(first, last) : 0, events, packed.max_tick_bits());
  std::pmr::vector<word> words(host.memory), other(host.memory);
  std::pmr::vector<std::size_t> ends(host.memory), merged_ends(host.memory);
  for (;;) {
    host.poll();
    instant base = forever;
    for (const source &each : sources)
      if (!each.reader.is_over()) base = std::min(base, each.reader.at());
    if (base == forever) return;
    words.clear();
    ends.clear();
    for (source &each : sources) {
      each.reader.take_until(base, bits, [&](std::uint64_t tick, bool begins, std::uint32_t number) {
        words.push_back(packed.of(tick, begins, each.numbers[number]));
      });
      ends.push_back(words.size());
    }
    other.resize(words.size());
    for (; ends.size() > 1; words.swap(other), ends.swap(merged_ends)) {
      merged_ends.clear();
      word *to = other.data();
      for (std::size_t run = 0, from = 0; run < ends.size(); run += 2) {
        const std::size_t middle = ends[run], end = run + 1 < ends.size() ? ends[run + 1] : middle;
        to = merge_runs(words.data() + from, words.data() + middle, words.data() + middle, words.data() + end, to);
        merged_ends.push_back(end);
        from = end;
      }
    }
    visit(base, std::span<const word>(words), packed);
  }
}

void session_events::write_rows(byte_buffer &to, const context &host) const {
  sorted_events own(*this, host);
  part_writer writer(to);
  writer.begin(type_, table_, own.count(), own.last());
  own.for_each_bucket(host,
                      [&](instant base, std::span<const word> events) { writer.add(base, events, own.packed()); });
}

void session_events::write(byte_buffer &to, const context &host) const {
  part_writer writer(to);
  in_order(
      host, [&](const table &keys, std::uint64_t events, instant last) { writer.begin(type_, keys, events, last); },
      [&](instant base, std::span<const word> events, const packing &packed) { writer.add(base, events, packed); });
}

std::int64_t session_events::highest(const context &host) const {
  std::optional<level_counter> counter;
  in_order(
      host,
      [&](const table &keys, std::uint64_t, instant) {
        counter.emplace(type_ == key_type::session, keys.size(), host);
      },
      [&](instant, std::span<const word> events, const packing &packed) { counter->count(events, packed); });
  return counter->best();
}

namespace {

std::int64_t sum_of(std::int64_t one, std::int64_t other) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(one, other, &sum))
    throw error(fault::number_too_large, "weights add up to more than a bigint holds", {}, "Count in larger units.");
  return sum;
}

// The weight that is the key of a session.
std::int64_t weight_of(key_view key) {
  const std::int64_t weight = key.size() == 8 ? bigint_key::value_of(key) : -1;
  if (weight < 0) byte_reader::throw_damaged("A weight is negative.");
  return weight;
}

}  // namespace

void session_events::sweep(const context &host, level_listener &to) const {
  if (type_ != key_type::session && type_ != key_type::bigint)
    byte_reader::throw_damaged("It is not the state of level_agg.");
  std::pmr::vector<std::int64_t> weights(host.memory), starts(host.memory);
  std::int64_t level = 0;
  instant now = beginning;
  bool is_begun = false;
  const auto tell = [&] {
    std::sort(starts.begin(), starts.end());
    std::int64_t after = level;
    for (const std::int64_t each : starts) after = sum_of(after, each);
    to.hear(now, level, starts, after);
    level = after;
    starts.clear();
  };
  in_order(
      host,
      [&](const table &keys, std::uint64_t, instant) {
        if (type_ == key_type::session) weights.push_back(1);
        for (std::uint32_t at = 0; at < keys.size(); ++at) weights.push_back(weight_of(keys[at].key()));
      },
      [&](instant base, std::span<const word> events, const packing &packed) {
        for (const word each : events) {
          const instant at = later(base, packed.tick(each));
          if (at != now || !is_begun) {
            if (is_begun) tell();
            is_begun = true;
            now = at;
          }
          const std::int64_t weight = weights[packed.number(each)];
          if (packed.begins(each) != 0) {
            starts.push_back(weight);
          } else {
            level -= weight;  // ends come first
            if (level < 0) byte_reader::throw_damaged("A session ends that did not begin.");
          }
        }
      });
  if (is_begun) tell();
}

std::int64_t session_events::highest_weight(const context &host) const {
  if (type_ != key_type::text && type_ != key_type::none) byte_reader::throw_damaged("Its keys have no weights.");
  // A key is as many keys here as it has weights.
  struct weighted {
    std::uint32_t key;
    std::int64_t weight;
  };
  std::pmr::monotonic_buffer_resource long_keys(key_arena_start, host.memory);
  table keys(host.memory, &long_keys);
  std::pmr::vector<weighted> numbers(host.memory);
  std::pmr::vector<std::pmr::map<std::int64_t, std::uint32_t>> there(host.memory);  // of each key, sessions by weight
  std::int64_t level = 0, best = 0;
  in_order(
      host,
      [&](const table &composed, std::uint64_t, instant) {
        ticker tick(host);
        for (std::uint32_t at = 0; at < composed.size(); ++at, tick()) {
          const key_view bytes = composed[at].key();
          byte_reader reader(bytes);
          const auto weight = static_cast<std::int64_t>(reader.take_varint());
          if (weight < 0) byte_reader::throw_damaged("A weight is negative.");
          numbers.push_back({number_in(keys, bytes.subspan(bytes.size() - reader.remaining())), weight});
        }
        there.resize(keys.size());
      },
      [&](instant, std::span<const word> events, const packing &packed) {
        const auto heaviest = [](const auto &of) { return of.empty() ? 0 : of.rbegin()->first; };
        for (const word each : events) {
          if (packed.number(each) >= numbers.size()) byte_reader::throw_damaged("A key is not among its keys.");
          const weighted &one = numbers[packed.number(each)];
          auto &sessions = there[one.key];
          const std::int64_t before = heaviest(sessions);
          if (packed.begins(each) != 0) {
            ++sessions[one.weight];
          } else {
            const auto found = sessions.find(one.weight);
            if (found == sessions.end()) byte_reader::throw_damaged("A session ends that did not begin.");
            if (--found->second == 0) sessions.erase(found);
          }
          level = sum_of(level - before, heaviest(sessions));
          best = std::max(best, level);
        }
      });
  return best;
}

}  // namespace headcount::core
