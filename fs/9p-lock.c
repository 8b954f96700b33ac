// SPDX-License-Identifier: GPL-2.0
/*
 * Byte-range locks for the 9P server.
 *
 * Owners are a client and a process there, not fids: a process may lock by one fid and
 * unlock by another. So what they hold is kept in a list for each file, and all of it
 * together is held on the host by one descriptor: its locks (F_OFD_SETLK) are in the
 * way of other programs and other guests, and never of each other. Where the file
 * cannot be opened for what a lock needs, a directory for one, the list is all.
 *
 * Nothing here waits: a client that wants to wait asks again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "9p.h"

#define LOCK_END	((u64)INT64_MAX)

/* Who wants or holds a lock. */
struct owner {
	u32 fid;
	u32 proc;
	char client[P9_CLIENT];
};

/**
 * struct p9_lock - a lock that is held
 * @node: in the file's list
 * @owner: by whom
 * @start: first byte
 * @end: last byte, LOCK_END for all there may ever be
 * @write: exclusive
 */
struct p9_lock {
	struct list_head node;
	struct owner owner;
	u64 start;
	u64 end;
	bool write;
};

/**
 * struct p9_lockfile - a file with locks
 * @node: in the server's list
 * @inode: the file
 * @fd: holds the locks on the host; -1 when it cannot be opened
 * @writable: @fd is open for writing, as exclusive locks need it
 * @locks: at least one, between requests
 */
struct p9_lockfile {
	struct list_head node;
	struct share_inode *inode;
	int fd;
	bool writable;
	struct list_head locks;
};

/* --- lists ------------------------------------------------------------------------- */

static struct p9_lockfile *find_file(struct p9_server *s, const struct share_inode *inode)
{
	struct p9_lockfile *f;

	list_for_each_entry(f, &s->lockfiles, node)
		if (f->inode == inode)
			return f;
	return NULL;
}

static struct p9_lockfile *add_file(struct p9_server *s, struct share_inode *inode)
{
	struct p9_lockfile *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	INIT_LIST_HEAD(&f->locks);
	f->inode = share_get(&s->share, inode);
	f->fd = share_open_file(&s->ctx, inode, O_RDWR);
	f->writable = f->fd >= 0;
	if (f->fd < 0)
		f->fd = share_open_file(&s->ctx, inode, O_RDONLY);
	list_add(&f->node, &s->lockfiles);
	return f;
}

static void put_file(struct p9_server *s, struct p9_lockfile *f)
{
	if (!list_empty(&f->locks))
		return;
	list_del(&f->node);
	share_close_file(&s->share, f->fd);
	share_put(&s->share, f->inode);
	free(f);
}

static bool whole(u64 start, u64 end)
{
	return !start && end == LOCK_END;
}

/*
 * flock() comes as a lock of the whole file, and is shared by processes that share a
 * fid: what one of them has locked the other may unlock.
 */
static bool owns(const struct owner *o, u64 start, u64 end, const struct p9_lock *l)
{
	if (o->proc == l->owner.proc && !strcmp(o->client, l->owner.client))
		return true;
	return o->fid == l->owner.fid && whole(start, end) && whole(l->start, l->end);
}

static bool overlaps(const struct p9_lock *l, u64 start, u64 end)
{
	return l->start <= end && start <= l->end;
}

static const struct p9_lock *conflict(const struct p9_lockfile *f, const struct owner *o,
				      u64 start, u64 end, bool write)
{
	const struct p9_lock *l;

	list_for_each_entry(l, &f->locks, node)
		if (overlaps(l, start, end) && (l->write || write) && !owns(o, start, end, l))
			return l;
	return NULL;
}

static struct p9_lock *add_lock(struct p9_server *s, struct p9_lockfile *f,
				struct p9_lock *l, const struct owner *o, u64 start, u64 end,
				bool write)
{
	l->owner = *o;
	l->start = start;
	l->end = end;
	l->write = write;
	list_add(&l->node, &f->locks);
	s->nr_locks++;
	return l;
}

static void drop_lock(struct p9_server *s, struct p9_lock *l)
{
	list_del(&l->node);
	free(l);
	s->nr_locks--;
}

