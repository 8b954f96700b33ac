// SPDX-License-Identifier: GPL-2.0
/*
 * Open files and directories of the 9P server. Data goes between the host's file and
 * the guest's buffers without a copy.
 */
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/kernel.h>

#include "9p.h"

/*
 * O_DIRECT is about the client's cache, and O_NOATIME about rights that are not the
 * client's; the rest of what may be said says nothing about regular files.
 */
static int host_flags(u32 flags)
{
	int host = flags & P9_O_ACCMODE;

	if (host == P9_O_ACCMODE)
		host = O_RDWR;
	if (flags & P9_O_EXCL)
		host |= O_EXCL;
	if (flags & P9_O_TRUNC)
		host |= O_TRUNC;
	if (flags & P9_O_APPEND)
		host |= O_APPEND;
	if (flags & P9_O_DSYNC)
		host |= O_DSYNC;
	if ((flags & P9_O_SYNC) == P9_O_SYNC)
		host |= O_SYNC;
	return host;
}

static bool has_set_id(u32 mode)
{
	return mode & S_ISUID || (mode & (S_ISGID | 0010)) == (S_ISGID | 0010);
}

static int kill_priv(struct p9_server *s, struct p9_fid *fid)
{
	struct share_attr attr = { 0 };

	return share_setattr(&s->ctx, fid->inode, fid->open->fd, &attr, SHARE_KILL_PRIV);
}

/* The file is open as @fd: what is to be known of it later. */
static int file_opened(struct p9_server *s, struct p9_fid *fid, int fd, int flags,
		       const struct share_attr *attr)
{
	struct p9_open *o = p9_fid_open(fid, P9_FILE);

	if (!o) {
		share_close_file(&s->share, fd);
		return -ENOMEM;
	}
	o->fd = fd;
	o->writable = (flags & O_ACCMODE) != O_RDONLY;
	/* The host does it for users, but not for root, who may serve many. */
	o->kill_priv = fid->uid && has_set_id(attr->mode);
	return o->kill_priv && flags & O_TRUNC ? kill_priv(s, fid) : 0;
}

static int open_dir(struct p9_server *s, struct p9_fid *fid, u32 flags)
{
	struct p9_open *o;
	int ret;

	if ((flags & P9_O_ACCMODE) || (flags & P9_O_TRUNC))
		return -EISDIR;
	o = p9_fid_open(fid, P9_DIR);
	if (!o)
		return -ENOMEM;
	ret = share_opendir(&s->ctx, fid->inode, &o->dir);
	if (ret)
		p9_fid_close(s, fid);
	return ret;
}

static int open_file(struct p9_server *s, struct p9_fid *fid, u32 flags,
		     const struct share_attr *attr)
{
	int fd, host = host_flags(flags);

	if (flags & P9_O_DIRECTORY)
		return -ENOTDIR;
	fd = share_open_file(&s->ctx, fid->inode, host & ~O_EXCL);
	return fd < 0 ? fd : file_opened(s, fid, fd, host, attr);
}

int p9_lopen(struct p9_req *r)
{
	struct p9_server *s = r->s;
	struct p9_fid *fid = p9_get_fid(r);
	u32 flags = p9_get32(r);
	struct share_attr attr;
	int ret;

	if (r->err)
		return r->err;
	if (fid->open)
		return -EINVAL;
	ret = share_getattr(&s->ctx, fid->inode, &attr);
	if (ret)
		return ret;
	if (share_type(fid->inode) == S_IFDIR)
		ret = open_dir(s, fid, flags);
	else
		ret = open_file(s, fid, flags, &attr);
	if (!ret && flags & P9_O_TRUNC)
		ret = share_getattr(&s->ctx, fid->inode, &attr);
	if (ret) {
		p9_fid_close(s, fid);
		return ret;
	}
	p9_put_qid(r, &attr);
	/* Units of I/O: as large as a message. */
	p9_put32(r, 0);
	return r->err;
}

int p9_lcreate(struct p9_req *r)
{
	struct p9_server *s = r->s;
	struct p9_fid *fid = p9_get_fid(r);
	struct share_inode *dir, *inode;
	struct share_attr attr;
	u32 flags, mode, gid;
	int fd, ret;

	p9_get_name(r, s->name);
	flags = p9_get32(r);
	mode = p9_get32(r);
	gid = p9_get32(r);
	if (r->err)
		return r->err;
	if (fid->open)
		return -EINVAL;
	p9_become(r, fid, gid);
	fd = share_create(&s->ctx, fid->inode, s->name, host_flags(flags), mode, &inode, &attr);
	if (fd < 0)
		return fd;
	/* The fid was the directory and is the file from now on. */
	dir = fid->inode;
	fid->inode = inode;
	ret = file_opened(s, fid, fd, host_flags(flags), &attr);
	if (ret) {
		p9_fid_close(s, fid);
		fid->inode = dir;
		share_put(&s->share, inode);
		return ret;
	}
	fid->name = p9_name_hash(dir, s->name);
	share_put(&s->share, dir);
	p9_put_qid(r, &attr);
	p9_put32(r, 0);
	return r->err;
}

/* --- data ------------------------------------------------------------------------- */

static size_t iov_bytes(const struct iovec *iov, int n)
{
	size_t len = 0;

	while (n--)
		len += iov[n].iov_len;
	return len;
}

