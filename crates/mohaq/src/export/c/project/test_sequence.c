/* Runs the test vector, and says whether every code is the one that mohaq computed. */
#include "@NAME@.h"
#include "@NAME@_vector.h"
#include "device.h"

static int16_t arena[@PREFIX@_ARENA_CODES];
static int16_t outputs[VECTOR_FRAMES * @PREFIX@_OUTPUTS];

int main(void)
{
    @NAME@_net net;
    uint32_t came;
    uint32_t wrong = 0u;
    uint32_t begin;
    uint32_t instructions;
    uint32_t i;

    @NAME@_init(&net, arena);
    begin = device_instructions();
    came = (uint32_t)@NAME@_run(&net, vector_inputs, VECTOR_FRAMES, outputs);
    instructions = device_instructions() - begin;
@CHECK@}
