/* test_roster.c - reading a roster, looking things up in it, and writing it as played. */
#include "tools/ecm-sim/roster.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "tests/unit/sim/folder.h"
#include "tests/unit/suite.h"

static const char period[] =
    "period_id,start_date,end_date,start_utc,end_utc,run1_asof_utc,run2_asof_utc\n"
    "X,2020-10-05,2020-10-12,1601852400,1602457200,1602673200,1603537200\n";
static const char cards[] = "card_uid,carer_id,valid_from_utc,valid_to_utc\n"
                            "Kc1,c1,0,1000\n"
                            "Kc1b,c1,1000,2000\n"
                            "04aabbccddeeff,c2,0,2000\n";
static const char devices[] = "device_id,person_id,valid_from_utc,valid_to_utc\n"
                              "H2,p2,0,2000\n"
                              "H1,p1,0,500\n"
                              "H3,p1,500,2000\n";
static const char planned_header[] =
    "visit_id,person_id,provider_id,planned_start_utc,planned_end_utc,carers_required,"
    "roster_carers,cancel_utc\n";
static const char planned[] =
    "visit_id,person_id,provider_id,planned_start_utc,planned_end_utc,carers_required,"
    "roster_carers,cancel_utc\n"
    "V2,p1,P1,900,1000,2,c1|c2,\n"
    "V1,p2,P1,100,200,1,c2,50\n";

static struct folder a_roster(void)
{
    struct folder folder = folder_make();

    folder_write(&folder, "period.csv", period);
    folder_write(&folder, "cards.csv", cards);
    folder_write(&folder, "devices.csv", devices);
    folder_write(&folder, "planned.csv", planned);
    return folder;
}

/* ---- tag numbers -------------------------------------------------------------------------- */

static void assert_played_as(const char *card_uid, const char *expected)
{
    uint8_t uid[ROSTER_UID_MAX];
    char text[ROSTER_UID_TEXT];
    uint8_t size = roster_uid_from_text(card_uid, uid);

    assert_string_equal(roster_uid_to_text(uid, size, text), expected);
}

static void numbers_that_tags_can_have_are_played_as_they_are(void **state)
{
    (void)state;
    assert_played_as("01020304", "01020304");
    assert_played_as("04A1B2C3D4E5F6", "04A1B2C3D4E5F6");
    assert_played_as("04a1b2c3d4e5f6", "04A1B2C3D4E5F6");
    assert_played_as("04A1B2C3D4E5F60708FF", "04A1B2C3D4E5F60708FF");
}

static void assert_made_up(const char *card_uid)
{
    uint8_t uid[ROSTER_UID_MAX];
    uint8_t again[ROSTER_UID_MAX];

    assert_int_equal(roster_uid_from_text(card_uid, uid), 7);
    assert_int_equal(uid[0], 0x04);
    assert_int_not_equal(uid[3], 0x88);
    assert_int_equal(roster_uid_from_text(card_uid, again), 7);
    assert_memory_equal(uid, again, sizeof uid);
}

static void other_card_numbers_become_seven_bytes_always_the_same(void **state)
{
    (void)state;
    assert_made_up("Kc25");
    assert_made_up("");
    assert_made_up("A1B2C3D4E5F6");   /* six bytes: no tag has them */
    assert_made_up("04A1B2C3D4E5FG"); /* not hex */
    assert_made_up("08A1B2C3");       /* would be a random number */
    assert_made_up("88A1B2C3");       /* would be a cascade tag */
    assert_made_up("04A1B288D4E5F6");
}

static void different_cards_are_played_as_different_numbers(void **state)
{
    uint8_t seen[1000][ROSTER_UID_MAX];

    (void)state;
    for (size_t i = 0; i < 1000; i++) {
        char text[16];

        (void)snprintf(text, sizeof text, "Kc%zu", i);
        (void)roster_uid_from_text(text, seen[i]);
        for (size_t j = 0; j < i; j++) {
            assert_memory_not_equal(seen[i], seen[j], ROSTER_UID_MAX);
        }
    }
}

/* ---- reading ------------------------------------------------------------------------------ */

