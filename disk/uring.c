// SPDX-License-Identifier: GPL-2.0
/*
 * Reads, writes and flushes of a raw disk by io_uring.
 *
 * All that was added is submitted by one io_uring_enter(), straight from and to the
 * request's memory. The ring's descriptor is a source of the queue's loop, and
 * completions are taken from shared memory, so that they cost a system call only
 * where the kernel has work left to do for them.
 *
 * What io_uring could not do for a reason that may pass, or that is its own, is done
 * again by the pool, whose answer is final.
 */
/* Before sys/uio.h, which has some of it in other words. */
#include <linux/fs.h>

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <liburing.h>
#include <linux/kernel.h>
#include <vmtool/log.h>

#include "raw.h"

/* How often a submission that the kernel has no memory for is tried, 1 ms apart. */
#define SUBMIT_TRIES	100
#define SUBMIT_RETRY_MS	1
/* Submissions in a row. */
#define SUBMIT_ROUNDS	4

/* RWF_DSYNC, whose own definition is one of a type that no function takes. */
#define WRITE_STABLE	2

/**
 * struct raw_uring - the ring of a queue
 * @ring: the ring
 * @src: its descriptor, readable when something is done
 * @retry: submits again what the kernel had no memory for
 * @rq: the queue
 * @tries: submissions in a row that did not work
 * @queued: entries that the kernel has not taken yet
 * @inflight: entries that it has taken, and not completed
 * @dead: nothing is submitted any more
 */
struct raw_uring {
	struct io_uring ring;
	struct ev_source src;
	struct ev_timer retry;
	struct raw_queue *rq;
	unsigned int tries;
	unsigned int queued;
	unsigned int inflight;
	bool dead;
};

/* --- submitting ------------------------------------------------------------------- */

static void prepare(struct io_uring_sqe *sqe, const struct raw_queue *rq,
		    struct disk_req *req)
{
	int nr, fd = raw_pick_fd(rq->raw, req);

	if (req->op == DISK_FLUSH) {
		io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
	} else {
		const struct iovec *iov = raw_part(req, &nr);

		if (req->op == DISK_READ)
			io_uring_prep_readv(sqe, fd, iov, nr, req->off);
		else
			io_uring_prep_writev2(sqe, fd, iov, nr, req->off,
					      req->flags & DISK_FUA ? WRITE_STABLE : 0);
	}
	sqe->flags |= IOSQE_FIXED_FILE;
	io_uring_sqe_set_data(sqe, req);
}

bool raw_uring_add(struct raw_queue *rq, struct disk_req *req)
{
	struct raw_uring *u = rq->uring;
	struct io_uring_sqe *sqe;

	if (!u || u->dead || req->op == DISK_DISCARD || req->op == DISK_ZERO)
		return false;
	if (req->op == DISK_FLUSH && __atomic_load_n(&rq->raw->flush_error, __ATOMIC_RELAXED))
		return false;
	sqe = io_uring_get_sqe(&u->ring);
	if (!sqe)
		return false;
	prepare(sqe, rq, req);
	u->queued++;
	return true;
}

/* The ring is of no use any more: what it did not take is for the pool. */
static void give_up(struct raw_uring *u, int err)
{
	struct io_uring_sq *sq = &u->ring.sq;
	unsigned int i;

	log_warn("disk %s: io_uring fails: %s; threads do its I/O from now on",
		 u->rq->raw->disk.path, strerror(err));
	u->dead = true;
	for (i = 0; i < u->queued; i++) {
		unsigned int slot = (sq->sqe_tail - u->queued + i) & *sq->kring_mask;
		struct disk_req *req = (void *)(uintptr_t)sq->sqes[slot].user_data;

		if (req)
			raw_pool_add(u->rq, req);
	}
	u->queued = 0;
}

/* Gives the kernel what is queued; what remains is tried again later. */
static void push_entries(struct raw_uring *u)
{
	int ret = 0;

	while (!ret && u->queued) {
		ret = io_uring_submit(&u->ring);
		if (ret > 0) {
			u->queued -= ret;
			u->inflight += ret;
			u->tries = 0;
		}
		/* None taken, and no error: no memory is as good a reason as any. */
		if (!ret)
			ret = -EAGAIN;
		if (ret > 0 || ret == -EINTR)
			ret = 0;
	}
	if (!ret)
		return;
	if ((ret == -EAGAIN || ret == -EBUSY || ret == -ENOMEM) && ++u->tries < SUBMIT_TRIES &&
	    !ev_timer_set(u->rq->q.loop, &u->retry, SUBMIT_RETRY_MS))
		return;
	give_up(u, -ret);
}

/* --- completing ------------------------------------------------------------------- */

/* Another try by calls that wait tells what is wrong. */
static bool for_pool(int res)
{
	return res == -EAGAIN || res == -EINTR || res == -ENOMEM || res == -EINVAL ||
		res == -EOPNOTSUPP || res == -ECANCELED;
}

