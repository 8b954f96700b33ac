// SPDX-License-Identifier: GPL-2.0
/*
 * virtio/fs.c and fs/fuse*.c on both transports: the device, files, directories, and
 * what the guest may keep.
 */
#include <signal.h>
#include <sys/resource.h>

#include "fuse_guest.h"

/* --- the device ----------------------------------------------------------------------- */

TEST_F(fuse, config_space)
{
	struct drv *d = &self->d;
	char tag[37] = "";
	u32 i;

	for (i = 0; i < 36; i++)
		tag[i] = drv_config_read8(d, i);
	EXPECT_STREQ(TAG, tag);
	EXPECT_EQ(1, drv_config_read32(d, 36));
	EXPECT_EQ(1024, drv_queue_max(d, 0));
	EXPECT_EQ(1024, drv_queue_max(d, 1));
	EXPECT_EQ(0, drv_queue_max(d, 2));
	EXPECT_EQ(0, drv_features(d) & BIT_ULL(VIRTIO_F_IN_ORDER));
	/* Nothing of it is the driver's to change (5.11.4). */
	drv_config_write8(d, 0, 'X');
	drv_config_write32(d, 36, 7);
	EXPECT_EQ(TAG[0], drv_config_read8(d, 0));
	EXPECT_EQ(1, drv_config_read32(d, 36));
	RESTART(",queues=3");
	EXPECT_EQ(3, drv_config_read32(d, 36));
	EXPECT_EQ(1024, drv_queue_max(d, 3));
	EXPECT_EQ(0, drv_queue_max(d, 4));
}

TEST_F(fuse, options)
{
	static const char *const bad[] = {
		",queues=0", ",queues=17", ",cache=maybe", ",uidmap=1:2", ",squash,uidmap=1:2:3",
		",ro,writeback", ",cache=none,writeback", ",what",
	};
	char conf[512];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		drv_end(&self->d);
		EXPECT_EQ(-EINVAL, setup(self, variant->transport, variant->features, bad[i]))
			TH_LOG("option %u", i);
	}
	drv_end(&self->d);
	snprintf(conf, sizeof(conf), "%s,%s", self->place.root,
		 "a-tag-that-is-longer-than-thirty-six-bytes");
	EXPECT_EQ(-EINVAL, drv_init(&self->d, variant->transport, &fs_class, conf));
	drv_end(&self->d);
	EXPECT_EQ(-ENOENT, drv_init(&self->d, variant->transport, &fs_class, "/no/where,x"));
}

