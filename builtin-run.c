// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <subcmd/parse-options.h>

#include <vmtool/agent_proto.h>
#include <vmtool/arch.h>
#include <vmtool/cli.h>
#include <vmtool/log.h>
#include <vmtool/outfile.h>
#include <vmtool/run_control.h>
#include <vmtool/size.h>
#include <vmtool/vm.h>

#include "builtin.h"
#include "run-arch.h"
#include "run-command.h"
#include "run-devices.h"
#include "run-root.h"
#include "run-verdict.h"

#define MIB			(1024ULL * 1024)
#define MIN_MEMORY		MIB
#define MEMORY_PER_CPU		(64 * MIB)
#define RUN_MAX_OPTIONS		96
#define SECONDS_MAX		(10 * 365 * 86400U)

static const char *const usage[] = {
	"vmtool run [OPTIONS] [KERNEL] [-- COMMAND ARG...]",
	NULL
};

/* What the options leave, as text; run_config() makes sense of it. */
struct run_args {
	const char *name;
	const char *kernel;
	const char *cpus;
	const char *mem;
	const char *hugetlbfs;
	const char *on_reboot;
	const char *timeout;
	const char *loglevel;
	const char *dump_acpi;
	const char *dump_dtb;
	const char *transport;
	const char *console;
	const char *stats;
	struct run_verdict_args verdict;
	struct run_command_args command;
	struct run_arch arch;
	char *params;
	const char *initrds[INITRD_MAX_FILES];
	int nr_initrds;
	bool too_many_initrds;
	bool nodefaults;
	bool dry_run;
	bool trace_ports;
	bool trace_mmio;
	bool verbose;
	bool quiet;
};

static int add_initrd(const struct option *opt, const char *arg, int unset)
{
	struct run_args *args = opt->value;

	if (unset)
		args->nr_initrds = 0;
	else if (args->nr_initrds == INITRD_MAX_FILES)
		args->too_many_initrds = true;
	else
		args->initrds[args->nr_initrds++] = arg;
	return 0;
}

static int add_params(const struct option *opt, const char *arg, int unset)
{
	struct run_args *args = opt->value;
	char *old = args->params;

	if (unset) {
		args->params = NULL;
	} else if (asprintf(&args->params, "%s%s%s", old ?: "", old ? " " : "", arg) < 0) {
		args->params = old;
		return -1;
	}
	free(old);
	return 0;
}

static int bad_value(const char *opt, const char *value, const char *why)
{
	log_err("%s %s: %s", opt, value, why);
	return -EINVAL;
}

static int set_name(struct vm_config *cfg, const char *name)
{
	if (!name)
		return 0;
	if (!*name)
		return bad_value("--name", "''", "is empty");
	if (strlen(name) >= sizeof(cfg->name))
		return bad_value("--name", name, "too long");
	memcpy(cfg->name, name, strlen(name) + 1);
	return 0;
}

static int set_cpus(struct vm_config *cfg, const char *s)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	cfg->nr_cpus = online > 0 ? online : 1;
	if (!s)
		return 0;
	if (parse_uint(s, &cfg->nr_cpus))
		return bad_value("-c", s, "not a number of vCPUs");
	if (!cfg->nr_cpus)
		return bad_value("-c", s, "a guest needs at least one vCPU");
	return 0;
}

/* 80 % of what the host could give without swapping. */
static u64 host_memory_limit(void)
{
	static const char field[] = "MemAvailable:";
	FILE *f = fopen("/proc/meminfo", "re");
	unsigned long long kib = 0;
	char line[128];

	/* scanf() would make a static vmtool 100 KB larger. */
	while (f && !kib && fgets(line, sizeof(line), f))
		if (!strncmp(line, field, strlen(field)))
			kib = strtoull(line + strlen(field), NULL, 10);
	if (f)
		fclose(f);
	return kib * 1024 / 10 * 8;
}

static int set_memory(struct vm_config *cfg, const char *s)
{
	u64 limit;
	int ret;

	if (!s) {
		limit = host_memory_limit();
		cfg->mem = MEMORY_PER_CPU * (cfg->nr_cpus + 3ULL);
		if (limit > 2 * MEMORY_PER_CPU)
			cfg->mem = min_t(u64, cfg->mem, (limit & ~(MIB - 1)));
		return 0;
	}
	ret = parse_size(s, MIB, &cfg->mem);
	if (ret == -EINVAL)
		return bad_value("-m", s, "not a size; say 512M or 4G");
	if (ret)
		return bad_value("-m", s, "more than any CPU addresses");
	if (cfg->mem < MIN_MEMORY)
		return bad_value("-m", s, "a guest needs at least 1M");
	if (cfg->mem % sysconf(_SC_PAGESIZE))
		return bad_value("-m", s, "not a multiple of the size of the host's pages");
	return 0;
}

