\echo Use "CREATE EXTENSION headcount_export" to load this file. \quit

SET LOCAL search_path TO pg_catalog, pg_temp;

-- Fails where the name is taken: a schema that somebody prepared in advance must not become ours.
CREATE SCHEMA headcount_export;
COMMENT ON SCHEMA headcount_export IS 'the report of headcount as a file: xlsx, pdf, html';
GRANT USAGE ON SCHEMA headcount_export TO PUBLIC;

-- STABLE, not IMMUTABLE: xlsx and pdf say when the transaction that made them began.
CREATE FUNCTION headcount_export.render(format text, title text, column_ids text[], column_titles text[], days date[], vals integer[]) RETURNS bytea
    AS 'MODULE_PATHNAME', 'headcount_export_render' LANGUAGE C STABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION headcount_export.render(text, text, text[], text[], date[], integer[]) IS 'the rows of a report as a file of format xlsx, pdf or html: columns of ucd, uct, ucdy, ucde, ucch in the order shown, the day of each row, and the numbers row by row';
