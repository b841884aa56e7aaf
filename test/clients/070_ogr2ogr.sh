# shellcheck shell=bash disable=SC2154
# GDAL: a view as a CSV file, without geometry.
source ./tap.sh

from="PG:host=127.0.0.1 port=$PGPORT dbname=clients user=dashboard password=$PGPASSWORD schemas=vpn"
ogr2ogr -f CSV -lco STRING_QUOTING=IF_NEEDED "$work/days.csv" "$from" -sql 'SELECT day, daily_users, total_users, concurrent_hosts FROM vpn.daily_user_counts ORDER BY day'
is "$(head -n 3 "$work/days.csv")" $'day,daily_users,total_users,concurrent_hosts\n2026/03/01,1,1,1\n2026/03/02,2,2,2' "days in a CSV file"
is "$(wc -l <"$work/days.csv")" 11 "all ten of them"
like "$(ogrinfo -so "$from" -sql 'SELECT * FROM vpn.daily_user_counts')" '^daily_users: Integer \(0\.0\)' "numbers are integers"
ogr2ogr -f GeoJSON "$work/online.json" "$from" vpn.online_users -nln online
like "$(tr -d ' \n' <"$work/online.json")" '"user_name":"alice","online_count":2,"hosts":2' "the view as a layer"
done_testing
