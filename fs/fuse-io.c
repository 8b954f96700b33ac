// SPDX-License-Identifier: GPL-2.0
/*
 * FUSE server: reading and writing files and directories. Data moves between the
 * host's page cache and the guest's memory, with nothing in between.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/kernel.h>

#include "fuse.h"

/* Longer ones are made in parts, so that others have a turn: the guest goes on. */
#define COPY_MAX	(64U << 20)

static struct fuse_file *get_file(struct fuse_req *r, u64 fh)
{
	struct fuse_file *f = fuse_file_get(r->fs, fh);

	if (f && f->isdir) {
		fuse_file_put(r->fs, f);
		f = NULL;
	}
	return f;
}

static struct fuse_file *get_dir(struct fuse_req *r, u64 fh)
{
	struct fuse_file *f = fuse_file_get(r->fs, fh);

	if (f && !f->isdir) {
		fuse_file_put(r->fs, f);
		f = NULL;
	}
	return f;
}

/* The rest of a transfer, of which @done bytes were made; bytes or -errno. */
static ssize_t transfer(struct fuse_req *r, int fd, bool in, size_t done, size_t len, u64 off)
{
	struct iovec *iov = r->w->iov;
	int n = vq_iov(r->c, in, done, len - done, iov, ARRAY_SIZE(r->w->iov));
	ssize_t ret;

	if (!n)
		return 0;
	do {
		ret = in ? preadv(fd, iov, n, off + done) : pwritev(fd, iov, n, off + done);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : ret;
}

int fuse_op_read(struct fuse_req *r)
{
	const struct fuse_read_in *in = r->arg;
	struct fuse_file *f = get_file(r, in->fh);
	size_t done = 0, len = min_t(size_t, in->size, vq_in_left(r->c));
	u64 size;
	ssize_t n;

	if (!f)
		return -EBADF;
	/* To the guest a short reply is the end of the file: be sure that it is. */
	size = __atomic_load_n(&f->size, __ATOMIC_RELAXED);
	do {
		n = transfer(r, f->fd, true, done, len, in->offset);
		if (n > 0)
			done += n;
	} while (n > 0 && done < len && in->offset + done < size);
	fuse_file_put(r->fs, f);
	if (n < 0)
		return n;
	vq_write(r->c, NULL, done);
	return 0;
}

static void file_grew(struct fuse_file *f, u64 end)
{
	if (end > __atomic_load_n(&f->size, __ATOMIC_RELAXED))
		__atomic_store_n(&f->size, end, __ATOMIC_RELAXED);
}

int fuse_op_write(struct fuse_req *r)
{
	const struct fuse_write_in *in = r->arg;
	struct fuse_file *f = get_file(r, in->fh);
	struct fuse_write_out out = { };
	size_t done = 0, len = in->size;
	ssize_t n = 0;

	if (!f)
		return -EBADF;
	if (len > r->left || len > FUSE_MAX_WRITE)
		n = -EINVAL;
	else if (in->write_flags & FUSE_WRITE_KILL_SUIDGID)
		n = share_setattr(&r->w->ctx, f->inode, -1, NULL, SHARE_KILL_PRIV);
	if (n)
		goto out;
	do {
		n = transfer(r, f->fd, false, done, len, in->offset);
		if (n > 0)
			done += n;
	} while (n > 0 && done < len);
	file_grew(f, in->offset + done);
	/* What is written back has no one to tell that a part is missing. */
	if (done && !(in->write_flags & FUSE_WRITE_CACHE))
		n = 0;
	else if (!n && len && !done)
		n = -EIO;
out:
	fuse_file_put(r->fs, f);
	if (n < 0)
		return n;
	out.size = done;
	return fuse_reply(r, &out, sizeof(out));
}

/* --- directories ------------------------------------------------------------------------ */

/* An entry with its node; one that is gone since, or cannot be had, comes without. */
static void fill_plus(struct fuse_req *r, struct fuse_file *f, const struct share_dirent *ent,
		      struct fuse_entry_out *out)
{
	struct share_inode *inode;
	struct share_attr attr;

	memset(out, 0, sizeof(*out));
	if (!strcmp(ent->name, ".") || !strcmp(ent->name, ".."))
		return;
	if (share_lookup(&r->w->ctx, f->inode, ent->name, &inode, &attr))
		return;
	fuse_set_entry(r, out, inode, &attr);
}

static size_t fill_dirent(u8 *p, const struct share_dirent *ent)
{
	struct fuse_dirent d = {
		.ino = ent->ino, .off = ent->off, .namelen = ent->len, .type = ent->type,
	};
	size_t len = FUSE_NAME_OFFSET + ent->len, all = FUSE_DIRENT_ALIGN(len);

	memcpy(p, &d, FUSE_NAME_OFFSET);
	memcpy(p + FUSE_NAME_OFFSET, ent->name, ent->len);
	memset(p + len, 0, all - len);
	return all;
}

static int fill_dir(struct fuse_req *r, struct fuse_file *f, u64 cookie, size_t size, bool plus)
{
	size_t head = plus ? sizeof(struct fuse_entry_out) : 0, used = 0;
	struct fuse_entry_out entry;
	struct share_dirent ent;
	u8 *p = r->w->reply;
	int ret;

	for (;;) {
		ret = share_readdir(&r->w->ctx, &f->dir, cookie, &ent);
		if (ret <= 0)
			break;
		if (used + head + FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + ent.len) > size) {
			share_unreaddir(&f->dir);
			if (!used)
				ret = -EINVAL;
			break;
		}
		if (plus) {
			fill_plus(r, f, &ent, &entry);
			memcpy(p + used, &entry, sizeof(entry));
			used += sizeof(entry);
		}
		used += fill_dirent(p + used, &ent);
		cookie = ent.off;
	}
	return used ? (int)used : ret;
}

