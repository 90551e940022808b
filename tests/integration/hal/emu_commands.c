/*
 * emu_commands.c - see emu_commands.h.
 */
#include "tests/integration/hal/emu_commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORDS_MAX = 4 };

struct words {
    char text[EMU_LINE_MAX];
    const char *word[WORDS_MAX];
    int count;
};

static const struct {
    const char *name;
    enum emu_tag_kind kind;
} tag_kinds[] = {
    {"ultralight", EMU_TAG_ULTRALIGHT},
    {"ntag213", EMU_TAG_NTAG213},
    {"ntag215", EMU_TAG_NTAG215},
    {"ntag216", EMU_TAG_NTAG216},
    {"type4", EMU_TAG_TYPE4},
    {"ntag424", EMU_TAG_NTAG424},
    {"classic", EMU_TAG_CLASSIC},
};

static const struct {
    const char *name;
    enum emu_fault_kind kind;
} fault_kinds[] = {
    {"none", EMU_FAULT_NONE},
    {"hang", EMU_FAULT_HANG},
    {"brownout", EMU_FAULT_BROWN_OUT},
    {"noack", EMU_FAULT_NO_ACK},
    {"badlcs", EMU_FAULT_BAD_LCS},
    {"baddcs", EMU_FAULT_BAD_DCS},
    {"garbage", EMU_FAULT_GARBAGE},
    {"error", EMU_FAULT_ERROR_FRAME},
    {"late", EMU_FAULT_LATE},
    {"preamble", EMU_FAULT_LONG_PREAMBLE},
    {"extended", EMU_FAULT_EXTENDED},
    {"leaves", EMU_FAULT_CARD_LEAVES},
};

static void split(const char *line, struct words *ret_words)
{
    char *at = ret_words->text;

    (void)snprintf(ret_words->text, sizeof ret_words->text, "%s", line);
    ret_words->count = 0;
    while (ret_words->count < WORDS_MAX) {
        at += strspn(at, " \t\r");
        if (*at == '\0') {
            return;
        }
        ret_words->word[ret_words->count] = at;
        ret_words->count++;
        at += strcspn(at, " \t\r");
        if (*at != '\0') {
            *at = '\0';
            at++;
        }
    }
}

static const char *parse_uid(const char *hex, struct emu_tag *tag)
{
    size_t digits = strlen(hex);

    if (digits != 8 && digits != 14 && digits != 20) {
        return "a number has 4, 7 or 10 bytes";
    }
    for (size_t i = 0; i < digits / 2; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        char *end = NULL;

        tag->uid[i] = (uint8_t)strtoul(pair, &end, 16);
        if (*end != '\0') {
            return "a number is made of hexadecimal digits";
        }
    }
    tag->uid_size = (uint8_t)(digits / 2);
    return NULL;
}

static const char *do_tap(struct emu_pn532 *emu, const struct words *words)
{
    struct emu_tag tag = {.kind = EMU_TAG_NTAG213};
    const char *uri = NULL;
    const char *problem =
        words->count < 2 ? "tap HEX [KIND] [URI]" : parse_uid(words->word[1], &tag);

    if (problem != NULL) {
        return problem;
    }
    tag.kind = tag.uid_size == 4 ? EMU_TAG_CLASSIC : EMU_TAG_NTAG213;
    for (int i = 2; i < words->count; i++) {
        if (strchr(words->word[i], ':') != NULL) {
            uri = words->word[i];
            tag.kind = i == 2 ? EMU_TAG_NTAG424 : tag.kind;
            continue;
        }
        problem = "no such kind of tag";
        for (size_t k = 0; k < sizeof tag_kinds / sizeof tag_kinds[0]; k++) {
            if (strcmp(words->word[i], tag_kinds[k].name) == 0) {
                tag.kind = tag_kinds[k].kind;
                problem = NULL;
            }
        }
    }
    if (problem == NULL && uri != NULL && emu_tag_set_uri(&tag, uri) < 0) {
        problem = "the URI is too long";
    }
    if (problem == NULL && emu_pn532_place_tag(emu, &tag) < 0) {
        problem = "too many tags on the reader";
    }
    return problem;
}

