// SPDX-License-Identifier: GPL-2.0
/*
 * XICS in this process: hypercalls (LoPAR, 14.5.4.5) and RTAS calls (7.3.10) of a guest
 * come here, and KVM is only told which vCPUs have something to be presented.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/kernel.h>
#include <vmtool/log.h>
#include <vmtool/vcpu.h>
#include <vmtool/vm.h>

#include "powerpc.h"
#include "regs.h"
#include "xics-core.h"

#define H_EOI		0x64
#define H_CPPR		0x68
#define H_IPI		0x6c
#define H_IPOLL		0x70
#define H_XIRR		0x74
#define H_XIRR_X	0x2fc

/* --- what a guest asks for ------------------------------------------------------------- */

static u64 timebase(void)
{
#ifdef __powerpc__
	return __builtin_ppc_get_timebase();
#else
	return 0;	/* no guest runs there */
#endif
}

static s64 h_ipoll(struct xics *x, u64 *args)
{
	u32 xirr;
	u8 mfrr;

	if (args[0] > ~0U || xics_poll(x, args[0], &xirr, &mfrr))
		return H_PARAMETER;
	args[0] = xirr;
	args[1] = mfrr;
	return H_SUCCESS;
}

static s64 h_ipi(struct xics *x, const u64 *args)
{
	return args[0] > ~0U || xics_set_mfrr(x, args[0], args[1]) ? H_PARAMETER : H_SUCCESS;
}

static s64 user_hcall(struct vcpu *v, u64 nr, u64 *args)
{
	struct xics *x = v->vm->arch->xics;

	switch (nr) {
	case H_XIRR:
	case H_XIRR_X:
		args[0] = xics_accept(x, v->index);
		if (nr == H_XIRR_X)
			args[1] = timebase();
		return H_SUCCESS;
	case H_CPPR:
		xics_set_cppr(x, v->index, args[0]);
		return H_SUCCESS;
	case H_EOI:
		return xics_eoi(x, v->index, args[0]) ? H_PARAMETER : H_SUCCESS;
	case H_IPI:
		return h_ipi(x, args);
	case H_IPOLL:
		return h_ipoll(x, args);
	default:
		return H_FUNCTION;
	}
}

/* What KVM's controller is asked ends in KVM: then there is none here. */
static struct xics *asked(struct vcpu *v, const struct rtas_call *c, u32 nargs, u32 nret)
{
	return c->nargs == nargs && c->nret == nret ? v->vm->arch->xics : NULL;
}

static s32 answer(int ret)
{
	return ret ? RTAS_PARAM_ERROR : RTAS_OK;
}

/* source, server, priority */
s32 ppc_rtas_set_xive(struct vcpu *v, struct rtas_call *c)
{
	struct xics *x = asked(v, c, 3, 1);

	if (!x || c->args[2] > XICS_MASKED)
		return RTAS_PARAM_ERROR;
	return answer(xics_configure(x, c->args[0], c->args[1], c->args[2]));
}

/* source: status, server, priority */
s32 ppc_rtas_get_xive(struct vcpu *v, struct rtas_call *c)
{
	struct xics *x = asked(v, c, 1, 3);
	u8 priority;

	if (!x || xics_query(x, c->args[0], &c->rets[1], &priority))
		return RTAS_PARAM_ERROR;
	c->rets[2] = priority;
	return RTAS_OK;
}

s32 ppc_rtas_int_off(struct vcpu *v, struct rtas_call *c)
{
	struct xics *x = asked(v, c, 1, 1);

	return x ? answer(xics_enable(x, c->args[0], false)) : RTAS_PARAM_ERROR;
}

s32 ppc_rtas_int_on(struct vcpu *v, struct rtas_call *c)
{
	struct xics *x = asked(v, c, 1, 1);

	return x ? answer(xics_enable(x, c->args[0], true)) : RTAS_PARAM_ERROR;
}

/* --- the machine's side ---------------------------------------------------------------- */

/*
 * KVM takes this from any thread, while the vCPU runs as well, and makes it come out if
 * need be. The level stays until it is taken back: a guest that does not listen now sees
 * it later.
 */
static void present(void *priv, u32 server, bool level)
{
	const struct vcpu *v = ppc_find_vcpu(priv, server);
	struct kvm_interrupt irq = {
		.irq = level ? KVM_INTERRUPT_SET_LEVEL : KVM_INTERRUPT_UNSET,
	};

	if (v && ioctl(v->fd, KVM_INTERRUPT, &irq) < 0)
		log_debug("vCPU %u: KVM_INTERRUPT: %s", server, strerror(errno));
}

static void user_set(void *priv, u32 irq, bool level)
{
	xics_line(priv, irq, level);
}

static int user_add(struct vm *vm, u32 irq, enum irq_trigger trigger)
{
	return xics_make(vm->arch->xics, irq, trigger == IRQ_LEVEL);
}

static bool can_present(const struct vm *vm)
{
	return vm->vm_fd < 0 ||
	       (ioctl(vm->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_PPC_IRQ_LEVEL) > 0 &&
		ioctl(vm->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_PPC_UNSET_IRQ) > 0);
}

static int user_create(struct vm *vm)
{
	struct vm_arch *arch = vm->arch;
	int ret;

	if (!can_present(vm)) {
		log_err("--irqchip xics-user: KVM here takes no levels of interrupts");
		return -EOPNOTSUPP;
	}
	arch->xics = xics_new(vm->cfg->nr_cpus, PPC_IRQ_LINES, PPC_IRQ_END - PPC_IRQ_LINES,
			      present, vm);
	ret = arch->xics ? ppc_add_lines(vm) : -ENOMEM;
	ret = ret ?: irqchip_set_user(&vm->irqchip, user_set, arch->xics);
	if (ret)
		log_err("cannot set up the interrupt controller: %s", strerror(-ret));
	return ret;
}

static void user_destroy(struct vm *vm)
{
	xics_free(vm->arch->xics);
	vm->arch->xics = NULL;
}

/* Threads of devices may still be at work then. */
static void user_disconnect(struct vcpu *v)
{
	xics_mute(v->vm->arch->xics);
}

static int user_reset(struct vm *vm)
{
	xics_power_on(vm->arch->xics);
	return 0;
}

static bool user_is_masked(struct vm *vm, u32 irq)
{
	u32 server;
	u8 priority;

	return xics_query(vm->arch->xics, irq, &server, &priority) || priority == XICS_MASKED;
}

const struct ppc_irq_ops ppc_xics_user_ops = {
	.name = "XICS, emulated",
	.xics = true,
	.create = user_create,
	.destroy = user_destroy,
	.disconnect = user_disconnect,
	.add = user_add,
	.reset = user_reset,
	.is_masked = user_is_masked,
	.hcall = user_hcall,
	.fdt = ppc_xics_fdt,
};