static void visits_come_in_order_of_their_start(void **state)
{
    struct folder folder = a_roster();
    struct roster roster;

    (void)state;
    assert_int_equal(roster_load(&roster, folder.path, NULL), 0);
    assert_int_equal(roster.visit_count, 2);
    assert_string_equal(roster.visits[0].visit_id, "V1");
    assert_int_equal(roster.visits[0].cancel_utc, 50);
    assert_string_equal(roster.visits[1].visit_id, "V2");
    assert_int_equal(roster.visits[1].cancel_utc, INT64_MAX);
    assert_int_equal(roster.visits[1].carers_required, 2);
    assert_int_equal(roster.periods[0].start_utc, 1601852400);
    roster_done(&roster);
    folder_remove(&folder);
}

static void cards_and_devices_are_found_by_who_and_when(void **state)
{
    struct folder folder = a_roster();
    struct roster roster;

    (void)state;
    assert_int_equal(roster_load(&roster, folder.path, NULL), 0);
    assert_string_equal(roster_card_of(&roster, "c1", 999)->card_uid, "Kc1");
    assert_string_equal(roster_card_of(&roster, "c1", 1000)->card_uid, "Kc1b");
    assert_null(roster_card_of(&roster, "c1", 2000));
    assert_null(roster_card_of(&roster, "c3", 10));
    assert_string_equal(roster_device_of(&roster, "p1", 499)->device_id, "H1");
    assert_string_equal(roster_device_of(&roster, "p1", 500)->device_id, "H3");
    assert_null(roster_device_of(&roster, "p1", -1));
    assert_null(roster_device_of(&roster, "p9", 10));
    roster_done(&roster);
    folder_remove(&folder);
}

static void slot_k_belongs_to_the_kth_carer(void **state)
{
    struct roster_visit visit = {.roster_carers = (char[]){"c1|c22|c3"}};
    char carer[8];

    (void)state;
    assert_int_equal(roster_carer(&visit, 0, carer, sizeof carer), 0);
    assert_string_equal(carer, "c1");
    assert_int_equal(roster_carer(&visit, 1, carer, sizeof carer), 0);
    assert_string_equal(carer, "c22");
    assert_int_equal(roster_carer(&visit, 2, carer, sizeof carer), 0);
    assert_string_equal(carer, "c3");
    assert_int_equal(roster_carer(&visit, 3, carer, sizeof carer), -ENOENT);
    assert_int_equal(roster_carer(&visit, 1, carer, 3), -ENOENT);
    visit.roster_carers = (char[]){""};
    assert_int_equal(roster_carer(&visit, 0, carer, sizeof carer), -ENOENT);
}

/* ---- what is refused ---------------------------------------------------------------------- */

static void assert_refused(const char *file, const char *text, const char *why)
{
    struct folder folder = a_roster();
    struct roster roster;
    struct err err = {0};

    folder_write(&folder, file, text);
    assert_int_equal(roster_load(&roster, folder.path, &err), ECM_EFORMAT);
    if (strstr(err.text, why) == NULL) {
        fail_msg("'%s' does not say '%s'", err.text, why);
    }
    assert_int_equal(roster.visit_count, 0);
    assert_null(roster.visits);
    folder_remove(&folder);
}

static void bad_files_are_refused_by_file_line_and_column(void **state)
{
    char text[512];

    (void)state;
    assert_refused("planned.csv", "visit_id,person_id\n", "planned.csv:1: planned_start_utc");
    (void)snprintf(text, sizeof text, "%sV1,p1,P1,x,200,1,c1,\n", planned_header);
    assert_refused("planned.csv", text, "planned.csv:2: planned_start_utc: not a whole number");
    (void)snprintf(text, sizeof text, "%sV1,p1,P1,200,200,1,c1,\n", planned_header);
    assert_refused("planned.csv", text, "planned.csv:2: planned_end_utc");
    (void)snprintf(text, sizeof text, "%sV1,p1,P1,100,200,1\n", planned_header);
    assert_refused("planned.csv", text, "planned.csv:2: row");
    (void)snprintf(text, sizeof text, "%sV1,p1,P1,100,200,1,c1,9x\n", planned_header);
    assert_refused("planned.csv", text, "planned.csv:2: cancel_utc");
    assert_refused("devices.csv", "device_id,person_id,valid_from_utc,valid_to_utc\nH/1,p1,0,1\n",
        "devices.csv:2: device_id");
    assert_refused(
        "cards.csv", "card_uid,carer_id,valid_from_utc,valid_to_utc\nK\"1,c1,0,1\n", "cards.csv:2");
}

