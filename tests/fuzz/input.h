/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TESTS_FUZZ_INPUT_H
#define TESTS_FUZZ_INPUT_H

#include <stddef.h>

#include <linux/types.h>

/**
 * struct input - what is left of a fuzzer's input; zeroes behind its end
 * @data: bytes
 * @len: how many there are
 * @pos: how many were taken
 */
struct input {
	const u8 *data;
	size_t len;
	size_t pos;
};

static inline size_t left(const struct input *in)
{
	return in->len - in->pos;
}

static inline u8 get8(struct input *in)
{
	return left(in) ? in->data[in->pos++] : 0;
}

static inline u16 get16(struct input *in)
{
	u16 low = get8(in);

	return low | get8(in) << 8;
}

static inline u32 get32(struct input *in)
{
	u32 low = get16(in);

	return low | (u32)get16(in) << 16;
}

#endif /* TESTS_FUZZ_INPUT_H */
