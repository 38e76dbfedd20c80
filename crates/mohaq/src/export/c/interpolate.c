/* A function between the 513 points of its table, in Q1.14. Its argument is a 16 bit code; points are 128 codes apart. */
static int16_t interpolate(const int16_t *points, int16_t code)
{
    const uint32_t from_left = (uint32_t)((int32_t)code + 32768);
    const int16_t *const point = points + (from_left >> 7);
    const int32_t left = point[0];
    const int32_t rise = (int32_t)point[1] - left;

    return (int16_t)round_shift32((left * 128) + (rise * (int32_t)(from_left & 127u)), 7u);
}
