// SPDX-License-Identifier: GPL-2.0
/*
 * /lib/modules/RELEASE for modules that were never installed: what depmod would write,
 * from what the modules say of themselves.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/compiler.h>
#include <linux/kernel.h>
#include <vmtool/initramfs.h>
#include <vmtool/io.h>
#include <vmtool/modules.h>

#include "kmod-index.h"

#define BUILTIN_INFO	"modules.builtin.modinfo"
#define BUILTIN_MAX	(16UL << 20)
#define LIST_MAX	(32UL << 20)

/**
 * struct lists - what is written
 * @m: modules
 * @fs: where to
 * @at: directory there
 * @prefix: what names of files start with
 * @dep: modules.dep
 * @alias: modules.alias
 * @softdep: modules.softdep
 * @builtin: modules.builtin
 * @dep_bin: modules.dep.bin
 * @alias_bin: modules.alias.bin
 * @builtin_bin: modules.builtin.bin
 * @builtin_alias_bin: modules.builtin.alias.bin
 */
struct lists {
	struct modules *m;
	struct initramfs *fs;
	const char *at;
	const char *prefix;
	FILE *dep;
	FILE *alias;
	FILE *softdep;
	FILE *builtin;
	struct kmod_index dep_bin;
	struct kmod_index alias_bin;
	struct kmod_index builtin_bin;
	struct kmod_index builtin_alias_bin;
};

/* As modprobe does with what it is asked for, in brackets excepted. */
static bool normalize(const char *alias, char out[KMOD_KEY_MAX])
{
	bool inside = false;
	size_t i;

	for (i = 0; alias[i]; i++) {
		if (i == KMOD_KEY_MAX - 1)
			return false;
		if (alias[i] == '[')
			inside = true;
		else if (alias[i] == ']')
			inside = false;
		out[i] = alias[i] == '-' && !inside ? '_' : alias[i];
	}
	out[i] = '\0';
	return i;
}

/* "FILE: FILE...", those that it depends on backwards: modprobe reads from the right. */
static int dep_line(const struct lists *l, struct module *mod, char **line)
{
	struct module_list list = { };
	unsigned int i;
	size_t len;
	FILE *f;
	int ret;

	ret = modules_add(l->m, &list, mod->name);
	/* One that cannot be read, or lacks another, is none that modprobe can help with. */
	if (ret)
		ret = 1;
	f = ret ? NULL : open_memstream(line, &len);
	if (!ret && !f)
		ret = -ENOMEM;
	if (!ret) {
		fprintf(f, "%s/%s:", l->prefix, mod->file);
		for (i = list.nr - 1; i--; )
			fprintf(f, " %s/%s", l->prefix, list.mod[i]->file);
		ret = fclose(f) ? -ENOMEM : 0;
	}
	module_list_free(&list);
	return ret;
}

static int write_aliases(struct lists *l, struct module *mod)
{
	const char *alias = NULL, *softdep = NULL;
	char key[KMOD_KEY_MAX];
	int ret = 0;

	while (!ret && (alias = module_info(l->m, mod, "alias", alias))) {
		fprintf(l->alias, "alias %s %s\n", alias, mod->name);
		if (normalize(alias, key))
			ret = kmod_index_add(&l->alias_bin, key, mod->name, mod->index);
	}
	while ((softdep = module_info(l->m, mod, "softdep", softdep)))
		fprintf(l->softdep, "softdep %s %s\n", mod->name, softdep);
	return ret;
}

/* --- from what depmod has written -------------------------------------------------- */

/* "FILE: FILE...", each below the directory; the names get the prefix. */
static int take_dep(struct lists *l, char *line, unsigned int nr)
{
	char name[MODULE_NAME_MAX], *text = NULL;
	char *file, *rest = line;
	size_t len;
	FILE *f;
	int ret;

	file = strchr(line, ':');
	if (!file)
		return 0;
	*file = '\0';
	if (!modules_name(line, name))
		return 0;
	*file = ':';
	f = open_memstream(&text, &len);
	if (!f)
		return -ENOMEM;
	while ((file = strsep(&rest, " ")))
		if (*file)
			fprintf(f, "%s%s/%s", file == line ? "" : " ", l->prefix, file);
	ret = fclose(f) ? -ENOMEM : 0;
	if (!ret) {
		fprintf(l->dep, "%s\n", text);
		ret = kmod_index_add(&l->dep_bin, name, text, nr);
	}
	free(text);
	return ret;
}

/* "alias PATTERN NAME" */
static int take_alias(struct lists *l, char *line, unsigned int nr)
{
	char key[KMOD_KEY_MAX], *name = strrchr(line, ' ');

	if (strncmp(line, "alias ", 6) || name <= line + 6)
		return 0;
	fprintf(l->alias, "%s\n", line);
	*name = '\0';
	return normalize(line + 6, key) ?
	       kmod_index_add(&l->alias_bin, key, name + 1, nr) : 0;
}

static int take_list(struct lists *l, char *text,
		     int (*take)(struct lists *l, char *line, unsigned int nr))
{
	char *line, *rest = text;
	unsigned int nr = 0;
	int ret = 0;

	while (!ret && (line = strsep(&rest, "\n")))
		ret = take(l, line, nr++);
	return ret;
}

static char *read_list(const struct lists *l, const char *list)
{
	char path[PATH_MAX], *text;
	size_t len;

	if (snprintf(path, sizeof(path), "%s/%s", l->m->dir, list) >= sizeof(path) ||
	    read_file(path, LIST_MAX, &text, &len))
		return NULL;
	return text;
}

