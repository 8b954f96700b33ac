// SPDX-License-Identifier: GPL-2.0
/*
 * The 9P device and a hostile or unlucky guest: malformed requests, limits, shares that
 * are read-only, full disks, and directories that somebody moves about meanwhile.
 */
#include <kselftest_harness.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

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
	log_set_level(LOG_ERROR);
}

FIXTURE_TEARDOWN(client)
{
	client_end(self->c);
}

static bool alive(struct client *c)
{
	c->room = 0;
	return !version(c, CLIENT_MSIZE, "9P2000.L") && !attach_as(c, ROOT_FID, 0) &&
	       !(drv_status(&c->d) & VIRTIO_CONFIG_S_NEEDS_RESET);
}

/* Is what came back a reply of any kind, to what was sent with this tag? */
static bool is_reply(struct client *c, u16 tag)
{
	u32 size;
	u8 type;

	if (c->reply_len < P9_HEADER)
		return false;
	size = rd32(c);
	type = rd8(c);
	return size == c->reply_len && (type & 1) && (rd16(c) == tag || type == P9_RLERROR);
}

/* --- malformed requests ------------------------------------------------------------ */

TEST_F(client, requests_of_any_length)
{
	struct client *c = self->c;
	unsigned int type, len;

	host_file(c, "f", "text");
	for (type = 0; type < 256; type++) {
		for (len = 0; len < 64; len += len < 32 ? 1 : 7) {
			if (!len)
				ASSERT_TRUE(alive(c));
			memset(c->msg, 0, 256);
			begin(c, type);
			/* A fid that there is, then small numbers. */
			add_int(c, ROOT_FID, 4);
			add_int(c, 2, 4);
			add_int(c, 1, 2);
			add_int(c, 1, 2);
			add_int(c, 'f', 1);
			c->len = P9_HEADER + len;
			c->msg[0] = c->len;
			send_raw(c);
			ASSERT_TRUE(is_reply(c, c->tag));
			/* As if there was more of it. */
			c->msg[0] = c->len + 1;
			send_raw(c);
			ASSERT_EQ(P9_ERROR, c->reply_len);
		}
	}
	EXPECT_TRUE(alive(c));
	EXPECT_EQ(0, access(path_of(c, "f"), F_OK));
}

TEST_F(client, headers)
{
	struct client *c = self->c;
	unsigned int len;

	for (len = 1; len < P9_HEADER; len++) {
		begin(c, P9_TGETATTR);
		c->msg[0] = len;
		c->len = len;
		EXPECT_EQ(P9_ERROR, send_raw(c));
		c->pos = 7;
		EXPECT_EQ(EPROTO, rd32(c));
	}
	begin(c, P9_TGETATTR);
	c->msg[0] = 6;
	EXPECT_EQ(P9_ERROR, send_raw(c));
	c->msg[0] = 0;
	c->msg[3] = 0x80;
	EXPECT_EQ(P9_ERROR, send_raw(c));
	/* Of types, too. */
	EXPECT_EQ(-EOPNOTSUPP, rpc(c, 112, "db", ROOT_FID, 0));
	EXPECT_EQ(-EOPNOTSUPP, rpc(c, 124, "d", ROOT_FID));
	EXPECT_EQ(-EOPNOTSUPP, rpc(c, P9_TVERSION + 1, ""));
	EXPECT_EQ(-EOPNOTSUPP, rpc(c, 255, ""));
	/* More than its fields is not less. */
	EXPECT_EQ(0, rpc(c, P9_TGETATTR, "dqqqq", ROOT_FID, 0ULL, 1ULL, 2ULL, 3ULL));
}

