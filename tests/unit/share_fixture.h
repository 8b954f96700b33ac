/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_SHARE_FIXTURE_H
#define TESTS_UNIT_SHARE_FIXTURE_H

/* A share of a directory that is removed afterwards. Included once, by a test. */
#include "share.h"

#include <kselftest_harness.h>

FIXTURE(share) {
	struct place place;
	struct share s;
	struct share_ctx ctx;
	struct share_attr attr;
	struct share_inode *inode;
	int fds;
};

static int start(FIXTURE_DATA(share) *self, struct share_opts *opts)
{
	int ret;

	opts->dir = self->place.root;
	ret = share_open(&self->s, opts);
	return ret ? ret : share_ctx_init(&self->ctx, &self->s);
}

static void stop(FIXTURE_DATA(share) *self)
{
	share_ctx_destroy(&self->ctx);
	share_close(&self->s);
}

FIXTURE_SETUP(share)
{
	ASSERT_EQ(0, place_make(&self->place));
	self->fds = count_fds();
	ASSERT_EQ(0, start(self, &(struct share_opts){ .xattr = true }));
}

FIXTURE_TEARDOWN(share)
{
	stop(self);
	EXPECT_EQ(self->fds, count_fds());
	place_remove(&self->place);
}

/* Again, with other options. */
static int restart(FIXTURE_DATA(share) *self, struct share_opts opts)
{
	stop(self);
	return start(self, &opts);
}

#define ROOT		(self->s.root)
#define LOOKUP(dir, name) share_lookup(&self->ctx, dir, name, &self->inode, &self->attr)
#define PUT()		share_put(&self->s, self->inode)

static int create(FIXTURE_DATA(share) *self, const char *name, int flags, u32 mode)
{
	return share_create(&self->ctx, self->s.root, name, flags, mode, &self->inode,
			    &self->attr);
}

#endif /* TESTS_UNIT_SHARE_FIXTURE_H */
