# shellcheck shell=bash disable=SC2154
# pg_stat_statements: queries over the views are one entry, whatever day or name they ask for.
source ./tap.sh

reader() { PGUSER=dashboard psql -XqAt -v ON_ERROR_STOP=1 "$@"; }
admin() { PGUSER=postgres psql -XqAt -v ON_ERROR_STOP=1 "$@"; }
admin -o /dev/null -c 'SELECT pg_stat_statements_reset()'
is "$(reader -c "SELECT daily_users FROM vpn.daily_user_counts WHERE day = '2026-03-02'" -c "SELECT daily_users FROM vpn.daily_user_counts WHERE day = '2026-03-05'")" \
	$'2\n2' "two days"
is "$(reader -c "SELECT online_count FROM vpn.online_users WHERE user_name = 'alice'" -c "SELECT online_count FROM vpn.online_users WHERE user_name = 'nobody'")" \
	2 "two names"
is "$(admin -c "SELECT query, calls, rows FROM pg_stat_statements WHERE query LIKE '% FROM vpn.%' ORDER BY query")" \
	$'SELECT daily_users FROM vpn.daily_user_counts WHERE day = $1|2|2\nSELECT online_count FROM vpn.online_users WHERE user_name = $1|2|1' "are one entry each, without the day and the name"
is "$(admin -c "SELECT count(*) FROM pg_stat_statements WHERE query LIKE '%alice%'")" 0 "no name stands in any entry"
admin -c "CALL headcount.refresh('vpn')"
is "$(admin -c "SELECT calls FROM pg_stat_statements WHERE query LIKE 'CALL headcount.refresh(%'")" 1 "a refresh is an entry"
done_testing
