// SPDX-License-Identifier: GPL-2.0
/*
 * The 9P device: open files, directories, extended attributes, locks.
 */
#include <kselftest_harness.h>
#include <sys/resource.h>
#include <sys/xattr.h>

#include "9p.h"

FIXTURE(client)
{
	struct client *c;
};

FIXTURE_VARIANT(client)
{
	DRV_VARIANT;
};

#define DRV_FIXTURE client
#include "virtio_variants.h"

FIXTURE_SETUP(client)
{
	self->c = client_begin(variant->transport, variant->features, "");
}

FIXTURE_TEARDOWN(client)
{
	client_end(self->c);
}

static u8 pattern(u32 i)
{
	return i ^ i >> 8 ^ i >> 15;
}

static bool has_pattern(const u8 *buf, u32 from, u32 len)
{
	u32 i;

	for (i = 0; i < len; i++)
		if (buf[i] != pattern(from + i))
			return false;
	return true;
}

static u64 host_size(const struct client *c, const char *name)
{
	struct stat st;

	return stat(path_of(c, name), &st) ? ~0ULL : (u64)st.st_size;
}

/* --- data --------------------------------------------------------------------------- */

TEST_F(client, read_and_write)
{
	static const u32 sizes[] = { 0, 1, 11, 100, 4096, 5000, 100000, CLIENT_MSIZE - 24 };
	struct client *c = self->c;
	u8 *buf = malloc(CLIENT_MSIZE);
	unsigned int i;
	u32 off = 0, k;

	ASSERT_EQ(0, create(c, 2, "f", 2, 0644));
	for (i = 0; i < ARRAY_SIZE(sizes); off += sizes[i++]) {
		for (k = 0; k < sizes[i]; k++)
			buf[k] = pattern(off + k);
		EXPECT_EQ(sizes[i], fwrite_at(c, 2, off, buf, sizes[i]));
	}
	EXPECT_EQ(off, host_size(c, "f"));
	off = 0;
	for (i = 0; i < ARRAY_SIZE(sizes); off += sizes[i++]) {
		ASSERT_EQ(sizes[i], fread_at(c, 2, off, sizes[i]));
		EXPECT_TRUE(has_pattern(c->reply + c->pos, off, sizes[i]));
		/* Nothing beyond the reply is touched. */
		EXPECT_EQ(0xa5, c->reply[c->reply_len]);
	}
	/* The end, and beyond. */
	EXPECT_EQ(50, fread_at(c, 2, off - 50, 4096));
	EXPECT_EQ(0, fread_at(c, 2, off, 4096));
	EXPECT_EQ(0, fread_at(c, 2, off + 1000, 4096));
	EXPECT_EQ(-EINVAL, fread_at(c, 2, ~0ULL, 1));
	EXPECT_EQ(-EINVAL, fread_at(c, 2, INT64_MAX, 100));
	EXPECT_EQ(-EFBIG, fwrite_at(c, 2, INT64_MAX, buf, 100));
	EXPECT_EQ(5, fwrite_at(c, 2, off + 100, "hello", 5));
	EXPECT_EQ(off + 105, host_size(c, "f"));
	/* As many as there is room for. */
	c->room = 111;
	EXPECT_EQ(100, fread_at(c, 2, 0, 4096));
	EXPECT_EQ(0, rpc(c, P9_TFSYNC, "dd", 2, 0));
	EXPECT_EQ(0, rpc(c, P9_TFSYNC, "dd", 2, 1));
	EXPECT_EQ(0, rpc(c, P9_TFSYNC, "d", 2));
	free(buf);
}

