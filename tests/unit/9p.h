/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_9P_H
#define TESTS_UNIT_9P_H

/*
 * A 9P client on the fake driver, and a directory for it to use. Requests are described
 * as their fields are: b, w, d, q for 1, 2, 4, 8 bytes, s for a string:
 *
 *	EXPECT_EQ(0, rpc(c, P9_TWALK, "ddws", FID, NEW, 1, "name"));
 *	EXPECT_EQ(1, rd16(c));
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/virtio_9p.h>

#include "fs/9p.h"
#include "virtio/virtio.h"
#include "virtio_driver.h"

#define ROOT_FID	1
#define CLIENT_MSIZE	(256 * 1024)
#define CLIENT_BUF	(P9_MSIZE_MAX + 4096)

/**
 * struct client - a client, its device and its directory
 * @d: driver
 * @top: a directory of the test's own
 * @dir: the one that is shared, "share" in @top
 * @out: guest address for requests
 * @in: guest address for replies
 * @msg: request that is being built
 * @len: bytes of it
 * @reply: reply, with bytes behind it that must not have changed
 * @reply_len: bytes of it
 * @pos: what rd*() read next
 * @room: bytes offered for replies, 0 for what most need
 * @tag: of the last request
 */
struct client {
	struct drv d;
	char top[64];
	char dir[80];
	u64 out;
	u64 in;
	u8 msg[CLIENT_BUF];
	size_t len;
	u8 reply[CLIENT_BUF];
	u32 reply_len;
	u32 pos;
	u32 room;
	u16 tag;
};

/* --- the directory ---------------------------------------------------------------- */

static inline const char *path_of(const struct client *c, const char *name)
{
	static char buf[4][4400];
	static int i;

	i = (i + 1) % 4;
	snprintf(buf[i], sizeof(buf[i]), "%s/%s", c->dir, name);
	return buf[i];
}

