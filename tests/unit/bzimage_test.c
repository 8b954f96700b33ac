// SPDX-License-Identifier: GPL-2.0
/*
 * boot/bzimage.c and boot/inflate.c: headers, payloads and what is wrong with
 * them.
 */
#include <linux/compiler.h>

#include "kernel_fixture.h"
#ifdef CONFIG_BOOT_BZIMAGE
#include <kselftest_harness.h>
static void refused(struct __test_metadata *_metadata, const void *data, size_t len,
		    const char *why)
{
	struct fix_result r;

	fix_open(&r, data, len);
	EXPECT_EQ(-ENOEXEC, r.ret)
		TH_LOG("expected: %s", why);
	EXPECT_TRUE(capture_one_line(&r.said) && strstr(r.said.text, why))
		TH_LOG("expected: %s; said: %s", why, r.said.text);
}

static __maybe_unused
void expect_inflated(struct __test_metadata *_metadata, const struct fix_result *r)
{
	struct fix_elf want, got;

	fix_elf_make(&want);
	ASSERT_EQ(0, r->ret)
		TH_LOG("%s", r->said.text);
	EXPECT_STREQ("", r->said.text);
	EXPECT_EQ(KERNEL_PVH, r->ki.proto);
	EXPECT_EQ(FIX_TEXT + 0x40, r->ki.entry);
	EXPECT_EQ(2, r->ki.nr_seg);
	EXPECT_EQ(sizeof(want), r->ki.inflated);
	ASSERT_EQ(sizeof(got), pread(r->ki.fd, &got, sizeof(got), 0));
	EXPECT_EQ(0, memcmp(&want, &got, sizeof(got)));
}

#ifdef CONFIG_DECOMPRESS_GZIP
TEST(gzip_payload)
{
	struct fix_result r;
	struct fix_bz bz;

	fix_bz_with_elf(&bz, fix_gzip);
	fix_hdr(&bz)->cmdline_size = 4095;
	fix_open(&r, bz.file, bz.size);
	expect_inflated(_metadata, &r);
	EXPECT_EQ(4095, r.ki.cmdline_max);
	EXPECT_EQ(0x7fffffff, r.ki.initrd_max);
	EXPECT_EQ(0x202 + 0x6a - 0x1f1, r.ki.setup_len);
	EXPECT_EQ(0, memcmp(r.ki.setup, bz.file + 0x1f1, r.ki.setup_len));
	EXPECT_STREQ(FIX_VERSION, kernel_image_version(&r.ki));
	kernel_image_close(&r.ki);
}

/* A bzImage's build appends relocations to the ELF file. */
TEST(relocations_behind_vmlinux)
{
	u8 elf[sizeof(struct fix_elf) + 400], payload[sizeof(elf) + 64];
	struct fix_result r;
	struct fix_bz bz;

	memset(elf, 0xee, sizeof(elf));
	fix_elf_make((struct fix_elf *)elf);
	fix_bz_make(&bz, payload, fix_gzip(payload, elf, sizeof(elf)));
	fix_open(&r, bz.file, bz.size);
	ASSERT_EQ(0, r.ret);
	EXPECT_EQ(sizeof(elf), r.ki.inflated);
	EXPECT_EQ(2, r.ki.nr_seg);
	EXPECT_EQ(FIX_DATA + FIX_DATA_LEN + FIX_BSS, r.ki.end);
	kernel_image_close(&r.ki);
}

TEST(damaged_gzip_payload)
{
	struct fix_elf *e;
	struct fix_bz bz;
	u8 *p;

	fix_bz_with_elf(&bz, fix_gzip);
	p = bz.file + bz.payload;
	p[200] ^= 1;
	refused(_metadata, bz.file, bz.size, "is damaged: its gzip data is corrupt");

	fix_bz_with_elf(&bz, fix_gzip);
	p[bz.payload_len - 8] ^= 1;
	refused(_metadata, bz.file, bz.size, "is damaged: its gzip data is corrupt");

	/* The size at the end, which is also that of gzip itself. */
	fix_bz_with_elf(&bz, fix_gzip);
	put_unaligned_le32(sizeof(*e) - 1, p + bz.payload_len - 4);
	refused(_metadata, bz.file, bz.size, "gzip data");

	fix_bz_with_elf(&bz, fix_gzip);
	put_unaligned_le32(0xffffffff, p + bz.payload_len - 4);
	refused(_metadata, bz.file, bz.size, "claims to inflate to 4294967295 bytes");

	/* Plausible by its size at the end, but cut. */
	fix_bz_with_elf(&bz, fix_gzip);
	put_unaligned_le32(sizeof(*e), p + 300);
	fix_hdr(&bz)->payload_length = 304;
	refused(_metadata, bz.file, bz.size, "is truncated: its gzip data ends too early");
}

