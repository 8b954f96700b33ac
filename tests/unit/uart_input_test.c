// SPDX-License-Identifier: GPL-2.0
/*
 * hw/uart16550.c: input, and how it deals with the terminal behind it.
 */
#include <errno.h>
#include <pthread.h>

#include <kselftest_harness.h>

#ifdef CONFIG_X86
#include "capture.h"
#include "uart.h"

TEST_F(uart, rts_holds_input_back)
{
	type("ab", 2);
	EXPECT_FALSE(in(UART_LSR) & UART_LSR_DR);
	EXPECT_EQ(QUEUE - 2, free_room());
	out(UART_MCR, UART_MCR_DTR | UART_MCR_OUT2);
	EXPECT_FALSE(in(UART_LSR) & UART_LSR_DR);
	out(UART_MCR, LISTEN);
	EXPECT_EQ('a', in(UART_RX));
	/* One was in the buffer already; no more come. */
	out(UART_MCR, 0);
	type("c", 1);
	EXPECT_EQ('b', in(UART_RX));
	EXPECT_FALSE(in(UART_LSR) & UART_LSR_DR);
	out(UART_MCR, LISTEN);
	EXPECT_EQ('c', in(UART_RX));
}

TEST_F(uart, rts_raises_the_interrupt)
{
	out(UART_MCR, UART_MCR_OUT2);
	out(UART_IER, UART_IER_RDI);
	type("a", 1);
	EXPECT_FALSE(irq());
	out(UART_MCR, LISTEN);
	EXPECT_TRUE(irq());
}

TEST_F(uart, loopback_of_the_modem_lines)
{
	static const u8 pairs[][2] = {
		{ UART_MCR_DTR, UART_MSR_DSR }, { UART_MCR_RTS, UART_MSR_CTS },
		{ UART_MCR_OUT1, UART_MSR_RI }, { UART_MCR_OUT2, UART_MSR_DCD },
	};
	unsigned int i, k;

	for (i = 0; i < 16; i++) {
		u8 want = 0;

		out(UART_MCR, UART_MCR_LOOP | i);
		for (k = 0; k < 4; k++)
			want |= i & pairs[k][0] ? pairs[k][1] : 0;
		EXPECT_EQ(want, in(UART_MSR) & 0xf0);
	}
	/* The test by which Linux recognises a UART. */
	out(UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_RTS);
	EXPECT_EQ(UART_MSR_DCD | UART_MSR_CTS, in(UART_MSR) & 0xf0);
	out(UART_MCR, 0);
	EXPECT_EQ(UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS, in(UART_MSR));
}

TEST_F(uart, loopback_of_data)
{
	char buf[16];
	int i;

	out(UART_FCR, FIFO_ON);
	out(UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2);
	out(UART_IER, UART_IER_RDI);
	for (i = 0; i < 5; i++)
		out(UART_TX, 'a' + i);
	EXPECT_EQ(0, printed(self->vm, buf));
	EXPECT_EQ(UART_IIR_RDI, iir());
	for (i = 0; i < 5; i++)
		EXPECT_EQ('a' + i, in(UART_RX));
	EXPECT_FALSE(in(UART_LSR) & UART_LSR_DR);
	/* The line is not connected: what is typed comes later. */
	out(UART_MCR, UART_MCR_LOOP | UART_MCR_RTS);
	type("z", 1);
	EXPECT_FALSE(in(UART_LSR) & UART_LSR_DR);
	send_break();
	EXPECT_EQ(UART_LSR_THRE | UART_LSR_TEMT, in(UART_LSR));
	out(UART_MCR, LISTEN);
	EXPECT_EQ('z', in(UART_RX));
	out(UART_TX, 'y');
	EXPECT_EQ(1, printed(self->vm, buf));
}

