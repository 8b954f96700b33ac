// SPDX-License-Identifier: GPL-2.0
/*
 * virtio/fs.c and fs/fuse*.c: guests that wait for locks, are reset with everything
 * open, or do not keep to the protocol.
 */
#include <sys/file.h>

#include "fuse_guest.h"

/* --- locks ---------------------------------------------------------------------------------- */

static int lock(SELF, u32 op, u64 node, u64 fh, u64 owner, u32 type, u32 flags)
{
	struct fuse_lk_in in = {
		.fh = fh, .owner = owner, .lk_flags = flags,
		.lk = { .start = 10, .end = 19, .type = type, .pid = 5 },
	};

	return CALL(op, node, PART(in));
}

TEST_F(fuse, locks)
{
	struct fuse_flush_in flush = { .lock_owner = 1 };
	u64 node, fh, fh2;

	EXPECT_EQ(-ENOSYS, lock(self, FUSE_SETLK, 1, 0, 1, F_WRLCK, 0));
	EXPECT_EQ(-ENOSYS, lock(self, FUSE_GETLK, 1, 0, 1, F_WRLCK, 0));
	RESTART(",locks");
	ASSERT_EQ(0, create(self, 1, "a", O_RDWR, 0644, &node, &fh));
	ASSERT_EQ(0, open_node(self, FUSE_OPEN, node, O_RDWR, &fh2));
	EXPECT_EQ(0, lock(self, FUSE_SETLK, node, fh, 1, F_WRLCK, 0));
	EXPECT_EQ(0, lock(self, FUSE_SETLK, node, fh2, 1, F_RDLCK, 0));
	EXPECT_EQ(0, lock(self, FUSE_SETLK, node, fh, 1, F_WRLCK, 0));
	EXPECT_EQ(-EAGAIN, lock(self, FUSE_SETLK, node, fh2, 2, F_WRLCK, 0));
	ASSERT_EQ(0, lock(self, FUSE_GETLK, node, fh2, 2, F_WRLCK, 0));
	EXPECT_EQ(F_WRLCK, REPLY(fuse_lk_out)->lk.type);
	EXPECT_EQ(10, REPLY(fuse_lk_out)->lk.start);
	EXPECT_EQ(19, REPLY(fuse_lk_out)->lk.end);
	/* The owner closes one of its files: all its locks of the file go. */
	flush.fh = fh2;
	EXPECT_EQ(0, CALL(FUSE_FLUSH, node, PART(flush)));
	EXPECT_EQ(0, lock(self, FUSE_SETLK, node, fh2, 2, F_WRLCK, 0));
	EXPECT_EQ(0, lock(self, FUSE_SETLK, node, fh2, 2, F_UNLCK, 0));
	EXPECT_EQ(0, lock(self, FUSE_SETLK, node, fh2, 99, F_UNLCK, 0));
	/* BSD locks are the open file's. */
	EXPECT_EQ(0, lock(self, FUSE_SETLK, node, fh, 1, F_WRLCK, FUSE_LK_FLOCK));
	EXPECT_EQ(-EAGAIN, lock(self, FUSE_SETLK, node, fh2, 1, F_RDLCK, FUSE_LK_FLOCK));
	EXPECT_EQ(0, release(self, fh));
	EXPECT_EQ(0, lock(self, FUSE_SETLK, node, fh2, 1, F_RDLCK, FUSE_LK_FLOCK));
	EXPECT_EQ(-EINVAL, lock(self, FUSE_SETLK, node, fh2, 1, 77, FUSE_LK_FLOCK));
	EXPECT_EQ(-EINVAL, lock(self, FUSE_SETLK, node, fh2, 1, 77, 0));
	EXPECT_EQ(-EBADF, lock(self, FUSE_SETLK, node, 77, 1, F_WRLCK, FUSE_LK_FLOCK));
	EXPECT_EQ(-ESTALE, lock(self, FUSE_SETLK, 77, fh2, 1, F_WRLCK, 0));
}

