#pragma once
// The extension's settings.

#include <cstdint>
#include <optional>

#include "core/time/instant.hpp"

namespace headcount::pg {

// Called once when the library is loaded.
void define_settings();

// The setting headcount.as_of, or the start of the transaction (now()) where it is not set.
core::instant current_as_of();

// The setting headcount.shared_memory in bytes, if it says so many.
std::optional<std::uint64_t> shared_memory_limit();

}  // namespace headcount::pg
