// SPDX-License-Identifier: GPL-2.0
/*
 * Back ends that are the host's: interfaces (tap) and passt, in a network namespace
 * of their own, which takes root.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>

#include <linux/kernel.h>

#include "capture.h"
#include "net_frames.h"
#include "../../net/net.h"

#include <kselftest_harness.h>

#define HOST_IP		"192.0.2.2"
#define GUEST_IP	"192.0.2.77"

static const u8 guest_mac[6] = { 2, 1, 2, 3, 4, 5 };

/* --- packets ---------------------------------------------------------------------------- */

static u16 checksum(const void *data, size_t len, u32 sum)
{
	const u8 *p = data;
	size_t i;

	for (i = 0; i < len; i++)
		sum += i & 1 ? p[i] : p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

static void put16(u8 *p, u16 val)
{
	p[0] = val >> 8;
	p[1] = val;
}

static u16 get16(const u8 *p)
{
	return p[0] << 8 | p[1];
}

static size_t make_arp(u8 *f, const char *from, const char *to)
{
	memset(f, 0, 60);
	memset(f, 0xff, 6);
	memcpy(f + 6, guest_mac, 6);
	put16(f + 12, ETH_P_ARP);
	memcpy(f + 14, "\0\1\x08\0\6\4\0\1", 8);
	memcpy(f + 22, guest_mac, 6);
	inet_pton(AF_INET, from, f + 28);
	inet_pton(AF_INET, to, f + 38);
	return 60;
}

/* An IPv4 packet around @len bytes at @f + 34. */
static size_t make_ip(u8 *f, const u8 *to_mac, const void *from, const void *to, u8 proto,
		      size_t len)
{
	memset(f, 0, 34);
	memcpy(f, to_mac, 6);
	memcpy(f + 6, guest_mac, 6);
	put16(f + 12, ETH_P_IP);
	f[14] = 0x45;
	put16(f + 16, 20 + len);
	f[22] = 64;
	f[23] = proto;
	memcpy(f + 26, from, 4);
	memcpy(f + 30, to, 4);
	memcpy(f + 24, (u16[]){ checksum(f + 14, 20, 0) }, 2);
	return 34 + len;
}

static u32 pseudo(const u8 *f, u8 proto, size_t len)
{
	return get16(f + 26) + get16(f + 28) + get16(f + 30) + get16(f + 32) + proto + len;
}

/* Waits for a frame of this Ethernet protocol, and at @off this byte (-1: any). */
static int wait_for(struct net_backend *nb, u16 proto, int off, int val, const u8 **frame)
{
	int i, len;

	for (i = 0; i < 200; i++) {
		len = frames_recv(nb, 0, frame, 2000);
		if (len < 0)
			return len;
		if (get16(*frame + 12) == proto && (off < 0 || (*frame)[off] == val))
			return len;
	}
	return -ETIMEDOUT;
}

/* --- the namespace ------------------------------------------------------------------------ */

static const char *enter_netns(void)
{
	static char why[128];
	int fd;

	if (unshare(CLONE_NEWNET) < 0) {
		snprintf(why, sizeof(why), "no network namespace of our own: %s", strerror(errno));
		return why;
	}
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		snprintf(why, sizeof(why), "no /dev/net/tun: %s", strerror(errno));
		return why;
	}
	close(fd);
	return NULL;
}

static int add_route(const char *gateway)
{
	struct rtentry rt = { .rt_flags = RTF_UP | RTF_GATEWAY };
	struct sockaddr_in *sin = (struct sockaddr_in *)&rt.rt_gateway;
	int fd = socket(AF_INET, SOCK_DGRAM, 0), ret;

	rt.rt_dst.sa_family = AF_INET;
	rt.rt_genmask.sa_family = AF_INET;
	sin->sin_family = AF_INET;
	inet_pton(AF_INET, gateway, &sin->sin_addr);
	ret = ioctl(fd, SIOCADDRT, &rt);
	close(fd);
	return ret;
}

