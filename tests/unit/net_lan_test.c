// SPDX-License-Identifier: GPL-2.0
/*
 * Networks among guests of one user: who comes, who goes and who is killed.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/kernel.h>

#include "capture.h"
#include "net_frames.h"

#include <kselftest_harness.h>

#define MEMBERS		4
#define FRAME		100

FIXTURE(lan) {
	char dir[40];
	char lan[64];
	struct net_options opt;
	struct net_backend *nb[MEMBERS];
};

FIXTURE_SETUP(lan)
{
	strcpy(self->dir, "/tmp/lan-XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	setenv("VMTOOL_RUNTIME_DIR", self->dir, 1);
	snprintf(self->lan, sizeof(self->lan), "%s/home.lan", self->dir);
	self->opt.lan = "home";
}

static void leave(FIXTURE_DATA(lan) *self, int i)
{
	if (self->nb[i])
		self->nb[i]->ops->destroy(self->nb[i]);
	self->nb[i] = NULL;
}

FIXTURE_TEARDOWN(lan)
{
	char command[64];
	int i;

	for (i = 0; i < MEMBERS; i++)
		leave(self, i);
	snprintf(command, sizeof(command), "rm -r %s", self->dir);
	EXPECT_EQ(0, system(command));
}

static int join(FIXTURE_DATA(lan) *self, int i)
{
	char name[16];

	snprintf(name, sizeof(name), "net%d", i);
	return net_lan_open(&self->nb[i], &self->opt, name);
}

/* Addresses of members, and of all. */
static void address(u8 *mac, int member)
{
	memset(mac, 0xff, 6);
	if (member >= 0)
		memcpy(mac, (u8[6]){ 2, 0, 0, 0, 0, member }, 6);
}

static void make(u8 *frame, int from, int to, u8 seed)
{
	int i;

	for (i = 0; i < FRAME; i++)
		frame[i] = i + seed;
	address(frame, to);
	address(frame + 6, from);
}

static int say(FIXTURE_DATA(lan) *self, int from, int to, u8 seed)
{
	u8 frame[FRAME];

	make(frame, from, to, seed);
	return frames_send(self->nb[from], 0, frame, sizeof(frame));
}

static bool hears(FIXTURE_DATA(lan) *self, int who, int from, int to, u8 seed)
{
	u8 frame[FRAME];

	make(frame, from, to, seed);
	return frames_get(self->nb[who], frame, sizeof(frame));
}

static bool silent(FIXTURE_DATA(lan) *self, int who)
{
	return frames_none(self->nb[who]);
}

/* Sockets in the network's directory; -1 when it is not there. */
static int sockets(FIXTURE_DATA(lan) *self)
{
	DIR *d = opendir(self->lan);
	struct dirent *e;
	int n = 0;

	if (!d)
		return -1;
	while ((e = readdir(d)))
		n += e->d_type == DT_SOCK;
	closedir(d);
	return n;
}

TEST_F(lan, alone)
{
	ASSERT_EQ(0, join(self, 0));
	EXPECT_EQ(1, say(self, 0, -1, 0));
	EXPECT_TRUE(silent(self, 0));
	EXPECT_EQ(1, sockets(self));
	leave(self, 0);
	EXPECT_EQ(-1, sockets(self));
}

TEST_F(lan, three)
{
	int i, j;

	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, join(self, i));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(1, say(self, i, -1, i));
		for (j = 0; j < 3; j++)
			if (j != i)
				EXPECT_TRUE(hears(self, j, i, -1, i)) TH_LOG("%d to %d", i, j);
		EXPECT_TRUE(silent(self, i));
	}
	/* All have been heard, so frames go to one alone. */
	for (i = 0; i < 3; i++) {
		j = (i + 1) % 3;
		EXPECT_EQ(1, say(self, i, j, 50 + i));
		EXPECT_TRUE(hears(self, j, i, j, 50 + i));
		EXPECT_TRUE(silent(self, (i + 2) % 3));
	}
	/* Somebody unknown may be anywhere. */
	EXPECT_EQ(1, say(self, 0, 77, 9));
	EXPECT_TRUE(hears(self, 1, 0, 77, 9));
	EXPECT_TRUE(hears(self, 2, 0, 77, 9));
}

/* An address that moves is followed. */
TEST_F(lan, address_moves)
{
	u8 frame[FRAME];
	int i;

	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, join(self, i));
	EXPECT_EQ(1, say(self, 1, -1, 1));
	EXPECT_TRUE(hears(self, 0, 1, -1, 1));
	EXPECT_TRUE(hears(self, 2, 1, -1, 1));
	make(frame, 1, -1, 2);
	EXPECT_EQ(1, frames_send(self->nb[2], 0, frame, sizeof(frame)));
	EXPECT_TRUE(hears(self, 0, 1, -1, 2));
	EXPECT_TRUE(hears(self, 1, 1, -1, 2));
	EXPECT_EQ(1, say(self, 0, 1, 3));
	EXPECT_TRUE(hears(self, 2, 0, 1, 3));
	EXPECT_TRUE(silent(self, 1));
}

