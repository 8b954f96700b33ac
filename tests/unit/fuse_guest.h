/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_FUSE_GUEST_H
#define TESTS_UNIT_FUSE_GUEST_H

/* A guest's FUSE client, on the fake driver. Included once, by a test. */
#include <linux/fuse.h>
#include <linux/virtio_fs.h>

#include "share.h"
#include "virtio_driver.h"
#include "../../virtio/virtio.h"

#include <kselftest_harness.h>

#define HIPRIO	0
#define REQ	1
#define TAG	"a-tag"

FIXTURE(fuse) {
	struct drv d;
	struct place place;
	u64 out;		/* request, 64 KiB */
	u64 in;			/* reply, 64 KiB */
	u8 reply[65536] __aligned(8);
	u32 len;		/* bytes of the reply behind its header */
	u64 unique;
};

FIXTURE_VARIANT(fuse) { DRV_VARIANT; };
#define DRV_FIXTURE fuse
#include "virtio_variants.h"

#define SELF FIXTURE_DATA(fuse) *self

static inline int setup(SELF, enum drv_transport transport, u64 features, const char *opts)
{
	char conf[512];
	int ret;

	snprintf(conf, sizeof(conf), "%s," TAG "%s", self->place.root, opts);
	ret = drv_init(&self->d, transport, &fs_class, conf);
	if (!ret)
		ret = drv_setup(&self->d, features);
	if (ret)
		return ret;
	self->out = drv_alloc(&self->d, 65536);
	self->in = drv_alloc(&self->d, 65536);
	return 0;
}

/* A request of up to three parts; its error, and its reply in self->reply. */
struct part {
	const void *p;
	size_t len;
};

static inline u32 put_request(SELF, u32 opcode, u64 nodeid, const struct part *parts, int nr)
{
	struct fuse_in_header h = {
		.opcode = opcode, .nodeid = nodeid, .unique = ++self->unique,
		.len = sizeof(h), .uid = 0, .gid = 0, .pid = 1,
	};
	u32 pos = sizeof(h);
	int i;

	for (i = 0; i < nr; i++) {
		drv_put(&self->d, self->out + pos, parts[i].p, parts[i].len);
		pos += parts[i].len;
	}
	h.len = pos;
	drv_put(&self->d, self->out, &h, sizeof(h));
	return pos;
}

static inline int take_reply(SELF, u32 used)
{
	struct fuse_out_header h;

	self->len = 0;
	if (used < sizeof(h))
		return used ? -1000 : -1001;
	drv_fetch(&self->d, self->in, &h, sizeof(h));
	if (h.unique != self->unique || h.len != used || h.error > 0 || h.error <= -1000)
		return -1002;
	if (h.error && h.len != sizeof(h))
		return -1003;
	self->len = h.len - sizeof(h);
	drv_fetch(&self->d, self->in + sizeof(h), self->reply, self->len);
	return h.error;
}

static inline int request(SELF, unsigned int q, u32 opcode, u64 nodeid,
			  const struct part *parts, int nr, u32 room)
{
	u32 used = 0, len = put_request(self, opcode, nodeid, parts, nr);
	struct drv_seg segs[] = { DRV_OUT(self->out, len), DRV_IN(self->in, room) };

	if (!drv_request(&self->d, q, segs, room ? 2 : 1, &used))
		return -1004;
	return room ? take_reply(self, used) : 0;
}

#define PART(x)			{ &(x), sizeof(x) }
#define STR(s)			{ (s), strlen(s) + 1 }
#define CALL(op, node, ...)							\
({										\
	struct part __p[] = { __VA_ARGS__ };					\
	request(self, REQ, op, node, __p, ARRAY_SIZE(__p), 65536);		\
})
#define CALL0(op, node)		request(self, REQ, op, node, NULL, 0, 65536)
#define REPLY(type)		((struct type *)self->reply)

static inline int init_flags(SELF, u64 flags, u64 *got)
{
	struct fuse_init_in in = {
		.major = 7, .minor = 36, .max_readahead = 131072,
		.flags = flags | FUSE_INIT_EXT, .flags2 = flags >> 32,
	};
	int ret = CALL(FUSE_INIT, 0, PART(in));

	if (!ret && self->len != sizeof(struct fuse_init_out))
		return -1005;
	if (got)
		*got = REPLY(fuse_init_out)->flags | (u64)REPLY(fuse_init_out)->flags2 << 32;
	return ret;
}

FIXTURE_SETUP(fuse)
{
	ASSERT_EQ(0, place_make(&self->place));
	ASSERT_EQ(0, setup(self, variant->transport, variant->features, ""));
	ASSERT_EQ(0, init_flags(self, ~0ULL, NULL));
}

FIXTURE_TEARDOWN(fuse)
{
	drv_end(&self->d);
	place_remove(&self->place);
}

static inline int restart(SELF, enum drv_transport transport, u64 features, const char *opts)
{
	int ret;

	drv_end(&self->d);
	ret = setup(self, transport, features, opts);
	return ret ? ret : init_flags(self, ~0ULL, NULL);
}

#define RESTART(opts) ASSERT_EQ(0, restart(self, variant->transport, variant->features, opts))

/* --- short forms -------------------------------------------------------------------- */

static inline int lookup(SELF, u64 dir, const char *name, u64 *node)
{
	int ret = CALL(FUSE_LOOKUP, dir, STR(name));

	*node = ret ? 0 : REPLY(fuse_entry_out)->nodeid;
	return ret;
}

static inline int open_node(SELF, u32 op, u64 node, int flags, u64 *fh)
{
	struct fuse_open_in in = { .flags = flags };
	int ret = CALL(op, node, PART(in));

	*fh = ret ? 0 : REPLY(fuse_open_out)->fh;
	return ret;
}

static inline int create(SELF, u64 dir, const char *name, int flags, u32 mode, u64 *node, u64 *fh)
{
	struct fuse_create_in in = { .flags = flags, .mode = S_IFREG | mode };
	int ret = CALL(FUSE_CREATE, dir, PART(in), STR(name));
	struct fuse_entry_out *e = REPLY(fuse_entry_out);

	*node = ret ? 0 : e->nodeid;
	*fh = ret ? 0 : ((struct fuse_open_out *)(e + 1))->fh;
	return ret;
}

static inline int do_read(SELF, u64 fh, u64 off, u32 size)
{
	struct fuse_read_in in = { .fh = fh, .offset = off, .size = size };

	return CALL(FUSE_READ, 0, PART(in));
}

static inline int do_write(SELF, u64 fh, u64 off, const void *buf, u32 size, u32 flags)
{
	struct fuse_write_in in = { .fh = fh, .offset = off, .size = size,
				    .write_flags = flags };

	return CALL(FUSE_WRITE, 0, PART(in), { buf, size });
}

static inline int release(SELF, u64 fh)
{
	struct fuse_release_in in = { .fh = fh };

	return CALL(FUSE_RELEASE, 0, PART(in));
}

static inline void forget(SELF, u64 node, u64 n)
{
	struct fuse_forget_in in = { .nlookup = n };
	struct part p[] = { PART(in) };

	request(self, HIPRIO, FUSE_FORGET, node, p, 1, 0);
}

#endif /* TESTS_UNIT_FUSE_GUEST_H */
