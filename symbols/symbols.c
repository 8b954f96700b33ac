// SPDX-License-Identifier: GPL-2.0
/*
 * Source lines for what a kernel reports. What is looked at comes from the guest:
 * nothing of it but an offset, added to an address of the vmlinux, reaches addr2line.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/symbols.h>
#include <vmtool/verdict.h>

/* A guest can print what it likes: its report may take this many questions. */
#define QUESTIONS_MAX	1000
#define PLACE_MAX	1024
/* Kernels are moved by whole pages. */
#define KASLR_ALIGN	0xfff

/**
 * struct sym_ref - a function that a line names
 * @name: its name, within the line
 * @len: bytes of @name
 * @off: offset into it
 * @size: its size, 0 where it is not said
 * @end: what follows in the line
 */
struct sym_ref {
	const char *name;
	size_t len;
	u64 off;
	u64 size;
	const char *end;
};

/* Any function will do whose file is known. */
static void ask_for_base(struct symbols *s, char *base, size_t size)
{
	static const char function[] = "start_kernel", file[] = "init/main.c:";
	char place[PLACE_MAX], *end;
	u64 addr;

	if (elf_syms_find(&s->syms, function, strlen(function), 0, &addr) ||
	    addr2line_ask(&s->lines, addr, place, sizeof(place)))
		return;
	end = strstr(place, file);
	if (!end)
		return;
	*end = '\0';
	snprintf(base, size, "%s", place);
}

/* The directory of the sources, and that of the build. */
static void set_bases(struct symbols *s, const char *path)
{
	char *real = realpath(path, NULL), *name;

	if (real) {
		name = strrchr(real, '/') + 1;
		*name = '\0';
		snprintf(s->bases[1], sizeof(s->bases[1]), "%s", real);
		free(real);
	}
	ask_for_base(s, s->bases[0], sizeof(s->bases[0]));
}

int symbols_open(struct symbols *s, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int ret;

	memset(s, 0, sizeof(*s));
	if (fd < 0)
		return -errno;
	ret = elf_syms_read(&s->syms, fd);
	close(fd);
	if (ret)
		return ret;
	/* Without it functions keep their names. */
	if (!addr2line_open(&s->lines, path))
		set_bases(s, path);
	return 0;
}

void symbols_close(struct symbols *s)
{
	addr2line_close(&s->lines);
	elf_syms_free(&s->syms);
}

static bool is_symbol_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '$';
}

static const char *parse_hex(const char *p, u64 *value)
{
	const char *digits;

	if (p[0] != '0' || p[1] != 'x')
		return NULL;
	p += 2;
	for (digits = p, *value = 0; isxdigit((unsigned char)*p); p++) {
		if (p - digits == 8)
			return NULL;
		*value *= 16;
		*value += isdigit((unsigned char)*p) ? *p - '0' : (*p | 32) - 'a' + 10;
	}
	return p > digits ? p : NULL;
}

/* "func+0x12/0x34", not of a module, which would follow as " [name]". */
static bool parse_ref(const char *line, const char *plus, struct sym_ref *ref)
{
	const char *p = plus;

	while (p > line && is_symbol_char(p[-1]))
		p--;
	ref->name = p;
	ref->len = plus - p;
	ref->end = parse_hex(plus + 1, &ref->off);
	ref->size = 0;
	if (!ref->len || isdigit((unsigned char)*ref->name) || !ref->end)
		return false;
	if (*ref->end == '/') {
		p = parse_hex(ref->end + 1, &ref->size);
		if (!p)
			return false;
		ref->end = p;
	}
	if (ref->end[0] == ' ' && ref->end[1] == '[' && is_symbol_char(ref->end[2]))
		return false;
	return !ref->size || ref->off <= ref->size;
}

/* Where is what the line itself names as FILE:LINE in front of the function. */
static bool has_place(const char *line, const struct sym_ref *ref)
{
	const char *p = ref->name;

	if (p - line < 4 || p[-1] != ' ' || !isdigit((unsigned char)p[-2]))
		return false;
	for (p -= 2; p > line && isdigit((unsigned char)*p); p--)
		;
	return *p == ':';
}

