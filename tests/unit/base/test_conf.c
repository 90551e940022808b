/* test_conf.c - a configuration is read whole or refused with every reason. */
#include "base/conf.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

#include "tests/unit/suite.h"

struct sample {
    char name[8];
    int64_t wait_ms;
    bool is_loud;
    int kind;
};

static const char *const kinds[] = {"spi", "uart", NULL};

static const struct conf_item items[] = {
    {.section = "device",
        .key = "name",
        .type = CONF_STRING,
        .preset = "home",
        .offset = offsetof(struct sample, name),
        .size = sizeof(((struct sample *)0)->name),
        .help = "What this device is called."},
    {.section = "reader",
        .key = "wait",
        .type = CONF_INT,
        .unit = "ms",
        .min = 20,
        .max = 1000,
        .preset = "100",
        .offset = offsetof(struct sample, wait_ms),
        .help = "How long to wait."},
    {.section = "reader",
        .key = "loud",
        .type = CONF_BOOL,
        .preset = "no",
        .offset = offsetof(struct sample, is_loud),
        .help = "Whether to make a noise."},
    {.section = "reader",
        .key = "kind",
        .type = CONF_CHOICE,
        .preset = "uart",
        .choices = kinds,
        .offset = offsetof(struct sample, kind),
        .help = "Which bus."},
};
enum { ITEM_COUNT = sizeof items / sizeof items[0] };

struct fixture {
    char path[64];
    struct sample sample;
    char *said;
    size_t said_size;
};

/* Read text as a file; what is said about it goes to fx->said. */
static int load(struct fixture *fx, const char *text)
{
    FILE *file = NULL;
    FILE *errors = NULL;
    int fd = -1;
    int rc = 0;

    (void)snprintf(fx->path, sizeof fx->path, "/tmp/ecm-conf-XXXXXX");
    fd = mkstemp(fx->path);
    assert_true(fd >= 0);
    file = fdopen(fd, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    errors = open_memstream(&fx->said, &fx->said_size);
    assert_non_null(errors);
    conf_preset(items, ITEM_COUNT, &fx->sample);
    rc = conf_load(items, ITEM_COUNT, fx->path, &fx->sample, errors);
    assert_int_equal(fclose(errors), 0);
    (void)unlink(fx->path);
    return rc;
}

static void assert_said(struct fixture *fx, int line, const char *rest)
{
    char expected[256];

    (void)snprintf(expected, sizeof expected, "%s:%d: %s\n", fx->path, line, rest);
    if (strstr(fx->said, expected) == NULL) {
        fail_msg("'%s' is not among: %s", expected, fx->said);
    }
}

static int teardown(void **state)
{
    struct fixture *fx = *state;

    free(fx->said);
    fx->said = NULL;
    return 0;
}

static void a_file_lays_itself_over_the_presets(void **state)
{
    struct fixture *fx = *state;

    assert_int_equal(load(fx, "; said\n[reader]\nwait = 250\nloud = yes\nkind = spi\n"), 0);
    assert_string_equal(fx->sample.name, "home");
    assert_int_equal(fx->sample.wait_ms, 250);
    assert_true(fx->sample.is_loud);
    assert_int_equal(fx->sample.kind, 0);
    assert_int_equal(fx->said_size, 0);
}

static void an_unknown_key_is_refused_by_name(void **state)
{
    struct fixture *fx = *state;

    assert_int_equal(load(fx, "[reader]\nwiat = 5\n"), ECM_ECONFIG);
    assert_said(fx, 2, "reader.wiat: '5' is set, but there is no such key");
}

static void every_fault_of_a_file_is_told_at_once(void **state)
{
    struct fixture *fx = *state;

    assert_int_equal(load(fx, "[reader]\nwait = 5\nloud = maybe\nkind = i2c\nwait = 2000\n"
                              "wait = 1x\n[device]\nname = much-too-long\n"),
        ECM_ECONFIG);
    assert_said(fx, 2, "reader.wait: '5' is below the minimum 20");
    assert_said(fx, 3, "reader.loud: 'maybe' is neither yes nor no");
    assert_said(fx, 4, "reader.kind: 'i2c' is none of spi uart");
    assert_said(fx, 5, "reader.wait: '2000' is above the maximum 1000");
    assert_said(fx, 6, "reader.wait: '1x' is not a whole number");
    assert_said(fx, 8, "device.name: 'much-too-long' is longer than the 7 characters allowed");
}

static void a_line_that_is_nothing_is_refused(void **state)
{
    struct fixture *fx = *state;

    assert_int_equal(load(fx, "[reader]\nwait 250\n"), ECM_ECONFIG);
    assert_said(fx, 2, "neither a [section] nor a key = value");
}

static void a_line_without_end_is_refused_and_not_read_as_two(void **state)
{
    struct fixture *fx = *state;
    char text[2000] = "[device]\nname = ";

    (void)memset(text + strlen(text), 'a', 1500);
    (void)strncat(text, "\n[reader]\nwait = 5\n", 40);
    assert_int_equal(load(fx, text), ECM_ECONFIG);
    assert_said(fx, 4, "reader.wait: '5' is below the minimum 20");
}

static void a_missing_file_is_told_with_its_name(void **state)
{
    struct fixture *fx = *state;
    FILE *errors = open_memstream(&fx->said, &fx->said_size);

    assert_int_equal(
        conf_load(items, ITEM_COUNT, "/nonexistent/x.conf", &fx->sample, errors), -ENOENT);
    (void)fclose(errors);
    assert_string_equal(fx->said, "/nonexistent/x.conf: No such file or directory\n");
}

static void what_is_printed_reads_back_the_same(void **state)
{
    struct fixture *fx = *state;
    struct sample before = {.name = "porch", .wait_ms = 33, .is_loud = true, .kind = 0};
    char *printed = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&printed, &size);

    conf_print(items, ITEM_COUNT, &before, out);
    (void)fclose(out);
    assert_int_equal(load(fx, printed), 0);
    assert_memory_equal(fx->sample.name, "porch", 6);
    assert_int_equal(fx->sample.wait_ms, 33);
    assert_true(fx->sample.is_loud);
    assert_int_equal(fx->sample.kind, 0);
    free(printed);
}

