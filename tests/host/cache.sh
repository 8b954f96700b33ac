# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2015,SC2030,SC2031
#
# What the tests need and a machine may lack: packages, kernel sources, foreign
# packages, Debian's kernels and small kernels of our own. Source this file;
# each function fetches or builds once, prints where the result is, and is a
# matter of milliseconds from then on.
#
# Results appear by rename and each has a lock, so any number of callers may
# run at the same time and an interrupted one leaves nothing half made. Work
# goes on in $CACHE/tmp, where what a killed owner left is removed by the next.

CACHE=${XDG_CACHE_HOME:-${HOME:?}/.cache}/vmtool

CACHE_MIRROR=http://deb.debian.org

# depmod and modprobe, for users other than root.
PATH=$PATH:/usr/sbin:/sbin

cache_say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

# A line after two seconds; on a terminal the seconds are counted as well.
cache_ticker() {
	local text=$1 parent=$2 start=$SECONDS mark='-\|/' tty=

	[ -t 2 ] && tty=y
	# Reading a pipe that stays silent is a sleep that leaves no child behind.
	exec 8<> <(:)
	read -rt 2 -u 8
	[ "$tty" ] || cache_say "$text"
	while kill -0 "$parent" 2>/dev/null; do
		[ "$tty" ] && printf '\r\033[K%s %s: %s (%d s)' "${mark:SECONDS%4:1}" \
			"${0##*/}" "$text" $((SECONDS - start)) >&2
		read -rt 1 -u 8
	done
}

# cache_step TEXT COMMAND...: runs COMMAND silently; its status is returned, and
# when that is not 0 the end of what it said is shown.
cache_step() {
	local text=$1 log status ticker
	shift

	mkdir -p "$CACHE/log" || return
	log=$(mktemp "$CACHE/log/step.XXXXXX") || return
	cache_ticker "$text" $BASHPID >/dev/null 9>&- &
	ticker=$!
	"$@" >"$log" 2>&1 </dev/null
	status=$?
	kill $ticker 2>/dev/null
	wait $ticker 2>/dev/null
	[ -t 2 ] && printf '\r\033[K' >&2
	if [ $status -ne 0 ]; then
		tail -n 20 "$log" >&2
		mv -f "$log" "$CACHE/log/failed"
		cache_say "$text failed; the whole log is $CACHE/log/failed"
	else
		rm -f "$log"
	fi
	return $status
}

# cache_locked NAME COMMAND...: one at a time for each NAME. COMMAND finds an
# empty directory of its own in $CACHE_TMP, gone when it is done.
cache_locked() {
	local name=$1 status
	shift

	mkdir -p "$CACHE/lock" "$CACHE/tmp" || return
	(
		if ! flock -w 2 9; then
			cache_say "waiting for another process that works on $name"
			flock 9 || exit
		fi
		rm -rf "$CACHE/tmp/$name".*
		CACHE_TMP=$(mktemp -d "$CACHE/tmp/$name.XXXXXX") || exit
		chmod 755 "$CACHE_TMP"
		"$@"
		status=$?
		rm -rf "$CACHE_TMP"
		exit $status
	) 9>"$CACHE/lock/$name"
}

# cache_once NAME PATH COMMAND...: COMMAND unless PATH is there, asked again
# once the lock is held. COMMAND makes PATH by a rename.
cache_once() {
	local name=$1 path=$2
	shift 2

	[ -e "$path" ] || cache_locked "$name" cache_unless "$path" "$@"
}

cache_unless() {
	local path=$1
	shift

	[ -e "$path" ] || "$@"
}

# The packages of "$@" that are not installed, one a line.
cache_missing() {
	local have pkg

	have=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null)
	for pkg in "$@"; do
		[[ $'\n'$have$'\n' == *$'\n'"$pkg installed"$'\n'* ]] || echo "$pkg"
	done
}

cache_apt_install() {
	local opts=(-q -y --no-install-recommends -o DPkg::Lock::Timeout=600)

	export DEBIAN_FRONTEND=noninteractive
	# A daemon that a package starts must not keep our lock.
	apt-get install "${opts[@]}" "$@" 9>&- && return
	# No index yet, or one that names versions the mirror has dropped.
	apt-get update -q && apt-get install "${opts[@]}" "$@" 9>&-
}