TEST_F(fuse, negotiation)
{
	struct fuse_init_in in = { .major = 8, .minor = 1 };
	u64 flags, fh, node;

	/* A newer major: ours is said, and the guest asks again. */
	ASSERT_EQ(0, CALL(FUSE_INIT, 0, PART(in)));
	EXPECT_EQ(7, REPLY(fuse_init_out)->major);
	in.major = 6;
	EXPECT_EQ(-EPROTO, CALL(FUSE_INIT, 0, PART(in)));
	in.major = 7;
	in.minor = 5;
	EXPECT_EQ(-EPROTO, CALL(FUSE_INIT, 0, PART(in)));
	/* The short form of older kernels. */
	in.minor = 31;
	in.flags = FUSE_BIG_WRITES | FUSE_MAX_PAGES | FUSE_DO_READDIRPLUS;
	ASSERT_EQ(0, CALL(FUSE_INIT, 0, { &in, 16 }));
	EXPECT_EQ(FUSE_BIG_WRITES | FUSE_MAX_PAGES | FUSE_DO_READDIRPLUS,
		  REPLY(fuse_init_out)->flags);
	EXPECT_EQ(1 << 20, REPLY(fuse_init_out)->max_write);
	EXPECT_EQ(256, REPLY(fuse_init_out)->max_pages);

	ASSERT_EQ(0, init_flags(self, ~0ULL, &flags));
	EXPECT_EQ(0, flags & (FUSE_WRITEBACK_CACHE | FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS |
			      FUSE_NO_OPEN_SUPPORT | FUSE_DONT_MASK | FUSE_POSIX_ACL |
			      FUSE_EXPORT_SUPPORT | FUSE_MAP_ALIGNMENT));
	EXPECT_TRUE(flags & FUSE_AUTO_INVAL_DATA);
	EXPECT_TRUE(flags & FUSE_SUBMOUNTS);
	EXPECT_TRUE(flags & FUSE_HANDLE_KILLPRIV_V2);
	EXPECT_TRUE(flags & FUSE_READDIRPLUS_AUTO);
	/* What was not offered is not accepted. */
	ASSERT_EQ(0, init_flags(self, FUSE_ASYNC_READ, &flags));
	EXPECT_EQ(FUSE_ASYNC_READ | FUSE_INIT_EXT, flags);

	/* A new INIT is a new beginning. */
	ASSERT_EQ(0, create(self, 1, "a", O_RDWR, 0644, &node, &fh));
	ASSERT_EQ(0, init_flags(self, ~0ULL, NULL));
	EXPECT_EQ(-EBADF, do_read(self, fh, 0, 1));
	EXPECT_EQ(-ESTALE, CALL(FUSE_LOOKUP, node, STR("x")));
	EXPECT_EQ(0, CALL0(FUSE_DESTROY, 0));
	EXPECT_EQ(-EIO, CALL(FUSE_LOOKUP, 1, STR("a")));

	RESTART(",writeback,locks,cache=always");
	ASSERT_EQ(0, init_flags(self, ~0ULL, &flags));
	EXPECT_TRUE(flags & FUSE_WRITEBACK_CACHE);
	EXPECT_TRUE(flags & FUSE_POSIX_LOCKS);
	EXPECT_TRUE(flags & FUSE_FLOCK_LOCKS);
	EXPECT_FALSE(flags & FUSE_AUTO_INVAL_DATA);

	RESTART(",flat");
	ASSERT_EQ(0, init_flags(self, ~0ULL, &flags));
	EXPECT_FALSE(flags & FUSE_SUBMOUNTS);
}

/* --- files -------------------------------------------------------------------------------- */

