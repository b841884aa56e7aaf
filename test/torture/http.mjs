// Asks the example over HTTP as nobody should, for as long as it is told to, and measures what it bears. test/torture/http.pl makes the
// database and starts this with the place of the example's server (EXAMPLE), SECONDS and SEED. It prints what it measured, and "not ok"
// with what is wrong.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const { EXAMPLE, SECONDS = '60', SEED = '1' } = process.env;
const token = 'token';
const seconds = Number(SECONDS);
const report = '/api/v1/report/users/realtime-count/';

// --- chance, the same from the same seed (mulberry32) ------------------------------------------------------------------

let state = Number(SEED);
function roll(sides) {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) % sides;
}
const pick = (list) => list[roll(list.length)];

// --- the server, and what it takes -------------------------------------------------------------------------------------

let problems = 0;
function check(words, fine, evidence = '') {
  console.log(`${fine ? 'ok' : 'not ok'} - ${words}${fine ? '' : `: ${evidence}`}`);
  if (!fine) problems++;
}
async function start(env) {
  const child = spawn(process.execPath, [EXAMPLE], { env: { ...process.env, PORT: '0', TOKEN: token, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const server = { child, out: '', errors: '' };
  child.stderr.on('data', (data) => { server.errors += data; });
  while (!server.out.includes('listening on')) server.out += (await once(child.stdout, 'data'))[0];
  server.port = Number(/:(\d+)\n/.exec(server.out)[1]);
  return server;
}
const megabytes = ({ child }) => Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1]) / 1024);
// Those that it has open, by what the kernel says.
const connections = ({ port }) => readFileSync('/proc/net/tcp', 'utf8').split('\n').filter((line) => new RegExp(`^ *\\d+: 0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} \\S+ 01`).test(line)).length;
const handles = ({ child }) => readdirSync(`/proc/${child.pid}/fd`).length;

// Sends some bytes and returns what comes back until the connection is closed, and after how many seconds that was.
// (Who closes before he has his answer gets none.)
function raw(server, pieces, { pause = 0, end = false, most = 60 } = {}) {
  return new Promise((resolve) => {
    const began = Date.now();
    const socket = net.connect(server.port, '127.0.0.1');
    let answer = '';
    const limit = setTimeout(() => socket.destroy(), most * 1000);
    let quiet;
    const closeSoon = (ms) => { clearTimeout(quiet); quiet = setTimeout(() => socket.end(), ms); };
    socket.on('data', (data) => { if (answer.length < 100_000) answer += data.toString('latin1'); if (end) closeSoon(50); }).on('error', () => {})
      .on('close', () => { clearTimeout(limit); clearTimeout(quiet); resolve({ answer, seconds: (Date.now() - began) / 1000 }); });
    socket.on('connect', async () => {
      for (const piece of pieces) {
        if (socket.destroyed) return;
        socket.write(piece);
        if (pause) await sleep(pause);
      }
      if (end) closeSoon(3000);
    });
  });
}

// What any client may expect at any time, and how long it took.
function good(server, agent) {
  return new Promise((resolve) => {
    const began = Date.now();
    const request = http.get({ port: server.port, host: '127.0.0.1', agent, path: '/?RegionId=eu-1&UserNames.1=ann', timeout: 30_000 }, (response) => {
      let body = '';
      response.on('data', (data) => { body += data; }).on('end', () => resolve({ fine: response.statusCode === 200 && body.includes('"OnlineCount":"2"'), later: response.statusCode === 503, body, ms: Date.now() - began }));
    });
    request.on('error', (error) => resolve({ fine: false, body: String(error), ms: Date.now() - began })).on('timeout', () => request.destroy());
  });
}

// --- malformed ---------------------------------------------------------------------------------------------------------

