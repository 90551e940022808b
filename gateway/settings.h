/*
 * settings.h - the configuration of ecm-gateway: one table (base/conf.h), one struct.
 *
 * The presets describe a laptop without hardware, so that the program runs with no file at all;
 * ecm-gateway.conf describes a Raspberry Pi.
 */
#ifndef ECM_GATEWAY_SETTINGS_H
#define ECM_GATEWAY_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/conf.h"

/* A GPIO line may be named by a file, so by a path. */
enum { SETTINGS_LIST_SIZE = 1024 };
enum { SETTINGS_PATH_SIZE = 256, SETTINGS_NAME_SIZE = 33, SETTINGS_LINE_SIZE = SETTINGS_PATH_SIZE };

enum settings_reader { SETTINGS_READER_SIMULATED, SETTINGS_READER_SPI, SETTINGS_READER_UART };
/* In the order of enum hal_input_bias. */
enum settings_bias { SETTINGS_PULL_UP, SETTINGS_PULL_DOWN, SETTINGS_NO_BIAS };
enum settings_active { SETTINGS_ACTIVE_HIGH, SETTINGS_ACTIVE_LOW };
enum settings_feedback { SETTINGS_FEEDBACK_TEXT, SETTINGS_FEEDBACK_GPIO, SETTINGS_FEEDBACK_NONE };

struct settings {
    char site[SETTINGS_NAME_SIZE];
    char device[SETTINGS_NAME_SIZE];
    char state_dir[SETTINGS_PATH_SIZE];
    int64_t home_limit_h;
    int log_level; /* index: error, warning, info, debug */
    bool sign;
    int64_t budget_mib;
    int64_t keep_days;
    int reader_type; /* enum settings_reader */
    char reader_device[SETTINGS_PATH_SIZE];
    int64_t reader_speed_hz;
    int64_t reader_health_s;
    char reader_irq[SETTINGS_LINE_SIZE];
    char reader_reset[SETTINGS_LINE_SIZE];
    int feedback_type; /* enum settings_feedback */
    char green[SETTINGS_LINE_SIZE];
    char red[SETTINGS_LINE_SIZE];
    char amber[SETTINGS_LINE_SIZE];
    char buzzer[SETTINGS_LINE_SIZE];
    struct settings_input {
        char line[SETTINGS_LINE_SIZE]; /* empty: there is none */
        int active;                    /* enum settings_active */
        int bias;                      /* enum settings_bias */
        int64_t debounce_ms;
    } case_contact, assist;
    char tagreader_devices[SETTINGS_LIST_SIZE];
    int64_t tagreader_budget_mib;
    char tagreader_update[SETTINGS_PATH_SIZE];
    char host[SETTINGS_PATH_SIZE];
    int64_t port;
    int64_t keepalive_s;
    int64_t backoff_max_s;
    char ca_file[SETTINGS_PATH_SIZE];
    char cert_file[SETTINGS_PATH_SIZE];
    char key_file[SETTINGS_PATH_SIZE];
    char user[SETTINGS_LINE_SIZE];
    char password_file[SETTINGS_PATH_SIZE];
    char metrics_socket[SETTINGS_PATH_SIZE];
};

extern const struct conf_item settings_items[];
extern const size_t settings_count;

/*
 * Presets, then path when it is not NULL, then what is still empty is found out: the device id
 * from this machine's id, the state directory from the user's environment; then what no single
 * line can say is checked. 0, ECM_ECONFIG or -errno; the reasons are on errors.
 */
int settings_load(struct settings *ret_settings, const char *path, FILE *errors);

#endif
