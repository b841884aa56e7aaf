#include "core/shared/shared_days.hpp"

#include "core/time/unite.hpp"

#include "core/base/core_only.hpp"

namespace headcount::core {

bool shared_days::unite(std::uint32_t number, const day_word &days, const context &host) {
  keys::record &of = keys_[number];
  if (of.narrow == days.number) {
    set(of.wide.halves, days);
    return true;
  }
  unsigned left = near;
  for (std::uint32_t at = of.wide.words.load(std::memory_order_acquire); at != 0 && left-- > 0;) {
    node &each = nodes_[at - 1];
    if (each.number == days.number) {
      set(each.halves, days);
      return true;
    }
    at = each.next;
  }
  // Another one may push the same word meanwhile: then it is there twice, and united when it is read.
  return push(of.wide.words, days.number, days.halves[0], days.halves[1], host);
}

bool shared_days::add_stay(std::uint32_t number, interval stay, const context &host) {
  return push(keys_[number].wide.stays, 0, static_cast<std::uint64_t>(stay.start), static_cast<std::uint64_t>(stay.end),
              host);
}

bool shared_days::push(std::atomic<std::uint32_t> &list, std::int32_t number, std::uint64_t low, std::uint64_t high,
                       const context &host) {
  const std::uint32_t made = nodes_.make([](node &) {}, host);
  if (made == npos) return false;
  node *const each = new (&nodes_[made]) node{};
  each->halves[0].store(low, std::memory_order_relaxed);
  each->halves[1].store(high, std::memory_order_relaxed);
  each->number = number;
  each->next = list.load(std::memory_order_relaxed);
  while (!list.compare_exchange_weak(each->next, made + 1, std::memory_order_release, std::memory_order_relaxed)) {
  }
  return true;
}

days_of_key shared_days::operator[](std::uint32_t number) {
  const keys::record &of = keys_[number];
  const auto load = [](const bits &from) { return from.load(std::memory_order_relaxed); };
  words_.clear();
  words_.push_back({{load(of.wide.halves[0]), load(of.wide.halves[1])}, of.narrow});
  for (std::uint32_t at = of.wide.words.load(std::memory_order_acquire); at != 0; at = nodes_[at - 1].next)
    words_.push_back({{load(nodes_[at - 1].halves[0]), load(nodes_[at - 1].halves[1])}, nodes_[at - 1].number});
  stays_.clear();
  for (std::uint32_t at = of.wide.stays.load(std::memory_order_acquire); at != 0; at = nodes_[at - 1].next)
    stays_.push_back({static_cast<std::int64_t>(load(nodes_[at - 1].halves[0])),
                      static_cast<std::int64_t>(load(nodes_[at - 1].halves[1]))});
  if (!stays_.empty()) stays_.resize(core::unite(std::span(stays_)));
  return {{words_.data(), unite_words(words_)}, stays_};
}

}  // namespace headcount::core
