-- The database that unites three members.
--
--   psql -v host_1=127.0.0.1 -v port_1=5441 -v host_2=127.0.0.1 -v port_2=5442 -v host_3=127.0.0.1 -v port_3=5443 -f center.sql

SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS headcount CASCADE;
CREATE EXTENSION IF NOT EXISTS postgres_fdw;

CREATE SERVER warsaw FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host :'host_1', port :'port_1', dbname 'postgres', connect_timeout '5');
CREATE SERVER gdansk FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host :'host_2', port :'port_2', dbname 'postgres', connect_timeout '5');
CREATE SERVER lodz   FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host :'host_3', port :'port_3', dbname 'postgres', connect_timeout '5');
CREATE USER MAPPING FOR CURRENT_USER SERVER warsaw OPTIONS (user 'federated');
CREATE USER MAPPING FOR CURRENT_USER SERVER gdansk OPTIONS (user 'federated');
CREATE USER MAPPING FOR CURRENT_USER SERVER lodz   OPTIONS (user 'federated');

SELECT headcount.create_federation('everywhere', servers => '{warsaw,gdansk,lodz}', sources => '{wifi}');

-- Users over all members, each once, and the most devices that were there at once.
SELECT day, total_users, daily_users, concurrent_hosts, concurrent_hosts_at FROM everywhere.daily_user_counts WHERE day BETWEEN '2026-03-28' AND '2026-03-30';
-- The users of these days, nearly, in bytes that do not grow with them.
SELECT round(hll_cardinality(hll_union_agg(used))) AS users FROM everywhere.daily_user_sketches WHERE day BETWEEN '2026-03-28' AND '2026-03-30';