TEST_F(client, how_a_file_is_opened)
{
	struct client *c = self->c;

	host_file(c, "f", "some text");
	EXPECT_EQ(0, walk(c, 2, "f"));
	EXPECT_EQ(-EBADF, fread_at(c, 2, 0, 10));
	EXPECT_EQ(-EBADF, fwrite_at(c, 2, 0, "x", 1));
	EXPECT_EQ(-EBADF, rpc(c, P9_TFSYNC, "dd", 2, 0));
	EXPECT_EQ(-ENOTDIR, lopen(c, 2, P9_O_DIRECTORY));
	EXPECT_EQ(0, lopen(c, 2, 0));
	EXPECT_EQ(P9_QTFILE, rd8(c));
	EXPECT_EQ(-EINVAL, lopen(c, 2, 0));
	EXPECT_EQ(9, fread_at(c, 2, 0, 100));
	EXPECT_EQ(-EBADF, fwrite_at(c, 2, 0, "x", 1));
	EXPECT_EQ(-ENOTDIR, rpc(c, P9_TREADDIR, "dqd", 2, 0ULL, 4096));
	EXPECT_EQ(0, open_name(c, 3, "f", 1));
	EXPECT_EQ(-EBADF, fread_at(c, 3, 0, 10));
	EXPECT_EQ(0, open_name(c, 4, "f", 2 | P9_O_APPEND));
	EXPECT_EQ(1, fwrite_at(c, 4, 0, "!", 1));
	EXPECT_EQ(10, fread_at(c, 2, 0, 100));
	EXPECT_EQ('!', c->reply[c->pos + 9]);
	EXPECT_EQ(0, open_name(c, 5, "f", 1 | P9_O_TRUNC | P9_O_SYNC));
	EXPECT_EQ(0, host_size(c, "f"));
	EXPECT_EQ(0, open_name(c, 6, "f", 040000 | 0100000 | 01000000 | 02000000));
	EXPECT_EQ(-EISDIR, open_name(c, 7, "", 2));
	EXPECT_EQ(-EISDIR, lopen(c, 7, P9_O_TRUNC));
	EXPECT_EQ(0, lopen(c, 7, P9_O_DIRECTORY));
	EXPECT_EQ(-EISDIR, fread_at(c, 7, 0, 100));
	EXPECT_EQ(-EISDIR, fwrite_at(c, 7, 0, "x", 1));
	EXPECT_EQ(0, rpc(c, P9_TFSYNC, "dd", 7, 0));
	EXPECT_EQ(0, mkfifo(path_of(c, "fifo"), 0644));
	EXPECT_EQ(-ENXIO, open_name(c, 8, "fifo", 0));
	EXPECT_EQ(0, symlink("f", path_of(c, "link")));
	EXPECT_EQ(-ELOOP, open_name(c, 9, "link", 0));
}

TEST_F(client, create)
{
	struct client *c = self->c;
	struct stat st;

	EXPECT_EQ(0, create(c, 2, "f", 2 | P9_O_EXCL, 0666));
	EXPECT_EQ(0, stat(path_of(c, "f"), &st));
	EXPECT_EQ(0100666, st.st_mode);
	/* The fid is the file now. */
	EXPECT_EQ(st.st_ino, get_attr(c, 2).ino);
	EXPECT_EQ(4, fwrite_at(c, 2, 0, "text", 4));
	EXPECT_EQ(-EINVAL, rpc(c, P9_TLCREATE, "dsddd", 2, "g", 2, 0644, 0));
	EXPECT_EQ(0, rpc(c, P9_TREMOVE, "d", 2));
	EXPECT_NE(0, stat(path_of(c, "f"), &st));
	host_file(c, "f", "text");
	EXPECT_EQ(-EEXIST, create(c, 3, "f", 2 | P9_O_EXCL, 0644));
	EXPECT_EQ(0, rpc(c, P9_TLCREATE, "dsddd", 3, "f", 0, 0644, 0));
	EXPECT_EQ(4, fread_at(c, 3, 0, 100));
	EXPECT_EQ(0, symlink("/tmp/vmtool-no-such", path_of(c, "link")));
	EXPECT_EQ(-ELOOP, create(c, 4, "link", 2, 0644));
	EXPECT_EQ(-EINVAL, create(c, 5, "../f", 2, 0644));
	EXPECT_EQ(-EINVAL, create(c, 6, "..", 2, 0644));
	EXPECT_EQ(0, walk(c, 7, "f"));
	EXPECT_EQ(-ENOTDIR, rpc(c, P9_TLCREATE, "dsddd", 7, "x", 2, 0644, 0));
}

