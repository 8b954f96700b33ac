// SPDX-License-Identifier: GPL-2.0
/*
 * util/evloop.c: sources and timers that come, go and delete each other.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/evloop.h>

#include <kselftest_harness.h>

#define SOURCES		40	/* more than one round serves */

struct probe {
	struct ev_source src;
	struct ev_timer timer;
	struct evloop *loop;
	struct probe *victim;
	int calls;
	int quit_after;
	u32 events;
};

FIXTURE(evloop) {
	struct evloop loop;
	struct probe p[SOURCES];
	struct ev_timer guard;
};

static void guard_fires(struct ev_timer *timer)
{
	/* A test that hangs is one that fails. */
	abort();
}

FIXTURE_SETUP(evloop)
{
	int i;

	ASSERT_EQ(0, evloop_init(&self->loop));
	self->guard.fn = guard_fires;
	ASSERT_EQ(0, ev_timer_set(&self->loop, &self->guard, 10000));
	for (i = 0; i < SOURCES; i++) {
		self->p[i].src.fd = -1;
		self->p[i].loop = &self->loop;
	}
}

FIXTURE_TEARDOWN(evloop)
{
	int i;

	for (i = 0; i < SOURCES; i++) {
		ev_timer_destroy(&self->p[i].timer);
		if (self->p[i].src.fd >= 0)
			close(self->p[i].src.fd);
	}
	ev_timer_destroy(&self->guard);
	evloop_destroy(&self->loop);
	EXPECT_EQ(-1, self->loop.epfd);
	EXPECT_EQ(-1, self->loop.wake.fd);
	evloop_destroy(&self->loop);
}

static void count(struct probe *p)
{
	p->calls++;
	if (p->quit_after && p->calls >= p->quit_after)
		evloop_quit(p->loop);
}

static void probe_ready(struct ev_source *src, u32 events)
{
	struct probe *p = container_of(src, struct probe, src);

	p->events = events;
	count(p);
}

/* A source that is ready at once, and stays so. */
static int probe_add(struct probe *p, void (*fn)(struct ev_source *src, u32 events))
{
	p->src.fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	p->src.fn = fn;
	return ev_add(p->loop, &p->src, EPOLLIN);
}

TEST_F(evloop, calls_what_is_ready)
{
	struct probe *p = self->p;

	ASSERT_EQ(0, probe_add(&p[0], probe_ready));
	p[0].quit_after = 3;
	EXPECT_EQ(0, evloop_run(&self->loop));
	EXPECT_EQ(3, p[0].calls);
	EXPECT_EQ(EPOLLIN, p[0].events);
	/* It can be run again. */
	p[0].quit_after = 5;
	EXPECT_EQ(0, evloop_run(&self->loop));
	EXPECT_EQ(5, p[0].calls);
}

TEST_F(evloop, all_sources_are_served)
{
	int i;

	for (i = 0; i < SOURCES; i++)
		ASSERT_EQ(0, probe_add(&self->p[i], probe_ready));
	self->p[7].quit_after = 4;
	EXPECT_EQ(0, evloop_run(&self->loop));
	for (i = 0; i < SOURCES; i++)
		EXPECT_LE(2, self->p[i].calls);
}

TEST_F(evloop, events_can_be_changed)
{
	struct probe *p = self->p;

	ASSERT_EQ(0, probe_add(&p[0], probe_ready));
	ASSERT_EQ(0, probe_add(&p[1], probe_ready));
	ASSERT_EQ(0, ev_mod(&self->loop, &p[0].src, 0));
	p[1].quit_after = 3;
	EXPECT_EQ(0, evloop_run(&self->loop));
	EXPECT_EQ(0, p[0].calls);
	ASSERT_EQ(0, ev_mod(&self->loop, &p[0].src, EPOLLIN | EPOLLOUT));
	p[0].quit_after = 1;
	p[1].quit_after = 0;
	EXPECT_EQ(0, evloop_run(&self->loop));
	EXPECT_EQ(EPOLLIN | EPOLLOUT, p[0].events);
}

