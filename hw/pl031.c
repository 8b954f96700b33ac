// SPDX-License-Identifier: GPL-2.0
/*
 * A PL031 real time clock (ARM DDI 0224): the host's UTC time in seconds, plus
 * whatever the guest has set it to be off, and an alarm.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <vmtool/fdt.h>
#include <vmtool/hw.h>
#include <vmtool/log.h>
#include <vmtool/vm.h>

#define PL031_LEN	0x1000

#define REG_DR		0x000
#define REG_MR		0x004
#define REG_LR		0x008
#define REG_CR		0x00c
#define REG_IMSC	0x010
#define REG_RIS		0x014
#define REG_MIS		0x018
#define REG_ICR		0x01c
#define REG_ID		0xfe0

struct pl031 {
	struct device dev;
	struct region region;
	struct vm *vm;
	struct irq_line *irq;
	struct hw_mmio at;
	u32 clock;
	pthread_mutex_t lock;
	struct ev_timer alarm;
	u32 offset;		/* guest's clock minus host's, in seconds, modulo 2^32 */
	u32 load;		/* what it was last set to */
	u32 match;
	bool masked;
	bool due;
};

static u32 pl031_now(const struct pl031 *c)
{
	return (u32)time(NULL) + c->offset;
}

static void pl031_update(struct pl031 *c)
{
	irq_set(c->irq, c->due && !c->masked);
}

/* The clock is 32 bits wide: the alarm is at most that far in the future. */
static void pl031_set_alarm(struct pl031 *c)
{
	u32 seconds = c->match - pl031_now(c);

	ev_timer_set(&c->vm->loop, &c->alarm, seconds ? seconds * 1000ULL : 1);
}

static void pl031_alarm(struct ev_timer *timer)
{
	struct pl031 *c = container_of(timer, struct pl031, alarm);

	pthread_mutex_lock(&c->lock);
	c->due = true;
	pl031_update(c);
	pthread_mutex_unlock(&c->lock);
}

static u32 pl031_read_reg(const struct pl031 *c, u64 off)
{
	static const u8 id[] = { 0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

	switch (off) {
	case REG_DR:
		return pl031_now(c);
	case REG_MR:
		return c->match;
	case REG_LR:
		return c->load;
	case REG_CR:
		return 1;		/* it cannot be switched off */
	case REG_IMSC:
		return !c->masked;
	case REG_RIS:
		return c->due;
	case REG_MIS:
		return c->due && !c->masked;
	default:
		return off >= REG_ID ? id[(off - REG_ID) / 4] : 0;
	}
}

static void pl031_write_reg(struct pl031 *c, u64 off, u32 val)
{
	switch (off) {
	case REG_MR:
		c->match = val;
		pl031_set_alarm(c);
		break;
	case REG_LR:
		c->load = val;
		c->offset = val - (u32)time(NULL);
		pl031_set_alarm(c);
		break;
	case REG_IMSC:
		c->masked = !(val & 1);
		break;
	case REG_ICR:
		if (val & 1)
			c->due = false;
		break;
	default:
		break;
	}
}

static u64 pl031_read(void *priv, u64 off, unsigned int size)
{
	struct pl031 *c = priv;
	u32 val;

	if (off % 4)
		return 0;
	pthread_mutex_lock(&c->lock);
	val = pl031_read_reg(c, off);
	pthread_mutex_unlock(&c->lock);
	return val;
}

static void pl031_write(void *priv, u64 off, u64 val, unsigned int size)
{
	struct pl031 *c = priv;

	if (off % 4)
		return;
	pthread_mutex_lock(&c->lock);
	pl031_write_reg(c, off, val);
	pl031_update(c);
	pthread_mutex_unlock(&c->lock);
}

static const struct region_ops pl031_region_ops = {
	.read = pl031_read,
	.write = pl031_write,
	.sizes = 1 | 2 | 4,
};

/* What a battery keeps is kept: the time that was set. */
static void pl031_reset(struct device *dev)
{
	struct pl031 *c = container_of(dev, struct pl031, dev);

	pthread_mutex_lock(&c->lock);
	ev_timer_set(&c->vm->loop, &c->alarm, 0);
	c->load = 0;
	c->match = 0;
	c->masked = true;
	c->due = false;
	pl031_update(c);
	pthread_mutex_unlock(&c->lock);
}

static int pl031_realize(struct device *dev, struct vm *vm)
{
	struct pl031 *c = container_of(dev, struct pl031, dev);
	int ret;

	c->vm = vm;
	c->irq = irq_get(&vm->irqchip, c->at.gsi, IRQ_LEVEL);
	if (!c->irq) {
		log_err("%s: interrupt %u is taken", dev->name, c->at.gsi);
		return -EBUSY;
	}
	/* Opened here, as vCPUs set it later: that is only one system call then. */
	c->alarm.fn = pl031_alarm;
	ret = ev_timer_set(&vm->loop, &c->alarm, 1000);
	if (ret) {
		log_err("%s: no timer: %s", dev->name, strerror(-ret));
		return ret;
	}
	pl031_reset(dev);
	c->region.name = dev->name;
	return bus_map(&vm->mmio, &c->region, c->at.base, PL031_LEN, &pl031_region_ops, c);
}

static void pl031_destroy(struct device *dev)
{
	struct pl031 *c = container_of(dev, struct pl031, dev);

	if (c->vm)
		bus_unmap(&c->vm->mmio, &c->region);
	ev_timer_destroy(&c->alarm);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static void pl031_fdt(const struct device *dev, struct fdt_builder *b)
{
	static const char *const compatible[] = { "arm,pl031", "arm,primecell", NULL };
	const struct pl031 *c = container_of(dev, struct pl031, dev);

	fdt_begin(b, "rtc@%llx", (unsigned long long)c->at.base);
	fdt_strs(b, "compatible", compatible);
	fdt_reg(b, c->at.base, PL031_LEN);
	fdt_interrupt(b, c->at.gsi, IRQ_LEVEL);
	fdt_u32(b, "clocks", c->clock);
	fdt_str(b, "clock-names", "apb_pclk");
	fdt_end(b);
}

static const struct device_ops pl031_device_ops = {
	.realize = pl031_realize,
	.reset = pl031_reset,
	.destroy = pl031_destroy,
	.fdt = FDT_OP(pl031_fdt),
};

struct device *pl031_create(struct hw_mmio at, u32 clock)
{
	struct pl031 *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->dev.name = "rtc";
	c->dev.ops = &pl031_device_ops;
	c->at = at;
	c->clock = clock;
	pthread_mutex_init(&c->lock, NULL);
	return &c->dev;
}
