// SPDX-License-Identifier: GPL-2.0
/*
 * Control messages of a console with several ports (virtio 1.2, 5.3.6.2).
 *
 * What is to be sent is kept as a bit for each port and event, so that a driver that
 * asks for more than it takes makes nothing grow; values are filled in when a
 * message leaves.
 */
#include <string.h>

#include <linux/bits.h>
#include <linux/kernel.h>

#include "console.h"

/* The largest message: one that carries a name. */
struct ctl_msg {
	struct virtio_console_control head;
	u8 data[CONSOLE_NAME_MAX];
};

/* What is sent first when several are due. */
static const u16 ctl_order[] = {
	VIRTIO_CONSOLE_PORT_ADD,
	VIRTIO_CONSOLE_PORT_NAME,
	VIRTIO_CONSOLE_PORT_OPEN,
};

static size_t ctl_build(struct console_port *p, u16 event, struct ctl_msg *msg)
{
	u16 value = 0;
	size_t len = 0;

	switch (event) {
	case VIRTIO_CONSOLE_PORT_OPEN:
		value = p->host_open;
		break;
	case VIRTIO_CONSOLE_PORT_NAME:
		value = 1;
		len = min_t(size_t, strlen(p->name), sizeof(msg->data));
		memcpy(msg->data, p->name, len);
		break;
	}
	msg->head.id = htole32(p->id);
	msg->head.event = htole16(event);
	msg->head.value = htole16(value);
	return sizeof(msg->head) + len;
}

/* Returns false when the driver has no buffer for it. */
static bool ctl_send_one(struct console *c, struct console_port *p, u16 event)
{
	struct virtqueue *vq = &c->vd.vqs[CONSOLE_Q_CTL_RX];
	struct vq_chain chain;
	struct ctl_msg msg;
	size_t len = ctl_build(p, event, &msg);
	bool fits = false;

	vq_chain_init(&chain, c->ctl_iov, CONSOLE_QUEUE);
	while (!fits && vq_pop(vq, &chain) == 1) {
		fits = vq_in_left(&chain) >= len;
		if (fits)
			vq_write(&chain, &msg, len);
		else
			log_guest(&c->vd.guest_errors,
				  "%s: a buffer too small for a control message",
				  c->vd.name);
		vq_push(vq, &chain);
	}
	return fits;
}

/* Returns false when the driver takes no more. */
static bool ctl_send_port(struct console *c, struct console_port *p)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ctl_order); i++) {
		u16 event = ctl_order[i];

		if (!(p->pending & BIT(event)))
			continue;
		if (!ctl_send_one(c, p, event))
			return false;
		p->pending &= ~BIT(event);
		if (event == VIRTIO_CONSOLE_PORT_ADD)
			p->added = true;
	}
	return true;
}

void console_ctl_send(struct console *c)
{
	struct virtqueue *vq;
	unsigned int i;

	if (!c->live || !console_multiport(c))
		return;
	vq = &c->vd.vqs[CONSOLE_Q_CTL_RX];
	if (!vq->running)
		return;
	for (i = 0; i < c->nr_ports; i++)
		if (!ctl_send_port(c, &c->ports[i]))
			break;
	vq_notify(vq);
}

void console_ctl_tell(struct console_port *p, u16 event)
{
	if (!p->ready)
		return;
	p->pending |= BIT(event);
	console_ctl_send(p->c);
}

/* A port that was added is not added again (5.3.6.2.1). */
static void ctl_device_ready(struct console *c)
{
	unsigned int i;

	for (i = 0; i < c->nr_ports; i++) {
		struct console_port *p = &c->ports[i];

		if (p->name && !p->added)
			p->pending |= BIT(VIRTIO_CONSOLE_PORT_ADD);
	}
}

static void ctl_port_ready(struct console_port *p)
{
	if (p->ready)
		return;
	p->ready = true;
	p->pending |= BIT(VIRTIO_CONSOLE_PORT_NAME);
	if (p->host_open)
		p->pending |= BIT(VIRTIO_CONSOLE_PORT_OPEN);
}

static void ctl_port_failed(struct console_port *p)
{
	log_guest(&p->c->vd.guest_errors, "%s: the guest cannot use port %u", p->c->vd.name,
		  p->id);
	p->ready = false;
	console_port_left(p);
	p->pending = 0;
}

/* Returns false when the message makes no sense. */
static bool ctl_take(struct console *c, u32 id, u16 event, u16 value)
{
	struct console_port *p;

	if (event == VIRTIO_CONSOLE_DEVICE_READY) {
		if (value == 1)
			ctl_device_ready(c);
		else
			log_guest(&c->vd.guest_errors, "%s: the guest cannot use the device",
				  c->vd.name);
		return true;
	}
	if (id >= c->nr_ports || !c->ports[id].added)
		return false;
	p = &c->ports[id];
	if (event == VIRTIO_CONSOLE_PORT_READY) {
		if (value == 1)
			ctl_port_ready(p);
		else
			ctl_port_failed(p);
		return true;
	}
	if (event != VIRTIO_CONSOLE_PORT_OPEN || value > 1)
		return false;
	if (value)
		p->guest_open = true;
	else
		console_port_left(p);
	console_port_input(p);
	return true;
}

static void ctl_receive_one(struct console *c, struct vq_chain *chain)
{
	struct virtio_console_control msg;

	if (vq_read(chain, &msg, sizeof(msg)) < sizeof(msg)) {
		log_guest(&c->vd.guest_errors, "%s: a control message that is too short",
			  c->vd.name);
		return;
	}
	if (!ctl_take(c, le32toh(msg.id), le16toh(msg.event), le16toh(msg.value)))
		log_guest(&c->vd.guest_errors,
			  "%s: control message %u of value %u for port %u makes no sense",
			  c->vd.name, le16toh(msg.event), le16toh(msg.value), le32toh(msg.id));
}

void console_ctl_receive(struct console *c)
{
	struct virtqueue *vq = &c->vd.vqs[CONSOLE_Q_CTL_TX];
	struct iovec iov[CONSOLE_QUEUE];
	struct vq_chain chain;

	/* A message can make the device send some, and take input. */
	vq_chain_init(&chain, iov, CONSOLE_QUEUE);
	while (c->live && vq_pop(vq, &chain) == 1) {
		ctl_receive_one(c, &chain);
		vq_push(vq, &chain);
	}
	vq_notify(vq);
	console_ctl_send(c);
}
