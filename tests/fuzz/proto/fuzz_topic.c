/* fuzz_topic.c - any text: what parses as a topic is written back as the same text. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "proto/topics.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[512];
    char again[TOPIC_MAX];
    struct topic topic;

    if (size >= sizeof text) {
        return 0;
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    if (topic_parse(text, &topic) == 0) {
        assert(topic_format(again, topic.site, topic.device, topic.kind) == 0);
        assert(strcmp(text, again) == 0);
    }
    return 0;
}
