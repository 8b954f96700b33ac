// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile guest and a hostile user at one UART. The input is a list of pairs: what
 * to do, and with which value. Whatever they do, registers hold what they can hold,
 * the interrupt line tells the truth, and what was typed arrives in its order.
 */
#include <stdlib.h>
#include <string.h>

#include <linux/serial_reg.h>
#include <vmtool/hw.h>

#include "fuzz.h"
#include "../unit/devices.h"

#define PORT	0x3f8
#define GSI	4
#define QUEUE	(256 * 1024)

/* What is done, behind the eight reads and the eight writes of a register. */
enum { READ = 0, WRITE = 8, TYPE = 16, BREAK, RESET, WIDE_READ, WIDE_WRITE, KINDS };

/**
 * struct model - what has to be true of the UART
 * @vm: its machine
 * @dev: the UART
 * @typed: next number that is typed, in seven bits; bit 7 tells it from what the
 *	guest sends itself in loopback
 * @expected: next number that is to be read
 * @fifo: the FIFO is on
 * @lost: some of what was typed and not read may have been dropped
 */
struct model {
	struct vm vm;
	struct device *dev;
	u8 typed;
	u8 expected;
	bool fifo;
	bool lost;
};

static size_t room(struct model *m)
{
	return m->vm.term.ops->room(m->vm.term.priv);
}

static void type(struct model *m, unsigned int n)
{
	u8 buf[64];
	unsigned int i;

	n = min_t(size_t, n % sizeof(buf), room(m));
	for (i = 0; i < n; i++)
		buf[i] = 0x80 | (m->typed++ & 0x7f);
	m->vm.term.ops->input(m->vm.term.priv, buf, n);
}

static void check_received(struct model *m, u8 c)
{
	if (!(c & 0x80))
		return;
	c &= 0x7f;
	CHECK(m->lost || c == (m->expected & 0x7f));
	m->expected = c + 1;
}

/* All is read: from here on everything is known again. */
static void all_read(struct model *m)
{
	CHECK(m->lost || (m->expected & 0x7f) == (m->typed & 0x7f));
	m->expected = m->typed;
	m->lost = false;
}

static u8 lsr(struct model *m)
{
	u8 val = port_in(&m->vm, PORT + UART_LSR);

	CHECK((val & (UART_LSR_THRE | UART_LSR_TEMT)) == (UART_LSR_THRE | UART_LSR_TEMT));
	CHECK(!(val & (UART_LSR_PE | UART_LSR_FE)));
	CHECK(!(val & UART_LSR_BI) || (val & UART_LSR_DR));
	return val;
}

static void read_register(struct model *m, unsigned int reg)
{
	bool level = m->vm.irqchip.lines[GSI].level;
	u8 mcr = port_in(&m->vm, PORT + UART_MCR);
	bool dlab = port_in(&m->vm, PORT + UART_LCR) & UART_LCR_DLAB, ready;
	u8 val;

	CHECK(mcr <= 0x1f);
	if (reg == UART_RX && !dlab) {
		ready = lsr(m) & UART_LSR_DR;
		val = port_in(&m->vm, PORT);
		CHECK(ready || !val);
		check_received(m, val);
		if (!(lsr(m) & UART_LSR_DR) && room(m) == QUEUE)
			all_read(m);
		return;
	}
	val = port_in(&m->vm, PORT + reg);
	if (reg == UART_IER)
		CHECK(dlab || val <= 0x0f);
	if (reg == UART_IIR) {
		CHECK(level == (!(val & UART_IIR_NO_INT) && (mcr & UART_MCR_OUT2)));
		CHECK(!(val & 0x30) && ((val & 0xc0) == 0xc0 || !(val & 0xc0)));
	}
	if (reg == UART_MSR && !(mcr & UART_MCR_LOOP))
		CHECK(val == (UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS));
}

static void write_register(struct model *m, unsigned int reg, u8 val)
{
	size_t before = m->vm.term.head - m->vm.term.tail;
	bool dlab = port_in(&m->vm, PORT + UART_LCR) & UART_LCR_DLAB;
	bool loop = port_in(&m->vm, PORT + UART_MCR) & UART_MCR_LOOP;

	/* In loopback what is sent can push out what is there. */
	if (reg == UART_TX && loop && !dlab) {
		val &= 0x7f;
		m->lost = true;
	}
	if (reg == UART_FCR) {
		bool on = val & UART_FCR_ENABLE_FIFO;

		m->lost |= on != m->fifo || (on && (val & UART_FCR_CLEAR_RCVR));
		m->fifo = on;
	}
	port_out(&m->vm, PORT + reg, val);
	CHECK(m->vm.term.head - m->vm.term.tail - before == (reg == UART_TX && !loop && !dlab));
	m->vm.term.tail = m->vm.term.head;
	m->vm.run.pending = 0;
}

static void wide(struct model *m, bool write, u8 val)
{
	unsigned int size = 1 + val % 8;
	u64 data = 0;

	if (size == 1)
		return;
	if (write)
		CHECK(!bus_write(&m->vm.pio, PORT + val / 8 % 8, &data, size));
	else
		CHECK(!bus_read(&m->vm.pio, PORT + val / 8 % 8, &data, size));
}

static void step(struct model *m, u8 what, u8 val)
{
	size_t left = room(m);

	what %= KINDS;
	if (what < WRITE)
		read_register(m, what);
	else if (what < TYPE)
		write_register(m, what - WRITE, val);
	else if (what == TYPE)
		type(m, val);
	else if (what == BREAK)
		m->vm.term.ops->send_break(m->vm.term.priv);
	else if (what == RESET)
		m->dev->ops->reset(m->dev);
	else
		wide(m, what == WIDE_WRITE, val);
	if (what == BREAK || what == RESET)
		m->lost = true;
	if (what == RESET)
		m->fifo = false;
	CHECK(room(m) <= QUEUE && (what == TYPE || room(m) >= left));
}

/* However the guest left it: once it listens, all that was typed comes. */
static void drain(struct model *m)
{
	u8 c;

	port_out(&m->vm, PORT + UART_LCR, 3);
	port_out(&m->vm, PORT + UART_MCR, UART_MCR_RTS);
	while (lsr(m) & UART_LSR_DR) {
		c = port_in(&m->vm, PORT);
		check_received(m, c);
	}
	CHECK(room(m) == QUEUE);
	all_read(m);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct model *m = calloc(1, sizeof(*m));
	size_t i;

	CHECK(m && !devices_init(&m->vm));
	m->dev = uart16550_create(PORT, GSI);
	CHECK(m->dev && !devices_add(&m->vm, m->dev));
	for (i = 0; i + 1 < size; i += 2)
		step(m, data[i], data[i + 1]);
	drain(m);
	devices_end(&m->vm);
	free(m);
	return 0;
}
