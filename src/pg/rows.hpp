#pragma once
// Rows out of set-returning functions, and single rows of composite type.

#include "pg/postgres.hpp"

#include "core/presence/sweep.hpp"
#include "pg/boundary.hpp"

namespace headcount::pg {

// One value of a row.
struct field {
  Datum value = 0;
  bool is_null = true;

  field() = default;
  explicit field(Datum datum) : value(datum), is_null(false) {}
  static field of(std::int64_t number) { return field(Int64GetDatum(number)); }
  // The report's own columns are integer. Throws number_too_large.
  static field of_integer(std::int64_t number) {
    if (number > PG_INT32_MAX) throw core::error(core::fault::number_too_large, "a number of the report is more than an integer holds");
    return field(Int32GetDatum(static_cast<std::int32_t>(number)));
  }
  static field of_time(core::instant at) { return field(TimestampTzGetDatum(at)); }
  static field of_day(std::int32_t day) { return field(DateADTGetDatum(day)); }
};

// The instant of a peak; there is none where the level was 0.
inline field instant_of(const core::peak &highest) { return highest.level == 0 ? field() : field::of_time(highest.at); }

// Collects the rows of a set-returning function in materialize mode, which spills to disk beyond work_mem.
class row_set {
 public:
  explicit row_set(FunctionCallInfo fcinfo) {
    call([this, fcinfo] {
      auto *const info = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
      if (info == nullptr || !IsA(info, ReturnSetInfo) || (info->allowedModes & SFRM_Materialize) == 0 ||
          info->expectedDesc == nullptr)
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("set-valued function called in context that cannot accept a set")));
      memory_ = info->econtext->ecxt_per_query_memory;
      MemoryContext const before = MemoryContextSwitchTo(memory_);
      shape_ = CreateTupleDescCopy(info->expectedDesc);
      rows_ = tuplestore_begin_heap((info->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
      MemoryContextSwitchTo(before);
      info->returnMode = SFRM_Materialize;
      info->setResult = rows_;
      info->setDesc = shape_;
    });
  }

  template <typename... Fields>
  void put(const Fields &...fields) {
    Datum values[] = {fields.value...};
    bool nulls[] = {fields.is_null...};
    check_interrupts();
    call([&] {
      if (shape_->natts != static_cast<int>(sizeof...(Fields)))
        ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH), errmsg("function returns rows of another shape")));
      tuplestore_putvalues(rows_, shape_, values, nulls);
    });
  }

  // For what writes rows by itself.
  Tuplestorestate *store() const { return rows_; }
  TupleDesc shape() const { return shape_; }
  MemoryContext memory() const { return memory_; }

  // What the function itself returns: the rows are in the tuplestore.
  Datum result(FunctionCallInfo fcinfo) const {
    fcinfo->isnull = true;
    return Datum{0};
  }

 private:
  MemoryContext memory_ = nullptr;
  TupleDesc shape_ = nullptr;
  Tuplestorestate *rows_ = nullptr;
};

// The shape of the row that a function returns, which must have so many columns. Backend code.
inline TupleDesc row_shape(FunctionCallInfo fcinfo, int columns) {
  TupleDesc shape = nullptr;
  if (get_call_result_type(fcinfo, nullptr, &shape) != TYPEFUNC_COMPOSITE || shape->natts != columns)
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("function returning record called in context that cannot accept type record")));
  return BlessTupleDesc(shape);
}

// One row as the result of a function that returns a composite.
template <typename... Fields>
Datum make_row(FunctionCallInfo fcinfo, const Fields &...fields) {
  Datum values[] = {fields.value...};
  bool nulls[] = {fields.is_null...};
  return call([&]() -> Datum {
    return HeapTupleGetDatum(heap_form_tuple(row_shape(fcinfo, static_cast<int>(sizeof...(Fields))), values, nulls));
  });
}

}  // namespace headcount::pg
