// SPDX-License-Identifier: GPL-2.0
/*
 * How sessions begin and end: OPEN and EXIT.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <vmtool/agent.h>
#include <vmtool/log.h>
#include <vmtool/verdict.h>

/**
 * struct blob - OPEN as one piece
 * @data: bytes
 * @len: how many
 */
struct blob {
	u8 data[AGENT_OPEN_MAX];
	size_t len;
};

static void add(struct blob *b, const void *data, size_t len)
{
	/* What does not fit makes it too long, and is not needed any more. */
	if (len <= sizeof(b->data) - min(b->len, sizeof(b->data)))
		memcpy(b->data + b->len, data, len);
	b->len += len;
}

static unsigned int count(const char *const *v)
{
	unsigned int n = 0;

	while (v && v[n])
		n++;
	return n;
}

static void add_strings(struct blob *b, const char *const *v)
{
	while (v && *v && b->len <= sizeof(b->data)) {
		add(b, *v, strlen(*v) + 1);
		v++;
	}
}

static void build(struct blob *b, const struct agent_spec *spec)
{
	struct agent_open open = {
		.flags = htole32((spec->tty ? AGENT_OPEN_TTY : 0) |
				 (spec->stderr_apart ? AGENT_OPEN_STDERR : 0) |
				 (spec->any_cwd || !spec->cwd ? AGENT_OPEN_ANY_CWD : 0)),
		.uid = htole32(spec->uid),
		.gid = htole32(spec->gid),
		.rows = htole16(spec->rows),
		.cols = htole16(spec->cols),
		.nr_groups = htole32(spec->nr_groups),
		.nr_args = htole32(count(spec->argv)),
		.nr_env = htole32(count(spec->env)),
	};
	const char *cwd = spec->cwd ?: "/";
	unsigned int i;

	b->len = 0;
	add(b, &open, sizeof(open));
	for (i = 0; i < spec->nr_groups; i++) {
		__le32 group = htole32(spec->groups[i]);

		add(b, &group, sizeof(group));
	}
	add(b, cwd, strlen(cwd) + 1);
	add_strings(b, spec->argv);
	add_strings(b, spec->env);
}

int agent_put_open(struct agent_queue *q, const struct agent_spec *spec)
{
	struct blob *b;
	size_t at;
	int ret = 0;

	if (!spec->argv || !spec->argv[0] || spec->nr_groups > AGENT_GROUPS_MAX)
		return -EINVAL;
	b = malloc(sizeof(*b));
	if (!b)
		return -ENOMEM;
	build(b, spec);
	if (b->len > sizeof(b->data))
		ret = -E2BIG;
	for (at = 0; !ret && at < b->len; at += AGENT_PAYLOAD_MAX) {
		size_t n = min_t(size_t, b->len - at, AGENT_PAYLOAD_MAX);

		ret = agent_queue_add(q, AGENT_OPEN, at + n == b->len, b->data + at, n);
	}
	free(b);
	return ret;
}

void agent_get_text(char *buf, size_t size, const u8 *data, size_t len)
{
	size_t i, n = min(len, size - 1);

	for (i = 0; i < n; i++)
		buf[i] = data[i] >= ' ' && data[i] < 0x7f ? data[i] : '?';
	buf[n] = '\0';
}

void agent_get_result(struct agent_result *r, const struct agent_frame *f)
{
	memset(r, 0, sizeof(*r));
	r->how = agent_get32(f, 0);
	r->value = agent_get32(f, 1);
	if (f->len < sizeof(struct agent_exit) || r->how > AGENT_FAILED) {
		r->how = AGENT_FAILED;
		r->value = EPROTO;
		return;
	}
	agent_get_text(r->text, sizeof(r->text), f->data + sizeof(struct agent_exit),
		       f->len - sizeof(struct agent_exit));
}

int agent_put_result(struct agent_queue *q, const struct agent_result *r)
{
	struct {
		struct agent_exit exit;
		char text[AGENT_TEXT_MAX];
	} m = { .exit = { htole32(r->how), htole32(r->value) } };
	size_t len = strnlen(r->text, sizeof(r->text));

	memcpy(m.text, r->text, len);
	return agent_queue_add(q, AGENT_EXIT, 0, &m, sizeof(m.exit) + len);
}

static void complain(const struct agent_result *r, const char *name)
{
	const char *why = strerror(r->value);

	/* The agent's words for what it was about to do. */
	if (!strcmp(r->text, "run"))
		log_err("%s: cannot be run in the guest: %s", name, why);
	else if (!strcmp(r->text, "directory"))
		log_err("%s: cannot enter its directory in the guest: %s", name, why);
	else if (!strcmp(r->text, "user"))
		log_err("%s: cannot become its user in the guest: %s", name, why);
	else if (!strcmp(r->text, "start") || !*r->text)
		log_err("%s: the guest cannot start it: %s", name, why);
	else
		log_err("%s: %s", name, r->text);
}

int agent_command_status(const struct agent_result *r)
{
	/* What the guest sends may be any number. */
	if (r->how == AGENT_KILLED)
		return 128 + min_t(u32, r->value, 127);
	return min_t(u32, r->value, 255);
}

int agent_status(const struct agent_result *r, const char *name)
{
	if (r->how == AGENT_FAILED) {
		complain(r, name);
		return EXIT_VMTOOL_ERROR;
	}
	return exit_of_command(agent_command_status(r));
}
