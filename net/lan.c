// SPDX-License-Identifier: GPL-2.0
/*
 * A network that guests of one user share without any privilege.
 *
 * It is a directory NAME.lan with a listening socket for each guest. Who comes
 * connects to all that are there, so each two have a connection (SOCK_SEQPACKET: a
 * packet is a frame), and the end of a guest, however sudden, is the end of its
 * connections. Who comes also removes the sockets that nobody listens on any more;
 * this, binding and listening happen with the directory locked.
 *
 * Frames go where their destination was seen, else to everybody. One who takes
 * none, being stopped perhaps, loses them: nobody waits.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/log.h>
#include <vmtool/net_backend.h>
#include <vmtool/rundir.h>

#include "net.h"

#define LAN_PEERS	64
#define LAN_MACS	256		/* a power of two */
#define LAN_EVENTS	16
#define LAN_TURN	32		/* frames of one peer before the next one's turn */
#define LAN_TRIES	64		/* events without a frame */
#define LAN_BACKLOG	1024		/* a guest that does not run yet accepts nobody */
#define LAN_JOINS	8
#define LAN_LISTENER	LAN_PEERS

/* Where an Ethernet address was seen. */
struct lan_mac {
	u8 addr[6];
	bool known;
	u8 peer;
};

/**
 * struct lan - the back end
 * @nb: its generic part; what is watched is an epoll descriptor
 * @dir: NAME.lan
 * @file: our socket there
 * @bound: @file exists
 * @listener: its descriptor
 * @peers: connections, -1 where there is none
 * @macs: addresses seen
 * @ready: peers that have something for us
 * @nr_ready: how many
 * @next: the one whose turn it is
 * @turn: frames that it has given
 * @warnings: budget of messages
 * @buf: a received frame
 */
struct lan {
	struct net_backend nb;
	struct rundir dir;
	char file[32];
	bool bound;
	int listener;
	int peers[LAN_PEERS];
	struct lan_mac macs[LAN_MACS];
	struct epoll_event ready[LAN_EVENTS];
	int nr_ready;
	int next;
	int turn;
	struct log_limit warnings;
	u8 buf[NET_FRAME_MAX + 1];
};

/* --- peers ------------------------------------------------------------------------ */

