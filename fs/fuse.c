// SPDX-License-Identifier: GPL-2.0
/*
 * FUSE server: requests are taken apart, checked and given to who serves them. See
 * fuse.h. The protocol is what linux/fuse.h declares.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <linux/kernel.h>

#include "fuse.h"

#define FUSE_OLDEST_MINOR	27	/* Linux 4.18; virtio-fs came later */

static int fuse_op_init(struct fuse_req *r);
static int fuse_op_destroy(struct fuse_req *r);

/**
 * struct fuse_op - an operation
 * @fn: serves it
 * @in: bytes of arguments
 * @names: names that follow
 * @whole: all of the request is copied, else the arguments alone
 * @quiet: has no reply, not even an error
 */
struct fuse_op {
	int (*fn)(struct fuse_req *r);
	u8 in;
	u8 names;
	bool whole;
	bool quiet;
};

#define OP(name, size)		{ .fn = fuse_op_##name, .in = size }
#define OP_NAMES(name, size, n)	{ .fn = fuse_op_##name, .in = size, .names = n, .whole = true }
#define OP_QUIET(name, size)	{ .fn = fuse_op_##name, .in = size, .quiet = true }

/*
 * Left out, so that a guest does not ask again: ACCESS (it checks permissions itself),
 * BMAP, IOCTL, POLL, and what belongs to DAX.
 */
static const struct fuse_op ops[] = {
	[FUSE_LOOKUP] = OP_NAMES(lookup, 0, 1),
	[FUSE_FORGET] = OP_QUIET(forget, sizeof(struct fuse_forget_in)),
	[FUSE_GETATTR] = OP(getattr, sizeof(struct fuse_getattr_in)),
	[FUSE_SETATTR] = OP(setattr, sizeof(struct fuse_setattr_in)),
	[FUSE_READLINK] = OP(readlink, 0),
	[FUSE_SYMLINK] = OP_NAMES(symlink, 0, 2),
	[FUSE_MKNOD] = OP_NAMES(mknod, sizeof(struct fuse_mknod_in), 1),
	[FUSE_MKDIR] = OP_NAMES(mkdir, sizeof(struct fuse_mkdir_in), 1),
	[FUSE_UNLINK] = OP_NAMES(unlink, 0, 1),
	[FUSE_RMDIR] = OP_NAMES(rmdir, 0, 1),
	[FUSE_RENAME] = OP_NAMES(rename, sizeof(struct fuse_rename_in), 2),
	[FUSE_LINK] = OP_NAMES(link, sizeof(struct fuse_link_in), 1),
	[FUSE_OPEN] = OP(open, sizeof(struct fuse_open_in)),
	[FUSE_READ] = OP(read, sizeof(struct fuse_read_in)),
	[FUSE_WRITE] = OP(write, sizeof(struct fuse_write_in)),
	[FUSE_STATFS] = OP(statfs, 0),
	[FUSE_RELEASE] = OP(release, sizeof(struct fuse_release_in)),
	[FUSE_FSYNC] = OP(fsync, sizeof(struct fuse_fsync_in)),
	[FUSE_SETXATTR] = OP_NAMES(setxattr, FUSE_COMPAT_SETXATTR_IN_SIZE, 1),
	[FUSE_GETXATTR] = OP_NAMES(getxattr, sizeof(struct fuse_getxattr_in), 1),
	[FUSE_LISTXATTR] = OP(listxattr, sizeof(struct fuse_getxattr_in)),
	[FUSE_REMOVEXATTR] = OP_NAMES(removexattr, 0, 1),
	[FUSE_FLUSH] = OP(flush, sizeof(struct fuse_flush_in)),
	[FUSE_INIT] = { .fn = fuse_op_init, .in = 16, .whole = true },
	[FUSE_OPENDIR] = OP(opendir, sizeof(struct fuse_open_in)),
	[FUSE_READDIR] = OP(readdir, sizeof(struct fuse_read_in)),
	[FUSE_RELEASEDIR] = OP(release, sizeof(struct fuse_release_in)),
	[FUSE_FSYNCDIR] = OP(fsync, sizeof(struct fuse_fsync_in)),
	[FUSE_GETLK] = OP(getlk, sizeof(struct fuse_lk_in)),
	[FUSE_SETLK] = OP(setlk, sizeof(struct fuse_lk_in)),
	[FUSE_SETLKW] = OP(setlkw, sizeof(struct fuse_lk_in)),
	[FUSE_CREATE] = OP_NAMES(create, sizeof(struct fuse_create_in), 1),
	[FUSE_INTERRUPT] = OP_QUIET(interrupt, sizeof(struct fuse_interrupt_in)),
	[FUSE_DESTROY] = OP(destroy, 0),
	[FUSE_BATCH_FORGET] = OP_QUIET(batch_forget, sizeof(struct fuse_batch_forget_in)),
	[FUSE_FALLOCATE] = OP(fallocate, sizeof(struct fuse_fallocate_in)),
	[FUSE_READDIRPLUS] = OP(readdirplus, sizeof(struct fuse_read_in)),
	[FUSE_RENAME2] = OP_NAMES(rename2, sizeof(struct fuse_rename2_in), 2),
	[FUSE_LSEEK] = OP(lseek, sizeof(struct fuse_lseek_in)),
	[FUSE_COPY_FILE_RANGE] = OP(copy_file_range, sizeof(struct fuse_copy_file_range_in)),
	[FUSE_SYNCFS] = OP(syncfs, sizeof(struct fuse_syncfs_in)),
	[FUSE_TMPFILE] = OP_NAMES(tmpfile, sizeof(struct fuse_create_in), 1),
};