TEST_F(fuse, files)
{
	struct fuse_getattr_in ga = { };
	struct fuse_link_in ln = { };
	struct fuse_rename2_in rn = { .newdir = 1, .flags = RENAME_NOREPLACE };
	struct fuse_fsync_in fsync = { };
	u64 node, again, fh, dir;

	ASSERT_EQ(0, create(self, 1, "file", O_RDWR | O_EXCL, 0666, &node, &fh));
	EXPECT_EQ(S_IFREG | 0666, REPLY(fuse_entry_out)->attr.mode);
	EXPECT_EQ(1, REPLY(fuse_entry_out)->entry_valid);
	ASSERT_EQ(0, do_write(self, fh, 0, "some text", 9, 0));
	EXPECT_EQ(9, REPLY(fuse_write_out)->size);
	ASSERT_EQ(0, do_write(self, fh, 5, "TEXT", 4, 0));
	ASSERT_EQ(0, do_read(self, fh, 0, 4096));
	EXPECT_EQ(9, self->len);
	EXPECT_EQ(0, memcmp(self->reply, "some TEXT", 9));
	ASSERT_EQ(0, do_read(self, fh, 5, 2));
	EXPECT_EQ(2, self->len);
	ASSERT_EQ(0, do_read(self, fh, 100, 2));
	EXPECT_EQ(0, self->len);
	ASSERT_EQ(0, lookup(self, 1, "file", &again));
	EXPECT_EQ(node, again);
	ASSERT_EQ(0, CALL(FUSE_GETATTR, node, PART(ga)));
	EXPECT_EQ(9, REPLY(fuse_attr_out)->attr.size);
	fsync.fh = fh;
	EXPECT_EQ(0, CALL(FUSE_FSYNC, node, PART(fsync)));
	fsync.fsync_flags = FUSE_FSYNC_FDATASYNC;
	EXPECT_EQ(0, CALL(FUSE_FSYNC, node, PART(fsync)));
	/* Without locks a close is nobody's business. */
	EXPECT_EQ(-ENOSYS, CALL(FUSE_FLUSH, node, PART((struct fuse_flush_in){ .fh = fh })));

	ln.oldnodeid = node;
	ASSERT_EQ(0, CALL(FUSE_LINK, 1, PART(ln), STR("other")));
	EXPECT_EQ(node, REPLY(fuse_entry_out)->nodeid);
	EXPECT_EQ(2, REPLY(fuse_entry_out)->attr.nlink);
	EXPECT_EQ(-EEXIST, CALL(FUSE_RENAME2, 1, PART(rn), STR("file"), STR("other")));
	ASSERT_EQ(0, CALL(FUSE_MKDIR, 1, PART((struct fuse_mkdir_in){ .mode = 0777 }), STR("d")));
	dir = REPLY(fuse_entry_out)->nodeid;
	EXPECT_EQ(S_IFDIR | 0777, REPLY(fuse_entry_out)->attr.mode);
	ASSERT_EQ(0, CALL(FUSE_RENAME, 1, PART((struct fuse_rename_in){ .newdir = dir }),
			  STR("file"), STR("moved")));
	ASSERT_EQ(0, lookup(self, dir, "moved", &again));
	EXPECT_EQ(node, again);
	EXPECT_EQ(-ENOTEMPTY, CALL(FUSE_RMDIR, 1, STR("d")));
	EXPECT_EQ(0, CALL(FUSE_UNLINK, dir, STR("moved")));
	EXPECT_EQ(0, CALL(FUSE_RMDIR, 1, STR("d")));
	EXPECT_EQ(0, CALL(FUSE_UNLINK, 1, STR("other")));

	/* Unlinked and open: it goes on, by handle and by node. */
	ASSERT_EQ(0, do_read(self, fh, 0, 4096));
	EXPECT_EQ(9, self->len);
	ASSERT_EQ(0, CALL(FUSE_GETATTR, node, PART(ga)));
	EXPECT_EQ(0, REPLY(fuse_attr_out)->attr.nlink);
	ASSERT_EQ(0, open_node(self, FUSE_OPEN, node, O_RDONLY, &again));
	ASSERT_EQ(0, do_read(self, again, 0, 4));
	EXPECT_EQ(0, memcmp(self->reply, "some", 4));
	EXPECT_EQ(0, release(self, again));
	EXPECT_EQ(0, release(self, fh));
	EXPECT_EQ(-EBADF, do_read(self, fh, 0, 1));
	/* Known as long as the guest has not forgotten each time it was told. */
	forget(self, node, 3);
	ASSERT_EQ(0, CALL(FUSE_GETATTR, node, PART(ga)));
	forget(self, node, 1);
	EXPECT_EQ(-ESTALE, CALL(FUSE_GETATTR, node, PART(ga)));
}

TEST_F(fuse, names_that_are_not_there)
{
	u64 node;

	/* For as long as names are trusted, they are known not to be there. */
	ASSERT_EQ(0, CALL(FUSE_LOOKUP, 1, STR("nothing")));
	EXPECT_EQ(0, REPLY(fuse_entry_out)->nodeid);
	EXPECT_EQ(1, REPLY(fuse_entry_out)->entry_valid);
	RESTART(",cache=none");
	EXPECT_EQ(-ENOENT, lookup(self, 1, "nothing", &node));
	ASSERT_EQ(0, host_write(&self->place, "a", "x"));
	ASSERT_EQ(0, lookup(self, 1, "a", &node));
	EXPECT_EQ(0, REPLY(fuse_entry_out)->entry_valid);
	EXPECT_EQ(0, REPLY(fuse_entry_out)->attr_valid);
}