/* A request that is not answered at once: where its reply will be. */
static u64 lock_later(SELF, u64 node, u64 owner, u64 reply)
{
	struct fuse_lk_in in = {
		.owner = owner, .lk = { .start = 10, .end = 19, .type = F_WRLCK },
	};
	u64 out = drv_alloc(&self->d, 256);
	u32 len = put_request(self, FUSE_SETLKW, node, (struct part[]){ PART(in) }, 1);
	struct drv_seg segs[] = { DRV_OUT(out, len), DRV_IN(reply, 16) };

	memcpy(drv_ptr(&self->d, out, len), drv_ptr(&self->d, self->out, len), len);
	drv_add(&self->d, REQ, segs, 2, drv_ptr(&self->d, reply, 16));
	drv_kick(&self->d, REQ);
	drv_run(&self->d);
	return self->unique;
}

static int later_error(SELF, u64 reply, u64 unique)
{
	struct fuse_out_header *h = drv_ptr(&self->d, reply, sizeof(*h));
	u32 len = 0;

	if (!drv_wait_used(&self->d, REQ, 5000) || drv_get(&self->d, REQ, &len) != h)
		return -3000;
	return len == 16 && h->len == 16 && h->unique == unique ? h->error : -3001;
}

TEST_F(fuse, waiting_for_a_lock)
{
	struct fuse_interrupt_in intr = { };
	u64 node, fh, reply, unique, unique2, reply2;

	RESTART(",locks");
	reply = drv_alloc(&self->d, 64);
	reply2 = drv_alloc(&self->d, 64);
	ASSERT_EQ(0, create(self, 1, "a", O_RDWR, 0644, &node, &fh));
	ASSERT_EQ(0, lock(self, FUSE_SETLKW, node, fh, 1, F_WRLCK, 0));
	unique = lock_later(self, node, 2, reply);
	EXPECT_FALSE(drv_used(&self->d, REQ));
	/* Others are served meanwhile, before it. */
	EXPECT_EQ(0, do_write(self, fh, 0, "x", 1, 0));
	EXPECT_EQ(0, do_read(self, fh, 0, 1));
	EXPECT_EQ(0, lock(self, FUSE_SETLK, node, fh, 1, F_UNLCK, 0));
	EXPECT_EQ(0, later_error(self, reply, unique));

	/* One that is interrupted, and one whose lock the host gives away later. */
	unique = lock_later(self, node, 3, reply);
	unique2 = lock_later(self, node, 4, reply2);
	intr.unique = unique;
	ASSERT_EQ(0, request(self, HIPRIO, FUSE_INTERRUPT, 0, (struct part[]){ PART(intr) }, 1,
			     0));
	EXPECT_EQ(-EINTR, later_error(self, reply, unique));
	EXPECT_FALSE(drv_used(&self->d, REQ));
	EXPECT_EQ(0, lock(self, FUSE_SETLK, node, fh, 2, F_UNLCK, 0));
	EXPECT_EQ(0, later_error(self, reply2, unique2));

	/* A reset while one waits: nothing is left, and all works again. */
	lock_later(self, node, 5, reply);
	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	ASSERT_EQ(0, init_flags(self, ~0ULL, NULL));
	EXPECT_EQ(-EBADF, do_read(self, fh, 0, 1));
	ASSERT_EQ(0, lookup(self, 1, "a", &node));
	EXPECT_EQ(0, lock(self, FUSE_SETLK, node, 0, 6, F_WRLCK, 0));
}

TEST_F(fuse, a_queue_is_reset_while_one_waits)
{
	u64 node, fh, reply;

	RESTART(",locks");
	if (!(self->d.features & BIT_ULL(VIRTIO_F_RING_RESET)))
		SKIP(return, "no queue reset");
	reply = drv_alloc(&self->d, 64);
	ASSERT_EQ(0, create(self, 1, "a", O_RDWR, 0644, &node, &fh));
	ASSERT_EQ(0, lock(self, FUSE_SETLK, node, fh, 1, F_WRLCK, 0));
	lock_later(self, node, 2, reply);
	self->d.ops->queue_reset(&self->d, REQ);
	drv_run(&self->d);
	ASSERT_EQ(0, drv_queue_setup(&self->d, REQ, 0));
	/* The session goes on, without the request. */
	EXPECT_EQ(0, lock(self, FUSE_SETLK, node, fh, 1, F_UNLCK, 0));
	EXPECT_EQ(0, do_write(self, fh, 0, "x", 1, 0));
	EXPECT_EQ(0, lock(self, FUSE_SETLK, node, fh, 3, F_WRLCK, 0));
}

