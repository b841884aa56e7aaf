#pragma once
// What tests of the kernel expect of its errors.

#include <gtest/gtest.h>

#include <string_view>

#include "core/base/error.hpp"

namespace headcount::test {

// The action fails with an error of that kind; `what` says which action it was.
template <typename Action>
void expect_fault(core::fault kind, Action &&action, std::string_view what = {}) {
  try {
    action();
    ADD_FAILURE() << "no error " << what;
  } catch (const core::error &error) {
    EXPECT_EQ(error.kind(), kind) << error.what() << ' ' << what;
  }
}

}  // namespace headcount::test
