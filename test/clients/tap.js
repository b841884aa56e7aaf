// For tests written in JavaScript: says what was as it should be, in the words of TAP.
'use strict';
const assert = require('node:assert');

let tests = 0;
let failed = 0;
exports.is = (got, expected, words) => {
	tests++;
	try {
		assert.deepStrictEqual(got, expected);
		console.log(`ok ${tests} - ${words}`);
	} catch {
		failed++;
		console.log(`not ok ${tests} - ${words}\n# got: ${JSON.stringify(got)}\n# expected: ${JSON.stringify(expected)}`);
	}
};
// Runs a test to its end, and the process with it.
exports.run = (test) => test().then(() => {
	console.log(`1..${tests}`);
	process.exit(failed ? 1 : 0);
}).catch((error) => { console.log(`Bail out! ${error.stack}`); process.exit(1); });
