// SPDX-License-Identifier: GPL-2.0
/*
 * Reading the directories of a share. Cookies are the host's, so they are as stable
 * as its file system makes them; entries read ahead are dropped when the guest goes on
 * from somewhere else.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/kernel.h>

#include "share.h"

#define DIRBUFS_MAX	64

/* What getdents64() gives. */
struct host_dirent {
	u64 ino;
	u64 off;
	u16 reclen;
	u8 type;
	char name[];
};

int share_opendir(struct share_ctx *ctx, struct share_inode *inode,
		  struct share_dir *dir)
{
	struct share *s = ctx->share;
	char path[SHARE_PATH_MAX];
	int ret;

	memset(dir, 0, sizeof(*dir));
	dir->fd = -1;
	if (inode->type != S_IFDIR)
		return -ENOTDIR;
	if (!share_file_get(s))
		return -ENFILE;
	share_fd_name(inode->fd, path);
	dir->fd = SHARE_RETRY(openat(s->proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (dir->fd < 0) {
		ret = share_errno();
		share_file_unget(s);
		return ret;
	}
	dir->dev = inode->dev;
	dir->parent = inode == s->root ? inode->ino : 0;
	dir->foreign = inode->dev != s->root_dev;
	dir->empty = inode->barred;
	return 0;
}

/* Entries read ahead cost memory: a guest may have many directories open. */
static char *get_buffer(struct share_ctx *ctx, struct share_dir *dir)
{
	struct share *s = ctx->share;

	if (dir->buf)
		return dir->buf;
	if (__atomic_add_fetch(&s->nr_dirbufs, 1, __ATOMIC_RELAXED) <= DIRBUFS_MAX)
		dir->buf = malloc(SHARE_DIRBUF);
	if (dir->buf)
		return dir->buf;
	__atomic_sub_fetch(&s->nr_dirbufs, 1, __ATOMIC_RELAXED);
	ctx->reading = dir;
	return ctx->scratch;
}

static void put_buffer(struct share *s, struct share_dir *dir)
{
	if (dir->buf)
		__atomic_sub_fetch(&s->nr_dirbufs, 1, __ATOMIC_RELAXED);
	free(dir->buf);
	dir->buf = NULL;
}

void share_closedir(struct share *s, struct share_dir *dir)
{
	share_close_file(s, dir->fd);
	put_buffer(s, dir);
	dir->fd = -1;
}

/* The descriptor is where the entries that were read end. */
static int refill(struct share_ctx *ctx, struct share_dir *dir, u64 cookie)
{
	char *buf;
	long n;

	if (cookie != dir->pos || dir->head != dir->tail) {
		if (cookie >> 63)
			return -EINVAL;
		if (lseek(dir->fd, cookie, SEEK_SET) < 0)
			return share_errno();
	}
	dir->pos = cookie;
	dir->head = 0;
	dir->tail = 0;
	buf = get_buffer(ctx, dir);
	n = SHARE_RETRY(syscall(SYS_getdents64, dir->fd, buf, SHARE_DIRBUF));
	if (n < 0)
		return share_errno();
	dir->tail = n;
	dir->where = buf;
	if (!n)
		put_buffer(ctx->share, dir);
	return n > 0;
}

/* Are there entries read ahead, and still there? */
static bool ready(const struct share_ctx *ctx, const struct share_dir *dir, u64 cookie)
{
	if (cookie != dir->pos || dir->head == dir->tail)
		return false;
	return dir->buf || (ctx->reading == dir && dir->where == ctx->scratch);
}

static u64 entry_ino(const struct share *s, const struct share_dir *dir,
		     const struct host_dirent *d)
{
	/* What is above the root is nobody's business. */
	if (dir->parent && !strcmp(d->name, ".."))
		return dir->parent;
	return dir->foreign ? attr_ino(s, dir->dev, d->ino) : d->ino;
}

int share_readdir(struct share_ctx *ctx, struct share_dir *dir, u64 cookie,
		  struct share_dirent *ent)
{
	const struct host_dirent *d;
	int ret;

	if (dir->empty)
		return 0;
	if (!ready(ctx, dir, cookie)) {
		ret = refill(ctx, dir, cookie);
		if (ret <= 0)
			return ret;
	}
	d = (const void *)(dir->where + dir->head);
	*ent = (struct share_dirent) {
		.ino = entry_ino(ctx->share, dir, d),
		.off = d->off,
		.type = d->type,
		.len = strlen(d->name),
		.name = d->name,
	};
	dir->last_head = dir->head;
	dir->last_pos = dir->pos;
	dir->head += d->reclen;
	dir->pos = d->off;
	return 1;
}

void share_unreaddir(struct share_dir *dir)
{
	dir->head = dir->last_head;
	dir->pos = dir->last_pos;
}
