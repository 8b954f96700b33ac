// SPDX-License-Identifier: GPL-2.0
/*
 * Kernel, device tree and initrd in memory, one behind the other
 * (Documentation/arm64/booting.rst).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/arch.h>
#include <vmtool/fdt.h>
#include <vmtool/io.h>
#include <vmtool/log.h>
#include <vmtool/vm.h>

#include "arm.h"
#include "regs.h"

static u64 load_align(u64 addr)
{
	return (addr + ARM_LOAD_ALIGN - 1) & ~(ARM_LOAD_ALIGN - 1);
}

static int place_initrd(struct vm *vm, u64 *addr)
{
	u64 end = arm_memory_end(vm);

	*addr = vm->arch->firmware + (vm->arch->conf->acpi ? ARM_FIRMWARE_LEN : 0);
	if (*addr <= end && vm->initrd.total <= end - *addr)
		return 0;
	log_err("initrd: %llu MiB do not fit behind the kernel; use a larger -m",
		(unsigned long long)(vm->initrd.total + (1 << 20) - 1) >> 20);
	return -EFBIG;
}

static int write_fdt(struct vm *vm, u64 initrd)
{
	struct fdt_builder b;
	const void *blob;
	size_t size;
	int ret;

	fdt_builder_init(&b);
	arm_fdt_build(vm, &b, initrd);
	ret = fdt_builder_finish(&b, &blob, &size);
	if (!ret && size > ARM_FDT_MAX)
		ret = -E2BIG;
	if (ret)
		log_err("cannot describe the machine: %s", strerror(-ret));
	else
		ret = gmem_write(&vm->gmem, vm->arch->fdt, blob, size);
	if (ret == -EFAULT)
		log_err("no room for the device tree behind the kernel; use a larger -m");
	fdt_builder_destroy(&b);
	return ret;
}

static int write_firmware(struct vm *vm)
{
	u64 end = vm->arch->firmware + ARM_FIRMWARE_LEN;

	if (end > arm_memory_end(vm)) {
		log_err("no room for ACPI tables behind the kernel; use a larger -m");
		return -EFBIG;
	}
	return arm_efi_write(vm) ?: arm_acpi_build(vm, NULL, NULL);
}

int arch_load(struct vm *vm)
{
	u64 initrd = 0;
	int ret;

	ret = arm_check_pages(vm);
	if (ret)
		return ret;
	vm->kernel.base = ARM_MEMORY;
	vm->arch->fdt = load_align(ARM_MEMORY + vm->kernel.end);
	vm->arch->firmware = vm->arch->fdt + ARM_FDT_MAX;
	ret = kernel_image_load(&vm->kernel, &vm->gmem);
	if (!ret && vm->arch->conf->acpi)
		ret = write_firmware(vm);
	if (!ret && vm->initrd.total) {
		ret = place_initrd(vm, &initrd);
		ret = ret ?: initrd_load(&vm->initrd, &vm->gmem, initrd);
	}
	return ret ?: write_fdt(vm, initrd);
}

static int write_blob(int fd, const void *blob, size_t size)
{
	ssize_t n = write(fd, blob, size);

	if (n < 0)
		return -errno;
	return n == size ? 0 : -ENOSPC;
}

static int dump(const char *file, const void *blob, size_t size)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int ret = fd < 0 ? -errno : write_blob(fd, blob, size);

	if (fd >= 0 && close(fd) < 0 && !ret)
		ret = -errno;
	if (ret)
		log_err("--dump-dtb %s: %s", file, strerror(-ret));
	return ret;
}

int arch_dump_dtb(struct vm *vm, const char *file)
{
	u64 size = vm->arch->fdt + ARM_FDT_MAX;
	struct fdt_builder b;
	const void *blob;
	size_t len;
	int ret;

	fdt_builder_init(&b);
	arm_fdt_build(vm, &b, size);
	ret = fdt_builder_finish(&b, &blob, &len);
	if (ret)
		log_err("cannot describe the machine: %s", strerror(-ret));
	else
		ret = dump(file, blob, len);
	fdt_builder_destroy(&b);
	return ret;
}
