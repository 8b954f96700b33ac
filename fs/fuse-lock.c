// SPDX-License-Identifier: GPL-2.0
/*
 * FUSE server: locks, when they are to be seen by the host and other guests.
 *
 * A POSIX lock belongs to a process of the guest: each owner that locks a file gets
 * an open file of its own for it, whose OFD locks are as the owner's, until the owner
 * closes any of its files (FLUSH). A BSD lock belongs to the open file itself.
 *
 * Who waits for a lock is parked and tries again: the wait of a system call would
 * keep the thread, and could not be ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include <linux/kernel.h>

#include "fuse.h"

#define OFFSET_LAST	0x7fffffffffffffffULL

/**
 * struct fuse_owner - who has locked a file
 * @next: in fuse_fs.owners
 * @owner: the guest's number of the process
 * @inode: the file
 * @fd: its open file
 */
struct fuse_owner {
	struct fuse_owner *next;
	u64 owner;
	struct share_inode *inode;
	int fd;
};

static void free_owner(struct fuse_fs *fs, struct fuse_owner *o)
{
	share_close_file(&fs->share, o->fd);
	share_put(&fs->share, o->inode);
	free(o);
	fs->nr_owners--;
}

/* All below: under owner_lock. */
static struct fuse_owner *find_owner(struct fuse_fs *fs, u64 owner,
				     const struct share_inode *inode)
{
	struct fuse_owner *o;

	for (o = fs->owners; o; o = o->next)
		if (o->owner == owner && o->inode == inode)
			return o;
	return NULL;
}

static int add_owner(struct fuse_worker *w, u64 owner, struct share_inode *inode,
		     struct fuse_owner **out)
{
	struct fuse_fs *fs = w->fs;
	struct fuse_owner *o;
	int fd;

	if (fs->nr_owners >= FUSE_OWNERS_MAX)
		return -ENOLCK;
	/* A lock needs the access it is for; what may only be read gets no other. */
	fd = share_open_file(&w->ctx, inode, O_RDWR);
	if (fd == -EROFS || fd == -EACCES || fd == -ETXTBSY || fd == -EPERM)
		fd = share_open_file(&w->ctx, inode, O_RDONLY);
	if (fd < 0)
		return fd;
	o = malloc(sizeof(*o));
	if (!o) {
		share_close_file(&fs->share, fd);
		return -ENOMEM;
	}
	*o = (struct fuse_owner) {
		.next = fs->owners, .owner = owner, .fd = fd,
		.inode = share_get(&fs->share, inode),
	};
	fs->owners = o;
	fs->nr_owners++;
	*out = o;
	return 0;
}

static int get_owner(struct fuse_worker *w, u64 owner, struct share_inode *inode,
		     struct fuse_owner **o)
{
	*o = find_owner(w->fs, owner, inode);
	return *o ? 0 : add_owner(w, owner, inode, o);
}

static int lock_range(const struct fuse_file_lock *lk, u64 *len)
{
	if (lk->start > lk->end || lk->end > OFFSET_LAST)
		return -EINVAL;
	*len = lk->end == OFFSET_LAST ? 0 : lk->end - lk->start + 1;
	return 0;
}

/* --- taking locks ------------------------------------------------------------------- */

static int try_posix(struct fuse_worker *w, u64 nodeid, const struct fuse_lk_in *in)
{
	struct fuse_fs *fs = w->fs;
	struct share_inode *inode;
	struct fuse_owner *o;
	u64 len;
	int ret = lock_range(&in->lk, &len);

	if (ret)
		return ret;
	inode = share_by_id(&fs->share, nodeid);
	if (!inode)
		return -ESTALE;
	pthread_mutex_lock(&fs->owner_lock);
	o = find_owner(fs, in->owner, inode);
	if (!o && in->lk.type != F_UNLCK)
		ret = add_owner(w, in->owner, inode, &o);
	if (o)
		ret = share_lock(o->fd, in->lk.type, in->lk.start, len);
	pthread_mutex_unlock(&fs->owner_lock);
	share_put(&fs->share, inode);
	return ret;
}

static int try_flock(struct fuse_worker *w, const struct fuse_lk_in *in)
{
	struct fuse_file *f;
	int ret, op;

	switch (in->lk.type) {
	case F_RDLCK:
		op = LOCK_SH;
		break;
	case F_WRLCK:
		op = LOCK_EX;
		break;
	case F_UNLCK:
		op = LOCK_UN;
		break;
	default:
		return -EINVAL;
	}
	f = fuse_file_get(w->fs, in->fh);
	if (!f)
		return -EBADF;
	do {
		ret = flock(f->fd, op | LOCK_NB);
	} while (ret < 0 && errno == EINTR);
	ret = ret < 0 ? -errno : 0;
	fuse_file_put(w->fs, f);
	return ret;
}

static int try_lock(struct fuse_worker *w, u64 nodeid, const struct fuse_lk_in *in)
{
	return in->lk_flags & FUSE_LK_FLOCK ? try_flock(w, in) : try_posix(w, nodeid, in);
}

/* --- waiting for locks ---------------------------------------------------------------- */

static int park(struct fuse_req *r, const struct fuse_lk_in *in)
{
	struct fuse_worker *w = r->w;
	struct fuse_parked *p = w->parked;

	while (p < w->parked + FUSE_PARKED_MAX && p->used)
		p++;
	if (p == w->parked + FUSE_PARKED_MAX || r->c->nr_in > FUSE_PARKED_IOV)
		return -ENOLCK;
	p->hdr = r->hdr;
	p->lk = *in;
	p->cookie = r->cookie;
	p->c = *r->c;
	memcpy(p->iov, r->c->iov + r->c->nr_out, r->c->nr_in * sizeof(*p->iov));
	vq_chain_init(&p->c, p->iov, FUSE_PARKED_IOV);
	p->c.nr_out = 0;
	p->c.out_len = 0;
	p->c.out_pos = 0;
	pthread_mutex_lock(&w->fs->lock);
	p->interrupted = false;
	p->used = true;
	w->nr_parked++;
	pthread_mutex_unlock(&w->fs->lock);
	return FUSE_PARK;
}

