// SPDX-License-Identifier: GPL-2.0
/*
 * boot/arm-zimage.c: headers and tables of 32-bit ARM kernels, whole and damaged.
 */
#include "kernel_fixture.h"
#ifdef CONFIG_BOOT_ARM_ZIMAGE
#include <kselftest_harness.h>
#include <linux/sizes.h>

#define MAGIC_AT	0x24
#define START_AT	0x28
#define END_AT		0x2c
#define TABLE_MARK_AT	0x34
#define TABLE_AT	0x38
#define TABLE		0x80
#define TABLE_WORDS	TABLE
#define TABLE_TAG	(TABLE + 4)
#define TABLE_SIZE_AT	(TABLE + 8)
#define TABLE_BSS	(TABLE + 12)
#define TABLE_TEXT	(TABLE + 16)
#define SIZE_AT		0x1f0
#define FILE_LEN	0x200

struct zimage {
	u8 bytes[FILE_LEN];
};

static void set(struct zimage *z, unsigned int at, u32 val)
{
	put_unaligned_le32(val, z->bytes + at);
}

static void make(struct zimage *z)
{
	memset(z, 0, sizeof(*z));
	set(z, MAGIC_AT, 0x016f2818);
	set(z, END_AT, FILE_LEN);
	set(z, TABLE_MARK_AT, 0x45454545);
	set(z, TABLE_AT, TABLE);
	set(z, TABLE_WORDS, 6);
	set(z, TABLE_TAG, 0x5a534c4b);
	set(z, TABLE_SIZE_AT, SIZE_AT);
	set(z, TABLE_BSS, SZ_1M);
	set(z, TABLE_TEXT, SZ_32K);
	set(z, SIZE_AT, 10 * SZ_1M);
}

static void begins_at(struct __test_metadata *_metadata, const struct zimage *z, u64 start)
{
	struct fix_result r;

	fix_open(&r, z->bytes, sizeof(z->bytes));
	ASSERT_EQ(0, r.ret)
		TH_LOG("said: %s", r.said.text);
	EXPECT_EQ(KERNEL_ARM32, r.ki.proto);
	EXPECT_EQ(start, r.ki.start);
	EXPECT_EQ(start, r.ki.entry);
	EXPECT_EQ(1, r.ki.nr_seg);
	EXPECT_EQ(FILE_LEN, r.ki.seg[0].filesz);
	EXPECT_GT(r.ki.end, start + FILE_LEN);
	kernel_image_close(&r.ki);
}

static void refused(struct __test_metadata *_metadata, const struct zimage *z, size_t len,
		    const char *why)
{
	struct fix_result r;

	fix_open(&r, z->bytes, len);
	EXPECT_EQ(-ENOEXEC, r.ret);
	EXPECT_TRUE(capture_one_line(&r.said) && strstr(r.said.text, why))
		TH_LOG("expected: %s; said: %s", why, r.said.text);
}

/* Behind what it inflates to: 32 KiB, 10 MiB and 1 MiB. */
TEST(out_of_its_own_way)
{
	struct zimage z;

	make(&z);
	begins_at(_metadata, &z, 12 * SZ_1M);
	set(&z, START_AT, 0x60000000);
	set(&z, END_AT, 0x60000000 + FILE_LEN);
	begins_at(_metadata, &z, 12 * SZ_1M);
}

/* Then the kernel's own offset may be as much as 2 MiB. */
TEST(a_table_of_four_words)
{
	struct zimage z;

	make(&z);
	set(&z, TABLE_WORDS, 4);
	begins_at(_metadata, &z, 14 * SZ_1M);
}

TEST(tables_that_cannot_be)
{
	static const struct {
		unsigned int at;
		u32 val;
	} damage[] = {
		{ TABLE_MARK_AT, 0 }, { TABLE_AT, FILE_LEN }, { TABLE_AT, 0xffffffff },
		{ TABLE_AT, FILE_LEN - 8 }, { TABLE_WORDS, 3 }, { TABLE_TAG, 0 },
		{ TABLE_SIZE_AT, FILE_LEN - 3 }, { TABLE_SIZE_AT, 0xfffffffe },
	};
	struct zimage z;
	int i;

	for (i = 0; i < (int)(sizeof(damage) / sizeof(*damage)); i++) {
		make(&z);
		set(&z, damage[i].at, damage[i].val);
		begins_at(_metadata, &z, 4 * SZ_1M);
	}
}

TEST(what_no_memory_holds)
{
	struct zimage z;

	make(&z);
	set(&z, SIZE_AT, 0xffffffff);
	refused(_metadata, &z, FILE_LEN, "more than the 128 MiB");
	make(&z);
	set(&z, TABLE_BSS, 116 * SZ_1M);
	refused(_metadata, &z, FILE_LEN, "more than the 128 MiB");
	make(&z);
	set(&z, TABLE_TEXT, 0xffffffff);
	refused(_metadata, &z, FILE_LEN, "more than the 128 MiB");
}

TEST(what_is_no_kernel)
{
	struct zimage z;

	make(&z);
	refused(_metadata, &z, FILE_LEN - 1, "is truncated");
	set(&z, END_AT, 0);
	refused(_metadata, &z, FILE_LEN, "is damaged");
	make(&z);
	set(&z, MAGIC_AT, 0x18286f01);
	refused(_metadata, &z, FILE_LEN, "is a big-endian zImage");
	set(&z, MAGIC_AT, 0);
	refused(_metadata, &z, FILE_LEN, "is of no format");
	make(&z);
	refused(_metadata, &z, MAGIC_AT + 8, "is ");
}

TEST_HARNESS_MAIN
#else
#include <kselftest.h>

int main(void)
{
	ksft_exit_skip("CONFIG_BOOT_ARM_ZIMAGE is not configured\n");
}
#endif /* CONFIG_BOOT_ARM_ZIMAGE */
