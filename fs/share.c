// SPDX-License-Identifier: GPL-2.0
/*
 * A shared directory: opening it, its threads, its users.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <sched.h>

#include <linux/kernel.h>
#include <vmtool/log.h>

#include "share.h"

#define SHARE_FD_RESERVE	256	/* descriptors left for the rest of vmtool */
#define SHARE_FD_WANTED		1048576
#define SHARE_INODES_MAX	1048576
#define SHARE_FILES_MAX		32768	/* open at once */
#define SHARE_NOBODY		65534

void share_fd_name(int fd, char buf[SHARE_PATH_MAX])
{
	char digits[12];
	int n = 0, i;

	do {
		digits[n++] = '0' + fd % 10;
		fd /= 10;
	} while (fd);
	for (i = 0; i < n; i++)
		buf[i] = digits[n - 1 - i];
	buf[n] = '\0';
}

void share_fd_path(const struct share_ctx *ctx, int fd, char buf[SHARE_PATH_MAX])
{
	size_t n = strlen(ctx->path);

	memcpy(buf, ctx->path, n);
	share_fd_name(fd, buf + n);
}

int share_check_name(const struct share_inode *dir, const char *name)
{
	size_t len;

	if (dir->type != S_IFDIR)
		return -ENOTDIR;
	if (!name[0] || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
		return -EINVAL;
	len = strnlen(name, SHARE_NAME_MAX + 1);
	return len > SHARE_NAME_MAX ? -ENAMETOOLONG : 0;
}

/* The guest has no limit of its own on descriptors that it could raise. */
int share_errno(void)
{
	return errno == EMFILE ? -ENFILE : -errno;
}

bool share_file_get(struct share *s)
{
	if (__atomic_add_fetch(&s->nr_files, 1, __ATOMIC_RELAXED) <= s->max_files)
		return true;
	share_file_unget(s);
	return false;
}

void share_file_unget(struct share *s)
{
	__atomic_sub_fetch(&s->nr_files, 1, __ATOMIC_RELAXED);
}

void share_close_file(struct share *s, int fd)
{
	if (fd < 0)
		return;
	close(fd);
	share_file_unget(s);
}

bool share_to_host(const struct share_map *map, u32 guest, u32 *host)
{
	unsigned int i;

	*host = guest;
	for (i = 0; i < map->nr; i++) {
		const struct share_range *r = &map->range[i];

		if (guest - r->guest < r->count) {
			*host = guest - r->guest + r->host;
			return true;
		}
	}
	return !map->nr;
}

u32 share_to_guest(const struct share_map *map, u32 host)
{
	unsigned int i;

	for (i = 0; i < map->nr; i++) {
		const struct share_range *r = &map->range[i];

		if (host - r->host < r->count)
			return host - r->host + r->guest;
	}
	return map->nr ? SHARE_NOBODY : host;
}

int share_parse_map(struct share_map *map, const char *text)
{
	unsigned long long v[3];
	struct share_range *r;
	char *end;
	int i;

	if (map->nr == SHARE_MAP_MAX)
		return -EINVAL;
	for (i = 0; i < 3; i++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		errno = 0;
		v[i] = strtoull(text, &end, 10);
		if (errno || v[i] > 0xffffffffULL || *end != (i < 2 ? ':' : '\0'))
			return -EINVAL;
		text = end + 1;
	}
	/* The last id is no id: it means "leave as it is". */
	if (!v[2] || v[0] + v[2] > 0xffffffffULL || v[1] + v[2] > 0xffffffffULL)
		return -EINVAL;
	r = &map->range[map->nr++];
	*r = (struct share_range) { v[0], v[1], v[2] };
	return 0;
}

/* --- threads ------------------------------------------------------------------- */

int share_ctx_init(struct share_ctx *ctx, struct share *s)
{
	memset(ctx, 0, sizeof(*ctx));
	ctx->share = s;
	ctx->path = SHARE_PROC_FD "/";
	ctx->scratch = malloc(SHARE_DIRBUF);
	if (!ctx->scratch)
		return -ENOMEM;
	/*
	 * The guest has applied its umask already. The working directory shortens
	 * the way to descriptors.
	 */
	if (unshare(CLONE_FS) < 0) {
		log_warn("umask of shared files: %s; what the guest creates gets that of vmtool",
			 strerror(errno));
	} else {
		umask(0);
		if (!fchdir(s->proc_fd))
			ctx->path = "";
	}
	/*
	 * Creating as another user shall say who owns it, and no more: the guest's
	 * kernel has checked permissions, with groups that are not known here. Without
	 * this the host checks as well, which is stricter.
	 */
	if (s->as_guest) {
		int bits = prctl(PR_GET_SECUREBITS);

		if (bits < 0 || prctl(PR_SET_SECUREBITS, bits | SECBIT_NO_SETUID_FIXUP) < 0)
			log_debug("shared files are created with the rights of their owners");
	}
	return 0;
}

void share_ctx_destroy(struct share_ctx *ctx)
{
	free(ctx->scratch);
	ctx->scratch = NULL;
}

/* --- opening and closing ------------------------------------------------------- */

/* Descriptors are what inodes are made of. */
static rlim_t raise_nofile(void)
{
	struct rlimit rl, try;

	if (getrlimit(RLIMIT_NOFILE, &rl) < 0)
		return 1024;
	if (rl.rlim_cur >= SHARE_FD_WANTED)
		return rl.rlim_cur;
	/* Root may go beyond the hard limit. */
	try.rlim_cur = SHARE_FD_WANTED;
	try.rlim_max = rl.rlim_max > SHARE_FD_WANTED ? rl.rlim_max : SHARE_FD_WANTED;
	if (!setrlimit(RLIMIT_NOFILE, &try))
		return try.rlim_cur;
	try.rlim_cur = rl.rlim_max;
	try.rlim_max = rl.rlim_max;
	if (!setrlimit(RLIMIT_NOFILE, &try))
		return try.rlim_cur;
	return rl.rlim_cur;
}

static void share_limits(struct share *s, unsigned int max_inodes)
{
	rlim_t nofile = raise_nofile();
	unsigned int fds;

	if (nofile > SHARE_FD_WANTED)
		nofile = SHARE_FD_WANTED;
	fds = nofile > 2 * SHARE_FD_RESERVE ? nofile - SHARE_FD_RESERVE : nofile / 2;
	s->max_files = fds / 4 < SHARE_FILES_MAX ? fds / 4 : SHARE_FILES_MAX;
	s->max_inodes = fds - s->max_files;
	if (max_inodes && max_inodes < s->max_inodes)
		s->max_inodes = max_inodes;
	if (s->max_inodes > SHARE_INODES_MAX)
		s->max_inodes = SHARE_INODES_MAX;
}

static void share_squash(struct share *s)
{
	s->uids = (struct share_map) { .nr = 1, .range = { { geteuid(), 0, 1 } } };
	s->gids = (struct share_map) { .nr = 1, .range = { { getegid(), 0, 1 } } };
}

static int open_root(struct share *s, const char *dir)
{
	struct share_attr attr;
	int fd = SHARE_RETRY(open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC));

	if (fd < 0)
		return -errno;
	return attr_adopt(&(struct share_ctx) { .share = s }, fd, NULL, 0, &s->root, &attr);
}

