/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_P9_H
#define VMTOOL_P9_H

#include <vmtool/share.h>

/*
 * A file server that speaks 9P2000.L: one request in, one reply out, on the buffers
 * of a chain. It knows of messages and fids; what they do to files is done by a
 * share. One thread at a time uses it, the same one for every request.
 */

struct p9_server;
struct vq_chain;

#define P9_FIDS_MAX	1048576

/**
 * p9_create() - share a directory
 * @server: set to the server, for p9_destroy()
 * @opts: directory, and how it is shared
 * @max_fids: fids that the client may have at a time, 1 to P9_FIDS_MAX
 *
 * Return: 0; -ENOMEM; or -errno after a one-line message.
 */
int p9_create(struct p9_server **server, const struct share_opts *opts,
	      unsigned int max_fids);

/**
 * p9_serve() - answer a request
 * @s: server
 * @c: the request, with room for the reply; what was written is in @c->in_pos
 *
 * Whatever the request is, it is answered, by Rlerror if need be.
 *
 * Return: 0; -EMSGSIZE when there is no room for even that, and nothing was
 * written or done.
 */
int p9_serve(struct p9_server *s, struct vq_chain *c);

/**
 * p9_reset() - end the session: all fids and locks are given up
 * @s: server; called while no request is served
 */
void p9_reset(struct p9_server *s);

/**
 * p9_destroy() - release everything
 * @s: server, or NULL
 */
void p9_destroy(struct p9_server *s);

#endif /* VMTOOL_P9_H */
