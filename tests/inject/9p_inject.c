// SPDX-License-Identifier: GPL-2.0
/*
 * 9p_inject STEP...: the directory "share" here as a 9P share, and requests to it.
 *
 * Each step is done by itself, with fids of its own, and says what came of it: "read 9",
 * "mkdir ok", "mkdir EIO". At the end the session has to be as good as at the
 * beginning: "end ok".
 */
#include "../unit/9p.h"

#define FID	20
#define FID2	21

struct step {
	const char *name;
	int (*fn)(struct client *c);
	bool counts;		/* what it returns is a number of bytes, not 0 */
};

static int do_walk(struct client *c)
{
	return walk(c, FID, "f");
}

static int do_open(struct client *c)
{
	return open_name(c, FID, "f", 2);
}

static int do_create(struct client *c)
{
	int ret = create(c, FID, "new", 2, 0644);

	return ret ? ret : rpc(c, P9_TUNLINKAT, "dsd", ROOT_FID, "new", 0);
}

static int do_read(struct client *c)
{
	int ret = do_open(c);

	return ret ? ret : fread_at(c, FID, 0, 8192);
}

static int do_write(struct client *c)
{
	static const u8 buf[8192] = "some text";
	int ret = do_open(c);

	return ret ? ret : fwrite_at(c, FID, 0, buf, sizeof(buf));
}

static int do_sync(struct client *c)
{
	int ret = do_open(c);

	return ret ? ret : rpc(c, P9_TFSYNC, "dd", FID, 0);
}

static int do_dsync(struct client *c)
{
	int ret = do_open(c);

	return ret ? ret : rpc(c, P9_TFSYNC, "dd", FID, 1);
}

static int do_list(struct client *c)
{
	int ret = open_name(c, FID, "", 0);

	return ret ? ret : rpc(c, P9_TREADDIR, "dqd", FID, 0ULL, 4096);
}

static int do_mkdir(struct client *c)
{
	int ret = rpc(c, P9_TMKDIR, "dsdd", ROOT_FID, "new", 0755, 0);

	return ret ? ret : rpc(c, P9_TUNLINKAT, "dsd", ROOT_FID, "new", P9_AT_REMOVEDIR);
}

static int do_mknod(struct client *c)
{
	int ret = rpc(c, P9_TMKNOD, "dsdddd", ROOT_FID, "new", S_IFIFO | 0644, 0, 0, 0);

	return ret ? ret : rpc(c, P9_TUNLINKAT, "dsd", ROOT_FID, "new", 0);
}

static int do_symlink(struct client *c)
{
	int ret = rpc(c, P9_TSYMLINK, "dssd", ROOT_FID, "new", "target", 0);

	return ret ? ret : rpc(c, P9_TUNLINKAT, "dsd", ROOT_FID, "new", 0);
}

static int do_link(struct client *c)
{
	int ret = do_walk(c);

	if (!ret)
		ret = rpc(c, P9_TLINK, "dds", ROOT_FID, FID, "new");
	return ret ? ret : rpc(c, P9_TUNLINKAT, "dsd", ROOT_FID, "new", 0);
}

static int do_rename(struct client *c)
{
	return rpc(c, P9_TRENAMEAT, "dsds", ROOT_FID, "f", ROOT_FID, "f");
}

static int do_readlink(struct client *c)
{
	int ret = walk(c, FID, "l");

	return ret ? ret : rpc(c, P9_TREADLINK, "d", FID);
}

static int set_attr(struct client *c, u32 what)
{
	int ret = do_open(c);

	return ret ? ret : rpc(c, P9_TSETATTR, "dddddqqqqq", FID, what, 0644, geteuid(), getegid(),
			       8192ULL, 0ULL, 0ULL, 0ULL, 0ULL);
}

static int do_chmod(struct client *c)
{
	return set_attr(c, P9_ATTR_MODE);
}

static int do_chown(struct client *c)
{
	return set_attr(c, P9_ATTR_UID);
}

static int do_size(struct client *c)
{
	return set_attr(c, P9_ATTR_SIZE);
}

static int do_times(struct client *c)
{
	return set_attr(c, P9_ATTR_MTIME);
}

static int do_getattr(struct client *c)
{
	return rpc(c, P9_TGETATTR, "dq", ROOT_FID, ~0ULL);
}

