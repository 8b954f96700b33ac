/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_DISK_H
#define VMTOOL_DISK_H

#include <stdbool.h>
#include <sys/uio.h>
#include <linux/types.h>

/*
 * A disk of the host. What is asked of it is a struct disk_req, on a queue that
 * belongs to one thread and its event loop. Requests are added, then submitted at
 * once; each is done exactly once, in any order, on that thread. Nothing here
 * waits for the disk but disk_queue_cancel().
 *
 * This file knows nothing of guests: addresses are this process's own.
 */

struct disk;
struct disk_queue;
struct disk_ops;
struct evloop;

#define DISK_SECTOR	512

/**
 * enum disk_cache - what the host does with what was written
 * @DISK_CACHE_WRITEBACK: it stays in the page cache until a flush
 * @DISK_CACHE_NONE: no page cache: O_DIRECT
 * @DISK_CACHE_UNSAFE: as writeback, and a flush does nothing
 */
enum disk_cache {
	DISK_CACHE_WRITEBACK,
	DISK_CACHE_NONE,
	DISK_CACHE_UNSAFE,
};

/**
 * enum disk_io - how it is read and written
 * @DISK_IO_AUTO: io_uring where there is one, else threads
 * @DISK_IO_URING: io_uring, or the disk cannot be used
 * @DISK_IO_THREADS: threads that call preadv() and pwritev()
 */
enum disk_io {
	DISK_IO_AUTO,
	DISK_IO_URING,
	DISK_IO_THREADS,
};

/**
 * struct disk_conf - what a user asked for
 * @path: file or block device
 * @ro: never write
 * @direct: O_DIRECT
 * @cache: enum disk_cache
 * @io: enum disk_io
 */
struct disk_conf {
	const char *path;
	bool ro;
	bool direct;
	unsigned int cache;
	unsigned int io;
};

/**
 * struct disk - an open disk
 * @ops: its back end
 * @path: for messages; outlives the disk
 * @size: bytes, a multiple of DISK_SECTOR, not 0
 * @block: logical block size, in bytes
 * @physical: smallest write that does not cost a read, in bytes
 * @align_off: where the first physical block starts, in bytes
 * @min_io: preferred size of small I/O, in bytes
 * @opt_io: preferred size of large I/O, in bytes, 0 when there is none
 * @discard_align: what discards should be multiples of, in bytes
 * @ro: never written
 */
struct disk {
	const struct disk_ops *ops;
	const char *path;
	u64 size;
	u32 block;
	u32 physical;
	u32 align_off;
	u32 min_io;
	u32 opt_io;
	u32 discard_align;
	bool ro;
};

/**
 * enum disk_op - what to do
 * @DISK_READ: fill the parts
 * @DISK_WRITE: write the parts
 * @DISK_FLUSH: make stable what was written before
 * @DISK_DISCARD: the range is not needed any more; does nothing where it cannot
 * @DISK_ZERO: the range reads as zeroes afterwards
 */
enum disk_op {
	DISK_READ,
	DISK_WRITE,
	DISK_FLUSH,
	DISK_DISCARD,
	DISK_ZERO,
};

/* Stable when it is done: write-through. For all that write. */
#define DISK_FUA	1
/* Space of a DISK_ZERO may be given back. */
#define DISK_UNMAP	2

/**
 * struct disk_req - something to do
 * @op: what
 * @flags: DISK_FUA, DISK_UNMAP
 * @off: where, in bytes
 * @len: bytes; the range lies inside the disk
 * @iov: parts of memory for a read or a write, @len bytes in all; the array and
 *	what it says are the queue's to change until the request is done
 * @nr_iov: how many, at most IOV_MAX
 * @ret: 0 or -errno, when it is done; -ECANCELED after disk_queue_cancel()
 * @next: private
 * @part: private
 */
struct disk_req {
	enum disk_op op;
	unsigned int flags;
	u64 off;
	u64 len;
	struct iovec *iov;
	int nr_iov;
	int ret;
	struct disk_req *next;
	struct iovec part;
};

/**
 * struct disk_queue - requests of one thread
 * @disk: the disk
 * @loop: the thread's loop
 * @done: a request is done and the caller's again. Called from all functions below
 *	and from @loop; may add requests, but not submit them.
 * @batch: called from @loop after some @done; may submit
 * @priv: for the caller
 * @cancelling: in disk_queue_cancel(); read by threads of the back end
 */
struct disk_queue {
	struct disk *disk;
	struct evloop *loop;
	void (*done)(struct disk_queue *q, struct disk_req *req);
	void (*batch)(struct disk_queue *q);
	void *priv;
	bool cancelling;
};

/**
 * struct disk_ops - a back end
 * @close: as disk_close()
 * @queue_open: a queue, zeroed but for the back end's part; NULL and *@err = -errno
 *	after a message
 * @queue_add: as disk_queue_add()
 * @queue_submit: as disk_queue_submit()
 * @queue_cancel: as disk_queue_cancel()
 * @queue_close: as disk_queue_close(), with nothing under way
 */
struct disk_ops {
	void (*close)(struct disk *d);
	struct disk_queue *(*queue_open)(struct disk *d, struct evloop *loop,
					 unsigned int depth, int *err);
	void (*queue_add)(struct disk_queue *q, struct disk_req *req);
	void (*queue_submit)(struct disk_queue *q);
	void (*queue_cancel)(struct disk_queue *q);
	void (*queue_close)(struct disk_queue *q);
};

/**
 * disk_open() - open and lock a disk
 * @disk: receives the disk, the caller's until disk_close()
 * @conf: what the user asked for; @conf->path outlives the disk
 *
 * The contents are never looked at: a file is its sectors, whatever it looks like.
 * The lock is exclusive, or shared for a disk that is only read.
 *
 * Return: 0, or -errno after a one-line message.
 */
int disk_open(struct disk **disk, const struct disk_conf *conf);

/**
 * disk_close() - close a disk whose queues are closed
 * @d: disk, or NULL
 */
void disk_close(struct disk *d);

/**
 * disk_queue_open() - make a queue
 * @d: disk
 * @loop: loop of the thread that will use it; it does not run yet, or this is it
 * @depth: requests under way at most
 * @err: receives -errno
 *
 * The caller sets @done, @batch and @priv of what it gets.
 *
 * Return: queue, or NULL after a one-line message.
 */
struct disk_queue *disk_queue_open(struct disk *d, struct evloop *loop,
				   unsigned int depth, int *err);

/**
 * disk_queue_add() - ask for something
 * @q: queue, on its thread
 * @req: filled in, the queue's until it is done
 *
 * Nothing is sure to start before disk_queue_submit().
 */
void disk_queue_add(struct disk_queue *q, struct disk_req *req);

/**
 * disk_queue_submit() - start all that was added
 * @q: queue, on its thread
 *
 * What can be done at once is: @done is called for it, @batch is not.
 */
void disk_queue_submit(struct disk_queue *q);

/**
 * disk_queue_cancel() - end all that is under way
 * @q: queue, on its thread
 *
 * Waits for what cannot be cancelled. On return every request is done, and nothing
 * touches its memory any more.
 */
void disk_queue_cancel(struct disk_queue *q);

/**
 * disk_queue_close() - cancel what is under way and release a queue
 * @q: queue, or NULL; on its thread, or when that has ended
 */
void disk_queue_close(struct disk_queue *q);

#endif /* VMTOOL_DISK_H */
