// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupt lines as eventfds and message-signalled interrupts, without KVM and with
 * one that only remembers.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include <linux/kernel.h>
#include <vmtool/irq.h>

#include "fake_kvm.h"

#define ADDR	0xfee01000ULL
#define DATA	0x4041

static bool readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static bool closed(int fd)
{
	return fcntl(fd, F_GETFD) < 0 && errno == EBADF;
}

FIXTURE(irq) {
	struct irqchip chip;
	struct msi msi[4];
};

FIXTURE_VARIANT(irq) {
	int vm_fd;
};

FIXTURE_VARIANT_ADD(irq, no_kvm) { -1 };
FIXTURE_VARIANT_ADD(irq, kvm) { FAKE_KVM_FD };

FIXTURE_SETUP(irq)
{
	static const struct kvm_irq_routing_entry fixed[] = {
		{ .gsi = 0, .type = KVM_IRQ_ROUTING_IRQCHIP, .u.irqchip = { 2, 0 } },
		{ .gsi = 1, .type = KVM_IRQ_ROUTING_IRQCHIP, .u.irqchip = { 2, 1 } },
		{ .gsi = 1, .type = KVM_IRQ_ROUTING_IRQCHIP, .u.irqchip = { 0, 1 } },
	};
	int i;

	fake_kvm_init();
	irqchip_init(&self->chip, variant->vm_fd, 24);
	ASSERT_EQ(0, irqchip_set_fixed(&self->chip, fixed, ARRAY_SIZE(fixed)));
	for (i = 0; i < ARRAY_SIZE(self->msi); i++)
		ASSERT_EQ(0, msi_init(&self->msi[i], &self->chip, 0));
}

FIXTURE_TEARDOWN(irq)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(self->msi); i++)
		msi_destroy(&self->msi[i]);
	irqchip_destroy(&self->chip);
}

/* ---- lines */

TEST_F(irq, a_line_that_is_shared_is_not_given_to_one)
{
	struct irq_line *line = irq_get_shared(&self->chip, 5);

	ASSERT_NE(NULL, line);
	EXPECT_EQ(IRQ_EDGE, line->trigger);
	EXPECT_EQ(line, irq_get_shared(&self->chip, 5));
	EXPECT_EQ(NULL, irq_get(&self->chip, 5, IRQ_EDGE));
	EXPECT_NE(NULL, irq_get(&self->chip, 6, IRQ_EDGE));
	EXPECT_EQ(NULL, irq_get_shared(&self->chip, 6));
	EXPECT_EQ(NULL, irq_get_shared(&self->chip, 24));
}

