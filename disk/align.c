// SPDX-License-Identifier: GPL-2.0
/*
 * What O_DIRECT wants addresses, offsets and lengths to be multiples of.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* Not sys/stat.h: some C libraries have an older struct statx there. */
#include <linux/stat.h>

#include "raw.h"

#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH	0x1000
#endif

/* More than any file system wants. */
#define SAFE_ALIGN	4096

static bool by_statx(struct raw_disk *raw)
{
	struct statx stx = { 0 };

	if (syscall(SYS_statx, raw->fd[RAW_FD], "", AT_EMPTY_PATH, STATX_DIOALIGN, &stx))
		return false;
	if (!(stx.stx_mask & STATX_DIOALIGN) || !stx.stx_dio_mem_align ||
	    !stx.stx_dio_offset_align)
		return false;
	raw->mem_align = stx.stx_dio_mem_align;
	raw->off_align = stx.stx_dio_offset_align;
	return true;
}

/* Kernels before 6.1, and some file systems, do not say: a read tells. */
static bool by_reading(struct raw_disk *raw)
{
	void *page = mmap(NULL, 2 * SAFE_ALIGN, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool ok;

	if (page == MAP_FAILED)
		return false;
	ok = pread(raw->fd[RAW_FD], page + DISK_SECTOR, DISK_SECTOR, 0) == DISK_SECTOR;
	munmap(page, 2 * SAFE_ALIGN);
	if (ok) {
		raw->mem_align = DISK_SECTOR;
		raw->off_align = DISK_SECTOR;
	}
	return ok;
}

void raw_dio_align(struct raw_disk *raw)
{
	if (by_statx(raw) || by_reading(raw))
		return;
	raw->mem_align = SAFE_ALIGN;
	raw->off_align = SAFE_ALIGN;
}
