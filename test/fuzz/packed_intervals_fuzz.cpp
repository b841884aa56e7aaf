// Any bytes at all as packed intervals: they are refused, or what they hold is held as well by what is packed of it, whose bytes are
// no more than they need be. As bits and as characters they come back.

#include "core/base/printable.hpp"
#include "core/presence/packed_intervals.hpp"
#include "fuzz/fuzzing.hpp"

namespace headcount::test {
namespace {

bytes packed(const core::keyed_intervals &table, const context &with) {
  core::byte_buffer buffer(with.memory);
  core::pack_intervals(buffer, table, with);
  return {buffer.data(), buffer.data() + buffer.size()};
}

void read(const bytes &from, core::keyed_intervals &to, const context &with) {
  core::byte_reader reader(from);
  core::unpack_intervals(reader, with, [&](key_view key, interval when) {
    require(when.start < when.end, "no interval is empty");
    to.add(key, when);
  });
}

void run(const bytes &input) {
  const host with;
  core::keyed_intervals table(key_type::text, with.memory()), again(key_type::text, with.memory());
  const bool is_sound = can_read([&] {
    read(input, table, with);
  });
  if (!is_sound) return;
  const bytes once = packed(table, with);
  read(once, again, with);
  require(canonical_of(presence_view(again), with) == canonical_of(presence_view(table), with), "what is packed is what was read");
  require(packed(again, with) == once, "and is packed alike");
}

void run_characters(const bytes &input) {
  std::string text(core::printable_size(input.size()), ' ');
  core::write_printable(input, text.data());
  bytes back(core::bytes_of_printable(text.size()));
  require(core::read_printable(text, back.data()) && back == input, "characters stand for their bytes");
  const std::string_view any(reinterpret_cast<const char *>(input.data()), input.size());
  bytes of_any(core::bytes_of_printable(any.size()));
  if (!core::read_printable(any, of_any.data())) return;
  std::string same(core::printable_size(of_any.size()), ' ');
  core::write_printable(of_any, same.data());
  require(same == any || any.size() % 2 == 1 || same.size() < any.size(), "and are the only ones");
}

}  // namespace
}  // namespace headcount::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  using namespace headcount::test;
  const bytes whole = copy_of_input(data, size);
  run(whole);
  run_characters(whole);
  return 0;
}
