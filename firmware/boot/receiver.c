/*
 * receiver.c - see receiver.h.
 *
 * A cut at any flash operation: the slot that runs is never touched. The slot that is written has
 * no description page until its program is whole, and is not PENDING until that page is there; so
 * every state in between starts the old program, and the control record says where to go on.
 */
#include "firmware/boot/receiver.h"

#include <errno.h>
#include <string.h>

enum { HASH_STEP = 4096 };

int receiver_open(struct receiver *receiver, const struct receiver_conf *conf)
{
    (void)memset(receiver, 0, sizeof *receiver);
    receiver->conf = *conf;
    receiver->slot = (uint8_t)(1 - conf->running);
    return control_load(&receiver->control, conf->flash, conf->layout);
}

static uint32_t slot_at(const struct receiver *receiver)
{
    return receiver->conf.layout->slot[receiver->slot];
}

/* Change what the control record says of the slot that is written. */
static int store_slot(struct receiver *receiver, enum boot_state state, uint32_t received)
{
    struct boot_control control = receiver->control.state;

    control.slot[receiver->slot] = (struct boot_slot){.state = state, .received = received};
    (void)memcpy(control.slot[receiver->slot].bundle, receiver->bundle, CRYPTO_HASH_SIZE);
    return control_store(&receiver->control, &control);
}

/* ---- the one before ----------------------------------------------------------------------- */

/* What can be said in a message: the page is of a signed bundle, but a cut may have come since. */
static bool is_printable(const char *text)
{
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (text[i] < 0x21 || text[i] > 0x7E) {
            return false;
        }
    }
    return text[0] != '\0';
}

bool receiver_has_failed(const struct receiver *receiver, char ret_version[IMAGE_VERSION_MAX + 1])
{
    uint8_t page[IMAGE_PAGE];
    struct image image = {0};

    if (receiver->control.state.slot[receiver->slot].state != BOOT_BAD) {
        return false;
    }
    if (hal_flash_read(receiver->conf.flash, slot_at(receiver), page, sizeof page) < 0 ||
        !image_get(page, &image) || !is_printable(image.version_text)) {
        (void)memcpy(image.version_text, "?", sizeof "?");
    }
    (void)memcpy(ret_version, image.version_text, sizeof image.version_text);
    return true;
}

/* ---- the offer ---------------------------------------------------------------------------- */

static int check_offer(
    const struct receiver *receiver, const struct bundle *bundle, const uint8_t *hash)
{
    const struct receiver_conf *conf = &receiver->conf;
    const struct image *image = &bundle->image[receiver->slot];
    const struct boot_slot *target = &receiver->control.state.slot[receiver->slot];
    enum boot_state running = receiver->control.state.slot[conf->running].state;

    if (strcmp(image->board, conf->board) != 0) {
        return -EXDEV;
    }
    if (image->offset != conf->layout->slot[receiver->slot] ||
        image->size > conf->layout->slot_size - IMAGE_PAGE) {
        return -EFBIG;
    }
    if (image->version == conf->version) {
        return -EALREADY;
    }
    if (image->version < conf->version && (bundle->flags & BUNDLE_FLAG_ALLOW_OLDER) == 0) {
        return -ESTALE;
    }
    if (target->state == BOOT_BAD && memcmp(target->bundle, hash, CRYPTO_HASH_SIZE) == 0) {
        return -EPERM;
    }
    return running == BOOT_TRIAL || running == BOOT_PENDING ? -EBUSY : 0;
}

/* Where to go on: where this very bundle was when it was interrupted, else from the beginning. */
static int take_offer(struct receiver *receiver, const struct image *image, const uint8_t *hash)
{
    const struct boot_slot *target = &receiver->control.state.slot[receiver->slot];
    bool is_known = memcmp(target->bundle, hash, CRYPTO_HASH_SIZE) == 0;

    receiver->image = *image;
    (void)memcpy(receiver->bundle, hash, CRYPTO_HASH_SIZE);
    receiver->hashed = 0;
    receiver->stage = RECEIVER_TAKING;
    if (is_known && target->state == BOOT_PENDING) {
        receiver->taken = image->size;
        receiver->stage = RECEIVER_READY;
        return 0;
    }
    if (is_known && target->state == BOOT_RECEIVING && target->received <= image->size) {
        receiver->taken = target->received;
        return 0;
    }
    receiver->taken = 0;
    /* Before the first erase: from here on nobody may take the slot for a whole image. */
    return store_slot(receiver, BOOT_RECEIVING, 0);
}

int receiver_offer(struct receiver *receiver, const uint8_t header[static BUNDLE_HEADER])
{
    struct bundle bundle;
    uint8_t hash[CRYPTO_HASH_SIZE];
    int rc = bundle_parse(header, &bundle);

    if (rc < 0) {
        return rc;
    }
    bundle_hash(header, hash);
    rc = bundle_verify(header, receiver->conf.key);
    if (rc == 0) {
        /* The program that runs may have confirmed itself since we looked. */
        rc = control_load(&receiver->control, receiver->conf.flash, receiver->conf.layout);
    }
    if (rc == 0) {
        rc = check_offer(receiver, &bundle, hash);
    }
    if (rc == 0) {
        rc = take_offer(receiver, &bundle.image[receiver->slot], hash);
        receiver->stage = rc < 0 ? RECEIVER_IDLE : receiver->stage;
    }
    return rc;
}

