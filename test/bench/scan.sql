-- What reading costs: the columns of the report and nothing done with them.
-- A section begins with:  -- @ name | engine | pace | answers | against | words

-- @ scan | postgres | all | scan | scan | bare scan, in parallel
SELECT count(user_name), count(host), max(started_at), max(ended_at) FROM sessions;

-- @ scan-shuffled | postgres | all | scan | scan | bare scan, in parallel, random arrival
SELECT count(user_name), count(host), max(started_at), max(ended_at) FROM sessions_shuffled;

-- @ scan-serial | postgres | all | scan | scan | bare scan, serial
SET max_parallel_workers_per_gather = 0;
SELECT count(user_name), count(host), max(started_at), max(ended_at) FROM sessions;
