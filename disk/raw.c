// SPDX-License-Identifier: GPL-2.0
/*
 * Raw disks: a regular file or a block device, byte for byte.
 *
 * Reads, writes and flushes go to io_uring where there is one, all else and all that
 * io_uring could not do at once goes to threads that wait (pool.c). With O_DIRECT,
 * requests that are not aligned as it wants go through the page cache instead, by
 * a second descriptor: guests that look at the block sizes never send any, and the
 * kernel keeps the two ways coherent.
 */
/* Before sys/uio.h, which has some of it in other words. */
#include <linux/fs.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/log.h>

#include "disk.h"
#include "raw.h"

#define MAX_PHYSICAL	4096
#define PART_MAX	(4 << 20)

static struct raw_disk *to_raw(struct disk *d)
{
	return container_of(d, struct raw_disk, disk);
}

static struct raw_queue *to_rq(struct disk_queue *q)
{
	return container_of(q, struct raw_queue, q);
}

/* --- opening ---------------------------------------------------------------------- */

static void say_open(const struct raw_disk *raw, int err, bool direct)
{
	const char *path = raw->disk.path;

	if (err == EBUSY)
		log_err("disk %s: in use by the host: unmount it, or add ,ro", path);
	else if (err == EINVAL && direct)
		log_err("disk %s: no O_DIRECT on its file system: leave out direct and cache=none",
			path);
	else if (!raw->disk.ro && (err == EACCES || err == EROFS || err == EPERM))
		log_err("disk %s: cannot be written: %s; add ,ro to only read it", path,
			strerror(err));
	else
		log_err("disk %s: cannot be opened: %s", path, strerror(err));
}

/* A FIFO would block in open(), a terminal might do worse: look first. */
static int check_kind(const struct raw_disk *raw, struct stat *st)
{
	if (stat(raw->disk.path, st)) {
		int err = errno;

		say_open(raw, err, false);
		return -err;
	}
	if (S_ISREG(st->st_mode) || S_ISBLK(st->st_mode))
		return 0;
	log_err("disk %s: neither a file nor a block device", raw->disk.path);
	return -EINVAL;
}

static int open_fd(const struct raw_disk *raw, int flags)
{
	int fd;

	flags |= O_CLOEXEC | (raw->disk.ro ? O_RDONLY : O_RDWR);
	do
		fd = open(raw->disk.path, flags);
	while (fd < 0 && errno == EINTR);
	if (fd < 0) {
		int err = errno;

		say_open(raw, err, flags & O_DIRECT);
		return -err;
	}
	return fd;
}

/* Opens a descriptor of the file that @st tells of, and no other. */
static int open_same(const struct raw_disk *raw, int flags, struct stat *st)
{
	struct stat seen;
	int fd = open_fd(raw, flags);

	if (fd < 0)
		return fd;
	if (fstat(fd, &seen) || seen.st_dev != st->st_dev || seen.st_ino != st->st_ino) {
		log_err("disk %s: was replaced while it was opened: try again", raw->disk.path);
		close(fd);
		return -ESTALE;
	}
	*st = seen;
	return fd;
}

static int open_all(struct raw_disk *raw, bool direct, struct stat *st)
{
	int ret = check_kind(raw, st);

	if (ret)
		return ret;
	raw->is_block = S_ISBLK(st->st_mode);
	raw->fd[RAW_FD] = open_same(raw, (direct ? O_DIRECT : 0) |
				    (raw->is_block && !raw->disk.ro ? O_EXCL : 0), st);
	if (raw->fd[RAW_FD] < 0)
		return raw->fd[RAW_FD];
	ret = raw_lock(raw);
	if (ret || !direct)
		return ret;
	raw_dio_align(raw);
	raw->fd[RAW_CACHED_FD] = open_same(raw, 0, st);
	return min(raw->fd[RAW_CACHED_FD], 0);
}

/* --- geometry --------------------------------------------------------------------- */

static void block_geometry(struct raw_disk *raw)
{
	struct disk *d = &raw->disk;
	unsigned int phys = 0, min = 0, opt = 0;
	int block = 0, align = 0;

	if (!ioctl(raw->fd[RAW_FD], BLKSSZGET, &block) && block >= DISK_SECTOR)
		d->block = block;
	if (!ioctl(raw->fd[RAW_FD], BLKPBSZGET, &phys))
		d->physical = max(phys, d->block);
	if (!ioctl(raw->fd[RAW_FD], BLKIOMIN, &min))
		d->min_io = min;
	if (!ioctl(raw->fd[RAW_FD], BLKIOOPT, &opt))
		d->opt_io = opt;
	if (!ioctl(raw->fd[RAW_FD], BLKALIGNOFF, &align) && align > 0)
		d->align_off = align;
}

