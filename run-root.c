// SPDX-License-Identifier: GPL-2.0
/*
 * Theory of operation. A guest without a disk and an initrd gets files of the host as
 * its root: a shared directory, most often the host's own root, that is only read, with
 * a tmpfs laid over it for what the guest writes. The devices for that are those that --fs
 * and --9p make, added here to the user's.
 *
 * How the guest gets there is up to its first process, guest/init.c, which is told by
 * /vmtool.conf in an initramfs that is made here, with the modules that have to be loaded
 * before. What the kernel lacks for it is named before anything runs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/devclass.h>
#include <vmtool/log.h>
#include <vmtool/vm.h>

#include "roots.h"
#include "run-devices.h"
#include "run-root.h"

#define NEEDED_BY	"the host's files as root (--root)"

static int add_dir(const struct option *opt, const char *arg, int unset)
{
	struct run_root *rr = opt->value;
	unsigned int i, n = 0;

	if (unset) {
		for (i = 0; i < rr->nr_dirs; i++)
			if (rr->dirs[i].mode != opt->data)
				rr->dirs[n++] = rr->dirs[i];
		rr->nr_dirs = n;
	} else if (rr->nr_dirs == RUN_ROOT_DIRS) {
		rr->too_many = true;
	} else {
		rr->dirs[rr->nr_dirs].text = arg;
		rr->dirs[rr->nr_dirs++].mode = opt->data;
	}
	return 0;
}

static struct option dir_option(const char *name, const char *mode, struct run_root *rr,
				const char *help)
{
	struct option opt = OPT_CALLBACK(0, name, rr, "DIR", help, add_dir);

	opt.data = (void *)mode;
	return opt;
}

int run_root_options(struct option *options, int max, struct run_root *rr)
{
	const struct option more[] = {
		OPT_GROUP("Root (default, without a disk and an initrd: the host's files):"),
		OPT_STRING(0, "root", &rr->root, "DIR",
			   "a directory, or what vmtool setup made"),
		OPT_BOOLEAN(0, "rw", &rr->rw,
			    "the guest may change the root's files"),
		dir_option("rwdir", "rw", rr, "a directory that it may change"),
		dir_option("rodir", "ro", rr, "one that it cannot change"),
		dir_option("overlay-rwdir", "overlay", rr, "one with changes that are forgotten"),
		OPT_STRING(0, "cwd", &rr->cwd, "DIR",
			   "where commands run (default: here)"),
		OPT_STRING(0, "user", &rr->user, "USER",
			   "who runs them (default: root)"),
		OPT_STRING(0, "modules", &rr->modules, "DIR",
			   "the kernel's modules (default: of its build tree, or installed)"),
		OPT_END()
	};
	int n = 0;

	while (options[n].type != OPTION_END)
		n++;
	if (n + ARRAY_SIZE(more) > max)
		return -E2BIG;
	memcpy(&options[n], more, sizeof(more));
	return 0;
}

int run_root_take_disk(struct run_root *rr, struct vm_config *cfg)
{
	struct device_conf *dc, *next;

	list_for_each_entry_safe(dc, next, &cfg->devices, node) {
		if (strcmp(dc->cls->name, "blk") || !dc->text || !access(dc->text, F_OK) ||
		    !roots_exists(dc->text))
			continue;
		if (rr->root) {
			log_err("--disk %s: a guest has one root, and --root %s is it",
				dc->text, rr->root);
			return -EINVAL;
		}
		rr->root = dc->text;
		rr->rw = true;
		list_del(&dc->node);
		free(dc);
	}
	return 0;
}

/* --- is it wanted ---------------------------------------------------------------------- */

static bool has_disk(const struct vm_config *cfg)
{
	const struct device_conf *dc;

	list_for_each_entry(dc, &cfg->devices, node) {
		if (!strcmp(dc->cls->name, "blk") || !strcmp(dc->cls->name, "scsi") ||
		    !strcmp(dc->cls->name, "pmem"))
			return true;
	}
	return false;
}

static bool says_root(const char *params)
{
	const char *p = params;

	while (p && (p = strstr(p, "root="))) {
		if (p == params || p[-1] == ' ')
			return true;
		p++;
	}
	return false;
}

static bool is_asked_for(const struct run_root *rr)
{
	return rr->root || rr->rw || rr->nr_dirs || rr->cwd || rr->user || rr->command;
}

/* Whoever writes all of the command line has a root in mind, and so has who names one. */
static bool is_default(const struct run_root *rr, const struct vm_config *cfg)
{
	return *rr->kernel.release && !cfg->nr_initrds && !cfg->nodefaults &&
	       !says_root(cfg->params) && !has_disk(cfg);
}

/* --- which files, and how ----------------------------------------------------------------- */

