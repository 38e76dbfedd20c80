/*
 * A Cortex-M as QEMU has it: vectors, memory brought in order, and semihosting for text and the way out. SysTick counts at
 * 25 MHz; under `-icount shift=0` an instruction takes 1 ns, so a tick is 40 of them.
 */
#include "device.h"

#include <string.h>

#define SYST_CSR (*(volatile uint32_t *)0xE000E010u)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014u)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018u)
#define CPACR (*(volatile uint32_t *)0xE000ED88u)
#define INSTRUCTIONS_A_TICK 40u

extern uint32_t image_data_begin, data_begin, data_end, bss_begin, bss_end, stack_end;

int main(void);
void device_reset(void);

static uint32_t semihost(uint32_t operation, const void *argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;

    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void finish(uint32_t status)
{
    /* SYS_EXIT_EXTENDED: the application ends by itself, with this status. */
    const uint32_t arguments[2] = {0x20026u, status};

    (void)semihost(0x20u, arguments);
    for (;;) {
    }
}

static void fault(void)
{
    device_say("fault\n");
    finish(1u);
}

void device_say(const char *text)
{
    (void)semihost(0x04u, text);
}

uint32_t device_instructions(void)
{
    return (0x00FFFFFFu - SYST_CVR) * INSTRUCTIONS_A_TICK;
}

void device_reset(void)
{
    (void)memcpy(&data_begin, &image_data_begin, (size_t)((char *)&data_end - (char *)&data_begin));
    (void)memset(&bss_begin, 0, (size_t)((char *)&bss_end - (char *)&bss_begin));
    CPACR |= 0xFu << 20; /* the floating point unit, which a compiler may use for copies */
    SYST_RVR = 0x00FFFFFFu;
    SYST_CVR = 0u;
    SYST_CSR = 5u; /* on, by the processor's clock, without interrupts */
    while (SYST_CVR == 0u) {
        /* Its first tick loads it. */
    }
    finish((uint32_t)main());
}

/* What the processor reads first: its stack, where it begins, and where it goes on a fault. */
typedef struct {
    const void *stack;
    void (*handlers[15])(void);
} vector_table;

__attribute__((section(".vectors"), used)) static const vector_table vectors = {
    &stack_end,
    {device_reset, fault, fault, fault, fault, fault},
};
