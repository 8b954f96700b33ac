// SPDX-License-Identifier: GPL-2.0
/*
 * Back ends that need nothing of the host: the stream that passt speaks, passt's life
 * (by programs that only bear its name), and networks among guests.
 */
#include <arpa/inet.h>
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

#define FORWARDS "--tcp-ports ::1/2222:22 --udp-ports 127.0.0.1/5353:53"

static void fill(u8 *buf, size_t len, u8 seed)
{
	size_t i;

	for (i = 0; i < len; i++)
		buf[i] = i * 13 + (i >> 8) + seed;
}

/* --- the stream ------------------------------------------------------------------------ */

FIXTURE(stream) {
	struct net_backend *nb;
	int far;
};

FIXTURE_SETUP(stream)
{
	int fds[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
	self->far = fds[1];
	ASSERT_EQ(0, net_stream_open(&self->nb, fds[0], "net0"));
}

FIXTURE_TEARDOWN(stream)
{
	self->nb->ops->destroy(self->nb);
	if (self->far >= 0)
		close(self->far);
}

/* The peer writes a length, and bytes that need not be as many. */
static void peer_writes(int fd, u32 len, const void *buf, size_t size)
{
	len = htonl(len);
	if (write(fd, &len, sizeof(len)) != sizeof(len) || write(fd, buf, size) != (ssize_t)size)
		abort();
}

/* What the peer reads is exactly that frame. */
static bool peer_reads(int fd, const void *frame, size_t len)
{
	u8 buf[NET_FRAME_MAX];
	u32 n;

	return recv(fd, &n, sizeof(n), MSG_WAITALL) == sizeof(n) && ntohl(n) == len &&
	       recv(fd, buf, len, MSG_WAITALL) == (ssize_t)len && !memcmp(buf, frame, len);
}

TEST_F(stream, frames)
{
	static const size_t sizes[] = { NET_FRAME_MIN, 60, 1514, 9000, NET_FRAME_MAX };
	static u8 buf[NET_FRAME_MAX];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		fill(buf, sizes[i], i);
		peer_writes(self->far, sizes[i], buf, sizes[i]);
	}
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		fill(buf, sizes[i], i);
		EXPECT_TRUE(frames_get(self->nb, buf, sizes[i])) TH_LOG("%zu", sizes[i]);
	}
	EXPECT_TRUE(frames_none(self->nb));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_EQ(1, frames_send(self->nb, 0, buf, sizes[i]));
		EXPECT_TRUE(peer_reads(self->far, buf, sizes[i]));
	}
}

TEST_F(stream, byte_by_byte)
{
	u8 buf[4 + 100], frame[100];
	u32 len = htonl(100);
	unsigned int i;

	fill(frame, sizeof(frame), 1);
	memcpy(buf, &len, 4);
	memcpy(buf + 4, frame, 100);
	for (i = 0; i < sizeof(buf); i++) {
		EXPECT_TRUE(frames_none(self->nb));
		ASSERT_EQ(1, write(self->far, buf + i, 1));
	}
	EXPECT_TRUE(frames_get(self->nb, frame, sizeof(frame)));
}

/* More than the buffer holds, in pieces that do not end where frames do. */
TEST_F(stream, long_run)
{
	static u8 buf[NET_FRAME_MAX];
	int i, size;
	pid_t pid;

	pid = fork();
	ASSERT_LE(0, pid);
	for (i = 0; i < 500; i++) {
		size = NET_FRAME_MIN + i * 7919 % (NET_FRAME_MAX - NET_FRAME_MIN);
		fill(buf, size, i);
		if (!pid) {
			peer_writes(self->far, size, buf, size);
			continue;
		}
		ASSERT_TRUE(frames_get(self->nb, buf, size)) TH_LOG("frame %d", i);
	}
	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
}

