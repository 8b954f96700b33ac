// SPDX-License-Identifier: GPL-2.0
/*
 * Attributes of files for the 9P server.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include <linux/kernel.h>
#include <linux/magic.h>

#include "9p.h"

static void put_time(struct p9_req *r, const struct timespec *ts)
{
	p9_put64(r, ts->tv_sec);
	p9_put64(r, ts->tv_nsec);
}

/* As Linux encodes a number of a device in 32 bits. */
static u64 encode_dev(dev_t dev)
{
	u32 minor = minor(dev);

	return (minor & 0xff) | major(dev) << 8 | (minor & ~0xffU) << 12;
}

/* What is worth reading at once: whole blocks, and as many as a message holds. */
static u64 io_size(const struct p9_server *s, u32 blksize)
{
	u32 max = s->msize - P9_IOHDR;

	return blksize && blksize < max ? max - max % blksize : max;
}

int p9_getattr(struct p9_req *r)
{
	struct p9_server *s = r->s;
	struct p9_fid *fid = p9_get_fid(r);
	u64 valid = P9_GETATTR_BASIC;
	struct share_attr attr;
	int ret;

	/* Which of them are wanted makes no difference. */
	p9_get64(r);
	if (r->err)
		return r->err;
	ret = share_getattr(&s->ctx, fid->inode, &attr);
	if (ret)
		return ret;
	if (attr.btime.tv_sec || attr.btime.tv_nsec)
		valid |= P9_GETATTR_BTIME;
	p9_put64(r, valid);
	p9_put_qid(r, &attr);
	p9_put32(r, attr.mode);
	p9_put32(r, attr.uid);
	p9_put32(r, attr.gid);
	p9_put64(r, attr.nlink);
	p9_put64(r, encode_dev(attr.rdev));
	p9_put64(r, attr.size);
	p9_put64(r, io_size(s, attr.blksize));
	p9_put64(r, attr.blocks);
	put_time(r, &attr.atime);
	put_time(r, &attr.mtime);
	put_time(r, &attr.ctime);
	put_time(r, &attr.btime);
	p9_put64(r, 0);		/* generation */
	p9_put64(r, 0);		/* version of the contents */
	return r->err;
}

static struct timespec get_time(struct p9_req *r, bool set)
{
	struct timespec ts = { 0 };

	ts.tv_sec = p9_get64(r);
	ts.tv_nsec = p9_get64(r);
	if (!set)
		ts = (struct timespec) { .tv_nsec = UTIME_NOW };
	else if (ts.tv_nsec < 0 || ts.tv_nsec > 999999999)
		r->err = r->err ? r->err : -EINVAL;
	return ts;
}

int p9_setattr(struct p9_req *r)
{
	static const unsigned int map[][2] = {
		{ P9_ATTR_MODE, SHARE_SET_MODE },
		{ P9_ATTR_UID, SHARE_SET_UID },
		{ P9_ATTR_GID, SHARE_SET_GID },
		{ P9_ATTR_SIZE, SHARE_SET_SIZE },
		{ P9_ATTR_ATIME, SHARE_SET_ATIME },
		{ P9_ATTR_MTIME, SHARE_SET_MTIME },
	};
	struct p9_fid *fid = p9_get_fid(r);
	u32 valid = p9_get32(r);
	struct share_attr attr = { 0 };
	unsigned int i, what = 0;
	int fd = -1;

	attr.mode = p9_get32(r);
	attr.uid = p9_get32(r);
	attr.gid = p9_get32(r);
	attr.size = p9_get64(r);
	attr.atime = get_time(r, valid & P9_ATTR_ATIME && valid & P9_ATTR_ATIME_SET);
	attr.mtime = get_time(r, valid & P9_ATTR_MTIME && valid & P9_ATTR_MTIME_SET);
	if (r->err)
		return r->err;
	for (i = 0; i < ARRAY_SIZE(map); i++)
		if (valid & map[i][0])
			what |= map[i][1];
	/* Who may write by a descriptor may do so whatever has become of the mode. */
	if (fid->open && fid->open->kind == P9_FILE && fid->open->writable)
		fd = fid->open->fd;
	if (what & SHARE_SET_SIZE && fid->uid)
		what |= SHARE_KILL_PRIV;
	return share_setattr(&r->s->ctx, fid->inode, fd, &attr, what);
}

int p9_statfs(struct p9_req *r)
{
	struct p9_fid *fid = p9_get_fid(r);
	struct statfs st;
	u64 fsid;
	int ret;

	if (r->err)
		return r->err;
	ret = share_statfs(&r->s->ctx, fid->inode, &st);
	if (ret)
		return ret;
	BUILD_BUG_ON(sizeof(st.f_fsid) != sizeof(fsid));
	memcpy(&fsid, &st.f_fsid, sizeof(fsid));
	/* What the guest can do with the file system is what 9P can. */
	p9_put32(r, V9FS_MAGIC);
	p9_put32(r, st.f_bsize);
	p9_put64(r, st.f_blocks);
	p9_put64(r, st.f_bfree);
	p9_put64(r, st.f_bavail);
	p9_put64(r, st.f_files);
	p9_put64(r, st.f_ffree);
	p9_put64(r, fsid);
	p9_put32(r, st.f_namelen);
	return r->err;
}
