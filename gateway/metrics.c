/*
 * metrics.c - a list of numbers.
 */
#include "gateway/metrics.h"

#include "gateway/gateway_internal.h"
#include "gateway/relay.h"

static void add_health(struct metrics_page *page, const struct health *health)
{
    static const char *const names[HEALTH_PARTS] = {
        [HEALTH_OUTBOX] = "outbox",
        [HEALTH_READER_0] = "reader",
        [HEALTH_READER_1] = "reader2",
        [HEALTH_READER_2] = "reader3",
        [HEALTH_READER_3] = "reader4",
        [HEALTH_FEEDBACK] = "feedback",
        [HEALTH_ASSIST] = "assist",
        [HEALTH_CASE] = "case",
        [HEALTH_CLOCK] = "clock",
        [HEALTH_BROKER] = "broker",
        [HEALTH_COLLECTOR] = "collector",
    };

    metrics_line(
        page, "# HELP ecm_gateway_ok Whether a part is well.\n# TYPE ecm_gateway_ok gauge\n");
    for (int part = 0; part < HEALTH_PARTS; part++) {
        metrics_line(page, "ecm_gateway_ok{part=\"%s\"} %d\n", names[part],
            health_is_bad(health, (enum health_part)part) ? 0 : 1);
    }
}

static void add_outbox(struct metrics_page *page, const struct device_state *state)
{
    metrics_number(page, "head_seq", "counter", "Newest record of this log.", state->head_seq);
    metrics_number(
        page, "acked_seq", "gauge", "Newest record the collector has.", state->acked_seq);
    metrics_number(page, "oldest_seq", "gauge", "Oldest record still held.", state->oldest_seq);
    metrics_number(page, "records_owed", "gauge", "Records the collector has not acked.",
        state->head_seq - state->acked_seq);
    metrics_number(page, "drain_eta_seconds", "gauge",
        "Until all is acked at the present rate; 0: unknown.", state->drain_eta_s);
    metrics_number(
        page, "taps_total", "counter", "Taps stored since this log began.", state->taps_total);
    metrics_number(page, "taps_refused_total", "counter",
        "Taps shown red since the program started.", state->taps_refused);
    metrics_number(page, "outbox_bytes", "gauge", "Bytes in use.", state->outbox_bytes);
    metrics_number(page, "outbox_bytes_max", "gauge", "Disk budget.", state->outbox_bytes_max);
}

static void add_uplink(struct metrics_page *page, const struct gateway *gateway, uint64_t io_age_ms)
{
    struct uplink_counts counts = {0};

    uplink_counts(gateway->uplink, &counts);
    metrics_number(page, "batches_sent_total", "counter", "Batches handed to the network.",
        counts.batches_sent);
    metrics_number(page, "records_sent_total", "counter", "Records in them, repeats too.",
        counts.records_sent);
    metrics_number(page, "records_acked_total", "counter", "Records acked.", counts.records_acked);
    metrics_number(page, "hellos_sent_total", "counter", "Sessions begun with the collector.",
        counts.hellos_sent);
    metrics_number(
        page, "ack_stalls_total", "counter", "Acks that did not come in time.", counts.stalls);
    metrics_number(page, "resends_asked_total", "counter",
        "Times the collector asked for a resend.", counts.resends_asked);
    metrics_number(page, "messages_ignored_total", "counter",
        "Messages not meant for us, or unreadable.",
        counts.messages_ignored + gateway->messages_ignored);
    metrics_number(
        page, "io_age_milliseconds", "gauge", "Since the network thread last turned.", io_age_ms);
}

/* One line a tag reader for each of what is asked first when one does not come through. */
static void add_tag_readers(
    struct metrics_page *page, struct gateway *gateway, const struct device_state *state)
{
    static const char *const names[] = {
        "online", "head_seq", "held_seq", "done_seq", "silent_seconds"};
    struct relay_counts counts;

