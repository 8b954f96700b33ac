#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# have-lib.sh CC PKG_CONFIG STATIC HEADER LIBNAME [PKGNAME]
#	succeeds when CC finds HEADER and links LIBNAME, statically if STATIC is y
# have-lib.sh --libs CC PKG_CONFIG STATIC HEADER LIBNAME [PKGNAME]
#	prints the linker flags for it; STATIC "prefer" is the archive where there is one,
#	within a program that is linked with the C library's shared object
#
# Only a link with the compiler in use tells: pkg-config answers for this
# machine, also when musl-gcc or a cross compiler was asked for. CC and
# PKG_CONFIG may carry options of their own.

print=
if [ "$1" = --libs ]; then
	print=y
	shift
fi
if [ $# -lt 5 ] || [ $# -gt 6 ]; then
	echo "usage: ${0##*/} [--libs] CC PKG_CONFIG STATIC HEADER LIBNAME [PKGNAME]" >&2
	exit 2
fi
cc=$1 pkg_config=$2 static=$3 header=$4 lib=$5 pkg=${6-}

prefer=''
show=''
[ "$static" != prefer ] || prefer=y
[ "$static" = y ] || static=

libs=
if [ "$pkg" ] && [ "$pkg_config" ]; then
	# shellcheck disable=SC2086
	libs=$($pkg_config --libs ${static:+--static} "$pkg" 2>/dev/null) || libs=
fi
libs=${libs:--l$lib}

# The archive of each, if the compiler finds one: then its name has directories.
archives() {
	for flag; do
		case $flag in
		-l*)
			# shellcheck disable=SC2086
			case $($cc -print-file-name="lib${flag#-l}.a") in
			*/*) flag="-Wl,-Bstatic $flag -Wl,-Bdynamic" ;;
			esac ;;
		esac
		printf '%s ' "$flag"
	done
	echo
}

if [ "$print" ]; then
	[ ! "$prefer" ] || show=archives
	# shellcheck disable=SC2086
	${show:-echo} $libs
	exit
fi

# shellcheck disable=SC2086
printf '#include <%s>\nint main(void)\n{\n\treturn 0;\n}\n' "$header" |
	$cc ${static:+-static} -x c - -o /dev/null $libs >/dev/null 2>&1
