// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile 9P client. The input is a list of requests: what their header and buffers
 * are like (2 bytes), type (1), length of the rest (1), the rest. Whatever they are, each
 * is answered, what a session has taken is given back at its end, and nothing outside
 * the shared directory changes.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/log.h>

#include "fs/9p.h"
#include "fuzz.h"

#define TYPES_END	128	/* a bit of most types is free */

static char top[64], dir[80];
static struct stat top_before, secret_before;
static struct p9_server *server;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return ftw->level ? remove(path) : 0;
}

/* What the client has made unreadable: 1 when there was such a directory. */
static int make_readable(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return type == FTW_DNR ? (chmod(path, 0700) ? -1 : 1) : 0;
}

static void empty(const char *path)
{
	int ret;

	do {
		ret = nftw(path, make_readable, 16, FTW_PHYS | FTW_MOUNT);
	} while (ret > 0);
	CHECK(!ret && !nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT));
}

static void the_end(void)
{
	p9_destroy(server);
	empty(top);
	rmdir(top);
}

static void make_file(const char *name, const char *text)
{
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void fill(void)
{
	char path[160];

	CHECK(!chmod(dir, 0755));
	make_file("f", "some text");
	snprintf(path, sizeof(path), "%s/d", dir);
	CHECK(!mkdir(path, 0755));
	make_file("d/g", "more");
	snprintf(path, sizeof(path), "%s/l", dir);
	CHECK(!symlink("../secret", path));
}

/* A thread that serves has a working directory of its own; the fuzzer needs ours. */
static void get_ready(void)
{
	int cwd = open(".", O_PATH | O_DIRECTORY);

	CHECK(cwd >= 0 && !share_ctx_init(&server->ctx, &server->share) && !fchdir(cwd));
	close(cwd);
	server->ctx.path = "/proc/self/fd/";
	server->ready = true;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct rlimit rl = { 1 << 20, 1 << 20 };
	struct share_opts opts = { .dir = dir, .xattr = true };
	sigset_t set;

	log_set_level(LOG_ERROR);
	/* As on a device's thread. */
	sigemptyset(&set);
	sigaddset(&set, SIGXFSZ);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* Files of the fuzzer itself are small enough. */
	setrlimit(RLIMIT_FSIZE, &rl);
	snprintf(top, sizeof(top), "/tmp/vmtool-fuzz-9p-XXXXXX");
	CHECK(mkdtemp(top));
	snprintf(dir, sizeof(dir), "%s/share", top);
	CHECK(!mkdir(dir, 0755));
	make_file("../secret", "secret");
	CHECK(!p9_create(&server, &opts, 24));
	get_ready();
	fill();
	CHECK(!stat(top, &top_before));
	make_file("../secret", "secret");
	snprintf(dir, sizeof(dir), "%s/secret", top);
	CHECK(!stat(dir, &secret_before));
	snprintf(dir, sizeof(dir), "%s/share", top);
	atexit(the_end);
	return 0;
}

static bool same(const char *path, const struct stat *before)
{
	struct stat st;

	return !stat(path, &st) && st.st_mode == before->st_mode &&
	       st.st_uid == before->st_uid && st.st_nlink == before->st_nlink &&
	       st.st_mtim.tv_sec == before->st_mtim.tv_sec &&
	       st.st_mtim.tv_nsec == before->st_mtim.tv_nsec &&
	       st.st_ctim.tv_sec == before->st_ctim.tv_sec &&
	       st.st_ctim.tv_nsec == before->st_ctim.tv_nsec;
}

/* The rest of the request is cut in two; so is the room for the reply. */
static unsigned int cut(struct iovec *iov, u8 *buf, size_t len, size_t at)
{
	at = min_t(size_t, at, len);
	iov[0] = (struct iovec) { buf, at };
	iov[1] = (struct iovec) { buf + at, len - at };
	return 2;
}

static void check_reply(const struct vq_chain *c, const u8 *in, size_t room, const u8 *msg)
{
	u32 size;

	CHECK(c->in_pos <= room);
	if (!c->in_pos) {
		CHECK(room < P9_ERROR);
		return;
	}
	CHECK(c->in_pos >= P9_HEADER);
	memcpy(&size, in, sizeof(size));
	CHECK(le32toh(size) == c->in_pos);
	if (in[4] == P9_RLERROR)
		CHECK(size == P9_ERROR && in[7] | in[8] && !in[10]);
	else
		CHECK(in[4] == msg[4] + 1 && !memcmp(in + 5, msg + 5, 2));
}

/* A request of which @len bytes follow the header. */
static void request(u8 shape, u8 rooms, u8 type, const u8 *rest, size_t len)
{
	static const size_t room_of[] = { 0, 7, 10, 11, 12, 20, 24, 160, 200, 4096 };
	size_t room = rooms & 0x80 ? 70000 : room_of[rooms % ARRAY_SIZE(room_of)];
	u8 *out = malloc(P9_HEADER + len), *in = malloc(room ? room : 1);
	u32 size = htole32(P9_HEADER + len + (shape >> 6 == 3) - (shape >> 6 == 2));
	struct vq_chain c = { 0 };
	struct iovec iov[4];

	CHECK(out && in);
	memcpy(out, &size, sizeof(size));
	out[4] = type;
	out[5] = shape;
	out[6] = 0x55;
	memcpy(out + P9_HEADER, rest, len);
	vq_chain_init(&c, iov, ARRAY_SIZE(iov));
	c.out_len = P9_HEADER + len;
	c.in_len = room;
	c.nr_out = cut(iov, out, c.out_len, shape & 0x3f);
	c.nr_in = cut(iov + 2, in, room, rooms & 0x40 ? 11 : 70000);
	p9_serve(server, &c);
	check_reply(&c, in, room, out);
	free(out);
	free(in);
}

static void begin_session(void)
{
	static const u8 version[] = "\0\0\2\0\10\0009P2000.L";
	static const u8 attach[] = "\1\0\0\0\xff\xff\xff\xff\0\0\0\0\0\0\0";

	request(0, 0x80, P9_TVERSION, version, sizeof(version) - 1);
	request(0, 0x80, P9_TATTACH, attach, sizeof(attach));
}

static void end_session(void)
{
	p9_reset(server);
	CHECK(!server->nr_fids && !server->xattr_bytes && !server->nr_locks);
	CHECK(list_empty(&server->lockfiles));
	CHECK(server->share.nr_inodes == 1 && !server->share.nr_files);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	char secret[80];

	begin_session();
	while (size >= 4) {
		size_t len = min_t(size_t, data[3], size - 4);

		request(data[0], data[1], data[2] % TYPES_END, data + 4, len);
		data += 4 + len;
		size -= 4 + len;
	}
	end_session();
	snprintf(secret, sizeof(secret), "%s/secret", top);
	CHECK(same(top, &top_before) && same(secret, &secret_before));
	empty(dir);
	fill();
	return 0;
}
