# shellcheck shell=bash
# Rules of the house that no compiler and no test program checks. Each says "ok - ..." or "not ok - ..." with the evidence.
# Sourced after results.sh.

# Runs one check: its words, then a command that prints what is wrong and nothing when all is well.
bad_checks=0
check() {
	local words=$1 found
	shift
	found=$("$@" 2>&1) || found=${found:-the check itself failed: $*}
	if [ -z "$found" ]; then
		printf 'ok - %s\n' "$words"
	else
		printf 'not ok - %s\n%s\n' "$words" "$(sed 's/^/    /' <<<"$found" | head -n 40)"
		bad_checks=$((bad_checks + 1))
	fi
}
checks_done() { [ $bad_checks = 0 ]; }

record_checks() {
	local name=$1 log=$2 passed failed
	passed=$(grep -c '^ok - ' "$log") || true
	failed=$(grep -c '^not ok - ' "$log") || true
	record "$name" "$passed" "$failed" "$passed of $((passed + failed)) checks"
}

# --- the library -----------------------------------------------------------------------------------------------------

# One function name a line, as the install script binds them: ... AS 'MODULE_PATHNAME', 'c_name' ...
# (Here and below: the tree, and the extension's name.)
bound_functions() {
	sed -nE "s/.*'(MODULE_PATHNAME|[$]libdir\/$2)'[[:space:]]*,[[:space:]]*'([A-Za-z0-9_]+)'.*/\2/p" "$1/$2"--*.sql | sort -u
}

# A symbol that leaks out can be bound to by, or can take the place of, one of another extension in the same server.
leaked_symbols() {
	nm -D --defined-only "$1/$2.so" | awk '{print $NF}' | sed 's/@.*//' | sort -u >"$work/exported"
	{
		printf '%s\n' Pg_magic_func _PG_init
		bound_functions "$1" "$2"
		bound_functions "$1" "$2" | sed 's/^/pg_finfo_/'
	} | sort -u >"$work/allowed"
	comm -23 "$work/exported" "$work/allowed" | c++filt
}
unbound_symbols() { bound_functions "$1" "$2" | comm -13 "$work/exported" -; }
no_functions() { [ -n "$(bound_functions "$1" "$2")" ] || echo "no function of the library is bound by $2--*.sql"; }

check_symbols() {
	check "$2: the install script binds functions of the library" no_functions "$1" "$2"
	check "$2: nothing is exported beside the SQL functions" leaked_symbols "$1" "$2"
	check "$2: every function that the install script names is exported" unbound_symbols "$1" "$2"
	checks_done
}

# --- the sources -----------------------------------------------------------------------------------------------------

