// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include <linux/kernel.h>
#include <linux/sizes.h>
#include <vmtool/io.h>
#include <vmtool/log.h>

#include "cache.h"

#define CACHE_LIMIT	((u64)SZ_1G)	/* bytes of all entries */
#define HASH_CHUNK	SZ_64K
#define SECRET		"secret"
#define SECRET_LEN	192
#define MODE_ENTRY	0400
#define FRESH_SECONDS	(24 * 3600)	/* an entry's time is not renewed more often */
/* Coarser than any file system's clock: a file may change without its time doing so. */
#define RACY_SECONDS	2

/* --- the directory ------------------------------------------------------------------ */

static bool is_ours(const struct stat *st)
{
	return st->st_uid == geteuid() && !(st->st_mode & 0022);
}

static int cache_path(char *path, size_t size)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	int n;

	if (cache && *cache == '/')
		n = snprintf(path, size, "%s/vmtool/kernels", cache);
	else if (home && *home == '/')
		n = snprintf(path, size, "%s/.cache/vmtool/kernels", home);
	else
		return -ENOENT;
	return n < (int)size ? 0 : -ENAMETOOLONG;
}

static void make_parents(char *path)
{
	char *p;

	for (p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		mkdir(path, 0755);
		*p = '/';
	}
}

static int open_cache(void)
{
	char path[PATH_MAX];
	struct stat st;
	int fd, ret = cache_path(path, sizeof(path));

	if (ret)
		return ret;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		make_parents(path);
		mkdir(path, 0700);
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !is_ours(&st)) {
		close(fd);
		return -EPERM;
	}
	return fd;
}

/* --- what a kernel is called ----------------------------------------------------------- */

static int name_link(struct kernel_cache *kc, int fd, u64 off, u64 len)
{
	struct timespec now;
	struct stat st;

	kc->link[0] = '\0';
	if (fstat(fd, &st) < 0)
		return -errno;
	clock_gettime(CLOCK_REALTIME, &now);
	/* Also in the future: then the clock says nothing. */
	if (now.tv_sec - st.st_ctime < RACY_SECONDS || now.tv_sec - st.st_mtime < RACY_SECONDS)
		return 0;
	snprintf(kc->link, sizeof(kc->link), "at-%llx-%llx-%llx-%llx.%lx-%llx.%lx-%llx-%llx",
		 (unsigned long long)st.st_dev, (unsigned long long)st.st_ino,
		 (unsigned long long)st.st_size, (unsigned long long)st.st_mtime,
		 st.st_mtim.tv_nsec, (unsigned long long)st.st_ctime, st.st_ctim.tv_nsec,
		 (unsigned long long)off, (unsigned long long)len);
	return 0;
}

/* The hash is no cryptographic one: without the secret nobody can make up a file for it. */
static int read_secret(int dir, u8 secret[SECRET_LEN])
{
	int fd = openat(dir, SECRET, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	int ret;

	if (fd < 0)
		return -errno;
	ret = fstat(fd, &st) < 0 ? -errno : 0;
	if (!ret && (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 077))
		ret = -EPERM;
	ret = ret ?: pread_all(fd, secret, SECRET_LEN, 0);
	close(fd);
	return ret;
}

/* Complete when it gets its name; who comes second takes the other's. */
static int make_secret(int dir)
{
	int fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, MODE_ENTRY);
	char self[32];
	u8 secret[SECRET_LEN];
	int ret = 0;

	if (fd < 0)
		return -errno;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (getrandom(secret, sizeof(secret), 0) != sizeof(secret) ||
	    write(fd, secret, sizeof(secret)) != sizeof(secret))
		ret = -EIO;
	else if (linkat(AT_FDCWD, self, dir, SECRET, AT_SYMLINK_FOLLOW) < 0 && errno != EEXIST)
		ret = -errno;
	close(fd);
	return ret;
}

static int get_secret(int dir, u8 secret[SECRET_LEN])
{
	int ret = read_secret(dir, secret);

	if (ret != -ENOENT)
		return ret;
	return make_secret(dir) ?: read_secret(dir, secret);
}

static int hash_chunks(XXH3_state_t *state, int fd, u64 off, u64 len)
{
	u8 *buf = malloc(HASH_CHUNK);
	int ret = buf ? 0 : -ENOMEM;

	while (len && !ret) {
		size_t n = min_t(u64, len, HASH_CHUNK);

		ret = pread_all(fd, buf, n, off);
		if (!ret)
			XXH3_128bits_update(state, buf, n);
		off += n;
		len -= n;
	}
	free(buf);
	return ret;
}

static int hash_part(struct kernel_cache *kc, int fd, u64 off, u64 len)
{
	u8 secret[SECRET_LEN];
	XXH3_state_t *state;
	XXH128_hash_t hash;
	int ret = get_secret(kc->dir, secret);

	if (ret)
		return ret;
	state = XXH3_createState();
	if (!state)
		return -ENOMEM;
	XXH3_128bits_reset_withSecret(state, secret, sizeof(secret));
	ret = hash_chunks(state, fd, off, len);
	hash = XXH3_128bits_digest(state);
	XXH3_freeState(state);
	if (!ret)
		snprintf(kc->key, sizeof(kc->key), "%016llx%016llx-%llx",
			 (unsigned long long)hash.high64, (unsigned long long)hash.low64,
			 (unsigned long long)kc->size);
	return ret;
}

/* --- finding ------------------------------------------------------------------------ */

/* The time says when it was used last. */
static void touch(int fd, const struct stat *st)
{
	if (time(NULL) - st->st_mtime > FRESH_SECONDS)
		futimens(fd, NULL);
}