/* --- resets, and guests that do not keep to it ----------------------------------------------- */

TEST_F(fuse, a_reset_closes_everything)
{
	int i, fds = count_fds();
	u64 node, fh;
	char name[8];

	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "%d", i);
		ASSERT_EQ(0, create(self, 1, name, O_RDWR, 0644, &node, &fh));
	}
	ASSERT_EQ(0, open_node(self, FUSE_OPENDIR, 1, O_RDONLY, &fh));
	EXPECT_LE(fds + 200, count_fds());
	drv_reset(&self->d);
	EXPECT_EQ(fds, count_fds());
	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	EXPECT_EQ(-EIO, lookup(self, 1, "5", &node));
	ASSERT_EQ(0, init_flags(self, ~0ULL, NULL));
	EXPECT_EQ(0, lookup(self, 1, "5", &node));
	EXPECT_NE(0, node);
}

TEST_F(fuse, malformed_requests)
{
	struct fuse_in_header h = { .len = 40, .opcode = FUSE_STATFS, .nodeid = 1 };
	struct drv_seg segs[2];
	struct fuse_write_in w = { .size = 100 };
	u64 node, fh;
	u32 used, i;

	EXPECT_EQ(-ENOSYS, CALL0(0, 1));
	EXPECT_EQ(-ENOSYS, CALL0(FUSE_ACCESS, 1));
	EXPECT_EQ(-ENOSYS, CALL0(FUSE_IOCTL, 1));
	EXPECT_EQ(-ENOSYS, CALL0(9999, 1));
	EXPECT_EQ(-ENOSYS, CALL0(~0U, 1));
	/* Names without an end, missing, with a slash. */
	EXPECT_EQ(-EINVAL, CALL(FUSE_LOOKUP, 1, { "abc", 3 }));
	EXPECT_EQ(-EINVAL, CALL0(FUSE_LOOKUP, 1));
	EXPECT_EQ(-EINVAL, lookup(self, 1, "..", &node));
	EXPECT_EQ(-EINVAL, lookup(self, 1, "a/b", &node));
	EXPECT_EQ(-EINVAL, CALL(FUSE_SYMLINK, 1, STR("one")));
	EXPECT_EQ(-EINVAL, CALL(FUSE_RENAME, 1, PART((struct fuse_rename_in){ 1 }), STR("a"),
				{ "b", 1 }));
	EXPECT_EQ(-ESTALE, CALL(FUSE_LOOKUP, 0xdeadbeefULL << 32, STR("a")));
	EXPECT_EQ(-EINVAL, CALL0(FUSE_GETATTR, 1));
	EXPECT_EQ(-EBADF, do_read(self, 0, 0, 1));
	EXPECT_EQ(-EBADF, do_read(self, ~0ULL, 0, 1));
	/* More to write than was sent. */
	ASSERT_EQ(0, create(self, 1, "a", O_RDWR, 0644, &node, &fh));
	w.fh = fh;
	EXPECT_EQ(-EINVAL, CALL(FUSE_WRITE, node, PART(w), { "x", 1 }));
	w.size = 0xffffffff;
	EXPECT_EQ(-EINVAL, CALL(FUSE_WRITE, node, PART(w), { "x", 1 }));
	EXPECT_EQ(-EINVAL, do_write(self, fh, ~0ULL, "x", 1, 0));
	EXPECT_EQ(-EINVAL, do_read(self, fh, ~0ULL, 1));
	/* The length of the header is not that of the chain. */
	for (i = 0; i < 3; i++) {
		h.len = (u32[]){ 0, 39, 41 }[i];
		drv_put(&self->d, self->out, &h, sizeof(h));
		segs[0] = DRV_OUT(self->out, 40);
		segs[1] = DRV_IN(self->in, 4096);
		self->unique = 0;
		ASSERT_TRUE(drv_request(&self->d, REQ, segs, 2, &used));
		EXPECT_EQ(-EINVAL, take_reply(self, used));
	}
	/* No header, no room for a reply, or for half of it: all are given back. */
	segs[0] = DRV_OUT(self->out, 39);
	ASSERT_TRUE(drv_request(&self->d, REQ, segs, 2, &used));
	EXPECT_EQ(0, used);
	EXPECT_EQ(0, request(self, REQ, FUSE_STATFS, 1, NULL, 0, 0));
	h.len = 40;
	drv_put(&self->d, self->out, &h, sizeof(h));
	segs[0] = DRV_OUT(self->out, 40);
	segs[1] = DRV_IN(self->in, 15);
	ASSERT_TRUE(drv_request(&self->d, REQ, segs, 2, &used));
	EXPECT_EQ(0, used);
	segs[1] = DRV_IN(self->in, 20);
	self->unique = 0;
	ASSERT_TRUE(drv_request(&self->d, REQ, segs, 2, &used));
	EXPECT_EQ(-EINVAL, take_reply(self, used));
	ASSERT_TRUE(drv_request(&self->d, REQ, segs + 1, 1, &used));
	EXPECT_EQ(0, used);
	EXPECT_EQ(0, drv_status(&self->d) & VIRTIO_CONFIG_S_NEEDS_RESET);
	EXPECT_EQ(0, CALL0(FUSE_STATFS, 1));
}

