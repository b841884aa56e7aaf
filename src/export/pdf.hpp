#pragma once
// The report as a PDF on A4, with libharu.

#include <memory_resource>
#include <string>

#include "export/report.hpp"

namespace headcount::exporting {

// The document. Takes memory from `host` for it, and much of its own while it is made.
std::pmr::string render_pdf(const report &shown, const core::context &host);

}  // namespace headcount::exporting
