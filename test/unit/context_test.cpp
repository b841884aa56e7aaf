#include "core/base/context.hpp"

#include <gtest/gtest.h>

#include "core/base/error.hpp"
#include "support/toolbox.hpp"

namespace headcount::test {
namespace {

TEST(ticker, polls_once_in_4096_steps) {
  const host host;
  core::ticker tick(host);
  const std::uint64_t before = polls;
  for (int step = 0; step < 4095; ++step) tick();
  EXPECT_EQ(polls, before);
  tick();
  EXPECT_EQ(polls, before + 1);
  for (int step = 0; step < 4096; ++step) tick();
  EXPECT_EQ(polls, before + 2);
}

TEST(error, carries_what_a_person_needs) {
  const core::error plain(core::fault::too_large, "a message");
  EXPECT_EQ(plain.kind(), core::fault::too_large);
  EXPECT_STREQ(plain.what(), "a message");
  EXPECT_EQ(plain.detail(), "");
  EXPECT_EQ(plain.hint(), "");
  EXPECT_NE(std::string(plain.where().file).find("context_test.cpp"), std::string::npos);

  const core::error full(core::fault::mixed_keys, "m", "A detail.", "A hint.");
  EXPECT_EQ(full.detail(), "A detail.");
  EXPECT_EQ(full.hint(), "A hint.");
}

}  // namespace
}  // namespace headcount::test
