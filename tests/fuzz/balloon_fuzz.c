// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile driver of the balloon, and a host that changes its mind. What the host is
 * told makes sense, whatever the driver says.
 */
#include <vmtool/balloon.h>

#include "hostile.h"
#include "../../virtio/virtio.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	log_set_level(LOG_ERROR);
	return 0;
}

static void ask(struct hostile *h)
{
	struct balloon_stats stats;
	struct balloon_info info;

	balloon_query(h->d.vd, &info);
	CHECK(info.actual <= info.total && info.target <= info.total);
	if (balloon_query_stats(h->d.vd, &stats))
		return;
	CHECK(!(stats.known >> BALLOON_NR_STATS));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct hostile h;

	memset(&h, 0, sizeof(h));
	CHECK(!hostile_begin(&h, data, size, &balloon_class, NULL));
	hostile_setup(&h, 0);
	h.place = h.d.queue[0].desc & ~4095ULL;
	while (h.left) {
		if (hostile_step(&h))
			continue;
		if (hostile_take(&h, 1) & 1)
			balloon_set(h.d.vd, hostile_take(&h, 4));
		else
			ask(&h);
	}
	hostile_setup(&h, 0);
	drv_end(&h.d);
	return 0;
}