TEST_F(fuse, attributes)
{
	struct fuse_setattr_in in = { .valid = FATTR_MODE | FATTR_SIZE | FATTR_MTIME };
	struct fuse_mknod_in nod = { .mode = S_IFIFO | 0600 };
	u64 node, fh;

	ASSERT_EQ(0, create(self, 1, "a", O_RDWR, 0644, &node, &fh));
	in.mode = 0600;
	in.size = 77;
	in.mtime = 12345;
	in.mtimensec = 678;
	ASSERT_EQ(0, CALL(FUSE_SETATTR, node, PART(in)));
	EXPECT_EQ(77, REPLY(fuse_attr_out)->attr.size);
	EXPECT_EQ(S_IFREG | 0600, REPLY(fuse_attr_out)->attr.mode);
	EXPECT_EQ(12345, REPLY(fuse_attr_out)->attr.mtime);
	EXPECT_EQ(678, REPLY(fuse_attr_out)->attr.mtimensec);
	in.valid = FATTR_SIZE | FATTR_FH;
	in.fh = fh;
	in.size = 5;
	ASSERT_EQ(0, CALL(FUSE_SETATTR, node, PART(in)));
	EXPECT_EQ(5, REPLY(fuse_attr_out)->attr.size);
	/* A handle of another file is no help. */
	in.size = 9;
	ASSERT_EQ(0, CALL(FUSE_MKNOD, 1, PART(nod), STR("fifo")));
	EXPECT_EQ(-EINVAL, CALL(FUSE_SETATTR, REPLY(fuse_entry_out)->nodeid, PART(in)));
	in.valid = FATTR_ATIME | FATTR_ATIME_NOW;
	ASSERT_EQ(0, CALL(FUSE_SETATTR, node, PART(in)));
	EXPECT_LT(1000000, REPLY(fuse_attr_out)->attr.atime);
	ASSERT_EQ(0, CALL(FUSE_SYMLINK, 1, STR("link"), STR("/some/where")));
	ASSERT_EQ(0, CALL0(FUSE_READLINK, REPLY(fuse_entry_out)->nodeid));
	EXPECT_EQ(11, self->len);
	EXPECT_EQ(0, memcmp(self->reply, "/some/where", 11));
	EXPECT_EQ(-EINVAL, CALL0(FUSE_READLINK, node));
	ASSERT_EQ(0, CALL0(FUSE_STATFS, 1));
	EXPECT_EQ(255, REPLY(fuse_statfs_out)->st.namelen);
	EXPECT_EQ(0, release(self, fh));
}

TEST_F(fuse, set_id_bits_go_when_asked)
{
	struct fuse_getattr_in ga = { };
	u64 node, fh;

	if (geteuid())
		SKIP(return, "needs root");
	ASSERT_EQ(0, create(self, 1, "a", O_RDWR, 06755, &node, &fh));
	ASSERT_EQ(0, do_write(self, fh, 0, "x", 1, 0));
	ASSERT_EQ(0, CALL(FUSE_GETATTR, node, PART(ga)));
	EXPECT_EQ(S_IFREG | 06755, REPLY(fuse_attr_out)->attr.mode);
	ASSERT_EQ(0, do_write(self, fh, 0, "x", 1, FUSE_WRITE_KILL_SUIDGID));
	ASSERT_EQ(0, CALL(FUSE_GETATTR, node, PART(ga)));
	EXPECT_EQ(S_IFREG | 0755, REPLY(fuse_attr_out)->attr.mode);
}

