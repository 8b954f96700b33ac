// SPDX-License-Identifier: GPL-2.0
/*
 * The initramfs of a guest with files of the host: its init, the modules it loads first,
 * and /vmtool.conf, which tells what to do (see guest/init.c).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/devclass.h>
#include <vmtool/guest_init.h>
#include <vmtool/io.h>
#include <vmtool/log.h>
#include <vmtool/vm.h>

#include "run-root.h"

#define TAG_MAX		32
#define RESOLV_MAX	65536
#define P9_OPTIONS	"trans=virtio,version=9p2000.L,msize=512000,cache=mmap"
#define MODULE_LISTS	"/lib-modules"
#define MODULE_SHARE	"/run/vmtool/modules"

/* Where the guest has a file system of its own. */
static const struct {
	const char *path;
	const char *mode;
} fresh[] = {
	{ "/tmp", "1777" },
	{ "/run", "755" },
};

/* A field, with what would end it written in octal. */
static void put_field(FILE *f, const char *text)
{
	for (; *text; text++) {
		if (*text == '\t' || *text == '\n' || *text == '\\')
			fprintf(f, "\\%03o", *text);
		else
			fputc(*text, f);
	}
}

/* A directive; its fields end at NULL. */
static void put_line(FILE *f, const char *const *fields)
{
	int i;

	for (i = 0; fields[i]; i++) {
		if (i)
			fputc('\t', f);
		put_field(f, fields[i]);
	}
	fputc('\n', f);
}

#define LINE(f, ...)	put_line(f, (const char *const []){ __VA_ARGS__, NULL })

static const char *share_options(const struct run_root *rr)
{
	return strcmp(rr->fstype, "9p") ? "" : P9_OPTIONS;
}

/* --- modules ---------------------------------------------------------------------------- */

static int add_module(struct run_root *rr, FILE *f, const struct module *mod)
{
	char path[INITRAMFS_PATH_MAX];
	void *data;
	size_t len;
	int ret;

	ret = module_load(&rr->kernel.modules, mod, &data, &len);
	if (ret) {
		log_err("module %s/%s: %s", rr->kernel.modules.dir, mod->file,
			ret == -EOPNOTSUPP ?
			"this vmtool was built without a library for its compression" :
			strerror(-ret));
		return ret;
	}
	snprintf(path, sizeof(path), "/modules/%s.ko", mod->name);
	ret = initramfs_file(&rr->fs, path, 0644, data, len);
	free(data);
	LINE(f, "module", path);
	return ret;
}

static int add_modules(struct run_root *rr, FILE *f)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < rr->list.nr && !ret; i++)
		ret = add_module(rr, f, rr->list.mod[i]);
	return ret;
}

/* --- directories --------------------------------------------------------------------------- */

static int mount_dir(struct run_root *rr, struct vm_config *cfg, FILE *f, const char *dir,
		     const char *at, const char *mode)
{
	char tag[TAG_MAX];
	int ret = run_root_share(rr, cfg, dir, mode, tag, sizeof(tag));

	if (!ret)
		LINE(f, "mount", rr->fstype, tag, share_options(rr), at, mode);
	return ret;
}

/*
 * What the caller works with may be below a directory that is fresh in the guest: then
 * it is mounted there, all of it that has the same owner: "/tmp/linux" for /tmp/linux/fs.
 */
static int show_hidden(struct run_root *rr, struct vm_config *cfg, FILE *f, const char *path)
{
	char dir[PATH_MAX];
	struct stat st;
	size_t i, n, len;

	if (strcmp(rr->dir, "/"))
		return 0;
	for (i = 0; i < ARRAY_SIZE(fresh); i++) {
		len = strlen(fresh[i].path);
		if (!strncmp(path, fresh[i].path, len) && path[len] == '/' && path[len + 1])
			break;
	}
	if (i == ARRAY_SIZE(fresh))
		return 0;
	len += 1 + strcspn(path + len + 1, "/");
	snprintf(dir, sizeof(dir), "%.*s", (int)len, path);
	for (n = 0; n < rr->nr_hidden; n++)
		if (!strcmp(rr->hidden[n], dir))
			return 0;
	if (stat(dir, &st) || !S_ISDIR(st.st_mode) || rr->nr_hidden == ARRAY_SIZE(rr->hidden))
		return 0;
	strcpy(rr->hidden[rr->nr_hidden++], dir);
	return mount_dir(rr, cfg, f, dir, dir, rr->mode);
}

