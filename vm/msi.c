// SPDX-License-Identifier: GPL-2.0
/*
 * Message-signalled interrupts. Each has an eventfd that KVM listens at (KVM_IRQFD)
 * while the interrupt is routed: a signal needs no thread of ours and comes from any
 * thread, or from the host's kernel. KVM maps the number of an irqfd to a message
 * by a table that is written as a whole. Where the interrupt controller is in this process
 * nobody but it listens there, and what we signal ourselves goes to it directly.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/kvm.h>

#include <linux/kernel.h>
#include <vmtool/irq.h>
#include <vmtool/log.h>
#include <vmtool/stats.h>

/* What KVM on x86 takes, for tests. */
#define DEFAULT_ROUTES	4096

static size_t table_size(u32 nr)
{
	return sizeof(struct kvm_irq_routing) + nr * sizeof(struct kvm_irq_routing_entry);
}

int irqchip_set_fixed(struct irqchip *chip, const struct kvm_irq_routing_entry *routes,
		      u32 nr)
{
	struct kvm_irq_routing *table = calloc(1, table_size(nr));

	if (!table)
		return -ENOMEM;
	memcpy(table->entries, routes, nr * sizeof(*routes));
	pthread_mutex_lock(&chip->lock);
	free(chip->table);
	chip->table = table;
	chip->nr_fixed = nr;
	pthread_mutex_unlock(&chip->lock);
	return 0;
}

/* What KVM can do; under @chip's lock, as all that follows. */
static void find_limits(struct irqchip *chip)
{
	int ret;

	if (chip->max_routes)
		return;
	chip->max_routes = DEFAULT_ROUTES;
	if (chip->vm_fd < 0)
		return;
	ret = ioctl(chip->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_IRQ_ROUTING);
	/* At least what it holds already: then nothing more is put there. */
	chip->max_routes = ret > 0 ? ret : 1;
	chip->signal_msi = ioctl(chip->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_SIGNAL_MSI) > 0;
	if (chip->max_routes <= chip->nr_fixed)
		log_debug("KVM here routes no messages");
}

/* Routes and numbers are limited alike. */
static u32 most_msis(const struct irqchip *chip)
{
	u32 taken = max(chip->nr, chip->nr_fixed);

	return chip->max_routes > taken ? chip->max_routes - taken : 0;
}

static int make_room(struct irqchip *chip)
{
	u32 most = most_msis(chip), n = min(most, max(chip->max_msis * 2, 64U));
	struct kvm_irq_routing *table;
	struct msi **msis;

	if (chip->nr_msis >= most)
		return -ENOSPC;
	if (chip->nr_msis < chip->max_msis)
		return 0;
	msis = realloc(chip->msis, n * sizeof(*msis));
	if (!msis)
		return -ENOMEM;
	chip->msis = msis;
	table = realloc(chip->table, table_size(chip->nr_fixed + n));
	if (!table)
		return -ENOMEM;
	chip->table = table;
	chip->max_msis = n;
	return 0;
}

static struct kvm_irq_routing_entry *msi_entry(const struct msi *msi)
{
	const struct irqchip *chip = msi->chip;

	return &chip->table->entries[chip->nr_fixed + msi->gsi - chip->nr];
}

/* A number, and a place in the table for it. */
static int take_gsi(struct msi *msi)
{
	struct irqchip *chip = msi->chip;
	u32 i = 0;
	int ret;

	while (i < chip->nr_msis && chip->msis[i])
		i++;
	if (i == chip->nr_msis) {
		ret = make_room(chip);
		if (ret)
			return ret;
		chip->nr_msis++;
	}
	chip->msis[i] = msi;
	msi->gsi = chip->nr + i;
	*msi_entry(msi) = (struct kvm_irq_routing_entry) {
		.gsi = msi->gsi, .type = KVM_IRQ_ROUTING_MSI,
	};
	return 0;
}