cache_packages_locked() {
	local missing

	mapfile -t missing < <(cache_missing "$@")
	[ ${#missing[@]} -eq 0 ] ||
		cache_step "installing ${missing[*]}" cache_apt_install "${missing[@]}"
}

# cache_packages PACKAGE...: sees to it that they are installed on this machine.
cache_packages() {
	local missing

	mapfile -t missing < <(cache_missing "$@")
	[ ${#missing[@]} -eq 0 ] && return
	if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
		cache_say "not installed: ${missing[*]}; install them, or run this as root on Debian"
		return 1
	fi
	cache_locked packages cache_packages_locked "$@"
}

# cache_tool COMMAND [PACKAGE...]: the packages (by default the one that is named like
# it), unless COMMAND is there already.
cache_tool() {
	local tool=$1

	[ $# -eq 1 ] || shift
	command -v "$tool" >/dev/null || cache_packages "$@"
}

# ---- kernel sources

cache_unpack_source() {
	local x=$1 version=$2 dir=$CACHE/linux-source-$1

	cache_step "unpacking linux-source-$x $version" \
		tar -xf "/usr/src/linux-source-$x.tar.xz" -C "$CACHE_TMP" || return
	[ ! -d "$dir" ] || mv "$dir" "$CACHE_TMP/old" || return
	mv "$CACHE_TMP/linux-source-$x" "$dir" && echo "$version" > "$dir.version"
}

cache_source_locked() {
	local x=$1 version=$2 dir=$CACHE/linux-source-$1

	# A tree without a stamp was unpacked by hand: take it for what it is.
	if [ -d "$dir" ] && [ ! -e "$dir.version" ]; then
		echo "$version" > "$dir.version"
		return
	fi
	[ -d "$dir" ] && [ "$(<"$dir.version")" = "$version" ] ||
		cache_unpack_source "$x" "$version"
}

# cache_source 6.1|6.12: prints the directory of Debian's kernel source, which
# is shared: build with O= and write nothing into it.
cache_source() {
	local x=$1 dir=$CACHE/linux-source-$1 version

	cache_packages "linux-source-$x" xz-utils || return
	version=$(dpkg-query -W -f '${Version}' "linux-source-$x") || return
	if ! [ -d "$dir" ] || ! [ -e "$dir.version" ] ||
	   [ "$(<"$dir.version")" != "$version" ]; then
		cache_locked "source-$x" cache_source_locked "$x" "$version" || return
	fi
	echo "$dir"
}

# ---- Debian packages of any architecture, unpacked and never installed

cache_key() {
	local key=/usr/share/keyrings/debian-archive-keyring.gpg

	[ ! -e $key ] || echo "[signed-by=$key]"
}

cache_os_release() { sed -n "s/^$1=//p" /etc/os-release | tr -d '"'; }

# Sources for a private apt: this machine's own Debian mirrors, or Debian's.
cache_sources() {
	local suite=bookworm key

	key=$(cache_key)
	[ "$(cache_os_release ID)" = debian ] && suite=$(cache_os_release VERSION_CODENAME)
	case $1 in
	host)
		env -u APT_CONFIG apt-get indextargets \
			--format "\$(LABEL)|deb $key \$(REPO_URI) \$(RELEASE) \$(COMPONENT)" \
			'Created-By: Packages' | sed -n 's/^Debian[^|]*|//p' | sort -u ;;
	all)
		cache_sources main
		echo "deb $key $CACHE_MIRROR/debian-security $suite-security main" ;;
	main)
		echo "deb $key $CACHE_MIRROR/debian $suite main" ;;
	esac
}

# Three sets of sources in turn: a mirror of this machine may lack the
# architecture, and the security suite's foreign indices are broken at times.
cache_apt_update() {
	local dir=$1 set

	for set in host all main; do
		cache_sources $set > "$dir/sources.list"
		[ -s "$dir/sources.list" ] &&
			apt-get update -q -o APT::Update::Error-Mode=any && return
		rm -rf "$dir/lists"
		mkdir -p "$dir/lists/partial"
	done
	return 1
}

# Makes an apt for ARCH alone, which knows nothing of what is installed here.
cache_apt_setup() {
	local arch=$1 dir=$CACHE/apt/$1

	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial" || return
	: > "$dir/status"
	cat > "$dir/apt.conf" <<-END
		APT::Architecture "$arch";
		APT::Architectures { "$arch"; };
		APT::Sandbox::User "root";
		Acquire::Languages "none";
		Dir::State "$dir";
		Dir::State::lists "$dir/lists";
		Dir::State::status "$dir/status";
		Dir::Cache "$dir/cache";
		Dir::Etc::sourcelist "$dir/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::Etc::preferences "/dev/null";
		Dir::Etc::preferencesparts "/dev/null";
	END
}

# A kernel's metapackage stands for the package of the newest version.
cache_resolve() {
	local pkg=$1 dep=

	[[ $pkg == linux-image-* ]] &&
		dep=$(apt-cache depends --important "$pkg" |
		      awk '$1 == "Depends:" && $2 ~ /^linux-image-/ { print $2; exit }')
	echo "${dep:-$pkg}"
}

cache_download() {
	cd "$CACHE_TMP" && apt-get download -q "$(cache_resolve "$1")"
}

cache_fetch() {
	local arch=$1 pkg=$2 dir=$CACHE/apt/$1

	cache_apt_setup "$arch" || return
	export APT_CONFIG=$dir/apt.conf
	# An old index names versions that the mirror has dropped since.
	[ -e "$dir/updated" ] && (cache_download "$pkg") && return
	cache_apt_update "$dir" && : > "$dir/updated" && (cache_download "$pkg")
}

# cache_unpack ARCH PKG [COMMAND]: COMMAND is given the unpacked directory before
# it gets its place.
cache_unpack() {
	local arch=$1 pkg=$2 finish=${3:-true} dir=$CACHE/debian/$1/$2

	# One apt a time for each architecture: its index is shared.
	(flock 9 && cache_step "fetching $pkg ($arch)" cache_fetch "$arch" "$pkg") \
		9>"$CACHE/lock/apt-$arch" || return
	cache_step "unpacking $pkg ($arch)" \
		dpkg -x "$CACHE_TMP"/*.deb "$CACHE_TMP/root" || return
	"$finish" "$CACHE_TMP/root" && mkdir -p "${dir%/*}" && mv "$CACHE_TMP/root" "$dir"
}

# cache_deb ARCH PKG...: prints the directory each package is unpacked in.
cache_deb() {
	local arch=$1 pkg
	shift

	for pkg in "$@"; do
		cache_once "deb-$arch-$pkg" "$CACHE/debian/$arch/$pkg" \
			cache_unpack "$arch" "$pkg" || return
		echo "$CACHE/debian/$arch/$pkg"
	done
}

# cache_debian_arch x86|arm|powerpc: Debian's name of it.
cache_debian_arch() {
	case $1 in
	x86) echo amd64 ;;
	arm) echo arm64 ;;
	powerpc) echo ppc64el ;;
	*) return 1 ;;
	esac
}

# cache_triple x86|arm|powerpc: what its compiler's name begins with.
cache_triple() {
	case $1 in
	x86) echo x86_64-linux-gnu ;;
	arm) echo aarch64-linux-gnu ;;
	powerpc) echo powerpc64le-linux-gnu ;;
	*) return 1 ;;
	esac
}

# The number in the header of bzImage $1 at offset $2, of $3 bytes.
cache_bzimage_field() { od -An -tu"$3" -j"$2" -N"$3" "$1" | tr -d ' '; }

# Writes the ELF file that is a bzImage's payload.
cache_bzimage_payload() {
	local image=$1 start size magic cmd

	start=$(((1 + $(cache_bzimage_field "$image" 0x1f1 1)) * 512 +
		 $(cache_bzimage_field "$image" 0x248 4)))
	size=$(cache_bzimage_field "$image" 0x24c 4)
	magic=$(od -An -tx1 -j$start -N4 "$image")
	# All but gzip's are followed by 4 bytes of the kernel's own, their size.
	case $magic in
	' fd 37 7a 58') cmd=xz size=$((size - 4)) ;;
	' 28 b5 2f fd') cmd=zstd size=$((size - 4)) ;;
	' 1f 8b '*) cmd=gzip ;;
	*) cache_say "$image: payload of an unknown kind"; return 1 ;;
	esac
	cache_tool $cmd "${cmd/%xz/xz-utils}" || return
	tail -c +$((start + 1)) "$image" | head -c "$size" | $cmd -dc
	[ "${PIPESTATUS[2]}" -eq 0 ]
}

cache_finish_kernel() {
	local root=$1 release

	release=$(ls "$root/lib/modules") || return
	depmod -b "$root" "$release" || return
	ln -s "boot/$(cd "$root/boot" && ls vmlinu[xz]-*)" "$root/vmlinuz" || return
	# Inflating it under emulation would take seconds at each start.
	case $release in
	*-amd64) cache_bzimage_payload "$root/vmlinuz" > "$root/vmlinux" || return ;;
	*) ln -s vmlinuz "$root/vmlinux" ;;
	esac
	echo "$release" > "$root/release"
}

# cache_debian_kernel x86|arm|powerpc: prints the directory of Debian's newest
# kernel there: vmlinuz (the package's image), vmlinux (not compressed),
# release (its version in a file) and lib/modules.
cache_debian_kernel() {
	local arch pkg

	arch=$(cache_debian_arch "$1") || return
	pkg=linux-image-${arch/ppc64el/powerpc64le}
	if ! [ -e "$CACHE/debian/$arch/$pkg" ]; then
		cache_tool depmod kmod || return
		cache_once "deb-$arch-$pkg" "$CACHE/debian/$arch/$pkg" \
			cache_unpack "$arch" "$pkg" cache_finish_kernel || return
	fi
	echo "$CACHE/debian/$arch/$pkg"
}

# ---- programs

# cache_program x86|arm|powerpc FILE.c: prints the static program made of it, for
# this machine or another. What it includes of its own lies beside it.
cache_program() {
	local arch=$1 src=$2 debian triple cc

	debian=$(cache_debian_arch "$arch") && triple=$(cache_triple "$arch") || return
	if [ "$arch" = "$(cache_native)" ]; then
		cc=gcc
		cache_tool $cc gcc libc6-dev || return
	else
		cc=$triple-gcc
		cache_tool "$cc" "gcc-${triple/_/-}" "libc6-dev-$debian-cross" || return
	fi
	cache_compiled "$src" "$debian" "$cc" -static
}

# cache_preload FILE.c: prints the shared object made of it, for this machine.
cache_preload() {
	cache_tool gcc gcc libc6-dev || return
	cache_compiled "$1" preload gcc -shared -fPIC
}

# cache_compiled FILE.c SUFFIX CC OPTION...: prints what it is compiled to.
cache_compiled() {
	local src=$1 suffix=$2 hash out

	shift 2
	hash=$(cat "$src" "${src%/*}"/*.h | sha1sum) || return
	out=$CACHE/bin/$(basename "$src" .c)-$suffix-${hash:0:12}
	cache_once "${out##*/}" "$out" cache_compile "$src" "$out" "$@" || return
	echo "$out"
}

cache_compile() {
	local src=$1 out=$2

	shift 2
	cache_step "compiling ${src##*/}" "$@" -O2 -Wall -Wextra -D_GNU_SOURCE \
		-o "$CACHE_TMP/out" "$src" || return
	mkdir -p "${out%/*}" && mv "$CACHE_TMP/out" "$out"
}

# The architecture of this machine, as the source tree calls it.
cache_native() {
	case $(uname -m) in
	x86_64) echo x86 ;;
	aarch64) echo arm ;;
	ppc64le) echo powerpc ;;
	*) uname -m ;;
	esac
}
