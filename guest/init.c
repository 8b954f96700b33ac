// SPDX-License-Identifier: GPL-2.0
/*
 * The first process of the guest: carries out /vmtool.conf, then becomes the agent,
 * then powers off.
 */
#include "guest.h"

#define CONF_SIZE	(256 * 1024)

struct todo {
	const char *name;
	int fields;
	int (*fn)(const struct directive *d);
};

static const struct todo todos[] = {
	{ "module", 2, do_module },
	{ "root", 5, do_root },
	{ "mount", 6, do_mount },
	{ "tmpfs", 2, do_tmpfs },
	{ "copy", 3, do_copy },
	{ "hostname", 2, do_hostname },
	{ "resolv", 2, do_resolv },
};

/* The port's name is kept in @port: the agent begins when all is done. */
static int carry_out(const struct directive *d, char *port, size_t size)
{
	unsigned int i;

	if (!strcmp(d->field[0], "agent")) {
		join(port, size, d->field[1], "", "");
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(todos); i++) {
		if (strcmp(d->field[0], todos[i].name))
			continue;
		if (d->nr >= todos[i].fields)
			return todos[i].fn(d);
		break;
	}
	say("/vmtool.conf: not understood:", d->field[0], -EINVAL);
	return -EINVAL;
}

static int follow(char *text, char *port, size_t size)
{
	struct directive d;
	int ret;

	while ((ret = conf_next(&text, &d)) > 0) {
		ret = carry_out(&d, port, size);
		if (ret)
			break;
	}
	return ret;
}

/* Modules for the port may be behind what failed: try all of them. */
static void load_all(char *text)
{
	struct directive d;

	while (conf_next(&text, &d) > 0)
		if (!strcmp(d.field[0], "module"))
			do_module(&d);
}

static _Noreturn void end(void)
{
	static const unsigned int how[] = {
		LINUX_REBOOT_CMD_POWER_OFF, LINUX_REBOOT_CMD_RESTART, LINUX_REBOOT_CMD_HALT,
	};
	unsigned int i;

	my_syscall0(__NR_sync);
	for (i = 0; i < ARRAY_SIZE(how); i++)
		my_syscall4(__NR_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, how[i], 0);
	for (;;)
		k_poll(NULL, 0, 1000);
}

static int prepare(char *text, char *port, size_t size)
{
	static char copy[CONF_SIZE];
	long ret = do_basics();

	ret = ret ?: slurp("/vmtool.conf", text, CONF_SIZE);
	if (ret < 0) {
		say("cannot read /vmtool.conf", NULL, ret);
		return ret;
	}
	join(copy, sizeof(copy), text, "", "");
	ret = follow(text, port, size);
	ret = ret ?: do_switch_root();
	if (ret) {
		char why[200];

		join(why, sizeof(why), last_said(), "", "");
		load_all(copy);
		/* That is what is to be told. */
		say(why, NULL, 0);
	}
	return ret;
}

/*
 * With a descriptor as its argument, and not as the first process, it is just an agent:
 * so it is tried without a guest.
 */
static int serve_fd(const char *arg)
{
	int fd = 0;

	while (*arg >= '0' && *arg <= '9')
		fd = fd * 10 + (*arg++ - '0');
	return agent_serve(fd, NULL);
}

int main(int argc, char **argv)
{
	static char text[CONF_SIZE];
	char port[64] = "";
	int ret;

	if (my_syscall0(__NR_getpid) != 1)
		return argc == 2 ? serve_fd(argv[1]) : 125;

	ret = prepare(text, port, sizeof(port));
	if (!*port)
		join(port, sizeof(port), "org.kernel.vmtool.0", "", "");
	agent_run(port, ret ? last_said() : NULL);
	end();
}
