/*
 * topics.c - the topic tree, written and read.
 *
 * A name from outside goes into a topic only after topic_name_is_valid(): '/', '+' and '#' in a
 * device id would otherwise let it speak for another one.
 */
#include "proto/topics.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char prefix[] = "ecm/v1/";

/* What follows the device, by topic_kind. An alert has no device. */
static const char *const endings[] = {
    [TOPIC_UP] = "up",
    [TOPIC_ACK] = "ack",
    [TOPIC_STATE] = "state",
    [TOPIC_CMD] = "cmd",
    [TOPIC_CMD_RESULT] = "cmd/result",
    [TOPIC_ALERT] = "alert",
};

static bool character_is_valid(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

static bool name_is_valid(const char *name, size_t size)
{
    if (size == 0 || size > TOPIC_NAME_MAX) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (!character_is_valid(name[i])) {
            return false;
        }
    }
    return true;
}

bool topic_name_is_valid(const char *name)
{
    return name != NULL && name_is_valid(name, strnlen(name, TOPIC_NAME_MAX + 1));
}

int topic_format(
    char ret_topic[static TOPIC_MAX], const char *site, const char *device, enum topic_kind kind)
{
    if (!topic_name_is_valid(site) || (unsigned)kind > TOPIC_ALERT) {
        return -EINVAL;
    }
    if (kind == TOPIC_ALERT) {
        (void)snprintf(ret_topic, TOPIC_MAX, "%s%s/%s", prefix, site, endings[kind]);
        return 0;
    }
    if (device == NULL || (strcmp(device, "+") != 0 && !topic_name_is_valid(device))) {
        return -EINVAL;
    }
    (void)snprintf(ret_topic, TOPIC_MAX, "%s%s/%s/%s", prefix, site, device, endings[kind]);
    return 0;
}

/* Take the name before the next '/' off *text. false when there is no good one. */
static bool take_name(const char **text, char ret_name[static TOPIC_NAME_MAX + 1])
{
    const char *slash = strchr(*text, '/');
    size_t size = 0;

    if (slash == NULL) {
        return false;
    }
    size = (size_t)(slash - *text);
    if (!name_is_valid(*text, size)) {
        return false;
    }
    memcpy(ret_name, *text, size);
    ret_name[size] = '\0';
    *text = slash + 1;
    return true;
}

int topic_parse(const char *text, struct topic *ret_topic)
{
    struct topic topic = {0};

    if (text == NULL || strncmp(text, prefix, sizeof prefix - 1) != 0) {
        return -EINVAL;
    }
    text += sizeof prefix - 1;
    if (!take_name(&text, topic.site)) {
        return -EINVAL;
    }
    if (strcmp(text, endings[TOPIC_ALERT]) == 0) {
        topic.kind = TOPIC_ALERT;
        *ret_topic = topic;
        return 0;
    }
    if (!take_name(&text, topic.device)) {
        return -EINVAL;
    }
    for (int kind = TOPIC_UP; kind < TOPIC_ALERT; kind++) {
        if (strcmp(text, endings[kind]) == 0) {
            topic.kind = (enum topic_kind)kind;
            *ret_topic = topic;
            return 0;
        }
    }
    return -EINVAL;
}
