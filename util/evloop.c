// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/evloop.h>
#include <vmtool/io.h>

static void wake_ready(struct ev_source *src, u32 events)
{
	struct evloop *loop = container_of(src, struct evloop, wake);
	u64 count;

	if (read(src->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return;
	if (loop->on_wake)
		loop->on_wake(loop);
}

int evloop_init(struct evloop *loop)
{
	int ret;

	memset(loop, 0, sizeof(*loop));
	loop->wake.fd = -1;
	loop->wake.fn = wake_ready;
	loop->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epfd < 0)
		return -errno;

	loop->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->wake.fd < 0) {
		ret = -errno;
		evloop_destroy(loop);
		return ret;
	}
	ret = ev_add(loop, &loop->wake, EPOLLIN);
	if (ret)
		evloop_destroy(loop);
	return ret;
}

void evloop_destroy(struct evloop *loop)
{
	if (loop->wake.fd >= 0)
		close(loop->wake.fd);
	if (loop->epfd >= 0)
		close(loop->epfd);
	loop->wake.fd = -1;
	loop->epfd = -1;
}

static int ev_ctl(struct evloop *loop, int op, struct ev_source *src, u32 events)
{
	struct epoll_event ev = { .events = events, .data.ptr = src };

	return epoll_ctl(loop->epfd, op, src->fd, &ev) < 0 ? -errno : 0;
}

int ev_add(struct evloop *loop, struct ev_source *src, u32 events)
{
	int ret = ev_ctl(loop, EPOLL_CTL_ADD, src, events);

	if (!ret)
		src->armed = true;
	return ret;
}

int ev_mod(struct evloop *loop, struct ev_source *src, u32 events)
{
	return ev_ctl(loop, EPOLL_CTL_MOD, src, events);
}

void ev_del(struct evloop *loop, struct ev_source *src)
{
	int i;

	if (!src->armed)
		return;
	ev_ctl(loop, EPOLL_CTL_DEL, src, 0);
	src->armed = false;
	/* Events of this round that were read already must not reach it. */
	for (i = 0; i < loop->nr_ready; i++)
		if (loop->ready[i].data.ptr == src)
			loop->ready[i].data.ptr = NULL;
}

void ev_wake(struct evloop *loop)
{
	io_wake(loop->wake.fd);
}

/* One round: number of events served, or -errno. */
static int ev_round(struct evloop *loop, int timeout)
{
	int i, n = epoll_wait(loop->epfd, loop->ready, EV_BATCH, timeout);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	loop->nr_ready = n;
	for (i = 0; i < n && !loop->quit; i++) {
		struct ev_source *src = loop->ready[i].data.ptr;

		if (src)
			src->fn(src, loop->ready[i].events);
	}
	loop->nr_ready = 0;
	return n;
}

int evloop_run(struct evloop *loop)
{
	loop->quit = false;
	while (!loop->quit) {
		int ret = ev_round(loop, -1);

		if (ret < 0)
			return ret;
	}
	return 0;
}

int evloop_poll(struct evloop *loop)
{
	loop->quit = false;
	return ev_round(loop, 0);
}

void evloop_quit(struct evloop *loop)
{
	loop->quit = true;
}

static void timer_ready(struct ev_source *src, u32 events)
{
	struct ev_timer *timer = container_of(src, struct ev_timer, src);
	u64 count;

	/* Restarted since it fired: not due any more. */
	if (read(src->fd, &count, sizeof(count)) != sizeof(count))
		return;
	timer->fn(timer);
}

static int timer_open(struct evloop *loop, struct ev_timer *timer)
{
	int ret;

	timer->src.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (timer->src.fd < 0)
		return -errno;
	timer->src.fn = timer_ready;
	ret = ev_add(loop, &timer->src, EPOLLIN);
	if (ret) {
		close(timer->src.fd);
		return ret;
	}
	timer->loop = loop;
	return 0;
}

int ev_timer_set(struct evloop *loop, struct ev_timer *timer, u64 ms)
{
	struct itimerspec spec = {
		.it_value.tv_sec = ms / 1000,
		.it_value.tv_nsec = ms % 1000 * 1000000,
	};
	int ret;

	if (!timer->loop) {
		if (!ms)
			return 0;
		ret = timer_open(loop, timer);
		if (ret)
			return ret;
	}
	return timerfd_settime(timer->src.fd, 0, &spec, NULL) < 0 ? -errno : 0;
}

void ev_timer_destroy(struct ev_timer *timer)
{
	if (!timer->loop)
		return;
	ev_del(timer->loop, &timer->src);
	close(timer->src.fd);
	timer->loop = NULL;
}
