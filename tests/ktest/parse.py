#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# parse.py TREE STREAM: what the kernel tree's own parser of KTAP makes of a stream: a
# line for each collection and each test. Its status is 1 where the parser complains.

import io
import sys

sys.path.insert(0, sys.argv[1] + "/tools/testing/kunit")
import kunit_parser  # noqa: E402

# As kunit.py reads a file.
with open(sys.argv[2], errors="backslashreplace") as stream:
    lines = stream.read().splitlines()
said = io.StringIO()
kunit_parser.stdout._output = said
main = kunit_parser.parse_run_tests(lines)


def fits(test):
    """Each plan is kept."""
    if test.subtests and test.expected_count != len(test.subtests):
        print(f"{test.name}: {test.expected_count} planned, {len(test.subtests)} found")
        return False
    return all(fits(sub) for sub in test.subtests)


for collection in main.subtests:
    print(f"{collection.name} {collection.status.name}")
    for test in collection.subtests:
        print(f"{collection.name}:{test.name} {test.status.name}")
print(f"main {main.status.name}")
if not fits(main) or main.counts.errors or main.counts.crashed or \
   "[ERROR]" in said.getvalue():
    print(f"complaints: {main.counts}")
    print("\n".join(x for x in said.getvalue().splitlines() if "ERROR" in x))
    sys.exit(1)
