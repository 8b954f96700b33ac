// SPDX-License-Identifier: GPL-2.0
/*
 * fs/: a shared directory and who tries to leave it, lose files in it, or use up what
 * it is made of.
 */
#include <pthread.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <sys/xattr.h>

#include "share.h"

#include <kselftest_harness.h>

#define UID	1234
#define GID	4321

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

/* --- opening and creating ----------------------------------------------------------- */

TEST_F(share, special_files_are_not_opened)
{
	struct share_attr attr;

	/* Opening a FIFO would wait for the other end. */
	ASSERT_EQ(0, share_mknod(&self->ctx, ROOT, "fifo", S_IFIFO | 0622, 0, &self->inode,
				 &attr));
	EXPECT_EQ(S_IFIFO | 0622, attr.mode);
	EXPECT_EQ(-ENXIO, share_open_file(&self->ctx, self->inode, O_RDWR));
	EXPECT_EQ(-ENXIO, share_open_file(&self->ctx, self->inode, O_RDONLY));
	attr.mode = 0600;
	EXPECT_EQ(0, share_setattr(&self->ctx, self->inode, -1, &attr, SHARE_SET_MODE));
	attr.size = 0;
	EXPECT_EQ(-EINVAL, share_setattr(&self->ctx, self->inode, -1, &attr, SHARE_SET_SIZE));
	PUT();
	EXPECT_EQ(-ENXIO, create(self, "fifo", O_RDWR | O_TRUNC, 0644));
	EXPECT_EQ(-EINVAL, share_mknod(&self->ctx, ROOT, "d", S_IFDIR | 0755, 0, &self->inode,
				       &attr));
	if (geteuid())
		return;
	if (mknodat(self->place.fd, "null", S_IFCHR | 0666, makedev(1, 3)))
		return;
	ASSERT_EQ(0, LOOKUP(ROOT, "null"));
	EXPECT_EQ(makedev(1, 3), self->attr.rdev);
	EXPECT_EQ(-ENXIO, share_open_file(&self->ctx, self->inode, O_RDWR));
	PUT();
}

TEST_F(share, creating)
{
	struct share_inode *inode;
	struct share_attr attr;
	int fd;

	fd = create(self, "a", O_RDWR | O_EXCL, 0666);
	ASSERT_LE(0, fd);
	/* The guest's umask was applied by the guest, ours is not. */
	EXPECT_EQ(S_IFREG | 0666, self->attr.mode);
	ASSERT_EQ(3, write(fd, "abc", 3));
	EXPECT_EQ(-EEXIST, share_create(&self->ctx, ROOT, "a", O_RDWR | O_EXCL, 0600, &inode,
					&attr));
	share_close_file(&self->s, fd);
	fd = share_create(&self->ctx, ROOT, "a", O_RDWR, 0600, &inode, &attr);
	ASSERT_LE(0, fd);
	EXPECT_EQ(self->inode, inode);
	EXPECT_EQ(3, attr.size);
	share_put(&self->s, inode);
	share_close_file(&self->s, fd);
	fd = share_create(&self->ctx, ROOT, "a", O_RDWR | O_TRUNC, 0600, &inode, &attr);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, attr.size);
	share_put(&self->s, inode);
	share_close_file(&self->s, fd);
	PUT();
	EXPECT_EQ(0, self->s.nr_files);
	EXPECT_EQ(1, self->s.nr_inodes);
	ASSERT_EQ(0, share_mkdir(&self->ctx, ROOT, "d", 01777, &inode, &attr));
	EXPECT_EQ(S_IFDIR | 01777, attr.mode);
	EXPECT_EQ(-EISDIR, create(self, "d", O_RDWR, 0644));
	EXPECT_EQ(-EISDIR, share_open_file(&self->ctx, inode, O_RDONLY));
	share_put(&self->s, inode);
}

