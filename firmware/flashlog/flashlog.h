/*
 * flashlog.h - the log of a tag reader in NOR flash: every record that is not yet at the collector.
 *
 * When flashlog_append() has returned 0 the record is in the flash, was read back, and survives a
 * loss of power at any later instant; only then may the carer see green. The bytes are described
 * in docs/FLASHLOG.md and in format.h.
 *
 * Identity: (device id, epoch, seq). The epoch is random and made with the log; seq grows by 1 and
 *           is never given to two records that anyone was shown or sent.
 * Full:     a record that is not done is never overwritten. When done ones no longer make room,
 *           append says -ENOSPC: red light. Done records go when their sector is needed, oldest
 *           first, and until then can be read.
 * Done:     flashlog_done() costs no write. It goes to flash with the header of the next sector;
 *           after a loss of power the reader sends again from there and the gateway drops what it
 *           has. Nothing is erased before a header in flash says that it is done, unless two
 *           sectors that were to be erased next have died (then what is done by word alone goes).
 * Chain:    the header of each sector holds the chain head (base/chain.h) before its first record,
 *           as the caller gave it. So after a start at most 31 records are hashed to have the head
 *           again: flashlog_chain_base(), then flashlog_read() from there.
 *
 * Ownership: the caller's memory, about 0.6 KiB (struct flashlog); no allocation. The flash and
 *            device_id are borrowed for as long as the log is used.
 * Threads:   one thread.
 * Blocking:  append: one page program (0.7 ms), two when a sector is begun; and an erase (45 ms, at
 *            worst 400) when flashlog_prepare() was not called in time. open: reads all headers;
 *            two page programs. read, done: microseconds.
 * Errors:    -EIO the flash; -ENOSPC; -EINVAL; and for open those named there. An append that
 *            failed counts as not stored and the next one gets its seq.
 */
#ifndef ECM_FIRMWARE_FLASHLOG_FLASHLOG_H
#define ECM_FIRMWARE_FLASHLOG_FLASHLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "hal/flash.h"

enum {
    FLASHLOG_RECORD_MAX = 112, /* bytes of one record */
    FLASHLOG_SLOT = 128,       /* what it takes in flash */
    FLASHLOG_SECTOR_RECORDS = 31,
    FLASHLOG_SECTORS_MIN = 4,
    FLASHLOG_SECTORS_MAX = 4096,
    FLASHLOG_SECTORS_DEFAULT = 256, /* 1 MiB */
    FLASHLOG_RESERVE = 2,           /* sectors that never hold what is not done */
    FLASHLOG_ID_MAX = 32,
    FLASHLOG_CHAIN_SIZE = 32,
};

struct flashlog_conf {
    struct hal_flash *flash;
    uint32_t offset;       /* of the partition; a multiple of HAL_FLASH_SECTOR */
    uint32_t sectors;      /* its size in sectors */
    const char *device_id; /* 1..FLASHLOG_ID_MAX characters; another one's log is refused */
    uint64_t new_epoch;    /* random; used when there is no log yet; not 0 */
};

/* What flashlog_open() found. */
struct flashlog_found {
    bool is_new;         /* no log was there (or none that could be read): a new epoch */
    uint32_t begun;      /* sectors of this log */
    uint32_t unreadable; /* sectors that are not blank and have no sound header: a cut leaves one */
    uint32_t orphans;    /* of those, ones that hold records newer than any sound header's */
};

/* The caller's memory, private; flashlog_open() fills it. */
struct flashlog {
    struct hal_flash *flash;
    const char *device_id;
    uint32_t offset;
    uint32_t sectors;
    uint64_t epoch;
    uint64_t head;         /* newest seq; 0: none ever */
    uint64_t done;         /* as told */
    uint64_t done_flash;   /* as written in the newest header */
    uint32_t lap;          /* openings of sectors so far */
    uint32_t current;      /* sector that is written to */
    uint32_t next;         /* the one after it: bad ones are passed over */
    uint32_t tail;         /* oldest sector that holds something not done; current: none does */
    uint32_t bad;          /* slots and sectors given up since open */
    uint8_t slot;          /* next one to write in current; above 31: it is full */
    bool slot_is_suspect;  /* it reads as blank and may not be: the next one is taken */
    bool next_is_prepared; /* erased since open; what was erased before is not trusted */
    uint32_t read_sector;  /* where the last read ended, for the next one */
    uint8_t read_slot;
    uint64_t read_seq;
    uint8_t buffer[FLASHLOG_SLOT]; /* what was read */
    uint8_t page[HAL_FLASH_PAGE];  /* what is written */
};

/*
 * Find the log in its partition, or begin one.
 *
 * 0; -EINVAL conf; -EIO the flash; and, with nothing written or erased, -EXDEV: the log of another
 * device; -EPROTONOSUPPORT: of another version of the format; -EDOM: of a partition of another
 * size. What of it cannot be read is no error: see ret_found.
 */
int flashlog_open(
    struct flashlog *log, const struct flashlog_conf *conf, struct flashlog_found *ret_found);

/*
 * Store a record under the seq flashlog_head() + 1 (which the caller has put into its bytes).
 * chain_before is the chain head before this record.
 *
 * 0: it is in the flash. -EINVAL: size is 0 or above FLASHLOG_RECORD_MAX. -ENOSPC: full of what is
 * not done. -EIO: slots in three sectors, or eight sectors, could not be written.
 */
int flashlog_append(struct flashlog *log, const uint8_t *bytes, uint32_t size,
    const uint8_t chain_before[static FLASHLOG_CHAIN_SIZE]);

struct flashlog_item {
    uint64_t seq;
    const uint8_t *bytes; /* in the log's memory, until its next call */
    uint32_t size;
};

/*
 * The first record from from_seq on that can be read. -ENOENT: there is none. An item whose seq is
 * not from_seq tells that those between are gone or damaged. One after the other is fast.
 */
int flashlog_read(struct flashlog *log, uint64_t from_seq, struct flashlog_item *ret_item);

/*
 * Everything up to seq is at the collector. Lower than before is no change; -EINVAL above head.
 */
int flashlog_done(struct flashlog *log, uint64_t seq);

/*
 * The nearest stored chain head at or before seq: *ret_head is the chain head before record
 * *ret_seq (ret_seq <= seq). seq may be head + 1. -ENOENT: there is none. Reads all headers.
 */
int flashlog_chain_base(struct flashlog *log, uint64_t seq, uint64_t *ret_seq,
    uint8_t ret_head[static FLASHLOG_CHAIN_SIZE]);

/*
 * Work for idle time: erase the sector that will be wanted next. 1: it did (45 ms or more, once);
 * 0: there was nothing to do; -EIO: sectors could not be erased, more may be tried.
 */
int flashlog_prepare(struct flashlog *log);
bool flashlog_wants_prepare(const struct flashlog *log);

uint64_t flashlog_epoch(const struct flashlog *log);
uint64_t flashlog_head(const struct flashlog *log);     /* newest; 0: none ever */
uint64_t flashlog_done_seq(const struct flashlog *log); /* everything up to it is done */

/* How many records can surely be appended if nothing more becomes done. */
uint32_t flashlog_space(const struct flashlog *log);

struct flashlog_wear {
    uint32_t erases_min; /* of the sectors that say it */
    uint32_t erases_max;
    uint32_t erases_mean;
    uint32_t bad; /* slots and sectors given up since open */
};

/* Reads all headers. 0, or -EIO. */
int flashlog_wear(struct flashlog *log, struct flashlog_wear *ret_wear);

#endif
