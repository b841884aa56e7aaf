-- The dictionary: users with their numbers, in pages, which are stored beside the sets of a source's days.
SET timezone = 'UTC';
CREATE TEMP TABLE collected AS
    SELECT (SELECT headcount_internal.daily_session_agg(u, 'h', '2024-03-01 10:00', '2024-03-02 11:00', 'UTC', '2024-03-05 12:00') FROM unnest(ARRAY['ann', 'bob', 'eve', '']) AS u) AS sessions,
           (SELECT headcount_internal.daily_denial_agg(u, '2024-03-03 10:00', 'UTC', '2024-03-05 12:00') FROM unnest(ARRAY['bob', 'dan']) AS u) AS denials;

-- New users get numbers, those who have one keep it, and one of both kinds gets one.
CREATE TEMP TABLE page AS
    SELECT n.* FROM collected AS c CROSS JOIN LATERAL headcount_internal.assign_user_ids(c.sessions, c.denials, NULL, 7, 1) AS n;
SELECT bucket, users FROM page;
SELECT u AS name FROM page, headcount_internal.user_names(ARRAY[page.page], headcount.to_user_set(ARRAY[7, 8, 9, 10, 11])) AS u ORDER BY 1;
SELECT count(*) FROM collected AS c, page AS l, headcount_internal.assign_user_ids(c.sessions, c.denials, ARRAY[l.page], 11, 1);
INSERT INTO page SELECT n.* FROM page AS l, headcount_internal.assign_user_ids(
    (SELECT headcount_internal.daily_session_agg(u, 'h', '2024-03-01 10:00', '2024-03-02 11:00', 'UTC', '2024-03-05 12:00') FROM unnest(ARRAY['ann', 'zoe', 'Zoë']) AS u),
    NULL, ARRAY[l.page], 11, 1) AS n;
SELECT sum(users), count(*) FROM page;

-- Sets by these numbers are those of the same users, whatever pages they come from; who is in none is numbered apart.
CREATE FUNCTION pg_temp.days(pages bytea[]) RETURNS TABLE (day date, used text[], denied text[], strangers bigint) LANGUAGE sql AS $$
    SELECT s.day, ARRAY(SELECT headcount_internal.user_names(pages, s.used) ORDER BY 1), ARRAY(SELECT headcount_internal.user_names(pages, s.denied) ORDER BY 1),
           (SELECT count(DISTINCT m) FROM (SELECT headcount.members(s.used) UNION ALL SELECT headcount.members(s.denied)) AS m (m) WHERE m >= 1073741824)
    FROM collected AS c, headcount_internal.daily_sets(c.sessions, c.denials, pages) AS s
$$;
SELECT * FROM pg_temp.days((SELECT array_agg(page) FROM page));
SELECT buckets, count(*) AS pages, sum(p.users) AS users, max(p.bucket) < buckets AS in_range,
       (SELECT array_agg(d ORDER BY d.day) = (SELECT array_agg(e ORDER BY e.day) FROM pg_temp.days((SELECT array_agg(page) FROM page)) AS e)
        FROM pg_temp.days(array_agg(p.page)) AS d) AS same_days
FROM unnest(ARRAY[1, 4, 1024]) AS buckets, headcount_internal.compact_dictionary((SELECT array_agg(page) FROM page), buckets) AS p
GROUP BY buckets ORDER BY buckets;
SELECT * FROM pg_temp.days(NULL);
SELECT * FROM pg_temp.days('{}');

-- The buckets of users are those where their pages are.
SELECT (SELECT array_agg(b) FROM collected AS c, headcount_internal.dictionary_buckets(c.sessions, c.denials, 1024) AS b)
     = (SELECT array_agg(n.bucket) FROM collected AS c, headcount_internal.assign_user_ids(c.sessions, c.denials, NULL, 0, 1024) AS n) AS same_buckets;
SELECT headcount_internal.dictionary_buckets(NULL, NULL, 4);
SELECT headcount_internal.dictionary_buckets(c.sessions, NULL, NULL) FROM collected AS c;