    if (gateway->relay == NULL) {
        return;
    }
    relay_counts(gateway->relay, &counts);
    metrics_number(
        page, "tag_lines", "gauge", "Serial lines of tag readers that are open.", counts.lines);
    metrics_number(page, "relay_records_total", "counter", "Records of tag readers committed here.",
        counts.records);
    metrics_number(
        page, "relay_records_owed", "gauge", "... that the collector has not acked.", counts.owed);
    metrics_number(page, "relay_bytes", "gauge", "Bytes they take.", counts.store_bytes);
    metrics_number(page, "relay_bytes_max", "gauge", "Their disk budget.", counts.store_bytes_max);
    metrics_number(page, "tag_frames_bad_total", "counter", "Frames of tag readers that were none.",
        counts.frames_bad);
    metrics_number(
        page, "tag_refusals_total", "counter", "Requests of tag readers refused.", counts.refusals);
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        metrics_line(page,
            "# HELP ecm_gateway_tag_reader_%s Of each tag reader heard since the start.\n"
            "# TYPE ecm_gateway_tag_reader_%s gauge\n",
            names[k], names[k]);
        for (size_t i = 0; i < state->tag_reader_count; i++) {
            const struct tag_reader_state *reader = &state->tag_readers[i];
            const uint64_t values[] = {reader->is_online, reader->head_seq, reader->held_seq,
                reader->done_seq, reader->silent_s};

            metrics_line(page, "ecm_gateway_tag_reader_%s{tag_reader=\"%s\"} %llu\n", names[k],
                reader->device_id, (unsigned long long)values[k]);
        }
    }
}

/* Only where there is something to see: the page is small. */
static void add_failed_updates(struct metrics_page *page, const struct device_state *state)
{
    metrics_line(page,
        "# HELP ecm_gateway_tag_reader_update_failed Its last update did not prove itself.\n"
        "# TYPE ecm_gateway_tag_reader_update_failed gauge\n");
    for (size_t i = 0; i < state->tag_reader_count; i++) {
        if (state->tag_readers[i].failed_update[0] != '\0') {
            metrics_line(page, "ecm_gateway_tag_reader_update_failed{tag_reader=\"%s\"} 1\n",
                state->tag_readers[i].device_id);
        }
    }
}

size_t metrics_of_gateway(
    struct gateway *gateway, uint64_t io_age_ms, char text[static METRICS_SIZE])
{
    struct metrics_page page = {.text = text, .prefix = "ecm_gateway"};
    struct device_state state = {0};

    text[0] = '\0';
    gateway_state(gateway, &state);
    metrics_line(&page,
        "# HELP ecm_gateway_info Which device and program.\n# TYPE ecm_gateway_info gauge\n"
        "ecm_gateway_info{device=\"%s\",version=\"%s\"} 1\n",
        state.device_id, state.version);
    add_health(&page, &gateway->health);
    add_outbox(&page, &state);
    add_uplink(&page, gateway, io_age_ms);
    metrics_number(
        &page, "reader_faults_total", "counter", "Times a reader broke down.", state.reader_resets);
    metrics_number(&page, "case_open", "gauge", "1: the case is open.", state.case_open);
    metrics_number(&page, "case_openings_total", "counter",
        "Times the case was opened since the start.", state.case_openings);
    metrics_number(
        &page, "assist_pressed", "gauge", "1: the assist button is pressed.", state.assist_pressed);
    metrics_number(&page, "assist_calls_total", "counter", "Times it was pressed since the start.",
        state.assist_calls);
    metrics_number(
        &page, "uptime_milliseconds", "gauge", "Boot clock of this device.", state.uptime_ms);
    metrics_number(&page, "clock_trust", "gauge", "0 unset, 1 battery clock, 2 synchronised.",
        (uint64_t)state.wall_trust);
    add_tag_readers(&page, gateway, &state);
    add_failed_updates(&page, &state);
    metrics_number(&page, "clock_unix_milliseconds", "gauge", "What the wall clock shows.",
        state.wall_ms > 0 ? (uint64_t)state.wall_ms : 0);
    return page.size;
}
