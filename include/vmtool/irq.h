/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_IRQ_H
#define VMTOOL_IRQ_H

#include <pthread.h>
#include <stdbool.h>
#include <linux/types.h>
#include <vmtool/evloop.h>

struct irq_user;
struct kvm_irq_routing;
struct kvm_irq_routing_entry;
struct msi;

#define IRQ_MAX_LINES	128

/**
 * enum irq_trigger - how a line signals
 * @IRQ_EDGE: rising edge
 * @IRQ_LEVEL: high level
 */
enum irq_trigger {
	IRQ_EDGE,
	IRQ_LEVEL,
};

/**
 * struct irq_line - a wire from a device to the interrupt controller
 * @vm_fd: KVM's VM, or -1 in tests
 * @gsi: global system interrupt
 * @trigger: how it signals
 * @level: last level set
 * @shared: irq_get_shared() gave it away
 * @raised: times it rose, by irq_set() or irq_signal()
 * @fd: eventfd of irq_fd(), or -1
 * @watch: listens at @fd where KVM does not
 * @chip: interrupt controller
 */
struct irq_line {
	int vm_fd;
	u32 gsi;
	enum irq_trigger trigger;
	bool level;
	bool shared;
	u64 raised;
	int fd;
	struct ev_source watch;
	struct irqchip *chip;
};

/**
 * struct irqchip - the lines of an interrupt controller, and messages to it
 * @vm_fd: KVM's VM, or -1 in tests and where @user is set
 * @nr: lines there are; messages are numbered behind them
 * @line_base: what KVM_IRQ_LINE calls line 0
 * @gsi_base: what KVM_IRQFD calls line 0
 * @user: it is not KVM's, but one in this process; see irqchip_set_user()
 * @msi_devid: a message has to say which device it comes from
 * @msi_line: where messages are no more than another name of a line: the number of that,
 *	as KVM_IRQFD calls it, or -EINVAL when a message is none; else NULL, and messages
 *	are led by KVM's routing table
 * @deferred: KVM takes no interrupts before irqchip_start()
 * @used: mask of lines given away
 * @lines: the lines
 * @lock: protects what follows, @lines[].fd and all that leads messages anywhere
 * @ended: irqchip_end() was called
 * @max_routes: entries that KVM takes in its routing table; 0 until it was asked
 * @signal_msi: KVM can be given a message without a route
 * @table: KVM's routing table: @nr_fixed entries for lines, then @nr_msis
 * @nr_fixed: routes that the architecture set up
 * @msis: whose each message is; NULL: nobody's any more
 * @nr_msis: entries in use or used before
 * @max_msis: entries there is room for
 * @messages: messages sent by msi_signal()
 */
struct irqchip {
	int vm_fd;
	u32 nr;
	u32 line_base;
	u32 gsi_base;
	struct irq_user *user;
	bool msi_devid;
	bool deferred;
	int (*msi_line)(const struct irqchip *chip, u64 addr, u32 data);
	u64 used[IRQ_MAX_LINES / 64];
	struct irq_line lines[IRQ_MAX_LINES];
	pthread_mutex_t lock;
	bool ended;
	u32 max_routes;
	bool signal_msi;
	struct kvm_irq_routing *table;
	u32 nr_fixed;
	struct msi **msis;
	u32 nr_msis;
	u32 max_msis;
	u64 messages;
};

/**
 * irqchip_init() - no line is in use
 * @chip: caller-owned
 * @vm_fd: KVM's VM with an in-kernel interrupt controller, or -1 in tests and before
 *	irqchip_set_user()
 * @nr: lines, at most IRQ_MAX_LINES
 *
 * What is not 0 or NULL of @line_base, @gsi_base, @msi_devid, @deferred and @msi_line is
 * set after it.
 */
void irqchip_init(struct irqchip *chip, int vm_fd, u32 nr);

/**
 * irqchip_set_user() - interrupts go to a controller in this process
 * @chip: interrupt controller without KVM's VM, and with @line_base; with @msi_line and
 *	@gsi_base where there are messages or irq_fd() is called
 * @set: raises and lowers a line, by the number that it has for KVM elsewhere; for any
 *	thread. Messages and descriptors do both.
 * @priv: passed to @set
 *
 * Return: 0 or -errno.
 */
int irqchip_set_user(struct irqchip *chip, void (*set)(void *priv, u32 irq, bool level),
		     void *priv);

/**
 * irqchip_start() - KVM takes interrupts from now on
 * @chip: interrupt controller whose @deferred is set
 *
 * Where KVM's controller is only complete when all vCPUs exist, devices have their
 * lines before that.
 *
 * Return: 0 or -errno.
 */
int irqchip_start(struct irqchip *chip);

/**
 * irqchip_set_fixed() - say which routes the lines have
 * @chip: interrupt controller that has led no message yet
 * @routes: what KVM set up by itself; copied
 * @nr: how many
 *
 * KVM's routing table can only be written as a whole, so what it held before has to
 * be known. An architecture calls this when it has made the controller.
 *
 * Return: 0 or -ENOMEM.
 */
int irqchip_set_fixed(struct irqchip *chip, const struct kvm_irq_routing_entry *routes,
		      u32 nr);

/**
 * irq_get() - take a line
 * @chip: interrupt controller
 * @gsi: the line wanted
 * @trigger: how it signals
 *
 * Return: the line, owned by @chip; NULL when it is taken or there is none.
 */
