// SPDX-License-Identifier: GPL-2.0
/*
 * The control server as its clients see it: over a real socket, with a guest
 * that has no machine.
 */
#include <kselftest_harness.h>

#include "qmp_link.h"

FIXTURE(qmp) {
	char dir[128];
	pid_t guest;
	struct link l;
};

FIXTURE_SETUP(qmp)
{
	signal(SIGPIPE, SIG_IGN);
	fake_dir_make(self->dir, sizeof(self->dir));
	self->guest = fake_guest_start("g");
	ASSERT_GT(self->guest, 0);
	ASSERT_TRUE(dial_in(&self->l));
}

FIXTURE_TEARDOWN(qmp)
{
	hang(&self->l);
	if (self->guest > 0)
		EXPECT_EQ(0, fake_guest_end(self->guest));
	fake_dir_remove(self->dir);
}

TEST_F(qmp, greeting)
{
	struct link l;
	json_t *msg, *version;

	ASSERT_TRUE(dial(&l));
	msg = hear(&l);
	version = json_object_get(json_object_get(msg, "QMP"), "version");
	EXPECT_STREQ("vmtool 1.2.3-fake", json_string_value(json_object_get(version, "package")));
	version = json_object_get(version, "qemu");
	EXPECT_EQ(1, json_integer_value(json_object_get(version, "major")));
	EXPECT_EQ(2, json_integer_value(json_object_get(version, "minor")));
	EXPECT_EQ(3, json_integer_value(json_object_get(version, "micro")));
	EXPECT_TRUE(json_is_array(json_object_get(json_object_get(msg, "QMP"), "capabilities")));
	json_decref(msg);
	hang(&l);
}

TEST_F(qmp, lines_end_with_crlf)
{
	struct link l;
	char *end;

	ASSERT_TRUE(dial(&l));
	while (!l.len || !(end = memchr(l.buf, '\n', l.len)))
		ASSERT_EQ(1, fill(&l, WAIT_MS));
	EXPECT_EQ('\r', end[-1]);
	hang(&l);
}

TEST_F(qmp, negotiation)
{
	struct link l;
	json_t *msg;

	ASSERT_TRUE(dial(&l));
	json_decref(hear(&l));
	msg = ask(&l, "{\"execute\":\"query-status\",\"id\":1}");
	EXPECT_STREQ("CommandNotFound", ERROR_CLASS(msg));
	EXPECT_EQ(1, json_integer_value(json_object_get(msg, "id")));
	json_decref(msg);
	msg = ask(&l, "{\"execute\":\"no-such-command\"}");
	EXPECT_STREQ("CommandNotFound", ERROR_CLASS(msg));
	json_decref(msg);
	msg = ask(&l, "{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"oob\"]}}");
	EXPECT_STREQ("GenericError", ERROR_CLASS(msg));
	json_decref(msg);
	/* It failed: not in command mode yet. */
	msg = ask(&l, "{\"execute\":\"query-status\"}");
	EXPECT_STREQ("CommandNotFound", ERROR_CLASS(msg));
	json_decref(msg);
	msg = ask(&l, "{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[]}}");
	EXPECT_TRUE(json_is_object(json_object_get(msg, "return")));
	json_decref(msg);
	msg = ask(&l, "{\"execute\":\"qmp_capabilities\"}");
	EXPECT_STREQ("CommandNotFound", ERROR_CLASS(msg));
	json_decref(msg);
	msg = ask(&l, "{\"execute\":\"query-status\"}");
	EXPECT_STREQ("running", text_at(msg, "return", "status"));
	json_decref(msg);
	hang(&l);
}

TEST_F(qmp, id_comes_back)
{
	static const char *const ids[] = {
		"1", "-9223372036854775808", "\"x\\u00e9\\n\"", "null", "true", "[1,{\"a\":[]}]",
		"{\"a\":{}}", "1.5",
	};
	char line[128];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		json_t *want = json_loads(ids[i], JSON_DECODE_ANY, NULL), *msg;

		snprintf(line, sizeof(line), "{\"execute\":\"query-name\",\"id\":%s}", ids[i]);
		msg = ask(&self->l, line);
		EXPECT_TRUE(json_equal(want, json_object_get(msg, "id"))) TH_LOG("id %s", ids[i]);
		EXPECT_STREQ("g", text_at(msg, "return", "name"));
		json_decref(msg);
		snprintf(line, sizeof(line), "{\"execute\":\"nope\",\"id\":%s}", ids[i]);
		msg = ask(&self->l, line);
		EXPECT_TRUE(json_equal(want, json_object_get(msg, "id")));
		EXPECT_STREQ("CommandNotFound", ERROR_CLASS(msg));
		json_decref(msg);
		json_decref(want);
	}
	{
		json_t *msg = ask(&self->l, "{\"execute\":\"query-name\"}");

		EXPECT_EQ(NULL, json_object_get(msg, "id"));
		json_decref(msg);
	}
}

