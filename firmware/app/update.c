/*
 * update.c - asks for the bytes of a bundle in the order in which they can be judged.
 */
#include "firmware/app/update.h"

#include <errno.h>
#include <string.h>

static int offer(void *user, const struct link_update_offer *offered)
{
    struct update *update = user;

    if (update->flash == NULL || offered->size < BUNDLE_HEADER) {
        return update->flash == NULL ? -ENODEV : -EBADMSG;
    }
    if (update->stage != UPDATE_IDLE && update->stage != UPDATE_RESULT &&
        memcmp(update->file, offered->image_sha256, sizeof update->file) == 0) {
        return 0; /* the same one, after the link was down: it goes on */
    }
    memcpy(update->file, offered->image_sha256, sizeof update->file);
    update->file_size = offered->size;
    update->stage = UPDATE_HEADER;
    update->is_told = false;
    return 0;
}

static bool wants(void *user, struct link_update_request *ret_request)
{
    const struct update *update = user;
    uint32_t at = 0;
    uint32_t left = BUNDLE_HEADER;

    if (update->stage == UPDATE_PROGRAM) {
        at = update->program_at + receiver_wanted(&update->receiver);
        left = receiver_size(&update->receiver) - receiver_wanted(&update->receiver);
    } else if (update->stage != UPDATE_HEADER) {
        return false;
    }
    memcpy(ret_request->image_sha256, update->file, sizeof update->file);
    ret_request->offset = at;
    ret_request->size = left < LINK_UPDATE_DATA_MAX ? left : LINK_UPDATE_DATA_MAX;
    return true;
}

static void finish(struct update *update, int code)
{
    update->code = code;
    update->stage = UPDATE_RESULT;
}

/* All bytes are there: hash them. */
static void check(struct update *update)
{
    int rc = 1;

    while (rc > 0) {
        rc = receiver_finish(&update->receiver);
    }
    finish(update, rc);
}

static void take_header(struct update *update, const uint8_t *data, size_t size)
{
    struct bundle bundle;
    int rc = -EBADMSG;
    uint64_t at = 0;

    if (size == BUNDLE_HEADER) {
        rc = receiver_offer(&update->receiver, data);
    }
    if (rc == 0) {
        rc = bundle_parse(data, &bundle);
    }
    if (rc == 0) {
        at = bundle_offset_of(&bundle, receiver_slot(&update->receiver));
        rc = at + receiver_size(&update->receiver) > update->file_size ? -EBADMSG : 0;
    }
    if (rc < 0) {
        finish(update, rc);
        return;
    }
    update->program_at = (uint32_t)at;
    update->stage = UPDATE_PROGRAM;
    if (receiver_wanted(&update->receiver) == receiver_size(&update->receiver)) {
        check(update);
    }
}

static void take_program(struct update *update, uint32_t offset, const uint8_t *data, size_t size)
{
    for (size_t at = 0; at < size; at += RECEIVER_BLOCK) {
        size_t left = size - at;
        int rc = receiver_block(&update->receiver, offset - update->program_at + (uint32_t)at,
            data + at, (uint32_t)(left < RECEIVER_BLOCK ? left : RECEIVER_BLOCK));

        if (rc == -ERANGE) {
            return; /* not what was asked for: it is asked for again */
        }
        if (rc < 0) {
            finish(update, rc);
            return;
        }
    }
    if (receiver_wanted(&update->receiver) == receiver_size(&update->receiver)) {
        check(update);
    }
}

static void block(void *user, uint32_t offset, const uint8_t *data, size_t size)
{
    struct update *update = user;

    if (size == 0) {
        update->stage = UPDATE_IDLE; /* no longer offered */
    } else if (update->stage == UPDATE_HEADER && offset == 0) {
        take_header(update, data, size);
    } else if (update->stage == UPDATE_PROGRAM && offset >= update->program_at) {
        take_program(update, offset, data, size);
    }
}

static const char *sentence_of(int code)
{
    switch (code) {
    case 0:
        return "taken over; starting it";
    case -EBADMSG:
        return "not a firmware bundle, or not all of one";
    case -EPROTONOSUPPORT:
        return "a bundle of a newer format";
    case -EACCES:
        return "not signed with the key this reader knows";
    case -EXDEV:
        return "for another board";
    case -EFBIG:
        return "does not fit its slot, or is linked for other addresses";
    case -EALREADY:
        return "this version runs already";
    case -ESTALE:
        return "older than what runs";
    case -EPERM:
        return "was tried before and did not prove itself";
    case -EBUSY:
        return "what runs is itself on trial";
    case -EILSEQ:
        return "the program is not the one that was signed";
    case -EINVAL:
        return "the gateway sent something else than was asked for";
    default:
        return "the flash failed";
    }
}

static bool result(void *user, struct link_update_result *ret_result)
{
    const struct update *update = user;

    if (update->stage != UPDATE_RESULT || update->is_told) {
        return false;
    }
    memset(ret_result, 0, sizeof *ret_result);
    memcpy(ret_result->image_sha256, update->file, sizeof update->file);
    ret_result->code = update->code;
    strncpy(ret_result->text, sentence_of(update->code), sizeof ret_result->text - 1);
    return true;
}

static void result_told(void *user)
{
    ((struct update *)user)->is_told = true;
}

int update_open(struct update *update, const struct receiver_conf *conf)
{
    int rc = 0;

    memset(update, 0, sizeof *update);
    rc = receiver_open(&update->receiver, conf);
    update->flash = rc == 0 ? conf->flash : NULL;
    if (rc == 0) {
        (void)receiver_has_failed(&update->receiver, update->failed);
    }
    return rc;
}

const char *update_failed(const struct update *update)
{
    return update->failed;
}

struct session_update_port update_port(struct update *update)
{
    return (struct session_update_port){.user = update,
        .offer = offer,
        .wants = wants,
        .block = block,
        .result = result,
        .result_told = result_told};
}

bool update_is_busy(const struct update *update)
{
    return update->stage == UPDATE_HEADER || update->stage == UPDATE_PROGRAM;
}

bool update_wants_restart(const struct update *update)
{
    return update->stage == UPDATE_RESULT && update->code == 0 && update->is_told;
}