/* --- interfaces ---------------------------------------------------------------------------- */

FIXTURE(tap) {
	struct net_options opt;
	struct net_backend *nb;
	const char *skip;
};

FIXTURE_SETUP(tap)
{
	self->skip = enter_netns();
	self->opt.mq = 1;
}

FIXTURE_TEARDOWN(tap)
{
	if (self->nb)
		self->nb->ops->destroy(self->nb);
	/* It was made for the guest alone. */
	if (!self->skip)
		EXPECT_EQ(0, if_nametoindex("vmtool0"));
}

TEST_F(tap, talks_to_the_host)
{
	u8 out[256], from[4], to[4], mac[6];
	const u8 *f;
	size_t len;

	if (self->skip)
		SKIP(return, "%s", self->skip);
	self->opt.host_ip = HOST_IP "/24";
	ASSERT_EQ(0, net_tap_open(&self->nb, &self->opt, "net0"));
	EXPECT_NE(0, if_nametoindex("vmtool0"));
	EXPECT_EQ(1500, self->nb->mtu);
	len = make_arp(out, GUEST_IP, HOST_IP);
	ASSERT_EQ(1, frames_send(self->nb, 0, out, len));
	ASSERT_LT(0, wait_for(self->nb, ETH_P_ARP, 21, 2, &f));
	memcpy(mac, f + 6, 6);
	inet_pton(AF_INET, GUEST_IP, from);
	inet_pton(AF_INET, HOST_IP, to);
	memcpy(out + 34, "\x08\0\0\0\0\1\0\1ping", 12);
	memcpy(out + 36, (u16[]){ checksum(out + 34, 12, 0) }, 2);
	len = make_ip(out, mac, from, to, IPPROTO_ICMP, 12);
	ASSERT_EQ(1, frames_send(self->nb, 0, out, len));
	ASSERT_LT(0, wait_for(self->nb, ETH_P_IP, 34, 0, &f));
	EXPECT_EQ(0, memcmp(f + 42, "ping", 4));
}

/* What is no frame is lost, and the next one is not. */
TEST_F(tap, odd_frames)
{
	static u8 out[NET_FRAME_MAX];
	const u8 *f;

	if (self->skip)
		SKIP(return, "%s", self->skip);
	self->opt.host_ip = HOST_IP;
	ASSERT_EQ(0, net_tap_open(&self->nb, &self->opt, "net0"));
	EXPECT_EQ(1, frames_send(self->nb, 0, out, 0));
	EXPECT_EQ(1, frames_send(self->nb, 0, out, 13));
	EXPECT_EQ(1, frames_send(self->nb, 0, out, sizeof(out)));
	ASSERT_EQ(1, frames_send(self->nb, 0, out, make_arp(out, GUEST_IP, HOST_IP)));
	EXPECT_LT(0, wait_for(self->nb, ETH_P_ARP, 21, 2, &f));
}

TEST_F(tap, offloads)
{
	unsigned int all = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;

	if (self->skip)
		SKIP(return, "%s", self->skip);
	ASSERT_EQ(0, net_tap_open(&self->nb, &self->opt, "net0"));
	EXPECT_EQ(0, self->nb->ops->set_offloads(self->nb, all));
	EXPECT_EQ(0, self->nb->ops->set_offloads(self->nb, TUN_F_CSUM));
	EXPECT_EQ(0, self->nb->ops->set_offloads(self->nb, 0));
	EXPECT_GT(0, self->nb->ops->set_offloads(self->nb, 1U << 30));
}

