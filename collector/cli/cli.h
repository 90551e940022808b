/*
 * cli.h - the commands of ecm-pay.
 *
 * A command takes its own argc and argv (argv[0] is "ecm-pay run") and returns the exit status:
 * 0; 1 it failed; 2 the usage or the input is at fault. What went wrong is one line on standard
 * error.
 */
#ifndef ECM_COLLECTOR_CLI_CLI_H
#define ECM_COLLECTOR_CLI_CLI_H

struct err;

enum { EXIT_FAILED = 1, EXIT_INPUT = 2 };

int cmd_import(int argc, char **argv);
int cmd_reconcile(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_feed(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_contract(int argc, char **argv);
int cmd_correct(int argc, char **argv);
int cmd_monitor(int argc, char **argv);

/* Say what is in err and turn the code into an exit status; 0 for a code that is not negative. */
int cli_report(int code, const struct err *err);

#endif
