#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# vmtool test, without a guest: ktest/fake-vmtool runs commands where it is itself.

. "$(dirname "$0")/lib.sh"
. "$tests_dir/ktest/tests.sh"

# ktest STATUS [OPTION]...: results are in the file out, messages in err.
ktest() {
	local status

	export FAKE=$PWD
	vmtool test --vmtool "$tests_dir/ktest/fake-vmtool" "${@:2}" > out 2> err < /dev/null
	status=$?
	[ $status -eq "$1" ] ||
		fail "${*:2}: expected status $1, found $status; said: $(cat err; tail -n 30 out)"
}

# The kernel trees at hand.
trees() {
	local tree cache=${XDG_CACHE_HOME:-$HOME/.cache}/vmtool

	for tree in ${KDIR:+"$KDIR"} "$cache"/linux-source-6.1 "$cache"/linux-source-6.12; do
		[ ! -e "$tree/tools/testing/kunit/kunit_parser.py" ] || echo "$tree"
	done
}

# Every parser at hand takes the stream, and all come to the same results, in parsed.
parse_out() {
	local tree

	rm -f parsed
	command -v python3 > /dev/null || skip "there is no python3"
	for tree in $(trees); do
		python3 "$tests_dir/ktest/parse.py" "$tree" out > parsed.new ||
			fail "$tree: $(cat parsed.new)"
		[ ! -e parsed ] || cmp -s parsed parsed.new || fail "$tree: another result"
		mv parsed.new parsed
	done
	[ -e parsed ] || skip "there is no kernel tree"
}

says() {
	grep -qxE -- "$2" "$1" || fail "no line '$2' in: $(cat "$1")"
}

guests() {
	wc -l < starts
}

usual_results() {
	add_usual_tests
	ktest 1 --install-dir install
	expect "guests" 1 "$(guests)"
	says out '  ok 1 plain'
	says out '  # hello'
	says out "  # $PWD/install/alpha"
	says out '    ok 2 two # SKIP why'
	says out '  not ok 3 bad # exit=3'
	says out '  ok 4 skipped # SKIP'
	says out '  not ok 5 signalled # exit=139'
	says out 'not ok 1 alpha'
	says out '    not ok 3 3 of 5 planned tests # no result'
	says out '  not ok 1 lies # exit=0, but 1 results are not ok'
	says out '# 3 ok, 4 not ok, 1 skipped'
	says err 'vmtool: 3 ok, 4 not ok, 1 skipped, in .*'
}

usual_parsed() {
	add_usual_tests
	ktest 1 --install-dir install
	parse_out
	says parsed 'alpha:plain SUCCESS'
	says parsed 'alpha:good SUCCESS'
	says parsed 'alpha:bad FAILURE'
	says parsed 'alpha:skipped SKIPPED'
	says parsed 'beta/sub:lies FAILURE'
	says parsed 'beta/sub:last SUCCESS'
	says parsed 'main FAILURE'
	expect "lines" 11 "$(wc -l < parsed)"
}

all_good() {
	add_test alpha one 'exit 0'
	add_test alpha two 'exit 4'
	ktest 0 --install-dir install
	parse_out
	says parsed 'main SUCCESS'
}

# The same whoever reads it, and bounded.
hostile_parsed() {
	add_hostile_tests
	ktest 1 --install-dir install --junit junit.xml --json json
	parse_out
	expect "tests" 28 "$(grep -c ^hostile: parsed)"
	says parsed 'hostile:hostile/hostile SUCCESS'
	says parsed 'hostile:marks FAILURE'
	says parsed 'hostile:late_plan SUCCESS'
	says parsed 'hostile:two_programs SUCCESS'
	says parsed 'hostile:skip_all SKIPPED'
	says parsed 'hostile:huge_plan FAILURE'
	says parsed 'hostile:torn FAILURE'
	says parsed 'hostile:directives SUCCESS'
	says parsed 'hostile:own_count SUCCESS'
	expect "programs" 28 "$(grep -cE '^  (not )?ok ' out)"
	[ "$(wc -c < out)" -lt 3000000 ] || fail "the stream is large"
	LC_ALL=C grep -qP '[^\t\n\x20-\x7e\x80-\xff]' out && fail "control characters are left"
	iconv -f UTF-8 -t UTF-8 out > /dev/null || fail "not UTF-8"
	well_formed
}

