// SPDX-License-Identifier: GPL-2.0
/*
 * A session's stdin: read when the command has given credit for it. On a terminal the
 * escape key is looked for.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/log.h>
#include <vmtool/tty.h>

#include "client.h"

static void send_bytes(struct agent_client *c, const u8 *buf, size_t len)
{
	if (!len)
		return;
	client_put(c, AGENT_DATA, 0, buf, len);
	c->credit -= len;
}

static void help(const struct agent_client *c)
{
	const char *text = c->console ? "\r\n"
		"Ctrl-a h    this help\r\n"
		"Ctrl-a d    leave the guest's console\r\n"
		"Ctrl-a b    send a break (magic SysRq)\r\n"
		"Ctrl-a a    send Ctrl-a\r\n" : "\r\n"
		"Ctrl-] h    this help\r\n"
		"Ctrl-] x    end at once\r\n"
		"Ctrl-] ]    send Ctrl-]\r\n";

	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		return;
}

/* The key after the escape key: true when it is for the command. */
static bool escaped(struct agent_client *c, u8 key)
{
	c->escaped = false;
	if (key == c->escape_key)
		return true;
	switch (key) {
	case 'h':
	case '?':
		help(c);
		return false;
	case 'x':
	case 'X':
		if (c->console)
			return true;
		c->ops->quit(c->priv);
		return false;
	case 'd':
		if (!c->console)
			return true;
		c->ops->quit(c->priv);
		return false;
	case 'b':
		if (!c->console)
			return true;
		client_put(c, AGENT_BREAK, 0, NULL, 0);
		return false;
	default:
		return true;
	}
}

static u8 plain(const struct agent_client *c, u8 key)
{
	if (key == (c->console ? 'a' : ']'))
		return c->escape_key;
	return key;
}

static void take_keys(struct agent_client *c, u8 *buf, size_t len)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		if (c->escaped) {
			/* What was typed before it comes before it. */
			send_bytes(c, buf, n);
			n = 0;
			if (escaped(c, buf[i]))
				buf[n++] = plain(c, buf[i]);
			if (c->told)
				return;
		} else if (buf[i] == c->escape_key) {
			c->escaped = true;
			/* @buf is filled from its beginning: nothing is overwritten. */
		} else {
			buf[n++] = buf[i];
		}
	}
	send_bytes(c, buf, n);
}

static void at_end(struct agent_client *c)
{
	c->in_eof = true;
	if (c->tty) {
		/* The terminal has gone away. */
		c->ops->quit(c->priv);
		return;
	}
	client_put(c, AGENT_EOF, 0, NULL, 0);
}

static bool read_some(struct agent_client *c)
{
	u8 buf[AGENT_PAYLOAD_MAX];
	ssize_t n = read(c->input.fd, buf, min_t(size_t, sizeof(buf), c->credit));

	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0)
		at_end(c);
	else if (c->tty && c->escape_key >= 0)
		take_keys(c, buf, n);
	else
		send_bytes(c, buf, n);
	return n > 0;
}

static bool wanted(const struct agent_client *c)
{
	return !c->over && !c->in_eof && c->credit && c->out.len < CLIENT_QUEUE_HIGH;
}

static void input_ready(struct ev_source *src, u32 events)
{
	struct agent_client *c = container_of(src, struct agent_client, input);

	if (wanted(c))
		read_some(c);
	if (!c->told)
		client_update(c);
}

void client_input_service(struct agent_client *c)
{
	if (c->in_file) {
		while (wanted(c) && read_some(c))
			;
		return;
	}
	if (wanted(c) == c->in_armed)
		return;
	c->in_armed = !c->in_armed;
	/* Not with no events: the end of a pipe is told nevertheless, again and again. */
	if (c->in_armed)
		ev_add(c->loop, &c->input, EPOLLIN);
	else
		ev_del(c->loop, &c->input);
}

int client_input_open(struct agent_client *c)
{
	int ret;

	c->input.fd = STDIN_FILENO;
	c->input.fn = input_ready;
	c->credit = AGENT_WINDOW;
	if (c->tty) {
		tty_guard();
		ret = tty_raw(true);
		if (ret && ret != -EAGAIN)
			return ret;
	}
	ret = ev_add(c->loop, &c->input, EPOLLIN);
	c->in_armed = !ret;
	/* Files and /dev/null are always ready; what is closed is empty. */
	if (ret == -EPERM)
		c->in_file = true;
	else if (ret == -EBADF)
		at_end(c);
	else
		return ret;
	return 0;
}

void client_input_end(struct agent_client *c)
{
	c->in_eof = true;
	if (c->in_armed)
		ev_del(c->loop, &c->input);
	c->in_armed = false;
}
