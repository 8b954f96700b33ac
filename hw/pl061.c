// SPDX-License-Identifier: GPL-2.0
/*
 * A PL061 GPIO controller (ARM DDI 0190), whose line 0 is the power button. The other
 * lines lead nowhere: as inputs they are low.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <linux/input-event-codes.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <vmtool/fdt.h>
#include <vmtool/hw.h>
#include <vmtool/log.h>
#include <vmtool/vm.h>

#define PL061_LEN	0x1000

#define REG_DATA_END	0x400		/* below: the data, masked by the address */
#define REG_DIR		0x400
#define REG_IS		0x404
#define REG_IBE		0x408
#define REG_IEV		0x40c
#define REG_IE		0x410
#define REG_RIS		0x414
#define REG_MIS		0x418
#define REG_IC		0x41c
#define REG_AFSEL	0x420
#define REG_ID		0xfe0

#define POWER_BUTTON	BIT(0)

/* Longer than any debouncing, also by a guest that is slow to look at it. */
#define PRESS_MS	200

struct pl061 {
	struct device dev;
	struct region region;
	struct vm *vm;
	struct irq_line *irq;
	struct hw_mmio at;
	u32 clock;
	u32 phandle;
	pthread_mutex_t lock;
	struct ev_timer release;
	u8 input, output, dir;
	u8 level, both, rising;		/* GPIOIS, GPIOIBE, GPIOIEV */
	u8 enabled, edges, afsel;	/* @edges: those seen and not cleared */
};

static u8 pl061_data(const struct pl061 *g)
{
	return (g->output & g->dir) | (g->input & ~g->dir);
}

static u8 pl061_ris(const struct pl061 *g)
{
	u8 active = ~(pl061_data(g) ^ g->rising);

	return (g->edges & ~g->level) | (active & g->level);
}

static void pl061_update(struct pl061 *g)
{
	irq_set(g->irq, pl061_ris(g) & g->enabled);
}

static void pl061_set_input(struct pl061 *g, u8 input)
{
	u8 changed = (input ^ g->input) & ~g->dir;

	g->input = input;
	g->edges |= changed & ~g->level & (g->both | ~(input ^ g->rising));
	pl061_update(g);
}

