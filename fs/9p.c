// SPDX-License-Identifier: GPL-2.0
/*
 * A 9P2000.L server: the session, and walking from fid to fid.
 *
 * Theory of operation. A client names objects of the share by fids, numbers of its
 * own. A fid holds an inode of the share, so it stays with the object when that is
 * renamed or removed; opening it adds a descriptor. Names have one component and are
 * resolved by the share, below the directory that a fid holds.
 *
 * A request is served from beginning to end before the next one is looked at. So
 * Tflush has nothing to do: what it wants to be rid of has been answered. Nothing is
 * done before the whole request was read and there is room for what is answered.
 *
 * There is no standard of 9P2000.L. Followed are the manual pages of 9P2000 (sections
 * 5 of Plan 9's manual), the description that the diod project gives, and what the
 * Linux client, net/9p and fs/9p, sends and expects.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <linux/kernel.h>
#include <vmtool/log.h>

#include "9p.h"

#define VERSION		"9P2000.L"
#define UNKNOWN		"unknown"

static int p9_version(struct p9_req *r)
{
	struct p9_server *s = r->s;
	u32 msize = p9_get32(r);
	bool known;

	p9_get_name(r, s->name);
	if (r->err && r->err != -ENAMETOOLONG)
		return r->err;
	known = !r->err && !strcmp(s->name, VERSION);
	r->err = 0;
	if (msize < P9_MSIZE_MIN)
		return -EMSGSIZE;
	p9_reset(s);
	msize = min_t(u32, msize, P9_MSIZE_MAX);
	if (known)
		s->msize = msize;
	p9_put32(r, msize);
	p9_put_str(r, known ? VERSION : UNKNOWN, strlen(known ? VERSION : UNKNOWN));
	return r->err;
}

/* Who may use the share is settled by who started vmtool. */
static int p9_auth(struct p9_req *r)
{
	return -EOPNOTSUPP;
}

/* A user without a number: only root's name is known to mean the same everywhere. */
static u32 user_by_name(const char *name)
{
	return strcmp(name, "root") ? P9_NOBODY : 0;
}

static int p9_attach(struct p9_req *r)
{
	struct p9_server *s = r->s;
	u32 num = p9_get32(r);
	u32 afid = p9_get32(r), uid;
	struct share_attr attr;
	struct p9_fid *fid;
	int ret;

	p9_get_name(r, s->name);
	p9_get_str(r, s->text, sizeof(s->text));
	uid = p9_get32(r);
	if (r->err)
		return r->err;
	if (afid != P9_NOFID)
		return -EINVAL;
	/* One tree is shared, and that has no name. */
	if (s->text[0] && strcmp(s->text, "/"))
		return -ENOENT;
	if (uid == P9_NOUID)
		uid = user_by_name(s->name);
	ret = share_getattr(&s->ctx, s->share.root, &attr);
	if (ret)
		return ret;
	ret = p9_fid_new(s, num, share_get(&s->share, s->share.root), uid, &fid);
	if (ret) {
		share_put(&s->share, s->share.root);
		return ret;
	}
	p9_put_qid(r, &attr);
	return r->err;
}

/* --- walking -------------------------------------------------------------------------- */

/* Where a walk has come to. */
struct walk {
	struct share_inode *inode;
	u32 name;
	unsigned int steps;
};

static int walk_step(struct p9_req *r, struct walk *w)
{
	struct p9_server *s = r->s;
	struct share_inode *next;
	struct share_attr attr;
	int ret;

	p9_get_name(r, s->name);
	if (r->err)
		return r->err;
	if (share_type(w->inode) != S_IFDIR)
		return -ENOTDIR;
	if (!strcmp(s->name, "..")) {
		ret = p9_parent(s, w->inode, &next);
		w->name = 0;
		if (!ret)
			ret = share_getattr(&s->ctx, next, &attr);
	} else {
		ret = share_lookup(&s->ctx, w->inode, s->name, &next, &attr);
		if (!ret)
			w->name = p9_name_hash(w->inode, s->name);
	}
	if (ret)
		return ret;
	share_put(&s->share, w->inode);
	w->inode = next;
	w->steps++;
	p9_put_qid(r, &attr);
	return 0;
}

/* The walk has led to an object: the client gets a fid for it. */
static int walk_end(struct p9_server *s, struct p9_fid *from, u32 num, const struct walk *w)
{
	struct p9_fid *fid;
	int ret;

	if (num == from->num) {
		share_put(&s->share, from->inode);
		from->inode = w->inode;
		from->name = w->name;
		return 0;
	}
	ret = p9_fid_new(s, num, w->inode, from->uid, &fid);
	if (!ret)
		fid->name = w->name;
	return ret;
}

static int p9_walk(struct p9_req *r)
{
	struct p9_server *s = r->s;
	struct p9_fid *fid = p9_get_fid(r);
	u32 num = p9_get32(r);
	unsigned int names = p9_get16(r);
	struct walk w = { 0 };
	int ret = r->err;

	if (ret)
		return ret;
	if (names > P9_MAXWELEM)
		return -EINVAL;
	if (r->room < P9_HEADER + 2 + names * P9_QID)
		return -EMSGSIZE;
	ret = num == fid->num ? (fid->open ? -EINVAL : 0) : p9_fid_check_new(s, num);
	if (ret)
		return ret;
	w.inode = share_get(&s->share, fid->inode);
	w.name = fid->name;
	p9_put16(r, names);
	while (w.steps < names && !ret)
		ret = walk_step(r, &w);
	if (!ret)
		ret = walk_end(s, fid, num, &w);
	else if (w.steps && ret != -EPROTO)
		ret = 1;
	if (ret)
		share_put(&s->share, w.inode);
	if (ret <= 0)
		return ret;
	/* Some of the names led somewhere: say how many, and make no fid. */
	r->err = 0;
	vq_write_at(r->c, P9_HEADER, &(u16){ htole16(w.steps) }, sizeof(u16));
	return 0;
}

