#ifdef USE_DSP
/*
 * Lays operands out as words of weights give them: of every whole block, codes k and k + block / 2 side by side. A word of
 * weights is a block: shifted and masked, it shows two of its codes in the halves of a word.
 */
static void arrange(int16_t *row, size_t inputs, size_t block)
{
    int16_t before[16];
    size_t begin;
    size_t k;

    for (begin = 0u; (begin + block) <= inputs; begin += block) {
        (void)memcpy(before, row + begin, block * sizeof(*row));
        for (k = 0u; k < (block / 2u); ++k) {
            row[begin + (2u * k)] = before[k];
            row[begin + (2u * k) + 1u] = before[k + (block / 2u)];
        }
    }
}
#endif
