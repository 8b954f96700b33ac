// SPDX-License-Identifier: GPL-2.0
/*
 * symbols/: the symbol table, addr2line, and what both make of a kernel's report.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include <kselftest_harness.h>

#include <linux/kernel.h>
#include <vmtool/symbols.h>

#include "elf_symtab.h"

#ifdef CONFIG_SYMBOLS

static int read_image(struct elf_syms *es, const struct elf_image *e, size_t size)
{
	int fd = elf_image_fd(e, size), ret;

	ret = elf_syms_read(es, fd);
	close(fd);
	return ret;
}

FIXTURE(table) {
	struct elf_image image;
	struct elf_syms es;
};

FIXTURE_SETUP(table)
{
	elf_image_init(&self->image);
	ASSERT_EQ(0, read_image(&self->es, &self->image, sizeof(self->image)));
}

FIXTURE_TEARDOWN(table)
{
	elf_syms_free(&self->es);
}

static u64 find(const struct elf_syms *es, const char *name, u64 size)
{
	u64 addr = 0;
	int ret = elf_syms_find(es, name, strlen(name), size, &addr);

	return ret ? ret : addr;
}

TEST_F(table, functions_by_name)
{
	EXPECT_EQ(6, self->es.nr);
	EXPECT_EQ(0x1000, find(&self->es, "first", 0));
	EXPECT_EQ(0x1000, find(&self->es, "first", 0x40));
	EXPECT_EQ(0x1000, find(&self->es, "alias", 0x40));
	EXPECT_EQ(0x1040, find(&self->es, "second", 0x20));
	EXPECT_EQ(-ENOENT, find(&self->es, "third", 0));
	EXPECT_EQ(-ENOENT, find(&self->es, "firs", 0));
	EXPECT_EQ(-ENOENT, find(&self->es, "firsts", 0));
	EXPECT_EQ(-ENOENT, find(&self->es, "data", 0));
}

/* Kallsyms counts the padding; a function of another size is of another kernel. */
TEST_F(table, sizes_must_fit)
{
	EXPECT_EQ(0x1000, find(&self->es, "first", 0x38));
	EXPECT_EQ(0x1000, find(&self->es, "first", 0x38 + 63));
	EXPECT_EQ(-ENOENT, find(&self->es, "first", 0x38 + 64));
	EXPECT_EQ(-ENOENT, find(&self->es, "first", 0x37));
}

TEST_F(table, several_of_a_name)
{
	EXPECT_EQ(-EEXIST, find(&self->es, "twice", 0));
	EXPECT_EQ(0x1060, find(&self->es, "twice", 0x10));
	EXPECT_EQ(0x1060, find(&self->es, "twice", 0x20));
	EXPECT_EQ(0x1100, find(&self->es, "twice", 0x90));
	EXPECT_EQ(0x1100, find(&self->es, "twice", 0xa0));
}

TEST_F(table, functions_by_address)
{
	u64 off, size;

	EXPECT_EQ(NULL, elf_syms_at(&self->es, 0xfff, &off, &size));
	EXPECT_STREQ("first", elf_syms_at(&self->es, 0x1000, &off, &size));
	EXPECT_EQ(0, off);
	EXPECT_EQ(0x40, size);
	EXPECT_STREQ("first", elf_syms_at(&self->es, 0x103f, &off, &size));
	EXPECT_EQ(0x3f, off);
	EXPECT_STREQ("second", elf_syms_at(&self->es, 0x1040, &off, &size));
	EXPECT_STREQ("same", elf_syms_at(&self->es, 0x121f, &off, &size));
	EXPECT_EQ(0x1f, off);
	EXPECT_EQ(NULL, elf_syms_at(&self->es, 0x1220, &off, &size));
	EXPECT_EQ(NULL, elf_syms_at(&self->es, -1ULL, &off, &size));
	/* A hole. */
	EXPECT_EQ(NULL, elf_syms_at(&self->es, 0x10d0, &off, &size));
}

