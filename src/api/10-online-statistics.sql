-- The API "DescribeUserOnlineClientStatistics": instances, the answer, and the error envelope.

-- An instance is a name for a source, or for one server of it, in a region. It stands in two tables. The one in the schema
-- of the source belongs to its owner, and is dumped and dropped with it. The other one, of all instances, is written by
-- functions that check who asks, and says who was first to take an id: of two instances with one id the first one is
-- meant. After a dump was restored it is empty, and the instances of the sources count; a refresh registers them again.
CREATE TYPE headcount_internal.source_instance AS (smart_ag_id text, region_id text, server text);
COMMENT ON TYPE headcount_internal.source_instance IS 'an instance: a row of the table "instances" of a source';
COMMENT ON COLUMN headcount_internal.source_instance.server IS 'the server of the source that the instance is, NULL for the whole source';

CREATE TABLE headcount_internal.instance (
    number        bigint GENERATED ALWAYS AS IDENTITY,
    smart_ag_id   text NOT NULL,
    region_id     text NOT NULL,
    sessions_view oid NOT NULL,
    server        text
);
COMMENT ON SEQUENCE headcount_internal.instance_number_seq IS 'which instance was registered first';
-- not unique: nobody waits for somebody who is about to take the same id
CREATE INDEX ON headcount_internal.instance (smart_ag_id);
COMMENT ON TABLE headcount_internal.instance IS 'which source was first to take the id of an instance; change it with create_instance and drop_instance';
COMMENT ON COLUMN headcount_internal.instance.number IS 'of instances with one id the one with the lowest number is meant';
COMMENT ON COLUMN headcount_internal.instance.sessions_view IS 'the view "sessions" of the source';
GRANT SELECT ON headcount_internal.instance TO PUBLIC;

CREATE FUNCTION headcount_internal.instances_of(source text) RETURNS SETOF headcount_internal.source_instance
    AS 'MODULE_PATHNAME', 'headcount_instances_of' LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 2;
COMMENT ON FUNCTION headcount_internal.instances_of(text) IS 'the instances in the schema of a source';

CREATE FUNCTION headcount_internal.require_instance(smart_ag_id text, sessions_view oid) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM headcount_internal.all_sources() AS a CROSS JOIN LATERAL headcount_internal.instances_of(a.source) AS i
                   WHERE a.sessions_view = require_instance.sessions_view AND i.smart_ag_id = require_instance.smart_ag_id) THEN
        PERFORM headcount_internal.raise_error('42704', format('instance "%s" does not exist', smart_ag_id));
    END IF;
END
$$;
COMMENT ON FUNCTION headcount_internal.require_instance(text, oid) IS 'raises an error unless a source has an instance of this id in its schema';

CREATE FUNCTION headcount_internal.register_instance(smart_ag_id text, region_id text, sessions_view regclass, server text) RETURNS void
    AS 'MODULE_PATHNAME', 'headcount_register_instance' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION headcount_internal.register_instance(text, text, regclass, text) IS 'registers an instance, for the owner of its source';

CREATE FUNCTION headcount_internal.unregister_instances(sessions_view regclass, smart_ag_id text DEFAULT NULL) RETURNS void
    AS 'MODULE_PATHNAME', 'headcount_unregister_instances' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION headcount_internal.unregister_instances(regclass, text) IS 'takes back that an instance of a source, or all, are registered, for its owner';

-- The instances that there are: of those with one id the one that was registered first.
CREATE VIEW headcount_internal.present_instance AS
SELECT DISTINCT ON (i.smart_ag_id) i.smart_ag_id, i.region_id, i.server, a.sessions_view, a.owner, a.source
FROM headcount_internal.all_sources() AS a
     CROSS JOIN LATERAL headcount_internal.instances_of(a.source) AS i
     LEFT JOIN headcount_internal.instance AS r ON r.smart_ag_id OPERATOR(pg_catalog.=) i.smart_ag_id AND r.sessions_view OPERATOR(pg_catalog.=) a.sessions_view
ORDER BY i.smart_ag_id, r.number NULLS LAST, a.sessions_view;
COMMENT ON VIEW headcount_internal.present_instance IS 'the instances that there are: of those with one id the one that was registered first';
GRANT SELECT ON headcount_internal.present_instance TO PUBLIC;

