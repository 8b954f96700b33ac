// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile guest at a shared directory: FUSE requests with nodes and handles that it
 * was given, or invented, names that lead out, and lengths that are wrong. Whatever it
 * sends, what is outside of the directory is neither changed nor shown, every request
 * comes back, and nothing is left open after a reset.
 *
 * The input is a configuration and a list of requests; see serve().
 */
#include <signal.h>
#include <sys/resource.h>

#include <linux/fuse.h>

#include "fuzz.h"
#include "../unit/share.h"
#include "../unit/virtio_driver.h"
#include "../../virtio/virtio.h"

#define SECRET		"this-is-outside-of-the-share"
#define KNOWN		32
#define ROOM		(16 * 1024)
#define REQUESTS	64
#define FILE_MAX	0x100000

struct input {
	const u8 *p;
	const u8 *end;
};

struct guest {
	struct drv d;
	struct place place;
	struct timespec outside_ctime;
	u64 out;
	u64 in;
	u64 in_lock;
	u64 node[KNOWN];
	u64 fh[KNOWN];
	unsigned int nr_node;
	unsigned int nr_fh;
	unsigned int parked;
	u8 reply[ROOM] __aligned(8);
};

static u8 take(struct input *in)
{
	return in->p < in->end ? *in->p++ : 0;
}

static const char *const names[] = {
	"a", "b", "dir", "link", "fifo", "secret", "..", ".", "dir/x", "/etc/passwd", "",
	"../outside/secret", "new", "user.x", "security.capability",
	"a-name-that-is-rather-long-for-what-it-is-but-not-too-long-for-a-name",
};

/* --- the place ------------------------------------------------------------------------ */

static void fill(struct place *p)
{
	CHECK(!host_write(p, "a", "contents of a"));
	CHECK(!mkdirat(p->fd, "dir", 0755) && !host_write(p, "dir/b", "b"));
	CHECK(!symlinkat("../outside", p->fd, "link"));
	CHECK(!mkfifoat(p->fd, "fifo", 0644));
}

static struct timespec outside_ctime(const struct place *p)
{
	struct stat st;
	char path[256];

	snprintf(path, sizeof(path), "%s/secret", p->outside);
	CHECK(!stat(path, &st) && st.st_size == sizeof(SECRET) - 1 && st.st_nlink == 1);
	CHECK(!stat(p->outside, &st) && st.st_nlink == 2);
	return st.st_ctim;
}

static void check_outside(struct guest *g)
{
	struct timespec now = outside_ctime(&g->place);

	CHECK(now.tv_sec == g->outside_ctime.tv_sec && now.tv_nsec == g->outside_ctime.tv_nsec);
}

static void start(struct guest *g, u8 how)
{
	static const char *const opts[] = {
		"", ",ro", ",locks", ",writeback", ",cache=none", ",squash", ",xattr=off",
		",cache=always,queues=2,locks",
	};
	enum drv_transport t = DRV_MMIO;
	char conf[256];

#ifdef CONFIG_VIRTIO_PCI
	if (how & 8)
		t = DRV_PCI;
#endif
	CHECK(!place_make(&g->place));
	CHECK(!host_write(&g->place, "../outside/secret", SECRET));
	fill(&g->place);
	g->outside_ctime = outside_ctime(&g->place);
	snprintf(conf, sizeof(conf), "%s,tag%s", g->place.root, opts[how % 8]);
	CHECK(!drv_init(&g->d, t, &fs_class, conf));
	CHECK(!drv_setup(&g->d, how & 16 ? DRV_ALL : DRV_PLAIN));
	g->out = drv_alloc(&g->d, 2 * ROOM);
	g->in = drv_alloc(&g->d, ROOM);
	g->in_lock = drv_alloc(&g->d, ROOM);
}

/* --- requests --------------------------------------------------------------------------- */

static u64 pick(const u64 *known, unsigned int nr, u8 which)
{
	if (which >= 0xf0)
		return 0x0123456789abcdefULL >> (which & 15) * 4;
	return nr ? known[which % nr] : which;
}

static void learn(u64 *known, unsigned int *nr, u64 value)
{
	known[(*nr)++ % KNOWN] = value;
	if (*nr >= 2 * KNOWN)
		*nr = KNOWN;
}

static unsigned int count(unsigned int nr)
{
	return nr < KNOWN ? nr : KNOWN;
}

/* Where the arguments of an operation have a handle or a node; -1 for nowhere. */
static int handle_at(u32 op)
{
	switch (op) {
	case FUSE_READ: case FUSE_WRITE: case FUSE_RELEASE: case FUSE_FSYNC: case FUSE_FLUSH:
	case FUSE_READDIR: case FUSE_READDIRPLUS: case FUSE_RELEASEDIR: case FUSE_FSYNCDIR:
	case FUSE_GETLK: case FUSE_SETLK: case FUSE_SETLKW: case FUSE_FALLOCATE:
	case FUSE_LSEEK: case FUSE_COPY_FILE_RANGE:
		return 0;
	case FUSE_GETATTR: case FUSE_SETATTR:
		return 8;
	default:
		return -1;
	}
}

static void patch(struct guest *g, u32 op, u8 *arg, u8 which)
{
	u64 node = pick(g->node, count(g->nr_node), which);
	u64 fh = pick(g->fh, count(g->nr_fh), which);
	int at = handle_at(op);

	if (at >= 0)
		memcpy(arg + at, &fh, 8);
	if (op == FUSE_LINK || op == FUSE_RENAME || op == FUSE_RENAME2)
		memcpy(arg, &node, 8);
	if (op == FUSE_COPY_FILE_RANGE)
		memcpy(arg + 24, &fh, 8);
}

