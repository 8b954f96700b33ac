// SPDX-License-Identifier: GPL-2.0
/*
 * A PL011 UART of revision r1p5 (ARM DDI 0183). Output leaves at once, so the
 * transmitter is always empty. Input waits in a queue behind the 32-byte FIFO, and
 * fills it again as soon as the guest has emptied it. While the guest has both receive
 * interrupts masked, or RTS low, nothing is put into the FIFO: that is how Linux holds
 * back a paste that is faster than its reader, and its driver throws away what it finds
 * in the FIFO when it starts. A break, and the key after it, go past all of that: magic
 * SysRq is for a guest that does not listen.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <vmtool/aml.h>
#include <vmtool/fdt.h>
#include <vmtool/hw.h>
#include <vmtool/log.h>
#include <vmtool/vm.h>

#define PL011_LEN	0x1000
#define PL011_FIFO	32
#define PL011_QUEUE	(256 * 1024)	/* a paste that would hide Ctrl-a x otherwise */

#define REG_DR		0x000
#define REG_RSR		0x004
#define REG_FR		PL011_FLAGS
#define REG_ILPR	0x020
#define REG_IBRD	0x024
#define REG_FBRD	0x028
#define REG_LCR_H	0x02c
#define REG_CR		0x030
#define REG_IFLS	0x034
#define REG_IMSC	0x038
#define REG_RIS		0x03c
#define REG_MIS		0x040
#define REG_ICR		0x044
#define REG_DMACR	0x048
#define REG_ID		0xfe0

#define DR_BREAK	BIT(10)
#define DR_OVERRUN	BIT(11)
#define RSR_BREAK	BIT(2)
#define RSR_OVERRUN	BIT(3)

#define FR_CTS		BIT(0)
#define FR_DSR		BIT(1)
#define FR_DCD		BIT(2)
#define FR_RXFE		BIT(4)
#define FR_RXFF		BIT(6)
#define FR_TXFE		BIT(7)

#define LCR_H_FEN	BIT(4)

#define CR_LOOPBACK	BIT(7)
#define CR_RTS		BIT(11)
#define CR_AT_RESET	0x300		/* both directions enabled, the UART is not */

#define INT_RX		BIT(4)
#define INT_TX		BIT(5)
#define INT_TIMEOUT	BIT(6)
#define INT_BREAK	BIT(9)
#define INT_OVERRUN	BIT(10)
#define INT_ALL		0x7ff

#define IFLS_AT_RESET	0x12		/* half full, half empty */

struct pl011 {
	struct device dev;
	struct region region;
	struct vm *vm;
	struct irq_line *irq;
	struct hw_mmio at;
	u32 clock;
	pthread_mutex_t lock;
	pthread_mutex_t tx_lock;	/* keeps output in order, taken alone */

	u32 rsr, ilpr, ibrd, fbrd, lcr_h, cr, ifls, imsc, ris, dmacr;
	u16 fifo[PL011_FIFO];
	unsigned int fifo_len;
	bool knows_rts;		/* the guest has raised it once */
	bool after_break;	/* the next character may not be held back */

	u8 queue[PL011_QUEUE];
	unsigned int head, tail;
};

static unsigned int pl011_depth(const struct pl011 *u)
{
	return u->lcr_h & LCR_H_FEN ? PL011_FIFO : 1;
}

static bool pl011_may_receive(const struct pl011 *u)
{
	if (u->cr & CR_LOOPBACK)
		return false;
	/* Who takes it for an SBSA UART, which is a part of this one, knows no RTS. */
	return u->after_break ||
	       ((u->imsc & (INT_RX | INT_TIMEOUT)) && (!u->knows_rts || (u->cr & CR_RTS)));
}

/* Characters in the FIFO at which it tells of them without waiting for more. */
static unsigned int pl011_trigger(const struct pl011 *u)
{
	static const u8 eighths[] = { 1, 2, 4, 6, 7, 7, 7, 7 };

	return u->lcr_h & LCR_H_FEN ? PL011_FIFO / 8 * eighths[u->ifls >> 3 & 7] : 1;
}

