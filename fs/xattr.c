// SPDX-License-Identifier: GPL-2.0
/*
 * Extended attributes of shared files, the file systems they are on, and locks. The
 * calls have no variant that starts from an O_PATH descriptor, so they are given the
 * path of the object in /proc: it leads to the object itself and opens nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <linux/kernel.h>

#include "share.h"

static int check(struct share_ctx *ctx, struct share_inode *inode, bool change,
		 char path[SHARE_PATH_MAX])
{
	if (!ctx->share->xattr)
		return -EOPNOTSUPP;
	if (change && ctx->share->ro)
		return -EROFS;
	if (inode->barred)
		return -EOPNOTSUPP;
	share_fd_path(ctx, inode->fd, path);
	return 0;
}

ssize_t share_getxattr(struct share_ctx *ctx, struct share_inode *inode,
		       const char *name, void *buf, size_t len)
{
	char path[SHARE_PATH_MAX];
	ssize_t ret = check(ctx, inode, false, path);

	if (ret)
		return ret;
	ret = SHARE_RETRY(getxattr(path, name, buf, len));
	return ret < 0 ? share_errno() : ret;
}

ssize_t share_listxattr(struct share_ctx *ctx, struct share_inode *inode, char *buf,
			size_t len)
{
	char path[SHARE_PATH_MAX];
	ssize_t ret = check(ctx, inode, false, path);

	if (ret)
		return ret;
	ret = SHARE_RETRY(listxattr(path, buf, len));
	return ret < 0 ? share_errno() : ret;
}

int share_setxattr(struct share_ctx *ctx, struct share_inode *inode, const char *name,
		   const void *buf, size_t len, int flags)
{
	char path[SHARE_PATH_MAX];
	int ret = check(ctx, inode, true, path);

	if (ret)
		return ret;
	ret = SHARE_RETRY(setxattr(path, name, buf, len, flags));
	return ret < 0 ? share_errno() : 0;
}

int share_removexattr(struct share_ctx *ctx, struct share_inode *inode,
		      const char *name)
{
	char path[SHARE_PATH_MAX];
	int ret = check(ctx, inode, true, path);

	if (ret)
		return ret;
	ret = SHARE_RETRY(removexattr(path, name));
	return ret < 0 ? share_errno() : 0;
}

int share_statfs(struct share_ctx *ctx, struct share_inode *inode, struct statfs *st)
{
	return SHARE_RETRY(fstatfs(inode->fd, st)) < 0 ? share_errno() : 0;
}

/* --- locks ------------------------------------------------------------------------- */

static int to_flock(int type, u64 start, u64 len, struct flock *fl)
{
	/* Offsets are signed on the host. */
	if (start >> 63 || len >> 63 || (start + len) >> 63)
		return -EINVAL;
	*fl = (struct flock) {
		.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len,
	};
	return 0;
}

int share_lock(int fd, int type, u64 start, u64 len)
{
	struct flock fl;
	int ret = to_flock(type, start, len, &fl);

	if (ret)
		return ret;
	if (SHARE_RETRY(fcntl(fd, F_OFD_SETLK, &fl)) < 0)
		return errno == EACCES ? -EAGAIN : share_errno();
	return 0;
}

int share_getlock(int fd, int *type, u64 *start, u64 *len)
{
	struct flock fl;
	int ret = to_flock(*type, *start, *len, &fl);

	if (ret)
		return ret;
	if (SHARE_RETRY(fcntl(fd, F_OFD_GETLK, &fl)) < 0)
		return share_errno();
	*type = fl.l_type;
	*start = fl.l_start;
	*len = fl.l_len;
	return 0;
}
