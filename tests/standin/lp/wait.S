/* SPDX-License-Identifier: Apache-2.0 */
/* void wait_while_zero(const u32& word)
   Interrupts are off before and after; between them the processor waits for one, unless the word is
   no longer 0, and takes it. An NMI after the look at the word ends the wait, too: on_interrupt()
   continues at the end what it finds between the first label and the second. */

    .section .text
    .global wait_while_zero, wait_looks, wait_ends
wait_while_zero:
wait_looks:
    cmpl    $0, (%rdi)
    jne     wait_ends
    sti
    hlt
wait_ends:
    cli
    ret
