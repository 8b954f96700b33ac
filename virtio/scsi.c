// SPDX-License-Identifier: GPL-2.0
/*
 * SCSI host device (virtio 1.2, 5.6): a target of the host's LIO, as vhost-scsi
 * exports it. The host's kernel serves all queues and executes the commands; ours are
 * the config space, and when the target is the guest's.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/vhost.h>
#include <linux/virtio_scsi.h>

#include <linux/kernel.h>
#include <vmtool/devclass.h>
#include <vmtool/vhost.h>
#include <vmtool/vm.h>

#include "virtio.h"

#define SCSI_NODE	"/dev/vhost-scsi"
#define SCSI_QUEUE	128
/* The control queue and the event queue come before those for requests. */
#define SCSI_FIRST	2
/* A request's header and its answer take a descriptor each. */
#define SCSI_SEG_MAX	(SCSI_QUEUE - 2)
/* 4 MiB: the kernel maps at most 2048 pages of a request, from SCSI_SEG_MAX places. */
#define SCSI_SECTORS	8192
#define SCSI_MAX_TARGET	255
#define SCSI_MAX_LUN	16383
#define SCSI_WWPN_LEN	20		/* "naa." and 16 digits */

struct scsi_conf {
	const char *wwpn;
	unsigned int queues;
};

/**
 * struct scsi - the device
 * @vd: its virtio part
 * @conf: what the user asked for
 * @vh: the kernel's part, with all queues
 */
struct scsi {
	struct virtio_dev vd;
	const struct scsi_conf *conf;
	struct vhost vh;
};

/* --- the target ---------------------------------------------------------------- */

static int endpoint_ioctl(const struct scsi *s, unsigned long op)
{
	struct vhost_scsi_target target = { .abi_version = VHOST_SCSI_ABI_VERSION };

	snprintf(target.vhost_wwpn, sizeof(target.vhost_wwpn), "%s", s->conf->wwpn);
	return ioctl(s->vh.fd, op, &target) < 0 ? -errno : 0;
}

static int take_target(const struct scsi *s)
{
	int ret = endpoint_ioctl(s, VHOST_SCSI_SET_ENDPOINT);

	if (ret == -ENODEV)
		log_err("--scsi %s: no such target, it has no nexus, or another guest has it; look below /sys/kernel/config/target/vhost",
			s->conf->wwpn);
	else if (ret)
		log_err("--scsi %s: %s", s->conf->wwpn, strerror(-ret));
	return ret;
}

static int drop_target(const struct scsi *s)
{
	return endpoint_ioctl(s, VHOST_SCSI_CLEAR_ENDPOINT);
}

/*
 * A target that is not there is better found now than when the driver starts. The
 * kernel wants a memory table first, and takes an empty one.
 */
static int try_target(const struct scsi *s)
{
	struct vhost_memory mem = { };
	int ret;

	if (ioctl(s->vh.fd, VHOST_SET_MEM_TABLE, &mem) < 0) {
		log_err("--scsi %s: %s", s->conf->wwpn, strerror(errno));
		return -errno;
	}
	ret = take_target(s);
	if (ret)
		return ret;
	ret = drop_target(s);
	if (ret)
		log_err("--scsi %s: %s", s->conf->wwpn, strerror(-ret));
	return ret;
}

static int check_abi(const struct scsi *s)
{
	int abi = 0;

	if (ioctl(s->vh.fd, VHOST_SCSI_GET_ABI_VERSION, &abi) < 0) {
		log_err("cannot use %s: %s", SCSI_NODE, strerror(errno));
		return -errno;
	}
	if (abi == VHOST_SCSI_ABI_VERSION)
		return 0;
	log_err("cannot use %s: version %d of its interface, and not %d", SCSI_NODE, abi,
		VHOST_SCSI_ABI_VERSION);
	return -EOPNOTSUPP;
}

/* --- the device ------------------------------------------------------------------ */

static int scsi_activate(struct virtio_dev *vd)
{
	struct scsi *s = container_of(vd, struct scsi, vd);
	int ret;

	ret = vhost_start(&s->vh, vd->features);
	if (ret)
		return ret;
	ret = take_target(s);
	if (ret)
		vhost_stop(&s->vh);
	return ret;
}

static void scsi_reset(struct virtio_dev *vd)
{
	struct scsi *s = container_of(vd, struct scsi, vd);
	int ret = drop_target(s);	/* waits for commands under way */

	vhost_stop(&s->vh);
	if (!ret)
		return;
	/* The kernel must not go on in memory that is the guest's again. */
	log_err("%s: %s cannot be stopped: %s", vd->name, SCSI_NODE, strerror(-ret));
	vhost_close(&s->vh);
}

/* The core runs no queue of this device: all kicks go to the kernel. */
static void scsi_kick(struct virtio_dev *vd, struct virtqueue *vq)
{
}

static bool inside(u32 off, u32 len, size_t field, size_t size)
{
	return off >= field && off + len <= field + size;
}

