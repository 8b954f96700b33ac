// SPDX-License-Identifier: GPL-2.0
/*
 * Non-volatile memory (LoPAR, chapter 8), which is as volatile as the process: guests
 * keep their last words there. It begins as a single partition of free space.
 */
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/device.h>
#include <vmtool/fdt.h>
#include <vmtool/vcpu.h>
#include <vmtool/vm.h>

#include "powerpc.h"

#define NVRAM_LEN		SZ_64K
#define NVRAM_BLOCK		16	/* partitions are counted in */
#define SIGNATURE_FREE		0x7f

struct nvram {
	struct device dev;
	pthread_mutex_t lock;
	u8 data[NVRAM_LEN];
};

/* A header: signature, checksum, length in blocks, name. */
static void make_free(u8 *p, u32 blocks)
{
	unsigned int i, sum = 0;

	p[0] = SIGNATURE_FREE;
	p[2] = blocks >> 8;
	p[3] = blocks;
	memset(p + 4, 'w', 12);
	for (i = 0; i < NVRAM_BLOCK; i++)
		sum += i == 1 ? 0 : p[i];
	/* The carry comes round. */
	while (sum > 0xff)
		sum = (sum & 0xff) + (sum >> 8);
	p[1] = sum;
}

/* offset, buffer, length: status, bytes */
static s32 transfer(struct vcpu *v, struct rtas_call *c, bool store)
{
	struct nvram *n = container_of(v->vm->arch->nvram, struct nvram, dev);
	u32 off = c->args[0], len = c->args[2];
	int ret;

	if (c->nargs != 3 || c->nret != 2 || off > NVRAM_LEN || len > NVRAM_LEN - off)
		return RTAS_PARAM_ERROR;
	pthread_mutex_lock(&n->lock);
	if (store)
		ret = gmem_read(&v->vm->gmem, c->args[1], n->data + off, len);
	else
		ret = gmem_write(&v->vm->gmem, c->args[1], n->data + off, len);
	pthread_mutex_unlock(&n->lock);
	if (ret)
		return RTAS_PARAM_ERROR;
	c->rets[1] = len;
	return RTAS_OK;
}

s32 ppc_rtas_nvram_fetch(struct vcpu *v, struct rtas_call *c)
{
	return transfer(v, c, false);
}

s32 ppc_rtas_nvram_store(struct vcpu *v, struct rtas_call *c)
{
	return transfer(v, c, true);
}

static int nvram_realize(struct device *dev, struct vm *vm)
{
	struct nvram *n = container_of(dev, struct nvram, dev);

	make_free(n->data, NVRAM_LEN / NVRAM_BLOCK);
	vm->arch->nvram = dev;
	return 0;
}

static void nvram_destroy(struct device *dev)
{
	struct nvram *n = container_of(dev, struct nvram, dev);

	pthread_mutex_destroy(&n->lock);
	free(n);
}

static void nvram_fdt(const struct device *dev, struct fdt_builder *b)
{
	fdt_begin(b, "nvram");
	fdt_str(b, "device_type", "nvram");
	fdt_u32(b, "#bytes", NVRAM_LEN);
	fdt_end(b);
}

static const struct device_ops nvram_device_ops = {
	.realize = nvram_realize,
	.destroy = nvram_destroy,
	.fdt = nvram_fdt,
};

struct device *ppc_nvram_create(void)
{
	struct nvram *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->dev.name = "nvram";
	n->dev.ops = &nvram_device_ops;
	pthread_mutex_init(&n->lock, NULL);
	return &n->dev;
}