static int read_dir(struct fuse_req *r, bool plus)
{
	const struct fuse_read_in *in = r->arg;
	struct fuse_file *f = get_dir(r, in->fh);
	size_t size = min_t(size_t, in->size, vq_in_left(r->c));
	int ret;

	if (!f)
		return -EBADF;
	size = min_t(size_t, size, FUSE_REPLY_MAX);
	pthread_mutex_lock(&f->dir_lock);
	ret = fill_dir(r, f, in->offset, size, plus);
	pthread_mutex_unlock(&f->dir_lock);
	fuse_file_put(r->fs, f);
	return ret < 0 ? ret : fuse_reply(r, r->w->reply, ret);
}

int fuse_op_readdir(struct fuse_req *r)
{
	return read_dir(r, false);
}

int fuse_op_readdirplus(struct fuse_req *r)
{
	return read_dir(r, true);
}

/* --- the rest ------------------------------------------------------------------------------ */

static int do_fsync(int fd, bool data)
{
	int ret;

	do {
		ret = data ? fdatasync(fd) : fsync(fd);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : 0;
}

/* FSYNC and FSYNCDIR. */
int fuse_op_fsync(struct fuse_req *r)
{
	const struct fuse_fsync_in *in = r->arg;
	struct fuse_file *f = fuse_file_get(r->fs, in->fh);
	int ret;

	if (!f)
		return -EBADF;
	ret = do_fsync(f->fd, in->fsync_flags & FUSE_FSYNC_FDATASYNC);
	fuse_file_put(r->fs, f);
	return ret;
}

int fuse_op_fallocate(struct fuse_req *r)
{
	const struct fuse_fallocate_in *in = r->arg;
	struct fuse_file *f = get_file(r, in->fh);
	int ret;

	if (!f)
		return -EBADF;
	do {
		ret = fallocate(f->fd, in->mode, in->offset, in->length);
	} while (ret < 0 && errno == EINTR);
	ret = ret < 0 ? -errno : 0;
	fuse_file_put(r->fs, f);
	return ret;
}

/* The guest keeps positions itself: asked is where data and holes are. */
int fuse_op_lseek(struct fuse_req *r)
{
	const struct fuse_lseek_in *in = r->arg;
	struct fuse_lseek_out out = { };
	struct fuse_file *f;
	off_t off;

	if (in->whence != SEEK_DATA && in->whence != SEEK_HOLE)
		return -EINVAL;
	f = get_file(r, in->fh);
	if (!f)
		return -EBADF;
	off = lseek(f->fd, in->offset, in->whence);
	if (off >= 0)
		out.offset = off;
	else
		off = -errno;
	fuse_file_put(r->fs, f);
	return off < 0 ? (int)off : fuse_reply(r, &out, sizeof(out));
}

static int copy_range(struct fuse_req *r, struct fuse_file *from, struct fuse_file *to)
{
	const struct fuse_copy_file_range_in *in = r->arg;
	struct fuse_write_out out = { };
	loff_t off_in = in->off_in, off_out = in->off_out;
	ssize_t n;

	do {
		n = copy_file_range(from->fd, &off_in, to->fd, &off_out,
				    min_t(u64, in->len, COPY_MAX), in->flags);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	file_grew(to, in->off_out + n);
	out.size = n;
	return fuse_reply(r, &out, sizeof(out));
}

int fuse_op_copy_file_range(struct fuse_req *r)
{
	const struct fuse_copy_file_range_in *in = r->arg;
	struct fuse_file *from = get_file(r, in->fh_in), *to = get_file(r, in->fh_out);
	int ret = -EBADF;

	if (from && to)
		ret = copy_range(r, from, to);
	if (from)
		fuse_file_put(r->fs, from);
	if (to)
		fuse_file_put(r->fs, to);
	return ret;
}
