#include "core/sets/user_set_bytes.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/core_only.hpp"
#include "core/base/count_bits.hpp"

namespace headcount::core {
namespace {

constexpr std::uint32_t cookie_without_runs = 12346, cookie_with_runs = 12347;
constexpr std::size_t least_with_offsets = 4;  // containers, where there are runs
constexpr std::uint32_t container_span = 1U << 16U;

std::uint32_t check_sum(const std::byte *head, key_view rest) {
  return static_cast<std::uint32_t>(hash_bytes(rest, xxh64::load<std::uint32_t>(head)));
}

constexpr std::size_t runs_size(std::size_t runs) { return 2 + 4 * runs; }
constexpr std::size_t plain_size(std::size_t cardinality) {
  return cardinality <= container::max_in_array ? 2 * cardinality : container::bitset_bytes;
}
constexpr bool is_shorter_as_runs(std::size_t cardinality, std::size_t runs) {
  return runs_size(runs) < plain_size(cardinality);
}

// A run begins at every bit whose lower neighbour is not set.
std::size_t count_runs(container::const_bitset_view words) {
  std::size_t runs = 0;
  std::uint64_t carried = 0;
  for (const std::uint64_t word : words) {
    runs += count_bits(word & ~(word << 1U | carried));
    carried = word >> 63U;
  }
  return runs;
}

void set_bits(container::bitset_view words, std::uint32_t first, std::uint32_t last) {
  for (std::uint32_t at = first / 64; at <= last / 64; ++at) {
    std::uint64_t word = ~std::uint64_t{0};
    if (at == first / 64) word &= word << (first % 64);
    if (at == last / 64) word &= ~std::uint64_t{0} >> (63 - last % 64);
    words[at] |= word;
  }
}

// The first bit from `from` on that is set, or not set; container_span where there is none.
std::uint32_t find_bit(container::const_bitset_view words, std::uint32_t from, bool set) {
  for (std::uint32_t at = from / 64; at < words.size(); ++at) {
    std::uint64_t word = set ? words[at] : ~words[at];
    if (at == from / 64) word &= ~std::uint64_t{0} << (from % 64);
    if (word != 0) return 64 * at + static_cast<std::uint32_t>(std::countr_zero(word));
  }
  return container_span;
}

}  // namespace

std::uint32_t count_numbers(container::const_bitset_view words) {
  std::uint32_t count = 0;
  for (const std::uint64_t word : words) count += count_bits(word);
  return count;
}

void throw_damaged_user_set(const char *detail, source_place where) {
  throw error(fault::damaged_bytes, "invalid bytes for type user_set", detail, {}, where);
}

user_set_form read_user_set_form(key_view bytes) {
  if (bytes.size() < user_set_head_size) throw_damaged_user_set("It is too short.");
  const auto byte_at = [&](std::size_t at) { return std::to_integer<std::uint8_t>(bytes[at]); };
  if (byte_at(0) != user_set_magic) throw_damaged_user_set("It does not begin as a user_set does.");
  if (byte_at(1) != user_set_version) {
    throw error(fault::damaged_bytes, "invalid bytes for type user_set",
                "Its format is version " + std::to_string(byte_at(1)) + ", this extension reads version " +
                    std::to_string(user_set_version) + ".",
                "It may have been written by a later version of headcount.");
  }
  if (byte_at(2) > 1 || byte_at(3) > static_cast<std::uint8_t>(user_set_form::log))
    throw_damaged_user_set("Its form is unknown.");
  if (bytes.size() < user_set_content_at(byte_at(2) != 0)) throw_damaged_user_set("It is too short.");
  return static_cast<user_set_form>(byte_at(3));
}

dictionary_id read_dictionary_id(key_view bytes) {
  dictionary_id dictionary;
  if (bytes[2] == std::byte{0}) return dictionary;
  std::copy_n(bytes.begin() + user_set_head_size, dictionary_id::size, dictionary.bytes.begin());
  if (dictionary.is_none()) throw_damaged_user_set("Its dictionary is none.");
  return dictionary;
}

namespace {

// As an SQL uuid is written.
std::string to_text(const dictionary_id &dictionary) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (std::size_t at = 0; at < dictionary_id::size; ++at) {
    if (at == 4 || at == 6 || at == 8 || at == 10) text += '-';
    const auto value = std::to_integer<unsigned>(dictionary.bytes[at]);
    text += digits[value >> 4U];
    text += digits[value & 15U];
  }
  return text;
}

}  // namespace

