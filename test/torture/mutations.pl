# Values that are damaged, thousands of them: presences, sets of users, collected days and states of aggregates, a byte changed,
# cut off, put in or copied, most with a right check sum. As text, as bytes of COPY, as arguments of functions, and into aggregates
# they are an answer or an error that says which type is meant; no internal error, no warning, no crash.
#
# HEADCOUNT_TORTURE_SECONDS is for how long, HEADCOUNT_STRESS_SEED what chance starts from.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../t";
use Headcount;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $until = time() + ($ENV{HEADCOUNT_TORTURE_SECONDS} || 60);
srand($ENV{HEADCOUNT_STRESS_SEED} || 20260);
my $node = new_node('mutations', conf => "statement_timeout = '20s'\n");
my $checkpointer = checkpointer($node);

# The types by what their bytes begin with, how text of them is made of bytes, and whether they have a check sum.
my %types = (
	'headcount.presence'                  => { to_text => sub { "encode('\\x$_[0]'::bytea, 'base64')" }, sums => 1, words => 'presence' },
	'headcount.user_set'                  => { to_text => sub { "encode('\\x$_[0]'::bytea, 'base64')" }, sums => 1, words => 'user_set' },
	'headcount_internal.aggregate_state'  => { to_text => undef, sums => 0, words => 'state' });

$node->safe_psql('postgres', <<'SQL');
CREATE SCHEMA torture;
CREATE TABLE torture.outcome (part text, type text, state text, message text, what text);
CREATE TABLE torture.seed (type text, bytes bytea);
CREATE TABLE torture.row AS
	SELECT i, 'user ' || i % 40 || repeat('x', i % 5 * 9) AS who, 'host ' || i % 60 AS mac, timestamptz '2024-03-01 00:00+00' + i * interval '47 minutes' AS came,
	       CASE WHEN i % 13 > 0 THEN timestamptz '2024-03-01 00:00+00' + i * interval '47 minutes' + i % 9 * interval '5 hours' END AS went FROM generate_series(1, 700) AS i;
INSERT INTO torture.seed
SELECT 'headcount.presence', headcount_internal.presence_send(p) FROM (
	SELECT headcount.presence_agg(who, came, went) FROM torture.row WHERE i <= 3 UNION ALL SELECT headcount.presence_agg(who, came, went) FROM torture.row
	UNION ALL SELECT headcount.presence_agg(i::bigint % 20, came, went) FROM torture.row UNION ALL SELECT headcount.presence_agg(md5(who)::uuid, came, went) FROM torture.row WHERE i < 50
	UNION ALL SELECT headcount.presence_agg(who, came) FROM torture.row WHERE i < 40 UNION ALL SELECT 'wQEEALKjJcAAwGPTjLUCAAMAAAAAAAAABFD/X9cdFARQ/1/XHRQFBQCw6w4K'::headcount.presence
	UNION ALL SELECT 'wQEBABH0GNAAAAAAAAAAgAIAAAAAAAAAA2FubgcAA2JvYgcA'::headcount.presence) AS s (p);
INSERT INTO torture.seed
SELECT 'headcount.user_set', headcount_internal.user_set_send(s) FROM (
	SELECT headcount.to_user_set('{}') UNION ALL SELECT headcount.to_user_set('{1,5,7,70000,2000000000}') UNION ALL SELECT headcount.to_user_set(array_agg(i * 3)) FROM generate_series(0, 3000) AS i
	UNION ALL SELECT headcount.to_user_set(array_agg(i)) FROM generate_series(10, 9000) AS i UNION ALL SELECT headcount.to_user_set(array_agg(i * 5)) FROM generate_series(1, 12000) AS i) AS t (s);
