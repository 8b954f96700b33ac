// SPDX-License-Identifier: GPL-2.0
/*
 * run-verdict.c: from what has happened to the status, the messages and the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "capture.h"
#include "run-verdict.h"

#define WARNING	"WARNING: CPU: 0 PID: 1 at a.c:1 f+0x1/0x2\n---[ end trace 0 ]---\n"
#define PANIC	"Kernel panic - not syncing: x\n"

FIXTURE(run) {
	struct run_verdict_args args;
	struct vm_config cfg;
	struct vm *vm;
	struct watch_cpu cpus[2];
	struct capture said;
	char file[32];
	char json[8192];
};

FIXTURE_SETUP(run)
{
	strcpy(self->file, "/tmp/run_verdict.XXXXXX");
	close(mkstemp(self->file));
	self->args.file = self->file;
	strcpy(self->cfg.name, "guest");
	self->vm = calloc(1, sizeof(*self->vm));
	self->vm->cfg = &self->cfg;
	self->vm->kernel.version_sought = true;
	INIT_LIST_HEAD(&self->vm->run.observers);
	pthread_mutex_init(&self->vm->console_lock, NULL);
}

FIXTURE_TEARDOWN(run)
{
	free(self->vm);
	unlink(self->file);
}

/* A guest that prints this and ends so; a command of 128 + N died of signal N. */
static int run(FIXTURE_DATA(run) *self, const char *console, int guest, enum run_cause cause,
	       int command)
{
	struct run_verdict *rv = run_verdict_new(&self->args, &self->cfg);
	struct run_observer *obs;
	int status, fd;

	memset(&self->vm->verdict, 0, sizeof(self->vm->verdict));
	run_verdict_start(rv, self->vm);
	verdict_console(&self->vm->verdict, console, strlen(console));
	if (command >= 0)
		run_verdict_command(rv, command);
	obs = list_first_entry(&self->vm->run.observers, struct run_observer, node);
	obs->fn(obs, RUN_EV_RESUME, RUN_BY_HOST_QMP);
	obs->fn(obs, RUN_EV_SHUTDOWN, cause);
	run_verdict_stop(rv, self->vm);
	capture_begin(&self->said);
	status = run_verdict_end(rv, guest);
	capture_end(&self->said);
	memset(self->json, 0, sizeof(self->json));
	fd = open(self->file, O_RDONLY);
	if (fd < 0 || read(fd, self->json, sizeof(self->json) - 1) < 0)
		abort();
	close(fd);
	return status;
}

static const struct {
	const char *console;
	int guest;
	enum run_cause cause;
	int command;
	bool fail_on_warn;
	int status;
	const char *reason;
} ends[] = {
	{ "", 0, RUN_BY_GUEST_POWEROFF, -1, false, 0, "poweroff" },
	{ "", 0, RUN_BY_GUEST_RESET, -1, false, 0, "reset" },
	{ "", 0, RUN_BY_GUEST_TRIPLE_FAULT, -1, true, 0, "reset" },
	{ "", 0, RUN_BY_GUEST_POWEROFF, 0, true, 0, "command" },
	{ "", 0, RUN_BY_GUEST_POWEROFF, 7, true, 7, "command" },
	{ "", 0, RUN_BY_GUEST_POWEROFF, 101, false, 101, "command" },
	{ "", 0, RUN_BY_GUEST_POWEROFF, 102, true, 102, "command" },
	{ "", 0, RUN_BY_GUEST_POWEROFF, 128, false, 100, "command" },
	{ "", 0, RUN_BY_GUEST_POWEROFF, 128 + 11, false, 100, "command" },
	{ "", 0, RUN_BY_GUEST_POWEROFF, 200, false, 100, "command" },
	{ WARNING, 0, RUN_BY_GUEST_POWEROFF, -1, false, 0, "poweroff" },
	{ WARNING, 0, RUN_BY_GUEST_POWEROFF, -1, true, 102, "warning" },
	{ WARNING, 0, RUN_BY_GUEST_POWEROFF, 7, false, 7, "command" },
	{ WARNING, 0, RUN_BY_GUEST_POWEROFF, 7, true, 102, "warning" },
	{ PANIC, 101, RUN_BY_GUEST_PANIC, -1, true, 101, "panic" },
	{ PANIC, 101, RUN_BY_GUEST_RESET, 0, false, 101, "panic" },
	{ WARNING, 103, RUN_BY_TIMEOUT, -1, true, 103, "timeout" },
	{ "", 104, RUN_BY_GUEST_TRIPLE_FAULT, -1, true, 104, "triple-fault" },
	{ "", 105, RUN_BY_HOST_ERROR, -1, true, 105, "kvm-error" },
	{ WARNING, 125, RUN_BY_HOST_ERROR, 3, true, 125, "error" },
	{ "", 125, RUN_BY_HOST_SIGNAL, -1, true, 125, "ended" },
	{ "", 125, RUN_BY_HOST_QMP, -1, true, 125, "ended" },
};

TEST_F(run, statuses_and_reasons)
{
	char expected[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		self->args.fail_on_warn = ends[i].fail_on_warn;
		EXPECT_EQ(ends[i].status, run(self, ends[i].console, ends[i].guest,
					      ends[i].cause, ends[i].command))
			TH_LOG("case %zu", i);
		snprintf(expected, sizeof(expected), "{\n  \"status\": %d,\n  \"reason\": \"%s\",\n",
			 ends[i].status, ends[i].reason);
		EXPECT_TRUE(strstr(self->json, expected) == self->json)
			TH_LOG("case %zu: %.80s", i, self->json);
	}
}

