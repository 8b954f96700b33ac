// SPDX-License-Identifier: GPL-2.0
/*
 * The host's own connections, without any privilege: the program passt takes the
 * guest's frames from a socket and opens connections as this user. It brings DHCP,
 * DHCPv6, NDP and DNS along.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/log.h>
#include <vmtool/spawn.h>

#include "net.h"

/* What passt tells the guest by DHCP; some guests never ask. */
#define USER_MTU	65520

#define USER_ARGS	(16 + 2 * PROP_LIST_MAX)
#define USER_WAITS	20
#define USER_WAIT_MS	10

/**
 * struct user - the back end
 * @stream: the socket
 * @pid: passt, 0 when it was waited for
 * @status: its end, where @pid is 0
 * @said: what it writes on its standard error, a pipe
 */
struct user {
	struct net_stream stream;
	pid_t pid;
	int status;
	int said;
};

/* --- the end of passt ------------------------------------------------------------ */

/* Is it dead? Its socket was closed, so it ends about now. */
static bool has_ended(struct user *u)
{
	static const struct timespec wait = { .tv_nsec = USER_WAIT_MS * 1000000L };
	int i;

	for (i = 0; u->pid && i < USER_WAITS; i++) {
		if (waitpid(u->pid, &u->status, WNOHANG) == u->pid)
			u->pid = 0;
		else
			nanosleep(&wait, NULL);
	}
	return !u->pid;
}

/* The last line it has said that is not about its log; @buf without one is empty. */
static void last_line(const struct user *u, char *buf, size_t size)
{
	char text[1024], *line, *rest;
	ssize_t n;

	buf[0] = '\0';
	while ((n = read(u->said, text, sizeof(text) - 1)) > 0) {
		text[n] = '\0';
		for (rest = text; (line = strsep(&rest, "\n")); )
			if (*line && strncmp(line, "Failed to send", 14))
				snprintf(buf, size, ": %s", line);
	}
}

static void user_lost(struct net_backend *nb)
{
	struct user *u = container_of(nb, struct user, stream.nb);
	char line[160];

	if (u->stream.why) {
		log_warn("%s: passt cannot be trusted: %s: the guest is off the network",
			 nb->name, u->stream.why);
		return;
	}
	if (!has_ended(u)) {
		log_warn("%s: passt has closed its socket: the guest is off the network", nb->name);
		return;
	}
	last_line(u, line, sizeof(line));
	if (WIFSIGNALED(u->status))
		log_warn("%s: passt was killed by signal %d: the guest is off the network",
			 nb->name, WTERMSIG(u->status));
	else
		log_warn("%s: passt has ended with status %d%s: the guest is off the network",
			 nb->name, WEXITSTATUS(u->status), line);
}

static void user_destroy(struct net_backend *nb)
{
	struct user *u = container_of(nb, struct user, stream.nb);

	close(nb->fd[0]);
	/* It has nothing to lose. */
	if (u->pid && !kill(u->pid, SIGKILL))
		spawn_wait(u->pid);
	if (u->said >= 0)
		close(u->said);
	free(u);
}

static const struct net_backend_ops user_ops = {
	.send = stream_send,
	.recv = stream_recv,
	.lost = user_lost,
	.destroy = user_destroy,
};

/* --- its arguments ----------------------------------------------------------------- */

/**
 * struct user_args - arguments of passt
 * @nr: how many
 * @argv: they, and NULL
 * @fd: text of its descriptor
 * @prefix: text of the guest's prefix
 * @guest: the guest's address
 * @host: the host's address
 * @fwd: text of each forward
 */
struct user_args {
	int nr;
	const char *argv[USER_ARGS + 1];
	char fd[12];
	char prefix[12];
	struct net_addr guest;
	struct net_addr host;
	char fwd[PROP_LIST_MAX][INET6_ADDRSTRLEN + 16];
};

static void add_arg(struct user_args *a, const char *name, const char *value)
{
	a->argv[a->nr++] = name;
	if (value)
		a->argv[a->nr++] = value;
}

static void add_fwd(struct user_args *a, int i, const char *text)
{
	struct net_fwd fwd;

	/* It was checked before. */
	if (net_fwd_parse(text, &fwd))
		return;
	snprintf(a->fwd[i], sizeof(a->fwd[i]), "%s%s%u:%u", fwd.addr.text,
		 fwd.addr.family ? "/" : "", fwd.port, fwd.guest);
	add_arg(a, fwd.udp ? "--udp-ports" : "--tcp-ports", a->fwd[i]);
}

static void make_args(struct user_args *a, const struct net_options *opt, int fd)
{
	unsigned int i;

	snprintf(a->fd, sizeof(a->fd), "%d", fd);
	add_arg(a, "passt", NULL);
	add_arg(a, "--foreground", NULL);
	add_arg(a, "--quiet", NULL);
	add_arg(a, "--fd", a->fd);
	if (opt->guest_ip && !net_addr_parse(opt->guest_ip, &a->guest)) {
		snprintf(a->prefix, sizeof(a->prefix), "%u", a->guest.prefix);
		add_arg(a, "--address", a->guest.text);
		if (a->guest.family == AF_INET)
			add_arg(a, "--netmask", a->prefix);
	}
	if (opt->host_ip && !net_addr_parse(opt->host_ip, &a->host))
		add_arg(a, "--gateway", a->host.text);
	for (i = 0; i < opt->fwd.nr; i++)
		add_fwd(a, i, opt->fwd.item[i]);
}

