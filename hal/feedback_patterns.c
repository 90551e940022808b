/*
 * feedback_patterns.c - the pattern table and the walk over it.
 *
 * Arrival and leaving differ in rhythm, not only in colour: a colour-blind carer, or one who
 * looks away, must be able to tell them apart.
 */
#include "hal/feedback_patterns.h"

#define STEPS(name) .steps = (name), .count = sizeof(name) / sizeof((name)[0])

static const struct hal_feedback_step ready_steps[] = {{HAL_LAMP_GREEN, 100}};
static const struct hal_feedback_step in_steps[] = {
    {HAL_LAMP_GREEN | HAL_LAMP_TONE, 200},
    {HAL_LAMP_GREEN, 800},
};
static const struct hal_feedback_step out_steps[] = {
    {HAL_LAMP_GREEN | HAL_LAMP_TONE, 150},
    {0, 150},
    {HAL_LAMP_GREEN | HAL_LAMP_TONE, 150},
};
static const struct hal_feedback_step unknown_steps[] = {
    {HAL_LAMP_AMBER | HAL_LAMP_TONE, 200},
    {HAL_LAMP_AMBER, 800},
};
static const struct hal_feedback_step refused_steps[] = {
    {HAL_LAMP_RED | HAL_LAMP_LOW_TONE, 1500},
    {HAL_LAMP_RED, 1500},
};
static const struct hal_feedback_step call_steps[] = {
    {HAL_LAMP_AMBER | HAL_LAMP_TONE, 300},
    {0, 150},
    {HAL_LAMP_AMBER | HAL_LAMP_TONE, 300},
    {0, 150},
    {HAL_LAMP_AMBER | HAL_LAMP_TONE, 300},
};
static const struct hal_feedback_step case_steps[] = {
    {HAL_LAMP_AMBER, 100},
    {0, 100},
    {HAL_LAMP_AMBER, 100},
};

static const struct {
    const struct hal_feedback_step *steps;
    size_t count;
} patterns[] = {
    [HAL_FEEDBACK_OFF] = {NULL, 0},
    [HAL_FEEDBACK_READY] = {STEPS(ready_steps)},
    [HAL_FEEDBACK_IN] = {STEPS(in_steps)},
    [HAL_FEEDBACK_OUT] = {STEPS(out_steps)},
    [HAL_FEEDBACK_UNKNOWN] = {STEPS(unknown_steps)},
    [HAL_FEEDBACK_REFUSED] = {STEPS(refused_steps)},
    [HAL_FEEDBACK_CALL] = {STEPS(call_steps)},
    [HAL_FEEDBACK_CASE] = {STEPS(case_steps)},
};

unsigned hal_feedback_player_start(
    struct hal_feedback_player *player, enum hal_feedback_pattern pattern, uint64_t now_us)
{
    player->steps = patterns[pattern].steps;
    player->count = patterns[pattern].count;
    player->index = 0;
    player->until_us = now_us;
    if (player->count > 0) {
        player->until_us += (uint64_t)player->steps[0].ms * 1000;
    }
    return hal_feedback_player_step(player, now_us);
}

unsigned hal_feedback_player_step(struct hal_feedback_player *player, uint64_t now_us)
{
    while (player->index < player->count && now_us >= player->until_us) {
        player->index++;
        if (player->index < player->count) {
            player->until_us += (uint64_t)player->steps[player->index].ms * 1000;
        }
    }
    return player->index < player->count ? player->steps[player->index].lamps : 0;
}

int hal_feedback_player_wait_ms(const struct hal_feedback_player *player, uint64_t now_us)
{
    if (player->index >= player->count) {
        return HAL_FEEDBACK_IDLE_MS;
    }
    if (now_us >= player->until_us) {
        return 0;
    }
    return (int)((player->until_us - now_us + 999) / 1000);
}
