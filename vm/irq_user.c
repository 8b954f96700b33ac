// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts that end in this process, where KVM has no controller for them. Devices of
 * ours raise them by a call. What others signal, a vhost or another process, is an
 * eventfd: a thread listens at those, as KVM does elsewhere.
 */
#include <errno.h>
#include <stdlib.h>

#include <linux/kernel.h>
#include <vmtool/iothread.h>
#include <vmtool/irq.h>

/**
 * struct irq_user - a controller in this process
 * @set: raises and lowers a line of it
 * @priv: passed to @set
 * @thread: listens
 */
struct irq_user {
	void (*set)(void *priv, u32 irq, bool level);
	void *priv;
	struct iothread thread;
};

/* A source that is added or removed, on the thread. */
struct watch {
	struct irq_user *user;
	struct ev_source *src;
	int ret;
};

int irqchip_set_user(struct irqchip *chip, void (*set)(void *priv, u32 irq, bool level),
		     void *priv)
{
	struct irq_user *user = calloc(1, sizeof(*user));
	int ret;

	if (!user)
		return -ENOMEM;
	user->set = set;
	user->priv = priv;
	ret = iothread_init(&user->thread, "irq", false);
	if (ret) {
		free(user);
		return ret;
	}
	chip->user = user;
	return 0;
}

void irq_user_destroy(struct irqchip *chip)
{
	if (!chip->user)
		return;
	iothread_destroy(&chip->user->thread);
	free(chip->user);
	chip->user = NULL;
}

void irq_user_set(struct irqchip *chip, u32 irq, bool level)
{
	chip->user->set(chip->user->priv, irq, level);
}

void irq_user_edge(struct irqchip *chip, u32 irq)
{
	irq_user_set(chip, irq, true);
	irq_user_set(chip, irq, false);
}

static void add(void *arg)
{
	struct watch *w = arg;

	w->ret = ev_add(&w->user->thread.loop, w->src, EPOLLIN);
}

static void del(void *arg)
{
	struct watch *w = arg;

	ev_del(&w->user->thread.loop, w->src);
}

int irq_user_watch(struct irqchip *chip, struct ev_source *src)
{
	struct watch w = { .user = chip->user, .src = src };
	int ret = iothread_start(&chip->user->thread);

	if (ret)
		return ret;
	iothread_call(&chip->user->thread, add, &w);
	return w.ret;
}

void irq_user_forget(struct irqchip *chip, struct ev_source *src)
{
	struct watch w = { .user = chip->user, .src = src };

	iothread_call(&chip->user->thread, del, &w);
}