TEST_F(qmp, queries)
{
	json_t *msg, *ret, *cpu;

	msg = ask(&self->l, "{\"execute\":\"query-version\"}");
	EXPECT_STREQ("vmtool 1.2.3-fake", text_at(msg, "return", "package"));
	json_decref(msg);

	msg = ask(&self->l, "{\"execute\":\"query-status\"}");
	ret = json_object_get(msg, "return");
	EXPECT_STREQ("running", text_at(msg, "return", "status"));
	EXPECT_TRUE(json_is_true(json_object_get(ret, "running")));
	EXPECT_TRUE(json_is_false(json_object_get(ret, "singlestep")));
	json_decref(msg);

	msg = ask(&self->l, "{\"execute\":\"query-cpus-fast\"}");
	ret = json_object_get(msg, "return");
	ASSERT_EQ(FAKE_CPUS, json_array_size(ret));
	cpu = json_array_get(ret, 2);
	EXPECT_EQ(2, json_integer_value(json_object_get(cpu, "cpu-index")));
	EXPECT_EQ(1002, json_integer_value(json_object_get(cpu, "thread-id")));
	EXPECT_STREQ("x86_64", json_string_value(json_object_get(cpu, "target")));
	EXPECT_TRUE(json_is_string(json_object_get(cpu, "qom-path")));
	EXPECT_TRUE(json_is_object(json_object_get(cpu, "props")));
	json_decref(msg);

	msg = ask(&self->l, "{\"execute\":\"x-query-guest\"}");
	ret = json_object_get(msg, "return");
	EXPECT_STREQ("g", text_at(msg, "return", "name"));
	EXPECT_STREQ("running", text_at(msg, "return", "state"));
	EXPECT_STREQ("6.1.0-fake (?[31mred?[0m ?) #1", text_at(msg, "return", "kernel"));
	EXPECT_EQ(self->guest, json_integer_value(json_object_get(ret, "pid")));
	EXPECT_EQ(FAKE_CPUS, json_integer_value(json_object_get(ret, "cpus")));
	EXPECT_EQ((json_int_t)FAKE_MEMORY, json_integer_value(json_object_get(ret, "memory")));
	EXPECT_EQ(0, json_integer_value(json_object_get(ret, "resets")));
	EXPECT_LE(0, json_integer_value(json_object_get(ret, "uptime")));
	EXPECT_GT(30, json_integer_value(json_object_get(ret, "uptime")));
	json_decref(msg);
}

static json_t *find_command(json_t *list, const char *name)
{
	json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry)
		if (!strcmp(name, json_string_value(json_object_get(entry, "name"))))
			return entry;
	return NULL;
}

TEST_F(qmp, query_commands_tells_all)
{
	static const char *const wanted[] = {
		"qmp_capabilities", "query-version", "query-status", "query-name",
		"query-commands", "query-cpus-fast", "x-query-guest", "stop", "cont",
		"system_powerdown", "system_reset", "quit", "test-echo",
	};
	json_t *msg = ask(&self->l, "{\"execute\":\"query-commands\"}"), *list, *args;
	unsigned int i;

	list = json_object_get(msg, "return");
	for (i = 0; i < ARRAY_SIZE(wanted); i++)
		EXPECT_NE(NULL, find_command(list, wanted[i])) TH_LOG("no command %u", i);
	args = json_object_get(find_command(list, "test-echo"), "arguments");
	ASSERT_EQ(4, json_array_size(args));
	EXPECT_STREQ("text", json_string_value(json_object_get(json_array_get(args, 0), "name")));
	EXPECT_STREQ("list", json_string_value(json_object_get(json_array_get(args, 3), "type")));
	EXPECT_TRUE(json_is_false(json_object_get(json_array_get(args, 0), "optional")));
	json_decref(msg);
}