TEST_F(evloop, errors)
{
	struct probe *p = self->p;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	p[0].src.fd = fd;
	p[0].src.fn = probe_ready;
	EXPECT_EQ(-EPERM, ev_add(&self->loop, &p[0].src, EPOLLIN));
	EXPECT_FALSE(p[0].src.armed);
	/* Not added: nothing happens. */
	ev_del(&self->loop, &p[0].src);
	close(fd);
	p[0].src.fd = -1;
	EXPECT_EQ(-EBADF, ev_add(&self->loop, &p[0].src, EPOLLIN));
	ASSERT_EQ(0, probe_add(&p[1], probe_ready));
	EXPECT_EQ(-EEXIST, ev_add(&self->loop, &p[1].src, EPOLLIN));
	ev_del(&self->loop, &p[1].src);
	EXPECT_EQ(-ENOENT, ev_mod(&self->loop, &p[1].src, EPOLLIN));
	ev_del(&self->loop, &p[1].src);
	EXPECT_EQ(0, ev_add(&self->loop, &p[1].src, EPOLLIN));
}

static void delete_self(struct ev_source *src, u32 events)
{
	struct probe *p = container_of(src, struct probe, src);

	ev_del(p->loop, src);
	count(p);
}

TEST_F(evloop, a_source_deletes_itself)
{
	struct probe *p = self->p;

	ASSERT_EQ(0, probe_add(&p[0], delete_self));
	ASSERT_EQ(0, probe_add(&p[1], probe_ready));
	p[1].quit_after = 5;
	EXPECT_EQ(0, evloop_run(&self->loop));
	EXPECT_EQ(1, p[0].calls);
}

static void delete_victim(struct ev_source *src, u32 events)
{
	struct probe *p = container_of(src, struct probe, src);

	if (p->victim)
		ev_del(p->loop, &p->victim->src);
	count(p);
}

/* Whoever comes first: the other one is not called, though its event was read. */
TEST_F(evloop, sources_delete_each_other)
{
	struct probe *p = self->p;

	ASSERT_EQ(0, probe_add(&p[0], delete_victim));
	ASSERT_EQ(0, probe_add(&p[1], delete_victim));
	p[0].victim = &p[1];
	p[1].victim = &p[0];
	p[0].quit_after = 4;
	p[1].quit_after = 4;
	EXPECT_EQ(0, evloop_run(&self->loop));
	EXPECT_EQ(4, p[0].calls + p[1].calls);
	EXPECT_EQ(0, p[0].calls * p[1].calls);
}

struct heap_probe {
	struct ev_source src;
	struct evloop *loop;
	struct heap_probe *other;
	int *calls;
};

static void free_other(struct ev_source *src, u32 events)
{
	struct heap_probe *p = container_of(src, struct heap_probe, src);

	++*p->calls;
	ev_del(p->loop, &p->other->src);
	close(p->other->src.fd);
	free(p->other);
	p->src.fn = NULL;
	ev_del(p->loop, src);
	evloop_quit(p->loop);
}

/* A deleted source's memory is not looked at again; ASAN watches. */
TEST_F(evloop, a_source_is_freed_by_another)
{
	struct heap_probe *p[2];
	int calls = 0, i;

	for (i = 0; i < 2; i++)
		p[i] = calloc(1, sizeof(*p[i]));
	for (i = 0; i < 2; i++) {
		p[i]->src.fd = eventfd(1, EFD_CLOEXEC);
		p[i]->src.fn = free_other;
		p[i]->loop = &self->loop;
		p[i]->other = p[!i];
		p[i]->calls = &calls;
		ASSERT_EQ(0, ev_add(&self->loop, &p[i]->src, EPOLLIN));
	}
	EXPECT_EQ(0, evloop_run(&self->loop));
	EXPECT_EQ(1, calls);
}

static void quit_now(struct ev_source *src, u32 events)
{
	struct probe *p = container_of(src, struct probe, src);

	p->calls++;
	evloop_quit(p->loop);
}

TEST_F(evloop, quit_ends_the_round)
{
	int i, calls = 0;

	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, probe_add(&self->p[i], quit_now));
	EXPECT_EQ(0, evloop_run(&self->loop));
	for (i = 0; i < 10; i++)
		calls += self->p[i].calls;
	EXPECT_EQ(1, calls);
}

static int wakes;

static void woken(struct evloop *loop)
{
	wakes++;
	evloop_quit(loop);
}

static void *wake_thread(void *arg)
{
	int i;

	usleep(20000);
	for (i = 0; i < 1000; i++)
		ev_wake(arg);
	return NULL;
}

