// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel of a guest can do, and what has to be loaded for it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/devclass.h>
#include <vmtool/io.h>
#include <vmtool/log.h>
#include <vmtool/vm.h>

#include "run-kernel.h"

/**
 * struct driver - what a device needs in the guest
 * @device: &device_class.name
 * @symbol: Kconfig symbol
 * @module: name of the module
 */
struct driver {
	const char *device;
	const char *symbol;
	const char *module;
};

static const struct driver drivers[] = {
	{ "blk", "VIRTIO_BLK", "virtio_blk" },
	{ "net", "VIRTIO_NET", "virtio_net" },
	{ "console", "VIRTIO_CONSOLE", "virtio_console" },
	{ "rng", "HW_RANDOM_VIRTIO", "virtio_rng" },
	{ "balloon", "VIRTIO_BALLOON", "virtio_balloon" },
	{ "vsock", "VIRTIO_VSOCKETS", "vmw_vsock_virtio_transport" },
	{ "scsi", "SCSI_VIRTIO", "virtio_scsi" },
	{ "scsi", "BLK_DEV_SD", "sd_mod" },
	{ "pmem", "VIRTIO_PMEM", "virtio_pmem" },
	{ "pmem", "BLK_DEV_PMEM", "nd_pmem" },
	{ "9p", "NET_9P_VIRTIO", "9pnet_virtio" },
	{ "9p", "9P_FS", "9p" },
	{ "fs", "VIRTIO_FS", "virtiofs" },
};

/* --- where its modules are ------------------------------------------------------------ */

static bool try_modules(struct run_kernel *k, const char *dir, int *err)
{
	int ret = modules_open(&k->modules, dir);

	if (ret == -ENOMEM)
		*err = ret;
	if (!ret)
		log_debug("modules: %u in %s", k->modules.nr, k->modules.dir);
	return !ret;
}

/* lib/modules/RELEASE beside @file, or beside the directory that it is in. */
static bool try_beside(struct run_kernel *k, int *err)
{
	char file[PATH_MAX], dir[PATH_MAX + 16 + KERNEL_VERSION_LEN];
	int up;

	if (!*k->release || io_realpath(k->path, file))
		return false;
	for (up = 0; up < 2 && strrchr(file, '/'); up++) {
		*strrchr(file, '/') = '\0';
		snprintf(dir, sizeof(dir), "%s/lib/modules/%s", file, k->release);
		if (try_modules(k, dir, err))
			return true;
	}
	return false;
}

static int find_modules(struct run_kernel *k)
{
	char dir[PATH_MAX];
	int err = 0;

	if (!kernel_build_tree(k->path, dir, sizeof(dir)) && try_modules(k, dir, &err))
		return 0;
	if (try_beside(k, &err))
		return 0;
	snprintf(dir, sizeof(dir), "/lib/modules/%s", k->release);
	if (*k->release && try_modules(k, dir, &err))
		return 0;
	log_debug("modules: none found");
	return err;
}

static int open_modules(struct run_kernel *k, const char *dir)
{
	int ret = dir ? modules_open(&k->modules, dir) : find_modules(k);

	if (dir && ret == -ENOENT)
		log_err("--modules %s: has neither modules.dep nor modules.order", dir);
	else if (ret)
		log_err("modules%s%s: %s", dir ? " in " : "", dir ?: "", strerror(-ret));
	return ret;
}

int run_kernel_open(struct run_kernel *k, const char *path, const char *modules)
{
	int ret;

	memset(k, 0, sizeof(*k));
	k->path = path;
	ret = kernel_image_open(&k->image, path);
	if (ret) {
		k->path = NULL;
		return ret;
	}
	if (kernel_release(&k->image, k->release, sizeof(k->release)))
		*k->release = '\0';
	ret = open_modules(k, modules);
	if (ret)
		run_kernel_close(k);
	return ret;
}

void run_kernel_close(struct run_kernel *k)
{
	if (!k->path)
		return;
	kernel_image_close(&k->image);
	kconfig_free(&k->config);
	modules_close(&k->modules);
	k->path = NULL;
}

/* --- what it can do ------------------------------------------------------------------- */

/* Found when it is first wanted, which for many guests is never. */
static const struct kconfig *config_of(struct run_kernel *k)
{
	int ret = k->config_sought ? 0 : kconfig_find(&k->config, k->path, &k->image);

	if (ret)
		log_warn("the configuration of %s: %s", k->path, strerror(-ret));
	k->config_sought = true;
	return &k->config;
}

