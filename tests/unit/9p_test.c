// SPDX-License-Identifier: GPL-2.0
/*
 * The 9P device: sessions, fids, walks, names and attributes, on each transport and
 * with each kind of ring.
 */
#include <kselftest_harness.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

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

/* --- the device --------------------------------------------------------------------- */

TEST_F(client, config_has_the_tag)
{
	struct drv *d = &self->c->d;

	EXPECT_TRUE(drv_features(d) & 1ULL << VIRTIO_9P_MOUNT_TAG);
	EXPECT_EQ(VIRTIO_ID_9P, d->vd->ops->id);
	EXPECT_EQ(4, drv_config_read16(d, 0));
	EXPECT_EQ('t', drv_config_read8(d, 2));
	EXPECT_EQ('9', drv_config_read8(d, 5));
	EXPECT_EQ(0, drv_config_read8(d, 6));
	EXPECT_EQ(128, drv_queue_max(d, 0));
	EXPECT_EQ(0, drv_queue_max(d, 1));
}

TEST_F(client, options_that_make_no_sense)
{
	struct drv *d = calloc(1, sizeof(*d));
	char conf[600];

	snprintf(conf, sizeof(conf), "%s,%0255d", self->c->dir, 1);
	EXPECT_EQ(-EINVAL, drv_init(d, variant->transport, &p9_class, conf));
	drv_end(d);
	snprintf(conf, sizeof(conf), "%s,t,squash,uidmap=0:0:1", self->c->dir);
	EXPECT_EQ(-EINVAL, drv_init(d, variant->transport, &p9_class, conf));
	drv_end(d);
	snprintf(conf, sizeof(conf), "%s,t,gidmap=0:0", self->c->dir);
	EXPECT_EQ(-EINVAL, drv_init(d, variant->transport, &p9_class, conf));
	drv_end(d);
	snprintf(conf, sizeof(conf), "%s/nothing,t", self->c->dir);
	EXPECT_EQ(-ENOENT, drv_init(d, variant->transport, &p9_class, conf));
	drv_end(d);
	snprintf(conf, sizeof(conf), "%s,%0254d", self->c->dir, 1);
	EXPECT_EQ(0, drv_init(d, variant->transport, &p9_class, conf));
	drv_end(d);
	free(d);
}

TEST_F(client, a_tag_that_is_used_twice)
{
	struct device_conf one = { .cls = &p9_class }, two = { .cls = &p9_class };
	struct drv *d = calloc(1, sizeof(*d));
	struct virtio_dev *vd;

	ASSERT_EQ(0, drv_machine(d));
	one.conf = calloc(2, p9_class.conf_size);
	two.conf = one.conf + p9_class.conf_size;
	ASSERT_EQ(0, props_init(p9_class.props, one.conf));
	ASSERT_EQ(0, props_init(p9_class.props, two.conf));
	ASSERT_EQ(0, props_parse(p9_class.props, one.conf, "9p", "/tmp,t"));
	ASSERT_EQ(0, props_parse(p9_class.props, two.conf, "9p", "/usr,t"));
	list_add_tail(&one.node, &d->cfg.devices);
	list_add_tail(&two.node, &d->cfg.devices);
	vd = p9_class.create(one.conf, "9p0");
	EXPECT_EQ(0, drv_init_dev(d, variant->transport, vd));
	vd = p9_class.create(two.conf, "9p1");
	vd->manual_threads = true;
	EXPECT_EQ(-EEXIST, vd->ops->realize(vd, &d->vm));
	virtio_destroy(vd);
	drv_end(d);
	props_free(p9_class.props, one.conf);
	props_free(p9_class.props, two.conf);
	free(one.conf);
	free(d);
}

TEST_F(client, a_reset_ends_the_session)
{
	struct client *c = self->c;

	host_file(c, "f", "text");
	ASSERT_EQ(0, open_name(c, 2, "f", 2));
	EXPECT_EQ(0, rpc(c, P9_TLOCK, "dbdqqds", 2, P9_LOCK_WRLCK, 0, 0ULL, 0ULL, 1, "h"));
	ASSERT_EQ(0, drv_setup(&c->d, variant->features));
	EXPECT_EQ(-EPROTO, rpc(c, P9_TGETATTR, "dq", 2, ~0ULL));
	EXPECT_EQ(0, version(c, CLIENT_MSIZE, "9P2000.L"));
	EXPECT_EQ(-EBADF, rpc(c, P9_TGETATTR, "dq", 2, ~0ULL));
}

