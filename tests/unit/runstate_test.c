// SPDX-License-Identifier: GPL-2.0
/*
 * vm/runstate.c with a machine that only takes notes: what each cause leads to,
 * alone and together with others, in every state.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/runstate.h>

#include "capture.h"
#include <kselftest_harness.h>

#define CAUSES	(RUN_BY_GUEST_PANIC + 1)
#define NOTHING	-1

struct machine {
	struct evloop loop;
	struct verdict verdict;
	struct runstate rs;
	struct run_observer obs;
	char notes[512];
	int reset_ret;
	int powerdown_ret;
	bool held;
	enum run_cause cause;
	int during_hold;	/* a cause, or NOTHING */
};

static void note(struct machine *m, const char *what)
{
	size_t len = strlen(m->notes);

	snprintf(m->notes + len, sizeof(m->notes) - len, "%s%s", len ? " " : "", what);
}

static void fake_hold(void *priv)
{
	struct machine *m = priv;

	note(m, "hold");
	m->held = true;
	/* A vCPU may have more to say until all of them wait. */
	if (m->during_hold != NOTHING)
		runstate_request(&m->rs, m->during_hold);
	m->during_hold = NOTHING;
}

static void fake_kick(void *priv)
{
	note(priv, "kick");
}

static void fake_release(void *priv)
{
	struct machine *m = priv;

	note(m, "release");
	m->held = false;
}

static int fake_reset(void *priv)
{
	struct machine *m = priv;

	note(m, m->held ? "reset" : "RESET-OF-A-RUNNING-GUEST");
	return m->reset_ret;
}

static int fake_powerdown(void *priv)
{
	struct machine *m = priv;

	note(m, "button");
	return m->powerdown_ret;
}

static const struct run_ops fake_ops = {
	.hold = fake_hold,
	.kick = fake_kick,
	.release = fake_release,
	.reset = fake_reset,
	.powerdown = fake_powerdown,
};

static void observe(struct run_observer *obs, enum run_event event, enum run_cause cause)
{
	static const char *const names[] = {
		[RUN_EV_RESUME] = "RESUME", [RUN_EV_STOP] = "STOP", [RUN_EV_RESET] = "RESET",
		[RUN_EV_POWERDOWN] = "POWERDOWN", [RUN_EV_PANICKED] = "PANICKED",
		[RUN_EV_SHUTDOWN] = "SHUTDOWN",
	};
	struct machine *m = container_of(obs, struct machine, obs);

	m->cause = cause;
	note(m, names[event]);
}

static int machine_start(struct machine *m)
{
	int ret = evloop_init(&m->loop);

	runstate_init(&m->rs, &m->loop, &m->verdict, &fake_ops, m);
	m->obs.fn = observe;
	m->held = true;
	m->during_hold = NOTHING;
	runstate_observe(&m->rs, &m->obs);
	return ret;
}

FIXTURE(run) {
	struct machine m;
};

FIXTURE_SETUP(run)
{
	ASSERT_EQ(0, machine_start(&self->m));
	EXPECT_EQ(RUN_PRELAUNCH, self->m.rs.state);
	runstate_start(&self->m.rs);
	EXPECT_EQ(RUN_RUNNING, self->m.rs.state);
	EXPECT_STREQ("release RESUME", self->m.notes);
	self->m.notes[0] = '\0';
}

FIXTURE_TEARDOWN(run)
{
	evloop_destroy(&self->m.loop);
}

/* What has happened since the last look. */
#define EXPECT_NOTES(text) do {				\
	EXPECT_STREQ(text, self->m.notes);		\
	self->m.notes[0] = '\0';				\
} while (0)

#define EXPECT_ENDED(wanted_status, wanted_cause) do {	\
	EXPECT_EQ(RUN_ENDED, self->m.rs.state);		\
	EXPECT_EQ(wanted_status, self->m.verdict.status);	\
	EXPECT_TRUE(self->m.verdict.decided);		\
	EXPECT_EQ(wanted_cause, self->m.cause);		\
	EXPECT_TRUE(self->m.loop.quit);			\
	EXPECT_TRUE(self->m.held);			\
} while (0)

