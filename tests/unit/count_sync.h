/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_COUNT_SYNC_H
#define TESTS_UNIT_COUNT_SYNC_H

/*
 * Counts what the code under test asks the kernel to make stable, however it does.
 * The program's own fdatasync() and io_uring_submit() come before those of the
 * libraries.
 */
#include <dlfcn.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef CONFIG_DISK_IO_URING
#include <liburing.h>
#endif

/* Calls of fdatasync() and their like in rings; and writes in rings with RWF_DSYNC. */
static unsigned int count_syncs;
static unsigned int count_dsync_writes;
static unsigned int count_submits;

int fdatasync(int fd)
{
	__atomic_fetch_add(&count_syncs, 1, __ATOMIC_RELAXED);
	return syscall(SYS_fdatasync, fd);
}

static inline void count_reset(void)
{
	count_syncs = 0;
	count_dsync_writes = 0;
	count_submits = 0;
}

/* What is stable without another call: by a flush, or for a write by itself. */
static inline unsigned int count_stable(void)
{
	return __atomic_load_n(&count_syncs, __ATOMIC_RELAXED) + count_dsync_writes;
}

/* Can rings be looked into? A static program has one io_uring_submit() only. */
#if defined(CONFIG_DISK_IO_URING) && !defined(CONFIG_STATIC)
#define COUNT_RINGS	true

int io_uring_submit(struct io_uring *ring)
{
	int (*next)(struct io_uring *ring) = dlsym(RTLD_NEXT, "io_uring_submit");
	unsigned int i;

	count_submits++;
	for (i = *ring->sq.khead; i != ring->sq.sqe_tail; i++) {
		struct io_uring_sqe *sqe = &ring->sq.sqes[i & *ring->sq.kring_mask];

		if (sqe->opcode == IORING_OP_FSYNC && (sqe->fsync_flags & IORING_FSYNC_DATASYNC))
			__atomic_fetch_add(&count_syncs, 1, __ATOMIC_RELAXED);
		if (sqe->opcode == IORING_OP_WRITEV && (sqe->rw_flags & RWF_DSYNC))
			count_dsync_writes++;
	}
	return next(ring);
}
#else
#define COUNT_RINGS	false
#endif

#endif /* TESTS_UNIT_COUNT_SYNC_H */
