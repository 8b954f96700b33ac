// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile guest prints. The first byte says in pieces of which size, so the same
 * text is also looked at in one piece: both have to come to the same result. What was
 * kept goes through the decoder of symbols, of a kernel that has a few.
 */
#include <stdlib.h>
#include <string.h>

#include <vmtool/symbols.h>
#include <vmtool/verdict.h>

#include "fuzz.h"
#include "../unit/elf_symtab.h"

struct console {
	struct verdict v;
	struct console_log log;
};

static struct console *look(const u8 *data, size_t size, size_t piece)
{
	struct console *c = calloc(1, sizeof(*c));
	size_t i, n;

	CHECK(c);
	c->v.log = &c->log;
	for (i = 0; i < size; i += n) {
		n = size - i < piece ? size - i : piece;
		verdict_console(&c->v, (const char *)data + i, n);
		CHECK(c->v.len < VERDICT_LINE_MAX);
	}
	return c;
}

static void check_splat(const struct splat *s)
{
	CHECK(s->len < SPLAT_TEXT_MAX && strlen(s->text) == s->len);
	CHECK(s->taken ? s->len && s->text[s->len - 1] == '\n' : !s->len);
	CHECK(s->kind < SPLAT_KINDS);
}

static void decode(const char *text)
{
	char line[VERDICT_LINE_MAX], out[700];
	static struct symbols s;
	struct elf_image e;
	int fd;

	if (!s.syms.nr) {
		elf_image_init(&e);
		fd = elf_image_fd(&e, sizeof(e));
		CHECK(!elf_syms_read(&s.syms, fd));
		close(fd);
	}
	s.questions = 0;
	while (*text) {
		size_t n = strcspn(text, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)n, text);
		symbols_line(&s, line, out, sizeof(out));
		/* Nobody knows a line here. */
		CHECK(!strcmp(line, out));
		text += n + (text[n] == '\n');
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct console *a, *b;
	char line[64];
	int i;

	if (!size)
		return 0;
	a = look(data + 1, size - 1, 1 + data[0] % 32);
	b = look(data + 1, size - 1, size);
	CHECK(a->v.status == b->v.status && a->v.panicked == b->v.panicked &&
	      a->v.halted == b->v.halted && a->v.stamps == b->v.stamps);
	for (i = 0; i < SPLAT_KINDS; i++) {
		CHECK(a->log.splats.counts[i] == b->log.splats.counts[i]);
		CHECK(a->log.splats.counts[i] <= size);
	}
	check_splat(&a->log.splats.first);
	check_splat(&a->log.splats.fatal);
	CHECK(!strcmp(a->log.splats.first.text, b->log.splats.first.text));
	CHECK(!a->v.panicked || a->log.splats.counts[SPLAT_PANIC]);
	decode(a->log.splats.first.text);
	for (i = 0; !console_tail_take(&a->log.tail, line, sizeof(line)); i++)
		CHECK(i < CONSOLE_TAIL_LINES && strlen(line) < sizeof(line));
	CHECK(!a->log.tail.used);
	free(a);
	free(b);
	return 0;
}
