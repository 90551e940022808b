/*
 * nl_watch.c - the centre's end: writes down each message the moment it is delivered.
 *
 * Usage: nl_watch PORT LEDGER events|acks
 *   events  a QoS 1 subscriber with a persistent session: what a peer delivers
 *   acks    the collector's acknowledgements: the ledger has the sequence number through which
 *           everything is committed, and when that was heard
 * Never killed, never cut off its ledger, reconnects at once. Prints "ready" once subscribed.
 */
#include <mosquitto.h>
#include <signal.h>
#include <stdbool.h>

#include "proto/messages.h"
#include "tests/bench/never-loses/nl.h"

enum { RETRY_US = 20000, LOOP_MS = 100 };

static int ledger;
static bool is_acks;

static void on_connect(struct mosquitto *mosq, void *user, int rc)
{
    (void)user;
    if (rc == 0) {
        (void)mosquitto_subscribe(mosq, NULL, is_acks ? "ecm/v1/+/+/ack" : "nl/#", 1);
    }
}

static void on_subscribe(
    struct mosquitto *mosq, void *user, int mid, int granted_count, const int *granted)
{
    (void)mosq;
    (void)user;
    (void)mid;
    (void)granted_count;
    (void)granted;
    (void)puts("ready");
    (void)fflush(stdout);
}

static void on_message(struct mosquitto *mosq, void *user, const struct mosquitto_message *message)
{
    char number[NL_NUMBER_SIZE + 1] = "";
    struct ack ack = {0};

    (void)mosq;
    (void)user;
    if (is_acks) {
        if (ack_decode(message->payload, (size_t)message->payloadlen, &ack) == 0) {
            nl_write_down(ledger, ack.through_seq, nl_now_us(), 0);
        }
    } else if (message->payloadlen == NL_PAYLOAD_SIZE) {
        memcpy(number, message->payload, NL_NUMBER_SIZE);
        nl_write_down(ledger, nl_number(number), nl_now_us(), 0);
    } else {
        nl_die("a message of another size");
    }
}

int main(int argc, char **argv)
{
    struct mosquitto *mosq = NULL;

    if (argc != 4) {
        nl_die("usage: nl_watch PORT LEDGER events|acks");
    }
    int port = (int)nl_number(argv[1]);
    bool is_up = false;

    ledger = nl_open_ledger(argv[2]);
    is_acks = strcmp(argv[3], "acks") == 0;
    (void)mosquitto_lib_init();
    mosq = mosquitto_new(is_acks ? "nl-watch-acks" : "nl-watch", is_acks, NULL);
    if (mosq == NULL) {
        nl_die("out of memory");
    }
    mosquitto_connect_callback_set(mosq, on_connect);
    mosquitto_subscribe_callback_set(mosq, on_subscribe);
    mosquitto_message_callback_set(mosq, on_message);
    for (;;) {
        if (!is_up) {
            is_up = mosquitto_connect(mosq, "127.0.0.1", port, 30) == MOSQ_ERR_SUCCESS;
            if (!is_up) {
                (void)usleep(RETRY_US);
                continue;
            }
            (void)mosquitto_int_option(mosq, MOSQ_OPT_TCP_NODELAY, 1);
        }
        is_up = mosquitto_loop(mosq, LOOP_MS, 100) == MOSQ_ERR_SUCCESS;
    }
}
