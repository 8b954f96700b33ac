// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile driver of the socket device, and a node that fails.
 */
#include <linux/virtio_vsock.h>
#include <vmtool/log.h>

#include "vhost_fuzz.h"
#include "../../virtio/virtio.h"

#define FEATURES	(VIRTIO_COMMON_FEATURES & ~BIT_ULL(VIRTIO_F_RING_PACKED) &	\
			 ~BIT_ULL(VIRTIO_F_RING_RESET) & ~BIT_ULL(VIRTIO_F_IN_ORDER))

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	log_set_level(LOG_ERROR);
	return 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	fake_vhost_init("/dev/vhost-vsock", FEATURES | BIT_ULL(VIRTIO_VSOCK_F_SEQPACKET));
	return vhost_fuzz(data, size, &vsock_class, "42");
}
