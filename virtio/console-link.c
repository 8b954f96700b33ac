// SPDX-License-Identifier: GPL-2.0
/*
 * A port of the console that leads into this process: a ring each way, and an eventfd
 * for whoever has to look.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/devclass.h>
#include <vmtool/io.h>
#include <vmtool/port_link.h>

#include "console.h"
#include "virtio.h"

static size_t ring_put(struct port_ring *r, const u8 *buf, size_t len)
{
	size_t i, n = min_t(size_t, len, PORT_LINK_SIZE - (r->head - r->tail));

	for (i = 0; i < n; ) {
		size_t at = r->head % PORT_LINK_SIZE;
		size_t part = min_t(size_t, n - i, PORT_LINK_SIZE - at);

		memcpy(r->buf + at, buf + i, part);
		r->head += part;
		i += part;
	}
	return n;
}

static size_t ring_get(struct port_ring *r, u8 *buf, size_t len)
{
	size_t i, n = min_t(size_t, len, r->head - r->tail);

	for (i = 0; i < n; ) {
		size_t at = r->tail % PORT_LINK_SIZE;
		size_t part = min_t(size_t, n - i, PORT_LINK_SIZE - at);

		memcpy(buf + i, r->buf + at, part);
		r->tail += part;
		i += part;
	}
	return n;
}

struct port_link *port_link_create(void)
{
	struct port_link *link = calloc(1, sizeof(*link));

	if (!link)
		return NULL;
	pthread_mutex_init(&link->lock, NULL);
	link->host_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	link->dev_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (link->host_fd >= 0 && link->dev_fd >= 0)
		return link;
	port_link_destroy(link);
	return NULL;
}

void port_link_destroy(struct port_link *link)
{
	if (!link)
		return;
	if (link->host_fd >= 0)
		close(link->host_fd);
	if (link->dev_fd >= 0)
		close(link->dev_fd);
	pthread_mutex_destroy(&link->lock);
	free(link);
}

int port_link_add(struct list_head *devices, struct port_link *link, const char *name)
{
	struct device_conf *dc = calloc(1, sizeof(*dc));
	struct port_conf *conf = calloc(1, sizeof(*conf));

	if (conf)
		conf->name = strdup(name);
	if (!dc || !conf || !conf->name) {
		if (conf)
			free((char *)conf->name);
		free(conf);
		free(dc);
		return -ENOMEM;
	}
	conf->link = link;
	dc->cls = &console_class;
	dc->conf = conf;
	list_add_tail(&dc->node, devices);
	return 0;
}

ssize_t port_link_recv(struct port_link *link, void *buf, size_t len)
{
	bool was_full, reset;
	size_t n = 0;

	pthread_mutex_lock(&link->lock);
	reset = link->reset;
	link->reset = false;
	was_full = link->to_host.head - link->to_host.tail == PORT_LINK_SIZE;
	if (!reset)
		n = ring_get(&link->to_host, buf, len);
	pthread_mutex_unlock(&link->lock);
	/* What came after a reset had to wait for this, too. */
	if (reset || (n && was_full))
		io_wake(link->dev_fd);
	if (reset)
		return -ECONNRESET;
	return n ?: -EAGAIN;
}

size_t port_link_send(struct port_link *link, const void *buf, size_t len)
{
	size_t n = 0;

	pthread_mutex_lock(&link->lock);
	/* It would be for who is gone. */
	if (!link->reset)
		n = ring_put(&link->to_guest, buf, len);
	pthread_mutex_unlock(&link->lock);
	if (n)
		io_wake(link->dev_fd);
	return n;
}

size_t port_link_dev_put(struct port_link *link, const void *buf, size_t len)
{
	size_t n = 0;

	pthread_mutex_lock(&link->lock);
	/* Nobody is to take the new guest's bytes for the old one's. */
	if (!link->reset)
		n = ring_put(&link->to_host, buf, len);
	pthread_mutex_unlock(&link->lock);
	if (n)
		io_wake(link->host_fd);
	return n;
}

size_t port_link_dev_get(struct port_link *link, void *buf, size_t len)
{
	bool was_full;
	size_t n;

	pthread_mutex_lock(&link->lock);
	was_full = link->to_guest.head - link->to_guest.tail == PORT_LINK_SIZE;
	n = ring_get(&link->to_guest, buf, len);
	pthread_mutex_unlock(&link->lock);
	if (n && was_full)
		io_wake(link->host_fd);
	return n;
}

void port_link_dev_close(struct port_link *link)
{
	pthread_mutex_lock(&link->lock);
	link->reset = true;
	link->to_host.tail = link->to_host.head;
	link->to_guest.tail = link->to_guest.head;
	pthread_mutex_unlock(&link->lock);
	io_wake(link->host_fd);
}

/* --- as what a port leads to -------------------------------------------------------- */

static size_t link_write(struct console_port *p, const struct iovec *iov, int nr)
{
	size_t n, total = 0;

	for (; nr--; iov++) {
		n = port_link_dev_put(p->link, iov->iov_base, iov->iov_len);
		total += n;
		if (n < iov->iov_len)
			break;
	}
	return total;
}

static size_t link_read(struct console_port *p, const struct iovec *iov, int nr)
{
	size_t n, total = 0;

	for (; nr--; iov++) {
		n = port_link_dev_get(p->link, iov->iov_base, iov->iov_len);
		total += n;
		if (n < iov->iov_len)
			break;
	}
	return total;
}

static void link_left(struct console_port *p)
{
	port_link_dev_close(p->link);
}

static void link_close(struct console_port *p)
{
	ev_del(&p->c->vd.threads[0].loop, &p->client);
}

static const struct port_ops link_ops = {
	.write = link_write,
	.read = link_read,
	.left = link_left,
	.close = link_close,
};

static void link_ready(struct ev_source *src, u32 events)
{
	struct console_port *p = container_of(src, struct console_port, client);
	u64 count;

	if (read(src->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return;
	console_port_input(p);
	console_port_output(p);
}

int console_link_open(struct console_port *p, struct port_link *link)
{
	int ret;

	p->ops = &link_ops;
	p->link = link;
	p->client.fn = link_ready;
	p->client.fd = link->dev_fd;
	p->host_open = true;
	ret = ev_add(&p->c->vd.threads[0].loop, &p->client, EPOLLIN);
	if (ret)
		log_err("port %s: cannot wait for it: %s", p->name, strerror(-ret));
	return ret;
}
