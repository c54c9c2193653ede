/* Copyright (c) 2026, the slipway.engine authors
 * GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * setcap cap_net_bind_service=+ep FILE, which is what Dockerfiles do with it. */
#include <stdint.h>
#include <stdio.h>
#include <sys/xattr.h>

int main(int argc, char **argv) {
    /* Revision 2 with the effective bit, permitted bit 10 (capabilities(7)). */
    uint32_t data[5] = {0x02000001, 1 << 10};
    if (argc != 3 || setxattr(argv[2], "security.capability", data, sizeof data, 0)) {
        perror("setcap");
        return 1;
    }
    return 0;
}
