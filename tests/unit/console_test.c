// SPDX-License-Identifier: GPL-2.0
/*
 * virtio/console.c, console-term.c: port 0 and the user's terminal, without further
 * ports.
 */
#include <kselftest_harness.h>

#include "capture.h"

#ifdef CONFIG_VIRTIO_CONSOLE
#include "virtio_console.h"

#define SYSRQ	"\x0f"

FIXTURE(console) {
	struct con *c;
	struct drv *d;
	struct term *t;
};

FIXTURE_VARIANT(console) { DRV_VARIANT; };
#define DRV_FIXTURE console
#include "virtio_variants.h"

FIXTURE_SETUP(console)
{
	self->c = malloc(sizeof(*self->c));
	ASSERT_NE(NULL, self->c);
	self->d = &self->c->d;
	self->t = &self->d->vm.term;
	ASSERT_EQ(0, con_machine(self->c, true));
}

FIXTURE_TEARDOWN(console)
{
	con_end(self->c);
	free(self->c);
}

#define begin()								\
	do {								\
		ASSERT_EQ(0, con_attach(self->c, variant->transport));	\
		ASSERT_EQ(0, drv_setup(self->d, variant->features));	\
	} while (0)

TEST_F(console, as_simple_as_can_be)
{
	begin();
	EXPECT_EQ(64, drv_queue_max(self->d, 0));
	EXPECT_EQ(64, drv_queue_max(self->d, 1));
	EXPECT_EQ(0, drv_queue_max(self->d, 2));
	EXPECT_FALSE(drv_features(self->d) & BIT_ULL(VIRTIO_CONSOLE_F_MULTIPORT));
	EXPECT_TRUE(drv_features(self->d) & BIT_ULL(VIRTIO_CONSOLE_F_EMERG_WRITE));
	/* Neither stdin nor stdout is a terminal. */
	EXPECT_FALSE(drv_features(self->d) & BIT_ULL(VIRTIO_CONSOLE_F_SIZE));
	EXPECT_EQ(1, drv_config_read32(self->d, 4));
}

TEST_F(console, prints)
{
	struct drv_seg segs[3];
	u32 len = 7;

	begin();
	EXPECT_TRUE(con_write(self->c, 0, "hello\n"));
	EXPECT_TRUE(con_said(self->c, "hello\n"));
	segs[0] = DRV_OUT(drv_alloc_with(self->d, "ab", 2), 2);
	segs[1] = DRV_OUT(drv_alloc_with(self->d, "cde", 3), 3);
	segs[2] = DRV_OUT(drv_alloc_with(self->d, "f", 1), 1);
	ASSERT_TRUE(drv_request(self->d, 1, segs, 3, &len));
	EXPECT_EQ(0, len);
	EXPECT_TRUE(con_said(self->c, "abcdef"));
}

TEST_F(console, prints_nothing_of_a_buffer_to_write_to)
{
	u32 len = 7;

	begin();
	ASSERT_TRUE(drv_request(self->d, 1, &DRV_IN(drv_alloc(self->d, 16), 16), 1, &len));
	EXPECT_EQ(0, len);
	EXPECT_TRUE(con_said(self->c, ""));
}

/* As much as nobody could print without waiting. */
#define FLOOD	(5 * 65536)

static u64 flood(struct con *c)
{
	u64 a = drv_alloc(&c->d, FLOOD);
	u8 *p = drv_ptr(&c->d, a, FLOOD);
	unsigned int i;

	for (i = 0; i < FLOOD; i++)
		p[i] = i % 251;
	if (drv_add(&c->d, 1, &DRV_OUT(a, FLOOD), 1, c))
		drv_die("full");
	drv_kick(&c->d, 1);
	drv_run(&c->d);
	return a;
}

TEST_F(console, waits_for_a_slow_reader)
{
	unsigned int i;
	u8 *all;
	u32 len;

	begin();
	flood(self->c);
	EXPECT_FALSE(drv_used(self->d, 1));
	EXPECT_EQ(TERM_OUT_FULL, self->t->head - self->t->tail);
	/* What comes later waits behind it. */
	EXPECT_FALSE(con_write(self->c, 0, "last"));
	con_print(self->c);
	EXPECT_NE(NULL, drv_get(self->d, 1, &len));
	EXPECT_NE(NULL, drv_get(self->d, 1, &len));
	ASSERT_EQ(FLOOD + 4, con_printed(self->c));
	all = mmap(NULL, FLOOD + 4, PROT_READ, MAP_SHARED, self->c->out, 0);
	ASSERT_NE(MAP_FAILED, all);
	for (i = 0; i < FLOOD && all[i] == i % 251; i++)
		;
	EXPECT_EQ(FLOOD, i);
	EXPECT_EQ(0, memcmp(all + FLOOD, "last", 4));
	munmap(all, FLOOD + 4);
}

TEST_F(console, reset_while_the_reader_is_slow)
{
	begin();
	flood(self->c);
	ASSERT_FALSE(drv_used(self->d, 1));
	ASSERT_EQ(0, drv_setup(self->d, variant->features));
	con_print(self->c);
	/* The rest of it is gone with the ring. */
	EXPECT_EQ(TERM_OUT_FULL, con_printed(self->c));
	EXPECT_TRUE(con_write(self->c, 0, "again"));
	con_print(self->c);
	EXPECT_EQ(TERM_OUT_FULL + 5, con_printed(self->c));
}

