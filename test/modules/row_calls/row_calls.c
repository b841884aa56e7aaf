/*
 * Aggregates as an unkind executor calls them: what a call may remember (fn_extra, fn_mcxt) is gone after each row, and
 * its memory is written over. Citus calls transition functions so. test/t/008_row_calls.pl builds it.
 *
 * by_rows(aggregate, query, moving) gives the aggregate's result over the rows of the query, as text; with a combine
 * function, of two states that got every other row.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_proc.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "nodes/execnodes.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/expandeddatum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(by_rows);

typedef struct
{
	Datum		value;
	bool		isnull;
} state;

/* Calls a function, of which nothing is left afterwards, and keeps its result in the aggregate's memory. */
static void
call_once(Oid function, AggState *aggregate, Oid collation, int nargs, NullableDatum *args, bool byval, int16 length,
		  state *result)
{
	MemoryContext aggregate_memory = aggregate->curaggcontext->ecxt_per_tuple_memory;
	MemoryContext function_memory = AllocSetContextCreate(CurrentMemoryContext, "one call", ALLOCSET_DEFAULT_SIZES);
	MemoryContext row_memory = AllocSetContextCreate(CurrentMemoryContext, "one row", ALLOCSET_DEFAULT_SIZES);
	MemoryContext before;
	FmgrInfo	info;
	Datum		value;

	LOCAL_FCINFO(fcinfo, FUNC_MAX_ARGS);

	fmgr_info_cxt(function, &info, function_memory);
	InitFunctionCallInfoData(*fcinfo, &info, nargs, collation, (Node *) aggregate, NULL);
	for (int i = 0; i < nargs; i++)
		fcinfo->args[i] = args[i];
	if (info.fn_strict)
		for (int i = 0; i < nargs; i++)
			if (args[i].isnull)
				elog(ERROR, "a strict function does not belong here");
	before = MemoryContextSwitchTo(row_memory);
	value = FunctionCallInvoke(fcinfo);
	MemoryContextSwitchTo(aggregate_memory);
	result->isnull = fcinfo->isnull;
	if (result->isnull)
		value = (Datum) 0;
	else if (!byval && !(length == -1 && VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(value)) &&
						 MemoryContextGetParent(DatumGetEOHP(value)->eoh_context) == aggregate_memory))
		value = datumCopy(value, byval, length);
	result->value = value;
	MemoryContextSwitchTo(before);
	MemoryContextDelete(row_memory);
	MemoryContextDelete(function_memory);

	/* Whoever still points there reads this. */
	row_memory = AllocSetContextCreate(CurrentMemoryContext, "rubbish", ALLOCSET_DEFAULT_SIZES);
	for (Size size = 64; size <= 64 * 1024; size *= 2)
		memset(MemoryContextAlloc(row_memory, size), 0x7e, size);
	MemoryContextDelete(row_memory);
}

Datum
by_rows(PG_FUNCTION_ARGS)
{
	Oid			function = PG_GETARG_OID(0);
	char	   *query = text_to_cstring(PG_GETARG_TEXT_PP(1));
	bool		moving = PG_GETARG_BOOL(2);
	MemoryContext outer = CurrentMemoryContext;
	HeapTuple	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(function));
	Form_pg_aggregate agg;
	AggState   *aggregate = makeNode(AggState);
	Oid			transition, final, type, result_type = get_func_rettype(function);
	int16		length, result_length;
	bool		byval, result_byval, by_halves, has_init;
	char	   *initial;
	Datum		init;
	state		states[2], result;
	NullableDatum args[FUNC_MAX_ARGS];
	char	   *shown = NULL;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "not an aggregate");
	agg = (Form_pg_aggregate) GETSTRUCT(tuple);
	transition = moving ? agg->aggmtransfn : agg->aggtransfn;
	final = moving ? agg->aggmfinalfn : agg->aggfinalfn;
	type = moving ? agg->aggmtranstype : agg->aggtranstype;
	by_halves = !moving && OidIsValid(agg->aggcombinefn);
	get_typlenbyval(type, &length, &byval);
	get_typlenbyval(result_type, &result_length, &result_byval);

	SPI_connect();
	aggregate->curaggcontext = CreateStandaloneExprContext();
	init = SysCacheGetAttr(AGGFNOID, tuple, Anum_pg_aggregate_agginitval, &has_init);
	has_init = !has_init;
	initial = has_init ? TextDatumGetCString(init) : NULL;
	for (int i = 0; i < 2; i++)
	{
		Oid			input, parameter;

		states[i].isnull = !has_init;
		states[i].value = (Datum) 0;
		if (!has_init)
			continue;
		getTypeInputInfo(type, &input, &parameter);
		states[i].value = OidInputFunctionCall(input, initial, parameter, -1);
	}
	if (SPI_execute(query, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "not a query");
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		state	   *at = &states[by_halves ? row % 2 : 0];
		int			columns = SPI_tuptable->tupdesc->natts;

		args[0].value = at->value;
		args[0].isnull = at->isnull;
		for (int i = 1; i <= columns; i++)
			args[i].value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, i, &args[i].isnull);
		call_once(transition, aggregate, InvalidOid, columns + 1, args, byval, length, at);
	}
	if (by_halves)
	{
		for (int i = 0; i < 2; i++)
		{
			args[i].value = states[i].value;
			args[i].isnull = states[i].isnull;
		}
		call_once(agg->aggcombinefn, aggregate, InvalidOid, 2, args, byval, length, &states[0]);
	}
	result = states[0];
	if (OidIsValid(final))
	{
		args[0].value = result.value;
		args[0].isnull = result.isnull;
		call_once(final, aggregate, InvalidOid, 1, args, result_byval, result_length, &result);
	}
	if (!result.isnull)
	{
		Oid			output;
		bool		varlena;
		MemoryContext before;

		getTypeOutputInfo(result_type, &output, &varlena);
		before = MemoryContextSwitchTo(outer);
		shown = OidOutputFunctionCall(output, result.value);
		MemoryContextSwitchTo(before);
	}
	FreeExprContext(aggregate->curaggcontext, true);
	SPI_finish();
	ReleaseSysCache(tuple);
	if (shown == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(shown));
}