static void service_quietly(struct runstate *rs)
{
	struct capture said;

	capture_begin(&said);
	runstate_service(rs);
	capture_end(&said);
}

TEST_F(run, nothing_is_asked)
{
	EXPECT_FALSE(runstate_held(&self->m.rs));
	runstate_service(&self->m.rs);
	EXPECT_NOTES("");
	EXPECT_EQ(RUN_RUNNING, self->m.rs.state);
}

TEST_F(run, a_request_holds_and_wakes)
{
	u64 count = 0;

	runstate_request(&self->m.rs, RUN_BY_GUEST_POWEROFF);
	EXPECT_TRUE(runstate_held(&self->m.rs));
	EXPECT_EQ(sizeof(count), read(self->m.loop.wake.fd, &count, sizeof(count)));
	EXPECT_EQ(RUN_RUNNING, self->m.rs.state);
}

FIXTURE(end) {
	struct machine m;
};

FIXTURE_VARIANT(end) {
	enum run_cause cause;
	int status;
	const char *notes;
};

#define ENDS(name, by, exit_status, what)					\
	FIXTURE_VARIANT_ADD(end, name) {					\
		.cause = by, .status = exit_status, .notes = what,		\
	}

ENDS(qmp, RUN_BY_HOST_QMP, EXIT_VMTOOL_ERROR, "hold SHUTDOWN");
ENDS(signal, RUN_BY_HOST_SIGNAL, EXIT_VMTOOL_ERROR, "hold SHUTDOWN");
ENDS(ui, RUN_BY_HOST_UI, EXIT_VMTOOL_ERROR, "hold SHUTDOWN");
ENDS(error, RUN_BY_HOST_ERROR, EXIT_VMTOOL_ERROR, "hold SHUTDOWN");
ENDS(timeout, RUN_BY_TIMEOUT, EXIT_GUEST_HUNG, "hold SHUTDOWN");
ENDS(poweroff, RUN_BY_GUEST_POWEROFF, EXIT_GUEST_OK, "hold SHUTDOWN");
ENDS(panic, RUN_BY_GUEST_PANIC, EXIT_GUEST_PANIC, "hold PANICKED SHUTDOWN");
ENDS(triple_fault, RUN_BY_GUEST_TRIPLE_FAULT, EXIT_GUEST_RESET, "hold SHUTDOWN");

FIXTURE_SETUP(end)
{
	ASSERT_EQ(0, machine_start(&self->m));
	runstate_start(&self->m.rs);
	self->m.notes[0] = '\0';
}

FIXTURE_TEARDOWN(end)
{
	evloop_destroy(&self->m.loop);
}

TEST_F(end, a_running_guest)
{
	runstate_request(&self->m.rs, variant->cause);
	service_quietly(&self->m.rs);
	EXPECT_NOTES(variant->notes);
	EXPECT_ENDED(variant->status, variant->cause);
	EXPECT_EQ(0, self->m.rs.resets);
}

TEST_F(end, a_paused_guest)
{
	EXPECT_EQ(0, runstate_pause(&self->m.rs));
	EXPECT_NOTES("hold STOP");
	runstate_request(&self->m.rs, variant->cause);
	service_quietly(&self->m.rs);
	EXPECT_NOTES(variant->notes);
	EXPECT_ENDED(variant->status, variant->cause);
}

/* Whatever is asked of a guest that has ended is refused or ignored. */
TEST_F(end, nothing_follows)
{
	int i;

	runstate_request(&self->m.rs, variant->cause);
	service_quietly(&self->m.rs);
	self->m.notes[0] = '\0';
	for (i = 0; i < CAUSES; i++) {
		runstate_request(&self->m.rs, i);
		runstate_service(&self->m.rs);
	}
	EXPECT_EQ(-ESHUTDOWN, runstate_pause(&self->m.rs));
	EXPECT_EQ(-ESHUTDOWN, runstate_resume(&self->m.rs));
	EXPECT_EQ(-ESHUTDOWN, runstate_reset(&self->m.rs));
	EXPECT_EQ(-ESHUTDOWN, runstate_powerdown(&self->m.rs));
	EXPECT_NOTES("");
	EXPECT_ENDED(variant->status, variant->cause);
}