/* Too short ones are left out: one of them, or very many. */
TEST_F(stream, short_frames)
{
	u8 buf[20000 * 4] = { 0 }, frame[60];
	u32 i;

	fill(frame, sizeof(frame), 1);
	for (i = 0; i < NET_FRAME_MIN; i++)
		peer_writes(self->far, i, frame, i);
	peer_writes(self->far, sizeof(frame), frame, sizeof(frame));
	EXPECT_TRUE(frames_get(self->nb, frame, sizeof(frame)));
	ASSERT_EQ(sizeof(buf), write(self->far, buf, sizeof(buf)));
	peer_writes(self->far, sizeof(frame), frame, sizeof(frame));
	EXPECT_TRUE(frames_get(self->nb, frame, sizeof(frame)));
}

TEST_F(stream, impossible_length)
{
	static const u32 lengths[] = { NET_FRAME_MAX + 1, 0x7fffffff, 0x80000000, 0xffffffff };
	u8 frame[60] = { 0 };
	struct capture said;
	const u8 *got;

	peer_writes(self->far, sizeof(frame), frame, sizeof(frame));
	peer_writes(self->far, lengths[0], frame, sizeof(frame));
	EXPECT_TRUE(frames_get(self->nb, frame, sizeof(frame)));
	EXPECT_EQ(-ENOTCONN, self->nb->ops->recv(self->nb, 0, &got));
	EXPECT_EQ(-ENOTCONN, self->nb->ops->recv(self->nb, 0, &got));
	EXPECT_EQ(-ENOTCONN, frames_send(self->nb, 0, frame, sizeof(frame)));
	capture_begin(&said);
	self->nb->ops->lost(self->nb);
	capture_end(&said);
	EXPECT_TRUE(capture_one_line(&said));
	EXPECT_NE(NULL, strstr(said.text, "impossible length"));
}

TEST_F(stream, other_impossible_lengths)
{
	static const u32 lengths[] = { 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff };
	struct net_backend *nb;
	unsigned int i;
	const u8 *got;
	int fds[2];

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
		ASSERT_EQ(0, net_stream_open(&nb, fds[0], "net0"));
		peer_writes(fds[1], lengths[i], "", 0);
		EXPECT_EQ(-ENOTCONN, nb->ops->recv(nb, 0, &got));
		nb->ops->destroy(nb);
		close(fds[1]);
	}
}

TEST_F(stream, peer_closes)
{
	u8 frame[60] = { 0 };
	struct capture said;
	const u8 *got;

	peer_writes(self->far, sizeof(frame), frame, sizeof(frame));
	peer_writes(self->far, sizeof(frame), frame, 30);
	close(self->far);
	self->far = -1;
	EXPECT_TRUE(frames_get(self->nb, frame, sizeof(frame)));
	EXPECT_EQ(-ENOTCONN, self->nb->ops->recv(self->nb, 0, &got));
	EXPECT_EQ(-ENOTCONN, frames_send(self->nb, 0, frame, sizeof(frame)));
	capture_begin(&said);
	self->nb->ops->lost(self->nb);
	capture_end(&said);
	EXPECT_TRUE(capture_one_line(&said));
}

/* What a peer expects to read: frames of many sizes, each after its length. */
struct expect {
	int nr;
	size_t pos;
	size_t len;
	u8 buf[4 + NET_FRAME_MAX];
};

#define NR_EXPECTED	200

static size_t expected_size(int nr)
{
	return NET_FRAME_MIN + nr * 7919 % (NET_FRAME_MAX - NET_FRAME_MIN);
}

/* Reads at most @max bytes: false when they are not what was expected. */
static bool expect_read(struct expect *e, int fd, size_t max)
{
	static u8 got[1 << 20];
	ssize_t n = recv(fd, got, max, MSG_DONTWAIT), i;
	u32 len;

	for (i = 0; i < n; i++) {
		if (e->pos == e->len) {
			len = htonl(expected_size(e->nr));
			memcpy(e->buf, &len, 4);
			fill(e->buf + 4, expected_size(e->nr), e->nr);
			e->len = 4 + expected_size(e->nr++);
			e->pos = 0;
		}
		if (got[i] != e->buf[e->pos++])
			return false;
	}
	return true;
}

