// SPDX-License-Identifier: GPL-2.0
/*
 * File systems: those that every guest has, then those that the configuration asks
 * for, below NEWROOT, then the change to that root.
 */
#include <linux/sockios.h>

#include "guest.h"

#define ROOT_FLAGS	(MS_NOSUID | MS_NODEV)
#define AF_LOCAL_INET	2
#define SOCKET_DATAGRAM	2

/* As the kernel's struct ifreq, whose header wants a C library. */
struct request {
	char name[16];
	short flags;
	char rest[22];
};

#define LINK_UP	1

static int mount_basic(const char *type, const char *path, unsigned long flags,
		       const char *options)
{
	long ret;

	k_mkdir(path, 0755);
	ret = k_mount(type, path, type, flags, options);
	/* The kernel may have mounted /dev itself. */
	if (!ret || ret == -EBUSY)
		return 0;
	say("cannot mount", path, ret);
	return ret;
}

static void raise_loopback(void)
{
	struct request req = { .name = "lo" };
	long fd = my_syscall3(__NR_socket, AF_LOCAL_INET, SOCKET_DATAGRAM, 0);

	if (fd < 0)
		return;
	if (k_ioctl(fd, SIOCGIFFLAGS, &req) >= 0) {
		req.flags |= LINK_UP;
		k_ioctl(fd, SIOCSIFFLAGS, &req);
	}
	k_close(fd);
}

static void link_fds(void)
{
	k_symlink("/proc/self/fd", "/dev/fd");
	k_symlink("/proc/self/fd/0", "/dev/stdin");
	k_symlink("/proc/self/fd/1", "/dev/stdout");
	k_symlink("/proc/self/fd/2", "/dev/stderr");
}

