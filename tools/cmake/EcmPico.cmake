# EcmPico.cmake - the tag reader's firmware: another machine, another compiler, the Pico SDK.
#
# Included before project(), because the SDK chooses the compiler. ECM_PICO_PARTS is the folder that
# tools/pico/parts fills.
#
#   ecm_pico_library(<name> SOURCES ... DEPENDS ... SDK ...)
#                    a folder's static library that sees headers of the SDK
#   ecm_pico_image(<name> BASE <address> SIZE <bytes> [HEADER] DEPENDS ... SDK ...)
#                    name.elf, linked for that part of the flash, and name.bin. main() comes from a
#                    library. With HEADER the image begins with 256 bytes of FF, room for what
#                    firmware/boot says about it, instead of the boot2 of the SDK.

set(ECM_PICO_PARTS ${CMAKE_CURRENT_LIST_DIR}/../../build/pico-parts CACHE PATH
    "What tools/pico/parts fetched")
if(NOT EXISTS ${ECM_PICO_PARTS}/whole)
    message(FATAL_ERROR "${ECM_PICO_PARTS} is not there: run tools/pico/parts, or tools/pico/build")
endif()
set(PICO_BOARD ${ECM_BOARD} CACHE STRING "")
set(PICO_NO_PICOTOOL 1) # Debian has none; tools/pico/uf2 writes what it would
set(PICO_SDK_PATH ${ECM_PICO_PARTS}/sdk)
include(${PICO_SDK_PATH}/pico_sdk_init.cmake)
add_compile_options(-ffunction-sections -fdata-sections)

# Only headers: the sources of an SDK library belong to the image, once.
function(ecm_pico_library name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPENDS;SDK")
    ecm_library(${name} SOURCES ${arg_SOURCES} DEPENDS ${arg_DEPENDS})
    set_target_properties(${name} PROPERTIES C_EXTENSIONS ON)
    list(TRANSFORM arg_SDK APPEND _headers)
    target_link_libraries(${name} PRIVATE ${arg_SDK})
endfunction()

function(ecm_pico_image name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "HEADER" "BASE;SIZE" "DEPENDS;SDK")
    set(scripts ${CMAKE_CURRENT_BINARY_DIR}/${name}-link)
    file(WRITE ${scripts}/pico_flash_region.ld
        "FLASH(rx) : ORIGIN = ${arg_BASE}, LENGTH = ${arg_SIZE}\n")
    if(arg_HEADER)
        file(WRITE ${scripts}/section_boot2.incl "SECTIONS { .boot2 : { "
            "__boot2_start__ = .; FILL(0xffffffff) LONG(0xffffffff) . = 256; __boot2_end__ = .; } > TEXT_STORE "
            "/DISCARD/ : { *(.boot2) } }\n")
    endif()
    add_executable(${name} ${PROJECT_SOURCE_DIR}/firmware/pico/image.c)
    set_target_properties(${name} PROPERTIES C_EXTENSIONS ON)
    target_link_libraries(${name} PRIVATE ${arg_DEPENDS} ${arg_SDK})
    target_link_options(${name} PRIVATE LINKER:-Map=$<TARGET_FILE_DIR:${name}>/${name}.map)
    # No floating point and no printf anywhere: a use of either does not link, or stops at once.
    pico_set_float_implementation(${name} none)
    pico_set_double_implementation(${name} none)
    pico_set_printf_implementation(${name} none)
    pico_add_linker_script_override_path(${name} ${scripts})
    add_custom_command(TARGET ${name} POST_BUILD COMMAND ${CMAKE_OBJCOPY} -O binary
        $<TARGET_FILE:${name}> $<TARGET_FILE_DIR:${name}>/${name}.bin VERBATIM)
endfunction()
