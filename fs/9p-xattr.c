// SPDX-License-Identifier: GPL-2.0
/*
 * Extended attributes for the 9P server. A value is read and written by the client
 * like a file, as the contents of a fid: what Txattrwalk has found is kept until the
 * fid is clunked, and what comes after Txattrcreate is set when it is. The memory for
 * all of this has a bound.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include <linux/kernel.h>

#include "9p.h"

#define LOOK_TRIES	8

static int alloc_value(struct p9_server *s, struct p9_open *o, u32 len)
{
	if (len > P9_XATTR_TOTAL - s->xattr_bytes)
		return -ENOMEM;
	o->val = malloc(len ? len : 1);
	if (!o->val)
		return -ENOMEM;
	o->len = len;
	s->xattr_bytes += len;
	return 0;
}

static void free_value(struct p9_server *s, struct p9_open *o)
{
	s->xattr_bytes -= o->len;
	free(o->val);
	o->val = NULL;
	o->len = 0;
}

void p9_xattr_free(struct p9_server *s, struct p9_open *o)
{
	free_value(s, o);
	free(o->name);
}

static ssize_t look(struct p9_server *s, struct share_inode *inode, const char *name,
		    void *buf, size_t len)
{
	return name[0] ? share_getxattr(&s->ctx, inode, name, buf, len) :
			 share_listxattr(&s->ctx, inode, buf, len);
}

/* The value, or the list of names, which may grow while it is looked at. */
static int fetch_value(struct p9_server *s, struct p9_open *o, struct share_inode *inode,
		       const char *name)
{
	int i, ret = -EAGAIN;
	ssize_t n;

	for (i = 0; i < LOOK_TRIES; i++) {
		n = look(s, inode, name, NULL, 0);
		if (n < 0)
			return n;
		ret = alloc_value(s, o, n);
		if (ret || !n)
			return ret;
		n = look(s, inode, name, o->val, o->len);
		if (n >= 0) {
			s->xattr_bytes -= o->len - n;
			o->len = n;
			return 0;
		}
		free_value(s, o);
		ret = n;
		if (ret != -ERANGE)
			break;
	}
	return ret;
}

int p9_xattrwalk(struct p9_req *r)
{
	struct p9_server *s = r->s;
	struct p9_fid *fid = p9_get_fid(r), *new;
	u32 num = p9_get32(r);
	struct p9_open *o;
	int ret;

	p9_get_name(r, s->name);
	if (r->err)
		return r->err;
	ret = p9_fid_new(s, num, fid->inode, fid->uid, &new);
	if (ret)
		return ret;
	share_get(&s->share, new->inode);
	o = p9_fid_open(new, P9_XATTR_READ);
	ret = o ? fetch_value(s, o, new->inode, s->name) : -ENOMEM;
	if (ret) {
		p9_fid_drop(s, new);
		return ret;
	}
	p9_put64(r, o->len);
	return r->err;
}

int p9_xattrcreate(struct p9_req *r)
{
	struct p9_server *s = r->s;
	struct p9_fid *fid = p9_get_fid(r);
	u64 size;
	u32 flags;
	int ret;

	p9_get_name(r, s->name);
	size = p9_get64(r);
	flags = p9_get32(r);
	if (r->err)
		return r->err;
	if (fid->open || !s->name[0] || flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	if (s->share.ro)
		return -EROFS;
	if (size > P9_XATTR_MAX)
		return -E2BIG;
	if (!p9_fid_open(fid, P9_XATTR_WRITE))
		return -ENOMEM;
	fid->open->flags = flags;
	fid->open->name = strdup(s->name);
	ret = fid->open->name ? alloc_value(s, fid->open, size) : -ENOMEM;
	if (ret)
		p9_fid_close(s, fid);
	return ret;
}

int p9_xattr_read(struct p9_req *r, const struct p9_open *o, u64 off, u32 count)
{
	if (o->kind != P9_XATTR_READ)
		return -EBADF;
	off = min_t(u64, off, o->len);
	count = min_t(u64, count, o->len - off);
	p9_put32(r, count);
	vq_write(r->c, o->val + off, count);
	return r->err;
}

int p9_xattr_write(struct p9_req *r, struct p9_open *o, u64 off, u32 count)
{
	if (o->kind != P9_XATTR_WRITE)
		return -EBADF;
	/* All of it has to come; in which portions is the client's choice. */
	if (off > o->got || count > o->len - off)
		return -ENOSPC;
	vq_read(r->c, o->val + off, count);
	o->got = max_t(u32, o->got, off + count);
	p9_put32(r, count);
	return r->err;
}

int p9_xattr_commit(struct p9_server *s, const struct p9_fid *fid)
{
	const struct p9_open *o = fid->open;

	if (!o || o->kind != P9_XATTR_WRITE)
		return 0;
	if (o->got < o->len)
		return -EINVAL;
	/* There is no message that removes: Linux replaces the value by none. */
	if (!o->len && o->flags & XATTR_REPLACE)
		return share_removexattr(&s->ctx, fid->inode, o->name);
	return share_setxattr(&s->ctx, fid->inode, o->name, o->val, o->len, o->flags);
}