/* A peer that reads now and then, and little: frames wait, none is torn. */
TEST_F(stream, slow_peer)
{
	static u8 buf[NET_FRAME_MAX];
	static struct expect e;
	int sent = 0, waits = 0, size = 8192, ret, round;

	setsockopt(self->nb->fd[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	for (round = 0; e.nr < NR_EXPECTED || e.pos < e.len; round++) {
		fill(buf, expected_size(sent), sent);
		if (sent < NR_EXPECTED)
			ret = frames_send(self->nb, 0, buf, expected_size(sent));
		else
			ret = self->nb->ops->send(self->nb, 0, NULL, 0);
		ASSERT_TRUE(ret == (sent < NR_EXPECTED) || ret == -EAGAIN);
		sent += ret == 1;
		waits += ret == -EAGAIN;
		if (ret == -EAGAIN || round % 3 == 0)
			ASSERT_TRUE(expect_read(&e, self->far, 1 + round * 977 % 20000));
		ASSERT_GT(1000000, round);
	}
	EXPECT_LT(100, waits);
	EXPECT_EQ(NR_EXPECTED, e.nr);
	EXPECT_FALSE(self->nb->pending);
}

/* A batch that does not fit: as many are sent as are said to be. */
TEST_F(stream, batches)
{
	static u8 buf[64][1500];
	struct iovec iov[64][2];
	struct net_frame frames[64];
	int i, ret, sent = 0, got = 0, size = 4096;
	bool waited = false;

	setsockopt(self->nb->fd[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	for (i = 0; i < 64; i++) {
		fill(buf[i], 1500, i);
		iov[i][1] = (struct iovec){ buf[i], 1500 };
		frames[i] = (struct net_frame){ &iov[i][1], 1, 1500 };
	}
	while (got < 64) {
		ret = self->nb->ops->send(self->nb, 0, frames + sent, 64 - sent);
		ASSERT_TRUE(ret > 0 || ret == -EAGAIN || (!ret && sent == 64));
		sent += ret > 0 ? ret : 0;
		waited |= ret == -EAGAIN;
		for (; ret <= 0 && got < sent - self->nb->pending; got++)
			ASSERT_TRUE(peer_reads(self->far, buf[got], 1500)) TH_LOG("%d", got);
	}
	EXPECT_TRUE(waited);
}

/* --- passt, or what bears its name ------------------------------------------------------ */

FIXTURE(user) {
	char dir[32];
	struct net_options opt;
	struct net_backend *nb;
};

FIXTURE_SETUP(user)
{
	strcpy(self->dir, "/tmp/passt-XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	self->opt.mq = 1;
}

FIXTURE_TEARDOWN(user)
{
	char command[64];

	if (self->nb)
		self->nb->ops->destroy(self->nb);
	/* Nothing is left behind, not even a zombie. */
	EXPECT_EQ(-1, waitpid(-1, NULL, WNOHANG));
	EXPECT_EQ(ECHILD, errno);
	snprintf(command, sizeof(command), "/bin/rm -r %s", self->dir);
	EXPECT_EQ(0, system(command));
}

/* A passt that is this script, and the only one that is found first. */
static void make_passt(const char *dir, const char *script)
{
	char path[64], search[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/passt", dir);
	f = fopen(path, "w");
	fprintf(f, "#!/bin/bash\n%s\n", script);
	fclose(f);
	chmod(path, 0755);
	snprintf(search, sizeof(search), "%s:/usr/bin:/bin", dir);
	setenv("PATH", search, 1);
}

/* What is said when it is gone; one line. */
static void lost(struct net_backend *nb, struct capture *said)
{
	const u8 *got;

	capture_begin(said);
	if (frames_recv(nb, 0, &got, FRAMES_WAIT_MS) == -ENOTCONN)
		nb->ops->lost(nb);
	capture_end(said);
}

TEST_F(user, no_passt)
{
	struct capture said;

	setenv("PATH", self->dir, 1);
	capture_begin(&said);
	EXPECT_EQ(-ENOENT, net_user_open(&self->nb, &self->opt, "net0"));
	capture_end(&said);
	EXPECT_TRUE(capture_one_line(&said));
	EXPECT_NE(NULL, strstr(said.text, "install the package passt"));
	setenv("PATH", "/usr/bin:/bin", 1);
}

TEST_F(user, not_executable)
{
	struct capture said;
	char path[64];

	make_passt(self->dir, "");
	snprintf(path, sizeof(path), "%s/passt", self->dir);
	chmod(path, 0644);
	setenv("PATH", self->dir, 1);
	capture_begin(&said);
	EXPECT_EQ(-EACCES, net_user_open(&self->nb, &self->opt, "net0"));
	capture_end(&said);
	EXPECT_TRUE(capture_one_line(&said));
	setenv("PATH", "/usr/bin:/bin", 1);
}

TEST_F(user, passt_ends)
{
	struct capture said;

	make_passt(self->dir, "echo 'Failed to send 5 bytes to syslog' >&2\n"
		   "echo 'no such port' >&2; echo 'Failed to send 9 bytes to syslog' >&2; exit 7");
	ASSERT_EQ(0, net_user_open(&self->nb, &self->opt, "net0"));
	lost(self->nb, &said);
	EXPECT_TRUE(capture_one_line(&said));
	EXPECT_NE(NULL, strstr(said.text, "net0: passt has ended with status 7: no such port: "))
		TH_LOG("%s", said.text);
}

TEST_F(user, passt_is_killed)
{
	struct capture said;

	make_passt(self->dir, "kill -9 $$");
	ASSERT_EQ(0, net_user_open(&self->nb, &self->opt, "net0"));
	lost(self->nb, &said);
	EXPECT_TRUE(capture_one_line(&said));
	EXPECT_NE(NULL, strstr(said.text, "killed by signal 9")) TH_LOG("%s", said.text);
}

/* It lives, but talks no more. */
TEST_F(user, passt_hangs_up)
{
	struct capture said;

	make_passt(self->dir, "eval \"exec $4>&-\"; exec sleep 1000");
	ASSERT_EQ(0, net_user_open(&self->nb, &self->opt, "net0"));
	lost(self->nb, &said);
	EXPECT_TRUE(capture_one_line(&said));
	EXPECT_NE(NULL, strstr(said.text, "closed its socket")) TH_LOG("%s", said.text);
}

/* One that says much is not stopped by that. */
TEST_F(user, passt_talks)
{
	struct capture said;

	make_passt(self->dir, "for i in {1..2000}; do printf '%0100d\\n' $i >&2; done; exit 5");
	ASSERT_EQ(0, net_user_open(&self->nb, &self->opt, "net0"));
	lost(self->nb, &said);
	EXPECT_TRUE(capture_one_line(&said));
	EXPECT_NE(NULL, strstr(said.text, "status 5")) TH_LOG("%s", said.text);
}

TEST_F(user, arguments)
{
	static const char want[] =
		"--foreground --quiet --fd N --address 10.1.2.3 --netmask 8 --tcp-ports 2222:22\n";
	struct net_options *opt = &self->opt;
	char got[512] = "", path[64];
	int i, fd;

	opt->guest_ip = "10.1.2.3/8";
	opt->fwd = (struct prop_list){ 1, { "tcp:2222:22" } };
	make_passt(self->dir, "fd=$4; set -- ${@/#$4/N}; echo \"$@\" > ${0%/*}/tmp;\n"
		   "mv ${0%/*}/tmp ${0%/*}/args; [ -S /dev/fd/$fd ] || exit; exec sleep 1000");
	snprintf(path, sizeof(path), "%s/args", self->dir);
	ASSERT_EQ(0, net_user_open(&self->nb, opt, "net0"));
	for (i = 0; i < 500 && access(path, F_OK); i++)
		usleep(10000);
	fd = open(path, O_RDONLY);
	ASSERT_LT(0, read(fd, got, sizeof(got) - 1));
	close(fd);
	EXPECT_STREQ(want, got);
	EXPECT_EQ(65520, self->nb->mtu);
}

TEST_F(user, arguments_of_ipv6)
{
	char got[512] = "", path[64];
	int i, fd;

	self->opt.guest_ip = "fd00::2/64";
	self->opt.host_ip = "10.0.0.1/8";
	self->opt.fwd = (struct prop_list){ 2, { "tcp:::1/2222:22", "udp:127.0.0.1/5353:53" } };
	make_passt(self->dir, "shift 4; echo \"$@\" > ${0%/*}/tmp; mv ${0%/*}/tmp ${0%/*}/args\n"
		   "exec sleep 1000");
	snprintf(path, sizeof(path), "%s/args", self->dir);
	ASSERT_EQ(0, net_user_open(&self->nb, &self->opt, "net0"));
	for (i = 0; i < 500 && access(path, F_OK); i++)
		usleep(10000);
	fd = open(path, O_RDONLY);
	ASSERT_LT(0, read(fd, got, sizeof(got) - 1));
	close(fd);
	EXPECT_STREQ("--address fd00::2 --gateway 10.0.0.1 " FORWARDS "\n", got);
}

/* Better before the guest runs than after. */
TEST_F(user, port_is_taken)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct capture said;
	char fwd[32];

	make_passt(self->dir, "exec sleep 1000");
	ASSERT_EQ(0, bind(fd, (struct sockaddr *)&sin, sizeof(sin)));
	ASSERT_EQ(0, listen(fd, 1));
	ASSERT_EQ(0, getsockname(fd, (struct sockaddr *)&sin, &len));
	snprintf(fwd, sizeof(fwd), "tcp:%u:22", ntohs(sin.sin_port));
	self->opt.fwd = (struct prop_list){ 1, { fwd } };
	capture_begin(&said);
	EXPECT_EQ(-EADDRINUSE, net_user_open(&self->nb, &self->opt, "net0"));
	capture_end(&said);
	EXPECT_TRUE(capture_one_line(&said));
	EXPECT_NE(NULL, strstr(said.text, "cannot forward TCP port"));
	/* The same port of UDP is free, and of TCP too, afterwards. */
	memcpy(fwd, "udp", 3);
	EXPECT_EQ(0, net_user_open(&self->nb, &self->opt, "net0"));
	self->nb->ops->destroy(self->nb);
	self->nb = NULL;
	close(fd);
	memcpy(fwd, "tcp", 3);
	EXPECT_EQ(0, net_user_open(&self->nb, &self->opt, "net0"));
}

/* Whatever ends us ends it. */
TEST_F(user, dies_with_us)
{
	char path[64], text[16] = "";
	pid_t pid, passt;
	int i, fd;

	make_passt(self->dir, "echo $$ > ${0%/*}/tmp; mv ${0%/*}/tmp ${0%/*}/pid; sleep 1000 & wait");
	snprintf(path, sizeof(path), "%s/pid", self->dir);
	pid = fork();
	if (!pid) {
		net_user_open(&self->nb, &self->opt, "net0");
		pause();
	}
	for (i = 0; i < 500 && access(path, F_OK); i++)
		usleep(10000);
	fd = open(path, O_RDONLY);
	ASSERT_LT(0, read(fd, text, sizeof(text) - 1));
	close(fd);
	passt = atoi(text);
	EXPECT_EQ(0, kill(passt, 0));
	/* Signals of the terminal do not reach it. */
	EXPECT_NE(getpgid(0), getpgid(passt));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (i = 0; i < 500 && !kill(passt, 0); i++) {
		/* Who waits for orphans here is not known. */
		snprintf(path, sizeof(path), "/proc/%d/status", passt);
		fd = open(path, O_RDONLY);
		if (fd >= 0) {
			char status[512] = "";

			if (read(fd, status, sizeof(status) - 1) > 0 && strstr(status, "Z (zombie)"))
				i = 1000;
			close(fd);
		}
		usleep(10000);
	}
	EXPECT_TRUE(i >= 1000 || kill(passt, 0)) TH_LOG("%d", i);
}

TEST_HARNESS_MAIN
