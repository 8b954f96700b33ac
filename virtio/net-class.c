// SPDX-License-Identifier: GPL-2.0
/*
 * Network cards as users ask for them: --network.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/devclass.h>

#include "net.h"
#include "virtio.h"

#ifdef CONFIG_NET_USER
#define DEFAULT_MODE	"user"
#else
#define DEFAULT_MODE	"none"
#endif

enum net_mode_id {
#ifdef CONFIG_NET_USER
	MODE_USER,
#endif
#ifdef CONFIG_NET_TAP
	MODE_TAP,
#endif
#ifdef CONFIG_NET_SOCKET
	MODE_SOCKET,
#endif
	MODE_NONE,
};

/**
 * struct net_mode - a way to a network
 * @check: further checks of the options
 * @open: its back end
 * @props: properties that mean something there, each after a blank
 */
struct net_mode {
	int (*check)(const struct net_options *opt);
	int (*open)(struct net_backend **nb, const struct net_options *opt, const char *name);
	const char *props;
};

static const char *const mode_names[] = {
#ifdef CONFIG_NET_USER
	[MODE_USER] = "user",
#endif
#ifdef CONFIG_NET_TAP
	[MODE_TAP] = "tap",
#endif
#ifdef CONFIG_NET_SOCKET
	[MODE_SOCKET] = "socket",
#endif
	[MODE_NONE] = "none",
	NULL
};

static const struct net_mode modes[] = {
#ifdef CONFIG_NET_USER
	[MODE_USER] = { net_user_check, net_user_open, " guest_mac guest_ip host_ip fwd " },
#endif
#ifdef CONFIG_NET_TAP
	[MODE_TAP] = { net_tap_check, net_tap_open, " guest_mac host_ip tapif script vhost mq " },
#endif
#ifdef CONFIG_NET_SOCKET
	[MODE_SOCKET] = { net_lan_check, net_lan_open, " guest_mac lan " },
#endif
	[MODE_NONE] = { .props = " " },
};

static const char *const vhost_names[] = {
	[NET_VHOST_AUTO] = "auto",
	[NET_VHOST_OFF] = "0",
	[NET_VHOST_ON] = "1",
	NULL
};

#define AT(field) offsetof(struct net_conf, field)

static const struct prop net_props[] = {
	{ .name = "mode", .type = PROP_ENUM, .offset = AT(mode), .positional = true,
	  .def = DEFAULT_MODE, .choices = mode_names, .arg = "MODE",
	  .help = "user, tap, socket or none" },
	{ .name = "guest_mac", .type = PROP_MAC, .offset = AT(mac), .arg = "MAC",
	  .help = "the guest's Ethernet address; else one made from its name" },
	{ .name = "guest_ip", .type = PROP_STRING, .offset = AT(opt.guest_ip),
	  .arg = "ADDRESS[/PREFIX]", .help = "user: address the guest is given" },
	{ .name = "host_ip", .type = PROP_STRING, .offset = AT(opt.host_ip),
	  .arg = "ADDRESS[/PREFIX]", .help = "address of the host in that network" },
	{ .name = "fwd", .type = PROP_LIST, .offset = AT(opt.fwd),
	  .arg = "PROTO:PORT:GUESTPORT",
	  .help = "user: lead a port of the host to the guest; may be repeated" },
	{ .name = "tapif", .type = PROP_STRING, .offset = AT(opt.tapif), .arg = "INTERFACE",
	  .help = "tap: use an interface that is there" },
	{ .name = "script", .type = PROP_STRING, .offset = AT(opt.script), .arg = "PATH",
	  .help = "tap: set the interface up; its name is the argument" },
	{ .name = "vhost", .type = PROP_ENUM, .offset = AT(vhost), .def = "auto",
	  .choices = vhost_names, .arg = "0|1",
	  .help = "tap: let the host's kernel move frames" },
	{ .name = "mq", .type = PROP_UINT, .offset = AT(opt.mq), .def = "1", .min = 1,
	  .max = NET_MAX_QUEUES, .arg = "N", .help = "tap: pairs of queues" },
	{ .name = "lan", .type = PROP_STRING, .offset = AT(opt.lan), .arg = "NAME",
	  .help = "socket: network to join" },
	{ }
};

static int check_use(const struct net_conf *c, const char *name, bool given)
{
	char word[16];

	snprintf(word, sizeof(word), " %s ", name);
	if (!given || strstr(modes[c->mode].props, word))
		return 0;
	log_err("--network: %s= means nothing with mode=%s", name, mode_names[c->mode]);
	return -EINVAL;
}

static int net_check(const void *conf)
{
	static const u8 none[6];
	const struct net_conf *c = conf;
	const struct {
		const char *name;
		bool given;
	} uses[] = {
		{ "guest_mac", memcmp(c->mac, none, sizeof(none)) },
		{ "guest_ip", c->opt.guest_ip },
		{ "host_ip", c->opt.host_ip },
		{ "fwd", c->opt.fwd.nr },
		{ "tapif", c->opt.tapif },
		{ "script", c->opt.script },
		{ "vhost", c->vhost != NET_VHOST_AUTO },
		{ "mq", c->opt.mq > 1 },
		{ "lan", c->opt.lan },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(uses); i++)
		if (check_use(c, uses[i].name, uses[i].given))
			return -EINVAL;
	if (c->mac[0] & 1) {
		log_err("--network: guest_mac=%02x:...: a group's address, its first byte is odd",
			c->mac[0]);
		return -EINVAL;
	}
	/* None at all. */
	if (!modes[c->mode].check)
		return 1;
	return modes[c->mode].check(&c->opt);
}

int net_open_backend(const struct net_conf *conf, struct net_backend **nb, const char *name)
{
	return modes[conf->mode].open(nb, &conf->opt, name);
}

static struct virtio_dev *net_create_class(const void *conf, const char *name)
{
	return net_create(conf, name, NULL);
}

const struct device_class net_class = {
	.name = "net",
	.option = "network",
	.letter = 'n',
	.help = "network card",
	.arg = "MODE[,...]",
	.props = net_props,
	.conf_size = sizeof(struct net_conf),
	.check = net_check,
	.create = net_create_class,
};
