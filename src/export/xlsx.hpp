#pragma once
// The report as an Excel workbook, with libxlsxwriter.

#include "export/report.hpp"

namespace headcount::exporting {

// Writes the file, which is there already; intermediate files are made in `folder` and have no name. Throws
// not_written.
void write_xlsx(const report &shown, const char *file, const char *folder, const core::context &host);

}  // namespace headcount::exporting