/*
 * The driver may ask for other sizes of commands and of sense data (5.6.4), but the
 * kernel knows one of each. Who asks gets no requests through that nobody understands.
 */
static void scsi_config_write(struct virtio_dev *vd, u32 off, const void *buf, u32 len)
{
	struct virtio_scsi_config *c = NULL;

	if (!inside(off, len, offsetof(struct virtio_scsi_config, sense_size),
		    sizeof(c->sense_size)) &&
	    !inside(off, len, offsetof(struct virtio_scsi_config, cdb_size),
		    sizeof(c->cdb_size)))
		return;
	if (memcmp(vd->config + off, buf, len))
		virtio_needs_reset(vd, "only commands of 32 bytes and sense data of 96 work");
}

static void set_config(struct scsi *s)
{
	struct virtio_scsi_config c = {
		.num_queues = htole32(s->conf->queues),
		.seg_max = htole32(SCSI_SEG_MAX),
		.max_sectors = htole32(SCSI_SECTORS),
		.cmd_per_lun = htole32(SCSI_QUEUE),
		.event_info_size = htole32(sizeof(struct virtio_scsi_event)),
		.sense_size = htole32(VIRTIO_SCSI_SENSE_DEFAULT_SIZE),
		.cdb_size = htole32(VIRTIO_SCSI_CDB_DEFAULT_SIZE),
		.max_target = htole16(SCSI_MAX_TARGET),
		.max_lun = htole32(SCSI_MAX_LUN),
	};

	s->vd.config_size = sizeof(c);
	virtio_config_set_silent(&s->vd, 0, &c, sizeof(c));
}

static int open_node(struct scsi *s)
{
	struct virtio_dev *vd = &s->vd;
	int ret;

	ret = vhost_open(&s->vh, vd, SCSI_NODE, 0, vd->nr_vqs);
	ret = ret ?: check_abi(s);
	ret = ret ?: try_target(s);
	if (ret)
		return ret;
	vd->offered &= ~VIRTIO_COMMON_FEATURES | s->vh.features;
	vd->offered |= s->vh.features & (1ULL << VIRTIO_SCSI_F_HOTPLUG);
	return 0;
}

static int scsi_realize(struct virtio_dev *vd, struct vm *vm)
{
	struct scsi *s = container_of(vd, struct scsi, vd);
	unsigned int i;
	int ret;

	ret = virtio_set_queues(vd, SCSI_FIRST + s->conf->queues, SCSI_QUEUE, 1);
	if (ret)
		return ret;
	for (i = 0; i < vd->nr_vqs; i++)
		vd->vqs[i].external = true;
	set_config(s);
	/* A machine that is only looked at does not even try its target. */
	return vm->cfg->dry_run ? 0 : open_node(s);
}

static void scsi_destroy(struct virtio_dev *vd)
{
	struct scsi *s = container_of(vd, struct scsi, vd);

	vhost_close(&s->vh);
	free(s);
}

static const struct virtio_ops scsi_ops = {
	.id = VIRTIO_ID_SCSI,
	.realize = scsi_realize,
	.activate = scsi_activate,
	.kick = scsi_kick,
	.config_write = scsi_config_write,
	.reset = scsi_reset,
	.destroy = scsi_destroy,
};

static struct virtio_dev *scsi_create(const void *conf, const char *name)
{
	struct scsi *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->conf = conf;
	s->vh.fd = -1;
	virtio_init(&s->vd, &scsi_ops, name);
	return &s->vd;
}

static const struct prop scsi_props[] = {
	{ .name = "wwpn", .type = PROP_STRING, .offset = offsetof(struct scsi_conf, wwpn),
	  .positional = true, .required = true, .arg = "WWPN",
	  .help = "vhost target of the host's LIO: naa. and 16 digits" },
	{ .name = "queues", .type = PROP_UINT, .offset = offsetof(struct scsi_conf, queues),
	  .def = "1", .min = 1, .max = VIRTIO_MAX_QUEUES - SCSI_FIRST, .arg = "N",
	  .help = "queues for requests" },
	{ }
};

static int scsi_check(const void *conf)
{
	const struct scsi_conf *c = conf;
	const char *digit = c->wwpn + 4;

	if (strlen(c->wwpn) == SCSI_WWPN_LEN && !strncmp(c->wwpn, "naa.", 4)) {
		while (isxdigit((unsigned char)*digit))
			digit++;
		if (!*digit)
			return 0;
	}
	log_err("--scsi %s: not the name of a target: naa. and 16 hexadecimal digits",
		c->wwpn);
	return -EINVAL;
}

const struct device_class scsi_class = {
	.name = "scsi",
	.option = "scsi",
	.help = "SCSI target of the host (vhost-scsi)",
	.arg = "WWPN[,queues=N]",
	.props = scsi_props,
	.conf_size = sizeof(struct scsi_conf),
	.check = scsi_check,
	.create = scsi_create,
};
