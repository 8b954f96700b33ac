/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FS_9P_H
#define FS_9P_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>
#include <linux/bits.h>
#include <linux/list.h>
#include <linux/types.h>
#include <vmtool/p9.h>
#include <vmtool/share.h>
#include <vmtool/virtqueue.h>

/* Private to the files of the 9P server, fs/9p*.c, and to its tests. */

/* Types of requests; the reply's is one more. */
enum p9_type {
	P9_RLERROR	= 7,
	P9_TSTATFS	= 8,
	P9_TLOPEN	= 12,
	P9_TLCREATE	= 14,
	P9_TSYMLINK	= 16,
	P9_TMKNOD	= 18,
	P9_TRENAME	= 20,
	P9_TREADLINK	= 22,
	P9_TGETATTR	= 24,
	P9_TSETATTR	= 26,
	P9_TXATTRWALK	= 30,
	P9_TXATTRCREATE	= 32,
	P9_TREADDIR	= 40,
	P9_TFSYNC	= 50,
	P9_TLOCK	= 52,
	P9_TGETLOCK	= 54,
	P9_TLINK	= 70,
	P9_TMKDIR	= 72,
	P9_TRENAMEAT	= 74,
	P9_TUNLINKAT	= 76,
	P9_TVERSION	= 100,
	P9_TAUTH	= 102,
	P9_TATTACH	= 104,
	P9_TFLUSH	= 108,
	P9_TWALK	= 110,
	P9_TREAD	= 116,
	P9_TWRITE	= 118,
	P9_TCLUNK	= 120,
	P9_TREMOVE	= 122,
	P9_TYPES
};

#define P9_NOTAG	0xffff
#define P9_NOFID	0xffffffffU
#define P9_NOUID	0xffffffffU
#define P9_NOBODY	65534U

#define P9_HEADER	7		/* size[4] type[1] tag[2] */
#define P9_QID		13		/* type[1] version[4] path[8] */
#define P9_ERROR	(P9_HEADER + 4)
#define P9_DATA		(P9_HEADER + 4)	/* of Rread and Rreaddir, before the data */
#define P9_IOHDR	24		/* what clients set aside for headers of data */
#define P9_MAXWELEM	16

#define P9_MSIZE_MIN	4096
#define P9_MSIZE_MAX	(1024 * 1024)

#define P9_QTDIR	0x80
#define P9_QTSYMLINK	0x02
#define P9_QTFILE	0x00

/* Flags of Tlopen and Tlcreate: the numbers most architectures have. */
#define P9_O_ACCMODE	00000003
#define P9_O_EXCL	00000200
#define P9_O_TRUNC	00001000
#define P9_O_APPEND	00002000
#define P9_O_DSYNC	00010000
#define P9_O_DIRECTORY	00200000
#define P9_O_SYNC	04000000

#define P9_GETATTR_BASIC	0x000007ffULL
#define P9_GETATTR_BTIME	0x00000800ULL

#define P9_ATTR_MODE		BIT(0)
#define P9_ATTR_UID		BIT(1)
#define P9_ATTR_GID		BIT(2)
#define P9_ATTR_SIZE		BIT(3)
#define P9_ATTR_ATIME		BIT(4)
#define P9_ATTR_MTIME		BIT(5)
#define P9_ATTR_ATIME_SET	BIT(7)
#define P9_ATTR_MTIME_SET	BIT(8)

#define P9_AT_REMOVEDIR		0x200

#define P9_LOCK_RDLCK		0
#define P9_LOCK_WRLCK		1
#define P9_LOCK_UNLCK		2

#define P9_LOCK_SUCCESS		0
#define P9_LOCK_BLOCKED		1
#define P9_LOCK_ERROR		2

#define P9_NAME			(SHARE_NAME_MAX + 1)
#define P9_XATTR_MAX		65536
#define P9_XATTR_TOTAL		(512 * 1024)	/* values of a server at a time */
#define P9_LOCKS_MAX		1024
#define P9_CLIENT		64		/* of a lock's owner, with the NUL */
#define P9_IOV			128

