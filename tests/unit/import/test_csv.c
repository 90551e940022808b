/* test_csv.c - CSV as RFC 4180 has it, and everything it is not. */
#include "base/csv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "tests/unit/suite.h"

/* All rows as "field|field/field|field", and what ended them. */
static int read_all(const char *bytes, size_t size, char *text, size_t text_size)
{
    struct csv *csv = NULL;
    struct csv_field *fields = NULL;
    size_t count = 0;
    size_t used = 0;
    int rc = 0;

    assert_int_equal(csv_open_memory(&csv, bytes, size), 0);
    text[0] = '\0';
    for (rc = csv_next(csv, &fields, &count); rc == 1; rc = csv_next(csv, &fields, &count)) {
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(strlen(fields[i].text), fields[i].size);
            used += (size_t)snprintf(
                text + used, text_size - used, "%s%s", i == 0 ? "" : "|", fields[i].text);
        }
        used += (size_t)snprintf(text + used, text_size - used, "/");
    }
    if (rc < 0) {
        (void)snprintf(
            text, text_size, "%llu: %s", (unsigned long long)csv_line(csv), csv_problem(csv));
    }
    csv_close(csv);
    return rc;
}

static void assert_reads(const char *bytes, const char *expected)
{
    char text[512];

    assert_int_equal(read_all(bytes, strlen(bytes), text, sizeof text), 0);
    assert_string_equal(text, expected);
}

static void assert_refuses(const char *bytes, size_t size, const char *expected)
{
    char text[512];

    assert_int_equal(read_all(bytes, size, text, sizeof text), ECM_EFORMAT);
    assert_string_equal(text, expected);
}

static void rows_end_in_lf_or_crlf_or_with_the_file(void **state)
{
    (void)state;
    assert_reads("a,b\nc,d\n", "a|b/c|d/");
    assert_reads("a,b\r\nc,d\r\n", "a|b/c|d/");
    assert_reads("a,b\nc,d", "a|b/c|d/");
    assert_reads("a,\n,b\n", "a|/|b/");
    assert_reads("", "");
}

static void quoted_fields_hold_commas_quotes_and_line_breaks(void **state)
{
    (void)state;
    assert_reads("\"a,b\",\"say \"\"hi\"\"\"\n\"x\r\ny\",\"\"\n", "a,b|say \"hi\"/x\r\ny|/");
    assert_reads("\"last\"", "last/");
}

static void empty_lines_and_a_byte_order_mark_are_passed_over(void **state)
{
    (void)state;
    assert_reads("\xef\xbb\xbfid\n\n\r\n1\n\n", "id/1/");
}

static void what_is_no_csv_is_refused_by_line_and_reason(void **state)
{
    (void)state;
    assert_refuses("a\nb\"c\n", 6, "2: a quote inside an unquoted field");
    assert_refuses("a\n\"b\"c\n", 7, "2: text after a closing quote");
    assert_refuses("a\n\"b\nc", 6, "2: a quote is never closed");
    assert_refuses("a\rb\n", 4, "1: a carriage return without a line feed");
    assert_refuses("a\0b\n", 4, "1: a zero byte");
    assert_refuses("\"x\ny\"\nb\xff\n", 9, "3: not UTF-8");
}

static void utf8_is_checked_to_the_letter(void **state)
{
    static const char *const bad[] = {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80",
        "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc3",
        "\xe2\x82", "\xe2\x28\xa1"};

    (void)state;
    assert_reads("\xc3\xa9,\xe2\x82\xac,\xf0\x9f\x98\x80,\xed\x9f\xbf,\xf4\x8f\xbf\xbf\n",
        "\xc3\xa9|\xe2\x82\xac|\xf0\x9f\x98\x80|\xed\x9f\xbf|\xf4\x8f\xbf\xbf/");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_refuses(bad[i], strlen(bad[i]), "1: not UTF-8");
    }
}

static void too_many_fields_and_too_long_rows_are_refused(void **state)
{
    static char large[3 * 1024 * 1024];

    (void)state;
    assert_refuses(",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,\n", 33, "1: too many fields");
    (void)memset(large, 'x', sizeof large);
    assert_refuses(large, sizeof large, "1: row too long");
    large[0] = '"';
    assert_refuses(large, sizeof large, "1: row too long; perhaps a quote is never closed");
}

static void rows_come_whole_across_the_ends_of_the_buffer(void **state)
{
    enum { ROWS = 200000 };
    char *bytes = malloc(ROWS * 16);
    struct csv *csv = NULL;
    struct csv_field *fields = NULL;
    size_t count = 0;
    size_t size = 0;

    (void)state;
    assert_non_null(bytes);
    for (int i = 0; i < ROWS; i++) {
        size += (size_t)snprintf(bytes + size, 16, "%d,\"%d\"\n", i, i % 10);
    }
    assert_int_equal(csv_open_memory(&csv, bytes, size), 0);
    for (int i = 0; i < ROWS; i++) {
        char text[16];

        assert_int_equal(csv_next(csv, &fields, &count), 1);
        (void)snprintf(text, sizeof text, "%d", i);
        assert_string_equal(fields[0].text, text);
        assert_int_equal(fields[1].text[0], '0' + i % 10);
        assert_int_equal(csv_line(csv), i + 1);
    }
    assert_int_equal(csv_next(csv, &fields, &count), 0);
    assert_int_equal(csv_bytes_done(csv), size);
    csv_close(csv);
    free(bytes);
}

static void missing_file_is_named(void **state)
{
    struct csv *csv = NULL;
    struct err err;

    (void)state;
    assert_int_equal(csv_open(&csv, "/nonexistent/x.csv", &err), -ENOENT);
    assert_string_equal(err.text, "/nonexistent/x.csv: No such file or directory");
    csv_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_end_in_lf_or_crlf_or_with_the_file),
        cmocka_unit_test(quoted_fields_hold_commas_quotes_and_line_breaks),
        cmocka_unit_test(empty_lines_and_a_byte_order_mark_are_passed_over),
        cmocka_unit_test(what_is_no_csv_is_refused_by_line_and_reason),
        cmocka_unit_test(utf8_is_checked_to_the_letter),
        cmocka_unit_test(too_many_fields_and_too_long_rows_are_refused),
        cmocka_unit_test(rows_come_whole_across_the_ends_of_the_buffer),
        cmocka_unit_test(missing_file_is_named),
    };

    return cmocka_run_group_tests_name("csv", tests, NULL, NULL);
}
