// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile driver of a console with a terminal, a socket and a file behind it, while
 * the user types and clients come and go.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <linux/virtio_console.h>

#include "hostile.h"
#include "../../virtio/virtio.h"

#define NR_PORTS	2

enum { TYPE, BREAK, PRINT, DIAL, SAY, HEAR, HALF, HANG_UP, RESIZE, ACTIONS };

static char socket_path[64];

/**
 * struct target - the console and who is at its other side
 * @h: its driver
 * @conf: its ports
 * @client: connection to the socket, -1 without one
 * @typed: next number that is typed
 */
struct target {
	struct hostile h;
	struct device_conf conf[NR_PORTS];
	int client;
	u8 typed;
};

static void remove_socket(void)
{
	unlink(socket_path);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	snprintf(socket_path, sizeof(socket_path), "/tmp/console_fuzz.%d", getpid());
	atexit(remove_socket);
	log_set_level(LOG_ERROR);
	return 0;
}

static void add_port(struct target *t, int i, const char *text)
{
	struct device_conf *dc = &t->conf[i];

	dc->cls = &console_class;
	dc->conf = calloc(1, console_class.conf_size);
	CHECK(dc->conf && !props_init(console_class.props, dc->conf));
	CHECK(!props_parse(console_class.props, dc->conf, "--port", text));
	CHECK(!console_class.check(dc->conf));
	list_add_tail(&dc->node, &t->h.d.cfg.devices);
}

static void begin(struct target *t, const u8 *data, size_t size)
{
	static const u64 features[] = { DRV_ALL, DRV_SPLIT, DRV_PLAIN, DRV_UNORDERED };
	const struct device_class *cls;
	struct hostile *h = &t->h;
	char text[96];
	u8 first;

	memset(t, 0, sizeof(*t));
	t->client = -1;
	h->in = data;
	h->left = min_t(size_t, size, HOSTILE_MAX);
	first = hostile_take(h, 1);
	h->features = features[first >> 1 & 3];
	if (first & 8)
		h->features &= ~BIT_ULL(VIRTIO_CONSOLE_F_MULTIPORT);
	CHECK(!drv_machine(&h->d));
	INIT_LIST_HEAD(&h->d.cfg.devices);
	h->d.vm.virtio_console = !(first & 16);
	h->d.vm.term.out.fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	h->d.vm.term.in.fd = -1;
	snprintf(text, sizeof(text), "a,socket=%s", socket_path);
	add_port(t, 0, text);
	add_port(t, 1, "b,file=/dev/null");
	cls = h->d.vm.virtio_console ? &hvc_class : &console_class;
	CHECK(!drv_init_dev(&h->d, first & 1 ? DRV_PCI : DRV_MMIO, cls->create(NULL, "console0")));
	h->buf = drv_alloc(&h->d, HOSTILE_BUF);
	hostile_setup(h, 0);
	h->place = h->d.queue[2].desc;
}

static void type(struct target *t, unsigned int n)
{
	struct term *term = &t->h.d.vm.term;
	u8 buf[256];
	unsigned int i;

	if (!term->ops)
		return;
	n = min_t(size_t, n, term->ops->room(term->priv));
	for (i = 0; i < n; i++)
		buf[i] = t->typed++;
	term->ops->input(term->priv, buf, n);
}

static void dial(struct target *t)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	if (t->client >= 0)
		return;
	t->client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	memcpy(sa.sun_path, socket_path, sizeof(socket_path));
	if (connect(t->client, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		close(t->client);
		t->client = -1;
	}
}

static void talk(struct target *t, int action)
{
	char buf[4096] = "";

	if (t->client < 0)
		return;
	if (action == SAY) {
		if (send(t->client, buf, hostile_take(&t->h, 1), MSG_NOSIGNAL) < 0)
			return;
	} else if (action == HEAR) {
		if (recv(t->client, buf, sizeof(buf), 0) < 0)
			return;
	} else if (action == HALF) {
		shutdown(t->client, hostile_take(&t->h, 1) % 3);
	} else {
		close(t->client);
		t->client = -1;
	}
}

static void other(struct target *t)
{
	struct term *term = &t->h.d.vm.term;
	int action = hostile_take(&t->h, 1) % ACTIONS;

	switch (action) {
	case TYPE:
		type(t, hostile_take(&t->h, 1));
		break;
	case BREAK:
		if (term->ops)
			term->ops->send_break(term->priv);
		break;
	case PRINT:
		term_service(term);
		break;
	case DIAL:
		dial(t);
		break;
	case RESIZE:
		term_resized(term);
		break;
	default:
		talk(t, action);
	}
}

/* An emergency write waits for a terminal that is full, as a vCPU may; we may not. */
static void make_room(struct target *t)
{
	struct term *term = &t->h.d.vm.term;
	u8 op = *t->h.in % HOSTILE_OPS;

	if ((op == HOSTILE_CONFIG || op == HOSTILE_WRITE) &&
	    term->head - term->tail >= TERM_OUT_FULL)
		term_service(term);
}

static void end(struct target *t)
{
	int i;

	/* A good driver finds a console that works. */
	term_service(&t->h.d.vm.term);
	hostile_setup(&t->h, 0);
	talk(t, HANG_UP);
	drv_run(&t->h.d);
	drv_end(&t->h.d);
	for (i = 0; i < NR_PORTS; i++) {
		props_free(console_class.props, t->conf[i].conf);
		free(t->conf[i].conf);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct target t;

	begin(&t, data, size);
	while (t.h.left) {
		make_room(&t);
		if (!hostile_step(&t.h))
			other(&t);
	}
	end(&t);
	return 0;
}