/* --- replies ------------------------------------------------------------------------ */

/* More of the reply's contents; its header comes last. */
int fuse_reply(struct fuse_req *r, const void *buf, size_t len)
{
	return vq_write(r->c, buf, len) == len ? 0 : -EINVAL;
}

/* End the reply: a guest that left no room for the header gets none. */
static void finish(struct fuse_req *r, int error)
{
	struct fuse_out_header out = { .error = error, .unique = r->hdr.unique };

	if (r->c->in_len < sizeof(out)) {
		r->c->in_pos = 0;
		log_guest(r->fs->errors, "%s: request %u has no room for its reply",
			  r->fs->name, r->hdr.opcode);
		return;
	}
	if (error)
		r->c->in_pos = sizeof(out);
	out.len = r->c->in_pos;
	vq_write_at(r->c, 0, &out, sizeof(out));
}

u64 fuse_timeout(const struct fuse_fs *fs)
{
	switch (fs->opts.cache) {
	case FUSE_CACHE_NONE:
		return 0;
	case FUSE_CACHE_ALWAYS:
		return 24 * 60 * 60;
	default:
		return 1;
	}
}

static u32 encode_dev(dev_t dev)
{
	u32 ma = major(dev), mi = minor(dev);

	return (mi & 0xff) | ma << 8 | (mi & ~0xffU) << 12;
}

void fuse_set_attr(const struct fuse_req *r, struct fuse_attr *out,
		   const struct share_attr *attr)
{
	*out = (struct fuse_attr) {
		.ino = attr->ino,
		.size = attr->size,
		.blocks = attr->blocks,
		.atime = attr->atime.tv_sec,
		.mtime = attr->mtime.tv_sec,
		.ctime = attr->ctime.tv_sec,
		.atimensec = attr->atime.tv_nsec,
		.mtimensec = attr->mtime.tv_nsec,
		.ctimensec = attr->ctime.tv_nsec,
		.mode = attr->mode,
		.nlink = attr->nlink,
		.uid = attr->uid,
		.gid = attr->gid,
		.rdev = encode_dev(attr->rdev),
		.blksize = attr->blksize,
	};
	/* Another device number for the guest as well: du -x, find -xdev. */
	if (attr->mount && r->fs->flags & FUSE_SUBMOUNTS)
		out->flags |= FUSE_ATTR_SUBMOUNT;
}