/*
 * What is inside a file was partitioned for blocks of one size: the logical one stays
 * 512 wherever the file is.
 */
static void file_geometry(struct raw_disk *raw, const struct stat *st)
{
	struct disk *d = &raw->disk;

	d->physical = min_t(u64, st->st_blksize, MAX_PHYSICAL);
	d->physical = max(d->physical, raw->off_align);
	if (d->physical < d->block || (d->physical & (d->physical - 1)))
		d->physical = d->block;
}

static int set_geometry(struct raw_disk *raw, const struct stat *st)
{
	struct disk *d = &raw->disk;
	u64 size = st->st_size;

	d->block = DISK_SECTOR;
	d->physical = DISK_SECTOR;
	if (raw->is_block && ioctl(raw->fd[RAW_FD], BLKGETSIZE64, &size)) {
		int err = errno;

		log_err("disk %s: has no size: %s", d->path, strerror(err));
		return -err;
	}
	if (size < DISK_SECTOR) {
		log_err("disk %s: %s: \"truncate -s SIZE\" gives it a size", d->path,
			size ? "less than a sector of 512 bytes" : "is empty");
		return -EINVAL;
	}
	d->size = size & ~(u64)(DISK_SECTOR - 1);
	if (d->size != size)
		log_warn("disk %s: the guest does not see the last %u bytes: they are no sector of 512",
			 d->path, (unsigned int)(size - d->size));
	if (raw->is_block)
		block_geometry(raw);
	else
		file_geometry(raw, st);
	if (!d->min_io)
		d->min_io = d->physical;
	d->discard_align = d->physical;
	return 0;
}

/* --- who does a request ------------------------------------------------------------ */

int raw_pick_fd(const struct raw_disk *raw, const struct disk_req *req)
{
	int i;

	if (raw->fd[RAW_CACHED_FD] < 0)
		return RAW_FD;
	if ((req->off | req->len) & (raw->off_align - 1))
		return RAW_CACHED_FD;
	for (i = 0; i < req->nr_iov; i++)
		if (((uintptr_t)req->iov[i].iov_base & (raw->mem_align - 1)) ||
		    (req->iov[i].iov_len & (raw->off_align - 1)))
			return RAW_CACHED_FD;
	return RAW_FD;
}

const struct iovec *raw_part(struct disk_req *req, int *nr)
{
	size_t len = 0;
	int n = 0;

	while (n < req->nr_iov && len + req->iov[n].iov_len <= PART_MAX)
		len += req->iov[n++].iov_len;
	*nr = n;
	if (n)
		return req->iov;
	req->part.iov_base = req->iov->iov_base;
	req->part.iov_len = PART_MAX;
	*nr = 1;
	return &req->part;
}

bool raw_advance(struct disk_req *req, size_t done)
{
	req->off += done;
	req->len -= done;
	while (req->nr_iov && done >= req->iov->iov_len) {
		done -= req->iov->iov_len;
		req->iov++;
		req->nr_iov--;
	}
	if (done) {
		req->iov->iov_base += done;
		req->iov->iov_len -= done;
	}
	return req->len;
}

static void say_error(struct raw_disk *raw, const struct disk_req *req, int ret)
{
	static const char * const verbs[] = {
		[DISK_READ] = "read", [DISK_WRITE] = "written", [DISK_FLUSH] = "flushed",
		[DISK_DISCARD] = "discarded", [DISK_ZERO] = "zeroed",
	};

	log_guest(&raw->errors,
		  "disk %s: could not be %s at byte %llu: %s; the guest sees an I/O error",
		  raw->disk.path, verbs[req->op], (unsigned long long)req->off, strerror(-ret));
}

void raw_done(struct raw_queue *rq, struct disk_req *req, int ret)
{
	if (ret && ret != -ECANCELED)
		say_error(rq->raw, req, ret);
	req->ret = ret;
	rq->q.done(&rq->q, req);
}