TEST(damaged_vmlinux_in_payload)
{
	u8 payload[sizeof(struct fix_elf) + 64];
	struct fix_elf e;
	struct fix_bz bz;

	fix_elf_make(&e);
	e.eh.e_machine = EM_AARCH64;
	fix_bz_make(&bz, payload, fix_gzip(payload, &e, sizeof(e)));
	refused(_metadata, bz.file, bz.size, "is for arm64");

	fix_elf_make(&e);
	e.eh.e_ident[0] = 0;
	fix_bz_make(&bz, payload, fix_gzip(payload, &e, sizeof(e)));
	refused(_metadata, bz.file, bz.size, "is damaged: its payload is no kernel");

	fix_elf_make(&e);
	fix_bz_make(&bz, payload, fix_gzip(payload, &e, sizeof(e) - 50));
	refused(_metadata, bz.file, bz.size, "is truncated: segment 1");
}

TEST(compressed_files)
{
	u8 once[FIX_BZ_MAX + 64], twice[FIX_BZ_MAX + 128];
	struct fix_result r;
	struct fix_elf e;
	struct fix_bz bz;
	size_t len;

	fix_elf_make(&e);
	len = fix_gzip(once, &e, sizeof(e));
	fix_open(&r, once, len);
	expect_inflated(_metadata, &r);
	kernel_image_close(&r.ki);

	len = fix_gzip(twice, once, len);
	refused(_metadata, twice, len, "is compressed twice");

	len = fix_gzip(once, "just text", 9);
	refused(_metadata, once, len, "is a text file");
	len = fix_gzip(once, "", 0);
	refused(_metadata, once, len, "is empty");
	refused(_metadata, once, len - 1, "is truncated: its gzip data ends too early");

	/* A bzImage that somebody compressed once more. */
	fix_bz_with_elf(&bz, fix_gzip);
	len = fix_gzip(once, bz.file, bz.size);
	fix_open(&r, once, len);
	ASSERT_EQ(0, r.ret);
	EXPECT_EQ(KERNEL_PVH, r.ki.proto);
	EXPECT_EQ(bz.size + sizeof(e), r.ki.inflated);
	kernel_image_close(&r.ki);
}
#endif /* CONFIG_DECOMPRESS_GZIP */

#ifdef CONFIG_DECOMPRESS_LZ4
TEST(lz4_payload)
{
	struct fix_result r;
	struct fix_bz bz;

	fix_bz_with_elf(&bz, fix_lz4);
	fix_open(&r, bz.file, bz.size);
	expect_inflated(_metadata, &r);
	kernel_image_close(&r.ki);
}

/* lz4 has no checksum: the size that the build appends is all there is. */
TEST(damaged_lz4_payload)
{
	struct fix_bz bz;
	u8 *size;

	fix_bz_with_elf(&bz, fix_lz4);
	size = bz.file + bz.payload + bz.payload_len - 4;
	put_unaligned_le32(sizeof(struct fix_elf) + 1, size);
	refused(_metadata, bz.file, bz.size, "is truncated: its lz4 data ends too early");
	put_unaligned_le32(sizeof(struct fix_elf) - 20, size);
	refused(_metadata, bz.file, bz.size, "inflates to more than");
	put_unaligned_le32(FIX_INIT_SIZE + 1, size);
	refused(_metadata, bz.file, bz.size, "claims to inflate to 4194305 bytes");
}
#endif /* CONFIG_DECOMPRESS_LZ4 */

/* What cannot be inflated here runs its own decompressor. */
static void expect_whole(struct __test_metadata *_metadata, const struct fix_result *r,
			 const struct fix_bz *bz, u64 load)
{
	ASSERT_EQ(0, r->ret)
		TH_LOG("%s", r->said.text);
	EXPECT_STREQ("", r->said.text);
	EXPECT_EQ(KERNEL_LINUX64, r->ki.proto);
	EXPECT_EQ(load + 0x200, r->ki.entry);
	ASSERT_EQ(1, r->ki.nr_seg);
	EXPECT_EQ(load, r->ki.seg[0].paddr);
	EXPECT_EQ(FIX_SETUP, r->ki.seg[0].offset);
	EXPECT_EQ(bz->size - FIX_SETUP, r->ki.seg[0].filesz);
	EXPECT_EQ(bz->size - FIX_SETUP, r->ki.seg[0].memsz);
	EXPECT_EQ(load, r->ki.start);
	EXPECT_EQ(load + FIX_INIT_SIZE, r->ki.end);
	EXPECT_EQ(0, r->ki.inflated);
	EXPECT_EQ(0, memcmp(r->ki.setup, bz->file + 0x1f1, r->ki.setup_len));
	EXPECT_STREQ(FIX_VERSION, r->ki.version);
}

