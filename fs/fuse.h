/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FS_FUSE_H
#define FS_FUSE_H

#include <linux/fuse.h>
#include <linux/types.h>
#include <vmtool/log.h>
#include <vmtool/share.h>
#include <vmtool/virtqueue.h>

/*
 * A FUSE server for a shared directory, on the buffers of a virtqueue.
 *
 * Theory of operation. A request is a chain: a header, arguments and data to read,
 * room for a header and data to write. Headers and arguments are copied before they
 * are looked at; data is not copied at all: preadv() and pwritev() work on the
 * guest's memory. A request is served where it arrives, by a worker, of which there
 * is one for each thread. The one thing a guest may wait for without end is a lock:
 * such a request is parked and tried again by the worker's timer, until it succeeds
 * or FUSE_INTERRUPT comes.
 *
 * Nodes are share_id(), file handles are slots with a generation: both are looked up
 * in tables and may be any number.
 *
 * libfuse's low-level API would give the protocol as callbacks, but its session is
 * a file descriptor: requests are read() or splice()d into a buffer of its own, and
 * replies written from one, so data would be copied twice, and memory allocated for
 * each request. Its fuse_session_custom_io() replaces read() and writev() and keeps
 * the copies; it has one channel, and no place for a request that is parked. What is
 * left after that, the decoding of structures which linux/fuse.h declares, is small.
 */

/* Newer than the oldest headers we build with. */
#ifndef FUSE_DIRECT_IO_ALLOW_MMAP
#define FUSE_DIRECT_IO_ALLOW_MMAP	0x1000000000ULL
#endif

#define FUSE_MAX_WRITE	(1024 * 1024)
#define FUSE_ARG_MAX	(68 * 1024)	/* an xattr's value, its name, a header */
#define FUSE_REPLY_MAX	(64 * 1024)	/* what is put together before it is written */
#define FUSE_PARKED_MAX	64
#define FUSE_PARKED_IOV	4
#define FUSE_OWNERS_MAX	4096

/**
 * enum fuse_cache - how far a guest trusts what it has seen
 * @FUSE_CACHE_AUTO: attributes and names for a second; contents until a file is
 *	opened and was changed
 * @FUSE_CACHE_NONE: not at all
 * @FUSE_CACHE_ALWAYS: nobody else changes the directory
 */
enum fuse_cache {
	FUSE_CACHE_AUTO,
	FUSE_CACHE_NONE,
	FUSE_CACHE_ALWAYS,
};

/**
 * struct fuse_opts - what the user asked for
 * @cache: how far a guest trusts what it has seen
 * @writeback: the guest may write back later
 * @locks: locks are those of the host, so others see them
 * @flat: what is mounted below the directory is no file system of its own
 */
struct fuse_opts {
	enum fuse_cache cache;
	bool writeback;
	bool locks;
	bool flat;
};

/**
 * struct fuse_file - an open file or directory
 * @index: slot, from 1
 * @gen: tells it from others that had the slot before
 * @refs: references, one of the guest while @open; under fuse_fs.lock
 * @open: the guest has not released it
 * @isdir: it is a directory
 * @next: slot of the next free one
 * @fd: descriptor
 * @inode: what was opened
 * @size: size when it was last known, or 0
 * @dir: of a directory
 * @dir_lock: guards @dir
 */
struct fuse_file {
	u32 index;
	u32 gen;
	u32 refs;
	bool open;
	bool isdir;
	u32 next;
	int fd;
	struct share_inode *inode;
	u64 size;
	struct share_dir dir;
	pthread_mutex_t dir_lock;
};

struct fuse_owner;
struct fuse_worker;

/**
 * struct fuse_fs - a file system served to a guest
 * @share: the directory
 * @opts: what the user asked for
 * @errors: budget of messages about the guest's mistakes
 * @name: for messages
 * @flags: negotiated by FUSE_INIT; 0 before
 * @lock: guards what follows, and the parked requests of all workers
 * @chunk: files
 * @nr_chunks: how many
 * @max_chunks: room in @chunk
 * @free: slot of the first free file
 * @workers: list
 * @owner_lock: guards @owners; taken before @lock
 * @owners: owners of POSIX locks
 * @nr_owners: how many
 */