/**
 * enum p9_kind - what a fid is open as
 * @P9_FILE: regular file
 * @P9_DIR: directory
 * @P9_XATTR_READ: value of an attribute, or the list of their names
 * @P9_XATTR_WRITE: value that comes, and is set when the fid is clunked
 */
enum p9_kind {
	P9_FILE,
	P9_DIR,
	P9_XATTR_READ,
	P9_XATTR_WRITE,
};

/**
 * struct p9_open - what a fid has beyond its inode once it is open
 * @kind: as what
 * @fd: P9_FILE
 * @writable: P9_FILE
 * @kill_priv: the first write drops set-id bits
 * @locked: there may be locks
 * @dir: P9_DIR
 * @val: value, or names
 * @len: bytes of it
 * @got: bytes of it that came
 * @flags: of setxattr(2)
 * @name: of the attribute that is written
 */
struct p9_open {
	enum p9_kind kind;
	int fd;
	bool writable;
	bool kill_priv;
	bool locked;
	struct share_dir dir;
	u8 *val;
	u32 len;
	u32 got;
	u32 flags;
	char *name;
};

/**
 * struct p9_fid - an object that the client has a number for
 * @num: the number
 * @next: slot of the next fid in the bucket, or in the free list
 * @uid: user it is used by
 * @name: hash of the name it was found by, and of the directory; 0 when not known
 * @inode: the object
 * @open: NULL until it is opened
 */
struct p9_fid {
	u32 num;
	u32 next;
	u32 uid;
	u32 name;
	struct share_inode *inode;
	struct p9_open *open;
};

/**
 * struct p9_server - a server
 * @share: the directory
 * @ctx: of the thread that serves
 * @ready: @ctx is
 * @msize: bytes of a message at most; 0 when no session has begun
 * @max_fids: fids at most
 * @nr_fids: fids in use
 * @nr_chunks: allocated
 * @nr_buckets: a power of two
 * @chunk: the fids, which never move; slots count from 1
 * @bucket: heads of their chains
 * @free: first free slot, 0 for none
 * @xattr_bytes: of all values that are kept
 * @lockfiles: files with locks
 * @nr_locks: locks
 * @name: scratch, for a name of the request
 * @name2: the same
 * @text: scratch, for a path
 * @text2: the same
 * @iov: scratch, for data
 */
struct p9_server {
	struct share share;
	struct share_ctx ctx;
	bool ready;
	u32 msize;
	unsigned int max_fids;
	unsigned int nr_fids;
	unsigned int nr_chunks;
	unsigned int nr_buckets;
	struct p9_fid **chunk;
	u32 *bucket;
	u32 free;
	size_t xattr_bytes;
	struct list_head lockfiles;
	unsigned int nr_locks;
	char name[P9_NAME];
	char name2[P9_NAME];
	char text[PATH_MAX];
	char text2[PATH_MAX];
	struct iovec iov[P9_IOV];
};

/**
 * struct p9_req - a request that is being served
 * @s: its server
 * @c: its buffers
 * @left: bytes of the message that were not read yet
 * @room: bytes that the reply may have
 * @err: what was found wrong while reading or writing, -errno
 * @tag: the client's number for it
 * @type: what it asks for
 */
struct p9_req {
	struct p9_server *s;
	struct vq_chain *c;
	u32 left;
	u32 room;
	int err;
	u16 tag;
	u8 type;
};

/* Bytes of a message at most. */
static inline u32 p9_max_size(const struct p9_server *s)
{
	return s->msize ? s->msize : P9_MSIZE_MAX;
}

/* --- 9p-wire.c: messages, byte by byte ------------------------------------------- */

/* Once something was wrong, @err is set and the rest reads as zero. */
u8 p9_get8(struct p9_req *r);
u16 p9_get16(struct p9_req *r);
u32 p9_get32(struct p9_req *r);
u64 p9_get64(struct p9_req *r);
/* A string, ended by a NUL: -ENAMETOOLONG in @err when it does not fit. */
void p9_get_str(struct p9_req *r, char *buf, size_t size);
void p9_get_name(struct p9_req *r, char name[P9_NAME]);

