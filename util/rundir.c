// SPDX-License-Identifier: GPL-2.0
/*
 * The directory where what belongs to running guests is found: their control
 * sockets, and the sockets of the networks they share.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <vmtool/log.h>
#include <vmtool/rundir.h>

#define NAME_CHARS	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.+-"

#define LOCK_TRIES	1000
#define LOCK_WAIT_MS	10

bool rundir_name_valid(const char *name)
{
	size_t len = strlen(name);

	return len && len < RUNDIR_NAME_MAX && name[0] != '.' && name[0] != '-' &&
	       strspn(name, NAME_CHARS) == len;
}

/* One that another user's session left in the environment is of no use. */
static bool is_own_dir(const char *path)
{
	struct stat st;

	return path && path[0] == '/' && !stat(path, &st) && S_ISDIR(st.st_mode) &&
	       st.st_uid == geteuid();
}

static int dir_path(char *buf, size_t size)
{
	const char *own = getenv("VMTOOL_RUNTIME_DIR");
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	int n;

	if (own && own[0])
		n = snprintf(buf, size, "%s", own);
	else if (!geteuid())
		n = snprintf(buf, size, "/run/vmtool");
	else if (is_own_dir(xdg))
		n = snprintf(buf, size, "%s/vmtool", xdg);
	else
		n = snprintf(buf, size, "/tmp/vmtool-%u", geteuid());
	return n < (int)size ? 0 : -ENAMETOOLONG;
}

static int dir_check(const struct rundir *dir)
{
	struct stat st;

	if (fstat(dir->fd, &st) < 0)
		return -errno;
	if (geteuid() && st.st_uid != geteuid()) {
		log_err("cannot use %s: it belongs to uid %u: set VMTOOL_RUNTIME_DIR to a directory of your own",
			dir->path, st.st_uid);
		return -EPERM;
	}
	if (st.st_mode & 077) {
		log_err("cannot use %s: other users may enter it (mode %04o): run 'chmod 700 %s'",
			dir->path, st.st_mode & 07777, dir->path);
		return -EPERM;
	}
	return 0;
}

static int dir_open(struct rundir *dir, bool create)
{
	static const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	bool made = false;

	/* Somebody's umask may take rights of the owner's away. */
	if (create) {
		made = !mkdir(dir->path, 0700);
		if (made && chmod(dir->path, 0700) < 0)
			return -errno;
		if (!made && errno != EEXIST)
			return -errno;
	}
	dir->fd = open(dir->path, flags);
	return dir->fd < 0 ? -errno : 0;
}

int rundir_open(struct rundir *dir, bool create)
{
	int ret;

	dir->fd = -1;
	ret = dir_path(dir->path, sizeof(dir->path));
	if (!ret)
		ret = dir_open(dir, create);
	if (ret == -ENOENT && !create)
		return ret;
	if (ret) {
		log_err("cannot %s the runtime directory %s: %s: set VMTOOL_RUNTIME_DIR to use another",
			create ? "create" : "open", dir->path, strerror(-ret));
		return ret;
	}
	ret = dir_check(dir);
	if (ret)
		rundir_close(dir);
	return ret;
}

int rundir_open_sub(struct rundir *sub, const struct rundir *dir, const char *name)
{
	int n = snprintf(sub->path, sizeof(sub->path), "%s/%s", dir->path, name);

	sub->fd = -1;
	if (n >= (int)sizeof(sub->path))
		return -ENAMETOOLONG;
	return dir_open(sub, true);
}

void rundir_close(struct rundir *dir)
{
	if (dir->fd >= 0)
		close(dir->fd);
	dir->fd = -1;
}

int rundir_lock(const struct rundir *dir)
{
	static const struct timespec wait = { .tv_nsec = LOCK_WAIT_MS * 1000000L };
	int i;

	/* Not LOCK_EX alone: its holder may have been stopped. */
	for (i = 0; i < LOCK_TRIES; i++) {
		if (!flock(dir->fd, LOCK_EX | LOCK_NB))
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		nanosleep(&wait, NULL);
	}
	return -ETIMEDOUT;
}

void rundir_unlock(const struct rundir *dir)
{
	flock(dir->fd, LOCK_UN);
}

void rundir_address(struct sockaddr_un *sa, const struct rundir *dir, const char *file)
{
	int n;

	memset(sa, 0, sizeof(*sa));
	sa->sun_family = AF_UNIX;
	n = snprintf(sa->sun_path, sizeof(sa->sun_path), "%s/%s", dir->path, file);
	if (n >= (int)sizeof(sa->sun_path))
		snprintf(sa->sun_path, sizeof(sa->sun_path), "/proc/self/fd/%d/%s",
			 dir->fd, file);
}