const junk = (length) => Buffer.from(Array.from({ length }, () => roll(256)));
const headerLines = ['Host: x', 'Host: x\r\nHost: y', 'Host:', 'Content-Length: 5', 'Content-Length: -1', 'Content-Length: 5\r\nContent-Length: 6', 'Content-Length: 99999999999999999999', 'Content-Length: 0x5', 'Content-Length: +5',
  'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked, identity', 'Transfer-Encoding: xchunked', 'Transfer-Encoding: chunked\r\nContent-Length: 3', 'Transfer-Encoding : chunked', ' folded: line', 'X: a\r\n b', 'X\0: y', 'X: \0', ': nothing', 'no colon', `X: ${'y'.repeat(9000)}`, `${'x'.repeat(9000)}: y`,
  'Expect: 100-continue', 'Expect: 200-ok', 'Upgrade: h2c', 'Upgrade: websocket\r\nConnection: Upgrade', 'Connection: close', 'Connection: keep-alive', 'Connection: X-Auth-token', 'Content-Type: application/x-www-form-urlencoded', 'Content-Type: application/x-www-form-urlencoded; charset=utf-7', 'Content-Type: text/plain',
  'Content-Encoding: gzip', 'Content-Encoding: br', `X-Auth-token: ${token}`, 'X-Auth-token: \u00ff', 'X-Auth-token: a\r\nX-Auth-token: b', 'Range: bytes=0-0,1-1,2-2', 'If-None-Match: *', 'Accept-Encoding: gzip', 'Cookie: a=b', 'X-Forwarded-For: x', 'X-HTTP-Method-Override: DELETE', 'Trailer: X', 'Content-Length: 5;'];
const targets = ['/', '/?', ...Array(8).fill('/?UserNames.1=ann&RegionId=eu-1'), ...Array(4).fill(`${report}json`), `${report}csv?limit=1`, `${report}pdf?limit=1`, `${report}%00`, `${report}%`, `${report}..%2f..`, '//', '///evil.example/', 'http://evil.example/', 'http://evil.example:99999/', '*', '', '?', '#', '/%c0%ae', '/\\', '/?a=%', '/?%=%', '/?UserNames.1=ann&RegionId=eu-1', '/?UserNames.1=%ff',
  `/?${'a&'.repeat(2000)}`, `/?${'UserNames.1=x&'.repeat(300)}`, '/?UserNames.1=ann&Format=XML', '/?Format=\0', `/${'x'.repeat(9000)}`, '/?__proto__=1&constructor=2', '/api/v1/report/users/realtime-count', '/API/V1/report/users/realtime-count/JSON', '/?filter=[[[[[[', `${report}json?filter=${'%5B'.repeat(900)}`, `${report}json?rn=${'%00'.repeat(9)}`];
