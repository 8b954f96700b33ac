// SPDX-License-Identifier: GPL-2.0
/*
 * hw/uart16550.c, register by register, as National Semiconductor's data sheet of
 * the PC16550D has them: registers, output, interrupts.
 */
#include <kselftest_harness.h>

#ifdef CONFIG_X86
#include "uart.h"

TEST_F(uart, after_reset)
{
	EXPECT_EQ(0, in(UART_IER));
	EXPECT_EQ(UART_IIR_NO_INT, in(UART_IIR));
	EXPECT_EQ(0, in(UART_LCR));
	EXPECT_EQ(0, in(UART_MCR));
	EXPECT_EQ(UART_LSR_THRE | UART_LSR_TEMT, in(UART_LSR));
	EXPECT_EQ(UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS, in(UART_MSR));
	EXPECT_EQ(0, in(UART_SCR));
	EXPECT_FALSE(irq());
}

TEST_F(uart, registers_that_hold)
{
	int val;

	for (val = 0; val < 256; val++) {
		out(UART_SCR, val);
		EXPECT_EQ(val, in(UART_SCR));
		out(UART_LCR, val);
		EXPECT_EQ(val, in(UART_LCR));
		out(UART_MCR, val);
		EXPECT_EQ(val & 0x1f, in(UART_MCR));
	}
	out(UART_LCR, 0);
	for (val = 0; val < 256; val++) {
		out(UART_IER, val);
		EXPECT_EQ(val & 0x0f, in(UART_IER));
	}
}

TEST_F(uart, registers_that_are_read_only)
{
	out(UART_LSR, 0xff);
	EXPECT_EQ(UART_LSR_THRE | UART_LSR_TEMT, in(UART_LSR));
	out(UART_MSR, 0xff);
	EXPECT_EQ(UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS, in(UART_MSR));
}

TEST_F(uart, the_divisor_is_behind_dlab)
{
	char buf[16];

	out(UART_IER, 5);
	out(UART_LCR, UART_LCR_DLAB | 3);
	out(UART_DLL, 0x12);
	out(UART_DLM, 0x34);
	EXPECT_EQ(0x12, in(UART_DLL));
	EXPECT_EQ(0x34, in(UART_DLM));
	EXPECT_EQ(0, printed(self->vm, buf));
	out(UART_LCR, 3);
	EXPECT_EQ(5, in(UART_IER));
	out(UART_TX, 'x');
	EXPECT_EQ(1, printed(self->vm, buf));
	out(UART_LCR, UART_LCR_DLAB);
	EXPECT_EQ(0x12, in(UART_DLL));
	/* All other registers are where they were. */
	out(UART_SCR, 0x77);
	out(UART_MCR, 3);
	EXPECT_EQ(0x77, in(UART_SCR));
	EXPECT_EQ(3, in(UART_MCR));
}

TEST_F(uart, the_receiver_is_behind_dlab)
{
	out(UART_MCR, LISTEN);
	type("a", 1);
	out(UART_LCR, UART_LCR_DLAB);
	EXPECT_EQ(0x0c, in(UART_DLL));		/* 9600, as firmware leaves it */
	EXPECT_TRUE(in(UART_LSR) & UART_LSR_DR);
	out(UART_LCR, 3);
	EXPECT_EQ('a', in(UART_RX));
}

TEST_F(uart, other_sizes_and_ports_reach_nothing)
{
	u32 val = 0;

	EXPECT_FALSE(bus_read(&self->vm->pio, PORT, &val, 2));
	EXPECT_EQ(0xffff, val);
	EXPECT_FALSE(bus_write(&self->vm->pio, PORT, &val, 4));
	EXPECT_FALSE(bus_read(&self->vm->pio, PORT - 1, &val, 1));
	EXPECT_FALSE(bus_read(&self->vm->pio, PORT + 8, &val, 1));
	EXPECT_EQ(self->vm->term.head, self->vm->term.tail);
}

TEST_F(uart, output_in_order)
{
	char want[257], buf[300];
	int i;

	for (i = 0; i < 256; i++) {
		out(UART_TX, i);
		want[i] = i;
		EXPECT_EQ(UART_LSR_THRE | UART_LSR_TEMT, in(UART_LSR));
	}
	EXPECT_EQ(256, printed(self->vm, buf));
	EXPECT_EQ(0, memcmp(want, buf, 256));
}

TEST_F(uart, fifos_show)
{
	EXPECT_EQ(0x01, in(UART_IIR));
	out(UART_FCR, FIFO_ON);
	EXPECT_EQ(0xc1, in(UART_IIR));
	out(UART_FCR, 0);
	EXPECT_EQ(0x01, in(UART_IIR));
	/* Without bit 0 the others are not programmed. */
	out(UART_FCR, 0xfe);
	EXPECT_EQ(0x01, in(UART_IIR));
}

TEST_F(uart, one_character_at_a_time)
{
	out(UART_MCR, LISTEN);
	type("abc", 3);
	EXPECT_TRUE(in(UART_LSR) & UART_LSR_DR);
	EXPECT_EQ('a', in(UART_RX));
	EXPECT_TRUE(in(UART_LSR) & UART_LSR_DR);
	EXPECT_EQ('b', in(UART_RX));
	EXPECT_EQ('c', in(UART_RX));
	EXPECT_FALSE(in(UART_LSR) & UART_LSR_DR);
	EXPECT_EQ(0, in(UART_RX));
	EXPECT_FALSE(in(UART_LSR) & UART_LSR_OE);
}