static void pl011_received(struct pl011 *u)
{
	if (u->fifo_len >= pl011_trigger(u))
		u->ris |= INT_RX;
	/* What was below the trigger level has been waiting long enough. */
	u->ris |= INT_TIMEOUT;
}

static void pl011_receive(struct pl011 *u, u16 c)
{
	if (u->fifo_len == pl011_depth(u)) {
		/* It comes with the last character that did fit in. */
		u->fifo[u->fifo_len - 1] |= DR_OVERRUN;
		u->ris |= INT_OVERRUN;
		return;
	}
	u->fifo[u->fifo_len++] = c;
	if (c & DR_BREAK)
		u->ris |= INT_BREAK;
	pl011_received(u);
}

static void pl011_fill(struct pl011 *u)
{
	bool was_high = u->head - u->tail > PL011_QUEUE / 2;

	while (u->head != u->tail && u->fifo_len < pl011_depth(u) && pl011_may_receive(u)) {
		pl011_receive(u, u->queue[u->tail++ % PL011_QUEUE]);
		u->after_break = false;
	}
	/* The terminal may have stopped reading for want of room. */
	if (was_high && u->head - u->tail <= PL011_QUEUE / 2)
		ev_wake(&u->vm->loop);
}

static void pl011_update(struct pl011 *u)
{
	irq_set(u->irq, u->ris & u->imsc);
}

static u32 pl011_read_dr(struct pl011 *u)
{
	u16 c;

	if (!u->fifo_len)
		return 0;
	c = u->fifo[0];
	u->fifo_len--;
	memmove(u->fifo, u->fifo + 1, u->fifo_len * sizeof(u->fifo[0]));
	u->rsr = c >> 8;
	if (u->fifo_len < pl011_trigger(u))
		u->ris &= ~INT_RX;
	if (!u->fifo_len) {
		u->ris &= ~INT_TIMEOUT;
		pl011_fill(u);
	}
	return c;
}

static u32 pl011_flags(const struct pl011 *u)
{
	u32 fr = FR_TXFE | FR_CTS | FR_DSR | FR_DCD;

	if (!u->fifo_len)
		fr |= FR_RXFE;
	if (u->fifo_len == pl011_depth(u))
		fr |= FR_RXFF;
	return fr;
}

