/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_SHARE_H
#define VMTOOL_SHARE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>
#include <linux/types.h>

/*
 * A directory of the host that a guest may use: what virtio-fs and 9p have in
 * common. Nothing here knows of guests' memory or of a protocol.
 *
 * Theory of operation. Every file, directory or symlink the guest has come across
 * is an inode: a descriptor opened with O_PATH, which follows the object when it
 * is renamed and keeps it when it is unlinked. An inode is found again by device,
 * inode number and mount, so there is one for each object. The guest gets from
 * object to object by names of one component, resolved below the descriptor of
 * the directory it holds: no "/", no "..", no symlink is ever followed, so there
 * is no path to race with, and what lies outside cannot be named. Data is reached
 * by opening the inode's descriptor again, through /proc/self/fd, and only for
 * regular files and directories: device nodes and FIFOs of the host are seen and
 * never opened. The type of an inode does not change, so this is no race either.
 *
 * Mounts below the directory are entered, but those that are windows into the
 * host's kernel (proc, sysfs and such) appear as empty directories.
 *
 * As root, what a guest creates belongs to who creates it there. As an ordinary
 * user everything is done, and owned, by that user.
 *
 * Threads: a share is used by any number of threads, each with a context of its
 * own. Its lock is held for table look-ups alone, never for a system call on the
 * shared files but closing them.
 */

struct share_inode;

#define SHARE_NAME_MAX		255
#define SHARE_MAP_MAX		8
#define SHARE_ROOT_ID		1ULL
#define SHARE_DIRBUF		4096

/**
 * struct share_range - ids that are others in the guest
 * @host: first id on the host
 * @guest: first id in the guest
 * @count: how many
 */
struct share_range {
	u32 host;
	u32 guest;
	u32 count;
};

/**
 * struct share_map - how ids of users or groups are translated
 * @nr: ranges; none: ids are the same
 * @range: the ranges
 */
struct share_map {
	unsigned int nr;
	struct share_range range[SHARE_MAP_MAX];
};

/**
 * struct share_opts - what the user asked for
 * @dir: directory
 * @ro: nothing can be changed
 * @xattr: extended attributes are served
 * @squash: who started vmtool is root in the guest, and everything is done as
 *	that user; @uids and @gids are not used
 * @uids: translation of users
 * @gids: translation of groups
 * @max_inodes: inodes at most, 0 for as many as descriptors allow
 */
struct share_opts {
	const char *dir;
	bool ro;
	bool xattr;
	bool squash;
	struct share_map uids;
	struct share_map gids;
	unsigned int max_inodes;
};

/**
 * struct share - a shared directory
 * @root: its inode, held until share_close()
 * @ro: nothing can be changed
 * @xattr: extended attributes are served
 */
struct share {
	struct share_inode *root;
	bool ro;
	bool xattr;

	/* private: to fs/ */
	bool squash;
	bool as_guest;		/* create as the guest's user: we are root */
	struct share_map uids;
	struct share_map gids;
	int proc_fd;		/* /proc/self/fd */
	dev_t root_dev;
	unsigned int max_inodes;
	unsigned int max_files;
	unsigned int nr_files;	/* atomic */
	unsigned int nr_dirbufs;	/* atomic */

	pthread_mutex_t lock;	/* what follows, and the inodes' links */
	struct share_inode **chunk;
	unsigned int nr_chunks;
	unsigned int nr_inodes;
	u32 free;
	u32 *by_key;
	u32 *by_name;
	unsigned int nr_buckets;
};

/**
 * struct share_ctx - a thread that uses a share
 * @share: the share
 * @uid: user in the guest who asks, for what creates something
 * @gid: its group
 */
struct share_ctx {
	struct share *share;
	u32 uid;
	u32 gid;

	/* private: */
	const char *path;	/* where /proc/self/fd is, for calls without a descriptor */
	char *scratch;		/* a buffer for directories that have none ... */
	const struct share_dir *reading;	/* ... with entries of this one */
};

/**
 * struct share_attr - attributes, as the guest sees them
 * @ino: inode number, unique in the share and the same for as long as it exists
 * @size: bytes
 * @blocks: of 512 bytes
 * @rdev: device number of a device node
 * @mode: type and permissions
 * @nlink: links
 * @uid: user
 * @gid: group
 * @blksize: preferred size of I/O
 * @atime: last access
 * @mtime: last change of contents
 * @ctime: last change of attributes
 * @btime: birth; zero when not known
 * @mount: a directory of another file system than its parent's (share_lookup())
 */
