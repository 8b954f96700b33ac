// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/iothread.h>

#define IOTHREAD_STACK	(256 * 1024)
#define PATIENT_TRY	8	/* wake-ups after which patience has to have paid */
#define PATIENT_AGAIN	128	/* and after which it is tried again */

struct iothread_call {
	void (*fn)(void *arg);
	void *arg;
	bool made;
};

static void iothread_serve_call(struct evloop *loop)
{
	struct iothread *t = container_of(loop, struct iothread, loop);
	struct iothread_call *call;

	pthread_mutex_lock(&t->lock);
	call = t->call;
	pthread_mutex_unlock(&t->lock);
	if (!call)
		return;
	call->fn(call->arg);
	pthread_mutex_lock(&t->lock);
	call->made = true;
	t->call = NULL;
	pthread_cond_broadcast(&t->done);
	pthread_mutex_unlock(&t->lock);
}

int iothread_init(struct iothread *t, const char *name, bool manual)
{
	int ret;

	memset(t, 0, sizeof(*t));
	ret = evloop_init(&t->loop);
	if (ret)
		return ret;
	t->loop.on_wake = iothread_serve_call;
	snprintf(t->name, sizeof(t->name), "%s", name);
	t->manual = manual;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->done, NULL);
	return 0;
}

static void *iothread_main(void *arg)
{
	struct iothread *t = arg;

	pthread_setname_np(pthread_self(), t->name);
	evloop_run(&t->loop);
	return NULL;
}

int iothread_start(struct iothread *t)
{
	sigset_t all, old;
	pthread_attr_t attr;
	int ret;

	if (t->running || t->manual)
		return 0;
	/* A new thread is like any other. */
	t->patient = false;
	t->wakes = 0;
	t->served = 0;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, IOTHREAD_STACK);
	/* A vCPU thread may start us: signals are for the threads that know them. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	ret = pthread_create(&t->thread, &attr, iothread_main, t);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	t->running = !ret;
	return -ret;
}

void iothread_call(struct iothread *t, void (*fn)(void *arg), void *arg)
{
	struct iothread_call call = { .fn = fn, .arg = arg };

	if (!t->running || pthread_equal(pthread_self(), t->thread)) {
		fn(arg);
		return;
	}
	pthread_mutex_lock(&t->lock);
	while (t->call)
		pthread_cond_wait(&t->done, &t->lock);
	t->call = &call;
	ev_wake(&t->loop);
	while (!call.made)
		pthread_cond_wait(&t->done, &t->lock);
	pthread_mutex_unlock(&t->lock);
}

static void set_patient(struct iothread *t, bool patient)
{
	const struct sched_param none = { 0 };

	if (!pthread_setschedparam(t->thread, patient ? SCHED_BATCH : SCHED_OTHER, &none))
		t->patient = patient;
}

void iothread_served(struct iothread *t, unsigned int nr)
{
	if (!t->running || !nr)
		return;
	t->wakes++;
	t->served += nr;
	if (t->wakes < (t->patient ? PATIENT_TRY : PATIENT_AGAIN))
		return;
	if (!t->patient)
		set_patient(t, true);
	else if (t->served < 2 * t->wakes)
		set_patient(t, false);
	t->wakes = 0;
	t->served = 0;
}

int iothread_poll(struct iothread *t)
{
	return evloop_poll(&t->loop);
}

static void iothread_quit(void *arg)
{
	struct iothread *t = arg;

	evloop_quit(&t->loop);
}

void iothread_stop(struct iothread *t)
{
	if (!t->running)
		return;
	iothread_call(t, iothread_quit, t);
	pthread_join(t->thread, NULL);
	t->running = false;
}

void iothread_destroy(struct iothread *t)
{
	iothread_stop(t);
	evloop_destroy(&t->loop);
	pthread_cond_destroy(&t->done);
	pthread_mutex_destroy(&t->lock);
}
