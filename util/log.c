// SPDX-License-Identifier: GPL-2.0
/*
 * Messages for the user. The level is the one piece of state that vmtool keeps
 * at file scope: every floor prints, and handing a log object to each of them
 * would make every interface wider for it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <vmtool/log.h>

static enum log_level log_level = LOG_INFO;

void log_set_level(enum log_level level)
{
	log_level = level;
}

bool log_enabled(enum log_level level)
{
	return level <= log_level;
}

void log_msg(enum log_level level, const char *fmt, ...)
{
	static const char prefix[] = "vmtool: ";
	int saved = errno;
	char line[1024];
	size_t len = sizeof(prefix) - 1;
	va_list ap;
	int n;

	if (!log_enabled(level))
		return;

	memcpy(line, prefix, len);
	errno = saved;
	va_start(ap, fmt);
	n = vsnprintf(line + len, sizeof(line) - len - 1, fmt, ap);
	va_end(ap);
	if (n > 0)
		len += n;
	if (len > sizeof(line) - 2)
		len = sizeof(line) - 2;
	line[len++] = '\n';
	/* Nobody is left to tell of an error. */
	(void)!write(STDERR_FILENO, line, len);
	errno = saved;
}

bool log_limited(struct log_limit *limit)
{
	unsigned int nr = __atomic_fetch_add(&limit->count, 1, __ATOMIC_RELAXED);

	if (nr == LOG_LIMIT_BURST)
		log_msg(LOG_WARN, "further messages of this kind are dropped");
	/* Stay away from the wrap: the guest chooses how often we come here. */
	if (nr > LOG_LIMIT_BURST)
		__atomic_store_n(&limit->count, LOG_LIMIT_BURST + 1, __ATOMIC_RELAXED);
	return nr < LOG_LIMIT_BURST;
}
