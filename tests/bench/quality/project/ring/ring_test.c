#include "ring.h"

#include <assert.h>
#include <stdio.h>

static void test_pushes_in_order(void)
{
    struct ring ring;
    assert(ring_init(&ring, 4));
    ring_push(&ring, 1.0f);
    ring_push(&ring, 2.0f);
    assert(ring.count == 2);
    assert(ring_at(&ring, 0) == 1.0f);
    assert(ring_at(&ring, 1) == 2.0f);
    ring_free(&ring);
}

static void test_the_oldest_makes_room(void)
{
    struct ring ring;
    assert(ring_init(&ring, 2));
    ring_push(&ring, 1.0f);
    ring_push(&ring, 2.0f);
    assert(ring_is_full(&ring));
    ring_push(&ring, 3.0f);
    assert(ring.count == 2);
    assert(ring_at(&ring, 0) == 2.0f);
    ring_free(&ring);
}

static void test_pops_the_oldest(void)
{
    struct ring ring;
    float sample = 0.0f;
    assert(ring_init(&ring, 2));
    assert(!ring_pop(&ring, &sample));
    ring_push(&ring, 5.0f);
    ring_push(&ring, 6.0f);
    assert(ring_pop(&ring, &sample));
    assert(sample == 5.0f);
    assert(ring.count == 1);
    ring_free(&ring);
}

static void test_measures_what_is_there(void)
{
    struct ring ring;
    assert(ring_init(&ring, 8));
    for (int sample = 1; sample <= 4; sample++) {
        ring_push(&ring, (float)sample);
    }
    struct ring_stats stats = ring_measure(&ring);
    assert(stats.least == 1.0f);
    assert(stats.most == 4.0f);
    assert(stats.mean == 2.5f);
    ring_free(&ring);
}

int main(void)
{
    test_pushes_in_order();
    test_the_oldest_makes_room();
    test_pops_the_oldest();
    test_measures_what_is_there();
    puts("all passed");
    return 0;
}
