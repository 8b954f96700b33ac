// SPDX-License-Identifier: GPL-2.0
/*
 * boot/: vmlinux, files that are no kernel, and putting one into memory.
 */
#include <sys/stat.h>

#include <linux/sizes.h>
#include <vmtool/gmem.h>

#include "kernel_fixture.h"
#ifdef CONFIG_BOOT_ELF
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

TEST(vmlinux_pvh)
{
	struct fix_result r;
	struct fix_elf e;

	fix_elf_make(&e);
	fix_open(&r, &e, sizeof(e));
	ASSERT_EQ(0, r.ret);
	EXPECT_STREQ("", r.said.text);
	EXPECT_EQ(KERNEL_PVH, r.ki.proto);
	EXPECT_EQ(FIX_TEXT + 0x40, r.ki.entry);
	ASSERT_EQ(2, r.ki.nr_seg);
	EXPECT_EQ(FIX_TEXT, r.ki.seg[0].paddr);
	EXPECT_EQ(FIX_CODE_LEN, r.ki.seg[0].memsz);
	EXPECT_EQ(FIX_CODE_LEN, r.ki.seg[0].filesz);
	EXPECT_EQ(FIX_DATA, r.ki.seg[1].paddr);
	EXPECT_EQ(FIX_DATA_LEN, r.ki.seg[1].filesz);
	EXPECT_EQ(FIX_DATA_LEN + FIX_BSS, r.ki.seg[1].memsz);
	EXPECT_EQ(FIX_TEXT, r.ki.start);
	EXPECT_EQ(FIX_DATA + FIX_DATA_LEN + FIX_BSS, r.ki.end);
	EXPECT_EQ(0, r.ki.inflated);
	kernel_image_close(&r.ki);
	EXPECT_EQ(-1, r.ki.fd);
}

TEST(vmlinux_64bit_entry_and_header)
{
	struct setup_header *h;
	struct fix_result r;
	struct fix_elf e;

	fix_elf_make(&e);
	e.note.nh.n_type = 17;
	fix_open(&r, &e, sizeof(e));
	ASSERT_EQ(0, r.ret);
	EXPECT_EQ(KERNEL_LINUX64, r.ki.proto);
	EXPECT_EQ(FIX_TEXT, r.ki.entry);
	EXPECT_EQ(2047, r.ki.cmdline_max);
	EXPECT_EQ(0x7fffffff, r.ki.initrd_max);

	h = (struct setup_header *)r.ki.setup;
	EXPECT_EQ(0xaa55, h->boot_flag);
	EXPECT_EQ(0x53726448, h->header);
	EXPECT_EQ(0x20f, h->version);
	EXPECT_EQ(LOADED_HIGH, h->loadflags);
	EXPECT_EQ(0, h->relocatable_kernel);
	EXPECT_EQ(2047, h->cmdline_size);
	/* The jump says how long the header is. */
	EXPECT_EQ(0xeb, h->jump & 0xff);
	EXPECT_EQ(0x202 + (h->jump >> 8), 0x1f1 + r.ki.setup_len);
	kernel_image_close(&r.ki);
}

TEST(pvh_note_forms)
{
	struct fix_result r;
	struct fix_elf e;

	/* Four bytes of address, as 32-bit kernels and others have it. */
	fix_elf_make(&e);
	e.note.nh.n_descsz = 4;
	e.ph[FIX_PH_NOTE].p_filesz -= 4;
	fix_open(&r, &e, sizeof(e));
	ASSERT_EQ(0, r.ret);
	EXPECT_EQ(FIX_TEXT + 0x40, r.ki.entry);
	kernel_image_close(&r.ki);

	/* Another owner's note of the same type. */
	fix_elf_make(&e);
	memcpy(e.note.name, "Xyz", 4);
	fix_open(&r, &e, sizeof(e));
	ASSERT_EQ(0, r.ret);
	EXPECT_EQ(KERNEL_LINUX64, r.ki.proto);
	kernel_image_close(&r.ki);
}

