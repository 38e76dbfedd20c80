/* a * b for two numbers from -1 to 1 in Q1.14, or one of them and any 16 bit code. */
static int16_t times(int16_t a, int16_t b)
{
    return (int16_t)round_shift32((int32_t)a * (int32_t)b, 14u);
}
