// SPDX-License-Identifier: GPL-2.0
/*
 * FUSE server: requests about nodes, their names and attributes.
 */
#include <errno.h>
#include <string.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <linux/kernel.h>

#include "fuse.h"

#define LINK_MAX_LEN	4096

static dev_t decode_dev(u32 dev)
{
	return makedev((dev & 0xfff00) >> 8, (dev & 0xff) | (dev >> 12 & 0xfff00));
}

static struct share_inode *node(struct fuse_req *r)
{
	return share_by_id(&r->fs->share, r->hdr.nodeid);
}

static int reply_entry(struct fuse_req *r, struct share_inode *inode,
		       const struct share_attr *attr)
{
	struct fuse_entry_out out;

	fuse_set_entry(r, &out, inode, attr);
	return fuse_reply(r, &out, sizeof(out));
}

static int reply_attr(struct fuse_req *r, const struct share_attr *attr)
{
	struct fuse_attr_out out = { .attr_valid = fuse_timeout(r->fs) };

	fuse_set_attr(r, &out.attr, attr);
	return fuse_reply(r, &out, sizeof(out));
}

/* A name that is not there is remembered by the guest as long as one that is. */
static int reply_negative(struct fuse_req *r)
{
	struct fuse_entry_out out = { .entry_valid = fuse_timeout(r->fs) };

	return out.entry_valid ? fuse_reply(r, &out, sizeof(out)) : -ENOENT;
}

int fuse_op_lookup(struct fuse_req *r)
{
	struct share_inode *dir = node(r), *inode;
	struct share_attr attr;
	int ret;

	if (!dir)
		return -ESTALE;
	ret = share_lookup(&r->w->ctx, dir, r->name[0], &inode, &attr);
	share_put(&r->fs->share, dir);
	if (ret == -ENOENT)
		return reply_negative(r);
	return ret ? ret : reply_entry(r, inode, &attr);
}

int fuse_op_forget(struct fuse_req *r)
{
	const struct fuse_forget_in *in = r->arg;

	share_forget(&r->fs->share, r->hdr.nodeid, in->nlookup);
	return 0;
}

int fuse_op_batch_forget(struct fuse_req *r)
{
	const struct fuse_batch_forget_in *in = r->arg;
	u32 count = in->count;
	struct fuse_forget_one one;

	while (count-- && r->left >= sizeof(one)) {
		if (vq_read(r->c, &one, sizeof(one)) != sizeof(one))
			break;
		r->left -= sizeof(one);
		share_forget(&r->fs->share, one.nodeid, one.nlookup);
	}
	return 0;
}

/* --- attributes -------------------------------------------------------------------- */

static int getattr_file(struct fuse_req *r, u64 fh)
{
	struct fuse_file *f = fuse_file_get(r->fs, fh);
	struct share_attr attr;
	int ret;

	if (!f)
		return -EBADF;
	ret = share_fgetattr(&r->w->ctx, f->fd, &attr);
	fuse_file_put(r->fs, f);
	return ret ? ret : reply_attr(r, &attr);
}

int fuse_op_getattr(struct fuse_req *r)
{
	const struct fuse_getattr_in *in = r->arg;
	struct share_inode *inode;
	struct share_attr attr;
	int ret;

	if (in->getattr_flags & FUSE_GETATTR_FH)
		return getattr_file(r, in->fh);
	inode = node(r);
	if (!inode)
		return -ESTALE;
	ret = share_getattr(&r->w->ctx, inode, &attr);
	share_put(&r->fs->share, inode);
	return ret ? ret : reply_attr(r, &attr);
}

static unsigned int setattr_what(const struct fuse_setattr_in *in, struct share_attr *attr)
{
	static const struct {
		u32 fattr;
		unsigned int what;
	} map[] = {
		{ FATTR_MODE, SHARE_SET_MODE }, { FATTR_UID, SHARE_SET_UID },
		{ FATTR_GID, SHARE_SET_GID }, { FATTR_SIZE, SHARE_SET_SIZE },
		{ FATTR_ATIME, SHARE_SET_ATIME }, { FATTR_MTIME, SHARE_SET_MTIME },
		{ FATTR_ATIME_NOW, SHARE_SET_ATIME }, { FATTR_MTIME_NOW, SHARE_SET_MTIME },
		{ FATTR_KILL_SUIDGID, SHARE_KILL_PRIV },
	};
	unsigned int i, what = 0;

	*attr = (struct share_attr) {
		.mode = in->mode, .uid = in->uid, .gid = in->gid, .size = in->size,
		.atime = { .tv_sec = in->atime, .tv_nsec = in->atimensec },
		.mtime = { .tv_sec = in->mtime, .tv_nsec = in->mtimensec },
	};
	if (in->valid & FATTR_ATIME_NOW)
		attr->atime.tv_nsec = UTIME_NOW;
	if (in->valid & FATTR_MTIME_NOW)
		attr->mtime.tv_nsec = UTIME_NOW;
	for (i = 0; i < ARRAY_SIZE(map); i++)
		if (in->valid & map[i].fattr)
			what |= map[i].what;
	return what;
}

