// What makes the library loadable.

#include "pg/postgres.hpp"

#include "pg/settings.hpp"

#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

extern "C" {
PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void) { headcount::pg::define_settings(); }
}
