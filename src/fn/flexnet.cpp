// Debug logs of FlexNet licence servers: their lines as rows, and which checkin ends which checkout.

#include "core/flexnet/debug_log.hpp"
#include "core/flexnet/pair_checkouts.hpp"
#include "pg/memory.hpp"
#include "pg/rows.hpp"
#include "pg/values.hpp"
#include "pg/zone.hpp"

namespace headcount::fn {
namespace {

class row_sink final : public core::log_sink {
 public:
  explicit row_sink(FunctionCallInfo fcinfo) : rows_(fcinfo) {}

  void put(const core::log_record &record) override {
    const auto number = [](std::optional<std::int32_t> value) { return value ? pg::field::of_integer(*value) : pg::field(); };
    rows_.put(pg::field::of(record.line), pg::field::of_time(record.at), said(0, record.daemon), said(1, core::name_of(record.event)),
              said(2, record.feature), said(3, record.user), said(4, record.host),
              record.licenses > 0 ? pg::field::of_integer(record.licenses) : pg::field(), said(5, record.data), said(6, record.handle),
              said(7, record.reason), number(record.code), number(record.minor_code));
  }

  Datum result(FunctionCallInfo fcinfo) const { return rows_.result(fcinfo); }

 private:
  pg::field said(std::size_t column, std::string_view text) {
    return text.empty() ? pg::field() : pg::field(texts_[column](text));
  }

  pg::row_set rows_;
  pg::text_buffer texts_[8];
};

}  // namespace

// (log, time_zone, begins_after)
HEADCOUNT_FUNCTION(headcount_flexnet_events) {
  const std::string_view log = pg::text_argument(fcinfo, 0, "log");
  const pg::zone &zone = pg::zone_argument(fcinfo, 1);
  const std::optional<core::instant> begins_after = pg::optional_instant(fcinfo, 2);
  if (begins_after && TIMESTAMP_NOT_FINITE(*begins_after))
    throw core::error(core::fault::out_of_range, "argument \"begins_after\" must be finite");
  const pg::workspace work;
  row_sink rows(fcinfo);
  core::read_debug_log(log, zone, begins_after, work, rows);
  return rows.result(fcinfo);
}

// (licenses)
HEADCOUNT_FUNCTION(headcount_pair_checkouts) {
  Datum *values = nullptr;
  bool *nulls = nullptr;
  int count = 0;
  pg::call([&] {
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), INT4OID, sizeof(std::int32_t), true, TYPALIGN_INT, &values, &nulls, &count);
  });
  const pg::workspace work;
  const core::context host = work;
  std::pmr::vector<std::int32_t> events(host.memory);
  events.reserve(static_cast<std::size_t>(count));
  for (int at = 0; at < count; ++at) events.push_back(nulls[at] ? 0 : DatumGetInt32(values[at]));
  const auto partners = core::pair_checkouts(events, host);
  return pg::call([&] {
    for (int at = 0; at < count; ++at) values[at] = Int32GetDatum(partners[static_cast<std::size_t>(at)]);
    return PointerGetDatum(construct_array(values, count, INT4OID, sizeof(std::int32_t), true, TYPALIGN_INT));
  });
}

}  // namespace headcount::fn