TEST_F(table, cut_anywhere)
{
	struct elf_syms es;
	size_t size;
	int ret;

	for (size = 0; size < sizeof(self->image); size++) {
		ret = read_image(&es, &self->image, size);
		EXPECT_TRUE(ret == -ENOEXEC || ret == -ENOENT)
			TH_LOG("%zu: %d", size, ret);
		EXPECT_EQ(NULL, es.syms);
	}
}

/* Any one word of it is wrong: it is refused, or what was read can be used. */
TEST_F(table, damaged_anywhere)
{
	static const u64 values[] = { 0, 1, 0x7f, 0xffff, 1ULL << 31, 1ULL << 63, -1ULL };
	struct elf_image bad;
	struct elf_syms es;
	u64 off, size;
	size_t at, i;

	for (at = 0; at + 8 <= sizeof(bad); at += 2)
		for (i = 0; i < ARRAY_SIZE(values); i++) {
			bad = self->image;
			memcpy((char *)&bad + at, &values[i], 1 << i % 4);
			if (read_image(&es, &bad, sizeof(bad)))
				continue;
			find(&es, "twice", 0x10);
			elf_syms_at(&es, 0x1000, &off, &size);
			elf_syms_free(&es);
		}
}

TEST_F(table, what_is_no_such_file)
{
	struct elf_syms es;
	int fds[2], fd;

	self->image.eh.e_ident[EI_CLASS] = ELFCLASS32;
	EXPECT_EQ(-ENOEXEC, read_image(&es, &self->image, sizeof(self->image)));
	elf_image_init(&self->image);
	self->image.eh.e_ident[EI_DATA] ^= ELFDATA2LSB ^ ELFDATA2MSB;
	EXPECT_EQ(-ENOEXEC, read_image(&es, &self->image, sizeof(self->image)));
	elf_image_init(&self->image);
	self->image.sh[2].sh_type = SHT_PROGBITS;
	EXPECT_EQ(-ENOENT, read_image(&es, &self->image, sizeof(self->image)));
	elf_image_init(&self->image);
	self->image.names[sizeof(self->image.names) - 1] = 'x';
	EXPECT_EQ(-ENOEXEC, read_image(&es, &self->image, sizeof(self->image)));

	ASSERT_EQ(0, pipe(fds));
	EXPECT_EQ(-ENOEXEC, elf_syms_read(&es, fds[0]));
	close(fds[0]);
	close(fds[1]);
	fd = open("/", O_RDONLY);
	EXPECT_EQ(-ENOEXEC, elf_syms_read(&es, fd));
	close(fd);
	EXPECT_EQ(-EBADF, elf_syms_read(&es, -1));
}

/* The number of sections does not fit into the header of a large file. */
TEST_F(table, many_sections)
{
	struct elf_syms es;

	self->image.eh.e_shnum = 0;
	self->image.sh[0].sh_size = 5;
	EXPECT_EQ(0, read_image(&es, &self->image, sizeof(self->image)));
	elf_syms_free(&es);
	self->image.sh[0].sh_size = 1ULL << 40;
	EXPECT_EQ(-ENOEXEC, read_image(&es, &self->image, sizeof(self->image)));
}

/* ---- addr2line, played by a script */

FIXTURE(program) {
	char dir[32];
	char *path;
	char vmlinux[64];
	struct addr2line a;
	char buf[256];
};

static void write_file(const char *dir, const char *name, const void *data, size_t len)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	if (write(fd, data, len) != len)
		abort();
	close(fd);
}

static void be_program(FIXTURE_DATA(program) *self, const char *script)
{
	char text[2048];

	snprintf(text, sizeof(text), "#!/bin/sh\nPATH=%s\n%s\n", self->path, script);
	write_file(self->dir, "addr2line", text, strlen(text));
}

