#pragma once
// The extension's settings.

#include "core/time/instant.hpp"

namespace headcount::pg {

// Called once when the library is loaded.
void define_settings();

// The setting headcount.as_of, or the start of the transaction (now()) where it is not set.
core::instant current_as_of();

}  // namespace headcount::pg
