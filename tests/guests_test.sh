#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The commands that deal with running guests, tried with guests of a few KiB
# (guest/guest.S) on the KVM of the machine that this runs on.

set -u

. "$(dirname "$0")/lib.sh" || exit 1
need_guest

stop_by_button() {
	start_guest polite button,poweroff
	wait_for "the guest" printed polite.out waiting
	vmtool stop polite > out 2> err
	expect 'status of stop' 0 $?
	end_guest 0 "$pid"
	printed polite.out button || fail "no button was pressed"
}
test_case 'stop presses the power button and waits' stop_by_button

stop_refused() {
	start_guest deaf print:up,spin
	wait_for "the guest" printed deaf.out up
	vmtool stop --timeout 1 deaf > out 2> err
	expect 'status of stop' 1 $?
	one_line err && grep -q -- '--force' err || fail "said: $(cat err)"
	vmtool stop --force deaf > out 2> err
	expect 'status of stop --force' 0 $?
	end_guest 125 "$pid"
}
test_case 'stop of a guest that does not listen; --force' stop_refused

grows() { [ "$(stat -c %s runner.out)" -gt "$1" ]; }

# What the guest had printed before may take a while to be written.
settled() {
	local size

	size=$(stat -c %s runner.out)
	sleep 0.5
	! grows "$size"
}

pause_and_resume() {
	local size

	start_guest runner flood:0
	wait_for "output" grep -q ^00000010 runner.out
	vmtool pause runner || fail "no pause"
	vmtool pause runner || fail "no second pause"
	wait_for "the end of the output" settled
	size=$(stat -c %s runner.out)
	vmtool list --json | grep -q '"paused"' || fail "not listed as paused"
	sleep 0.5
	expect 'size of the output' "$size" "$(stat -c %s runner.out)"
	vmtool resume runner || fail "no resume"
	vmtool resume runner || fail "no second resume"
	wait_for "more output" grows "$size"
	vmtool list --json | grep -q '"running"' || fail "not listed as running"
	vmtool stop --force runner || fail "no end"
	end_guest 125 "$pid"
	# It went on where it was.
	awk '{ if ($0 !~ sprintf("^%08x\\.", NR - 1)) exit 1 }' <(head -n -1 runner.out) ||
		fail "lines are missing"
}
test_case 'pause keeps it from running, resume goes on' pause_and_resume

stat_shows() {
	start_guest busy read:d0000000,print:up,spin
	wait_for "the guest" printed busy.out up
	vmtool stat busy > out 2> err || fail "status $?; said: $(cat err)"
	grep -qE '^ +0xd0000000 \(nobody\) +1 +0 +0$' out || fail "printed: $(cat out)"
	! grep -q KVM out || fail "printed: $(cat out)"
	vmtool stat -k busy > out 2> err || fail "--kvm: status $?; said: $(cat err)"
	grep -q '^  KVM, vCPU 0' out || fail "--kvm printed: $(cat out)"
	# It is called out for being asked, and goes on.
	vmtool stat --json -n busy | jq -e '.vcpus[0].reasons.mmio == 1 and ."timeline-ns".exit == null' > out ||
		fail "--json printed: $(cat out)"
	vmtool stop --force busy || fail "no end"
	end_guest 125 "$pid"
}
test_case 'stat shows what a guest that runs has cost' stat_shows

list_shows() {
	local first

	start_guest one print:up,spin
	first=$pid
	start_guest two print:up,spin
	wait_for "the guests" printed one.out up
	wait_for "the guests" printed two.out up
	vmtool pause two || fail "no pause"
	expect 'names' 'one two' "$(vmtool list --quiet | sort | paste -sd' ')"
	vmtool list > out
	grep -Eq "^one +$first +running " out && grep -Eq "^two +$pid +paused " out ||
		fail "listed: $(cat out)"
	vmtool stop --all --force || fail "no end"
	end_guest 125 "$first"
	end_guest 125 "$pid"
	expect 'names' '' "$(vmtool list --quiet)"
}
test_case 'list, stop --all' list_shows

one_name() {
	local i pids=() status won lost

	for ((i = 0; i < $1; i++)); do
		start_guest same hlt
		mv same.err one.err
		pids=("$pid")
		start_guest same hlt
		pids+=("$pid")
		wait_for "one to fail" one_has_ended "${pids[@]}"
		has_ended "${pids[0]}" && lost=${pids[0]} won=${pids[1]}
		has_ended "${pids[1]}" && lost=${pids[1]} won=${pids[0]}
		wait "$lost"
		status=$?
		[ $status -eq 125 ] && cat one.err same.err | grep -q "in use" ||
			fail "round $i: status $status, $(cat one.err same.err)"
		vmtool stop --force same || fail "round $i: the other one has not won"
		end_guest 125 "$won"
	done
}

one_has_ended() {
	has_ended "$1" || has_ended "$2"
}
test_case 'of two guests with one name exactly one starts' one_name 25

swept() {
	start_guest killed print:up,spin
	wait_for "the guest" printed killed.out up
	kill -9 "$pid"
	end_guest 137 "$pid"
	[ -S "$VMTOOL_RUNTIME_DIR/killed.sock" ] || fail "no socket was left"
	expect 'names' '' "$(vmtool list --quiet)"
	[ ! -e "$VMTOOL_RUNTIME_DIR/killed.sock" ] || fail "the socket is still there"
}
test_case 'list sweeps what kill -9 left' swept

name_is_free_again() {
	start_guest killed print:up,spin
	wait_for "the guest" printed killed.out up
	kill -9 "$pid"
	end_guest 137 "$pid"
	run_guest 0 poweroff --name killed
}
test_case 'run takes the name that kill -9 left' name_is_free_again

all_at_once() {
	local i pids=()

	for ((i = 0; i < 12; i++)); do
		"$VMTOOL" run -c 1 -m 2M -k "$guest" -p do=print:up,spin > "$i.out" 2> "$i.err" &
		pids+=($!)
	done
	for ((i = 0; i < 12; i++)); do
		wait_for "guest $i" printed $i.out up
	done
	expect 'names' 12 "$(vmtool list --quiet | sort -u | wc -l)"
	vmtool stop -a -f || fail "no end"
	for pid in "${pids[@]}"; do
		end_guest 125 "$pid"
	done
}
test_case '12 guests without a name at once' all_at_once

run_cases "$@"
