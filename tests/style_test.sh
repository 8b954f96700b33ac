#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# style_test.sh [DIR]: the rules on what sources look like. What has to be compiled
# for that is built below DIR.

set -u

here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd) || exit 1
top=${here%/*}
. "$here/host/cache.sh" || exit 1
. "$here/ktap.sh" || exit 1

MAX_LINES=750
LICENSE='SPDX-''License-Identifier: GPL-2.0'
TREES='6.1 6.12'

# What checkpatch.pl asks for and a program cannot give, or misunderstands:
# - user space has handlers of signals, no strscpy(), and ENOSYS is a return value
#   of ours; constant arrays that an architecture defines are not static;
# - the names of functions and files are words as well.
NOT_FOR_US=VOLATILE,STRCPY,ENOSYS,STATIC_CONST_CHAR_ARRAY,EMBEDDED_FUNCTION_NAME
NOT_FOR_US+=,EMBEDDED_FILENAME,REPEATED_WORD,CONFIG_DESCRIPTION,FILE_PATH_CHANGES
# Of the test harness's macros it makes nothing; tables of CPUID are wide.
NOT_FOR_TESTS=$NOT_FOR_US,SPACING,COMPLEX_MACRO,MACRO_ARG_REUSE,MACRO_ARG_PRECEDENCE,STRING_FRAGMENTS
# Libraries have names of their own kind.
FOREIGN_NAMES='<(LLVMFuzzer|Elf64_|_Alignas|_Noreturn|ZSTD_|LZ4F?_|BZ2_|inflate|deflate|Bytef|XXH3_|XXH128_)'

dir=${1-}
if [ ! "$dir" ]; then
	dir=$(mktemp -d) || exit
	trap 'rm -rf "$dir"' EXIT
fi
mkdir -p "$dir" && dir=$(cd "$dir" && pwd) && cd "$top" || exit

fail() {
	echo "$*"
	return 1
}

# no_output COMMAND...: whatever it says is a fault.
no_output() {
	local said

	said=$("$@" 2>&1)
	[ ! "$said" ] || fail "$said"
}

# The files of the project, those not committed yet too.
list_files() {
	local file

	if ! git -c safe.directory="$top" ls-files -co --exclude-standard 2>/dev/null; then
		find . -name .git -prune -o -type f -print | sed 's|^\./||'
	fi | grep -v '^tests/fuzz/corpus/' |
	while read -r file; do
		# One that was removed and not committed yet.
		[ ! -e "$file" ] || echo "$file"
	done
}

c_files() { list_files | grep '\.[ch]$'; }
unit_files() { c_files | grep '^tests/unit/'; }
tool_files() { c_files | grep -v '^tests/unit/'; }
headers() { list_files | grep '^include/.*\.h$'; }
build_files() { list_files | grep -E '(^|/)(Kconfig|Makefile|Build)$'; }

# Files without a suffix may be scripts.
shell_files() {
	local file line

	list_files | while read -r file; do
		case $file in
		*.sh) echo "$file" ;;
		*.*) ;;
		*)
			read -r line < "$file" 2>/dev/null
			[[ $line == '#!'*sh ]] && echo "$file" ;;
		esac
	done
}

# ---- the rules

# checkpatch.pl keeps a cache in the directory it runs in, looks for names in CamelCase
# in its tree even if there is none, and thinks that all scripts can fold lines.
checkpatch() {
	local x=$1 columns=$2 ignore=$3 files
	shift 3

	mapfile -t files < <("$@")
	(cd "$dir" && "$CACHE/linux-source-$x/scripts/checkpatch.pl" --strict --no-tree --terse \
		--no-summary --show-types --ignore "$ignore" --max-line-length="$columns" \
		-f "${files[@]/#/$top/}" 2>&1) |
		grep -vE "$FOREIGN_NAMES|^Use of uninitialized value \\\$root|^find: ./include"
}

kernel_doc() {
	local files

	mapfile -t files < <(headers)
	"$CACHE/linux-source-$1/scripts/kernel-doc" -none "${files[@]}"
}

# Functions that a public header declares, and that have no kernel-doc there.
undocumented() {
	local header name

	for header in $(headers); do
		sed -n -e '/^typedef/d' -e 's/^[a-z_][a-z0-9_ *]*[ *]\([a-z0-9_]*\)(.*/\1/p' "$header" |
		while read -r name; do
			grep -qE "^(/\*\*| \*) $name\(\) - " "$header" || echo "$header: $name()"
		done
	done
}

