// SPDX-License-Identifier: GPL-2.0
/*
 * What named ports lead to: a UNIX socket with one client at a time, or a file.
 *
 * Descriptors are non-blocking and watched for edges, so that there is nothing to
 * switch on and off: whoever could not go on is called when that changes, and tries
 * again when the guest has something new.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/log.h>

#include "console.h"

static size_t iov_len(const struct iovec *iov, int nr)
{
	size_t n = 0;

	while (nr--)
		n += iov++->iov_len;
	return n;
}

static struct evloop *port_loop(struct console_port *p)
{
	return &p->c->vd.threads[0].loop;
}

/* --- file ------------------------------------------------------------------------- */

static size_t file_write(struct console_port *p, const struct iovec *iov, int nr)
{
	ssize_t n;

	do {
		n = writev(p->client.fd, iov, nr);
	} while (n < 0 && errno == EINTR);
	if (n > 0) {
		p->complained = false;
		return n;
	}
	if (n < 0 && errno == EAGAIN)
		return 0;
	/* The guest is not to hang for a full disk; once is enough to say it. */
	if (!p->complained)
		log_err("--port %s: output is lost: %s", p->name, strerror(n ? errno : ENOSPC));
	p->complained = true;
	return iov_len(iov, nr);
}

static size_t file_read(struct console_port *p, const struct iovec *iov, int nr)
{
	return 0;
}

static void file_close(struct console_port *p)
{
	if (p->client.fd < 0)
		return;
	ev_del(port_loop(p), &p->client);
	close(p->client.fd);
}

static const struct port_ops file_ops = {
	.write = file_write,
	.read = file_read,
	.close = file_close,
};

static void file_ready(struct ev_source *src, u32 events)
{
	console_port_output(container_of(src, struct console_port, client));
}

static int file_open(struct console_port *p, const char *path)
{
	int ret;

	p->client.fn = file_ready;
	p->client.fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK |
			    O_NOCTTY, 0666);
	ret = p->client.fd < 0 ? -errno :
	      ev_add(port_loop(p), &p->client, EPOLLOUT | EPOLLET);
	/* Regular files always take what they are given. */
	if (ret && ret != -EPERM) {
		log_err("--port %s: cannot open %s: %s", p->name, path,
			ret == -ENXIO ? "nobody reads from it" : strerror(-ret));
		return ret;
	}
	p->host_open = true;
	return 0;
}

/* --- UNIX socket ------------------------------------------------------------------ */

static int client_listen(struct console_port *p)
{
	return ev_add(port_loop(p), &p->listener, EPOLLIN);
}

static void client_close(struct console_port *p)
{
	ev_del(port_loop(p), &p->client);
	close(p->client.fd);
	p->client.fd = -1;
	p->host_open = false;
	console_ctl_tell(p, VIRTIO_CONSOLE_PORT_OPEN);
	if (client_listen(p))
		log_err("--port %s: cannot wait for another client", p->name);
}