TEST_F(client, what_is_open_stays_when_its_name_goes)
{
	struct client *c = self->c;

	host_file(c, "f", "some text");
	ASSERT_EQ(0, open_name(c, 2, "f", 2));
	ASSERT_EQ(0, walk(c, 3, "f"));
	EXPECT_EQ(0, rpc(c, P9_TUNLINKAT, "dsd", ROOT_FID, "f", 0));
	host_file(c, "f", "other");
	EXPECT_EQ(9, fread_at(c, 2, 0, 100));
	EXPECT_EQ(3, fwrite_at(c, 2, 9, "!!!", 3));
	EXPECT_EQ(12, get_attr(c, 3).size);
	EXPECT_EQ(0, get_attr(c, 3).nlink);
	/* A fid is the object, not the name. */
	EXPECT_EQ(0, lopen(c, 3, 2));
	EXPECT_EQ(12, fread_at(c, 3, 0, 100));
	EXPECT_EQ(0, rpc(c, P9_TSETATTR, "dddddqqqqq", 2, P9_ATTR_SIZE, 0, 0, 0, 2ULL, 0ULL, 0ULL,
			 0ULL, 0ULL));
	EXPECT_EQ(2, fread_at(c, 3, 0, 100));
	EXPECT_EQ(5, host_size(c, "f"));
	ASSERT_EQ(0, open_name(c, 4, "f", 0));
	EXPECT_EQ(0, rpc(c, P9_TRENAMEAT, "dsds", ROOT_FID, "f", ROOT_FID, "g"));
	EXPECT_EQ(5, fread_at(c, 4, 0, 100));
	EXPECT_EQ(-ENOENT, walk(c, 5, "f"));
}

TEST_F(client, a_write_drops_set_id_bits)
{
	struct client *c = self->c;
	struct stat st;

	if (geteuid())
		SKIP(return, "needs root");
	host_file(c, "f", "text");
	EXPECT_EQ(0, chmod(path_of(c, "f"), 06755));
	ASSERT_EQ(0, open_name(c, 2, "f", 2));
	EXPECT_EQ(1, fwrite_at(c, 2, 0, "x", 1));
	EXPECT_EQ(0, stat(path_of(c, "f"), &st));
	EXPECT_EQ(0106755, st.st_mode);
	ASSERT_EQ(0, attach_as(c, 3, 1000));
	ASSERT_EQ(0, rpc(c, P9_TWALK, "ddws", 3, 4, 1, "f"));
	ASSERT_EQ(0, lopen(c, 4, 2));
	EXPECT_EQ(1, fwrite_at(c, 4, 0, "x", 1));
	EXPECT_EQ(0, stat(path_of(c, "f"), &st));
	EXPECT_EQ(0100755, st.st_mode);
	EXPECT_EQ(0, chmod(path_of(c, "f"), 04755));
	ASSERT_EQ(0, rpc(c, P9_TWALK, "ddws", 3, 5, 1, "f"));
	ASSERT_EQ(0, lopen(c, 5, 1 | P9_O_TRUNC));
	EXPECT_EQ(0, stat(path_of(c, "f"), &st));
	EXPECT_EQ(0100755, st.st_mode);
}

/* --- directories ----------------------------------------------------------------------- */

/* Reads a directory with replies of a size: how often each of n%03d was found, or -1. */
static int list(struct client *c, u32 fid, u32 count, unsigned int nr, u8 *seen, int *dots)
{
	u64 cookie = 0;
	u32 end;
	unsigned int n;
	const char *name;

	memset(seen, 0, nr);
	*dots = 0;
	for (;;) {
		if (rpc(c, P9_TREADDIR, "dqd", fid, cookie, count))
			return -1;
		end = rd32(c);
		if (!end)
			return 0;
		if (end > count || end != c->reply_len - P9_DATA)
			return -1;
		while (c->pos < c->reply_len) {
			u8 qid = rd8(c), type;

			rd32(c);
			rd64(c);
			cookie = rd64(c);
			type = rd8(c);
			if (type == DT_DIR ? qid != P9_QTDIR : type && qid == P9_QTDIR)
				return -1;
			name = rd_str(c);
			if (name[0] == '.')
				(*dots)++;
			else if (sscanf(name, "n%u", &n) == 1 && n < nr)
				seen[n]++;
		}
	}
}