/* Notes in front of the one looked for, padded by the segment's alignment. */
static void note_behind_another(struct __test_metadata *_metadata, u64 align)
{
	struct {
		struct fix_elf e;
		u8 notes[128];
	} f = { 0 };
	struct elf64_note odd = { .n_namesz = 6, .n_descsz = 3, .n_type = 18 };
	size_t desc = (sizeof(odd) + 6 + align - 1) & -align;
	size_t next = (desc + 3 + align - 1) & -align;
	size_t xen = (sizeof(odd) + 4 + align - 1) & -align;
	struct fix_result r;

	fix_elf_make(&f.e);
	memcpy(f.notes, &odd, sizeof(odd));
	memcpy(f.notes + sizeof(odd), "Linux", 6);
	memcpy(f.notes + next, &f.e.note, sizeof(odd) + 4);
	put_unaligned_le64(FIX_TEXT + 0x10, f.notes + next + xen);
	f.e.ph[FIX_PH_NOTE].p_offset = offsetof(typeof(f), notes);
	f.e.ph[FIX_PH_NOTE].p_filesz = next + xen + 8;
	f.e.ph[FIX_PH_NOTE].p_align = align;
	fix_open(&r, &f, sizeof(f));
	ASSERT_EQ(0, r.ret);
	EXPECT_EQ(KERNEL_PVH, r.ki.proto);
	EXPECT_EQ(FIX_TEXT + 0x10, r.ki.entry);
	kernel_image_close(&r.ki);
}

TEST(pvh_note_behind_another)
{
	note_behind_another(_metadata, 4);
	note_behind_another(_metadata, 8);
}

TEST(segments_are_sorted)
{
	struct elf64_phdr first;
	struct fix_result r;
	struct fix_elf e;

	fix_elf_make(&e);
	first = e.ph[FIX_PH_CODE];
	e.ph[FIX_PH_CODE] = e.ph[FIX_PH_DATA];
	e.ph[FIX_PH_DATA] = first;
	fix_open(&r, &e, sizeof(e));
	ASSERT_EQ(0, r.ret);
	EXPECT_EQ(FIX_TEXT, r.ki.seg[0].paddr);
	EXPECT_EQ(FIX_DATA, r.ki.seg[1].paddr);
	kernel_image_close(&r.ki);
}

struct elf_damage {
	const char *why;
	void (*damage)(struct fix_elf *e);
};

#define DAMAGE(name, what)						\
	static void name(struct fix_elf *e)				\
	{								\
		struct elf64_phdr *code = &e->ph[FIX_PH_CODE];		\
		struct elf64_phdr *data = &e->ph[FIX_PH_DATA];		\
		struct elf64_phdr *note = &e->ph[FIX_PH_NOTE];		\
		struct elf64_phdr *spare = &e->ph[FIX_PH_SPARE];	\
									\
		(void)code, (void)data, (void)note, (void)spare;	\
		what;							\
	}

