// SPDX-License-Identifier: GPL-2.0
/*
 * RTAS, the firmware that stays (LoPAR, chapter 7): its code in guest memory is a stub
 * that makes a hypercall of KVM's own; all is done here, but for what a XICS in KVM is
 * asked: that ends there.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include <linux/kernel.h>
#include <vmtool/fdt.h>
#include <vmtool/log.h>
#include <vmtool/vcpu.h>
#include <vmtool/vm.h>

#include "powerpc.h"
#include "regs.h"

#define NSEC_PER_SEC		1000000000LL
#define RTAS_TOKEN_BASE		0x2000
#define RTAS_ERROR_LOG_MAX	2048
#define RTAS_MAX_WORDS		16
#define RTAS_ERROR_LOG_NONE	1	/* of event-scan and check-exception */
#define RTAS_HIGH_SIZE		4	/* an argument has 32 bits */

#define SYSPARM_SPLPAR		20
#define SYSPARM_RUN_MODE	42
#define SENSOR_EPOW		9
#define SENSOR_NORMAL		0

enum cpu_state {
	CPU_STOPPED = 0,
	CPU_RUNS = 2,
};

static u32 arg(const struct rtas_call *c, unsigned int i)
{
	return i < c->nargs ? c->args[i] : 0;
}

/* --- power ----------------------------------------------------------------------------- */

static s32 power_off(struct vcpu *v, struct rtas_call *c)
{
	runstate_request(&v->vm->run, RUN_BY_GUEST_POWEROFF);
	return RTAS_OK;
}

static s32 system_reboot(struct vcpu *v, struct rtas_call *c)
{
	runstate_request(&v->vm->run, RUN_BY_GUEST_RESET);
	return RTAS_OK;
}

/* The kernel's panic; "ibm,extended-os-term" promises that this returns. */
static s32 os_term(struct vcpu *v, struct rtas_call *c)
{
	vm_panicked(v->vm);
	return RTAS_OK;
}

/* --- CPUs ------------------------------------------------------------------------------ */

static s32 start_cpu(struct vcpu *v, struct rtas_call *c)
{
	struct vcpu *target = ppc_find_vcpu(v->vm, arg(c, 0));

	if (!target || c->nargs < 3)
		return RTAS_PARAM_ERROR;
	return ppc_start_vcpu(target, arg(c, 1), arg(c, 2)) ? RTAS_HW_ERROR : RTAS_OK;
}

static s32 stop_self(struct vcpu *v, struct rtas_call *c)
{
	vcpu_set_off(v, true);
	return RTAS_OK;
}

static s32 query_cpu(struct vcpu *v, struct rtas_call *c)
{
	struct vcpu *target = ppc_find_vcpu(v->vm, arg(c, 0));

	if (!target)
		return RTAS_PARAM_ERROR;
	c->rets[1] = target->off ? CPU_STOPPED : CPU_RUNS;
	return RTAS_OK;
}

/* --- time of day ----------------------------------------------------------------------- */

static s64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static s32 get_time(struct vcpu *v, struct rtas_call *c)
{
	struct vm_arch *arch = v->vm->arch;
	struct tm tm;
	time_t sec;
	s64 ns;

	pthread_mutex_lock(&arch->lock);
	ns = now_ns() + arch->rtc_offset;
	pthread_mutex_unlock(&arch->lock);
	sec = ns / NSEC_PER_SEC;
	if (!gmtime_r(&sec, &tm))
		return RTAS_HW_ERROR;
	c->rets[1] = tm.tm_year + 1900;
	c->rets[2] = tm.tm_mon + 1;
	c->rets[3] = tm.tm_mday;
	c->rets[4] = tm.tm_hour;
	c->rets[5] = tm.tm_min;
	c->rets[6] = tm.tm_sec;
	c->rets[7] = ns % NSEC_PER_SEC;
	return RTAS_OK;
}

