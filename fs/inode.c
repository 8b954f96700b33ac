// SPDX-License-Identifier: GPL-2.0
/*
 * The inodes of a shared directory. They lie in chunks that never move, known by
 * slot; two hash tables find them by what they are (device, inode number, mount) and
 * by the name they were found by last. The latter is a hint that saves opening an
 * object only to find that it is known: who uses it compares.
 */
#include <errno.h>
#include <linux/stat.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <linux/magic.h>

#include "share.h"

#define CHUNK		1024
#define MIN_BUCKETS	1024

/* Younger than this, a change may hide in the granularity of time stamps. */
#define SETTLED_SECONDS	2

static u64 mix(u64 h)
{
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93ULL;
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93ULL;
	return h ^ h >> 32;
}

static struct share_inode *inode_at(const struct share *s, u32 index)
{
	return &s->chunk[(index - 1) / CHUNK][(index - 1) % CHUNK];
}

static u64 key_hash(dev_t dev, u64 ino, u32 mnt)
{
	return mix(ino + mix(dev + ((u64)mnt << 32)));
}

static u32 *key_bucket(struct share *s, const struct share_inode *i)
{
	return &s->by_key[key_hash(i->dev, i->ino, i->mnt) & (s->nr_buckets - 1)];
}

static u32 *name_bucket(struct share *s, u64 hash)
{
	return &s->by_name[hash & (s->nr_buckets - 1)];
}

u64 inode_name_hash(const struct share_inode *dir, const char *name)
{
	u64 h = mix((u64)dir->gen << 32 | dir->index);

	while (*name)
		h = (h ^ (u8)*name++) * 0x100000001b3ULL;
	h = mix(h);
	return h ? h : 1;
}

/* --- links; under the lock ------------------------------------------------------ */

static void link_name(struct share *s, struct share_inode *inode, u64 hash)
{
	u32 *b = name_bucket(s, hash);

	inode->name = hash;
	inode->next_name = *b;
	*b = inode->index;
}

static void unlink_name(struct share *s, struct share_inode *inode)
{
	u32 *p = name_bucket(s, inode->name);

	if (!inode->name)
		return;
	while (*p != inode->index)
		p = &inode_at(s, *p)->next_name;
	*p = inode->next_name;
	inode->name = 0;
}

static void link_key(struct share *s, struct share_inode *inode)
{
	u32 *b = key_bucket(s, inode);

	inode->next_key = *b;
	*b = inode->index;
}

static void unlink_key(struct share *s, struct share_inode *inode)
{
	u32 *p = key_bucket(s, inode);

	while (*p != inode->index)
		p = &inode_at(s, *p)->next_key;
	*p = inode->next_key;
}

/* As many buckets as inodes. Without memory chains are longer, and that is all. */
static void grow_buckets(struct share *s)
{
	unsigned int i, nr = s->nr_buckets * 2;
	u32 *by_key = calloc(nr, sizeof(u32));
	u32 *by_name = calloc(nr, sizeof(u32));

	if (!by_key || !by_name) {
		free(by_key);
		free(by_name);
		return;
	}
	free(s->by_key);
	free(s->by_name);
	s->by_key = by_key;
	s->by_name = by_name;
	s->nr_buckets = nr;
	for (i = 1; i <= s->nr_chunks * CHUNK; i++) {
		struct share_inode *inode = inode_at(s, i);

		if (!inode->refs)
			continue;
		link_key(s, inode);
		if (inode->name)
			link_name(s, inode, inode->name);
	}
}

static int add_chunk(struct share *s)
{
	struct share_inode *c = calloc(CHUNK, sizeof(*c));
	u32 i, first = s->nr_chunks * CHUNK + 1;

	if (!c)
		return -ENOMEM;
	s->chunk[s->nr_chunks++] = c;
	for (i = CHUNK; i--;) {
		c[i].index = first + i;
		c[i].next_key = s->free;
		s->free = first + i;
	}
	return 0;
}

static int alloc_inode(struct share *s, struct share_inode **inode)
{
	if (s->nr_inodes >= s->max_inodes)
		return -ENFILE;
	if (!s->free && add_chunk(s))
		return -ENOMEM;
	if (s->nr_inodes >= s->nr_buckets)
		grow_buckets(s);
	*inode = inode_at(s, s->free);
	s->free = (*inode)->next_key;
	s->nr_inodes++;
	(*inode)->gen++;
	return 0;
}