/* The first bad news stays: here KVM's, which a vCPU knew before the loop did. */
TEST_F(end, a_verdict_that_was_set_before)
{
	verdict_set(&self->m.verdict, EXIT_KVM_ERROR);
	runstate_request(&self->m.rs, variant->cause);
	service_quietly(&self->m.rs);
	EXPECT_ENDED(EXIT_KVM_ERROR, variant->cause);
}

/* Of any two that come at once, the one further ahead in this list decides. */
static const enum run_cause order[] = {
	RUN_BY_HOST_ERROR, RUN_BY_GUEST_PANIC, RUN_BY_GUEST_POWEROFF, RUN_BY_TIMEOUT,
	RUN_BY_HOST_SIGNAL, RUN_BY_HOST_UI, RUN_BY_HOST_QMP, RUN_BY_GUEST_RESET,
	RUN_BY_GUEST_TRIPLE_FAULT,
};

TEST_F(end, before_another_cause)
{
	size_t i = 0;

	while (order[i] != variant->cause)
		i++;
	for (i++; i < ARRAY_SIZE(order); i++) {
		evloop_destroy(&self->m.loop);
		memset(&self->m, 0, sizeof(self->m));
		ASSERT_EQ(0, machine_start(&self->m));
		runstate_start(&self->m.rs);
		/* This one comes while the vCPUs are being held for the other. */
		self->m.during_hold = variant->cause;
		runstate_request(&self->m.rs, order[i]);
		service_quietly(&self->m.rs);
		EXPECT_ENDED(variant->status, variant->cause);
	}
}

TEST_F(run, resets)
{
	int i;

	for (i = 1; i <= 3; i++) {
		self->m.verdict.halted = true;
		self->m.verdict.len = 3;
		runstate_request(&self->m.rs, RUN_BY_GUEST_RESET);
		runstate_service(&self->m.rs);
		EXPECT_NOTES("hold reset RESET release");
		EXPECT_EQ(RUN_RUNNING, self->m.rs.state);
		EXPECT_EQ(i, self->m.rs.resets);
		EXPECT_EQ(RUN_BY_GUEST_RESET, self->m.cause);
		EXPECT_FALSE(runstate_held(&self->m.rs));
		/* The console begins anew. */
		EXPECT_FALSE(self->m.verdict.halted);
		EXPECT_EQ(0, self->m.verdict.len);
		EXPECT_FALSE(self->m.verdict.decided);
	}
}

TEST_F(run, reset_is_the_end)
{
	self->m.rs.exit_on_reset = true;
	runstate_request(&self->m.rs, RUN_BY_GUEST_RESET);
	runstate_service(&self->m.rs);
	EXPECT_NOTES("hold SHUTDOWN");
	EXPECT_ENDED(EXIT_GUEST_OK, RUN_BY_GUEST_RESET);
}

TEST_F(run, an_announced_triple_fault_is_a_reset)
{
	self->m.verdict.restart_announced = true;
	runstate_request(&self->m.rs, RUN_BY_GUEST_TRIPLE_FAULT);
	runstate_service(&self->m.rs);
	EXPECT_NOTES("hold reset RESET release");
	EXPECT_FALSE(self->m.verdict.restart_announced);
	/* Once is once. */
	runstate_request(&self->m.rs, RUN_BY_GUEST_TRIPLE_FAULT);
	service_quietly(&self->m.rs);
	EXPECT_ENDED(EXIT_GUEST_RESET, RUN_BY_GUEST_TRIPLE_FAULT);
}

TEST_F(run, an_announced_triple_fault_is_the_end)
{
	self->m.verdict.restart_announced = true;
	self->m.rs.exit_on_reset = true;
	runstate_request(&self->m.rs, RUN_BY_GUEST_TRIPLE_FAULT);
	runstate_service(&self->m.rs);
	EXPECT_ENDED(EXIT_GUEST_OK, RUN_BY_GUEST_TRIPLE_FAULT);
}

