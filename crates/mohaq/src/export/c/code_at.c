/* Code `index` of a row of packed ones of `bits` bits: 2, 4, 8 or 16. */
static int32_t code_at(const uint8_t *row, uint32_t bits, size_t index)
{
    uint32_t code;
    uint32_t sign;

    if (bits == 16u) {
        code = (uint32_t)row[2u * index] | ((uint32_t)row[(2u * index) + 1u] << 8);
    } else {
        const size_t codes_a_byte = 8u / bits;

        code = (uint32_t)row[index / codes_a_byte] >> (bits * (index % codes_a_byte));
        code &= (UINT32_C(1) << bits) - 1u;
    }
    sign = UINT32_C(1) << (bits - 1u);
    return (int32_t)(code ^ sign) - (int32_t)sign;
}