DAMAGE(is_arm64, e->eh.e_machine = EM_AARCH64)
DAMAGE(is_s390, e->eh.e_machine = EM_S390 << 8; e->eh.e_ident[EI_DATA] = ELFDATA2MSB)
DAMAGE(is_i386, e->eh.e_machine = EM_386; e->eh.e_ident[EI_CLASS] = ELFCLASS32)
DAMAGE(is_x32, e->eh.e_ident[EI_CLASS] = ELFCLASS32)
DAMAGE(is_big, e->eh.e_machine = EM_X86_64 << 8; e->eh.e_ident[EI_DATA] = ELFDATA2MSB)
DAMAGE(is_unheard_of, e->eh.e_machine = 0xfefe)
DAMAGE(is_object, e->eh.e_type = ET_REL)
DAMAGE(is_pie, e->eh.e_type = ET_DYN)
DAMAGE(is_core, e->eh.e_type = ET_CORE)
DAMAGE(is_none, e->eh.e_type = ET_NONE)
DAMAGE(has_interp, spare->p_type = PT_INTERP)
DAMAGE(has_tls, spare->p_type = PT_TLS)
DAMAGE(has_abi_tag, memcpy(e->note.name, "GNU", 4); e->note.nh.n_type = 1)
DAMAGE(bad_version, e->eh.e_version = 2)
DAMAGE(bad_ident_version, e->eh.e_ident[EI_VERSION] = 0)
DAMAGE(no_phdrs, e->eh.e_phnum = 0)
DAMAGE(many_phdrs, e->eh.e_phnum = 0xffff)
DAMAGE(short_phdrs, e->eh.e_phentsize = 32)
DAMAGE(far_phdrs, e->eh.e_phoff = ~0ULL)
DAMAGE(late_phdrs, e->eh.e_phoff = sizeof(*e) - 16)
DAMAGE(far_code, code->p_offset = ~0ULL)
DAMAGE(late_code, code->p_offset = sizeof(*e) - FIX_CODE_LEN + 1)
DAMAGE(huge_code, code->p_filesz = ~0ULL; code->p_memsz = ~0ULL)
DAMAGE(small_memory, code->p_memsz = FIX_CODE_LEN - 1)
DAMAGE(no_memory, code->p_memsz = 0)
DAMAGE(high_code, code->p_paddr = 1ULL << 32)
DAMAGE(wraps, data->p_paddr = ~0ULL - 4)
DAMAGE(crosses_4g, data->p_memsz = (1ULL << 32) - FIX_DATA + 1)
DAMAGE(wraps_size, data->p_memsz = ~0ULL)
DAMAGE(overlap, data->p_paddr = FIX_TEXT + FIX_CODE_LEN - 1)
DAMAGE(same_place, data->p_paddr = FIX_TEXT)
DAMAGE(nothing, code->p_type = PT_NULL; data->p_type = PT_NULL)
DAMAGE(all_empty, code->p_filesz = code->p_memsz = data->p_filesz = data->p_memsz = 0)
DAMAGE(low_code, code->p_paddr = 0x8000)
DAMAGE(far_note, note->p_offset = ~0ULL)
DAMAGE(big_note, note->p_filesz = ~0ULL)
DAMAGE(long_name, e->note.nh.n_namesz = ~0U)
DAMAGE(long_desc, e->note.nh.n_descsz = 9)
DAMAGE(desc_5, e->note.nh.n_descsz = 5)
DAMAGE(pvh_outside, e->note.desc = FIX_TEXT + FIX_CODE_LEN)
DAMAGE(pvh_in_data, e->note.desc = FIX_DATA)
DAMAGE(pvh_high, e->note.desc = ~0ULL)
DAMAGE(no_entry, e->note.nh.n_type = 0; e->eh.e_entry = 0)
DAMAGE(entry_in_data, e->note.nh.n_type = 0; e->eh.e_entry = FIX_DATA)
DAMAGE(entry_virtual, e->note.nh.n_type = 0; e->eh.e_entry = 0xffffffff81000000ULL)

