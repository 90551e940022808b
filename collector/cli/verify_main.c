/* verify_main.c - ecm-verify: see cmd_verify.c. */
#include <argp.h>

#include "collector/cli/cli.h"
#include "collector/cli/verify.h"

int main(int argc, char **argv)
{
    argp_err_exit_status = EXIT_INPUT;
    argp_program_version = "ecm-verify " ECM_VERSION;
    return cmd_verify(argc, argv);
}
