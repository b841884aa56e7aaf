#include <sys/statvfs.h>

#include "pg/shared_area.hpp"

#include "pg/boundary.hpp"
#include "pg/settings.hpp"

namespace headcount::pg {

namespace {

constexpr std::uint64_t control_magic = 0x68656164636f756e;

// Another process may fill the same memory: PostgreSQL raises an error where there is none left, as for a parallel hash
// join. So an area is no larger than this part of what is free when it is made, and does not grow where little is left.
constexpr std::uint64_t part_of_free = 2;
constexpr std::uint64_t least_bytes = std::uint64_t{16} << 20U;
constexpr std::size_t checked_bytes = std::size_t{64} << 10U;

// There are segments enough for each process to have some, not for one to have all.
constexpr int max_areas = 8;

// What all steps leave behind in the barrier.
constexpr int last_phase = 5;

std::uint64_t free_bytes() {
  struct statvfs found {};
  return statvfs("/dev/shm", &found) != 0 ? 0 : std::uint64_t{found.f_bavail} * found.f_frsize;
}

// How many bytes an area may take; 0: none.
std::uint64_t room_for_area() {
  if (dynamic_shared_memory_type != DSM_IMPL_POSIX) return 0;  // else nobody can say how much there is
  const std::uint64_t room = free_bytes() / part_of_free;
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
    : context_(memory), memory_(memory), host_{&memory_, check_interrupts}, space_(*this) {}

core::shared_space::handle shared_area::dsa_space::allocate(std::size_t bytes) {
  // What DSA asks the system for at once grows with what it has.
  if (bytes >= checked_bytes && free_bytes() < least_bytes + bytes + 2 * of_.taken_) return none;
  of_.taken_ += bytes;
  return call(
      [this, bytes]() -> handle { return dsa_allocate_extended(of_.dsa_, bytes, DSA_ALLOC_HUGE | DSA_ALLOC_NO_OOM); });
}

std::byte *shared_area::dsa_space::address(handle of) {
  return call([this, of] { return static_cast<std::byte *>(dsa_get_address(of_.dsa_, static_cast<dsa_pointer>(of))); });
}

// Gives the memory back. Nothing may be raised here.
void shared_area::detach() {
  if (dsa_ != nullptr) dsa_detach(std::exchange(dsa_, nullptr));
  if (segment_ != nullptr) dsm_detach(std::exchange(segment_, nullptr));
  control_ = nullptr;
}

// Memory that kept an area is gone. Nothing may be raised here.
void shared_area::let_go(void *kept) {
  auto *const area = static_cast<shared_area *>(kept);
  if (--area->keepers_ > 0) return;
  for (shared_area **each = &areas; *each != nullptr; each = &(*each)->next_) {
    if (*each != area) continue;
    *each = area->next_;
    break;
  }
  area->detach();
  MemoryContextDelete(area->context_);
}

// Memory of a query that failed may be there until ROLLBACK; what others could use is not kept as long. The workers are
// gone by now, and nobody reads what was collected.
void shared_area::after_transaction(XactEvent event, void *) {
  if (event != XACT_EVENT_ABORT && event != XACT_EVENT_PARALLEL_ABORT) return;
  for (shared_area *each = areas; each != nullptr; each = each->next_) each->detach();
}

void shared_area::keep(MemoryContext memory) {
  auto *const callback = static_cast<MemoryContextCallback *>(
      call([memory] { return MemoryContextAlloc(memory, sizeof(MemoryContextCallback)); }));
  *callback = {let_go, this, nullptr};
  ++keepers_;
  MemoryContextRegisterResetCallback(memory, callback);
}

// An area that is in no list yet and that nothing keeps. What it maps hangs on it alone: resource owners would warn of
// it where a query ends well.
shared_area *shared_area::create() {
  static bool is_told = false;
  if (!is_told) RegisterXactCallback(after_transaction, nullptr);
  is_told = true;
  MemoryContext const context = AllocSetContextCreate(TopMemoryContext, "headcount shared area", ALLOCSET_SMALL_SIZES);
  return new (MemoryContextAlloc(context, sizeof(shared_area))) shared_area(context);
}

area_name shared_area::make(MemoryContext query) {
  int count = 0;
  for (const shared_area *each = areas; each != nullptr; each = each->next_) ++count;
  // Only a query that has a parallel plan runs in parallel mode.
  if (!IsInParallelMode() || IsParallelWorker() || count >= max_areas) return {};
  const std::uint64_t room = room_for_area();
  if (room == 0) return {};
  shared_area *const made = call([] { return create(); });
  made->query_ = query;
  made->keep(query);
  made->next_ = std::exchange(areas, made);
  return call([=] {
    const Size dsa_bytes = dsa_minimum_size();
    made->segment_ = dsm_create(MAXALIGN(sizeof(control)) + dsa_bytes, DSM_CREATE_NULL_IF_MAXSEGMENTS);
    if (made->segment_ == nullptr) return area_name{};
    dsm_pin_mapping(made->segment_);
    auto *const about = new (dsm_segment_address(made->segment_)) control{};
    MemoryContext const before = MemoryContextSwitchTo(made->context_);
    made->dsa_ = dsa_create_in_place(about->dsa_place(), dsa_bytes, LWTRANCHE_PARALLEL_QUERY_DSA, made->segment_);
    MemoryContextSwitchTo(before);
    dsa_pin_mapping(made->dsa_);
    dsa_set_size_limit(made->dsa_, static_cast<size_t>(Min(room, std::uint64_t{SIZE_MAX})));
    BarrierInit(&about->barrier, 0);
    about->name = {dsm_segment_handle(made->segment_), MyProcPid, 0};
    if (!pg_strong_random(&about->name.secret, sizeof about->name.secret))
      elog(ERROR, "could not generate a random number");
    about->magic = control_magic;
    made->control_ = about;
    return about->name;
  });
}

// A worker keeps it until it exits, which is when its part of the query is over. It looks into a segment before it
// knows that it is the right one: a name may be old.
shared_area *shared_area::find(const area_name &name) {
  if (name.segment == DSM_HANDLE_INVALID) return nullptr;
  for (shared_area *each = areas; each != nullptr; each = each->next_)
    if (each->control_ != nullptr && each->control_->name == name) return each;
  if (!IsParallelWorker() || MyProc->lockGroupLeader == nullptr || MyProc->lockGroupLeader->pid != name.leader)
    return nullptr;
  return call([&name]() -> shared_area * {
    if (dsm_find_mapping(name.segment) != nullptr) return nullptr;  // something else by now
    dsm_segment *const segment = dsm_attach(name.segment);
    if (segment == nullptr) return nullptr;
    auto *const about = static_cast<control *>(dsm_segment_address(segment));
    if (dsm_segment_map_length(segment) < sizeof(control) || about->magic != control_magic || !(about->name == name)) {
      dsm_detach(segment);
      return nullptr;
    }
    shared_area *const made = create();
    dsm_pin_mapping(segment);
    made->segment_ = segment;
    MemoryContext const before = MemoryContextSwitchTo(made->context_);
    made->dsa_ = dsa_attach_in_place(about->dsa_place(), segment);
    MemoryContextSwitchTo(before);
    dsa_pin_mapping(made->dsa_);
    made->control_ = about;
    made->keepers_ = 1;
    made->next_ = std::exchange(areas, made);
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
  // One that another query made may go before this one does. A worker has no other.
  if (!IsParallelWorker() && query_ != aggregate->ss.ps.state->es_query_cxt) return false;
  // Who waits in one area while others wait for him in another would wait for ever.
  for (const shared_area *each = areas; each != nullptr; each = each->next_)
    if (each->state_ == state::inside) return false;
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
        theirs.window_days != settings.window_days || theirs.denials != settings.denials ||
        !(theirs.refused == settings.refused))
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

// Returns true in one of them.
bool shared_area::wait() {
  // All who take part wait for each other, and none of them has given its row of this node away yet: nobody has to read
  // it.
  return call([this] { return BarrierArriveAndWait(&control_->barrier, PG_WAIT_EXTENSION); });
}

void shared_area::finish() {
  if (state_ != state::inside) return;
  state_ = state::finished;
  shared_area *const refused = find(control_->refused);
  core::shared_rows *const denials = refused == nullptr ? nullptr : &refused->collected();
  rows_->publish(host_);
  if (wait()) rows_->make_plan(denials, host_);
  wait();
  rows_->find_changes(host_);
  wait();
  rows_->carry(host_);
  wait();
  rows_->count(denials, host_);
  // Whoever reads the result has a row of each of them, so nobody waits for the last one.
  call([this] { BarrierArriveAndDetach(&control_->barrier); });
}

bool shared_area::has_rows() const { return control_ != nullptr && control_->node != 0; }

core::shared_rows &shared_area::collected() {
  if (!has_rows() || call([this] { return BarrierPhase(&control_->barrier); }) < last_phase)
    throw core::error(core::fault::invalid_argument, "collected days are not complete yet", {},
                      "Read them where all of the query is put together.");
  if (state_ == state::outside) {
    see_rows(settings());
    state_ = state::finished;
  }
  return *rows_;
}

shared_settings shared_area::settings() const {
  return {&zone_named(control_->zone_name), control_->as_of, control_->window_days, control_->denials,
          control_->refused};
}

}  // namespace headcount::pg
