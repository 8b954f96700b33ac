/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VIRTIO_NET_H
#define VIRTIO_NET_H

#include <errno.h>
#include <linux/virtio_net.h>

#include <vmtool/net_backend.h>
#include <vmtool/virtio.h>

#define NET_QUEUE	256		/* entries of a ring */
#define NET_IOV		(NET_QUEUE + 8)	/* parts of a chain; slots of memory add some */
#define NET_RX_CHAINS	NET_QUEUE	/* buffers for a frame at most */
#define NET_TX_BATCH	16		/* frames for one call of the back end */
#define NET_TX_IOV	(4 * NET_IOV)
#define NET_MACS	64		/* addresses kept of each table */

struct net;

/**
 * struct net_pair - a receive and a transmit queue
 * @net: its card
 * @index: its number, of the back end's queue as well
 * @rx_src: the back end's descriptor, watched while frames are wanted
 * @rx_waits: the driver has no buffers: nothing is wanted until it kicks
 * @frame: received and not delivered yet, in the back end's memory
 * @frame_len: its length
 * @rx_dropped: frames that did not get through to the driver
 * @rx_chains: buffers of the frame being delivered
 * @rx_head: parts of the first one
 * @rx_iov: parts of the others
 * @tx_src: the same descriptor (a duplicate), watched while frames have to wait
 * @tx_dropped: frames of the driver that were no frames, or that nobody took
 * @tx_chains: frames being sent
 * @tx_frames: they, for the back end
 * @tx_iov: parts of a chain
 * @tx_pool: parts of @tx_frames
 */
struct net_pair {
	struct net *net;
	unsigned int index;

	struct ev_source rx_src;
	bool rx_waits;
	const u8 *frame;
	int frame_len;
	u64 rx_dropped;
	struct vq_chain rx_chains[NET_RX_CHAINS];
	struct iovec rx_head[NET_IOV];
	struct iovec rx_iov[NET_IOV];

	struct ev_source tx_src;
	u64 tx_dropped;
	struct vq_chain tx_chains[NET_TX_BATCH];
	struct net_frame tx_frames[NET_TX_BATCH];
	struct iovec tx_iov[NET_IOV];
	struct iovec tx_pool[NET_TX_IOV];
};

/**
 * struct net_filter - which frames the driver wants (5.1.6.5.1, 5.1.6.5.2)
 * @lock: protects the rest
 * @all: every frame
 * @all_multi: every multicast
 * @nr_uni: addresses in @uni; more than NET_MACS stand for all
 * @nr_multi: addresses in @multi, the same way
 * @uni: unicast addresses besides its own
 * @multi: multicast addresses
 */
struct net_filter {
	pthread_mutex_t lock;
	bool all;
	bool all_multi;
	u32 nr_uni;
	u32 nr_multi;
	u8 uni[NET_MACS][6];
	u8 multi[NET_MACS][6];
};

/**
 * struct net_conf - what the user asked for
 * @mode: index into the modes of net.c
 * @vhost: enum net_vhost_use
 * @mac: address, zeroes for one made from the guest's name
 * @opt: of the back end
 */
struct net_conf {
	unsigned int mode;
	unsigned int vhost;
	u8 mac[6];
	struct net_options opt;
};

/**
 * enum net_vhost_use - whether the host's kernel moves frames
 * @NET_VHOST_AUTO: where it can
 * @NET_VHOST_OFF: no
 * @NET_VHOST_ON: yes, or there is no guest
 */
enum net_vhost_use {
	NET_VHOST_AUTO,
	NET_VHOST_OFF,
	NET_VHOST_ON,
};

struct net_vhost;

/**
 * struct net - the network card
 * @vd: its virtio part
 * @conf: what the user asked for
 * @nb: back end
 * @vhost: the host's kernel moves the frames; or NULL
 * @mac: its own address, until the driver sets another
 * @lost: the back end's peer is gone; set by any thread
 * @nr_pairs: pairs of queues
 * @active: those in use; set by the control queue's thread
 * @pairs: they
 * @filter: which frames the driver wants
 * @ctrl_iov: parts of a command
 */
struct net {
	struct virtio_dev vd;
	const struct net_conf *conf;
	struct net_backend *nb;
	struct net_vhost *vhost;
	u8 mac[6];
	bool lost;
	unsigned int nr_pairs;
	unsigned int active;
	struct net_pair *pairs;
	struct net_filter filter;
	struct iovec ctrl_iov[NET_IOV];
};

