// Starts the example and asks it as its clients would, and as nobody should. test/t/007_http.pl makes the database and says
// in the environment where it is (PG...), who may see all of it (JUDGE) and where to leave files (FOLDER). Each case has a
// name, which docs/api-coverage.md knows.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import RpcClient from '@alicloud/pop-core';
import pg from 'pg';

const { JUDGE, FOLDER } = process.env;
const token = 'token';
const uuid = /^[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$/;

// --- the example, and those who ask it -------------------------------------------------------------------------------

const started = [];
async function start(env = {}) {
  const child = spawn(process.execPath, [fileURLToPath(new URL('server.js', import.meta.url))],
    { env: { ...process.env, PORT: '0', SOURCE: 'vpn', TOKEN: token, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const server = { child, out: '', errors: '', exit: once(child, 'exit') };
  started.push(server);
  child.stderr.on('data', (data) => { server.errors += data; });
  while (!server.out.includes('listening on')) server.out += (await once(child.stdout, 'data'))[0];
  server.url = /listening on (\S+)/.exec(server.out)[1];
  server.port = Number(new URL(server.url).port);
  return server;
}

let server;
let judge;
before(async () => {
  server = await start();
  judge = new pg.Client({ user: JUDGE, options: '-c headcount.as_of=2026-03-20T12:00:00Z -c timezone=UTC' });
  await judge.connect();
});
after(async () => {
  await judge.end();
  for (const { child } of started) child.kill('SIGKILL');
});

const reportPath = '/api/v1/report/users/realtime-count/';
const query = (parameters) => (Object.keys(parameters).length ? `?${new URLSearchParams(parameters)}` : '');
const names = (...list) => Object.fromEntries(list.map((name, n) => [`UserNames.${n + 1}`, name]));
const rpc = (parameters, options) =>
  fetch(`${server.url}/${query({ Action: 'DescribeUserOnlineClientStatistics', ...parameters })}`, options);
const report = (type, options = {}, headers = { 'X-Auth-token': token }) =>
  fetch(server.url + reportPath + type + query(options), { headers });

async function counts(parameters) {
  const response = await rpc(parameters);
  const body = await response.json();
  assert.equal(response.status, 200, JSON.stringify(body));
  return body.UserStatistics.Statistics.map(({ UserName, OnlineCount }) => `${UserName} ${OnlineCount}`).join(', ');
}

async function refused(response, status, code, message) {
  const body = await response.json();
  assert.deepEqual([response.status, body.Code], [status, code], JSON.stringify(body));
  assert.deepEqual(Object.keys(body), ['RequestId', 'HostId', 'Code', 'Message']);
  assert.match(body.RequestId, uuid);
  if (message instanceof RegExp) assert.match(body.Message, message);
  else assert.equal(body.Message, message);
}

async function reportRefused(response, status, message) {
  const body = await response.json();
  assert.equal(response.status, status, JSON.stringify(body));
  assert.match(body.msg, message);
  assert.deepEqual(body, { success: false, msg: body.msg, data: [], code: status, totalCount: 0 });
}

// Sends bytes as they are, at once or in pieces, and returns all that comes back until the connection is closed: by the
// server, or by us once all is sent.
async function raw(bytes, { piece = bytes.length, close = false, to = server } = {}) {
  const socket = net.connect(to.port, '127.0.0.1');
  let answer = '';
  socket.setEncoding('latin1').on('data', (data) => { answer += data; }).on('error', () => {});
  const closed = new Promise((resolve) => { socket.once('close', resolve); });
  for (let at = 0; at < bytes.length && !socket.destroyed; at += piece) {
    socket.write(bytes.slice(at, at + piece));
    if (piece < bytes.length) await sleep(1);
  }
  if (close) socket.end();
  await closed;
  return answer;
}

const expectedRows = async (where = 'true') => (await judge.query(
  `SELECT ucd::text, uct, ucdy, ucde, ucch FROM plain.realtime_users_count WHERE ${where} ORDER BY ucd`)).rows;

// A client that never finishes its request; it is seen off while the other tests run.
const unfinished = () => raw(`GET ${reportPath}json HTTP/1.1\r\nHost: slow\r\nX-Auth-`);
let seenOff;
test('unfinished-begins: a request that never ends begins', () => { seenOff = unfinished(); });

// --- DescribeUserOnlineClientStatistics ------------------------------------------------------------------------------

test('counts: the counts of users, in the order of N', async () => {
  assert.equal(await counts({ RegionId: 'eu-1', ...names('ann', 'nobody', 'bob') }), 'ann 2, nobody 0, bob 1');
  assert.equal(await counts({ RegionId: 'eu-1', 'UserNames.10': 'ann', 'UserNames.9': 'bob', 'UserNames.2': 'c' }), 'c 0, bob 1, ann 2');
  assert.equal(await counts({ RegionId: 'eu-1', SmartAGId: 'sag-1', ...names('ann', 'ann') }), 'ann 2, ann 2');
  assert.equal(await counts({ RegionId: 'eu-2', SmartAGId: 'sag-3', ...names('ann') }), 'ann 1');
});

test('formats: a response in JSON, which is the default, and in XML', async () => {
  const json = await rpc({ RegionId: 'eu-1', ...names('ann') });
  assert.equal(json.headers.get('content-type'), 'application/json; charset=utf-8');
  const { RequestId, ...rest } = await json.json();
  assert.match(RequestId, uuid);
  assert.deepEqual(rest, { UserStatistics: { Statistics: [{ UserName: 'ann', OnlineCount: '2' }] } });
  const xml = await rpc({ RegionId: 'eu-1', Format: 'XML', ...names('ann') });
  assert.equal(xml.headers.get('content-type'), 'text/xml; charset=utf-8');
  assert.match(await xml.text(), new RegExp('^<DescribeUserOnlineClientStatistics><RequestId>[0-9A-F-]{36}</RequestId><UserStatistics>'
    + '<Statistics><UserName>ann</UserName><OnlineCount>2</OnlineCount></Statistics></UserStatistics></DescribeUserOnlineClientStatistics>$'));
});

test('form: a form, with parameters in the URL or without', async () => {
  const post = (url, form) => fetch(server.url + url, { method: 'POST', body: new URLSearchParams(form) }).then((response) => response.json());
  const all = await post('/', { Action: 'DescribeUserOnlineClientStatistics', RegionId: 'eu-1', ...names('bob') });
  assert.equal(all.UserStatistics.Statistics[0].OnlineCount, '1');
  const split = await post('/?Action=DescribeUserOnlineClientStatistics&RegionId=eu-1&UserNames.1=ann', { 'UserNames.2': 'bob' });
  assert.deepEqual(split.UserStatistics.Statistics.map((entry) => entry.OnlineCount), ['2', '1']);
});

test('action: the Action may be left out, another does not exist', async () => {
  assert.equal((await fetch(`${server.url}/?RegionId=eu-1&UserNames.1=ann`)).status, 200);
  await refused(await rpc({ Action: 'DescribeUserOnlineClients', ...names('ann') }), 404, 'InvalidParameter', 'The specified Action does not exist.');
});

test('names: none, empty, invalid, too long, too many', async () => {
  const region = { RegionId: 'eu-1' };
  await refused(await rpc(region), 400, 'ClientUser.NameEmpty', 'You must specify UserName.');
  await refused(await rpc({ ...region, ...names('ann', '') }), 400, 'ClientUser.NameEmpty', 'You must specify UserName.');
  await refused(await rpc({ ...region, ...names('a b') }), 400, 'ClientUser.NameInvalid', 'The specified UserName is invalid.');
  assert.equal(await counts({ ...region, ...names('n'.repeat(33)) }), `${'n'.repeat(33)} 1`);
  await refused(await rpc({ ...region, ...names('n'.repeat(34)) }), 400, 'ClientUser.NameInvalid', 'The specified UserName is invalid.');
  const many = Array.from({ length: 51 }, (_, n) => `user${n}`);
  assert.equal((await counts({ ...region, ...names(...many.slice(1)) })).split(', ').length, 50);
  await refused(await rpc({ ...region, ...names(...many) }), 400, 'ClientUser.NameLimitExceeded', 'You can specify at most 50 UserNames.');
});

test('names-numbers: N is a number from 1 on, of at most nine digits', async () => {
  for (const key of ['UserNames', 'UserNames.', 'UserNames.0', 'UserNames.-1', 'UserNames.1.5', 'UserNames.x', 'UserNames.9999999999', 'UserNames[1]']) {
    for (const other of [{}, names('ann')]) {
      await refused(await rpc({ RegionId: 'eu-1', ...other, [key]: 'bob' }), 400, 'ClientUser.NameInvalid', 'The specified UserName is invalid.');
    }
  }
  assert.equal(await counts({ RegionId: 'eu-1', 'UserNames.999999999': 'bob', UserNamesX: 'x', Version: '2018-03-13' }), 'bob 1');
});

test('instances: unknown, empty, one of two', async () => {
  const missing = [400, 'SAG.InstanceNoFound', 'The specified SAG instance does not exist.'];
  const empty = [400, 'SAG.InstanceIdEmpty', 'You must specify the SAG instance ID.'];
  await refused(await rpc({ RegionId: 'eu-1', SmartAGId: 'sag-0', ...names('ann') }), ...missing);
  await refused(await rpc({ RegionId: 'eu-0', ...names('ann') }), ...missing);
  await refused(await rpc(names('ann')), ...missing);
  await refused(await rpc({ RegionId: 'eu-1', SmartAGId: '', ...names('ann') }), ...empty);
  await refused(await rpc({ RegionId: 'eu-2', ...names('ann') }), ...empty);
});

test('errors: errors in XML, of an unknown format, and with a host', async () => {
  const xml = await rpc({ RegionId: 'eu-0', Format: 'xml', ...names('ann') });
  assert.equal(xml.status, 400);
  assert.equal(xml.headers.get('content-type'), 'text/xml; charset=utf-8');
  assert.match(await xml.text(), new RegExp(`^<Error><RequestId>[0-9A-F-]{36}</RequestId><HostId>127\\.0\\.0\\.1:${server.port}</HostId>`
    + '<Code>SAG\\.InstanceNoFound</Code><Message>The specified SAG instance does not exist\\.</Message></Error>$'));
  await refused(await rpc({ RegionId: 'eu-1', Format: 'yaml', ...names('ann') }), 400, 'InvalidParameter', /"yaml" is not a format/);
  const answer = await raw('GET /?Action=x HTTP/1.1\r\nHost: a<b>"\\&;é.example:80\r\nConnection: close\r\n\r\n');
  assert.match(answer, /"HostId":"ab\.example:80"/);
});

test('official-client: the official client, by GET and by POST', async () => {
  const client = new RpcClient({ accessKeyId: 'id', accessKeySecret: 'secret', endpoint: server.url, apiVersion: '2018-03-13' });
  for (const method of ['GET', 'POST']) {
    const answer = await client.request('DescribeUserOnlineClientStatistics', { RegionId: 'eu-1', UserNames: ['bob', 'ann'] }, { method });
    assert.match(answer.RequestId, uuid);
    assert.deepEqual(answer.UserStatistics.Statistics.map((entry) => ({ ...entry })),
      [{ UserName: 'bob', OnlineCount: '1' }, { UserName: 'ann', OnlineCount: '2' }]);
    for (const [parameters, code] of [
      [{ RegionId: 'eu-1' }, 'ClientUser.NameEmpty'],
      [{ RegionId: 'eu-1', UserNames: ['-ann'] }, 'ClientUser.NameInvalid'],
      [{ RegionId: 'eu-2', UserNames: ['ann'] }, 'SAG.InstanceIdEmpty'],
      [{ RegionId: 'eu-1', SmartAGId: 'sag-0', UserNames: ['ann'] }, 'SAG.InstanceNoFound']]) {
      await assert.rejects(client.request('DescribeUserOnlineClientStatistics', parameters, { method }), { code });
    }
  }
});

// --- Realtime Users Count --------------------------------------------------------------------------------------------

test('curl: the command line of the API page downloads an xlsx', () => {
  const line = 'curl -H "X-Auth-token: token" "http://yourdomain/api/v1/report/users/realtime-count/XLSX"';
  execFileSync('sh', ['-c', `${line.replace('http://yourdomain', server.url)} >"$FOLDER/curl.xlsx"`], { stdio: 'pipe' });
  assert.deepEqual([...readFileSync(`${FOLDER}/curl.xlsx`).subarray(0, 4)], [0x50, 0x4b, 3, 4]);
});

test('json: every day that is over', async () => {
  const response = await report('json');
  assert.equal(response.headers.get('content-type'), 'application/json; charset=utf-8');
  assert.equal(response.headers.get('content-disposition'), 'inline; filename="realtime-users-count.json"');
  const data = await expectedRows();
  assert.equal(data.length, 19);
  assert.deepEqual(await response.json(), { success: true, msg: '', data, code: null, totalCount: 19 });
});

test('files: csv, xlsx, pdf, html: type, file name, contents', async () => {
  const rows = await expectedRows();
  const types = {
    csv: ['text/csv; charset=utf-8; header=present', 'attachment', 'Date,'],
    xlsx: ['application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'attachment', 'PK\x03\x04'],
    pdf: ['application/pdf', 'attachment', '%PDF-'],
    html: ['text/html; charset=utf-8', 'inline', '<!DOCTYPE html>'],
  };
  for (const [type, [contentType, disposition, begin]] of Object.entries(types)) {
    const response = await report(type.toUpperCase());
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), contentType);
    assert.equal(response.headers.get('content-disposition'), `${disposition}; filename="realtime-users-count.${type}"`);
    const file = Buffer.from(await response.arrayBuffer());
    assert.equal(file.subarray(0, begin.length).toString('latin1'), begin);
    assert.equal(file.length, Number(response.headers.get('content-length')));
    writeFileSync(`${FOLDER}/report.${type}`, file);
  }
  const lines = ['Date,Total Users,Daily Users,Denial Users,Concurrent Hosts', ...rows.map((row) => Object.values(row).join(','))];
  assert.equal(readFileSync(`${FOLDER}/report.csv`, 'utf8'), lines.map((line) => `${line}\r\n`).join(''));
});

test('options: days, filter, order, page, columns, name', async () => {
  const rows = await expectedRows();
  const page = await (await report('json', {
    sd: '2026-03-03', ed: '2026-03-12', filter: '[{"property":"ucdy","operator":"gt","value":"4"}]',
    order: '[{"property":"ucch","direction":"DESC"},{"property":"ucd","direction":"ASC"}]', offset: '1', limit: '4' })).json();
  const matching = rows.filter((row) => row.ucd >= '2026-03-03' && row.ucd <= '2026-03-12' && row.ucdy > 4)
    .sort((a, b) => b.ucch - a.ucch || a.ucd.localeCompare(b.ucd));
  assert.ok(matching.length >= 5);
  assert.deepEqual([page.data, page.totalCount], [matching.slice(1, 5), matching.length]);
  const csv = await (await report('csv', { fieldVisibility: '{"ucch":"1","ucd":"1","uct":"0","ucdy":"0","ucde":"0"}', limit: '1' })).text();
  assert.equal(csv, `Concurrent Hosts,Date\r\n${rows[0].ucch},${rows[0].ucd}\r\n`);
  assert.match(await (await report('html', { rn: 'Largo & <b>Óla</b>' })).text(), /<title>Largo &amp; &lt;b&gt;Óla&lt;\/b&gt;<\/title>/);
});

test('token: no token, a wrong one, nearly the right one', async () => {
  for (const headers of [{}, { 'X-Auth-token': 'tokem' }, { 'X-Auth-token': '' }, { 'X-Auth-token': 'token0' }, { Authorization: 'token' }]) {
    const response = await report('json', {}, headers);
    assert.equal(response.headers.get('www-authenticate'), 'X-Auth-token');
    await reportRefused(response, 401, /X-Auth-token/);
  }
});

test('token-made: without TOKEN in the environment there is one nobody knows beforehand', async () => {
  const shy = await start({ TOKEN: undefined });
  const made = /X-Auth-token: ([0-9a-f]{32})\n/.exec(shy.out)[1];
  const ask = (headers) => fetch(`${shy.url}${reportPath}json`, { headers });
  assert.equal((await ask({ 'X-Auth-token': made })).status, 200);
  for (const wrong of ['', 'undefined', token]) assert.equal((await ask({ 'X-Auth-token': wrong })).status, 401);
});

test('token-empty: an empty TOKEN is none, and lets nobody in', async () => {
  const shy = await start({ TOKEN: '' });
  const made = /X-Auth-token: ([0-9a-f]{32})\n/.exec(shy.out)?.[1];
  const ask = (headers) => fetch(`${shy.url}${reportPath}json`, { headers });
  for (const headers of [{}, { 'X-Auth-token': '' }]) assert.equal((await ask(headers)).status, 401);
  assert.equal((await ask({ 'X-Auth-token': made })).status, 200);
});

test('options-wrong: options that are wrong are named', async () => {
  const wrong = [
    [{ colour: 'red' }, /unknown option "colour"/], [{ source: 'secret' }, /unknown option "source"/],
    [{ limit: '0' }, /"limit"/], [{ limit: '-1' }, /"limit"/], [{ offset: '1.5' }, /"offset"/],
    [{ sd: '2026-02-30' }, /"sd"/], [{ sd: '2026-03-02', ed: '2026-03-01' }, /"sd"/],
    [{ filter: '[{"property":"ucdy","operator":"like","value":1}]' }, /"filter": unknown operator "like"/],
    [{ filter: '[{"property":"who","operator":"eq","value":1}]' }, /"filter": unknown column "who"/],
    [{ filter: 'nonsense' }, /"filter"/],
    [{ order: '[{"property":"ucd","direction":"UP"}]' }, /"order"/], [{ fieldVisibility: '{"ucd":2}' }, /"fieldVisibility"/],
    [{ rn: '\0' }, /"options": is not valid text/], [{ filter: '[{"property":"\\ud800"}]' }, /"options": is not valid text/]];
  for (const [options, message] of wrong) await reportRefused(await report('json', options), 400, message);
  for (const type of ['json', 'csv', 'xlsx', 'pdf', 'html']) await reportRefused(await report(type, { rn: 'x'.repeat(1001) }), 400, /^option "rn": /);
  await reportRefused(await report('doc'), 400, /"doc" is not a return type/);
});

test('addresses: addresses and methods that are not there', async () => {
  await refused(await fetch(`${server.url}/nothing`), 404, 'InvalidParameter', 'There is nothing at this address.');
  const put = await fetch(`${server.url}/?Format=JSON`, { method: 'PUT' });
  assert.equal(put.headers.get('allow'), 'GET, HEAD, POST');
  await refused(put, 405, 'InvalidParameter', /method/);
  // whole URLs, as proxies send them
  const whole = (url) => raw(`GET ${url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  assert.match(await whole(`http://example.org${reportPath}json`), /^HTTP\/1\.1 401 /);
  assert.match(await whole('http://example.org/nothing?a=b'), /^HTTP\/1\.1 404 [^]*There is nothing/);
  assert.match(await whole('*'), /^HTTP\/1\.1 404 /);
  assert.match(await whole('http://example.org:99Z/'), /^HTTP\/1\.1 400 /);
  const headers = { 'X-Auth-token': token };
  await reportRefused(await fetch(`${server.url}/api/v1/report/users`, { headers }), 404, /nothing/);
  await reportRefused(await fetch(`${server.url}${reportPath}%ff`, { headers }), 400, /decode/);
  await reportRefused(await fetch(`${server.url}${reportPath}json`, { method: 'DELETE', headers }), 405, /method/);
  const head = await fetch(`${server.url}${reportPath}pdf`, { method: 'HEAD', headers });
  assert.deepEqual([head.status, head.headers.get('content-type'), await head.text()], [200, 'application/pdf', '']);
});

test('limits: URLs, headers and bodies have limits', async () => {
  await refused(await rpc({ RegionId: 'x'.repeat(8 * 1024) }), 414, 'InvalidParameter', 'The URL is too long.');
  await reportRefused(await report('json', { rn: 'x'.repeat(8 * 1024) }), 414, /too long/);
  assert.match(await raw(`GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`), /^HTTP\/1\.1 431 /);
  const form = (body, headers = {}) => fetch(server.url,
    { method: 'POST', body, headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers } });
  await refused(await form(`RegionId=${'x'.repeat(17_000)}`), 413, 'InvalidParameter', /too large/);
  await refused(await form('x', { 'Content-Encoding': 'gzip' }), 415, 'InvalidParameter', /encoding/);
});

// --- what is not for the client --------------------------------------------------------------------------------------

const injections = ["'", "'; DROP TABLE login; --", "' OR '1'='1", '") UNION SELECT who FROM login --', '$1', '%s%I%L', '\\',
  '{"', '{a,b}', '${process.env.TOKEN}', '<script>alert(1)</script>', '../../etc/passwd', '\0', '\u{1f600}', '\ufeff', 'pg_sleep(9)'];

test('injection: text that wants to be more than text', async () => {
  for (const text of injections) {
    const refusals = await Promise.all([
      rpc({ RegionId: 'eu-1', ...names(text) }), rpc({ RegionId: text, ...names('ann') }),
      rpc({ RegionId: 'eu-1', SmartAGId: text, ...names('ann') }),
      rpc({ RegionId: 'eu-1', Format: text, ...names('ann') }), rpc({ Action: text, ...names('ann') }),
      report(encodeURIComponent(text)), report('json', { [text]: 'x' }),
      ...['sd', 'ed', 'offset', 'limit'].map((option) => report('json', { [option]: text })),
      ...['property', 'operator', 'value'].map((key) =>
        report('json', { filter: JSON.stringify([{ property: 'ucdy', operator: 'gt', value: 1, [key]: text }]) })),
      ...['property', 'direction'].map((key) =>
        report('json', { order: JSON.stringify([{ property: 'ucd', direction: 'ASC', [key]: text }]) })),
      report('json', { fieldVisibility: JSON.stringify({ [text]: '1' }) })]);
    for (const response of refusals) {
      assert.ok([400, 404].includes(response.status), `${response.status} for ${text} by ${response.url}`);
      assert.doesNotMatch(await response.text(), /node_modules|\.js:\d|PL\/pgSQL|search_path/);
    }
    const named = await report('html', { rn: text });
    if (text === '\0') assert.equal(named.status, 400);
    else assert.doesNotMatch(await named.text(), /<title>[^<]*<script>/);
  }
  assert.equal((await judge.query('SELECT count(*)::integer AS rows FROM login')).rows[0].rows, 405);
});

test('other-role: what another role keeps is not there', async () => {
  await refused(await rpc({ RegionId: 'eu-9', SmartAGId: 'sag-9', ...names('eve') }), 403, 'NoPermission', 'Permission denied.');
  const closed = await start({ SOURCE: 'secret' });
  await reportRefused(await fetch(`${closed.url}${reportPath}json`, { headers: { 'X-Auth-token': token } }), 403, /^Permission denied\.$/);
});

test('source-lost: a source that is not there is no fault of the client', async () => {
  const lost = await start({ SOURCE: 'lost' });
  await reportRefused(await fetch(`${lost.url}${reportPath}json`, { headers: { 'X-Auth-token': token } }), 500, /^Internal error\.$/);
  assert.match(lost.errors, /source "lost" does not exist/);
});

test('database-lost: without a database there is an answer, and its reason in the log', async () => {
  const alone = await start({ PGPORT: '1' });
  const [json, xml] = await Promise.all(['JSON', 'XML'].map((format) => fetch(`${alone.url}/?Format=${format}`)));
  await refused(json, 503, 'InternalError', 'The database cannot be reached.');
  assert.equal(xml.status, 503);
  assert.match(await xml.text(), new RegExp('^<Error><RequestId>[0-9A-F-]{36}</RequestId><HostId>127[0-9.:]+</HostId>'
    + '<Code>InternalError</Code><Message>The database cannot be reached\\.</Message></Error>$'));
  const headers = { 'X-Auth-token': token };
  await reportRefused(await fetch(`${alone.url}${reportPath}json`, { headers }), 503, /^The database cannot be reached\.$/);
  assert.match(alone.errors, /503 E/);
});

test('timeout: a query that takes too long is ended', async () => {
  const slow = await start({ SOURCE: 'slow', PGOPTIONS: '-c statement_timeout=200ms' });
  await reportRefused(await fetch(`${slow.url}${reportPath}json`, { headers: { 'X-Auth-token': token } }), 503, /busy/);
  assert.match(slow.errors, /57014/);
});

test('locked: a lock that is waited for too long', async () => {
  const impatient = await start({ PGOPTIONS: '-c lock_timeout=100ms' });
  await judge.query('BEGIN; LOCK TABLE login');
  try {
    await reportRefused(await fetch(`${impatient.url}${reportPath}json`, { headers: { 'X-Auth-token': token } }), 503, /busy/);
  } finally {
    await judge.query('ROLLBACK');
  }
  assert.match(impatient.errors, /55P03/);
});

test('too-much: what no file holds is said, with what to do', async () => {
  const headers = { 'X-Auth-token': token };
  const [early, long] = await Promise.all(['early', 'long'].map((source) => start({ SOURCE: source })));
  await reportRefused(await fetch(`${early.url}${reportPath}xlsx`, { headers }), 400,
    /^a day is beyond what an xlsx file holds\. Its days begin with 1900-03-01\. Restrict the report /);
  for (const type of ['html', 'pdf']) assert.equal((await fetch(`${early.url}${reportPath}${type}`, { headers })).status, 200);
  await reportRefused(await fetch(`${long.url}${reportPath}pdf`, { headers }), 422, /^too many rows for a PDF file\. .* Restrict the report to fewer days/);
});

test('reconnect: connections that the database ends are made anew', async () => {
  const terminated = await judge.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'headcount_http'`);
  assert.ok(terminated.rowCount > 0);
  await sleep(300);
  assert.equal((await report('json')).status, 200);
});

// --- a thousand requests ----------------------------------------------------------------------------------------------

// The same numbers in every run (mulberry32).
function dice(seed) {
  let state = seed;
  return (sides) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % sides;
  };
}

test('fuzz: a thousand requests gone wrong leave it as it was', async () => {
  const roll = dice(20260320);
  const pick = (list) => list[roll(list.length)];
  const junk = (length) => Buffer.from(Array.from({ length }, () => roll(256)));
  const words = [...injections, 'null', '[]', 'eu-1', 'sag-1', 'ann', 'bob', 'JSON', 'xml', '1', '0', '-1', '2026-03-05',
    '2026-13-45', '1e999', '9'.repeat(120),
    '[{"property":"ucdy","operator":"gt","value":"4"}]', '[{"property":"ucd","direction":"DESC"}]', '{"ucd":"1","uct":"0"}',
    '['.repeat(3_000), '{"ucd":'.repeat(500), '"\\u0000"', '[{"property":"\\ud800","operator":"eq","value":"\\u0000"}]', '{"\\u0000":"1"}', ''];
  const keys = ['Action', 'RegionId', 'SmartAGId', 'Format', 'UserNames.1', 'UserNames.2', 'UserNames.99999999999', 'UserNames.', 'UserNames.-1',
    'sd', 'ed', 'filter', 'order', 'offset', 'limit', 'fieldVisibility', 'rn', '__proto__', 'constructor', 'toString', ''];
  const percent = (byte) => `%${byte.toString(16).padStart(2, '0')}`;
  const value = () => (roll(6) ? encodeURIComponent(pick(words)) : Array.from(junk(1 + roll(20)), percent).join(''));
  const parameters = () => Array.from({ length: roll(8) }, () => `${encodeURIComponent(pick(keys))}=${value()}`)
    .join(pick(['&', '&', '&', ';', '&&', '&=&']));
  const path = () => (roll(2) ? '/' : `${reportPath}${roll(4) ? pick(['json', 'csv', 'xlsx', 'pdf', 'html']) : value()}`);
  const mutated = (request) => {
    const bytes = Buffer.from(request);
    for (let n = roll(4); n > 0; n--) bytes[roll(bytes.length)] = roll(256);
    return bytes;
  };
  const request = () => {
    const method = pick(['GET', 'GET', 'GET', 'POST', 'POST', 'HEAD', 'PUT', 'OPTIONS', 'TRACE']);
    const body = method === 'POST' ? (roll(20) ? parameters() : 'x='.concat('y'.repeat(roll(60_000)))) : '';
    const target = `${path()}?${parameters()}${roll(40) ? '' : '&long='.concat('z'.repeat(roll(30_000)))}`;
    return `${method} ${target} HTTP/1.1\r\nHost: ${pick(['h', 'h:1', '"<>', ''])}\r\nX-Auth-token: ${roll(10) ? token : pick(['', 'x'])}\r\n`
      + `Content-Type: ${pick(['application/x-www-form-urlencoded', 'application/x-www-form-urlencoded; charset=utf-99', 'text/plain'])}\r\n`
      + `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;
  };
  const allowed = new Set(['200', '400', '401', '404', '405', '413', '414', '415', '431']);
  const seen = {};
  const check = (sent, answer) => {
    const [head, ...rest] = answer.split('\r\n\r\n');
    const status = /^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? 'none';
    seen[status] = (seen[status] ?? 0) + 1;
    // What is cut short, and what we close before it is answered, may have no answer.
    if (status !== 'none') assert.ok(allowed.has(status), `${status} for ${sent.toString('latin1').slice(0, 4_000)}\n${answer.slice(0, 2_000)}`);
    if (/^content-type: application\/json/im.test(head) && rest.join('')) JSON.parse(Buffer.from(rest.join('\r\n\r\n'), 'latin1').toString());
    assert.doesNotMatch(answer.slice(0, 2_000), /node_modules|\.js:\d|PL\/pgSQL/);
  };
  const abort = async (bytes, after) => {
    const socket = net.connect(server.port, '127.0.0.1').on('error', () => {});
    socket.write(bytes);
    await sleep(after);
    if (after % 2) socket.resetAndDestroy();
    else socket.destroy();
  };
  // All of them are thrown before the first is sent: the order in which answers come decides nothing.
  const attempts = Array.from({ length: 1_000 }, () => {
    const whole = Buffer.from(request());
    const part = whole.subarray(0, 1 + roll(whole.length));
    const kind = roll(20);
    if (kind < 12) return { bytes: whole };
    if (kind < 15) return { bytes: mutated(whole), close: true };
    if (kind < 17) return { bytes: junk(1 + roll(3_000)), close: true };
    if (kind < 19) return { bytes: roll(3) ? whole : part, abortAfter: roll(10) };
    return { bytes: part, piece: 16 + (part.length >> 8), close: true };
  });
  await Promise.all(Array.from({ length: 12 }, async () => {
    for (let attempt = attempts.pop(); attempt; attempt = attempts.pop()) {
      if (attempt.abortAfter !== undefined) await abort(attempt.bytes, attempt.abortAfter);
      else check(attempt.bytes, await raw(attempt.bytes, attempt));
    }
  }));
  for (const status of ['200', '400', '401', '404', '405', '413', '414', '431']) {
    assert.ok(seen[status] > 0, `no ${status} among ${JSON.stringify(seen)}`);
  }
  assert.equal(server.child.exitCode, null);
  assert.equal(server.errors.replace(/^idle connection: .*\n/gm, ''), '');
  assert.equal(await counts({ RegionId: 'eu-1', ...names('ann') }), 'ann 2');
  assert.equal((await (await report('json')).json()).totalCount, 19);
});

test('unfinished: the request that never ended was seen off', async () => assert.match(await seenOff, /^HTTP\/1\.1 408 /));

// --- the end ---------------------------------------------------------------------------------------------------------

test('stop-unfinished: requests that are not there as a whole are not waited for long, those that are get answers', async () => {
  const busy = await start({ SOURCE: 'slow', PGOPTIONS: '-c headcount.nap=7' });
  const parts = ['GET / HTTP/1.1\r\nHost: x\r\nX-', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n'
    + 'Content-Length: 100\r\n\r\nRegionId='].map((part) => raw(part, { to: busy }));
  const running = fetch(`${busy.url}${reportPath}json`, { headers: { 'X-Auth-token': token } });
  await sleep(500);
  const began = Date.now();
  busy.child.kill('SIGTERM');
  await Promise.all(parts);
  assert.ok(Date.now() - began > 4_000);
  assert.ok(Date.now() - began < 6_400, 'before the request that runs is answered');
  assert.equal((await running).status, 200);
  assert.deepEqual(await busy.exit, [0, null]);
  assert.equal(busy.errors, '');
});

for (const signal of ['SIGTERM', 'SIGINT']) {
  test(`stop: by ${signal}, running requests are answered, then all is closed`, async () => {
    const busy = await start({ SOURCE: 'slow' });
    const agent = new http.Agent({ keepAlive: true });
    const ask = (path) => new Promise((resolve, reject) => {
      http.get(busy.url + path, { agent, headers: { 'X-Auth-token': token } }, (response) => {
        let body = '';
        response.on('data', (data) => { body += data; }).on('end', () => resolve({ status: response.statusCode, body })).on('error', reject);
      }).on('error', reject);
    });
    await ask('/?Action=none'); // leaves an idle connection
    const running = Array.from({ length: 12 }, () => ask(`${reportPath}json`)); // more than the pool has connections
    for (let tries = 0; ; tries++) {
      const { rows } = await judge.query(`SELECT count(*)::integer AS active FROM pg_stat_activity
        WHERE usename = 'headcount_http' AND state = 'active'`);
      if (rows[0].active === 8) break;
      assert.ok(tries < 200, `${rows[0].active} queries run`);
      await sleep(20);
    }
    const began = Date.now();
    busy.child.kill(signal);
    await sleep(100);
    assert.equal(busy.child.exitCode, null);
    await assert.rejects(fetch(busy.url));
    for (const { status, body } of await Promise.all(running)) {
      assert.equal(status, 200);
      assert.equal(JSON.parse(body).totalCount, 19);
    }
    assert.deepEqual(await busy.exit, [0, null]);
    assert.ok(Date.now() - began < 15_000);
    assert.equal(busy.errors, '');
    agent.destroy();
  });
}
