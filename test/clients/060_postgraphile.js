// PostGraphile: a GraphQL schema of what the reader may read.
'use strict';
const { Pool } = require('pg');
const { createPostGraphileSchema, withPostGraphileContext } = require('postgraphile');
const { graphql } = require('graphql');
const { is, run } = require('./tap.js');

// GraphQL makes objects without a prototype.
const plain = (value) => JSON.parse(JSON.stringify(value));

run(async () => {
	const pgPool = new Pool({ host: '127.0.0.1', database: 'clients', user: 'dashboard' });
	const schema = await createPostGraphileSchema(pgPool, ['vpn'], { ignoreRBAC: false });
	const queries = Object.keys(schema.getQueryType().getFields());
	is(queries.filter((name) => name.startsWith('all')).sort(), ['allDailyUserCounts', 'allOnlineUsers'], 'the schema has what the reader may read, and nothing else of the source');
	const ask = (query) => withPostGraphileContext({ pgPool }, (context) => graphql(schema, query, null, { ...context }));
	is(plain((await ask('{ allDailyUserCounts(condition: {day: "2026-03-02"}) { nodes { day dailyUsers totalUsers concurrentHosts complete } } }')).data),
		{ allDailyUserCounts: { nodes: [{ day: '2026-03-02', dailyUsers: 2, totalUsers: 2, concurrentHosts: 2, complete: true }] } }, 'a day');
	is(plain((await ask('{ allOnlineUsers { totalCount nodes { userName onlineCount } } }')).data),
		{ allOnlineUsers: { totalCount: 1, nodes: [{ userName: 'alice', onlineCount: 2 }] } }, 'who is online');
	await pgPool.end();
});
