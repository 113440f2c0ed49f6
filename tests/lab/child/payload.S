/* SPDX-License-Identifier: Apache-2.0 */
/* What the children run: code of 16 bits that is copied to 0x1000 of their memory, whose segments begin
   at 0 but ES, which begins at the APIC, and FS, where nothing is. Ports say where it stands. */

    .section .rodata
    .code16
    .macro  payload name
    .balign 16
    .global payload_\name
payload_\name:
    .endm

    payload port
    mov     $0x41, %al
    mov     $0x10, %dx
    out     %al, %dx
    in      $0x11, %al
    out     %al, $0x12
    hlt

    payload memory
    movl    $0x11223344, %fs:0x40
    mov     %fs:0x44, %bl
    movb    %bl, 0x3000             /* a page that is read only */
    movb    %bl, 0x4000             /* one that is there and not accessible */
    hlt

    payload triple_fault
    ud2

    /* Interrupts 0x40 and 0x41 go to 0x1100. */
    payload halt
    sti
    hlt
    out     %al, $0x20
    hlt
    out     %al, $0x21

    .balign 16
    .global payload_handler
payload_handler:
    out     %al, $0x30
    movl    $0, %es:0xB0            /* end of interrupt */
    iret

    /* The APIC's timer, then a synthetic one. */
    payload timers
    movl    $0x1FF, %es:0xF0
    movl    $0x0B, %es:0x3E0
    movl    $0x40, %es:0x320
    movl    $200000, %es:0x380      /* a millisecond at 200 MHz */
    sti
    hlt
    out     %al, $0x20
    cli                             /* it may come before HLT */
    mov     $0x40000020, %ecx
    rdmsr
    add     $20000, %eax            /* two milliseconds */
    adc     $0, %edx
    mov     $0x400000B1, %ecx
    wrmsr
    mov     $0x1411, %eax           /* enabled, direct, vector 0x41 */
    xor     %edx, %edx
    mov     $0x400000B0, %ecx
    wrmsr
    sti
    hlt
    out     %al, $0x21

    /* Interrupts at itself, whose handler may leave their end to the assist page at 0x4000: first one,
       then two of a class at once. */
    payload assisted
    movl    $0x1FF, %es:0xF0
    mov     $0x40000073, %ecx
    mov     $0x4001, %eax
    xor     %edx, %edx
    wrmsr
    movl    $0x40040, %es:0x300
    sti
    nop
    out     %al, $0x20
    cli
    movl    $0x40040, %es:0x300
    movl    $0x40041, %es:0x300
    sti
    nop
    out     %al, $0x21
    hlt

    .balign 16
    .global payload_assisted_handler
payload_assisted_handler:
    xor     %ax, %ax
    lock btrl $0, 0x4000
    setc    %al
    out     %al, $0x30
    test    %al, %al
    jnz     1f
    movl    $0, %es:0xB0
1:  iret

    /* The first VP starts the second one at 0x2000 and waits for its interrupt. */
    payload starter
    movl    $0x1FF, %es:0xF0
    movl    $0x01000000, %es:0x310
    movl    $0x4500, %es:0x300
    movl    $0x4602, %es:0x300
    sti
    hlt
    out     %al, $0x20

    payload started
    mov     $0x50, %al
    out     %al, $0x40
    mov     $0x800, %ecx            /* its APIC in x2APIC mode */
    mov     $0xFEE00C00, %eax
    xor     %edx, %edx
    mov     $0x1B, %ecx
    wrmsr
    mov     $0x1FF, %eax
    mov     $0x80F, %ecx
    wrmsr
    mov     $0x4040, %eax           /* fixed, vector 0x40, to APIC id 0 */
    xor     %edx, %edx
    mov     $0x830, %ecx
    wrmsr
    hlt

    payload cpuid
    mov     $0x40000000, %eax
    cpuid
    out     %eax, $0x20
    mov     $7, %eax
    xor     %ecx, %ecx
    cpuid
    mov     %ebx, %eax
    out     %eax, $0x21
    mov     $0x40000002, %ecx
    rdmsr
    out     %eax, $0x22
    mov     $0x12345678, %ecx       /* no such register */
    rdmsr
    out     %eax, $0x23
    hlt

    payload doorbell
    movl    $7, %fs:0x80
    movl    $8, %fs:0x80
    hlt

    payload vectors
    movd    %xmm0, %eax
    out     %eax, $0x20
    mov     $0x99, %eax
    movd    %eax, %xmm1
    out     %eax, $0x21
    hlt

    .code64
    payload long
    mov     $0x40000021, %ecx       /* the reference TSC page is that at 0x4000 */
    mov     $0x4001, %eax
    xor     %edx, %edx
    wrmsr
    mov     $0xD0000040, %eax
    mov     $0x1122334455667788, %rbx
    mov     %rbx, (%rax)
    mov     $0x40000001, %ecx       /* its hypercall page that at 0x5800's page */
    mov     $0x8100000000000000, %rdx
    shr     $32, %rdx
    xor     %eax, %eax
    dec     %ecx
    wrmsr
    inc     %ecx
    mov     $0x5001, %eax
    xor     %edx, %edx
    wrmsr
    mov     $0x46, %ecx             /* GET_PARTITION_ID, which it may not */
    xor     %edx, %edx
    mov     $0x4800, %r8d
    mov     $0x5000, %eax
    mov     $0x900, %esp
    call    *%rax
    out     %eax, $0x20
    mov     $0x1000B, %ecx          /* SEND_IPI by registers: vector 3 is none */
    mov     $3, %edx
    mov     $1, %r8d
    mov     $0x5000, %eax
    call    *%rax
    out     %eax, $0x21
    .code16

    payload spin
1:  jmp     1b

    .global payload_end
payload_end:
    .byte   0