TEST_F(client, readdir)
{
	static const u32 counts[] = { 40, 100, 1000, 8192, 200000 };
	struct client *c = self->c;
	unsigned int i, k;
	u8 seen[300];
	char name[16];
	int dots;

	for (i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "n%03u", i);
		if (i % 3)
			host_file(c, name, "");
		else
			mkdir(path_of(c, name), 0755);
	}
	ASSERT_EQ(0, open_name(c, 2, "", 0));
	c->room = CLIENT_MSIZE;
	for (k = 0; k < ARRAY_SIZE(counts); k++) {
		ASSERT_EQ(0, list(c, 2, counts[k], 300, seen, &dots));
		for (i = 0; i < 300; i++)
			EXPECT_EQ(1, seen[i]);
		EXPECT_EQ(2, dots);
	}
	EXPECT_EQ(-EINVAL, rpc(c, P9_TREADDIR, "dqd", 2, 0ULL, 20));
	EXPECT_EQ(-EINVAL, rpc(c, P9_TREADDIR, "dqd", 2, ~0ULL, 4096));
	EXPECT_EQ(-EBADF, rpc(c, P9_TREADDIR, "dqd", ROOT_FID, 0ULL, 4096));
	/* A reader of a directory that shrinks meanwhile still gets the rest. */
	ASSERT_EQ(0, rpc(c, P9_TREADDIR, "dqd", 2, 0ULL, 4096));
	for (i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "n%03u", i);
		EXPECT_EQ(0, rpc(c, P9_TUNLINKAT, "dsd", ROOT_FID, name,
				 i % 3 ? 0 : P9_AT_REMOVEDIR));
	}
	ASSERT_EQ(0, list(c, 2, 4096, 300, seen, &dots));
	EXPECT_EQ(2, dots);
}

/* --- extended attributes ------------------------------------------------------------------ */

static bool no_xattrs(const struct client *c)
{
	return setxattr(c->dir, "user.probe", "", 0, 0) < 0;
}

/* Bytes of a value, or of the names; or -errno. */
static int get_xattr(struct client *c, u32 fid, const char *name)
{
	int ret = rpc(c, P9_TXATTRWALK, "dds", fid, 90, name);
	u64 len;

	if (ret)
		return ret;
	len = rd64(c);
	ret = len ? fread_at(c, 90, 0, len) : 0;
	if (ret < 0 || (u64)ret != len)
		drv_die("a value of %llu bytes has %d", (unsigned long long)len, ret);
	if (clunk(c, 90))
		drv_die("clunk");
	return ret;
}

static int set_xattr(struct client *c, const char *file, const char *name, const char *val,
		     u32 flags)
{
	int ret = walk(c, 91, file);

	if (!ret)
		ret = rpc(c, P9_TXATTRCREATE, "dsqd", 91, name, (u64)strlen(val), flags);
	if (ret) {
		clunk(c, 91);
		return ret;
	}
	if (*val && fwrite_at(c, 91, 0, val, strlen(val)) != (int)strlen(val))
		drv_die("a value cannot be written");
	return clunk(c, 91);
}

