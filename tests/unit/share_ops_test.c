// SPDX-License-Identifier: GPL-2.0
/*
 * fs/: what is done with the files of a shared directory, other file systems in it
 * included.
 */
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <time.h>

#include "share_fixture.h"

#define UID	1234
#define GID	4321

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
