// SPDX-License-Identifier: GPL-2.0
/*
 * XIVE in KVM (Documentation/virt/kvm/devices/xive.rst): hypercalls (LoPAR, 14.5.4.7)
 * configure sources and queues; everything else a guest does in pages of the hardware
 * that KVM maps for it, where nobody notices.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <linux/kernel.h>
#include <vmtool/fdt.h>
#include <vmtool/log.h>
#include <vmtool/vcpu.h>
#include <vmtool/vm.h>

#include "powerpc.h"
#include "regs.h"

#define XIVE_PAGE		SZ_64K
#define XIVE_PAGE_SHIFT		16
#define TIMA_OS_PAGE		2
#define TIMA_USER_PAGE		3
#define ESB_LEN			((u64)PPC_IRQ_END << PPC_XIVE_ESB_SHIFT)
#define ESB_LOAD_EOI		0
#define ESB_SET_PQ_00		0xc00

#define MASKED			0xff	/* instead of a priority */

#define H_INT_GET_SOURCE_INFO	0x3a8
#define H_INT_SET_SOURCE_CONFIG	0x3ac
#define H_INT_GET_SOURCE_CONFIG	0x3b0
#define H_INT_GET_QUEUE_INFO	0x3b4
#define H_INT_SET_QUEUE_CONFIG	0x3b8
#define H_INT_GET_QUEUE_CONFIG	0x3bc
#define H_INT_ESB		0x3c8
#define H_INT_SYNC		0x3cc
#define H_INT_RESET		0x3d0

/* Flags of sources, and of what is done to them. */
#define SOURCE_BY_HCALL		8	/* its pages are accessed by H_INT_ESB */
#define SOURCE_LSI		4
#define CONFIG_SET_EISN		2
#define CONFIG_MASK		1
#define QUEUE_ALWAYS_NOTIFY	1
#define ESB_STORE		1

/* What a source was configured as. */
struct xive_source {
	u32 server;
	u32 eisn;
	u8 priority;
	bool made;
	bool lsi;
};

struct ppc_xive {
	u8 *tima;
	u8 *esb;
	pthread_mutex_t lock;	/* of the sources */
	struct xive_source sources[PPC_IRQ_END];
};

static int xive_attr(struct vm *vm, unsigned long cmd, u32 group, u64 attr, void *val)
{
	struct kvm_device_attr a = { .group = group, .attr = attr, .addr = (uintptr_t)val };

	return ioctl(vm->arch->irq_fd, cmd, &a) < 0 ? -errno : 0;
}

static struct xive_source *find_source(struct vm *vm, u64 lisn)
{
	struct ppc_xive *x = vm->arch->xive;

	return lisn < PPC_IRQ_END && x->sources[lisn].made ? &x->sources[lisn] : NULL;
}

/* --- sources --------------------------------------------------------------------------- */

static int xive_add(struct vm *vm, u32 irq, enum irq_trigger trigger)
{
	struct xive_source *s = &vm->arch->xive->sources[irq];
	u64 val = trigger == IRQ_LEVEL ? KVM_XIVE_LEVEL_SENSITIVE : 0;
	int ret = xive_attr(vm, KVM_SET_DEVICE_ATTR, KVM_DEV_XIVE_GRP_SOURCE, irq, &val);

	if (ret)
		return ret;
	s->lsi = trigger == IRQ_LEVEL;
	s->priority = MASKED;
	__atomic_store_n(&s->made, true, __ATOMIC_RELEASE);
	return 0;
}

static bool xive_is_masked(struct vm *vm, u32 irq)
{
	struct ppc_xive *x = vm->arch->xive;
	bool masked;

	pthread_mutex_lock(&x->lock);
	masked = x->sources[irq].priority == MASKED;
	pthread_mutex_unlock(&x->lock);
	return masked;
}

static s64 get_source_info(struct vcpu *v, u64 *args)
{
	const struct xive_source *s = find_source(v->vm, args[1]);
	u64 page = PPC_XIVE_ESB + (args[1] << PPC_XIVE_ESB_SHIFT);

	if (args[0])
		return H_PARAMETER;
	if (!s)
		return H_P2;
	/* The end of a level's interrupt is when it is to be looked at again. */
	args[0] = s->lsi ? SOURCE_LSI | SOURCE_BY_HCALL : 0;
	args[1] = page + XIVE_PAGE;
	args[2] = page;
	args[3] = XIVE_PAGE_SHIFT;
	return H_SUCCESS;
}

