// SPDX-License-Identifier: GPL-2.0
/*
 * vmtool list, stop, pause and resume, with guests that behave and others.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <kselftest_harness.h>

#include <vmtool/qmp_client.h>

#include "builtin.h"
#include "fake_guest.h"

struct result {
	int status;
	char out[8192];
	char err[4096];
};

static void keep(char *buf, size_t size, int fd)
{
	ssize_t n = pread(fd, buf, size - 1, 0);

	buf[n > 0 ? n : 0] = '\0';
	close(fd);
}

/* Run a command in a process of its own; arguments end with NULL. */
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

static int lines(const char *text)
{
	int nr = 0;

	for (; *text; text++)
		nr += *text == '\n';
	return nr;
}

/* Have a test guest do something. */
static bool command(const char *name, const char *cmd, json_t *args)
{
	struct qmp_client c;
	struct qmp_error err;
	int ret;

	if (qmp_client_open(&c, name))
		return false;
	ret = qmp_client_execute(&c, cmd, args, 5000, NULL, &err);
	qmp_client_close(&c);
	json_decref(args);
	return !ret;
}

FIXTURE(guests) {
	char dir[128];
	pid_t a;
	pid_t b;
};

FIXTURE_SETUP(guests)
{
	fake_dir_make(self->dir, sizeof(self->dir));
	self->a = fake_guest_start("a");
	self->b = fake_guest_start("long-name");
	ASSERT_GT(self->a, 0);
	ASSERT_GT(self->b, 0);
}

FIXTURE_TEARDOWN(guests)
{
	kill(self->a, SIGKILL);
	kill(self->b, SIGKILL);
	fake_dir_remove(self->dir);
}

/* Still there? It must not have been waited for before. */
static bool runs(pid_t pid)
{
	return !waitpid(pid, NULL, WNOHANG);
}

static bool socket_exists(const char *dir, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s.sock", dir, name);
	return !access(path, F_OK);
}

TEST_F(guests, list)
{
	struct result r = vmtool(cmd_list, NULL);
	char want[128];

	EXPECT_EQ(0, r.status);
	EXPECT_STREQ("", r.err);
	EXPECT_EQ(3, lines(r.out));
	EXPECT_EQ(0, strncmp(r.out, "NAME          PID STATE    UPTIME KERNEL\n", 40));
	snprintf(want, sizeof(want), "\na         %7d running ", self->a);
	EXPECT_NE(NULL, strstr(r.out, want)) TH_LOG("%s", r.out);
	snprintf(want, sizeof(want), "\nlong-name %7d running ", self->b);
	EXPECT_NE(NULL, strstr(r.out, want)) TH_LOG("%s", r.out);
	EXPECT_NE(NULL, strstr(r.out, " 6.1.0-fake\n"));
	/* Its kernel's version has colours in it. */
	EXPECT_EQ(NULL, strchr(r.out, '\033'));

	r = vmtool(cmd_list, "--quiet", NULL);
	EXPECT_EQ(0, r.status);
	EXPECT_STREQ("a\nlong-name\n", r.out);
}

TEST_F(guests, list_json)
{
	struct result r = vmtool(cmd_list, "--json", NULL);
	json_t *list = json_loads(r.out, 0, NULL), *a;

	EXPECT_EQ(0, r.status);
	ASSERT_EQ(2, json_array_size(list));
	a = json_array_get(list, 0);
	EXPECT_STREQ("a", json_string_value(json_object_get(a, "name")));
	EXPECT_STREQ("running", json_string_value(json_object_get(a, "state")));
	EXPECT_EQ(self->a, json_integer_value(json_object_get(a, "pid")));
	EXPECT_EQ(FAKE_CPUS, json_integer_value(json_object_get(a, "cpus")));
	EXPECT_EQ((json_int_t)FAKE_MEMORY, json_integer_value(json_object_get(a, "memory")));
	EXPECT_TRUE(json_is_integer(json_object_get(a, "uptime")));
	EXPECT_TRUE(json_is_integer(json_object_get(a, "resets")));
	EXPECT_TRUE(json_is_string(json_object_get(a, "kernel")));
	json_decref(list);
}