TEST_F(lan, names_are_apart)
{
	ASSERT_EQ(0, join(self, 0));
	self->opt.lan = "office";
	ASSERT_EQ(0, join(self, 1));
	EXPECT_EQ(1, say(self, 0, -1, 1));
	EXPECT_TRUE(silent(self, 1));
}

TEST_F(lan, sizes)
{
	static const size_t sizes[] = { NET_FRAME_MIN, 1514, 9000, NET_FRAME_MAX };
	static u8 frame[NET_FRAME_MAX];
	unsigned int i;

	ASSERT_EQ(0, join(self, 0));
	ASSERT_EQ(0, join(self, 1));
	for (i = 0; i < sizeof(frame); i++)
		frame[i] = i * 31 + (i >> 8);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		EXPECT_EQ(1, frames_send(self->nb[0], 0, frame, sizes[i]));
		EXPECT_TRUE(frames_get(self->nb[1], frame, sizes[i])) TH_LOG("%zu", sizes[i]);
	}
}

TEST_F(lan, comes_and_goes)
{
	int i;

	ASSERT_EQ(0, join(self, 0));
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, join(self, 1));
		EXPECT_EQ(1, say(self, 0, 1, i));
		EXPECT_EQ(1, say(self, 1, -1, i));
		EXPECT_TRUE(hears(self, 0, 1, -1, i));
		EXPECT_TRUE(hears(self, 1, 0, 1, i));
		leave(self, 1);
		EXPECT_EQ(1, say(self, 0, 1, i));
		EXPECT_TRUE(silent(self, 0));
	}
	EXPECT_EQ(1, sockets(self));
}

/* A member in a process of its own, which says something and waits to be killed. */
static pid_t member(FIXTURE_DATA(lan) *self, int i)
{
	int fds[2];
	pid_t pid;
	char ok;

	if (pipe(fds))
		return -1;
	pid = fork();
	if (!pid) {
		int k;

		/* What the parent has opened is not for us. */
		for (k = 0; k < MEMBERS; k++)
			if (self->nb[k])
				close(self->nb[k]->fd[0]);
		if (join(self, i) || say(self, i, -1, i) != 1 || write(fds[1], "", 1) != 1)
			_exit(1);
		pause();
	}
	close(fds[1]);
	if (read(fds[0], &ok, 1) != 1)
		pid = -1;
	close(fds[0]);
	return pid;
}

TEST_F(lan, killed)
{
	int i, status;
	pid_t pid;

	ASSERT_EQ(0, join(self, 0));
	ASSERT_EQ(0, join(self, 1));
	for (i = 0; i < 5; i++) {
		pid = member(self, 2);
		ASSERT_LT(0, pid);
		EXPECT_TRUE(hears(self, 0, 2, -1, 2));
		EXPECT_TRUE(hears(self, 1, 2, -1, 2));
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		EXPECT_TRUE(WIFSIGNALED(status));
		/* Its address is known and leads nowhere; the others go on. */
		EXPECT_EQ(1, say(self, 0, 2, i));
		EXPECT_EQ(1, say(self, 0, 1, i));
		EXPECT_TRUE(hears(self, 1, 0, 1, i));
		EXPECT_TRUE(silent(self, 0));
		EXPECT_EQ(3, sockets(self));
	}
	/* Who comes next cleans up. */
	ASSERT_EQ(0, join(self, 2));
	EXPECT_EQ(3, sockets(self));
	leave(self, 0);
	leave(self, 1);
	leave(self, 2);
	EXPECT_EQ(-1, sockets(self));
}

/* All were killed: the network is as good as new. */
TEST_F(lan, all_killed)
{
	pid_t pids[3];
	int i;

	for (i = 0; i < 3; i++) {
		pids[i] = member(self, i);
		ASSERT_LT(0, pids[i]);
	}
	for (i = 0; i < 3; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	EXPECT_EQ(3, sockets(self));
	ASSERT_EQ(0, join(self, 0));
	EXPECT_EQ(1, sockets(self));
	ASSERT_EQ(0, join(self, 1));
	EXPECT_EQ(1, say(self, 0, -1, 1));
	EXPECT_TRUE(hears(self, 1, 0, -1, 1));
}

/* One that is stopped, or does not run yet, loses frames; nobody waits for it. */
TEST_F(lan, takes_nothing)
{
	int i;

	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, join(self, i));
	for (i = 0; i < 5000; i++) {
		ASSERT_EQ(1, say(self, 0, -1, i));
		ASSERT_TRUE(hears(self, 1, 0, -1, i));
	}
	/* It has the oldest ones, and hears again from then on. */
	for (i = 0; !silent(self, 2); i++)
		;
	EXPECT_LT(0, i);
	EXPECT_GT(5000, i);
	EXPECT_EQ(1, say(self, 0, -1, 77));
	EXPECT_TRUE(hears(self, 2, 0, -1, 77));
}

