/* tag_reader_state.h - how a tag reader is, as its gateway sees it; part of struct device_state. */
#ifndef ECM_PROTO_TAG_READER_STATE_H
#define ECM_PROTO_TAG_READER_STATE_H

#include <stdbool.h>
#include <stdint.h>

enum { TAG_READERS_IN_STATE_MAX = 32, TAG_READER_ID_MAX = 32, TAG_READER_VERSION_MAX = 40 };

struct tag_reader_state {
    char device_id[TAG_READER_ID_MAX + 1];
    uint64_t epoch;
    bool is_online;
    uint64_t head_seq;
    uint64_t held_seq; /* at this gateway */
    uint64_t done_seq; /* at the collector */
    char version[TAG_READER_VERSION_MAX + 1];
    uint32_t silent_s; /* since it was heard last */
    bool reader_ok;
    uint64_t taps_refused;                          /* since its boot */
    char failed_update[TAG_READER_VERSION_MAX + 1]; /* tried last and rolled back; empty: none */
};

#endif