TEST_F(client, xattrs)
{
	struct client *c = self->c;
	char val[100];

	if (no_xattrs(c))
		SKIP(return, "no extended attributes here");
	host_file(c, "f", "");
	ASSERT_EQ(0, walk(c, 2, "f"));
	EXPECT_EQ(-ENODATA, get_xattr(c, 2, "user.a"));
	EXPECT_EQ(-EBADF, clunk(c, 90));
	EXPECT_EQ(0, get_xattr(c, 2, ""));
	EXPECT_EQ(0, set_xattr(c, "f", "user.a", "value", 0));
	EXPECT_EQ(5, getxattr(path_of(c, "f"), "user.a", val, sizeof(val)));
	EXPECT_EQ(0, memcmp(val, "value", 5));
	EXPECT_EQ(5, get_xattr(c, 2, "user.a"));
	EXPECT_EQ(-EEXIST, set_xattr(c, "f", "user.a", "v", XATTR_CREATE));
	EXPECT_EQ(-ENODATA, set_xattr(c, "f", "user.b", "v", XATTR_REPLACE));
	EXPECT_EQ(0, set_xattr(c, "f", "user.a", "v", XATTR_REPLACE));
	/* Nothing, and not there at all. */
	EXPECT_EQ(0, set_xattr(c, "f", "user.b", "", 0));
	EXPECT_EQ(0, getxattr(path_of(c, "f"), "user.b", val, sizeof(val)));
	EXPECT_EQ(14, get_xattr(c, 2, ""));
	EXPECT_EQ(0, set_xattr(c, "f", "user.b", "", XATTR_REPLACE));
	EXPECT_EQ(-ENODATA, get_xattr(c, 2, "user.b"));
	EXPECT_EQ(-ENODATA, set_xattr(c, "f", "user.b", "", XATTR_REPLACE));
	EXPECT_EQ(7, get_xattr(c, 2, ""));
	/* What is read does not change any more. */
	ASSERT_EQ(0, set_xattr(c, "f", "user.a", "value", 0));
	ASSERT_EQ(0, rpc(c, P9_TXATTRWALK, "dds", 2, 90, "user.a"));
	EXPECT_EQ(5, rd64(c));
	ASSERT_EQ(0, set_xattr(c, "f", "user.a", "VALUE!", 0));
	EXPECT_EQ(3, fread_at(c, 90, 2, 100));
	EXPECT_EQ(0, memcmp(c->reply + c->pos, "lue", 3));
	EXPECT_EQ(0, fread_at(c, 90, 5, 100));
	EXPECT_EQ(0, fread_at(c, 90, ~0ULL, 100));
	EXPECT_EQ(-EBADF, fwrite_at(c, 90, 0, "x", 1));
	EXPECT_EQ(-EBADF, rpc(c, P9_TFSYNC, "dd", 90, 0));
	EXPECT_EQ(-EINVAL, lopen(c, 90, 0));
	EXPECT_EQ(0, clunk(c, 90));
}

TEST_F(client, xattrs_that_do_not_come_to_be)
{
	struct client *c = self->c;
	char name[300];

	if (no_xattrs(c))
		SKIP(return, "no extended attributes here");
	host_file(c, "f", "");
	ASSERT_EQ(0, walk(c, 2, "f"));
	EXPECT_EQ(-E2BIG, rpc(c, P9_TXATTRCREATE, "dsqd", 2, "user.a", 65537ULL, 0));
	EXPECT_EQ(-E2BIG, rpc(c, P9_TXATTRCREATE, "dsqd", 2, "user.a", ~0ULL, 0));
	EXPECT_EQ(-EINVAL, rpc(c, P9_TXATTRCREATE, "dsqd", 2, "user.a", 5ULL, 4));
	EXPECT_EQ(-EINVAL, rpc(c, P9_TXATTRCREATE, "dsqd", 2, "", 5ULL, 0));
	memset(name, 'n', 256);
	name[256] = '\0';
	EXPECT_EQ(-ENAMETOOLONG, rpc(c, P9_TXATTRCREATE, "dsqd", 2, name, 5ULL, 0));
	/* The value is not all there. */
	ASSERT_EQ(0, rpc(c, P9_TXATTRCREATE, "dsqd", 2, "user.a", 5ULL, 0));
	EXPECT_EQ(3, fwrite_at(c, 2, 0, "abc", 3));
	EXPECT_EQ(-ENOSPC, fwrite_at(c, 2, 4, "e", 1));
	EXPECT_EQ(-ENOSPC, fwrite_at(c, 2, 3, "def", 3));
	EXPECT_EQ(-ENOSPC, fwrite_at(c, 2, ~0ULL, "def", 3));
	EXPECT_EQ(-EBADF, fread_at(c, 2, 0, 3));
	EXPECT_EQ(-EINVAL, clunk(c, 2));
	EXPECT_EQ(-EBADF, clunk(c, 2));
	/* And in two portions it is. */
	ASSERT_EQ(0, walk(c, 2, "f"));
	ASSERT_EQ(0, rpc(c, P9_TXATTRCREATE, "dsqd", 2, "user.a", 5ULL, 0));
	EXPECT_EQ(3, fwrite_at(c, 2, 0, "abc", 3));
	EXPECT_EQ(2, fwrite_at(c, 2, 3, "de", 2));
	EXPECT_EQ(0, clunk(c, 2));
	ASSERT_EQ(0, walk(c, 2, "f"));
	EXPECT_EQ(5, get_xattr(c, 2, "user.a"));
	/* Neither a reset nor a new session completes it. */
	ASSERT_EQ(0, rpc(c, P9_TXATTRCREATE, "dsqd", 2, "user.c", 0ULL, 0));
	ASSERT_EQ(0, version(c, CLIENT_MSIZE, "9P2000.L"));
	EXPECT_NE(0, getxattr(path_of(c, "f"), "user.c", name, sizeof(name)));
}

