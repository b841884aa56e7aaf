# shellcheck shell=bash
# Small Debian systems in directories of their own (chroot), for what shall leave this machine as it is. The functions work
# on the one that $root names. Sourced after args.sh and before common.sh, since own_mounts starts the script once more.

# Mounts made in a mount namespace of our own vanish with us, even when we are killed. Below a chroot the namespace cannot
# be made private, so there we take ours away again at the end. Where mounts are not allowed at all (in a container) we go
# on without, and find out whether the suite's packages can live with that.  Usage: own_mounts "$@"
own_mounts() {
	local propagation
	[ "$(id -u)" = 0 ] && [ -z "${HEADCOUNT_MOUNTS:-}" ] || return 0
	for propagation in private unchanged; do
		if unshare -m --propagation $propagation true 2>/dev/null; then
			HEADCOUNT_MOUNTS=yes exec unshare -m --propagation $propagation "$0" "$@"
		fi
	done
	export HEADCOUNT_MOUNTS=no
}

# Systems are made and entered as root.  Usage: only_root "$@"; after common.sh
only_root() {
	! is_root || return 0
	as_root env HEADCOUNT_CACHE="${HEADCOUNT_CACHE:-}" HEADCOUNT_BUILT="${HEADCOUNT_BUILT:-}" PG_CONFIG="${PG_CONFIG:-}" PG_MAJOR="${PG_MAJOR:-}" KEEP="${KEEP:-}" TESTS="${TESTS:-}" "$project/$program" "$@"
	exit
}

cache=${HEADCOUNT_CACHE:-/var/cache/headcount}
apt_options=(-q -y -o Acquire::Check-Valid-Until=false -o APT::Install-Recommends=false -o DPkg::Options::=--force-confold
	-o DPkg::Options::=--force-unsafe-io -o Acquire::Retries=3)

# Debian's suites and the one major version that each of them ships.
suite_of() {
	case $1 in
	15) echo bookworm ;;
	17) echo trixie ;;
	18) echo forky ;;
	*) return 1 ;;
	esac
}

# The mirror that this machine itself uses for its own suite.
mirror() {
	apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
		awk '$2 !~ /-/ && !seen[$1]++ {print $1}' | head -n 1
}

# This machine's way to the archive, as lines of apt's configuration.
host_proxy() { apt-config dump | grep -iE '^Acquire::(http|https)::Proxy' || true; }

in_root() { chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive ${http_proxy:+http_proxy="$http_proxy"} "$@"; }

# PostgreSQL wants shared memory, systemd's helpers want /proc. Failure is not fatal here: some suites do without.
mount_inside() {
	[ "$HEADCOUNT_MOUNTS" = yes ] || return 0
	mountpoint -q "$root/proc" || mount -t proc proc "$root/proc" || echo "no /proc in $root"
	mountpoint -q "$root/dev/shm" || mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm" || echo "no /dev/shm in $root"
}
unmount_inside() {
	local place
	[ "$HEADCOUNT_MOUNTS" = yes ] && [ -n "$root" ] || return 0
	for place in proc dev/shm; do ! mountpoint -q "$root/$place" || umount "$root/$place" || umount -l "$root/$place" || true; done
}

# The bare system: what debootstrap makes, with this machine's way to the archive. Packages installed there start no
# service. $architecture is that of its programs, $foreign one of which it may have packages beside; this machine's and none if they are
# not set.  Usage: boot_root SUITE
boot_root() {
	local suite=$1 boot
	install_packages debootstrap
	# A suite younger than this machine's debootstrap has no script of its own; they are all sid's.
	boot=/usr/share/debootstrap/scripts/$suite
	[ -e "$boot" ] || boot=/usr/share/debootstrap/scripts/sid
	debootstrap --variant=minbase ${architecture:+--arch="$architecture"} "$suite" "$root" "$(mirror)" "$boot"
	mount_inside
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod 755 "$root/usr/sbin/policy-rc.d"
	host_proxy >"$root/etc/apt/apt.conf.d/90host-proxy"
	[ -z "${foreign:-}" ] || in_root dpkg --add-architecture "$foreign"
	in_root apt-get "${apt_options[@]}" update
}