static int set_reboot(struct vm_config *cfg, const char *s)
{
	/* Without anybody at a terminal, a guest that reboots for ever is a hang. */
	cfg->exit_on_reset = !isatty(STDIN_FILENO);
	if (!s)
		return 0;
	if (strcmp(s, "reset") && strcmp(s, "exit"))
		return bad_value("--on-reboot", s, "neither reset nor exit");
	cfg->exit_on_reset = !strcmp(s, "exit");
	return 0;
}

static int set_timeout(struct vm_config *cfg, const char *s)
{
	if (!s)
		return 0;
	if (parse_uint(s, &cfg->timeout) || cfg->timeout > SECONDS_MAX || !cfg->timeout)
		return bad_value("--timeout", s, "not a number of seconds");
	return 0;
}

/* Where there is but one, that is it. */
static int set_transport(struct vm_config *cfg, const char *s)
{
	static const char *const names[] = {
#ifdef CONFIG_VIRTIO_PCI
		[VIRTIO_TRANSPORT_PCI] = "pci",
#endif
#ifdef CONFIG_VIRTIO_MMIO
		[VIRTIO_TRANSPORT_MMIO] = "mmio",
#endif
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!names[i] || (s && strcmp(s, names[i])))
			continue;
		cfg->transport = i;
		return 0;
	}
	return s ? bad_value("--virtio-transport", s, "not built in; pci and mmio are known") : 0;
}

static int set_console(struct vm_config *cfg, const char *s)
{
	if (!s)
		return 0;
	if (!strcmp(s, "serial")) {
		cfg->console = CONSOLE_SERIAL;
		return 0;
	}
	if (strcmp(s, "virtio"))
		return bad_value("--console", s, "neither serial nor virtio");
#ifndef CONFIG_VIRTIO_CONSOLE
	return bad_value("--console", s, "not built in");
#endif
	cfg->console = CONSOLE_VIRTIO;
	return 0;
}

static int set_loglevel(const struct run_args *args)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };
	int i;

	if (args->quiet)
		log_set_level(LOG_ERROR);
	if (args->verbose)
		log_set_level(LOG_DEBUG);
	if (!args->loglevel)
		return 0;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(args->loglevel, names[i]))
			continue;
		log_set_level(i);
		return 0;
	}
	return bad_value("--loglevel", args->loglevel, "not error, warning, info or debug");
}

static int set_kernel(struct vm_config *cfg, const char *kernel, char *buf, size_t size)
{
	if (kernel) {
		cfg->kernel = kernel;
		return 0;
	}
	cfg->kernel = buf;
	return kernel_image_find(arch_kernel_name, arch_kernel_images, buf, size);
}

static int run_config(struct vm_config *cfg, struct run_args *args)
{
	int ret;

	cfg->hugetlbfs = args->hugetlbfs;
	cfg->initrds = args->initrds;
	cfg->nr_initrds = args->nr_initrds;
	cfg->params = args->params;
	cfg->nodefaults = args->nodefaults;
	cfg->trace_ports = args->trace_ports;
	cfg->trace_mmio = args->trace_mmio;
	args->command.verbose = args->verbose;
	if (args->too_many_initrds) {
		log_err("-i: more than %d initrds", INITRD_MAX_FILES);
		return -EINVAL;
	}
	ret = set_loglevel(args);
	ret = ret ?: set_name(cfg, args->name);
	ret = ret ?: set_cpus(cfg, args->cpus);
	ret = ret ?: set_memory(cfg, args->mem);
	ret = ret ?: set_transport(cfg, args->transport);
	ret = ret ?: set_console(cfg, args->console);
	ret = ret ?: run_arch_parse(&args->arch);
	cfg->arch = args->arch.conf;
	ret = ret ?: run_devices_parse(&cfg->devices);
	ret = ret ?: set_reboot(cfg, args->on_reboot);
	ret = ret ?: outfile_check("--stats", args->stats);
	cfg->stats = args->stats;
	ret = ret ?: run_verdict_config(&args->verdict, cfg);
	return ret ?: set_timeout(cfg, args->timeout);
}

