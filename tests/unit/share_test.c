// SPDX-License-Identifier: GPL-2.0
/*
 * fs/: a shared directory and who tries to leave it, lose files in it, or use up what
 * it is made of.
 */
#include <pthread.h>
#include <sys/resource.h>

#include "share_fixture.h"

static const char *contents(int fd)
{
	static char buf[64];
	ssize_t n = pread(fd, buf, sizeof(buf) - 1, 0);

	buf[n < 0 ? 0 : n] = '\0';
	return buf;
}

/* --- names ---------------------------------------------------------------------- */

TEST_F(share, names_are_one_component)
{
	static const char *const bad[] = { "", ".", "..", "a/b", "/", "/etc", "../x", "a/" };
	struct share_inode *inode;
	struct share_attr attr;
	char name[300];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, LOOKUP(ROOT, bad[i])) TH_LOG("%s", bad[i]);
		EXPECT_EQ(-EINVAL, create(self, bad[i], O_RDWR, 0644));
		EXPECT_EQ(-EINVAL, share_mkdir(&self->ctx, ROOT, bad[i], 0755, &inode, &attr));
		EXPECT_EQ(-EINVAL, share_symlink(&self->ctx, ROOT, bad[i], "x", &inode, &attr));
		EXPECT_EQ(-EINVAL, share_mknod(&self->ctx, ROOT, bad[i], S_IFIFO | 0644, 0,
					       &inode, &attr));
		EXPECT_EQ(-EINVAL, share_unlink(&self->ctx, ROOT, bad[i], false));
		EXPECT_EQ(-EINVAL, share_unlink(&self->ctx, ROOT, bad[i], true));
		EXPECT_EQ(-EINVAL, share_rename(&self->ctx, ROOT, bad[i], ROOT, "x", 0));
		EXPECT_EQ(-EINVAL, share_rename(&self->ctx, ROOT, "x", ROOT, bad[i], 0));
	}
	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	EXPECT_EQ(-ENAMETOOLONG, LOOKUP(ROOT, name));
	name[255] = '\0';
	EXPECT_EQ(-ENOENT, LOOKUP(ROOT, name));
	ASSERT_EQ(0, host_write(&self->place, "file", ""));
	ASSERT_EQ(0, LOOKUP(ROOT, "file"));
	EXPECT_EQ(-ENOTDIR, share_lookup(&self->ctx, self->inode, "x", &inode, &attr));
	PUT();
}

