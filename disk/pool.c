// SPDX-License-Identifier: GPL-2.0
/*
 * The threads of a queue that do requests by calls that wait. They are started as
 * they are needed, and end with the queue. What is done comes back to the queue's
 * thread by an eventfd, which is written to once for all that it finds then.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/log.h>

#include "raw.h"

#define POOL_STACK	(128 * 1024)

void raw_pool_init(struct raw_pool *pool)
{
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work, NULL);
	pthread_cond_init(&pool->quiet, NULL);
	pool->todo_tail = &pool->todo;
	pool->ready.fd = -1;
}

void raw_pool_destroy(struct raw_pool *pool)
{
	unsigned int i;

	pthread_mutex_lock(&pool->lock);
	pool->quit = true;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	for (i = 0; i < pool->nr; i++)
		pthread_join(pool->threads[i], NULL);
	if (pool->ready.fd >= 0)
		close(pool->ready.fd);
	pthread_cond_destroy(&pool->quiet);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->lock);
}

static struct disk_req *take_todo(struct raw_pool *pool)
{
	struct disk_req *req = pool->todo;

	pool->todo = req->next;
	if (!pool->todo)
		pool->todo_tail = &pool->todo;
	pool->nr_todo--;
	return req;
}

/* An eventfd that is not read yet is as good as one more write. */
static void wake(struct raw_pool *pool)
{
	u64 one = 1;

	while (write(pool->ready.fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static void do_one(struct raw_queue *rq)
{
	struct raw_pool *pool = &rq->pool;
	struct disk_req *req = take_todo(pool);
	bool first;

	pool->busy++;
	pthread_mutex_unlock(&pool->lock);
	req->ret = raw_sync_do(rq, req);
	pthread_mutex_lock(&pool->lock);
	first = !pool->done;
	req->next = pool->done;
	pool->done = req;
	if (first)
		wake(pool);
	if (!--pool->busy)
		pthread_cond_signal(&pool->quiet);
}

static void *pool_main(void *arg)
{
	struct raw_queue *rq = arg;
	struct raw_pool *pool = &rq->pool;

	pthread_setname_np(pthread_self(), "disk-io");
	pthread_mutex_lock(&pool->lock);
	while (!pool->quit) {
		if (pool->todo) {
			do_one(rq);
			continue;
		}
		pool->idle++;
		pthread_cond_wait(&pool->work, &pool->lock);
		pool->idle--;
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

/* Signals are for the threads that know them. */
static int start_thread(struct raw_queue *rq)
{
	sigset_t all, old;
	pthread_attr_t attr;
	int ret;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, POOL_STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	ret = pthread_create(&rq->pool.threads[rq->pool.nr], &attr, pool_main, rq);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	if (!ret)
		rq->pool.nr++;
	return ret;
}

static struct disk_req *take_done(struct raw_pool *pool)
{
	struct disk_req *req;

	pthread_mutex_lock(&pool->lock);
	req = pool->done;
	pool->done = NULL;
	pthread_mutex_unlock(&pool->lock);
	return req;
}

static void hand_back(struct raw_queue *rq)
{
	struct disk_req *req, *next;

	for (req = take_done(&rq->pool); req; req = next) {
		next = req->next;
		raw_done(rq, req, req->ret);
	}
}

static void pool_ready(struct ev_source *src, u32 events)
{
	struct raw_queue *rq = container_of(src, struct raw_queue, pool.ready);
	u64 count;

	if (read(src->fd, &count, sizeof(count)) < 0)
		return;
	hand_back(rq);
	rq->q.batch(&rq->q);
}

static int start_events(struct raw_queue *rq)
{
	struct ev_source *src = &rq->pool.ready;
	int ret;

	if (src->fd >= 0)
		return 0;
	src->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (src->fd < 0)
		return -errno;
	src->fn = pool_ready;
	ret = ev_add(rq->q.loop, src, EPOLLIN);
	if (ret) {
		close(src->fd);
		src->fd = -1;
	}
	return ret;
}

void raw_pool_add(struct raw_queue *rq, struct disk_req *req)
{
	struct raw_pool *pool = &rq->pool;
	bool served;

	/* A host that is out of everything: slow, but nothing is lost. */
	if (start_events(rq)) {
		raw_done(rq, req, raw_sync_do(rq, req));
		return;
	}
	pthread_mutex_lock(&pool->lock);
	req->next = NULL;
	*pool->todo_tail = req;
	pool->todo_tail = &req->next;
	pool->nr_todo++;
	if (pool->nr_todo > pool->idle && pool->nr < POOL_THREADS)
		start_thread(rq);
	served = pool->nr;
	if (!served)
		take_todo(pool);
	else
		pthread_cond_signal(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	if (!served)
		raw_done(rq, req, raw_sync_do(rq, req));
}

void raw_pool_cancel(struct raw_queue *rq)
{
	struct raw_pool *pool = &rq->pool;
	struct disk_req *req, *next;

	pthread_mutex_lock(&pool->lock);
	req = pool->todo;
	pool->todo = NULL;
	pool->todo_tail = &pool->todo;
	pool->nr_todo = 0;
	while (pool->busy)
		pthread_cond_wait(&pool->quiet, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
	for (; req; req = next) {
		next = req->next;
		raw_done(rq, req, -ECANCELED);
	}
	hand_back(rq);
}