void throw_mixed_dictionaries(const dictionary_id &left, const dictionary_id &right, source_place where) {
  const auto name = [](const dictionary_id &which) {
    return which.is_none() ? std::string("numbers of no dictionary") : "users of dictionary " + to_text(which);
  };
  throw error(fault::mixed_dictionaries, "user sets of different dictionaries cannot be combined",
              "One has " + name(left) + ", the other has " + name(right) +
                  ". Each source numbers its own users, so a number is somebody else in another dictionary.",
              "Unite sources with headcount.create_federation, or their sketches in daily_user_sketches.", where);
}

bool container::contains(std::uint32_t low) const {
  // The first of `count` for which `is_before` does not hold.
  const auto search = [](std::size_t count, auto &&is_before) {
    std::size_t first = 0;
    while (count != 0) {
      const std::size_t half = count / 2;
      if (is_before(first + half)) {
        first += half + 1;
        count -= half + 1;
      } else {
        count = half;
      }
    }
    return first;
  };
  switch (form) {
    case shape::array: {
      const std::size_t at = search(cardinality, [&](std::size_t number) { return value_at(number) < low; });
      return at < cardinality && value_at(at) == low;
    }
    case shape::bitset: return (std::to_integer<unsigned>(content[low / 8]) >> (low % 8) & 1U) != 0;
    case shape::runs: {
      const std::size_t at = search(run_count(), [&](std::size_t number) { return run_at(number).second < low; });
      return at < run_count() && run_at(at).first <= low;
    }
  }
  return false;
}

void container::add_to(bitset_view words) const {
  switch (form) {
    case shape::array: for_each([&](std::uint32_t low) { words[low / 64] |= std::uint64_t{1} << (low % 64); }); break;
    case shape::bitset:
      for (std::size_t at = 0; at < words.size(); ++at) words[at] |= xxh64::load<std::uint64_t>(content.data() + 8 * at);
      break;
    case shape::runs:
      for (std::size_t at = 0; at < run_count(); ++at) {
        const auto [first, last] = run_at(at);
        set_bits(words, first, last);
      }
      break;
  }
}

std::size_t container::check() const {
  std::size_t runs = 0;
  switch (form) {
    case shape::array: {
      std::uint32_t misplaced = 0;  // counted, not thrown at once: the loop is without a branch
      runs = 1;
      for (std::size_t at = 1; at < cardinality; ++at) {
        misplaced += value_at(at - 1) >= value_at(at) ? 1 : 0;
        runs += value_at(at - 1) + 1 != value_at(at) ? 1 : 0;
      }
      if (misplaced != 0) throw_damaged_user_set("The numbers of an array are out of order.");
      break;
    }
    case shape::bitset: {
      bitset words;
      load(words);
      if (count_numbers(words) != cardinality) throw_damaged_user_set("A bitset has not as many numbers as it says.");
      runs = count_runs(words);
      break;
    }
    case shape::runs: {
      std::uint32_t numbers = 0;
      for (; runs < run_count(); ++runs) {
        const auto [first, last] = run_at(runs);
        if (last >= container_span) throw_damaged_user_set("A run is too long.");
        if (runs != 0 && first <= run_at(runs - 1).second + 1)
          throw_damaged_user_set("Runs are out of order or touch.");
        numbers += last - first + 1;
      }
      if (numbers != cardinality) throw_damaged_user_set("Runs have not as many numbers as they say.");
      break;
    }
  }
  return runs;
}

