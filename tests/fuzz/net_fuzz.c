// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile driver of a network card, and a hostile peer behind it: one that speaks as
 * passt does and lies about lengths, or an interface with headers of its own. Whatever
 * the one does, the other gets nothing but frames.
 */
#include "hostile.h"
#include "../unit/net_wire.h"

/* Bits of the first byte, besides those of hostile.h. */
enum { TAP = 0x10, NO_MERGE = 0x20, PLAIN_NET = 0x40 };

#define PAIRS	2
#define STEPS	1024

struct target {
	struct hostile h;
	struct net_conf conf;
	struct net_backend *nb;
	struct wire *w;		/* TAP */
	int far;		/* else: the peer's end; -1 when it has hung up */
	size_t pending;		/* bytes of a frame that the peer has yet to read */
	u8 head[4];
	unsigned int in_head;
};

static void open_peer(struct target *t, bool tap)
{
	int fds[2], size = 4096;

	if (tap) {
		t->w = wire_open(PAIRS, true);
		t->nb = &t->w->nb;
		return;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		drv_die("socketpair: %s", strerror(errno));
	t->far = fds[1];
	if (net_stream_open(&t->nb, fds[0], "net0"))
		drv_die("no stream");
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

/* What is read is lengths, and as many bytes as they say. */
static void check_stream(struct target *t, const u8 *buf, ssize_t n)
{
	ssize_t i;

	for (i = 0; i < n; i++) {
		if (t->pending) {
			t->pending--;
			continue;
		}
		t->head[t->in_head++] = buf[i];
		if (t->in_head < 4)
			continue;
		t->in_head = 0;
		t->pending = (u32)t->head[0] << 24 | t->head[1] << 16 | t->head[2] << 8 |
			     t->head[3];
		CHECK(t->pending >= NET_FRAME_MIN && t->pending <= NET_FRAME_MAX);
	}
}

static void peer_reads(struct target *t, unsigned int q)
{
	static u8 buf[1 << 17];
	ssize_t n = recv(t->w ? t->w->far[q] : t->far, buf, sizeof(buf), MSG_DONTWAIT);

	if (n <= 0)
		return;
	if (t->w)
		CHECK(n >= NET_HDR_LEN + NET_FRAME_MIN && n <= NET_HDR_LEN + NET_FRAME_MAX);
	else
		check_stream(t, buf, n);
}

/* Bytes of the script, then as many zeroes as it wants. */
static void peer_writes(struct target *t, unsigned int q)
{
	static u8 buf[4 + NET_HDR_LEN + NET_FRAME_MAX];
	struct hostile *h = &t->h;
	size_t len = hostile_take(h, 1) % 64, i, more = 0;
	int fd = t->w ? t->w->far[q] : t->far;

	if (hostile_take(h, 1) & 1)
		more = hostile_take(h, 2);
	for (i = 0; i < len; i++)
		buf[i] = hostile_take(h, 1);
	len = min_t(size_t, len + more, t->w ? NET_HDR_LEN + NET_FRAME_MAX : sizeof(buf));
	/* The interface gives frames, whatever is in them. */
	if (t->w)
		len = max_t(size_t, len, NET_HDR_LEN + NET_FRAME_MIN);
	if (send(fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return;
}

/* As it should be, so that the card goes on. */
static void peer_is_good(struct target *t, unsigned int q)
{
	u8 buf[4 + 64] = { 0, 0, 0, 64 };

	memset(buf + 4, hostile_take(&t->h, 1), 64);
	if (send(t->w ? t->w->far[q] : t->far, buf, sizeof(buf), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return;
}

static void peer_goes(struct target *t)
{
	if (t->w) {
		t->w->gone = true;
	} else if (t->far >= 0) {
		close(t->far);
		t->far = -1;
	}
}

static void peer(struct target *t)
{
	u8 what = hostile_take(&t->h, 1);
	unsigned int q = what >> 7;

	switch (what % 16) {
	case 0:
		peer_goes(t);
		break;
	case 1:
		if (t->w)
			t->w->again = what >> 4 & 7;
		break;
	case 2:
		if (t->w)
			t->w->partly = what & 16;
		break;
	case 3 ... 5:
		peer_reads(t, q);
		break;
	case 6 ... 8:
		peer_is_good(t, q);
		break;
	default:
		peer_writes(t, q);
		break;
	}
	drv_run(&t->h.d);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	log_set_level(LOG_ERROR);
	return 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static const u64 features[] = { DRV_ALL, DRV_SPLIT, DRV_PLAIN, DRV_UNORDERED };
	static struct target t;
	struct hostile *h = &t.h;
	int steps = STEPS;

	memset(&t, 0, sizeof(t));
	if (!size)
		return 0;
	t.far = -1;
	h->in = data + 1;
	h->left = min_t(size_t, size - 1, HOSTILE_MAX);
	h->features = features[data[0] >> 1 & 3];
	if (data[0] & NO_MERGE)
		h->features &= ~BIT_ULL(VIRTIO_NET_F_MRG_RXBUF);
	if (data[0] & PLAIN_NET)
		h->features &= ~0xffffffULL;
	open_peer(&t, data[0] & TAP);
	CHECK(!drv_init_dev(&h->d, data[0] & 1 ? DRV_PCI : DRV_MMIO,
			    net_create(&t.conf, "net0", t.nb)));
	h->buf = drv_alloc(&h->d, HOSTILE_BUF);
	hostile_setup(h, 0);
	while (h->left && steps--)
		if (!hostile_step(h))
			peer(&t);
	hostile_setup(h, 0);
	drv_end(&h->d);
	if (t.far >= 0)
		close(t.far);
	return 0;
}
