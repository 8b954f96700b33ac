#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# report.sh OUTPUT [CROSS_COMPILE]
#	prints what the vmtool in OUTPUT was made of: the files compiled, their lines
#	and code, the same for each folder, and the size of the binary
#
# tools/build keeps the command by which each object was made; those tell what is
# part of this vmtool, whatever else lies in OUTPUT.

set -u
export LC_ALL=C

out=${1:?usage: report.sh OUTPUT [CROSS_COMPILE]} cross=${2-}
out=${out%/}/

# The objects of an aggregate, with those of the folders below.
objects() {
	local cmd=${1%/*}/.${1##*/}.cmd object

	sed -n 's/^cmd_[^ ]* := .*-r -o [^ ]* *//p' "$cmd" | tr ' ' '\n' |
	while read -r object; do
		case $object in
		*-in.o) objects "$object" ;;
		*) echo "$object" ;;
		esac
	done
}

source_of() {
	sed -n 's/^source_[^ ]* := //p' "${1%/*}/.${1##*/}.cmd"
}

# Per file: folder, name, lines, bytes of code and data. What comes from the kernel
# tree is shown by its name in there.
files() {
	local object source

	for object in $(objects "${out}vmtool-in.o") $(objects "${out}libvmtool-in.o"); do
		source=$(source_of "$object")
		[ -e "$source" ] || { echo "report: $object: made of what?" >&2; return 1; }
		printf '%s %s %s ' "$(folder "${object#"$out"}")" "${source#*/tools/}" \
			"$(wc -l < "$source")"
		"${cross}size" "$object" | awk 'NR == 2 { print $1, $2 + $3 }'
	done
}

folder() {
	case $1 in
	*/*) echo "${1%%/*}/" ;;
	*) echo ./ ;;
	esac
}

list=$(files) || exit
printf '%-32s %7s %7s %7s\n' file lines text data
sort -k2 <<< "$list" | awk '{ printf "%-32s %7d %7d %7d\n", $2, $3, $4, $5 }'
printf '\n%-32s %7s %7s %7s\n' 'folder (files)' lines text data
awk '{ n[$1]++; l[$1] += $3; t[$1] += $4; d[$1] += $5 }
     END { for (f in n) printf "%-32s %7d %7d %7d\n", f " (" n[f] ")", l[f], t[f], d[f] }' \
	<<< "$list" | sort
awk '{ l += $3; t += $4; d += $5 }
     END { printf "%-32s %7d %7d %7d\n", "total (" NR ")", l, t, d }' <<< "$list"

stripped=$(mktemp) || exit
trap 'rm -f "$stripped"' EXIT
"${cross}strip" -o "$stripped" "${out}vmtool" || exit
printf '\n%s\n' "${out}vmtool"
"${cross}size" "${out}vmtool" |
	awk 'NR == 2 { printf "  text %d, data %d, bss %d bytes\n", $1, $2, $3 }'
printf '  stripped %d bytes (%d KiB)\n' "$(stat -c %s "$stripped")" \
	$((($(stat -c %s "$stripped") + 1023) / 1024))
printf '  libraries: %s\n' "$("${cross}readelf" -d "${out}vmtool" |
	sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p' | paste -sd' ' | grep . || echo none)"
