/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VIRTIO_CONSOLE_H
#define VIRTIO_CONSOLE_H

#include <pthread.h>
#include <sys/stat.h>
#include <linux/virtio_console.h>
#include <vmtool/virtio.h>

/*
 * The console device's parts: console.c is the device and its queues, console-ctl.c
 * the control messages, console-term.c and console-port.c are what ports lead to.
 *
 * Everything but what is said to have a lock belongs to the device's one thread.
 */

#define CONSOLE_QUEUE		64
#define CONSOLE_MAX_PORTS	31	/* 2 queues each, and 2 for control: 64 */
#define CONSOLE_NAME_MAX	64
#define CONSOLE_INPUT		(256 * 1024)	/* a paste, as with the UART */

/* Queues (5.3.2) */
#define CONSOLE_Q_CTL_RX	2	/* to the driver */
#define CONSOLE_Q_CTL_TX	3	/* from the driver */

struct console;
struct console_port;
struct port_link;

/**
 * struct port_conf - a named port, as the user asked for it
 * @name: its name in the guest
 * @socket: path of the UNIX socket that clients connect to, or
 * @file: path of the file that output is appended to, or
 * @link: into this process
 */
struct port_conf {
	const char *name;
	const char *socket;
	const char *file;
	struct port_link *link;
};

/**
 * struct port_ops - what a port leads to
 * @write: take what the guest has sent: bytes taken, also those that there is
 *	nobody to take; 0 when it has to wait, console_port_output() follows
 * @read: bytes for the guest; 0 when there are none, console_port_input() follows
 * @left: the guest's side was closed, or the device was reset; may be NULL
 * @close: release everything
 */
struct port_ops {
	size_t (*write)(struct console_port *p, const struct iovec *iov, int nr);
	size_t (*read)(struct console_port *p, const struct iovec *iov, int nr);
	void (*left)(struct console_port *p);
	void (*close)(struct console_port *p);
};

/**
 * struct console_port - a port
 * @c: its device
 * @id: its number
 * @name: its name, or NULL
 * @ops: what it leads to; NULL for a port that does not exist
 * @host_open: somebody listens on this side
 * @added: the driver was told of it
 * @ready: the driver says it is ready
 * @guest_open: the driver's side is open
 * @pending: control messages to send, a bit for each event
 * @busy: @tx is under way
 * @tx: output that was not taken yet
 * @tx_iov: parts of @tx
 * @listener: UNIX socket
 * @client: connection, or the file
 * @bound: the socket's file, as long as it is ours
 * @path: of the socket
 * @hung_up: the client is gone, what it sent may not be
 * @in_eof: the client sends no more
 * @complained: of output that was lost
 * @link: into this process
 */
struct console_port {
	struct console *c;
	u32 id;
	const char *name;
	const struct port_ops *ops;
	bool host_open;
	bool added;
	bool ready;
	bool guest_open;
	u16 pending;
	bool busy;
	struct vq_chain tx;
	struct iovec tx_iov[CONSOLE_QUEUE];

	struct ev_source listener;
	struct ev_source client;
	struct stat bound;
	const char *path;
	bool hung_up;
	bool in_eof;
	bool complained;
	struct port_link *link;
};

/**
 * struct console - the device
 * @vd: its virtio part
 * @vm: the machine, for its terminal
 * @terminal: it has the terminal, and no named ports
 * @ports: by their numbers; 0 is the terminal, or nothing
 * @nr_ports: how many
 * @live: between activate() and reset()
 * @iov: parts of a chain of input
 * @ctl_iov: parts of a control message; one may be sent while input is served
 * @event: input, or space for output
 * @lock: guards what follows
 * @input: typed and not read yet
 * @head: bytes ever put in
 * @tail: bytes ever taken out
 */
struct console {
	struct virtio_dev vd;
	struct vm *vm;
	bool terminal;
	struct console_port *ports;
	unsigned int nr_ports;
	bool live;
	struct iovec iov[CONSOLE_QUEUE];
	struct iovec ctl_iov[CONSOLE_QUEUE];
	struct ev_source event;
	pthread_mutex_t lock;
	u8 *input;
	size_t head;
	size_t tail;
};

/* Without it there are no control queues and just port 0. */
static inline bool console_multiport(const struct console *c)
{
	return virtio_has(&c->vd, VIRTIO_CONSOLE_F_MULTIPORT);
}

/**
 * console_port_output() - go on with what the guest has sent
 * @p: port
 */
void console_port_output(struct console_port *p);

/**
 * console_port_input() - give the guest what there is for it
 * @p: port
 */
void console_port_input(struct console_port *p);

/**
 * console_ctl_receive() - the driver has sent control messages
 * @c: device
 */
void console_ctl_receive(struct console *c);

/**
 * console_ctl_send() - send the control messages that are pending
 * @c: device
 */
void console_ctl_send(struct console *c);

/**
 * console_ctl_tell() - have the driver know of something
 * @p: port
 * @event: VIRTIO_CONSOLE_*; nothing is sent before the port is ready
 */
void console_ctl_tell(struct console_port *p, u16 event);

/**
 * console_term_open() - connect port 0 to the user's terminal
 * @c: device
 *
 * Return: 0, or -errno after a message.
 */
int console_term_open(struct console *c);

/**
 * console_port_open() - open what a named port leads to
 * @p: port with @c and @id
 * @conf: what it is to be
 * @dry_run: touch nothing
 *
 * Return: 0, or -errno after a one-line message.
 */
int console_port_open(struct console_port *p, const struct port_conf *conf, bool dry_run);

/**
 * console_link_open() - connect a port to this process
 * @p: port with @c, @id and @name
 * @link: to what
 *
 * Return: 0, or -errno after a one-line message.
 */
int console_link_open(struct console_port *p, struct port_link *link);

/**
 * console_port_left() - the guest's side of a port was closed
 * @p: port, open until now or not
 */
static inline void console_port_left(struct console_port *p)
{
	if (p->guest_open && p->ops && p->ops->left)
		p->ops->left(p);
	p->guest_open = false;
}

#endif /* VIRTIO_CONSOLE_H */
