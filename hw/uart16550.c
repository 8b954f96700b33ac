// SPDX-License-Identifier: GPL-2.0
/*
 * A 16550A UART. Output leaves at once, so the transmitter is always empty.
 * Input waits in a queue behind the 16-byte FIFO; from there the FIFO is filled
 * again as soon as the guest has emptied it, without a detour over the event
 * loop. While the guest has RTS low, nothing is put into the FIFO: that is how
 * Linux holds back a paste that is faster than its reader. A break, and the key
 * after it, go past all of that: magic SysRq is for a guest that does not listen.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <linux/serial_reg.h>
#include <vmtool/aml.h>
#include <vmtool/hw.h>
#include <vmtool/log.h>
#include <vmtool/vm.h>

#define UART_FIFO	16
#define UART_QUEUE	(256 * 1024)	/* a paste that would hide Ctrl-a x otherwise */
#define UART_REGS	8
#define UART_BREAK	0x100	/* in the FIFO: this zero is a break */

#define UART_IIR_FIFO_ENABLED	0xc0	/* not in the headers of 6.1 */

struct uart {
	struct device dev;
	struct region region;
	struct vm *vm;
	struct irq_line *irq;
	u16 port;
	u32 gsi;
	pthread_mutex_t lock;
	pthread_mutex_t tx_lock;	/* keeps output in order, taken alone */

	u8 dll, dlm;
	u8 ier, fcr, lcr, mcr, scr;
	bool thr_empty_irq;	/* the transmitter became empty, not seen yet */
	bool overrun;
	u16 fifo[UART_FIFO];
	unsigned int fifo_len;
	bool after_break;	/* the next character may not be held back */

	u8 queue[UART_QUEUE];
	unsigned int head, tail;
};

static unsigned int uart_depth(const struct uart *u)
{
	return u->fcr & UART_FCR_ENABLE_FIFO ? UART_FIFO : 1;
}

/* With automatic flow control off, RTS alone says whether the guest listens. */
static bool uart_may_receive(const struct uart *u)
{
	return !(u->mcr & UART_MCR_LOOP) && ((u->mcr & UART_MCR_RTS) || u->after_break);
}

static void uart_fill(struct uart *u)
{
	bool was_high = u->head - u->tail > UART_QUEUE / 2;

	while (u->head != u->tail && u->fifo_len < uart_depth(u) && uart_may_receive(u)) {
		u->fifo[u->fifo_len++] = u->queue[u->tail++ % UART_QUEUE];
		u->after_break = false;
	}
	/* The terminal may have stopped reading for want of room. */
	if (was_high && u->head - u->tail <= UART_QUEUE / 2)
		ev_wake(&u->vm->loop);
}

/* Is a break what the guest reads next? Its error bits come with it. */
static bool uart_break_is_next(const struct uart *u)
{
	return u->fifo_len && (u->fifo[0] & UART_BREAK);
}

/* Input below the trigger level has been waiting long enough: a timeout. */
static u8 uart_receive_iir(const struct uart *u)
{
	static const u8 trigger[] = { 1, 4, 8, 14 };

	if (!(u->fcr & UART_FCR_ENABLE_FIFO) || u->fifo_len >= trigger[u->fcr >> 6])
		return UART_IIR_RDI;
	return UART_IIR_RX_TIMEOUT;
}

static u8 uart_iir(const struct uart *u)
{
	u8 fifo = u->fcr & UART_FCR_ENABLE_FIFO ? UART_IIR_FIFO_ENABLED : 0;

	if ((u->ier & UART_IER_RLSI) && (u->overrun || uart_break_is_next(u)))
		return fifo | UART_IIR_RLSI;
	if ((u->ier & UART_IER_RDI) && u->fifo_len)
		return fifo | uart_receive_iir(u);
	if ((u->ier & UART_IER_THRI) && u->thr_empty_irq)
		return fifo | UART_IIR_THRI;
	return fifo | UART_IIR_NO_INT;
}

static void uart_update(struct uart *u)
{
	bool wanted = !(uart_iir(u) & UART_IIR_NO_INT);

	/* OUT2 connects the interrupt to the bus on a PC. */
	irq_set(u->irq, wanted && (u->mcr & UART_MCR_OUT2));
}

static void uart_receive(struct uart *u, u16 c)
{
	if (u->fifo_len < uart_depth(u)) {
		u->fifo[u->fifo_len++] = c;
		return;
	}
	/* A full FIFO keeps what it has, the lone buffer takes what comes. */
	u->overrun = true;
	if (uart_depth(u) == 1)
		u->fifo[0] = c;
}

static u8 uart_read_rbr(struct uart *u)
{
	u8 c;

	if (!u->fifo_len)
		return 0;
	c = u->fifo[0];
	u->fifo_len--;
	memmove(u->fifo, u->fifo + 1, u->fifo_len * sizeof(u->fifo[0]));
	if (!u->fifo_len)
		uart_fill(u);
	return c;
}