TEST_F(run, a_triple_fault_is_told)
{
	struct capture said;

	runstate_request(&self->m.rs, RUN_BY_GUEST_TRIPLE_FAULT);
	capture_begin(&said);
	runstate_service(&self->m.rs);
	capture_end(&said);
	EXPECT_TRUE(capture_one_line(&said));
	EXPECT_NE(NULL, strstr(said.text, "triple fault"));
}

TEST_F(run, a_reset_after_a_panic_is_a_panic)
{
	static const enum run_cause causes[] = { RUN_BY_GUEST_RESET, RUN_BY_GUEST_TRIPLE_FAULT };
	static const char line[] = "Kernel panic - not syncing: x\n";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(causes); i++) {
		memset(&self->m.verdict, 0, sizeof(self->m.verdict));
		self->m.rs.state = RUN_RUNNING;
		self->m.verdict.restart_announced = i;
		EXPECT_EQ(CONSOLE_PANIC, verdict_console(&self->m.verdict, line, sizeof(line) - 1));
		runstate_request(&self->m.rs, causes[i]);
		runstate_service(&self->m.rs);
		EXPECT_NOTES("hold SHUTDOWN");
		EXPECT_ENDED(EXIT_GUEST_PANIC, RUN_BY_GUEST_PANIC);
	}
}

TEST_F(run, a_power_off_after_a_panic_is_a_panic)
{
	static const char line[] = "Kernel panic - not syncing: x\n";

	verdict_console(&self->m.verdict, line, sizeof(line) - 1);
	runstate_request(&self->m.rs, RUN_BY_GUEST_POWEROFF);
	runstate_service(&self->m.rs);
	EXPECT_EQ(EXIT_GUEST_PANIC, self->m.verdict.status);
}

TEST_F(run, the_machine_cannot_be_reset)
{
	struct capture said;

	self->m.reset_ret = -EIO;
	runstate_request(&self->m.rs, RUN_BY_GUEST_RESET);
	capture_begin(&said);
	runstate_service(&self->m.rs);
	capture_end(&said);
	EXPECT_NOTES("hold reset SHUTDOWN");
	EXPECT_ENDED(EXIT_VMTOOL_ERROR, RUN_BY_HOST_ERROR);
	EXPECT_TRUE(capture_one_line(&said));
}

TEST_F(run, pause_and_resume)
{
	EXPECT_EQ(0, runstate_resume(&self->m.rs));
	EXPECT_NOTES("");
	EXPECT_EQ(0, runstate_pause(&self->m.rs));
	EXPECT_NOTES("hold STOP");
	EXPECT_EQ(RUN_PAUSED, self->m.rs.state);
	EXPECT_EQ(0, runstate_pause(&self->m.rs));
	EXPECT_NOTES("");
	EXPECT_EQ(-EAGAIN, runstate_powerdown(&self->m.rs));
	EXPECT_NOTES("");
	EXPECT_EQ(0, runstate_resume(&self->m.rs));
	EXPECT_NOTES("RESUME release");
	EXPECT_EQ(RUN_RUNNING, self->m.rs.state);
	EXPECT_FALSE(self->m.verdict.decided);
}

TEST_F(run, a_guest_reset_does_not_resume)
{
	EXPECT_EQ(0, runstate_pause(&self->m.rs));
	self->m.notes[0] = '\0';
	runstate_request(&self->m.rs, RUN_BY_GUEST_RESET);
	runstate_service(&self->m.rs);
	EXPECT_NOTES("hold reset RESET");
	EXPECT_EQ(RUN_PAUSED, self->m.rs.state);
}

TEST_F(run, reset_from_outside)
{
	self->m.rs.exit_on_reset = true;		/* is about the guest's own */
	EXPECT_EQ(0, runstate_reset(&self->m.rs));
	EXPECT_NOTES("hold reset RESET release");
	EXPECT_EQ(RUN_BY_HOST_QMP, self->m.cause);
	EXPECT_EQ(0, runstate_pause(&self->m.rs));
	self->m.notes[0] = '\0';
	EXPECT_EQ(0, runstate_reset(&self->m.rs));
	EXPECT_NOTES("hold reset RESET");
	EXPECT_EQ(RUN_PAUSED, self->m.rs.state);
	EXPECT_EQ(2, self->m.rs.resets);

	self->m.reset_ret = -ENOMEM;
	service_quietly(&self->m.rs);
	EXPECT_EQ(RUN_PAUSED, self->m.rs.state);
}