static s32 set_time(struct vcpu *v, struct rtas_call *c)
{
	struct vm_arch *arch = v->vm->arch;
	struct tm tm = {
		.tm_year = (int)arg(c, 0) - 1900, .tm_mon = (int)arg(c, 1) - 1,
		.tm_mday = arg(c, 2), .tm_hour = arg(c, 3), .tm_min = arg(c, 4),
		.tm_sec = arg(c, 5),
	};
	time_t sec;

	if (arg(c, 0) < 1970 || arg(c, 0) > 2200 || arg(c, 1) - 1 > 11 || arg(c, 2) - 1 > 30 ||
	    arg(c, 3) > 23 || arg(c, 4) > 59 || arg(c, 5) > 60)
		return RTAS_PARAM_ERROR;
	sec = timegm(&tm);
	pthread_mutex_lock(&arch->lock);
	arch->rtc_offset = sec * NSEC_PER_SEC + arg(c, 6) % NSEC_PER_SEC - now_ns();
	pthread_mutex_unlock(&arch->lock);
	return RTAS_OK;
}

/* --- events and settings --------------------------------------------------------------- */

static s32 event_scan(struct vcpu *v, struct rtas_call *c)
{
	return RTAS_ERROR_LOG_NONE;
}

/* vector offset, interrupt, mask, critical, buffer, its size */
static s32 check_exception(struct vcpu *v, struct rtas_call *c)
{
	u8 log[RTAS_ERROR_LOG_MAX];
	u32 room = min_t(u32, arg(c, 5), sizeof(log));
	size_t len = ppc_epow_fetch(v->vm->arch->epow, log, room);

	if (!len)
		return RTAS_ERROR_LOG_NONE;
	return gmem_write(&v->vm->gmem, arg(c, 4), log, len) ? RTAS_PARAM_ERROR : RTAS_OK;
}

static s32 last_error(struct vcpu *v, struct rtas_call *c)
{
	return RTAS_ERROR_LOG_NONE;
}

static s32 put_sysparm(struct vcpu *v, const struct rtas_call *c, const void *val, u16 len)
{
	u8 buf[128];
	u16 head = htobe16(len);
	u32 n = min_t(u32, sizeof(head) + len, arg(c, 2));

	if (sizeof(head) + len > sizeof(buf))
		return RTAS_HW_ERROR;
	memcpy(buf, &head, sizeof(head));
	memcpy(buf + sizeof(head), val, len);
	return gmem_write(&v->vm->gmem, arg(c, 1), buf, n) ? RTAS_PARAM_ERROR : RTAS_OK;
}

static s32 get_sysparm(struct vcpu *v, struct rtas_call *c)
{
	unsigned int cpus = v->vm->cfg->nr_cpus;
	u64 mb = v->vm->cfg->mem >> 20;
	u8 normal = 0;
	char text[100];
	int len;

	switch (arg(c, 0)) {
	case SYSPARM_SPLPAR:
		len = snprintf(text, sizeof(text),
			       "MaxEntCap=%u,DesMem=%llu,DesProcs=%u,MaxPlatProcs=%u",
			       cpus * 100, (unsigned long long)mb, cpus, cpus);
		return put_sysparm(v, c, text, len + 1);
	case SYSPARM_RUN_MODE:
		return put_sysparm(v, c, &normal, sizeof(normal));
	default:
		return RTAS_PARAM_ERROR;
	}
}

static s32 set_sysparm(struct vcpu *v, struct rtas_call *c)
{
	return RTAS_NOT_AUTHORIZED;
}

static s32 get_sensor(struct vcpu *v, struct rtas_call *c)
{
	if (arg(c, 0) != SENSOR_EPOW)
		return RTAS_PARAM_ERROR;
	c->rets[1] = SENSOR_NORMAL;
	return RTAS_OK;
}

/* --- the table ------------------------------------------------------------------------- */

static const struct rtas_function {
	const char *name;
	s32 (*fn)(struct vcpu *v, struct rtas_call *c);
	bool xics;	/* only where there is one; if it is KVM's, KVM does it */
} functions[] = {
	{ "power-off", power_off },
	{ "system-reboot", system_reboot },
	{ "ibm,os-term", os_term },
	{ "start-cpu", start_cpu },
	{ "stop-self", stop_self },
	{ "query-cpu-stopped-state", query_cpu },
	{ "get-time-of-day", get_time },
	{ "set-time-of-day", set_time },
	{ "event-scan", event_scan },
	{ "check-exception", check_exception },
	{ "rtas-last-error", last_error },
	{ "get-sensor-state", get_sensor },
	{ "ibm,get-system-parameter", get_sysparm },
	{ "ibm,set-system-parameter", set_sysparm },
	{ "nvram-fetch", ppc_rtas_nvram_fetch },
	{ "nvram-store", ppc_rtas_nvram_store },
	{ "read-pci-config", ppc_rtas_read_config },
	{ "write-pci-config", ppc_rtas_write_config },
	{ "ibm,read-pci-config", ppc_rtas_ibm_read_config },
	{ "ibm,write-pci-config", ppc_rtas_ibm_write_config },
	{ "ibm,change-msi", ppc_rtas_change_msi },
	{ "ibm,query-interrupt-source-number", ppc_rtas_query_irq },
	{ "ibm,set-xive", ppc_rtas_set_xive, true },
	{ "ibm,get-xive", ppc_rtas_get_xive, true },
	{ "ibm,int-off", ppc_rtas_int_off, true },
	{ "ibm,int-on", ppc_rtas_int_on, true },
};