TEST_F(uart, overrun_of_the_fifo)
{
	int i;

	out(UART_FCR, FIFO_ON);
	out(UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2);
	out(UART_IER, UART_IER_RLSI);
	for (i = 0; i < 16; i++)
		out(UART_TX, i);
	EXPECT_EQ(UART_IIR_NO_INT, iir());
	EXPECT_FALSE(in(UART_LSR) & UART_LSR_OE);
	out(UART_TX, 99);
	EXPECT_EQ(UART_IIR_RLSI, iir());
	EXPECT_TRUE(irq());
	EXPECT_TRUE(in(UART_LSR) & UART_LSR_OE);
	/* Shown once; the FIFO is as it was. */
	EXPECT_FALSE(irq());
	EXPECT_FALSE(in(UART_LSR) & UART_LSR_OE);
	for (i = 0; i < 16; i++)
		EXPECT_EQ(i, in(UART_RX));
	EXPECT_FALSE(in(UART_LSR) & UART_LSR_DR);
}

TEST_F(uart, overrun_of_the_buffer)
{
	out(UART_MCR, UART_MCR_LOOP);
	out(UART_TX, 'a');
	out(UART_TX, 'b');
	/* The newer one has destroyed the older. */
	EXPECT_EQ(UART_LSR_DR | UART_LSR_OE, in(UART_LSR) & 0x1f);
	EXPECT_EQ('b', in(UART_RX));
	EXPECT_FALSE(in(UART_LSR) & UART_LSR_DR);
}

TEST_F(uart, the_fifo_is_cleared)
{
	out(UART_MCR, LISTEN);
	out(UART_IER, UART_IER_RDI);
	out(UART_FCR, FIFO_ON);
	type("0123456789abcdefgh", 18);
	/* On request ... */
	out(UART_FCR, FIFO_ON | UART_FCR_CLEAR_RCVR);
	EXPECT_EQ('g', in(UART_RX));
	EXPECT_EQ('h', in(UART_RX));
	EXPECT_FALSE(irq());
	/* ... and when it is switched on or off. */
	type("xy", 2);
	out(UART_FCR, 0);
	EXPECT_FALSE(in(UART_LSR) & UART_LSR_DR);
	type("z", 1);
	EXPECT_EQ('z', in(UART_RX));
	type("z", 1);
	out(UART_FCR, FIFO_ON);
	EXPECT_FALSE(in(UART_LSR) & UART_LSR_DR);
	/* The transmitter's is always empty. */
	type("q", 1);
	out(UART_FCR, FIFO_ON | UART_FCR_CLEAR_XMIT);
	EXPECT_EQ('q', in(UART_RX));
	/* Without bit 0 nothing is cleared where no FIFO is. */
	out(UART_FCR, 0);
	type("q", 1);
	out(UART_FCR, UART_FCR_CLEAR_RCVR);
	EXPECT_EQ('q', in(UART_RX));
}

TEST_F(uart, a_break)
{
	out(UART_MCR, LISTEN);
	out(UART_IER, UART_IER_RLSI);
	send_break();
	EXPECT_TRUE(irq());
	EXPECT_EQ(UART_LSR_BI | UART_LSR_DR | UART_LSR_THRE | UART_LSR_TEMT, in(UART_LSR));
	EXPECT_FALSE(irq());
	EXPECT_EQ(UART_LSR_DR | UART_LSR_THRE | UART_LSR_TEMT, in(UART_LSR));
	EXPECT_EQ(0, in(UART_RX));
	EXPECT_EQ(UART_LSR_THRE | UART_LSR_TEMT, in(UART_LSR));
}

/* Its error comes with its character, not with those before it. */
TEST_F(uart, a_break_behind_characters)
{
	out(UART_MCR, LISTEN);
	out(UART_FCR, FIFO_ON);
	out(UART_IER, UART_IER_RLSI | UART_IER_RDI);
	type("ab", 2);
	send_break();
	type("t", 1);
	EXPECT_EQ(UART_IIR_RDI, iir());
	EXPECT_EQ(UART_LSR_DR | UART_LSR_FIFOE, in(UART_LSR) & 0x9f);
	EXPECT_EQ('a', in(UART_RX));
	EXPECT_EQ(UART_LSR_DR | UART_LSR_FIFOE, in(UART_LSR) & 0x9f);
	EXPECT_EQ('b', in(UART_RX));
	EXPECT_EQ(UART_IIR_RLSI, iir());
	EXPECT_EQ(UART_LSR_DR | UART_LSR_BI | UART_LSR_FIFOE, in(UART_LSR) & 0x9f);
	EXPECT_EQ(UART_LSR_DR, in(UART_LSR) & 0x9f);
	EXPECT_EQ(0, in(UART_RX));
	EXPECT_EQ(UART_LSR_DR, in(UART_LSR) & 0x9f);
	EXPECT_EQ('t', in(UART_RX));
}

