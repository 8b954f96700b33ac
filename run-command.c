// SPDX-License-Identifier: GPL-2.0
/*
 * The command that "vmtool run" runs in its guest, and the router for those that come
 * later. The command's session is one of the router's clients, in the same event loop.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <vmtool/agent_client.h>
#include <vmtool/agent_command.h>
#include <vmtool/agent_router.h>
#include <vmtool/log.h>
#include <vmtool/vm.h>

#include "run-command.h"

#define GOODBYE_MS	30000	/* for file systems of the guest to be written */
#define LINGER_MS	1000	/* for a reader of the last output */

/**
 * struct run_command - all of it
 * @wanted: a command is to be run
 * @cmd: the command
 * @link: to the agent
 * @vm: machine
 * @router: router
 * @client: the command's session
 * @observer: of the machine's end
 * @goodbye: ends a guest that does not end after its command
 * @ready: the agent was there
 * @fatal: it cannot run commands
 * @over: the command has ended
 * @overdue: the guest was ended because it did not end itself
 * @decided: the exit status is the command's
 * @cause: why the machine has ended
 * @result: how the command has ended
 */
struct run_command {
	bool wanted;
	struct agent_command cmd;
	struct port_link *link;
	struct vm *vm;
	struct agent_router router;
	struct agent_client client;
	struct run_observer observer;
	struct ev_timer goodbye;
	bool ready;
	bool fatal;
	bool over;
	bool overdue;
	bool decided;
	enum run_cause cause;
	struct agent_result result;
};

static bool is_wanted(const struct run_command_args *args)
{
	return args->argv || args->text || (args->rooted && isatty(STDIN_FILENO));
}

static int want(struct run_command *rc, struct vm_config *cfg,
		const struct run_command_args *args)
{
	int ret = command_init(&rc->cmd, args->argv, args->text);

	if (ret)
		return ret;
	rc->link = port_link_create();
	if (!rc->link)
		return -ENOMEM;
	ret = port_link_add(&cfg->devices, rc->link, AGENT_PORT_NAME);
	/* Nobody runs a command again because the guest has restarted. */
	cfg->exit_on_reset = true;
	cfg->term = args->verbose ? TERM_STDERR : TERM_NOTHING;
	rc->wanted = true;
	return ret;
}

struct run_command *run_command_prepare(struct vm_config *cfg,
					const struct run_command_args *args)
{
	struct run_command *rc;
	int ret = 0;

	if (args->argv && args->text) {
		log_err("-e and -- COMMAND exclude each other: give one of them");
		return NULL;
	}
	rc = calloc(1, sizeof(*rc));
	if (!rc)
		return NULL;
	if (is_wanted(args))
		ret = want(rc, cfg, args);
	if (!ret)
		return rc;
	log_err("cannot prepare for the command: %s", strerror(-ret));
	run_command_free(rc);
	return NULL;
}

struct agent_spec *run_command_spec(struct run_command *rc)
{
	return rc->wanted ? &rc->cmd.spec : NULL;
}

void run_command_as(struct run_command *rc, const struct guest_session *gs)
{
	if (rc->wanted && command_set_user(&rc->cmd, gs))
		log_warn("the command's environment is not that of its user: %s", strerror(ENOMEM));
}

/* --- of the router ------------------------------------------------------------------ */

static void agent_ready(void *priv)
{
	struct run_command *rc = priv;

	rc->ready = true;
	stats_mark(&rc->vm->marks, MARK_INIT);
	/* The router has it, and sends it now. */
	if (rc->wanted)
		stats_mark(&rc->vm->marks, MARK_COMMAND);
}

static void agent_fatal(void *priv, const char *text)
{
	struct run_command *rc = priv;

	if (!rc->fatal)
		log_err("the guest cannot run commands: %s", text);
	rc->fatal = true;
	router_poweroff(&rc->router);
}

static size_t type(void *priv, const u8 *buf, size_t len)
{
	struct run_command *rc = priv;
	struct term *t = &rc->vm->term;
	size_t n;

	if (!t->ops)
		return len;
	n = min_t(size_t, len, t->ops->room(t->priv));
	if (n)
		t->ops->input(t->priv, buf, n);
	return n;
}

static void send_break(void *priv)
{
	struct run_command *rc = priv;
	struct term *t = &rc->vm->term;

	if (t->ops)
		t->ops->send_break(t->priv);
}

static const struct router_ops router_ops = {
	.ready = agent_ready,
	.fatal = agent_fatal,
	.type = type,
	.send_break = send_break,
};

/* --- of the command's session --------------------------------------------------------- */

static void goodbye_over(struct ev_timer *timer)
{
	struct run_command *rc = container_of(timer, struct run_command, goodbye);

	log_warn("the guest did not power off within %d s after its command",
		 GOODBYE_MS / 1000);
	rc->overdue = true;
	runstate_request(&rc->vm->run, RUN_BY_HOST_UI);
}

