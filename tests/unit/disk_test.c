// SPDX-License-Identifier: GPL-2.0
/*
 * disk/: raw files by threads and by io_uring: data, errors of the host, locks.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <linux/kernel.h>
#include <linux/sizes.h>
#include <vmtool/disk.h>
#include <vmtool/evloop.h>

#include <kselftest_harness.h>

#include "capture.h"
#include "count_sync.h"

#define SIZE	SZ_4M
#define DEPTH	64

/* Memory that is aligned, and that is not for O_DIRECT. */
struct mem {
	u8 *buf;
	u8 *odd;
};

FIXTURE(disk) {
	char dir[32];
	char path[64];
	struct disk_conf conf;
	struct evloop loop;
	struct disk *d;
	struct disk_queue *q;
	struct mem mem;
	unsigned int done;
	unsigned int batches;
};

FIXTURE_VARIANT(disk) {
	unsigned int io;
	bool direct;
};

FIXTURE_VARIANT_ADD(disk, threads) { .io = DISK_IO_THREADS };
FIXTURE_VARIANT_ADD(disk, threads_direct) { .io = DISK_IO_THREADS, .direct = true };
FIXTURE_VARIANT_ADD(disk, uring) { .io = DISK_IO_URING };
FIXTURE_VARIANT_ADD(disk, uring_direct) { .io = DISK_IO_URING, .direct = true };

static void req_done(struct disk_queue *q, struct disk_req *req)
{
	FIXTURE_DATA(disk) *self = q->priv;

	self->done++;
}

static void req_batch(struct disk_queue *q)
{
	FIXTURE_DATA(disk) *self = q->priv;

	self->batches++;
}

static void make_file(const char *path, off_t size)
{
	int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, size))
		abort();
	close(fd);
}

/* 0 or -errno; closed by shut(). */
static int start(FIXTURE_DATA(disk) *self)
{
	int ret = disk_open(&self->d, &self->conf);

	if (ret)
		return ret;
	self->q = disk_queue_open(self->d, &self->loop, DEPTH, &ret);
	if (!self->q)
		return ret;
	self->q->done = req_done;
	self->q->batch = req_batch;
	self->q->priv = self;
	return 0;
}

static void shut(FIXTURE_DATA(disk) *self)
{
	disk_queue_close(self->q);
	self->q = NULL;
	disk_close(self->d);
	self->d = NULL;
}

FIXTURE_SETUP(disk)
{
	struct capture c;
	int ret;

	memset(self, 0, sizeof(*self));
	/* Not below /tmp, where tmpfs may be, which knows little of O_DIRECT. */
	strcpy(self->dir, "/var/tmp/disk_test.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	snprintf(self->path, sizeof(self->path), "%s/a", self->dir);
	make_file(self->path, SIZE);
	self->conf.path = self->path;
	self->conf.io = variant->io;
	self->conf.direct = variant->direct;
	ASSERT_EQ(0, evloop_init(&self->loop));
	self->mem.buf = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->mem.buf);
	self->mem.odd = self->mem.buf + 3;
	capture_begin(&c);
	ret = start(self);
	capture_end(&c);
	if (ret == -EPERM || ret == -ENOSYS)
		SKIP(return, "no io_uring here");
	if (ret == -EINVAL && variant->direct)
		SKIP(return, "no O_DIRECT below /var/tmp");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(disk)
{
	char cmd[64];

	shut(self);
	evloop_destroy(&self->loop);
	munmap(self->mem.buf, SIZE);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", self->dir);
	EXPECT_EQ(0, system(cmd));
}

static u64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

/* Until so many requests are done; false after 10 s. */
static bool wait_done(FIXTURE_DATA(disk) *self, unsigned int n)
{
	u64 end = now_ms() + 10000;

	while (self->done < n && now_ms() < end) {
		struct pollfd fd = { self->loop.epfd, POLLIN };

		poll(&fd, 1, 100);
		evloop_poll(&self->loop);
	}
	return self->done == n;
}

/* One request from beginning to end; what came of it, or 1 when nothing did. */
static int do_op(FIXTURE_DATA(disk) *self, enum disk_op op, unsigned int flags, u64 off, u64 len,
		 struct iovec *iov, int nr)
{
	struct disk_req req = {
		.op = op, .flags = flags, .off = off, .len = len, .iov = iov, .nr_iov = nr,
	};

	self->done = 0;
	disk_queue_add(self->q, &req);
	disk_queue_submit(self->q);
	return wait_done(self, 1) ? req.ret : 1;
}

static int do_rw(FIXTURE_DATA(disk) *self, enum disk_op op, u64 off, void *buf, u64 len)
{
	struct iovec iov = { buf, len };

	return do_op(self, op, 0, off, len, &iov, 1);
}

static void pattern(u8 *buf, size_t len, u8 seed)
{
	size_t i;

	for (i = 0; i < len; i++)
		buf[i] = seed + i * 31 + i / 509;
}

static bool has_pattern(const u8 *buf, size_t len, u8 seed)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (buf[i] != (u8)(seed + i * 31 + i / 509))
			return false;
	return true;
}