/*
 * Take a range away from what an owner holds. @spare is used if a lock falls into two:
 * an owner's locks do not overlap, so this happens once at most. Returns what is left
 * of @spare.
 */
static struct p9_lock *carve(struct p9_server *s, struct p9_lockfile *f, const struct owner *o,
			     u64 start, u64 end, struct p9_lock *spare)
{
	struct p9_lock *l, *next;

	list_for_each_entry_safe(l, next, &f->locks, node) {
		if (!overlaps(l, start, end) || !owns(o, start, end, l))
			continue;
		if (l->start < start && l->end > end && spare) {
			add_lock(s, f, spare, &l->owner, end + 1, l->end, l->write);
			spare = NULL;
			l->end = start - 1;
		} else if (l->start < start) {
			l->end = start - 1;
		} else if (l->end > end) {
			l->start = end + 1;
		} else {
			drop_lock(s, l);
		}
	}
	return spare;
}

/* --- on the host --------------------------------------------------------------------- */

static u64 host_len(u64 start, u64 end)
{
	return end == LOCK_END ? 0 : end - start + 1;
}

/* P9_LOCK_*. */
static int host_lock(const struct p9_lockfile *f, u64 start, u64 end, bool write)
{
	int ret;

	if (f->fd < 0 || (write && !f->writable))
		return P9_LOCK_SUCCESS;
	ret = share_lock(f->fd, write ? F_WRLCK : F_RDLCK, start, host_len(start, end));
	return ret == -EAGAIN ? P9_LOCK_BLOCKED : ret ? P9_LOCK_ERROR : P9_LOCK_SUCCESS;
}

/*
 * The end of the part from @pos on that is locked, or not, all the way: set to true
 * or false in @held.
 */
static u64 part_end(const struct p9_lockfile *f, u64 pos, u64 end, bool *held)
{
	const struct p9_lock *l;
	u64 part = end;

	*held = false;
	list_for_each_entry(l, &f->locks, node) {
		if (l->start <= pos && pos <= l->end) {
			*held = true;
			return min_t(u64, l->end, end);
		}
		if (l->start > pos && l->start <= part)
			part = l->start - 1;
	}
	return part;
}

/* Give back what nobody holds any more. */
static void host_unlock(const struct p9_lockfile *f, u64 start, u64 end)
{
	u64 pos = start, part;
	bool held;

	if (f->fd < 0)
		return;
	for (;;) {
		part = part_end(f, pos, end, &held);
		if (!held)
			share_lock(f->fd, F_UNLCK, pos, host_len(pos, part));
		if (part >= end)
			break;
		pos = part + 1;
	}
}

/* --- requests ------------------------------------------------------------------------ */

static int lock(struct p9_server *s, struct p9_fid *fid, const struct owner *o, u64 start,
		u64 end, bool write)
{
	struct p9_lockfile *f = find_file(s, fid->inode);
	struct p9_lock *new, *spare;
	int status = P9_LOCK_ERROR;

	if (s->nr_locks + 2 > P9_LOCKS_MAX)
		return P9_LOCK_ERROR;
	if (!f)
		f = add_file(s, fid->inode);
	if (!f)
		return P9_LOCK_ERROR;
	new = calloc(1, sizeof(*new));
	spare = calloc(1, sizeof(*spare));
	if (new && spare)
		status = conflict(f, o, start, end, write) ? P9_LOCK_BLOCKED :
							     host_lock(f, start, end, write);
	if (status == P9_LOCK_SUCCESS) {
		spare = carve(s, f, o, start, end, spare);
		add_lock(s, f, new, o, start, end, write);
		fid->open->locked = true;
		new = NULL;
	}
	free(new);
	free(spare);
	put_file(s, f);
	return status;
}

static int unlock(struct p9_server *s, struct p9_fid *fid, const struct owner *o, u64 start,
		  u64 end)
{
	struct p9_lockfile *f = find_file(s, fid->inode);
	struct p9_lock *spare;

	if (!f)
		return P9_LOCK_SUCCESS;
	spare = calloc(1, sizeof(*spare));
	if (!spare)
		return P9_LOCK_ERROR;
	free(carve(s, f, o, start, end, spare));
	/* The last one goes with the descriptor. */
	if (!list_empty(&f->locks))
		host_unlock(f, start, end);
	put_file(s, f);
	return P9_LOCK_SUCCESS;
}

