// The two APIs over HTTP. What they mean is written in the database: a request becomes one call of a function there,
// its parameters as parameters. Here are only addresses, headers and statuses.

import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import express from 'express';
import pg from 'pg';

const { PORT = '8080', SOURCE = 'vpn' } = process.env;
const TOKEN = process.env.TOKEN || randomBytes(16).toString('hex'); // an empty one would let everybody in
const maxUrlBytes = 8 * 1024; // 50 names of 33 letters take 3 kB
const maxBodyBytes = 16 * 1024;
const stopSeconds = 30; // longer than the database lets a statement run (setup.sql)
const unfinishedSeconds = 5; // for requests that are not there as a whole when the server stops

// --- database --------------------------------------------------------------------------------------------------------

// The other PG... variables are read by pg itself.
const { PGUSER = 'headcount_http', PGDATABASE = 'postgres' } = process.env;
const pool = new pg.Pool({
  user: PGUSER,
  database: PGDATABASE,
  application_name: 'headcount_http',
  max: 8,
  connectionTimeoutMillis: 5_000,
  query_timeout: 25_000, // for a server that has gone silent
});
pool.on('error', (error) => console.error(`idle connection: ${error.message}`));

// The one value that a query gives.
async function ask(text, values) {
  try {
    const { rows } = await pool.query({ text, values, rowMode: 'array' });
    return rows[0][0];
  } catch (error) {
    throw error instanceof pg.DatabaseError ? error : Object.assign(error, { status: 503 });
  }
}

// --- errors ----------------------------------------------------------------------------------------------------------

// An error whose text is for the client, as Express makes them too.
const refusal = (status, message, sqlstate) => Object.assign(new Error(message), { status, sqlstate });

const asSentences = ({ message, detail, hint }) => [`${message}.`, detail, hint].filter(Boolean).join(' ');

// What the client is told of an error. The text of an error is passed on where it is about the request and nothing else.
function verdict(error) {
  if (error.status < 500) return { status: error.status, sqlstate: error.sqlstate ?? '22023', message: error.message };
  if (!(error instanceof pg.DatabaseError)) {
    const status = error.status ?? 500;
    const message = status === 503 ? 'The database cannot be reached.' : 'Internal error.';
    return { status, sqlstate: 'XX000', message };
  }
  const sqlstate = error.code;
  if (sqlstate.startsWith('SG') || sqlstate === '22023') return { status: 400, sqlstate, message: error.message };
  if (sqlstate === '22008') return { status: 400, sqlstate, message: asSentences(error) };
  if (sqlstate === '54000') return { status: 422, sqlstate, message: asSentences(error) };
  if (sqlstate.startsWith('22')) return { status: 400, sqlstate, message: 'The request has text that is not valid.' };
  if (sqlstate === '42501') return { status: 403, sqlstate, message: 'Permission denied.' };
  if (sqlstate === '0A000') return { status: 501, sqlstate, message: error.message };
  if (/^(08|53|57|55P03)/.test(sqlstate)) return { status: 503, sqlstate, message: 'The database is busy or stopping.' };
  return { status: 500, sqlstate, message: 'Internal error.' };
}

// --- DescribeUserOnlineClientStatistics ------------------------------------------------------------------------------

const contentTypes = { json: 'application/json; charset=utf-8', xml: 'text/xml; charset=utf-8' };
const errorFormat = (parameters) => (parameters.get('Format')?.toLowerCase() === 'xml' ? 'xml' : 'json');

// The parameters stand in the URL, in a form, or in both.
function addForm(req, res, next) {
  req.parameters = new URLSearchParams([...req.query, ...new URLSearchParams(req.body)]);
  next();
}

// The values of UserNames.1, UserNames.2, … by number; numbers may be missing, but not be anything else.
const userNames = (parameters) =>
  [...parameters]
    .filter(([key]) => /^UserNames\b/.test(key))
    .map(([key, value]) => {
      const place = /^UserNames\.([1-9]\d{0,8})$/.exec(key)?.[1];
      if (place === undefined) throw refusal(400, 'The specified UserName is invalid.', 'SG002');
      return { place, value };
    })
    .sort((a, b) => a.place - b.place)
    .map(({ value }) => value);

async function describeUserOnlineClientStatistics({ id, parameters }, res) {
  const action = parameters.get('Action') ?? 'DescribeUserOnlineClientStatistics';
  if (action !== 'DescribeUserOnlineClientStatistics') throw refusal(404, 'The specified Action does not exist.');
  const format = parameters.get('Format') ?? 'json';
  const answer = await ask('SELECT headcount.describe_user_online_client_statistics($1, $2, $3, $4, $5)',
    [parameters.get('RegionId'), userNames(parameters), parameters.get('SmartAGId'), format, id]);
  res.type(contentTypes[format.toLowerCase()]).send(answer);
}

async function sendRpcError({ id, headers, parameters }, res, { status, sqlstate, message }) {
  const format = errorFormat(parameters);
  const host = (headers.host ?? '').replace(/[^A-Za-z0-9.:[\]-]/g, '').slice(0, 255);
  const values = [sqlstate, message, id, host, format];
  const envelope = await ask('SELECT headcount.describe_error($1, $2, $3, $4, $5)', values)
    .catch(() => withoutDatabase[format](id.toUpperCase(), host, message));
  res.status(status).type(contentTypes[format]).send(envelope);
}