TEST_F(client, memory_of_xattrs_has_a_bound)
{
	struct client *c = self->c;
	int i, ret = 0;

	host_file(c, "f", "");
	for (i = 0; i < 100 && !ret; i++) {
		ASSERT_EQ(0, walk(c, 100 + i, "f"));
		ret = rpc(c, P9_TXATTRCREATE, "dsqd", 100 + i, "user.a", 65536ULL, 0);
	}
	EXPECT_EQ(-ENOMEM, ret);
	EXPECT_EQ(P9_XATTR_TOTAL / 65536 + 1, i);
	EXPECT_EQ(-EINVAL, clunk(c, 100));
	EXPECT_EQ(0, rpc(c, P9_TXATTRCREATE, "dsqd", 100 + i - 1, "user.a", 65536ULL, 0));
}

/* --- locks ----------------------------------------------------------------------------- */

static int set_lock(struct client *c, u32 fid, u8 type, u64 start, u64 len, u32 proc)
{
	int ret = rpc(c, P9_TLOCK, "dbdqqds", fid, type, 1, start, len, proc, "host");

	return ret ? ret : rd8(c);
}

/* Can somebody else on the host lock it now? */
static bool host_free(const struct client *c, const char *name, int type, u64 start, u64 len)
{
	struct flock fl = { .l_type = type, .l_start = start, .l_len = len };
	int fd = open(path_of(c, name), O_RDWR), ret;

	ret = fcntl(fd, F_OFD_SETLK, &fl);
	close(fd);
	return !ret;
}

TEST_F(client, locks_of_processes)
{
	struct client *c = self->c;

	host_file(c, "f", "text");
	ASSERT_EQ(0, open_name(c, 2, "f", 2));
	ASSERT_EQ(0, open_name(c, 3, "f", 2));
	EXPECT_EQ(P9_LOCK_SUCCESS, set_lock(c, 2, P9_LOCK_WRLCK, 10, 10, 1));
	EXPECT_FALSE(host_free(c, "f", F_RDLCK, 19, 1));
	EXPECT_TRUE(host_free(c, "f", F_WRLCK, 20, 0));
	EXPECT_TRUE(host_free(c, "f", F_WRLCK, 0, 10));
	/* A process is never in its own way, whichever of its files it uses. */
	EXPECT_EQ(P9_LOCK_SUCCESS, set_lock(c, 3, P9_LOCK_WRLCK, 0, 0, 1));
	EXPECT_EQ(P9_LOCK_BLOCKED, set_lock(c, 3, P9_LOCK_RDLCK, 5, 1, 2));
	EXPECT_EQ(P9_LOCK_SUCCESS, set_lock(c, 2, P9_LOCK_UNLCK, 4, 4, 1));
	EXPECT_EQ(P9_LOCK_SUCCESS, set_lock(c, 3, P9_LOCK_RDLCK, 5, 1, 2));
	EXPECT_TRUE(host_free(c, "f", F_WRLCK, 4, 1));
	EXPECT_TRUE(host_free(c, "f", F_RDLCK, 5, 1));
	EXPECT_FALSE(host_free(c, "f", F_WRLCK, 5, 1));
	EXPECT_FALSE(host_free(c, "f", F_RDLCK, 8, 1));
	/* Shared by two: held until both are done. */
	EXPECT_EQ(P9_LOCK_SUCCESS, set_lock(c, 2, P9_LOCK_RDLCK, 0, 0, 1));
	EXPECT_EQ(P9_LOCK_SUCCESS, set_lock(c, 3, P9_LOCK_UNLCK, 0, 0, 2));
	EXPECT_FALSE(host_free(c, "f", F_WRLCK, 5, 1));
	EXPECT_EQ(P9_LOCK_SUCCESS, set_lock(c, 3, P9_LOCK_UNLCK, 0, 0, 1));
	EXPECT_TRUE(host_free(c, "f", F_WRLCK, 0, 0));
	/* What was locked by a fid goes with it. */
	EXPECT_EQ(P9_LOCK_SUCCESS, set_lock(c, 2, P9_LOCK_WRLCK, 7, 1, 1));
	EXPECT_EQ(0, clunk(c, 3));
	EXPECT_FALSE(host_free(c, "f", F_RDLCK, 7, 1));
	EXPECT_EQ(0, clunk(c, 2));
	EXPECT_TRUE(host_free(c, "f", F_WRLCK, 0, 0));
}