static int watch(struct lan *lan, int fd, unsigned int index)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = index };

	return epoll_ctl(lan->nb.fd[0], EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

/* Owns @fd in any case. */
static int add_peer(struct lan *lan, int fd)
{
	int size = 1024 * 1024, ret = -ENOSPC;
	unsigned int i;

	for (i = 0; i < LAN_PEERS && lan->peers[i] >= 0; i++)
		;
	if (i < LAN_PEERS)
		ret = watch(lan, fd, i);
	if (ret) {
		close(fd);
		return ret;
	}
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	lan->peers[i] = fd;
	return 0;
}

static void drop_peer(struct lan *lan, unsigned int index)
{
	int i;

	if (lan->peers[index] < 0)
		return;
	close(lan->peers[index]);
	lan->peers[index] = -1;
	for (i = 0; i < LAN_MACS; i++)
		if (lan->macs[i].peer == index)
			lan->macs[i].known = false;
}

/* False when there is none. */
static bool accept_peer(struct lan *lan)
{
	int fd = accept4(lan->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	int ret = fd < 0 ? -errno : add_peer(lan, fd);

	if (!ret || ret == -EAGAIN || ret == -EINTR || ret == -ECONNABORTED)
		return !ret;
	log_guest(&lan->warnings, "%s: cannot connect to another guest: %s", lan->nb.name,
		  ret == -ENOSPC ? "there are too many" : strerror(-ret));
	/* It would stay ready, and the thread busy: the others wait until we leave. */
	if (fd < 0)
		epoll_ctl(lan->nb.fd[0], EPOLL_CTL_DEL, lan->listener, NULL);
	return false;
}

/* --- where addresses are ------------------------------------------------------------ */

static bool is_group(const u8 *mac)
{
	return mac[0] & 1;
}

static struct lan_mac *mac_slot(struct lan *lan, const u8 *mac)
{
	u32 hash = 0;
	int i;

	for (i = 0; i < 6; i++)
		hash = hash * 31 + mac[i];
	return &lan->macs[(hash ^ hash >> 8) % LAN_MACS];
}

static void learn(struct lan *lan, const u8 *mac, unsigned int peer)
{
	struct lan_mac *slot = mac_slot(lan, mac);

	if (is_group(mac))
		return;
	memcpy(slot->addr, mac, sizeof(slot->addr));
	slot->peer = peer;
	slot->known = true;
}

/* The peer an address was seen at, or -1. */
static int find_peer(struct lan *lan, const u8 *mac)
{
	const struct lan_mac *slot = mac_slot(lan, mac);

	if (is_group(mac) || !slot->known || memcmp(slot->addr, mac, sizeof(slot->addr)))
		return -1;
	return slot->peer;
}

/* --- frames ------------------------------------------------------------------------- */

static void send_to(struct lan *lan, unsigned int peer, const struct net_frame *f)
{
	struct msghdr msg = { .msg_iov = f->iov, .msg_iovlen = f->nr };
	ssize_t n;

	if (lan->peers[peer] < 0)
		return;
	do {
		n = sendmsg(lan->peers[peer], &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN))
		drop_peer(lan, peer);
}

static void copy_start(const struct net_frame *f, u8 *buf, size_t len)
{
	unsigned int i;

	for (i = 0; i < f->nr && len; i++) {
		size_t n = min_t(size_t, len, f->iov[i].iov_len);

		memcpy(buf, f->iov[i].iov_base, n);
		buf += n;
		len -= n;
	}
}

static void send_to_all(struct lan *lan, const struct net_frame *f)
{
	unsigned int i;

	/* Also to those that came while nothing was received. */
	for (i = 0; i < LAN_PEERS && accept_peer(lan); i++)
		;
	for (i = 0; i < LAN_PEERS; i++)
		send_to(lan, i, f);
}

static int lan_send(struct net_backend *nb, unsigned int q, const struct net_frame *frames,
		    unsigned int nr)
{
	struct lan *lan = container_of(nb, struct lan, nb);
	u8 mac[6] = { 0 };
	unsigned int i;
	int peer;

	for (i = 0; i < nr; i++) {
		copy_start(&frames[i], mac, sizeof(mac));
		peer = find_peer(lan, mac);
		if (peer >= 0)
			send_to(lan, peer, &frames[i]);
		else
			send_to_all(lan, &frames[i]);
	}
	return nr;
}

/* Length of a frame; -EAGAIN when this peer has none; 0 when it is to be left out. */
static int recv_from(struct lan *lan, unsigned int peer)
{
	ssize_t n;

	if (lan->peers[peer] < 0)
		return -EAGAIN;
	n = recv(lan->peers[peer], lan->buf, sizeof(lan->buf), MSG_DONTWAIT);
	if (!n || (n < 0 && (errno == ECONNRESET || errno == ENOTCONN))) {
		drop_peer(lan, peer);
		return -EAGAIN;
	}
	if (n < 0)
		return errno == EINTR ? 0 : -EAGAIN;
	if (n < NET_FRAME_MIN || n > NET_FRAME_MAX)
		return 0;
	learn(lan, lan->buf + 6, peer);
	return n;
}

/* Serves the event whose turn it is: length of a frame, or 0. */
static int serve(struct lan *lan)
{
	unsigned int index = lan->ready[lan->next].data.u32;
	int ret = -EAGAIN;

	if (index == LAN_LISTENER)
		accept_peer(lan);
	else
		ret = recv_from(lan, index);
	if (ret < 0 || ++lan->turn == LAN_TURN) {
		lan->next++;
		lan->turn = 0;
	}
	return ret > 0 ? ret : 0;
}

static int lan_recv(struct net_backend *nb, unsigned int q, const u8 **frame)
{
	struct lan *lan = container_of(nb, struct lan, nb);
	int i, ret;

	for (i = 0; i < LAN_TRIES; i++) {
		if (lan->next == lan->nr_ready) {
			ret = epoll_wait(nb->fd[0], lan->ready, LAN_EVENTS, 0);
			lan->nr_ready = ret > 0 ? ret : 0;
			lan->next = 0;
			lan->turn = 0;
			if (ret <= 0)
				break;
		}
		ret = serve(lan);
		if (ret) {
			*frame = lan->buf;
			return ret;
		}
	}
	return -EAGAIN;
}

/* --- coming and going ----------------------------------------------------------------- */

static bool is_peer_file(const char *name)
{
	size_t len = strlen(name);

	return len > 5 && len < 32 && !strcmp(name + len - 5, ".sock");
}

static int connect_file(struct lan *lan, const char *file)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_un sa;
	int ret;

	if (fd < 0)
		return -errno;
	rundir_address(&sa, &lan->dir, file);
	if (!connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		return add_peer(lan, fd);
	ret = -errno;
	close(fd);
	/* Nobody listens, and nobody is about to: we have the lock. */
	if (ret == -ECONNREFUSED) {
		unlinkat(lan->dir.fd, file, 0);
		ret = 0;
	}
	/* It has just left; or is no socket of ours. */
	return ret == -ENOENT || ret == -EPROTOTYPE ? 0 : ret;
}

static int connect_all(struct lan *lan)
{
	int fd = openat(lan->dir.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	int ret = 0;

	if (!d) {
		ret = -errno;
		if (fd >= 0)
			close(fd);
		return ret;
	}
	while (!ret && (e = readdir(d)))
		if (is_peer_file(e->d_name))
			ret = connect_file(lan, e->d_name);
	closedir(d);
	return ret;
}

static int listen_here(struct lan *lan)
{
	struct sockaddr_un sa;
	unsigned int n;

	lan->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (lan->listener < 0)
		return -errno;
	/* A guest may have several cards in a network. */
	for (n = 0; !lan->bound; n++) {
		snprintf(lan->file, sizeof(lan->file), "%d-%u.sock", getpid(), n);
		rundir_address(&sa, &lan->dir, lan->file);
		lan->bound = !bind(lan->listener, (struct sockaddr *)&sa, sizeof(sa));
		if (!lan->bound && errno != EADDRINUSE)
			return -errno;
	}
	if (listen(lan->listener, LAN_BACKLOG) < 0)
		return -errno;
	return watch(lan, lan->listener, LAN_LISTENER);
}

/* -ENOENT: the last guest has left and taken the directory away. */
static int join_dir(struct lan *lan, const struct rundir *top, const char *sub)
{
	int ret = rundir_open_sub(&lan->dir, top, sub);

	if (ret)
		return ret;
	ret = rundir_lock(&lan->dir);
	if (ret)
		return ret;
	ret = connect_all(lan) ?: listen_here(lan);
	rundir_unlock(&lan->dir);
	return ret;
}

static void leave_dir(struct lan *lan)
{
	if (lan->dir.fd >= 0 && !rundir_lock(&lan->dir)) {
		if (lan->bound)
			unlinkat(lan->dir.fd, lan->file, 0);
		/* Only the last one's attempt succeeds. */
		rmdir(lan->dir.path);
		rundir_unlock(&lan->dir);
	}
	lan->bound = false;
	if (lan->listener >= 0)
		close(lan->listener);
	lan->listener = -1;
	rundir_close(&lan->dir);
}

static int join(struct lan *lan, const char *name)
{
	char sub[RUNDIR_NAME_MAX + 4];
	struct rundir top;
	int i, ret = rundir_open(&top, true);

	/* A message was printed. */
	if (ret)
		return ret;
	lan->nb.fd[0] = epoll_create1(EPOLL_CLOEXEC);
	if (lan->nb.fd[0] < 0)
		ret = -errno;
	snprintf(sub, sizeof(sub), "%s.lan", name);
	for (i = 0; i < LAN_JOINS && !ret; i++) {
		ret = join_dir(lan, &top, sub);
		if (ret != -ENOENT)
			break;
		leave_dir(lan);
		ret = i + 1 < LAN_JOINS ? 0 : ret;
	}
	rundir_close(&top);
	if (ret)
		log_err("cannot join network %s: %s", name, ret == -ENOSPC ?
			"it is full" : strerror(-ret));
	return ret;
}

static void lan_destroy(struct net_backend *nb)
{
	struct lan *lan = container_of(nb, struct lan, nb);
	unsigned int i;

	leave_dir(lan);
	for (i = 0; i < LAN_PEERS; i++)
		drop_peer(lan, i);
	if (nb->fd[0] >= 0)
		close(nb->fd[0]);
	free(lan);
}

static const struct net_backend_ops lan_ops = {
	.send = lan_send,
	.recv = lan_recv,
	.destroy = lan_destroy,
};

int net_lan_open(struct net_backend **nb, const struct net_options *opt, const char *name)
{
	struct lan *lan = calloc(1, sizeof(*lan));
	int ret;

	if (!lan)
		return -ENOMEM;
	snprintf(lan->nb.name, sizeof(lan->nb.name), "%s", name);
	lan->nb.ops = &lan_ops;
	lan->nb.nr_queues = 1;
	lan->nb.fd[0] = -1;
	lan->dir.fd = -1;
	lan->listener = -1;
	memset(lan->peers, 0xff, sizeof(lan->peers));
	ret = join(lan, opt->lan);
	if (ret)
		lan_destroy(&lan->nb);
	else
		*nb = &lan->nb;
	return ret;
}

int net_lan_check(const struct net_options *opt)
{
	if (!opt->lan) {
		log_err("mode=socket: name the network by lan=NAME");
		return -EINVAL;
	}
	if (rundir_name_valid(opt->lan))
		return 0;
	log_err("lan=%s: not a name: letters, digits and _.+-, at most %d", opt->lan,
		RUNDIR_NAME_MAX - 1);
	return -EINVAL;
}