static int set_source(struct vm *vm, u32 lisn, const struct xive_source *s)
{
	bool masked = s->priority == MASKED;
	u64 val = (u64)s->eisn << KVM_XIVE_SOURCE_EISN_SHIFT |
		  (u64)masked << KVM_XIVE_SOURCE_MASKED_SHIFT;

	if (!masked)
		val |= (u64)s->server << KVM_XIVE_SOURCE_SERVER_SHIFT |
		       (u64)s->priority << KVM_XIVE_SOURCE_PRIORITY_SHIFT;
	return xive_attr(vm, KVM_SET_DEVICE_ATTR, KVM_DEV_XIVE_GRP_SOURCE_CONFIG, lisn, &val);
}

/* flags, source, target, priority, number that the queue shows */
static s64 set_source_config(struct vcpu *v, u64 *args)
{
	struct xive_source *s = find_source(v->vm, args[1]), new;
	u64 flags = args[0], prio = flags & CONFIG_MASK ? MASKED : args[3];
	s64 ret = H_SUCCESS;

	if (flags & ~(u64)(CONFIG_SET_EISN | CONFIG_MASK))
		return H_PARAMETER;
	if (!s)
		return H_P2;
	if (prio != MASKED && !ppc_find_vcpu(v->vm, args[2]))
		return H_P3;
	if (prio != MASKED && prio >= PPC_XIVE_PRIORITIES)
		return H_P4;
	pthread_mutex_lock(&v->vm->arch->xive->lock);
	new = *s;
	new.priority = prio;
	if (prio != MASKED)
		new.server = args[2];
	if (flags & CONFIG_SET_EISN)
		new.eisn = args[4] & 0x7fffffff;
	if (set_source(v->vm, args[1], &new))
		ret = H_HARDWARE;
	else
		*s = new;
	pthread_mutex_unlock(&v->vm->arch->xive->lock);
	return ret;
}

static s64 get_source_config(struct vcpu *v, u64 *args)
{
	const struct xive_source *s = find_source(v->vm, args[1]);

	if (args[0])
		return H_PARAMETER;
	if (!s)
		return H_P2;
	pthread_mutex_lock(&v->vm->arch->xive->lock);
	args[0] = s->server;
	args[1] = s->priority;
	args[2] = s->eisn;
	pthread_mutex_unlock(&v->vm->arch->xive->lock);
	return H_SUCCESS;
}

/* --- queues ---------------------------------------------------------------------------- */

static s64 check_queue(struct vcpu *v, const u64 *args, u64 flags)
{
	if (args[0] & ~flags)
		return H_PARAMETER;
	if (!ppc_find_vcpu(v->vm, args[1]))
		return H_P2;
	return args[2] < PPC_XIVE_PRIORITIES ? H_SUCCESS : H_P3;
}

static u64 queue_attr(const u64 *args)
{
	return args[1] << KVM_XIVE_EQ_SERVER_SHIFT | args[2] << KVM_XIVE_EQ_PRIORITY_SHIFT;
}

/* There is no page to notify of a queue that is no longer full. */
static s64 get_queue_info(struct vcpu *v, u64 *args)
{
	s64 ret = check_queue(v, args, 0);

	if (ret)
		return ret;
	args[0] = 0;
	args[1] = 0;
	return H_SUCCESS;
}

/* flags, target, priority, address, size: a power of two, or 0 for none */
static s64 set_queue_config(struct vcpu *v, u64 *args)
{
	struct kvm_ppc_xive_eq eq = {
		.flags = KVM_XIVE_EQ_ALWAYS_NOTIFY, .qshift = args[4], .qaddr = args[3],
		.qtoggle = 1,
	};
	s64 ret = check_queue(v, args, QUEUE_ALWAYS_NOTIFY);

	if (ret)
		return ret;
	switch (args[4]) {
	case 12:
	case 16:
	case 21:
	case 24:
		if (args[3] & ((1ULL << args[4]) - 1))
			return H_P4;
		break;
	case 0:
		eq.qaddr = 0;
		break;
	default:
		return H_P5;
	}
	return xive_attr(v->vm, KVM_SET_DEVICE_ATTR, KVM_DEV_XIVE_GRP_EQ_CONFIG,
			 queue_attr(args), &eq) ? H_HARDWARE : H_SUCCESS;
}

static s64 get_queue_config(struct vcpu *v, u64 *args)
{
	struct kvm_ppc_xive_eq eq = { };
	s64 ret = check_queue(v, args, 0);

	if (ret)
		return ret;
	if (xive_attr(v->vm, KVM_GET_DEVICE_ATTR, KVM_DEV_XIVE_GRP_EQ_CONFIG,
		      queue_attr(args), &eq))
		return H_HARDWARE;
	args[0] = QUEUE_ALWAYS_NOTIFY;
	args[1] = eq.qaddr;
	args[2] = eq.qshift;
	return H_SUCCESS;
}

/* --- the rest -------------------------------------------------------------------------- */

