// SPDX-License-Identifier: GPL-2.0
/*
 * Guests of 32-bit ARM: vCPUs whose kernel runs in AArch32, on a CPU that has that at
 * EL1. The machine is the one that 64-bit guests have, as far as 32 bits reach.
 */
#include <endian.h>
#include <errno.h>
#include <sys/ioctl.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/kvm.h>
#include <vmtool/gmem.h>
#include <vmtool/log.h>
#include <vmtool/size.h>
#include <vmtool/vcpu.h>
#include <vmtool/vm.h>

#include "arm.h"
#include "layout.h"
#include "regs.h"

/* Any machine's, but for those whose numbers were given out: the device tree tells. */
#define MACHINE_ANY	0xffffffffUL

static int check_off(unsigned int wanted, const char *option)
{
	if (wanted != ARM_ON)
		return 0;
	log_err("--%s on: a 32-bit guest has none; leave the option out", option);
	return -EINVAL;
}

int arm32_check(const struct vm *vm)
{
	const struct arm_conf *conf = vm->arch->conf;
	char asked[24], most[24];
	int ret;

	if (vm->vm_fd >= 0 && ioctl(vm->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_ARM_EL1_32BIT) <= 0) {
		log_err("kernel %s: is of 32-bit ARM, which this host's CPU cannot run",
			vm->cfg->kernel);
		return -ENOEXEC;
	}
	if (vm->cfg->mem > ARM32_MEMORY_MAX) {
		log_err("-m %s: memory of a 32-bit guest ends at 4 GiB, and %s lie above; use -m %s",
			format_size(vm->cfg->mem, asked, sizeof(asked)),
			format_size(vm->cfg->mem - ARM32_MEMORY_MAX, most, sizeof(most)), "2G");
		return -EINVAL;
	}
	ret = check_off(conf->sve, "sve");
	ret = ret ?: check_off(conf->pauth, "pauth");
	ret = ret ?: check_off(conf->mte, "mte");
	if (!ret && conf->acpi) {
		log_err("--acpi on: a 32-bit kernel knows no ACPI; leave the option out");
		ret = -EINVAL;
	}
	return ret;
}

/* Documentation/arm/booting.rst, "Calling the kernel image". */
int arm32_set_entry(struct vcpu *v, u64 pc, u64 fdt)
{
	int ret;

	ret = arm_set_reg(v, ARM_PSTATE, ARM_CPSR_SVC | ARM_CPSR_AIF);
	ret = ret ?: arm_set_reg(v, ARM_X(0), 0);
	ret = ret ?: arm_set_reg(v, ARM_X(1), MACHINE_ANY);
	ret = ret ?: arm_set_reg(v, ARM_X(2), fdt);
	return ret ?: arm_set_reg(v, ARM_PC, pc);
}

int arm32_resume(struct vcpu *v, u64 pc, u64 context)
{
	u64 thumb = pc & 1 ? ARM_CPSR_T : 0;
	int ret;

	ret = arm_set_reg(v, ARM_PSTATE, ARM_CPSR_SVC | ARM_CPSR_AIF | thumb);
	ret = ret ?: arm_set_reg(v, ARM_X(0), context);
	return ret ?: arm_set_reg(v, ARM_PC, pc & ~1ULL);
}

/* --- where it stands ------------------------------------------------------------------- */

/* TTBCR, and what entries of tables say (Arm's DDI 0406, B3.5 and B3.6). */
#define TTBCR_LPAE		BIT(31)
#define TTBCR_N(ttbcr)		((ttbcr) & 7)
#define TTBCR_T0SZ(ttbcr)	((ttbcr) & 7)
#define TTBCR_T1SZ(ttbcr)	((ttbcr) >> 16 & 7)
#define SHORT_KIND(entry)	((entry) & 3)
#define SHORT_TABLE		1
#define SHORT_SECTION		2
#define LONG_ADDR		0xfffffff000ULL

static int read_entry(struct vcpu *v, u64 at, void *entry, size_t size)
{
	return gmem_read(&v->vm->gmem, at, entry, size) ? -EFAULT : 0;
}

