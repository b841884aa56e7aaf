#include "core/report/day_fold.hpp"

#include <algorithm>
#include <iterator>

#include "core/sets/number_log.hpp"

#include "core/base/core_only.hpp"

namespace headcount::core {
namespace {

using number_list = std::pmr::vector<std::uint32_t>;

// The place of a number in an ascending list, or its size.
std::size_t find(const number_list &in, std::uint32_t number) {
  const auto at = std::lower_bound(in.begin(), in.end(), number);
  return at != in.end() && *at == number ? static_cast<std::size_t>(at - in.begin()) : in.size();
}

void read_numbers(set_store &sets, set_store::handle set, const context &host, number_list &to) {
  if (set != 0) user_set_reader(sets.open(set)).for_each(host, [&to](std::uint32_t number) { to.push_back(number); });
}

// Unites an ascending list with a set.
void unite_with(number_list &to, set_store &sets, set_store::handle set, const context &host) {
  number_list other(host.memory), united(host.memory);
  read_numbers(sets, set, host, other);
  united.reserve(to.size() + other.size());
  std::set_union(to.begin(), to.end(), other.begin(), other.end(), std::back_inserter(united));
  to = std::move(united);
}

}  // namespace

day_fold::day_fold(const history &from, set_store &sets, const context &host)
    : from_(from),
      sets_(sets),
      host_(host),
      entries_(host.memory),
      with_parts_(host.memory),
      moved_from_(host.memory),
      moved_to_(host.memory),
      new_counts_(host.memory),
      live_new_(host.memory),
      set_bytes_{std::pmr::vector<key_view>(host.memory), std::pmr::vector<key_view>(host.memory)} {
  ticker tick(host);
  std::size_t at = 0;
  const auto add_stored = [&](std::int64_t before) {
    for (; at < from_.stored.size() && from_.stored[at].day < before; ++at) {
      const day_number day = from_.stored[at].day;
      // of a day that comes twice, which is in no table of ours, the last one counts
      if (!entries_.empty() && entries_.back().day == day) entries_.pop_back();
      entries_.push_back({day, &from_.stored[at], nullptr, is_fresh(day)});
    }
  };
  if (from_.fresh != nullptr) {
    std::int64_t day = from_.fresh->first;
    for (const numbered_day &each : from_.fresh->rows) {
      tick();
      if (!each.is_idle() && is_fresh(static_cast<day_number>(day))) {
        add_stored(day + 1);
        if (!entries_.empty() && entries_.back().day == day)
          entries_.back().fresh = &each;
        else
          entries_.push_back({static_cast<day_number>(day), nullptr, &each, true});
      }
      ++day;
    }
  }
  add_stored(INT64_MAX);
  add_parts();
  new_counts_.resize(entries_.size());
  for (auto &bytes : set_bytes_) bytes.resize(entries_.size());
}

// Puts parts of a day and what is fresh of it together.
void day_fold::add_parts() {
  if (from_.parts.empty()) return;
  auto at = std::lower_bound(entries_.begin(), entries_.end(), from_.live_day, [](const entry &each, day_number day) { return each.day < day; });
  if (at == entries_.end() || at->day != from_.live_day) at = entries_.insert(at, {from_.live_day, nullptr, nullptr, true});
  if (at->fresh != nullptr) with_parts_ = *at->fresh;
  for (const stored_day &part : from_.parts) {
    unite_with(with_parts_.used, sets_, part.used, host_);
    unite_with(with_parts_.denied, sets_, part.denied, host_);
    with_parts_.denials += part.denials;
    // the earliest instant of the highest level
    peak &highest = with_parts_.concurrent_hosts;
    const peak &other = part.concurrent_hosts;
    if (other.level > highest.level || (other.level == highest.level && other.at < highest.at)) highest = other;
  }
  at->fresh = &with_parts_;
}

std::optional<day_number> day_fold::first_day(std::optional<day_number> cut) const {
  if (cut.has_value() && !entries_.empty() && entries_.front().day < *cut && !entries_.front().is_fresh) return entries_.front().day;
  for (const entry &each : entries_)
    if (!counts_of(each).is_idle()) return each.day;
  return std::nullopt;
}

bool day_fold::is_fresh(day_number day) const {
  if (day >= from_.live_day) return true;
  const auto after = std::upper_bound(from_.changed.begin(), from_.changed.end(), day,
                                      [](day_number asked, const changed_run &run) { return asked < run.first; });
  return after != from_.changed.begin() && day < std::prev(after)->end;
}

const day_fold::entry *day_fold::entry_on(day_number day) const {
  const auto at = std::lower_bound(entries_.begin(), entries_.end(), day, [](const entry &each, day_number asked) { return each.day < asked; });
  return at != entries_.end() && at->day == day ? &*at : nullptr;
}

// What is there on the day now, but for the figures that depend on other days.
stored_day day_fold::counts_of(const entry &of) const {
  stored_day found;
  if (!of.is_fresh) {
    found = *of.stored;
  } else if (of.fresh != nullptr) {
    found.used_count = static_cast<std::int64_t>(of.fresh->used.size());
    found.denied_count = static_cast<std::int64_t>(of.fresh->denied.size());
    found.daily_count = static_cast<std::int64_t>(members(of.fresh).size());
    found.denials = of.fresh->denials;
    found.concurrent_hosts = of.fresh->concurrent_hosts;
  }
  found.day = of.day;
  return found;
}

number_list day_fold::members(const numbered_day *fresh) const {
  number_list found(host_.memory);
  if (fresh == nullptr) return found;
  found.reserve(fresh->used.size() + fresh->denied.size());
  std::set_union(fresh->used.begin(), fresh->used.end(), fresh->denied.begin(), fresh->denied.end(), std::back_inserter(found));
  return found;
}

number_list day_fold::members(set_store::handle used, set_store::handle denied) {
  number_list one(host_.memory), other(host_.memory), found(host_.memory);
  read(used, one);
  read(denied, other);
  if (other.empty()) return one;
  found.reserve(one.size() + other.size());
  std::set_union(one.begin(), one.end(), other.begin(), other.end(), std::back_inserter(found));
  return found;
}

void day_fold::read(set_store::handle set, number_list &to) {
  read_numbers(sets_, set, host_, to);
}

// A set to ask for many numbers: reading it takes a look at all of its bytes.
std::optional<user_set_reader> day_fold::reader_of(set_store::handle set) {
  if (set == 0) return std::nullopt;
  return user_set_reader(sets_.open(set));
}

// Who is new on stored days that do not count: a snapshot of the past does not have them yet.
number_list day_fold::new_later() {
  number_list found(host_.memory);
  for (const entry &each : entries_)
    if (each.day >= from_.live_day && each.stored != nullptr) read(each.stored->new_users, found);
  number_log_reader::sort_out(found);
  return found;
}

number_list day_fold::moved(const moves &by, day_number day) const {
  number_list numbers(host_.memory);
  for (auto [at, end] = by.equal_range(day); at != end; ++at) numbers.push_back(at->second);
  return numbers;
}

// Finds who is new on which day, and returns how many users there were before the first entry.
std::int64_t day_fold::begin_totals() {
  if (has_totals_) return ever_before_;
  has_totals_ = true;
  seen_count_ = from_.seen_count;
  ever_before_ = from_.seen_count;
  for (std::size_t at = 0; at < entries_.size(); ++at) {
    const entry &each = entries_[at];
    if (each.stored == nullptr) continue;
    ever_before_ -= each.stored->new_count;
    if (each.day < from_.live_day) {
      new_counts_[at] = each.stored->new_count;
    } else if (each.stored->new_count != 0) {
      seen_count_ -= each.stored->new_count;
      has_changed_seen_ = true;
    }
  }
  find_moves();
  find_live_totals();
  return ever_before_;
}

// Whose first day is another one than it was stored, because of what changed. What is affected are users who are on a changed
// day and were not, or were and are not; of each of them all that is needed is the first of his days from the first changed
// day on, as it is stored and as it is.
void day_fold::find_moves() {
  number_list affected(host_.memory);
  std::pmr::vector<std::size_t> changed(host_.memory);  // entries
  for (std::size_t at = 0; at < entries_.size() && entries_[at].day < from_.live_day; ++at) {
    const entry &each = entries_[at];
    if (!each.is_fresh) continue;
    changed.push_back(at);
    const number_list now = members(each.fresh);
    const number_list then = each.stored == nullptr ? number_list(host_.memory) : members(each.stored->used, each.stored->denied);
    std::set_symmetric_difference(now.begin(), now.end(), then.begin(), then.end(), std::back_inserter(affected));
  }
  if (affected.empty()) return;
  number_log_reader::sort_out(affected);

  struct life {
    std::size_t from, to;  // entries; npos where there is none
    bool is_older = false;
  };
  constexpr std::size_t npos = SIZE_MAX;
  std::pmr::vector<life> lives(affected.size(), {npos, npos}, host_.memory);
  ticker tick(host_);
  for (std::size_t at = changed.front(); at < entries_.size() && entries_[at].day < from_.live_day; ++at) {
    const stored_day *const stored = entries_[at].stored;
    if (stored == nullptr || stored->new_users == 0) continue;
    user_set_reader(sets_.open(stored->new_users)).for_each(host_, [&](std::uint32_t number) {
      if (const std::size_t who = find(affected, number); who != affected.size()) lives[who].from = at;
    });
  }
  if (std::any_of(lives.begin(), lives.end(), [](const life &of) { return of.from == npos; })) {
    const auto known = reader_of(from_.seen);
    const number_list later = new_later();
    for (std::size_t who = 0; known.has_value() && who < affected.size(); ++who) {
      tick();
      // seen, and not from the first changed day on, so earlier
      lives[who].is_older = lives[who].from == npos && known->contains(affected[who]) && find(later, affected[who]) == later.size();
    }
  }
  // The first changed day on which he is now, or the day that was stored as his first if he still is there.
  for (const std::size_t at : changed) {
    for (const std::uint32_t number : members(entries_[at].fresh)) {
      tick();
      if (const std::size_t who = find(affected, number); who != affected.size()) lives[who].to = std::min(lives[who].to, at);
    }
  }
  number_list lost(host_.memory);
  std::size_t first_lost = npos;
  for (std::size_t who = 0; who < affected.size(); ++who) {
    life &of = lives[who];
    if (of.is_older || of.from == npos) continue;
    if (!entries_[of.from].is_fresh) {
      of.to = std::min(of.to, of.from);
    } else if (of.to > of.from) {  // he is not there any more: on which stored day is he next?
      lost.push_back(static_cast<std::uint32_t>(who));
      first_lost = std::min(first_lost, of.from);
    }
  }
  for (std::size_t at = first_lost; !lost.empty() && at < entries_.size() && entries_[at].day < from_.live_day; ++at) {
    tick();
    const entry &each = entries_[at];
    if (each.is_fresh || each.stored->daily_count == 0) continue;
    // many are looked for in the list of all users of the day, in which both are in order; few one by one
    const bool are_many = lost.size() > static_cast<std::size_t>(each.stored->daily_count) / 32;
    const number_list there = are_many ? members(each.stored->used, each.stored->denied) : number_list(host_.memory);
    const auto used = are_many ? std::nullopt : reader_of(each.stored->used), denied = are_many ? std::nullopt : reader_of(each.stored->denied);
    auto next = there.begin();
    std::erase_if(lost, [&](std::uint32_t who) {
      tick();
      life &of = lives[who];
      const std::uint32_t number = affected[who];
      while (next != there.end() && *next < number) ++next;
      if (of.from > at) return false;
      if (of.to < at) return true;
      if (!(next != there.end() && *next == number) && !(used.has_value() && used->contains(number)) && !(denied.has_value() && denied->contains(number))) return false;
      of.to = at;
      return true;
    });
  }
  const auto day_at = [this](std::size_t at) { return at == npos ? no_day : entries_[at].day; };
  for (std::size_t who = 0; who < affected.size(); ++who) {
    const life &of = lives[who];
    if (of.is_older || of.from == of.to) continue;
    moved_from_.emplace(day_at(of.from), affected[who]);
    moved_to_.emplace(day_at(of.to), affected[who]);
    if (of.from != npos) --new_counts_[of.from];
    if (of.to != npos) ++new_counts_[of.to];
    seen_count_ += (of.to == npos ? 0 : 1) - (of.from == npos ? 0 : 1);
    has_changed_seen_ = has_changed_seen_ || of.from == npos || of.to == npos;
  }
}

// The users of the days before live_day.
user_set &day_fold::seen() {
  if (seen_.has_value()) return *seen_;
  number_list gone = new_later();
  const number_list lost = moved(moved_to_, no_day);
  gone.insert(gone.end(), lost.begin(), lost.end());
  seen_.emplace(host_.memory);
  if (from_.seen != 0) {
    key_view bytes = sets_.open(from_.seen);
    if (!gone.empty()) {
      number_log_reader::sort_out(gone);
      const auto without = to_canonical(gone, 0, host_.memory, user_set_reader(bytes).dictionary());
      bytes = combine(user_set_reader(bytes), user_set_reader(without), set_operation::subtract, 0, host_);
    }
    seen_->unite(user_set_reader(bytes), host_);
  }
  for (const std::uint32_t number : moved(moved_from_, no_day)) (void)seen_->add(number);
  return *seen_;
}

// Who is new on the live days.
void day_fold::find_live_totals() {
  live_new_.resize(entries_.size());
  ticker tick(host_);
  for (std::size_t at = 0; at < entries_.size(); ++at) {
    if (entries_[at].day < from_.live_day || entries_[at].fresh == nullptr) continue;
    for (const std::uint32_t number : members(entries_[at].fresh)) {
      tick();
      if (seen().add(number)) live_new_[at].push_back(number);
    }
    new_counts_[at] = static_cast<std::int64_t>(live_new_[at].size());
    seen_count_ += new_counts_[at];
    has_changed_seen_ = has_changed_seen_ || new_counts_[at] > 0;
  }
}

std::int64_t day_fold::new_on(const entry &of) const { return new_counts_[static_cast<std::size_t>(&of - entries_.data())]; }

// Whether the users of the last days are those that were counted when the day was stored.
bool day_fold::is_window_stored(day_number day) const {
  if (from_.stored_window != from_.window || day >= from_.live_day) return false;
  const std::int64_t first = day - from_.window.days + 1;
  return std::none_of(from_.changed.begin(), from_.changed.end(), [=](const changed_run &run) { return run.first <= day && run.end > first; });
}

std::int64_t day_fold::window_of(const stored_day *stored, day_number day) {
  if (is_window_stored(day)) return stored == nullptr ? 0 : stored->window_count;
  return count_window(day);
}

// Days come ascending.
std::int64_t day_fold::count_window(day_number day) {
  const std::int64_t first = std::int64_t{day} - from_.window.days + 1;
  while (window_begin_ < entries_.size() && entries_[window_begin_].day < first) {
    if (window_begin_ < window_end_ && window_.has_value())
      for_each_set(window_begin_, [this](const user_set_reader &set) { (void)window_->remove(set, host_); });
    ++window_begin_;
  }
  if (window_end_ <= window_begin_) {
    window_end_ = window_begin_;
    window_.reset();
  }
  for (; window_end_ < entries_.size() && entries_[window_end_].day <= day; ++window_end_) {
    for_each_set(window_end_, [this](const user_set_reader &set) {
      if (!window_.has_value()) window_.emplace(host_.memory);
      window_->add(set, host_);
    });
  }
  return window_.has_value() ? static_cast<std::int64_t>(window_->cardinality()) : 0;
}

// The sets of a day whose users count among those of the last days. One user may be in both: the window counts him once.
template <typename Visit>
void day_fold::for_each_set(std::size_t at, Visit &&visit) {
  for (const bool of_denied : {false, true}) {
    if (of_denied && !from_.window.counts_denied) continue;
    if (const key_view bytes = bytes_of(at, of_denied); !bytes.empty()) visit(user_set_reader(bytes));
  }
}

// The users with a session, or those that were denied, as canonical bytes; empty for nobody.
key_view day_fold::bytes_of(std::size_t at, bool of_denied) {
  key_view &bytes = set_bytes_[of_denied ? 1 : 0][at];
  const entry &of = entries_[at];
  if (!bytes.empty()) return bytes;
  if (of.is_fresh) {
    if (of.fresh == nullptr) return bytes;
    const auto &users = of_denied ? of.fresh->denied : of.fresh->used;
    if (!users.empty()) bytes = to_canonical(users, 0, host_.memory);
  } else if (const set_store::handle set = of_denied ? of.stored->denied : of.stored->used;
             set != 0 && (of_denied ? of.stored->denied_count : of.stored->used_count) != 0) {
    bytes = sets_.open(set);
  }
  return bytes;
}

// Fresh days, those that users moved from or to, and those whose last days have a fresh one among them.
std::pmr::vector<day_number> day_fold::patched_days(day_number end) const {
  std::pmr::vector<day_number> days(host_.memory);
  const std::int64_t reach = std::max<std::int64_t>(from_.window.days, 1);
  std::int64_t next = INT64_MIN;
  for (const entry &each : entries_) {
    for (std::int64_t day = std::max<std::int64_t>(each.day, next); day < std::min<std::int64_t>(each.day + reach, end); ++day) {
      if (is_fresh(static_cast<day_number>(day)) || (from_.window.days > 0 && !is_window_stored(static_cast<day_number>(day))))
        days.push_back(static_cast<day_number>(day));
      next = day + 1;
    }
  }
  for (const moves *const by : {&moved_from_, &moved_to_})
    for (const auto &[day, number] : *by)
      if (day != no_day) days.push_back(day);
  std::sort(days.begin(), days.end());
  days.erase(std::unique(days.begin(), days.end()), days.end());
  return days;
}

bool day_fold::make_patch(day_number day, day_patch &patch) {
  const entry *const here = entry_on(day);
  const stored_day *const stored = here == nullptr ? nullptr : here->stored;
  if (here != nullptr) {
    patch.counts = counts_of(*here);
    patch.counts.new_count = new_on(*here);
  }
  patch.counts.day = day;
  patch.counts.window_count = from_.window.days > 0 ? window_of(stored, day) : 0;
  if (here != nullptr && day >= from_.live_day) {
    patch.has_new_users = true;
    patch.new_users = live_new_[static_cast<std::size_t>(here - entries_.data())];
  } else if (here != nullptr) {
    const number_list gone = moved(moved_from_, day), come = moved(moved_to_, day);
    number_list were(host_.memory);
    if (here->is_fresh || !gone.empty() || !come.empty()) {
      patch.has_new_users = true;
      if (stored != nullptr) read(stored->new_users, were);
      number_list left(host_.memory);
      std::set_difference(were.begin(), were.end(), gone.begin(), gone.end(), std::back_inserter(left));
      std::set_union(left.begin(), left.end(), come.begin(), come.end(), std::back_inserter(patch.new_users));
    }
  }
  if (stored == nullptr) return !patch.counts.is_idle() || patch.counts.window_count != 0;
  return patch.has_new_users || stored->window_count != patch.counts.window_count;
}

std::span<std::byte> day_fold::seen_bytes(std::size_t reserved) { return seen().to_bytes(reserved, host_); }

}  // namespace headcount::core