static bool has_function(const struct vm *vm, const struct rtas_function *f)
{
	return !f->xics || vm->arch->irq->xics;
}

int ppc_rtas_define(struct vm *vm)
{
	struct kvm_rtas_token_args token;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(functions); i++) {
		if (!functions[i].xics)
			continue;
		memset(&token, 0, sizeof(token));
		snprintf(token.name, sizeof(token.name), "%s", functions[i].name);
		token.token = RTAS_TOKEN_BASE + i;
		if (ioctl(vm->vm_fd, KVM_PPC_RTAS_DEFINE_TOKEN, &token) < 0)
			return -errno;
	}
	return 0;
}

void ppc_rtas_fdt(const struct vm *vm, struct fdt_builder *b)
{
	const char *hypertas[] = {
		"hcall-pft", "hcall-term", "hcall-dabr", "hcall-interrupt", "hcall-tce",
		"hcall-vio", "hcall-splpar", "hcall-bulk", "hcall-set-mode",
		vm->arch->host.multi_tce ? "hcall-multi-tce" : NULL, NULL,
	};
	unsigned int i;

	fdt_begin(b, "rtas");
	fdt_strs(b, "ibm,hypertas-functions", hypertas);
	fdt_u32(b, "rtas-version", 1);
	fdt_u32(b, "rtas-size", PPC_RTAS_LEN);
	fdt_u32(b, "linux,rtas-base", vm->arch->rtas);
	fdt_u32(b, "linux,rtas-entry", vm->arch->rtas);
	fdt_u32(b, "rtas-error-log-max", RTAS_ERROR_LOG_MAX);
	/* Nothing happens that nobody is told of by an interrupt. */
	fdt_u32(b, "rtas-event-scan-rate", 0);
	fdt_flag(b, "ibm,extended-os-term");
	for (i = 0; i < ARRAY_SIZE(functions); i++)
		if (has_function(vm, &functions[i]))
			fdt_u32(b, functions[i].name, RTAS_TOKEN_BASE + i);
	fdt_end(b);
}

/* Big-endian words: token, number of arguments, of results, arguments, results. */
s64 ppc_rtas_call(struct vcpu *v, u64 args)
{
	struct gmem *gm = &v->vm->gmem;
	const struct rtas_function *f = NULL;
	struct rtas_call c = { };
	u32 head[3], token, i;

	if (gmem_read(gm, args, head, sizeof(head)))
		return H_PARAMETER;
	token = be32toh(head[0]);
	c.nargs = be32toh(head[1]);
	c.nret = be32toh(head[2]);
	if (c.nargs > RTAS_MAX_WORDS || c.nret > RTAS_MAX_WORDS - c.nargs || !c.nret)
		return H_PARAMETER;
	if (gmem_read(gm, args + sizeof(head), c.args, c.nargs * sizeof(u32)))
		return H_PARAMETER;
	for (i = 0; i < c.nargs; i++)
		c.args[i] = be32toh(c.args[i]);

	if (token - RTAS_TOKEN_BASE < ARRAY_SIZE(functions))
		f = &functions[token - RTAS_TOKEN_BASE];
	if (f && has_function(v->vm, f)) {
		c.rets[0] = f->fn(v, &c);
	} else {
		c.rets[0] = RTAS_PARAM_ERROR;
		if (log_enabled(LOG_DEBUG) && log_limited(&v->limit))
			log_debug("vCPU %u: no RTAS call 0x%x", v->index, token);
	}
	for (i = 0; i < c.nret; i++)
		c.rets[i] = htobe32(c.rets[i]);
	if (gmem_write(gm, args + sizeof(head) + c.nargs * sizeof(u32), c.rets,
		       c.nret * sizeof(u32)))
		return H_PARAMETER;
	return H_SUCCESS;
}
