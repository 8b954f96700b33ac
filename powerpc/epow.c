// SPDX-License-Identifier: GPL-2.0
/*
 * The power button: an environmental and power warning (LoPAR, 10.2.2). Its interrupt
 * makes the guest fetch an event log (10.3.2.2) by the RTAS call check-exception.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/device.h>
#include <vmtool/fdt.h>
#include <vmtool/log.h>
#include <vmtool/vm.h>

#include "powerpc.h"

#define ACTION_SHUTDOWN		3
#define SHUTDOWN_NORMAL		1

struct epow {
	struct device dev;
	struct irq_line *irq;
	struct vm *vm;
	pthread_mutex_t lock;
	bool pending;
};

/* A section of a log begins so. Nothing is padded in here. */
struct section {
	u16 id;
	u16 len;
	u8 version;
	u8 subtype;
	u16 creator;
};

struct epow_log {
	/* The fixed part: version, severity and so on, initiator, type. */
	u8 fixed[4];
	u32 extended_len;
	/* Format 14: main event log. */
	u8 flags[12];
	u32 company;
	struct section priv_head;
	u8 priv[40];
	struct section user_head;
	u8 user[16];
	struct section epow_head;
	u8 sensor;
	u8 modifier;
	u8 extended_modifier;
	u8 reserved;
	u8 platform_reason[8];
};

static struct section section(const char *id, size_t data)
{
	return (struct section) {
		.id = htobe16(id[0] << 8 | id[1]),
		.len = htobe16(sizeof(struct section) + data),
		.version = 1,
	};
}

static void make_log(struct epow_log *log)
{
	BUILD_BUG_ON(sizeof(*log) != 116);
	memset(log, 0, sizeof(*log));
	log->fixed[0] = 6;		/* version */
	log->fixed[1] = 1 << 5 | 1 << 2;	/* an event, with an extended log */
	log->fixed[2] = 0x60;		/* initiator: environment */
	log->fixed[3] = 0x40;		/* type: EPOW */
	log->extended_len = htobe32(sizeof(*log) - offsetof(struct epow_log, flags));
	log->flags[0] = 0x86;		/* valid, new, big-endian */
	log->flags[2] = 0x8e;		/* format 14 */
	log->company = htobe32('I' << 24 | 'B' << 16 | 'M' << 8);
	log->priv_head = section("PH", sizeof(log->priv));
	log->priv[16] = 'H';		/* creator: hypervisor */
	log->priv[19] = 1;		/* sections that follow */
	log->user_head = section("UH", sizeof(log->user));
	log->epow_head = section("EP", sizeof(*log) - offsetof(struct epow_log, sensor));
	log->sensor = ACTION_SHUTDOWN;
	log->modifier = SHUTDOWN_NORMAL;
}

size_t ppc_epow_fetch(struct device *dev, void *buf, size_t size)
{
	struct epow *e = container_of(dev, struct epow, dev);
	struct epow_log log;
	bool pending;

	if (size < sizeof(log))
		return 0;
	pthread_mutex_lock(&e->lock);
	pending = e->pending;
	e->pending = false;
	pthread_mutex_unlock(&e->lock);
	if (!pending)
		return 0;
	make_log(&log);
	memcpy(buf, &log, sizeof(log));
	return sizeof(log);
}

int ppc_epow_press(struct device *dev)
{
	struct epow *e = container_of(dev, struct epow, dev);
	const struct ppc_irq_ops *irq = e->vm->arch->irq;

	if (irq->is_masked && irq->is_masked(e->vm, PPC_IRQ_LINES + PPC_GSI_EPOW))
		return -ENOTSUP;
	pthread_mutex_lock(&e->lock);
	e->pending = true;
	irq_pulse(e->irq);
	pthread_mutex_unlock(&e->lock);
	return 0;
}

static int epow_realize(struct device *dev, struct vm *vm)
{
	struct epow *e = container_of(dev, struct epow, dev);

	e->vm = vm;
	e->irq = irq_get(&vm->irqchip, PPC_GSI_EPOW, IRQ_EDGE);
	if (!e->irq) {
		log_err("%s: interrupt %u is taken", dev->name, PPC_GSI_EPOW);
		return -EBUSY;
	}
	vm->arch->epow = dev;
	return 0;
}

static void epow_reset(struct device *dev)
{
	struct epow *e = container_of(dev, struct epow, dev);

	pthread_mutex_lock(&e->lock);
	e->pending = false;
	pthread_mutex_unlock(&e->lock);
}

static void epow_destroy(struct device *dev)
{
	struct epow *e = container_of(dev, struct epow, dev);

	pthread_mutex_destroy(&e->lock);
	free(e);
}

static void epow_fdt(const struct device *dev, struct fdt_builder *b)
{
	fdt_begin(b, "event-sources");
	fdt_begin(b, "epow-events");
	fdt_interrupt(b, PPC_GSI_EPOW, IRQ_EDGE);
	fdt_end(b);
	fdt_end(b);
}

static const struct device_ops epow_device_ops = {
	.realize = epow_realize,
	.reset = epow_reset,
	.destroy = epow_destroy,
	.fdt = epow_fdt,
};

struct device *ppc_epow_create(void)
{
	struct epow *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->dev.name = "epow";
	e->dev.ops = &epow_device_ops;
	pthread_mutex_init(&e->lock, NULL);
	return &e->dev;
}
