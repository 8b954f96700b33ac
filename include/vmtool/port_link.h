/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_PORT_LINK_H
#define VMTOOL_PORT_LINK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <linux/types.h>
#include <linux/list.h>

/*
 * A named port of the virtio console that leads to this process: bytes both ways, and
 * word of the guest having closed its side or been reset. The device is on a thread of
 * its own, whoever uses the link on any other.
 */

#define PORT_LINK_SIZE	(64 * 1024)	/* bytes under way, each direction */

/**
 * struct port_ring - one direction
 * @buf: bytes
 * @head: bytes ever put in
 * @tail: bytes ever taken out
 */
struct port_ring {
	u8 buf[PORT_LINK_SIZE];
	size_t head;
	size_t tail;
};

/**
 * struct port_link - the link
 * @lock: guards what follows
 * @host_fd: eventfd, readable when the host's side has to look; it reads it
 * @dev_fd: the same for the device
 * @reset: the guest's side was closed since the host looked
 * @to_host: from the guest
 * @to_guest: to it
 */
struct port_link {
	pthread_mutex_t lock;
	int host_fd;
	int dev_fd;
	bool reset;
	struct port_ring to_host;
	struct port_ring to_guest;
};

/**
 * port_link_create() - a link without a port
 *
 * Return: link, or NULL.
 */
struct port_link *port_link_create(void);

/**
 * port_link_destroy() - forget a link
 * @link: link, or NULL; its device is gone
 */
void port_link_destroy(struct port_link *link);

/**
 * port_link_add() - ask for a port that the link leads to
 * @devices: list of struct device_conf
 * @link: outlives the machine
 * @name: name of the port
 *
 * Return: 0 or -ENOMEM.
 */
int port_link_add(struct list_head *devices, struct port_link *link, const char *name);

/**
 * port_link_recv() - take what the guest has sent
 * @link: link
 * @buf: receives bytes
 * @len: at most that many
 *
 * Return: bytes; -EAGAIN when there are none; -ECONNRESET, once, when the guest has
 * closed its side: what it had not taken is gone.
 */
ssize_t port_link_recv(struct port_link *link, void *buf, size_t len);

/**
 * port_link_send() - send to the guest
 * @link: link
 * @buf: bytes
 * @len: how many
 *
 * Return: bytes taken; @host_fd tells when there is space again.
 */
size_t port_link_send(struct port_link *link, const void *buf, size_t len);

/* --- the device's side: what virtio/console-link.c is made of ---------------------- */

/**
 * port_link_dev_put() - what the guest sends
 * @link: link
 * @buf: bytes
 * @len: how many
 *
 * Return: bytes taken.
 */
size_t port_link_dev_put(struct port_link *link, const void *buf, size_t len);

/**
 * port_link_dev_get() - what there is for the guest
 * @link: link
 * @buf: receives it
 * @len: at most that many
 *
 * Return: bytes.
 */
size_t port_link_dev_get(struct port_link *link, void *buf, size_t len);

/**
 * port_link_dev_close() - the guest has closed its side
 * @link: link
 */
void port_link_dev_close(struct port_link *link);

#endif /* VMTOOL_PORT_LINK_H */
