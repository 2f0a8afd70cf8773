#include <vector>

namespace shapes {

constexpr int kMaxSides = 12;

/// A shape in the plane.
template <typename T>
class Shape : public Base {
 public:
  explicit Shape(int sides) : sides_(sides) {}
  virtual ~Shape() = default;
  virtual double area(double scale) const = 0;
  T name() const { return name_; }

 private:
  int sides_;
  T name_;
};

struct Point {
  double x;
  double y;
};

enum class Colour { Red, Green };

using Pair = std::pair<int, int>;

// Draws a shape.
template <typename T>
void draw(const Shape<T>& shape, int width_px) {
  auto local = [](int x) { return x; };
}

double Circle::area(double scale) const {
  return scale;
}

std::vector<int>& sides();

}  // namespace shapes
