/*
 * relay_update.c - the update that is offered to tag readers: a bundle (docs/READER.md) in a file.
 *
 * The gateway looks at what the bundle is for and reads it out; whether it is genuine, whole and
 * wanted is for the tag reader to judge, who has the key.
 */
#include "gateway/relay_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/hash.h"

enum {
    BUNDLE_MIN = 256, /* its header */
    BUNDLE_MAX = 4 << 20,
    BOARD_AT = 16,
    BOARD_SIZE = 16,
    VERSION_AT = 32,
    VERSION_SIZE = 32,
};

static bool take_text(char *to, const uint8_t *at, size_t size)
{
    size_t length = strnlen((const char *)at, size);

    for (size_t i = 0; i < length; i++) {
        if (at[i] < 0x21 || at[i] > 0x7e) {
            return false;
        }
    }
    memcpy(to, at, length);
    to[length] = '\0';
    return length > 0 && length < size;
}

static uint8_t digit(char c)
{
    return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static int take_hash(const uint8_t *bytes, size_t size, uint8_t ret_hash[LINK_IMAGE_HASH_SIZE])
{
    struct hash *hash = hash_new();
    char hex[HASH_HEX_SIZE];

    if (hash == NULL) {
        return -ENOMEM;
    }
    hash_add(hash, bytes, size);
    hash_finish(hash, hex);
    hash_free(hash);
    for (size_t i = 0; i < LINK_IMAGE_HASH_SIZE; i++) {
        ret_hash[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
    }
    return 0;
}

/* What the header of a bundle says. */
static int parse(const uint8_t *bytes, size_t size, struct link_update_offer *ret_offer)
{
    static const uint8_t magic[] = {'E', 'C', 'M', 'U', 'P', 'D', 1};
    struct link_update_offer offer = {.size = (uint32_t)size};

    if (memcmp(bytes, magic, sizeof magic) != 0 ||
        !take_text(offer.board, bytes + BOARD_AT, BOARD_SIZE) ||
        !take_text(offer.version, bytes + VERSION_AT, VERSION_SIZE)) {
        return ECM_EFORMAT;
    }
    *ret_offer = offer;
    return take_hash(bytes, size, ret_offer->image_sha256);
}

static int read_all(int fd, uint8_t *bytes, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t count = read(fd, bytes + done, size - done);

        if (count <= 0) {
            return count < 0 ? -errno : -EIO;
        }
        done += (size_t)count;
    }
    return 0;
}

static int load(struct relay *relay, int fd, size_t size)
{
    struct link_update_offer offer;
    uint8_t *bytes = malloc(size);
    int rc = bytes == NULL ? -ENOMEM : read_all(fd, bytes, size);

    if (rc == 0) {
        rc = parse(bytes, size, &offer);
    }
    if (rc < 0) {
        free(bytes);
        return rc;
    }
    free(relay->image);
    relay->image = bytes;
    relay->offer = offer;
    relay->has_image = true;
    for (int line = 0; line < RELAY_LINES_MAX; line++) {
        if (relay->lines[line] != NULL) {
            relay->lines[line]->update_is_over = false;
            relay->lines[line]->is_told_unfitting = false;
        }
    }
    return 0;
}

int relay_load_update(struct relay *relay)
{
    struct stat status;
    int fd = -1;
    int rc = 0;

    if (relay->update_path[0] == '\0') {
        return 0;
    }
    fd = open(relay->update_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0) {
        rc = -errno;
    } else if (status.st_mtim.tv_sec == relay->update_mtime.tv_sec &&
               status.st_mtim.tv_nsec == relay->update_mtime.tv_nsec &&
               status.st_ino == relay->update_inode) {
        rc = relay->update_rc;
    } else if (status.st_size < BUNDLE_MIN || status.st_size > BUNDLE_MAX) {
        rc = ECM_EFORMAT;
    } else {
        rc = load(relay, fd, (size_t)status.st_size);
        relay->update_mtime = status.st_mtim;
        relay->update_inode = status.st_ino;
        relay->update_rc = rc;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    /* What is no longer there or no bundle is no longer offered. */
    relay->has_image = rc == 0;
    return rc;
}