struct share_attr {
	u64 ino;
	u64 size;
	u64 blocks;
	dev_t rdev;
	u32 mode;
	u32 nlink;
	u32 uid;
	u32 gid;
	u32 blksize;
	struct timespec atime;
	struct timespec mtime;
	struct timespec ctime;
	struct timespec btime;
	bool mount;
};

/* What share_setattr() changes. */
#define SHARE_SET_MODE		0x01
#define SHARE_SET_UID		0x02
#define SHARE_SET_GID		0x04
#define SHARE_SET_SIZE		0x08
#define SHARE_SET_ATIME		0x10	/* tv_nsec may be UTIME_NOW */
#define SHARE_SET_MTIME		0x20
#define SHARE_KILL_PRIV		0x40	/* drop set-id bits, as a write would */

/**
 * struct share_dirent - an entry of a directory
 * @ino: inode number, as in share_attr.ino but for mount points
 * @off: cookie of the entry that follows
 * @type: DT_*
 * @len: bytes of @name
 * @name: ends with a NUL
 */
struct share_dirent {
	u64 ino;
	u64 off;
	u8 type;
	u16 len;
	const char *name;
};

/**
 * struct share_dir - an open directory
 * @fd: descriptor, for fsync() and the like
 * @pos: private, cookie of the entry at @head
 * @head: private
 * @tail: private
 * @last_head: private, of the entry given last
 * @last_pos: private, its cookie
 * @buf: private, entries read ahead; NULL when there are none
 * @where: private, the entries that were read ahead: @buf, or a thread's buffer
 * @foreign: private, inode numbers have to be changed
 * @empty: private, shown as empty
 * @dev: private
 * @parent: private, number that ".." has in the root
 */
struct share_dir {
	int fd;
	u64 pos;
	u32 head;
	u32 tail;
	u32 last_head;
	u64 last_pos;
	char *buf;
	const char *where;
	bool foreign;
	bool empty;
	dev_t dev;
	u64 parent;
};

/**
 * share_open() - share a directory
 * @s: caller-owned
 * @opts: what is asked for
 *
 * Raises RLIMIT_NOFILE as far as it goes.
 *
 * Return: 0, or -errno after a one-line message; nothing is to be closed then.
 */
int share_open(struct share *s, const struct share_opts *opts);

/**
 * share_close() - release everything, inodes the guest has not given up included
 * @s: share that share_open() has opened
 */
void share_close(struct share *s);

/**
 * share_forget_all() - the guest has forgotten everything: share_remember() undone
 * @s: share; the root stays
 */
void share_forget_all(struct share *s);

/**
 * share_ctx_init() - prepare the calling thread
 * @ctx: caller-owned, used by this thread alone
 * @s: share
 *
 * The thread gets an umask and a working directory of its own, and keeps its
 * rights when it creates something as another user. Not for threads that start
 * programs.
 *
 * Return: 0 or -ENOMEM.
 */
int share_ctx_init(struct share_ctx *ctx, struct share *s);

/** share_ctx_destroy() - release what share_ctx_init() has allocated */
void share_ctx_destroy(struct share_ctx *ctx);

/* --- inodes ---------------------------------------------------------------------
 *
 * Who gets a struct share_inode * from a function owns a reference to it, and ends
 * it by share_put(). A guest that knows inodes by number (FUSE) holds them by
 * share_remember(); numbers are never pointers and never mean another inode later.
 */

/** share_get() - one more reference */
struct share_inode *share_get(struct share *s, struct share_inode *inode);

/** share_put() - one reference less; NULL is ignored */
void share_put(struct share *s, struct share_inode *inode);

/** share_id() - number of an inode; SHARE_ROOT_ID for the root */
u64 share_id(const struct share_inode *inode);

/**
 * share_by_id() - an inode that the guest remembers
 * @s: share
 * @id: any number
 *
 * Return: the inode with a reference for the caller, or NULL.
 */
struct share_inode *share_by_id(struct share *s, u64 id);

/** share_remember() - the guest was told of an inode once more */
void share_remember(struct share *s, struct share_inode *inode);