/* Drop references. Returns the descriptor to close once the lock is released, or -1. */
static int drop(struct share *s, struct share_inode *inode, u32 n)
{
	int fd = inode->fd;

	inode->refs -= n;
	if (inode->refs)
		return -1;
	unlink_key(s, inode);
	unlink_name(s, inode);
	inode->fd = -1;
	inode->next_key = s->free;
	s->free = inode->index;
	s->nr_inodes--;
	return fd;
}

/* --- table ----------------------------------------------------------------------- */

int inode_table_init(struct share *s)
{
	s->nr_buckets = MIN_BUCKETS;
	s->chunk = calloc(DIV_ROUND_UP(s->max_inodes, CHUNK) + 1, sizeof(*s->chunk));
	s->by_key = calloc(s->nr_buckets, sizeof(u32));
	s->by_name = calloc(s->nr_buckets, sizeof(u32));
	return s->chunk && s->by_key && s->by_name ? add_chunk(s) : -ENOMEM;
}

void inode_table_destroy(struct share *s)
{
	unsigned int i;

	for (i = 1; i <= s->nr_chunks * CHUNK; i++)
		if (inode_at(s, i)->refs)
			close(inode_at(s, i)->fd);
	for (i = 0; i < s->nr_chunks; i++)
		free(s->chunk[i]);
	free(s->chunk);
	free(s->by_key);
	free(s->by_name);
	s->chunk = NULL;
	s->by_key = NULL;
	s->by_name = NULL;
	s->nr_chunks = 0;
}

bool inode_is(const struct share_inode *inode, const struct statx *stx)
{
	return inode->ino == stx->stx_ino && inode->mnt == (u32)stx->stx_mnt_id &&
	       inode->dev == makedev(stx->stx_dev_major, stx->stx_dev_minor) &&
	       inode->type == (stx->stx_mode & S_IFMT);
}

static struct share_inode *find_key(struct share *s, const struct statx *stx)
{
	dev_t dev = makedev(stx->stx_dev_major, stx->stx_dev_minor);
	u64 hash = key_hash(dev, stx->stx_ino, stx->stx_mnt_id);
	u32 i = s->by_key[hash & (s->nr_buckets - 1)];

	for (; i; i = inode_at(s, i)->next_key)
		if (inode_is(inode_at(s, i), stx))
			return inode_at(s, i);
	return NULL;
}

struct share_inode *inode_by_name(struct share *s, u64 hash)
{
	struct share_inode *inode = NULL;
	u32 i;

	pthread_mutex_lock(&s->lock);
	for (i = *name_bucket(s, hash); i; i = inode_at(s, i)->next_name)
		if (inode_at(s, i)->name == hash)
			break;
	if (i) {
		inode = inode_at(s, i);
		inode->refs++;
	}
	pthread_mutex_unlock(&s->lock);
	return inode;
}

/*
 * Files of these are no files: they show or change the state of the host's kernel and
 * of its processes.
 */
static bool is_window(int fd)
{
	static const unsigned int magic[] = {
		PROC_SUPER_MAGIC, SYSFS_MAGIC, DEBUGFS_MAGIC, TRACEFS_MAGIC,
		SECURITYFS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, BPF_FS_MAGIC,
		SELINUX_MAGIC, SMACK_MAGIC, PSTOREFS_MAGIC, EFIVARFS_MAGIC,
		0x62656570 /* configfs */, 0x65735543 /* fusectl */,
		0x42494e4d /* binfmt_misc */, 0x67596969 /* rpc_pipefs */,
		0x6e667364 /* nfsd */,
	};
	struct statfs st;
	unsigned int i;

	if (fstatfs(fd, &st) < 0)
		return true;
	for (i = 0; i < ARRAY_SIZE(magic); i++)
		if ((unsigned int)st.f_type == magic[i])
			return true;
	return false;
}