struct fuse_fs {
	struct share share;
	struct fuse_opts opts;
	struct log_limit *errors;
	const char *name;
	u64 flags;
	pthread_mutex_t lock;
	struct fuse_file **chunk;
	unsigned int nr_chunks;
	unsigned int max_chunks;
	u32 free;
	struct fuse_worker *workers;
	pthread_mutex_t owner_lock;
	struct fuse_owner *owners;
	unsigned int nr_owners;
};

/**
 * struct fuse_parked - a request that waits for a lock
 * @used: it does
 * @interrupted: FUSE_INTERRUPT came
 * @hdr: its header
 * @lk: its arguments
 * @cookie: of its queue
 * @c: its chain, of which @iov is the writable part
 * @iov: storage of that
 */
struct fuse_parked {
	bool used;
	bool interrupted;
	struct fuse_in_header hdr;
	struct fuse_lk_in lk;
	void *cookie;
	struct vq_chain c;
	struct iovec iov[FUSE_PARKED_IOV];
};

/**
 * struct fuse_worker - a thread that serves requests
 * @fs: the file system
 * @next: in fuse_fs.workers
 * @ctx: the thread's context in the share
 * @arg: arguments of the request
 * @reply: reply under construction
 * @iov: parts of data
 * @parked: requests that wait for locks
 * @nr_parked: how many
 */
struct fuse_worker {
	struct fuse_fs *fs;
	struct fuse_worker *next;
	struct share_ctx ctx;
	u8 *arg;
	u8 *reply;
	struct iovec iov[VQ_MAX_SIZE];
	struct fuse_parked parked[FUSE_PARKED_MAX];
	unsigned int nr_parked;
};

/**
 * struct fuse_req - a request being served
 * @w: who serves it
 * @fs: file system
 * @c: its chain: what was not read yet follows the arguments
 * @cookie: of its queue
 * @hdr: its header
 * @arg: its arguments, as large as the operation says at least
 * @name: names that follow them, of one component or not
 * @rest: what follows those
 * @rest_len: bytes
 * @left: bytes of the request that were not read from the chain yet
 */
struct fuse_req {
	struct fuse_worker *w;
	struct fuse_fs *fs;
	struct vq_chain *c;
	void *cookie;
	struct fuse_in_header hdr;
	const void *arg;
	const char *name[2];
	const u8 *rest;
	u32 rest_len;
	u32 left;
};

/* What handlers return besides 0 and -errno. */
#define FUSE_NO_REPLY	1	/* the request has none */
#define FUSE_PARK	2	/* it is answered later */

/* --- fuse.c: for virtio/fs.c and tests ---------------------------------------------- */

/* 0 or -errno after a message; @fs is zeroed. */
int fuse_open(struct fuse_fs *fs, const struct share_opts *share,
	      const struct fuse_opts *opts, const char *name, struct log_limit *errors);
/* No worker is left. */
void fuse_close(struct fuse_fs *fs);
/* The guest starts again: nodes, files and locks are gone. */
void fuse_reset(struct fuse_fs *fs);
/* On the worker's thread; @w is zeroed. 0 or -ENOMEM. */
int fuse_worker_init(struct fuse_worker *w, struct fuse_fs *fs);
/* Also of one that was only zeroed. */
void fuse_worker_destroy(struct fuse_worker *w);
/* Serve a request: true when it is done, false when it is parked. */
bool fuse_serve(struct fuse_worker *w, struct vq_chain *c, void *cookie);
/* Try parked requests again; done() for each that is finished. How many are left. */
unsigned int fuse_retry(struct fuse_worker *w, void (*done)(struct vq_chain *c, void *cookie));
/* Forget the parked requests of a queue, of all when NULL. */
void fuse_unpark(struct fuse_worker *w, void *cookie);

