// SPDX-License-Identifier: GPL-2.0
/*
 * The socket at which clients of other processes find the router: NAME.agent, beside
 * the control socket. Who owns that one owns the name, so what is left here of an
 * earlier guest may go; commands that sweep stale control sockets take it along.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/log.h>
#include <vmtool/rundir.h>

#include "router.h"

#define FILE_MAX	(RUNDIR_NAME_MAX + 8)
#define BACKLOG		128

/**
 * struct router_listen - a socket in the directory
 * @dir: the directory
 * @file: name of the socket
 * @ino: its inode
 */
struct router_listen {
	struct rundir dir;
	char file[FILE_MAX];
	ino_t ino;
};

static void file_name(char buf[FILE_MAX], const char *name)
{
	snprintf(buf, FILE_MAX, "%.*s.agent", RUNDIR_NAME_MAX - 1, name);
}

static bool may_connect(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	return !peer.uid || peer.uid == geteuid();
}

static void client_waits(struct ev_source *src, u32 events)
{
	struct agent_router *r = container_of(src, struct agent_router, listener);
	int fd;

	/* The others wait until one leaves. */
	if (r->nr_clients >= AGENT_SESSIONS_MAX) {
		ev_mod(r->loop, src, 0);
		return;
	}
	fd = accept4(src->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	if (may_connect(fd)) {
		router_add_client(r, fd);
		return;
	}
	log_guest(&r->refused, "agent socket: refused a client of another user");
	close(fd);
}

static int bind_in(struct router_listen *l, int fd)
{
	struct sockaddr_un sa;
	struct stat st;

	if (!fstatat(l->dir.fd, l->file, &st, AT_SYMLINK_NOFOLLOW) && S_ISSOCK(st.st_mode))
		unlinkat(l->dir.fd, l->file, 0);
	rundir_address(&sa, &l->dir, l->file);
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	/* The umask had its say in bind(); the directory kept others out. */
	if (fchmodat(l->dir.fd, l->file, 0600, 0) < 0 ||
	    fstatat(l->dir.fd, l->file, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    listen(fd, BACKLOG) < 0)
		return -errno;
	l->ino = st.st_ino;
	return 0;
}

static int listen_in(struct agent_router *r, struct router_listen *l)
{
	int ret;

	r->listener.fn = client_waits;
	r->listener.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (r->listener.fd < 0)
		return -errno;
	ret = rundir_lock(&l->dir);
	if (ret)
		return ret;
	ret = bind_in(l, r->listener.fd);
	rundir_unlock(&l->dir);
	return ret ?: ev_add(r->loop, &r->listener, EPOLLIN);
}

int router_listen(struct agent_router *r, const char *name)
{
	struct router_listen *l = calloc(1, sizeof(*l));
	int ret;

	if (!l)
		return -ENOMEM;
	ret = rundir_open(&l->dir, true);
	if (ret) {
		free(l);
		return ret;
	}
	file_name(l->file, name);
	r->listen_dir = l;
	ret = listen_in(r, l);
	if (ret) {
		log_err("cannot create the socket %s/%s: %s", l->dir.path, l->file,
			strerror(-ret));
		router_unlisten(r);
	}
	return ret;
}

void router_unlisten(struct agent_router *r)
{
	struct router_listen *l = r->listen_dir;
	struct stat st;

	if (!l)
		return;
	ev_del(r->loop, &r->listener);
	if (l->ino && !rundir_lock(&l->dir)) {
		if (!fstatat(l->dir.fd, l->file, &st, AT_SYMLINK_NOFOLLOW) &&
		    st.st_ino == l->ino)
			unlinkat(l->dir.fd, l->file, 0);
		rundir_unlock(&l->dir);
	}
	if (r->listener.fd >= 0)
		close(r->listener.fd);
	r->listener.fd = -1;
	rundir_close(&l->dir);
	free(l);
	r->listen_dir = NULL;
}

static int connect_to(const struct rundir *dir, const char *name)
{
	char file[FILE_MAX];
	struct sockaddr_un sa;
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int fd, ret = 0;

	file_name(file, name);
	rundir_address(&sa, dir, file);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		ret = -errno;
	else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		ret = -errno;
	else if (geteuid() && peer.uid && peer.uid != geteuid())
		ret = -EPERM;
	if (!ret)
		return fd;
	close(fd);
	return ret == -ECONNREFUSED ? -ENOENT : ret;
}

int agent_connect(const char *name)
{
	struct rundir dir;
	int ret = -ENOENT;

	if (rundir_name_valid(name))
		ret = rundir_open(&dir, false);
	if (!ret) {
		ret = connect_to(&dir, name);
		rundir_close(&dir);
	}
	if (ret == -ENOENT)
		log_err("no guest of that name: 'vmtool list' shows the names");
	else if (ret < 0)
		log_err("cannot reach guest '%s': %s", name,
			ret == -EAGAIN ? "too many clients wait for it" : strerror(-ret));
	return ret;
}