TEST_F(run, reset_from_outside_fails)
{
	struct capture said;

	self->m.reset_ret = -ENOMEM;
	capture_begin(&said);
	EXPECT_EQ(-ENOMEM, runstate_reset(&self->m.rs));
	capture_end(&said);
	EXPECT_NOTES("hold reset SHUTDOWN");
	EXPECT_ENDED(EXIT_VMTOOL_ERROR, RUN_BY_HOST_ERROR);
}

/* What the guest asked for before belongs to its former life. */
TEST_F(run, reset_from_outside_forgets_the_guest)
{
	static const enum run_cause causes[] = {
		RUN_BY_GUEST_POWEROFF, RUN_BY_GUEST_RESET, RUN_BY_GUEST_TRIPLE_FAULT,
		RUN_BY_GUEST_PANIC,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(causes); i++) {
		self->m.during_hold = causes[i];
		EXPECT_EQ(0, runstate_reset(&self->m.rs));
		EXPECT_FALSE(runstate_held(&self->m.rs));
		runstate_service(&self->m.rs);
		EXPECT_EQ(RUN_RUNNING, self->m.rs.state);
	}
	/* But not the host. */
	self->m.during_hold = RUN_BY_TIMEOUT;
	EXPECT_EQ(0, runstate_reset(&self->m.rs));
	runstate_service(&self->m.rs);
	EXPECT_ENDED(EXIT_GUEST_HUNG, RUN_BY_TIMEOUT);
}

TEST_F(run, power_button)
{
	EXPECT_EQ(0, runstate_powerdown(&self->m.rs));
	EXPECT_NOTES("button POWERDOWN");
	EXPECT_EQ(RUN_RUNNING, self->m.rs.state);
	self->m.powerdown_ret = -ENOTSUP;
	EXPECT_EQ(-ENOTSUP, runstate_powerdown(&self->m.rs));
	EXPECT_NOTES("button");
}

TEST(not_started_yet)
{
	struct machine m = { .during_hold = NOTHING };

	ASSERT_EQ(0, evloop_init(&m.loop));
	runstate_init(&m.rs, &m.loop, &m.verdict, &fake_ops, &m);
	EXPECT_EQ(0, runstate_pause(&m.rs));
	EXPECT_EQ(0, runstate_resume(&m.rs));
	EXPECT_EQ(-EAGAIN, runstate_powerdown(&m.rs));
	EXPECT_EQ(RUN_PRELAUNCH, m.rs.state);
	EXPECT_STREQ("", m.notes);
	evloop_destroy(&m.loop);
}

struct leaver {
	struct run_observer obs;
	int calls;
};

static void leave(struct run_observer *obs, enum run_event event, enum run_cause cause)
{
	struct leaver *l = container_of(obs, struct leaver, obs);

	l->calls++;
	list_del(&obs->node);
}

TEST_F(run, an_observer_leaves_while_told)
{
	struct leaver l[3] = { };
	int i;

	for (i = 0; i < 3; i++) {
		l[i].obs.fn = leave;
		runstate_observe(&self->m.rs, &l[i].obs);
	}
	runstate_pause(&self->m.rs);
	runstate_resume(&self->m.rs);
	EXPECT_NOTES("hold STOP RESUME release");
	for (i = 0; i < 3; i++)
		EXPECT_EQ(1, l[i].calls);
}

static void *ask_thread(void *arg)
{
	int i;

	for (i = 0; i < 10000; i++)
		runstate_request(arg, i % 2 ? RUN_BY_GUEST_RESET : RUN_BY_TIMEOUT);
	return NULL;
}

TEST_F(run, requests_from_many_threads)
{
	pthread_t threads[4];
	int i;

	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, ask_thread, &self->m.rs));
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(1U << RUN_BY_GUEST_RESET | 1U << RUN_BY_TIMEOUT, self->m.rs.pending);
	runstate_service(&self->m.rs);
	EXPECT_ENDED(EXIT_GUEST_HUNG, RUN_BY_TIMEOUT);
}

TEST_HARNESS_MAIN
