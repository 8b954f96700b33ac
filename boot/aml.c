// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/aml.h>

/* ACPI specification 6.5, 20.3 "AML byte stream byte values". */
#define OP_ZERO		0x00
#define OP_ONE		0x01
#define OP_NAME		0x08
#define OP_BYTE		0x0a
#define OP_WORD		0x0b
#define OP_DWORD	0x0c
#define OP_STRING	0x0d
#define OP_QWORD	0x0e
#define OP_SCOPE	0x10
#define OP_BUFFER	0x11
#define OP_PACKAGE	0x12
#define OP_METHOD	0x14
#define OP_DUAL_NAME	0x2e
#define OP_EXT		0x5b
#define OP_STORE	0x70
#define OP_AND		0x7b
#define OP_OR		0x7d
#define OP_NOTIFY	0x86
#define OP_DWORD_FIELD	0x8a
#define OP_NOT		0x92
#define OP_EQUAL	0x93
#define OP_IF		0xa0
#define OP_RETURN	0xa4
#define EXT_OP_REGION	0x80
#define EXT_FIELD	0x81
#define EXT_DEVICE	0x82

void aml_init(struct aml *a)
{
	memset(a, 0, sizeof(*a));
}

void aml_free(struct aml *a)
{
	free(a->buf);
	aml_init(a);
}

int aml_error(const struct aml *a)
{
	if (!a->err && a->depth)
		return -EINVAL;
	return a->err;
}

static void put(struct aml *a, const void *p, size_t len)
{
	if (a->err)
		return;
	if (a->len + len > a->max) {
		size_t max = (a->len + len) * 2 + 256;
		u8 *buf = realloc(a->buf, max);

		if (!buf) {
			a->err = -ENOMEM;
			return;
		}
		a->buf = buf;
		a->max = max;
	}
	memcpy(a->buf + a->len, p, len);
	a->len += len;
}

static void put8(struct aml *a, u8 val)
{
	put(a, &val, 1);
}

static void put_le(struct aml *a, u64 val, int bytes)
{
	for (; bytes; bytes--, val >>= 8)
		put8(a, val);
}

void aml_raw(struct aml *a, const void *p, size_t len)
{
	put(a, p, len);
}

static void aml_open(struct aml *a, bool buffer)
{
	if (a->depth == AML_MAX_DEPTH)
		a->err = a->err ?: -EINVAL;
	if (a->err)
		return;
	a->open[a->depth].start = a->len;
	a->open[a->depth].buffer = buffer;
	a->depth++;
}

/*
 * PkgLength counts itself: 1 byte up to 63, else the low nibble and one to
 * three bytes more (ACPI 6.5, 20.2.4).
 */
static int pkg_length(u8 *out, size_t len)
{
	int more = len + 1 <= 0x3f ? 0 : len + 2 <= 0xfff ? 1 : len + 3 <= 0xfffff ? 2 : 3;
	int i;

	len += 1 + more;
	if (!more) {
		out[0] = len;
		return 1;
	}
	out[0] = more << 6 | (len & 0xf);
	for (i = 1, len >>= 4; i <= more; i++, len >>= 8)
		out[i] = len;
	return 1 + more;
}

static void aml_insert(struct aml *a, size_t at, const u8 *p, size_t len)
{
	size_t tail = a->len - at;

	put(a, p, len);
	if (a->err)
		return;
	memmove(a->buf + at + len, a->buf + at, tail);
	memcpy(a->buf + at, p, len);
}

void aml_end(struct aml *a)
{
	u8 head[4];
	size_t start;

	if (!a->err && !a->depth)
		a->err = -EINVAL;
	if (a->err)
		return;
	a->depth--;
	start = a->open[a->depth].start;
	if (a->open[a->depth].buffer) {
		u8 size[3] = { OP_WORD };
		size_t len;

		put8(a, 0x79);	/* end tag, and a checksum that is not used */
		put8(a, 0);
		len = a->len - start;
		size[1] = len;
		size[2] = len >> 8;
		aml_insert(a, start, size, sizeof(size));
	}
	aml_insert(a, start, head, pkg_length(head, a->len - start));
}