TEST_F(fuse, data_in_many_pieces)
{
	enum { PIECES = 40, PIECE = 777 };
	struct fuse_write_in w = { .size = PIECES * PIECE };
	struct fuse_read_in rd = { .size = PIECES * PIECE };
	struct drv_seg segs[PIECES + 2];
	static u8 data[PIECES * PIECE], back[PIECES * PIECE];
	struct part p = { };
	u64 node, buf;
	u32 i, used;

	ASSERT_EQ(0, create(self, 1, "a", O_RDWR, 0644, &node, &w.fh));
	for (i = 0; i < sizeof(data); i++)
		data[i] = i * 31 + i / 256;
	buf = drv_alloc(&self->d, 2 * sizeof(data));
	put_request(self, FUSE_WRITE, node, (struct part[]){ PART(w) }, 1);
	((struct fuse_in_header *)drv_ptr(&self->d, self->out, 40))->len += sizeof(data);
	segs[0] = DRV_OUT(self->out, sizeof(struct fuse_in_header) + sizeof(w));
	/* The second half first in memory. */
	for (i = 0; i < PIECES; i++) {
		u64 at = buf + (i + PIECES / 2) % PIECES * 2 * PIECE;

		drv_put(&self->d, at, data + i * PIECE, PIECE);
		segs[i + 1] = DRV_OUT(at, PIECE);
	}
	segs[PIECES + 1] = DRV_IN(self->in, sizeof(struct fuse_out_header) +
				  sizeof(struct fuse_write_out));
	ASSERT_TRUE(drv_request(&self->d, REQ, segs, PIECES + 2, &used));
	ASSERT_EQ(0, take_reply(self, used));
	EXPECT_EQ(sizeof(data), REPLY(fuse_write_out)->size);

	rd.fh = w.fh;
	p = (struct part)PART(rd);
	i = put_request(self, FUSE_READ, node, &p, 1);
	segs[0] = DRV_OUT(self->out, i);
	segs[1] = DRV_IN(self->in, sizeof(struct fuse_out_header));
	for (i = 0; i < PIECES; i++)
		segs[i + 2] = DRV_IN(buf + (PIECES - 1 - i) * 2 * PIECE, PIECE);
	ASSERT_TRUE(drv_request(&self->d, REQ, segs, PIECES + 2, &used));
	EXPECT_EQ(sizeof(struct fuse_out_header) + sizeof(data), used);
	for (i = 0; i < PIECES; i++)
		drv_fetch(&self->d, buf + (PIECES - 1 - i) * 2 * PIECE, back + i * PIECE, PIECE);
	EXPECT_EQ(0, memcmp(data, back, sizeof(data)));
}

TEST_F(fuse, a_part_is_written)
{
	struct rlimit rl = { .rlim_cur = 8192, .rlim_max = RLIM_INFINITY };
	static u8 data[4096];
	sigset_t set;
	u64 node, fh;

	/* As in the device's threads. */
	sigfillset(&set);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &set, NULL));
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &rl));
	ASSERT_EQ(0, create(self, 1, "a", O_RDWR, 0644, &node, &fh));
	ASSERT_EQ(0, do_write(self, fh, 6000, data, sizeof(data), 0));
	EXPECT_EQ(2192, REPLY(fuse_write_out)->size);
	EXPECT_EQ(-EFBIG, do_write(self, fh, 8192, data, sizeof(data), 0));
	/* What is written back has nobody who would write the rest. */
	EXPECT_EQ(-EFBIG, do_write(self, fh, 6000, data, sizeof(data), FUSE_WRITE_CACHE));
}

TEST_F(fuse, sparse_files)
{
	struct fuse_fallocate_in fa = { .offset = 0, .length = 1 << 20 };
	struct fuse_lseek_in ls = { .whence = SEEK_HOLE };
	struct fuse_copy_file_range_in cp = { .len = 4 };
	u64 node, fh, node2, fh2;

	ASSERT_EQ(0, create(self, 1, "a", O_RDWR, 0644, &node, &fh));
	ASSERT_EQ(0, create(self, 1, "b", O_RDWR, 0644, &node2, &fh2));
	ASSERT_EQ(0, do_write(self, fh, 0, "0123456789", 10, 0));
	fa.fh = fh;
	EXPECT_EQ(0, CALL(FUSE_FALLOCATE, node, PART(fa)));
	ls.fh = fh;
	ASSERT_EQ(0, CALL(FUSE_LSEEK, node, PART(ls)));
	EXPECT_LE(10, REPLY(fuse_lseek_out)->offset);
	ls.whence = SEEK_DATA;
	ls.offset = 1 << 21;
	EXPECT_EQ(-ENXIO, CALL(FUSE_LSEEK, node, PART(ls)));
	ls.whence = SEEK_END;
	EXPECT_EQ(-EINVAL, CALL(FUSE_LSEEK, node, PART(ls)));
	fa.length = ~0ULL;
	EXPECT_EQ(-EINVAL, CALL(FUSE_FALLOCATE, node, PART(fa)));
	cp.fh_in = fh;
	cp.fh_out = fh2;
	cp.off_in = 3;
	cp.nodeid_out = node2;
	ASSERT_EQ(0, CALL(FUSE_COPY_FILE_RANGE, node, PART(cp)));
	EXPECT_EQ(4, REPLY(fuse_write_out)->size);
	ASSERT_EQ(0, do_read(self, fh2, 0, 100));
	EXPECT_EQ(4, self->len);
	EXPECT_EQ(0, memcmp(self->reply, "3456", 4));
	cp.fh_out = 12345;
	EXPECT_EQ(-EBADF, CALL(FUSE_COPY_FILE_RANGE, node, PART(cp)));
}

