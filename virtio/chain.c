// SPDX-License-Identifier: GPL-2.0
/*
 * The buffers of a chain as two streams of bytes: what the driver sends and what
 * it gets back. How the driver has cut them into descriptors means nothing (virtio
 * 1.2, 2.6.4).
 */
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/virtqueue.h>

int vq_iov(const struct vq_chain *c, bool in, size_t skip, size_t len,
	   struct iovec *iov, int max)
{
	const struct iovec *part = c->iov + (in ? c->nr_out : 0);
	const struct iovec *end = part + (in ? c->nr_in : c->nr_out);
	int n = 0;

	skip += in ? c->in_pos : c->out_pos;
	for (; part < end && len && n < max; part++) {
		size_t have = part->iov_len;

		if (skip >= have) {
			skip -= have;
			continue;
		}
		iov[n].iov_base = part->iov_base + skip;
		iov[n].iov_len = min_t(size_t, have - skip, len);
		len -= iov[n].iov_len;
		skip = 0;
		n++;
	}
	return n;
}

static size_t copy_from(const struct iovec *part, int nr, size_t pos, void *buf, size_t len)
{
	size_t done = 0;

	for (; nr && done < len; part++, nr--) {
		size_t n;

		if (pos >= part->iov_len) {
			pos -= part->iov_len;
			continue;
		}
		n = min_t(size_t, part->iov_len - pos, len - done);
		memcpy(buf + done, part->iov_base + pos, n);
		done += n;
		pos = 0;
	}
	return done;
}

static size_t copy_to(const struct iovec *part, int nr, size_t pos, const void *buf, size_t len)
{
	size_t done = 0;

	for (; nr && done < len; part++, nr--) {
		size_t n;

		if (pos >= part->iov_len) {
			pos -= part->iov_len;
			continue;
		}
		n = min_t(size_t, part->iov_len - pos, len - done);
		memcpy(part->iov_base + pos, buf + done, n);
		done += n;
		pos = 0;
	}
	return done;
}

size_t vq_read(struct vq_chain *c, void *buf, size_t len)
{
	len = min_t(size_t, len, vq_out_left(c));
	if (buf)
		copy_from(c->iov, c->nr_out, c->out_pos, buf, len);
	c->out_pos += len;
	return len;
}

size_t vq_write(struct vq_chain *c, const void *buf, size_t len)
{
	len = min_t(size_t, len, vq_in_left(c));
	if (buf)
		copy_to(c->iov + c->nr_out, c->nr_in, c->in_pos, buf, len);
	c->in_pos += len;
	return len;
}

size_t vq_write_at(struct vq_chain *c, size_t off, const void *buf, size_t len)
{
	if (off >= c->in_len)
		return 0;
	len = min_t(size_t, len, c->in_len - off);
	return copy_to(c->iov + c->nr_out, c->nr_in, off, buf, len);
}
