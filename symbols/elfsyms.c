// SPDX-License-Identifier: GPL-2.0
/*
 * The symbol table of a vmlinux. A kernel names functions and offsets in its
 * reports, so that no address of a running kernel is needed, which KASLR would
 * change at each boot.
 */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <linux/kernel.h>
#include <vmtool/elfsyms.h>
#include <vmtool/io.h>

/* A kernel with everything has half a million symbols, of 30 bytes each. */
#define SYMTAB_MAX	(64U << 20)
#define SECTIONS_MAX	65536U
/* Functions are aligned: what kallsyms counts to the next one is more than the size. */
#define PADDING_MAX	64

struct elf_src {
	int fd;
	u64 size;
};

static int read_part(const struct elf_src *src, void *buf, u64 len, u64 off)
{
	if (off > src->size || len > src->size - off)
		return -ENOEXEC;
	return pread_all(src->fd, buf, len, off);
}

static bool header_known(const Elf64_Ehdr *eh)
{
	const int one = 1;
	u8 order = *(const char *)&one ? ELFDATA2LSB : ELFDATA2MSB;

	return !memcmp(eh->e_ident, ELFMAG, SELFMAG) && eh->e_ident[EI_CLASS] == ELFCLASS64 &&
	       eh->e_ident[EI_DATA] == order && eh->e_shentsize == sizeof(Elf64_Shdr);
}

/* The section headers; their number may be in the first of them. */
static int read_sections(const struct elf_src *src, Elf64_Shdr **sections, u32 *nr)
{
	Elf64_Shdr first;
	Elf64_Ehdr eh;
	int ret;

	ret = read_part(src, &eh, sizeof(eh), 0);
	if (ret || !header_known(&eh))
		return ret ?: -ENOEXEC;
	if (!eh.e_shoff)
		return -ENOENT;
	ret = read_part(src, &first, sizeof(first), eh.e_shoff);
	if (ret)
		return ret;
	if (!eh.e_shnum && first.sh_size > SECTIONS_MAX)
		return -ENOEXEC;
	*nr = eh.e_shnum ?: first.sh_size;
	if (!*nr)
		return -ENOENT;
	*sections = calloc(*nr, sizeof(**sections));
	if (!*sections)
		return -ENOMEM;
	ret = read_part(src, *sections, *nr * sizeof(**sections), eh.e_shoff);
	if (ret)
		free(*sections);
	return ret;
}

static int read_names(struct elf_syms *es, const struct elf_src *src, const Elf64_Shdr *sh)
{
	int ret;

	if (!sh->sh_size || sh->sh_size > SYMTAB_MAX || sh->sh_size > src->size)
		return -ENOEXEC;
	es->names = malloc(sh->sh_size);
	if (!es->names)
		return -ENOMEM;
	ret = read_part(src, es->names, sh->sh_size, sh->sh_offset);
	if (!ret && es->names[sh->sh_size - 1])
		ret = -ENOEXEC;
	es->names_len = sh->sh_size;
	return ret;
}

/* What is not in a section that is executed is data, or gone before it could fail. */
static bool wanted(const Elf64_Sym *sym, const Elf64_Shdr *sections, u32 nr, size_t names_len)
{
	u8 type = ELF64_ST_TYPE(sym->st_info);

	return sym->st_name && sym->st_name < names_len && sym->st_shndx < nr &&
	       (type == STT_FUNC || type == STT_NOTYPE) &&
	       (sections[sym->st_shndx].sh_flags & SHF_EXECINSTR);
}

static int by_address(const void *a, const void *b)
{
	const struct elf_sym *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	/* Of several names for one address the function's own comes first. */
	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
}