TEST_F(fuse, temporary_files)
{
	struct fuse_create_in in = { .flags = O_RDWR, .mode = S_IFREG | 0600 };
	struct fuse_link_in ln = { };
	int ret = CALL(FUSE_TMPFILE, 1, PART(in), STR("#x"));

	if (ret == -EOPNOTSUPP)
		SKIP(return, "no O_TMPFILE here");
	ASSERT_EQ(0, ret);
	EXPECT_EQ(0, REPLY(fuse_entry_out)->attr.nlink);
	ln.oldnodeid = REPLY(fuse_entry_out)->nodeid;
	ASSERT_EQ(0, CALL(FUSE_LINK, 1, PART(ln), STR("named")));
	EXPECT_EQ(1, REPLY(fuse_entry_out)->attr.nlink);
}

TEST_F(fuse, extended_attributes)
{
	struct fuse_getxattr_in get = { .size = 100 };
	struct { u32 size, flags; } set = { 5, 0 };
	u64 node, fh;
	int ret;

	ASSERT_EQ(0, create(self, 1, "a", O_RDWR, 0644, &node, &fh));
	ret = CALL(FUSE_SETXATTR, node, PART(set), STR("user.one"), { "value", 5 });
	if (ret == -EOPNOTSUPP)
		SKIP(return, "no extended attributes here");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, CALL(FUSE_GETXATTR, node, PART(get), STR("user.one")));
	EXPECT_EQ(5, self->len);
	EXPECT_EQ(0, memcmp(self->reply, "value", 5));
	get.size = 2;
	EXPECT_EQ(-ERANGE, CALL(FUSE_GETXATTR, node, PART(get), STR("user.one")));
	get.size = 0;
	ASSERT_EQ(0, CALL(FUSE_GETXATTR, node, PART(get), STR("user.one")));
	EXPECT_EQ(5, REPLY(fuse_getxattr_out)->size);
	EXPECT_EQ(-ENODATA, CALL(FUSE_GETXATTR, node, PART(get), STR("user.two")));
	get.size = 100;
	ASSERT_EQ(0, CALL(FUSE_LISTXATTR, node, PART(get)));
	EXPECT_LE(9, self->len);
	EXPECT_EQ(0, CALL(FUSE_REMOVEXATTR, node, STR("user.one")));
	/* A size beyond what was sent. */
	set.size = 6;
	EXPECT_EQ(-EINVAL, CALL(FUSE_SETXATTR, node, PART(set), STR("user.one"), { "value", 5 }));
	RESTART(",xattr=off");
	EXPECT_EQ(-ENOSYS, CALL(FUSE_GETXATTR, 1, PART(get), STR("user.one")));
	EXPECT_EQ(-ENOSYS, CALL(FUSE_LISTXATTR, 1, PART(get)));
}

/* --- directories ------------------------------------------------------------------------- */

