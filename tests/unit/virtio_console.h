/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_VIRTIO_CONSOLE_H
#define TESTS_UNIT_VIRTIO_CONSOLE_H

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <linux/virtio_console.h>

#include "virtio_driver.h"

#include "../../virtio/virtio.h"

/*
 * A console, its driver, and the terminal or the ports behind it. What is printed
 * goes to a memfd, when con_print() is called.
 */

#define CON_PORTS	40
#define CON_INPUT	(256 * 1024)

struct con {
	struct drv d;
	struct device_conf conf[CON_PORTS];
	unsigned int nr_conf;
	int out;
};

/* The machine, with the terminal at the console or at the UART. */
static inline int con_machine(struct con *c, bool terminal)
{
	int ret;

	memset(c, 0, sizeof(*c));
	ret = drv_machine(&c->d);
	INIT_LIST_HEAD(&c->d.cfg.devices);
	c->d.vm.virtio_console = terminal;
	c->out = memfd_create("out", MFD_CLOEXEC);
	c->d.vm.term.out.fd = dup(c->out);
	c->d.vm.term.in.fd = -1;
	return ret;
}

/* --port TEXT */
static inline int con_port(struct con *c, const char *text)
{
	struct device_conf *dc = &c->conf[c->nr_conf];
	int ret;

	dc->cls = &console_class;
	dc->conf = calloc(1, console_class.conf_size);
	if (!dc->conf)
		return -ENOMEM;
	list_add_tail(&dc->node, &c->d.cfg.devices);
	c->nr_conf++;
	ret = props_init(console_class.props, dc->conf);
	ret = ret ?: props_parse(console_class.props, dc->conf, "--port", text);
	return ret ?: console_class.check(dc->conf);
}

static inline int con_attach(struct con *c, enum drv_transport t)
{
	const struct device_class *cls = c->d.vm.virtio_console ? &hvc_class : &console_class;

	return drv_init_dev(&c->d, t, cls->create(NULL, "console0"));
}

static inline void con_end(struct con *c)
{
	drv_end(&c->d);
	while (c->nr_conf--) {
		props_free(console_class.props, c->conf[c->nr_conf].conf);
		free(c->conf[c->nr_conf].conf);
	}
	close(c->out);
}

/* Has the event loop write what was printed; the device goes on. */
static inline void con_print(struct con *c)
{
	int i;

	/* A round each for the device and the terminal, as long as there is more. */
	for (i = 0; i < 1000; i++) {
		drv_run(&c->d);
		if (c->d.vm.term.head == c->d.vm.term.tail)
			return;
		term_service(&c->d.vm.term);
	}
	drv_die("output without end");
}

static inline size_t con_printed(struct con *c)
{
	return lseek(c->out, 0, SEEK_END);
}

/* Is that all that was printed since the last look? */
static inline bool con_said(struct con *c, const char *text)
{
	char buf[256] = "";
	size_t n;

	con_print(c);
	n = con_printed(c);
	if (n != strlen(text) || n >= sizeof(buf) || pread(c->out, buf, n, 0) != (ssize_t)n ||
	    memcmp(buf, text, n)) {
		fprintf(stderr, "printed: '%s'\n", buf);
		return false;
	}
	if (ftruncate(c->out, 0) < 0)
		return false;
	lseek(c->out, 0, SEEK_SET);
	return true;
}

static inline unsigned int con_rx(unsigned int port)
{
	return port ? 2 * port + 2 : 0;
}

static inline unsigned int con_tx(unsigned int port)
{
	return con_rx(port) + 1;
}

/* The guest prints; false when the device has not taken it yet. */
static inline bool con_write(struct con *c, unsigned int port, const char *text)
{
	u64 a = drv_alloc_with(&c->d, text, strlen(text));
	u32 len = 7;

	if (drv_add(&c->d, con_tx(port), &DRV_OUT(a, strlen(text)), 1, c))
		drv_die("port %u is full", port);
	drv_kick(&c->d, con_tx(port));
	drv_run(&c->d);
	return drv_get(&c->d, con_tx(port), &len) == c && !len;
}

/* The guest offers a buffer for input. */
static inline u64 con_offer(struct con *c, unsigned int queue, size_t size)
{
	u64 a = drv_alloc(&c->d, size);

	if (drv_add(&c->d, queue, &DRV_IN(a, size), 1, drv_ptr(&c->d, a, size)))
		drv_die("queue %u is full", queue);
	drv_kick(&c->d, queue);
	return a;
}

/* Is that what arrived in the next buffer? */
static inline bool con_got(struct con *c, unsigned int port, const char *text)
{
	const char *p;
	u32 len;

	drv_run(&c->d);
	p = drv_get(&c->d, con_rx(port), &len);
	if (p && len == strlen(text) && !memcmp(p, text, len))
		return true;
	fprintf(stderr, "arrived: '%.*s'\n", p ? (int)len : 7, p ? p : "nothing");
	return false;
}

static inline void con_type(struct con *c, const char *text)
{
	struct term *t = &c->d.vm.term;

	t->ops->input(t->priv, (const u8 *)text, strlen(text));
	drv_run(&c->d);
}

/* --- control messages ------------------------------------------------------------ */

static inline bool con_ctl(struct con *c, u32 id, u16 event, u16 value)
{
	struct virtio_console_control msg = {
		.id = htole32(id), .event = htole16(event), .value = htole16(value),
	};
	u64 a = drv_alloc_with(&c->d, &msg, sizeof(msg));
	u32 len = 7;

	if (drv_add(&c->d, 3, &DRV_OUT(a, sizeof(msg)), 1, c))
		drv_die("the control queue is full");
	drv_kick(&c->d, 3);
	drv_run(&c->d);
	return drv_get(&c->d, 3, &len) == c && !len;
}

/* Is this the next message, with these bytes behind it? */
static inline bool con_told_bytes(struct con *c, u32 id, u16 event, u16 value,
				  const char *data, size_t size)
{
	const struct virtio_console_control *msg;
	u32 len;

	drv_run(&c->d);
	msg = drv_get(&c->d, 2, &len);
	if (!msg) {
		fprintf(stderr, "no message\n");
		return false;
	}
	if (len == sizeof(*msg) + size && le32toh(msg->id) == id &&
	    le16toh(msg->event) == event && le16toh(msg->value) == value &&
	    !memcmp(msg + 1, data, size))
		return true;
	fprintf(stderr, "message: port %u, event %u, value %u, %u bytes\n", le32toh(msg->id),
		le16toh(msg->event), le16toh(msg->value), len);
	return false;
}

static inline bool con_told(struct con *c, u32 id, u16 event, u16 value, const char *text)
{
	return con_told_bytes(c, id, event, value, text, strlen(text));
}

static inline bool con_told_nothing(struct con *c)
{
	drv_run(&c->d);
	return !drv_used(&c->d, 2);
}

static inline void con_ctl_offer(struct con *c, int n)
{
	while (n--)
		con_offer(c, 2, 128);
}

#endif /* TESTS_UNIT_VIRTIO_CONSOLE_H */
