// SPDX-License-Identifier: GPL-2.0
/*
 * Console device (virtio 1.2, 5.3): port 0 is the user's terminal, further ports
 * have names and lead to UNIX sockets or files. With those the driver has to know
 * several ports; without them the device is as simple as it can be.
 *
 * The device's thread never waits for a reader: a chain that a port cannot take now
 * stays with the port, and is gone on with when there is space. So a reset finds
 * the thread idle, however slow the reader is.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/devclass.h>
#include <vmtool/vm.h>

#include "console.h"
#include "virtio.h"

#define CONSOLE_PIECE	(64 * 1024)	/* bytes written at once */
#define CONSOLE_IOV	16
#define CONSOLE_BUDGET	(4 * CONSOLE_PIECE)	/* bytes until others get their turn */

static struct virtqueue *port_rx(const struct console_port *p)
{
	return &p->c->vd.vqs[p->id ? 2 * p->id + 2 : 0];
}

static struct virtqueue *port_tx(const struct console_port *p)
{
	return port_rx(p) + 1;
}

/* Output that is under way goes on: true when none of it is left. */
static bool port_flush(struct console_port *p, size_t *budget)
{
	struct iovec iov[CONSOLE_IOV];

	while (*budget && vq_out_left(&p->tx)) {
		size_t max = min_t(size_t, *budget, CONSOLE_PIECE);
		int nr = vq_iov(&p->tx, false, 0, max, iov, CONSOLE_IOV);
		size_t n = nr > 0 ? p->ops->write(p, iov, nr) : 0;

		if (!n)
			return false;
		vq_read(&p->tx, NULL, n);
		*budget -= n;
	}
	return !vq_out_left(&p->tx);
}

void console_port_output(struct console_port *p)
{
	struct virtqueue *vq = port_tx(p);
	size_t budget = CONSOLE_BUDGET;

	if (!p->c->live || !vq->running)
		return;
	while (p->busy || vq_pop(vq, &p->tx) == 1) {
		p->busy = true;
		if (!port_flush(p, &budget))
			break;
		p->busy = false;
		vq_push(vq, &p->tx);
	}
	vq_notify(vq);
	if (!budget)
		virtio_kick(&p->c->vd, vq->index);
}

/* Several ports: what comes before the driver has opened one would be thrown away. */
static bool port_listens(const struct console_port *p)
{
	return p->c->live && p->ops && (!console_multiport(p->c) || p->guest_open);
}

static size_t port_fill(struct console_port *p, struct vq_chain *chain)
{
	struct iovec iov[CONSOLE_IOV];
	int nr = vq_iov(chain, true, 0, CONSOLE_PIECE, iov, CONSOLE_IOV);

	return nr > 0 ? p->ops->read(p, iov, nr) : 0;
}

void console_port_input(struct console_port *p)
{
	struct virtqueue *vq = port_rx(p);
	struct vq_chain chain;
	size_t n;

	if (!port_listens(p) || !vq->running)
		return;
	vq_chain_init(&chain, p->c->iov, CONSOLE_QUEUE);
	while (vq_pop(vq, &chain) == 1) {
		if (!vq_in_left(&chain)) {
			log_guest(&p->c->vd.guest_errors,
				  "%s: port %u: a buffer without room for input",
				  p->c->vd.name, p->id);
			vq_push(vq, &chain);
			continue;
		}
		n = port_fill(p, &chain);
		if (!n) {
			vq_unpop(vq, &chain);
			break;
		}
		vq_write(&chain, NULL, n);
		vq_push(vq, &chain);
	}
	vq_notify(vq);
}

static void console_kick(struct virtio_dev *vd, struct virtqueue *vq)
{
	struct console *c = container_of(vd, struct console, vd);
	struct console_port *p;

	/* Queues that do not exist for this driver. */
	if (vq->index >= CONSOLE_Q_CTL_RX && !console_multiport(c))
		return;
	if (vq->index == CONSOLE_Q_CTL_RX) {
		console_ctl_send(c);
	} else if (vq->index == CONSOLE_Q_CTL_TX) {
		console_ctl_receive(c);
	} else {
		p = &c->ports[vq->index > CONSOLE_Q_CTL_TX ? (vq->index - 2) / 2 : 0];
		if (vq->index & 1)
			console_port_output(p);
		else
			console_port_input(p);
	}
}

