/* The root of a number, rounded down. */
static uint64_t root_of(uint64_t number)
{
    uint64_t rest = number;
    uint64_t root = 0u;
    uint64_t bit = UINT64_C(1) << 62;

    while (bit > rest) {
        bit >>= 2;
    }
    while (bit != 0u) {
        if (rest >= (root + bit)) {
            rest -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
        bit >>= 2;
    }
    return root;
}

/*
 * A frame brought to mean 0 and variance 1, times `gain`, plus `bias`.
 *
 * d is N times a code's distance from the mean, of at most 33 bits; divided by 2^scale it has at most 23, so that 2^16
 * squares have a sum of 64 bits. `epsilon` is added to the variance, in 1/256 of the square of a code; `shift` brings a
 * normal number in Q4.11 times its gain to the format of the result.
 */
static void normalise(size_t width, const int16_t *codes, const int16_t *gain, const int16_t *bias, uint32_t epsilon,
                      uint32_t shift, int16_t *to, uint32_t *clipped)
{
    const int64_t n = (int64_t)width;
    int64_t total = 0;
    uint64_t largest = 0u;
    uint64_t squares = 0u;
    uint64_t radicand;
    uint64_t added;
    uint64_t divisor;
    uint32_t scale = 0u;
    size_t i;

    for (i = 0u; i < width; ++i) {
        total += codes[i];
    }
    for (i = 0u; i < width; ++i) {
        const int64_t d = (n * (int64_t)codes[i]) - total;
        const uint64_t magnitude = (uint64_t)((d < 0) ? -d : d);

        largest = (magnitude > largest) ? magnitude : largest;
    }
    while ((largest >> scale) >= (UINT64_C(1) << 23)) {
        scale += 1u;
    }
    for (i = 0u; i < width; ++i) {
        const int64_t small = floor_shift64((n * (int64_t)codes[i]) - total, scale);

        squares += (uint64_t)(small * small);
    }
    radicand = (squares / (uint64_t)width) << 8;
    added = ((uint64_t)epsilon * ((uint64_t)width * (uint64_t)width)) >> (2u * scale);
    radicand = (added > (UINT64_MAX - radicand)) ? UINT64_MAX : (radicand + added);
    divisor = root_of(radicand);
    divisor = ((divisor == 0u) ? 1u : divisor) << scale;
    for (i = 0u; i < width; ++i) {
        const int64_t d = (n * (int64_t)codes[i]) - total;
        const uint64_t magnitude = (uint64_t)((d < 0) ? -d : d);
        /* d * 2^15 / divisor, half away from zero: 48 bits and less. */
        const uint64_t quotient = ((magnitude << 15) + (divisor / 2u)) / divisor;
        const int32_t near = (int32_t)((quotient > 65536u) ? 65536u : quotient);
        const int16_t normal = saturate16((d < 0) ? -near : near, clipped);

        to[i] = saturate16(round_shift32((int32_t)normal * (int32_t)gain[i], shift) + (int32_t)bias[i], clipped);
    }
}