TEST_F(run, the_console_after_a_panic)
{
	run(self, "one\n\x1b[31mtwo\n" PANIC "the last line", 101, RUN_BY_GUEST_PANIC, -1);
	EXPECT_STREQ("vmtool: the console's last lines:\none\n?[31mtwo\n" PANIC "the last line\n",
		     self->said.text);
}

TEST_F(run, the_console_when_it_was_hidden)
{
	static const struct {
		int guest;
		enum run_cause cause;
		bool shown;
	} cases[] = {
		{ 0, RUN_BY_GUEST_POWEROFF, false },
		{ 103, RUN_BY_TIMEOUT, true },
		{ 104, RUN_BY_GUEST_TRIPLE_FAULT, true },
		{ 105, RUN_BY_HOST_ERROR, true },
		{ 125, RUN_BY_HOST_ERROR, true },
		{ 125, RUN_BY_HOST_SIGNAL, false },
		{ 125, RUN_BY_HOST_UI, false },
		{ 125, RUN_BY_HOST_QMP, false },
	};
	size_t i, hide;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		for (hide = 0; hide < 2; hide++) {
			self->cfg.term = hide ? TERM_NOTHING : TERM_STDIO;
			run(self, "a line\n", cases[i].guest, cases[i].cause, -1);
			EXPECT_EQ(hide && cases[i].shown, !!strstr(self->said.text, "a line\n"))
				TH_LOG("case %zu", i);
		}
}

TEST_F(run, what_was_complained_of)
{
	self->args.fail_on_warn = true;
	run(self, "before\n" WARNING "after\n", 0, RUN_BY_GUEST_POWEROFF, -1);
	EXPECT_NE(NULL, strstr(self->said.text, WARNING));
	EXPECT_EQ(NULL, strstr(self->said.text, "before"));
	EXPECT_EQ(NULL, strstr(self->said.text, "after"));
	EXPECT_NE(NULL, strstr(self->json, "\"splat-kind\": \"warning\""));
	EXPECT_NE(NULL, strstr(self->json, "\"warning\": 1,"));
}

TEST_F(run, where_the_vcpus_stood)
{
	self->vm->watchdog.cpus = self->cpus;
	self->vm->watchdog.nr_cpus = 2;
	self->vm->watchdog.state = WATCH_LOCKED;
	self->cpus[0].sample = (struct vcpu_sample){ .known = true, .pc = 0x1234,
						     .irqs_off = true };
	self->cpus[1].sample = (struct vcpu_sample){ .known = true, .off = true };
	EXPECT_EQ(103, run(self, "", 103, RUN_BY_TIMEOUT, -1));
	EXPECT_STREQ("", self->said.text);
	self->vm->watchdog.sampled = true;
	EXPECT_EQ(103, run(self, "", 103, RUN_BY_TIMEOUT, -1));
	EXPECT_STREQ("vmtool: vCPU 0: 0x1234, in the kernel, interrupts off\nvmtool: vCPU 1: off\n",
		     self->said.text);
	EXPECT_NE(NULL, strstr(self->json, "\"reason\": \"hang\""));
	EXPECT_NE(NULL, strstr(self->json, "\"vcpus\": \"vCPU 0: 0x1234, in the kernel,"));
}

TEST_F(run, a_file_that_cannot_be_written)
{
	struct run_verdict *rv;

	self->args.file = "/dev/full";
	rv = run_verdict_new(&self->args, &self->cfg);
	capture_begin(&self->said);
	EXPECT_EQ(125, run_verdict_end(rv, 0));
	capture_end(&self->said);
	EXPECT_TRUE(capture_one_line(&self->said));
	EXPECT_NE(NULL, strstr(self->said.text, "--verdict /dev/full: No space left"));
}

TEST_F(run, options)
{
	static const struct {
		const char *text;
		unsigned int hang;
		bool idle;
		int ret;
	} cases[] = {
		{ "1", 1, false, 0 }, { "30", 30, false, 0 }, { "30,idle", 30, true, 0 },
		{ "", 0, false, -EINVAL }, { "0", 0, false, -EINVAL }, { "x", 0, false, -EINVAL },
		{ "1,", 0, false, -EINVAL }, { ",idle", 0, false, -EINVAL },
		{ "1,idle,", 0, false, -EINVAL }, { "315360001", 0, false, -EINVAL },
		{ "00000000000000000000000001", 0, false, -EINVAL },
	};
	struct vm_config cfg;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(&cfg, 0, sizeof(cfg));
		self->args.hang = cases[i].text;
		capture_begin(&self->said);
		EXPECT_EQ(cases[i].ret, run_verdict_config(&self->args, &cfg))
			TH_LOG("%s", cases[i].text);
		capture_end(&self->said);
		EXPECT_EQ(cases[i].ret != 0, capture_one_line(&self->said));
		if (cases[i].ret)
			continue;
		EXPECT_EQ(cases[i].hang, cfg.hang);
		EXPECT_EQ(cases[i].idle, cfg.hang_idle);
	}
}

TEST_HARNESS_MAIN
