/*
 * emu_commands.h - the lines that steer an emulated PN532, for the tools that offer one.
 *
 *   tap HEX [KIND] [URI]     lay a tag with this number on the reader; KIND ultralight ntag213 ntag215
 *                            ntag216 type4 ntag424 classic (default: ntag213, classic for 4 bytes);
 *                            a URI makes type 4 the default
 *   remove [HEX]             take this tag, or all, away
 *   fault KIND [MS] [COUNT]  none hang brownout noack badlcs baddcs garbage error preamble extended
 *                            leaves: KIND [COUNT]; late MS [COUNT]; COUNT answers, 0 for ever,
 *                            default 1
 *   reset                    a pulse on the reset line
 *   status                   "status commands=N searches=N resets=N nacks=N aborts=N"
 *   quit
 *
 * Every line is answered by one line: "ok", "status ..." or "error: ...".
 */
#ifndef ECM_TESTS_INTEGRATION_HAL_EMU_COMMANDS_H
#define ECM_TESTS_INTEGRATION_HAL_EMU_COMMANDS_H

#include <stdbool.h>

#include "hal/fake/emu_pn532.h"

enum { EMU_LINE_MAX = 512 };

/* Bytes that come in pieces, and the lines in them. */
struct emu_lines {
    char bytes[EMU_LINE_MAX];
    size_t size;
    bool quit; /* a quit was seen */
};

/* Do one line and print its answer. False: it was quit. */
bool emu_command_line(struct emu_pn532 *emu, const char *line);

/* Read what fd has and do every whole line. Returns false at its end, or after quit. */
bool emu_lines_read(struct emu_lines *lines, int fd, struct emu_pn532 *emu);

#endif