TEST_F(tap, queues)
{
	const u8 *f;
	u8 out[60];
	int i;

	if (self->skip)
		SKIP(return, "%s", self->skip);
	self->opt.mq = 4;
	self->opt.host_ip = HOST_IP;
	ASSERT_EQ(0, net_tap_open(&self->nb, &self->opt, "net0"));
	EXPECT_EQ(4, self->nb->nr_queues);
	for (i = 1; i <= 4; i++)
		EXPECT_EQ(0, self->nb->ops->set_queues(self->nb, i));
	for (i = 0; i < 4; i++)
		EXPECT_EQ(1, frames_send(self->nb, i, out, make_arp(out, GUEST_IP, HOST_IP)));
	for (i = 4; i >= 1; i--)
		EXPECT_EQ(0, self->nb->ops->set_queues(self->nb, i));
	EXPECT_EQ(0, self->nb->ops->set_queues(self->nb, 1));
	/* With one left all answers come there. */
	EXPECT_EQ(1, frames_send(self->nb, 0, out, make_arp(out, "192.0.2.78", HOST_IP)));
	EXPECT_LT(0, wait_for(self->nb, ETH_P_ARP, 41, 78, &f));
	EXPECT_EQ(1, frames_send(self->nb, 3, out, make_arp(out, "192.0.2.79", HOST_IP)));
	EXPECT_LT(0, wait_for(self->nb, ETH_P_ARP, 41, 79, &f));
}

/* An interface that is there stays, and is used by one guest at a time. */
TEST_F(tap, own_interface)
{
	struct ifreq req = { .ifr_name = "mine", .ifr_flags = IFF_TAP | IFF_NO_PI };
	struct net_backend *other = NULL;
	struct capture said;
	int fd;

	if (self->skip)
		SKIP(return, "%s", self->skip);
	fd = open("/dev/net/tun", O_RDWR);
	ASSERT_EQ(0, ioctl(fd, TUNSETIFF, &req));
	ASSERT_EQ(0, ioctl(fd, TUNSETPERSIST, 1));
	close(fd);
	self->opt.tapif = "mine";
	ASSERT_EQ(0, net_tap_open(&self->nb, &self->opt, "net0"));
	capture_begin(&said);
	EXPECT_EQ(-EBUSY, net_tap_open(&other, &self->opt, "net1"));
	capture_end(&said);
	EXPECT_TRUE(capture_one_line(&said));
	EXPECT_NE(NULL, strstr(said.text, "another guest uses it"));
	self->nb->ops->destroy(self->nb);
	self->nb = NULL;
	EXPECT_NE(0, if_nametoindex("mine"));

	self->opt.mq = 2;
	capture_begin(&said);
	EXPECT_EQ(-EINVAL, net_tap_open(&other, &self->opt, "net1"));
	capture_end(&said);
	EXPECT_TRUE(capture_one_line(&said));
	EXPECT_NE(NULL, strstr(said.text, "multi_queue"));

	self->opt.mq = 1;
	self->opt.tapif = "yours";
	capture_begin(&said);
	EXPECT_EQ(-ENODEV, net_tap_open(&other, &self->opt, "net1"));
	capture_end(&said);
	EXPECT_TRUE(capture_one_line(&said));
	EXPECT_EQ(NULL, other);
}

/* One of several queues is used with one as well. */
TEST_F(tap, interface_of_many_queues)
{
	struct ifreq req = {
		.ifr_name = "many", .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_MULTI_QUEUE,
	};
	int fd;

	if (self->skip)
		SKIP(return, "%s", self->skip);
	fd = open("/dev/net/tun", O_RDWR);
	ASSERT_EQ(0, ioctl(fd, TUNSETIFF, &req));
	ASSERT_EQ(0, ioctl(fd, TUNSETPERSIST, 1));
	close(fd);
	self->opt.tapif = "many";
	EXPECT_EQ(0, net_tap_open(&self->nb, &self->opt, "net0"));
}