void p9_unlock_fid(struct p9_server *s, const struct p9_fid *fid)
{
	struct p9_lockfile *f = find_file(s, fid->inode);
	struct p9_lock *l, *next;

	if (!f)
		return;
	list_for_each_entry_safe(l, next, &f->locks, node)
		if (l->owner.fid == fid->num)
			drop_lock(s, l);
	if (!list_empty(&f->locks))
		host_unlock(f, 0, LOCK_END);
	put_file(s, f);
}

static void get_range(struct p9_req *r, u64 *start, u64 *end)
{
	u64 len;

	*start = p9_get64(r);
	len = p9_get64(r);
	*end = len ? *start + len - 1 : LOCK_END;
	if (!r->err && (*start > LOCK_END || (len && len - 1 > LOCK_END - *start)))
		r->err = -EINVAL;
}

static void get_owner(struct p9_req *r, const struct p9_fid *fid, struct owner *o)
{
	o->fid = fid ? fid->num : P9_NOFID;
	o->proc = p9_get32(r);
	p9_get_str(r, o->client, sizeof(o->client));
}

int p9_lock(struct p9_req *r)
{
	struct p9_fid *fid = p9_get_fid(r);
	u8 type = p9_get8(r);
	struct owner o;
	u64 start, end;
	int status;

	/* Waiting, and claiming a lock again, are asked for by flags. */
	p9_get32(r);
	get_range(r, &start, &end);
	get_owner(r, fid, &o);
	if (r->err)
		return r->err;
	if (type > P9_LOCK_UNLCK)
		return -EINVAL;
	if (!fid->open || fid->open->kind > P9_DIR)
		return -EBADF;
	if (type == P9_LOCK_UNLCK)
		status = unlock(r->s, fid, &o, start, end);
	else
		status = lock(r->s, fid, &o, start, end, type == P9_LOCK_WRLCK);
	p9_put8(r, status);
	return r->err;
}

static void reply_getlock(struct p9_req *r, u8 type, u64 start, u64 end, const struct owner *o)
{
	p9_put8(r, type);
	p9_put64(r, start);
	p9_put64(r, host_len(start, end));
	p9_put32(r, o->proc);
	p9_put_str(r, o->client, strlen(o->client));
}

/* A lock of somebody else on the host: true, and where it is. */
static bool host_conflict(const struct p9_lockfile *f, int fd, u64 *start, u64 *end, bool *write)
{
	int type = *write ? F_WRLCK : F_RDLCK;
	u64 len = host_len(*start, *end), from = *start;

	if (f)
		fd = f->fd;
	if (fd < 0 || share_getlock(fd, &type, &from, &len) || type == F_UNLCK)
		return false;
	*start = from;
	*end = len ? from + len - 1 : LOCK_END;
	*write = type == F_WRLCK;
	return true;
}

int p9_getlock(struct p9_req *r)
{
	static const struct owner unknown = { 0 };
	struct p9_fid *fid = p9_get_fid(r);
	u8 type = p9_get8(r);
	const struct p9_lockfile *f;
	const struct p9_lock *l;
	u64 start, end;
	struct owner o;
	bool write;

	get_range(r, &start, &end);
	get_owner(r, fid, &o);
	if (r->err)
		return r->err;
	if (type > P9_LOCK_UNLCK)
		return -EINVAL;
	if (!fid->open || fid->open->kind > P9_DIR)
		return -EBADF;
	/* Linux means "any lock" and says "unlock". */
	write = type != P9_LOCK_RDLCK;
	f = find_file(r->s, fid->inode);
	l = f ? conflict(f, &o, start, end, write) : NULL;
	if (l)
		reply_getlock(r, l->write ? P9_LOCK_WRLCK : P9_LOCK_RDLCK, l->start, l->end,
			      &l->owner);
	else if (host_conflict(f, fid->open->fd, &start, &end, &write))
		reply_getlock(r, write ? P9_LOCK_WRLCK : P9_LOCK_RDLCK, start, end, &unknown);
	else
		reply_getlock(r, P9_LOCK_UNLCK, start, end, &o);
	return r->err;
}
