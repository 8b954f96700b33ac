# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Text of Documentation/benchmarks.rst. Sourced.

# bench_section TITLE: with the text from standard input.
bench_section() {
	printf '%s\n%s\n\n' "$1" "${1//?/=}"
	cat
}

# bench_table: a simple table of lines whose cells are separated by |, the first of
# them the head.
bench_table() {
	awk -F'|' '{
		for (i = 1; i <= NF; i++) {
			cell[NR, i] = $i
			if (length($i) > width[i])
				width[i] = length($i)
		}
		nf = NF > nf ? NF : nf
	}
	function rule(i, s, line) {
		line = ""
		for (i = 1; i <= nf; i++) {
			s = sprintf("%*s", width[i], "")
			gsub(/ /, "=", s)
			line = line (i > 1 ? "  " : "") s
		}
		print line
	}
	function number(s) { return s ~ /^-?[0-9]*([.][0-9]+)?$/ }
	END {
		print ""
		rule()
		for (r = 1; r <= NR; r++) {
			line = ""
			for (i = 1; i <= nf; i++)
				line = line sprintf((i > 1 ? "  " : "") (number(cell[r, i]) ? "%*s" : "%-*s"),
						    width[i], cell[r, i])
			sub(/ +$/, "", line)
			print line
			if (r == 1)
				rule()
		}
		rule()
		print ""
	}'
}