static u64 esb_load(struct ppc_xive *x, u32 irq, u32 off)
{
	const u64 *p = (u64 *)(x->esb + ((u64)irq << PPC_XIVE_ESB_SHIFT) + XIVE_PAGE + off);

	return be64toh(__atomic_load_n(p, __ATOMIC_SEQ_CST));
}

static void esb_trigger(struct ppc_xive *x, u32 irq)
{
	u64 *p = (u64 *)(x->esb + ((u64)irq << PPC_XIVE_ESB_SHIFT));

	__atomic_store_n(p, 0, __ATOMIC_SEQ_CST);
}

/* A line that is still high interrupts again. */
static void end_level(struct vm *vm, u32 irq)
{
	const struct irq_line *line = &vm->irqchip.lines[irq - PPC_IRQ_LINES];

	esb_load(vm->arch->xive, irq, ESB_SET_PQ_00);
	if (__atomic_load_n(&line->level, __ATOMIC_SEQ_CST))
		esb_trigger(vm->arch->xive, irq);
}

/* flags, source, offset, data */
static s64 esb(struct vcpu *v, u64 *args)
{
	const struct xive_source *s = find_source(v->vm, args[1]);
	struct ppc_xive *x = v->vm->arch->xive;
	u64 off = args[2];

	if (args[0] & ~(u64)ESB_STORE)
		return H_PARAMETER;
	if (!s)
		return H_P2;
	if (off % sizeof(u64) || off > XIVE_PAGE - sizeof(u64))
		return H_P3;
	if (args[0] & ESB_STORE) {
		esb_trigger(x, args[1]);
		args[0] = ~0ULL;
	} else if (s->lsi && off == ESB_LOAD_EOI) {
		end_level(v->vm, args[1]);
		args[0] = 0;
	} else {
		args[0] = esb_load(x, args[1], off);
	}
	return H_SUCCESS;
}

static s64 sync_source(struct vcpu *v, u64 *args)
{
	if (args[0])
		return H_PARAMETER;
	if (!find_source(v->vm, args[1]))
		return H_P2;
	return xive_attr(v->vm, KVM_SET_DEVICE_ATTR, KVM_DEV_XIVE_GRP_SOURCE_SYNC, args[1],
			 NULL) ? H_HARDWARE : H_SUCCESS;
}

static int xive_reset(struct vm *vm)
{
	struct ppc_xive *x = vm->arch->xive;
	int i;

	pthread_mutex_lock(&x->lock);
	for (i = 0; i < PPC_IRQ_END; i++) {
		x->sources[i].priority = MASKED;
		x->sources[i].server = 0;
		x->sources[i].eisn = 0;
	}
	pthread_mutex_unlock(&x->lock);
	return xive_attr(vm, KVM_SET_DEVICE_ATTR, KVM_DEV_XIVE_GRP_CTRL, KVM_DEV_XIVE_RESET,
			 NULL);
}

static s64 h_reset(struct vcpu *v, u64 *args)
{
	if (args[0])
		return H_PARAMETER;
	return xive_reset(v->vm) ? H_HARDWARE : H_SUCCESS;
}

static s64 xive_hcall(struct vcpu *v, u64 nr, u64 *args)
{
	switch (nr) {
	case H_INT_GET_SOURCE_INFO:
		return get_source_info(v, args);
	case H_INT_SET_SOURCE_CONFIG:
		return set_source_config(v, args);
	case H_INT_GET_SOURCE_CONFIG:
		return get_source_config(v, args);
	case H_INT_GET_QUEUE_INFO:
		return get_queue_info(v, args);
	case H_INT_SET_QUEUE_CONFIG:
		return set_queue_config(v, args);
	case H_INT_GET_QUEUE_CONFIG:
		return get_queue_config(v, args);
	case H_INT_ESB:
		return esb(v, args);
	case H_INT_SYNC:
		return sync_source(v, args);
	case H_INT_RESET:
		return h_reset(v, args);
	default:
		return H_FUNCTION;
	}
}

/* No priority is let through, no interrupt is pending. */
static int xive_reset_vcpu(struct vcpu *v)
{
	u64 state[2] = { htobe64(0xff000000) };

	return ppc_set_reg(v, KVM_REG_PPC_VP_STATE, state);
}

static int xive_connect(struct vcpu *v)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_PPC_IRQ_XIVE, .args = { v->vm->arch->irq_fd, v->index },
	};

	return vcpu_ask(v, KVM_ENABLE_CAP, &cap);
}

/* --- set-up ---------------------------------------------------------------------------- */

