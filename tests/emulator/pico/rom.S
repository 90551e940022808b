@ rom.S - a boot ROM for the emulated RP2040, with what the Pico SDK asks of one and no more.
@
@ Layout and checks are those of the RP2040 data sheet, sections 2.8.1 to 2.8.3: a table of functions
@ found by two-letter codes, the copy of 252 bytes of flash with a CRC-32 behind them that become the
@ second stage, and the vectored boot that a watchdog's scratch registers ask for.
@
@ Flash is not programmed here: a breakpoint stops the core and the emulator does it (machine.mjs),
@ with all the ways in which that can be interrupted.
    .syntax unified
    .cpu cortex-m0plus
    .thumb
    .section .rom, "ax"

    .word 0x20041f00            @ stack, below the copy of the second stage
    .word reset + 1
    .word trap + 1              @ NMI
    .word trap + 1              @ hard fault
    .byte 'M', 'u', 0x01, 0x02
    .hword functions            @ 0x14
    .hword data                 @ 0x16
    .hword lookup + 1           @ 0x18
    .align 2

@ r0: table, r1: code. Returns the pointer or 0.
    .thumb_func
lookup:
    ldrh    r2, [r0]
    cmp     r2, #0
    beq     1f
    cmp     r2, r1
    beq     2f
    adds    r0, #4
    b       lookup
1:  movs    r0, #0
    bx      lr
