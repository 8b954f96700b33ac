# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Reads what tests say. A result is a line: pass, fail or skip; the test's name; why;
# with tabs between them.

# ktap_of_ktap NAME STATUS LOG: the results of a program that speaks KTAP. What it did
# not say is told by its status, and by the plan it did not keep.
ktap_of_ktap() {
	awk -v name="$1" -v status="$2" '
	function result(kind, test, why) { printf "%s\t%s: %s\t%s\n", kind, name, test, why }
	/^1\.\.[0-9]+/ {
		planned = 1
		plan = substr($1, 4) + 0
		if (plan == 0 && sub(/.*# *SKIP */, "")) {
			result("skip", "all", $0)
			skipped = 1
		}
		next
	}
	/^(not )?ok( |$)/ {
		seen++
		kind = /^not/ ? "fail" : "pass"
		why = ""
		if (match($0, /# *(SKIP|XFAIL|TODO)/)) {
			why = substr($0, RSTART)
			$0 = substr($0, 1, RSTART - 1)
			kind = why ~ /SKIP/ ? "skip" : "pass"
			sub(/^# *(SKIP|XFAIL|TODO) */, "", why)
		}
		sub(/^(not )?ok *[0-9]* *(- )?/, "")
		sub(/ +$/, "")
		failed += kind == "fail"
		result(kind, $0 == "" ? "test " seen : $0, why)
	}
	END {
		if (status == 124)
			result("fail", "time", "took too long")
		else if (!planned)
			result("fail", "plan", "no plan printed, status " status)
		else if (seen + 0 != plan)
			result("fail", "plan", plan " announced, " seen + 0 " done, status " status)
		else if (plan == 0 && !skipped)
			result("fail", "plan", "no test in it")
		else if (status != 0 && !failed && status != 4)
			result("fail", "status", "no test failed, and the status is " status)
	}' "$3"
}

# ktap_of_plain NAME STATUS LOG: the result of a program that only has a status.
ktap_of_plain() {
	case $2 in
	0) printf 'pass\t%s\t\n' "$1" ;;
	124) printf 'fail\t%s\ttook too long\n' "$1" ;;
	*) printf 'fail\t%s\tstatus %s\n' "$1" "$2" ;;
	esac
}

# ktap_count RESULTS: for people.
ktap_count() {
	awk -F'\t' '{ n[$1]++ }
		END { printf "%d passed", n["pass"]
		      if (n["fail"]) printf ", %d FAILED", n["fail"]
		      if (n["skip"]) printf ", %d skipped", n["skip"] }' "$1"
}

# ktap_total RESULTS: the closing line, and success if some ran and none failed.
ktap_total() {
	awk -F'\t' '{ n[$1]++ }
		END { printf "%d passed, %d failed, %d skipped\n", n["pass"], n["fail"], n["skip"]
		      exit n["fail"] || !n["pass"] }' "$1"
}

# ---- for tests in bash: ktap_test for each, ktap_end at last

KTAP_NR=0
KTAP_FAILED=0
KTAP_SKIP=4

# ktap_test NAME COMMAND...: the test passed if COMMAND returns 0, was skipped if it
# returns $KTAP_SKIP (its last line says why), and has failed otherwise: then what it
# said is shown.
ktap_test() {
	local name=$1 said status
	shift

	KTAP_NR=$((KTAP_NR + 1))
	said=$("$@" 2>&1 </dev/null)
	status=$?
	case $status in
	0)
		echo "ok $KTAP_NR - $name" ;;
	"$KTAP_SKIP")
		echo "ok $KTAP_NR - $name # SKIP ${said##*$'\n'}" ;;
	*)
		KTAP_FAILED=$((KTAP_FAILED + 1))
		tail -n 40 <<< "$said" | sed 's/^/# /'
		echo "# status $status"
		echo "not ok $KTAP_NR - $name" ;;
	esac
	return $status
}

ktap_end() {
	echo "1..$KTAP_NR"
	[ $KTAP_FAILED -eq 0 ]
}
