// SPDX-License-Identifier: GPL-2.0
/*
 * Any bytes as a .config, and as a kernel that has one inside.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vmtool/kconfig.h>
#include <vmtool/kernel_image.h>

#include "fuzz.h"

static void fuzz_check(struct kconfig *kc)
{
	unsigned int i;

	for (i = 0; i < kc->nr; i++) {
		const char *equals = strchr(kc->lines[i], '=');
		char symbol[64];

		CHECK(equals && equals[1]);
		if (equals - kc->lines[i] >= sizeof(symbol))
			continue;
		memcpy(symbol, kc->lines[i], equals - kc->lines[i]);
		symbol[equals - kc->lines[i]] = '\0';
		CHECK(kconfig_get(kc, symbol) != KCONFIG_UNKNOWN);
	}
	kconfig_free(kc);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct kernel_image ki = { .nr_seg = 2 };
	struct kconfig kc;

	if (!kconfig_parse(&kc, (const char *)data, size))
		fuzz_check(&kc);
	ki.fd = memfd_create("fuzz", MFD_CLOEXEC);
	CHECK(ki.fd >= 0 && write(ki.fd, data, size) == size);
	ki.seg[0].filesz = size / 2;
	ki.seg[1].filesz = size;
	if (!kconfig_from_image(&kc, &ki))
		fuzz_check(&kc);
	close(ki.fd);
	return 0;
}
