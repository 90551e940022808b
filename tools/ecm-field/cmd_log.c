/*
 * cmd_log.c - ecm-field log: the records in an image of a tag reader's flash.
 */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "tools/ecm-field/field.h"
#include "tools/ecm-field/log_print.h"

enum { KEY_OFFSET = 0x100, KEY_SIZE, KEY_FORMAT };

struct log_args {
    const char *image;
    const char *format;
    uint64_t offset;
    uint64_t size;
    bool has_offset;
};

static const struct argp_option options[] = {
    {"offset", KEY_OFFSET, "N", 0,
        "Where the log begins in the image; found by itself unless given", 0},
    {"size", KEY_SIZE, "N", 0, "Its size; to the end of the image unless given (1M, 64K, 0x100000)",
        0},
    {"format", KEY_FORMAT, "table|tsv|json", 0, "For people (table, unless given) or for machines",
        0},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct log_args *args = state->input;

    switch (key) {
    case KEY_OFFSET:
        args->has_offset = true;
        if (field_parse_size(text, LOG_SCAN_IMAGE_MAX, &args->offset) < 0) {
            argp_error(state, "--offset: '%s' is not a number of bytes", text);
        }
        return 0;
    case KEY_SIZE:
        if (field_parse_size(text, LOG_SCAN_IMAGE_MAX, &args->size) < 0 || args->size == 0) {
            argp_error(state, "--size: '%s' is not a number of bytes", text);
        }
        return 0;
    case KEY_FORMAT:
        if (strcmp(text, "table") != 0 && strcmp(text, "tsv") != 0 && strcmp(text, "json") != 0) {
            argp_error(state, "--format: '%s' is not table, tsv or json", text);
        }
        args->format = text;
        return 0;
    case ARGP_KEY_ARG:
        if (args->image != NULL) {
            return ARGP_ERR_UNKNOWN;
        }
        args->image = text;
        return 0;
    case ARGP_KEY_END:
        if (args->image == NULL) {
            argp_error(state, "name the IMAGE");
        }
        if (args->size != 0 && !args->has_offset) {
            argp_error(state, "--size needs --offset");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {.options = options,
    .parser = parse,
    .args_doc = "IMAGE",
    .doc = "Print every record in IMAGE, a copy of a tag reader's whole flash or of its log, and "
           "the state of the log: also what the reader itself would pass over. Nothing is written. "
           "It shows tag numbers: keep what it prints as carefully as the reader."};

/* Which part of the image is the log. */
static int find_log(const struct log_args *args, const uint8_t *bytes, size_t size,
    size_t *ret_offset, size_t *ret_size, struct err *err)
{
    if (!args->has_offset) {
        return log_scan_find(bytes, size, ret_offset, ret_size, err);
    }
    if (args->offset > size || args->size > size - args->offset) {
        return err_set(err, ECM_EFORMAT, "the image has %zu bytes only", size);
    }
    *ret_offset = (size_t)args->offset;
    *ret_size = args->size != 0 ? (size_t)args->size : size - *ret_offset;
    return 0;
}

static int print_log(const struct log_args *args, const struct log_scan *scan, struct err *err)
{
    if (!scan->has_log) {
        return err_set(err, ECM_EFORMAT, "no log was ever begun there");
    }
    if (args->format != NULL && strcmp(args->format, "json") == 0) {
        return log_print_json(scan, stdout);
    }
    if (args->format != NULL && strcmp(args->format, "tsv") == 0) {
        log_print_tsv(scan, stdout);
    } else {
        log_print_table(scan, stdout);
    }
    return 0;
}

int cmd_log(int argc, char **argv)
{
    struct log_args args = {0};
    struct log_scan scan = {0};
    struct err err = {0};
    uint8_t *bytes = NULL;
    size_t size = 0;
    size_t offset = 0;
    size_t log_size = 0;
    int rc = 0;

    if (argp_parse(&argp, argc, argv, 0, NULL, &args) != 0) {
        return EXIT_INPUT;
    }
    rc = field_read_file(args.image, LOG_SCAN_IMAGE_MAX, &bytes, &size, &err);
    if (rc < 0) {
        return field_report(rc, &err);
    }
    rc = find_log(&args, bytes, size, &offset, &log_size, &err);
    if (rc == 0) {
        rc = log_scan(bytes + offset, log_size, &scan, &err);
    }
    if (rc == 0) {
        rc = print_log(&args, &scan, &err);
        log_scan_done(&scan);
    }
    free(bytes);
    return rc < 0 ? field_report(err_wrap(&err, rc, "'%s'", args.image), &err) : 0;
}