static inline void host_file(const struct client *c, const char *name, const char *text)
{
	FILE *f = fopen(path_of(c, name), "w");

	if (!f || fputs(text, f) < 0 || fclose(f))
		drv_die("%s: %s", name, strerror(errno));
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static inline void make_top(struct client *c)
{
	snprintf(c->top, sizeof(c->top), "/tmp/vmtool-9p-XXXXXX");
	if (!mkdtemp(c->top))
		drv_die("%s: %s", c->top, strerror(errno));
	snprintf(c->dir, sizeof(c->dir), "%s/share", c->top);
	if (mkdir(c->dir, 0755))
		drv_die("%s: %s", c->dir, strerror(errno));
}

static inline void remove_top(struct client *c)
{
	nftw(c->top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- requests --------------------------------------------------------------------- */

static inline void add(struct client *c, const void *buf, size_t len)
{
	if (c->len + len > sizeof(c->msg))
		drv_die("a request too long for the test");
	memcpy(c->msg + c->len, buf, len);
	c->len += len;
}

static inline void add_int(struct client *c, u64 val, size_t len)
{
	val = htole64(val);
	add(c, &val, len);
}

static inline void add_str(struct client *c, const char *s)
{
	add_int(c, strlen(s), 2);
	add(c, s, strlen(s));
}

static inline void add_fields(struct client *c, const char *fmt, va_list ap)
{
	for (; *fmt; fmt++) {
		switch (*fmt) {
		case 'b':
			add_int(c, va_arg(ap, int), 1);
			break;
		case 'w':
			add_int(c, va_arg(ap, int), 2);
			break;
		case 'd':
			add_int(c, va_arg(ap, u32), 4);
			break;
		case 'q':
			add_int(c, va_arg(ap, u64), 8);
			break;
		case 's':
			add_str(c, va_arg(ap, const char *));
			break;
		default:
			drv_die("no such field: %c", *fmt);
		}
	}
}

static inline void begin(struct client *c, u8 type)
{
	c->len = 0;
	add_int(c, 0, 4);
	add_int(c, type, 1);
	add_int(c, ++c->tag, 2);
}

static inline u64 rd(struct client *c, unsigned int len)
{
	u64 val = 0;

	if (c->pos + len > c->reply_len)
		drv_die("a reply of %u bytes ends too early", c->reply_len);
	memcpy(&val, c->reply + c->pos, len);
	c->pos += len;
	return le64toh(val);
}

static inline u8 rd8(struct client *c)
{
	return rd(c, 1);
}

static inline u16 rd16(struct client *c)
{
	return rd(c, 2);
}

static inline u32 rd32(struct client *c)
{
	return rd(c, 4);
}

static inline u64 rd64(struct client *c)
{
	return rd(c, 8);
}

static inline const char *rd_str(struct client *c)
{
	static char buf[65536];
	u16 len = rd16(c);

	if (c->pos + len > c->reply_len)
		drv_die("a string beyond the end of a reply");
	memcpy(buf, c->reply + c->pos, len);
	buf[len] = '\0';
	c->pos += len;
	return buf;
}

/* As Linux does it: headers in one buffer, data in others, pages. */
static inline unsigned int cut(u64 addr, u32 len, bool in, u32 head, struct drv_seg *segs)
{
	unsigned int n = 0;
	u32 part;

	while (len) {
		part = n ? 4096 - (addr & 4095) : head;
		/* Do not need more descriptors than there are. */
		if (n == 50 || part > len)
			part = len;
		segs[n++] = (struct drv_seg){ .addr = addr, .len = part, .in = in };
		addr += part;
		len -= part;
	}
	return n;
}

/* Sends what was built as it is: bytes of the reply. */
static inline u32 send_raw(struct client *c)
{
	u32 room = c->room ? c->room : 16384;
	u32 all = room + 64 < CLIENT_BUF ? room + 64 : CLIENT_BUF;
	struct drv_seg segs[128];
	unsigned int n;

	drv_put(&c->d, c->out, c->msg, c->len);
	memset(drv_ptr(&c->d, c->in, all), 0xa5, all);
	n = cut(c->out, c->len, false, 23, segs);
	n += cut(c->in, room, true, 11, segs + n);
	c->reply_len = ~0U;
	if (!drv_request(&c->d, 0, segs, n, &c->reply_len))
		drv_die("the device does not answer");
	if (c->reply_len > room)
		drv_die("a reply of %u bytes for %u", c->reply_len, room);
	drv_fetch(&c->d, c->in, c->reply, all);
	c->pos = 0;
	return c->reply_len;
}

/* Sends what was built, checks the header of the reply: 0, or the error in Rlerror. */
static inline int send_msg(struct client *c)
{
	u32 size = htole32(c->len);
	u8 type;

	memcpy(c->msg, &size, sizeof(size));
	if (send_raw(c) < P9_HEADER)
		drv_die("a reply of %u bytes", c->reply_len);
	size = rd32(c);
	type = rd8(c);
	if (size != c->reply_len || rd16(c) != c->tag)
		drv_die("a reply with the wrong size or tag");
	if (type == P9_RLERROR) {
		if (size != P9_ERROR)
			drv_die("Rlerror of %u bytes", size);
		return -(int)rd32(c);
	}
	if (type != c->msg[4] + 1)
		drv_die("reply %u to %u", type, c->msg[4]);
	return 0;
}

static inline int rpc(struct client *c, u8 type, const char *fmt, ...)
{
	va_list ap;

	begin(c, type);
	va_start(ap, fmt);
	add_fields(c, fmt, ap);
	va_end(ap);
	return send_msg(c);
}

/* --- the usual ones ---------------------------------------------------------------- */

static inline int version(struct client *c, u32 msize, const char *name)
{
	int ret;

	c->tag = 0xfffe;
	ret = rpc(c, P9_TVERSION, "ds", msize, name);
	c->tag = 0;
	return ret;
}

static inline int attach_as(struct client *c, u32 fid, u32 uid)
{
	return rpc(c, P9_TATTACH, "ddssd", fid, P9_NOFID, "", "", uid);
}

/* A new fid for a name in the root, "" for the root itself. */
static inline int walk(struct client *c, u32 fid, const char *name)
{
	if (!*name)
		return rpc(c, P9_TWALK, "ddw", ROOT_FID, fid, 0);
	return rpc(c, P9_TWALK, "ddws", ROOT_FID, fid, 1, name);
}

static inline int clunk(struct client *c, u32 fid)
{
	return rpc(c, P9_TCLUNK, "d", fid);
}

static inline int lopen(struct client *c, u32 fid, u32 flags)
{
	return rpc(c, P9_TLOPEN, "dd", fid, flags);
}

static inline int open_name(struct client *c, u32 fid, const char *name, u32 flags)
{
	int ret = walk(c, fid, name);

	return ret ? ret : lopen(c, fid, flags);
}

static inline int create(struct client *c, u32 fid, const char *name, u32 flags, u32 mode)
{
	int ret = walk(c, fid, "");

	return ret ? ret : rpc(c, P9_TLCREATE, "dsddd", fid, name, flags, mode, 0);
}

/* Bytes written, or -errno. */
static inline int fwrite_at(struct client *c, u32 fid, u64 off, const void *buf, u32 len)
{
	int ret;

	begin(c, P9_TWRITE);
	add_int(c, fid, 4);
	add_int(c, off, 8);
	add_int(c, len, 4);
	add(c, buf, len);
	ret = send_msg(c);
	return ret ? ret : (int)rd32(c);
}

/* Bytes read, found at c->reply + c->pos, or -errno. */
static inline int fread_at(struct client *c, u32 fid, u64 off, u32 len)
{
	u32 n, room = c->room;
	int ret;

	if (!room && len < CLIENT_BUF - P9_DATA)
		c->room = len + P9_DATA;
	ret = rpc(c, P9_TREAD, "dqd", fid, off, len);
	c->room = room;
	n = ret ? 0 : rd32(c);
	if (!ret && n != c->reply_len - P9_DATA)
		drv_die("Rread: a count of %u in %u bytes", n, c->reply_len);
	return ret ? ret : (int)n;
}

static inline struct share_attr get_attr(struct client *c, u32 fid)
{
	struct share_attr a = { 0 };

	if (rpc(c, P9_TGETATTR, "dq", fid, ~0ULL))
		return a;
	rd64(c);
	rd8(c);
	rd32(c);
	a.ino = rd64(c);
	a.mode = rd32(c);
	a.uid = rd32(c);
	a.gid = rd32(c);
	a.nlink = rd64(c);
	a.rdev = rd64(c);
	a.size = rd64(c);
	a.blksize = rd64(c);
	a.blocks = rd64(c);
	a.atime.tv_sec = rd64(c);
	a.atime.tv_nsec = rd64(c);
	a.mtime.tv_sec = rd64(c);
	a.mtime.tv_nsec = rd64(c);
	a.ctime.tv_sec = rd64(c);
	a.ctime.tv_nsec = rd64(c);
	return a;
}

/* --- begin and end ------------------------------------------------------------------ */

static inline int client_device(struct client *c, enum drv_transport t, u64 features,
				const char *opts)
{
	char conf[256];
	int ret;

	snprintf(conf, sizeof(conf), "%s,tag9%s", c->dir, opts);
	ret = drv_init(&c->d, t, &p9_class, conf);
	if (!ret)
		ret = drv_setup(&c->d, features);
	c->out = ret ? 0 : drv_alloc(&c->d, CLIENT_BUF + 4096) + 64;
	c->in = ret ? 0 : drv_alloc(&c->d, CLIENT_BUF + 4096) + 128;
	return ret;
}

static inline struct client *client_begin(enum drv_transport t, u64 features, const char *opts)
{
	struct client *c = calloc(1, sizeof(*c));

	if (!c)
		drv_die("no memory");
	make_top(c);
	if (client_device(c, t, features, opts))
		drv_die("no device");
	if (version(c, CLIENT_MSIZE, "9P2000.L") || attach_as(c, ROOT_FID, 0))
		drv_die("no session");
	return c;
}

/* The same directory with other options. */
static inline void client_again(struct client *c, enum drv_transport t, u64 features,
				const char *opts)
{
	drv_end(&c->d);
	if (client_device(c, t, features, opts) || version(c, CLIENT_MSIZE, "9P2000.L") ||
	    attach_as(c, ROOT_FID, 0))
		drv_die("no session");
}

static inline void client_end(struct client *c)
{
	drv_end(&c->d);
	remove_top(c);
	free(c);
}

#endif /* TESTS_UNIT_9P_H */