/* --- the rest of a session --------------------------------------------------------- */

static int p9_clunk(struct p9_req *r)
{
	struct p9_fid *fid = p9_get_fid(r);
	int ret;

	if (r->err)
		return r->err;
	/* The fid is gone whatever is answered. */
	ret = p9_xattr_commit(r->s, fid);
	p9_fid_drop(r->s, fid);
	return ret;
}

static int p9_flush(struct p9_req *r)
{
	p9_get16(r);
	return r->err;
}

/* What a type of request is served by, and the bytes that its reply has at least. */
static const struct p9_handler {
	int (*serve)(struct p9_req *r);
	u32 reply;
} handlers[P9_TYPES] = {
	[P9_TSTATFS]	= { p9_statfs, P9_HEADER + 60 },
	[P9_TLOPEN]	= { p9_lopen, P9_HEADER + P9_QID + 4 },
	[P9_TLCREATE]	= { p9_lcreate, P9_HEADER + P9_QID + 4 },
	[P9_TSYMLINK]	= { p9_symlink, P9_HEADER + P9_QID },
	[P9_TMKNOD]	= { p9_mknod, P9_HEADER + P9_QID },
	[P9_TRENAME]	= { p9_rename, P9_HEADER },
	[P9_TREADLINK]	= { p9_readlink, P9_HEADER + 2 },
	[P9_TGETATTR]	= { p9_getattr, P9_HEADER + 153 },
	[P9_TSETATTR]	= { p9_setattr, P9_HEADER },
	[P9_TXATTRWALK]	= { p9_xattrwalk, P9_HEADER + 8 },
	[P9_TXATTRCREATE] = { p9_xattrcreate, P9_HEADER },
	[P9_TREADDIR]	= { p9_readdir, P9_DATA },
	[P9_TFSYNC]	= { p9_fsync, P9_HEADER },
	[P9_TLOCK]	= { p9_lock, P9_HEADER + 1 },
	[P9_TGETLOCK]	= { p9_getlock, P9_HEADER + 1 + 8 + 8 + 4 + 2 },
	[P9_TLINK]	= { p9_link, P9_HEADER },
	[P9_TMKDIR]	= { p9_mkdir, P9_HEADER + P9_QID },
	[P9_TRENAMEAT]	= { p9_renameat, P9_HEADER },
	[P9_TUNLINKAT]	= { p9_unlinkat, P9_HEADER },
	[P9_TVERSION]	= { p9_version, P9_HEADER + 4 + 2 + sizeof(VERSION) - 1 },
	[P9_TAUTH]	= { p9_auth, P9_HEADER },
	[P9_TATTACH]	= { p9_attach, P9_HEADER + P9_QID },
	[P9_TFLUSH]	= { p9_flush, P9_HEADER },
	[P9_TWALK]	= { p9_walk, P9_HEADER + 2 },
	[P9_TREAD]	= { p9_read, P9_DATA },
	[P9_TWRITE]	= { p9_write, P9_HEADER + 4 },
	[P9_TCLUNK]	= { p9_clunk, P9_HEADER },
	[P9_TREMOVE]	= { p9_remove, P9_HEADER },
};

/* A thread serves for the first time. */
static int get_ready(struct p9_server *s)
{
	int ret = s->ready ? 0 : share_ctx_init(&s->ctx, &s->share);

	s->ready = !ret;
	return ret;
}

static int serve(struct p9_req *r)
{
	const struct p9_handler *h;
	int ret = p9_begin(r);

	if (ret)
		return ret;
	if (r->type >= P9_TYPES || !handlers[r->type].serve)
		return -EOPNOTSUPP;
	h = &handlers[r->type];
	if (!r->s->msize && r->type != P9_TVERSION)
		return -EPROTO;
	if (r->room < h->reply)
		return -EMSGSIZE;
	ret = get_ready(r->s);
	return ret ? ret : h->serve(r);
}

int p9_serve(struct p9_server *s, struct vq_chain *c)
{
	struct p9_req r = {
		.s = s,
		.c = c,
		.room = min_t(size_t, c->in_len, p9_max_size(s)),
		.tag = P9_NOTAG,
	};
	int ret;

	if (r.room < P9_ERROR)
		return -EMSGSIZE;
	ret = serve(&r);
	if (ret)
		return p9_fail(&r, ret);
	p9_end(&r);
	return 0;
}

void p9_reset(struct p9_server *s)
{
	p9_fid_drop_all(s);
	s->msize = 0;
}

int p9_create(struct p9_server **server, const struct share_opts *opts, unsigned int max_fids)
{
	struct p9_server *s = calloc(1, sizeof(*s));
	int ret;

	if (!s)
		return -ENOMEM;
	INIT_LIST_HEAD(&s->lockfiles);
	s->max_fids = max_fids;
	ret = p9_fids_init(s);
	if (!ret)
		ret = share_open(&s->share, opts);
	if (ret) {
		p9_fids_destroy(s);
		free(s);
		return ret;
	}
	*server = s;
	return 0;
}

void p9_destroy(struct p9_server *s)
{
	if (!s)
		return;
	p9_reset(s);
	if (s->ready)
		share_ctx_destroy(&s->ctx);
	share_close(&s->share);
	p9_fids_destroy(s);
	free(s);
}