-- What is left of all pages by a filter is about the users that were collected, and a few others; with the key of forgotten names, as
-- hashes too.
CREATE TEMP TABLE wide AS
    SELECT p.page, p.users FROM (SELECT headcount_internal.daily_session_agg('other ' || i, 'h', '2024-03-01', '2024-03-02', 'UTC', '2024-03-05') AS state FROM generate_series(1, 2000) AS i) AS c,
        headcount_internal.assign_user_ids(c.state, NULL, NULL, 5000, 16) AS p;
CREATE TEMP TABLE secret AS SELECT headcount_internal.key_page('\x000102030405060708090a0b0c0d0e0f') AS page;
SELECT d.same_days, d.forgotten_as_well, l.others < 400 AS few_others, l.others_forgotten < 400 AS few_others_forgotten
FROM collected AS c,
    LATERAL (SELECT headcount_internal.user_filter(c.sessions, c.denials) AS by_name, headcount_internal.user_filter(c.sessions, c.denials, (TABLE secret)) AS by_hash) AS f,
    LATERAL (SELECT (SELECT array_agg(d ORDER BY d.day) = (SELECT array_agg(e ORDER BY e.day) FROM pg_temp.days((SELECT array_agg(page) FROM page)) AS e)
                     FROM pg_temp.days((SELECT array_agg(headcount_internal.filtered_page(p.page, f.by_name)) FROM page AS p)) AS d) AS same_days,
                    (SELECT count(*) BETWEEN 4 AND 6 FROM headcount_internal.user_names((SELECT array_agg(headcount_internal.filtered_page(p.page, f.by_hash))
                         FROM headcount_internal.forget_names((SELECT array_agg(page) FROM page), ARRAY['ann', 'bob', 'dan', 'eve', 'zoe', 'Zoë'], (TABLE secret), 4) AS p WHERE p.bucket < 0),
                         headcount.to_user_set(ARRAY(SELECT generate_series(0, 99))), '?')) AS forgotten_as_well) AS d,
    LATERAL (SELECT (SELECT count(*) FROM headcount_internal.user_names((SELECT array_agg(headcount_internal.filtered_page(w.page, f.by_name)) FROM wide AS w), headcount.to_user_set(ARRAY(SELECT generate_series(5000, 7000))))) AS others,
                    (SELECT count(*) FROM headcount_internal.user_names((SELECT array_agg(headcount_internal.filtered_page(p.page, f.by_hash))
                         FROM headcount_internal.forget_names((SELECT array_agg(page) FROM wide), NULL, (TABLE secret), 4) AS p), headcount.to_user_set(ARRAY(SELECT generate_series(5000, 7000))), '?')) AS others_forgotten) AS l;
SELECT headcount_internal.filtered_page(k.page, f) = k.page AS key_stays FROM secret AS k, collected AS c, headcount_internal.user_filter(c.sessions, NULL) AS f;
SELECT headcount_internal.user_filter(NULL, NULL) IS NULL AS nobody;
SELECT headcount_internal.filtered_page('\x01', '\x000000');
SELECT headcount_internal.filtered_page('\x04', '\x00');
DROP TABLE wide, secret;

-- What is wrong is an error.
SELECT headcount_internal.dictionary_buckets(c.sessions, c.denials, 3) FROM collected AS c;
SELECT headcount_internal.dictionary_buckets(c.sessions, c.denials, 0) FROM collected AS c;
SELECT headcount_internal.assign_user_ids(c.sessions, c.denials, NULL, -1, 1) FROM collected AS c;
SELECT headcount_internal.assign_user_ids(c.sessions, c.denials, NULL, NULL, 1) FROM collected AS c;
SELECT headcount_internal.assign_user_ids(c.sessions, c.denials, NULL, 1073741823, 1) FROM collected AS c;
SELECT headcount_internal.compact_dictionary(ARRAY['\x01050261'::bytea], 1);
SELECT headcount_internal.compact_dictionary(ARRAY['\x0105'::bytea], 1);
SELECT headcount_internal.compact_dictionary(ARRAY['\x04'::bytea], 1);
SELECT headcount_internal.compact_dictionary(ARRAY[NULL::bytea], 1);
SELECT headcount_internal.compact_dictionary(ARRAY['\x01050161', '\x01050162']::bytea[], 1);
SELECT headcount_internal.user_names(ARRAY['\x010501ff'::bytea], NULL);