void fuse_set_entry(struct fuse_req *r, struct fuse_entry_out *out,
		    struct share_inode *inode, const struct share_attr *attr)
{
	struct share *s = &r->fs->share;

	memset(out, 0, sizeof(*out));
	out->nodeid = share_id(inode);
	out->entry_valid = fuse_timeout(r->fs);
	out->attr_valid = out->entry_valid;
	fuse_set_attr(r, &out->attr, attr);
	share_remember(s, inode);
	share_put(s, inode);
}

/* --- session -------------------------------------------------------------------------- */

static u64 wanted_flags(const struct fuse_fs *fs)
{
	u64 flags = FUSE_ASYNC_READ | FUSE_ATOMIC_O_TRUNC | FUSE_BIG_WRITES |
		    FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO | FUSE_ASYNC_DIO |
		    FUSE_PARALLEL_DIROPS | FUSE_HANDLE_KILLPRIV_V2 | FUSE_MAX_PAGES |
		    FUSE_INIT_EXT;

	if (!fs->opts.flat)
		flags |= FUSE_SUBMOUNTS;
	if (fs->opts.cache != FUSE_CACHE_NONE)
		flags |= FUSE_CACHE_SYMLINKS;
	else
		flags |= FUSE_DIRECT_IO_ALLOW_MMAP;
	if (fs->opts.cache == FUSE_CACHE_AUTO)
		flags |= FUSE_AUTO_INVAL_DATA;
	if (fs->opts.writeback)
		flags |= FUSE_WRITEBACK_CACHE;
	if (fs->opts.locks)
		flags |= FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS;
	return flags;
}

static int fuse_op_init(struct fuse_req *r)
{
	const struct fuse_init_in *in = r->arg;
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = in->max_readahead,
		.max_background = 64,
		.congestion_threshold = 48,
		.max_write = FUSE_MAX_WRITE,
		.time_gran = 1,
		.max_pages = FUSE_MAX_WRITE / 4096,
	};
	u64 flags = in->flags;

	/* A newer one says it again in our version. */
	if (in->major > FUSE_KERNEL_VERSION)
		return fuse_reply(r, &out, sizeof(out));
	if (in->major < FUSE_KERNEL_VERSION || in->minor < FUSE_OLDEST_MINOR)
		return -EPROTO;
	if (flags & FUSE_INIT_EXT && r->left == 0 && r->rest_len >= 4) {
		u32 flags2;

		memcpy(&flags2, r->rest, sizeof(flags2));
		flags |= (u64)flags2 << 32;
	}
	flags &= wanted_flags(r->fs);
	fuse_reset(r->fs);
	__atomic_store_n(&r->fs->flags, flags | FUSE_INIT_EXT, __ATOMIC_RELEASE);
	out.flags = flags;
	out.flags2 = flags & FUSE_INIT_EXT ? flags >> 32 : 0;
	return fuse_reply(r, &out, sizeof(out));
}

static int fuse_op_destroy(struct fuse_req *r)
{
	fuse_reset(r->fs);
	return 0;
}

void fuse_reset(struct fuse_fs *fs)
{
	__atomic_store_n(&fs->flags, 0, __ATOMIC_RELEASE);
	fuse_locks_reset(fs);
	fuse_files_reset(fs);
	share_forget_all(&fs->share);
}

int fuse_open(struct fuse_fs *fs, const struct share_opts *share,
	      const struct fuse_opts *opts, const char *name, struct log_limit *errors)
{
	int ret = share_open(&fs->share, share);

	if (ret)
		return ret;
	ret = fuse_files_init(fs);
	if (ret) {
		share_close(&fs->share);
		return ret;
	}
	fs->opts = *opts;
	fs->name = name;
	fs->errors = errors;
	pthread_mutex_init(&fs->lock, NULL);
	pthread_mutex_init(&fs->owner_lock, NULL);
	return 0;
}

void fuse_close(struct fuse_fs *fs)
{
	fuse_reset(fs);
	fuse_files_free(fs);
	share_close(&fs->share);
	pthread_mutex_destroy(&fs->lock);
	pthread_mutex_destroy(&fs->owner_lock);
}

