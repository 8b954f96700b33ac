// SPDX-License-Identifier: GPL-2.0
/*
 * Opening, creating, renaming and removing in a shared directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/kernel.h>

#include "share.h"

/* Flags that say how data is accessed. O_DIRECT asks for aligned buffers: not ours. */
#define OPEN_FLAGS	(O_ACCMODE | O_APPEND | O_TRUNC | O_DSYNC | O_SYNC)
#define OPEN_TRIES	8

/* Some C libraries leave these to linux/fs.h, which is at odds with theirs. */
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE	0x1
#define RENAME_EXCHANGE		0x2
#define RENAME_WHITEOUT		0x4
#endif

/* --- as the guest's user --------------------------------------------------------- */

/*
 * What is created belongs to who asks. The thread's file system user is changed
 * for the moment, which costs nothing for root.
 */
static int begin_as(struct share_ctx *ctx, bool *changed)
{
	struct share *s = ctx->share;
	u32 uid, gid;

	*changed = false;
	if (!s->as_guest)
		return 0;
	if (!share_to_host(&s->uids, ctx->uid, &uid) ||
	    !share_to_host(&s->gids, ctx->gid, &gid))
		return -EOVERFLOW;
	if (uid || gid) {
		setfsgid(gid);
		setfsuid(uid);
		*changed = true;
	}
	return 0;
}

static void end_as(bool changed)
{
	int saved = errno;

	if (!changed)
		return;
	setfsuid(0);
	setfsgid(0);
	errno = saved;
}

static int check_dir(struct share_ctx *ctx, const struct share_inode *dir,
		     const char *name)
{
	int ret = share_check_name(dir, name);

	if (ret)
		return ret;
	if (ctx->share->ro)
		return -EROFS;
	return dir->barred ? -EPERM : 0;
}

/* --- opening --------------------------------------------------------------------- */