TEST_F(share, symlinks_are_not_followed)
{
	struct share_inode *inode;
	struct share_attr attr;
	char buf[64];

	ASSERT_EQ(0, host_write(&self->place, "../outside/secret", "secret"));
	ASSERT_EQ(0, symlinkat("../outside", self->place.fd, "dir"));
	ASSERT_EQ(0, symlinkat("../outside/secret", self->place.fd, "file"));
	ASSERT_EQ(0, symlinkat("../outside/new", self->place.fd, "new"));
	ASSERT_EQ(0, LOOKUP(ROOT, "dir"));
	EXPECT_EQ(S_IFLNK, share_type(self->inode));
	EXPECT_EQ(-ENOTDIR, share_lookup(&self->ctx, self->inode, "secret", &inode, &attr));
	EXPECT_EQ(10, share_readlink(&self->ctx, self->inode, buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(buf, "../outside", 10));
	EXPECT_EQ(4, share_readlink(&self->ctx, self->inode, buf, 4));
	PUT();
	ASSERT_EQ(0, LOOKUP(ROOT, "file"));
	EXPECT_EQ(-ELOOP, share_open_file(&self->ctx, self->inode, O_RDONLY));
	attr.size = 0;
	EXPECT_EQ(-EINVAL, share_setattr(&self->ctx, self->inode, -1, &attr, SHARE_SET_SIZE));
	PUT();
	EXPECT_EQ(-ELOOP, create(self, "file", O_RDWR | O_TRUNC, 0644));
	EXPECT_EQ(-EEXIST, create(self, "file", O_RDWR | O_EXCL, 0644));
	EXPECT_EQ(-ELOOP, create(self, "new", O_RDWR, 0644));
	EXPECT_EQ(-1, faccessat(self->place.fd, "../outside/new", F_OK, 0));
	EXPECT_EQ(-EEXIST, share_mkdir(&self->ctx, ROOT, "new", 0755, &inode, &attr));
}

/* --- the symlink race (R7) -------------------------------------------------------- */

struct racer {
	struct place *place;
	bool stop;
};

/* "dir" is a directory and a symlink to the outside, "file" a file and one, in turns. */
static void *race(void *arg)
{
	struct racer *r = arg;
	int fd = r->place->fd;

	while (!__atomic_load_n(&r->stop, __ATOMIC_RELAXED)) {
		renameat2(fd, "dir", fd, "dir.link", RENAME_EXCHANGE);
		renameat2(fd, "file", fd, "file.link", RENAME_EXCHANGE);
		/* And one that leaves. */
		renameat(fd, "moving", fd, "../outside/moving");
		renameat(fd, "../outside/moving", fd, "moving");
	}
	return NULL;
}

struct tally {
	unsigned int inside;
	unsigned int outside;
	unsigned int refused;
};

static void tally_fd(struct share *s, struct tally *t, int fd)
{
	if (fd < 0) {
		t->refused++;
		return;
	}
	if (strcmp(contents(fd), "inside"))
		t->outside++;
	else
		t->inside++;
	share_close_file(s, fd);
}

/* One step further than a lookup, in what was found. */
static void tally_dir(FIXTURE_DATA(share) *self, struct tally *t, const char *name, int i)
{
	struct share_inode *inode;
	struct share_attr attr;
	int fd;

	if (LOOKUP(ROOT, name)) {
		t->refused++;
		return;
	}
	if (i % 2) {
		fd = share_create(&self->ctx, self->inode, "secret", O_RDWR, 0600, &inode, &attr);
		if (fd >= 0)
			share_put(&self->s, inode);
		tally_fd(&self->s, t, fd);
	} else if (share_lookup(&self->ctx, self->inode, "secret", &inode, &attr)) {
		t->refused++;
	} else {
		tally_fd(&self->s, t, share_open_file(&self->ctx, inode, O_RDONLY));
		share_put(&self->s, inode);
	}
	PUT();
}

TEST_F(share, symlink_race_opens_nothing_outside)
{
	struct racer r = { .place = &self->place };
	struct tally t = { };
	pthread_t thread;
	int i;

	ASSERT_EQ(0, host_write(&self->place, "../outside/secret", "outside"));
	ASSERT_EQ(0, mkdirat(self->place.fd, "dir", 0755));
	ASSERT_EQ(0, mkdirat(self->place.fd, "moving", 0755));
	ASSERT_EQ(0, host_write(&self->place, "dir/secret", "inside"));
	ASSERT_EQ(0, host_write(&self->place, "moving/secret", "inside"));
	ASSERT_EQ(0, host_write(&self->place, "file", "inside"));
	ASSERT_EQ(0, symlinkat("../outside", self->place.fd, "dir.link"));
	ASSERT_EQ(0, symlinkat("../outside/secret", self->place.fd, "file.link"));
	ASSERT_EQ(0, pthread_create(&thread, NULL, race, &r));
	for (i = 0; i < 20000; i++) {
		int fd = create(self, "file", O_RDWR, 0600);

		if (fd >= 0)
			PUT();
		tally_fd(&self->s, &t, fd);
		tally_dir(self, &t, "dir", i);
		tally_dir(self, &t, "moving", i);
	}
	__atomic_store_n(&r.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, t.outside);
	/* The race was one: it went both ways. */
	EXPECT_GT(t.inside, 100);
	EXPECT_GT(t.refused, 100);
	TH_LOG("%u inside, %u refused, %u outside", t.inside, t.refused, t.outside);
}

/* --- inodes ------------------------------------------------------------------------ */

TEST_F(share, an_object_has_one_inode)
{
	struct share_inode *a;
	u64 ino;

	ASSERT_EQ(0, host_write(&self->place, "a", "x"));
	ASSERT_EQ(0, linkat(self->place.fd, "a", self->place.fd, "b", 0));
	ASSERT_EQ(0, LOOKUP(ROOT, "a"));
	a = self->inode;
	ino = self->attr.ino;
	ASSERT_EQ(0, LOOKUP(ROOT, "a"));
	EXPECT_EQ(a, self->inode);
	PUT();
	ASSERT_EQ(0, LOOKUP(ROOT, "b"));
	EXPECT_EQ(a, self->inode);
	EXPECT_EQ(ino, self->attr.ino);
	EXPECT_EQ(2, self->attr.nlink);
	PUT();
	/* The name means another file now: what was found before is not believed. */
	ASSERT_EQ(0, unlinkat(self->place.fd, "a", 0));
	EXPECT_EQ(-ENOENT, LOOKUP(ROOT, "a"));
	ASSERT_EQ(0, host_write(&self->place, "a", "new"));
	ASSERT_EQ(0, LOOKUP(ROOT, "a"));
	EXPECT_NE(a, self->inode);
	EXPECT_NE(ino, self->attr.ino);
	PUT();
	share_put(&self->s, a);
}

TEST_F(share, renamed_and_unlinked_files_live_on)
{
	struct share_inode *sub, *inode;
	struct share_attr attr;
	int fd, again;

	ASSERT_EQ(0, share_mkdir(&self->ctx, ROOT, "sub", 0755, &sub, &attr));
	fd = create(self, "file", O_RDWR, 0644);
	ASSERT_LE(0, fd);
	ASSERT_EQ(4, write(fd, "text", 4));
	ASSERT_EQ(0, share_rename(&self->ctx, ROOT, "file", sub, "other", 0));
	EXPECT_EQ(-ENOENT, share_lookup(&self->ctx, ROOT, "file", &inode, &attr));
	ASSERT_EQ(0, share_lookup(&self->ctx, sub, "other", &inode, &attr));
	EXPECT_EQ(self->inode, inode);
	share_put(&self->s, inode);
	again = share_open_file(&self->ctx, self->inode, O_RDONLY);
	ASSERT_LE(0, again);
	EXPECT_STREQ("text", contents(again));
	share_close_file(&self->s, again);

	/* The host renames the directory, too, and removes the file. */
	ASSERT_EQ(0, renameat(self->place.fd, "sub", self->place.fd, "bus"));
	ASSERT_EQ(0, unlinkat(self->place.fd, "bus/other", 0));
	ASSERT_EQ(0, share_getattr(&self->ctx, self->inode, &attr));
	EXPECT_EQ(0, attr.nlink);
	EXPECT_EQ(4, attr.size);
	again = share_open_file(&self->ctx, self->inode, O_RDWR | O_TRUNC);
	ASSERT_LE(0, again);
	share_close_file(&self->s, again);
	attr.size = 99;
	attr.mode = 0600;
	EXPECT_EQ(0, share_setattr(&self->ctx, self->inode, -1, &attr,
				   SHARE_SET_SIZE | SHARE_SET_MODE));
	EXPECT_EQ(0, share_fgetattr(&self->ctx, fd, &attr));
	EXPECT_EQ(99, attr.size);
	EXPECT_EQ(S_IFREG | 0600, attr.mode);
	share_close_file(&self->s, fd);
	PUT();
	ASSERT_EQ(0, share_mkdir(&self->ctx, sub, "in", 0755, &inode, &attr));
	EXPECT_EQ(0, faccessat(self->place.fd, "bus/in", F_OK, 0));
	share_put(&self->s, inode);
	EXPECT_EQ(-EEXIST, share_rename(&self->ctx, sub, "in", sub, "in", RENAME_NOREPLACE));
	EXPECT_EQ(-EINVAL, share_rename(&self->ctx, sub, "in", sub, "x", 0x100));
	EXPECT_EQ(-EISDIR, share_unlink(&self->ctx, sub, "in", false));
	EXPECT_EQ(0, share_unlink(&self->ctx, sub, "in", true));
	share_put(&self->s, sub);
}

TEST_F(share, numbers_of_nodes_are_checked)
{
	u64 id, old;
	u32 i;

	EXPECT_EQ(SHARE_ROOT_ID, share_id(ROOT));
	EXPECT_EQ(ROOT, share_by_id(&self->s, SHARE_ROOT_ID));
	share_put(&self->s, ROOT);
	ASSERT_EQ(0, host_write(&self->place, "a", ""));
	ASSERT_EQ(0, LOOKUP(ROOT, "a"));
	id = share_id(self->inode);
	/* Known only once the guest was told. */
	EXPECT_EQ(NULL, share_by_id(&self->s, id));
	share_remember(&self->s, self->inode);
	share_remember(&self->s, self->inode);
	PUT();
	self->inode = share_by_id(&self->s, id);
	ASSERT_NE(NULL, self->inode);
	PUT();
	EXPECT_EQ(0, share_forget(&self->s, id, 1));
	self->inode = share_by_id(&self->s, id);
	ASSERT_NE(NULL, self->inode);
	EXPECT_EQ(0, share_forget(&self->s, id, ~0ULL));
	EXPECT_EQ(NULL, share_by_id(&self->s, id));
	EXPECT_EQ(-ESTALE, share_forget(&self->s, id, 1));
	/* Our own reference still holds it. */
	EXPECT_EQ(0, share_getattr(&self->ctx, self->inode, &self->attr));
	PUT();
	/* The slot is used again, the number is not. */
	old = id;
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, LOOKUP(ROOT, "a"));
		share_remember(&self->s, self->inode);
		id = share_id(self->inode);
		EXPECT_EQ((u32)old, (u32)id);
		EXPECT_NE(old, id);
		EXPECT_EQ(NULL, share_by_id(&self->s, old));
		PUT();
		share_forget_all(&self->s);
		old = id;
	}
	for (i = 0; i < 5000; i++)
		EXPECT_EQ(NULL, share_by_id(&self->s, i == 1 ? 0 : i));
	EXPECT_EQ(NULL, share_by_id(&self->s, ~0ULL));
	EXPECT_EQ(NULL, share_by_id(&self->s, 1ULL << 32 | 1));
	/* The root is never forgotten. */
	EXPECT_EQ(0, share_forget(&self->s, SHARE_ROOT_ID, 100));
	EXPECT_EQ(0, share_getattr(&self->ctx, ROOT, &self->attr));
}

