// SPDX-License-Identifier: GPL-2.0
/*
 * vmtool balloon and vmtool stat, down to a balloon whose driver answers.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <sys/mman.h>

#include <kselftest_harness.h>

#if defined(CONFIG_VIRTIO_BALLOON) && defined(CONFIG_CMD_BALLOON) && defined(CONFIG_CMD_STAT)
#include <linux/virtio_balloon.h>
#include <vmtool/balloon.h>

#include "builtin.h"
#include "fake_guest.h"
#include "virtio_driver.h"

#include "../../virtio/virtio.h"

#define MIB	(1024 * 1024)

struct stat_entry {
	__le16 tag;
	__le64 val;
} __packed;

enum driver { NO_BALLOON, NO_DRIVER, MUTE, TALKS };

/* A guest of 16 MiB whose driver does at once what it is told. */
struct inside {
	struct fake_guest g;
	struct drv d;
	struct qmp_table table;
	struct ev_timer tick;
	enum driver driver;
	u64 answers;
};

static void inside_answer(struct inside *in)
{
	struct stat_entry stats[] = {
		{ VIRTIO_BALLOON_S_MEMTOT, 16 * MIB },
		{ VIRTIO_BALLOON_S_MAJFLT, ++in->answers },
	};

	in->d.brk = 0x800000;
	drv_add(&in->d, 2, &DRV_OUT(drv_alloc_with(&in->d, stats, sizeof(stats)),
				    sizeof(stats)), 1, in);
	drv_kick(&in->d, 2);
}

static void inside_tick(struct ev_timer *timer)
{
	struct inside *in = container_of(timer, struct inside, tick);

	drv_run(&in->d);
	if (in->driver == TALKS && drv_get(&in->d, 2, NULL))
		inside_answer(in);
	if (in->driver >= MUTE)
		drv_config_write32(&in->d, 4, drv_config_read32(&in->d, 0));
	ev_timer_set(&in->g.loop, timer, 5);
}

static int inside_main(const char *name, enum driver driver, int ready)
{
	struct inside *in = calloc(1, sizeof(*in));
	int ret = fake_guest_init(&in->g, name);

	fake_signalled = &in->g;
	signal(SIGTERM, fake_signal);
	in->driver = driver;
	in->table = (struct qmp_table){ .commands = balloon_commands, .priv = &in->d.vm };
	ret = ret ?: qmp_register(&in->g.reg, &in->table);
	if (!ret && driver > NO_BALLOON) {
		ret = drv_init(&in->d, DRV_MMIO, &balloon_class, NULL);
		if (driver > NO_DRIVER)
			ret = ret ?: drv_setup(&in->d, DRV_PLAIN);
		if (driver == TALKS)
			inside_answer(in);
		in->tick.fn = inside_tick;
		ev_timer_set(&in->g.loop, &in->tick, 5);
	}
	ret = ret ?: control_claim(&in->g.claim, name);
	if (!ret && write(ready, "r", 1) == 1)
		ret = fake_guest_serve(&in->g, in->g.claim.fd);
	return ret;
}

static pid_t inside_start(const char *name, enum driver driver)
{
	int ready[2];
	pid_t pid;
	char c;

	if (pipe(ready) < 0)
		return -1;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ready[0]);
		_exit(inside_main(name, driver, ready[1]) ? 1 : 0);
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		pid = -1;
	close(ready[0]);
	return pid;
}

struct result {
	int status;
	char out[4096];
	char err[4096];
};

static void keep(char *buf, size_t size, int fd)
{
	ssize_t n = pread(fd, buf, size - 1, 0);

	buf[n > 0 ? n : 0] = '\0';
	close(fd);
}

static struct result vmtool(int (*cmd)(int argc, const char **argv), ...)
{
	int out = memfd_create("out", MFD_CLOEXEC), err = memfd_create("err", MFD_CLOEXEC);
	const char *argv[16] = { "command" };
	struct result r = { };
	int argc = 0, status;
	va_list ap;
	pid_t pid;

	va_start(ap, cmd);
	while (argv[argc])
		argv[++argc] = va_arg(ap, const char *);
	va_end(ap);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(out, 1);
		dup2(err, 2);
		status = cmd(argc, argv);
		fflush(stdout);
		_exit(status);
	}
	waitpid(pid, &status, 0);
	r.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	keep(r.out, sizeof(r.out), out);
	keep(r.err, sizeof(r.err), err);
	return r;
}

FIXTURE(balloon_cmd) {
	char dir[128];
	pid_t pid;
};

FIXTURE_SETUP(balloon_cmd)
{
	fake_dir_make(self->dir, sizeof(self->dir));
	self->pid = -1;
}

FIXTURE_TEARDOWN(balloon_cmd)
{
	if (self->pid > 0) {
		kill(self->pid, SIGKILL);
		waitpid(self->pid, NULL, 0);
	}
	fake_dir_remove(self->dir);
}

#define begin(driver)						\
	do {							\
		self->pid = inside_start("g", driver);		\
		ASSERT_LT(0, self->pid);			\
	} while (0)

/* What "vmtool balloon" shows, once the guest has followed. */
static bool shows(const char *text)
{
	struct result r;
	int i;

	for (i = 0; i < 200; i++) {
		r = vmtool(cmd_balloon, "-n", "g", NULL);
		if (!r.status && !strcmp(r.out, text))
			return true;
		usleep(10000);
	}
	fprintf(stderr, "%s%s", r.out, r.err);
	return false;
}

