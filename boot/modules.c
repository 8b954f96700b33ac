// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/io.h>
#include <vmtool/modules.h>

#define LIST_MAX	(32UL << 20)
#define ORDER_MORE	8		/* bytes that a line may grow by */

/* What an installed module may be called; the lists say ".ko" only. */
static const char *const suffixes[] = { "", ".xz", ".zst", ".gz" };

bool modules_name(const char *file, char name[MODULE_NAME_MAX])
{
	const char *base = strrchr(file, '/');
	const char *end;
	size_t i, len;

	base = base ? base + 1 : file;
	end = strstr(base, ".ko");
	if (!end && strlen(base) > 2 && !strcmp(base + strlen(base) - 2, ".o"))
		end = base + strlen(base) - 2;
	len = end ? end - base : strlen(base);
	if (!len || len >= MODULE_NAME_MAX)
		return false;
	for (i = 0; i < len; i++)
		name[i] = base[i] == '-' ? '_' : base[i];
	name[len] = '\0';
	return true;
}

/* --- the lists ------------------------------------------------------------------- */

static int compare_modules(const void *a, const void *b)
{
	const struct module *x = a, *y = b;

	return strcmp(x->name, y->name) ?: (x->index > y->index) - (x->index < y->index);
}

static int compare_name(const void *key, const void *mod)
{
	return strcmp(key, ((const struct module *)mod)->name);
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static unsigned int count_lines(const char *text)
{
	unsigned int nr = 1;

	for (; *text; text++)
		nr += *text == '\n';
	return nr;
}

static int read_list(const struct modules *m, const char *list, char **text)
{
	char path[PATH_MAX];
	size_t len;

	*text = NULL;
	if (snprintf(path, sizeof(path), "%s/%s", m->dir, list) >= sizeof(path))
		return -ENAMETOOLONG;
	return read_file(path, LIST_MAX, text, &len);
}

/* Twice in the list is once too often; the first counts, as it does for depmod. */
static void drop_duplicates(struct modules *m)
{
	unsigned int i, n = 0;

	for (i = 0; i < m->nr; i++)
		if (!n || strcmp(m->mod[n - 1].name, m->mod[i].name))
			m->mod[n++] = m->mod[i];
	m->nr = n;
}

/* "kernel/fs/x.ko: kernel/lib/y.ko" of modules.dep, or without what follows the colon. */
static int take_modules(struct modules *m, char *text)
{
	char *line, *rest = text;

	m->text = text;
	m->mod = calloc(count_lines(text), sizeof(*m->mod));
	if (!m->mod)
		return -ENOMEM;
	while ((line = strsep(&rest, "\n"))) {
		struct module *mod = &m->mod[m->nr];

		line[strcspn(line, ":")] = '\0';
		/* What is not below the directory is nothing that a list says. */
		if (*line == '/' || strstr(line, "..") || !modules_name(line, mod->name))
			continue;
		mod->file = line;
		mod->index = m->nr++;
	}
	qsort(m->mod, m->nr, sizeof(*m->mod), compare_modules);
	drop_duplicates(m);
	return 0;
}

static void take_builtin(struct modules *m, char *text)
{
	char *line, *rest = text;

	m->builtin_text = text;
	m->builtin = calloc(count_lines(text), sizeof(*m->builtin));
	if (!m->builtin)
		return;
	m->builtin_known = true;
	while ((line = strsep(&rest, "\n"))) {
		char name[MODULE_NAME_MAX];

		if (!modules_name(line, name) || strlen(name) > strlen(line))
			continue;
		m->builtin[m->nr_builtin++] = strcpy(line, name);
	}
	qsort(m->builtin, m->nr_builtin, sizeof(*m->builtin), compare_strings);
}

static bool file_there(const struct modules *m, const char *file, const char *suffix)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/%s%s", m->dir, file, suffix) < sizeof(path) &&
	       !access(path, F_OK);
}