int inode_adopt(struct share *s, int fd, const struct statx *stx,
		const struct share_inode *dir, u64 name, struct share_inode **out)
{
	dev_t dev = makedev(stx->stx_dev_major, stx->stx_dev_minor);
	bool barred = dir && dir->dev != dev && is_window(fd);
	struct share_inode *inode;
	int ret = 0;

	pthread_mutex_lock(&s->lock);
	inode = find_key(s, stx);
	if (inode) {
		inode->refs++;
	} else {
		ret = alloc_inode(s, &inode);
		if (!ret) {
			inode->fd = fd;
			inode->refs = 1;
			inode->nlookup = 0;
			inode->dev = dev;
			inode->ino = stx->stx_ino;
			inode->mnt = stx->stx_mnt_id;
			inode->type = stx->stx_mode & S_IFMT;
			inode->barred = barred;
			inode->version = 0;
			link_key(s, inode);
			fd = -1;
		}
	}
	if (!ret && name && inode->name != name) {
		unlink_name(s, inode);
		link_name(s, inode, name);
	}
	pthread_mutex_unlock(&s->lock);
	if (fd >= 0)
		close(fd);
	if (!ret)
		*out = inode;
	return ret;
}

/* --- references -------------------------------------------------------------------- */

struct share_inode *share_get(struct share *s, struct share_inode *inode)
{
	pthread_mutex_lock(&s->lock);
	inode->refs++;
	pthread_mutex_unlock(&s->lock);
	return inode;
}

void share_put(struct share *s, struct share_inode *inode)
{
	int fd;

	if (!inode)
		return;
	pthread_mutex_lock(&s->lock);
	fd = drop(s, inode, 1);
	pthread_mutex_unlock(&s->lock);
	if (fd >= 0)
		close(fd);
}

u64 share_id(const struct share_inode *inode)
{
	return inode->index == SHARE_ROOT_ID ? SHARE_ROOT_ID :
					       (u64)inode->gen << 32 | inode->index;
}

/* Under the lock. */
static struct share_inode *find_id(struct share *s, u64 id)
{
	u32 index = id;
	struct share_inode *inode;

	if (id == SHARE_ROOT_ID)
		return s->root;
	if (!index || index > s->nr_chunks * CHUNK)
		return NULL;
	inode = inode_at(s, index);
	return inode->nlookup && inode->gen == id >> 32 ? inode : NULL;
}

struct share_inode *share_by_id(struct share *s, u64 id)
{
	struct share_inode *inode;

	pthread_mutex_lock(&s->lock);
	inode = find_id(s, id);
	if (inode)
		inode->refs++;
	pthread_mutex_unlock(&s->lock);
	return inode;
}

void share_remember(struct share *s, struct share_inode *inode)
{
	pthread_mutex_lock(&s->lock);
	if (!inode->nlookup++)
		inode->refs++;
	pthread_mutex_unlock(&s->lock);
}

int share_forget(struct share *s, u64 id, u64 n)
{
	struct share_inode *inode;
	int fd = -1;

	pthread_mutex_lock(&s->lock);
	inode = find_id(s, id);
	if (inode && inode->nlookup) {
		inode->nlookup -= n < inode->nlookup ? n : inode->nlookup;
		if (!inode->nlookup)
			fd = drop(s, inode, 1);
	}
	pthread_mutex_unlock(&s->lock);
	if (fd >= 0)
		close(fd);
	return inode ? 0 : -ESTALE;
}

void share_forget_all(struct share *s)
{
	u32 i;

	pthread_mutex_lock(&s->lock);
	for (i = 1; i <= s->nr_chunks * CHUNK; i++) {
		struct share_inode *inode = inode_at(s, i);
		int fd = -1;

		if (inode->nlookup) {
			inode->nlookup = 0;
			fd = drop(s, inode, 1);
		}
		if (fd >= 0)
			close(fd);
	}
	pthread_mutex_unlock(&s->lock);
}

u32 share_type(const struct share_inode *inode)
{
	return inode->type;
}

int share_fd(const struct share_inode *inode)
{
	return inode->fd;
}

bool share_unchanged(struct share *s, struct share_inode *inode,
		     const struct share_attr *attr)
{
	u64 was, now = 0;
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME_COARSE, &ts);
	if (attr->ctime.tv_sec + SETTLED_SECONDS < ts.tv_sec &&
	    attr->mtime.tv_sec + SETTLED_SECONDS < ts.tv_sec) {
		now = mix(attr->mtime.tv_sec * 1000000000ULL + attr->mtime.tv_nsec);
		now = mix(now + attr->ctime.tv_sec * 1000000000ULL + attr->ctime.tv_nsec);
		now = mix(now + attr->size) | 1;
	}
	was = __atomic_exchange_n(&inode->version, now, __ATOMIC_RELAXED);
	return now && was == now;
}
