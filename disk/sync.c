// SPDX-License-Identifier: GPL-2.0
/*
 * Requests to a raw disk, done by system calls that wait for it.
 *
 * Every call may be interrupted, be short, or fail for want of memory for a moment:
 * that is gone on from here, and reaches nobody.
 */
/* Before sys/uio.h, which has some of it in other words. */
#include <linux/fs.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <linux/falloc.h>
#include <linux/kernel.h>
#include <vmtool/log.h>

#include "raw.h"

/* For how long something may be "temporarily unavailable": 0.6 s in all. */
#define RETRIES		6
#define RETRY_FIRST_NS	10000000L

#define ZERO_MAX	(64 << 20)
#define ZEROES_MEM	(64 * 1024)
#define ZEROES_PARTS	16

static bool cancelled(const struct raw_queue *rq)
{
	return __atomic_load_n(&rq->q.cancelling, __ATOMIC_RELAXED);
}

/* Shall a call that failed like this be made again? */
static bool try_again(const struct raw_queue *rq, unsigned int *tries)
{
	struct timespec ts = { .tv_nsec = RETRY_FIRST_NS << *tries };

	if (errno == EINTR)
		return !cancelled(rq);
	if (errno != EAGAIN && errno != ENOMEM)
		return false;
	if (*tries == RETRIES || cancelled(rq)) {
		errno = EIO;
		return false;
	}
	(*tries)++;
	nanosleep(&ts, NULL);
	return true;
}

int raw_ended(struct raw_disk *raw)
{
	if (!__atomic_exchange_n(&raw->said_end, true, __ATOMIC_RELAXED))
		log_warn("disk %s: the file is shorter now than it was when the guest started",
			 raw->disk.path);
	return -EIO;
}

int raw_flush_result(struct raw_disk *raw, int ret)
{
	int none = 0;

	/* By O_DIRECT nothing is in the page cache: the next one may be true. */
	if (ret && raw->fd[RAW_CACHED_FD] < 0 &&
	    __atomic_compare_exchange_n(&raw->flush_error, &none, ret, false, __ATOMIC_RELAXED,
					__ATOMIC_RELAXED))
		log_err("disk %s: fdatasync failed: %s; all flushes fail from now on, as the host may have dropped data",
			raw->disk.path, strerror(-ret));
	return ret;
}

static int do_flush(struct raw_queue *rq)
{
	struct raw_disk *raw = rq->raw;
	unsigned int tries = 0;
	int ret = __atomic_load_n(&raw->flush_error, __ATOMIC_RELAXED);

	if (ret)
		return ret;
	while (fdatasync(raw->fd[RAW_FD])) {
		if (errno == EINTR && try_again(rq, &tries))
			continue;
		if (errno == EINTR)
			return -ECANCELED;
		return raw_flush_result(raw, -errno);
	}
	return 0;
}

static int do_rw(struct raw_queue *rq, struct disk_req *req)
{
	struct raw_disk *raw = rq->raw;
	unsigned int tries = 0;
	ssize_t n;

	while (req->len && !cancelled(rq)) {
		int nr, fd = raw->fd[raw_pick_fd(raw, req)];
		const struct iovec *iov = raw_part(req, &nr);

		if (req->op == DISK_WRITE)
			n = pwritev(fd, iov, nr, req->off);
		else
			n = preadv(fd, iov, nr, req->off);
		if (n < 0 && try_again(rq, &tries))
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return req->op == DISK_READ ? raw_ended(raw) : -EIO;
		raw_advance(req, n);
	}
	return req->len ? -ECANCELED : 0;
}

