/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RUN_ROOT_H
#define RUN_ROOT_H

#include <stdbool.h>
#include <limits.h>
#include <subcmd/parse-options.h>

#include <vmtool/guest_session.h>
#include <vmtool/initramfs.h>

#include "run-kernel.h"

struct vm_config;

/* Files of the host as the guest's root, and what is made in memory for that. */

#define RUN_ROOT_DIRS	32

/**
 * struct run_root_dir - a further directory of the host
 * @text: as it was given
 * @mode: "rw", "ro" or "overlay", as /vmtool.conf has it
 */
struct run_root_dir {
	const char *text;
	const char *mode;
};

/**
 * struct run_root - what the options say, and what is made of it
 * @root: --root, NULL for the host's own
 * @rw: --rw
 * @dirs: --rwdir, --rodir, --overlay-rwdir
 * @nr_dirs: how many
 * @too_many: there were more
 * @cwd: --cwd
 * @user: --user
 * @modules: --modules
 * @command: a command is to be run, which takes such a root: set before run_root_open()
 * @agent_port: port of the agent, whose device is there: set before run_root_prepare();
 *	NULL without
 * @active: the guest has files of the host as root
 * @session: as whom and where commands run, when @active
 * @kernel: the kernel
 */
struct run_root {
	const char *root;
	bool rw;
	struct run_root_dir dirs[RUN_ROOT_DIRS];
	unsigned int nr_dirs;
	bool too_many;
	const char *cwd;
	const char *user;
	const char *modules;
	bool command;
	const char *agent_port;
	bool active;
	struct guest_session session;
	struct run_kernel kernel;

	/* private: */
	char dir[PATH_MAX];		/* the root, absolute */
	bool private;			/* made by vmtool setup */
	const char *mode;
	const char *fstype;
	const char *share;		/* class of devices */
	struct module_list list;
	struct initramfs fs;
	bool made;
	char *text[2 * RUN_ROOT_DIRS];	/* of our devices; owned */
	unsigned int nr_text;
	char hidden[4][PATH_MAX];	/* below directories that are fresh */
	unsigned int nr_hidden;
};

/**
 * run_root_options() - add the options
 * @options: options, with room behind OPTION_END
 * @max: entries in @options
 * @rr: zeroed; what they fill in
 *
 * Return: 0, or -E2BIG when there is too little room.
 */
int run_root_options(struct option *options, int max, struct run_root *rr);

/**
 * run_root_take_disk() - --disk NAME of a private root is --root NAME --rw
 * @rr: what the options said
 * @cfg: machine, before run_devices_parse()
 *
 * Return: 0, or -EINVAL after a one-line message.
 */
int run_root_take_disk(struct run_root *rr, struct vm_config *cfg);

/**
 * run_root_open() - look at the kernel, and decide what the guest's root is
 * @rr: what the options said
 * @cfg: machine whose kernel and devices are known
 *
 * Return: 0, with @rr->active set, or -errno after a one-line message;
 * run_root_release() follows in either case.
 */
int run_root_open(struct run_root *rr, struct vm_config *cfg);

/**
 * run_root_prepare() - find out what the kernel needs, and make it
 * @rr: after run_root_open()
 * @cfg: machine, with all devices that others want; gets further ones, and an initramfs
 *
 * Return: 0, with @rr->session set, or -errno after a one-line message.
 */
int run_root_prepare(struct run_root *rr, struct vm_config *cfg);

/**
 * run_root_release() - release what was made
 * @rr: after the machine is gone, and its devices are forgotten
 */
void run_root_release(struct run_root *rr);

/* Between run-root.c and run-root-conf.c. */

/**
 * run_root_share() - add a device that shares a directory
 * @rr: root
 * @cfg: machine
 * @dir: directory of the host
 * @mode: "rw", "ro" or "overlay"
 * @tag: receives its tag
 * @size: bytes in @tag
 *
 * Return: 0, or -errno after a one-line message.
 */
int run_root_share(struct run_root *rr, struct vm_config *cfg, const char *dir,
		   const char *mode, char *tag, size_t size);

/**
 * run_root_write() - make the initramfs
 * @rr: root whose session is known
 * @cfg: machine; gets devices for what the guest would not see otherwise
 *
 * Return: 0, or -errno after a one-line message.
 */
int run_root_write(struct run_root *rr, struct vm_config *cfg);

#endif /* RUN_ROOT_H */
