/*
 * fuzz_pn532_answers.c - a whole reader on a chip whose every answer is the fuzzer's.
 *
 * The link answers each command with a sound ACK (else nothing ever gets past bring-up) unless
 * the input says otherwise, then with a well-framed answer of the input's bytes, or with those
 * bytes raw. Whatever comes, poll() must end in time and stay sane.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "hal/chip/pn532_reader.h"
#include "hal/fake/fake_clock.h"

enum { POLLS = 60, ANSWERS_MAX = 3 };

struct liar {
    struct pn532_link link; /* first */
    struct fake_clock *clock;
    const uint8_t *data;
    size_t size;
    bool ack_waits;
    int answers; /* that wait */
    uint8_t code;
};

static uint8_t take(struct liar *liar)
{
    if (liar->size == 0) {
        return 0;
    }
    liar->size--;
    liar->data++;
    return liar->data[-1];
}

static int liar_wake(struct pn532_link *link)
{
    (void)link;
    return 0;
}

static int liar_write(struct pn532_link *link, const uint8_t *frame, size_t size)
{
    struct liar *liar = (struct liar *)link;
    struct pn532_frame parsed;

    if (pn532_frame_parse(frame, size, &parsed) != 0) {
        abort(); /* the driver itself sends nonsense */
    }
    if (parsed.kind == PN532_FRAME_DATA) {
        liar->code = parsed.data[0];
        liar->ack_waits = true;
        liar->answers = ANSWERS_MAX;
    }
    return 0;
}

static int liar_wait(struct pn532_link *link, uint64_t timeout_us)
{
    struct liar *liar = (struct liar *)link;

    if (liar->ack_waits || (liar->answers > 0 && liar->size > 0)) {
        return 1;
    }
    fake_clock_advance_us(liar->clock, timeout_us);
    return 0;
}

static int liar_read(struct pn532_link *link, uint8_t *frame, size_t size)
{
    struct liar *liar = (struct liar *)link;
    uint8_t bytes[PN532_FRAME_MAX];
    uint8_t answer[PN532_DATA_MAX];
    uint8_t how = 0;
    size_t count = 0;

    if (liar->ack_waits) {
        liar->ack_waits = false;
        memcpy(frame, pn532_ack_frame, PN532_ACK_SIZE);
        return PN532_ACK_SIZE;
    }
    liar->answers--;
    how = take(liar);
    count = take(liar);
    answer[0] = (uint8_t)(liar->code + 1);
    for (size_t i = 1; i <= count; i++) {
        answer[i] = take(liar);
    }
    if (how % 16 == 0) {
        memcpy(bytes, answer + 1, count);
    } else {
        count = pn532_frame_encode(bytes, sizeof bytes, PN532_TFI_CHIP, answer, count + 1);
    }
    count = count < size ? count : size;
    memcpy(frame, bytes, count);
    return (int)count;
}

static int liar_discard(struct pn532_link *link)
{
    ((struct liar *)link)->ack_waits = false;
    ((struct liar *)link)->answers = 0;
    return 0;
}

static int liar_fd(struct pn532_link *link)
{
    (void)link;
    return HAL_GPIO_TOLD;
}

static const struct pn532_link_ops liar_ops = {.wake = liar_wake,
    .write = liar_write,
    .wait = liar_wait,
    .read = liar_read,
    .discard = liar_discard,
    .fd = liar_fd};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_event(const struct hal_reader_event *event)
{
    if (event->kind == HAL_READER_TAG || event->kind == HAL_READER_GONE) {
        uint8_t uid_size = event->tag.uid_size;

        if (uid_size != 4 && uid_size != 7 && uid_size != 10) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* What bring-up and the first field cycle need to hear, so that the rest is reached. */
    static const uint8_t good[] = {1, 0, 1, 4, 0x32, 1, 6, 7, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0};
    uint8_t script[4096];
    struct fake_clock clock;
    struct liar liar = {.link = {.ops = &liar_ops}, .clock = &clock};
    struct pn532_reader reader;
    struct pn532_reader_config config = {.name = "fuzz", .link = &liar.link, .clock = &clock.base};

    if (size == 0 || size > sizeof script - sizeof good) {
        return 0;
    }
    fake_clock_init(&clock, 1, 0);
    memcpy(script, good, sizeof good);
    memcpy(script + sizeof good, data + 1, size - 1);
    liar.data = data[0] % 8 != 0 ? script : data;
    liar.size = data[0] % 8 != 0 ? sizeof good + size - 1 : size;
    pn532_reader_init(&reader, &config);
    for (int i = 0; i < POLLS; i++) {
        struct hal_reader_event event;
        uint64_t before_us = clock.boot_us;

        hal_reader_poll(&reader.base, &event);
        /* cppcheck-suppress unsignedLessThanZero ; it takes the clock for one that stands still */
        if (clock.boot_us - before_us > HAL_READER_POLL_MAX_MS * 1000ull) {
            abort();
        }
        check_event(&event);
        if (hal_reader_due_us(&reader.base) != UINT64_MAX) {
            fake_clock_advance_to_us(&clock, hal_reader_due_us(&reader.base));
        }
    }
    return 0;
}
