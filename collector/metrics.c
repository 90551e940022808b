/*
 * metrics.c - a list of numbers.
 */
#include "collector/metrics.h"

#include <inttypes.h>

static void counter(struct metrics_page *page, const char *name, const char *help, uint64_t value)
{
    metrics_number(page, name, "counter", help, value);
}

static void gauge(struct metrics_page *page, const char *name, const char *help, uint64_t value)
{
    metrics_number(page, name, "gauge", help, value);
}

static void add_ingest(struct metrics_page *page, const struct ingest_counts *counts)
{
    counter(page, "messages_total", "Messages of devices.", counts->messages);
    counter(page, "records_total", "Records stored.", counts->records);
    counter(page, "batches_total", "Batches stored.", counts->batches);
    counter(page, "batches_repeated_total", "Batches that were here already.", counts->repeated);
    counter(page, "batches_ahead_total", "Batches behind a gap, asked for again.", counts->ahead);
    counter(page, "gaps_total", "Times a device no longer had some records.", counts->gaps);
    counter(page, "chain_faults_total", "Batches that did not continue the chain.",
        counts->chain_faults);
    counter(
        page, "signature_faults_total", "Batches without the right signature.", counts->unverified);
    counter(page, "alerts_total", "Alerts raised about devices.", counts->alerts);
    counter(page, "store_failures_total", "Transactions that were undone.", counts->failures);
}

/* The commits as a histogram: le is in seconds, written without floating point. */
static void add_commits(struct metrics_page *page, const struct ingest_counts *counts)
{
    uint64_t sum = 0;

    metrics_line(page,
        "# HELP %s_commit_seconds Time a commit to disk took.\n"
        "# TYPE %s_commit_seconds histogram\n",
        page->prefix, page->prefix);
    for (size_t i = 0; i < INGEST_COMMIT_BUCKETS; i++) {
        unsigned le_ms = ingest_commit_bucket_ms[i];

        sum += counts->commit_buckets[i];
        metrics_line(page, "%s_commit_seconds_bucket{le=\"%u.%03u\"} %" PRIu64 "\n", page->prefix,
            le_ms / 1000, le_ms % 1000, sum);
    }
    metrics_line(page,
        "%s_commit_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_commit_seconds_sum %" PRIu64
        ".%06" PRIu64 "\n%s_commit_seconds_count %" PRIu64 "\n",
        page->prefix, counts->commits, page->prefix, counts->commit_us / 1000000,
        counts->commit_us % 1000000, page->prefix, counts->commits);
}

static void add_devices(struct metrics_page *page, const struct ingest_gauges *devices)
{
    gauge(page, "devices", "Devices that ever sent something.", devices->devices);
    gauge(page, "devices_silent", "Of them: nothing heard for 15 minutes.", devices->silent);
    gauge(
        page, "devices_offline", "Of them: the broker says that they vanished.", devices->offline);
    gauge(page, "records_awaited", "Records that devices say they have and we do not.",
        devices->awaited);
    gauge(page, "devices_behind", "Devices with such records.", devices->behind);
}

static void add_live(
    struct metrics_page *page, const struct live_counts *counts, const struct live_backlog *backlog)
{
    counter(page, "verdicts_total", "Rows of the feed that changed.", counts->verdicts);
    counter(
        page, "reconciled_people_total", "Reconciliations of one person's period.", counts->people);
    counter(
        page, "reconciled_periods_total", "Reconciliations of a whole period.", counts->periods);
    gauge(page, "live_devices_waiting", "Devices whose taps are not reconciled yet.",
        backlog->devices);
    gauge(page, "live_periods_waiting", "Periods to be reconciled whole.", backlog->periods);
    gauge(page, "live_lag_milliseconds", "Age of the oldest tap or import that waits.",
        backlog->oldest_us / 1000);
}

static void add_store(struct metrics_page *page, const struct collector_numbers *numbers)
{
    const struct storage_quarantine_state *quarantine = &numbers->quarantine;

    gauge(page, "store_ok", "1: the store is written.", numbers->is_store_ok);
    gauge(page, "store_bytes", "The store's files.", numbers->store_bytes);
    counter(page, "quarantined_total", "Messages set aside since the start.",
        numbers->ingest.quarantined);
    gauge(page, "quarantine_messages", "Messages in quarantine.", quarantine->messages);
    gauge(page, "quarantine_bytes", "Bytes they take.", quarantine->bytes);
    gauge(page, "quarantine_bytes_max", "Bytes they may take; 0: any.",
        numbers->quarantine_bytes_max);
    counter(page, "quarantine_turned_away_total", "Messages it had no room for, ever.",
        quarantine->turned_away);
    counter(
        page, "quarantine_turned_away_bytes_total", "Their bytes.", quarantine->turned_away_bytes);
}

size_t metrics_of_collector(const struct collector_numbers *numbers, char text[static METRICS_SIZE])
{
    struct metrics_page page = {.text = text, .prefix = "ecm_collector"};

    text[0] = '\0';
    metrics_line(&page,
        "# HELP ecm_collector_info Which collector and program.\n"
        "# TYPE ecm_collector_info gauge\necm_collector_info{id=\"%s\",version=\"%s\"} 1\n",
        numbers->id, numbers->version);
    gauge(&page, "broker_up", "1: connected to the broker.", numbers->is_broker_up);
    add_store(&page, numbers);
    add_ingest(&page, &numbers->ingest);
    add_commits(&page, &numbers->ingest);
    add_devices(&page, &numbers->devices);
    add_live(&page, &numbers->live, &numbers->backlog);
    counter(
        &page, "assist_calls_total", "Pressed assist buttons people were told of.", numbers->calls);
    counter(&page, "case_openings_total", "Opened cases people were told of.", numbers->openings);
    gauge(
        &page, "io_age_milliseconds", "Since the network thread last turned.", numbers->io_age_ms);
    gauge(&page, "uptime_seconds", "Since the program started.", numbers->uptime_s);
    return page.size;
}
