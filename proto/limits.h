/*
 * limits.h - the limits of text and numbers in messages, the same for both codecs. Private to proto/.
 *
 * Pure and portable. Threads: any.
 */
#ifndef ECM_PROTO_LIMITS_H
#define ECM_PROTO_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Years 1 to 9999: outside, arithmetic on instants could overflow somewhere downstream. */
#define LIMITS_UNIX_MS_MIN INT64_C(-62135596800000)
#define LIMITS_UNIX_MS_MAX INT64_C(253402300799999)

bool limits_unix_ms_is_valid(int64_t unix_ms);

/* Sequence numbers and durations stay below 2^63, so that they fit every database and language. */
bool limits_count_is_valid(uint64_t count);

/* Whether text ends within max bytes and is UTF-8 (RFC 3629) without control characters. */
bool limits_text_is_valid(const char *text, size_t max);

/* Copy valid text from the wire. false when it is not valid or longer than size - 1. */
bool limits_take_text(char *ret_text, size_t size, const char *text);

/* Copy an id of a device, a collector or a site. false when topic_name_is_valid() says no. */
bool limits_take_id(char *ret_id, size_t size, const char *id);

#endif