TEST_F(balloon_cmd, balloon_up_and_down)
{
	begin(TALKS);
	EXPECT_TRUE(shows("g: 16M of 16M\n"));
	EXPECT_EQ(0, vmtool(cmd_balloon, "-n", "g", "12", NULL).status);
	EXPECT_TRUE(shows("g: 12M of 16M\n"));
	EXPECT_EQ(0, vmtool(cmd_balloon, "-n", "g", "--inflate", "4", NULL).status);
	EXPECT_TRUE(shows("g: 8M of 16M\n"));
	EXPECT_EQ(0, vmtool(cmd_balloon, "-n", "g", "-i", "1024K", NULL).status);
	EXPECT_TRUE(shows("g: 7M of 16M\n"));
	EXPECT_EQ(0, vmtool(cmd_balloon, "-a", "--deflate=9M", NULL).status);
	EXPECT_TRUE(shows("g: 16M of 16M\n"));
}

TEST_F(balloon_cmd, balloon_too_much)
{
	struct result r;

	begin(TALKS);
	r = vmtool(cmd_balloon, "-n", "g", "-i", "16", NULL);
	EXPECT_EQ(1, r.status);
	EXPECT_STREQ("vmtool: guest 'g' has only 16M\n", r.err);
	r = vmtool(cmd_balloon, "-n", "g", "-d", "1", NULL);
	EXPECT_EQ(1, r.status);
	EXPECT_STREQ("vmtool: guest 'g' has all of its memory\n", r.err);
	EXPECT_EQ(0, vmtool(cmd_balloon, "-n", "g", "15M", NULL).status);
	r = vmtool(cmd_balloon, "-n", "g", "-d", "2", NULL);
	EXPECT_STREQ("vmtool: guest 'g' has only 1M to get back\n", r.err);
	/* More than there is is all there is. */
	EXPECT_EQ(0, vmtool(cmd_balloon, "-n", "g", "1T", NULL).status);
	EXPECT_TRUE(shows("g: 16M of 16M\n"));
}

TEST_F(balloon_cmd, balloon_without_a_driver)
{
	begin(NO_DRIVER);
	EXPECT_EQ(0, vmtool(cmd_balloon, "-n", "g", "8", NULL).status);
	EXPECT_TRUE(shows("g: 16M of 16M, asked for 8M\n"));
}

TEST_F(balloon_cmd, bad_usage)
{
	static const char *const bad[][4] = {
		{ "-n", "g", "0" }, { "-n", "g", "4095B" }, { "-n", "g", "many" },
		{ "-n", "g", "-i0" }, { "-n", "g", "-d-1" }, { "-n", "g", "" },
		{ "64" },
	};
	struct result r;
	unsigned int i;

	begin(TALKS);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		r = vmtool(cmd_balloon, bad[i][0], bad[i][1], bad[i][2], NULL);
		EXPECT_EQ(125, r.status);
		EXPECT_EQ(0, strncmp("vmtool: ", r.err, 8));
	}
	EXPECT_EQ(125, vmtool(cmd_balloon, "-n", "g", "8", "9", NULL).status);
	EXPECT_EQ(125, vmtool(cmd_balloon, "-n", "g", "8", "-i", "1", NULL).status);
	EXPECT_EQ(125, vmtool(cmd_balloon, "-n", "g", "-i", "1", "-d", "1", NULL).status);
	EXPECT_EQ(125, vmtool(cmd_balloon, "-n", "nobody", "8", NULL).status);
	EXPECT_EQ(125, vmtool(cmd_stat, "-m", "-k", "-n", "g", NULL).status);
	EXPECT_EQ(125, vmtool(cmd_stat, "-m", NULL).status);
	EXPECT_TRUE(shows("g: 16M of 16M\n"));
}

TEST_F(balloon_cmd, no_balloon)
{
	struct result r;

	begin(NO_BALLOON);
	r = vmtool(cmd_balloon, "-n", "g", "8", NULL);
	EXPECT_EQ(1, r.status);
	EXPECT_NE(NULL, strstr(r.err, "'vmtool run --balloon' gives it one"));
	r = vmtool(cmd_stat, "-m", "g", NULL);
	EXPECT_EQ(1, r.status);
	EXPECT_NE(NULL, strstr(r.err, "'vmtool run --balloon' gives it one"));
}

TEST_F(balloon_cmd, stat_memory)
{
	struct result r;
	int i;

	begin(TALKS);
	/* Each time something newer. */
	for (i = 2; i < 5; i++) {
		char want[64];

		r = vmtool(cmd_stat, "--memory", "-n", "g", NULL);
		EXPECT_EQ(0, r.status);
		EXPECT_TRUE(!strncmp(r.out, "g:\n", 3));
		snprintf(want, sizeof(want), "  %-30s %16d bytes\n", "total memory", 16 * MIB);
		EXPECT_NE(NULL, strstr(r.out, want));
		snprintf(want, sizeof(want), "  %-30s %16d bytes\n", "actual", 16 * MIB);
		EXPECT_NE(NULL, strstr(r.out, want));
		EXPECT_NE(NULL, strstr(r.out, "major faults"));
		EXPECT_EQ(NULL, strstr(r.out, "swapped"));
	}
}

TEST_F(balloon_cmd, stat_without_an_answer)
{
	struct result r;

	begin(MUTE);
	r = vmtool(cmd_stat, "-m", "g", NULL);
	EXPECT_EQ(1, r.status);
	EXPECT_STREQ("vmtool: guest 'g': it has not answered within 2 s\n", r.err);
}

TEST_F(balloon_cmd, stat_without_a_driver)
{
	struct result r;

	begin(NO_DRIVER);
	r = vmtool(cmd_stat, "-m", "g", NULL);
	EXPECT_EQ(1, r.status);
	EXPECT_STREQ("vmtool: guest 'g': the guest has no driver that gives statistics\n", r.err);
}
#endif

TEST_HARNESS_MAIN