struct irq_line *irq_get(struct irqchip *chip, u32 gsi, enum irq_trigger trigger);

/**
 * irq_get_shared() - take a line that others who take it so have, too
 * @chip: interrupt controller
 * @gsi: the line wanted
 *
 * It triggers on edges: of a level nobody would know whose it is.
 *
 * Return: the line, owned by @chip; NULL when it is somebody's alone or there is none.
 */
struct irq_line *irq_get_shared(struct irqchip *chip, u32 gsi);

/**
 * irq_set() - raise or lower a line; for any thread
 * @line: line; its device calls this under its own lock
 * @level: new level
 *
 * Nothing happens when the level is what it was.
 */
void irq_set(struct irq_line *line, bool level);

/**
 * irq_pulse() - one rising edge
 * @line: line that triggers on edges
 */
void irq_pulse(struct irq_line *line);

/**
 * irq_fd() - an eventfd whose signal is a rising edge of the line
 * @line: line that triggers on edges; several devices may share it
 *
 * Bound by KVM_IRQFD, so that a signal needs no thread of ours if the interrupt
 * controller is KVM's. In tests it is an
 * eventfd that nobody reads.
 *
 * Return: descriptor, owned by @line and the same at each call; -EINVAL when the
 * line triggers on levels; -errno.
 */
int irq_fd(struct irq_line *line);

/**
 * irq_signal() - one rising edge of a line that irq_fd() has made a descriptor for
 * @line: line; for any thread
 */
void irq_signal(struct irq_line *line);

/* For irq.c and msi.c alone: what they do where irqchip_set_user() was called. */

/** irq_user_set() - raise or lower a line, by the number that KVM would know */
void irq_user_set(struct irqchip *chip, u32 irq, bool level);

/** irq_user_edge() - raise and lower it */
void irq_user_edge(struct irqchip *chip, u32 irq);

/**
 * irq_user_watch() - call a source's function when its eventfd is signalled
 * @chip: interrupt controller
 * @src: source; called on a thread that takes no lock of @chip
 *
 * Return: 0 or -errno.
 */
int irq_user_watch(struct irqchip *chip, struct ev_source *src);

/** irq_user_forget() - no more; its function does not run any more then */
void irq_user_forget(struct irqchip *chip, struct ev_source *src);

/** irq_user_destroy() - end what irqchip_set_user() began; nothing without it */
void irq_user_destroy(struct irqchip *chip);

/**
 * irqchip_end() - no vCPU runs any more, and KVM's VM is released soon
 * @chip: interrupt controller
 *
 * To take an eventfd back from KVM is to wait until nobody looks at it, for each anew; all
 * at once are released with the VM.
 */
void irqchip_end(struct irqchip *chip);

/**
 * irqchip_destroy() - close what irq_fd() opened and forget the routes
 * @chip: interrupt controller whose devices are gone, or one that is all zeroes
 */
void irqchip_destroy(struct irqchip *chip);

/**
 * struct msi - a message-signalled interrupt
 * @chip: interrupt controller
 * @fd: eventfd whose signal is the interrupt; what is signalled while @routed is
 *	false stays in it and is delivered when it is routed
 * @watch: listens at @fd where KVM does not
 * @gsi: KVM's number of the route, taken with the first route; -1 before
 * @devid: device that it comes from: bus << 8 | devfn
 * @addr: address of the message
 * @data: its data
 * @routed: the interrupt reaches the guest
 * @direct: it does so by msi_signal() alone: there was no route left for @fd
 */
struct msi {
	struct irqchip *chip;
	int fd;
	struct ev_source watch;
	int gsi;
	u32 devid;
	u64 addr;
	u32 data;
	bool routed;
	bool direct;
};

/**
 * msi_init() - an interrupt that leads nowhere yet
 * @msi: caller-owned; zeroed after an error
 * @chip: interrupt controller
 * @devid: device that it comes from: bus << 8 | devfn
 *
 * Return: 0 or -errno.
 */
int msi_init(struct msi *msi, struct irqchip *chip, u32 devid);

/**
 * msi_route() - lead it to the guest
 * @msi: interrupt
 * @addr: address of the message
 * @data: its data
 *
 * KVM's routing table is only written when the message is a new one. One device's
 * interrupts are led by one thread at a time.
 *
 * Return: 0; -ENOSPC when KVM takes no more routes: msi_signal() still works, where
 * KVM has KVM_SIGNAL_MSI, but nobody listens at the descriptor; -EINVAL when KVM
 * refuses the message; -errno. After the latter two the interrupt is held back.
 */
int msi_route(struct msi *msi, u64 addr, u32 data);

/**
 * msi_unroute() - hold it back (masked)
 * @msi: interrupt
 */
void msi_unroute(struct msi *msi);

/**
 * msi_signal() - send it; for any thread
 * @msi: interrupt
 */
void msi_signal(struct msi *msi);

/**
 * msi_pending() - was it signalled while held back?
 * @msi: interrupt
 */
bool msi_pending(const struct msi *msi);

/**
 * msi_clear() - forget what was signalled while it was held back
 * @msi: interrupt that is held back
 */
void msi_clear(struct msi *msi);

/**
 * msi_destroy() - give it back
 * @msi: interrupt; not touched when @chip is NULL
 */
void msi_destroy(struct msi *msi);

#endif /* VMTOOL_IRQ_H */