int fuse_op_setattr(struct fuse_req *r)
{
	const struct fuse_setattr_in *in = r->arg;
	struct share_inode *inode = node(r);
	struct fuse_file *f = NULL;
	struct share_attr attr;
	unsigned int what = setattr_what(in, &attr);
	int ret;

	if (!inode)
		return -ESTALE;
	if (in->valid & FATTR_FH)
		f = fuse_file_get(r->fs, in->fh);
	ret = share_setattr(&r->w->ctx, inode, f && f->inode == inode ? f->fd : -1,
			    &attr, what);
	if (!ret)
		ret = share_getattr(&r->w->ctx, inode, &attr);
	if (f)
		fuse_file_put(r->fs, f);
	share_put(&r->fs->share, inode);
	return ret ? ret : reply_attr(r, &attr);
}

int fuse_op_readlink(struct fuse_req *r)
{
	struct share_inode *inode = node(r);
	int ret;

	if (!inode)
		return -ESTALE;
	ret = share_readlink(&r->w->ctx, inode, (char *)r->w->reply, LINK_MAX_LEN);
	share_put(&r->fs->share, inode);
	return ret < 0 ? ret : fuse_reply(r, r->w->reply, ret);
}

/* --- new nodes ----------------------------------------------------------------------- */

/* Ends a request that made a node in @dir. */
static int created(struct fuse_req *r, struct share_inode *dir, int ret,
		   struct share_inode *inode, const struct share_attr *attr)
{
	share_put(&r->fs->share, dir);
	return ret ? ret : reply_entry(r, inode, attr);
}

int fuse_op_symlink(struct fuse_req *r)
{
	struct share_inode *dir = node(r), *inode;
	struct share_attr attr;
	int ret;

	if (!dir)
		return -ESTALE;
	ret = share_symlink(&r->w->ctx, dir, r->name[0], r->name[1], &inode, &attr);
	return created(r, dir, ret, inode, &attr);
}

int fuse_op_mknod(struct fuse_req *r)
{
	const struct fuse_mknod_in *in = r->arg;
	struct share_inode *dir = node(r), *inode;
	struct share_attr attr;
	int ret;

	if (!dir)
		return -ESTALE;
	ret = share_mknod(&r->w->ctx, dir, r->name[0], in->mode, decode_dev(in->rdev),
			  &inode, &attr);
	return created(r, dir, ret, inode, &attr);
}

int fuse_op_mkdir(struct fuse_req *r)
{
	const struct fuse_mkdir_in *in = r->arg;
	struct share_inode *dir = node(r), *inode;
	struct share_attr attr;
	int ret;

	if (!dir)
		return -ESTALE;
	ret = share_mkdir(&r->w->ctx, dir, r->name[0], in->mode, &inode, &attr);
	return created(r, dir, ret, inode, &attr);
}

int fuse_op_link(struct fuse_req *r)
{
	const struct fuse_link_in *in = r->arg;
	struct share *s = &r->fs->share;
	struct share_inode *dir = node(r), *inode = share_by_id(s, in->oldnodeid);
	struct share_attr attr;
	int ret = -ESTALE;

	if (dir && inode)
		ret = share_link(&r->w->ctx, inode, dir, r->name[0], &attr);
	share_put(s, dir);
	if (!ret)
		return reply_entry(r, inode, &attr);
	share_put(s, inode);
	return ret;
}

/* --- names ----------------------------------------------------------------------------- */

static int unlink_name(struct fuse_req *r, bool isdir)
{
	struct share_inode *dir = node(r);
	int ret;

	if (!dir)
		return -ESTALE;
	ret = share_unlink(&r->w->ctx, dir, r->name[0], isdir);
	share_put(&r->fs->share, dir);
	return ret;
}

int fuse_op_unlink(struct fuse_req *r)
{
	return unlink_name(r, false);
}

int fuse_op_rmdir(struct fuse_req *r)
{
	return unlink_name(r, true);
}

