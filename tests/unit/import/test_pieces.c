/* test_pieces.c - a file read in pieces by several threads is the file read from end to end. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv_pieces.h"
#include "base/err.h"
#include "collector/import/import.h"
#include "tests/unit/suite.h"

enum { ROWS = 60000, ROOM_A_ROW = 64 };

struct file {
    char *bytes;
    size_t size;
};

static void add(struct file *file, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct file *file, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    file->size += (size_t)vsnprintf(file->bytes + file->size, ROOM_A_ROW, format, args);
    va_end(args);
}

static struct file make_file(void)
{
    struct file file = {.bytes = malloc((size_t)(ROWS + 8) * ROOM_A_ROW)};

    assert_non_null(file.bytes);
    return file;
}

/* The next row of either reader: 1, 0, or an error. */
struct reader {
    struct csv *csv;
    struct csv_pieces *pieces; /* NULL: the file as a whole */
    char *buffer;
    uint64_t lines_before;
};

static int next(struct reader *reader, struct csv_field **fields, size_t *count)
{
    struct csv_piece piece;
    int rc = csv_next(reader->csv, fields, count);

    while (rc == 0 && reader->pieces != NULL &&
           csv_pieces_next(reader->pieces, reader->buffer, &piece) == 1) {
        reader->lines_before += csv_lines_done(reader->csv);
        csv_set_piece(reader->csv, &piece);
        rc = csv_next(reader->csv, fields, count);
    }
    return rc;
}

static void assert_reads_alike(const struct file *file)
{
    struct reader whole = {.pieces = NULL};
    struct reader cut = {.buffer = malloc(CSV_PIECE_SIZE + 1)};
    struct csv_field *a = NULL;
    struct csv_field *b = NULL;
    size_t a_count = 0;
    size_t b_count = 0;
    int rc = 1;

    assert_int_equal(csv_open_memory(&whole.csv, file->bytes, file->size), 0);
    assert_int_equal(csv_pieces_open_memory(&cut.pieces, file->bytes, file->size), 0);
    assert_int_equal(csv_open_pieces(&cut.csv), 0);
    while (rc == 1) {
        rc = next(&whole, &a, &a_count);
        assert_int_equal(next(&cut, &b, &b_count), rc);
        assert_int_equal(csv_line(whole.csv), cut.lines_before + csv_line(cut.csv));
        assert_string_equal(csv_problem(whole.csv), csv_problem(cut.csv));
        for (size_t i = 0; rc == 1 && i < a_count; i++) {
            assert_int_equal(a_count, b_count);
            assert_string_equal(a[i].text, b[i].text);
        }
    }
    csv_close(whole.csv);
    csv_close(cut.csv);
    csv_pieces_close(cut.pieces);
    free(cut.buffer);
}

static void pieces_hold_the_rows_of_the_file(void **state)
{
    struct file file = make_file();

    (void)state;
    add(&file, "\xef\xbb\xbfname,number\n");
    for (int i = 0; i < ROWS; i++) {
        add(&file, i % 7 == 0 ? "\"row\n\"\"%d\"\"\",%d\r\n" : "row %d,%d\n", i, i);
    }
    add(&file, "last,1");
    assert_reads_alike(&file);
    free(file.bytes);
}

static void fault_far_in_a_file_is_found_where_the_whole_file_has_it(void **state)
{
    static const char *const faults[] = {
        "a\"b,1\n", "\"a\"b,1\n", "a\rb,1\n", "a\xff,1\n", "\"never closed\n"};

    (void)state;
    for (size_t fault = 0; fault < sizeof faults / sizeof faults[0]; fault++) {
        struct file file = make_file();

        for (int i = 0; i < ROWS; i++) {
            add(&file, "row %d,%d\n", i, i);
            if (i == ROWS / 2) {
                add(&file, "%s", faults[fault]);
            }
        }
        assert_reads_alike(&file);
        free(file.bytes);
    }
}

static struct file make_events(void)
{
    struct file file = make_file();

    add(&file, "recv_utc,event_id,device_id,card_uid,kind,ts_utc\n");
    for (int i = 0; i < ROWS; i++) {
        add(&file, "%d,E%d,D%d,K%d,%c,%d\n", 1000 + i, i % (ROWS / 2), i % 97, i % 89,
            i % 2 == 0 ? 'I' : 'O', 900 + i);
    }
    return file;
}

static void large_file_lands_row_by_row_in_its_order(void **state)
{
    struct file file = make_events();
    struct dataset dataset;
    struct err err = {0};

    (void)state;
    assert_int_equal(dataset_init(&dataset), 0);
    assert_int_equal(import_bytes("events.csv", file.bytes, file.size, &dataset, &err), 0);
    assert_int_equal(dataset.events_count, ROWS);
    for (uint32_t i = 0; i < ROWS; i++) {
        const struct event_row *row = &dataset.events[i];
        char id[16];

        (void)snprintf(id, sizeof id, "E%u", i % (ROWS / 2));
        assert_string_equal(dataset_text(&dataset, row->event_id), id);
        assert_int_equal(row->event_id, dataset.events[i % (ROWS / 2)].event_id);
        assert_int_equal(row->recv_utc, 1000 + i);
        assert_int_equal(row->ts_utc, 900 + i);
        assert_int_equal(row->arrival, i);
        assert_int_equal(row->kind, i % 2 == 0 ? 'I' : 'O');
    }
    dataset_done(&dataset);
    free(file.bytes);
}

static void of_several_faults_the_first_is_named_with_its_line(void **state)
{
    static const int at[] = {ROWS / 3, ROWS / 2, ROWS - 5};
    struct file file = make_file();
    struct dataset dataset;
    struct err err = {0};
    char expected[64];

    (void)state;
    add(&file, "card_uid,carer_id,valid_from_utc,valid_to_utc\n");
    for (int i = 0; i < ROWS; i++) {
        bool is_bad = i == at[0] || i == at[1] || i == at[2];

        add(&file, "K%d,C%d,%d,%s\n", i, i, 100, is_bad ? "99" : "4102444800");
    }
    (void)snprintf(expected, sizeof expected,
        "cards.csv:%d: valid_to_utc: not after valid_from_utc", at[0] + 2);
    assert_int_equal(dataset_init(&dataset), 0);
    assert_int_equal(import_bytes("cards.csv", file.bytes, file.size, &dataset, &err), ECM_EFORMAT);
    assert_string_equal(err.text, expected);
    dataset_done(&dataset);
    free(file.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_hold_the_rows_of_the_file),
        cmocka_unit_test(fault_far_in_a_file_is_found_where_the_whole_file_has_it),
        cmocka_unit_test(large_file_lands_row_by_row_in_its_order),
        cmocka_unit_test(of_several_faults_the_first_is_named_with_its_line),
    };

    return cmocka_run_group_tests_name("pieces", tests, NULL, NULL);
}