static int do_statfs(struct client *c)
{
	return rpc(c, P9_TSTATFS, "d", ROOT_FID);
}

static int do_setx(struct client *c)
{
	int ret = do_walk(c);

	if (!ret)
		ret = rpc(c, P9_TXATTRCREATE, "dsqd", FID, "user.a", 5ULL, 0);
	if (!ret && fwrite_at(c, FID, 0, "value", 5) != 5)
		ret = -EPROTO;
	return ret ? ret : clunk(c, FID);
}

static int do_getx(struct client *c)
{
	int ret = do_walk(c);

	if (!ret)
		ret = rpc(c, P9_TXATTRWALK, "dds", FID, FID2, "user.a");
	return ret ? ret : fread_at(c, FID2, 0, 100);
}

static int do_listx(struct client *c)
{
	int ret = do_walk(c);

	if (!ret)
		ret = rpc(c, P9_TXATTRWALK, "dds", FID, FID2, "");
	return ret ? ret : fread_at(c, FID2, 0, 100);
}

static int do_remx(struct client *c)
{
	int ret = do_walk(c);

	if (!ret)
		ret = rpc(c, P9_TXATTRCREATE, "dsqd", FID, "user.a", 0ULL, 2);
	return ret ? ret : clunk(c, FID);
}

/* The status of a lock that was not to be had, as a number of bytes. */
static int do_lock(struct client *c)
{
	int ret = do_open(c);

	if (!ret)
		ret = rpc(c, P9_TLOCK, "dbdqqds", FID, P9_LOCK_WRLCK, 0, 0ULL, 0ULL, 1, "h");
	return ret ? ret : rd8(c);
}

static const struct step steps[] = {
	{ "walk", do_walk }, { "open", do_open }, { "create", do_create },
	{ "read", do_read, true }, { "write", do_write, true }, { "sync", do_sync },
	{ "dsync", do_dsync }, { "list", do_list }, { "mkdir", do_mkdir },
	{ "mknod", do_mknod }, { "symlink", do_symlink }, { "link", do_link },
	{ "rename", do_rename }, { "readlink", do_readlink }, { "chmod", do_chmod },
	{ "chown", do_chown }, { "size", do_size }, { "times", do_times },
	{ "getattr", do_getattr }, { "statfs", do_statfs }, { "setx", do_setx },
	{ "getx", do_getx, true }, { "listx", do_listx, true }, { "remx", do_remx },
	{ "lock", do_lock, true },
};

static void do_step(struct client *c, const char *name)
{
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(steps) && strcmp(steps[i].name, name);)
		i++;
	if (i == ARRAY_SIZE(steps))
		drv_die("no such step: %s", name);
	ret = steps[i].fn(c);
	if (ret < 0)
		printf("%s %s\n", name, strerrorname_np(-ret));
	else if (steps[i].counts)
		printf("%s %d\n", name, ret);
	else
		printf("%s ok\n", name);
	/* Some of these there are not. */
	clunk(c, FID);
	clunk(c, FID2);
}

static bool as_good_as_new(struct client *c)
{
	return !do_walk(c) && !lopen(c, FID, 2) && fread_at(c, FID, 0, 9) == 9 &&
	       !memcmp(c->reply + c->pos, "some text", 9) && !clunk(c, FID) &&
	       drv_status(&c->d) & VIRTIO_CONFIG_S_DRIVER_OK &&
	       !(drv_status(&c->d) & VIRTIO_CONFIG_S_NEEDS_RESET);
}

int main(int argc, char **argv)
{
	struct client *c = calloc(1, sizeof(*c));
	char cwd[60];
	int i, ret;

	if (!c || !getcwd(cwd, sizeof(cwd)))
		drv_die("no directory");
	setlinebuf(stdout);
	snprintf(c->dir, sizeof(c->dir), "%s/share", cwd);
	ret = client_device(c, DRV_MMIO, DRV_SPLIT, "");
	if (ret) {
		printf("realize: %s\n", strerrorname_np(-ret));
		drv_end(&c->d);
		return 0;
	}
	if (version(c, CLIENT_MSIZE, "9P2000.L") || attach_as(c, ROOT_FID, 0))
		drv_die("no session");
	for (i = 1; i < argc; i++)
		do_step(c, argv[i]);
	printf("end %s\n", as_good_as_new(c) ? "ok" : "bad");
	drv_end(&c->d);
	free(c);
	return 0;
}
