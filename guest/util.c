// SPDX-License-Identifier: GPL-2.0
#include "guest.h"

char *join(char *buf, size_t size, const char *a, const char *b, const char *c)
{
	const char *const parts[] = { a, b, c };
	size_t n = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		const char *s = parts[i];

		while (s && *s && n + 1 < size)
			buf[n++] = *s++;
	}
	buf[n] = '\0';
	return buf;
}

char *number(char *buf, unsigned long n)
{
	char *p = buf + 20;

	*p = '\0';
	do {
		*--p = '0' + n % 10;
		n /= 10;
	} while (n);
	return p;
}

unsigned int parse_octal(const char *s, unsigned int dflt)
{
	unsigned int n = 0;

	if (!*s)
		return dflt;
	while (*s >= '0' && *s <= '7')
		n = n * 8 + (*s++ - '0');
	return n & 07777;
}

static char *said(void)
{
	static char text[200];

	return text;
}

const char *last_said(void)
{
	return said();
}

static const char *reason(int err)
{
	static const struct {
		int err;
		const char *text;
	} texts[] = {
		{ ENOENT, "no such file or directory" },
		{ ENODEV, "no such device or file system" },
		{ EACCES, "permission denied" },
		{ EPERM, "not permitted" },
		{ EINVAL, "invalid argument" },
		{ ENOEXEC, "not for this kernel or machine" },
		{ ENOTDIR, "not a directory" },
		{ EROFS, "read-only" },
		{ EIO, "input/output error" },
		{ ENOMEM, "out of memory" },
		{ EREMOTE, "a mount point of the host below an overlay" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(texts); i++)
		if (texts[i].err == -err)
			return texts[i].text;
	return NULL;
}

void say(const char *what, const char *arg, int err)
{
	char digits[24], text[200], line[200];
	const char *why = err ? reason(err) : NULL;
	long fd;

	join(text, sizeof(text), what, arg && *arg ? " " : "", arg);
	if (why)
		join(line, sizeof(line), text, ": ", why);
	else if (err)
		join(line, sizeof(line), text, ": error ", number(digits, -err));
	else
		join(line, sizeof(line), text, "", "");
	join(said(), sizeof(line), line, "", "");
	/* <3>: as an error; but for what needs no reason it is just news. */
	join(text, sizeof(text), err ? "<3>" : "<6>", "vmtool-init: ", line);
	fd = k_openat("/dev/kmsg", O_WRONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return;
	k_write(fd, text, strlen(text));
	k_close(fd);
}

long slurp(const char *path, char *buf, size_t size)
{
	long fd = k_openat(path, O_RDONLY | O_CLOEXEC, 0), n;
	size_t len = 0;

	if (fd < 0)
		return fd;
	while ((n = k_read(fd, buf + len, size - 1 - len)) > 0)
		len += n;
	k_close(fd);
	buf[len] = '\0';
	return n < 0 ? n : (long)len;
}