/**
 * share_forget() - the guest forgets
 * @s: share
 * @id: any number
 * @n: how many share_remember() are undone; more than there were are as many
 *
 * Return: 0, or -ESTALE when there is no such inode.
 */
int share_forget(struct share *s, u64 id, u64 n);

/** share_type() - type of an inode, the S_IFMT part of its mode; never changes */
u32 share_type(const struct share_inode *inode);

/** share_fd() - the O_PATH descriptor of an inode, valid as long as the reference */
int share_fd(const struct share_inode *inode);

/**
 * share_unchanged() - has a regular file the contents it had at the last call?
 * @s: share
 * @inode: inode
 * @attr: its attributes, just read
 *
 * For a guest that keeps contents between two opens. Says no when it cannot be
 * sure: a change within the granularity of time stamps is not seen in them.
 *
 * Return: true when they are the same.
 */
bool share_unchanged(struct share *s, struct share_inode *inode,
		     const struct share_attr *attr);

/* --- operations -----------------------------------------------------------------
 *
 * All return 0 (or what is said) or -errno as the host gives it, and besides
 * -EINVAL for a name that is empty, ".", "..", or has a "/"; -ENAMETOOLONG;
 * -ENOTDIR when the directory is none; -EROFS for a change to a share that is
 * read-only; -ENFILE when there are no inodes or descriptors left; -ESTALE for
 * what is gone. Interrupted calls are made again.
 */

/**
 * share_lookup() - find a name in a directory
 * @ctx: caller's thread
 * @dir: directory
 * @name: one component
 * @inode: set to the inode
 * @attr: set to its attributes
 */
int share_lookup(struct share_ctx *ctx, struct share_inode *dir, const char *name,
		 struct share_inode **inode, struct share_attr *attr);

/** share_getattr() - attributes of an inode */
int share_getattr(struct share_ctx *ctx, struct share_inode *inode,
		  struct share_attr *attr);

/** share_fgetattr() - attributes of an open file */
int share_fgetattr(struct share_ctx *ctx, int fd, struct share_attr *attr);

/**
 * share_setattr() - change attributes
 * @ctx: caller's thread
 * @inode: inode
 * @fd: open for writing, for SHARE_SET_SIZE; -1 to open the inode
 * @attr: new values
 * @what: SHARE_SET_*; those that succeeded before one failed stay
 */
int share_setattr(struct share_ctx *ctx, struct share_inode *inode, int fd,
		  const struct share_attr *attr, unsigned int what);

/**
 * share_readlink() - target of a symlink
 * @ctx: caller's thread
 * @inode: symlink
 * @buf: receives it, without a NUL
 * @len: bytes; a longer target is cut
 *
 * Return: bytes, or -errno.
 */
int share_readlink(struct share_ctx *ctx, struct share_inode *inode, char *buf,
		   size_t len);

/**
 * share_open_file() - open a regular file
 * @ctx: caller's thread
 * @inode: regular file; others give -EISDIR, -ELOOP, -ENXIO
 * @flags: open(2) flags of the host; what does not belong here (O_CREAT,
 *	O_NOFOLLOW, O_PATH...) is ignored
 *
 * Return: a descriptor for share_close_file(), or -errno.
 */
int share_open_file(struct share_ctx *ctx, struct share_inode *inode, int flags);

/** share_close_file() - close what share_open_file(), share_create() gave */
void share_close_file(struct share *s, int fd);

/**
 * share_create() - create a regular file and open it
 * @ctx: caller's thread; @uid and @gid own the file
 * @dir: directory
 * @name: one component
 * @flags: as for share_open_file(); without O_EXCL a file that exists is opened
 * @mode: permissions, the guest's umask applied
 * @inode: set to the inode
 * @attr: set to its attributes
 *
 * Return: a descriptor for share_close_file(), or -errno.
 */
int share_create(struct share_ctx *ctx, struct share_inode *dir, const char *name,
		 int flags, u32 mode, struct share_inode **inode,
		 struct share_attr *attr);

/** share_tmpfile() - create a file without a name (O_TMPFILE); like share_create() */
int share_tmpfile(struct share_ctx *ctx, struct share_inode *dir, int flags, u32 mode,
		  struct share_inode **inode, struct share_attr *attr);