static int read_syms(struct elf_syms *es, const struct elf_src *src,
		     const Elf64_Shdr *symtab, const Elf64_Shdr *sections, u32 nr)
{
	size_t i, n = symtab->sh_size / sizeof(Elf64_Sym);
	Elf64_Sym *table;
	int ret;

	if (symtab->sh_entsize != sizeof(Elf64_Sym) || symtab->sh_size > SYMTAB_MAX ||
	    symtab->sh_size > src->size)
		return -ENOEXEC;
	table = malloc(n * sizeof(*table) ?: 1);
	es->syms = malloc(n * sizeof(*es->syms) ?: 1);
	ret = table && es->syms ? read_part(src, table, n * sizeof(*table), symtab->sh_offset) :
		-ENOMEM;
	for (i = 0; !ret && i < n; i++) {
		if (!wanted(&table[i], sections, nr, es->names_len))
			continue;
		es->syms[es->nr++] = (struct elf_sym) {
			.addr = table[i].st_value,
			.size = table[i].st_size,
			.name = table[i].st_name,
		};
	}
	free(table);
	if (!ret && !es->nr)
		return -ENOENT;
	if (!ret)
		qsort(es->syms, es->nr, sizeof(*es->syms), by_address);
	return ret;
}

static int read_table(struct elf_syms *es, const struct elf_src *src,
		      const Elf64_Shdr *sections, u32 nr)
{
	u32 i;
	int ret;

	for (i = 0; i < nr; i++)
		if (sections[i].sh_type == SHT_SYMTAB)
			break;
	if (i == nr)
		return -ENOENT;
	if (sections[i].sh_link >= nr)
		return -ENOEXEC;
	ret = read_names(es, src, &sections[sections[i].sh_link]);
	return ret ?: read_syms(es, src, &sections[i], sections, nr);
}

int elf_syms_read(struct elf_syms *es, int fd)
{
	struct elf_src src = { .fd = fd };
	Elf64_Shdr *sections;
	struct stat st;
	u32 nr;
	int ret;

	memset(es, 0, sizeof(*es));
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOEXEC;
	src.size = st.st_size;
	ret = read_sections(&src, &sections, &nr);
	if (ret)
		return ret;
	ret = read_table(es, &src, sections, nr);
	free(sections);
	if (ret)
		elf_syms_free(es);
	return ret;
}

void elf_syms_free(struct elf_syms *es)
{
	free(es->syms);
	free(es->names);
	memset(es, 0, sizeof(*es));
}

/* Smaller is better; -1 for a function that cannot be the one. */
static int misfit(const struct elf_sym *sym, u64 size)
{
	if (!size || !sym->size)
		return PADDING_MAX;
	if (sym->size > size || size - sym->size >= PADDING_MAX)
		return -1;
	return size - sym->size;
}

int elf_syms_find(const struct elf_syms *es, const char *name, size_t len, u64 size,
		  u64 *addr)
{
	int best = PADDING_MAX + 1, fit, found = 0;
	size_t i;

	for (i = 0; i < es->nr; i++) {
		const char *s = es->names + es->syms[i].name;

		/* The end of the table is a NUL, so neither comparison passes it. */
		if (strncmp(s, name, len) || s[len])
			continue;
		fit = misfit(&es->syms[i], size);
		if (fit < 0 || fit > best || (fit == best && found && *addr == es->syms[i].addr))
			continue;
		found = fit == best ? found + 1 : 1;
		best = fit;
		*addr = es->syms[i].addr;
	}
	return !found ? -ENOENT : found > 1 ? -EEXIST : 0;
}

const char *elf_syms_at(const struct elf_syms *es, u64 addr, u64 *off, u64 *size)
{
	size_t low = 0, high = es->nr, first;

	/* The first symbol behind the address. */
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (es->syms[mid].addr <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low)
		return NULL;
	for (first = low - 1; first && es->syms[first - 1].addr == es->syms[low - 1].addr; )
		first--;
	*off = addr - es->syms[first].addr;
	*size = low < es->nr ? es->syms[low].addr - es->syms[first].addr : es->syms[first].size;
	/* Behind the last function, or in the hole between two sections. */
	if (low == es->nr ? *off >= *size :
	    es->syms[first].size && *off >= es->syms[first].size + PADDING_MAX)
		return NULL;
	return es->names + es->syms[first].name;
}
