/*
 * A RISC-V as QEMU's machine `virt` has it, in machine mode: a serial port for text, a register that ends the machine, and
 * the counter of instructions, which is exact under `-icount shift=0`.
 */
#include "device.h"

#include <string.h>

#define SERIAL (*(volatile uint8_t *)0x10000000u)
#define FINISH (*(volatile uint32_t *)0x00100000u)

extern char bss_begin[], bss_end[];

int main(void);
void device_reset(void);

/* Where the machine begins: a stack, and on in C. */
__asm__(".section .text.begin\n"
        ".globl begin\n"
        "begin:\n"
        "    la sp, stack_end\n"
        "    la t0, fault\n"
        "    csrw mtvec, t0\n"
        "    j device_reset\n"
        ".balign 4\n"
        "fault:\n"
        "    li t0, 0x00100000\n"
        "    li t1, 0x00013333\n"
        "    sw t1, 0(t0)\n"
        "    j fault\n"
        ".text\n");

void device_say(const char *text)
{
    const char *next;

    for (next = text; *next != '\0'; ++next) {
        SERIAL = (uint8_t)*next;
    }
}

uint32_t device_instructions(void)
{
    unsigned long count;

    __asm__ volatile("csrr %0, minstret" : "=r"(count));
    return (uint32_t)count;
}

void device_reset(void)
{
    uint32_t status;

    (void)memset(bss_begin, 0, (size_t)(bss_end - bss_begin));
    status = (uint32_t)main();
    FINISH = (status == 0u) ? 0x5555u : ((status << 16) | 0x3333u);
    for (;;) {
    }
}
