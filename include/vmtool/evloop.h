/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_EVLOOP_H
#define VMTOOL_EVLOOP_H

#include <stdbool.h>
#include <sys/epoll.h>
#include <linux/types.h>

/*
 * One epoll loop, run by one thread. Sources are embedded in their owners and
 * all calls but ev_wake() belong to the loop's thread (or to a time when it
 * does not run). A source may delete itself or any other from a callback.
 */

struct evloop;

/**
 * struct ev_source - a file descriptor the loop watches
 * @fd: file descriptor, owned by whoever embeds the source; -1 when unused
 * @fn: called with the EPOLL* events that are ready
 * @armed: private
 */
struct ev_source {
	int fd;
	void (*fn)(struct ev_source *src, u32 events);
	bool armed;
};

/**
 * struct ev_timer - a one-shot timer (CLOCK_MONOTONIC)
 * @src: private; its @fd is a timerfd once the timer was set
 * @fn: called once when the time has come
 * @loop: private
 */
struct ev_timer {
	struct ev_source src;
	void (*fn)(struct ev_timer *timer);
	struct evloop *loop;
};

#define EV_BATCH	16

/**
 * struct evloop - the loop
 * @epfd: epoll instance
 * @wake: eventfd behind ev_wake()
 * @on_wake: called in the loop after ev_wake(), any number of calls at once
 * @quit: private
 * @ready: private, events of this round
 * @nr_ready: private
 */
struct evloop {
	int epfd;
	struct ev_source wake;
	void (*on_wake)(struct evloop *loop);
	bool quit;
	struct epoll_event ready[EV_BATCH];
	int nr_ready;
};

/**
 * evloop_init() - set up a loop
 * @loop: caller-owned
 *
 * Return: 0 or -errno.
 */
int evloop_init(struct evloop *loop);

/**
 * evloop_destroy() - release the loop's own descriptors
 * @loop: loop; sources still in it are simply forgotten
 */
void evloop_destroy(struct evloop *loop);

/**
 * evloop_run() - serve events until evloop_quit()
 * @loop: loop
 *
 * Return: 0 or -errno of epoll_wait().
 */
int evloop_run(struct evloop *loop);

/**
 * evloop_poll() - serve what is ready now
 * @loop: loop
 *
 * Return: number of events served, or -errno of epoll_wait().
 */
int evloop_poll(struct evloop *loop);

/**
 * evloop_quit() - make evloop_run() return after the current callback
 * @loop: loop
 */
void evloop_quit(struct evloop *loop);

/**
 * ev_add() - watch a file descriptor
 * @loop: loop
 * @src: source with @fd and @fn set
 * @events: EPOLLIN and others; 0 keeps it registered but silent
 *
 * Return: 0 or -errno (-EPERM for files epoll does not take).
 */
int ev_add(struct evloop *loop, struct ev_source *src, u32 events);

/**
 * ev_mod() - change the events of a source that was added
 * @loop: loop
 * @src: source
 * @events: new set
 *
 * Return: 0 or -errno.
 */
int ev_mod(struct evloop *loop, struct ev_source *src, u32 events);

/**
 * ev_del() - forget a source; its descriptor stays open
 * @loop: loop
 * @src: source; not called again, not even for events already read. One that
 *	was never added is ignored.
 */
void ev_del(struct evloop *loop, struct ev_source *src);

/**
 * ev_wake() - have on_wake() called; for any thread or signal handler
 * @loop: loop
 */
void ev_wake(struct evloop *loop);

/**
 * ev_timer_set() - start or restart a timer
 * @loop: loop
 * @timer: timer with @fn set, zeroed otherwise before first use
 * @ms: milliseconds from now; 0 stops it
 *
 * Return: 0 or -errno.
 */
int ev_timer_set(struct evloop *loop, struct ev_timer *timer, u64 ms);

/**
 * ev_timer_destroy() - stop a timer and close its descriptor
 * @timer: timer, also one that was never set
 */
void ev_timer_destroy(struct ev_timer *timer);

#endif /* VMTOOL_EVLOOP_H */
