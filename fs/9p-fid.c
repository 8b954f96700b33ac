// SPDX-License-Identifier: GPL-2.0
/*
 * The fids of a client. It chooses the numbers, so they are looked up by a hash; there
 * are never more than were allowed.
 */
#include <errno.h>
#include <stdlib.h>

#include <linux/kernel.h>

#include "9p.h"

#define CHUNK		1024
#define MIN_BUCKETS	256

static struct p9_fid *fid_at(const struct p9_server *s, u32 slot)
{
	return &s->chunk[(slot - 1) / CHUNK][(slot - 1) % CHUNK];
}

static u32 *fid_bucket(struct p9_server *s, u32 num)
{
	u32 hash = num * 0x9e3779b1U;

	return &s->bucket[(hash ^ hash >> 16) & (s->nr_buckets - 1)];
}

int p9_fids_init(struct p9_server *s)
{
	s->nr_buckets = MIN_BUCKETS;
	s->bucket = calloc(s->nr_buckets, sizeof(*s->bucket));
	s->chunk = calloc(DIV_ROUND_UP(s->max_fids, CHUNK), sizeof(*s->chunk));
	return s->bucket && s->chunk ? 0 : -ENOMEM;
}

void p9_fids_destroy(struct p9_server *s)
{
	unsigned int i;

	for (i = 0; i < s->nr_chunks; i++)
		free(s->chunk[i]);
	free(s->chunk);
	free(s->bucket);
}

static int add_chunk(struct p9_server *s)
{
	struct p9_fid *c = calloc(CHUNK, sizeof(*c));
	u32 i, first = s->nr_chunks * CHUNK + 1;

	if (!c)
		return -ENOMEM;
	s->chunk[s->nr_chunks++] = c;
	for (i = CHUNK; i--;) {
		c[i].next = s->free;
		s->free = first + i;
	}
	return 0;
}

/* As many buckets as fids. Without memory chains are longer, and that is all. */
static void grow_buckets(struct p9_server *s)
{
	unsigned int nr = s->nr_buckets * 2;
	u32 *bucket = calloc(nr, sizeof(*bucket));
	u32 slot;

	if (!bucket)
		return;
	free(s->bucket);
	s->bucket = bucket;
	s->nr_buckets = nr;
	for (slot = 1; slot <= s->nr_chunks * CHUNK; slot++) {
		struct p9_fid *fid = fid_at(s, slot);
		u32 *b;

		if (!fid->inode)
			continue;
		b = fid_bucket(s, fid->num);
		fid->next = *b;
		*b = slot;
	}
}

struct p9_fid *p9_fid_find(struct p9_server *s, u32 num)
{
	u32 slot = *fid_bucket(s, num);

	for (; slot; slot = fid_at(s, slot)->next)
		if (fid_at(s, slot)->num == num)
			return fid_at(s, slot);
	return NULL;
}

int p9_fid_check_new(struct p9_server *s, u32 num)
{
	if (num == P9_NOFID || p9_fid_find(s, num))
		return -EINVAL;
	return s->nr_fids < s->max_fids ? 0 : -ENFILE;
}

int p9_fid_new(struct p9_server *s, u32 num, struct share_inode *inode, u32 uid,
	       struct p9_fid **out)
{
	int ret = p9_fid_check_new(s, num);
	struct p9_fid *fid;
	u32 slot, *b;

	if (ret)
		return ret;
	if (!s->free && add_chunk(s))
		return -ENOMEM;
	if (s->nr_fids >= s->nr_buckets)
		grow_buckets(s);
	slot = s->free;
	fid = fid_at(s, slot);
	s->free = fid->next;
	s->nr_fids++;
	b = fid_bucket(s, num);
	*fid = (struct p9_fid) { .num = num, .next = *b, .uid = uid, .inode = inode };
	*b = slot;
	*out = fid;
	return 0;
}

struct p9_open *p9_fid_open(struct p9_fid *fid, enum p9_kind kind)
{
	fid->open = calloc(1, sizeof(*fid->open));
	if (fid->open) {
		fid->open->kind = kind;
		fid->open->fd = -1;
		fid->open->dir.fd = -1;
	}
	return fid->open;
}

void p9_fid_close(struct p9_server *s, struct p9_fid *fid)
{
	struct p9_open *o = fid->open;

	if (!o)
		return;
	if (o->locked)
		p9_unlock_fid(s, fid);
	if (o->kind == P9_FILE)
		share_close_file(&s->share, o->fd);
	else if (o->kind == P9_DIR)
		share_closedir(&s->share, &o->dir);
	else
		p9_xattr_free(s, o);
	free(o);
	fid->open = NULL;
}

static void fid_drop(struct p9_server *s, struct p9_fid *fid, u32 slot)
{
	p9_fid_close(s, fid);
	share_put(&s->share, fid->inode);
	fid->inode = NULL;
	fid->next = s->free;
	s->free = slot;
	s->nr_fids--;
}

void p9_fid_drop(struct p9_server *s, struct p9_fid *fid)
{
	u32 *p = fid_bucket(s, fid->num);
	u32 slot;

	while (fid_at(s, *p) != fid)
		p = &fid_at(s, *p)->next;
	slot = *p;
	*p = fid->next;
	fid_drop(s, fid, slot);
}

void p9_fid_drop_all(struct p9_server *s)
{
	u32 slot;

	for (slot = 0; slot < s->nr_buckets; slot++)
		s->bucket[slot] = 0;
	for (slot = 1; slot <= s->nr_chunks * CHUNK && s->nr_fids; slot++)
		if (fid_at(s, slot)->inode)
			fid_drop(s, fid_at(s, slot), slot);
}

struct p9_fid *p9_get_fid(struct p9_req *r)
{
	u32 num = p9_get32(r);
	struct p9_fid *fid = r->err ? NULL : p9_fid_find(r->s, num);

	if (!r->err && !fid)
		r->err = -EBADF;
	return fid;
}

void p9_become(struct p9_req *r, const struct p9_fid *fid, u32 gid)
{
	r->s->ctx.uid = fid->uid;
	r->s->ctx.gid = gid;
}