/* Names are resolved by openat2() alone. */
static int probe_openat2(void)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_BENEATH,
	};
	int fd = syscall(SYS_openat2, AT_FDCWD, ".", &how, sizeof(how));

	if (fd >= 0)
		close(fd);
	return fd < 0 && (errno == ENOSYS || errno == EPERM) ? -errno : 0;
}

int share_open(struct share *s, const struct share_opts *opts)
{
	int ret;

	memset(s, 0, sizeof(*s));
	s->ro = opts->ro;
	s->xattr = opts->xattr;
	s->squash = opts->squash;
	s->as_guest = !opts->squash && !geteuid();
	s->uids = opts->uids;
	s->gids = opts->gids;
	if (s->squash)
		share_squash(s);
	ret = probe_openat2();
	if (ret) {
		log_err("cannot share %s: openat2: %s; Linux 5.6 or newer is needed",
			opts->dir, strerror(-ret));
		return ret;
	}
	s->proc_fd = open(SHARE_PROC_FD, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s->proc_fd < 0) {
		ret = -errno;
		log_err("cannot share %s: " SHARE_PROC_FD ": %s; is /proc mounted?",
			opts->dir, strerror(-ret));
		return ret;
	}
	share_limits(s, opts->max_inodes);
	pthread_mutex_init(&s->lock, NULL);
	ret = inode_table_init(s);
	if (!ret)
		ret = open_root(s, opts->dir);
	if (ret) {
		log_err("cannot share %s: %s", opts->dir, strerror(-ret));
		share_close(s);
	}
	return ret;
}

void share_close(struct share *s)
{
	inode_table_destroy(s);
	s->root = NULL;
	close(s->proc_fd);
	s->proc_fd = -1;
	pthread_mutex_destroy(&s->lock);
}