static void whole_at(struct __test_metadata *_metadata, struct fix_bz *bz, u64 load)
{
	struct fix_result r;

	fix_open(&r, bz->file, bz->size);
	expect_whole(_metadata, &r, bz, load);
	kernel_image_close(&r.ki);
}

TEST(unknown_payload)
{
	struct fix_bz bz;

	fix_bz_make(&bz, "no known magic number", 22);
	whole_at(_metadata, &bz, FIX_TEXT);
	fix_hdr(&bz)->payload_offset = 0;
	fix_hdr(&bz)->payload_length = 0;
	whole_at(_metadata, &bz, FIX_TEXT);
}

TEST(load_address)
{
	struct fix_bz bz;
	struct setup_header *h = fix_hdr(&bz);

	fix_bz_make(&bz, "no known magic number", 22);
	/* Relocatable: wherever it is aligned. */
	h->pref_address = 0;
	whole_at(_metadata, &bz, 0x200000);
	h->pref_address = 0x1234000;
	whole_at(_metadata, &bz, 0x1400000);
	h->kernel_alignment = 0x1000000;
	whole_at(_metadata, &bz, 0x2000000);
	/* Not relocatable: where it was linked. */
	h->relocatable_kernel = 0;
	whole_at(_metadata, &bz, 0x1234000);
	h->pref_address = (1ULL << 32) - FIX_INIT_SIZE;
	whole_at(_metadata, &bz, (1ULL << 32) - FIX_INIT_SIZE);
}

struct bz_damage {
	const char *why;
	void (*damage)(struct fix_bz *bz, struct setup_header *h);
};

#define DAMAGE(name, what)							\
	static void name(struct fix_bz *bz, struct setup_header *h)		\
	{									\
		what;								\
	}

DAMAGE(no_boot_flag, h->boot_flag = 0)
DAMAGE(no_jump, h->jump = 0x6a90)
DAMAGE(short_jump, h->jump = 0x61eb)
DAMAGE(long_jump, h->jump = 0x80eb)
DAMAGE(old, h->version = 0x20b)
DAMAGE(ancient, h->version = 0)
DAMAGE(zimage, h->loadflags = 0)
DAMAGE(bits32, h->xloadflags = 0)
DAMAGE(no_code, h->syssize = 0)
DAMAGE(no_entry, h->syssize = 0x20)
DAMAGE(more_code, h->syssize++)
DAMAGE(all_code, h->syssize = ~0U)
DAMAGE(more_setup, h->setup_sects++)
DAMAGE(default_setup, h->setup_sects = 0)
DAMAGE(far_payload, h->payload_offset = ~0U)
DAMAGE(late_payload, h->payload_offset += 16)
DAMAGE(long_payload, h->payload_length = ~0U)
#ifdef CONFIG_BOOT_INFLATE
DAMAGE(short_payload, h->payload_length = 19)
#endif
DAMAGE(no_alignment, h->kernel_alignment = 0)
DAMAGE(odd_alignment, h->kernel_alignment = 0x300000)
DAMAGE(small_alignment, h->kernel_alignment = 0x800)
DAMAGE(high, h->pref_address = 1ULL << 32)
DAMAGE(very_high, h->pref_address = ~0xfffULL)
DAMAGE(low, h->pref_address = 0x10000)
DAMAGE(unaligned, h->pref_address = FIX_TEXT + 1)
DAMAGE(nowhere, h->pref_address = 0; h->relocatable_kernel = 0)
DAMAGE(no_init_size, h->init_size = 0)
DAMAGE(small_init_size, h->init_size = bz->size - FIX_SETUP - 1)
DAMAGE(large_init_size, h->init_size = 0xff000001)
DAMAGE(no_cmdline, h->cmdline_size = 0)
DAMAGE(no_initrd, h->initrd_addr_max = 0)