TEST_F(console, queue_reset_while_the_reader_is_slow)
{
	begin();
	flood(self->c);
	if (!(self->d->features & BIT_ULL(VIRTIO_F_RING_RESET)))
		return;
	self->d->ops->queue_reset(self->d, 1);
	ASSERT_EQ(0, drv_queue_setup(self->d, 1, 0));
	con_print(self->c);
	EXPECT_EQ(TERM_OUT_FULL, con_printed(self->c));
	EXPECT_TRUE(con_write(self->c, 0, "again"));
}

TEST_F(console, output_that_nobody_takes_does_not_stop_the_guest)
{
	struct capture said;
	int fds[2];

	begin();
	ASSERT_EQ(0, pipe(fds));
	close(fds[0]);
	signal(SIGPIPE, SIG_IGN);
	close(self->t->out.fd);
	self->t->out.fd = fds[1];
	flood(self->c);
	ASSERT_FALSE(drv_used(self->d, 1));
	capture_begin(&said);
	term_service(self->t);
	capture_end(&said);
	EXPECT_TRUE(capture_one_line(&said));
	EXPECT_TRUE(requested(&self->d->vm, RUN_BY_HOST_ERROR));
	drv_run(self->d);
	EXPECT_TRUE(drv_used(self->d, 1));
}

TEST_F(console, panic_is_noticed)
{
	struct vm *vm = &self->d->vm;

	begin();
	EXPECT_TRUE(con_write(self->c, 0, "[    1.0] Kernel panic - not"));
	EXPECT_FALSE(vm->verdict.panicked);
	EXPECT_TRUE(con_write(self->c, 0, " syncing: test\r\n"));
	EXPECT_TRUE(vm->verdict.panicked);
	EXPECT_EQ(101, vm->verdict.status);
	EXPECT_TRUE(nothing_requested(vm));
	EXPECT_TRUE(con_write(self->c, 0, "[    1.1] ---[ end Kernel panic - not syncing: test ]---\r\n"));
	EXPECT_TRUE(requested(vm, RUN_BY_GUEST_PANIC));
}

TEST_F(console, types)
{
	begin();
	con_offer(self->c, 0, 16);
	con_offer(self->c, 0, 4);
	con_offer(self->c, 0, 4);
	con_type(self->c, "abc");
	EXPECT_TRUE(con_got(self->c, 0, "abc"));
	EXPECT_TRUE(drv_interrupted(self->d, 0));
	con_type(self->c, "123456");
	EXPECT_TRUE(con_got(self->c, 0, "1234"));
	EXPECT_TRUE(con_got(self->c, 0, "56"));
	/* Kept until there is a buffer. */
	con_type(self->c, "x");
	con_type(self->c, "y");
	con_offer(self->c, 0, 16);
	EXPECT_TRUE(con_got(self->c, 0, "xy"));
}

TEST_F(console, types_ahead)
{
	ASSERT_EQ(0, con_attach(self->c, variant->transport));
	con_type(self->c, "before the driver");
	ASSERT_EQ(0, drv_setup(self->d, variant->features));
	con_offer(self->c, 0, 64);
	EXPECT_TRUE(con_got(self->c, 0, "before the driver"));
}

TEST_F(console, into_several_parts)
{
	u64 a = drv_alloc(self->d, 64), b = drv_alloc(self->d, 64);
	u32 len;

	begin();
	con_type(self->c, "12345");
	ASSERT_TRUE(drv_request(self->d, 0, (struct drv_seg[]){
		DRV_IN(a, 2), DRV_IN(b, 8) }, 2, &len));
	EXPECT_EQ(5, len);
	EXPECT_EQ(0, memcmp(drv_ptr(self->d, a, 2), "12", 2));
	EXPECT_EQ(0, memcmp(drv_ptr(self->d, b, 3), "345", 3));
}

TEST_F(console, input_buffer_without_room)
{
	struct capture said;
	u32 len = 7;

	begin();
	con_type(self->c, "a");
	capture_begin(&said);
	ASSERT_TRUE(drv_request(self->d, 0, &DRV_OUT(drv_alloc(self->d, 8), 8), 1, &len));
	capture_end(&said);
	EXPECT_TRUE(capture_one_line(&said));
	EXPECT_EQ(0, len);
	con_offer(self->c, 0, 8);
	EXPECT_TRUE(con_got(self->c, 0, "a"));
}

