#include "pg/user_set_value.hpp"

#include "core/sets/number_log.hpp"
#include "pg/values.hpp"

namespace headcount::pg {

// Everything is made in the object's own memory context and goes with it.
struct expanded_user_set {
  ExpandedObjectHeader header;  // must come first
  context_resource memory;
  core::user_set set;
  std::span<std::byte> flat;  // canonical bytes, from the question for their size until they are written

  explicit expanded_user_set(MemoryContext context) : memory(context), set(&memory) {}
};

namespace {

// A first log of this size holds 13 numbers, and takes 80 bytes with what the allocator adds.
constexpr std::size_t first_log_bytes = 64;

// Beyond this a log becomes a bitmap, whose memory context costs HashAggregate a visit for each new group, as in
// presence_value.cpp: this many bytes hold 8,189 numbers.
constexpr std::size_t max_log_bytes = 32 * 1024;

// A set of more numbers is united as a whole, for which the state becomes a bitmap if it is not yet.
constexpr std::size_t max_added_singly = 2048;

Size flat_size(ExpandedObjectHeader *header) {
  auto *const expanded = reinterpret_cast<expanded_user_set *>(header);
  return enter([expanded] {
    if (expanded->flat.empty()) {
      const workspace work(expanded->header.eoh_context);
      expanded->flat = expanded->set.to_bytes(VARHDRSZ, work);
    }
    return expanded->flat.size();
  });
}

void flatten_into(ExpandedObjectHeader *header, void *to, Size size) {
  auto *const expanded = reinterpret_cast<expanded_user_set *>(header);
  std::memcpy(to, expanded->flat.data(), size);
  SET_VARSIZE(to, size);
  pfree(std::exchange(expanded->flat, {}).data());
}

const ExpandedObjectMethods methods = {flat_size, flatten_into};

// The object behind a datum, or nullptr where it is flat.
expanded_user_set *expanded_of(Datum datum) {
  if (!VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(datum))) return nullptr;
  ExpandedObjectHeader *const header = DatumGetEOHP(datum);
  return header->eoh_methods == &methods ? reinterpret_cast<expanded_user_set *>(header) : nullptr;
}

bool is_log(core::key_view bytes) { return core::read_user_set_form(bytes) == core::user_set_form::log; }

}  // namespace

core::user_set_reader user_set_argument(FunctionCallInfo fcinfo, int number, const core::context &host) {
  if (PG_ARGISNULL(number))
    return core::user_set_reader(core::to_canonical(std::span<const std::uint32_t>(), 0, host.memory));
  if (expanded_user_set *const expanded = expanded_of(fcinfo->args[number].value))
    return core::user_set_reader(expanded->set.to_bytes(0, host));
  const core::key_view bytes = bytes_argument(fcinfo, number);
  if (!is_log(bytes)) return core::user_set_reader(bytes);
  const core::number_log_reader log(bytes);
  return core::user_set_reader(core::to_canonical(log.sorted(host.memory), 0, host.memory, log.dictionary()));
}

std::uint64_t user_set_cardinality(FunctionCallInfo fcinfo, int number) {
  if (!PG_ARGISNULL(number)) {
    if (const expanded_user_set *const expanded = expanded_of(fcinfo->args[number].value))
      return expanded->set.cardinality();
  }
  const workspace work;
  return user_set_argument(fcinfo, number, work).cardinality();
}

std::uint32_t user_number(std::int32_t number) {
  if (number < 0) {
    throw core::error(core::fault::number_too_small, "user number must not be negative",
                      "A user_set holds numbers from 0 to 2147483647, not " + std::to_string(number) + ".");
  }
  return static_cast<std::uint32_t>(number);
}

user_set_state::user_set_state(FunctionCallInfo fcinfo) : fcinfo_(fcinfo) {
  const int caller = AggCheckCallContext(fcinfo, &aggregate_);
  if (caller == 0) {
    throw core::error(core::fault::wrong_context, "function can only be called by an aggregate", {},
                      "Use the aggregates user_set_agg, user_set_union_agg and unique_count.");
  }
  may_be_log_ = caller != AGG_CONTEXT_WINDOW;
  if (!PG_ARGISNULL(0)) load();
}

void user_set_state::load() {
  const Datum state = fcinfo_->args[0].value;
  if (VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(state)) && expanded_of(state) != nullptr) {
    table_ = expanded_of(state);
    if (!table_->flat.empty()) pfree(std::exchange(table_->flat, {}).data());  // its size was asked for, no more
    is_empty_ = table_->set.cardinality() == 0;
    dictionary_ = table_->set.dictionary();
    return;
  }
  // Only what this very aggregate keeps may be edited in place, and that has a full length word.
  auto *const flat = reinterpret_cast<struct varlena *>(DatumGetPointer(state));
  if (VARATT_IS_4B_U(flat) && is_log({reinterpret_cast<const std::byte *>(VARDATA(flat)), VARSIZE(flat) - VARHDRSZ})) {
    log_ = flat;
    is_empty_ = core::number_log_editor::load(log_bytes().data() + 4) == 0;
    dictionary_ = core::read_dictionary_id(log_bytes());
    return;
  }
  add_argument(0);
}

