/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMTOOL_JSON_OUT_H
#define VMTOOL_JSON_OUT_H

#include <stdbool.h>
#include <stdio.h>
#include <linux/types.h>

/*
 * JSON written to a stream (RFC 8259), so that a vmtool without a JSON library writes its
 * files as well. Members come in the order they are named in, a line each. A name is NULL
 * in an array.
 */

/**
 * struct json_out - a text that is being written
 * @out: stream, the caller's; errors are found there
 * @depth: objects and arrays that are open
 * @empty: the innermost of them has nothing in it yet
 */
struct json_out {
	FILE *out;
	unsigned int depth;
	bool empty;
};

/**
 * json_begin() - begin an object or an array
 * @j: text; at first all but @out is 0
 * @name: member, or NULL
 * @bracket: '{' or '['
 */
void json_begin(struct json_out *j, const char *name, char bracket);

/**
 * json_end() - end what was begun last
 * @j: text
 * @bracket: '}' or ']'
 *
 * The outermost end is followed by a newline.
 */
void json_end(struct json_out *j, char bracket);

/**
 * json_u64() - a number
 * @j: text
 * @name: member, or NULL
 * @val: value
 */
void json_u64(struct json_out *j, const char *name, u64 val);

/**
 * json_bool() - true or false
 * @j: text
 * @name: member, or NULL
 * @val: value
 */
void json_bool(struct json_out *j, const char *name, bool val);

/**
 * json_fixed() - a number with three decimals
 * @j: text
 * @name: member, or NULL
 * @thousandths: its value, times 1000
 */
void json_fixed(struct json_out *j, const char *name, u64 thousandths);

/**
 * json_text() - a string
 * @j: text
 * @name: member, or NULL
 * @text: value; what is not UTF-8 becomes U+FFFD; NULL for null
 */
void json_text(struct json_out *j, const char *name, const char *text);

#endif /* VMTOOL_JSON_OUT_H */
