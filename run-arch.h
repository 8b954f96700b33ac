/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RUN_ARCH_H
#define RUN_ARCH_H

#include <subcmd/parse-options.h>

#define RUN_ARCH_MAX	16

/**
 * struct run_arch - options that the architecture alone has
 * @text: "NAME=VALUE" for each, owned; NULL: was not given
 * @conf: what they come to, owned
 */
struct run_arch {
	char *text[RUN_ARCH_MAX];
	void *conf;
};

#ifdef CONFIG_ARCH_OPTIONS
/**
 * run_arch_options() - add an option for each
 * @options: table that ends with OPT_END()
 * @max: entries there is room for
 * @ra: zeroed
 *
 * Return: 0 or -E2BIG.
 */
int run_arch_options(struct option *options, int max, struct run_arch *ra);

/**
 * run_arch_parse() - make sense of what was given
 * @ra: after the command line was read; @conf is set
 *
 * Return: 0, or -errno after a one-line message.
 */
int run_arch_parse(struct run_arch *ra);

/**
 * run_arch_release() - release what it holds
 * @ra: options
 */
void run_arch_release(struct run_arch *ra);
#else
static inline int run_arch_options(struct option *options, int max, struct run_arch *ra)
{
	return 0;
}

static inline int run_arch_parse(struct run_arch *ra)
{
	return 0;
}

static inline void run_arch_release(struct run_arch *ra)
{
}
#endif

#endif /* RUN_ARCH_H */
