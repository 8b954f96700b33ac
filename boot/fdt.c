// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libfdt.h>

#include <linux/kernel.h>
#include <vmtool/fdt.h>

#define FDT_FIRST_SIZE	4096
#define FDT_MAX_SIZE	(2U << 20)	/* what arm64 kernels take (booting.rst) */
#define FDT_NAME_MAX	64

void fdt_builder_init(struct fdt_builder *b)
{
	memset(b, 0, sizeof(*b));
	b->buf = malloc(FDT_FIRST_SIZE);
	b->size = FDT_FIRST_SIZE;
	if (!b->buf)
		b->error = -ENOMEM;
	else if (fdt_create(b->buf, b->size))
		b->error = -EINVAL;
}

void fdt_builder_destroy(struct fdt_builder *b)
{
	free(b->buf);
	memset(b, 0, sizeof(*b));
	b->error = -EINVAL;
}

static int grow(struct fdt_builder *b)
{
	void *buf = b->size < FDT_MAX_SIZE ? malloc(b->size * 2) : NULL;

	if (!buf)
		return -ENOMEM;
	if (fdt_resize(b->buf, buf, b->size * 2)) {
		free(buf);
		return -EINVAL;
	}
	free(b->buf);
	b->buf = buf;
	b->size *= 2;
	return 0;
}

/* Makes room and returns true when the step has to be taken again. */
static bool again(struct fdt_builder *b, int ret)
{
	if (ret == -FDT_ERR_NOSPACE)
		b->error = grow(b);
	else if (ret)
		b->error = -EINVAL;
	return ret == -FDT_ERR_NOSPACE && !b->error;
}

/* A step of libfdt, repeated in a larger buffer where that is what it lacks. */
#define ADD(builder, step)				\
	do {						\
		struct fdt_builder *__b = builder;	\
							\
		while (!__b->error && again(__b, step))	\
			;				\
	} while (0)

void fdt_reserve(struct fdt_builder *b, u64 addr, u64 size)
{
	ADD(b, fdt_add_reservemap_entry(b->buf, addr, size));
}

void fdt_begin(struct fdt_builder *b, const char *fmt, ...)
{
	char name[FDT_NAME_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	ADD(b, fdt_begin_node(b->buf, name));
	b->depth++;
}

void fdt_begin_root(struct fdt_builder *b)
{
	ADD(b, fdt_finish_reservemap(b->buf));
	ADD(b, fdt_begin_node(b->buf, ""));
	b->depth++;
}

void fdt_end(struct fdt_builder *b)
{
	ADD(b, fdt_end_node(b->buf));
	if (!b->depth--)
		b->error = b->error ?: -EINVAL;
}

void fdt_bytes(struct fdt_builder *b, const char *name, const void *val, size_t len)
{
	ADD(b, fdt_property(b->buf, name, val, len));
}

void fdt_flag(struct fdt_builder *b, const char *name)
{
	fdt_bytes(b, name, "", 0);
}

void fdt_u32(struct fdt_builder *b, const char *name, u32 val)
{
	fdt_cells(b, name, &val, 1);
}

void fdt_u64(struct fdt_builder *b, const char *name, u64 val)
{
	u32 cells[] = { val >> 32, val };

	fdt_cells(b, name, cells, 2);
}

void fdt_cells(struct fdt_builder *b, const char *name, const u32 *cells, unsigned int nr)
{
	u32 *be = malloc(nr * sizeof(*be) ?: 1);
	unsigned int i;

	if (!be) {
		b->error = b->error ?: -ENOMEM;
		return;
	}
	for (i = 0; i < nr; i++)
		be[i] = htobe32(cells[i]);
	fdt_bytes(b, name, be, nr * sizeof(*be));
	free(be);
}

void fdt_str(struct fdt_builder *b, const char *name, const char *val)
{
	fdt_bytes(b, name, val, strlen(val) + 1);
}

void fdt_strs(struct fdt_builder *b, const char *name, const char *const *list)
{
	char text[256];
	size_t len = 0;

	for (; *list; list++) {
		size_t n = strlen(*list) + 1;

		if (n > sizeof(text) - len) {
			b->error = b->error ?: -EINVAL;
			return;
		}
		memcpy(text + len, *list, n);
		len += n;
	}
	fdt_bytes(b, name, text, len);
}

void fdt_reg(struct fdt_builder *b, u64 addr, u64 size)
{
	u32 cells[] = { addr >> 32, addr, size >> 32, size };

	fdt_cells(b, "reg", cells, ARRAY_SIZE(cells));
}

void fdt_interrupt(struct fdt_builder *b, u32 gsi, enum irq_trigger trigger)
{
	u32 cells[FDT_IRQ_CELLS];
	unsigned int nr = b->irqs->cells(gsi, trigger, cells);

	fdt_cells(b, "interrupts", cells, nr);
}

int fdt_builder_finish(struct fdt_builder *b, const void **blob, size_t *size)
{
	if (b->depth)
		b->error = b->error ?: -EINVAL;
	ADD(b, fdt_finish(b->buf));
	if (b->error)
		return b->error;
	*blob = b->buf;
	*size = fdt_totalsize(b->buf);
	return 0;
}
