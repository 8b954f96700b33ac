// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile guest at the registers of virtio-mmio.
 */
#include "virtio_registers.h"

static void mend(struct drv *d)
{
}

static void ranges(struct fuzzed *f)
{
	f->range[0] = (struct registers){ f->d.base, 0x100 };
	f->range[1] = (struct registers){ f->d.base + VIRTIO_MMIO_CONFIG, VIRTIO_CONFIG_MAX };
	f->range[2] = (struct registers){ f->d.base, VIRTIO_MMIO_LEN };
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	fuzz_registers(DRV_MMIO, data, size, mend, ranges);
	return 0;
}