TEST_F(share, tmpfile_and_link)
{
	struct share_inode *sym;
	struct share_attr attr;
	int fd = share_tmpfile(&self->ctx, ROOT, O_RDWR, 0600, &self->inode, &self->attr);

	if (fd == -EOPNOTSUPP || fd == -EISDIR)
		SKIP(return, "no O_TMPFILE here");
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, self->attr.nlink);
	ASSERT_EQ(3, write(fd, "tmp", 3));
	ASSERT_EQ(0, share_link(&self->ctx, self->inode, ROOT, "named", &attr));
	EXPECT_EQ(1, attr.nlink);
	EXPECT_EQ(-EEXIST, share_link(&self->ctx, self->inode, ROOT, "named", &attr));
	EXPECT_EQ(-EINVAL, share_link(&self->ctx, self->inode, ROOT, "../x", NULL));
	share_close_file(&self->s, fd);
	PUT();
	EXPECT_EQ(-EINVAL, share_tmpfile(&self->ctx, ROOT, O_RDONLY, 0600, &self->inode, &attr));
	/* A link to a symlink is one to the symlink. */
	ASSERT_EQ(0, share_symlink(&self->ctx, ROOT, "sym", "/nowhere", &sym, &attr));
	ASSERT_EQ(0, share_link(&self->ctx, sym, ROOT, "sym2", &attr));
	ASSERT_EQ(0, LOOKUP(ROOT, "sym2"));
	EXPECT_EQ(sym, self->inode);
	PUT();
	share_put(&self->s, sym);
	EXPECT_EQ(-EPERM, share_link(&self->ctx, ROOT, ROOT, "root", NULL));
}

TEST_F(share, read_only)
{
	struct share_attr attr = { .mode = 0600 };
	struct share_inode *inode;
	int fd;

	ASSERT_EQ(0, host_write(&self->place, "a", "x"));
	ASSERT_EQ(0, restart(self, (struct share_opts){ .ro = true, .xattr = true }));
	ASSERT_EQ(0, LOOKUP(ROOT, "a"));
	fd = share_open_file(&self->ctx, self->inode, O_RDONLY);
	EXPECT_LE(0, fd);
	share_close_file(&self->s, fd);
	EXPECT_EQ(-EROFS, share_open_file(&self->ctx, self->inode, O_RDWR));
	EXPECT_EQ(-EROFS, share_open_file(&self->ctx, self->inode, O_WRONLY));
	EXPECT_EQ(-EROFS, share_open_file(&self->ctx, self->inode, O_RDONLY | O_TRUNC));
	EXPECT_EQ(-EROFS, share_setattr(&self->ctx, self->inode, -1, &attr, SHARE_SET_MODE));
	EXPECT_EQ(-EROFS, share_setattr(&self->ctx, self->inode, -1, &attr, SHARE_SET_SIZE));
	EXPECT_EQ(-EROFS, share_link(&self->ctx, self->inode, ROOT, "b", NULL));
	EXPECT_EQ(-EROFS, share_setxattr(&self->ctx, self->inode, "user.a", "", 0, 0));
	EXPECT_EQ(-EROFS, share_removexattr(&self->ctx, self->inode, "user.a"));
	PUT();
	EXPECT_EQ(-EROFS, create(self, "a", O_RDONLY, 0644));
	EXPECT_EQ(-EROFS, share_tmpfile(&self->ctx, ROOT, O_RDWR, 0644, &inode, &attr));
	EXPECT_EQ(-EROFS, share_mkdir(&self->ctx, ROOT, "d", 0755, &inode, &attr));
	EXPECT_EQ(-EROFS, share_symlink(&self->ctx, ROOT, "s", "x", &inode, &attr));
	EXPECT_EQ(-EROFS, share_mknod(&self->ctx, ROOT, "p", S_IFIFO, 0, &inode, &attr));
	EXPECT_EQ(-EROFS, share_unlink(&self->ctx, ROOT, "a", false));
	EXPECT_EQ(-EROFS, share_rename(&self->ctx, ROOT, "a", ROOT, "b", 0));
}

