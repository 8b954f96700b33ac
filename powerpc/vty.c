// SPDX-License-Identifier: GPL-2.0
/*
 * The virtual terminal (LoPAR, 16.6): hypercalls take and give up to 16 bytes, packed
 * into two registers from their high ends. An interrupt tells of input.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/device.h>
#include <vmtool/fdt.h>
#include <vmtool/log.h>
#include <vmtool/vcpu.h>
#include <vmtool/vm.h>

#include "powerpc.h"
#include "regs.h"

#define VTY_CHUNK	16
#define VTY_QUEUE	(256 * 1024)	/* a paste that would hide Ctrl-a x otherwise */
#define VTY_BREAK	0x0f		/* Ctrl-O: what Linux on a vty takes for SysRq */

struct vty {
	struct device dev;
	struct vm *vm;
	struct irq_line *irq;
	pthread_mutex_t lock;
	pthread_mutex_t tx_lock;	/* keeps output in order, taken alone */

	u8 queue[VTY_QUEUE];
	unsigned int head, tail;
};

static struct vty *find_vty(struct vcpu *v, u64 termno)
{
	struct device *dev = v->vm->arch->vty;

	/* PAPR: 0 is the first one there is. */
	if (!dev || (termno && termno != PPC_VTY))
		return NULL;
	return container_of(dev, struct vty, dev);
}

s64 ppc_vty_put(struct vcpu *v, const u64 *args)
{
	struct vty *t = find_vty(v, args[0]);
	u64 len = args[1], chars[2] = { htobe64(args[2]), htobe64(args[3]) };

	if (!t || len > VTY_CHUNK)
		return H_PARAMETER;
	/* May wait for the reader of stdout, so input must not need this lock. */
	pthread_mutex_lock(&t->tx_lock);
	vm_console(t->vm, chars, len);
	pthread_mutex_unlock(&t->tx_lock);
	return H_SUCCESS;
}

s64 ppc_vty_get(struct vcpu *v, u64 *args)
{
	struct vty *t = find_vty(v, args[0]);
	u8 chars[VTY_CHUNK] = { };
	unsigned int len = 0, left;
	u64 packed[2];

	if (!t)
		return H_PARAMETER;
	pthread_mutex_lock(&t->lock);
	left = t->head - t->tail;
	while (len < VTY_CHUNK && t->head != t->tail)
		chars[len++] = t->queue[t->tail++ % VTY_QUEUE];
	pthread_mutex_unlock(&t->lock);
	/* The terminal may have stopped reading for want of room. */
	if (left > VTY_QUEUE / 2 && left - len <= VTY_QUEUE / 2)
		ev_wake(&t->vm->loop);
	memcpy(packed, chars, sizeof(packed));
	args[0] = len;
	args[1] = be64toh(packed[0]);
	args[2] = be64toh(packed[1]);
	return H_SUCCESS;
}

static size_t vty_room(void *priv)
{
	struct vty *t = priv;
	size_t room;

	pthread_mutex_lock(&t->lock);
	room = VTY_QUEUE - (t->head - t->tail);
	pthread_mutex_unlock(&t->lock);
	return room;
}

static void vty_input(void *priv, const u8 *buf, size_t len)
{
	struct vty *t = priv;

	pthread_mutex_lock(&t->lock);
	while (len-- && t->head - t->tail < VTY_QUEUE)
		t->queue[t->head++ % VTY_QUEUE] = *buf++;
	irq_pulse(t->irq);
	pthread_mutex_unlock(&t->lock);
}

/* What was typed and not read yet would come between it and its key. */
static void vty_break(void *priv)
{
	struct vty *t = priv;

	pthread_mutex_lock(&t->lock);
	t->tail = t->head;
	t->queue[t->head++ % VTY_QUEUE] = VTY_BREAK;
	irq_pulse(t->irq);
	pthread_mutex_unlock(&t->lock);
}

static void vty_quit(void *priv)
{
	struct vty *t = priv;

	runstate_request(&t->vm->run, RUN_BY_HOST_UI);
}

static void vty_output_failed(void *priv, int err)
{
	struct vty *t = priv;

	vm_console_lost(t->vm, err);
}

static const struct term_ops vty_term_ops = {
	.room = vty_room,
	.input = vty_input,
	.send_break = vty_break,
	.quit = vty_quit,
	.failed = vty_output_failed,
};

static int vty_realize(struct device *dev, struct vm *vm)
{
	struct vty *t = container_of(dev, struct vty, dev);

	t->vm = vm;
	t->irq = irq_get(&vm->irqchip, PPC_GSI_VTY, IRQ_EDGE);
	if (!t->irq) {
		log_err("%s: interrupt %u is taken", dev->name, PPC_GSI_VTY);
		return -EBUSY;
	}
	vm->arch->vty = dev;
	term_connect(&vm->term, &vty_term_ops, t);
	return 0;
}

/* What was typed for the guest before its reset is for the one after it, too. */
static void vty_reset(struct device *dev)
{
	struct vty *t = container_of(dev, struct vty, dev);

	pthread_mutex_lock(&t->lock);
	if (t->head != t->tail)
		irq_pulse(t->irq);
	pthread_mutex_unlock(&t->lock);
}

static void vty_destroy(struct device *dev)
{
	struct vty *t = container_of(dev, struct vty, dev);

	pthread_mutex_destroy(&t->tx_lock);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static void vty_fdt(const struct device *dev, struct fdt_builder *b)
{
	fdt_begin(b, "vdevice");
	fdt_str(b, "device_type", "vdevice");
	fdt_str(b, "compatible", "IBM,vdevice");
	fdt_u32(b, "#address-cells", 1);
	fdt_u32(b, "#size-cells", 0);
	fdt_begin(b, "vty@%x", PPC_VTY);
	fdt_str(b, "device_type", "serial");
	fdt_str(b, "compatible", "hvterm1");
	fdt_u32(b, "reg", PPC_VTY);
	fdt_interrupt(b, PPC_GSI_VTY, IRQ_EDGE);
	fdt_end(b);
	fdt_end(b);
}

static const struct device_ops vty_device_ops = {
	.realize = vty_realize,
	.reset = vty_reset,
	.destroy = vty_destroy,
	.fdt = vty_fdt,
};

struct device *ppc_vty_create(void)
{
	struct vty *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->dev.name = "vty";
	t->dev.ops = &vty_device_ops;
	pthread_mutex_init(&t->lock, NULL);
	pthread_mutex_init(&t->tx_lock, NULL);
	return &t->dev;
}