TEST_F(client, locks_of_whole_files)
{
	struct client *c = self->c;

	/* flock(1) locks and unlocks in different processes, by one open file. */
	host_file(c, "f", "text");
	ASSERT_EQ(0, open_name(c, 2, "f", 0));
	ASSERT_EQ(0, open_name(c, 3, "f", 0));
	EXPECT_EQ(P9_LOCK_SUCCESS, set_lock(c, 2, P9_LOCK_WRLCK, 0, 0, 1));
	EXPECT_FALSE(host_free(c, "f", F_RDLCK, 0, 0));
	EXPECT_EQ(P9_LOCK_BLOCKED, set_lock(c, 3, P9_LOCK_WRLCK, 0, 0, 3));
	EXPECT_EQ(P9_LOCK_SUCCESS, set_lock(c, 2, P9_LOCK_UNLCK, 0, 0, 2));
	EXPECT_TRUE(host_free(c, "f", F_WRLCK, 0, 0));
	EXPECT_EQ(P9_LOCK_SUCCESS, set_lock(c, 3, P9_LOCK_WRLCK, 0, 0, 3));
	EXPECT_EQ(0, clunk(c, 3));
	/* But a child that closes a file does not unlock its parent's bytes. */
	EXPECT_EQ(P9_LOCK_SUCCESS, set_lock(c, 2, P9_LOCK_WRLCK, 1, 1, 1));
	EXPECT_EQ(P9_LOCK_SUCCESS, set_lock(c, 2, P9_LOCK_UNLCK, 0, 0, 2));
	EXPECT_FALSE(host_free(c, "f", F_RDLCK, 1, 1));
	/* Directories too, among the guest's processes. */
	ASSERT_EQ(0, open_name(c, 4, "", 0));
	ASSERT_EQ(0, open_name(c, 5, "", 0));
	EXPECT_EQ(P9_LOCK_SUCCESS, set_lock(c, 4, P9_LOCK_WRLCK, 0, 0, 1));
	EXPECT_EQ(P9_LOCK_BLOCKED, set_lock(c, 5, P9_LOCK_WRLCK, 0, 0, 2));
	EXPECT_EQ(0, clunk(c, 4));
	EXPECT_EQ(P9_LOCK_SUCCESS, set_lock(c, 5, P9_LOCK_WRLCK, 0, 0, 2));
}