/* 5.11.6.2: the thread of a request queue may be busy for long. */
TEST_F(fuse, high_priority_does_not_wait)
{
	struct fuse_forget_in in = { .nlookup = 1 };
	struct drv *d = &self->d;
	struct drv_seg segs[2];
	u64 node;
	u32 len;

	ASSERT_EQ(0, host_write(&self->place, "a", ""));
	ASSERT_EQ(0, lookup(self, 1, "a", &node));
	len = put_request(self, FUSE_STATFS, 1, NULL, 0);
	segs[0] = DRV_OUT(drv_alloc(d, len), len);
	memcpy(drv_ptr(d, segs[0].addr, len), drv_ptr(d, self->out, len), len);
	segs[1] = DRV_IN(self->in, 4096);
	ASSERT_EQ(0, drv_add(d, REQ, segs, 2, self));
	drv_notify(d, REQ);
	segs[0] = DRV_OUT(self->out, put_request(self, FUSE_FORGET, node,
						 (struct part[]){ PART(in) }, 1));
	ASSERT_EQ(0, drv_add(d, HIPRIO, segs, 1, d));
	drv_notify(d, HIPRIO);
	EXPECT_LT(0, iothread_poll(virtio_thread(&d->vd->vqs[HIPRIO])));
	EXPECT_EQ(d, drv_get(d, HIPRIO, &len));
	EXPECT_FALSE(drv_used(d, REQ));
	drv_run(d);
	EXPECT_EQ(self, drv_get(d, REQ, &len));
	EXPECT_EQ(-ESTALE, CALL(FUSE_GETATTR, node, PART((struct fuse_getattr_in){ })));
}

TEST_F(fuse, requests_before_init)
{
	u64 node;

	ASSERT_EQ(0, drv_setup(&self->d, variant->features));
	EXPECT_EQ(-EIO, lookup(self, 1, "a", &node));
	EXPECT_EQ(-EIO, CALL0(FUSE_STATFS, 1));
	EXPECT_EQ(-EINVAL, CALL(FUSE_INIT, 0, { "1234", 4 }));
	EXPECT_EQ(0, init_flags(self, 0, NULL));
	EXPECT_EQ(0, CALL0(FUSE_STATFS, 1));
}

TEST_F(fuse, several_queues_share_one_session)
{
	u64 node, fh;

	RESTART(",queues=3");
	ASSERT_EQ(0, create(self, 1, "a", O_RDWR, 0644, &node, &fh));
	ASSERT_EQ(0, do_write(self, fh, 0, "text", 4, 0));
	ASSERT_EQ(0, request(self, 3, FUSE_READ, node, (struct part[]){
			     PART(((struct fuse_read_in){ .fh = fh, .size = 10 })) }, 1, 4096));
	EXPECT_EQ(4, self->len);
	ASSERT_EQ(0, request(self, 2, FUSE_RELEASE, node, (struct part[]){
			     PART(((struct fuse_release_in){ .fh = fh })) }, 1, 4096));
	EXPECT_EQ(-EBADF, do_read(self, fh, 0, 1));
}

TEST_HARNESS_MAIN
