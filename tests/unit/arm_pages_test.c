// SPDX-License-Identifier: GPL-2.0
/*
 * Sizes of pages: which one an arm64 Image says that it was built for
 * (boot/arm64-image.c), and which ones a CPU has (arm/pages.c).
 */
#include "kernel_fixture.h"
#if defined(CONFIG_BOOT_ARM64) && (defined(CONFIG_ARM) || defined(CONFIG_COMPILE_TEST))
#include <kselftest_harness.h>
#include <linux/kernel.h>
#include <linux/sizes.h>

#include "../../arm/pages.h"

#define TEXT_OFFSET_AT	8
#define SIZE_AT		16
#define FLAGS_AT	24
#define MAGIC_AT	56
#define FILE_LEN	128

/* What TGran4, TGran64 and TGran16 say. */
#define MMFR0(g4, g64, g16)	((u64)(g4) << 28 | (u64)(g64) << 24 | (u64)(g16) << 20)
#define CORTEX_A72		(MMFR0(0, 0, 0) | 0x1124)
#define ALL			(MMFR0(0, 0, 1) | 0x1125)
/* The same with addresses of 52 bits. */
#define ALL_LPA2		(MMFR0(1, 0, 2) | 0x1126)
/* All bits around the three fields. */
#define NONE			(MMFR0(0xf, 0xf, 0) | 0xffffffff000fffffULL)

static u32 page_size(struct __test_metadata *_metadata, u64 flags, u64 image_size)
{
	struct fix_result r;
	u8 h[FILE_LEN] = { };
	u32 size;

	put_unaligned_le64(image_size, h + SIZE_AT);
	put_unaligned_le64(flags, h + FLAGS_AT);
	memcpy(h + MAGIC_AT, "ARM\x64", 4);
	fix_open(&r, h, sizeof(h));
	ASSERT_EQ(0, r.ret)
		TH_LOG("said: %s", r.said.text);
	EXPECT_EQ(KERNEL_FDT, r.ki.proto);
	size = r.ki.page_size;
	kernel_image_close(&r.ki);
	return size;
}

#define pages(flags, size)	page_size(_metadata, flags, size)

TEST(what_an_image_says)
{
	EXPECT_EQ(0, pages(0 << 1, SZ_1M));
	EXPECT_EQ(SZ_4K, pages(1 << 1, SZ_1M));
	EXPECT_EQ(SZ_16K, pages(2 << 1, SZ_1M));
	EXPECT_EQ(SZ_64K, pages(3 << 1, SZ_1M));
	/* Bits beside these: byte order, and where it may be put. */
	EXPECT_EQ(SZ_16K, pages(2 << 1 | 8, SZ_1M));
	EXPECT_EQ(0, pages(~6ULL & ~1ULL, SZ_1M));
	/* One without a size is of a kernel that had no flags yet. */
	EXPECT_EQ(0, pages(2 << 1, 0));
}

TEST(what_cpus_have)
{
	static const struct {
		u64 mmfr0;
		bool has4, has16, has64;
		const char *list;
	} cpus[] = {
		{ CORTEX_A72, true, false, true, "4 and 64" },
		{ ALL, true, true, true, "4, 16 and 64" },
		{ ALL_LPA2, true, true, true, "4, 16 and 64" },
		{ MMFR0(0xf, 0, 1), false, true, true, "16 and 64" },
		{ MMFR0(0, 0xf, 1), true, true, false, "4 and 16" },
		{ MMFR0(0xf, 0xf, 2), false, true, false, "16" },
		{ MMFR0(1, 0xf, 0), true, false, false, "4" },
		{ NONE, false, false, false, "none" },
	};
	char list[24];
	int i;

	for (i = 0; i < ARRAY_SIZE(cpus); i++) {
		EXPECT_EQ(cpus[i].has4, arm_has_pages(cpus[i].mmfr0, SZ_4K));
		EXPECT_EQ(cpus[i].has16, arm_has_pages(cpus[i].mmfr0, SZ_16K));
		EXPECT_EQ(cpus[i].has64, arm_has_pages(cpus[i].mmfr0, SZ_64K));
		/* A kernel that does not say is not refused. */
		EXPECT_TRUE(arm_has_pages(cpus[i].mmfr0, 0));
		arm_list_pages(cpus[i].mmfr0, list, sizeof(list));
		EXPECT_STREQ(cpus[i].list, list);
	}
}
#else
#include <kselftest_harness.h>

TEST(arm_pages)
{
	SKIP(return, "not built in");
}
#endif

TEST_HARNESS_MAIN
