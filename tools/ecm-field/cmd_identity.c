/*
 * cmd_identity.c - ecm-field identity: give a tag reader its name and its key.
 */
#include <argp.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/err.h"
#include "firmware/boot/little.h"
#include "firmware/crypto/crypto.h"
#include "firmware/identity/identity.h"
#include "proto/messages.h"
#include "proto/topics.h"
#include "tools/ecm-field/field.h"

enum { KEY_DEVICE = 0x100, KEY_UPDATE, KEY_LIMIT, KEY_AT, KEY_OUT };

/* UF2: https://github.com/microsoft/uf2, blocks of 512 bytes; the family is the RP2040's. */
enum { UF2_BLOCK = 512, UF2_DATA_AT = 32, UF2_FAMILY_FLAG = 0x2000, XIP_BASE = 0x10000000 };
#define UF2_MAGIC_1 UINT32_C(0x0A324655)
#define UF2_MAGIC_2 UINT32_C(0x9E5D5157)
#define UF2_MAGIC_3 UINT32_C(0x0AB16F30)
#define UF2_RP2040 UINT32_C(0xE48BFF56)

enum { IDENTITY_AT = 0xC000, HOME_LIMIT_MAX_S = 48 * 3600 };

struct identity_args {
    struct identity identity;
    const char *out;
    uint64_t at;
};

static const struct argp_option options[] = {
    {"device", KEY_DEVICE, "ID", 0, "The device id: up to 32 of A-Z a-z 0-9 - _ .", 0},
    {"update-key", KEY_UPDATE, "HEX", 0,
        "Public key that updates must be signed with; without it none is taken", 0},
    {"home-limit", KEY_LIMIT, "SECONDS", 0,
        "After so long a tap is an arrival again (4 hours unless given)", 0},
    {"at", KEY_AT, "N", 0, "Where it lies in the flash; 0xc000 unless given", 0},
    {"out", KEY_OUT, "FILE", 0, "The UF2 file to make", 0},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct identity_args *args = state->input;
    uint64_t value = 0;

    switch (key) {
    case KEY_DEVICE:
        if (strlen(text) > DEVICE_ID_MAX || !topic_name_is_valid(text)) {
            argp_error(state, "--device: '%s' is not a device id", text);
        }
        (void)snprintf(args->identity.device_id, sizeof args->identity.device_id, "%.32s", text);
        return 0;
    case KEY_UPDATE:
        if (field_parse_hex(text, args->identity.update_key, IDENTITY_KEY_SIZE) < 0) {
            argp_error(state, "--update-key: %d hex digits, please", 2 * IDENTITY_KEY_SIZE);
        }
        args->identity.has_update_key = true;
        return 0;
    case KEY_LIMIT:
        if (field_parse_size(text, HOME_LIMIT_MAX_S, &value) < 0 || value == 0) {
            argp_error(state, "--home-limit: 1 to %d seconds", HOME_LIMIT_MAX_S);
        }
        args->identity.home_limit_s = (uint32_t)value;
        return 0;
    case KEY_AT:
        if (field_parse_size(text, 16 << 20, &args->at) < 0 || args->at % IDENTITY_PAGE != 0) {
            argp_error(state, "--at: '%s' is not the offset of a page", text);
        }
        return 0;
    case KEY_OUT:
        args->out = text;
        return 0;
    case ARGP_KEY_END:
        if (args->identity.device_id[0] == '\0' || args->out == NULL) {
            argp_error(state, "--device and --out are needed");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {.options = options,
    .parser = parse,
    .doc = "Make a UF2 file that gives a tag reader its name and a new key, and print its public "
           "key, for the collector. Copy the file to the reader's drive as its firmware was, then "
           "delete it: it holds the private key."};

static void put_block(uint8_t block[static UF2_BLOCK], uint32_t address, const uint8_t *page)
{
    (void)memset(block, 0, UF2_BLOCK);
    little_put4(block, UF2_MAGIC_1);
    little_put4(block + 4, UF2_MAGIC_2);
    little_put4(block + 8, UF2_FAMILY_FLAG);
    little_put4(block + 12, address);
    little_put4(block + 16, IDENTITY_PAGE);
    little_put4(block + 20, 0); /* this block */
    little_put4(block + 24, 1); /* of so many */
    little_put4(block + 28, UF2_RP2040);
    (void)memcpy(block + UF2_DATA_AT, page, IDENTITY_PAGE);
    little_put4(block + UF2_BLOCK - 4, UF2_MAGIC_3);
}

int cmd_identity(int argc, char **argv)
{
    struct identity_args args = {.at = IDENTITY_AT};
    uint8_t page[IDENTITY_PAGE];
    uint8_t block[UF2_BLOCK];
    uint8_t key[CRYPTO_KEY_SIZE];
    char hex[2 * CRYPTO_KEY_SIZE + 1];
    struct err err = {0};
    int rc = 0;

    if (argp_parse(&argp, argc, argv, 0, NULL, &args) != 0) {
        return EXIT_INPUT;
    }
    if (getrandom(args.identity.seed, IDENTITY_KEY_SIZE, 0) != IDENTITY_KEY_SIZE) {
        return field_report(err_set(&err, -EIO, "no random numbers: %s", strerror(errno)), &err);
    }
    args.identity.has_seed = true;
    identity_put(page, &args.identity);
    put_block(block, XIP_BASE + (uint32_t)args.at, page);
    (void)umask(S_IRWXG | S_IRWXO); /* nobody else may read the key */
    rc = field_write_file(args.out, block, sizeof block, &err);
    if (rc == 0) {
        crypto_public_key(args.identity.seed, key);
        field_hex(key, sizeof key, hex);
        (void)printf("%s\t%s\n", args.identity.device_id, hex);
    }
    return field_report(rc, &err);
}
