/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_IOTHREAD_H
#define VMTOOL_IOTHREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <vmtool/evloop.h>

/*
 * A thread with an event loop, on which a device works. What belongs to the
 * thread is touched by nobody else; who wants something changed there asks by
 * iothread_call().
 */

struct iothread_call;

/**
 * struct iothread - a thread that serves events
 * @loop: its loop; sources are added before it starts, or on it
 * @name: of the thread, at most 15 characters
 * @thread: private
 * @running: the thread exists
 * @manual: never start a thread: iothread_poll() does its work, for tests
 * @lock: protects @call
 * @done: signalled when @call has been made
 * @call: private, what iothread_call() wants done
 * @patient: it does not interrupt others when it is woken
 * @wakes: times it was woken since that was decided
 * @served: requests that it found then
 */
struct iothread {
	struct evloop loop;
	char name[16];
	pthread_t thread;
	bool running;
	bool manual;
	pthread_mutex_t lock;
	pthread_cond_t done;
	struct iothread_call *call;
	bool patient;
	unsigned int wakes;
	unsigned int served;
};

/**
 * iothread_init() - a thread that does not run yet
 * @t: caller-owned
 * @name: of the thread; longer ones are cut
 * @manual: leave the work to iothread_poll()
 *
 * Return: 0 or -errno; after an error there is nothing to destroy.
 */
int iothread_init(struct iothread *t, const char *name, bool manual);

/**
 * iothread_start() - start the thread
 * @t: thread; one that runs is left alone
 *
 * Return: 0 or -errno.
 */
int iothread_start(struct iothread *t);

/**
 * iothread_call() - have a function run on the thread, and wait for its end
 * @t: thread; where it does not run, the caller's thread does it
 * @fn: function
 * @arg: its argument
 *
 * For any thread, @t itself included. The caller holds no lock that @t's
 * callbacks take.
 */
void iothread_call(struct iothread *t, void (*fn)(void *arg), void *arg);

/**
 * iothread_served() - say how much there was to do when the thread was woken
 * @t: the calling thread
 * @nr: requests
 *
 * A thread that does little may run the moment it is woken, on the CPU of the vCPU that does
 * so, and finds one request where the driver has more to say. Where several come at a time if
 * it lets others go on (SCHED_BATCH), which is tried now and then, it does so.
 */
void iothread_served(struct iothread *t, unsigned int nr);

/**
 * iothread_poll() - serve what is ready and return, for tests
 * @t: manual thread
 *
 * Return: number of events served, or -errno.
 */
int iothread_poll(struct iothread *t);

/**
 * iothread_stop() - end the thread; its loop stays
 * @t: thread, started or not
 */
void iothread_stop(struct iothread *t);

/**
 * iothread_destroy() - end the thread and release it
 * @t: thread, started or not
 */
void iothread_destroy(struct iothread *t);

#endif /* VMTOOL_IOTHREAD_H */