2:  ldrh    r0, [r0, #2]
    bx      lr

trap:
    bkpt    #0xfd
    b       trap

reset:
    ldr     r0, =0xd0000000     @ SIO CPUID: the second core waits for ever
    ldr     r0, [r0]
    cmp     r0, #0
    bne     park
    ldr     r0, =0x40058000     @ watchdog
    ldr     r1, [r0, #0x1c]     @ scratch 4: b007c0d3
    ldr     r2, =0xb007c0d3
    cmp     r1, r2
    bne     from_flash
    ldr     r1, [r0, #0x20]     @ scratch 5: entry ^ -b007c0d3
    ldr     r3, [r0, #0x28]     @ scratch 7: entry
    rsbs    r2, r2, #0
    eors    r1, r2
    cmp     r1, r3
    bne     from_flash
    movs    r1, #0
    str     r1, [r0, #0x1c]     @ once
    ldr     r1, [r0, #0x24]     @ scratch 6: stack
    mov     sp, r1
    bx      r3

from_flash:
    ldr     r0, =0x10000000
    ldr     r1, =0x20041f00
    movs    r2, #0
1:  ldr     r3, [r0, r2]
    str     r3, [r1, r2]
    adds    r2, #4
    cmp     r2, #255
    bls     1b
    @ CRC-32, polynomial 04c11db7, most significant bit first, begun with ones, over 252 bytes
    movs    r0, #0
    mvns    r0, r0
    ldr     r5, =0x04c11db7
    movs    r2, #0
2:  ldrb    r3, [r1, r2]
    lsls    r3, r3, #24
    eors    r0, r3
    movs    r4, #8
3:  lsls    r0, r0, #1
    bcc     4f
    eors    r0, r5
4:  subs    r4, #1
    bne     3b
    adds    r2, #1
    cmp     r2, #252
    bne     2b
    ldr     r3, [r1, r2]
    cmp     r0, r3
    bne     no_second_stage
    movs    r0, #0
    mov     lr, r0
    adds    r1, #1
    bx      r1
no_second_stage:
    bkpt    #0xfe
    b       no_second_stage
park:
    wfe
    b       park

@ r0: destination, r1: source, r2: bytes. Returns the destination.
    .thumb_func
copy:
    mov     ip, r0
    mov     r3, r0
    orrs    r3, r1
    lsls    r3, r3, #30         @ both at words: sixteen bytes at a time, as the real one does
    bne     3f
    push    {r4, r5, r6}
4:  cmp     r2, #16
    blo     5f
    ldmia   r1!, {r3, r4, r5, r6}
    stmia   r0!, {r3, r4, r5, r6}
    subs    r2, #16
    b       4b
5:  pop     {r4, r5, r6}
3:  cmp     r2, #0
    beq     2f
1:  ldrb    r3, [r1]
    strb    r3, [r0]
    adds    r0, #1
    adds    r1, #1
    subs    r2, #1
    bne     1b
2:  mov     r0, ip
    bx      lr

@ The same by words.
    .thumb_func
copy_words:
    mov     ip, r0
    lsrs    r2, r2, #2
    beq     2f
1:  ldmia   r1!, {r3}
    stmia   r0!, {r3}
    subs    r2, #1
    bne     1b
2:  mov     r0, ip
    bx      lr

@ r0: destination, r1: byte, r2: bytes.
    .thumb_func
fill:
    mov     ip, r0
    lsls    r3, r0, #30
    bne     3f
    uxtb    r1, r1
    lsls    r3, r1, #8
    orrs    r3, r1
    lsls    r1, r3, #16
    orrs    r3, r1
    uxtb    r1, r3
4:  cmp     r2, #4
    blo     3f
    stmia   r0!, {r3}
    subs    r2, #4
    b       4b
3:  cmp     r2, #0
    beq     2f
1:  strb    r1, [r0]
    adds    r0, #1
    subs    r2, #1
    bne     1b
2:  mov     r0, ip
    bx      lr

    .thumb_func
popcount:
    movs    r1, #0
1:  cmp     r0, #0
    beq     2f
    subs    r2, r0, #1
    ands    r0, r2
    adds    r1, #1
    b       1b
2:  mov     r0, r1
    bx      lr

    .thumb_func
reverse:
    movs    r1, #0
    movs    r2, #32
1:  lsrs    r0, r0, #1
    adcs    r1, r1
    subs    r2, #1
    bne     1b
    mov     r0, r1
    bx      lr

    .thumb_func
leading_zeros:
    movs    r1, #0
    cmp     r0, #0
    beq     2f
1:  lsls    r0, r0, #1
    bcs     3f
    adds    r1, #1
    b       1b
2:  movs    r1, #32
3:  mov     r0, r1
    bx      lr

    .thumb_func
trailing_zeros:
    movs    r1, #0
    cmp     r0, #0
    beq     2f
1:  lsrs    r0, r0, #1
    bcs     3f
    adds    r1, #1
    b       1b
2:  movs    r1, #32
3:  mov     r0, r1
    bx      lr

    .thumb_func
flash_connect:
    bx      lr
    .thumb_func
flash_exit_xip:
    bx      lr
    .thumb_func
flash_erase:                    @ r0: offset, r1: bytes
    bkpt    #3
    bx      lr
    .thumb_func
flash_program:                  @ r0: offset, r1: bytes in RAM, r2: how many
    bkpt    #4
    bx      lr
    .thumb_func
flash_flush:
    bx      lr
    .thumb_func
usb_boot:
    bkpt    #5
    b       usb_boot

    .macro  function first, second, name
    .byte   \first, \second
    .hword  \name
    .endm
    .align 2
functions:
    function 'M', 'S', fill + 1
    function 'S', '4', fill + 1
    function 'M', 'C', copy + 1
    function 'C', '4', copy_words + 1
    function 'P', '3', popcount + 1
    function 'R', '3', reverse + 1
    function 'L', '3', leading_zeros + 1
    function 'T', '3', trailing_zeros + 1
    function 'I', 'F', flash_connect + 1
    function 'E', 'X', flash_exit_xip + 1
    function 'R', 'E', flash_erase + 1
    function 'R', 'P', flash_program + 1
    function 'F', 'C', flash_flush + 1
    function 'C', 'X', flash_flush + 1
    function 'U', 'B', usb_boot + 1
data:
    .hword  0
    .align 2
    .ltorg
