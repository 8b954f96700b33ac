// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile driver of persistent memory, which has chains and rings in that memory as
 * well. At the end the device still flushes, and the file has the size it had.
 */
#include <sys/mman.h>
#include <sys/stat.h>

#include <linux/sizes.h>
#include <linux/virtio_pmem.h>
#include <vmtool/log.h>

#include "hostile.h"
#include "../../virtio/virtio.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	log_set_level(LOG_ERROR);
	return 0;
}

/* A flush as it should be is answered. */
static void check_flush(struct drv *d)
{
	__le32 type = htole32(VIRTIO_PMEM_REQ_TYPE_FLUSH), ret = 1;
	u64 req = drv_alloc_with(d, &type, sizeof(type)), resp = drv_alloc_with(d, &ret, 4);
	u32 len = 0;

	CHECK(drv_request(d, 0, (struct drv_seg[]){ DRV_OUT(req, 4), DRV_IN(resp, 4) }, 2, &len));
	drv_fetch(d, resp, &ret, sizeof(ret));
	CHECK(len == 4 && !ret);
}

/* A file that is only read is as it was. */
static bool is_empty(int fd)
{
	const u8 *p = mmap(NULL, SZ_2M, PROT_READ, MAP_SHARED, fd, 0);
	bool empty;

	CHECK(p != MAP_FAILED);
	empty = !p[0] && !memcmp(p, p + 1, SZ_2M - 1);
	munmap((void *)p, SZ_2M);
	return empty;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct hostile *h = calloc(1, sizeof(*h));
	int fd = memfd_create("pmem", MFD_CLOEXEC);
	bool ro = size && data[0] & 0x80;
	struct stat st;
	char conf[64];

	CHECK(h && fd >= 0 && !ftruncate(fd, SZ_2M));
	snprintf(conf, sizeof(conf), "/proc/self/fd/%d%s", fd, ro ? ",ro" : "");
	CHECK(!hostile_begin(h, data, size, &pmem_class, conf));
	h->place = drv_config_read64(&h->d, 0);
	while (h->left)
		/* What is left to do: the memory itself. */
		if (!hostile_step(h) && !ro)
			drv_put(&h->d, h->place + hostile_take(h, 2),
				&(u64){ hostile_take(h, 8) }, 8);
	drv_run(&h->d);
	CHECK(drv_config_read64(&h->d, 0) == h->place && drv_config_read64(&h->d, 8) == SZ_2M);
	hostile_setup(h, 0);
	check_flush(&h->d);
	CHECK(!fstat(fd, &st) && st.st_size == SZ_2M && (!ro || is_empty(fd)));
	drv_end(&h->d);
	close(fd);
	free(h);
	return 0;
}