static int check_open(struct share_ctx *ctx, const struct share_inode *inode, int flags)
{
	switch (inode->type) {
	case S_IFREG:
		break;
	case S_IFDIR:
		return -EISDIR;
	case S_IFLNK:
		return -ELOOP;
	default:
		/* A guest opens these by drivers of its own. */
		return -ENXIO;
	}
	if (ctx->share->ro && ((flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC))
		return -EROFS;
	return 0;
}

int share_open_file(struct share_ctx *ctx, struct share_inode *inode, int flags)
{
	struct share *s = ctx->share;
	char path[SHARE_PATH_MAX];
	int ret = check_open(ctx, inode, flags), fd;

	if (ret)
		return ret;
	if (!share_file_get(s))
		return -ENFILE;
	share_fd_name(inode->fd, path);
	fd = SHARE_RETRY(openat(s->proc_fd, path, (flags & OPEN_FLAGS) | O_CLOEXEC));
	if (fd < 0) {
		ret = share_errno();
		share_file_unget(s);
		return ret;
	}
	return fd;
}

/* The inode of a file that was just created and is open. */
static int adopt_file(struct share_ctx *ctx, int file, const struct share_inode *dir,
		      u64 name, struct share_inode **inode, struct share_attr *attr)
{
	char path[SHARE_PATH_MAX];
	int fd;

	share_fd_name(file, path);
	fd = SHARE_RETRY(openat(ctx->share->proc_fd, path, O_PATH | O_CLOEXEC));
	if (fd < 0)
		return share_errno();
	return attr_adopt(ctx, fd, dir, name, inode, attr);
}

static int create_at(struct share_ctx *ctx, struct share_inode *dir, const char *name,
		     int flags, u32 mode, bool tmp)
{
	struct open_how how = {
		.flags = (flags & OPEN_FLAGS & ~O_TRUNC) | O_CLOEXEC,
		.mode = mode & 07777,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS,
	};
	bool changed;
	int fd, ret;

	if (tmp)
		how.flags |= O_TMPFILE | (flags & O_EXCL);
	else
		how.flags |= O_CREAT | O_EXCL | O_NOFOLLOW;
	ret = begin_as(ctx, &changed);
	if (ret)
		return ret;
	fd = SHARE_RETRY(syscall(SYS_openat2, dir->fd, name, &how, sizeof(how)));
	end_as(changed);
	return fd < 0 ? share_errno() : fd;
}

/* @fd is new; the inode is not there yet. */
static int finish_create(struct share_ctx *ctx, int fd, struct share_inode *dir,
			 u64 name, struct share_inode **inode, struct share_attr *attr)
{
	int ret = adopt_file(ctx, fd, dir, name, inode, attr);

	if (!ret)
		return fd;
	close(fd);
	return ret;
}

static int open_existing(struct share_ctx *ctx, struct share_inode *dir,
			 const char *name, int flags, struct share_inode **inode,
			 struct share_attr *attr)
{
	int fd, ret = share_lookup(ctx, dir, name, inode, attr);

	if (ret)
		return ret;
	fd = share_open_file(ctx, *inode, flags);
	if (fd >= 0 && flags & O_TRUNC) {
		ret = share_fgetattr(ctx, fd, attr);
		if (ret) {
			share_close_file(ctx->share, fd);
			fd = ret;
		}
	}
	if (fd < 0)
		share_put(ctx->share, *inode);
	return fd;
}

int share_create(struct share_ctx *ctx, struct share_inode *dir, const char *name,
		 int flags, u32 mode, struct share_inode **inode,
		 struct share_attr *attr)
{
	struct share *s = ctx->share;
	int i, fd, ret = check_dir(ctx, dir, name);

	if (ret)
		return ret;
	/* Somebody on the host may create and remove it all the time. */
	for (i = 0; i < OPEN_TRIES; i++) {
		if (!share_file_get(s))
			return -ENFILE;
		fd = create_at(ctx, dir, name, flags, mode, false);
		if (fd >= 0)
			fd = finish_create(ctx, fd, dir, inode_name_hash(dir, name),
					   inode, attr);
		if (fd < 0)
			share_file_unget(s);
		if (fd != -EEXIST || flags & O_EXCL)
			return fd;
		fd = open_existing(ctx, dir, name, flags, inode, attr);
		if (fd != -ENOENT)
			return fd;
	}
	return -EAGAIN;
}

int share_tmpfile(struct share_ctx *ctx, struct share_inode *dir, int flags, u32 mode,
		  struct share_inode **inode, struct share_attr *attr)
{
	struct share *s = ctx->share;
	int fd;

	if (dir->type != S_IFDIR)
		return -ENOTDIR;
	if (s->ro)
		return -EROFS;
	if (dir->barred)
		return -EPERM;
	if ((flags & O_ACCMODE) == O_RDONLY)
		return -EINVAL;
	if (!share_file_get(s))
		return -ENFILE;
	fd = create_at(ctx, dir, ".", flags, mode, true);
	if (fd >= 0)
		fd = finish_create(ctx, fd, dir, 0, inode, attr);
	if (fd < 0)
		share_file_unget(s);
	return fd;
}

/* --- other types ----------------------------------------------------------------- */

int share_mknod(struct share_ctx *ctx, struct share_inode *dir, const char *name,
		u32 mode, dev_t rdev, struct share_inode **inode,
		struct share_attr *attr)
{
	int ret = check_dir(ctx, dir, name);
	bool changed;

	if (!ret && ((mode & S_IFMT) == S_IFDIR || (mode & S_IFMT) == S_IFLNK))
		ret = -EINVAL;
	if (!ret)
		ret = begin_as(ctx, &changed);
	if (ret)
		return ret;
	if (SHARE_RETRY(mknodat(dir->fd, name, mode, rdev)) < 0)
		ret = share_errno();
	end_as(changed);
	return ret ? ret : share_lookup(ctx, dir, name, inode, attr);
}

int share_mkdir(struct share_ctx *ctx, struct share_inode *dir, const char *name,
		u32 mode, struct share_inode **inode, struct share_attr *attr)
{
	int ret = check_dir(ctx, dir, name);
	bool changed;

	if (!ret)
		ret = begin_as(ctx, &changed);
	if (ret)
		return ret;
	if (SHARE_RETRY(mkdirat(dir->fd, name, mode & 07777)) < 0)
		ret = share_errno();
	end_as(changed);
	return ret ? ret : share_lookup(ctx, dir, name, inode, attr);
}

int share_symlink(struct share_ctx *ctx, struct share_inode *dir, const char *name,
		  const char *target, struct share_inode **inode,
		  struct share_attr *attr)
{
	int ret = check_dir(ctx, dir, name);
	bool changed;

	if (!ret)
		ret = begin_as(ctx, &changed);
	if (ret)
		return ret;
	if (SHARE_RETRY(symlinkat(target, dir->fd, name)) < 0)
		ret = share_errno();
	end_as(changed);
	return ret ? ret : share_lookup(ctx, dir, name, inode, attr);
}

/* --- names ------------------------------------------------------------------------- */

int share_link(struct share_ctx *ctx, struct share_inode *inode,
	       struct share_inode *dir, const char *name, struct share_attr *attr)
{
	char path[SHARE_PATH_MAX];
	int ret = check_dir(ctx, dir, name);

	if (ret)
		return ret;
	if (inode->type == S_IFDIR)
		return -EPERM;
	/* The link followed is that of /proc, to the object itself. */
	share_fd_name(inode->fd, path);
	if (SHARE_RETRY(linkat(ctx->share->proc_fd, path, dir->fd, name,
			       AT_SYMLINK_FOLLOW)) < 0)
		return share_errno();
	return attr ? share_getattr(ctx, inode, attr) : 0;
}

int share_unlink(struct share_ctx *ctx, struct share_inode *dir, const char *name,
		 bool isdir)
{
	int ret = check_dir(ctx, dir, name);

	if (ret)
		return ret;
	if (SHARE_RETRY(unlinkat(dir->fd, name, isdir ? AT_REMOVEDIR : 0)) < 0)
		return share_errno();
	return 0;
}

int share_rename(struct share_ctx *ctx, struct share_inode *from, const char *name,
		 struct share_inode *to, const char *newname, unsigned int flags)
{
	int ret = check_dir(ctx, from, name);
	bool changed = false;

	if (!ret)
		ret = check_dir(ctx, to, newname);
	if (!ret && flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		ret = -EINVAL;
	if (!ret && flags & RENAME_WHITEOUT)
		ret = begin_as(ctx, &changed);
	if (ret)
		return ret;
	if (SHARE_RETRY(syscall(SYS_renameat2, from->fd, name, to->fd, newname, flags)) < 0)
		ret = share_errno();
	end_as(changed);
	return ret;
}
