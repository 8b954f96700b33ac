/* SPDX-License-Identifier: GPL-2.0 */
#ifndef AGENT_CLIENT_H
#define AGENT_CLIENT_H

#include <vmtool/agent_client.h>

#define CLIENT_QUEUE_HIGH	AGENT_WINDOW	/* above, stdin is not read */
#define CLIENT_QUEUE_MAX	(AGENT_OPEN_MAX + 2 * AGENT_WINDOW)

/**
 * client_put() - send a frame to the router
 * @c: client
 * @type: AGENT_*
 * @stream: stream
 * @data: payload
 * @len: its bytes
 */
void client_put(struct agent_client *c, u8 type, u8 stream, const void *data, size_t len);

/**
 * client_update() - send what there is, and wait for what may come
 * @c: client; it may be at its end afterwards
 */
void client_update(struct agent_client *c);

/**
 * client_input_open() - begin with stdin
 * @c: client
 *
 * Return: 0 or -errno.
 */
int client_input_open(struct agent_client *c);

/**
 * client_input_service() - read stdin as far as that is possible
 * @c: client
 */
void client_input_service(struct agent_client *c);

/**
 * client_input_end() - no more of stdin is wanted
 * @c: client
 */
void client_input_end(struct agent_client *c);

/**
 * client_output_open() - begin with stdout or stderr
 * @c: client
 * @stream: 1 or 2
 *
 * Return: 0 or -errno.
 */
int client_output_open(struct agent_client *c, int stream);

/**
 * client_output() - data of a command
 * @c: client
 * @f: frame
 *
 * Return: 0, or -EPROTO when there are more than it had credit for.
 */
int client_output(struct agent_client *c, const struct agent_frame *f);

/**
 * client_output_close() - forget what was not written
 * @o: output
 */
void client_output_close(struct client_output *o);

#endif /* AGENT_CLIENT_H */