static const struct elf_damage elf_damages[] = {
	{ "is for arm64, this vmtool runs x86 kernels", is_arm64 },
	{ "is for s390, this vmtool runs x86 kernels", is_s390 },
	{ "is for 32-bit x86, this vmtool runs x86 kernels", is_i386 },
	{ "is a 32-bit ELF file", is_x32 },
	{ "is a big-endian ELF file", is_big },
	{ "is for another machine", is_unheard_of },
	{ "is an object file or a module", is_object },
	{ "is a user-space program or library", is_pie },
	{ "is a core dump", is_core },
	{ "is an ELF file of unknown type 0", is_none },
	{ "is a user-space program, not a kernel", has_interp },
	{ "is a user-space program, not a kernel", has_tls },
	{ "is a user-space program, not a kernel", has_abi_tag },
	{ "unknown ELF version", bad_version },
	{ "unknown ELF version", bad_ident_version },
	{ "0 program headers", no_phdrs },
	{ "65535 program headers", many_phdrs },
	{ "4 program headers of 32 bytes", short_phdrs },
	{ "ends before its program headers", far_phdrs },
	{ "ends before its program headers", late_phdrs },
	{ "truncated: segment 0 has 128 bytes", far_code },
	{ "truncated: segment 0 has 128 bytes", late_code },
	{ "truncated: segment 0 has", huge_code },
	{ "segment 0 is larger in the file than in memory", small_memory },
	{ "segment 0 is larger in the file than in memory", no_memory },
	{ "segment 0 (0x80 bytes at 0x100000000) does not lie below 4 GiB", high_code },
	{ "segment 1", wraps },
	{ "does not lie below 4 GiB", crosses_4g },
	{ "does not lie below 4 GiB", wraps_size },
	{ "two segments overlap at 0x100007f", overlap },
	{ "two segments overlap at 0x1000000", same_place },
	{ "nothing to load", nothing },
	{ "nothing to load", all_empty },
	{ "wants to be loaded at 0x8000, below 1 MiB", low_code },
	{ "truncated: segment 2", far_note },
	{ "truncated: segment 2", big_note },
	{ "a note does not end where its segment does", long_name },
	{ "a note does not end where its segment does", long_desc },
	{ "PVH note has 5 bytes", desc_5 },
	{ "PVH entry 0x1000080 is not in an executable segment", pvh_outside },
	{ "PVH entry 0x1200000 is not in an executable segment", pvh_in_data },
	{ "PVH entry 0xffffffffffffffff is not", pvh_high },
	{ "entry point 0 is not in an executable segment", no_entry },
	{ "entry point 0x1200000 is not in an executable segment", entry_in_data },
	{ "entry point 0xffffffff81000000 is not in", entry_virtual },
};

TEST(damaged_vmlinux)
{
	struct fix_elf e;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(elf_damages); i++) {
		fix_elf_make(&e);
		elf_damages[i].damage(&e);
		refused(_metadata, &e, sizeof(e), elf_damages[i].why);
	}
}

TEST(too_many_segments)
{
	struct {
		struct elf64_hdr eh;
		struct elf64_phdr ph[KERNEL_MAX_SEGMENTS + 1];
	} f;
	struct fix_result r;
	struct fix_elf e;
	int i;

	fix_elf_make(&e);
	f.eh = e.eh;
	for (i = 0; i < ARRAY_SIZE(f.ph); i++) {
		f.ph[i] = e.ph[FIX_PH_CODE];
		f.ph[i].p_paddr += i * 4096;
		f.ph[i].p_offset = 0;
	}
	f.eh.e_phnum = ARRAY_SIZE(f.ph);
	refused(_metadata, &f, sizeof(f), "has more than 32 segments");

	f.eh.e_phnum--;
	fix_open(&r, &f, sizeof(f));
	ASSERT_EQ(0, r.ret);
	EXPECT_EQ(KERNEL_MAX_SEGMENTS, r.ki.nr_seg);
	kernel_image_close(&r.ki);
}

TEST(truncated_vmlinux)
{
	struct fix_result r;
	struct fix_elf e;
	size_t len;

	fix_elf_make(&e);
	for (len = SELFMAG; len < sizeof(e); len++) {
		fix_open(&r, &e, len);
		EXPECT_EQ(-ENOEXEC, r.ret)
			TH_LOG("%zu bytes", len);
		EXPECT_TRUE(capture_one_line(&r.said) && strstr(r.said.text, "is truncated: "))
			TH_LOG("%zu bytes: %s", len, r.said.text);
	}
}

TEST(no_kernels)
{
	u8 buf[4096] = { 0 };

	refused(_metadata, "", 0, "is empty");
	refused(_metadata, "x", 1, "is a text file");
	refused(_metadata, "root:x:0:0:root:/root:/bin/bash\n", 32, "is a text file");
	refused(_metadata, "070701000000", 12, "is an initrd");
	refused(_metadata, "MZ\220\0\3\0", 6, "is a UEFI program");
	refused(_metadata, buf, sizeof(buf), "is of no format that this vmtool knows");
#ifndef CONFIG_BOOT_ARM64
	memcpy(buf + 0x38, "ARM\x64", 4);
	refused(_metadata, buf, sizeof(buf), "is an arm64 kernel");
#endif
}

