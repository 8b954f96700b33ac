// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/sizes.h>
#include <vmtool/arch.h>
#include <vmtool/log.h>
#include <vmtool/vcpu.h>
#include <vmtool/vm.h>

#include "arm.h"
#include "pages.h"
#include "regs.h"

#define AFF0_CPUS	16		/* as many as one GICv3 SGI can name */

u64 arm_mpidr(unsigned int index)
{
	return (index % AFF0_CPUS) | (u64)(index / AFF0_CPUS & 0xff) << 8 |
	       (u64)(index / AFF0_CPUS >> 8 & 0xff) << 16;
}

unsigned int arm_cache_levels(u64 clidr)
{
	unsigned int level = 0;

	while (level < ARM_CACHE_LEVELS && ARM_CACHE_TYPE(clidr, level + 1))
		level++;
	return level;
}

int arm_get_reg(struct vcpu *v, u64 id, u64 *val)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)val };

	return ioctl(v->fd, KVM_GET_ONE_REG, &reg) < 0 ? -errno : 0;
}

int arm_set_reg(struct vcpu *v, u64 id, u64 val)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)&val };

	return ioctl(v->fd, KVM_SET_ONE_REG, &reg) < 0 ? -errno : 0;
}

/* --- what vCPUs have ------------------------------------------------------------------- */

/* A dry run shows what could be there. */
static bool has_cap(const struct vm *vm, u32 cap)
{
	return vm->vm_fd < 0 || ioctl(vm->vm_fd, KVM_CHECK_EXTENSION, cap) > 0;
}

/* Decides on a feature; -EOPNOTSUPP after a message when the host has none. */
static int choose(unsigned int wanted, bool there, const char *option, const char *what, bool *on)
{
	*on = there && wanted != ARM_OFF;
	if (there || wanted != ARM_ON)
		return 0;
	log_err("--%s on: this host gives guests no %s; leave the option out", option, what);
	return -EOPNOTSUPP;
}

static void add_feature(struct vm_arch *arch, unsigned int feature)
{
	arch->init.features[feature / 32] |= BIT(feature % 32);
}

static int choose_pauth(struct vm *vm)
{
	bool there = !arm_is_32bit(vm) && has_cap(vm, KVM_CAP_ARM_PTRAUTH_ADDRESS) &&
		     has_cap(vm, KVM_CAP_ARM_PTRAUTH_GENERIC);
	bool on;
	int ret;

	ret = choose(vm->arch->conf->pauth, there, "pauth", "pointer authentication", &on);
	if (on) {
		add_feature(vm->arch, KVM_ARM_VCPU_PTRAUTH_ADDRESS);
		add_feature(vm->arch, KVM_ARM_VCPU_PTRAUTH_GENERIC);
	}
	return ret;
}

/*
 * Tags are a property of anonymous memory: what is mapped from a file has none, and a
 * guest could not use it.
 */
static int choose_mte(struct vm *vm)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_ARM_MTE };
	unsigned int wanted = vm->arch->conf->mte;
	int ret;

	if (wanted == ARM_ON && vm->cfg->hugetlbfs) {
		log_err("--mte on: huge pages have no tags; leave --hugetlbfs out");
		return -EINVAL;
	}
	if (vm->cfg->hugetlbfs || arm_is_32bit(vm))
		wanted = ARM_OFF;
	ret = choose(wanted, has_cap(vm, KVM_CAP_ARM_MTE), "mte", "memory tagging",
		     &vm->arch->mte);
	if (!vm->arch->mte || ret || vm->vm_fd < 0)
		return ret;
	if (ioctl(vm->vm_fd, KVM_ENABLE_CAP, &cap) < 0) {
		log_err("cannot enable memory tagging: %s; try --mte off", strerror(errno));
		return -errno;
	}
	return 0;
}