TEST_F(irq, a_line_has_one_descriptor)
{
	struct irq_line *line = irq_get(&self->chip, 5, IRQ_EDGE);
	int fd = irq_fd(line);

	ASSERT_LE(0, fd);
	EXPECT_EQ(fd, irq_fd(line));
	EXPECT_EQ(O_NONBLOCK, fcntl(fd, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_EQ(variant->vm_fd < 0 ? -1 : 5, fake_irqfd_gsi(fd));
	irqchip_destroy(&self->chip);
	EXPECT_TRUE(closed(fd));
	/* Again, and of one that never was: nothing happens. */
	irqchip_destroy(&self->chip);
	irqchip_init(&self->chip, -1, 24);
}

TEST_F(irq, a_level_is_no_event)
{
	EXPECT_EQ(-EINVAL, irq_fd(irq_get(&self->chip, 5, IRQ_LEVEL)));
}

TEST_F(irq, a_line_kvm_does_not_bind)
{
	struct irq_line *line = irq_get(&self->chip, 5, IRQ_EDGE);
	int fd = dup(0);

	close(fd);
	if (variant->vm_fd < 0)
		return;		/* of KVM alone */
	fake_kvm.refuse = KVM_IRQFD;
	fake_kvm.error = EBUSY;
	EXPECT_EQ(-EBUSY, irq_fd(line));
	/* It has not kept the descriptor, and tries again. */
	EXPECT_TRUE(closed(fd));
	fake_kvm.refuse = 0;
	EXPECT_EQ(fd, irq_fd(line));
}

/* ---- messages */

/* They go with the VM: each that is taken back alone is a wait. */
TEST_F(irq, at_the_end_nothing_is_taken_back)
{
	struct msi *m = &self->msi[0];

	ASSERT_EQ(0, msi_route(m, ADDR, DATA));
	irqchip_end(&self->chip);
	msi_unroute(m);
	EXPECT_FALSE(m->routed);
	EXPECT_EQ(variant->vm_fd < 0 ? -1 : m->gsi, fake_irqfd_gsi(m->fd));
}

TEST_F(irq, leads_nowhere_at_first)
{
	struct msi *m = &self->msi[0];

	EXPECT_FALSE(m->routed);
	EXPECT_EQ(-1, m->gsi);
	EXPECT_FALSE(msi_pending(m));
	msi_signal(m);
	EXPECT_TRUE(msi_pending(m));
	msi_clear(m);
	EXPECT_FALSE(msi_pending(m));
	EXPECT_EQ(-1, fake_irqfd_gsi(m->fd));
	EXPECT_EQ(0, fake_kvm.table_writes);
}

TEST_F(irq, routed)
{
	struct msi *m = &self->msi[0];
	const struct kvm_irq_routing_msi *message;

	ASSERT_EQ(0, msi_route(m, ADDR | 1ULL << 32, DATA));
	EXPECT_TRUE(m->routed);
	EXPECT_FALSE(m->direct);
	/* Behind the lines. */
	EXPECT_EQ(24, m->gsi);
	msi_signal(m);
	EXPECT_FALSE(msi_pending(m));
	EXPECT_TRUE(readable(m->fd));
	if (variant->vm_fd < 0)
		return;
	EXPECT_EQ(24, fake_irqfd_gsi(m->fd));
	EXPECT_EQ(4, fake_kvm.nr_routes);
	message = fake_message(24);
	ASSERT_NE(NULL, message);
	EXPECT_EQ(ADDR, message->address_lo);
	EXPECT_EQ(1, message->address_hi);
	EXPECT_EQ(DATA, message->data);
	/* What the lines need is still there. */
	EXPECT_EQ(1, fake_kvm.routes[2].gsi);
	EXPECT_EQ(KVM_IRQ_ROUTING_IRQCHIP, fake_kvm.routes[2].type);
	EXPECT_EQ(0, fake_kvm.routes[2].u.irqchip.irqchip);
	EXPECT_EQ(1, fake_kvm.routes[2].u.irqchip.pin);
}

TEST_F(irq, the_table_is_written_for_news_alone)
{
	struct msi *m = &self->msi[0];
	unsigned int writes = variant->vm_fd < 0 ? 0 : 1;

	EXPECT_EQ(0, msi_route(m, ADDR, DATA));
	EXPECT_EQ(0, msi_route(m, ADDR, DATA));
	msi_unroute(m);
	EXPECT_EQ(0, msi_route(m, ADDR, DATA));
	EXPECT_EQ(writes, fake_kvm.table_writes);
	EXPECT_EQ(0, msi_route(m, ADDR, DATA + 1));
	EXPECT_EQ(0, msi_route(m, ADDR + 4, DATA + 1));
	EXPECT_EQ(writes * 3, fake_kvm.table_writes);
	EXPECT_EQ(24, m->gsi);
}

TEST_F(irq, held_back)
{
	struct msi *m = &self->msi[0];

	ASSERT_EQ(0, msi_route(m, ADDR, DATA));
	msi_unroute(m);
	EXPECT_FALSE(m->routed);
	EXPECT_EQ(-1, fake_irqfd_gsi(m->fd));
	EXPECT_FALSE(msi_pending(m));
	msi_signal(m);
	msi_signal(m);
	EXPECT_TRUE(msi_pending(m));
	ASSERT_EQ(0, msi_route(m, ADDR, DATA));
	EXPECT_FALSE(msi_pending(m));
	/* KVM delivers what it finds, and does not take it. */
	EXPECT_EQ(variant->vm_fd < 0, readable(m->fd));
	msi_unroute(m);
	msi_unroute(m);
}

TEST_F(irq, numbers_are_used_again)
{
	struct msi *m = self->msi;
	int i;

	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, msi_route(&m[i], ADDR, DATA + i));
		EXPECT_EQ(24 + i, m[i].gsi);
	}
	msi_destroy(&m[1]);
	EXPECT_EQ(NULL, m[1].chip);
	msi_destroy(&m[1]);
	ASSERT_EQ(0, msi_init(&m[1], &self->chip, 0));
	ASSERT_EQ(0, msi_route(&m[1], ADDR, DATA + 9));
	EXPECT_EQ(25, m[1].gsi);
	EXPECT_EQ(4, self->chip.nr_msis);
	msi_destroy(&m[3]);
	msi_destroy(&m[2]);
	EXPECT_EQ(2, self->chip.nr_msis);
	if (variant->vm_fd >= 0)
		EXPECT_EQ(DATA + 9, fake_message(25)->data);
}

