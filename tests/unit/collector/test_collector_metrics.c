/*
 * test_collector_metrics.c - the page: in the format, every number, none twice, and it fits.
 */
#include "collector/metrics.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/suite.h"

static char text[METRICS_SIZE];

/* The largest that every number can be. */
static void fill(struct collector_numbers *numbers)
{
    memset(numbers, 0xff, sizeof *numbers);
    numbers->id = "ecm-collector-of-thirty-two-char";
    numbers->version = "100.200.300";
    numbers->is_broker_up = true;
    numbers->is_store_ok = true;
}

static void every_number_is_told_in_the_format_and_fits(void **state)
{
    struct collector_numbers numbers;
    char *rest = NULL;
    unsigned samples = 0;
    size_t size = 0;

    (void)state;
    fill(&numbers);
    size = metrics_of_collector(&numbers, text);
    assert_int_equal(size, strlen(text));
    assert_true(strlen(text) < METRICS_SIZE * 3 / 4);
    for (char *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        if (line[0] == '#') {
            assert_true(strncmp(line, "# HELP ecm_collector_", 21) == 0 ||
                        strncmp(line, "# TYPE ecm_collector_", 21) == 0);
            continue;
        }
        assert_int_equal(strncmp(line, "ecm_collector_", 14), 0);
        assert_non_null(strrchr(line, ' '));
        assert_true(strspn(strrchr(line, ' ') + 1, "0123456789.") > 0);
        samples++;
    }
    assert_in_range(samples, 45, 70);
}

static void a_commit_is_in_its_bucket_and_all_above(void **state)
{
    struct collector_numbers numbers = {.id = "a", .version = "1"};

    (void)state;
    numbers.ingest.commits = 7;
    numbers.ingest.commit_us = 1500042;
    numbers.ingest.commit_buckets[0] = 2; /* to 1 ms */
    numbers.ingest.commit_buckets[3] = 4; /* to 10 ms */
    (void)metrics_of_collector(&numbers, text);
    assert_non_null(strstr(text, "\necm_collector_commit_seconds_bucket{le=\"0.001\"} 2\n"));
    assert_non_null(strstr(text, "\necm_collector_commit_seconds_bucket{le=\"0.005\"} 2\n"));
    assert_non_null(strstr(text, "\necm_collector_commit_seconds_bucket{le=\"0.010\"} 6\n"));
    assert_non_null(strstr(text, "\necm_collector_commit_seconds_bucket{le=\"2.000\"} 6\n"));
    assert_non_null(strstr(text, "\necm_collector_commit_seconds_bucket{le=\"+Inf\"} 7\n"));
    assert_non_null(strstr(text, "\necm_collector_commit_seconds_sum 1.500042\n"));
    assert_non_null(strstr(text, "\necm_collector_commit_seconds_count 7\n"));
}

static void each_number_stands_under_its_own_name(void **state)
{
    struct collector_numbers numbers = {.id = "centre", .version = "1.2"};

    (void)state;
    numbers.devices = (struct ingest_gauges){11, 12, 13, 14, 15};
    numbers.backlog = (struct live_backlog){21, 22, 23000};
    numbers.quarantine = (struct storage_quarantine_state){31, 32, 33, 34};
    numbers.ingest.gaps = 41;
    numbers.ingest.chain_faults = 42;
    numbers.ingest.unverified = 43;
    (void)metrics_of_collector(&numbers, text);
    assert_non_null(strstr(text, "\necm_collector_info{id=\"centre\",version=\"1.2\"} 1\n"));
    assert_non_null(strstr(text, "\necm_collector_devices 11\n"));
    assert_non_null(strstr(text, "\necm_collector_devices_silent 12\n"));
    assert_non_null(strstr(text, "\necm_collector_devices_offline 13\n"));
    assert_non_null(strstr(text, "\necm_collector_devices_behind 14\n"));
    assert_non_null(strstr(text, "\necm_collector_records_awaited 15\n"));
    assert_non_null(strstr(text, "\necm_collector_live_devices_waiting 21\n"));
    assert_non_null(strstr(text, "\necm_collector_live_periods_waiting 22\n"));
    assert_non_null(strstr(text, "\necm_collector_live_lag_milliseconds 23\n"));
    assert_non_null(strstr(text, "\necm_collector_quarantine_messages 31\n"));
    assert_non_null(strstr(text, "\necm_collector_quarantine_bytes 32\n"));
    assert_non_null(strstr(text, "\necm_collector_quarantine_turned_away_total 33\n"));
    assert_non_null(strstr(text, "\necm_collector_gaps_total 41\n"));
    assert_non_null(strstr(text, "\necm_collector_chain_faults_total 42\n"));
    assert_non_null(strstr(text, "\necm_collector_signature_faults_total 43\n"));
    assert_non_null(strstr(text, "\necm_collector_broker_up 0\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_is_told_in_the_format_and_fits),
        cmocka_unit_test(a_commit_is_in_its_bucket_and_all_above),
        cmocka_unit_test(each_number_stands_under_its_own_name),
    };

    return cmocka_run_group_tests_name("collector metrics", tests, NULL, NULL);
}
