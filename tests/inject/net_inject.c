// SPDX-License-Identifier: GPL-2.0
/*
 * net_inject stream|lan|tap STEP...: a network card on such a back end, and frames.
 *
 * A step is tx:N or rx:N: so many frames at once, a line about what came of them:
 * "tx 8 taken 8 arrived". big:N are large ones, to a peer that reads little by little;
 * drip:N are received by the byte. An interface is asked N questions, one after the
 * other: "ask 8 answered". At the end: "link up" or "link down", and "needs a reset"
 * where that is so.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/un.h>
#include <linux/if_ether.h>

#include "net_wire.h"
#include "virtio/virtio.h"

#define RX	0
#define TX	1
#define SMALL	100
#define LARGE	60000

struct inject {
	struct card c;
	int far;
	bool stream;
	u8 seed;
};

/* --- the other end; by read() and write(), which the back ends do not use ---------------- */

static int open_stream(struct inject *t)
{
	struct net_backend *nb;
	int fds[2], size = 8192;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) || net_stream_open(&nb, fds[0], "net0"))
		return -errno;
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	t->far = fds[1];
	t->stream = true;
	fcntl(t->far, F_SETFL, O_NONBLOCK);
	return drv_init_dev(&t->c.d, DRV_MMIO, net_create(&t->c.conf, "net0", nb));
}

static int open_lan(struct inject *t)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int ret;

	ret = drv_init(&t->c.d, DRV_MMIO, &net_class, "socket,lan=home");
	if (ret)
		return ret;
	t->far = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/home.lan/%d-0.sock",
		 getenv("VMTOOL_RUNTIME_DIR"), getpid());
	if (connect(t->far, (struct sockaddr *)&sa, sizeof(sa)))
		drv_die("connect: %s", strerror(errno));
	fcntl(t->far, F_SETFL, O_NONBLOCK);
	return 0;
}

static int open_tap(struct inject *t)
{
	t->far = -1;
	if (unshare(CLONE_NEWNET))
		drv_die("unshare: %s", strerror(errno));
	return drv_init(&t->c.d, DRV_MMIO, &net_class, "tap,vhost=0,host_ip=192.0.2.2/24");
}

static void far_sends(struct inject *t, const u8 *frame, size_t len, bool drip)
{
	u8 buf[4 + SMALL];
	u32 be = htonl(len);
	size_t i, off = t->stream ? 4 : 0;

	memcpy(buf, &be, off);
	memcpy(buf + off, frame, len);
	for (i = 0; drip && i < off + len; i++) {
		if (write(t->far, buf + i, 1) == 1)
			drv_run(&t->c.d);
	}
	if (!drip && write(t->far, buf, off + len) != (ssize_t)(off + len))
		perror("write");
}

/* Frames that have arrived as they were made, with seeds from @seed on. */
static int far_gets(struct inject *t, size_t len, unsigned int nr, u8 seed, size_t step)
{
	static u8 buf[64 * 1024], want[LARGE];
	unsigned int got = 0, lost = 0, idle = 0;
	size_t have = 0, head = t->stream ? 4 : 0;

	while (got + lost < nr && idle < 3) {
		ssize_t n = read(t->far, buf + have, min_t(size_t, step, sizeof(buf) - have));

		idle = n > 0 ? 0 : idle + 1;
		have += n > 0 ? n : 0;
		drv_run(&t->c.d);
		for (; have >= head + len && got + lost < nr; have -= head + len) {
			make_frame(want, len, broadcast, seed + got + lost);
			while (memcmp(buf + head, want, len) && got + lost < nr)
				make_frame(want, len, broadcast, seed + got + ++lost);
			got += got + lost < nr;
			memmove(buf, buf + head + len, have - head - len);
		}
	}
	return got;
}

/* --- steps ----------------------------------------------------------------------------------- */

static void do_tx(struct inject *t, unsigned int nr, size_t len, size_t step)
{
	static u8 frame[LARGE];
	unsigned int i, taken = 0, arrived;
	u64 brk = t->c.d.brk;

	for (i = 0; i < nr; i++) {
		make_frame(frame, len, broadcast, t->seed + i);
		driver_sends(&t->c, TX, NULL, frame, len, true);
	}
	drv_kick(&t->c.d, TX);
	drv_run(&t->c.d);
	arrived = far_gets(t, len, nr, t->seed, step);
	while (drv_get(&t->c.d, TX, NULL))
		taken++;
	t->seed += nr;
	t->c.d.brk = brk;
	printf("tx %u taken %u arrived\n", taken, arrived);
}