TEST_F(tap, interface_goes)
{
	struct ifreq req = { .ifr_name = "gone", .ifr_flags = IFF_TAP | IFF_NO_PI };
	struct capture said;
	const u8 *f;
	u8 out[60];
	int ret;

	if (self->skip)
		SKIP(return, "%s", self->skip);
	ret = open("/dev/net/tun", O_RDWR);
	ASSERT_EQ(0, ioctl(ret, TUNSETIFF, &req));
	ASSERT_EQ(0, ioctl(ret, TUNSETPERSIST, 1));
	close(ret);
	self->opt.tapif = "gone";
	ASSERT_EQ(0, net_tap_open(&self->nb, &self->opt, "net0"));
	if (system("ip link del gone 2>/dev/null"))
		SKIP(return, "no ip(8)");
	do {
		ret = self->nb->ops->recv(self->nb, 0, &f);
	} while (ret > 0);
	EXPECT_EQ(-ENOTCONN, ret);
	EXPECT_EQ(-ENOTCONN, frames_send(self->nb, 0, out, sizeof(out)));
	capture_begin(&said);
	self->nb->ops->lost(self->nb);
	capture_end(&said);
	EXPECT_TRUE(capture_one_line(&said));
}

/* 0 when a script of these lines was content; its interface's name is in $1. */
static int try_script(FIXTURE_DATA(tap) *self, const char *lines, struct capture *said)
{
	char path[] = "/tmp/script-XXXXXX";
	int fd = mkstemp(path), ret;

	dprintf(fd, "#!/bin/sh\n%s\n", lines);
	fchmod(fd, 0755);
	close(fd);
	self->opt.script = path;
	capture_begin(said);
	ret = net_tap_open(&self->nb, &self->opt, "net0");
	capture_end(said);
	unlink(path);
	return ret;
}

TEST_F(tap, script)
{
	struct capture said;

	if (self->skip)
		SKIP(return, "%s", self->skip);
	EXPECT_EQ(0, try_script(self, "[ \"$1\" = vmtool0 ] && grep -q vmtool0 /proc/net/dev",
				&said));
	EXPECT_STREQ("", said.text);
	self->nb->ops->destroy(self->nb);
	self->nb = NULL;
	EXPECT_EQ(-ECANCELED, try_script(self, "exit 3", &said));
	EXPECT_TRUE(capture_one_line(&said));
	EXPECT_NE(NULL, strstr(said.text, "exit status 3"));
	EXPECT_EQ(-ECANCELED, try_script(self, "kill -9 $$", &said));
	EXPECT_NE(NULL, strstr(said.text, "signal 9"));
	EXPECT_EQ(NULL, self->nb);
	self->opt.script = "/nowhere/to/be/found";
	capture_begin(&said);
	EXPECT_EQ(-ENOENT, net_tap_open(&self->nb, &self->opt, "net0"));
	capture_end(&said);
	EXPECT_TRUE(capture_one_line(&said));
}

TEST_F(tap, address_of_ipv6)
{
	char line[256];
	bool found = false;
	FILE *f;

	if (self->skip)
		SKIP(return, "%s", self->skip);
	f = fopen("/proc/net/if_inet6", "r");
	if (!f)
		SKIP(return, "no IPv6");
	fclose(f);
	self->opt.host_ip = "fd12::1/80";
	ASSERT_EQ(0, net_tap_open(&self->nb, &self->opt, "net0"));
	f = fopen("/proc/net/if_inet6", "r");
	while (fgets(line, sizeof(line), f))
		found |= !strncmp(line, "fd120000000000000000000000000001", 32) &&
			 strstr(line, " 50 ") && strstr(line, "vmtool0");
	fclose(f);
	EXPECT_TRUE(found);
}

TEST_F(tap, no_rights)
{
	struct capture said;

	if (self->skip)
		SKIP(return, "%s", self->skip);
	if (setresuid(65534, 65534, 65534))
		SKIP(return, "cannot become nobody");
	capture_begin(&said);
	EXPECT_GT(0, net_tap_open(&self->nb, &self->opt, "net0"));
	capture_end(&said);
	EXPECT_TRUE(capture_one_line(&said)) TH_LOG("%s", said.text);
	EXPECT_NE(NULL, strstr(said.text, "become root"));
}

/* --- passt ------------------------------------------------------------------------------------ */

