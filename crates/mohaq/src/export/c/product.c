/* A matrix product: weights in flash, a row a column of the result, and how numbers change their scale. */
typedef struct {
    const uint8_t *weights;  /* [columns][row_bytes], packed little-endian, the first code in the lowest bits */
    const uint32_t *scales;  /* one for every `part` columns, then from the first again; see `scaled` */
    const int16_t *biases;   /* [columns], or NULL */
    size_t inputs;
    size_t row_bytes;
    size_t block;            /* weights that the fastest kernel takes from a word, or 1 */
    size_t part;
    size_t parts;
    uint32_t input_scale;    /* from the codes that arrive to the product's operands */
    int32_t operand_max;     /* largest operand; the smallest is one further away from 0 */
} product;