/* The page of zeroes that the kernel has, many times. */
static int write_zeroes(struct raw_queue *rq, u64 off, u64 len)
{
	void *mem = mmap(NULL, ZEROES_MEM, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec iov[ZEROES_PARTS];
	int ret = 0;

	if (mem == MAP_FAILED)
		return -errno;
	while (len && !ret) {
		struct disk_req part = { .op = DISK_WRITE, .off = off, .iov = iov };

		while (part.nr_iov < ZEROES_PARTS && part.len < len) {
			iov[part.nr_iov].iov_base = mem;
			iov[part.nr_iov].iov_len = min_t(u64, len - part.len, ZEROES_MEM);
			part.len += iov[part.nr_iov++].iov_len;
		}
		off += part.len;
		len -= part.len;
		ret = do_rw(rq, &part);
	}
	munmap(mem, ZEROES_MEM);
	return ret;
}

/*
 * fallocate() with a mode that the file system has not refused before. -EOPNOTSUPP
 * also for a range that it does not like.
 */
static int do_fallocate(struct raw_queue *rq, bool *refused, int mode,
			const struct disk_req *req)
{
	unsigned int tries = 0;

	if (__atomic_load_n(refused, __ATOMIC_RELAXED))
		return -EOPNOTSUPP;
	while (fallocate(rq->raw->fd[RAW_FD], mode | FALLOC_FL_KEEP_SIZE, req->off, req->len)) {
		if (try_again(rq, &tries))
			continue;
		if (errno == EOPNOTSUPP || errno == ENOSYS || errno == ENODEV)
			__atomic_store_n(refused, true, __ATOMIC_RELAXED);
		else if (errno != EINVAL)
			return -errno;
		return -EOPNOTSUPP;
	}
	return 0;
}

static int block_ioctl(struct raw_queue *rq, unsigned long cmd, u64 off, u64 len)
{
	u64 range[2] = { off, len };
	unsigned int tries = 0;

	while (ioctl(rq->raw->fd[RAW_FD], cmd, range)) {
		if (try_again(rq, &tries))
			continue;
		if (errno == ENOTTY || errno == EINVAL)
			return -EOPNOTSUPP;
		return -errno;
	}
	return 0;
}

static int do_discard(struct raw_queue *rq, const struct disk_req *req)
{
	int ret;

	if (rq->raw->is_block)
		ret = block_ioctl(rq, BLKDISCARD, req->off, req->len);
	else
		ret = do_fallocate(rq, &rq->raw->no_punch, FALLOC_FL_PUNCH_HOLE, req);
	/* It is a hint. */
	return ret == -EOPNOTSUPP ? 0 : ret;
}

static int zero_part(struct raw_queue *rq, const struct disk_req *req)
{
	struct raw_disk *raw = rq->raw;
	int ret = -EOPNOTSUPP;

	if (req->flags & DISK_UNMAP)
		ret = do_fallocate(rq, &raw->no_punch, FALLOC_FL_PUNCH_HOLE, req);
	if (ret == -EOPNOTSUPP && raw->is_block)
		ret = block_ioctl(rq, BLKZEROOUT, req->off, req->len);
	else if (ret == -EOPNOTSUPP)
		ret = do_fallocate(rq, &raw->no_zero_range, FALLOC_FL_ZERO_RANGE, req);
	if (ret == -EOPNOTSUPP)
		ret = write_zeroes(rq, req->off, req->len);
	return ret;
}

/* In parts: some devices write all these zeroes, and a reset may have to wait for it. */
static int do_zero(struct raw_queue *rq, const struct disk_req *req)
{
	struct disk_req part = *req;
	u64 left = req->len;
	int ret = 0;

	while (left && !ret) {
		part.len = min_t(u64, left, ZERO_MAX);
		ret = cancelled(rq) ? -ECANCELED : zero_part(rq, &part);
		part.off += part.len;
		left -= part.len;
	}
	return ret;
}

static int do_op(struct raw_queue *rq, struct disk_req *req)
{
	switch (req->op) {
	case DISK_READ:
	case DISK_WRITE:
		return do_rw(rq, req);
	case DISK_FLUSH:
		return do_flush(rq);
	case DISK_DISCARD:
		return do_discard(rq, req);
	case DISK_ZERO:
		return do_zero(rq, req);
	}
	return -EOPNOTSUPP;
}

int raw_sync_do(struct raw_queue *rq, struct disk_req *req)
{
	int ret;

	if (cancelled(rq))
		return -ECANCELED;
	ret = do_op(rq, req);
	if (!ret && (req->flags & DISK_FUA))
		ret = do_flush(rq);
	return ret && cancelled(rq) ? -ECANCELED : ret;
}