static void refused_path(struct __test_metadata *_metadata, const char *path, int err,
			 const char *why)
{
	struct kernel_image ki;
	struct capture said;
	int ret;

	capture_begin(&said);
	ret = kernel_image_open(&ki, path);
	capture_end(&said);
	EXPECT_EQ(err, ret)
		TH_LOG("%s", path);
	EXPECT_EQ(-1, ki.fd);
	kernel_image_close(&ki);
	EXPECT_TRUE(capture_one_line(&said) && strstr(said.text, why) && strstr(said.text, path))
		TH_LOG("expected: %s; said: %s", why, said.text);
}

TEST(no_files)
{
	char dir[] = P_tmpdir "/kernel_image_test.XXXXXX", fifo[64];

	ASSERT_NE(NULL, mkdtemp(dir));
	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	ASSERT_EQ(0, mkfifo(fifo, 0600));
	refused_path(_metadata, dir, -EISDIR, "is a directory");
	refused_path(_metadata, fifo, -EINVAL, "is not a regular file");
	unlink(fifo);
	rmdir(dir);
	refused_path(_metadata, fifo, -ENOENT, "No such file or directory");
	refused_path(_metadata, "/dev/zero", -EINVAL, "is not a regular file");
	refused_path(_metadata, "/proc/self/status", -ENOEXEC, "is empty");
	if (geteuid())
		refused_path(_metadata, "/etc/shadow", -EACCES, "Permission denied");
}

static int open_quietly(struct fix_result *r, const struct fix_elf *e, struct gmem *gm,
			u64 memory)
{
	fix_open(r, e, sizeof(*e));
	gmem_init(gm, -1);
	return r->ret ?: gmem_add(gm, 0, memory, GMEM_RAM, -1, 0);
}

TEST(loads_and_reloads)
{
	u8 code[FIX_CODE_LEN], bss[FIX_BSS], junk[FIX_DATA_LEN + FIX_BSS];
	char data[FIX_DATA_LEN];
	struct fix_result r;
	struct fix_elf e;
	struct gmem gm;
	int i, j;

	fix_elf_make(&e);
	memset(junk, 0xa5, sizeof(junk));
	ASSERT_EQ(0, open_quietly(&r, &e, &gm, 32 * SZ_1M));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, gmem_write(&gm, FIX_TEXT, junk, sizeof(code)));
		ASSERT_EQ(0, gmem_write(&gm, FIX_DATA, junk, sizeof(junk)));
		ASSERT_EQ(0, kernel_image_load(&r.ki, &gm));
		gmem_read(&gm, FIX_TEXT, code, sizeof(code));
		gmem_read(&gm, FIX_DATA, data, sizeof(data));
		gmem_read(&gm, FIX_DATA + sizeof(data), bss, sizeof(bss));
		EXPECT_EQ(0, memcmp(code, e.code, sizeof(code)));
		EXPECT_EQ(0, memcmp(data, e.data, sizeof(data)));
		for (j = 0; j < sizeof(bss); j++)
			ASSERT_EQ(0, bss[j]);
	}
	kernel_image_close(&r.ki);
	gmem_destroy(&gm);
}

/* Where file and address agree on the page offset, the file is mapped. */
TEST(loads_mapped_pages)
{
	static struct {
		struct fix_elf e;
		u8 pad[4096 - sizeof(struct fix_elf)];
		u8 pages[3 * 4096];
	} f;
	struct fix_result r;
	struct gmem gm;
	u8 page[4096];
	int i;

	fix_elf_make(&f.e);
	for (i = 0; i < sizeof(f.pages); i++)
		f.pages[i] = i / 4096 + 1;
	f.e.ph[FIX_PH_CODE].p_offset = offsetof(typeof(f), pages);
	f.e.ph[FIX_PH_CODE].p_filesz = sizeof(f.pages) - 100;
	f.e.ph[FIX_PH_CODE].p_memsz = sizeof(f.pages) + 100;
	fix_open(&r, &f, sizeof(f));
	ASSERT_EQ(0, r.ret);
	gmem_init(&gm, -1);
	ASSERT_EQ(0, gmem_add(&gm, 0, 32 * SZ_1M, GMEM_RAM, -1, 0));
	ASSERT_EQ(0, kernel_image_load(&r.ki, &gm));
	for (i = 0; i < 3; i++) {
		gmem_read(&gm, FIX_TEXT + i * 4096, page, sizeof(page));
		EXPECT_EQ(i + 1, page[0]);
		EXPECT_EQ(i + 1, page[4096 - 101]);
		EXPECT_EQ(i < 2 ? i + 1 : 0, page[4096 - 100]);
	}
	kernel_image_close(&r.ki);
	gmem_destroy(&gm);
}

