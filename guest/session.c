// SPDX-License-Identifier: GPL-2.0
/*
 * Sessions: what comes for a command, what comes from it, and how it ends.
 */
#include "agent.h"

static void shut(int *fd)
{
	if (*fd >= 0)
		k_close(*fd);
	*fd = -1;
}

void session_drop(struct session *s)
{
	shut(&s->in_fd);
	shut(&s->out[0].fd);
	shut(&s->out[1].fd);
	shut(&s->status_fd);
	shut(&s->go_fd);
	k_free(s->open, AGENT_OPEN_MAX);
	k_free(s->in, AGENT_WINDOW);
	memset(s, 0, sizeof(*s));
}

static struct session *find(struct agent *a, unsigned int id)
{
	unsigned int i;

	for (i = 0; i < AGENT_SESSIONS_MAX; i++)
		if (a->sessions[i].state != SESSION_FREE && a->sessions[i].id == id)
			return &a->sessions[i];
	return NULL;
}

static void fail(struct session *s, int err)
{
	s->result.how = AGENT_FAILED;
	s->result.value = -err;
	s->result.step = STEP_START;
	s->state = SESSION_ENDED;
}

/* The host counts sessions; should it not, it gets no answer. */
static struct session *begin(struct agent *a, unsigned int id)
{
	unsigned int i;

	for (i = 0; i < AGENT_SESSIONS_MAX; i++) {
		struct session *s = &a->sessions[i];

		if (s->state != SESSION_FREE)
			continue;
		s->id = id;
		s->state = SESSION_OPENING;
		s->in_fd = -1;
		s->out[0].fd = -1;
		s->out[1].fd = -1;
		s->out[0].credit = AGENT_WINDOW;
		s->out[1].credit = AGENT_WINDOW;
		s->status_fd = -1;
		s->go_fd = -1;
		s->open = k_alloc(AGENT_OPEN_MAX);
		if (!s->open)
			fail(s, -ENOMEM);
		return s;
	}
	return NULL;
}

static void open_piece(struct session *s, const char *data, unsigned int len, int last)
{
	int ret;

	if (s->state != SESSION_OPENING)
		return;
	if (len > AGENT_OPEN_MAX - s->open_len) {
		fail(s, -E2BIG);
		return;
	}
	memcpy(s->open + s->open_len, data, len);
	s->open_len += len;
	if (!last)
		return;
	ret = session_spawn(s);
	if (ret)
		fail(s, ret);
}

static void take_data(struct session *s, const char *data, unsigned int len)
{
	unsigned int i;

	/* Nobody reads it: as good as read. */
	if (s->in_fd < 0) {
		s->taken += len;
		return;
	}
	/* More than there was credit for: the host's mistake. */
	if (len > AGENT_WINDOW - (s->in_head - s->in_tail))
		return;
	for (i = 0; i < len; i++)
		s->in[s->in_head++ % AGENT_WINDOW] = data[i];
	session_feed(s);
}

void session_unread(struct session *s)
{
	s->taken += s->in_head - s->in_tail;
	s->in_tail = s->in_head;
	s->in_closed = 1;
	shut(&s->in_fd);
}

void session_feed(struct session *s)
{
	while (s->in_fd >= 0 && s->in_head != s->in_tail) {
		unsigned int at = s->in_tail % AGENT_WINDOW;
		unsigned int n = s->in_head - s->in_tail;
		long ret;

		if (n > AGENT_WINDOW - at)
			n = AGENT_WINDOW - at;
		ret = k_write(s->in_fd, s->in + at, n);
		if (ret == -EAGAIN || ret == -EINTR)
			return;
		if (ret < 0) {
			session_unread(s);
			return;
		}
		s->in_tail += ret;
		s->taken += ret;
	}
	if (s->in_eof && !s->tty)
		shut(&s->in_fd);
}

static void send_signal(const struct session *s, int sig)
{
	if (s->state != SESSION_RUNNING || sig < 0 || sig > 64)
		return;
	/* It may not lead its group yet. */
	if (k_kill(-s->pid, sig) == -ESRCH)
		k_kill(s->pid, sig);
}

static void hang_up(struct session *s)
{
	send_signal(s, SIGHUP);
	send_signal(s, SIGCONT);
	session_drop(s);
}

static unsigned int get32(const char *data)
{
	__le32 n;

	memcpy(&n, data, sizeof(n));
	return LE32(n);
}

static void more_credit(struct session *s, unsigned int stream, unsigned int n)
{
	struct output *o = &s->out[stream - 1];

	if (n <= AGENT_WINDOW && o->credit + n <= AGENT_WINDOW)
		o->credit += n;
}