well_formed() {
	python3 - << 'END' || fail "not well-formed"
import json
import xml.etree.ElementTree as xml
tests = json.load(open("json", encoding="utf-8"))["tests"]
root = xml.parse("junit.xml").getroot()
cases = root.findall("testsuite/testcase")
assert len(cases) == len(tests)
for case, test in zip(cases, tests):
    assert case.get("name") == test["name"] and case.get("classname") == test["collection"]
    assert (case.find("failure") is not None) == (test["status"] == "not ok")
    assert (case.find("skipped") is not None) == (test["status"] == "skip")
for suite in root.findall("testsuite"):
    assert int(suite.get("failures")) == len(suite.findall("testcase/failure"))
    assert int(suite.get("tests")) == len(suite.findall("testcase"))
END
}

files_for_servers() {
	add_usual_tests
	add_test alpha escapes 'echo "<&\">]]>\\"; printf "\033[31m\376\n"; exit 1'
	add_test gamma panics "$PANIC"
	ktest 1 --install-dir install --junit junit.xml --json json
	well_formed
	grep -q '"guest_status": 101' json || fail "no status of the guest"
}

panic_in_the_middle() {
	add_test alpha first 'echo ok 1 a'
	add_test alpha panics "echo 1..3; echo ok 1 a; sleep 0.2; $PANIC"
	add_test alpha next 'exit 0'
	add_test beta other 'exit 0'
	ktest 1 --install-dir install
	expect "guests" 2 "$(guests)"
	says out '  ok 1 first'
	says out '  not ok 2 panics # Kernel panic - not syncing:  VFS: planted'
	says out '    # Oops: first line'
	says out '  ok 3 next'
	says out 'ok 2 beta'
	parse_out
	says parsed 'alpha:panics FAILURE'
	says parsed 'alpha:next SUCCESS'
	says parsed 'beta SUCCESS'
}

panic_at_once_and_last() {
	add_test alpha panics "$PANIC"
	add_test alpha next 'exit 0'
	add_test alpha last "$PANIC"
	ktest 1 --install-dir install
	expect "guests" 2 "$(guests)"
	says out '  ok 2 next'
	expect "panics" 2 "$(grep -c '^  not ok .* # Kernel panic' out)"
}

powers_off() {
	add_test alpha off 'echo "0 powered off" > "$FAKE_FATE"
		kill -9 "$(cat "$FAKE_FATE.pid")"; exec sleep 60'
	add_test alpha next 'exit 0'
	ktest 1 --install-dir install
	says out '  not ok 1 off # powered off'
	says out '  ok 2 next'
}

isolated() {
	add_usual_tests
	ktest 1 --install-dir install --isolate
	expect "guests" 8 "$(guests)"
	says out '# 3 ok, 4 not ok, 1 skipped'
}

# Whatever the order in which they end, the results are the same.
parallel() {
	add_usual_tests
	add_test alpha slow 'sleep 0.5; echo slow'
	add_test beta/sub panics "$PANIC"
	ktest 1 --install-dir install
	mv out out.1
	ktest 1 --install-dir install -j 4
	cmp out out.1 || fail "$(diff out.1 out)"
	[ "$(guests)" -gt 4 ] || fail "only $(guests) guests in all"
}

shards() {
	local i

	add_usual_tests
	for i in 1 2 3; do
		ktest 1 --install-dir install --shard $i/3
		parse_out
		grep : parsed >> all
	done
	ktest 1 --install-dir install
	parse_out
	expect "tests" "$(grep : parsed | sort)" "$(sort all)"
	ktest 0 --install-dir install --shard 99/99
	for i in 0/3 4/3 3 /3 3/ a/b -1/3 1/3/3; do
		ktest 125 --install-dir install --shard "$i"
		one_line err || fail "$i: $(cat err)"
	done
}