FIXTURE_SETUP(program)
{
	struct elf_image image;

	strcpy(self->dir, "/tmp/symbols_test.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	self->path = strdup(getenv("PATH"));
	setenv("PATH", self->dir, 1);
	elf_image_init(&image);
	write_file(self->dir, "vmlinux", &image, sizeof(image));
	snprintf(self->vmlinux, sizeof(self->vmlinux), "%s/vmlinux", self->dir);
}

FIXTURE_TEARDOWN(program)
{
	char cmd[80];

	addr2line_close(&self->a);
	setenv("PATH", self->path, 1);
	free(self->path);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", self->dir);
	EXPECT_EQ(0, system(cmd));
}

/* As GNU's and as LLVM's answer. */
static const char *const gnu =
	"while read -r a; do case $a in\n"
	" 0x1010) echo 0x0000000000001010; echo inlined; echo /src/linux/a.h:3\n"
	"   echo first; echo '/src/linux/a.c:12 (discriminator 2)' ;;\n"
	" 0x100f) printf '0x0000000000001000\\nfirst\\n/src/linux/a.c:11\\n' ;;\n"
	" 0x1050) printf '0x0000000000001050\\nsecond\\n??:?\\n' ;;\n"
	" ,) printf '0x0000000000000000\\n??\\n??:0\\n' ;;\n"
	" *) printf '0x0000000000000001\\n??\\na.c:?\\n' ;; esac; done\n";
static const char *const llvm =
	"while read -r a; do case $a in\n"
	" 0x1010) echo 0x1010; echo inlined; echo /src/linux/a.h:3; echo first\n"
	"   echo /src/linux/a.c:12 ;;\n"
	" ,) echo , ;; *) printf '0x1\\n??\\n??:0\\n' ;; esac; done";

TEST_F(program, answers)
{
	const char *const both[] = { gnu, llvm };
	size_t i, k;

	for (i = 0; i < 2; i++) {
		be_program(self, both[i]);
		ASSERT_EQ(0, addr2line_open(&self->a, self->vmlinux));
		for (k = 0; k < 3; k++) {
			EXPECT_EQ(0, addr2line_ask(&self->a, 0x1010, self->buf, sizeof(self->buf)));
			EXPECT_STREQ("/src/linux/a.h:3 /src/linux/a.c:12", self->buf);
			EXPECT_EQ(-ENOENT, addr2line_ask(&self->a, 0x1050, self->buf,
							 sizeof(self->buf)));
			EXPECT_EQ(-ENOENT, addr2line_ask(&self->a, 7, self->buf, sizeof(self->buf)));
		}
		/* What does not fit is left out. */
		EXPECT_EQ(0, addr2line_ask(&self->a, 0x1010, self->buf, 23));
		EXPECT_STREQ("/src/linux/a.h:3", self->buf);
		addr2line_close(&self->a);
	}
}

TEST_F(program, is_not_there)
{
	struct symbols *s = malloc(sizeof(*s));
	char out[256];

	EXPECT_EQ(-ENOENT, addr2line_open(&self->a, self->vmlinux));
	EXPECT_EQ(-EPIPE, addr2line_ask(&self->a, 1, self->buf, sizeof(self->buf)));
	addr2line_close(&self->a);
	EXPECT_EQ(0, symbols_open(s, self->vmlinux));
	symbols_line(s, " first+0x10/0x40", out, sizeof(out));
	EXPECT_STREQ(" first+0x10/0x40", out);
	symbols_addr(s, 0x1010, NULL, 0, out, sizeof(out));
	EXPECT_STREQ("first+0x10/0x40", out);
	symbols_close(s);
	free(s);
}

TEST_F(program, ends_amid_an_answer)
{
	static const char *const scripts[] = {
		"exit 0", "read -r a; echo 0x1010; exit 1", "read -r a; echo 0x1010; echo f; echo a.c",
		"kill -9 $$",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(scripts); i++) {
		be_program(self, scripts[i]);
		ASSERT_EQ(0, addr2line_open(&self->a, self->vmlinux));
		EXPECT_GT(0, addr2line_ask(&self->a, 0x1010, self->buf, sizeof(self->buf)));
		EXPECT_EQ(-EPIPE, addr2line_ask(&self->a, 0x1010, self->buf, sizeof(self->buf)));
	}
}

/* Lines without an end, and answers without one. */
TEST_F(program, talks_too_much)
{
	static const char *const scripts[] = {
		"read -r a; echo 0x1; echo f; yes x:1 | tr -d '\\n'",
		"read -r a; echo 0x1; echo f; yes x:1",
	};
	struct timespec start, end;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(scripts); i++) {
		be_program(self, scripts[i]);
		ASSERT_EQ(0, addr2line_open(&self->a, self->vmlinux));
		self->a.waited = true;
		clock_gettime(CLOCK_MONOTONIC, &start);
		EXPECT_EQ(-E2BIG, addr2line_ask(&self->a, 1, self->buf, sizeof(self->buf)));
		clock_gettime(CLOCK_MONOTONIC, &end);
		EXPECT_TRUE(end.tv_sec - start.tv_sec <= 7);
		EXPECT_TRUE(strlen(self->buf) < sizeof(self->buf));
	}
}