static const struct bz_damage bz_damages[] = {
	{ "its boot_flag of 0 cannot be right", no_boot_flag },
	{ "its jump over the header of 0x6a90", no_jump },
	{ "its jump over the header of 0x61eb", short_jump },
	{ "its jump over the header of 0x80eb", long_jump },
	{ "boot protocol 2.11 is too old", old },
	{ "boot protocol 0.00 is too old", ancient },
	{ "is a zImage", zimage },
	{ "is a 32-bit kernel", bits32 },
	{ "its syssize of 0 cannot be right", no_code },
	{ "its syssize of 0x20 cannot be right", no_entry },
	{ "is truncated: its header says 2096 bytes, the file has 2080", more_code },
	{ "is truncated: its header says 68719477744 bytes", all_code },
	{ "is truncated: its header says 2592 bytes", more_setup },
	{ "is truncated: its header says 3616 bytes", default_setup },
	{ "its payload does not lie within it", far_payload },
	{ "its payload does not lie within it", late_payload },
	{ "its payload does not lie within it", long_payload },
#ifdef CONFIG_BOOT_INFLATE
	{ "its payload has only 19 bytes", short_payload },
#endif
	{ "its kernel_alignment of 0 ", no_alignment },
	{ "its kernel_alignment of 0x300000", odd_alignment },
	{ "its kernel_alignment of 0x800", small_alignment },
	{ "its pref_address of 0x100000000", high },
	{ "its pref_address of 0xfffffffffffff000", very_high },
	{ "its pref_address of 0x10000", low },
	{ "its pref_address of 0x1000001", unaligned },
	{ "its pref_address of 0 ", nowhere },
	{ "its init_size of 0 ", no_init_size },
	{ "its init_size of 0x41f", small_init_size },
	{ "its init_size of 0xff000001", large_init_size },
	{ "its cmdline_size of 0", no_cmdline },
	{ "its initrd_addr_max of 0", no_initrd },
};

TEST(damaged_bzimage)
{
	struct fix_bz bz;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bz_damages); i++) {
		fix_bz_make(&bz, "no known magic number", 22);
		bz_damages[i].damage(&bz, fix_hdr(&bz));
		refused(_metadata, bz.file, bz.size, bz_damages[i].why);
	}
}

TEST(truncated_bzimage)
{
	struct fix_result r;
	struct fix_bz bz;
	size_t len;

	fix_bz_make(&bz, "no known magic number", 22);
	for (len = 1; len < bz.size; len++) {
		fix_open(&r, bz.file, len);
		EXPECT_EQ(-ENOEXEC, r.ret)
			TH_LOG("%zu bytes", len);
		EXPECT_TRUE(capture_one_line(&r.said))
			TH_LOG("%zu bytes: %s", len, r.said.text);
		/* From where the header can be told it is known to be cut. */
		if (len >= 0x206)
			EXPECT_NE(NULL, strstr(r.said.text, "is truncated: "))
				TH_LOG("%zu bytes: %s", len, r.said.text);
	}
}

TEST(signature_behind_it)
{
	struct fix_result r;
	struct fix_bz bz;

	fix_bz_make(&bz, "no known magic number", 22);
	fix_open(&r, bz.file, bz.size + 1000);
	expect_whole(_metadata, &r, &bz, FIX_TEXT);
	kernel_image_close(&r.ki);
}

/* For people only: what is wrong with it is no reason to refuse a kernel. */
TEST(version_text)
{
	struct fix_result r;
	struct fix_bz bz;

	fix_bz_make(&bz, "no known magic number", 22);
	fix_hdr(&bz)->kernel_version = 0xffff;
	fix_open(&r, bz.file, bz.size);
	ASSERT_EQ(0, r.ret);
	EXPECT_STREQ("", kernel_image_version(&r.ki));
	kernel_image_close(&r.ki);

	/* It ends where the setup code does. */
	fix_bz_make(&bz, "no known magic number", 22);
	fix_hdr(&bz)->kernel_version = FIX_SETUP - 0x200 - 3;
	memset(bz.file + FIX_SETUP - 3, 'v', 100);
	fix_open(&r, bz.file, bz.size);
	ASSERT_EQ(0, r.ret);
	EXPECT_STREQ("vvv", kernel_image_version(&r.ki));
	kernel_image_close(&r.ki);

	fix_bz_make(&bz, "no known magic number", 22);
	memcpy(bz.file + 0x300, "6.1\033[31m\nred", 13);
	fix_open(&r, bz.file, bz.size);
	ASSERT_EQ(0, r.ret);
	EXPECT_STREQ("6.1", kernel_image_version(&r.ki));
	kernel_image_close(&r.ki);

	fix_bz_make(&bz, "no known magic number", 22);
	memset(bz.file + 0x300, 'v', 200);
	fix_open(&r, bz.file, bz.size);
	ASSERT_EQ(0, r.ret);
	EXPECT_EQ(KERNEL_VERSION_LEN - 1, strlen(kernel_image_version(&r.ki)));
	kernel_image_close(&r.ki);
}

TEST_HARNESS_MAIN
#else
#include <kselftest.h>

int main(void)
{
	ksft_exit_skip("CONFIG_BOOT_BZIMAGE is not configured\n");
}
#endif /* CONFIG_BOOT_BZIMAGE */
