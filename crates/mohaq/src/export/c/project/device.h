/* What the test needs of a machine beside the network: a way out for text, and a count of instructions. */
#ifndef DEVICE_H
#define DEVICE_H

#include <stdint.h>

/* Prints text. */
void device_say(const char *text);

/* Prints a number. */
void device_say_number(uint32_t number);

/* Instructions since some moment, where the machine counts them, else 0. */
uint32_t device_instructions(void);

#endif
