-- The API "Realtime Users Count": the view realtime_users_count as a file, under the options of the report's API.
--
-- Options come from URLs, so numbers may be JSON strings, and arrays and objects JSON text. None of their text gets into
-- a query: names of columns, operators and directions are looked up in fixed lists, values are parameters. What catches
-- an error needs a subtransaction, which a parallel worker cannot have.

CREATE TYPE headcount_internal.report_row AS (ucd date, uct integer, ucdy integer, ucde integer, ucch integer);
COMMENT ON TYPE headcount_internal.report_row IS 'a row of the report "Realtime Users Count"';

-- What the options ask for:
--   conditions         SQL on the rows r of the report, comparing them with days ($1) and numbers ($2)
--   ordering           SQL of an ORDER BY, each part with a comma behind it
--   skipped, most      offset and limit; most is NULL for all
--   shown              the places of the columns, from 1 to 5, in the order to show them
CREATE TYPE headcount_internal.report_options AS (
    conditions text, days date[], numbers numeric[], ordering text, skipped numeric, most numeric, shown integer[], title text);
COMMENT ON TYPE headcount_internal.report_options IS 'what the options of the report "Realtime Users Count" ask for';

CREATE FUNCTION headcount_internal.report_column_ids() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT ARRAY['ucd', 'uct', 'ucdy', 'ucde', 'ucch']
$$;
COMMENT ON FUNCTION headcount_internal.report_column_ids() IS 'the columns of the report, in their order';

CREATE FUNCTION headcount_internal.report_titles(shown integer[]) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT ARRAY(SELECT (ARRAY['Date', 'Total Users', 'Daily Users', 'Denial Users', 'Concurrent Hosts'])[s.n]
                 FROM unnest(shown) WITH ORDINALITY AS s (n, place) ORDER BY s.place)
$$;
COMMENT ON FUNCTION headcount_internal.report_titles(integer[]) IS
    'the full names of columns of the report, given by their places';