static void took(struct guest *g, u32 op, u64 in, u32 used)
{
	const struct fuse_out_header *h = (void *)g->reply;
	const struct fuse_entry_out *e = (void *)(h + 1);
	const struct fuse_open_out *o = (void *)(h + 1);

	CHECK(used <= ROOM);
	drv_fetch(&g->d, in, g->reply, used);
	CHECK(!memmem(g->reply, used, SECRET, sizeof(SECRET) - 1));
	if (!used)
		return;
	CHECK(used >= sizeof(*h) && h->len == used && h->error <= 0 && h->error > -4096);
	if (h->error || used < sizeof(*h) + sizeof(*o))
		return;
	if (op == FUSE_OPEN || op == FUSE_OPENDIR)
		learn(g->fh, &g->nr_fh, o->fh);
	if (used < sizeof(*h) + sizeof(*e))
		return;
	switch (op) {
	case FUSE_CREATE: case FUSE_TMPFILE:
		learn(g->fh, &g->nr_fh, ((const struct fuse_open_out *)(e + 1))->fh);
		learn(g->node, &g->nr_node, e->nodeid);
		break;
	case FUSE_LOOKUP: case FUSE_MKDIR: case FUSE_MKNOD: case FUSE_SYMLINK: case FUSE_LINK:
		learn(g->node, &g->nr_node, e->nodeid);
	}
}

static void send(struct guest *g, unsigned int q, u32 op, u32 len, u32 room, u8 split)
{
	u32 cut = split && split < len ? split : len, used = 0;
	/* Locks are answered at any time: not where another answer is expected. */
	u64 in = op == FUSE_SETLKW ? g->in_lock : g->in;
	void *cookie = op == FUSE_SETLKW ? (void *)&g->in_lock : g, *done;
	struct drv_seg segs[] = {
		DRV_OUT(g->out, cut), DRV_OUT(g->out + cut, len - cut), DRV_IN(in, room),
	};
	unsigned int nr = 1 + (cut < len);
	bool answered = false;

	segs[nr] = segs[2];
	nr += room > 0;
	if (drv_add(&g->d, q, segs, nr, cookie))
		return;
	drv_notify(&g->d, q);
	drv_run(&g->d);
	while ((done = drv_get(&g->d, q, &used))) {
		answered |= done == cookie;
		if (done == g)
			took(g, op, g->in, used);
		else
			took(g, FUSE_SETLKW, g->in_lock, used);
	}
	if (!answered && op == FUSE_SETLKW)
		g->parked++;
	else
		CHECK(answered || g->parked);
}

/*
 * A request: operation, node, handle, how, room; then arguments: their length, as many
 * bytes, and the numbers of two names.
 */
static void serve(struct guest *g, struct input *in)
{
	struct fuse_in_header h = { .opcode = take(in) % 56, .unique = 1 };
	u8 node = take(in), fh = take(in), how = take(in), room = take(in), n = take(in);
	u8 arg[256] = { }, *p = arg;
	u32 len = sizeof(h);
	int i;

	/* Slow, and nothing that could be hostile in it. */
	if (h.opcode == FUSE_SYNCFS)
		return;
	for (i = 0; i < n && i < 128; i++)
		*p++ = take(in);
	patch(g, h.opcode, arg, fh);
	for (i = 0; i < 2 && how & 1 << i; i++)
		p = (u8 *)stpcpy((char *)p, names[take(in) % ARRAY_SIZE(names)]) + 1;
	if (how & 4 && p > arg)
		p--;
	len += p - arg;
	h.nodeid = node ? pick(g->node, count(g->nr_node), node) : 1;
	h.uid = how & 8 ? 1000 : 0;
	h.len = how & 16 ? len + room - 128 : len;
	drv_put(&g->d, g->out, &h, sizeof(h));
	drv_put(&g->d, g->out + sizeof(h), arg, sizeof(arg));
	send(g, how & 32 ? 0 : 1, h.opcode, how & 64 ? len + 1024 : len,
	     room < 64 ? room : room * 64, how & 128 ? fh : 0);
}

static void greet(struct guest *g)
{
	struct {
		struct fuse_in_header h;
		struct fuse_init_in in;
	} m = {
		.h = { .len = sizeof(m), .opcode = FUSE_INIT },
		.in = { .major = 7, .minor = 38, .flags = ~0U, .flags2 = ~0U },
	};

	drv_put(&g->d, g->out, &m, sizeof(m));
	send(g, 1, FUSE_INIT, sizeof(m), 4096, 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct rlimit rl = { .rlim_cur = FILE_MAX, .rlim_max = FILE_MAX };
	sigset_t set;

	/* As in the device's threads; libFuzzer takes it for a file of its own. */
	sigemptyset(&set);
	sigaddset(&set, SIGXFSZ);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (!access("/dev/shm", W_OK))
		setenv("TMPDIR", "/dev/shm", 0);
	log_set_level(LOG_ERROR);
	return setrlimit(RLIMIT_FSIZE, &rl);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { .p = data, .end = data + size };
	struct guest *g = calloc(1, sizeof(*g));
	int i, fds;
	u8 how = take(&in);

	int cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	mode_t mask = umask(022);

	CHECK(g && cwd >= 0);
	start(g, how);
	fds = count_fds();
	if (!(how & 32))
		greet(g);
	for (i = 0; in.p < in.end && i < REQUESTS; i++)
		serve(g, &in);
	check_outside(g);
	drv_reset(&g->d);
	CHECK(count_fds() == fds);
	drv_end(&g->d);
	place_remove(&g->place);
	free(g);
	/* The device's thread would have its own of these, and it is ours. */
	CHECK(!fchdir(cwd));
	close(cwd);
	umask(mask);
	return 0;
}
