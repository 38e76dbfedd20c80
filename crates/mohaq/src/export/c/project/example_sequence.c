#include "@NAME@.h"

static int16_t arena[@PREFIX@_ARENA_CODES];
static int16_t outputs[@PREFIX@_MAX_FRAMES * @PREFIX@_OUTPUTS];
static @NAME@_net net;

void setup(void)
{
    @NAME@_init(&net, arena);
}

void on_sequence(const int16_t *inputs, uint32_t frames)
{
    const int32_t came = @NAME@_run(&net, inputs, frames, outputs);

    if (came > 0) {
        /* So many frames came out. */
    }
}
