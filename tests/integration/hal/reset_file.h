/*
 * reset_file.h - an emulated PN532's reset line, as a file that somebody writes 0 and 1 into.
 *
 * A pulse shorter than the time between two looks may be missed: look every millisecond or two.
 */
#ifndef ECM_TESTS_INTEGRATION_HAL_RESET_FILE_H
#define ECM_TESTS_INTEGRATION_HAL_RESET_FILE_H

#include <stdio.h>

#include "hal/fake/emu_pn532.h"

enum { RESET_FILE_LOOK_MS = 2 };

/* Look at path (NULL: nothing happens) and put the chip's line where it says. */
static inline void reset_file_look(const char *path, struct emu_pn532 *emu)
{
    FILE *file = path != NULL ? fopen(path, "re") : NULL;
    int digit = 0;

    if (file == NULL) {
        return;
    }
    digit = fgetc(file);
    (void)fclose(file);
    if (digit == '0' || digit == '1') {
        emu_pn532_reset(emu, digit == '1');
    }
}

#endif
