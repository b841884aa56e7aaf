-- Every function in C, called by hand with NULLs, infinities, the ends of each type and objects that do not exist: an answer
-- or an error that says what is wrong, never an internal one, and the server stays up.
SET timezone = 'UTC'; SET client_min_messages = warning;
\set ECHO errors
\i test/support/odd_calls.sql
\set ECHO all
SELECT setseed(0.75);
DELETE FROM ours WHERE prokind <> 'f';
SELECT DISTINCT t::regtype AS types_without_values FROM ours JOIN pg_proc AS p USING (oid), unnest(p.proargtypes) AS t WHERE NOT EXISTS (SELECT FROM odd WHERE type = t);
SET statement_timeout = '60s';
SELECT count(*) > 100 AS many, state, CASE state WHEN 'fine' THEN '' ELSE min(call) END AS call
FROM (SELECT call, judge.sqlstate(call) AS state FROM ours, generate_series(1, 40) AS i, LATERAL pg_temp.odd_call(oid, i) AS call OFFSET 0) AS c
GROUP BY state HAVING state IN ('fine', 'XX000', 'XX002', '57014') OR state ~ '^(P0|F0|58|53)';