/* ---- lines of a report */

static const struct {
	const char *line;
	const char *expected;
} lines[] = {
	{ "RIP: 0010:first+0x10/0x40", "RIP: 0010:first+0x10/0x40 (a.h:3 a.c:12)" },
	{ "[    1.2][   T1] RIP: 0010:first+0x10/0x40",
	  "[    1.2][   T1] RIP: 0010:first+0x10/0x40 (a.h:3 a.c:12)" },
	{ "pc : first+0x10/0x40", "pc : first+0x10/0x40 (a.h:3 a.c:12)" },
	{ "NIP [c000000000001010] first+0x10/0x40",
	  "NIP [c000000000001010] first+0x10/0x40 (a.h:3 a.c:12)" },
	{ "lr : first+0x10/0x40", "lr : first+0x10/0x40 (a.c:11)" },
	{ " first+0x10/0x40", " first+0x10/0x40 (a.c:11)" },
	{ " ? first+0x10/0x40", " ? first+0x10/0x40 (a.c:11)" },
	{ " first+0x10/0x40 (P)", " first+0x10/0x40 (a.c:11) (P)" },
	{ " first+0x10", " first+0x10 (a.c:11)" },
	{ "[c0b3cbc20] [c0a1b00] first+0x10/0x40 (unreliable)",
	  "[c0b3cbc20] [c0a1b00] first+0x10/0x40 (a.c:11) (unreliable)" },
	{ " first+0x10/0x40 and first+0x10/0x40", " first+0x10/0x40 (a.c:11) and first+0x10/0x40 (a.c:11)" },
	/* Modules, other kernels, other functions, addresses without a line. */
	{ " first+0x10/0x40 [mod]", NULL },
	{ " first+0x10/0x400", NULL },
	{ " first+0x41/0x40", NULL },
	{ " third+0x10/0x40", NULL },
	{ " second+0x11/0x20", NULL },
	{ " twice+0x10", NULL },
	/* It says so itself. */
	{ "WARNING: CPU: 0 PID: 1 at a.c:12 first+0x10/0x40", NULL },
	/* What is no such thing. */
	{ "", NULL }, { "+0x", NULL }, { "+0x10/0x40", NULL }, { "first+0x", NULL },
	{ "first+0x10/", NULL }, { "first+0x10/0x", NULL }, { "first+0xg", NULL },
	{ "1first+0x10/0x40", NULL }, { "first+0x123456789", NULL },
	{ "first+0x10/0x123456789", NULL }, { "Call Trace:", NULL },
};

TEST_F(program, lines_of_a_report)
{
	struct symbols *s = malloc(sizeof(*s));
	char out[256];
	size_t i, size;

	be_program(self, gnu);
	ASSERT_EQ(0, symbols_open(s, self->vmlinux));
	strcpy(s->bases[0], "/src/linux/");
	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		symbols_line(s, lines[i].line, out, sizeof(out));
		EXPECT_STREQ(lines[i].expected ?: lines[i].line, out);
		symbols_line(NULL, lines[i].line, out, sizeof(out));
		EXPECT_STREQ(lines[i].line, out);
	}
	/* Buffers of any size. */
	for (size = 1; size < 80; size++) {
		memset(out, 'x', sizeof(out));
		symbols_line(s, lines[0].line, out, size);
		EXPECT_TRUE(strlen(out) < size);
		EXPECT_EQ('x', out[size]);
	}
	symbols_close(s);
	free(s);
}

