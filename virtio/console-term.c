// SPDX-License-Identifier: GPL-2.0
/*
 * Port 0 of the console: the user's terminal. Input is put into a buffer by the
 * event loop and taken out by the device's thread; one eventfd wakes that thread
 * for whatever is new.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/io.h>
#include <vmtool/vm.h>

#include "console.h"

/* Linux takes this on a virtual console for the break key: magic SysRq follows. */
#define TERM_SYSRQ	0x0f	/* Ctrl-o */

static size_t term_port_write(struct console_port *p, const struct iovec *iov, int nr)
{
	size_t n, total = 0;

	for (; nr--; iov++) {
		n = vm_try_console(p->c->vm, iov->iov_base, iov->iov_len);
		total += n;
		if (n < iov->iov_len)
			break;
	}
	return total;
}

static size_t term_port_read(struct console_port *p, const struct iovec *iov, int nr)
{
	struct console *c = p->c;
	size_t i, total = 0;
	bool was_high;

	pthread_mutex_lock(&c->lock);
	was_high = c->head - c->tail > CONSOLE_INPUT / 2;
	for (; nr--; iov++) {
		u8 *to = iov->iov_base;

		for (i = 0; i < iov->iov_len && c->tail != c->head; i++)
			to[i] = c->input[c->tail++ % CONSOLE_INPUT];
		total += i;
	}
	was_high &= c->head - c->tail <= CONSOLE_INPUT / 2;
	pthread_mutex_unlock(&c->lock);
	/* The terminal may have stopped reading for want of room. */
	if (was_high)
		ev_wake(&c->vm->loop);
	return total;
}

static void term_port_close(struct console_port *p)
{
	struct console *c = p->c;

	ev_del(&c->vd.threads[0].loop, &c->event);
	if (c->event.fd >= 0)
		close(c->event.fd);
	free(c->input);
}

static const struct port_ops term_port_ops = {
	.write = term_port_write,
	.read = term_port_read,
	.close = term_port_close,
};

static void term_port_event(struct ev_source *src, u32 events)
{
	struct console *c = container_of(src, struct console, event);
	u64 count;

	if (read(src->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return;
	console_port_input(&c->ports[0]);
	console_port_output(&c->ports[0]);
}

/* --- in the event loop ------------------------------------------------------------ */

static size_t term_room(void *priv)
{
	struct console *c = priv;
	size_t room;

	pthread_mutex_lock(&c->lock);
	room = CONSOLE_INPUT - (c->head - c->tail);
	pthread_mutex_unlock(&c->lock);
	return room;
}

static void term_input(void *priv, const u8 *buf, size_t len)
{
	struct console *c = priv;

	pthread_mutex_lock(&c->lock);
	while (len-- && c->head - c->tail < CONSOLE_INPUT)
		c->input[c->head++ % CONSOLE_INPUT] = *buf++;
	pthread_mutex_unlock(&c->lock);
	io_wake(c->event.fd);
}

static void term_break(void *priv)
{
	static const u8 sysrq = TERM_SYSRQ;
	struct console *c = priv;

	/* What was typed and not read yet would come between it and its key. */
	pthread_mutex_lock(&c->lock);
	c->tail = c->head;
	pthread_mutex_unlock(&c->lock);
	term_input(c, &sysrq, 1);
}

static void term_quit(void *priv)
{
	struct console *c = priv;

	runstate_request(&c->vm->run, RUN_BY_HOST_UI);
}

static void term_failed(void *priv, int err)
{
	struct console *c = priv;

	vm_console_lost(c->vm, err);
}

static void term_space(void *priv)
{
	struct console *c = priv;

	io_wake(c->event.fd);
}

static bool read_size(const struct console *c, __le16 size[2])
{
	unsigned short cols, rows;

	if (!term_size(&c->vm->term, &cols, &rows))
		return false;
	size[0] = htole16(cols);
	size[1] = htole16(rows);
	return true;
}

static void term_new_size(void *priv)
{
	struct console *c = priv;
	__le16 size[2];

	if (!(c->vd.offered >> VIRTIO_CONSOLE_F_SIZE & 1) || !read_size(c, size))
		return;
	/* Nobody else writes there. */
	if (!memcmp(c->vd.config, size, sizeof(size)))
		return;
	virtio_config_set(&c->vd, 0, size, sizeof(size));
}

static const struct term_ops term_ops = {
	.room = term_room,
	.input = term_input,
	.send_break = term_break,
	.quit = term_quit,
	.failed = term_failed,
	.space = term_space,
	.resized = term_new_size,
};

int console_term_open(struct console *c)
{
	__le16 size[2];
	int ret;

	c->input = malloc(CONSOLE_INPUT);
	if (!c->input)
		return -ENOMEM;
	c->ports[0].ops = &term_port_ops;
	c->event.fn = term_port_event;
	c->event.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ret = c->event.fd < 0 ? -errno : ev_add(&c->vd.threads[0].loop, &c->event, EPOLLIN);
	if (ret) {
		log_err("%s: cannot wait for the terminal: %s", c->vd.name, strerror(-ret));
		return ret;
	}
	c->vd.offered |= 1ULL << VIRTIO_CONSOLE_F_EMERG_WRITE;
	if (read_size(c, size)) {
		c->vd.offered |= 1ULL << VIRTIO_CONSOLE_F_SIZE;
		virtio_config_set_silent(&c->vd, 0, size, sizeof(size));
	}
	term_connect(&c->vm->term, &term_ops, c);
	return 0;
}
