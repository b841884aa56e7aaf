#include <sys/statvfs.h>

#include "pg/shared_area.hpp"

#include "pg/boundary.hpp"
#include "pg/settings.hpp"

namespace headcount::pg {

namespace {

constexpr std::uint64_t control_magic = 0x68656164636f756e;

// Another process may fill the same memory: PostgreSQL raises an error where there is none left, as for a parallel hash
// join. So we ask for no more than this part of what is free, and for nothing where that is little.
constexpr std::uint64_t part_of_free = 2;
constexpr std::uint64_t least_bytes = std::uint64_t{16} << 20U;

// How many bytes an area may take; 0: none.
std::uint64_t room_for_area() {
  if (dynamic_shared_memory_type != DSM_IMPL_POSIX) return 0;  // else nobody can say how much there is
  struct statvfs found {};
  if (statvfs("/dev/shm", &found) != 0) return 0;
  const std::uint64_t room = std::uint64_t{found.f_bavail} * found.f_frsize / part_of_free;
  return room < least_bytes ? 0 : std::min(room, shared_memory_limit().value_or(room));
}

// The areas of this process.
shared_area *areas = nullptr;

}  // namespace

struct shared_area::control {
  std::uint64_t magic;
  area_name name;
  core::shared_lock lock;
  std::uint64_t node;  // of the plan and of the aggregate in it, 0 before anybody joined
  dsa_pointer head;    // of the rows
  core::instant as_of;
  std::int64_t window_days;
  bool denials;
  area_name refused;
  char zone_name[TZ_STRLEN_MAX + 1];
  Barrier barrier;