TEST_F(share, inodes_are_bounded)
{
	struct share_inode *held[8];
	struct share_attr attr;
	char name[16];
	int i, fds;

	ASSERT_EQ(0, restart(self, (struct share_opts){ .max_inodes = 8 }));
	for (i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "%d", i);
		ASSERT_EQ(0, host_write(&self->place, name, ""));
	}
	fds = count_fds();
	for (i = 0; i < 7; i++) {
		snprintf(name, sizeof(name), "%d", i);
		ASSERT_EQ(0, share_lookup(&self->ctx, ROOT, name, &held[i], &attr));
	}
	EXPECT_EQ(-ENFILE, LOOKUP(ROOT, "10"));
	EXPECT_EQ(-ENFILE, create(self, "11", O_RDWR, 0644));
	EXPECT_EQ(-ENFILE, create(self, "new", O_RDWR, 0644));
	EXPECT_EQ(fds + 7, count_fds());
	/* What is known is still found. */
	ASSERT_EQ(0, LOOKUP(ROOT, "3"));
	PUT();
	share_put(&self->s, held[0]);
	ASSERT_EQ(0, share_lookup(&self->ctx, ROOT, "10", &held[0], &attr));
	for (i = 0; i < 7; i++)
		share_put(&self->s, held[i]);
	EXPECT_EQ(fds, count_fds());
}

