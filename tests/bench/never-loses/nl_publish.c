/*
 * nl_publish.c - a publisher of numbered MQTT messages at QoS 1, and what it was promised.
 *
 * Usage: nl_publish PORT LEDGER COUNT RATE WINDOW
 * Offers the events 1 to COUNT once each, RATE a second (0: as fast as WINDOW unacknowledged ones
 * allow). A PUBACK is the promise. When the connection breaks, what was not acknowledged was not
 * promised and is not offered again: an event that is seen twice was doubled by somebody else.
 * Ends when all is acknowledged, or 5 s after the last was offered.
 */
#include <mosquitto.h>
#include <stdbool.h>

#include "tests/bench/never-loses/nl.h"

enum { MIDS = 65536, RETRY_US = 20000, LOOP_MS = 1, LAST_WAIT_US = 5000000 };

static struct {
    uint64_t number, offered_us; /* number 0: not under way */
} under_way[MIDS];
static unsigned under_way_count;
static bool is_connected;
static int ledger;

static void on_connect(struct mosquitto *mosq, void *user, int rc)
{
    (void)mosq;
    (void)user;
    is_connected = rc == 0;
}

static void on_publish(struct mosquitto *mosq, void *user, int mid)
{
    (void)mosq;
    (void)user;
    if (mid > 0 && mid < MIDS && under_way[mid].number != 0) {
        nl_write_down(ledger, under_way[mid].number, under_way[mid].offered_us, nl_now_us());
        under_way[mid].number = 0;
        under_way_count--;
    }
}

/* A session without a past, so that libmosquitto repeats nothing. */
static struct mosquitto *begin(int port)
{
    struct mosquitto *mosq = NULL;

    memset(under_way, 0, sizeof under_way);
    under_way_count = 0;
    is_connected = false;
    for (;;) {
        mosq = mosquitto_new(NULL, true, NULL);
        if (mosq == NULL) {
            nl_die("out of memory");
        }
        mosquitto_connect_callback_set(mosq, on_connect);
        mosquitto_publish_callback_set(mosq, on_publish);
        (void)mosquitto_max_inflight_messages_set(mosq, 0);
        if (mosquitto_connect(mosq, "127.0.0.1", port, 30) == MOSQ_ERR_SUCCESS) {
            (void)mosquitto_int_option(mosq, MOSQ_OPT_TCP_NODELAY, 1);
            return mosq;
        }
        mosquitto_destroy(mosq);
        (void)usleep(RETRY_US);
    }
}

static bool offer(struct mosquitto *mosq, uint64_t number, uint64_t offered_us)
{
    char payload[NL_PAYLOAD_SIZE + 1] = "";
    int mid = 0;

    (void)snprintf(payload, sizeof payload, "%010llu", (unsigned long long)number);
    memset(payload + NL_NUMBER_SIZE, '.', NL_PAYLOAD_SIZE - NL_NUMBER_SIZE);
    if (mosquitto_publish(mosq, &mid, "nl/event", NL_PAYLOAD_SIZE, payload, 1, false) !=
        MOSQ_ERR_SUCCESS) {
        return false;
    }
    under_way[mid].number = number;
    under_way[mid].offered_us = offered_us;
    under_way_count++;
    return true;
}

int main(int argc, char **argv)
{
    struct mosquitto *mosq = NULL;
    uint64_t start_us = nl_now_us();
    uint64_t last_us = 0;
    uint64_t next = 1;

    if (argc != 6) {
        nl_die("usage: nl_publish PORT LEDGER COUNT RATE WINDOW");
    }
    int port = (int)nl_number(argv[1]);
    uint64_t count = nl_number(argv[3]);
    uint64_t rate = nl_number(argv[4]);
    uint64_t window = nl_number(argv[5]);
    uint64_t period_us = rate > 0 ? 1000000u / rate : 0;

    ledger = nl_open_ledger(argv[2]);
    (void)mosquitto_lib_init();
    mosq = begin(port);
    while (next <= count || (under_way_count > 0 && nl_now_us() < last_us + LAST_WAIT_US)) {
        uint64_t now_us = nl_now_us();

        while (is_connected && next <= count && under_way_count < window &&
               now_us >= start_us + (next - 1) * period_us) {
            if (!offer(mosq, next, nl_now_us())) {
                break;
            }
            next++;
            last_us = now_us;
        }
        if (mosquitto_loop(mosq, LOOP_MS, 100) != MOSQ_ERR_SUCCESS) {
            uint64_t behind_us = nl_now_us();

            mosquitto_destroy(mosq);
            mosq = begin(port);
            /* Nobody could publish meanwhile: carry on at the rate, do not catch up. */
            start_us += nl_now_us() - behind_us;
        }
    }
    mosquitto_destroy(mosq);
    (void)mosquitto_lib_cleanup();
    return 0;
}
