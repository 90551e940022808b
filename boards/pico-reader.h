/*
 * pico-reader.h - the tag reader: a Raspberry Pi Pico, a PN532 board, three LEDs and a buzzer.
 *
 * Numbers are GP numbers, not the pins of the header; docs/READER.md has the wiring. The same
 * header serves the Pico 2, whose pins are the same.
 */
#ifndef ECM_BOARDS_PICO_READER_H
#define ECM_BOARDS_PICO_READER_H

enum {
    BOARD_NFC_MISO = 16, /* SPI0 */
    BOARD_NFC_CS = 17,
    BOARD_NFC_SCK = 18,
    BOARD_NFC_MOSI = 19,
    BOARD_NFC_IRQ = 20,   /* P70_IRQ, active low */
    BOARD_NFC_RESET = 21, /* RSTPD_N, active low */
    BOARD_NFC_HZ = 1000000,

    BOARD_LINK_TX = 0, /* UART0, to the gateway */
    BOARD_LINK_RX = 1,
    BOARD_LINK_BAUD = 115200,

    BOARD_RTC_SDA = 4, /* I2C0, a DS3231 when there is one */
    BOARD_RTC_SCL = 5,
    BOARD_RTC_HZ = 100000,

    BOARD_LAMP_GREEN = 10, /* active high, through a resistor */
    BOARD_LAMP_AMBER = 11,
    BOARD_LAMP_RED = 12,
    BOARD_BUZZER = 13, /* a passive one: the pitch is made here */
    BOARD_TONE_HZ = 2400,
    BOARD_LOW_TONE_HZ = 400,
};

/* The 2 MiB of flash, as offsets; multiples of a sector. firmware/pico/CMakeLists.txt links for them. */
enum {
    BOARD_FLASH_LOADER = 0x000000,   /* 48 KiB: second stage, boot loader */
    BOARD_FLASH_IDENTITY = 0x00c000, /* one sector: firmware/identity */
    BOARD_FLASH_CONTROL = 0x00e000,  /* two sectors: firmware/boot/control.h */
    BOARD_FLASH_SLOT_A = 0x010000,
    BOARD_FLASH_SLOT_B = 0x088000,
    BOARD_FLASH_SLOT_SIZE = 0x078000, /* 480 KiB */
    BOARD_FLASH_LOG = 0x100000,       /* firmware/flashlog, to the end */
    BOARD_FLASH_LOG_SECTORS = 256,
};

#define BOARD_NAME "pico-reader"

#endif
