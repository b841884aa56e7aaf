# Build, install and installcheck with PGXS; CMakeLists.txt builds the kernel's tests from the same list of sources.
#
#   make; make install                  the extension headcount
#   make export; make install-export    the extension headcount_export, which needs libxlsxwriter and libharu besides
#   make dist                           the zip file for PGXN

# PGXS builds one library a run, so the second extension is this file once more, with EXTENSION=headcount_export.
EXTENSION    = headcount
ifeq ($(EXTENSION),headcount)
SOURCES      = src/files.txt
SQL_PARTS    = $(foreach part,sql source api,$(sort $(wildcard src/$(part)/*.sql)))
LIBRARIES    =
TESTS_IN     = .
ISOLATION      = $(patsubst test/specs/%.spec,%,$(sort $(wildcard test/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test
else
SOURCES      = src/export/files.txt
SQL_PARTS    = $(sort $(wildcard src/export/sql/*.sql))
LIBRARIES    = -lxlsxwriter -lhpdf
TESTS_IN     = test/export
endif

EXTVERSION   = $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" $(EXTENSION).control)
MODULE_big   = $(EXTENSION)
OBJS         = $(patsubst %.cpp,%.o,$(shell cat $(SOURCES)))
DATA_built   = $(EXTENSION)--$(EXTVERSION).sql
DATA         = $(wildcard $(dir $(firstword $(SQL_PARTS)))updates/*--*--*.sql)
DOCS         =
EXTRA_CLEAN  = $(DATA_built) $(patsubst %.o,%.d,$(OBJS)) build

REGRESS        = $(basename $(notdir $(sort $(wildcard $(TESTS_IN)/sql/*.sql))))
REGRESS_OPTS   = --encoding=UTF8 --inputdir=$(TESTS_IN)

# -O3 because the kernel's loops gain from it; tests of what does not hang on it compile faster with less. Symbols are hidden but for the SQL functions: PostgreSQL loads libraries
# with RTLD_GLOBAL, where names of two extensions would meet. PostgreSQL 14 and 15 leave PGDLLEXPORT empty.
OPTIMIZE    ?= -O3
# -g1 takes the compiler three quarters of the time; what it describes less of, only a debugger asks for.
DEBUG_INFO  ?=
PG_CXXFLAGS  = -std=c++20 $(OPTIMIZE) $(DEBUG_INFO) -Wall -Wextra -Wshadow $(WERROR) -fvisibility=hidden -fvisibility-inlines-hidden -MMD -MP
PG_CPPFLAGS  = -I$(srcdir)/src -DPGDLLEXPORT='__attribute__((visibility("default")))' -DHEADCOUNT_VERSION='"$(EXTVERSION)"'
# The standard library's own inline symbols are exported whatever -fvisibility says; the map keeps them in.
SHLIB_LINK   = $(LIBRARIES) -lstdc++ -Wl,--version-script=$(srcdir)/src/exports.map

PG_CONFIG   ?= pg_config
PGXS        := $(shell $(PG_CONFIG) --pgxs)

# Debian builds LLVM bitcode beside the library, with a clang that cannot read g++ 12's headers as C++20.
override with_llvm = no

include $(PGXS)

PG_MAJOR    := $(firstword $(subst ., ,$(subst devel,,$(word 2,$(shell $(PG_CONFIG) --version)))))
ifeq ($(filter 14 15 16 17 18 19,$(PG_MAJOR)),)
ifndef HEADCOUNT_ANY_MAJOR
$(error headcount supports PostgreSQL 14 to 19, not $(PG_MAJOR); set HEADCOUNT_ANY_MAJOR=1 to try all the same)
endif
endif

src/pg/module.o src/export/render.o: $(EXTENSION).control

# The install script is put together from its numbered parts.
$(EXTENSION)--$(EXTVERSION).sql: $(SQL_PARTS) $(EXTENSION).control
	cat $(SQL_PARTS) > $@

ifeq ($(EXTENSION),headcount)
.PHONY: export install-export installcheck-export clean-export
# After the core: the two share an object file, which must not be compiled twice at a time.
export: all
	$(MAKE) EXTENSION=headcount_export all
install-export: export
install-export installcheck-export clean-export: %-export:
	$(MAKE) EXTENSION=headcount_export $*
clean: clean-export

.PHONY: dist
dist:
	script/dist
endif

-include $(patsubst %.o,%.d,$(OBJS))