static u32 pl061_read_reg(const struct pl061 *g, u64 off)
{
	static const u8 id[] = { 0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

	if (off < REG_DATA_END)
		return pl061_data(g) & (off >> 2);
	switch (off) {
	case REG_DIR:
		return g->dir;
	case REG_IS:
		return g->level;
	case REG_IBE:
		return g->both;
	case REG_IEV:
		return g->rising;
	case REG_IE:
		return g->enabled;
	case REG_RIS:
		return pl061_ris(g);
	case REG_MIS:
		return pl061_ris(g) & g->enabled;
	case REG_AFSEL:
		return g->afsel;
	default:
		return off >= REG_ID ? id[(off - REG_ID) / 4] : 0;
	}
}

static void pl061_write_reg(struct pl061 *g, u64 off, u8 val)
{
	if (off < REG_DATA_END) {
		u8 mask = (off >> 2) & g->dir;

		g->output = (g->output & ~mask) | (val & mask);
		return;
	}
	switch (off) {
	case REG_DIR:
		g->dir = val;
		break;
	case REG_IS:
		g->level = val;
		break;
	case REG_IBE:
		g->both = val;
		break;
	case REG_IEV:
		g->rising = val;
		break;
	case REG_IE:
		g->enabled = val;
		break;
	case REG_IC:
		g->edges &= ~val;
		break;
	case REG_AFSEL:
		g->afsel = val;
		break;
	default:
		break;
	}
}

static u64 pl061_read(void *priv, u64 off, unsigned int size)
{
	struct pl061 *g = priv;
	u32 val;

	if (off % 4)
		return 0;
	pthread_mutex_lock(&g->lock);
	val = pl061_read_reg(g, off);
	pthread_mutex_unlock(&g->lock);
	return val;
}

static void pl061_write(void *priv, u64 off, u64 val, unsigned int size)
{
	struct pl061 *g = priv;

	if (off % 4)
		return;
	pthread_mutex_lock(&g->lock);
	pl061_write_reg(g, off, val);
	pl061_update(g);
	pthread_mutex_unlock(&g->lock);
}

static const struct region_ops pl061_region_ops = {
	.read = pl061_read,
	.write = pl061_write,
	.sizes = 1 | 2 | 4,
};

static void pl061_released(struct ev_timer *timer)
{
	struct pl061 *g = container_of(timer, struct pl061, release);

	pthread_mutex_lock(&g->lock);
	pl061_set_input(g, g->input & ~POWER_BUTTON);
	pthread_mutex_unlock(&g->lock);
}

int pl061_press_power(struct device *dev)
{
	struct pl061 *g = container_of(dev, struct pl061, dev);
	int ret;

	pthread_mutex_lock(&g->lock);
	ret = g->enabled & POWER_BUTTON ? 0 : -ENOTSUP;
	if (!ret) {
		ret = ev_timer_set(&g->vm->loop, &g->release, PRESS_MS);
		pl061_set_input(g, g->input | POWER_BUTTON);
	}
	pthread_mutex_unlock(&g->lock);
	return ret;
}

static void pl061_reset(struct device *dev)
{
	struct pl061 *g = container_of(dev, struct pl061, dev);

	pthread_mutex_lock(&g->lock);
	ev_timer_set(&g->vm->loop, &g->release, 0);
	g->input = 0;
	g->output = 0;
	g->dir = 0;
	g->level = 0;
	g->both = 0;
	g->rising = 0;
	g->enabled = 0;
	g->edges = 0;
	g->afsel = 0;
	pl061_update(g);
	pthread_mutex_unlock(&g->lock);
}

static int pl061_realize(struct device *dev, struct vm *vm)
{
	struct pl061 *g = container_of(dev, struct pl061, dev);

	g->vm = vm;
	g->release.fn = pl061_released;
	g->irq = irq_get(&vm->irqchip, g->at.gsi, IRQ_LEVEL);
	if (!g->irq) {
		log_err("%s: interrupt %u is taken", dev->name, g->at.gsi);
		return -EBUSY;
	}
	g->region.name = dev->name;
	return bus_map(&vm->mmio, &g->region, g->at.base, PL061_LEN, &pl061_region_ops, g);
}

static void pl061_destroy(struct device *dev)
{
	struct pl061 *g = container_of(dev, struct pl061, dev);

	if (g->vm)
		bus_unmap(&g->vm->mmio, &g->region);
	ev_timer_destroy(&g->release);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

static void pl061_fdt(const struct device *dev, struct fdt_builder *b)
{
	static const char *const compatible[] = { "arm,pl061", "arm,primecell", NULL };
	const struct pl061 *g = container_of(dev, struct pl061, dev);
	const u32 line[] = { g->phandle, 0, 0 };

	fdt_begin(b, "gpio@%llx", (unsigned long long)g->at.base);
	fdt_strs(b, "compatible", compatible);
	fdt_reg(b, g->at.base, PL061_LEN);
	fdt_interrupt(b, g->at.gsi, IRQ_LEVEL);
	fdt_u32(b, "clocks", g->clock);
	fdt_str(b, "clock-names", "apb_pclk");
	fdt_flag(b, "gpio-controller");
	fdt_u32(b, "#gpio-cells", 2);
	fdt_flag(b, "interrupt-controller");
	fdt_u32(b, "#interrupt-cells", 2);
	fdt_u32(b, "#address-cells", 0);
	fdt_u32(b, "phandle", g->phandle);
	fdt_end(b);

	fdt_begin(b, "gpio-keys");
	fdt_str(b, "compatible", "gpio-keys");
	fdt_begin(b, "key-power");
	fdt_str(b, "label", "power button");
	fdt_u32(b, "linux,code", KEY_POWER);
	fdt_cells(b, "gpios", line, ARRAY_SIZE(line));
	fdt_flag(b, "wakeup-source");
	fdt_end(b);
	fdt_end(b);
}

static const struct device_ops pl061_device_ops = {
	.realize = pl061_realize,
	.reset = pl061_reset,
	.destroy = pl061_destroy,
	.fdt = FDT_OP(pl061_fdt),
};

struct device *pl061_create(struct hw_mmio at, u32 clock, u32 phandle)
{
	struct pl061 *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->dev.name = "gpio";
	g->dev.ops = &pl061_device_ops;
	g->at = at;
	g->clock = clock;
	g->phandle = phandle;
	pthread_mutex_init(&g->lock, NULL);
	return &g->dev;
}