TEST_F(guests, list_without_guests)
{
	struct result r;

	kill(self->a, SIGKILL);
	kill(self->b, SIGKILL);
	waitpid(self->a, NULL, 0);
	waitpid(self->b, NULL, 0);
	/* Killed: their sockets are swept by who looks. */
	ASSERT_TRUE(socket_exists(self->dir, "a"));
	r = vmtool(cmd_list, NULL);
	EXPECT_EQ(0, r.status);
	EXPECT_EQ(1, lines(r.out));
	EXPECT_FALSE(socket_exists(self->dir, "a"));
	EXPECT_FALSE(socket_exists(self->dir, "long-name"));
	r = vmtool(cmd_list, "--json", NULL);
	EXPECT_STREQ("[]\n", r.out);
	fake_dir_remove(self->dir);
	r = vmtool(cmd_list, NULL);
	EXPECT_EQ(0, r.status);
	EXPECT_EQ(1, lines(r.out));
	r = vmtool(cmd_stop, "--all", NULL);
	EXPECT_EQ(0, r.status);
	EXPECT_STREQ("vmtool: no guest is running\n", r.err);
}

TEST_F(guests, silent_guest)
{
	struct result r;
	json_t *list;

	kill(self->a, SIGSTOP);
	r = vmtool(cmd_list, NULL);
	EXPECT_EQ(0, r.status);
	EXPECT_NE(NULL, strstr(r.out, " not answering "));
	EXPECT_NE(NULL, strstr(r.out, " running "));
	r = vmtool(cmd_list, "--json", NULL);
	list = json_loads(r.out, 0, NULL);
	EXPECT_STREQ("not answering",
		     json_string_value(json_object_get(json_array_get(list, 0), "state")));
	EXPECT_EQ(self->a, json_integer_value(json_object_get(json_array_get(list, 0), "pid")));
	json_decref(list);
	/* Not asked, so not waited for. */
	r = vmtool(cmd_list, "-q", NULL);
	EXPECT_STREQ("a\nlong-name\n", r.out);

	r = vmtool(cmd_stop, "-f", "-n", "a", NULL);
	EXPECT_EQ(0, r.status);
	EXPECT_NE(NULL, strstr(r.err, "did not answer and was killed"));
	EXPECT_EQ(128 + SIGKILL, fake_guest_wait(self->a, 1));
	EXPECT_FALSE(socket_exists(self->dir, "a"));
	EXPECT_TRUE(runs(self->b));
}

TEST_F(guests, pause_and_resume)
{
	struct result r;

	r = vmtool(cmd_pause, "a", NULL);
	EXPECT_EQ(0, r.status);
	EXPECT_STREQ("", r.out);
	EXPECT_STREQ("", r.err);
	r = vmtool(cmd_list, NULL);
	EXPECT_NE(NULL, strstr(r.out, " paused "));
	EXPECT_NE(NULL, strstr(r.out, " running "));
	/* What is so already is no mistake. */
	EXPECT_EQ(0, vmtool(cmd_pause, "--all", NULL).status);
	r = vmtool(cmd_list, NULL);
	EXPECT_EQ(NULL, strstr(r.out, " running "));
	EXPECT_EQ(0, vmtool(cmd_resume, "-n", "a", "-n", "long-name", NULL).status);
	r = vmtool(cmd_list, NULL);
	EXPECT_EQ(NULL, strstr(r.out, " paused "));
}

TEST_F(guests, stop)
{
	struct result r = vmtool(cmd_stop, "long-name", NULL);

	EXPECT_EQ(0, r.status);
	EXPECT_STREQ("", r.out);
	EXPECT_STREQ("", r.err);
	EXPECT_EQ(0, fake_guest_wait(self->b, 1));
	EXPECT_FALSE(socket_exists(self->dir, "long-name"));
	EXPECT_TRUE(runs(self->a));
	EXPECT_EQ(0, vmtool(cmd_stop, "-a", NULL).status);
	EXPECT_EQ(0, fake_guest_wait(self->a, 1));
}

TEST_F(guests, stop_a_deaf_guest)
{
	struct result r;

	ASSERT_TRUE(command("a", "test-set", json_pack("{s:b}", "deaf", 1)));
	r = vmtool(cmd_stop, "a", NULL);
	EXPECT_EQ(1, r.status);
	EXPECT_NE(NULL, strstr(r.err, "does not listen"));
	EXPECT_NE(NULL, strstr(r.err, "--force a"));
	EXPECT_EQ(1, lines(r.err));
	EXPECT_TRUE(runs(self->a));
	r = vmtool(cmd_stop, "--force", "a", NULL);
	EXPECT_EQ(0, r.status);
	EXPECT_STREQ("", r.err);
	/* It ended by itself. */
	EXPECT_EQ(0, fake_guest_wait(self->a, 1));
}