static void do_rx(struct inject *t, unsigned int nr, bool drip)
{
	struct virtio_net_hdr_v1 hdr;
	u8 frame[SMALL], got[WIRE_BUF];
	unsigned int i, arrived = 0;

	for (i = 0; i < nr; i++) {
		make_frame(frame, SMALL, broadcast, t->seed + i);
		offer(&t->c, RX, 200);
		far_sends(t, frame, SMALL, drip);
	}
	drv_run(&t->c.d);
	for (i = 0; i < nr; i++) {
		make_frame(frame, SMALL, broadcast, t->seed + i);
		arrived += driver_gets(&t->c, RX, &hdr, got) == SMALL && !memcmp(frame, got, SMALL);
	}
	t->seed += nr;
	printf("rx %u arrived\n", arrived);
}

static bool answered(struct drv *d, void *arg)
{
	struct virtio_net_hdr_v1 hdr;
	struct inject *t = arg;
	u8 got[WIRE_BUF];
	int len;

	do {
		len = driver_gets(&t->c, RX, &hdr, got);
		if (len >= 42 && got[12] == ETH_P_ARP >> 8 && got[13] == (ETH_P_ARP & 0xff) &&
		    got[21] == 2 && got[41] == t->seed)
			return true;
	} while (len > 0);
	return false;
}

static void do_ask(struct inject *t, unsigned int nr)
{
	static const u8 guest[5] = { 2 };
	unsigned int n = 0, i;

	for (i = 0; i < 60; i++)
		offer(&t->c, RX, 2048);
	for (i = 0; i < nr; i++) {
		u8 f[60] = { 0 };

		t->seed++;
		memset(f, 0xff, 6);
		memcpy(f + 6, guest, 5);
		f[11] = t->seed;
		f[12] = ETH_P_ARP >> 8;
		f[13] = ETH_P_ARP & 0xff;
		memcpy(f + 14, "\0\1\x08\0\6\4\0\1", 8);
		memcpy(f + 22, f + 6, 6);
		inet_pton(AF_INET, "192.0.2.0", f + 28);
		f[31] = t->seed;
		inet_pton(AF_INET, "192.0.2.2", f + 38);
		driver_sends(&t->c, TX, NULL, f, sizeof(f), true);
		drv_kick(&t->c.d, TX);
		n += drv_wait(&t->c.d, answered, t, 500);
	}
	printf("ask %u answered\n", n);
}

static void step(struct inject *t, const char *text)
{
	const char *colon = strchr(text, ':');
	unsigned int n = colon ? atoi(colon + 1) : 0;

	if (!strncmp(text, "tx:", 3))
		do_tx(t, n, SMALL, 65536);
	else if (!strncmp(text, "big:", 4))
		do_tx(t, n, LARGE, 10000);
	else if (!strncmp(text, "rx:", 3))
		do_rx(t, n, false);
	else if (!strncmp(text, "drip:", 5))
		do_rx(t, n, true);
	else if (!strncmp(text, "ask:", 4))
		do_ask(t, n);
	else
		drv_die("no step '%s'", text);
}

int main(int argc, char **argv)
{
	struct inject *t = calloc(1, sizeof(*t));
	int i, ret;

	if (argc < 3 || !t)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	t->far = -1;
	t->seed = 10;
	t->c.conf.opt.mq = 1;
	if (!strcmp(argv[1], "stream"))
		ret = open_stream(t);
	else
		ret = !strcmp(argv[1], "lan") ? open_lan(t) : open_tap(t);
	if (ret) {
		printf("realize: %s\n", strerror(-ret));
		drv_end(&t->c.d);
		return 0;
	}
	if (drv_setup(&t->c.d, DRV_SPLIT))
		drv_die("the card does not start");
	for (i = 2; i < argc; i++)
		step(t, argv[i]);
	printf("link %s%s\n", link_status(&t->c) ? "up" : "down",
	       drv_status(&t->c.d) & VIRTIO_CONFIG_S_NEEDS_RESET ? ", needs a reset" : "");
	drv_end(&t->c.d);
	return 0;
}
