/* fuzz_command.c - any bytes as a command, its result and an alert; each survives another round. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "proto/messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_command(const uint8_t *data, size_t size)
{
    struct command command;
    struct command again;
    uint8_t bytes[SMALL_MESSAGE_MAX];
    size_t encoded = 0;

    if (command_decode(data, size, &command) == 0) {
        assert(command_encode(&command, bytes, sizeof bytes, &encoded) == 0 && encoded <= size);
        assert(command_decode(bytes, encoded, &again) == 0);
        assert(strcmp(command.name, again.name) == 0);
        assert(strcmp(command.argument, again.argument) == 0);
    }
}

static void check_result(const uint8_t *data, size_t size)
{
    struct command_result result;
    struct command_result again;
    uint8_t bytes[SMALL_MESSAGE_MAX];
    size_t encoded = 0;

    if (command_result_decode(data, size, &result) == 0 && result.command_id != 0) {
        assert(command_result_encode(&result, bytes, sizeof bytes, &encoded) == 0);
        assert(encoded <= size);
        assert(command_result_decode(bytes, encoded, &again) == 0);
        assert(result.code == again.code && strcmp(result.text, again.text) == 0);
    }
}

static void check_alert(const uint8_t *data, size_t size)
{
    struct alert alert;
    struct alert again;
    uint8_t bytes[SMALL_MESSAGE_MAX];
    size_t encoded = 0;

    if (alert_decode(data, size, &alert) == 0) {
        assert(alert_encode(&alert, bytes, sizeof bytes, &encoded) == 0 && encoded <= size);
        assert(alert_decode(bytes, encoded, &again) == 0);
        assert(strcmp(alert.event, again.event) == 0 && alert.unix_ms == again.unix_ms);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_command(data, size);
    check_result(data, size);
    check_alert(data, size);
    return 0;
}
