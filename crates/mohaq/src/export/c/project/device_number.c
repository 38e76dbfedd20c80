#include "device.h"

void device_say_number(uint32_t number)
{
    char digits[11];
    uint32_t rest = number;
    char *first = &digits[10];

    *first = '\0';
    do {
        --first;
        *first = (char)('0' + (char)(rest % 10u));
        rest /= 10u;
    } while (rest != 0u);
    device_say(first);
}