retries() {
	add_test alpha second_try 'echo x >> "$FAKE/tries"; [ "$(wc -l < "$FAKE/tries")" -ge 3 ]'
	ktest 1 --install-dir install --retries 1
	says out '  # attempt 1: exit=1'
	says out '  not ok 1 second_try # exit=1'
	rm tries
	ktest 0 --install-dir install --retries 5
	says out '  ok 1 second_try # flaky: ok at attempt 3'
	says out '  # attempt 2: exit=1'
	says out '# 1 ok, 0 not ok, 0 skipped, 1 of the ok ones flaky'
	parse_out
	says parsed 'alpha:second_try SUCCESS'
}

retry_after_panic() {
	add_test alpha once "[ ! -e \$FAKE/done ] || exit 0; touch \$FAKE/done; $PANIC"
	add_test alpha next 'exit 0'
	ktest 0 --install-dir install --retries 1
	expect "guests" 2 "$(guests)"
	says out '  ok 1 once # flaky: ok at attempt 2'
}

soft_timeout() {
	add_test alpha slow 'echo begun; sleep 60'
	add_test alpha next 'exit 0'
	add_test beta quick 'sleep 2'
	printf '# comment\nnocc=1\ntimeout=1\n' > install/alpha/settings
	ktest 1 --install-dir install
	expect "guests" 1 "$(guests)"
	says out '  # begun'
	says out '  not ok 1 slow # TIMEOUT 1 seconds'
	says out '  ok 2 next'
	says out 'ok 2 beta'
	ktest 1 --install-dir install --timeout 1
	says out '  not ok 1 quick # TIMEOUT 1 seconds'
}

# The guest does not end the test: 15 s later it is ended itself.
hard_timeout() {
	add_test alpha hangs "$HANG"
	add_test alpha next 'exit 0'
	ktest 1 --install-dir install --timeout 1
	expect "guests" 2 "$(guests)"
	says out '  not ok 1 hangs # TIMEOUT 1 seconds'
	says out '  ok 2 next'
}

no_guest_at_all() {
	add_usual_tests
	echo '125 cannot open /dev/kvm: no such file' > boot
	ktest 125 --install-dir install
	says err 'vmtool: no guest can be started: cannot open /dev/kvm: no such file'
	rm boot
	ktest 125 --install-dir install --vmtool /nonexistent/vmtool
	one_line err || [ "$(grep -c . err)" -eq 2 ] || fail "$(cat err)"
}

kernel_does_not_boot() {
	add_usual_tests
	echo '101 Kernel panic - not syncing: no init' > boot
	ktest 1 --install-dir install
	expect "guests" 3 "$(guests)"
	says out '  not ok 1 plain # the guest did not come up: Kernel panic - not syncing: no init'
	says out '  not ok 5 signalled # not run: no guest comes up'
	says out '# 0 ok, 8 not ok, 0 skipped'
	parse_out
}

interrupted() {
	add_test alpha first 'exit 0'
	add_test alpha slow "touch \$FAKE/here; exec sleep 60"
	add_test alpha next 'exit 0'
	export FAKE=$PWD
	env --default-signal=INT "$VMTOOL" test --vmtool "$tests_dir/ktest/fake-vmtool" \
		--install-dir install > out 2> err < /dev/null &
	wait_for "the test" test -e here
	kill -INT $!
	wait $!
	expect status 125 $?
	says out '  ok 1 first'
	says out '  not ok 2 slow # interrupted'
	says out '  not ok 3 next # not run: interrupted'
	parse_out
}

lists() {
	add_usual_tests
	printf '# some\n\nbeta/sub:last\n  alpha:plain  \nbeta/sub:last\n' > list
	ktest 0 --install-dir install --list list
	says out '# 2 ok, 0 not ok, 0 skipped'
	ktest 0 --install-dir install alpha:plain beta/sub:last
	says out '# 2 ok, 0 not ok, 0 skipped'
	ktest 0 --install-dir install --dry-run alpha
	expect "listed" 5 "$(wc -l < out)"
	for text in 'alpha' 'alpha:a b' '../x:y' '/x:y' 'x:$(id)' ':' 'x:' ':y' 'a:..' 'a:-x'; do
		echo "$text" > list
		ktest 125 --install-dir install --list list
		one_line err || fail "$text: $(cat err)"
	done
	ktest 125 --install-dir install nonexistent
	one_line err || fail "$(cat err)"
	ktest 125 --install-dir nonexistent
	one_line err || fail "$(cat err)"
}

