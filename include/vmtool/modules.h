/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_MODULES_H
#define VMTOOL_MODULES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct initramfs;
struct kconfig;

/*
 * The modules of a kernel: those that a distribution has installed, or those of a
 * build tree that were never installed.
 *
 * Names are those that lsmod shows: "-" is "_". What depends on what is read from the
 * modules themselves, so nothing has to be up to date but them.
 */

#define MODULE_NAME_MAX	64

/**
 * enum modules_kind - what a directory of modules is
 * @MODULES_NONE: there is none: all that is not built in is unknown
 * @MODULES_INSTALLED: as in /lib/modules/RELEASE
 * @MODULES_BUILD_TREE: a build tree
 */
enum modules_kind {
	MODULES_NONE,
	MODULES_INSTALLED,
	MODULES_BUILD_TREE,
};

/**
 * struct module - a module
 * @name: its name
 * @file: its file, below &modules.dir
 * @info: its .modinfo section, "key=value" strings one behind the other; NULL until
 *	it is needed
 * @info_len: bytes in @info
 * @mark: private: of a walk through the dependencies
 * @index: private: place in the order of the directory
 */
struct module {
	char name[MODULE_NAME_MAX];
	const char *file;
	char *info;
	size_t info_len;
	unsigned int mark;
	unsigned int index;
};

/**
 * struct modules - all modules of a kernel
 * @kind: where they are from
 * @dir: the directory, absolute
 * @mod: the modules, sorted by name
 * @nr: how many
 * @text: what &module.file points into
 * @builtin: names of what is built in, sorted; each a NUL-terminated string
 * @nr_builtin: how many
 * @builtin_known: the list was found
 * @builtin_text: what @builtin points into
 * @walk: private: number of the last walk
 */
struct modules {
	enum modules_kind kind;
	char dir[PATH_MAX];
	struct module *mod;
	unsigned int nr;
	char *text;
	char **builtin;
	unsigned int nr_builtin;
	bool builtin_known;
	char *builtin_text;
	unsigned int walk;
};

/**
 * struct module_list - modules in the order they have to be loaded in
 * @mod: the modules
 * @nr: how many
 * @room: entries in @mod
 */
struct module_list {
	struct module **mod;
	unsigned int nr;
	unsigned int room;
};

/**
 * modules_open() - read which modules a directory has
 * @m: filled in
 * @dir: /lib/modules/RELEASE, or a build tree; NULL for none
 *
 * It is a build tree if it has a .config. Files are named by modules.dep where there
 * is one, else by modules.order.
 *
 * Return: 0, and modules_close() follows; -ENOENT when neither file is there;
 * -ENOMEM; -errno.
 */
int modules_open(struct modules *m, const char *dir);

/**
 * modules_close() - release it
 * @m: modules; lists of them are of no use any more
 */
void modules_close(struct modules *m);

/**
 * modules_name() - the name that a module of this file has
 * @file: file name, with or without directories, ".ko" and ".xz"
 * @name: receives it
 *
 * Return: true; false when it is too long, or empty.
 */
bool modules_name(const char *file, char name[MODULE_NAME_MAX]);

/**
 * modules_find() - find a module
 * @m: modules
 * @name: its name, or the one of its file
 *
 * Return: the module, or NULL.
 */
struct module *modules_find(const struct modules *m, const char *name);

/**
 * modules_builtin() - is it part of the kernel?
 * @m: modules
 * @name: name it would have as a module
 *
 * Return: true when it is; false when not, or when nothing is known.
 */
bool modules_builtin(const struct modules *m, const char *name);

/**
 * modules_add() - add a module to a list, behind all that it depends on
 * @m: modules
 * @list: list, zeroed at first; what it has already is not added again
 * @name: name, or an alias such as "fs-9p" or "virtio:d00000002v00001AF4"
 *
 * What is built in needs no module: nothing is added. An alias may stand for several
 * modules: all are added.
 *
 * Return: 0; -ENOENT when there is no such module, or none of those it depends on;
 * -ENOEXEC when a file is no module; -errno of reading one; -ENOMEM. The list is as
 * before then.
 */
int modules_add(struct modules *m, struct module_list *list, const char *name);

/**
 * module_list_free() - release a list
 * @list: list
 */
void module_list_free(struct module_list *list);

/**
 * module_load() - read a module's file, and inflate it
 * @m: modules
 * @mod: one of them
 * @data: set to the ELF file, to be freed
 * @len: set to its bytes
 *
 * Return: 0; -EOPNOTSUPP where no library for its compression was built in; -ENOEXEC;
 * -errno.
 */
int module_load(const struct modules *m, const struct module *mod, void **data, size_t *len);

/**
 * module_info() - a value of a module
 * @m: modules
 * @mod: one of them
 * @key: "alias", "depends"
 * @prev: value that was returned last; NULL for the first
 *
 * Return: value, owned by @mod; NULL when there are no more, or it cannot be read.
 */
const char *module_info(const struct modules *m, struct module *mod, const char *key,
			const char *prev);

/**
 * module_info_load() - read what module_info() returns
 * @m: modules
 * @mod: one of them
 *
 * Return: 0, also when that has been done; -errno of module_load().
 */
int module_info_load(const struct modules *m, struct module *mod);

/**
 * modinfo_parse() - find the .modinfo section of an ELF file
 * @data: file
 * @len: bytes
 * @info: set to a copy with a NUL behind it, to be freed
 * @info_len: set to its bytes
 *
 * Return: 0; -ENOEXEC when it is no 64-bit ELF file of this machine's byte order, when it
 * is damaged, or has no such section; -ENOMEM.
 */
int modinfo_parse(const void *data, size_t len, char **info, size_t *info_len);

/**
 * modules_installed() - can modprobe use the directory as it is?
 * @m: modules
 *
 * Return: true for an installed one that depmod has been at.
 */
bool modules_installed(const struct modules *m);

/**
 * modules_write() - make up /lib/modules/RELEASE
 * @m: modules
 * @fs: archive that receives the files
 * @at: directory in the archive
 * @prefix: directory that has @m->dir in the guest
 *
 * The lists that modprobe of kmod and of busybox read, with absolute names of files, so
 * that no module has to be copied.
 *
 * Return: 0 or -errno.
 */
int modules_write(struct modules *m, struct initramfs *fs, const char *at,
		  const char *prefix);

#endif /* VMTOOL_MODULES_H */
