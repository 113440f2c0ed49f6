/* SPDX-License-Identifier: Apache-2.0 */
/* What makes the probe a Linux kernel for a loader, by the fields that the 64-bit boot protocol has, and
   the way to probe_main(). Source: Linux, Documentation/arch/x86/boot.rst. */

    .section .header, "a"
header:
    .org    0x1F1
    .byte   1                       /* further sector of this part */
    .org    0x1FE
    .word   0xAA55
    .byte   0xEB, header_end - 0x202 - header
    .ascii  "HdrS"
    .word   0x20F
    .org    0x211
    .byte   1                       /* loaded high */
    .org    0x22C
    .long   0x7FFFFFFF
    .org    0x236
    .word   1                       /* has a 64-bit entry */
    .org    0x258
    .quad   image_begin
    .long   image_size
header_end:
    .org    1024

    .section .entry, "ax"
    .org    0x200
    .global start
start:
    lea     stack_end(%rip), %rsp
    mov     %rsi, %rbx
    lea     bss_begin(%rip), %rdi
    lea     bss_end(%rip), %rcx
    sub     %rdi, %rcx
    xor     %eax, %eax
    cld
    rep stosb
    mov     %rbx, %rdi
    call    probe_main
1:  hlt
    jmp     1b

    .section .stack, "aw", @nobits
    .balign 16
    .skip   16384
stack_end:
