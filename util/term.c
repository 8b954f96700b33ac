// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/log.h>
#include <vmtool/term.h>
#include <vmtool/tty.h>

#define TERM_CHUNK	4096
#define TERM_ESCAPE	0x01	/* Ctrl-a */
#define TERM_LINGER_MS	1000

static void term_help(void)
{
	static const char text[] =
		"\r\n"
		"Ctrl-a h    this help\r\n"
		"Ctrl-a x    end the guest\r\n"
		"Ctrl-a b    send a break (magic SysRq)\r\n"
		"Ctrl-a a    send Ctrl-a\r\n";

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		return;
}

/* The byte after the escape key; what is for the guest is put in @out. */
static size_t term_escaped(struct term *t, u8 c, u8 *out)
{
	t->escape = false;
	switch (c) {
	case 'x':
	case 'X':
		t->ops->quit(t->priv);
		return 0;
	case 'h':
	case '?':
		term_help();
		return 0;
	case 'b':
		t->ops->send_break(t->priv);
		return 0;
	case 'a':
	case TERM_ESCAPE:
		*out = TERM_ESCAPE;
		return 1;
	default:
		*out = c;
		return 1;
	}
}

static void term_take(struct term *t, const u8 *buf, size_t len)
{
	u8 keys[TERM_CHUNK];
	size_t i, n = 0;

	if (!t->in_tty) {
		t->ops->input(t->priv, buf, len);
		return;
	}
	for (i = 0; i < len; i++) {
		if (t->escape) {
			/* What was typed before a break comes before it. */
			if (n)
				t->ops->input(t->priv, keys, n);
			n = term_escaped(t, buf[i], keys);
		} else if (buf[i] == TERM_ESCAPE) {
			t->escape = true;
		} else {
			keys[n++] = buf[i];
		}
	}
	if (n)
		t->ops->input(t->priv, keys, n);
}

static void term_eof(struct term *t)
{
	ev_del(t->loop, &t->in);
	t->in_eof = true;
}

static bool term_read_some(struct term *t)
{
	u8 buf[TERM_CHUNK];
	size_t room = min_t(size_t, t->ops->room(t->priv), sizeof(buf));
	ssize_t n;

	if (!room)
		return false;
	n = read(t->in.fd, buf, room);
	if (n > 0) {
		term_take(t, buf, n);
		return true;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	term_eof(t);
	return false;
}

static void term_in_ready(struct ev_source *src, u32 events)
{
	struct term *t = container_of(src, struct term, in);

	if (!t->ops->room(t->priv))
		ev_del(t->loop, &t->in);	/* level-triggered, HUP included */
	else
		term_read_some(t);
}

/* Under the lock: is it time to call ops->space()? */
static bool term_fed(struct term *t)
{
	bool fed = t->starved && t->head - t->tail <= TERM_OUT_FULL / 2;

	if (fed)
		t->starved = false;
	return fed;
}

static void term_lost(struct term *t, int err)
{
	bool fed;

	pthread_mutex_lock(&t->lock);
	t->dead = true;
	t->tail = t->head;
	fed = term_fed(t);
	pthread_cond_broadcast(&t->space);
	pthread_mutex_unlock(&t->lock);
	ev_del(t->loop, &t->out);
	if (t->ops)
		t->ops->failed(t->priv, err);
	if (fed)
		t->ops->space(t->priv);
}

/* Returns false when stdout cannot take anything now. */
static bool term_write_some(struct term *t, int wait_ms)
{
	struct pollfd pfd = { .fd = t->out.fd, .events = POLLOUT };
	size_t at, len;
	ssize_t n;
	bool fed;

	if (poll(&pfd, 1, wait_ms) <= 0)
		return false;
	/* Only this thread moves the tail, so the bytes stay put. */
	pthread_mutex_lock(&t->lock);
	at = t->tail % TERM_OUT_SIZE;
	len = min_t(size_t, t->head - t->tail, TERM_OUT_SIZE - at);
	len = min_t(size_t, len, TERM_CHUNK);
	pthread_mutex_unlock(&t->lock);
	if (!len)
		return true;

	n = write(t->out.fd, t->buf + at, len);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n < 0) {
		term_lost(t, errno);
		return true;
	}
	pthread_mutex_lock(&t->lock);
	t->tail += n;
	fed = term_fed(t);
	pthread_cond_broadcast(&t->space);
	pthread_mutex_unlock(&t->lock);
	if (fed)
		t->ops->space(t->priv);
	return true;
}

static bool term_pending(struct term *t)
{
	bool pending;

	pthread_mutex_lock(&t->lock);
	pending = t->head != t->tail;
	pthread_mutex_unlock(&t->lock);
	return pending;
}

static void term_drain(struct term *t)
{
	while (term_pending(t)) {
		if (term_write_some(t, 0))
			continue;
		if (!t->out.armed)
			ev_add(t->loop, &t->out, EPOLLOUT);
		return;
	}
	ev_del(t->loop, &t->out);
}

static void term_out_ready(struct ev_source *src, u32 events)
{
	term_drain(container_of(src, struct term, out));
}

void term_init(struct term *t, struct evloop *loop)
{
	memset(t, 0, offsetof(struct term, buf));
	t->loop = loop;
	t->in.fd = STDIN_FILENO;
	t->in.fn = term_in_ready;
	t->out.fd = STDOUT_FILENO;
	t->out.fn = term_out_ready;
	t->in_eof = true;
	t->head = 0;
	t->tail = 0;
	t->held = false;
	t->due = false;
	t->stop = false;
	t->dead = false;
	t->starved = false;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->space, NULL);
}

void term_connect(struct term *t, const struct term_ops *ops, void *priv)
{
	t->ops = ops;
	t->priv = priv;
}

