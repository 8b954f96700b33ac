/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DISK_RAW_H
#define DISK_RAW_H

#include <pthread.h>
#include <linux/types.h>
#include <vmtool/disk.h>
#include <vmtool/evloop.h>
#include <vmtool/log.h>

/*
 * The raw back end: a regular file or a block device of the host, byte for byte.
 *
 *	raw.c	opens it, and decides who does a request
 *	sync.c	does a request by system calls that wait
 *	pool.c	threads for these
 *	uring.c	reads, writes and flushes by io_uring
 *	lock.c	who may use the image
 *	align.c	what O_DIRECT wants
 */

/* Index of a descriptor in &raw_disk.fd; also its number in a ring. */
enum { RAW_FD, RAW_CACHED_FD, RAW_NR_FDS };

/**
 * struct raw_disk - an open file or block device
 * @disk: for users
 * @fd: RAW_FD is for everything; where that is O_DIRECT, RAW_CACHED_FD reaches the
 *	same file through the page cache, else it is -1
 * @io: enum disk_io
 * @is_block: a block device
 * @unsafe: flushes do nothing
 * @mem_align: what O_DIRECT wants addresses to be multiples of
 * @off_align: what O_DIRECT wants offsets and lengths to be multiples of
 * @flush_error: -errno of the first fdatasync() that failed: the page cache may
 *	have dropped what was to be written, so no later flush can be true
 * @no_zero_range: the file system knows no FALLOC_FL_ZERO_RANGE
 * @no_punch: nor FALLOC_FL_PUNCH_HOLE
 * @said_end: the message about a file that became shorter was printed
 * @errors: budget of messages about errors of the host, which the guest can cause
 */
struct raw_disk {
	struct disk disk;
	int fd[RAW_NR_FDS];
	enum disk_io io;
	bool is_block;
	bool unsafe;
	u32 mem_align;
	u32 off_align;
	int flush_error;
	bool no_zero_range;
	bool no_punch;
	bool said_end;
	struct log_limit errors;
};

#define POOL_THREADS	4

/**
 * struct raw_pool - threads that do requests of a queue
 * @lock: protects what follows
 * @work: there is something to do, or @quit
 * @quiet: @busy has become 0
 * @todo: requests that wait, first one first
 * @todo_tail: end of @todo
 * @done: requests that are done, last one first
 * @nr_todo: entries of @todo
 * @idle: threads that wait for work
 * @busy: threads that do a request
 * @quit: end
 * @nr: threads there are
 * @threads: the threads, started as they are needed
 * @ready: eventfd: @done is no longer empty; -1 before the first request
 */
struct raw_pool {
	pthread_mutex_t lock;
	pthread_cond_t work;
	pthread_cond_t quiet;
	struct disk_req *todo;
	struct disk_req **todo_tail;
	struct disk_req *done;
	unsigned int nr_todo;
	unsigned int idle;
	unsigned int busy;
	bool quit;
	unsigned int nr;
	pthread_t threads[POOL_THREADS];
	struct ev_source ready;
};

struct raw_uring;

/**
 * struct raw_queue - a queue of a raw disk
 * @q: for users
 * @raw: the disk
 * @pool: for all that @uring does not do
 * @uring: io_uring, or NULL
 */
struct raw_queue {
	struct disk_queue q;
	struct raw_disk *raw;
	struct raw_pool pool;
	struct raw_uring *uring;
};

/* lock.c: 0, or -errno after a message. */
int raw_lock(const struct raw_disk *raw);
void raw_unlock(const struct raw_disk *raw);

/* align.c: sets mem_align and off_align of an O_DIRECT descriptor. */
void raw_dio_align(struct raw_disk *raw);

/* raw.c: which descriptor can serve this request as it stands? */
int raw_pick_fd(const struct raw_disk *raw, const struct disk_req *req);

/*
 * raw.c: what to read or write next: not all at once, as a guest may ask for more than
 * there is time for when it is reset. Sets *nr; valid until the request goes on.
 */
const struct iovec *raw_part(struct disk_req *req, int *nr);

/* raw.c: a part of a read or write is done; false when all is. */
bool raw_advance(struct disk_req *req, size_t done);

/* raw.c: a request is over, on the queue's thread. */
void raw_done(struct raw_queue *rq, struct disk_req *req, int ret);

/* sync.c: do a request now; 0 or -errno. Any thread. */
int raw_sync_do(struct raw_queue *rq, struct disk_req *req);

/* sync.c: what to report for a flush that gave ret; any thread. */
int raw_flush_result(struct raw_disk *raw, int ret);

/* sync.c: -EIO, for a file that ends before the disk does; any thread. */
int raw_ended(struct raw_disk *raw);

void raw_pool_init(struct raw_pool *pool);
void raw_pool_destroy(struct raw_pool *pool);
void raw_pool_add(struct raw_queue *rq, struct disk_req *req);
void raw_pool_cancel(struct raw_queue *rq);

#ifdef CONFIG_DISK_IO_URING
int raw_uring_open(struct raw_queue *rq, unsigned int depth);
void raw_uring_close(struct raw_queue *rq);
/* False when the request is for the pool. */
bool raw_uring_add(struct raw_queue *rq, struct disk_req *req);
void raw_uring_submit(struct raw_queue *rq);
void raw_uring_cancel(struct raw_queue *rq);
#else
static inline int raw_uring_open(struct raw_queue *rq, unsigned int depth)
{
	return -ENOSYS;
}

static inline void raw_uring_close(struct raw_queue *rq) { }
static inline bool raw_uring_add(struct raw_queue *rq, struct disk_req *req)
{
	return false;
}

static inline void raw_uring_submit(struct raw_queue *rq) { }
static inline void raw_uring_cancel(struct raw_queue *rq) { }
#endif

#endif /* DISK_RAW_H */