FIXTURE(passt) {
	struct net_options opt;
	struct net_backend *way;	/* the host's way into the world */
	struct net_backend *nb;
	const char *skip;
	u8 gateway_mac[6];
};

FIXTURE_SETUP(passt)
{
	struct net_options out = { .mq = 1, .host_ip = HOST_IP "/24" };

	if (system("command -v passt > /dev/null"))
		self->skip = "passt is not installed";
	else
		self->skip = enter_netns();
	if (self->skip)
		return;
	ASSERT_EQ(0, ifconf_up("lo"));
	ASSERT_EQ(0, net_tap_open(&self->way, &out, "way"));
	ASSERT_EQ(0, add_route("192.0.2.1"));
	self->opt.mq = 1;
	self->opt.guest_ip = GUEST_IP;
}

FIXTURE_TEARDOWN(passt)
{
	if (self->nb)
		self->nb->ops->destroy(self->nb);
	if (self->way)
		self->way->ops->destroy(self->way);
	EXPECT_EQ(-1, waitpid(-1, NULL, WNOHANG));
}

/* Who is the gateway? The first thing that a guest asks. */
static bool find_gateway(FIXTURE_DATA(passt) *self)
{
	const u8 *f;
	u8 out[60];

	if (frames_send(self->nb, 0, out, make_arp(out, GUEST_IP, "192.0.2.1")) != 1 ||
	    wait_for(self->nb, ETH_P_ARP, 21, 2, &f) < 0)
		return false;
	memcpy(self->gateway_mac, f + 6, 6);
	return true;
}

TEST_F(passt, dhcp)
{
	static const u8 any[4], all[4] = { 255, 255, 255, 255 };
	static const u8 options[] = { 0x63, 0x82, 0x53, 0x63, 53, 1, 1, 55, 2, 1, 3, 255 };
	u8 out[600] = { 0 }, *bootp = out + 42, want[4];
	const u8 *f;
	size_t len;

	if (self->skip)
		SKIP(return, "%s", self->skip);
	ASSERT_EQ(0, net_user_open(&self->nb, &self->opt, "net0"));
	bootp[0] = 1;
	bootp[1] = 1;
	bootp[2] = 6;
	bootp[4] = 0x12;
	memcpy(bootp + 28, guest_mac, 6);
	memcpy(bootp + 236, options, sizeof(options));
	put16(out + 34, 68);
	put16(out + 36, 67);
	put16(out + 38, 8 + 300);
	len = make_ip(out, (u8[6]){ 255, 255, 255, 255, 255, 255 }, any, all, IPPROTO_UDP, 308);
	ASSERT_EQ(1, frames_send(self->nb, 0, out, len));
	ASSERT_LT(0, wait_for(self->nb, ETH_P_IP, 23, IPPROTO_UDP, &f));
	inet_pton(AF_INET, GUEST_IP, want);
	EXPECT_EQ(0, memcmp(f + 42 + 16, want, 4));
}

/* A connection to a port of the host arrives at the guest's port. */
TEST_F(passt, forward)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(2222) };
	const u8 *f;
	int fd;

	if (self->skip)
		SKIP(return, "%s", self->skip);
	self->opt.fwd = (struct prop_list){ 2, { "tcp:2222:22", "udp:5353:53" } };
	ASSERT_EQ(0, net_user_open(&self->nb, &self->opt, "net0"));
	ASSERT_TRUE(find_gateway(self));
	inet_pton(AF_INET, "127.0.0.1", &sin.sin_addr);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	connect(fd, (struct sockaddr *)&sin, sizeof(sin));
	ASSERT_LT(0, wait_for(self->nb, ETH_P_IP, 23, IPPROTO_TCP, &f));
	EXPECT_EQ(22, get16(f + 36));
	EXPECT_EQ(2, f[47] & 0x3f);		/* SYN */
	close(fd);

	sin.sin_port = htons(5353);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	ASSERT_EQ(5, sendto(fd, "hello", 5, 0, (struct sockaddr *)&sin, sizeof(sin)));
	ASSERT_LT(0, wait_for(self->nb, ETH_P_IP, 23, IPPROTO_UDP, &f));
	EXPECT_EQ(53, get16(f + 36));
	EXPECT_EQ(0, memcmp(f + 42, "hello", 5));
	close(fd);
}