/* --- attributes ------------------------------------------------------------------------ */

TEST_F(share, attributes)
{
	struct share_attr attr = { .mode = 04711, .size = 1234 };
	struct share_attr now;

	ASSERT_EQ(0, host_write(&self->place, "a", "x"));
	ASSERT_EQ(0, LOOKUP(ROOT, "a"));
	attr.atime.tv_sec = 1000;
	attr.mtime.tv_sec = -5;
	attr.mtime.tv_nsec = 999999999;
	ASSERT_EQ(0, share_setattr(&self->ctx, self->inode, -1, &attr,
				   SHARE_SET_MODE | SHARE_SET_SIZE | SHARE_SET_ATIME |
				   SHARE_SET_MTIME));
	ASSERT_EQ(0, share_getattr(&self->ctx, self->inode, &now));
	EXPECT_EQ(S_IFREG | 04711, now.mode);
	EXPECT_EQ(1234, now.size);
	EXPECT_EQ(1000, now.atime.tv_sec);
	EXPECT_EQ(-5, now.mtime.tv_sec);
	EXPECT_EQ(999999999, now.mtime.tv_nsec);
	attr.atime.tv_nsec = UTIME_NOW;
	ASSERT_EQ(0, share_setattr(&self->ctx, self->inode, -1, &attr, SHARE_SET_ATIME));
	ASSERT_EQ(0, share_getattr(&self->ctx, self->inode, &now));
	EXPECT_LT(1000000, now.atime.tv_sec);
	EXPECT_EQ(-5, now.mtime.tv_sec);
	attr.size = 1ULL << 63;
	EXPECT_EQ(-EFBIG, share_setattr(&self->ctx, self->inode, -1, &attr, SHARE_SET_SIZE));
	attr.mtime.tv_nsec = 2000000000;
	EXPECT_EQ(-EINVAL, share_setattr(&self->ctx, self->inode, -1, &attr, SHARE_SET_MTIME));
	if (!geteuid()) {
		ASSERT_EQ(0, share_setattr(&self->ctx, self->inode, -1, &attr, SHARE_KILL_PRIV));
		ASSERT_EQ(0, share_getattr(&self->ctx, self->inode, &now));
		EXPECT_EQ(S_IFREG | 0711, now.mode);
	}
	PUT();
}

TEST_F(share, contents_that_were_not_changed)
{
	struct share_attr attr = { .size = 5, .mtime = { .tv_sec = 1000 } };
	struct timespec now;

	attr.ctime = attr.mtime;
	EXPECT_FALSE(share_unchanged(&self->s, ROOT, &attr));
	EXPECT_TRUE(share_unchanged(&self->s, ROOT, &attr));
	EXPECT_TRUE(share_unchanged(&self->s, ROOT, &attr));
	attr.ctime.tv_nsec = 1;
	EXPECT_FALSE(share_unchanged(&self->s, ROOT, &attr));
	EXPECT_TRUE(share_unchanged(&self->s, ROOT, &attr));
	attr.size = 6;
	EXPECT_FALSE(share_unchanged(&self->s, ROOT, &attr));
	/* Just changed: it may be again, with the same time stamp. */
	clock_gettime(CLOCK_REALTIME, &now);
	attr.ctime = now;
	EXPECT_FALSE(share_unchanged(&self->s, ROOT, &attr));
	EXPECT_FALSE(share_unchanged(&self->s, ROOT, &attr));
}

