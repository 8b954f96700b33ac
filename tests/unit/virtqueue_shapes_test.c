// SPDX-License-Identifier: GPL-2.0
/*
 * virtio/queue.c: all shapes of chains in small rings.
 */
#include "virtqueue_shapes.h"
