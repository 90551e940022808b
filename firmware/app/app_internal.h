/*
 * app_internal.h - what app.c (when) and app_store.c (how) share.
 */
#ifndef ECM_FIRMWARE_APP_APP_INTERNAL_H
#define ECM_FIRMWARE_APP_APP_INTERNAL_H

#include "firmware/app/app.h"

/* Find the log and the head of its chain. What flashlog_open() returns, or -EIO. */
int app_open_log(struct app *app);

/* The session with whatever gateway comes, over the log. */
void app_open_session(struct app *app);

/* Who is here, from the newest records. */
void app_rebuild_direction(struct app *app);

/*
 * Give record its seq and put it into the log. 0: it is in the flash; else what flashlog_append()
 * returns, or -ENOBUFS when its bytes do not fit into a slot.
 */
int app_store(struct app *app, struct record *record);

/* A record of a type that carries a text, stamped now. That it could not be stored is no news. */
void app_store_note(struct app *app, enum record_type type, const char *text);

/* Take the time of the battery clock, if it has one. */
void app_read_rtc(struct app *app);

/* Set the battery clock from a gateway's time, now and then, as a second begins. */
void app_step_rtc(struct app *app);

#endif