# A system of the given packages and what they need, unpacked and not installed: a tenth of the time, of which the scripts of packages
# took most. For compiling and running programs; what else those scripts make is not there. PostgreSQL's headers come without the
# clang and LLVM that their package wants, for bitcode that we do not build.  Usage: unpack_root SUITE PACKAGE...
unpack_root() {
	local suite=$1 package headers=() options=()
	for package in "${@:2}"; do
		case $package in postgresql-server-dev-*) headers+=("$package") ;; *) options+=(--include="$package") ;; esac
	done
	{
		printf '%s\n' 'Acquire::Check-Valid-Until "false";' 'Acquire::Retries "3";'
		host_proxy
	} >"$work/unpack.conf"
	mmdebstrap --variant=extract --mode=root --format=directory --skip=chroot/mount,check/qemu --aptopt="$work/unpack.conf" \
		--include='?essential' "${options[@]}" --extract-hook="set -e; cd \"\$1/tmp\"
			APT_CONFIG=\$MMDEBSTRAP_APT_CONFIG apt-get -q download ${headers[*]}
			for package in *.deb; do dpkg-deb -x \$package ..; rm \$package; done" "$suite" "$root" "$(mirror)"
	in_root ldconfig
	for package in passwd group; do cp "$root/usr/share/base-passwd/$package.master" "$root/etc/$package"; done
	echo 'postgres:x:500:500::/tmp:/bin/sh' >>"$root/etc/passwd"
	echo 'postgres:x:500:' >>"$root/etc/group"
}

no_cluster_inside() {
	mkdir -p "$root/etc/postgresql-common"
	echo 'create_main_cluster = false' >"$root/etc/postgresql-common/createcluster.conf"
}

# The package of PostgreSQL's headers wants clang and LLVM, for bitcode that we do not build: half of all that would be unpacked.
# An empty package stands for them.  Usage: without_llvm MAJOR
without_llvm() {
	local stand_in=/tmp/stand-in provides
	provides=$(in_root apt-cache depends --important "postgresql-server-dev-$1" | awk '$1 == "Depends:" && $2 ~ /^(clang|llvm)-/ {print $2}' | paste -s -d ,)
	[ -n "$provides" ] || return 0
	mkdir -p "$root$stand_in/DEBIAN"
	printf '%s\n' 'Package: headcount-without-llvm' 'Version: 1' 'Architecture: all' 'Maintainer: none <none@localhost>' "Provides: $provides" \
		'Description: stands for clang and LLVM, which nothing here calls' >"$root$stand_in/DEBIAN/control"
	in_root dpkg-deb --build "$stand_in" "$stand_in.deb"
	in_root dpkg -i "$stand_in.deb"
	rm -rf "$root$stand_in" "$root$stand_in.deb"
}

# A system that is made once and kept: bare, with what the given packages bring. Its recipe is written last, so an interrupted
# one is never taken for whole. $major is the version of PostgreSQL of the suite.  Usage: kept_root NAME SUITE [PACKAGE...]
kept_root() {
	local name=$1 suite=$2
	shift 2
	root=$cache/$name
	if [ "$(cat "$root.recipe" 2>/dev/null)" = "v1 $suite $*" ]; then
		mount_inside
		return 0
	fi
	unmount_inside
	rm -rf --one-file-system "$root" "$root.recipe"
	boot_root "$suite"
	no_cluster_inside
	case " $* " in *" postgresql-server-dev-all "*) without_llvm "$major" ;; esac
	[ $# = 0 ] || in_root apt-get "${apt_options[@]}" install "$@"
	in_root apt-get clean
	printf 'v1 %s %s\n' "$suite" "$*" >"$root.recipe"
}

# Nobody else makes or uses the system of that name until this script ends.
lock_root() {
	local lock
	mkdir -p "$cache"
	exec {lock}>"$cache/$1.lock"
	flock -w 1800 "$lock" || die "another run holds $cache/$1.lock"
}

# The line of a log that says most about why a system could not be made.
reason_in() { { grep -m 1 -E 'not mounted|not permitted|Permission denied' "$1" || grep '^E: ' "$1" || grep . "$1"; } | tail -n 1 | cut -c1-110; }