/* The rest of the command line: [KERNEL] [-- COMMAND ARG...]. */
static int take_kernel_arg(struct run_args *args, int argc, const char **argv)
{
	if (argc && strcmp(argv[0], "--")) {
		if (args->kernel) {
			log_err("%s: the kernel was given by -k already", argv[0]);
			return -EINVAL;
		}
		args->kernel = argv[0];
		argc--;
		argv++;
	}
	if (argc && !strcmp(argv[0], "--")) {
		if (argc == 1) {
			log_err("--: COMMAND is missing");
			return -EINVAL;
		}
		args->command.argv = argv + 1;
		return 0;
	}
	if (argc) {
		log_err("%s: one kernel is enough", argv[0]);
		return -EINVAL;
	}
	return 0;
}

#ifdef CONFIG_STATS
static void print_stats(const void *arg, FILE *out)
{
	struct vm *const *vm = arg;

	stats_print(*vm, out);
}

/* What was asked for and is not there must not look like success. */
static int write_stats(struct vm *vm, int status)
{
	int ret = vm->cfg->stats ? outfile_write(vm->cfg->stats, print_stats, &vm) : 0;

	if (!ret)
		return status;
	log_err("--stats %s: %s", vm->cfg->stats, strerror(-ret));
	return EXIT_VMTOOL_ERROR;
}
#else
static int write_stats(struct vm *vm, int status)
{
	return status;
}
#endif

static int run_machine(struct vm *vm, struct run_verdict *verdict, struct run_command *command)
{
	int status, ended;

	run_verdict_start(verdict, vm);
	status = run_command_status(command, vm_run(vm));
	if (run_command_ended(command, &ended)) {
		run_verdict_command(verdict, ended);
		status = EXIT_GUEST_OK;
	}
	run_verdict_stop(verdict, vm);
	return write_stats(vm, status);
}

static int run_guest(struct vm *vm, struct vm_config *cfg, struct run_verdict *verdict,
		     struct run_command *command)
{
	int status = EXIT_VMTOOL_ERROR;
	struct run_control *control;

	/* The name first: nobody else may have it while the machine is built. */
	control = run_control_claim(cfg);
	if (!control)
		return status;

	if (!vm_create(vm, cfg) && !run_control_start(control, vm) &&
	    !run_command_start(command, vm))
		status = run_machine(vm, verdict, command);
	run_command_stop(command);
	run_control_stop(control);
	vm_destroy(vm);
	run_control_release(control);
	return status;
}

static int describe_guest(struct vm *vm, const struct vm_config *cfg,
			  const struct run_args *args)
{
	int ret = vm_create(vm, cfg);

	if (!ret && args->dump_acpi)
		ret = arch_dump_acpi(vm, args->dump_acpi);
	if (!ret && args->dump_dtb)
		ret = arch_dump_dtb(vm, args->dump_dtb);
	if (!ret)
		vm_describe(vm, stdout);
	vm_destroy(vm);
	return ret ? EXIT_VMTOOL_ERROR : 0;
}

/* What is to be run in the guest, and the root that it finds there. */
static struct run_command *prepare_command(struct vm_config *cfg, struct run_args *args,
					   struct run_root *root)
{
	struct run_command *command;

	root->command = args->command.argv || args->command.text;
	if (run_root_open(root, cfg))
		return NULL;
	args->command.rooted = root->active;
	command = run_command_prepare(cfg, &args->command);
	if (!command)
		return NULL;
	root->agent_port = run_command_spec(command) ? AGENT_PORT_NAME : NULL;
	if (run_root_prepare(root, cfg)) {
		run_command_free(command);
		return NULL;
	}
	if (root->active)
		run_command_as(command, &root->session);
	return command;
}

