/*
 * settings.c - the table, and the two values that are found out when nobody gives them.
 */
#include "gateway/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/chain.h"
#include "base/err.h"
#include "proto/topics.h"

/* Makes the device id a number of this program, not the machine's own id, which is confidential
 * (machine-id(5)). */
#define DEVICE_ID_PURPOSE 0x65636d2d67617465ull

enum { DEVICE_ID_BYTES = 8 };

static const char *const log_levels[] = {"error", "warning", "info", "debug", NULL};
static const char *const reader_types[] = {"simulated", "spi", "uart", NULL};
static const char *const active_levels[] = {"high", "low", NULL};
static const char *const biases[] = {"pull-up", "pull-down", "none", NULL};
static const char *const feedback_types[] = {"text", "gpio", "none", NULL};

#define TEXT(section, key, member, preset, help)                                                   \
    {                                                                                              \
        section, key, CONF_STRING, NULL, 0, 0, preset, NULL, offsetof(struct settings, member),    \
            sizeof(((struct settings *)NULL)->member), help                                        \
    }
#define NUMBER(section, key, member, unit, min, max, preset, help)                                 \
    {                                                                                              \
        section, key, CONF_INT, unit, min, max, preset, NULL, offsetof(struct settings, member),   \
            0, help                                                                                \
    }
#define CHOICE(section, key, member, choices, preset, help)                                        \
    {                                                                                              \
        section, key, CONF_CHOICE, NULL, 0, 0, preset, choices, offsetof(struct settings, member), \
            0, help                                                                                \
    }
#define SWITCH(section, key, member, preset, help)                                                 \
    {                                                                                              \
        section, key, CONF_BOOL, NULL, 0, 0, preset, NULL, offsetof(struct settings, member), 0,   \
            help                                                                                   \
    }

const struct conf_item settings_items[] = {
    TEXT("gateway", "site", site, "demo", "Who runs the collector; part of every MQTT topic."),
    TEXT("gateway", "device", device, "",
        "This gateway's name, unique in the site, given once for good; empty: made from the "
        "machine's id."),
    TEXT("gateway", "state_dir", state_dir, "",
        "Folder of the outbox and the device key; empty: ecm-gateway in the user's state folder."),
    NUMBER("gateway", "home_limit_h", home_limit_h, "h", 1, 24, "4",
        "A check-in older than this no longer makes the next tap a leaving; 14 for night care."),
    CHOICE("gateway", "log_level", log_level, log_levels, "info", "The least important line kept."),
    SWITCH("gateway", "sign", sign, "yes", "Sign what is sent with the device key."),
    NUMBER("outbox", "budget_mib", budget_mib, "MiB", 1, 65536, "256",
        "The most the outbox may take; below the size of its partition."),
    NUMBER("outbox", "keep_days", keep_days, "days", 1, 3650, "90",
        "How long a record stays after the collector has it."),
    CHOICE("reader", "type", reader_type, reader_types, "simulated",
        "How the PN532 is connected; simulated: tags are typed on standard input."),
    TEXT("reader", "device", reader_device, "/dev/spidev0.0", "spi: spidev file; uart: tty."),
    NUMBER(
        "reader", "speed_hz", reader_speed_hz, "Hz", 10000, 5000000, "1000000", "spi: bus clock."),
    NUMBER("reader", "health_s", reader_health_s, "s", 1, 3600, "30",
        "How often a quiet PN532 is asked whether it still lives."),
    TEXT("reader", "irq", reader_irq, "",
        "spi: GPIO line of the PN532's IRQ, as chip:line or name; empty: not wired, it is polled."),
    TEXT("reader", "reset", reader_reset, "",
        "GPIO line of the PN532's RSTPD_N; empty: not wired, a hung chip stays hung."),
    CHOICE("feedback", "type", feedback_type, feedback_types, "text",
        "Where the carer sees and hears; text: words on standard output."),
    TEXT("feedback", "green", green, "", "gpio: line of the green lamp."),
    TEXT("feedback", "red", red, "", "gpio: line of the red lamp."),
    TEXT("feedback", "amber", amber, "", "gpio: line of the amber lamp; empty: green with red."),
    TEXT("feedback", "buzzer", buzzer, "", "gpio: line of the buzzer."),
    TEXT("inputs", "case", case_contact.line, "",
        "GPIO line of the contact that opens with the case, as chip:line or name; empty: none."),
    CHOICE("inputs", "case_active", case_contact.active, active_levels, "high",
        "The line's level while the case is open."),
    CHOICE("inputs", "case_bias", case_contact.bias, biases, "pull-up", "Resistor of the line."),
    NUMBER("inputs", "case_debounce_ms", case_contact.debounce_ms, "ms", 1, 5000, "100",
        "How long the line must keep a level before it counts."),
    TEXT("inputs", "assist", assist.line, "",
        "GPIO line of the button that calls for help; empty: none."),
    CHOICE("inputs", "assist_active", assist.active, active_levels, "low",
        "The line's level while the button is pressed."),
    CHOICE("inputs", "assist_bias", assist.bias, biases, "pull-up", "Resistor of the line."),
    NUMBER("inputs", "assist_debounce_ms", assist.debounce_ms, "ms", 1, 5000, "30",
        "How long the line must keep a level before it counts."),
    TEXT("tagreaders", "devices", tagreader_devices, "",
        "Serial lines of tag readers: paths and patterns with a space between; empty: none."),
    NUMBER("tagreaders", "budget_mib", tagreader_budget_mib, "MiB", 1, 65536, "64",
        "The most that their records may take, besides the outbox."),
    TEXT("tagreaders", "update", tagreader_update, "",
        "Update image that is offered to them; empty: none."),
    TEXT("mqtt", "host", host, "127.0.0.1", "The broker."),
    NUMBER("mqtt", "port", port, NULL, 1, 65535, "1883", "8883 with TLS."),
    NUMBER("mqtt", "keepalive_s", keepalive_s, "s", 5, 3600, "60",
        "How long silence lasts before the connection counts as dead."),
    NUMBER("mqtt", "backoff_max_s", backoff_max_s, "s", 1, 3600, "300",
        "The longest wait between two attempts to connect."),
    TEXT("mqtt", "ca_file", ca_file, "", "Who signed the broker's certificate; empty: no TLS."),
    TEXT("mqtt", "cert_file", cert_file, "", "This device's certificate."),
    TEXT("mqtt", "key_file", key_file, "", "Its private key."),
    TEXT("mqtt", "user", user, "", "User name, where certificates are not used."),
    TEXT("mqtt", "password_file", password_file, "", "File that holds the password."),
    TEXT("metrics", "socket", metrics_socket, "",
        "Unix socket that tells the counters in Prometheus' text format; empty: none."),
};

