// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <subcmd/parse-options.h>

#include <vmtool/arch.h>
#include <vmtool/cli.h>
#include <vmtool/kconfig.h>
#include <vmtool/kernel_image.h>
#include <vmtool/log.h>
#include <vmtool/verdict.h>

#include "builtin.h"

/* Made of configs/guest.config and the architecture's. */
static const char fragment[] =
#include "generated/guest_config.h"
;

#define PREFIX		"CONFIG_"
#define SYMBOL_MAX	64

/* "CONFIG_NAME=y" gives NAME; false for a line that sets nothing. */
static bool symbol_of(const char *line, size_t len, char symbol[SYMBOL_MAX])
{
	const char *equals = memchr(line, '=', len);
	size_t skip = strlen(PREFIX), n;

	if (!equals || strncmp(line, PREFIX, skip))
		return false;
	n = equals - line - skip;
	if (n >= SYMBOL_MAX)
		return false;
	memcpy(symbol, line + skip, n);
	symbol[n] = '\0';
	return true;
}

/* Prints what is missing, so that it can be added; returns how much that is. */
static unsigned int show_missing(const struct kconfig *kc)
{
	const char *line, *end;
	unsigned int missing = 0;

	for (line = fragment; *line; line = end + 1) {
		char symbol[SYMBOL_MAX];

		end = strchr(line, '\n');
		if (!symbol_of(line, end - line, symbol) || kconfig_get(kc, symbol) >= KCONFIG_M)
			continue;
		printf("%.*s\n", (int)(end - line), line);
		missing++;
	}
	return missing;
}

static int read_kernel(struct kconfig *kc, const char *path)
{
	struct kernel_image ki;
	int ret;

	ret = kernel_image_open(&ki, path);
	if (ret)
		return ret;
	ret = kconfig_find(kc, path, &ki);
	kernel_image_close(&ki);
	if (!ret && !kc->text)
		ret = -ENOENT;
	if (ret)
		log_err("%s: its configuration %s%s", path,
			ret == -ENOENT ? "was not found; name the .config" : "cannot be read: ",
			ret == -ENOENT ? "" : strerror(-ret));
	return ret;
}

/* What is no .config may be a kernel. */
static int read_config(struct kconfig *kc, const char *path)
{
	char found[PATH_MAX];
	int ret;

	if (!path && !access(".config", F_OK))
		path = ".config";
	if (!path) {
		ret = kernel_image_find(arch_kernel_name, arch_kernel_images, found,
					sizeof(found));
		return ret ?: read_kernel(kc, found);
	}
	ret = kconfig_read(kc, path);
	if (!ret)
		snprintf(kc->source, sizeof(kc->source), "%s", path);
	else if (ret == -ENOENT || ret == -EACCES || ret == -EISDIR)
		log_err("%s: %s", path, strerror(-ret));
	else
		ret = read_kernel(kc, path);
	return ret;
}

static int check(const char *path)
{
	struct kconfig kc;
	unsigned int missing;

	if (read_config(&kc, path))
		return EXIT_VMTOOL_ERROR;
	missing = show_missing(&kc);
	if (missing)
		log_info("%u missing in %s; add them, and run make olddefconfig", missing,
			 kc.source);
	kconfig_free(&kc);
	return missing ? 1 : 0;
}

int cmd_config(int argc, const char **argv)
{
	static const char *const usage[] = {
		"vmtool config",
		"vmtool config --check [KERNEL | .config]",
		NULL
	};
	bool checking = false;
	const struct option options[] = {
		OPT_BOOLEAN(0, "check", &checking,
			    "print what a kernel lacks of it (default: of the build tree here)"),
		OPT_END()
	};

	argc = cli_parse(argc, argv, options, usage);
	if (argc && !strcmp(argv[0], "--")) {
		argc--;
		argv++;
	}
	if (argc > checking) {
		log_err("%s: not understood%s", argv[checking],
			checking ? ": one kernel is enough" : "; did you mean --check?");
		return EXIT_VMTOOL_ERROR;
	}
	if (checking)
		return check(argc ? argv[0] : NULL);
	fputs(fragment, stdout);
	return 0;
}
