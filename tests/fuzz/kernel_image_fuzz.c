// SPDX-License-Identifier: GPL-2.0
/*
 * Any bytes as a kernel: they are opened, and where that worked loaded twice
 * into a small guest. Run it with -close_fd_mask=2: each refusal is a message.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vmtool/gmem.h>
#include <vmtool/kernel_image.h>

#define FUZZ_MEMORY	(32ULL << 20)

/* What the rest of vmtool relies on. */
static void fuzz_check(const struct kernel_image *ki)
{
	/* What x86 has in front of a kernel; others are put anywhere, by no header. */
	bool x86 = ki->proto == KERNEL_PVH || ki->proto == KERNEL_LINUX64;
	size_t setup = x86 ? 0x20 : 0;
	u64 start = x86 ? 1 << 20 : 0;
	int i;

	if (ki->fd < 0 || !ki->nr_seg || ki->nr_seg > KERNEL_MAX_SEGMENTS ||
	    ki->start < start || ki->start >= ki->end || ki->end > 1ULL << 32 ||
	    ki->entry < ki->start || ki->entry >= ki->end || !ki->cmdline_max ||
	    ki->setup_len > sizeof(ki->setup) || ki->setup_len < setup)
		abort();
	for (i = 0; i < ki->nr_seg; i++) {
		const struct kernel_segment *s = &ki->seg[i];

		if (s->filesz > s->memsz || s->paddr < ki->start ||
		    s->paddr + s->memsz > ki->end ||
		    (i && s->paddr < s[-1].paddr + s[-1].memsz))
			abort();
	}
}

static void fuzz_load(struct kernel_image *ki)
{
	struct gmem gm;

	gmem_init(&gm, -1);
	if (gmem_add(&gm, 0, FUZZ_MEMORY, GMEM_RAM, -1, 0))
		abort();
	if (!kernel_image_load(ki, &gm) && kernel_image_load(ki, &gm))
		abort();
	gmem_destroy(&gm);
}

/* What is made up here is not kept for anybody. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	unsetenv("XDG_CACHE_HOME");
	unsetenv("HOME");
	return 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct kernel_image ki;

	if (fd < 0 || write(fd, data, size) != size)
		abort();
	if (kernel_image_open_fd(&ki, fd, "fuzz")) {
		if (ki.fd != -1 || close(fd))
			abort();
		return 0;
	}
	fuzz_check(&ki);
	fuzz_load(&ki);
	kernel_image_version(&ki);
	kernel_image_close(&ki);
	return 0;
}
