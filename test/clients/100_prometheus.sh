# shellcheck shell=bash disable=SC2154
# Debian's prometheus-sql-exporter with the metrics of examples/prometheus, as a role that has the rights of its setup.sql and no other.
source ./tap.sh

port=$(free_port) exporter=$work/exporter
mkdir "$exporter"
admin() { PGUSER=postgres psql -XqAt -v ON_ERROR_STOP=1 "$@"; }
admin -o /dev/null -c "CREATE ROLE prometheus LOGIN PASSWORD '$PGPASSWORD'" -c "SELECT headcount.alter_source('vpn', user_limit => 2, alerts => '{\"user_limit\": 100}')" \
	-c "CALL headcount.refresh('vpn')"
admin -v source=vpn -v reader=prometheus -f examples/prometheus/setup.sql
sed -e 's/wifi/vpn/g' -e 's/interval: 1m/interval: 1s/' -e "s|prometheus:PASSWORD@127.0.0.1:5432/DATABASE|prometheus:$PGPASSWORD@127.0.0.1:$PGPORT/clients|" \
	examples/prometheus/sql_exporter.yml >"$exporter/config.yml"
chown -R postgres: "$exporter"
runuser -u postgres -- env LOGLEVEL=ERROR prometheus-sql-exporter -config.file "$exporter/config.yml" -web.listen-address "127.0.0.1:$port" >"$exporter/log" 2>&1 &
trap 'kill %1; wait' EXIT

# The metrics of ours, without the labels that the exporter gives to all of them; without an exporter none.
metrics() {
	python3 -c 'import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())' "http://127.0.0.1:$port/metrics" 2>/dev/null |
		sed -nE '/^sql_(headcount|exporter_last_scrape_failed)/ {s/(database|driver|host|sql_job|user)="[^"]*",?//g; s/,\}/}/; p}' | sort
}
# Until what a command prints has, or has not, a line like this one; half a minute at most.
until_there() { for _ in $(seq 150); do ! metrics | grep -qE "$1" || return 0; sleep 0.2; done; }
until_gone() { for _ in $(seq 150); do metrics | grep -qE "$1" || return 0; sleep 0.2; done; }

until_there '^sql_headcount_stored'
all=$(metrics)
is "$(grep -E '^sql_exporter_last_scrape_failed' <<<"$all" | grep -cE ' 0$')" "$(grep -cE '^  - name: ' examples/prometheus/sql_exporter.yml)" "every query is answered"
is "$(grep -E '^sql_headcount_(online|online_by_server|today)\{' <<<"$all")" 'sql_headcount_online_by_server{col="sessions",server="",source="vpn"} 2
sql_headcount_online{col="hosts",source="vpn"} 2
sql_headcount_online{col="sessions",source="vpn"} 2
sql_headcount_online{col="users",source="vpn"} 1
sql_headcount_today{col="daily_users",source="vpn"} 2
sql_headcount_today{col="denials",source="vpn"} 0
sql_headcount_today{col="denied_users",source="vpn"} 0
sql_headcount_today{col="peak_hosts",source="vpn"} 3
sql_headcount_today{col="peak_sessions",source="vpn"} 3
sql_headcount_today{col="peak_users",source="vpn"} 2
sql_headcount_today{col="total_users",source="vpn"} 4' "who is online, and today"
is "$(grep -E '^sql_headcount_alert' <<<"$all")" 'sql_headcount_alert{alert="user_limit",col="percent",source="vpn"} 200
sql_headcount_alert{alert="user_limit",col="threshold",source="vpn"} 100' "what is above its threshold"
is "$(grep -cE '^sql_headcount_data_quality.* 0$' <<<"$all")" 16 "data quality: eight rules, of sessions and of denials"
is "$(grep -E '^sql_headcount_stored\{col="(exact|dirty_days|refresh_failed)"' <<<"$all")" 'sql_headcount_stored{col="dirty_days",source="vpn"} 0
sql_headcount_stored{col="exact",source="vpn"} 1
sql_headcount_stored{col="refresh_failed",source="vpn"} 0' "how far it is stored, of the owner's own function"
admin -c "DELETE FROM login WHERE who = 'carol'" -c 'DELETE FROM refused'
until_gone '^sql_headcount_alert'
is "$(metrics | grep -cE '^sql_headcount_alert')" 0 "an alert that is over is gone"
is "$(grep -v 'Starting sql_exporter' "$exporter/log")" '' "the exporter complains of nothing"
done_testing
