/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_IRQ_H
#define VMTOOL_IRQ_H

#include <stdbool.h>
#include <linux/types.h>

#define IRQ_MAX_LINES	24

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
 */
struct irq_line {
	int vm_fd;
	u32 gsi;
	enum irq_trigger trigger;
	bool level;
};

/**
 * struct irqchip - the lines of KVM's interrupt controller
 * @vm_fd: KVM's VM, or -1 in tests
 * @nr: lines there are
 * @used: mask of lines given away
 * @lines: the lines
 */
struct irqchip {
	int vm_fd;
	u32 nr;
	u32 used;
	struct irq_line lines[IRQ_MAX_LINES];
};

/**
 * irqchip_init() - no line is in use
 * @chip: caller-owned
 * @vm_fd: KVM's VM with an in-kernel interrupt controller, or -1 in tests
 * @nr: lines, at most IRQ_MAX_LINES
 */
void irqchip_init(struct irqchip *chip, int vm_fd, u32 nr);

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

#endif /* VMTOOL_IRQ_H */
