/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FS_SHARE_H
#define FS_SHARE_H

#include <errno.h>
#include <fcntl.h>
#include <linux/types.h>
#include <vmtool/share.h>

/*
 * Private to the files of a share: share.c, inode.c, attr.c, setattr.c, create.c,
 * dir.c, xattr.c.
 */

/* A system call again for as long as a signal comes in between. */
#define SHARE_RETRY(call)					\
({								\
	long __ret;						\
	do {							\
		__ret = (call);					\
	} while (__ret < 0 && errno == EINTR);			\
	__ret;							\
})

/* Longest "/proc/self/fd/N". */
#define SHARE_PATH_MAX	32

/* What "/proc/self/fd" is relative to, for calls without a descriptor to start from. */
#define SHARE_PROC_FD	"/proc/self/fd"

struct statx;

/**
 * struct share_inode - an object of the host
 * @fd: O_PATH descriptor
 * @index: slot in the table, from 1; the root's is 1
 * @gen: tells it from others that had the slot before
 * @refs: references, under share.lock
 * @nlookup: how often the guest was told of it; holds one reference
 * @dev: device
 * @ino: inode number on it
 * @mnt: mount
 * @type: S_IFMT part of the mode
 * @barred: shown as an empty directory
 * @next_key: slot of the next inode in the bucket, or in the free list
 * @next_name: slot of the next inode in the bucket of names
 * @name: hash of the name and the directory it was found by last; 0 for none
 * @version: hash of time stamps and size when it was last opened; 0 when that
 *	says nothing
 */
struct share_inode {
	int fd;
	u32 index;
	u32 gen;
	u32 refs;
	u64 nlookup;
	dev_t dev;
	u64 ino;
	u32 mnt;
	u16 type;
	bool barred;
	u32 next_key;
	u32 next_name;
	u64 name;
	u64 version;
};

/* --- inode.c ------------------------------------------------------------------- */

int inode_table_init(struct share *s);
void inode_table_destroy(struct share *s);
u64 inode_name_hash(const struct share_inode *dir, const char *name);
struct share_inode *inode_by_name(struct share *s, u64 hash);
bool inode_is(const struct share_inode *inode, const struct statx *stx);
/* Takes @fd whatever it returns. @dir is NULL for the root. */
int inode_adopt(struct share *s, int fd, const struct statx *stx,
		const struct share_inode *dir, u64 name, struct share_inode **inode);

/* --- attr.c -------------------------------------------------------------------- */

int attr_statx(int fd, const char *name, struct statx *stx);
void attr_from_statx(const struct share *s, const struct statx *stx,
		     struct share_attr *attr);
u64 attr_ino(const struct share *s, dev_t dev, u64 ino);
int attr_adopt(struct share_ctx *ctx, int fd, const struct share_inode *dir, u64 name,
	       struct share_inode **inode, struct share_attr *attr);

/* --- share.c ------------------------------------------------------------------- */

/* "N", relative to share.proc_fd. */
void share_fd_name(int fd, char buf[SHARE_PATH_MAX]);
/* A path of the object itself, for the context's thread. */
void share_fd_path(const struct share_ctx *ctx, int fd, char buf[SHARE_PATH_MAX]);
int share_check_name(const struct share_inode *dir, const char *name);
int share_errno(void);
bool share_file_get(struct share *s);
void share_file_unget(struct share *s);
bool share_to_host(const struct share_map *map, u32 guest, u32 *host);
u32 share_to_guest(const struct share_map *map, u32 host);

#endif /* FS_SHARE_H */