TEST_F(client, a_thousand_sessions_leave_nothing)
{
	struct client *c = self->c;
	int before = dup(0), after, i;

	close(before);
	host_file(c, "f", "text");
	for (i = 0; i < 1000; i++) {
		ASSERT_EQ(0, version(c, CLIENT_MSIZE, "9P2000.L"));
		ASSERT_EQ(0, attach_as(c, ROOT_FID, 0));
		ASSERT_EQ(0, open_name(c, 2, "f", 0));
		ASSERT_EQ(0, open_name(c, 3, "", 0));
		ASSERT_EQ(0, rpc(c, P9_TREADDIR, "dqd", 3, 0ULL, 4096));
		ASSERT_EQ(0, rpc(c, P9_TLOCK, "dbdqqds", 2, 0, 0, 0ULL, 0ULL, 1, "h"));
	}
	ASSERT_EQ(0, version(c, CLIENT_MSIZE, "9P2000.L"));
	after = dup(0);
	close(after);
	EXPECT_EQ(before, after);
}

/* --- sessions ------------------------------------------------------------------------ */

TEST_F(client, version_and_msize)
{
	struct client *c = self->c;

	EXPECT_EQ(0, version(c, 8192, "9P2000.L"));
	EXPECT_EQ(8192, rd32(c));
	EXPECT_STREQ("9P2000.L", rd_str(c));
	EXPECT_EQ(0, version(c, 0xffffffff, "9P2000.L"));
	EXPECT_EQ(P9_MSIZE_MAX, rd32(c));
	EXPECT_EQ(-EMSGSIZE, version(c, 4095, "9P2000.L"));
	EXPECT_EQ(0, version(c, 8192, "9P2000"));
	EXPECT_EQ(8192, rd32(c));
	EXPECT_STREQ("unknown", rd_str(c));
	/* And so there is no session. */
	EXPECT_EQ(-EPROTO, attach_as(c, 1, 0));
	EXPECT_EQ(0, version(c, 8192, "9P2000.u"));
	rd32(c);
	EXPECT_STREQ("unknown", rd_str(c));
	/* A reply is not longer than a message may be, nor is a request. */
	host_file(c, "f", "");
	EXPECT_EQ(0, truncate(path_of(c, "f"), 100000));
	EXPECT_EQ(0, version(c, 8192, "9P2000.L"));
	EXPECT_EQ(0, attach_as(c, ROOT_FID, 0));
	EXPECT_EQ(0, open_name(c, 2, "f", 2));
	EXPECT_EQ(8192 - P9_DATA, fread_at(c, 2, 0, 65536));
	EXPECT_EQ(-EMSGSIZE, fwrite_at(c, 2, 0, c->reply, 8192));
	EXPECT_EQ(8000, fwrite_at(c, 2, 0, c->reply, 8000));
}

TEST_F(client, version_gives_up_all_fids)
{
	struct client *c = self->c;

	EXPECT_EQ(0, walk(c, 2, ""));
	EXPECT_EQ(0, version(c, CLIENT_MSIZE, "9P2000.L"));
	EXPECT_EQ(-EBADF, clunk(c, 2));
	EXPECT_EQ(-EBADF, clunk(c, ROOT_FID));
	EXPECT_EQ(0, attach_as(c, ROOT_FID, 0));
}

TEST_F(client, attach)
{
	struct client *c = self->c;

	EXPECT_EQ(0, attach_as(c, 2, 1000));
	EXPECT_EQ(P9_QTDIR, rd8(c));
	EXPECT_EQ(-EINVAL, attach_as(c, 2, 1000));
	EXPECT_EQ(-EINVAL, attach_as(c, P9_NOFID, 0));
	EXPECT_EQ(-EINVAL, rpc(c, P9_TATTACH, "ddssd", 3, 2, "", "", 0));
	EXPECT_EQ(-ENOENT, rpc(c, P9_TATTACH, "ddssd", 3, P9_NOFID, "", "/etc", 0));
	EXPECT_EQ(0, rpc(c, P9_TATTACH, "ddssd", 3, P9_NOFID, "nobody", "/", P9_NOUID));
	EXPECT_EQ(-EOPNOTSUPP, rpc(c, P9_TAUTH, "dssd", 4, "", "", 0));
	EXPECT_EQ(0, rpc(c, P9_TFLUSH, "w", 17));
}