TEST_F(irq, more_than_there_is_room_for_at_first)
{
	enum { N = 200 };
	struct msi *many = calloc(N, sizeof(*many));
	int i;

	for (i = 0; i < N; i++) {
		ASSERT_EQ(0, msi_init(&many[i], &self->chip, 0));
		ASSERT_EQ(0, msi_route(&many[i], ADDR + 4 * i, i));
		ASSERT_EQ(24 + i, many[i].gsi);
	}
	for (i = 0; i < N; i++) {
		if (variant->vm_fd >= 0) {
			EXPECT_EQ(24 + i, fake_irqfd_gsi(many[i].fd));
			EXPECT_EQ(i, fake_message(24 + i)->data);
		}
		msi_destroy(&many[i]);
	}
	EXPECT_EQ(0, self->chip.nr_msis);
	free(many);
}

TEST_F(irq, kvm_takes_no_more_routes)
{
	struct msi *m = self->msi;

	fake_kvm.routing = 26;
	self->chip.max_routes = variant->vm_fd < 0 ? 26 : 0;
	EXPECT_EQ(0, msi_route(&m[0], ADDR, 0));
	EXPECT_EQ(0, msi_route(&m[1], ADDR, 1));
	msi_signal(&m[2]);
	EXPECT_EQ(-ENOSPC, msi_route(&m[2], ADDR, 2));
	EXPECT_EQ(-1, fake_irqfd_gsi(m[2].fd));
	if (variant->vm_fd < 0) {
		EXPECT_FALSE(m[2].routed);
		return;
	}
	/* What was pending went to KVM by itself, and so does what follows. */
	EXPECT_EQ(1, fake_kvm.sent);
	EXPECT_FALSE(msi_pending(&m[2]));
	msi_signal(&m[2]);
	EXPECT_EQ(2, fake_kvm.sent);
	EXPECT_EQ(ADDR, fake_kvm.last.address_lo);
	EXPECT_EQ(2, fake_kvm.last.data);
	EXPECT_FALSE(readable(m[2].fd));
	EXPECT_EQ(-ENOSPC, msi_route(&m[2], ADDR, 7));
	msi_signal(&m[2]);
	EXPECT_EQ(7, fake_kvm.last.data);
	msi_unroute(&m[2]);
	msi_signal(&m[2]);
	EXPECT_EQ(3, fake_kvm.sent);
	EXPECT_TRUE(msi_pending(&m[2]));
	/* Another one gives up its route. */
	msi_destroy(&m[0]);
	EXPECT_EQ(0, msi_route(&m[2], ADDR, 7));
	EXPECT_EQ(24, fake_irqfd_gsi(m[2].fd));
	EXPECT_FALSE(m[2].direct);
	msi_signal(&m[2]);
	EXPECT_EQ(3, fake_kvm.sent);
}

TEST_F(irq, kvm_sends_nothing_without_routes)
{
	struct msi *m = &self->msi[0];

	if (variant->vm_fd < 0)
		return;		/* of KVM alone */
	fake_kvm.routing = 0;
	fake_kvm.no_signal_msi = true;
	EXPECT_EQ(-ENOSPC, msi_route(m, ADDR, DATA));
	EXPECT_FALSE(m->routed);
	msi_signal(m);
	EXPECT_TRUE(msi_pending(m));
	EXPECT_EQ(0, fake_kvm.sent);
}

TEST_F(irq, a_message_kvm_refuses)
{
	struct msi *m = self->msi;

	if (variant->vm_fd < 0)
		return;		/* of KVM alone */
	ASSERT_EQ(0, msi_route(&m[0], ADDR, DATA));
	fake_kvm.refuse = KVM_SET_GSI_ROUTING;
	fake_kvm.error = EINVAL;
	EXPECT_EQ(-EINVAL, msi_route(&m[0], ADDR | 1ULL << 32, DATA));
	EXPECT_EQ(-EINVAL, msi_route(&m[1], ADDR | 1ULL << 32, DATA));
	EXPECT_FALSE(m[0].routed);
	EXPECT_EQ(-1, fake_irqfd_gsi(m[0].fd));
	EXPECT_EQ(-1, m[1].gsi);
	/* The others are none the worse for it. */
	fake_kvm.refuse = 0;
	EXPECT_EQ(0, msi_route(&m[2], ADDR, DATA + 2));
	EXPECT_EQ(ADDR, fake_message(24)->address_lo);
	EXPECT_EQ(0, fake_message(24)->address_hi);
	EXPECT_EQ(DATA + 2, fake_message(25)->data);
	EXPECT_EQ(0, msi_route(&m[0], ADDR, DATA));
	EXPECT_EQ(24, fake_irqfd_gsi(m[0].fd));
}