static void complete(struct raw_uring *u, struct disk_req *req, int res)
{
	struct raw_queue *rq = u->rq;
	bool rw = req->op != DISK_FLUSH;

	if (rw && res > 0 && !raw_advance(req, res)) {
		raw_done(rq, req, 0);
	} else if (rq->q.cancelling && (res > 0 || for_pool(res))) {
		raw_done(rq, req, -ECANCELED);
	} else if (rw && res > 0) {
		/* Short: the rest is one more request. */
		if (!raw_uring_add(rq, req))
			raw_pool_add(rq, req);
	} else if (for_pool(res)) {
		raw_pool_add(rq, req);
	} else if (!rw) {
		raw_done(rq, req, raw_flush_result(rq->raw, res));
	} else if (!res && req->len) {
		raw_done(rq, req, req->op == DISK_READ ? raw_ended(rq->raw) : -EIO);
	} else {
		raw_done(rq, req, res);
	}
}

/* Takes all that is there; true when there was something. */
static bool reap(struct raw_uring *u)
{
	struct io_uring_cqe *cqe;
	bool any = false;

	while (u->inflight && !io_uring_peek_cqe(&u->ring, &cqe)) {
		struct disk_req *req = io_uring_cqe_get_data(cqe);
		int res = cqe->res;

		io_uring_cqe_seen(&u->ring, cqe);
		u->inflight--;
		if (!req)
			continue;
		complete(u, req, res);
		any = true;
	}
	return any;
}

void raw_uring_submit(struct raw_queue *rq)
{
	struct raw_uring *u = rq->uring;

	unsigned int rounds = SUBMIT_ROUNDS;

	/* Rests of requests come on top, and the loop has others to serve as well. */
	while (u && u->queued && rounds--) {
		push_entries(u);
		if (!reap(u) || u->tries)
			return;
	}
	if (u && u->queued && ev_timer_set(rq->q.loop, &u->retry, SUBMIT_RETRY_MS))
		give_up(u, ENOMEM);
}

static void ring_ready(struct ev_source *src, u32 events)
{
	struct raw_uring *u = container_of(src, struct raw_uring, src);

	if (!reap(u))
		return;
	raw_uring_submit(u->rq);
	u->rq->q.batch(&u->rq->q);
}

static void retry(struct ev_timer *timer)
{
	struct raw_uring *u = container_of(timer, struct raw_uring, retry);

	raw_uring_submit(u->rq);
	u->rq->q.batch(&u->rq->q);
}

/* --- ending ----------------------------------------------------------------------- */

static void nap(void)
{
	struct timespec ts = { .tv_nsec = SUBMIT_RETRY_MS * 1000000L };

	nanosleep(&ts, NULL);
}

/* Asks the kernel to stop what it can; older ones do not know how, and finish. */
static void ask_to_cancel(struct raw_uring *u)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);

	if (!sqe)
		return;
	io_uring_prep_cancel(sqe, NULL, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
	io_uring_sqe_set_data(sqe, NULL);
	u->queued++;
}

void raw_uring_cancel(struct raw_queue *rq)
{
	struct raw_uring *u = rq->uring;
	struct io_uring_cqe *cqe;

	if (!u)
		return;
	if (u->inflight && !u->dead)
		ask_to_cancel(u);
	while (u->queued) {
		push_entries(u);
		if (u->queued)
			nap();
	}
	ev_timer_set(rq->q.loop, &u->retry, 0);
	u->tries = 0;
	/* Guest memory is in their hands: there is no way out before they are done. */
	while (u->inflight) {
		if (io_uring_wait_cqe(&u->ring, &cqe))
			nap();
		reap(u);
	}
}

/* --- life ------------------------------------------------------------------------- */

/*
 * The queue's thread is not interrupted by completions (5.19). With DEFER_TASKRUN it
 * would not even be woken up by them: polls of the ring see nothing then.
 */
static int set_up_ring(struct raw_uring *u, unsigned int depth)
{
	int ret = io_uring_queue_init(depth, &u->ring,
				      IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG);

	if (ret == -EINVAL)
		ret = io_uring_queue_init(depth, &u->ring, 0);
	return ret;
}

int raw_uring_open(struct raw_queue *rq, unsigned int depth)
{
	struct raw_disk *raw = rq->raw;
	struct raw_uring *u = calloc(1, sizeof(*u));
	int ret = -ENOMEM;

	if (!u)
		return ret;
	/* One more, to cancel the others. */
	ret = set_up_ring(u, depth + 1);
	if (ret)
		goto free;
	ret = io_uring_register_files(&u->ring, raw->fd,
				      raw->fd[RAW_CACHED_FD] < 0 ? 1 : RAW_NR_FDS);
	if (ret)
		goto exit;
	u->rq = rq;
	u->retry.fn = retry;
	u->src.fn = ring_ready;
	u->src.fd = u->ring.ring_fd;
	ret = ev_add(rq->q.loop, &u->src, EPOLLIN);
	if (ret)
		goto exit;
	rq->uring = u;
	return 0;
exit:
	io_uring_queue_exit(&u->ring);
free:
	free(u);
	return ret;
}

void raw_uring_close(struct raw_queue *rq)
{
	struct raw_uring *u = rq->uring;

	if (!u)
		return;
	ev_timer_destroy(&u->retry);
	ev_del(rq->q.loop, &u->src);
	io_uring_queue_exit(&u->ring);
	rq->uring = NULL;
	free(u);
}