/* "DIR", or "GUESTDIR=DIR" where the whole is no directory. */
static int add_dir(struct run_root *rr, struct vm_config *cfg, FILE *f,
		   const struct run_root_dir *d)
{
	const char *equals = strchr(d->text, '='), *dir = d->text;
	char path[PATH_MAX], at[PATH_MAX];
	struct stat st;
	int ret = 0;

	if (equals && stat(d->text, &st)) {
		dir = equals + 1;
		snprintf(at, sizeof(at), "%.*s", (int)(equals - d->text), d->text);
	}
	if (!realpath(dir, path) || stat(path, &st))
		ret = -errno;
	else if (!S_ISDIR(st.st_mode))
		ret = -ENOTDIR;
	else if (dir != d->text && *at != '/')
		ret = -EINVAL;
	if (ret) {
		log_err("--%s%s %s: %s", !strcmp(d->mode, "overlay") ? "overlay-rw" : d->mode,
			"dir", d->text, ret == -EINVAL ?
			"the guest's directory has to begin with a slash" : strerror(-ret));
		return ret;
	}
	return mount_dir(rr, cfg, f, path, dir == d->text ? path : at, d->mode);
}

static int add_dirs(struct run_root *rr, struct vm_config *cfg, FILE *f)
{
	unsigned int i;
	int ret = show_hidden(rr, cfg, f, rr->session.cwd);

	for (i = 0; i < rr->nr_dirs && !ret; i++)
		ret = add_dir(rr, cfg, f, &rr->dirs[i]);
	return ret;
}

static bool root_has(const struct run_root *rr, const char *path)
{
	char file[2 * PATH_MAX];
	struct stat st;

	snprintf(file, sizeof(file), "%s%s", strcmp(rr->dir, "/") ? rr->dir : "", path);
	return !stat(file, &st);
}

/* --- what modprobe in the guest finds ----------------------------------------------------- */

static bool is_installed(const struct run_root *rr)
{
	char dir[2 * PATH_MAX], real[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s/lib/modules/%s", strcmp(rr->dir, "/") ? rr->dir : "",
		 rr->kernel.release);
	return modules_installed(&rr->kernel.modules) && realpath(dir, real) &&
	       !strcmp(real, rr->kernel.modules.dir);
}

/* Where the guest sees the modules' directory. */
static int show_modules(struct run_root *rr, struct vm_config *cfg, FILE *f, char *at)
{
	const char *dir = rr->kernel.modules.dir;
	size_t len = strlen(rr->dir);

	if (!strcmp(rr->dir, "/")) {
		strcpy(at, dir);
		return show_hidden(rr, cfg, f, dir);
	}
	if (!strncmp(dir, rr->dir, len) && dir[len] == '/') {
		strcpy(at, dir + len);
		return 0;
	}
	strcpy(at, MODULE_SHARE);
	return mount_dir(rr, cfg, f, dir, at, "ro");
}

/* A link that leads out of a root is one of the guest's, too. */
static const char *modules_parent(const struct run_root *rr)
{
	char lib[2 * PATH_MAX];
	struct stat st;

	snprintf(lib, sizeof(lib), "%s/lib", strcmp(rr->dir, "/") ? rr->dir : "");
	return !lstat(lib, &st) && S_ISLNK(st.st_mode) ? "/usr/lib/modules" : "/lib/modules";
}

static int add_module_lists(struct run_root *rr, struct vm_config *cfg, FILE *f)
{
	const char *parent = modules_parent(rr);
	char at[PATH_MAX], path[PATH_MAX];
	int ret;

	if (!*rr->kernel.modules.dir || is_installed(rr))
		return 0;
	if (!strcmp(rr->mode, "ro") && !root_has(rr, parent)) {
		log_warn("modprobe will find no modules in the guest: there is no %s", parent);
		return 0;
	}
	ret = show_modules(rr, cfg, f, at);
	ret = ret ?: modules_write(&rr->kernel.modules, &rr->fs, MODULE_LISTS, at);
	if (ret) {
		if (ret != rr->fs.err && ret != -ENOMEM)
			log_err("the lists of modules: %s", strerror(-ret));
		return ret;
	}
	/* Not into the root, which may be one that can be written. */
	LINE(f, "tmpfs", parent, "755");
	snprintf(path, sizeof(path), "%s/%s", parent, rr->kernel.release);
	LINE(f, "copy", MODULE_LISTS, path);
	return 0;
}

/* --- the rest ------------------------------------------------------------------------------ */

static void add_fresh(const struct run_root *rr, FILE *f)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fresh); i++)
		if (strcmp(rr->mode, "ro") || root_has(rr, fresh[i].path))
			LINE(f, "tmpfs", fresh[i].path, fresh[i].mode);
}