TEST_F(console, a_large_paste)
{
	u8 *text = malloc(CON_INPUT);
	size_t i, done = 0;
	const u8 *p;
	u32 len;

	begin();
	for (i = 0; i < CON_INPUT; i++)
		text[i] = i % 253;
	EXPECT_EQ(CON_INPUT, self->t->ops->room(self->t->priv));
	self->t->ops->input(self->t->priv, text, CON_INPUT);
	EXPECT_EQ(0, self->t->ops->room(self->t->priv));
	while (done < CON_INPUT) {
		u64 brk = self->d->brk;

		con_offer(self->c, 0, 4096);
		drv_run(self->d);
		p = drv_get(self->d, 0, &len);
		ASSERT_NE(NULL, p);
		ASSERT_EQ(4096, len);
		ASSERT_EQ(0, memcmp(p, text + done, len));
		done += len;
		self->d->brk = brk;
	}
	EXPECT_EQ(CON_INPUT, self->t->ops->room(self->t->priv));
	/* Half empty, it has told the terminal to read on. */
	EXPECT_EQ(1, evloop_poll(&self->d->vm.loop));
	free(text);
}

TEST_F(console, break_is_magic_sysrq)
{
	begin();
	con_type(self->c, "typed and never read");
	self->t->ops->send_break(self->t->priv);
	con_type(self->c, "s");
	con_offer(self->c, 0, 64);
	EXPECT_TRUE(con_got(self->c, 0, SYSRQ "s"));
}

TEST_F(console, ctrl_a_x)
{
	begin();
	self->t->ops->quit(self->t->priv);
	EXPECT_TRUE(requested(&self->d->vm, RUN_BY_HOST_UI));
}

TEST_F(console, emergency_write)
{
	ASSERT_EQ(0, con_attach(self->c, variant->transport));
	/* No driver at all. */
	drv_config_write32(self->d, 8, 0xffffff00 | 'A');
	drv_config_write8(self->d, 8, 'B');
	drv_config_write16(self->d, 8, 'C');
	/* Other bytes are no characters, other fields cannot be written. */
	drv_config_write8(self->d, 9, 'D');
	drv_config_write16(self->d, 10, 'E');
	drv_config_write32(self->d, 4, 0x46464646);
	drv_config_write32(self->d, 0, 0x47474747);
	drv_config_write32(self->d, 12, 0x48484848);
	EXPECT_TRUE(con_said(self->c, "ABC"));
	EXPECT_EQ(0, drv_config_read32(self->d, 0));
	EXPECT_EQ(1, drv_config_read32(self->d, 4));
	ASSERT_EQ(0, drv_setup(self->d, variant->features &
			       ~BIT_ULL(VIRTIO_CONSOLE_F_EMERG_WRITE)));
	drv_config_write32(self->d, 8, 'I');
	EXPECT_TRUE(con_said(self->c, "I"));
}

TEST_F(console, emergency_panic)
{
	const char *p;

	ASSERT_EQ(0, con_attach(self->c, variant->transport));
	for (p = "Kernel panic - not syncing: early\n"; *p; p++)
		drv_config_write32(self->d, 8, *p);
	EXPECT_TRUE(self->d->vm.verdict.panicked);
}

static int open_pty(int *user)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	*user = -1;
	if (fd >= 0 && !grantpt(fd) && !unlockpt(fd))
		*user = open(ptsname(fd), O_RDWR | O_NOCTTY | O_CLOEXEC);
	return fd;
}

static void set_size(int fd, u16 cols, u16 rows)
{
	struct winsize ws = { .ws_col = cols, .ws_row = rows };

	ioctl(fd, TIOCSWINSZ, &ws);
}

TEST_F(console, terminal_of_a_size)
{
	int user, pty = open_pty(&user);

	ASSERT_LE(0, user);
	set_size(pty, 80, 25);
	close(self->t->out.fd);
	self->t->out.fd = user;
	begin();
	EXPECT_TRUE(drv_features(self->d) & BIT_ULL(VIRTIO_CONSOLE_F_SIZE));
	EXPECT_EQ(80, drv_config_read16(self->d, 0));
	EXPECT_EQ(25, drv_config_read16(self->d, 2));
	EXPECT_FALSE(drv_config_interrupted(self->d));

	set_size(pty, 132, 43);
	term_resized(self->t);
	EXPECT_TRUE(drv_config_interrupted(self->d));
	EXPECT_EQ(132, drv_config_read16(self->d, 0));
	EXPECT_EQ(43, drv_config_read16(self->d, 2));
	/* The same again is nothing new. */
	term_resized(self->t);
	EXPECT_FALSE(drv_config_interrupted(self->d));
	drv_run(self->d);

	drv_reset(self->d);
	set_size(pty, 100, 50);
	term_resized(self->t);
	EXPECT_FALSE(drv_config_interrupted(self->d));
	EXPECT_EQ(100, drv_config_read16(self->d, 0));
	close(pty);
}

TEST_F(console, fifty_resets)
{
	int i;

	begin();
	for (i = 0; i < 50; i++) {
		u64 brk = self->d->brk;

		con_offer(self->c, 0, 16);
		con_type(self->c, "in");
		ASSERT_TRUE(con_got(self->c, 0, "in"));
		ASSERT_TRUE(con_write(self->c, 0, "out"));
		ASSERT_TRUE(con_said(self->c, "out"));
		self->d->brk = brk;
		ASSERT_EQ(0, drv_setup(self->d, variant->features));
	}
}
#endif /* CONFIG_VIRTIO_CONSOLE */

TEST_HARNESS_MAIN