const methods = ['GET', 'GET', 'GET', 'POST', 'POST', 'HEAD', 'PUT', 'OPTIONS', 'TRACE', 'CONNECT', 'PRI', 'get', 'GE\tT', 'X'.repeat(300), '', 'M-SEARCH', 'PROPFIND', 'DELETE'];
const versions = ['HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/1.11', 'HTTP/', 'HTCPCP/1.0', 'http/1.1', ''];
const bodies = ['', 'UserNames.1=ann&RegionId=eu-1', 'x', '5\r\nhello\r\n0\r\n\r\n', '5;ext="\r\nhello\r\n0\r\n\r\n', 'ffffffffffffffff\r\nx', '-1\r\nx', '0\r\nX: y\r\n\r\n', '5\nhello\n0\n\n', 'zz\r\n', '5\r\nhelloXX0\r\n\r\n', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', 'y'.repeat(70_000), `${'%'.repeat(100)}`, 'a=b'.repeat(5000)];
// Most are wrong in one or two places, so that what comes behind the parser has its share.
const odd = (once) => roll(once) === 0;
function request() {
  const lines = odd(4) ? Array.from({ length: roll(5) }, () => pick(headerLines)) : [];
  if (!odd(12)) lines.unshift('Host: h');
  if (!odd(6)) lines.push(`X-Auth-token: ${token}`);
  if (odd(40)) lines.push(...Array.from({ length: 3000 }, (_, n) => `H${n}: x`));
  const method = odd(5) ? pick(methods) : pick(['GET', 'GET', 'POST']);
  const body = odd(5) ? pick(bodies) : pick(['', 'UserNames.1=ann&RegionId=eu-1']);
  if (method === 'POST' && !odd(5)) lines.push('Content-Type: application/x-www-form-urlencoded', `Content-Length: ${Buffer.byteLength(body)}`);
  const ending = odd(15) ? pick(['\n', '\r', '\n\r']) : '\r\n';
  let bytes = Buffer.from([`${method} ${pick(targets)} ${odd(10) ? pick(versions) : 'HTTP/1.1'}`, ...lines, '', body].join(ending), odd(3) ? 'latin1' : 'utf8');
  for (let n = odd(4) ? roll(6) : 0; n > 0 && bytes.length; n--) bytes[roll(bytes.length)] = roll(256);
  if (roll(8) === 0) bytes = bytes.subarray(0, roll(bytes.length + 1));
  if (roll(8) === 0) bytes = Buffer.concat(Array.from({ length: 1 + roll(30) }, () => bytes)); // one after the other, no answer waited for
  if (roll(12) === 0) bytes = junk(1 + roll(5000));
  return bytes;
}
const answers = /^HTTP\/1\.1 (\d{3}) [^\r\n]*\r\n(?:[\x21-\x39\x3b-\x7e]+:[^\r\n]*\r\n)*\r\n/;
const allowed = new Set('100 200 304 400 401 404 405 408 413 414 415 417 422 431 501'.split(' '));
async function malformed(server, until) {
  const seen = {};
  let sent = 0;
  let worst;
  await Promise.all(Array.from({ length: 16 }, async () => {
    while (Date.now() < until) {
      const bytes = request();
      const slowly = roll(40) === 0;
      const { answer } = await raw(server, slowly ? [bytes.subarray(0, bytes.length >> 1), bytes.subarray(bytes.length >> 1)] : [bytes], { pause: slowly ? 20 : 0, end: true, most: 40 });
      sent++;
      const status = answers.exec(answer)?.[1] ?? (answer === '' ? 'none' : 'no HTTP');
      seen[status] = (seen[status] ?? 0) + 1;
      if (!(allowed.has(status) || status === 'none') || /node_modules|\.js:\d|PL\/pgSQL|^\s+at /m.test(answer)) worst ??= `${status} for ${JSON.stringify(bytes.toString('latin1').slice(0, 1500))}: ${answer.slice(0, 1500)}`;
      if (sent % 200 === 0) { const { fine, later, body } = await good(server); if (!fine && !later) worst ??= `a good request: ${body}`; }
    }
  }));
  console.log(`# malformed: ${sent} requests: ${Object.entries(seen).sort().map(([status, n]) => `${n} ${status}`).join(', ')}; ${megabytes(server)} MB`);
  check('malformed requests get answers that they deserve', worst === undefined, worst);
  check('... thousands of them, of many kinds', sent > 5 * seconds && Object.keys(seen).length > 7, JSON.stringify(seen));
}

// --- slow --------------------------------------------------------------------------------------------------------------

// Hundreds of clients that take all the time there is, and one that wants an answer meanwhile. Each is closed by the server.
async function slow(server) {
  const many = 150;
  const form = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10000\r\n\r\n';
  const kinds = {
    'that say nothing': { pieces: [] },
    'that send a byte of a header a second': { pieces: [...`GET / HTTP/1.1\r\nX: ${'y'.repeat(200)}`], pause: 1000 },
    'that send a byte of a form a second': { pieces: [form, ...'x'.repeat(200)], pause: 1000 },
    'that send a chunk a second': { pieces: ['POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n', ...Array(200).fill('1\r\nx\r\n')], pause: 1000 },
    'that ask again when they had their answer': { pieces: Array(200).fill('GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n'), pause: 1000, keeps: true },
    'that had an answer and stay': { pieces: ['GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n'] } };
  const before = handles(server);
  let slowest = 0;
  let asking = true;
  let refused;
  let answered = 0;
  let put_off = 0;
  const asks = (async () => {
    while (asking) {
      const { fine, later, ms, body } = await good(server);
      if (fine) answered++, slowest = Math.max(slowest, ms);
      else if (later) put_off++; // the database is busy
      else refused ??= body;
      await sleep(100);
    }
  })();
  const all = Object.entries(kinds).map(async ([words, { pieces, pause, keeps }]) => {
    const took = await Promise.all(Array.from({ length: many }, () => raw(server, pieces, { pause, most: 45 })));
    const longest = Math.max(...took.map((each) => each.seconds));
    console.log(`# slow: ${many} clients ${words}: closed after ${longest.toFixed(1)} s at most`);
    if (!keeps) check(`clients ${words} are seen off`, longest < 42, `${longest} s`);
  });
  await Promise.all(all);
  asking = false;
  await asks;
  console.log(`# slow: good requests meanwhile: ${answered} answered within ${slowest} ms, ${put_off} told to come again; ${megabytes(server)} MB`);
  check('good requests are answered meanwhile', refused === undefined && answered > put_off && slowest < 30_000, `${refused} ${answered} ${put_off} ${slowest} ms`);
  await sleep(1000);
  check('no connection is left of them', handles(server) <= before + 10, `${handles(server)} handles, ${before} before`);
}

// Clients that ask for much and read nothing: their connections and answers must not stay for ever.
async function unread(server) {
  const many = 4;
  const ask = () => new Promise((resolve) => {
    http.get({ port: server.port, host: '127.0.0.1', path: `${report}json`, headers: { 'X-Auth-token': token } }, (response) => {
      let bytes = 0;
      response.on('data', (data) => { bytes += data.length; }).on('end', () => resolve(bytes));
    });
  });
  let whole = 0;
  for (let tries = 0; whole < 5e6 && tries < 10; tries++) whole = await ask(); // a busy machine takes longer than a query may
  check('there is an answer that buffers do not hold', whole > 5e6, `${whole} bytes`);
  const sockets = Array.from({ length: many }, () => {
    const socket = net.connect(server.port, '127.0.0.1').on('error', () => {});
    socket.pause();
    socket.write(`GET ${report}json HTTP/1.1\r\nHost: x\r\nX-Auth-token: ${token}\r\n\r\n`);
    return socket;
  });
  const began = Date.now();
  let most = 0;
  let left = many;
  while (Date.now() - began < 90_000) {
    await sleep(1000);
    most = Math.max(most, megabytes(server));
    left = connections(server);
    if (left === 0) break;
  }
  const took = (Date.now() - began) / 1000;
  console.log(`# unread: ${many} answers of ${(whole / 1e6).toFixed(0)} MB that nobody reads: closed after ${took.toFixed(0)} s, ${most} MB at most`);
  check('answers that nobody reads are given up, once they are there', left === 0 && took > 20, `${left} connections after ${took} s`);
  for (const socket of sockets) socket.destroy();
}

// More connections than there may be.
async function flood(server) {
  const sockets = [];
  let closed = 0;
  for (let n = 0; n < 1300; n++) sockets.push(net.connect(server.port, '127.0.0.1').on('error', () => {}).on('close', () => { closed++; }));
  await sleep(4_000);
  const open = sockets.length - closed;
  console.log(`# flood: 1300 connections at once: ${open} stay, ${megabytes(server)} MB`);
  check('there are at most 1000 connections', open <= 1000, String(open));
  for (const socket of sockets) socket.destroy();
  await sleep(1000);
  const { fine, body } = await good(server);
  check('... and room for others when they have gone', fine, body);
}

// More work than the database takes at once.
async function rush(server) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 300 });
  const seen = {};
  let slowest = 0;
  let stray;
  await Promise.all(Array.from({ length: 1200 }, async () => {
    const { fine, body, ms } = await good(server, agent);
    const kind = fine ? 'answered' : body.includes('cannot be reached') || body.includes('busy') ? 'refused for now' : 'else';
    seen[kind] = (seen[kind] ?? 0) + 1;
    if (kind === 'else') stray ??= body;
    slowest = Math.max(slowest, ms);
  }));
  agent.destroy();
  console.log(`# rush: 1200 requests over 300 connections: ${JSON.stringify(seen)}, the last after ${slowest} ms; ${megabytes(server)} MB`);
  check('all of a rush are answered, or told to come again', stray === undefined, stray);
}

const server = await start({ SOURCE: 'vpn' });
const first = megabytes(server);
await malformed(server, Date.now() + seconds * 500);
await rush(server);
await flood(server);
await slow(server);
const faults = server.errors.split('\n').filter((line) => line !== '' && !/^idle connection: |^[0-9a-f-]{36} (503 |501 0A000)/.test(line));
check('nothing is in its log that is a fault of its own', faults.length === 0, faults.slice(0, 5).join('\n'));
check('it still runs, and answers', server.child.exitCode === null && (await good(server)).fine, `exit ${server.child.exitCode}: ${server.errors.slice(-2000)}`);
const long = await start({ SOURCE: 'long' });
await unread(long);
check('... after answers that nobody read as well', long.child.exitCode === null && (await good(long)).fine, long.errors.slice(-2000));
console.log(`# memory of the server: ${first} MB when it began, ${megabytes(server)} MB in the end`);
check('its memory stays within bounds', megabytes(server) < first + 250, `${first} MB, then ${megabytes(server)} MB`);
for (const { child } of [server, long]) child.kill('SIGKILL');
process.exit(problems > 0 ? 1 : 0);
