# shellcheck shell=bash disable=SC2154
# Debian's FreeRADIUS with the schema that it brings: what a server writes, read as README.md says.
source ./tap.sh

radius=$work/radius etc=$work/radius/etc
auth=$(free_port) acct=$(free_port)
mkdir -p "$radius/log"
admin() { PGUSER=postgres psql -XqAt -v ON_ERROR_STOP=1 -d radius "$@"; }

PGUSER=postgres psql -Xq -v ON_ERROR_STOP=1 -d postgres -c "CREATE ROLE radius LOGIN PASSWORD 'radius'" -c "CREATE DATABASE radius OWNER radius"
PGUSER=radius PGPASSWORD=radius psql -Xq -v ON_ERROR_STOP=1 -d radius -f /etc/freeradius/3.0/mods-config/sql/main/postgresql/schema.sql
admin -c "INSERT INTO radcheck (username, attribute, op, value) VALUES ('u1', 'Cleartext-Password', ':=', 'right')" \
	-c "SET client_min_messages = warning" -c "CREATE EXTENSION headcount CASCADE"

# The server's own configuration, with its module sql on, and one site that authenticates and accounts.
cp -a /etc/freeradius/3.0 "$etc"
sed -i -e 's|^\s*driver = .*|driver = "rlm_sql_postgresql"|' -e 's|^\s*dialect = .*|dialect = "postgresql"|' \
	-e "s|^\s*radius_db = .*|radius_db = \"host=127.0.0.1 port=$PGPORT dbname=radius user=radius password=radius\"|" "$etc/mods-available/sql"