static void two_cards_of_one_number_are_refused(void **state)
{
    struct folder folder = a_roster();
    struct roster roster;
    uint8_t uid[ROSTER_UID_MAX];
    char number[ROSTER_UID_TEXT];
    char text[256];

    (void)state;
    (void)roster_uid_from_text("Kc1", uid);
    (void)snprintf(text, sizeof text,
        "card_uid,carer_id,valid_from_utc,valid_to_utc\nKc1,c1,0,9\n%s,c2,0,9\n",
        roster_uid_to_text(uid, 7, number));
    assert_refused("cards.csv", text, "same tag number");
    /* One card that changes hands is two rows and no mistake. */
    folder_write(&folder, "cards.csv",
        "card_uid,carer_id,valid_from_utc,valid_to_utc\nKc1,c1,0,9\nKc1,c2,9,20\n");
    assert_int_equal(roster_load(&roster, folder.path, NULL), 0);
    roster_done(&roster);
    folder_remove(&folder);
}

static void a_missing_file_is_named(void **state)
{
    struct folder folder = folder_make();
    struct roster roster;
    struct err err = {0};

    (void)state;
    assert_int_equal(roster_load(&roster, folder.path, &err), -ENOENT);
    assert_non_null(strstr(err.text, "period.csv"));
    folder_remove(&folder);
}

/* ---- writing ------------------------------------------------------------------------------ */

static void the_roster_as_played_has_the_numbers_of_the_readers(void **state)
{
    struct folder folder = a_roster();
    struct folder out = folder_make();
    struct roster roster;
    struct roster back;
    char *text = NULL;

    (void)state;
    folder_write(&folder, "events.csv", "recv_utc,event_id\n1,2\n");
    folder_write(&folder, "notes.txt", "not part of a roster");
    assert_int_equal(roster_load(&roster, folder.path, NULL), 0);
    assert_int_equal(roster_write(&roster, folder.path, out.path, NULL), 0);

    assert_int_equal(roster_load(&back, out.path, NULL), 0);
    for (size_t i = 0; i < roster.card_count; i++) {
        char number[ROSTER_UID_TEXT];

        assert_string_equal(back.cards[i].card_uid,
            roster_uid_to_text(roster.cards[i].uid, roster.cards[i].uid_size, number));
        assert_string_equal(back.cards[i].carer_id, roster.cards[i].carer_id);
    }
    text = folder_read(&out, "planned.csv");
    assert_string_equal(text, planned);
    free(text);
    text = folder_read(&out, "events.csv");
    assert_string_equal(text, "recv_utc,event_id,device_id,card_uid,kind,ts_utc\n");
    free(text);
    assert_null(folder_read(&out, "notes.txt"));
    roster_done(&roster);
    roster_done(&back);
    folder_remove(&folder);
    folder_remove(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_that_tags_can_have_are_played_as_they_are),
        cmocka_unit_test(other_card_numbers_become_seven_bytes_always_the_same),
        cmocka_unit_test(different_cards_are_played_as_different_numbers),
        cmocka_unit_test(visits_come_in_order_of_their_start),
        cmocka_unit_test(cards_and_devices_are_found_by_who_and_when),
        cmocka_unit_test(slot_k_belongs_to_the_kth_carer),
        cmocka_unit_test(bad_files_are_refused_by_file_line_and_column),
        cmocka_unit_test(two_cards_of_one_number_are_refused),
        cmocka_unit_test(a_missing_file_is_named),
        cmocka_unit_test(the_roster_as_played_has_the_numbers_of_the_readers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
