// SPDX-License-Identifier: GPL-2.0
/*
 * ACPI's table of processors and caches (ACPI specification 6.5, 5.2.30). All vCPUs are
 * cores of one package, each with caches of the first level; the others are the
 * package's. How large they are their registers tell.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <vmtool/acpi.h>
#include <vmtool/vm.h>

#include "arm.h"
#include "regs.h"

#define NODE_PROCESSOR	0
#define NODE_CACHE	1

#define PACKAGE		BIT(0)
#define ID_VALID	BIT(1)
#define LEAF		BIT(3)
#define IDENTICAL	BIT(4)

#define CACHE_TYPE_VALID	BIT(4)
#define CACHE_DATA		0x0
#define CACHE_INSN		0x4
#define CACHE_UNIFIED		0x8

struct pptt_processor {
	u8 type, length;
	u16 reserved;
	u32 flags, parent, id, nr_resources;
} __packed;

struct pptt_cache {
	u8 type, length;
	u16 reserved;
	u32 flags, next, size, sets;
	u8 ways, attributes;
	u16 line;
} __packed;

/* The table as it grows; nodes refer to each other by where they begin. */
struct pptt {
	u8 *buf;
	u32 len;
};

static u32 put(struct pptt *t, const void *p, size_t len)
{
	u32 at = t->len;

	memcpy(t->buf + at, p, len);
	t->len += len;
	return at;
}

static u32 put_cache(struct pptt *t, u8 attributes, u32 next)
{
	struct pptt_cache c = {
		.type = NODE_CACHE, .length = sizeof(c), .flags = CACHE_TYPE_VALID, .next = next,
		.attributes = attributes,
	};

	return put(t, &c, sizeof(c));
}

static u32 put_processor(struct pptt *t, struct pptt_processor p, const u32 *caches, u32 nr)
{
	u32 at;

	p.type = NODE_PROCESSOR;
	p.length = sizeof(p) + nr * sizeof(*caches);
	p.nr_resources = nr;
	at = put(t, &p, sizeof(p));
	put(t, caches, nr * sizeof(*caches));
	return at;
}

/* Levels from the second on, the last one first; returns where the second is, or 0. */
static u32 put_shared(struct pptt *t, u64 clidr)
{
	unsigned int level;
	u32 next = 0;

	for (level = arm_cache_levels(clidr); level > 1; level--)
		next = put_cache(t, CACHE_UNIFIED, next);
	return next;
}

static u32 put_first(struct pptt *t, u64 clidr, u32 next, u32 caches[2])
{
	unsigned int type = ARM_CACHE_TYPE(clidr, 1);
	u32 n = 0;

	if (type == ARM_CACHE_UNIFIED)
		caches[n++] = put_cache(t, CACHE_UNIFIED, next);
	if (type < ARM_CACHE_UNIFIED && (type & ARM_CACHE_DATA))
		caches[n++] = put_cache(t, CACHE_DATA, next);
	if (type < ARM_CACHE_UNIFIED && (type & ARM_CACHE_INSN))
		caches[n++] = put_cache(t, CACHE_INSN, next);
	return n;
}

static void fill(struct pptt *t, u64 clidr, unsigned int nr_cpus)
{
	u32 shared = put_shared(t, clidr), first[2] = { };
	u32 nr = put_first(t, clidr, shared, first);
	struct pptt_processor p = { .flags = PACKAGE | IDENTICAL };
	unsigned int i;

	p.parent = put_processor(t, p, &shared, shared ? 1 : 0);
	p.flags = ID_VALID | LEAF;
	for (i = 0; i < nr_cpus; i++) {
		p.id = i;
		put_processor(t, p, first, nr);
	}
}

/* Linux complains of one that has no caches as well as of none. */
int arm_pptt_add(struct acpi_writer *w, struct vm *vm)
{
	u64 clidr = vm->arch->clidr;
	struct pptt t = { .len = sizeof(struct acpi_header) };
	size_t processor = sizeof(struct pptt_processor) + 2 * sizeof(u32);
	int ret;

	if (!arm_cache_levels(clidr))
		return 0;
	t.buf = calloc(1, t.len + (ARM_CACHE_LEVELS + 1) * sizeof(struct pptt_cache) +
			  (vm->cfg->nr_cpus + 1) * processor);
	if (!t.buf)
		return -ENOMEM;
	fill(&t, clidr, vm->cfg->nr_cpus);
	ret = acpi_add(w, "PPTT", 2, t.buf, t.len, NULL);
	free(t.buf);
	return ret;
}
