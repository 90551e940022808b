/*
 * session_internal.h - what session.c (when) and session_send.c (what) share.
 */
#ifndef ECM_FIRMWARE_LINK_SESSION_INTERNAL_H
#define ECM_FIRMWARE_LINK_SESSION_INTERNAL_H

#include "firmware/link/session.h"

/* Make the frame of a request, send it, and wait for its answer. */
void session_send_hello(struct session *session, uint64_t now_us);
void session_send_time(struct session *session, uint64_t now_us);
void session_send_state(struct session *session, uint64_t now_us);
void session_send_result(struct session *session, uint64_t now_us);
void session_send_update_request(
    struct session *session, uint64_t now_us, const struct link_update_request *request);
void session_send_update_result(
    struct session *session, uint64_t now_us, const struct link_update_result *result);

/* false: there was nothing to send after all: a hole in the log, see session->hole_seq; or it
 * cannot be read at present. */
bool session_send_batch(struct session *session, uint64_t now_us);

/* The frame that is out once more. */
void session_repeat(struct session *session, uint64_t now_us);

#endif
