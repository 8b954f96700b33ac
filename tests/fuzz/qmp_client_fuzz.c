// SPDX-License-Identifier: GPL-2.0
/*
 * Answers the client of the control socket with any bytes. It must come to an
 * end, with a reason, and pass nothing on that a terminal would obey.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <jansson.h>

#include <vmtool/qmp_client.h>

#include "fuzz.h"

#define MOST	65536	/* what a socket holds at once */

static void check_text(const char *text)
{
	for (; *text; text++)
		CHECK((unsigned char)*text >= 0x20 && *text != 0x7f);
}

static void check_answer(json_t *ret)
{
	char buf[32];

	if (qmp_member_text(ret, "state", buf, sizeof(buf)))
		check_text(buf);
	json_decref(ret);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct qmp_client c = { };
	struct qmp_error err = { };
	json_t *ret = NULL;
	int fds[2], status;

	if (size > MOST)
		return 0;
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds));
	CHECK(!size || send(fds[1], data, size, MSG_NOSIGNAL) == (ssize_t)size);
	shutdown(fds[1], SHUT_WR);
	c.fd = fds[0];
	status = qmp_client_execute(&c, "x", NULL, 1000, &ret, &err);
	/* All is there: the time cannot have run out. */
	CHECK(status != -ETIMEDOUT);
	CHECK(!status == !!ret);
	if (status) {
		CHECK(err.desc[0]);
		check_text(err.desc);
	}
	check_answer(ret);
	if (!status)
		CHECK(qmp_client_wait_event(&c, "E", qmp_deadline(1000)) != -ETIMEDOUT);
	qmp_client_close(&c);
	close(fds[1]);
	return 0;
}