static int find_root(struct run_root *rr)
{
	const char *root = rr->root ?: "/";
	char path[PATH_MAX];
	struct stat st;

	if (rr->root && !strchr(root, '/') && roots_exists(root) &&
	    !roots_path(root, path, sizeof(path))) {
		root = path;
		rr->private = true;
	}
	if (!realpath(root, rr->dir) || stat(rr->dir, &st)) {
		int ret = -errno;

		log_err("--root %s: %s%s", rr->root, strerror(-ret),
			ret == -ENOENT && !strchr(root, '/') ?
			"; vmtool setup makes a root of a name" : "");
		return ret;
	}
	if (!S_ISDIR(st.st_mode)) {
		log_err("--root %s: not a directory; a disk image is given by --disk", rr->root);
		return -ENOTDIR;
	}
	return 0;
}

static bool has_class(const char *name)
{
	const struct device_class *const *cls;

	for (cls = device_classes; *cls; cls++)
		if (!strcmp((*cls)->name, name))
			return true;
	return false;
}

static bool is_there(enum driver_state state)
{
	return state == DRIVER_BUILTIN || state == DRIVER_MODULE;
}

/* What is known to be there comes before what only may be. */
static int choose_fs(struct run_root *rr)
{
	struct run_kernel *k = &rr->kernel;
	enum driver_state fs = run_kernel_driver(k, "VIRTIO_FS", "virtiofs");
	enum driver_state p9 = run_kernel_driver(k, "NET_9P_VIRTIO", "9pnet_virtio");
	enum driver_state p9_fs = run_kernel_driver(k, "9P_FS", "9p");
	int ret;

	rr->share = "fs";
	rr->fstype = "virtiofs";
	if (has_class("fs") && is_there(fs))
		return 0;
	if (has_class("9p") && is_there(p9) && is_there(p9_fs))
		log_debug("the kernel has no virtio-fs: the root is shared by 9p");
	else if (has_class("fs"))
		return run_kernel_need(k, &rr->list, "VIRTIO_FS", "virtiofs", NEEDED_BY);
	rr->share = "9p";
	rr->fstype = "9p";
	ret = run_kernel_need(k, &rr->list, "NET_9P_VIRTIO", "9pnet_virtio", NEEDED_BY);
	return ret ?: run_kernel_need(k, &rr->list, "9P_FS", "9p", NEEDED_BY);
}

static bool wants_overlay(const struct run_root *rr)
{
	unsigned int i;

	for (i = 0; i < rr->nr_dirs; i++)
		if (!strcmp(rr->dirs[i].mode, "overlay"))
			return true;
	return false;
}

/* Without an overlay much can still be done in a root that is only read. */
static int choose_mode(struct run_root *rr)
{
	enum driver_state state = run_kernel_driver(&rr->kernel, "OVERLAY_FS", "overlay");

	rr->mode = rr->rw ? "rw" : "overlay";
	if (wants_overlay(rr) || (!rr->rw && state != DRIVER_MISSING && state != DRIVER_LOST))
		return run_kernel_need(&rr->kernel, &rr->list, "OVERLAY_FS", "overlay",
				       wants_overlay(rr) ? "--overlay-rwdir" : NEEDED_BY);
	if (rr->rw)
		return 0;
	rr->mode = "ro";
	log_warn("the guest cannot write to its root: the kernel has no CONFIG_OVERLAY_FS%s",
		 state == DRIVER_LOST ? " module" : "");
	return 0;
}

static int check_kernel(struct run_root *rr, const struct vm_config *cfg)
{
	static const char *const needed[] = { "BLK_DEV_INITRD", "DEVTMPFS", "TMPFS", "PROC_FS" };
	int i, ret = 0;

	if (rr->kernel.image.proto == KERNEL_ARM32) {
		log_err("%s: %s is of 32-bit ARM, and cannot have it; use -i or -d", NEEDED_BY,
			rr->kernel.path);
		return -EINVAL;
	}
	if (!*rr->kernel.release) {
		log_err("%s: %s is no Linux, and cannot have it", NEEDED_BY, rr->kernel.path);
		return -EINVAL;
	}
	for (i = 0; i < ARRAY_SIZE(needed) && !ret; i++)
		ret = run_kernel_need(&rr->kernel, &rr->list, needed[i], NULL, NEEDED_BY);
	ret = ret ?: choose_fs(rr);
	ret = ret ?: choose_mode(rr);
	ret = ret ?: run_kernel_need_transport(&rr->kernel, cfg, &rr->list, NEEDED_BY);
	if (ret || !rr->agent_port)
		return ret;
	return run_kernel_need(&rr->kernel, &rr->list, "VIRTIO_CONSOLE", "virtio_console",
			       "a command in the guest");
}