static void no_room(struct __test_metadata *_metadata, u64 memory, const char *why)
{
	struct capture said;
	struct fix_result r;
	struct fix_elf e;
	struct gmem gm;
	int ret;

	fix_elf_make(&e);
	ASSERT_EQ(0, open_quietly(&r, &e, &gm, memory));
	capture_begin(&said);
	ret = kernel_image_load(&r.ki, &gm);
	capture_end(&said);
	EXPECT_EQ(-EFBIG, ret);
	EXPECT_TRUE(capture_one_line(&said) && strstr(said.text, why))
		TH_LOG("%s", said.text);
	kernel_image_close(&r.ki);
	gmem_destroy(&gm);
}

TEST(memory_too_small)
{
	no_room(_metadata, SZ_1M,
		"needs memory up to 19 MiB, the guest has 1 MiB; use a larger -m");
	no_room(_metadata, 18 * SZ_1M, "needs memory up to 19 MiB, the guest has 18 MiB");
}

TEST(file_shrinks_before_load)
{
	struct capture said;
	struct fix_result r;
	struct fix_elf e;
	struct gmem gm;
	int ret;

	fix_elf_make(&e);
	ASSERT_EQ(0, open_quietly(&r, &e, &gm, 32 * SZ_1M));
	ASSERT_EQ(0, ftruncate(r.ki.fd, sizeof(e) - 1));
	capture_begin(&said);
	ret = kernel_image_load(&r.ki, &gm);
	capture_end(&said);
	EXPECT_EQ(-ENODATA, ret);
	EXPECT_TRUE(capture_one_line(&said) && strstr(said.text, "has shrunk"));
	kernel_image_close(&r.ki);
	gmem_destroy(&gm);
}

TEST(version_banner)
{
	static struct {
		struct fix_elf e;
		char more[200000];
	} f;
	/* At the edges of what is read at a time, and across them. */
	const size_t at[] = { 0, 65536 - 14, 65536 - 15, 65536 - 5, 65536, 131072 - 30, 199900 };
	struct fix_result r;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(at); i++) {
		memset(&f, 0, sizeof(f));
		fix_elf_make(&f.e);
		f.e.ph[FIX_PH_DATA].p_offset = offsetof(typeof(f), more);
		f.e.ph[FIX_PH_DATA].p_filesz = sizeof(f.more);
		f.e.ph[FIX_PH_DATA].p_memsz = sizeof(f.more);
		memcpy(f.more + at[i], FIX_BANNER, strlen(FIX_BANNER));
		fix_open(&r, &f, sizeof(f));
		ASSERT_EQ(0, r.ret);
		EXPECT_STREQ(FIX_VERSION, kernel_image_version(&r.ki))
			TH_LOG("at %zu", at[i]);
		kernel_image_close(&r.ki);
	}
}

TEST(version_missing)
{
	struct fix_result r;
	struct fix_elf e;

	fix_elf_make(&e);
	/* This has a banner's start, but no version. */
	snprintf(e.data, sizeof(e.data), "Linux version %%s (%%s)");
	fix_open(&r, &e, sizeof(e));
	ASSERT_EQ(0, r.ret);
	EXPECT_STREQ("", kernel_image_version(&r.ki));
	kernel_image_close(&r.ki);
}