/* Where modules.order is not right, that is said by what is there. */
static const char *order_suffix(const struct modules *m, const char *file)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (file_there(m, file, suffixes[i]))
			return suffixes[i];
	return "";
}

/*
 * modules.order does not say how a module is compressed, and of a build tree it says
 * "x.o" since Linux 6.2, and "kernel/x.ko" before Linux 5.3.
 */
static int fix_line(const struct modules *m, const char *line, char *out, size_t room)
{
	const char *dot = strrchr(line, '.');
	char file[PATH_MAX];
	const char *p = file;

	if (!dot || (strcmp(dot, ".o") && strcmp(dot, ".ko")) ||
	    snprintf(file, sizeof(file), "%.*s.ko", (int)(dot - line), line) >= sizeof(file))
		return 0;
	if (m->kind == MODULES_BUILD_TREE && !strncmp(p, "kernel/", 7) &&
	    !file_there(m, p, "") && file_there(m, p + 7, ""))
		p += 7;
	return snprintf(out, room, "%s%s\n", p, order_suffix(m, p));
}

static char *fix_order(const struct modules *m, char *text)
{
	size_t done = 0, room = strlen(text) + count_lines(text) * ORDER_MORE + 1;
	char *fixed = calloc(1, room);
	char *line, *rest = text;

	while (fixed && (line = strsep(&rest, "\n")))
		done += fix_line(m, line, fixed + done, room - done);
	return fixed;
}

static int read_names(struct modules *m)
{
	char *text, *fixed;
	int ret = -ENOENT;

	if (m->kind == MODULES_INSTALLED)
		ret = read_list(m, "modules.dep", &text);
	if (!ret)
		return take_modules(m, text);
	ret = read_list(m, "modules.order", &text);
	if (ret)
		return ret;
	fixed = fix_order(m, text);
	free(text);
	return fixed ? take_modules(m, fixed) : -ENOMEM;
}

int modules_open(struct modules *m, const char *dir)
{
	char path[PATH_MAX + 16], *text;
	int ret;

	memset(m, 0, sizeof(*m));
	if (!dir)
		return 0;
	ret = io_realpath(dir, m->dir);
	if (ret) {
		*m->dir = '\0';
		return ret;
	}
	snprintf(path, sizeof(path), "%s/.config", m->dir);
	m->kind = access(path, F_OK) ? MODULES_INSTALLED : MODULES_BUILD_TREE;
	if (!read_list(m, "modules.builtin", &text))
		take_builtin(m, text);
	ret = read_names(m);
	/* A kernel without a single module has a list of what is built in. */
	if (ret == -ENOENT && m->builtin_known)
		ret = 0;
	if (ret)
		modules_close(m);
	return ret;
}

void modules_close(struct modules *m)
{
	unsigned int i;

	for (i = 0; i < m->nr; i++)
		free(m->mod[i].info);
	free(m->mod);
	free(m->text);
	free(m->builtin);
	free(m->builtin_text);
	memset(m, 0, sizeof(*m));
}

struct module *modules_find(const struct modules *m, const char *name)
{
	char key[MODULE_NAME_MAX];

	if (!m->nr || !modules_name(name, key))
		return NULL;
	return bsearch(key, m->mod, m->nr, sizeof(*m->mod), compare_name);
}

bool modules_builtin(const struct modules *m, const char *name)
{
	char key[MODULE_NAME_MAX], *p = key;

	return m->nr_builtin && modules_name(name, key) &&
	       bsearch(&p, m->builtin, m->nr_builtin, sizeof(*m->builtin), compare_strings);
}

/* --- what depends on what ----------------------------------------------------------- */