-- Runs as the owner.
CREATE FUNCTION headcount_internal.add_instance(name text, smart_ag_id text, region_id text, server text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
BEGIN
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I.instances OF headcount_internal.source_instance (PRIMARY KEY (smart_ag_id), region_id NOT NULL)', name);
    EXECUTE format('COMMENT ON TABLE %I.instances IS %L', name, 'the instances of the source; change them with headcount.create_instance and headcount.drop_instance');
    EXECUTE format('INSERT INTO %I.instances (smart_ag_id, region_id, server) VALUES ($1, $2, $3)', name) USING smart_ag_id, region_id, server;
    PERFORM headcount_internal.register_instance(smart_ag_id, region_id, (headcount_internal.find_source(name)).sessions_view, server);
END
$$;
COMMENT ON FUNCTION headcount_internal.add_instance(text, text, text, text) IS 'makes an instance of a source';

-- Runs as the owner.
CREATE FUNCTION headcount_internal.remove_instance(name text, smart_ag_id text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('DELETE FROM %I.instances AS i WHERE i.smart_ag_id = $1', name) USING smart_ag_id;
    PERFORM headcount_internal.unregister_instances((headcount_internal.find_source(name)).sessions_view, smart_ag_id);
END
$$;
COMMENT ON FUNCTION headcount_internal.remove_instance(text, text) IS 'drops an instance of a source';

CREATE FUNCTION headcount.create_instance(smart_ag_id text, region_id text, source text, server text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    found_source headcount_internal.source;
BEGIN
    PERFORM headcount_internal.check_required('smart_ag_id', smart_ag_id);
    PERFORM headcount_internal.check_required('region_id', region_id);
    IF smart_ag_id = '' THEN
        PERFORM headcount_internal.raise_argument_error('smart_ag_id', 'must not be empty');
    ELSIF octet_length(smart_ag_id) > 200 THEN
        PERFORM headcount_internal.raise_argument_error('smart_ag_id', 'must be at most 200 bytes long');
    ELSIF region_id = '' THEN
        PERFORM headcount_internal.raise_argument_error('region_id', 'must not be empty');
    ELSIF server = '' THEN
        PERFORM headcount_internal.raise_argument_error('server', 'must not be empty', hint => 'NULL stands for the whole source.');
    END IF;
    found_source := headcount_internal.find_own_source(source);
    IF server IS NOT NULL AND NOT found_source.has_servers THEN
        PERFORM headcount_internal.raise_argument_error('server', format('source "%s" has no "server"', source),
            hint => 'Say with headcount.alter_source which server a session belongs to.');
    END IF;
    IF EXISTS (SELECT FROM headcount_internal.present_instance AS i WHERE i.smart_ag_id = create_instance.smart_ag_id) THEN
        PERFORM headcount_internal.raise_error('42710', format('instance "%s" already exists', smart_ag_id), NULL,
            'Choose another id, or drop it with headcount.drop_instance.');
    END IF;
    PERFORM headcount_internal.execute_as_owner(found_source.sessions_view,
        format('SELECT headcount_internal.add_instance(%L, %L, %L, %L)', source, smart_ag_id, region_id, server));
END
$$;
COMMENT ON FUNCTION headcount.create_instance(text, text, text, text) IS
    'gives a source that you own, or one server of it, an id of at most 200 bytes in a region, for describe_user_online_client_statistics; the instance goes when its source is dropped';

CREATE FUNCTION headcount.drop_instance(smart_ag_id text) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    instance record;
BEGIN
    PERFORM headcount_internal.check_required('smart_ag_id', smart_ag_id);
    SELECT i.source, i.owner, i.sessions_view INTO instance
    FROM headcount_internal.present_instance AS i WHERE i.smart_ag_id = drop_instance.smart_ag_id;
    IF NOT FOUND THEN
        PERFORM headcount_internal.raise_error('42704', format('instance "%s" does not exist', smart_ag_id));
    ELSIF NOT pg_has_role(instance.owner, 'USAGE') THEN
        PERFORM headcount_internal.raise_error('42501', format('must be owner of source "%s"', instance.source));
    END IF;
    PERFORM headcount_internal.execute_as_owner(instance.sessions_view, format('SELECT headcount_internal.remove_instance(%L, %L)', instance.source, smart_ag_id));
END
$$;
COMMENT ON FUNCTION headcount.drop_instance(text) IS 'drops an instance, which only the owner of its source may do; the source stays';

-- The API answers every one of these with HTTP status 400.
CREATE FUNCTION headcount_internal.api_error(state text, OUT code text, OUT message text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT e.code, e.message
    FROM (VALUES ('SG001', 'ClientUser.NameEmpty', 'You must specify UserName.'),
                 ('SG002', 'ClientUser.NameInvalid', 'The specified UserName is invalid.'),
                 ('SG003', 'SAG.InstanceIdEmpty', 'You must specify the SAG instance ID.'),
                 ('SG004', 'SAG.InstanceNoFound', 'The specified SAG instance does not exist.'),
                 ('SG005', 'ClientUser.NameLimitExceeded', 'You can specify at most 50 UserNames.')) AS e (state, code, message)
    WHERE e.state = $1
$$;
COMMENT ON FUNCTION headcount_internal.api_error(text) IS 'the API''s code and message of one of its SQLSTATEs';

CREATE FUNCTION headcount_internal.raise_api_error(state text) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM headcount_internal.raise_error(state, e.message, e.code) FROM headcount_internal.api_error(state) AS e;
END
$$;
COMMENT ON FUNCTION headcount_internal.raise_api_error(text) IS
    'raises an error of the API: its message, with its code as the detail';

CREATE FUNCTION headcount_internal.check_user_names(user_names text[]) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF coalesce(cardinality(user_names), 0) = 0 THEN
        PERFORM headcount_internal.raise_api_error('SG001');
    ELSIF cardinality(user_names) > 50 THEN
        PERFORM headcount_internal.raise_api_error('SG005');
    ELSIF EXISTS (SELECT FROM unnest(user_names) AS n (name) WHERE coalesce(n.name, '') = '') THEN
        PERFORM headcount_internal.raise_api_error('SG001');
    ELSIF EXISTS (SELECT FROM unnest(user_names) AS n (name)
                  WHERE n.name COLLATE "C" !~ '^[A-Za-z0-9][A-Za-z0-9_@.-]{0,32}$') THEN
        PERFORM headcount_internal.raise_api_error('SG002');
    END IF;
END
$$;
COMMENT ON FUNCTION headcount_internal.check_user_names(text[]) IS 'raises an error of the API unless all names are valid';

-- Without an id only the instances that the caller may read are looked at: what somebody else registers in a region makes
-- it neither ambiguous nor is it run, unless its owner gave the caller SELECT, or the caller is a superuser.
CREATE FUNCTION headcount_internal.find_instance(region_id text, smart_ag_id text, OUT source text, OUT server text)
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    instances bigint;
    eligible  bigint;
BEGIN
    IF smart_ag_id = '' THEN
        PERFORM headcount_internal.raise_api_error('SG003');
    END IF;
    SELECT count(*), count(*) FILTER (WHERE f.is_eligible),
           min(f.source) FILTER (WHERE f.is_eligible), min(f.server) FILTER (WHERE f.is_eligible)
    INTO instances, eligible, find_instance.source, find_instance.server
    FROM (SELECT i.source, i.server,
                 find_instance.smart_ag_id IS NOT NULL OR has_table_privilege(v.oid, 'SELECT') AS is_eligible
          FROM headcount_internal.present_instance AS i
               LEFT JOIN pg_class AS v      -- the view that would be read
                    ON v.relnamespace = (SELECT c.relnamespace FROM pg_class AS c WHERE c.oid = i.sessions_view)
                       AND v.relname = CASE WHEN i.server IS NULL THEN 'online_users' ELSE 'online_sessions' END
          WHERE i.region_id = find_instance.region_id
            AND (i.smart_ag_id = find_instance.smart_ag_id OR find_instance.smart_ag_id IS NULL)) AS f;
    IF instances = 0 THEN
        PERFORM headcount_internal.raise_api_error('SG004');
    ELSIF eligible = 0 THEN
        PERFORM headcount_internal.raise_error('42501', format('permission denied for the instances of region "%s"', region_id), NULL,
            'Their owners can grant SELECT on the view online_users, or on online_sessions for an instance that is one server.');
    ELSIF eligible > 1 THEN
        PERFORM headcount_internal.raise_api_error('SG003');
    END IF;
END
$$;
COMMENT ON FUNCTION headcount_internal.find_instance(text, text) IS
    'the source, and the server where it is one, of an instance or of the only instance of a region that the caller may read, or an error of the API';

-- Runs as the owner; headcount.as_of is set.
CREATE FUNCTION headcount_internal.server_online_counts_of(source text, server text, user_names text[])
RETURNS TABLE (user_name text, online_count bigint)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 50 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM headcount_internal.find_source(source);
    RETURN QUERY EXECUTE format($q$
        SELECT a.name, coalesce(o.online_count, 0)
        FROM (SELECT n.name, n.place, %1$I.identity_of(n.name) AS identity
              FROM unnest($1) WITH ORDINALITY AS n (name, place)) AS a
             LEFT JOIN (SELECT s.user_name, count(*) AS online_count
                        FROM %1$I.online_sessions AS s
                        WHERE s.server = $2
                          AND s.user_name = ANY (ARRAY(SELECT %1$I.identity_of(n.name) FROM unnest($1) AS n (name)))
                        GROUP BY s.user_name) AS o
                 ON o.user_name = a.identity
        ORDER BY a.place$q$, source)
        USING user_names, server;
END
$$;
COMMENT ON FUNCTION headcount_internal.server_online_counts_of(text, text, text[]) IS
    'how many connections each of these users has on one server, one row a name in the order of the names, for the owner of the source';

CREATE FUNCTION headcount_internal.check_format(format text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM headcount_internal.check_required('format', format);
    IF lower(format) NOT IN ('json', 'xml') THEN
        PERFORM headcount_internal.raise_argument_error('format', format('"%s" is not a format', format),
            hint => 'The formats are json and xml.');
    END IF;
    RETURN lower(format);
END
$$;
COMMENT ON FUNCTION headcount_internal.check_format(text) IS 'json or xml, or an error that names the argument';

CREATE FUNCTION headcount.describe_user_online_client_statistics(
    region_id text, user_names text[], smart_ag_id text DEFAULT NULL, format text DEFAULT 'json',
    request_id uuid DEFAULT pg_catalog.gen_random_uuid(), as_of timestamptz DEFAULT headcount.as_of())
RETURNS text LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET headcount.as_of TO '' AS $$
#variable_conflict use_variable
DECLARE
    is_xml   constant boolean := headcount_internal.check_format(format) = 'xml';
    -- numbers and names that are valid need no escaping in either format
    entry    constant text := CASE WHEN is_xml
        THEN '<Statistics><UserName>%s</UserName><OnlineCount>%s</OnlineCount></Statistics>'
        ELSE '{"UserName":"%s","OnlineCount":"%s"}' END;
    envelope constant text := CASE WHEN is_xml
        THEN '<DescribeUserOnlineClientStatistics><RequestId>%s</RequestId><UserStatistics>%s</UserStatistics>'
             '</DescribeUserOnlineClientStatistics>'
        ELSE '{"RequestId":"%s","UserStatistics":{"Statistics":[%s]}}' END;
    instance record;
    entries  text[];
BEGIN
    PERFORM headcount_internal.check_required('request_id', request_id::text);
    PERFORM headcount_internal.set_as_of(as_of);
    PERFORM headcount_internal.check_user_names(user_names);
    instance := headcount_internal.find_instance(region_id, smart_ag_id);
    IF instance.server IS NULL THEN
        entries := ARRAY(SELECT format(entry, o.user_name, o.online_count)
                         FROM headcount.online_counts(instance.source, user_names) AS o);
    ELSE
        entries := ARRAY(SELECT format(entry, o.user_name, o.online_count)
                         FROM headcount_internal.read_source(instance.source, 'server_online_counts_of', ARRAY[instance.server, user_names::text]) AS o (user_name text, online_count bigint));
    END IF;
    RETURN format(envelope, upper(request_id::text), array_to_string(entries, CASE WHEN is_xml THEN '' ELSE ',' END));
END
$$;
COMMENT ON FUNCTION headcount.describe_user_online_client_statistics(text, text[], text, text, uuid, timestamptz) IS
    'the API DescribeUserOnlineClientStatistics: how many connections each of at most 50 users has to an instance, as json or xml; needs SELECT on the view online_users of its source, or on online_sessions where the instance is one server. Errors have SQLSTATE SG001 to SG005';

-- PostgreSQL's own functions for XML are missing where it was built without libxml. What XML cannot say becomes "?".
CREATE FUNCTION headcount_internal.escape_xml(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT replace(replace(replace(replace(
               regexp_replace(value COLLATE "C", '[\x01-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]', '?', 'g'),
               '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), E'\r', '&#13;')
$$;
COMMENT ON FUNCTION headcount_internal.escape_xml(text) IS 'text as the content of an XML element';

CREATE FUNCTION headcount.describe_error(sqlstate text, message text, request_id uuid, host_id text, format text DEFAULT 'json')
RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    is_xml       constant boolean := headcount_internal.check_format(format) = 'xml';
    request_text constant text := coalesce(upper(request_id::text), '');
    known        record;
    code         text;
BEGIN
    SELECT e.code, e.message INTO known FROM headcount_internal.api_error(sqlstate) AS e;
    code := coalesce(known.code, CASE WHEN sqlstate LIKE '22%' THEN 'InvalidParameter'
                                      WHEN sqlstate = '42501' THEN 'NoPermission'
                                      ELSE 'InternalError' END);
    host_id := coalesce(host_id, '');
    message := coalesce(message, known.message, '');
    IF is_xml THEN
        RETURN format('<Error><RequestId>%s</RequestId><HostId>%s</HostId><Code>%s</Code><Message>%s</Message></Error>',
                      request_text, headcount_internal.escape_xml(host_id), code, headcount_internal.escape_xml(message));
    END IF;
    RETURN format('{"RequestId":"%s","HostId":%s,"Code":"%s","Message":%s}',
                  request_text, to_json(host_id), code, to_json(message));
END
$$;
COMMENT ON FUNCTION headcount.describe_error(text, text, uuid, text, text) IS
    'the error envelope of the API, as json or xml: its code for SG001 to SG005, NoPermission, InvalidParameter or InternalError for other SQLSTATEs; without a message, the API''s own';
