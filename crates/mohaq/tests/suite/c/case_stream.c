/* One case of the suite at one precision: every sequence frame by frame. */
#define @PREFIX@_COUNT_SATURATIONS
#ifdef SUITE_PORTABLE
#define @PREFIX@_PORTABLE
#endif
#include "@NAME@.c"

@ARRAYS@
uint32_t @NAME@_check(void);

uint32_t @NAME@_check(void)
{
    static int16_t arena[@PREFIX@_ARENA_CODES];
    @NAME@_net net;
    const int16_t *input = inputs;
    const int16_t *expected = outputs;
    const int16_t *const end = outputs + @CODES@;
    uint32_t wrong = 0u;
    uint32_t sequence;
    uint32_t frame;
    uint32_t i;

    @NAME@_init(&net, arena);
    for (sequence = 0u; sequence < @SEQUENCES@u; ++sequence) {
        @NAME@_reset(&net);
        for (frame = 0u; frame < lengths[sequence]; ++frame) {
            int16_t output[@PREFIX@_OUTPUTS];

            if (@NAME@_step(&net, input, output) == 1) {
                for (i = 0u; i < @PREFIX@_OUTPUTS; ++i) {
                    if ((expected == end) || (output[i] != *expected)) {
                        wrong += 1u;
                    } else {
                        expected += 1;
                    }
                }
            }
            input += @PREFIX@_INPUTS;
        }
    }
    wrong += (uint32_t)(end - expected);
    for (i = 0u; i < @PREFIX@_LAYERS; ++i) {
        wrong += (net.saturated[i] != saturated[i]) ? 1u : 0u;
    }
    return wrong;
}