/* The guest opens a connection to a server of the host: by the gateway's address. */
TEST_F(passt, guest_to_host)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(8080) };
	int server = socket(AF_INET, SOCK_STREAM, 0);
	u8 out[80] = { 0 }, from[4], to[4];
	const u8 *f;
	size_t len;

	if (self->skip)
		SKIP(return, "%s", self->skip);
	inet_pton(AF_INET, "127.0.0.1", &sin.sin_addr);
	ASSERT_EQ(0, bind(server, (struct sockaddr *)&sin, sizeof(sin)));
	ASSERT_EQ(0, listen(server, 1));
	ASSERT_EQ(0, net_user_open(&self->nb, &self->opt, "net0"));
	ASSERT_TRUE(find_gateway(self));
	put16(out + 34, 40000);
	put16(out + 36, 8080);
	out[41] = 1;				/* sequence number */
	out[46] = 0x50;				/* 20 bytes */
	out[47] = 2;				/* SYN */
	put16(out + 48, 65535);
	inet_pton(AF_INET, GUEST_IP, from);
	inet_pton(AF_INET, "192.0.2.1", to);
	len = make_ip(out, self->gateway_mac, from, to, IPPROTO_TCP, 20);
	memcpy(out + 50, (u16[]){ checksum(out + 34, 20, pseudo(out, IPPROTO_TCP, 20)) }, 2);
	ASSERT_EQ(1, frames_send(self->nb, 0, out, len));
	ASSERT_LT(0, wait_for(self->nb, ETH_P_IP, 23, IPPROTO_TCP, &f));
	EXPECT_EQ(0x12, f[47] & 0x3f) TH_LOG("flags %#x", f[47]);	/* SYN, ACK */
	EXPECT_EQ(40000, get16(f + 36));
	close(server);
}

TEST_F(passt, dies)
{
	struct capture said;
	const u8 *f;
	char children[64] = "", path[64];
	int fd, ret;

	if (self->skip)
		SKIP(return, "%s", self->skip);
	ASSERT_EQ(0, net_user_open(&self->nb, &self->opt, "net0"));
	ASSERT_TRUE(find_gateway(self));
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	fd = open(path, O_RDONLY);
	if (fd < 0)
		SKIP(return, "no list of children");
	ASSERT_LT(0, read(fd, children, sizeof(children) - 1));
	close(fd);
	kill(atoi(children), SIGKILL);
	do {
		ret = frames_recv(self->nb, 0, &f, FRAMES_WAIT_MS);
	} while (ret > 0);
	EXPECT_EQ(-ENOTCONN, ret);
	capture_begin(&said);
	self->nb->ops->lost(self->nb);
	capture_end(&said);
	EXPECT_TRUE(capture_one_line(&said));
	EXPECT_NE(NULL, strstr(said.text, "killed by signal 9"));
}

/* It cannot work without a network of the host; the line says so. */
TEST_F(passt, no_network)
{
	struct capture said;
	const u8 *f;

	if (self->skip)
		SKIP(return, "%s", self->skip);
	self->way->ops->destroy(self->way);
	self->way = NULL;
	ASSERT_EQ(0, net_user_open(&self->nb, &self->opt, "net0"));
	EXPECT_EQ(-ENOTCONN, frames_recv(self->nb, 0, &f, FRAMES_WAIT_MS));
	capture_begin(&said);
	self->nb->ops->lost(self->nb);
	capture_end(&said);
	EXPECT_TRUE(capture_one_line(&said));
	EXPECT_NE(NULL, strstr(said.text, "passt has ended with status 1: "))
		TH_LOG("%s", said.text);
}

TEST_HARNESS_MAIN