/* As much as one system call does; @wanted is set to what it was asked for. */
static ssize_t transfer(struct p9_req *r, int fd, bool in, u64 off, u32 count, size_t *wanted)
{
	int n = vq_iov(r->c, in, 0, count, r->s->iov, P9_IOV);
	ssize_t ret;

	*wanted = iov_bytes(r->s->iov, n);
	do {
		ret = in ? preadv(fd, r->s->iov, n, off) : pwritev(fd, r->s->iov, n, off);
	} while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return -errno;
	if (in)
		vq_write(r->c, NULL, ret);
	else
		vq_read(r->c, NULL, ret);
	return ret;
}

/* Bytes transferred, fewer at the end of the file or if there is an error; or -errno. */
static ssize_t transfer_all(struct p9_req *r, int fd, bool in, u64 off, u32 count)
{
	size_t wanted;
	u32 done = 0;
	ssize_t ret;

	if (off > INT64_MAX - count)
		return in ? -EINVAL : -EFBIG;
	while (done < count) {
		ret = transfer(r, fd, in, off + done, count - done, &wanted);
		/* Of an error after some bytes the client hears when it goes on. */
		if (ret <= 0)
			return done ? done : ret;
		done += ret;
		if (in && ret < wanted)
			break;
	}
	return done;
}

int p9_read(struct p9_req *r)
{
	struct p9_fid *fid = p9_get_fid(r);
	u64 off = p9_get64(r);
	u32 count = min_t(u32, p9_get32(r), r->room - P9_DATA);
	ssize_t ret;

	if (r->err)
		return r->err;
	if (!fid->open)
		return -EBADF;
	if (fid->open->kind == P9_DIR)
		return -EISDIR;
	if (fid->open->kind != P9_FILE)
		return p9_xattr_read(r, fid->open, off, count);
	r->c->in_pos = P9_DATA;
	ret = transfer_all(r, fid->open->fd, true, off, count);
	if (ret < 0)
		return ret;
	vq_write_at(r->c, P9_HEADER, &(u32){ htole32(ret) }, sizeof(u32));
	return 0;
}

int p9_write(struct p9_req *r)
{
	struct p9_fid *fid = p9_get_fid(r);
	u64 off = p9_get64(r);
	u32 count = p9_get32(r);
	ssize_t ret = 0;

	if (r->err)
		return r->err;
	if (count > r->left)
		return -EPROTO;
	if (!fid->open)
		return -EBADF;
	if (fid->open->kind == P9_DIR)
		return -EISDIR;
	if (fid->open->kind != P9_FILE)
		return p9_xattr_write(r, fid->open, off, count);
	if (fid->open->kill_priv && fid->open->writable) {
		ret = kill_priv(r->s, fid);
		if (ret)
			return ret;
		fid->open->kill_priv = false;
	}
	ret = transfer_all(r, fid->open->fd, false, off, count);
	if (ret < 0)
		return ret;
	p9_put32(r, ret);
	return r->err;
}

int p9_fsync(struct p9_req *r)
{
	struct p9_fid *fid = p9_get_fid(r);
	/* Old clients do not say. */
	bool datasync = r->left >= 4 && p9_get32(r);
	int fd, ret;

	if (r->err)
		return r->err;
	if (!fid->open || fid->open->kind > P9_DIR)
		return -EBADF;
	fd = fid->open->kind == P9_DIR ? fid->open->dir.fd : fid->open->fd;
	do {
		ret = datasync ? fdatasync(fd) : fsync(fd);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : 0;
}

/* --- directories ----------------------------------------------------------------- */

static u8 entry_qid_type(const struct share_dirent *ent)
{
	return ent->type == DT_DIR ? P9_QTDIR :
	       ent->type == DT_LNK ? P9_QTSYMLINK : P9_QTFILE;
}

static void put_entry(struct p9_req *r, const struct share_dirent *ent)
{
	p9_put8(r, entry_qid_type(ent));
	p9_put32(r, 0);
	p9_put64(r, ent->ino);
	p9_put64(r, ent->off);
	p9_put8(r, ent->type);
	p9_put_str(r, ent->name, ent->len);
}

int p9_readdir(struct p9_req *r)
{
	struct p9_server *s = r->s;
	struct p9_fid *fid = p9_get_fid(r);
	u64 cookie = p9_get64(r);
	u32 count = min_t(u32, p9_get32(r), r->room - P9_DATA);
	struct share_dirent ent;
	u32 used;
	int ret;

	if (r->err)
		return r->err;
	if (!fid->open)
		return -EBADF;
	if (fid->open->kind != P9_DIR)
		return -ENOTDIR;
	r->c->in_pos = P9_DATA;
	for (;;) {
		ret = share_readdir(&s->ctx, &fid->open->dir, cookie, &ent);
		used = r->c->in_pos - P9_DATA;
		if (ret <= 0)
			break;
		if (used + P9_QID + 8 + 1 + 2 + ent.len > count) {
			share_unreaddir(&fid->open->dir);
			ret = -EINVAL;
			break;
		}
		put_entry(r, &ent);
		cookie = ent.off;
	}
	/* What is wrong with a later entry is told when it is asked for. */
	if (ret < 0 && !used)
		return ret;
	vq_write_at(r->c, P9_HEADER, &(u32){ htole32(used) }, sizeof(u32));
	return 0;
}