/*
 * POLLOUT promises room for a byte, and a terminal or a pipe that is not read
 * would have a longer write() wait. With a file description of our own we need
 * not make that of others non-blocking.
 */
static void term_open_output(struct term *t)
{
	struct stat st;
	int fd;

	if (fstat(t->out.fd, &st) < 0 || !(S_ISFIFO(st.st_mode) || isatty(t->out.fd)))
		return;
	fd = open(t->out.fd == STDERR_FILENO ? "/proc/self/fd/2" : "/proc/self/fd/1",
		  O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0)
		t->out.fd = fd;
}

void term_set_use(struct term *t, enum term_use use)
{
	t->use = use;
	t->dead = use == TERM_NOTHING;
	if (use == TERM_STDERR)
		t->out.fd = STDERR_FILENO;
}

int term_start(struct term *t)
{
	int ret;

	term_open_output(t);
	if (t->use != TERM_STDIO)
		return 0;
	if (isatty(STDIN_FILENO)) {
		tty_guard();
		ret = tty_raw(false);
		if (ret && ret != -EAGAIN)
			return ret;
		t->in_tty = true;
		if (ret)
			return 0;	/* until term_resume() in the foreground */
	}
	t->in_eof = false;
	ret = ev_add(t->loop, &t->in, EPOLLIN);
	if (ret == -EPERM) {
		t->in_file = true;
		ret = 0;
	}
	/* No stdin at all (closed) is no input, not an error. */
	if (ret == -EBADF) {
		t->in_eof = true;
		ret = 0;
	}
	return ret;
}

void term_service(struct term *t)
{
	term_drain(t);
	if (t->in_eof || !t->ops)
		return;
	if (t->in_file)
		while (!t->in_eof && term_read_some(t))
			;
	else if (!t->in.armed && t->ops->room(t->priv))
		ev_add(t->loop, &t->in, EPOLLIN);
}

/* Under the lock: is the loop to be woken now? */
static bool term_wakes(struct term *t)
{
	bool wake = t->due && !t->held;

	if (wake)
		t->due = false;
	return wake;
}

void term_output(struct term *t, const void *buf, size_t len)
{
	const u8 *p = buf;
	bool wake = false;

	pthread_mutex_lock(&t->lock);
	while (len && !t->dead) {
		if (t->head - t->tail < (t->stop ? TERM_OUT_SIZE : TERM_OUT_FULL)) {
			/* While we waited the loop may have written all, and left. */
			wake |= t->head == t->tail;
			t->buf[t->head++ % TERM_OUT_SIZE] = *p++;
			len--;
			continue;
		}
		if (t->stop)
			break;
		if (wake || t->due)
			ev_wake(t->loop);
		t->due = false;
		pthread_cond_wait(&t->space, &t->lock);
	}
	t->due |= wake;
	wake = term_wakes(t);
	pthread_mutex_unlock(&t->lock);
	if (wake)
		ev_wake(t->loop);
}

void term_hold(struct term *t, bool hold)
{
	bool wake;

	pthread_mutex_lock(&t->lock);
	t->held = hold;
	wake = term_wakes(t);
	pthread_mutex_unlock(&t->lock);
	if (wake)
		ev_wake(t->loop);
}

size_t term_try_output(struct term *t, const void *buf, size_t len)
{
	const u8 *p = buf;
	size_t i, n, used;

	pthread_mutex_lock(&t->lock);
	used = t->head - t->tail;
	n = used < TERM_OUT_FULL ? min_t(size_t, len, TERM_OUT_FULL - used) : 0;
	if (t->dead)
		n = len;
	else
		for (i = 0; i < n; i++)
			t->buf[t->head++ % TERM_OUT_SIZE] = p[i];
	t->starved |= n < len;
	pthread_mutex_unlock(&t->lock);
	if (n && !used)
		ev_wake(t->loop);
	return n;
}

bool term_size(const struct term *t, unsigned short *cols, unsigned short *rows)
{
	struct winsize ws;

	if (ioctl(t->out.fd, TIOCGWINSZ, &ws) < 0 && ioctl(t->in.fd, TIOCGWINSZ, &ws) < 0)
		return false;
	*cols = ws.ws_col;
	*rows = ws.ws_row;
	return true;
}

void term_resized(struct term *t)
{
	if (t->ops && t->ops->resized)
		t->ops->resized(t->priv);
}

void term_stop(struct term *t, bool stop)
{
	pthread_mutex_lock(&t->lock);
	t->stop = stop;
	pthread_cond_broadcast(&t->space);
	pthread_mutex_unlock(&t->lock);
}

void term_suspend(struct term *t)
{
	tty_restore();
	raise(SIGSTOP);
	term_resume(t);
}

void term_resume(struct term *t)
{
	if (!t->in_tty)
		return;
	if (tty_raw(false)) {
		/* In the background: mode and input are the shell's now. */
		tty_forget();
		ev_del(t->loop, &t->in);
		t->in_eof = true;
		return;
	}
	if (t->in_eof && !t->in.armed && !ev_add(t->loop, &t->in, EPOLLIN))
		t->in_eof = false;
	/* It may have changed while another job had the terminal. */
	term_resized(t);
}

void term_destroy(struct term *t)
{
	while (!t->dead && term_pending(t))
		if (!term_write_some(t, TERM_LINGER_MS))
			break;
	ev_del(t->loop, &t->in);
	ev_del(t->loop, &t->out);
	if (t->out.fd > STDERR_FILENO)
		close(t->out.fd);
	if (t->use == TERM_STDIO)
		tty_restore();
	pthread_cond_destroy(&t->space);
	pthread_mutex_destroy(&t->lock);
}
