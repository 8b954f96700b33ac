// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile driver of the entropy device, with and without a limit to its rate.
 */
#include "hostile.h"
#include "../../virtio/virtio.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	log_set_level(LOG_ERROR);
	return 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct hostile h;

	memset(&h, 0, sizeof(h));
	if (!size)
		return 0;
	CHECK(!hostile_begin(&h, data, size, &rng_class, data[0] & 0x80 ? "rate=300" : NULL));
	hostile_setup(&h, 0);
	while (h.left) {
		if (!hostile_step(&h))
			drv_run(&h.d);
	}
	hostile_setup(&h, 0);
	drv_end(&h.d);
	return 0;
}
