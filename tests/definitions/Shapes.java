package shapes;

import java.util.List;

/**
 * A shape in the plane.
 */
@Entity
public abstract class Shape<T> extends Base implements Drawable {
    public static final int MAX_SIDES = 12;
    private final List<T> sides;

    public Shape(List<T> sides) {
        this.sides = sides;
    }

    /** The area, scaled. */
    @Override
    public double area(double scale) throws ShapeException {
        int local = 1;
        return scale;
    }

    abstract void draw();

    static class Inner {
        void hidden() {}
    }
}

interface Drawable {
    void draw(int widthPx);
}

enum Colour {
    RED,
    GREEN;
}

record Point(double x, double y) {
}
