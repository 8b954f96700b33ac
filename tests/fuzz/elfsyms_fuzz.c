// SPDX-License-Identifier: GPL-2.0
/*
 * Any bytes as a vmlinux: where a symbol table was read, it is in order, and all that
 * can be asked of it has an answer.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vmtool/elfsyms.h>

#include "fuzz.h"

static void ask(const struct elf_syms *es)
{
	u64 off, size, addr;
	const char *name;
	size_t i;

	CHECK(es->nr && es->names_len && !es->names[es->names_len - 1]);
	for (i = 0; i < es->nr && i < 100; i++) {
		CHECK(es->syms[i].name < es->names_len);
		CHECK(!i || es->syms[i].addr >= es->syms[i - 1].addr);
		name = elf_syms_at(es, es->syms[i].addr + i % 3, &off, &size);
		if (name)
			CHECK(off < size || size < es->syms[i].size + 64);
		name = es->names + es->syms[i].name;
		elf_syms_find(es, name, strlen(name), i, &addr);
	}
	elf_syms_at(es, 0, &off, &size);
	elf_syms_at(es, -1ULL, &off, &size);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct elf_syms es;

	CHECK(fd >= 0 && write(fd, data, size) == size);
	if (!elf_syms_read(&es, fd))
		ask(&es);
	else
		CHECK(!es.syms && !es.names);
	elf_syms_free(&es);
	close(fd);
	return 0;
}