TEST_F(irq, a_descriptor_kvm_refuses)
{
	struct msi *m = &self->msi[0];

	if (variant->vm_fd < 0)
		return;		/* of KVM alone */
	fake_kvm.refuse = KVM_IRQFD;
	fake_kvm.error = ENOMEM;
	EXPECT_EQ(-ENOMEM, msi_route(m, ADDR, DATA));
	EXPECT_FALSE(m->routed);
	msi_signal(m);
	EXPECT_TRUE(msi_pending(m));
	fake_kvm.refuse = 0;
	EXPECT_EQ(0, msi_route(m, ADDR, DATA));
	EXPECT_EQ(24, fake_irqfd_gsi(m->fd));
}

struct router {
	struct irqchip *chip;
	u32 data;
	int failures;
};

static void *route_thread(void *arg)
{
	struct router *r = arg;
	int i;

	for (i = 0; i < 500; i++) {
		struct msi m;

		r->failures += !!msi_init(&m, r->chip, 0);
		r->failures += !!msi_route(&m, ADDR, r->data);
		msi_signal(&m);
		if (r->chip->vm_fd >= 0)
			r->failures += fake_irqfd_gsi(m.fd) != m.gsi;
		msi_unroute(&m);
		msi_destroy(&m);
	}
	return NULL;
}

TEST_F(irq, several_threads)
{
	struct router r[4];
	pthread_t threads[4];
	int i;

	for (i = 0; i < 4; i++) {
		r[i] = (struct router) { .chip = &self->chip, .data = i };
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, route_thread, &r[i]));
	}
	for (i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		EXPECT_EQ(0, r[i].failures);
	}
	EXPECT_EQ(0, self->chip.nr_msis);
}

/* ---- a controller in this process */

#define USER_BASE	0x1000
#define USER_MSI	0x1100
#define USER_ADDR	0x40000000000ULL

struct controller {
	pthread_mutex_t lock;
	unsigned int rose[USER_MSI + 16 - USER_BASE];
	bool level[USER_MSI + 16 - USER_BASE];
};

FIXTURE(user) {
	struct irqchip chip;
	struct msi msi;
	struct controller c;
};

static void user_set(void *priv, u32 irq, bool level)
{
	struct controller *c = priv;

	pthread_mutex_lock(&c->lock);
	c->rose[irq - USER_BASE] += level;
	c->level[irq - USER_BASE] = level;
	pthread_mutex_unlock(&c->lock);
}

static int user_line(const struct irqchip *chip, u64 addr, u32 data)
{
	return addr == USER_ADDR && data - USER_MSI < 16 ? (int)data : -EINVAL;
}

FIXTURE_SETUP(user)
{
	memset(self, 0, sizeof(*self));
	pthread_mutex_init(&self->c.lock, NULL);
	irqchip_init(&self->chip, -1, 8);
	self->chip.line_base = USER_BASE;
	self->chip.gsi_base = USER_BASE;
	self->chip.msi_line = user_line;
	ASSERT_EQ(0, irqchip_set_user(&self->chip, user_set, &self->c));
	ASSERT_EQ(0, msi_init(&self->msi, &self->chip, 0));
}

FIXTURE_TEARDOWN(user)
{
	msi_destroy(&self->msi);
	irqchip_destroy(&self->chip);
}

static unsigned int rose(struct controller *c, u32 irq)
{
	unsigned int n;

	pthread_mutex_lock(&c->lock);
	n = c->rose[irq - USER_BASE];
	pthread_mutex_unlock(&c->lock);
	return n;
}

/* By the thread that listens. */
static bool rises(struct controller *c, u32 irq, unsigned int n)
{
	int i;

	for (i = 0; i < 5000 && rose(c, irq) < n; i++)
		usleep(1000);
	return rose(c, irq) == n;
}

