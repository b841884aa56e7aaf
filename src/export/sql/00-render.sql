\echo Use "CREATE EXTENSION headcount_export" to load this file. \quit

SET LOCAL search_path TO pg_catalog, pg_temp;

-- Fails where the name is taken: a schema that somebody prepared in advance must not become ours.
CREATE SCHEMA headcount_export;
COMMENT ON SCHEMA headcount_export IS 'the report of headcount as a file: xlsx, pdf, html';
GRANT USAGE ON SCHEMA headcount_export TO PUBLIC;

-- STABLE, not IMMUTABLE: a file says when the transaction that made it began.
CREATE FUNCTION headcount_export.render(format text, title text, column_ids text[], column_titles text[], days date[], vals integer[], notes text[] DEFAULT '{}') RETURNS bytea
    AS 'MODULE_PATHNAME', 'headcount_export_render' LANGUAGE C STABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION headcount_export.render(text, text, text[], text[], date[], integer[], text[]) IS 'the rows of a report as a file of format xlsx, pdf or html: columns of ucd, uct, ucdy, ucde, ucch in the order shown, the day of each row, the numbers row by row, and a few words on what they are of';
