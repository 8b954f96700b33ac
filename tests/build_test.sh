#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# build_test.sh [DIR]: builds vmtool in all the ways it is to be built in, below DIR,
# and tries what the Makefile promises.

set -u

here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd) || exit 1
top=${here%/*}
. "$here/host/cache.sh" || exit 1
. "$here/ktap.sh" || exit 1

RANDOM_SEEDS='1 2 3 4 5 6'
TINY_MUSL=$((256 << 10))
TINY_GLIBC=$((1 << 20))

dir=${1-}
if [ ! "$dir" ]; then
	dir=$(mktemp -d) || exit
	trap 'rm -rf "$dir"' EXIT
fi
mkdir -p "$dir" && dir=$(cd "$dir" && pwd) || exit

fail() {
	echo "$*"
	return 1
}

# What the builds of one tree have in common is made once: its headers and Kconfig.
# KBUILD_DIR is where it may be already.
kbuild_of() { echo "${KBUILD_DIR:-$dir}/kbuild-$1"; }

# vmtool_make TREE NAME ARG...: make, with NAME's build directory.
vmtool_make() {
	local x=$1 name=$2
	shift 2

	make -C "$top" --no-print-directory KDIR="$(tree "$x")" O="$dir/$name" -j2 "$@"
}

tree() { echo "$CACHE/linux-source-$1"; }

# ---- the matrix

is_static_pie() {
	local headers

	headers=$(readelf -hl "$1") || return
	[[ $headers == *DYN* ]] || fail "$1 is not position independent" || return
	[[ $headers != *INTERP* ]] || fail "$1 is not static"
}

stripped_size() {
	strip -o "$1.stripped" "$1" && stat -c %s "$1.stripped"
}

is_small() {
	local binary=$1 limit=$2 size

	size=$(stripped_size "$binary") && is_static_pie "$binary" || return
	[ "$size" -le "$limit" ] || fail "$size bytes stripped, more than $limit"
}

runs() { [[ $("$1" version) == 'vmtool '[0-9]* ]]; }

# build NAME TREE ARCH CONFIG [MAKE_ARG]...: CONFIG may end in +static, and be random:SEED.
# What is in NAME's directory from another configuration is made use of: all that does not
# depend on what differs.
build() {
	local name=$1 x=$2 arch=$3 config=$4 static=
	shift 4

	[[ $config != *+static ]] || static=y config=${config%+static}
	set -- "$x" "$name" ARCH="$arch" KBUILD_O="$(kbuild_of "$x-$arch")" "$@"
	case $config in
	random:*) KCONFIG_SEED=${config#*:} vmtool_make "$@" randconfig >/dev/null ;;
	*) vmtool_make "$@" "$config" >/dev/null ;;
	esac || return
	if [ "$static" ]; then
		echo CONFIG_STATIC=y >> "$dir/$name/.config"
		vmtool_make "$@" olddefconfig >/dev/null || return
	fi
	vmtool_make "$@" >/dev/null || return
	[ ! "$static" ] || is_static_pie "$dir/$name/vmtool"
}

build_native() { build "$1" "$2" x86 "${@:3}" && runs "$dir/$1/vmtool"; }

build_tiny() {
	local name=$1 limit=$2
	shift 2

	build_native "$name" "$@" && is_small "$dir/$name/vmtool" "$limit"
}

cross() {
	local name=$1 x=$2 arch=$3 prefix=$4 machine=$5
	shift 5

	build "$name" "$x" "$arch" defconfig CROSS_COMPILE="$prefix" "$@" &&
	readelf -h "$dir/$name/vmtool" | grep -q "Machine:.*$machine"
}

matrix() {
	local x cc seed

	rm -rf "${dir:?}"/6.1* "$dir/promise"
	for x in 6.1 6.12; do
		for cc in gcc clang; do
			ktap_test "$x $cc" build_native "$x-$cc" $x defconfig CC=$cc
			ktap_test "$x $cc static" build_native "$x-$cc" $x \
				defconfig+static CC=$cc
		done
		ktap_test "$x musl" build_native "$x-musl" $x defconfig CC=musl-gcc
		ktap_test "$x tiny, musl" build_tiny "$x-tiny-musl" $TINY_MUSL $x \
			tinyconfig CC=musl-gcc
		ktap_test "$x tiny, glibc" build_tiny "$x-tiny" $TINY_GLIBC $x tinyconfig
		ktap_test "$x allyesconfig" build_native "$x-gcc" $x allyesconfig CC=gcc
		ktap_test "$x allnoconfig" build_native "$x-clang" $x allnoconfig CC=clang
		ktap_test "$x arm64" cross "$x-arm64" $x arm64 aarch64-linux-gnu- AArch64
		ktap_test "$x powerpc" cross "$x-powerpc" $x powerpc \
			powerpc64le-linux-gnu- PowerPC64
	done
	# The tree's Makefile looks beside gcc for what clang needs: not where ccache's is.
	PATH=${PATH#/usr/lib/ccache:} \
	ktap_test "6.12 arm64 clang" cross 6.12-arm64-clang 6.12 arm64 aarch64-linux-gnu- \
		AArch64 CC=clang
	for seed in $RANDOM_SEEDS; do
		[ "$cc" = gcc ] && cc=clang || cc=gcc
		[ "$x" = 6.1 ] && x=6.12 || x=6.1
		ktap_test "$x random configuration $seed" build_native "$x-$cc" "$x" \
			"random:$seed" CC=$cc
	done
}

# What it is that is built does not matter: the least there is, in O=$1.
tiny_in() {
	mkdir -p "$1" && cp "$dir/6.1-tiny/.config" "$1"
}

# ---- what the Makefile promises

promise() {
	vmtool_make 6.1 promise KBUILD_O="$(kbuild_of 6.1-x86)" "$@"
}

# Only what is printed tells that something has been made.
nothing_to_do() {
	local said

	said=$(promise) || return
	[ ! "$said" ] || fail "made again: $said"
}

test_noop() {
	promise >/dev/null && nothing_to_do
}

has_symbol() { nm "$dir/promise/vmtool" | grep -qw "$1"; }

# What depends on a symbol is made again when it changes, and only that.
test_config_change() {
	local said

	promise >/dev/null && has_symbol pvpanic_create || return
	sed -i 's/^CONFIG_PVPANIC=y/# CONFIG_PVPANIC is not set/' "$dir/promise/.config"
	said=$(promise) || return
	! has_symbol pvpanic_create || fail "pvpanic is still there" || return
	[[ $said != *decompress-gzip.o* ]] || [[ $said == *hw/* ]] || fail "$said" || return
	nothing_to_do || return
	promise defconfig >/dev/null && promise >/dev/null && has_symbol pvpanic_create
}

# A copy of the sources: the checkout itself is never touched.
copy_source() {
	rm -rf "${1:?}" && mkdir -p "$1" && tar -C "$top" -cf - --exclude=./.git \
		--exclude=./vmtool --exclude='*.o' . | tar -C "$1" -xf -
}

test_kconfig_change() {
	local src=$dir/copy

	copy_source "$src" && tiny_in "$dir/kconfig" &&
	make -C "$src" KDIR="$(tree 6.1)" KBUILD_O="$(kbuild_of 6.1-x86)" \
		O="$dir/kconfig" >/dev/null || return
	printf '\nconfig PROBE\n\tdef_bool y\n' >> "$src/Kconfig"
	make -C "$src" KDIR="$(tree 6.1)" KBUILD_O="$(kbuild_of 6.1-x86)" \
		O="$dir/kconfig" >/dev/null || return
	grep -q '^CONFIG_PROBE=y' "$dir/kconfig/include/config/auto.conf"
}

# One build directory for one thing after another.
test_switch() {
	local how

	rm -rf "$dir/switch" && tiny_in "$dir/switch" || return
	for how in '6.1 CC=gcc' '6.1 CC=clang' '6.12 CC=clang' \
	    '6.12 ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-' '6.1 CC=musl-gcc' '6.1 CC=gcc'; do
		# shellcheck disable=SC2086
		set -- $how
		vmtool_make "$1" switch "${@:2}" >/dev/null || fail "$how" || return
		[[ $how == *arm64* ]] || runs "$dir/switch/vmtool" || fail "$how" || return
	done
}

test_targets() {
	local target

	for target in oldconfig olddefconfig listnewconfig helpnewconfig savedefconfig config; do
		promise $target || fail "$target" || return
	done
	[ -e "$dir/promise/defconfig" ] && promise
}

test_install() {
	local to=$dir/install

	rm -rf "$to"
	promise install DESTDIR="$to" prefix=/usr >/dev/null || return
	runs "$to/usr/bin/vmtool" &&
	[ -s "$to/usr/share/bash-completion/completions/vmtool" ] || return
	promise uninstall DESTDIR="$to" prefix=/usr >/dev/null || return
	[ ! "$(find "$to" -type f)" ]
}

test_report() {
	local said

	said=$(promise report) && [[ $said =~ stripped\ ([0-9]+)\ bytes ]] || fail "$said" || return
	[ "${BASH_REMATCH[1]}" -eq "$(stripped_size "$dir/promise/vmtool")" ] &&
	[[ $said == *x86/machine.c* && $said != *arm/unsupported.c* ]]
}

# A tree of links to 6.1's, in which tools/vmtool can be put.
farm() {
	local to=$1 from

	from=$(tree 6.1)
	rm -rf "${to:?}"
	mkdir -p "$to/tools" && ln -s "$from"/* "$to" 2>/dev/null
	ln -s "$from"/tools/* "$to/tools"
}

test_in_tree() {
	farm "$dir/farm" && copy_source "$dir/farm/tools/vmtool" &&
	rm -rf "$dir/clean" && cp -r "$dir/farm/tools/vmtool" "$dir/clean" || return
	(cd "$dir/farm" && make -C tools/vmtool -j2 >/dev/null) &&
	runs "$dir/farm/tools/vmtool/vmtool"
}

# What was there before is there after, and nothing else.
test_mrproper() {
	make -C "$dir/farm/tools/vmtool" mrproper >/dev/null &&
	diff -r "$dir/clean" "$dir/farm/tools/vmtool"
}

test_symlink() {
	rm -rf "$dir/farm/tools/vmtool" "$dir/symlink" && ln -s "$top" "$dir/farm/tools/vmtool" &&
	(cd "$dir/farm" && make -C tools/vmtool O="$dir/symlink" KBUILD_O="$(kbuild_of farm)" \
		-j2 print-srctree) | grep -qx "srctree = $dir/farm"
}

# As tools/Makefile starts it, with one rule added there.
test_top_make() {
	local to=$dir/farm out=$dir/top

	rm -rf "$to/tools/vmtool" "$to/tools/Makefile" "$out"
	copy_source "$to/tools/vmtool" && cp "$(tree 6.1)/tools/Makefile" "$to/tools" || return
	# shellcheck disable=SC2016
	printf '\nvmtool: FORCE\n\t$(call descend,$@)\n' >> "$to/tools/Makefile"
	tiny_in "$out/tools/vmtool" && cd "$to" && make O="$out" tinyconfig >/dev/null &&
	make O="$out" -j2 tools/vmtool >/dev/null && runs "$out/tools/vmtool/vmtool"
}

# Sources and tree that cannot be written to, in a mount namespace of their own.
test_read_only() {
	unshare --mount --propagation private true 2>/dev/null || {
		echo "no right to mount here"
		return "$KTAP_SKIP"
	}
	rm -rf "$dir/read-only"
	unshare --mount --propagation private bash -c '
		for dir in "$1" "$2"; do
			mount --bind "$dir" "$dir" && mount -o remount,bind,ro "$dir" || exit
		done
		! touch "$1/probe" "$2/probe" 2>/dev/null || exit
		mount -t tmpfs tmpfs "$3" && mkdir "$3/out" && cp "$4" "$3/out" &&
		make -C "$1" KDIR="$2" O="$3/out" -j2 >/dev/null &&
		"$3/out/vmtool" version' - "$top" "$(tree 6.1)" "$(mktemp -d -p "$dir")" \
			"$dir/6.1-tiny/.config"
}

# error_says WORDS COMMAND...: it fails and says so in one line.
error_says() {
	local words=$1 said
	shift

	said=$("$@" 2>&1 >/dev/null) && { fail "no error"; return; }
	grep -q "$words" <<< "$said" || fail "$said"
}

test_no_tree() {
	copy_source "$dir/copy" &&
	error_says 'no kernel tree' env -u KDIR -C "$dir" XDG_CACHE_HOME=/nonexistent \
		make -C "$dir/copy"
}

test_bad_arch() {
	error_says 'knows nothing of ARCH=alpha' vmtool_make 6.1 bad ARCH=alpha
}

# make goes where a link leads, so those on the way to the selftests are none.
test_kselftest() {
	local to=$dir/farm/tools target=../../vmtool/tests

	farm "$dir/farm" && copy_source "$to/vmtool" && rm "$to/testing" &&
	mkdir -p "$to/testing/selftests" &&
	ln -s "$(tree 6.1)"/tools/testing/selftests/* "$to/testing/selftests" &&
	make -C "$to/testing/selftests" TARGETS=$target -j2 all >/dev/null &&
	runs "$to/vmtool/vmtool" && [ -x "$to/vmtool/tests/unit/size_test" ] &&
	make -C "$to/vmtool/tests" -s COLLECTION=vmtool emit_tests | grep -qx vmtool:size_test
}

matrix
ktap_test "nothing to do, nothing done" test_noop
ktap_test "a changed .config" test_config_change
ktap_test "a changed Kconfig" test_kconfig_change
ktap_test "one directory for several compilers, trees, architectures" test_switch
ktap_test "configuration targets" test_targets
ktap_test "install, uninstall" test_install
ktap_test "report" test_report
ktap_test "in a tree" test_in_tree
ktap_test "mrproper" test_mrproper
ktap_test "in a tree, by a symlink" test_symlink
ktap_test "by the kernel's Makefile" test_top_make
ktap_test "read-only tree and sources" test_read_only
ktap_test "no tree" test_no_tree
ktap_test "unknown architecture" test_bad_arch
ktap_test "kselftest" test_kselftest
ktap_end
