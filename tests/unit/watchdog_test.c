// SPDX-License-Identifier: GPL-2.0
/*
 * vm/watch_judge.c: which guests hang.
 */
#include <stdlib.h>

#include <linux/kernel.h>
#include <vmtool/watchdog.h>

#include <kselftest_harness.h>

#define CPUS	3
#define LIMIT	8000
#define LOOK	1000

FIXTURE(dog) {
	struct watchdog w;
	struct watch_cpu cpus[CPUS];
	u64 now;
};

FIXTURE_SETUP(dog)
{
	self->w.cpus = self->cpus;
	self->w.nr_cpus = CPUS;
	self->w.limit_ms = LIMIT;
	self->now = 12345;
	watchdog_begin(&self->w, self->now);
}

FIXTURE_TEARDOWN(dog)
{
}

static const struct watch_cpu spins = { .busy = true, .sample = { .known = true } };
static const struct watch_cpu locked = { .busy = true,
	.sample = { .known = true, .irqs_off = true } };
static const struct watch_cpu halted = { .sample = { .known = true, .halted = true } };
static const struct watch_cpu dead = { .sample = { .known = true, .halted = true,
	.irqs_off = true } };
static const struct watch_cpu off = { .sample = { .known = true, .off = true } };
static const struct watch_cpu program = { .busy = true,
	.sample = { .known = true, .user = true } };
static const struct watch_cpu unknown = { .busy = true };
/* It can run, and KVM does not let it. */
static const struct watch_cpu stuck = { .sample = { .known = true } };

static void set(FIXTURE_DATA(dog) *self, unsigned int i, const struct watch_cpu *what)
{
	u64 stuck_ms = self->cpus[i].stuck_ms;

	self->cpus[i] = *what;
	self->cpus[i].stuck_ms = stuck_ms;
}

static void set_all(FIXTURE_DATA(dog) *self, const struct watch_cpu *a,
		    const struct watch_cpu *b, const struct watch_cpu *c)
{
	set(self, 0, a);
	set(self, 1, b);
	set(self, 2, c);
}

static enum watch_state look(FIXTURE_DATA(dog) *self)
{
	self->now += LOOK;
	return watchdog_judge(&self->w, self->now);
}

/* The state after so many looks; it must not change before the limit. */
static enum watch_state look_for(FIXTURE_DATA(dog) *self, unsigned int looks)
{
	enum watch_state state = WATCH_WELL;

	while (looks--)
		state = look(self);
	return state;
}

#define EXPECT_STRIKES(what)						\
	do {								\
		EXPECT_EQ(WATCH_WELL, look_for(self, LIMIT / LOOK - 1));	\
		EXPECT_EQ(what, look(self));				\
	} while (0)

TEST_F(dog, all_spin)
{
	set_all(self, &spins, &spins, &spins);
	EXPECT_STRIKES(WATCH_SILENT);
}

TEST_F(dog, one_spins_the_others_wait)
{
	set_all(self, &halted, &spins, &off);
	EXPECT_STRIKES(WATCH_SILENT);
}

TEST_F(dog, one_is_stuck_in_kvm)
{
	set_all(self, &halted, &stuck, &halted);
	EXPECT_STRIKES(WATCH_SILENT);
}

TEST_F(dog, a_locked_one_hangs_whatever_the_others_do)
{
	set_all(self, &program, &locked, &halted);
	self->w.moved = true;
	EXPECT_STRIKES(WATCH_LOCKED);
}

TEST_F(dog, a_locked_one_that_leaves_kvm_does_not_hang)
{
	struct watch_cpu prints = locked;

	prints.exits = 1;
	set_all(self, &halted, &prints, &halted);
	self->w.moved = true;
	EXPECT_EQ(WATCH_WELL, look_for(self, 100));
}

TEST_F(dog, locked_now_and_then_is_not_locked)
{
	int i;

	self->w.moved = true;
	for (i = 0; i < 100; i++) {
		set_all(self, i % 5 ? &locked : &spins, &halted, &halted);
		EXPECT_EQ(WATCH_WELL, look(self));
	}
	/* One after the other, and none for long enough. */
	for (i = 0; i < 100; i++) {
		set_all(self, i / 5 % 2 ? &locked : &spins, i / 5 % 2 ? &spins : &locked, &halted);
		EXPECT_EQ(WATCH_WELL, look(self));
	}
}

TEST_F(dog, dead)
{
	set_all(self, &dead, &off, &dead);
	EXPECT_STRIKES(WATCH_DEAD);
	watchdog_begin(&self->w, self->now);
	set_all(self, &dead, &halted, &dead);
	EXPECT_EQ(WATCH_WELL, look_for(self, 100));
	/* Nobody has ever started. */
	set_all(self, &off, &off, &off);
	EXPECT_EQ(WATCH_WELL, look_for(self, 100));
}

TEST_F(dog, idle_is_well)
{
	set_all(self, &halted, &halted, &halted);
	EXPECT_EQ(WATCH_WELL, look_for(self, 1000));
}

TEST_F(dog, idle_if_asked)
{
	self->w.idle = true;
	set_all(self, &halted, &halted, &program);
	EXPECT_STRIKES(WATCH_IDLE);
	watchdog_begin(&self->w, self->now);
	self->w.moved = true;
	EXPECT_EQ(WATCH_WELL, look_for(self, 100));
}

TEST_F(dog, a_program_computes)
{
	int i;

	set_all(self, &program, &halted, &spins);
	EXPECT_EQ(WATCH_WELL, look_for(self, 1000));
	/* Now and then it is found in a system call. */
	for (i = 0; i < 100; i++) {
		set_all(self, i % 7 ? &spins : &program, &halted, &halted);
		EXPECT_EQ(WATCH_WELL, look(self));
	}
}

TEST_F(dog, a_program_that_does_not_run_is_none)
{
	struct watch_cpu starved = program;

	starved.busy = false;
	set_all(self, &starved, &spins, &spins);
	EXPECT_STRIKES(WATCH_SILENT);
}

TEST_F(dog, output_and_io_are_life)
{
	int i;

	set_all(self, &spins, &spins, &spins);
	for (i = 0; i < 100; i++) {
		self->w.moved = i % 7 == 0;
		EXPECT_EQ(WATCH_WELL, look(self));
	}
	self->w.moved = false;
	EXPECT_EQ(WATCH_SILENT, look_for(self, LIMIT / LOOK));
}

TEST_F(dog, what_cannot_be_seen_is_well)
{
	set_all(self, &unknown, &spins, &spins);
	EXPECT_EQ(WATCH_WELL, look_for(self, 100));
}

TEST_F(dog, texts)
{
	unsigned int i;

	for (i = WATCH_WELL; i <= WATCH_IDLE; i++)
		EXPECT_NE(NULL, watchdog_describe(i));
}

TEST_HARNESS_MAIN
