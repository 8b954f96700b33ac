/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_FAKE_GUEST_H
#define TESTS_FAKE_GUEST_H

/*
 * A guest without a machine: an event loop, a run state and a control server,
 * for tests of everything that speaks to one. It does what a test asks for by
 * commands of its own, "test-...".
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include <linux/kernel.h>
#include <vmtool/control.h>
#include <vmtool/qmp.h>
#include <vmtool/runstate.h>
#include <vmtool/verdict.h>

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define FAKE_LEAK_CHECK
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define FAKE_LEAK_CHECK
#endif
#ifdef FAKE_LEAK_CHECK
#include <sanitizer/lsan_interface.h>
#endif

/* A kernel image is not to be trusted, nor is its version. */
#define FAKE_KERNEL	"6.1.0-fake (\033[31mred\033[0m \xff) #1"
#define FAKE_CPUS	3
#define FAKE_MEMORY	(6ULL << 30)

struct fake_guest {
	struct evloop loop;
	struct verdict verdict;
	struct runstate run;
	struct qmp_registry reg;
	struct control_info info;
	struct control_server server;
	struct control_claim claim;
	struct qmp_table table;
	bool deaf;		/* does not listen to the power button */
	bool stubborn;		/* listens and does nothing */
	bool held;
	bool shouted;
	int reset_error;
};

static void fake_hold(void *priv)
{
	((struct fake_guest *)priv)->held = true;
}

static void fake_kick(void *priv)
{
}

static void fake_release(void *priv)
{
	((struct fake_guest *)priv)->held = false;
}

static int fake_reset(void *priv)
{
	return ((struct fake_guest *)priv)->reset_error;
}

static int fake_powerdown(void *priv)
{
	struct fake_guest *g = priv;

	if (g->deaf)
		return -ENOTSUP;
	if (!g->stubborn)
		runstate_request(&g->run, RUN_BY_GUEST_POWEROFF);
	return 0;
}

static const struct run_ops fake_ops = {
	.hold = fake_hold,
	.kick = fake_kick,
	.release = fake_release,
	.reset = fake_reset,
	.powerdown = fake_powerdown,
};

static void fake_wake(struct evloop *loop)
{
	runstate_service(&container_of(loop, struct fake_guest, loop)->run);
}

static const char *fake_kernel_version(void *priv)
{
	return FAKE_KERNEL;
}

static int fake_thread_id(void *priv, unsigned int cpu)
{
	return 1000 + cpu;
}

/* Everything a schema can say, given back. */
static const struct qmp_arg echo_args[] = {
	{ "text", QMP_STRING, false, "a text" },
	{ "number", QMP_INT, true, "a number" },
	{ "truth", QMP_BOOL, true, "a truth" },
	{ "list", QMP_LIST, true, "a list" },
	{ }
};

static json_t *fake_echo(void *priv, const json_t *args, struct qmp_error *err)
{
	return json_deep_copy(args);
}

static const struct qmp_arg cause_args[] = {
	{ "cause", QMP_INT, false, "enum run_cause" },
	{ }
};

static json_t *fake_cause(void *priv, const json_t *args, struct qmp_error *err)
{
	json_int_t cause = json_integer_value(json_object_get(args, "cause"));
	struct fake_guest *g = priv;

	if (cause < 0 || cause > RUN_BY_GUEST_PANIC)
		return NULL;
	runstate_request(&g->run, cause);
	return json_object();
}

static json_t *fake_fail(void *priv, const json_t *args, struct qmp_error *err)
{
	qmp_error_set(err, "DeviceNotFound", "no %s", "\xc3\xa9t\xc3 \033[0m");
	return NULL;
}

static json_t *fake_fail_silently(void *priv, const json_t *args, struct qmp_error *err)
{
	return NULL;
}

static const struct qmp_arg shout_args[] = {
	{ "count", QMP_INT, false, "events" },
	{ "size", QMP_INT, false, "bytes of each" },
	{ }
};

/* Events until a client that does not read has had enough. */
static json_t *fake_shout(void *priv, const json_t *args, struct qmp_error *err)
{
	struct fake_guest *g = priv;
	json_int_t count = json_integer_value(json_object_get(args, "count"));
	json_int_t size = json_integer_value(json_object_get(args, "size"));
	char *text;

	if (count < 0 || count > 100 || size < 0 || size > 200000)
		return NULL;
	g->shouted = true;
	text = calloc(1, size + 1);
	memset(text, 'x', size);
	while (count--)
		control_emit(&g->server, "SHOUT", json_pack("{s:s}", "text", text));
	free(text);
	return json_object();
}

static const struct qmp_arg set_args[] = {
	{ "deaf", QMP_BOOL, true, "do not listen to the power button" },
	{ "stubborn", QMP_BOOL, true, "listen and do nothing" },
	{ "reset-error", QMP_INT, true, "make resets fail" },
	{ }
};

