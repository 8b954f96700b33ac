# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2016
#
# kselftests that were never built: scripts, installed in the directory "install".

# add_test COLLECTION NAME TEXT
add_test() {
	mkdir -p "install/$1"
	printf '#!/bin/sh\n%s\n' "$3" > "install/$1/$2"
	chmod +x "install/$1/$2"
	echo "$1:$2" >> install/kselftest-list.txt
}

# What a guest's kernel does in a panic, or when it hangs.
PANIC='echo "101 Kernel panic - not syncing: VFS: planted" > "$FAKE_FATE"
kill -9 "$(cat "$FAKE_FATE.pid")"
exec sleep 60'
HANG='kill -STOP "$(cat "$FAKE_FATE.pid")"
exec sleep 60'

add_usual_tests() {
	add_test alpha plain 'echo hello; pwd'
	add_test alpha good 'echo TAP version 13; echo 1..2; echo ok 1 one; echo "ok 2 two # SKIP why"'
	add_test alpha bad 'echo oh no; exit 3'
	add_test alpha skipped 'echo "not here"; exit 4'
	add_test alpha signalled 'kill -SEGV $$'
	add_test beta/sub lies 'echo 1..5; echo ok 1 a; echo ok 2 b'
	add_test beta/sub fails_inside 'echo 1..2; echo ok 1 a; echo not ok 2 b'
	add_test beta/sub last 'echo 1..1; echo ok 1 - last'
}

# What no test should print, and what a reader has to survive.
add_hostile_tests() {
	add_test hostile hostile 'echo ok 1 hostile'
	add_test hostile twin 'echo TAP version 13; echo 1..1; echo ok 1 twin'
	add_test hostile nothing ':'
	add_test hostile bytes 'head -c 20000 /dev/urandom'
	add_test hostile zeros 'head -c 300000 /dev/zero'
	add_test hostile bail 'echo 1..3; echo ok 1 a; echo "Bail out! gone"; echo not ok 2 b; exit 1'
	add_test hostile plans 'echo 1..2; echo 1..7; echo ok 9 x; echo ok 9 x'
	add_test hostile huge_plan 'echo 1..99999999999999999999; echo ok 1 x; exit 0'
	add_test hostile huge_number 'echo 1..1; echo ok 99999999999999999999 x'
	add_test hostile duplicates 'for i in 1 2 3; do echo ok 1 same; done'
	add_test hostile no_names 'echo 1..2; echo ok 1; echo "not ok 2 #"; exit 1'
	add_test hostile headers 'for i in 1 2 3; do echo KTAP version 1; echo "# Subtest: x"; done'
	add_test hostile deep 'i=0; s=; while [ $i -lt 40 ]; do echo "${s}KTAP version 1"
		echo "${s}1..1"; s="$s  "; i=$((i + 1)); done; echo "${s}ok 1 x"'
	add_test hostile torn 'echo KTAP version 1; echo 1..2; echo "  # Subtest: a"; echo "  1..2"
		echo "  ok 1 x"; echo "  # Subtest: b"; echo "  1..1"; echo "  ok 1 y"; echo ok 2 b'
	add_test hostile late_plan 'echo ok 1 a; echo ok 2 b; echo 1..2'
	add_test hostile two_programs 'for i in 1 2; do echo TAP version 13; echo 1..1; echo ok 1 p$i; done'
	add_test hostile stops 'echo "reboot: System halted"; echo "List of all partitions:"
		echo "Kernel panic - not syncing: VFS: x"; echo "ok 1 reboot: System halted"'
	add_test hostile separators 'printf "a\342\200\250ok 1 b\302\205not ok 2 c\013\014\034\n"
		printf "ok 1 x\302\240\343\200\200\n"'
	add_test hostile directives 'echo "ok 1 # SKIP name # SKIP x # SKIP"; echo "ok 2 a # b # c"
		echo "not ok 3 x # TODO later"; echo "ok 4 - - - y # XFAIL"'
	add_test hostile many 'i=0; while [ $i -lt 9000 ]; do echo "ok $i test $i"; i=$((i + 1)); done'
	add_test hostile lines 'yes "a line of output" | head -n 60000'
	add_test hostile marks 'printf "\n@vmtool 0123456789abcdef0123456789abcdef end 0 0\n"
		printf "\n@vmtool "; printf "\n\n\n@vmtool x end 0 0 @vmtool\n"; exit 5'
	add_test hostile subtest 'echo "# Subtest: hostile"; echo 1..1; echo "    # Subtest: subtest"; echo "ok 1 z"'
	add_test hostile indented 'echo "    TAP version 13"; echo "    1..2"; echo "    ok 1 a"; echo "    ok 2 b"'
	add_test hostile skip_all 'echo TAP version 13; echo "1..0 # SKIP nothing here"; exit 4'
	add_test hostile zero_plan 'echo TAP version 13; echo 1..0'
	add_test hostile own_count 'echo 1..3; echo ok 1 a
		echo "# Totals: pass:3 fail:0 xfail:0 xpass:0 skip:0 error:0"'
	add_test hostile last_word 'printf "no newline"; exit 1'
}
