// SPDX-License-Identifier: GPL-2.0
/*
 * disk/: what can be opened, what is said about what cannot, and locks.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <linux/sizes.h>
#include <vmtool/disk.h>
#include <vmtool/evloop.h>

#include <kselftest_harness.h>

#include "capture.h"

FIXTURE(open) {
	char dir[32];
	char path[64];
	char other[64];
	struct disk_conf conf;
	struct disk *d;
	struct disk *d2;
	struct capture said;
};

static void make_file(const char *path, const void *buf, size_t len, off_t size)
{
	int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, size) || (len && write(fd, buf, len) != (ssize_t)len))
		abort();
	close(fd);
}

FIXTURE_SETUP(open)
{
	memset(self, 0, sizeof(*self));
	strcpy(self->dir, "/var/tmp/disk_open.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	snprintf(self->path, sizeof(self->path), "%s/a", self->dir);
	snprintf(self->other, sizeof(self->other), "%s/b", self->dir);
	make_file(self->path, NULL, 0, SZ_1M);
	self->conf.path = self->path;
	self->conf.io = DISK_IO_THREADS;
}

FIXTURE_TEARDOWN(open)
{
	char cmd[64];

	disk_close(self->d);
	disk_close(self->d2);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", self->dir);
	EXPECT_EQ(0, system(cmd));
}

/* Opens it, and keeps what was said. */
static int try_open(FIXTURE_DATA(open) *self, struct disk **d)
{
	int ret;

	memset(&self->said, 0, sizeof(self->said));
	capture_begin(&self->said);
	ret = disk_open(d, &self->conf);
	capture_end(&self->said);
	return ret;
}

static int try_path(FIXTURE_DATA(open) *self, const char *path, bool ro)
{
	self->conf.path = path;
	self->conf.ro = ro;
	return try_open(self, &self->d2);
}

#define EXPECT_SAID(what)						\
do {									\
	EXPECT_TRUE(capture_one_line(&self->said));			\
	EXPECT_NE(NULL, strstr(self->said.text, what))			\
		TH_LOG("said: %s", self->said.text);			\
} while (0)

TEST_F(open, geometry_of_a_file)
{
	ASSERT_EQ(0, try_open(self, &self->d));
	EXPECT_EQ('\0', self->said.text[0]);
	EXPECT_EQ(SZ_1M, self->d->size);
	EXPECT_EQ(512, self->d->block);
	EXPECT_EQ(4096, self->d->physical);
	EXPECT_EQ(4096, self->d->min_io);
	EXPECT_EQ(4096, self->d->discard_align);
	EXPECT_EQ(0, self->d->align_off);
	EXPECT_FALSE(self->d->ro);
}

TEST_F(open, contents_are_not_looked_at)
{
	static const u8 qcow2[] = { 'Q', 'F', 'I', 0xfb, 0, 0, 0, 3 };

	make_file(self->other, qcow2, sizeof(qcow2), SZ_64K);
	ASSERT_EQ(0, try_path(self, self->other, false));
	EXPECT_EQ(SZ_64K, self->d2->size);
}

TEST_F(open, what_is_no_disk)
{
	EXPECT_EQ(-ENOENT, try_path(self, "/var/tmp/nothing-is-here", false));
	EXPECT_SAID("cannot be opened: No such file");
	EXPECT_EQ(-EINVAL, try_path(self, self->dir, false));
	EXPECT_SAID("neither a file nor a block device");
	EXPECT_EQ(-EINVAL, try_path(self, "/dev/null", false));
	EXPECT_SAID("neither a file nor a block device");
	/* A FIFO does not keep us waiting. */
	ASSERT_EQ(0, mkfifo(self->other, 0600));
	EXPECT_EQ(-EINVAL, try_path(self, self->other, true));
	EXPECT_SAID("neither a file nor a block device");
}

TEST_F(open, odd_sizes)
{
	make_file(self->other, NULL, 0, 0);
	EXPECT_EQ(-EINVAL, try_path(self, self->other, false));
	EXPECT_SAID("is empty");
	make_file(self->other, NULL, 0, 511);
	EXPECT_EQ(-EINVAL, try_path(self, self->other, false));
	EXPECT_SAID("less than a sector");
	make_file(self->other, NULL, 0, 1500);
	ASSERT_EQ(0, try_path(self, self->other, false));
	EXPECT_SAID("the last 476 bytes: they are no sector");
	EXPECT_EQ(1024, self->d2->size);
}

TEST_F(open, not_for_writing)
{
	if (!geteuid() && (setegid(65534) || seteuid(65534)))
		SKIP(return, "root cannot become somebody else");
	EXPECT_EQ(-EACCES, try_path(self, "/etc/passwd", false));
	EXPECT_SAID("cannot be written: Permission denied; add ,ro");
	EXPECT_EQ(0, try_path(self, "/etc/passwd", true));
	EXPECT_EQ(0, seteuid(0));
}

/* --- locks ---------------------------------------------------------------------- */

TEST_F(open, twice_in_one_guest)
{
	ASSERT_EQ(0, try_open(self, &self->d));
	EXPECT_EQ(-EBUSY, try_path(self, self->path, false));
	EXPECT_SAID("given twice");
	EXPECT_EQ(-EBUSY, try_path(self, self->path, true));
	EXPECT_SAID("given twice");
	disk_close(self->d);
	self->d = NULL;
	ASSERT_EQ(0, try_path(self, self->path, true));
	ASSERT_EQ(0, try_open(self, &self->d));
	EXPECT_EQ('\0', self->said.text[0]);
}

