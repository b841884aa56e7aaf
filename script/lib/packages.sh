# shellcheck shell=bash
# Debian packages: which PostgreSQL this machine has, what is missing, and getting it without side effects.
# Sourced after common.sh.

# The major version to work with: that of PG_CONFIG or PG_MAJOR when the caller chose, else the one Debian ships here.
find_postgres() {
	if [ -n "${PG_CONFIG:-}" ]; then
		pg_major=$("$PG_CONFIG" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
	else
		pg_major=${PG_MAJOR:-$(default_major)}
		[ -n "$pg_major" ] || { refresh_lists >/dev/null && pg_major=$(default_major); }
		[ -n "$pg_major" ] || die "which PostgreSQL? Debian's package lists do not say; set PG_MAJOR or PG_CONFIG"
		PG_CONFIG=/usr/lib/postgresql/$pg_major/bin/pg_config
	fi
	export PG_CONFIG
	at_exit default_cluster_again
}

# The metapackage "postgresql" has version MAJOR+..., installed or not. Nothing if there are no package lists yet.
default_major() {
	command -v apt-cache >/dev/null || die "this script installs Debian packages; elsewhere build with make (README.md)"
	{ apt-cache show --no-all-versions postgresql 2>/dev/null || true; } | sed -nE 's/^Version: ([0-9]+)\+.*/\1/p' | head -n 1
}

build_packages() { printf '%s\n' "postgresql-$pg_major" "postgresql-server-dev-$pg_major" "postgresql-$pg_major-hll" g++ make; }
export_packages() { printf '%s\n' libxlsxwriter-dev libhpdf-dev fonts-dejavu-core; }
unit_packages() { printf '%s\n' cmake libgtest-dev libbenchmark-dev libroaring-dev; }
clang_packages() { printf '%s\n' clang-14 libclang-rt-14-dev; }
clocks_packages() { echo libfaketime; }
tap_packages() {
	printf '%s\n' perl libipc-run-perl poppler-utils curl "postgresql-$pg_major-cron"
	node_packages
}
# A nodejs that is not Debian's brings npm along, with which Debian's npm does not go together.
node_packages() {
	command -v node >/dev/null || echo nodejs
	command -v npm >/dev/null || echo npm
}

missing_packages() {
	local package
	for package; do
		dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || printf '%s\n' "$package"
	done
}

apt_get() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 -o APT::Install-Recommends=false \
		-o Dpkg::Options::=--force-confold "$@"
}

refresh_lists() { apt_get update; }

# Installs what is missing of the given packages. The lists are fetched anew only if the ones at hand do not do, and what is
# here already is replaced by a newer version only if there is no other way.
install_packages() {
	local list missing
	list=$(missing_packages "$@")
	[ -n "$list" ] || { echo "nothing to install"; return 0; }
	mapfile -t missing <<<"$list"
	echo "installing: ${missing[*]}"
	no_default_cluster "${missing[@]}"
	install_as_preferred "${missing[@]}" || { refresh_lists && { install_as_preferred "${missing[@]}" || apt_get install "${missing[@]}"; }; }
	default_cluster_again
}
install_as_preferred() { prefer_versions_here && apt_get -o Dir::Etc::Preferences="$work/preferences" install "$@"; }

# Packages of one source are taken in the version that is here, as far as the archive still has it: headers as old as the
# server, and not the server as new as the headers.
prefer_versions_here() {
	dpkg-query -W -f '${Package} ${Version} ${source:Package}\n' >"$work/here"
	{
		cat /etc/apt/preferences 2>/dev/null || true
		cut -d ' ' -f 1 "$work/here" | xargs apt-cache madison 2>/dev/null |
			awk -F '[ |]+' 'NR == FNR {source[$1 " " $2] = $3; next}
				{name = source[$2 " " $3]}
				name && !done[name $3]++ {printf "\nPackage: src:%s\nPin: version %s\nPin-Priority: 990\n", name, $3}' "$work/here" -
	} >"$work/preferences"
}

# Debian's server package makes and starts a server of its own on installation. We came for the programs only, so that is
# switched off while we install it, and switched on again for whatever the owner of this machine installs later.
cluster_switch=/etc/postgresql-common/createcluster.d/headcount-install.conf
no_default_cluster() {
	[[ " $* " =~ \ postgresql-[0-9]+\  ]] || return 0
	as_root mkdir -p "${cluster_switch%/*}"
	echo 'create_main_cluster = false' | as_root tee "$cluster_switch" >/dev/null
}
default_cluster_again() { [ ! -e "$cluster_switch" ] || as_root rm -f "$cluster_switch"; }
