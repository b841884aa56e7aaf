#pragma once
// A presence to read, in whichever of its forms it is.

#include <cstddef>
#include <variant>

#include "core/presence/keyed_intervals.hpp"
#include "core/presence/merged_presence.hpp"
#include "core/presence/presence_bytes.hpp"
#include "core/presence/row_log.hpp"

namespace headcount::core {

class presence_view {
 public:
  presence_view() = default;  // the empty presence, which a NULL is
  explicit presence_view(const keyed_intervals &table) : form_(&table) {}
  explicit presence_view(const merged_presence &parts) : form_(&parts) {}
  // Throws damaged_bytes.
  explicit presence_view(key_view bytes) {
    if (read_head(bytes).form == presence_form::log)
      form_ = row_log_reader(bytes);
    else
      form_ = presence_reader(bytes);
  }

  key_type type() const {
    return read_with([](const auto &form) { return form.type(); }, key_type::none);
  }

  // Calls visit(key_view, std::span<const interval>) for each key, its intervals sorted and disjoint, in canonical
  // order. Keys and intervals are valid during the call only.
  template <typename Visit>
  void for_each(const context &host, Visit &&visit) const {
    if (const auto *table = std::get_if<const keyed_intervals *>(&form_))
      (*table)->for_each(host, true, visit);
    else
      for_each_unordered(host, visit);
  }

  // The same in any order, which is cheaper for a table.
  template <typename Visit>
  void for_each_unordered(const context &host, Visit &&visit) const {
    if (const auto *table = std::get_if<const keyed_intervals *>(&form_))
      (*table)->for_each(host, false, visit);
    else if (const auto *parts = std::get_if<const merged_presence *>(&form_))
      (*parts)->for_each(host, visit);
    else if (const auto *log = std::get_if<row_log_reader>(&form_))
      log->for_each(host, visit);
    else if (const auto *reader = std::get_if<presence_reader>(&form_))
      reader->for_each(host, visit);
  }

  std::size_t key_count(const context &host) const {
    if (const auto *table = std::get_if<const keyed_intervals *>(&form_)) return (*table)->size();
    if (const auto *reader = std::get_if<presence_reader>(&form_)) return static_cast<std::size_t>(reader->key_count());  // fewer than bytes
    std::size_t keys = 0;
    for_each_unordered(host, [&](key_view, std::span<const interval>) { ++keys; });
    return keys;
  }

  // The earliest start of all, `forever` in the empty presence.
  instant first_start() const {
    return read_with([](const auto &form) { return form.first_start(); }, forever);
  }

 private:
  template <typename Ask, typename Answer>
  Answer read_with(Ask &&ask, Answer otherwise) const {
    if (const auto *table = std::get_if<const keyed_intervals *>(&form_)) return ask(**table);
    if (const auto *parts = std::get_if<const merged_presence *>(&form_)) return ask(**parts);
    if (const auto *log = std::get_if<row_log_reader>(&form_)) return ask(*log);
    if (const auto *reader = std::get_if<presence_reader>(&form_)) return ask(*reader);
    return otherwise;
  }

  std::variant<std::monostate, const keyed_intervals *, const merged_presence *, row_log_reader, presence_reader> form_;
};

// The key type of the union of two presences: equal ones, or that of the one that is not empty. Throws mixed_keys.
key_type common_type(key_type left, key_type right);

// All that is in `presence` goes into `table` too.
void add_all(keyed_intervals &table, const presence_view &presence, const context &host);

// The canonical bytes of the part of `presence` inside `window`, with `reserved` bytes in front; the memory is the
// caller's.
std::span<std::byte> to_canonical(const presence_view &presence, interval window, std::size_t reserved,
                                  const context &host);

inline constexpr interval all_time{beginning, forever};

}  // namespace headcount::core
