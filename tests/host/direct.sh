# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2015,SC2154
#
# Runs a command on this machine's own KVM, in a mount namespace where what it
# writes goes to memory: the same a command finds in an emulated host. Sourced by
# kvmhost, and run by itself inside the namespace.

DIRECT_SELF=$(readlink -f "${BASH_SOURCE[0]}") || return 1

# Whether /dev/kvm here runs a stock kernel, and its files can be kept from harm.
direct_possible() {
	[ -r /dev/kvm ] && [ -w /dev/kvm ] || return
	# A KVM that interprets code opens as well, but tells of no extension.
	[ "$(uname -m)" != x86_64 ] || grep -Eqm1 '^flags.* (vmx|svm)( |$)' /proc/cpuinfo || return
	(direct_run true) 2>/dev/null
}

# direct_run COMMAND [ARG]...: becomes it. Files to bring along are in the array add.
direct_run() {
	local user=() paths=()

	[ ${#add[@]} -eq 0 ] || mapfile -d '' paths < <(realpath -zse "${add[@]}")
	exec 7< <([ ${#paths[@]} -eq 0 ] || printf '%s\0' "${paths[@]}")
	[ "$(id -u)" -eq 0 ] || user=(--user --map-root-user)
	exec unshare "${user[@]}" --mount --propagation private -- bash "$DIRECT_SELF" "$@"
}

# direct_overlay DIR: DIR of this machine below $DIRECT_ROOT, with a layer of its own.
direct_overlay() {
	local dir=$1 layer

	layer=$(mktemp -d "$DIRECT_BASE/layer.XXXXXX") && mkdir "$layer/up" "$layer/work" &&
	mount -t overlay -o "lowerdir=$dir,upperdir=$layer/up,workdir=$layer/work$DIRECT_XATTR" \
		overlay "$DIRECT_ROOT$dir" 2>/dev/null
}

# What an overlay cannot lie over can at least not be written to.
direct_readonly() {
	mount --bind "$1" "$DIRECT_ROOT$1" && mount -o remount,bind,ro "$DIRECT_ROOT$1"
}

# Directories whose content is the kernel's, or made anew for the command.
direct_special() {
	case $1 in
	/dev | /dev/* | /proc | /proc/* | /sys | /sys/* | /run | /run/*) ;;
	"$DIRECT_BASE" | "$DIRECT_BASE"/*) ;;
	*) return 1 ;;
	esac
}

# Mounts below the root, which an overlay over the root does not show.
direct_mounts() {
	local dir

	for dir in "$@"; do
		if [ "$dir" = / ] || direct_special "$dir" || ! [ -e "$DIRECT_ROOT$dir" ]; then
			continue
		fi
		{ [ -d "$dir" ] && direct_overlay "$dir"; } || direct_readonly "$dir" || return
	done
}

# In a user namespace no overlay may lie over a directory with mounts below it:
# then one over each directory in there.
direct_tree() {
	local dir=${1%/} entry

	if [ "$dir" ] && direct_overlay "$dir"; then
		return
	fi
	for entry in "$dir"/* "$dir"/.[!.]*; do
		if [ -e "$DIRECT_ROOT$entry" ]; then
			continue
		elif [ -L "$entry" ]; then
			cp -P "$entry" "$DIRECT_ROOT$entry"
		elif [ -d "$entry" ]; then
			mkdir "$DIRECT_ROOT$entry" || return
			direct_special "$entry" || direct_tree "$entry" || return
		elif [ -f "$entry" ]; then
			: > "$DIRECT_ROOT$entry" && direct_readonly "$entry" || return
		fi
	done
}

# Prints a directory to hide behind our own files: none that holds "$@".
direct_base() {
	local base path

	for base in /dev/shm /mnt /media /srv; do
		[ -d $base ] || continue
		for path in "$@"; do
			[[ $path/ != $base/?* ]] || continue 2
		done
		echo $base
		return
	done
	return 1
}

# The file systems that the kernel fills, and the directories that are new.
direct_kernel() {
	local dir

	for dir in /dev /proc /sys /run; do
		mkdir -p "$DIRECT_ROOT$dir" || return
		[ $dir = /run ] || mount --rbind $dir "$DIRECT_ROOT$dir" || return
	done
	mount -t tmpfs none "$DIRECT_ROOT/dev/shm" &&
	mount -t tmpfs -o mode=755 none "$DIRECT_ROOT/run"
}

# direct_root ADDED...: makes the root below $DIRECT_ROOT.
direct_root() {
	local mounts file

	mapfile -t mounts < <(awk '{ print $5 }' /proc/self/mountinfo | while read -r file; do
		printf '%b\n' "$file"; done)
	DIRECT_BASE=$(direct_base "$PWD" "${KVMHOST_OUT-}" "$@" "${mounts[@]}") || return
	DIRECT_ROOT=$DIRECT_BASE/root
	# Only the initial namespace's root may use the usual kind of attributes.
	DIRECT_XATTR=
	[ "$(awk '{ print $3 }' /proc/self/uid_map)" = 4294967295 ] || DIRECT_XATTR=,userxattr

	mount -t tmpfs -o size=75% none "$DIRECT_BASE" && mkdir "$DIRECT_ROOT" || return
	if direct_overlay /; then
		direct_kernel && direct_mounts "${mounts[@]}" || return
	else
		mount -t tmpfs -o mode=755 none "$DIRECT_ROOT" &&
		direct_kernel && direct_tree / || return
	fi
	# What the new directories hide.
	for file in "$@"; do
		[ -e "$DIRECT_ROOT$file" ] || cp -rL --parents "$file" "$DIRECT_ROOT" || return
	done
	if [ "${KVMHOST_OUT-}" ]; then
		mkdir -p "$DIRECT_ROOT$KVMHOST_OUT" &&
		mount --bind "$KVMHOST_OUT" "$DIRECT_ROOT$KVMHOST_OUT"
	fi
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	set -u
	cwd=$PWD
	mapfile -d '' added <&7
	exec 7<&-
	direct_root "${added[@]}" && cd "$DIRECT_ROOT" && pivot_root . . && umount -l . &&
	cd "$cwd" || {
		echo "kvmhost: $cwd: cannot keep writes off this machine's files" >&2
		exit 125
	}
	[ "$(type -P "$1")" ] || {
		echo "kvmhost: $1: no such command" >&2
		exit 127
	}
	exec -- "$@"
fi
