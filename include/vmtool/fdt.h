/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_FDT_H
#define VMTOOL_FDT_H

#include <stddef.h>
#include <linux/compiler.h>
#include <linux/types.h>
#include <vmtool/irq.h>

#define FDT_IRQ_CELLS	4

/**
 * struct fdt_irqs - how a machine's interrupts are written
 * @phandle: the interrupt controller's
 * @address_cells: its #address-cells
 * @msi_phandle: of what takes messages, 0: nothing does
 * @cells: the cells of an interrupt, at most FDT_IRQ_CELLS; returns their number
 */
struct fdt_irqs {
	u32 phandle;
	unsigned int address_cells;
	u32 msi_phandle;
	unsigned int (*cells)(u32 gsi, enum irq_trigger trigger, u32 *cells);
};

/*
 * FDT_OP() - an fdt operation, where machines are described so; elsewhere its code is
 * dropped
 */
#ifdef CONFIG_FDT
#define FDT_OP(fn)	(fn)
#else
#define FDT_OP(fn)	(1 ? NULL : (fn))
#endif

/**
 * struct fdt_builder - a flattened device tree that grows (Devicetree Specification 0.4)
 * @buf: the tree so far, owned
 * @size: bytes in @buf
 * @irqs: set by who began the tree, for fdt_interrupt()
 * @depth: nodes that were begun and have not ended; libfdt does not count them
 * @error: the first error, 0 so far: nothing is added after it
 *
 * What adds to a tree returns nothing; fdt_builder_finish() tells of the first error.
 */
struct fdt_builder {
	void *buf;
	size_t size;
	const struct fdt_irqs *irqs;
	int depth;
	int error;
};

/**
 * fdt_builder_init() - begin a tree
 * @b: caller-owned
 */
void fdt_builder_init(struct fdt_builder *b);

/**
 * fdt_builder_destroy() - release the tree
 * @b: tree, finished or not
 */
void fdt_builder_destroy(struct fdt_builder *b);

/**
 * fdt_builder_finish() - end a tree all of whose nodes have ended
 * @b: tree
 * @blob: receives the tree, owned by @b
 * @size: receives its bytes
 *
 * Return: 0; -ENOMEM; -EINVAL for what is no tree.
 */
int fdt_builder_finish(struct fdt_builder *b, const void **blob, size_t *size);

/**
 * fdt_reserve() - memory that the kernel must not use; before the root
 * @b: tree
 * @addr: first address
 * @size: bytes
 */
void fdt_reserve(struct fdt_builder *b, u64 addr, u64 size);

/** fdt_begin_root() - begin the root node */
void fdt_begin_root(struct fdt_builder *b);

/**
 * fdt_begin() - begin a node, inside the one that was begun last and has not ended
 * @b: tree
 * @fmt: printf format of its name
 */
void fdt_begin(struct fdt_builder *b, const char *fmt, ...) __printf(2, 3);

/** fdt_end() - end the node begun last */
void fdt_end(struct fdt_builder *b);

/** fdt_flag() - a property without a value */
void fdt_flag(struct fdt_builder *b, const char *name);

/** fdt_u32() - a property of one cell */
void fdt_u32(struct fdt_builder *b, const char *name, u32 val);

/** fdt_u64() - a property of two cells */
void fdt_u64(struct fdt_builder *b, const char *name, u64 val);

/** fdt_cells() - a property of @nr cells, each in the byte order of this machine */
void fdt_cells(struct fdt_builder *b, const char *name, const u32 *cells, unsigned int nr);

/** fdt_str() - a property that is a string */
void fdt_str(struct fdt_builder *b, const char *name, const char *val);

/** fdt_strs() - a property of several strings, NULL at the end */
void fdt_strs(struct fdt_builder *b, const char *name, const char *const *list);

/** fdt_bytes() - a property of any bytes, taken as they are */
void fdt_bytes(struct fdt_builder *b, const char *name, const void *val, size_t len);

/** fdt_reg() - "reg" of one range, with two cells for address and size each */
void fdt_reg(struct fdt_builder *b, u64 addr, u64 size);

/** fdt_interrupt() - "interrupts" of one interrupt, as the machine's controller takes it */
void fdt_interrupt(struct fdt_builder *b, u32 gsi, enum irq_trigger trigger);

#endif /* VMTOOL_FDT_H */
