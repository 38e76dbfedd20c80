/* Brings the 16 bit codes that arrive to the width of a product's operands. */
static void operands(const product *site, const int16_t *codes, int16_t *row, uint32_t *clipped)
{
    const int64_t max = site->operand_max;
    size_t i;

    for (i = 0u; i < site->inputs; ++i) {
        const int64_t value = scaled(codes[i], site->input_scale);

        if (value > max) {
            COUNT(clipped);
            row[i] = (int16_t)max;
        } else if (value < (-1 - max)) {
            COUNT(clipped);
            row[i] = (int16_t)(-1 - max);
        } else {
            row[i] = (int16_t)value;
        }
    }
#ifdef USE_DSP
    if (site->block > 2u) {
        arrange(row, site->inputs, site->block);
    }
#endif
}
