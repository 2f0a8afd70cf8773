#include <stdio.h>

#define MAX_SIDES 12
#define SQUARE(x) ((x) * (x))

/* A point in the plane. */
struct point {
    double x;
    double y;
};

typedef struct {
    int n_sides;
} shape_t;

typedef int (*callback)(int);

enum colour { RED, GREEN };

static const int origin = 0;

// The area, scaled.
double area(const shape_t *shape, double scale);

static double *area(const shape_t *shape,
                    double scale)
{
    int local = 1;
    struct point p;
    return NULL;
}