static u32 pl011_read_reg(struct pl011 *u, u64 off)
{
	/* PL011 r1p5, and that it is a PrimeCell. */
	static const u8 id[] = { 0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

	switch (off) {
	case REG_DR:
		return pl011_read_dr(u);
	case REG_RSR:
		return u->rsr;
	case REG_FR:
		return pl011_flags(u);
	case REG_ILPR:
		return u->ilpr;
	case REG_IBRD:
		return u->ibrd;
	case REG_FBRD:
		return u->fbrd;
	case REG_LCR_H:
		return u->lcr_h;
	case REG_CR:
		return u->cr;
	case REG_IFLS:
		return u->ifls;
	case REG_IMSC:
		return u->imsc;
	case REG_RIS:
		return u->ris;
	case REG_MIS:
		return u->ris & u->imsc;
	case REG_DMACR:
		return u->dmacr;
	default:
		return off >= REG_ID ? id[(off - REG_ID) / 4] : 0;
	}
}

static void pl011_write_dr(struct pl011 *u, u8 c)
{
	if (u->cr & CR_LOOPBACK)
		pl011_receive(u, c);
	u->ris |= INT_TX;
}

static void pl011_write_lcr_h(struct pl011 *u, u32 val)
{
	/* A FIFO that is switched on or off forgets what it has. */
	if ((val ^ u->lcr_h) & LCR_H_FEN) {
		u->fifo_len = 0;
		u->ris &= ~(INT_RX | INT_TIMEOUT);
	}
	u->lcr_h = val & 0xff;
}

static void pl011_write_reg(struct pl011 *u, u64 off, u32 val)
{
	switch (off) {
	case REG_DR:
		pl011_write_dr(u, val);
		break;
	case REG_RSR:
		u->rsr = 0;
		break;
	case REG_ILPR:
		u->ilpr = val & 0xff;
		break;
	case REG_IBRD:
		u->ibrd = val & 0xffff;
		break;
	case REG_FBRD:
		u->fbrd = val & 0x3f;
		break;
	case REG_LCR_H:
		pl011_write_lcr_h(u, val);
		break;
	case REG_CR:
		u->cr = val & 0xffff;
		u->knows_rts |= u->cr & CR_RTS;
		break;
	case REG_IFLS:
		u->ifls = val & 0x3f;
		break;
	case REG_IMSC:
		u->imsc = val & INT_ALL;
		break;
	case REG_ICR:
		u->ris &= ~val;
		break;
	case REG_DMACR:
		u->dmacr = val & 7;
		break;
	default:
		break;
	}
}

static u64 pl011_read(void *priv, u64 off, unsigned int size)
{
	struct pl011 *u = priv;
	u32 val;

	if (off % 4)
		return 0;
	pthread_mutex_lock(&u->lock);
	val = pl011_read_reg(u, off);
	pl011_update(u);
	pthread_mutex_unlock(&u->lock);
	return val;
}

static void pl011_write(void *priv, u64 off, u64 val, unsigned int size)
{
	struct pl011 *u = priv;
	u8 c = val;
	bool tx;

	if (off % 4)
		return;
	pthread_mutex_lock(&u->lock);
	tx = off == REG_DR && !(u->cr & CR_LOOPBACK);
	pl011_write_reg(u, off, val);
	pl011_fill(u);
	pl011_update(u);
	pthread_mutex_unlock(&u->lock);
	if (!tx)
		return;

	/* May wait for the reader of stdout, so input must not need this lock. */
	pthread_mutex_lock(&u->tx_lock);
	vm_console(u->vm, &c, 1);
	pthread_mutex_unlock(&u->tx_lock);
}

static const struct region_ops pl011_region_ops = {
	.read = pl011_read,
	.write = pl011_write,
	.sizes = 1 | 2 | 4,
};

static size_t pl011_room(void *priv)
{
	struct pl011 *u = priv;
	size_t room;

	pthread_mutex_lock(&u->lock);
	room = PL011_QUEUE - (u->head - u->tail);
	pthread_mutex_unlock(&u->lock);
	return room;
}

static void pl011_input(void *priv, const u8 *buf, size_t len)
{
	struct pl011 *u = priv;

	pthread_mutex_lock(&u->lock);
	while (len-- && u->head - u->tail < PL011_QUEUE)
		u->queue[u->head++ % PL011_QUEUE] = *buf++;
	pl011_fill(u);
	pl011_update(u);
	pthread_mutex_unlock(&u->lock);
}

static void pl011_break(void *priv)
{
	struct pl011 *u = priv;

	pthread_mutex_lock(&u->lock);
	if (!(u->cr & CR_LOOPBACK)) {
		/* What was typed and not read yet would come between it and its key. */
		u->tail = u->head;
		u->after_break = true;
		pl011_receive(u, DR_BREAK);
		pl011_update(u);
	}
	pthread_mutex_unlock(&u->lock);
}

static void pl011_quit(void *priv)
{
	struct pl011 *u = priv;

	runstate_request(&u->vm->run, RUN_BY_HOST_UI);
}

static void pl011_output_failed(void *priv, int err)
{
	struct pl011 *u = priv;

	vm_console_lost(u->vm, err);
}

static const struct term_ops pl011_term_ops = {
	.room = pl011_room,
	.input = pl011_input,
	.send_break = pl011_break,
	.quit = pl011_quit,
	.failed = pl011_output_failed,
};

static void pl011_reset(struct device *dev)
{
	struct pl011 *u = container_of(dev, struct pl011, dev);

	pthread_mutex_lock(&u->lock);
	u->rsr = 0;
	u->ilpr = 0;
	u->ibrd = 0;
	u->fbrd = 0;
	u->lcr_h = 0;
	u->cr = CR_AT_RESET;
	u->ifls = IFLS_AT_RESET;
	u->imsc = 0;
	u->ris = 0;
	u->dmacr = 0;
	u->fifo_len = 0;
	u->knows_rts = false;
	u->after_break = false;
	pl011_update(u);
	pthread_mutex_unlock(&u->lock);
}

static int pl011_realize(struct device *dev, struct vm *vm)
{
	struct pl011 *u = container_of(dev, struct pl011, dev);

	u->vm = vm;
	u->irq = irq_get(&vm->irqchip, u->at.gsi, IRQ_LEVEL);
	if (!u->irq) {
		log_err("%s: interrupt %u is taken", dev->name, u->at.gsi);
		return -EBUSY;
	}
	pl011_reset(dev);
	u->region.name = dev->name;
	if (!vm->virtio_console)
		term_connect(&vm->term, &pl011_term_ops, u);
	return bus_map(&vm->mmio, &u->region, u->at.base, PL011_LEN, &pl011_region_ops, u);
}

static void pl011_destroy(struct device *dev)
{
	struct pl011 *u = container_of(dev, struct pl011, dev);

	if (u->vm)
		bus_unmap(&u->vm->mmio, &u->region);
	pthread_mutex_destroy(&u->tx_lock);
	pthread_mutex_destroy(&u->lock);
	free(u);
}

/* The whole UART's name; Linux uses no more than an SBSA UART's registers all the same. */
static void pl011_acpi(const struct device *dev, struct aml *dsdt)
{
	const struct pl011 *u = container_of(dev, struct pl011, dev);

	aml_device(dsdt, "COM0");
	aml_name(dsdt, "_HID");
	aml_string(dsdt, "ARMH0011");
	aml_name(dsdt, "_UID");
	aml_int(dsdt, 0);
	aml_name(dsdt, "_CRS");
	aml_resources(dsdt);
	aml_memory32(dsdt, u->at.base, PL011_LEN);
	aml_interrupt(dsdt, u->at.gsi, AML_IRQ_LEVEL);
	aml_end(dsdt);
	aml_end(dsdt);
}

static void pl011_fdt(const struct device *dev, struct fdt_builder *b)
{
	static const char *const compatible[] = { "arm,pl011", "arm,primecell", NULL };
	static const char *const clocks[] = { "uartclk", "apb_pclk", NULL };
	const struct pl011 *u = container_of(dev, struct pl011, dev);
	const u32 clock[] = { u->clock, u->clock };

	fdt_begin(b, PL011_NODE, (unsigned long long)u->at.base);
	fdt_strs(b, "compatible", compatible);
	fdt_reg(b, u->at.base, PL011_LEN);
	fdt_interrupt(b, u->at.gsi, IRQ_LEVEL);
	fdt_cells(b, "clocks", clock, ARRAY_SIZE(clock));
	fdt_strs(b, "clock-names", clocks);
	fdt_end(b);
}

static const struct device_ops pl011_device_ops = {
	.realize = pl011_realize,
	.reset = pl011_reset,
	.destroy = pl011_destroy,
	.acpi = pl011_acpi,
	.fdt = FDT_OP(pl011_fdt),
};

struct device *pl011_create(struct hw_mmio at, u32 clock)
{
	struct pl011 *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->dev.name = "serial";
	u->dev.ops = &pl011_device_ops;
	u->at = at;
	u->clock = clock;
	pthread_mutex_init(&u->lock, NULL);
	pthread_mutex_init(&u->tx_lock, NULL);
	return &u->dev;
}