TEST_F(share, descriptors_run_out)
{
	static int pile[4096];
	struct rlimit rl = { .rlim_cur = 200, .rlim_max = 4096 };
	struct share_inode *inode;
	int i, n = 0;

	ASSERT_EQ(0, host_write(&self->place, "a", ""));
	ASSERT_EQ(0, host_write(&self->place, "b", ""));
	ASSERT_EQ(0, LOOKUP(ROOT, "a"));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &rl));
	while (n < 4096 && (pile[n] = dup(0)) >= 0)
		n++;
	EXPECT_EQ(-ENFILE, share_open_file(&self->ctx, self->inode, O_RDONLY));
	inode = self->inode;
	EXPECT_EQ(-ENFILE, LOOKUP(ROOT, "b"));
	EXPECT_EQ(-ENFILE, create(self, "c", O_RDWR, 0644));
	EXPECT_EQ(0, self->s.nr_files);
	share_put(&self->s, inode);
	for (i = 0; i < n; i++)
		close(pile[i]);
	ASSERT_EQ(0, LOOKUP(ROOT, "b"));
	PUT();
}

TEST_F(share, thousands_of_inodes)
{
	enum { NR = 5000 };
	static struct share_inode *held[NR];
	char name[16];
	int i;

	for (i = 0; i < NR; i++) {
		snprintf(name, sizeof(name), "%d", i);
		ASSERT_EQ(0, share_mknod(&self->ctx, ROOT, name, S_IFREG | 0644, 0, &held[i],
					 &self->attr));
	}
	for (i = 0; i < NR; i++) {
		snprintf(name, sizeof(name), "%d", i);
		ASSERT_EQ(0, LOOKUP(ROOT, name));
		ASSERT_EQ(held[i], self->inode);
		PUT();
	}
	for (i = 0; i < NR; i += 2)
		share_put(&self->s, held[i]);
	for (i = 1; i < NR; i += 2) {
		snprintf(name, sizeof(name), "%d", i);
		ASSERT_EQ(0, LOOKUP(ROOT, name));
		ASSERT_EQ(held[i], self->inode);
		PUT();
		share_put(&self->s, held[i]);
	}
	EXPECT_EQ(1, self->s.nr_inodes);
}

