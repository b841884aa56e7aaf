# shellcheck shell=bash
# For tests written in bash: says what was as it should be, in the words of TAP. Sourced.
set -euo pipefail
tests=0 failed=0
# Usage: is GOT EXPECTED WORDS
is() {
	tests=$((tests + 1))
	if [ "$1" = "$2" ]; then
		echo "ok $tests - $3"
	else
		echo "not ok $tests - $3"
		printf '%s\n' "got:" "$1" "expected:" "$2" | sed 's/^/# /'
		failed=$((failed + 1))
	fi
}
# Usage: like TEXT REGEX WORDS
like() {
	if grep -qE -- "$2" <<<"$1"; then is yes yes "$3"; else is "$1" "something like $2" "$3"; fi
}
done_testing() {
	echo "1..$tests"
	[ $failed = 0 ]
}
# A port of the loopback that nobody listens on.
free_port() {
	local port
	while port=$((20000 + RANDOM % 30000)); do
		ss -Htuln "sport = :$port" | grep -q . || { echo "$port"; return; }
	done
}
