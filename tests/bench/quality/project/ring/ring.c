#include "ring.h"

#include <assert.h>
#include <stdlib.h>

bool ring_init(struct ring *ring, size_t capacity)
{
    assert(capacity > 0);
    ring->samples = calloc(capacity, sizeof(*ring->samples));
    if (ring->samples == NULL) {
        return false;
    }
    ring->capacity = capacity;
    ring_clear(ring);
    return true;
}

void ring_free(struct ring *ring)
{
    free(ring->samples);
    ring->samples = NULL;
    ring->capacity = 0;
    ring_clear(ring);
}

void ring_clear(struct ring *ring)
{
    ring->start = 0;
    ring->count = 0;
}

bool ring_is_full(const struct ring *ring)
{
    return ring->count == ring->capacity;
}

static size_t slot(const struct ring *ring, size_t index)
{
    return (ring->start + index) % ring->capacity;
}

void ring_push(struct ring *ring, float sample)
{
    if (ring_is_full(ring)) {
        ring->start = slot(ring, 1);
        ring->count--;
    }
    ring->samples[slot(ring, ring->count)] = sample;
    ring->count++;
}

bool ring_pop(struct ring *ring, float *sample)
{
    if (ring->count == 0) {
        return false;
    }
    *sample = ring->samples[ring->start];
    ring->start = slot(ring, 1);
    ring->count--;
    return true;
}

float ring_at(const struct ring *ring, size_t index)
{
    assert(index < ring->count);
    return ring->samples[slot(ring, index)];
}

size_t ring_copy(const struct ring *ring, float *target, size_t limit)
{
    size_t count = ring->count < limit ? ring->count : limit;
    for (size_t index = 0; index < count; index++) {
        target[index] = ring_at(ring, index);
    }
    return count;
}

struct ring_stats ring_measure(const struct ring *ring)
{
    struct ring_stats stats = {0};
    float sum = 0;
    for (size_t index = 0; index < ring->count; index++) {
        float sample = ring_at(ring, index);
        if (index == 0 || sample < stats.least) {
            stats.least = sample;
        }
        if (index == 0 || sample > stats.most) {
            stats.most = sample;
        }
        sum += sample;
    }
    if (ring->count > 0) {
        stats.mean = sum / ring->count;
    }
    return stats;
}
