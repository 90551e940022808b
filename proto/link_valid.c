/* link_valid.c - see link_valid.h. */
#include "proto/link_valid.h"

#include "proto/limits.h"
#include "proto/topics.h"

/* Unix microseconds in the years 1 to 9999. */
static bool unix_us_is_valid(int64_t unix_us)
{
    return limits_unix_ms_is_valid(unix_us / 1000);
}

bool link_hello_is_valid(const struct link_hello *m)
{
    return topic_name_is_valid(m->device_id) && limits_count_is_valid(m->head_seq) &&
           m->done_seq <= m->head_seq && m->oldest_seq >= 1 && m->oldest_seq <= m->head_seq + 1 &&
           m->protocol_min >= 1 && m->protocol_max >= m->protocol_min &&
           limits_text_is_valid(m->version, LINK_NAME_MAX) &&
           limits_text_is_valid(m->board, LINK_NAME_MAX) &&
           limits_text_is_valid(m->failed_update, LINK_NAME_MAX);
}

bool link_state_is_valid(const struct link_state *m)
{
    return limits_count_is_valid(m->uptime_ms) && limits_count_is_valid(m->head_seq) &&
           limits_count_is_valid(m->taps_total) && limits_count_is_valid(m->taps_refused) &&
           limits_count_is_valid(m->reader_resets) && (unsigned)m->wall_trust <= WALL_SYNCED &&
           limits_count_is_valid(m->log_bytes) && limits_count_is_valid(m->log_bytes_max) &&
           limits_count_is_valid(m->frames_bad) && limits_count_is_valid(m->timeouts);
}

bool link_update_request_is_valid(const struct link_update_request *m)
{
    return m->size >= 1 && m->size <= LINK_UPDATE_DATA_MAX && m->offset <= UINT32_MAX - m->size;
}

bool link_update_result_is_valid(const struct link_update_result *m)
{
    return limits_text_is_valid(m->text, RECORD_TEXT_MAX);
}

bool link_welcome_is_valid(const struct link_welcome *m)
{
    return topic_name_is_valid(m->gateway_id) && m->protocol >= 1 &&
           limits_count_is_valid(m->held_seq) && m->done_seq <= m->held_seq;
}

bool link_refusal_is_valid(const struct link_refusal *m)
{
    return (unsigned)m->code <= LINK_REFUSED_NO_ROOM &&
           limits_text_is_valid(m->reason, RECORD_TEXT_MAX);
}

bool link_command_is_valid(const struct command *m)
{
    return m->name[0] != '\0' && limits_text_is_valid(m->name, READER_NAME_MAX) &&
           limits_text_is_valid(m->argument, RECORD_TEXT_MAX);
}

static bool offer_is_valid(const struct link_update_offer *m)
{
    return m->size >= 1 && limits_text_is_valid(m->board, LINK_NAME_MAX) &&
           limits_text_is_valid(m->version, LINK_NAME_MAX);
}

bool link_ack_is_valid(const struct link_ack *m)
{
    return limits_count_is_valid(m->held_seq) && m->done_seq <= m->held_seq &&
           limits_count_is_valid(m->resend_from_seq) &&
           (!m->has_command || link_command_is_valid(&m->command)) &&
           (!m->has_offer || offer_is_valid(&m->offer));
}

bool link_time_is_valid(const struct link_time *m)
{
    return unix_us_is_valid(m->t2_us) && unix_us_is_valid(m->t3_us) && m->t3_us >= m->t2_us &&
           (unsigned)m->wall_trust <= WALL_SYNCED;
}