static int open_entry(const struct kernel_cache *kc)
{
	int fd = openat(kc->dir, kc->key, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return -errno;
	/* Whoever cannot write it now, and is not us, never could. */
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 07777) != MODE_ENTRY || (u64)st.st_size != kc->size) {
		close(fd);
		return -ENOENT;
	}
	touch(fd, &st);
	return fd;
}

/* A link leads to a name in the directory, and to nothing else. */
static int follow_link(struct kernel_cache *kc)
{
	char suffix[24];
	ssize_t len, tail;
	int fd;

	len = readlinkat(kc->dir, kc->link, kc->key, sizeof(kc->key) - 1);
	if (len < 0)
		return -errno;
	kc->key[len] = '\0';
	tail = sprintf(suffix, "-%llx", (unsigned long long)kc->size);
	fd = strchr(kc->key, '/') || len < tail || strcmp(kc->key + len - tail, suffix) ?
	     -ENOENT : open_entry(kc);
	if (fd < 0)
		kc->key[0] = '\0';
	return fd;
}

int kernel_cache_find(struct kernel_cache *kc, int fd, u64 off, u64 len, u64 size)
{
	int ret;

	memset(kc, 0, sizeof(*kc));
	kc->size = size;
	kc->dir = open_cache();
	if (kc->dir < 0)
		return kc->dir == -ENOENT ? -ENOTDIR : kc->dir;
	ret = name_link(kc, fd, off, len);
	if (ret)
		return ret;
	ret = *kc->link ? follow_link(kc) : -ENOENT;
	if (ret >= 0)
		return ret;
	ret = hash_part(kc, fd, off, len);
	if (ret)
		return ret == -ENOENT ? -EIO : ret;
	ret = open_entry(kc);
	if (ret >= 0 && *kc->link)
		symlinkat(kc->key, kc->dir, kc->link);
	return ret < 0 ? -ENOENT : ret;
}

/* --- storing ------------------------------------------------------------------------ */

int kernel_cache_create(struct kernel_cache *kc)
{
	int err, fd = openat(kc->dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	/* All of the room at once: a disk that is full must not be found out by SIGBUS. */
	if (fallocate(fd, 0, 0, kc->size + 1) < 0) {
		err = errno;
		close(fd);
		return -err;
	}
	return fd;
}

/**
 * struct victim - an entry that may have to go
 * @name: its name
 * @size: its bytes
 * @used: when it was used last
 */
struct victim {
	char name[KERNEL_CACHE_KEY];
	u64 size;
	time_t used;
};

#define VICTIMS_MAX	256

static int older_first(const void *a, const void *b)
{
	const struct victim *x = a, *y = b;

	return x->used < y->used ? -1 : x->used > y->used;
}

/* A link to what is gone leads nowhere; one to what is there is left alone. */
static void remove_dangling(int dir, const char *name)
{
	if (faccessat(dir, name, F_OK, 0) < 0 && errno == ENOENT)
		unlinkat(dir, name, 0);
}

static int list_victims(DIR *d, struct victim *v, u64 *total)
{
	struct dirent *e;
	struct stat st;
	int n = 0;

	*total = 0;
	while ((e = readdir(d)) && n < VICTIMS_MAX) {
		if (strlen(e->d_name) >= sizeof(v->name) ||
		    !strcmp(e->d_name, SECRET) ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		strcpy(v[n].name, e->d_name);
		v[n].size = st.st_size;
		v[n].used = st.st_mtime;
		*total += st.st_size;
		n++;
	}
	return n;
}

static void remove_links(DIR *d)
{
	struct dirent *e;

	rewinddir(d);
	while ((e = readdir(d)))
		if (!strncmp(e->d_name, "at-", 3))
			remove_dangling(dirfd(d), e->d_name);
}

/* Guests that run have their kernel mapped: they do not miss its name. */
static void make_room(const struct kernel_cache *kc)
{
	struct victim *v = malloc(VICTIMS_MAX * sizeof(*v));
	int i, n, fd = openat(kc->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	u64 total;

	if (v && d) {
		n = list_victims(d, v, &total);
		qsort(v, n, sizeof(*v), older_first);
		for (i = 0; i < n && (total > CACHE_LIMIT || n == VICTIMS_MAX); i++) {
			if (strcmp(v[i].name, kc->key) && !unlinkat(kc->dir, v[i].name, 0))
				total -= v[i].size;
			if (n == VICTIMS_MAX && i >= VICTIMS_MAX / 2)
				break;
		}
		remove_links(d);
	}
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
	free(v);
}

void kernel_cache_commit(struct kernel_cache *kc, int fd)
{
	char self[32];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (fchmod(fd, MODE_ENTRY) < 0)
		return;
	/* One that is there and was not used is not as it should be. */
	if (linkat(AT_FDCWD, self, kc->dir, kc->key, AT_SYMLINK_FOLLOW) < 0 &&
	    (errno != EEXIST || unlinkat(kc->dir, kc->key, 0) < 0 ||
	     linkat(AT_FDCWD, self, kc->dir, kc->key, AT_SYMLINK_FOLLOW) < 0)) {
		log_debug("the inflated kernel is not kept: %s", strerror(errno));
		return;
	}
	if (*kc->link && symlinkat(kc->key, kc->dir, kc->link) < 0 && errno == EEXIST) {
		unlinkat(kc->dir, kc->link, 0);
		symlinkat(kc->key, kc->dir, kc->link);
	}
	make_room(kc);
}

void kernel_cache_drop(struct kernel_cache *kc)
{
	if (*kc->key)
		unlinkat(kc->dir, kc->key, 0);
}

void kernel_cache_close(struct kernel_cache *kc)
{
	if (kc->dir >= 0)
		close(kc->dir);
	kc->dir = -1;
}
