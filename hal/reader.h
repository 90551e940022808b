/*
 * reader.h - a thing that reads tags: what the gateway may ask of it, whatever chip is inside.
 *
 * The owner calls poll() when fd() is readable and no later than due_us() says. poll() does a
 * bounded amount of bus work (at most HAL_READER_POLL_MAX_MS) and reports at most one event;
 * call it again while it reports something else than HAL_READER_NONE.
 *
 * A reader that stops answering is reset and set up again by poll() itself, for ever, with
 * back-off: the owner only hears FAULT once when it goes and RECOVERED once when it is back.
 *
 * Ownership: whoever opened the implementation closes it by its own close function.
 * Threads:   one reader belongs to one thread.
 */
#ifndef ECM_HAL_READER_H
#define ECM_HAL_READER_H

#include <stdbool.h>
#include <stdint.h>

enum {
    HAL_READER_POLL_MAX_MS = 1000,
    HAL_TAG_UID_MAX = 10,
    HAL_TAG_SUN_PICC = 16,
    HAL_TAG_SUN_MAC = 8
};

enum hal_tag_tech {
    HAL_TAG_UNKNOWN = 0,
    HAL_TAG_TYPE2 = 1,   /* NFC Forum type 2: Ultralight, NTAG21x */
    HAL_TAG_TYPE4 = 2,   /* NFC Forum type 4, ISO 14443-4 */
    HAL_TAG_NTAG424 = 3, /* type 4 that gave a SUN message */
    HAL_TAG_CLASSIC = 4, /* MIFARE Classic: number only */
};

struct hal_tag {
    uint8_t uid[HAL_TAG_UID_MAX];
    uint8_t uid_size;   /* 4, 7 or 10 */
    bool uid_is_random; /* 4 bytes starting 08: another one at every touch (ISO 14443-3) */
    enum hal_tag_tech tech;
    bool has_sun; /* picc and mac hold what the tag gave, to be verified at the collector only */
    uint8_t sun_picc[HAL_TAG_SUN_PICC];
    uint8_t sun_mac[HAL_TAG_SUN_MAC];
};

enum hal_reader_event_kind {
    HAL_READER_NONE,      /* nothing new */
    HAL_READER_TAG,       /* a tag came into the field */
    HAL_READER_GONE,      /* it left */
    HAL_READER_FAULT,     /* the reader stopped working; text says how */
    HAL_READER_RECOVERED, /* and works again */
};

struct hal_reader_event {
    enum hal_reader_event_kind kind;
    struct hal_tag tag;   /* TAG and GONE */
    uint64_t detected_us; /* TAG: boot time at which the chip reported it */
    char text[96];        /* FAULT, RECOVERED: a sentence, no personal data */
};

struct hal_reader;

struct hal_reader_ops {
    void (*poll)(struct hal_reader *reader, struct hal_reader_event *ret_event);
    /* A descriptor that becomes readable when poll() should run, or -1. Any poll() may change it. */
    int (*fd)(struct hal_reader *reader);
    /* Boot time (hal/clock.h) at which poll() must run even if fd is quiet. */
    uint64_t (*due_us)(struct hal_reader *reader);
};

struct hal_reader {
    const struct hal_reader_ops *ops;
    const char *name; /* "spi0", "uart0": goes into every tap it reads */
};

static inline void hal_reader_poll(struct hal_reader *reader, struct hal_reader_event *ret_event)
{
    reader->ops->poll(reader, ret_event);
}

static inline int hal_reader_fd(struct hal_reader *reader)
{
    return reader->ops->fd(reader);
}

static inline uint64_t hal_reader_due_us(struct hal_reader *reader)
{
    return reader->ops->due_us(reader);
}

#endif
