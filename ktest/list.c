// SPDX-License-Identifier: GPL-2.0
/*
 * Which tests there are, which of them are wanted, and how long they may take.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <linux/sizes.h>
#include <vmtool/io.h>
#include <vmtool/ktest.h>
#include <vmtool/log.h>

#include "internal.h"

#define LIST_MAX	SZ_4M
#define SETTINGS_MAX	SZ_64K

int ktest_read_file(const char *path, size_t most, char **text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), ret = 0;
	struct stat st;

	if (fd < 0)
		return -errno;
	*text = NULL;
	if (fstat(fd, &st) < 0)
		ret = -errno;
	else if (!S_ISREG(st.st_mode))
		ret = -EINVAL;
	else if (st.st_size > (off_t)most)
		ret = -EFBIG;
	if (!ret)
		*text = calloc(1, st.st_size + 1);
	if (!ret && !*text)
		ret = -ENOMEM;
	if (!ret)
		ret = pread_all(fd, *text, st.st_size, 0);
	if (ret) {
		free(*text);
		*text = NULL;
	}
	close(fd);
	return ret;
}

/*
 * Names become paths and words of a shell in the guest: what is neither a plain
 * relative path nor plain text is not taken.
 */
bool ktest_good_name(const char *s, size_t len)
{
	size_t i;

	if (!len || len > KTEST_NAME_MAX || *s == '-' || *s == '/')
		return false;
	for (i = 0; i < len; i++) {
		if (!isalnum((unsigned char)s[i]) && !strchr("._+-/=@,", s[i]))
			return false;
		if (!strncmp(s + i, "..", 2) && (!i || s[i - 1] == '/') &&
		    (i + 2 == len || s[i + 2] == '/'))
			return false;
	}
	return s[len - 1] != '/';
}

static bool same(const struct ktest *t, const char *collection, const char *name)
{
	return !strcmp(t->collection, collection) && !strcmp(t->name, name);
}

/* Behind the last one of its collection, so that these stay together. */
static int insert(struct ktest_set *set, char *collection, char *name)
{
	struct ktest *tests, *t;
	size_t at = set->nr, i;

	for (i = 0; i < set->nr; i++) {
		if (same(&set->tests[i], collection, name)) {
			free(collection);
			free(name);
			return 0;
		}
		if (!strcmp(set->tests[i].collection, collection))
			at = i + 1;
	}
	tests = realloc(set->tests, (set->nr + 1) * sizeof(*tests));
	if (!tests)
		return -ENOMEM;
	set->tests = tests;
	t = tests + at;
	memmove(t + 1, t, (set->nr - at) * sizeof(*t));
	memset(t, 0, sizeof(*t));
	t->collection = collection;
	t->name = name;
	t->timeout = KTEST_TIMEOUT_S;
	t->guest_status = -1;
	set->nr++;
	return 0;
}

static int add_line(struct ktest_set *set, const char *s, size_t len)
{
	const char *colon = memchr(s, ':', len);
	size_t left = colon ? colon - s : 0;
	char *collection, *name;
	int ret = -ENOMEM;

	if (!colon || !ktest_good_name(s, left) || !ktest_good_name(colon + 1, len - left - 1))
		return -EINVAL;
	collection = strndup(s, left);
	name = strndup(colon + 1, len - left - 1);
	if (collection && name)
		ret = insert(set, collection, name);
	if (ret) {
		free(collection);
		free(name);
	}
	return ret;
}

int ktest_set_parse(struct ktest_set *set, const char *text, const char *what)
{
	char shown[80];
	unsigned int line = 1;
	size_t len;
	int ret;

	for (; *text; line++) {
		const char *s = text;

		len = strcspn(text, "\n");
		text += len + (text[len] == '\n');
		for (; len && isspace((unsigned char)*s); s++, len--)
			;
		while (len && isspace((unsigned char)s[len - 1]))
			len--;
		if (!len || *s == '#')
			continue;
		ret = add_line(set, s, len);
		if (!ret)
			continue;
		ktest_clean(shown, sizeof(shown), s, len, true);
		log_err("%s, line %u: '%s': %s", what, line, shown,
			ret == -EINVAL ? "not of the form collection:test" : strerror(-ret));
		return ret;
	}
	return 0;
}