enum driver_state run_kernel_driver(struct run_kernel *k, const char *symbol,
				    const char *module)
{
	const struct modules *m = &k->modules;

	switch (kconfig_get(config_of(k), symbol)) {
	case KCONFIG_Y:
		return DRIVER_BUILTIN;
	case KCONFIG_N:
		return DRIVER_MISSING;
	case KCONFIG_M:
		return module && modules_find(m, module) ? DRIVER_MODULE : DRIVER_LOST;
	case KCONFIG_UNKNOWN:
		break;
	}
	if (!module)
		return DRIVER_UNKNOWN;
	if (modules_builtin(m, module))
		return DRIVER_BUILTIN;
	if (modules_find(m, module))
		return DRIVER_MODULE;
	if (m->builtin_known)
		return DRIVER_MISSING;
	/* Most drivers are called as their module is. */
	return kernel_image_has(&k->image, module) ? DRIVER_BUILTIN : DRIVER_UNKNOWN;
}

static int load_driver(struct run_kernel *k, struct module_list *list, const char *module)
{
	int ret = modules_add(&k->modules, list, module);

	if (ret)
		log_err("module %s of %s: %s; run make modules, or install them", module,
			k->modules.dir, ret == -ENOENT ? "some that it depends on is not there" :
			ret == -ENOEXEC ? "is damaged" : strerror(-ret));
	return ret;
}

static const char *transport_symbol(const struct vm_config *cfg)
{
	return cfg->transport == VIRTIO_TRANSPORT_PCI ? "VIRTIO_PCI" : "VIRTIO_MMIO";
}

static const char *transport_module(const struct vm_config *cfg)
{
	return cfg->transport == VIRTIO_TRANSPORT_PCI ? "virtio_pci" : "virtio_mmio";
}

/* An initrd of the user's may bring modules of its own. */
static int add_driver(struct run_kernel *k, struct module_list *list, const char *symbol,
		      const char *module, const char *option)
{
	switch (run_kernel_driver(k, symbol, module)) {
	case DRIVER_MISSING:
		log_warn("%s: the kernel cannot use it: CONFIG_%s is not set", option, symbol);
		break;
	case DRIVER_LOST:
		if (list)
			log_warn("%s: the kernel cannot use it: CONFIG_%s is a module, which was not found",
				 option, symbol);
		break;
	case DRIVER_MODULE:
		return list ? load_driver(k, list, module) : 0;
	case DRIVER_BUILTIN:
	case DRIVER_UNKNOWN:
		break;
	}
	return 0;
}

/* The same again needs no second warning. */
static bool seen_before(const struct vm_config *cfg, const struct device_conf *dc)
{
	const struct device_conf *other;

	list_for_each_entry(other, &cfg->devices, node) {
		if (other == dc)
			return false;
		if (other->cls == dc->cls)
			return true;
	}
	return false;
}

static int device_drivers(struct run_kernel *k, const struct device_class *cls,
			  struct module_list *list)
{
	char option[32];
	int i, ret = 0;

	snprintf(option, sizeof(option), "--%s", cls->option);
	for (i = 0; i < ARRAY_SIZE(drivers) && !ret; i++)
		if (!strcmp(drivers[i].device, cls->name))
			ret = add_driver(k, list, drivers[i].symbol, drivers[i].module, option);
	return ret;
}

int run_kernel_devices(struct run_kernel *k, const struct vm_config *cfg,
		       struct module_list *list)
{
	const struct device_conf *dc;
	int ret = 0;

	if (list_empty(&cfg->devices))
		return 0;
	ret = add_driver(k, list, transport_symbol(cfg), transport_module(cfg),
			 cfg->transport == VIRTIO_TRANSPORT_PCI ? "--virtio-transport pci" :
			 "--virtio-transport mmio");
	list_for_each_entry(dc, &cfg->devices, node) {
		if (!ret && !seen_before(cfg, dc))
			ret = device_drivers(k, dc->cls, list);
	}
	return ret;
}

int run_kernel_need(struct run_kernel *k, struct module_list *list, const char *symbol,
		    const char *module, const char *what)
{
	switch (run_kernel_driver(k, symbol, module)) {
	case DRIVER_MISSING:
		log_err("%s needs CONFIG_%s, which the kernel lacks; run make kvm_guest.config, add what vmtool config prints, and build it again",
			what, symbol);
		return -ENOENT;
	case DRIVER_LOST:
		log_err("%s needs CONFIG_%s, which is a module that was not found%s%s; run make modules, or say --modules DIR",
			what, symbol, *k->modules.dir ? " in " : "", k->modules.dir);
		return -ENOENT;
	case DRIVER_MODULE:
		return load_driver(k, list, module);
	case DRIVER_BUILTIN:
	case DRIVER_UNKNOWN:
		break;
	}
	return 0;
}

int run_kernel_need_transport(struct run_kernel *k, const struct vm_config *cfg,
			      struct module_list *list, const char *what)
{
	return run_kernel_need(k, list, transport_symbol(cfg), transport_module(cfg), what);
}