static void one_key_can_be_set_from_the_command_line(void **state)
{
    struct fixture *fx = *state;
    FILE *errors = open_memstream(&fx->said, &fx->said_size);

    conf_preset(items, ITEM_COUNT, &fx->sample);
    assert_int_equal(conf_set(items, ITEM_COUNT, "reader.wait=44", &fx->sample, errors), 0);
    assert_int_equal(fx->sample.wait_ms, 44);
    assert_int_equal(
        conf_set(items, ITEM_COUNT, "reader.wait=1", &fx->sample, errors), ECM_ECONFIG);
    assert_int_equal(conf_set(items, ITEM_COUNT, "nonsense", &fx->sample, errors), ECM_ECONFIG);
    assert_int_equal(fx->sample.wait_ms, 44);
    (void)fclose(errors);
}

int main(void)
{
    static struct fixture fx;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate_setup_teardown(
            a_file_lays_itself_over_the_presets, NULL, teardown, &fx),
        cmocka_unit_test_prestate_setup_teardown(
            an_unknown_key_is_refused_by_name, NULL, teardown, &fx),
        cmocka_unit_test_prestate_setup_teardown(
            every_fault_of_a_file_is_told_at_once, NULL, teardown, &fx),
        cmocka_unit_test_prestate_setup_teardown(
            a_line_that_is_nothing_is_refused, NULL, teardown, &fx),
        cmocka_unit_test_prestate_setup_teardown(
            a_line_without_end_is_refused_and_not_read_as_two, NULL, teardown, &fx),
        cmocka_unit_test_prestate_setup_teardown(
            a_missing_file_is_told_with_its_name, NULL, teardown, &fx),
        cmocka_unit_test_prestate_setup_teardown(
            what_is_printed_reads_back_the_same, NULL, teardown, &fx),
        cmocka_unit_test_prestate_setup_teardown(
            one_key_can_be_set_from_the_command_line, NULL, teardown, &fx),
    };

    return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