TEST_F(share, users_are_mapped)
{
	static const char *const bad[] = {
		"", "1", "1:2", "1:2:0", "1:2:3:4", "a:1:1", "1:-1:1", "1:1:4294967296",
		"4294967295:0:1", "0:4294967290:10", " 1:1:1", "1:1:1 ",
	};
	struct share_map map = { };
	unsigned int i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(-EINVAL, share_parse_map(&map, bad[i])) TH_LOG("text %u", i);
	for (i = 0; i < SHARE_MAP_MAX; i++)
		EXPECT_EQ(0, share_parse_map(&map, "1:2:3"));
	EXPECT_EQ(-EINVAL, share_parse_map(&map, "1:2:3"));
	if (geteuid())
		SKIP(return, "needs root");

	self->ctx.uid = UID;
	self->ctx.gid = GID;
	fd = create(self, "a", O_RDWR, 0600);
	ASSERT_LE(0, fd);
	share_close_file(&self->s, fd);
	EXPECT_EQ(UID, self->attr.uid);
	EXPECT_EQ(GID, self->attr.gid);
	PUT();
	/* 0755 and root's: the guest's kernel has decided that this user may. */
	ASSERT_EQ(0, share_symlink(&self->ctx, ROOT, "s", "x", &self->inode, &self->attr));
	EXPECT_EQ(UID, self->attr.uid);
	PUT();
	self->ctx.uid = 0;
	self->ctx.gid = 0;
	fd = create(self, "b", O_RDWR, 0600);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, self->attr.uid);
	share_close_file(&self->s, fd);
	PUT();

	map.nr = 0;
	ASSERT_EQ(0, share_parse_map(&map, "1234:0:2"));
	ASSERT_EQ(0, restart(self, (struct share_opts){ .uids = map }));
	ASSERT_EQ(0, LOOKUP(ROOT, "a"));
	EXPECT_EQ(0, self->attr.uid);
	EXPECT_EQ(GID, self->attr.gid);
	self->attr.uid = 1;
	EXPECT_EQ(0, share_setattr(&self->ctx, self->inode, -1, &self->attr, SHARE_SET_UID));
	EXPECT_EQ(0, share_getattr(&self->ctx, self->inode, &self->attr));
	EXPECT_EQ(1, self->attr.uid);
	self->attr.uid = 2;
	EXPECT_EQ(-EOVERFLOW, share_setattr(&self->ctx, self->inode, -1, &self->attr,
					    SHARE_SET_UID));
	PUT();
	ASSERT_EQ(0, LOOKUP(ROOT, "b"));
	EXPECT_EQ(65534, self->attr.uid);
	PUT();
	self->ctx.uid = 2;
	EXPECT_EQ(-EOVERFLOW, create(self, "c", O_RDWR, 0600));

	ASSERT_EQ(0, restart(self, (struct share_opts){ .squash = true }));
	self->ctx.uid = 77;
	fd = create(self, "d", O_RDWR, 0600);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, self->attr.uid);
	share_close_file(&self->s, fd);
	PUT();
}

