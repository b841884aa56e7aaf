#pragma once
// Which checkin ends which checkout.

#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

#include "core/base/context.hpp"

namespace headcount::core {

// The events of one user, host and feature, in order: a checkout of n licences is n, a checkin of n licences is -n. A checkin
// ends the oldest open checkout of as many licences or, if there is none, the oldest one. What comes out: for each event the
// number of its partner, counted from 1; 0 for a checkout that stays open, and for a checkin of nothing.
std::pmr::vector<std::int32_t> pair_checkouts(std::span<const std::int32_t> events, const context &host);

}  // namespace headcount::core