int arm_cpu_features(struct vm *vm)
{
	struct vm_arch *arch = vm->arch;
	const struct arm_conf *conf = arch->conf;
	bool sve;
	int ret;

	if (vm->vm_fd >= 0 && ioctl(vm->vm_fd, KVM_ARM_PREFERRED_TARGET, &arch->init) < 0) {
		log_err("cannot find out the kind of this CPU: %s", strerror(errno));
		return -errno;
	}
	add_feature(arch, KVM_ARM_VCPU_PSCI_0_2);
	if (arm_is_32bit(vm))
		add_feature(arch, KVM_ARM_VCPU_EL1_32BIT);
	ret = choose(conf->pmu, has_cap(vm, KVM_CAP_ARM_PMU_V3), "pmu", "performance counters",
		     &arch->pmu);
	if (arch->pmu)
		add_feature(arch, KVM_ARM_VCPU_PMU_V3);
	if (ret)
		return ret;
	ret = choose(conf->sve, !arm_is_32bit(vm) && has_cap(vm, KVM_CAP_ARM_SVE), "sve", "SVE",
		     &sve);
	if (sve)
		add_feature(arch, KVM_ARM_VCPU_SVE);
	ret = ret ?: choose_pauth(vm);
	return ret ?: choose_mte(vm);
}

static int vcpu_init(struct vcpu *v)
{
	struct kvm_vcpu_init init = v->vm->arch->init;

	if (v->index)
		init.features[0] |= BIT(KVM_ARM_VCPU_POWER_OFF);
	return ioctl(v->fd, KVM_ARM_VCPU_INIT, &init) < 0 ? -errno : 0;
}

int arch_vcpu_init(struct vcpu *v)
{
	struct vm_arch *arch = v->vm->arch;
	int feature = KVM_ARM_VCPU_SVE;
	int ret = vcpu_init(v);

	if (!ret && (arch->init.features[0] & BIT(KVM_ARM_VCPU_SVE)) &&
	    ioctl(v->fd, KVM_ARM_VCPU_FINALIZE, &feature) < 0)
		ret = -errno;
	if (ret) {
		log_err("cannot initialise vCPU %u: %s", v->index, strerror(-ret));
		return ret;
	}
	/* Old kernels show it, new ones too; without it no caches are described. */
	if (!v->index && arm_get_reg(v, ARM_CLIDR_EL1, &arch->clidr))
		arch->clidr = 0;
	return 0;
}

void arch_vcpu_destroy(struct vcpu *v)
{
}

static int set_up_pmu(struct vcpu *v)
{
	int irq = ARM_PPI_BASE + ARM_PPI_PMU;
	int ret;

	ret = arm_gic_attr(v->fd, KVM_SET_DEVICE_ATTR, KVM_ARM_VCPU_PMU_V3_CTRL,
			   KVM_ARM_VCPU_PMU_V3_IRQ, &irq);
	return ret ?: arm_gic_attr(v->fd, KVM_SET_DEVICE_ATTR, KVM_ARM_VCPU_PMU_V3_CTRL,
				   KVM_ARM_VCPU_PMU_V3_INIT, NULL);
}

int arm_cpus_finish(struct vm *vm)
{
	struct vm_arch *arch = vm->arch;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < vm->nr_vcpus && !ret; i++) {
		struct vcpu *v = vm->vcpus[i];
		u64 steal = arch->steal + i * ARM_STEAL_LEN;

		if (arch->pmu)
			ret = set_up_pmu(v);
		if (ret) {
			log_err("vCPU %u: cannot set up performance counters: %s; try --pmu off",
				i, strerror(-ret));
			return ret;
		}
		if (!arch->steal)
			continue;
		ret = arm_gic_attr(v->fd, KVM_SET_DEVICE_ATTR, KVM_ARM_VCPU_PVTIME_CTRL,
				   KVM_ARM_VCPU_PVTIME_IPA, &steal);
		if (ret)
			log_err("vCPU %u: cannot set up steal time: %s", i, strerror(-ret));
	}
	return ret;
}

