/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_VIRTQUEUE_H
#define VMTOOL_VIRTQUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>
#include <linux/types.h>
#include <vmtool/evloop.h>

/*
 * A virtqueue, seen from the device (virtio 1.2, 2.6 to 2.8).
 *
 * The driver offers buffers as chains of descriptors: first those the device
 * reads, then those it writes. A split ring keeps descriptors, offered chains and
 * used chains in three areas; a packed ring keeps them all in one. Both look the
 * same from here: vq_pop() takes the next chain, vq_push() gives it back, in any
 * order, and vq_notify() tells the driver when it wants to be told.
 *
 * The rings lie in memory that a hostile guest writes at any time. Each field is
 * fetched once, into a local copy; nothing is used before it was checked. A ring
 * that breaks the rules is not read any more: the device needs a reset.
 *
 * A queue belongs to the thread of its device that serves it: nothing here takes
 * a lock.
 */

struct virtio_dev;
struct gmem;

#define VQ_MAX_SIZE	1024
#define VQ_BUDGET	256

/**
 * struct vq_chain - the buffers of one request
 * @iov: parts of guest memory: @nr_out to read, then @nr_in to write; given by the
 *	device to vq_chain_init()
 * @max_iov: entries in @iov
 * @nr_out: parts the device reads
 * @nr_in: parts the device writes
 * @out_len: bytes the device reads
 * @in_len: bytes the device may write
 * @out_pos: bytes vq_read() has consumed
 * @in_pos: bytes written so far: what the driver is told
 * @id: private, head of the chain (split) or buffer id (packed)
 * @nr_desc: private, descriptors used in the ring
 * @seq: private, how many chains were popped before
 */
struct vq_chain {
	struct iovec *iov;
	u16 max_iov;
	u16 nr_out;
	u16 nr_in;
	size_t out_len;
	size_t in_len;
	size_t out_pos;
	size_t in_pos;
	u16 id;
	u16 nr_desc;
	u64 seq;
};

/**
 * struct vq_stats - what a queue has done since the machine was made
 * @kicks: times that the driver's notifications made the device look
 * @requests: chains used
 * @out: bytes the device could read
 * @in: bytes it wrote
 * @interrupts: times that the driver was told
 *
 * Written by the queue's thread alone, read by any.
 */
struct vq_stats {
	u64 kicks;
	u64 requests;
	u64 out;
	u64 in;
	u64 interrupts;
};

struct vq_done;

/**
 * struct virtqueue - a queue
 * @vd: its device
 * @index: its number in the device
 * @priv: for the device
 * @max_size: entries at most, as the device says
 * @size: entries, as the driver chose
 * @desc: guest address of the descriptor table, or the packed ring
 * @driver: guest address of the available ring, or the driver's event area
 * @device: guest address of the used ring, or the device's event area
 * @enabled: the driver has enabled it
 * @running: it is served: rings are mapped, @size and addresses are frozen
 * @external: the host's kernel serves it (vhost): it is never run here; set by the
 *	device, in activate() at the latest
 * @broken: the ring was found wrong; nothing is popped any more
 * @stats: what it has done
 * @kick: eventfd the driver's notifications arrive at; the source is added to the
 *	loop of the queue's thread while it runs
 */
struct virtqueue {
	struct virtio_dev *vd;
	unsigned int index;
	void *priv;
	u16 max_size;
	u16 size;
	u64 desc;
	u64 driver;
	u64 device;
	bool enabled;
	bool running;
	bool external;
	bool broken;
	struct vq_stats stats;
	struct ev_source kick;

	/* private: */
	const struct gmem *gm;
	void *ring_desc;
	void *ring_driver;
	void *ring_device;
	bool packed;
	bool event_idx;
	bool indirect;
	bool in_order;
	bool silent;		/* the driver need not notify us */
	u16 avail;		/* next to pop: counter (split), slot (packed) */
	u16 avail_seen;		/* available index last fetched (split) */
	u16 used;		/* next to use: counter (split), slot (packed) */
	u16 since_notify;	/* entries used since the driver was told (split: chains) */
	bool avail_wrap;
	bool used_wrap;
	unsigned int budget;	/* chains that may be popped before others have a turn */
	u16 inflight;		/* ring entries (packed) or chains popped, not used yet */
	u64 popped;		/* chains popped in all */
	u64 pushed;		/* chains used in all */
	struct vq_done *done;	/* completions that wait for their turn */
};

/**
 * vq_chain_init() - give a chain room for its parts
 * @c: chain
 * @iov: array, owned by the caller for as long as the chain is
 * @max: entries in it; a driver may offer as many parts as the queue has entries
 */
static inline void vq_chain_init(struct vq_chain *c, struct iovec *iov, u16 max)
{
	c->iov = iov;
	c->max_iov = max;
}

/**
 * vq_pop() - take the next chain (2.6.5, 2.6.6, 2.7.13)
 * @vq: running queue
 * @c: chain after vq_chain_init(); filled in
 *
 * While chains are found the driver is asked not to notify; when there is none, it
 * is asked to, and a chain that came at the same time is found. After VQ_BUDGET chains
 * in a row there seems to be none, and the device is kicked again after everything
 * else that waits: a driver that never stops does not keep the thread to itself.
 *
 * Return: 1 with a chain, which the device owns until vq_push(); 0 when there is
 * none; -EIO when the ring is broken: the driver has been told (NEEDS_RESET), and
 * there is nothing to do.
 */
int vq_pop(struct virtqueue *vq, struct vq_chain *c);

/**
 * vq_turn() - the device was called by another event than a kick
 * @vq: running queue, on its thread
 *
 * VQ_BUDGET begins anew, as it does with each kick.
 */
static inline void vq_turn(struct virtqueue *vq)
{
	vq->budget = VQ_BUDGET;
}

/**
 * vq_unpop() - put the chain popped last back
 * @vq: running queue
 * @c: chain, the last one popped, of which none was pushed since
 *
 * For a device that finds that it cannot serve it yet.
 */
void vq_unpop(struct virtqueue *vq, struct vq_chain *c);

/**
 * vq_read() - copy from what the driver has sent, from where the last call ended
 * @c: chain
 * @buf: receives up to @len bytes; NULL skips them
 * @len: bytes
 *
 * Return: bytes copied, less than @len at the end of the readable part.
 */
size_t vq_read(struct vq_chain *c, void *buf, size_t len);

/**
 * vq_write() - copy into the writable part, from where the last call ended
 * @c: chain
 * @buf: up to @len bytes; NULL skips them, as written
 * @len: bytes
 *
 * Return: bytes copied, less than @len at the end of the writable part.
 */
size_t vq_write(struct vq_chain *c, const void *buf, size_t len);

/**
 * vq_write_at() - copy into the writable part at an offset
 * @c: chain; what it counts as written is not changed
 * @off: offset in the writable part
 * @buf: @len bytes
 * @len: bytes
 *
 * Return: bytes copied.
 */
size_t vq_write_at(struct vq_chain *c, size_t off, const void *buf, size_t len);

/**
 * vq_iov() - the parts that are left, for readv() and friends
 * @c: chain
 * @in: the writable part, else the readable one
 * @skip: bytes to leave out at the start of what vq_read() or vq_write() have left
 * @len: bytes wanted at most
 * @iov: receives the parts, not owned by the chain
 * @max: entries in @iov
 *
 * Return: entries used. They hold less than @len bytes when the chain does, or
 * when @max was reached.
 */
int vq_iov(const struct vq_chain *c, bool in, size_t skip, size_t len,
	   struct iovec *iov, int max);

/** vq_out_left() - bytes that vq_read() has not consumed yet */
static inline size_t vq_out_left(const struct vq_chain *c)
{
	return c->out_len - c->out_pos;
}

/** vq_in_left() - bytes that can still be written */
static inline size_t vq_in_left(const struct vq_chain *c)
{
	return c->in_len - c->in_pos;
}

/**
 * vq_push() - give a chain back, with @c->in_pos bytes written (2.6.8, 2.7.14)
 * @vq: queue the chain was popped from; one that was stopped since ignores it
 * @c: chain; not the device's any more
 *
 * Visible to the driver at once; it is told by vq_notify().
 */
void vq_push(struct virtqueue *vq, struct vq_chain *c);

/**
 * vq_notify() - tell the driver of what was pushed, if it wants to know
 * @vq: queue
 */
void vq_notify(struct virtqueue *vq);

/**
 * vq_has_more() - would vq_pop() find a chain?
 * @vq: running queue
 *
 * Return: true when there is one (or the ring is broken). Asks for no
 * notification.
 */
bool vq_has_more(struct virtqueue *vq);

/**
 * vq_break() - the device found the driver's request beyond repair
 * @vq: queue
 * @why: what is wrong, for the log
 *
 * Sets NEEDS_RESET (2.1.2) and stops the queue.
 */
void vq_break(struct virtqueue *vq, const char *why);

/* --- for virtio/device.c and tests -------------------------------------------- */

/**
 * vq_start() - map the rings and serve them
 * @vq: enabled queue with its size and addresses set
 * @gm: guest memory
 * @features: negotiated
 *
 * Return: 0; -EINVAL for an impossible size or alignment; -EFAULT when a ring is
 * not in (writable) memory; -ENOMEM.
 */
int vq_start(struct virtqueue *vq, const struct gmem *gm, u64 features);

/**
 * vq_stop() - forget the rings; the device holds no chain any more
 * @vq: queue
 */
void vq_stop(struct virtqueue *vq);

#endif /* VMTOOL_VIRTQUEUE_H */
