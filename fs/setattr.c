// SPDX-License-Identifier: GPL-2.0
/*
 * Changing attributes of a shared directory's files.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/kernel.h>

#include "share.h"

static int set_mode(struct share_ctx *ctx, struct share_inode *inode, u32 mode)
{
	char path[SHARE_PATH_MAX];

	if (inode->type == S_IFLNK)
		return -EOPNOTSUPP;
	share_fd_name(inode->fd, path);
	if (SHARE_RETRY(fchmodat(ctx->share->proc_fd, path, mode & 07777, 0)) < 0)
		return share_errno();
	return 0;
}

static int set_owner(struct share_ctx *ctx, struct share_inode *inode,
		     const struct share_attr *attr, unsigned int what)
{
	struct share *s = ctx->share;
	u32 uid = -1, gid = -1;

	if (what & SHARE_SET_UID && !share_to_host(&s->uids, attr->uid, &uid))
		return -EOVERFLOW;
	if (what & SHARE_SET_GID && !share_to_host(&s->gids, attr->gid, &gid))
		return -EOVERFLOW;
	if (SHARE_RETRY(fchownat(inode->fd, "", uid, gid,
				 AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) < 0)
		return share_errno();
	return 0;
}

static int set_size(struct share_ctx *ctx, struct share_inode *inode, int fd, u64 size)
{
	char path[SHARE_PATH_MAX];
	long ret;

	if (inode->type != S_IFREG)
		return inode->type == S_IFDIR ? -EISDIR : -EINVAL;
	if (size >> 63)
		return -EFBIG;
	if (fd >= 0) {
		ret = SHARE_RETRY(ftruncate(fd, size));
	} else {
		share_fd_path(ctx, inode->fd, path);
		ret = SHARE_RETRY(truncate(path, size));
	}
	return ret < 0 ? share_errno() : 0;
}

static int set_times(struct share_ctx *ctx, struct share_inode *inode,
		     const struct share_attr *attr, unsigned int what)
{
	struct timespec ts[2] = { attr->atime, attr->mtime };
	char path[SHARE_PATH_MAX];

	if (!(what & SHARE_SET_ATIME))
		ts[0].tv_nsec = UTIME_OMIT;
	if (!(what & SHARE_SET_MTIME))
		ts[1].tv_nsec = UTIME_OMIT;
	share_fd_name(inode->fd, path);
	if (SHARE_RETRY(utimensat(ctx->share->proc_fd, path, ts, 0)) < 0)
		return share_errno();
	return 0;
}

/* The host does not do it for root. */
static int kill_priv(struct share_ctx *ctx, struct share_inode *inode)
{
	struct share_attr attr;
	u32 kill = 0;
	int ret;

	if (inode->type != S_IFREG || !ctx->share->as_guest)
		return 0;
	ret = share_getattr(ctx, inode, &attr);
	if (ret)
		return ret;
	kill |= attr.mode & S_ISUID;
	if (attr.mode & 0010)
		kill |= attr.mode & S_ISGID;
	return kill ? set_mode(ctx, inode, attr.mode & ~kill) : 0;
}

int share_setattr(struct share_ctx *ctx, struct share_inode *inode, int fd,
		  const struct share_attr *attr, unsigned int what)
{
	int ret = 0;

	if (ctx->share->ro)
		return -EROFS;
	if (inode->barred)
		return -EPERM;
	/* Owner first: changing it drops set-id bits that the mode may ask for. */
	if (what & (SHARE_SET_UID | SHARE_SET_GID))
		ret = set_owner(ctx, inode, attr, what);
	if (!ret && what & SHARE_SET_MODE)
		ret = set_mode(ctx, inode, attr->mode);
	if (!ret && what & SHARE_SET_SIZE)
		ret = set_size(ctx, inode, fd, attr->size);
	if (!ret && what & SHARE_KILL_PRIV)
		ret = kill_priv(ctx, inode);
	/* Last, as a change of size is one of the contents. */
	if (!ret && what & (SHARE_SET_ATIME | SHARE_SET_MTIME))
		ret = set_times(ctx, inode, attr, what);
	return ret;
}
