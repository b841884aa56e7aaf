// Any bytes at all to the reader of pages of users: it refuses them, or written again they are the same.

#include "core/base/error.hpp"
#include "core/sets/dictionary_page.hpp"
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
  std::size_t pages = 0;
  core::for_each_page(users, 1, host, [&](std::int32_t bucket, auto, core::key_view page) {
    test::require(core::compare(page, input) == 0, "what was read is written as it was");
    test::require(bucket == (core::kind_of_page(input) == core::page_kind::forgotten ? -1 : 0), "forgotten users are in a bucket of their own");
    ++pages;
  });
  test::require(pages == (size > 1 && core::kind_of_page(input) != core::page_kind::key ? 1U : 0U), "one bucket, one page");
  return 0;
}