TEST_F(client, locks_of_the_host)
{
	struct flock fl = { .l_type = F_WRLCK, .l_start = 5, .l_len = 2 };
	struct client *c = self->c;
	int fd;

	host_file(c, "f", "text");
	fd = open(path_of(c, "f"), O_RDWR);
	ASSERT_EQ(0, fcntl(fd, F_OFD_SETLK, &fl));
	ASSERT_EQ(0, open_name(c, 2, "f", 2));
	EXPECT_EQ(P9_LOCK_BLOCKED, set_lock(c, 2, P9_LOCK_RDLCK, 0, 0, 1));
	EXPECT_EQ(P9_LOCK_SUCCESS, set_lock(c, 2, P9_LOCK_RDLCK, 0, 5, 1));
	EXPECT_EQ(0, rpc(c, P9_TGETLOCK, "dbqqds", 2, P9_LOCK_UNLCK, 0ULL, 0ULL, 1, "host"));
	EXPECT_EQ(P9_LOCK_WRLCK, rd8(c));
	EXPECT_EQ(5, rd64(c));
	EXPECT_EQ(2, rd64(c));
	EXPECT_EQ(0, rd32(c));
	EXPECT_STREQ("", rd_str(c));
	close(fd);
	EXPECT_EQ(0, rpc(c, P9_TGETLOCK, "dbqqds", 2, P9_LOCK_WRLCK, 0ULL, 0ULL, 1, "host"));
	EXPECT_EQ(P9_LOCK_UNLCK, rd8(c));
	EXPECT_EQ(P9_LOCK_SUCCESS, set_lock(c, 2, P9_LOCK_RDLCK, 0, 0, 1));
	/* One of the guest's own. */
	ASSERT_EQ(0, open_name(c, 3, "f", 2));
	EXPECT_EQ(0, rpc(c, P9_TGETLOCK, "dbqqds", 3, P9_LOCK_RDLCK, 3ULL, 1ULL, 2, "host"));
	EXPECT_EQ(P9_LOCK_UNLCK, rd8(c));
	EXPECT_EQ(0, rpc(c, P9_TGETLOCK, "dbqqds", 3, P9_LOCK_WRLCK, 3ULL, 1ULL, 2, "host"));
	EXPECT_EQ(P9_LOCK_RDLCK, rd8(c));
	EXPECT_EQ(0, rd64(c));
	EXPECT_EQ(0, rd64(c));
	EXPECT_EQ(1, rd32(c));
	EXPECT_STREQ("host", rd_str(c));
}

TEST_F(client, locks_that_cannot_be)
{
	struct client *c = self->c;
	char name[80];
	int i;

	host_file(c, "f", "text");
	ASSERT_EQ(0, walk(c, 2, "f"));
	EXPECT_EQ(-EBADF, set_lock(c, 2, P9_LOCK_RDLCK, 0, 0, 1));
	ASSERT_EQ(0, lopen(c, 2, 2));
	EXPECT_EQ(-EINVAL, set_lock(c, 2, 3, 0, 0, 1));
	EXPECT_EQ(-EINVAL, set_lock(c, 2, P9_LOCK_RDLCK, ~0ULL, 0, 1));
	EXPECT_EQ(-EINVAL, set_lock(c, 2, P9_LOCK_RDLCK, 1, ~0ULL, 1));
	EXPECT_EQ(-EINVAL, set_lock(c, 2, P9_LOCK_RDLCK, INT64_MAX, 2, 1));
	EXPECT_EQ(P9_LOCK_SUCCESS, set_lock(c, 2, P9_LOCK_RDLCK, INT64_MAX, 1, 1));
	memset(name, 'n', 64);
	name[64] = '\0';
	EXPECT_EQ(-ENAMETOOLONG, rpc(c, P9_TLOCK, "dbdqqds", 2, 0, 0, 0ULL, 0ULL, 1, name));
	for (i = 0; i < 2000; i++)
		if (set_lock(c, 2, P9_LOCK_RDLCK, 3 * i, 1, 1))
			break;
	EXPECT_EQ(P9_LOCKS_MAX - 2, i);
	EXPECT_EQ(P9_LOCK_ERROR, set_lock(c, 2, P9_LOCK_RDLCK, 3 * i, 1, 1));
	EXPECT_EQ(P9_LOCK_SUCCESS, set_lock(c, 2, P9_LOCK_UNLCK, 0, 100, 1));
	EXPECT_EQ(P9_LOCK_SUCCESS, set_lock(c, 2, P9_LOCK_WRLCK, 0, 100, 1));
	EXPECT_EQ(0, clunk(c, 2));
	EXPECT_TRUE(host_free(c, "f", F_WRLCK, 0, 0));
}

TEST_HARNESS_MAIN
