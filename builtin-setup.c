// SPDX-License-Identifier: GPL-2.0
/*
 * A root is made under a name that no guest can have, and gets its own when it is
 * complete: what fails half-way is removed again.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/elf.h>
#include <linux/kernel.h>
#include <subcmd/parse-options.h>

#include <vmtool/cli.h>
#include <vmtool/io.h>
#include <vmtool/log.h>
#include <vmtool/spawn.h>
#include <vmtool/verdict.h>

#include "builtin.h"
#include "roots.h"

#define MAX_OPEN_DIRS	32
#define BUSYBOX_MAX	(64UL << 20)
#define DEFAULT_SUITE	"stable"

/**
 * struct setup - a root to be made
 * @name: its name
 * @suite: of Debian, for debootstrap; NULL for busybox
 * @busybox: --busybox was given
 * @debootstrap: --debootstrap was given
 * @path: what it is called when it is complete
 * @tmp: what it is called before
 */
struct setup {
	const char *name;
	const char *suite;
	bool busybox;
	bool debootstrap;
	char path[PATH_MAX];
	char tmp[PATH_MAX + 16];
};

static int take_suite(const struct option *opt, const char *arg, int unset)
{
	struct setup *s = opt->value;

	s->debootstrap = !unset;
	s->suite = unset ? NULL : arg ?: DEFAULT_SUITE;
	return 0;
}

/* --- files ------------------------------------------------------------------------------ */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	/* What cannot be removed shows when its directory cannot be either. */
	remove(path);
	return 0;
}

static int remove_tree(const char *path)
{
	struct stat st;

	nftw(path, remove_one, MAX_OPEN_DIRS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	return lstat(path, &st) ? 0 : -ENOTEMPTY;
}

static int failed(const struct setup *s, const char *what, int err)
{
	log_err("root '%s': %s: %s", s->name, what, strerror(-err));
	return err;
}

/* mkdir -p of what is above a path. */
static int make_parents(char *path)
{
	char *p = path;

	while ((p = strchr(p + 1, '/'))) {
		int ret;

		*p = '\0';
		ret = mkdir(path, 0755) && errno != EEXIST ? -errno : 0;
		*p = '/';
		if (ret)
			return ret;
	}
	return 0;
}

static int write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= n;
	}
	return 0;
}