/* --- fuse.c: for the handlers -------------------------------------------------------- */

int fuse_reply(struct fuse_req *r, const void *buf, size_t len);
int fuse_error(struct fuse_req *r, int error);
void fuse_set_attr(const struct fuse_req *r, struct fuse_attr *out,
		   const struct share_attr *attr);
/* Tells the guest of a node; takes the caller's reference. */
void fuse_set_entry(struct fuse_req *r, struct fuse_entry_out *out,
		    struct share_inode *inode, const struct share_attr *attr);
u64 fuse_timeout(const struct fuse_fs *fs);

/* --- fuse-node.c ---------------------------------------------------------------------- */

int fuse_op_lookup(struct fuse_req *r);
int fuse_op_forget(struct fuse_req *r);
int fuse_op_batch_forget(struct fuse_req *r);
int fuse_op_getattr(struct fuse_req *r);
int fuse_op_setattr(struct fuse_req *r);
int fuse_op_readlink(struct fuse_req *r);
int fuse_op_symlink(struct fuse_req *r);
int fuse_op_mknod(struct fuse_req *r);
int fuse_op_mkdir(struct fuse_req *r);
int fuse_op_unlink(struct fuse_req *r);
int fuse_op_rmdir(struct fuse_req *r);
int fuse_op_rename(struct fuse_req *r);
int fuse_op_rename2(struct fuse_req *r);
int fuse_op_link(struct fuse_req *r);
int fuse_op_statfs(struct fuse_req *r);
int fuse_op_setxattr(struct fuse_req *r);
int fuse_op_getxattr(struct fuse_req *r);
int fuse_op_listxattr(struct fuse_req *r);
int fuse_op_removexattr(struct fuse_req *r);
int fuse_op_syncfs(struct fuse_req *r);

/* --- fuse-file.c ---------------------------------------------------------------------- */

struct fuse_file *fuse_file_get(struct fuse_fs *fs, u64 fh);
void fuse_file_put(struct fuse_fs *fs, struct fuse_file *f);
int fuse_files_init(struct fuse_fs *fs);
void fuse_files_reset(struct fuse_fs *fs);
void fuse_files_free(struct fuse_fs *fs);
/* Takes @fd and @inode; a handle, or 0 without memory. */
u64 fuse_file_add(struct fuse_fs *fs, int fd, struct share_inode *inode, u64 size);
u64 fuse_dir_add(struct fuse_fs *fs, const struct share_dir *dir, struct share_inode *inode);
void fuse_file_remove(struct fuse_fs *fs, u64 fh);
int fuse_op_open(struct fuse_req *r);
int fuse_op_create(struct fuse_req *r);
int fuse_op_tmpfile(struct fuse_req *r);
int fuse_op_opendir(struct fuse_req *r);
int fuse_op_release(struct fuse_req *r);

/* --- fuse-io.c ------------------------------------------------------------------------ */

int fuse_op_read(struct fuse_req *r);
int fuse_op_write(struct fuse_req *r);
int fuse_op_readdir(struct fuse_req *r);
int fuse_op_readdirplus(struct fuse_req *r);
int fuse_op_fsync(struct fuse_req *r);
int fuse_op_fallocate(struct fuse_req *r);
int fuse_op_lseek(struct fuse_req *r);
int fuse_op_copy_file_range(struct fuse_req *r);

/* --- fuse-lock.c ---------------------------------------------------------------------- */

int fuse_op_getlk(struct fuse_req *r);
int fuse_op_setlk(struct fuse_req *r);
int fuse_op_setlkw(struct fuse_req *r);
int fuse_op_flush(struct fuse_req *r);
int fuse_op_interrupt(struct fuse_req *r);
void fuse_locks_reset(struct fuse_fs *fs);

#endif /* FS_FUSE_H */