/* What is really in the file. */
static void peek(FIXTURE_DATA(disk) *self, u64 off, u8 *buf, size_t len)
{
	int fd = open(self->path, O_RDONLY | O_CLOEXEC);

	if (pread(fd, buf, len, off) != (ssize_t)len)
		abort();
	close(fd);
}

TEST_F(disk, one_request_after_another)
{
	u8 back[8192];

	pattern(self->mem.buf, 8192, 1);
	EXPECT_EQ(0, do_rw(self, DISK_WRITE, 4096, self->mem.buf, 8192));
	EXPECT_EQ(0, do_op(self, DISK_FLUSH, 0, 0, 0, NULL, 0));
	peek(self, 4096, back, sizeof(back));
	EXPECT_TRUE(has_pattern(back, 8192, 1));
	memset(self->mem.buf, 0, 8192);
	EXPECT_EQ(0, do_rw(self, DISK_READ, 4096, self->mem.buf, 8192));
	EXPECT_TRUE(has_pattern(self->mem.buf, 8192, 1));
}

TEST_F(disk, many_at_once)
{
	struct disk_req req[DEPTH];
	struct iovec iov[DEPTH];
	unsigned int i, round;

	for (round = 0; round < 8; round++) {
		enum disk_op op = round % 2 ? DISK_READ : DISK_WRITE;

		count_reset();
		self->done = 0;
		for (i = 0; i < DEPTH; i++) {
			u8 *buf = self->mem.buf + i * SZ_16K;

			if (op == DISK_WRITE)
				pattern(buf, SZ_16K, round + 1 + i);
			else
				memset(buf, 0, SZ_16K);
			iov[i] = (struct iovec){ buf, SZ_16K };
			req[i] = (struct disk_req){ .op = op, .off = i * SZ_16K, .len = SZ_16K,
				.iov = &iov[i], .nr_iov = 1 };
			disk_queue_add(self->q, &req[i]);
		}
		disk_queue_submit(self->q);
		ASSERT_TRUE(wait_done(self, DEPTH));
		for (i = 0; i < DEPTH; i++) {
			EXPECT_EQ(0, req[i].ret);
			if (op == DISK_READ)
				EXPECT_TRUE(has_pattern(self->mem.buf + i * SZ_16K, SZ_16K,
							round + i));
		}
		/* One submission for all of them. */
		if (variant->io == DISK_IO_URING && COUNT_RINGS)
			EXPECT_EQ(1, count_submits);
	}
}

TEST_F(disk, parts_of_any_size)
{
	struct iovec iov[8];
	unsigned int i, n = 0;
	u8 back[4096];
	size_t left = 4096;

	pattern(self->mem.odd, 4096, 9);
	for (i = 0; i < 7; i++) {
		size_t len = 1 + i * 77;

		iov[n++] = (struct iovec){ self->mem.odd + 4096 - left, len };
		left -= len;
	}
	iov[n++] = (struct iovec){ self->mem.odd + 4096 - left, left };
	EXPECT_EQ(0, do_op(self, DISK_WRITE, 0, 512, 4096, iov, n));
	peek(self, 512, back, 4096);
	EXPECT_TRUE(has_pattern(back, 4096, 9));

	memset(self->mem.buf, 0, 8192);
	EXPECT_EQ(0, do_rw(self, DISK_READ, 512, self->mem.odd, 4096));
	EXPECT_TRUE(has_pattern(self->mem.odd, 4096, 9));
	/* Aligned reads see what was written without alignment, and the reverse. */
	EXPECT_EQ(0, do_rw(self, DISK_READ, 0, self->mem.buf, 8192));
	EXPECT_TRUE(has_pattern(self->mem.buf + 512, 4096, 9));
	pattern(self->mem.buf, 8192, 3);
	EXPECT_EQ(0, do_rw(self, DISK_WRITE, 0, self->mem.buf, 8192));
	EXPECT_EQ(0, do_rw(self, DISK_READ, 0, self->mem.odd, 8192));
	EXPECT_TRUE(has_pattern(self->mem.odd, 8192, 3));
}