/* Two levels, whose entries have 32 bits: sections of 1 MiB, and pages of 4 KiB. */
static int translate_short(struct vcpu *v, u32 va, u64 ttbcr, const u64 *ttbr, u64 *pa)
{
	unsigned int n = TTBCR_N(ttbcr);
	bool upper = n && va >> (32 - n);
	u64 table = ttbr[upper] & (upper ? ~0x3fffULL : ~((1ULL << (14 - n)) - 1)) & 0xffffffff;
	u64 index = upper ? va >> 20 : (va & (0xffffffffU >> n)) >> 20;
	__le32 le;
	u32 entry;

	if (read_entry(v, table + index * sizeof(le), &le, sizeof(le)))
		return -EFAULT;
	entry = le32toh(le);
	if (SHORT_KIND(entry) >= SHORT_SECTION) {
		*pa = (entry & 0xfff00000) | (va & 0xfffff);
		return 0;
	}
	if (SHORT_KIND(entry) != SHORT_TABLE ||
	    read_entry(v, (entry & ~0x3ffU) + (va >> 12 & 0xff) * sizeof(le), &le, sizeof(le)))
		return -EFAULT;
	entry = le32toh(le);
	if (!(entry & SHORT_SECTION))
		return -EFAULT;
	*pa = (entry & ~0xfffU) | (va & 0xfff);
	return 0;
}

/* Up to three levels, whose entries have 64 bits (LPAE). */
static int translate_long(struct vcpu *v, u32 va, u64 ttbcr, const u64 *ttbr, u64 *pa)
{
	unsigned int t0 = TTBCR_T0SZ(ttbcr), t1 = TTBCR_T1SZ(ttbcr);
	bool upper = t0 ? va >> (32 - t0) : t1 && va >> (32 - t1) == (1U << t1) - 1;
	unsigned int bits = 32 - (upper ? t1 : t0), shift = bits > 30 ? 30 : 21;
	u64 table = ttbr[upper] & LONG_ADDR & ~0x1fULL, entry;
	__le64 le;

	for (;; shift -= 9) {
		u64 index = (va & ((1ULL << bits) - 1)) >> shift, mask = (1ULL << shift) - 1;

		if (read_entry(v, table + index * sizeof(le), &le, sizeof(le)))
			return -EFAULT;
		entry = le64toh(le);
		if (!(entry & 1))
			return -EFAULT;
		if (shift == 12 || !(entry & 2)) {
			*pa = (entry & LONG_ADDR & ~mask) | (va & mask);
			return 0;
		}
		table = entry & LONG_ADDR;
		bits = shift;
	}
}

static int translate(struct vcpu *v, u64 va, u64 *pa)
{
	u64 sctlr, ttbcr, ttbr[2];
	int ret;

	ret = arm_get_reg(v, ARM_SCTLR_EL1, &sctlr);
	ret = ret ?: arm_get_reg(v, ARM_TCR_EL1, &ttbcr);
	ret = ret ?: arm_get_reg(v, ARM_TTBR0_EL1, &ttbr[0]);
	ret = ret ?: arm_get_reg(v, ARM_TTBR1_EL1, &ttbr[1]);
	*pa = va;
	if (ret || !(sctlr & BIT(0)))
		return ret;
	if (ttbcr & TTBCR_LPAE)
		return translate_long(v, va, ttbcr, ttbr, pa);
	return translate_short(v, va, ttbcr, ttbr, pa);
}

#define A32_WFE			0xe320f002
#define A32_WFI			0xe320f003
#define A32_BRANCH_SELF		0xeafffffe
#define T32_WFE			0xbf20
#define T32_WFI			0xbf30
#define T32_BRANCH_SELF		0xe7fe

static u32 insn_at(struct vcpu *v, u64 pc, bool thumb)
{
	__le32 insn = 0;
	u64 pa;

	if (translate(v, pc, &pa) || read_entry(v, pa, &insn, thumb ? 2 : 4))
		return 0;
	return le32toh(insn);
}

static bool waits(u32 insn, bool thumb)
{
	return thumb ? insn == T32_WFI || insn == T32_WFE : insn == A32_WFI || insn == A32_WFE;
}

int arm32_insn_waits(struct vcpu *v, u64 pc, bool thumb)
{
	u32 insn = insn_at(v, pc, thumb);

	if (waits(insn, thumb) || waits(insn_at(v, pc - (thumb ? 2 : 4), thumb), thumb))
		return 1;
	return insn == (thumb ? T32_BRANCH_SELF : A32_BRANCH_SELF) ? 2 : 0;
}
