#!/usr/bin/perl
# What is wrong with META.json, by the specification of PGXN, and where versions differ: that of headcount.control is the one
# that all others repeat. Prints nothing if all is well.
use strict;
use warnings;
use JSON::PP;

sub slurp { my $name = shift; open my $file, '<:raw', $name or die "cannot read $name: $!\n"; local $/; return <$file> }

my ($version) = slurp('headcount.control') =~ /^default_version *= *'([^']*)'/m;
die "headcount.control names no default_version\n" if !defined $version;
my $meta = eval { decode_json(slurp('META.json')) };
die "META.json: $@" if !$meta;

my $semantic = qr/\A(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)(?:-?[A-Za-z][-0-9A-Za-z]*)?\z/;
for my $field (qw(name version abstract maintainer license provides meta-spec)) {
	print "META.json has no $field\n" if !defined $meta->{$field};
}
print "META.json: the version \"$meta->{version}\" is not a semantic version\n" if ($meta->{version} // '') !~ $semantic;
print "META.json: meta-spec has no version 1.0.0\n" if ($meta->{'meta-spec'}{version} // '') ne '1.0.0';
print "META.json: the name may not have blanks, slashes or backslashes, and two characters at least\n" if ($meta->{name} // '') !~ m{\A[^\s/\\]{2,}\z};
print "META.json says version $meta->{version}, headcount.control $version\n" if ($meta->{version} // '') ne $version;
my %controls = map { $_ => 1 } glob '*.control';
for my $name (sort keys %{ $meta->{provides} // {} }) {
	my $it = $meta->{provides}{$name};
	for my $field (qw(file version)) { print "META.json: $name has no $field\n" if !defined $it->{$field} }
	print "META.json: $name has version $it->{version}, headcount.control $version\n" if ($it->{version} // '') ne $version;
	for my $field (qw(file docfile)) { print "META.json: $name names a $field that is not there: $it->{$field}\n" if defined $it->{$field} && !-e $it->{$field} }
	delete $controls{ $it->{file} // '' };
}
print "META.json does not provide $_\n" for sort keys %controls;
for my $control (glob '*.control') {
	my $text = slurp($control);
	my ($other) = $text =~ /^default_version *= *'([^']*)'/m;
	print "$control has version " . ($other // 'none') . ", headcount.control $version\n" if ($other // '') ne $version;
	print "$control is trusted, but see docs/security.md\n" if $text =~ /^trusted *= *true/m;
}
my ($package) = slurp('debian/changelog') =~ /\A\S+ \(([^)]*)-[^-)]*\)/;
print "debian/changelog has version " . ($package // 'none') . ", headcount.control $version\n" if ($package // '') ne $version;
my ($released) = slurp('CHANGELOG.md') =~ /^## (.*)$/m;
print "the first chapter of CHANGELOG.md is \"$released\", headcount.control has version $version\n" if $released !~ /(?<![0-9.])\Q$version\E(?![0-9.])/;