#define times(irq)	rose(&self->c, irq)
#define comes(irq, n)	rises(&self->c, irq, n)

TEST_F(user, lines)
{
	struct irq_line *level = irq_get(&self->chip, 3, IRQ_LEVEL);
	struct irq_line *edge = irq_get(&self->chip, 4, IRQ_EDGE);

	irq_set(level, true);
	irq_set(level, true);
	EXPECT_EQ(1, times(USER_BASE + 3));
	EXPECT_TRUE(self->c.level[3]);
	irq_set(level, false);
	EXPECT_FALSE(self->c.level[3]);
	irq_pulse(edge);
	irq_pulse(edge);
	EXPECT_EQ(2, times(USER_BASE + 4));
	EXPECT_FALSE(self->c.level[4]);
}

TEST_F(user, a_descriptor_of_a_line)
{
	struct irq_line *line = irq_get(&self->chip, 5, IRQ_EDGE);
	u64 one = 1;
	int fd = irq_fd(line);

	ASSERT_LE(0, fd);
	EXPECT_EQ(fd, irq_fd(line));
	ASSERT_EQ(sizeof(one), write(fd, &one, sizeof(one)));
	EXPECT_TRUE(comes(USER_BASE + 5, 1));
	/* We do not go that way round. */
	irq_signal(line);
	EXPECT_EQ(2, times(USER_BASE + 5));
	EXPECT_FALSE(readable(fd));
}

TEST_F(user, messages)
{
	struct msi *m = &self->msi;
	u64 one = 1;

	EXPECT_EQ(-EINVAL, msi_route(m, USER_ADDR, USER_MSI + 16));
	EXPECT_EQ(-EINVAL, msi_route(m, USER_ADDR + 4, USER_MSI));
	ASSERT_EQ(0, msi_route(m, USER_ADDR, USER_MSI + 2));
	msi_signal(m);
	EXPECT_EQ(1, times(USER_MSI + 2));
	EXPECT_FALSE(msi_pending(m));
	/* What somebody else signals. */
	ASSERT_EQ(sizeof(one), write(m->fd, &one, sizeof(one)));
	EXPECT_TRUE(comes(USER_MSI + 2, 2));
	/* Another message. */
	ASSERT_EQ(0, msi_route(m, USER_ADDR, USER_MSI + 3));
	msi_signal(m);
	ASSERT_EQ(sizeof(one), write(m->fd, &one, sizeof(one)));
	EXPECT_TRUE(comes(USER_MSI + 3, 2));
	EXPECT_EQ(2, times(USER_MSI + 2));
}

TEST_F(user, messages_that_are_held_back)
{
	struct msi *m = &self->msi;

	msi_signal(m);
	EXPECT_TRUE(msi_pending(m));
	ASSERT_EQ(0, msi_route(m, USER_ADDR, USER_MSI));
	EXPECT_TRUE(comes(USER_MSI, 1));
	msi_unroute(m);
	msi_signal(m);
	usleep(20000);
	EXPECT_TRUE(msi_pending(m));
	EXPECT_EQ(1, times(USER_MSI));
	msi_clear(m);
	EXPECT_EQ(0, msi_route(m, USER_ADDR, USER_MSI));
	usleep(20000);
	EXPECT_EQ(1, times(USER_MSI));
}

static void *user_thread(void *arg)
{
	struct msi *m = arg;
	u64 one = 1;
	int i;

	for (i = 0; i < 2000; i++) {
		msi_signal(m);
		if (write(m->fd, &one, sizeof(one)) < 0)
			break;
	}
	return NULL;
}

/* While it is masked and unmasked, nothing that was sent last is lost. */
TEST_F(user, several_threads)
{
	struct msi *m = &self->msi;
	unsigned int before;
	pthread_t thread;
	int i;

	ASSERT_EQ(0, pthread_create(&thread, NULL, user_thread, m));
	for (i = 0; i < 200; i++) {
		EXPECT_EQ(0, msi_route(m, USER_ADDR, USER_MSI));
		msi_unroute(m);
	}
	pthread_join(thread, NULL);
	msi_clear(m);
	before = times(USER_MSI);
	EXPECT_EQ(0, msi_route(m, USER_ADDR, USER_MSI));
	msi_signal(m);
	EXPECT_EQ(before + 1, times(USER_MSI));
}

TEST_HARNESS_MAIN
