/*
 * feedback_pico.c - lamps are switched, the buzzer's pitch is a PWM.
 */
#include "hal/pico/feedback_pico.h"

#include <hardware/clocks.h>
#include <hardware/gpio.h>
#include <hardware/pwm.h>

enum { PWM_HZ = 1000000 }; /* what the PWM counts in */

static void sound(const struct feedback_pico_pins *pins, unsigned hz)
{
    unsigned slice = pwm_gpio_to_slice_num(pins->buzzer);
    uint16_t period = hz != 0 ? (uint16_t)(PWM_HZ / hz) : 0;

    if (hz == 0) {
        pwm_set_gpio_level(pins->buzzer, 0);
        pwm_set_enabled(slice, false);
        return;
    }
    pwm_set_wrap(slice, (uint16_t)(period - 1));
    pwm_set_gpio_level(pins->buzzer, period / 2);
    pwm_set_enabled(slice, true);
}

static void set_lamps(const struct feedback_pico *feedback, unsigned lamps)
{
    const struct feedback_pico_pins *pins = &feedback->pins;
    unsigned hz = 0;

    gpio_put(pins->green, (lamps & HAL_LAMP_GREEN) != 0);
    gpio_put(pins->amber, (lamps & HAL_LAMP_AMBER) != 0);
    gpio_put(pins->red, (lamps & HAL_LAMP_RED) != 0);
    if ((lamps & HAL_LAMP_TONE) != 0) {
        hz = pins->tone_hz;
    } else if ((lamps & HAL_LAMP_LOW_TONE) != 0) {
        hz = pins->low_tone_hz;
    }
    sound(pins, hz);
}

static int show(struct hal_feedback *base, enum hal_feedback_pattern pattern, uint64_t now_us)
{
    struct feedback_pico *feedback = (struct feedback_pico *)base;

    set_lamps(feedback, hal_feedback_player_start(&feedback->player, pattern, now_us));
    return 0;
}

static int step(struct hal_feedback *base, uint64_t now_us)
{
    struct feedback_pico *feedback = (struct feedback_pico *)base;

    set_lamps(feedback, hal_feedback_player_step(&feedback->player, now_us));
    return hal_feedback_player_wait_ms(&feedback->player, now_us);
}

static const struct hal_feedback_ops feedback_pico_ops = {.show = show, .step = step};

void feedback_pico_init(struct feedback_pico *feedback, const struct feedback_pico_pins *pins)
{
    const unsigned lamps[] = {pins->green, pins->amber, pins->red};

    *feedback = (struct feedback_pico){.feedback = {.ops = &feedback_pico_ops}, .pins = *pins};
    for (unsigned i = 0; i < sizeof lamps / sizeof lamps[0]; i++) {
        gpio_init(lamps[i]);
        gpio_set_dir(lamps[i], GPIO_OUT);
    }
    gpio_set_function(pins->buzzer, GPIO_FUNC_PWM);
    pwm_set_clkdiv_int_frac4(
        pwm_gpio_to_slice_num(pins->buzzer), (uint8_t)(clock_get_hz(clk_sys) / PWM_HZ), 0);
}