/* Table III: level reached, or below it a timeout, as it has waited long enough. */
TEST_F(uart, trigger_levels)
{
	static const unsigned int levels[] = { 1, 4, 8, 14 };
	unsigned int i, n;

	out(UART_MCR, LISTEN);
	out(UART_IER, UART_IER_RDI);
	for (i = 0; i < 4; i++) {
		out(UART_FCR, FIFO_ON | UART_FCR_CLEAR_RCVR | i << 6);
		EXPECT_EQ(UART_IIR_NO_INT, iir());
		for (n = 1; n <= 16; n++) {
			type("x", 1);
			EXPECT_EQ(n >= levels[i] ? UART_IIR_RDI : UART_IIR_RX_TIMEOUT, iir());
			EXPECT_TRUE(irq());
		}
		for (n = 16; n; n--) {
			EXPECT_EQ(n >= levels[i] ? UART_IIR_RDI : UART_IIR_RX_TIMEOUT, iir());
			EXPECT_TRUE(irq());
			EXPECT_EQ('x', in(UART_RX));
		}
		EXPECT_EQ(UART_IIR_NO_INT, iir());
		EXPECT_FALSE(irq());
	}
}

TEST_F(uart, the_fifo_is_filled_again)
{
	int i;

	out(UART_MCR, LISTEN);
	out(UART_FCR, FIFO_ON);
	for (i = 0; i < 100; i++)
		type(&(u8) { i }, 1);
	for (i = 0; i < 100; i++) {
		EXPECT_TRUE(in(UART_LSR) & UART_LSR_DR);
		EXPECT_EQ(i, in(UART_RX));
	}
	EXPECT_EQ(UART_LSR_THRE | UART_LSR_TEMT, in(UART_LSR));
}

TEST_F(uart, interrupts_that_are_enabled)
{
	out(UART_MCR, LISTEN);
	type("a", 1);
	EXPECT_EQ(UART_IIR_NO_INT, iir());
	EXPECT_FALSE(irq());
	out(UART_IER, UART_IER_RDI);
	EXPECT_EQ(UART_IIR_RDI, iir());
	EXPECT_TRUE(irq());
	out(UART_IER, 0);
	EXPECT_FALSE(irq());
	out(UART_IER, UART_IER_RDI);
	in(UART_RX);
	EXPECT_FALSE(irq());
	EXPECT_EQ(UART_IIR_NO_INT, iir());
}

TEST_F(uart, interrupts_that_are_connected)
{
	out(UART_MCR, UART_MCR_RTS);
	out(UART_IER, UART_IER_RDI);
	type("a", 1);
	/* Pending, but OUT2 does not let it onto the bus. */
	EXPECT_EQ(UART_IIR_RDI, iir());
	EXPECT_FALSE(irq());
	out(UART_MCR, LISTEN);
	EXPECT_TRUE(irq());
	out(UART_MCR, UART_MCR_RTS);
	EXPECT_FALSE(irq());
}

TEST_F(uart, transmitter_interrupts)
{
	out(UART_MCR, LISTEN);
	/* Switching it on tells of an empty transmitter; reading IIR answers that. */
	out(UART_IER, UART_IER_THRI);
	EXPECT_TRUE(irq());
	EXPECT_EQ(UART_IIR_THRI, iir());
	EXPECT_FALSE(irq());
	EXPECT_EQ(UART_IIR_NO_INT, iir());
	/* So does what was written. */
	out(UART_TX, 'x');
	EXPECT_TRUE(irq());
	EXPECT_EQ(UART_IIR_THRI, iir());
	EXPECT_EQ(UART_IIR_NO_INT, iir());
	/* Switching on what is on does not. */
	out(UART_IER, UART_IER_THRI | UART_IER_RDI);
	EXPECT_EQ(UART_IIR_NO_INT, iir());
	out(UART_IER, 0);
	out(UART_IER, UART_IER_THRI);
	EXPECT_EQ(UART_IIR_THRI, iir());
}

/* Table II: line status, then data, then transmitter. */
TEST_F(uart, priorities)
{
	out(UART_MCR, LISTEN);
	out(UART_FCR, FIFO_ON);
	out(UART_IER, UART_IER_RDI | UART_IER_THRI | UART_IER_RLSI);
	send_break();
	EXPECT_EQ(UART_IIR_RLSI, iir());
	EXPECT_EQ(UART_IIR_RLSI, iir());
	in(UART_LSR);
	EXPECT_EQ(UART_IIR_RDI, iir());
	EXPECT_EQ(UART_IIR_RDI, iir());
	EXPECT_TRUE(irq());
	in(UART_RX);
	EXPECT_EQ(UART_IIR_THRI, iir());
	EXPECT_EQ(UART_IIR_NO_INT, iir());
	EXPECT_FALSE(irq());
}

/* IIR answers the transmitter's interrupt only when it is the one shown. */
TEST_F(uart, a_hidden_interrupt_is_not_lost)
{
	out(UART_MCR, LISTEN);
	out(UART_IER, UART_IER_RDI | UART_IER_THRI);
	type("a", 1);
	EXPECT_EQ(UART_IIR_RDI, iir());
	EXPECT_EQ(UART_IIR_RDI, iir());
	in(UART_RX);
	EXPECT_TRUE(irq());
	EXPECT_EQ(UART_IIR_THRI, iir());
}

TEST_HARNESS_MAIN
#else
int main(void)
{
	ksft_exit_skip("not built for x86\n");
}
#endif /* CONFIG_X86 */
