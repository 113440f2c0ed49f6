/* SPDX-License-Identifier: Apache-2.0 */
/* Where every other processor begins: copied to a page below 1 MiB, started there in real mode. It takes
   its stack from ap_stack, which the starting processor sets for one at a time, and goes on in
   processor_main(). */

    .section .text
    .code16
    .global ap_start, ap_start_end
ap_start:
    cli
    cld
    xor     %eax, %eax
    mov     %cs, %ax
    mov     %ax, %ds
    lgdtl   ap_gdt_pointer - ap_start
    mov     $0x11, %eax
    mov     %eax, %cr0
    ljmpl   $0x18, $ap_start32
    .balign 8
ap_gdt_pointer:
    .word   31
    .long   ap_gdt
ap_start_end:

    .code32
ap_start32:
    mov     $0x10, %eax
    mov     %eax, %ds
    mov     %eax, %es
    mov     %eax, %ss
    mov     $ap_start64, %ebp
    jmp     enter_long_mode

    .code64
ap_start64:
    mov     ap_stack, %rsp
    xor     %ebp, %ebp
    mov     ap_number, %edi
    call    processor_main
    ud2

    .section .data
    .balign 8
/* 64-bit code at 8 and data at 16 as in the first processor's table, 32-bit code at 24. */
ap_gdt:
    .quad 0, 0x00AF9B000000FFFF, 0x00CF93000000FFFF, 0x00CF9B000000FFFF
    .global ap_stack, ap_number
ap_stack:
    .quad 0
ap_number:
    .long 0
