/* test_err.c - codes for the program, sentences for the person. */
#include "base/err.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/suite.h"

static void every_code_has_its_name(void **state)
{
    (void)state;
    assert_string_equal(err_name(0), "OK");
    assert_string_equal(err_name(-ENOENT), "ENOENT");
    assert_string_equal(err_name(ECM_EFULL), "ECM_EFULL");
    assert_string_equal(err_name(ECM_ECORRUPT), "ECM_ECORRUPT");
    assert_string_equal(err_name(-99999), "unknown");
}

static void a_sentence_grows_from_the_inside_out(void **state)
{
    struct err err;

    (void)state;
    assert_int_equal(err_set(&err, -ENOENT, "file '%s' is not there", "x"), -ENOENT);
    assert_int_equal(err_wrap(&err, -ENOENT, "cannot start"), -ENOENT);
    assert_string_equal(err.text, "cannot start: file 'x' is not there");
}

static void a_sentence_that_is_too_long_is_cut_and_ended(void **state)
{
    struct err err;
    char long_text[1000];

    (void)state;
    (void)memset(long_text, 'a', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    (void)err_set(&err, -EIO, "%s", long_text);
    (void)err_wrap(&err, -EIO, "outer");
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    assert_memory_equal(err.text, "outer: aaa", 10);
}

static void nobody_has_to_listen(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, -EIO, "x"), -EIO);
    assert_int_equal(err_wrap(NULL, -EIO, "x"), -EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_its_name),
        cmocka_unit_test(a_sentence_grows_from_the_inside_out),
        cmocka_unit_test(a_sentence_that_is_too_long_is_cut_and_ended),
        cmocka_unit_test(nobody_has_to_listen),
    };

    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
