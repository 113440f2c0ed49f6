/* SPDX-License-Identifier: Apache-2.0 */
/* void world_switch(vmcb, guest registers, the hypervisor's own VMSAVE page)
   Runs the guest until its next exit. Before, all interrupts are held (CLGI); after, none is but by
   the interrupt flag, which is off both times. What neither VMRUN nor
   VMLOAD switches are the general registers but RAX and RSP, in the order of GuestRegisters. */

    .section .text
    .global world_switch, world_switch_exit
world_switch:
    push    %rbp
    push    %rbx
    push    %r12
    push    %r13
    push    %r14
    push    %r15
    push    %rdx
    push    %rsi
    sti                             /* what a guest's own interrupt flag does not hold back */
    mov     %rdi, %rax
    mov     0x00(%rsi), %rcx
    mov     0x08(%rsi), %rdx
    mov     0x10(%rsi), %rbx
    mov     0x18(%rsi), %rbp
    mov     0x28(%rsi), %rdi
    mov     0x30(%rsi), %r8
    mov     0x38(%rsi), %r9
    mov     0x40(%rsi), %r10
    mov     0x48(%rsi), %r11
    mov     0x50(%rsi), %r12
    mov     0x58(%rsi), %r13
    mov     0x60(%rsi), %r14
    mov     0x68(%rsi), %r15
    mov     0x20(%rsi), %rsi
    vmload  %rax
    vmrun   %rax
world_switch_exit:                  /* where every #VMEXIT continues */
    vmsave  %rax
    push    %rsi
    mov     8(%rsp), %rsi
    mov     %rcx, 0x00(%rsi)
    mov     %rdx, 0x08(%rsi)
    mov     %rbx, 0x10(%rsi)
    mov     %rbp, 0x18(%rsi)
    mov     %rdi, 0x28(%rsi)
    mov     %r8,  0x30(%rsi)
    mov     %r9,  0x38(%rsi)
    mov     %r10, 0x40(%rsi)
    mov     %r11, 0x48(%rsi)
    mov     %r12, 0x50(%rsi)
    mov     %r13, 0x58(%rsi)
    mov     %r14, 0x60(%rsi)
    mov     %r15, 0x68(%rsi)
    pop     %rcx
    mov     %rcx, 0x20(%rsi)
    pop     %rsi
    pop     %rax
    vmload  %rax
    cli
    stgi
    pop     %r15
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %rbx
    pop     %rbp
    ret