TEST_F(qmp, arguments_are_checked)
{
	static const struct {
		const char *args;
		const char *says;
	} bad[] = {
		{ "{}", "argument 'text' of 'test-echo' is missing" },
		{ "{\"text\":1}", "argument 'text' of 'test-echo' must be of type string" },
		{ "{\"text\":\"a\",\"number\":1.0}", "'number' of 'test-echo' must be of type i" },
		{ "{\"text\":\"a\",\"number\":\"1\"}", "must be of type int" },
		{ "{\"text\":\"a\",\"truth\":0}", "must be of type bool" },
		{ "{\"text\":\"a\",\"list\":{}}", "must be of type list" },
		{ "{\"text\":null}", "must be of type string" },
		{ "{\"text\":\"a\",\"TEXT\":\"b\"}", "'test-echo' has no argument 'TEXT'" },
		{ "[]", "'arguments' must be an object" },
		{ "null", "'arguments' must be an object" },
	};
	unsigned int i;
	json_t *msg;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		msg = ask_command(&self->l, "test-echo", bad[i].args);
		EXPECT_STREQ("GenericError", ERROR_CLASS(msg));
		EXPECT_NE(NULL, strstr(text_at(msg, "error", "desc"), bad[i].says))
			TH_LOG("%s: %s", bad[i].args, text_at(msg, "error", "desc"));
		json_decref(msg);
	}
	msg = ask(&self->l, "{\"execute\":\"query-name\",\"arguments\":{\"x\":1}}");
	EXPECT_STREQ("GenericError", ERROR_CLASS(msg));
	json_decref(msg);
	msg = ask_command(&self->l, "test-echo",
			  "{\"text\":\"a\",\"number\":-5,\"truth\":true,\"list\":[1,2]}");
	EXPECT_STREQ("a", text_at(msg, "return", "text"));
	EXPECT_EQ(-5, json_integer_value(json_object_get(json_object_get(msg, "return"),
							 "number")));
	json_decref(msg);
}

/* Wrong, but JSON: an answer each, and the connection goes on. */
TEST_F(qmp, wrong_requests)
{
	static const char *const bad[] = {
		"[]", "1", "\"stop\"", "null", "{}", "{\"execute\":1}", "{\"execute\":null}",
		"{\"exec-oob\":\"stop\"}", "{\"execute\":\"query-name\",\"extra\":1}",
		"{\"execute\":\"\"}", "{\"execute\":\"test-fail-silently\"}",
		"{\"execute\":\"\\ud83d\\ude00\\u001b[2J\"}",
	};
	unsigned int i;
	json_t *msg;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		msg = ask(&self->l, bad[i]);
		EXPECT_NE(0, strlen(ERROR_CLASS(msg))) TH_LOG("%s", bad[i]);
		EXPECT_NE(0, strlen(text_at(msg, "error", "desc"))) TH_LOG("%s", bad[i]);
		EXPECT_EQ(NULL, strchr(text_at(msg, "error", "desc"), '\033'));
		json_decref(msg);
	}
	msg = ask(&self->l, "{\"execute\":\"test-fail\"}");
	EXPECT_STREQ("DeviceNotFound", ERROR_CLASS(msg));
	EXPECT_STREQ("no \xc3\xa9t? ?[0m", text_at(msg, "error", "desc"));
	json_decref(msg);
	/* Blank lines are nothing at all. */
	ASSERT_TRUE(say(&self->l, "\r\n\n  \t\r\n"));
	msg = ask(&self->l, "  {\"execute\" : \"query-name\"}  \r");
	EXPECT_STREQ("g", text_at(msg, "return", "name"));
	json_decref(msg);
}

/* A name as long as a request may be, cut within a character. */
TEST_F(qmp, long_unknown_names)
{
	char line[4096] = "{\"execute\":\"";
	size_t len, pad;
	json_t *msg;

	for (pad = 0; pad < 4; pad++) {
		len = strlen("{\"execute\":\"");
		memset(line + len, 'a', pad);
		len += pad;
		while (len < 2000) {
			memcpy(line + len, "\xe2\x82\xac", 3);
			len += 3;
		}
		sprintf(line + len, "\"}");
		msg = ask(&self->l, line);
		EXPECT_STREQ("CommandNotFound", ERROR_CLASS(msg)) TH_LOG("pad %zu", pad);
		json_decref(msg);
	}
}

