/*
 * Runs every sequence of a file through the network and writes what comes out, and then how many codes saturated. Numbers
 * have this machine's byte order: of the file the number of sequences, then for each its frames (32 bits) and codes.
 */
#define @PREFIX@_COUNT_SATURATIONS
#include "@NAME@.c"

#include <stdio.h>
#include <stdlib.h>

static int16_t arena[@PREFIX@_ARENA_CODES];
static int16_t inputs[VERIFY_FRAMES * @PREFIX@_INPUTS];
static int16_t outputs[VERIFY_FRAMES * @PREFIX@_OUTPUTS];

static void read_or_die(void *to, size_t bytes, FILE *file)
{
    if (fread(to, 1u, bytes, file) != bytes) {
        exit(2);
    }
}

static void write_or_die(const void *from, size_t bytes, FILE *file)
{
    if (fwrite(from, 1u, bytes, file) != bytes) {
        exit(3);
    }
}

int main(int count, char **arguments)
{
    static @NAME@_net net;
    FILE *const in = (count == 3) ? fopen(arguments[1], "rb") : NULL;
    FILE *const out = (count == 3) ? fopen(arguments[2], "wb") : NULL;
    uint64_t saturated = 0u;
    uint32_t sequences;
    uint32_t i;

    if ((in == NULL) || (out == NULL)) {
        return 1;
    }
    @NAME@_init(&net, arena);
    read_or_die(&sequences, sizeof(sequences), in);
    for (i = 0u; i < sequences; ++i) {
        uint32_t frames;
        uint32_t came = 0u;

        read_or_die(&frames, sizeof(frames), in);
        if (frames > VERIFY_FRAMES) {
            return 4;
        }
        read_or_die(inputs, frames * @PREFIX@_INPUTS * sizeof(*inputs), in);
@RUN@
        write_or_die(outputs, came * @PREFIX@_OUTPUTS * sizeof(*outputs), out);
    }
    for (i = 0u; i < @PREFIX@_LAYERS; ++i) {
        saturated += net.saturated[i];
    }
    write_or_die(&saturated, sizeof(saturated), out);
    return (fclose(out) == 0) ? 0 : 3;
}
