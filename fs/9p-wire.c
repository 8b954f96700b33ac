// SPDX-License-Identifier: GPL-2.0
/*
 * Messages of 9P2000.L as bytes: integers are little-endian, a string is its length in
 * two bytes and then its bytes. Each byte of a request is fetched once; nothing is
 * read beyond what the message says it has, or what the chain has.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <linux/kernel.h>

#include "9p.h"

static void set_err(struct p9_req *r, int err)
{
	if (!r->err)
		r->err = err;
}

/* --- reading ------------------------------------------------------------------------ */

static u64 get(struct p9_req *r, unsigned int len)
{
	u64 val = 0;

	if (r->left < len || vq_read(r->c, &val, len) != len) {
		set_err(r, -EPROTO);
		r->left = 0;
		return 0;
	}
	r->left -= len;
	return le64toh(val);
}

u8 p9_get8(struct p9_req *r)
{
	return get(r, 1);
}

u16 p9_get16(struct p9_req *r)
{
	return get(r, 2);
}

u32 p9_get32(struct p9_req *r)
{
	return get(r, 4);
}

u64 p9_get64(struct p9_req *r)
{
	return get(r, 8);
}

void p9_get_str(struct p9_req *r, char *buf, size_t size)
{
	u32 len = p9_get16(r);

	buf[0] = '\0';
	if (len > r->left) {
		set_err(r, -EPROTO);
		r->left = 0;
		return;
	}
	r->left -= len;
	if (len >= size) {
		vq_read(r->c, NULL, len);
		set_err(r, -ENAMETOOLONG);
		return;
	}
	vq_read(r->c, buf, len);
	buf[len] = '\0';
	if (memchr(buf, '\0', len))
		set_err(r, -EINVAL);
}

void p9_get_name(struct p9_req *r, char name[P9_NAME])
{
	p9_get_str(r, name, P9_NAME);
}

/* --- writing ------------------------------------------------------------------------ */

static void put(struct p9_req *r, u64 val, unsigned int len)
{
	val = htole64(val);
	if (r->c->in_pos + len > r->room)
		set_err(r, -EMSGSIZE);
	else
		vq_write(r->c, &val, len);
}

void p9_put8(struct p9_req *r, u8 val)
{
	put(r, val, 1);
}

void p9_put16(struct p9_req *r, u16 val)
{
	put(r, val, 2);
}

void p9_put32(struct p9_req *r, u32 val)
{
	put(r, val, 4);
}

void p9_put64(struct p9_req *r, u64 val)
{
	put(r, val, 8);
}

void p9_put_str(struct p9_req *r, const char *buf, size_t len)
{
	p9_put16(r, len);
	if (r->c->in_pos + len > r->room)
		set_err(r, -EMSGSIZE);
	else
		vq_write(r->c, buf, len);
}

u8 p9_qid_type(u32 mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return P9_QTDIR;
	case S_IFLNK:
		return P9_QTSYMLINK;
	default:
		return P9_QTFILE;
	}
}

/*
 * What tells a client that keeps contents that they have changed. Zero would mean
 * that nothing may be kept.
 */
static u32 qid_version(const struct share_attr *attr)
{
	u64 h = attr->mtime.tv_sec * 1000000000ULL + attr->mtime.tv_nsec;

	h = (h ^ attr->size << 40 ^ attr->size >> 24) * 0x9e3779b97f4a7c15ULL;
	h >>= 32;
	return h ? h : 1;
}

void p9_put_qid(struct p9_req *r, const struct share_attr *attr)
{
	p9_put8(r, p9_qid_type(attr->mode));
	p9_put32(r, qid_version(attr));
	p9_put64(r, attr->ino);
}

/* --- headers ------------------------------------------------------------------------ */

int p9_begin(struct p9_req *r)
{
	u32 size;

	r->tag = P9_NOTAG;
	r->left = P9_HEADER;
	size = p9_get32(r);
	r->type = p9_get8(r);
	if (r->err)
		return r->err;
	r->tag = p9_get16(r);
	if (r->err || size < P9_HEADER || size - P9_HEADER > vq_out_left(r->c)) {
		r->tag = r->err ? P9_NOTAG : r->tag;
		return -EPROTO;
	}
	if (size > p9_max_size(r->s))
		return -EMSGSIZE;
	r->left = size - P9_HEADER;
	r->c->in_pos = P9_HEADER;
	return 0;
}

static void put_header(struct p9_req *r, u8 type)
{
	u8 hdr[P9_HEADER];
	u32 size = htole32(r->c->in_pos);
	u16 tag = htole16(r->tag);

	memcpy(hdr, &size, sizeof(size));
	hdr[4] = type;
	memcpy(hdr + 5, &tag, sizeof(tag));
	vq_write_at(r->c, 0, hdr, sizeof(hdr));
}

void p9_end(struct p9_req *r)
{
	put_header(r, r->type + 1);
}

int p9_fail(struct p9_req *r, int err)
{
	r->err = 0;
	r->c->in_pos = 0;
	if (r->room < P9_ERROR)
		return -EMSGSIZE;
	r->c->in_pos = P9_HEADER;
	p9_put32(r, -err);
	put_header(r, P9_RLERROR);
	return 0;
}
