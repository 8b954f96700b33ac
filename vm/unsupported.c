// SPDX-License-Identifier: GPL-2.0
/*
 * Stands in for the machine of an architecture on which guests do not run yet.
 */
#include <errno.h>
#include <stdio.h>

#include <vmtool/arch.h>
#include <vmtool/log.h>
#include <vmtool/props.h>
#include <vmtool/virtio.h>
#include <vmtool/vm.h>

const struct prop arch_props[] = { { } };
const size_t arch_conf_size;

const bool arch_serial_is_hvc;

int arch_check_host(void)
{
	log_err("running guests is not supported yet on %s", arch_kernel_name);
	return -EOPNOTSUPP;
}

void arch_default_params(const struct vm *vm, char *buf, size_t size)
{
	*buf = '\0';
}

int arch_vm_type(const struct vm *vm, unsigned long *type)
{
	return -EOPNOTSUPP;
}

int arch_vm_init(struct vm *vm)
{
	return -EOPNOTSUPP;
}

struct device *arch_virtio_attach(struct vm *vm, struct virtio_dev *vd)
{
	virtio_destroy(vd);
	return NULL;
}

int arch_place_memory(struct vm *vm, u64 size, u64 align, u64 *addr)
{
	return -ENOSPC;
}

int arch_vcpus_created(struct vm *vm)
{
	return -EOPNOTSUPP;
}

void arch_vm_destroy(struct vm *vm)
{
}

int arch_vm_reset(struct vm *vm)
{
	return -EOPNOTSUPP;
}

int arch_load(struct vm *vm)
{
	return -EOPNOTSUPP;
}

int arch_vcpu_init(struct vcpu *vcpu)
{
	return -EOPNOTSUPP;
}

void arch_vcpu_destroy(struct vcpu *vcpu)
{
}

int arch_vcpu_reset(struct vcpu *vcpu)
{
	return -EOPNOTSUPP;
}

int arch_handle_exit(struct vcpu *vcpu)
{
	return -ENOSYS;
}

int arch_powerdown(struct vm *vm)
{
	return -ENOTSUP;
}

void arch_show_vcpu(struct vcpu *vcpu, char *buf, size_t size)
{
	snprintf(buf, size, "an unknown place");
}

const char arch_anchor_symbol[] = "";

int arch_vcpu_sample(struct vcpu *vcpu, struct vcpu_sample *s)
{
	return -ENOTSUP;
}

int arch_vcpu_nmi(struct vcpu *vcpu)
{
	return -ENOTSUP;
}

bool arch_host_can_virtualize(void)
{
	return true;
}

int arch_dump_acpi(struct vm *vm, const char *dir)
{
	return -EOPNOTSUPP;
}

int arch_dump_dtb(struct vm *vm, const char *file)
{
	return -EOPNOTSUPP;
}

void arch_describe(struct vm *vm, FILE *out)
{
}
