// SPDX-License-Identifier: GPL-2.0
/*
 * boot/zimage.c: boot wrappers of both classes and byte orders, whole and damaged. The
 * kernel in them is this architecture's.
 */
#include <endian.h>

#include "kernel_fixture.h"
#ifdef CONFIG_BOOT_ZIMAGE
#include <kselftest_harness.h>

#define NAMES		"\0.shstrtab\0.kernel:vmlinux.strip"
#define NAMES_AT	0x100
#define HEADERS_AT	0x200
#define KERNEL_AT	0x400
#define NAME_STRTAB	1
#define NAME_KERNEL	11
#define NR_SECTIONS	3

struct wrapper {
	bool wide;
	bool big;
	union {
		u8 bytes[0x1000];
		u64 align;
	};
	size_t len;
};

static u64 order(const struct wrapper *w, u64 val, unsigned int size)
{
	return w->big ? htobe64(val) >> (64 - size * 8) : htole64(val);
}

#define SET(w, p, field, val)	((p)->field = order(w, val, sizeof((p)->field)))

static void set_section(struct wrapper *w, int nr, u32 name, u64 off, u64 len)
{
	if (w->wide) {
		struct elf64_shdr *sh = (void *)(w->bytes + HEADERS_AT);

		SET(w, &sh[nr], sh_name, name);
		SET(w, &sh[nr], sh_offset, off);
		SET(w, &sh[nr], sh_size, len);
	} else {
		struct elf32_shdr *sh = (void *)(w->bytes + HEADERS_AT);

		SET(w, &sh[nr], sh_name, name);
		SET(w, &sh[nr], sh_offset, off);
		SET(w, &sh[nr], sh_size, len);
	}
}

static void set_header(struct wrapper *w, u64 shoff, u16 shnum, u16 names)
{
	w->bytes[EI_CLASS] = w->wide ? ELFCLASS64 : ELFCLASS32;
	w->bytes[EI_DATA] = w->big ? ELFDATA2MSB : ELFDATA2LSB;
	if (w->wide) {
		struct elf64_hdr *eh = (void *)w->bytes;

		SET(w, eh, e_machine, EM_PPC64);
		SET(w, eh, e_shoff, shoff);
		SET(w, eh, e_shentsize, sizeof(struct elf64_shdr));
		SET(w, eh, e_shnum, shnum);
		SET(w, eh, e_shstrndx, names);
	} else {
		struct elf32_hdr *eh = (void *)w->bytes;

		SET(w, eh, e_machine, EM_PPC);
		SET(w, eh, e_shoff, shoff);
		SET(w, eh, e_shentsize, sizeof(struct elf32_shdr));
		SET(w, eh, e_shnum, shnum);
		SET(w, eh, e_shstrndx, names);
	}
}

static void make_wrapper(struct wrapper *w, bool wide, bool big)
{
	struct fix_elf e;
	size_t len;

	memset(w, 0, sizeof(*w));
	w->wide = wide;
	w->big = big;
	fix_elf_make(&e);
	len = fix_gzip(w->bytes + KERNEL_AT, &e, sizeof(e));
	w->len = KERNEL_AT + len;
	memcpy(w->bytes, ELFMAG, SELFMAG);
	memcpy(w->bytes + NAMES_AT, NAMES, sizeof(NAMES));
	set_header(w, HEADERS_AT, NR_SECTIONS, 1);
	set_section(w, 1, NAME_STRTAB, NAMES_AT, sizeof(NAMES));
	set_section(w, 2, NAME_KERNEL, KERNEL_AT, len);
}

static void opens(struct __test_metadata *_metadata, bool wide, bool big)
{
	struct fix_result r;
	struct wrapper w;

	make_wrapper(&w, wide, big);
	fix_open(&r, w.bytes, w.len);
	ASSERT_EQ(0, r.ret)
		TH_LOG("said: %s", r.said.text);
	EXPECT_EQ(sizeof(struct fix_elf), r.ki.inflated);
	EXPECT_EQ(2, r.ki.nr_seg);
	kernel_image_close(&r.ki);
}

TEST(both_classes_and_byte_orders)
{
	opens(_metadata, false, false);
	opens(_metadata, false, true);
	opens(_metadata, true, false);
	opens(_metadata, true, true);
}

static void refused(struct __test_metadata *_metadata, const struct wrapper *w,
		    const char *why)
{
	struct fix_result r;

	fix_open(&r, w->bytes, w->len);
	EXPECT_EQ(-ENOEXEC, r.ret);
	EXPECT_TRUE(capture_one_line(&r.said) && strstr(r.said.text, why))
		TH_LOG("expected: %s; said: %s", why, r.said.text);
}

/* Then it is an ELF file like any other, and not one for this machine. */
static const char other[] = "is for ";

TEST(sections_that_cannot_be)
{
	struct wrapper w;
	int i;

	for (i = 0; i < 4; i++) {
		make_wrapper(&w, i & 1, i & 2);
		set_header(&w, w.len, NR_SECTIONS, 1);
		refused(_metadata, &w, other);
		set_header(&w, w.len - 8, NR_SECTIONS, 1);
		refused(_metadata, &w, other);
		set_header(&w, HEADERS_AT, 0xffff, 1);
		refused(_metadata, &w, other);
		set_header(&w, HEADERS_AT, NR_SECTIONS, NR_SECTIONS);
		refused(_metadata, &w, other);
		set_header(&w, HEADERS_AT, NR_SECTIONS, 1);
		set_section(&w, 1, NAME_STRTAB, NAMES_AT, ~0ULL);
		refused(_metadata, &w, other);
		set_section(&w, 1, NAME_STRTAB, NAMES_AT, 0);
		refused(_metadata, &w, other);
		/* Its name is cut, then: it is another's. */
		set_section(&w, 1, NAME_STRTAB, NAMES_AT, sizeof(NAMES) - 3);
		refused(_metadata, &w, other);
		set_section(&w, 1, NAME_STRTAB, NAMES_AT, sizeof(NAMES));
		set_section(&w, 2, 0xffffff, KERNEL_AT, 100);
		refused(_metadata, &w, other);
		set_section(&w, 2, NAME_KERNEL, KERNEL_AT, 0xffffffff);
		refused(_metadata, &w, other);
		set_section(&w, 2, NAME_KERNEL, 0xfffffff0, 0x20);
		refused(_metadata, &w, other);
	}
}

TEST(kernels_that_cannot_be_inflated)
{
	struct wrapper w;

	make_wrapper(&w, false, true);
	set_section(&w, 2, NAME_KERNEL, KERNEL_AT, 4);
	refused(_metadata, &w, "cannot inflate");
	set_section(&w, 2, NAME_KERNEL, NAMES_AT, 64);
	refused(_metadata, &w, "cannot inflate");
	set_section(&w, 2, NAME_KERNEL, KERNEL_AT, 64);
	refused(_metadata, &w, "truncated");
	make_wrapper(&w, true, false);
	/* What was stored is not what its sum says. */
	w.bytes[KERNEL_AT + 100] ^= 1;
	refused(_metadata, &w, "corrupt");
}

TEST_HARNESS_MAIN
#else
#include <kselftest.h>

int main(void)
{
	ksft_exit_skip("CONFIG_BOOT_ZIMAGE is not configured\n");
}
#endif /* CONFIG_BOOT_ZIMAGE */