static void command_done(void *priv, const struct agent_result *r)
{
	struct run_command *rc = priv;

	rc->over = true;
	rc->result = *r;
	stats_mark(&rc->vm->marks, MARK_COMMAND_END);
	router_poweroff(&rc->router);
	ev_timer_set(&rc->vm->loop, &rc->goodbye, GOODBYE_MS);
}

static void command_quit(void *priv)
{
	struct run_command *rc = priv;

	runstate_request(&rc->vm->run, RUN_BY_HOST_UI);
}

static const struct client_ops client_ops = {
	.done = command_done,
	.quit = command_quit,
};

/* --- of the machine ------------------------------------------------------------------- */

static void console_printed(void *priv, const void *buf, size_t len)
{
	struct run_command *rc = priv;

	router_console(&rc->router, buf, len);
}

static void signal_came(void *priv, int sig)
{
	struct run_command *rc = priv;

	if (!rc->client.loop)
		return;
	if (sig == SIGWINCH)
		client_resized(&rc->client);
	else if (sig == SIGCONT)
		client_resume(&rc->client);
}

static const struct vm_hooks hooks = {
	.console = console_printed,
	.signal = signal_came,
};

static void machine_event(struct run_observer *obs, enum run_event event,
			  enum run_cause cause)
{
	struct run_command *rc = container_of(obs, struct run_command, observer);

	if (event == RUN_EV_SHUTDOWN)
		rc->cause = cause;
}

static int start_session(struct run_command *rc)
{
	int fds[2], ret;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	ret = router_add_client(&rc->router, fds[0]);
	if (ret) {
		close(fds[1]);
		return ret;
	}
	return client_start(&rc->client, &rc->vm->loop, fds[1], &rc->cmd.spec, &client_ops, rc);
}

int run_command_start(struct run_command *rc, struct vm *vm)
{
	int ret;

	rc->vm = vm;
	rc->goodbye.fn = goodbye_over;
	ret = router_init(&rc->router, &vm->loop, rc->link, &router_ops, rc);
	if (ret) {
		log_err("cannot prepare for commands: %s", strerror(-ret));
		return ret;
	}
	rc->observer.fn = machine_event;
	runstate_observe(&vm->run, &rc->observer);
	vm_set_hooks(vm, &hooks, rc);
	ret = router_listen(&rc->router, vm->cfg->name);
	return ret || !rc->wanted ? ret : start_session(rc);
}

/* What the guest has sent before its end, as far as somebody reads it. */
static void finish_output(struct run_command *rc)
{
	struct pollfd pfd = { .fd = rc->vm->loop.epfd, .events = POLLIN };
	int i;

	for (i = 0; i < LINGER_MS / 10; i++) {
		while (evloop_poll(&rc->vm->loop) > 0 && !rc->over)
			;
		if (rc->over || !client_pending(&rc->client))
			break;
		poll(&pfd, 1, 10);
	}
}

static int no_result(struct run_command *rc)
{
	const char *name = command_name(&rc->cmd);

	if (rc->fatal)
		return EXIT_VMTOOL_ERROR;
	if (!rc->ready) {
		log_err("%s: the guest ended before it could be run; -v shows why", name);
		return EXIT_VMTOOL_ERROR;
	}
	if (rc->cause == RUN_BY_GUEST_POWEROFF)
		return EXIT_GUEST_OK;
	log_err("%s: the guest was reset while it ran", name);
	return EXIT_GUEST_RESET;
}

int run_command_status(struct run_command *rc, int status)
{
	if (!rc->wanted)
		return status;
	finish_output(rc);
	if (status && !rc->overdue)
		return status;
	if (!rc->over || (rc->result.how == AGENT_FAILED && rc->result.value == ECONNRESET))
		return no_result(rc);
	status = agent_status(&rc->result, command_name(&rc->cmd));
	if (rc->client.failed)
		return EXIT_VMTOOL_ERROR;
	rc->decided = rc->result.how != AGENT_FAILED;
	return status;
}

bool run_command_ended(const struct run_command *rc, int *status)
{
	if (!rc->decided)
		return false;
	*status = agent_command_status(&rc->result);
	return true;
}

void run_command_stop(struct run_command *rc)
{
	if (!rc->vm)
		return;
	client_end(&rc->client);
	if (rc->router.loop) {
		vm_set_hooks(rc->vm, NULL, NULL);
		list_del(&rc->observer.node);
	}
	router_destroy(&rc->router);
	ev_timer_destroy(&rc->goodbye);
	rc->vm = NULL;
}

void run_command_free(struct run_command *rc)
{
	if (!rc)
		return;
	command_free(&rc->cmd);
	port_link_destroy(rc->link);
	free(rc);
}