static u64 blocks(FIXTURE_DATA(disk) *self)
{
	struct stat st;

	if (stat(self->path, &st))
		abort();
	return st.st_blocks;
}

/* More than is read or written at once; parts of it lie in the same memory. */
TEST_F(disk, large_requests)
{
	struct iovec iov[40];
	unsigned int i;
	u8 *back;

	shut(self);
	ASSERT_EQ(0, truncate(self->path, 40 * SZ_1M));
	ASSERT_EQ(0, start(self));
	for (i = 0; i < 40; i++)
		iov[i] = (struct iovec){ self->mem.buf + i % 2 * SZ_1M, SZ_1M };
	pattern(self->mem.buf, SZ_2M, 11);
	EXPECT_EQ(0, do_op(self, DISK_WRITE, 0, 0, 40 * SZ_1M, iov, 40));
	back = mmap(NULL, 40 * SZ_1M, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, back);
	peek(self, 0, back, 40 * SZ_1M);
	for (i = 0; i < 20; i++)
		EXPECT_TRUE(has_pattern(back + i * SZ_2M, SZ_2M, 11));
	memset(back, 0, 40 * SZ_1M);
	/* One part that is too large; and one after a small one. */
	EXPECT_EQ(0, do_rw(self, DISK_READ, 0, back, 20 * SZ_1M));
	iov[0] = (struct iovec){ back + 20 * SZ_1M, 4096 };
	iov[1] = (struct iovec){ back + 20 * SZ_1M + 4096, 20 * SZ_1M - 4096 };
	EXPECT_EQ(0, do_op(self, DISK_READ, 0, 20 * SZ_1M, 20 * SZ_1M, iov, 2));
	for (i = 0; i < 20; i++)
		EXPECT_TRUE(has_pattern(back + i * SZ_2M, SZ_2M, 11));
	munmap(back, 40 * SZ_1M);
}

/* Blocks that the file system needs to know of the holes. */
#define SLACK	64

TEST_F(disk, zeroes_and_discards)
{
	static const u8 zero[SZ_64K];
	u8 *back = self->mem.buf + SZ_1M;
	u64 full;

	pattern(self->mem.buf, SZ_1M, 5);
	ASSERT_EQ(0, do_rw(self, DISK_WRITE, 0, self->mem.buf, SZ_1M));
	ASSERT_EQ(0, do_op(self, DISK_FLUSH, 0, 0, 0, NULL, 0));
	full = blocks(self);
	EXPECT_EQ(0, do_op(self, DISK_ZERO, 0, SZ_64K + 512, SZ_64K, NULL, 0));
	EXPECT_EQ(0, do_op(self, DISK_ZERO, DISK_UNMAP, SZ_256K, SZ_64K, NULL, 0));
	peek(self, 0, back, SZ_1M);
	EXPECT_EQ(0, memcmp(back, self->mem.buf, SZ_64K + 512));
	EXPECT_EQ(0, memcmp(back + SZ_64K + 512, zero, SZ_64K));
	EXPECT_EQ(0, memcmp(back + SZ_128K + 512, self->mem.buf + SZ_128K + 512, SZ_128K - 512));
	EXPECT_EQ(0, memcmp(back + SZ_256K, zero, SZ_64K));
	EXPECT_EQ(0, memcmp(back + SZ_256K + SZ_64K, self->mem.buf + SZ_256K + SZ_64K,
			    SZ_1M - SZ_256K - SZ_64K));
	EXPECT_EQ(0, do_op(self, DISK_DISCARD, 0, SZ_512K, SZ_256K, NULL, 0));
	peek(self, 0, back, SZ_1M);
	EXPECT_EQ(0, memcmp(back + SZ_256K + SZ_64K, self->mem.buf + SZ_256K + SZ_64K,
			    SZ_256K - SZ_64K));
	/* What was given away is the file system's again: two of the three. */
	EXPECT_GE(full - (SZ_64K + SZ_256K) / 512 + SLACK, blocks(self));
	EXPECT_LE(full - (SZ_64K + SZ_256K) / 512, blocks(self));
}