# A tree with two collections, one of which may be broken. The Makefile does what that
# of kselftest does.
small_tree() {
	mkdir -p tree/tools/testing/selftests/{good,broken} tree/usr/include/linux
	touch tree/usr/include/linux/types.h tree/tools/testing/selftests/{good,broken}/Makefile
	cat > tree/tools/testing/selftests/Makefile << 'END'
install:
	@test "$(FORCE_TARGETS)" && test -d "$(O)" && test "$(KHDR_INCLUDES)"
	@test ! -e $(O)/broken || test "$(TARGETS)" = good
	@for t in $(TARGETS); do mkdir -p $(KSFT_INSTALL_PATH)/$$t; \
		printf '#!/bin/sh\necho built as $(MAKEFLAGS)\n' > $(KSFT_INSTALL_PATH)/$$t/x; \
		chmod +x $(KSFT_INSTALL_PATH)/$$t/x; \
		echo $$t:x >> $(KSFT_INSTALL_PATH)/kselftest-list.txt; done
END
}

builds() {
	small_tree
	ktest 0 --tree tree --output o good broken
	says out 'ok 2 broken'
	touch o/broken
	ktest 125 --tree tree --output o good broken
	says err "vmtool: the kselftests cannot be built: see $PWD/o/build.log"
	[ ! -e o/install/broken ] || fail "what was built before is still there"
	XDG_CACHE_HOME=$PWD/cache ktest 0 --tree tree good:x
	ls cache/vmtool/test/*/install/good/x > /dev/null || fail "not in the cache"
	mkdir build
	ln -s ../tree build/source
	mkdir -p build/usr/include/linux
	touch build/usr/include/linux/types.h
	cd build || exit
	FAKE=$PWD
	ktest 0 good
	[ -e vmtool-test/install/good/x ] || fail "not in the build directory"
}

# Sources that no kernel was built in stay as they are.
headers_elsewhere() {
	small_tree
	rm -r tree/usr
	cat > tree/Makefile << 'END'
headers:
	@mkdir -p $(O)/usr/include/linux
	@touch $(O)/usr/include/linux/types.h
END
	find tree | sort > before
	ktest 0 --tree tree --output o good
	find tree | sort | cmp -s - before || fail "the sources were written to"
	says err "vmtool: preparing the kernel's headers"
	ktest 0 --tree tree --output o good
	! grep -q headers err || fail "they are there already"
}

builds_not() {
	local args

	small_tree
	for args in '--tree tree none' '--tree tree ../x' '--tree /nonexistent' '--tree .' '' \
		'--tree tree --output /proc/x good'; do
		# shellcheck disable=SC2086
		ktest 125 $args
		one_line err || fail "$args: $(cat err)"
	done
	mkdir o
	flock o "$VMTOOL" test --tree tree --output o good > out 2> err &&
		fail "it is in use and is used"
	says err 'vmtool: .*/o: another vmtool test uses it: wait, or use --output'
}

kinds_of_programs() {
	add_test alpha args 'echo "got $*"'
	add_test alpha not_executable 'echo run by "$(basename "$0")"'
	add_test alpha no_script ''
	add_test alpha missing ''
	chmod -x install/alpha/not_executable install/alpha/no_script
	echo no script > install/alpha/no_script
	rm install/alpha/missing
	KSELFTEST_ARGS_ARGS='-a 1' ktest 1 --install-dir install
	says out '  # got -a 1'
	says out '  ok 2 not_executable'
	says out '  not ok 3 no_script # exit=1'
	says out '  # alpha/missing is missing'
}

passed_on() {
	add_test alpha one 'exit 0'
	ktest 0 --install-dir install -k KERNEL -m 1G -c 3 -p a=b --run-arg --foo --run-arg bar \
		--fail-on-warn
	says starts 'run --kernel=KERNEL --mem=1G --cpus=3 --params=a=b --foo bar --fail-on-warn .*'
}