int ktest_set_load(struct ktest_set *set, const char *path)
{
	char *text;
	int ret = ktest_read_file(path, LIST_MAX, &text);

	if (ret) {
		log_err("cannot read the list of tests %s: %s", path, strerror(-ret));
		return ret;
	}
	ret = ktest_set_parse(set, text, path);
	free(text);
	return ret;
}

/* "collection" or "collection:test". */
static bool matches(const struct ktest *t, const char *wanted)
{
	const char *colon = strchr(wanted, ':');
	size_t len = colon ? (size_t)(colon - wanted) : strlen(wanted);

	if (strncmp(t->collection, wanted, len))
		return false;
	if (colon)
		return !t->collection[len] && !strcmp(t->name, colon + 1);
	return !t->collection[len];
}

static void free_test(struct ktest *t)
{
	free(t->collection);
	free(t->name);
	free(t->earlier);
	ktap_free(t->result);
}

int ktest_set_only(struct ktest_set *set, const char *const *wanted, int nr)
{
	size_t i, kept = 0;
	int w;

	for (w = 0; w < nr; w++) {
		for (i = 0; i < set->nr && !matches(&set->tests[i], wanted[w]); i++)
			;
		if (i == set->nr) {
			log_err("%s: no such test is installed: --dry-run shows those that are",
				wanted[w]);
			return -ENOENT;
		}
	}
	for (i = 0; nr && i < set->nr; i++) {
		for (w = 0; w < nr && !matches(&set->tests[i], wanted[w]); w++)
			;
		if (w < nr)
			set->tests[kept++] = set->tests[i];
		else
			free_test(&set->tests[i]);
	}
	if (nr)
		set->nr = kept;
	return 0;
}

void ktest_set_shard(struct ktest_set *set, unsigned int shard, unsigned int shards)
{
	size_t i, kept = 0;

	for (i = 0; i < set->nr; i++) {
		if (i % shards == shard - 1)
			set->tests[kept++] = set->tests[i];
		else
			free_test(&set->tests[i]);
	}
	set->nr = kept;
}

unsigned int ktest_settings_timeout(const char *text)
{
	unsigned int seconds = KTEST_TIMEOUT_S;
	unsigned long n;
	char *end;

	while (*text) {
		if (!strncmp(text, "timeout=", 8) && isdigit((unsigned char)text[8])) {
			errno = 0;
			n = strtoul(text + 8, &end, 10);
			while (*end == ' ' || *end == '\t' || *end == '\r')
				end++;
			if (!*end || *end == '\n')
				seconds = errno || n > KTEST_TIMEOUT_MAX ? KTEST_TIMEOUT_MAX : n;
		}
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return seconds;
}

static unsigned int collection_limit(const struct ktest_config *cfg, const char *collection)
{
	unsigned int seconds = KTEST_TIMEOUT_S;
	char path[PATH_MAX], *text;

	if (cfg->timeout >= 0)
		return cfg->timeout;
	if (snprintf(path, sizeof(path), "%s/%s/settings", cfg->install_dir, collection) >=
	    (int)sizeof(path) || ktest_read_file(path, SETTINGS_MAX, &text))
		return seconds;
	seconds = ktest_settings_timeout(text);
	free(text);
	return seconds;
}

void ktest_set_limits(struct ktest_set *set, const struct ktest_config *cfg)
{
	size_t i;

	for (i = 0; i < set->nr; i++) {
		struct ktest *t = &set->tests[i];

		if (i && !strcmp(t->collection, t[-1].collection))
			t->timeout = t[-1].timeout;
		else
			t->timeout = collection_limit(cfg, t->collection);
	}
}

void ktest_set_free(struct ktest_set *set)
{
	while (set->nr)
		free_test(&set->tests[--set->nr]);
	free(set->tests);
	set->tests = NULL;
}
