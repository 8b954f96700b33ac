// SPDX-License-Identifier: GPL-2.0
/*
 * Any bytes as a .config, and as a kernel that has one inside.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vmtool/kconfig.h>
#include <vmtool/kernel_image.h>

#include "fuzz.h"

/* The value of the first line that sets @symbol, found line by line. */
static enum kconfig_value first_value(const char *text, const char *symbol, size_t len)
{
	for (; text; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (strncmp(text, "CONFIG_", 7) || strncmp(text + 7, symbol, len) ||
		    text[7 + len] != '=')
			continue;
		text += 7 + len + 1;
		if (!*text || *text == '\n')
			return KCONFIG_N;
		if (text[1] && text[1] != '\n')
			return KCONFIG_Y;
		return *text == 'm' ? KCONFIG_M : *text == 'n' ? KCONFIG_N : KCONFIG_Y;
	}
	return KCONFIG_N;
}

static void fuzz_check(struct kconfig *kc)
{
	const char *line = kc->text;
	char symbol[64];
	size_t len;

	while ((line = strstr(line, "\nCONFIG_"))) {
		line += strlen("\nCONFIG_");
		len = strcspn(line, "=\n");
		if (line[len] != '=' || !len || len >= sizeof(symbol))
			continue;
		memcpy(symbol, line, len);
		symbol[len] = '\0';
		CHECK(kconfig_get(kc, symbol) == first_value(kc->text, symbol, len));
	}
	kconfig_free(kc);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct kernel_image ki = { .nr_seg = 2 };
	struct kconfig kc;

	if (!kconfig_parse(&kc, (const char *)data, size))
		fuzz_check(&kc);
	ki.fd = memfd_create("fuzz", MFD_CLOEXEC);
	CHECK(ki.fd >= 0 && write(ki.fd, data, size) == size);
	ki.seg[0].filesz = size / 2;
	ki.seg[1].filesz = size;
	if (!kconfig_from_image(&kc, &ki))
		fuzz_check(&kc);
	close(ki.fd);
	return 0;
}