/* Reads all of a directory in pieces of @size: entries, with nodes counted. */
static int list(SELF, u64 fh, bool plus, u32 size, int *nodes)
{
	struct fuse_read_in in = { .fh = fh, .size = size };
	size_t head = plus ? sizeof(struct fuse_entry_out) : 0;
	int n = 0, ret;

	*nodes = 0;
	for (;;) {
		u32 pos = 0;

		ret = CALL(plus ? FUSE_READDIRPLUS : FUSE_READDIR, 1, PART(in));
		if (ret)
			return ret;
		if (!self->len)
			return n;
		if (self->len > size)
			return -2000;
		while (pos < self->len) {
			struct fuse_entry_out *e = (void *)(self->reply + pos);
			struct fuse_dirent *d = (void *)(self->reply + pos + head);

			if (plus && e->nodeid) {
				(*nodes)++;
				if (e->attr.ino != d->ino)
					return -2001;
			}
			in.offset = d->off;
			pos += head + FUSE_DIRENT_SIZE(d);
			n++;
		}
		if (pos != self->len)
			return -2002;
	}
}

TEST_F(fuse, directories)
{
	struct fuse_read_in in = { .size = 10 };
	char name[64];
	u64 fh, node;
	int i, nodes;

	for (i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "file-%d", i);
		ASSERT_EQ(0, host_write(&self->place, name, ""));
	}
	ASSERT_EQ(0, open_node(self, FUSE_OPENDIR, 1, O_RDONLY, &fh));
	EXPECT_TRUE(REPLY(fuse_open_out)->open_flags & FOPEN_CACHE_DIR);
	EXPECT_EQ(302, list(self, fh, false, 4096, &nodes));
	EXPECT_EQ(302, list(self, fh, false, 333, &nodes));
	EXPECT_EQ(302, list(self, fh, true, 4096, &nodes));
	EXPECT_EQ(300, nodes);
	EXPECT_EQ(302, list(self, fh, true, 60000, &nodes));
	EXPECT_EQ(300, nodes);
	/* Too small for one. */
	in.fh = fh;
	EXPECT_EQ(-EINVAL, CALL(FUSE_READDIR, 1, PART(in)));
	in.offset = ~0ULL;
	in.size = 4096;
	EXPECT_EQ(-EINVAL, CALL(FUSE_READDIR, 1, PART(in)));
	EXPECT_EQ(-EBADF, do_read(self, fh, 0, 10));
	EXPECT_EQ(0, CALL(FUSE_FSYNCDIR, 1, PART((struct fuse_fsync_in){ .fh = fh })));
	EXPECT_EQ(0, CALL(FUSE_SYNCFS, 1, PART((struct fuse_syncfs_in){ })));
	EXPECT_EQ(0, CALL(FUSE_RELEASEDIR, 1, PART((struct fuse_release_in){ .fh = fh })));
	/* Each listing told of the nodes once more. */
	ASSERT_EQ(0, lookup(self, 1, "file-7", &node));
	forget(self, node, 2);
	ASSERT_EQ(0, CALL(FUSE_GETATTR, node, PART((struct fuse_getattr_in){ })));
	forget(self, node, 1);
	EXPECT_EQ(-ESTALE, CALL(FUSE_GETATTR, node, PART((struct fuse_getattr_in){ })));
	EXPECT_EQ(-ENOTDIR, lookup(self, 1, "file-8", &node) ?:
		  open_node(self, FUSE_OPENDIR, node, O_RDONLY, &fh));
}

TEST_F(fuse, nodes_are_forgotten_in_batches)
{
	struct fuse_batch_forget_in in = { .count = 1000 };	/* more than are there */
	struct fuse_forget_one one[3] = { };
	u64 node[3];
	char name[8];
	int i;

	for (i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%d", i);
		ASSERT_EQ(0, host_write(&self->place, name, ""));
		ASSERT_EQ(0, lookup(self, 1, name, &node[i]));
		one[i].nodeid = node[i];
		one[i].nlookup = 1;
	}
	one[1].nodeid = 0x1234567890ULL;
	ASSERT_EQ(0, request(self, HIPRIO, FUSE_BATCH_FORGET, 0,
			     (struct part[]){ PART(in), PART(one) }, 2, 0));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(i == 1 ? 0 : -ESTALE,
			  CALL(FUSE_GETATTR, node[i], PART((struct fuse_getattr_in){ })));
}

/* --- what the guest may keep ---------------------------------------------------------------- */

