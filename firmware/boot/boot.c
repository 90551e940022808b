/*
 * boot.c - see boot.h.
 */
#include "firmware/boot/boot.h"

#include <errno.h>
#include <string.h>

static bool is_startable(const struct boot_slot *slot, bool is_whole)
{
    return is_whole && (slot->state == BOOT_PENDING || slot->state == BOOT_TRIAL);
}

/* A new image that may be tried once more. Those that may not become BAD. */
static int take_trial(struct boot_choice *choice, const bool is_whole[static IMAGE_SLOTS])
{
    for (int i = 0; i < IMAGE_SLOTS; i++) {
        struct boot_slot *slot = &choice->control.slot[i];

        if (slot->state != BOOT_PENDING && slot->state != BOOT_TRIAL) {
            continue;
        }
        choice->writes = true;
        if (is_startable(slot, is_whole[i]) &&
            (slot->state == BOOT_PENDING || slot->trials_left > 0)) {
            slot->trials_left =
                slot->state == BOOT_PENDING ? BOOT_TRIALS - 1 : (uint8_t)(slot->trials_left - 1);
            slot->state = BOOT_TRIAL;
            choice->why = BOOT_WHY_TRIAL;
            return i;
        }
        slot->state = BOOT_BAD;
        choice->why = BOOT_WHY_ROLLED_BACK;
    }
    return BOOT_NO_SLOT;
}

/* A whole image in that state, the preferred slot first. */
static int find_slot(const struct boot_control *control, const bool is_whole[static IMAGE_SLOTS],
    enum boot_state state)
{
    int first = control->preferred != 0 ? 1 : 0;

    if (is_whole[first] && control->slot[first].state == state) {
        return first;
    }
    return is_whole[1 - first] && control->slot[1 - first].state == state ? 1 - first
                                                                          : BOOT_NO_SLOT;
}

struct boot_choice boot_decide(
    const struct boot_control *control, const bool is_whole[static IMAGE_SLOTS])
{
    /* When nothing confirmed is whole: what is not known, and rather a bad image than none. */
    static const enum boot_state last[] = {BOOT_EMPTY, BOOT_RECEIVING, BOOT_BAD};
    struct boot_choice choice = {.why = BOOT_WHY_GOOD, .control = *control};

    choice.slot = take_trial(&choice, is_whole);
    if (choice.slot != BOOT_NO_SLOT) {
        return choice;
    }
    choice.slot = find_slot(&choice.control, is_whole, BOOT_GOOD);
    if (choice.slot != BOOT_NO_SLOT) {
        if (choice.slot != control->preferred) {
            choice.why = BOOT_WHY_OTHER;
        }
        return choice;
    }
    for (size_t i = 0; i < sizeof last / sizeof last[0]; i++) {
        choice.slot = find_slot(&choice.control, is_whole, last[i]);
        if (choice.slot != BOOT_NO_SLOT) {
            choice.why = control->generation == 0 ? BOOT_WHY_FACTORY : BOOT_WHY_OTHER;
            return choice;
        }
    }
    choice.why = BOOT_WHY_NONE;
    choice.writes = false;
    return choice;
}

struct boot_choice boot_choose(struct hal_flash *flash, const struct boot_layout *layout)
{
    bool is_whole[IMAGE_SLOTS];
    struct control control;
    struct image image;
    struct boot_choice choice;
    int rc = control_load(&control, flash, layout);

    for (uint8_t i = 0; i < (uint8_t)IMAGE_SLOTS; i++) {
        is_whole[i] = image_check(flash, layout, i, &image) == 0;
    }
    choice = boot_decide(&control.state, is_whole);
    if (rc == 0 && choice.writes) {
        rc = control_store(&control, &choice.control);
    }
    if (rc < 0 && choice.why == BOOT_WHY_TRIAL) {
        /* A start that is not counted could be repeated for ever. */
        is_whole[choice.slot] = false;
        choice = boot_decide(&control.state, is_whole);
    }
    return choice;
}

int boot_confirm(struct hal_flash *flash, const struct boot_layout *layout, uint8_t slot)
{
    struct control control;
    struct boot_control state;
    int rc = control_load(&control, flash, layout);

    if (rc < 0) {
        return rc;
    }
    state = control.state;
    if (state.slot[slot].state == BOOT_GOOD && state.preferred == slot) {
        return 0;
    }
    state.slot[slot].state = BOOT_GOOD;
    state.slot[slot].trials_left = 0;
    state.preferred = slot;
    return control_store(&control, &state);
}
