/* test_topics.c - the topic tree of proto/topics.h. */
#include "proto/topics.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/suite.h"

static void names_are_letters_digits_and_three_signs(void **state)
{
    (void)state;
    assert_true(topic_name_is_valid("a"));
    assert_true(topic_name_is_valid("GW-0007_b.x"));
    assert_true(topic_name_is_valid("12345678901234567890123456789012"));
    assert_false(topic_name_is_valid(NULL));
    assert_false(topic_name_is_valid(""));
    assert_false(topic_name_is_valid("123456789012345678901234567890123"));
    for (int c = 1; c < 256; c++) {
        char name[] = {'x', (char)c, '\0'};
        bool is_good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.';

        assert_int_equal(topic_name_is_valid(name), is_good);
    }
}

static const struct {
    const char *text;
    enum topic_kind kind;
} kinds[] = {
    {"ecm/v1/north/GW1/up", TOPIC_UP},
    {"ecm/v1/north/GW1/ack", TOPIC_ACK},
    {"ecm/v1/north/GW1/state", TOPIC_STATE},
    {"ecm/v1/north/GW1/cmd", TOPIC_CMD},
    {"ecm/v1/north/GW1/cmd/result", TOPIC_CMD_RESULT},
};

static void every_kind_of_topic_is_written_and_read_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char text[TOPIC_MAX];
        struct topic topic;

        assert_int_equal(topic_format(text, "north", "GW1", kinds[i].kind), 0);
        assert_string_equal(text, kinds[i].text);
        assert_int_equal(topic_parse(text, &topic), 0);
        assert_string_equal(topic.site, "north");
        assert_string_equal(topic.device, "GW1");
        assert_int_equal(topic.kind, kinds[i].kind);
    }
}

static void an_alert_belongs_to_a_site_and_no_device(void **state)
{
    char text[TOPIC_MAX];
    struct topic topic;

    (void)state;
    assert_int_equal(topic_format(text, "north", NULL, TOPIC_ALERT), 0);
    assert_string_equal(text, "ecm/v1/north/alert");
    assert_int_equal(topic_parse(text, &topic), 0);
    assert_int_equal(topic.kind, TOPIC_ALERT);
    assert_string_equal(topic.device, "");
}

static void the_longest_names_fit(void **state)
{
    const char *name = "12345678901234567890123456789012";
    char text[TOPIC_MAX];
    struct topic topic;

    (void)state;
    assert_int_equal(topic_format(text, name, name, TOPIC_CMD_RESULT), 0);
    assert_int_equal(topic_parse(text, &topic), 0);
    assert_string_equal(topic.site, name);
    assert_string_equal(topic.device, name);
}

static void plus_subscribes_to_all_devices_but_is_no_device(void **state)
{
    char text[TOPIC_MAX];
    struct topic topic;

    (void)state;
    assert_int_equal(topic_format(text, "north", "+", TOPIC_UP), 0);
    assert_string_equal(text, "ecm/v1/north/+/up");
    assert_int_equal(topic_parse(text, &topic), -EINVAL);
    assert_int_equal(topic_format(text, "+", "GW1", TOPIC_UP), -EINVAL);
}

static void bad_names_are_not_written_into_a_topic(void **state)
{
    char text[TOPIC_MAX] = "kept";

    (void)state;
    assert_int_equal(topic_format(text, "", "GW1", TOPIC_UP), -EINVAL);
    assert_int_equal(topic_format(text, NULL, "GW1", TOPIC_UP), -EINVAL);
    assert_int_equal(topic_format(text, "north", "", TOPIC_UP), -EINVAL);
    assert_int_equal(topic_format(text, "north", NULL, TOPIC_UP), -EINVAL);
    assert_int_equal(topic_format(text, "north", "a/b", TOPIC_UP), -EINVAL);
    assert_int_equal(topic_format(text, "north", "#", TOPIC_UP), -EINVAL);
    assert_int_equal(topic_format(text, "north", "++", TOPIC_UP), -EINVAL);
    assert_int_equal(topic_format(text, "north", "GW1", (enum topic_kind)6), -EINVAL);
    assert_string_equal(text, "kept");
}

static void foreign_topics_are_refused_and_leave_the_result_alone(void **state)
{
    static const char *const foreign[] = {
        "",
        "ecm/v1/",
        "ecm/v1/north",
        "ecm/v1/north/",
        "ecm/v1/north/GW1",
        "ecm/v1/north/GW1/",
        "ecm/v1/north/GW1/down",
        "ecm/v1/north/GW1/up/",
        "ecm/v1/north/GW1/up/x",
        "ecm/v1/north/GW1/cmd/",
        "ecm/v1/north/GW1/alert",
        "ecm/v1/north/alert/x",
        "ecm/v1//GW1/up",
        "ecm/v1/north//up",
        "ecm/v2/north/GW1/up",
        "/ecm/v1/north/GW1/up",
        "ECM/v1/north/GW1/up",
        "ecm/v1/no rth/GW1/up",
        "ecm/v1/north/123456789012345678901234567890123/up",
    };
    struct topic topic = {.kind = TOPIC_CMD};

    (void)state;
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        assert_int_equal(topic_parse(foreign[i], &topic), -EINVAL);
    }
    assert_int_equal(topic_parse(NULL, &topic), -EINVAL);
    assert_int_equal(topic.kind, TOPIC_CMD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_letters_digits_and_three_signs),
        cmocka_unit_test(every_kind_of_topic_is_written_and_read_back),
        cmocka_unit_test(an_alert_belongs_to_a_site_and_no_device),
        cmocka_unit_test(the_longest_names_fit),
        cmocka_unit_test(plus_subscribes_to_all_devices_but_is_no_device),
        cmocka_unit_test(bad_names_are_not_written_into_a_topic),
        cmocka_unit_test(foreign_topics_are_refused_and_leave_the_result_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
