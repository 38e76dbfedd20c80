/* `count` columns of a product of @W@ bit weights from column `first` on; sums of @BITS@ bits hold every one exactly. */
static void multiply_w@W@_s@BITS@(const product *site, const int16_t *row, size_t first, size_t count, int16_t *to,
                         uint32_t *clipped)
{
    const uint8_t *weights = site->weights + (first * site->row_bytes);
    size_t scale = (first / site->part) % site->parts;
    size_t within = first % site->part;
    size_t i;
@BASE@
    for (i = 0u; i < count; ++i) {
        const @SUM@ sum = dot_w@W@_s@BITS@(weights, row, site->inputs@BASE_ARGUMENT@);
        const int16_t bias = (int16_t)((site->biases != NULL) ? site->biases[first + i] : 0);

        to[i] = result(@SCALED@(sum, site->scales[scale]), bias, clipped);
        weights += site->row_bytes;
        within += 1u;
        if (within == site->part) {
            within = 0u;
            scale = ((scale + 1u) == site->parts) ? 0u : (scale + 1u);
        }
    }
}