roaring_reader::roaring_reader(key_view bytes) : bytes_(bytes) {
  const auto cookie = xxh64::load<std::uint32_t>(take(0, 4).data());
  std::size_t at = 4;
  if ((cookie & 0xffffU) == cookie_with_runs) {
    count_ = (cookie >> 16U) + 1;
    run_flags_ = take(at, (count_ + 7) / 8);
    at += run_flags_.size();
    unsigned flags = 0;
    for (const std::byte each : run_flags_) flags |= std::to_integer<unsigned>(each);
    if (flags == 0) throw_damaged_user_set("It has no runs, but says so.");
    if (count_ % 8 != 0 && std::to_integer<unsigned>(run_flags_.back()) >> (count_ % 8) != 0)
      throw_damaged_user_set("It has more runs than containers.");
  } else if (cookie == cookie_without_runs) {
    count_ = xxh64::load<std::uint32_t>(take(at, 4).data());
    at += 4;
  } else {
    throw_damaged_user_set("It holds no bitmap.");
  }
  if (count_ > (last_user_number >> 16U) + 1) throw_damaged_user_set("It has too many containers.");
  entries_ = take(at, 4 * count_);
  at += entries_.size();
  if (run_flags_.empty() || count_ >= least_with_offsets) {
    offsets_ = take(at, 4 * count_);
    at += offsets_.size();
  }
  content_ = at;
  for (std::size_t number = 0; number < count_; ++number) {
    if (number != 0 && key_at(number - 1) >= key_at(number)) throw_damaged_user_set("Its containers are out of order.");
    if (!offsets_.empty() && xxh64::load<std::uint32_t>(offsets_.data() + 4 * number) != at)
      throw_damaged_user_set("A container is not where it should be.");
    const container here = container_at(number, at);
    cardinality_ += here.cardinality;
    at += here.content.size();
  }
  if (count_ != 0 && key_at(count_ - 1) > last_user_number >> 16U) throw_damaged_user_set("A number is out of range.");
  if (at != bytes.size()) throw_damaged_user_set("Bytes follow its last container.");
}

key_view roaring_reader::take(std::size_t offset, std::size_t length) const {
  if (offset > bytes_.size() || length > bytes_.size() - offset) throw_damaged_user_set("It ends too early.");
  return bytes_.subspan(offset, length);
}

container roaring_reader::container_at(std::size_t number, std::size_t offset) const {
  const std::uint32_t cardinality = 1U + xxh64::load<std::uint16_t>(entries_.data() + 4 * number + 2);
  const bool is_runs =
      !run_flags_.empty() && (std::to_integer<unsigned>(run_flags_[number / 8]) >> (number % 8) & 1U) != 0;
  if (is_runs) {
    const std::size_t runs = xxh64::load<std::uint16_t>(take(offset, 2).data());
    return {container::shape::runs, key_at(number), cardinality, take(offset, runs_size(runs))};
  }
  const bool is_array = cardinality <= container::max_in_array;
  return {is_array ? container::shape::array : container::shape::bitset, key_at(number), cardinality,
          take(offset, plain_size(cardinality))};
}

std::size_t roaring_reader::offset_of(std::size_t number) const {
  if (!offsets_.empty()) return xxh64::load<std::uint32_t>(offsets_.data() + 4 * number);
  std::size_t offset = content_;
  for (std::size_t before = 0; before < number; ++before) offset += container_at(before, offset).content.size();
  return offset;
}

bool roaring_reader::contains(std::uint32_t number) const {
  const std::uint32_t key = number >> 16U;
  std::size_t first = 0, end = count_;
  while (first < end) {
    const std::size_t middle = (first + end) / 2;
    if (key_at(middle) < key)
      first = middle + 1;
    else
      end = middle;
  }
  return first < count_ && key_at(first) == key && container_at(first, offset_of(first)).contains(number & 0xffffU);
}

namespace {

// The smaller one is gone through, the other one asked.
std::uint64_t count_common(const container &left, const container &right) {
  const bool swap = left.cardinality > right.cardinality;
  const container &few = swap ? right : left, &many = swap ? left : right;
  std::uint64_t common = 0;
  if (few.form == container::shape::array && many.form == container::shape::array) {
    for (std::size_t i = 0, j = 0; i < few.cardinality && j < many.cardinality;) {
      const std::uint32_t a = few.value_at(i), b = many.value_at(j);
      common += a == b ? 1U : 0U;
      i += a <= b ? 1U : 0U;
      j += b <= a ? 1U : 0U;
    }
  } else {
    few.for_each([&](std::uint32_t low) { common += low <= 0xffffU && many.contains(low) ? 1U : 0U; });
  }
  return common;
}

}  // namespace

std::uint64_t intersection_cardinality(const roaring_reader &left, const roaring_reader &right) {
  std::uint64_t common = 0;
  for (std::size_t i = 0, j = 0; i < left.container_count() && j < right.container_count();) {
    const std::uint32_t a = left.key_at(i), b = right.key_at(j);
    if (a == b) common += count_common(left.container_at(i), right.container_at(j));
    i += a <= b ? 1U : 0U;
    j += b <= a ? 1U : 0U;
  }
  return common;
}