TEST_F(qmp, stop_cont_reset)
{
	struct link watcher;
	json_t *msg, *when;

	ASSERT_TRUE(dial_in(&watcher));
	msg = ask(&self->l, "{\"execute\":\"stop\"}");
	EXPECT_TRUE(json_is_object(json_object_get(msg, "return")));
	json_decref(msg);
	msg = event(&watcher, "STOP");
	EXPECT_NE(NULL, msg);
	EXPECT_EQ(NULL, json_object_get(msg, "data"));
	when = json_object_get(msg, "timestamp");
	EXPECT_GE(2, time(NULL) - json_integer_value(json_object_get(when, "seconds")));
	EXPECT_GT(1000000, json_integer_value(json_object_get(when, "microseconds")));
	json_decref(msg);
	msg = ask(&self->l, "{\"execute\":\"query-status\"}");
	EXPECT_STREQ("paused", text_at(msg, "return", "status"));
	EXPECT_TRUE(json_is_false(json_object_get(json_object_get(msg, "return"), "running")));
	json_decref(msg);
	msg = ask(&self->l, "{\"execute\":\"test-set\"}");
	EXPECT_TRUE(json_is_true(json_object_get(msg, "return")));
	json_decref(msg);
	/* Cannot power off while nothing runs; says so. */
	msg = ask(&self->l, "{\"execute\":\"system_powerdown\"}");
	EXPECT_STREQ("GenericError", ERROR_CLASS(msg));
	json_decref(msg);
	msg = ask(&self->l, "{\"execute\":\"cont\"}");
	EXPECT_TRUE(json_is_object(json_object_get(msg, "return")));
	json_decref(msg);
	msg = event(&watcher, "RESUME");
	EXPECT_NE(NULL, msg);
	json_decref(msg);
	msg = ask(&self->l, "{\"execute\":\"system_reset\"}");
	EXPECT_TRUE(json_is_object(json_object_get(msg, "return")));
	json_decref(msg);
	msg = event(&watcher, "RESET");
	EXPECT_STREQ("host-qmp-system-reset", text_at(msg, "data", "reason"));
	EXPECT_TRUE(json_is_false(json_object_get(json_object_get(msg, "data"), "guest")));
	json_decref(msg);
	msg = ask(&self->l, "{\"execute\":\"test-cause\",\"arguments\":{\"cause\":6}}");
	json_decref(msg);
	msg = event(&watcher, "RESET");
	EXPECT_STREQ("guest-reset", text_at(msg, "data", "reason"));
	EXPECT_TRUE(json_is_true(json_object_get(json_object_get(msg, "data"), "guest")));
	json_decref(msg);
	msg = ask(&self->l, "{\"execute\":\"x-query-guest\"}");
	EXPECT_EQ(2, json_integer_value(json_object_get(json_object_get(msg, "return"),
							"resets")));
	json_decref(msg);
	hang(&watcher);
}

TEST_F(qmp, reset_that_fails_ends_the_guest)
{
	json_t *msg;

	json_decref(ask(&self->l, "{\"execute\":\"test-set\",\"arguments\":{\"reset-error\":5}}"));
	ASSERT_TRUE(say(&self->l, "{\"execute\":\"system_reset\"}"));
	msg = event(&self->l, "SHUTDOWN");
	EXPECT_STREQ("host-error", text_at(msg, "data", "reason"));
	json_decref(msg);
	msg = hear(&self->l);
	EXPECT_STREQ("GenericError", ERROR_CLASS(msg));
	json_decref(msg);
	EXPECT_TRUE(at_end(&self->l));
	EXPECT_EQ(0, fake_guest_wait(self->guest, 5));
	self->guest = -1;
}

TEST_F(qmp, events_need_command_mode)
{
	struct link l;
	json_t *msg;

	ASSERT_TRUE(dial(&l));
	json_decref(hear(&l));
	json_decref(ask(&self->l, "{\"execute\":\"stop\"}"));
	msg = ask(&l, "{\"execute\":\"qmp_capabilities\",\"id\":1}");
	EXPECT_EQ(1, json_integer_value(json_object_get(msg, "id")));
	json_decref(msg);
	/* Had STOP been sent, it would come now. */
	ASSERT_TRUE(say(&self->l, "{\"execute\":\"cont\"}"));
	msg = event(&l, "RESUME");
	EXPECT_NE(NULL, msg);
	json_decref(msg);
	hang(&l);
}

