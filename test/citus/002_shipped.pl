# What the workers are sent: nothing that they would have to know of the session that asks or of this server, aggregates in parts rather than
# rows, and few bytes a session.

use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../t";
use Headcount;
use Spread;
use Test::More;

my ($node, @workers) = citus_nodes();
make_tables($node, $_) for qw(own by_user);
my $options = "licensing_model => '2019', last_seen => 'heard', idle_limit => '30 hours', false_denial_before => '5 seconds', user_identity => 'lower(user_name)', $every_option";
make_source($node, "${_}_live", 'by_user', "$options, materialized => false") for qw(full);
make_source($node, 'full_stored', 'by_user', $options);
make_source($node, 'plain_live', 'by_user', 'materialized => false');
make_source($node, 'plain_stored', 'by_user', 'materialized => true');
for my $name (qw(full_live full_stored plain_live plain_stored))
{
	$node->safe_psql('postgres', "CALL headcount.refresh('$name')") if $name =~ /stored/;
}

# The commands that workers are sent for a question.
sub sent
{
	my ($question, $source) = @_;
	my ($from, $columns) = @$question;
	my ($name, $notices) = ($from =~ s/\bS\b/$source/gr, '');
	$node->psql('postgres', "SET headcount.as_of = '$past'; SET citus.log_remote_commands = on; SELECT $columns FROM $name", stderr => \$notices, on_error_die => 1);
	return grep { !/^issuing (?:BEGIN|COMMIT|ROLLBACK|SELECT assign_distributed|SET|COPY|WITH placement|CLOSE)/ } $notices =~ /NOTICE:\s+(issuing .*?)(?=^DETAIL|\z)/msg;
}

for my $source (qw(plain_live plain_stored full_live full_stored))
{
	my (@of_session, @silent, %how);
	for my $question (@questions, $source =~ /full/ ? @more_questions : ())
	{
		my @commands = sent($question, $source);
		push @silent, $question->[0] if !@commands && !$question->[2];
		push @of_session, "$question->[0]: $_" for grep { /\b(?:as_of|live_from|live_day|named_from|part_day|asked_from|asked_to|asks_from|asks_to|frozen_before|shared_area|current_setting|now)\s*\(|rollup_|invalidation_log|dirty_days/ } @commands;
		my $text = join "\n", @commands;
		my ($what) = $question->[0] =~ /([a-z_]+[a-z0-9_]*)(?:\(|\s|$)/;
		$what = $1 if $question->[0] =~ /^(?:S\.|headcount\.|\(SELECT headcount\.|\(SELECT convert_from\(headcount\.)(\w+)/;
		# of what was asked in several ways, all that was ever sent
		$how{$what} = join ' and ', sort(keys %{{ map { $_ => 1 } ($how{$what} ? split(/ and /, $how{$what}) : ()),map { /worker_partial_agg|hll_add_agg/ ? 'parts' : /count\(|min\(|sum\(/ ? 'counts' : /LIMIT '1'/ ? 'one row' : /GROUP BY/ ? 'names' : 'rows' } @commands }});
	}
	# what is about whole days that are stored, and users, needs nobody
	is(join("\n", @silent), $source eq 'full_stored' ? "headcount.user_lifecycle('S', 'day', '2026-01-07', '2026-01-14')\nheadcount.source_activity('S', 'day', $span, span => '7 days')" : '', "$source: workers are asked");
	is(join("\n", @of_session), '', "$source: workers are sent values of what they do not know");
	note("$source: $_: " . ($how{$_} || 'nothing')) for sort keys %how;
	if ($source eq 'plain_live')
	{
		like($how{$_}, qr/^(?:one row and )?parts$/, "$source: $_ is computed by parts") for qw(daily_user_counts_2013 daily_user_counts_2019 daily_user_counts daily_user_counts_by_server realtime_users_count);
	}
	if ($source =~ /full/)
	{
		like($how{$_}, qr/^(?:counts and )?parts$/, "$source: $_ is computed by parts") for qw(concurrency_profile concurrency_percentiles concurrency_by_hour_of_week capacity_what_if);
	}
}

# Bytes: a year of sessions, once with times of microseconds and once of seconds.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE wire (who text, mac text, came timestamptz, went timestamptz);
SELECT create_distributed_table('wire', 'who', shard_count => 8);
SELECT setseed(0.5);
INSERT INTO wire SELECT 'user ' || (random() ^ 2 * 2000)::integer, 'host-' || (random() ^ 2 * 500)::integer, c, c - ln(1 - random()) * interval '2 hours'
FROM (SELECT timestamptz '2025-01-01' + random() * interval '365 days' AS c FROM generate_series(1, 120000)) AS x;
SQL
my %limit = (
	"'headcount_internal.daily_session_agg(text,text,timestamptz,timestamptz,text,timestamptz)'::regprocedure, ROW(who, mac, A, B, 'UTC'::text, timestamptz '2026-01-01')" => [ 16, 10 ],
	"'headcount.max_concurrent(text,timestamptz,timestamptz)'::regprocedure, ROW(mac, A, B)" => [ 20, 20 ],
	"'headcount.unique_count(text)'::regprocedure, who" => [ 2, 2 ],
	"'headcount.presence_agg(text,timestamptz,timestamptz)'::regprocedure, ROW(mac, A, B)" => [ 20, 20 ],
);
for my $arguments (sort keys %limit)
{
	my ($name) = $arguments =~ /'(.*?)\(/;
	for my $at (0, 1)
	{
		my $in_units = $at == 0 ? $arguments =~ s/\bA\b/came/r =~ s/\bB\b/went/r : $arguments =~ s/\bA\b/date_trunc('second', came)/r =~ s/\bB\b/date_trunc('second', went)/r;
		my $bytes = $node->safe_psql('postgres', "SELECT round(sum(result::numeric) / 120000, 1) FROM run_command_on_shards('wire', \$\$SELECT length(worker_partial_agg($in_units)::text) FROM %s\$\$)");
		cmp_ok($bytes, '<=', $limit{$arguments}[$at], "$name ships $bytes bytes a session" . ($at == 1 ? ' with times of whole seconds' : ''));
	}
}
$_->stop for $node, @workers;
done_testing();
