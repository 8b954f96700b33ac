// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/kvm.h>

#include <linux/kernel.h>
#include <vmtool/io.h>
#include <vmtool/irq.h>
#include <vmtool/log.h>
#include <vmtool/stats.h>

void irqchip_init(struct irqchip *chip, int vm_fd, u32 nr)
{
	u32 i;

	memset(chip, 0, sizeof(*chip));
	chip->vm_fd = vm_fd;
	chip->nr = nr < IRQ_MAX_LINES ? nr : IRQ_MAX_LINES;
	for (i = 0; i < chip->nr; i++) {
		chip->lines[i].chip = chip;
		chip->lines[i].fd = -1;
	}
	pthread_mutex_init(&chip->lock, NULL);
}

void irqchip_end(struct irqchip *chip)
{
	pthread_mutex_lock(&chip->lock);
	chip->ended = true;
	pthread_mutex_unlock(&chip->lock);
}

void irqchip_destroy(struct irqchip *chip)
{
	u32 i;

	if (!chip->nr)
		return;
	irq_user_destroy(chip);
	for (i = 0; i < chip->nr; i++)
		if (chip->lines[i].fd >= 0)
			close(chip->lines[i].fd);
	free(chip->table);
	free(chip->msis);
	pthread_mutex_destroy(&chip->lock);
	memset(chip, 0, sizeof(*chip));
}

struct irq_line *irq_get(struct irqchip *chip, u32 gsi, enum irq_trigger trigger)
{
	struct irq_line *line;

	if (gsi >= chip->nr || (chip->used[gsi / 64] & 1ULL << gsi % 64))
		return NULL;
	chip->used[gsi / 64] |= 1ULL << gsi % 64;
	line = &chip->lines[gsi];
	line->vm_fd = chip->vm_fd;
	line->gsi = gsi;
	line->trigger = trigger;
	line->level = false;
	return line;
}

struct irq_line *irq_get_shared(struct irqchip *chip, u32 gsi)
{
	struct irq_line *line;

	if (gsi < chip->nr && chip->lines[gsi].shared)
		return &chip->lines[gsi];
	line = irq_get(chip, gsi, IRQ_EDGE);
	if (line)
		line->shared = true;
	return line;
}

void irq_set(struct irq_line *line, bool level)
{
	struct kvm_irq_level irq = { .irq = line->chip->line_base + line->gsi, .level = level };

	if (line->level == level)
		return;
	line->level = level;
	if (level)
		stats_add_shared(&line->raised, 1);
	if (line->chip->user)
		irq_user_set(line->chip, irq.irq, level);
	else if (line->vm_fd >= 0 && ioctl(line->vm_fd, KVM_IRQ_LINE, &irq) < 0)
		log_debug("interrupt line %u: KVM_IRQ_LINE failed", line->gsi);
}

void irq_pulse(struct irq_line *line)
{
	irq_set(line, true);
	irq_set(line, false);
}

static void line_ready(struct ev_source *src, u32 events)
{
	struct irq_line *line = container_of(src, struct irq_line, watch);
	u64 count;

	if (read(src->fd, &count, sizeof(count)) == sizeof(count))
		irq_user_edge(line->chip, line->chip->gsi_base + line->gsi);
}

static int irq_bind_fd(struct irq_line *line, int fd)
{
	struct kvm_irqfd irqfd = { .fd = fd, .gsi = line->chip->gsi_base + line->gsi };

	if (line->chip->user) {
		line->watch.fd = fd;
		line->watch.fn = line_ready;
		return irq_user_watch(line->chip, &line->watch);
	}
	if (line->vm_fd < 0 || line->chip->deferred)
		return 0;
	return ioctl(line->vm_fd, KVM_IRQFD, &irqfd) < 0 ? -errno : 0;
}

static int irq_open_fd(struct irq_line *line)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int ret;

	if (fd < 0)
		return -errno;
	ret = irq_bind_fd(line, fd);
	if (ret) {
		close(fd);
		return ret;
	}
	return fd;
}

int irqchip_start(struct irqchip *chip)
{
	int ret = 0;
	u32 i;

	pthread_mutex_lock(&chip->lock);
	chip->deferred = false;
	for (i = 0; i < chip->nr && !ret; i++)
		if (chip->lines[i].fd >= 0)
			ret = irq_bind_fd(&chip->lines[i], chip->lines[i].fd);
	pthread_mutex_unlock(&chip->lock);
	return ret;
}

int irq_fd(struct irq_line *line)
{
	int ret;

	/* A level would have to be lowered by somebody. */
	if (line->trigger != IRQ_EDGE)
		return -EINVAL;
	pthread_mutex_lock(&line->chip->lock);
	if (line->fd < 0) {
		ret = irq_open_fd(line);
		if (ret >= 0)
			line->fd = ret;
	} else {
		ret = line->fd;
	}
	pthread_mutex_unlock(&line->chip->lock);
	return ret;
}

void irq_signal(struct irq_line *line)
{
	stats_add_shared(&line->raised, 1);
	if (line->chip->user)
		irq_user_edge(line->chip, line->chip->gsi_base + line->gsi);
	else
		io_wake(line->fd);
}
