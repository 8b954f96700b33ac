// SPDX-License-Identifier: GPL-2.0
/*
 * vmtool balloon
 */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>
#include <subcmd/parse-options.h>

#include <linux/kernel.h>
#include <vmtool/cli.h>
#include <vmtool/guests.h>
#include <vmtool/log.h>
#include <vmtool/qmp_client.h>
#include <vmtool/size.h>
#include <vmtool/verdict.h>

#include "builtin.h"

#define MIB	(1024ULL * 1024)

/**
 * struct balloon_wish - what is to be done
 * @size: memory that the guest is to have, 0 for no such wish
 * @inflate: bytes to take from it
 * @deflate: bytes to give back to it
 */
struct balloon_wish {
	u64 size;
	u64 inflate;
	u64 deflate;
};

static int failed(const char *name, const struct qmp_error *err)
{
	log_err("guest '%s': %s", name, err->desc);
	return 1;
}

static u64 member(const json_t *answer, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(answer, name));

	return n > 0 ? n : 0;
}

/* The size wanted of one guest, 0 after a message. */
static u64 wanted_size(const struct balloon_wish *wish, const char *name, u64 target, u64 total)
{
	char given[24];

	if (wish->size)
		return wish->size;
	if (wish->inflate && wish->inflate >= target) {
		log_err("guest '%s' has only %s", name,
			format_size(target, given, sizeof(given)));
		return 0;
	}
	if (wish->deflate && target == total) {
		log_err("guest '%s' has all of its memory", name);
		return 0;
	}
	if (wish->deflate > total - target) {
		log_err("guest '%s' has only %s to get back", name,
			format_size(total - target, given, sizeof(given)));
		return 0;
	}
	return target - wish->inflate + wish->deflate;
}

static void show(const char *name, u64 actual, u64 target, u64 total)
{
	char has[24], of[24], asked[24];

	printf("%s: %s of %s", name, format_size(actual, has, sizeof(has)),
	       format_size(total, of, sizeof(of)));
	if (actual != target)
		printf(", asked for %s", format_size(target, asked, sizeof(asked)));
	putchar('\n');
}

static int change(struct qmp_client *c, const char *name, u64 size)
{
	json_t *args = json_pack("{s:I}", "value", (json_int_t)size);
	struct qmp_error err;
	int ret;

	ret = qmp_client_execute(c, "balloon", args, QMP_TIMEOUT_MS, NULL, &err);
	json_decref(args);
	return ret ? failed(name, &err) : 0;
}

static int balloon_guest(struct qmp_client *c, const char *name, const struct balloon_wish *wish)
{
	u64 actual, target, total, size;
	struct qmp_error err;
	json_t *answer;

	if (qmp_client_execute(c, "query-balloon", NULL, QMP_TIMEOUT_MS, &answer, &err))
		return failed(name, &err);
	actual = member(answer, "actual");
	target = member(answer, "x-target");
	total = member(answer, "x-total");
	json_decref(answer);
	if (!wish->size && !wish->inflate && !wish->deflate) {
		show(name, actual, target, total);
		return 0;
	}
	size = wanted_size(wish, name, target, total < target ? target : total);
	return size ? change(c, name, size) : 1;
}

static int balloon_all(const struct guests *guests, const struct balloon_wish *wish)
{
	int i, ret, status = 0;

	for (i = 0; i < guests->nr; i++) {
		struct qmp_client client;

		ret = guests_open(&client, guests->names[i]);
		if (!ret) {
			ret = balloon_guest(&client, guests->names[i], wish);
			qmp_client_close(&client);
		}
		status = max(status, ret);
	}
	return status;
}

static int parse_amount(const char *what, const char *text, u64 *value)
{
	if (!text)
		return 0;
	if (!parse_size(text, MIB, value) && *value >= 4096 && *value <= INT64_MAX)
		return 0;
	log_err("%s%s: not an amount of memory; say 64 (MiB), 512M or 1G", what, text);
	return -1;
}

int cmd_balloon(int argc, const char **argv)
{
	static const char *const usage[] = {
		"vmtool balloon [-n NAME | -a] [SIZE | --inflate SIZE | --deflate SIZE]", NULL
	};
	const char *inflate = NULL, *deflate = NULL;
	struct guests guests = { };
	const struct option options[] = {
		OPT_GUEST_NAME(&guests),
		OPT_GUEST_ALL(&guests),
		OPT_STRING('i', "inflate", &inflate, "SIZE", "take memory (MiB) from the guest"),
		OPT_STRING('d', "deflate", &deflate, "SIZE", "give memory (MiB) back to it"),
		OPT_END()
	};
	struct balloon_wish wish = { };
	int status = EXIT_VMTOOL_ERROR;

	argc = cli_parse(argc, argv, options, usage);
	if (argc + !!inflate + !!deflate > 1)
		log_err("one of SIZE, --inflate and --deflate is enough");
	else if (!parse_amount("", argc ? argv[0] : NULL, &wish.size) &&
		 !parse_amount("--inflate ", inflate, &wish.inflate) &&
		 !parse_amount("--deflate ", deflate, &wish.deflate) &&
		 !guests_select(&guests, 0, NULL))
		status = balloon_all(&guests, &wish);
	guests_free(&guests);
	return status;
}
