// SPDX-License-Identifier: GPL-2.0
/*
 * virtio/console-ctl.c, console-port.c: several ports, the messages about them, and
 * the sockets and files behind them.
 */
#include <kselftest_harness.h>

#include "capture.h"

#ifdef CONFIG_VIRTIO_CONSOLE
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "virtio_console.h"

#define SOCK	1	/* the ports' numbers */
#define FILE_	2
#define PORTS	3

FIXTURE(ports) {
	struct con *c;
	struct drv *d;
	char dir[64];
	char sock[96];
	char file[96];
};

FIXTURE_VARIANT(ports) { DRV_VARIANT; };
#define DRV_FIXTURE ports
#include "virtio_variants.h"

static int ports_begin(FIXTURE_DATA(ports) *self)
{
	char text[160];
	int ret = con_machine(self->c, false);

	snprintf(text, sizeof(text), "org.test.sock,socket=%s", self->sock);
	ret = ret ?: con_port(self->c, text);
	snprintf(text, sizeof(text), "log,file=%s", self->file);
	return ret ?: con_port(self->c, text);
}

FIXTURE_SETUP(ports)
{
	self->c = malloc(sizeof(*self->c));
	ASSERT_NE(NULL, self->c);
	self->d = &self->c->d;
	strcpy(self->dir, "/tmp/console_ports_XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	snprintf(self->sock, sizeof(self->sock), "%s/sock", self->dir);
	snprintf(self->file, sizeof(self->file), "%s/log", self->dir);
	ASSERT_EQ(0, ports_begin(self));
}

FIXTURE_TEARDOWN(ports)
{
	con_end(self->c);
	unlink(self->sock);
	unlink(self->file);
	EXPECT_EQ(0, rmdir(self->dir));
	free(self->c);
}

#define begin()								\
	do {								\
		ASSERT_EQ(0, con_attach(self->c, variant->transport));	\
		ASSERT_EQ(0, drv_setup(self->d, variant->features));	\
	} while (0)

static int dial(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(sa.sun_path, path);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The driver comes up, and so do all of its ports. */
static bool come_up(struct con *c)
{
	u32 id;

	con_ctl_offer(c, 20);
	if (!con_ctl(c, 0, VIRTIO_CONSOLE_DEVICE_READY, 1))
		return false;
	for (id = 1; id < PORTS; id++)
		if (!con_told(c, id, VIRTIO_CONSOLE_PORT_ADD, 0, ""))
			return false;
	for (id = 1; id < PORTS; id++) {
		con_ctl(c, id, VIRTIO_CONSOLE_PORT_READY, 1);
		con_ctl(c, id, VIRTIO_CONSOLE_PORT_OPEN, 1);
	}
	while (drv_get(&c->d, 2, NULL))
		;
	return true;
}

TEST_F(ports, who_says_what)
{
	begin();
	EXPECT_EQ(64, drv_queue_max(self->d, 7));
	EXPECT_EQ(0, drv_queue_max(self->d, 8));
	EXPECT_EQ(PORTS, drv_config_read32(self->d, 4));
	con_ctl_offer(self->c, 20);
	EXPECT_TRUE(con_told_nothing(self->c));

	ASSERT_TRUE(con_ctl(self->c, 99, VIRTIO_CONSOLE_DEVICE_READY, 1));
	EXPECT_TRUE(con_told(self->c, SOCK, VIRTIO_CONSOLE_PORT_ADD, 0, ""));
	EXPECT_TRUE(con_told(self->c, FILE_, VIRTIO_CONSOLE_PORT_ADD, 0, ""));
	EXPECT_TRUE(con_told_nothing(self->c));
	/* Each port exists once. */
	ASSERT_TRUE(con_ctl(self->c, 0, VIRTIO_CONSOLE_DEVICE_READY, 1));
	EXPECT_TRUE(con_told_nothing(self->c));

	ASSERT_TRUE(con_ctl(self->c, FILE_, VIRTIO_CONSOLE_PORT_READY, 1));
	EXPECT_TRUE(con_told(self->c, FILE_, VIRTIO_CONSOLE_PORT_NAME, 1, "log"));
	EXPECT_TRUE(con_told(self->c, FILE_, VIRTIO_CONSOLE_PORT_OPEN, 1, ""));
	ASSERT_TRUE(con_ctl(self->c, SOCK, VIRTIO_CONSOLE_PORT_READY, 1));
	EXPECT_TRUE(con_told(self->c, SOCK, VIRTIO_CONSOLE_PORT_NAME, 1, "org.test.sock"));
	ASSERT_TRUE(con_ctl(self->c, SOCK, VIRTIO_CONSOLE_PORT_READY, 1));
	EXPECT_TRUE(con_told_nothing(self->c));

	/* From the beginning after a reset. */
	ASSERT_EQ(0, drv_setup(self->d, variant->features));
	EXPECT_TRUE(come_up(self->c));
}

TEST_F(ports, messages_wait_for_buffers)
{
	begin();
	ASSERT_TRUE(con_ctl(self->c, 0, VIRTIO_CONSOLE_DEVICE_READY, 1));
	con_ctl_offer(self->c, 1);
	EXPECT_TRUE(con_told(self->c, SOCK, VIRTIO_CONSOLE_PORT_ADD, 0, ""));
	EXPECT_TRUE(con_told_nothing(self->c));
	con_ctl_offer(self->c, 2);
	EXPECT_TRUE(con_told(self->c, FILE_, VIRTIO_CONSOLE_PORT_ADD, 0, ""));
	EXPECT_TRUE(con_told_nothing(self->c));
}

TEST_F(ports, buffers_too_small_for_a_message)
{
	struct capture said;
	u32 len;
	int i;

	begin();
	ASSERT_TRUE(con_ctl(self->c, 0, VIRTIO_CONSOLE_DEVICE_READY, 1));
	capture_begin(&said);
	for (i = 0; i < 4; i++)
		con_offer(self->c, 2, 7);
	drv_run(self->d);
	capture_end(&said);
	EXPECT_NE(NULL, strstr(said.text, "too small"));
	for (i = 0; i < 4; i++) {
		EXPECT_NE(NULL, drv_get(self->d, 2, &len));
		EXPECT_EQ(0, len);
	}
	con_ctl_offer(self->c, 1);
	EXPECT_TRUE(con_told(self->c, SOCK, VIRTIO_CONSOLE_PORT_ADD, 0, ""));
}

TEST_F(ports, messages_that_make_no_sense)
{
	static const struct virtio_console_control bad[] = {
		{ 0, VIRTIO_CONSOLE_PORT_READY, 1 },		/* not added */
		{ 0, VIRTIO_CONSOLE_PORT_OPEN, 1 },
		{ 3, VIRTIO_CONSOLE_PORT_READY, 1 },
		{ 0xffffffff, VIRTIO_CONSOLE_PORT_OPEN, 1 },
		{ 0x80000000, VIRTIO_CONSOLE_PORT_READY, 1 },
		{ 1, VIRTIO_CONSOLE_PORT_ADD, 1 },
		{ 1, VIRTIO_CONSOLE_RESIZE, 1 },
		{ 1, 8, 1 },
		{ 1, 0xffff, 0xffff },
	};
	struct capture said;
	unsigned int i;
	u32 len = 7;
	char *p;

	begin();
	con_ctl_offer(self->c, 10);
	capture_begin(&said);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_TRUE(con_ctl(self->c, bad[i].id, bad[i].event, bad[i].value));
	EXPECT_TRUE(drv_request(self->d, 3, &DRV_OUT(drv_alloc(self->d, 8), 7), 1, &len));
	capture_end(&said);
	EXPECT_EQ(0, len);
	for (p = said.text, i = 0; (p = strchr(p, '\n')); p++)
		i++;
	EXPECT_EQ(ARRAY_SIZE(bad) + 1, i);
	EXPECT_TRUE(con_told_nothing(self->c));

	capture_begin(&said);
	EXPECT_TRUE(con_ctl(self->c, 0, VIRTIO_CONSOLE_DEVICE_READY, 0));
	capture_end(&said);
	EXPECT_TRUE(con_told_nothing(self->c));
	EXPECT_TRUE(come_up(self->c));
}

TEST_F(ports, the_guest_cannot_use_a_port)
{
	begin();
	con_ctl_offer(self->c, 20);
	con_ctl(self->c, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	con_ctl(self->c, SOCK, VIRTIO_CONSOLE_PORT_READY, 0);
	while (drv_get(self->d, 2, NULL))
		;
	close(dial(self->sock));
	EXPECT_TRUE(con_told_nothing(self->c));
}

/* Port 0 is there and leads nowhere: the terminal has a device of its own. */
TEST_F(ports, port_0)
{
	begin();
	EXPECT_FALSE(drv_features(self->d) & BIT_ULL(VIRTIO_CONSOLE_F_EMERG_WRITE));
	EXPECT_EQ(NULL, self->d->vm.term.ops);
	EXPECT_TRUE(con_write(self->c, 0, "hello"));
	drv_config_write32(self->d, 8, 'x');
	EXPECT_TRUE(con_said(self->c, ""));
}

TEST_F(ports, a_driver_of_one_port)
{
	ASSERT_EQ(0, con_attach(self->c, variant->transport));
	ASSERT_EQ(0, drv_setup(self->d, variant->features &
			       ~BIT_ULL(VIRTIO_CONSOLE_F_MULTIPORT)));
	EXPECT_TRUE(con_write(self->c, 0, "hello"));
	EXPECT_TRUE(con_said(self->c, ""));
	/* There are no other queues for it. */
	EXPECT_FALSE(con_ctl(self->c, 0, VIRTIO_CONSOLE_DEVICE_READY, 1));
	EXPECT_FALSE(con_write(self->c, FILE_, "x"));
}

static bool file_has(const char *path, const char *text)
{
	char buf[256];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, buf, sizeof(buf));

	close(fd);
	return n == (ssize_t)strlen(text) && !memcmp(buf, text, n);
}

TEST_F(ports, file)
{
	FILE *f = fopen(self->file, "w");

	fputs("old ", f);
	fclose(f);
	begin();
	EXPECT_TRUE(come_up(self->c));
	con_offer(self->c, con_rx(FILE_), 16);
	EXPECT_TRUE(con_write(self->c, FILE_, "one "));
	EXPECT_TRUE(con_write(self->c, FILE_, "two"));
	EXPECT_TRUE(file_has(self->file, "old one two"));
	EXPECT_FALSE(drv_used(self->d, con_rx(FILE_)));
}

TEST_F(ports, full_disk)
{
	struct capture said;

	con_end(self->c);
	ASSERT_EQ(0, con_machine(self->c, false));
	ASSERT_EQ(0, con_port(self->c, "full,file=/dev/full"));
	begin();
	capture_begin(&said);
	EXPECT_TRUE(con_write(self->c, 1, "one"));
	EXPECT_TRUE(con_write(self->c, 1, "two"));
	capture_end(&said);
	EXPECT_TRUE(capture_one_line(&said));
	EXPECT_NE(NULL, strstr(said.text, "--port full: output is lost: No space left on device"));
}

TEST_F(ports, slow_pipe_as_file)
{
	char fifo[96], conf[128], *text = calloc(1, 200001), *back = calloc(1, 200001);
	ssize_t n, got = 0;
	int fd, i;

	con_end(self->c);
	ASSERT_EQ(0, con_machine(self->c, false));
	snprintf(fifo, sizeof(fifo), "%s/fifo", self->dir);
	ASSERT_EQ(0, mkfifo(fifo, 0600));
	fd = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	snprintf(conf, sizeof(conf), "pipe,file=%s", fifo);
	ASSERT_EQ(0, con_port(self->c, conf));
	begin();
	for (i = 0; i < 200000; i++)
		text[i] = 'a' + i % 23;
	EXPECT_FALSE(con_write(self->c, 1, text));
	while ((n = read(fd, back + got, 200000 - got)) > 0) {
		got += n;
		drv_run(self->d);
	}
	EXPECT_EQ(200000, got);
	EXPECT_STREQ(text, back);
	EXPECT_TRUE(drv_used(self->d, con_tx(1)));
	close(fd);
	unlink(fifo);
	free(text);
	free(back);
}

TEST_F(ports, client_comes_talks_and_goes)
{
	char buf[16] = "";
	int fd, next, i;

	begin();
	EXPECT_TRUE(come_up(self->c));
	/* Nobody listens. */
	EXPECT_TRUE(con_write(self->c, SOCK, "lost"));
	for (i = 0; i < 3; i++) {
		fd = dial(self->sock);
		ASSERT_LE(0, fd);
		EXPECT_TRUE(con_told(self->c, SOCK, VIRTIO_CONSOLE_PORT_OPEN, 1, ""));
		con_offer(self->c, con_rx(SOCK), 16);
		EXPECT_EQ(4, write(fd, "ping", 4));
		EXPECT_TRUE(con_got(self->c, SOCK, "ping"));
		EXPECT_TRUE(con_write(self->c, SOCK, "pong"));
		EXPECT_EQ(4, read(fd, buf, sizeof(buf)));
		EXPECT_STREQ("pong", buf);
		/* The next one has to wait. */
		next = dial(self->sock);
		ASSERT_LE(0, next);
		EXPECT_TRUE(con_told_nothing(self->c));
		close(fd);
		EXPECT_TRUE(con_told(self->c, SOCK, VIRTIO_CONSOLE_PORT_OPEN, 0, ""));
		EXPECT_TRUE(con_told(self->c, SOCK, VIRTIO_CONSOLE_PORT_OPEN, 1, ""));
		con_offer(self->c, con_rx(SOCK), 16);
		EXPECT_EQ(1, write(next, "x", 1));
		EXPECT_TRUE(con_got(self->c, SOCK, "x"));
		close(next);
		EXPECT_TRUE(con_told(self->c, SOCK, VIRTIO_CONSOLE_PORT_OPEN, 0, ""));
	}
}

TEST_F(ports, client_is_there_before_the_guest)
{
	int fd;

	ASSERT_EQ(0, con_attach(self->c, variant->transport));
	fd = dial(self->sock);
	ASSERT_LE(0, fd);
	EXPECT_EQ(5, write(fd, "early", 5));
	ASSERT_EQ(0, drv_setup(self->d, variant->features));
	con_offer(self->c, con_rx(SOCK), 16);
	drv_run(self->d);
	EXPECT_FALSE(drv_used(self->d, con_rx(SOCK)));
	EXPECT_TRUE(come_up(self->c));
	EXPECT_TRUE(con_got(self->c, SOCK, "early"));
	/* It stays through a reset. */
	ASSERT_EQ(0, drv_setup(self->d, variant->features));
	con_offer(self->c, con_rx(SOCK), 16);
	EXPECT_TRUE(come_up(self->c));
	EXPECT_EQ(4, write(fd, "late", 4));
	EXPECT_TRUE(con_got(self->c, SOCK, "late"));
	close(fd);
}

TEST_F(ports, what_a_client_said_before_it_left)
{
	int fd;

	begin();
	fd = dial(self->sock);
	EXPECT_EQ(8, write(fd, "farewell", 8));
	close(fd);
	drv_run(self->d);
	con_ctl_offer(self->c, 20);
	con_ctl(self->c, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	while (drv_get(self->d, 2, NULL))
		;
	con_ctl(self->c, SOCK, VIRTIO_CONSOLE_PORT_READY, 1);
	EXPECT_TRUE(con_told(self->c, SOCK, VIRTIO_CONSOLE_PORT_NAME, 1, "org.test.sock"));
	EXPECT_TRUE(con_told(self->c, SOCK, VIRTIO_CONSOLE_PORT_OPEN, 1, ""));
	con_ctl(self->c, SOCK, VIRTIO_CONSOLE_PORT_OPEN, 1);
	con_offer(self->c, con_rx(SOCK), 4);
	EXPECT_TRUE(con_got(self->c, SOCK, "fare"));
	con_offer(self->c, con_rx(SOCK), 16);
	EXPECT_TRUE(con_got(self->c, SOCK, "well"));
	con_offer(self->c, con_rx(SOCK), 16);
	EXPECT_TRUE(con_told(self->c, SOCK, VIRTIO_CONSOLE_PORT_OPEN, 0, ""));
	EXPECT_FALSE(drv_used(self->d, con_rx(SOCK)));
}

TEST_F(ports, client_that_only_listens_from_now_on)
{
	char buf[16] = "";
	int fd;

	begin();
	EXPECT_TRUE(come_up(self->c));
	fd = dial(self->sock);
	EXPECT_TRUE(con_told(self->c, SOCK, VIRTIO_CONSOLE_PORT_OPEN, 1, ""));
	con_offer(self->c, con_rx(SOCK), 16);
	EXPECT_EQ(8, write(fd, "question", 8));
	shutdown(fd, SHUT_WR);
	EXPECT_TRUE(con_got(self->c, SOCK, "question"));
	con_offer(self->c, con_rx(SOCK), 16);
	EXPECT_TRUE(con_told_nothing(self->c));
	EXPECT_TRUE(con_write(self->c, SOCK, "answer"));
	EXPECT_EQ(6, read(fd, buf, sizeof(buf)));
	close(fd);
	EXPECT_TRUE(con_told(self->c, SOCK, VIRTIO_CONSOLE_PORT_OPEN, 0, ""));
}

TEST_F(ports, slow_client)
{
	char *text = calloc(1, 500001), *back = calloc(1, 500001);
	ssize_t n, got = 0;
	int fd, i;

	begin();
	EXPECT_TRUE(come_up(self->c));
	fd = dial(self->sock);
	drv_run(self->d);
	for (i = 0; i < 500000; i++)
		text[i] = 'a' + i % 23;
	EXPECT_FALSE(con_write(self->c, SOCK, text));
	/* Other ports do not mind. */
	EXPECT_TRUE(con_write(self->c, FILE_, "x"));
	while (got < 500000 && (n = recv(fd, back + got, 500000 - got, MSG_DONTWAIT)) > 0) {
		got += n;
		drv_run(self->d);
	}
	EXPECT_EQ(500000, got);
	EXPECT_STREQ(text, back);
	EXPECT_NE(NULL, drv_get(self->d, con_tx(SOCK), NULL));

	/* It goes while there is more: the rest is dropped, the guest goes on. */
	self->d->brk = 0x100000;
	EXPECT_FALSE(con_write(self->c, SOCK, text));
	close(fd);
	drv_run(self->d);
	EXPECT_NE(NULL, drv_get(self->d, con_tx(SOCK), NULL));
	free(text);
	free(back);
}

TEST_F(ports, reset_under_a_slow_client)
{
	char *text = malloc(500001), buf[4096];
	size_t got = 0;
	ssize_t n;
	int fd;

	begin();
	EXPECT_TRUE(come_up(self->c));
	fd = dial(self->sock);
	drv_run(self->d);
	memset(text, 'a', 500000);
	text[500000] = '\0';
	EXPECT_FALSE(con_write(self->c, SOCK, text));
	ASSERT_EQ(0, drv_setup(self->d, variant->features));
	while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		got += n;
		drv_run(self->d);
	}
	EXPECT_GT(500000, got);
	self->d->brk = 0x100000;
	EXPECT_TRUE(come_up(self->c));
	EXPECT_TRUE(con_write(self->c, SOCK, "again"));
	EXPECT_EQ(5, recv(fd, buf, sizeof(buf), MSG_DONTWAIT));
	close(fd);
	free(text);
}

TEST_F(ports, socket_of_the_user_alone)
{
	struct stat st;

	ASSERT_EQ(0, con_attach(self->c, variant->transport));
	ASSERT_EQ(0, stat(self->sock, &st));
	EXPECT_EQ(0600, st.st_mode & 0777);
}

TEST_F(ports, socket_in_the_way)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct capture said;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(sa.sun_path, self->sock);
	ASSERT_EQ(0, bind(fd, (struct sockaddr *)&sa, sizeof(sa)));
	ASSERT_EQ(0, listen(fd, 1));
	capture_begin(&said);
	EXPECT_EQ(-EADDRINUSE, con_attach(self->c, variant->transport));
	capture_end(&said);
	EXPECT_TRUE(capture_one_line(&said));
	con_end(self->c);
	/* What it did not make it does not remove. */
	EXPECT_EQ(0, access(self->sock, F_OK));

	/* Nobody serves it any more. */
	close(fd);
	ASSERT_EQ(0, ports_begin(self));
	EXPECT_EQ(0, con_attach(self->c, variant->transport));
	fd = dial(self->sock);
	EXPECT_LE(0, fd);
	close(fd);
	con_end(self->c);
	EXPECT_EQ(-1, access(self->sock, F_OK));
	ASSERT_EQ(0, ports_begin(self));
}

TEST_F(ports, no_socket_in_the_way)
{
	struct capture said;

	ASSERT_EQ(0, mkdir(self->sock, 0700));
	capture_begin(&said);
	EXPECT_EQ(-EEXIST, con_attach(self->c, variant->transport));
	capture_end(&said);
	EXPECT_NE(NULL, strstr(said.text, "is not a socket: remove it"));
	rmdir(self->sock);
}

TEST_F(ports, somebody_replaced_the_socket)
{
	ASSERT_EQ(0, con_attach(self->c, variant->transport));
	unlink(self->sock);
	ASSERT_EQ(0, mkdir(self->sock, 0700));
	con_end(self->c);
	EXPECT_EQ(0, rmdir(self->sock));
	ASSERT_EQ(0, ports_begin(self));
}

TEST_F(ports, dry_run_touches_nothing)
{
	self->d->cfg.dry_run = true;
	ASSERT_EQ(0, con_attach(self->c, variant->transport));
	EXPECT_EQ(-1, access(self->sock, F_OK));
	EXPECT_EQ(-1, access(self->file, F_OK));
}

TEST_F(ports, as_many_as_there_are_queues_for)
{
	struct capture said;
	char text[64];
	int i;

	con_end(self->c);
	ASSERT_EQ(0, con_machine(self->c, false));
	for (i = 1; i <= 30; i++) {
		snprintf(text, sizeof(text), "p%d,file=/dev/null", i);
		ASSERT_EQ(0, con_port(self->c, text));
	}
	begin();
	EXPECT_EQ(64, drv_queue_max(self->d, 63));
	EXPECT_TRUE(con_write(self->c, 30, "x"));
	con_end(self->c);

	ASSERT_EQ(0, con_machine(self->c, false));
	for (i = 1; i <= 31; i++) {
		snprintf(text, sizeof(text), "p%d,file=/dev/null", i);
		ASSERT_EQ(0, con_port(self->c, text));
	}
	capture_begin(&said);
	EXPECT_EQ(-E2BIG, con_attach(self->c, variant->transport));
	capture_end(&said);
	EXPECT_TRUE(capture_one_line(&said));
}

TEST_F(ports, two_of_a_name)
{
	struct capture said;

	ASSERT_EQ(0, con_port(self->c, "log,file=/dev/null"));
	capture_begin(&said);
	EXPECT_EQ(-EEXIST, con_attach(self->c, variant->transport));
	capture_end(&said);
	EXPECT_TRUE(capture_one_line(&said));
}

TEST(port_options)
{
	static const char *const bad[] = {
		"a", "a,socket=/x,file=/y", "a/b,file=/x", "a\tb,file=/x",
		"file=/x", "", "a,pipe=/x",
		"01234567890123456789012345678901234567890123456789012345678901234,file=/x",
	};
	struct con *c = malloc(sizeof(*c));
	struct capture said;
	unsigned int i;

	ASSERT_NE(NULL, c);
	ASSERT_EQ(0, con_machine(c, false));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		capture_begin(&said);
		EXPECT_EQ(-EINVAL, con_port(c, bad[i])) {
			TH_LOG("%s", bad[i]);
		}
		capture_end(&said);
		EXPECT_TRUE(capture_one_line(&said)) {
			TH_LOG("%s: %s", bad[i], said.text);
		}
	}
	con_end(c);
	free(c);
}
#endif /* CONFIG_VIRTIO_CONSOLE */

TEST_HARNESS_MAIN