# Prints file:line:text with comments and string literals blanked, so that words in prose do not count.
code_of() {
	find "$@" -type f \( -name '*.cpp' -o -name '*.hpp' -o -name '*.c' -o -name '*.h' \) -print0 | sort -z |
		xargs -0 -r perl -ne '
			BEGIN { $inside = 0 }
			if ($ARGV ne $file) { $file = $ARGV; $number = 0; $inside = 0 }
			$number++;
			my $line = $_;
			if ($inside) { if ($line =~ s{^.*?\*/}{}) { $inside = 0 } else { next } }
			unless ($line =~ /^\s*#\s*include/) { $line =~ s/"(?:[^"\\]|\\.)*"/""/g; $line =~ s/\x27(?:[^\x27\\]|\\.)\x27/0/g }
			$line =~ s{/\*.*?\*/}{}g;
			$line =~ s{//.*}{};
			if ($line =~ s{/\*.*}{}) { $inside = 1 }
			chomp $line;
			print "$ARGV:$number:$line\n" if $line =~ /\S/'
}

# src/core is C++ that knows no PostgreSQL.
postgres_in_core() {
	code_of src/core | grep -E '#[[:space:]]*include[[:space:]]*[<"](postgres|fmgr|funcapi|miscadmin|pgtime|pgstat|varatt|c\.h|(access|catalog|commands|common|executor|lib|libpq|mb|nodes|optimizer|parser|port|storage|utils)/[a-z_]+\.h)|#[[:space:]]*include[[:space:]]*[<"](\.\./)*(pg|fn)/' || true
}
every_core_file_closed() {
	local file
	for file in src/core/*.cpp src/core/*/*.cpp; do [ -e "$file" ] || continue; grep -q 'core_only\.hpp"' "$file" || echo "$file does not include core_only.hpp"; done
}
# What only the boundary to PostgreSQL may do: enter from SQL, catch the backend's errors, and take memory that the backend does not know of.
boundary_only() { find src -name '*.[ch]pp' -not -path 'src/pg/*' -exec dirname {} + | sort -u | { mapfile -t folders && code_of "${folders[@]}" | sort -u; } | grep -E "$1" || true; }

orphans() {
	local test
	for test in sql/*.sql; do
		test=$(basename "$test" .sql)
		[ -e "expected/$test.out" ] || ls expected/"$test"_[0-9].out >/dev/null 2>&1 || echo "sql/$test.sql has no expected/$test.out"
	done
	for test in expected/*.out; do
		test=$(basename "$test" .out)
		[ -e "sql/$test.sql" ] || [ -e "sql/${test%_[0-9]}.sql" ] || echo "expected/$test.out has no sql/$test.sql"
	done
	for test in test/specs/*.spec; do
		test=$(basename "$test" .spec)
		[ -e "test/expected/$test.out" ] || echo "test/specs/$test.spec has no test/expected/$test.out"
	done
	for test in test/expected/*.out; do
		test=$(basename "$test" .out)
		[ -e "test/specs/${test%_[0-9]}.spec" ] || [ -e "test/specs/$test.spec" ] || echo "test/expected/$test.out has no test/specs/$test.spec"
	done
}

# A statement that does not even parse tests nothing, and what it says is PostgreSQL's.
unparsed_statements() { grep -nE '^LINE [0-9]+:' expected/*.out test/export/expected/*.out || true; }

# What docs/api-coverage.md calls covered is a case, by that name, of that test: `test`: `case`, `case`.
invented_cases() {
	local test case file
	grep -oE '`[a-z_]+`: `[a-z0-9-]+`(, `[a-z0-9-]+`)*' docs/api-coverage.md | tr -d '`' | while IFS=' ' read -r test case; do
		file=sql/${test%:}.sql
		[ "$test" != http: ] || file=examples/http/test.js
		tr -d ' ' <<<"$case" | tr ',' '\n' | while read -r case; do
			grep -qE "^(-- |[[:space:]]*test\(['\`])$case(:|\$)" "$file" || echo "$file has no case $case"
		done
	done
}

# A test that the Makefile does not name never runs.
forgotten_tests() {
	local listed
	listed=$(make -pn PG_CONFIG="$PG_CONFIG" 2>/dev/null | sed -nE 's/^(REGRESS|ISOLATION) *:?= *//p' | tr ' ' '\n')
	# Debian's make prints the unexpanded text; only a plain list of names can be compared.
	case $listed in *'$('*) return 0 ;; esac
	sort -u <<<"$listed" >"$work/listed"
	{ ls sql/*.sql test/specs/*.spec 2>/dev/null || true; } | sed -E 's#.*/##; s/\.(sql|spec)$//' | sort -u | comm -13 "$work/listed" - |
		sed 's/^/the Makefile does not run /'
}

meta_data() { perl script/lib/meta.pl; }

# Every message that the sources raise stands in docs/errors.md, with what to do; script/reference writes the page.
errors_page() { perl script/lib/errors.pl; }

broken_links() { perl script/lib/links.pl; }

# Mirrors and machines change their names; package managers know them, scripts need not.
written_hosts() { grep -nEi '(https?|ftp):[/]/[a-z0-9.-]+|[/]home/[a-z]|[/]work/[a-z]' -r script .ci/run || true; }

valid_scripts() {
	local file scripts=(script/demo script/reference script/test script/test-* script/majors script/dist script/extension-image script/architectures script/coverage script/torture script/lib/*.sh .ci/run)
	for file in "${scripts[@]}" test/clients/*.sh test/clients/run; do bash -n "$file" || true; done
	[ -z "$(find script .ci -maxdepth 1 -type f ! -executable)" ] || find script .ci -maxdepth 1 -type f ! -executable
	! command -v shellcheck >/dev/null || shellcheck -x -S warning -e SC2154,SC2034 "${scripts[@]}" || true
}

check_sources() {
	cd "$1" || return
	check "src/core includes no header of PostgreSQL, src/pg or src/fn" postgres_in_core
	check "every source of src/core includes core_only.hpp" every_core_file_closed
	check "PG_FUNCTION_INFO_V1 stands in src/pg only" boundary_only '\bPG_FUNCTION_INFO_V1\b'
	check "PG_TRY, sigsetjmp and catch (...) stand in src/pg only" boundary_only '\b(PG_TRY|PG_CATCH|PG_FINALLY|sigsetjmp|siglongjmp)\b|\bcatch[[:space:]]*\([[:space:]]*\.\.\.[[:space:]]*\)'
	check "no malloc outside src/pg" boundary_only '(^|[^A-Za-z0-9_.>])(malloc|calloc|realloc|free|strdup)[[:space:]]*\('
	check "no new or delete outside src/pg, placement aside" boundary_only '(^|[^A-Za-z0-9_])new[[:space:]]+[A-Za-z_:]|(^|[^A-Za-z0-9_=[:space:]])[[:space:]]*delete[[:space:]]+[A-Za-z_*(]|delete[[:space:]]*\[\]'
	check "every test has its expected output, every expected output its test" orphans
	check "every statement of a test can be parsed" unparsed_statements
	check "every case that docs/api-coverage.md names is in its test" invented_cases
	check "the Makefile runs every test" forgotten_tests
	check "META.json is valid, and there is one version everywhere" meta_data
	check "docs/errors.md has every message of the sources, and no other" errors_page
	check "every link of the pages leads to a file and a title that are there" broken_links
	check "scripts name no host and nobody's directory" written_hosts
	check "scripts are sound" valid_scripts
	checks_done
}

# --- the catalog -----------------------------------------------------------------------------------------------------

check_catalog() {
	check "CREATE EXTENSION headcount CASCADE" create_in_fresh_database
	check "every object of the extension has a comment" objects_without_comment
	check "every function that takes or makes a presence or a user_set is parallel safe" unsafe_functions
	check "functions with a search_path of their own end it with pg_temp" loose_search_paths
	check "functions that run with their owner's rights fix their search_path" definer_functions
	check "docs/objects.md is what script/reference writes" stale_objects
	check "DROP EXTENSION leaves nothing behind" left_after_drop
	as_server dropdb catalog_check
	checks_done
}
ask_catalog() { psql_server -d catalog_check -At -c "$1"; }
create_in_fresh_database() { as_server createdb catalog_check && ask_catalog "CREATE EXTENSION headcount CASCADE" 2>&1 | grep -v '^NOTICE:  installing required extension' || true; }

objects_without_comment() {
	ask_catalog "
		SELECT pg_describe_object(d.classid, d.objid, 0)
		FROM pg_depend AS d JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
		WHERE e.extname = 'headcount' AND d.deptype = 'e' AND d.objsubid = 0
		  AND obj_description(d.objid, (SELECT relname FROM pg_class WHERE oid = d.classid)) IS NULL
		ORDER BY 1"
}
unsafe_functions() {
	ask_catalog "
		SELECT p.oid::regprocedure
		FROM pg_proc AS p JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
		JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND e.extname = 'headcount'
		WHERE ARRAY['headcount.presence'::regtype, 'headcount.user_set'::regtype]::oid[] && (p.proargtypes::oid[] || p.prorettype) AND p.proparallel <> 's'
		ORDER BY 1"
}
loose_search_paths() {
	ask_catalog "
		SELECT p.oid::regprocedure || ' ' || setting
		FROM pg_proc AS p JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
		JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND e.extname = 'headcount'
		CROSS JOIN unnest(p.proconfig) AS setting
		WHERE setting LIKE 'search_path=%' AND setting NOT LIKE '%pg_temp' AND setting NOT IN ('search_path=', 'search_path=\"\"')
		ORDER BY 1"
}
definer_functions() {
	ask_catalog "
		SELECT p.oid::regprocedure || ' is SECURITY DEFINER without a search_path'
		FROM pg_proc AS p JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
		JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND e.extname = 'headcount'
		WHERE p.prosecdef AND NOT coalesce(array_to_string(p.proconfig, ' '), '') LIKE '%search_path=%'
		ORDER BY 1"
}
# The page takes the versions of objects from itself, so one that has none yet differs too.
stale_objects() {
	psql_server -d catalog_check -At -F $'\t' <"$project/script/lib/objects.sql" | (cd "$project" && perl script/lib/objects.pl) >"$work/objects.md" &&
		{ diff "$project/docs/objects.md" "$work/objects.md" | cut -c1-200 || true; }
}
left_after_drop() {
	# The schema of an extension is never its own: it stays, and without CASCADE only an empty one goes.
	ask_catalog "DROP EXTENSION headcount; DROP SCHEMA headcount; DROP EXTENSION hll"
	ask_catalog "
		SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname LIKE 'headcount%'
		UNION ALL
		SELECT 'function ' || oid::regprocedure FROM pg_proc WHERE oid >= 16384
		UNION ALL
		SELECT 'relation ' || oid::regclass FROM pg_class WHERE oid >= 16384 AND relnamespace <> 'pg_toast'::regnamespace"
}