TEST_F(client, clunk)
{
	struct client *c = self->c;

	EXPECT_EQ(0, walk(c, 2, ""));
	EXPECT_EQ(0, clunk(c, 2));
	EXPECT_EQ(-EBADF, clunk(c, 2));
	EXPECT_EQ(-EBADF, rpc(c, P9_TGETATTR, "dq", 2, ~0ULL));
	EXPECT_EQ(0, walk(c, 2, ""));
}

/* --- walks --------------------------------------------------------------------------- */

TEST_F(client, walk)
{
	struct client *c = self->c;
	struct stat st;

	mkdir(path_of(c, "a"), 0755);
	mkdir(path_of(c, "a/b"), 0755);
	host_file(c, "a/b/f", "text");
	ASSERT_EQ(0, rpc(c, P9_TWALK, "ddwsss", ROOT_FID, 2, 3, "a", "b", "f"));
	ASSERT_EQ(3, rd16(c));
	EXPECT_EQ(P9_QTDIR, rd8(c));
	c->pos += 12 + P9_QID;
	EXPECT_EQ(P9_QTFILE, rd8(c));
	EXPECT_NE(0, rd32(c));
	EXPECT_EQ(0, stat(path_of(c, "a/b/f"), &st));
	EXPECT_EQ(st.st_ino, rd64(c));
	/* One fid in the place of another. */
	ASSERT_EQ(0, walk(c, 3, "a"));
	ASSERT_EQ(0, rpc(c, P9_TWALK, "ddws", 3, 3, 1, "b"));
	ASSERT_EQ(0, rpc(c, P9_TWALK, "ddws", 3, 3, 1, "f"));
	EXPECT_EQ(st.st_ino, get_attr(c, 3).ino);
	/* Up, and not out. */
	ASSERT_EQ(0, rpc(c, P9_TWALK, "ddwssssss", ROOT_FID, 4, 6, "a", "b", "..", "..", "..",
			 ".."));
	EXPECT_EQ(6, rd16(c));
	EXPECT_EQ(get_attr(c, ROOT_FID).ino, get_attr(c, 4).ino);
	/* Where it is now counts. */
	ASSERT_EQ(0, rpc(c, P9_TWALK, "ddwss", ROOT_FID, 5, 2, "a", "b"));
	EXPECT_EQ(0, rename(path_of(c, "a/b"), path_of(c, "b")));
	ASSERT_EQ(0, rpc(c, P9_TWALK, "ddws", 5, 5, 1, ".."));
	EXPECT_EQ(get_attr(c, ROOT_FID).ino, get_attr(c, 5).ino);
}

TEST_F(client, walk_that_ends_early)
{
	struct client *c = self->c;

	mkdir(path_of(c, "a"), 0755);
	EXPECT_EQ(0, rpc(c, P9_TWALK, "ddwsss", ROOT_FID, 2, 3, "a", "x", "y"));
	EXPECT_EQ(1, rd16(c));
	EXPECT_EQ(P9_HEADER + 2 + P9_QID, c->reply_len);
	EXPECT_EQ(-EBADF, clunk(c, 2));
	EXPECT_EQ(-ENOENT, rpc(c, P9_TWALK, "ddwss", ROOT_FID, 2, 2, "x", "y"));
	/* The fid it began with is where it was. */
	EXPECT_EQ(0, walk(c, 3, "a"));
	EXPECT_EQ(0, rpc(c, P9_TWALK, "ddwss", 3, 3, 2, "..", "x"));
	EXPECT_EQ(1, rd16(c));
	EXPECT_EQ(0, rpc(c, P9_TWALK, "ddws", 3, 4, 1, ".."));
}