int do_basics(void)
{
	static const unsigned long flags = MS_NOSUID | MS_NOEXEC;
	int ret;

	ret = mount_basic("devtmpfs", "/dev", MS_NOSUID, "mode=0755");
	/* Without CONFIG_UNIX98_PTYS there are no terminals, and that is all. */
	mount_basic("proc", "/proc", flags | MS_NODEV, NULL);
	mount_basic("sysfs", "/sys", flags | MS_NODEV, NULL);
	mount_basic("devpts", "/dev/pts", flags, "gid=5,mode=0620,ptmxmode=0666");
	k_mkdir("/dev/shm", 01777);
	if (k_mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") < 0)
		k_chmod("/dev/shm", 01777);
	link_fds();
	raise_loopback();
	return ret;
}

char *new_path(char buf[PATH_SIZE], const char *path)
{
	while (*path == '/')
		path++;
	return join(buf, PATH_SIZE, NEWROOT, *path ? "/" : "", path);
}

static int is_dir(const char *path)
{
	long fd = k_openat(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);

	if (fd < 0)
		return 0;
	k_close(fd);
	return 1;
}

int make_dirs(const char *path)
{
	char dir[PATH_SIZE];
	size_t i;
	long ret;

	if (is_dir(path))
		return 0;
	join(dir, sizeof(dir), path, "", "");
	for (i = 1; ; i++) {
		char c = dir[i];

		if (c && c != '/')
			continue;
		dir[i] = '\0';
		ret = is_dir(dir) ? 0 : k_mkdir(dir, 0755);
		if (ret && ret != -EEXIST)
			return ret;
		dir[i] = c;
		if (!c)
			return is_dir(path) ? 0 : -ENOTDIR;
	}
}

static unsigned long share_flags(const char *type)
{
	return !strcmp(type, "virtiofs") || !strcmp(type, "9p") ? ROOT_FLAGS : 0;
}

/*
 * Lays a tmpfs over @lower, seen at @path: the lower directory and the upper ones
 * live where only this mount knows them once the root has changed.
 */
static int mount_overlay(const char *lower, const char *path, unsigned long flags)
{
	static unsigned int count;
	char base[40], digits[24], up[60], work[60], low[PATH_SIZE], options[PATH_SIZE + 200];
	long ret;

	join(base, sizeof(base), "/overlay.", number(digits, ++count), "");
	join(up, sizeof(up), base, "/up", "");
	join(work, sizeof(work), base, "/work", "");
	k_mkdir(base, 0755);
	ret = k_mount("tmpfs", base, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755");
	if (ret)
		return ret;
	k_mkdir(up, 0755);
	k_mkdir(work, 0755);
	join(low, sizeof(low), "lowerdir=", lower, ",upperdir=");
	join(options, sizeof(options), low, up, ",workdir=");
	join(low, sizeof(low), options, work, "");
	return k_mount("overlay", path, "overlay", flags, low);
}

int mount_over(const char *dir)
{
	return mount_overlay(dir, dir, ROOT_FLAGS);
}

/* Type, source, options and mode as the fields of root and mount have them. */
static int mount_as(const char *const *f, const char *path, const char *mode)
{
	static unsigned int count;
	unsigned long flags = share_flags(f[0]);
	char lower[40], digits[24];
	long ret;

	if (!strcmp(mode, "ro"))
		return k_mount(f[1], path, f[0], flags | MS_RDONLY, f[2]);
	if (!strcmp(mode, "rw"))
		return k_mount(f[1], path, f[0], flags, f[2]);
	if (strcmp(mode, "overlay"))
		return -EINVAL;
	join(lower, sizeof(lower), "/lower.", number(digits, ++count), "");
	k_mkdir(lower, 0755);
	ret = k_mount(f[1], lower, f[0], flags | MS_RDONLY, f[2]);
	return ret ?: mount_overlay(lower, path, flags);
}

/* root FSTYPE SOURCE OPTIONS MODE */
int do_root(const struct directive *d)
{
	long ret;

	k_mkdir(NEWROOT, 0755);
	ret = mount_as(&d->field[1], NEWROOT, d->field[4]);
	if (ret)
		say("cannot mount the root file system", d->field[2], ret);
	return ret;
}

/* mount FSTYPE SOURCE OPTIONS PATH MODE */
int do_mount(const struct directive *d)
{
	char path[PATH_SIZE];
	long ret;

	new_path(path, d->field[4]);
	ret = make_dirs(path);
	if (ret) {
		say("cannot create the directory", d->field[4], ret);
		return ret;
	}
	ret = mount_as(&d->field[1], path, d->field[5]);
	if (ret)
		say("cannot mount", d->field[4], ret);
	return ret;
}

/* tmpfs PATH MODE */
int do_tmpfs(const struct directive *d)
{
	char path[PATH_SIZE];
	long ret;

	new_path(path, d->field[1]);
	ret = make_dirs(path);
	ret = ret ?: k_mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, NULL);
	if (!ret)
		ret = k_chmod(path, parse_octal(d->field[2], 0755));
	if (ret)
		say("cannot have a tmpfs at", d->field[1], ret);
	return ret;
}

int do_hostname(const struct directive *d)
{
	/* A call between a system call's arguments may ruin the registers they are in. */
	size_t len = strlen(d->field[1]);
	long ret = my_syscall2(__NR_sethostname, d->field[1], len);

	if (ret)
		say("cannot set the host name", d->field[1], ret);
	return 0;
}

static int write_file(const char *path, const char *text)
{
	long n, fd = k_openat(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0)
		return fd;
	n = k_write(fd, text, strlen(text));
	k_close(fd);
	return n < 0 ? n : 0;
}

/* It may be a link into /run, which is fresh: what it points to is made there. */
static int write_link_target(const char *link, const char *text)
{
	char target[PATH_SIZE], path[PATH_SIZE], dir[PATH_SIZE];
	long n = k_readlink(link, target, sizeof(target) - 1);
	char *slash;
	int ret;

	if (n < 0)
		return n;
	target[n] = '\0';
	if (target[0] == '/')
		new_path(path, target);
	else
		join(path, sizeof(path), NEWROOT, "/etc/", target);
	join(dir, sizeof(dir), path, "", "");
	slash = strrchr(dir, '/');
	*slash = '\0';
	ret = make_dirs(dir);
	return ret ?: write_file(path, text);
}

/* resolv TEXT */
int do_resolv(const struct directive *d)
{
	static const char own[] = NEWROOT "/run/vmtool-resolv.conf";
	static const char path[] = NEWROOT "/etc/resolv.conf";
	int ret = write_link_target(path, d->field[1]);

	/* No link. */
	if (ret) {
		ret = write_file(own, d->field[1]);
		if (!ret)
			ret = k_mount(own, path, NULL, MS_BIND, NULL);
		if (ret == -ENOENT)
			ret = write_file(path, d->field[1]);
	}
	if (ret)
		say("cannot make /etc/resolv.conf", NULL, ret);
	return 0;
}

static void move_basic(const char *path)
{
	char to[PATH_SIZE];
	long ret;

	new_path(to, path);
	ret = make_dirs(to);
	ret = ret ?: k_mount(path, to, NULL, MS_MOVE, NULL);
	if (ret)
		say("the root file system cannot have", path, ret);
}

int do_switch_root(void)
{
	long ret;

	if (!is_dir(NEWROOT))
		return 0;
	move_basic("/dev");
	move_basic("/proc");
	move_basic("/sys");
	ret = k_chdir(NEWROOT);
	ret = ret ?: k_mount(".", "/", NULL, MS_MOVE, NULL);
	ret = ret ?: k_chroot(".");
	ret = ret ?: k_chdir("/");
	if (ret)
		say("cannot change to the root file system", NULL, ret);
	return ret;
}
