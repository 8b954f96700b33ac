// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vmtool/arch.h>
#include <vmtool/balloon.h>
#include <vmtool/control.h>
#include <vmtool/run_control.h>
#include <vmtool/stats_qmp.h>
#include <vmtool/vm.h>

#include "builtin.h"

struct run_control {
	struct control_claim claim;
	struct control_info info;
	struct qmp_registry registry;
	struct qmp_table balloon;
	struct qmp_table stats;
	struct control_server server;
	bool serving;
};

struct run_control *run_control_claim(struct vm_config *cfg)
{
	struct run_control *rc = calloc(1, sizeof(*rc));

	if (!rc)
		return NULL;
	if (control_claim(&rc->claim, *cfg->name ? cfg->name : NULL)) {
		free(rc);
		return NULL;
	}
	snprintf(cfg->name, sizeof(cfg->name), "%s", rc->claim.name);
	return rc;
}

static const char *kernel_version(void *priv)
{
	struct vm *vm = priv;

	return kernel_image_version(&vm->kernel);
}

static int cpu_thread_id(void *priv, unsigned int cpu)
{
	struct vm *vm = priv;

	return cpu < vm->nr_vcpus ? vm->vcpus[cpu]->tid : 0;
}

int run_control_start(struct run_control *rc, struct vm *vm)
{
	int ret;

	rc->info = (struct control_info) {
		.name = vm->cfg->name,
		.version = VMTOOL_VERSION,
		.arch = arch_qmp_target,
		.kernel_version = kernel_version,
		.cpus = vm->nr_vcpus,
		.memory = vm->cfg->mem,
		.cpu_thread_id = cpu_thread_id,
		.priv = vm,
		.run = &vm->run,
	};
	clock_gettime(CLOCK_MONOTONIC, &rc->info.started);
	qmp_registry_init(&rc->registry);
#ifdef CONFIG_VIRTIO_BALLOON
	rc->balloon = (struct qmp_table){ .commands = balloon_commands, .priv = vm };
	ret = qmp_register(&rc->registry, &rc->balloon);
	if (ret)
		return ret;
#endif
#ifdef CONFIG_STATS
	rc->stats = (struct qmp_table){ .commands = stats_commands, .priv = vm };
	ret = qmp_register(&rc->registry, &rc->stats);
	if (ret)
		return ret;
#endif
	ret = control_server_init(&rc->server, &vm->loop, &rc->info, &rc->registry,
				  rc->claim.fd);
	rc->serving = !ret;
	return ret;
}

void run_control_stop(struct run_control *rc)
{
	if (rc->serving)
		control_server_destroy(&rc->server);
	rc->serving = false;
}

void run_control_release(struct run_control *rc)
{
	control_release(&rc->claim);
	free(rc);
}
