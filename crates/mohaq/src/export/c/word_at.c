#ifdef USE_DSP
/* Two codes of 16 bits, or packed ones, as they lie in memory; words that do not begin at a multiple of 4 are read too. */
static uint32_t word_at(const void *from)
{
    uint32_t word;

    (void)memcpy(&word, from, sizeof(word));
    return word;
}
#endif