int cmd_run(int argc, const char **argv)
{
	struct run_args args = { };
	struct option options[RUN_MAX_OPTIONS] = {
		OPT_GROUP("Machine:"),
		OPT_STRING(0, "name", &args.name, "NAME",
			   "name of the guest (default: vm-PID)"),
		OPT_STRING('c', "cpus", &args.cpus, "N", "vCPUs (default: all of the host)"),
		OPT_STRING('m', "mem", &args.mem, "SIZE[BKMGT]",
			   "memory, in MiB without a suffix (default: 64M a vCPU, and 192M)"),
		OPT_STRING(0, "hugetlbfs", &args.hugetlbfs, "DIR",
			   "take the memory from a hugetlbfs"),
		OPT_STRING(0, "virtio-transport", &args.transport, "pci|mmio",
			   "how virtio devices are reached (default: pci)"),
		OPT_STRING(0, "console", &args.console, "serial|virtio",
			   "what has the terminal (default: virtio if the kernel can)"),
		OPT_GROUP("Kernel:"),
		OPT_STRING('k', "kernel", &args.kernel, "FILE",
			   "kernel (default: of the build tree here, or the running one)"),
		OPT_CALLBACK('i', "initrd", &args, "FILE",
			     "initrd; several are concatenated", add_initrd),
		OPT_CALLBACK('p', "params", &args, "TEXT",
			     "add to the kernel command line", add_params),
		OPT_BOOLEAN(0, "nodefaults", &args.nodefaults,
			    "--params is the whole kernel command line"),
		OPT_GROUP("Run:"),
		OPT_STRING('e', "exec", &args.command.text, "STRING",
			   "run sh -c STRING in the guest, as -- COMMAND does"),
		OPT_STRING(0, "on-reboot", &args.on_reboot, "reset|exit",
			   "what a reboot does (default: exit when stdin is no terminal)"),
		OPT_STRING(0, "timeout", &args.timeout, "SECONDS",
			   "end the guest after that time, with status 103"),
		OPT_STRING(0, "hang", &args.verdict.hang, "SECONDS[,idle]",
			   "end the guest when it hangs for that long, with status 103"),
		OPT_BOOLEAN(0, "fail-on-warn", &args.verdict.fail_on_warn,
			    "status 102 when the kernel complained of itself"),
		OPT_STRING(0, "verdict", &args.verdict.file, "FILE",
			   "write how it ended into FILE, as JSON"),
#ifdef CONFIG_STATS
		OPT_STRING(0, "stats", &args.stats, "FILE",
			   "write what the guest has cost into FILE, as JSON"),
#endif
		OPT_STRING(0, "vmlinux", &args.verdict.vmlinux, "FILE",
			   "symbols and lines of the kernel (default: beside it)"),
		OPT_BOOLEAN(0, "dry-run", &args.dry_run,
			    "print the machine and the kernel command line, start nothing"),
		OPT_STRING(0, "dump-acpi", &args.dump_acpi, "DIR",
			   "write the ACPI tables into DIR, start nothing"),
		OPT_STRING(0, "dump-dtb", &args.dump_dtb, "FILE",
			   "write the device tree into FILE, start nothing"),
		OPT_GROUP("Messages:"),
		OPT_STRING(0, "loglevel", &args.loglevel, "LEVEL",
			   "error, warning, info (default) or debug"),
		OPT_BOOLEAN('v', "verbose", &args.verbose, "same as --loglevel debug"),
		OPT_BOOLEAN('q', "quiet", &args.quiet, "same as --loglevel error"),
		OPT_BOOLEAN(0, "debug-ioport", &args.trace_ports,
			    "print every port access that exits"),
		OPT_BOOLEAN(0, "debug-mmio", &args.trace_mmio,
			    "print every MMIO access that exits"),
		OPT_END()
	};
	struct vm_config cfg = { .start = stats_now() };
	struct run_root *root;
	char path[PATH_MAX];
	struct run_command *command = NULL;
	struct run_verdict *verdict;
	struct vm *vm;
	int status = EXIT_VMTOOL_ERROR;

	INIT_LIST_HEAD(&cfg.devices);
	root = calloc(1, sizeof(*root));
	if (!root || run_root_options(options, ARRAY_SIZE(options), root) ||
	    run_devices_options(options, ARRAY_SIZE(options), &cfg.devices) ||
	    run_arch_options(options, ARRAY_SIZE(options), &args.arch)) {
		free(root);
		return EXIT_VMTOOL_ERROR;
	}
	argc = cli_parse(argc, argv, options, usage);
	if (run_devices_help(&cfg.devices)) {
		run_devices_forget(&cfg.devices, NULL);
		run_arch_release(&args.arch);
		free(root);
		return 0;
	}
	if (args.dump_acpi || args.dump_dtb)
		args.dry_run = true;
	cfg.dry_run = args.dry_run;
	vm = malloc(sizeof(*vm));
	verdict = run_verdict_new(&args.verdict, &cfg);
	if (vm && verdict && !take_kernel_arg(&args, argc, argv) &&
	    !run_root_take_disk(root, &cfg) && !run_config(&cfg, &args) &&
	    !set_kernel(&cfg, args.kernel, path, sizeof(path)))
		command = prepare_command(&cfg, &args, root);
	if (command) {
		if (cfg.dry_run)
			status = describe_guest(vm, &cfg, &args);
		else
			status = run_guest(vm, &cfg, verdict, command);
	}
	if (verdict)
		status = run_verdict_end(verdict, status);
	free(vm);
	free(args.params);
	run_arch_release(&args.arch);
	run_command_free(command);
	run_devices_forget(&cfg.devices, NULL);
	run_root_release(root);
	free(root);
	return status;
}