TEST_F(guests, stop_a_paused_guest)
{
	struct result r;

	ASSERT_EQ(0, vmtool(cmd_pause, "a", NULL).status);
	r = vmtool(cmd_stop, "a", NULL);
	EXPECT_EQ(1, r.status);
	EXPECT_EQ(1, lines(r.err));
	EXPECT_NE(NULL, strstr(r.err, "--force a"));
	EXPECT_EQ(0, vmtool(cmd_stop, "-f", "a", NULL).status);
	EXPECT_EQ(0, fake_guest_wait(self->a, 1));
}

TEST_F(guests, stop_a_stubborn_guest)
{
	struct timespec from, to;
	struct result r;

	ASSERT_TRUE(command("a", "test-set", json_pack("{s:b}", "stubborn", 1)));
	clock_gettime(CLOCK_MONOTONIC, &from);
	r = vmtool(cmd_stop, "--timeout", "3", "-a", NULL);
	clock_gettime(CLOCK_MONOTONIC, &to);
	EXPECT_EQ(1, r.status);
	EXPECT_NE(NULL, strstr(r.err, "waiting for guest 'a'"));
	EXPECT_NE(NULL, strstr(r.err, "within 3 s"));
	EXPECT_LE(2, to.tv_sec - from.tv_sec);
	EXPECT_GE(5, to.tv_sec - from.tv_sec);
	EXPECT_TRUE(runs(self->a));
	/* The other one was not left out. */
	EXPECT_EQ(0, fake_guest_wait(self->b, 1));
}

/* It resets when asked to power off, and goes on. */
TEST_F(guests, stop_is_more_than_an_event)
{
	struct result r;

	ASSERT_TRUE(command("a", "test-set", json_pack("{s:b}", "stubborn", 1)));
	if (!fork()) {
		usleep(300000);
		_exit(!command("a", "system_reset", NULL));
	}
	r = vmtool(cmd_stop, "-t", "1", "a", NULL);
	EXPECT_EQ(1, r.status);
	EXPECT_TRUE(runs(self->a));
}

TEST_F(guests, bad_usage)
{
	static const struct {
		int (*cmd)(int argc, const char **argv);
		const char *args[3];
	} bad[] = {
		{ cmd_stop, { NULL } },
		{ cmd_pause, { NULL } },
		{ cmd_resume, { NULL } },
		{ cmd_list, { "a" } },
		{ cmd_list, { "--jsn" } },
		{ cmd_stop, { "nobody" } },
		{ cmd_stop, { "../a" } },
		{ cmd_stop, { "" } },
		{ cmd_stop, { "a\033[2Jb" } },
		{ cmd_stop, { "--force", "nobody" } },
		{ cmd_stop, { "-a", "a" } },
		{ cmd_stop, { "-n" } },
		{ cmd_stop, { "--timeout", "x", "a" } },
		{ cmd_stop, { "--timeout", "-1", "a" } },
		{ cmd_stop, { "--timeout", "99999999999", "a" } },
		{ cmd_pause, { "--frobnicate", "a" } },
		{ cmd_pause, { "--", "-a" } },
		{ cmd_resume, { "nobody" } },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct result r = vmtool(bad[i].cmd, bad[i].args[0], bad[i].args[1],
					 bad[i].args[2], NULL);

		EXPECT_EQ(125, r.status) TH_LOG("case %u", i);
		EXPECT_STREQ("", r.out);
		EXPECT_EQ(1, lines(r.err)) TH_LOG("case %u: %s", i, r.err);
		EXPECT_EQ(0, strncmp(r.err, "vmtool: ", 8)) TH_LOG("case %u: %s", i, r.err);
		EXPECT_EQ(NULL, strchr(r.err, '\033'));
	}
	EXPECT_TRUE(runs(self->a));
	EXPECT_TRUE(runs(self->b));
}

TEST_F(guests, one_of_two_exists)
{
	struct result r = vmtool(cmd_stop, "nobody", "a", "a", NULL);

	EXPECT_EQ(125, r.status);
	EXPECT_EQ(1, lines(r.err));
	EXPECT_EQ(0, fake_guest_wait(self->a, 1));
}

/* A directory that is not ours alone is nothing to trust. */
TEST_F(guests, open_directory)
{
	struct result r;

	ASSERT_EQ(0, chmod(self->dir, 0777));
	r = vmtool(cmd_list, NULL);
	EXPECT_EQ(125, r.status);
	EXPECT_EQ(1, lines(r.err));
	EXPECT_STREQ("", r.out);
}

TEST_HARNESS_MAIN
