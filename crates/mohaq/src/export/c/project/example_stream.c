#include "@NAME@.h"

static int16_t arena[@PREFIX@_ARENA_CODES];
static @NAME@_net net;

void setup(void)
{
    @NAME@_init(&net, arena);
}

void on_frame(const int16_t input[@PREFIX@_INPUTS])
{
    int16_t output[@PREFIX@_OUTPUTS];

    if (@NAME@_step(&net, input, output) == 1) {
        /* A frame came out. */
    }
}
