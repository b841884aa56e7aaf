#pragma once
// What differs between the PostgreSQL versions that we support (14 to 19). No other file asks for the version.

#include "pg/postgres.hpp"

#if PG_VERSION_NUM < 140000
#error "headcount needs PostgreSQL 14 or later"
#endif

// What makes a library loadable; from PostgreSQL 18 on pg_get_loaded_modules() shows its name and version.
#if PG_VERSION_NUM >= 180000
#define HEADCOUNT_MODULE_MAGIC(module) PG_MODULE_MAGIC_EXT(.name = module, .version = HEADCOUNT_VERSION)
#else
#define HEADCOUNT_MODULE_MAGIC(module) PG_MODULE_MAGIC
#endif

namespace headcount::pg::compat {

#if PG_VERSION_NUM >= 180000
using base64_byte = std::uint8_t;
#else
using base64_byte = char;
#endif

// Both return the number of bytes written, or a negative number where `from` is not base64 or `to` is too small.
inline int base64_encode(const std::byte *from, int length, char *to, int room) {
  return pg_b64_encode(reinterpret_cast<const base64_byte *>(from), length, to, room);
}
inline int base64_decode(const char *from, int length, std::byte *to, int room) {
  return pg_b64_decode(from, length, reinterpret_cast<base64_byte *>(to), room);
}

// 1 for an infinite interval, -1 for one of minus infinity, 0 for all others.
inline int infinity_of(const Interval &of) {
#if PG_VERSION_NUM >= 170000
  return INTERVAL_IS_NOEND(&of) ? 1 : INTERVAL_IS_NOBEGIN(&of) ? -1 : 0;
#else
  (void)of;
  return 0;
#endif
}

// Memory that belongs to the settings machinery. Returns nullptr where there is none left.
inline void *settings_alloc(std::size_t size) {
#if PG_VERSION_NUM >= 160000
  return guc_malloc(LOG, size);
#else
  return malloc(size);
#endif
}
inline void settings_free(void *memory) {
#if PG_VERSION_NUM >= 160000
  guc_free(memory);
#else
  free(memory);
#endif
}

// Nobody may make settings up below this prefix.
inline void reserve_settings(const char *prefix) {
#if PG_VERSION_NUM >= 150000
  MarkGUCPrefixReserved(prefix);
#else
  EmitWarningsOnPlaceholders(prefix);
#endif
}

// Reads a timestamptz without ever raising an error. Returns whether `text` is one.
inline bool parse_timestamptz(const char *text, TimestampTz *value) {
  char buffer[MAXDATELEN + MAXDATEFIELDS];
  char *field[MAXDATEFIELDS];
  int kind[MAXDATEFIELDS], fields = 0, type = 0, offset = 0;
  struct pg_tm broken_down {};
  fsec_t fraction = 0;
  if (ParseDateTime(text, buffer, sizeof buffer, field, kind, MAXDATEFIELDS, &fields) != 0) return false;
#if PG_VERSION_NUM >= 160000
  DateTimeErrorExtra extra{};
  if (DecodeDateTime(field, kind, fields, &type, &broken_down, &fraction, &offset, &extra) != 0) return false;
#else
  if (DecodeDateTime(field, kind, fields, &type, &broken_down, &fraction, &offset) != 0) return false;
#endif
  switch (type) {
    case DTK_DATE: return tm2timestamp(&broken_down, fraction, &offset, value) == 0;
    case DTK_EPOCH: *value = SetEpochTimestamp(); return true;
    case DTK_LATE: TIMESTAMP_NOEND(*value); return true;
    case DTK_EARLY: TIMESTAMP_NOBEGIN(*value); return true;
    default: return false;
  }
}

// Stands for what abbreviations of time zones mean at the moment. Since PostgreSQL 18 that hangs on TimeZone too.
inline std::uint64_t meaning_of_abbreviations() {
  const char *const table = GetConfigOption("timezone_abbreviations", true, false);
  std::uint64_t meaning = table == nullptr ? 0 : string_hash(table, std::strlen(table) + 1);
#if PG_VERSION_NUM >= 180000
  meaning = hash_combine64(meaning, reinterpret_cast<std::uintptr_t>(session_timezone));
#endif
  return meaning + 1;
}

// Whether the caller of a type's input function wants errors reported softly (COPY ... ON_ERROR, pg_input_is_valid).
inline bool wants_soft_errors([[maybe_unused]] FunctionCallInfo fcinfo) {
#if PG_VERSION_NUM >= 160000
  return fcinfo->context != nullptr && IsA(fcinfo->context, ErrorSaveContext);
#else
  return false;
#endif
}

// Begins an error report: softly where the caller wants that. Returns whether it is to be filled in and finished.
inline bool begin_soft_error([[maybe_unused]] FunctionCallInfo fcinfo) {
#if PG_VERSION_NUM >= 160000
  return errsave_start(fcinfo->context, TEXTDOMAIN);
#else
  return false;
#endif
}
inline void finish_soft_error([[maybe_unused]] FunctionCallInfo fcinfo, [[maybe_unused]] const char *file,
                              [[maybe_unused]] int line, [[maybe_unused]] const char *function) {
#if PG_VERSION_NUM >= 160000
  errsave_finish(fcinfo->context, file, line, function);
#endif
}

// expression_tree_mutator(), whose callback has had other types.
inline Node *mutate_expression(Node *node, Node *(*mutate)(Node *, void *), void *with) {
#if PG_VERSION_NUM >= 160000
  return expression_tree_mutator(node, mutate, with);
#else
  return expression_tree_mutator(node, reinterpret_cast<Node *(*)()>(reinterpret_cast<void (*)()>(mutate)), with);
#endif
}

// expression_tree_walker(), likewise.
inline bool walk_expression(Node *node, bool (*visit)(Node *, void *), void *with) {
#if PG_VERSION_NUM >= 160000
  return expression_tree_walker(node, visit, with);
#else
  return expression_tree_walker(node, reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(visit)), with);
#endif
}

// What says which catalog a callback of the system caches is about.
#if PG_VERSION_NUM >= 190000
using syscache_id = SysCacheIdentifier;
#else
using syscache_id = int;
#endif

// A sequential scan of all rows that a snapshot sees.
inline TableScanDesc begin_scan(Relation relation, Snapshot snapshot) {
#if PG_VERSION_NUM >= 190000
  return table_beginscan(relation, snapshot, 0, nullptr, SO_NONE);
#else
  return table_beginscan(relation, snapshot, 0, nullptr);
#endif
}

}  // namespace headcount::pg::compat