/* Returns 1 when it has to be asked of the modules. */
static int write_installed(struct lists *l)
{
	char *dep = read_list(l, "modules.dep"), *alias = read_list(l, "modules.alias");
	char *softdep = read_list(l, "modules.softdep");
	int ret = 1;

	if (l->m->kind == MODULES_INSTALLED && dep && alias) {
		ret = take_list(l, dep, take_dep);
		ret = ret ?: take_list(l, alias, take_alias);
		fputs(softdep ?: "", l->softdep);
	}
	free(dep);
	free(alias);
	free(softdep);
	return ret;
}

/* --- from the modules ------------------------------------------------------------------ */

static int write_module(struct lists *l, struct module *mod)
{
	char *line = NULL;
	int ret = dep_line(l, mod, &line);

	if (!ret) {
		fprintf(l->dep, "%s\n", line);
		ret = kmod_index_add(&l->dep_bin, mod->name, line, mod->index);
		ret = ret ?: write_aliases(l, mod);
	}
	free(line);
	return ret < 0 ? ret : 0;
}

/* "NAME.alias=ALIAS", each with a NUL behind it. */
static int builtin_alias(struct lists *l, const char *info)
{
	const char *dot = strchr(info, '.');
	char key[KMOD_KEY_MAX], name[MODULE_NAME_MAX];

	if (!dot || strncmp(dot, ".alias=", 7) || dot - info >= sizeof(name))
		return 0;
	memcpy(name, info, dot - info);
	name[dot - info] = '\0';
	return normalize(dot + 7, key) ? kmod_index_add(&l->builtin_alias_bin, key, name, 0) : 0;
}

static int write_builtin(struct lists *l)
{
	char path[PATH_MAX], *text = NULL;
	unsigned int i;
	size_t len, at;
	int ret = 0;

	for (i = 0; i < l->m->nr_builtin && !ret; i++) {
		/* Where it would be, nobody looks. */
		fprintf(l->builtin, "kernel/%s.ko\n", l->m->builtin[i]);
		ret = kmod_index_add(&l->builtin_bin, l->m->builtin[i], "", 0);
	}
	if (ret || snprintf(path, sizeof(path), "%s/" BUILTIN_INFO, l->m->dir) >= sizeof(path) ||
	    read_file(path, BUILTIN_MAX, &text, &len))
		return ret;
	for (at = 0; at < len && !ret; at += strlen(text + at) + 1)
		ret = builtin_alias(l, text + at);
	free(text);
	return ret;
}

static int write_file(struct lists *l, const char *name, const void *data, size_t len)
{
	char path[INITRAMFS_PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", l->at, name) >= sizeof(path))
		return -ENAMETOOLONG;
	return initramfs_file(l->fs, path, 0644, data, len);
}

static int write_index(struct lists *l, const char *name, struct kmod_index *idx)
{
	void *data;
	size_t len;
	int ret;

	ret = kmod_index_write(idx, &data, &len);
	if (ret)
		return ret;
	ret = write_file(l, name, data, len);
	free(data);
	return ret;
}

static int write_indexes(struct lists *l)
{
	struct kmod_index none = { };
	int ret;

	ret = write_index(l, "modules.dep.bin", &l->dep_bin);
	ret = ret ?: write_index(l, "modules.alias.bin", &l->alias_bin);
	ret = ret ?: write_index(l, "modules.builtin.bin", &l->builtin_bin);
	ret = ret ?: write_index(l, "modules.builtin.alias.bin", &l->builtin_alias_bin);
	/* Who looks for the module that exports a symbol is depmod itself. */
	return ret ?: write_index(l, "modules.symbols.bin", &none);
}

static int write_lists(struct lists *l)
{
	unsigned int i;
	int ret;

	/* There are thousands of them. */
	ret = write_installed(l);
	if (ret == 1)
		for (i = 0, ret = 0; i < l->m->nr && !ret; i++)
			ret = write_module(l, &l->m->mod[i]);
	return ret ?: write_builtin(l);
}

/* All text is in memory: it fails for lack of that alone. */
static int close_text(struct lists *l, FILE *f, const char *name, char **text, size_t *len,
		      int err)
{
	if (f && fclose(f))
		err = err ?: -ENOMEM;
	if (!err && f)
		err = write_file(l, name, *text, *len);
	free(*text);
	return err;
}

int modules_write(struct modules *m, struct initramfs *fs, const char *at,
		  const char *prefix)
{
	struct lists l = { .m = m, .fs = fs, .at = at, .prefix = prefix };
	char *text[4] = { };
	size_t len[4];
	int ret;

	l.dep = open_memstream(&text[0], &len[0]);
	l.alias = open_memstream(&text[1], &len[1]);
	l.softdep = open_memstream(&text[2], &len[2]);
	l.builtin = open_memstream(&text[3], &len[3]);
	ret = l.dep && l.alias && l.softdep && l.builtin ? write_lists(&l) : -ENOMEM;
	ret = close_text(&l, l.dep, "modules.dep", &text[0], &len[0], ret);
	ret = close_text(&l, l.alias, "modules.alias", &text[1], &len[1], ret);
	ret = close_text(&l, l.softdep, "modules.softdep", &text[2], &len[2], ret);
	ret = close_text(&l, l.builtin, "modules.builtin", &text[3], &len[3], ret);
	ret = ret ?: write_indexes(&l);
	kmod_index_free(&l.dep_bin);
	kmod_index_free(&l.alias_bin);
	kmod_index_free(&l.builtin_bin);
	kmod_index_free(&l.builtin_alias_bin);
	return ret;
}

bool modules_installed(const struct modules *m)
{
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/modules.dep.bin", m->dir);
	return m->kind == MODULES_INSTALLED && !access(path, F_OK);
}
