/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_VIRTIO_H
#define VMTOOL_VIRTIO_H

#include <endian.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <vmtool/gmem.h>
#include <vmtool/iothread.h>
#include <vmtool/log.h>
#include <vmtool/virtqueue.h>

/*
 * A virtio device, whatever its transport (virtio 1.2, chapters 2 and 3).
 *
 * Who runs what: the transport's registers are written by vCPU threads, under
 * @lock. Queues are served by the device's I/O threads: kick() runs there, and
 * so does everything a device does by itself. activate() and reset() run on the
 * writing thread, under @lock, while no queue is served.
 */

struct json_out;
struct virtio_dev;
struct vm;

#define VIRTIO_CONFIG_MAX	256
#define VIRTIO_MAX_QUEUES	64

/* Features of every device; a device adds its own. */
#define VIRTIO_COMMON_FEATURES							\
	(1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_INDIRECT_DESC |	\
	 1ULL << VIRTIO_RING_F_EVENT_IDX | 1ULL << VIRTIO_F_RING_PACKED |	\
	 1ULL << VIRTIO_F_IN_ORDER | 1ULL << VIRTIO_F_RING_RESET)

#ifndef VIRTIO_RING_F_INDIRECT_DESC
#define VIRTIO_RING_F_INDIRECT_DESC	28
#endif
#ifndef VIRTIO_RING_F_EVENT_IDX
#define VIRTIO_RING_F_EVENT_IDX		29
#endif
#ifndef VIRTIO_F_IN_ORDER
#define VIRTIO_F_IN_ORDER		35
#endif
#ifndef VIRTIO_F_RING_RESET
#define VIRTIO_F_RING_RESET		40
#endif

/**
 * struct virtio_ops - what makes a device
 * @id: VIRTIO_ID_*
 * @realize: open back ends, set config, queues and features; the only call that
 *	sees the machine. 0, or -errno after a one-line message.
 * @check_features: may these be accepted together? True by default
 * @activate: DRIVER_OK: features are settled, queues are about to be served and
 *	have their @kick.fd. -errno makes the device need a reset.
 * @kick: on the queue's thread: the driver has (or may have) offered chains
 * @config_write: the driver writes @len bytes at @off of the config space, both
 *	checked to lie inside; the device takes what is writable by
 *	virtio_config_set_silent(). NULL: nothing is writable.
 * @queue_reset: on the queue's thread: the driver resets one queue (2.6.1):
 *	every chain popped from it is pushed or forgotten on return
 * @reset: give up all chains: on return no I/O into guest memory is under way. On
 *	the caller's thread, while @kick is not called; threads of the device that
 *	poll other sources have to be dealt with by iothread_call().
 * @destroy: release everything and free the device; also after a failed @realize
 *
 * Those that are NULL are not needed, but for @realize, @kick and @destroy.
 */
struct virtio_ops {
	u32 id;
	int (*realize)(struct virtio_dev *vd, struct vm *vm);
	bool (*check_features)(const struct virtio_dev *vd);
	int (*activate)(struct virtio_dev *vd);
	void (*kick)(struct virtio_dev *vd, struct virtqueue *vq);
	void (*config_write)(struct virtio_dev *vd, u32 off, const void *buf, u32 len);
	void (*queue_reset)(struct virtio_dev *vd, struct virtqueue *vq);
	void (*reset)(struct virtio_dev *vd);
	void (*destroy)(struct virtio_dev *vd);
};

/**
 * struct virtio_transport_ops - what a device asks of its transport
 * @notify_queue: interrupt the driver for a queue; any thread
 * @notify_config: interrupt the driver for a change of the config space or of the
 *	status; any thread
 * @config_changed: @vd->config has new contents, where a copy is kept; under
 *	@vd->config_lock
 * @queue_fd: eventfd whose signal is a queue's interrupt, for vhost; -1 when the
 *	transport has none
 * @start_kick: make the driver's notifications of a queue arrive at its @kick.fd;
 *	0 or -errno. NULL: the transport writes there.
 * @stop_kick: undo that
 */
struct virtio_transport_ops {
	void (*notify_queue)(struct virtio_dev *vd, struct virtqueue *vq);
	void (*notify_config)(struct virtio_dev *vd);
	void (*config_changed)(struct virtio_dev *vd);
	int (*queue_fd)(struct virtio_dev *vd, struct virtqueue *vq);
	int (*start_kick)(struct virtio_dev *vd, struct virtqueue *vq);
	void (*stop_kick)(struct virtio_dev *vd, struct virtqueue *vq);
};

/**
 * struct virtio_dev - the part of a device that transports know
 * @ops: what it can do
 * @name: unique in the machine, owned, such as "blk0"
 * @gm: guest memory
 * @vm_fd: KVM's VM, -1 in tests
 * @lock: guards registers: status, features, queue addresses. It is held while the
 *	device's threads are waited for, so they never take it.
 * @config_lock: guards @config and @generation; taken last
 * @offered: features offered
 * @features: features accepted by the driver
 * @features_ok: FEATURES_OK was accepted: @features are final
 * @status: device status (2.1), changed atomically
 * @generation: of the config space (2.5)
 * @config: config space, little-endian; written by virtio_config_set() alone
 * @config_size: bytes in use
 * @nr_vqs: queues
 * @vqs: the queues
 * @nr_threads: I/O threads; queue i is served by thread i % @nr_threads
 * @threads: the threads, started when the driver first sets DRIVER_OK
 * @manual_threads: no thread is ever started, for tests; set before virtio_realize()
 * @active: activate() has succeeded and reset() has not been called since
 * @transport: the transport
 * @transport_ops: what it does
 * @guest_errors: budget of messages about the guest's mistakes
 */
struct virtio_dev {
	const struct virtio_ops *ops;
	char name[16];
	const struct gmem *gm;
	int vm_fd;
	pthread_mutex_t lock;
	pthread_mutex_t config_lock;
	u64 offered;
	u64 features;
	bool features_ok;
	u8 status;
	u8 generation;
	u8 config[VIRTIO_CONFIG_MAX];
	u32 config_size;
	unsigned int nr_vqs;
	struct virtqueue *vqs;
	unsigned int nr_threads;
	struct iothread *threads;
	bool manual_threads;
	bool active;
	void *transport;
	const struct virtio_transport_ops *transport_ops;
	struct log_limit guest_errors;
};

/**
 * virtio_init() - start a device, from its create function
 * @vd: zeroed, embedded in the device
 * @ops: what it can do
 * @name: unique name; copied
 *
 * Sets VIRTIO_COMMON_FEATURES as offered.
 */
void virtio_init(struct virtio_dev *vd, const struct virtio_ops *ops, const char *name);

/**
 * virtio_set_queues() - say how many queues there are, from realize()
 * @vd: device
 * @nr: queues, at most VIRTIO_MAX_QUEUES
 * @size: entries at most of each, a power of two up to VQ_MAX_SIZE
 * @nr_threads: threads that serve them, at least 1
 *
 * Return: 0 or -errno.
 */
int virtio_set_queues(struct virtio_dev *vd, unsigned int nr, u16 size,
		      unsigned int nr_threads);

/**
 * virtio_thread() - the thread that serves a queue
 * @vq: queue
 *
 * Return: thread, owned by the device.
 */
struct iothread *virtio_thread(const struct virtqueue *vq);

/**
 * virtio_call() - have a function run on a queue's thread, and wait
 * @vq: queue
 * @fn: function
 */
void virtio_call(struct virtqueue *vq, void (*fn)(struct virtqueue *vq));

/** virtio_has() - was this feature negotiated? */
static inline bool virtio_has(const struct virtio_dev *vd, unsigned int bit)
{
	return vd->features >> bit & 1;
}

/**
 * virtio_config_set() - change the config space and tell the driver (2.5)
 * @vd: device; from any thread
 * @off: offset
 * @buf: little-endian contents
 * @len: bytes
 */
void virtio_config_set(struct virtio_dev *vd, u32 off, const void *buf, u32 len);

/**
 * virtio_config_set_silent() - the same without telling; for realize(), reset(),
 * config_write()
 * @vd: device
 * @off: offset
 * @buf: little-endian contents
 * @len: bytes
 */
void virtio_config_set_silent(struct virtio_dev *vd, u32 off, const void *buf, u32 len);

/**
 * virtio_needs_reset() - the device cannot go on (2.1.2)
 * @vd: device, from any thread
 * @why: for the log
 */
void virtio_needs_reset(struct virtio_dev *vd, const char *why);

/**
 * virtio_devices_realize() - create the devices of a machine's configuration
 * @vm: machine with memory, interrupt lines and buses
 *
 * Return: 0, or -errno after a message; what exists is released by
 * devices_destroy().
 */
int virtio_devices_realize(struct vm *vm);

/* --- for transports ----------------------------------------------------------- */

/**
 * virtio_realize() - realize a device that a transport owns
 * @vd: device
 * @vm: machine
 * @transport: private to the transport
 * @ops: what the transport does
 *
 * Return: 0, or -errno after a message; virtio_destroy() follows in either case.
 */
int virtio_realize(struct virtio_dev *vd, struct vm *vm, void *transport,
		   const struct virtio_transport_ops *ops);

/**
 * virtio_set_status() - the driver writes the status (2.1, 3.1)
 * @vd: device
 * @status: written value; 0 resets the device
 *
 * All of them are called with @vd->lock held.
 */
void virtio_set_status(struct virtio_dev *vd, u8 status);

/** virtio_status() - what the driver reads there */
u8 virtio_status(const struct virtio_dev *vd);

/**
 * virtio_set_features() - the driver accepts features (2.2)
 * @vd: device
 * @word: 0 for bits 0 to 31, 1 for 32 to 63; others are ignored
 * @bits: accepted; ignored once FEATURES_OK is set
 */
void virtio_set_features(struct virtio_dev *vd, u32 word, u32 bits);

/**
 * virtio_queue_writable() - may the driver set up this queue now?
 * @vd: device
 * @index: queue
 *
 * Return: the queue; NULL when there is none, or when it is enabled, and so its
 * registers are frozen, or before FEATURES_OK.
 */
struct virtqueue *virtio_queue_writable(struct virtio_dev *vd, u32 index);

/**
 * virtio_queue_enable() - the driver enables a queue (4.1.4.3, 4.2.2)
 * @vd: device
 * @index: queue
 *
 * A queue that is enabled after DRIVER_OK (2.6.1) is served at once.
 */
void virtio_queue_enable(struct virtio_dev *vd, u32 index);

/**
 * virtio_queue_stop() - a queue is not served any more and can be set up again
 * @vd: device
 * @index: queue, any value
 */
void virtio_queue_stop(struct virtio_dev *vd, u32 index);

/**
 * virtio_queue_reset() - the driver resets a queue (2.6.1)
 * @vd: device; nothing happens without VIRTIO_F_RING_RESET
 * @index: queue, any value
 */
void virtio_queue_reset(struct virtio_dev *vd, u32 index);

/**
 * virtio_config_write() - the driver writes to the config space
 * @vd: device
 * @off: offset, any
 * @val: little-endian value, in the low bytes
 * @size: 1, 2, 4 or 8
 */
void virtio_config_write(struct virtio_dev *vd, u64 off, u64 val, unsigned int size);

/**
 * virtio_config_read() - the driver reads the config space
 * @vd: device
 * @off: offset, any
 * @size: 1, 2, 4 or 8
 *
 * Return: value; zeroes beyond the end.
 */
u64 virtio_config_read(struct virtio_dev *vd, u64 off, unsigned int size);

/**
 * virtio_kick() - the driver notifies a queue by a write that reached us
 * @vd: device
 * @index: queue, any value
 */
void virtio_kick(struct virtio_dev *vd, u32 index);

/**
 * virtio_reset() - reset the device
 * @vd: device, under @lock
 */
void virtio_reset(struct virtio_dev *vd);

/**
 * virtio_stats() - what the queues have done
 * @vd: device
 * @j: gets members, inside the device's object; a queue that was never kicked, as one
 *	that the host's kernel serves, is not among them
 *
 * For any thread.
 */
void virtio_stats(const struct virtio_dev *vd, struct json_out *j);

/**
 * virtio_destroy() - reset, end the threads, release everything
 * @vd: device, which the transport has made unreachable
 */
void virtio_destroy(struct virtio_dev *vd);

#endif /* VMTOOL_VIRTIO_H */
