/* SPDX-License-Identifier: Apache-2.0 */
/* The 256 entries of the hypervisor's own interrupt table, each 16 bytes long, and what they share. */

    .section .text
    .balign 16
    .global interrupt_stubs
interrupt_stubs:
    .set vector, 0
    .rept 256
    .balign 16
    .if !((vector == 8) | ((vector >= 10) & (vector <= 14)) | (vector == 17) | (vector == 21) | (vector == 29) | (vector == 30))
    push    $0                      /* where the processor pushes no error code */
    .endif
    push    $vector
    jmp     interrupt_common
    .set vector, vector + 1
    .endr

interrupt_common:
    push    %rax
    push    %rcx
    push    %rdx
    push    %rsi
    push    %rdi
    push    %r8
    push    %r9
    push    %r10
    push    %r11
    mov     %rsp, %rdi
    cld
    call    on_interrupt
    pop     %r11
    pop     %r10
    pop     %r9
    pop     %r8
    pop     %rdi
    pop     %rsi
    pop     %rdx
    pop     %rcx
    pop     %rax
    add     $16, %rsp
    iretq