/* --- threads -------------------------------------------------------------------------- */

struct busy {
	pthread_t thread;
	struct share *s;
	unsigned int seed;
	unsigned int failed;
};

/* Everything that changes the table, on a few names. */
static void be_busy(struct busy *b, struct share_ctx *ctx, const char *name, unsigned int what)
{
	struct share_inode *inode = NULL, *again;
	struct share_attr attr;
	u64 id;
	int fd;

	if (what % 4 == 0) {
		share_unlink(ctx, b->s->root, name, false);
		return;
	}
	if (what % 4 == 1) {
		fd = share_create(ctx, b->s->root, name, O_RDWR, 0644, &inode, &attr);
		if (fd >= 0)
			share_close_file(b->s, fd);
		b->failed += fd < 0;
	} else if (share_lookup(ctx, b->s->root, name, &inode, &attr)) {
		inode = NULL;
	}
	if (!inode)
		return;
	share_remember(b->s, inode);
	id = share_id(inode);
	share_put(b->s, inode);
	again = share_by_id(b->s, id);
	b->failed += again != inode || share_getattr(ctx, inode, &attr);
	b->failed += share_forget(b->s, id, 1) != 0;
	share_put(b->s, again);
}

static void *busy_thread(void *arg)
{
	struct busy *b = arg;
	struct share_ctx ctx;
	char name[2] = "a";
	int i;

	if (share_ctx_init(&ctx, b->s)) {
		b->failed++;
		return NULL;
	}
	for (i = 0; i < 10000; i++) {
		unsigned int r = rand_r(&b->seed);

		name[0] = 'a' + r % 5;
		be_busy(b, &ctx, name, r / 8);
	}
	share_ctx_destroy(&ctx);
	return NULL;
}

TEST_F(share, threads)
{
	struct busy b[4];
	unsigned int i;

	for (i = 0; i < 4; i++) {
		b[i] = (struct busy){ .s = &self->s, .seed = i };
		ASSERT_EQ(0, pthread_create(&b[i].thread, NULL, busy_thread, &b[i]));
	}
	for (i = 0; i < 4; i++) {
		pthread_join(b[i].thread, NULL);
		EXPECT_EQ(0, b[i].failed);
	}
	EXPECT_EQ(1, self->s.nr_inodes);
	EXPECT_EQ(0, self->s.nr_files);
}

TEST_HARNESS_MAIN