/* Magic SysRq is for a guest that does not listen. */
TEST_F(uart, a_break_and_its_key_are_not_held_back)
{
	out(UART_FCR, FIFO_ON);
	out(UART_MCR, UART_MCR_OUT2);
	type("typed before", 12);
	send_break();
	type("tu", 2);
	EXPECT_EQ(UART_LSR_DR | UART_LSR_BI | UART_LSR_FIFOE, in(UART_LSR) & 0x9f);
	EXPECT_EQ(0, in(UART_RX));
	EXPECT_EQ('t', in(UART_RX));
	EXPECT_FALSE(in(UART_LSR) & UART_LSR_DR);
	out(UART_MCR, LISTEN);
	EXPECT_EQ('u', in(UART_RX));
	EXPECT_FALSE(in(UART_LSR) & UART_LSR_DR);
}

TEST_F(uart, a_break_into_a_full_fifo)
{
	int i;

	out(UART_MCR, LISTEN);
	out(UART_FCR, FIFO_ON);
	type("0123456789abcdef", 16);
	send_break();
	EXPECT_EQ(UART_LSR_DR | UART_LSR_OE, in(UART_LSR) & 0x9f);
	for (i = 0; i < 16; i++)
		EXPECT_EQ("0123456789abcdef"[i], in(UART_RX));
	EXPECT_FALSE(in(UART_LSR) & UART_LSR_DR);
}

TEST_F(uart, room_for_input)
{
	u8 *text = malloc(QUEUE + 100);
	size_t i;

	for (i = 0; i < QUEUE + 100; i++)
		text[i] = i * 7 + i / 256;
	out(UART_FCR, FIFO_ON);
	EXPECT_EQ(QUEUE, free_room());
	type(text, QUEUE);
	EXPECT_EQ(0, free_room());
	/* More than there is room for is not taken, and does no harm. */
	type(text, 100);
	EXPECT_EQ(0, free_room());
	out(UART_MCR, LISTEN);
	EXPECT_EQ(16, free_room());
	for (i = 0; i < QUEUE; i++)
		ASSERT_EQ(text[i], in(UART_RX));
	EXPECT_FALSE(in(UART_LSR) & UART_LSR_DR);
	EXPECT_EQ(QUEUE, free_room());
	free(text);
}

static unsigned long wakes(struct vm *vm)
{
	u64 count = 0;

	return read(vm->loop.wake.fd, &count, sizeof(count)) < 0 ? 0 : count;
}

/* The terminal may have stopped reading: it is told once there is room again. */
TEST_F(uart, the_loop_is_woken_for_more)
{
	u8 *text = calloc(1, QUEUE);
	size_t i;

	out(UART_FCR, FIFO_ON);
	type(text, QUEUE);
	out(UART_MCR, LISTEN);
	EXPECT_EQ(0, wakes(self->vm));
	for (i = 0; i < QUEUE / 2 - 17; i++)
		in(UART_RX);
	EXPECT_EQ(0, wakes(self->vm));
	for (i = 0; i < 32; i++)
		in(UART_RX);
	EXPECT_EQ(1, wakes(self->vm));
	for (i = 0; i < QUEUE; i++)
		in(UART_RX);
	EXPECT_EQ(0, wakes(self->vm));
	free(text);
}

TEST_F(uart, reset)
{
	out(UART_LCR, UART_LCR_DLAB);
	out(UART_DLL, 1);
	out(UART_DLM, 1);
	out(UART_LCR, 3);
	out(UART_FCR, FIFO_ON);
	out(UART_MCR, LISTEN);
	out(UART_SCR, 0x55);
	out(UART_IER, 0x0f);
	type("0123456789abcdefXYZ", 19);
	send_break();
	EXPECT_TRUE(irq());

	self->dev->ops->reset(self->dev);
	EXPECT_FALSE(irq());
	EXPECT_EQ(0, in(UART_IER));
	EXPECT_EQ(UART_IIR_NO_INT, in(UART_IIR));
	EXPECT_EQ(0, in(UART_LCR));
	EXPECT_EQ(0, in(UART_MCR));
	EXPECT_EQ(UART_LSR_THRE | UART_LSR_TEMT, in(UART_LSR));
	EXPECT_EQ(0, in(UART_SCR));
	out(UART_LCR, UART_LCR_DLAB);
	EXPECT_EQ(0x0c, in(UART_DLL));
	EXPECT_EQ(0, in(UART_DLM));
}

