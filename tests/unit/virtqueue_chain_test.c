// SPDX-License-Identifier: GPL-2.0
/*
 * virtio/chain.c: the parts of a chain as streams of bytes, against plain memory: all
 * ways to cut up to six bytes into up to three parts, all positions, all lengths.
 */
#include <kselftest_harness.h>

#include "vq.h"

#define MAX_BYTES	6
#define PARTS		3

/**
 * struct stream - a chain and the bytes it stands for
 * @mem: where the parts are, with a byte between each two that nobody may touch
 * @at: address of each byte of the stream
 */
struct stream {
	struct vq_chain c;
	struct iovec iov[2 * PARTS];
	u8 mem[64];
	u8 *at[2][MAX_BYTES];
	size_t len[2];
};

/* One direction: parts of any length, empty ones too. */
static void cut(struct stream *s, struct odo *o, bool in, u8 **mem)
{
	u16 n = choose(o, PARTS + 1), i;

	s->len[in] = 0;
	for (i = 0; i < n; i++) {
		size_t len = choose(o, MAX_BYTES / PARTS + 1), j;

		s->iov[s->c.nr_out + s->c.nr_in] = (struct iovec) { *mem, len };
		for (j = 0; j < len; j++)
			s->at[in][s->len[in]++] = *mem + j;
		*mem += len + 1;
		*(in ? &s->c.nr_in : &s->c.nr_out) += 1;
	}
	*(in ? &s->c.in_len : &s->c.out_len) = s->len[in];
}

static void make_stream(struct stream *s, struct odo *o)
{
	u8 *mem = s->mem + 1;
	unsigned int i;

	memset(s, 0, sizeof(*s));
	vq_chain_init(&s->c, s->iov, ARRAY_SIZE(s->iov));
	cut(s, o, false, &mem);
	cut(s, o, true, &mem);
	for (i = 0; i < sizeof(s->mem); i++)
		s->mem[i] = 0x80 + i;
}

/* Bytes of @mem that differ from what they were, but for those of the stream. */
static unsigned int strays(const struct stream *s, size_t from, size_t to)
{
	unsigned int i, n = 0;
	size_t j;

	for (i = 0; i < sizeof(s->mem); i++) {
		if (s->mem[i] == 0x80 + i)
			continue;
		n++;
		for (j = from; j < to; j++)
			n -= s->at[1][j] == &s->mem[i];
	}
	return n;
}

TEST(chain_read)
{
	struct odo o = { .nr = 0 };
	struct stream s;

	do {
		size_t pos = 0, skip, len, n, i;
		u8 buf[MAX_BYTES + 2];

		make_stream(&s, &o);
		skip = choose(&o, s.len[0] + 2);
		len = choose(&o, MAX_BYTES + 2);
		pos = min(skip, s.len[0]);
		ASSERT_EQ(pos, vq_read(&s.c, NULL, skip));
		ASSERT_EQ(s.len[0] - pos, vq_out_left(&s.c));
		memset(buf, 0, sizeof(buf));
		n = vq_read(&s.c, buf, len);
		ASSERT_EQ(min(len, s.len[0] - pos), n);
		for (i = 0; i < sizeof(buf); i++)
			ASSERT_EQ(i < n ? *s.at[0][pos + i] : 0, buf[i]);
		ASSERT_EQ(s.len[0] - pos - n, vq_out_left(&s.c));
	} while (odo_next(&o));
	EXPECT_LT(10000, o.runs);
}

TEST(chain_write)
{
	struct odo o = { .nr = 0 };
	struct stream s;

	do {
		static const u8 buf[MAX_BYTES + 2] = { 1, 2, 3, 4, 5, 6, 7, 8 };
		size_t pos, skip, len, n, i;

		make_stream(&s, &o);
		skip = choose(&o, s.len[1] + 2);
		len = choose(&o, MAX_BYTES + 2);
		pos = min(skip, s.len[1]);
		ASSERT_EQ(pos, vq_write(&s.c, NULL, skip));
		n = vq_write(&s.c, buf, len);
		ASSERT_EQ(min(len, s.len[1] - pos), n);
		for (i = 0; i < n; i++)
			ASSERT_EQ(buf[i], *s.at[1][pos + i]);
		ASSERT_EQ(0, strays(&s, pos, pos + n));
		ASSERT_EQ(pos + n, s.c.in_pos);
		ASSERT_EQ(s.len[1] - pos - n, vq_in_left(&s.c));
	} while (odo_next(&o));
	EXPECT_LT(10000, o.runs);
}

TEST(chain_write_at)
{
	struct odo o = { .nr = 0 };
	struct stream s;

	do {
		static const u8 buf[MAX_BYTES + 2] = { 1, 2, 3, 4, 5, 6, 7, 8 };
		size_t off, len, n, i;

		make_stream(&s, &o);
		off = choose(&o, s.len[1] + 2);
		len = choose(&o, MAX_BYTES + 2);
		n = vq_write_at(&s.c, off, buf, len);
		ASSERT_EQ(off < s.len[1] ? min(len, s.len[1] - off) : 0, n);
		for (i = 0; i < n; i++)
			ASSERT_EQ(buf[i], *s.at[1][off + i]);
		ASSERT_EQ(0, strays(&s, off, off + n));
		ASSERT_EQ(0, s.c.in_pos);
	} while (odo_next(&o));
	EXPECT_LT(10000, o.runs);
	EXPECT_EQ(0, vq_write_at(&s.c, SIZE_MAX, "", 1));
}

TEST(chain_iov)
{
	struct odo o = { .nr = 0 };
	struct stream s;

	do {
		size_t pos, skip, len, done = 0;
		struct iovec iov[PARTS];
		int max, n, i;
		bool in;

		make_stream(&s, &o);
		in = choose(&o, 2);
		pos = choose(&o, s.len[in] + 1);
		skip = choose(&o, 3);
		len = choose(&o, MAX_BYTES + 2);
		max = choose(&o, PARTS + 1);
		if (in)
			vq_write(&s.c, NULL, pos);
		else
			vq_read(&s.c, NULL, pos);
		n = vq_iov(&s.c, in, skip, len, iov, max);
		ASSERT_LE(n, max);
		for (i = 0; i < n; i++) {
			size_t j;

			ASSERT_NE(0, iov[i].iov_len);
			for (j = 0; j < iov[i].iov_len; j++, done++)
				ASSERT_EQ(s.at[in][pos + skip + done], iov[i].iov_base + j);
		}
		/* All that there is, unless there was no room for it. */
		if (n < max)
			ASSERT_EQ(pos + skip < s.len[in] ? min(len, s.len[in] - pos - skip) : 0, done);
		ASSERT_LE(done, len);
	} while (odo_next(&o));
	EXPECT_LT(100000, o.runs);
}

TEST_HARNESS_MAIN
