// SPDX-License-Identifier: GPL-2.0
/*
 * One guest runs many tests. A script in it reads from its standard input which is
 * next, and says on the stream that the tests' output is on when one has ended. Each
 * test has a new secret word that such a message needs, so that no test can speak for
 * another; that a test may tell lies about itself nobody can help.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <linux/kernel.h>

#include "internal.h"

#define MESSAGE_MAX	64

/*
 * $1: the installed tests, $2: secret word of the first message. On stdin, a line for
 * each test: secret word, seconds (0: no limit), collection, program. What is done for
 * a test is what kselftest/runner.sh does.
 */
const char ktest_runner[] =
	"base=$1 word=$2 setlimit= lines=\n"
	"taint() {\n"
	"	taint=0\n"
	"	[ ! -r /proc/sys/kernel/tainted ] || read -r taint < /proc/sys/kernel/tainted\n"
	"}\n"
	"! command -v timeout > /dev/null || setlimit=y\n"
	"! command -v stdbuf > /dev/null || lines='stdbuf --output=L'\n"
	"run() {\n"
	"	name=${3##*/}\n"
	"	cd \"$base/$2\" || return 1\n"
	"	case $3 in */*) cd \"${3%/*}\" || return 1 ;; esac\n"
	"	if [ ! -e \"$name\" ]; then\n"
	"		echo \"# $2/$3 is missing\"\n"
	"		return 1\n"
	"	fi\n"
	"	var=$(printf %s \"$name\" | tr -c '[:alnum:]_' _ | tr '[:lower:]' '[:upper:]')\n"
	"	eval \"args=\\${KSELFTEST_${var}_ARGS-}\"\n"
	"	cmd=./$name\n"
	"	if [ ! -x \"$name\" ] && [ -x ./ksft_runner.sh ]; then\n"
	"		cmd=\"./ksft_runner.sh ./$name\"\n"
	"	elif [ ! -x \"$name\" ]; then\n"
	"		echo \"# $2/$3 is not executable\"\n"
	"		read -r first < \"$name\"\n"
	"		case $first in '#!'*) cmd=\"${first#??} ./$name\" ;; *) return 1 ;; esac\n"
	"	fi\n"
	"	export kselftest_timeout=\"$1\"\n"
	"	# shellcheck disable=SC2086\n"
	"	if [ \"$1\" != 0 ] && [ \"$setlimit\" ]; then\n"
	"		exec timeout -k 5 \"$1\" $lines $cmd $args\n"
	"	fi\n"
	"	exec $lines $cmd $args\n"
	"}\n"
	"taint\n"
	"printf '\\n@vmtool %s ready %s\\n' \"$word\" \"$taint\"\n"
	"while read -r word limit dir program; do\n"
	"	[ ! -w /dev/kmsg ] || echo \"kselftest: Running $dir:$program\" > /dev/kmsg\n"
	"	(run \"$limit\" \"$dir\" \"$program\") < /dev/null 2>&1\n"
	"	status=$?\n"
	"	taint\n"
	"	printf '\\n@vmtool %s end %s %s\\n' \"$word\" \"$status\" \"$taint\"\n"
	"done\n"
	"exit 0\n";

int frame_nonce(char *nonce)
{
	unsigned char raw[(NONCE_SIZE - 1) / 2];
	size_t i;

	if (getrandom(raw, sizeof(raw), 0) != sizeof(raw))
		return errno ? -errno : -EIO;
	for (i = 0; i < sizeof(raw); i++)
		snprintf(nonce + 2 * i, 3, "%02x", raw[i]);
	return 0;
}

void frame_expect(struct frame *f, const char *nonce)
{
	f->held = 0;
	f->mark_len = snprintf(f->mark, sizeof(f->mark), "\n@vmtool %s ", nonce);
}

/* What was held back is no message. */
static void give_up(struct frame *f)
{
	size_t len = f->held;

	f->held = 0;
	if (len)
		f->output(f->priv, f->hold, len);
}

static void complete(struct frame *f)
{
	char text[MESSAGE_MAX];
	size_t len = f->held - f->mark_len;

	memcpy(text, f->hold + f->mark_len, len);
	text[len] = '\0';
	f->held = 0;
	/* Once: it was the only message with this word. */
	f->mark_len = 0;
	f->message(f->priv, text);
}

static void hold_byte(struct frame *f, char c)
{
	if (f->held < f->mark_len) {
		if (c != f->mark[f->held]) {
			give_up(f);
			if (c != '\n') {
				f->output(f->priv, &c, 1);
				return;
			}
		}
		f->hold[f->held++] = c;
	} else if (c == '\n') {
		complete(f);
	} else if (f->held - f->mark_len < MESSAGE_MAX - 1) {
		f->hold[f->held++] = c;
	} else {
		give_up(f);
		f->output(f->priv, &c, 1);
	}
}

void frame_feed(struct frame *f, const char *buf, size_t len)
{
	const char *nl;
	size_t n;

	while (len) {
		if (f->mark_len && (f->held || *buf == '\n')) {
			hold_byte(f, *buf++);
			len--;
			continue;
		}
		/* Up to where a message may begin. */
		nl = f->mark_len ? memchr(buf, '\n', len) : NULL;
		n = nl ? (size_t)(nl - buf) : len;
		f->output(f->priv, buf, n);
		buf += n;
		len -= n;
	}
}
