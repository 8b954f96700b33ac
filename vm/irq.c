// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <sys/ioctl.h>
#include <linux/kvm.h>

#include <vmtool/irq.h>
#include <vmtool/log.h>

void irqchip_init(struct irqchip *chip, int vm_fd, u32 nr)
{
	memset(chip, 0, sizeof(*chip));
	chip->vm_fd = vm_fd;
	chip->nr = nr < IRQ_MAX_LINES ? nr : IRQ_MAX_LINES;
}

struct irq_line *irq_get(struct irqchip *chip, u32 gsi, enum irq_trigger trigger)
{
	struct irq_line *line;

	if (gsi >= chip->nr || (chip->used & (1U << gsi)))
		return NULL;
	chip->used |= 1U << gsi;
	line = &chip->lines[gsi];
	line->vm_fd = chip->vm_fd;
	line->gsi = gsi;
	line->trigger = trigger;
	line->level = false;
	return line;
}

void irq_set(struct irq_line *line, bool level)
{
	struct kvm_irq_level irq = { .irq = line->gsi, .level = level };

	if (line->level == level)
		return;
	line->level = level;
	if (line->vm_fd >= 0 && ioctl(line->vm_fd, KVM_IRQ_LINE, &irq) < 0)
		log_debug("interrupt line %u: KVM_IRQ_LINE failed", line->gsi);
}

void irq_pulse(struct irq_line *line)
{
	irq_set(line, true);
	irq_set(line, false);
}
