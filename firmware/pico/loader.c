/*
 * loader.c - the boot loader: chooses a slot and jumps into it.
 *
 * It lies at the start of the flash, behind the second stage, and is never updated over the link: a
 * loader that could be replaced could be broken. The watchdog runs from here on, so that a new
 * firmware that hangs at once is tried again, and at last not any more (firmware/boot/boot.h).
 */
#include <hardware/gpio.h>
#include <hardware/irq.h>
#include <hardware/structs/scb.h>
#include <hardware/structs/systick.h>
#include <hardware/watchdog.h>
#include <pico/stdlib.h>

#include "boards/pico-reader.h"
#include "firmware/boot/boot.h"
#include "firmware/pico/layout.h"
#include "hal/pico/flash_pico.h"

/* Nothing can be started: red, and another look in a while. */
static void give_up(void)
{
    gpio_init(BOARD_LAMP_RED);
    gpio_set_dir(BOARD_LAMP_RED, GPIO_OUT);
    gpio_put(BOARD_LAMP_RED, true);
    for (;;) {
        tight_loop_contents();
    }
}

static void jump_to(uint32_t vectors)
{
    const uint32_t *table = (const uint32_t *)vectors;
    uint32_t stack = table[0];
    uint32_t entry = table[1];

    systick_hw->csr = 0;
    irq_set_mask_enabled(UINT32_MAX, false);
    scb_hw->vtor = vectors;
    __asm__ volatile("msr msp, %0\n"
                     "bx %1\n"
                     :
                     : "r"(stack), "r"(entry)
                     : "memory");
    __builtin_unreachable();
}

int main(void)
{
    struct flash_pico flash;
    struct boot_choice choice;

    watchdog_enable(LAYOUT_WATCHDOG_MS, true);
    flash_pico_init(&flash);
    choice = boot_choose(&flash.flash, &layout);
    if (choice.slot == BOOT_NO_SLOT) {
        give_up();
    }
    watchdog_update();
    jump_to(XIP_BASE + layout.slot[choice.slot] + IMAGE_PAGE);
}