static u8 uart_lsr(struct uart *u)
{
	u8 lsr = UART_LSR_THRE | UART_LSR_TEMT;
	unsigned int i;

	if (u->fifo_len)
		lsr |= UART_LSR_DR;
	if (u->overrun)
		lsr |= UART_LSR_OE;
	if (uart_break_is_next(u))
		lsr |= UART_LSR_BI;
	for (i = 0; i < u->fifo_len; i++)
		if ((u->fcr & UART_FCR_ENABLE_FIFO) && (u->fifo[i] & UART_BREAK))
			lsr |= UART_LSR_FIFOE;
	/* Reading clears the errors that were shown. */
	u->overrun = false;
	if (u->fifo_len)
		u->fifo[0] &= ~UART_BREAK;
	return lsr;
}

static u8 uart_msr(const struct uart *u)
{
	u8 msr = 0;

	if (!(u->mcr & UART_MCR_LOOP))
		return UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS;
	/* The modem outputs come back as inputs. */
	if (u->mcr & UART_MCR_RTS)
		msr |= UART_MSR_CTS;
	if (u->mcr & UART_MCR_DTR)
		msr |= UART_MSR_DSR;
	if (u->mcr & UART_MCR_OUT1)
		msr |= UART_MSR_RI;
	if (u->mcr & UART_MCR_OUT2)
		msr |= UART_MSR_DCD;
	return msr;
}

static u8 uart_read_iir(struct uart *u)
{
	u8 iir = uart_iir(u);

	if ((iir & UART_IIR_ID) == UART_IIR_THRI)
		u->thr_empty_irq = false;
	return iir;
}

static u8 uart_read_reg(struct uart *u, unsigned int reg)
{
	bool dlab = u->lcr & UART_LCR_DLAB;

	switch (reg) {
	case UART_RX:
		return dlab ? u->dll : uart_read_rbr(u);
	case UART_IER:
		return dlab ? u->dlm : u->ier;
	case UART_IIR:
		return uart_read_iir(u);
	case UART_LCR:
		return u->lcr;
	case UART_MCR:
		return u->mcr;
	case UART_LSR:
		return uart_lsr(u);
	case UART_MSR:
		return uart_msr(u);
	default:
		return u->scr;
	}
}

static void uart_write_thr(struct uart *u, u8 c)
{
	if (u->mcr & UART_MCR_LOOP)
		uart_receive(u, c);
	u->thr_empty_irq = true;
}

static bool uart_transmits(const struct uart *u, unsigned int reg)
{
	return reg == UART_TX && !(u->lcr & UART_LCR_DLAB) && !(u->mcr & UART_MCR_LOOP);
}

static void uart_write_ier(struct uart *u, u8 val)
{
	/* Switching the interrupt on tells of a transmitter that is empty. */
	if (~u->ier & val & UART_IER_THRI)
		u->thr_empty_irq = true;
	u->ier = val & 0x0f;
}

static void uart_write_fcr(struct uart *u, u8 val)
{
	/* The other bits count only together with this one. */
	if (!(val & UART_FCR_ENABLE_FIFO))
		val = 0;
	if ((val ^ u->fcr) & UART_FCR_ENABLE_FIFO || val & UART_FCR_CLEAR_RCVR)
		u->fifo_len = 0;
	u->fcr = val & ~(UART_FCR_CLEAR_RCVR | UART_FCR_CLEAR_XMIT);
}

static void uart_write_reg(struct uart *u, unsigned int reg, u8 val)
{
	bool dlab = u->lcr & UART_LCR_DLAB;

	switch (reg) {
	case UART_TX:
		if (dlab)
			u->dll = val;
		else
			uart_write_thr(u, val);
		break;
	case UART_IER:
		if (dlab)
			u->dlm = val;
		else
			uart_write_ier(u, val);
		break;
	case UART_FCR:
		uart_write_fcr(u, val);
		break;
	case UART_LCR:
		u->lcr = val;
		break;
	case UART_MCR:
		u->mcr = val & 0x1f;
		break;
	case UART_SCR:
		u->scr = val;
		break;
	default:
		break;		/* LSR and MSR are read-only */
	}
}

static u64 uart_read(void *priv, u64 off, unsigned int size)
{
	struct uart *u = priv;
	u8 val;

	pthread_mutex_lock(&u->lock);
	val = uart_read_reg(u, off);
	uart_update(u);
	pthread_mutex_unlock(&u->lock);
	return val;
}

static void uart_write(void *priv, u64 off, u64 val, unsigned int size)
{
	struct uart *u = priv;
	u8 c = val;
	bool tx;

	pthread_mutex_lock(&u->lock);
	tx = uart_transmits(u, off);
	uart_write_reg(u, off, val);
	uart_fill(u);
	uart_update(u);
	pthread_mutex_unlock(&u->lock);
	if (!tx)
		return;

	/* May wait for the reader of stdout, so input must not need this lock. */
	pthread_mutex_lock(&u->tx_lock);
	vm_console(u->vm, &c, 1);
	pthread_mutex_unlock(&u->tx_lock);
}

