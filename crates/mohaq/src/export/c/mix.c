/* (1 - weight) * a + weight * b for a weight from 0 to 1 in Q1.14: between a and b. */
static int16_t mix(int16_t weight, int16_t a, int16_t b)
{
    return (int16_t)round_shift32(((ONE - (int32_t)weight) * (int32_t)a) + ((int32_t)weight * (int32_t)b), 14u);
}