key_view user_set_reader::checked(key_view bytes) {
  if (read_user_set_form(bytes) != user_set_form::canonical) throw_damaged_user_set("Its form is unknown.");
  const key_view rest = bytes.subspan(user_set_head_size);
  if (xxh64::load<std::uint32_t>(bytes.data() + 4) != check_sum(bytes.data(), rest))
    throw_damaged_user_set("Its check sum does not match.");
  return bytes.subspan(user_set_content_at(bytes[2] != std::byte{0}));
}

user_set_reader::user_set_reader(key_view bytes)
    : bytes_(bytes), roaring_(checked(bytes)) {
  dictionary_ = read_dictionary_id(bytes);
  if (!dictionary_.is_none() && cardinality() == 0) throw_damaged_user_set("It has a dictionary, but no users.");
}

dictionary_id common_dictionary(const user_set_reader &left, const user_set_reader &right) {
  if (left.cardinality() == 0) return right.dictionary();
  if (right.cardinality() != 0 && left.dictionary() != right.dictionary())
    throw_mixed_dictionaries(left.dictionary(), right.dictionary());
  return left.dictionary();
}

void user_set_reader::check(const context &host) const {
  roaring_.for_each_container([&](const container &here) {
    const bool is_runs = here.form == container::shape::runs;
    if (is_shorter_as_runs(here.cardinality, here.check()) != is_runs)
      throw_damaged_user_set("A container is not in its shortest form.");
    host.poll();
  });
}

// Returns whether the container is to be of runs.
bool user_set_writer::begin(std::uint32_t key, std::size_t cardinality, std::size_t runs) {
  const bool is_runs = is_shorter_as_runs(cardinality, runs);
  entries_.push_back({key, static_cast<std::uint32_t>(cardinality), content_.size(), is_runs});
  if (is_runs) content_.append_word(runs, 2);
  return is_runs;
}

void user_set_writer::add_run(std::uint32_t first, std::uint32_t last) {
  content_.append_word(first, 2);
  content_.append_word(last - first, 2);
}

void user_set_writer::add(std::uint32_t key, std::span<const std::uint16_t> numbers) {
  if (numbers.empty()) return;
  std::size_t runs = 1;
  for (std::size_t at = 1; at < numbers.size(); ++at) runs += numbers[at] - numbers[at - 1] == 1 ? 0 : 1;
  if (!begin(key, numbers.size(), runs)) {
    for (const std::uint16_t each : numbers) content_.append_word(each, 2);
    return;
  }
  for (std::size_t first = 0, next = 1; first < numbers.size(); first = next++) {
    while (next < numbers.size() && numbers[next] - numbers[next - 1] == 1) ++next;
    add_run(numbers[first], numbers[next - 1]);
  }
}

void user_set_writer::add(std::uint32_t key, container::const_bitset_view numbers) {
  const std::uint32_t cardinality = count_numbers(numbers);
  if (cardinality <= container::max_in_array) {
    std::array<std::uint16_t, container::max_in_array> low;
    std::size_t count = 0;
    for (std::uint32_t at = 0; at < numbers.size(); ++at)
      for (std::uint64_t word = numbers[at]; word != 0; word &= word - 1)
        low[count++] = static_cast<std::uint16_t>(64 * at + static_cast<std::uint32_t>(std::countr_zero(word)));
    return add(key, {low.data(), count});
  }
  if (!begin(key, cardinality, count_runs(numbers))) {
    for (const std::uint64_t each : numbers) content_.append_word(each, 8);
    return;
  }
  for (std::uint32_t first = find_bit(numbers, 0, true); first < container_span;) {
    const std::uint32_t end = find_bit(numbers, first, false);
    add_run(first, end - 1);
    first = end == container_span ? end : find_bit(numbers, end, true);
  }
}

