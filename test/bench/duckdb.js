// DuckDB beside PostgreSQL.
//   node duckdb.js version                    prints its version
//   node duckdb.js load FILE FOLDER           makes the database FILE from FOLDER/{sessions,denials,visits}.csv
//   node duckdb.js serve FILE                 reads lines "SQL-FILE ANSWER-FILE", writes "ok MILLISECONDS PEAK-KIB PRIVATE-KIB"
//                                             or "error WORDS"; one process, so that its buffers stay warm
'use strict';
const fs = require('fs');
const path = require('path');
const readline = require('readline');
// The package lies in the cache directory, not beside this file.
const duckdb = require(path.join(process.env.DUCKDB_MODULES, '@duckdb', 'node-api'));

const tables = {
  sessions: "{'user_name': 'VARCHAR', 'host': 'VARCHAR', 'started_at': 'TIMESTAMP', 'ended_at': 'TIMESTAMP'}",
  denials: "{'user_name': 'VARCHAR', 'denied_at': 'TIMESTAMP'}",
  visits: "{'room': 'INTEGER', 'badge': 'VARCHAR', 'entered_at': 'TIMESTAMP', 'left_at': 'TIMESTAMP'}",
};

async function load(file, folder) {
  const instance = await duckdb.DuckDBInstance.create(file);
  const connection = await instance.connect();
  for (const [table, columns] of Object.entries(tables)) {
    await connection.run(`CREATE TABLE ${table} AS SELECT * FROM read_csv('${folder}/${table}.csv', header = false, columns = ${columns})`);
  }
  await connection.run('CHECKPOINT');
  connection.closeSync();
  instance.closeSync();
}

// As psql writes a row of CSV; nothing here needs quotes.
function csv(value) {
  if (value === null) return '';
  if (value === true) return 't';
  if (value === false) return 'f';
  return String(value);
}

function memory(field) {
  const found = fs.readFileSync('/proc/self/status', 'utf8').match(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm'));
  return found ? Number(found[1]) : 0;
}

// Every query gets a high-water mark of its own where the kernel lets a process reset it.
function resetPeak() {
  try {
    fs.writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // then the mark is that of the process so far
  }
}

async function measure(connection, sqlFile, answerFile) {
  const sql = fs.readFileSync(sqlFile, 'utf8');
  resetPeak();
  let anonymous = memory('RssAnon');
  const watch = setInterval(() => { anonymous = Math.max(anonymous, memory('RssAnon')); }, 20);
  try {
    const began = process.hrtime.bigint();
    const reader = await connection.runAndReadAll(sql);
    const rows = reader.getRowsJson();
    const milliseconds = Number(process.hrtime.bigint() - began) / 1e6;
    fs.writeFileSync(answerFile, rows.map((row) => row.map(csv).join(',') + '\n').join(''));
    return `ok ${milliseconds.toFixed(3)} ${memory('VmHWM')} ${anonymous}`;
  } finally {
    clearInterval(watch);
  }
}

async function serve(file) {
  const instance = await duckdb.DuckDBInstance.create(file, { access_mode: 'READ_ONLY' });
  const connection = await instance.connect();
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [sqlFile, answerFile] = line.split(' ');
    let reply;
    try {
      reply = await measure(connection, sqlFile, answerFile);
    } catch (error) {
      reply = `error ${String(error.message).replace(/\s+/g, ' ')}`;
    }
    process.stdout.write(reply + '\n');
  }
}

async function main([command, ...rest]) {
  if (command === 'version') console.log(duckdb.version());
  else if (command === 'load') await load(...rest);
  else if (command === 'serve') await serve(...rest);
  else throw new Error('usage: duckdb.js version | load FILE FOLDER | serve FILE');
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exit(1);
});
