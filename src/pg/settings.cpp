#include "pg/settings.hpp"

#include "pg/compat.hpp"

namespace headcount::pg {
namespace {

constexpr core::instant start_of_year_1 = -63082281600 * core::ticks_per_second;

char *as_of_text = nullptr;
TimestampTz as_of_value = DT_NOEND;
bool as_of_is_set = false;

int shared_memory_kilobytes = -1;

struct as_of_extra {
  TimestampTz value;
  bool is_set;
};

// The text is replaced by its form in UTC: it must mean the same in a parallel worker and after SET TimeZone.
bool check_as_of(char **text, void **extra, GucSource) {
  TimestampTz value = DT_NOEND;
  const bool is_set = *text != nullptr && **text != '\0';
  if (is_set) {
    if (!compat::parse_timestamptz(*text, &value)) {
      GUC_check_errdetail("\"%s\" is not a valid timestamp with time zone.", *text);
      return false;
    }
    // A parallel worker reads the text again before it knows any word of a date, "BC" among them.
    if (TIMESTAMP_NOT_FINITE(value) || value < start_of_year_1) {
      GUC_check_errdetail("The instant must be finite and not before the year 1.");
      return false;
    }
    struct pg_tm broken_down {};
    fsec_t fraction = 0;
    char canonical[MAXDATELEN + 1];
    if (timestamp2tm(value, nullptr, &broken_down, &fraction, nullptr, nullptr) != 0) return false;
    broken_down.tm_isdst = 0;  // else the offset is left out
    EncodeDateTime(&broken_down, fraction, true, 0, nullptr, USE_ISO_DATES, canonical);
    auto *const copy = static_cast<char *>(compat::settings_alloc(std::strlen(canonical) + 1));
    if (copy == nullptr) return false;
    std::strcpy(copy, canonical);
    compat::settings_free(*text);
    *text = copy;
  }
  auto *const made = static_cast<as_of_extra *>(compat::settings_alloc(sizeof(as_of_extra)));
  if (made == nullptr) return false;
  *made = {value, is_set};
  *extra = made;
  return true;
}

void assign_as_of(const char *, void *extra) {
  if (extra == nullptr) return;
  as_of_value = static_cast<as_of_extra *>(extra)->value;
  as_of_is_set = static_cast<as_of_extra *>(extra)->is_set;
}

}  // namespace

void define_settings() {
  DefineCustomStringVariable("headcount.as_of", "The instant that the views of every source read as now.",
                             "Empty: the start of the transaction.", &as_of_text, "", PGC_USERSET, 0, check_as_of,
                             assign_as_of, nullptr);
  DefineCustomIntVariable("headcount.shared_memory",
                          "The most memory that the processes of a parallel report share.",
                          "-1: half of what is free for it when the report begins. 0: they share none, and each collects alone.",
                          &shared_memory_kilobytes, -1, -1, MAX_KILOBYTES, PGC_USERSET, GUC_UNIT_KB, nullptr, nullptr, nullptr);
  compat::reserve_settings("headcount");
}

core::instant current_as_of() { return as_of_is_set ? as_of_value : GetCurrentTransactionStartTimestamp(); }

std::optional<std::uint64_t> shared_memory_limit() {
  if (shared_memory_kilobytes < 0) return std::nullopt;
  return std::uint64_t{1024} * static_cast<std::uint64_t>(shared_memory_kilobytes);
}

}  // namespace headcount::pg