-- A source with more users than one page takes: they are packed as they come, and each keeps his number.
CREATE TABLE crowd (u text, h text, s timestamptz, e timestamptz);
SELECT headcount.create_source('crowded', 'crowd', 'u', 'h', 's', 'e', time_zone => 'UTC') AS created;
CREATE TEMP TABLE kept_numbers (name text, number integer);
CREATE PROCEDURE pg_temp.come(first integer, last integer) LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO crowd SELECT 'user ' || i, 'h', '2024-03-01 10:00', '2024-03-01 11:00' FROM generate_series(first, last) AS i;
END
$$;
CREATE VIEW pg_temp.numbers AS
    SELECT u.name, n.number FROM generate_series(0, (SELECT next_user_id FROM crowded.rollup_state) - 1) AS n (number),
        headcount_internal.user_names((SELECT array_agg(page) FROM crowded.rollup_dictionary), headcount.to_user_set(ARRAY[n.number])) AS u (name);
CREATE VIEW pg_temp.packing AS
    SELECT next_user_id, dictionary_buckets, compacted_users, (SELECT count(*) FROM crowded.rollup_dictionary) AS pages,
           (SELECT count(*) FROM crowded.rollup_dictionary WHERE octet_length(page) > 4000) AS long_pages
    FROM crowded.rollup_state;
CALL pg_temp.come(1, 100);
CALL headcount.refresh('crowded');
TABLE pg_temp.packing;
INSERT INTO kept_numbers TABLE pg_temp.numbers;
CALL pg_temp.come(101, 110);
CALL headcount.refresh('crowded');
TABLE pg_temp.packing;
CALL pg_temp.come(111, 1500);
CALL headcount.refresh('crowded');
TABLE pg_temp.packing;
SELECT count(*), count(DISTINCT name), count(*) FILTER (WHERE k.number = n.number) AS kept FROM pg_temp.numbers AS n LEFT JOIN kept_numbers AS k USING (name);
SELECT daily_users, total_users FROM crowded.daily_user_counts WHERE day = '2024-03-01';
SELECT count(*), count(DISTINCT u) FROM headcount.users_on('crowded', '2024-03-01') AS u;
SELECT * FROM headcount.verify('crowded');
CALL headcount.rebuild('crowded');
TABLE pg_temp.packing;
DROP VIEW pg_temp.numbers, pg_temp.packing;
SELECT headcount.drop_source('crowded') AS dropped;
DROP TABLE crowd;

-- More denials on a day than an integer holds: an error, not another number.
CREATE AGGREGATE pg_temp.one_denial(text, timestamptz, text, timestamptz) (SFUNC = headcount_internal.daily_denial_add, STYPE = headcount_internal.aggregate_state);
CREATE AGGREGATE pg_temp.all_of(headcount_internal.aggregate_state) (SFUNC = headcount_internal.daily_merge, STYPE = headcount_internal.aggregate_state);
CREATE FUNCTION pg_temp.denials(last_factor integer) RETURNS bigint LANGUAGE sql AS $$
    SELECT sum(s.denials)
    FROM (SELECT headcount_internal.daily_final(pg_temp.all_of(c.state)) AS state
          FROM (SELECT pg_temp.all_of(b.state) AS state
                FROM (SELECT pg_temp.all_of(a.state) AS state
                      FROM (SELECT pg_temp.one_denial('ann', '2024-03-01 10:00', 'UTC', '2024-03-05') AS state) AS a, generate_series(1, 1024)) AS b, generate_series(1, 1024)) AS c,
               generate_series(1, last_factor)) AS d, headcount_internal.daily_sets(NULL, d.state, NULL) AS s
$$;
SELECT pg_temp.denials(2047);
SELECT pg_temp.denials(2048);