static void put_seg(struct aml *a, const char *seg, size_t len)
{
	static const char pad[4] = "____";
	static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

	if (!len || len > 4 || strspn(seg, chars) < len || isdigit((unsigned char)*seg)) {
		a->err = a->err ?: -EINVAL;
		return;
	}
	put(a, seg, len);
	put(a, pad, 4 - len);
}

static void put_path(struct aml *a, const char *path)
{
	const char *dot;

	while (*path == '\\' || *path == '^')
		put8(a, *path++);
	dot = strchr(path, '.');
	if (!dot) {
		put_seg(a, path, strlen(path));
		return;
	}
	put8(a, OP_DUAL_NAME);
	put_seg(a, path, dot - path);
	put_seg(a, dot + 1, strlen(dot + 1));
}

void aml_scope(struct aml *a, const char *path)
{
	put8(a, OP_SCOPE);
	aml_open(a, false);
	put_path(a, path);
}

void aml_device(struct aml *a, const char *name)
{
	put8(a, OP_EXT);
	put8(a, EXT_DEVICE);
	aml_open(a, false);
	put_path(a, name);
}

void aml_method(struct aml *a, const char *name, int nr_args, bool serialized)
{
	put8(a, OP_METHOD);
	aml_open(a, false);
	put_path(a, name);
	put8(a, (nr_args & 7) | (serialized ? 8 : 0));
}

void aml_name(struct aml *a, const char *name)
{
	put8(a, OP_NAME);
	put_path(a, name);
}

void aml_int(struct aml *a, u64 val)
{
	if (val <= 1) {
		put8(a, val ? OP_ONE : OP_ZERO);
	} else if (val <= 0xff) {
		put8(a, OP_BYTE);
		put_le(a, val, 1);
	} else if (val <= 0xffff) {
		put8(a, OP_WORD);
		put_le(a, val, 2);
	} else if (val <= 0xffffffff) {
		put8(a, OP_DWORD);
		put_le(a, val, 4);
	} else {
		put8(a, OP_QWORD);
		put_le(a, val, 8);
	}
}

void aml_string(struct aml *a, const char *s)
{
	put8(a, OP_STRING);
	put(a, s, strlen(s) + 1);
}