TEST_F(share, extended_attributes)
{
	char buf[64];
	int ret;

	ASSERT_EQ(0, host_write(&self->place, "a", "x"));
	ASSERT_EQ(0, LOOKUP(ROOT, "a"));
	ret = share_setxattr(&self->ctx, self->inode, "user.one", "value", 5, 0);
	if (ret == -EOPNOTSUPP) {
		PUT();
		SKIP(return, "no extended attributes here");
	}
	ASSERT_EQ(0, ret);
	EXPECT_EQ(-EEXIST, share_setxattr(&self->ctx, self->inode, "user.one", "v", 1,
					  XATTR_CREATE));
	EXPECT_EQ(5, share_getxattr(&self->ctx, self->inode, "user.one", NULL, 0));
	EXPECT_EQ(5, share_getxattr(&self->ctx, self->inode, "user.one", buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(buf, "value", 5));
	EXPECT_EQ(-ERANGE, share_getxattr(&self->ctx, self->inode, "user.one", buf, 3));
	EXPECT_EQ(-ENODATA, share_getxattr(&self->ctx, self->inode, "user.two", buf, 3));
	EXPECT_LE(9, share_listxattr(&self->ctx, self->inode, buf, sizeof(buf)));
	EXPECT_EQ(0, share_removexattr(&self->ctx, self->inode, "user.one"));
	EXPECT_EQ(-ENODATA, share_getxattr(&self->ctx, self->inode, "user.one", buf, 3));
	PUT();
	/* Of a symlink, not of what it points to. */
	ASSERT_EQ(0, setxattr(self->place.outside, "user.out", "x", 1, 0));
	ASSERT_EQ(0, symlinkat("../outside", self->place.fd, "s"));
	ASSERT_EQ(0, LOOKUP(ROOT, "s"));
	EXPECT_GT(0, share_getxattr(&self->ctx, self->inode, "user.out", buf, sizeof(buf)));
	EXPECT_GT(0, share_setxattr(&self->ctx, self->inode, "user.out", "y", 1, 0));
	PUT();
	EXPECT_EQ(1, getxattr(self->place.outside, "user.out", buf, sizeof(buf)));
	EXPECT_EQ('x', buf[0]);
	ASSERT_EQ(0, restart(self, (struct share_opts){ }));
	ASSERT_EQ(0, LOOKUP(ROOT, "a"));
	EXPECT_EQ(-EOPNOTSUPP, share_getxattr(&self->ctx, self->inode, "user.a", buf, 3));
	PUT();
}

TEST_F(share, locks)
{
	u64 start = 0, len = 0;
	int a, b, type = F_WRLCK;

	a = create(self, "a", O_RDWR, 0600);
	b = share_open_file(&self->ctx, self->inode, O_RDWR);
	ASSERT_LE(0, a);
	ASSERT_LE(0, b);
	EXPECT_EQ(0, share_lock(a, F_WRLCK, 10, 5));
	EXPECT_EQ(-EAGAIN, share_lock(b, F_RDLCK, 0, 0));
	EXPECT_EQ(0, share_lock(b, F_WRLCK, 15, 0));
	ASSERT_EQ(0, share_getlock(b, &type, &start, &len));
	EXPECT_EQ(F_WRLCK, type);
	EXPECT_EQ(10, start);
	EXPECT_EQ(5, len);
	EXPECT_EQ(0, share_lock(a, F_UNLCK, 0, 0));
	EXPECT_EQ(0, share_lock(b, F_RDLCK, 0, 0));
	EXPECT_EQ(-EINVAL, share_lock(b, F_RDLCK, 1ULL << 63, 0));
	EXPECT_EQ(-EINVAL, share_lock(b, F_RDLCK, ~0ULL >> 1, 2));
	EXPECT_EQ(-EINVAL, share_lock(b, 99, 0, 0));
	share_close_file(&self->s, a);
	share_close_file(&self->s, b);
	PUT();
}

/* --- directories --------------------------------------------------------------------- */

enum { MANY = 700 };

static int fill(struct place *p)
{
	char name[64];
	int i;

	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "a-file-with-a-name-%d", i);
		if (host_write(p, name, ""))
			return -1;
	}
	return 0;
}

TEST_F(share, reading_directories)
{
	static u64 cookies[MANY + 2];
	static char names[MANY + 2][64];
	struct share_dir dir;
	struct share_dirent ent;
	u64 cookie = 0;
	int i, n = 0, ret;

	ASSERT_EQ(0, fill(&self->place));
	ASSERT_EQ(0, share_opendir(&self->ctx, ROOT, &dir));
	while ((ret = share_readdir(&self->ctx, &dir, cookie, &ent)) > 0) {
		ASSERT_GT(MANY + 2, n);
		cookies[n] = cookie;
		strcpy(names[n++], ent.name);
		ASSERT_EQ(strlen(ent.name), ent.len);
		/* Given back, it comes again. */
		share_unreaddir(&dir);
		ASSERT_EQ(1, share_readdir(&self->ctx, &dir, cookie, &ent));
		ASSERT_STREQ(names[n - 1], ent.name);
		if (ent.type == DT_DIR)
			EXPECT_EQ('.', ent.name[0]);
		cookie = ent.off;
	}
	EXPECT_EQ(0, ret);
	EXPECT_EQ(MANY + 2, n);
	EXPECT_EQ(0, share_readdir(&self->ctx, &dir, cookie, &ent));
	EXPECT_EQ(0, self->s.nr_dirbufs);
	/* From any place again, while others disappear. */
	for (i = n - 1; i >= 0; i -= 13) {
		if (i && names[i - 1][0] != '.')
			ASSERT_EQ(0, unlinkat(self->place.fd, names[i - 1], 0));
		ASSERT_EQ(1, share_readdir(&self->ctx, &dir, cookies[i], &ent));
		EXPECT_STREQ(names[i], ent.name);
	}
	EXPECT_GT(0, share_readdir(&self->ctx, &dir, ~0ULL, &ent));
	EXPECT_EQ(1, share_readdir(&self->ctx, &dir, 0, &ent));
	share_closedir(&self->s, &dir);
	EXPECT_EQ(0, self->s.nr_dirbufs);
}

