// SPDX-License-Identifier: GPL-2.0
/*
 * A network interface of the host (linux/if_tun.h): what the host sends there the
 * guest receives, and the other way round. Frames carry virtio's own header, so
 * checksums and the cutting of large frames are left to who can do it best.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/if_tun.h>

#include <linux/kernel.h>
#include <vmtool/log.h>
#include <vmtool/net_backend.h>
#include <vmtool/spawn.h>

#include "net.h"

#define TAP_NODE	"/dev/net/tun"
#define TAP_BUF		(NET_HDR_LEN + NET_FRAME_MAX + 1)
#define TAP_TRIES	16		/* unusable frames in a row */

/**
 * struct tap - the back end
 * @nb: its generic part
 * @ifname: the interface
 * @flags: IFF_* it is opened with
 * @attached: queues that frames are spread over
 * @buf: a received frame for each queue
 */
struct tap {
	struct net_backend nb;
	char ifname[IFNAMSIZ];
	short flags;
	unsigned int attached;
	u8 *buf[NET_MAX_QUEUES];
};

/* --- frames ------------------------------------------------------------------ */

/* 1 when the frame is dealt with. */
static int send_frame(struct tap *tap, unsigned int q, const struct net_frame *f)
{
	ssize_t n;

	do {
		n = writev(tap->nb.fd[q], f->iov, f->nr);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return -EAGAIN;
	/* The others (EIO: the interface is down) concern this frame alone. */
	return n < 0 && errno == EBADFD ? -ENOTCONN : 1;
}

static int tap_send(struct net_backend *nb, unsigned int q, const struct net_frame *frames,
		    unsigned int nr)
{
	struct tap *tap = container_of(nb, struct tap, nb);
	unsigned int i;
	int ret = 1;

	for (i = 0; i < nr && ret > 0; i++)
		ret = send_frame(tap, q, &frames[i]);
	if (ret > 0)
		return nr;
	return i > 1 ? (int)i - 1 : ret;
}

static int tap_recv(struct net_backend *nb, unsigned int q, const u8 **frame)
{
	struct tap *tap = container_of(nb, struct tap, nb);
	int i;

	for (i = 0; i < TAP_TRIES; i++) {
		ssize_t n = read(nb->fd[q], tap->buf[q], TAP_BUF);

		if (n >= NET_HDR_LEN + NET_FRAME_MIN && n < TAP_BUF) {
			*frame = tap->buf[q];
			return n;
		}
		if (n < 0 && errno == EBADFD)
			return -ENOTCONN;
		if (n < 0 && errno != EINTR)
			break;
	}
	return -EAGAIN;
}

static void tap_lost(struct net_backend *nb)
{
	const struct tap *tap = container_of(nb, struct tap, nb);

	log_warn("%s: interface %s is gone: the guest is off the network", nb->name,
		 tap->ifname);
}

/* --- properties --------------------------------------------------------------- */

static int tap_set_offloads(struct net_backend *nb, unsigned int offloads)
{
	return ioctl(nb->fd[0], TUNSETOFFLOAD, (unsigned long)offloads) < 0 ? -errno : 0;
}

static int attach(struct tap *tap, unsigned int q, bool on)
{
	struct ifreq req = { .ifr_flags = on ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE };

	return ioctl(tap->nb.fd[q], TUNSETQUEUE, &req) < 0 ? -errno : 0;
}

static int tap_set_queues(struct net_backend *nb, unsigned int nr)
{
	struct tap *tap = container_of(nb, struct tap, nb);
	int ret = 0;

	while (!ret && tap->attached < nr) {
		ret = attach(tap, tap->attached, true);
		tap->attached += !ret;
	}
	while (!ret && tap->attached > nr) {
		ret = attach(tap, tap->attached - 1, false);
		tap->attached -= !ret;
	}
	return ret;
}

static void tap_destroy(struct net_backend *nb)
{
	struct tap *tap = container_of(nb, struct tap, nb);
	unsigned int i;

	for (i = 0; i < nb->nr_queues; i++) {
		if (nb->fd[i] >= 0)
			close(nb->fd[i]);
		free(tap->buf[i]);
	}
	free(tap);
}

static const struct net_backend_ops tap_ops = {
	.send = tap_send,
	.recv = tap_recv,
	.lost = tap_lost,
	.set_offloads = tap_set_offloads,
	.set_queues = tap_set_queues,
	.destroy = tap_destroy,
};

/* --- set-up ------------------------------------------------------------------- */

static int open_failed(const char *what, int ret)
{
	const char *cure = "";

	if (ret == -ENOENT || ret == -ENODEV)
		cure = ": run 'modprobe tun' as root";
	else if (ret == -EPERM || ret == -EACCES)
		cure = ": become root, or name an interface of your own by tapif=";
	else if (ret == -EBUSY)
		cure = ": another guest uses it";
	log_err("cannot open %s: %s%s", what, strerror(-ret), cure);
	return ret;
}

static int set_interface(struct tap *tap, int fd)
{
	struct ifreq req = { .ifr_flags = tap->flags };

	memcpy(req.ifr_name, tap->ifname, sizeof(req.ifr_name));
	if (ioctl(fd, TUNSETIFF, &req) < 0)
		return -errno;
	memcpy(tap->ifname, req.ifr_name, sizeof(tap->ifname));
	return 0;
}

/* The queue's descriptor becomes one of the interface. */
static int join_interface(struct tap *tap, int fd)
{
	int ret = set_interface(tap, fd);

	/* One of several queues that was there before, used for one alone. */
	if (ret == -EINVAL && !(tap->flags & IFF_MULTI_QUEUE)) {
		tap->flags |= IFF_MULTI_QUEUE;
		ret = set_interface(tap, fd);
	}
	if (ret == -EINVAL && tap->nb.nr_queues > 1) {
		log_err("interface %s has one queue: add 'multi_queue' when it is made, or leave out mq=",
			tap->ifname);
		return ret;
	}
	return ret ? open_failed(tap->ifname, ret) : 0;
}

static int open_queue(struct tap *tap, unsigned int q)
{
	int hdr = NET_HDR_LEN, little = 1, ret;

	tap->buf[q] = malloc(TAP_BUF);
	if (!tap->buf[q])
		return -ENOMEM;
	tap->nb.fd[q] = open(TAP_NODE, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (tap->nb.fd[q] < 0)
		return open_failed(TAP_NODE, -errno);
	ret = join_interface(tap, tap->nb.fd[q]);
	if (ret)
		return ret;
	if (ioctl(tap->nb.fd[q], TUNSETVNETHDRSZ, &hdr) < 0 ||
	    ioctl(tap->nb.fd[q], TUNSETVNETLE, &little) < 0)
		return open_failed(tap->ifname, -errno);
	tap->attached++;
	return 0;
}

static int run_script(const char *script, const char *ifname)
{
	const char *argv[] = { script, ifname, NULL };
	const struct spawn s = { .argv = argv, .keep_fd = -1, .err_fd = -1 };
	pid_t pid = spawn_start(&s);
	int status;

	if (pid < 0) {
		log_err("cannot run %s: %s", script, strerror(-pid));
		return pid;
	}
	status = spawn_wait(pid);
	if (!status)
		return 0;
	if (status > 0 && WIFSIGNALED(status))
		log_err("'%s %s' was killed by signal %d", script, ifname, WTERMSIG(status));
	else
		log_err("'%s %s' has failed: exit status %d", script, ifname,
			status < 0 ? status : WEXITSTATUS(status));
	return -ECANCELED;
}

static int set_up(struct tap *tap, const struct net_options *opt)
{
	struct net_addr addr;
	int ret = 0;

	if (opt->host_ip) {
		ret = net_addr_parse(opt->host_ip, &addr);
		ret = ret ?: ifconf_address(tap->ifname, &addr);
		if (ret) {
			log_err("cannot give %s the address %s: %s", tap->ifname, opt->host_ip,
				strerror(-ret));
			return ret;
		}
	}
	if (!opt->tapif)
		ret = ifconf_up(tap->ifname);
	if (ret) {
		log_err("cannot switch %s on: %s", tap->ifname, strerror(-ret));
		return ret;
	}
	if (opt->script)
		ret = run_script(opt->script, tap->ifname);
	return ret;
}

static int open_tap(struct tap *tap, const struct net_options *opt)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < opt->mq && !ret; i++)
		ret = open_queue(tap, i);
	ret = ret ?: tap_set_offloads(&tap->nb, 0);
	ret = ret ?: set_up(tap, opt);
	ret = ret ?: tap_set_queues(&tap->nb, 1);
	if (ret)
		return ret;
	ret = ifconf_mtu(tap->ifname);
	tap->nb.mtu = ret > 0 && ret <= 65535 ? ret : 0;
	log_debug("%s: interface %s", tap->nb.name, tap->ifname);
	return 0;
}

