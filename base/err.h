/*
 * err.h - one way to say that something went wrong.
 *
 * A function that can fail returns int: 0, or a negative code. Codes down to -999 are plain
 * -errno; the codes below are ours. Callers test `rc < 0` and either handle the code, or add
 * what they were doing and pass it up:
 *
 *     rc = outbox_open(&box, conf->outbox_path, err);
 *     if (rc < 0) {
 *         return err_wrap(err, rc, "cannot start");
 *     }
 *
 * struct err carries the sentence for the person. It is passed only to cold functions (start,
 * configuration, import); hot paths return the code alone. A NULL struct err is always allowed.
 */
#ifndef ECM_BASE_ERR_H
#define ECM_BASE_ERR_H

enum {
    ECM_EFORMAT = -1001,  /* input is not in the format it claims to be */
    ECM_ECORRUPT = -1002, /* stored data failed its own check */
    ECM_EFULL = -1003,    /* a configured limit, or the disk, is reached */
    ECM_ECONFIG = -1004,  /* the configuration was refused; the reasons are already printed */
    ECM_EPROTO = -1005,   /* the other side broke the protocol */
};

struct err {
    char text[512];
};

/* Short fixed name of a code, for logs and tests: "ENOENT", "ECM_EFULL". Never NULL. */
const char *err_name(int code);

/* Replace the sentence. Returns code, so that a failing branch is one line. */
int err_set(struct err *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Put "<sentence>: " in front of what is already there. Returns code. */
int err_wrap(struct err *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