TEST_F(share, many_directories_are_read_at_once)
{
	enum { DIRS = 100 };
	static struct share_dir dir[DIRS];
	static u64 cookie[DIRS];
	static int count[DIRS];
	struct share_dirent ent;
	int i, left = DIRS, ret;

	ASSERT_EQ(0, fill(&self->place));
	for (i = 0; i < DIRS; i++)
		ASSERT_EQ(0, share_opendir(&self->ctx, ROOT, &dir[i]));
	/* In turns, an uneven number of entries of each. */
	while (left) {
		for (i = 0; i < DIRS; i++) {
			int n = 50 + i;

			while (n-- && count[i] >= 0) {
				ret = share_readdir(&self->ctx, &dir[i], cookie[i], &ent);
				ASSERT_LE(0, ret);
				if (!ret) {
					EXPECT_EQ(MANY + 2, count[i]);
					count[i] = -1;
					left--;
					break;
				}
				count[i]++;
				cookie[i] = ent.off;
			}
		}
		EXPECT_GE(64, self->s.nr_dirbufs);
	}
	for (i = 0; i < DIRS; i++)
		share_closedir(&self->s, &dir[i]);
	EXPECT_EQ(0, self->s.nr_dirbufs);
	EXPECT_EQ(0, self->s.nr_files);
}

TEST_F(share, what_is_above_is_not_shown)
{
	struct share_dir dir;
	struct share_dirent ent;
	u64 cookie = 0;
	int dots = 0;

	ASSERT_EQ(0, share_getattr(&self->ctx, ROOT, &self->attr));
	ASSERT_EQ(0, share_opendir(&self->ctx, ROOT, &dir));
	while (share_readdir(&self->ctx, &dir, cookie, &ent) == 1) {
		cookie = ent.off;
		dots++;
		EXPECT_EQ(self->attr.ino, ent.ino);
	}
	EXPECT_EQ(2, dots);
	share_closedir(&self->s, &dir);
}

/* --- other file systems ----------------------------------------------------------------- */