static const struct region_ops uart_region_ops = {
	.read = uart_read,
	.write = uart_write,
	.sizes = 1,
};

static size_t uart_room(void *priv)
{
	struct uart *u = priv;
	size_t room;

	pthread_mutex_lock(&u->lock);
	room = UART_QUEUE - (u->head - u->tail);
	pthread_mutex_unlock(&u->lock);
	return room;
}

static void uart_input(void *priv, const u8 *buf, size_t len)
{
	struct uart *u = priv;

	pthread_mutex_lock(&u->lock);
	while (len-- && u->head - u->tail < UART_QUEUE)
		u->queue[u->head++ % UART_QUEUE] = *buf++;
	uart_fill(u);
	uart_update(u);
	pthread_mutex_unlock(&u->lock);
}

static void uart_break(void *priv)
{
	struct uart *u = priv;

	pthread_mutex_lock(&u->lock);
	if (u->mcr & UART_MCR_LOOP) {
		pthread_mutex_unlock(&u->lock);
		return;		/* the line is not connected */
	}
	/* What was typed and not read yet would come between it and its key. */
	u->tail = u->head;
	u->after_break = true;
	uart_receive(u, UART_BREAK);
	uart_update(u);
	pthread_mutex_unlock(&u->lock);
}

static void uart_quit(void *priv)
{
	struct uart *u = priv;

	runstate_request(&u->vm->run, RUN_BY_HOST_UI);
}

static void uart_output_failed(void *priv, int err)
{
	struct uart *u = priv;

	vm_console_lost(u->vm, err);
}

static const struct term_ops uart_term_ops = {
	.room = uart_room,
	.input = uart_input,
	.send_break = uart_break,
	.quit = uart_quit,
	.failed = uart_output_failed,
};

static void uart_reset(struct device *dev)
{
	struct uart *u = container_of(dev, struct uart, dev);

	pthread_mutex_lock(&u->lock);
	u->dll = 0x0c;
	u->dlm = 0;
	u->ier = 0;
	u->fcr = 0;
	u->lcr = 0;
	u->mcr = 0;
	u->scr = 0;
	u->thr_empty_irq = false;
	u->overrun = false;
	u->after_break = false;
	u->fifo_len = 0;
	uart_update(u);
	pthread_mutex_unlock(&u->lock);
}

static int uart_realize(struct device *dev, struct vm *vm)
{
	struct uart *u = container_of(dev, struct uart, dev);

	u->vm = vm;
	u->irq = irq_get(&vm->irqchip, u->gsi, IRQ_EDGE);
	if (!u->irq) {
		log_err("%s: interrupt %u is taken", dev->name, u->gsi);
		return -EBUSY;
	}
	uart_reset(dev);
	u->region.name = dev->name;
	if (!vm->virtio_console)
		term_connect(&vm->term, &uart_term_ops, u);
	/* Who sends asks for the status after it, and that exits. */
	coalesce_add(&vm->coalesce, u->port + UART_TX, 1, true);
	return bus_map(&vm->pio, &u->region, u->port, UART_REGS, &uart_region_ops, u);
}

static void uart_destroy(struct device *dev)
{
	struct uart *u = container_of(dev, struct uart, dev);

	if (u->vm)
		bus_unmap(&u->vm->pio, &u->region);
	pthread_mutex_destroy(&u->tx_lock);
	pthread_mutex_destroy(&u->lock);
	free(u);
}

static void uart_acpi(const struct device *dev, struct aml *dsdt)
{
	const struct uart *u = container_of(dev, struct uart, dev);

	aml_device(dsdt, "COM1");
	aml_name(dsdt, "_HID");
	aml_eisaid(dsdt, "PNP0501");
	aml_name(dsdt, "_UID");
	aml_int(dsdt, 0);
	aml_name(dsdt, "_CRS");
	aml_resources(dsdt);
	aml_io(dsdt, u->port, UART_REGS);
	aml_interrupt(dsdt, u->gsi, AML_IRQ_EDGE);
	aml_end(dsdt);
	aml_end(dsdt);
}

static const struct device_ops uart_device_ops = {
	.realize = uart_realize,
	.reset = uart_reset,
	.destroy = uart_destroy,
	.acpi = uart_acpi,
};

struct device *uart16550_create(u16 port, u32 gsi)
{
	struct uart *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->dev.name = "serial";
	u->dev.ops = &uart_device_ops;
	u->port = port;
	u->gsi = gsi;
	pthread_mutex_init(&u->lock, NULL);
	pthread_mutex_init(&u->tx_lock, NULL);
	return &u->dev;
}
