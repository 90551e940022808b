/*
 * link_valid.h - whether the values of a link message are within their limits: the same question
 * before encoding and after decoding, and for both codecs. Private to proto/. Pure and portable.
 */
#ifndef ECM_PROTO_LINK_VALID_H
#define ECM_PROTO_LINK_VALID_H

#include <stdbool.h>

#include "proto/link.h"

bool link_hello_is_valid(const struct link_hello *m);
bool link_state_is_valid(const struct link_state *m);
bool link_update_request_is_valid(const struct link_update_request *m);
bool link_update_result_is_valid(const struct link_update_result *m);
bool link_welcome_is_valid(const struct link_welcome *m);
bool link_refusal_is_valid(const struct link_refusal *m);
bool link_ack_is_valid(const struct link_ack *m);
bool link_time_is_valid(const struct link_time *m);
bool link_command_is_valid(const struct command *m);

#endif
