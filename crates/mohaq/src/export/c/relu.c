/* max(code, 0). */
static int16_t relu(int16_t code)
{
    return (int16_t)((code > 0) ? code : 0);
}
