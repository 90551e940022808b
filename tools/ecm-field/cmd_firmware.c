/*
 * cmd_firmware.c - ecm-field firmware: the arguments.
 */
#include <argp.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "tools/ecm-field/field.h"
#include "tools/ecm-field/firmware.h"

enum {
    KEY_KEY = 0x100,
    KEY_PUBLIC,
    KEY_BOARD,
    KEY_NUMBER,
    KEY_NAME,
    KEY_OUT,
    KEY_OFFSET_A,
    KEY_OFFSET_B,
    KEY_OFFSET,
    KEY_SLOT,
    KEY_OLDER,
};

static const struct argp_option options[] = {
    {"public-key", KEY_PUBLIC, "HEX", 0, "check: the key that the bundle must be signed with", 0},
    {"key", KEY_KEY, "PEM", 0, "sign: the private key", 0},
    {"board", KEY_BOARD, "NAME", 0, "sign, stamp: the board it is for, as pico-reader", 0},
    {"number", KEY_NUMBER, "N", 0, "sign, stamp: a number that grows with each version", 0},
    {"name", KEY_NAME, "TEXT", 0, "sign, stamp: the version's name for people", 0},
    {"out", KEY_OUT, "FILE", 0, "sign, stamp: the file to make", 0},
    {"offset-a", KEY_OFFSET_A, "N", 0, "sign: where slot a begins in the flash", 0},
    {"offset-b", KEY_OFFSET_B, "N", 0, "sign: where slot b begins", 0},
    {"allow-older", KEY_OLDER, NULL, 0, "sign: it may replace a version of a higher number", 0},
    {"slot", KEY_SLOT, "a|b", 0, "stamp: the slot that the program is linked for", 0},
    {"offset", KEY_OFFSET, "N", 0, "stamp: where that slot begins in the flash", 0},
    {0},
};

struct parsed {
    struct firmware_args args;
    uint64_t offset; /* of --offset, for the slot of --slot */
    bool has_offset;
};

static uint32_t take_number(const struct argp_state *state, const char *name, const char *text)
{
    uint64_t value = 0;

    if (field_parse_size(text, UINT32_MAX, &value) < 0) {
        argp_error(state, "--%s: '%s' is not a number", name, text);
    }
    return (uint32_t)value;
}

static void take_key(const struct argp_state *state, const char *text, struct firmware_args *args)
{
    if (field_parse_hex(text, args->key, CRYPTO_KEY_SIZE) < 0) {
        argp_error(state, "--public-key: %d hex digits, please", 2 * CRYPTO_KEY_SIZE);
    }
    args->has_key = true;
}

static void take_slot(const struct argp_state *state, const char *text, struct firmware_args *args)
{
    if (strcmp(text, "a") != 0 && strcmp(text, "b") != 0) {
        argp_error(state, "--slot: '%s' is not a or b", text);
    }
    args->slot = text[0] == 'b' ? 1 : 0;
}

static error_t take_text(int key, const char *text, struct firmware_args *args)
{
    switch (key) {
    case KEY_KEY:
        args->key_path = text;
        return 0;
    case KEY_BOARD:
        args->board = text;
        return 0;
    case KEY_NAME:
        args->name = text;
        return 0;
    case KEY_OUT:
        args->out = text;
        return 0;
    case KEY_OLDER:
        args->allows_older = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t take_argument(char *text, struct firmware_args *args)
{
    if (args->verb == NULL) {
        args->verb = text;
        return 0;
    }
    if (args->file_count == FIRMWARE_FILES_MAX) {
        return ARGP_ERR_UNKNOWN;
    }
    args->files[args->file_count++] = text;
    return 0;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct parsed *parsed = state->input;
    struct firmware_args *args = &parsed->args;

    switch (key) {
    case KEY_PUBLIC:
        take_key(state, text, args);
        return 0;
    case KEY_NUMBER:
        args->number = take_number(state, "number", text);
        args->has_number = true;
        return 0;
    case KEY_OFFSET_A:
    case KEY_OFFSET_B:
        args->offset[key - KEY_OFFSET_A] =
            take_number(state, key == KEY_OFFSET_A ? "offset-a" : "offset-b", text);
        args->has_offset[key - KEY_OFFSET_A] = true;
        return 0;
    case KEY_OFFSET:
        parsed->offset = take_number(state, "offset", text);
        parsed->has_offset = true;
        return 0;
    case KEY_SLOT:
        take_slot(state, text, args);
        return 0;
    case ARGP_KEY_ARG:
        return take_argument(text, args);
    case ARGP_KEY_END:
        if (args->verb == NULL) {
            argp_error(state, "say show, check, sign, stamp or key");
        }
        return 0;
    default:
        return take_text(key, text, args);
    }
}

static const struct argp argp = {.options = options,
    .parser = parse,
    .args_doc = "show FILE\ncheck FILE --public-key HEX\nsign [OPTION...] PROGRAM_A PROGRAM_B\n"
                "stamp [OPTION...] PROGRAM\nkey PEM",
    .doc = "Make and check updates for tag readers. A PROGRAM is the flat image of one slot as the "
           "linker left it, the page for its description in front."};

static int run(const struct firmware_args *args, struct err *err)
{
    static const struct {
        const char *name;
        int (*run)(const struct firmware_args *args, struct err *err);
    } verbs[] = {{"show", firmware_show}, {"check", firmware_check}, {"sign", firmware_sign},
        {"stamp", firmware_stamp}, {"key", firmware_key}};

    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verbs[i].name, args->verb) == 0) {
            return verbs[i].run(args, err);
        }
    }
    return err_set(
        err, ECM_EFORMAT, "firmware: '%s' is not show, check, sign, stamp or key", args->verb);
}

int cmd_firmware(int argc, char **argv)
{
    struct parsed parsed = {.args = {.slot = FIRMWARE_SLOT_NONE}};
    struct err err = {0};

    if (argp_parse(&argp, argc, argv, 0, NULL, &parsed) != 0) {
        return EXIT_INPUT;
    }
    if (parsed.has_offset && parsed.args.slot != FIRMWARE_SLOT_NONE) {
        parsed.args.offset[parsed.args.slot] = (uint32_t)parsed.offset;
        parsed.args.has_offset[parsed.args.slot] = true;
    }
    return field_report(run(&parsed.args, &err), &err);
}