int net_tap_open(struct net_backend **nb, const struct net_options *opt, const char *name)
{
	struct tap *tap = calloc(1, sizeof(*tap));
	unsigned int i;
	int ret;

	if (!tap)
		return -ENOMEM;
	tap->nb.ops = &tap_ops;
	snprintf(tap->nb.name, sizeof(tap->nb.name), "%s", name);
	tap->nb.nr_queues = opt->mq;
	for (i = 0; i < opt->mq; i++)
		tap->nb.fd[i] = -1;
	tap->nb.vnet_hdr = true;
	tap->nb.threaded = true;
	tap->nb.vhost = true;
	tap->flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	if (opt->mq > 1)
		tap->flags |= IFF_MULTI_QUEUE;
	snprintf(tap->ifname, sizeof(tap->ifname), "%s", opt->tapif ?: "vmtool%d");

	ret = 0;
	if (opt->tapif && !if_nametoindex(opt->tapif)) {
		log_err("no interface %s: make it by 'ip tuntap add %s mode tap', or leave out tapif=",
			opt->tapif, opt->tapif);
		ret = -ENODEV;
	}
	ret = ret ?: open_tap(tap, opt);
	if (ret)
		tap_destroy(&tap->nb);
	else
		*nb = &tap->nb;
	return ret;
}

int net_tap_check(const struct net_options *opt)
{
	struct net_addr addr;

	if (opt->tapif && strlen(opt->tapif) >= IFNAMSIZ) {
		log_err("tapif=%s: more than %d characters", opt->tapif, IFNAMSIZ - 1);
		return -EINVAL;
	}
	if (opt->tapif && opt->host_ip) {
		log_err("host_ip= is for an interface that vmtool makes: leave out tapif=, or set the address of %s yourself",
			opt->tapif);
		return -EINVAL;
	}
	if (opt->host_ip && net_addr_parse(opt->host_ip, &addr)) {
		log_err("host_ip=%s: not an address; say 192.168.33.1/24", opt->host_ip);
		return -EINVAL;
	}
	return 0;
}
