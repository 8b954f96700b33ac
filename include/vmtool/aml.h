/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_AML_H
#define VMTOOL_AML_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

/*
 * Builds ACPI Machine Language (ACPI specification 6.5, chapter 20) into a
 * growing buffer. Objects that hold others are opened by their call and closed
 * by aml_end(), which puts their length in. An error (no memory, wrong nesting)
 * sticks and is reported once by aml_error().
 */

#define AML_MAX_DEPTH	16

/**
 * struct aml - AML under construction
 * @buf: bytes, owned
 * @len: bytes used
 * @max: bytes allocated
 * @err: first error, or 0
 * @irq_base: what ACPI calls interrupt line 0; set after aml_init()
 * @depth: objects open
 * @open: where the contents of each begin
 */
struct aml {
	u8 *buf;
	size_t len;
	size_t max;
	int err;
	u32 irq_base;
	int depth;
	struct {
		size_t start;
		bool buffer;
	} open[AML_MAX_DEPTH];
};

/**
 * enum aml_space - address space of an operation region
 * @AML_SYSTEM_MEMORY: memory-mapped
 * @AML_SYSTEM_IO: I/O ports
 */
enum aml_space {
	AML_SYSTEM_MEMORY = 0,
	AML_SYSTEM_IO = 1,
};

/* Locals and arguments of methods, for aml_raw()-like operands. */
#define AML_LOCAL0	0x60
#define AML_ARG0	0x68

/** aml_init() - start empty: @a is caller-owned */
void aml_init(struct aml *a);

/** aml_free() - release the buffer */
void aml_free(struct aml *a);

/**
 * aml_error() - did all calls succeed?
 * @a: AML
 *
 * Return: 0; -ENOMEM; -EINVAL when objects are still open or a name is wrong.
 */
int aml_error(const struct aml *a);

/** aml_raw() - add @len bytes as they are */
void aml_raw(struct aml *a, const void *p, size_t len);

/** aml_end() - close the innermost open object */
void aml_end(struct aml *a);

/** aml_scope() - open Scope(@path), such as "\\_SB_" */
void aml_scope(struct aml *a, const char *path);

/** aml_device() - open Device(@name), four characters */
void aml_device(struct aml *a, const char *name);

/** aml_method() - open Method(@name, @nr_args, Serialized or not) */
void aml_method(struct aml *a, const char *name, int nr_args, bool serialized);

/** aml_name() - Name(@name, ...): the value is added by the next call */
void aml_name(struct aml *a, const char *name);

/** aml_int() - an integer constant, in the shortest form */
void aml_int(struct aml *a, u64 val);

/** aml_string() - a string constant, ASCII */
void aml_string(struct aml *a, const char *s);

/** aml_eisaid() - EISAID(@id), such as "PNP0501", as an integer */
void aml_eisaid(struct aml *a, const char *id);

/** aml_package() - open Package(@nr) { ... } */
void aml_package(struct aml *a, u8 nr);

/** aml_resources() - open ResourceTemplate() { ... } */
void aml_resources(struct aml *a);

/** aml_io() - IO(Decode16, @port, @port, 1, @len) inside aml_resources() */
void aml_io(struct aml *a, u16 port, u8 len);

/** aml_memory32() - Memory32Fixed(ReadWrite, @base, @len) inside aml_resources() */
void aml_memory32(struct aml *a, u32 base, u32 len);

/** aml_bus_range() - WordBusNumber(...): buses @first to @last, inside aml_resources() */
void aml_bus_range(struct aml *a, u16 first, u16 last);

/** aml_memory_window() - QWordMemory(...) of a bridge, not cached, read and written */
void aml_memory_window(struct aml *a, u64 base, u64 len);

/* For aml_interrupt(), the flags of the descriptor (ACPI 6.5, 6.4.3.6). */
#define AML_IRQ_LEVEL	0
#define AML_IRQ_EDGE	2
#define AML_IRQ_SHARED	8

/** aml_interrupt() - Interrupt(ResourceConsumer, @flags, ActiveHigh) of line @gsi */
void aml_interrupt(struct aml *a, u32 gsi, u8 flags);

/** aml_op_region() - OperationRegion(@name, @space, @base, @len) */
void aml_op_region(struct aml *a, const char *name, enum aml_space space, u64 base, u64 len);

/** aml_field() - Field(@region, ByteAcc, NoLock, WriteAsZeros) { @name, @bits } */
void aml_field(struct aml *a, const char *region, const char *name, u8 bits);

/** aml_store_to_local() - LocalN = @name, with @local AML_LOCAL0 and on */
void aml_store_to_local(struct aml *a, const char *name, u8 local);

/** aml_if_bit() - open If (LocalN & @bit) { ... } */
void aml_if_bit(struct aml *a, u8 local, u64 bit);

/**
 * aml_if_not_uuid() - open If (LNotEqual(@operand, ToUUID(@uuid))) { ... }
 * @a: AML
 * @operand: AML_ARG0 or AML_LOCAL0 and on
 * @uuid: as it is printed
 */
void aml_if_not_uuid(struct aml *a, u8 operand, const char *uuid);

/** aml_dword_field() - CreateDWordField(@operand, @index, @name), 4 bytes of a buffer */
void aml_dword_field(struct aml *a, u8 operand, u64 index, const char *name);

/** aml_or() - @name |= @bits */
void aml_or(struct aml *a, const char *name, u64 bits);

/** aml_return() - Return (@operand) */
void aml_return(struct aml *a, u8 operand);

/** aml_notify() - Notify(@path, @value) */
void aml_notify(struct aml *a, const char *path, u8 value);

#endif /* VMTOOL_AML_H */
