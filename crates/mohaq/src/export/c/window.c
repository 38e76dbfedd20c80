/*
 * The frames that an output of a convolution sees, one behind the other: `kernel` of them from frame `first - left` on,
 * and zeros for those beyond both ends.
 */
static void window(const int16_t *codes, size_t frames, size_t inputs, size_t kernel, size_t first, size_t left,
                   int16_t *to)
{
    size_t place;

    for (place = 0u; place < kernel; ++place) {
        const size_t frame = first + place;

        if ((frame >= left) && ((frame - left) < frames)) {
            (void)memcpy(to + (place * inputs), codes + ((frame - left) * inputs), inputs * sizeof(*to));
        } else {
            (void)memset(to + (place * inputs), 0, inputs * sizeof(*to));
        }
    }
}
