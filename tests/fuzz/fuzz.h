/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <linux/types.h>

/* What libFuzzer calls. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* What must hold for every input: else the fuzzer has found something. */
#define CHECK(cond)							\
	do {								\
		if (!(cond)) {						\
			fprintf(stderr, "failed: %s\n", #cond);		\
			abort();					\
		}							\
	} while (0)

#endif /* TESTS_FUZZ_H */
