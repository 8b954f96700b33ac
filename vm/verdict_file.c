// SPDX-License-Identifier: GPL-2.0
/*
 * The file of --verdict. Its few strings are written here, so that a vmtool without a
 * JSON library has it as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/verdict_file.h>

#define REPLACEMENT	"\\ufffd"

/* Bytes of the UTF-8 sequence at @s, 0 when it is none (RFC 3629). */
static size_t utf8_len(const unsigned char *s)
{
	size_t i, n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 :
		      s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;

	for (i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* Forms that are too long, surrogates, and what is above U+10FFFF. */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

static size_t print_char(const unsigned char *s, FILE *out)
{
	size_t n = utf8_len(s);

	if (!n)
		fputs(REPLACEMENT, out);
	else if (*s == '"' || *s == '\\')
		fprintf(out, "\\%c", *s);
	else if (*s == '\n')
		fputs("\\n", out);
	else if (*s == '\t')
		fputs("\\t", out);
	else if (*s < 0x20 || *s == 0x7f)
		fprintf(out, "\\u%04x", *s);
	else
		fwrite(s, 1, n, out);
	return n ?: 1;
}

static void print_string(const char *text, FILE *out)
{
	const unsigned char *s = (const unsigned char *)text;

	if (!text) {
		fputs("null", out);
		return;
	}
	fputc('"', out);
	while (*s)
		s += print_char(s, out);
	fputc('"', out);
}

static void print_member(const char *name, const char *text, FILE *out)
{
	fprintf(out, ",\n  \"%s\": ", name);
	print_string(text, out);
}

static void print_counts(const unsigned int *counts, FILE *out)
{
	unsigned int i;

	fputs(",\n  \"counts\": {", out);
	for (i = 0; i < SPLAT_KINDS; i++)
		fprintf(out, "%s\n    \"%s\": %u", i ? "," : "", splat_name(i), counts[i]);
	fputs("\n  }", out);
}

void verdict_print(const struct verdict_facts *f, FILE *out)
{
	fprintf(out, "{\n  \"status\": %d", f->status);
	print_member("reason", f->reason, out);
	print_member("name", f->name, out);
	print_member("kernel", *f->kernel ? f->kernel : NULL, out);
	fprintf(out, ",\n  \"uptime\": %llu.%03llu", (unsigned long long)f->uptime_ms / 1000,
		(unsigned long long)f->uptime_ms % 1000);
	if (f->command < 0)
		fputs(",\n  \"command-status\": null", out);
	else
		fprintf(out, ",\n  \"command-status\": %d", f->command);
	print_counts(f->counts, out);
	print_member("splat-kind", f->splat ? splat_name(f->splat_kind) : NULL, out);
	print_member("splat", f->splat, out);
	print_member("panic", f->panic, out);
	print_member("vcpus", f->vcpus, out);
	fputs("\n}\n", out);
}

static int print_to_fd(const struct verdict_facts *f, int fd)
{
	FILE *out = fdopen(fd, "w");
	int ret = 0;

	if (!out) {
		ret = -errno;
		close(fd);
		return ret;
	}
	verdict_print(f, out);
	if (fflush(out) || ferror(out))
		ret = errno ? -errno : -EIO;
	if (fclose(out) && !ret)
		ret = -errno;
	return ret;
}

static int write_in_place(const struct verdict_facts *f, const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -errno : print_to_fd(f, fd);
}

/* As open(O_CREAT) would have made it. */
static mode_t usual_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

static int write_beside(const struct verdict_facts *f, const char *path, mode_t mode)
{
	char *tmp;
	int fd, ret;

	if (asprintf(&tmp, "%s.XXXXXX", path) < 0)
		return -ENOMEM;
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0) {
		ret = -errno;
		free(tmp);
		return ret;
	}
	ret = fchmod(fd, mode) ? -errno : 0;
	if (ret)
		close(fd);
	else
		ret = print_to_fd(f, fd);
	if (!ret && rename(tmp, path))
		ret = -errno;
	if (ret)
		unlink(tmp);
	free(tmp);
	return ret;
}

int verdict_write(const struct verdict_facts *f, const char *path)
{
	char *real = realpath(path, NULL);
	struct stat st;
	int ret;

	if (!real)
		return write_beside(f, path, usual_mode());
	if (stat(real, &st) < 0)
		ret = -errno;
	else if (!S_ISREG(st.st_mode))
		ret = write_in_place(f, real);
	else
		ret = write_beside(f, real, st.st_mode & 0777);
	free(real);
	return ret;
}
