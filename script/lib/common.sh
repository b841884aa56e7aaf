# shellcheck shell=bash
# What every script here needs: where we are, words on the screen, a throw-away directory, and an orderly end.
# Sourced after args.sh, never run.

# (Written without process substitution: a chroot may have no /proc, and then /dev/fd leads nowhere.)

# Nothing here asks questions, so nothing here may wait for an answer.
exec </dev/null

# The caller's own database settings must neither find nor be found by the throw-away server.
for name in "${!PG@}"; do
	case $name in PG_CONFIG | PG_MAJOR) ;; *) unset "$name" ;; esac
done
unset MAKEFLAGS MAKELEVEL CDPATH
export LC_ALL=C.UTF-8
export PATH="$PATH:/usr/sbin:/sbin"

is_root() { [ "$(id -u)" = 0 ]; }

# Colour and rewritten lines are for people at a terminal; logs get plain lines.
if [ -t 1 ] && [ "${TERM:-dumb}" != dumb ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' plain=$'\e[0m' live=1
else
	bold='' dim='' red='' plain='' live=''
fi

# shellcheck disable=SC2034 # read by the scripts that source this file
jobs=$(nproc 2>/dev/null || echo 1)

# Waits until no more commands run in the background than there are processors: with the next one they are one more, since
# each of them waits now and then, and the last to end shall not have been alone for long.
room_for_another() { while [ "$(jobs -pr | wc -l)" -gt "$jobs" ]; do wait -n || true; done; }

die() {
	printf '%s%s: %s%s\n' "$red" "$program" "$*" "$plain" >&2
	exit 1
}

# Seconds with one decimal since the given $EPOCHREALTIME, without calling a program.
seconds_since() {
	local from=${1/[.,]/} now=${EPOCHREALTIME/[.,]/} tenths
	tenths=$(((now - from) / 100000))
	printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}

# Everything temporary lives in one directory of its own. Below /tmp whatever TMPDIR says: the path of a socket may have
# 107 bytes, and a private TMPDIR is closed to the user that the server runs as.
work=$(mktemp -d /tmp/headcount.XXXXXX)
chmod 755 "$work"

job=
cleanups=()
at_exit() { cleanups=("$1" "${cleanups[@]}"); }

# Ends what was started, in reverse order, whatever the way out was.
finish() {
	local status=$? action
	trap - EXIT
	trap '' INT TERM HUP
	stop_job
	for action in "${cleanups[@]}"; do "$action" || true; done
	if [ -n "${KEEP:-}" ]; then
		printf 'kept: %s\n' "$work"
	else
		rm -rf "$work" 2>/dev/null || as_root rm -rf "$work" || true
	fi
	exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# Ends the command that runs in the background now, with all its children: it has a process group of its own.
stop_job() {
	[ -n "$job" ] || return 0
	kill -TERM -- "-$job" 2>/dev/null || as_root kill -TERM -- "-$job" 2>/dev/null || true
	wait "$job" 2>/dev/null || true
	job=
}

# Begins a command in a process group of its own: a signal to the script reaches all of it through finish(), which ends $job.
begin_job() {
	set -m
	(
		set -e
		trap - EXIT INT TERM HUP
		"$@"
	) &
	job=$!
	set +m
}
# Waits for it, and returns its status.
await_job() {
	local status=0
	wait "$job" || status=$?
	job=
	return "$status"
}

# Runs a command with its output in a log file while a terminal sees the seconds go by.  Usage: logged LOG COMMAND...; returns the
# command's status.
logged() {
	local log=$1 began=$EPOCHREALTIME
	shift
	begin_job "$@" >>"$log" 2>&1
	if [ -n "$live" ]; then
		while kill -0 "$job" 2>/dev/null; do
			sleep 0.5
			printf '\r%s  %s s %s' "${waiting_for:-}" "$(seconds_since "$began")" "$plain"
		done
		printf '\r\e[K'
	fi
	await_job
}

# Runs a command as the superuser. A password, if sudo wants one, is asked at the terminal and nowhere else.
as_root() {
	if is_root; then
		"$@"
	elif ! command -v sudo >/dev/null; then
		printf '%s: root is needed for: %s (there is no sudo here)\n' "$program" "$*" >&2
		return 1
	elif sudo -n true 2>/dev/null; then
		sudo -n "$@"
	elif [ -t 2 ]; then
		sudo "$@"
	else
		printf '%s: root is needed for: %s (sudo asks for a password and there is no terminal)\n' "$program" "$*" >&2
		return 1
	fi
}

# Copies the project to a directory: what git knows or would add, and nothing that was built. With "built" as second
# argument everything that lies there, objects included.
copy_project() {
	local to=$1 with=${2:-} list=$work/files
	mkdir -p "$to"
	if [ "$with" = built ]; then
		(cd "$project" && find . -path ./.git -prune -o \( -type f -o -type l \) -print0) >"$list"
	elif git -C "$project" rev-parse --is-inside-work-tree >/dev/null 2>&1; then
		git -C "$project" ls-files -z --cached --others --exclude-standard >"$list"
	else
		(cd "$project" && find . -path ./.git -prune -o \( -type f -o -type l \) -print0) >"$list"
	fi
	[ "$with" = built ] || {
		grep -zvE '\.(o|d|so|bc|gcda|gcno)$|^(\./)?(build|results|output_iso|tmp_check)/|(^|/)regression\.(diffs|out)$' "$list" >"$list.sources"
		mv "$list.sources" "$list"
	}
	# Deleted files are still in git's index; tar must not stumble over them.
	(cd "$project" && while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done) <"$list" |
		tar -C "$project" --null --no-recursion -T - -cf - | tar -C "$to" --no-same-owner -xf -
}

# The tests of pg_regress that take half of the time of all, in an order in which three servers that take turns are done together.
# shellcheck disable=SC2034
long_tests=(rollup_today people rollup_functions shared_report asked_days aggregate_states aggregates rollup rollup_changes asked_days_live dimensions)

# The names of the other tests of a tree, 000_setup first.  Usage: short_tests TREE
short_tests() { basename -s .sql "$1"/sql/*.sql | grep -vxF -f <(printf '%s\n' "${long_tests[@]}"); }

# Of a list of tests those whose turn it is at the NTH of so many servers, counted from 0.  Usage: turns_of NTH SERVERS TEST...
turns_of() {
	local nth=$1 servers=$2 at=0 test
	for test in "${@:3}"; do
		[ $((at % servers)) != "$nth" ] || echo "$test"
		at=$((at + 1))
	done
}
# The same of all but the first, which the others need.
share_of() {
	echo "$3"
	turns_of "$1" "$2" "${@:4}"
}
