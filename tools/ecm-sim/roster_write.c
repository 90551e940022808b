/*
 * roster_write.c - the roster as played, for ecm-pay to import.
 */
#include "tools/ecm-sim/roster.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"

enum { PATH_SIZE = 4096 };

static const char *const copied[] = {
    "period.csv",
    "providers.csv",
    "rates.csv",
    "people.csv",
    "carers.csv",
    "devices.csv",
    "planned.csv",
    "amendments.csv",
    "home_tags.csv",
    "carried_readers.csv",
};

static int say_why(struct err *err, const char *path)
{
    int code = errno != 0 ? -errno : -EIO;

    return err_set(err, code, "cannot write '%s': %s", path, strerror(-code));
}

/* Close out; what was buffered may fail only now. */
static int finish(FILE *out, const char *path, struct err *err)
{
    int failed = ferror(out);

    if (fclose(out) != 0 || failed) {
        return say_why(err, path);
    }
    return 0;
}

/* Copy a file of the roster. One that is not there is left out: some are optional. */
static int copy_file(const char *from, const char *to, const char *name, struct err *err)
{
    char from_path[PATH_SIZE];
    char to_path[PATH_SIZE];
    char buffer[8192];
    FILE *in = NULL;
    FILE *out = NULL;
    size_t size = 0;

    (void)snprintf(from_path, sizeof from_path, "%s/%s", from, name);
    (void)snprintf(to_path, sizeof to_path, "%s/%s", to, name);
    in = fopen(from_path, "rbe");
    if (in == NULL) {
        return errno == ENOENT
                   ? 0
                   : err_set(err, -errno, "cannot read '%s': %s", from_path, strerror(errno));
    }
    errno = 0;
    out = fopen(to_path, "wbe");
    if (out == NULL) {
        (void)fclose(in);
        return say_why(err, to_path);
    }
    do {
        size = fread(buffer, 1, sizeof buffer, in);
        (void)fwrite(buffer, 1, size, out);
    } while (size == sizeof buffer);
    (void)fclose(in);
    return finish(out, to_path, err);
}

/* A field that came from a CSV file, quoted where it has to be. */
static void write_field(FILE *out, const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        (void)fputs(text, out);
        return;
    }
    (void)fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            (void)fputc('"', out);
        }
        (void)fputc(*text, out);
    }
    (void)fputc('"', out);
}

static int write_cards(const struct roster *roster, const char *to, struct err *err)
{
    char path[PATH_SIZE];
    FILE *out = NULL;

    (void)snprintf(path, sizeof path, "%s/cards.csv", to);
    errno = 0;
    out = fopen(path, "we");
    if (out == NULL) {
        return say_why(err, path);
    }
    (void)fputs("card_uid,carer_id,valid_from_utc,valid_to_utc\n", out);
    for (size_t i = 0; i < roster->card_count; i++) {
        const struct roster_card *card = &roster->cards[i];
        char uid[ROSTER_UID_TEXT];

        (void)fprintf(out, "%s,", roster_uid_to_text(card->uid, card->uid_size, uid));
        write_field(out, card->carer_id);
        (void)fprintf(out, ",%" PRId64 ",%" PRId64 "\n", card->from_utc, card->to_utc);
    }
    return finish(out, path, err);
}

static int write_events(const char *to, struct err *err)
{
    char path[PATH_SIZE];
    FILE *out = NULL;

    (void)snprintf(path, sizeof path, "%s/events.csv", to);
    errno = 0;
    out = fopen(path, "we");
    if (out == NULL) {
        return say_why(err, path);
    }
    (void)fputs("recv_utc,event_id,device_id,card_uid,kind,ts_utc\n", out);
    return finish(out, path, err);
}

int roster_write(const struct roster *roster, const char *from, const char *to, struct err *err)
{
    int rc = 0;

    if (mkdir(to, 0777) != 0 && errno != EEXIST) {
        return say_why(err, to);
    }
    for (size_t i = 0; i < sizeof copied / sizeof copied[0] && rc == 0; i++) {
        rc = copy_file(from, to, copied[i], err);
    }
    if (rc == 0) {
        rc = write_cards(roster, to, err);
    }
    return rc == 0 ? write_events(to, err) : rc;
}