std::span<std::byte> user_set_state::log_bytes() const {
  return {reinterpret_cast<std::byte *>(VARDATA(log_)), VARSIZE(log_) - VARHDRSZ};
}

void user_set_state::add_number(std::uint32_t number) {
  meet({});
  add(number);
}

// Numbers of this dictionary are about to be added.
void user_set_state::meet(const core::dictionary_id &dictionary) {
  if (dictionary_ == dictionary) return;
  if (!is_empty_) core::throw_mixed_dictionaries(dictionary_, dictionary);
  dictionary_ = dictionary;
  if (table_ != nullptr) table_->set.set_dictionary(dictionary);
  if (log_ != nullptr && core::number_log_editor::size_of(0, !dictionary.is_none()) > log_bytes().size()) log_ = nullptr;
  if (log_ != nullptr) core::number_log_editor::create(log_bytes(), dictionary);
}

void user_set_state::add(std::uint32_t number) {
  is_empty_ = false;
  if (table_ == nullptr) {
    if (log_ != nullptr && core::number_log_editor::append(log_bytes(), number)) return;
    if (make_room()) {
      core::number_log_editor::append(log_bytes(), number);
      return;
    }
  }
  table().add(number);
}

// Makes a larger log in the context of this call, since the aggregate copies what it is handed and frees what it had.
// Numbers that came again and again take no room in it. Returns false where it would be larger than a log may be, and
// in a window, where a growing frame is asked for its answer after each row: a log would be sorted each time.
bool user_set_state::make_room() {
  if (!may_be_log_) return false;
  const workspace work;
  std::pmr::vector<std::uint32_t> numbers(work.host().memory);
  std::size_t size = first_log_bytes;
  if (log_ != nullptr) {
    numbers = core::number_log_reader(log_bytes()).sorted(work.host().memory);
    size = VARSIZE(log_);
    // Where less than a quarter gets free, there would soon be the next sort.
    const std::size_t used = VARHDRSZ + core::number_log_editor::size_of(numbers.size(), !dictionary_.is_none());
    if (used > size / 4 * 3) size *= 2;
    if (size > max_log_bytes) return false;
  }
  log_ = larger_value(nullptr, size);
  core::number_log_editor::create(log_bytes(), dictionary_);
  for (const std::uint32_t each : numbers) core::number_log_editor::append(log_bytes(), each);
  return true;
}

// The state as a bitmap, which it becomes here if it is not yet.
core::user_set &user_set_state::table() {
  if (table_ != nullptr) return table_->set;
  const auto made = call([this] {
    MemoryContext const context = AllocSetContextCreate(aggregate_, "headcount user_set", ALLOCSET_SMALL_SIZES);
    return std::pair(context, MemoryContextAlloc(context, sizeof(expanded_user_set)));
  });
  table_ = new (made.second) expanded_user_set(made.first);
  call([&] { EOH_init_header(&table_->header, &methods, made.first); });
  table_->set.set_dictionary(dictionary_);
  if (log_ != nullptr) {
    core::number_log_reader(log_bytes()).for_each([this](std::uint32_t number) { table_->set.add(number); });
    log_ = nullptr;
  }
  return table_->set;
}

void user_set_state::add_argument(int number) {
  if (log_ == nullptr && table_ == nullptr && !make_room()) table();  // a union of empty sets is a set
  const auto add_each = [this](std::uint32_t each) { add(each); };
  if (expanded_of(fcinfo_->args[number].value) == nullptr) {
    if (const core::key_view bytes = bytes_argument(fcinfo_, number); is_log(bytes)) {
      const core::number_log_reader added(bytes);
      if (!added.empty()) meet(added.dictionary());
      added.for_each(add_each);
      return;
    }
  }
  const workspace work;
  const core::user_set_reader added = user_set_argument(fcinfo_, number, work);
  if (added.cardinality() != 0) meet(added.dictionary());
  if (table_ == nullptr && added.cardinality() <= max_added_singly) {
    added.for_each(work, add_each);
  } else {
    table().unite(added, work);
    is_empty_ = table_->set.cardinality() == 0;
  }
}

Datum user_set_state::result() const {
  if (table_ != nullptr) return EOHPGetRWDatum(&table_->header);
  if (log_ != nullptr) return PointerGetDatum(log_);
  if (fcinfo_->args[0].isnull) return null_result(fcinfo_);
  return fcinfo_->args[0].value;
}

}  // namespace headcount::pg