// The same envelopes while there is no database to make them; nothing in them needs escaping.
const withoutDatabase = {
  json: (id, host, message) =>
    `{"RequestId":"${id}","HostId":"${host}","Code":"InternalError","Message":"${message}"}`,
  xml: (id, host, message) =>
    `<Error><RequestId>${id}</RequestId><HostId>${host}</HostId><Code>InternalError</Code>`
    + `<Message>${message}</Message></Error>`,
};

// --- Realtime Users Count --------------------------------------------------------------------------------------------

const fileTypes = {
  json: { type: 'application/json; charset=utf-8', disposition: 'inline' },
  csv: { type: 'text/csv; charset=utf-8; header=present', disposition: 'attachment' },
  xlsx: { type: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', disposition: 'attachment' },
  pdf: { type: 'application/pdf', disposition: 'attachment' },
  html: { type: 'text/html; charset=utf-8', disposition: 'inline' },
};

const digest = (text) => createHash('sha256').update(text).digest();
const expectedToken = digest(TOKEN);

function checkToken(req, res, next) {
  if (!timingSafeEqual(digest(req.get('X-Auth-token') ?? ''), expectedToken)) {
    res.set('WWW-Authenticate', 'X-Auth-token');
    throw refusal(401, 'The header X-Auth-token has no valid token.');
  }
  next();
}

async function realtimeUsersCount({ params, query }, res) {
  const file = await ask('SELECT headcount.realtime_users_count($1, $2, $3)',
    [SOURCE, params.returnType, JSON.stringify(Object.fromEntries(query))]);
  const extension = params.returnType.toLowerCase();
  const { type, disposition } = fileTypes[extension];
  res.set('Content-Disposition', `${disposition}; filename="realtime-users-count.${extension}"`).type(type).send(file);
}

const sendReportError = (res, { status, message }) =>
  res.status(status).json({ success: false, msg: message, data: [], code: status, totalCount: 0 });

// --- addresses -------------------------------------------------------------------------------------------------------

const app = express()
  .disable('x-powered-by')
  .disable('etag')
  .set('query parser', (text) => new URLSearchParams(text ?? ''));

app.use((req, res, next) => {
  req.id = randomUUID();
  req.parameters = req.query;
  res.set({
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    // The html report carries its style and script in itself and loads nothing.
    'Content-Security-Policy':
      "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; frame-ancestors 'none'",
  });
  if (req.url.length > maxUrlBytes) throw refusal(414, 'The URL is too long.');
  next();
});

const allow = (methods) => (req, res) => {
  res.set('Allow', methods);
  throw refusal(405, `The method must be one of ${methods}.`);
};
app.route('/')
  .get(describeUserOnlineClientStatistics)
  .post(express.text({ type: 'application/x-www-form-urlencoded', limit: maxBodyBytes, inflate: false }), addForm,
    describeUserOnlineClientStatistics)
  .all(allow('GET, HEAD, POST'));
app.route('/api/v1/report/users/realtime-count/:returnType')
  .all(checkToken)
  .get(realtimeUsersCount)
  .all(allow('GET, HEAD'));
app.use(() => { throw refusal(404, 'There is nothing at this address.'); });

app.use(async (error, req, res, next) => { // Express knows it by its four arguments
  const told = verdict(error);
  if (told.status >= 500) console.error(`${req.id} ${told.status} ${error.code ?? ''} ${error.message}`);
  if (/^\/api\//i.test(req.path)) sendReportError(res, told);
  else await sendRpcError(req, res, told);
});

// Proxies may ask for a whole URL. Of those Express takes any, by a function that Node.js is about to give up for hosts that are none.
function pathOf(target) {
  if (target.startsWith('/')) return target;
  try {
    const { pathname, search } = new URL(target, 'http://localhost');
    return pathname.startsWith('/') ? pathname + search : `/${pathname}${search}`;
  } catch {
    return undefined;
  }
}

// --- start and stop --------------------------------------------------------------------------------------------------

// Clients that never finish what they began are looked for every five seconds. The last limit is for those that do not read
// what they asked for: nothing goes to them or comes from them. It is longer than an answer takes.
const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000, connectionsCheckingInterval: 5_000 }, (req, res) => {
  req.url = pathOf(req.url);
  if (req.url === undefined) res.writeHead(400, { Connection: 'close' }).end();
  else app(req, res);
});
server.setTimeout(30_000);
server.maxConnections = 1_000;
server.listen(Number(PORT), '127.0.0.1', () => {
  if (!process.env.TOKEN) console.log(`X-Auth-token: ${TOKEN}`);
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});

const sockets = new Set();
server.on('connection', (socket) => {
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
});
const requests = new Set(); // not answered yet
server.on('request', (req, res) => {
  requests.add(req);
  res.once('close', () => requests.delete(req));
});

function destroyUnfinished() {
  const running = new Set([...requests].filter(({ complete }) => complete).map(({ socket }) => socket));
  for (const socket of sockets) if (!running.has(socket)) socket.destroy();
}

// Requests that run are answered, others have some seconds to arrive; a second signal waits for neither.
let stopping = false;
async function stop() {
  if (stopping) process.exit(1);
  stopping = true;
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  const unfinished = setTimeout(destroyUnfinished, unfinishedSeconds * 1_000);
  const deadline = setTimeout(() => server.closeAllConnections(), stopSeconds * 1_000);
  await new Promise((resolve) => { server.close(resolve); });
  clearInterval(idle);
  clearTimeout(unfinished);
  clearTimeout(deadline);
  await pool.end();
}
process.on('SIGINT', stop);
process.on('SIGTERM', stop);
