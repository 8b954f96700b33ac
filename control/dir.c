// SPDX-License-Identifier: GPL-2.0
/*
 * Where guests are found: one directory a user, with one socket a guest.
 *
 * A name belongs to whoever listens on its socket. Binding, listening and
 * removing what is stale happen with the directory locked, so a socket that
 * refuses a connection under the lock has no owner any more, and no other file
 * is needed that could be left behind.
 */
#include <dirent.h>
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

#include <linux/kernel.h>

#include "internal.h"

#define NAME_CHARS	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.+-"

#define LOCK_TRIES	1000
#define LOCK_WAIT_MS	10

bool control_name_valid(const char *name)
{
	size_t len = strlen(name);

	return len && len < CONTROL_NAME_MAX && name[0] != '.' && name[0] != '-' &&
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

static int dir_check(const struct control_dir *dir)
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

static int dir_open(struct control_dir *dir, bool create)
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

int control_dir_open(struct control_dir *dir, bool create)
{
	int ret;

	dir->fd = -1;
	ret = dir_path(dir->path, sizeof(dir->path));
	if (!ret)
		ret = dir_open(dir, create);
	if (ret == -ENOENT && !create)
		return ret;
	if (ret) {
		log_err("cannot %s the directory of control sockets %s: %s: set VMTOOL_RUNTIME_DIR to use another",
			create ? "create" : "open", dir->path, strerror(-ret));
		return ret;
	}
	ret = dir_check(dir);
	if (ret)
		control_dir_close(dir);
	return ret;
}

void control_dir_close(struct control_dir *dir)
{
	if (dir->fd >= 0)
		close(dir->fd);
	dir->fd = -1;
}

int control_dir_lock(const struct control_dir *dir)
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

void control_dir_unlock(const struct control_dir *dir)
{
	flock(dir->fd, LOCK_UN);
}

void control_file(char buf[CONTROL_FILE_MAX], const char *name)
{
	snprintf(buf, CONTROL_FILE_MAX, "%.*s.sock", CONTROL_NAME_MAX - 1, name);
}

void control_address(struct sockaddr_un *sa, const struct control_dir *dir,
		     const char *name)
{
	char file[CONTROL_FILE_MAX];
	int n;

	memset(sa, 0, sizeof(*sa));
	sa->sun_family = AF_UNIX;
	control_file(file, name);
	n = snprintf(sa->sun_path, sizeof(sa->sun_path), "%s/%s", dir->path, file);
	if (n >= (int)sizeof(sa->sun_path))
		snprintf(sa->sun_path, sizeof(sa->sun_path), "/proc/self/fd/%d/%s",
			 dir->fd, file);
}

int control_is_socket(const struct control_dir *dir, const char *name, ino_t *ino)
{
	char file[CONTROL_FILE_MAX];
	struct stat st;

	control_file(file, name);
	if (fstatat(dir->fd, file, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (ino)
		*ino = st.st_ino;
	return S_ISSOCK(st.st_mode);
}

int control_probe(const struct control_dir *dir, const char *name)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_un sa;
	int ret;

	if (fd < 0)
		return -errno;
	control_address(&sa, dir, name);
	if (!connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

static int is_socket_file(const struct dirent *e)
{
	size_t len = strlen(e->d_name);
	char name[CONTROL_NAME_MAX];

	if (len < 6 || len >= CONTROL_FILE_MAX || strcmp(e->d_name + len - 5, ".sock"))
		return 0;
	snprintf(name, sizeof(name), "%.*s", (int)len - 5, e->d_name);
	return control_name_valid(name) && (e->d_type == DT_SOCK || e->d_type == DT_UNKNOWN);
}

static int find_in(const struct control_dir *dir, char ***names)
{
	struct dirent **entries;
	int i, nr = scandir(dir->path, &entries, is_socket_file, alphasort);
	int ret = nr;

	if (nr < 0)
		return -errno;
	*names = calloc(nr + 1U, sizeof(**names));
	if (!*names)
		ret = -ENOMEM;
	for (i = 0; i < nr; i++) {
		if (ret >= 0)
			(*names)[i] = strndup(entries[i]->d_name,
					      strlen(entries[i]->d_name) - 5);
		if (ret >= 0 && !(*names)[i])
			ret = -ENOMEM;
		free(entries[i]);
	}
	free(entries);
	if (ret < 0 && *names)
		control_free_names(*names, nr);
	return ret;
}

int control_find(char ***names)
{
	struct control_dir dir;
	int ret;

	*names = NULL;
	ret = control_dir_open(&dir, false);
	if (ret)
		return ret == -ENOENT ? 0 : ret;
	ret = find_in(&dir, names);
	if (ret < 0) {
		log_err("cannot list %s: %s", dir.path, strerror(-ret));
		*names = NULL;
	}
	control_dir_close(&dir);
	return ret;
}

void control_free_names(char **names, int nr)
{
	while (nr > 0)
		free(names[--nr]);
	free(names);
}
