# shellcheck shell=bash disable=SC2154
# PgBouncer in transaction mode: many clients share one connection, and with it what SET left behind.
source ./tap.sh

port=$(free_port) bouncer=$work/bouncer
mkdir "$bouncer"
echo "\"dashboard\" \"$PGPASSWORD\"" >"$bouncer/users"
cat >"$bouncer/ini" <<INI
[databases]
clients = host=127.0.0.1 port=$PGPORT
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $port
unix_socket_dir =
auth_type = scram-sha-256
auth_file = $bouncer/users
pool_mode = transaction
default_pool_size = 1
logfile = $bouncer/log
INI
chown -R postgres: "$bouncer"
runuser -u postgres -- pgbouncer -q "$bouncer/ini" &
trap 'kill %1; wait' EXIT
for _ in $(seq 100); do ss -Hlnt "sport = :$port" | grep -q . && break; sleep 0.1; done

ask() { psql -XqAt -v ON_ERROR_STOP=1 "host=127.0.0.1 port=$port dbname=clients user=dashboard" "$@"; }
online='SELECT string_agg(user_name || online_count, $$ $$ ORDER BY user_name) FROM vpn.online_users'

is "$(ask -c "$online")" alice2 "a client reads through the pool"
is "$(ask -c BEGIN -c "SET LOCAL headcount.as_of = '2026-03-02 09:45+00'" -c "$online" -c COMMIT)" 'alice1 bob1' "as of another instant, with SET LOCAL in a transaction"
is "$(ask -c "$online")" alice2 "the next client reads the present: SET LOCAL ended with its transaction"
is "$(ask -c "SELECT user_name, online_count FROM vpn.online_users WHERE user_name = 'alice'" -c "SELECT pg_backend_pid()" | tail -n 1)" \
	"$(ask -c 'SELECT pg_backend_pid()')" "the clients do share a connection"
is "$(ask -c "SET headcount.as_of = '2026-03-02 09:45+00'" -c "$online")" 'alice1 bob1' "a client that says plain SET"
is "$(ask -c "$online")" 'alice1 bob1' "leaves its present to the next one: never do that here"
ask -c 'RESET headcount.as_of'
done_testing
