/*
 * field.h - the commands of ecm-field.
 *
 * A command takes its own argc and argv (argv[0] is "ecm-field log") and returns the exit status: 0;
 * 1 it failed, or what was checked is not right; 2 the usage or the input is at fault. What went
 * wrong is one line on standard error.
 */
#ifndef ECM_TOOLS_FIELD_FIELD_H
#define ECM_TOOLS_FIELD_FIELD_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct err;

enum { EXIT_FAILED = 1, EXIT_INPUT = 2 };

int cmd_log(int argc, char **argv);
int cmd_firmware(int argc, char **argv);
int cmd_identity(int argc, char **argv);

/* Say what is in err and turn the code into an exit status; 0 for a code that is not negative. */
int field_report(int code, const struct err *err);

/* A whole file. 0 and the caller's to free; -errno, ECM_EFORMAT when it is above size_max. */
int field_read_file(
    const char *path, size_t size_max, uint8_t **ret_bytes, size_t *ret_size, struct err *err);

/* Make a file of bytes; one that is there is replaced. */
int field_write_file(const char *path, const uint8_t *bytes, size_t size, struct err *err);

/* A number, decimal or 0x..., with K or M behind it. 0, or ECM_EFORMAT. */
int field_parse_size(const char *text, uint64_t max, uint64_t *ret_value);

/* bytes as hex digits; text has room for twice as many and a zero. */
void field_hex(const uint8_t *bytes, size_t size, char *ret_text);

/* Exactly size bytes from twice as many hex digits. 0, or ECM_EFORMAT. */
int field_parse_hex(const char *text, uint8_t *ret_bytes, size_t size);

#endif