/* Pages of the hardware: for us and, by a slot of KVM's, for the guest. */
static int map_pages(struct vm *vm, u64 gpa, u64 len, u64 page, int nth, u8 **hva)
{
	struct kvm_userspace_memory_region region = {
		.guest_phys_addr = gpa, .memory_size = len,
	};
	int slots = ioctl(vm->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_NR_MEMSLOTS);
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, vm->arch->irq_fd,
		       page << XIVE_PAGE_SHIFT);

	if (p == MAP_FAILED)
		return -errno;
	*hva = p;
	/* Those of guest memory are numbered from the other end. */
	region.slot = slots - 1 - nth;
	region.userspace_addr = (uintptr_t)p;
	return ioctl(vm->vm_fd, KVM_SET_USER_MEMORY_REGION, &region) < 0 ? -errno : 0;
}

static int add_sources(struct vm *vm)
{
	unsigned int i;
	int ret = 0;

	/* One a CPU for what CPUs send each other. */
	for (i = 0; i < vm->cfg->nr_cpus && !ret; i++)
		ret = xive_add(vm, i, IRQ_EDGE);
	return ret ?: ppc_add_lines(vm);
}

static int xive_create(struct vm *vm)
{
	struct kvm_create_device dev = { .type = KVM_DEV_TYPE_XIVE };
	u32 servers = vm->cfg->nr_cpus;
	struct ppc_xive *x = calloc(1, sizeof(*x));
	int ret = 0;

	if (!x)
		return -ENOMEM;
	vm->arch->xive = x;
	pthread_mutex_init(&x->lock, NULL);
	if (ioctl(vm->vm_fd, KVM_CREATE_DEVICE, &dev) < 0)
		ret = -errno;
	else
		vm->arch->irq_fd = dev.fd;
	/* Linux before 5.5 does not ask. */
	if (!ret)
		xive_attr(vm, KVM_SET_DEVICE_ATTR, KVM_DEV_XIVE_GRP_CTRL,
			  KVM_DEV_XIVE_NR_SERVERS, &servers);
	ret = ret ?: add_sources(vm);
	ret = ret ?: map_pages(vm, PPC_XIVE_TIMA, PPC_XIVE_TIMA_LEN, KVM_XIVE_TIMA_PAGE_OFFSET,
			       0, &x->tima);
	ret = ret ?: map_pages(vm, PPC_XIVE_ESB, ESB_LEN, KVM_XIVE_ESB_PAGE_OFFSET, 1, &x->esb);
	if (ret)
		log_err("cannot set up the interrupt controller XIVE: %s", strerror(-ret));
	return ret;
}

static void xive_destroy(struct vm *vm)
{
	struct ppc_xive *x = vm->arch->xive;

	if (!x)
		return;
	if (x->tima)
		munmap(x->tima, PPC_XIVE_TIMA_LEN);
	if (x->esb)
		munmap(x->esb, ESB_LEN);
	pthread_mutex_destroy(&x->lock);
	free(x);
	vm->arch->xive = NULL;
}

static void xive_fdt(const struct vm *vm, struct fdt_builder *b)
{
	const u64 user = PPC_XIVE_TIMA + TIMA_USER_PAGE * XIVE_PAGE;
	const u64 os = PPC_XIVE_TIMA + TIMA_OS_PAGE * XIVE_PAGE;
	const u32 reg[] = {
		user >> 32, (u32)user, 0, XIVE_PAGE, os >> 32, (u32)os, 0, XIVE_PAGE,
	};
	const u32 sizes[] = { 12, 16, 21, 24 };
	const u32 ipis[] = { 0, vm->cfg->nr_cpus };

	fdt_begin(b, "interrupt-controller@%llx", (unsigned long long)user);
	fdt_str(b, "device_type", "power-ivpe");
	fdt_str(b, "compatible", "ibm,power-ivpe");
	fdt_cells(b, "reg", reg, ARRAY_SIZE(reg));
	fdt_cells(b, "ibm,xive-eq-sizes", sizes, ARRAY_SIZE(sizes));
	fdt_cells(b, "ibm,xive-lisn-ranges", ipis, ARRAY_SIZE(ipis));
	fdt_flag(b, "interrupt-controller");
	fdt_u32(b, "#address-cells", 0);
	fdt_u32(b, "#interrupt-cells", 2);
	fdt_u32(b, "phandle", PPC_PHANDLE_IRQ);
	fdt_u32(b, "linux,phandle", PPC_PHANDLE_IRQ);
	fdt_end(b);
}

const struct ppc_irq_ops ppc_xive_ops = {
	.name = "XIVE",
	.create = xive_create,
	.destroy = xive_destroy,
	.connect = xive_connect,
	.add = xive_add,
	.reset = xive_reset,
	.reset_vcpu = xive_reset_vcpu,
	.is_masked = xive_is_masked,
	.hcall = xive_hcall,
	.fdt = xive_fdt,
};