bad_options() {
	local option

	add_test alpha one 'exit 0'
	for option in '-j 0' '-j x' '-j 1000' '--retries -1' '--timeout x' '--boot-timeout 0' \
		'--junit /nonexistent/x' '--json /nonexistent/x' '--foo' '--kunit --shard 1/2'; do
		# shellcheck disable=SC2086
		ktest 125 --install-dir install $option
		one_line err || fail "$option: $(cat err)"
	done
}

kunit_console() {
	local caller

	for caller in '' '[    T1]'; do
		sed "s/^/[    1.234567]$caller /" << 'END'
Linux version
KTAP version 1
1..3
    KTAP version 1
    # Subtest: first
    1..2
    ok 1 a
random: crng init done
    ok 2 b # SKIP not here
# first: pass:1 fail:0 skip:1 total:2
ok 1 first
    KTAP version 1
    # Subtest: second
    1..1
        KTAP version 1
        # Subtest: params
        ok 1 x
        not ok 2 y
    not ok 1 params
not ok 2 second
    KTAP version 1
    # Subtest: third
    1..1
    ok 1 z
ok 3 third
END
		printf 'reboot: Power down\r\n'
	done > console
}

kunit() {
	kunit_console
	sed -i '/T1/d' console
	ktest 1 --kunit bzImage -p kunit.filter_glob=x
	says starts 'run --params=kunit.filter_glob=x --kernel bzImage --initrd .* --params .*'
	says starts '.* --params kunit.enable=1 kunit_shutdown=poweroff --verdict .*'
	says out '  ok 1 first'
	says out '    # random: crng init done'
	says out '      not ok 2 y'
	says out 'not ok 1 kunit'
	says out '# 2 ok, 1 not ok, 0 skipped'
	parse_out
	says parsed 'kunit:second FAILURE'
	says parsed 'kunit:third SUCCESS'
	kunit_console
	sed -i '/T1/!d' console
	ktest 1 --kunit --json json --junit junit.xml
	says out '# 2 ok, 1 not ok, 0 skipped'
	well_formed
}

kunit_panic() {
	kunit_console
	sed -i '/T1/d; /params$/,$d' console
	echo '101 guest kernel panic' > end
	ktest 1 --kunit
	says out '  ok 1 first'
	says out '  not ok 2 second # no result'
	says out '  not ok 4 end of the guest # guest kernel panic'
	parse_out
	says parsed 'kunit:end of the guest FAILURE'
}

kunit_without() {
	echo 'Linux version' > console
	ktest 1 --kunit
	says out '  not ok 1 end of the guest # no KTAP on the console, is CONFIG_KUNIT built in\?'
	echo '125 no such file' > boot
	ktest 125 --kunit
	one_line err || fail "$(cat err)"
}

[ -x "$VMTOOL" ] || skip_all "there is no $VMTOOL; VMTOOL= names it"
"$VMTOOL" test -h > /dev/null 2>&1 || skip_all "it was built without vmtool test"

test_case 'results of all kinds' usual_results
test_case 'results as the kernel sees them' usual_parsed
test_case 'all is well' all_good
test_case 'hostile output' hostile_parsed
test_case 'JUnit and JSON' files_for_servers
test_case 'a panic in the middle' panic_in_the_middle
test_case 'a panic at the beginning and at the end' panic_at_once_and_last
test_case 'a test powers off' powers_off
test_case 'a guest for each test' isolated
test_case 'guests in parallel' parallel
test_case 'shards' shards
test_case 'retries' retries
test_case 'retries after a panic' retry_after_panic
test_case 'a test takes too long' soft_timeout
test_case 'a test hangs the guest' hard_timeout
test_case 'guests that cannot be started' no_guest_at_all
test_case 'a kernel that does not boot' kernel_does_not_boot
test_case 'Ctrl-C' interrupted
test_case 'lists of tests' lists
test_case 'building' builds
test_case 'headers' headers_elsewhere
test_case 'what cannot be built' builds_not
test_case 'kinds of programs' kinds_of_programs
test_case 'options for run' passed_on
test_case 'bad options' bad_options
test_case 'KUnit' kunit
test_case 'KUnit, panic' kunit_panic
test_case 'KUnit, none' kunit_without
run_cases "$@"