static void add_hostname(FILE *f)
{
	char name[256] = "";

	if (!gethostname(name, sizeof(name) - 1) && *name)
		LINE(f, "hostname", name);
}

/* A server on the host's own loopback is not there for the guest. */
static bool is_reachable(const char *line)
{
	const char *p = line + strspn(line, " \t");

	if (strncmp(p, "nameserver", 10))
		return true;
	p += 10;
	p += strspn(p, " \t");
	return strncmp(p, "127.", 4) && strncmp(p, "::1", 3);
}

static bool filter_resolv(char *text, FILE *out)
{
	char *line, *rest = text;
	bool server = false;

	while ((line = strsep(&rest, "\n"))) {
		if (!*line || *line == '#' || *line == ';' || !is_reachable(line))
			continue;
		fprintf(out, "%s\n", line);
		server |= !strncmp(line + strspn(line, " \t"), "nameserver", 10);
	}
	return server;
}

static bool try_resolv(FILE *f, const char *path)
{
	char *text, *kept = NULL;
	size_t len, kept_len;
	bool found = false;
	FILE *out;

	if (read_file(path, RESOLV_MAX, &text, &len))
		return false;
	out = open_memstream(&kept, &kept_len);
	if (out) {
		found = filter_resolv(text, out);
		found = !fclose(out) && found;
	}
	if (found)
		LINE(f, "resolv", kept);
	free(kept);
	free(text);
	return found;
}

static void add_resolv(const struct vm_config *cfg, FILE *f)
{
	const struct device_conf *dc;

	list_for_each_entry(dc, &cfg->devices, node) {
		if (strcmp(dc->cls->name, "net"))
			continue;
		/* What systemd-resolved asks itself. */
		if (!try_resolv(f, "/etc/resolv.conf"))
			try_resolv(f, "/run/systemd/resolve/resolv.conf");
		return;
	}
}

static int write_conf(struct run_root *rr, struct vm_config *cfg, FILE *f)
{
	char tag[TAG_MAX];
	FILE *mounts;
	char *text = NULL;
	size_t len;
	int ret;

	/* Which devices there are is known when all that is mounted is. */
	mounts = open_memstream(&text, &len);
	if (!mounts)
		return -ENOMEM;
	ret = run_root_share(rr, cfg, rr->dir, rr->mode, tag, sizeof(tag));
	LINE(mounts, "root", rr->fstype, tag, share_options(rr), rr->mode);
	add_fresh(rr, mounts);
	ret = ret ?: add_dirs(rr, cfg, mounts);
	ret = ret ?: add_module_lists(rr, cfg, mounts);
	if (fclose(mounts))
		ret = ret ?: -ENOMEM;
	ret = ret ?: run_kernel_devices(&rr->kernel, cfg, &rr->list);
	ret = ret ?: add_modules(rr, f);
	if (!ret)
		fwrite(text, 1, len, f);
	free(text);
	add_hostname(f);
	add_resolv(cfg, f);
	if (rr->agent_port)
		LINE(f, "agent", rr->agent_port);
	return ret;
}

static int add_conf(struct run_root *rr, struct vm_config *cfg)
{
	char *text = NULL;
	size_t len;
	FILE *f;
	int ret;

	f = open_memstream(&text, &len);
	if (!f)
		return -ENOMEM;
	ret = write_conf(rr, cfg, f);
	if (fclose(f))
		ret = ret ?: -ENOMEM;
	ret = ret ?: initramfs_file(&rr->fs, "/vmtool.conf", 0644, text, len);
	free(text);
	return ret;
}

static int add_init(struct run_root *rr)
{
	/* Nobody says where a kernel's first messages to a program go, but this node. */
	initramfs_node(&rr->fs, "/dev/console", S_IFCHR | 0600, makedev(5, 1));
	return initramfs_file(&rr->fs, "/init", 0755, guest_init, guest_init_size);
}

int run_root_write(struct run_root *rr, struct vm_config *cfg)
{
	int ret = initramfs_create(&rr->fs);

	if (ret) {
		log_err("cannot make an initramfs: %s", strerror(-ret));
		return ret;
	}
	rr->made = true;
	ret = add_init(rr);
	ret = ret ?: add_conf(rr, cfg);
	ret = ret ?: initramfs_finish(&rr->fs);
	if (ret && (ret == -ENOMEM || ret == rr->fs.err))
		log_err("cannot make an initramfs: %s", strerror(-ret));
	if (!ret)
		cfg->initramfs = &rr->fs;
	return ret;
}
