/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_SIZE_H
#define VMTOOL_SIZE_H

#include <stddef.h>
#include <linux/types.h>

/**
 * parse_size() - a size with a suffix
 * @s: decimal number and one of B, K, M, G, T (powers of 1024, either case)
 * @unit: bytes that a number without a suffix counts
 * @size: receives bytes
 *
 * Return: 0; -EINVAL for what is no size; -ERANGE for one beyond 64 bits.
 */
int parse_size(const char *s, u64 unit, u64 *size);

/**
 * parse_uint() - an unsigned decimal number
 * @s: digits, nothing else
 * @val: receives the number
 *
 * Return: 0; -EINVAL for what is no number; -ERANGE for one beyond 32 bits.
 */
int parse_uint(const char *s, unsigned int *val);

/**
 * format_size() - a size as people write it
 * @size: bytes
 * @buf: receives "512M", "3G", "4100K"
 * @len: bytes in @buf
 *
 * Return: @buf.
 */
const char *format_size(u64 size, char *buf, size_t len);

#endif /* VMTOOL_SIZE_H */
