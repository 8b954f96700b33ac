// SPDX-License-Identifier: GPL-2.0
/*
 * What is in memory at the first instruction: the kernel at its place, an initrd, the
 * device tree and the stub of RTAS.
 */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/arch.h>
#include <vmtool/fdt.h>
#include <vmtool/log.h>
#include <vmtool/vm.h>

#include "powerpc.h"
#include "regs.h"

/* Called in 32-bit big-endian mode, r3: arguments: H_RTAS, and back. */
static const u32 rtas_stub[] = {
	0x7c641b78,		/* mr	r4, r3 */
	0x3c600000,		/* li	r3, 0 */
	0x60630000 | H_RTAS,	/* ori	r3, r3, H_RTAS */
	PPC_INSN_SC1,
	0x4e800020,		/* blr */
};

static u64 align_down(u64 addr)
{
	return addr & ~(u64)(PPC_ALIGN - 1);
}

static int no_room(const char *what, u64 size)
{
	log_err("%s: %llu MiB do not fit above the kernel; use a larger -m", what,
		(unsigned long long)DIV_ROUND_UP(size, SZ_1M));
	return -EFBIG;
}

/* From the end of low memory down; an initrd that is too large goes above. */
static int place(struct vm *vm)
{
	struct vm_arch *arch = vm->arch;
	u64 end = gmem_end(&vm->gmem, ~0ULL), size = vm->initrd.total;
	u64 low = align_down(min_t(u64, end, PPC_LOW)), kernel = vm->kernel.end;

	if (low < kernel + PPC_RTAS_LEN + PPC_FDT_MAX)
		return no_room("device tree", PPC_RTAS_LEN + PPC_FDT_MAX);
	arch->rtas = low - PPC_RTAS_LEN;
	arch->fdt = arch->rtas - PPC_FDT_MAX;
	arch->initrd = 0;
	if (!size)
		return 0;
	if (arch->fdt - align_down(kernel + PPC_ALIGN - 1) >= size) {
		arch->initrd = align_down(arch->fdt - size);
		if (arch->initrd >= kernel)
			return 0;
	}
	if (end < low || end - low < size)
		return no_room("initrd", size);
	arch->initrd = low;
	return 0;
}

static int load_rtas(struct vm *vm)
{
	u32 stub[ARRAY_SIZE(rtas_stub)];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(stub); i++)
		stub[i] = htobe32(rtas_stub[i]);
	return gmem_write(&vm->gmem, vm->arch->rtas, stub, sizeof(stub));
}

/* Builds the tree and hands it to @use. */
static int with_fdt(struct vm *vm, int (*use)(struct vm *vm, const void *blob, size_t len,
					      void *priv), void *priv)
{
	struct fdt_builder b;
	const void *blob;
	size_t len;
	int ret;

	fdt_builder_init(&b);
	fdt_reserve(&b, vm->arch->rtas, PPC_RTAS_LEN);
	ppc_fdt_build(vm, &b);
	ret = fdt_builder_finish(&b, &blob, &len);
	if (ret)
		log_err("cannot make the device tree: %s", strerror(-ret));
	else
		ret = use(vm, blob, len, priv);
	fdt_builder_destroy(&b);
	return ret;
}

static int load_fdt(struct vm *vm, const void *blob, size_t len, void *priv)
{
	if (len > PPC_FDT_MAX) {
		log_err("the device tree is too large: %zu bytes", len);
		return -E2BIG;
	}
	vm->arch->fdt_len = len;
	return gmem_write(&vm->gmem, vm->arch->fdt, blob, len);
}

int arch_load(struct vm *vm)
{
	int ret = kernel_image_load(&vm->kernel, &vm->gmem);

	ret = ret ?: place(vm);
	if (!ret && vm->initrd.total)
		ret = initrd_load(&vm->initrd, &vm->gmem, vm->arch->initrd);
	ret = ret ?: load_rtas(vm);
	return ret ?: with_fdt(vm, load_fdt, NULL);
}

static int save_fdt(struct vm *vm, const void *blob, size_t len, void *priv)
{
	const char *file = priv;
	FILE *out = fopen(file, "we");
	int ret = 0;

	if (!out || fwrite(blob, len, 1, out) != 1)
		ret = -errno;
	if (out && fclose(out))
		ret = -errno;
	if (ret)
		log_err("--dump-dtb %s: %s", file, strerror(-ret));
	return ret;
}

int arch_dump_dtb(struct vm *vm, const char *file)
{
	return with_fdt(vm, save_fdt, (char *)file);
}