TEST_F(qmp, quit_is_answered)
{
	struct link watcher;
	json_t *msg;

	ASSERT_TRUE(dial_in(&watcher));
	ASSERT_TRUE(say(&self->l, "{\"execute\":\"quit\",\"id\":\"q\"}"));
	msg = hear(&self->l);
	EXPECT_STREQ("q", json_string_value(json_object_get(msg, "id")));
	EXPECT_TRUE(json_is_object(json_object_get(msg, "return")));
	json_decref(msg);
	msg = event(&self->l, "SHUTDOWN");
	EXPECT_STREQ("host-qmp-quit", text_at(msg, "data", "reason"));
	json_decref(msg);
	EXPECT_TRUE(at_end(&self->l));
	msg = event(&watcher, "SHUTDOWN");
	EXPECT_STREQ("host-qmp-quit", text_at(msg, "data", "reason"));
	json_decref(msg);
	EXPECT_TRUE(at_end(&watcher));
	hang(&watcher);
	EXPECT_EQ(0, fake_guest_wait(self->guest, 5));
	self->guest = -1;
}

TEST_F(qmp, powerdown)
{
	json_t *msg;

	json_decref(ask(&self->l, "{\"execute\":\"test-set\",\"arguments\":{\"deaf\":true}}"));
	msg = ask(&self->l, "{\"execute\":\"system_powerdown\"}");
	EXPECT_STREQ("GenericError", ERROR_CLASS(msg));
	EXPECT_NE(NULL, strstr(text_at(msg, "error", "desc"), "does not listen"));
	json_decref(msg);
	json_decref(ask(&self->l, "{\"execute\":\"test-set\"}"));
	ASSERT_TRUE(say(&self->l, "{\"execute\":\"system_powerdown\"}"));
	msg = event(&self->l, "POWERDOWN");
	EXPECT_NE(NULL, msg);
	json_decref(msg);
	json_decref(hear(&self->l));
	msg = event(&self->l, "SHUTDOWN");
	EXPECT_STREQ("guest-shutdown", text_at(msg, "data", "reason"));
	EXPECT_TRUE(json_is_true(json_object_get(json_object_get(msg, "data"), "guest")));
	json_decref(msg);
	EXPECT_TRUE(at_end(&self->l));
}

FIXTURE(ending) {
	char dir[128];
	pid_t guest;
	struct link l;
};

FIXTURE_VARIANT(ending) {
	enum run_cause cause;
	const char *reason;
	bool guest;
};

FIXTURE_VARIANT_ADD(ending, signal) { RUN_BY_HOST_SIGNAL, "host-signal", false };
FIXTURE_VARIANT_ADD(ending, ui) { RUN_BY_HOST_UI, "host-ui", false };
FIXTURE_VARIANT_ADD(ending, error) { RUN_BY_HOST_ERROR, "host-error", false };
FIXTURE_VARIANT_ADD(ending, timeout) { RUN_BY_TIMEOUT, "host-timeout", false };
FIXTURE_VARIANT_ADD(ending, poweroff) { RUN_BY_GUEST_POWEROFF, "guest-shutdown", true };
FIXTURE_VARIANT_ADD(ending, triple) { RUN_BY_GUEST_TRIPLE_FAULT, "guest-reset", true };
FIXTURE_VARIANT_ADD(ending, panic) { RUN_BY_GUEST_PANIC, "guest-panic", true };

FIXTURE_SETUP(ending)
{
	fake_dir_make(self->dir, sizeof(self->dir));
	self->guest = fake_guest_start("g");
	ASSERT_GT(self->guest, 0);
	ASSERT_TRUE(dial_in(&self->l));
}

FIXTURE_TEARDOWN(ending)
{
	hang(&self->l);
	EXPECT_EQ(0, fake_guest_wait(self->guest, 10));
	fake_dir_remove(self->dir);
}

TEST_F(ending, reason)
{
	char line[80];
	json_t *msg;

	snprintf(line, sizeof(line), "{\"execute\":\"test-cause\",\"arguments\":{\"cause\":%d}}",
		 variant->cause);
	json_decref(ask(&self->l, line));
	if (variant->cause == RUN_BY_GUEST_PANIC) {
		msg = event(&self->l, "GUEST_PANICKED");
		EXPECT_STREQ("poweroff", text_at(msg, "data", "action"));
		json_decref(msg);
	}
	msg = event(&self->l, "SHUTDOWN");
	EXPECT_STREQ(variant->reason, text_at(msg, "data", "reason"));
	EXPECT_EQ(variant->guest,
		  json_is_true(json_object_get(json_object_get(msg, "data"), "guest")));
	json_decref(msg);
	EXPECT_TRUE(at_end(&self->l));
}

TEST_HARNESS_MAIN