/* Where there are named ports, port 0 is nothing at all: the terminal is elsewhere. */
static size_t nowhere_write(struct console_port *p, const struct iovec *iov, int nr)
{
	size_t n = 0;

	while (nr--)
		n += iov++->iov_len;
	return n;
}

static size_t nowhere_read(struct console_port *p, const struct iovec *iov, int nr)
{
	return 0;
}

static void nowhere_close(struct console_port *p)
{
}

static const struct port_ops nowhere_ops = {
	.write = nowhere_write,
	.read = nowhere_read,
	.close = nowhere_close,
};

static void port_forget(struct console_port *p)
{
	p->busy = false;
	p->added = false;
	p->ready = false;
	console_port_left(p);
	p->pending = 0;
}

static void console_stop(void *arg)
{
	struct console *c = arg;
	unsigned int i;

	if (c->live && c->terminal)
		vm_console_down(c->vm, true);
	c->live = false;
	for (i = 0; i < c->nr_ports; i++)
		port_forget(&c->ports[i]);
}

static void console_start(void *arg)
{
	struct console *c = arg;

	console_stop(c);
	c->live = true;
	if (c->terminal)
		vm_console_down(c->vm, false);
}

static int console_activate(struct virtio_dev *vd)
{
	iothread_call(&vd->threads[0], console_start, container_of(vd, struct console, vd));
	return 0;
}

static void console_reset(struct virtio_dev *vd)
{
	iothread_call(&vd->threads[0], console_stop, container_of(vd, struct console, vd));
}

static void console_queue_reset(struct virtio_dev *vd, struct virtqueue *vq)
{
	struct console *c = container_of(vd, struct console, vd);
	unsigned int i;

	for (i = 0; i < c->nr_ports; i++)
		if (port_tx(&c->ports[i]) == vq)
			c->ports[i].busy = false;
}

/*
 * Emergency write: on the vCPU's thread, with or without a driver (5.3.5.1). That
 * vCPU may have to wait for a slow reader, as with the UART.
 */
static void console_config_write(struct virtio_dev *vd, u32 off, const void *buf, u32 len)
{
	const u32 emerg = offsetof(struct virtio_console_config, emerg_wr);
	struct console *c = container_of(vd, struct console, vd);

	if (c->terminal && off <= emerg && emerg - off < len)
		vm_console(c->vm, buf + (emerg - off), 1);
}

static int console_open_ports(struct console *c, struct vm *vm)
{
	const struct device_conf *dc;
	struct console_port *p = c->ports + 1;
	const struct console_port *other;
	int ret;

	list_for_each_entry(dc, &vm->cfg->devices, node) {
		if (dc->cls != &console_class)
			continue;
		ret = console_port_open(p, dc->conf, vm->cfg->dry_run);
		if (ret)
			return ret;
		for (other = c->ports + 1; other < p; other++) {
			if (strcmp(other->name, p->name))
				continue;
			log_err("--port %s: two ports have this name", p->name);
			return -EEXIST;
		}
		p++;
	}
	return 0;
}

static unsigned int count_ports(const struct vm *vm)
{
	const struct device_conf *dc;
	unsigned int nr = 1;

	list_for_each_entry(dc, &vm->cfg->devices, node)
		nr += dc->cls == &console_class;
	return nr;
}

static int console_create_ports(struct console *c, struct vm *vm)
{
	unsigned int i, nr = c->terminal ? 1 : count_ports(vm);

	if (nr > CONSOLE_MAX_PORTS) {
		log_err("--port: %u ports are too many; %u is the limit", nr - 1,
			CONSOLE_MAX_PORTS - 1);
		return -E2BIG;
	}
	c->ports = calloc(nr, sizeof(*c->ports));
	if (!c->ports)
		return -ENOMEM;
	c->nr_ports = nr;
	for (i = 0; i < nr; i++) {
		struct console_port *p = &c->ports[i];

		p->c = c;
		p->id = i;
		p->listener.fd = -1;
		p->client.fd = -1;
		vq_chain_init(&p->tx, p->tx_iov, CONSOLE_QUEUE);
	}
	c->ports[0].ops = &nowhere_ops;
	return 0;
}