static inline struct virtqueue *net_rx_vq(struct net_pair *p)
{
	return &p->net->vd.vqs[2 * p->index];
}

static inline struct virtqueue *net_tx_vq(struct net_pair *p)
{
	return &p->net->vd.vqs[2 * p->index + 1];
}

/* Pairs the driver knows of, and so the number of the control queue (5.1.2). */
static inline unsigned int net_known_pairs(const struct net *net)
{
	return virtio_has(&net->vd, VIRTIO_NET_F_MQ) ? net->nr_pairs : 1;
}

/**
 * net_create() - a card in front of a back end
 * @conf: configuration
 * @name: unique name
 * @nb: back end, owned by the card; NULL to open the one that @conf asks for
 *
 * Return: device, not realized; NULL without memory.
 */
struct virtio_dev *net_create(const struct net_conf *conf, const char *name,
			      struct net_backend *nb);

/**
 * net_lost() - the back end's peer is gone: the link is down from now on
 * @net: card; from any thread
 */
void net_lost(struct net *net);

/* --- net-queue.c: frames, each on the thread of its queue ------------------------ */

/**
 * net_rx() - deliver what was received; begins to receive where that is new
 * @vq: receive queue
 */
void net_rx(struct virtqueue *vq);

/**
 * net_rx_stop() - receive no more
 * @vq: receive queue
 */
void net_rx_stop(struct virtqueue *vq);

/**
 * net_tx() - send what the driver offers
 * @vq: transmit queue
 */
void net_tx(struct virtqueue *vq);

/**
 * net_tx_stop() - do not wait to send more
 * @vq: transmit queue
 */
void net_tx_stop(struct virtqueue *vq);

/* --- net-ctrl.c: the control queue ------------------------------------------------- */

/**
 * net_ctrl() - do what the driver asks for (5.1.6.5)
 * @net: card
 * @vq: control queue
 */
void net_ctrl(struct net *net, struct virtqueue *vq);

/**
 * net_ctrl_reset() - forget what it has asked for
 * @net: card
 */
void net_ctrl_reset(struct net *net);

/**
 * net_set_offloads() - tell the back end which frames the driver takes
 * @net: card
 * @features: VIRTIO_NET_F_GUEST_* among other bits
 *
 * Return: 0 or -errno.
 */
int net_set_offloads(struct net *net, u64 features);

/**
 * net_wants() - does the driver want a frame?
 * @net: card
 * @frame: its Ethernet header
 *
 * Return: true or false.
 */
bool net_wants(struct net *net, const u8 *frame);

/* --- net-class.c: what users say of it ------------------------------------------------ */

/**
 * net_open_backend() - open the back end that a configuration asks for
 * @conf: configuration
 * @nb: receives the back end
 * @name: of the card
 *
 * Return: 0, or -errno after a message.
 */
int net_open_backend(const struct net_conf *conf, struct net_backend **nb, const char *name);

/* --- net-vhost.c: frames moved by the host's kernel ------------------------------------ */

#ifdef CONFIG_NET_VHOST
/**
 * net_vhost_wanted() - is vhost-net to be used?
 * @net: card with a back end
 *
 * Return: true when it can be, or when the user insists.
 */
bool net_vhost_wanted(const struct net *net);

/**
 * net_vhost_open() - use vhost-net
 * @net: card with queues
 *
 * Features that the kernel does not have are not offered any more.
 *
 * Return: 0, or -errno after a message.
 */
int net_vhost_open(struct net *net);

/**
 * net_vhost_start() - hand the queues over
 * @net: card with @vhost
 *
 * Return: 0 or -errno.
 */
int net_vhost_start(struct net *net);

/**
 * net_vhost_stop() - take them back
 * @net: card with @vhost
 */
void net_vhost_stop(struct net *net);

/**
 * net_vhost_close() - release what net_vhost_open() has opened
 * @net: card, also one without @vhost
 */
void net_vhost_close(struct net *net);
#else
static inline bool net_vhost_wanted(const struct net *net)
{
	return false;
}

static inline int net_vhost_open(struct net *net)
{
	return -ENOSYS;
}

static inline int net_vhost_start(struct net *net)
{
	return -ENOSYS;
}

static inline void net_vhost_stop(struct net *net) { }
static inline void net_vhost_close(struct net *net) { }
#endif

#endif /* VIRTIO_NET_H */