static int list_append(struct module_list *list, struct module *mod)
{
	struct module **more;
	unsigned int room;

	if (list->nr == list->room) {
		room = list->room ? list->room * 2 : 16;
		more = reallocarray(list->mod, room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		list->mod = more;
		list->room = room;
	}
	list->mod[list->nr++] = mod;
	return 0;
}

static int add_module(struct modules *m, struct module_list *list, struct module *mod);

static int add_depends(struct modules *m, struct module_list *list, const char *depends)
{
	char name[MODULE_NAME_MAX];

	while (*depends) {
		size_t len = strcspn(depends, ",");
		struct module *mod;
		int ret;

		if (len >= sizeof(name))
			return -ENOENT;
		memcpy(name, depends, len);
		name[len] = '\0';
		mod = len ? modules_find(m, name) : NULL;
		/* What was made a part of the kernel since is there. */
		if (len && !mod && !modules_builtin(m, name))
			return -ENOENT;
		ret = mod ? add_module(m, list, mod) : 0;
		if (ret)
			return ret;
		depends += len + (depends[len] == ',');
	}
	return 0;
}

/* A circle ends where it began: what was seen in this walk is not looked at again. */
static int add_module(struct modules *m, struct module_list *list, struct module *mod)
{
	const char *depends;
	int ret;

	if (mod->mark == m->walk)
		return 0;
	mod->mark = m->walk;
	ret = module_info_load(m, mod);
	if (ret)
		return ret;
	depends = module_info(m, mod, "depends", NULL);
	ret = depends ? add_depends(m, list, depends) : 0;
	return ret ?: list_append(list, mod);
}

static void start_walk(struct modules *m, const struct module_list *list)
{
	unsigned int i;

	m->walk++;
	for (i = 0; i < list->nr; i++)
		list->mod[i]->mark = m->walk;
}

/* Adds what has the alias according to the modules themselves. */
static int add_by_info(struct modules *m, struct module_list *list, const char *alias)
{
	bool found = false;
	unsigned int i;
	int ret;

	for (i = 0; i < m->nr; i++) {
		const char *pattern = NULL;

		while ((pattern = module_info(m, &m->mod[i], "alias", pattern))) {
			if (fnmatch(pattern, alias, 0))
				continue;
			found = true;
			ret = add_module(m, list, &m->mod[i]);
			if (ret)
				return ret;
			break;
		}
	}
	return found ? 0 : -ENOENT;
}

/* "alias PATTERN NAME" */
static struct module *match_line(const struct modules *m, char *line, const char *alias)
{
	char *pattern, *name, *save;

	if (!strtok_r(line, " ", &save))
		return NULL;
	pattern = strtok_r(NULL, " ", &save);
	name = strtok_r(NULL, " ", &save);
	if (*line == '#' || !name || fnmatch(pattern, alias, 0))
		return NULL;
	return modules_find(m, name);
}

static int add_by_list(struct modules *m, struct module_list *list, char *text,
		       const char *alias)
{
	char *line, *rest = text;
	bool found = false;
	int ret;

	while ((line = strsep(&rest, "\n"))) {
		struct module *mod = match_line(m, line, alias);

		if (!mod)
			continue;
		found = true;
		ret = add_module(m, list, mod);
		if (ret)
			return ret;
	}
	return found ? 0 : -ENOENT;
}

static int add_by_alias(struct modules *m, struct module_list *list, const char *alias)
{
	char *text;
	int ret;

	if (m->kind != MODULES_INSTALLED || read_list(m, "modules.alias", &text))
		return add_by_info(m, list, alias);
	ret = add_by_list(m, list, text, alias);
	free(text);
	return ret;
}

int modules_add(struct modules *m, struct module_list *list, const char *name)
{
	unsigned int nr = list->nr;
	struct module *mod;
	int ret;

	mod = modules_find(m, name);
	if (!mod && modules_builtin(m, name))
		return 0;
	start_walk(m, list);
	ret = mod ? add_module(m, list, mod) : add_by_alias(m, list, name);
	if (ret)
		list->nr = nr;
	return ret;
}

void module_list_free(struct module_list *list)
{
	free(list->mod);
	memset(list, 0, sizeof(*list));
}