/* What is left in the table leads a number nobody signals: it does no harm. */
static void give_gsi_back(struct msi *msi)
{
	struct irqchip *chip = msi->chip;

	chip->msis[msi->gsi - chip->nr] = NULL;
	while (chip->nr_msis && !chip->msis[chip->nr_msis - 1])
		chip->nr_msis--;
	msi->gsi = -1;
}

static int write_table(struct irqchip *chip)
{
	if (chip->vm_fd < 0)
		return 0;
	chip->table->nr = chip->nr_fixed + chip->nr_msis;
	chip->table->flags = 0;
	return ioctl(chip->vm_fd, KVM_SET_GSI_ROUTING, chip->table) < 0 ? -errno : 0;
}

/* Takes what was signalled; true when there was something. */
static bool drain(const struct msi *msi)
{
	u64 count;

	return read(msi->fd, &count, sizeof(count)) == sizeof(count);
}

/* The number stays the same while somebody listens. */
static void msi_ready(struct ev_source *src, u32 events)
{
	const struct msi *msi = container_of(src, struct msi, watch);

	if (drain(msi))
		irq_user_edge(msi->chip, msi->gsi);
}

static int bind_user(struct msi *msi, bool listen)
{
	if (listen)
		return irq_user_watch(msi->chip, &msi->watch);
	irq_user_forget(msi->chip, &msi->watch);
	return 0;
}

static int bind_fd(struct msi *msi, u32 flags)
{
	struct kvm_irqfd irqfd = { .fd = msi->fd, .gsi = msi->gsi, .flags = flags };

	if (msi->chip->user)
		return bind_user(msi, !flags);
	if (msi->chip->vm_fd < 0 || (flags && msi->chip->ended))
		return 0;
	return ioctl(msi->chip->vm_fd, KVM_IRQFD, &irqfd) < 0 ? -errno : 0;
}

static void send_direct(const struct msi *msi)
{
	struct kvm_msi message = {
		.address_lo = msi->addr, .address_hi = msi->addr >> 32, .data = msi->data,
	};

	if (msi->chip->msi_devid) {
		message.flags = KVM_MSI_VALID_DEVID;
		message.devid = msi->devid;
	}
	if (ioctl(msi->chip->vm_fd, KVM_SIGNAL_MSI, &message) < 0)
		log_debug("message 0x%llx: KVM_SIGNAL_MSI failed",
			  (unsigned long long)msi->addr);
}

static void unroute(struct msi *msi)
{
	if (msi->routed && !msi->direct)
		bind_fd(msi, KVM_IRQFD_FLAG_DEASSIGN);
	msi->routed = false;
	__atomic_store_n(&msi->direct, false, __ATOMIC_RELEASE);
}

/* A message that is another name of a line: bound again when it is another line. */
static int set_line(struct msi *msi, u64 addr, u32 data)
{
	int line = msi->chip->msi_line(msi->chip, addr, data);

	if (line < 0)
		return line;
	if (line != msi->gsi)
		unroute(msi);
	msi->gsi = line;
	return 0;
}

static int set_message(struct msi *msi, u64 addr, u32 data)
{
	struct kvm_irq_routing_entry *e, old;
	bool new = msi->gsi < 0;
	int ret;

	if (!new && msi->addr == addr && msi->data == data)
		return 0;
	ret = new ? take_gsi(msi) : 0;
	if (ret)
		return ret;
	e = msi_entry(msi);
	old = *e;
	e->u.msi.address_lo = addr;
	e->u.msi.address_hi = addr >> 32;
	e->u.msi.data = data;
	if (msi->chip->msi_devid) {
		e->flags = KVM_MSI_VALID_DEVID;
		e->u.msi.devid = msi->devid;
	}
	ret = write_table(msi->chip);
	if (ret) {
		/* One message that KVM refuses must not stop all others. */
		*e = old;
		if (new)
			give_gsi_back(msi);
		return ret;
	}
	msi->addr = addr;
	msi->data = data;
	return 0;
}