static int put_file(const struct setup *s, const char *name, mode_t mode, const void *data,
		    size_t len)
{
	char path[2 * PATH_MAX];
	int fd, ret;

	snprintf(path, sizeof(path), "%s/%s", s->tmp, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return failed(s, name, -errno);
	ret = write_all(fd, data, len);
	/* Whatever the umask is, others are to run it. */
	if (!ret && fchmod(fd, mode) < 0)
		ret = -errno;
	if (close(fd) && !ret)
		ret = -errno;
	return ret ? failed(s, name, ret) : 0;
}

static int put_dir(const struct setup *s, const char *name, mode_t mode)
{
	char path[2 * PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", s->tmp, name);
	if ((mkdir(path, mode) && errno != EEXIST) || chmod(path, mode))
		return failed(s, name, -errno);
	return 0;
}

static int put_link(const struct setup *s, const char *name, const char *target)
{
	char path[2 * PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", s->tmp, name);
	return symlink(target, path) && errno != EEXIST ? failed(s, name, -errno) : 0;
}

/* --- busybox ---------------------------------------------------------------------------- */

static const struct {
	const char *name;
	mode_t mode;
} dirs[] = {
	{ "bin", 0755 }, { "dev", 0755 }, { "etc", 0755 }, { "home", 0755 }, { "lib", 0755 },
	{ "lib/modules", 0755 }, { "mnt", 0755 }, { "proc", 0555 }, { "root", 0700 },
	{ "run", 0755 }, { "sys", 0555 }, { "tmp", 01777 }, { "usr", 0755 },
	{ "usr/share", 0755 }, { "var", 0755 }, { "var/log", 0755 }, { "var/tmp", 01777 },
};

static const char *const links[][2] = {
	{ "sbin", "bin" }, { "usr/bin", "../bin" }, { "usr/sbin", "../bin" },
	{ "usr/lib", "../lib" }, { "var/run", "../run" },
};

static const char *const files[][2] = {
	{ "etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"
			"nobody:x:65534:65534:nobody:/:/bin/false\n" },
	{ "etc/group", "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n" },
	{ "etc/hosts", "127.0.0.1\tlocalhost\n::1\tlocalhost\n" },
	{ "etc/shells", "/bin/sh\n" },
	{ "etc/profile", "export PATH=/bin\nPS1='\\u@\\h:\\w\\$ '\n" },
	/* Where the one of a guest with a network is put. */
	{ "etc/resolv.conf", "" },
};

static bool is_static(const char *data, size_t len)
{
	struct elf64_hdr eh;
	struct elf64_phdr ph;
	unsigned int i;

	if (len < sizeof(eh))
		return false;
	memcpy(&eh, data, sizeof(eh));
	if (memcmp(eh.e_ident, ELFMAG, SELFMAG) || eh.e_ident[EI_CLASS] != ELFCLASS64 ||
	    eh.e_phentsize != sizeof(ph))
		return false;
	for (i = 0; i < eh.e_phnum; i++) {
		u64 off = eh.e_phoff + i * sizeof(ph);

		if (off < eh.e_phoff || off > len || len - off < sizeof(ph))
			return false;
		memcpy(&ph, data + off, sizeof(ph));
		if (ph.p_type == PT_INTERP)
			return false;
	}
	return true;
}

/* Where execvp() would find it. */
static int find_program(const char *name, char *path, size_t size)
{
	const char *dir = getenv("PATH") ?: "/usr/sbin:/usr/bin:/sbin:/bin";

	while (*dir) {
		size_t len = strcspn(dir, ":");

		if (len && snprintf(path, size, "%.*s/%s", (int)len, dir, name) < size &&
		    !access(path, X_OK))
			return 0;
		dir += len + (dir[len] == ':');
	}
	return -ENOENT;
}

static int put_busybox(const struct setup *s)
{
	char path[PATH_MAX], *data;
	size_t len;
	int ret;

	ret = find_program("busybox", path, sizeof(path));
	if (ret) {
		log_err("no busybox was found: install a static one (busybox-static)");
		return ret;
	}
	ret = read_file(path, BUSYBOX_MAX, &data, &len);
	if (ret)
		return failed(s, path, ret);
	if (is_static(data, len)) {
		ret = put_file(s, "bin/busybox", 0755, data, len);
	} else {
		log_err("%s: needs libraries: install a static one (busybox-static)", path);
		ret = -ENOEXEC;
	}
	free(data);
	return ret;
}

/* A link for each of its commands. */
static int put_applets(const struct setup *s)
{
	FILE *f = popen("busybox --list", "re");
	char name[64], link[80];
	unsigned int nr = 0;
	int ret = f ? 0 : -errno;

	while (f && !ret && fgets(name, sizeof(name), f)) {
		name[strcspn(name, "\n")] = '\0';
		if (!*name || *name == '.' || strchr(name, '/') || !strcmp(name, "busybox"))
			continue;
		snprintf(link, sizeof(link), "bin/%s", name);
		ret = put_link(s, link, "busybox");
		nr++;
	}
	if (f && pclose(f) && !ret)
		ret = failed(s, "busybox --list", -EIO);
	if (!ret && !nr)
		ret = failed(s, "busybox --list", -ENODATA);
	return ret;
}

static int make_busybox(const struct setup *s)
{
	char hostname[80];
	int ret = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(dirs) && !ret; i++)
		ret = put_dir(s, dirs[i].name, dirs[i].mode);
	ret = ret ?: put_busybox(s);
	ret = ret ?: put_applets(s);
	for (i = 0; i < ARRAY_SIZE(links) && !ret; i++)
		ret = put_link(s, links[i][0], links[i][1]);
	for (i = 0; i < ARRAY_SIZE(files) && !ret; i++)
		ret = put_file(s, files[i][0], 0644, files[i][1], strlen(files[i][1]));
	snprintf(hostname, sizeof(hostname), "%s\n", s->name);
	return ret ?: put_file(s, "etc/hostname", 0644, hostname, strlen(hostname));
}

/* --- debootstrap -------------------------------------------------------------------------- */

static int make_debian(const struct setup *s)
{
	const char *const argv[] = {
		"debootstrap", "--variant=minbase", s->suite, s->tmp, NULL
	};
	const struct spawn spawn = { .argv = argv, .keep_fd = -1, .err_fd = -1 };
	pid_t pid;
	int status;

	if (geteuid()) {
		log_err("debootstrap: has to be run as root; --busybox makes a root without");
		return -EPERM;
	}
	pid = spawn_start(&spawn);
	if (pid < 0) {
		log_err("debootstrap: %s", pid == -ENOENT ? "is not installed" : strerror(-pid));
		return pid;
	}
	status = spawn_wait(pid);
	if (status < 0)
		return failed(s, "debootstrap", status);
	if (status) {
		log_err("debootstrap: failed, with status %d", WIFEXITED(status) ?
			WEXITSTATUS(status) : 128 + WTERMSIG(status));
		return -EIO;
	}
	return 0;
}

/* --- the command --------------------------------------------------------------------------- */

static int find_place(struct setup *s)
{
	char dir[PATH_MAX];
	struct stat st;
	int ret;

	ret = roots_path(s->name, s->path, sizeof(s->path));
	ret = ret ?: roots_dir(dir, sizeof(dir));
	if (ret) {
		log_err("root '%s': %s", s->name, ret == -EINVAL ?
			"not a name: letters, digits and _.+- are" : ret == -ENOENT ?
			"no place for it: set $HOME or $XDG_DATA_HOME" : strerror(-ret));
		return ret;
	}
	snprintf(s->tmp, sizeof(s->tmp), "%s/.%s.new", dir, s->name);
	if (!lstat(s->path, &st)) {
		log_err("root '%s': is there already; remove %s, or take another name", s->name,
			s->path);
		return -EEXIST;
	}
	return 0;
}

static int make_root(struct setup *s)
{
	int ret;

	/* Somebody pulled the plug. */
	ret = remove_tree(s->tmp);
	if (!ret)
		ret = make_parents(s->tmp);
	if (!ret && mkdir(s->tmp, 0755))
		ret = -errno;
	if (ret)
		return failed(s, s->tmp, ret);
	ret = s->debootstrap ? make_debian(s) : make_busybox(s);
	ret = ret ?: put_dir(s, "lib/modules", 0755);
	if (!ret && rename(s->tmp, s->path))
		ret = failed(s, s->path, -errno);
	if (ret && remove_tree(s->tmp))
		log_warn("root '%s': %s is left", s->name, s->tmp);
	return ret;
}

/* A signal waits for what was begun to be removed, but not so in debootstrap. */
static int make_root_undisturbed(struct setup *s)
{
	sigset_t set, old;
	int ret;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &old);
	ret = make_root(s);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return ret;
}

int cmd_setup(int argc, const char **argv)
{
	static const char *const usage[] = {
		"vmtool setup NAME [--busybox | --debootstrap[=SUITE]]", NULL
	};
	struct setup s = { };
	struct option options[] = {
		OPT_BOOLEAN(0, "busybox", &s.busybox,
			    "of the host's static busybox (default)"),
		OPT_CALLBACK_OPTARG(0, "debootstrap", &s, NULL, "SUITE",
				    "Debian, by the host's debootstrap (default: stable)",
				    take_suite),
		OPT_END()
	};

	argc = cli_parse(argc, argv, options, usage);
	if (argc && !strcmp(argv[0], "--")) {
		argc--;
		argv++;
	}
	if (argc != 1) {
		log_err(argc ? "%s: one root at a time" : "say how the root is to be called",
			argc ? argv[1] : "");
		return EXIT_VMTOOL_ERROR;
	}
	if (s.busybox && s.debootstrap) {
		log_err("--busybox and --debootstrap: a root is made of one of them");
		return EXIT_VMTOOL_ERROR;
	}
	s.name = argv[0];
	if (find_place(&s) || make_root_undisturbed(&s))
		return EXIT_VMTOOL_ERROR;
	log_info("%s is there: boot with --root %s, or with --disk %s to change it", s.path,
		 s.name, s.name);
	return 0;
}
