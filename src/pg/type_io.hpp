#pragma once
// What the input and output functions of our types share: the binary form is the canonical bytes, the text form is
// those in base64.

#include "pg/postgres.hpp"

#include "core/base/context.hpp"
#include "core/base/key.hpp"

namespace headcount::pg {

// Throws damaged_bytes unless `bytes` are a whole canonical value.
using bytes_check = void (*)(core::key_view bytes, const core::context &host);

// The bodies of a type's input functions; `type` is its name for error messages.
Datum read_text(FunctionCallInfo fcinfo, const char *type, bytes_check check);
Datum read_message(FunctionCallInfo fcinfo, const char *type, bytes_check check);

// The result of its text output function; that of the binary one is a copied_value (pg/values.hpp).
Datum write_text(core::key_view canonical);

}  // namespace headcount::pg
