/* A machine with an operating system. */
#include "device.h"

#include <stdio.h>

void device_say(const char *text)
{
    (void)fputs(text, stdout);
}

uint32_t device_instructions(void)
{
    return 0u;
}