TEST_F(client, strings)
{
	struct client *c = self->c;

	begin(c, P9_TMKDIR);
	add_int(c, ROOT_FID, 4);
	add_int(c, 3, 2);
	add(c, "a\0b", 3);
	add_int(c, 0755, 4);
	add_int(c, 0, 4);
	EXPECT_EQ(-EINVAL, send_msg(c));
	begin(c, P9_TMKDIR);
	add_int(c, ROOT_FID, 4);
	add_int(c, 65535, 2);
	add(c, "abc", 3);
	EXPECT_EQ(-EPROTO, send_msg(c));
	begin(c, P9_TSYMLINK);
	add_int(c, ROOT_FID, 4);
	add_str(c, "link");
	memset(c->reply, 't', 65535);
	add_int(c, 4096, 2);
	add(c, c->reply, 4096);
	add_int(c, 0, 4);
	EXPECT_EQ(-ENAMETOOLONG, send_msg(c));
	begin(c, P9_TSYMLINK);
	add_int(c, ROOT_FID, 4);
	add_str(c, "link");
	memset(c->reply, 't', 4095);
	add_int(c, 4095, 2);
	add(c, c->reply, 4095);
	add_int(c, 0, 4);
	EXPECT_EQ(0, send_msg(c));
	EXPECT_EQ(0, walk(c, 2, "link"));
	EXPECT_EQ(0, rpc(c, P9_TREADLINK, "d", 2));
	EXPECT_EQ(4095, strlen(rd_str(c)));
	/* A count that promises more than there is. */
	begin(c, P9_TWRITE);
	add_int(c, ROOT_FID, 4);
	add_int(c, 0, 8);
	add_int(c, 1000, 4);
	add(c, "abc", 3);
	EXPECT_EQ(-EPROTO, send_msg(c));
}

TEST_F(client, replies_without_room)
{
	struct client *c = self->c;
	u32 len;

	host_file(c, "f", "text");
	/* Not even an error fits: nothing is done, and the guest gets its buffers back. */
	for (c->room = 1; c->room < P9_ERROR; c->room++) {
		begin(c, P9_TMKDIR);
		add_int(c, ROOT_FID, 4);
		add_str(c, "dir");
		add_int(c, 0755, 4);
		add_int(c, 0, 4);
		c->msg[0] = c->len;
		EXPECT_EQ(0, send_raw(c));
	}
	EXPECT_NE(0, access(path_of(c, "dir"), F_OK));
	/* An error does, what was asked for does not: the same. */
	c->room = P9_HEADER + P9_QID - 1;
	EXPECT_EQ(-EMSGSIZE, rpc(c, P9_TMKDIR, "dsdd", ROOT_FID, "dir", 0755, 0));
	EXPECT_NE(0, access(path_of(c, "dir"), F_OK));
	c->room++;
	EXPECT_EQ(0, rpc(c, P9_TMKDIR, "dsdd", ROOT_FID, "dir", 0755, 0));
	c->room = P9_HEADER + 2 + 2 * P9_QID - 1;
	EXPECT_EQ(-EMSGSIZE, rpc(c, P9_TWALK, "ddwss", ROOT_FID, 2, 2, "dir", ".."));
	c->room++;
	EXPECT_EQ(0, rpc(c, P9_TWALK, "ddwss", ROOT_FID, 2, 2, "dir", ".."));
	EXPECT_EQ(0, symlink("a long target", path_of(c, "link")));
	EXPECT_EQ(0, walk(c, 3, "link"));
	c->room = P9_HEADER + 2 + 12;
	EXPECT_EQ(-EMSGSIZE, rpc(c, P9_TREADLINK, "d", 3));
	c->room++;
	EXPECT_EQ(0, rpc(c, P9_TREADLINK, "d", 3));
	/* Chains with one half only. */
	c->room = 0;
	EXPECT_TRUE(drv_request(&c->d, 0, (struct drv_seg[]){ DRV_OUT(c->out, 20) }, 1, &len));
	EXPECT_EQ(0, len);
	EXPECT_TRUE(drv_request(&c->d, 0, (struct drv_seg[]){ DRV_IN(c->in, 20) }, 1, &len));
	EXPECT_EQ(P9_ERROR, len);
	EXPECT_TRUE(alive(c));
}

/* --- limits -------------------------------------------------------------------------- */

TEST_F(client, fids_run_out)
{
	struct client *c = self->c;
	u32 i;

	client_again(c, variant->transport, variant->features, ",fids=100");
	for (i = 0; i < 99; i++)
		ASSERT_EQ(0, walk(c, 1000 * i + 7, ""));
	EXPECT_EQ(-ENFILE, walk(c, 5, ""));
	EXPECT_EQ(-ENFILE, attach_as(c, 5, 0));
	EXPECT_EQ(-ENFILE, rpc(c, P9_TXATTRWALK, "dds", ROOT_FID, 5, "user.a"));
	/* None is needed for this. */
	EXPECT_EQ(0, rpc(c, P9_TWALK, "ddw", 7, 7, 0));
	EXPECT_EQ(0, clunk(c, 7));
	EXPECT_EQ(0, walk(c, 5, ""));
	EXPECT_TRUE(alive(c));
	for (i = 0; i < 99; i++)
		ASSERT_EQ(0, walk(c, 3 * i + 7, ""));
}

TEST_F(client, many_fids)
{
	struct client *c = self->c;
	u32 i, k;

	for (k = 0; k < 2; k++) {
		for (i = 0; i < 5000; i++)
			ASSERT_EQ(0, walk(c, i * 0x9e3779b9U | 2, ""));
		for (i = 0; i < 5000; i += 2)
			ASSERT_EQ(0, clunk(c, i * 0x9e3779b9U | 2));
		for (i = 0; i < 5000; i++)
			ASSERT_EQ(i % 2 ? 0 : -EBADF, rpc(c, P9_TGETATTR, "dq",
							  i * 0x9e3779b9U | 2, 0ULL));
		ASSERT_TRUE(alive(c));
	}
}

TEST_F(client, descriptors_run_out)
{
	struct rlimit rl = { 1024, 1024 };
	struct client *c = self->c;
	char name[16];
	int i, ret = 0;

	drv_end(&c->d);
	/* Beyond which not even root gets: the limit of the process is what it finds. */
	if (setrlimit(RLIMIT_NOFILE, &rl))
		SKIP(return, "the limit cannot be set");
	if (client_device(c, variant->transport, variant->features, ""))
		drv_die("no device");
	rl.rlim_cur = 200;
	rl.rlim_max = 200;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &rl));
	ASSERT_TRUE(alive(c));
	for (i = 0; i < 400; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		if (mknod(path_of(c, name), S_IFREG | 0644, 0))
			break;
	}
	ASSERT_EQ(400, i);
	for (i = 0; i < 400 && !ret; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		ret = walk(c, 10 + i, name);
	}
	EXPECT_EQ(-ENFILE, ret);
	EXPECT_EQ(0, clunk(c, 10));
	EXPECT_EQ(0, walk(c, 10, "f399"));
	EXPECT_EQ(-ENFILE, lopen(c, 10, 0));
	EXPECT_EQ(0, clunk(c, 11));
	EXPECT_EQ(0, lopen(c, 10, 0));
	EXPECT_TRUE(alive(c));
}

/* --- read-only, other users ------------------------------------------------------------ */

TEST_F(client, read_only)
{
	struct client *c = self->c;

	host_file(c, "f", "text");
	client_again(c, variant->transport, variant->features, ",ro");
	ASSERT_EQ(0, walk(c, 2, "f"));
	EXPECT_EQ(-EROFS, lopen(c, 2, 1));
	EXPECT_EQ(-EROFS, lopen(c, 2, 2));
	EXPECT_EQ(-EROFS, lopen(c, 2, P9_O_TRUNC));
	EXPECT_EQ(-EROFS, rpc(c, P9_TXATTRCREATE, "dsqd", 2, "user.a", 1ULL, 0));
	EXPECT_EQ(-EROFS, create(c, 3, "g", 2, 0644));
	EXPECT_EQ(-EROFS, rpc(c, P9_TMKDIR, "dsdd", ROOT_FID, "d", 0755, 0));
	EXPECT_EQ(-EROFS, rpc(c, P9_TMKNOD, "dsdddd", ROOT_FID, "d", S_IFIFO, 0, 0, 0));
	EXPECT_EQ(-EROFS, rpc(c, P9_TSYMLINK, "dssd", ROOT_FID, "d", "t", 0));
	EXPECT_EQ(-EROFS, rpc(c, P9_TLINK, "dds", ROOT_FID, 2, "d"));
	EXPECT_EQ(-EROFS, rpc(c, P9_TRENAME, "dds", 2, ROOT_FID, "d"));
	EXPECT_EQ(-EROFS, rpc(c, P9_TRENAMEAT, "dsds", ROOT_FID, "f", ROOT_FID, "d"));
	EXPECT_EQ(-EROFS, rpc(c, P9_TUNLINKAT, "dsd", ROOT_FID, "f", 0));
	EXPECT_EQ(-EROFS, rpc(c, P9_TSETATTR, "dddddqqqqq", 2, P9_ATTR_MODE, 0, 0, 0, 2ULL, 0ULL,
			      0ULL, 0ULL, 0ULL));
	EXPECT_EQ(0, lopen(c, 2, 0));
	EXPECT_EQ(4, fread_at(c, 2, 0, 100));
	EXPECT_EQ(-EBADF, fwrite_at(c, 2, 0, "x", 1));
	EXPECT_EQ(0, rpc(c, P9_TLOCK, "dbdqqds", 2, P9_LOCK_WRLCK, 0, 0ULL, 0ULL, 1, "h"));
	EXPECT_EQ(0, rpc(c, P9_TFSYNC, "dd", 2, 0));
	EXPECT_EQ(-EROFS, rpc(c, P9_TREMOVE, "d", 2));
	EXPECT_EQ(0, access(path_of(c, "f"), F_OK));
}

TEST_F(client, users_that_are_others_in_the_guest)
{
	struct client *c = self->c;
	char opts[64];
	struct stat st;

	host_file(c, "f", "text");
	snprintf(opts, sizeof(opts), ",uidmap=%u:77:1,gidmap=%u:88:1", geteuid(), getegid());
	client_again(c, variant->transport, variant->features, opts);
	ASSERT_EQ(0, walk(c, 2, "f"));
	EXPECT_EQ(77, get_attr(c, 2).uid);
	EXPECT_EQ(88, get_attr(c, 2).gid);
	client_again(c, variant->transport, variant->features, ",squash");
	ASSERT_EQ(0, attach_as(c, 3, 1000));
	EXPECT_EQ(0, rpc(c, P9_TMKDIR, "dsdd", 3, "d", 0755, 1000));
	EXPECT_EQ(0, stat(path_of(c, "d"), &st));
	EXPECT_EQ(geteuid(), st.st_uid);
}

/* --- when the host cannot ----------------------------------------------------------------- */

TEST_F(client, a_full_disk)
{
	struct client *c = self->c;
	u8 *buf = calloc(1, 100000);
	int ret;

	drv_end(&c->d);
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", c->dir, "tmpfs", 0, "size=64k"))
		SKIP(return, "no file systems can be mounted here");
	if (client_device(c, variant->transport, variant->features, "") || !alive(c))
		drv_die("no device");
	ASSERT_EQ(0, create(c, 2, "f", 2, 0644));
	/* First what fits, then the error, as write(2) does. */
	ret = fwrite_at(c, 2, 0, buf, 100000);
	EXPECT_EQ(65536, ret);
	EXPECT_EQ(-ENOSPC, fwrite_at(c, 2, ret, buf, 100000));
	EXPECT_EQ(65536, get_attr(c, 2).size);
	EXPECT_EQ(0, rpc(c, P9_TFSYNC, "dd", 2, 0));
	EXPECT_EQ(0, rpc(c, P9_TSETATTR, "dddddqqqqq", 2, P9_ATTR_SIZE, 0, 0, 0, 0ULL, 0ULL, 0ULL,
			 0ULL, 0ULL));
	EXPECT_EQ(100, fwrite_at(c, 2, 0, buf, 100));
	EXPECT_TRUE(alive(c));
	umount2(c->dir, MNT_DETACH);
	free(buf);
}

TEST_F(client, a_limit_of_the_size_of_files)
{
	struct rlimit rl = { 5000, RLIM_INFINITY };
	struct client *c = self->c;
	u8 *buf = calloc(1, 8192);

	/* As on a device's thread. */
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &rl));
	ASSERT_EQ(0, create(c, 2, "f", 2, 0644));
	EXPECT_EQ(5000, fwrite_at(c, 2, 0, buf, 8192));
	EXPECT_EQ(-EFBIG, fwrite_at(c, 2, 5000, buf, 8192));
	rl.rlim_cur = RLIM_INFINITY;
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &rl));
	EXPECT_EQ(8192, fwrite_at(c, 2, 5000, buf, 8192));
	free(buf);
}

/* --- somebody moves things about ------------------------------------------------------ */

struct mover {
	struct client *c;
	bool stop;
	char real[128];
	char name[128];
	char outside[128];
};

/* "x" is a directory, a symlink to one outside, nothing, in turns. */
static void *move_about(void *arg)
{
	struct mover *m = arg;

	while (!__atomic_load_n(&m->stop, __ATOMIC_RELAXED)) {
		rename(m->real, m->name);
		usleep(10);
		rename(m->name, m->real);
		if (!symlink(m->outside, m->name)) {
			usleep(10);
			unlink(m->name);
		}
	}
	return NULL;
}

TEST_F(client, nothing_outside_is_reached)
{
	struct client *c = self->c;
	struct mover m = { .c = c };
	int i, entries = 0, through = 0;
	struct dirent *e;
	char text[32];
	pthread_t t;
	FILE *f;
	DIR *d;

	snprintf(m.outside, sizeof(m.outside), "%s/outside", c->top);
	snprintf(m.real, sizeof(m.real), "%s/real", c->dir);
	snprintf(m.name, sizeof(m.name), "%s/x", c->dir);
	mkdir(m.outside, 0777);
	mkdir(m.real, 0777);
	host_file(c, "../outside/secret", "secret");
	host_file(c, "real/secret", "public");
	ASSERT_EQ(0, pthread_create(&t, NULL, move_about, &m));
	/* On a machine with much else to do it takes longer until both have met. */
	for (i = 0; i < 4000 || (!through && i < 200000); i++) {
		u32 fid = 10;

		if (!rpc(c, P9_TWALK, "ddwss", ROOT_FID, fid, 2, "x", "secret") &&
		    rd16(c) == 2) {
			if (!lopen(c, fid, 2 | P9_O_TRUNC * !(i % 16)) &&
			    fread_at(c, fid, 0, 100) == 6) {
				ASSERT_EQ('p', c->reply[c->pos]);
				through++;
			}
			fwrite_at(c, fid, 0, "public", 6);
			clunk(c, fid);
		}
		if (!walk(c, fid, "x")) {
			rpc(c, P9_TMKDIR, "dsdd", fid, "new", 0755, 0);
			rpc(c, P9_TUNLINKAT, "dsd", fid, "new", P9_AT_REMOVEDIR);
			rpc(c, P9_TSETATTR, "dddddqqqqq", fid, P9_ATTR_MODE, 0777, 0, 0, 0ULL,
			    0ULL, 0ULL, 0ULL, 0ULL);
			rpc(c, P9_TLCREATE, "dsddd", fid, "file", 2, 0644, 0);
			clunk(c, fid);
		}
		rpc(c, P9_TWALK, "ddwss", ROOT_FID, fid, 2, "x", "..");
		rpc(c, P9_TWALK, "ddwsss", fid, fid + 1, 3, "..", "outside", "secret");
		ASSERT_EQ(-EBADF, clunk(c, fid + 1));
		clunk(c, fid);
	}
	__atomic_store_n(&m.stop, true, __ATOMIC_RELAXED);
	pthread_join(t, NULL);
	/* The way was found now and then, or there is no race here. */
	EXPECT_TRUE(through > 0);
	f = fopen(path_of(c, "../outside/secret"), "r");
	ASSERT_NE(NULL, f);
	EXPECT_EQ(6, fread(text, 1, sizeof(text), f));
	fclose(f);
	EXPECT_EQ(0, memcmp(text, "secret", 6));
	d = opendir(m.outside);
	while ((e = readdir(d)))
		entries++;
	closedir(d);
	EXPECT_EQ(3, entries);
}

TEST_HARNESS_MAIN