TEST_F(evloop, wake_from_another_thread)
{
	pthread_t thread;

	self->loop.on_wake = woken;
	ASSERT_EQ(0, pthread_create(&thread, NULL, wake_thread, &self->loop));
	EXPECT_EQ(0, evloop_run(&self->loop));
	pthread_join(thread, NULL);
	EXPECT_EQ(1, wakes);
	/* Those that came meanwhile are one. */
	ev_wake(&self->loop);
	EXPECT_EQ(0, evloop_run(&self->loop));
	EXPECT_EQ(2, wakes);
}

TEST_F(evloop, wake_is_not_lost_before_the_loop_runs)
{
	self->loop.on_wake = woken;
	ev_wake(&self->loop);
	EXPECT_EQ(0, evloop_run(&self->loop));
	EXPECT_EQ(1, wakes);
}

TEST_F(evloop, wake_keeps_errno)
{
	u64 full = ~0ULL - 1;

	ASSERT_EQ(sizeof(full), write(self->loop.wake.fd, &full, sizeof(full)));
	errno = EILSEQ;
	ev_wake(&self->loop);
	EXPECT_EQ(EILSEQ, errno);
	self->loop.on_wake = woken;
	EXPECT_EQ(0, evloop_run(&self->loop));
	EXPECT_EQ(1, wakes);
}

TEST_F(evloop, wake_without_anybody_to_tell)
{
	ASSERT_EQ(0, probe_add(&self->p[0], probe_ready));
	self->p[0].quit_after = 3;
	ev_wake(&self->loop);
	EXPECT_EQ(0, evloop_run(&self->loop));
}

static struct evloop *signal_loop;

static void on_signal(int sig)
{
	ev_wake(signal_loop);
}

static void *signal_thread(void *arg)
{
	usleep(30000);
	pthread_kill(*(pthread_t *)arg, SIGUSR1);
	return NULL;
}

TEST_F(evloop, a_signal_does_not_end_it)
{
	struct sigaction sa = { .sa_handler = on_signal };
	pthread_t self_thread = pthread_self(), thread;

	signal_loop = &self->loop;
	self->loop.on_wake = woken;
	sigaction(SIGUSR1, &sa, NULL);
	ASSERT_EQ(0, pthread_create(&thread, NULL, signal_thread, &self_thread));
	EXPECT_EQ(0, evloop_run(&self->loop));
	EXPECT_EQ(1, wakes);
	pthread_join(thread, NULL);
}

static u64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

static void timer_fires(struct ev_timer *timer)
{
	count(container_of(timer, struct probe, timer));
}

TEST_F(evloop, a_timer_fires_once)
{
	struct probe *p = self->p;
	u64 start = now_ms();

	p[0].timer.fn = timer_fires;
	p[1].timer.fn = timer_fires;
	p[1].quit_after = 1;
	ASSERT_EQ(0, ev_timer_set(&self->loop, &p[0].timer, 10));
	ASSERT_EQ(0, ev_timer_set(&self->loop, &p[1].timer, 60));
	EXPECT_EQ(0, evloop_run(&self->loop));
	EXPECT_EQ(1, p[0].calls);
	EXPECT_LE(60, now_ms() - start);
}

TEST_F(evloop, a_timer_is_stopped_and_restarted)
{
	struct probe *p = self->p;
	int i;

	for (i = 0; i < 3; i++)
		p[i].timer.fn = timer_fires;
	p[2].quit_after = 1;
	/* Stopped, never started, and pushed away. */
	ASSERT_EQ(0, ev_timer_set(&self->loop, &p[0].timer, 10));
	ASSERT_EQ(0, ev_timer_set(&self->loop, &p[0].timer, 0));
	ASSERT_EQ(0, ev_timer_set(&self->loop, &p[3].timer, 0));
	EXPECT_EQ(NULL, p[3].timer.loop);
	ASSERT_EQ(0, ev_timer_set(&self->loop, &p[1].timer, 10));
	ASSERT_EQ(0, ev_timer_set(&self->loop, &p[1].timer, 5000));
	ASSERT_EQ(0, ev_timer_set(&self->loop, &p[2].timer, 40));
	EXPECT_EQ(0, evloop_run(&self->loop));
	EXPECT_EQ(0, p[0].calls);
	EXPECT_EQ(0, p[1].calls);
	EXPECT_EQ(1, p[2].calls);
}