static size_t socket_write(struct console_port *p, const struct iovec *iov, int nr)
{
	struct msghdr msg = { .msg_iov = (struct iovec *)iov, .msg_iovlen = nr };
	ssize_t n;

	if (p->client.fd < 0)
		return iov_len(iov, nr);
	do {
		n = sendmsg(p->client.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n >= 0)
		return n;
	if (errno == EAGAIN)
		return 0;
	/* It does not listen any more; what it has sent may still be read. */
	if (p->in_eof)
		client_close(p);
	return iov_len(iov, nr);
}

static size_t socket_read(struct console_port *p, const struct iovec *iov, int nr)
{
	ssize_t n;

	if (p->client.fd < 0 || p->in_eof)
		return 0;
	do {
		n = readv(p->client.fd, iov, nr);
	} while (n < 0 && errno == EINTR);
	if (n > 0)
		return n;
	if (n < 0 && errno == EAGAIN)
		return 0;
	/* One that only shut down its side still wants to hear of the guest. */
	p->in_eof = true;
	if (p->hung_up || n < 0)
		client_close(p);
	return 0;
}

/* A client that is gone and has left nothing unread makes room for the next. */
static void client_check(struct console_port *p)
{
	ssize_t n = 0;
	char c;

	if (p->client.fd < 0)
		return;
	if (!p->in_eof)
		n = recv(p->client.fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);
	if (n <= 0)
		client_close(p);
}

static void client_ready(struct ev_source *src, u32 events)
{
	struct console_port *p = container_of(src, struct console_port, client);

	p->hung_up |= !!(events & (EPOLLHUP | EPOLLERR));
	console_port_input(p);
	console_port_output(p);
	if (p->hung_up)
		client_check(p);
}

static void client_accept(struct ev_source *src, u32 events)
{
	struct console_port *p = container_of(src, struct console_port, listener);
	int fd = accept4(src->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	p->client.fn = client_ready;
	p->client.fd = fd;
	p->hung_up = false;
	p->in_eof = false;
	p->host_open = true;
	/* The next one waits until this one is gone. */
	ev_del(port_loop(p), &p->listener);
	console_ctl_tell(p, VIRTIO_CONSOLE_PORT_OPEN);
	if (ev_add(port_loop(p), &p->client, EPOLLIN | EPOLLOUT | EPOLLET))
		client_close(p);
}

static void socket_close(struct console_port *p)
{
	struct stat st;

	if (p->client.fd >= 0) {
		ev_del(port_loop(p), &p->client);
		close(p->client.fd);
	}
	if (p->listener.fd < 0)
		return;
	ev_del(port_loop(p), &p->listener);
	close(p->listener.fd);
	/* Who replaced it keeps what is there now. */
	if (p->path && !lstat(p->path, &st) && st.st_dev == p->bound.st_dev &&
	    st.st_ino == p->bound.st_ino)
		unlink(p->path);
}

static const struct port_ops socket_ops = {
	.write = socket_write,
	.read = socket_read,
	.close = socket_close,
};

/* A socket that nobody serves is left over: 0 when it is gone. */
static int remove_stale(const struct sockaddr_un *sa)
{
	struct stat st;
	int fd, ret = 0;

	if (lstat(sa->sun_path, &st) < 0)
		return -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (!connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) || errno != ECONNREFUSED)
		ret = -EADDRINUSE;
	close(fd);
	if (!ret && unlink(sa->sun_path) < 0)
		ret = -errno;
	return ret;
}

static int socket_bind(int fd, const struct sockaddr_un *sa)
{
	int ret;

	/* Whoever may connect is the guest's peer: only the user may. */
	if (fchmod(fd, 0600) < 0)
		return -errno;
	if (!bind(fd, (const struct sockaddr *)sa, sizeof(*sa)))
		return 0;
	if (errno != EADDRINUSE)
		return -errno;
	ret = remove_stale(sa);
	if (!ret && bind(fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0)
		ret = -errno;
	return ret;
}

static int socket_listen(struct console_port *p, const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int ret;

	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, path, strlen(path));
	p->listener.fn = client_accept;
	p->listener.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->listener.fd < 0)
		return -errno;
	ret = socket_bind(p->listener.fd, &sa);
	if (ret)
		return ret;
	if (lstat(path, &p->bound) < 0)
		return -errno;
	p->path = path;
	if (listen(p->listener.fd, 1) < 0)
		return -errno;
	return client_listen(p);
}

static int socket_open(struct console_port *p, const char *path)
{
	int ret = socket_listen(p, path);

	if (ret == -EADDRINUSE)
		log_err("--port %s: %s is in use: another process serves it", p->name, path);
	else if (ret == -EEXIST)
		log_err("--port %s: %s is not a socket: remove it", p->name, path);
	else if (ret)
		log_err("--port %s: cannot create %s: %s", p->name, path, strerror(-ret));
	return ret;
}

int console_port_open(struct console_port *p, const struct port_conf *conf, bool dry_run)
{
	p->name = conf->name;
	p->ops = conf->socket ? &socket_ops : &file_ops;
	if (dry_run)
		return 0;
	if (conf->link)
		return console_link_open(p, conf->link);
	return conf->socket ? socket_open(p, conf->socket) : file_open(p, conf->file);
}
