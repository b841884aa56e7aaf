# shellcheck shell=bash disable=SC2154
# psqlODBC, through isql of unixODBC.
source ./tap.sh

export ODBCINI=$work/odbc.ini
driver=$(find /usr/lib -name psqlodbcw.so)
cat >"$ODBCINI" <<INI
[vpn]
Driver = $driver
Servername = 127.0.0.1
Port = $PGPORT
Database = clients
INI
ask() { echo "$1" | isql -b -d'|' vpn dashboard "$PGPASSWORD"; }

is "$(ask "SELECT day, daily_users, concurrent_hosts FROM vpn.daily_user_counts WHERE day BETWEEN '2026-03-01' AND '2026-03-03' ORDER BY day")" \
	$'2026-03-01|1|1\n2026-03-02|2|2\n2026-03-03|0|0' "days"
is "$(ask "SELECT user_name, online_count, hosts FROM vpn.online_users")" 'alice|2|2' "who is online"
done_testing
