// SPDX-License-Identifier: GPL-2.0
/*
 * What the host's CPUs are: a guest of KVM-HV runs on them as they are. KVM tells of
 * page sizes; the rest is in the host's own device tree.
 */
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <vmtool/fdt.h>
#include <vmtool/log.h>
#include <vmtool/vm.h>

#include "powerpc.h"

#define CPUS_DIR	"/proc/device-tree/cpus"
#define PROP_MAX	512

/* Every CPU since POWER6 has a timebase of this frequency. */
#define DEFAULT_TB_HZ	512000000
#define DEFAULT_PVR	0x004e1200	/* POWER9, for a dry run elsewhere */

/* "ibm,pa-features": two bytes, then features: a byte << 8 and the bit in it. */
#define PA_HEADER	2
#define PA_MMU		0x0080
#define PA_FPU		0x0040
#define PA_LE		0x0580
#define PA_TM		0x1680
#define PA_RADIX	0x2880

/* Of the first CPU; its bytes, at most @size, or -errno. */
static int read_prop(const char *name, void *buf, size_t size)
{
	char path[512];
	struct dirent *e;
	DIR *dir = opendir(CPUS_DIR);
	int fd, ret = -ENOENT;

	if (!dir)
		return -errno;
	while (ret == -ENOENT && (e = readdir(dir))) {
		if (strncmp(e->d_name, "PowerPC,", 8))
			continue;
		snprintf(path, sizeof(path), "%s/%s/%s", CPUS_DIR, e->d_name, name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			break;
		ret = read(fd, buf, size);
		close(fd);
	}
	closedir(dir);
	return ret;
}

static u32 read_cell(const char *name, u32 def)
{
	u32 val;

	return read_prop(name, &val, sizeof(val)) == sizeof(val) ? be32toh(val) : def;
}

void ppc_host_copy(struct fdt_builder *b, const char *prop)
{
	u8 buf[PROP_MAX];
	int len = read_prop(prop, buf, sizeof(buf));

	if (len >= 0 && len < sizeof(buf))
		fdt_bytes(b, prop, buf, len);
}

static bool has_cap(const struct vm *vm, long cap)
{
	return vm->vm_fd >= 0 && ioctl(vm->vm_fd, KVM_CHECK_EXTENSION, cap) > 0;
}

static u32 read_pvr(void)
{
#ifdef __powerpc__
	unsigned long pvr;

	/* Privileged; Linux emulates it for programs. */
	asm volatile("mfspr %0, 287" : "=r" (pvr));
	return pvr;
#else
	return DEFAULT_PVR;
#endif
}

static void set_feature(struct ppc_host *h, u32 what, bool have)
{
	unsigned int at = PA_HEADER + (what >> 8);
	u8 bit = what;

	if (at >= h->pa_len) {
		if (!have)
			return;
		h->pa_len = at + 1;
		h->pa_features[0] = h->pa_len - PA_HEADER;
	}
	h->pa_features[at] = have ? h->pa_features[at] | bit : h->pa_features[at] & ~bit;
}

/*
 * The host has some that KVM does not give to guests, and firmware leaves out what is
 * the kernel's choice there.
 */
static void read_features(struct vm *vm, struct ppc_host *h)
{
	int len = read_prop("ibm,pa-features", h->pa_features, sizeof(h->pa_features));

	h->pa_len = len > 0 ? len : 0;
	/* One descriptor, of the first kind: all else would be a surprise. */
	if (h->pa_len != PA_HEADER + h->pa_features[0] || h->pa_features[1])
		h->pa_len = 0;
	if (!h->pa_len)
		memset(h->pa_features, 0, sizeof(h->pa_features));
	set_feature(h, PA_MMU, true);
	set_feature(h, PA_FPU, true);
	set_feature(h, PA_LE, true);
	set_feature(h, PA_TM, has_cap(vm, KVM_CAP_PPC_HTM));
	set_feature(h, PA_RADIX, h->radix);
}

static int read_mmu(struct vm *vm, struct ppc_host *h)
{
	h->radix = vm->vm_fd < 0 || has_cap(vm, KVM_CAP_PPC_MMU_RADIX);
	if (vm->vm_fd < 0)
		return 0;
	h->has_smmu = !ioctl(vm->vm_fd, KVM_PPC_GET_SMMU_INFO, &h->smmu);
	if (h->radix && ioctl(vm->vm_fd, KVM_PPC_GET_RMMU_INFO, &h->rmmu) < 0) {
		log_err("KVM does not tell the page sizes of radix guests: %s", strerror(errno));
		return -errno;
	}
	if (!h->radix && !h->has_smmu) {
		log_err("KVM here runs neither radix nor hash guests; is kvm_hv loaded?");
		return -EOPNOTSUPP;
	}
	return 0;
}

int ppc_host_init(struct vm *vm)
{
	struct ppc_host *h = &vm->arch->host;
	int ret;

	if (vm->vm_fd >= 0 && !has_cap(vm, KVM_CAP_PPC_HTAB_FD) &&
	    !has_cap(vm, KVM_CAP_PPC_MMU_RADIX)) {
		log_err("this KVM is not KVM-HV; load the module kvm_hv");
		return -EOPNOTSUPP;
	}
	ret = read_mmu(vm, h);
	if (ret)
		return ret;
	h->pvr = read_pvr();
	h->tb_hz = read_cell("timebase-frequency", DEFAULT_TB_HZ);
	h->clock_hz = read_cell("clock-frequency", 0);
	h->multi_tce = has_cap(vm, KVM_CAP_SPAPR_MULTITCE);
	read_features(vm, h);
	return 0;
}