static const char *short_name(const struct symbols *s, const char *place)
{
	const char *relative;
	int i;

	for (i = 0; i < ARRAY_SIZE(s->bases); i++) {
		size_t len = strlen(s->bases[i]);

		if (len > 1 && !strncmp(place, s->bases[i], len)) {
			place += len;
			break;
		}
	}
	/* What is generated is included by a path relative to the build's directory. */
	relative = strstr(place, "/./");
	if (relative)
		return relative + 3;
	return strncmp(place, "./", 2) ? place : place + 2;
}

static void shorten(const struct symbols *s, char *places, char *buf, size_t size)
{
	char *next, *save = NULL;
	size_t len = 0;

	for (next = strtok_r(places, " ", &save); next && len < size;
	     next = strtok_r(NULL, " ", &save))
		len += snprintf(buf + len, size - len, "%s%s", len ? " " : "",
				short_name(s, next));
}

static int find_place(struct symbols *s, u64 addr, char *buf, size_t size)
{
	char places[PLACE_MAX];
	int ret;

	if (s->questions++ >= QUESTIONS_MAX)
		return -E2BIG;
	ret = addr2line_ask(&s->lines, addr, places, sizeof(places));
	if (ret)
		return ret;
	shorten(s, places, buf, size);
	return 0;
}

/*
 * What a trace holds is where a call returns to, which may be the line below, or
 * another function's; the faulting instruction itself is where a CPU stands.
 */
static bool is_exact(struct symbols *s, const char *text)
{
	static const char *const exact[] = { "RIP: ", "pc : ", "NIP [", "PC is at " };
	bool first = s->exact;
	int i;

	s->exact = false;
	for (i = 0; i < ARRAY_SIZE(exact); i++)
		if (!strncmp(text, exact[i], strlen(exact[i])))
			return true;
	return first;
}

static int place_of(struct symbols *s, const struct sym_ref *ref, bool exact, char *buf,
		    size_t size)
{
	u64 addr;
	int ret;

	ret = elf_syms_find(&s->syms, ref->name, ref->len, ref->size, &addr);
	if (ret)
		return ret;
	addr += ref->off;
	return find_place(s, exact || !ref->off ? addr : addr - 1, buf, size);
}

void symbols_line(struct symbols *s, const char *line, char *buf, size_t size)
{
	const char *text, *from = line, *plus = line;
	char place[PLACE_MAX];
	struct sym_ref ref;
	bool stamped, exact;
	size_t len = 0;

	text = printk_text(line, &stamped);
	exact = s && strstr(text, "+0x") && is_exact(s, text);
	while (s && (plus = strstr(plus, "+0x"))) {
		if (!parse_ref(line, plus++, &ref) || has_place(line, &ref) ||
		    place_of(s, &ref, exact, place, sizeof(place)))
			continue;
		if (len < size)
			len += snprintf(buf + len, size - len, "%.*s (%s)",
					(int)(ref.end - from), from, place);
		from = ref.end;
	}
	if (len < size)
		snprintf(buf + len, size - len, "%s", from);
	/* arm64 begins a trace with where the CPU stands. */
	if (s && !strncmp(text, "Call trace:", strlen("Call trace:")))
		s->exact = true;
}

/* How far the running kernel lies from where the vmlinux was linked. */
static u64 moved_by(const struct symbols *s, const char *anchor, u64 anchor_addr)
{
	u64 linked;

	if (!anchor || !anchor_addr ||
	    elf_syms_find(&s->syms, anchor, strlen(anchor), 0, &linked) ||
	    ((anchor_addr - linked) & KASLR_ALIGN))
		return 0;
	return anchor_addr - linked;
}

void symbols_addr(struct symbols *s, u64 addr, const char *anchor, u64 anchor_addr,
		  char *buf, size_t size)
{
	const char *name = NULL;
	char place[PLACE_MAX];
	u64 linked, off, len;

	if (s) {
		linked = addr - moved_by(s, anchor, anchor_addr);
		name = elf_syms_at(&s->syms, linked, &off, &len);
	}
	if (!name)
		snprintf(buf, size, "0x%llx", (unsigned long long)addr);
	else if (find_place(s, linked, place, sizeof(place)))
		snprintf(buf, size, "%s+0x%llx/0x%llx", name, (unsigned long long)off,
			 (unsigned long long)len);
	else
		snprintf(buf, size, "%s+0x%llx/0x%llx (%s)", name, (unsigned long long)off,
			 (unsigned long long)len, place);
}