/* arm64's first entry is where the CPU stands, the others are return addresses. */
TEST_F(program, the_first_entry_of_arm64)
{
	struct symbols *s = malloc(sizeof(*s));
	char out[256];

	be_program(self, gnu);
	ASSERT_EQ(0, symbols_open(s, self->vmlinux));
	strcpy(s->bases[0], "/src/linux/");
	symbols_line(s, "Call trace:", out, sizeof(out));
	symbols_line(s, " first+0x10/0x40", out, sizeof(out));
	EXPECT_STREQ(" first+0x10/0x40 (a.h:3 a.c:12)", out);
	symbols_line(s, " first+0x10/0x40", out, sizeof(out));
	EXPECT_STREQ(" first+0x10/0x40 (a.c:11)", out);
	symbols_close(s);
	free(s);
}

TEST_F(program, addresses)
{
	struct symbols *s = malloc(sizeof(*s));
	char out[256];

	be_program(self, gnu);
	ASSERT_EQ(0, symbols_open(s, self->vmlinux));
	strcpy(s->bases[0], "/src/linux/");
	symbols_addr(s, 0x1010, NULL, 0, out, sizeof(out));
	EXPECT_STREQ("first+0x10/0x40 (a.h:3 a.c:12)", out);
	/* The kernel was moved: "same" tells by how far. */
	symbols_addr(s, 0x5001010, "same", 0x5001200, out, sizeof(out));
	EXPECT_STREQ("first+0x10/0x40 (a.h:3 a.c:12)", out);
	/* By no number of pages: it is another kernel's, or none's. */
	symbols_addr(s, 0x5001010, "same", 0x5001201, out, sizeof(out));
	EXPECT_STREQ("0x5001010", out);
	symbols_addr(s, 0x5001010, "none", 0x5001200, out, sizeof(out));
	EXPECT_STREQ("0x5001010", out);
	symbols_addr(NULL, 0x1010, NULL, 0, out, sizeof(out));
	EXPECT_STREQ("0x1010", out);
	symbols_close(s);
	free(s);
}

TEST_F(program, no_vmlinux)
{
	struct symbols *s = malloc(sizeof(*s));

	be_program(self, gnu);
	EXPECT_EQ(-ENOENT, symbols_open(s, "/nonexistent"));
	EXPECT_EQ(-ENOEXEC, symbols_open(s, "/dev/null"));
	EXPECT_EQ(-ENOEXEC, symbols_open(s, self->dir));
	free(s);
}

/* ---- where it is looked for */

TEST_F(program, beside_the_image)
{
	char path[128], found[PATH_MAX], expected[PATH_MAX], cmd[2048];

	snprintf(cmd, sizeof(cmd), "PATH=%s\ncd %s && mkdir -p arch/x86/boot &&\n"
		 "touch arch/x86/boot/bzImage Image && ln -s arch/x86/boot/bzImage link",
		 self->path, self->dir);
	ASSERT_EQ(0, system(cmd));
	snprintf(expected, sizeof(expected), "%s", self->vmlinux);
	snprintf(path, sizeof(path), "%s/arch/x86/boot/bzImage", self->dir);
	EXPECT_EQ(0, symbols_find(path, found, sizeof(found)));
	EXPECT_STREQ(expected, found);
	EXPECT_EQ(-ENOENT, symbols_find(path, found, 10));
	snprintf(path, sizeof(path), "%s/link", self->dir);
	EXPECT_EQ(0, symbols_find(path, found, sizeof(found)));
	EXPECT_STREQ(expected, found);
	snprintf(path, sizeof(path), "%s/Image", self->dir);
	EXPECT_EQ(0, symbols_find(path, found, sizeof(found)));
	EXPECT_STREQ(expected, found);
	EXPECT_EQ(0, symbols_find(self->vmlinux, found, sizeof(found)));
	EXPECT_STREQ(expected, found);
	unlink(self->vmlinux);
	EXPECT_EQ(-ENOENT, symbols_find(path, found, sizeof(found)));
	EXPECT_EQ(-ENOENT, symbols_find("/nonexistent", found, sizeof(found)));
}

#endif

TEST_HARNESS_MAIN
