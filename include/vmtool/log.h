/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_LOG_H
#define VMTOOL_LOG_H

#include <stdarg.h>
#include <stdbool.h>

#include <linux/compiler.h>

/**
 * enum log_level - how much is said on stderr
 * @LOG_ERROR:	what made a command fail
 * @LOG_WARN:	what works less well than asked for
 * @LOG_INFO:	what a user may want to know (the default)
 * @LOG_DEBUG:	what a developer of vmtool wants to know
 */
enum log_level {
	LOG_ERROR,
	LOG_WARN,
	LOG_INFO,
	LOG_DEBUG,
};

/**
 * log_set_level() - choose the least important messages still shown
 * @level: messages above this level are dropped
 */
void log_set_level(enum log_level level);

/**
 * log_enabled() - would a message of this level be shown?
 * @level: the level asked about
 *
 * Return: true when log_msg() would print it.
 */
bool log_enabled(enum log_level level);

/**
 * log_msg() - print one line "vmtool: ..." on stderr
 * @level: importance of the message
 * @fmt: printf format, lower case, no full stop, no newline
 *
 * The line is written by one write(2), so that lines of several threads and
 * guests do not mix; errno is preserved.
 */
__printf(2, 3) void log_msg(enum log_level level, const char *fmt, ...);

#define log_err(...)	log_msg(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)	log_msg(LOG_WARN, __VA_ARGS__)
#define log_info(...)	log_msg(LOG_INFO, __VA_ARGS__)
#define log_debug(...)	log_msg(LOG_DEBUG, __VA_ARGS__)

/**
 * struct log_limit - budget of messages that a guest can cause
 * @count: messages asked for so far
 *
 * Zero-initialised by its owner. A guest can repeat its mistake at will; the
 * log cannot be made to grow with it.
 */
struct log_limit {
	unsigned int count;
};

#define LOG_LIMIT_BURST	10

/**
 * log_limited() - may a message that the guest caused be printed?
 * @limit: the budget of the device or vCPU
 *
 * Return: true for the first LOG_LIMIT_BURST calls, false afterwards.
 */
bool log_limited(struct log_limit *limit);

#define log_guest(limit, ...)					\
	do {							\
		if (log_limited(limit))				\
			log_warn(__VA_ARGS__);			\
	} while (0)

#endif /* VMTOOL_LOG_H */