/* There is no route: what msi_signal() is asked for goes to KVM one by one. */
static void route_direct(struct msi *msi, u64 addr, u32 data)
{
	unroute(msi);
	msi->addr = addr;
	msi->data = data;
	msi->routed = true;
	__atomic_store_n(&msi->direct, true, __ATOMIC_RELEASE);
	if (drain(msi))
		send_direct(msi);
}

static int route(struct msi *msi, u64 addr, u32 data)
{
	int ret;

	if (msi->chip->msi_line) {
		ret = set_line(msi, addr, data);
	} else {
		find_limits(msi->chip);
		ret = set_message(msi, addr, data);
	}
	if (ret == -ENOSPC && msi->chip->signal_msi) {
		route_direct(msi, addr, data);
		return ret;
	}
	if (!ret && (!msi->routed || msi->direct))
		ret = bind_fd(msi, 0);
	if (ret) {
		unroute(msi);
		return ret;
	}
	/* KVM delivers what it found there when it was bound, and leaves it there. */
	if (msi->chip->vm_fd >= 0 && !msi->routed)
		drain(msi);
	msi->routed = true;
	__atomic_store_n(&msi->direct, false, __ATOMIC_RELEASE);
	return 0;
}

int msi_init(struct msi *msi, struct irqchip *chip, u32 devid)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	memset(msi, 0, sizeof(*msi));
	if (fd < 0)
		return -errno;
	msi->fd = fd;
	msi->watch.fd = fd;
	msi->watch.fn = msi_ready;
	msi->gsi = -1;
	msi->devid = devid;
	msi->chip = chip;
	return 0;
}

int msi_route(struct msi *msi, u64 addr, u32 data)
{
	int ret;

	pthread_mutex_lock(&msi->chip->lock);
	ret = route(msi, addr, data);
	pthread_mutex_unlock(&msi->chip->lock);
	return ret;
}

void msi_unroute(struct msi *msi)
{
	pthread_mutex_lock(&msi->chip->lock);
	unroute(msi);
	pthread_mutex_unlock(&msi->chip->lock);
}

/* What comes while the interrupt is held back stays in the descriptor. */
static bool signal_user(struct msi *msi)
{
	bool routed;

	pthread_mutex_lock(&msi->chip->lock);
	routed = msi->routed;
	if (routed)
		irq_user_edge(msi->chip, msi->gsi);
	pthread_mutex_unlock(&msi->chip->lock);
	return routed;
}

/* True when the message went past the descriptor. */
static bool signal_direct(struct msi *msi)
{
	bool direct;

	if (msi->chip->user)
		return signal_user(msi);
	if (!__atomic_load_n(&msi->direct, __ATOMIC_ACQUIRE))
		return false;
	pthread_mutex_lock(&msi->chip->lock);
	direct = msi->direct;
	if (direct)
		send_direct(msi);
	pthread_mutex_unlock(&msi->chip->lock);
	return direct;
}

void msi_signal(struct msi *msi)
{
	u64 one = 1;

	stats_add_shared(&msi->chip->messages, 1);
	if (signal_direct(msi))
		return;
	/* The only failure is a counter that is full: it is signalled, then. */
	if (write(msi->fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_debug("interrupt: %s", strerror(errno));
}

bool msi_pending(const struct msi *msi)
{
	struct pollfd p = { .fd = msi->fd, .events = POLLIN };

	return !msi->routed && poll(&p, 1, 0) == 1;
}

void msi_clear(struct msi *msi)
{
	drain(msi);
}

void msi_destroy(struct msi *msi)
{
	struct irqchip *chip = msi->chip;

	if (!chip)
		return;
	pthread_mutex_lock(&chip->lock);
	unroute(msi);
	if (msi->gsi >= 0 && !chip->msi_line)
		give_gsi_back(msi);
	pthread_mutex_unlock(&chip->lock);
	close(msi->fd);
	memset(msi, 0, sizeof(*msi));
}