const size_t settings_count = sizeof settings_items / sizeof settings_items[0];

/* "gw-" and 16 hex digits, the same for ever on this installation. */
static int find_device_id(struct settings *settings)
{
    char machine_id[64] = "";
    uint8_t hash[CHAIN_SIZE] = {0};
    FILE *file = fopen("/etc/machine-id", "re");
    struct chain *chain = NULL;
    size_t size = 0;

    if (file == NULL) {
        return -errno;
    }
    size = fread(machine_id, 1, sizeof machine_id - 1, file);
    (void)fclose(file);
    if (size < 32) {
        return -ENODATA;
    }
    machine_id[32] = '\0';
    chain = chain_new();
    if (chain == NULL) {
        return -ENOMEM;
    }
    chain_start(chain, machine_id, DEVICE_ID_PURPOSE, hash);
    chain_free(chain);
    (void)snprintf(settings->device, sizeof settings->device, "gw-");
    for (size_t i = 0; i < DEVICE_ID_BYTES; i++) {
        (void)snprintf(settings->device + 3 + 2 * i, 3, "%02x", hash[i]);
    }
    return 0;
}

/* systemd's StateDirectory=, else the XDG base directory for state. */
static int find_state_dir(struct settings *settings)
{
    const char *given = getenv("STATE_DIRECTORY");
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    int size = -1;

    if (given != NULL && given[0] == '/') {
        size = snprintf(settings->state_dir, sizeof settings->state_dir, "%s", given);
    } else if (state != NULL && state[0] == '/') {
        size = snprintf(settings->state_dir, sizeof settings->state_dir, "%s/ecm-gateway", state);
    } else if (home != NULL && home[0] == '/') {
        size = snprintf(
            settings->state_dir, sizeof settings->state_dir, "%s/.local/state/ecm-gateway", home);
    }
    return size < 0 || size >= (int)sizeof settings->state_dir ? -ENOENT : 0;
}

static int complain(FILE *errors, const char *path, const char *text)
{
    (void)fprintf(errors, "%s: %s\n", path != NULL ? path : "ecm-gateway", text);
    return ECM_ECONFIG;
}

static int check(const struct settings *settings, const char *path, FILE *errors)
{
    int rc = 0;

    if (!topic_name_is_valid(settings->site)) {
        rc = complain(
            errors, path, "gateway.site: 1 to 32 letters, digits, '-', '_' or '.' are wanted");
    }
    if (!topic_name_is_valid(settings->device)) {
        rc = complain(
            errors, path, "gateway.device: 1 to 32 letters, digits, '-', '_' or '.' are wanted");
    }
    if ((settings->cert_file[0] == '\0') != (settings->key_file[0] == '\0')) {
        rc = complain(errors, path, "mqtt.cert_file and mqtt.key_file: one needs the other");
    }
    if (settings->cert_file[0] != '\0' && settings->ca_file[0] == '\0') {
        rc = complain(errors, path, "mqtt.cert_file: needs mqtt.ca_file, else there is no TLS");
    }
    if (settings->feedback_type == SETTINGS_FEEDBACK_GPIO && settings->red[0] == '\0') {
        rc = complain(errors, path,
            "feedback.red: is wanted with type gpio, or a refused tap cannot be told");
    }
    if (settings->assist.line[0] != '\0' &&
        strcmp(settings->assist.line, settings->case_contact.line) == 0) {
        rc = complain(errors, path, "inputs.assist: is the line of inputs.case");
    }
    return rc;
}

int settings_load(struct settings *ret_settings, const char *path, FILE *errors)
{
    struct settings settings = {0};
    int rc = 0;

    conf_preset(settings_items, settings_count, &settings);
    if (path != NULL) {
        rc = conf_load(settings_items, settings_count, path, &settings, errors);
    }
    if (rc < 0) {
        return rc;
    }
    if (settings.device[0] == '\0' && find_device_id(&settings) < 0) {
        /* A container often has no machine id. One that only plays needs none of its own. */
        if (settings.reader_type != SETTINGS_READER_SIMULATED) {
            return complain(
                errors, path, "gateway.device: not given, and /etc/machine-id has none");
        }
        (void)snprintf(settings.device, sizeof settings.device, "gw-simulated");
    }
    if (settings.state_dir[0] == '\0' && find_state_dir(&settings) < 0) {
        return complain(
            errors, path, "gateway.state_dir: not given, and the environment names no home");
    }
    rc = check(&settings, path, errors);
    if (rc == 0) {
        *ret_settings = settings;
    }
    return rc;
}
