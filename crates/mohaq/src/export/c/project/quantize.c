
#ifdef @PREFIX@_QUANTIZE_FLOATS
void @NAME@_quantize(const float *features, uint32_t count, int16_t *codes)
{
    uint32_t i;

    for (i = 0u; i < count; ++i) {
        /* A power of two: the product is exact. */
        const float scaled_up = features[i] * (float)(UINT32_C(1) << @PREFIX@_INPUT_FRACTION);

        if (scaled_up >= 32767.0f) {
            codes[i] = INT16_MAX;
        } else if (scaled_up <= -32768.0f) {
            codes[i] = INT16_MIN;
        } else if (scaled_up == scaled_up) {
            int32_t nearest = (int32_t)scaled_up;
            const float rest = scaled_up - (float)nearest;
            const int32_t odd = nearest % 2;

            if ((rest > 0.5f) || ((rest == 0.5f) && (odd != 0))) {
                nearest += 1;
            } else if ((rest < -0.5f) || ((rest == -0.5f) && (odd != 0))) {
                nearest -= 1;
            } else {
                /* It is the nearest already. */
            }
            codes[i] = (int16_t)nearest;
        } else {
            codes[i] = 0;
        }
    }
}
#endif