static void raw_queue_add(struct disk_queue *q, struct disk_req *req)
{
	struct raw_queue *rq = to_rq(q);

	req->ret = 0;
	if (rq->raw->unsafe) {
		req->flags &= ~DISK_FUA;
		if (req->op == DISK_FLUSH) {
			raw_done(rq, req, 0);
			return;
		}
	}
	if (!raw_uring_add(rq, req))
		raw_pool_add(rq, req);
}

static void raw_queue_submit(struct disk_queue *q)
{
	raw_uring_submit(to_rq(q));
}

static void raw_queue_cancel(struct disk_queue *q)
{
	/* The ring first: what it gives up would go on in the pool. */
	raw_uring_cancel(to_rq(q));
	raw_pool_cancel(to_rq(q));
}

/* --- life ------------------------------------------------------------------------- */

static void say_no_uring(const struct raw_disk *raw, int err)
{
	const char *why = strerror(err);

	if (err == ENOSYS)
		why = "not built in, or not in this kernel";
	else if (err == EPERM)
		why = "not allowed here (kernel.io_uring_disabled, or a sandbox)";
	log_err("disk %s: io=uring: %s: leave it out, and threads do its I/O", raw->disk.path,
		why);
}

static struct disk_queue *raw_queue_open(struct disk *d, struct evloop *loop,
					 unsigned int depth, int *err)
{
	struct raw_disk *raw = to_raw(d);
	struct raw_queue *rq = calloc(1, sizeof(*rq));
	int ret;

	if (!rq) {
		*err = -ENOMEM;
		log_err("disk %s: %s", d->path, strerror(ENOMEM));
		return NULL;
	}
	rq->raw = raw;
	rq->q.disk = d;
	rq->q.loop = loop;
	raw_pool_init(&rq->pool);
	if (raw->io == DISK_IO_THREADS)
		return &rq->q;
	ret = raw_uring_open(rq, depth);
	if (!ret)
		return &rq->q;
	if (raw->io == DISK_IO_AUTO) {
		log_debug("disk %s: no io_uring here (%s): threads do its I/O", d->path,
			  strerror(-ret));
		/* The other queues need not ask again. */
		raw->io = DISK_IO_THREADS;
		return &rq->q;
	}
	say_no_uring(raw, -ret);
	raw_pool_destroy(&rq->pool);
	free(rq);
	*err = ret;
	return NULL;
}

static void raw_queue_close(struct disk_queue *q)
{
	struct raw_queue *rq = to_rq(q);

	raw_uring_close(rq);
	ev_del(q->loop, &rq->pool.ready);
	raw_pool_destroy(&rq->pool);
	free(rq);
}

static void raw_close(struct disk *d)
{
	struct raw_disk *raw = to_raw(d);
	int i;

	/* Rings that hold the file are closed by the kernel when it finds the time. */
	if (raw->fd[RAW_FD] >= 0)
		raw_unlock(raw);
	for (i = 0; i < RAW_NR_FDS; i++)
		if (raw->fd[i] >= 0)
			close(raw->fd[i]);
	free(raw);
}

static const struct disk_ops raw_ops = {
	.close = raw_close,
	.queue_open = raw_queue_open,
	.queue_add = raw_queue_add,
	.queue_submit = raw_queue_submit,
	.queue_cancel = raw_queue_cancel,
	.queue_close = raw_queue_close,
};

int raw_open(struct disk **disk, const struct disk_conf *conf)
{
	struct raw_disk *raw = calloc(1, sizeof(*raw));
	struct stat st;
	int ret;

	if (!raw) {
		log_err("disk %s: %s", conf->path, strerror(ENOMEM));
		return -ENOMEM;
	}
	raw->disk.ops = &raw_ops;
	raw->disk.path = conf->path;
	raw->disk.ro = conf->ro;
	raw->fd[RAW_FD] = -1;
	raw->fd[RAW_CACHED_FD] = -1;
	raw->io = conf->io;
	raw->unsafe = conf->cache == DISK_CACHE_UNSAFE;
	raw->mem_align = 1;
	raw->off_align = 1;
	ret = open_all(raw, conf->direct || conf->cache == DISK_CACHE_NONE, &st);
	if (!ret)
		ret = set_geometry(raw, &st);
	if (ret) {
		raw_close(&raw->disk);
		return ret;
	}
	*disk = &raw->disk;
	return 0;
}
