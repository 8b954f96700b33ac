// SPDX-License-Identifier: GPL-2.0
/*
 * util/iothread.c: calls from many threads, ends at any time.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/iothread.h>

#include <kselftest_harness.h>

#define CALLERS	8
#define CALLS	500

struct counter {
	struct iothread *t;
	pthread_t seen;
	int calls;		/* written on the thread alone */
	int events;
	struct ev_source src;
};

static void count(void *arg)
{
	struct counter *c = arg;

	c->seen = pthread_self();
	c->calls++;
}

static void *caller(void *arg)
{
	struct counter *c = arg;
	int i;

	for (i = 0; i < CALLS; i++)
		iothread_call(c->t, count, c);
	return NULL;
}

TEST(a_thread_that_does_not_run)
{
	struct iothread t;
	struct counter c = { .t = &t };

	ASSERT_EQ(0, iothread_init(&t, "a-name-that-is-far-too-long", false));
	EXPECT_EQ(15, strlen(t.name));
	iothread_call(&t, count, &c);
	EXPECT_EQ(1, c.calls);
	EXPECT_TRUE(pthread_equal(c.seen, pthread_self()));
	iothread_stop(&t);
	iothread_destroy(&t);
}

struct load {
	struct iothread *t;
	unsigned int wakes;
	unsigned int each;
	int policy;
};

static void serve(void *arg)
{
	struct load *l = arg;
	unsigned int i;

	for (i = 0; i < l->wakes; i++)
		iothread_served(l->t, l->each);
	l->policy = sched_getscheduler(0);
}

static int policy_after(struct iothread *t, unsigned int wakes, unsigned int each)
{
	struct load l = { .t = t, .wakes = wakes, .each = each };

	iothread_call(t, serve, &l);
	return l.policy;
}

TEST(patience_is_for_those_it_pays_for)
{
	struct iothread t;

	ASSERT_EQ(0, iothread_init(&t, "patient", false));
	iothread_served(&t, 1000);		/* no thread, no wake-up */
	ASSERT_EQ(0, iothread_start(&t));
	EXPECT_EQ(SCHED_OTHER, policy_after(&t, 127, 1));
	EXPECT_EQ(SCHED_OTHER, policy_after(&t, 500, 0));
	EXPECT_EQ(SCHED_BATCH, policy_after(&t, 1, 1));
	/* One request at a time: it was no use. */
	EXPECT_EQ(SCHED_BATCH, policy_after(&t, 7, 1));
	EXPECT_EQ(SCHED_OTHER, policy_after(&t, 1, 1));
	EXPECT_EQ(SCHED_BATCH, policy_after(&t, 128, 1));
	EXPECT_EQ(SCHED_BATCH, policy_after(&t, 5000, 2));
	EXPECT_EQ(SCHED_OTHER, policy_after(&t, 16, 1));
	/* The next thread begins anew. */
	EXPECT_EQ(SCHED_BATCH, policy_after(&t, 120, 1));
	iothread_stop(&t);
	ASSERT_EQ(0, iothread_start(&t));
	EXPECT_EQ(SCHED_OTHER, policy_after(&t, 127, 1));
	EXPECT_EQ(SCHED_BATCH, policy_after(&t, 1, 1));
	iothread_destroy(&t);
}

TEST(calls_from_many_threads)
{
	struct iothread t;
	struct counter c = { .t = &t };
	pthread_t callers[CALLERS];
	int i;

	ASSERT_EQ(0, iothread_init(&t, "io", false));
	ASSERT_EQ(0, iothread_start(&t));
	ASSERT_EQ(0, iothread_start(&t));
	for (i = 0; i < CALLERS; i++)
		ASSERT_EQ(0, pthread_create(&callers[i], NULL, caller, &c));
	for (i = 0; i < CALLERS; i++)
		pthread_join(callers[i], NULL);
	EXPECT_EQ(CALLERS * CALLS, c.calls);
	EXPECT_FALSE(pthread_equal(c.seen, pthread_self()));
	iothread_destroy(&t);
}

static void nested(void *arg)
{
	struct counter *c = arg;

	iothread_call(c->t, count, c);
}

TEST(a_call_from_the_thread_itself)
{
	struct iothread t;
	struct counter c = { .t = &t };

	ASSERT_EQ(0, iothread_init(&t, "io", false));
	ASSERT_EQ(0, iothread_start(&t));
	iothread_call(&t, nested, &c);
	EXPECT_EQ(1, c.calls);
	iothread_destroy(&t);
}

static void ready(struct ev_source *src, u32 events)
{
	struct counter *c = container_of(src, struct counter, src);
	u64 n;

	if (read(src->fd, &n, sizeof(n)) == sizeof(n))
		c->events += n;
}

TEST(a_manual_thread_works_when_asked)
{
	struct iothread t;
	struct counter c = { .t = &t };
	static const u64 one = 1;

	ASSERT_EQ(0, iothread_init(&t, "io", true));
	ASSERT_EQ(0, iothread_start(&t));
	EXPECT_FALSE(t.running);
	c.src.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	c.src.fn = ready;
	ASSERT_EQ(0, ev_add(&t.loop, &c.src, EPOLLIN));
	EXPECT_EQ(0, iothread_poll(&t));
	ASSERT_EQ(8, write(c.src.fd, &one, sizeof(one)));
	EXPECT_EQ(0, c.events);
	EXPECT_EQ(1, iothread_poll(&t));
	EXPECT_EQ(1, c.events);
	ev_del(&t.loop, &c.src);
	close(c.src.fd);
	iothread_destroy(&t);
}

static void blocked_signals(void *arg)
{
	pthread_sigmask(SIG_SETMASK, NULL, arg);
}

/* Signals are for threads that know what to do with them. */
TEST(the_thread_takes_no_signals)
{
	struct iothread t;
	sigset_t theirs, ours;

	ASSERT_EQ(0, iothread_init(&t, "io", false));
	ASSERT_EQ(0, iothread_start(&t));
	iothread_call(&t, blocked_signals, &theirs);
	pthread_sigmask(SIG_SETMASK, NULL, &ours);
	EXPECT_TRUE(sigismember(&theirs, SIGTERM) && sigismember(&theirs, SIGUSR1));
	EXPECT_FALSE(sigismember(&ours, SIGTERM));
	iothread_destroy(&t);
}

TEST(ends_and_starts_again)
{
	struct iothread t;
	struct counter c = { .t = &t };
	int i;

	ASSERT_EQ(0, iothread_init(&t, "io", false));
	for (i = 0; i < 50; i++) {
		ASSERT_EQ(0, iothread_start(&t));
		iothread_call(&t, count, &c);
		iothread_stop(&t);
		EXPECT_FALSE(t.running);
	}
	EXPECT_EQ(50, c.calls);
	iothread_destroy(&t);
}

TEST_HARNESS_MAIN
