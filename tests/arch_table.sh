#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# arch_table.sh RESULTS: prints the table of what works on each architecture, made of
# the results of tests/check; features says what it is made of.
# arch_table.sh RESULTS README: compares it with the one there.

set -u

here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd) || exit 1
begin="<!-- tests.arch_table.sh -->"
end="<!-- end -->"

# cell ARCH PATTERN: yes, no, or - where nothing was tried
cell() {
	local names='^(pass|fail)\t(linux|command|virtio|verdict)/'

	[ "$1" = x86 ] || names="^(pass|fail)\t$1/"
	awk -F'\t' -v names="$names" -v pattern="/$2" '
		$0 ~ names && $2 ~ pattern { n++; bad += $1 == "fail" }
		END { print bad ? "no" : n ? "yes" : "-" }' "$results"
}

table() {
	local what pattern

	echo '| | x86-64 | arm64 | powerpc64le |'
	echo '| --- | --- | --- | --- |'
	while IFS='|' read -r what pattern; do
		[[ $what == '#'* ]] || [ ! "$what" ] || echo "| ${what% } | $(cell x86 "${pattern# }") |" \
			"$(cell arm "${pattern# }") | $(cell powerpc "${pattern# }") |"
	done < "$here/features"
}

[ $# -ge 1 ] && [ $# -le 2 ] || { echo "usage: arch_table.sh RESULTS [README]" >&2; exit 2; }
results=$1
if [ $# = 1 ]; then
	table
else
	diff <(sed -n "/^$begin/,/^$end/p" "$2" | grep '^|') <(table)
fi
