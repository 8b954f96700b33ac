/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RUN_KERNEL_H
#define RUN_KERNEL_H

#include <limits.h>
#include <stdbool.h>

#include <vmtool/kconfig.h>
#include <vmtool/kernel_image.h>
#include <vmtool/modules.h>

struct vm_config;

/**
 * struct run_kernel - a kernel, and all that is known about it
 * @path: its file
 * @image: the image; @image.fd is -1 when somebody else has taken it over
 * @release: what uname -r will say; "" when it is no Linux
 * @config: its configuration, once @config_sought
 * @config_sought: it was looked for
 * @modules: its modules
 */
struct run_kernel {
	const char *path;
	struct kernel_image image;
	char release[KERNEL_VERSION_LEN];
	struct kconfig config;
	bool config_sought;
	struct modules modules;
};

/**
 * run_kernel_open() - open a kernel and look for its modules
 * @k: filled in
 * @path: file, outlives @k
 * @modules: directory of its modules; NULL to look for it
 *
 * Modules are looked for in the build tree that the image is in, in lib/modules/RELEASE
 * beside the image and a directory above, and in /lib/modules/RELEASE.
 *
 * Return: 0, and run_kernel_close() follows; -errno after a one-line message.
 */
int run_kernel_open(struct run_kernel *k, const char *path, const char *modules);

/**
 * run_kernel_close() - release it
 * @k: kernel, or a zeroed one
 */
void run_kernel_close(struct run_kernel *k);

/**
 * enum driver_state - can a kernel do this?
 * @DRIVER_MISSING: no
 * @DRIVER_LOST: it is a module, which was not found
 * @DRIVER_MODULE: its module was found
 * @DRIVER_BUILTIN: yes
 * @DRIVER_UNKNOWN: nothing tells
 */
enum driver_state {
	DRIVER_MISSING,
	DRIVER_LOST,
	DRIVER_MODULE,
	DRIVER_BUILTIN,
	DRIVER_UNKNOWN,
};

/**
 * run_kernel_driver() - does a kernel have a driver?
 * @k: kernel
 * @symbol: Kconfig symbol
 * @module: name of the module, NULL for what cannot be one
 *
 * Return: the state.
 */
enum driver_state run_kernel_driver(struct run_kernel *k, const char *symbol,
				    const char *module);

/**
 * run_kernel_devices() - find drivers for all devices of a machine
 * @k: kernel
 * @cfg: machine
 * @list: receives the modules that are needed, in order; NULL when none can be loaded
 *
 * What is missing is named on stderr, a line for each, and the machine goes without.
 *
 * Return: 0, or -errno after a one-line message.
 */
int run_kernel_devices(struct run_kernel *k, const struct vm_config *cfg,
		       struct module_list *list);

/**
 * run_kernel_need() - find a driver that it does not go without
 * @k: kernel
 * @list: receives its modules
 * @symbol: Kconfig symbol
 * @module: name of the module, or NULL
 * @what: what needs it, for the message
 *
 * Return: 0, also when nothing is known; -ENOENT after a one-line message that names the
 * symbol; -errno.
 */
int run_kernel_need(struct run_kernel *k, struct module_list *list, const char *symbol,
		    const char *module, const char *what);

/**
 * run_kernel_need_transport() - the same for how a machine's devices are reached
 * @k: kernel
 * @cfg: machine
 * @list: receives its modules
 * @what: what needs it, for the message
 *
 * Return: as run_kernel_need().
 */
int run_kernel_need_transport(struct run_kernel *k, const struct vm_config *cfg,
			      struct module_list *list, const char *what);

#endif /* RUN_KERNEL_H */