static int rename_to(struct fuse_req *r, u64 newdir, unsigned int flags)
{
	struct share *s = &r->fs->share;
	struct share_inode *from = node(r), *to = share_by_id(s, newdir);
	int ret = -ESTALE;

	if (from && to)
		ret = share_rename(&r->w->ctx, from, r->name[0], to, r->name[1], flags);
	share_put(s, from);
	share_put(s, to);
	return ret;
}

int fuse_op_rename(struct fuse_req *r)
{
	const struct fuse_rename_in *in = r->arg;

	return rename_to(r, in->newdir, 0);
}

int fuse_op_rename2(struct fuse_req *r)
{
	const struct fuse_rename2_in *in = r->arg;

	return rename_to(r, in->newdir, in->flags);
}

/* --- file system ----------------------------------------------------------------------- */

int fuse_op_statfs(struct fuse_req *r)
{
	struct share_inode *inode = node(r);
	struct fuse_statfs_out out = { };
	struct statfs st;
	int ret;

	if (!inode)
		return -ESTALE;
	ret = share_statfs(&r->w->ctx, inode, &st);
	share_put(&r->fs->share, inode);
	if (ret)
		return ret;
	out.st = (struct fuse_kstatfs) {
		.blocks = st.f_blocks, .bfree = st.f_bfree, .bavail = st.f_bavail,
		.files = st.f_files, .ffree = st.f_ffree, .bsize = st.f_bsize,
		.namelen = st.f_namelen, .frsize = st.f_frsize,
	};
	return fuse_reply(r, &out, sizeof(out));
}

/* sync(1) in the guest: the host's file system that holds the node is written out. */
int fuse_op_syncfs(struct fuse_req *r)
{
	struct share_inode *inode = node(r);
	struct share_dir dir;
	int ret;

	if (!inode)
		return -ESTALE;
	if (r->fs->share.ro) {
		share_put(&r->fs->share, inode);
		return 0;
	}
	ret = share_opendir(&r->w->ctx, inode, &dir);
	share_put(&r->fs->share, inode);
	if (ret)
		return ret;
	if (syncfs(dir.fd) < 0)
		ret = -errno;
	share_closedir(&r->fs->share, &dir);
	return ret;
}

/* --- extended attributes ------------------------------------------------------------------ */

/* -ENOSYS has the guest not ask again. */
static int xattr_error(const struct fuse_req *r, int ret)
{
	return r->fs->share.xattr ? ret : -ENOSYS;
}

int fuse_op_setxattr(struct fuse_req *r)
{
	const struct fuse_setxattr_in *in = r->arg;
	struct share_inode *inode;
	int ret;

	if (in->size > r->rest_len)
		return -EINVAL;
	inode = node(r);
	if (!inode)
		return -ESTALE;
	ret = share_setxattr(&r->w->ctx, inode, r->name[0], r->rest, in->size, in->flags);
	share_put(&r->fs->share, inode);
	return xattr_error(r, ret);
}

/* A size of 0 asks for the size. */
static int reply_xattr(struct fuse_req *r, u32 size, ssize_t n)
{
	struct fuse_getxattr_out out = { .size = n };

	if (n < 0)
		return xattr_error(r, n);
	if (!size)
		return fuse_reply(r, &out, sizeof(out));
	return fuse_reply(r, r->w->reply, n);
}

int fuse_op_getxattr(struct fuse_req *r)
{
	const struct fuse_getxattr_in *in = r->arg;
	struct share_inode *inode = node(r);
	ssize_t n;

	if (!inode)
		return -ESTALE;
	n = share_getxattr(&r->w->ctx, inode, r->name[0], r->w->reply,
			   min_t(u32, in->size, FUSE_REPLY_MAX));
	share_put(&r->fs->share, inode);
	return reply_xattr(r, in->size, n);
}

int fuse_op_listxattr(struct fuse_req *r)
{
	const struct fuse_getxattr_in *in = r->arg;
	struct share_inode *inode = node(r);
	ssize_t n;

	if (!inode)
		return -ESTALE;
	n = share_listxattr(&r->w->ctx, inode, (char *)r->w->reply,
			    min_t(u32, in->size, FUSE_REPLY_MAX));
	share_put(&r->fs->share, inode);
	return reply_xattr(r, in->size, n);
}

int fuse_op_removexattr(struct fuse_req *r)
{
	struct share_inode *inode = node(r);
	int ret;

	if (!inode)
		return -ESTALE;
	ret = share_removexattr(&r->w->ctx, inode, r->name[0]);
	share_put(&r->fs->share, inode);
	return xattr_error(r, ret);
}
