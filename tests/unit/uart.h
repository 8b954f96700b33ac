/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_UNIT_UART_H
#define TESTS_UNIT_UART_H

#include <stdlib.h>

#include <linux/serial_reg.h>
#include <vmtool/hw.h>

#include "devices.h"

/*
 * The UART as a guest sees it, and the terminal behind it. To be included after
 * the harness.
 */

#define PORT	0x3f8
#define GSI	4
#define QUEUE	(256 * 1024)

#define FIFO_ON		UART_FCR_ENABLE_FIFO
#define LISTEN		(UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT2)

FIXTURE(uart) {
	struct vm *vm;
	struct device *dev;
};

FIXTURE_SETUP(uart)
{
	self->vm = malloc(sizeof(*self->vm));
	ASSERT_EQ(0, devices_init(self->vm));
	self->dev = uart16550_create(PORT, GSI);
	ASSERT_EQ(0, devices_add(self->vm, self->dev));
}

FIXTURE_TEARDOWN(uart)
{
	devices_end(self->vm);
	free(self->vm);
}

#define in(reg)		port_in(self->vm, PORT + (reg))
#define out(reg, val)	port_out(self->vm, PORT + (reg), val)
#define irq()		(self->vm->irqchip.lines[GSI].level)
#define iir()		(in(UART_IIR) & 0x3f)
#define free_room()		(self->vm->term.ops->room(self->vm->term.priv))
#define type(text, len)	(self->vm->term.ops->input(self->vm->term.priv, (const u8 *)(text), len))
#define send_break()	(self->vm->term.ops->send_break(self->vm->term.priv))

/* What was printed since the last look. */
static inline size_t printed(struct vm *vm, char *buf)
{
	size_t n = 0;

	while (vm->term.tail != vm->term.head)
		buf[n++] = vm->term.buf[vm->term.tail++ % TERM_OUT_SIZE];
	buf[n] = '\0';
	return n;
}

#endif /* TESTS_UNIT_UART_H */
