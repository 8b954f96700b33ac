// SPDX-License-Identifier: GPL-2.0
/*
 * Names of guests: owned by listening, given up by closing; control/dir.c says
 * how the two are kept apart.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/kernel.h>

#include "internal.h"

#define DEFAULT_TRIES	100

/* With the directory locked: 0 when the name is free now, -EADDRINUSE. */
static int make_free(const struct rundir *dir, const char *name)
{
	char file[CONTROL_FILE_MAX + 1];
	int ret = control_is_socket(dir, name, NULL);

	if (ret == -ENOENT)
		return 0;
	if (ret < 0)
		return ret;
	if (!ret)
		return -EEXIST;
	ret = control_probe(dir, name);
	if (ret >= 0)
		close(ret);
	/* Too many wait for it: it listens. */
	if (ret >= 0 || ret == -EAGAIN)
		return -EADDRINUSE;
	if (ret != -ECONNREFUSED)
		return ret;
	/* What its guest listened on besides. */
	snprintf(file, sizeof(file), "%s.agent", name);
	unlinkat(dir->fd, file, 0);
	control_file(file, name);
	return unlinkat(dir->fd, file, 0) < 0 ? -errno : 0;
}

static int listen_at(const struct rundir *dir, const char *name)
{
	char file[CONTROL_FILE_MAX];
	struct sockaddr_un sa;
	int fd, ret;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	control_address(&sa, dir, name);
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		ret = -errno;
		close(fd);
		return ret;
	}
	/* The umask had its say in bind(); the directory kept others out. */
	control_file(file, name);
	if (!fchmodat(dir->fd, file, 0600, 0) && !listen(fd, CONTROL_BACKLOG))
		return fd;
	ret = -errno;
	unlinkat(dir->fd, file, 0);
	close(fd);
	return ret;
}

/* Silent; -EADDRINUSE and -EEXIST when the name cannot be had. */
static int claim_name(struct control_claim *claim, const char *name)
{
	int ret = rundir_lock(&claim->dir);

	if (ret)
		return ret;
	ret = make_free(&claim->dir, name);
	if (!ret)
		ret = listen_at(&claim->dir, name);
	if (ret >= 0) {
		claim->fd = ret;
		ret = control_is_socket(&claim->dir, name, &claim->ino);
	}
	rundir_unlock(&claim->dir);
	snprintf(claim->name, sizeof(claim->name), "%s", name);
	return ret < 0 ? ret : 0;
}

static int claim_default(struct control_claim *claim)
{
	char name[RUNDIR_NAME_MAX];
	int i, ret;

	/* Another pid namespace may have the same pid. */
	snprintf(name, sizeof(name), "vm-%d", getpid());
	ret = claim_name(claim, name);
	for (i = 1; i < DEFAULT_TRIES && (ret == -EADDRINUSE || ret == -EEXIST); i++) {
		snprintf(name, sizeof(name), "vm-%d.%d", getpid(), i);
		ret = claim_name(claim, name);
	}
	return ret;
}

static void complain(const struct control_claim *claim, int ret)
{
	const char *name = claim->name;

	if (ret == -EADDRINUSE)
		log_err("name '%s' is in use: choose another --name", name);
	else if (ret == -EEXIST)
		log_err("cannot use name '%s': %s/%s.sock is not a socket: remove it",
			name, claim->dir.path, name);
	else if (ret == -ETIMEDOUT)
		log_err("cannot claim name '%s': another process keeps %s locked", name,
			claim->dir.path);
	else
		log_err("cannot create the control socket %s/%s.sock: %s", claim->dir.path,
			name, strerror(-ret));
}

int control_claim(struct control_claim *claim, const char *name)
{
	char shown[RUNDIR_NAME_MAX];
	int ret;

	memset(claim, 0, sizeof(*claim));
	claim->fd = -1;
	claim->dir.fd = -1;
	if (name && !rundir_name_valid(name)) {
		snprintf(shown, sizeof(shown), "%s", name);
		text_clean(shown);
		log_err("bad name '%s': use at most %d letters, digits and '_.+-', not starting with '.' or '-'",
			shown, RUNDIR_NAME_MAX - 1);
		return -EINVAL;
	}
	ret = rundir_open(&claim->dir, true);
	if (ret)
		return ret;
	ret = name ? claim_name(claim, name) : claim_default(claim);
	if (ret) {
		complain(claim, ret);
		control_release(claim);
	}
	return ret;
}

void control_release(struct control_claim *claim)
{
	char file[CONTROL_FILE_MAX];
	ino_t ino;

	/* Removed while it listens: nobody takes the name in between. */
	if (claim->fd >= 0 && !rundir_lock(&claim->dir)) {
		control_file(file, claim->name);
		if (control_is_socket(&claim->dir, claim->name, &ino) == 1 &&
		    ino == claim->ino)
			unlinkat(claim->dir.fd, file, 0);
		rundir_unlock(&claim->dir);
	}
	if (claim->fd >= 0)
		close(claim->fd);
	claim->fd = -1;
	rundir_close(&claim->dir);
}

/* Nobody listened a moment ago: remove the socket unless that has changed. */
static void sweep(const struct rundir *dir, const char *name)
{
	if (rundir_lock(dir))
		return;
	make_free(dir, name);
	rundir_unlock(dir);
}

static int check_peer(int fd, pid_t *pid)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return -errno;
	if (geteuid() && peer.uid && peer.uid != geteuid())
		return -EPERM;
	*pid = peer.pid;
	return 0;
}

int control_connect(const char *name, pid_t *pid)
{
	struct rundir dir;
	int fd, ret;

	if (!rundir_name_valid(name))
		return -EINVAL;
	ret = rundir_open(&dir, false);
	if (ret)
		return ret;
	ret = control_is_socket(&dir, name, NULL);
	if (!ret)
		ret = -ENOENT;
	fd = ret < 0 ? ret : control_probe(&dir, name);
	if (fd == -ECONNREFUSED) {
		sweep(&dir, name);
		fd = -ENOENT;
	}
	rundir_close(&dir);
	if (fd < 0)
		return fd;
	ret = check_peer(fd, pid);
	if (ret) {
		close(fd);
		return ret;
	}
	return fd;
}
