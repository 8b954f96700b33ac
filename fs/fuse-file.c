// SPDX-License-Identifier: GPL-2.0
/*
 * FUSE server: open files and directories. They lie in chunks that never move and are
 * known by slot and generation.
 *
 * OPEN and RELEASE could be saved: answered with ENOSYS, the guest leaves them out
 * (FUSE_NO_OPEN_SUPPORT). But then nobody here knows when a file was closed, and one
 * that the guest has written, a program just built, could not be executed on the
 * host: it would still be open for writing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/kernel.h>

#include "fuse.h"

#define CHUNK	64

static struct fuse_file *file_at(struct fuse_fs *fs, u32 index)
{
	return &fs->chunk[(index - 1) / CHUNK][(index - 1) % CHUNK];
}

int fuse_files_init(struct fuse_fs *fs)
{
	/* Each has a descriptor, so there are never more. */
	fs->max_chunks = DIV_ROUND_UP(fs->share.max_files, CHUNK);
	fs->chunk = calloc(fs->max_chunks, sizeof(*fs->chunk));
	return fs->chunk ? 0 : -ENOMEM;
}

/* Under the lock. */
static int add_chunk(struct fuse_fs *fs)
{
	u32 i, first = fs->nr_chunks * CHUNK + 1;
	struct fuse_file *c;

	if (fs->nr_chunks == fs->max_chunks)
		return -ENFILE;
	c = calloc(CHUNK, sizeof(*c));
	if (!c)
		return -ENOMEM;
	fs->chunk[fs->nr_chunks++] = c;
	for (i = CHUNK; i--;) {
		c[i].index = first + i;
		c[i].next = fs->free;
		fs->free = first + i;
		pthread_mutex_init(&c[i].dir_lock, NULL);
	}
	return 0;
}

static struct fuse_file *alloc_file(struct fuse_fs *fs, struct share_inode *inode)
{
	struct fuse_file *f = NULL;

	pthread_mutex_lock(&fs->lock);
	if (fs->free || !add_chunk(fs)) {
		f = file_at(fs, fs->free);
		fs->free = f->next;
		f->gen++;
		f->inode = inode;
		f->refs = 1;
	}
	pthread_mutex_unlock(&fs->lock);
	return f;
}

/* From now on the guest's handle means it. */
static u64 publish(struct fuse_fs *fs, struct fuse_file *f)
{
	pthread_mutex_lock(&fs->lock);
	f->open = true;
	pthread_mutex_unlock(&fs->lock);
	return (u64)f->gen << 32 | f->index;
}

u64 fuse_file_add(struct fuse_fs *fs, int fd, struct share_inode *inode, u64 size)
{
	struct fuse_file *f = alloc_file(fs, inode);

	if (!f) {
		share_close_file(&fs->share, fd);
		share_put(&fs->share, inode);
		return 0;
	}
	f->isdir = false;
	f->fd = fd;
	f->size = size;
	return publish(fs, f);
}

u64 fuse_dir_add(struct fuse_fs *fs, const struct share_dir *dir, struct share_inode *inode)
{
	struct fuse_file *f = alloc_file(fs, inode);
	struct share_dir copy = *dir;

	if (!f) {
		share_closedir(&fs->share, &copy);
		share_put(&fs->share, inode);
		return 0;
	}
	f->isdir = true;
	f->fd = dir->fd;
	f->dir = *dir;
	return publish(fs, f);
}

/* Under the lock. */
static struct fuse_file *find(struct fuse_fs *fs, u64 fh)
{
	u32 index = fh;
	struct fuse_file *f;

	if (!index || index > fs->nr_chunks * CHUNK)
		return NULL;
	f = file_at(fs, index);
	return f->open && f->gen == fh >> 32 ? f : NULL;
}

struct fuse_file *fuse_file_get(struct fuse_fs *fs, u64 fh)
{
	struct fuse_file *f;

	pthread_mutex_lock(&fs->lock);
	f = find(fs, fh);
	if (f)
		f->refs++;
	pthread_mutex_unlock(&fs->lock);
	return f;
}

/* Nobody else knows it any more. */
static void close_file(struct fuse_fs *fs, struct fuse_file *f)
{
	if (f->isdir)
		share_closedir(&fs->share, &f->dir);
	else
		share_close_file(&fs->share, f->fd);
	share_put(&fs->share, f->inode);
	f->inode = NULL;
	pthread_mutex_lock(&fs->lock);
	f->next = fs->free;
	fs->free = f->index;
	pthread_mutex_unlock(&fs->lock);
}

void fuse_file_put(struct fuse_fs *fs, struct fuse_file *f)
{
	bool last;

	pthread_mutex_lock(&fs->lock);
	last = !--f->refs;
	pthread_mutex_unlock(&fs->lock);
	if (last)
		close_file(fs, f);
}

void fuse_file_remove(struct fuse_fs *fs, u64 fh)
{
	struct fuse_file *f;

	pthread_mutex_lock(&fs->lock);
	f = find(fs, fh);
	if (f)
		f->open = false;
	pthread_mutex_unlock(&fs->lock);
	if (f)
		fuse_file_put(fs, f);
}

void fuse_files_reset(struct fuse_fs *fs)
{
	struct fuse_file *f;
	u32 i = 1;
	bool more;
	u64 fh;

	do {
		fh = 0;
		pthread_mutex_lock(&fs->lock);
		more = i <= fs->nr_chunks * CHUNK;
		f = more ? file_at(fs, i) : NULL;
		if (f && f->open)
			fh = (u64)f->gen << 32 | i;
		pthread_mutex_unlock(&fs->lock);
		if (fh)
			fuse_file_remove(fs, fh);
		i++;
	} while (more);
}