-- Every aggregate's state as it is handed over.
CREATE AGGREGATE torture.sessions(text, text, timestamptz, timestamptz, text, timestamptz) (sfunc = headcount_internal.daily_session_add, stype = headcount_internal.aggregate_state, combinefunc = headcount_internal.daily_merge);
CREATE AGGREGATE torture.denials(text, timestamptz, text, timestamptz) (sfunc = headcount_internal.daily_denial_add, stype = headcount_internal.aggregate_state, combinefunc = headcount_internal.daily_merge);
INSERT INTO torture.seed
SELECT 'headcount_internal.aggregate_state', s::bytea FROM (
	SELECT torture.sessions(who, mac, came, went, 'UTC', '2024-04-01') FROM torture.row UNION ALL SELECT torture.sessions(who, mac, came, went, 'Europe/Warsaw', '2024-04-01') FROM torture.row WHERE i < 9
	UNION ALL SELECT torture.denials(who, came, 'UTC', '2024-04-01') FROM torture.row WHERE i < 90) AS t (s)
UNION ALL SELECT 'headcount_internal.aggregate_state', (s::text)::headcount_internal.aggregate_state::bytea FROM (SELECT torture.sessions(who, mac, came, went, 'UTC', '2024-04-01') FROM torture.row) AS t (s)
UNION ALL SELECT 'headcount_internal.aggregate_state', v FROM unnest('{"\\xc60101000a0000000161","\\xc501010000000000000000000101610281030102"}'::bytea[]) AS v;
-- What becomes of a statement.
CREATE FUNCTION torture.try(part text, type text, statement text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	told text;
BEGIN
	EXECUTE statement;
	INSERT INTO torture.outcome VALUES (part, type, 'fine');
	RETURN true;
EXCEPTION WHEN query_canceled OR OTHERS THEN
	told := SQLERRM;
	INSERT INTO torture.outcome VALUES (part, type, SQLSTATE, told, CASE WHEN SQLSTATE IN ('XX000', 'XX002', '57014') THEN left(statement, 3000) END);
	RETURN false;
END $$;
-- The functions of the extension, with the places where a value of the type goes; other arguments are what they often are.
CREATE TABLE torture.called AS
	SELECT p.oid, p.prokind, y.type
	FROM pg_proc AS p CROSS JOIN unnest('{headcount.presence,headcount.user_set,headcount_internal.aggregate_state}'::regtype[]) AS y (type)
	WHERE p.pronamespace::regnamespace::text IN ('headcount', 'headcount_internal') AND p.prokind IN ('f', 'a') AND y.type::oid = ANY (p.proargtypes)
	  AND NOT 'internal'::regtype::oid = ANY (p.proargtypes) AND p.prorettype <> 'internal'::regtype;
CREATE FUNCTION torture.call(called oid, type regtype, value text) RETURNS text LANGUAGE sql AS $$
	SELECT format('SELECT count(c.answer) FROM (SELECT %s(%s)%s LIMIT 500) AS c (answer)', p.oid::regproc,
		string_agg(CASE WHEN t.type = call.type OR t.type IN ('headcount.presence'::regtype, 'headcount.user_set'::regtype, 'headcount_internal.aggregate_state'::regtype) AND random() < 0.5 AND t.type = call.type THEN value
			WHEN random() < 0.1 THEN 'NULL::' || t.type::regtype
			ELSE CASE t.type::regtype::text WHEN 'text' THEN CASE floor(random() * 3) WHEN 0 THEN '''UTC''' WHEN 1 THEN '''day''' ELSE '''2013''' END WHEN 'integer' THEN '14' WHEN 'bigint' THEN '3' WHEN 'boolean' THEN 'true'
				WHEN 'date' THEN CASE WHEN random() < 0.5 THEN '''2024-03-01''' ELSE '''2024-03-20''' END WHEN 'timestamp with time zone' THEN CASE WHEN random() < 0.5 THEN '''2024-03-01 00:00+00''' ELSE '''2024-04-02 00:00+00''' END
				WHEN 'integer[]' THEN '''{1,2}''' ELSE 'NULL' END || '::' || t.type::regtype END, ', ' ORDER BY n),
		CASE p.prokind WHEN 'a' THEN ' FROM generate_series(1, 3)' ELSE '' END)
	FROM pg_proc AS p, unnest(p.proargtypes) WITH ORDINALITY AS t (type, n) WHERE p.oid = called GROUP BY p.oid, p.prokind
$$;
SQL

# --- damage -------------------------------------------------------------------------------------------------------------

# XXH64 with 64-bit numbers that wrap around.
{
	use integer;
	my @p = (0, -7046029288634856825, -4417276706812531889, 1609587929392839161, -8796714831421723037, 2870177450012600261);
	sub low { my ($n) = @_; no integer; return $n & 0xffffffff; }
	sub right { my ($n, $by) = @_; return ($n >> $by) & ((1 << (64 - $by)) - 1); }
	sub rotl { my ($n, $by) = @_; return ($n << $by) | right($n, 64 - $by); }
	sub lane { my ($l, $i) = @_; return rotl($l + $i * $p[2], 31) * $p[1]; }
	sub xxh64
	{
		my ($bytes, $seed) = @_;
		my ($at, $left) = (0, length $bytes);
		my $hash = $seed + $p[5];
		if ($left >= 32)
		{
			my @lanes = ($seed + $p[1] + $p[2], $seed + $p[2], $seed, $seed - $p[1]);
			for (; $left >= 32; $at += 32, $left -= 32) { $lanes[$_] = lane($lanes[$_], unpack('q<', substr $bytes, $at + 8 * $_, 8)) for 0 .. 3; }
			$hash = rotl($lanes[0], 1) + rotl($lanes[1], 7) + rotl($lanes[2], 12) + rotl($lanes[3], 18);
			$hash = ($hash ^ lane(0, $_)) * $p[1] + $p[4] for @lanes;
		}
		$hash += length $bytes;
		for (; $left >= 8; $at += 8, $left -= 8) { $hash = rotl($hash ^ lane(0, unpack('q<', substr $bytes, $at, 8)), 27) * $p[1] + $p[4]; }
		if ($left >= 4) { $hash = rotl($hash ^ (unpack('L<', substr $bytes, $at, 4) * $p[1]), 23) * $p[2] + $p[3]; $at += 4; $left -= 4; }
		for (; $left > 0; $at++, $left--) { $hash = rotl($hash ^ (ord(substr $bytes, $at, 1) * $p[5]), 11) * $p[1]; }
		$hash = ($hash ^ right($hash, 33)) * $p[2];
		$hash = ($hash ^ right($hash, 29)) * $p[3];
		return $hash ^ right($hash, 32);
	}
}
sub with_sum
{
	my ($bytes) = @_;
	return $bytes if length $bytes < 8;
	substr($bytes, 4, 4) = pack 'L<', low(xxh64(substr($bytes, 8), unpack('L<', substr $bytes, 0, 4)));
	return $bytes;
}

my @odd = ("\x00", "\xff", "\x80", "\x7f", "\x01", "\xff\xff\xff\xff", "\x00\x00\x00\x80", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80");
sub damage
{
	my ($bytes) = @_;
	for (1 .. 1 + int rand 3)
	{
		my $length = length $bytes or last;
		# most of what matters is in front
		my $at = rand() < 0.5 ? int rand $length : int rand($length < 40 ? $length : 40);
		my $kind = int rand 7;
		if    ($kind == 0) { substr($bytes, $at, 1) = chr int rand 256; }
		elsif ($kind == 1) { substr($bytes, $at, 1) ^= chr 1 << int rand 8; }
		elsif ($kind == 2) { $bytes = substr $bytes, 0, $at; }
		elsif ($kind == 3) { substr($bytes, $at, 0) = $odd[ rand @odd ]; }
		elsif ($kind == 4) { my $with = $odd[ rand @odd ]; substr($bytes, $at, length $with) = $with; }
		elsif ($kind == 5) { substr($bytes, $at, 1 + int rand 8) = ''; }
		else               { my $from = int rand $length; substr($bytes, $at, 0) = substr $bytes, $from, 1 + int rand 30; }
	}
	return $bytes;
}

my %seeds;
for (split /\n/, $node->safe_psql('postgres', q{SELECT type, encode(bytes, 'hex') FROM torture.seed})) { my ($type, $hex) = split /\|/; push @{ $seeds{$type} }, pack 'H*', $hex; }
for my $type (sort keys %seeds)
{
	next if !$types{$type}{sums};
	is(scalar(grep { with_sum($_) ne $_ } @{ $seeds{$type} }), 0, "$type: the check sums that the test makes are right");
}

# --- rounds -------------------------------------------------------------------------------------------------------------

my $made = 0;
while (time() < $until)
{
	my $sql = "SET client_min_messages = warning;\n" . join '', map { "CREATE TEMP TABLE c_$types{$_}{words} (v $_);\n" } grep { $types{$_}{to_text} } sort keys %types;
	for (1 .. 100)
	{
		my $type = (sort keys %seeds)[ rand keys %seeds ];
		my $bytes = damage($seeds{$type}[ rand @{ $seeds{$type} } ]);
		$bytes = with_sum($bytes) if $types{$type}{sums} && rand() < 0.9;
		my $hex = unpack 'H*', $bytes;
		$made++;
		my $value = "'\\x$hex'::bytea::headcount_internal.aggregate_state";
		if ($types{$type}{to_text})
		{
			$value = $types{$type}{to_text}->($hex) . "::$type";
			(my $quoted = $value) =~ s/'/''/g;
			$sql .= "SELECT torture.try('text', '$type', 'SELECT $quoted');\n";
			# as a row of COPY, which a file has to be read for
			if (rand() < 0.1)
			{
				my $file = $node->basedir . "/copy_$made";
				append_to_file($file, pack('a11 N N n N/a* n', "PGCOPY\n\xff\r\n\0", 0, 0, 1, $bytes, 0xffff));
				$sql .= "SELECT torture.try('copy', '$type', 'COPY c_$types{$type}{words} FROM ''$file'' (FORMAT binary)');\n";
			}
		}
		(my $quoted = $value) =~ s/'/''/g;
		$sql .= "SELECT torture.try('call', '$type', torture.call(c.oid, c.type, '$quoted')) FROM (SELECT * FROM torture.called WHERE type = '$type'::regtype ORDER BY random() LIMIT 4) AS c;\n";
	}
	my ($out, $err) = ('', '');
	$node->psql('postgres', $sql, on_error_stop => 0, stdout => \$out, stderr => \$err);
	if ($err ne '') { is($err, '', 'a round ends without a word'); last; }
	unlink glob $node->basedir . '/copy_*';
	last if checkpointer($node) ne $checkpointer;
}
diag("$made values: " . $node->safe_psql('postgres', q{SELECT string_agg(format('%s %s %s', n, part, state), ', ' ORDER BY part, state) FROM (SELECT part, state, count(*) AS n FROM torture.outcome GROUP BY part, state) AS c}));
is(checkpointer($node), $checkpointer, 'the server has not crashed');
is($node->safe_psql('postgres', q{SELECT state || ': ' || min(message) || ' ' || min(what) FROM torture.outcome WHERE state IN ('XX000', 'XX002', '57014') GROUP BY state}), '', 'no error is internal, nothing takes long');
is($node->safe_psql('postgres', q{SELECT DISTINCT type || ': ' || message FROM torture.outcome WHERE part IN ('text', 'copy') AND state NOT IN ('fine', '22P02', '22P03', '22P04') AND message !~ split_part(replace(replace(type, 'user_set', 'user.set'), 'aggregate_', ''), '.', 2) LIMIT 5}), '', 'an error names the type');
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FILTER (WHERE state = 'fine') * count(*) FILTER (WHERE state <> 'fine') FROM torture.outcome}), '>', 0, 'some values are still good, some are not');
unlike(slurp_file($node->logfile), qr/ WARNING: /, 'no warning');
done_testing();