vmtool_make() {
	make -C "$top" --no-print-directory KDIR="$CACHE/linux-source-$1" \
		O="$dir/build-$1" KBUILD_O="${KBUILD_DIR:-$dir}/kbuild-$1-x86" -j2 "${@:2}"
}

# Of the system's headers some are too much for sparse.
sparse_says() {
	vmtool_make "$1" C=1 2>&1 | grep -E '(warning|error|Error)[: ]' | grep -v '^/usr/'
}

# Too noisy for every day, and yet worth a look.
more_warnings() {
	local flags='-Wvla -Walloca -Wduplicated-cond -Wlogical-op -Wcast-align'

	flags+=' -Wimplicit-fallthrough -Wunused-macros -Wstrict-overflow=1 -Wtrampolines'
	vmtool_make 6.1 EXTRA_CFLAGS="$flags" >/dev/null
}

# In a vmtool with everything, code that is never reached but by tests, if at all.
unused_code() {
	local name

	vmtool_make 6.12 EXTRA_LDFLAGS=-Wl,--print-gc-sections 2>&1 |
		sed -n "s/.*unused section '\.text\.\([^']*\)'.*libvmtool-in.o.*/\1/p" |
	while read -r name; do
		# Ours, and called nowhere: else it was inlined, or is for tests.
		[ "$(list_files | grep '\.c$' | xargs grep -hw "$name" | wc -l)" -ne 1 ] ||
			echo "$name()"
	done
}

# Figures and texts have no place for one.
no_license() {
	local file

	list_files | grep -vE '\.(md|txt|config|json)$|(^|/)Build$' |
	while read -r file; do
		head -n 2 "$file" | grep -qF "$LICENSE" || echo "$file"
	done
}

too_long() {
	list_files | grep -vE '\.(rst|md)$' | xargs wc -l |
		awk -v max=$MAX_LINES '$2 != "total" && $1 > max { print $2 ": " $1 " lines" }'
}

whitespace() {
	list_files | xargs grep -nIE '[[:blank:]]$'
}

arch_in_generic() {
	c_files | grep -vE '^(x86|arm|powerpc|tests)/' |
		xargs grep -nE 'CONFIG_(X86|ARM|PPC)|__(x86_64|i386|aarch64|arm|powerpc(64)?)__'
}

bash_syntax() {
	local file

	shell_files | while read -r file; do
		bash -n "$file"
	done
}

shell_check() {
	command -v shellcheck >/dev/null || {
		echo "shellcheck is not installed"
		return "$KTAP_SKIP"
	}
	# It does not follow what is sourced, and takes a comma or a stdin for a mistake.
	# shellcheck disable=SC2046
	shellcheck -S warning -e SC1090,SC2034,SC2044,SC2054,SC2154,SC2217 $(shell_files)
}

for x in $TREES; do
	cache_source "$x" >/dev/null || exit 1
	ktap_test "checkpatch of $x, C" no_output checkpatch "$x" 100 "$NOT_FOR_US" tool_files
	ktap_test "checkpatch of $x, unit tests" \
		no_output checkpatch "$x" 110 "$NOT_FOR_TESTS" unit_files
	ktap_test "checkpatch of $x, scripts" \
		no_output checkpatch "$x" 120 "$NOT_FOR_US" shell_files
	ktap_test "checkpatch of $x, build files" \
		no_output checkpatch "$x" 100 "$NOT_FOR_US" build_files
	ktap_test "kernel-doc of $x" no_output kernel_doc "$x"
	ktap_test "sparse, $x" no_output sparse_says "$x"
done
ktap_test "public functions have kernel-doc" no_output undocumented
ktap_test "more compiler warnings" more_warnings
ktap_test "no unused code" no_output unused_code
ktap_test "licence in each file" no_output no_license
ktap_test "no file of more than $MAX_LINES lines" no_output too_long
ktap_test "no blank at the end of a line" no_output whitespace
ktap_test "no architecture in generic folders" no_output arch_in_generic
ktap_test "scripts: syntax" no_output bash_syntax
ktap_test "scripts: shellcheck" shell_check
ktap_end
