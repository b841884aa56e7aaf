#pragma once
// A presence in the making, from rows and from presences: rows go into a table, large presences are kept as they are
// and read side by side with it.

#include <cstring>
#include <memory_resource>
#include <optional>
#include <span>

#include "core/presence/keyed_intervals.hpp"
#include "core/presence/merged_presence.hpp"
#include "core/presence/presence_view.hpp"

namespace headcount::core {

// Like keyed_intervals, it owns nothing but memory of its resource.
class presence_builder {
 public:
  presence_builder(key_type type, std::pmr::memory_resource *memory) : type_(type), memory_(memory), parts_(memory) {}
  presence_builder(const presence_builder &) = delete;
  presence_builder &operator=(const presence_builder &) = delete;
  ~presence_builder() { free_parts(); }

  key_type type() const { return type_; }

  void add(key_view key, interval when) {
    if (!table_.has_value()) table_.emplace(type_, memory_);
    table_->add(key, when);
  }

  // Adds a presence of the same key type by its canonical bytes, which are copied. Throws damaged_bytes.
  void add_canonical(key_view bytes, const context &host) {
    const presence_reader reader(bytes);
    if (bytes.size() < least_part_bytes) {
      reader.for_each(host, [&](key_view key, std::span<const interval> intervals) {
        for (const interval &each : intervals) add(key, each);
      });
      return;
    }
    auto *const copy = static_cast<std::byte *>(memory_->allocate(bytes.size(), part_alignment));
    std::memcpy(copy, bytes.data(), bytes.size());
    parts_.add(presence_reader({copy, bytes.size()}));
    if (parts_.part_count() > max_parts) fold_parts(host);
  }

  // What is there so far. Valid until more is added.
  presence_view view(const context &host) {
    if (parts_.empty()) return table_.has_value() ? presence_view(*table_) : presence_view();
    if (table_.has_value()) {
      parts_.add(presence_reader(to_own_bytes(presence_view(*table_), host)));
      table_.reset();
    }
    return presence_view(parts_);
  }

 private:
  // Smaller presences cost less as rows of the table than as one more part to look at for every key.
  static constexpr std::size_t least_part_bytes = 64 * 1024;
  static constexpr std::size_t max_parts = 16;
  static constexpr std::size_t part_alignment = alignof(std::uint64_t);

  key_view to_own_bytes(const presence_view &presence, const context &host) {
    return to_canonical(presence, all_time, 0, {memory_, host.poll});
  }

  void fold_parts(const context &host) {
    const presence_reader folded(to_own_bytes(presence_view(parts_), host));
    free_parts();
    parts_.add(folded);
  }

  void free_parts() {
    parts_.for_each_part([this](key_view bytes) {
      memory_->deallocate(const_cast<std::byte *>(bytes.data()), bytes.size(), part_alignment);
    });
    parts_.clear();
  }

  key_type type_;
  std::pmr::memory_resource *memory_;
  std::optional<keyed_intervals> table_;
  merged_presence parts_;
};

}  // namespace headcount::core
