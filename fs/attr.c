// SPDX-License-Identifier: GPL-2.0
/*
 * Attributes of a shared directory's files, and finding them by name.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
/* Not sys/stat.h: some C libraries have no struct statx there, or an older one. */
#include <linux/stat.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <linux/kernel.h>

#include "share.h"

#define ATTR_MASK	(STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID)

/* Attributes of @fd, or of the name in it: the object itself, mounted or symlink. */
int attr_statx(int fd, const char *name, struct statx *stx)
{
	int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;

	if (!name[0])
		flags |= AT_EMPTY_PATH;
	return SHARE_RETRY(syscall(SYS_statx, fd, name, flags, ATTR_MASK, stx)) < 0 ?
		share_errno() : 0;
}

/*
 * Numbers of the root's file system are kept; those of others below it are scattered
 * over the upper half, the same way for as long as a device has its number.
 */
u64 attr_ino(const struct share *s, dev_t dev, u64 ino)
{
	u64 h = dev;

	if (dev == s->root_dev)
		return ino;
	h = (h ^ h >> 31) * 0x9e3779b97f4a7c15ULL;
	h ^= h >> 29;
	/* Every step can be undone: two files of one device never meet. */
	h += ino & ~(1ULL << 63);
	h = (h ^ h >> 32) * 0xbf58476d1ce4e5b9ULL;
	return h >> 1 | 1ULL << 63;
}

static struct timespec time_of(const struct statx_timestamp *ts)
{
	return (struct timespec) { .tv_sec = ts->tv_sec, .tv_nsec = ts->tv_nsec };
}

void attr_from_statx(const struct share *s, const struct statx *stx,
		     struct share_attr *attr)
{
	dev_t dev = makedev(stx->stx_dev_major, stx->stx_dev_minor);

	*attr = (struct share_attr) {
		.ino = attr_ino(s, dev, stx->stx_ino),
		.size = stx->stx_size,
		.blocks = stx->stx_blocks,
		.rdev = makedev(stx->stx_rdev_major, stx->stx_rdev_minor),
		.mode = stx->stx_mode,
		.nlink = stx->stx_nlink,
		.uid = share_to_guest(&s->uids, stx->stx_uid),
		.gid = share_to_guest(&s->gids, stx->stx_gid),
		.blksize = stx->stx_blksize,
		.atime = time_of(&stx->stx_atime),
		.mtime = time_of(&stx->stx_mtime),
		.ctime = time_of(&stx->stx_ctime),
	};
	if (stx->stx_mask & STATX_BTIME)
		attr->btime = time_of(&stx->stx_btime);
}

static void attr_mount(const struct share_inode *dir, const struct share_inode *inode,
		       struct share_attr *attr)
{
	attr->mount = inode->type == S_IFDIR && (dir->dev != inode->dev ||
						 dir->mnt != inode->mnt);
}

int attr_adopt(struct share_ctx *ctx, int fd, const struct share_inode *dir, u64 name,
	       struct share_inode **inode, struct share_attr *attr)
{
	struct share *s = ctx->share;
	struct statx stx;
	int ret = attr_statx(fd, "", &stx);

	if (ret) {
		close(fd);
		return ret;
	}
	if (!dir)
		s->root_dev = makedev(stx.stx_dev_major, stx.stx_dev_minor);
	ret = inode_adopt(s, fd, &stx, dir, name, inode);
	if (ret)
		return ret;
	attr_from_statx(s, &stx, attr);
	if (dir)
		attr_mount(dir, *inode, attr);
	return 0;
}

/*
 * The name was found before: if it still means the same, there is nothing to open.
 * 1 when it does, 0 when it does not, -errno when there is no such name.
 */
static int lookup_known(struct share *s, struct share_inode *dir, const char *name,
			u64 hash, struct share_inode **inode, struct share_attr *attr)
{
	struct share_inode *known = inode_by_name(s, hash);
	struct statx stx;
	int ret;

	if (!known)
		return 0;
	ret = attr_statx(dir->fd, name, &stx);
	if (!ret && inode_is(known, &stx)) {
		attr_from_statx(s, &stx, attr);
		attr_mount(dir, known, attr);
		*inode = known;
		return 1;
	}
	share_put(s, known);
	return ret;
}

int share_lookup(struct share_ctx *ctx, struct share_inode *dir, const char *name,
		 struct share_inode **inode, struct share_attr *attr)
{
	struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	int ret = share_check_name(dir, name), fd;
	u64 hash;

	if (ret)
		return ret;
	if (dir->barred)
		return -ENOENT;
	hash = inode_name_hash(dir, name);
	ret = lookup_known(ctx->share, dir, name, hash, inode, attr);
	if (ret)
		return ret < 0 ? ret : 0;
	fd = SHARE_RETRY(syscall(SYS_openat2, dir->fd, name, &how, sizeof(how)));
	if (fd < 0)
		return share_errno();
	return attr_adopt(ctx, fd, dir, hash, inode, attr);
}

int share_fgetattr(struct share_ctx *ctx, int fd, struct share_attr *attr)
{
	struct statx stx;
	int ret = attr_statx(fd, "", &stx);

	if (!ret)
		attr_from_statx(ctx->share, &stx, attr);
	return ret;
}

int share_getattr(struct share_ctx *ctx, struct share_inode *inode,
		  struct share_attr *attr)
{
	return share_fgetattr(ctx, inode->fd, attr);
}

int share_readlink(struct share_ctx *ctx, struct share_inode *inode, char *buf,
		   size_t len)
{
	long n;

	if (inode->type != S_IFLNK)
		return -EINVAL;
	n = SHARE_RETRY(readlinkat(inode->fd, "", buf, len));
	return n < 0 ? share_errno() : n;
}
