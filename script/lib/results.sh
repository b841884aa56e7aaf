# shellcheck shell=bash
# Reading what test programs say about themselves, so that the sum at the end is theirs and not a guess.
# Sourced after common.sh.

tally=$work/tally
: >"$tally"

# Records what a stage found out: name, passed, failed, and the words to repeat in the summary.
record() { printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" >>"$tally"; }

# pg_regress and pg_isolation_regress close with "All N tests passed." or "N of M tests failed."; PostgreSQL 16 and later
# put a "# " before it, and each counts its own run, so several lines are several runs.
record_regress() {
	local name=$1 log=$2 line passed=0 failed=0 words=()
	while IFS= read -r line; do
		line=${line#"${line%%[!# ]*}"}
		line=${line%"${line##*[! ]}"}
		if [[ $line =~ ^All\ ([0-9]+)\ tests\ passed ]]; then
			passed=$((passed + BASH_REMATCH[1]))
		elif [[ $line =~ ^([0-9]+)\ of\ ([0-9]+)\ tests\ failed ]]; then
			failed=$((failed + BASH_REMATCH[1]))
			passed=$((passed + BASH_REMATCH[2] - BASH_REMATCH[1]))
		else
			continue
		fi
		words+=("$line")
	done <<<"$(grep -E '^[# ]*(All [0-9]+ tests passed|[0-9]+ of [0-9]+ tests failed)' "$log" || true)"
	record "$name" "$passed" "$failed" "$(join_words ' ' "${words[@]-}")"
}

# ctest: "100% tests passed, 0 tests failed out of N".
record_ctest() {
	local name=$1 log=$2 line failed=0 all=0
	line=$(grep -E '[0-9]+% tests passed, [0-9]+ tests failed out of [0-9]+' "$log" | tail -n 1) || true
	if [[ $line =~ ([0-9]+)\ tests\ failed\ out\ of\ ([0-9]+) ]]; then
		failed=${BASH_REMATCH[1]} all=${BASH_REMATCH[2]}
	fi
	record "$name" $((all - failed)) "$failed" "$line"
}

# prove: "Files=6, Tests=88, ..." and "Result: PASS"; failures are listed as "Failed N/M subtests" or "Failed tests: ...".
record_prove() {
	local name=$1 log=$2 all=0 failed=0 line words
	line=$(grep -E '^Files=[0-9]+, Tests=[0-9]+' "$log" | tail -n 1) || true
	[[ $line =~ Tests=([0-9]+) ]] && all=${BASH_REMATCH[1]}
	failed=$(grep -oE 'Failed [0-9]+/[0-9]+ subtests' "$log" | awk '{split($2, n, "/"); sum += n[1]} END {print sum + 0}') || true
	grep -q '^Result: FAIL' "$log" && [ "$failed" = 0 ] && failed=1
	words=$(grep -E '^(All tests successful|Files=|Result:)' "$log" | tail -n 3 | sed 's/  */ /g')
	record "$name" $((all > failed ? all - failed : 0)) "$failed" "$(tr '\n' '|' <<<"$words" | sed 's/|$//; s/|/\n             /g' | tr '\n' '\v')"
}

join_words() {
	local glue=$1 first=${2-} word
	shift
	[ $# = 0 ] || shift
	printf '%s' "$first"
	for word; do printf '%s%s' "$glue" "$word"; done
}
