// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile agent in the guest, with clients at the other side of the router. The input
 * is what the guest sends, in pieces; between them clients come, go, and read, as its
 * bytes say. Whatever it sends, memory stays bounded and the router goes on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/agent_router.h>

#include "fuzz.h"
#include "input.h"

#define CLIENTS		3
#define QUEUE_MAX	(4 * AGENT_WINDOW)

/**
 * struct target - the router and its clients
 * @loop: event loop
 * @link: to the guest
 * @router: router
 * @fd: of the clients, -1 for those that are gone
 */
struct target {
	struct evloop loop;
	struct port_link *link;
	struct agent_router router;
	int fd[CLIENTS];
};

static const struct router_ops ops;

static void serve(struct target *t)
{
	int i;

	for (i = 0; i < 1000 && evloop_poll(&t->loop) > 0; i++)
		;
}

static void client_says(struct target *t, int nr, u8 type)
{
	struct agent_queue q = { .max = 4096 };

	if (t->fd[nr] < 0)
		return;
	CHECK(!agent_queue_add(&q, type, 1, "\x10\0\0", 4));
	agent_queue_flush(&q, t->fd[nr]);
	agent_queue_free(&q);
}

static void come(struct target *t, int nr)
{
	int fds[2];

	if (t->fd[nr] >= 0)
		return;
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds));
	CHECK(!router_add_client(&t->router, fds[0]));
	t->fd[nr] = fds[1];
	client_says(t, nr, AGENT_OPEN);
}

static void go(struct target *t, int nr)
{
	if (t->fd[nr] >= 0)
		close(t->fd[nr]);
	t->fd[nr] = -1;
}

/* What reaches a client is whole frames that it may get. */
static void hear(struct target *t, int nr)
{
	struct agent_reader *r = calloc(1, sizeof(*r));
	struct agent_frame f;
	int ret;

	CHECK(r);
	while (t->fd[nr] >= 0 && (ret = agent_reader_next(r, agent_fd_get, &t->fd[nr], &f))) {
		if (ret < 0) {
			CHECK(ret != -EPROTO);
			go(t, nr);
			break;
		}
		CHECK(!f.session && f.type != AGENT_HELLO && f.type != AGENT_FATAL);
		agent_reader_done(r);
	}
	/* Part of a frame may be on its way: this client is of no more use. */
	if (r->len)
		go(t, nr);
	free(r);
}

static void guest_says(struct target *t, struct input *in, size_t n)
{
	u8 buf[256];
	size_t i;

	for (i = 0; i < n && left(in); i++)
		buf[i] = get8(in);
	port_link_dev_put(t->link, buf, i);
}

static void step(struct target *t, struct input *in)
{
	u8 what = get8(in), buf[512];
	int nr = (what >> 4) % CLIENTS;

	switch (what % 8) {
	case 0:
		come(t, nr);
		break;
	case 1:
		go(t, nr);
		break;
	case 2:
		hear(t, nr);
		break;
	case 3:
		port_link_dev_close(t->link);
		break;
	case 4:
		client_says(t, nr, what & 8 ? AGENT_WINDOW_MORE : AGENT_DATA);
		break;
	case 5:
		while (port_link_dev_get(t->link, buf, sizeof(buf)))
			;
		break;
	default:
		guest_says(t, in, get8(in));
	}
	serve(t);
}

static void check_bounds(const struct target *t)
{
	CHECK(t->router.nr_clients <= CLIENTS);
	CHECK(t->router.out.size <= QUEUE_MAX);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	log_set_level(LOG_ERROR);
	return 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { .data = data, .len = size };
	struct target *t = calloc(1, sizeof(*t));
	int i;

	CHECK(t && !evloop_init(&t->loop));
	t->link = port_link_create();
	CHECK(t->link && !router_init(&t->router, &t->loop, t->link, &ops, NULL));
	for (i = 0; i < CLIENTS; i++)
		t->fd[i] = -1;
	come(t, 0);
	while (left(&in)) {
		step(t, &in);
		check_bounds(t);
	}
	for (i = 0; i < CLIENTS; i++)
		go(t, i);
	serve(t);
	CHECK(!t->router.nr_clients);
	router_destroy(&t->router);
	port_link_destroy(t->link);
	evloop_destroy(&t->loop);
	free(t);
	return 0;
}
