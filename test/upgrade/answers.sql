-- What has to be the same before and after an upgrade.
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET jit = off;
SET headcount.as_of = '2026-02-01 12:00+00';
\pset format unaligned
SELECT * FROM stored.daily_user_counts_2013;
SELECT * FROM stored.daily_user_counts_2019;
SELECT * FROM stored.daily_user_counts_by_server;
SELECT * FROM stored.daily_user_counts_by_hall;
SELECT * FROM headcount.source_counts_by('stored', '{hall}', from_day => '2026-01-20', to_day => '2026-01-25');
SELECT * FROM headcount.source_counts_by('live', '{hall,server}', from_day => '2026-01-20', to_day => '2026-01-25');
SELECT * FROM stored.daily_user_sketches;
SELECT * FROM stored.data_quality;
SELECT count(*), md5(string_agg(s::text, ' ' ORDER BY s::text)) FROM stored.sessions AS s;
SELECT * FROM headcount.daily_activity((SELECT p FROM kept), 'UTC', as_of => headcount.as_of());
SELECT md5(p::text), headcount.cardinality(s), md5(s::text) FROM kept;
SELECT headcount.describe_user_online_client_statistics('here', '{user-1}', request_id => '00000000-0000-0000-0000-000000000000');
SELECT source, owner, materialized, exact FROM headcount.source_status ORDER BY 1;
SELECT * FROM headcount.verify('stored');
-- no rows: stored and computed days are the same
(TABLE stored.daily_user_counts_2019 EXCEPT ALL TABLE live.daily_user_counts_2019) UNION ALL (TABLE live.daily_user_counts_2019 EXCEPT ALL TABLE stored.daily_user_counts_2019);
(TABLE stored.daily_user_counts_by_server EXCEPT ALL TABLE live.daily_user_counts_by_server) UNION ALL (TABLE live.daily_user_counts_by_server EXCEPT ALL TABLE stored.daily_user_counts_by_server);
(TABLE stored.daily_user_counts_by_hall EXCEPT ALL TABLE live.daily_user_counts_by_hall) UNION ALL (TABLE live.daily_user_counts_by_hall EXCEPT ALL TABLE stored.daily_user_counts_by_hall);