static const char *do_remove(struct emu_pn532 *emu, const struct words *words)
{
    struct emu_tag tag = {.uid_size = 0};
    const char *problem = NULL;

    if (words->count < 2) {
        emu_pn532_remove_tag(emu);
        return NULL;
    }
    problem = parse_uid(words->word[1], &tag);
    if (problem == NULL && emu_pn532_remove_uid(emu, tag.uid, tag.uid_size) < 0) {
        problem = "no such tag on the reader";
    }
    return problem;
}

static const char *do_fault(struct emu_pn532 *emu, const struct words *words)
{
    struct emu_fault fault = {.count = 1};
    bool is_known = false;
    int count_at = 2;

    if (words->count < 2) {
        return "fault KIND [COUNT], fault late MS [COUNT]";
    }
    for (size_t i = 0; i < sizeof fault_kinds / sizeof fault_kinds[0]; i++) {
        if (strcmp(words->word[1], fault_kinds[i].name) == 0) {
            fault.kind = fault_kinds[i].kind;
            is_known = true;
        }
    }
    if (!is_known) {
        return "no such fault";
    }
    if (fault.kind == EMU_FAULT_LATE) {
        if (words->count < 3) {
            return "fault late MS [COUNT]";
        }
        fault.late_us = (uint32_t)strtoul(words->word[2], NULL, 10) * 1000;
        count_at = 3;
    }
    if (words->count > count_at) {
        fault.count = (uint32_t)strtoul(words->word[count_at], NULL, 10);
    }
    emu_pn532_set_fault(emu, &fault);
    return NULL;
}

static void print_status(const struct emu_pn532 *emu)
{
    const struct emu_counters *counters = &emu->counters;

    printf("status commands=%u searches=%u resets=%u nacks=%u aborts=%u\n", counters->commands,
        counters->searches, counters->resets, counters->nacks, counters->aborts);
}

bool emu_command_line(struct emu_pn532 *emu, const char *line)
{
    struct words words = {.count = 0};
    const char *problem = NULL;

    split(line, &words);
    if (words.count == 0) {
        return true;
    }
    if (strcmp(words.word[0], "status") == 0) {
        print_status(emu);
        (void)fflush(stdout);
        return true;
    }
    if (strcmp(words.word[0], "tap") == 0) {
        problem = do_tap(emu, &words);
    } else if (strcmp(words.word[0], "remove") == 0) {
        problem = do_remove(emu, &words);
    } else if (strcmp(words.word[0], "fault") == 0) {
        problem = do_fault(emu, &words);
    } else if (strcmp(words.word[0], "reset") == 0) {
        emu_pn532_reset(emu, false);
        emu_pn532_reset(emu, true);
    } else if (strcmp(words.word[0], "quit") != 0) {
        problem = "commands are tap, remove, fault, reset, status, quit";
    }
    if (problem != NULL) {
        printf("error: %s\n", problem);
    } else {
        puts("ok");
    }
    (void)fflush(stdout);
    return strcmp(words.word[0], "quit") != 0;
}

bool emu_lines_read(struct emu_lines *lines, int fd, struct emu_pn532 *emu)
{
    ssize_t count = read(fd, lines->bytes + lines->size, sizeof lines->bytes - 1 - lines->size);
    char *end = NULL;

    if (count <= 0) {
        return count < 0 && (errno == EAGAIN || errno == EINTR);
    }
    lines->size += (size_t)count;
    lines->bytes[lines->size] = '\0';
    for (;;) {
        size_t used = 0;

        end = strchr(lines->bytes, '\n');
        if (end == NULL) {
            break;
        }
        *end = '\0';
        used = (size_t)(end - lines->bytes) + 1;
        if (!emu_command_line(emu, lines->bytes)) {
            lines->quit = true;
            return false;
        }
        memmove(lines->bytes, lines->bytes + used, lines->size - used + 1);
        lines->size -= used;
    }
    if (lines->size == sizeof lines->bytes - 1) {
        puts("error: line too long");
        lines->size = 0;
    }
    return true;
}
