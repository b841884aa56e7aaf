#pragma once
// Memory that a query shares with the parallel workers of one aggregate in it.
//
// PostgreSQL gives an aggregate nothing that its processes have in common. So a query makes an area beforehand, by a
// subselect that asks for one, and the aggregate gets its name as an argument: PostgreSQL computes such a value once, in
// the leader, and hands it to all workers.
//
//   name      SQL type shared_area: which segment, and a number that nobody can guess; cannot be written down in SQL
//   control   a small dynamic shared memory segment: whose it is, what is collected, a barrier
//   memory    grows with what is collected (PostgreSQL's DSA)
//
// An area serves one aggregate node of one execution. Whoever comes too late, or is another one, collects alone.

#include "pg/postgres.hpp"

#include "core/report/shared_rows.hpp"
#include "pg/memory.hpp"
#include "pg/values.hpp"
#include "pg/zone.hpp"

namespace headcount::pg {

// The SQL value. No area is all zeros.
struct area_name {
  dsm_handle segment;
  std::int32_t leader;  // its process
  std::uint64_t secret;

  friend bool operator==(const area_name &, const area_name &) = default;
};
static_assert(sizeof(area_name) == 16);

// What is collected in an area; the same for all rows.
struct shared_settings {
  const zone *time_zone;
  core::instant as_of;
  std::int64_t window_days;  // of totals; 0: all days so far
  bool denials;
  area_name refused;  // the denials that are users too, complete
};

// An argument of that type. Not NULL.
inline area_name area_argument(FunctionCallInfo fcinfo, int number) {
  require_argument(fcinfo, number, "area");
  area_name name;
  std::memcpy(&name, DatumGetPointer(fcinfo->args[number].value), sizeof name);
  return name;
}

class shared_area {
 public:
  // Makes one, which lasts as long as `query`; none where nobody could share it.
  static area_name make(MemoryContext query);
  // The one of that name, which this process or its leader made; nullptr where there is none any more.
  static shared_area *find(const area_name &name);

  const area_name &name() const;

  // Takes part in the collection that the aggregate node of `aggregate` makes, beginning it if nobody has. Returns whether
  // it does; then it must finish().
  bool join(const AggState *aggregate, const shared_settings &settings);
  core::shared_rows &rows() { return *rows_; }
  const core::context &host() const { return host_; }
  // To be called once, when no more rows come: waits for the others, counts with them.
  void finish();
  bool is_finished() const { return state_ == state::finished; }

  // After all have finished: what was collected, also if this process took no part. nullptr where nothing was.
  core::shared_rows *collected();
  // Throws invalid_argument where nothing was collected.
  shared_settings settings() const;

 private:
  struct control;
  class dsa_space final : public core::shared_space {
   public:
    explicit dsa_space(shared_area &of) : of_(of) {}
    handle allocate(std::size_t bytes) override;
    std::byte *address(handle of) override;

   private:
    shared_area &of_;
  };
  enum class state { outside, inside, finished };

  explicit shared_area(MemoryContext memory);
  static void release(void *area);
  void see_rows(const shared_settings &settings);
  void wait();

  context_resource memory_;
  core::context host_;
  dsm_segment *segment_ = nullptr;
  control *control_ = nullptr;
  dsa_area *dsa_ = nullptr;
  dsa_space space_;
  std::optional<core::shared_rows> rows_;
  state state_ = state::outside;
  shared_area *next_;  // of those of this process
};

}  // namespace headcount::pg
