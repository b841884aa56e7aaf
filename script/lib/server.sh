# shellcheck shell=bash
# A private PostgreSQL server: own directory, unix socket only, gone when the script ends. Sourced after packages.sh.

socket=$work/s
data=$work/data
server_log=$work/server.log

# PostgreSQL refuses to run as root; then it runs as the user that Debian's package made for it.
find_server_user() {
	bindir=$("$PG_CONFIG" --bindir)
	if is_root; then
		server_user=postgres
		id "$server_user" >/dev/null 2>&1 || die "there is no user $server_user to run PostgreSQL as"
	else
		server_user=$(id -un)
	fi
	home=$work/home
	[ -d "$home" ] || mkdir "$home"
	give_to_server "$home"
	at_exit stop_servers
}

give_to_server() { ! is_root || chown -R "$server_user": "$@"; }

# Runs a program as the server's user, in a directory that it can read.
as_server() {
	local settings=(HOME="$home" PATH="$bindir:$PATH" PGHOST="$socket" PGPORT=5432 PGUSER=postgres)
	if is_root; then
		(cd "$home" && exec runuser -u "$server_user" -- env "${settings[@]}" "$@")
	else
		(cd "$home" && exec env "${settings[@]}" "$@")
	fi
}

# Gives the subshell that calls it a server of its own: all that follows is about that one.  Usage: own_server NAME
own_server() {
	mkdir -p "$work/$1"
	socket=$work/$1/s data=$work/$1/data server_log=$work/$1/server.log
}

# What start_server starts the server by: a command with its first arguments.
server_by=()

# For the server that start_server starts it is INSTANT then, and SPEED seconds go by in one of ours.
# Usage: at_instant INSTANT SPEED
# PostgreSQL's own timeouts keep working, but for those that end a pg_sleep.
at_instant() {
	local instant=$1 speed=$2 library
	library=$(dpkg -L libfaketime | grep '/libfaketime\.so')
	server_by=(env LD_PRELOAD="$library" FAKETIME="$(printf '%+d x%s' $(($(date -d "$instant" +%s) - EPOCHSECONDS)) "$speed")"
		FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1)
}

start_server() {
	mkdir -p "$socket" "$data"
	chmod 700 "$socket" "$data"
	: >"$server_log"
	give_to_server "$socket" "$data" "$server_log"
	as_server initdb -D "$data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync --no-instructions
	as_server tee -a "$data/postgresql.conf" >/dev/null <<-SETTINGS
		# A server that lives for minutes: nobody else may reach it, and nobody needs its disk to be safe.
		listen_addresses = ''
		unix_socket_directories = '$socket'
		unix_socket_permissions = 0700
		port = 5432
		fsync = off
		full_page_writes = off
		autovacuum_naptime = 10min
		max_wal_size = 4GB
		shared_buffers = 256MB
		# To compile a query over tables that nobody analyzed takes seconds, to run it hundredths.
		jit = off
		max_prepared_transactions = 10
		log_line_prefix = '%m [%p] %q%a '
		timezone = 'UTC'
	SETTINGS
	as_server ${server_by[@]+"${server_by[@]}"} pg_ctl -D "$data" -w -t 60 -l "$server_log" start || { cat "$server_log"; return 1; }
}

# Through the private data directory's own process number, so no other server can be meant.
stop_server() {
	[ -e "$data/postmaster.pid" ] || return 0
	as_server pg_ctl -D "$data" -w -t 60 -m fast stop >/dev/null 2>&1 || as_server pg_ctl -D "$data" -w -m immediate stop >/dev/null 2>&1
}
# Also those that subshells were given and left behind.
stop_servers() {
	for data in "$work"/data "$work"/*/data; do stop_server; done
}

# A process of the server that died leaves these words, however green the tests that caused it may be.
server_crashed() { as_server cat "$server_log" | grep -E 'terminated by signal|PANIC:|TRAP:|was terminated'; }

psql_server() { as_server psql -X -q -v ON_ERROR_STOP=1 "$@"; }

# Runs test programs as "make prove_installcheck" of PostgreSQL's build system does, wherever they lie. Where they name no time
# zone it is that of the machine: one that is never UTC, nor whole hours from it, and ahead of it by half a day.
# Usage: prove_tests TREE [OPTION OF PROVE...] TEST...
prove_tests() {
	local tree=$1 pgxs
	shift
	give_to_server "$tree"
	pgxs=$(dirname "$("$PG_CONFIG" --pgxs)")/../..
	as_server env -C "$tree" -u PGHOST -u PGUSER TZ=Pacific/Chatham TESTDIR="$tree" TESTDATADIR="$tree/tmp_check" TESTLOGDIR="$tree/tmp_check/log" PG_REGRESS="$pgxs/src/test/regress/pg_regress" PGPORT=65432 \
		prove --timer -I "$pgxs/src/test/perl" -I "$tree/test/t" "$@"
}

# Builds and installs a copy of the project as it is, for scripts that only test.  Usage: install_copy TREE [PACKAGE...]
install_copy() {
	local tree=$1
	shift
	# shellcheck disable=SC2046 # one word a package
	install_packages $(build_packages) $(export_packages) "$@"
	make -C "$project" -j"$jobs" PG_CONFIG="$PG_CONFIG" all export
	copy_project "$tree" built
	as_root make -C "$tree" PG_CONFIG="$PG_CONFIG" install
}
