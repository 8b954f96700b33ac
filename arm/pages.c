// SPDX-License-Identifier: GPL-2.0
/*
 * Sizes of pages: a kernel is built for one, and CPUs have some of them.
 */
#include <stdio.h>
#include <string.h>

#include <linux/kernel.h>
#include <linux/sizes.h>

#include "pages.h"

/* ID_AA64MMFR0_EL1: TGran4 and TGran64 are signed, TGran16 is not. */
#define TGRAN4(mmfr0)	((mmfr0) >> 28 & 0xf)
#define TGRAN64(mmfr0)	((mmfr0) >> 24 & 0xf)
#define TGRAN16(mmfr0)	((mmfr0) >> 20 & 0xf)

bool arm_has_pages(u64 mmfr0, u32 page_size)
{
	switch (page_size) {
	case SZ_4K:
		return TGRAN4(mmfr0) < 8;
	case SZ_64K:
		return TGRAN64(mmfr0) < 8;
	case SZ_16K:
		return TGRAN16(mmfr0);
	default:
		return true;
	}
}

void arm_list_pages(u64 mmfr0, char *buf, size_t size)
{
	static const u32 sizes[] = { SZ_4K, SZ_16K, SZ_64K };
	const char *names[ARRAY_SIZE(sizes)] = { "none", "", "" };
	static const char *const all[] = { "4", "16", "64" };
	int i, n = 0;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		if (arm_has_pages(mmfr0, sizes[i]))
			names[n++] = all[i];
	snprintf(buf, size, "%s%s%s%s%s", names[0], n > 2 ? ", " : n > 1 ? " and " : "",
		 names[1], n > 2 ? " and " : "", names[2]);
}
