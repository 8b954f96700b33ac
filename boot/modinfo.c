// SPDX-License-Identifier: GPL-2.0
/*
 * What is in the file of a module. Such a file may be anything: each offset and size is
 * checked before it is used, and whoever makes it up gets -ENOEXEC.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/elf.h>
#include <linux/kernel.h>
#include <linux/sizes.h>
#include <vmtool/decompress.h>
#include <vmtool/io.h>
#include <vmtool/modules.h>

#define MODULE_SECTIONS	65536
#define MODULE_NAMES	SZ_1M
#define MODULE_INFO	SZ_1M
#define MODULE_MAX	SZ_512M		/* with all of its debug information */
#define INFLATE_FIRST	SZ_64K
#define INFO_SECTION	".modinfo"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ELF_DATA	ELFDATA2LSB
#else
#define ELF_DATA	ELFDATA2MSB
#endif

/**
 * struct source - where a file is read from
 * @fd: file; not used when @data is set
 * @data: the file in memory, or NULL
 * @len: bytes of the file
 */
struct source {
	int fd;
	const char *data;
	u64 len;
};

static int source_read(const struct source *src, void *buf, u64 len, u64 off)
{
	if (off > src->len || len > src->len - off)
		return -ENOEXEC;
	if (src->data) {
		memcpy(buf, src->data + off, len);
		return 0;
	}
	return pread_all(src->fd, buf, len, off);
}

/* A copy of a part, with a NUL behind it. */
static int source_copy(const struct source *src, u64 off, u64 len, u64 max, char **copy)
{
	int ret;

	*copy = NULL;
	if (len > max || off > src->len || len > src->len - off)
		return -ENOEXEC;
	*copy = malloc(len + 1);
	if (!*copy)
		return -ENOMEM;
	(*copy)[len] = '\0';
	ret = source_read(src, *copy, len, off);
	if (ret) {
		free(*copy);
		*copy = NULL;
	}
	return ret;
}

static int read_header(const struct source *src, struct elf64_hdr *eh)
{
	if (source_read(src, eh, sizeof(*eh), 0))
		return -ENOEXEC;
	if (memcmp(eh->e_ident, ELFMAG, SELFMAG) || eh->e_ident[EI_CLASS] != ELFCLASS64 ||
	    eh->e_ident[EI_DATA] != ELF_DATA || eh->e_type != ET_REL)
		return -ENOEXEC;
	if (eh->e_shentsize != sizeof(struct elf64_shdr) || eh->e_shstrndx >= eh->e_shnum)
		return -ENOEXEC;
	return 0;
}

static int find_info(const struct source *src, const struct elf64_hdr *eh,
		     struct elf64_shdr *found)
{
	struct elf64_shdr *sh;
	const struct elf64_shdr *str;
	char *names = NULL, *table;
	unsigned int i;
	int ret;

	ret = source_copy(src, eh->e_shoff, (u64)eh->e_shnum * sizeof(*sh),
			  MODULE_SECTIONS * sizeof(*sh), &table);
	if (ret)
		return ret;
	sh = (struct elf64_shdr *)table;
	str = &sh[eh->e_shstrndx];
	ret = source_copy(src, str->sh_offset, str->sh_size, MODULE_NAMES, &names);
	if (!ret)
		ret = -ENOEXEC;
	for (i = 0; names && i < eh->e_shnum; i++) {
		if (sh[i].sh_type != SHT_PROGBITS || sh[i].sh_name >= str->sh_size ||
		    strcmp(names + sh[i].sh_name, INFO_SECTION))
			continue;
		*found = sh[i];
		ret = 0;
		break;
	}
	free(names);
	free(table);
	return ret;
}

static int parse_source(const struct source *src, char **info, size_t *info_len)
{
	struct elf64_shdr sh;
	struct elf64_hdr eh;
	int ret;

	*info = NULL;
	*info_len = 0;
	ret = read_header(src, &eh);
	ret = ret ?: find_info(src, &eh, &sh);
	ret = ret ?: source_copy(src, sh.sh_offset, sh.sh_size, MODULE_INFO, info);
	if (!ret)
		*info_len = sh.sh_size;
	return ret;
}

int modinfo_parse(const void *data, size_t len, char **info, size_t *info_len)
{
	const struct source src = { .data = data, .len = len };

	return parse_source(&src, info, info_len);
}

/* How long it will be is said in another way by each format, or not at all. */
static int inflate(const struct decompressor *d, const void *in, size_t len, void **out,
		   size_t *produced)
{
	size_t room = max_t(size_t, INFLATE_FIRST, len * 4);
	int ret = -ENOSPC;

	for (; room <= MODULE_MAX && ret == -ENOSPC; room *= 2) {
		*out = malloc(room);
		if (!*out)
			return -ENOMEM;
		ret = d->inflate(in, len, *out, room, produced);
		if (ret) {
			free(*out);
			*out = NULL;
		}
	}
	return ret == -ENOMEM ? ret : ret ? -ENOEXEC : 0;
}

/* Takes @text over, in one way or the other. */
static int inflate_file(char *text, size_t text_len, void **data, size_t *len)
{
	const struct decompressor *d;
	const char *format;
	int ret;

	d = decompressor_find(text, text_len, &format);
	if (!format) {
		*data = text;
		*len = text_len;
		return 0;
	}
	ret = d ? inflate(d, text, text_len, data, len) : -EOPNOTSUPP;
	free(text);
	return ret;
}

static int module_path(const struct modules *m, const struct module *mod, char *path,
		       size_t size)
{
	return snprintf(path, size, "%s/%s", m->dir, mod->file) < size ? 0 : -ENAMETOOLONG;
}

int module_load(const struct modules *m, const struct module *mod, void **data, size_t *len)
{
	char path[PATH_MAX], *text;
	size_t text_len;
	int ret;

	*data = NULL;
	*len = 0;
	ret = module_path(m, mod, path, sizeof(path));
	ret = ret ?: read_file(path, MODULE_MAX, &text, &text_len);
	return ret ?: inflate_file(text, text_len, data, len);
}

static int info_from_file(const struct modules *m, struct module *mod)
{
	struct source src = { };
	char path[PATH_MAX];
	struct stat st;
	int ret;

	ret = module_path(m, mod, path, sizeof(path));
	if (ret)
		return ret;
	src.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (src.fd < 0)
		return -errno;
	if (fstat(src.fd, &st) < 0)
		ret = -errno;
	else
		src.len = st.st_size;
	ret = ret ?: parse_source(&src, &mod->info, &mod->info_len);
	close(src.fd);
	return ret;
}

int module_info_load(const struct modules *m, struct module *mod)
{
	void *data;
	size_t len;
	int ret;

	if (mod->info)
		return 0;
	/* Most of a module with debug information need not be read. */
	ret = info_from_file(m, mod);
	if (ret != -ENOEXEC)
		return ret;
	ret = module_load(m, mod, &data, &len);
	if (ret)
		return ret;
	ret = modinfo_parse(data, len, &mod->info, &mod->info_len);
	free(data);
	return ret;
}

const char *module_info(const struct modules *m, struct module *mod, const char *key,
			const char *prev)
{
	size_t key_len = strlen(key);
	const char *p, *end;

	if (module_info_load(m, mod))
		return NULL;
	end = mod->info + mod->info_len;
	p = prev ? prev + strlen(prev) + 1 : mod->info;
	while (p < end) {
		if (!strncmp(p, key, key_len) && p[key_len] == '=')
			return p + key_len + 1;
		p += strlen(p) + 1;
	}
	return NULL;
}
