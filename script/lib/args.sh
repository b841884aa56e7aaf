# shellcheck shell=bash
# The command line, read before anything is made or installed. Sourced first.

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
program=script/$(basename "$0")

wrong_usage() {
	printf '%s: %s\n\n%s\n' "$program" "$1" "$usage" >&2
	exit 2
}

# For scripts that take options only.
no_names() {
	local argument
	for argument; do
		case $argument in
		-h | --help) printf '%s\n' "$usage"; exit 0 ;;
		--keep) export KEEP=1 ;;
		*) wrong_usage "unknown argument: $argument" ;;
		esac
	done
}
