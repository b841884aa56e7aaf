-- Sets of users know the dictionary that their numbers are of, and those of two dictionaries are refused.

CREATE FUNCTION pg_temp.of(number integer, VARIADIC numbers integer[]) RETURNS headcount.user_set LANGUAGE sql AS $$
    SELECT headcount.to_user_set(numbers, ('00000000-0000-0000-0000-00000000000' || number)::uuid)
$$;

-- What is combined is of the dictionary that its parts are of; the empty set is of none.
SELECT headcount.dictionary_of(pg_temp.of(1, 5)) AS ours, headcount.dictionary_of(headcount.to_user_set('{5}')) AS plain,
       headcount.dictionary_of(headcount.to_user_set('{}', '00000000-0000-0000-0000-000000000001')) AS nobody, headcount.dictionary_of(NULL) AS unknown;
SELECT headcount.dictionary_of(pg_temp.of(1, 5) OPERATOR(headcount.|) pg_temp.of(1, 6)) AS either,
       headcount.dictionary_of(pg_temp.of(1, 5, 6) OPERATOR(headcount.&) pg_temp.of(1, 6)) AS both,
       headcount.dictionary_of(pg_temp.of(1, 5, 6) OPERATOR(headcount.-) pg_temp.of(1, 6)) AS one,
       headcount.dictionary_of(pg_temp.of(1, 5) OPERATOR(headcount.-) pg_temp.of(1, 5)) AS none,
       headcount.dictionary_of(pg_temp.of(1, 5) OPERATOR(headcount.|) headcount.to_user_set('{}')) AS with_nobody,
       headcount.dictionary_of(NULL::headcount.user_set OPERATOR(headcount.|) pg_temp.of(1, 5)) AS with_null;
SELECT headcount.dictionary_of(headcount.user_set_union_agg(pg_temp.of(1, i))), headcount.unique_count(pg_temp.of(1, i)) FROM generate_series(1, 20000) AS i;
SELECT headcount.dictionary_of(headcount.user_set_union_agg(s)) AS few
FROM (VALUES (headcount.to_user_set('{}')), (NULL), (pg_temp.of(1, 5)), (headcount.to_user_set('{}'))) AS v (s);

-- The same numbers of another dictionary are another set, whose text and bytes come back as they went.
SELECT pg_temp.of(1, 5) OPERATOR(headcount.=) pg_temp.of(1, 5) AS same, pg_temp.of(1, 5) OPERATOR(headcount.=) pg_temp.of(2, 5) AS other,
       pg_temp.of(1, 5) OPERATOR(headcount.=) headcount.to_user_set('{5}') AS plain,
       pg_temp.of(1, 5)::text::headcount.user_set OPERATOR(headcount.=) pg_temp.of(1, 5) AS text,
       encode(headcount_internal.user_set_send(pg_temp.of(1, 5)), 'hex') AS bytes;
SELECT headcount.cardinality(pg_temp.of(1, 5, 6)), headcount.contains(pg_temp.of(1, 5), 5), array(SELECT headcount.members(pg_temp.of(1, 7, 5)));

-- Refused: every way in which sets meet.
SELECT pg_temp.of(1, 5) OPERATOR(headcount.|) pg_temp.of(2, 5);
SELECT pg_temp.of(1, 5) OPERATOR(headcount.&) pg_temp.of(2, 5);
SELECT pg_temp.of(1, 5) OPERATOR(headcount.-) pg_temp.of(2, 5);
SELECT pg_temp.of(1, 5) OPERATOR(headcount.|) headcount.to_user_set('{5}');
SELECT headcount.union_cardinality(pg_temp.of(1, 5), pg_temp.of(2, 5));
SELECT headcount.intersection_cardinality(headcount.to_user_set('{5}'), pg_temp.of(2, 5));
SELECT headcount.user_set_union_agg(pg_temp.of(i, 5)) FROM generate_series(1, 2) AS i;
SELECT headcount.user_set_union_agg(CASE i WHEN 9000 THEN pg_temp.of(2, 5) ELSE pg_temp.of(1, i) END) FROM generate_series(1, 9000) AS i;
SELECT headcount.unique_count(pg_temp.of(i, 5)) FROM generate_series(1, 2) AS i;
SELECT headcount.unique_count(pg_temp.of(1, 5), pg_temp.of(2, 5));
SELECT headcount.unique_count(pg_temp.of(1 + i / 3, i)) OVER (ORDER BY i ROWS 1 PRECEDING) FROM generate_series(1, 4) AS i;
SELECT headcount.to_user_set('{5}', '00000000-0000-0000-0000-000000000000');