int fuse_worker_init(struct fuse_worker *w, struct fuse_fs *fs)
{
	int ret = share_ctx_init(&w->ctx, &fs->share);

	if (ret)
		return ret;
	w->arg = malloc(FUSE_ARG_MAX);
	w->reply = malloc(FUSE_REPLY_MAX);
	if (!w->arg || !w->reply) {
		free(w->arg);
		free(w->reply);
		share_ctx_destroy(&w->ctx);
		return -ENOMEM;
	}
	w->fs = fs;
	pthread_mutex_lock(&fs->lock);
	w->next = fs->workers;
	fs->workers = w;
	pthread_mutex_unlock(&fs->lock);
	return 0;
}

void fuse_worker_destroy(struct fuse_worker *w)
{
	struct fuse_worker **p;

	if (!w->fs)
		return;
	pthread_mutex_lock(&w->fs->lock);
	for (p = &w->fs->workers; *p != w;)
		p = &(*p)->next;
	*p = w->next;
	pthread_mutex_unlock(&w->fs->lock);
	share_ctx_destroy(&w->ctx);
	free(w->arg);
	free(w->reply);
	w->fs = NULL;
}

/* --- requests ----------------------------------------------------------------------- */

static const struct fuse_op *find_op(u32 opcode)
{
	return opcode < ARRAY_SIZE(ops) && ops[opcode].fn ? &ops[opcode] : NULL;
}

/* Copy the arguments; names end with a NUL inside of what was sent. */
static int read_args(struct fuse_req *r, const struct fuse_op *op)
{
	u32 len = op->whole ? r->left : op->in;
	const u8 *p = r->w->arg, *end;
	int i;

	if (r->left < op->in)
		return -EINVAL;
	if (len > FUSE_ARG_MAX)
		return -E2BIG;
	if (vq_read(r->c, r->w->arg, len) != len)
		return -EINVAL;
	r->left -= len;
	r->arg = p;
	end = p + len;
	p += op->in;
	for (i = 0; i < op->names; i++) {
		const u8 *nul = memchr(p, '\0', end - p);

		if (!nul)
			return -EINVAL;
		r->name[i] = (const char *)p;
		p = nul + 1;
	}
	r->rest = p;
	r->rest_len = end - p;
	return 0;
}

static int dispatch(struct fuse_req *r, const struct fuse_op *op)
{
	int ret;

	if (!op)
		return -ENOSYS;
	ret = read_args(r, op);
	if (ret)
		return ret;
	if (r->hdr.opcode != FUSE_INIT && !__atomic_load_n(&r->fs->flags, __ATOMIC_ACQUIRE))
		return -EIO;
	r->w->ctx.uid = r->hdr.uid;
	r->w->ctx.gid = r->hdr.gid;
	return op->fn(r);
}

bool fuse_serve(struct fuse_worker *w, struct vq_chain *c, void *cookie)
{
	struct fuse_req r = { .w = w, .fs = w->fs, .c = c, .cookie = cookie };
	const struct fuse_op *op;
	int ret;

	if (vq_read(c, &r.hdr, sizeof(r.hdr)) != sizeof(r.hdr)) {
		log_guest(r.fs->errors, "%s: a request without a header", r.fs->name);
		return true;
	}
	op = find_op(r.hdr.opcode);
	vq_write(c, NULL, sizeof(struct fuse_out_header));
	if (r.hdr.len < sizeof(r.hdr) || r.hdr.len - sizeof(r.hdr) > vq_out_left(c)) {
		log_guest(r.fs->errors, "%s: request %u of impossible length %u",
			  r.fs->name, r.hdr.opcode, r.hdr.len);
		ret = -EINVAL;
	} else {
		r.left = r.hdr.len - sizeof(r.hdr);
		ret = dispatch(&r, op);
	}
	if (ret == FUSE_PARK)
		return false;
	if (op && op->quiet)
		c->in_pos = 0;
	else
		finish(&r, ret < 0 ? ret : 0);
	return true;
}