/* --- start --------------------------------------------------------------------------- */

static int try_bind(const struct net_fwd *fwd, int family)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_port = htons(fwd->port),
				     .sin6_addr = fwd->addr.v6 };
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(fwd->port),
				   .sin_addr = fwd->addr.v4 };
	int fd = socket(family, (fwd->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	int one = 1, ret;

	if (fd < 0)
		return -errno;
	if (!fwd->udp)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	ret = bind(fd, family == AF_INET6 ? (struct sockaddr *)&sin6 : (struct sockaddr *)&sin,
		   family == AF_INET6 ? sizeof(sin6) : sizeof(sin));
	/* Of two sockets that were bound so, only one may listen. */
	if (!ret && !fwd->udp)
		ret = listen(fd, 1);
	ret = ret ? -errno : 0;
	close(fd);
	return ret;
}

/*
 * passt is content with one of IPv4 and IPv6, and ends later without any: it is
 * better to know that a port is taken before the guest runs.
 */
static int check_port(const char *text)
{
	struct net_fwd fwd;
	int ret;

	ret = net_fwd_parse(text, &fwd);
	if (ret)
		return ret;
	if (fwd.addr.family)
		ret = try_bind(&fwd, fwd.addr.family);
	else
		ret = try_bind(&fwd, AF_INET) ?: try_bind(&fwd, AF_INET6);
	if (!ret || ret == -EAFNOSUPPORT || (!fwd.addr.family && ret == -EADDRNOTAVAIL))
		return 0;
	log_err("cannot forward %s port %u of the host: %s%s", fwd.udp ? "UDP" : "TCP", fwd.port,
		strerror(-ret), ret == -EACCES ? ": take one above 1023" : "");
	return ret;
}

static int start_passt(struct user *u, const struct net_options *opt, int fd, int said)
{
	struct user_args *args = calloc(1, sizeof(*args));
	struct spawn s = { .keep_fd = fd, .err_fd = said, .helper = true };

	if (!args)
		return -ENOMEM;
	make_args(args, opt, fd);
	s.argv = args->argv;
	u->pid = spawn_start(&s);
	free(args);
	if (u->pid > 0)
		return 0;
	log_err("cannot run passt: %s%s", strerror(-u->pid), u->pid == -ENOENT ?
		": install the package passt, or use mode=tap" : "");
	return u->pid;
}

/* Its messages must not stop it, nor fill our memory: the pipe takes some. */
static int open_pipe(struct user *u, int *said)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	u->said = fds[0];
	*said = fds[1];
	return 0;
}

static int connect_passt(struct user *u, const struct net_options *opt)
{
	int fds[2], said = -1, ret;

	ret = open_pipe(u, &said);
	if (ret)
		return ret;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
		ret = -errno;
	} else {
		ret = start_passt(u, opt, fds[1], said);
		close(fds[1]);
		u->stream.nb.fd[0] = fds[0];
	}
	close(said);
	return ret;
}

int net_user_open(struct net_backend **nb, const struct net_options *opt, const char *name)
{
	struct user *u = calloc(1, sizeof(*u));
	unsigned int i;
	int ret = 0;

	if (!u)
		return -ENOMEM;
	u->said = -1;
	u->stream.nb.fd[0] = -1;
	for (i = 0; i < opt->fwd.nr && !ret; i++)
		ret = check_port(opt->fwd.item[i]);
	if (!ret)
		ret = connect_passt(u, opt);
	if (ret) {
		u->pid = 0;
		user_destroy(&u->stream.nb);
		return ret;
	}
	stream_init(&u->stream, u->stream.nb.fd[0], name);
	u->stream.nb.ops = &user_ops;
	u->stream.nb.mtu = USER_MTU;
	*nb = &u->stream.nb;
	return 0;
}

static int check_address(const char *what, const char *text)
{
	struct net_addr addr;

	if (!text || !net_addr_parse(text, &addr))
		return 0;
	log_err("%s=%s: not an address; say 192.168.33.15/24", what, text);
	return -EINVAL;
}

int net_user_check(const struct net_options *opt)
{
	struct net_fwd fwd;
	unsigned int i;

	for (i = 0; i < opt->fwd.nr; i++) {
		if (!net_fwd_parse(opt->fwd.item[i], &fwd))
			continue;
		log_err("fwd=%s: not a port forward; say tcp:2222:22 for port 22 of the guest",
			opt->fwd.item[i]);
		return -EINVAL;
	}
	return check_address("guest_ip", opt->guest_ip) ?: check_address("host_ip", opt->host_ip);
}
