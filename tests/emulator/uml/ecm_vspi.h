/*
 * ecm_vspi.h - what the virtual SPI controller and the process behind it say to each other.
 *
 * The process opens ECM_VSPI_PATH; one at a time. read() gives one request and, right behind it,
 * the bytes of the host; poll() tells when there is one. The process then writes exactly
 * request.size bytes, the chip's answer; with that the transfer is over for the host. Wire time is
 * kept by the controller: a transfer never ends before its bytes could have gone over the wire.
 *
 * While nobody has the file open, the host reads FF: nobody drives the line.
 *
 * Errors of read() and write(): EAGAIN nothing to read; EMSGSIZE the buffer is too small for the
 * request; EINVAL a write without a request, or of another size.
 */
#ifndef ECM_TESTS_EMULATOR_UML_ECM_VSPI_H
#define ECM_TESTS_EMULATOR_UML_ECM_VSPI_H

#include <linux/types.h>

#define ECM_VSPI_NAME "ecm-vspi"
#define ECM_VSPI_PATH "/dev/" ECM_VSPI_NAME
#define ECM_VSPI_BYTES_MAX 4096

struct ecm_vspi_request {
    __u32 size;      /* bytes of this transfer, each way */
    __u32 select_us; /* chip select has been low for so long before the first of them */
    __u32 speed_hz;
    __u32 is_first; /* 1: first transfer with bytes since chip select went low */
};

#endif
