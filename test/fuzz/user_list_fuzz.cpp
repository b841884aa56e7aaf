// Any bytes at all to the reader of lists of users: it refuses them, or written again they are the same.

#include "core/error.hpp"
#include "core/user_list.hpp"
#include "fuzz/fuzzing.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  using namespace headcount;
  const auto input = test::input_of(data, size);
  const test::host host;
  std::pmr::vector<core::numbered_user> users(host.memory());
  try {
    core::for_each_user(input, [&](const core::numbered_user &each) { users.push_back(each); });
  } catch (const core::error &error) {
    test::require(error.kind() == core::fault::damaged_bytes, "what is refused is damaged");
    return 0;
  }
  std::size_t lists = 0;
  core::for_each_list(users, 1, host, [&](std::uint32_t, auto, core::key_view list) {
    test::require(core::compare(list, input) == 0, "what was read is written as it was");
    ++lists;
  });
  test::require(lists == (size > 1 ? 1U : 0U), "one bucket, one list");
  return 0;
}
