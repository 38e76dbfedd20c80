/* One case of the suite at one precision: every sequence as a whole. */
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
    static int16_t got[@PREFIX@_MAX_FRAMES * @PREFIX@_OUTPUTS];
    @NAME@_net net;
    const int16_t *input = inputs;
    const int16_t *expected = outputs;
    const int16_t *const end = outputs + @CODES@;
    uint32_t wrong = 0u;
    uint32_t sequence;
    uint32_t i;

    @NAME@_init(&net, arena);
    wrong += (@NAME@_run(&net, input, @PREFIX@_MAX_FRAMES + 1u, got) != @PREFIX@_TOO_LONG) ? 1u : 0u;
    for (sequence = 0u; sequence < @SEQUENCES@u; ++sequence) {
        const int32_t came = @NAME@_run(&net, input, lengths[sequence], got);
        const uint32_t codes = (uint32_t)came * @PREFIX@_OUTPUTS;

        for (i = 0u; i < codes; ++i) {
            if ((expected == end) || (got[i] != *expected)) {
                wrong += 1u;
            } else {
                expected += 1;
            }
        }
        input += lengths[sequence] * @PREFIX@_INPUTS;
    }
    wrong += (uint32_t)(end - expected);
    for (i = 0u; i < @PREFIX@_LAYERS; ++i) {
        wrong += (net.saturated[i] != saturated[i]) ? 1u : 0u;
    }
    return wrong;
}