static void stop_others(struct ev_source *src, u32 events)
{
	struct probe *p = container_of(src, struct probe, src);
	int i;

	/* All of them have come due by now, and were read in this round. */
	usleep(20000);
	ev_timer_set(p->loop, &p[1].timer, 0);
	ev_timer_set(p->loop, &p[2].timer, 60000);
	ev_timer_destroy(&p[3].timer);
	for (i = 4; i < 8; i++)
		ev_timer_set(p->loop, &p[i].timer, 0);
	ev_del(p->loop, src);
}

TEST_F(evloop, a_timer_that_came_due_is_stopped)
{
	struct probe *p = self->p;
	int i, calls = 0;

	ASSERT_EQ(0, probe_add(&p[0], stop_others));
	for (i = 1; i < 9; i++) {
		p[i].timer.fn = timer_fires;
		ASSERT_EQ(0, ev_timer_set(&self->loop, &p[i].timer, 1));
	}
	p[8].quit_after = 1;
	ASSERT_EQ(0, ev_timer_set(&self->loop, &p[8].timer, 60));
	EXPECT_EQ(0, evloop_run(&self->loop));
	for (i = 1; i < 8; i++)
		calls += p[i].calls;
	EXPECT_EQ(0, calls);
}

static void restart(struct ev_timer *timer)
{
	struct probe *p = container_of(timer, struct probe, timer);

	count(p);
	ev_timer_set(p->loop, timer, 1);
}

TEST_F(evloop, a_timer_restarts_itself)
{
	self->p[0].timer.fn = restart;
	self->p[0].quit_after = 5;
	ASSERT_EQ(0, ev_timer_set(&self->loop, &self->p[0].timer, 1));
	EXPECT_EQ(0, evloop_run(&self->loop));
	EXPECT_EQ(5, self->p[0].calls);
}

static void destroy_itself(struct ev_timer *timer)
{
	struct probe *p = container_of(timer, struct probe, timer);

	ev_timer_destroy(timer);
	count(p);
}

TEST_F(evloop, a_timer_destroys_itself)
{
	self->p[0].timer.fn = destroy_itself;
	self->p[0].quit_after = 1;
	ASSERT_EQ(0, ev_timer_set(&self->loop, &self->p[0].timer, 1));
	EXPECT_EQ(0, evloop_run(&self->loop));
	EXPECT_EQ(NULL, self->p[0].timer.loop);
	ev_timer_destroy(&self->p[0].timer);
	/* And can be used again. */
	self->p[0].quit_after = 2;
	ASSERT_EQ(0, ev_timer_set(&self->loop, &self->p[0].timer, 1));
	EXPECT_EQ(0, evloop_run(&self->loop));
}

TEST_F(evloop, far_away_timers)
{
	self->p[0].timer.fn = timer_fires;
	EXPECT_EQ(0, ev_timer_set(&self->loop, &self->p[0].timer, 315360000ULL * 1000));
	EXPECT_EQ(0, ev_timer_set(&self->loop, &self->p[0].timer, 999));
	EXPECT_EQ(0, ev_timer_set(&self->loop, &self->p[0].timer, 1000));
}

TEST(no_descriptors_left)
{
	struct evloop loop;
	struct ev_timer timer = { .fn = timer_fires };
	int fds[3], i;

	/* All but two, all but one, all. */
	ASSERT_EQ(0, evloop_init(&loop));
	evloop_destroy(&loop);
	for (i = 0; i < 3; i++)
		fds[i] = -1;
	while ((fds[2] = dup(0)) >= 0) {
		fds[0] = fds[1];
		fds[1] = fds[2];
	}
	EXPECT_EQ(-EMFILE, evloop_init(&loop));
	close(fds[1]);
	EXPECT_EQ(-EMFILE, evloop_init(&loop));
	close(fds[0]);
	EXPECT_EQ(0, evloop_init(&loop));
	EXPECT_EQ(-EMFILE, ev_timer_set(&loop, &timer, 1));
	EXPECT_EQ(NULL, timer.loop);
	ev_timer_destroy(&timer);
	evloop_destroy(&loop);
}

TEST_HARNESS_MAIN
