/*
 * ds3231.c - seven registers in BCD, and a flag.
 */
#include "hal/chip/ds3231.h"

#include <errno.h>

enum {
    REG_SECONDS = 0x00,
    REG_STATUS = 0x0f,
    REGISTERS = REG_STATUS + 1,
    HOUR_IS_12 = 0x40,
    HOUR_IS_PM = 0x20,
    MONTH_CENTURY = 0x80,
    STATUS_STOPPED = 0x80,
    STATUS_32KHZ = 0x08,

    SECONDS_A_DAY = 86400,
    DAYS_TO_2000 = 10957,      /* from 1970-01-01 */
    DAYS_OF_200_YEARS = 73049, /* 2000 to 2199: 49 leap years */
    YEARS = 200,
};

static const uint8_t month_days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

/* year counts from 2000; 2100 is no leap year. */
static bool is_leap(int year)
{
    return year % 4 == 0 && year != 100;
}

static int days_in_month(int year, int month)
{
    return month_days[month] + (month == 1 && is_leap(year));
}

/* Days from 2000-01-01 to the first day of year. */
static int days_to_year(int year)
{
    return year * 365 + (year + 3) / 4 - (year > 100);
}

static int from_bcd(uint8_t value)
{
    return (value & 0x0f) > 9 || value >> 4 > 9 ? -1 : (value >> 4) * 10 + (value & 0x0f);
}

static uint8_t to_bcd(int value)
{
    return (uint8_t)(value / 10 << 4 | value % 10);
}

static int hour_from(uint8_t value)
{
    int hour = 0;

    if ((value & HOUR_IS_12) == 0) {
        return from_bcd(value);
    }
    hour = from_bcd(value & 0x1f);
    if (hour < 1 || hour > 12) {
        return -1;
    }
    return hour % 12 + ((value & HOUR_IS_PM) != 0 ? 12 : 0);
}

int ds3231_read(struct hal_i2c *i2c, int64_t *ret_unix_s)
{
    const uint8_t from = REG_SECONDS;
    uint8_t regs[REGISTERS] = {0};
    int rc = hal_i2c_transfer(i2c, &from, 1, regs, sizeof regs);
    int second = from_bcd(regs[0]);
    int minute = from_bcd(regs[1]);
    int hour = hour_from(regs[2]);
    int day = from_bcd(regs[4]);
    int month = from_bcd(regs[5] & 0x1f) - 1;
    int year = from_bcd(regs[6]);
    int64_t days = 0;

    if (rc < 0) {
        return rc;
    }
    if (second < 0 || second > 59 || minute < 0 || minute > 59 || hour < 0 || hour > 23 ||
        month < 0 || month > 11 || year < 0) {
        return -EBADMSG;
    }
    year += (regs[5] & MONTH_CENTURY) != 0 ? 100 : 0;
    if (day < 1 || day > days_in_month(year, month)) {
        return -EBADMSG;
    }
    if ((regs[REG_STATUS] & STATUS_STOPPED) != 0) {
        return -ENODATA;
    }
    days = DAYS_TO_2000 + days_to_year(year) + day - 1;
    for (int i = 0; i < month; i++) {
        days += days_in_month(year, i);
    }
    *ret_unix_s = days * SECONDS_A_DAY + hour * 3600 + minute * 60 + second;
    return 0;
}

int ds3231_write(struct hal_i2c *i2c, int64_t unix_s)
{
    int64_t since_2000 = unix_s - (int64_t)DAYS_TO_2000 * SECONDS_A_DAY;
    int days = 0;
    int rest = 0;
    int year = 0;
    int month = 0;
    uint8_t set[1 + 7] = {REG_SECONDS};
    const uint8_t clear[] = {REG_STATUS, STATUS_32KHZ};
    int rc = 0;

    if (since_2000 < 0 || since_2000 >= (int64_t)DAYS_OF_200_YEARS * SECONDS_A_DAY) {
        return -EINVAL;
    }
    days = (int)(since_2000 / SECONDS_A_DAY);
    rest = (int)(since_2000 % SECONDS_A_DAY);
    set[4] = (uint8_t)((days + 6) % 7 + 1); /* 2000-01-01 was a Saturday; Sunday is 1 */
    for (year = 0; year < YEARS - 1 && days >= days_to_year(year + 1); year++) {
    }
    days -= days_to_year(year);
    for (; days >= days_in_month(year, month); month++) {
        days -= days_in_month(year, month);
    }
    set[1] = to_bcd(rest % 60);
    set[2] = to_bcd(rest / 60 % 60);
    set[3] = to_bcd(rest / 3600);
    set[5] = to_bcd(days + 1);
    set[6] = (uint8_t)(to_bcd(month + 1) | (year >= 100 ? MONTH_CENTURY : 0));
    set[7] = to_bcd(year % 100);
    rc = hal_i2c_transfer(i2c, set, sizeof set, NULL, 0);
    return rc < 0 ? rc : hal_i2c_transfer(i2c, clear, sizeof clear, NULL, 0);
}