uint8_t receiver_slot(const struct receiver *receiver)
{
    return receiver->slot;
}

uint32_t receiver_wanted(const struct receiver *receiver)
{
    return receiver->taken;
}

uint32_t receiver_size(const struct receiver *receiver)
{
    return receiver->stage == RECEIVER_IDLE ? 0 : receiver->image.size;
}

/* ---- the blocks --------------------------------------------------------------------------- */

/* The sector that begins at offset at of the flash: note how far all is surely there, erase it. */
static int begin_sector(struct receiver *receiver, uint32_t at)
{
    int rc = 0;

    if (receiver->taken != receiver->control.state.slot[receiver->slot].received) {
        rc = store_slot(receiver, BOOT_RECEIVING, receiver->taken);
    }
    return rc < 0 ? rc : hal_flash_erase(receiver->conf.flash, at, HAL_FLASH_SECTOR);
}

static int program_page(struct receiver *receiver, uint32_t at)
{
    uint8_t found[HAL_FLASH_PAGE] = {0};
    int rc = hal_flash_program(receiver->conf.flash, at, receiver->page, HAL_FLASH_PAGE);

    if (rc == 0) {
        rc = hal_flash_read(receiver->conf.flash, at, found, sizeof found);
    }
    return rc == 0 && memcmp(found, receiver->page, sizeof found) != 0 ? -EIO : rc;
}

int receiver_block(struct receiver *receiver, uint32_t offset, const uint8_t *bytes, uint32_t size)
{
    uint32_t left = receiver->image.size - receiver->taken;
    uint32_t at = slot_at(receiver) + IMAGE_PAGE + receiver->taken;
    int rc = 0;

    if (receiver->stage != RECEIVER_TAKING) {
        return -EINVAL;
    }
    if (offset != receiver->taken) {
        return -ERANGE;
    }
    if (size == 0 || size != (left < RECEIVER_BLOCK ? left : RECEIVER_BLOCK)) {
        return -EINVAL;
    }
    if (receiver->taken == 0) { /* the first sector begins with the page that is written last */
        rc = begin_sector(receiver, slot_at(receiver));
    } else if (at % HAL_FLASH_SECTOR == 0) {
        rc = begin_sector(receiver, at);
    }
    if (rc == 0) {
        (void)memset(receiver->page, 0xFF, sizeof receiver->page);
        (void)memcpy(receiver->page, bytes, size);
        rc = program_page(receiver, at);
    }
    if (rc < 0) {
        receiver->stage = RECEIVER_IDLE;
        return rc;
    }
    receiver->taken += size;
    if (receiver->taken == receiver->image.size) {
        receiver->stage = RECEIVER_HASHING;
        crypto_sha256_init(&receiver->hash);
    }
    return 0;
}

/* ---- the end ------------------------------------------------------------------------------ */

/* Hash what is next. 1: there is more; 0; -EIO. */
static int hash_some(struct receiver *receiver)
{
    uint32_t end = receiver->hashed + HASH_STEP;

    end = end < receiver->image.size ? end : receiver->image.size;
    while (receiver->hashed < end) {
        uint32_t now = end - receiver->hashed;
        int rc = 0;

        now = now < sizeof receiver->page ? now : (uint32_t)sizeof receiver->page;
        rc = hal_flash_read(receiver->conf.flash, slot_at(receiver) + IMAGE_PAGE + receiver->hashed,
            receiver->page, now);
        if (rc < 0) {
            return rc;
        }
        crypto_sha256_add(&receiver->hash, receiver->page, now);
        receiver->hashed += now;
    }
    return receiver->hashed < receiver->image.size ? 1 : 0;
}

/* All is there and is what was signed: describe it, then allow it. */
static int make_pending(struct receiver *receiver)
{
    int rc = 0;

    image_put(receiver->page, &receiver->image);
    rc = program_page(receiver, slot_at(receiver));
    return rc < 0 ? rc : store_slot(receiver, BOOT_PENDING, receiver->image.size);
}

int receiver_finish(struct receiver *receiver)
{
    uint8_t hash[CRYPTO_HASH_SIZE];
    int rc = 0;

    if (receiver->stage == RECEIVER_READY) {
        return 0;
    }
    if (receiver->stage != RECEIVER_HASHING) {
        return -EINVAL;
    }
    rc = hash_some(receiver);
    if (rc != 0) {
        return rc;
    }
    crypto_sha256_end(&receiver->hash, hash);
    if (memcmp(hash, receiver->image.hash, sizeof hash) == 0) {
        rc = make_pending(receiver);
        receiver->stage = rc < 0 ? RECEIVER_IDLE : RECEIVER_READY;
        return rc;
    }
    receiver->stage = RECEIVER_IDLE;
    (void)memset(receiver->bundle, 0, sizeof receiver->bundle);
    rc = store_slot(receiver, BOOT_EMPTY, 0);
    return rc < 0 ? rc : -EILSEQ;
}