TEST_F(client, walk_that_cannot_be)
{
	struct client *c = self->c;
	char name[300];
	int i;

	host_file(c, "f", "");
	EXPECT_EQ(0, symlink("/etc", path_of(c, "link")));
	EXPECT_EQ(0, walk(c, 2, "f"));
	EXPECT_EQ(-EINVAL, walk(c, 2, "f"));
	EXPECT_EQ(-EINVAL, walk(c, P9_NOFID, "f"));
	EXPECT_EQ(-EBADF, rpc(c, P9_TWALK, "ddw", 99, 3, 0));
	EXPECT_EQ(-ENOTDIR, rpc(c, P9_TWALK, "ddws", 2, 3, 1, ".."));
	EXPECT_EQ(-EINVAL, walk(c, 3, "."));
	EXPECT_EQ(-EINVAL, rpc(c, P9_TWALK, "ddws", ROOT_FID, 3, 1, ""));
	EXPECT_EQ(-EINVAL, walk(c, 3, "a/b"));
	EXPECT_EQ(-EINVAL, walk(c, 3, "/etc"));
	EXPECT_EQ(-EINVAL, walk(c, 3, "../share"));
	memset(name, 'n', 256);
	name[256] = '\0';
	EXPECT_EQ(-ENAMETOOLONG, walk(c, 3, name));
	/* Symlinks are walked to and not along. */
	EXPECT_EQ(0, walk(c, 3, "link"));
	EXPECT_EQ(1, rd16(c));
	EXPECT_EQ(P9_QTSYMLINK, rd8(c));
	EXPECT_EQ(0, rpc(c, P9_TWALK, "ddwss", ROOT_FID, 4, 2, "link", "passwd"));
	EXPECT_EQ(1, rd16(c));
	EXPECT_EQ(-ENOTDIR, rpc(c, P9_TWALK, "ddws", 3, 4, 1, "passwd"));
	/* An open fid stays what it is. */
	EXPECT_EQ(0, lopen(c, 2, 0));
	EXPECT_EQ(-EINVAL, rpc(c, P9_TWALK, "ddw", 2, 2, 0));
	EXPECT_EQ(0, rpc(c, P9_TWALK, "ddw", 2, 5, 0));
	for (i = 16; i <= 17; i++) {
		int k;

		begin(c, P9_TWALK);
		add_int(c, ROOT_FID, 4);
		add_int(c, 6, 4);
		add_int(c, i, 2);
		for (k = 0; k < i; k++)
			add_str(c, "..");
		EXPECT_EQ(i == 16 ? 0 : -EINVAL, send_msg(c));
	}
	EXPECT_EQ(0, clunk(c, 6));
}

/* --- names --------------------------------------------------------------------------- */

TEST_F(client, create_all_kinds)
{
	struct client *c = self->c;
	struct stat st;

	EXPECT_EQ(0, rpc(c, P9_TMKDIR, "dsdd", ROOT_FID, "dir", 040755, 0));
	EXPECT_EQ(P9_QTDIR, rd8(c));
	EXPECT_EQ(0, stat(path_of(c, "dir"), &st));
	EXPECT_EQ(040755, st.st_mode);
	EXPECT_EQ(-EEXIST, rpc(c, P9_TMKDIR, "dsdd", ROOT_FID, "dir", 0755, 0));
	EXPECT_EQ(0, rpc(c, P9_TMKNOD, "dsdddd", ROOT_FID, "fifo", S_IFIFO | 0622, 0, 0, 0));
	EXPECT_EQ(0, stat(path_of(c, "fifo"), &st));
	/* The guest has applied its umask; ours is not. */
	EXPECT_EQ(S_IFIFO | 0622, st.st_mode);
	EXPECT_EQ(0, rpc(c, P9_TMKNOD, "dsdddd", ROOT_FID, "reg", S_IFREG | 0600, 0, 0, 0));
	EXPECT_EQ(-EINVAL, rpc(c, P9_TMKNOD, "dsdddd", ROOT_FID, "d", S_IFDIR | 0600, 0, 0, 0));
	EXPECT_EQ(0, rpc(c, P9_TSYMLINK, "dssd", ROOT_FID, "link", "../../etc", 0));
	EXPECT_EQ(P9_QTSYMLINK, rd8(c));
	EXPECT_EQ(0, walk(c, 2, "link"));
	EXPECT_EQ(0, rpc(c, P9_TREADLINK, "d", 2));
	EXPECT_STREQ("../../etc", rd_str(c));
	EXPECT_EQ(-EINVAL, rpc(c, P9_TREADLINK, "d", ROOT_FID));
	EXPECT_EQ(-ENOTDIR, rpc(c, P9_TMKDIR, "dsdd", 2, "x", 0755, 0));
	EXPECT_EQ(0, walk(c, 3, "reg"));
	EXPECT_EQ(0, rpc(c, P9_TLINK, "dds", ROOT_FID, 3, "reg2"));
	EXPECT_EQ(2, get_attr(c, 3).nlink);
	EXPECT_EQ(-EPERM, rpc(c, P9_TLINK, "dds", ROOT_FID, ROOT_FID, "root"));
	/* Of device nodes the number is what the guest sees. */
	if (rpc(c, P9_TMKNOD, "dsdddd", ROOT_FID, "null", S_IFCHR | 0666, 1, 3, 0))
		SKIP(return, "no device nodes here");
	EXPECT_EQ(0, stat(path_of(c, "null"), &st));
	EXPECT_EQ(makedev(1, 3), st.st_rdev);
	EXPECT_EQ(0, walk(c, 4, "null"));
	EXPECT_EQ(1 << 8 | 3, get_attr(c, 4).rdev);
	EXPECT_EQ(-ENXIO, lopen(c, 4, 0));
	EXPECT_EQ(0, rpc(c, P9_TMKNOD, "dsdddd", ROOT_FID, "b", S_IFBLK, 259, 0x12345, 0));
	EXPECT_EQ(0, walk(c, 5, "b"));
	EXPECT_EQ(0x12300000 | 259 << 8 | 0x45, get_attr(c, 5).rdev);
}

TEST_F(client, owner_of_what_is_created)
{
	struct client *c = self->c;
	struct stat st;

	if (geteuid())
		SKIP(return, "needs root");
	ASSERT_EQ(0, chmod(c->dir, 0755));
	ASSERT_EQ(0, attach_as(c, 2, 1234));
	/* The guest's kernel has allowed it; the host does not ask again. */
	EXPECT_EQ(0, rpc(c, P9_TMKDIR, "dsdd", 2, "dir", 0700, 4321));
	EXPECT_EQ(0, stat(path_of(c, "dir"), &st));
	EXPECT_EQ(1234, st.st_uid);
	EXPECT_EQ(4321, st.st_gid);
	EXPECT_EQ(0, rpc(c, P9_TLCREATE, "dsddd", 2, "f", 2, 0640, 77));
	EXPECT_EQ(0, stat(path_of(c, "f"), &st));
	EXPECT_EQ(1234, st.st_uid);
	EXPECT_EQ(77, st.st_gid);
	EXPECT_EQ(0100640, st.st_mode);
	EXPECT_EQ(0, geteuid());
}

TEST_F(client, rename_and_unlink)
{
	struct client *c = self->c;

	host_file(c, "f", "text");
	mkdir(path_of(c, "d"), 0755);
	EXPECT_EQ(0, walk(c, 2, "d"));
	EXPECT_EQ(0, rpc(c, P9_TRENAMEAT, "dsds", ROOT_FID, "f", 2, "g"));
	EXPECT_EQ(0, access(path_of(c, "d/g"), F_OK));
	EXPECT_EQ(-ENOENT, rpc(c, P9_TRENAMEAT, "dsds", ROOT_FID, "f", 2, "g"));
	EXPECT_EQ(-EINVAL, rpc(c, P9_TRENAMEAT, "dsds", 2, "g", ROOT_FID, "../g"));
	EXPECT_EQ(-ENOTEMPTY, rpc(c, P9_TUNLINKAT, "dsd", ROOT_FID, "d", P9_AT_REMOVEDIR));
	EXPECT_EQ(-EISDIR, rpc(c, P9_TUNLINKAT, "dsd", ROOT_FID, "d", 0));
	EXPECT_EQ(-EINVAL, rpc(c, P9_TUNLINKAT, "dsd", ROOT_FID, "d", 1));
	EXPECT_EQ(-EINVAL, rpc(c, P9_TUNLINKAT, "dsd", 2, "..", P9_AT_REMOVEDIR));
	EXPECT_EQ(0, rpc(c, P9_TUNLINKAT, "dsd", 2, "g", 0));
	EXPECT_EQ(0, rpc(c, P9_TUNLINKAT, "dsd", ROOT_FID, "d", P9_AT_REMOVEDIR));
	/* The directory is gone; its fid tells. */
	EXPECT_EQ(-ENOENT, rpc(c, P9_TMKDIR, "dsdd", 2, "x", 0755, 0));
	EXPECT_EQ(-ENOENT, rpc(c, P9_TWALK, "ddws", 2, 3, 1, ".."));
	EXPECT_EQ(0, get_attr(c, 2).nlink);
}

TEST_F(client, rename_and_remove_by_fid)
{
	struct client *c = self->c;

	mkdir(path_of(c, "a"), 0755);
	mkdir(path_of(c, "a/b"), 0755);
	host_file(c, "a/b/f", "text");
	EXPECT_EQ(0, rpc(c, P9_TWALK, "ddwsss", ROOT_FID, 2, 3, "a", "b", "f"));
	EXPECT_EQ(0, walk(c, 3, "a"));
	EXPECT_EQ(0, rpc(c, P9_TRENAME, "dds", 2, 3, "g"));
	EXPECT_EQ(0, access(path_of(c, "a/g"), F_OK));
	/* Renamed by somebody else meanwhile. */
	EXPECT_EQ(0, rename(path_of(c, "a/g"), path_of(c, "h")));
	EXPECT_EQ(0, rpc(c, P9_TRENAME, "dds", 2, 3, "i"));
	EXPECT_EQ(0, access(path_of(c, "a/i"), F_OK));
	EXPECT_EQ(0, rpc(c, P9_TREMOVE, "d", 2));
	EXPECT_NE(0, access(path_of(c, "a/i"), F_OK));
	EXPECT_EQ(-EBADF, clunk(c, 2));
	/* The fid goes even if the file does not. */
	EXPECT_EQ(-ENOTEMPTY, rpc(c, P9_TREMOVE, "d", 3));
	EXPECT_EQ(-EBADF, clunk(c, 3));
	EXPECT_EQ(0, rpc(c, P9_TWALK, "ddwss", ROOT_FID, 2, 2, "a", "b"));
	EXPECT_EQ(0, rpc(c, P9_TREMOVE, "d", 2));
	EXPECT_EQ(0, walk(c, 2, ""));
	EXPECT_EQ(-EBUSY, rpc(c, P9_TREMOVE, "d", 2));
	host_file(c, "f", "");
	EXPECT_EQ(0, walk(c, 2, "f"));
	EXPECT_EQ(0, unlink(path_of(c, "f")));
	host_file(c, "f", "");
	EXPECT_EQ(-ENOENT, rpc(c, P9_TREMOVE, "d", 2));
	EXPECT_EQ(0, access(path_of(c, "f"), F_OK));
}

TEST_F(client, remove_by_fid_of_one_of_many_names)
{
	struct client *c = self->c;

	host_file(c, "one", "");
	EXPECT_EQ(0, link(path_of(c, "one"), path_of(c, "two")));
	EXPECT_EQ(0, walk(c, 2, "one"));
	EXPECT_EQ(0, walk(c, 3, "two"));
	/* Never the other one. */
	EXPECT_EQ(-EOPNOTSUPP, rpc(c, P9_TREMOVE, "d", 3));
	EXPECT_EQ(0, access(path_of(c, "one"), F_OK));
	EXPECT_EQ(0, access(path_of(c, "two"), F_OK));
	EXPECT_EQ(0, rpc(c, P9_TREMOVE, "d", 2));
	EXPECT_NE(0, access(path_of(c, "one"), F_OK));
	EXPECT_EQ(0, access(path_of(c, "two"), F_OK));
}

/* --- attributes ------------------------------------------------------------------------ */

TEST_F(client, getattr)
{
	struct client *c = self->c;
	struct share_attr a;
	struct stat st;

	host_file(c, "f", "some text");
	EXPECT_EQ(0, link(path_of(c, "f"), path_of(c, "g")));
	EXPECT_EQ(0, chmod(path_of(c, "f"), 04711));
	EXPECT_EQ(0, stat(path_of(c, "f"), &st));
	EXPECT_EQ(0, walk(c, 2, "f"));
	a = get_attr(c, 2);
	EXPECT_EQ(st.st_ino, a.ino);
	EXPECT_EQ(st.st_mode, a.mode);
	EXPECT_EQ(st.st_uid, a.uid);
	EXPECT_EQ(st.st_gid, a.gid);
	EXPECT_EQ(2, a.nlink);
	EXPECT_EQ(9, a.size);
	EXPECT_EQ(st.st_blocks, a.blocks);
	EXPECT_EQ(st.st_mtim.tv_sec, a.mtime.tv_sec);
	EXPECT_EQ(st.st_mtim.tv_nsec, a.mtime.tv_nsec);
	EXPECT_EQ(st.st_ctim.tv_nsec, a.ctime.tv_nsec);
	EXPECT_EQ(st.st_atim.tv_nsec, a.atime.tv_nsec);
	EXPECT_TRUE(a.blksize <= CLIENT_MSIZE - P9_IOHDR);
	EXPECT_TRUE(a.blksize > CLIENT_MSIZE / 2);
	EXPECT_EQ(0, rpc(c, P9_TGETATTR, "dq", 2, 0ULL));
	EXPECT_EQ(P9_GETATTR_BASIC, rd64(c) & P9_GETATTR_BASIC);
	EXPECT_EQ(P9_HEADER + 153, c->reply_len);
}

