/* Row `token` of a table, whose weights are packed as those of a product: a row a column. */
static void look_up(const product *table, uint32_t bits, size_t token, size_t columns, int16_t *to, uint32_t *clipped)
{
    size_t i;

    for (i = 0u; i < columns; ++i) {
        const int32_t code = code_at(table->weights + (i * table->row_bytes), bits, token);
        const int16_t bias = (int16_t)((table->biases != NULL) ? table->biases[i] : 0);

        to[i] = result(scaled(code, table->scales[i % table->parts]), bias, clipped);
    }
}