void fuse_files_free(struct fuse_fs *fs)
{
	u32 i;

	for (i = 1; i <= fs->nr_chunks * CHUNK; i++)
		pthread_mutex_destroy(&file_at(fs, i)->dir_lock);
	for (i = 0; i < fs->nr_chunks; i++)
		free(fs->chunk[i]);
	free(fs->chunk);
	fs->chunk = NULL;
	fs->nr_chunks = 0;
	fs->free = 0;
}

/* --- requests ------------------------------------------------------------------------ */

/* A guest that writes back later reads what it changes a part of, and appends itself. */
static int open_flags(const struct fuse_fs *fs, int flags)
{
	if (!(fs->flags & FUSE_WRITEBACK_CACHE))
		return flags;
	if ((flags & O_ACCMODE) == O_WRONLY)
		flags = (flags & ~O_ACCMODE) | O_RDWR;
	return flags & ~O_APPEND;
}

/* What the guest may do with the contents it has. */
static u32 cache_flags(struct fuse_req *r, struct share_inode *inode,
		       const struct share_attr *attr, bool isdir)
{
	u32 flags = isdir ? FOPEN_CACHE_DIR : 0;

	switch (r->fs->opts.cache) {
	case FUSE_CACHE_NONE:
		return isdir ? 0 : FOPEN_DIRECT_IO;
	case FUSE_CACHE_ALWAYS:
		return flags | FOPEN_KEEP_CACHE;
	default:
		if (share_unchanged(&r->fs->share, inode, attr))
			flags |= FOPEN_KEEP_CACHE;
		return flags;
	}
}

static int kill_priv(struct fuse_req *r, struct share_inode *inode)
{
	return share_setattr(&r->w->ctx, inode, -1, NULL, SHARE_KILL_PRIV);
}

int fuse_op_open(struct fuse_req *r)
{
	const struct fuse_open_in *in = r->arg;
	struct share *s = &r->fs->share;
	struct share_inode *inode = share_by_id(s, r->hdr.nodeid);
	struct fuse_open_out out = { };
	struct share_attr attr;
	int fd, ret;

	if (!inode)
		return -ESTALE;
	fd = share_open_file(&r->w->ctx, inode, open_flags(r->fs, in->flags));
	ret = fd < 0 ? fd : share_fgetattr(&r->w->ctx, fd, &attr);
	if (!ret && in->open_flags & FUSE_OPEN_KILL_SUIDGID && in->flags & O_TRUNC)
		ret = kill_priv(r, inode);
	if (ret) {
		share_close_file(s, fd);
		share_put(s, inode);
		return ret;
	}
	out.open_flags = cache_flags(r, inode, &attr, false);
	out.fh = fuse_file_add(r->fs, fd, inode, attr.size);
	return out.fh ? fuse_reply(r, &out, sizeof(out)) : -ENOMEM;
}

static int reply_created(struct fuse_req *r, int fd, struct share_inode *inode,
			 const struct share_attr *attr)
{
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
	} out = { };
	struct share *s = &r->fs->share;
	int ret;

	out.open.open_flags = cache_flags(r, inode, attr, false);
	out.open.fh = fuse_file_add(r->fs, fd, share_get(s, inode), attr->size);
	if (!out.open.fh) {
		share_put(s, inode);
		return -ENOMEM;
	}
	fuse_set_entry(r, &out.entry, inode, attr);
	ret = fuse_reply(r, &out, sizeof(out));
	if (ret)
		fuse_file_remove(r->fs, out.open.fh);
	return ret;
}

int fuse_op_create(struct fuse_req *r)
{
	const struct fuse_create_in *in = r->arg;
	struct share *s = &r->fs->share;
	struct share_inode *dir = share_by_id(s, r->hdr.nodeid), *inode;
	struct share_attr attr;
	int fd;

	if (!dir)
		return -ESTALE;
	fd = share_create(&r->w->ctx, dir, r->name[0], open_flags(r->fs, in->flags),
			  in->mode, &inode, &attr);
	share_put(s, dir);
	return fd < 0 ? fd : reply_created(r, fd, inode, &attr);
}

int fuse_op_tmpfile(struct fuse_req *r)
{
	const struct fuse_create_in *in = r->arg;
	struct share *s = &r->fs->share;
	struct share_inode *dir = share_by_id(s, r->hdr.nodeid), *inode;
	struct share_attr attr;
	int fd;

	if (!dir)
		return -ESTALE;
	fd = share_tmpfile(&r->w->ctx, dir, open_flags(r->fs, in->flags), in->mode,
			   &inode, &attr);
	share_put(s, dir);
	return fd < 0 ? fd : reply_created(r, fd, inode, &attr);
}

int fuse_op_opendir(struct fuse_req *r)
{
	struct share *s = &r->fs->share;
	struct share_inode *inode = share_by_id(s, r->hdr.nodeid);
	struct fuse_open_out out = { };
	struct share_attr attr;
	struct share_dir dir;
	int ret;

	if (!inode)
		return -ESTALE;
	ret = share_opendir(&r->w->ctx, inode, &dir);
	if (ret) {
		share_put(s, inode);
		return ret;
	}
	ret = share_fgetattr(&r->w->ctx, dir.fd, &attr);
	if (ret) {
		share_closedir(s, &dir);
		share_put(s, inode);
		return ret;
	}
	out.open_flags = cache_flags(r, inode, &attr, true);
	out.fh = fuse_dir_add(r->fs, &dir, inode);
	return out.fh ? fuse_reply(r, &out, sizeof(out)) : -ENOMEM;
}

int fuse_op_release(struct fuse_req *r)
{
	const struct fuse_release_in *in = r->arg;

	fuse_file_remove(r->fs, in->fh);
	return 0;
}
