/* main.c - ecm-pay: which command, and hand over. */
#include <argp.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/cli/cli.h"
#include "collector/cli/verify.h"

enum { LARGE_TABLE = 1024 * 1024 };

struct command {
    const char *name;
    const char *arguments;
    const char *summary;
    int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
    {"import", "DIR|FILE --store FILE", "take the files of a period into a store", cmd_import},
    {"reconcile", "--store FILE [--period ID] [--as-of N]",
        "match planned visits with taps and put the verdicts into the feed", cmd_reconcile},
    {"run",
        "DATA --out DIR [--models A,B,C] [--contract FILE] [--previous RUN_ID]\n"
        "              [--statements] [--delivery TEMPLATE]",
        "calculate a payment run and write its files", cmd_run},
    {"feed", "DATA [--format csv|jsonl] [--since N]", "print the payment feed", cmd_feed},
    {"explain", "VISIT|TAP DATA [--line LINE] [--json]",
        "say why a visit, a tap or a line of pay came out as it did", cmd_explain},
    {"show", "DATA [--limit N] [--status NAME]", "print visits as a table for people", cmd_show},
    {"monitor",
        "DATA [--by provider|zone|lot|funder] [--from-date YYYY-MM-DD] [--to-date YYYY-MM-DD]\n"
        "              [--late MIN,MIN,MIN] [--usual N] [--format table|tsv|json]",
        "print contract monitoring numbers, each with its definition", cmd_monitor},
    {"contract",
        "check|show|try FILE [--planned HH:MM-HH:MM] [--actual HH:MM-HH:MM]\n"
        "              [--day YYYY-MM-DD] [--rate POUNDS] [--cancelled HOURS]",
        "check a contract, show it, try it on one visit", cmd_contract},
    {"correct",
        "add|void|plan|release|undo|list --store FILE --who NAME --reason CODE --memo TEXT\n"
        "              [--person ID] [--carer ID] [--kind I|O] [--at INSTANT] [--event ID]\n"
        "              [--visit ID] [--slot N] [--start INSTANT] [--end INSTANT] [--number N]\n"
        "              [--contract FILE]",
        "lay a correction over what was tapped or planned", cmd_correct},
    {"verify", "[--store FILE] [RUN_FOLDER...]",
        "check that nothing was changed afterwards; the same as ecm-verify", cmd_verify},
};

static void print_help(void)
{
    (void)printf("Usage: ecm-pay COMMAND [ARGUMENT...]\n"
                 "From taps to payment, to the penny.\n\n");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        (void)printf("  ecm-pay %s %s\n        %s\n", commands[i].name, commands[i].arguments,
            commands[i].summary);
    }
    (void)printf(
        "\nDATA is --store FILE, or --from DIR to work straight from the files; with either\n"
        "--period ID, --as-of UTC_SECONDS, --zone NAME and --repairs LIST (docs/REPAIRS.md).\n"
        "'ecm-pay COMMAND --help' explains one command, ecm-pay(1) all; --version says which\n"
        "this is. Exit status: 0 done, 1 failed, 2 bad usage or input.\n");
}

static int run_command(const struct command *command, int argc, char **argv)
{
    char *name = NULL;
    int status = 0;

    if (asprintf(&name, "ecm-pay %s", command->name) < 0) {
        (void)fprintf(stderr, "ecm-pay: out of memory\n");
        return EXIT_FAILED;
    }
    argv[0] = name;
    status = command->run(argc, argv);
    free(name);
    return status;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";

    /* Large tables by pages of their own: they grow without copying and go back when freed. */
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_TABLE);
    argp_err_exit_status = EXIT_INPUT;
    argp_program_version = "ecm-pay " ECM_VERSION;
    if (strcmp(name, "--help") == 0 || strcmp(name, "-?") == 0) {
        print_help();
        return 0;
    }
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        (void)printf("%s\n", argp_program_version);
        return 0;
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return run_command(&commands[i], argc - 1, argv + 1);
        }
    }
    (void)fprintf(stderr, "ecm-pay: %s%s%s; try 'ecm-pay --help'\n",
        name[0] == '\0' ? "no command given" : "unknown command '", name,
        name[0] == '\0' ? "" : "'");
    return EXIT_INPUT;
}
