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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "internal.h"

void control_file(char buf[CONTROL_FILE_MAX], const char *name)
{
	snprintf(buf, CONTROL_FILE_MAX, "%.*s.sock", RUNDIR_NAME_MAX - 1, name);
}

void control_address(struct sockaddr_un *sa, const struct rundir *dir,
		     const char *name)
{
	char file[CONTROL_FILE_MAX];

	control_file(file, name);
	rundir_address(sa, dir, file);
}

int control_is_socket(const struct rundir *dir, const char *name, ino_t *ino)
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

int control_probe(const struct rundir *dir, const char *name)
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
	char name[RUNDIR_NAME_MAX];

	if (len < 6 || len >= CONTROL_FILE_MAX || strcmp(e->d_name + len - 5, ".sock"))
		return 0;
	snprintf(name, sizeof(name), "%.*s", (int)len - 5, e->d_name);
	return rundir_name_valid(name) && (e->d_type == DT_SOCK || e->d_type == DT_UNKNOWN);
}

static int find_in(const struct rundir *dir, char ***names)
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
	struct rundir dir;
	int ret;

	*names = NULL;
	ret = rundir_open(&dir, false);
	if (ret)
		return ret == -ENOENT ? 0 : ret;
	ret = find_in(&dir, names);
	if (ret < 0) {
		log_err("cannot list %s: %s", dir.path, strerror(-ret));
		*names = NULL;
	}
	rundir_close(&dir);
	return ret;
}

void control_free_names(char **names, int nr)
{
	while (nr > 0)
		free(names[--nr]);
	free(names);
}
