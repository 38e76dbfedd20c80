    for (i = 0u; i < (VECTOR_OUTPUT_FRAMES * @PREFIX@_OUTPUTS); ++i) {
        wrong += (outputs[i] != vector_outputs[i]) ? 1u : 0u;
    }
    wrong += (came != VECTOR_OUTPUT_FRAMES) ? 1u : 0u;
#ifdef @PREFIX@_COUNT_SATURATIONS
    {
        uint32_t saturated = 0u;

        for (i = 0u; i < @PREFIX@_LAYERS; ++i) {
            saturated += net.saturated[i];
        }
        wrong += (saturated != VECTOR_SATURATED) ? 1u : 0u;
    }
#endif
    device_say("@NAME@: ");
    device_say_number(VECTOR_FRAMES);
    device_say(" frames, ");
    device_say_number(VECTOR_OUTPUT_FRAMES * @PREFIX@_OUTPUTS);
    device_say(" codes, ");
    device_say_number(wrong);
    device_say(" differ");
    if (instructions != 0u) {
        device_say("; instructions a frame: ");
        device_say_number(instructions / VECTOR_FRAMES);
    }
    device_say("\n");
    return (wrong == 0u) ? 0 : 1;