TEST_F(share, mounts_and_a_full_disk)
{
	static char block[65536];
	struct share_inode *mnt;
	struct share_attr attr;
	struct share_dirent ent;
	struct share_dir dir;
	struct statfs st;
	char path[256];
	u64 cookie = 0, off = 0;
	int fd, seen = 0;
	ssize_t n;

	if (private_mounts())
		SKIP(return, "needs root");
	ASSERT_EQ(0, mkdirat(self->place.fd, "mnt", 0755));
	snprintf(path, sizeof(path), "%s/mnt", self->place.root);
	ASSERT_EQ(0, mount("tmpfs", path, "tmpfs", 0, "size=1m,nr_inodes=16"));
	ASSERT_EQ(0, restart(self, (struct share_opts){ }));
	ASSERT_EQ(0, share_lookup(&self->ctx, ROOT, "mnt", &mnt, &attr));
	EXPECT_TRUE(attr.mount);
	/* Numbers of another device are in the upper half. */
	EXPECT_EQ(1, attr.ino >> 63);
	fd = share_create(&self->ctx, mnt, "big", O_RDWR, 0644, &self->inode, &attr);
	ASSERT_LE(0, fd);
	EXPECT_FALSE(attr.mount);
	EXPECT_EQ(1, attr.ino >> 63);
	while (off < 4 << 20 && (n = pwrite(fd, block, sizeof(block), off)) > 0)
		off += n;
	ASSERT_EQ(ENOSPC, errno);
	EXPECT_EQ(1 << 20, off);
	ASSERT_EQ(0, share_statfs(&self->ctx, self->inode, &st));
	EXPECT_EQ(0, st.f_bfree);
	ASSERT_EQ(0, share_opendir(&self->ctx, mnt, &dir));
	while (share_readdir(&self->ctx, &dir, cookie, &ent) == 1) {
		cookie = ent.off;
		if (!strcmp(ent.name, "big")) {
			EXPECT_EQ(attr.ino, ent.ino);
			seen++;
		}
	}
	EXPECT_EQ(1, seen);
	share_closedir(&self->s, &dir);
	EXPECT_EQ(-EXDEV, share_rename(&self->ctx, mnt, "big", ROOT, "big", 0));
	EXPECT_EQ(-EXDEV, share_link(&self->ctx, self->inode, ROOT, "big", NULL));
	EXPECT_EQ(-EBUSY, share_unlink(&self->ctx, ROOT, "mnt", true));
	share_close_file(&self->s, fd);
	PUT();
	for (n = 0; n < 32; n++) {
		snprintf(path, sizeof(path), "%zd", n);
		if (share_mkdir(&self->ctx, mnt, path, 0755, &self->inode, &attr) == -ENOSPC)
			break;
		PUT();
	}
	EXPECT_GT(32, n);
	share_put(&self->s, mnt);
	snprintf(path, sizeof(path), "%s/mnt", self->place.root);
	EXPECT_EQ(0, umount(path));
}

TEST_F(share, windows_into_the_kernel_are_shut)
{
	struct share_inode *proc, *inode;
	struct share_attr attr;
	struct share_dirent ent;
	struct share_dir dir;
	char path[256];

	if (private_mounts())
		SKIP(return, "needs root");
	ASSERT_EQ(0, mkdirat(self->place.fd, "proc", 0755));
	snprintf(path, sizeof(path), "%s/proc", self->place.root);
	ASSERT_EQ(0, mount("proc", path, "proc", 0, NULL));
	ASSERT_EQ(0, restart(self, (struct share_opts){ }));
	/* It is there to be mounted upon, and empty. */
	ASSERT_EQ(0, share_lookup(&self->ctx, ROOT, "proc", &proc, &attr));
	EXPECT_EQ(S_IFDIR, share_type(proc));
	EXPECT_EQ(-ENOENT, share_lookup(&self->ctx, proc, "self", &inode, &attr));
	EXPECT_EQ(-ENOENT, share_lookup(&self->ctx, proc, "kcore", &inode, &attr));
	EXPECT_EQ(-EPERM, share_create(&self->ctx, proc, "sysrq-trigger", O_WRONLY, 0, &inode,
				       &attr));
	EXPECT_EQ(-EPERM, share_mkdir(&self->ctx, proc, "x", 0755, &inode, &attr));
	ASSERT_EQ(0, share_opendir(&self->ctx, proc, &dir));
	EXPECT_EQ(0, share_readdir(&self->ctx, &dir, 0, &ent));
	share_closedir(&self->s, &dir);
	share_put(&self->s, proc);
	EXPECT_EQ(0, umount(path));
}

TEST_F(share, what_cannot_be_shared)
{
	struct share s;

	EXPECT_EQ(-ENOENT, share_open(&s, &(struct share_opts){ .dir = "/nowhere/at/all" }));
	ASSERT_EQ(0, host_write(&self->place, "a", "x"));
	ASSERT_EQ(0, fchdir(self->place.fd));
	EXPECT_EQ(-ENOTDIR, share_open(&s, &(struct share_opts){ .dir = "a" }));
}

TEST_HARNESS_MAIN
