// SPDX-License-Identifier: GPL-2.0
/*
 * Settings of the host's network interfaces, by the ioctls of netdevice(7).
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"

/* What SIOCSIFADDR wants from AF_INET6: linux/ipv6.h does not go with net/if.h. */
struct ifconf_v6 {
	struct in6_addr addr;
	u32 prefix;
	int index;
};

static void ifconf_request(struct ifreq *req, const char *ifname)
{
	memset(req, 0, sizeof(*req));
	snprintf(req->ifr_name, sizeof(req->ifr_name), "%s", ifname);
}

static int ifconf_ioctl(int family, unsigned long op, void *req)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int ret;

	if (fd < 0)
		return -errno;
	ret = ioctl(fd, op, req) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

static int set_v6(const char *ifname, const struct net_addr *addr)
{
	struct ifconf_v6 req = {
		.addr = addr->v6,
		.prefix = addr->prefix,
		.index = if_nametoindex(ifname),
	};

	return req.index ? ifconf_ioctl(AF_INET6, SIOCSIFADDR, &req) : -errno;
}

static int set_v4(const char *ifname, unsigned long op, struct in_addr addr)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr = addr };
	struct ifreq req;

	ifconf_request(&req, ifname);
	memcpy(&req.ifr_addr, &sin, sizeof(req.ifr_addr));
	return ifconf_ioctl(AF_INET, op, &req);
}

int ifconf_address(const char *ifname, const struct net_addr *addr)
{
	u32 mask;
	int ret;

	if (addr->family == AF_INET6)
		return set_v6(ifname, addr);
	mask = addr->prefix ? ~0U << (32 - addr->prefix) : 0;
	ret = set_v4(ifname, SIOCSIFADDR, addr->v4);
	if (!ret)
		ret = set_v4(ifname, SIOCSIFNETMASK, (struct in_addr){ htonl(mask) });
	return ret;
}

int ifconf_up(const char *ifname)
{
	struct ifreq req;
	int ret;

	ifconf_request(&req, ifname);
	ret = ifconf_ioctl(AF_INET, SIOCGIFFLAGS, &req);
	if (ret)
		return ret;
	req.ifr_flags |= IFF_UP;
	return ifconf_ioctl(AF_INET, SIOCSIFFLAGS, &req);
}

int ifconf_mtu(const char *ifname)
{
	struct ifreq req;
	int ret;

	ifconf_request(&req, ifname);
	ret = ifconf_ioctl(AF_INET, SIOCGIFMTU, &req);
	return ret ? ret : req.ifr_mtu;
}