/** share_mknod() - create a file of any type but a directory or a symlink */
int share_mknod(struct share_ctx *ctx, struct share_inode *dir, const char *name,
		u32 mode, dev_t rdev, struct share_inode **inode,
		struct share_attr *attr);

/** share_mkdir() - create a directory */
int share_mkdir(struct share_ctx *ctx, struct share_inode *dir, const char *name,
		u32 mode, struct share_inode **inode, struct share_attr *attr);

/** share_symlink() - create a symlink with any target */
int share_symlink(struct share_ctx *ctx, struct share_inode *dir, const char *name,
		  const char *target, struct share_inode **inode,
		  struct share_attr *attr);

/** share_link() - a further name for an inode; @attr may be NULL */
int share_link(struct share_ctx *ctx, struct share_inode *inode,
	       struct share_inode *dir, const char *name, struct share_attr *attr);

/** share_unlink() - remove a name, of a directory when @isdir */
int share_unlink(struct share_ctx *ctx, struct share_inode *dir, const char *name,
		 bool isdir);

/** share_rename() - rename, with RENAME_* flags of renameat2(2) */
int share_rename(struct share_ctx *ctx, struct share_inode *from, const char *name,
		 struct share_inode *to, const char *newname, unsigned int flags);

struct statfs;

/** share_statfs() - the file system that holds an inode */
int share_statfs(struct share_ctx *ctx, struct share_inode *inode, struct statfs *st);

/** share_getxattr() - like getxattr(2); bytes or -errno */
ssize_t share_getxattr(struct share_ctx *ctx, struct share_inode *inode,
		       const char *name, void *buf, size_t len);

/** share_listxattr() - like listxattr(2); bytes or -errno */
ssize_t share_listxattr(struct share_ctx *ctx, struct share_inode *inode, char *buf,
			size_t len);

/** share_setxattr() - like setxattr(2) */
int share_setxattr(struct share_ctx *ctx, struct share_inode *inode, const char *name,
		   const void *buf, size_t len, int flags);

/** share_removexattr() - like removexattr(2) */
int share_removexattr(struct share_ctx *ctx, struct share_inode *inode,
		      const char *name);

/**
 * share_opendir() - open a directory
 * @ctx: caller's thread
 * @inode: directory
 * @dir: caller-owned
 *
 * Return: 0, share_closedir() follows; or -errno.
 */
int share_opendir(struct share_ctx *ctx, struct share_inode *inode,
		  struct share_dir *dir);

/** share_closedir() - close a directory */
void share_closedir(struct share *s, struct share_dir *dir);

/**
 * share_readdir() - an entry of a directory
 * @ctx: caller's thread
 * @dir: open directory, used by no other thread meanwhile
 * @cookie: 0 for the first entry, share_dirent.off of the one before for another;
 *	stays good while entries come and go
 * @ent: set to the entry; its name is valid until the next call
 *
 * Entries are read ahead as long as cookies are used in their order.
 *
 * Return: 1; 0 at the end; -errno, -EINVAL for a cookie that is none.
 */
int share_readdir(struct share_ctx *ctx, struct share_dir *dir, u64 cookie,
		  struct share_dirent *ent);

/**
 * share_unreaddir() - the entry given last was not used: it comes again
 * @dir: directory, after a share_readdir() that returned 1
 *
 * For replies that are full: nothing is read twice.
 */
void share_unreaddir(struct share_dir *dir);

/**
 * share_lock() - byte-range lock that belongs to a descriptor (F_OFD_SETLK)
 * @fd: open file
 * @type: F_RDLCK, F_WRLCK, F_UNLCK
 * @start: first byte
 * @len: bytes, 0 to the end of the file
 *
 * Never waits.
 *
 * Return: 0, -EAGAIN when it is held by another, or -errno.
 */
int share_lock(int fd, int type, u64 start, u64 len);

/**
 * share_getlock() - which lock is in the way (F_OFD_GETLK)
 * @fd: open file
 * @type: of the lock that is wanted; set to the one that is held, or F_UNLCK
 * @start: first byte; set as well
 * @len: bytes; set as well
 *
 * Return: 0 or -errno.
 */
int share_getlock(int fd, int *type, u64 *start, u64 *len);

/** share_parse_map() - read "HOST:GUEST:COUNT" into a map; 0 or -EINVAL */
int share_parse_map(struct share_map *map, const char *text);

#endif /* VMTOOL_SHARE_H */