-- A frame that has left one dictionary behind goes on with the next.
SELECT i, headcount.unique_count(CASE WHEN i <> 3 THEN pg_temp.of(1 + i / 3, i) END) OVER (ORDER BY i ROWS 1 PRECEDING) FROM generate_series(1, 5) AS i;

-- What sources store is theirs: two sources over one table have the same users under the same numbers, and are refused
-- all the same. Whoever stores all days anew numbers anew.
CREATE TABLE set_logins (who text, came timestamptz, went timestamptz);
INSERT INTO set_logins SELECT 'user ' || i % 7, timestamptz '2026-01-01' + i * interval '5 hours', timestamptz '2026-01-01' + i * interval '6 hours' FROM generate_series(1, 40) AS i;
SET client_min_messages = warning;
SELECT count(headcount.create_source('set_source_' || i, 'set_logins', 'who', NULL, 'came', 'went', time_zone => 'UTC')) FROM generate_series(1, 2) AS i;
CALL headcount.refresh('set_source_1');
CALL headcount.refresh('set_source_2');
CREATE VIEW set_users AS
SELECT 1 AS i, d.used FROM set_source_1.rollup_days AS d UNION ALL SELECT 2, d.used FROM set_source_2.rollup_days AS d;
SELECT i, count(DISTINCT headcount.dictionary_of(used)) AS dictionaries, headcount.unique_count(used) AS users FROM set_users GROUP BY i ORDER BY i;
\set VERBOSITY terse
SELECT headcount.unique_count(used) FROM set_users;
\set VERBOSITY default
SELECT bool_and(headcount.dictionary_of(d.used) = s.dictionary AND headcount.dictionary_of(d.new_users) IS NOT DISTINCT FROM CASE WHEN d.new_count > 0 THEN s.dictionary END
                AND headcount.dictionary_of(t.seen) = s.dictionary) AS all_of_one
FROM set_source_1.rollup_days AS d CROSS JOIN set_source_1.rollup_totals AS t CROSS JOIN set_source_1.rollup_state AS s;
CREATE TABLE set_before AS SELECT dictionary FROM set_source_1.rollup_state;
-- a changed day, and new users, are of the dictionary that is there
INSERT INTO set_logins VALUES ('late', '2026-01-03', '2026-01-04');
CALL headcount.refresh('set_source_1');
SELECT count(DISTINCT headcount.dictionary_of(used)), bool_and(headcount.dictionary_of(used) = (SELECT dictionary FROM set_before)) AS still FROM set_source_1.rollup_days;
SELECT headcount.unique_users('set_source_1', '2026-01-01', '2026-01-09'), headcount.unique_users('set_source_1', NULL, NULL, 'new');
SELECT count(*) FROM headcount.verify('set_source_1');
-- frozen days keep their numbers, and go along into another dictionary
SELECT headcount.freeze('set_source_1', '2026-01-04');
CALL headcount.rebuild('set_source_1');
SELECT count(DISTINCT headcount.dictionary_of(used)), bool_or(headcount.dictionary_of(used) = (SELECT dictionary FROM set_before)) AS still FROM set_source_1.rollup_days;
SELECT headcount.unique_users('set_source_1', '2026-01-01', '2026-01-09'), (SELECT count(*) FROM headcount.verify('set_source_1')) AS faults;

DROP VIEW set_users;
SELECT headcount.drop_source('set_source_' || i) FROM generate_series(1, 2) AS i;
DROP TABLE set_logins, set_before;
