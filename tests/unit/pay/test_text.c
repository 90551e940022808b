/* test_text.c - CSV, JSON and numbers as text. */
#include "collector/pay/text.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "tests/unit/suite.h"

static void assert_text(struct text *text, const char *expected)
{
    assert_string_equal(text_end(text), expected);
    text_done(text);
}

static void numbers_are_written_to_their_limits(void **state)
{
    struct text text = {0};

    (void)state;
    text_add_int(&text, INT64_MIN);
    text_add_char(&text, ' ');
    text_add_int(&text, INT64_MAX);
    text_add_char(&text, ' ');
    text_add_int(&text, 0);
    assert_text(&text, "-9223372036854775808 9223372036854775807 0");
}

static void csv_field_is_quoted_only_when_it_has_to_be(void **state)
{
    struct text text = {0};

    (void)state;
    text_add_csv(&text, "plain text", 10);
    text_add_char(&text, ',');
    text_add_csv(&text, "a,b \"c\"", 7);
    assert_text(&text, "plain text,\"a,b \"\"c\"\"\"");
}

static void json_string_escapes_quotes_and_controls_and_keeps_utf8(void **state)
{
    struct text text = {0};

    (void)state;
    text_add_json(&text, "\"\\\n\303\251");
    assert_text(&text, "\"\\\"\\\\\\u000a\303\251\"");
}

static int refuse_third(void *user, const char *bytes, size_t size)
{
    int *calls = user;

    (void)bytes;
    (void)size;
    return ++*calls == 3 ? -EIO : 0;
}

static void failed_drain_stays_and_ends_all_writing(void **state)
{
    static char block[100000];
    int calls = 0;
    struct text text = {.drain = refuse_third, .user = &calls};

    (void)state;
    (void)memset(block, 'x', sizeof block);
    for (int i = 0; i < 50; i++) {
        text_add(&text, block, sizeof block);
    }
    assert_int_equal(text_drain(&text), -EIO);
    assert_int_equal(calls, 3);
    text_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_written_to_their_limits),
        cmocka_unit_test(csv_field_is_quoted_only_when_it_has_to_be),
        cmocka_unit_test(json_string_escapes_quotes_and_controls_and_keeps_utf8),
        cmocka_unit_test(failed_drain_stays_and_ends_all_writing),
    };

    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
