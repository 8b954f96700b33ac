/* SPDX-License-Identifier: GPL-2.0 */
#ifndef NET_NET_H
#define NET_NET_H

#include <stdbool.h>
#include <netinet/in.h>
#include <linux/types.h>
#include <vmtool/net_backend.h>

#define STREAM_IN	(256 * 1024)
#define STREAM_OUT	(sizeof(u32) + NET_FRAME_MAX)

/**
 * struct net_stream - frames on a stream socket, each after its length
 * @nb: the generic part
 * @why: what was wrong with the peer, or NULL
 * @start: first byte of @in that was not handed out
 * @end: end of what was received
 * @rest_start: first byte of @rest that was not sent
 * @rest_end: end of what is left of the last frame
 * @in: received bytes
 * @rest: bytes of a frame that was sent in part
 */
struct net_stream {
	struct net_backend nb;
	const char *why;
	size_t start;
	size_t end;
	size_t rest_start;
	size_t rest_end;
	u8 in[STREAM_IN];
	u8 rest[STREAM_OUT];
};

/**
 * stream_init() - use a connected socket
 * @s: caller-owned
 * @fd: stream socket, owned from now on
 * @name: of the card
 */
void stream_init(struct net_stream *s, int fd, const char *name);

/**
 * stream_send() - &net_backend_ops.send
 * @nb: of a struct net_stream
 * @q: 0
 * @frames: frames
 * @nr: how many
 *
 * Return: as said there.
 */
int stream_send(struct net_backend *nb, unsigned int q, const struct net_frame *frames,
		unsigned int nr);

/**
 * stream_recv() - &net_backend_ops.recv
 * @nb: of a struct net_stream
 * @q: 0
 * @frame: receives the frame
 *
 * Return: as said there.
 */
int stream_recv(struct net_backend *nb, unsigned int q, const u8 **frame);

/**
 * struct net_addr - an address as users write it
 * @family: AF_INET or AF_INET6
 * @v4: address, of AF_INET
 * @v6: address, of AF_INET6
 * @prefix: bits that name the network
 * @text: the address without the prefix
 */
struct net_addr {
	int family;
	struct in_addr v4;
	struct in6_addr v6;
	unsigned int prefix;
	char text[INET6_ADDRSTRLEN];
};

/**
 * net_addr_parse() - read "ADDRESS[/PREFIX]"
 * @text: text
 * @addr: receives the address; its prefix is 24 or 64 where none is given
 *
 * Return: 0 or -EINVAL.
 */
int net_addr_parse(const char *text, struct net_addr *addr);

/**
 * struct net_fwd - a port forward
 * @udp: of UDP, else of TCP
 * @addr: address of the host to listen at; family 0 for all
 * @port: port of the host
 * @guest: port of the guest
 */
struct net_fwd {
	bool udp;
	struct net_addr addr;
	u16 port;
	u16 guest;
};

/**
 * net_fwd_parse() - read "PROTO:[ADDRESS/]PORT:GUESTPORT"
 * @text: text
 * @fwd: receives the forward
 *
 * Return: 0 or -EINVAL.
 */
int net_fwd_parse(const char *text, struct net_fwd *fwd);

/**
 * ifconf_address() - give an interface an address
 * @ifname: interface
 * @addr: address
 *
 * Return: 0 or -errno.
 */
int ifconf_address(const char *ifname, const struct net_addr *addr);

/**
 * ifconf_up() - switch an interface on
 * @ifname: interface
 *
 * Return: 0 or -errno.
 */
int ifconf_up(const char *ifname);

/**
 * ifconf_mtu() - largest packet of an interface
 * @ifname: interface
 *
 * Return: bytes or -errno.
 */
int ifconf_mtu(const char *ifname);

#endif /* NET_NET_H */
