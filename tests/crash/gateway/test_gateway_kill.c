/*
 * test_gateway_kill.c - SIGKILL before every disk call: every tap that was shown green is there.
 *
 * The child is a whole gateway core on a real outbox file, over a fake reader, clock and lamp. It
 * writes down what it showed, tap by tap, on a pipe, as the carer would remember it. The parent
 * opens the outbox afterwards and compares. Call 1, 2, 3 ... is hit until a child gets through.
 */
#include "tests/unit/suite.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "gateway/gateway.h"
#include "hal/fake/fake_clock.h"
#include "hal/fake/fake_feedback.h"
#include "hal/fake/fake_reader.h"
#include "tests/unit/gateway/fault_vfs.h"
#include "tests/unit/gateway/outbox_help.h"

enum { TAPS = 24, SWEEP_MAX = 5000, RANDOM_KILLS = 40 };

struct shown {
    uint64_t epoch;
    uint64_t seq;
    uint8_t tag;
};

struct child {
    struct fake_clock clock;
    struct fake_feedback feedback;
    struct fake_reader reader;
    struct gateway *gateway;
    uint64_t seq; /* of the last record stored */
    int pipe;
};

static void on_record(void *user, const struct record *record, int rc)
{
    struct child *child = user;

    child->seq = rc == 0 ? record->seq : 0;
}

static int no_publish(
    void *user, const char *topic, const uint8_t *payload, size_t size, bool retain)
{
    (void)user;
    (void)topic;
    (void)payload;
    (void)size;
    (void)retain;
    return 0;
}

static int no_subscribe(void *user, const char *topic)
{
    (void)user;
    (void)topic;
    return 0;
}

static uint64_t no_time(void *user)
{
    return ((struct child *)user)->clock.boot_us;
}

static void open_gateway(struct child *child, const char *path)
{
    const struct gateway_conf conf = {
        .site = "site", .device = "gw-test", .outbox_path = path, .version = "1"};
    const struct gateway_ports ports = {
        .clock = &child->clock.base,
        .feedback = &child->feedback.base,
        .readers = {&child->reader.base},
        .reader_count = 1,
        .uplink = {child, no_publish, no_subscribe, no_time},
        .on_record = on_record,
        .on_record_user = child,
    };

    if (gateway_open(&child->gateway, &conf, &ports, NULL) < 0) {
        _exit(2);
    }
}

/* Tap tag, and remember if it was green. */
static void tap(struct child *child, uint8_t tag)
{
    struct fake_reader_step step = {.at_us = child->clock.boot_us};
    struct shown shown = {.tag = tag};
    struct device_state now = {0};

    step.event.kind = HAL_READER_TAG;
    step.event.tag.uid_size = 4;
    step.event.tag.uid[0] = 0x10;
    step.event.tag.uid[1] = tag;
    fake_reader_play(&child->reader, &step, 1);
    gateway_poll_reader(child->gateway, 0);
    if (fake_feedback_last(&child->feedback) == HAL_FEEDBACK_IN) {
        gateway_state(child->gateway, &now);
        shown.epoch = now.epoch;
        shown.seq = child->seq;
        if (write(child->pipe, &shown, sizeof shown) != (ssize_t)sizeof shown) {
            _exit(3);
        }
    }
}

/* Taps, an ack in between, house-keeping, a clean stop. at 0: the caller kills. */
static void live(const char *path, int pipe, unsigned at)
{
    struct child child = {.pipe = pipe};
    struct gateway_due due = {0};

    log_set_level((enum log_level)0);
    fault_vfs_set(at, false, FAULT_VFS_KILL);
    fake_clock_init(&child.clock, 77, 1700000000000);
    fake_clock_sync(&child.clock, 1700000000000, 5);
    fake_feedback_init(&child.feedback);
    fake_reader_init(&child.reader, "spi0", &child.clock.base);
    open_gateway(&child, path);
    for (unsigned n = 1; n <= TAPS || at == 0; n++) {
        tap(&child, (uint8_t)n);
        if (n % 10 == 0) {
            fake_clock_advance_us(&child.clock, 300ull * 1000000);
            gateway_tick(child.gateway, &due);
        }
    }
    gateway_close(child.gateway);
}

/* ---- the parent --------------------------------------------------------------------------- */

struct search {
    const struct shown *shown;
    size_t count;
    size_t found;
    uint64_t last_seq;
};

