package shapes

import "math"

// MaxSides is the most there are.
const MaxSides = 12

const (
	Red   Colour = iota
	Green
)

var origin = Point{0, 0}

var (
	errEmpty = errors.New("empty")
)

// Point is a point in the plane.
type Point struct {
	X float64
	Y float64
}

type Shape interface {
	Area(scale float64) float64
}

type (
	Colour int
	Pair   = [2]int
)

// Area is the area of a circle.
func (c *Circle) Area(scale float64) float64 {
	local := 1
	return math.Pi * scale
}

func Map[T any, U any](items []T, f func(T) U) []U {
	return nil
}