TEST_F(open, by_other_names)
{
	ASSERT_EQ(0, try_open(self, &self->d));
	ASSERT_EQ(0, symlink(self->path, self->other));
	EXPECT_EQ(-EBUSY, try_path(self, self->other, false));
	ASSERT_EQ(0, unlink(self->other));
	ASSERT_EQ(0, link(self->path, self->other));
	EXPECT_EQ(-EBUSY, try_path(self, self->other, false));
}

/* A process that has the disk open until it is killed; it has used it by @io. */
static pid_t holder(FIXTURE_DATA(open) *self, bool ro, unsigned int io)
{
	struct disk_req req = { .op = DISK_FLUSH };
	struct disk_conf conf = { .path = self->path, .ro = ro, .io = io };
	struct disk_queue *q;
	struct evloop loop;
	struct disk *d;
	int pipefd[2], err;
	char c = 0;
	pid_t pid;

	if (pipe(pipefd))
		abort();
	pid = fork();
	if (!pid) {
		if (evloop_init(&loop) || disk_open(&d, &conf))
			_exit(1);
		q = disk_queue_open(d, &loop, 4, &err);
		if (!q)
			_exit(2);
		disk_queue_add(q, &req);
		disk_queue_submit(q);
		if (write(pipefd[1], &c, 1) != 1)
			_exit(3);
		pause();
		_exit(0);
	}
	close(pipefd[1]);
	if (read(pipefd[0], &c, 1) != 1)
		pid = -1;
	close(pipefd[0]);
	return pid;
}

static void kill_holder(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

TEST_F(open, by_another_process)
{
	pid_t pid = holder(self, false, DISK_IO_THREADS);
	char who[64];

	ASSERT_LT(0, pid);
	snprintf(who, sizeof(who), "in use by process %d (disk_open_test)", pid);
	EXPECT_EQ(-EBUSY, try_path(self, self->path, false));
	EXPECT_SAID(who);
	EXPECT_EQ(-EBUSY, try_path(self, self->path, true));
	EXPECT_SAID(who);
	kill_holder(pid);
	EXPECT_EQ(0, try_path(self, self->path, false));
}

TEST_F(open, by_many_who_read)
{
	pid_t pid = holder(self, true, DISK_IO_THREADS);

	ASSERT_LT(0, pid);
	EXPECT_EQ(-EBUSY, try_path(self, self->path, false));
	EXPECT_SAID("in use by process");
	EXPECT_EQ(0, try_path(self, self->path, true));
	kill_holder(pid);
}

TEST_F(open, right_after_a_kill)
{
	int i;

	for (i = 0; i < 10; i++) {
		pid_t pid = holder(self, false, DISK_IO_AUTO);

		ASSERT_LT(0, pid);
		kill_holder(pid);
		ASSERT_EQ(0, try_path(self, self->path, false));
		EXPECT_EQ('\0', self->said.text[0]);
		disk_close(self->d2);
		self->d2 = NULL;
	}
}

TEST_F(open, right_after_it_was_closed)
{
	struct evloop loop;
	struct disk_queue *q;
	int i, err = 0;

	ASSERT_EQ(0, evloop_init(&loop));
	self->conf.io = DISK_IO_AUTO;
	for (i = 0; i < 20; i++) {
		/* Nobody waits for the kernel to clean up: it is said at once. */
		ASSERT_EQ(0, try_open(self, &self->d));
		q = disk_queue_open(self->d, &loop, 4, &err);
		ASSERT_NE(NULL, q);
		disk_queue_close(q);
		disk_close(self->d);
		self->d = NULL;
	}
	evloop_destroy(&loop);
}

/* --- block devices ---------------------------------------------------------------- */

/* A loop device of the file, with blocks of 4096 bytes; -1 where there is none. */
static int loop_device(FIXTURE_DATA(open) *self, char *name, size_t size)
{
	int ctl = open("/dev/loop-control", O_RDWR | O_CLOEXEC), nr, fd, file;

	nr = ctl < 0 ? -1 : ioctl(ctl, LOOP_CTL_GET_FREE);
	close(ctl);
	if (nr < 0)
		return -1;
	snprintf(name, size, "/dev/loop%d", nr);
	fd = open(name, O_RDWR | O_CLOEXEC);
	file = open(self->path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, LOOP_SET_FD, file)) {
		close(fd);
		fd = -1;
	}
	close(file);
	if (fd >= 0 && ioctl(fd, LOOP_SET_BLOCK_SIZE, 4096UL))
		name[0] = '\0';
	return fd;
}

TEST_F(open, block_device)
{
	char name[32], node[80];
	struct stat st;
	int fd = loop_device(self, name, sizeof(name));

	if (fd < 0)
		SKIP(return, "no loop device can be had");
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(0, try_path(self, name, false));
	EXPECT_EQ(SZ_1M, self->d2->size);
	EXPECT_EQ(4096, self->d2->block);
	EXPECT_LE(4096, self->d2->physical);
	/* By another node in the file system there is another inode to lock. */
	snprintf(node, sizeof(node), "%s/node", self->dir);
	ASSERT_EQ(0, mknod(node, S_IFBLK | 0600, st.st_rdev));
	self->conf.path = node;
	EXPECT_EQ(-EBUSY, try_open(self, &self->d));
	EXPECT_SAID("in use by the host");
	disk_close(self->d2);
	self->d2 = NULL;
	EXPECT_EQ(0, try_open(self, &self->d));
	disk_close(self->d);
	self->d = NULL;
	ioctl(fd, LOOP_CLR_FD);
	close(fd);
}

TEST_HARNESS_MAIN
