#pragma once
// Rows that are read with the rights of somebody else.

#include "pg/postgres.hpp"

#include "pg/rights.hpp"
#include "pg/rows.hpp"

namespace headcount::source {

// Puts the rows of a query, executed with the rights of a role and under no setting of the caller's, into `rows`, whose shape
// they must have. Backend code: where it does not return, the end of the transaction, or of the subtransaction, puts the user and the
// settings back.
inline void read_as(Oid role, const char *query, const pg::row_set &rows) {
  pg::other_rights rights;
  rights.begin(role);
  pg::other_rights::use_own_settings();
  SPI_connect();
  SPIExecuteOptions options{};
  options.read_only = true;
  options.must_return_tuples = true;
  options.dest = CreateTuplestoreDestReceiver();
  SetTuplestoreDestReceiverParams(options.dest, rows.store(), rows.memory(), false, rows.shape(), "rows of another shape were expected");
  if (SPI_execute_extended(query, &options) < 0) elog(ERROR, "could not read a source");
  SPI_finish();
  rights.end();
}

}  // namespace headcount::source