static void known_frame(struct session *s, const struct agent_head *h, const char *data)
{
	int output = h->stream == 1 || h->stream == 2;
	unsigned int len = LE32(h->len), n;

	switch (h->type) {
	case AGENT_OPEN:
		open_piece(s, data, len, h->stream);
		break;
	case AGENT_DATA:
		take_data(s, data, len);
		break;
	case AGENT_EOF:
		s->in_eof = 1;
		session_feed(s);
		break;
	case AGENT_CLOSE:
		/* The next write is the command's SIGPIPE; a terminal hangs up. */
		if (output)
			shut(&s->out[h->stream - 1].fd);
		if (output && s->tty && h->stream == 1)
			send_signal(s, SIGHUP);
		break;
	case AGENT_WINDOW_MORE:
		if (output && len == 4)
			more_credit(s, h->stream, get32(data));
		break;
	case AGENT_WINSIZE:
		n = len == 4 ? get32(data) : 0;
		if (s->tty && s->out[0].fd >= 0)
			pty_resize(s->out[0].fd, n & 0xffff, n >> 16);
		break;
	case AGENT_SIGNAL:
		if (len == 4)
			send_signal(s, get32(data));
		break;
	case AGENT_HANGUP:
		hang_up(s);
		break;
	}
}

void session_frame(struct agent *a, unsigned int id, const struct agent_head *head,
		   const char *data)
{
	struct session *s = find(a, id);

	if (!s && head->type == AGENT_OPEN)
		s = begin(a, id);
	if (s)
		known_frame(s, head, data);
}

/* --- how it ends -------------------------------------------------------------------- */

/* What is in the pipe now was printed by the command; later on others may go on. */
static void limit(struct output *o, int pty)
{
	int n = 0;

	if (o->fd < 0)
		return;
	if (pty)
		n = PTY_LEFT_MAX;
	else
		k_ioctl(o->fd, FIONREAD, &n);
	o->left = n;
}

static void ended(struct session *s)
{
	if (s->state != SESSION_RUNNING)
		return;
	s->state = SESSION_ENDING;
	shut(&s->in_fd);
	limit(&s->out[0], s->tty);
	limit(&s->out[1], 0);
}

void session_check(struct session *s)
{
	struct result r;
	long n;

	if (s->status_fd < 0)
		return;
	n = k_read(s->status_fd, &r, sizeof(r));
	if (n == -EAGAIN || n == -EINTR)
		return;
	if (n == sizeof(r)) {
		/* The command's own word, not that of who waited for it. */
		if (s->result.how != AGENT_FAILED)
			s->result = r;
		/* The leader of a terminal waits until all was read. */
		if (s->tty)
			ended(s);
		return;
	}
	shut(&s->status_fd);
}

void session_reaped(struct session *s, int status)
{
	session_check(s);
	s->pid = 0;
	if (s->state != SESSION_RUNNING)
		return;
	if (s->result.how == AGENT_FAILED)
		;
	else if (status & 0x7f)
		s->result = (struct result){ AGENT_KILLED, status & 0x7f, 0 };
	else
		s->result = (struct result){ AGENT_EXITED, status >> 8 & 0xff, 0 };
	ended(s);
}

/* --- what is sent ------------------------------------------------------------------- */

static void output_ended(struct output *o)
{
	shut(&o->fd);
	o->eof = 1;
}

static void send_output(struct agent *a, struct session *s, int stream)
{
	struct output *o = &s->out[stream - 1];
	unsigned int room;
	char *at = agent_room(a, &room);
	long n;

	if (o->fd < 0 || !o->credit || !room)
		return;
	if (room > o->credit)
		room = o->credit;
	if (s->state == SESSION_ENDING && room > o->left)
		room = o->left;
	n = room ? k_read(o->fd, at, room) : 0;
	if (n > 0) {
		agent_put(a, s, AGENT_DATA, stream, NULL, n);
		o->credit -= n;
		o->left -= n;
		return;
	}
	if (n == -EINTR || (n == -EAGAIN && s->state == SESSION_RUNNING))
		return;
	output_ended(o);
}

static void send_exit(struct agent *a, struct session *s)
{
	struct {
		struct agent_exit exit;
		char text[AGENT_TEXT_MAX];
	} m = { .exit = { LE32(s->result.how), LE32(s->result.value) } };
	const char *const steps[] = {
		[STEP_RUN] = "run", [STEP_DIR] = "directory",
		[STEP_USER] = "user", [STEP_START] = "start",
	};
	unsigned int len = sizeof(m.exit);

	if (s->result.how == AGENT_FAILED) {
		join(m.text, sizeof(m.text), steps[s->result.step & 3], "", "");
		len += strlen(m.text);
	}
	if (agent_put(a, s, AGENT_EXIT, 0, &m, len))
		session_drop(s);
}

void session_send(struct agent *a, struct session *s)
{
	__le32 taken;
	int i;

	if (s->state == SESSION_FREE)
		return;
	if (s->in_closed && agent_put(a, s, AGENT_CLOSE, 0, NULL, 0))
		s->in_closed = 0;
	taken = LE32(s->taken);
	if (s->taken && agent_put(a, s, AGENT_WINDOW_MORE, 0, &taken, sizeof(taken)))
		s->taken = 0;
	for (i = 1; i <= 2; i++) {
		send_output(a, s, i);
		if (s->out[i - 1].eof && agent_put(a, s, AGENT_EOF, i, NULL, 0))
			s->out[i - 1].eof = 0;
	}
	if (s->state == SESSION_ENDING && s->out[0].fd < 0 && s->out[1].fd < 0 &&
	    !s->out[0].eof && !s->out[1].eof)
		s->state = SESSION_ENDED;
	if (s->state == SESSION_ENDED)
		send_exit(a, s);
}
