// Any bytes at all as the log of a licence server: what comes out are parts of it, in the range of time.

#include "core/flexnet/debug_log.hpp"

#include "core/base/error.hpp"
#include "fuzz/fuzzing.hpp"
#include "support/zones.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  using namespace headcount;
  struct checker final : core::log_sink {
    std::string_view log;
    std::int64_t line = 0;
    void check(std::string_view part) const {
      test::require(part.empty() || (part.data() >= log.data() && part.data() + part.size() <= log.data() + log.size()), "a part of the log");
    }
    void put(const core::log_record &record) override {
      for (const std::string_view part : {record.daemon, record.feature, record.user, record.host, record.data, record.handle, record.reason}) check(part);
      test::require(record.line > line, "lines in their order");
      line = record.line;
      test::require(record.at >= core::first_finite && record.at < core::end_of_finite, "an instant");
      test::require(!record.daemon.empty(), "somebody says it");
      if (record.event != core::log_event::timestamp && record.event != core::log_event::start && record.event != core::log_event::stop)
        test::require(record.licenses > 0 && !record.feature.empty() && !(record.user.empty() && record.host.empty()), "an activity");
    }
  } sink;
  sink.log = {reinterpret_cast<const char *>(data), size};
  const test::host host;
  try {
    core::read_debug_log(sink.log, test::berlin, std::nullopt, host, sink);
  } catch (const core::error &error) {
    test::require(error.kind() == core::fault::invalid_argument || error.kind() == core::fault::out_of_range, "what is refused has no date");
  }
  return 0;
}