/* In the texts of devices, a comma ends a value. */
static int share_text(struct run_root *rr, const char *dir, const char *tag, bool ro,
		      const char **text)
{
	bool squash = rr->private && geteuid();
	char *buf, *p;

	if (rr->nr_text == ARRAY_SIZE(rr->text)) {
		log_err("%s: more directories than a guest can have", dir);
		return -E2BIG;
	}
	buf = malloc(2 * strlen(dir) + strlen(tag) + 32);
	if (!buf)
		return -ENOMEM;
	for (p = buf; *dir; dir++) {
		if (*dir == ',')
			*p++ = '\\';
		*p++ = *dir;
	}
	/* An overlay does not look into what would be mounted when it is looked into. */
	sprintf(p, ",%s%s%s%s", tag, !strcmp(rr->share, "fs") ? ",flat" : "", ro ? ",ro" : "",
		squash ? ",squash" : "");
	rr->text[rr->nr_text++] = buf;
	*text = buf;
	return 0;
}

int run_root_share(struct run_root *rr, struct vm_config *cfg, const char *dir,
		   const char *mode, char *tag, size_t size)
{
	const char *text;
	int ret;

	snprintf(tag, size, "vmtool.%u", rr->nr_text);
	ret = share_text(rr, dir, tag, strcmp(mode, "rw"), &text);
	return ret ?: run_devices_add(&cfg->devices, rr->share, text);
}

/* --- as whom, and where -------------------------------------------------------------------- */

static bool is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return !strcmp(dir, "/") ||
	       (!strncmp(path, dir, len) && (path[len] == '/' || !path[len]));
}

/* Where the caller is, if the guest sees that. */
static int find_here(const struct run_root *rr, char *cwd)
{
	char here[PATH_MAX];

	strcpy(cwd, "/");
	if (!getcwd(here, sizeof(here)) || !is_below(here, rr->dir))
		return 0;
	if (!strcmp(rr->dir, "/"))
		strcpy(cwd, here);
	else if (here[strlen(rr->dir)])
		strcpy(cwd, here + strlen(rr->dir));
	return 0;
}

static int find_cwd(struct run_root *rr)
{
	char here[PATH_MAX];
	int n;

	find_here(rr, here);
	if (!rr->cwd)
		n = snprintf(rr->session.cwd, PATH_MAX, "%s", here);
	else if (*rr->cwd == '/')
		n = snprintf(rr->session.cwd, PATH_MAX, "%s", rr->cwd);
	else
		n = snprintf(rr->session.cwd, PATH_MAX, "%s/%s", strcmp(here, "/") ? here : "",
			     rr->cwd);
	if (n < PATH_MAX)
		return 0;
	log_err("--cwd %s: too long", rr->cwd);
	return -ENAMETOOLONG;
}

static int find_session(struct run_root *rr)
{
	int ret = guest_session_user(&rr->session, rr->dir, rr->user);

	if (ret) {
		log_err("--user %s: %s", rr->user ?: "root", ret == -ENOENT ?
			"not in the root's /etc/passwd; say a number" : strerror(-ret));
		return ret;
	}
	return find_cwd(rr);
}

int run_root_open(struct run_root *rr, struct vm_config *cfg)
{
	int ret;

	if (rr->too_many) {
		log_err("--rwdir: more than %d directories", RUN_ROOT_DIRS);
		return -E2BIG;
	}
	/* A command that runs on another root than was meant says nothing of the kernel. */
	if (is_asked_for(rr) && says_root(cfg->params)) {
		log_err("--params root=: the root is that of --root, which commands take as well; give one of them");
		return -EINVAL;
	}
	ret = run_kernel_open(&rr->kernel, cfg->kernel, rr->modules);
	if (ret)
		return ret;
	cfg->image = &rr->kernel.image;
	rr->active = is_asked_for(rr) || is_default(rr, cfg);
	return 0;
}

int run_root_prepare(struct run_root *rr, struct vm_config *cfg)
{
	int ret;

	if (!rr->active)
		return *rr->kernel.release ? run_kernel_devices(&rr->kernel, cfg, NULL) : 0;
	ret = find_root(rr);
	ret = ret ?: check_kernel(rr, cfg);
	ret = ret ?: find_session(rr);
	return ret ?: run_root_write(rr, cfg);
}

void run_root_release(struct run_root *rr)
{
	unsigned int i;

	if (rr->made)
		initramfs_destroy(&rr->fs);
	module_list_free(&rr->list);
	run_kernel_close(&rr->kernel);
	for (i = 0; i < rr->nr_text; i++)
		free(rr->text[i]);
	memset(rr, 0, sizeof(*rr));
}