TEST_F(uart, input_survives_a_reset)
{
	type("abc", 3);
	self->dev->ops->reset(self->dev);
	out(UART_MCR, LISTEN);
	EXPECT_EQ('a', in(UART_RX));
	EXPECT_EQ('b', in(UART_RX));
	EXPECT_EQ('c', in(UART_RX));
}

TEST_F(uart, the_end_from_the_terminal)
{
	struct capture said;

	self->vm->term.ops->quit(self->vm->term.priv);
	EXPECT_TRUE(requested(self->vm, RUN_BY_HOST_UI));
	capture_begin(&said);
	self->vm->term.ops->failed(self->vm->term.priv, EPIPE);
	capture_end(&said);
	EXPECT_TRUE(requested(self->vm, RUN_BY_HOST_ERROR));
	EXPECT_TRUE(capture_one_line(&said));
	EXPECT_NE(NULL, strstr(said.text, "Broken pipe"));
}

TEST_F(uart, what_it_prints_is_judged)
{
	static const char line[] = "Kernel panic - not syncing: x\n";
	const char *p;

	for (p = line; *p; p++)
		out(UART_TX, *p);
	EXPECT_TRUE(self->vm->verdict.panicked);
	EXPECT_EQ(1, wakes(self->vm) > 0);
}

TEST_F(uart, what_is_taken_is_refused)
{
	struct device *dev = uart16550_create(0x2f8, GSI);
	struct capture said;

	capture_begin(&said);
	EXPECT_EQ(-EBUSY, devices_add(self->vm, dev));
	capture_end(&said);
	EXPECT_TRUE(capture_one_line(&said));
	dev = uart16550_create(PORT + 4, 3);
	EXPECT_EQ(-EEXIST, devices_add(self->vm, dev));
	/* A device that was not realized is destroyed all the same. */
	dev = uart16550_create(0x2e8, 5);
	list_add_tail(&dev->node, &self->vm->devices);
}

#define TYPED	200000

static void *typist(void *arg)
{
	struct vm *vm = arg;
	unsigned int i, n;
	u8 buf[97];

	for (i = 0; i < TYPED; i += n) {
		size_t space = vm->term.ops->room(vm->term.priv);

		for (n = 0; n < sizeof(buf) && n < space && i + n < TYPED; n++)
			buf[n] = (i + n) * 3 + (i + n) / 256;
		vm->term.ops->input(vm->term.priv, buf, n);
	}
	return NULL;
}

/* A guest that reads while somebody types: nothing lost, nothing twice. */
TEST_F(uart, typing_and_reading_at_once)
{
	unsigned int i = 0, wrong = 0;
	pthread_t thread;

	out(UART_FCR, FIFO_ON);
	out(UART_MCR, LISTEN);
	ASSERT_EQ(0, pthread_create(&thread, NULL, typist, self->vm));
	while (i < TYPED) {
		if (!(in(UART_LSR) & UART_LSR_DR))
			continue;
		wrong += in(UART_RX) != (u8)(i * 3 + i / 256);
		i++;
		/* Now and then it does not listen. */
		if (i % 1000 == 0) {
			out(UART_MCR, UART_MCR_DTR);
			out(UART_MCR, LISTEN);
		}
	}
	pthread_join(thread, NULL);
	EXPECT_EQ(0, wrong);
	EXPECT_EQ(UART_LSR_THRE | UART_LSR_TEMT, in(UART_LSR));
}

TEST_HARNESS_MAIN
#else
int main(void)
{
	ksft_exit_skip("not built for x86\n");
}
#endif /* CONFIG_X86 */
