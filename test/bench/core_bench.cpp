// How fast the kernel's inner loops are, without a server around them.

#include <benchmark/benchmark.h>

#include <memory_resource>

#include "core/base/radix_sort.hpp"
#include "core/presence/coverage.hpp"
#include "core/presence/sweep.hpp"
#include "core/report/daily_presence.hpp"
#include "core/report/report.hpp"
#include "support/toolbox.hpp"
#include "support/zones.hpp"

namespace headcount::test {
namespace {

constexpr std::int64_t sessions = 200'000, users = 10'000, year = 365;

void no_poll() {}

// The heap as it is: the tests' own arena would be what is measured.
struct plain_host {
  std::pmr::monotonic_buffer_resource memory;
  context with{&memory, no_poll};
};

// A year of sessions of about two hours. In order of time, as a table of accounting records has them, or shuffled.
const rows &year_of_sessions(bool in_order) {
  const auto make = [](bool ordered) {
    dice roll(1);
    rows made;
    for (std::int64_t at = 0; at < sessions; ++at) {
      const instant start = at * (year * days / sessions) + roll.between(0, hours);
      made.push_back({"user" + std::to_string(roll(users)), {start, start + roll.between(1, 4 * hours)}});
    }
    if (!ordered) roll.shuffle(made);
    return made;
  };
  static const rows ordered = make(true), shuffled = make(false);
  return in_order ? ordered : shuffled;
}

const bytes &year_of_bytes() {
  static const bytes canonical = [] {
    plain_host host;
    return canonical_of(key_type::text, year_of_sessions(true), host.with);
  }();
  return canonical;
}

void fill_table(benchmark::State &state) {
  const rows &arriving = year_of_sessions(state.range(0) != 0);
  for (auto _ : state) {
    plain_host host;
    core::keyed_intervals table(key_type::text, host.with.memory);
    fill(table, arriving);
    benchmark::DoNotOptimize(table.size());
  }
  state.SetItemsProcessed(state.iterations() * sessions);
}
BENCHMARK(fill_table)->ArgName("in_order")->Arg(1)->Arg(0)->Unit(benchmark::kMillisecond);

void write_canonical(benchmark::State &state) {
  plain_host kept;
  core::keyed_intervals table(key_type::text, kept.with.memory);
  fill(table, year_of_sessions(true));
  for (auto _ : state) {
    plain_host host;
    benchmark::DoNotOptimize(core::to_canonical(presence_view(table), core::all_time, 0, host.with).data());
  }
  state.SetItemsProcessed(state.iterations() * sessions);
}
BENCHMARK(write_canonical)->Unit(benchmark::kMillisecond);

void read_canonical(benchmark::State &state) {
  for (auto _ : state) {
    plain_host host;
    std::size_t intervals = 0;
    presence_view(year_of_bytes()).for_each(host.with, [&](key_view, std::span<const interval> each) {
      intervals += each.size();
    });
    benchmark::DoNotOptimize(intervals);
  }
  state.SetItemsProcessed(state.iterations() * sessions);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(year_of_bytes().size()));
}
BENCHMARK(read_canonical)->Unit(benchmark::kMillisecond);

void peak(benchmark::State &state) {
  for (auto _ : state) {
    plain_host host;
    benchmark::DoNotOptimize(core::find_peak(presence_view(year_of_bytes()), core::all_time, host.with));
  }
  state.SetItemsProcessed(state.iterations() * sessions);
}
BENCHMARK(peak)->Unit(benchmark::kMillisecond);

void daily_report(benchmark::State &state) {
  const core::day_range range{{}, {}, year * days};
  for (auto _ : state) {
    plain_host host;
    const core::report_input input{presence_view(year_of_bytes()), presence_view(), presence_view(year_of_bytes())};
    const auto counts =
        core::find_daily_user_counts(input, core::licensing_model::model_2013, 14, range, berlin, host.with);
    benchmark::DoNotOptimize(counts.rows.data());
  }
  state.SetItemsProcessed(state.iterations() * sessions);
}
BENCHMARK(daily_report)->Unit(benchmark::kMillisecond);

// The daily report as the views make it: rows collected by day, the report of what was collected, and what a worker
// hands over. Hosts are named as users are.
void collect(core::daily_presence &to, const rows &arriving) {
  for (const row &each : arriving) to.add_session(view_of(each.key), view_of(each.key), each.when);
}

void collect_days(benchmark::State &state) {
  const rows &arriving = year_of_sessions(state.range(0) != 0);
  for (auto _ : state) {
    plain_host host;
    core::daily_presence collected(berlin, year * days, host.with.memory);
    collect(collected, arriving);
    benchmark::DoNotOptimize(collected.users().size());
  }
  state.SetItemsProcessed(state.iterations() * sessions);
}
BENCHMARK(collect_days)->ArgName("in_order")->Arg(1)->Arg(0)->Unit(benchmark::kMillisecond);

void report_days(benchmark::State &state) {
  plain_host kept;
  core::daily_presence collected(berlin, year * days, kept.with.memory);
  collect(collected, year_of_sessions(true));
  const auto model = state.range(0) == 2013 ? core::licensing_model::model_2013 : core::licensing_model::model_2019;
  for (auto _ : state) {
    plain_host host;
    const auto counts =
        core::find_daily_user_counts(collected, collected, model, 14, {{}, {}, year * days}, berlin, host.with);
    benchmark::DoNotOptimize(counts.rows.data());
  }
  state.SetItemsProcessed(state.iterations() * sessions);
}
BENCHMARK(report_days)->ArgName("model")->Arg(2013)->Arg(2019)->Unit(benchmark::kMillisecond);

void sweep_hosts(benchmark::State &state) {
  plain_host kept;
  core::daily_presence collected(berlin, year * days, kept.with.memory);
  collect(collected, year_of_sessions(true));
  for (auto _ : state) {
    plain_host host;
    std::int64_t highest = 0;
    collected.hosts().for_each_change(year * days, host.with,
                                      [&](instant, std::int64_t level) { highest = std::max(highest, level); });
    benchmark::DoNotOptimize(highest);
  }
  state.SetItemsProcessed(state.iterations() * sessions);
}
BENCHMARK(sweep_hosts)->Unit(benchmark::kMillisecond);

void hand_over_days(benchmark::State &state) {
  plain_host kept;
  core::daily_presence collected(berlin, year * days, kept.with.memory);
  collect(collected, year_of_sessions(true));
  for (auto _ : state) {
    plain_host host;
    core::byte_buffer bytes(host.with.memory);
    collected.write(bytes, host.with);
    core::daily_presence merged(berlin, year * days, host.with.memory);
    core::byte_reader reader({bytes.data(), bytes.size()});
    merged.merge(reader, host.with);
    state.counters["bytes"] = static_cast<double>(bytes.size());
  }
  state.SetItemsProcessed(state.iterations() * sessions);
}
BENCHMARK(hand_over_days)->Unit(benchmark::kMillisecond);

void sort_instants(benchmark::State &state) {
  dice roll(2);
  plain_host kept;
  std::pmr::vector<instant> unsorted(1'000'000, kept.with.memory);
  for (instant &each : unsorted) each = roll.between(0, year * days);
  for (auto _ : state) {
    plain_host host;
    std::pmr::vector<instant> values(unsorted, host.with.memory);
    core::radix_sort(values, host.with);
    benchmark::DoNotOptimize(values.data());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(unsorted.size()));
}
BENCHMARK(sort_instants)->Unit(benchmark::kMillisecond);

// The same few intervals of one key again and again, as retries bring them. Beside a power of two is where uniting them
// comes due most often.
void retries(benchmark::State &state) {
  for (auto _ : state) {
    plain_host host;
    core::keyed_intervals table(key_type::text, host.with.memory);
    const std::int64_t distinct = state.range(0);
    table.add(view_of("k"), {distinct * 10, distinct * 10 + 1});
    for (std::int64_t at = 0; at < 20 * distinct; ++at) {
      const instant start = at % distinct * 10;
      table.add(view_of("k"), {start, start + 5});
    }
    benchmark::DoNotOptimize(table.size());
  }
  state.SetItemsProcessed(state.iterations() * 20 * state.range(0));
}
BENCHMARK(retries)->Arg(1000)->Arg(1023)->Arg(4000)->Arg(4095)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace headcount::test