  char *dsa_place() { return reinterpret_cast<char *>(this) + MAXALIGN(sizeof(control)); }
};

shared_area::shared_area(MemoryContext memory)
    : memory_(memory), host_{&memory_, check_interrupts}, space_(*this), next_(areas) {
  areas = this;
}

core::shared_space::handle shared_area::dsa_space::allocate(std::size_t bytes) {
  return call([this, bytes]() -> handle {
    return dsa_allocate_extended(of_.dsa_, bytes, DSA_ALLOC_HUGE | DSA_ALLOC_NO_OOM);
  });
}

std::byte *shared_area::dsa_space::address(handle of) {
  return call([this, of] { return static_cast<std::byte *>(dsa_get_address(of_.dsa_, static_cast<dsa_pointer>(of))); });
}

// The query is over. Nothing may be raised here.
void shared_area::release(void *area) {
  auto *const done = static_cast<shared_area *>(area);
  for (shared_area **each = &areas; *each != nullptr; each = &(*each)->next_) {
    if (*each != done) continue;
    *each = done->next_;
    break;
  }
  if (done->dsa_ != nullptr) dsa_detach(done->dsa_);
  if (done->segment_ != nullptr) dsm_detach(done->segment_);
}

// What is mapped here hangs on the memory context alone: resource owners would warn of it where the query ends well.
area_name shared_area::make(MemoryContext query) {
  const std::uint64_t room = IsParallelWorker() || max_parallel_workers_per_gather == 0 ? 0 : room_for_area();
  if (room == 0) return {};
  return call([=] {
    auto *const made = new (MemoryContextAllocZero(query, sizeof(shared_area))) shared_area(query);
    auto *const callback = static_cast<MemoryContextCallback *>(MemoryContextAlloc(query, sizeof(MemoryContextCallback)));
    *callback = {release, made, nullptr};
    MemoryContextRegisterResetCallback(query, callback);
    const Size dsa_bytes = dsa_minimum_size();
    made->segment_ = dsm_create(MAXALIGN(sizeof(control)) + dsa_bytes, DSM_CREATE_NULL_IF_MAXSEGMENTS);
    if (made->segment_ == nullptr) return area_name{};
    dsm_pin_mapping(made->segment_);
    auto *const about = new (dsm_segment_address(made->segment_)) control{};
    MemoryContext const before = MemoryContextSwitchTo(query);
    made->dsa_ = dsa_create_in_place(about->dsa_place(), dsa_bytes, LWTRANCHE_PARALLEL_QUERY_DSA, made->segment_);
    MemoryContextSwitchTo(before);
    dsa_pin_mapping(made->dsa_);
    dsa_set_size_limit(made->dsa_, static_cast<size_t>(Min(room, std::uint64_t{SIZE_MAX})));
    BarrierInit(&about->barrier, 0);
    about->name = {dsm_segment_handle(made->segment_), MyProcPid, 0};
    if (!pg_strong_random(&about->name.secret, sizeof about->name.secret)) elog(ERROR, "could not generate a random number");
    about->magic = control_magic;
    made->control_ = about;
    return about->name;
  });
}

// A worker keeps it until it exits, which is when its part of the query is over.
shared_area *shared_area::find(const area_name &name) {
  if (name.segment == DSM_HANDLE_INVALID) return nullptr;
  for (shared_area *each = areas; each != nullptr; each = each->next_)
    if (each->control_ != nullptr && each->control_->name == name) return each;
  if (!IsParallelWorker() || MyProc->lockGroupLeader == nullptr || MyProc->lockGroupLeader->pid != name.leader) return nullptr;
  return call([&name]() -> shared_area * {
    if (dsm_find_mapping(name.segment) != nullptr) return nullptr;  // something else by now
    dsm_segment *const segment = dsm_attach(name.segment);
    if (segment == nullptr) return nullptr;
    auto *const about = static_cast<control *>(dsm_segment_address(segment));
    if (dsm_segment_map_length(segment) < sizeof(control) || about->magic != control_magic || !(about->name == name)) {
      dsm_detach(segment);
      return nullptr;
    }
    dsm_pin_mapping(segment);
    MemoryContext const before = MemoryContextSwitchTo(TopMemoryContext);
    auto *const made = new (MemoryContextAllocZero(TopMemoryContext, sizeof(shared_area))) shared_area(TopMemoryContext);
    made->segment_ = segment;
    made->dsa_ = dsa_attach_in_place(about->dsa_place(), segment);
    MemoryContextSwitchTo(before);
    dsa_pin_mapping(made->dsa_);
    made->control_ = about;
    return made;
  });
}

const area_name &shared_area::name() const { return control_->name; }

void shared_area::see_rows(const shared_settings &settings) {
  const std::optional<std::int64_t> window =
      settings.window_days == 0 ? std::nullopt : std::optional(settings.window_days);
  rows_.emplace(*reinterpret_cast<core::shared_rows::head *>(space_.address(control_->head)), space_,
                *settings.time_zone, settings.as_of, window, &memory_);
}

bool shared_area::join(const AggState *aggregate, const shared_settings &settings) {
  if (state_ != state::outside || settings.time_zone->name().size() > TZ_STRLEN_MAX) return false;
  const std::uint64_t node = (static_cast<std::uint64_t>(aggregate->ss.ps.plan->plan_node_id) + 1) << 32U |
                             static_cast<std::uint32_t>(aggregate->curpertrans - aggregate->pertrans);
  const core::shared_lock::guard locked(control_->lock, host_);
  if (control_->node == 0) {
    const core::shared_space::handle made = space_.allocate(sizeof(core::shared_rows::head));
    if (made == core::shared_space::none) return false;
    new (space_.address(made)) core::shared_rows::head{};
    control_->head = static_cast<dsa_pointer>(made);
    control_->as_of = settings.as_of;
    control_->window_days = settings.window_days;
    control_->denials = settings.denials;
    control_->refused = settings.refused;
    *std::copy(settings.time_zone->name().begin(), settings.time_zone->name().end(), control_->zone_name) = '\0';
    control_->node = node;
  } else {
    if (control_->node != node) return false;
    const shared_settings theirs = this->settings();
    if (theirs.time_zone != settings.time_zone || theirs.as_of != settings.as_of ||
        theirs.window_days != settings.window_days || theirs.denials != settings.denials || !(theirs.refused == settings.refused))
      return false;
  }
  if (call([this] { return BarrierAttach(&control_->barrier); }) != 0) {
    // The others have begun to count.
    call([this] { BarrierDetach(&control_->barrier); });
    return false;
  }
  see_rows(settings);
  state_ = state::inside;
  return true;
}

void shared_area::wait() {
  // All of them wait for each other, and none has given a row away yet: a leader that waits here has nothing to read.
  call([this] { BarrierArriveAndWait(&control_->barrier, PG_WAIT_EXTENSION); });
}

void shared_area::finish() {
  if (state_ != state::inside) return;
  state_ = state::finished;
  shared_area *const refused = find(control_->refused);
  core::shared_rows *const denials = refused == nullptr ? nullptr : refused->collected();
  rows_->publish(host_);
  if (call([this] { return BarrierArriveAndWait(&control_->barrier, PG_WAIT_EXTENSION); }))
    rows_->make_plan(denials, host_);
  wait();
  rows_->find_changes(host_);
  wait();
  rows_->carry(host_);
  wait();
  rows_->count(denials, host_);
  // Whoever reads the result has a row of each of them, so nobody waits for the last one.
  call([this] { BarrierArriveAndDetach(&control_->barrier); });
}

core::shared_rows *shared_area::collected() {
  if (control_->node == 0) return nullptr;
  if (state_ == state::outside) {
    see_rows(settings());
    state_ = state::finished;
  }
  return &*rows_;
}

shared_settings shared_area::settings() const {
  return {&zone_named(control_->zone_name), control_->as_of, control_->window_days, control_->denials, control_->refused};
}

}  // namespace headcount::pg
