/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_NET_BACKEND_H
#define VMTOOL_NET_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>
#include <linux/types.h>
#include <vmtool/props.h>

/*
 * Where the frames of a network card go to and come from. A back end knows nothing
 * of cards and guests: it takes Ethernet frames, without checksum, and gives such.
 *
 * One queue's frames are sent by one thread and received by one, which may be
 * different ones only if @threaded is set. A back end never blocks. Its peer may be
 * hostile: no frame it gives is shorter than NET_FRAME_MIN or longer than
 * NET_FRAME_MAX.
 */

#define NET_FRAME_MIN	14
#define NET_FRAME_MAX	65550		/* IP's 64 KiB and the Ethernet header */
#define NET_HDR_LEN	12		/* struct virtio_net_hdr_v1 */
#define NET_MAX_QUEUES	16

/**
 * struct net_options - what the user asked for; plain data
 * @host_ip: address of the host in that network, "ADDRESS[/PREFIX]", or NULL
 * @guest_ip: address that the guest is given, the same way
 * @tapif: existing interface, or NULL
 * @script: program that sets the interface up, or NULL
 * @lan: name of the guests' common network, or NULL
 * @fwd: "PROTO:[ADDRESS/]PORT:GUESTPORT" each
 * @mq: queues
 */
struct net_options {
	const char *host_ip;
	const char *guest_ip;
	const char *tapif;
	const char *script;
	const char *lan;
	struct prop_list fwd;
	unsigned int mq;
};

/**
 * struct net_frame - a frame to be sent
 * @iov: its parts; @iov[-1] is there as well, for the back end to use
 * @nr: parts
 * @len: bytes in all
 */
struct net_frame {
	struct iovec *iov;
	unsigned int nr;
	size_t len;
};

struct net_backend;

/**
 * struct net_backend_ops - what a back end can do
 * @send: send frames, in order: how many were dealt with (a network may lose
 *	frames, so those it cannot take for good count as well); -EAGAIN when the
 *	first one has to wait until @fd is writable; -ENOTCONN when the peer is gone.
 *	With no frames it goes on with the one that is @pending: 0, or as above.
 * @recv: the next frame, which stays valid until the next call: its length;
 *	-EAGAIN when there is none and @fd tells when to ask again; -ENOTCONN when
 *	the peer is gone
 * @lost: the network is gone, as -ENOTCONN or EPOLLHUP of @fd told: say why, in one
 *	line
 * @set_offloads: take frames with these TUN_F_* properties from now on; 0 or -errno
 * @set_queues: spread frames over the first @nr queues from now on; 0 or -errno
 * @destroy: release everything
 *
 * @lost, @set_offloads and @set_queues may be NULL.
 */
struct net_backend_ops {
	int (*send)(struct net_backend *nb, unsigned int q, const struct net_frame *frames,
		    unsigned int nr);
	int (*recv)(struct net_backend *nb, unsigned int q, const u8 **frame);
	void (*lost)(struct net_backend *nb);
	int (*set_offloads)(struct net_backend *nb, unsigned int offloads);
	int (*set_queues)(struct net_backend *nb, unsigned int nr);
	void (*destroy)(struct net_backend *nb);
};

/**
 * struct net_backend - a back end
 * @ops: what it can do
 * @name: of the network card, for messages
 * @nr_queues: queues
 * @fd: for each queue, what an event loop watches; owned
 * @vnet_hdr: frames begin with a struct virtio_net_hdr_v1 of NET_HDR_LEN bytes
 * @threaded: see above
 * @vhost: vhost-net takes its descriptors
 * @pending: @send has sent a part of a frame, and is to be called again, with or
 *	without frames, when @fd is writable
 * @mtu: largest packet, or 0 when that is not known
 */
struct net_backend {
	const struct net_backend_ops *ops;
	char name[16];
	unsigned int nr_queues;
	int fd[NET_MAX_QUEUES];
	bool vnet_hdr;
	bool threaded;
	bool vhost;
	bool pending;
	u16 mtu;
};

/**
 * net_tap_check() - look at the options of a network interface of the host
 * @opt: options
 *
 * Return: 0, or -EINVAL after a one-line message.
 */
int net_tap_check(const struct net_options *opt);

/**
 * net_tap_open() - a network interface of the host
 * @nb: receives the back end
 * @opt: options
 * @name: of the card
 *
 * Without @opt->tapif an interface is made, which lives as long as the back end.
 *
 * Return: 0, or -errno after a one-line message.
 */
int net_tap_open(struct net_backend **nb, const struct net_options *opt, const char *name);

/**
 * net_user_check() - look at the options of passt
 * @opt: options
 *
 * Return: 0, or -EINVAL after a one-line message.
 */
int net_user_check(const struct net_options *opt);

/**
 * net_user_open() - the host's own connections, by the program passt
 * @nb: receives the back end
 * @opt: options
 * @name: of the card
 *
 * For the main thread: passt ends with the thread that started it.
 *
 * Return: 0, or -errno after a one-line message.
 */
int net_user_open(struct net_backend **nb, const struct net_options *opt, const char *name);

/**
 * net_stream_open() - what speaks as passt does, at the other end of a socket
 * @nb: receives the back end
 * @fd: connected stream socket, owned from now on, also after an error
 * @name: of the card
 *
 * Return: 0 or -ENOMEM.
 */
int net_stream_open(struct net_backend **nb, int fd, const char *name);

/**
 * net_lan_check() - look at the options of a network among guests
 * @opt: options
 *
 * Return: 0, or -EINVAL after a one-line message.
 */
int net_lan_check(const struct net_options *opt);

/**
 * net_lan_open() - a network that guests of one user share
 * @nb: receives the back end
 * @opt: options
 * @name: of the card
 *
 * Return: 0, or -errno after a one-line message.
 */
int net_lan_open(struct net_backend **nb, const struct net_options *opt, const char *name);

#endif /* VMTOOL_NET_BACKEND_H */
