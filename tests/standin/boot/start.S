/* SPDX-License-Identifier: Apache-2.0 */
/* From the multiboot loader's 32-bit code to hypervisor_main() in long mode, with all memory below
   512 GiB mapped at itself. */

#define MULTIBOOT_MAGIC  0x1BADB002
#define MULTIBOOT_FLAGS  0x00000003 /* modules on page borders, memory map wanted */
#define MULTIBOOT2_MAGIC 0xE85250D6
#define MULTIBOOT2_I386  0          /* entered in 32-bit protected mode, under UEFI, too */
#define MULTIBOOT2_TAG_END      0
#define MULTIBOOT2_TAG_ALIGNED  6   /* modules on page borders */

    .section .multiboot, "a"
    .balign 4
    .long MULTIBOOT_MAGIC, MULTIBOOT_FLAGS, -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)
    .balign 8
multiboot2:
    .long MULTIBOOT2_MAGIC, MULTIBOOT2_I386, multiboot2_end - multiboot2
    .long -(MULTIBOOT2_MAGIC + MULTIBOOT2_I386 + (multiboot2_end - multiboot2))
    .short MULTIBOOT2_TAG_ALIGNED, 0
    .long 8
    .short MULTIBOOT2_TAG_END, 0
    .long 8
multiboot2_end:

    .section .text
    .code32
    .global start
start:
    cli
    cld
    mov     $boot_stack_end, %esp
    mov     %eax, %edi              /* the loader's magic, first argument */
    mov     %ebx, %esi              /* its information, second */
    xor     %eax, %eax              /* 512 pages of 1 GiB */
    mov     $boot_directory, %ebx
1:  mov     %eax, %ecx
    and     $3, %ecx
    shl     $30, %ecx
    or      $0x83, %ecx             /* present, writable, large */
    mov     %ecx, (%ebx,%eax,8)
    mov     %eax, %ecx
    shr     $2, %ecx
    mov     %ecx, 4(%ebx,%eax,8)
    inc     %eax
    cmp     $512, %eax
    jne     1b
    mov     $boot_directory + 3, %eax
    mov     %eax, boot_page_table
    mov     $start64, %ebp
    jmp     enter_long_mode

/* Paging, long mode, then a jump to the 64-bit address in %ebp. For the first processor and for those
   that it starts. Uses eax, ecx, edx; preserves edi, esi, ebx. */
    .global enter_long_mode
enter_long_mode:
    mov     $0x000000A0, %eax       /* CR4: PAE, PGE */
    mov     %eax, %cr4
    mov     $boot_page_table, %eax
    mov     %eax, %cr3
    mov     $0xC0000080, %ecx       /* EFER: LME, NXE */
    rdmsr
    or      $0x900, %eax
    wrmsr
    mov     $0x80010013, %eax       /* CR0: PG, WP, ET, MP, PE */
    mov     %eax, %cr0
    lgdt    boot_gdt_pointer
    ljmp    $0x08, $1f
    .code64
1:  mov     $0x10, %eax
    mov     %eax, %ds
    mov     %eax, %es
    mov     %eax, %ss
    xor     %eax, %eax
    mov     %eax, %fs
    mov     %eax, %gs
    mov     %ebp, %ebp
    jmp     *%rbp

start64:
    mov     $boot_stack_end, %rsp
    xor     %ebp, %ebp
    call    hypervisor_main
    ud2

    .section .data
    .balign 8
    .global boot_gdt_pointer
boot_gdt:
    .quad 0, 0x00AF9B000000FFFF, 0x00CF93000000FFFF
boot_gdt_pointer:
    .word . - boot_gdt - 1
    .long boot_gdt
    .long 0

    .section .bss
    .balign 4096
boot_page_table:
    .skip 4096
boot_directory:
    .skip 4096
boot_stack:
    .skip 16384
boot_stack_end:
