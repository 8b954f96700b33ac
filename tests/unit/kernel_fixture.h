/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_KERNEL_FIXTURE_H
#define TESTS_UNIT_KERNEL_FIXTURE_H

#include <fcntl.h>
#include <linux/elf.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/types.h>
#include <tools/le_byteshift.h>
#include <vmtool/kernel_image.h>

#include "capture.h"

/*
 * The smallest files that are kernels by their form: a vmlinux with a note, code
 * and data, and a bzImage around it. Tests damage them field by field.
 */

#define FIX_TEXT	0x1000000ULL
#define FIX_DATA	0x1200000ULL
#define FIX_BSS		0x3000ULL
#define FIX_CODE_LEN	128
#define FIX_DATA_LEN	104		/* nothing behind it in struct fix_elf */
#define FIX_VERSION	"6.1.0-test (me@here) #1"
#define FIX_BANNER	"Linux version " FIX_VERSION "\n"

struct fix_note {
	struct elf64_note nh;
	char name[4];
	u64 desc;
};

struct fix_elf {
	struct elf64_hdr eh;
	struct elf64_phdr ph[4];
	struct fix_note note;
	u8 code[FIX_CODE_LEN];
	char data[FIX_DATA_LEN];
};

enum { FIX_PH_CODE, FIX_PH_DATA, FIX_PH_NOTE, FIX_PH_SPARE };

static inline void fix_elf_phdrs(struct fix_elf *e)
{
	e->ph[FIX_PH_CODE] = (struct elf64_phdr) {
		.p_type = PT_LOAD, .p_flags = PF_R | PF_X,
		.p_offset = offsetof(struct fix_elf, code),
		.p_paddr = FIX_TEXT, .p_vaddr = 0xffffffff81000000ULL,
		.p_filesz = FIX_CODE_LEN, .p_memsz = FIX_CODE_LEN,
	};
	e->ph[FIX_PH_DATA] = (struct elf64_phdr) {
		.p_type = PT_LOAD, .p_flags = PF_R | PF_W,
		.p_offset = offsetof(struct fix_elf, data),
		.p_paddr = FIX_DATA, .p_vaddr = 0xffffffff81200000ULL,
		.p_filesz = FIX_DATA_LEN, .p_memsz = FIX_DATA_LEN + FIX_BSS,
	};
	e->ph[FIX_PH_NOTE] = (struct elf64_phdr) {
		.p_type = PT_NOTE, .p_align = 4,
		.p_offset = offsetof(struct fix_elf, note),
		.p_filesz = sizeof(e->note), .p_memsz = sizeof(e->note),
	};
}

static inline void fix_elf_make(struct fix_elf *e)
{
	memset(e, 0, sizeof(*e));
	memcpy(e->eh.e_ident, ELFMAG, SELFMAG);
	e->eh.e_ident[EI_CLASS] = ELFCLASS64;
	e->eh.e_ident[EI_DATA] = ELFDATA2LSB;
	e->eh.e_ident[EI_VERSION] = EV_CURRENT;
	e->eh.e_type = ET_EXEC;
	e->eh.e_machine = EM_X86_64;
	e->eh.e_version = EV_CURRENT;
	e->eh.e_entry = FIX_TEXT;
	e->eh.e_phoff = offsetof(struct fix_elf, ph);
	e->eh.e_ehsize = sizeof(e->eh);
	e->eh.e_phentsize = sizeof(e->ph[0]);
	e->eh.e_phnum = 4;
	fix_elf_phdrs(e);
	e->note.nh = (struct elf64_note) { .n_namesz = 4, .n_descsz = 8, .n_type = 18 };
	memcpy(e->note.name, "Xen", 4);
	e->note.desc = FIX_TEXT + 0x40;
	memset(e->code, 0xcc, sizeof(e->code));
	memcpy(e->data, FIX_BANNER, sizeof(FIX_BANNER));
}

static inline u32 fix_crc32(const u8 *p, size_t len)
{
	u32 crc = ~0U;
	int bit;

	while (len--) {
		crc ^= *p++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

/* Payloads, made without a library; they return the bytes at @out. */

static inline size_t fix_gzip(u8 *out, const void *in, size_t len)
{
	static const u8 head[10] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3 };
	u8 *p = out;

	memcpy(p, head, sizeof(head));
	p += sizeof(head);
	*p++ = 1;				/* last block, stored */
	put_unaligned_le16(len, p);
	put_unaligned_le16(~len, p + 2);
	memcpy(p + 4, in, len);
	p += 4 + len;
	put_unaligned_le32(fix_crc32(in, len), p);
	put_unaligned_le32(len, p + 4);
	return p + 8 - out;
}

/* One block of literals only, and the size that the kernel's build appends. */
static inline size_t fix_lz4(u8 *out, const void *in, size_t len)
{
	size_t more = len - 15;
	u8 *p = out + 8;

	put_unaligned_le32(0x184c2102, out);
	*p++ = 0xf0;
	for (; more >= 255; more -= 255)
		*p++ = 255;
	*p++ = more;
	memcpy(p, in, len);
	p += len;
	put_unaligned_le32(p - out - 8, out + 4);
	put_unaligned_le32(len, p);
	return p + 4 - out;
}

#ifdef CONFIG_X86
#include <asm/bootparam.h>

#define FIX_SETUP	1024
#define FIX_CODE32	1024		/* in front of the payload */
#define FIX_BZ_MAX	16384
#define FIX_INIT_SIZE	0x400000

struct fix_bz {
	u8 file[FIX_BZ_MAX];
	size_t size;
	size_t payload;			/* offset in @file */
	size_t payload_len;
};

static inline struct setup_header *fix_hdr(struct fix_bz *bz)
{
	return (struct setup_header *)(bz->file + 0x1f1);
}

static inline void fix_bz_make(struct fix_bz *bz, const void *payload, size_t len)
{
	struct setup_header *h = fix_hdr(bz);

	memset(bz, 0, sizeof(*bz));
	bz->payload = FIX_SETUP + FIX_CODE32;
	bz->payload_len = len;
	bz->size = (bz->payload + len + 15) & ~15;
	memset(bz->file + FIX_SETUP, 0x90, FIX_CODE32);
	memcpy(bz->file + bz->payload, payload, len);
	h->setup_sects = FIX_SETUP / 512 - 1;
	h->syssize = (bz->size - FIX_SETUP) / 16;
	h->boot_flag = 0xaa55;
	h->jump = 0x6aeb;
	h->header = 0x53726448;
	h->version = 0x20f;
	h->kernel_version = 0x100;
	memcpy(bz->file + 0x300, FIX_VERSION, sizeof(FIX_VERSION));
	h->loadflags = LOADED_HIGH;
	h->initrd_addr_max = 0x7fffffff;
	h->kernel_alignment = 0x200000;
	h->relocatable_kernel = 1;
	h->min_alignment = 21;
	h->xloadflags = XLF_KERNEL_64;
	h->cmdline_size = 2047;
	h->payload_offset = FIX_CODE32;
	h->payload_length = len;
	h->pref_address = FIX_TEXT;
	h->init_size = FIX_INIT_SIZE;
}

/* A bzImage with the smallest vmlinux, compressed by @pack. */
static inline void fix_bz_with_elf(struct fix_bz *bz,
				   size_t (*pack)(u8 *out, const void *in, size_t len))
{
	u8 payload[sizeof(struct fix_elf) + 64];
	struct fix_elf e;

	fix_elf_make(&e);
	fix_bz_make(bz, payload, pack(payload, &e, sizeof(e)));
}

#endif /* CONFIG_X86 */

/* What tests make up is not kept for anybody. */
__attribute__((constructor)) static void fix_keep_nothing(void)
{
	unsetenv("XDG_CACHE_HOME");
	unsetenv("HOME");
}

static inline int fix_file(const void *data, size_t len)
{
	int fd = memfd_create("fixture", MFD_CLOEXEC);

	if (write(fd, data, len) != len)
		abort();
	return fd;
}

/**
 * struct fix_result - what became of a file
 * @ret: of kernel_image_open_fd()
 * @ki: the image
 * @said: what was printed
 */
struct fix_result {
	int ret;
	struct kernel_image ki;
	struct capture said;
};

static inline void fix_open(struct fix_result *r, const void *data, size_t len)
{
	int fd = fix_file(data, len);

	capture_begin(&r->said);
	r->ret = kernel_image_open_fd(&r->ki, fd, "test");
	capture_end(&r->said);
	/* The file is still ours then; a second close would go unnoticed. */
	if (r->ret && (r->ki.fd != -1 || close(fd)))
		abort();
}

#endif /* TESTS_UNIT_KERNEL_FIXTURE_H */
