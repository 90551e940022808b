/* compose_price.c - what a length of time costs under a tariff; see compose.h. */
#include "collector/pay/compose.h"
#include "collector/pay/pay.h"

enum { MINUTE_S = 60, HOUR_S = 3600, PERCENT = 100 };

int64_t compose_hourly(const struct tariff *tariff, int64_t rate)
{
    if (tariff->kind == TARIFF_RATE) {
        return pay_half_up(rate * tariff->percent, PERCENT);
    }
    return tariff->pence_per_hour;
}

/* Up to each length its price. Beyond the longest the table starts again on top of it. */
static int64_t price_bands(const struct tariff *tariff, int64_t paid_s)
{
    const struct tariff_band *last = &tariff->bands[tariff->count - 1];
    int64_t last_s = last->minutes * MINUTE_S;
    int64_t wholes = (paid_s - 1) / last_s;
    int64_t rest_s = paid_s - wholes * last_s; /* 1 .. last_s */
    const struct tariff_band *band = tariff->bands;

    while (band->minutes * MINUTE_S < rest_s) {
        band++;
    }
    return wholes * last->pence + band->pence;
}

/*
 * At each length its price; the time since the length before by the hour, but never dearer than
 * the next length, or a longer visit could cost less.
 */
static int64_t price_points(const struct tariff *tariff, int64_t paid_s)
{
    int64_t reached_s = 0;
    int64_t reached_pence = 0;
    int64_t pence = 0;
    size_t i = 0;

    while (i < tariff->count && tariff->bands[i].minutes * MINUTE_S <= paid_s) {
        reached_s = tariff->bands[i].minutes * MINUTE_S;
        reached_pence = tariff->bands[i].pence;
        i++;
    }
    pence = reached_pence + pay_half_up((paid_s - reached_s) * tariff->pence_per_hour, HOUR_S);
    return i < tariff->count && pence > tariff->bands[i].pence ? tariff->bands[i].pence : pence;
}

int64_t compose_price(const struct tariff *tariff, int64_t rate, int64_t paid_s)
{
    if (paid_s <= 0) {
        return 0;
    }
    switch (tariff->kind) {
    case TARIFF_BANDS:
        return price_bands(tariff, paid_s);
    case TARIFF_POINTS:
        return price_points(tariff, paid_s);
    case TARIFF_RATE:
    case TARIFF_HOUR:
        return pay_half_up(paid_s * compose_hourly(tariff, rate), HOUR_S);
    case TARIFF_NONE:
        return 0;
    }
    return 0;
}