/* Many at once: each two of them meet. */
TEST_F(lan, race)
{
	int i, round, status;
	pid_t pids[8];

	for (round = 0; round < 5; round++) {
		for (i = 0; i < 8; i++) {
			pids[i] = fork();
			if (pids[i])
				continue;
			if (join(self, 0))
				_exit(1);
			/* Everybody else is heard once, some of them later than others. */
			unsigned int heard = 0;
			const u8 *got;
			u8 frame[FRAME];
			int k;

			make(frame, i, -1, 0);
			for (k = 0; k < 200 && heard != (0xff & ~(1U << i)); k++) {
				frames_send(self->nb[0], 0, frame, FRAME);
				while (frames_recv(self->nb[0], 0, &got, 20) == FRAME)
					heard |= 1U << got[11];
			}
			/* The others have not heard all yet, perhaps. */
			for (k = 0; k < 20; k++) {
				frames_send(self->nb[0], 0, frame, FRAME);
				usleep(20000);
			}
			leave(self, 0);
			_exit(heard == (0xff & ~(1U << i)) ? 0 : 2);
		}
		for (i = 0; i < 8; i++) {
			waitpid(pids[i], &status, 0);
			EXPECT_EQ(0, status) TH_LOG("member %d", i);
		}
		EXPECT_EQ(-1, sockets(self));
	}
}

/* Something else in that directory is left alone, and does no harm. */
TEST_F(lan, other_files)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char path[128];

	ASSERT_EQ(0, mkdir(self->lan, 0700));
	snprintf(path, sizeof(path), "%s/file", self->lan);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	snprintf(path, sizeof(path), "%s/file.sock", self->lan);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	ASSERT_EQ(0, join(self, 0));
	/* What only looks like a socket is not there any more. */
	EXPECT_NE(0, access(path, F_OK));
	snprintf(path, sizeof(path), "%s/file", self->lan);
	EXPECT_EQ(0, access(path, F_OK));
	EXPECT_EQ(1, say(self, 0, -1, 1));

	/* A socket of another kind: nobody is there to talk to. */
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/odd.sock", self->lan);
	ASSERT_EQ(0, bind(fd, (struct sockaddr *)&sa, sizeof(sa)));
	ASSERT_EQ(0, listen(fd, 1));
	ASSERT_EQ(0, join(self, 1));
	EXPECT_EQ(1, say(self, 0, -1, 1));
	EXPECT_TRUE(hears(self, 1, 0, -1, 1));
	close(fd);
}

/* Frames that are none, from a member that is none of ours. */
TEST_F(lan, odd_member)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0), size = 1 << 20;
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	static u8 buf[NET_FRAME_MAX + 100];

	ASSERT_EQ(0, join(self, 0));
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/%d-0.sock", self->lan, getpid());
	ASSERT_EQ(0, connect(fd, (struct sockaddr *)&sa, sizeof(sa)));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	ASSERT_EQ(13, send(fd, buf, 13, 0));
	ASSERT_EQ(NET_FRAME_MAX + 1, send(fd, buf, NET_FRAME_MAX + 1, 0));
	ASSERT_EQ(sizeof(buf), send(fd, buf, sizeof(buf), 0));
	ASSERT_EQ(60, send(fd, buf, 60, 0));
	EXPECT_TRUE(frames_get(self->nb[0], buf, 60));
	EXPECT_TRUE(silent(self, 0));
	/* An empty packet is not to be told from the end. */
	ASSERT_EQ(0, send(fd, buf, 0, 0));
	EXPECT_TRUE(silent(self, 0));
	EXPECT_EQ(-1, send(fd, buf, 60, MSG_NOSIGNAL));
	close(fd);
	ASSERT_EQ(0, join(self, 1));
	EXPECT_EQ(1, say(self, 1, -1, 1));
	EXPECT_TRUE(hears(self, 0, 1, -1, 1));
}

/* A directory of which the name is too long for a socket's address. */
TEST_F(lan, long_path)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%0120d", self->dir, 1);
	ASSERT_EQ(0, mkdir(path, 0700));
	setenv("VMTOOL_RUNTIME_DIR", path, 1);
	ASSERT_EQ(0, join(self, 0));
	ASSERT_EQ(0, join(self, 1));
	EXPECT_EQ(1, say(self, 0, -1, 1));
	EXPECT_TRUE(hears(self, 1, 0, -1, 1));
}

TEST_F(lan, no_directory)
{
	struct capture said;

	setenv("VMTOOL_RUNTIME_DIR", "/proc/nowhere", 1);
	capture_begin(&said);
	EXPECT_GT(0, join(self, 0));
	capture_end(&said);
	EXPECT_TRUE(capture_one_line(&said)) TH_LOG("%s", said.text);
	EXPECT_EQ(NULL, self->nb[0]);
}

TEST_HARNESS_MAIN
