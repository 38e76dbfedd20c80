/* Runs the test vector, and says whether every code is the one that mohaq computed. */
#include "@NAME@.h"
#include "@NAME@_vector.h"
#include "device.h"

static int16_t arena[@PREFIX@_ARENA_CODES];
static int16_t outputs[VECTOR_OUTPUT_FRAMES * @PREFIX@_OUTPUTS];

int main(void)
{
    @NAME@_net net;
    uint32_t came = 0u;
    uint32_t wrong = 0u;
    uint32_t begin;
    uint32_t instructions;
    uint32_t i;

    @NAME@_init(&net, arena);
    begin = device_instructions();
    for (i = 0u; i < VECTOR_FRAMES; ++i) {
        const uint32_t next = (came < VECTOR_OUTPUT_FRAMES) ? came : (VECTOR_OUTPUT_FRAMES - 1u);

        if (@NAME@_step(&net, vector_inputs + (i * @PREFIX@_INPUTS), outputs + (next * @PREFIX@_OUTPUTS)) == 1) {
            came += 1u;
        }
    }
    instructions = device_instructions() - begin;
@CHECK@}