/* A kernel with sections: strings in .rodata, and others elsewhere. */
struct sections {
	struct fix_elf e;
	struct elf64_shdr sh[4];
	char names[32];
	char rodata[150000];
	char data[64];
};

static void sections_make(struct sections *f)
{
	static const char names[] = "\0.rodata\0.data\0.shstrtab";

	memset(f, 0, sizeof(*f));
	fix_elf_make(&f->e);
	f->e.eh.e_shoff = offsetof(struct sections, sh);
	f->e.eh.e_shentsize = sizeof(f->sh[0]);
	f->e.eh.e_shnum = 4;
	f->e.eh.e_shstrndx = 3;
	memcpy(f->names, names, sizeof(names));
	f->sh[1] = (struct elf64_shdr) {
		.sh_name = 1, .sh_type = SHT_PROGBITS,
		.sh_offset = offsetof(struct sections, rodata), .sh_size = sizeof(f->rodata),
	};
	f->sh[2] = (struct elf64_shdr) {
		.sh_name = 9, .sh_type = SHT_PROGBITS,
		.sh_offset = offsetof(struct sections, data), .sh_size = sizeof(f->data),
	};
	f->sh[3] = (struct elf64_shdr) {
		.sh_name = 15, .sh_type = SHT_STRTAB,
		.sh_offset = offsetof(struct sections, names), .sh_size = sizeof(f->names),
	};
	memcpy(f->data, "elsewhere", 10);
}

static bool sections_have(const struct sections *f, const char *text)
{
	struct fix_result r;
	bool found;

	fix_open(&r, f, sizeof(*f));
	if (r.ret)
		return false;
	found = kernel_image_has(&r.ki, text);
	kernel_image_close(&r.ki);
	return found;
}

TEST(strings_of_a_kernel)
{
	static struct sections f;
	/* At the edges of what is read at a time, and across them. */
	const size_t at[] = { 0, 65536 - 13, 65536 - 12, 65536 - 1, 65536, 131072 - 30,
			      sizeof(f.rodata) - 13 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(at); i++) {
		sections_make(&f);
		memcpy(f.rodata + at[i], "virtio-ports", 13);
		EXPECT_TRUE(sections_have(&f, "virtio-ports"))
			TH_LOG("at %zu", at[i]);
		EXPECT_FALSE(sections_have(&f, "virtio-port"));
		EXPECT_FALSE(sections_have(&f, "virtio-ports2"));
	}
	EXPECT_FALSE(sections_have(&f, "elsewhere"));
	/* Cut off by the end of the section. */
	f.sh[1].sh_size--;
	EXPECT_FALSE(sections_have(&f, "virtio-ports"));
}

/* Sections are nothing a kernel needs: odd ones are as good as none. */
TEST(odd_sections)
{
	static struct sections f;
	int i;

	for (i = 0; i < 10; i++) {
		sections_make(&f);
		memcpy(f.rodata, "virtio-ports", 13);
		switch (i) {
		case 0:
			f.e.eh.e_shoff = ~0ULL;
			break;
		case 1:
			f.e.eh.e_shoff = sizeof(f) - 10;
			break;
		case 2:
			f.e.eh.e_shnum = 0xffff;
			break;
		case 3:
			f.e.eh.e_shentsize = 63;
			break;
		case 4:
			f.e.eh.e_shstrndx = 4;
			break;
		case 5:
			f.sh[3].sh_size = ~0ULL;
			break;
		case 6:
			f.sh[3].sh_size = 0;
			break;
		case 7:
			f.sh[1].sh_name = 0xffffffff;
			break;
		case 8:
			f.sh[1].sh_offset = ~0ULL;
			break;
		case 9:
			f.sh[1].sh_offset = sizeof(f);
			break;
		}
		EXPECT_FALSE(sections_have(&f, "virtio-ports"))
			TH_LOG("case %d", i);
	}
}

TEST_HARNESS_MAIN
#else
#include <kselftest.h>

int main(void)
{
	ksft_exit_skip("CONFIG_BOOT_ELF is not configured\n");
}
#endif /* CONFIG_BOOT_ELF */