std::span<std::byte> user_set_writer::finish(std::size_t reserved, const dictionary_id &dictionary) {
  const bool has_dictionary = !dictionary.is_none() && !entries_.empty();
  const std::size_t content_at = user_set_content_at(has_dictionary);
  byte_buffer buffer(memory_);
  buffer.reserve(reserved + content_at + 8 + 9 * entries_.size() + content_.size());
  for (std::size_t at = 0; at < reserved; ++at) buffer.append_byte(0);
  for (const std::uint8_t each :
       {user_set_magic, user_set_version, static_cast<std::uint8_t>(has_dictionary ? 1 : 0),
        static_cast<std::uint8_t>(user_set_form::canonical)})
    buffer.append_byte(each);
  buffer.append_word(0, 4);  // the check sum, once there is something to sum up
  if (has_dictionary) buffer.append(dictionary.bytes.data(), dictionary_id::size);

  const std::size_t count = entries_.size();
  const bool has_runs = std::any_of(entries_.begin(), entries_.end(), [](const entry &each) { return each.is_runs; });
  if (has_runs) {
    buffer.append_word(cookie_with_runs | (count - 1) << 16U, 4);
    for (std::size_t first = 0; first < count; first += 8) {
      unsigned flags = 0;
      for (std::size_t at = first; at < std::min(first + 8, count); ++at)
        flags |= (entries_[at].is_runs ? 1U : 0U) << (at - first);
      buffer.append_byte(static_cast<std::uint8_t>(flags));
    }
  } else {
    buffer.append_word(cookie_without_runs, 4);
    buffer.append_word(count, 4);
  }
  for (const entry &each : entries_) {
    buffer.append_word(each.key, 2);
    buffer.append_word(each.cardinality - 1, 2);
  }
  if (!has_runs || count >= least_with_offsets) {
    const std::size_t content = buffer.size() - reserved - content_at + 4 * count;
    for (const entry &each : entries_) buffer.append_word(content + each.begin, 4);
  }
  buffer.append(content_.data(), content_.size());

  std::byte *const head = buffer.data() + reserved;
  const std::size_t size = buffer.size();
  const std::uint32_t sum = check_sum(head, {head + user_set_head_size, size - reserved - user_set_head_size});
  for (std::size_t at = 0; at < 4; ++at) head[4 + at] = static_cast<std::byte>(sum >> (8 * at) & 0xffU);
  return {buffer.release(), size};
}

std::span<std::byte> to_canonical(std::span<const std::uint32_t> numbers, std::size_t reserved,
                                  std::pmr::memory_resource *memory, const dictionary_id &dictionary) {
  user_set_writer writer(memory);
  for (std::size_t first = 0, next = 0; first < numbers.size(); first = next) {
    const std::uint32_t key = numbers[first] >> 16U;
    while (next < numbers.size() && numbers[next] >> 16U == key) ++next;
    const auto same_key = numbers.subspan(first, next - first);
    if (same_key.size() <= container::max_in_array) {
      std::array<std::uint16_t, container::max_in_array> low;
      std::transform(same_key.begin(), same_key.end(), low.begin(),
                     [](std::uint32_t each) { return static_cast<std::uint16_t>(each & 0xffffU); });
      writer.add(key, {low.data(), same_key.size()});
    } else {
      container::bitset low{};
      for (const std::uint32_t each : same_key) set_bits(low, each & 0xffffU, each & 0xffffU);
      writer.add(key, low);
    }
  }
  return writer.finish(reserved, dictionary);
}

std::span<std::byte> with_dictionary(const user_set_reader &set, const dictionary_id &dictionary, std::size_t reserved,
                                     const context &host) {
  set.check(host);
  user_set_writer writer(host.memory);
  container::bitset words;
  set.roaring().for_each_container([&](const container &here) {
    here.load(words);
    writer.add(here.key, words);
    host.poll();
  });
  return writer.finish(reserved, dictionary);
}

std::span<std::byte> combine(const user_set_reader &left, const user_set_reader &right, set_operation operation,
                             std::size_t reserved, const context &host) {
  const dictionary_id dictionary = common_dictionary(left, right);
  left.check(host);
  right.check(host);
  const roaring_reader &a = left.roaring(), &b = right.roaring();
  user_set_writer writer(host.memory);
  container::bitset words, others;
  for (std::size_t i = 0, j = 0; i < a.container_count() || j < b.container_count();) {
    host.poll();
    const std::uint32_t a_key = i < a.container_count() ? a.key_at(i) : UINT32_MAX;
    const std::uint32_t b_key = j < b.container_count() ? b.key_at(j) : UINT32_MAX;
    words.fill(0);
    others.fill(0);
    if (a_key <= b_key) a.container_at(i++).add_to(words);
    if (b_key <= a_key) b.container_at(j++).add_to(others);
    for (std::size_t at = 0; at < words.size(); ++at) {
      switch (operation) {
        case set_operation::unite: words[at] |= others[at]; break;
        case set_operation::intersect: words[at] &= others[at]; break;
        case set_operation::subtract: words[at] &= ~others[at]; break;
      }
    }
    writer.add(std::min(a_key, b_key), words);
  }
  return writer.finish(reserved, dictionary);
}

}  // namespace headcount::core
