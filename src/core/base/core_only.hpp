#pragma once
// The last include of every source of the kernel, which must not depend on PostgreSQL.
#ifdef POSTGRES_H
static_assert(false, "src/core must not include a PostgreSQL header");
#endif