TEST_F(fuse, contents_are_kept_while_unchanged)
{
	struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	u64 node, fh;

	ASSERT_EQ(0, host_write(&self->place, "a", "x"));
	ASSERT_EQ(0, utimensat(self->place.fd, "a", old, 0));
	ASSERT_EQ(0, lookup(self, 1, "a", &node));
	ASSERT_EQ(0, open_node(self, FUSE_OPEN, node, O_RDONLY, &fh));
	EXPECT_EQ(0, REPLY(fuse_open_out)->open_flags & FOPEN_KEEP_CACHE);
	/* Changed a moment ago: time stamps do not tell yet whether it was again. */
	ASSERT_EQ(0, open_node(self, FUSE_OPEN, node, O_RDONLY, &fh));
	EXPECT_EQ(0, REPLY(fuse_open_out)->open_flags & FOPEN_KEEP_CACHE);
	/* Later they do; it is the same on each transport. */
	if (variant->features == DRV_ALL) {
		usleep(3200000);
		ASSERT_EQ(0, open_node(self, FUSE_OPEN, node, O_RDONLY, &fh));
		EXPECT_EQ(0, REPLY(fuse_open_out)->open_flags & FOPEN_KEEP_CACHE);
		ASSERT_EQ(0, open_node(self, FUSE_OPEN, node, O_RDONLY, &fh));
		EXPECT_TRUE(REPLY(fuse_open_out)->open_flags & FOPEN_KEEP_CACHE);
	}
	ASSERT_EQ(0, host_write(&self->place, "a", "y"));
	ASSERT_EQ(0, open_node(self, FUSE_OPEN, node, O_RDONLY, &fh));
	EXPECT_EQ(0, REPLY(fuse_open_out)->open_flags & FOPEN_KEEP_CACHE);

	RESTART(",cache=none");
	ASSERT_EQ(0, lookup(self, 1, "a", &node));
	ASSERT_EQ(0, open_node(self, FUSE_OPEN, node, O_RDONLY, &fh));
	EXPECT_EQ(FOPEN_DIRECT_IO, REPLY(fuse_open_out)->open_flags);
	RESTART(",cache=always");
	ASSERT_EQ(0, lookup(self, 1, "a", &node));
	EXPECT_LT(1000, REPLY(fuse_entry_out)->entry_valid);
	ASSERT_EQ(0, open_node(self, FUSE_OPEN, node, O_RDONLY, &fh));
	EXPECT_EQ(FOPEN_KEEP_CACHE, REPLY(fuse_open_out)->open_flags);
}

TEST_F(fuse, written_back)
{
	u64 node, fh;

	RESTART(",writeback");
	/* The guest reads around what it writes, and knows where the end is. */
	ASSERT_EQ(0, create(self, 1, "a", O_WRONLY | O_APPEND, 0644, &node, &fh));
	ASSERT_EQ(0, do_write(self, fh, 4, "tail", 4, FUSE_WRITE_CACHE));
	ASSERT_EQ(0, do_write(self, fh, 0, "head", 4, FUSE_WRITE_CACHE));
	ASSERT_EQ(0, do_read(self, fh, 0, 100));
	EXPECT_EQ(8, self->len);
	EXPECT_EQ(0, memcmp(self->reply, "headtail", 8));
}

TEST_F(fuse, read_only)
{
	u64 node, fh;

	ASSERT_EQ(0, host_write(&self->place, "a", "x"));
	RESTART(",ro");
	ASSERT_EQ(0, lookup(self, 1, "a", &node));
	EXPECT_EQ(-EROFS, open_node(self, FUSE_OPEN, node, O_RDWR, &fh));
	EXPECT_EQ(-EROFS, create(self, 1, "b", O_RDWR, 0644, &node, &fh));
	EXPECT_EQ(-EROFS, CALL(FUSE_UNLINK, 1, STR("a")));
	EXPECT_EQ(0, CALL(FUSE_SYNCFS, 1, PART((struct fuse_syncfs_in){ })));
}

TEST_HARNESS_MAIN
