#pragma once
// The report as one web page that needs nothing beside itself.

#include <memory_resource>
#include <string>

#include "export/report.hpp"

namespace headcount::exporting {

// The page in UTF-8, well-formed as XML too. Takes memory from `host`.
std::pmr::string render_html(const report &shown, const core::context &host);

}  // namespace headcount::exporting