CREATE FUNCTION headcount_internal.raise_option_error(option text, problem text, hint text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM headcount_internal.raise_error('22023', format('option "%s": %s', option, problem), hint => hint);
END
$$;
COMMENT ON FUNCTION headcount_internal.raise_option_error(text, text, text) IS
    'raises an error that names the option of the report at fault';

CREATE FUNCTION headcount_internal.option_number(option text, value text) RETURNS numeric
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF value COLLATE "C" !~ '^-?[0-9]{1,100}$' THEN
        PERFORM headcount_internal.raise_option_error(option, format('"%s" is not a whole number', value));
    END IF;
    RETURN value::numeric;
END
$$;
COMMENT ON FUNCTION headcount_internal.option_number(text, text) IS 'a whole number, or an error that names the option';

CREATE FUNCTION headcount_internal.option_day(option text, value text) RETURNS date
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF value COLLATE "C" ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' THEN
        BEGIN
            RETURN value::date;
        EXCEPTION WHEN datetime_field_overflow THEN      -- such as February 30
        END;
    END IF;
    PERFORM headcount_internal.raise_option_error(option, format('"%s" is not a date', value), 'Dates are written YYYY-MM-DD.');
END
$$;
COMMENT ON FUNCTION headcount_internal.option_day(text, text) IS 'a date, or an error that names the option';

CREATE FUNCTION headcount_internal.option_json(option text, value json, kind text) RETURNS json
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF json_typeof(value) = 'string' THEN
        BEGIN
            value := (value #>> '{}')::json;
        EXCEPTION WHEN invalid_text_representation THEN
            PERFORM headcount_internal.raise_option_error(option, format('"%s" is not JSON', value #>> '{}'));
        END;
    END IF;
    IF json_typeof(value) <> kind THEN
        PERFORM headcount_internal.raise_option_error(option, format('%s is not a JSON %s', value, kind));
    END IF;
    RETURN value;
END
$$;
COMMENT ON FUNCTION headcount_internal.option_json(text, json, text) IS
    'a JSON array or object, which may have come as text, or an error that names the option';

CREATE FUNCTION headcount_internal.option_items(option text, value json, keys text[]) RETURNS SETOF json
LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 5 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    items constant json := headcount_internal.option_json(option, value, 'array');
    item  json;
    wrong text;
BEGIN
    IF json_array_length(items) > 100 THEN
        PERFORM headcount_internal.raise_option_error(option, format('must have at most 100 items, but has %s', json_array_length(items)));
    END IF;
    FOR item IN SELECT e FROM json_array_elements(items) AS e LOOP
        IF json_typeof(item) <> 'object' THEN
            PERFORM headcount_internal.raise_option_error(option, format('%s is not a JSON object', item));
        END IF;
        SELECT k INTO wrong FROM json_object_keys(item) AS k WHERE k <> ALL (keys) LIMIT 1;
        IF FOUND THEN
            PERFORM headcount_internal.raise_option_error(option, format('unknown key "%s"', wrong),
                                                 format('The keys are %s.', array_to_string(keys, ', ')));
        END IF;
        SELECT k INTO wrong FROM unnest(keys) AS k WHERE item ->> k IS NULL LIMIT 1;
        IF FOUND THEN
            PERFORM headcount_internal.raise_option_error(option, format('%s has no "%s"', item, wrong));
        END IF;
        RETURN NEXT item;
    END LOOP;
END
$$;
COMMENT ON FUNCTION headcount_internal.option_items(text, json, text[]) IS
    'the objects of an array, at most 100, each with exactly these keys, or an error that names the option';

CREATE FUNCTION headcount_internal.option_column(option text, column_id text) RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    place constant integer := array_position(headcount_internal.report_column_ids(), column_id);
BEGIN
    IF place IS NULL THEN
        PERFORM headcount_internal.raise_option_error(option, format('unknown column "%s"', column_id),
            format('The columns are %s.', array_to_string(headcount_internal.report_column_ids(), ', ')));
    END IF;
    RETURN place;
END
$$;
COMMENT ON FUNCTION headcount_internal.option_column(text, text) IS
    'the place of a column in the report, from 1 to 5, or an error that names the option';

CREATE FUNCTION headcount_internal.with_filter(request headcount_internal.report_options, value json) RETURNS headcount_internal.report_options
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    item     json;
    place    integer;
    operator text;
    operand  text;
BEGIN
    FOR item IN SELECT i FROM headcount_internal.option_items('filter', value, ARRAY['property', 'operator', 'value']) AS i LOOP
        place := headcount_internal.option_column('filter', item ->> 'property');
        operator := CASE lower(item ->> 'operator') WHEN 'eq' THEN '=' WHEN 'lt' THEN '<' WHEN 'gt' THEN '>' END;
        IF operator IS NULL THEN
            PERFORM headcount_internal.raise_option_error('filter', format('unknown operator "%s"', item ->> 'operator'),
                                                 'The operators are eq, lt and gt.');
        ELSIF place = 1 THEN
            request.days := request.days || headcount_internal.option_day('filter', item ->> 'value');
            operand := format('$1[%s]', cardinality(request.days));
        ELSE
            request.numbers := request.numbers || headcount_internal.option_number('filter', item ->> 'value');
            operand := format('$2[%s]', cardinality(request.numbers));
        END IF;
        request.conditions := request.conditions
            || format(' AND r.%I %s %s', (headcount_internal.report_column_ids())[place], operator, operand);
    END LOOP;
    RETURN request;
END
$$;
COMMENT ON FUNCTION headcount_internal.with_filter(headcount_internal.report_options, json) IS
    'with the conditions of the option filter, or an error that names what is wrong in it';

CREATE FUNCTION headcount_internal.with_bound(request headcount_internal.report_options, operator text, day date) RETURNS headcount_internal.report_options
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF day IS NOT NULL THEN
        request.days := request.days || day;
        request.conditions := request.conditions || format(' AND r.ucd %s $1[%s]', operator, cardinality(request.days));
    END IF;
    RETURN request;
END
$$;
COMMENT ON FUNCTION headcount_internal.with_bound(headcount_internal.report_options, text, date) IS
    'with the condition of the option sd or ed, where that is given';

CREATE FUNCTION headcount_internal.with_order(request headcount_internal.report_options, value json) RETURNS headcount_internal.report_options
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    item      json;
    place     integer;
    direction text;
BEGIN
    FOR item IN SELECT i FROM headcount_internal.option_items('order', value, ARRAY['property', 'direction']) AS i LOOP
        place := headcount_internal.option_column('order', item ->> 'property');
        direction := CASE upper(item ->> 'direction') WHEN 'ASC' THEN 'ASC' WHEN 'DESC' THEN 'DESC' END;
        IF direction IS NULL THEN
            PERFORM headcount_internal.raise_option_error('order', format('unknown direction "%s"', item ->> 'direction'),
                                                 'The directions are ASC and DESC.');
        END IF;
        request.ordering := request.ordering || format('r.%I %s, ', (headcount_internal.report_column_ids())[place], direction);
    END LOOP;
    RETURN request;
END
$$;
COMMENT ON FUNCTION headcount_internal.with_order(headcount_internal.report_options, json) IS
    'with the ordering of the option order, or an error that names what is wrong in it';

CREATE FUNCTION headcount_internal.with_columns(request headcount_internal.report_options, value json) RETURNS headcount_internal.report_options
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    item      record;
    place     integer;
    mentioned integer[] := '{}';
    shown     integer[] := '{}';
BEGIN
    FOR item IN SELECT e.key, e.value FROM json_each_text(headcount_internal.option_json('fieldVisibility', value, 'object')) AS e LOOP
        place := headcount_internal.option_column('fieldVisibility', item.key);
        IF place = ANY (mentioned) THEN
            PERFORM headcount_internal.raise_option_error('fieldVisibility', format('column "%s" occurs twice', item.key));
        ELSIF coalesce(item.value, '') NOT IN ('0', '1') THEN
            PERFORM headcount_internal.raise_option_error('fieldVisibility', format('column "%s" must be "0" or "1"', item.key));
        ELSIF item.value = '1' THEN
            shown := shown || place;
        END IF;
        mentioned := mentioned || place;
    END LOOP;
    request.shown := shown || ARRAY(SELECT n FROM unnest(request.shown) AS n WHERE n <> ALL (mentioned) ORDER BY n);
    RETURN request;
END
$$;
COMMENT ON FUNCTION headcount_internal.with_columns(headcount_internal.report_options, json) IS
    'with the columns of the option fieldVisibility, those that it does not mention behind them, or an error that names what is wrong in it';

CREATE FUNCTION headcount_internal.read_report_options(options json) RETURNS headcount_internal.report_options
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known constant text[] := ARRAY['sd', 'ed', 'filter', 'order', 'offset', 'limit', 'fieldVisibility', 'rn'];
    request   headcount_internal.report_options := ROW('true', '{}', '{}', '', 0, NULL, '{1,2,3,4,5}', 'Realtime Users Count');
    option    record;
    first_day date;
    last_day  date;
BEGIN
    IF json_typeof(options) <> 'object' THEN
        PERFORM headcount_internal.raise_argument_error('options', 'is not a JSON object');
    END IF;
    -- of an option that is there twice the last one holds, also where that is null
    FOR option IN SELECT DISTINCT ON (e.key) e.key, e.value, e.value #>> '{}' AS text
                  FROM json_each(options) WITH ORDINALITY AS e (key, value, place) ORDER BY e.key, e.place DESC LOOP
        IF option.key <> ALL (known) THEN
            PERFORM headcount_internal.raise_error('22023', format('unknown option "%s"', option.key),
                                          hint => format('The options are %s.', array_to_string(known, ', ')));
        ELSIF option.text IS NULL THEN      -- a JSON null: as if it were not there
            CONTINUE;
        END IF;
        CASE option.key
            WHEN 'sd' THEN first_day := headcount_internal.option_day('sd', option.text);
            WHEN 'ed' THEN last_day := headcount_internal.option_day('ed', option.text);
            WHEN 'filter' THEN request := headcount_internal.with_filter(request, option.value);
            WHEN 'order' THEN request := headcount_internal.with_order(request, option.value);
            WHEN 'offset' THEN
                request.skipped := headcount_internal.option_number('offset', option.text);
                IF request.skipped < 0 THEN
                    PERFORM headcount_internal.raise_option_error('offset', format('must not be negative, but is %s', option.text));
                END IF;
            WHEN 'limit' THEN
                request.most := headcount_internal.option_number('limit', option.text);
                IF request.most < 1 THEN
                    PERFORM headcount_internal.raise_option_error('limit', format('must be at least 1, but is %s', option.text));
                END IF;
            WHEN 'fieldVisibility' THEN request := headcount_internal.with_columns(request, option.value);
            WHEN 'rn' THEN
                IF json_typeof(option.value) NOT IN ('string', 'number') THEN
                    PERFORM headcount_internal.raise_option_error('rn', format('%s is not a name', option.value));
                ELSIF octet_length(convert_to(option.text, 'UTF8')) > 1000 THEN      -- as headcount_export.render has it
                    PERFORM headcount_internal.raise_option_error('rn', 'must be at most 1000 bytes long');
                END IF;
                request.title := coalesce(nullif(option.text, ''), request.title);
        END CASE;
    END LOOP;
    IF first_day > last_day THEN
        PERFORM headcount_internal.raise_option_error('sd', format('%s is after "ed", %s',
                                                          to_char(first_day, 'YYYY-MM-DD'), to_char(last_day, 'YYYY-MM-DD')));
    END IF;
    request := headcount_internal.with_bound(request, '>=', first_day);
    RETURN headcount_internal.with_bound(request, '<=', last_day);
END
$$;
COMMENT ON FUNCTION headcount_internal.read_report_options(json) IS
    'what the options of the report ask for, or an error that names the option, column, operator or direction at fault';

-- As RFC 4180 has it; no title, date or number needs quotes.
CREATE FUNCTION headcount_internal.report_csv(report headcount_internal.report_row[], shown integer[]) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' AS $$
    SELECT string_agg(l.line || E'\r\n', '' ORDER BY l.place)
    FROM (SELECT 0, array_to_string(headcount_internal.report_titles(shown), ',')
          UNION ALL
          SELECT r.place,
                 (SELECT string_agg(coalesce((ARRAY[r.ucd::text, r.uct::text, r.ucdy::text, r.ucde::text, r.ucch::text])[s.n], ''),
                                    ',' ORDER BY s.place)
                  FROM unnest(shown) WITH ORDINALITY AS s (n, place))
          FROM unnest(report) WITH ORDINALITY AS r (ucd, uct, ucdy, ucde, ucch, place)) AS l (place, line)
$$;
COMMENT ON FUNCTION headcount_internal.report_csv(headcount_internal.report_row[], integer[]) IS
    'the report as csv, with the columns at these places under their full names';

-- The libraries that write such files are those of a second extension. The schema headcount_export is its own: it makes
-- it, and is not relocatable.
CREATE FUNCTION headcount_internal.check_export(return_type text) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension AS e WHERE e.extname = 'headcount_export') THEN
        PERFORM headcount_internal.raise_error('0A000', format('return type "%s" needs the extension headcount_export', return_type), NULL,
            'Run CREATE EXTENSION headcount_export, or ask for json or csv.');
    END IF;
END
$$;
COMMENT ON FUNCTION headcount_internal.check_export(text) IS 'raises an error where the extension headcount_export is not installed';

-- A page has the newest day first where no order was asked for; a sheet can be sorted.
CREATE FUNCTION headcount_internal.report_file(return_type text, report headcount_internal.report_row[], request headcount_internal.report_options, source text)
RETURNS bytea LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    column_ids constant text[] := ARRAY(
        SELECT (headcount_internal.report_column_ids())[s.n] FROM unnest(request.shown) WITH ORDINALITY AS s (n, place) ORDER BY s.place);
    direction  constant integer := CASE WHEN return_type = 'html' AND request.ordering = '' THEN -1 ELSE 1 END;
    told       constant headcount_internal.source := headcount_internal.find_source(source);
    days       constant date[] := ARRAY(
        SELECT r.ucd FROM unnest(report) WITH ORDINALITY AS r (ucd, uct, ucdy, ucde, ucch, place) ORDER BY direction * r.place);
    vals       constant integer[] := ARRAY(      -- row by row
        SELECT (ARRAY[NULL, r.uct, r.ucdy, r.ucde, r.ucch])[s.n]
        FROM unnest(report) WITH ORDINALITY AS r (ucd, uct, ucdy, ucde, ucch, place),
             unnest(request.shown) WITH ORDINALITY AS s (n, place)
        WHERE s.n > 1
        ORDER BY direction * r.place, s.place);
BEGIN
    RETURN headcount_export.render(return_type, request.title, column_ids, headcount_internal.report_titles(request.shown), days, vals,
        ARRAY['source ' || source, 'time zone ' || told.time_zone, 'licensing model ' || told.licensing_model]);
END
$$;
COMMENT ON FUNCTION headcount_internal.report_file(text, headcount_internal.report_row[], headcount_internal.report_options, text) IS
    'the report as xlsx, pdf or html, by the extension headcount_export';

-- Runs as the owner; headcount.as_of is set.
CREATE FUNCTION headcount_internal.report_rows_of(source text) RETURNS SETOF headcount_internal.report_row
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM headcount_internal.find_source(source);
    RETURN QUERY EXECUTE format('SELECT r.ucd, r.uct, r.ucdy, r.ucde, r.ucch FROM %I.realtime_users_count AS r', source);
END
$$;
COMMENT ON FUNCTION headcount_internal.report_rows_of(text) IS 'the rows of the report of a source, for its owner';

CREATE FUNCTION headcount.realtime_users_count(source text, return_type text DEFAULT 'json', options json DEFAULT '{}',
                                               as_of timestamptz DEFAULT headcount.as_of())
RETURNS bytea LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET headcount.as_of TO '' AS $$
#variable_conflict use_variable
DECLARE
    file_type constant text := lower(return_type);
    request   headcount_internal.report_options;
    problem   text;
    total     bigint;
    report    headcount_internal.report_row[];
BEGIN
    PERFORM headcount_internal.set_as_of(as_of);
    PERFORM headcount_internal.check_required('return_type', return_type);
    IF file_type NOT IN ('json', 'csv', 'xlsx', 'pdf', 'html') THEN
        PERFORM headcount_internal.raise_argument_error('return_type', format('"%s" is not a return type', return_type),
            hint => 'The return types are json, csv, xlsx, pdf and html.');
    ELSIF file_type NOT IN ('json', 'csv') THEN
        PERFORM headcount_internal.check_export(return_type);
    END IF;
    PERFORM headcount_internal.find_source(source);
    BEGIN
        request := headcount_internal.read_report_options(coalesce(options, '{}'));
    EXCEPTION WHEN untranslatable_character OR invalid_text_representation THEN      -- JSON's \u0000, half a surrogate pair
        GET STACKED DIAGNOSTICS problem = PG_EXCEPTION_DETAIL;
        PERFORM headcount_internal.raise_argument_error('options', 'is not valid text', detail => problem);
    END;
    IF file_type <> 'json' AND request.shown = '{}' THEN
        PERFORM headcount_internal.raise_option_error('fieldVisibility', 'leaves no column');
    END IF;
    -- one pass over the view: all rows are counted, those of the page are kept
    EXECUTE format($q$
        SELECT count(*), coalesce(array_agg(ROW(p.ucd, p.uct, p.ucdy, p.ucde, p.ucch)::headcount_internal.report_row ORDER BY p.place)
                                      FILTER (WHERE p.place > $3 AND ($4 IS NULL OR p.place <= $3 + $4)), '{}')
        FROM (SELECT r.ucd, r.uct, r.ucdy, r.ucde, r.ucch, row_number() OVER (ORDER BY %sr.ucd) AS place
              FROM headcount_internal.read_source($5, 'report_rows_of', '{}')
                       AS r (ucd date, uct integer, ucdy integer, ucde integer, ucch integer)
              WHERE %s) AS p$q$, request.ordering, request.conditions)
        INTO total, report USING request.days, request.numbers, request.skipped, request.most, source;
    RETURN CASE file_type
        WHEN 'json' THEN convert_to(format('{"success":true,"msg":"","data":%s,"code":null,"totalCount":%s}',
                                           to_json(report), total), 'UTF8')
        WHEN 'csv' THEN convert_to(headcount_internal.report_csv(report, request.shown), 'UTF8')
        ELSE headcount_internal.report_file(file_type, report, request, source) END;
END
$$;
COMMENT ON FUNCTION headcount.realtime_users_count(text, text, json, timestamptz) IS
    'the API "Realtime Users Count": the report of a source as json, csv, xlsx, pdf or html (the last three with the extension headcount_export), under the options sd, ed, filter, order, offset, limit, fieldVisibility and rn; needs SELECT on the view realtime_users_count of the source';
