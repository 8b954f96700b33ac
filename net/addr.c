// SPDX-License-Identifier: GPL-2.0
/*
 * What users write about networks: addresses and port forwards.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <vmtool/size.h>

#include "net.h"

/* The part of @text before its last @sep, in @buf: the rest, or NULL. */
static const char *split_last(const char *text, char sep, char *buf, size_t size)
{
	const char *at = strrchr(text, sep);

	if (!at || at - text >= (ssize_t)size)
		return NULL;
	memcpy(buf, text, at - text);
	buf[at - text] = '\0';
	return at + 1;
}

int net_addr_parse(const char *text, struct net_addr *addr)
{
	const char *prefix;
	int max;

	memset(addr, 0, sizeof(*addr));
	prefix = split_last(text, '/', addr->text, sizeof(addr->text));
	if (!prefix && snprintf(addr->text, sizeof(addr->text), "%s", text) >=
		       (int)sizeof(addr->text))
		return -EINVAL;

	if (inet_pton(AF_INET, addr->text, &addr->v4) == 1) {
		addr->family = AF_INET;
		addr->prefix = 24;
		max = 32;
	} else if (inet_pton(AF_INET6, addr->text, &addr->v6) == 1) {
		addr->family = AF_INET6;
		addr->prefix = 64;
		max = 128;
	} else {
		return -EINVAL;
	}
	if (prefix && (parse_uint(prefix, &addr->prefix) || addr->prefix > max))
		return -EINVAL;
	return 0;
}

static int parse_port(const char *text, u16 *port)
{
	unsigned int val;

	if (parse_uint(text, &val) || !val || val > 65535)
		return -EINVAL;
	*port = val;
	return 0;
}

int net_fwd_parse(const char *text, struct net_fwd *fwd)
{
	char host[INET6_ADDRSTRLEN + 8], addr[INET6_ADDRSTRLEN];
	const char *guest, *port;

	memset(fwd, 0, sizeof(*fwd));
	fwd->udp = !strncmp(text, "udp:", 4);
	if (!fwd->udp && strncmp(text, "tcp:", 4))
		return -EINVAL;
	guest = split_last(text + 4, ':', host, sizeof(host));
	if (!guest || parse_port(guest, &fwd->guest))
		return -EINVAL;
	port = split_last(host, '/', addr, sizeof(addr));
	if (port && net_addr_parse(addr, &fwd->addr))
		return -EINVAL;
	return parse_port(port ? port : host, &fwd->port);
}
