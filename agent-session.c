// SPDX-License-Identifier: GPL-2.0
/*
 * What "vmtool exec" and "vmtool console" have in common: a session in an event loop of
 * its own.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/agent_client.h>
#include <vmtool/agent_router.h>
#include <vmtool/log.h>

#include "agent-session.h"

/**
 * struct session - the session
 * @loop: event loop
 * @signals: SIGWINCH and others
 * @client: the session
 * @result: where to say how it ended
 * @left: the user has left it
 */
struct session {
	struct evloop loop;
	struct ev_source signals;
	struct agent_client client;
	struct agent_result *result;
	bool left;
};

static void done(void *priv, const struct agent_result *r)
{
	struct session *s = priv;

	*s->result = *r;
	evloop_quit(&s->loop);
}

static void quit(void *priv)
{
	struct session *s = priv;

	s->left = true;
	evloop_quit(&s->loop);
}

static const struct client_ops ops = { .done = done, .quit = quit };

static void signal_came(struct ev_source *src, u32 events)
{
	struct session *s = container_of(src, struct session, signals);
	struct signalfd_siginfo info;

	if (read(src->fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGWINCH)
		client_resized(&s->client);
	else if (info.ssi_signo == SIGCONT)
		client_resume(&s->client);
	else if (s->client.console)
		quit(s);
	else
		client_signal(&s->client, info.ssi_signo);
}

static int catch_signals(struct session *s)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGCONT };
	sigset_t set;
	int i, ret;

	sigemptyset(&set);
	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	s->signals.fn = signal_came;
	s->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	ret = s->signals.fd < 0 ? -errno : ev_add(&s->loop, &s->signals, EPOLLIN);
	if (ret)
		log_err("cannot wait for signals: %s", strerror(-ret));
	return ret;
}

static int serve(struct session *s, int fd, const struct agent_spec *spec)
{
	int ret = catch_signals(s);

	if (ret) {
		close(fd);
		return ret;
	}
	ret = client_start(&s->client, &s->loop, fd, spec, &ops, s);
	if (!ret && !s->client.told && !s->left)
		ret = evloop_run(&s->loop);
	if (!ret && s->left)
		ret = 1;
	if (!ret && s->client.failed)
		ret = -EIO;
	client_end(&s->client);
	return ret;
}

int agent_session(const char *name, const struct agent_spec *spec, struct agent_result *r)
{
	struct session s = { .signals.fd = -1, .result = r };
	int fd, ret;

	fd = agent_connect(name);
	if (fd < 0)
		return fd;
	ret = evloop_init(&s.loop);
	if (ret) {
		log_err("cannot set up the event loop: %s", strerror(-ret));
		close(fd);
		return ret;
	}
	ret = serve(&s, fd, spec);
	ev_del(&s.loop, &s.signals);
	if (s.signals.fd >= 0)
		close(s.signals.fd);
	evloop_destroy(&s.loop);
	return ret;
}