ln -sf ../mods-available/sql "$etc/mods-enabled/sql"
rm -f "$etc/mods-enabled/eap" "$etc"/sites-enabled/*
sed -i -e "s|^logdir = .*|logdir = $radius/log|" -e "s|^run_dir = .*|run_dir = $radius/log|" -e 's|^proxy_requests.*|proxy_requests = no|' "$etc/radiusd.conf"
cat >"$etc/clients.conf" <<CLIENT
client here {
 ipaddr = 127.0.0.1
 secret = testing123
}
CLIENT
cat >"$etc/sites-enabled/here" <<SITE
server here {
 listen {
  type = auth
  ipaddr = 127.0.0.1
  port = $auth
 }
 listen {
  type = acct
  ipaddr = 127.0.0.1
  port = $acct
 }
 authorize {
  preprocess
  sql
  pap
 }
 authenticate {
  Auth-Type PAP {
   pap
  }
 }
 preacct {
  preprocess
  acct_unique
 }
 accounting {
  sql
 }
 post-auth {
  sql
  Post-Auth-Type REJECT {
   sql
   attr_filter.access_reject
  }
 }
}
SITE
chown -R freerad: "$etc" "$radius/log"
freeradius -d "$etc" -Cl "$radius/log/check.log" || { sed 's/^/# /' "$radius/log/check.log"; exit 1; }
# It writes authdate as the local time without a zone, so its zone has to be that of its sessions in PostgreSQL.
TZ=UTC freeradius -d "$etc" -f -l "$radius/log/radius.log" &
server=$!
trap 'kill $server; wait' EXIT
for _ in $(seq 100); do ss -Hlnu "sport = :$acct" | grep -q . && break; sleep 0.1; done

# The source, as README.md has it for the stock tables. The tables are the server's role's, so it is that role's source.
PGUSER=radius PGPASSWORD=radius PGOPTIONS='-c client_min_messages=warning' psql -Xq -o /dev/null -v ON_ERROR_STOP=1 -d radius -c "GRANT CREATE ON DATABASE radius TO radius" \
	-c "SELECT headcount.create_freeradius_source('wifi', idle_limit => '30 minutes', time_zone => 'Europe/Warsaw')"
is "$(admin -c "SELECT exact FROM headcount.source_status WHERE source = 'wifi'")" t "the source is exact: radius owns its tables, triggers track them"

# One packet: kind, number of user and session, seconds after 22:00 in Warsaw on 2026-01-05, more attributes.
began=$(date -d '2026-01-05 21:00 UTC' +%s)
packet() {
	printf 'Acct-Status-Type=%s,User-Name=u%d,Acct-Session-Id="s%d",NAS-IP-Address=10.9.0.%d,NAS-Port=%d,Calling-Station-Id="02-00-00-00-00-%02X",Acct-Authentic=RADIUS,Event-Timestamp=%d%s\n\n' \
		"$1" "$2" "$2" "$2" "$2" "$2" $((began + $3)) "${4:-}" | send
}
send() { radclient -q -r 2 -t 3 127.0.0.1:"$acct" acct testing123; }

packet Start 1 0
packet Interim-Update 1 1800 ',Acct-Session-Time=1800,Acct-Input-Octets=1000'
packet Stop 1 10800 ',Acct-Session-Time=10800,Acct-Terminate-Cause=User-Request'
packet Start 2 600
packet Start 2 600 # sent twice: the answer got lost
packet Stop 2 2400 ',Acct-Session-Time=1800,Acct-Terminate-Cause=User-Request'
packet Start 3 1200
packet Interim-Update 3 3000 ',Acct-Session-Time=1800' # its Stop never came
packet Start 4 1800
printf 'Acct-Status-Type=Accounting-On,NAS-IP-Address=10.9.0.4,Acct-Session-Id="on",Event-Timestamp=%d\n\n' $((began + 3600)) | send
packet Start 5 6900 # 23:55 in Warsaw
packet Interim-Update 5 9900 ',Acct-Session-Time=3000'
printf 'User-Name=u1,User-Password=right,NAS-IP-Address=10.9.0.1\n\nUser-Name=u1,User-Password=wrong,NAS-IP-Address=10.9.0.1\n' |
	radclient -q -r 1 -t 3 127.0.0.1:"$auth" auth testing123 || true # one of the two is refused

is "$(admin -c 'SELECT count(*), count(acctstoptime) FROM radacct')" '5|3' "five sessions in radacct, two of them open: the second Start made none"
is "$(admin -c "SELECT reply, count(*) FROM radpostauth GROUP BY reply ORDER BY reply")" $'Access-Accept|1\nAccess-Reject|1' "one login accepted, one rejected in radpostauth"

# As of 01:01 on the 6th: u1 ended a minute ago, u3 has been silent for more than half an hour, u4's server had restarted.
as_of='2026-01-06 01:01+01'
at() { admin -c "SET headcount.as_of = '$as_of'" -c "$1"; }
is "$(at 'SELECT user_name, online_count, hosts FROM wifi.online_users')" 'u5|1|1' "online is who was heard of within the idle limit"
days='SELECT day, daily_users, total_users, denial_users, concurrent_hosts, complete FROM wifi.daily_user_counts ORDER BY day'
expected=$'2026-01-05|5|5|0|4|t\n2026-01-06|2|5|0|2|f'
is "$(at "$days")" "$expected" "the days: all five; u1 and u5 after midnight"
is "$(at "SELECT user_name, to_char(ended_at AT TIME ZONE 'UTC', 'HH24:MI'), is_stale FROM wifi.sessions ORDER BY user_name")" \
	$'u1|00:00|f\nu2|21:40|f\nu3|22:20|t\nu4|22:00|f\nu5||f' "ends: Stop, Stop, last seen and half an hour, Accounting-On, none"
PGUSER=radius PGPASSWORD=radius psql -Xq -v ON_ERROR_STOP=1 -d radius -c "CALL headcount.refresh('wifi')"
is "$(at "$days")" "$expected" "the same from stored days"
is "$(admin -c "SELECT sum(denials), sum(denial_users) FROM wifi.daily_user_counts")" '1|1' "one denial, when it was sent"
is "$(admin -c "SELECT user_name, host, server FROM wifi.denials")" 'u1||' "the accepted login is no denial"

# A late packet about a day that is stored, and one about now.
packet Start 6 300
packet Stop 6 900 ',Acct-Session-Time=600,Acct-Terminate-Cause=User-Request'
is "$(at "$days")" $'2026-01-05|6|6|0|4|t\n2026-01-06|2|6|0|2|f' "a session that is told of late counts at once on its stored day"
printf 'Acct-Status-Type=Start,User-Name=u7,Acct-Session-Id="s7",NAS-IP-Address=10.9.0.7,NAS-Port=7,Calling-Station-Id="02-00-00-00-00-07",Acct-Authentic=RADIUS\n\n' | send
is "$(admin -c "SELECT * FROM headcount.online_counts('wifi', ARRAY['u7', 'u5'])")" $'u7|1\nu5|0' "a session that starts now is online at once"
done_testing
