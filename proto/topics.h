/*
 * topics.h - the MQTT topics: ecm/v1/{site}/{device}/{up|ack|state|cmd|cmd/result} and
 * ecm/v1/{site}/alert. Sites and devices are 1 to 32 of letters, digits, '-', '_', '.'.
 */
#ifndef ECM_PROTO_TOPICS_H
#define ECM_PROTO_TOPICS_H

#include <stdbool.h>
#include <stddef.h>

enum { TOPIC_NAME_MAX = 32, TOPIC_MAX = 128 };

enum topic_kind { TOPIC_UP, TOPIC_ACK, TOPIC_STATE, TOPIC_CMD, TOPIC_CMD_RESULT, TOPIC_ALERT };

struct topic {
    char site[TOPIC_NAME_MAX + 1];
    char device[TOPIC_NAME_MAX + 1]; /* empty for TOPIC_ALERT */
    enum topic_kind kind;
};

/* Whether name can stand as a site or a device in a topic. */
bool topic_name_is_valid(const char *name);

/* Write the topic; device "+" makes a subscription to all devices of a site. Never truncates:
 * -EINVAL for a name that is not valid. */
int topic_format(
    char ret_topic[static TOPIC_MAX], const char *site, const char *device, enum topic_kind kind);

/* 0, or -EINVAL when text is not one of ours. */
int topic_parse(const char *text, struct topic *ret_topic);

#endif