static int hex_digit(char c)
{
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* Three letters of 5 bits and four hex digits, big-endian (19.6.38 "EISAID"). */
void aml_eisaid(struct aml *a, const char *id)
{
	u32 val;
	int i;

	if (strlen(id) != 7) {
		a->err = a->err ?: -EINVAL;
		return;
	}
	val = (id[0] - 0x40) << 10 | (id[1] - 0x40) << 5 | (id[2] - 0x40);
	for (i = 3; i < 7; i++)
		val = val << 4 | hex_digit(id[i]);
	aml_int(a, __builtin_bswap32(val));
}

void aml_package(struct aml *a, u8 nr)
{
	put8(a, OP_PACKAGE);
	aml_open(a, false);
	put8(a, nr);
}

void aml_resources(struct aml *a)
{
	put8(a, OP_BUFFER);
	aml_open(a, true);
}

/* Resource descriptors: ACPI 6.5, 6.4. */
void aml_io(struct aml *a, u16 port, u8 len)
{
	put8(a, 0x47);
	put8(a, 1);		/* decodes 16 bits */
	put_le(a, port, 2);
	put_le(a, port, 2);
	put8(a, 1);
	put8(a, len);
}

void aml_memory32(struct aml *a, u32 base, u32 len)
{
	put8(a, 0x86);
	put_le(a, 9, 2);
	put8(a, 1);		/* writable */
	put_le(a, base, 4);
	put_le(a, len, 4);
}

void aml_interrupt(struct aml *a, u32 gsi, u8 flags)
{
	put8(a, 0x89);
	put_le(a, 6, 2);
	put8(a, 1 | flags);
	put8(a, 1);
	put_le(a, a->irq_base + gsi, 4);
}

/* What lies between two addresses, the resources of a bridge (6.4.3.5). */
static void put_range(struct aml *a, u8 type, u8 flags, u64 first, u64 last, int bytes)
{
	put8(a, type);
	put8(a, 0x0c);		/* neither end can be moved */
	put8(a, flags);
	put_le(a, 0, bytes);	/* granularity */
	put_le(a, first, bytes);
	put_le(a, last, bytes);
	put_le(a, 0, bytes);	/* translation */
	put_le(a, last - first + 1, bytes);
}

void aml_bus_range(struct aml *a, u16 first, u16 last)
{
	put8(a, 0x88);
	put_le(a, 13, 2);
	put_range(a, 2, 0, first, last, 2);
}

void aml_memory_window(struct aml *a, u64 base, u64 len)
{
	put8(a, 0x8a);
	put_le(a, 43, 2);
	put_range(a, 0, 1, base, base + len - 1, 8);
}

void aml_op_region(struct aml *a, const char *name, enum aml_space space, u64 base, u64 len)
{
	put8(a, OP_EXT);
	put8(a, EXT_OP_REGION);
	put_path(a, name);
	put8(a, space);
	aml_int(a, base);
	aml_int(a, len);
}

void aml_field(struct aml *a, const char *region, const char *name, u8 bits)
{
	put8(a, OP_EXT);
	put8(a, EXT_FIELD);
	aml_open(a, false);
	put_path(a, region);
	put8(a, 0x41);		/* ByteAcc, NoLock, WriteAsZeros */
	put_seg(a, name, strlen(name));
	put8(a, bits);		/* a PkgLength of one byte */
	if (bits > 0x3f)
		a->err = a->err ?: -EINVAL;
	aml_end(a);
}

void aml_store_to_local(struct aml *a, const char *name, u8 local)
{
	put8(a, OP_STORE);
	put_path(a, name);
	put8(a, local);
}

void aml_if_bit(struct aml *a, u8 local, u64 bit)
{
	put8(a, OP_IF);
	aml_open(a, false);
	put8(a, OP_AND);
	put8(a, local);
	aml_int(a, bit);
	put8(a, OP_ZERO);	/* the result is stored nowhere */
}

/* Groups of bytes whose order is turned in the first three (19.6.142 "ToUUID"). */
static void put_uuid(struct aml *a, const char *uuid)
{
	static const u8 at[16] = { 6, 4, 2, 0, 11, 9, 16, 14, 19, 21, 24, 26, 28, 30, 32, 34 };
	int i;

	if (strlen(uuid) != 36) {
		a->err = a->err ?: -EINVAL;
		return;
	}
	for (i = 0; i < 16; i++)
		put8(a, hex_digit(uuid[at[i]]) << 4 | hex_digit(uuid[at[i] + 1]));
}

void aml_if_not_uuid(struct aml *a, u8 operand, const char *uuid)
{
	put8(a, OP_IF);
	aml_open(a, false);
	put8(a, OP_NOT);
	put8(a, OP_EQUAL);
	put8(a, operand);
	put8(a, OP_BUFFER);
	aml_open(a, false);
	aml_int(a, 16);
	put_uuid(a, uuid);
	aml_end(a);
}

void aml_dword_field(struct aml *a, u8 operand, u64 index, const char *name)
{
	put8(a, OP_DWORD_FIELD);
	put8(a, operand);
	aml_int(a, index);
	put_path(a, name);
}

void aml_or(struct aml *a, const char *name, u64 bits)
{
	put8(a, OP_OR);
	put_path(a, name);
	aml_int(a, bits);
	put_path(a, name);
}

void aml_return(struct aml *a, u8 operand)
{
	put8(a, OP_RETURN);
	put8(a, operand);
}

void aml_notify(struct aml *a, const char *path, u8 value)
{
	put8(a, OP_NOTIFY);
	put_path(a, path);
	aml_int(a, value);
}