TEST_F(disk, a_flush_is_one_fdatasync)
{
	struct iovec iov = { self->mem.buf, 4096 };
	unsigned int i;

	if (variant->io == DISK_IO_URING && !COUNT_RINGS)
		SKIP(return, "a static program cannot look into its rings");
	count_reset();
	EXPECT_EQ(0, do_rw(self, DISK_WRITE, 0, self->mem.buf, 4096));
	EXPECT_EQ(0, count_stable());
	for (i = 1; i < 5; i++) {
		EXPECT_EQ(0, do_op(self, DISK_FLUSH, 0, 0, 0, NULL, 0));
		EXPECT_EQ(i, count_stable());
	}
	count_reset();
	EXPECT_EQ(0, do_op(self, DISK_WRITE, DISK_FUA, 0, 4096, &iov, 1));
	EXPECT_EQ(1, count_stable());
	EXPECT_EQ(0, do_op(self, DISK_ZERO, DISK_FUA, 0, 4096, NULL, 0));
	EXPECT_EQ(2, count_stable());
	shut(self);
	self->conf.cache = DISK_CACHE_UNSAFE;
	ASSERT_EQ(0, start(self));
	count_reset();
	iov = (struct iovec){ self->mem.buf, 4096 };
	EXPECT_EQ(0, do_op(self, DISK_WRITE, DISK_FUA, 0, 4096, &iov, 1));
	EXPECT_EQ(0, do_op(self, DISK_FLUSH, 0, 0, 0, NULL, 0));
	EXPECT_EQ(0, count_stable());
}

/* --- errors of the host --------------------------------------------------------- */

TEST_F(disk, short_writes_and_a_limit)
{
	struct rlimit limit = { SZ_64K, SZ_64K };
	struct capture c;
	u8 back[SZ_16K];

	/* A write that crosses the limit is short, and the rest of it fails. */
	signal(SIGXFSZ, SIG_IGN);
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &limit));
	pattern(self->mem.buf, SZ_32K, 4);
	capture_begin(&c);
	EXPECT_EQ(-EFBIG, do_rw(self, DISK_WRITE, SZ_64K - SZ_16K, self->mem.buf, SZ_32K));
	EXPECT_EQ(-EFBIG, do_rw(self, DISK_WRITE, SZ_64K, self->mem.buf, SZ_16K));
	EXPECT_EQ(0, do_rw(self, DISK_WRITE, 0, self->mem.buf, SZ_16K));
	capture_end(&c);
	peek(self, SZ_64K - SZ_16K, back, SZ_16K);
	EXPECT_TRUE(has_pattern(back, SZ_16K, 4));
	EXPECT_NE(NULL, strstr(c.text, "the guest sees an I/O error"));
}

TEST_F(disk, messages_are_bounded)
{
	struct rlimit limit = { SZ_64K, SZ_64K };
	struct capture c;
	unsigned int i, lines = 0;

	signal(SIGXFSZ, SIG_IGN);
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &limit));
	capture_begin(&c);
	for (i = 0; i < 100; i++)
		EXPECT_EQ(-EFBIG, do_rw(self, DISK_WRITE, SZ_64K, self->mem.buf, 4096));
	capture_end(&c);
	for (i = 0; c.text[i]; i++)
		lines += c.text[i] == '\n';
	/* Ten, and one that says that there are more. */
	EXPECT_EQ(11, lines);
}

TEST_F(disk, a_file_that_becomes_shorter)
{
	struct capture c;

	ASSERT_EQ(0, truncate(self->path, SZ_1M - 4096));
	capture_begin(&c);
	EXPECT_EQ(-EIO, do_rw(self, DISK_READ, SZ_1M - SZ_16K, self->mem.buf, SZ_32K));
	EXPECT_EQ(-EIO, do_rw(self, DISK_READ, SZ_2M, self->mem.buf, SZ_16K));
	EXPECT_EQ(0, do_rw(self, DISK_READ, 0, self->mem.buf, SZ_16K));
	/* A write makes it longer again. */
	EXPECT_EQ(0, do_rw(self, DISK_WRITE, SZ_2M, self->mem.buf, SZ_16K));
	EXPECT_EQ(0, do_rw(self, DISK_READ, SZ_1M - SZ_16K, self->mem.buf, SZ_32K));
	capture_end(&c);
	EXPECT_NE(NULL, strstr(c.text, "shorter"));
}

