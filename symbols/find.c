// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/symbols.h>

static int try_path(const char *head, int head_len, const char *tail, char *buf, size_t size)
{
	int n = snprintf(buf, size, "%.*s%s", head_len, head, tail);

	return n > 0 && n < size && !access(buf, R_OK) ? 0 : -ENOENT;
}

/* .../arch/x86/boot/bzImage: the last "arch", the tree may lie below another one. */
static int find_in_tree(const char *path, char *buf, size_t size)
{
	const char *p = path, *arch = NULL;

	while ((p = strstr(p, "/arch/"))) {
		arch = p;
		p++;
	}
	return arch ? try_path(path, arch - path, "/vmlinux", buf, size) : -ENOENT;
}

static int find_of_distribution(const char *name, char *buf, size_t size)
{
	static const char prefix[] = "vmlinuz-";
	static const char *const places[][2] = {
		{ "/usr/lib/debug/boot/vmlinux-", "" },
		{ "/usr/lib/debug/lib/modules/", "/vmlinux" },
		{ "/lib/modules/", "/build/vmlinux" },
	};
	char head[NAME_MAX + 64];
	int i;

	if (strncmp(name, prefix, strlen(prefix)))
		return -ENOENT;
	name += strlen(prefix);
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		snprintf(head, sizeof(head), "%s%s", places[i][0], name);
		if (!try_path(head, strlen(head), places[i][1], buf, size))
			return 0;
	}
	return -ENOENT;
}

int symbols_find(const char *kernel, char *buf, size_t size)
{
	char *path = realpath(kernel, NULL);
	const char *name;
	int ret;

	if (!path)
		return -ENOENT;
	name = strrchr(path, '/') + 1;
	if (!strncmp(name, "vmlinux", strlen("vmlinux")))
		ret = try_path(path, strlen(path), "", buf, size);
	else
		ret = find_in_tree(path, buf, size);
	if (ret)
		ret = try_path(path, name - path, "vmlinux", buf, size);
	if (ret)
		ret = find_of_distribution(name, buf, size);
	free(path);
	return ret;
}
