-- P5: who of 50 users is online, 200 times, each time planned and run as a client's query would be.
-- A section begins with:  -- @ name | engine | pace | answers | against | words

-- @ p5-ours | postgres | all | online | p5-ours | **ours**, `online_counts(source, names)`
SELECT bench_online($$SELECT user_name, online_count FROM headcount.online_counts('ordered', $1)$$, 200);

-- @ p5-plain | postgres | all | online | p5-ours | plain SQL, by hand, with indexes for it
SELECT bench_online($$SELECT n.name, count(s.user_name)
    FROM unnest($1) WITH ORDINALITY AS n (name, place)
         LEFT JOIN sessions AS s ON s.user_name = n.name AND s.started_at <= headcount.as_of()
                                    AND (s.ended_at IS NULL OR s.ended_at > headcount.as_of())
    GROUP BY n.name, n.place ORDER BY n.place$$, 200);

-- @ p5-small | postgres | all | online-small | p5-ours | **ours**, the same of the last thousandth of the sessions
SELECT bench_online($$SELECT user_name, online_count FROM headcount.online_counts('small', $1)$$, 200);