static json_t *fake_set(void *priv, const json_t *args, struct qmp_error *err)
{
	struct fake_guest *g = priv;

	g->deaf = json_is_true(json_object_get(args, "deaf"));
	g->stubborn = json_is_true(json_object_get(args, "stubborn"));
	g->reset_error = json_object_get(args, "reset-error") ? -EIO : 0;
	return json_boolean(g->held);
}

static const struct qmp_command fake_commands[] = {
	{ "test-echo", "give the arguments back", echo_args, fake_echo },
	{ "test-cause", "runstate_request()", cause_args, fake_cause },
	{ "test-fail", "fail with a message", NULL, fake_fail },
	{ "test-fail-silently", "fail without a message", NULL, fake_fail_silently },
	{ "test-shout", "send events", shout_args, fake_shout },
	{ "test-set", "change the guest's manners", set_args, fake_set },
	{ }
};

/* Everything but the socket; @name stays the caller's. */
static inline int fake_guest_init(struct fake_guest *g, const char *name)
{
	int ret;

	memset(g, 0, sizeof(*g));
	g->claim.fd = -1;
	g->claim.dir.fd = -1;
	ret = evloop_init(&g->loop);
	if (ret)
		return ret;
	g->loop.on_wake = fake_wake;
	runstate_init(&g->run, &g->loop, &g->verdict, &fake_ops, g);
	qmp_registry_init(&g->reg);
	g->table.commands = fake_commands;
	g->table.priv = g;
	ret = qmp_register(&g->reg, &g->table);
	g->info = (struct control_info) {
		.name = name, .version = "1.2.3-fake", .arch = "x86_64",
		.kernel_version = fake_kernel_version,
		.cpus = FAKE_CPUS, .memory = FAKE_MEMORY,
		.cpu_thread_id = fake_thread_id, .priv = g, .run = &g->run,
	};
	clock_gettime(CLOCK_MONOTONIC, &g->info.started);
	return ret;
}

/* Serve a listening socket until the guest ends. */
static inline int fake_guest_serve(struct fake_guest *g, int fd)
{
	int ret = control_server_init(&g->server, &g->loop, &g->info, &g->reg, fd);

	if (ret)
		return ret;
	runstate_start(&g->run);
	ret = evloop_run(&g->loop);
	control_server_destroy(&g->server);
	evloop_destroy(&g->loop);
	return ret;
}

/* Was memory lost? Only LeakSanitizer knows. */
static inline int fake_leaks(void)
{
#ifdef FAKE_LEAK_CHECK
	return __lsan_do_recoverable_leak_check();
#else
	return 0;
#endif
}

static struct fake_guest *fake_signalled;

static void fake_signal(int sig)
{
	runstate_request(&fake_signalled->run, RUN_BY_HOST_SIGNAL);
}

static inline int fake_guest_main(struct fake_guest *g, const char *name, int ready)
{
	int ret = fake_guest_init(g, name);

	fake_signalled = g;
	signal(SIGTERM, fake_signal);
	if (!ret)
		ret = control_claim(&g->claim, name);
	if (!ret && write(ready, "r", 1) == 1)
		ret = fake_guest_serve(g, g->claim.fd);
	control_release(&g->claim);
	return ret ? ret : fake_leaks();
}

/* A guest of that name in a process of its own that dies with the caller. */
static inline pid_t fake_guest_start(const char *name)
{
	int ready[2];
	pid_t pid;
	char c;

	if (pipe(ready) < 0)
		return -1;
	pid = fork();
	if (!pid) {
		static struct fake_guest g;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ready[0]);
		_exit(fake_guest_main(&g, name, ready[1]) ? 1 : 0);
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		pid = -1;
	close(ready[0]);
	return pid;
}

/* Exit status of a guest, 128 + signal, or -1 when it has not ended by then. */
static inline int fake_guest_wait(pid_t pid, int seconds)
{
	static const struct timespec tick = { .tv_nsec = 10000000 };
	int i, status;

	for (i = 0; i < seconds * 100; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) :
						   128 + WTERMSIG(status);
		nanosleep(&tick, NULL);
	}
	return -1;
}

/* Ask it to end and see how: 0 is the only good answer. */
static inline int fake_guest_end(pid_t pid)
{
	int ret;

	kill(pid, SIGTERM);
	ret = fake_guest_wait(pid, 10);
	if (ret < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return ret;
}

/* A directory of control sockets for this test alone. */
static inline void fake_dir_make(char *path, size_t size)
{
	snprintf(path, size, "%s/vmtool-test.XXXXXX", getenv("TMPDIR") ?: "/tmp");
	if (!mkdtemp(path))
		path[0] = '\0';
	setenv("VMTOOL_RUNTIME_DIR", path, 1);
}

static inline void fake_dir_remove(const char *path)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf '%s'", path);
	if (path[0] && system(command))
		fprintf(stderr, "cannot remove %s\n", path);
}

#endif /* TESTS_FAKE_GUEST_H */
