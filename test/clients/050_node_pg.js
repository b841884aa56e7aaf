// node-postgres, the client of most programs in Node.
'use strict';
const { Client } = require('pg');
const { is, run } = require('./tap.js');

run(async () => {
	const client = new Client({ host: '127.0.0.1', database: 'clients', user: 'dashboard' }); // port and password from the environment
	await client.connect();
	const { rows } = await client.query(
		'SELECT day, total_users, daily_users, denial_users, denials, concurrent_hosts, concurrent_hosts_at, complete FROM vpn.daily_user_counts WHERE day = $1', ['2026-03-02']);
	const { day, concurrent_hosts_at: at, ...numbers } = rows[0];
	is(numbers, { total_users: 2, daily_users: 2, denial_users: 0, denials: 0, concurrent_hosts: 2, complete: true }, 'counts are numbers, not strings');
	is([day.getFullYear(), day.getMonth() + 1, day.getDate()], [2026, 3, 2], 'a day is a Date at midnight of the time zone of the process');
	is(at.toISOString(), '2026-03-02T09:30:00.000Z', 'the instant of the peak is a Date');
	const online = await client.query('SELECT user_name, online_count, hosts FROM vpn.online_users');
	is(online.rows, [{ user_name: 'alice', online_count: 2, hosts: 2 }], 'who is online');
	const named = await client.query({ name: 'week', text: 'SELECT max(daily_users) AS most FROM vpn.daily_user_counts WHERE day BETWEEN $1 AND $2', values: ['2026-03-01', '2026-03-07'] });
	is(named.rows, [{ most: 2 }], 'a named (prepared) statement');
	const aggregate = await client.query("SELECT headcount.unique_count(who) AS users FROM (VALUES ('a'), ('b'), ('a')) AS names(who)");
	is(aggregate.rows, [{ users: '2' }], 'aggregates give bigint as count(*) does, which this client makes a string');
	await client.end();
});