int arm_check_pages(struct vm *vm)
{
	u32 page_size = vm->kernel.page_size;
	char sizes[24];
	u64 mmfr0;

	if (!vm->nr_vcpus || arm_get_reg(vm->vcpus[0], ARM_MMFR0_EL1, &mmfr0) ||
	    arm_has_pages(mmfr0, page_size))
		return 0;
	arm_list_pages(mmfr0, sizes, sizeof(sizes));
	log_err("kernel %s: was built for pages of %u KiB, and this CPU has those of %s KiB; build it for these",
		vm->cfg->kernel, page_size / SZ_1K, sizes);
	return -ENOEXEC;
}

/* --- running them -------------------------------------------------------------------- */

/* Documentation/arm64/booting.rst, "Call the kernel image". */
static int set_entry(struct vcpu *v, u64 pc, u64 x0)
{
	int ret;

	ret = arm_set_reg(v, ARM_PSTATE, ARM_PSTATE_EL1H | ARM_PSTATE_DAIF);
	ret = ret ?: arm_set_reg(v, ARM_X(0), x0);
	return ret ?: arm_set_reg(v, ARM_PC, pc);
}

int arch_vcpu_reset(struct vcpu *v)
{
	const struct kernel_image *ki = &v->vm->kernel;
	int ret = 0;

	/* A new vCPU has that state already. */
	if (v->vm->run.state != RUN_PRELAUNCH)
		ret = vcpu_init(v);
	if (ret || v->index)
		return ret;
	if (arm_is_32bit(v->vm))
		return arm32_set_entry(v, ki->base + ki->entry, v->vm->arch->fdt);
	return set_entry(v, ki->base + ki->entry, v->vm->arch->fdt);
}

static int set_mp_state(struct vcpu *v, u32 state)
{
	struct kvm_mp_state mp = { .mp_state = state };

	return ioctl(v->fd, KVM_SET_MP_STATE, &mp) < 0 ? -errno : 0;
}

/*
 * PSCI's SYSTEM_SUSPEND (Arm's DEN 0022, 5.20): the vCPU that calls is the last one
 * that is on. An interrupt wakes it up where it has asked for.
 */
static int suspend(struct vcpu *v)
{
	u64 entry, context;
	int ret;

	ret = arm_get_reg(v, ARM_X(1), &entry);
	ret = ret ?: arm_get_reg(v, ARM_X(2), &context);
	ret = ret ?: vcpu_init(v);
	/* Number 0 is not alone in being able to do so. */
	ret = ret ?: set_mp_state(v, KVM_MP_STATE_SUSPENDED);
	if (arm_is_32bit(v->vm))
		return ret ?: arm32_resume(v, entry, context);
	return ret ?: set_entry(v, entry, context);
}

static int handle_system_event(struct vcpu *v)
{
	int ret;

	switch (v->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SUSPEND:
		ret = suspend(v);
		break;
	case KVM_SYSTEM_EVENT_WAKEUP:
		ret = set_mp_state(v, KVM_MP_STATE_RUNNABLE);
		break;
	default:
		return -ENOSYS;
	}
	if (ret)
		log_err("vCPU %u: cannot suspend or wake up: %s", v->index, strerror(-ret));
	return ret ? -ENOSYS : 0;
}

/* An access by an instruction that KVM does not decode, or to nowhere. */
static int handle_no_syndrome(struct vcpu *v)
{
	char where[256];

	arch_show_vcpu(v, where, sizeof(where));
	log_err("vCPU %u: an access to 0x%llx that KVM cannot emulate, at %s", v->index,
		(unsigned long long)v->run->arm_nisv.fault_ipa, where);
	verdict_set(&v->vm->verdict, EXIT_KVM_ERROR);
	runstate_request(&v->vm->run, RUN_BY_HOST_ERROR);
	return 0;
}

int arch_handle_exit(struct vcpu *v)
{
	switch (v->run->exit_reason) {
	case KVM_EXIT_SYSTEM_EVENT:
		return handle_system_event(v);
	case KVM_EXIT_ARM_NISV:
		return handle_no_syndrome(v);
	default:
		return -ENOSYS;
	}
}
