/* A ring of samples: the newest ones of a stream, in a block of fixed size. */

#ifndef RING_H
#define RING_H

#include <stdbool.h>
#include <stddef.h>

struct ring {
    float *samples;
    size_t capacity;
    size_t start;
    size_t count;
};

struct ring_stats {
    float least;
    float most;
    float mean;
};

/* Returns false where there is no memory for so many samples. */
bool ring_init(struct ring *ring, size_t capacity);
void ring_free(struct ring *ring);
void ring_clear(struct ring *ring);

/* The oldest sample makes room for a new one where the ring is full. */
void ring_push(struct ring *ring, float sample);

/* Takes the oldest sample out; returns false where there is none. */
bool ring_pop(struct ring *ring, float *sample);

/* The sample with an index, counted from the oldest one. */
float ring_at(const struct ring *ring, size_t index);

bool ring_is_full(const struct ring *ring);
size_t ring_copy(const struct ring *ring, float *target, size_t limit);
struct ring_stats ring_measure(const struct ring *ring);

#endif