#define SETATTR "ddddd" "qqqqq"

TEST_F(client, setattr)
{
	struct client *c = self->c;
	struct stat st;

	host_file(c, "f", "some text");
	EXPECT_EQ(0, walk(c, 2, "f"));
	EXPECT_EQ(0, rpc(c, P9_TSETATTR, SETATTR, 2, P9_ATTR_MODE | P9_ATTR_SIZE, 0100640, 1, 2,
			 4ULL, 0ULL, 0ULL, 0ULL, 0ULL));
	EXPECT_EQ(0, stat(path_of(c, "f"), &st));
	EXPECT_EQ(0100640, st.st_mode);
	EXPECT_EQ(4, st.st_size);
	EXPECT_EQ(0, rpc(c, P9_TSETATTR, SETATTR, 2,
			 P9_ATTR_ATIME | P9_ATTR_ATIME_SET | P9_ATTR_MTIME | P9_ATTR_MTIME_SET,
			 0, 1, 2, 0ULL, 1000ULL, 5ULL, -2000ULL, 7ULL));
	EXPECT_EQ(0, stat(path_of(c, "f"), &st));
	EXPECT_EQ(1000, st.st_atim.tv_sec);
	EXPECT_EQ(5, st.st_atim.tv_nsec);
	EXPECT_EQ(-2000, st.st_mtim.tv_sec);
	EXPECT_EQ(7, st.st_mtim.tv_nsec);
	/* Without a time it is now. */
	EXPECT_EQ(0, rpc(c, P9_TSETATTR, SETATTR, 2, P9_ATTR_MTIME, 0, 1, 2, 0ULL, 0ULL, 0ULL,
			 0ULL, 0ULL));
	EXPECT_EQ(0, stat(path_of(c, "f"), &st));
	EXPECT_TRUE(st.st_mtim.tv_sec > 1000000000);
	EXPECT_EQ(1000, st.st_atim.tv_sec);
	EXPECT_EQ(-EINVAL, rpc(c, P9_TSETATTR, SETATTR, 2, P9_ATTR_MTIME | P9_ATTR_MTIME_SET, 0,
			       1, 2, 0ULL, 0ULL, 0ULL, 0ULL, 1000000000ULL));
	EXPECT_EQ(-EISDIR, rpc(c, P9_TSETATTR, SETATTR, ROOT_FID, P9_ATTR_SIZE, 0, 1, 2, 0ULL,
			       0ULL, 0ULL, 0ULL, 0ULL));
	if (geteuid())
		return;
	EXPECT_EQ(0, rpc(c, P9_TSETATTR, SETATTR, 2, P9_ATTR_UID | P9_ATTR_GID, 0, 1234, 5, 0ULL,
			 0ULL, 0ULL, 0ULL, 0ULL));
	EXPECT_EQ(0, stat(path_of(c, "f"), &st));
	EXPECT_EQ(1234, st.st_uid);
	EXPECT_EQ(5, st.st_gid);
}

TEST_F(client, statfs)
{
	struct client *c = self->c;
	struct statfs st;

	EXPECT_EQ(0, rpc(c, P9_TSTATFS, "d", ROOT_FID));
	EXPECT_EQ(0, statfs(c->dir, &st));
	EXPECT_EQ(0x01021997, rd32(c));
	EXPECT_EQ(st.f_bsize, rd32(c));
	EXPECT_EQ(st.f_blocks, rd64(c));
	c->pos += 5 * 8;
	EXPECT_EQ(st.f_namelen, rd32(c));
	EXPECT_EQ(c->pos, c->reply_len);
}

TEST_HARNESS_MAIN
