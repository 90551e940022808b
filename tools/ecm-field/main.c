/*
 * main.c - ecm-field: which command, and hand over.
 */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ecm-field/field.h"

struct command {
    const char *name;
    const char *arguments;
    const char *summary;
    int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
    {"log", "IMAGE [--offset N] [--size N] [--format table|tsv|json]",
        "print the log of a tag reader from an image of its flash", cmd_log},
    {"identity", "--device ID --out FILE [--update-key HEX] [--home-limit SECONDS] [--at N]",
        "make the file that gives a tag reader its name and key", cmd_identity},
    {"firmware", "show FILE", "say what an update bundle or a slot's image is", cmd_firmware},
    {"firmware", "check FILE --public-key HEX",
        "check signature and programs of a bundle, as a tag reader would", cmd_firmware},
    {"firmware",
        "sign --key PEM --board NAME --number N --name TEXT --out FILE\n"
        "              --offset-a N --offset-b N [--allow-older] PROGRAM_A PROGRAM_B",
        "make a bundle of the programs for the two slots", cmd_firmware},
    {"firmware",
        "stamp --board NAME --number N --name TEXT --out FILE --slot a|b --offset N PROGRAM",
        "make a slot's image as the factory writes it", cmd_firmware},
    {"firmware", "key PEM", "print the public key; make the pair when there is none", cmd_firmware},
};

static void print_help(void)
{
    (void)printf("Usage: ecm-field COMMAND [ARGUMENT...]\n"
                 "For the field engineer: what is on a tag reader, and updates for it.\n\n");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        (void)printf("  ecm-field %s %s\n        %s\n", commands[i].name, commands[i].arguments,
            commands[i].summary);
    }
    (void)printf(
        "\n'ecm-field COMMAND --help' explains one command, ecm-field(1) all; --version says "
        "which\nthis is. Exit status: 0 done, 1 failed or not right, 2 bad usage or "
        "input.\n");
}

static int run_command(const struct command *command, int argc, char **argv)
{
    char *name = NULL;
    int status = 0;

    if (asprintf(&name, "ecm-field %s", command->name) < 0) {
        (void)fprintf(stderr, "ecm-field: out of memory\n");
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

    argp_err_exit_status = EXIT_INPUT;
    argp_program_version = "ecm-field " ECM_VERSION;
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
    (void)fprintf(stderr, "ecm-field: %s%s%s; try 'ecm-field --help'\n",
        name[0] == '\0' ? "no command given" : "unknown command '", name,
        name[0] == '\0' ? "" : "'");
    return EXIT_INPUT;
}