static void unpark(struct fuse_worker *w, struct fuse_parked *p)
{
	pthread_mutex_lock(&w->fs->lock);
	p->used = false;
	w->nr_parked--;
	pthread_mutex_unlock(&w->fs->lock);
}

static bool retry(struct fuse_worker *w, struct fuse_parked *p)
{
	struct fuse_out_header out = { .len = sizeof(out), .unique = p->hdr.unique };
	bool interrupted;
	int ret;

	pthread_mutex_lock(&w->fs->lock);
	interrupted = p->interrupted;
	pthread_mutex_unlock(&w->fs->lock);
	ret = interrupted ? -EINTR : try_lock(w, p->hdr.nodeid, &p->lk);
	if (ret == -EAGAIN)
		return false;
	out.error = ret;
	p->c.in_pos = sizeof(out);
	vq_write_at(&p->c, 0, &out, sizeof(out));
	return true;
}

unsigned int fuse_retry(struct fuse_worker *w, void (*done)(struct vq_chain *c, void *cookie))
{
	struct fuse_parked *p;

	if (!w->nr_parked)
		return 0;
	for (p = w->parked; p < w->parked + FUSE_PARKED_MAX; p++) {
		if (!p->used || !retry(w, p))
			continue;
		done(&p->c, p->cookie);
		unpark(w, p);
	}
	return w->nr_parked;
}

void fuse_unpark(struct fuse_worker *w, void *cookie)
{
	struct fuse_parked *p;

	if (!w->nr_parked)
		return;
	for (p = w->parked; p < w->parked + FUSE_PARKED_MAX; p++)
		if (p->used && (!cookie || p->cookie == cookie))
			unpark(w, p);
}

/* One that comes before its request finds nothing: the guest may send it again. */
int fuse_op_interrupt(struct fuse_req *r)
{
	const struct fuse_interrupt_in *in = r->arg;
	struct fuse_worker *w;
	int i;

	pthread_mutex_lock(&r->fs->lock);
	for (w = r->fs->workers; w; w = w->next)
		for (i = 0; w->nr_parked && i < FUSE_PARKED_MAX; i++)
			if (w->parked[i].used && w->parked[i].hdr.unique == in->unique)
				w->parked[i].interrupted = true;
	pthread_mutex_unlock(&r->fs->lock);
	return 0;
}

/* --- requests ----------------------------------------------------------------------------- */

int fuse_op_setlk(struct fuse_req *r)
{
	return r->fs->opts.locks ? try_lock(r->w, r->hdr.nodeid, r->arg) : -ENOSYS;
}

int fuse_op_setlkw(struct fuse_req *r)
{
	const struct fuse_lk_in *in = r->arg;
	int ret = fuse_op_setlk(r);

	return ret == -EAGAIN ? park(r, in) : ret;
}

int fuse_op_getlk(struct fuse_req *r)
{
	const struct fuse_lk_in *in = r->arg;
	struct fuse_fs *fs = r->fs;
	struct fuse_lk_out out = { .lk = in->lk };
	struct share_inode *inode;
	struct fuse_owner *o;
	int type = in->lk.type, ret;
	u64 len;

	if (!fs->opts.locks)
		return -ENOSYS;
	ret = lock_range(&in->lk, &len);
	if (ret)
		return ret;
	inode = share_by_id(&fs->share, r->hdr.nodeid);
	if (!inode)
		return -ESTALE;
	pthread_mutex_lock(&fs->owner_lock);
	ret = get_owner(r->w, in->owner, inode, &o);
	if (!ret)
		ret = share_getlock(o->fd, &type, &out.lk.start, &len);
	pthread_mutex_unlock(&fs->owner_lock);
	share_put(&fs->share, inode);
	if (ret)
		return ret;
	out.lk.type = type;
	out.lk.end = len ? out.lk.start + len - 1 : OFFSET_LAST;
	out.lk.pid = 0;
	return fuse_reply(r, &out, sizeof(out));
}

/* Without locks there is nothing to do at close(): the guest need not say it again. */
int fuse_op_flush(struct fuse_req *r)
{
	const struct fuse_flush_in *in = r->arg;
	struct fuse_fs *fs = r->fs;
	struct fuse_owner **p, *o;
	struct fuse_file *f;

	if (!fs->opts.locks)
		return -ENOSYS;
	f = fuse_file_get(fs, in->fh);
	if (!f)
		return -EBADF;
	pthread_mutex_lock(&fs->owner_lock);
	for (p = &fs->owners; *p;) {
		o = *p;
		if (o->owner == in->lock_owner && o->inode == f->inode) {
			*p = o->next;
			free_owner(fs, o);
		} else {
			p = &o->next;
		}
	}
	pthread_mutex_unlock(&fs->owner_lock);
	fuse_file_put(fs, f);
	return 0;
}

void fuse_locks_reset(struct fuse_fs *fs)
{
	struct fuse_owner *o;

	pthread_mutex_lock(&fs->owner_lock);
	while (fs->owners) {
		o = fs->owners;
		fs->owners = o->next;
		free_owner(fs, o);
	}
	pthread_mutex_unlock(&fs->owner_lock);
}