TEST_F(disk, a_full_file_system)
{
	struct capture c;
	unsigned int i, ok = 0, full = 0;

	shut(self);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", self->dir, "tmpfs", 0, "size=1m"))
		SKIP(return, "a file system cannot be mounted: not root");
	make_file(self->path, SIZE);
	capture_begin(&c);
	i = start(self);
	capture_end(&c);
	if (i)
		SKIP(return, "no O_DIRECT on tmpfs");
	capture_begin(&c);
	for (i = 0; i < 64; i++) {
		int ret = do_rw(self, DISK_WRITE, i * SZ_64K, self->mem.buf, SZ_64K);

		ok += !ret;
		full += ret == -ENOSPC;
	}
	EXPECT_EQ(64, ok + full);
	EXPECT_EQ(16, ok);
	/* What is there can be read, and written; what is given back can be used. */
	EXPECT_EQ(0, do_rw(self, DISK_READ, 0, self->mem.buf, SZ_64K));
	EXPECT_EQ(0, do_rw(self, DISK_WRITE, SZ_64K, self->mem.buf, SZ_64K));
	EXPECT_EQ(-ENOSPC, do_op(self, DISK_ZERO, 0, SZ_2M, SZ_64K, NULL, 0));
	EXPECT_EQ(0, do_op(self, DISK_DISCARD, 0, 0, SZ_512K, NULL, 0));
	EXPECT_EQ(0, do_rw(self, DISK_WRITE, SZ_2M, self->mem.buf, SZ_64K));
	EXPECT_EQ(0, do_op(self, DISK_ZERO, 0, SZ_2M, SZ_64K, NULL, 0));
	capture_end(&c);
	shut(self);
	/* A ring that was closed may still hold the file. */
	umount2(self->dir, MNT_DETACH);
}

TEST_F(disk, cancelled)
{
	struct disk_req req[DEPTH];
	struct iovec iov[DEPTH];
	unsigned int i, round;

	for (round = 0; round < 30; round++) {
		self->done = 0;
		for (i = 0; i < DEPTH; i++) {
			enum disk_op op = i % 3 ? DISK_READ : DISK_WRITE;

			iov[i] = (struct iovec){ self->mem.buf + i * SZ_32K, SZ_32K };
			req[i] = (struct disk_req){ .op = op, .off = i * SZ_32K, .len = SZ_32K,
				.iov = &iov[i], .nr_iov = 1, .flags = i & 1 ? 0 : DISK_FUA };
			if (i % 8 == 7)
				req[i] = (struct disk_req){ .op = DISK_FLUSH };
			if (i % 16 == 8)
				req[i] = (struct disk_req){ .op = DISK_ZERO, .len = SZ_1M };
			disk_queue_add(self->q, &req[i]);
		}
		if (round % 3)
			disk_queue_submit(self->q);
		disk_queue_cancel(self->q);
		ASSERT_EQ(DEPTH, self->done);
		for (i = 0; i < DEPTH; i++)
			EXPECT_TRUE(!req[i].ret || req[i].ret == -ECANCELED);
		/* Nobody writes to memory any more. */
		memset(self->mem.buf, 0xa5, SIZE);
		if (!(round % 10))
			usleep(20000);
		evloop_poll(&self->loop);
		for (i = 0; i < SIZE; i++)
			if (self->mem.buf[i] != 0xa5)
				break;
		ASSERT_EQ(SIZE, i);
		EXPECT_EQ(DEPTH, self->done);
	}
	/* And it works as before. */
	EXPECT_EQ(0, do_rw(self, DISK_WRITE, 0, self->mem.buf, SZ_64K));
}

static unsigned int entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned int n = 0;

	while (dir && readdir(dir))
		n++;
	closedir(dir);
	return n;
}

TEST_F(disk, no_descriptor_or_thread_is_left)
{
	unsigned int i, fds, threads;

	shut(self);
	fds = entries("/proc/self/fd");
	threads = entries("/proc/self/task");
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, start(self));
		EXPECT_EQ(0, do_rw(self, DISK_READ, 0, self->mem.buf, SZ_64K));
		EXPECT_EQ(0, do_op(self, DISK_ZERO, 0, 0, 4096, NULL, 0));
		shut(self);
		EXPECT_EQ(fds, entries("/proc/self/fd"));
		EXPECT_EQ(threads, entries("/proc/self/task"));
	}
}

TEST_HARNESS_MAIN