static bool match(void *user, const struct outbox_item *item)
{
    struct search *search = user;
    struct record record = {0};

    assert_int_equal(record_decode(item->bytes, item->size, &record), 0);
    assert_int_equal(record.seq, search->last_seq + 1);
    search->last_seq = record.seq;
    if (search->found < search->count && record.seq == search->shown[search->found].seq) {
        assert_int_equal(record.type, RECORD_TAP);
        assert_int_equal(record.tap.uid[1], search->shown[search->found].tag);
        search->found++;
    }
    return true;
}

/* Every tap shown green is in the log under the seq it was given; the log has no gap. */
static void compare(const struct scratch *scratch, const struct shown *shown, size_t count)
{
    struct search search = {.shown = shown, .count = count};
    struct outbox *box = open_box(scratch);

    for (size_t i = 0; i < count; i++) {
        assert_int_equal(shown[i].epoch, outbox_epoch(box));
    }
    assert_int_equal(outbox_read(box, 1, match, &search), 0);
    assert_int_equal(search.found, count);
    assert_int_equal(search.last_seq, outbox_head_seq(box));
    outbox_close(box);
}

/* Run a child; kill_after_ms 0: it is killed by call number at. Returns what it showed. */
static size_t run_child(const struct scratch *scratch, unsigned at, unsigned kill_after_ms,
    struct shown *ret_shown, size_t capacity, int *ret_status)
{
    int ends[2] = {-1, -1};
    size_t count = 0;
    pid_t child = 0;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(ends[0]);
        live(scratch->path, ends[1], at);
        _exit(0);
    }
    (void)close(ends[1]);
    if (kill_after_ms > 0) {
        (void)usleep(kill_after_ms * 1000);
        assert_int_equal(kill(child, SIGKILL), 0);
    }
    while (count < capacity &&
           read(ends[0], &ret_shown[count], sizeof *ret_shown) == (ssize_t)sizeof *ret_shown) {
        count++;
    }
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, ret_status, 0), child);
    return count;
}

static void forget(const struct scratch *scratch)
{
    char wal[SCRATCH_PATH_SIZE + 8] = "";

    (void)snprintf(wal, sizeof wal, "%s-wal", scratch->path);
    (void)unlink(scratch->path);
    (void)unlink(wal);
}

static void every_green_tap_survives_a_kill_before_any_disk_call(void **state)
{
    const struct scratch *scratch = *state;
    struct shown shown[TAPS];
    unsigned at = 1;

    for (; at < SWEEP_MAX; at++) {
        int status = 0;
        size_t count = 0;

        forget(scratch);
        count = run_child(scratch, at, 0, shown, TAPS, &status);
        compare(scratch, shown, count);
        if (WIFEXITED(status)) {
            assert_int_equal(WEXITSTATUS(status), 0);
            assert_int_equal(count, TAPS);
            break;
        }
        assert_int_equal(WTERMSIG(status), SIGKILL);
        assert_true(count <= TAPS);
    }
    print_message("killed at %u places\n", at - 1);
    assert_true(at > TAPS && at < SWEEP_MAX);
}

/* One log through all lives: what an earlier life showed is not lost in a later one either. */
static void a_log_that_lives_through_forty_kills_has_every_green_tap_once(void **state)
{
    static struct shown shown[400000];
    const struct scratch *scratch = *state;
    size_t count = 0;

    for (unsigned life = 0; life < RANDOM_KILLS; life++) {
        int status = 0;

        count += run_child(scratch, 0, 5 + life * 7 % 40, shown + count,
            sizeof shown / sizeof shown[0] - count, &status);
        assert_true(WIFSIGNALED(status));
        for (size_t i = 1; i < count; i++) {
            assert_true(shown[i].seq > shown[i - 1].seq);
        }
    }
    compare(scratch, shown, count);
    print_message("%zu taps were green\n", count);
    assert_true(count > RANDOM_KILLS);
}

static int install(void **state)
{
    (void)state;
    fault_vfs_install();
    return 0;
}

#define CRASH_TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CRASH_TEST(every_green_tap_survives_a_kill_before_any_disk_call),
        CRASH_TEST(a_log_that_lives_through_forty_kills_has_every_green_tap_once),
    };

    return cmocka_run_group_tests(tests, install, NULL);
}