static int console_realize(struct virtio_dev *vd, struct vm *vm)
{
	struct console *c = container_of(vd, struct console, vd);
	__le32 max;
	int ret;

	c->vm = vm;
	ret = console_create_ports(c, vm);
	if (ret)
		return ret;
	vd->config_size = sizeof(struct virtio_console_config);
	if (c->nr_ports > 1)
		vd->offered |= 1ULL << VIRTIO_CONSOLE_F_MULTIPORT;
	max = htole32(c->nr_ports);
	virtio_config_set_silent(vd, offsetof(struct virtio_console_config, max_nr_ports),
				 &max, sizeof(max));
	ret = virtio_set_queues(vd, c->nr_ports > 1 ? 2 * c->nr_ports + 2 : 2, CONSOLE_QUEUE, 1);
	if (ret)
		return ret;
	return c->terminal ? console_term_open(c) : console_open_ports(c, vm);
}

static void console_destroy(struct virtio_dev *vd)
{
	struct console *c = container_of(vd, struct console, vd);
	unsigned int i;

	for (i = 0; i < c->nr_ports; i++)
		if (c->ports[i].ops)
			c->ports[i].ops->close(&c->ports[i]);
	pthread_mutex_destroy(&c->lock);
	free(c->ports);
	free(c);
}

static const struct virtio_ops console_ops = {
	.id = VIRTIO_ID_CONSOLE,
	.realize = console_realize,
	.activate = console_activate,
	.kick = console_kick,
	.config_write = console_config_write,
	.queue_reset = console_queue_reset,
	.reset = console_reset,
	.destroy = console_destroy,
};

static struct virtio_dev *console_make(const char *name, bool terminal)
{
	struct console *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->event.fd = -1;
	c->terminal = terminal;
	pthread_mutex_init(&c->lock, NULL);
	virtio_init(&c->vd, &console_ops, name);
	return &c->vd;
}

/*
 * A device of its own for the terminal: where there are several ports, drivers learn by
 * messages which of them is a console, and Linux may have started init without one by
 * then.
 */
static struct virtio_dev *hvc_create(const void *conf, const char *name)
{
	return console_make(name, true);
}

static bool hvc_wanted(const struct vm *vm)
{
	return vm->virtio_console;
}

const struct device_class hvc_class = {
	.name = "hvc",
	.wanted = hvc_wanted,
	.create = hvc_create,
};

static struct virtio_dev *console_create(const void *conf, const char *name)
{
	return console_make(name, false);
}

static bool console_wanted(const struct vm *vm)
{
	return count_ports(vm) > 1;
}

static int console_check(const void *conf)
{
	const struct port_conf *c = conf;
	const char *s;

	for (s = c->name; *s; s++)
		if ((u8)*s < ' ' || *s == 0x7f || *s == '/')
			break;
	if (*s || strlen(c->name) > CONSOLE_NAME_MAX) {
		log_err("--port %s: not a name: %u bytes at most, without '/'", c->name,
			CONSOLE_NAME_MAX);
		return -EINVAL;
	}
	if (!c->socket == !c->file) {
		log_err("--port %s: say either socket=PATH or file=PATH", c->name);
		return -EINVAL;
	}
	return 0;
}

static const struct prop console_props[] = {
	{ .name = "name", .type = PROP_STRING, .offset = offsetof(struct port_conf, name),
	  .positional = true, .required = true, .arg = "NAME",
	  .help = "name of the port, /dev/virtio-ports/NAME in the guest" },
	{ .name = "socket", .type = PROP_STRING, .offset = offsetof(struct port_conf, socket),
	  .arg = "PATH", .help = "a UNIX socket made there, for one client at a time" },
	{ .name = "file", .type = PROP_STRING, .offset = offsetof(struct port_conf, file),
	  .arg = "PATH", .help = "a file that output is appended to" },
	{ }
};

const struct device_class console_class = {
	.name = "console",
	.option = "port",
	.help = "a named port of the virtio console",
	.arg = "NAME,socket=PATH|file=PATH",
	.wanted = console_wanted,
	.props = console_props,
	.conf_size = sizeof(struct port_conf),
	.check = console_check,
	.create = console_create,
};
