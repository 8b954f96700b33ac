// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile driver of the SCSI host, and a node that fails.
 */
#include <linux/virtio_scsi.h>
#include <vmtool/log.h>

#include "vhost_fuzz.h"
#include "../../virtio/virtio.h"

#define WWPN		"naa.500140512345678a"
#define FEATURES	(VIRTIO_COMMON_FEATURES & ~BIT_ULL(VIRTIO_F_RING_PACKED) &	\
			 ~BIT_ULL(VIRTIO_F_RING_RESET) & ~BIT_ULL(VIRTIO_F_IN_ORDER))

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	log_set_level(LOG_ERROR);
	return 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	fake_vhost_init("/dev/vhost-scsi", FEATURES | BIT_ULL(VIRTIO_SCSI_F_HOTPLUG));
	fake_vhost.wwpn = WWPN;
	return vhost_fuzz(data, size, &scsi_class, WWPN ",queues=2");
}
