#pragma once
// Memory that a query shares with the parallel workers of one aggregate in it.
//
// PostgreSQL gives an aggregate nothing that its processes have in common. So a query makes an area beforehand, by a
// subselect that asks for one, and the aggregate gets its name as an argument: PostgreSQL computes such a value once,
// in the leader, and hands it to all workers.
//
//   name      SQL type shared_area: which segment, and a number that nobody can guess; cannot be written down in SQL
//   control   a small dynamic shared memory segment: whose it is, what is collected, a barrier
//   memory    grows with what is collected (PostgreSQL's DSA)
//
// An area serves one aggregate node of the query that made it. Whoever comes too late, or is another one, collects
// alone. It is there as long as that query or anything that was collected with it.

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

inline Datum area_result(const area_name &name) {
  auto *const value = static_cast<area_name *>(call([] { return palloc(sizeof(area_name)); }));
  *value = name;
  return PointerGetDatum(value);
}

class shared_area {
 public:
  // Makes one for the query whose memory `query` is; none where it has no parallel workers, or areas enough.
  static area_name make(MemoryContext query);
  // The one of that name, which this process or its leader made; nullptr where there is none any more.
  static shared_area *find(const area_name &name);

  const area_name &name() const;
  // Keeps it as long as there is this memory.
  void keep(MemoryContext memory);

  // Takes part in the collection that the aggregate node of `aggregate` makes, beginning it if nobody has. Returns
  // whether it does; then it must finish().
  bool join(const AggState *aggregate, const shared_settings &settings);
  core::shared_rows &rows() { return *rows_; }  // of who took part
  const core::context &host() const { return host_; }
  // To be called by who takes part, when no more rows come: waits for the others, counts with them.
  void finish();
  // Whether it takes part and did not finish yet.
  bool is_inside() const { return state_ == state::inside; }

  bool has_rows() const;
  // What was collected, also if this process took no part. Throws invalid_argument where not all have finished yet.
  core::shared_rows &collected();
  // Of what was collected.
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
  static shared_area *create();
  static void let_go(void *area);
  static void after_transaction(XactEvent event, void *);
  void detach();
  void see_rows(const shared_settings &settings);
  bool wait();

  MemoryContext context_;  // of its own
  MemoryContext query_ = nullptr;
  int keepers_ = 0;
  context_resource memory_;
  core::context host_;
  dsm_segment *segment_ = nullptr;
  control *control_ = nullptr;
  dsa_area *dsa_ = nullptr;
  dsa_space space_;
  std::optional<core::shared_rows> rows_;
  state state_ = state::outside;
  std::uint64_t taken_ = 0;      // bytes, by this process
  shared_area *next_ = nullptr;  // of those of this process
};

}  // namespace headcount::pg