void p9_put8(struct p9_req *r, u8 val);
void p9_put16(struct p9_req *r, u16 val);
void p9_put32(struct p9_req *r, u32 val);
void p9_put64(struct p9_req *r, u64 val);
void p9_put_str(struct p9_req *r, const char *buf, size_t len);
void p9_put_qid(struct p9_req *r, const struct share_attr *attr);
u8 p9_qid_type(u32 mode);

/* Reads the header of a request: 0 or -errno, and the tag if there is one. */
int p9_begin(struct p9_req *r);
/* Writes the header of a reply, behind which everything is there already. */
void p9_end(struct p9_req *r);
/* Makes the reply an error: 0, or -EMSGSIZE when there is no room. */
int p9_fail(struct p9_req *r, int err);

/* --- 9p-fid.c -------------------------------------------------------------------- */

int p9_fids_init(struct p9_server *s);
void p9_fids_destroy(struct p9_server *s);
struct p9_fid *p9_fid_find(struct p9_server *s, u32 num);
/* May there be a fid of this number now? 0 or -errno. */
int p9_fid_check_new(struct p9_server *s, u32 num);
/* Takes the reference to @inode if it returns 0. */
int p9_fid_new(struct p9_server *s, u32 num, struct share_inode *inode, u32 uid,
	       struct p9_fid **fid);
struct p9_open *p9_fid_open(struct p9_fid *fid, enum p9_kind kind);
/* Back to a fid that is not open. */
void p9_fid_close(struct p9_server *s, struct p9_fid *fid);
void p9_fid_drop(struct p9_server *s, struct p9_fid *fid);
void p9_fid_drop_all(struct p9_server *s);
/* The fid a request begins with, its number read. -EBADF in r->err and NULL if none. */
struct p9_fid *p9_get_fid(struct p9_req *r);
/* The thread's identity from now on, for what it creates. */
void p9_become(struct p9_req *r, const struct p9_fid *fid, u32 gid);

/* --- requests: 0 with the reply written, or -errno --------------------------------- */

int p9_lopen(struct p9_req *r);
int p9_lcreate(struct p9_req *r);
int p9_read(struct p9_req *r);
int p9_write(struct p9_req *r);
int p9_readdir(struct p9_req *r);
int p9_fsync(struct p9_req *r);

int p9_getattr(struct p9_req *r);
int p9_setattr(struct p9_req *r);
int p9_statfs(struct p9_req *r);

int p9_xattrwalk(struct p9_req *r);
int p9_xattrcreate(struct p9_req *r);
int p9_xattr_read(struct p9_req *r, const struct p9_open *o, u64 off, u32 count);
int p9_xattr_write(struct p9_req *r, struct p9_open *o, u64 off, u32 count);
/* The fid is clunked: set what came. */
int p9_xattr_commit(struct p9_server *s, const struct p9_fid *fid);
void p9_xattr_free(struct p9_server *s, struct p9_open *o);

int p9_symlink(struct p9_req *r);
int p9_mknod(struct p9_req *r);
int p9_mkdir(struct p9_req *r);
int p9_link(struct p9_req *r);
int p9_readlink(struct p9_req *r);
int p9_rename(struct p9_req *r);
int p9_renameat(struct p9_req *r);
int p9_unlinkat(struct p9_req *r);
int p9_remove(struct p9_req *r);

/* Hash of a name in a directory; never 0. */
u32 p9_name_hash(const struct share_inode *dir, const char *name);
/* The directory that a directory is in; the root's is the root. 0 or -errno. */
int p9_parent(struct p9_server *s, struct share_inode *inode, struct share_inode **dir);

int p9_lock(struct p9_req *r);
int p9_getlock(struct p9_req *r);
void p9_unlock_fid(struct p9_server *s, const struct p9_fid *fid);

#endif /* FS_9P_H */
